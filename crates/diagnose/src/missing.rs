//! Which evidence would decide, and the commands that get it.

use crate::rule::Need;
use crate::verdict::Missing;

/// What to collect for a need. `tunnel` is the name that our side uses.
pub(crate) fn collect(need: Need, tunnel: &str, peer: &str) -> Missing {
    let (evidence, collect) = match need {
        Need::RefusingSideLog => (
            "what the peer says about the refusal: its log of one attempt, or its events",
            format!(
                "on the peer: Adit: `adit why` · strongSwan: `journalctl -u strongswan -u strongswan-starter | grep -E 'IKE|CFG|no .* found|MAC mismatched|unacceptable'` · Libreswan: `journalctl -u ipsec -g '{peer}|proposal|authentication|no .*connection'` · Cisco IOS: `debug crypto ikev2` · PAN-OS: `less mp-log ikemgr.log` · FortiGate: `diagnose debug application ike -1`; then here: `adit why --local {tunnel} --remote FILE`"
            ),
        ),
        Need::PeerReceives => (
            "whether our requests arrive at the peer, and whether its answers leave",
            "on the peer during an attempt: `tcpdump -ni any 'udp port 500 or udp port 4500'`; Adit: `adit why`; strongSwan: `journalctl -u strongswan | grep 'packet: from'`".to_owned(),
        ),
        Need::Echo => (
            "whether the peer's host answers at all",
            format!("here: `adit probe {tunnel}`, or `ping -c 3 {peer}` and `traceroute {peer}`"),
        ),
        Need::IkeProbe => (
            "whether IKE answers on UDP 500 and on UDP 4500",
            format!("here: `adit probe {tunnel}`, or `adit scan {peer}`"),
        ),
        Need::PeerDaemon => (
            "whether the peer's IKE daemon runs and listens",
            "on the peer: `ss -ulpn | grep -E ':(500|4500) '`; Adit: `adit status`; strongSwan: `systemctl status strongswan`; Libreswan: `ipsec status`".to_owned(),
        ),
        Need::TwoSidedCapture => (
            "captures on both outside interfaces at the same time",
            "on both sides during one attempt: `tcpdump -ni IFACE -w side.pcap 'udp port 500 or udp port 4500 or icmp'`".to_owned(),
        ),
        Need::Attempt => (
            "an attempt to set the tunnel up",
            format!("here: `adit up {tunnel}`, then `adit why {tunnel}` again"),
        ),
    };
    Missing {
        evidence: evidence.to_owned(),
        collect,
    }
}
