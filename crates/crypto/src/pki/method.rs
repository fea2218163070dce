//! How something is signed, and the AlgorithmIdentifiers that say so: in certificates (RFC 5280 4.1.1.2) and in front of
//! the signature of an AUTH payload (RFC 7427 3).

use core::fmt;

use super::der::{
    self, INTEGER, NULL, OBJECT_IDENTIFIER, Read, Reader, SEQUENCE, context, small, write,
};

/// A hash under a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// Broken (RFC 6194); taken where a policy says so.
    Sha1,
    /// SHA2-256.
    Sha256,
    /// SHA2-384.
    Sha384,
    /// SHA2-512.
    Sha512,
}

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureMethod {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 8.2).
    RsaPkcs1(Hash),
    /// RSASSA-PSS (RFC 8017 8.1) with MGF1 over the same hash and a salt of its length.
    RsaPss(Hash),
    /// ECDSA, with the signature as a SEQUENCE of two numbers.
    Ecdsa(Hash),
    /// Ed25519 (RFC 8032).
    Ed25519,
}

const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];

/// Encoded object identifiers of what has no parameters of its own.
const PLAIN: &[(&[u8], SignatureMethod)] = &[
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        SignatureMethod::RsaPkcs1(Hash::Sha1),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        SignatureMethod::RsaPkcs1(Hash::Sha256),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        SignatureMethod::RsaPkcs1(Hash::Sha384),
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        SignatureMethod::RsaPkcs1(Hash::Sha512),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        SignatureMethod::Ecdsa(Hash::Sha1),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        SignatureMethod::Ecdsa(Hash::Sha256),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        SignatureMethod::Ecdsa(Hash::Sha384),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        SignatureMethod::Ecdsa(Hash::Sha512),
    ),
    (&[0x2b, 0x65, 0x70], SignatureMethod::Ed25519),
];

/// Encoded object identifiers of the hashes.
const HASHES: &[(&[u8], Hash)] = &[
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1a], Hash::Sha1),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        Hash::Sha256,
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        Hash::Sha384,
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        Hash::Sha512,
    ),
];

/// Why an AlgorithmIdentifier isn't one of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMethod {
    /// It can't be read.
    #[error("the algorithm's identifier can't be read: {0}")]
    Unreadable(&'static str),
    /// The algorithm isn't known here.
    #[error("the signature algorithm {0} isn't known here")]
    Unknown(String),
    /// RSASSA-PSS with other parameters than one hash for all and a salt of its length.
    #[error("RSASSA-PSS with {0}")]
    PssParameters(String),
}

impl Hash {
    /// Its length in octets.
    #[must_use]
    pub fn octets(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Its number in SIGNATURE_HASH_ALGORITHMS (RFC 7427 7).
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Hash::Sha1 => 1,
            Hash::Sha256 => 2,
            Hash::Sha384 => 3,
            Hash::Sha512 => 4,
        }
    }

    fn identifier(self) -> Vec<u8> {
        let oid = HASHES.iter().find(|(_, h)| *h == self).map(|(o, _)| *o);
        let oid = write(OBJECT_IDENTIFIER, oid.unwrap_or_default());
        write(SEQUENCE, &[oid, write(NULL, &[])].concat())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Hash::Sha1 => "SHA-1",
            Hash::Sha256 => "SHA2-256",
            Hash::Sha384 => "SHA2-384",
            Hash::Sha512 => "SHA2-512",
        })
    }
}

impl fmt::Display for SignatureMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignatureMethod::RsaPkcs1(hash) => write!(f, "RSA PKCS#1 with {hash}"),
            SignatureMethod::RsaPss(hash) => write!(f, "RSA PSS with {hash}"),
            SignatureMethod::Ecdsa(hash) => write!(f, "ECDSA with {hash}"),
            SignatureMethod::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

impl SignatureMethod {
    /// The hash; `None` for Ed25519, which signs the message itself ("Identity", RFC 8420).
    #[must_use]
    pub fn hash(self) -> Option<Hash> {
        match self {
            SignatureMethod::RsaPkcs1(h)
            | SignatureMethod::RsaPss(h)
            | SignatureMethod::Ecdsa(h) => Some(h),
            SignatureMethod::Ed25519 => None,
        }
    }

    /// The number that a peer must have listed in SIGNATURE_HASH_ALGORITHMS (RFC 7427 4, RFC 8420 2).
    #[must_use]
    pub fn hash_number(self) -> u16 {
        const IDENTITY: u16 = 5;
        self.hash().map_or(IDENTITY, Hash::number)
    }

