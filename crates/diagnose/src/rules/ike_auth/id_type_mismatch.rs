//! `id-type-mismatch`: the same text as another type of identity.

use adit_model::sign::Sign;

use super::identity::{Kind, mismatch};
use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "id-type-mismatch",
    recurs: false,
    page: Page {
        title: "The identity is the same text of another type",
        what: "An identity has a type: address, host name, mail address, key id, distinguished name. They are compared with it. `@192.0.2.1` is a host name, `192.0.2.1` an address; phones send what is typed as a key id.",
        initiator: "AUTHENTICATION_FAILED, as with a wrong key.",
        responder: "As id-mismatch, with two identities that look alike. Libreswan: \"we require peer to have ID '@192.0.2.1', but peer declares '192.0.2.1'\".",
        look_alikes: &[("id-mismatch", "Is the text the same?")],
        fix: &[
            (
                "any",
                "Write the identity with its type on the side that expects it.",
            ),
            (
                "strongswan",
                "`id = fqdn:gw`, `keyid:gw`, `ipv4:192.0.2.1`, `asn1dn:…`.",
            ),
            (
                "libreswan",
                "`@name` is a host name, a bare address an address, `@[name]` a key id.",
            ),
            ("cisco-ios", "`match identity remote fqdn|address|key-id`."),
            ("panos", "the type beside Peer Identification."),
        ],
        source: "RFC 7296 3.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(m) = mismatch(s).filter(|m| m.kind == Kind::Type) {
        return Found::on(
            m.fact,
            SAID,
            AtFault::Both,
            format!(
                "{} says it is {}, and {} expects {}: the same text as another type of identity",
                who(m.refusing.other()),
                m.received,
                who(m.refusing),
                m.expected.join(", ")
            ),
        )
        .because("Identities are compared with their type. Nothing else is wrong with them.")
        .fix("write the identity with the same type on both sides (strongSwan: fqdn:, keyid:, ipv4:; Libreswan: @name for a host name, a bare address for an address)")
        .done();
    }
    let Some(seen) = s.sign(Sign::IdentityTypeUnexpected) else {
        return Judgement::Silent;
    };
    let types = match (seen.value("received"), seen.value("expected")) {
        (Some(received), Some(expected)) if received != expected => {
            format!(": {received} came, {expected} is wanted")
        }
        (Some(received), None) => format!(": {received} came"),
        // The same type, so it is the text that differs.
        (Some(_), Some(_)) => return Judgement::Silent,
        _ => String::new(),
    };
    Found::by(
        seen,
        SAID - 0.03,
        format!("{} wants another type of identity{types}", seen.who()),
    )
    .at(AtFault::Both)
    .because("Identities are compared with their type; main mode with a pre-shared key can only work with addresses in some products.")
    .fix("set the same type of identity on both sides")
    .done()
}
