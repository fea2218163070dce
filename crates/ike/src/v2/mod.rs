//! IKEv2: the phases of an IKE SA.
//!
//! ```text
//! initiator   InitSent ─────(► Mixing)──► Signing ──► AuthSent ──► Verifying ─┐
//!                                                                             ├──► Established ──► Closing ──► gone
//! responder   InitAnswered ──(► Mixed)──► Checking ──► Answering ─────────────┘          └───────► Lingering ──► gone
//! ```
//!
//! A responder that gives addresses waits for one (`Leasing`) behind `Answering`.
//!
//! In brackets what only additional key exchanges need. A post-quantum pre-shared key is mixed in before `Signing`
//! (`Strengthening`) and before `Checking` (`Recognising`).
//!
//! A phase is consumed by every input and returns the phase that follows, itself included.

pub(crate) mod agenda;
pub(crate) mod asking;
pub(crate) mod auth_initiator;
pub(crate) mod auth_responder;
pub(crate) mod child;
pub(crate) mod child_attempt;
pub(crate) mod child_offer;
pub(crate) mod closing;
pub(crate) mod config_payload;
pub(crate) mod create_child;
pub(crate) mod established;
pub(crate) mod followup;
pub(crate) mod ike_attempt;
pub(crate) mod informational;
pub(crate) mod init_answer;
pub(crate) mod init_sent;
pub(crate) mod inner_addresses;
pub(crate) mod intermediate;
pub(crate) mod keymat;
pub(crate) mod later;
pub(crate) mod leasing;
pub(crate) mod lifespan;
pub(crate) mod mobike;
pub(crate) mod mode;
pub(crate) mod narrow;
pub(crate) mod offer;
pub(crate) mod own_ke;
pub(crate) mod ppk;
pub(crate) mod proposals;
pub(crate) mod reauth;
pub(crate) mod reconfigure;
pub(crate) mod rekey;
pub(crate) mod support;
pub(crate) mod tending;
pub(crate) mod transcript;
pub(crate) mod verify;
pub(crate) mod volume;
pub(crate) mod waiting;

use adit_model::event::Party;

use crate::cx::Cx;
use crate::head::{Head, Incoming};
use crate::lease::LeaseAnswer;
use crate::output::{KeyAnswer, KeyRequestId};
use crate::snapshot::{IkeSaSnapshot, IkeSaState};
use crate::timers::Deadline;

use auth_initiator::{AuthSent, Signing, Verifying};
use auth_responder::{Answering, Checking};
use closing::{Closing, Lingering, closed};
use established::Established;
use init_answer::InitAnswered;
use init_sent::InitSent;
use intermediate::{Mixed, Mixing};
use leasing::Leasing;
use ppk::{Recognising, Strengthening};
use waiting::{AsksKeyHolder, Waiting};

/// Where an IKE SA is in its life.
pub(crate) enum Phase {
    InitSent(Box<InitSent>),
    Mixing(Box<Mixing>),
    Strengthening(Box<Strengthening>),
    Signing(Box<Signing>),
    AuthSent(Box<AuthSent>),
    Verifying(Box<Verifying>),
    InitAnswered(Box<InitAnswered>),
    Mixed(Box<Mixed>),
    Recognising(Box<Recognising>),
    Checking(Box<Checking>),
    Answering(Box<Answering>),
    Leasing(Box<Leasing>),
    Established(Box<Established>),
    Closing(Box<Closing>),
    Lingering(Box<Lingering>),
    Gone,
}

impl Phase {
    /// The attempt has failed; the event before says why.
    pub fn failed(cx: &mut Cx<'_>, head: &Head, by: Party) -> Phase {
        Self::ended(cx, head, by, "failed")
    }

    pub fn ended(cx: &mut Cx<'_>, head: &Head, by: Party, cause: &str) -> Phase {
        closed(cx, head, by, cause);
        Phase::Gone
    }

