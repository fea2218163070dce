//! The version of a product, where a text tells it beside a configuration: in a banner, a status, a log's first line.

use memchr::memmem::find_iter;

/// Words that a version follows.
const BEFORE: [&[u8]; 5] = [
    b"strongSwan ",
    b"strongSwan swanctl ",
    b"Libreswan Version ",
    b"Linux Libreswan ",
    b"Openswan Version ",
];

/// `5.9.8`, behind a blank or a `v`; strongSwan puts a U before it.
pub(super) fn number(text: &str) -> Option<(u16, u16)> {
    let text = text.trim_start_matches([' ', 'v', '-', 'u', 'U', '/']);
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The version that a text tells; none when it tells two.
pub(crate) fn told(text: &[u8]) -> Option<(u16, u16)> {
    const MOST: usize = 64;
    let mut found = None;
    for before in BEFORE {
        for at in find_iter(text, before).take(MOST) {
            let after = text.get(at + before.len()..).unwrap_or_default();
            let after = after.get(..after.len().min(12)).unwrap_or_default();
            let Some(version) = number(&String::from_utf8_lossy(after)) else {
                continue;
            };
            if found.is_some_and(|f| f != version) {
                return None;
            }
            found = Some(version);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_tell_the_version() {
        for (text, version) in [
            (
                "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1",
                (5, 9),
            ),
            ("Linux strongSwan U5.3.5/K4.4.0-210-generic", (5, 3)),
            (
                "Starting Pluto (Libreswan Version 4.10 IKEv2 IKEv1 XFRM",
                (4, 10),
            ),
            ("Linux Libreswan v3.32 (netkey) on 4.18", (3, 32)),
            ("strongSwan swanctl 5.9.13", (5, 9)),
        ] {
            assert_eq!(told(text.as_bytes()), Some(version), "{text}");
        }
        assert_eq!(told(b"strongSwan is a product"), None);
        assert_eq!(told(b"strongSwan 5.9.8 and Libreswan Version 4.10"), None);
    }
}
