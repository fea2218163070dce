//! Proposals: which algorithms a side would use, and what two sides' lists have in common (RFC 7296 2.7, 3.3).
//!
//! Written with the keywords that strongSwan made common: `aes128gcm16-prfsha256-x25519`.

use core::fmt;
use core::str::FromStr;

use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId};
use serde::{Deserialize, Serialize};

use crate::keywords::{self, Word};

/// An encryption algorithm with its key length where the algorithm takes more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Encr {
    /// The algorithm.
    pub id: EncrId,
    /// Key Length attribute in bits (RFC 7296 3.3.5); `None` where the algorithm's key has one length.
    pub key_bits: Option<u16>,
}

impl Encr {
    /// Whether the algorithm authenticates by itself (RFC 5282, RFC 4106, RFC 4309, RFC 4543, RFC 7634).
    #[must_use]
    pub fn is_aead(self) -> bool {
        matches!(self.id.0, 14..=16 | 18..=21 | 25..=31)
    }
}

/// Which of the two kinds of SA a proposal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SaKind {
    /// An IKE SA: needs a PRF and a key exchange method.
    Ike,
    /// An ESP CHILD SA: key exchange is optional and used for rekeying; the first CHILD SA does without.
    Esp,
}

/// One proposal: alternatives by transform type, most wanted first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proposal {
    /// Encryption; all AEAD or none.
    pub encr: Vec<Encr>,
    /// Pseudo-random functions (IKE only).
    pub prf: Vec<PrfId>,
    /// Integrity; empty with AEAD.
    pub integ: Vec<IntegId>,
    /// Key exchange methods.
    pub ke: Vec<KeMethod>,
    /// Additional key exchanges, which follow the first one in this order (RFC 9370 2.2.1): the methods of each, with
    /// `NONE` among them where it may be left out. An empty list is none.
    pub addke: [Vec<KeMethod>; ADDITIONAL],
    /// Sequence number sizes (ESP only); empty means 32 bits only.
    pub esn: Vec<EsnId>,
}

/// Most additional key exchanges that one negotiation may have (RFC 9370 2.2.1).
pub const ADDITIONAL: usize = 7;

/// No additional key exchange.
pub const NO_ADDITIONAL: [KeMethod; ADDITIONAL] = [KeMethod::NONE; ADDITIONAL];

/// One algorithm of each kind: what a negotiation ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Suite {
    /// Encryption.
    pub encr: Encr,
    /// Pseudo-random function; `None` for ESP.
    pub prf: Option<PrfId>,
    /// Integrity; `None` with AEAD.
    pub integ: Option<IntegId>,
    /// Key exchange; `None` for a CHILD SA without one of its own.
    pub ke: Option<KeMethod>,
    /// Additional key exchanges in their places; `NONE` where there is none.
    pub addke: [KeMethod; ADDITIONAL],
    /// Whether 64-bit extended sequence numbers are used (RFC 4303 2.2.1).
    pub esn: bool,
}

/// The kinds of transform, for saying in which one two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformKind {
    /// Encryption algorithm or its key length.
    Encryption,
    /// Pseudo-random function.
    Prf,
    /// Integrity algorithm.
    Integrity,
    /// Key exchange method (Diffie-Hellman group).
    KeyExchange,
    /// Additional key exchange methods (RFC 9370).
    AdditionalKeyExchange,
    /// Sequence number size.
    Esn,
}

impl fmt::Display for TransformKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransformKind::Encryption => "encryption",
            TransformKind::Prf => "PRF",
            TransformKind::Integrity => "integrity",
            TransformKind::KeyExchange => "key exchange group",
            TransformKind::AdditionalKeyExchange => "additional key exchanges",
            TransformKind::Esn => "extended sequence numbers",
        })
    }
}

