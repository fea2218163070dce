//! Proposals between configuration and wire (RFC 7296 3.3).
//!
//! One configured proposal becomes one on the wire. A received one may say more than a configured one can: ciphers
//! with and without own authentication side by side, a key exchange that is optional, transform types that are
//! unknown here. It is read as several alternatives under its number, or as none.

use adit_crypto::{EncrKind, Provider};
use adit_model::proposal::{Encr, Proposal, SaKind, Suite, choose, closest_difference};
use adit_model::reason::Refusal;
use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId, ProtocolId, TransformType};
use adit_wire::v2::{self, SaPayload, Transform};

/// One reading of a received proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub number: u8,
    pub spi: Vec<u8>,
    pub proposal: Proposal,
}

/// What was received: the alternatives that may be chosen, and all proposals as evidence.
pub(crate) struct Offer {
    pub alternatives: Vec<Alternative>,
    pub all: Vec<Proposal>,
}

/// What was chosen of an offer.
pub(crate) struct Choice {
    pub suite: Suite,
    pub number: u8,
    pub spi: Vec<u8>,
}

/// The SA payload that offers `proposals`, every one with `spi`; without key exchange where `ke` says so
/// (the first CHILD SA, RFC 7296 1.2).
pub(crate) fn to_wire(proposals: &[Proposal], kind: SaKind, spi: &[u8], ke: bool) -> SaPayload {
    let proposals = (1..=u8::MAX)
        .zip(proposals)
        .map(|(number, proposal)| one_to_wire(proposal, number, kind, spi, ke))
        .collect();
    SaPayload { proposals }
}

/// The SA payload that answers with `choice`, under our own `spi`.
pub(crate) fn answer(choice: &Choice, kind: SaKind, spi: &[u8]) -> SaPayload {
    let proposal = Proposal::from(choice.suite);
    SaPayload {
        proposals: vec![one_to_wire(&proposal, choice.number, kind, spi, true)],
    }
}

fn one_to_wire(
    proposal: &Proposal,
    number: u8,
    kind: SaKind,
    spi: &[u8],
    ke: bool,
) -> v2::Proposal {
    let mut transforms: Vec<Transform> = proposal
        .encr
        .iter()
        .map(|encr| Transform::encr(encr.id, encr.key_bits))
        .collect();
    transforms.extend(proposal.integ.iter().map(|id| Transform::integ(*id)));
    if kind == SaKind::Ike {
        transforms.extend(proposal.prf.iter().map(|id| Transform::prf(*id)));
    }
    if ke {
        transforms.extend(proposal.ke.iter().map(|id| Transform::ke(*id)));
    }
    if kind == SaKind::Esp {
        let default = [EsnId::NO_ESN];
        let esn = match proposal.esn.as_slice() {
            [] => default.as_slice(),
            listed => listed,
        };
        transforms.extend(esn.iter().map(|id| Transform::esn(*id)));
    }
    v2::Proposal {
        number,
        protocol: protocol(kind),
        spi: spi.to_vec(),
        transforms,
    }
}

const fn protocol(kind: SaKind) -> ProtocolId {
    match kind {
        SaKind::Ike => ProtocolId::IKE,
        SaKind::Esp => ProtocolId::ESP,
    }
}

/// Reads an offer for `kind`, whose SPIs have `spi_len` octets.
pub(crate) fn read(sa: &SaPayload, kind: SaKind, spi_len: usize) -> Offer {
    let mut offer = Offer {
        alternatives: Vec::new(),
        all: Vec::new(),
    };
    for proposal in &sa.proposals {
        let lists = Lists::of(proposal);
        if !lists.encr.is_empty() {
            offer.all.push(lists.as_evidence());
        }
        let fits = proposal.protocol == protocol(kind)
            && proposal.spi.len() == spi_len
            && proposal.transforms.iter().all(|t| known_type(t.kind, kind));
        if fits {
            let readings = lists.readings(kind).into_iter();
            offer
                .alternatives
                .extend(readings.map(|reading| Alternative {
                    number: proposal.number,
                    spi: proposal.spi.clone(),
                    proposal: reading,
                }));
        }
    }
    offer
}

/// A proposal with a transform type that isn't understood can't be chosen (RFC 7296 3.3.6).
fn known_type(transform: TransformType, kind: SaKind) -> bool {
    match kind {
        SaKind::Ike => matches!(
            transform,
            TransformType::ENCR | TransformType::PRF | TransformType::INTEG | TransformType::KE
        ),
        SaKind::Esp => matches!(
            transform,
            TransformType::ENCR | TransformType::INTEG | TransformType::KE | TransformType::ESN
        ),
    }
}

