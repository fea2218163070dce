//! Where what was negotiated isn't simply what was configured, and how that comes.

use std::net::SocketAddr;

use adit_ike::{ChildSnapshot, IkeSaSnapshot};
use adit_model::connection::{Child, Connection, Remote};
use adit_model::proposal::{Proposal, Suite};
use adit_model::selector::Selector;
use adit_model::show::Difference;

/// The place of the first proposal that holds `suite`, from 1.
pub fn number(configured: &[Proposal], suite: &Suite) -> Option<usize> {
    let ke = suite.ke.is_some();
    let agreed = Proposal::from(*suite);
    let holds = |p: &Proposal| p.common(&agreed, ke) == Some(*suite);
    configured.iter().position(holds).map(|at| at + 1)
}

/// The differences of an IKE SA.
pub fn ike(sa: &IkeSaSnapshot, configured: &Connection) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(suite) = &sa.suite {
        found.extend(proposal(&configured.ike, suite));
    }
    if let Some(actual) = &sa.remote_id {
        let expected = configured.remote_id.as_ref();
        let (text, meaning) = match expected {
            None => ("any", "any identity that authenticates is accepted"),
            Some(id) if id.is_pattern() => ("", "the configured identity is a pattern"),
            Some(_) => (
                "",
                "the identity was configured since this IKE SA was set up",
            ),
        };
        let configured = match expected {
            Some(id) => id.to_string(),
            None => text.to_owned(),
        };
        if expected != Some(actual) {
            found.push(difference(
                "peer-identity",
                configured,
                actual.to_string(),
                meaning,
            ));
        }
    }
    found.extend(address(sa.remote, &configured.remote));
    if sa.remote.port() != configured.remote_port {
        let nat = sa.nat.unwrap_or_default();
        let meaning = match (nat.local_behind_nat, nat.remote_behind_nat) {
            (true, false) => "a NAT translates our address: IKE and ESP travel in UDP to there",
            (false, true) => {
                "a NAT translates the peer's address: IKE and ESP travel in UDP to there"
            }
            (true, true) => "NATs translate both addresses: IKE and ESP travel in UDP to there",
            (false, false) => "there is no NAT; the port for NAT traversal is used all the same",
        };
        found.push(difference(
            "port",
            configured.remote_port.to_string(),
            sa.remote.port().to_string(),
            meaning,
        ));
    }
    found
}

/// The differences of a pair of ESP SAs.
pub fn child(
    sa: &IkeSaSnapshot,
    child: &ChildSnapshot,
    configured: &Child,
    force_encap: bool,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = proposal(&configured.esp, &child.suite)
        .into_iter()
        .collect();
    let own = number(&configured.esp, &child.suite)
        .and_then(|n| configured.esp.get(n - 1))
        .filter(|p| child.suite.ke.is_none() && !p.ke.is_empty());
    if let Some(wanted) = own {
        let only = Proposal {
            ke: wanted.ke.clone(),
            addke: wanted.addke.clone(),
            ..Proposal::default()
        };
        found.push(difference(
            "key-exchange",
            only.to_string(),
            "none".to_owned(),
            "its keys come from the IKE SA's key exchange, since it was made in IKE_AUTH; from its first rekey on it has its own",
        ));
    }
    found.extend(selectors(
        "local-selectors",
        &configured.local_ts,
        &child.ts_local,
    ));
    found.extend(selectors(
        "remote-selectors",
        &configured.remote_ts,
        &child.ts_remote,
    ));
    if child.udp_encap {
        let nat = sa.nat.is_some_and(adit_ike::NatStatus::found);
        let meaning = match (nat, force_encap) {
            (true, _) => "a NAT is on the path",
            (false, true) => "encap = true",
            (false, false) => "the peer has it so",
        };
        if !force_encap || nat {
            found.push(difference(
                "encapsulation",
                "esp".to_owned(),
                "udp".to_owned(),
                meaning,
            ));
        }
    }
    found
}

fn proposal(configured: &[Proposal], suite: &Suite) -> Option<Difference> {
    let first = configured.first()?;
    let of = configured.len();
    let meaning = match number(configured, suite) {
        Some(1) => {
            let favourite = first.common(first, suite.ke.is_some());
            if favourite == Some(*suite) {
                return None;
            }
            "not the first alternatives of the configured proposal".to_owned()
        }
        Some(n) => format!("it is number {n} of the {of} configured proposals"),
        None => "none of the proposals that are configured now holds it".to_owned(),
    };
    Some(difference(
        "proposal",
        first.to_string(),
        suite.to_string(),
        &meaning,
    ))
}

