//! What can go wrong, in the words of the caller's next step.

use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

/// A transform, or a combination of transforms, that this provider cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The encryption algorithm is not in the registry.
    #[error("{0} is not implemented")]
    Encr(EncrId),
    /// The Key Length attribute is missing, superfluous, or has a value the algorithm does not take
    /// (RFC 7296 3.3.5).
    #[error("{encr} does not take a key length of {bits:?} bits")]
    KeyBits {
        /// The encryption algorithm.
        encr: EncrId,
        /// The attribute's value in bits, `None` when it was absent.
        bits: Option<u16>,
    },
    /// The pseudo-random function is not in the registry.
    #[error("{0} is not implemented")]
    Prf(PrfId),
    /// The integrity algorithm is not in the registry.
    #[error("{0} is not implemented")]
    Integ(IntegId),
    /// The key exchange method is not in the registry.
    #[error("{0} is not implemented")]
    Ke(KeMethod),
    /// The cipher does not authenticate by itself, and no integrity algorithm came with it (RFC 7296 3.3.3).
    #[error("{0} needs an integrity algorithm beside it")]
    IntegMissing(EncrId),
    /// The cipher authenticates by itself, and an integrity algorithm came with it (RFC 5282 8).
    #[error("{encr} authenticates by itself and cannot be combined with {integ}")]
    IntegSuperfluous {
        /// The combined-mode cipher.
        encr: EncrId,
        /// The integrity algorithm that came with it.
        integ: IntegId,
    },
    /// The cipher does not encrypt, so it cannot protect IKE messages.
    #[error("{0} gives no confidentiality and cannot protect an IKE SA")]
    NotForIke(EncrId),
}

/// Key octets that do not fit the algorithm; a mistake of our own code, never of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm takes {expected} key octets, {got} given")]
pub struct BadKey {
    /// Octets that the algorithm takes.
    pub expected: usize,
    /// Octets that were given.
    pub got: usize,
}

/// Why a packet could not be sealed; a mistake of our own code, never of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The buffer leaves no room for IV and ICV, or the body is not a whole number of blocks.
    #[error("the buffer does not have the layout header | IV | whole blocks | ICV")]
    Layout,
    /// The message would not fit the length field that describes it.
    #[error("the message is too long")]
    TooLong,
    /// The per-key limit of the cipher is exhausted: the SA must be rekeyed.
    #[error("no unused IV is left under this key")]
    IvExhausted,
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to seal")]
    Library,
}

/// Why a received packet could not be opened. Each variant deserves its own drop counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short to hold header, IV, ICV and, for IKE, the Pad Length octet.
    #[error("protected packet of {have} octets, at least {need} needed")]
    TooShort {
        /// Octets needed at least.
        need: usize,
        /// Octets present.
        have: usize,
    },
    /// The ciphertext is not a whole number of blocks.
    #[error("ciphertext of {len} octets is not a multiple of the block size {block}")]
    Misaligned {
        /// Length of the ciphertext in octets.
        len: usize,
        /// Block size in octets.
        block: usize,
    },
    /// The integrity check value is wrong: another key, another sender, or a changed packet.
    #[error("the integrity check failed")]
    BadIcv,
    /// The integrity is right but Pad Length exceeds the decrypted octets (IKE only; RFC 7296 3.14).
    #[error("pad length {pad_len} exceeds the {len} decrypted octets")]
    BadPadding {
        /// The Pad Length octet.
        pad_len: u8,
        /// Decrypted octets in front of it.
        len: usize,
    },
}

/// Why a key exchange failed. Except for `BadPrivate`, the peer's public value is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeError {
    /// The public value does not have the length the method prescribes (RFC 7296 3.4).
    #[error("{method} public value of {got} octets, {expected} expected")]
    WrongLength {
        /// The method.
        method: KeMethod,
        /// Octets expected.
        expected: usize,
        /// Octets received.
        got: usize,
    },
    /// The public value is outside the group: not in 2..=p-2 (RFC 6989 2.1) or not on the curve (2.3).
    #[error("{0} public value is not an element of the group")]
    InvalidPublic(KeMethod),
    /// The shared secret came out as all zeros (RFC 8031 5): a public value of small order.
    #[error("{0} gives an all-zero shared secret")]
    ZeroSecret(KeMethod),
    /// The injected private value is not one the method allows.
    #[error("{0} private value is out of range")]
    BadPrivate(KeMethod),
}
