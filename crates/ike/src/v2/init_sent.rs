//! Initiator, first phase: IKE_SA_INIT is sent (RFC 7296 1.2).
//!
//! Nothing in an answer is authenticated yet, so anybody on the path could have made it. An answer that refuses, or
//! that can't be used, doesn't end the attempt: a better one may come within a grace period (2.21.1).

use std::sync::Arc;

use adit_crypto::{Ephemeral, IkeKeyInputs, IkeKeys};
use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::dataplane::Trigger;
use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, Party, Role};
use adit_model::keywords;
use adit_model::life::Childless;
use adit_model::proposal::{Proposal, SaKind};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType};
use adit_wire::v2::rules::{self, Shape};
use adit_wire::v2::{IkeSpi, KePayload, Nonce, Notify, Payload, PayloadList, emit_plain};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::describe;
use crate::head::{Head, Incoming, NetPath};
use crate::nat;
use crate::output::PeerSupport;
use crate::secured::{self, Secured};
use crate::timers::{Deadline, TimerReason, sooner};
use crate::v2::auth_initiator::Attempt;
use crate::v2::transcript::Transcript;
use crate::v2::{Phase, intermediate, keymat, later, ppk, proposals, support};
use crate::window::Pending;

/// IKE_SA_INIT is out.
pub(crate) struct InitSent {
    pub head: Head,
    pending: Option<Pending>,
    request: Vec<u8>,
    offered: Vec<Proposal>,
    method: KeMethod,
    ephemeral: Box<dyn Ephemeral>,
    public: Vec<u8>,
    nonce: Vec<u8>,
    cookie: Option<Vec<u8>>,
    tried: Vec<KeMethod>,
    restarts: u32,
    doubt: Option<Doubt>,
    first_contact: bool,
}

/// An answer that ends the attempt unless a better one comes.
struct Doubt {
    until: Mono,
    verdict: Verdict,
}

enum Verdict {
    /// The peer, or somebody else, refuses.
    Peer(Notify),
    /// The answer can't be used.
    Ours(Refusal),
}

impl InitSent {
    /// Whether the first request has been answered by anything: a cookie, another group wanted, a refusal.
    pub fn is_answered(&self) -> bool {
        self.cookie.is_some() || self.restarts > 0 || self.doubt.is_some()
    }

    /// Sends the first request.
    pub fn begin(
        cx: &mut Cx<'_>,
        connection: Arc<Connection>,
        path: NetPath,
        first_contact: bool,
        trigger: Option<Arc<Trigger>>,
    ) -> Result<Self, String> {
        let offered = proposals::usable(cx.provider, &connection.ike, SaKind::Ike);
        let method = offered
            .first()
            .and_then(|p| p.ke.first().copied())
            .ok_or("no IKE proposal that is implemented")?;
        let exchange = cx.provider.ke(method).map_err(|e| e.to_string())?;
        let (ephemeral, public) = exchange.start(&*cx.provider.random);
        let head = Head {
            our_spi: cx.new_ike_spi(),
            peer_spi: IkeSpi::ZERO,
            role: Role::Initiator,
            connection,
            path,
            nat: None,
            suite: None,
            inner: Arc::default(),
            peer: None,
            named: true,
            ppk: None,
            announced: Arc::default(),
            mobike: false,
            children_stay: None,
            trigger,
        };
        let what = Happening::Initiating {
            proposals: offered.clone(),
        };
        cx.event(&head, what);
        let mut sent = Self {
            head,
            pending: None,
            request: Vec::new(),
            offered,
            method,
            ephemeral,
            public,
            nonce: cx.new_nonce(),
            cookie: None,
            tried: vec![method],
            restarts: 0,
            doubt: None,
            first_contact,
        };
        sent.send(cx);
        Ok(sent)
    }

