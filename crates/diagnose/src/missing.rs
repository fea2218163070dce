//! Which evidence would decide, and the commands that get it.

use crate::rule::Need;
use crate::verdict::Missing;

/// What to collect for a need. `tunnel` is the name that our side uses.
pub(crate) fn collect(need: Need, tunnel: &str, peer: &str) -> Missing {
    let (evidence, collect) = match need {
        Need::RefusingSideLog => (
            "what the peer says about one attempt: its log, or its events",
            format!(
                "on the peer, Adit: adit why --export > peer.json; then here: adit why {tunnel} --remote peer.json\n\
                 on the peer, strongSwan: journalctl -u strongswan -u strongswan-starter | grep -E 'proposals|no .* found|MAC mismatched|unacceptable'\n\
                 on the peer, Libreswan: journalctl -u ipsec | grep -E 'proposal|authentication|no .*connection'\n\
                 on the peer, Cisco IOS: debug crypto ikev2\n\
                 on the peer, PAN-OS: less mp-log ikemgr.log\n\
                 on the peer, FortiGate: diagnose debug application ike -1"
            ),
        ),
        Need::PeerReceives => (
            "whether our requests arrive at the peer, and whether its answers leave",
            "on the peer during an attempt: tcpdump -ni any 'udp port 500 or udp port 4500'\n\
             on the peer, strongSwan: journalctl -u strongswan | grep 'packet: from'"
                .to_owned(),
        ),
        Need::Echo => (
            "whether the peer's host answers at all",
            format!("here: ping -c 3 {peer}; traceroute {peer}"),
        ),
        Need::IkeProbe => (
            "whether IKE answers on UDP 500 and on UDP 4500",
            format!("here: adit why {tunnel} (it probes both ports while the tunnel is down)"),
        ),
        Need::PeerDaemon => (
            "whether the peer's IKE daemon runs and listens",
            "on the peer: ss -ulpn | grep -E ':(500|4500) '\n\
             on the peer, Adit: adit status\n\
             on the peer, strongSwan: systemctl status strongswan\n\
             on the peer, Libreswan: ipsec status"
                .to_owned(),
        ),
        Need::TwoSidedCapture => (
            "captures on both outside interfaces at the same time",
            "on both sides during one attempt: tcpdump -ni IFACE -w side.pcap 'udp port 500 or udp port 4500 or icmp'".to_owned(),
        ),
        Need::Attempt => (
            "an attempt to set the tunnel up",
            format!("here: adit up {tunnel}; adit why {tunnel}"),
        ),
    };
    Missing {
        evidence: evidence.to_owned(),
        collect,
    }
}
