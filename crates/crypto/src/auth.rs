//! The AUTH payload (RFC 7296 2.15): what is signed, and how a pre-shared key signs it.

use crate::prf::Prf;
use adit_model::Secret;

/// The octets that one side signs: its own first message as it was on the wire (from the IKE header on, without the
/// non-ESP marker), the *other* side's nonce, and prf(SK_p, ID payload without its generic header).
///
/// `sk_p` is SK_pi with IDi for the initiator, SK_pr with IDr for the responder.
#[must_use]
pub fn auth_octets(
    message: &[u8],
    nonce: &[u8],
    prf: &dyn Prf,
    sk_p: &Secret,
    id_body: &[u8],
) -> Vec<u8> {
    let maced_id = prf.compute(sk_p.expose(), &[id_body]);
    [message, nonce, maced_id.expose()].concat()
}

/// AUTH by a pre-shared key: prf(prf(key, "Key Pad for IKEv2"), octets), where `octets` are from [`auth_octets`].
///
/// Compare a received value with [`constant_time_eq`](crate::constant_time_eq).
#[must_use]
pub fn psk_auth(prf: &dyn Prf, psk: &Secret, octets: &[u8]) -> Vec<u8> {
    let padded = prf.compute(psk.expose(), &[b"Key Pad for IKEv2"]);
    prf.compute(padded.expose(), &[octets]).expose().to_vec()
}
