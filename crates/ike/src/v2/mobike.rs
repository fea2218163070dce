//! Moving (RFC 4555): the IKE SA and its children go on when an address of either side changes.
//!
//! Who began the first IKE SA of a series decides which addresses are used; after any rekeying it is still that side.
//! The other one follows, and tells when its own addresses change.
//!
//! ```text
//! decides   our address changed      N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*)        from the new address
//!           the peer's did           the same with N(COOKIE2); children move when it comes back
//!           the NAT's mapping did    seen by N(NAT_DETECTION_DESTINATION_IP) in answers to signs of life
//! follows   the peer updates         answer, then N(COOKIE2) to the new address; children move when it comes back
//!           our address changed      N(ADDITIONAL_*_ADDRESS)+ or N(NO_ADDITIONAL_ADDRESSES) from the new address
//! ```
//!
//! Packets of ESP move nobody, and neither do other authentic messages (3.8): only what is named above does, inside the
//! window. Requests that are pending when a path changes go out again over the new one (3.5).

mod moving;
mod notifies;

use std::net::IpAddr;

use adit_model::event::{Asked, Happening};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::describe;
use crate::head::NetPath;
use crate::nat;
use crate::notify;
use crate::v2::Phase;
use crate::v2::agenda::{InFlight, Task};
use crate::v2::established::Established;
use crate::v2::init_sent::nat_event;

pub(crate) use moving::is_usable;
pub(crate) use notifies::{announcement, check_no_nats, is_announced, others, prohibition};

/// What an IKE SA has whose sides have agreed that they may move.
#[derive(Clone)]
pub(crate) struct Mobility {
    /// Whether we decide which addresses are used.
    pub decides: bool,
    /// The peer's addresses beside the one that it uses.
    pub peer_addresses: Vec<IpAddr>,
    /// Our addresses beside the one that we use, as the peer knows them.
    announced: Vec<IpAddr>,
    /// The hash of where the peer last saw us; `None` when it hasn't said so under the present SPIs.
    mapping: Option<Vec<u8>>,
    /// Message ID of the peer's newest request about addresses: requests may overtake each other.
    newest: Option<u32>,
    /// The peer knows of the path that we use.
    told: bool,
    /// How often the peer found our addresses translated on the way, one after the other.
    translated: u32,
}

/// A request of ours about addresses.
pub(crate) struct PathRequest {
    task: Task,
    /// The path hasn't changed since it was sent.
    current: bool,
    /// What has to come back.
    cookie: Option<Vec<u8>>,
}

impl PathRequest {
    /// What it was to achieve.
    pub fn task(&self) -> Task {
        self.task.clone()
    }

    /// It goes out again over another path.
    pub fn diverted(&mut self) {
        self.current = false;
    }

    fn title(&self) -> &'static str {
        match self.task {
            Task::UpdatePath => "UPDATE_SA_ADDRESSES",
            Task::AnnounceAddresses => "our additional addresses",
            _ => "return routability",
        }
    }
}

impl Mobility {
    /// The IKE SA is rekeyed: hashes depend on its SPIs.
    fn rekeyed(mut self) -> Self {
        self.mapping = None;
        self.newest = None;
        self
    }
}

impl Established {
    /// Both sides have said in IKE_AUTH whether they can move.
    pub fn agree_to_move(&mut self, cx: &Cx<'_>, from_peer: &PayloadList, decides: bool) {
        if !self.connection().mobike || !is_announced(from_peer) {
            return;
        }
        self.secured.head.mobike = true;
        self.mobility = Some(Mobility {
            decides,
            peer_addresses: notifies::addresses(from_peer).unwrap_or_default(),
            announced: others(&cx.addresses.ours, &self.secured.head),
            mapping: None,
            newest: None,
            told: true,
            translated: 0,
        });
    }

    /// Another IKE SA takes this one's place, and its path with what is open about it. This one can still move: a peer that
    /// missed our answer to its rekeying knows no other.
    pub fn bequeath_path(&mut self, cx: &Cx<'_>, new: &mut Established) {
        let (old, heir) = (&self.secured.head, &mut new.secured.head);
        heir.path = old.path;
        heir.nat = old.nat;
        heir.children_stay = old.children_stay;
        new.mobility = self.mobility.clone().map(Mobility::rekeyed);
        new.mind_nat(cx);
    }

    /// The payloads of a sign of life: with them a changed mapping of a NAT shows (3.8).
    pub fn liveness_payloads(&self) -> PayloadList {
        match &self.mobility {
            Some(mobility) if mobility.decides => self.nat_payloads().collect(),
            _ => PayloadList::default(),
        }
    }

