//! `ike-proposal-mismatch`: no IKE proposal in common.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, OfferOutcome, Probe, Side};
use adit_model::proposal::{Proposal, TransformKind, choose, closest_difference};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::proposal_list_too_long::too_long;
use crate::compare::{changes, kinds, list, shown};
use crate::finding::{CONFIGURED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::setting::Setting;
use crate::signals::{Signals, Told, notify, quote, who};
use crate::verdict::{AtFault, Evidence, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "ike-proposal-mismatch",
    recurs: false,
    page: Page {
        title: "The two sides have no IKE proposal in common",
        what: "A proposal needs an encryption algorithm, an integrity algorithm (unless the cipher brings its own), a PRF and a key exchange group that both sides list together. One kind without anything in common is enough to fail.",
        initiator: "NO_PROPOSAL_CHOSEN in the answer to IKE_SA_INIT; from some products only silence. The same notify comes when no connection matches at all.",
        responder: "The offered and the configured proposals. strongSwan: \"received proposals: …\", \"configured proposals: …\", \"received proposals unacceptable\".",
        look_alikes: &[
            (
                "no-matching-connection-on-responder",
                "Does the responder print both lists of proposals, or say that it found no connection?",
            ),
            (
                "ike-dh-group-mismatch",
                "Is the key exchange group all that differs?",
            ),
            ("ike-version-mismatch", "Does the peer speak IKEv2 at all?"),
            (
                "esp-proposal-mismatch",
                "Did NO_PROPOSAL_CHOSEN come in IKE_AUTH, after the IKE SA was up?",
            ),
        ],
        fix: &[
            (
                "any",
                "Write one common proposal explicitly on both sides, such as aes128gcm16-prfsha256-x25519 or aes256-sha256-modp2048.",
            ),
            ("adit", "`ike = [\"…\"]` of the tunnel."),
            ("strongswan", "`proposals = …` of the connection."),
            ("libreswan", "`ike=…`."),
            ("vyos", "`set vpn ipsec ike-group X proposal N …`."),
        ],
        source: "RFC 7296 2.7, 3.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

/// Two lists that don't meet, in local terms.
pub(super) struct Apart {
    pub(super) ours: Vec<Proposal>,
    pub(super) theirs: Vec<Proposal>,
    pub(super) differs: Vec<TransformKind>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) confidence: f64,
}

/// The two sides' IKE proposals, when they are known and have nothing in common.
pub(super) fn apart(s: &Signals<'_>) -> Option<Apart> {
    let refused = s.refusal(|r| match r {
        // Lists that meet were refused for another reason.
        Refusal::NoIkeProposal {
            offered,
            configured,
            ..
        } if too_long(offered, configured) => None,
        Refusal::NoIkeProposal {
            offered,
            configured,
            differs,
        } => Some((offered, configured, differs)),
        _ => None,
    });
    let refused = refused.filter(|(r, _)| !r.rekeying);
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
            confidence: 0.97,
        });
    }
    // Refused without a reason, and asked what it takes.
    let taken = s.offers(OfferOutcome::Taken);
    if let (Some(told), Some((our_fact, ours)), false) = (
        s.none_chosen_first(),
        s.configured(Side::Local),
        taken.is_empty(),
    ) {
        let theirs: Vec<Proposal> = taken.iter().map(|(_, p)| (*p).clone()).collect();
        return Some(Apart {
            differs: closest_difference(&ours.ike, &theirs, true),
            ours: ours.ike.clone(),
            theirs,
            evidence: quote(
                [told, our_fact]
                    .into_iter()
                    .chain(taken.iter().map(|(f, _)| *f)),
            ),
            confidence: 0.93,
        });
    }
    // Refused without a reason, and both configurations are at hand.
    let told = s.none_chosen_first()?;
    let (our_fact, ours) = s.configured(Side::Local)?;
    let (their_fact, theirs) = s.configured(Side::Remote)?;
    if choose(&ours.ike, &theirs.ike, true).is_some() {
        return None;
    }
    Some(Apart {
        differs: closest_difference(&ours.ike, &theirs.ike, true),
        ours: ours.ike.clone(),
        theirs: theirs.ike.clone(),
        evidence: quote([told, our_fact, their_fact]),
        confidence: 0.92,
    })
}

/// Configuration lines that make the sides agree.
pub(super) fn fix(s: &Signals<'_>, apart: &Apart) -> Fix {
    let Some((ours, theirs)) = changes(&apart.ours, &apart.theirs, true) else {
        return Fix {
            local: "write a proposal that the peer has".to_owned(),
            remote: "write a proposal that we have".to_owned(),
        };
    };
    Fix {
        local: Setting::IkeProposals(&ours.add, &ours.all).at(s.product(Side::Local)),
        remote: Setting::IkeProposals(&theirs.add, &theirs.all).at(s.product(Side::Remote)),
    }
}

