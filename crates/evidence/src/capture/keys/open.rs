//! Opens what was captured with the keys that fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_crypto::provider::aws_lc;
use adit_crypto::{EspCipher, Provider, SkCipher};
use adit_model::proposal::Proposal;
use adit_wire::esp::EspTrailer;
use adit_wire::iana::{EncrId, IntegId, PayloadType, PrfId};
use adit_wire::ip::IpPacket;
use adit_wire::v2::{Encrypted, Header, Message as V2, PayloadList};
use zeroize::Zeroizing;

use super::super::message::Message;
use super::super::traffic::protocol_name;
use super::{Algorithms, Direction, EspKeys, IkeKeys, Keys, inside, v1};

/// ESP packets of one SA that are opened; the rest is only counted.
const MOST_OPENED: u64 = 10_000;
/// ESP packets of an SA whose key isn't known that all keys are tried on.
const MOST_TRIED: u64 = 4;
/// SPIs kept; packets of others stay closed.
const MOST_SPIS: usize = 65_536;
/// Fragments of messages kept until all are there.
const MOST_FRAGMENTS: usize = 4096;

/// What keys open.
pub(crate) struct Opener {
    keys: Arc<Keys>,
    provider: Provider,
    v1: v1::Opener,
    /// The keys and algorithms that fitted an IKE SA, by the initiator's SPI.
    fits: BTreeMap<u64, (usize, Algorithms)>,
    esp: BTreeMap<u32, Esp>,
    fragments: BTreeMap<Fragmented, BTreeMap<u16, Zeroizing<Vec<u8>>>>,
}

/// A fragmented message, of which the plaintext of fragments is kept: initiator's SPI, message ID, response, from the
/// initiator.
type Fragmented = (u64, u32, bool, bool);

#[derive(Default)]
struct Esp {
    cipher: Option<EspCipher>,
    seen: u64,
}

impl core::fmt::Debug for Opener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.keys.fmt(f)
    }
}

impl Opener {
    pub(in crate::capture) fn new(keys: Arc<Keys>) -> Self {
        Self {
            keys,
            provider: aws_lc(),
            v1: v1::Opener::default(),
            fits: BTreeMap::new(),
            esp: BTreeMap::new(),
            fragments: BTreeMap::new(),
        }
    }

    /// How many encrypted messages of IKEv1 stayed closed because there were too many IKE SAs.
    pub(in crate::capture) fn left_closed(&self) -> u64 {
        self.v1.left_closed
    }

    /// Takes in a message of IKEv1, and puts what is inside of an encrypted one into `message`.
    pub(in crate::capture) fn ike_v1(&mut self, datagram: &[u8], message: &mut Message) {
        if self.keys.v1.is_empty() {
            return;
        }
        if !message.encrypted {
            return self.v1.clear(datagram);
        }
        if let Some(plain) = self.v1.open(datagram, &self.keys.v1, &self.provider)
            && let Ok(header) = Header::parse(datagram)
        {
            inside::v1(message, &header, &plain);
        }
    }

    /// Opens an encrypted message of IKEv2, and puts what is inside into `message`. `chosen` is the proposal that its
    /// IKE SA agreed on.
    pub(in crate::capture) fn ike(
        &mut self,
        datagram: &[u8],
        message: &mut Message,
        chosen: Option<&Proposal>,
    ) {
        let Ok(parsed) = V2::parse(datagram) else {
            return;
        };
        let Some(encrypted) = parsed.encrypted else {
            return;
        };
        let from_initiator = parsed.header.flags.initiator;
        let Some(plain) = self.plain(datagram, &encrypted, message, from_initiator, chosen) else {
            return;
        };
        let whole = match encrypted.fragment() {
            None => Some((encrypted.first_inner(), plain)),
            Some(fragment) => {
                let key = (
                    message.spi_initiator,
                    message.message_id,
                    message.response == Some(true),
                    from_initiator,
                );
                if self.fragments.len() >= MOST_FRAGMENTS {
                    self.fragments.clear();
                }
                let parts = self.fragments.entry(key).or_default();
                // The first fragment tells what comes first inside.
                let first = if fragment.number == 1 {
                    Zeroizing::new([&[encrypted.first_inner().0], plain.as_slice()].concat())
                } else {
                    plain
                };
                parts.insert(fragment.number, first);
                let complete = (1..=fragment.total).all(|n| parts.contains_key(&n));
                // As long as it gets: a vector that grows leaves copies behind.
                let length = parts.values().map(|part| part.len()).sum();
                let mut joined = Zeroizing::new(Vec::new());
                if complete {
                    joined.reserve_exact(length);
                    for part in parts.values() {
                        joined.extend_from_slice(part);
                    }
                    self.fragments.remove(&key);
                }
                joined
                    .split_first()
                    .map(|(first, rest)| (PayloadType(*first), Zeroizing::new(rest.to_vec())))
            }
        };
        if let Some((first, plain)) = whole
            && let Ok(list) = PayloadList::parse(first, &plain)
        {
            inside::v2(message, &list);
        }
    }

