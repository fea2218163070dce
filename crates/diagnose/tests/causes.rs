//! `docs/causes.md` lists every rule with what shows it. `UPDATE_DOCS=1` writes the list anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]
// This test compares files, which the crate itself never touches.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adit_diagnose::{Rule, rules};

const BEGIN: &str = "<!-- causes: written from crates/diagnose/src/rules -->\n\n";
const END: &str = "<!-- end of causes -->\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What shows that a rule works: pastes by the cause's name, and files of tests that speak of it.
fn shown_by(rule: &Rule, pastes: &[String], tests: &[(String, String)]) -> String {
    let prefix = format!("{}--", rule.id);
    let mut shown: Vec<String> = pastes
        .iter()
        .filter(|p| p.starts_with(&prefix))
        .map(|p| {
            let name = p.trim_start_matches(&prefix).trim_end_matches(".txt");
            format!("`{name}`")
        })
        .collect();
    let quoted = format!("\"{}\"", rule.id);
    shown.extend(
        tests
            .iter()
            .filter(|(_, text)| text.contains(&quoted))
            .map(|(name, _)| name.clone()),
    );
    shown.join(", ")
}

fn table() -> String {
    let pastes = names("crates/testkit/tests/pastes");
    let tests: Vec<(String, String)> = ["crates/diagnose/tests/rules", "crates/testkit/tests"]
        .iter()
        .flat_map(|folder| {
            names(folder)
                .into_iter()
                .filter(|n| n.ends_with(".rs"))
                .map(move |name| {
                    let text = std::fs::read_to_string(root().join(folder).join(&name)).unwrap();
                    (name, text)
                })
        })
        .collect();
    let mut out = String::from("| Cause | Title | Rule | Shown by |\n|---|---|---|---|\n");
    let layers = names("crates/diagnose/src/rules");
    for rule in rules() {
        let file = format!("{}.rs", rule.id.replace('-', "_"));
        let layer = layers
            .iter()
            .find(|l| {
                root()
                    .join("crates/diagnose/src/rules")
                    .join(l)
                    .join(&file)
                    .exists()
            })
            .expect("a rule stands in the file of its name");
        let _ = writeln!(
            out,
            "| `{}` | {} | `{layer}/{file}` | {} |",
            rule.id,
            rule.page.title,
            shown_by(rule, &pastes, &tests)
        );
    }
    out.push('\n');
    out
}

#[test]
fn the_document_lists_every_rule_and_what_shows_it() {
    let path = root().join("docs/causes.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text
        .split_once(BEGIN)
        .expect("the begin of the generated part");
    let (_, tail) = rest.split_once(END).expect("the end of the generated part");
    let wanted = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, wanted).unwrap();
        return;
    }
    assert!(
        text == wanted,
        "run UPDATE_DOCS=1 cargo test -p adit-diagnose --test causes"
    );
}

#[test]
fn consequences_and_look_alikes_are_causes() {
    let known: Vec<&str> = rules().map(|r| r.id).collect();
    let document = std::fs::read_to_string(root().join("docs/causes.md")).unwrap();
    for rule in rules() {
        for depends in rule.depends_on {
            assert!(known.contains(depends), "{}: {depends}", rule.id);
        }
        for (other, _) in rule.page.look_alikes {
            assert!(
                known.contains(other) || document.contains(&format!("`{other}`")),
                "{}: {other}",
                rule.id
            );
        }
    }
}

#[test]
fn the_pre_mortems_document_tells_of_every_cause_that_is_foreseen() {
    let document = std::fs::read_to_string(root().join("docs/premortem.md")).unwrap();
    let rows: Vec<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .collect();
    for cause in adit_diagnose::foreseen_causes() {
        let quoted = format!("`{cause}`");
        assert!(rows.iter().any(|row| row.contains(&quoted)), "{cause}");
    }
}
