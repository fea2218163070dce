//! `sa-desync-one-side-flushed`: the SAs of the two sides are not the same ones.

use adit_model::complaint::Complaint;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::KernelSa;

use crate::finding::{BOTH_SIDES, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;
use crate::xfrm::{CUT_AT, Spd};

pub(crate) static RULE: Rule = Rule {
    id: "sa-desync-one-side-flushed",
    recurs: false,
    page: Page {
        title: "The SAs of the two sides are not the same ones",
        what: "The SA data base was flushed or lost on one node only. The other keeps encrypting with the old SA for the rest of its lifetime, into the void.",
        initiator: "Encrypts with the old SA; nothing returns.",
        responder: "Has no SA for what arrives; counters of unknown SPIs grow.",
        look_alikes: &[
            (
                "esp-spi-unknown",
                "Is only the symptom known, or are the SAs of both sides listed?",
            ),
            ("reboot-no-initial-contact", "Did one end restart?"),
        ],
        fix: &[
            (
                "any",
                "Flush the SAs of this tunnel on both sides; dead peer detection or a tunnel monitor finds it the next time.",
            ),
            (
                "illumos",
                "`ipseckey flush` and `ikeadm flush p1` on both nodes.",
            ),
            (
                "strongswan",
                "`swanctl --terminate --ike NAME` on both sides, then initiate on one.",
            ),
            (
                "cisco-ios",
                "`clear crypto sa`, `clear crypto isakmp` on both.",
            ),
            (
                "panos",
                "`clear vpn ike-sa gateway NAME`, `clear vpn ipsec-sa tunnel NAME` on both.",
            ),
        ],
        source: "RFC 4301 4.4.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["reboot-no-initial-contact"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let ours = pairs(s, Side::Local);
    let theirs = pairs(s, Side::Remote);
    let (Some((first, ..)), Some((second, ..))) = (ours.first(), theirs.first()) else {
        return listed(s)
            .or_else(|| forgotten(s))
            .unwrap_or(Judgement::Silent);
    };
    let meets =
        |out: u32, all: &[(&Fact, u32, u32)]| all.iter().any(|(_, inbound, _)| *inbound == out);
    let lost_there = ours.iter().all(|(_, _, out)| !meets(*out, &theirs));
    let lost_here = theirs.iter().all(|(_, _, out)| !meets(*out, &ours));
    if !lost_there && !lost_here {
        return Judgement::RuledOut(
            "what one side sends with is an SA that the other has".to_owned(),
        );
    }
    if !suffers(s) || ours.len().max(theirs.len()) >= CUT_AT {
        return maybe();
    }
    Found::on(
        first,
        BOTH_SIDES,
        AtFault::Both,
        "the SAs of the two sides aren't the same: what one sends with, the other has no SA for",
    )
    .with([*second])
    .because("The SPI that a side sends with must be one that the other receives with. No pair of these listings fits.")
    .fix("flush the SAs of this tunnel on both sides and let one of them negotiate anew; switch dead peer detection on")
    .done()
}

/// The peer's daemon answers who asks anew, and not what comes over this tunnel's IKE SA; nor does anything come over its
/// SAs.
fn forgotten(s: &Signals<'_>) -> Option<Judgement> {
    let carried = s.carried(Side::Local).filter(|c| s.up && c.only_sends())?;
    let silence = s.silence("INFORMATIONAL")?;
    let answers = s.ike_answers(false).or_else(|| s.ike_answers(true))?;
    if s.lossy().is_some() {
        return None;
    }
    Some(
        Found::on(
            answers,
            COUNTED - 0.05,
            AtFault::Remote,
            "the peer has lost this tunnel's SAs: its daemon answers a first message, and neither what is asked over the IKE SA nor what is sent into the tunnel",
        )
        .with(silence.facts.iter().copied())
        .with(carried.facts)
        .because("The path and the daemon are all right. It was restarted, or its SAs were cleared, without a word to us; ESP has no acknowledgement, so this side goes on sending.")
        .fix("adit reset NAME sets the tunnel up anew; dead peer detection (`dpd`) on both sides finds it without being asked")
        .then("the peer's log: when did its daemon start?")
        .done(),
    )
}

/// Lists with differing SAs that may have been taken before and after a rekeying.
fn maybe() -> Judgement {
    Judgement::Possible {
        weight: 55,
        because: "the two sides list different SAs".to_owned(),
        separated_by: "whether both lists were taken at the same time, and whether traffic passes",
    }
}

/// Something is wrong with what the tunnel carries, and nothing else explains it.
fn suffers(s: &Signals<'_>) -> bool {
    let complains = [Complaint::NothingPasses, Complaint::OneWay]
        .into_iter()
        .any(|c| s.complains(c).is_some());
    s.calm() && (complains || s.traffic_suffers())
}

/// The SPIs of a side's SAs as its status lists them: inbound, outbound.
fn pairs<'a>(s: &Signals<'a>, side: Side) -> Vec<(&'a Fact, u32, u32)> {
    s.case
        .of(side)
        .filter_map(|f| match &f.what {
            Known::Carried { traffic } => Some((f, traffic.spi_in?, traffic.spi_out?)),
            _ => None,
        })
        .collect()
}

/// The kernels of both sides list SAs, and none is the same.
fn listed<'a>(s: &Signals<'a>) -> Option<Judgement> {
    let (ours, theirs) = (s.kernel(Side::Local)?, s.kernel(Side::Remote)?);
    // A gateway has SAs with others too: those between these two count alone.
    let between = |a: &KernelSa, b: &KernelSa| {
        !a.from.is_empty() && (a.from == b.from && a.to == b.to || a.from == b.to && a.to == b.from)
    };
    let common = |of: &Spd<'a>, other: &Spd<'a>| -> Vec<(&'a Fact, &'a KernelSa)> {
        let shared = |a: &KernelSa| other.sas.iter().any(|(_, b)| between(a, b));
        of.sas.iter().copied().filter(|(_, a)| shared(a)).collect()
    };
    let (mine, yours) = (common(&ours, &theirs), common(&theirs, &ours));
    let (first, second) = (mine.first()?.0, yours.first()?.0);
    let same = |a: &KernelSa| yours.iter().any(|(_, b)| a.spi == b.spi);
    if mine.iter().any(|(_, a)| same(a)) {
        return None;
    }
    if !ours.sas_whole() || !theirs.sas_whole() || !suffers(s) {
        return Some(maybe());
    }
    Some(
        Found::on(
            first,
            BOTH_SIDES,
            AtFault::Both,
            "the kernels of the two sides have no SA in common",
        )
        .with([second])
        .because("Both ends of an SA have the same SPI. None of these lists is in the other.")
        .fix("flush the SAs of this tunnel on both sides and let one of them negotiate anew; switch dead peer detection on")
        .done(),
    )
}