fn address(actual: SocketAddr, configured: &Remote) -> Option<Difference> {
    let (configured, meaning) = match configured {
        Remote::Address(address) if *address == actual.ip() => return None,
        Remote::Address(address) => (
            address.to_string(),
            "the peer isn't where it is configured: it has moved, or a NAT gave it another address",
        ),
        Remote::Name(name) => (name.clone(), "the name has this address"),
        Remote::Any => ("any".to_owned(), "the peer came from there"),
    };
    let actual = actual.ip().to_string();
    Some(difference("peer-address", configured, actual, meaning))
}

fn selectors(what: &str, configured: &[Selector], negotiated: &[Selector]) -> Option<Difference> {
    let same =
        configured.len() == negotiated.len() && configured.iter().all(|ts| negotiated.contains(ts));
    let within = |ts: &Selector| configured.iter().any(|c| c.intersect(ts) == Some(*ts));
    let meaning = if negotiated.iter().all(within) {
        "narrowed: only what both sides have configured is carried"
    } else {
        "what is configured now was set after these were negotiated"
    };
    (!same).then(|| difference(what, list(configured), list(negotiated), meaning))
}

fn list(selectors: &[Selector]) -> String {
    let texts: Vec<String> = selectors.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn difference(what: &str, configured: String, negotiated: String, meaning: &str) -> Difference {
    Difference {
        what: what.to_owned(),
        configured,
        negotiated,
        meaning: meaning.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use adit_model::proposal::SaKind;

    fn esp(texts: &[&str]) -> Vec<Proposal> {
        let parse = |text: &&str| Proposal::parse(text, SaKind::Esp).unwrap();
        texts.iter().map(parse).collect()
    }

    fn suite(text: &str) -> Suite {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn the_place_of_a_proposal_is_counted_and_told_unless_it_is_the_first() {
        let configured = esp(&[
            "aes256gcm16-x25519",
            "aes128gcm16-aes256gcm12-ecp256",
            "aes128-sha256",
        ]);
        let told = |text: &str| proposal(&configured, &suite(text)).map(|d| d.meaning);
        assert_eq!(number(&configured, &suite("aes256gcm16-x25519")), Some(1));
        assert_eq!(told("aes256gcm16-x25519"), None);
        // Without a key exchange of its own it is still the first.
        assert_eq!(told("aes256gcm16"), None);
        assert!(
            told("aes256gcm12-ecp256")
                .unwrap()
                .contains("number 2 of the 3")
        );
        assert!(told("aes128-sha256").unwrap().contains("number 3 of the 3"));
        assert!(told("aes192-sha256").unwrap().contains("configured now"));
        let alternatives = esp(&["aes256gcm16-aes128gcm16"]);
        let second = proposal(&alternatives, &suite("aes128gcm16")).unwrap();
        assert!(second.meaning.contains("alternatives"));
    }

    #[test]
    fn narrowed_selectors_are_told_with_both_values() {
        let parse = |text: &str| -> Selector { text.parse().unwrap() };
        let configured = [parse("10.1.0.0/16")];
        let narrowed = selectors("local-selectors", &configured, &[parse("10.1.2.0/24")]).unwrap();
        assert_eq!(narrowed.configured, "10.1.0.0/16");
        assert_eq!(narrowed.negotiated, "10.1.2.0/24");
        assert!(narrowed.meaning.starts_with("narrowed"));
        assert_eq!(selectors("local-selectors", &configured, &configured), None);
        let other = selectors("local-selectors", &configured, &[parse("10.7.0.0/16")]).unwrap();
        assert!(!other.meaning.contains("narrowed"));
    }

    #[test]
    fn a_peer_elsewhere_and_one_by_name_are_told() {
        let at: SocketAddr = "192.0.2.2:500".parse().unwrap();
        let home = sample::connection("office").remote;
        assert_eq!(address(at, &home), None);
        let moved = address("198.51.100.1:4500".parse().unwrap(), &home).unwrap();
        assert_eq!(
            (moved.configured.as_str(), moved.negotiated.as_str()),
            ("192.0.2.2", "198.51.100.1")
        );
        let named = address(at, &Remote::Name("east.example".to_owned())).unwrap();
        assert_eq!(named.configured, "east.example");
        assert_eq!(address(at, &Remote::Any).unwrap().configured, "any");
    }
}