    /// Writes and sends the request, in its present form.
    fn send(&mut self, cx: &mut Cx<'_>) {
        let header = self.head.header(ExchangeType::IKE_SA_INIT, false, 0);
        let cookie = self
            .cookie
            .as_ref()
            .map(|c| Payload::Notify(Notify::with_data(NotifyType::COOKIE, c.clone())));
        let sa = proposals::to_wire(&self.offered, SaKind::Ike, &[], true);
        let ke = KePayload {
            method: self.method,
            data: self.public.clone(),
        };
        let mixes = self.offered.iter().any(Proposal::has_additional);
        let intermediate = mixes.then(intermediate::supported);
        let ppk = self
            .head
            .connection
            .ppk
            .as_ref()
            .map(|_| ppk::announcement());
        let payloads: PayloadList = cookie
            .into_iter()
            .chain([
                Payload::Sa(sa),
                Payload::Ke(ke),
                Payload::Nonce(Nonce(self.nonce.clone())),
            ])
            .chain(nat::payloads(
                self.head.spis(),
                self.head.path,
                self.head.connection.force_encap,
            ))
            .chain([fragmentation()])
            .chain(intermediate)
            .chain(support::hashes(core::iter::once(&*self.head.connection)))
            .chain(ppk)
            .collect();
        match emit_plain(&header, &payloads) {
            Ok(message) => {
                cx.message(&self.head, true, &header, &payloads, message.len());
                self.request.clone_from(&message);
                let datagrams = vec![message];
                cx.transmit(self.head.path, &datagrams);
                self.pending = Some(Pending::new(
                    ExchangeType::IKE_SA_INIT,
                    0,
                    datagrams,
                    self.head.connection.retransmit,
                    cx.now.mono,
                ));
            }
            Err(error) => self.doubt(cx, Verdict::Ours(secured::malformed(&error))),
        }
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let header = incoming.message.header;
        let payloads = &incoming.message.payloads;
        let mut reject =
            |reason, detail: String| cx.drop(&self.head, incoming.path, reason, detail);
        if !header.flags.response {
            let detail = format!("{} request before we have keys", header.exchange);
            reject(DropReason::IkeUnexpectedExchange, detail);
            return Phase::InitSent(self);
        }
        if header.exchange != ExchangeType::IKE_SA_INIT || header.message_id != 0 {
            let detail = format!(
                "{} {} answers nothing that was asked",
                header.exchange, header.message_id
            );
            reject(DropReason::IkeUnexpectedResponse, detail);
            return Phase::InitSent(self);
        }
        let encrypted = incoming.message.encrypted.is_some();
        let shape = match rules::check(header.exchange, true, encrypted, payloads) {
            Ok(shape) => shape,
            Err(error) => {
                reject(DropReason::IkeMalformed, error.to_string());
                return Phase::InitSent(self);
            }
        };
        if let Some(kind) = payloads.first_unsupported_critical() {
            reject(DropReason::IkeMalformed, format!("critical payload {kind}"));
            return Phase::InitSent(self);
        }
        match shape {
            Shape::SaInitCookie => self.cookie_asked(cx, incoming),
            Shape::SaInitInvalidKe => self.method_asked(cx, incoming),
            Shape::SaInitResponse => return self.answered(cx, incoming),
            Shape::SaInitRedirect => self.redirected(cx, incoming),
            Shape::SaInitError => self.error_claimed(cx, incoming, payloads.error_notify()),
            _ => reject(
                DropReason::IkeUnexpectedResponse,
                format!("{shape} isn't supported"),
            ),
        }
        Phase::InitSent(self)
    }

    /// RFC 7296 2.6: the same request again, with the cookie in front.
    fn cookie_asked(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        let cookie = incoming
            .message
            .payloads
            .notify(NotifyType::COOKIE)
            .map(|n| n.data.clone())
            .unwrap_or_default();
        if !(1..=64).contains(&cookie.len()) {
            let detail = format!("a cookie of {} octets, 1 to 64 allowed", cookie.len());
            cx.drop(&self.head, incoming.path, DropReason::IkeMalformed, detail);
            return;
        }
        if self.cookie.as_ref() == Some(&cookie) || self.restarts >= cx.settings.restart_limit {
            let detail = "a request for a cookie that we won't follow again";
            cx.drop(
                &self.head,
                incoming.path,
                DropReason::IkeUnexpectedResponse,
                detail,
            );
            return;
        }
        self.received(cx, incoming);
        cx.event(&self.head, Happening::Cookie { by: Party::Peer });
        self.cookie = Some(cookie);
        self.start_over(cx);
    }

    /// RFC 7296 1.2, 2.6.1: the same request with another key exchange method, keeping a cookie; never one that
    /// wasn't offered or was tried before.
    fn method_asked(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        let notify = incoming
            .message
            .payloads
            .notify(NotifyType::INVALID_KE_PAYLOAD);
        let wanted = notify.and_then(Notify::data_u16).map(KeMethod);
        let new = wanted.filter(|method| {
            self.offered.iter().any(|p| p.ke.contains(method)) && !self.tried.contains(method)
        });
        if wanted == Some(self.method) || self.restarts >= cx.settings.restart_limit {
            let detail = "a request for a key exchange method that we won't follow again";
            cx.drop(
                &self.head,
                incoming.path,
                DropReason::IkeUnexpectedResponse,
                detail,
            );
            return;
        }
        let started = new.and_then(|method| Some((method, cx.provider.ke(method).ok()?)));
        let Some((method, exchange)) = started else {
            self.error_claimed(cx, incoming, notify);
            return;
        };
        self.received(cx, incoming);
        let what = Happening::KeRetry {
            from: keywords::ke_name(self.method),
            to: keywords::ke_name(method),
            by: Party::Peer,
        };
        cx.event(&self.head, what);
        let (ephemeral, public) = exchange.start(&*cx.provider.random);
        self.tried.push(method);
        self.method = method;
        self.ephemeral = ephemeral;
        self.public = public;
        self.start_over(cx);
    }

