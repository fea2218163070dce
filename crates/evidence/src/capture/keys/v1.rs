//! Opens IKEv1 (RFC 2409 appendix B): one key for both directions, and initialisation vectors that follow from what was
//! sent before.
//!
//! Phase 1 begins with a hash of both public values and goes on with the last block of ciphertext; every exchange of
//! phase 2 begins with a hash of phase 1's last block and its message ID. A capture that lacks what came before can't
//! tell the vector, but a wrong one spoils only the first block: in phase 2 that lies within the HASH payload, so what
//! follows can be read all the same. No integrity value says whether a key fits; that payloads hold together does.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use adit_crypto::{CipherKey, EncrKey, Provider, V1Hash};
use adit_wire::iana::{EncrId, PayloadType};
use adit_wire::v1::{V1Content, V1Message, V1Payload};
use adit_wire::v2::{AttributeValue, Header};
use zeroize::Zeroizing;

use super::V1Keys;

/// IKE SAs kept.
const MOST_SAS: usize = 4096;
/// Exchanges, messages and blocks of phase 1 kept of one.
const MOST_OF_ONE: usize = 4096;
/// Blocks of phase 1 that an exchange may follow from: an error may cross a message.
const MOST_ENDS: usize = 8;
/// Octets of the longest public value that is kept; that of group 18 has 1024.
const MOST_PUBLIC: usize = 2048;
/// Octets that may follow the last payload.
const MOST_PADDING: usize = 64;

const KE: u8 = 4;
const HASH: u8 = 8;

/// What is known of one IKE SA.
#[derive(Default)]
struct Sa {
    /// Both public values, the initiator's first.
    public: Vec<Vec<u8>>,
    cipher: Option<u16>,
    hash: Option<V1Hash>,
    key: Option<Key>,
    /// Last blocks of phase 1's encrypted messages.
    ends: Vec<Vec<u8>>,
    /// Vector of an exchange's next message.
    next: BTreeMap<u32, Vec<u8>>,
    /// Vector of a message that was seen, for when it comes again.
    seen: BTreeMap<u64, Option<Vec<u8>>>,
}

struct Key {
    cipher: Box<dyn CipherKey>,
    block: usize,
}

/// Opens messages of IKEv1.
#[derive(Default)]
pub(super) struct Opener {
    sas: BTreeMap<u64, Sa>,
    /// Encrypted messages of further IKE SAs, which stay closed.
    pub(super) left_closed: u64,
}

/// What was inside of a message.
pub(super) struct Plain {
    /// Its first payload.
    pub(super) first: PayloadType,
    /// Payloads, without padding. When the vector isn't known they begin behind the HASH payload.
    pub(super) octets: Zeroizing<Vec<u8>>,
    /// The HASH payload couldn't be read.
    pub(super) hash_lost: bool,
}

impl Opener {
    /// Takes in a message in clear: public values, and the algorithms that were chosen.
    pub(super) fn clear(&mut self, datagram: &[u8]) {
        let Ok(message) = V1Message::parse(datagram) else {
            return;
        };
        let V1Content::Clear(payloads) = &message.content else {
            return;
        };
        let Some(sa) = self.sa(message.header.spi_i.0) else {
            return;
        };
        for payload in payloads {
            match payload {
                V1Payload::Other { kind, body }
                    if kind.0 == KE
                        && body.len() <= MOST_PUBLIC
                        && sa.public.len() < 2
                        && !sa.public.contains(body) =>
                {
                    sa.public.push(body.clone());
                }
                // What the responder answers, or the only one that is offered.
                V1Payload::Sa(offer) => {
                    let mut transforms = offer.proposals.iter().flat_map(|p| &p.transforms);
                    if let (Some(only), None) = (transforms.next(), transforms.next()) {
                        let value = |kind| {
                            only.attributes
                                .iter()
                                .find_map(|a| match (a.kind == kind, &a.value) {
                                    (true, AttributeValue::Short(v)) => Some(*v),
                                    _ => None,
                                })
                        };
                        sa.cipher = value(1);
                        sa.hash = value(2).and_then(V1Hash::of);
                    }
                }
                _ => {}
            }
        }
    }