    /// Its AlgorithmIdentifier.
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        let body = match self {
            SignatureMethod::RsaPss(hash) => {
                let mgf = [write(OBJECT_IDENTIFIER, MGF1), hash.identifier()].concat();
                let salt = write(INTEGER, &[u8::try_from(hash.octets()).unwrap_or(0)]);
                let parameters = [
                    write(context(0), &hash.identifier()),
                    write(context(1), &write(SEQUENCE, &mgf)),
                    write(context(2), &salt),
                ];
                [
                    write(OBJECT_IDENTIFIER, RSA_PSS),
                    write(SEQUENCE, &parameters.concat()),
                ]
                .concat()
            }
            plain => {
                let oid = PLAIN.iter().find(|(_, m)| *m == plain).map(|(o, _)| *o);
                let mut body = write(OBJECT_IDENTIFIER, oid.unwrap_or_default());
                if matches!(plain, SignatureMethod::RsaPkcs1(_)) {
                    body.extend(write(NULL, &[]));
                }
                body
            }
        };
        write(SEQUENCE, &body)
    }

    /// Reads an AlgorithmIdentifier with nothing behind it.
    ///
    /// # Errors
    /// [`NoMethod`].
    pub fn from_der(octets: &[u8]) -> Result<Self, NoMethod> {
        let unreadable = NoMethod::Unreadable;
        let mut body = Reader::only(octets, SEQUENCE, "it is no sequence").map_err(unreadable)?;
        let oid = body
            .content(OBJECT_IDENTIFIER, "it has no object identifier")
            .map_err(unreadable)?;
        if oid == RSA_PSS {
            let parameters = body
                .enter(SEQUENCE, "RSASSA-PSS without parameters")
                .and_then(|p| body.end("something follows the parameters").map(|()| p))
                .map_err(unreadable)?;
            return pss(parameters);
        }
        let Some((_, method)) = PLAIN.iter().find(|(o, _)| *o == oid) else {
            let text = adit_model::dn::dotted(oid);
            return Err(text.map_or(unreadable("its object identifier"), NoMethod::Unknown));
        };
        // NULL belongs behind those of RSA; some leave it out there, and put it elsewhere.
        if let Some(null) = body.optional(NULL)
            && !null.content.is_empty()
        {
            return Err(unreadable("its parameters"));
        }
        body.end("it has parameters").map_err(unreadable)?;
        Ok(*method)
    }
}

/// RFC 4055 3.1, with its defaults.
fn pss(mut parameters: Reader<'_>) -> Result<SignatureMethod, NoMethod> {
    let read = |parameters: &mut Reader<'_>| -> Read<(Option<Hash>, Option<Hash>, u32, u32)> {
        let hash = match parameters.optional(context(0)) {
            Some(e) => hash_from(e.content)?,
            None => Some(Hash::Sha1),
        };
        let mgf = match parameters.optional(context(1)) {
            Some(e) => {
                let mut mgf = Reader::only(e.content, SEQUENCE, "the mask generation")?;
                let oid = mgf.content(OBJECT_IDENTIFIER, "the mask generation")?;
                let over = mgf.any("the mask generation's hash")?;
                mgf.end("the mask generation")?;
                hash_from(over.whole)?.filter(|_| oid == MGF1)
            }
            None => Some(Hash::Sha1),
        };
        let mut number = |tag: u8, default: u32, what: &'static str| -> Read<u32> {
            let Some(e) = parameters.optional(context(tag)) else {
                return Ok(default);
            };
            let content = der::content(e.content, INTEGER).ok_or(what)?;
            small(content).ok_or(what)
        };
        let salt = number(2, 20, "the salt's length")?;
        let trailer = number(3, 1, "the trailer")?;
        parameters.end("something follows the parameters")?;
        Ok((hash, mgf, salt, trailer))
    };
    let (hash, mgf, salt, trailer) = read(&mut parameters).map_err(NoMethod::Unreadable)?;
    let odd = |what: String| Err(NoMethod::PssParameters(what));
    let Some(hash) = hash else {
        return odd("a hash that isn't known here".to_owned());
    };
    if mgf != Some(hash) {
        return odd(format!("{hash}, and another function for the mask"));
    }
    if usize::try_from(salt) != Ok(hash.octets()) {
        return odd(format!("{hash} and a salt of {salt} octets"));
    }
    if trailer != 1 {
        return odd(format!("trailer {trailer}"));
    }
    Ok(SignatureMethod::RsaPss(hash))
}

