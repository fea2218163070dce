//! Packets of hosts behind gateways: whether they would be a tunnel's, and whether one could carry them yet.
//!
//! Every network is full of packets that nobody answers: names that are called out, addresses that hosts give themselves,
//! answers that come too late. A gateway logs that it drops them, and that says nothing of its tunnel.

use std::net::{IpAddr, Ipv4Addr};

use adit_model::complaint::Complaint;
use adit_model::fact::{Known, Side};
use adit_model::listed::Stage;
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::plane::Nets;
use crate::progress::port_of;
use crate::seen::{Seen, before};
use crate::signals::Signals;

/// What says that no SA could be set up, in products that print no exchanges.
const NOT_SET_UP: &[Sign] = &[
    Sign::FirstMessageUnanswered,
    Sign::LaterMessageUnanswered,
    Sign::NegotiationTimedOut,
    Sign::NegotiationFailed,
    Sign::FirstExchangeRefused,
    Sign::FirstProposalsRefusedByPeer,
    Sign::ProposalsRefusedByPeer,
    Sign::AuthenticationRefusedByPeer,
];

/// What breaks now and then, or isn't as fast as it might be, and works otherwise.
const AT_TIMES: &[Complaint] = &[
    Complaint::Slow,
    Complaint::Periodic,
    Complaint::NowAndThen,
    Complaint::AtRekey,
    Complaint::AfterIdle,
    Complaint::AfterRestart,
    Complaint::AfterPeerRestart,
    Complaint::SecondClientKicks,
];

/// What doesn't work at all, or only one way or for some.
const ALWAYS: &[Complaint] = &[
    Complaint::NothingPasses,
    Complaint::NothingReached,
    Complaint::OneWay,
    Complaint::GatewayOnly,
    Complaint::SomeNetworks,
    Complaint::InClear,
];

impl Signals<'_> {
    /// The tunnel isn't up, and the last that is known of it is a key exchange that failed: no packet of a host has an SA
    /// yet.
    pub(crate) fn fails_in_ike(&self) -> bool {
        let listed = |side| {
            self.case
                .of(side)
                .any(|f| matches!(&f.what, Known::Listed { sa } if sa.stage == Stage::Up))
        };
        !self.up
            && !listed(Side::Local)
            && (self.refused_or_told()
                || self.nothing_came().is_some()
                || self.signs.iter().any(|x| {
                    let later = |done: Seen<'_>| before(x.fact, done.fact);
                    NOT_SET_UP.contains(&x.sign) && !self.signs_of(Sign::SecondPhaseDone).any(later)
                }))
    }

    /// Whoever complains says that it works in between.
    pub(crate) fn works_in_between(&self) -> bool {
        let told = |of: &[Complaint]| of.iter().any(|c| self.complains(*c).is_some());
        told(AT_TIMES) && !told(ALWAYS) && !self.traffic_suffers()
    }

    /// Whether the packet that a line names is none of the tunnel's: of a kind that no tunnel carries, or not between its
    /// networks, where those are known.
    pub(crate) fn is_none_of_the_tunnel(&self, seen: Seen<'_>) -> bool {
        let ends = ["source", "destination", "to"].map(|name| seen.value(name).and_then(host_of));
        if seen
            .value("destination")
            .and_then(port_of)
            .is_some_and(calls_names)
            || ends.iter().flatten().any(stays_at_home)
        {
            return true;
        }
        let nets = self.known_networks();
        let within = |nets: &[Selector], host: IpAddr| {
            host.to_string()
                .parse::<Selector>()
                .is_ok_and(|host| nets.iter().any(|net| net.contains(&host)))
        };
        let carries = |(ours, theirs): &Nets| {
            let both = |a: &[Selector], b: &[Selector]| match ends {
                [Some(from), Some(to), _] | [Some(from), None, Some(to)] => {
                    within(a, from) && within(b, to)
                }
                [Some(one), None, None] | [None, Some(one), _] | [None, None, Some(one)] => {
                    within(a, one) || within(b, one)
                }
                [None, None, None] => true,
            };
            both(ours, theirs) || both(theirs, ours)
        };
        // Of some of them nothing may be known but that they aren't reached.
        let all = self.complains(Complaint::SomeNetworks).is_none();
        all && !nets.is_empty() && !nets.iter().any(carries)
    }

    /// The networks of the tunnel as agreed, installed, configured or listed, ours first.
    fn known_networks(&self) -> Vec<Nets> {
        let listed = self.each_carried(Side::Local);
        let listed = listed.iter().filter_map(|carried| {
            let (ours, theirs) = carried.networks()?;
            Some((vec![ours.parse().ok()?], vec![theirs.parse().ok()?]))
        });
        self.tunnel_networks().into_iter().chain(listed).collect()
    }

    /// No network of our side is behind its gateway: every one that is known is a single address, as of hosts that protect
    /// what is their own.
    pub(crate) fn protects_itself_alone(&self) -> bool {
        let nets = self.known_networks();
        let single = |net: &Selector| net.start == net.end;
        !nets.is_empty()
            && nets
                .iter()
                .all(|(ours, _)| !ours.is_empty() && ours.iter().all(single))
    }
}

