//! `ike-dh-group-mismatch`: no key exchange group in common.

use adit_model::event::Happening;
use adit_model::fact::Side;
use adit_model::keywords::ke_name;
use adit_model::proposal::{Proposal, TransformKind};
use adit_model::sign::Sign;

use super::ike_proposal_mismatch::{apart, fix, message};
use crate::compare::{list, shown};
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::setting::Setting;
use crate::signals::{Signals, Told, notify, quote, who};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "ike-dh-group-mismatch",
    recurs: false,
    page: Page {
        title: "The two sides have no key exchange group in common",
        what: "Encryption, integrity and PRF fit; the Diffie-Hellman or key exchange groups don't. One INVALID_KE_PAYLOAD followed by a second try with the wanted group is normal and no fault.",
        initiator: "INVALID_KE_PAYLOAD that asks for a group which isn't in the initiator's list; or NO_PROPOSAL_CHOSEN.",
        responder: "strongSwan: \"key exchange method X unacceptable, requesting Y\"; Libreswan: \"initiator guessed wrong keying material group\".",
        look_alikes: &[(
            "ike-proposal-mismatch",
            "Which notify is it: 17 (group) or 14 (proposal)? Does anything else differ?",
        )],
        fix: &[
            (
                "any",
                "The same group on both sides: x25519 (31), ecp256 (19) or modp2048 (14).",
            ),
            (
                "adit",
                "the last keyword in `ike = [\"aes128gcm16-prfsha256-x25519\"]`.",
            ),
            ("strongswan", "the last keyword in `proposals = …`."),
            (
                "vyos",
                "`set vpn ipsec ike-group X proposal N dh-group 14`.",
            ),
        ],
        source: "RFC 7296 1.2, 2.7, 3.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(apart) = apart(s).filter(|a| a.differs == [TransformKind::KeyExchange]) {
        let groups = |list: &[Proposal]| {
            let mut all: Vec<String> = Vec::new();
            for name in list.iter().flat_map(|p| &p.ke).map(|k| ke_name(*k)) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            all.join(", ")
        };
        let (ours, theirs) = (groups(&apart.ours), groups(&apart.theirs));
        return Found {
            confidence: apart.confidence,
            side: AtFault::Both,
            summary: format!("the key exchange groups have nothing in common: we have {ours}, the peer has {theirs}"),
            explanation: format!("Encryption, integrity and PRF fit. Our proposals are {}; the peer's are {}.", shown(&apart.ours), shown(&apart.theirs)),
            fix: fix(s, &apart),
            message_for_peer: message(s, &apart),
            evidence: apart.evidence,
            next: Vec::new(),
        }
        .into();
    }
    if let Some(seen) = s.first_sign(&[Sign::IkeGroupNotOffered, Sign::IkeGroupRefused]) {
        if let Some(group) = seen
            .value("offered")
            .filter(|_| seen.value("wanted").is_none())
        {
            return Found::by(
                seen,
                SAID - 0.02,
                format!("{} doesn't take the key exchange group {group} that the peer uses", seen.who()),
            )
            .at(AtFault::Both)
            .because("The group isn't known or not allowed there, so the request is dropped, with or without an answer.")
            .fix("set a key exchange group that both sides have: modp2048 (14), ecp256 (19) or x25519 (31)")
            .done();
        }
        let wanted = seen
            .value("wanted")
            .map_or(String::new(), |wanted| format!(" {wanted}"));
        return Found::by(
            seen,
            SAID - 0.02,
            format!("the peer wants the key exchange group{wanted}, which isn't in the proposals of {}", seen.who()),
        )
        .at(AtFault::Both)
        .because("INVALID_KE_PAYLOAD asks for a group that was never offered, so there can't be a second try with it.")
        .fix("set the same key exchange group on both sides: x25519 (31), ecp256 (19) or modp2048 (14)")
        .done();
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::IkeProposalChosen { .. })) {
        return Judgement::RuledOut(format!(
            "a key exchange group was agreed: {}",
            fact.source.text
        ));
    }
    if let Some(told) = s.told(notify::INVALID_KE_PAYLOAD, true) {
        return match wanted(told) {
            Some((group, asked)) if !offers(&asked, &group) => {
                let mut after = asked.clone();
                let more = asked.first().map(|first| Proposal {
                    ke: group.ke.clone(),
                    ..first.clone()
                });
                after.extend(more.clone());
                let (teller, hearer) = (who(told.side.other()), who(told.side));
                let name = group.to_string();
                let own = more.map_or(format!("add the group {name}"), |more| {
                    Setting::IkeProposals(&more, &after).at(s.product(told.side))
                });
                let other = format!("add a group of {} to the IKE proposals", list(&asked));
                let fix = if told.side == Side::Local {
                    Fix {
                        local: own,
                        remote: other,
                    }
                } else {
                    Fix {
                        local: other,
                        remote: own,
                    }
                };
                Found {
                    confidence: 0.95,
                    side: AtFault::Both,
                    summary: format!("{teller} wants the key exchange group {name}, which isn't in {hearer}'s proposals"),
                    explanation: format!("INVALID_KE_PAYLOAD asks for {name}. The offer was {}; without that group there can't be a second try.", list(&asked)),
                    evidence: quote([told.fact]),
                    fix,
                    message_for_peer: format!("The IKE key exchange groups of {} don't meet: {name} was asked for, and the offer was {}. Please let us agree on one group, such as x25519 or modp2048.", s.gateways(), list(&asked)),
                    next: Vec::new(),
                }
                .into()
            }
            _ => Judgement::Possible {
                weight: 70,
                because: "INVALID_KE_PAYLOAD came and no second try succeeded".to_owned(),
                separated_by: "the group that the notify asks for, beside the groups that were offered",
            },
        };
    }
    if s.none_chosen_first().is_some() {
        return Judgement::Possible {
            weight: 50,
            because: "a responder whose groups differ may answer NO_PROPOSAL_CHOSEN".to_owned(),
            separated_by: "both lists of proposals: everything but the key exchange group meets",
        };
    }
    Judgement::Silent
}

/// The group that the notify asks for, as a proposal of nothing else, and the proposals that it answers.
fn wanted(told: &Told<'_>) -> Option<(Proposal, Vec<Proposal>)> {
    let asked = told.asked?;
    let number = u16::from_str_radix(told.data.get(..4)?, 16).ok()?;
    let group: Proposal = format!("ke{number}").parse().ok()?;
    (told.data.len() == 4 && !asked.proposals.is_empty()).then(|| (group, asked.proposals.clone()))
}

fn offers(proposals: &[Proposal], group: &Proposal) -> bool {
    proposals
        .iter()
        .any(|p| p.ke.iter().any(|k| group.ke.contains(k)))
}