/// A received proposal's transforms by type. Those with parameters that aren't understood are left out.
struct Lists {
    encr: Vec<Encr>,
    prf: Vec<PrfId>,
    integ: Vec<IntegId>,
    ke: Vec<KeMethod>,
    esn: Vec<EsnId>,
}

impl Lists {
    fn of(proposal: &v2::Proposal) -> Self {
        let usable = |kind| {
            proposal
                .of_type(kind)
                .filter(|t| t.is_understood() && t.attributes.len() <= 1)
        };
        Self {
            encr: usable(TransformType::ENCR)
                .map(|t| Encr {
                    id: EncrId(t.id),
                    key_bits: t.key_length(),
                })
                .collect(),
            prf: usable(TransformType::PRF).map(|t| PrfId(t.id)).collect(),
            integ: usable(TransformType::INTEG)
                .map(|t| IntegId(t.id))
                .collect(),
            ke: usable(TransformType::KE).map(|t| KeMethod(t.id)).collect(),
            esn: usable(TransformType::ESN).map(|t| EsnId(t.id)).collect(),
        }
    }

    fn as_evidence(&self) -> Proposal {
        Proposal {
            encr: self.encr.clone(),
            prf: self.prf.clone(),
            integ: without(&self.integ, IntegId::NONE),
            ke: without(&self.ke, KeMethod::NONE),
            esn: self
                .esn
                .iter()
                .copied()
                .filter(|_| self.esn != [EsnId::NO_ESN])
                .collect(),
        }
    }

    fn readings(&self, kind: SaKind) -> Vec<Proposal> {
        let (aead, classic): (Vec<Encr>, Vec<Encr>) =
            self.encr.iter().partition(|encr| encr.is_aead());
        let integ = without(&self.integ, IntegId::NONE);
        let mut ciphers = Vec::new();
        // Integrity beside a cipher that authenticates by itself must be absent or NONE (RFC 7296 3.3.3, RFC 5282 8).
        if !aead.is_empty() && (self.integ.is_empty() || self.integ.contains(&IntegId::NONE)) {
            ciphers.push((aead, Vec::new()));
        }
        if !classic.is_empty() && !integ.is_empty() {
            ciphers.push((classic, integ));
        }
        let mut exchanges = vec![without(&self.ke, KeMethod::NONE)];
        if kind == SaKind::Esp && self.ke.len() > 1 && self.ke.contains(&KeMethod::NONE) {
            exchanges.push(Vec::new());
        }
        let complete = |p: &Proposal| kind == SaKind::Esp || !(p.prf.is_empty() || p.ke.is_empty());
        ciphers
            .into_iter()
            .flat_map(|(encr, integ)| {
                exchanges.iter().map(move |ke| Proposal {
                    encr: encr.clone(),
                    prf: self.prf.clone(),
                    integ: integ.clone(),
                    ke: ke.clone(),
                    esn: self.esn.clone(),
                })
            })
            .filter(complete)
            .collect()
    }
}

fn without<T: Copy + PartialEq>(list: &[T], none: T) -> Vec<T> {
    list.iter().copied().filter(|x| *x != none).collect()
}

impl Offer {
    /// Chooses by the order of `configured`. Where the peer has already computed with one key exchange method
    /// (`tried`), a suite with that one is taken before any other: it saves a round trip.
    pub fn choose(
        &self,
        configured: &[Proposal],
        ke: bool,
        tried: Option<KeMethod>,
    ) -> Option<Choice> {
        let proposals: Vec<Proposal> = self
            .alternatives
            .iter()
            .map(|a| a.proposal.clone())
            .collect();
        let narrowed = tried.map(|method| {
            let only = |p: &Proposal| {
                let mut p = p.clone();
                p.ke.retain(|m| *m == method);
                p
            };
            proposals.iter().map(only).collect::<Vec<_>>()
        });
        let (_, index, suite) = narrowed
            .and_then(|narrowed| {
                choose(configured, &narrowed, ke).filter(|(_, _, suite)| suite.ke == tried)
            })
            .or_else(|| choose(configured, &proposals, ke))?;
        let taken = self.alternatives.get(index)?;
        Some(Choice {
            suite,
            number: taken.number,
            spi: taken.spi.clone(),
        })
    }

