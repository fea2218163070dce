//! `underlay-loss-or-flap`: the path worked, and then it didn't.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Side};
use adit_model::sign::Sign;

use crate::chance::{Asked, asked, laboured};
use crate::finding::{BOTH_SIDES, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "underlay-loss-or-flap",
    recurs: false,
    page: Page {
        title: "The path between the gateways lost packets or went away",
        what: "The tunnel was up and carried traffic; then the network under it stopped carrying packets, for a moment or for good, in one direction or both. Liveness checks fail and the tunnel is taken down, or set up anew when the path is back.",
        initiator: "Traffic and liveness checks go unanswered from one moment on.",
        responder: "The same, or the peer's requests repeated though they were answered.",
        look_alikes: &[
            ("peer-unreachable", "Did the peer ever answer?"),
            (
                "dpd-too-aggressive",
                "Are packets outside of the tunnel lost at the same moments?",
            ),
            (
                "nat-mapping-timeout",
                "Do outages begin after a quiet time rather than at random?",
            ),
            (
                "udp4500-blocked",
                "Does IKE_SA_INIT to UDP 500 still get an answer while UDP 4500 doesn't?",
            ),
            (
                "daemon-not-running",
                "Does the peer's host still answer a ping?",
            ),
        ],
        fix: &[(
            "any",
            "Find where packets are lost: ping with timestamps and mtr both ways while it happens, counters of the interfaces and the provider; set liveness checks to restart the tunnel (dpd restart, closeaction).",
        )],
        source: "RFC 7296 2.4; RFC 3706",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["peer-unreachable", "daemon-not-running", "udp4500-blocked"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((fact, sent, answered)) = s.lossy() {
        let lost = sent - answered;
        return Found::on(
            fact,
            COUNTED,
            AtFault::Path,
            format!("the path to {} loses packets: {lost} of {sent} echoes weren't answered", s.peer()),
        )
        .because("Echoes that were sent one soon after the other, outside of the tunnel, were answered in part: what is lost isn't lost for what it is.")
        .fix("look for loss on the path: ping and mtr both ways, counters of the interfaces, the provider's line; a line that is full loses packets too")
        .then(format!("mtr -n {}", s.peer()))
        .done();
    }
    let Some(stalled) = s.stalled() else {
        return told(s);
    };
    if stalled.packets < 2 || stalled.unanswered_requests == 0 {
        return Judgement::Silent;
    }
    let whose = who(stalled.from);
    let direction = if stalled.heard > 0 {
        format!("what {whose} sends no longer gets through, and the other direction still does")
    } else {
        format!("nothing answers what {whose} sends any more")
    };
    Found::on(
        stalled.fact,
        SYMPTOM,
        AtFault::Path,
        format!("the path between the gateways failed under a tunnel that worked: {direction}"),
    )
    .because("ESP went both ways, then only one way, and from the same moment on IKE requests are unanswered too: it isn't one protocol or one SA that fails, but what carries both.")
    .fix("look for loss on the path: a filter or a NAT that was changed, a link or a route that went away; mtr both ways shows where")
    .then("tcpdump -ni IFACE 'host PEER' on both gateways at the same time; give both captures to adit why --local A --remote B")
    .done()
}

/// Interfaces that go down because their tunnel does.
const TUNNELS: [&str; 8] = [
    "tunnel", "vti", "st0", "ipsec", "xfrm", "tun", "ppp", "virtual",
];

/// Whether the one is said so soon before or after the other that they may belong together, where both have times.
fn is_close(one: &Fact, other: &Fact) -> bool {
    const MINUTES_MS: u64 = 15 * 60_000;
    match (one.at, other.at) {
        (Some(one), Some(other)) => one.0.abs_diff(other.0) <= MINUTES_MS,
        _ => true,
    }
}

/// What logs tell: both sides gave the other up, or a link went down.
fn told(s: &Signals<'_>) -> Judgement {
    let ours = died(s, Side::Local);
    let theirs = died(s, Side::Remote);
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        return Found::on(
            ours,
            BOTH_SIDES,
            AtFault::Path,
            "the path between the gateways failed under a tunnel that worked: each side asks and hears nothing",
        )
        .with([theirs])
        .because("Both daemons run and send; the requests of each go unanswered. What lies between them doesn't carry them any more.")
        .fix("test the path outside of the tunnel at such a moment (ping, mtr both ways), look for changed filters and lost links, and give dead peer detection more time")
        .then("during an outage, on both outside interfaces at once: tcpdump -ni IFACE 'host PEER'")
        .done();
    }
    let dead = ours.or_else(|| s.sign(Sign::PeerDeclaredDead).map(|seen| seen.fact));
    let down = s
        .signs_of(Sign::LinkDown)
        .filter(outer)
        .filter(|down| dead.is_none_or(|dead| is_close(down.fact, dead)))
        .last();
    match (dead, down) {
        (Some(dead), Some(down)) => Found::by(
            down,
            SYMPTOM,
            format!(
                "interface {} lost its link, and the peer couldn't be reached any more",
                down.value_or("interface", "to the peer")
                    .trim_end_matches([',', ':'])
            ),
        )
        .with([dead])
        .because("The tunnel died with the link that carries it.")
        .fix("mend the link: cable, port, modem or the provider's line")
        .then("journalctl -k | grep -i link")
        .done(),
        (Some(_), None) if !s.refused_or_told() && s.stopped(Side::Local).is_none() => {
            Judgement::Possible {
                weight: 40,
                because:
                    "a line that loses packets, or is down for a while, ends a tunnel that was up"
                        .to_owned(),
                separated_by: "whether packets outside of the tunnel are lost at the same moments",
            }
        }
        (None, Some(_)) if s.nothing_came().is_some() => Judgement::Possible {
            weight: 30,
            because: "an interface lost its link".to_owned(),
            separated_by: "whether the interface leads to the peer",
        },
        _ => in_part(s),
    }
}

/// So much of what has a way goes unanswered that the rest may be lost with it.
fn in_part(s: &Signals<'_>) -> Judgement {
    const SEVERAL: u32 = 2;
    if let Some(Asked { asked, lost }) = laboured(s) {
        return Judgement::Possible {
            weight: 45,
            because: format!(
                "{lost} of {asked} messages of the key exchange were repetitions, and no echo shows that the path carries what it is given"
            ),
            separated_by: "whether echoes to the peer get lost now and then",
        };
    }
    let Asked { asked, lost } = asked(s);
    if s.up || s.refused_or_told() || s.silences.is_empty() || lost < SEVERAL || lost * 4 < asked {
        return Judgement::Silent;
    }
    Judgement::Possible {
        weight: 45,
        because: format!(
            "{lost} of {asked} first messages and echoes weren't answered, though others were"
        ),
        separated_by: "whether echoes to the peer get lost now and then",
    }
}

/// The side gave up on a peer that it had heard before.
fn died<'a>(s: &Signals<'a>, side: Side) -> Option<&'a Fact> {
    s.happenings(side)
        .filter(|(_, h)| match h {
            Happening::GaveUp { exchange, .. } => exchange.starts_with("INFORMATIONAL"),
            Happening::IkeClosed { cause, .. } => cause == "dead-peer",
            _ => false,
        })
        .map(|(fact, _)| fact)
        .last()
}

/// Whether it is an interface that carries tunnels.
fn outer(seen: &Seen<'_>) -> bool {
    let name = seen.value_or("interface", "").to_ascii_lowercase();
    !TUNNELS.iter().any(|t| name.starts_with(t))
}
