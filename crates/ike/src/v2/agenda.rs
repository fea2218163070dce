//! What we ask of the peer on our own account: one request at a time (RFC 7296 2.3), the others wait in a queue.

use std::collections::VecDeque;

use adit_model::connection::Connection;
use adit_model::event::{Happening, Party};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, ProtocolId};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{Delete, Payload, PayloadList};

use crate::cx::Cx;
use crate::v2::Phase;
use crate::v2::child::{self, ChildEvent};
use crate::v2::child_attempt::ChildAttempt;
use crate::v2::established::Established;
use crate::v2::followup::PEER_IS_AT_IT;
use crate::v2::ike_attempt::IkeAttempt;
use crate::v2::lifespan::Setback;
use crate::v2::mobike::PathRequest;

/// Something to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Whether the peer lives.
    Liveness,
    /// To delete the pair that we receive under this SPI.
    DeleteChild(u32),
    /// To delete a pair that the peer made and that we can't use.
    Disown(u32),
    /// Another pair in the place of the one that we receive under this SPI.
    RekeyChild(u32),
    /// A pair for the configured child of this name.
    NewChild(String),
    /// Another IKE SA in the place of this one.
    RekeyIke,
    /// To use the path that we use (RFC 4555 3.5).
    UpdatePath,
    /// To know our other addresses (3.6).
    AnnounceAddresses,
    /// Whether it receives at the address where it says that it is (3.7).
    CheckPath,
}

/// What our pending request is about.
pub(crate) enum InFlight {
    Liveness,
    DeleteChild(u32),
    Disown(u32),
    Child(Box<ChildAttempt>),
    Ike(Box<IkeAttempt>),
    Path(PathRequest),
}

/// The request that is out, and those that wait.
#[derive(Default)]
pub(crate) struct Agenda {
    pub in_flight: Option<InFlight>,
    todo: VecDeque<Task>,
}

impl Agenda {
    /// Puts a task at the end, unless it is there already or under way.
    pub fn add(&mut self, task: Task) {
        if !self.has(&task) {
            self.todo.push_back(task);
        }
    }

    /// Puts a task before all others. The same may be under way, for what has changed since.
    pub fn add_first(&mut self, task: Task) {
        self.todo.retain(|waiting| *waiting != task);
        self.todo.push_front(task);
    }

    fn has(&self, task: &Task) -> bool {
        let under_way = match (&self.in_flight, task) {
            (Some(InFlight::Liveness), Task::Liveness)
            | (Some(InFlight::Ike(_)), Task::RekeyIke) => true,
            (Some(InFlight::DeleteChild(at)), Task::DeleteChild(spi)) => at == spi,
            (Some(InFlight::Child(attempt)), Task::RekeyChild(spi)) => {
                attempt.replaces == Some(*spi)
            }
            (Some(InFlight::Child(attempt)), Task::NewChild(name)) => attempt.name() == name,
            _ => false,
        };
        under_way || self.todo.contains(task)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.todo.is_empty()
    }

    /// Whether no child is asked for, or about to be.
    pub fn awaits_no_child(&self) -> bool {
        let new = |task: &Task| matches!(task, Task::NewChild(_));
        !matches!(self.in_flight, Some(InFlight::Child(_))) && !self.todo.iter().any(new)
    }

    /// Whether we are rekeying the IKE SA.
    pub fn ike_attempt(&mut self) -> Option<&mut IkeAttempt> {
        match &mut self.in_flight {
            Some(InFlight::Ike(attempt)) => Some(attempt),
            _ => None,
        }
    }

    /// Our attempt to make a CHILD SA that is under way.
    pub fn child_attempt(&mut self) -> Option<&mut ChildAttempt> {
        match &mut self.in_flight {
            Some(InFlight::Child(attempt)) => Some(attempt),
            _ => None,
        }
    }

    /// The old pair that we are replacing, when the peer has agreed and further key exchanges are under way.
    pub fn followed_child(&self) -> Option<u32> {
        match &self.in_flight {
            Some(InFlight::Child(attempt)) if attempt.goes_on() => attempt.replaces,
            _ => None,
        }
    }

    /// Forgets everything; SPIs of what was under way are free again.
    pub fn abandon(&mut self, cx: &mut Cx<'_>) {
        self.todo.clear();
        match self.in_flight.take() {
            Some(InFlight::Child(attempt)) => attempt.release(cx),
            Some(InFlight::Ike(attempt)) => attempt.release(cx),
            Some(InFlight::Disown(spi_in)) => cx.desk.spis.release_esp(spi_in),
            Some(InFlight::Liveness | InFlight::DeleteChild(_) | InFlight::Path(_)) | None => {}
        }
    }

    /// What waits and concerns children, or the path, goes to the IKE SA that inherits them.
    pub fn bequeath(&mut self) -> Self {
        let mut todo = core::mem::take(&mut self.todo);
        todo.retain(|task| !matches!(task, Task::Liveness | Task::RekeyIke));
        if let Some(InFlight::Path(request)) = &self.in_flight {
            todo.push_front(request.task());
        }
        Self {
            in_flight: None,
            todo,
        }
    }
}

