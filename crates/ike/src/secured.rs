//! An IKE SA from the moment it has keys: requests and responses under the message window, sealed and opened.

use adit_crypto::OpenError;
use adit_model::connection::Retransmit;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType, PayloadType};
use adit_wire::v2::rules::{self, Shape};
use adit_wire::v2::{Encrypted, FragmentHeader, Header, Notify, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::describe;
use crate::fragments::{self, Collected};
use crate::head::{Head, Incoming, NetPath};
use crate::timers::{Deadline, TimerReason};
use crate::window::{Current, Overdue, Pending, Place, Replies};

/// What every phase with keys has.
pub(crate) struct Secured {
    pub head: Head,
    pub channel: Channel,
    pub replies: Replies,
    /// Our requests that wait for their responses, oldest first.
    pub pending: Vec<Pending>,
    /// Message ID of our next request.
    pub next_request: u32,
    /// How many requests the peer takes at the same time, as far as it has told.
    pub peer_window: u32,
    /// The peer doesn't know yet how many we take.
    pub untold: bool,
    /// The messages of the latest IKE_INTERMEDIATE exchange.
    pub intermediate: Exchanged,
}

/// The two messages of an exchange as they were before encryption and fragmentation: from the IKE header to the end of
/// the inner payloads, without IV, padding and ICV, and with lengths to match (RFC 9242 3.3.2).
#[derive(Default)]
pub(crate) struct Exchanged {
    pub ours: Vec<u8>,
    pub theirs: Vec<u8>,
}

/// An authentic message that moves the IKE SA on: its kind and payloads, or why it can't be used.
pub(crate) enum Accepted {
    /// A request of the peer's; it is now [`Replies::current`] and has to be answered.
    Request(Result<(Shape, PayloadList), Refusal>),
    /// The response to a pending request, which is pending no more.
    Response(Result<(Shape, PayloadList), Refusal>),
}

/// When an authentic message of another path moves the IKE SA there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// While the peer is setting up: it may float to port 4500.
    Floating,
    /// Later on: only a peer behind a NAT (RFC 7296 2.23), and none that says when it moves (RFC 4555 3.8).
    BehindNat,
}

impl Secured {
    pub fn new(head: Head, channel: Channel, next_request: u32, next_reply: u32) -> Self {
        Self {
            head,
            channel,
            replies: Replies::starting_at(next_reply),
            pending: Vec::new(),
            next_request,
            peer_window: 1,
            untold: false,
            intermediate: Exchanged::default(),
        }
    }

    /// From now on messages go under other keys. An answered request may still come again under the old ones.
    pub fn update_keys(&mut self, channel: Channel) {
        self.channel.succeed(channel);
    }

    /// Takes a message in. Whatever is rejected on the way is counted here and changes nothing.
    pub fn accept(
        &mut self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        requests: &[ExchangeType],
        follow: Follow,
    ) -> Option<Accepted> {
        let header = incoming.message.header;
        let name = format!("{} {}", header.exchange, header.message_id);
        let checked = self.expects(&header, requests).and_then(|place| {
            let opened = self.unseal(incoming, place == Place::Answered)?;
            Ok((place, opened))
        });
        let (place, (encrypted, inner)) = match checked {
            Ok(checked) => checked,
            Err((reason, problem)) => {
                let detail = format!("{name}: {problem}");
                cx.drop(&self.head, incoming.path, reason, detail);
                return None;
            }
        };
        if place == Place::Answered {
            self.repeat_answer(cx, incoming, encrypted, &name);
            return None;
        }
        let front = match header.exchange {
            ExchangeType::IKE_INTERMEDIATE => front(incoming.bytes, encrypted),
            _ => Vec::new(),
        };
        let (first_inner, front, inner) = match encrypted {
            Encrypted::Sk { first_inner, .. } => (*first_inner, front, inner),
            Encrypted::Skf {
                first_inner,
                fragment,
                ..
            } => match fragments::collect(
                &mut self.channel.reassembly,
                (header.message_id, header.flags.response),
                *fragment,
                (*first_inner, front),
                inner,
                cx.settings.reassembly_limit,
            ) {
                Collected::Whole((first_inner, front), inner) => (first_inner, front, inner),
                Collected::More => return None,
                Collected::Refused(problem) => {
                    let detail = format!("{name}: {problem}");
                    cx.drop(&self.head, incoming.path, DropReason::IkeFragment, detail);
                    return None;
                }
            },
        };
        self.channel.forget_previous();
        if header.exchange == ExchangeType::IKE_INTERMEDIATE {
            self.intermediate.theirs = in_clear(front, &inner);
        }
        self.follow(cx, incoming.path, follow);

        let content = read(incoming, first_inner, &inner).map(|(shape, payloads)| {
            let head = self.head.at(incoming.path);
            cx.message(&head, false, &header, &payloads, incoming.bytes.len());
            (shape, payloads)
        });
        let accepted = if header.flags.response {
            self.pending.retain(|p| p.message_id != header.message_id);
            Accepted::Response(content)
        } else {
            self.replies.current = Some(Current {
                exchange: header.exchange,
                message_id: header.message_id,
                path: incoming.path,
            });
            Accepted::Request(content)
        };
        self.forget_fragments();
        Some(accepted)
    }

