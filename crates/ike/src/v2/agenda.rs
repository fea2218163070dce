//! What we ask of the peer on our own account: as many requests at a time as the peer takes (RFC 7296 2.3), the others
//! wait in a queue. What would be in each other's way goes one after the other all the same.

use std::collections::VecDeque;

use adit_model::connection::Connection;
use adit_model::event::{Happening, Party};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, ProtocolId};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{Delete, Payload, PayloadList};

use crate::cx::Cx;
use crate::v2::Phase;
use crate::v2::asking::Word;
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
    /// To say something about a packet's way, to a peer of our own kind.
    Say(Word),
}

/// What a request of ours is about.
pub(crate) enum InFlight {
    Liveness,
    DeleteChild(u32),
    Disown(u32),
    Child(Box<ChildAttempt>),
    Ike(Box<IkeAttempt>),
    Path(PathRequest),
    /// Whether the peer answers questions, before this one is put.
    Greeting(Word),
    /// A question or an answer.
    Word,
}

impl InFlight {
    fn release(self, cx: &mut Cx<'_>) {
        match self {
            InFlight::Child(attempt) => attempt.release(cx),
            InFlight::Ike(attempt) => attempt.release(cx),
            InFlight::Disown(spi_in) => cx.desk.spis.release_esp(spi_in),
            InFlight::Liveness
            | InFlight::DeleteChild(_)
            | InFlight::Path(_)
            | InFlight::Greeting(_)
            | InFlight::Word => {}
        }
    }

    /// The exchange that it begins with.
    fn exchange(&self) -> ExchangeType {
        match self {
            InFlight::Child(_) | InFlight::Ike(_) => ExchangeType::CREATE_CHILD_SA,
            _ => ExchangeType::INFORMATIONAL,
        }
    }
}

/// Something that we have begun.
struct Undertaking {
    what: InFlight,
    stage: Stage,
}

enum Stage {
    /// The request of this message ID is out.
    Asked(u32),
    /// The next request of several, which the window doesn't let out yet.
    Waits(ExchangeType, PayloadList),
}

/// What is under way, and what waits to be begun.
#[derive(Default)]
pub(crate) struct Agenda {
    begun: Vec<Undertaking>,
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

    /// Whether a task waits, or is under way.
    pub fn has(&self, task: &Task) -> bool {
        let is_it = |what: &InFlight| match (what, task) {
            (InFlight::Liveness, Task::Liveness) | (InFlight::Ike(_), Task::RekeyIke) => true,
            (InFlight::DeleteChild(at), Task::DeleteChild(spi)) => at == spi,
            (InFlight::Child(attempt), Task::RekeyChild(spi)) => attempt.replaces == Some(*spi),
            (InFlight::Child(attempt), Task::NewChild(name)) => attempt.name() == name,
            _ => false,
        };
        self.in_flight().any(is_it) || self.todo.contains(task)
    }

    fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.begun.iter().map(|undertaking| &undertaking.what)
    }

    fn in_flight_mut(&mut self) -> impl Iterator<Item = &mut InFlight> {
        self.begun
            .iter_mut()
            .map(|undertaking| &mut undertaking.what)
    }

    /// The next task that nothing under way is in the way of. A new IKE SA comes into being on its own: after all that was
    /// begun before, and before all that comes later.
    fn next(&mut self) -> Option<Task> {
        if self
            .in_flight()
            .any(|what| matches!(what, InFlight::Ike(_)))
        {
            return None;
        }
        let until = self.todo.iter().position(|task| *task == Task::RekeyIke);
        let first = self.todo.iter().take(until.unwrap_or(usize::MAX));
        let free = first.enumerate().find(|(_, task)| !self.is_barred(task));
        let at = match free {
            Some((at, _)) => at,
            None if self.begun.is_empty() => until?,
            None => return None,
        };
        self.todo.remove(at)
    }

    /// Whether a task has to wait for something that is under way.
    fn is_barred(&self, task: &Task) -> bool {
        let bars = |what: &InFlight| match (what, task) {
            (InFlight::Path(_), Task::UpdatePath | Task::AnnounceAddresses | Task::CheckPath) => {
                true
            }
            (InFlight::Child(attempt), Task::RekeyChild(spi) | Task::DeleteChild(spi)) => {
                attempt.replaces == Some(*spi)
            }
            (InFlight::Child(attempt), Task::NewChild(name)) => attempt.name() == name,
            _ => false,
        };
        self.in_flight().any(bars)
    }

    /// A child isn't asked for any more, unless that is under way.
    pub fn forget_child(&mut self, name: &str) {
        self.todo
            .retain(|task| !matches!(task, Task::NewChild(waiting) if waiting == name));
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.todo.is_empty()
    }

    /// Renews and makes nothing that hasn't begun: another IKE SA does.
    pub fn leave_renewals(&mut self) {
        use Task::{NewChild, RekeyChild, RekeyIke};
        self.todo
            .retain(|task| !matches!(task, NewChild(_) | RekeyChild(_) | RekeyIke));
    }

    /// Whether no child is asked for, or about to be.
    pub fn awaits_no_child(&self) -> bool {
        let new = |task: &Task| matches!(task, Task::NewChild(_));
        !self.is_making_child() && !self.todo.iter().any(new)
    }

    /// Whether we are making or rekeying a CHILD SA.
    pub fn is_making_child(&self) -> bool {
        self.in_flight()
            .any(|what| matches!(what, InFlight::Child(_)))
    }

    /// Whether we are rekeying the IKE SA.
    pub fn ike_attempt(&mut self) -> Option<&mut IkeAttempt> {
        self.in_flight_mut().find_map(|what| match what {
            InFlight::Ike(attempt) => Some(&mut **attempt),
            _ => None,
        })
    }

    /// The same, which then is under way no more.
    pub fn take_ike_attempt(&mut self) -> Option<Box<IkeAttempt>> {
        let is_it = |undertaking: &Undertaking| matches!(undertaking.what, InFlight::Ike(_));
        let at = self.begun.iter().position(is_it)?;
        match self.begun.remove(at).what {
            InFlight::Ike(attempt) => Some(attempt),
            _ => None,
        }
    }

    /// Our attempts to make CHILD SAs that are under way.
    pub fn child_attempts(&mut self) -> impl Iterator<Item = &mut ChildAttempt> {
        self.in_flight_mut().filter_map(|what| match what {
            InFlight::Child(attempt) => Some(&mut **attempt),
            _ => None,
        })
    }

    /// Requests about addresses that are under way.
    pub fn path_requests(&mut self) -> impl Iterator<Item = &mut PathRequest> {
        self.in_flight_mut().filter_map(|what| match what {
            InFlight::Path(request) => Some(request),
            _ => None,
        })
    }

    /// Whether we are replacing this old pair, the peer has agreed, and further key exchanges are under way.
    pub fn follows_child(&self, spi_in: u32) -> bool {
        self.in_flight().any(|what| match what {
            InFlight::Child(attempt) => attempt.goes_on() && attempt.replaces == Some(spi_in),
            _ => false,
        })
    }

    /// Forgets everything; SPIs of what was under way are free again.
    pub fn abandon(&mut self, cx: &mut Cx<'_>) {
        self.todo.clear();
        for undertaking in self.begun.drain(..) {
            undertaking.what.release(cx);
        }
    }

    /// What waits and concerns children, or the path, goes to the IKE SA that inherits them. What is to be told of the path
    /// stays besides: a peer that missed our answer knows no other IKE SA.
    pub fn bequeath(&mut self) -> Self {
        let mut todo = core::mem::take(&mut self.todo);
        let of_path = |task: &&Task| matches!(task, Task::UpdatePath | Task::AnnounceAddresses);
        self.todo = todo.iter().filter(of_path).cloned().collect();
        todo.retain(|task| !matches!(task, Task::Liveness | Task::RekeyIke));
        for request in self.path_requests() {
            todo.push_front(request.task());
        }
        Self {
            begun: Vec::new(),
            todo,
        }
    }
}

