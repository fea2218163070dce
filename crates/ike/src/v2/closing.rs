//! The end of an IKE SA: we say goodbye and wait for the answer, or we keep our last answer for who missed it.

use std::net::IpAddr;

use adit_model::Mono;
use adit_model::connection::Retransmit;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, ProtocolId};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{Delete, Payload, PayloadList};

use crate::cx::Cx;
use crate::endpoint::moving::Addresses;
use crate::head::{Head, Incoming};
use crate::notify;
use crate::secured::{Accepted, Follow, Secured};
use crate::timers::{Deadline, TimerReason};
use crate::v2::Phase;
use crate::v2::child::{Child, ChildEvent};
use crate::v2::established::IMPATIENT;
use crate::v2::mobike::is_usable;
use crate::window::Place;

/// The last request is out, or waits for the one before it.
pub(crate) struct Closing {
    pub secured: Secured,
    /// Our last request, while the window doesn't let it out.
    farewell: Option<PayloadList>,
    /// Its message ID, once it is out.
    last: Option<u32>,
    cause: &'static str,
    /// The peer's credentials don't hold any more, so that an IKE SA from before has no ground left to stand on.
    pub distrusts: bool,
}

impl Closing {
    /// Takes the children down and sends `farewell`, repeated on a short schedule.
    pub fn begin(
        cx: &mut Cx<'_>,
        mut secured: Secured,
        children: Vec<Child>,
        farewell: PayloadList,
        cause: &'static str,
    ) -> Phase {
        for child in children {
            child.close(cx, &secured.head, ChildEvent::IkeClosed, Party::Us);
        }
        let schedule = schedule(cx, &secured, cause);
        secured.reschedule(schedule);
        leave_from_ours(cx, &mut secured.head);
        let mut closing = Self {
            secured,
            farewell: Some(farewell),
            last: None,
            cause,
            distrusts: false,
        };
        closing.say_goodbye(cx);
        Phase::Closing(Box::new(closing))
    }

    /// Deletes an IKE SA without children that another one has replaced. The peer waits for that as long as for any
    /// request.
    pub fn replaced(cx: &mut Cx<'_>, secured: Secured) -> Phase {
        Self::begin(cx, secured, Vec::new(), delete_ike(), "replaced")
    }

    /// Somebody says that the peer has forgotten the IKE SA already.
    pub fn hurry(&mut self) {
        self.secured.reschedule(IMPATIENT);
    }

    /// Our addresses aren't what they were: the goodbye goes out from one that we have.
    pub fn addresses_changed(&mut self, cx: &mut Cx<'_>) {
        if leave_from_ours(cx, &mut self.secured.head) {
            self.secured.repeat_now(cx);
        }
    }

    fn say_goodbye(&mut self, cx: &mut Cx<'_>) {
        if self.secured.may_ask()
            && let Some(farewell) = self.farewell.take()
        {
            let schedule = schedule(cx, &self.secured, self.cause);
            let exchange = ExchangeType::INFORMATIONAL;
            self.last = self.secured.request(cx, exchange, &farewell, schedule);
        }
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let requests = [
            ExchangeType::INFORMATIONAL,
            ExchangeType::CREATE_CHILD_SA,
            ExchangeType::IKE_FOLLOWUP_KE,
        ];
        match self
            .secured
            .accept(cx, incoming, &requests, Follow::BehindNat)
        {
            None => Phase::Closing(self),
            Some(Accepted::Response(_))
                if self.last == Some(incoming.message.header.message_id) =>
            {
                self.finish(cx)
            }
            Some(Accepted::Response(_)) => {
                self.say_goodbye(cx);
                Phase::Closing(self)
            }
            Some(Accepted::Request(Ok((Shape::InformationalRequest, payloads)))) => {
                self.secured.reply(cx, &PayloadList::default());
                if payloads.deletes().any(|d| d.protocol == ProtocolId::IKE) {
                    closed(cx, &self.secured.head, Party::Us, self.cause);
                    return Lingering::begin(cx, self.secured);
                }
                Phase::Closing(self)
            }
            Some(Accepted::Request(content)) => {
                let refusal = content.err().unwrap_or_else(|| Refusal::Local {
                    problem: "the IKE SA is being deleted".to_owned(),
                });
                refuse(cx, &mut self.secured, &refusal);
                Phase::Closing(self)
            }
        }
    }

