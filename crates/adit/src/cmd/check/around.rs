//! Where a configuration stands, and what of the files that it names may be read from there.
//!
//! A relative name is looked for beside the configuration. An absolute one means the host that the configuration is of:
//! this one when it stands where products have it (`/etc/ipsec.conf`), the tree that it is in when that looks alike, or
//! the folder that `--root` names; otherwise it isn't looked for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// More of a file isn't read.
const LARGEST: u64 = 1 << 20;
/// More files of a folder aren't read.
const MOST_FILES: usize = 64;

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
}

impl Around {
    /// Those of `config`.
    pub fn of(config: &Path, root: Option<&Path>) -> Self {
        let folder = match config.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let root = root.map(Path::to_owned).or_else(|| {
            let whole = std::fs::canonicalize(&folder).ok()?;
            let home = HOMES.iter().find(|home| whole.ends_with(home))?;
            let up = Path::new(home).components().count();
            whole.ancestors().nth(up).map(Path::to_owned)
        });
        Self { folder, root }
    }

    /// Whether the files of the host that it is of can be looked for.
    pub fn is_host(&self) -> bool {
        self.root.is_some()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of that name; `None` where it can't be looked for.
    pub fn resolve(&self, name: &str) -> Option<PathBuf> {
        match name.strip_prefix('/') {
            Some(rest) => self.root.as_ref().map(|root| root.join(rest)),
            None => Some(self.folder.join(name)),
        }
    }

    /// Files whose name is `pattern`, which may have `*` and `?` in its last part. `None` where they can't be looked for.
    pub fn matching(&self, pattern: &str) -> Option<Vec<PathBuf>> {
        let whole = self.resolve(pattern)?;
        let (folder, last) = (whole.parent()?, whole.file_name()?.to_str()?);
        if folder.to_string_lossy().contains(['*', '?']) || !folder.is_dir() {
            return None;
        }
        if !last.contains(['*', '?']) {
            return whole.is_file().then(|| vec![whole.clone()]);
        }
        let found = files(folder)?;
        let fits = |p: &PathBuf| {
            p.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| fits(n.as_bytes(), last.as_bytes()))
        };
        Some(found.into_iter().filter(fits).collect())
    }
}

/// Files of a folder in order; `None` when it can't be read.
pub fn files(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_file())
        .collect();
    found.sort();
    found.truncate(MOST_FILES);
    Some(found)
}

/// A regular file's octets, up to a limit.
///
/// # Errors
/// Those of opening and reading; a file that is too large or isn't a regular one.
pub fn bounded(path: &Path) -> std::io::Result<zeroize::Zeroizing<Vec<u8>>> {
    let other = |why: &str| std::io::Error::other(why.to_owned());
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(other("not a regular file"));
    }
    if meta.len() > LARGEST {
        return Err(other("larger than 1 MB"));
    }
    let size = usize::try_from(meta.len()).unwrap_or_default();
    let mut octets = zeroize::Zeroizing::new(Vec::with_capacity(size + 1));
    File::open(path)?.take(LARGEST).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Whether a name is what a pattern with `*` and `?` says.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|n| fits(&name[n..], rest)),
        (Some((b'?', rest)), Some((_, name))) => fits(name, rest),
        (Some((p, rest)), Some((n, name))) => p == n && fits(name, rest),
        _ => false,
    }
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
    }

    #[test]
    fn absolute_names_are_of_the_host_that_the_configuration_is_of() {
        let dir = std::env::temp_dir().join(format!("adit-around-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("etc/swanctl")).unwrap();
        let host = Around::of(&dir.join("etc/swanctl/swanctl.conf"), None);
        let root = std::fs::canonicalize(&dir).unwrap();
        assert_eq!(host.resolve("/etc/a.pem"), Some(root.join("etc/a.pem")));
        let lone = Around::of(&dir.join("swanctl.conf"), None);
        assert_eq!(lone.resolve("/etc/a.pem"), None);
        assert_eq!(lone.resolve("a.pem"), Some(dir.join("a.pem")));
        let given = Around::of(&dir.join("swanctl.conf"), Some(&dir));
        assert_eq!(given.resolve("/etc/a.pem"), Some(dir.join("etc/a.pem")));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