    fn plain(
        &mut self,
        datagram: &[u8],
        encrypted: &Encrypted,
        message: &Message,
        from_initiator: bool,
        chosen: Option<&Proposal>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let at = encrypted.body().start;
        let open = |keys: &IkeKeys, algorithms: Algorithms, provider: &Provider| {
            let (encr, bits, integ) = algorithms;
            // The PRF plays no part in opening.
            let suite = provider
                .ike_suite(encr, bits, integ, PrfId::PRF_HMAC_SHA2_256)
                .ok()?;
            let own = if from_initiator {
                &keys.initiator
            } else {
                &keys.responder
            };
            let (e, a) = (own.encryption.expose(), own.integrity.expose());
            let cipher = SkCipher::new(&suite.protection, e, a).ok()?;
            let mut buffer = Zeroizing::new(datagram.to_vec());
            let range = cipher.open(&mut buffer, at).ok()?;
            buffer
                .get(range)
                .map(|plain| Zeroizing::new(plain.to_vec()))
        };
        if let Some((index, algorithms)) = self.fits.get(&message.spi_initiator) {
            return open(self.keys.ike.get(*index)?, *algorithms, &self.provider);
        }
        for (index, keys) in self.keys.ike.iter().enumerate() {
            let other = keys
                .spis
                .is_some_and(|(i, r)| (i, r) != (message.spi_initiator, message.spi_responder));
            if other {
                continue;
            }
            let own = if from_initiator {
                &keys.initiator
            } else {
                &keys.responder
            };
            let named = keys.algorithms.into_iter();
            let agreed = chosen.and_then(|p| {
                let encr = p.encr.first()?;
                Some((encr.id, encr.key_bits, p.integ.first().copied()))
            });
            let tried = named.chain(agreed).chain(by_length(own));
            for algorithms in tried {
                if let Some(plain) = open(keys, algorithms, &self.provider) {
                    self.fits.insert(message.spi_initiator, (index, algorithms));
                    return Some(plain);
                }
            }
        }
        None
    }

    /// Opens an ESP packet; what it carries, in a few words.
    pub(in crate::capture) fn esp(&mut self, packet: &[u8], spi: u32) -> Option<String> {
        if self.keys.esp.is_empty() {
            return None;
        }
        if self.esp.len() >= MOST_SPIS && !self.esp.contains_key(&spi) {
            return None;
        }
        let state = self.esp.entry(spi).or_default();
        state.seen += 1;
        if state.cipher.is_none() {
            if state.seen > MOST_TRIED {
                return None;
            }
            let provider = &self.provider;
            // The integrity value doesn't tell AES-192 from triple DES, what is inside does.
            let fitting = |cipher: &EspCipher| carried(cipher, packet).is_some_and(|c| c.1);
            state.cipher = self
                .keys
                .esp
                .iter()
                .filter(|k| k.spi.is_none_or(|s| s == spi))
                .flat_map(|k| {
                    let tried = k.algorithms.into_iter().chain(esp_by_length(k));
                    tried.filter_map(|(encr, bits, integ)| {
                        let protection = provider.protection(encr, bits, integ).ok()?;
                        let keymat = [k.keys.encryption.expose(), k.keys.integrity.expose()];
                        let keymat = Zeroizing::new(keymat.concat());
                        EspCipher::new(&protection, &keymat).ok()
                    })
                })
                .find(fitting);
        }
        if state.seen > MOST_OPENED {
            return None;
        }
        carried(state.cipher.as_ref()?, packet).map(|(what, _)| what)
    }
}

