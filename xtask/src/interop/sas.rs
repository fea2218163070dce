//! `swanctl --list-sas --pretty`: the daemon's own structured answer, one element per line.

use super::scenario::Role;
use super::state::{self, Child, Ike, Snapshot};
use super::suite;

/// A section of the answer.
#[derive(Debug, Default)]
struct Section {
    values: Vec<(String, String)>,
    lists: Vec<(String, Vec<String>)>,
    sections: Vec<(String, Section)>,
}

impl Section {
    fn get(&self, key: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.lists
            .iter()
            .find(|(name, _)| name == key)
            .map_or_else(Vec::new, |(_, values)| values.clone())
    }

    fn section(&self, key: &str) -> Option<&Section> {
        self.sections
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, section)| section)
    }
}

/// Established IKE SAs and installed CHILD SAs of a connection.
pub fn snapshot(text: &str, connection: &str) -> Snapshot {
    let mut lines = text.lines();
    let root = section(&mut lines);
    let mut snapshot = Snapshot::default();
    // Every SA is an event of its own, with the connection's name as the only section.
    for (_, event) in &root.sections {
        for (name, sa) in &event.sections {
            if name != connection || sa.get("state") != Some("ESTABLISHED") {
                continue;
            }
            snapshot.ike.push(ike(sa));
            let children = sa
                .section("child-sas")
                .into_iter()
                .flat_map(|children| &children.sections);
            snapshot.children.extend(
                children
                    .filter(|(_, child)| child.get("state") == Some("INSTALLED"))
                    .map(|(_, c)| child(c)),
            );
        }
    }
    snapshot
}

fn ike(sa: &Section) -> Ike {
    Ike {
        role: if sa.get("initiator") == Some("yes") {
            Role::Initiator
        } else {
            Role::Responder
        },
        local: sa.text("local-host"),
        remote: format!("{}:{}", sa.text("remote-host"), sa.text("remote-port")),
        spis: (
            state::spi(&sa.text("initiator-spi")),
            state::spi(&sa.text("responder-spi")),
        ),
        local_id: sa.text("local-id"),
        remote_id: sa.text("remote-id"),
        suite: suite::from_names(
            sa.get("encr-alg"),
            sa.get("encr-keysize"),
            sa.get("integ-alg"),
            sa.get("prf-alg"),
            sa.get("dh-group"),
        ),
    }
}

fn child(sa: &Section) -> Child {
    let count = |key: &str| {
        sa.get(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    };
    Child {
        name: sa.text("name"),
        mode: sa.text("mode").to_lowercase(),
        spi_in: state::spi(&sa.text("spi-in")),
        spi_out: state::spi(&sa.text("spi-out")),
        suite: suite::from_names(
            sa.get("encr-alg"),
            sa.get("encr-keysize"),
            sa.get("integ-alg"),
            None,
            sa.get("dh-group"),
        ),
        ts_local: selectors(sa, "local-ts"),
        ts_remote: selectors(sa, "remote-ts"),
        packets_in: count("packets-in"),
        packets_out: count("packets-out"),
    }
}

fn selectors(sa: &Section, key: &str) -> Vec<String> {
    let list = sa.list(key);
    state::selectors(list.iter().map(|text| state::selector(text)).collect())
}

/// Reads up to the closing brace of this section.
fn section<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Section {
    let mut found = Section::default();
    while let Some(line) = lines.next().map(str::trim) {
        if line == "}" {
            break;
        }
        if let Some(name) = line.strip_suffix('{') {
            let inner = section(lines);
            found.sections.push((name.trim().to_owned(), inner));
        } else if let Some(name) = line.strip_suffix('[') {
            let values = lines
                .by_ref()
                .map(str::trim)
                .take_while(|line| *line != "]")
                .map(str::to_owned)
                .collect();
            found
                .lists
                .push((name.trim().trim_end_matches('=').trim().to_owned(), values));
        } else if let Some((name, value)) = line.split_once('=') {
            found
                .values
                .push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::suite::from_keywords;

    /// What strongSwan 5.9.8 printed.
    const LISTING: &str = "list-sa event {
  gw {
    uniqueid = 1
    version = 2
    state = ESTABLISHED
    local-id = east.lab
    remote-id = west.lab
    initiator-spi = f320452119f0c82f
    responder-spi = 0d45e97246e0c03f
    encr-alg = AES_GCM_16
    encr-keysize = 128
    prf-alg = PRF_HMAC_SHA2_256
    dh-group = CURVE_25519
    child-sas {
      net-1 {
        name = net
        state = INSTALLED
        spi-in = 9e4c7f34
        spi-out = ebd36b8b
        encr-alg = AES_GCM_16
        encr-keysize = 128
        packets-in = 3
        packets-out = 4
        local-ts = [
          10.2.0.0/24
        ]
        remote-ts = [
          fd00:1::/64
          10.1.0.0/24
        ]
      }
      net-2 {
        name = net
        state = REKEYED
        spi-in = 00000001
      }
    }
  }
}
list-sa event {
  gw {
    uniqueid = 2
    state = CONNECTING
    initiator = yes
  }
}
list-sas reply {
}
";

    #[test]
    fn only_what_is_established_counts() {
        let found = snapshot(LISTING, "gw");
        assert!(snapshot(LISTING, "gw2").ike.is_empty());
        assert!(found.is_up());
        let ike = &found.ike[0];
        assert_eq!(ike.role, Role::Responder);
        assert_eq!(
            ike.spis,
            ("f320452119f0c82f".into(), "d45e97246e0c03f".into())
        );
        assert_eq!(
            (ike.local_id.as_str(), ike.remote_id.as_str()),
            ("east.lab", "west.lab")
        );
        assert_eq!(ike.suite, from_keywords("aes128gcm16-prfsha256-x25519"));
        let child = &found.children[0];
        assert_eq!(
            (child.spi_in.as_str(), child.spi_out.as_str()),
            ("9e4c7f34", "ebd36b8b")
        );
        assert_eq!(child.ts_local, ["10.2.0.0/24"]);
        assert_eq!(child.ts_remote, ["10.1.0.0/24", "fd00:1::/64"]);
        assert_eq!((child.packets_in, child.packets_out), (3, 4));
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(snapshot("list-sas reply {\n}\n", "gw").ike.is_empty());
        assert!(snapshot("", "gw").children.is_empty());
    }
}
