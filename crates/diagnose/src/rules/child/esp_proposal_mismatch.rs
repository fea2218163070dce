//! `esp-proposal-mismatch`: no ESP proposal in common.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::feature::Feature;
use adit_model::phase::Phase;
use adit_model::proposal::{Proposal, TransformKind, choose, closest_difference};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::pfs_mismatch;
use crate::compare::{changes, kinds, list, shown};
use crate::config::Configs;
use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::setting::Setting;
use crate::signals::{Signals, notify, quote, who};
use crate::verdict::{AtFault, Evidence, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "esp-proposal-mismatch",
    recurs: false,
    page: Page {
        title: "The two sides have no ESP proposal in common",
        what: "Both sides authenticated, the IKE SA is up, and the algorithms of the CHILD SA have nothing in common: encryption, integrity, or the size of sequence numbers.",
        initiator: "NO_PROPOSAL_CHOSEN in the answer to IKE_AUTH: an IKE SA and no CHILD SA.",
        responder: "The offered and the configured ESP proposals. strongSwan: \"received proposals: ESP:…\", \"no acceptable proposal found\"; Libreswan: \"no local proposal matches remote proposals\".",
        look_alikes: &[
            (
                "ike-proposal-mismatch",
                "Did NO_PROPOSAL_CHOSEN come in the first exchange?",
            ),
            (
                "pfs-mismatch",
                "Does it fail only when the child is rekeyed?",
            ),
            ("ts-mismatch", "Is the notify TS_UNACCEPTABLE?"),
            ("mode-mismatch", "Does one side insist on transport mode?"),
        ],
        fix: &[
            (
                "any",
                "Write one common proposal on both sides, such as aes128gcm16. A cipher that authenticates by itself takes no integrity algorithm beside it.",
            ),
            ("adit", "`esp = [\"…\"]` of the child."),
            ("strongswan", "`esp_proposals = …` of the child."),
            ("libreswan", "`esp=…` (`phase2alg`)."),
            ("vyos", "`set vpn ipsec esp-group X proposal N …`."),
        ],
        source: "RFC 7296 1.2, 2.7, 3.3; RFC 8221",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "ike-proposal-changed-at-rekey",
        "pfs-mismatch-at-rekey",
        "policy-order-wrong",
    ],
    judge,
};