    pub fn handle_message(self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        match self {
            Phase::InitSent(p) => p.handle_message(cx, incoming),
            Phase::Mixing(p) => p.handle_message(cx, incoming),
            Phase::Strengthening(p) => p.handle_message(cx, incoming),
            Phase::Signing(p) => p.handle_message(cx, incoming),
            Phase::AuthSent(p) => p.handle_message(cx, incoming),
            Phase::Verifying(p) => p.handle_message(cx, incoming),
            Phase::InitAnswered(p) => p.handle_message(cx, incoming),
            Phase::Mixed(p) => p.handle_message(cx, incoming),
            Phase::Recognising(p) => p.handle_message(cx, incoming),
            Phase::Checking(p) => p.handle_message(cx, incoming),
            Phase::Answering(p) => p.handle_message(cx, incoming),
            Phase::Leasing(p) => p.handle_message(cx, incoming),
            Phase::Established(p) => p.handle_message(cx, incoming),
            Phase::Closing(p) => p.handle_message(cx, incoming),
            Phase::Lingering(p) => p.handle_message(cx, incoming),
            Phase::Gone => Phase::Gone,
        }
    }

    /// Phases that asked nothing ignore answers; so does every phase that asked something else.
    pub fn handle_answer(self, cx: &mut Cx<'_>, id: KeyRequestId, answer: KeyAnswer) -> Phase {
        match self {
            Phase::Strengthening(p) => p.handle_answer(cx, id, answer),
            Phase::Signing(p) => p.handle_answer(cx, id, answer),
            Phase::Verifying(p) => p.handle_answer(cx, id, answer),
            Phase::Recognising(p) => p.handle_answer(cx, id, answer),
            Phase::Checking(p) => p.handle_answer(cx, id, answer),
            Phase::Answering(p) => p.handle_answer(cx, id, answer),
            other => other,
        }
    }

    /// The holder of address pools answers. What the peer isn't there for any more goes back.
    pub fn handle_lease(self, cx: &mut Cx<'_>, id: KeyRequestId, answer: LeaseAnswer) -> Phase {
        match self {
            Phase::Leasing(p) => p.handle_lease(cx, id, answer),
            other => {
                leasing::unused(cx, &answer);
                other
            }
        }
    }

    pub fn handle_timeout(self, cx: &mut Cx<'_>) -> Phase {
        match self {
            Phase::InitSent(p) => p.handle_timeout(cx),
            Phase::Mixing(p) => p.handle_timeout(cx),
            Phase::Strengthening(p) => p.handle_timeout(cx),
            Phase::Signing(p) => p.handle_timeout(cx),
            Phase::AuthSent(p) => p.handle_timeout(cx),
            Phase::Verifying(p) => p.handle_timeout(cx),
            Phase::InitAnswered(p) => p.handle_timeout(cx),
            Phase::Mixed(p) => p.handle_timeout(cx),
            Phase::Recognising(p) => p.handle_timeout(cx),
            Phase::Checking(p) => p.handle_timeout(cx),
            Phase::Answering(p) => p.handle_timeout(cx),
            Phase::Leasing(p) => p.handle_timeout(cx),
            Phase::Established(p) => p.handle_timeout(cx),
            Phase::Closing(p) => p.handle_timeout(cx),
            Phase::Lingering(p) => p.handle_timeout(cx),
            Phase::Gone => Phase::Gone,
        }
    }

    pub fn deadline(&self, cx: &Cx<'_>) -> Option<Deadline> {
        match self {
            Phase::InitSent(p) => p.deadline(),
            Phase::Mixing(p) => p.deadline(),
            Phase::Strengthening(p) => p.deadline(),
            Phase::Signing(p) => p.deadline(),
            Phase::AuthSent(p) => p.deadline(),
            Phase::Verifying(p) => p.deadline(),
            Phase::InitAnswered(p) => p.deadline(),
            Phase::Mixed(p) => p.deadline(),
            Phase::Recognising(p) => p.deadline(),
            Phase::Checking(p) => p.deadline(),
            Phase::Answering(p) => p.deadline(),
            Phase::Leasing(p) => p.deadline(),
            Phase::Established(p) => p.deadline(cx.settings),
            Phase::Closing(p) => p.deadline(cx.now.mono),
            Phase::Lingering(p) => p.deadline(),
            Phase::Gone => None,
        }
    }

