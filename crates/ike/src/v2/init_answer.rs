//! Responder, first phase: an IKE_SA_INIT request came and is answered (RFC 7296 1.2).
//!
//! Until the answer is sent nothing is remembered of the peer; from then on the IKE SA is half open until IKE_AUTH
//! succeeds or its time is over.

use std::sync::Arc;

use adit_crypto::{IkeKeyInputs, IkeKeys};
use adit_model::Mono;
use adit_model::connection::{Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party, Role};
use adit_model::keywords;
use adit_model::life::Childless;
use adit_model::proposal::SaKind;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::rules;
use adit_wire::v2::{
    Flags, Header, IkeSpi, KePayload, Nonce, Notify, Payload, PayloadList, emit_plain,
};

use crate::channel::Channel;
use crate::cookie::Cookies;
use crate::cx::Cx;
use crate::head::{Head, Incoming, NetPath};
use crate::nat;
use crate::notify;
use crate::output::{PeerSupport, Subject};
use crate::probe;
use crate::secured::{Accepted, Follow, Secured};
use crate::timers::{Deadline, TimerReason};
use crate::v2::auth_responder;
use crate::v2::init_sent::{fragmentation, nat_event};
use crate::v2::intermediate;
use crate::v2::offer::{self, Choice};
use crate::v2::proposals;
use crate::v2::transcript::Transcript;
use crate::v2::{Phase, keymat, ppk, support};

/// IKE_SA_INIT is answered; IKE_AUTH is awaited.
pub(crate) struct InitAnswered {
    pub secured: Secured,
    pub transcript: Transcript,
    /// What the peer can verify, as far as it has told.
    pub peer: PeerSupport,
    /// Connections that may be meant, the likeliest first.
    pub candidates: Vec<Arc<Connection>>,
    /// Both sides have announced post-quantum pre-shared keys.
    pub ppk_announced: bool,
    pub until: Mono,
}

/// What the endpoint knows when a first request comes.
pub(crate) struct Door<'a> {
    pub connections: &'a mut dyn Iterator<Item = &'a Arc<Connection>>,
    pub cookies: &'a Cookies,
    pub half_open: u32,
    /// How many of them are from the source of this request.
    pub half_open_here: u32,
}

/// A request that is being looked at, before there is an IKE SA.
struct Knock<'a, 'b> {
    incoming: &'a Incoming<'b>,
    subject: Subject,
}

