//! `signature-or-keyusage-rejected`: a signature scheme, a hash, a key size or a key usage isn't accepted.

use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, name_of, who};
use crate::verdict::AtFault;

/// The AUTH method of pre-shared keys (RFC 7296 3.8); all others sign.
const PSK: u8 = 2;

pub(crate) static RULE: Rule = Rule {
    id: "signature-or-keyusage-rejected",
    recurs: false,
    page: Page {
        title: "A signature, a key or its use isn't accepted",
        what: "The chain is trusted, and something about its algorithms isn't: SHA-1 signatures or small keys under a crypto policy, RSA-PSS that one side lacks, no hash in common (SIGNATURE_HASH_ALGORITHMS), a certificate without digitalSignature, or a CA without its CA flag.",
        initiator: "AUTHENTICATION_FAILED, or no signature can be made: \"no common hash algorithm found to create signature\".",
        responder: "strongSwan: \"signature scheme … not acceptable\", \"rejecting certificate without digitalSignature …\"; Libreswan: \"legacy RSA-SHA1 is not allowed but peer supports nothing else\".",
        look_alikes: &[
            ("ca-not-trusted", "Is it the trust or the algorithm?"),
            (
                "algorithm-not-available",
                "Does the library lack the algorithm altogether?",
            ),
        ],
        fix: &[
            (
                "any",
                "Issue certificates with RSA 2048 or more (or ECDSA) and SHA-256, keyUsage digitalSignature; let both sides take RFC 7427 signatures with a common hash.",
            ),
            (
                "strongswan",
                "`auth = pubkey` without scheme constraints, or with those that the peer has; `charon.signature_authentication`.",
            ),
            (
                "libreswan",
                "`authby=rsa-sha2` or `rsasig`; crypto policy: `update-crypto-policies --show`.",
            ),
        ],
        source: "RFC 7427; RFC 8247 3; RFC 4945 5.1.3.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s
        .signs
        .iter()
        .copied()
        .filter(|x| matches!(x.sign, Sign::SignatureRefused | Sign::KeyUsageRefused))
        // The next key may fit.
        .filter(|x| !(x.said().contains("looking for another key") && s.authenticated().is_some()))
        // A chain that was refused for one certificate may have another, and what comes before any certificate isn't its fault.
        .filter(|x| {
            x.sign != Sign::KeyUsageRefused
                || s.authenticated().is_none() && s.silence("IKE_SA_INIT").is_none()
        })
        .find(|x| {
            let of_ca = || super::ca_not_trusted::not_loaded(s).is_some();
            x.value("extension").is_none() || wanted(s) && !of_ca()
        });
    let Some(seen) = refused else {
        if let Some(found) = unmade(s) {
            return found;
        }
        return told_precisely(s).unwrap_or_else(|| doesnt_verify(s));
    };
    let what = match (seen.sign, seen.value("scheme")) {
        _ if seen.value("extension").is_some() => format!(
            "a certificate with a critical extension that it can't check: {}",
            seen.value_or("extension", "")
        ),
        (Sign::KeyUsageRefused, _) => "a certificate that isn't made for this use".to_owned(),
        (_, Some(scheme)) => format!("a signature or key of this kind: {scheme}"),
        _ => "the signature algorithms that the other side offers".to_owned(),
    };
    Found::by(seen, SAID - 0.02, format!("{} doesn't accept {what}", seen.who()))
        .at(crate::verdict::AtFault::Both)
        .because("Identity and chain aren't the problem: the kind of signature, hash, key size or key usage is one that this side doesn't take.")
        .fix("agree on a signature that both take (RSA with SHA-256 or better, RFC 7427), and issue certificates with digitalSignature and keys that are long enough")
        .done()
}

/// The own key is there, and its signature isn't made: strongSwan looks for the key first and says so when there is none.
fn unmade(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::OwnSignatureFailed)?;
    let scheme = seen.value("scheme")?;
    if s.sign(Sign::PrivateKeyMissing).is_some() {
        return None;
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("{} has its key and can't make a signature with it: {scheme}", seen.who()),
        )
        .because("The key was found, or the line would say that there is none; making the signature failed. Mostly the system's crypto policy forbids its hash or key size (SHA-1 on recent systems), or a token refuses.")
        .fix("let both sides sign with SHA-256 or better (RFC 7427; a peer that only takes SHA-1 needs an update), with a key that is long enough; or allow the old signature in the crypto policy of this host")
        .then("`update-crypto-policies --show`, and the algorithms that the peer announces (N(HASH_ALG))")
        .done(),
    )
}

