//! `esp-blocked`: IKE passes and IP protocol 50 doesn't.

use adit_model::complaint::Complaint;
use adit_model::event::PathProblem;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, CONDITION, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, TestPackets, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-blocked",
    recurs: false,
    page: Page {
        title: "A filter stops ESP",
        what: "IKE sets the tunnel up over UDP, and the traffic goes as IP protocol 50 unless a NAT was found. A filter that lets UDP 500 through and not protocol 50 leaves a tunnel that is up and carries nothing.",
        initiator: "The SA is installed, octets out grow, octets in stay at 0.",
        responder: "The same mirrored: each side sees only its own ESP leave.",
        look_alikes: &[
            (
                "esp-blocked-one-way",
                "Does any ESP arrive at either gateway?",
            ),
            (
                "asymmetric-routing-bypass",
                "When only one gateway sends ESP, does the other's inside network send into the tunnel at all?",
            ),
            (
                "esp-spi-unknown",
                "Does the receiver's capture have the peer's ESP?",
            ),
        ],
        fix: &[
            (
                "any",
                "Permit IP protocol 50 both ways wherever UDP 500 is permitted, or force UDP encapsulation.",
            ),
            (
                "strongswan",
                "`encap = yes` (swanctl.conf), `forceencaps=yes` (ipsec.conf).",
            ),
            ("libreswan", "`encapsulation=yes`."),
            (
                "vyos",
                "`set vpn ipsec ike-group NAME … ` with `force-udp-encapsulation` at the peer.",
            ),
            (
                "fortigate",
                "`set nattraversal forced` in the phase 1 interface.",
            ),
            ("aws", "security group and network ACL: protocol 50."),
        ],
        source: "RFC 4303 2; RFC 3948",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["hw-offload-fault", "peer-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let prohibited = s.unreachable.iter().find(|u| {
        // The peer's own host says so when nothing there takes ESP any more, as when its daemon has ended.
        let peer_itself = u.offender.is_some_and(|o| o.to_string() == s.peer());
        u.port == Some(0)
            && match u.problem {
                PathProblem::AdminProhibited => true,
                PathProblem::Other(3, 2) => !peer_itself || s.ike_answers(false).is_some(),
                _ => false,
            }
    });
    if let Some(error) = prohibited {
        let by = error
            .offender
            .map_or("somebody on the path".to_owned(), |a| a.to_string());
        return Found::on(
            error.fact,
            COUNTED,
            AtFault::Path,
            format!("{by} refuses our ESP: {}", error.problem),
        )
        .because("The ICMP error quotes a packet of ESP: it was thrown away on purpose, and not for its contents.")
        .fix("permit IP protocol 50 both ways, or force UDP encapsulation")
        .done();
    }
    if let Some(seen) = s.sign(Sign::EspDropped) {
        // Beside an exchange or a configuration it is known who the peer is.
        let peer_is_known = s.case.facts.iter().any(|f| {
            matches!(
                f.what,
                Known::Happened { .. } | Known::PeerConfigured { .. }
            )
        });
        let stranger = seen
            .value("source")
            .map(|source| source.rsplit_once(':').map_or(source, |(_, host)| host))
            .filter(|source| {
                (peer_is_known || seen.value("sender").is_some()) && !s.is_peer(source)
            });
        if let Some(stranger) = stranger {
            return Judgement::Possible {
                weight: 40,
                because: format!(
                    "a filter of {} drops ESP of {stranger}, which isn't known as the peer",
                    seen.who()
                ),
                separated_by: "the peer's outside address: is it that one?",
            };
        }
        return Found::by(
            seen,
            COUNTED,
            format!("a filter of {} drops ESP", seen.who()),
        )
        .because("The filter's own record shows IP protocol 50 dropped.")
        .fix("permit IP protocol 50 from the peer, or force UDP encapsulation on both sides")
        .done();
    }
    if let Some(judgement) = not_permitted(s) {
        return judgement;
    }
    // What travels in UDP does so over the port that IKE has gone over to (RFC 7296 2.23), and they were asked for over IKE.
    if let [Some(out), Some(back)] = s.test_packets(true)
        && out.are_stopped()
        && back.are_stopped()
    {
        return counted_beside_ike(s, out, back);
    }
    if let [Some(out), Some(back)] = s.test_packets(false) {
        if out.are_stopped() && back.are_stopped() {
            return counted(s, out, back);
        }
        if out.arrived + back.arrived > 0 {
            return Judgement::RuledOut(format!(
                "IP protocol 50 passes in at least one direction: {}",
                if out.arrived > 0 { out } else { back }.fact.source.text
            ));
        }
    }
    let (out, sent) = s.crossed(Side::Local, false);
    let (back, answered) = s.crossed(Side::Remote, false);
    if out.sent + back.sent == 0 {
        return match s.complains(Complaint::WorksInUdp) {
            Some(told) if s.calm() => Found::on(
                told,
                CONDITION,
                AtFault::Path,
                "ESP passes in UDP and not by itself: somebody on the path drops IP protocol 50",
            )
            .because("Somebody forced ESP into UDP, and it worked.")
            .fix("leave UDP encapsulation forced on both sides, or have IP protocol 50 permitted")
            .done(),
            _ => alone(s),
        };
    }
    if out.arrived + back.arrived > 0 {
        return Judgement::RuledOut(
            "ESP reaches the other side in at least one direction".to_owned(),
        );
    }
    let Some(first) = sent.first().or(answered.first()) else {
        return Judgement::Silent;
    };
    let both = out.sent > 0 && back.sent > 0;
    Found::on(
        first,
        if both { BOTH_SIDES } else { 0.85 },
        AtFault::Path,
        format!(
            "ESP is lost on the way: {} packets left and none arrived",
            out.sent + back.sent
        ),
    )
    .with(sent.iter().chain(&answered).copied())
    .because(if both {
        "Both gateways send ESP, both captures show it leaving, and neither shows any of the other's: IP protocol 50 is filtered between them."
    } else {
        "The capture of the sender shows ESP leaving, and that of the receiver has none of it: IP protocol 50 is filtered between them."
    })
    .fix("permit IP protocol 50 both ways on every filter between the gateways, or force UDP encapsulation")
    .then("tcpdump -ni IFACE 'ip proto 50' at both gateways, after each change of a filter")
    .done()
}

