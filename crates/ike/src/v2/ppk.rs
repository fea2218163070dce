//! A pre-shared key that is mixed into the keys besides (RFC 8784): who records today and breaks the key exchange tomorrow
//! lacks it. `… → Strengthening → Signing` as initiator, `… → Recognising → Checking` as responder.
//!
//! Like every long-term key it stays with the key holder, who is handed SK_d, SK_pi and SK_pr and gives them back mixed.

use std::sync::Arc;

use adit_model::Mono;
use adit_model::connection::Ppk;
use adit_model::event::Party;
use adit_model::reason::{PpkProblem, Refusal};
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::head::{Head, Incoming};
use crate::output::{DerivedKeys, KeyAnswer, KeyRequest, KeyRequestId, ToMix};
use crate::v2::Phase;
use crate::v2::auth_initiator::Attempt;
use crate::v2::auth_responder::Checking;
use crate::v2::transcript::id_payload;
use crate::v2::verify;
use crate::v2::waiting::{AsksKeyHolder, Waiting};

/// Both sides have such keys.
pub(crate) fn announcement() -> Payload {
    Payload::Notify(Notify::new(NotifyType::USE_PPK))
}

pub(crate) fn is_announced(payloads: &PayloadList) -> bool {
    payloads.notify(NotifyType::USE_PPK).is_some()
}

/// First octet of a PPK_ID: an identity that stays the same (RFC 8784 5.1).
const FIXED: u8 = 2;

/// The key that an initiator has mixed in, until the responder has said whether it did so too.
pub(crate) struct Mixed {
    ppk: Ppk,
    /// The keys without it.
    without: DerivedKeys,
    /// Our proof without it, for a responder that doesn't know the key.
    proof_without: Option<Vec<u8>>,
}

/// The key holder mixes the key in, or makes a proof without it.
pub(crate) struct Strengthening {
    attempt: Box<Attempt>,
    mixed: Option<Mixed>,
    asked: KeyRequestId,
    until: Mono,
}

/// Asks the key holder to mix the key named `id` into our keys.
fn ask(cx: &mut Cx<'_>, head: &Head, id: &str, keys: DerivedKeys) -> Option<KeyRequestId> {
    let request = ToMix {
        connection: head.connection.name.clone(),
        ppk: id.to_owned(),
        prf: head.suite?.prf?,
        keys,
    };
    Some(cx.ask(KeyRequest::Mix(request)))
}

fn mixed_keys(answer: KeyAnswer) -> Result<DerivedKeys, Refusal> {
    match answer {
        KeyAnswer::Mixed(keys) => Ok(keys),
        KeyAnswer::Refused(refusal) => Err(refusal),
        KeyAnswer::Signed(_) | KeyAnswer::Verified => Err(verify::besides_the_question()),
    }
}

/// Before IKE_AUTH, as initiator: mixes the key in, if both sides have announced one.
pub(crate) fn begin(cx: &mut Cx<'_>, attempt: Box<Attempt>) -> Phase {
    let head = &attempt.secured.head;
    let Some(ppk) = head
        .connection
        .ppk
        .as_ref()
        .filter(|_| attempt.ppk_announced)
    else {
        return attempt.sign(cx);
    };
    match ask(cx, head, &ppk.id, attempt.secured.channel.derived()) {
        Some(asked) => Phase::Strengthening(Box::new(Strengthening {
            until: cx.now.mono + cx.settings.key_timeout,
            attempt,
            mixed: None,
            asked,
        })),
        None => Phase::failed(cx, attempt.head(), Party::Us),
    }
}

impl Strengthening {
    pub fn head(&self) -> &Head {
        self.attempt.head()
    }
}

