//! `signature-or-keyusage-rejected`: a signature scheme, a hash, a key size or a key usage isn't accepted.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

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
    let Some(seen) = s.first_sign(&[Sign::SignatureRefused, Sign::KeyUsageRefused]) else {
        return Judgement::Silent;
    };
    let what = match (seen.sign, seen.value("scheme")) {
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
