//! Additional key exchanges between IKE_SA_INIT and IKE_AUTH (RFC 9370 2.2.2), one in each IKE_INTERMEDIATE exchange
//! (RFC 9242): `InitSent → Mixing → Signing`, and on the other side `InitAnswered → Mixed → Checking`.
//!
//! After each of them all keys are new. Nobody has authenticated yet; what the messages said enters the AUTH values
//! later, through the [`transcript`](crate::v2::transcript).

use std::collections::VecDeque;

use adit_crypto::{Ephemeral, IkeKeyInputs, IkeKeys};
use adit_model::Secret;
use adit_model::event::{Asked, Happening, Party};
use adit_model::feature::Feature;
use adit_model::keywords::ke_name;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{KePayload, Notify, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::describe;
use crate::head::{Head, Incoming};
use crate::secured::{Accepted, Follow, Secured};
use crate::timers::Deadline;
use crate::v2::auth_initiator::Attempt;
use crate::v2::auth_responder;
use crate::v2::closing::{Lingering, closed, refuse};
use crate::v2::init_answer::InitAnswered;
use crate::v2::transcript::Transcript;
use crate::v2::{Phase, keymat, ppk};

/// We carry out IKE_INTERMEDIATE (RFC 9242 3.1).
pub(crate) fn supported() -> Payload {
    Payload::Notify(Notify::new(NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED))
}

/// Initiator: an IKE_INTERMEDIATE request is out.
pub(crate) struct Mixing {
    attempt: Box<Attempt>,
    method: KeMethod,
    ephemeral: Box<dyn Ephemeral>,
    left: VecDeque<KeMethod>,
}

/// Responder: an IKE_INTERMEDIATE request was answered.
pub(crate) struct Mixed {
    pub half: Box<InitAnswered>,
    left: VecDeque<KeMethod>,
}

/// The additional key exchanges that IKE_SA_INIT agreed on.
fn agreed(head: &Head) -> VecDeque<KeMethod> {
    head.suite
        .iter()
        .flat_map(|s| s.additional().collect::<Vec<_>>())
        .collect()
}

/// Goes on after IKE_SA_INIT, as initiator.
pub(crate) fn begin(cx: &mut Cx<'_>, attempt: Box<Attempt>) -> Phase {
    let left = agreed(&attempt.secured.head);
    next(cx, attempt, left)
}

/// Sends the next request, or authenticates when none is left.
fn next(cx: &mut Cx<'_>, mut attempt: Box<Attempt>, mut left: VecDeque<KeMethod>) -> Phase {
    let Some(method) = left.pop_front() else {
        return ppk::begin(cx, attempt);
    };
    let exchange = match cx.provider.ke(method) {
        Ok(exchange) => exchange,
        Err(error) => {
            let what = Feature::algorithm(error);
            return abandon(cx, &attempt, Refusal::Unsupported { what });
        }
    };
    let (ephemeral, data) = exchange.start(&*cx.provider.random);
    let request = PayloadList(vec![Payload::Ke(KePayload { method, data })]);
    let schedule = attempt.secured.head.connection.retransmit;
    attempt
        .secured
        .request(cx, ExchangeType::IKE_INTERMEDIATE, &request, schedule);
    Phase::Mixing(Box::new(Mixing {
        attempt,
        method,
        ephemeral,
        left,
    }))
}

/// We can't go on. For the responder the IKE SA stays half open until its time is over.
fn abandon(cx: &mut Cx<'_>, attempt: &Attempt, refusal: Refusal) -> Phase {
    let what = Happening::Refused {
        what: ExchangeType::IKE_INTERMEDIATE.to_string(),
        refusal,
        notify: None,
    };
    cx.event(&attempt.secured.head, what);
    Phase::failed(cx, &attempt.secured.head, Party::Us)
}

impl Mixing {
    pub fn head(&self) -> &Head {
        &self.attempt.secured.head
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let accepted = self
            .attempt
            .secured
            .accept(cx, incoming, &[], Follow::BehindNat);
        match accepted {
            Some(Accepted::Response(content)) => self.answered(cx, content),
            _ => Phase::Mixing(self),
        }
    }

    fn answered(self, cx: &mut Cx<'_>, content: Result<(Shape, PayloadList), Refusal>) -> Phase {
        let Self {
            mut attempt,
            method,
            ephemeral,
            left,
        } = self;
        let payloads = match content {
            Ok((Shape::IntermediateError, payloads)) => {
                if let Some(notify) = payloads.error_notify() {
                    let what = refused_by_peer(&attempt.secured.head, notify);
                    cx.event(&attempt.secured.head, what);
                }
                return Phase::failed(cx, &attempt.secured.head, Party::Peer);
            }
            Ok((_, payloads)) => payloads,
            Err(refusal) => return abandon(cx, &attempt, refusal),
        };
        let mixed = value_for(method, &payloads)
            .and_then(|data| {
                ephemeral
                    .finish(data)
                    .map_err(|error| bad_value(method, &error.to_string()))
            })
            .and_then(|shared| {
                let Attempt {
                    secured,
                    transcript,
                    ..
                } = &mut *attempt;
                mix(cx, secured, transcript, &shared)
            });
        match mixed {
            Ok(()) => next(cx, attempt, left),
            Err(refusal) => abandon(cx, &attempt, refusal),
        }
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.attempt.secured.retransmit(cx) {
            return Phase::failed(cx, self.head(), Party::Us);
        }
        Phase::Mixing(self)
    }

    pub fn deadline(&self) -> Option<Deadline> {
        self.attempt.secured.retransmit_deadline()
    }
}

fn refused_by_peer(head: &Head, notify: &Notify) -> Happening {
    Happening::PeerRefused {
        what: ExchangeType::IKE_INTERMEDIATE.to_string(),
        notify: notify.kind.0,
        name: notify.kind.to_string(),
        data: describe::hex(&notify.data),
        asked: Asked {
            proposals: head.suite.into_iter().map(Into::into).collect(),
            ..Asked::default()
        },
    }
}

/// Which exchange has to come next, for a responder that has answered IKE_SA_INIT.
pub(crate) fn awaited(head: &Head) -> ExchangeType {
    match agreed(head).is_empty() {
        true => ExchangeType::IKE_AUTH,
        false => ExchangeType::IKE_INTERMEDIATE,
    }
}

/// The first IKE_INTERMEDIATE request came.
pub(crate) fn answer(
    cx: &mut Cx<'_>,
    half: Box<InitAnswered>,
    content: Result<(Shape, PayloadList), Refusal>,
) -> Phase {
    let left = agreed(&half.secured.head);
    Mixed { half, left }.answer(cx, content)
}

impl Mixed {
    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let awaited = match self.left.is_empty() {
            true => ExchangeType::IKE_AUTH,
            false => ExchangeType::IKE_INTERMEDIATE,
        };
        let accepted = self
            .half
            .secured
            .accept(cx, incoming, &[awaited], Follow::Floating);
        match accepted {
            Some(Accepted::Request(content)) if self.left.is_empty() => {
                auth_responder::begin(cx, self.half, content)
            }
            Some(Accepted::Request(content)) => self.answer(cx, content),
            _ => Phase::Mixed(self),
        }
    }

    fn answer(mut self, cx: &mut Cx<'_>, content: Result<(Shape, PayloadList), Refusal>) -> Phase {
        let done = content.and_then(|(_, payloads)| self.exchange(cx, &payloads));
        match done {
            Ok(()) => Phase::Mixed(Box::new(self)),
            Err(refusal) => fail(cx, self.half.secured, refusal),
        }
    }

    fn exchange(&mut self, cx: &mut Cx<'_>, request: &PayloadList) -> Result<(), Refusal> {
        let method = self.left.pop_front().unwrap_or(KeMethod::NONE);
        let theirs = value_for(method, request)?;
        let exchange = cx
            .provider
            .ke(method)
            .map_err(|error| Refusal::Unsupported {
                what: Feature::algorithm(error),
            })?;
        let (data, shared) = exchange
            .respond(&*cx.provider.random, theirs)
            .map_err(|error| bad_value(method, &error.to_string()))?;
        let InitAnswered {
            secured,
            transcript,
            ..
        } = &mut *self.half;
        // The answer still goes under the keys that the request came under.
        secured.reply(
            cx,
            &PayloadList(vec![Payload::Ke(KePayload { method, data })]),
        );
        mix(cx, secured, transcript, &shared)
    }

    pub fn handle_timeout(self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.half.until > cx.now.mono {
            return Phase::Mixed(self);
        }
        Phase::ended(cx, &self.half.secured.head, Party::Us, "half-open-timeout")
    }

    pub fn deadline(&self) -> Option<Deadline> {
        self.half.deadline()
    }
}

