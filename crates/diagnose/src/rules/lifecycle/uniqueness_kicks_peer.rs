//! `uniqueness-kicks-peer`: two devices with one identity push each other out.

use adit_model::complaint::Complaint;
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
    let all = s.ever(Sign::DuplicateRemoved);
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