    /// Of messages that needn't be whole any more.
    fn forget_fragments(&mut self) {
        let Self {
            channel,
            pending,
            replies,
            ..
        } = self;
        let in_work = replies.current.map(|current| current.message_id);
        channel.reassembly.retain(|have| match have.key() {
            (id, true) => pending.iter().any(|p| p.message_id == id),
            (id, false) => {
                Some(id) != in_work && matches!(replies.place(id), Place::Fresh | Place::InWork)
            }
        });
    }

    /// Whether a message with this header may come now: as a new one, or as one that was answered.
    fn expects(
        &self,
        header: &Header,
        requests: &[ExchangeType],
    ) -> Result<Place, (DropReason, String)> {
        let no = |reason, problem: &str| Err((reason, problem.to_owned()));
        if header.flags.response {
            let asked = (header.exchange, header.message_id);
            let mut pending = self.pending.iter();
            return if pending.any(|p| (p.exchange, p.message_id) == asked) {
                Ok(Place::Fresh)
            } else {
                no(
                    DropReason::IkeUnexpectedResponse,
                    "answers nothing that was asked",
                )
            };
        }
        match self.replies.place(header.message_id) {
            Place::Answered => Ok(Place::Answered),
            Place::InWork => no(DropReason::IkeBusy, "is being worked on"),
            _ if !requests.contains(&header.exchange) => {
                no(DropReason::IkeUnexpectedExchange, "doesn't belong here")
            }
            Place::Outside => no(DropReason::IkeUnexpectedMessageId, "is outside the window"),
            Place::Fresh => Ok(Place::Fresh),
        }
    }

