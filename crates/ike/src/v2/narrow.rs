//! Traffic selectors between configuration and wire, and their narrowing (RFC 7296 2.9, 3.13).

use std::net::IpAddr;

use adit_model::selector::{Selector, narrow};
use adit_wire::v2::{TrafficSelector, TsPayload};

/// Two sides' traffic, named from where we stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub local: Vec<Selector>,
    pub remote: Vec<Selector>,
}

impl Traffic {
    /// Whether all of `other` is in it.
    pub fn covers(&self, other: &Traffic) -> bool {
        within(&other.local, &self.local) && within(&other.remote, &self.remote)
    }
}

pub(crate) fn to_wire(selectors: &[Selector]) -> TsPayload {
    let one = |s: &Selector| match (s.start, s.end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => Some(TrafficSelector::Ipv4 {
            protocol: s.protocol,
            start_port: s.ports.0,
            end_port: s.ports.1,
            start,
            end,
        }),
        (IpAddr::V6(start), IpAddr::V6(end)) => Some(TrafficSelector::Ipv6 {
            protocol: s.protocol,
            start_port: s.ports.0,
            end_port: s.ports.1,
            start,
            end,
        }),
        _ => None,
    };
    TsPayload {
        selectors: selectors.iter().filter_map(one).collect(),
    }
}

/// The selectors that mean something here; those of unknown types and empty ranges are left out.
pub(crate) fn read(payload: &TsPayload) -> Vec<Selector> {
    payload
        .selectors
        .iter()
        .filter_map(Selector::from_wire)
        .collect()
}

/// What of the offered traffic is configured; `None` when on either side nothing is.
pub(crate) fn narrowed(offered: &Traffic, configured: &Traffic) -> Option<Traffic> {
    let both = Traffic {
        local: narrow(&offered.local, &configured.local),
        remote: narrow(&offered.remote, &configured.remote),
    };
    (!both.local.is_empty() && !both.remote.is_empty()).then_some(both)
}

/// Whether every selector of `part` lies within one of `whole`.
pub(crate) fn within(part: &[Selector], whole: &[Selector]) -> bool {
    part.iter().all(|p| whole.iter().any(|w| w.contains(p)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_wire::iana::TsType;

    fn list(texts: &[&str]) -> Vec<Selector> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn selectors_survive_the_wire() {
        let ours = list(&["10.1.0.0/24[tcp/443]", "fd00::/64", "0.0.0.0/0[any/opaque]"]);
        assert_eq!(read(&to_wire(&ours)), ours);
    }

    #[test]
    fn selectors_without_meaning_are_left_out() {
        let mut wire = to_wire(&list(&["10.1.0.0/24"]));
        wire.selectors.push(TrafficSelector::Unknown {
            kind: TsType::TS_SECLABEL,
            protocol: 0,
            body: vec![1],
        });
        wire.selectors.push(TrafficSelector::Ipv4 {
            protocol: 6,
            start_port: 9,
            end_port: 1,
            start: [10, 0, 0, 1].into(),
            end: [10, 0, 0, 2].into(),
        });
        wire.selectors.push(TrafficSelector::Ipv4 {
            protocol: 6,
            start_port: 1,
            end_port: 9,
            start: [10, 0, 0, 2].into(),
            end: [10, 0, 0, 1].into(),
        });
        assert_eq!(read(&wire), list(&["10.1.0.0/24"]));
    }

    #[test]
    fn both_sides_must_have_something_in_common() {
        let configured = Traffic {
            local: list(&["10.1.0.0/24"]),
            remote: list(&["10.2.0.0/24"]),
        };
        let offered = |local: &str, remote: &str| Traffic {
            local: list(&[local]),
            remote: list(&[remote]),
        };
        assert_eq!(
            narrowed(&offered("10.0.0.0/8", "10.2.0.7/32"), &configured),
            Some(offered("10.1.0.0/24", "10.2.0.7/32"))
        );
        assert_eq!(
            narrowed(&offered("10.0.0.0/8", "10.3.0.0/24"), &configured),
            None
        );
    }
}
