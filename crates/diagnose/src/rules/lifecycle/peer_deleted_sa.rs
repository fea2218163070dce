//! `peer-deleted-sa`: the peer took the tunnel down.

use adit_model::event::{Happening, Party};
use adit_model::fact::{Fact, Known};
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::Carried;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;
use crate::waiting::taken_back;

pub(crate) static RULE: Rule = Rule {
    id: "peer-deleted-sa",
    recurs: false,
    page: Page {
        title: "The peer took the tunnel down",
        what: "A delete came for the IKE SA. The peer's administrator, an idle timeout there, a uniqueness rule or its end of life did it; its log says which.",
        initiator: "strongSwan: \"received DELETE for IKE_SA X[n]\"; Libreswan: \"received Delete SA payload\".",
        responder: "A reason in its log.",
        look_alikes: &[
            ("idle-teardown", "Was there traffic in the minutes before?"),
            (
                "lifetime-mismatch-flap",
                "Do deletes come at equal intervals?",
            ),
            (
                "uniqueness-kicks-peer",
                "Did the same identity come from elsewhere?",
            ),
        ],
        fix: &[
            (
                "any",
                "Ask the peer for the reason in its log; let our side set the tunnel up again after a delete.",
            ),
            ("strongswan", "`close_action = start|trap`"),
        ],
        source: "RFC 7296 1.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "idle-teardown",
        "lifetime-mismatch-flap",
        "uniqueness-kicks-peer",
        "reauth-break-before-make",
        "ikev1-phase1-expiry-kills-phase2",
        "transport-mode-through-nat",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.up || !s.refused.is_empty() || !s.told.is_empty() {
        return Judgement::Silent;
    }
    let deleted = s
        .closed()
        .filter(|(_, by, cause)| *by == Party::Peer && *cause == "deleted")
        .map(|(fact, _, _)| fact)
        .or_else(|| s.child_taken_down());
    // Somebody who deletes before there was anything to delete refuses, and doesn't say why.
    let (Some(fact), Some(up)) = (deleted, s.was_up()) else {
        let alone = s
            .signs
            .iter()
            .all(|x| matches!(x.sign, Sign::PeerDeleted | Sign::DeleteForUnknown));
        return match s.sign(Sign::PeerDeleted) {
            // It carried traffic, or could have: counters are kept of SAs that were up.
            Some(seen) if alone && (of_child(seen) || carried(s)) => {
                taken_down(Found::by(seen, CONDITION, SUMMARY).at(AtFault::Remote))
            }
            Some(seen) => Judgement::Possible {
                weight: 35,
                because: format!("the peer deleted the SA: {}", seen.fact.source.text),
                separated_by: "what the peer's log says at that time",
            },
            None => Judgement::Silent,
        };
    };
    if let Some(because) = taken_back(s) {
        return Judgement::Possible {
            weight: 50,
            because,
            separated_by: "the peer's log of that moment: an error of its own, a rule, or somebody's hand",
        };
    }
    let all = s.each_carried(fact.side);
    let unused = !all.is_empty() && all.iter().all(Carried::idle);
    let some = |count: Option<u64>| count.is_some_and(|n| n > 0);
    let used = all.iter().any(|c| some(c.sent) || some(c.received));
    let served = all.iter().any(Carried::both);
    if for_l2tp(s) && !served && (unused || within(up, fact, CLIENT_WAITS_MS)) {
        return Judgement::Possible {
            weight: 50,
            because: "the peer deleted an SA that hadn't served yet; who wants L2TP gives up when it isn't answered inside".to_owned(),
            separated_by: "whether L2TP (UDP 1701) arrives out of the tunnel and is answered: its daemon's log, a capture",
        };
    }
    // Of another product's log people show a part, which may lack what was wrong; our own gateway has seen everything.
    let product = s.case.products.get(&fact.side);
    let excerpt = product.is_some_and(|product| *product != Product::Adit);
    if excerpt && !used && within(up, fact, NOT_WANTED_MS) {
        return Judgement::Possible {
            weight: 50,
            because: "the peer deleted the SA before it had served for anything that is shown, and doesn't say why".to_owned(),
            separated_by: "the peer's log of that moment: what it was given, a check of its own, or somebody's hand",
        };
    }
    taken_down(Found::on(fact, CONDITION, AtFault::Remote, SUMMARY).with([up]))
}

/// For how long clients wait for what is inside.
const CLIENT_WAITS_MS: u64 = 60_000;
/// Who deletes an SA so soon hasn't used it.
const NOT_WANTED_MS: u64 = 5_000;

/// Whether it was deleted within so many milliseconds. Who shows no times shows what belongs together.
fn within(up: &Fact, deleted: &Fact, milliseconds: u64) -> bool {
    match (up.at, deleted.at) {
        (Some(up), Some(end)) => end.0.saturating_sub(up.0) <= milliseconds,
        _ => true,
    }
}

/// The SA is for L2TP, as its selectors or its name say.
pub(crate) fn for_l2tp(s: &Signals<'_>) -> bool {
    const L2TP: u16 = 1701;
    s.case.facts.iter().any(|f| {
        let named = f
            .subject
            .as_deref()
            .is_some_and(|name| name.to_ascii_lowercase().contains("l2tp"));
        named
            || match &f.what {
                Known::Happened {
                    happening:
                        Happening::ChildEstablished {
                            ts_local,
                            ts_remote,
                            ..
                        },
                } => ts_local
                    .iter()
                    .chain(ts_remote)
                    .any(|x| x.ports == (L2TP, L2TP)),
                _ => false,
            }
    })
}

const SUMMARY: &str = "the tunnel was up, and the peer took it down";

fn taken_down(found: Found) -> Judgement {
    found
        .because("A delete came, and no error before it.")
        .fix("read the gateway's log of that minute for the reason: an administrator, an idle timeout, the same identity from elsewhere, the end of a lifetime")
        .then("set the tunnel up again from our side, and let it restart after a delete (close_action)")
        .done()
}

/// What was deleted is an SA that carries traffic, so the tunnel had been up.
fn of_child(seen: Seen<'_>) -> bool {
    seen.value("child").is_some()
        || seen
            .value("what")
            .is_some_and(|what| what.to_ascii_lowercase().starts_with("ipsec state"))
}

fn carried(s: &Signals<'_>) -> bool {
    s.case
        .facts
        .iter()
        .any(|f| matches!(f.what, Known::Carried { .. }))
}