/// Answers an IKE_SA_INIT request. Returns the half-open IKE SA, if the answer makes one.
pub(crate) fn answer(
    cx: &mut Cx<'_>,
    door: Door<'_>,
    incoming: &Incoming<'_>,
) -> Option<Box<InitAnswered>> {
    let knock = Knock {
        incoming,
        subject: Subject {
            connection: None,
            role: Some(Role::Responder),
            local: Some(incoming.path.local),
            remote: Some(incoming.path.remote),
        },
    };
    let header = incoming.message.header;
    let payloads = &incoming.message.payloads;
    let problem = if header.spi_i.is_zero() {
        Some((
            DropReason::IkeMalformed,
            "the initiator's SPI is zero".to_owned(),
        ))
    } else if !header.flags.initiator {
        Some((
            DropReason::IkeBadFlags,
            "IKE_SA_INIT request without the initiator flag".to_owned(),
        ))
    } else if header.message_id != 0 {
        let detail = format!("IKE_SA_INIT with message ID {}", header.message_id);
        Some((DropReason::IkeUnexpectedMessageId, detail))
    } else {
        let encrypted = incoming.message.encrypted.is_some();
        rules::check(header.exchange, false, encrypted, payloads)
            .err()
            .map(|error| (DropReason::IkeMalformed, error.to_string()))
    };
    if let Some((reason, detail)) = problem {
        knock.drop(cx, reason, detail);
        return None;
    }
    let (Some(sa), Some(ke), Some(nonce)) = (payloads.sa(), payloads.ke(), payloads.nonce()) else {
        return None;
    };

    let candidates = candidates(door.connections, incoming.path);
    if candidates.is_empty() {
        let refusal = Refusal::NoConnection {
            local: incoming.path.local.ip(),
            remote: incoming.path.remote.ip(),
        };
        knock.drop(cx, DropReason::IkeNoConnection, refusal.to_string());
        knock.refuse(cx, refusal);
        return None;
    }
    if !knock.has_room(cx, door.half_open, cx.settings.half_open_limit) {
        return None;
    }
    // Who hasn't shown that he is where he says takes nothing away from who is there: the share counts behind a cookie.
    let share = cx.settings.half_open_share;
    let pressed = door.half_open >= cx.settings.cookie_threshold
        || door.half_open_here >= cx.settings.cookie_share.min(share);
    if pressed
        && !(knock.shows_cookie(cx, door.cookies, &nonce.0)
            && knock.has_room(cx, door.half_open_here, share))
    {
        return None;
    }
    if let Some(kind) = payloads.first_unsupported_critical() {
        knock.received(cx);
        knock.refuse(cx, Refusal::CriticalPayload { payload: kind.0 });
        return None;
    }

    if probe::is_probe(payloads) {
        cx.desk
            .out
            .event(cx.now, &knock.subject, Happening::ProbeAnswered);
        let answer = probe::answer(&incoming.message.header, payloads, incoming.path);
        knock.reply_with(cx, &answer);
        return None;
    }

    knock.received(cx);
    let intermediate = payloads
        .notify(NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED)
        .is_some();
    let offer = offer::read(sa, SaKind::Ike, 0, intermediate);
    let chosen = candidates.iter().find_map(|connection| {
        let usable = proposals::usable(cx.provider, &connection.ike, SaKind::Ike);
        let choice = offer.choose(&usable, true, Some(ke.method))?;
        Some((Arc::clone(connection), choice))
    });
    let Some((connection, choice)) = chosen else {
        let mut configured: Vec<_> = candidates.iter().flat_map(|c| c.ike.clone()).collect();
        configured.dedup();
        knock.refuse(cx, offer.refusal(&configured, SaKind::Ike, true));
        return None;
    };
    let (Some(method), Some(exchange)) = (
        choice.suite.ke,
        choice.suite.ke.and_then(|m| cx.provider.ke(m).ok()),
    ) else {
        return None;
    };
    if ke.method != method {
        let (from, to) = (keywords::ke_name(ke.method), keywords::ke_name(method));
        let what = Happening::KeRetry {
            from,
            to,
            by: Party::Us,
        };
        cx.desk.out.event(cx.now, &knock.subject, what);
        let data = method.0.to_be_bytes().to_vec();
        let notify = Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, data);
        knock.reply(cx, Payload::Notify(notify));
        return None;
    }
    let (public, shared) = match exchange.respond(&*cx.provider.random, &ke.data) {
        Ok(agreed) => agreed,
        Err(error) => {
            let refusal = Refusal::KeValue {
                method: keywords::ke_name(method),
                problem: error.to_string(),
            };
            knock.refuse(cx, refusal);
            return None;
        }
    };

    let mut head = Head {
        our_spi: cx.new_ike_spi(),
        peer_spi: header.spi_i,
        role: Role::Responder,
        connection,
        path: incoming.path,
        nat: None,
        suite: Some(choice.suite),
        inner: Arc::default(),
        peer: None,
        named: false,
        ppk: None,
        announced: Arc::default(),
        mobike: false,
        children_stay: None,
        trigger: None,
    };
    head.nat = Some(nat::detect(
        payloads,
        (header.spi_i, header.spi_r),
        incoming.path,
    ));
    let our_nonce = cx.new_nonce();
    let inputs = IkeKeyInputs {
        ni: &nonce.0,
        nr: &our_nonce,
        shared: &shared,
        spi_i: head.peer_spi.to_bytes(),
        spi_r: head.our_spi.to_bytes(),
    };
    let takes_fragments = payloads
        .notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)
        .is_some();
    let channel = keymat::ike_suite(cx.provider, &choice.suite)
        .map_err(|e| e.to_string())
        .and_then(|suite| {
            let keys = IkeKeys::derive(&suite, &inputs);
            keymat::tell(cx, &choice.suite, &inputs, &keys);
            Channel::new(&suite, keys, head.role, takes_fragments).map_err(|e| e.to_string())
        });
    let mut response = response(&head, &choice, public, method, &our_nonce, payloads);
    response
        .0
        .extend(authentication(cx.trust, &candidates, payloads));
    let ppk_announced =
        ppk::is_announced(payloads) && ppk::any(candidates.iter().filter_map(|c| c.ppk.as_ref()));
    response.0.extend(ppk_announced.then(ppk::announcement));
    let header = head.header(ExchangeType::IKE_SA_INIT, true, 0);
    let message = emit_plain(&header, &response).map_err(|e| e.to_string());
    let (channel, message) = match channel.and_then(|channel| Ok((channel, message?))) {
        Ok(ready) => ready,
        Err(problem) => {
            cx.desk.spis.release_ike(head.our_spi);
            knock.refuse(cx, Refusal::Local { problem });
            return None;
        }
    };
    let suite = choice.suite;
    cx.event(&head, Happening::IkeProposalChosen { suite });
    nat_event(cx, &head);
    cx.message(&head, true, &header, &response, message.len());
    cx.transmit(incoming.path, core::slice::from_ref(&message));

    let mut peer = PeerSupport::default();
    support::learn(&mut peer, payloads);
    Some(Box::new(InitAnswered {
        peer,
        secured: Secured::new(head, channel, 0, 1),
        transcript: Transcript {
            ours: message,
            theirs: incoming.bytes.to_vec(),
            our_nonce,
            peer_nonce: nonce.0.clone(),
            intermediate: None,
        },
        candidates,
        ppk_announced,
        until: cx.now.mono
            + if pressed {
                cx.settings.half_open_timeout_pressed
            } else {
                cx.settings.half_open_timeout
            },
    }))
}

