//! The only `unsafe` code of the crate, with [`kem`]: direct calls into AWS-LC for what `aws-lc-rs` does not offer (short ICVs, CCM,
//! block ciphers without allocation, modular exponentiation), each behind a safe wrapper.
//!
//! Three rules hold throughout. A context pointer is made by the library, checked for null, owned by one wrapper and
//! freed by its `Drop`. Contexts are only read after construction (the C signatures take them as `const`), which is
//! why the wrappers are `Send` and `Sync`. Pointer and length always come from one slice.

pub(crate) mod kem;

use std::ffi::c_int;
use std::ptr::{NonNull, null, null_mut};

use aws_lc_sys as sys;
use zeroize::{Zeroize, Zeroizing};

/// Length of an AES block.
pub(crate) const AES_BLOCK: usize = 16;

/// The combined-mode algorithms of the library.
#[derive(Clone, Copy)]
pub(crate) enum AeadAlgorithm {
    Aes128Gcm,
    Aes192Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// A combined-mode key and the length of its ICV. Nonces are 12 octets.
pub(crate) struct Aead(NonNull<sys::EVP_AEAD_CTX>);

// SAFETY: after construction the context is only passed as `const EVP_AEAD_CTX *`, and the library documents seal and
// open as safe to call concurrently on one context.
unsafe impl Send for Aead {}
// SAFETY: as above.
unsafe impl Sync for Aead {}

impl Aead {
    /// `None` when the key or ICV length does not fit the algorithm.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8], icv_len: usize) -> Option<Self> {
        // SAFETY: the algorithm getters take nothing and return static tables; the key pointer and length are one
        // slice's; the library checks both lengths and returns null on failure.
        let ctx = unsafe {
            let table = match algorithm {
                AeadAlgorithm::Aes128Gcm => sys::EVP_aead_aes_128_gcm(),
                AeadAlgorithm::Aes192Gcm => sys::EVP_aead_aes_192_gcm(),
                AeadAlgorithm::Aes256Gcm => sys::EVP_aead_aes_256_gcm(),
                AeadAlgorithm::ChaCha20Poly1305 => sys::EVP_aead_chacha20_poly1305(),
            };
            sys::EVP_AEAD_CTX_new(table, key.as_ptr(), key.len(), icv_len)
        };
        NonNull::new(ctx).map(Self)
    }

    /// Encrypts `body` in place and fills `icv`.
    #[must_use]
    pub(crate) fn seal(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        body: &mut [u8],
        icv: &mut [u8],
    ) -> bool {
        let mut written = 0;
        // SAFETY: input and output are the same slice, which the library allows when they coincide exactly; `icv` is a
        // separate slice whose length bounds what is written; the extra input is empty.
        let ok = unsafe {
            sys::EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                body.as_mut_ptr(),
                icv.as_mut_ptr(),
                &mut written,
                icv.len(),
                nonce.as_ptr(),
                nonce.len(),
                body.as_ptr(),
                body.len(),
                null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        };
        ok == 1 && written == icv.len()
    }