struct Apart {
    ours: Vec<Proposal>,
    theirs: Vec<Proposal>,
    differs: Vec<TransformKind>,
    evidence: Vec<Evidence>,
    confidence: f64,
    rekeying: bool,
}

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(apart) = apart(s) {
        // Groups alone differ only where the child has a key exchange of its own, and that has a cause of its own. So
        // have sequence numbers, and what was taken once and isn't taken again.
        if pfs_mismatch::groups_alone(&apart.differs)
            || apart.differs == [TransformKind::Esn]
            || (apart.rekeying && apart.differs.is_empty())
            || pfs_mismatch::refused(s).is_some()
        {
            return Judgement::Silent;
        }
        if pfs_mismatch::unknown_list(s) {
            return Judgement::Possible {
                weight: 60,
                because: "the ESP proposals were refused in CREATE_CHILD_SA: their ciphers may not fit, or the group may not".to_owned(),
                separated_by: "the ESP proposals of both sides, with their groups (PFS)",
            };
        }
        let (fix, ask) = advice(s, &apart);
        return Found {
            confidence: apart.confidence,
            side: AtFault::Both,
            summary: format!("the ESP proposals have nothing in common: they differ in {}", kinds(&apart.differs)),
            explanation: format!("Both sides authenticated. For the traffic we have {}, and the peer has {}. The closest pair differs in {}.", shown(&apart.ours), shown(&apart.theirs), kinds(&apart.differs)),
            fix,
            message_for_peer: format!("IKE is up between {}, and the ESP proposals have nothing in common; they differ in {}. Ours: {}. Yours: {}.{ask}", s.gateways(), kinds(&apart.differs), shown(&apart.ours), shown(&apart.theirs)),
            evidence: apart.evidence,
            next: Vec::new(),
        }
        .into();
    }
    if let Some((refused, _)) = s.unsupported(|f| *f == Feature::Ah) {
        let (refuser, other) = (who(refused.side), who(refused.side.other()));
        return Found::on(
            refused.fact,
            SAID,
            AtFault::Both,
            format!("{other} offers AH alone, and {refuser} does ESP alone"),
        )
        .because("AH protects without encrypting, and doesn't pass a NAT; ESP without it does all that is needed.")
        .fix("use ESP on both sides (strongSwan: esp_proposals in place of ah_proposals; Libreswan: phase2=esp)")
        .done();
    }
    if pfs_mismatch::refused_later(s).is_some() {
        return Judgement::Silent;
    }
    // Who names the networks as what didn't fit answers NO_PROPOSAL_CHOSEN too.
    let networks = |seen: &Seen<'_>| {
        seen.value("theirs").is_none()
            && s.signs_of(Sign::TrafficRefused)
                .any(|x| x.side() == seen.side() && x.fact != seen.fact)
    };
    if let Some(seen) = s.sign(Sign::EspProposalRefused).filter(|x| !networks(x)) {
        return said(s, seen);
    }
    let replacing = s
        .told
        .iter()
        .any(|t| t.notify == notify::NO_PROPOSAL_CHOSEN && t.rekeying);
    if let Some(seen) = s
        .signs_of(Sign::ChildFailed)
        .find(|x| x.value("problem") == Some("NO_PROPOSAL_CHOSEN"))
        .filter(|_| !replacing)
    {
        return said(s, seen);
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::ChildEstablished { .. })) {
        return Judgement::RuledOut(format!("ESP algorithms were agreed: {}", fact.source.text));
    }
    if let Some(found) = behind_first_phase(s) {
        return found;
    }
    // What the asking side was told came protected: what the other side says of the same adds nothing to it.
    let told = s
        .told(notify::NO_PROPOSAL_CHOSEN, false)
        .filter(|t| !t.rekeying);
    if told.is_none()
        && let Some(seen) = s.sign(Sign::ChildRequestRefused)
    {
        if let Some(found) = taken_down_with_it(s, seen).or_else(|| of_client(s)) {
            return found;
        }
        return Judgement::Possible {
            weight: 60,
            because: match (seen.value("words"), seen.value("by")) {
                (Some("all"), _) => format!(
                    "{} took no proposal of phase 2, in words that it has for ciphers, group and networks alike",
                    seen.who()
                ),
                (_, by) => format!(
                    "{} answered NO_PROPOSAL_CHOSEN to the request for a CHILD SA",
                    match by {
                        Some("peer") => who(seen.side().other()),
                        _ => seen.who(),
                    }
                ),
            },
            separated_by: "the lines before the answer in the same log (FortiOS: diagnose debug application ike -1): they tell which proposals were compared",
        };
    }
    // What was taken once and isn't taken again differs in something that the first CHILD SA doesn't negotiate.
    let Some(told) = told else {
        return unanswered(s);
    };
    if let Some(request) = pfs_mismatch::unknown_request(s) {
        return further(request);
    }
    if alone(s, told.fact) && told.asked.is_none_or(|a| a.proposals.is_empty()) {
        return Judgement::Possible {
            weight: 60,
            because: "NO_PROPOSAL_CHOSEN came for an SA of the second phase, and nothing is shown of what was asked for: its ciphers, its group (PFS), its mode or its networks may be refused".to_owned(),
            separated_by: "the lines before it, from the beginning of the attempt, and what the peer's log of that quick mode compares",
        };
    }
    // The proposals of quick mode have the group of a key exchange of its own; those of IKE_AUTH have none.
    let quick = s.case.happenings().any(|(fact, h)| match h {
        Happening::Sent(m) => fact.side == told.side && Phase::is_v1(&m.exchange),
        _ => false,
    });
    // Between two hosts it may be the mode as well, and where the modes differ it is.
    let hosts = s.written_between_hosts();
    if s.between_hosts()
        || hosts && !quick
        || other_refusal(s)
        || Configs::of(s.case).differ_in("mode-mismatch")
    {
        return Judgement::Possible {
            weight: 60,
            because:
                "NO_PROPOSAL_CHOSEN is the answer to algorithms that the other side doesn't have"
                    .to_owned(),
            separated_by: "what the responder's log says that it compared",
        };
    }
    let asked = told
        .asked
        .map(|a| a.proposals.as_slice())
        .unwrap_or_default();
    let shown = || hosts && s.sign(Sign::ChildProposalsShown).is_some();
    if quick && asked.is_empty() && (both_written(s) || shown()) {
        return Judgement::Possible {
            weight: 60,
            because: "quick mode was refused with NO_PROPOSAL_CHOSEN, and what is shown of both sides' configurations doesn't differ in its algorithms".to_owned(),
            separated_by: "what the peer's log of that quick mode compares: ciphers, group, mode or networks",
        };
    }
    let (ours, theirs) = match told.side {
        Side::Local => ("we", "the peer"),
        Side::Remote => ("the peer", "our side"),
    };
    let group = if quick {
        " In IKEv1 a group (PFS) that the other side doesn't have is answered in the same way, so compare it too."
    } else {
        ""
    };
    Found {
        confidence: match (quick, hosts) {
            (true, true) => SYMPTOM,
            (true, false) => 0.86,
            (false, _) => 0.93,
        },
        side: AtFault::Both,
        summary: if asked.is_empty() {
            format!("{theirs} takes none of the ESP proposals that were offered")
        } else {
            format!("{theirs} takes none of the ESP proposals that {ours} offered: {}", list(asked))
        },
        explanation: format!("NO_PROPOSAL_CHOSEN came protected, after both sides had agreed on IKE algorithms and keys: it is about the algorithms of the CHILD SA. What the other side has isn't in the notify.{group}"),
        evidence: quote([told.fact]),
        fix: Fix {
            local: "add a proposal for phase 2 (ESP) that the peer has; ask for its list".to_owned(),
            remote: match asked.first() {
                Some(first) => Setting::EspProposals(first, core::slice::from_ref(first))
                    .at(s.product(Side::Remote)),
                None => "add one of our ESP proposals".to_owned(),
            },
        },
        message_for_peer: format!("IKE is up between {}, and your gateway takes none of our ESP proposals ({}). Which ones do you have configured? Or please add {}.", s.gateways(), list(asked), asked.first().map_or("one of ours".to_owned(), ToString::to_string)),
        next: vec![if quick {
            "ask the peer for its ESP proposals and its PFS group, or read its log of the attempt"
        } else {
            "ask the peer for its ESP proposals, or read its log of the attempt"
        }
        .to_owned()],
    }
    .into()
}

