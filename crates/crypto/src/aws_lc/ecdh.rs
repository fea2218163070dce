//! Key exchange on elliptic curves: the NIST curves as RFC 5903 encodes them, and Curve25519 (RFC 8031).

use aws_lc_rs::agreement::{
    self, Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey, X25519,
};
use zeroize::Zeroizing;

use crate::error::KeError;
use crate::ke::{Ephemeral, KeSpec, KeyExchange, spec};
use crate::random::Random;
use adit_model::Secret;

/// Marks an uncompressed point in the encoding that the library reads; RFC 5903 leaves it out.
const UNCOMPRESSED: u8 = 4;

pub(super) static ECP_256: Curve = Curve {
    spec: spec::ECP_256,
    algorithm: &ECDH_P256,
    prefix: &[UNCOMPRESSED],
    top_mask: 0xff,
};
pub(super) static ECP_384: Curve = Curve {
    spec: spec::ECP_384,
    algorithm: &ECDH_P384,
    prefix: &[UNCOMPRESSED],
    top_mask: 0xff,
};
pub(super) static ECP_521: Curve = Curve {
    spec: spec::ECP_521,
    algorithm: &ECDH_P521,
    prefix: &[UNCOMPRESSED],
    top_mask: 0x01,
};
pub(super) static CURVE25519: Curve = Curve {
    spec: spec::CURVE25519,
    algorithm: &X25519,
    prefix: &[],
    top_mask: 0xff,
};

/// One curve.
pub(super) struct Curve {
    spec: KeSpec,
    algorithm: &'static Algorithm,
    /// What the library's encoding of a public value has in front of IKE's.
    prefix: &'static [u8],
    /// Which bits of a private value's first octet may be set.
    top_mask: u8,
}

impl Curve {
    /// `None` when the private value is zero or not below the order of the group.
    fn begin(&'static self, private: &[u8]) -> Option<(Box<dyn Ephemeral>, Vec<u8>)> {
        let private = PrivateKey::from_private_key(self.algorithm, private).ok()?;
        let public = private.compute_public_key().ok()?;
        let public = public.as_ref().strip_prefix(self.prefix)?.to_vec();
        Some((
            Box::new(Private {
                curve: self,
                private,
            }),
            public,
        ))
    }
}

impl KeyExchange for Curve {
    fn spec(&self) -> &KeSpec {
        &self.spec
    }

    fn start(&'static self, random: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>) {
        let mut private = Zeroizing::new(vec![0; self.spec.shared_len]);
        loop {
            random.fill(&mut private);
            private[0] &= self.top_mask;
            // Refused about once in 2^32 draws, on P-256: then draw again (NIST SP 800-56A 5.6.1.2.2).
            if let Some(started) = self.begin(&private) {
                return started;
            }
        }
    }

    fn dangerous_start_with(
        &'static self,
        private: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError> {
        self.begin(private).ok_or(KeError::BadPrivate(self.spec.id))
    }
}

struct Private {
    curve: &'static Curve,
    private: PrivateKey,
}

impl Ephemeral for Private {
    fn finish(&self, peer_public: &[u8]) -> Result<Secret, KeError> {
        let Curve {
            spec,
            algorithm,
            prefix,
            ..
        } = self.curve;
        spec.check_responder(peer_public)?;
        let encoded = [prefix, peer_public].concat();
        let peer = UnparsedPublicKey::new(algorithm, encoded);
        // The library refuses points off the curve, and for Curve25519 the all-zero result of a point of small
        // order; every 32 octets are a Curve25519 public value, so nothing else can be refused there.
        let refused = if prefix.is_empty() {
            KeError::ZeroSecret(spec.id)
        } else {
            KeError::InvalidPublic(spec.id)
        };
        agreement::agree(&self.private, peer, refused, |shared| {
            Ok(Secret::new(shared.to_vec()))
        })
    }
}
