//! `id-type-mismatch`: the same text as another type of identity.

use core::net::IpAddr;

use adit_model::event::{Asked, Happening};
use adit_model::fact::Known;
use adit_model::identity::Identity;
use adit_model::peer_config::PeerId;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::identity::{Kind, mismatch};
use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, who};
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
            if m.expected.is_empty() {
                format!(
                    "{} says it is {}: a host name to {}, whose text is an address",
                    who(m.refusing.other()),
                    m.received,
                    who(m.refusing)
                )
            } else {
                format!(
                    "{} says it is {}, and {} expects {}: the same text as another type of identity",
                    who(m.refusing.other()),
                    m.received,
                    who(m.refusing),
                    m.expected.join(", ")
                )
            },
        )
        .because("Identities are compared with their type. Nothing else is wrong with them.")
        .fix("write the identity with the same type on both sides (strongSwan: fqdn:, keyid:, ipv4:; Libreswan: @name for a host name, a bare address for an address)")
        .done();
    }
    let Some(seen) = s.sign(Sign::IdentityTypeUnexpected) else {
        return address_as_name(s).unwrap_or(Judgement::Silent);
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

/// An identity is sent or expected as a host name whose text is an address (`@192.0.2.1`), and authentication fails.
fn address_as_name(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, side, name) = s.case.facts.iter().rev().find_map(|f| {
        let ids: Vec<&Identity> = match &f.what {
            Known::PeerConfigured { connection } => [&connection.local_id, &connection.remote_id]
                .into_iter()
                .filter_map(|id| match &id.value {
                    Some(PeerId::Is(id)) => Some(id),
                    _ => None,
                })
                .collect(),
            Known::Happened {
                happening:
                    Happening::PeerRefused {
                        asked:
                            Asked {
                                remote_id: Some(id),
                                ..
                            },
                        ..
                    },
            } => vec![id],
            _ => return None,
        };
        let name = ids.into_iter().find_map(named_address)?;
        Some((f, f.side, name))
    })?;
    let failed = s
        .told(notify::AUTHENTICATION_FAILED, false)
        .map(|t| t.fact)
        .or_else(|| s.sign(Sign::AuthenticationRefusedByPeer).map(|x| x.fact))
        .or_else(|| {
            s.refusal(|r| matches!(r, Refusal::AuthValue { .. }).then_some(()))
                .map(|(r, ())| r.fact)
        });
    let what = format!(
        "the identity {name} is a host name to {}, and its text is an address",
        who(side)
    );
    let Some(failed) = failed else {
        return Some(Judgement::Possible {
            weight: 30,
            because: what,
            separated_by: "how the other side writes that identity: as an address, or as a name too",
        });
    };
    Some(
        Found::on(fact, SYMPTOM, AtFault::Both, what)
            .with([failed])
            .because("With an @ before it an address is sent as a name (ID_FQDN). A certificate holds addresses as addresses, and a peer that expects the address doesn't take the name.")
            .fix("write the address without @ on both sides, or use a name that the certificate holds")
            .done(),
    )
}

fn named_address(id: &Identity) -> Option<String> {
    match id {
        Identity::Fqdn(name) => name
            .trim_start_matches('@')
            .parse::<IpAddr>()
            .is_ok()
            .then(|| format!("@{}", name.trim_start_matches('@'))),
        _ => None,
    }
}
