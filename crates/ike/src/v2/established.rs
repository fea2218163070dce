//! An IKE SA that is up: a queue of exchanges under the message window (RFC 7296 1.3, 1.4, 2.3, 2.4).

use std::collections::VecDeque;

use adit_model::dataplane::DataPlaneRequest;
use adit_model::event::{Happening, Party};
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_model::{Mono, Wall};
use adit_wire::iana::{ExchangeType, ProtocolId};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{Delete, Payload, PayloadList};

use crate::cx::Cx;
use crate::head::Incoming;
use crate::output::Output;
use crate::secured::{Accepted, Follow, Secured};
use crate::snapshot::{ChildSaState, IkeSaSnapshot, IkeSaState};
use crate::timers::{Deadline, TimerReason, sooner};
use crate::v2::child::{Child, ChildEvent};
use crate::v2::closing::{Closing, Lingering, closed, delete_ike, refuse};
use crate::v2::verify::VerifiedPeer;
use crate::v2::{Phase, create_child, informational, rekey};

/// Both sides have authenticated.
pub(crate) struct Established {
    pub secured: Secured,
    pub local_id: Identity,
    pub remote_id: Identity,
    pub since: Wall,
    pub children: Vec<Child>,
    /// When the peer last gave a sign of life.
    pub last_heard: Mono,
    /// What our pending request is about.
    in_flight: Option<Task>,
    todo: VecDeque<Task>,
    /// The peer has put another IKE SA in this one's place; when we delete this one ourselves.
    pub replaced: Option<Mono>,
    keepalive: Option<Mono>,
}

/// What we ask of the peer on our own account.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Task {
    /// Whether it lives.
    Liveness,
    /// To delete the pair that we receive under this SPI.
    DeleteChild(u32),
}

impl Established {
    /// The IKE SA of a verified peer; tells that it is up.
    pub fn new(cx: &mut Cx<'_>, secured: Secured, peer: VerifiedPeer) -> Self {
        let local_id = secured.head.connection.local_id.clone();
        let remote_id = peer.identity().clone();
        Self::start(cx, secured, local_id, remote_id)
    }

    /// The IKE SA that takes this one's place: peers stay authenticated, children are inherited (RFC 7296 2.18).
    pub fn successor(&mut self, cx: &mut Cx<'_>, secured: Secured) -> Self {
        let (local_id, remote_id) = (self.local_id.clone(), self.remote_id.clone());
        let mut new = Self::start(cx, secured, local_id, remote_id);
        new.children = core::mem::take(&mut self.children);
        self.replaced = Some(cx.now.mono + cx.settings.half_open_timeout);
        self.todo.clear();
        new
    }

    fn start(cx: &mut Cx<'_>, secured: Secured, local_id: Identity, remote_id: Identity) -> Self {
        if let Some(suite) = secured.head.suite {
            let (spi_i, spi_r) = secured.head.spis();
            let what = Happening::IkeEstablished {
                local_id: local_id.clone(),
                remote_id: remote_id.clone(),
                suite,
                spis: (spi_i.0, spi_r.0),
            };
            cx.event(&secured.head, what);
        }
        let behind_nat = secured.head.nat.is_some_and(|nat| nat.local_behind_nat);
        Self {
            secured,
            local_id,
            remote_id,
            since: cx.now.wall,
            children: Vec::new(),
            last_heard: cx.now.mono,
            in_flight: None,
            todo: VecDeque::new(),
            replaced: None,
            keepalive: behind_nat.then(|| cx.now.mono + cx.settings.nat_keepalive),
        }
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let before = self.secured.head.path;
        let requests = [ExchangeType::CREATE_CHILD_SA, ExchangeType::INFORMATIONAL];
        let accepted = self
            .secured
            .accept(cx, incoming, &requests, Follow::BehindNat);
        if accepted.is_some() {
            self.last_heard = cx.now.mono;
        }
        if self.secured.head.path != before {
            self.move_children(cx);
        }
        match accepted {
            None => Phase::Established(self),
            Some(Accepted::Response(content)) => self.answered(cx, content),
            Some(Accepted::Request(content)) => self.asked(cx, content),
        }
    }

