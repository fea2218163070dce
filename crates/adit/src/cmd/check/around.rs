//! Where a configuration stands, and what of the files that it names may be read from there.
//!
//! A relative name is looked for beside the configuration. An absolute one means the host that the configuration is of:
//! this one when it stands where products have it (`/etc/ipsec.conf`), the tree that it is in when that looks alike, or
//! the folder that `--root` names; otherwise it isn't looked for. A configuration may be a stranger's: neither `..` nor a
//! symbolic link leads out of that tree, or of the configuration's folder where there is none.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// More of a file isn't read.
const LARGEST: u64 = 1 << 20;
/// More files of a folder aren't read.
const MOST_FILES: usize = 256;

/// Folders in which products have their configurations.
const HOMES: &[&str] = &[
    "etc/strongswan/swanctl/conf.d",
    "etc/strongswan/swanctl",
    "etc/strongswan",
    "etc/swanctl/conf.d",
    "etc/swanctl",
    "etc/ipsec.d",
    "etc/racoon",
    "usr/local/etc/swanctl",
    "usr/local/etc/racoon",
    "usr/local/etc",
    "etc",
];

/// The surroundings of a configuration file.
#[derive(Clone, Debug)]
pub struct Around {
    folder: PathBuf,
    root: Option<PathBuf>,
    /// Nothing that isn't in one of these is read. They are free of links.
    limits: Vec<PathBuf>,
}

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It can't be looked for: it is of a host that isn't at hand.
    Unknown,
    /// Out of what may be read.
    Outside,
    /// To this file, whether it is there or not.
    At(PathBuf),
}

/// Files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// In the order of their names.
    pub files: Vec<PathBuf>,
    /// More are there, and aren't listed.
    pub cut: usize,
    /// Links that lead out of what may be read.
    pub outside: Vec<PathBuf>,
}

impl Around {
    /// Those of `config`.
    pub fn of(config: &Path, root: Option<&Path>) -> Self {
        let folder = parent(config);
        let whole = std::fs::canonicalize(&folder).ok();
        let root = root.map(Path::to_owned).or_else(|| {
            let whole = whole.as_ref()?;
            let home = HOMES.iter().find(|home| whole.ends_with(home))?;
            let up = Path::new(home).components().count();
            whole.ancestors().nth(up).map(Path::to_owned)
        });
        let of_root = root.as_ref().and_then(|r| std::fs::canonicalize(r).ok());
        let home = match whole {
            // The files that it names are beside that folder.
            Some(whole) if whole.ends_with("conf.d") => whole.parent().map(Path::to_owned),
            whole => whole,
        };
        Self {
            folder,
            root,
            limits: of_root.into_iter().chain(home).collect(),
        }
    }

    /// Those of a file that it includes: of the same host, and no wider.
    pub fn of_included(&self, file: &Path) -> Self {
        Self {
            folder: parent(file),
            ..self.clone()
        }
    }