    /// Encrypts `payload` into the front of `out`, then `trailer`, then fills the rest of it, which is as long as the
    /// ICV.
    #[inline]
    #[must_use]
    pub(crate) fn seal_from(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        payload: &[u8],
        trailer: &[u8],
        out: &mut [u8],
    ) -> bool {
        let Some((body, rest)) = out.split_at_mut_checked(payload.len()) else {
            return false;
        };
        let mut written = 0;
        // SAFETY: `body` is as long as `payload`, which is what the library writes to it, and being borrowed mutably
        // neither it nor `rest` overlaps an input; the length of `rest` bounds what is written for trailer and ICV.
        let ok = unsafe {
            sys::EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                body.as_mut_ptr(),
                rest.as_mut_ptr(),
                &mut written,
                rest.len(),
                nonce.as_ptr(),
                nonce.len(),
                payload.as_ptr(),
                payload.len(),
                trailer.as_ptr(),
                trailer.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        ok == 1 && written == rest.len()
    }

    /// Checks `icv` and decrypts `body` in place; on `false` the library has wiped it.
    #[must_use]
    pub(crate) fn open(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8], icv: &[u8]) -> bool {
        // SAFETY: input and output are the same slice; the ICV's length is checked by the library against the context.
        let ok = unsafe {
            sys::EVP_AEAD_CTX_open_gather(
                self.0.as_ptr(),
                body.as_mut_ptr(),
                nonce.as_ptr(),
                nonce.len(),
                body.as_ptr(),
                body.len(),
                icv.as_ptr(),
                icv.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        ok == 1
    }
}

impl Drop for Aead {
    fn drop(&mut self) {
        // SAFETY: made by EVP_AEAD_CTX_new and freed once; freeing wipes.
        unsafe { sys::EVP_AEAD_CTX_free(self.0.as_ptr()) }
    }
}

/// An AES key schedule for encryption; boxed so that moving it leaves no copy behind.
pub(crate) struct AesEncryptKey(Box<sys::AES_KEY>);

/// An AES key schedule for decryption.
pub(crate) struct AesDecryptKey(Box<sys::AES_KEY>);

fn empty_schedule() -> Box<sys::AES_KEY> {
    Box::new(sys::AES_KEY {
        rd_key: [0; 60],
        rounds: 0,
    })
}

fn bits(key: &[u8]) -> Option<u32> {
    u32::try_from(key.len().checked_mul(8)?).ok()
}

impl AesEncryptKey {
    /// `None` unless the key has 16, 24 or 32 octets.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let mut schedule = empty_schedule();
        // SAFETY: the library reads `bits / 8` octets of the slice after checking that it knows that length.
        let status = unsafe { sys::AES_set_encrypt_key(key.as_ptr(), bits(key)?, &mut *schedule) };
        (status == 0).then_some(Self(schedule))
    }

    /// Encrypts one block.
    pub(crate) fn block(&self, block: &mut [u8; AES_BLOCK]) {
        // SAFETY: exactly one block is read and written; in place is allowed.
        unsafe { sys::AES_encrypt(block.as_ptr(), block.as_mut_ptr(), &*self.0) }
    }

    /// CBC over whole blocks in place; octets behind the last whole block are left alone.
    pub(crate) fn cbc(&self, mut iv: [u8; AES_BLOCK], body: &mut [u8]) {
        let len = body.len() - body.len() % AES_BLOCK;
        // SAFETY: `len` is within the slice and a multiple of the block; input and output coincide.
        unsafe {
            sys::AES_cbc_encrypt(
                body.as_ptr(),
                body.as_mut_ptr(),
                len,
                &*self.0,
                iv.as_mut_ptr(),
                sys::AES_ENCRYPT,
            );
        }
    }

    /// Counter mode in place, starting with `block`; the last four octets count.
    pub(crate) fn ctr(&self, mut block: [u8; AES_BLOCK], body: &mut [u8]) {
        let mut stream = Zeroizing::new([0; AES_BLOCK]);
        let mut used = 0;
        // SAFETY: input and output coincide; counter, key stream and position are local.
        unsafe {
            sys::AES_ctr128_encrypt(
                body.as_ptr(),
                body.as_mut_ptr(),
                body.len(),
                &*self.0,
                block.as_mut_ptr(),
                stream.as_mut_ptr(),
                &mut used,
            );
        }
    }
}

impl AesDecryptKey {
    /// `None` unless the key has 16, 24 or 32 octets.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let mut schedule = empty_schedule();
        // SAFETY: as for encryption.
        let status = unsafe { sys::AES_set_decrypt_key(key.as_ptr(), bits(key)?, &mut *schedule) };
        (status == 0).then_some(Self(schedule))
    }

    /// CBC over whole blocks in place; octets behind the last whole block are left alone.
    pub(crate) fn cbc(&self, mut iv: [u8; AES_BLOCK], body: &mut [u8]) {
        let len = body.len() - body.len() % AES_BLOCK;
        // SAFETY: as for encryption.
        unsafe {
            sys::AES_cbc_encrypt(
                body.as_ptr(),
                body.as_mut_ptr(),
                len,
                &*self.0,
                iv.as_mut_ptr(),
                sys::AES_DECRYPT,
            );
        }
    }
}

impl Drop for AesEncryptKey {
    fn drop(&mut self) {
        self.0.rd_key.zeroize();
    }
}

