//! A key holder whose certificates are names, and whose signature is a digest that anybody could make: enough to see what
//! an endpoint asks, sends and passes on.

use adit_crypto::Provider;
use adit_crypto::provider::fake;
use adit_ike::key_holder::without_credentials;
use adit_ike::{KeyAnswer, KeyRequest, Signed};
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::connection::AuthKind;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, CertEncoding, PrfId};
use adit_wire::v2::CertPayload;

/// Whose certificate it has, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Names {
    /// Our name, and what it sends along with it.
    pub certificates: Vec<CertPayload>,
    /// Names that are trusted, by connection.
    pub trusted: Vec<(&'static str, &'static str)>,
}

pub fn certificate(content: &[u8]) -> CertPayload {
    CertPayload {
        encoding: CertEncoding::X509_SIGNATURE,
        data: content.to_vec(),
    }
}

pub fn digest(provider: &Provider, name: &[u8], octets: &[u8]) -> Vec<u8> {
    let prf = provider.prf(PrfId::PRF_HMAC_SHA2_256).unwrap();
    prf.compute(name, &[octets]).expose().to_vec()
}

impl Names {
    pub fn answer(&self, request: &KeyRequest) -> KeyAnswer {
        let provider = fake(0);
        match request {
            KeyRequest::Mix(_) => without_credentials(request),
            KeyRequest::Sign(to) => {
                assert_ne!(to.kind, AuthKind::Psk);
                KeyAnswer::Signed(Signed {
                    method: if to.peer.hashes.is_empty() {
                        AuthMethod::RSA_SIGNATURE
                    } else {
                        AuthMethod::DIGITAL_SIGNATURE
                    },
                    proof: digest(&provider, &self.certificates[0].data, to.octets.expose()),
                    certificates: self.certificates.clone(),
                })
            }
            KeyRequest::Verify(to) => {
                assert_ne!(to.kind, AuthKind::Psk);
                let name = to.certificates.first().map_or(&[][..], |c| &c.data);
                let known = self
                    .trusted
                    .iter()
                    .any(|(c, trusted)| *c == to.connection && trusted.as_bytes() == name);
                if !known {
                    let refused = RefusedCertificate {
                        subject: String::from_utf8_lossy(name).into_owned(),
                        serial: String::new(),
                        reason: CertificateReason::UntrustedRoot,
                    };
                    return KeyAnswer::Refused(Refusal::certificate(to.remote_id.clone(), refused));
                }
                if digest(&provider, name, to.octets.expose()) == to.proof {
                    KeyAnswer::Verified
                } else {
                    KeyAnswer::Refused(Refusal::AuthValue {
                        claimed: to.remote_id.clone(),
                        method: to.method.0,
                    })
                }
            }
        }
    }
}
