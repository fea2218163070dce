//! An IKE SA that is up (RFC 7296 1.3, 1.4, 2.3, 2.4): what it has, what the peer asks of it, and its deadlines. What we
//! ask ourselves is in [`agenda`](crate::v2::agenda).

use core::time::Duration;

use adit_model::connection::Retransmit;
use adit_model::event::{Happening, Party};
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_model::{Mono, Wall};
use adit_wire::iana::ExchangeType;
use adit_wire::v2::PayloadList;
use adit_wire::v2::rules::Shape;

use crate::cx::{Cx, Note};
use crate::head::Incoming;
use crate::lease::LeaseId;
use crate::output::Output;
use crate::secured::{Accepted, Follow, Secured};
use crate::settings::Settings;
use crate::snapshot::{ChildSaState, IkeSaSnapshot, IkeSaState, Reauth};
use crate::timers::{Deadline, TimerReason, sooner};
use crate::v2::agenda::{Agenda, Task};
use crate::v2::asking::Asking;
use crate::v2::child::{Child, ChildEvent};
use crate::v2::closing::{Closing, Lingering, closed, delete_ike, refuse};
use crate::v2::followup::{self, Unfinished};
use crate::v2::lifespan::{LONGEST_BUSY_WAIT, Lifespan, Setback, wait};
use crate::v2::mobike::Mobility;
use crate::v2::reauth::AuthEnd;
use crate::v2::tending::Missing;
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
    /// What we ask of the peer.
    pub agenda: Agenda,
    /// What both sides ask each other of packets' ways.
    pub asking: Asking,
    /// What the peer has begun and goes on with in further key exchanges.
    pub unfinished: Vec<Unfinished>,
    /// Configured children that we want and don't have.
    pub missing: Vec<Missing>,
    /// When it is rekeyed, and when it ends without.
    pub span: Lifespan,
    /// Another IKE SA is in this one's place; when we delete this one if the peer doesn't.
    pub replaced: Option<Mono>,
    /// It is to be deleted as soon as it is known whether the peer has put the IKE SA that we asked for in its place;
    /// why.
    pub doomed: Option<&'static str>,
    /// Whether we set the connection up, and see to it that its children are there.
    pub began: bool,
    /// A packet has set the connection up: its children come when packets want them.
    pub on_demand: bool,
    /// What the peer's addresses inside the tunnel are leased under.
    pub lease: Option<LeaseId>,
    /// When both sides had proved who they are.
    pub proved: Mono,
    /// When we authenticate anew.
    pub reauth: Option<Mono>,
    /// When we would by what was configured when both sides had proved themselves, whatever the peer says.
    pub planned: Option<Mono>,
    /// Until when the peer was told to authenticate anew, and when the IKE SA ends because it hasn't (RFC 4478).
    pub auth_end: Option<AuthEnd>,
    /// For how many seconds the peer says that it keeps what was authenticated, and when they are over (RFC 4478).
    pub auth_told: Option<(u32, Mono)>,
    /// When the NAT before us has to see a packet again.
    pub keepalive: Option<Mono>,
    /// What it takes to go on over another path, if both sides can.
    pub mobility: Option<Mobility>,
    /// A limit that it has reached.
    pub over: Option<String>,
    /// Its message IDs are used up so far that it is rekeyed.
    worn: bool,
    /// The peer is too busy for whatever we ask (RFC 7296 2.25).
    busy: Option<Busy>,
    /// When somebody last said that the peer has lost our SAs.
    doubted: Option<Mono>,
}

impl Established {
    /// The IKE SA of a verified peer; tells that it is up.
    pub fn new(cx: &mut Cx<'_>, secured: Secured, peer: VerifiedPeer) -> Self {
        let local_id = secured.head.connection.local_id.clone();
        let remote_id = peer.identity().clone();
        let new = Self::start(cx, secured, local_id, remote_id);
        new.tell(cx);
        new
    }

