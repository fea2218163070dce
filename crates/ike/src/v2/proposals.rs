//! Proposals between configuration and wire (RFC 7296 3.3).
//!
//! One configured proposal becomes one on the wire; an answer is checked against what was offered. Offers of the
//! peer's are read in [`offer`](crate::v2::offer).

use adit_crypto::{EncrKind, Provider};
use adit_model::proposal::{Encr, Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::iana::{EsnId, KeMethod, ProtocolId, TransformType};
use adit_wire::v2::{self, Notify, SaPayload, Transform};

use crate::v2::offer::{self, Choice};

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
    let mut proposal = Proposal::from(choice.suite);
    for (methods, offered) in proposal.addke.iter_mut().zip(choice.additional) {
        if offered && methods.is_empty() {
            methods.push(KeMethod::NONE);
        }
    }
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
        let additional = TransformType::ADDITIONAL.iter().zip(&proposal.addke);
        transforms.extend(
            additional.flat_map(|(kind, ids)| ids.iter().map(|id| Transform::new(*kind, id.0))),
        );
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

pub(crate) const fn protocol(kind: SaKind) -> ProtocolId {
    match kind {
        SaKind::Ike => ProtocolId::IKE,
        SaKind::Esp => ProtocolId::ESP,
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
    let reading = offer::read(answer, kind, spi_len, true).alternatives;
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
            p.ke.retain(|id| {
                let found = provider.ke(*id);
                found.is_ok_and(|ke| kind == SaKind::Esp || ke.spec().may_be_first)
            });
            for methods in &mut p.addke {
                methods.retain(|id| *id == KeMethod::NONE || provider.ke(*id).is_ok());
            }
            let kept = |before: bool, after: bool| before || !after;
            let whole = !p.encr.is_empty()
                && kept(proposal.integ.is_empty(), p.integ.is_empty())
                && kept(proposal.ke.is_empty(), p.ke.is_empty())
                && (proposal.addke.iter().zip(&p.addke))
                    .all(|(before, after)| kept(before.is_empty(), after.is_empty()))
                && (kind == SaKind::Esp || !(p.prf.is_empty() || p.ke.is_empty()));
            whole.then_some(p)
        })
        .collect()
}

/// The key exchange method that INVALID_KE_PAYLOAD asks for, if we offered it and haven't tried it (RFC 7296 1.3).
pub(crate) fn other_method(
    offered: &[Proposal],
    tried: &[KeMethod],
    notify: &Notify,
) -> Option<KeMethod> {
    let wanted = KeMethod(notify.data_u16()?);
    let new = offered.iter().any(|p| p.ke.contains(&wanted)) && !tried.contains(&wanted);
    new.then_some(wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ike(text: &str) -> Proposal {
        Proposal::parse(text, SaKind::Ike).unwrap()
    }

    #[test]
    fn proposals_survive_the_wire() {
        let ours = [
            ike("aes128gcm16-prfsha256-x25519"),
            ike("aes256-aes128-sha256-sha384-modp2048-ecp256-ke1_mlkem768-ke1_none-ke7_mlkem512"),
        ];
        let read_back = offer::read(
            &to_wire(&ours, SaKind::Ike, &[], true),
            SaKind::Ike,
            0,
            true,
        );
        let proposals: Vec<_> = read_back
            .alternatives
            .iter()
            .map(|a| (a.number, a.proposal.clone()))
            .collect();
        assert_eq!(proposals, [(1, ours[0].clone()), (2, ours[1].clone())]);
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