    fn sa(&mut self, cookie: u64) -> Option<&mut Sa> {
        if self.sas.len() >= MOST_SAS && !self.sas.contains_key(&cookie) {
            return None;
        }
        Some(self.sas.entry(cookie).or_default())
    }

    /// Opens an encrypted message.
    pub(super) fn open(
        &mut self,
        datagram: &[u8],
        keys: &[V1Keys],
        provider: &Provider,
    ) -> Option<Plain> {
        let header = Header::parse(datagram).ok()?;
        let body = datagram.get(Header::LEN..)?;
        let cookie = header.spi_i.0;
        let Some(sa) = self.sa(cookie) else {
            self.left_closed = self.left_closed.saturating_add(1);
            return None;
        };
        let mut hasher = DefaultHasher::new();
        hasher.write(datagram);
        let same = hasher.finish();
        if let Some(vector) = sa.seen.get(&same) {
            let vector = vector.clone();
            return sa.key.as_ref()?.read(&header, body, vector.as_deref());
        }
        if sa.key.is_none() {
            let fitting = keys
                .iter()
                .filter(|k| k.cookie.is_none_or(|c| c == cookie))
                .flat_map(|k| ciphers(k, sa.cipher, provider))
                .find(|key| sa.read(key, &header, body).is_some());
            sa.key = fitting;
        }
        let key = sa.key.take()?;
        let read = sa.read(&key, &header, body);
        let block = key.block;
        sa.key = Some(key);
        let end = body
            .len()
            .checked_sub(block)
            .and_then(|at| body.get(at..))?
            .to_vec();
        if header.message_id == 0 {
            if sa.ends.len() < MOST_OF_ONE {
                sa.ends.push(end);
            }
        } else if sa.next.len() < MOST_OF_ONE || sa.next.contains_key(&header.message_id) {
            sa.next.insert(header.message_id, end);
        }
        let (plain, vector) = read?;
        if sa.seen.len() < MOST_OF_ONE {
            sa.seen.insert(same, vector);
        }
        Some(plain)
    }
}

impl Sa {
    /// What a message says under a key, and the vector with which it does.
    fn read(&self, key: &Key, header: &Header, body: &[u8]) -> Option<(Plain, Option<Vec<u8>>)> {
        let vectors = self.vectors(header.message_id, key.block);
        let with_vector = vectors.into_iter().find_map(|vector| {
            key.read(header, body, Some(&vector))
                .map(|plain| (plain, Some(vector)))
        });
        with_vector.or_else(|| key.read(header, body, None).map(|plain| (plain, None)))
    }

    /// The vectors that a message may begin with, the likeliest first.
    fn vectors(&self, message_id: u32, block: usize) -> Vec<Vec<u8>> {
        let hashes: Vec<V1Hash> = match self.hash {
            Some(hash) => vec![hash],
            None => V1Hash::ALL.to_vec(),
        };
        let cut = |mut octets: Vec<u8>| {
            octets.truncate(block);
            octets
        };
        let first: Vec<Vec<u8>> = match self.public.as_slice() {
            [i, r] => hashes
                .iter()
                .map(|h| cut(h.compute(&[i.as_slice(), r.as_slice()])))
                .collect(),
            _ => Vec::new(),
        };
        let ends = self.ends.iter().rev().take(MOST_ENDS).cloned();
        let phase_1 = ends.chain(first);
        if message_id == 0 {
            return phase_1.collect();
        }
        let begins = phase_1.flat_map(|end| {
            let id = message_id.to_be_bytes();
            hashes
                .iter()
                .map(|h| cut(h.compute(&[&end, &id])))
                .collect::<Vec<_>>()
        });
        self.next
            .get(&message_id)
            .cloned()
            .into_iter()
            .chain(begins)
            .collect()
    }
}