/// `SAr1, KEr, Nr, [N(NAT_DETECTION_*),] [N(IKEV2_FRAGMENTATION_SUPPORTED),] [N(INTERMEDIATE_EXCHANGE_SUPPORTED)]`
fn response(
    head: &Head,
    choice: &Choice,
    public: Vec<u8>,
    method: adit_wire::iana::KeMethod,
    nonce: &[u8],
    request: &PayloadList,
) -> PayloadList {
    let ke = KePayload {
        method,
        data: public,
    };
    let nat = head
        .nat
        .is_some_and(|nat| nat.peer_supports)
        .then(|| nat::payloads(head.spis(), head.path, head.connection.force_encap));
    let fragments = request
        .notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)
        .map(|_| fragmentation());
    // RFC 6023 3.
    let childless = (head.connection.life.childless != Childless::Never)
        .then(|| Payload::Notify(Notify::new(NotifyType::CHILDLESS_IKEV2_SUPPORTED)));
    let mixes = choice.suite.additional().next().is_some();
    let intermediate = mixes.then(intermediate::supported);
    [
        Payload::Sa(proposals::answer(choice, SaKind::Ike, &[])),
        Payload::Ke(ke),
        Payload::Nonce(Nonce(nonce.to_vec())),
    ]
    .into_iter()
    .chain(nat.into_iter().flatten())
    .chain(fragments)
    .chain(childless)
    .chain(intermediate)
    .collect()
}

/// `[N(SIGNATURE_HASH_ALGORITHMS),] [CERTREQ+]`, for whichever connection it will be.
fn authentication(
    trust: &support::Trust,
    candidates: &[Arc<Connection>],
    request: &PayloadList,
) -> impl Iterator<Item = Payload> {
    let connections = || candidates.iter().map(|c| &**c);
    let hashes = request
        .notify(NotifyType::SIGNATURE_HASH_ALGORITHMS)
        .and_then(|_| support::hashes(connections()));
    hashes
        .into_iter()
        .chain(support::wishes(trust, connections()))
}

/// The connections that these two addresses may belong to, those that name the peer's address first.
pub(crate) fn candidates(
    connections: &mut dyn Iterator<Item = &Arc<Connection>>,
    path: NetPath,
) -> Vec<Arc<Connection>> {
    let (local, remote) = (path.local.ip(), path.remote.ip());
    let mut ranked: Vec<(u8, Arc<Connection>)> = connections
        .filter(|c| c.local.is_none_or(|address| address == local))
        .filter_map(|c| {
            let by_remote = match &c.remote {
                Remote::Address(address) if *address == remote => 0,
                Remote::Address(_) => return None,
                // A name may resolve to whatever address the peer has today; its identity will tell.
                Remote::Name(_) | Remote::Any => 2,
            };
            Some((by_remote + u8::from(c.local.is_none()), Arc::clone(c)))
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, c)| c).collect()
}

impl Knock<'_, '_> {
    fn drop(&self, cx: &mut Cx<'_>, reason: DropReason, detail: String) {
        cx.desk.out.drop(cx.now, &self.subject, reason, detail);
    }