fn hash_from(octets: &[u8]) -> Read<Option<Hash>> {
    let mut body = Reader::only(octets, SEQUENCE, "the hash")?;
    let oid = body.content(OBJECT_IDENTIFIER, "the hash")?;
    if let Some(null) = body.optional(NULL)
        && !null.content.is_empty()
    {
        return Err("the hash's parameters");
    }
    body.end("the hash's parameters")?;
    Ok(HASHES.iter().find(|(o, _)| *o == oid).map(|(_, h)| *h))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        (0..digits.len() / 2)
            .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    /// RFC 7427 appendix A, RFC 8420 appendix A.
    #[test]
    fn identifiers_are_those_of_the_rfc() {
        for (text, method) in [
            (
                "300d 0609 2a86 4886 f70d 0101 0505 00",
                SignatureMethod::RsaPkcs1(Hash::Sha1),
            ),
            (
                "300d 0609 2a86 4886 f70d 0101 0b05 00",
                SignatureMethod::RsaPkcs1(Hash::Sha256),
            ),
            (
                "300d 0609 2a86 4886 f70d 0101 0c05 00",
                SignatureMethod::RsaPkcs1(Hash::Sha384),
            ),
            (
                "300d 0609 2a86 4886 f70d 0101 0d05 00",
                SignatureMethod::RsaPkcs1(Hash::Sha512),
            ),
            (
                "3009 0607 2a86 48ce 3d04 01",
                SignatureMethod::Ecdsa(Hash::Sha1),
            ),
            (
                "300a 0608 2a86 48ce 3d04 0302",
                SignatureMethod::Ecdsa(Hash::Sha256),
            ),
            (
                "300a 0608 2a86 48ce 3d04 0303",
                SignatureMethod::Ecdsa(Hash::Sha384),
            ),
            (
                "300a 0608 2a86 48ce 3d04 0304",
                SignatureMethod::Ecdsa(Hash::Sha512),
            ),
            ("3005 0603 2b65 70", SignatureMethod::Ed25519),
        ] {
            assert_eq!(SignatureMethod::from_der(&hex(text)), Ok(method));
            assert_eq!(method.to_der(), hex(text));
        }
    }

    #[test]
    fn pss_needs_one_hash_and_a_salt_of_its_length() {
        // RFC 7427 A.4.3: with the default trailer written out, which we leave out.
        let rfc = hex(
            "3046 0609 2a86 4886 f70d 0101 0a30 39a0 0f30 0d06 0960 8648 0165 0304 \
             0201 0500 a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 \
             0500 a203 0201 20a3 0302 0101",
        );
        let pss = SignatureMethod::RsaPss(Hash::Sha256);
        assert_eq!(SignatureMethod::from_der(&rfc), Ok(pss));
        // A.4.1 and A.4.2: the defaults are SHA-1's.
        let sha1 = SignatureMethod::RsaPss(Hash::Sha1);
        let empty = hex("300d 0609 2a86 4886 f70d 0101 0a30 00");
        assert_eq!(SignatureMethod::from_der(&empty), Ok(sha1));
        let written = hex(
            "303e 0609 2a86 4886 f70d 0101 0a30 31a0 0b30 0906 052b 0e03 021a \
             0500 a118 3016 0609 2a86 4886 f70d 0101 0830 0906 052b 0e03 021a 0500 a203 0201 \
             14a3 0302 0101",
        );
        assert_eq!(SignatureMethod::from_der(&written), Ok(sha1));
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let method = SignatureMethod::RsaPss(hash);
            assert_eq!(SignatureMethod::from_der(&method.to_der()), Ok(method));
        }
        let at = |octet: usize, value: u8| {
            let mut changed = rfc.clone();
            changed[octet] = value;
            SignatureMethod::from_der(&changed)
        };
        assert!(matches!(at(66, 21), Err(NoMethod::PssParameters(_))));
        assert!(matches!(at(59, 2), Err(NoMethod::PssParameters(_))));
        assert!(matches!(at(71, 2), Err(NoMethod::PssParameters(_))));
        for cut in 0..rfc.len() {
            assert!(SignatureMethod::from_der(&rfc[..cut]).is_err());
        }
    }

    #[test]
    fn another_algorithm_is_named() {
        let dsa = hex("300b 0609 6086 4801 6503 0403 02");
        let unknown = NoMethod::Unknown("2.16.840.1.101.3.4.3.2".to_owned());
        assert_eq!(SignatureMethod::from_der(&dsa), Err(unknown));
    }
}
