//! Finding out what an IKE peer accepts, one first message at a time.
//!
//! One question of each version is answered by a peer as if it were meant: its answer shows vendor IDs, notifies and what
//! it chooses, and a half-open IKE SA stays with it until it forgets it. Every other question asks about one algorithm and
//! leaves nothing: it offers that algorithm alone among others that the peer is known to take, with a key exchange of a
//! group that isn't offered. A peer to which the offer is acceptable answers INVALID_KE_PAYLOAD, which it must without
//! keeping anything (RFC 7296 1.2); one to which it isn't, NO_PROPOSAL_CHOSEN.

use std::net::SocketAddr;

use adit_crypto::Provider;
use adit_wire::iana::{EncrId, ExchangeType, IntegId, KeMethod, NotifyType, PrfId, ProtocolId};
use adit_wire::v1::{V1Content, V1Message, V1Payload, V1Proposal, V1Sa, V1Transform};
use adit_wire::v2::{
    Attribute, AttributeValue, Flags, Header, IkeSpi, KePayload, Message, Nonce, Notify, Payload,
    PayloadList, Proposal, SaPayload, Transform, Version, emit_plain,
};

use crate::head::NetPath;
use crate::nat;
use crate::snapshot::NatStatus;

/// An algorithm that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// A cipher, with its key length in bits where it has several.
    Cipher(EncrId, Option<u16>),
    /// A pseudo-random function.
    Prf(PrfId),
    /// An integrity algorithm.
    Integrity(IntegId),
    /// A key exchange method.
    Group(KeMethod),
}

/// All that are asked about.
#[must_use]
pub fn algorithms() -> Vec<Algorithm> {
    let groups = GROUPS.iter().map(|id| Algorithm::Group(*id));
    let ciphers = CIPHERS
        .iter()
        .chain(AEADS)
        .map(|(id, bits)| Algorithm::Cipher(*id, *bits));
    let prfs = PRFS.iter().map(|id| Algorithm::Prf(*id));
    let integrity = INTEGRITY.iter().map(|id| Algorithm::Integrity(*id));
    groups.chain(ciphers).chain(prfs).chain(integrity).collect()
}

/// A message to send, and the SPI that its answer bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Our SPI (in version 1 our cookie).
    pub spi: IkeSpi,
    /// The message, without the marker of port 4500.
    pub message: Vec<u8>,
}

/// What an answer of version 2 says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Transforms of the proposal that was chosen, as type and number with key length.
    pub chosen: Option<Vec<Transform>>,
    /// Notifies by number, in their order, with their data.
    pub notifies: Vec<(NotifyType, Vec<u8>)>,
    /// Vendor IDs.
    pub vendors: Vec<Vec<u8>>,
    /// Who is behind a NAT, where the answer tells.
    pub nat: Option<NatStatus>,
    /// A certificate is asked for.
    pub wants_certificate: bool,
}

impl Answered {
    /// The data of a notify.
    #[must_use]
    pub fn notify(&self, kind: NotifyType) -> Option<&[u8]> {
        self.notifies
            .iter()
            .find(|(of, _)| *of == kind)
            .map(|(_, data)| data.as_slice())
    }

    /// Whether what was asked about is acceptable; `None` if the answer is about something else.
    #[must_use]
    pub fn accepts(&self) -> Option<bool> {
        if self.chosen.is_some() || self.notify(NotifyType::INVALID_KE_PAYLOAD).is_some() {
            return Some(true);
        }
        self.notify(NotifyType::NO_PROPOSAL_CHOSEN).map(|_| false)
    }

    /// The group that the peer wants instead.
    #[must_use]
    pub fn wanted_group(&self) -> Option<KeMethod> {
        let data = self.notify(NotifyType::INVALID_KE_PAYLOAD)?;
        Some(KeMethod(u16::from_be_bytes(data.try_into().ok()?)))
    }
}

