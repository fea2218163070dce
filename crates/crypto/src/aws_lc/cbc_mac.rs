//! The two MACs made of AES in CBC mode: XCBC (RFC 3566, RFC 4434) and CMAC (RFC 4493, RFC 4494, RFC 4615).
//!
//! Both chain blocks and mask the last one with a subkey: the first subkey if it is whole, the second, after padding
//! with 1000..., if it is not. They differ in where keys and subkeys come from.

use adit_wire::iana::{IntegId, PrfId};
use zeroize::Zeroize;

use super::raw::{AES_BLOCK, AesEncryptKey};
use crate::error::BadKey;
use crate::integ::{Integ, IntegKey, IntegSpec};
use crate::prf::{Prf, PrfSpec};
use adit_model::Secret;

type Block = [u8; AES_BLOCK];

pub(super) static PRF_XCBC: MacPrf = prf(PrfId::PRF_AES128_XCBC, Kind::Xcbc);
pub(super) static PRF_CMAC: MacPrf = prf(PrfId::PRF_AES128_CMAC, Kind::Cmac);
pub(super) static XCBC_96: MacInteg = integ(IntegId::AUTH_AES_XCBC_96, Kind::Xcbc);
pub(super) static CMAC_96: MacInteg = integ(IntegId::AUTH_AES_CMAC_96, Kind::Cmac);

#[derive(Clone, Copy)]
enum Kind {
    Xcbc,
    Cmac,
}

pub(super) struct MacPrf {
    spec: PrfSpec,
    kind: Kind,
}

pub(super) struct MacInteg {
    spec: IntegSpec,
    kind: Kind,
}

const fn prf(id: PrfId, kind: Kind) -> MacPrf {
    let spec = PrfSpec {
        id,
        output_len: AES_BLOCK,
        fixed_key: true,
        default_offer: false,
    };
    MacPrf { spec, kind }
}

const fn integ(id: IntegId, kind: Kind) -> MacInteg {
    MacInteg {
        spec: IntegSpec {
            id,
            key_len: AES_BLOCK,
            icv_len: 12,
            default_offer: false,
        },
        kind,
    }
}

impl Prf for MacPrf {
    fn spec(&self) -> &PrfSpec {
        &self.spec
    }

    fn compute(&self, key: &[u8], parts: &[&[u8]]) -> Secret {
        Secret::new(
            MacKey::new(self.kind, &fit_key(self.kind, key))
                .mac(parts)
                .to_vec(),
        )
    }
}

/// A key of another length is made to fit: XCBC pads a short one with zeros and hashes a long one under the zero key
/// (RFC 4434 2); CMAC hashes either under the zero key (RFC 4615 3).
fn fit_key(kind: Kind, key: &[u8]) -> Block {
    match (key.try_into(), kind) {
        (Ok(exact), _) => exact,
        (Err(_), Kind::Xcbc) if key.len() < AES_BLOCK => {
            let mut padded = [0; AES_BLOCK];
            padded[..key.len()].copy_from_slice(key);
            padded
        }
        (Err(_), _) => MacKey::new(kind, &[0; AES_BLOCK]).mac(&[key]),
    }
}

impl Integ for MacInteg {
    fn spec(&self) -> &IntegSpec {
        &self.spec
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn IntegKey>, BadKey> {
        let exact = key.try_into().map_err(|_| BadKey {
            expected: AES_BLOCK,
            got: key.len(),
        })?;
        Ok(Box::new(MacKey::new(self.kind, exact)))
    }
}

struct MacKey {
    chain: AesEncryptKey,
    whole: Block,
    padded: Block,
}

impl MacKey {
    fn new(kind: Kind, key: &Block) -> Self {
        let cipher = aes(key);
        let encrypted = |mut block: Block| {
            cipher.block(&mut block);
            block
        };
        match kind {
            Kind::Xcbc => {
                let (whole, padded) = (encrypted([2; AES_BLOCK]), encrypted([3; AES_BLOCK]));
                Self {
                    chain: aes(&encrypted([1; AES_BLOCK])),
                    whole,
                    padded,
                }
            }
            Kind::Cmac => {
                let whole = double(encrypted([0; AES_BLOCK]));
                Self {
                    padded: double(whole),
                    whole,
                    chain: cipher,
                }
            }
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> Block {
        let mut state = [0; AES_BLOCK];
        let mut filled = 0;
        for octet in parts.iter().copied().flatten() {
            if filled == AES_BLOCK {
                self.chain.block(&mut state);
                filled = 0;
            }
            state[filled] ^= octet;
            filled += 1;
        }
        let mask = if filled == AES_BLOCK {
            &self.whole
        } else {
            state[filled] ^= 0x80;
            &self.padded
        };
        state.iter_mut().zip(mask).for_each(|(s, m)| *s ^= m);
        self.chain.block(&mut state);
        state
    }
}

impl IntegKey for MacKey {
    fn sign(&self, parts: &[&[u8]], icv: &mut [u8]) {
        for (to, from) in icv.iter_mut().zip(self.mac(parts)) {
            *to = from;
        }
    }
}

impl Drop for MacKey {
    fn drop(&mut self) {
        self.whole.zeroize();
        self.padded.zeroize();
    }
}

#[expect(clippy::expect_used, reason = "a 16-octet AES key cannot be refused")]
fn aes(key: &Block) -> AesEncryptKey {
    AesEncryptKey::new(key).expect("AES takes 16 octets")
}

/// Multiplication by x in GF(2^128), without a branch on key bits.
fn double(block: Block) -> Block {
    let value = u128::from_be_bytes(block);
    let carry = value >> 127;
    ((value << 1) ^ (carry * 0x87)).to_be_bytes()
}
