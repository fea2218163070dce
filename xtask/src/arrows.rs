//! The shape of the workspace, checked: who may use whom, and what a pure crate must not touch.
//!
//! docs/ARCHITECTURE.md draws the rooms; this is the same table for machines. The purity lint is Clippy's
//! (`lints/pure.clippy.toml`); looking at the source text as well catches what a lint list forgets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::workspace;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

fn packages() -> Vec<Package> {
    workspace::metadata::<Metadata>(&[], false)
        .unwrap()
        .packages
}

/// Each crate and those of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("model", &["wire"]),
    ("crypto", &["wire", "model"]),
    ("ike", &["wire", "crypto", "model"]),
    ("esp", &["wire", "crypto", "model"]),
    // Proposals are made of code points.
    ("config", &["wire", "model"]),
    ("evidence", &["wire", "model", "crypto"]),
    ("diagnose", &["model"]),
    ("vici", &["model"]),
    ("sim", &["wire", "model", "crypto", "ike", "esp"]),
    ("kernel", &["wire", "model"]),
    ("gateway", EVERYTHING_BELOW_GATEWAY),
    ("adit", EVERYTHING_BELOW_ADIT),
    ("testkit", &["wire", "model", "crypto", "ike", "esp", "sim"]),
    ("xtask", &["adit", "crypto", "model"]),
];

const EVERYTHING_BELOW_GATEWAY: &[&str] = &[
    "wire", "model", "crypto", "ike", "esp", "config", "evidence", "diagnose", "vici", "sim",
    "kernel",
];
const EVERYTHING_BELOW_ADIT: &[&str] = &[
    "wire", "model", "crypto", "ike", "esp", "config", "evidence", "diagnose", "vici", "sim",
    "kernel", "gateway",
];

/// Crates without socket, file, thread, clock or entropy.
const PURE: &[&str] = &[
    "wire", "model", "crypto", "ike", "esp", "config", "evidence", "diagnose", "vici", "sim",
];

/// Other people's crates that would bring in what pure crates do without.
const IMPURE_DEPENDENCIES: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "rustix",
    "libc",
    "nix",
    "getrandom",
    "rand",
    "tracing-subscriber",
    "jiff",
    "chrono",
    "reqwest",
];

/// What a pure crate's source must not mention outside its tests.
const FORBIDDEN_TEXT: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "UNIX_EPOCH.elapsed",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    // Modules by their last name: `use std::{fs, io}` brings them in without saying `std::fs`.
    "fs::",
    "process::",
    "thread::",
    "env::",
    "thread_local!",
    "static mut",
    "OnceLock",
    "LazyLock",
    "getrandom",
    "RandomState",
    "println!",
    "eprintln!",
];

/// The modules that hold `unsafe` code, sorted; each block there has its SAFETY comment.
const UNSAFE: &[&str] = &[
    "crypto/src/aws_lc/raw.rs",
    "crypto/src/aws_lc/raw/kem.rs",
    "esp/src/offload/wide.rs",
    "gateway/src/watched.rs",
    "kernel/src/sys/batch.rs",
    "kernel/src/sys/device.rs",
    "kernel/src/sys/process.rs",
    "kernel/src/sys/socket.rs",
];

/// Where a forbidden word is right, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "crypto/src/aws_lc/mod.rs",
        "process::",
        "without entropy there is nothing to go on with: abort",
    ),
    (
        "evidence/src/charon/config.rs",
        "LazyLock",
        "a constant's search, made ready once",
    ),
    (
        "evidence/src/charon/message/exchange.rs",
        "LazyLock",
        "a constant's search, made ready once",
    ),
    (
        "evidence/src/charon/proposal.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/charon/value.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/status/carried.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/phrase/left_out.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/phrase/mod.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/product.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/status/dump.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/status/sas/mod.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/text/redact.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "evidence/src/status/counters.rs",
        "LazyLock",
        "a table of constants, made searchable once",
    ),
    (
        "crypto/src/aws_lc/modp.rs",
        "OnceLock",
        "a constant that is too long to write down",
    ),
];

fn short(package: &str) -> &str {
    package.strip_prefix("adit-").unwrap_or(package)
}

fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    ARROWS.iter().copied().collect()
}

