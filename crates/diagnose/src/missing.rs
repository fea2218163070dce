//! Which evidence would decide, and the commands that get it from the products in question.

use std::collections::BTreeMap;

use adit_model::fact::Side;
use adit_model::product::Product;

use crate::rule::Need;
use crate::verdict::Missing;

/// The products whose commands are shown when a gateway's isn't known.
const COMMON: [Product; 7] = [
    Product::Adit,
    Product::Strongswan,
    Product::Libreswan,
    Product::Vyos,
    Product::CiscoIos,
    Product::Panos,
    Product::Fortigate,
];

const IKE_PORTS: &str = "'udp port 500 or udp port 4500'";

/// What to collect for a need. `tunnel` is the name that our side uses.
pub(crate) fn collect(
    need: Need,
    tunnel: &str,
    peer: &str,
    products: &BTreeMap<Side, Product>,
) -> Missing {
    let here = products.get(&Side::Local).copied();
    let there = products.get(&Side::Remote).copied();
    let (evidence, collect) = match need {
        Need::RefusingSideLog => (
            "what the peer says about one attempt: its log, or its events",
            on_the_peer(there, |product| log(product, tunnel)),
        ),
        Need::PeerReceives => (
            "whether our requests arrive at the peer, and whether its answers leave",
            format!(
                "on the peer during an attempt: tcpdump -ni any {IKE_PORTS}\n{}",
                on_the_peer(there, |product| capture(product).to_owned())
            ),
        ),
        Need::Echo => (
            "whether the peer's host answers at all",
            format!("here: ping -c 3 {peer}; traceroute {peer}"),
        ),
        Need::IkeProbe => (
            "whether IKE answers on UDP 500 and on UDP 4500",
            match here {
                Some(Product::Adit) => format!(
                    "here: adit why {tunnel} (it probes both ports while the tunnel is down)"
                ),
                _ => {
                    format!("here: ike-scan --ikev2 {peer}; ike-scan --ikev2 --nat-t {peer}")
                }
            },
        ),
        Need::PeerDaemon => (
            "whether the peer's IKE daemon runs and listens",
            format!(
                "on the peer: ss -ulpn | grep -E ':(500|4500) '\n{}",
                on_the_peer(there, |product| state(product).to_owned())
            ),
        ),
        Need::Counters => (
            "what passes through the tunnel: both ends' packet counters before and after ten pings",
            format!(
                "{}\n{}",
                on_one("here", here, |product| counters(product).to_owned()),
                on_the_peer(there, |product| counters(product).to_owned())
            ),
        ),
        Need::TwoSidedCapture => (
            "captures on both outside interfaces at the same time",
            "on both sides during one attempt: tcpdump -ni IFACE -w side.pcap 'udp port 500 or udp port 4500 or esp or icmp'".to_owned(),
        ),
        Need::Attempt => (
            "an attempt to set the tunnel up",
            match here {
                Some(Product::Adit) => format!("here: adit up {tunnel}; adit why {tunnel}"),
                Some(product) => format!("here, during an attempt: {}", log(product, tunnel)),
                None => on_one("here, during an attempt", None, |product| log(product, tunnel)),
            },
        ),
    };
    Missing {
        evidence: evidence.to_owned(),
        collect,
    }
}

/// A line per product that the peer may be; one, where it is known.
fn on_the_peer(product: Option<Product>, command: impl Fn(Product) -> String) -> String {
    on_one("on the peer", product, command)
}

/// The same for either side. A gateway of our own says that it is one: whose product isn't known isn't ours.
fn on_one(place: &str, product: Option<Product>, command: impl Fn(Product) -> String) -> String {
    let here = place.starts_with("here");
    let lines: Vec<String> = product
        .map_or(COMMON.to_vec(), |p| vec![p])
        .into_iter()
        .filter(|p| !here || product.is_some() || *p != Product::Adit)
        .map(|p| (p, command(p)))
        .filter(|(_, command)| !command.is_empty())
        .map(|(p, command)| format!("{place}, {p}: {command}"))
        .collect();
    lines.join("\n")
}