/// What an answer of version 1 says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnsweredV1 {
    /// Attributes of the transform that was chosen, as type and value.
    pub chosen: Option<Vec<(u16, u16)>>,
    /// The number of a notify.
    pub notify: Option<u16>,
    /// Vendor IDs.
    pub vendors: Vec<Vec<u8>>,
}

/// The question that is meant: everything offered, with a key exchange of `group`.
#[must_use]
pub fn open(
    provider: &Provider,
    path: (SocketAddr, SocketAddr),
    group: KeMethod,
    cookie: Option<&[u8]>,
) -> Option<Question> {
    let public = provider
        .ke
        .iter()
        .find(|ke| ke.spec().id == group)?
        .start(provider.random.as_ref())
        .1;
    let mut groups = GROUPS.to_vec();
    // The own one first, since most take the first that they know.
    groups.sort_by_key(|id| *id != group);
    ask(
        provider,
        Some(path),
        cookie,
        &offers(&all_ciphers(), PRFS, INTEGRITY, &groups),
        group,
        public,
    )
}

/// The question about one algorithm, with all others that go with it and with `groups`, those that the peer takes; a group
/// is asked about by itself.
#[must_use]
pub fn about(
    provider: &Provider,
    algorithm: Algorithm,
    groups: &[KeMethod],
    cookie: Option<&[u8]>,
) -> Option<Question> {
    let everything = all_ciphers();
    let groups = groups.to_vec();
    let (ciphers, prfs, integrity, groups) = match algorithm {
        Algorithm::Cipher(id, bits) => (vec![(id, bits)], PRFS, INTEGRITY, groups),
        Algorithm::Prf(id) => (everything, one(PRFS, id), INTEGRITY, groups),
        // Ciphers that need one.
        Algorithm::Integrity(id) => (CIPHERS.to_vec(), PRFS, one(INTEGRITY, id), groups),
        Algorithm::Group(id) => (everything, PRFS, INTEGRITY, vec![id]),
    };
    // Of a group that isn't offered, so that nothing comes of it. To a peer that takes them all, one isn't offered.
    let (method, length) = NOT_MEANT
        .iter()
        .find(|(method, _)| !groups.contains(method))
        .or(NOT_MEANT.last())
        .copied()?;
    let groups: Vec<KeMethod> = groups.into_iter().filter(|id| *id != method).collect();
    let mut public = vec![0; length];
    provider.random.fill(&mut public);
    if let Some(first) = public.first_mut() {
        // Below any prime of that length.
        *first &= 0x7f;
    }
    let proposals = offers(&ciphers, prfs, integrity, &groups);
    ask(provider, None, cookie, &proposals, method, public)
}

fn ask(
    provider: &Provider,
    path: Option<(SocketAddr, SocketAddr)>,
    cookie: Option<&[u8]>,
    proposals: &[Proposal],
    method: KeMethod,
    data: Vec<u8>,
) -> Option<Question> {
    // Zero would be no SPI.
    let spi = IkeSpi(u64::from_be_bytes(provider.random_octets::<8>()) | 1);
    let header = Header::v2(
        spi,
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(true, false),
        0,
    );
    let mut payloads = Vec::new();
    if let Some(cookie) = cookie {
        payloads.push(Payload::Notify(Notify::with_data(
            NotifyType::COOKIE,
            cookie.to_vec(),
        )));
    }
    payloads.extend([
        Payload::Sa(SaPayload {
            proposals: proposals.to_vec(),
        }),
        Payload::Ke(KePayload { method, data }),
        Payload::Nonce(Nonce(provider.random_octets::<32>().to_vec())),
    ]);
    if let Some((local, remote)) = path {
        let spis = (spi, IkeSpi::ZERO);
        payloads.extend(nat::payloads(spis, NetPath { local, remote }, false));
        let hashes = [1u16, 2, 3, 4, 5].iter().flat_map(|id| id.to_be_bytes());
        payloads.extend([
            Payload::Notify(Notify::new(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)),
            Payload::Notify(Notify::with_data(
                NotifyType::SIGNATURE_HASH_ALGORITHMS,
                hashes.collect(),
            )),
            Payload::Notify(Notify::new(NotifyType::REDIRECT_SUPPORTED)),
            Payload::Notify(Notify::new(NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED)),
        ]);
    }
    let message = emit_plain(&header, &PayloadList(payloads)).ok()?;
    Some(Question { spi, message })
}

