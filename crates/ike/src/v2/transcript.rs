//! What IKE_SA_INIT leaves behind for authentication and for the first CHILD SA.

use adit_crypto::auth::auth_octets;
use adit_model::Secret;
use adit_model::event::Role;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::v2::IdPayload;

use crate::channel::Channel;
use crate::secured::Exchanged;

/// Both IKE_SA_INIT messages as they were on the wire (the last ones, where the exchange was started over), and both
/// nonces.
pub(crate) struct Transcript {
    pub ours: Vec<u8>,
    pub theirs: Vec<u8>,
    pub our_nonce: Vec<u8>,
    pub peer_nonce: Vec<u8>,
    /// What became of IKE_INTERMEDIATE exchanges, if there were any.
    pub intermediate: Option<IntAuth>,
}

/// The IKE_INTERMEDIATE exchanges so far (RFC 9242 3.3.2).
pub(crate) struct IntAuth {
    initiator: Secret,
    responder: Secret,
    exchanges: u32,
}

impl Transcript {
    /// Adds an IKE_INTERMEDIATE exchange, under the keys that it went with:
    /// IntAuth_n = prf(SK_p, IntAuth_(n-1) | message in clear), for each side.
    pub fn take_intermediate(&mut self, channel: &Channel, role: Role, exchange: &Exchanged) {
        let (ours, theirs) = (&channel.sk_p_ours, &channel.sk_p_peer);
        let (sk_pi, request, sk_pr, response) = match role {
            Role::Initiator => (ours, &exchange.ours, theirs, &exchange.theirs),
            Role::Responder => (theirs, &exchange.theirs, ours, &exchange.ours),
        };
        let so_far = self.intermediate.take();
        let (i, r) = match &so_far {
            Some(so_far) => (so_far.initiator.expose(), so_far.responder.expose()),
            None => (&[][..], &[][..]),
        };
        let prf = channel.prf;
        self.intermediate = Some(IntAuth {
            initiator: prf.compute(sk_pi.expose(), &[i, request]),
            responder: prf.compute(sk_pr.expose(), &[r, response]),
            exchanges: so_far.as_ref().map_or(0, |so_far| so_far.exchanges) + 1,
        });
    }

    /// IntAuth_i | IntAuth_r | IKE_AUTH_MID, or nothing. IKE_SA_INIT has message ID 0, and IKE_AUTH follows at once.
    fn int_auth(&self) -> Vec<u8> {
        self.intermediate.as_ref().map_or_else(Vec::new, |all| {
            let mid = (all.exchanges + 1).to_be_bytes();
            [all.initiator.expose(), all.responder.expose(), &mid].concat()
        })
    }

    /// What we authenticate with (RFC 7296 2.15).
    pub fn our_octets(&self, channel: &Channel, id: &IdPayload) -> Secret {
        let mut octets = auth_octets(
            &self.ours,
            &self.peer_nonce,
            channel.prf,
            &channel.sk_p_ours,
            &body(id),
        );
        octets.extend(self.int_auth());
        Secret::new(octets)
    }

    /// What the peer authenticates with.
    pub fn peer_octets(&self, channel: &Channel, id: &IdPayload) -> Secret {
        let mut octets = auth_octets(
            &self.theirs,
            &self.our_nonce,
            channel.prf,
            &channel.sk_p_peer,
            &body(id),
        );
        octets.extend(self.int_auth());
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
