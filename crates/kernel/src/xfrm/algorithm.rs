//! The kernel's names of the algorithms of ESP.

use adit_model::proposal::Suite;
use adit_wire::iana::{EncrId, IntegId};

/// How a state protects packets: its algorithms in the kernel's words, with the length of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Encryption with integrity in one.
    Combined {
        /// The kernel's name.
        name: &'static str,
        /// Octets of key and salt together.
        key_len: usize,
        /// Bits of the integrity check value.
        icv_bits: u32,
    },
    /// Encryption and integrity apart.
    Separate {
        /// The kernel's name of the cipher.
        cipher: &'static str,
        /// Octets of its key, with the nonce where it has one.
        key_len: usize,
        /// The kernel's name of the integrity algorithm.
        auth: &'static str,
        /// Octets of its key.
        auth_key_len: usize,
        /// Bits of the integrity check value.
        icv_bits: u32,
    },
}

impl Protection {
    /// AES-GCM with a key of 128 bits.
    pub const USUAL: Self = Self::Combined {
        name: GCM,
        key_len: 20,
        icv_bits: 128,
    };

    /// What `suite` is to the kernel; `None` for what no kernel has under a name that we know.
    #[must_use]
    pub fn of(suite: &Suite) -> Option<Self> {
        let bits = usize::from(suite.encr.key_bits.unwrap_or(128));
        let combined = |name, salt, icv_bits| Self::Combined {
            name,
            key_len: bits / 8 + salt,
            icv_bits,
        };
        let (cipher, key_len) = match suite.encr.id {
            EncrId::ENCR_AES_GCM_16 => return Some(combined(GCM, 4, 128)),
            EncrId::ENCR_AES_GCM_12 => return Some(combined(GCM, 4, 96)),
            EncrId::ENCR_AES_GCM_8 => return Some(combined(GCM, 4, 64)),
            EncrId::ENCR_AES_CCM_16 => return Some(combined(CCM, 3, 128)),
            EncrId::ENCR_AES_CCM_12 => return Some(combined(CCM, 3, 96)),
            EncrId::ENCR_AES_CCM_8 => return Some(combined(CCM, 3, 64)),
            EncrId::ENCR_NULL_AUTH_AES_GMAC => {
                return Some(combined("rfc4543(gcm(aes))", 4, 128));
            }
            EncrId::ENCR_CHACHA20_POLY1305 => {
                return Some(Self::Combined {
                    name: "rfc7539esp(chacha20,poly1305)",
                    key_len: 32 + 4,
                    icv_bits: 128,
                });
            }
            EncrId::ENCR_AES_CBC => ("cbc(aes)", bits / 8),
            EncrId::ENCR_AES_CTR => ("rfc3686(ctr(aes))", bits / 8 + 4),
            EncrId::ENCR_CAMELLIA_CBC => ("cbc(camellia)", bits / 8),
            EncrId::ENCR_3DES => ("cbc(des3_ede)", 24),
            EncrId::ENCR_NULL => ("ecb(cipher_null)", 0),
            _ => return None,
        };
        let (auth, auth_key_len, icv_bits) = match suite.integ? {
            IntegId::AUTH_HMAC_SHA1_96 => ("hmac(sha1)", 20, 96),
            IntegId::AUTH_HMAC_SHA2_256_128 => ("hmac(sha256)", 32, 128),
            IntegId::AUTH_HMAC_SHA2_384_192 => ("hmac(sha384)", 48, 192),
            IntegId::AUTH_HMAC_SHA2_512_256 => ("hmac(sha512)", 64, 256),
            IntegId::AUTH_AES_XCBC_96 => ("xcbc(aes)", 16, 96),
            IntegId::AUTH_AES_CMAC_96 => ("cmac(aes)", 16, 96),
            IntegId::AUTH_HMAC_MD5_96 => ("hmac(md5)", 16, 96),
            _ => return None,
        };
        Some(Self::Separate {
            cipher,
            key_len,
            auth,
            auth_key_len,
            icv_bits,
        })
    }

    /// Octets of keying material that one direction takes.
    #[must_use]
    pub const fn keymat_len(&self) -> usize {
        match self {
            Self::Combined { key_len, .. } => *key_len,
            Self::Separate {
                key_len,
                auth_key_len,
                ..
            } => *key_len + *auth_key_len,
        }
    }
}

const GCM: &str = "rfc4106(gcm(aes))";
const CCM: &str = "rfc4309(ccm(aes))";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::proposal::Proposal;

    fn of(text: &str) -> Protection {
        let proposal: Proposal = text.parse().unwrap();
        let suite = Suite {
            encr: proposal.encr[0],
            prf: None,
            integ: proposal.integ.first().copied(),
            ke: None,
            addke: adit_model::proposal::NO_ADDITIONAL,
            esn: false,
        };
        Protection::of(&suite).unwrap()
    }

    #[test]
    fn lengths_are_those_of_the_key_exchange() {
        assert_eq!(of("aes128gcm16").keymat_len(), 20);
        assert_eq!(of("aes256gcm16").keymat_len(), 36);
        assert_eq!(of("chacha20poly1305").keymat_len(), 36);
        assert_eq!(of("aes256-sha256").keymat_len(), 64);
        assert_eq!(of("aes128-sha512").keymat_len(), 80);
    }
}