/// Proposals with ciphers that authenticate by themselves and with others, which can't be in one.
fn offers(
    ciphers: &[(EncrId, Option<u16>)],
    prfs: &[PrfId],
    integrity: &[IntegId],
    groups: &[KeMethod],
) -> Vec<Proposal> {
    let (aead, others): (Vec<_>, Vec<_>) = ciphers
        .iter()
        .copied()
        .partition(|cipher| AEADS.contains(cipher));
    let mut proposals = Vec::new();
    for (ciphers, integrity) in [(aead, &[][..]), (others, integrity)] {
        if ciphers.is_empty() {
            continue;
        }
        let transforms = ciphers
            .iter()
            .map(|(id, bits)| Transform::encr(*id, *bits))
            .chain(prfs.iter().map(|id| Transform::prf(*id)))
            .chain(integrity.iter().map(|id| Transform::integ(*id)))
            .chain(groups.iter().map(|id| Transform::ke(*id)))
            .collect();
        proposals.push(Proposal {
            number: u8::try_from(proposals.len() + 1).unwrap_or(u8::MAX),
            protocol: ProtocolId::IKE,
            spi: Vec::new(),
            transforms,
        });
    }
    proposals
}

/// Reads an answer of version 2 that came from `path.1` to `path.0`.
#[must_use]
pub fn read(datagram: &[u8], path: (SocketAddr, SocketAddr)) -> Option<(IkeSpi, Answered)> {
    let message = Message::parse(datagram).ok()?;
    let (local, remote) = path;
    let mut answered = Answered {
        chosen: message
            .payloads
            .sa()
            .and_then(|sa| sa.proposals.first())
            .map(|proposal| proposal.transforms.clone()),
        nat: {
            let spis = (message.header.spi_i, message.header.spi_r);
            let found = nat::detect(&message.payloads, spis, NetPath { local, remote });
            found.peer_supports.then_some(found)
        },
        ..Answered::default()
    };
    for payload in &message.payloads.0 {
        match payload {
            Payload::Notify(notify) => answered.notifies.push((notify.kind, notify.data.clone())),
            Payload::Vendor(vendor) => answered.vendors.push(vendor.0.clone()),
            Payload::CertReq(_) => answered.wants_certificate = true,
            _ => {}
        }
    }
    Some((message.header.spi_i, answered))
}

/// The first message of version 1, Main Mode, with what is still in use: AES and 3DES, SHA and MD5, groups 2, 5, 14 and 19,
/// pre-shared keys and RSA signatures.
#[must_use]
pub fn open_v1(provider: &Provider) -> Option<Question> {
    let spi = IkeSpi(u64::from_be_bytes(provider.random_octets::<8>()) | 1);
    let mut header = Header::v2(
        spi,
        IkeSpi::ZERO,
        ExchangeType::IDENTITY_PROTECTION,
        Flags::new(false, false),
        0,
    );
    header.flags = Flags::from_byte(0);
    header.version = Version::V1;
    let mut transforms = Vec::new();
    for (cipher, bits) in [(7, Some(256)), (7, Some(128)), (5, None)] {
        for hash in [4, 2, 1] {
            for group in [14, 19, 5, 2] {
                for authentication in [1, 3] {
                    let short = |kind, value| Attribute {
                        kind,
                        value: AttributeValue::Short(value),
                    };
                    let mut attributes = vec![
                        short(1, cipher),
                        short(2, hash),
                        short(3, authentication),
                        short(4, group),
                        short(11, 1),
                        short(12, 28_800),
                    ];
                    if let Some(bits) = bits {
                        attributes.insert(1, short(14, bits));
                    }
                    transforms.push(V1Transform {
                        number: u8::try_from(transforms.len() + 1).unwrap_or(u8::MAX),
                        id: 1,
                        attributes,
                    });
                }
            }
        }
    }
    let message = V1Message {
        header,
        content: V1Content::Clear(vec![V1Payload::Sa(V1Sa {
            proposals: vec![V1Proposal {
                number: 1,
                protocol: 1,
                spi: Vec::new(),
                transforms,
            }],
        })]),
    };
    Some(Question {
        spi,
        message: message.emit().ok()?,
    })
}

