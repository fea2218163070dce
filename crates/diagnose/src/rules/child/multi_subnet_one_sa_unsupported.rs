//! `multi-subnet-one-sa-unsupported`: a peer takes one pair of networks per SA.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::peer_config::Setting;
use adit_model::selector::Selector;

use super::ts_mismatch;
use crate::compare::list;
use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "multi-subnet-one-sa-unsupported",
    recurs: true,
    page: Page {
        title: "The peer takes one pair of networks per SA",
        what: "IKEv2 may put several networks into one CHILD SA. IKEv1 can't, and several products take only the first pair, or refuse.",
        initiator: "Only one of the networks works at a time, or SINGLE_PAIR_REQUIRED, or TS_UNACCEPTABLE.",
        responder: "More than one selector in a proposal, of which one at most is configured as such.",
        look_alikes: &[
            (
                "ts-mismatch",
                "Is each of the networks known to the peer by itself?",
            ),
            (
                "ts-narrowed",
                "Is it always the first network that works, or the one that was used last?",
            ),
        ],
        fix: &[
            (
                "any",
                "One child (phase 2, tunnel entry) per pair of networks, or 0.0.0.0/0 with routes.",
            ),
            (
                "strongswan",
                "one `children` section (ipsec.conf: one `conn` with `also=`) per pair",
            ),
            (
                "libreswan",
                "`leftsubnets=`/`rightsubnets=`, which makes one SA per pair",
            ),
            ("vyos", "one `tunnel N` per pair"),
        ],
        source: "RFC 7296 2.9; RFC 2409 5.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["ts-mismatch"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(told) = s.told_of_child(notify::SINGLE_PAIR_REQUIRED) {
        return Found::on(
            told.fact,
            0.95,
            AtFault::Both,
            "the peer takes one pair of addresses per SA (SINGLE_PAIR_REQUIRED)",
        )
        .because("It says so itself.")
        .fix("make one child per pair of networks")
        .done();
    }
    let Some(a) = ts_mismatch::apart(s) else {
        return only_one_passes(s).unwrap_or(Judgement::Silent);
    };
    let one_of = |many: &[Selector], one: &[Selector]| {
        many.len() > 1 && one.len() == 1 && one.iter().all(|o| many.contains(o))
    };
    if !one_of(&a.our_local, &a.their_remote) && !one_of(&a.our_remote, &a.their_local) {
        return Judgement::Silent;
    }
    Found {
        confidence: SYMPTOM,
        evidence: a.evidence,
        ..several(&a.our_local, &a.our_remote)
    }
    .into()
}

/// One child is configured for several networks, and somebody tells that only some of them are reached.
fn only_one_passes(s: &Signals<'_>) -> Option<Judgement> {
    let told = s.complains(Complaint::SomeNetworks).filter(|_| s.calm())?;
    // What both sides agreed on shows what the peer takes.
    let agreed = s.case.happenings().any(|(_, h)| {
        matches!(h, Happening::ChildEstablished { ts_local, ts_remote, .. } if ts_local.len() > 1 || ts_remote.len() > 1)
    });
    let (lists, connection) = s.case.of(Side::Local).find_map(|fact| match &fact.what {
        Known::PeerConfigured { connection } => connection
            .children
            .iter()
            .any(|child| many(&child.remote_ts) || many(&child.local_ts))
            .then_some((fact, connection)),
        _ => None,
    })?;
    if agreed || s.up {
        return None;
    }
    if connection.versions.is_written() && !connection.versions.value.v1 {
        return Some(Judgement::Possible {
            weight: 40,
            because: "one child is for several networks, and only some of them are reached; many gateways take one pair for each SA in IKEv2 as well".to_owned(),
            separated_by: "the status of both sides: which networks the SA is for",
        });
    }
    Some(
        Found::on(
            lists,
            CONDITION,
            AtFault::Both,
            "one child is for several networks, and only some of them are reached: one side takes a single pair of networks for each SA",
        )
        .with([told])
        .because("IKEv1 has one pair of networks for each SA, and many gateways take one pair in IKEv2 as well: of the others nothing is carried.")
        .fix("make one child per pair of networks")
        .then("the status of both sides: which networks the SA is for")
        .done(),
    )
}

/// Several networks of one family.
fn many(of: &Setting<Vec<Option<Selector>>>) -> bool {
    let v4 = |net: &&Selector| net.start.is_ipv4();
    let all: Vec<&Selector> = of.value.iter().flatten().collect();
    let of_v4 = all.iter().copied().filter(v4).count();
    of.is_written() && (of_v4 > 1 || all.len() - of_v4 > 1)
}

fn several(local: &[Selector], remote: &[Selector]) -> Found {
    let change = "make one child per pair of networks".to_owned();
    Found {
        confidence: SYMPTOM,
        side: AtFault::Both,
        summary: format!("one SA is asked to carry several networks ({} to {}), and the other side has a single pair", list(local), list(remote)),
        explanation: "The single pair is among the several that were offered.".to_owned(),
        evidence: Vec::new(),
        fix: crate::verdict::Fix {
            local: change.clone(),
            remote: change,
        },
        message_for_peer: "We ask for several networks in one SA, and your gateway seems to take one pair per SA. We'll make one child per pair; please do the same.".to_owned(),
        next: Vec::new(),
    }
}