    /// What was answered to the request before says nothing about the one that goes out now.
    fn start_over(&mut self, cx: &mut Cx<'_>) {
        self.restarts += 1;
        self.doubt = None;
        self.send(cx);
    }

    fn error_claimed(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>, notify: Option<&Notify>) {
        let Some(notify) = notify else { return };
        self.received(cx, incoming);
        let what = Happening::UnprotectedNotify {
            notify: notify.kind.0,
            name: notify.kind.to_string(),
            version: incoming.message.header.version.major,
        };
        cx.event(&self.head, what);
        self.doubt(cx, Verdict::Peer(notify.clone()));
    }

    /// We never said that we would go elsewhere, so the peer doesn't keep to RFC 5685 1, or somebody else answers.
    fn redirected(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        if let Some(refusal) = later::redirect(&incoming.message.payloads) {
            let detail = refusal.to_string();
            let reason = DropReason::IkeUnexpectedResponse;
            cx.drop(&self.head, incoming.path, reason, detail);
            self.doubt(cx, Verdict::Ours(refusal));
        }
    }

    /// A message of another major version claims an error. The packet itself is counted by the caller.
    pub fn other_version_claims(&mut self, cx: &mut Cx<'_>, notify: NotifyType, version: u8) {
        let what = Happening::UnprotectedNotify {
            notify: notify.0,
            name: notify.to_string(),
            version,
        };
        cx.event(&self.head, what);
        self.doubt(cx, Verdict::Peer(Notify::new(notify)));
    }

    /// RFC 7296 1.2: the answer that goes on.
    fn answered(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        match self.proceed(cx, incoming) {
            Ok(attempt) => intermediate::begin(cx, attempt),
            Err(refusal) => {
                cx.drop(
                    &self.head,
                    incoming.path,
                    DropReason::IkeMalformed,
                    refusal.to_string(),
                );
                self.doubt(cx, Verdict::Ours(refusal));
                Phase::InitSent(self)
            }
        }
    }

    /// The IKE SA with keys that comes of the answer, or why it can't be used; then we are as before.
    fn proceed(&self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Result<Box<Attempt>, Refusal> {
        let payloads = &incoming.message.payloads;
        let mismatch = |problem: &str| Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        };
        let (Some(sa), Some(ke), Some(nonce)) = (payloads.sa(), payloads.ke(), payloads.nonce())
        else {
            return Err(mismatch("SA, KEr or Nr is missing"));
        };
        let peer_spi = incoming.message.header.spi_r;
        if peer_spi.is_zero() {
            return Err(mismatch("the responder's SPI is zero"));
        }
        let (suite, _) = proposals::accept_answer(sa, &self.offered, SaKind::Ike, 0, true)?;
        if suite.ke != Some(self.method) || ke.method != self.method {
            let problem = "the key exchange method isn't the one we sent a value for";
            return Err(mismatch(problem));
        }
        let intermediate = payloads
            .notify(NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED)
            .is_some();
        if suite.additional().next().is_some() && !intermediate {
            // RFC 9370 2.2.1.
            let problem = "additional key exchanges without INTERMEDIATE_EXCHANGE_SUPPORTED";
            return Err(mismatch(problem));
        }
        let ppk_announced = ppk::is_announced(payloads);
        ppk::acceptable(self.head.connection.ppk.as_ref(), ppk_announced)?;
        let able = payloads
            .notify(NotifyType::CHILDLESS_IKEV2_SUPPORTED)
            .is_some();
        let childless = match self.head.connection.life.childless {
            Childless::Allow | Childless::Never => false,
            Childless::Prefer => able,
            Childless::Force if able => true,
            Childless::Force => {
                return Err(mismatch(
                    "the peer doesn't set up an IKE SA without a child (RFC 6023), which is configured",
                ));
            }
        };
        let ike =
            keymat::ike_suite(cx.provider, &suite).map_err(|error| mismatch(&error.to_string()))?;
        let shared = self
            .ephemeral
            .finish(&ke.data)
            .map_err(|error| Refusal::KeValue {
                method: keywords::ke_name(self.method),
                problem: error.to_string(),
            })?;

        let mut head = self.head.clone();
        head.peer_spi = peer_spi;
        head.suite = Some(suite);
        let (spi_i, spi_r) = head.spis();
        let inputs = IkeKeyInputs {
            ni: &self.nonce,
            nr: &nonce.0,
            shared: &shared,
            spi_i: spi_i.to_bytes(),
            spi_r: spi_r.to_bytes(),
        };
        let keys = IkeKeys::derive(&ike, &inputs);
        keymat::tell(cx, &suite, &inputs, &keys);
        let fragmentation = payloads
            .notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)
            .is_some();
        let channel = Channel::new(&ike, keys, head.role, fragmentation)
            .map_err(|error| mismatch(&error.to_string()))?;