    fn move_children(&self, cx: &mut Cx<'_>) {
        let spis_in: Vec<u32> = self.children.iter().map(|c| c.spi_in).collect();
        if !spis_in.is_empty() {
            cx.data_plane(DataPlaneRequest::MovePath {
                connection: self.secured.head.connection.name.clone(),
                spis_in,
                path: self.secured.head.child_path(),
            });
        }
    }

    fn asked(
        mut self: Box<Self>,
        cx: &mut Cx<'_>,
        content: Result<(Shape, PayloadList), Refusal>,
    ) -> Phase {
        let exchange = self.secured.replies.current.map(|c| c.exchange.to_string());
        let (shape, payloads) = match content {
            Ok(read) => read,
            Err(refusal) => {
                let notify = refuse(cx, &mut self.secured, &refusal);
                // INVALID_SYNTAX ends the IKE SA on both sides; an unknown critical payload only the exchange
                // (RFC 7296 2.21.3, 2.5).
                let fatal = !matches!(refusal, Refusal::CriticalPayload { .. });
                let what = Happening::Refused {
                    what: exchange.unwrap_or_default(),
                    refusal,
                    notify,
                };
                cx.event(&self.secured.head, what);
                if fatal {
                    let secured = self.end(cx, Party::Us, "failed");
                    return Lingering::begin(cx, secured);
                }
                return Phase::Established(self);
            }
        };
        match shape {
            Shape::InformationalRequest => informational::answer(self, cx, &payloads),
            Shape::RekeyIkeRequest => {
                rekey::answer(&mut self, cx, &payloads);
                Phase::Established(self)
            }
            _ => {
                create_child::answer(&mut self, cx, &payloads);
                Phase::Established(self)
            }
        }
    }

    /// The response to a request of ours came.
    fn answered(
        mut self: Box<Self>,
        cx: &mut Cx<'_>,
        content: Result<(Shape, PayloadList), Refusal>,
    ) -> Phase {
        let task = self.in_flight.take();
        if let Err(refusal) = content {
            let what = Happening::Refused {
                what: ExchangeType::INFORMATIONAL.to_string(),
                refusal,
                notify: None,
            };
            cx.event(&self.secured.head, what);
            self.end(cx, Party::Us, "failed");
            return Phase::Gone;
        }
        match task {
            Some(Task::Liveness) => cx.event(&self.secured.head, Happening::PeerAlive),
            Some(Task::DeleteChild(spi_in)) => {
                self.remove_child(cx, spi_in, ChildEvent::DeleteAnswered, Party::Us);
            }
            None => {}
        }
        self.work(cx);
        Phase::Established(self)
    }

    /// Takes down the pair that we receive under `spi_in`.
    pub fn remove_child(&mut self, cx: &mut Cx<'_>, spi_in: u32, event: ChildEvent, by: Party) {
        if let Some(at) = self.children.iter().position(|c| c.spi_in == spi_in) {
            let child = self.children.remove(at);
            child.close(cx, &self.secured.head, event, by);
        }
    }

    /// Whether we have asked the peer to delete a child and have no answer yet.
    pub fn is_deleting(&self) -> bool {
        self.children
            .iter()
            .any(|c| c.state == ChildSaState::Deleting)
    }

    /// Sends the next own request, if none is pending.
    fn work(&mut self, cx: &mut Cx<'_>) {
        if self.secured.pending.is_some() {
            return;
        }
        while let Some(task) = self.todo.pop_front() {
            let payloads = match task {
                Task::Liveness => PayloadList::default(),
                Task::DeleteChild(spi_in) => {
                    let now = cx.now.mono;
                    let child = self.children.iter_mut().find(|c| c.spi_in == spi_in);
                    // The peer may have been faster.
                    if !child.is_some_and(|c| c.step(ChildEvent::DeleteSent, now)) {
                        continue;
                    }
                    PayloadList(vec![Payload::Delete(Delete::child(
                        ProtocolId::ESP,
                        [spi_in],
                    ))])
                }
            };
            let schedule = self.secured.head.connection.retransmit;
            self.in_flight = Some(task);
            self.secured
                .request(cx, ExchangeType::INFORMATIONAL, &payloads, schedule);
            return;
        }
    }