/// Why a text is no proposal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// A keyword that isn't known; the nearest known one, if any is near.
    #[error("`{word}` isn't an algorithm keyword{}", near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownKeyword {
        /// What was written.
        word: String,
        /// The closest keyword.
        near: Option<&'static str>,
    },
    /// No encryption algorithm.
    #[error("`{0}` names no encryption algorithm; aes128gcm16 is a good one")]
    NoEncryption(String),
    /// AEAD and classic ciphers in one proposal (RFC 7296 3.3 wants them apart).
    #[error(
        "`{0}` mixes AEAD ciphers with ciphers that need an integrity algorithm; write two proposals"
    )]
    MixedAead(String),
    /// A cipher without integrity, and no integrity algorithm.
    #[error("`{0}` has no integrity algorithm; add one, such as sha256")]
    NoIntegrity(String),
    /// No key exchange in an IKE proposal.
    #[error("`{0}` names no key exchange; add one, such as x25519 or modp2048")]
    NoKeyExchange(String),
    /// Additional key exchanges without a first one (RFC 9370 2.2.4).
    #[error("`{0}` has additional key exchanges and no first one; add one, such as x25519")]
    AdditionalAlone(String),
    /// Additional key exchanges that can't be chosen without taking one method twice (RFC 9370 2.2.1).
    #[error("`{0}` leaves no choice but to take one additional key exchange method twice")]
    AdditionalTwice(String),
    /// No PRF in an IKE proposal and nothing to derive it from.
    #[error("`{0}` names no PRF; with an AEAD cipher add one, such as prfsha256")]
    NoPrf(String),
}

impl Proposal {
    /// Reads keywords joined by `-` and completes them for `kind` as strongSwan does: an IKE proposal without a
    /// PRF takes those of its integrity algorithms.
    ///
    /// # Errors
    /// Names the keyword or the missing part.
    pub fn parse(text: &str, kind: SaKind) -> Result<Self, ProposalError> {
        let mut p: Proposal = text.parse()?;
        let whole = || text.to_owned();
        if p.encr.is_empty() {
            return Err(ProposalError::NoEncryption(whole()));
        }
        let aead = p.encr.iter().filter(|e| e.is_aead()).count();
        if aead != 0 && aead != p.encr.len() {
            return Err(ProposalError::MixedAead(whole()));
        }
        if kind == SaKind::Ike {
            if p.ke.is_empty() {
                return Err(ProposalError::NoKeyExchange(whole()));
            }
            if p.prf.is_empty() {
                p.prf = p
                    .integ
                    .iter()
                    .filter_map(|i| keywords::prf_of_integ(*i))
                    .collect();
                p.prf.dedup();
            }
            if p.prf.is_empty() {
                return Err(if aead == 0 && p.integ.is_empty() {
                    ProposalError::NoIntegrity(whole())
                } else {
                    ProposalError::NoPrf(whole())
                });
            }
        }
        if p.has_additional() && p.ke.is_empty() {
            return Err(ProposalError::AdditionalAlone(whole()));
        }
        if !p.common_additional(&p, 0, &mut NO_ADDITIONAL.clone()) {
            return Err(ProposalError::AdditionalTwice(whole()));
        }
        if aead > 0 {
            p.integ.clear();
        } else if p.integ.is_empty() {
            return Err(ProposalError::NoIntegrity(whole()));
        }
        Ok(p)
    }

