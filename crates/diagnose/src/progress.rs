//! Whether what a line says still stood when the attempt went on, and whom it concerns.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::HostState;

use crate::seen::Seen;
use crate::signals::Signals;

impl Signals<'_> {
    /// The side went on after the line: it heard from its peer, so what the line says didn't stop it.
    pub(crate) fn went_on(&self, seen: Seen<'_>) -> bool {
        self.happenings(seen.side()).any(|(fact, happening)| {
            let heard = matches!(
                happening,
                Happening::Received(_)
                    | Happening::PeerRefused { .. }
                    | Happening::IkeEstablished { .. }
                    | Happening::ChildEstablished { .. }
                    | Happening::PeerAlive
            );
            heard
                && match (fact.source.line, seen.fact.source.line) {
                    (Some(fact_line), Some(seen_line))
                        if fact.source.name == seen.fact.source.name =>
                    {
                        fact_line > seen_line
                    }
                    _ => true,
                }
        })
    }

    /// An exchange was refused for a reason that is told, so the peers hear each other.
    pub(crate) fn refused_or_told(&self) -> bool {
        !self.refused.is_empty() || !self.told.is_empty()
    }

    /// Whether lines about IKE name the address.
    pub(crate) fn names(&self, address: &str) -> bool {
        !address.is_empty()
            && self
                .case
                .facts
                .iter()
                .any(|f| matches!(f.what, Known::Happened { .. }) && holds(&f.source.text, address))
    }

    /// Whether an address that no line about IKE names answered an echo: a host behind the tunnel.
    pub(crate) fn inner_echo(&self, answered: bool) -> Option<(&Fact, &str)> {
        self.echoes(answered).find(|(_, to)| !self.names(to))
    }

    /// Whether the peer's gateway itself answered an echo that somebody sent by hand.
    pub(crate) fn outer_echo(&self, answered: bool) -> Option<(&Fact, &str)> {
        self.echoes(answered).find(|(_, to)| self.names(to))
    }

    fn echoes(&self, answered: bool) -> impl Iterator<Item = (&Fact, &str)> {
        self.case.facts.iter().filter_map(move |f| match &f.what {
            Known::Host { state } => match &**state {
                HostState::Ping {
                    to, sent, received, ..
                } if *sent > 0 && (*received > 0) == answered => Some((f, to.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// The side's tunnel is up or its peer was heard, on the port that ESP in UDP uses too.
    pub(crate) fn heard(&self, side: Side) -> bool {
        self.up || self.received(side).is_some()
    }
}

/// Whether `text` holds `word` with nothing joined to it that would make it another address.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let joined = |c: char| c.is_ascii_alphanumeric();
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(|c| joined(c) || c == '.') && !after.is_some_and(joined)
    })
}

/// The port at the end of `203.0.113.1/500`, `outside:203.0.113.1/500` or `203.0.113.1:500`.
pub(crate) fn port_of(endpoint: &str) -> Option<u16> {
    endpoint
        .trim_end_matches([',', '.', ';'])
        .rsplit_once(['/', ':'])
        .and_then(|(_, port)| port.parse().ok())
}

/// The port that a line of a filter is about: named, or at the end of its destination.
pub(crate) fn filtered_port(seen: Seen<'_>) -> Option<u16> {
    seen.value("port")
        .and_then(|p| p.parse().ok())
        .or_else(|| seen.value("destination").and_then(port_of))
}

/// Whether a port is IKE's: 500, or 4500 once a NAT was found.
pub(crate) fn is_ike(port: u16) -> bool {
    matches!(port, 500 | 4500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_whole() {
        assert!(holds("sending to 192.0.2.1[500]", "192.0.2.1"));
        assert!(!holds("sending to 192.0.2.10[500]", "192.0.2.1"));
        assert!(!holds("sending to 1192.0.2.1", "192.0.2.1"));
    }

    #[test]
    fn ports_stand_at_the_end() {
        assert_eq!(port_of("outside:203.0.113.1/500"), Some(500));
        assert_eq!(port_of("203.0.113.1:4500,"), Some(4500));
        assert_eq!(port_of("203.0.113.1"), None);
    }
}