        let status = nat::detect(payloads, head.spis(), incoming.path);
        head.nat = Some(status);
        let header = &incoming.message.header;
        cx.message(&head, false, header, payloads, incoming.bytes.len());
        cx.event(&head, Happening::IkeProposalChosen { suite });
        nat_event(cx, &head);
        let mut peer = PeerSupport::default();
        support::learn(&mut peer, payloads);
        support::tell(cx, &mut head, &peer);
        // Who can move uses the port that goes through a NAT from the start: there may be one later (RFC 4555 3.3).
        if head.udp_encap() || head.connection.mobike && status.peer_supports {
            head.path = nat::floated(head.path, cx.settings);
            cx.event(&head, Happening::Floated);
        }
        let transcript = Transcript {
            ours: self.request.clone(),
            theirs: incoming.bytes.to_vec(),
            our_nonce: self.nonce.clone(),
            peer_nonce: nonce.0.clone(),
            intermediate: None,
        };
        Ok(Box::new(Attempt {
            secured: Secured::new(head, channel, 1, 0),
            transcript,
            peer,
            first_contact: self.first_contact,
            ppk_announced,
            ppk: None,
            childless,
            moved: false,
        }))
    }

    fn received(&self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        let message = &incoming.message;
        let octets = incoming.bytes.len();
        cx.message(
            &self.head,
            false,
            &message.header,
            &message.payloads,
            octets,
        );
    }

    fn doubt(&mut self, cx: &Cx<'_>, verdict: Verdict) {
        self.doubt.get_or_insert(Doubt {
            until: cx.now.mono + cx.settings.unprotected_grace,
            verdict,
        });
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if let Some(doubt) = self.doubt.take_if(|doubt| doubt.until <= cx.now.mono) {
            let (by, what) = match doubt.verdict {
                Verdict::Peer(notify) => (Party::Peer, self.peer_refused(&notify)),
                Verdict::Ours(refusal) => {
                    let what = Happening::Refused {
                        what: ExchangeType::IKE_SA_INIT.to_string(),
                        refusal,
                        notify: None,
                    };
                    (Party::Us, what)
                }
            };
            cx.event(&self.head, what);
            return Phase::failed(cx, &self.head, by);
        }
        let pending = self.pending.as_mut();
        if pending.is_some_and(|pending| secured::retransmit(cx, &self.head, pending)) {
            return Phase::failed(cx, &self.head, Party::Us);
        }
        Phase::InitSent(self)
    }

    fn peer_refused(&self, notify: &Notify) -> Happening {
        Happening::PeerRefused {
            what: ExchangeType::IKE_SA_INIT.to_string(),
            notify: notify.kind.0,
            name: notify.kind.to_string(),
            data: describe::hex(&notify.data),
            asked: Asked {
                proposals: self.offered.clone(),
                ..Asked::default()
            },
        }
    }

    pub fn deadline(&self) -> Option<Deadline> {
        sooner(
            self.pending
                .as_ref()
                .map(|p| (p.due(), TimerReason::Retransmit)),
            self.doubt
                .as_ref()
                .map(|d| (d.until, TimerReason::UnprotectedGrace)),
        )
    }
}

/// We take fragments (RFC 7383 2.3).
pub(crate) fn fragmentation() -> Payload {
    Payload::Notify(Notify::new(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED))
}

/// Tells what NAT detection found.
pub(crate) fn nat_event(cx: &mut Cx<'_>, head: &Head) {
    if let Some(status) = head.nat {
        let what = Happening::NatDetection {
            local_behind_nat: status.local_behind_nat,
            remote_behind_nat: status.remote_behind_nat,
            peer_supports: status.peer_supports,
        };
        cx.event(head, what);
    }
}
