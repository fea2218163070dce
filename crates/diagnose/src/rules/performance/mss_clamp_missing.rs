//! `mss-clamp-missing`: tCP negotiates segments that are too large for the tunnel.

use adit_model::sign::Sign;

use crate::plane::possible;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "mss-clamp-missing",
    recurs: false,
    page: Page {
        title: "TCP negotiates segments that are too large for the tunnel",
        what: "Hosts agree on an MSS of 1460, which fits an Ethernet and not a tunnel. Without clamping at the gateway every full segment is too large.",
        initiator: "Connections come up; transfers are slow or hang.",
        responder: "The same.",
        look_alikes: &[("pmtu-blackhole", "Do large ICMP and UDP packets fail too?")],
        fix: &[
            (
                "any",
                "Clamp the MSS of TCP (1360, or the path's MTU less 40 and the overhead), lower the MTU of the tunnel or of the hosts, and let ICMP `fragmentation needed` pass.",
            ),
            (
                "linux",
                "`iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -m policy --pol ipsec --dir out -j TCPMSS --set-mss 1360`; `ip link set dev vti0 mtu 1400`.",
            ),
            (
                "vyos",
                "`set interfaces vti vti0 mtu 1400`, `set interfaces vti vti0 ip adjust-mss 1360`.",
            ),
            (
                "cisco-ios",
                "`ip tcp adjust-mss 1360`, `ip mtu 1400`, `crypto ipsec df-bit clear`.",
            ),
            (
                "cisco-asa",
                "`sysopt connection tcpmss 1350`, `crypto ipsec df-bit clear-df outside`.",
            ),
            ("panos", "Adjust TCP MSS on the interfaces."),
            ("juniper", "`set security flow tcp-mss ipsec-vpn mss 1350`."),
            (
                "fortigate",
                "`set tcp-mss-sender 1350`, `set tcp-mss-receiver 1350` in the policy.",
            ),
            ("aws", "MSS 1379, MTU 1436 at the customer gateway."),
            ("azure", "MSS 1350."),
        ],
        source: "RFC 879; RFC 6691; RFC 4459",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let too_large = s
        .sign(Sign::FragmentationNeeded)
        .or(s.sign(Sign::PacketTooBig));
    if too_large.is_none() && s.size_matters().is_none() {
        return Judgement::Silent;
    }
    possible(
        33,
        "packets are too large for the path, and the MSS of TCP may not be clamped",
        "the MSS in a SYN that leaves the tunnel: tcpdump -ni IFACE 'tcp[tcpflags] & tcp-syn != 0'",
    )
}
