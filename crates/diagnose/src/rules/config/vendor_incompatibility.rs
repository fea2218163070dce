//! `vendor-incompatibility`: the two products don't work together here.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "vendor-incompatibility",
    recurs: true,
    page: Page {
        title: "The two products don't work together here",
        what: "Both sides do what they were told, and one of them does it in a way that the other's version can't take: a known defect or a reading of the standard of its own.",
        initiator: "An exchange fails in an odd way, or a rekeying does, with settings that fit.",
        responder: "The same.",
        look_alikes: &[
            (
                "implementation-bug",
                "Does one side's daemon contradict itself?",
            ),
            (
                "esp-integrity-failure",
                "Is it a documented difference (truncation of SHA-256, IDs of NAT)?",
            ),
        ],
        fix: &[(
            "any",
            "Choose another algorithm, IKE version or option that both products have proved to share, or update; both sides' release notes name such pairs.",
        )],
        source: "both products' release notes",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::VendorDiffers) else {
        return in_clear(s)
            .or_else(|| keys_differ(s))
            .or_else(|| list_broken(s))
            .or_else(|| super::not_understood::judge(s))
            .or_else(|| out_of_form(s))
            .unwrap_or_else(|| payloads_unexpected(s));
    };
    if !s.calm() {
        return Judgement::Possible {
            weight: 15,
            because: "an incompatibility of the two products is named".to_owned(),
            separated_by: "whether another algorithm or version works",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("an incompatibility of the two products is named at {}", seen.who()),
    )
    .because("Settings that fit on paper fail where one product reads the standard in its own way.")
    .fix("take an algorithm, an IKE version or an option that both products have proved to share, or update one of them")
    .done()
}

/// A peer of IKEv1 proves its identity in the clear. Some SonicWalls do when a message is repeated.
fn in_clear(s: &Signals<'_>) -> Option<Judgement> {
    if s.up {
        return None;
    }
    let seen = s.signs_of(Sign::MessageInClear).find(|seen| {
        seen.value("payload")
            .is_some_and(|p| matches!(p, "ID_V1" | "HASH_V1"))
    })?;
    Some(
        Found::by(
            seen,
            SYMPTOM,
            "the peer sends its identity of main mode in the clear, where it has to be encrypted",
        )
        .with(s.signs_of(Sign::MessageInClear).map(|x| x.fact))
        .because("The fifth and the sixth message of main mode are encrypted (RFC 2409 5). The peer has accepted the fifth, or it wouldn't answer, and its answer is dropped for its form.")
        .fix("let strongSwan accept it (charon.accept_unencrypted_mainmode_messages = yes), use IKEv2 or another client, or update the peer")
        .done(),
    )
}

/// IKEv2's keys come from the key exchange alone, so no secret that is configured can make them differ.
fn keys_differ(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::IkeIntegrityFailed)?;
    if s.up || s.authenticated().is_some() || !s.refused.is_empty() || !s.told.is_empty() {
        return None;
    }
    // Retransmissions fail alike; one message alone may be damaged or of an attempt before.
    if s.signs_of(Sign::IkeIntegrityFailed).count() < 2 {
        return Some(Judgement::Possible {
            weight: 40,
            because: "one protected message failed its integrity check".to_owned(),
            separated_by: "whether every attempt fails so, or one damaged message did",
        });
    }
    Some(Found::by(
        seen,
        SYMPTOM,
        "the two products derive different keys from the same key exchange",
    )
    .with(s.signs_of(Sign::IkeIntegrityFailed).map(|x| x.fact))
    .at(AtFault::Both)
    .because("The first protected message fails its integrity check. Keys of IKEv2 come from the key exchange and the nonces, not from a secret that is configured: one product computes them, or the check value, in its own way.")
    .fix("take another encryption, integrity, PRF or group for IKE on both sides (such as aes256-sha2_256-modp2048 without truncation), or update one of the products")
    .done())
}

/// Proposals that aren't numbered as the standard has it: in IKEv2 no wrong key makes a payload that decrypts at all.
fn list_broken(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::ProposalListBroken)?;
    let number = seen.value_or("number", "another number");
    let expected = seen.value_or("expected", "1");
    let later = if s.was_up().is_some() {
        " The first exchange of the same peer was in order, so it is its rekeying that makes such lists."
    } else {
        ""
    };
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("the peer's list of proposals is malformed: it begins with number {number} where {expected} has to stand"),
        )
        .at(AtFault::Remote)
        .because(format!("RFC 7296 3.3.1: the first proposal of a list has the number 1, and each further one is one more; what isn't numbered so is refused whole.{later}"))
        .fix("update the client or gateway that sends it; until then let it not rekey so early (a longer lifetime of the IKE SA on this side), or order its proposals so that the first is the one that is chosen")
        .done(),
    )
}

/// A payload that no wrong key can have made: it stands in a message whose first payloads made sense.
fn out_of_form(s: &Signals<'_>) -> Option<Judgement> {
    // The first encrypted payloads of IKEv1, which are garbage under another key; and lists whose unknown values are
    // algorithms.
    const ELSEWHERE: [&str; 9] = [
        "identification",
        "hash",
        "signature",
        "message",
        "generic",
        "key exchange",
        "proposal",
        "transform",
        "attribute",
    ];
    let seen = s.ever(Sign::PayloadDefect).into_iter().rfind(|seen| {
        let payload = seen.value_or("payload", "").to_ascii_lowercase();
        !payload.is_empty() && !ELSEWHERE.iter().any(|e| payload.contains(e))
    })?;
    if !s.refused.is_empty() || s.nonsense().is_some() {
        return None;
    }
    let payload = seen.value_or("payload", "one");
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("the peer writes a payload ({payload}) in a form that {} can't read", seen.who()),
        )
        .at(AtFault::Both)
        .because("The payloads before it made sense, so the keys are the same on both sides: the peer's product fills a field that the standard reserves, or in another way than this one reads it.")
        .fix("update the peer's software or this one (Libreswan ignores such fields), or use another mode: IKEv2, XAUTH, or no NAT in between where the payload is about NAT")
        .done(),
    )
}

/// A message that is in order for the one and not for the other, and tells no error.
fn payloads_unexpected(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::MessageUnexpected) else {
        return Judgement::Silent;
    };
    if !s.calm() {
        return Judgement::Silent;
    }
    let exchange = seen.value_or("exchange", "IKE");
    let payloads = seen.value_or("payloads", "payloads");
    Found::by(
        seen,
        CONDITION,
        format!("{} drops the peer's {exchange} message because of payloads that it doesn't expect there: {payloads}", seen.who()),
    )
    .at(AtFault::Both)
    .because("The two products disagree on what belongs into the message; a rekey that is dropped for it ends the tunnel with its lifetime.")
    .fix("switch off what adds the payloads (a request for an address at rekey, for instance), let the other side rekey, or update one of the products")
    .done()
}