    /// The keywords of this proposal that Adit doesn't offer unless `allow_weak` is set.
    #[must_use]
    pub fn weak(&self) -> Vec<&'static str> {
        keywords::words(self)
            .into_iter()
            .filter(|w| w.weak)
            .map(|w| w.text)
            .collect()
    }

    /// The first suite of `self` that `other` takes too: per transform type the first of ours they list.
    /// With `ke` set to `false`, key exchange methods are left out (the first CHILD SA, RFC 7296 1.2).
    #[must_use]
    pub fn common(&self, other: &Proposal, ke: bool) -> Option<Suite> {
        fn first<T: Copy + PartialEq>(a: &[T], b: &[T]) -> Option<Option<T>> {
            if a.is_empty() && b.is_empty() {
                return Some(None);
            }
            a.iter().find(|x| b.contains(x)).copied().map(Some)
        }
        let encr = first(&self.encr, &other.encr)??;
        Some(Suite {
            encr,
            prf: first(&self.prf, &other.prf)?,
            integ: first(&self.integ, &other.integ)?,
            ke: if ke {
                first(&self.ke, &other.ke)?
            } else {
                None
            },
            addke: if ke {
                let mut chosen = NO_ADDITIONAL;
                self.common_additional(other, 0, &mut chosen)
                    .then_some(chosen)?
            } else {
                NO_ADDITIONAL
            },
            esn: first(self.esn_or_default(), other.esn_or_default())? == Some(EsnId::ESN),
        })
    }

    /// Fills in the additional key exchanges from place `at` on: by our order, and no method twice (RFC 9370 2.2.1),
    /// which may mean to go back on an earlier choice.
    fn common_additional(
        &self,
        other: &Proposal,
        at: usize,
        chosen: &mut [KeMethod; ADDITIONAL],
    ) -> bool {
        let (Some(ours), Some(theirs)) = (self.addke.get(at), other.addke.get(at)) else {
            return true;
        };
        let taken = *chosen;
        for method in or_none(ours) {
            let repeated = *method != KeMethod::NONE && taken.iter().take(at).any(|m| m == method);
            if repeated || !or_none(theirs).contains(method) {
                continue;
            }
            if let Some(place) = chosen.get_mut(at) {
                *place = *method;
            }
            if self.common_additional(other, at + 1, chosen) {
                return true;
            }
        }
        false
    }

    /// The first method of each additional key exchange, as a suite has them.
    #[must_use]
    pub fn first_additional(&self) -> [KeMethod; ADDITIONAL] {
        self.addke
            .each_ref()
            .map(|methods| methods.first().copied().unwrap_or(KeMethod::NONE))
    }

    /// Whether it has any additional key exchange, be it one that may be left out.
    #[must_use]
    pub fn has_additional(&self) -> bool {
        self.addke.iter().any(|methods| !methods.is_empty())
    }

    /// In which transform types the two have nothing in common.
    #[must_use]
    pub fn differences(&self, other: &Proposal, ke: bool) -> Vec<TransformKind> {
        fn apart<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            (!a.is_empty() || !b.is_empty()) && !a.iter().any(|x| b.contains(x))
        }
        let mut out = Vec::new();
        if apart(&self.encr, &other.encr) {
            out.push(TransformKind::Encryption);
        }
        if apart(&self.prf, &other.prf) {
            out.push(TransformKind::Prf);
        }
        if apart(&self.integ, &other.integ) {
            out.push(TransformKind::Integrity);
        }
        if ke && apart(&self.ke, &other.ke) {
            out.push(TransformKind::KeyExchange);
        }
        if ke && !self.common_additional(other, 0, &mut NO_ADDITIONAL.clone()) {
            out.push(TransformKind::AdditionalKeyExchange);
        }
        if apart(self.esn_or_default(), other.esn_or_default()) {
            out.push(TransformKind::Esn);
        }
        out
    }

    fn esn_or_default(&self) -> &[EsnId] {
        if self.esn.is_empty() {
            &[EsnId::NO_ESN]
        } else {
            &self.esn
        }
    }
}

/// An additional key exchange that isn't named is none (RFC 9370 2.2.1).
fn or_none(methods: &[KeMethod]) -> &[KeMethod] {
    match methods {
        [] => &[KeMethod::NONE],
        listed => listed,
    }
}

impl Suite {
    /// The additional key exchanges, in order.
    pub fn additional(&self) -> impl Iterator<Item = KeMethod> + '_ {
        self.addke
            .iter()
            .copied()
            .filter(|method| *method != KeMethod::NONE)
    }
}

/// The first pair of proposals that have a suite in common, by the order of `preferred`:
/// index into `preferred`, index into `others`, suite.
#[must_use]
pub fn choose(
    preferred: &[Proposal],
    others: &[Proposal],
    ke: bool,
) -> Option<(usize, usize, Suite)> {
    preferred.iter().enumerate().find_map(|(i, mine)| {
        others
            .iter()
            .enumerate()
            .find_map(|(j, theirs)| mine.common(theirs, ke).map(|suite| (i, j, suite)))
    })
}

/// In what the closest pair of proposals differs; empty when a suite in common exists or a list is empty.
#[must_use]
pub fn closest_difference(ours: &[Proposal], theirs: &[Proposal], ke: bool) -> Vec<TransformKind> {
    ours.iter()
        .flat_map(|a| theirs.iter().map(move |b| a.differences(b, ke)))
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

impl FromStr for Proposal {
    type Err = ProposalError;

    /// Reads keywords as they stand, without completing or judging them; `Display` writes the same.
    fn from_str(text: &str) -> Result<Self, ProposalError> {
        let mut p = Proposal::default();
        for word in text.trim().split('-').filter(|w| !w.is_empty()) {
            match keywords::find(word) {
                Some(Word::Encr(e)) => push(&mut p.encr, e),
                Some(Word::Prf(x)) => push(&mut p.prf, x),
                Some(Word::Integ(x)) => push(&mut p.integ, x),
                Some(Word::Ke(x)) => push(&mut p.ke, x),
                Some(Word::AddKe(at, x)) => {
                    if let Some(methods) = p.addke.get_mut(usize::from(at)) {
                        push(methods, x);
                    }
                }
                Some(Word::Esn(x)) => push(&mut p.esn, x),
                None => {
                    return Err(ProposalError::UnknownKeyword {
                        word: word.to_owned(),
                        near: keywords::nearest(word),
                    });
                }
            }
        }
        Ok(p)
    }
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> = self.encr.iter().map(|e| keywords::encr_name(*e)).collect();
        names.extend(self.integ.iter().map(|i| keywords::integ_name(*i)));
        names.extend(self.prf.iter().map(|i| keywords::prf_name(*i)));
        names.extend(self.ke.iter().map(|i| keywords::ke_name(*i)));
        for (at, methods) in (0..).zip(&self.addke) {
            names.extend(methods.iter().map(|i| keywords::addke_name(at, *i)));
        }
        names.extend(self.esn.iter().map(|i| keywords::esn_name(*i)));
        f.write_str(&names.join("-"))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Proposal::from(*self).fmt(f)
    }
}

