//! Key encapsulation from given random octets, which `aws-lc-rs` only offers from its own.

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};

use aws_lc_sys as sys;

/// Octets of a shared secret of ML-KEM.
const SHARED_LEN: usize = 32;

/// The key encapsulation mechanisms of the library that are used here.
#[derive(Clone, Copy)]
pub(crate) enum Kem {
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl Kem {
    const fn nid(self) -> c_int {
        match self {
            Kem::MlKem512 => sys::NID_MLKEM512,
            Kem::MlKem768 => sys::NID_MLKEM768,
            Kem::MlKem1024 => sys::NID_MLKEM1024,
        }
    }
}

/// A key pair, or an encapsulation key alone. The library wipes it when it is freed.
pub(crate) struct KemKey(NonNull<sys::EVP_PKEY>);

// SAFETY: after construction the key is only read; the reference count in it is atomic.
unsafe impl Send for KemKey {}
// SAFETY: as above.
unsafe impl Sync for KemKey {}

impl Drop for KemKey {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the library and this wrapper alone owns it.
        unsafe { sys::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

/// The state of one operation with a key.
struct Context(NonNull<sys::EVP_PKEY_CTX>);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: as for the key.
        unsafe { sys::EVP_PKEY_CTX_free(self.0.as_ptr()) }
    }
}

impl KemKey {
    /// A key pair from the seed `d | z`; `None` when memory is exhausted.
    pub(crate) fn generate(kem: Kem, seed: &[u8; 64]) -> Option<Self> {
        // SAFETY: the call takes a number and no engine; null is checked.
        let ctx = unsafe { sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_KEM, null_mut()) };
        let ctx = Context(NonNull::new(ctx)?);
        let mut key = null_mut();
        let mut seed_len = seed.len();
        // SAFETY: the context is live; the seed's pointer and length are one array's; `key` is null, so the library
        // makes a new one, which the wrapper below owns.
        let ok = unsafe {
            sys::EVP_PKEY_CTX_kem_set_params(ctx.0.as_ptr(), kem.nid()) == 1
                && sys::EVP_PKEY_keygen_init(ctx.0.as_ptr()) == 1
                && sys::EVP_PKEY_keygen_deterministic(
                    ctx.0.as_ptr(),
                    &mut key,
                    seed.as_ptr(),
                    &mut seed_len,
                ) == 1
        };
        let key = NonNull::new(key).map(Self)?;
        ok.then_some(key)
    }

    /// An encapsulation key of the peer's; `None` when its length isn't the mechanism's.
    pub(crate) fn from_public(kem: Kem, public: &[u8]) -> Option<Self> {
        // SAFETY: pointer and length are one slice's; the library copies what it keeps.
        let key = unsafe {
            sys::EVP_PKEY_kem_new_raw_public_key(kem.nid(), public.as_ptr(), public.len())
        };
        NonNull::new(key).map(Self)
    }

    /// The encapsulation key, which has `len` octets.
    pub(crate) fn public(&self, len: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; len];
        let mut written = len;
        // SAFETY: the key is live; `written` says how long `out` is, and the library checks it.
        let ok = unsafe {
            sys::EVP_PKEY_get_raw_public_key(self.0.as_ptr(), out.as_mut_ptr(), &mut written)
        };
        (ok == 1 && written == len).then_some(out)
    }

    /// The ciphertext, which has `len` octets, and the shared secret; `None` when the key fails the modulus check.
    pub(crate) fn encapsulate(&self, seed: &[u8; 32], len: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let ctx = self.context()?;
        let (mut ciphertext, mut shared) = (vec![0; len], vec![0; SHARED_LEN]);
        let (mut ciphertext_len, mut shared_len, mut seed_len) = (len, SHARED_LEN, seed.len());
        // SAFETY: the context is live; each pointer goes with the length of its own buffer, which the library checks.
        let ok = unsafe {
            sys::EVP_PKEY_encapsulate_deterministic(
                ctx.0.as_ptr(),
                ciphertext.as_mut_ptr(),
                &mut ciphertext_len,
                shared.as_mut_ptr(),
                &mut shared_len,
                seed.as_ptr(),
                &mut seed_len,
            )
        };
        let whole = ciphertext_len == len && shared_len == SHARED_LEN;
        (ok == 1 && whole).then_some((ciphertext, shared))
    }

    /// The shared secret; `None` when the ciphertext's length isn't the mechanism's.
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let ctx = self.context()?;
        let mut shared = vec![0; SHARED_LEN];
        let mut shared_len = SHARED_LEN;
        // SAFETY: as above.
        let ok = unsafe {
            sys::EVP_PKEY_decapsulate(
                ctx.0.as_ptr(),
                shared.as_mut_ptr(),
                &mut shared_len,
                ciphertext.as_ptr(),
                ciphertext.len(),
            )
        };
        (ok == 1 && shared_len == SHARED_LEN).then_some(shared)
    }

    fn context(&self) -> Option<Context> {
        // SAFETY: the key is live, and the context takes a reference of its own; null is checked.
        let ctx = unsafe { sys::EVP_PKEY_CTX_new(self.0.as_ptr(), null_mut()) };
        NonNull::new(ctx).map(Context)
    }
}