impl Drop for AesDecryptKey {
    fn drop(&mut self) {
        self.0.rd_key.zeroize();
    }
}

/// MD5, which `aws-lc-rs` doesn't offer.
pub(crate) fn md5(octets: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    // SAFETY: pointer and length are one slice's, and 16 octets are written to an array of 16.
    unsafe { sys::MD5(octets.as_ptr(), octets.len(), out.as_mut_ptr()) };
    out
}

/// The three key schedules of triple DES.
pub(crate) struct TripleDesKey(Box<[sys::DES_key_schedule; 3]>);

impl TripleDesKey {
    pub(crate) fn new(key: &[u8; 24]) -> Self {
        let mut schedules = Box::new(
            [sys::DES_key_schedule {
                subkeys: [[0; 2]; 16],
            }; 3],
        );
        for (schedule, part) in schedules.iter_mut().zip(key.chunks_exact(8)) {
            let mut block = sys::DES_cblock { bytes: [0; 8] };
            block.bytes.copy_from_slice(part);
            // SAFETY: one 8-octet block is read and one schedule written.
            unsafe { sys::DES_set_key_unchecked(&block, schedule) };
            block.bytes.zeroize();
        }
        Self(schedules)
    }

    /// CBC over whole blocks in place; octets behind the last whole block are left alone.
    pub(crate) fn cbc(&self, iv: [u8; 8], body: &mut [u8], encrypt: bool) {
        let mut iv = sys::DES_cblock { bytes: iv };
        let direction = if encrypt {
            sys::DES_ENCRYPT
        } else {
            sys::DES_DECRYPT
        };
        let [first, second, third] = &*self.0;
        // SAFETY: the length is within the slice and a multiple of 8; input and output coincide.
        unsafe {
            sys::DES_ede3_cbc_encrypt(
                body.as_ptr(),
                body.as_mut_ptr(),
                body.len() - body.len() % 8,
                first,
                second,
                third,
                &mut iv,
                direction,
            );
        }
    }
}

impl Drop for TripleDesKey {
    fn drop(&mut self) {
        for schedule in self.0.iter_mut() {
            schedule.subkeys.as_flattened_mut().zeroize();
        }
    }
}

/// One AES-CCM operation with an 11-octet nonce (RFC 4309); the context lives for this call only.
pub(crate) struct CcmCall(NonNull<sys::EVP_CIPHER_CTX>);

impl CcmCall {
    /// Sets up to seal (`received` is `None`; `icv_len` octets of ICV will be fetched) or to open against a received
    /// ICV.
    fn new(key: &[u8], nonce: &[u8; 11], icv_len: usize, received: Option<&[u8]>) -> Option<Self> {
        // SAFETY: takes nothing; null is checked below.
        let call = Self(NonNull::new(unsafe { sys::EVP_CIPHER_CTX_new() })?);
        let ctx = call.0.as_ptr();
        let encrypt = c_int::from(received.is_none());
        let icv_len = c_int::try_from(icv_len).ok()?;
        let nonce_len = c_int::try_from(nonce.len()).ok()?;
        // A received ICV is only read, although the control call takes a mutable pointer.
        let icv = received.map_or(null_mut(), |icv| icv.as_ptr().cast_mut().cast());
        // SAFETY: cipher and key length correspond by the match, the nonce has the length announced, and the ICV
        // pointer is null or points to `icv_len` octets (checked by the caller, `run`).
        let ok = unsafe {
            let cipher = match key.len() {
                16 => sys::EVP_aes_128_ccm(),
                24 => sys::EVP_aes_192_ccm(),
                32 => sys::EVP_aes_256_ccm(),
                _ => return None,
            };
            sys::EVP_CipherInit_ex(ctx, cipher, null_mut(), null(), null(), encrypt) == 1
                && sys::EVP_CIPHER_CTX_ctrl(
                    ctx,
                    sys::EVP_CTRL_AEAD_SET_IVLEN,
                    nonce_len,
                    null_mut(),
                ) == 1
                && sys::EVP_CIPHER_CTX_ctrl(ctx, sys::EVP_CTRL_AEAD_SET_TAG, icv_len, icv) == 1
                && sys::EVP_CipherInit_ex(
                    ctx,
                    null(),
                    null_mut(),
                    key.as_ptr(),
                    nonce.as_ptr(),
                    encrypt,
                ) == 1
        };
        ok.then_some(call)
    }

