//! An offer of the peer's, read and chosen from (RFC 7296 2.7, 3.3.3, 3.3.6).
//!
//! A received proposal may say more than a configured one can: ciphers with and without own authentication side by
//! side, a key exchange that is optional, transform types that are unknown here. It is read as several alternatives
//! under its number, or as none.

use adit_model::proposal::{ADDITIONAL, Encr, Proposal, SaKind, Suite, choose, closest_difference};
use adit_model::reason::Refusal;
use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId, TransformType};
use adit_wire::v2::{self, SaPayload};

use crate::v2::proposals;

/// One reading of a received proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub number: u8,
    pub spi: Vec<u8>,
    pub proposal: Proposal,
}

/// What was received: the alternatives that may be chosen, and the proposals as evidence.
pub(crate) struct Offer {
    pub alternatives: Vec<Alternative>,
    pub all: Vec<Proposal>,
}

/// What was chosen of an offer.
pub(crate) struct Choice {
    pub suite: Suite,
    /// Which additional key exchanges were offered: the answer has one transform for each, be it `NONE`.
    pub additional: [bool; ADDITIONAL],
    pub number: u8,
    pub spi: Vec<u8>,
}

/// Reads an offer for `kind`, whose SPIs have `spi_len` octets; with proposals of `additional` key exchanges only where
/// both sides carry them out.
pub(crate) fn read(sa: &SaPayload, kind: SaKind, spi_len: usize, additional: bool) -> Offer {
    let mut offer = Offer {
        alternatives: Vec::new(),
        all: Vec::new(),
    };
    let mut room = MOST_EVIDENCE;
    for proposal in &sa.proposals {
        let lists = Lists::of(proposal);
        if !lists.encr.is_empty() && proposal.transforms.len() <= room {
            room -= proposal.transforms.len();
            offer.all.push(lists.as_evidence());
        }
        let fits = proposal.protocol == proposals::protocol(kind)
            && proposal.spi.len() == spi_len
            && proposal.transforms.iter().all(|t| known_type(t.kind, kind));
        // Where they aren't agreed on, additional key exchanges are transforms of unknown types (RFC 9370 2.2.1); and one
        // of which nothing is understood can't be left out.
        let readable = TransformType::ADDITIONAL
            .iter()
            .zip(&lists.addke)
            .all(|(kind, methods)| {
                proposal.of_type(*kind).next().is_none() || (additional && !methods.is_empty())
            });
        let fits = fits && readable;
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

/// Most transforms that are kept as evidence of what was offered, in whole proposals (of at most 255 each). Nobody's
/// real offer comes near; a stranger's may have thousands, and events are kept.
const MOST_EVIDENCE: usize = 256;

/// A proposal with a transform type that isn't understood can't be chosen (RFC 7296 3.3.6).
fn known_type(transform: TransformType, kind: SaKind) -> bool {
    let additional = TransformType::ADDITIONAL.contains(&transform);
    additional
        || match kind {
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
    addke: [Vec<KeMethod>; ADDITIONAL],
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
            addke: TransformType::ADDITIONAL
                .map(|kind| usable(kind).map(|t| KeMethod(t.id)).collect()),
            esn: usable(TransformType::ESN).map(|t| EsnId(t.id)).collect(),
        }
    }

    fn as_evidence(&self) -> Proposal {
        Proposal {
            encr: self.encr.clone(),
            prf: self.prf.clone(),
            integ: without(&self.integ, IntegId::NONE),
            ke: without(&self.ke, KeMethod::NONE),
            addke: self.addke.clone(),
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
        let mut exchanges = vec![(without(&self.ke, KeMethod::NONE), self.addke.clone())];
        // Without a first key exchange there are no additional ones (RFC 9370 2.2.4).
        let optional = |methods: &Vec<_>| methods.is_empty() || methods.contains(&KeMethod::NONE);
        if kind == SaKind::Esp
            && self.ke.len() > 1
            && self.ke.contains(&KeMethod::NONE)
            && self.addke.iter().all(optional)
        {
            exchanges.push((Vec::new(), Default::default()));
        }
        let complete = |p: &Proposal| kind == SaKind::Esp || !(p.prf.is_empty() || p.ke.is_empty());
        ciphers
            .into_iter()
            .flat_map(|(encr, integ)| {
                exchanges.iter().map(move |(ke, addke)| Proposal {
                    encr: encr.clone(),
                    prf: self.prf.clone(),
                    integ: integ.clone(),
                    ke: ke.clone(),
                    addke: addke.clone(),
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
            additional: taken.proposal.addke.each_ref().map(|m| !m.is_empty()),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::v2::proposals::to_wire;
    use adit_wire::iana::ProtocolId;
    use adit_wire::v2::Transform;

    fn ike(text: &str) -> Proposal {
        Proposal::parse(text, SaKind::Ike).unwrap()
    }

    fn esp(text: &str) -> Proposal {
        Proposal::parse(text, SaKind::Esp).unwrap()
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
        let offer = read(&wire, SaKind::Esp, 4, true);
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
        let mixed = ike("aes128gcm16-prfsha256-x25519-ke1_mlkem768");
        let offer = read(&wire, SaKind::Ike, 0, false);
        assert!(offer.alternatives.is_empty());
        assert_eq!(offer.all, std::slice::from_ref(&mixed));
        let offer = read(&wire, SaKind::Ike, 0, true);
        assert_eq!(offer.alternatives[0].proposal, mixed);
        // Of an additional key exchange nothing is understood: it can't be left out for that.
        let wire_of = |kind| {
            let plain = ike("aes128gcm16-prfsha256-x25519");
            let mut wire = to_wire(&[plain], SaKind::Ike, &[], true);
            wire.proposals[0].transforms.push(kind);
            wire
        };
        let mut odd = Transform::new(TransformType::ADDKE2, 36);
        odd.attributes = vec![Transform::encr(EncrId(12), Some(7)).attributes[0].clone(); 2];
        assert!(
            read(&wire_of(odd), SaKind::Ike, 0, true)
                .alternatives
                .is_empty()
        );
        let unknown = Transform::new(TransformType(13), 1);
        assert!(
            read(&wire_of(unknown), SaKind::Ike, 0, true)
                .alternatives
                .is_empty()
        );

        // Integrity beside an AEAD; no key exchange.
        for text in [
            "aes128gcm16-sha256-prfsha256-x25519",
            "aes128gcm16-prfsha256",
        ] {
            let odd: Proposal = text.parse().unwrap();
            let wire = to_wire(&[odd], SaKind::Ike, &[], true);
            assert!(
                read(&wire, SaKind::Ike, 0, true).alternatives.is_empty(),
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
        let offer = read(&theirs, SaKind::Ike, 0, true);
        let with = |tried| offer.choose(&ours, true, tried).unwrap().suite.ke;
        assert_eq!(with(None), Some(KeMethod::CURVE25519));
        assert_eq!(with(Some(KeMethod::MODP_2048)), Some(KeMethod::MODP_2048));
        assert_eq!(with(Some(KeMethod::ECP_256)), Some(KeMethod::CURVE25519));
    }

    /// RFC 9370 2.2.1: what was offered is answered, what is left out with NONE.
    #[test]
    fn an_answer_has_all_additional_key_exchanges_that_were_offered() {
        let theirs = [ike(
            "aes128gcm16-prfsha256-x25519-ke2_mlkem512-ke2_mlkem768-ke5_mlkem1024-ke5_none",
        )];
        let ours = [ike("aes128gcm16-prfsha256-x25519-ke2_mlkem768")];
        let wire = to_wire(&theirs, SaKind::Ike, &[], true);
        let choice = read(&wire, SaKind::Ike, 0, true)
            .choose(&ours, true, None)
            .unwrap();
        let answer = proposals::answer(&choice, SaKind::Ike, &[]);
        let of = |kind| {
            answer.proposals[0]
                .of_type(kind)
                .map(|t| t.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(TransformType::ADDKE2), [36]);
        assert_eq!(of(TransformType::ADDKE5), [0]);
        assert!(of(TransformType::ADDKE1).is_empty());
        let (suite, _) = proposals::accept_answer(&answer, &theirs, SaKind::Ike, 0, true).unwrap();
        assert_eq!(suite, choice.suite);
    }

    /// The answer must not have one method twice, nor leave out what had to be there (RFC 9370 2.2.1).
    #[test]
    fn abuse_71_answers_that_repeat_or_leave_out_a_method() {
        let ours = [ike(
            "aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768-ke2_mlkem512",
        )];
        let check = |text: &str| {
            let answer = to_wire(&[text.parse().unwrap()], SaKind::Ike, &[], true);
            proposals::accept_answer(&answer, &ours, SaKind::Ike, 0, true).is_ok()
        };
        assert!(check(
            "aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem512"
        ));
        assert!(!check(
            "aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768"
        ));
        assert!(!check("aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_none"));
        assert!(!check("aes128gcm16-prfsha256-x25519-ke1_mlkem768"));
        assert!(!check("aes128gcm16-prfsha256-x25519"));
    }
}
