//! `psk-formatting`: a secret isn't read as it was meant.

use adit_model::fact::{Known, Side};
use adit_model::peer_config::SharedKey;
use adit_model::sign::Sign;

use crate::finding::{CONFIGURED, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "psk-formatting",
    recurs: false,
    page: Page {
        title: "A pre-shared key isn't the octets that were meant",
        what: "Both sides were given the same text and read different octets: quotes that count as part of it, a blank or line break at its end, `0x` or `0s` that one side decodes and the other doesn't, characters that a shell, a template or a web form changed, a length limit.",
        initiator: "As psk-mismatch.",
        responder: "As psk-mismatch; or a complaint when secrets are loaded: \"malformed secret\", \"PSK data malformed\".",
        look_alikes: &[(
            "psk-mismatch",
            "Are the texts the same when a person compares them?",
        )],
        fix: &[
            (
                "any",
                "Use 32 or more letters and digits, or write hex or base64 explicitly on both sides, and compare lengths.",
            ),
            (
                "strongswan",
                "in quotes as text; `0x…` is hex, `0s…` base64.",
            ),
            (
                "libreswan",
                "in quotes as text; unquoted `0x…` is hex, `0s…` base64; FIPS asks for a length.",
            ),
        ],
        source: "RFC 7296 2.15",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::SecretMalformed) {
        let place = match (seen.value("path"), seen.value("line")) {
            (Some(path), Some(line)) => format!(" ({path} line {line})"),
            (None, Some(line)) => format!(" (line {line})"),
            _ => String::new(),
        };
        // Of a connection that isn't loaded the secret is of no use.
        if s.sign(Sign::ConnectionRejected).is_some() {
            return Judgement::Possible {
                weight: 40,
                because: format!(
                    "{} can't read a secret as it is written{place}, and a connection is refused as well",
                    seen.who()
                ),
                separated_by: "what is left of it once the connection is loaded",
            };
        }
        // Who got past the secrets, or never as far, is refused for something else.
        let elsewhere = s.authenticated().is_some()
            || s.silence("IKE_SA_INIT").is_some()
            || s.told.iter().any(|t| {
                matches!(
                    t.notify,
                    notify::NO_PROPOSAL_CHOSEN
                        | notify::INVALID_KE_PAYLOAD
                        | notify::TS_UNACCEPTABLE
                        | notify::NO_ADDITIONAL_SAS
                )
            });
        if elsewhere {
            return Judgement::Possible {
                weight: 30,
                because: format!("{} can't read a secret as it is written{place}", seen.who()),
                separated_by: "whether that secret is the one of the tunnel that fails",
            };
        }
        return Found::by(
            seen,
            COUNTED,
            format!("{} can't read a secret as it is written{place}", seen.who()),
        )
        .because("The line of the secret isn't understood, so the key is missing or isn't the one that was meant.")
        .fix("write the secret in quotes on one line, or as 0x and hex, then load the secrets again")
        .done();
    }
    let key = |side| {
        let mut all = s.case.of(side).filter_map(|f| match &f.what {
            Known::PeerConfigured { connection } => connection.psk.as_ref().map(|psk| (f, psk)),
            _ => None,
        });
        all.next().filter(|_| all.next().is_none())
    };
    let (Some((ours_at, ours)), Some((theirs_at, theirs))) = (key(Side::Local), key(Side::Remote))
    else {
        return Judgement::Silent;
    };
    if !differ_in_writing(ours, theirs) {
        return Judgement::Silent;
    }
    Found::on(
        ours_at,
        CONFIGURED,
        AtFault::Both,
        "the two sides write the same pre-shared key, with other blanks or quotes around it",
    )
    .with([theirs_at])
    .because("Without blanks at its ends and without quotes the key is the same on both sides; as it is written it isn't.")
    .fix("write the key anew on both sides without blanks around it, and in quotes only where the product takes them off")
    .done()
}

fn differ_in_writing(a: &SharedKey, b: &SharedKey) -> bool {
    matches!((a.digest, b.digest), (Some(a), Some(b)) if a != b)
        && matches!((a.trimmed, b.trimmed), (Some(a), Some(b)) if a == b)
}
