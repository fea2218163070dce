//! The real provider: AWS-LC, through `aws-lc-rs` where its safe interface reaches and through [`raw`] elsewhere.

mod aead;
mod cbc;
mod cbc_mac;
mod ccm;
mod ctr;
mod ecdh;
mod gmac;
mod hmac;
mod ml_kem;
mod modp;
mod null;
pub(crate) mod raw;
mod triple_des;

pub(crate) use raw::md5;

use crate::encr::Encr;
use crate::integ::Integ;
use crate::ke::KeyExchange;
use crate::prf::Prf;
use crate::random::Random;

pub(crate) static ENCR: &[&dyn Encr] = &[
    &aead::AES_GCM_16,
    &aead::CHACHA20_POLY1305,
    &cbc::AES_CBC,
    &ctr::AES_CTR,
    &ccm::AES_CCM_16,
    &ccm::AES_CCM_12,
    &aead::AES_GCM_12,
    &ccm::AES_CCM_8,
    &aead::AES_GCM_8,
    &triple_des::TRIPLE_DES_CBC,
    &gmac::AES_GMAC,
    &null::NULL,
];

pub(crate) static PRF: &[&dyn Prf] = &[
    &hmac::PRF_SHA2_256,
    &hmac::PRF_SHA2_384,
    &hmac::PRF_SHA2_512,
    &hmac::PRF_SHA1,
    &cbc_mac::PRF_CMAC,
    &cbc_mac::PRF_XCBC,
];

pub(crate) static INTEG: &[&dyn Integ] = &[
    &hmac::SHA2_256_128,
    &hmac::SHA2_384_192,
    &hmac::SHA2_512_256,
    &hmac::SHA1_96,
    &cbc_mac::CMAC_96,
    &cbc_mac::XCBC_96,
];

pub(crate) static KE: &[&dyn KeyExchange] = &[
    &ecdh::CURVE25519,
    &ecdh::ECP_256,
    &ecdh::ECP_384,
    &ecdh::ECP_521,
    &modp::MODP_3072,
    &modp::MODP_2048,
    &modp::MODP_4096,
    &modp::MODP_6144,
    &modp::MODP_8192,
    &ml_kem::ML_KEM_768,
    &ml_kem::ML_KEM_512,
    &ml_kem::ML_KEM_1024,
];

/// The operating system's entropy through AWS-LC's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        if aws_lc_rs::rand::fill(out).is_err() {
            // Going on with predictable octets would give away every key; AWS-LC itself does the same.
            std::process::abort();
        }
    }
}
