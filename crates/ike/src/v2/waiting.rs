//! Phases that wait for a local party: what comes meanwhile, its answer and its silence are taken in one way.

use adit_model::Mono;
use adit_model::reason::Refusal;

use crate::cx::Cx;
use crate::head::Incoming;
use crate::output::{KeyAnswer, KeyRequestId};
use crate::timers::{Deadline, TimerReason};
use crate::v2::{Phase, verify};

/// A phase in which somebody here was asked something.
pub(crate) trait Waiting: Sized {
    /// Until when an answer is waited for.
    fn until(&self) -> Mono;

    /// The phase as it is.
    fn stay(self: Box<Self>) -> Phase;

    /// The peer says something before its time.
    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>);

    /// Nothing comes of it.
    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase;

    fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        self.meanwhile(cx, incoming);
        self.stay()
    }

    fn handle_timeout(self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.until() > cx.now.mono {
            return self.stay();
        }
        self.give_up(cx, verify::key_holder_silent())
    }

    fn deadline(&self) -> Option<Deadline> {
        Some((self.until(), TimerReason::KeyHolder))
    }
}

/// A phase in which it is the key holder.
pub(crate) trait AsksKeyHolder: Waiting {
    /// The request that is out.
    fn asked(&self) -> Option<KeyRequestId>;

    /// The answer to it came.
    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase;

    /// An answer came, perhaps to something else.
    fn handle_answer(
        self: Box<Self>,
        cx: &mut Cx<'_>,
        id: KeyRequestId,
        answer: KeyAnswer,
    ) -> Phase {
        if self.asked() == Some(id) {
            self.answered(cx, answer)
        } else {
            self.stay()
        }
    }
}