/// The sentence for the other administrator.
pub(super) fn message(s: &Signals<'_>, apart: &Apart) -> String {
    let ask = changes(&apart.ours, &apart.theirs, true).map_or(String::new(), |(ours, theirs)| {
        format!(
            " Please add {} to your IKE proposals; or tell us to add {} to ours.",
            theirs.add, ours.add
        )
    });
    format!(
        "The IKE proposals of {} have nothing in common; they differ in {}. Ours: {}. Yours: {}.{ask}",
        s.gateways(),
        kinds(&apart.differs),
        shown(&apart.ours),
        shown(&apart.theirs)
    )
}

/// What the same peer took, asked with the same version of IKE, and wasn't offered when it refused.
fn taken_otherwise<'a>(s: &Signals<'a>, told: &Told<'_>) -> Option<(&'a Fact, &'a Proposal)> {
    let asked = told
        .asked
        .map(|a| a.proposals.as_slice())
        .unwrap_or_default();
    s.offers(OfferOutcome::Taken)
        .into_iter()
        .find(|(fact, proposal)| {
            let to = match &fact.what {
                Known::Probed {
                    probe: Probe::IkeOffer { to, .. },
                } => to,
                _ => return false,
            };
            // Main mode and aggressive mode are of version 1.
            let v1 = fact.source.text.contains(" Mode Handshake");
            // Where its address was taken out, who else would be asked.
            (to.is_unspecified() || s.is_peer(&to.to_string()))
                && (told.version == 0 || (told.version == 1) == v1)
                && choose(asked, core::slice::from_ref(*proposal), true).is_none()
        })
}

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(apart) = apart(s).filter(|a| a.differs != [TransformKind::KeyExchange]) {
        return Found {
            confidence: apart.confidence,
            side: AtFault::Both,
            summary: format!("the IKE proposals have nothing in common: they differ in {}", kinds(&apart.differs)),
            explanation: format!("We have {}. The peer has {}. The closest pair differs in {}. Adding one proposal on either side is enough.", shown(&apart.ours), shown(&apart.theirs), kinds(&apart.differs)),
            fix: fix(s, &apart),
            message_for_peer: message(s, &apart),
            evidence: apart.evidence,
            next: vec!["agree on one proposal and write it on both sides".to_owned()],
        }
        .into();
    }
    if crate::refused::method_alone(s).is_some() {
        return Judgement::Possible {
            weight: 45,
            because:
                "an offer for the IKE SA (phase 1) is refused for its method of authentication"
                    .to_owned(),
            separated_by: "what each side has to prove itself with",
        };
    }
    if let Some(seen) = s
        .sign(Sign::IkeProposalsRefused)
        .filter(|seen| !s.overtaken(*seen, |h| matches!(h, Happening::IkeProposalChosen { .. })))
        // Cisco says the same of the proposals for ESP, and of a crypto map that has no entry for the networks, and which of
        // them it is in the next lines.
        .filter(|seen| {
            let of_child = |sign| s.signs_of(sign).next().is_some();
            seen.value("of") != Some("either")
                || !(of_child(Sign::TrafficRefused) || of_child(Sign::EspProposalRefused))
        })
        .filter(|seen| !ends_without_gateway(s, seen.fact))
        .filter(|_| !group_alone(s))
        // A line that names phase 2 isn't about phase 1.
        .filter(|seen| {
            !s.signs_of(Sign::EspProposalRefused)
                .any(|esp| esp.fact.source == seen.fact.source)
        })
    {
        if seen.side() == Side::Remote && s.nothing_came().is_some() {
            // The one that is silent has a rule of its own.
            return Judgement::Silent;
        }
        return Found::by(
            seen,
            SAID - 0.02,
            format!("{} accepts none of the IKE (phase 1) proposals that are offered", seen.who()),
        )
        .at(AtFault::Both)
        .because("The side that chooses says that no proposal for the IKE SA fits its own: at least one of encryption, integrity or hash, PRF, group and (IKEv1) method has nothing in common.")
        .fix("write one common IKE proposal explicitly on both sides, such as aes256-sha256-modp2048 (AES-256, SHA-256, group 14)")
        .then("compare both phase 1 (IKE) proposals value by value: encryption with key length, hash, group, and with IKEv1 the authentication method")
        .done();
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::IkeProposalChosen { .. })) {
        return Judgement::RuledOut(format!("an IKE proposal was agreed: {}", fact.source.text));
    }
    if let Some(told) = s.told(notify::NO_PROPOSAL_CHOSEN, true)
        && let Some((fact, proposal)) = taken_otherwise(s, told)
    {
        return Found {
            confidence: CONFIGURED,
            side: AtFault::Local,
            summary: format!("the peer takes none of our IKE proposals; asked with {proposal}, it took that"),
            explanation: "The peer has a connection for who asks from here, so it isn't that which it refuses, but what is offered.".to_owned(),
            fix: Fix {
                local: Setting::IkeProposals(proposal, core::slice::from_ref(proposal)).at(s.product(Side::Local)),
                remote: String::new(),
            },
            message_for_peer: format!("Your gateway took {proposal} when we asked with it. Is that what it is to be?"),
            evidence: quote([told.fact, fact]),
            next: Vec::new(),
        }
        .into();
    }
    if let Some(told) = s.told(notify::NO_PROPOSAL_CHOSEN, true) {
        let asked = told.asked.map_or(String::new(), |a| {
            if a.proposals.is_empty() {
                String::new()
            } else {
                format!(" (we offered {})", list(&a.proposals))
            }
        });
        return Judgement::Possible {
            weight: 60,
            because: format!(
                "{} was told NO_PROPOSAL_CHOSEN in the first exchange{asked}",
                who(told.side)
            ),
            separated_by: "the responder prints the offered and the configured proposals",
        };
    }
    if let Some(seen) = s.sign(Sign::FirstExchangeRefused) {
        return Judgement::Possible {
            weight: 60,
            because: format!(
                "{} answered NO_PROPOSAL_CHOSEN in the first exchange",
                seen.who()
            ),
            separated_by: "the lines before the answer in the same log: they tell what was compared",
        };
    }
    let behind = s.refused_behind_first_phase().is_some();
    if s.sign(Sign::FirstProposalsRefusedByPeer).is_some()
        || s.sign(Sign::ProposalsRefusedByPeer).is_some() && !behind
    {
        return Judgement::Possible {
            weight: 60,
            because: "the peer says that it accepts no proposal".to_owned(),
            separated_by: "the peer's log: in which phase, and which proposals it compared",
        };
    }
    differing_offer(s).unwrap_or(Judgement::Silent)
}