    /// Why nothing could be chosen.
    pub fn refusal(&self, configured: &[Proposal], kind: SaKind, ke: bool) -> Refusal {
        let (offered, configured) = (self.all.clone(), configured.to_vec());
        let differs = closest_difference(&configured, &offered, ke);
        match kind {
            SaKind::Ike => Refusal::NoIkeProposal {
                offered,
                configured,
                differs,
            },
            SaKind::Esp => Refusal::NoEspProposal {
                offered,
                configured,
                differs,
            },
        }
    }
}

/// Checks the answer to an offer: one proposal, under a number that was offered, with one transform of each type that
/// was offered there. Returns the suite and the peer's SPI.
pub(crate) fn accept_answer(
    answer: &SaPayload,
    offered: &[Proposal],
    kind: SaKind,
    spi_len: usize,
    ke: bool,
) -> Result<(Suite, Vec<u8>), Refusal> {
    let mismatch = |problem: &str| {
        Err(Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        })
    };
    let [chosen] = answer.proposals.as_slice() else {
        return mismatch("more than one proposal was chosen");
    };
    if chosen.protocol != protocol(kind) || chosen.spi.len() != spi_len {
        return mismatch("the chosen proposal is for another protocol or has no SPI");
    }
    let Some(ours) = usize::from(chosen.number)
        .checked_sub(1)
        .and_then(|index| offered.get(index))
    else {
        return mismatch("the chosen proposal's number was not offered");
    };
    let mut kinds: Vec<_> = chosen.transforms.iter().map(|t| t.kind).collect();
    kinds.sort_unstable();
    if kinds.windows(2).any(|pair| pair.first() == pair.last()) {
        return mismatch("the chosen proposal has two transforms of one type");
    }
    let reading = read(answer, kind, spi_len).alternatives;
    let Some((suite, spi)) = reading
        .first()
        .and_then(|a| Some((ours.common(&a.proposal, ke)?, a.spi.clone())))
    else {
        return mismatch("the chosen proposal holds what was not offered");
    };
    Ok((suite, spi))
}