    /// Puts another IKE SA in this one's place: peers stay authenticated, children are inherited (RFC 7296 2.18).
    pub fn hand_over(&mut self, cx: &mut Cx<'_>, secured: Secured, by: Party) {
        let (local_id, remote_id) = (self.local_id.clone(), self.remote_id.clone());
        let mut new = Self::start(cx, secured, local_id, remote_id);
        // The window of a new IKE SA is one until more is said (1.3.2).
        new.secured.untold = true;
        new.tell(cx);
        let plain = |secured: &Secured| {
            let (spi_i, spi_r) = secured.head.spis();
            (spi_i.0, spi_r.0)
        };
        let what = Happening::IkeRekeyed {
            old: plain(&self.secured),
            new: plain(&new.secured),
            by,
        };
        cx.event(&new.secured.head, what);
        new.began = self.began;
        new.on_demand = self.on_demand;
        new.lease = self.lease.take();
        (new.proved, new.planned) = (self.proved, self.planned.take());
        (new.reauth, new.auth_end) = (self.reauth.take(), self.auth_end.take());
        new.auth_told = self.auth_told.take();
        self.bequeath_path(cx, &mut new);
        new.children = core::mem::take(&mut self.children);
        new.missing = core::mem::take(&mut self.missing);
        new.agenda = self.agenda.bequeath();
        new.asking = core::mem::take(&mut self.asking);
        if let Some(gives_way) = self.replaced {
            // Both give way to the same newer one.
            new.replaced = Some(gives_way);
            new.span = Lifespan::default();
        }
        self.drop_unfinished(cx, |_| true);
        self.replaced = Some(cx.now.mono + self.patience(cx.settings));
        self.span = Lifespan::default();
        // What is doomed lives on in the new one; this one is merely replaced.
        let phase = match self.doomed.take() {
            Some(cause) => new.close(cx, cause),
            None => {
                new.work(cx);
                Phase::Established(Box::new(new))
            }
        };
        cx.note(Note::New(phase));
    }

    /// Another new IKE SA in this one's place, which the peer made and will delete.
    pub fn redundant(&self, cx: &mut Cx<'_>, secured: Secured) -> Self {
        let (local_id, remote_id) = (self.local_id.clone(), self.remote_id.clone());
        let mut redundant = Self::start(cx, secured, local_id, remote_id);
        redundant.replaced = Some(cx.now.mono + self.patience(cx.settings));
        redundant.span = Lifespan::default();
        redundant
    }

    fn tell(&self, cx: &mut Cx<'_>) {
        if let Some(suite) = self.secured.head.suite {
            let (spi_i, spi_r) = self.secured.head.spis();
            let what = Happening::IkeEstablished {
                local_id: self.local_id.clone(),
                remote_id: self.remote_id.clone(),
                suite,
                spis: (spi_i.0, spi_r.0),
            };
            cx.event(&self.secured.head, what);
        }
    }

    fn start(cx: &Cx<'_>, secured: Secured, local_id: Identity, remote_id: Identity) -> Self {
        let life = &secured.head.connection.life;
        let span = Lifespan::new(cx, life.rekey, life.lifetime);
        let behind_nat = secured.head.nat.is_some_and(|nat| nat.local_behind_nat);
        Self {
            secured,
            local_id,
            remote_id,
            since: cx.now.wall,
            children: Vec::new(),
            last_heard: cx.now.mono,
            agenda: Agenda::default(),
            asking: Asking::default(),
            unfinished: Vec::new(),
            missing: Vec::new(),
            span,
            replaced: None,
            doomed: None,
            began: false,
            on_demand: false,
            lease: None,
            proved: cx.now.mono,
            reauth: None,
            planned: None,
            auth_end: None,
            auth_told: None,
            over: None,
            worn: false,
            busy: None,
            doubted: None,
            keepalive: behind_nat.then(|| cx.now.mono + cx.settings.nat_keepalive),
            mobility: None,
        }
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let before = self.secured.head.path;
        // The answers of the initial exchanges count for none of it.
        self.secured.replies.widen(self.connection().window);
        let requests = [
            ExchangeType::CREATE_CHILD_SA,
            ExchangeType::INFORMATIONAL,
            ExchangeType::IKE_FOLLOWUP_KE,
        ];
        let accepted = self
            .secured
            .accept(cx, incoming, &requests, Follow::BehindNat);
        if accepted.is_some() {
            self.last_heard = cx.now.mono;
        }
        if self.secured.head.path != before {
            self.move_children(cx);
        }
        let Some(accepted) = accepted else {
            return Phase::Established(self);
        };
        if let Accepted::Request(Ok((_, payloads))) | Accepted::Response(Ok((_, payloads))) =
            &accepted
        {
            self.secured.heed_window(payloads);
        }
        self.mind_message_ids(cx);
        match accepted {
            Accepted::Response(content) => {
                let message_id = incoming.message.header.message_id;
                self.answered(cx, message_id, content)
            }
            Accepted::Request(content) => self.asked(cx, content),
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
            Shape::FollowupRequest => {
                followup::answer(&mut self, cx, &payloads);
                Phase::Established(self)
            }
            _ => {
                create_child::answer(&mut self, cx, &payloads);
                Phase::Established(self)
            }
        }
    }

