//! `sha256-truncation-bug`: hMAC-SHA2-256 is cut to 96 bits on one side and to 128 on the other.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, COUNTED, SYMPTOM};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "sha256-truncation-bug",
    recurs: false,
    page: Page {
        title: "HMAC-SHA2-256 is cut to 96 bits on one side and to 128 on the other",
        what: "RFC 4868 cuts HMAC-SHA2-256 to 128 bits. Linux before 2.6.33, old Android and some appliances follow a draft and cut it to 96. IKE agrees on the algorithm, and then no packet passes the check.",
        initiator: "The tunnel is up, and nothing is ever decrypted.",
        responder: "The same; XfrmInStateProtoError grows, or packets are four octets shorter than they should be.",
        look_alikes: &[("esp-integrity-failure", "Is HMAC-SHA2-256 in use at all?")],
        fix: &[
            (
                "any",
                "Use SHA-1, SHA2-512 or AES-GCM for ESP; or switch the truncation on the side that can.",
            ),
            (
                "strongswan",
                "`sha256_96 = yes` in the child (swanctl.conf), `sha256_96=yes` (ipsec.conf).",
            ),
            (
                "libreswan",
                "`sha2-truncbug=yes` for such a peer, `no` for any other.",
            ),
            (
                "linux",
                "`ip xfrm state`: `auth-trunc hmac(sha256) … 96` or `128`.",
            ),
        ],
        source: "RFC 4868 2.6",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let short = s.sign(Sign::TruncationShort);
    let full = s.sign(Sign::TruncationFull);
    let of = |side: Side, sign: Sign| s.signs_of(sign).find(|x| x.side() == side);
    for side in [Side::Local, Side::Remote] {
        if let (Some(cut), Some(whole)) = (
            of(side, Sign::TruncationShort),
            of(side.other(), Sign::TruncationFull),
        ) {
            return Found::by(
                cut,
                BOTH_SIDES,
                format!("{} cuts HMAC-SHA2-256 to 96 bits and the other side to 128", cut.who()),
            )
            .with([whole.fact])
            .because("Each side checks other octets than the other sends; no packet passes.")
            .fix("switch the draft truncation off (sha2-truncbug=no, sha256_96=no), or use AES-GCM on both sides")
            .done();
        }
    }
    if let Some(found) = misaligned(s) {
        return found;
    }
    let fails = s
        .sign(Sign::EspIntegrityFailed)
        .map(|x| x.fact)
        .or(s.kernel_drops(&["InStateProtoError"]).map(|(x, _)| x.fact));
    match (fails, short, full) {
        (Some(_), None, Some(_)) => possible(
            44,
            "the integrity check fails and HMAC-SHA2-256 is in use, whose length differs between implementations",
            "the system and version of the peer, and whether another algorithm helps",
        ),
        (Some(fails), Some(seen), _) => Found::on(
            fails,
            SYMPTOM + 0.03,
            AtFault::Both,
            "the integrity check fails and HMAC-SHA2-256 is in use: one side cuts it to 96 bits, the other to 128",
        )
        .with([seen.fact])
        .because("Of the algorithms this is the one whose length differs between implementations.")
        .fix("use AES-GCM, SHA-1 or SHA2-512 for ESP, or give both sides the same truncation")
        .done(),
        (None, Some(seen), _) if s.traffic_suffers() => possible(
            44,
            format!("{} cuts HMAC-SHA2-256 to 96 bits", seen.who()),
            "whether the peer does so too: its algorithm, its system, its setting",
        ),
        _ => Judgement::Silent,
    }
}

/// Packets come whose check value can't be as long as it was agreed on, and it is this algorithm's.
fn misaligned(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s
        .signs_of(Sign::EspIntegrityFailed)
        .find(|x| x.value("misaligned").is_some())?;
    let (agreed, _) = s
        .case
        .of(seen.side())
        .filter_map(|f| match &f.what {
            Known::Happened {
                happening: Happening::ChildEstablished { suite, .. },
            } => Some((f, suite.integ)),
            _ => None,
        })
        .last()
        .filter(|(_, integ)| integ.is_some_and(|integ| integ.to_string() == CUT_TO_128))?;
    Some(
        Found::by(
            seen,
            COUNTED,
            "the peer cuts HMAC-SHA2-256 to another length than the 128 bits that were agreed on: the length of its packets fits no whole blocks",
        )
        .at(AtFault::Remote)
        .with([agreed])
        .because("With 128 bits of check value the rest of a packet is whole blocks of the cipher. These packets are four octets off, as an implementation of the draft makes them, which cuts to 96.")
        .fix("switch the draft truncation off at the peer (sha256_96 = no, sha2-truncbug=no), or use AES-GCM, which has no such choice, on both sides")
        .done(),
    )
}

/// Its name among IANA's.
const CUT_TO_128: &str = "AUTH_HMAC_SHA2_256_128";