/// What of `proposals` the provider can carry out: nobody is offered what isn't there.
pub(crate) fn usable(provider: &Provider, proposals: &[Proposal], kind: SaKind) -> Vec<Proposal> {
    proposals
        .iter()
        .filter_map(|proposal| {
            let encr = |e: &Encr| {
                provider.encr(e.id).is_ok_and(|found| {
                    let spec = found.spec();
                    spec.key_len(e.key_bits).is_ok()
                        && (kind == SaKind::Esp || spec.for_ike)
                        && (spec.kind == EncrKind::Aead) == e.is_aead()
                })
            };
            let mut p = proposal.clone();
            p.encr.retain(encr);
            p.prf.retain(|id| provider.prf(*id).is_ok());
            p.integ.retain(|id| provider.integ(*id).is_ok());
            p.ke.retain(|id| provider.ke(*id).is_ok());
            let kept = |before: bool, after: bool| before || !after;
            let whole = !p.encr.is_empty()
                && kept(proposal.integ.is_empty(), p.integ.is_empty())
                && kept(proposal.ke.is_empty(), p.ke.is_empty())
                && (kind == SaKind::Esp || !(p.prf.is_empty() || p.ke.is_empty()));
            whole.then_some(p)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ike(text: &str) -> Proposal {
        Proposal::parse(text, SaKind::Ike).unwrap()
    }

    fn esp(text: &str) -> Proposal {
        Proposal::parse(text, SaKind::Esp).unwrap()
    }

    #[test]
    fn proposals_survive_the_wire() {
        let ours = [
            ike("aes128gcm16-prfsha256-x25519"),
            ike("aes256-aes128-sha256-sha384-modp2048-ecp256"),
        ];
        let read_back = read(&to_wire(&ours, SaKind::Ike, &[], true), SaKind::Ike, 0);
        let proposals: Vec<_> = read_back
            .alternatives
            .iter()
            .map(|a| (a.number, a.proposal.clone()))
            .collect();
        assert_eq!(proposals, [(1, ours[0].clone()), (2, ours[1].clone())]);
    }

    #[test]
    fn one_proposal_with_both_kinds_of_cipher_is_two() {
        let wire = SaPayload {
            proposals: vec![v2::Proposal {
                number: 7,
                protocol: ProtocolId::ESP,
                spi: vec![0, 0, 1, 0],
                transforms: vec![
                    Transform::encr(EncrId::ENCR_AES_GCM_16, Some(128)),
                    Transform::encr(EncrId::ENCR_AES_CBC, Some(256)),
                    Transform::integ(IntegId::NONE),
                    Transform::integ(IntegId::AUTH_HMAC_SHA2_256_128),
                    Transform::ke(KeMethod::NONE),
                    Transform::ke(KeMethod::CURVE25519),
                ],
            }],
        };
        let offer = read(&wire, SaKind::Esp, 4);
        assert_eq!(offer.alternatives.len(), 4);
        let choice = offer.choose(&[esp("aes256-sha256")], true, None).unwrap();
        assert_eq!((choice.number, choice.suite.ke), (7, None));
        let choice = offer
            .choose(&[esp("aes128gcm16-x25519")], true, None)
            .unwrap();
        assert_eq!(choice.suite.ke, Some(KeMethod::CURVE25519));
    }

    #[test]
    fn what_is_not_understood_is_not_chosen() {
        let mut wire = to_wire(
            &[ike("aes128gcm16-prfsha256-x25519")],
            SaKind::Ike,
            &[],
            true,
        );
        wire.proposals[0]
            .transforms
            .push(Transform::new(TransformType::ADDKE1, 36));
        let offer = read(&wire, SaKind::Ike, 0);
        assert!(offer.alternatives.is_empty());
        assert_eq!(offer.all, [ike("aes128gcm16-prfsha256-x25519")]);

        // Integrity beside an AEAD; no key exchange.
        for text in [
            "aes128gcm16-sha256-prfsha256-x25519",
            "aes128gcm16-prfsha256",
        ] {
            let odd: Proposal = text.parse().unwrap();
            let wire = to_wire(&[odd], SaKind::Ike, &[], true);
            assert!(
                read(&wire, SaKind::Ike, 0).alternatives.is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn the_group_that_was_tried_saves_a_round_trip() {
        let ours = [ike("aes128gcm16-prfsha256-x25519-modp2048")];
        let theirs = to_wire(
            &[ike("aes128gcm16-prfsha256-modp2048-x25519")],
            SaKind::Ike,
            &[],
            true,
        );
        let offer = read(&theirs, SaKind::Ike, 0);
        let with = |tried| offer.choose(&ours, true, tried).unwrap().suite.ke;
        assert_eq!(with(None), Some(KeMethod::CURVE25519));
        assert_eq!(with(Some(KeMethod::MODP_2048)), Some(KeMethod::MODP_2048));
        assert_eq!(with(Some(KeMethod::ECP_256)), Some(KeMethod::CURVE25519));
    }

    #[test]
    fn an_answer_must_be_part_of_the_offer() {
        let offered = [
            ike("aes256gcm16-aes128gcm16-prfsha256-x25519"),
            ike("aes128-sha256-modp2048"),
        ];
        let check = |text: &str, number: u8| {
            let mut wire = to_wire(&[text.parse().unwrap()], SaKind::Ike, &[], true);
            wire.proposals[0].number = number;
            accept_answer(&wire, &offered, SaKind::Ike, 0, true)
        };
        assert!(check("aes128gcm16-prfsha256-x25519", 1).is_ok());
        assert!(check("aes128-sha256-prfsha256-modp2048", 2).is_ok());
        assert!(check("aes128gcm16-prfsha256-x25519", 2).is_err());
        assert!(check("aes128gcm16-prfsha256-x25519", 0).is_err());
        assert!(check("aes128gcm16-prfsha256-x25519", 3).is_err());
        assert!(check("aes256gcm16-aes128gcm16-prfsha256-x25519", 1).is_err());
        assert!(check("aes128gcm16-prfsha384-x25519", 1).is_err());
        assert!(check("aes128gcm16-prfsha256-modp2048", 1).is_err());
    }

    #[test]
    fn only_what_the_provider_can_do_is_offered() {
        let provider = adit_crypto::provider::fake(1);
        let mixed: Proposal = "aes128gcm16-aes192gcm16-prfsha256-x448-x25519"
            .parse()
            .unwrap();
        let left = usable(
            &provider,
            &[
                mixed,
                "camellia128-sha256-prfsha256-x25519"
                    .parse()
                    .unwrap_or_default(),
            ],
            SaKind::Ike,
        );
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].ke, [KeMethod::CURVE25519]);
    }
}