impl Established {
    /// Sends the next own request, if none is pending. While the peer's further key exchanges lead to a new IKE SA, all
    /// waits for that one: what an exchange on this one begins couldn't be ended there.
    pub fn work(&mut self, cx: &mut Cx<'_>) {
        while self.secured.pending.is_none()
            && !self.peer_rekeys_ike()
            && let Some(task) = self.agenda.todo.pop_front()
        {
            let Some((in_flight, payloads)) = self.begin(cx, task) else {
                continue;
            };
            let exchange = match in_flight {
                InFlight::Child(_) | InFlight::Ike(_) => ExchangeType::CREATE_CHILD_SA,
                _ => ExchangeType::INFORMATIONAL,
            };
            self.agenda.in_flight = Some(in_flight);
            self.send(cx, exchange, &payloads);
        }
    }

    /// Sends a request of what is in flight.
    pub fn send(&mut self, cx: &mut Cx<'_>, exchange: ExchangeType, payloads: &PayloadList) {
        let schedule = self.connection().retransmit;
        self.secured.request(cx, exchange, payloads, schedule);
    }

    /// The request for a task; `None` when there is nothing to ask for any more.
    fn begin(&mut self, cx: &mut Cx<'_>, task: Task) -> Option<(InFlight, PayloadList)> {
        let delete = |spi_in| {
            PayloadList(vec![Payload::Delete(Delete::child(
                ProtocolId::ESP,
                [spi_in],
            ))])
        };
        match task {
            Task::Liveness => Some((InFlight::Liveness, self.liveness_payloads())),
            Task::UpdatePath | Task::AnnounceAddresses | Task::CheckPath => {
                self.begin_path_request(cx, task)
            }
            Task::Disown(spi_in) => Some((InFlight::Disown(spi_in), delete(spi_in))),
            Task::DeleteChild(spi_in) => {
                let head = self.secured.head.clone();
                // The peer may have been faster.
                let child = self.children.iter_mut().find(|c| c.spi_in == spi_in)?;
                child.step(ChildEvent::DeleteSent, cx.now.mono).then(|| {
                    child.retire(cx, &head);
                    (InFlight::DeleteChild(spi_in), delete(spi_in))
                })
            }
            Task::RekeyChild(spi_in) => {
                let child = self.children.iter().find(|c| c.spi_in == spi_in);
                let name = child.filter(|c| c.is_installed())?.name.clone();
                if self.peer_rekeys_child(spi_in) {
                    let (setback, problem) = PEER_IS_AT_IT;
                    let problem = problem.to_owned();
                    self.child_failed(cx, &name, Some(spi_in), setback, problem);
                    return None;
                }
                self.begin_child(cx, &name, Some(spi_in))
            }
            Task::NewChild(name) => {
                if self.has(&name) {
                    self.missing.retain(|m| m.name != name);
                    return None;
                }
                self.begin_child(cx, &name, None)
            }
            Task::RekeyIke => match IkeAttempt::begin(&self.secured, cx) {
                Ok(attempt) => {
                    let request = attempt.request();
                    Some((InFlight::Ike(Box::new(attempt)), request))
                }
                Err(refusal) => {
                    self.refused_by_us(cx, "rekeying the IKE SA".to_owned(), &refusal);
                    self.span.put_off(cx, Setback::Refused, refusal.to_string());
                    None
                }
            },
        }
    }

    fn begin_child(
        &mut self,
        cx: &mut Cx<'_>,
        name: &str,
        replaces: Option<u32>,
    ) -> Option<(InFlight, PayloadList)> {
        match ChildAttempt::begin(&self.secured.head, cx, name, replaces) {
            Ok(attempt) => {
                let request = attempt.request();
                Some((InFlight::Child(Box::new(attempt)), request))
            }
            Err(refusal) => {
                let what = child::title(&self.secured.head, Some(name));
                self.refused_by_us(cx, what, &refusal);
                self.child_failed(cx, name, replaces, Setback::Refused, refusal.to_string());
                None
            }
        }
    }

    /// The response to a request of ours came.
    pub fn answered(
        mut self: Box<Self>,
        cx: &mut Cx<'_>,
        content: Result<(Shape, PayloadList), Refusal>,
    ) -> Phase {
        let payloads = match content {
            Ok((_, payloads)) => payloads,
            Err(refusal) => {
                let exchange = match &self.agenda.in_flight {
                    Some(InFlight::Child(_) | InFlight::Ike(_)) => ExchangeType::CREATE_CHILD_SA,
                    _ => ExchangeType::INFORMATIONAL,
                };
                self.refused_by_us(cx, exchange.to_string(), &refusal);
                self.end(cx, Party::Us, "failed");
                return Phase::Gone;
            }
        };
        match self.agenda.in_flight.take() {
            Some(InFlight::Liveness) => {
                cx.event(&self.secured.head, Happening::PeerAlive);
                self.look_at_mapping(&payloads);
            }
            Some(InFlight::Path(request)) => return self.path_answered(cx, request, &payloads),
            Some(InFlight::DeleteChild(spi_in)) => {
                self.remove_child(cx, spi_in, ChildEvent::DeleteAnswered, Party::Us);
            }
            Some(InFlight::Disown(spi_in)) => cx.desk.spis.release_esp(spi_in),
            Some(InFlight::Child(attempt)) => attempt.concluded(&mut self, cx, &payloads),
            Some(InFlight::Ike(attempt)) => return attempt.concluded(self, cx, &payloads),
            None => {}
        }
        self.work(cx);
        Phase::Established(self)
    }

    pub fn refused_by_us(&self, cx: &mut Cx<'_>, what: String, refusal: &Refusal) {
        let what = Happening::Refused {
            what,
            refusal: refusal.clone(),
            notify: None,
        };
        cx.event(&self.secured.head, what);
    }

    pub fn connection(&self) -> &Connection {
        &self.secured.head.connection
    }
}
