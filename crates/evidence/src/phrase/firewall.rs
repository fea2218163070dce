//! Sentences about filters.
//!
//! Logs of packet filters name the rule in words that an administrator chose. Only words that mean a drop count.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // What charon's updown matches packets of a tunnel with.
    any(Sign::ModuleMissing, "Couldn't load match `policy'"),
    // The own host doesn't let it out.
    any(
        Sign::SendForbidden,
        "error writing to socket: Operation not permitted",
    ),
    any(
        Sign::SendForbidden,
        "to {address:w} failed in {}. Errno 1: Operation not permitted",
    ),
    any(
        Sign::SendForbidden,
        "to {address:w} using UDP failed in {}: Operation not permitted (errno 1)",
    ),
    any(Sign::SendForbidden, "Errno 1: Operation not permitted"),
    any(Sign::SendForbidden, "sendto (Operation not permitted)"),
    any(Sign::TestForbidden, "ping: sendto: Permission denied"),
    any(
        Sign::TestForbidden,
        "ping: sendmsg: Operation not permitted",
    ),
    // ICMP about a datagram of pluto's: 9, 10 and 13 are filters', 3 is the port's.
    any(
        Sign::RejectedOnTheWay,
        "for message to {address:w} port {port:n}, complainant {by:w}: {}, origin ICMP type 3 code 13 ",
    ),
    any(
        Sign::RejectedOnTheWay,
        "for message to {address:w} port {port:n}, complainant {by:w}: {}, origin ICMP type 3 code 10 ",
    ),
    any(
        Sign::RejectedOnTheWay,
        "for message to {address:w} port {port:n}, complainant {by:w}: {}, origin ICMP type 3 code 9 ",
    ),
    any(
        Sign::RejectedOnTheWay,
        "for message to {address:w} port {port:n}, complainant {by:w}: {}, origin ICMP6 type 1 code 1 ",
    ),
    any(
        Sign::RejectedOnTheWay,
        "ICMP host {address:w} unreachable - admin prohibited",
    ),
    any(
        Sign::PortRefused,
        "for message to {address:w} port {port:n}, complainant {by:w}: Connection refused [errno 111, origin ICMP type 3 code 3 ",
    ),
    any(
        Sign::PortRefused,
        "ICMP {address:w} udp port isakmp unreachable",
    ),
    any(
        Sign::PortRefused,
        "ICMP {address:w} udp port {port:n} unreachable",
    ),
    // netfilter's LOG, whatever prefix says that it drops.
    // RouterOS.
    // Windows' pfirewall.log.
    any(
        Sign::UdpDropped,
        "DROP UDP {source:w} {destination:w} {:n} {port:n} ",
    ),
    // Flow logs of AWS: ports, protocol, packets, octets, times, action.
    any(
        Sign::UdpDropped,
        " {:n} {port:n} 17 {:n} {:n} {:n} {:n} REJECT OK",
    ),
    any(Sign::EspDropped, " 0 0 50 {:n} {:n} {:n} {:n} REJECT OK"),
    // Azure's security groups (versions 1 and 2) and virtual networks: ports, protocol, direction, denied.
    any(Sign::UdpDropped, ",{:n},{port:n},U,I,D\""),
    any(Sign::UdpDropped, ",{:n},{port:n},U,I,D,"),
    any(Sign::UdpDropped, ",{:n},{port:n},U,O,D\""),
    any(Sign::UdpDropped, ",{:n},{port:n},U,O,D,"),
    any(Sign::UdpDropped, ",{:n},{port:n},17,I,D,"),
    any(Sign::UdpDropped, ",{:n},{port:n},17,O,D,"),
    any(Sign::EspDropped, ",0,0,50,I,D,"),
    any(Sign::EspDropped, ",0,0,50,O,D,"),
    // Google's firewall rules log.
    any(
        Sign::UdpDropped,
        "\"dest_port\":{port:n},\"protocol\":17,\"src_ip\":\"{source:w}\",\"src_port\":{:n}},\"disposition\":\"DENIED\"",
    ),
    any(
        Sign::EspDropped,
        "\"protocol\":50,\"src_ip\":\"{source:w}\"},\"disposition\":\"DENIED\"",
    ),
    // ASA: through the box, to the box.
    any(
        Sign::UdpDropped,
        "106023: Deny udp src {source:w} dst {destination:w}",
    ),
    any(
        Sign::EspDropped,
        "106023: Deny protocol 50 src {source:w} dst {destination:w}",
    ),
    any(
        Sign::EspDropped,
        "106023: Deny esp src {source:w} dst {destination:w}",
    ),
    any(
        Sign::ForwardDropped,
        "106023: Deny icmp src outside:{source:w} dst {destination:w}",
    ),
    any(
        Sign::ForwardDropped,
        "106023: Deny tcp src outside:{source:w} dst {destination:w}",
    ),
    any(
        Sign::ForwardDropped,
        "106014: Deny inbound icmp src outside:{source:w} dst {destination:w}",
    ),
    any(
        Sign::ServiceRefused,
        "UDP access denied by ACL from {source:w} to {destination:w}",
    ),
    any(
        Sign::ServiceRefused,
        "710005: UDP request discarded from {source:w} to {destination:w}",
    ),
    // charon, told by interfaces_use or interfaces_ignore.
    any(
        Sign::ServiceRefused,
        "received packet from {} on ignored interface",
    ),
    // FortiGate, Junos, PAN-OS about packets to themselves.
    any(
        Sign::ServiceRefused,
        "iprope_in_check() check failed on policy {rule:w}",
    ),
    any(
        Sign::ServiceRefused,
        "packet dropped: for self but not interested",
    ),
    any(
        Sign::ServiceRefused,
        "packet dropped, for self but not interested",
    ),
    any(Sign::ServiceRefused, "flow_host_service_deny {count:n}"),
    // Zones.
    any(
        Sign::ZoneDenied,
        "Denied by forward policy check (policy {rule:n}",
    ),
    any(Sign::ZoneDenied, "packet dropped, denied by policy"),
    any(Sign::ZoneDenied, "denied by policy {rule:w}, dropping pkt"),
    any(
        Sign::ZoneDenied,
        "RT_FLOW_SESSION_DENY: session denied {source:w}->{destination:w}",
    ),
    any(Sign::ZoneDenied, "flow_policy_deny {count:n}"),
    any(
        Sign::ZoneDenied,
        "One of the interfaces not being cfged for zoning",
    ),
    any(
        Sign::ZoneDenied,
        "%FW-6-DROP_PKT: Dropping {} session {source:w} {destination:w} on zone-pair {rule:w}",
    ),
    // Vyatta's filters at interfaces.
    any(
        Sign::InterfaceDenied,
        "In:{interface:w} BLOCK fw rule {rule:w}",
    ),
    any(
        Sign::InterfaceDenied,
        "Out:{interface:w} BLOCK fw rule {rule:w}",
    ),
    // Fragments.
    any(
        Sign::FragmentDropped,
        "from {source:w} {}containing an illegal IP fragment",
    ),
    any(Sign::FragmentDropped, "containing an illegal IP fragment"),
    any(
        Sign::FragmentDropped,
        "209005: Discard IP fragment set with more than",
    ),
    any(Sign::FragmentDropped, "209003: Fragment database limit of"),
    any(
        Sign::FragmentDropped,
        "RT_SCREEN_IP: Fragmented traffic! source: {source:w}",
    ),
    any(
        Sign::FragmentDropped,
        "RT_SCREEN_IP: IP fragment! source: {source:w}",
    ),
    // Forged sources.
    any(
        Sign::SpoofDropped,
        "106021: Deny {} reverse path check from {source:w} to {destination:w} on interface {interface:w}",
    ),
    any(
        Sign::SpoofDropped,
        "106016: Deny IP spoof from ({source:w}) to {destination:w} on interface {interface:w}",
    ),
    any(Sign::SpoofDropped, "reverse path check fail, drop"),
    // Check Point: the drop template's words, and the log's.
    any(
        Sign::SpoofDropped,
        "dropped by fw_antispoof{} Reason: Address spoofing",
    ),
    any(Sign::SpoofDropped, "message_info: Address spoofing"),
    // ASA.
    any(
        Sign::AnswerOutOfState,
        "106015: Deny TCP (no connection) from {source:w} to {destination:w} flags SYN ACK on interface {device:w}",
    ),
    any(Sign::SpoofDropped, "flow_dos_pf_spoof {count:n}"),
    any(
        Sign::SpoofDropped,
        "RT_SCREEN_IP: IP spoofing! source: {source:w}",
    ),
    // Mangled messages.
    any(
        Sign::MangledIke,
        "received invalid IKE header from {peer:w} - ignored",
    ),
    // What people say who looked.
    any(Sign::IkeNeverArrives, "but not on ports {port:n}"),
    any(Sign::IkeNeverArrives, "but not on port {port:n}"),
    any(Sign::IkeNeverArrives, "no packets on port {port:n}"),
    any(Sign::IkeNeverArrives, "no packets on udp port {port:n}"),
    any(Sign::IkeNeverArrives, "no traffic on port {port:n}"),
    any(Sign::IkeNeverArrives, "no traffic on udp port {port:n}"),
    any(Sign::IkeNeverArrives, "nothing arrives on port {port:n}"),
    any(Sign::IkeNeverArrives, "nothing arrives at port {port:n}"),
    any(
        Sign::IkeNeverArrives,
        "doesn't see any packets on port {port:n}",
    ),
    any(
        Sign::IkeNeverArrives,
        "not seeing any packets on port {port:n}",
    ),
    any(Sign::IkeNeverArrives, "never reach port {port:n}"),
    // Inspections: Suricata and Snort, FortiGate's and PAN-OS's.
    any(
        Sign::InspectionDropped,
        "[Drop] [**] {rule} [**] {}:500 -> {:w}",
    ),
    any(
        Sign::InspectionDropped,
        "subtype=\"ips\" {} service=\"IKE\" {} action=\"dropped\"",
    ),
    any(
        Sign::InspectionDropped,
        "subtype=\"app-ctrl\" {} app=\"IKE\" {} action=\"block\"",
    ),
    any(
        Sign::InspectionDropped,
        "[Drop] [**] {rule} [**] {}:4500 -> {:w}",
    ),
    // Memory of flows (conntrack -L).
    any(
        Sign::FlowUnanswered,
        "udp 17 {:n} src={source:w} dst={destination:w} sport={:n} dport={port:n} [UNREPLIED]",
    ),
    any(
        Sign::FlowUnanswered,
        "udp 17 {:n} src={source:w} dst={destination:w} sport={:n} dport={port:n} packets={:n} bytes={:n} [UNREPLIED]",
    ),
];

/// Whether it is a filter's set of rules that has an error, not what IPsec is configured by.
pub(super) fn is_of_a_filter(body: &str) -> bool {
    [
        "loading the rules: ",
        "pf.conf:",
        "nftables.conf:",
        "/nftables",
    ]
    .iter()
    .any(|words| body.contains(words))
}