/// Both gateways have counted test packets: none of either side's has arrived at the other.
fn counted(s: &Signals<'_>, out: TestPackets<'_>, back: TestPackets<'_>) -> Judgement {
    let fix = if s.other_kind_passes(false) {
        "force UDP encapsulation, which passes (`force_encap = true` in the tunnel), or permit IP protocol 50 both ways on every filter between the gateways"
    } else {
        "permit IP protocol 50 both ways on every filter between the gateways"
    };
    Found::on(
        out.fact,
        BOTH_SIDES,
        AtFault::Path,
        format!(
            "ESP is lost on the way: of {} test packets of ours and {} of the peer's none arrived",
            out.sent, back.sent
        ),
    )
    .with([back.fact])
    .because("Both gateways sent packets of IP protocol 50 to each other and counted what came, while they spoke with each other over IKE: it is filtered between them.")
    .fix(fix)
    .then("adit probe of the tunnel, after each change of a filter")
    .done()
}

/// The same of ESP in UDP, while IKE passes over the same port: something looks into what goes over it.
fn counted_beside_ike(s: &Signals<'_>, out: TestPackets<'_>, back: TestPackets<'_>) -> Judgement {
    let fix = if s.other_kind_passes(true) {
        "let all of UDP 4500 pass, whatever is in it; without a NAT on the path, ESP by itself would pass (`force_encap = false` on both sides)"
    } else {
        "let all of UDP 4500 pass, whatever is in it, on every filter between the gateways"
    };
    Found::on(
        out.fact,
        BOTH_SIDES,
        AtFault::Path,
        format!(
            "ESP in UDP is lost on the way, and IKE over the same port isn't: of {} test packets of ours and {} of the peer's none arrived",
            out.sent, back.sent
        ),
    )
    .with([back.fact])
    .because("Both gateways sent packets of ESP in UDP to each other and counted what came, while they spoke with each other over IKE on UDP 4500: a filter tells the two apart.")
    .fix(fix)
    .then("adit probe of the tunnel, after each change of a filter")
    .done()
}

