//! What a gateway says about its tunnel, in one shape for both products.

use anyhow::Result;

use super::scenario::Role;
use super::suite::{self, Suite};

/// One side's view.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Established IKE SAs.
    pub ike: Vec<Ike>,
    /// Installed CHILD SAs.
    pub children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub struct Ike {
    pub role: Role,
    /// Our address, and the peer's with its port after a colon.
    pub local: String,
    pub remote: String,
    /// In hex without leading zeros, the initiator's first.
    pub spis: (String, String),
    pub local_id: String,
    pub remote_id: String,
    pub suite: Suite,
}

#[derive(Clone, Debug)]
pub struct Child {
    pub name: String,
    /// `tunnel` or `transport`.
    pub mode: String,
    /// In hex without leading zeros.
    pub spi_in: String,
    pub spi_out: String,
    pub suite: Suite,
    pub ts_local: Vec<String>,
    pub ts_remote: Vec<String>,
    pub packets_in: u64,
    pub packets_out: u64,
}

impl Snapshot {
    /// One IKE SA and one CHILD SA, nothing half-way.
    pub fn is_up(&self) -> bool {
        self.ike.len() == 1 && self.children.len() == 1
    }
}

/// An SPI as both products print it, made comparable.
pub fn spi(text: &str) -> String {
    let digits = text.trim().trim_start_matches("0x").trim_start_matches('0');
    digits.to_lowercase()
}

/// A selector as both products print it, made comparable: strongSwan knows some ports by name, and Adit leaves out the
/// length of a single address.
pub fn selector(text: &str) -> String {
    let (address, rest) = match text.split_once('[') {
        Some((address, rest)) => (address, format!("[{}", rest.replace("/ssh]", "/22]"))),
        None => (text, String::new()),
    };
    let length = match (address.contains(['/', '-']), address.contains(':')) {
        (true, _) => "",
        (false, true) => "/128",
        (false, false) => "/32",
    };
    format!("{address}{length}{rest}")
}

/// An identity as both products print it, made comparable: one of them tells key identifiers from names.
fn id(text: &str) -> String {
    match text.strip_prefix("keyid:") {
        Some(octets) => octets.trim_start_matches("0x").to_owned(),
        None if text.split(':').all(|octet| octet.len() == 2) => text.replace(':', ""),
        None => text.to_owned(),
    }
}

/// A list of selectors, made comparable.
pub fn selectors(mut list: Vec<String>) -> Vec<String> {
    // strongSwan's ranges: `10.1.0.0..10.2.255.255/32`.
    for text in list.iter_mut().filter(|text| text.contains("..")) {
        *text = text.replace("..", "-").replace("/32", "");
    }
    list.sort();
    list
}

/// Both sides speak of the same SAs.
pub fn mirrored(near: &Snapshot, far: &Snapshot) -> Result<()> {
    anyhow::ensure!(near.is_up(), "near side is not up: {near:?}");
    anyhow::ensure!(far.is_up(), "far side is not up: {far:?}");
    let (a, b) = (&near.ike[0], &far.ike[0]);
    anyhow::ensure!(a.role != b.role, "both sides say {}", a.role);
    anyhow::ensure!(
        a.spis == b.spis,
        "IKE SPIs differ: {:?} and {:?}",
        a.spis,
        b.spis
    );
    anyhow::ensure!(
        id(&a.local_id) == id(&b.remote_id) && id(&a.remote_id) == id(&b.local_id),
        "identities differ: {} {} and {} {}",
        a.local_id,
        a.remote_id,
        b.local_id,
        b.remote_id
    );
    anyhow::ensure!(
        suite::agree(&a.suite, &b.suite),
        "IKE algorithms differ: {:?} and {:?}",
        a.suite,
        b.suite
    );
    let (a, b) = (&near.children[0], &far.children[0]);
    anyhow::ensure!(
        a.spi_in == b.spi_out && a.spi_out == b.spi_in,
        "CHILD SPIs differ: in {} out {}, and in {} out {}",
        a.spi_in,
        a.spi_out,
        b.spi_in,
        b.spi_out
    );
    anyhow::ensure!(
        suite::agree(&a.suite, &b.suite),
        "ESP algorithms differ: {:?} and {:?}",
        a.suite,
        b.suite
    );
    anyhow::ensure!(
        a.ts_local == b.ts_remote && a.ts_remote == b.ts_local,
        "selectors differ: {:?} {:?} and {:?} {:?}",
        a.ts_local,
        a.ts_remote,
        b.ts_local,
        b.ts_remote
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(
        role: Role,
        spi_in: &str,
        spi_out: &str,
        ids: (&str, &str),
        nets: (&str, &str),
    ) -> Snapshot {
        Snapshot {
            ike: vec![Ike {
                role,
                local: "192.0.2.1".into(),
                remote: "192.0.2.2:4500".into(),
                spis: ("1".into(), "2".into()),
                local_id: ids.0.into(),
                remote_id: ids.1.into(),
                suite: suite::from_keywords("aes128gcm16-prfsha256-x25519"),
            }],
            children: vec![Child {
                name: "net".into(),
                mode: "tunnel".into(),
                spi_in: spi(spi_in),
                spi_out: spi(spi_out),
                suite: suite::from_keywords("aes128gcm16"),
                ts_local: vec![nets.0.into()],
                ts_remote: vec![nets.1.into()],
                packets_in: 0,
                packets_out: 0,
            }],
        }
    }

    #[test]
    fn mirrors_are_told_from_look_alikes() {
        let near = side(Role::Initiator, "c1", "0xC2", ("west", "east"), ("a", "b"));
        let far = side(
            Role::Responder,
            "000000c2",
            "c1",
            ("east", "west"),
            ("b", "a"),
        );
        mirrored(&near, &far).unwrap();
        assert!(mirrored(&near, &near).is_err());
        let other_spi = side(Role::Responder, "c2", "c3", ("east", "west"), ("b", "a"));
        assert!(
            mirrored(&near, &other_spi)
                .unwrap_err()
                .to_string()
                .starts_with("CHILD SPIs differ")
        );
        let other_net = side(Role::Responder, "c2", "c1", ("east", "west"), ("b", "c"));
        assert!(
            mirrored(&near, &other_net)
                .unwrap_err()
                .to_string()
                .starts_with("selectors differ")
        );
        assert!(mirrored(&near, &Snapshot::default()).is_err());
    }
}