impl Key {
    fn read(&self, header: &Header, body: &[u8], vector: Option<&[u8]>) -> Option<Plain> {
        if body.is_empty() || !body.len().is_multiple_of(self.block) {
            return None;
        }
        let zero = [0; 16];
        let iv = vector
            .or(zero.get(..self.block))
            .filter(|v| v.len() == self.block)?;
        let mut octets = Zeroizing::new(body.to_vec());
        self.cipher.decrypt(iv, &mut octets);
        if vector.is_some() {
            let length = chain(header.next_payload.0, &octets)?;
            octets.truncate(length);
            return Some(Plain {
                first: header.next_payload,
                octets,
                hash_lost: false,
            });
        }
        if header.next_payload.0 != HASH || header.message_id == 0 {
            return None;
        }
        // What may follow the hash: SA, a notify, a delete, attributes.
        const BEHIND: [u8; 4] = [1, 11, 12, 14];
        V1Hash::ALL.iter().find_map(|hash| {
            let rest = octets.get(4 + hash.length()..)?;
            let (first, length) = BEHIND
                .into_iter()
                .find_map(|first| Some((first, chain(first, rest)?)))?;
            Some(Plain {
                first: PayloadType(first),
                octets: Zeroizing::new(rest.get(..length)?.to_vec()),
                hash_lost: true,
            })
        })
    }
}

/// Octets of payloads that follow each other, up to padding; `None` when they don't.
fn chain(first: u8, octets: &[u8]) -> Option<usize> {
    let (mut kind, mut rest) = (first, octets);
    let mut payloads = 0;
    while kind != 0 {
        let &[next, reserved, high, low, ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let known = matches!(next, 0..=21 | 128..=140);
        match rest.get(length..) {
            Some(after) if length >= 4 && reserved == 0 && known => rest = after,
            _ => return None,
        }
        kind = next;
        payloads += 1;
    }
    (payloads > 0 && rest.len() <= MOST_PADDING).then(|| octets.len() - rest.len())
}

/// The ciphers that a key may be for: the one that was agreed on, or those of its length.
fn ciphers(keys: &V1Keys, agreed: Option<u16>, provider: &Provider) -> Vec<Key> {
    const DES: u16 = 1;
    const TRIPLE_DES: u16 = 5;
    const AES: u16 = 7;
    let key = keys.key.expose();
    let possible: &[u16] = match (agreed, key.len()) {
        (Some(DES), _) | (None, 8) => &[DES],
        (Some(TRIPLE_DES), _) => &[TRIPLE_DES],
        (Some(AES), _) => &[AES],
        (None, 24) => &[AES, TRIPLE_DES],
        (None, _) => &[AES],
        // Blowfish, CAST, IDEA, RC5 and Camellia aren't carried.
        (Some(_), _) => &[],
    };
    possible
        .iter()
        .filter_map(|cipher| {
            // Triple DES under one key three times is DES.
            let thrice = Zeroizing::new(key.repeat(3));
            let (id, key, block) = match *cipher {
                DES => (EncrId::ENCR_3DES, thrice.as_slice(), 8),
                TRIPLE_DES => (EncrId::ENCR_3DES, key, 8),
                _ => (EncrId::ENCR_AES_CBC, key, 16),
            };
            match provider.encr(id).ok()?.key(key).ok()? {
                EncrKey::Cipher(cipher) => Some(Key { cipher, block }),
                EncrKey::Aead(_) => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_closed_for_want_of_room_is_counted() {
        let mut opener = Opener::default();
        for cookie in 0..MOST_SAS as u64 {
            assert!(opener.sa(cookie).is_some());
        }
        let mut datagram = [0; Header::LEN + 16];
        datagram[7] = 1;
        datagram[17] = 0x10;
        datagram[27] = datagram.len() as u8;
        let provider = adit_crypto::provider::aws_lc();
        assert!(opener.open(&datagram, &[], &provider).is_none());
        assert_eq!(opener.left_closed, 0, "an SA that is kept");
        datagram[0] = 0xff;
        assert!(opener.open(&datagram, &[], &provider).is_none());
        assert_eq!(opener.left_closed, 1);
    }
}
