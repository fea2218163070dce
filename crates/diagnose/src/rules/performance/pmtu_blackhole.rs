//! `pmtu-blackhole`: large packets vanish: small ones pass.

use adit_model::complaint::Complaint;
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, CONDITION, SYMPTOM};
use crate::plane::{Ping, found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "pmtu-blackhole",
    recurs: false,
    page: Page {
        title: "Large packets vanish: small ones pass",
        what: "A packet and the ESP around it are larger than the path allows, fragments are forbidden (DF), and the ICMP message that says so doesn't lead to smaller packets. Small packets pass, large ones vanish.",
        initiator: "SSH logs in and then hangs; `ls`, HTTPS and copies stop.",
        responder: "Never receives the large packets.",
        look_alikes: &[
            ("underlay-loss-or-flap", "Does it depend on the size?"),
            (
                "esp-fragmented-on-wire",
                "Are there fragments, or is DF set?",
            ),
            (
                "icmp-fragneeded-filtered",
                "Does ICMP type 3 code 4 arrive at the sender?",
            ),
            (
                "mss-clamp-missing",
                "Do large UDP and ICMP packets fail too, or TCP only?",
            ),
        ],
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
        source: "RFC 4301 8; RFC 2923",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[
        "container-or-overlay-mtu-too-high",
        "icmp-fragneeded-filtered",
        "mss-clamp-missing",
        "ip-fragments-dropped",
        "reassembly-failure",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((small, large)) = s
        .size_matters()
        .filter(|(small, large)| !is_answered(s, small, large))
    {
        let forbidden = if large.whole { " unfragmented" } else { "" };
        return Found::on(
            large.fact,
            SYMPTOM + 0.04,
            AtFault::Path,
            format!(
                "packets of {} octets{forbidden} to {} vanish, and those of {} pass",
                large.size + 28,
                large.to,
                small.size + 28
            ),
        )
        .with([small.fact])
        .because("Whether a packet arrives depends on its size alone: with the ESP around it, it doesn't fit into the path.")
        .fix(CHANGE)
        .then("ping -M do -s SIZE, in steps between the two sizes: the largest that passes, plus 28, is the MTU inside of the tunnel")
        .done();
    }
    if let Some(hole) = s.test_packets_vanish() {
        let whose = if hole.outbound { "ours" } else { "the peer's" };
        let change = match hole.inside {
            Some(inside) => format!(
                "{}: an MTU of the tunnel of {inside} octets (`adit run --tun-mtu {inside}`, or `mtu = {inside}` of the tunnel's interface{}), and with that TCP segments of {} (IPv6: {}); and let ICMP type 3 code 4 (IPv6: packet too big) pass",
                if hole.outbound { "here" } else { "at the peer" },
                // RFC 8200 5.
                if inside < 1280 {
                    "; with less than 1280 no tunnel on that device may carry IPv6"
                } else {
                    ""
                },
                inside.saturating_sub(40),
                inside.saturating_sub(60)
            ),
            None => CHANGE.to_owned(),
        };
        return Found::on(
            hole.fact,
            BOTH_SIDES - 0.06,
            AtFault::Path,
            format!(
                "ESP of {} octets arrives and that of {} vanishes, of {whose}, and no router says so",
                hole.passes, hole.vanishes
            ),
        )
        .because("Both gateways sent test packets that nobody may cut and counted what came: whether one arrives depends on its size alone.")
        .fix(change)
        .then("adit probe of the tunnel, after each change")
        .done();
    }
    for from in [Side::Local, Side::Remote] {
        for udp in [false, true] {
            let (sum, facts) = s.crossed(from, udp);
            let cut = sum.largest_sent >= sum.largest_arrived + 40 && sum.largest_sent > 1300;
            if cut
                && sum.arrived > 0
                && sum.arrived < sum.sent
                && let Some(first) = facts.first()
            {
                return Found::on(
                    first,
                    BOTH_SIDES - 0.06,
                    AtFault::Path,
                    format!(
                        "ESP of up to {} octets arrives, and larger packets (up to {}) don't",
                        sum.largest_arrived, sum.largest_sent
                    ),
                )
                .with(facts.iter().copied())
                .because("Both captures show the small packets, and only the sender's shows the large ones.")
                .fix(CHANGE)
                .done();
            }
        }
    }
    // A router's answer to one test is how it should be; that a daemon's or a tunnel's own packets meet it is not.
    if let Some(seen) = s
        .signs_of(Sign::FragmentationNeeded)
        .find(|x| x.value("port").is_some())
    {
        return Found::by(
            seen,
            SYMPTOM,
            format!(
                "{} says that packets to the peer are too large for the path",
                seen.value_or("by", "a router").trim_end_matches([',', ':'])
            ),
        )
        .with(s.signs_of(Sign::FragmentationNeeded).take(3).map(|x| x.fact))
        .at(AtFault::Path)
        .because("Packets with the ESP around them are larger than the path's MTU, and they mustn't be fragmented.")
        .fix(CHANGE)
        .done();
    }
    // A few are what it takes to learn the MTU of a path.
    let too_large = s.kernel_drops(&["OutStateModeError"]);
    if let Some((seen, count)) = too_large.filter(|(seen, _)| !s.everyday(*seen)) {
        return Found::by(
            seen,
            CONDITION + 0.03,
            format!("{count} packets were too large once ESP was around them"),
        )
        .because("XfrmOutStateModeError counts packets that didn't fit after encapsulation and mustn't be fragmented.")
        .fix(CHANGE)
        .done();
    }
    if s.sign(Sign::FragmentationNeeded).is_some() {
        if s.complains(Complaint::LargeFails).is_none()
            && (s.works_in_between() || s.pings().any(|ping| ping.received > 0))
        {
            return possible(
                15,
                "the path says how large packets may be, as it should",
                "whether large transfers stall",
            );
        }
        return found(s, &[Sign::FragmentationNeeded], CONDITION, |seen, times| {
            let mtu = seen
                .value("mtu")
                .filter(|mtu| *mtu != "0")
                .map(|mtu| format!(" (it takes {mtu} octets)"))
                .unwrap_or_default();
            format!("packets are too large for the path{mtu}{times}")
        })
        .map_or(Judgement::Silent, |found| {
            found
                .at(AtFault::Path)
                .because("The path, or the host's own memory of it, says that packets must be smaller and may not be fragmented.")
                .fix(CHANGE)
                .done()
        });
    }
    if let (Some(large), Some(small)) = (
        s.complains(Complaint::LargeFails),
        s.complains(Complaint::SmallPasses),
    ) && s.calm()
    {
        return Found::on(
            large,
            CONDITION,
            AtFault::Path,
            "what is small passes and what is large stalls: large packets vanish",
        )
        .with([small])
        .because("ESP makes packets larger. Those that then don't fit into the path, and may not be fragmented, vanish.")
        .fix(CHANGE)
        .then("ping -M do -s SIZE, in steps from 1472 down: the largest that passes, plus 28, is the MTU inside of the tunnel")
        .done();
    }
    if s.sign(Sign::PacketTooBig).is_some() {
        return possible(
            36,
            "a socket refused a message because of its size",
            "whether large packets of any kind fail: ping -M do -s 1472, 1400, 1300",
        );
    }
    Judgement::Silent
}

/// Whether the sender of the large ones was told how large they may be, as it should, and nobody complains of size.
fn is_answered(s: &Signals<'_>, small: &Ping<'_>, large: &Ping<'_>) -> bool {
    large.whole
        && s.complains(Complaint::LargeFails).is_none()
        && s.signs_of(Sign::FragmentationNeeded)
            .filter_map(|seen| seen.value("mtu")?.parse::<u32>().ok())
            .any(|mtu| (small.size + 28..large.size + 28).contains(&mtu))
}

const CHANGE: &str = "clamp the MSS of TCP in the tunnel to 1360, lower the tunnel's MTU to 1400 or below, and let ICMP type 3 code 4 pass";
