//! Which notify tells the peer of a refusal. Derived here and nowhere else (RFC 7296 3.10.1, 2.21).

use adit_model::keywords;
use adit_model::reason::Refusal;
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
        | Refusal::NoKey { .. } => plain(NotifyType::AUTHENTICATION_FAILED),
        Refusal::TrafficSelectors { .. } => plain(NotifyType::TS_UNACCEPTABLE),
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
        Refusal::AnswerMismatch { .. } | Refusal::HalfOpenLimit { .. } => None,
    }
}