    /// The inner payloads of a message, or of a fragment, whose integrity holds.
    fn unseal<'a>(
        &self,
        incoming: &'a Incoming<'_>,
        again: bool,
    ) -> Result<(&'a Encrypted, Vec<u8>), (DropReason, String)> {
        let Some(encrypted) = &incoming.message.encrypted else {
            let message = &incoming.message;
            let names = describe::message(&message.header, &message.payloads, 0).payloads;
            let problem = format!("in clear: {}", names.join(" "));
            return Err((DropReason::IkeUnprotected, problem));
        };
        if encrypted.fragment().is_some() && !self.channel.fragmentation {
            let problem = "a fragment, which was not agreed on".to_owned();
            return Err((DropReason::IkeFragment, problem));
        }
        let opened = match again {
            true => self.channel.open_again(incoming.bytes, encrypted),
            false => self.channel.open(incoming.bytes, encrypted),
        };
        match opened {
            Ok(inner) => Ok((encrypted, inner)),
            Err(error @ OpenError::BadIcv) => Err((DropReason::IkeAuthenticity, error.to_string())),
            Err(error) => Err((DropReason::IkeMalformed, error.to_string())),
        }
    }

    /// An answered request came again: the answer goes out again; of a fragmented request only for its first fragment
    /// (RFC 7383 2.6.1).
    fn repeat_answer(
        &self,
        cx: &mut Cx<'_>,
        incoming: &Incoming<'_>,
        encrypted: &Encrypted,
        name: &str,
    ) {
        let first = encrypted.fragment().is_none_or(|f| f.number == 1);
        let message_id = incoming.message.header.message_id;
        if let (true, Some(answer)) = (first, self.replies.answer(message_id)) {
            cx.transmit(incoming.path, answer);
        }
        let detail = format!("{name} was answered before");
        cx.drop(&self.head, incoming.path, DropReason::IkeDuplicate, detail);
    }

    fn follow(&mut self, cx: &mut Cx<'_>, path: NetPath, follow: Follow) {
        let from = self.head.path;
        let behind_nat =
            !self.head.mobike && self.head.nat.is_some_and(|nat| nat.remote_behind_nat);
        if path == from || (follow == Follow::BehindNat && !behind_nat) {
            return;
        }
        self.head.path = path;
        if path.local.port() != from.local.port() && path.local.port() == cx.settings.nat_port {
            cx.event(&self.head, Happening::Floated);
        } else {
            let what = Happening::PeerMoved {
                from: from.remote,
                to: path.remote,
            };
            cx.event(&self.head, what);
        }
    }

    /// Whether the window lets another request out: the one of that size before it has to be answered (RFC 7296 2.3).
    pub fn may_ask(&self) -> bool {
        let oldest = self.pending.first();
        oldest.is_none_or(|oldest| self.next_request - oldest.message_id < self.peer_window)
            && self.next_request < u32::MAX
    }

    /// The peer may have said how many requests it takes at the same time. What makes no sense says nothing, and a
    /// window doesn't shrink.
    pub fn heed_window(&mut self, payloads: &PayloadList) {
        let notify = payloads.notify(NotifyType::SET_WINDOW_SIZE);
        if let Some(size) = notify.and_then(|n| <[u8; 4]>::try_from(n.data.as_slice()).ok()) {
            let size = u32::from_be_bytes(size).min(MOST_AT_ONCE);
            self.peer_window = self.peer_window.max(size);
        }
    }

    /// `N(SET_WINDOW_SIZE)`, unless it is the one that every peer expects.
    pub fn window_payload(&self) -> Option<Payload> {
        let size = self.head.connection.window;
        let kind = NotifyType::SET_WINDOW_SIZE;
        (size > 1).then(|| Payload::Notify(Notify::with_data(kind, size.to_be_bytes().to_vec())))
    }

    /// Sends a request, which [`may_ask`](Self::may_ask) has to allow; its message ID.
    pub fn request(
        &mut self,
        cx: &mut Cx<'_>,
        exchange: ExchangeType,
        payloads: &PayloadList,
        schedule: Retransmit,
    ) -> Option<u32> {
        let message_id = self.next_request;
        let path = self.head.path;
        let datagrams = self.send(cx, exchange, false, message_id, path, payloads)?;
        self.next_request = self.next_request.saturating_add(1);
        let now = cx.now.mono;
        self.pending
            .push(Pending::new(exchange, message_id, datagrams, schedule, now));
        Some(message_id)
    }

    /// Answers the request that is being worked on.
    pub fn reply(&mut self, cx: &mut Cx<'_>, payloads: &PayloadList) {
        let Some(Current {
            exchange,
            message_id,
            path,
        }) = self.replies.current
        else {
            return;
        };
        if let Some(datagrams) = self.send(cx, exchange, true, message_id, path, payloads) {
            self.replies.answered(datagrams);
        }
    }

    fn send(
        &mut self,
        cx: &mut Cx<'_>,
        exchange: ExchangeType,
        response: bool,
        message_id: u32,
        path: NetPath,
        payloads: &PayloadList,
    ) -> Option<Vec<Vec<u8>>> {
        let header = self.head.header(exchange, response, message_id);
        let mut with_window = PayloadList::default();
        let payloads = match self.window_payload().filter(|_| self.untold) {
            Some(window) => {
                self.untold = false;
                with_window
                    .0
                    .extend(payloads.0.iter().cloned().chain([window]));
                &with_window
            }
            None => payloads,
        };
        if exchange == ExchangeType::IKE_INTERMEDIATE {
            self.intermediate.ours = as_sent(&header, payloads);
        }
        match self
            .channel
            .seal(&header, payloads, cx.settings.max_fragment)
        {
            Ok(datagrams) => {
                let octets = datagrams.iter().map(Vec::len).sum();
                cx.message(&self.head.at(path), true, &header, payloads, octets);
                cx.transmit(path, &datagrams);
                Some(datagrams)
            }
            Err(problem) => {
                let what = Happening::Refused {
                    what: exchange.to_string(),
                    refusal: Refusal::Local { problem },
                    notify: None,
                };
                cx.event(&self.head, what);
                None
            }
        }
    }

    /// Repeats pending requests whose time has come; `true` when one is given up.
    pub fn retransmit(&mut self, cx: &mut Cx<'_>) -> bool {
        let head = &self.head;
        let mut pending = self.pending.iter_mut();
        pending.any(|pending| retransmit(cx, head, pending))
    }

    pub fn retransmit_deadline(&self) -> Option<Deadline> {
        let due = self.pending.iter().map(Pending::due).min()?;
        Some((due, TimerReason::Retransmit))
    }

    /// Whoever waits for answers waits less, or longer, from now on.
    pub fn reschedule(&mut self, schedule: Retransmit) {
        for pending in &mut self.pending {
            pending.schedule = schedule;
        }
    }

    /// The path has changed: requests that are out go out again at once, with all their tries still to come.
    pub fn repeat_now(&mut self, cx: &mut Cx<'_>) {
        for pending in &mut self.pending {
            let what = Happening::Retransmitted {
                exchange: pending.exchange.to_string(),
                message_id: pending.message_id,
                attempt: pending.transmissions,
            };
            pending.restart(cx.now.mono);
            cx.transmit(self.head.path, &pending.datagrams);
            cx.event(&self.head, what);
        }
    }
}