/// An answer of IKEv1, with nothing of the attempt that it ends, and no configuration.
fn alone(s: &Signals<'_>, told: &Fact) -> bool {
    let of_v1 = s.case.happenings().any(|(f, h)| {
        f.side == told.side && matches!(h, Happening::Received(m) if Phase::is_v1(&m.exchange))
    });
    let shown = s.case.facts.iter().any(|f| match &f.what {
        Known::Happened { happening } => match happening {
            Happening::PeerRefused { .. } => false,
            Happening::Received(m) => m.phase() != Some(Phase::Informational),
            _ => true,
        },
        Known::PeerConfigured { .. } | Known::Configured { .. } | Known::Listed { .. } => true,
        _ => false,
    });
    of_v1 && !shown
}

/// Configurations of two products are shown, so of both ends, and none of their ESP proposals is known to differ, or to be
/// none that its product takes.
fn both_written(s: &Signals<'_>) -> bool {
    let unread = s.case.facts.iter().any(|f| match &f.what {
        Known::PeerConfigured { connection } => connection
            .children
            .iter()
            .any(|child| child.esp.is_written() && child.esp.value.is_none()),
        _ => false,
    });
    if unread {
        return false;
    }
    let mut dialects = s.case.facts.iter().filter_map(|f| match &f.what {
        Known::PeerConfigured { connection } if !connection.listed => Some(connection.dialect),
        _ => None,
    });
    let configs = Configs::of(s.case);
    let first = dialects.next();
    dialects.any(|dialect| Some(dialect) != first)
        && !configs.differ_in("esp-proposal-mismatch")
        && !configs.differ_in("pfs-mismatch")
}