/// One side's capture: what leaves isn't answered. Why, it can't know.
fn alone(s: &Signals<'_>) -> Judgement {
    for side in [Side::Local, Side::Remote] {
        let raw = |from: Side| {
            s.flows(side)
                .filter(|f| f.from == from && !f.udp)
                .map(|f| f.packets)
                .sum::<u64>()
        };
        let any_in = s.flows(side).any(|f| f.from != side);
        let out = raw(side);
        if out >= 2 && !any_in {
            return Judgement::Possible {
                weight: 60,
                because: format!(
                    "{} sends ESP ({out} packets) and the capture has none coming back",
                    who(side)
                ),
                separated_by: "a capture at the other gateway at the same time: whether our ESP arrives there, and whether it sends any",
            };
        }
    }
    Judgement::Silent
}

/// The filter's list has the ports of IKE and not ESP, and the tunnel's packets are plain ESP.
fn not_permitted(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::EspNotPermitted).filter(|_| s.calm())?;
    let side = seen.side();
    // Beside which gateway a short capture was made isn't always known; that ESP is plain is.
    let suffers = [Complaint::NothingPasses, Complaint::OneWay]
        .into_iter()
        .any(|c| s.complains(c).is_some());
    let comes = s
        .flows(side)
        .find(|f| (f.from == side.other() || suffers) && !f.udp && f.protocol == "esp");
    let in_udp = s
        .kernel(side)
        .is_some_and(|spd| spd.sas.iter().any(|(_, sa)| sa.in_udp));
    // What came well was let in.
    let received = s
        .carried(side)
        .and_then(|c| c.received)
        .is_some_and(|n| n > 0);
    if in_udp || received {
        return None;
    }
    if seen.value("keys") == Some("swarm") {
        return Some(
            Found::by(
                seen,
                CONDITION,
                format!(
                    "the filter of {} lets the nodes of Docker Swarm in and not ESP, in which an encrypted overlay travels",
                    seen.who()
                ),
            )
            .because("Its policy drops what no rule takes, and no rule takes IP protocol 50. Swarm hands the keys out itself, so no IKE fails before.")
            .fix("permit IP protocol 50 between the nodes (ufw allow proto esp from NODE; iptables -I INPUT -p esp -s NODE -j ACCEPT; firewall-cmd --permanent --add-protocol=esp)")
            .then("`tcpdump -ni IFACE 'ip proto 50'` on both nodes while one pings the other's container")
            .done(),
        );
    }
    let Some(comes) = comes else {
        return Some(Judgement::Possible {
            weight: 35,
            because: format!("the filter of {} lets IKE in and not ESP", seen.who()),
            separated_by: "whether ESP travels in UDP (a NAT between the gateways), and whether any arrives (tcpdump)",
        });
    };
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("the filter of {} lets IKE in and no ESP, which the tunnel uses", seen.who()),
        )
        .with([comes.fact])
        .because("Its policy drops what no rule takes, and no rule takes IP protocol 50. A capture shows packets before the filter.")
        .fix("permit IP protocol 50 from the peer (iptables -I INPUT -p esp -s PEER -j ACCEPT; nft add rule inet filter input ip protocol esp accept), or force UDP encapsulation on both sides")
        .then("the counter of the policy while the other side sends")
        .done(),
    )
}
