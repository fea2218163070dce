//! `uniqueness-kicks-peer`: two devices with one identity push each other out.

use std::collections::BTreeMap;

use adit_model::complaint::Complaint;
use adit_model::fact::Known;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "uniqueness-kicks-peer",
    recurs: true,
    page: Page {
        title: "Two devices with the same identity push each other out",
        what: "A gateway that allows one IKE SA per identity removes the older one when the same identity comes again. Two devices with one certificate or user name take turns.",
        initiator: "The tunnel drops each time the other device connects.",
        responder: "strongSwan: \"deleting duplicate IKE_SA for peer 'X' due to uniqueness policy\".",
        look_alikes: &[
            (
                "nat-ipsec-passthrough",
                "Is it the same identity, or the same address?",
            ),
            (
                "reboot-no-initial-contact",
                "Is it the same device that came back?",
            ),
        ],
        fix: &[
            (
                "any",
                "An identity of its own for each device; or allow several per identity.",
            ),
            (
                "strongswan",
                "`unique = never` of the connection; ipsec.conf: `uniqueids=never`",
            ),
            ("libreswan", "`uniqueids=no`"),
        ],
        source: "RFC 7296 2.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let kept_out = s.refusal(|r| match r {
        Refusal::PeerIsHere {
            peer,
            from,
            present,
        } => Some((peer, from, present)),
        _ => None,
    });
    if let Some((refused, (peer, from, present))) = kept_out {
        return Found::on(
            refused.fact,
            SAID,
            AtFault::Both,
            format!("{peer} was refused from {from}: it is connected from {present} already"),
        )
        .because("The gateway keeps an IKE SA that is up and lets nobody else in under the same identity (unique = keep).")
        .fix("give each device an identity of its own, or allow several (unique = never), or let the newer one replace the older (unique = replace)")
        .then("find out which device is connected from the other address")
        .done();
    }
    const SEVERAL: usize = 2;
    let (reauthenticates, all): (Vec<Seen<'_>>, Vec<Seen<'_>>) = s
        .ever(Sign::DuplicateRemoved)
        .into_iter()
        .partition(|x| x.value("of") == Some("reauthentication"));
    if all.is_empty()
        && let Some(judgement) = taken_for_reauthentication(s, &reauthenticates)
    {
        return judgement;
    }
    if all.is_empty()
        && let Some(judgement) = client_takes_route(s)
    {
        return judgement;
    }
    let Some(seen) = all.last() else {
        let told = s.told(notify::AUTHENTICATION_FAILED, false);
        return match told.filter(|_| s.authenticated().is_none() && s.refused.is_empty()) {
            Some(_) => Judgement::Possible {
                weight: 10,
                because: "a gateway that keeps the device that is connected refuses another one of the same identity".to_owned(),
                separated_by: "the responder's log: whether it was connected from another address",
            },
            None => Judgement::Silent,
        };
    };
    let peer = seen.value_or("peer", "the peer's identity");
    // One device that comes back after a cut is removed once, and stays; or it fails for a reason of its own.
    let else_wrong = !s.refused.is_empty() || !s.told.is_empty() || !s.silences.is_empty();
    if all.len() < SEVERAL && (else_wrong || s.was_up().is_some()) {
        return Judgement::Silent;
    }
    Found::by(*seen, if all.len() < SEVERAL { SYMPTOM } else { COUNTED }, format!("an IKE SA of {peer} was removed because the same identity came again"))
        .at(AtFault::Both)
        .with(all.iter().map(|x| x.fact))
        .because("The gateway allows one IKE SA per identity: two devices with the same one push each other out.")
        .fix("give each device an identity (certificate, user name) of its own, or allow several IKE SAs per identity (strongSwan: unique = never, uniqueids=never)")
        .then("see from which addresses this identity comes")
        .done()
}

/// Both ends begin, or one begins anew whenever its SA goes: each new SA is taken for the old one's successor, the old one
/// is deleted a while later, and its end begins again. Once in a lifetime it is what is meant to happen.
fn taken_for_reauthentication(s: &Signals<'_>, all: &[Seen<'_>]) -> Option<Judgement> {
    /// No lifetime is as short as this.
    const SOON_MS: u64 = 120_000;
    // Who changes networks comes twice, once from each.
    const IN_A_ROW: usize = 3;
    // One event is often written twice, by the daemon and by what runs it.
    const AT_ONCE_MS: u64 = 1_000;
    let seen = *all.last()?;
    let mut of_peers: BTreeMap<Option<&str>, Vec<u64>> = BTreeMap::new();
    for x in all {
        of_peers
            .entry(x.value("peer"))
            .or_default()
            .extend(x.fact.at.map(|at| at.0));
    }
    let soon = of_peers.values_mut().any(|times| {
        times.sort_unstable();
        times.dedup_by(|later, before| later.saturating_sub(*before) <= AT_ONCE_MS);
        times.windows(IN_A_ROW).any(|some| {
            let (first, last) = (some.first(), some.last());
            first
                .zip(last)
                .is_some_and(|(first, last)| last.saturating_sub(*first) <= SOON_MS)
        })
    });
    // What comes as seldom as a lifetime is over may be the reauthentication that it was taken for.
    let breaks = s.case.facts.iter().find(|f| {
        matches!(
            f.what,
            Known::Complained { complaint: Complaint::Periodic, after_s: Some(after) } if after.saturating_mul(1000) <= SOON_MS
        )
    });
    if !soon && (breaks.is_none() || !s.calm()) {
        return Some(Judgement::Possible {
            weight: 25,
            because: "an IKE SA took the place of an older one of the same identity".to_owned(),
            separated_by: "whether that happens once in a lifetime, or again and again",
        });
    }
    let peer = seen.value_or("peer", "the peer's identity");
    Some(
        Found::by(
            seen,
            if soon { COUNTED } else { SYMPTOM },
            format!("IKE SAs of {peer} take each other's place again and again"),
        )
        .at(AtFault::Both)
        .with(all.iter().map(|x| x.fact).chain(breaks))
        .because("The gateway allows one IKE SA per identity and takes each new one for a peer that authenticates again: it deletes the older one some seconds later. Whoever begins anew then, or two ends that both begin, never come to rest.")
        .fix("let one end alone begin, or allow several IKE SAs per identity (strongSwan: unique = never, uniqueids=no), and bring both ends to the newest version")
        .then("see which end begins each of the IKE SAs, and from which address")
        .done(),
    )
}

/// pluto has one route for a client's network: whoever asks for the same takes it from the client before.
fn client_takes_route(s: &Signals<'_>) -> Option<Judgement> {
    const SEVERAL: usize = 2;
    let all: Vec<Seen<'_>> = s
        .ever(Sign::TrafficOwnedByOther)
        .into_iter()
        .filter(|x| x.value("instance").is_some())
        .collect();
    let seen = *all.last()?;
    let told = s.complains(Complaint::SecondClientKicks);
    if all.len() < SEVERAL && told.is_none() {
        return Some(Judgement::Possible {
            weight: 55,
            because: "a client took the route that another one, or the same one before, had"
                .to_owned(),
            separated_by: "whether two devices push each other out again and again",
        });
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            "clients take the route inside the tunnel from each other: they ask for the same network",
        )
        .at(AtFault::Both)
        .with(all.iter().map(|x| x.fact).chain(told))
        .because("The gateway has one route for a network behind its clients. Each client that asks for the same one is given it, and the client before is released.")
        .fix("give each client an address of its own inside the tunnel (an address pool, or networks that are disjoint)")
        .done(),
    )
}