/// The side that refused says that it did so for something else.
fn other_refusal(s: &Signals<'_>) -> bool {
    s.refusal(|r| {
        matches!(
            r,
            Refusal::Mode { .. } | Refusal::Unsupported { .. } | Refusal::NoIkeProposal { .. }
        )
        .then_some(())
    })
    .is_some()
}

/// An error of IKEv1 doesn't name its phase. Where the log shows nothing of the first, a user who says that it comes up
/// tells that the error is about the second.
fn behind_first_phase(s: &Signals<'_>) -> Option<Judgement> {
    if let Some((done, refused)) = s.refused_behind_first_phase() {
        return Some(refused_all(s, refused, done));
    }
    let seen = s.sign(Sign::FirstPhaseDone)?;
    let told = s.told(notify::NO_PROPOSAL_CHOSEN, true)?;
    let begun = s.reached(|h| {
        matches!(
            h,
            Happening::Sent(_) | Happening::Received(_) | Happening::Initiating { .. }
        )
    });
    if begun.is_some() || told.version == 2 {
        return None;
    }
    Some(refused_all(s, told.fact, seen.fact))
}

/// ASA refuses proposals in these words and takes the IKE SA down; networks it refuses in others. IOS has the same words
/// for both, and leaves the IKE SA.
fn taken_down_with_it(s: &Signals<'_>, refused: Seen<'_>) -> Option<Judgement> {
    let quick = refused.value("version") == Some("1");
    let deleted = s
        .signs_of(Sign::PeerDeleted)
        .find(|x| x.side() == refused.side() && x.fact.source.line > refused.fact.source.line)?;
    quick.then(|| refused_all(s, refused.fact, deleted.fact))
}

/// A client that was given its address: its networks are what the gateway made them, so that of the reasons that FortiOS has
/// one wording for the algorithms and their group are left.
fn of_client(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s
        .signs_of(Sign::ChildRequestRefused)
        .find(|x| x.value("networks") == Some("given"))?;
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("{} took no proposal of phase 2 from a client that it had given its address", seen.who()),
        )
        .at(AtFault::Both)
        .because("The client was let in and given an address before, so phase 1, the user and the networks are accepted: what is left of phase 2 are its algorithms and its group (PFS).")
        .fix("set the same phase 2 algorithms, PFS switch and group in the client's profile as in the gateway's phase 2 (FortiOS: set proposal, set pfs, set dhgrp)")
        .then("diagnose debug application ike -1 during an attempt: `incoming proposal` and `my proposal` beside each other")
        .done(),
    )
}

fn refused_all(s: &Signals<'_>, refused: &Fact, done: &Fact) -> Judgement {
    Found::on(
        refused,
        0.85,
        AtFault::Both,
        "the peer takes none of the ESP proposals (phase 2) that were offered",
    )
    .with([done])
    .because("NO_PROPOSAL_CHOSEN came though phase 1 comes up: it is about the algorithms of the second phase, its group (PFS) among them.")
    .fix("set the same ESP encryption, integrity and PFS group as the other side")
    .tell(format!("Phase 1 comes up between {}, and your gateway takes none of our ESP proposals. Which encryption, integrity and PFS group do you have for this tunnel?", s.gateways()))
    .then("ask the peer for its ESP proposals, or read its log of the attempt")
    .done()
}

/// Peers that don't like the proposals of quick mode (IKEv1) may say nothing.
fn unanswered(s: &Signals<'_>) -> Judgement {
    match s.silence("QUICK_MODE").filter(|x| Phase::is_v1(x.exchange)) {
        Some(_) => Judgement::Possible {
            weight: 55,
            because: "phase 1 is up, and some products leave a quick mode unanswered whose proposals they don't take".to_owned(),
            separated_by: "the peer's log of the attempt: both lists of proposals for ESP",
        },
        None => Judgement::Silent,
    }
}