/// Reads an answer of version 1.
#[must_use]
pub fn read_v1(datagram: &[u8]) -> Option<(IkeSpi, AnsweredV1)> {
    let message = V1Message::parse(datagram).ok()?;
    let mut answered = AnsweredV1::default();
    for payload in message.payloads() {
        match payload {
            V1Payload::Vendor(vendor) => answered.vendors.push(vendor.0.clone()),
            V1Payload::Notify(notify) => answered.notify = Some(notify.kind.0),
            V1Payload::Sa(sa) => {
                let transform = sa.proposals.first().and_then(|p| p.transforms.first());
                answered.chosen = transform.map(|transform| {
                    transform
                        .attributes
                        .iter()
                        .filter_map(|attribute| match attribute.value {
                            AttributeValue::Short(value) => Some((attribute.kind, value)),
                            AttributeValue::Long(_) => None,
                        })
                        .collect()
                });
            }
            V1Payload::Other { .. } => {}
        }
    }
    Some((message.header.spi_i, answered))
}

/// The part of a list that is this alone.
fn one<T: PartialEq>(list: &'static [T], wanted: T) -> &'static [T] {
    list.iter()
        .position(|id| *id == wanted)
        .and_then(|at| list.get(at..=at))
        .unwrap_or_default()
}

fn all_ciphers() -> Vec<(EncrId, Option<u16>)> {
    AEADS.iter().chain(CIPHERS).copied().collect()
}

/// Ciphers that authenticate by themselves.
const AEADS: &[(EncrId, Option<u16>)] = &[
    (EncrId::ENCR_AES_GCM_16, Some(256)),
    (EncrId::ENCR_AES_GCM_16, Some(128)),
    (EncrId::ENCR_CHACHA20_POLY1305, None),
];
/// Ciphers that need an integrity algorithm.
const CIPHERS: &[(EncrId, Option<u16>)] = &[
    (EncrId::ENCR_AES_CBC, Some(256)),
    (EncrId::ENCR_AES_CBC, Some(128)),
    (EncrId::ENCR_CAMELLIA_CBC, Some(256)),
    (EncrId::ENCR_3DES, None),
    (EncrId::ENCR_DES, None),
];
const PRFS: &[PrfId] = &[
    PrfId::PRF_HMAC_SHA2_256,
    PrfId::PRF_HMAC_SHA2_384,
    PrfId::PRF_HMAC_SHA2_512,
    PrfId::PRF_AES128_XCBC,
    PrfId::PRF_HMAC_SHA1,
    PrfId::PRF_HMAC_MD5,
];
const INTEGRITY: &[IntegId] = &[
    IntegId::AUTH_HMAC_SHA2_256_128,
    IntegId::AUTH_HMAC_SHA2_384_192,
    IntegId::AUTH_HMAC_SHA2_512_256,
    IntegId::AUTH_AES_XCBC_96,
    IntegId::AUTH_HMAC_SHA1_96,
    IntegId::AUTH_HMAC_MD5_96,
];
/// Groups of questions that nothing is to come of, with the octets of a public value.
const NOT_MEANT: &[(KeMethod, usize)] = &[
    (KeMethod::MODP_2048, 256),
    (KeMethod::MODP_3072, 384),
    (KeMethod::MODP_4096, 512),
    (KeMethod::MODP_1536, 192),
    (KeMethod::MODP_1024, 128),
    (KeMethod::MODP_768, 96),
];
const GROUPS: &[KeMethod] = &[
    KeMethod::CURVE25519,
    KeMethod::ECP_256,
    KeMethod::ECP_384,
    KeMethod::ECP_521,
    KeMethod::MODP_2048,
    KeMethod::MODP_3072,
    KeMethod::MODP_4096,
    KeMethod::MODP_8192,
    KeMethod::CURVE448,
    KeMethod::MODP_1536,
    KeMethod::MODP_1024,
    KeMethod::MODP_768,
    KeMethod::MODP_1024_160,
    KeMethod::MODP_2048_256,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_crypto::provider::fake;
    use adit_wire::iana::TransformType;

    use super::*;

    /// RFC 7296 1.2: a key exchange of a group that isn't the chosen one is refused, and nothing is kept.
    #[test]
    fn a_question_offers_its_algorithm_alone_of_its_kind_and_can_lead_to_nothing() {
        let provider = fake(7);
        let groups = [KeMethod::MODP_2048, KeMethod::ECP_256];
        for algorithm in algorithms() {
            let question = about(&provider, algorithm, &groups, Some(b"cookie")).unwrap();
            let message = Message::parse(&question.message).unwrap();
            let offered: Vec<Transform> = message
                .payloads
                .sa()
                .unwrap()
                .proposals
                .iter()
                .flat_map(|p| p.transforms.clone())
                .collect();
            let of = |kind| offered.iter().filter(move |t| t.kind == kind);
            let own = match algorithm {
                Algorithm::Cipher(id, bits) => Transform::encr(id, bits),
                Algorithm::Prf(id) => Transform::prf(id),
                Algorithm::Integrity(id) => Transform::integ(id),
                Algorithm::Group(id) => Transform::ke(id),
            };
            assert!(of(own.kind).all(|t| *t == own), "{algorithm:?}");
            let meant = message.payloads.ke().unwrap().method;
            assert!(
                of(TransformType::KE).all(|t| t.id != meant.0),
                "{algorithm:?}"
            );
            assert!(matches!(
                message.payloads.0.first(),
                Some(Payload::Notify(_))
            ));
        }
    }

    /// Of all others each can still be asked about.
    #[test]
    fn a_peer_that_takes_every_group_is_asked_about_the_rest() {
        let provider = fake(7);
        let others = algorithms()
            .into_iter()
            .filter(|a| !matches!(a, Algorithm::Group(_)));
        for algorithm in others {
            let question = about(&provider, algorithm, GROUPS, None);
            let question = question.unwrap_or_else(|| panic!("no question about {algorithm:?}"));
            let message = Message::parse(&question.message).unwrap();
            let meant = message.payloads.ke().unwrap().method;
            for proposal in &message.payloads.sa().unwrap().proposals {
                let groups = proposal
                    .transforms
                    .iter()
                    .filter(|t| t.kind == TransformType::KE);
                let groups: Vec<u16> = groups.map(|t| t.id).collect();
                assert_eq!(groups.len(), GROUPS.len() - 1, "{algorithm:?}");
                assert!(!groups.contains(&meant.0), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn the_question_of_version_1_reads_back_and_rubbish_is_no_answer() {
        let question = open_v1(&fake(7)).unwrap();
        let message = V1Message::parse(&question.message).unwrap();
        assert_eq!(message.sa().unwrap().proposals[0].transforms.len(), 72);
        assert_eq!(read_v1(&question.message).unwrap().0, question.spi);
        let path = (
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.2:500".parse().unwrap(),
        );
        for end in 0..question.message.len() {
            assert_eq!(read_v1(&question.message[..end]), None);
            assert_eq!(read(&question.message[..end], path), None);
        }
    }
}