/// What an ESP packet carries, in a few words, and whether it looks like something.
fn carried(cipher: &EspCipher, packet: &[u8]) -> Option<(String, bool)> {
    let mut buffer = packet.to_vec();
    let range = cipher.open(&mut buffer, None).ok()?;
    let (inner, trailer) = EspTrailer::split(buffer.get(range)?).ok()?;
    Some(match trailer.next_header {
        4 | 41 => match IpPacket::parse(inner) {
            Ok(ip) => {
                let what = protocol_name(ip.protocol, super::super::clear::service(&ip));
                (format!("{} → {} {what}", ip.source, ip.destination), true)
            }
            Err(_) => ("a packet that can't be read".to_owned(), false),
        },
        59 => ("dummy".to_owned(), true),
        other => (
            protocol_name(other, None),
            matches!(other, 1 | 6 | 17 | 47 | 58 | 89 | 103 | 115),
        ),
    })
}

/// The algorithms that the keys of an ESP SA may be for.
fn esp_by_length(keys: &EspKeys) -> Vec<Algorithms> {
    if !keys.whole {
        return by_length(&keys.keys);
    }
    // Where the encryption key ends isn't told.
    const INTEG: [(usize, IntegId); 5] = [
        (32, IntegId::AUTH_HMAC_SHA2_256_128),
        (20, IntegId::AUTH_HMAC_SHA1_96),
        (64, IntegId::AUTH_HMAC_SHA2_512_256),
        (48, IntegId::AUTH_HMAC_SHA2_384_192),
        (16, IntegId::AUTH_HMAC_MD5_96),
    ];
    let whole = keys.keys.encryption.len();
    let with_integ = INTEG.into_iter().flat_map(|(octets, integ)| {
        let rest = whole.checked_sub(octets);
        let aes = rest
            .filter(|r| matches!(r, 16 | 24 | 32))
            .and_then(|r| u16::try_from(r * 8).ok())
            .map(|bits| (EncrId::ENCR_AES_CBC, Some(bits), Some(integ)));
        let triple = (rest == Some(24)).then_some((EncrId::ENCR_3DES, None, Some(integ)));
        aes.into_iter().chain(triple)
    });
    by_length(&keys.keys)
        .into_iter()
        .chain(with_integ)
        .collect()
}

/// The algorithms that keys of such lengths may be for.
fn by_length(keys: &Direction) -> Vec<Algorithms> {
    let (e, a) = (keys.encryption.len(), keys.integrity.len());
    let bits = |octets: usize| u16::try_from(octets * 8).ok();
    if a == 0 {
        let gcm = e
            .checked_sub(4)
            .map(|k| (EncrId::ENCR_AES_GCM_16, bits(k), None));
        let ccm = e
            .checked_sub(3)
            .map(|k| (EncrId::ENCR_AES_CCM_16, bits(k), None));
        let chacha = (e == 36).then_some((EncrId::ENCR_CHACHA20_POLY1305, None, None));
        return gcm.into_iter().chain(chacha).chain(ccm).collect();
    }
    let integ = match a {
        16 => IntegId::AUTH_HMAC_MD5_96,
        20 => IntegId::AUTH_HMAC_SHA1_96,
        32 => IntegId::AUTH_HMAC_SHA2_256_128,
        48 => IntegId::AUTH_HMAC_SHA2_384_192,
        _ => IntegId::AUTH_HMAC_SHA2_512_256,
    };
    let cbc = (EncrId::ENCR_AES_CBC, bits(e), Some(integ));
    let triple = (e == 24).then_some((EncrId::ENCR_3DES, None, Some(integ)));
    std::iter::once(cbc).chain(triple).collect()
}

#[cfg(test)]
mod tests {
    use super::super::EspKeys;
    use super::*;

    #[test]
    fn made_up_spis_take_no_more_than_their_room() {
        let keys = Keys {
            esp: vec![EspKeys {
                spi: Some(1),
                algorithms: None,
                keys: Direction::default(),
                whole: false,
            }],
            ..Keys::default()
        };
        let mut opener = Opener::new(Arc::new(keys));
        for spi in 2..80_000 {
            assert_eq!(opener.esp(&[0; 40], spi), None);
        }
        assert_eq!(opener.esp.len(), MOST_SPIS);
    }
}
