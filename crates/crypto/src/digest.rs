//! Bare hashes, for what older protocols do with them.

use aws_lc_rs::digest;

use crate::aws_lc::md5;

/// SHA-1 over the concatenation of `parts`: what NAT detection hashes addresses with (RFC 7296 2.23). It hides
/// nothing and proves nothing, so the hash's age doesn't matter there, nor where it names keys (RFC 7296 3.7). Signatures
/// over it are made and taken only where a configuration says so.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 20];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}

/// The hash that an IKEv1 SA agrees on (RFC 2409 appendix A). It names addresses in NAT detection (RFC 3947 3.2) and
/// begins the chain of initialisation vectors (RFC 2409 appendix B): enough to read captures, and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum V1Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA2-256.
    Sha2_256,
    /// SHA2-384.
    Sha2_384,
    /// SHA2-512.
    Sha2_512,
}

impl V1Hash {
    /// All of them, the most common first.
    pub const ALL: [Self; 5] = [
        Self::Sha2_256,
        Self::Sha1,
        Self::Md5,
        Self::Sha2_384,
        Self::Sha2_512,
    ];

    /// By its number in IKEv1's attribute.
    #[must_use]
    pub const fn of(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Md5,
            2 => Self::Sha1,
            4 => Self::Sha2_256,
            5 => Self::Sha2_384,
            6 => Self::Sha2_512,
            _ => return None,
        })
    }

    /// Octets of its value.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha2_256 => 32,
            Self::Sha2_384 => 48,
            Self::Sha2_512 => 64,
        }
    }

    /// The hash over the concatenation of `parts`.
    #[must_use]
    pub fn compute(self, parts: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => return md5(&parts.concat()).to_vec(),
            Self::Sha1 => return sha1(parts).to_vec(),
            Self::Sha2_256 => &digest::SHA256,
            Self::Sha2_384 => &digest::SHA384,
            Self::Sha2_512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(algorithm);
        parts.iter().for_each(|part| context.update(part));
        context.finish().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fips_180_example() {
        let expected = [
            0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
            0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d,
        ];
        assert_eq!(sha1(&[b"a", b"bc"]), expected);
    }

    /// RFC 1321 A.5, and each one's length.
    #[test]
    fn hashes_of_ikev1() {
        let expected = [
            0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1,
            0x7f, 0x72,
        ];
        assert_eq!(V1Hash::Md5.compute(&[b"a", b"", b"bc"]), expected);
        for hash in V1Hash::ALL {
            assert_eq!(hash.compute(&[b"abc"]).len(), hash.length());
        }
        assert_eq!(V1Hash::of(3), None, "Tiger isn't carried");
    }
}