    /// Another IKE SA of the same peers has come; this one goes after a while if the peer doesn't delete it. The peer may
    /// still be waiting for our last answer on the new one.
    pub fn give_way(&mut self, cx: &Cx<'_>) {
        self.give_way_until(cx.now.mono + self.patience(cx.settings));
    }

    /// Another IKE SA carries everything; this one goes then.
    pub fn give_way_until(&mut self, then: Mono) {
        self.replaced = Some(then);
        self.agenda.leave_renewals();
        self.plan_nothing();
    }

    /// Nothing of it is renewed or ended by time any more.
    fn plan_nothing(&mut self) {
        self.span = Lifespan::default();
        (self.reauth, self.planned, self.auth_end) = (None, None, None);
        for child in &mut self.children {
            child.span = Lifespan::default();
        }
        self.missing.clear();
    }

    /// When it is deleted because another one is in its place. One that is doomed waits for an answer instead.
    fn goes_at(&self) -> Option<Mono> {
        self.replaced.filter(|_| self.doomed.is_none())
    }

    /// Tells that the peer is busy.
    pub fn put_off(&self, cx: &mut Cx<'_>, what: String, wait: Duration) {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        cx.event(&self.secured.head, Happening::PutOff { what, wait_ms });
    }

    /// Takes the children down and tells that the IKE SA is no more. What remains can still repeat its last answer.
    pub fn end(mut self, cx: &mut Cx<'_>, by: Party, cause: &str) -> Secured {
        self.agenda.abandon(cx);
        self.drop_unfinished(cx, |_| true);
        self.end_lease(cx);
        for child in self.children {
            child.close(cx, &self.secured.head, ChildEvent::IkeClosed, by);
        }
        let cause = match (self.replaced, self.doomed) {
            (Some(_), _) => "replaced",
            (None, Some(doomed)) => doomed,
            (None, None) => cause,
        };
        closed(cx, &self.secured.head, by, cause);
        self.secured
    }

    /// Deletes the IKE SA with its children, telling the peer.
    pub fn close(mut self, cx: &mut Cx<'_>, cause: &'static str) -> Phase {
        self.drop_unfinished(cx, |_| true);
        if self.agenda.ike_attempt().is_some() {
            // The peer may have put the new IKE SA in this one's place: then that one has to be deleted as well.
            for child in core::mem::take(&mut self.children) {
                child.close(cx, &self.secured.head, ChildEvent::IkeClosed, Party::Us);
            }
            self.plan_nothing();
            self.agenda.bequeath();
            self.doomed.get_or_insert(cause);
            return Phase::Established(Box::new(self));
        }
        self.agenda.abandon(cx);
        self.end_lease(cx);
        Closing::begin(cx, self.secured, self.children, delete_ike(), cause)
    }

    pub fn inbound_esp_seen(&mut self, now: Mono) {
        self.last_heard = self.last_heard.max(now);
    }

