//! What IKE_SA_INIT leaves behind for authentication and for the first CHILD SA.

use adit_crypto::auth::auth_octets;
use adit_model::Secret;
use adit_model::event::Role;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::v2::IdPayload;

use crate::channel::Channel;

/// Both IKE_SA_INIT messages as they were on the wire (the last ones, where the exchange was started over), and both
/// nonces.
pub(crate) struct Transcript {
    pub ours: Vec<u8>,
    pub theirs: Vec<u8>,
    pub our_nonce: Vec<u8>,
    pub peer_nonce: Vec<u8>,
}

impl Transcript {
    /// What we authenticate with (RFC 7296 2.15).
    pub fn our_octets(&self, channel: &Channel, id: &IdPayload) -> Secret {
        let octets = auth_octets(
            &self.ours,
            &self.peer_nonce,
            channel.prf,
            &channel.sk_p_ours,
            &body(id),
        );
        Secret::new(octets)
    }

    /// What the peer authenticates with.
    pub fn peer_octets(&self, channel: &Channel, id: &IdPayload) -> Secret {
        let octets = auth_octets(
            &self.theirs,
            &self.our_nonce,
            channel.prf,
            &channel.sk_p_peer,
            &body(id),
        );
        Secret::new(octets)
    }

    /// The nonces, the initiator's first.
    pub fn nonces(&self, role: Role) -> (&[u8], &[u8]) {
        match role {
            Role::Initiator => (&self.our_nonce, &self.peer_nonce),
            Role::Responder => (&self.peer_nonce, &self.our_nonce),
        }
    }
}

fn body(id: &IdPayload) -> Vec<u8> {
    let mut body = Vec::new();
    id.emit(&mut body);
    body
}

/// An identity as its payload.
pub(crate) fn id_payload(id: &Identity) -> IdPayload {
    let (kind, data) = id.to_wire();
    IdPayload::new(kind, data)
}

/// The identity that a payload tells.
///
/// # Errors
/// It is longer than anybody's, and events would have to keep it.
pub(crate) fn identity(payload: &IdPayload) -> Result<Identity, Refusal> {
    if payload.data.len() > LONGEST_IDENTITY {
        return Err(Refusal::Malformed {
            field: "ID data".to_owned(),
            offset: 0,
            problem: format!(
                "{} octets, at most {LONGEST_IDENTITY} are taken",
                payload.data.len()
            ),
        });
    }
    Ok(Identity::from_wire(payload.kind, &payload.data))
}

/// Octets of the longest identity that is taken: room for any distinguished name.
const LONGEST_IDENTITY: usize = 1024;