impl From<Suite> for Proposal {
    fn from(s: Suite) -> Self {
        Proposal {
            encr: vec![s.encr],
            prf: s.prf.into_iter().collect(),
            integ: s.integ.into_iter().collect(),
            ke: s.ke.into_iter().collect(),
            addke: s.addke.map(|method| {
                Some(method)
                    .filter(|m| *m != KeMethod::NONE)
                    .into_iter()
                    .collect()
            }),
            esn: if s.esn { vec![EsnId::ESN] } else { Vec::new() },
        }
    }
}

impl TryFrom<String> for Proposal {
    type Error = ProposalError;
    fn try_from(text: String) -> Result<Self, ProposalError> {
        text.parse()
    }
}

impl From<Proposal> for String {
    fn from(p: Proposal) -> String {
        p.to_string()
    }
}

impl TryFrom<String> for Suite {
    type Error = ProposalError;
    fn try_from(text: String) -> Result<Self, ProposalError> {
        let p: Proposal = text.parse()?;
        Ok(Suite {
            encr: *p.encr.first().ok_or(ProposalError::NoEncryption(text))?,
            prf: p.prf.first().copied(),
            integ: p.integ.first().copied(),
            ke: p.ke.first().copied(),
            addke: p.first_additional(),
            esn: p.esn.first() == Some(&EsnId::ESN),
        })
    }
}

impl From<Suite> for String {
    fn from(s: Suite) -> String {
        s.to_string()
    }
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
    fn keywords_read_back() {
        for text in [
            "aes128gcm16-prfsha256-x25519",
            "aes256-aes128-sha256-sha512-prfsha256-modp2048-ecp256",
            "chacha20poly1305-prfsha384-ecp384",
        ] {
            assert_eq!(ike(text).to_string(), text);
        }
        assert_eq!(
            ike("aes128-sha256-modp2048").to_string(),
            "aes128-sha256-prfsha256-modp2048"
        );
        assert_eq!(
            esp("aes128gcm128-esn-noesn").to_string(),
            "aes128gcm16-esn-noesn"
        );
        assert_eq!(
            ike("aes128gcm16-prfsha256-curve25519"),
            ike("aes128gcm16-prfsha256-x25519")
        );
    }

    #[test]
    fn a_code_point_without_keyword_survives_text() {
        let p = Proposal {
            encr: vec![Encr {
                id: EncrId(1024),
                key_bits: Some(77),
            }],
            ke: vec![KeMethod(60000)],
            ..Default::default()
        };
        assert_eq!(p.to_string().parse::<Proposal>().unwrap(), p);
    }

    #[test]
    fn errors_name_what_is_missing() {
        let err = |t| Proposal::parse(t, SaKind::Ike).unwrap_err();
        assert!(matches!(
            err("aes128gmc16-prfsha256-x25519"),
            ProposalError::UnknownKeyword {
                near: Some("aes128gcm16"),
                ..
            }
        ));
        assert!(matches!(err("aes128gcm16-x25519"), ProposalError::NoPrf(_)));
        assert!(matches!(
            err("aes128gcm16-prfsha256"),
            ProposalError::NoKeyExchange(_)
        ));
        assert!(matches!(
            err("aes128-x25519"),
            ProposalError::NoIntegrity(_)
        ));
        assert!(matches!(
            err("aes128-aes128gcm16-sha256-x25519"),
            ProposalError::MixedAead(_)
        ));
        assert!(matches!(
            err("sha256-x25519"),
            ProposalError::NoEncryption(_)
        ));
        assert!(matches!(
            Proposal::parse("aes128", SaKind::Esp).unwrap_err(),
            ProposalError::NoIntegrity(_)
        ));
    }