/// How a product is made to tell of an attempt.
fn log(product: Product, tunnel: &str) -> String {
    match product {
        Product::Adit => format!("adit why {tunnel} --export > side.json; then: adit why {tunnel} --remote side.json"),
        Product::Strongswan => "ipsec stroke loglevel ike 2; ipsec stroke loglevel cfg 2 (or swanctl --log); then journalctl -t charon -t charon-systemd --since -10min".into(),
        Product::Libreswan => "journalctl -u ipsec --since -10min, or the file of logfile=; ipsec status".into(),
        Product::Racoon => "racoon -F -d during an attempt, or grep racoon /var/log/messages".into(),
        Product::Vyos => "show log vpn ipsec; show vpn debug; show vpn ike sa".into(),
        Product::Illumos => "ikeadm set debug all /tmp/iked.log; tail -f /tmp/iked.log; ikeadm dump p1".into(),
        Product::Panos => "debug ike global on debug; tail follow yes mp-log ikemgr.log; show vpn ike-sa gateway NAME".into(),
        Product::CiscoIos => "debug crypto ikev2 (IKEv1: debug crypto isakmp); show crypto session detail".into(),
        Product::CiscoAsa => "debug crypto ikev2 protocol 127 (IKEv1: debug crypto ikev1 127); show vpn-sessiondb l2l".into(),
        Product::Juniper => "set security ike traceoptions flag all; show log kmd; show security ike inactive-tunnels".into(),
        Product::Fortigate => "diagnose debug application ike -1; diagnose debug enable; diagnose vpn ike gateway list".into(),
        Product::Mikrotik => "/system logging add topics=ipsec,!packet; /log print where topics~\"ipsec\"".into(),
        Product::Aws => "the tunnel activity log in CloudWatch Logs (enable it in the tunnel options)".into(),
        Product::Azure => "IKEDiagnosticLog in the gateway's diagnostic settings".into(),
        Product::Windows => "netsh wfp capture start; an attempt; netsh wfp capture stop; Event Viewer, RasClient".into(),
        Product::Openbsd => "iked -dvv (or isakmpd -d -DA=90) during an attempt; ipsecctl -sa".into(),
    }
}

/// How a product shows the packets that it sees.
fn capture(product: Product) -> &'static str {
    match product {
        Product::Strongswan => "journalctl -t charon | grep 'packet: from'",
        Product::Libreswan => {
            "ipsec whack --trafficstatus; journalctl -u ipsec | grep 'packet from'"
        }
        Product::Vyos => "monitor traffic interface ethX filter 'udp port 500 or udp port 4500'",
        Product::Illumos => "snoop -rd IFACE udp port 500 or udp port 4500",
        Product::Panos => {
            "debug dataplane packet-diag (filter on the peer), or tcpdump filter \"port 500\""
        }
        Product::CiscoIos | Product::CiscoAsa => {
            "monitor capture (ASA: capture), match udp any any eq 500"
        }
        Product::Juniper => "monitor traffic interface IFL no-resolve matching \"udp port 500\"",
        Product::Fortigate => "diagnose sniffer packet any 'udp port 500 or udp port 4500' 4",
        Product::Mikrotik => "/tool sniffer quick port=500,4500",
        Product::Adit
        | Product::Racoon
        | Product::Aws
        | Product::Azure
        | Product::Windows
        | Product::Openbsd => "",
    }
}

/// How a product tells what passed through its SAs.
fn counters(product: Product) -> &'static str {
    match product {
        Product::Adit => "adit status",
        Product::Strongswan => "swanctl --list-sas; ip -s xfrm state; cat /proc/net/xfrm_stat",
        Product::Libreswan => "ipsec trafficstatus; ip -s xfrm state; cat /proc/net/xfrm_stat",
        Product::Racoon | Product::Openbsd => "setkey -D (OpenBSD: ipsecctl -sa -v)",
        Product::Vyos => "show vpn ipsec sa; cat /proc/net/xfrm_stat",
        Product::Illumos => "ipseckey dump; kstat -m ipsecesp; kstat -m ipdrop",
        Product::Panos => {
            "show vpn flow tunnel-id N; show counter global filter delta yes severity drop"
        }
        Product::CiscoIos | Product::CiscoAsa => "show crypto ipsec sa",
        Product::Juniper => "show security ipsec statistics",
        Product::Fortigate => "diagnose vpn tunnel list name NAME",
        Product::Mikrotik => "/ip ipsec installed-sa print; /ip ipsec statistics print",
        Product::Aws => "CloudWatch metrics TunnelDataIn and TunnelDataOut",
        Product::Azure => "metrics Tunnel Ingress Bytes and Tunnel Egress Bytes",
        Product::Windows => "Get-NetIPsecQuickModeSA; Get-VpnConnection",
    }
}

/// How a product tells that its daemon runs and knows the tunnel.
fn state(product: Product) -> &'static str {
    match product {
        Product::Adit => "adit status",
        Product::Strongswan => "systemctl status strongswan; swanctl --list-conns",
        Product::Libreswan => "ipsec status",
        Product::Racoon => "racoonctl show-sa isakmp",
        Product::Vyos => "show vpn ipsec status; restart vpn",
        Product::Illumos => "svcs -xv ike ike:ikev2; ikeadm dump rule",
        Product::Panos => "show vpn ike-sa; show vpn tunnel",
        Product::CiscoIos => "show crypto ikev2 sa; show crypto isakmp sa",
        Product::CiscoAsa => "show crypto ikev2 sa; show run crypto",
        Product::Juniper => "show security ike security-associations",
        Product::Fortigate => "get vpn ipsec tunnel summary",
        Product::Mikrotik => "/ip ipsec active-peers print",
        Product::Openbsd => "ikectl show sa; ipsecctl -sa",
        Product::Aws | Product::Azure | Product::Windows => "",
    }
}