    /// Whether the files of the host that it is of can be looked for.
    pub fn is_host(&self) -> bool {
        self.root.is_some()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the file of that name is, or would be.
    pub fn resolve(&self, name: &str) -> Place {
        let rest = name.trim_start_matches('/');
        let base = if rest.len() == name.len() {
            &self.folder
        } else {
            match &self.root {
                Some(root) => root,
                None => return Place::Unknown,
            }
        };
        let whole = base.join(rest);
        // On the host itself nothing is outside.
        let all = self.limits.iter().any(|l| l == Path::new("/"));
        let up = Path::new(rest)
            .components()
            .any(|c| !matches!(c, Component::Normal(_) | Component::CurDir));
        if (up && !all) || !self.inside(&whole) {
            return Place::Outside;
        }
        Place::At(whole)
    }

    /// Whether a file, links followed, is within what may be read. The answer doesn't tell whether there is one outside.
    pub fn inside(&self, path: &Path) -> bool {
        let deepest = path
            .ancestors()
            .map(|p| {
                if p == Path::new("") {
                    Path::new(".")
                } else {
                    p
                }
            })
            .find(|p| p.symlink_metadata().is_ok());
        let whole = deepest.and_then(|p| std::fs::canonicalize(p).ok());
        whole.is_some_and(|whole| self.limits.iter().any(|l| whole.starts_with(l)))
    }

    /// Files whose name is `pattern`, which may have `*` and `?` in its last part. `None` where they can't be looked for.
    pub fn matching(&self, pattern: &str) -> Option<Listed> {
        let (folder, last) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        if folder.contains(['*', '?']) {
            return None;
        }
        if !last.contains(['*', '?']) {
            let Place::At(file) = self.resolve(pattern) else {
                return None;
            };
            return file.is_file().then(|| Listed {
                files: vec![file],
                ..Listed::default()
            });
        }
        let folder = match folder {
            "." => self.folder.clone(),
            _ => match self.resolve(&format!("{folder}/")) {
                Place::At(folder) => folder,
                Place::Unknown | Place::Outside => return None,
            },
        };
        self.files(&folder, last)
    }

    /// Files of a folder whose name is `pattern`; `None` when the folder can't be read.
    pub fn files(&self, folder: &Path, pattern: &str) -> Option<Listed> {
        if !self.inside(folder) {
            return None;
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .ok()?
            .flatten()
            .filter(|e| {
                let name = e.file_name();
                name.to_str()
                    .is_some_and(|n| fits(n.as_bytes(), pattern.as_bytes()))
            })
            .map(|e| e.path())
            .collect();
        files.sort();
        let (mut files, outside): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|p| self.inside(p));
        files.retain(|p| p.is_file());
        let cut = files.len().saturating_sub(MOST_FILES);
        files.truncate(MOST_FILES);
        Some(Listed {
            files,
            cut,
            outside,
        })
    }
}

fn parent(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A regular file's octets, up to a limit. A device isn't opened, and a pipe isn't waited for.
///
/// # Errors
/// Those of opening and reading; a file that is too large or isn't a regular one.
pub fn bounded(path: &Path) -> std::io::Result<zeroize::Zeroizing<Vec<u8>>> {
    let other = |why: &str| std::io::Error::other(why.to_owned());
    let regular = |meta: std::fs::Metadata| {
        if !meta.is_file() {
            return Err(other("not a regular file"));
        }
        if meta.len() > LARGEST {
            return Err(other("larger than 1 MB"));
        }
        Ok(meta.len())
    };
    regular(std::fs::metadata(path)?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    // Another may stand there by now.
    let size = usize::try_from(regular(file.metadata()?)?).unwrap_or_default();
    let mut octets = zeroize::Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(LARGEST).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Whether a name is what a pattern with `*` and `?` says. Only the last `*` is ever gone back to, so that no pattern takes
/// longer than the product of both lengths.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(octet) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || c == octet => {
                n += 1;
                p += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_patterns() {
        for (name, pattern) in [("a.conf", "*.conf"), ("a.conf", "?.c*f"), ("x", "*")] {
            assert!(
                fits(name.as_bytes(), pattern.as_bytes()),
                "{name} {pattern}"
            );
        }
        assert!(!fits(b"a.conf~", b"*.conf"));
        assert!(fits(b"abcbc", b"a*bc") && !fits(b"abcb", b"a*bc") && !fits(b"", b"?"));
        // Would run for days if every `*` were tried at every place.
        assert!(!fits(&[b'a'; 200], b"*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?z"));
    }

    /// A folder of this test alone, with `peer/etc/swanctl` in it.
    fn tree(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("adit-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("peer/etc/swanctl")).unwrap();
        std::fs::canonicalize(&dir).unwrap()
    }

    #[test]
    fn absolute_names_are_of_the_host_that_the_configuration_is_of() {
        let dir = tree("around");
        let (root, at) = (dir.join("peer"), Place::At);
        let host = Around::of(&root.join("etc/swanctl/swanctl.conf"), None);
        assert_eq!(host.resolve("/etc/a.pem"), at(root.join("etc/a.pem")));
        assert_eq!(host.resolve("//etc/a.pem"), at(root.join("etc/a.pem")));
        let lone = Around::of(&root.join("swanctl.conf"), None);
        assert_eq!(lone.resolve("/etc/a.pem"), Place::Unknown);
        assert_eq!(lone.resolve("a.pem"), at(root.join("a.pem")));
        let given = Around::of(&dir.join("swanctl.conf"), Some(&root));
        assert_eq!(given.resolve("/etc/a.pem"), at(root.join("etc/a.pem")));
        assert_eq!(given.resolve("b.pem"), at(dir.join("b.pem")));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn no_name_and_no_link_leads_out_of_the_tree() {
        let dir = tree("around-out");
        std::fs::write(dir.join("ours.conf"), "secret").unwrap();
        let home = dir.join("peer/etc/swanctl");
        std::fs::write(home.join("a.conf"), "").unwrap();
        for (name, target) in [
            ("link.conf", dir.join("ours.conf")),
            ("nowhere.conf", dir.join("isn't there")),
            ("folder", dir.clone()),
        ] {
            std::os::unix::fs::symlink(target, home.join(name)).unwrap();
        }
        let config = home.join("swanctl.conf");
        for root in [None, Some(dir.join("peer"))] {
            let host = Around::of(&config, root.as_deref());
            // Whether there is something outside makes no difference.
            for name in ["ours.conf", "isn't there"] {
                for way in ["../../../", "/../", "//../", "/etc/../../", "folder/"] {
                    let name = format!("{way}{name}");
                    assert_eq!(host.resolve(&name), Place::Outside, "{name}");
                    assert_eq!(host.matching(&name), None, "{name}");
                }
            }
            assert_eq!(host.resolve("link.conf"), Place::Outside);
            assert_eq!(host.resolve("nowhere.conf"), Place::Outside);
            assert_eq!(host.matching("folder/*.conf"), None);
            assert_eq!(host.matching("../../../*.conf"), None);
            let found = host.matching("*.conf").unwrap();
            assert_eq!(found.files, [home.join("a.conf")]);
            assert_eq!(found.outside.len(), 2);
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn files_that_a_pattern_leaves_out_take_nobodys_place() {
        let dir = tree("around-many");
        for n in 0..=MOST_FILES {
            std::fs::write(dir.join(format!("a{n}.bak")), "").unwrap();
        }
        std::fs::write(dir.join("z.conf"), "").unwrap();
        let lone = Around::of(&dir.join("swanctl.conf"), None);
        let found = lone.matching("*.conf").unwrap();
        assert_eq!((found.files, found.cut), (vec![dir.join("z.conf")], 0));
        let all = lone.matching("*").unwrap();
        assert_eq!((all.files.len(), all.cut), (MOST_FILES, 2));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn devices_and_what_is_too_large_are_not_read() {
        let dir = tree("around-large");
        let large = std::fs::File::create(dir.join("large")).unwrap();
        large.set_len(LARGEST + 1).unwrap();
        for path in [dir.join("large"), dir.clone(), PathBuf::from("/dev/zero")] {
            assert!(bounded(&path).is_err(), "{}", path.display());
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