    /// Announces the length, feeds `aad`, transforms `body` in place. When opening this is where the ICV is checked.
    fn transform(&self, aad: &[u8], body: &mut [u8]) -> Option<()> {
        let ctx = self.0.as_ptr();
        let (aad_len, body_len) = (
            c_int::try_from(aad.len()).ok()?,
            c_int::try_from(body.len()).ok()?,
        );
        let mut written = 0;
        // SAFETY: lengths belong to their slices; a null input announces the total length, as CCM requires; input
        // and output coincide.
        let ok = unsafe {
            sys::EVP_CipherUpdate(ctx, null_mut(), &mut written, null(), body_len) == 1
                && sys::EVP_CipherUpdate(ctx, null_mut(), &mut written, aad.as_ptr(), aad_len) == 1
                && sys::EVP_CipherUpdate(
                    ctx,
                    body.as_mut_ptr(),
                    &mut written,
                    body.as_ptr(),
                    body_len,
                ) == 1
        };
        ok.then_some(())
    }

    /// Encrypts `body` in place and fills `icv`.
    pub(crate) fn seal(
        key: &[u8],
        nonce: &[u8; 11],
        aad: &[u8],
        body: &mut [u8],
        icv: &mut [u8],
    ) -> Option<()> {
        let call = Self::new(key, nonce, icv.len(), None)?;
        call.transform(aad, body)?;
        let icv_len = c_int::try_from(icv.len()).ok()?;
        // SAFETY: writes `icv_len` octets into the slice.
        let status = unsafe {
            sys::EVP_CIPHER_CTX_ctrl(
                call.0.as_ptr(),
                sys::EVP_CTRL_AEAD_GET_TAG,
                icv_len,
                icv.as_mut_ptr().cast(),
            )
        };
        (status == 1).then_some(())
    }

    /// Checks `icv` and decrypts `body` in place.
    pub(crate) fn open(
        key: &[u8],
        nonce: &[u8; 11],
        aad: &[u8],
        body: &mut [u8],
        icv: &[u8],
    ) -> Option<()> {
        Self::new(key, nonce, icv.len(), Some(icv))?.transform(aad, body)
    }
}

impl Drop for CcmCall {
    fn drop(&mut self) {
        // SAFETY: made by EVP_CIPHER_CTX_new and freed once; freeing wipes.
        unsafe { sys::EVP_CIPHER_CTX_free(self.0.as_ptr()) }
    }
}

/// The primes of RFC 3526 that the library carries.
#[derive(Clone, Copy)]
pub(crate) enum ModpPrime {
    Bits2048,
    Bits3072,
    Bits4096,
    Bits6144,
    Bits8192,
}

/// A big number, wiped when dropped.
struct Number(NonNull<sys::BIGNUM>);

impl Number {
    /// From big-endian octets.
    fn from_octets(octets: &[u8]) -> Option<Self> {
        // SAFETY: reads the slice; a null result argument makes the library allocate.
        NonNull::new(unsafe { sys::BN_bin2bn(octets.as_ptr(), octets.len(), null_mut()) }).map(Self)
    }

    /// To big-endian octets, left-padded to `len`; `None` when it does not fit.
    fn to_octets(&self, len: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; len];
        // SAFETY: writes exactly `len` octets into the vector or fails.
        let ok = unsafe { sys::BN_bn2bin_padded(out.as_mut_ptr(), len, self.0.as_ptr()) };
        (ok == 1).then_some(out)
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: made by the library and freed once; this variant wipes first.
        unsafe { sys::BN_clear_free(self.0.as_ptr()) }
    }
}

/// A prime with its Montgomery context, ready for many exponentiations.
pub(crate) struct Modulus {
    number: Number,
    montgomery: NonNull<sys::BN_MONT_CTX>,
    octets: Vec<u8>,
}

// SAFETY: after construction both contexts are only passed as `const`.
unsafe impl Send for Modulus {}
// SAFETY: as above.
unsafe impl Sync for Modulus {}