/// Repeats a request whose time has come; `true` when it is given up.
pub(crate) fn retransmit(cx: &mut Cx<'_>, head: &Head, pending: &mut Pending) -> bool {
    match pending.check(cx.now.mono) {
        Overdue::NotYet => false,
        Overdue::Resend(attempt) => {
            let what = Happening::Retransmitted {
                exchange: pending.exchange.to_string(),
                message_id: pending.message_id,
                attempt,
            };
            cx.transmit(head.path, &pending.datagrams);
            cx.event(head, what);
            false
        }
        Overdue::GiveUp => {
            let what = Happening::GaveUp {
                exchange: pending.exchange.to_string(),
                message_id: pending.message_id,
                transmissions: pending.transmissions,
                waited_ms: pending.waited_ms(cx.now.mono),
            };
            cx.event(head, what);
            true
        }
    }
}

/// Most requests that we have under way, whatever the peer would take.
const MOST_AT_ONCE: u32 = 16;

/// What stands in front of the encrypted part of a message, through the generic header of its Encrypted payload. A
/// fragment's is made that of the whole message.
fn front(datagram: &[u8], encrypted: &Encrypted) -> Vec<u8> {
    let fragment_header = encrypted.fragment().map_or(0, |_| FragmentHeader::LEN);
    let end = encrypted.body().start.saturating_sub(fragment_header);
    let mut front = datagram.get(..end).unwrap_or_default().to_vec();
    // The type of a payload stands in the header before it, and only the Encrypted payload's is of this kind.
    let (mut at, mut next) = (NEXT_PAYLOAD, Header::LEN);
    while next < end {
        if let Some(kind) = front.get_mut(at)
            && *kind == PayloadType::SKF.0
        {
            *kind = PayloadType::SK.0;
        }
        let length = front.get(next + 2..next + 4).map_or(0, |octets| {
            octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet))
        });
        at = next;
        next += length.max(4);
    }
    front
}

/// A message in clear, from what stands in front of its encrypted part and its inner payloads.
fn in_clear(mut front: Vec<u8>, inner: &[u8]) -> Vec<u8> {
    let end = front.len();
    let whole = u32::try_from(end + inner.len()).unwrap_or(u32::MAX);
    let payload = u16::try_from(4 + inner.len()).unwrap_or(u16::MAX);
    if let Some(length) = front.get_mut(Header::LEN - 4..Header::LEN) {
        length.copy_from_slice(&whole.to_be_bytes());
    }
    if let Some(length) = front.get_mut(end.saturating_sub(2)..) {
        length.copy_from_slice(&payload.to_be_bytes());
    }
    front.extend_from_slice(inner);
    front
}

/// A message of our own in clear.
fn as_sent(header: &Header, payloads: &PayloadList) -> Vec<u8> {
    let mut inner = Vec::new();
    // What can't be written isn't sent either, which is told there.
    let first = payloads.emit(&mut inner).unwrap_or(PayloadType::NONE);
    let mut front = Vec::new();
    Header {
        next_payload: PayloadType::SK,
        ..*header
    }
    .emit(&mut front);
    front.extend_from_slice(&[first.0, 0, 0, 0]);
    in_clear(front, &inner)
}

/// Where an IKE header has the type of the first payload.
const NEXT_PAYLOAD: usize = 16;

/// Reads the inner payloads and checks that they are those of such a message.
fn read(
    incoming: &Incoming<'_>,
    first_inner: PayloadType,
    inner: &[u8],
) -> Result<(Shape, PayloadList), Refusal> {
    let header = incoming.message.header;
    let payloads = PayloadList::parse(first_inner, inner).map_err(|error| malformed(&error))?;
    if let Some(kind) = payloads.first_unsupported_critical() {
        return Err(Refusal::CriticalPayload { payload: kind.0 });
    }
    let shape =
        rules::check(header.exchange, header.flags.response, true, &payloads).map_err(|error| {
            Refusal::Presence {
                problem: error.to_string(),
            }
        })?;
    Ok((shape, payloads))
}

/// A reading error as a refusal.
pub(crate) fn malformed(error: &adit_wire::WireError) -> Refusal {
    Refusal::Malformed {
        field: error.field.to_owned(),
        offset: error.offset,
        problem: error.reason.to_string(),
    }
}