/// Of the many certificates that a host loads at its start some always have extensions that its plugins don't know. It
/// matters where a chain then lacks a certificate, or where nothing else is shown.
fn wanted(s: &Signals<'_>) -> bool {
    s.case.happenings().next().is_none()
        || s.first_sign(&[Sign::PeerKeyUntrusted, Sign::IssuerUnknown])
            .is_some()
}

/// A side that says exactly what it has against a signature, a key or its use.
fn told_precisely(s: &Signals<'_>) -> Option<Judgement> {
    let found = s.refusal(|r| match r {
        Refusal::Signature {
            claimed, problem, ..
        } => Some(format!(
            "doesn't accept the signature of {}: {problem}",
            name_of(claimed)
        )),
        Refusal::NoSignature { makes, takes, .. } => Some(format!(
            "has no key whose signature the other side takes: it makes {}, and the other side takes {}",
            makes.join(", "),
            takes.join(", ")
        )),
        _ => None,
    });
    let certificate = || {
        let (fact, side, what) = super::chain::by_itself(s)?;
        Some((fact, side, format!("doesn't accept a certificate: {what}")))
    };
    let found = found.map(|(refused, told)| (refused.fact, refused.side, told));
    let (fact, side, told) = found.or_else(certificate)?;
    Some(
        Found::on(fact, SAID, AtFault::Both, format!("{} {told}", who(side)))
        .because("Identity and trust aren't the problem: it is the kind of signature, key or use, or the key that signed isn't the one that the other side has.")
        .fix("agree on a signature that both take (RSA with SHA-256 or better, ECDSA or Ed25519, RFC 7427), with a certificate made for it; where keys are configured by themselves, hand the signer's public key over anew")
        .done(),
    )
}

/// The signature was made with another key than the one that is configured for the peer.
fn doesnt_verify(s: &Signals<'_>) -> Judgement {
    let compared = s.refusal(|r| match r {
        Refusal::AuthValue { claimed, method } if *method != PSK => Some(claimed),
        _ => None,
    });
    let Some((refused, claimed)) = compared else {
        return super::chain::may_be(
            s,
            35,
            "a peer that takes no signature or certificate of our kind answers in the same way",
            "the peer's log names the signature, the key or the usage that it doesn't take",
        );
    };
    // What is wrong with a certificate goes before: its key wasn't taken, and none was left that fits.
    let certificate = [
        Sign::IssuerUnknown,
        Sign::PeerKeyUntrusted,
        Sign::CertificateExpired,
        Sign::CertificateNotYetValid,
        Sign::CertificateOutsideValidity,
        Sign::CertificateRevoked,
        Sign::CertificateNameMismatch,
    ];
    if s.first_sign(&certificate).is_some() {
        return Judgement::Silent;
    }
    let claimed = name_of(claimed);
    Found::on(
        refused.fact,
        SYMPTOM,
        AtFault::Both,
        format!("the signature of {claimed} doesn't verify with the public key that is held for it"),
    )
    .because("Identity and method fit; the key pair that signed isn't the one whose public half the other side has.")
    .fix("hand the signer's public key (or certificate) over anew: Libreswan's leftrsasigkey of the one side is the other side's rightrsasigkey, `ipsec showhostkey` prints it")
    .done()
}
