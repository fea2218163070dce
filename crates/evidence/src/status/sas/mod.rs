//! How far SAs have got, as the gateways' own statuses list them.
//!
//! Products have their own words (`MM_WAIT_MSG2`, `CONNECTING`, `IN-NEG`, `msg1-sent`, `down`); each becomes a
//! [`Stage`]. Where a status tells more than its word, such as a peer's SPI that is still 0, that counts too. A listing
//! that has no row for what it was asked for says [`Stage::Absent`]. pluto's states on their way up are told by
//! its own reader, which knows the messages that led to them.

mod block;
mod cisco;
mod pluto;
mod racoon;
mod swan;
mod table;

use std::sync::LazyLock;

use adit_model::event::Role;
use adit_model::fact::{Fact, Known};
use adit_model::listed::{Layer, ListedSa, Stage};
use aho_corasick::AhoCorasick;

use super::fact;
use crate::reading::Place;
use crate::text::Line;

/// Words of which a line of these statuses holds one; rows of tables, which may hold none, come behind a head that does.
static MARKS: &[&str] = &[
    "ESTABLISHED",
    "CONNECTING",
    "connecting)",
    "PASSIVE",
    "REKEY",
    "DELETING",
    "SPIs:",
    "Tasks active:",
    "INSTALLED",
    "no match",
    "IKE proposal:",
    "remote '",
    "MM_",
    "AM_",
    "AG_",
    "QM_IDLE",
    "CONF_",
    "IKE Peer:",
    "There are no ",
    "There is no ",
    "READY",
    "IN-NEG",
    "Status Description:",
    "Initiator of SA",
    "emote spi:",
    "Session status:",
    "Peer: ",
    "Child sa:",
    "current outbound spi",
    "current_peer",
    "Hash",
    "Bytes ",
    "Peer ID / IP",
    "Remote address",
    " UP ",
    " DOWN ",
    "State: ",
    "esponder cookie",
    "Total active tunnels",
    " sa found",
    "IKE peer ",
    "tunnel.",
    "vd: ",
    "vpn ike gateway list",
    "name: ",
    "name=",
    "addr: ",
    "id/spi:",
    "direction:",
    "status:",
    "IPsec SA:",
    "version: ",
    "selectors(total,up)",
    "proxyid=",
    "IKESA:",
    "SADB_ASSOC",
    "Phase2",
    "SAD entries",
    "state=",
    "-sent",
    "established",
    "iked_sas:",
    "sa_childsas:",
    "StatusMessage",
    "onnectionStatus",
    "SAs: total(",
    "eroute owner",
    "STATE_QUICK_I1",
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(MARKS).ok());

/// No row of any status is longer.
const LONGEST: usize = 400;

/// Every reader of rows.
#[derive(Debug, Default)]
pub(crate) struct Sas {
    block: block::Blocks,
    cisco: cisco::Cisco,
    pluto: pluto::Pluto,
    racoon: racoon::Racoon,
    swan: swan::Swan,
    table: table::Tables,
}

impl Sas {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body;
        if body.len() > LONGEST {
            return;
        }
        let marked = SEARCH.as_ref().is_some_and(|s| s.is_match(body));
        self.swan.shown_by(body);
        self.table.line(body, marked, place, facts);
        self.racoon.line(body, marked, place, facts);
        if !marked {
            self.swan.beside(body);
            return;
        }
        // A connection's name with a number behind it looks like a program with its process.
        match line.program {
            Some(name) if !body.contains("]: ") => {
                self.swan.line(&format!("{name}[0]: {body}"), place, facts)
            }
            _ => self.swan.line(body, place, facts),
        }
        self.cisco.line(body, place, facts);
        self.block.line(body, place, facts);
        self.pluto.line(body, place, facts);
    }

    /// What was listed last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.swan.finish(facts);
        self.cisco.finish(facts);
        self.table.finish(facts);
        self.pluto.finish(facts);
    }
}

/// The fact that a row is.
fn listed(place: Place, sa: ListedSa) -> Fact {
    let role = sa.role;
    Fact {
        role,
        ..fact(place, Known::Listed { sa: Box::new(sa) })
    }
}

/// What an IKE SA that isn't up waits for, by what its SPIs and the part we play in it tell: only an initiator lacks the
/// peer's SPI, and it has it from the first answer on.
fn waiting(role: Option<Role>, version: Option<u8>, responder_spi: Option<bool>) -> Stage {
    match (role, responder_spi, version) {
        (Some(Role::Initiator), Some(false), _) => Stage::FirstUnanswered,
        (Some(Role::Initiator), Some(true), Some(2)) => Stage::AuthPending,
        (Some(Role::Initiator), Some(true), _) => Stage::KeysPending,
        (Some(Role::Responder), Some(true), _) => Stage::FirstAnswered,
        _ => Stage::Connecting,
    }
}

/// A child that is there or isn't, by name.
fn child(stage: Stage, name: Option<&str>, word: &str) -> ListedSa {
    ListedSa {
        name: name.map(ToOwned::to_owned),
        ..ListedSa::new(Layer::Child, stage, word)
    }
}

/// `initiator`, `INITIATOR`, `Initiator`.
fn role(word: &str) -> Option<Role> {
    let word = word.trim_matches([',', ' ', '.']);
    if word.eq_ignore_ascii_case("initiator") {
        Some(Role::Initiator)
    } else if word.eq_ignore_ascii_case("responder") {
        Some(Role::Responder)
    } else {
        None
    }
}

/// Whether it is written as hexadecimal digits, and whether any of them isn't 0.
fn spi(text: &str) -> Option<bool> {
    const FEWEST: usize = 8;
    let text = text.trim_start_matches("0x").trim_end_matches([',', '*']);
    (text.len() >= FEWEST && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| text.bytes().any(|b| b != b'0'))
}

/// An address, perhaps with a port behind it; also one that was made unreadable.
fn address(word: &str) -> Option<&str> {
    let word = word.trim_matches([',', ';', '(', ')', '<', '>']);
    let host = word
        .split(['[', '/'])
        .next()
        .filter(|h| !h.is_empty())
        .unwrap_or(word);
    let host = match host.rsplit_once(':') {
        Some((v4, port)) if v4.contains('.') && port.bytes().all(|b| b.is_ascii_digit()) => v4,
        _ => host,
    };
    let dotted = host.split('.').count() == 4
        && host
            .split('.')
            .all(|part| !part.is_empty() && part.len() <= 3);
    (dotted || host.parse::<std::net::IpAddr>().is_ok()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_initiator_lacks_the_other_spi() {
        let i = Some(Role::Initiator);
        assert_eq!(
            waiting(i, Some(2), spi("0000000000000000")),
            Stage::FirstUnanswered
        );
        assert_eq!(
            waiting(i, Some(2), spi("0x65967eb4beab8549")),
            Stage::AuthPending
        );
        assert_eq!(
            waiting(Some(Role::Responder), Some(1), Some(false)),
            Stage::Connecting
        );
    }

    #[test]
    fn addresses_with_ports_and_hidden_ones() {
        assert_eq!(address("192.0.2.1/500"), Some("192.0.2.1"));
        assert_eq!(address("192.0.2.1:500"), Some("192.0.2.1"));
        assert_eq!(address("192.0.2.1[gw-a]"), Some("192.0.2.1"));
        assert_eq!(address("x.x.x.x"), Some("x.x.x.x"));
        assert_eq!(address("2001:db8::1"), Some("2001:db8::1"));
        assert_eq!(address("tunnel"), None);
    }
}