    /// Deletes an IKE SA that is established or may be so for the peer; any other just ends.
    pub fn close(self, cx: &mut Cx<'_>, cause: &'static str) -> Phase {
        match self {
            Phase::AuthSent(p) => p.close(cx, cause),
            Phase::Verifying(p) => p.close(cx, cause),
            Phase::Established(p) => p.close(cx, cause),
            Phase::Closing(_) | Phase::Lingering(_) | Phase::Gone => self,
            connecting => match connecting.head() {
                Some(head) => Self::ended(cx, &head.clone(), Party::Us, cause),
                None => Phase::Gone,
            },
        }
    }

    pub fn head(&self) -> Option<&Head> {
        match self {
            Phase::InitSent(p) => Some(&p.head),
            Phase::Mixing(p) => Some(p.head()),
            Phase::Strengthening(p) => Some(p.head()),
            Phase::Signing(p) => Some(p.head()),
            Phase::AuthSent(p) => Some(p.head()),
            Phase::Verifying(p) => Some(p.head()),
            Phase::InitAnswered(p) => Some(&p.secured.head),
            Phase::Mixed(p) => Some(&p.half.secured.head),
            Phase::Recognising(p) => Some(p.head()),
            Phase::Checking(p) => Some(&p.request.secured.head),
            Phase::Answering(p) => Some(&p.request.secured.head),
            Phase::Leasing(p) => Some(p.head()),
            Phase::Established(p) => Some(&p.secured.head),
            Phase::Closing(p) => Some(&p.secured.head),
            Phase::Lingering(p) => Some(p.head()),
            Phase::Gone => None,
        }
    }

    /// Whether we began it and it isn't up.
    pub fn is_attempt_of_ours(&self) -> bool {
        matches!(
            self,
            Phase::InitSent(_)
                | Phase::Mixing(_)
                | Phase::Strengthening(_)
                | Phase::Signing(_)
                | Phase::AuthSent(_)
                | Phase::Verifying(_)
        )
    }

    /// Whether anything has come from the peer in an attempt of ours.
    pub fn is_answered(&self) -> bool {
        match self {
            Phase::InitSent(p) => p.is_answered(),
            _ => true,
        }
    }

    /// Whether a peer began it and hasn't authenticated yet.
    pub fn is_half_open(&self) -> bool {
        match self {
            Phase::InitAnswered(_)
            | Phase::Mixed(_)
            | Phase::Recognising(_)
            | Phase::Checking(_)
            | Phase::Answering(_)
            | Phase::Leasing(_) => true,
            Phase::Lingering(p) => p.unverified,
            _ => false,
        }
    }

    /// A connection is configured no more: who hasn't authenticated yet can't have it.
    pub fn without_candidate(self, name: &str) -> Phase {
        match self {
            Phase::InitAnswered(mut p) => {
                p.candidates.retain(|c| c.name != name);
                Phase::InitAnswered(p)
            }
            Phase::Mixed(mut p) => {
                p.half.candidates.retain(|c| c.name != name);
                Phase::Mixed(p)
            }
            other => other,
        }
    }

    /// Whether nothing is to be done but to repeat an answer.
    pub const fn is_over(&self) -> bool {
        matches!(self, Phase::Lingering(_) | Phase::Gone)
    }

    /// Whether both sides have authenticated.
    pub const fn is_up(&self) -> bool {
        matches!(self, Phase::Established(_))
    }

    /// Whether the IKE SA is up, or being set up.
    pub fn is_active(&self) -> bool {
        match self {
            Phase::Established(p) => p.replaced.is_none() && p.doomed.is_none(),
            Phase::Closing(_) | Phase::Lingering(_) | Phase::Gone => false,
            _ => true,
        }
    }

    pub fn snapshot(&self) -> Option<IkeSaSnapshot> {
        match self {
            Phase::Established(p) => Some(p.snapshot()),
            Phase::Closing(p) => Some(p.secured.head.snapshot(IkeSaState::Closing)),
            Phase::Lingering(_) | Phase::Gone => None,
            connecting => connecting
                .head()
                .map(|head| head.snapshot(IkeSaState::Connecting)),
        }
    }
}