    /// Where the peer has NAT traversal.
    fn nat_payloads(&self) -> impl Iterator<Item = Payload> + use<> {
        let head = &self.secured.head;
        let both = head.nat.is_some_and(|nat| nat.peer_supports);
        let force = head.connection.force_encap;
        let payloads = both.then(|| nat::payloads(head.spis(), head.path, force));
        payloads.into_iter().flatten()
    }

    /// The request for a task about addresses; `None` when there is nothing to say any more.
    pub fn begin_path_request(
        &mut self,
        cx: &Cx<'_>,
        task: Task,
    ) -> Option<(InFlight, PayloadList)> {
        let mobility = self.mobility.as_ref()?;
        let head = &self.secured.head;
        let no_nats = || {
            let translatable = head.nat.is_some_and(|nat| nat.peer_supports);
            (!translatable).then(|| notifies::no_nats_allowed(head.path))
        };
        let mut payloads: Vec<Payload> = match task {
            Task::UpdatePath if mobility.decides => {
                let update = Payload::Notify(Notify::new(NotifyType::UPDATE_SA_ADDRESSES));
                core::iter::once(update)
                    .chain(self.nat_payloads())
                    .chain(no_nats())
                    .collect()
            }
            Task::AnnounceAddresses => {
                let mut addresses = notifies::additional(&others(&cx.addresses.ours, head));
                if addresses.is_empty() {
                    let none = Notify::new(NotifyType::NO_ADDITIONAL_ADDRESSES);
                    addresses.push(Payload::Notify(none));
                }
                addresses.into_iter().chain(no_nats()).collect()
            }
            Task::CheckPath if head.children_stay.is_some() => Vec::new(),
            _ => return None,
        };
        let cookie = head
            .children_stay
            .is_some()
            .then(|| cx.provider.random_octets::<COOKIE>().to_vec());
        payloads.extend(
            cookie
                .clone()
                .map(|cookie| Payload::Notify(Notify::with_data(NotifyType::COOKIE2, cookie))),
        );
        let request = PathRequest {
            task,
            current: true,
            cookie,
        };
        Some((InFlight::Path(request), PayloadList(payloads)))
    }

    /// The peer has answered a request about addresses.
    pub fn path_answered(
        mut self: Box<Self>,
        cx: &mut Cx<'_>,
        request: PathRequest,
        answer: &PayloadList,
    ) -> Phase {
        let back = answer.notify(NotifyType::COOKIE2).map(|n| &n.data);
        if self.replaced.is_some() && back.is_none() {
            // Who has gone on under the new IKE SA acknowledges and no more; there the path is tried anew.
            self.work(cx);
            return Phase::Established(self);
        }
        if request.cookie.is_some() && back != request.cookie.as_ref() {
            // 3.7.
            let refusal = Refusal::AnswerMismatch {
                problem: "another COOKIE2 came back than was sent".to_owned(),
            };
            self.refused_by_us(cx, request.title().to_owned(), &refusal);
            return self.close(cx, "failed");
        }
        if let Some(notify) = answer.error_notify() {
            return self.path_refused(cx, &request, notify);
        }
        match request.task {
            // What went to more than one address doesn't tell which of them works (3.7), and an update of an older path
            // is followed by another one (3.5).
            _ if !request.current => self.agenda.add_first(request.task()),
            Task::UpdatePath => {
                if let Some(mobility) = &mut self.mobility {
                    mobility.told = true;
                    mobility.translated = 0;
                }
                self.verified(cx);
                self.see_nat(cx, answer);
                self.move_children(cx);
            }
            _ if request.cookie.is_some() => {
                self.verified(cx);
                self.move_children(cx);
            }
            _ => {}
        }
        self.work(cx);
        Phase::Established(self)
    }

    /// The present path of the IKE SA leads to the peer: children may take it.
    fn verified(&mut self, cx: &mut Cx<'_>) {
        if self.secured.head.children_stay.take().is_some() {
            let remote = self.secured.head.path.remote;
            cx.event(&self.secured.head, Happening::PathVerified { remote });
        }
    }

    fn path_refused(
        mut self: Box<Self>,
        cx: &mut Cx<'_>,
        request: &PathRequest,
        notify: &Notify,
    ) -> Phase {
        let what = Happening::PeerRefused {
            what: request.title().to_owned(),
            notify: notify.kind.0,
            name: notify.kind.to_string(),
            data: describe::hex(&notify.data),
            asked: Asked::default(),
        };
        cx.event(&self.secured.head, what);
        let tries = self.connection().retransmit.tries;
        let again = match &mut self.mobility {
            // An attacker who changes one packet mustn't win (3.9).
            Some(mobility) if notify.kind == NotifyType::UNEXPECTED_NAT_DETECTED => {
                mobility.translated += 1;
                mobility.translated <= tries
            }
            _ => !request.current,
        };
        if again {
            self.agenda.add_first(request.task());
        } else if request.task == Task::UpdatePath && self.replaced.is_none() {
            // It goes on under a new IKE SA, if whoever runs the connection sets one up.
            return self.close(cx, "failed");
        }
        self.work(cx);
        Phase::Established(self)
    }