impl Waiting for Strengthening {
    fn until(&self) -> Mono {
        self.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Strengthening(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.attempt.meanwhile(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        self.attempt.abandon(cx, refusal)
    }
}

impl AsksKeyHolder for Strengthening {
    fn asked(&self) -> Option<KeyRequestId> {
        Some(self.asked)
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let Self {
            mut attempt, mixed, ..
        } = *self;
        match mixed {
            None => match mixed_keys(answer) {
                Ok(keys) => strengthened(cx, attempt, keys),
                Err(refusal) => attempt.abandon(cx, refusal),
            },
            Some(mixed) => match verify::signed(answer) {
                Ok(signed) => {
                    attempt.ppk = Some(Mixed {
                        proof_without: Some(signed.proof),
                        ..mixed
                    });
                    attempt.sign(cx)
                }
                Err(refusal) => attempt.abandon(cx, refusal),
            },
        }
    }
}

/// The keys are mixed. Where the peer may do without, it needs a proof without them too (NO_PPK_AUTH).
fn strengthened(cx: &mut Cx<'_>, mut attempt: Box<Attempt>, keys: DerivedKeys) -> Phase {
    let Some(ppk) = attempt.head().connection.ppk.clone() else {
        return attempt.sign(cx);
    };
    let id = id_payload(&attempt.head().connection.local_id);
    let octets = attempt.transcript.our_octets(&attempt.secured.channel, &id);
    attempt.secured.head.ppk = Some(ppk.id.as_str().into());
    let mixed = Mixed {
        without: attempt.secured.channel.replace_derived(keys),
        proof_without: None,
        ppk,
    };
    if mixed.ppk.required {
        attempt.ppk = Some(mixed);
        return attempt.sign(cx);
    }
    let remote_id = verify::expected_identity(attempt.head());
    match verify::ask_sign(cx, attempt.head(), remote_id, octets, attempt.peer.clone()) {
        Some(asked) => Phase::Strengthening(Box::new(Strengthening {
            until: cx.now.mono + cx.settings.key_timeout,
            attempt,
            mixed: Some(mixed),
            asked,
        })),
        None => Phase::failed(cx, attempt.head(), Party::Us),
    }
}

impl Mixed {
    /// `N(PPK_IDENTITY, PPK_ID), [N(NO_PPK_AUTH)]`
    pub fn payloads(&self) -> impl Iterator<Item = Payload> {
        let id = [&[FIXED], self.ppk.id.as_bytes()].concat();
        let without = self
            .proof_without
            .as_ref()
            .map(|proof| Notify::with_data(NotifyType::NO_PPK_AUTH, proof.clone()));
        core::iter::once(Notify::with_data(NotifyType::PPK_IDENTITY, id))
            .chain(without)
            .map(Payload::Notify)
    }
}

/// The responder has answered IKE_AUTH: with the key, or without, which only an optional one allows.
pub(crate) fn settle(attempt: &mut Attempt, response: &PayloadList) -> Result<(), Refusal> {
    let Some(mixed) = attempt.ppk.take() else {
        return Ok(());
    };
    if response.notify(NotifyType::PPK_IDENTITY).is_some() {
        return Ok(());
    }
    if mixed.ppk.required {
        return Err(Refusal::Ppk {
            theirs: None,
            ours: Some(mixed.ppk.id),
            problem: PpkProblem::NotTaken,
        });
    }
    attempt.secured.channel.replace_derived(mixed.without);
    attempt.secured.head.ppk = None;
    Ok(())
}

/// Whether an initiator can go on with a responder that has, or hasn't, announced such keys.
pub(crate) fn acceptable(ours: Option<&Ppk>, announced: bool) -> Result<(), Refusal> {
    match ours {
        Some(ppk) if ppk.required && !announced => Err(Refusal::Ppk {
            theirs: None,
            ours: Some(ppk.id.clone()),
            problem: PpkProblem::PeerHasNone,
        }),
        _ => Ok(()),
    }
}

/// How an initiator's proof is to be taken.
pub(crate) enum Taken {
    /// As it is.
    Plain,
    /// With this key mixed in.
    With(String),
    /// The initiator's other proof, which does without the key.
    Without(Vec<u8>),
}

/// What a responder does about an initiator's IKE_AUTH request (RFC 8784 table 1).
pub(crate) fn take(
    ours: Option<&Ppk>,
    announced: bool,
    request: &PayloadList,
) -> Result<Taken, Refusal> {
    if !announced {
        return acceptable(ours, false).map(|()| Taken::Plain);
    }
    let our_id = ours.map(|ppk| ppk.id.clone());
    let Some(named) = request.notify(NotifyType::PPK_IDENTITY) else {
        return Err(Refusal::Ppk {
            theirs: None,
            ours: our_id,
            problem: PpkProblem::NotNamed,
        });
    };
    let theirs = named.data.split_first().map_or(&[][..], |(_, id)| id);
    let required = match ours {
        Some(ppk) if ppk.id.as_bytes() == theirs => return Ok(Taken::With(ppk.id.clone())),
        Some(ppk) => ppk.required,
        None => false,
    };
    match request.notify(NotifyType::NO_PPK_AUTH) {
        Some(without) if !required => Ok(Taken::Without(without.data.clone())),
        _ => Err(Refusal::Ppk {
            theirs: Some(String::from_utf8_lossy(theirs).escape_debug().to_string()),
            ours: our_id,
            problem: PpkProblem::Unknown,
        }),
    }
}

/// `N(PPK_IDENTITY)`: the responder has mixed the key in too.
pub(crate) fn taken() -> Payload {
    Payload::Notify(Notify::new(NotifyType::PPK_IDENTITY))
}

/// The key holder mixes the key into the keys of a peer that is being authenticated.
pub(crate) struct Recognising {
    checking: Box<Checking>,
    asked: KeyRequestId,
    /// The key's name.
    name: Arc<str>,
}

/// Goes on, as responder, to look at the peer's proof: with the key mixed in, if there is one.
pub(crate) fn recognise(cx: &mut Cx<'_>, mut checking: Box<Checking>, ppk: Option<&str>) -> Phase {
    let Some(id) = ppk else {
        return checking.ask(cx);
    };
    let request = &mut checking.request;
    request.until = request.until.min(cx.now.mono + cx.settings.key_timeout);
    let keys = request.secured.channel.derived();
    match ask(cx, &request.secured.head, id, keys) {
        Some(asked) => Phase::Recognising(Box::new(Recognising {
            checking,
            asked,
            name: id.into(),
        })),
        None => checking.fail(cx, verify::key_holder_silent()),
    }
}

impl Recognising {
    pub fn head(&self) -> &Head {
        &self.checking.request.secured.head
    }
}

impl Waiting for Recognising {
    fn until(&self) -> Mono {
        self.checking.request.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Recognising(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.checking.request.busy(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        self.checking.fail(cx, refusal)
    }
}

impl AsksKeyHolder for Recognising {
    fn asked(&self) -> Option<KeyRequestId> {
        Some(self.asked)
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let mut checking = self.checking;
        match mixed_keys(answer) {
            Ok(keys) => {
                checking.mix(keys);
                checking.request.secured.head.ppk = Some(self.name);
                checking.ask(cx)
            }
            Err(refusal) => checking.fail(cx, refusal),
        }
    }
}

/// Whether a connection among these has such a key: what a responder announces before it knows which one is meant.
pub(crate) fn any<'a>(connections: impl IntoIterator<Item = &'a Ppk>) -> bool {
    connections.into_iter().next().is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ppk(required: bool) -> Ppk {
        Ppk {
            id: "k1".to_owned(),
            required,
        }
    }

    fn request(id: Option<&str>, without: bool) -> PayloadList {
        let id = id.map(|id| {
            let data = [&[FIXED], id.as_bytes()].concat();
            Notify::with_data(NotifyType::PPK_IDENTITY, data)
        });
        let without = without.then(|| Notify::with_data(NotifyType::NO_PPK_AUTH, vec![9]));
        id.into_iter().chain(without).map(Payload::Notify).collect()
    }

    /// RFC 8784 table 1, row by row, and the sentence before it about who names no key.
    #[test]
    fn the_table_of_the_responder() {
        let told = |announced, without, ours: Option<Ppk>, theirs: &str| {
            let request = request(Some(theirs), without);
            match take(ours.as_ref(), announced, &request) {
                Ok(Taken::Plain) => "standard",
                Ok(Taken::With(_)) => "use",
                Ok(Taken::Without(_)) => "standard, other proof",
                Err(_) => "abort",
            }
        };
        for without in [false, true] {
            assert_eq!(told(false, without, None, "k1"), "standard");
            assert_eq!(told(false, without, Some(ppk(false)), "k1"), "standard");
            assert_eq!(told(false, without, Some(ppk(true)), "k1"), "abort");
            for required in [false, true] {
                assert_eq!(told(true, without, Some(ppk(required)), "k1"), "use");
            }
        }
        // "Configured with PPK: no" includes one that is configured under another name.
        assert_eq!(told(true, false, None, "k1"), "abort");
        assert_eq!(told(true, false, Some(ppk(false)), "k2"), "abort");
        assert_eq!(told(true, true, Some(ppk(true)), "k2"), "abort");
        assert_eq!(
            told(true, true, Some(ppk(false)), "k2"),
            "standard, other proof"
        );
        assert_eq!(told(true, true, None, "k1"), "standard, other proof");

        let unnamed = take(Some(&ppk(false)), true, &request(None, true));
        assert!(matches!(
            unnamed,
            Err(Refusal::Ppk {
                problem: PpkProblem::NotNamed,
                ..
            })
        ));
    }
}