    /// Something says that the peer can't be reached: it is asked for a sign of life now, unless one is fresh.
    pub fn path_failed(&mut self, cx: &mut Cx<'_>) {
        let quiet = self.last_heard + FRESH <= cx.now.mono;
        if quiet && self.liveness_due().is_some() {
            self.agenda.add(Task::Liveness);
            self.work(cx);
        }
    }

    /// Somebody says that the peer has lost its SAs with us: it is asked for a sign of life, and has a few seconds for
    /// it. `false` when that was done just now.
    pub fn is_doubted(&mut self, cx: &mut Cx<'_>) -> bool {
        let now = cx.now.mono;
        let lately = self.doubted.is_some_and(|at| now < at + FRESH);
        if lately || self.replaced.is_some() || self.doomed.is_some() {
            return false;
        }
        self.doubted = Some(now);
        if self.secured.pending.is_empty() {
            self.agenda.add(Task::Liveness);
            self.work(cx);
        }
        self.secured.reschedule(IMPATIENT);
        true
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        let now = cx.now.mono;
        if self.secured.retransmit(cx) {
            self.end(cx, Party::Us, "dead-peer");
            return Phase::Gone;
        }
        if self.goes_at().is_some_and(|at| at <= now) {
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
            self.agenda.add(Task::Liveness);
        }
        let lifetime = self.connection().life.lifetime.as_secs();
        if self.span.end.is_some_and(|at| at <= now) {
            self.over.get_or_insert_with(|| format!("{lifetime} s"));
        }
        if let (Some(limit), None) = (self.over.take(), self.doomed) {
            let what = Happening::Expired {
                what: "the IKE SA".to_owned(),
                limit,
                why: self.span.problem.take(),
            };
            cx.event(&self.secured.head, what);
            return self.close(cx, "expired");
        }
        if let Some(told) = self.auth_end.filter(|told| told.end <= now) {
            let what = Happening::Expired {
                what: "the IKE SA".to_owned(),
                // Another value may be configured by now.
                limit: format!("{} s", told.seconds),
                why: Some("the peer hasn't authenticated anew".to_owned()),
            };
            cx.event(&self.secured.head, what);
            return self.close(cx, "expired");
        }
        if self.reauth.is_some_and(|at| at <= now) {
            // Once more, should it fail.
            self.reauth = Some(now + wait(cx, Setback::Refused, 1));
            cx.note(Note::Reauthenticate);
        }
        if self.span.renew.is_some_and(|at| at <= now) {
            self.span.renew = None;
            self.agenda.add(Task::RekeyIke);
        }
        self.forget_unfinished(cx);
        self.tend_children(cx);
        let patience = self.patience(cx.settings);
        for child in &self.children {
            if child.state == ChildSaState::Rekeyed && child.since + patience <= now {
                self.agenda.add(Task::DeleteChild(child.spi_in));
            }
        }
        self.work(cx);
        Phase::Established(self)
    }

    /// Message IDs never wrap (2.2): well before their end the IKE SA is rekeyed, and if that doesn't succeed it ends.
    fn mind_message_ids(&mut self, cx: &Cx<'_>) {
        let used = self.secured.next_request.max(self.secured.replies.next);
        let limit = cx.settings.message_id_limit;
        if used < limit || self.replaced.is_some() || self.doomed.is_some() {
            return;
        }
        if !core::mem::replace(&mut self.worn, true) {
            self.span.renew = Some(cx.now.mono);
        }
        if used >= limit.saturating_mul(2).min(u32::MAX - LAST_WORDS) {
            self.over.get_or_insert_with(|| format!("{used} requests"));
        }
    }

