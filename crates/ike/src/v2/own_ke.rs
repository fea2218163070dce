//! Our half of a key exchange inside CREATE_CHILD_SA.

use adit_crypto::{Ephemeral, Provider};
use adit_model::Secret;
use adit_model::feature::Feature;
use adit_model::keywords;
use adit_model::reason::Refusal;
use adit_wire::iana::KeMethod;
use adit_wire::v2::{KePayload, Payload, PayloadList};

/// A private value and what was sent of it.
pub(crate) struct OwnKe {
    pub method: KeMethod,
    public: Vec<u8>,
    ephemeral: Box<dyn Ephemeral>,
}

impl OwnKe {
    pub fn start(provider: &Provider, method: KeMethod) -> Result<Self, Refusal> {
        let exchange = provider.ke(method).map_err(|error| Refusal::Unsupported {
            what: Feature::algorithm(error),
        })?;
        let (ephemeral, public) = exchange.start(&*provider.random);
        Ok(Self {
            method,
            public,
            ephemeral,
        })
    }

    pub fn payload(&self) -> Payload {
        Payload::Ke(KePayload {
            method: self.method,
            data: self.public.clone(),
        })
    }

    /// The shared secret, when the peer chose `chosen` and answered with it.
    pub fn finish(&self, chosen: KeMethod, answer: &PayloadList) -> Result<Secret, Refusal> {
        let ke = answer
            .ke()
            .filter(|ke| ke.method == self.method && chosen == self.method)
            .ok_or_else(|| Refusal::AnswerMismatch {
                problem: "the key exchange method isn't the one we sent a value for".to_owned(),
            })?;
        self.ephemeral
            .finish(&ke.data)
            .map_err(|error| Refusal::KeValue {
                method: keywords::ke_name(self.method),
                problem: error.to_string(),
            })
    }
}
