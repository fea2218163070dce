//! `pfs-mismatch-at-rekey`: the first CHILD SA needs no key exchange of its own, the one that replaces it does.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::rules::child::pfs_mismatch::{groups, refused};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "pfs-mismatch-at-rekey",
    recurs: true,
    page: Page {
        title: "The tunnel works until its first rekey: the PFS groups differ",
        what: "The CHILD SA that IKE_AUTH makes takes its keys from the IKE SA, so a PFS group that differs, or is on one side only, doesn't show. The one that replaces it has an exchange of its own, with that group, and is refused: the tunnel dies after one lifetime.",
        initiator: "NO_PROPOSAL_CHOSEN in answer to CREATE_CHILD_SA with REKEY_SA; strongSwan: \"CHILD_SA rekeying failed, trying again in … seconds\".",
        responder: "Offered and configured ESP proposals that differ in the group alone.",
        look_alikes: &[
            (
                "lifetime-mismatch-flap",
                "Does it come back by itself at once?",
            ),
            (
                "rekey-failed-no-answer",
                "Was there any answer to CREATE_CHILD_SA?",
            ),
            ("pfs-mismatch", "Was the tunnel ever up?"),
        ],
        fix: &[
            (
                "any",
                "The same PFS group in both sides' ESP proposals, or none on both.",
            ),
            (
                "adit",
                "the group in `esp = [\"aes128gcm16-x25519\"]` of the child",
            ),
            (
                "strongswan",
                "the group in `esp_proposals`, such as aes128gcm16-modp2048",
            ),
            ("libreswan", "`pfs=` and the group in `esp=`"),
            ("vyos", "`set vpn ipsec esp-group X pfs dh-group14`"),
        ],
        source: "RFC 7296 1.2, 1.3.3, 2.17",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(g) = refused(s).filter(|g| g.rekeying) {
        return found(
            Found::on(
                g.fact,
                SAID,
                AtFault::Both,
                format!(
                    "the tunnel can't be rekeyed: the PFS groups differ; {} has {}, the other side asked for {}",
                    g.who, g.refusing, g.asking
                ),
            )
            .with(s.was_up()),
            s,
        );
    }
    if let Some(judgement) = crate::rules::child::pfs_mismatch::method(s, true) {
        return judgement;
    }
    if let Some((fact, asked)) = told(s) {
        let group = if asked.is_empty() {
            String::new()
        } else {
            format!(" (asked for was {})", groups(asked))
        };
        return found(
            Found::on(
                fact,
                0.86,
                AtFault::Both,
                format!("the tunnel came up and its rekey was refused with NO_PROPOSAL_CHOSEN: the PFS groups differ{group}"),
            )
            .with(s.was_up()),
            s,
        );
    }
    // The log begins after the request: that it was a rekey is told when it has failed.
    let failed = s
        .signs_of(Sign::RekeyFailed)
        .find(|x| x.value("what").is_some_and(|w| w.contains("CHILD_SA")));
    if let (Some(told), Some(failed)) = (s.told(notify::NO_PROPOSAL_CHOSEN, false), failed) {
        return found(
            Found::on(told.fact, 0.86, AtFault::Both, "the rekey of the tunnel was refused with NO_PROPOSAL_CHOSEN: the PFS groups differ")
                .with([failed.fact]),
            s,
        );
    }
    let said = s
        .ever(Sign::RekeyRefused)
        .into_iter()
        .rev()
        .find(|x| x.value("problem") == Some("NO_PROPOSAL_CHOSEN"));
    match said {
        Some(seen) => found(
            Found::by(
                seen,
                0.84,
                "the rekey was refused with NO_PROPOSAL_CHOSEN: the PFS groups differ",
            )
            .at(AtFault::Both),
            s,
        ),
        None => Judgement::Silent,
    }
}

/// The last request to replace a CHILD SA that was refused for its proposal, at any time.
fn told<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a [adit_model::proposal::Proposal])> {
    s.case.facts.iter().rev().find_map(|f| match &f.what {
        Known::Happened {
            happening:
                Happening::PeerRefused {
                    what,
                    notify: notify::NO_PROPOSAL_CHOSEN,
                    asked,
                    ..
                },
        } if what.ends_with("(rekeying)") => Some((f, asked.proposals.as_slice())),
        _ => None,
    })
}

fn found(found: Found, s: &Signals<'_>) -> Judgement {
    let summary = found.summary.clone();
    found
        .because("The first CHILD SA was made in IKE_AUTH, without a key exchange of its own; the one that replaces it is the first to have one. What was acceptable before isn't now, so it is the group.")
        .fix("set the same PFS group in the ESP proposals as the other side has, or none on both sides")
        .tell(format!(
            "The tunnel between {} comes up and can't be rekeyed: {summary}. Which PFS group (DH group of phase 2) do you have? We set the same, or none on both sides.",
            s.gateways()
        ))
        .then("put the DH group of both sides' ESP (phase 2) proposals beside each other")
        .done()
}