    fn finish(self, cx: &mut Cx<'_>) -> Phase {
        closed(cx, &self.secured.head, Party::Us, self.cause);
        Phase::Gone
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.secured.retransmit(cx) || self.secured.pending.is_empty() {
            return self.finish(cx);
        }
        Phase::Closing(self)
    }

    pub fn deadline(&self, now: Mono) -> Option<Deadline> {
        // Without a pending request nothing will come any more.
        self.secured
            .retransmit_deadline()
            .or(Some((now, TimerReason::Retransmit)))
    }
}

/// An IKE SA that was replaced hasn't followed our moves since. Whether it does now.
fn leave_from_ours(cx: &Cx<'_>, head: &mut Head) -> bool {
    let Addresses { ours, sources } = cx.addresses;
    let present = head.path.local.ip();
    if !head.mobike || ours.contains(&present) {
        return false;
    }
    let source = sources.get(&head.connection.name);
    let fits = |own: &&IpAddr| own.is_ipv4() == present.is_ipv4() && is_usable(head, **own);
    let own = source.into_iter().chain(ours).find(fits).copied();
    if let Some(own) = own {
        head.path.local.set_ip(own);
    }
    own.is_some()
}

/// Nobody should wait long for a peer that is gone; but where another IKE SA goes on, the peer is there.
fn schedule(cx: &Cx<'_>, secured: &Secured, cause: &str) -> Retransmit {
    match cause {
        "replaced" => secured.head.connection.retransmit,
        _ => cx.settings.closing,
    }
}

/// `SK { D(IKE) }`
pub(crate) fn delete_ike() -> PayloadList {
    PayloadList(vec![Payload::Delete(Delete::ike())])
}

/// Tells that an IKE SA is no more.
pub(crate) fn closed(cx: &mut Cx<'_>, head: &Head, by: Party, cause: &str) {
    let what = Happening::IkeClosed {
        by,
        cause: cause.to_owned(),
    };
    cx.event(head, what);
}

/// Answers the current request with the refusal's notify. Returns the notify's name.
pub(crate) fn refuse(cx: &mut Cx<'_>, secured: &mut Secured, refusal: &Refusal) -> Option<String> {
    let exchange = secured.replies.current.map(|current| current.exchange)?;
    let notify = notify::for_refusal(refusal, exchange);
    let name = notify.as_ref().map(|n| n.kind.to_string());
    let payloads = notify.into_iter().map(Payload::Notify).collect();
    secured.reply(cx, &payloads);
    name
}

/// A closed IKE SA whose last answer may have been lost.
pub(crate) struct Lingering {
    secured: Secured,
    until: Mono,
    /// The peer never authenticated: as long as we remember it, it counts as half open. Otherwise failing on purpose
    /// would be a way around the limit.
    pub unverified: bool,
}

impl Lingering {
    pub fn begin(cx: &Cx<'_>, secured: Secured) -> Phase {
        Self::keep(cx, secured, false)
    }

    /// After a refusal of IKE_AUTH.
    pub fn begin_unverified(cx: &Cx<'_>, secured: Secured) -> Phase {
        Self::keep(cx, secured, true)
    }

    fn keep(cx: &Cx<'_>, secured: Secured, unverified: bool) -> Phase {
        Phase::Lingering(Box::new(Self {
            secured,
            until: cx.now.mono + cx.settings.linger,
            unverified,
        }))
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let header = incoming.message.header;
        let answered = !header.flags.response
            && self.secured.replies.place(header.message_id) == Place::Answered;
        if answered {
            self.secured.accept(cx, incoming, &[], Follow::BehindNat);
        } else {
            let detail = format!(
                "{} {} for an IKE SA that was closed",
                header.exchange, header.message_id
            );
            cx.drop(
                &self.secured.head,
                incoming.path,
                DropReason::IkeUnknownSpi,
                detail,
            );
        }
        Phase::Lingering(self)
    }

    pub fn handle_timeout(self: Box<Self>, cx: &Cx<'_>) -> Phase {
        if self.until > cx.now.mono {
            Phase::Lingering(self)
        } else {
            Phase::Gone
        }
    }

    pub fn deadline(&self) -> Option<Deadline> {
        Some((self.until, TimerReason::Linger))
    }

    pub fn head(&self) -> &Head {
        &self.secured.head
    }
}