/// An offer was compared and didn't fit, and nothing shows that another one did: no later step is told of.
fn differing_offer(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::IkeOfferDiffers)?;
    let of_this_step = |sign: Sign| {
        matches!(
            sign,
            Sign::IkeOfferDiffers
                | Sign::AuthMethodUnexpected
                | Sign::NegotiationTimedOut
                | Sign::NegotiationFailed
                | Sign::FirstMessageUnanswered
        )
    };
    let went_on = s.up || s.refused_or_told() || s.went_on(seen);
    if went_on || !s.signs.iter().all(|x| of_this_step(x.sign)) {
        return None;
    }
    let pair = match (seen.value("ours"), seen.value("theirs")) {
        (Some(ours), Some(theirs)) => format!(": ours is {ours}, the peer's {theirs}"),
        _ => String::new(),
    };
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("an offer for the IKE SA (phase 1) isn't one of ours{pair}"),
        )
        .at(AtFault::Both)
        .because("Offers are compared pair by pair. This one differs, and nothing shows that another one was taken.")
        .fix("write one common IKE proposal explicitly on both sides: encryption with key length, hash, group")
        .then("the lines that follow in the same log: whether another pair was taken")
        .done(),
    )
}

/// Whether the line is FortiOS' end of an attempt for which it has just told that no gateway is configured: it ends each
/// attempt with the same words.
fn ends_without_gateway(s: &Signals<'_>, line: &Fact) -> bool {
    const NEAR: u64 = 4;
    line.source.text.contains(" SA Error:")
        && s.signs_of(Sign::NoConnectionForPeer).any(|seen| {
            let (said, end) = (seen.fact.source.line, line.source.line);
            seen.side() == line.side
                && said
                    .zip(end)
                    .is_some_and(|(said, end)| said <= end && end - said <= NEAR)
        })
}

/// isakmpd names each attribute that it doesn't take, and then that nothing fits: where all of them are groups, it is that.
fn group_alone(s: &Signals<'_>) -> bool {
    let named = || {
        s.signs_of(Sign::IkeProposalsRefused)
            .filter_map(|x| x.value("what"))
    };
    named().next().is_some() && named().all(|what| what.starts_with("GROUP_DESCRIPTION"))
}