    /// What the peer says of translators between us, in an answer over the present path.
    fn see_nat(&mut self, cx: &mut Cx<'_>, answer: &PayloadList) {
        let head = &mut self.secured.head;
        let seen = nat::detect(answer, head.spis(), head.path);
        if !seen.peer_supports {
            return;
        }
        if let (Some(mobility), Some(place)) = (&mut self.mobility, nat::destination(answer)) {
            mobility.mapping = Some(place.to_vec());
        }
        if head.nat != Some(seen) {
            head.nat = Some(seen);
            nat_event(cx, head);
            self.mind_nat(cx);
        }
    }

    /// An answer to a sign of life came: whether the peer sees us elsewhere than before.
    pub fn look_at_mapping(&mut self, answer: &PayloadList) {
        let head = &self.secured.head;
        let (Some(mobility), Some(place)) = (&self.mobility, nat::destination(answer)) else {
            return;
        };
        let behind = head.nat.is_some_and(|nat| nat.local_behind_nat);
        let changed = if nat::is_at(place, head.spis(), head.path.local) {
            behind
        } else {
            mobility.mapping.as_deref() != Some(place)
        };
        if mobility.decides && changed {
            self.agenda.add_first(Task::UpdatePath);
        }
    }

    /// What the peer's INFORMATIONAL request says of addresses. Returns what goes into the answer.
    pub fn path_asked(&mut self, cx: &mut Cx<'_>, request: &PayloadList) -> Vec<Payload> {
        let (Some(_), Some(current)) = (&self.mobility, self.secured.replies.current) else {
            return Vec::new();
        };
        let path = current.path;
        let followed = self.follow_peer(cx, request, path, current.message_id);
        let mut answer: Vec<Payload> = match followed {
            Ok(()) => Vec::new(),
            Err(refusal) => {
                let notify = notify::for_refusal(&refusal, ExchangeType::INFORMATIONAL);
                let what = Happening::Refused {
                    what: "the peer's change of addresses".to_owned(),
                    refusal,
                    notify: notify.as_ref().map(|n| n.kind.to_string()),
                };
                cx.event(&self.secured.head.at(path), what);
                notify.map(Payload::Notify).into_iter().collect()
            }
        };
        if nat::destination(request).is_some() {
            let head = self.secured.head.at(path);
            let force = head.connection.force_encap;
            answer.extend(nat::payloads(head.spis(), path, force));
        }
        let cookie = request.notify(NotifyType::COOKIE2);
        let sound = cookie.filter(|n| COOKIE_LENGTHS.contains(&n.data.len()));
        answer.extend(sound.cloned().map(Payload::Notify));
        answer
    }

    fn follow_peer(
        &mut self,
        cx: &mut Cx<'_>,
        request: &PayloadList,
        path: NetPath,
        message_id: u32,
    ) -> Result<(), Refusal> {
        let update = request.notify(NotifyType::UPDATE_SA_ADDRESSES).is_some();
        let addresses = notifies::addresses(request);
        if !update && addresses.is_none() {
            return Ok(());
        }
        let Some(mobility) = &mut self.mobility else {
            return Ok(());
        };
        if mobility.newest > Some(message_id) {
            return Ok(());
        }
        mobility.newest = Some(message_id);
        check_no_nats(request, path)?;
        let decides = mobility.decides;
        let elsewhere = addresses.is_some_and(|addresses| {
            let now = self.secured.head.path.remote.ip();
            let known = now == path.remote.ip() || addresses.contains(&now);
            mobility.peer_addresses = addresses;
            !known
        });
        // Another IKE SA has the children, and with them the path that counts.
        if self.replaced.is_some() || !(update || decides && elsewhere) || update && decides {
            return Ok(());
        }
        self.acceptable(cx, path)?;
        if decides {
            self.take_path(cx, path);
            self.tell_path();
            return Ok(());
        }
        let seen = nat::detect(request, self.secured.head.spis(), path);
        let before = self.secured.head.child_path();
        self.take_path(cx, path);
        let head = &mut self.secured.head;
        if seen.peer_supports && head.nat != Some(seen) {
            head.nat = Some(seen);
            nat_event(cx, head);
            self.mind_nat(cx);
        }
        if self.secured.head.children_stay.is_some() {
            self.agenda.add_first(Task::CheckPath);
        } else if self.secured.head.child_path() != before {
            self.move_children(cx);
        }
        Ok(())
    }
}

/// Octets of our COOKIE2 values.
const COOKIE: usize = 16;
/// Octets that a COOKIE2 value may have (4.2.5).
const COOKIE_LENGTHS: core::ops::RangeInclusive<usize> = 8..=64;