    /// The peer can't do now what we have asked for. Where that goes on for minutes on end, the two of us aren't of one
    /// mind, and the IKE SA is to end (2.25).
    pub fn peer_is_busy(&mut self, now: Mono) {
        // What we would have asked again long ago has come about without us: this is another matter.
        let again = (LONGEST_BUSY_WAIT + self.connection().retransmit.total()).min(MOST_BUSY);
        let goes_on = self.busy.filter(|busy| now < busy.last + again);
        let since = goes_on.map_or(now, |busy| busy.since);
        self.busy = Some(Busy { since, last: now });
        if since + MOST_BUSY <= now {
            let seconds = MOST_BUSY.as_secs();
            self.over
                .get_or_insert_with(|| format!("{seconds} s of TEMPORARY_FAILURE"));
        }
    }

    /// The peer does what we ask, or refuses it for good, or has made an SA of its own.
    pub fn peer_is_at_ease(&mut self) {
        self.busy = None;
    }

    /// The peer makes no SA beyond those that are there: what is to be renewed takes a new IKE SA (1.3).
    pub fn start_over(&self, cx: &mut Cx<'_>) {
        if self.began && self.replaced.is_none() {
            cx.note(Note::Reauthenticate);
        }
    }

    /// How long what was replaced may wait to be deleted by the peer that replaced it: it may be repeating its request
    /// still.
    fn patience(&self, settings: &Settings) -> Duration {
        let repeating = self.connection().retransmit.total();
        settings.half_open_timeout.max(repeating)
    }

    fn liveness_due(&self) -> Option<Mono> {
        let delay = self.secured.head.connection.dpd_delay;
        let asks = !delay.is_zero()
            && self.secured.pending.is_empty()
            && self.agenda.is_empty()
            && self.replaced.is_none();
        asks.then(|| self.last_heard + delay)
    }

    pub fn deadline(&self, settings: &Settings) -> Option<Deadline> {
        let patience = self.patience(settings);
        let superseded = self
            .children
            .iter()
            .filter(|c| c.state == ChildSaState::Rekeyed)
            .filter(|c| !self.agenda.has(&Task::DeleteChild(c.spi_in)))
            .map(|c| c.since + patience)
            .min();
        let also = |at: Option<Mono>, reason| at.map(|at| (at, reason));
        let spans = self.children.iter().filter_map(|c| c.span.next());
        let missing = self.missing.iter().filter_map(|m| m.at);
        let unfinished = self.unfinished.iter().map(Unfinished::deadline).min();
        let over = self.over.as_ref().map(|_| Mono(0));
        [
            also(over, TimerReason::Renewal),
            also(unfinished, TimerReason::Followup),
            also(self.span.next(), TimerReason::Renewal),
            also(self.reauth, TimerReason::Renewal),
            also(self.auth_end.map(|told| told.end), TimerReason::Renewal),
            also(spans.min(), TimerReason::Renewal),
            also(missing.min(), TimerReason::Renewal),
            self.secured.retransmit_deadline(),
            also(self.liveness_due(), TimerReason::Liveness),
            also(self.keepalive, TimerReason::Keepalive),
            also(self.goes_at(), TimerReason::Replaced),
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
            rekey_at: self.span.renew.into_iter().chain(self.reauth).min(),
            reauth: Reauth {
                proved: Some(self.proved),
                told: self.auth_told,
                ours: self.reauth,
                planned: self.planned,
                given: self.auth_end.map(|told| told.until),
                end: self.auth_end.map(|told| told.end),
                began: self.began,
            },
            children: self.children.iter().map(|c| c.snapshot(head)).collect(),
            ..head.snapshot(state)
        }
    }
}

/// A row of refusals because the peer is busy: the first and the last one.
#[derive(Clone, Copy)]
struct Busy {
    since: Mono,
    last: Mono,
}

/// How a peer is asked that may have lost our SAs: five seconds in all.
pub(crate) const IMPATIENT: Retransmit = Retransmit {
    initial: Duration::from_millis(500),
    backoff_percent: 150,
    max: Duration::from_secs(1),
    tries: 5,
};

/// Message IDs that are left for what has to be said at the end.
const LAST_WORDS: u32 = 64;
/// How long a peer may go on being busy.
const MOST_BUSY: Duration = Duration::from_secs(300);

/// How long a sign of life outweighs a report that the peer can't be reached.
const FRESH: Duration = Duration::from_secs(5);