    /// Takes the children down and tells that the IKE SA is no more. What remains can still repeat its last answer.
    pub fn end(self, cx: &mut Cx<'_>, by: Party, cause: &str) -> Secured {
        for child in self.children {
            child.close(cx, &self.secured.head, ChildEvent::IkeClosed, by);
        }
        let cause = if self.replaced.is_some() {
            "replaced"
        } else {
            cause
        };
        closed(cx, &self.secured.head, by, cause);
        self.secured
    }

    /// Deletes the IKE SA with its children, telling the peer.
    pub fn close(self, cx: &mut Cx<'_>, cause: &'static str) -> Phase {
        Closing::begin(cx, self.secured, self.children, delete_ike(), cause)
    }

    pub fn inbound_esp_seen(&mut self, now: Mono) {
        self.last_heard = self.last_heard.max(now);
    }

    /// Something says that the peer can't be reached: it is asked for a sign of life now, unless one is fresh.
    pub fn path_failed(&mut self, cx: &mut Cx<'_>) {
        let quiet = self.last_heard + FRESH <= cx.now.mono;
        if quiet && self.liveness_due().is_some() {
            self.todo.push_back(Task::Liveness);
            self.work(cx);
        }
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        let now = cx.now.mono;
        if self.secured.retransmit(cx) {
            self.end(cx, Party::Us, "dead-peer");
            return Phase::Gone;
        }
        if self.replaced.is_some_and(|until| until <= now) {
            return self.close(cx, "replaced");
        }
        if self.keepalive.is_some_and(|at| at <= now) {
            let path = self.secured.head.path;
            cx.desk.out.push(Output::Keepalive {
                local: path.local,
                remote: path.remote,
            });
            self.keepalive = Some(now + cx.settings.nat_keepalive);
        }
        if self.liveness_due().is_some_and(|at| at <= now) {
            self.todo.push_back(Task::Liveness);
        }
        let patience = cx.settings.half_open_timeout;
        for child in &self.children {
            let task = Task::DeleteChild(child.spi_in);
            if child.state == ChildSaState::Rekeyed
                && child.since + patience <= now
                && self.in_flight.as_ref() != Some(&task)
                && !self.todo.contains(&task)
            {
                self.todo.push_back(task);
            }
        }
        self.work(cx);
        Phase::Established(self)
    }

    fn liveness_due(&self) -> Option<Mono> {
        let delay = self.secured.head.connection.dpd_delay;
        let asks = !delay.is_zero()
            && self.secured.pending.is_none()
            && self.todo.is_empty()
            && self.replaced.is_none();
        asks.then(|| self.last_heard + delay)
    }

    pub fn deadline(&self, patience: core::time::Duration) -> Option<Deadline> {
        let superseded = self
            .children
            .iter()
            .filter(|c| c.state == ChildSaState::Rekeyed && self.secured.pending.is_none())
            .map(|c| c.since + patience)
            .min();
        let also = |at: Option<Mono>, reason| at.map(|at| (at, reason));
        [
            self.secured.retransmit_deadline(),
            also(self.liveness_due(), TimerReason::Liveness),
            also(self.keepalive, TimerReason::Keepalive),
            also(self.replaced, TimerReason::Replaced),
            also(superseded, TimerReason::Replaced),
        ]
        .into_iter()
        .fold(None, sooner)
    }

    pub fn snapshot(&self) -> IkeSaSnapshot {
        let head = &self.secured.head;
        let state = match self.replaced {
            Some(_) => IkeSaState::Replaced,
            None => IkeSaState::Established,
        };
        IkeSaSnapshot {
            local_id: Some(self.local_id.clone()),
            remote_id: Some(self.remote_id.clone()),
            established: Some(self.since),
            children: self.children.iter().map(|c| c.snapshot(head)).collect(),
            ..head.snapshot(state)
        }
    }
}

/// How long a sign of life outweighs a report that the peer can't be reached.
const FRESH: core::time::Duration = core::time::Duration::from_secs(5);