/// A line says so outside of an exchange that could be followed.
fn said(s: &Signals<'_>, seen: Seen<'_>) -> Judgement {
    let values = match (seen.value("ours"), seen.value("theirs")) {
        (Some(ours), Some(theirs)) => {
            format!(": {} has {ours}, the other side {theirs}", seen.who())
        }
        (None, Some(theirs)) => format!("; refused was {theirs}"),
        _ => String::new(),
    };
    Found::by(seen, SAID - 0.02, format!("the ESP proposals have nothing in common{values}"))
        .at(AtFault::Both)
        .with(s.signs_of(seen.sign).map(|x| x.fact))
        .because("The algorithms of the second phase were compared and none fitted; the first phase is through by then.")
        .fix("set the same ESP encryption and integrity (and the same PFS group) as the other side; a cipher that authenticates by itself takes no integrity algorithm beside it")
        .tell(format!("IKE is up between {}, and the ESP proposals have nothing in common{values}. Which encryption, integrity and PFS group do you have for this tunnel?", s.gateways()))
        .then("put both sides' ESP (phase 2) proposals beside each other")
        .done()
}

fn apart(s: &Signals<'_>) -> Option<Apart> {
    let refused = s.refusal(|r| match r {
        Refusal::NoEspProposal {
            offered,
            configured,
            differs,
        } => Some((offered, configured, differs)),
        _ => None,
    });
    if let Some((r, (offered, configured, differs))) = refused {
        let (ours, theirs) = match r.side {
            Side::Local => (configured, offered),
            Side::Remote => (offered, configured),
        };
        let told = s
            .told
            .iter()
            .filter(|t| t.side != r.side && t.notify == notify::NO_PROPOSAL_CHOSEN);
        return Some(Apart {
            ours: ours.clone(),
            theirs: theirs.clone(),
            differs: differs.clone(),
            evidence: quote(core::iter::once(r.fact).chain(told.map(|t| t.fact))),
            confidence: SAID,
            rekeying: r.rekeying,
        });
    }
    let told = s.told(notify::NO_PROPOSAL_CHOSEN, false)?;
    let (our_fact, ours) = s.configured(Side::Local)?;
    let (their_fact, theirs) = s.configured(Side::Remote)?;
    let (ours, theirs) = (&ours.children.first()?.esp, &theirs.children.first()?.esp);
    // The first CHILD SA has no key exchange of its own (RFC 7296 1.2).
    if choose(ours, theirs, false).is_some() {
        return None;
    }
    Some(Apart {
        differs: closest_difference(ours, theirs, false),
        ours: ours.clone(),
        theirs: theirs.clone(),
        evidence: quote([told.fact, our_fact, their_fact]),
        confidence: 0.95,
        rekeying: told.rekeying,
    })
}

fn advice(s: &Signals<'_>, apart: &Apart) -> (Fix, String) {
    let Some((ours, theirs)) = changes(&apart.ours, &apart.theirs, false) else {
        return (
            Fix {
                local: "write a proposal that the peer has".to_owned(),
                remote: "write a proposal that we have".to_owned(),
            },
            String::new(),
        );
    };
    let fix = Fix {
        local: Setting::EspProposals(&ours.add, &ours.all).at(s.product(Side::Local)),
        remote: Setting::EspProposals(&theirs.add, &theirs.all).at(s.product(Side::Remote)),
    };
    let ask = format!(
        " Please add {} to your ESP proposals; or tell us to add {} to ours.",
        theirs.add, ours.add
    );
    (fix, ask)
}

/// NO_PROPOSAL_CHOSEN came to a request for a further child, of whose proposals nothing is shown.
fn further(request: pfs_mismatch::Unknown<'_>) -> Judgement {
    if request.without_group || request.further {
        return Judgement::Possible {
            weight: 62,
            because: "NO_PROPOSAL_CHOSEN came to a request for a further CHILD SA: its ciphers may not fit, its group, or what the peer has for these networks".to_owned(),
            separated_by: "what the peer's log of that request compares",
        };
    }
    Found::on(
        request.fact,
        CONDITION,
        AtFault::Both,
        "the peer takes none of the ESP proposals of a further CHILD SA",
    )
    .because("IKE is up, and the answer is about the proposals of this child: its ciphers, or the group of its own key exchange (PFS), which the first child doesn't negotiate. Some products refuse networks that they don't have in the same words.")
    .fix("compare ESP ciphers and PFS group of this child with the peer's, then its networks")
    .then("what the peer's log of that request compares")
    .done()
}