/// The address in `inside:10.1.0.9/137`, `10.1.0.9:25`, `(10.1.0.9)` or `10.1.0.9`.
pub(crate) fn host_of(end: &str) -> Option<IpAddr> {
    let end = end.trim_matches(['(', ')', '[', ']', ',', '.', ';']);
    if let Ok(host) = end.parse() {
        return Some(host);
    }
    let end = end.split('/').next()?;
    end.parse().ok().or_else(|| {
        end.split(':')
            .find_map(|part| part.parse::<Ipv4Addr>().ok())
            .map(IpAddr::V4)
    })
}

/// Whether it is an address of the Internet.
pub(crate) fn is_public(host: &IpAddr) -> bool {
    match host {
        IpAddr::V4(a) => !a.is_private() && !stays_at_home(host),
        IpAddr::V6(a) => a.segments().first().is_some_and(|s| s & 0xe000 == 0x2000),
    }
}

/// Whether no router takes it further: the address of nobody, of a host that got none, of a group, or of all hosts. Of
/// which network 10.2.0.255 is the last one isn't known; hardly any host has such an address.
fn stays_at_home(host: &IpAddr) -> bool {
    match host {
        IpAddr::V4(a) => {
            a.is_unspecified()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_multicast()
                || matches!(a.octets(), [_, _, _, 255])
        }
        IpAddr::V6(a) => {
            a.is_unspecified()
                || a.is_loopback()
                || a.is_multicast()
                || a.segments().first().is_some_and(|s| s & 0xffc0 == 0xfe80)
        }
    }
}

/// Ports of NetBIOS, DHCP, SSDP, mDNS and LLMNR: whoever calls there calls everybody.
fn calls_names(port: u16) -> bool {
    matches!(port, 67 | 68 | 137 | 138 | 1900 | 5353 | 5355)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_packets_are_read() {
        for end in [
            "10.1.0.9",
            "inside:10.1.0.9/137",
            "10.1.0.9/445",
            "10.1.0.9:25",
            "(10.1.0.9)",
            "10.1.0.9,",
        ] {
            assert_eq!(host_of(end), "10.1.0.9".parse().ok(), "{end}");
        }
        assert_eq!(host_of("2001:db8::7"), "2001:db8::7".parse().ok());
        assert_eq!(host_of("outside"), None);
    }

    #[test]
    fn what_stays_at_home() {
        let home = |text: &str| text.parse().is_ok_and(|host| stays_at_home(&host));
        for text in [
            "0.0.0.0",
            "169.254.7.1",
            "224.0.0.252",
            "10.9.255.255",
            "fe80::1",
            "ff02::fb",
        ] {
            assert!(home(text), "{text}");
        }
        for text in ["10.2.0.15", "192.0.2.1", "2001:db8::7"] {
            assert!(!home(text), "{text}");
        }
    }
}
