//! Transform type 2: pseudo-random functions, and prf+ (RFC 7296 2.13).

use adit_wire::iana::PrfId;

use adit_model::Secret;

/// What one pseudo-random function looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrfSpec {
    /// IANA transform id.
    pub id: PrfId,
    /// Octets of output, which is also the preferred key length: that of SK_d, SK_pi and SK_pr.
    pub output_len: usize,
    /// Whether the key has a fixed length (AES-XCBC and AES-CMAC): then SKEYSEED is keyed by the first 8 octets of
    /// each nonce only (RFC 7296 2.14).
    pub fixed_key: bool,
    /// Whether it belongs to a proposal that nobody configured.
    pub default_offer: bool,
}

/// A pseudo-random function of a provider.
pub trait Prf: Send + Sync {
    /// Its dimensions.
    fn spec(&self) -> &PrfSpec;

    /// prf(key, concatenation of `parts`). Any key length is taken; functions with a fixed key length adapt it as
    /// their RFC says (4434, 4615).
    fn compute(&self, key: &[u8], parts: &[&[u8]]) -> Secret;
}

/// prf+(key, concatenation of `seed`), the first `len` octets (RFC 7296 2.13).
///
/// RFC 7296 defines 255 rounds. More than 255 x `output_len` octets are never asked for by a suite of this crate;
/// should it happen, the result is shorter than `len`, and the key that is cut from it is refused by its length.
#[must_use]
pub fn prf_plus(prf: &dyn Prf, key: &[u8], seed: &[&[u8]], len: usize) -> Secret {
    let mut out = zeroize::Zeroizing::new(Vec::with_capacity(len + prf.spec().output_len));
    let mut previous: Option<Secret> = None;
    for round in 1..=u8::MAX {
        if out.len() >= len {
            break;
        }
        let mut parts: Vec<&[u8]> = Vec::with_capacity(seed.len() + 2);
        parts.extend(previous.as_ref().map(Secret::expose));
        parts.extend_from_slice(seed);
        let counter = [round];
        parts.push(&counter);
        let block = prf.compute(key, &parts);
        out.extend_from_slice(block.expose());
        previous = Some(block);
    }
    Secret::new(out[..len.min(out.len())].to_vec())
}