/// Refuses the IKE SA; the message came from whoever began it, so it is told.
fn fail(cx: &mut Cx<'_>, mut secured: Secured, refusal: Refusal) -> Phase {
    let notify = refuse(cx, &mut secured, &refusal);
    let what = Happening::Refused {
        what: ExchangeType::IKE_INTERMEDIATE.to_string(),
        refusal,
        notify,
    };
    cx.event(&secured.head, what);
    closed(cx, &secured.head, Party::Us, "failed");
    Lingering::begin_unverified(cx, secured)
}

/// The value for the method whose turn it is.
pub(crate) fn value_for(method: KeMethod, payloads: &PayloadList) -> Result<&[u8], Refusal> {
    match payloads.ke() {
        Some(ke) if ke.method == method => Ok(&ke.data),
        Some(ke) => {
            let problem = format!("a value of {} came instead", ke_name(ke.method));
            Err(bad_value(method, &problem))
        }
        None => Err(bad_value(method, "there is none")),
    }
}

/// A value that isn't one of the method.
pub(crate) fn bad_value(method: KeMethod, problem: &str) -> Refusal {
    Refusal::KeValue {
        method: ke_name(method),
        problem: problem.to_owned(),
    }
}

/// Takes the exchange that is over into the transcript, and its secret into the keys (RFC 9242 3.3.2, RFC 9370 2.2.2).
fn mix(
    cx: &mut Cx<'_>,
    secured: &mut Secured,
    transcript: &mut Transcript,
    shared: &Secret,
) -> Result<(), Refusal> {
    let local = |problem: String| Refusal::Local { problem };
    let head = &secured.head;
    let suite = head
        .suite
        .ok_or_else(|| local("no suite was agreed on".to_owned()))?;
    let agreed = suite;
    let suite = keymat::ike_suite(cx.provider, &suite).map_err(|error| local(error.to_string()))?;
    transcript.take_intermediate(&secured.channel, head.role, &secured.intermediate);
    let (ni, nr) = transcript.nonces(head.role);
    let (spi_i, spi_r) = head.spis();
    let inputs = IkeKeyInputs {
        ni,
        nr,
        shared,
        spi_i: spi_i.to_bytes(),
        spi_r: spi_r.to_bytes(),
    };
    let keys = IkeKeys::derive_updated(&suite, &secured.channel.sk_d, &inputs);
    keymat::tell(cx, &agreed, &inputs, &keys);
    let fragmentation = secured.channel.fragmentation;
    let channel = Channel::new(&suite, keys, head.role, fragmentation)
        .map_err(|error| local(error.to_string()))?;
    secured.update_keys(channel);
    Ok(())
}
