//! `encap-type-mismatch`: one gateway wraps ESP in UDP, and the other doesn't.

use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::sign::Sign;

use crate::complaint::carries_nothing;
use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, hosts};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;
use crate::wire::Flow;

pub(crate) static RULE: Rule = Rule {
    id: "encap-type-mismatch",
    recurs: false,
    page: Page {
        title: "ESP in UDP meets an SA without it, or the other way round",
        what: "Whether ESP travels in UDP is a property of the SA. A gateway whose SA is plain throws away ESP that comes in UDP, and one whose SA is encapsulated throws away plain ESP.",
        initiator: "ESP arrives and octets in stay at 0.",
        responder: "The same.",
        look_alikes: &[(
            "esp-spi-unknown",
            "Which counter grows, XfrmInNoStates or XfrmInStateMismatch?",
        )],
        fix: &[
            ("any", "The same encapsulation policy on both sides."),
            (
                "libreswan",
                "remove `encapsulation=no`, or set it on both sides.",
            ),
            (
                "strongswan",
                "`encap`/`forceencaps` as the other side has it.",
            ),
        ],
        source: "RFC 3948; RFC 7296 2.23",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    for by in [Side::Local, Side::Remote] {
        let newest = |from: Side| {
            s.flows(by)
                .filter(|f| f.from == from && f.protocol == "esp" && f.packets > 1)
                .max_by_key(|f| f.last)
        };
        let (Some(ours), Some(theirs)) = (newest(Side::Local), newest(Side::Remote)) else {
            continue;
        };
        let (wrapped, plain): (Flow<'_>, Flow<'_>) = match (ours.udp, theirs.udp) {
            (true, false) => (ours, theirs),
            (false, true) => (theirs, ours),
            _ => continue,
        };
        if wrapped.last < plain.first || plain.last < wrapped.first {
            continue;
        }
        return Found::on(
            wrapped.fact,
            COUNTED,
            AtFault::Both,
            format!(
                "{} sends ESP in UDP, and {} sends plain ESP: each throws away what the other sends",
                who(wrapped.from),
                who(plain.from)
            ),
        )
        .with([plain.fact])
        .because("Both directions were captured at the same time, and a pair of SAs is either encapsulated or not.")
        .fix("set the same encapsulation on both sides: remove encapsulation=no, or force UDP encapsulation on both")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none; XfrmInStateMismatch in /proc/net/xfrm_stat grows otherwise")
        .done();
    }
    for side in [Side::Local, Side::Remote] {
        let Some([wrapped, plain]) = s.kernel(side).and_then(|spd| spd.half_in_udp()) else {
            continue;
        };
        return Found::on(
            wrapped.0,
            COUNTED,
            side.into(),
            format!(
                "of the two SAs between {} and {} one is in UDP and the other isn't",
                wrapped.1.from, wrapped.1.to
            ),
        )
        .with([plain.0])
        .because(
            "A pair of SAs is either encapsulated or not; the peer wraps both ways, or neither.",
        )
        .fix("set the encapsulation of both SAs alike, and let the daemon install them anew")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none")
        .done();
    }
    let counted = s
        .signs_of(Sign::KernelDrops)
        .filter(|seen| seen.value_or("name", "").contains("InStateMismatch"))
        .filter(|seen| !s.everyday(*seen))
        .filter(|_| !s.refused_or_told())
        .last();
    match counted {
        Some(seen) => Found::by(
            seen,
            SYMPTOM,
            format!("the kernel of {} drops packets whose encapsulation isn't their SA's", seen.who()),
        )
        .because("XfrmInStateMismatch counts packets for which an SA was found that doesn't fit them: plain ESP for an SA in UDP, or the other way round.")
        .fix("set the same encapsulation on both sides: remove encapsulation=no, or force UDP encapsulation on both")
        .then("ip -d xfrm state: `encap type espinudp` must be at both SAs or at none")
        .done(),
        None => read_as_ike(s),
    }
}

/// ESP in UDP that the peer sends to IKE's own port, where no marker tells it from IKE (RFC 3948 2.2): a gateway that
/// takes itself for translated expects it on the other port.
fn read_as_ike(s: &Signals<'_>) -> Judgement {
    let (forced, unspecified): (Vec<_>, Vec<_>) = s
        .signs_of(Sign::SourceUnspecified)
        .partition(|x| x.value("forced").is_some());
    let unspecified = unspecified.last().copied();
    // What was found out about NATs belongs to the time before the tunnel was up.
    let own = s.case.happenings().find_map(|(f, h)| match h {
        Happening::NatDetection {
            local_behind_nat: true,
            remote_behind_nat: false,
            ..
        } => Some(f),
        _ => None,
    });
    let taken_for_translated = own.is_some();
    let mut strays = s.signs_of(Sign::EspReadAsIke).filter(|seen| {
        let from = seen.value("peer").map(hosts).unwrap_or_default();
        from.iter().any(|peer| is_peer(s, *peer))
    });
    let stray = strays.next();
    // A port that somebody probes gets a single one, and who has a private address is translated indeed.
    let beside = stray.is_some_and(|stray| beside_each_other(s, stray));
    let mistaken = beside || strays.next().is_some() && has_public_address(s);
    match (unspecified.filter(|_| taken_for_translated), stray) {
        (Some(_), Some(stray)) if !mistaken => Judgement::Possible {
            weight: 30,
            because: format!("what the peer sends to IKE's port isn't IKE, and {} reads it as such", stray.who()),
            separated_by: "whether there is a NAT before this gateway, and a capture: is it ESP in UDP on port 500?",
        },
        (Some(made), Some(stray)) => Found::by(
            stray,
            SYMPTOM,
            format!("{} takes itself for translated, and the peer's ESP in UDP comes to the port of IKE", stray.who()),
        )
        .at(AtFault::Local)
        .with([made.fact])
        .with(own)
        .because("The first message was made before there was a route, with 0.0.0.0 as its source. What it tells of its address is hashed from that, so a NAT is found where none is, and the two ends don't agree on the encapsulation of ESP. What comes to port 500 without a marker is read as IKE of a strange version.")
        .fix(EARLY)
        .then("ip -d xfrm state on both sides: `encap type espinudp` and its ports")
        .done(),
        (None, Some(stray)) if s.up && !s.refused_or_told() => Judgement::Possible {
            weight: 45,
            because: format!("what the peer sends to IKE's port isn't IKE, and {} reads it as such", stray.who()),
            separated_by: "a capture: is it ESP in UDP on port 500?",
        },
        // Nobody translates between neighbours, whatever came of the comparison.
        (Some(made), None)
            if forced.is_empty()
                && own.is_some_and(|own| neighbours_talk(s, own))
                && carries_nothing(s)
                && !s.refused_or_told() => Found::by(
            made,
            SYMPTOM,
            format!("{} takes itself for translated, and its peer is in the same network", made.who()),
        )
        .at(AtFault::Local)
        .with(own)
        .because("The first message was made before there was a route, with 0.0.0.0 as its source. What it tells of its address is hashed from that, so a NAT is found where none can be, and the two ends don't agree on the encapsulation of ESP.")
        .fix(EARLY)
        .then("ip -d xfrm state on both sides: `encap type espinudp` and its ports")
        .done(),
        (Some(_), None) if s.up => Judgement::Possible {
            weight: 18,
            because: "the first message had no source address yet, and a NAT was found since".to_owned(),
            separated_by: "whether there is a NAT before this gateway, and `encap` in `ip -d xfrm state` of both sides",
        },
        _ => Judgement::Silent,
    }
}

const EARLY: &str = "start the connection when the route to the peer is there, or write the own address (local_addrs, left=); force the encapsulation on both sides (encap = yes), or leave MOBIKE on so that both move to port 4500";

/// Whether a message of the exchange in which a NAT was found went between two addresses of one network.
fn neighbours_talk(s: &Signals<'_>, found: &Fact) -> bool {
    s.case.happenings().any(|(f, h)| {
        f.subject == found.subject
            && is_between_gateways(f, h)
            && matches!(hosts(&f.source.text).as_slice(), [a, b, ..] if neighbours(a, b))
    })
}

/// Whether the line tells between which addresses IKE is spoken. Others have addresses too: those of networks.
fn is_between_gateways(f: &Fact, h: &Happening) -> bool {
    matches!(h, Happening::IkeEstablished { .. }) || f.source.text.contains(" packet: from ")
}

/// Whether two addresses are in one network of the usual size.
fn neighbours(a: &IpAddr, b: &IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a != b && a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a != b && a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}

/// Whether the tunnel came up with an own address that nobody has to translate.
fn has_public_address(s: &Signals<'_>) -> bool {
    let public = |address: &IpAddr| match address {
        IpAddr::V4(a) => {
            let [x, y, ..] = a.octets();
            let shared = x == 100 && (64..128).contains(&y);
            !(a.is_private() || shared || a.is_link_local() || a.is_unspecified())
        }
        IpAddr::V6(a) => !(a.is_unique_local() || a.is_unicast_link_local() || a.is_unspecified()),
    };
    s.case.happenings().any(|(f, h)| {
        matches!(h, Happening::IkeEstablished { .. })
            && hosts(&f.source.text).first().is_some_and(public)
    })
}

/// Whether we and the peer that sent it are in the same network: nobody translates between neighbours.
fn beside_each_other(s: &Signals<'_>, stray: Seen<'_>) -> bool {
    let peers = stray.value("peer").map(hosts).unwrap_or_default();
    s.case.happenings().any(|(f, h)| {
        let ends = hosts(&f.source.text);
        is_between_gateways(f, h)
            && peers
                .iter()
                .any(|peer| ends.contains(peer) && ends.iter().any(|end| neighbours(end, peer)))
    })
}

/// Whether a line of an exchange of ours names the address.
fn is_peer(s: &Signals<'_>, address: IpAddr) -> bool {
    s.case.facts.iter().any(|f| {
        matches!(f.what, Known::Happened { .. }) && hosts(&f.source.text).contains(&address)
    })
}
