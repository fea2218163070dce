//! Which notify tells the peer of a refusal. Derived here and nowhere else (RFC 7296 3.10.1, 2.21). Every refusal's notify
//! with its data, and what diagnosis makes of it on either side, stand in one table: `crates/testkit/tests/refusals`.

use adit_model::feature::Feature;
use adit_model::keywords;
use adit_model::reason::{AddressProblem, Refusal};
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::Notify;

/// The notify for a request of `exchange` that is refused with `refusal`; `None` when nothing is to be said.
///
/// Whatever goes wrong with authentication looks alike from outside, so that nobody can try out identities.
#[must_use]
pub fn for_refusal(refusal: &Refusal, exchange: ExchangeType) -> Option<Notify> {
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
        Refusal::Unsupported { what } => unsupported(what, exchange).map(Notify::new),
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

/// What says that something isn't carried out here.
fn unsupported(what: &Feature, exchange: ExchangeType) -> Option<NotifyType> {
    Some(match what {
        Feature::Eap | Feature::FurtherAuthentication => NotifyType::AUTHENTICATION_FAILED,
        // RFC 7296 1.3: for whoever takes no more CHILD SAs.
        Feature::ManyChildren { .. } => NotifyType::NO_ADDITIONAL_SAS,
        Feature::Ah | Feature::TransportBehindNat | Feature::Algorithm { .. } => {
            NotifyType::NO_PROPOSAL_CHOSEN
        }
        // RFC 5723 4.3.2.
        Feature::SessionResumption => NotifyType::TICKET_NACK,
        Feature::Message { .. } if exchange == ExchangeType::IKE_AUTH => {
            NotifyType::AUTHENTICATION_FAILED
        }
        Feature::Message { .. } => NotifyType::INVALID_SYNTAX,
        // A responder says it to us, who don't answer that.
        Feature::Redirect { .. } => return None,
    })
}