impl Modulus {
    /// `None` only when memory is exhausted.
    pub(crate) fn new(prime: ModpPrime) -> Option<Self> {
        // SAFETY: a null argument makes the library allocate the result.
        let (number, len) = unsafe {
            match prime {
                ModpPrime::Bits2048 => (sys::BN_get_rfc3526_prime_2048(null_mut()), 256),
                ModpPrime::Bits3072 => (sys::BN_get_rfc3526_prime_3072(null_mut()), 384),
                ModpPrime::Bits4096 => (sys::BN_get_rfc3526_prime_4096(null_mut()), 512),
                ModpPrime::Bits6144 => (sys::BN_get_rfc3526_prime_6144(null_mut()), 768),
                ModpPrime::Bits8192 => (sys::BN_get_rfc3526_prime_8192(null_mut()), 1024),
            }
        };
        let number = Number(NonNull::new(number)?);
        let octets = number.to_octets(len)?;
        let scratch = Scratch::new()?;
        // SAFETY: modulus and scratch are valid; null is checked.
        let montgomery =
            unsafe { sys::BN_MONT_CTX_new_for_modulus(number.0.as_ptr(), scratch.0.as_ptr()) };
        Some(Self {
            number,
            montgomery: NonNull::new(montgomery)?,
            octets,
        })
    }

    /// The prime, big-endian.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// base^exponent mod p, left-padded to the prime's length, in time that depends on the lengths alone. `None` when
    /// base is not below p.
    pub(crate) fn power(&self, base: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
        let (base, exponent) = (Number::from_octets(base)?, Number::from_octets(exponent)?);
        let result = Number::from_octets(&[])?;
        let scratch = Scratch::new()?;
        // SAFETY: all numbers and contexts are valid and distinct; the Montgomery context is this modulus's own.
        let ok = unsafe {
            sys::BN_mod_exp_mont_consttime(
                result.0.as_ptr(),
                base.0.as_ptr(),
                exponent.0.as_ptr(),
                self.number.0.as_ptr(),
                scratch.0.as_ptr(),
                self.montgomery.as_ptr(),
            )
        };
        if ok == 1 {
            result.to_octets(self.octets.len())
        } else {
            None
        }
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        // SAFETY: made by BN_MONT_CTX_new_for_modulus and freed once.
        unsafe { sys::BN_MONT_CTX_free(self.montgomery.as_ptr()) }
    }
}

/// Temporary numbers for one calculation.
struct Scratch(NonNull<sys::BN_CTX>);

impl Scratch {
    fn new() -> Option<Self> {
        // SAFETY: takes nothing; null is checked.
        NonNull::new(unsafe { sys::BN_CTX_new() }).map(Self)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: made by BN_CTX_new and freed once.
        unsafe { sys::BN_CTX_free(self.0.as_ptr()) }
    }
}

/// A signature of RSASSA-PKCS1-v1_5 over a SHA-1 digest, with a key in the form of PKCS #1. `None` when the key can't be
/// read, or the library refuses.
pub(crate) fn rsa_sign_sha1(pkcs1: &[u8], digest: &[u8; 20]) -> Option<Vec<u8>> {
    // SAFETY: pointer and length are one slice's; null is checked.
    let key = unsafe { sys::RSA_private_key_from_bytes(pkcs1.as_ptr(), pkcs1.len()) };
    let key = RsaPrivate(NonNull::new(key)?);
    // SAFETY: the key is valid.
    let size = unsafe { sys::RSA_size(key.0.as_ptr()) };
    let mut out = vec![0; usize::try_from(size).ok()?];
    let mut written = 0;
    // SAFETY: the digest has the length that goes with the hash's id; the library writes at most RSA_size octets.
    let ok = unsafe {
        sys::RSA_sign(
            sys::NID_sha1,
            digest.as_ptr(),
            digest.len(),
            out.as_mut_ptr(),
            &mut written,
            key.0.as_ptr(),
        )
    };
    out.truncate(usize::try_from(written).ok()?);
    (ok == 1).then_some(out)
}

struct RsaPrivate(NonNull<sys::RSA>);

impl Drop for RsaPrivate {
    fn drop(&mut self) {
        // SAFETY: made by RSA_private_key_from_bytes and freed once; freeing wipes.
        unsafe { sys::RSA_free(self.0.as_ptr()) }
    }
}
