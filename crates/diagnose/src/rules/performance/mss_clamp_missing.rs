//! `mss-clamp-missing`: tCP negotiates segments that are too large for the tunnel.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
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
    if let Some(clamped) = s.sign(Sign::MssClamped) {
        return match s.size_matters() {
            Some(_) => Judgement::RuledOut(format!(
                "the MSS is clamped: {}",
                clamped.value_or("rule", "by a rule")
            )),
            None => Judgement::Silent,
        };
    }
    if let Some(judgement) = larger_than_the_path(s).or_else(|| only_tcp(s)) {
        return judgement;
    }
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

const FIX: &str = "clamp the MSS of TCP in the tunnel, both ways (iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -m policy --pol ipsec --dir out -j TCPMSS --set-mss 1360; Cisco: ip tcp adjust-mss 1360)";

/// A connection through the tunnel announces segments that a router says are too large.
fn larger_than_the_path(s: &Signals<'_>) -> Option<Judgement> {
    let (syn, mss) = syn(s)?;
    let told = s.signs_of(Sign::FragmentationNeeded).find_map(|seen| {
        let mtu: u32 = seen.value("mtu")?.parse().ok()?;
        (mtu >= 576 && mss + 40 > mtu).then_some((seen, mtu))
    });
    let told = told.map(|(seen, mtu)| (seen.fact, mtu));
    let found = s
        .path_mtu()
        .filter(|(_, mtu)| mss + 40 > *mtu && s.complains(Complaint::LargeFails).is_some());
    let (fact, mtu) = told.or(found)?;
    Some(
        Found::by(
            syn,
            SYMPTOM + 0.07,
            format!("TCP begins with an MSS of {mss} through a tunnel that takes packets of {mtu} octets"),
        )
        .with([fact])
        .because("An MSS that isn't clamped has both ends send segments that don't fit once ESP is around them.")
        .fix(FIX)
        .then("tcpdump -ni IFACE 'tcp[tcpflags] & tcp-syn != 0': the MSS must be at most 1360")
        .done(),
    )
}

/// Large echo requests are answered, in fragments, and TCP with its large segments stands still.
fn only_tcp(s: &Signals<'_>) -> Option<Judgement> {
    let (syn, mss) = syn(s)?;
    let ping = s
        .pings()
        .filter(|p| p.received > 0 && !p.whole && p.size + 28 > mss + 40)
        .last()?;
    let (slow, bits) = s.throughput().last()?;
    (bits < 1_000_000).then(|| {
        Found::by(
            syn,
            SYMPTOM,
            format!(
                "TCP begins with an MSS of {mss} and stands still, while pings of {} octets pass",
                ping.size + 28
            ),
        )
        .with([ping.fact, slow])
        .because("Echo requests may be fragmented, and segments of TCP mayn't: only TCP suffers.")
        .fix(FIX)
        .done()
    })
}

/// The beginning of a connection between hosts of the tunnel, with an MSS that isn't clamped.
fn syn<'a>(s: &Signals<'a>) -> Option<(Seen<'a>, u32)> {
    s.signs_of(Sign::SynMss)
        .filter_map(|seen| Some((seen, seen.value("mss")?.parse::<u32>().ok()?)))
        .filter(|(seen, mss)| {
            let (from, to) = (
                seen.value_or("source", ""),
                seen.value_or("destination", ""),
            );
            let known = |a: &str, b: &str| {
                s.ours_by_selectors(a) == Some(true) && s.protected_by_selectors(b) == Some(true)
            };
            let private = |a: &str| {
                a.parse::<std::net::Ipv4Addr>()
                    .is_ok_and(|a| a.is_private())
            };
            let unknown = s.ours_by_selectors(from).is_none() && private(from) && private(to);
            *mss > 1400 && (known(from, to) || known(to, from) || unknown)
        })
        .last()
}