impl Established {
    /// Sends our next requests, as far as the window lets them out. While the peer's further key exchanges lead to a new
    /// IKE SA, all that isn't begun waits for that one: what an exchange on this one begins couldn't be ended there.
    pub fn work(&mut self, cx: &mut Cx<'_>) {
        while self.secured.may_ask() {
            let waits = |undertaking: &Undertaking| matches!(undertaking.stage, Stage::Waits(..));
            if let Some(at) = self.agenda.begun.iter().position(waits) {
                let undertaking = self.agenda.begun.remove(at);
                if let Stage::Waits(exchange, payloads) = undertaking.stage {
                    self.ask(cx, undertaking.what, exchange, payloads);
                }
                continue;
            }
            if self.peer_rekeys_ike() {
                return;
            }
            let Some(task) = self.agenda.next() else {
                return;
            };
            if let Some((what, payloads)) = self.begin(cx, task) {
                let exchange = what.exchange();
                self.ask(cx, what, exchange, payloads);
            }
        }
    }

    /// Sends a request as soon as the window lets it out.
    pub fn ask(
        &mut self,
        cx: &mut Cx<'_>,
        what: InFlight,
        exchange: ExchangeType,
        payloads: PayloadList,
    ) {
        let stage = if self.secured.may_ask() {
            let schedule = self.connection().retransmit;
            match self.secured.request(cx, exchange, &payloads, schedule) {
                Some(message_id) => Stage::Asked(message_id),
                // It can't be written down, which was told.
                None => return what.release(cx),
            }
        } else {
            Stage::Waits(exchange, payloads)
        };
        self.agenda.begun.push(Undertaking { what, stage });
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
            Task::Say(word) => self.begin_word(cx, word),
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
                let head = &self.secured.head;
                let what = child::title_of(head, Some(name), replaces.is_some());
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
        message_id: u32,
        content: Result<(Shape, PayloadList), Refusal>,
    ) -> Phase {
        let is_it = |undertaking: &Undertaking| match undertaking.stage {
            Stage::Asked(asked) => asked == message_id,
            Stage::Waits(..) => false,
        };
        let at = self.agenda.begun.iter().position(is_it);
        let what = at.map(|at| self.agenda.begun.remove(at).what);
        let payloads = match content {
            Ok((_, payloads)) => payloads,
            Err(refusal) => {
                let exchange = what.map_or(ExchangeType::INFORMATIONAL, |what| {
                    let exchange = what.exchange();
                    what.release(cx);
                    exchange
                });
                self.refused_by_us(cx, exchange.to_string(), &refusal);
                self.end(cx, Party::Us, "failed");
                return Phase::Gone;
            }
        };
        match what {
            Some(InFlight::Liveness) => {
                cx.event(&self.secured.head, Happening::PeerAlive);
                self.look_at_mapping(&payloads);
            }
            Some(InFlight::Greeting(word)) => self.greeting_answered(word, &payloads),
            Some(InFlight::Path(request)) => return self.path_answered(cx, request, &payloads),
            Some(InFlight::DeleteChild(spi_in)) => {
                self.remove_child(cx, spi_in, ChildEvent::DeleteAnswered, Party::Us);
            }
            Some(InFlight::Disown(spi_in)) => cx.desk.spis.release_esp(spi_in),
            Some(InFlight::Child(attempt)) => attempt.concluded(&mut self, cx, &payloads),
            Some(InFlight::Ike(attempt)) => return attempt.concluded(self, cx, &payloads),
            Some(InFlight::Word) | None => {}
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