    fn received(&self, cx: &mut Cx<'_>) {
        let message = &self.incoming.message;
        let (header, octets) = (&message.header, self.incoming.bytes.len());
        let how = (false, cx.settings.tell_messages);
        let out = &mut cx.desk.out;
        out.message(
            cx.now,
            &self.subject,
            how,
            header,
            &message.payloads,
            octets,
        );
    }

    /// Whether one more half-open IKE SA is within `limit`.
    fn has_room(&self, cx: &mut Cx<'_>, half_open: u32, limit: u32) -> bool {
        if half_open >= limit {
            let refusal = Refusal::HalfOpenLimit { half_open, limit };
            self.drop(cx, DropReason::IkeHalfOpenLimit, refusal.to_string());
        }
        half_open < limit
    }

    /// Whether the request returns a cookie of ours; if not, it is asked for one (RFC 7296 2.6).
    fn shows_cookie(&self, cx: &mut Cx<'_>, cookies: &Cookies, nonce: &[u8]) -> bool {
        let (path, spi_i) = (self.incoming.path, self.incoming.message.header.spi_i);
        let shown = match self.incoming.message.payloads.0.first() {
            Some(Payload::Notify(n)) if n.kind == NotifyType::COOKIE => Some(&n.data),
            _ => None,
        };
        let now = cx.now.mono;
        if shown.is_some_and(|c| cookies.check(cx.provider, now, path, spi_i, nonce, c)) {
            return true;
        }
        let detail = match shown {
            Some(_) => "a wrong or expired cookie",
            None => "a cookie is asked for",
        };
        self.drop(cx, DropReason::IkeCookie, detail.to_owned());
        if let Some(cookie) = cookies.make(cx.provider, now, path, spi_i, nonce) {
            let what = Happening::Cookie { by: Party::Us };
            cx.desk.out.event(cx.now, &self.subject, what);
            let notify = Notify::with_data(NotifyType::COOKIE, cookie);
            self.reply(cx, Payload::Notify(notify));
        }
        false
    }

    fn refuse(&self, cx: &mut Cx<'_>, refusal: Refusal) {
        let notify = notify::for_refusal(&refusal, ExchangeType::IKE_SA_INIT);
        let what = Happening::Refused {
            what: ExchangeType::IKE_SA_INIT.to_string(),
            refusal,
            notify: notify.as_ref().map(|n| n.kind.to_string()),
        };
        cx.desk.out.event(cx.now, &self.subject, what);
        if let Some(notify) = notify {
            self.reply(cx, Payload::Notify(notify));
        }
    }

    /// Answers without remembering anything.
    fn reply(&self, cx: &mut Cx<'_>, payload: Payload) {
        self.reply_with(cx, &PayloadList(vec![payload]));
    }

    fn reply_with(&self, cx: &mut Cx<'_>, payloads: &PayloadList) {
        let request = self.incoming.message.header;
        let header = Header::v2(
            request.spi_i,
            IkeSpi::ZERO,
            ExchangeType::IKE_SA_INIT,
            Flags::new(false, true),
            request.message_id,
        );
        if let Ok(message) = emit_plain(&header, payloads) {
            let (how, octets) = ((true, cx.settings.tell_messages), message.len());
            let out = &mut cx.desk.out;
            out.message(cx.now, &self.subject, how, &header, payloads, octets);
            cx.transmit(self.incoming.path, &[message]);
        }
    }
}

impl InitAnswered {
    /// The same IKE_SA_INIT request came again: so does the answer.
    pub fn repeat(&self, cx: &mut Cx<'_>, path: NetPath) {
        cx.transmit(path, core::slice::from_ref(&self.transcript.ours));
        let detail = "IKE_SA_INIT 0 was answered before";
        cx.drop(&self.secured.head, path, DropReason::IkeDuplicate, detail);
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let awaited = intermediate::awaited(&self.secured.head);
        match self
            .secured
            .accept(cx, incoming, &[awaited], Follow::Floating)
        {
            Some(Accepted::Request(content)) if awaited == ExchangeType::IKE_AUTH => {
                auth_responder::begin(cx, self, content)
            }
            Some(Accepted::Request(content)) => intermediate::answer(cx, self, content),
            _ => Phase::InitAnswered(self),
        }
    }

    pub fn handle_timeout(self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.until > cx.now.mono {
            return Phase::InitAnswered(self);
        }
        Phase::ended(cx, &self.secured.head, Party::Us, "half-open-timeout")
    }

    pub fn deadline(&self) -> Option<Deadline> {
        Some((self.until, TimerReason::HalfOpen))
    }
}
