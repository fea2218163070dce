//! Which notify tells the peer of a refusal. Derived here and nowhere else (RFC 7296 3.10.1, 2.21).

use adit_model::keywords;
use adit_model::reason::{AddressProblem, Refusal};
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::Notify;

/// The notify for a request of `exchange` that is refused with `refusal`; `None` when nothing is to be said.
///
/// Whatever goes wrong with authentication looks alike from outside, so that nobody can try out identities.
pub(crate) fn for_refusal(refusal: &Refusal, exchange: ExchangeType) -> Option<Notify> {
    let authenticating = exchange == ExchangeType::IKE_AUTH;
    let plain = |kind| Some(Notify::new(kind));
    match refusal {
        Refusal::Malformed { .. } | Refusal::Presence { .. } | Refusal::KeValue { .. } => {
            plain(NotifyType::INVALID_SYNTAX)
        }
        Refusal::CriticalPayload { payload } => Some(Notify::with_data(
            NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD,
            vec![*payload],
        )),
        // The data is the highest version that we speak (RFC 7296 2.5).
        Refusal::MajorVersion { .. } => plain(NotifyType::INVALID_MAJOR_VERSION),
        Refusal::KeMethod { wanted, .. } => keywords::find(wanted).and_then(|word| match word {
            keywords::Word::Ke(method) => Some(Notify::with_data(
                NotifyType::INVALID_KE_PAYLOAD,
                method.0.to_be_bytes().to_vec(),
            )),
            _ => None,
        }),
        Refusal::NoIkeProposal { .. }
        | Refusal::NoConnection { .. }
        | Refusal::NoEspProposal { .. }
        | Refusal::Mode { .. } => plain(NotifyType::NO_PROPOSAL_CHOSEN),
        Refusal::PeerIdentity { .. }
        | Refusal::OurIdentity { .. }
        | Refusal::AuthMethod { .. }
        | Refusal::AuthValue { .. }
        | Refusal::Signature { .. }
        | Refusal::NoSignature { .. }
        | Refusal::NoKey { .. }
        | Refusal::Certificate { .. }
        | Refusal::NoPrivateKey { .. }
        | Refusal::Ppk { .. }
        | Refusal::PeerIsHere { .. }
        | Refusal::User { .. } => plain(NotifyType::AUTHENTICATION_FAILED),
        Refusal::NoAddress {
            problem: AddressProblem::NotAsked { .. },
        } => plain(NotifyType::FAILED_CP_REQUIRED),
        Refusal::NoAddress { .. } => plain(NotifyType::INTERNAL_ADDRESS_FAILURE),
        Refusal::TrafficSelectors { .. } => plain(NotifyType::TS_UNACCEPTABLE),
        Refusal::Addresses { .. } => plain(NotifyType::UNACCEPTABLE_ADDRESSES),
        Refusal::Translated { .. } => plain(NotifyType::UNEXPECTED_NAT_DETECTED),
        Refusal::Unsupported { .. } if authenticating => plain(NotifyType::AUTHENTICATION_FAILED),
        Refusal::Unsupported { .. } => plain(NotifyType::NO_ADDITIONAL_SAS),
        Refusal::ChildNotFound { spi } => Some(Notify::about_child(
            NotifyType::CHILD_SA_NOT_FOUND,
            ProtocolId::ESP,
            *spi,
            Vec::new(),
        )),
        Refusal::Local { .. } if authenticating => plain(NotifyType::AUTHENTICATION_FAILED),
        Refusal::Local { .. } => plain(NotifyType::TEMPORARY_FAILURE),
        Refusal::FollowupNotFound => plain(NotifyType::STATE_NOT_FOUND),
        Refusal::AnswerMismatch { .. } | Refusal::HalfOpenLimit { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::identity::Identity;

    fn id() -> Identity {
        "west.lab".parse().unwrap()
    }

    /// What the peer is told, by exchange; `-` for nothing.
    #[test]
    fn every_refusal_has_its_notify() {
        let text = String::new;
        let refusals = [
            Refusal::Malformed {
                field: text(),
                offset: 0,
                problem: text(),
            },
            Refusal::CriticalPayload { payload: 99 },
            Refusal::Presence { problem: text() },
            Refusal::MajorVersion { received: 3 },
            Refusal::NoIkeProposal {
                offered: vec![],
                configured: vec![],
                differs: vec![],
            },
            Refusal::KeMethod {
                received: "x25519".into(),
                wanted: "ecp256".into(),
            },
            Refusal::KeValue {
                method: text(),
                problem: text(),
            },
            Refusal::NoConnection {
                local: [192, 0, 2, 1].into(),
                remote: [192, 0, 2, 2].into(),
            },
            Refusal::PeerIdentity {
                received: id(),
                expected: vec![],
            },
            Refusal::OurIdentity {
                requested: id(),
                ours: vec![],
            },
            Refusal::AuthMethod {
                received: 1,
                expected: 2,
            },
            Refusal::AuthValue {
                claimed: id(),
                method: 2,
            },
            Refusal::NoKey {
                local: id(),
                remote: id(),
            },
            Refusal::NoEspProposal {
                offered: vec![],
                configured: vec![],
                differs: vec![],
            },
            Refusal::TrafficSelectors {
                offered_local: vec![],
                offered_remote: vec![],
                configured_local: vec![],
                configured_remote: vec![],
            },
            Refusal::Mode {
                requested_transport: true,
            },
            Refusal::Addresses {
                from: ([192, 0, 2, 9], 4500).into(),
                to: ([192, 0, 2, 1], 4500).into(),
                problem: text(),
            },
            Refusal::Translated {
                sent: vec![],
                seen: vec![],
            },
            Refusal::Unsupported { what: text() },
            Refusal::ChildNotFound { spi: 0x1000 },
            Refusal::AnswerMismatch { problem: text() },
            Refusal::HalfOpenLimit {
                half_open: 1,
                limit: 1,
            },
            Refusal::Local { problem: text() },
        ];
        let name = |refusal: &Refusal, exchange| match for_refusal(refusal, exchange) {
            Some(notify) => notify.kind.to_string(),
            None => "-".to_owned(),
        };
        let table: Vec<(String, String)> = refusals
            .iter()
            .map(|r| {
                (
                    name(r, ExchangeType::IKE_AUTH),
                    name(r, ExchangeType::CREATE_CHILD_SA),
                )
            })
            .collect();
        let same = |name: &str| (name.to_owned(), name.to_owned());
        let differ = |auth: &str, create: &str| (auth.to_owned(), create.to_owned());
        let expected = [
            same("INVALID_SYNTAX"),
            same("UNSUPPORTED_CRITICAL_PAYLOAD"),
            same("INVALID_SYNTAX"),
            same("INVALID_MAJOR_VERSION"),
            same("NO_PROPOSAL_CHOSEN"),
            same("INVALID_KE_PAYLOAD"),
            same("INVALID_SYNTAX"),
            same("NO_PROPOSAL_CHOSEN"),
            same("AUTHENTICATION_FAILED"),
            same("AUTHENTICATION_FAILED"),
            same("AUTHENTICATION_FAILED"),
            same("AUTHENTICATION_FAILED"),
            same("AUTHENTICATION_FAILED"),
            same("NO_PROPOSAL_CHOSEN"),
            same("TS_UNACCEPTABLE"),
            same("NO_PROPOSAL_CHOSEN"),
            same("UNACCEPTABLE_ADDRESSES"),
            same("UNEXPECTED_NAT_DETECTED"),
            differ("AUTHENTICATION_FAILED", "NO_ADDITIONAL_SAS"),
            same("CHILD_SA_NOT_FOUND"),
            same("-"),
            same("-"),
            differ("AUTHENTICATION_FAILED", "TEMPORARY_FAILURE"),
        ];
        assert_eq!(table, expected);
    }
}