    #[test]
    fn choice_and_difference() {
        let ours = [
            ike("aes128gcm16-prfsha256-x25519"),
            ike("aes256-sha256-modp2048-x25519"),
        ];
        let theirs = [ike("aes256-aes128-sha512-sha256-modp2048")];
        let (i, j, suite) = choose(&ours, &theirs, true).unwrap();
        assert_eq!((i, j), (1, 0));
        assert_eq!(suite.to_string(), "aes256-sha256-prfsha256-modp2048");
        assert_eq!(
            closest_difference(&ours[..1], &[ike("aes128gcm16-prfsha256-ecp384")], true),
            [TransformKind::KeyExchange]
        );
        assert_eq!(
            esp("aes128gcm16-x25519").common(&esp("aes128gcm16"), true),
            None
        );
        assert!(
            esp("aes128gcm16-x25519")
                .common(&esp("aes128gcm16"), false)
                .is_some()
        );
        assert_eq!(
            esp("aes128gcm16-esn").differences(&esp("aes128gcm16"), false),
            [TransformKind::Esn]
        );
    }

    #[test]
    fn additional_key_exchanges_keep_their_places() {
        let text = "aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke1_mlkem1024-ke1_none-ke3_ecp256";
        let p = ike(text);
        assert_eq!(p.to_string(), text);
        assert_eq!(p.addke[0].len(), 3);
        assert_eq!(p.addke[2], [KeMethod::ECP_256]);
        let suite = p.common(&p, true).unwrap();
        assert_eq!(
            suite.to_string(),
            "aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke3_ecp256"
        );
        assert_eq!(suite, Suite::try_from(suite.to_string()).unwrap());
        assert_eq!(
            suite.additional().collect::<Vec<_>>(),
            [KeMethod::ML_KEM_768, KeMethod::ECP_256]
        );
        assert_eq!(p.common(&p, false).unwrap().additional().count(), 0);
        let odd = "aes256gcm16-prfsha256-x25519-ke8_mlkem768".parse::<Proposal>();
        assert!(odd.is_err());
    }

    /// RFC 9370 2.2.1: the example of the text, where the responder must not take one method twice.
    #[test]
    fn no_additional_method_is_chosen_twice() {
        let pick = |ours: &str, theirs: &str| {
            let plain = "aes256gcm16-prfsha256-x25519";
            let of = |text| format!("{plain}{text}").parse::<Proposal>().unwrap();
            of(ours)
                .common(&of(theirs), true)
                .map(|s| s.to_string().replace(plain, ""))
        };
        let offer = "-ke2_mlkem512-ke2_mlkem768-ke3_mlkem512-ke3_mlkem768-ke5_mlkem1024-ke5_none";
        assert_eq!(
            pick("-ke2_mlkem768-ke3_mlkem512", offer).unwrap(),
            "-ke2_mlkem768-ke3_mlkem512"
        );
        // Ours would take 512 first, but then nothing is left for the third place.
        assert_eq!(
            pick("-ke2_mlkem512-ke2_mlkem768-ke3_mlkem512", offer).unwrap(),
            "-ke2_mlkem768-ke3_mlkem512"
        );
        assert_eq!(pick("-ke2_mlkem512-ke3_mlkem512", offer), None);
        // What isn't named is NONE; what must be there isn't.
        assert_eq!(pick("", "-ke1_mlkem768-ke1_none").unwrap(), "");
        assert_eq!(pick("-ke1_mlkem768-ke1_none", "").unwrap(), "");
        assert_eq!(pick("", "-ke1_mlkem768"), None);
        let (a, b) = (
            ike("aes256gcm16-prfsha256-x25519"),
            ike("aes256gcm16-prfsha256-x25519-ke1_mlkem768"),
        );
        assert_eq!(
            a.differences(&b, true),
            [TransformKind::AdditionalKeyExchange]
        );
    }

    #[test]
    fn additional_key_exchanges_need_a_first_one_and_differ() {
        let err = |t, kind| Proposal::parse(t, kind).unwrap_err();
        assert!(matches!(
            err("aes128gcm16-ke1_mlkem768", SaKind::Esp),
            ProposalError::AdditionalAlone(_)
        ));
        assert!(matches!(
            err(
                "aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem768",
                SaKind::Ike
            ),
            ProposalError::AdditionalTwice(_)
        ));
    }
}
