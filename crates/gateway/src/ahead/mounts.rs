//! Network file systems: what is mounted, and what is to be mounted at the start.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use adit_model::ahead::Ahead;

/// Those of the host whose files are below `root`.
pub(super) fn look(root: &Path) -> Vec<Ahead> {
    let mut known = BTreeMap::new();
    let mut address = |name: &str| -> Option<IpAddr> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Some(address);
        }
        if let Some(found) = known.get(bare) {
            return *found;
        }
        // A resolver that doesn't answer costs its time once for each name.
        let found = (known.len() < MOST_NAMES)
            .then(|| (bare, 0).to_socket_addrs().ok()?.next())
            .flatten()
            .map(|at| at.ip());
        known.insert(bare.to_owned(), found);
        found
    };
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let mut found = table(&read("etc/fstab"), &mut address);
    found.extend(mounted(&read("proc/self/mountinfo"), &mut address));
    found.truncate(MOST);
    found
}

/// What the table of file systems has.
fn table(text: &str, address: &mut impl FnMut(&str) -> Option<IpAddr>) -> Vec<Ahead> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let what = fields.next().filter(|f| !f.starts_with('#'))?;
        let (point, kind) = (fields.next()?, fields.next()?);
        let options: Vec<String> = split(fields.next().unwrap_or(""));
        Some(Ahead::Mount {
            server: address(server(what, kind)?)?,
            point: plain(point),
            kind: kind.to_owned(),
            listed: true,
            options,
        })
    };
    text.lines().filter_map(line).collect()
}

/// What is mounted (proc(5), `/proc/pid/mountinfo`): behind the separator are type, source and options of the file system.
fn mounted(text: &str, address: &mut impl FnMut(&str) -> Option<IpAddr>) -> Vec<Ahead> {
    let line = |line: &str| {
        let (head, tail) = line.split_once(" - ")?;
        let point = head.split(' ').nth(4)?;
        let mut tail = tail.split(' ');
        let (kind, source) = (tail.next()?, tail.next()?);
        let name = server(source, kind)?;
        let options: Vec<String> = split(tail.next().unwrap_or(""));
        let told = options.iter().find_map(|o| o.strip_prefix("addr="));
        Some(Ahead::Mount {
            server: address(told.unwrap_or(name))?,
            point: plain(point),
            kind: kind.to_owned(),
            listed: false,
            options,
        })
    };
    text.lines().filter_map(line).collect()
}

/// The server in `server:/path` (NFS) or `//server/share` (CIFS).
fn server<'a>(what: &'a str, kind: &str) -> Option<&'a str> {
    match kind {
        "nfs" | "nfs4" => what.rsplit_once(":/").map(|(server, _)| server),
        "cifs" | "smb3" | "smbfs" => what.strip_prefix("//")?.split('/').next(),
        _ => None,
    }
}

fn split(options: &str) -> Vec<String> {
    // What a mount authenticates with is nobody's business.
    let secret = |o: &&str| {
        let name = o.split('=').next().unwrap_or("");
        !matches!(
            name,
            "password" | "pass" | "username" | "user" | "credentials"
        )
    };
    let all = options.split(',').filter(|o| !o.is_empty());
    all.filter(secret).map(str::to_owned).collect()
}

/// A path with its escaped blanks (`\040`).
fn plain(path: &str) -> String {
    path.replace("\\040", " ")
}

/// Names that are looked up.
const MOST_NAMES: usize = 8;
/// Mounts that are told of.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(found: &[Ahead]) -> Vec<(String, String)> {
        let each = found.iter().filter_map(|ahead| match ahead {
            Ahead::Mount { server, point, .. } => Some((server.to_string(), point.clone())),
            _ => None,
        });
        each.collect()
    }

    #[test]
    fn tables_and_mounts_are_read_and_secrets_are_not() {
        let mut known = |name: &str| match name {
            "files.lab" => Some([10, 2, 0, 9].into()),
            other => other.trim_matches(['[', ']']).parse().ok(),
        };
        let text = "# a comment\nUUID=x / ext4 defaults 0 1\nfiles.lab:/srv /srv\\040files nfs4 rw,_netdev 0 0\n//10.2.0.7/share /mnt cifs username=me,password=secret,vers=3.0 0 0\n[fd00:2::9]:/x /x nfs ro\nshort line\n";
        let found = table(text, &mut known);
        let expected = [
            ("10.2.0.9", "/srv files"),
            ("10.2.0.7", "/mnt"),
            ("fd00:2::9", "/x"),
        ];
        assert_eq!(
            servers(&found),
            expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert!(!format!("{found:?}").contains("secret"));
        let text = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n40 28 0:44 / /srv rw,relatime shared:7 - nfs4 files:/srv rw,vers=4.2,addr=10.2.0.9\n";
        assert_eq!(
            servers(&mounted(text, &mut known)),
            [("10.2.0.9".to_owned(), "/srv".to_owned())]
        );
    }
}