#[test]
fn dependencies_point_down() {
    let allowed = allowed();
    let packages = packages();
    let ours: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = short(&package.name);
        let Some(may_use) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| ours.contains(&d.name.as_str()))
        {
            let target = short(&dependency.name);
            let dev = dependency.kind.as_deref() == Some("dev");
            // Tests may lean on the virtual world and the test kit, and an outer crate's tests on anything.
            let fine = may_use.contains(&target)
                || dev && (["sim", "testkit"].contains(&target) || !PURE.contains(&name));
            if !fine {
                wrong.push(format!(
                    "{name} must not use {target}{}",
                    if dev { " (in tests)" } else { "" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table itself must describe a world without circles, or the test above would bless one.
#[test]
fn the_table_has_an_order() {
    let allowed = allowed();
    let mut settled: Vec<&str> = Vec::new();
    while settled.len() < allowed.len() {
        let before = settled.len();
        for (name, may_use) in &allowed {
            if !settled.contains(name) && may_use.iter().all(|used| settled.contains(used)) {
                settled.push(name);
            }
        }
        assert!(
            settled.len() > before,
            "a circle among {:?}",
            allowed
                .keys()
                .filter(|n| !settled.contains(n))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn pure_crates_have_pure_dependencies() {
    let packages = packages();
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|p| PURE.contains(&short(&p.name))) {
        for dependency in &package.dependencies {
            if dependency.kind.is_none() && IMPURE_DEPENDENCIES.contains(&dependency.name.as_str())
            {
                wrong.push(format!("{} must not use {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_crates_carry_the_purity_lint() {
    let crates = workspace::root().join("crates");
    let lint = fs::canonicalize(workspace::root().join("lints/pure.clippy.toml")).unwrap();
    for name in PURE {
        let link = crates.join(name).join("clippy.toml");
        assert_eq!(
            fs::canonicalize(&link).ok().as_ref(),
            Some(&lint),
            "{} must link to the purity lint",
            link.display()
        );
        let manifest = fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} does not take the workspace's lints"
        );
    }
}

#[test]
fn pure_sources_touch_nothing_outside() {
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    for name in PURE {
        for file in rust_files(&workspace::root().join("crates").join(name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in code_lines(&text) {
                for forbidden in FORBIDDEN_TEXT.iter().filter(|word| mentions(line, word)) {
                    let exception = EXCEPTIONS
                        .iter()
                        .find(|(path, word, _)| file.ends_with(path) && word == forbidden);
                    match exception {
                        Some(exception) => drop(excused.insert(exception)),
                        None => wrong.push(format!("{}:{number}: {forbidden}", file.display())),
                    }
                }
            }
        }
    }
    assert_eq!(
        excused.len(),
        EXCEPTIONS.len(),
        "an exception is no longer needed"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_code_stays_where_it_is_expected() {
    let mut found = BTreeSet::new();
    for package in packages().iter().filter(|package| package.name != "xtask") {
        let name = short(&package.name);
        for file in rust_files(&workspace::root().join("crates").join(name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let is_unsafe = |line: &str| {
                ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                    .iter()
                    .any(|word| line.contains(word))
            };
            if code_lines(&text).any(|(_, line)| is_unsafe(line)) {
                let home = workspace::root().join("crates");
                found.insert(
                    file.strip_prefix(home)
                        .unwrap()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), UNSAFE);
}

#[test]
fn the_scan_sees_code_and_skips_comments_and_tests() {
    let text = "//! std::fs is absent\nfn f() { std::fs::read(p) } // why\n#[cfg(test)]\nmod sample;\n\
        #[cfg(test)]\nmod tests {\n    use std::env;\n}\nuse std::{fs::copy, io};\n";
    let lines: Vec<_> = code_lines(text)
        .filter(|(_, line)| !line.starts_with("#["))
        .collect();
    assert_eq!(
        lines,
        [
            (2, "fn f() { std::fs::read(p) } "),
            (9, "use std::{fs::copy, io};")
        ]
    );
    assert!(lines.iter().all(|(_, line)| mentions(line, "fs::")));
    assert!(!mentions("prefs::read(offs::set())", "fs::"));
}

/// Whether `line` has `word`, and not as the end of a longer name.
fn mentions(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_name))
}

/// Lines of code without comments and without what is compiled for tests only.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_tests = false;
    let mut announced = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        // rustfmt puts the end of an item where the item began.
        let was_in_tests = in_tests;
        if announced {
            in_tests = line.ends_with('{');
        } else if *line == "}" {
            in_tests = false;
        }
        let skip = announced || was_in_tests || in_tests;
        announced = *line == "#[cfg(test)]";
        !skip
    });
    lines
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
        .filter(|(_, line)| !line.trim().is_empty())
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs")
            && path.file_name().is_some_and(|n| n != "tests.rs")
        {
            files.push(path);
        }
    }
    files
}
