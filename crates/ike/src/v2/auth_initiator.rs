//! Initiator, IKE_AUTH (RFC 7296 1.2, 2.15): `Signing → AuthSent → Verifying → Established`.
//!
//! Each phase is consumed by what ends it. The two in which the key holder is asked have a deadline of their own.

use std::net::IpAddr;
use std::sync::Arc;

use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, Party};
use adit_model::proposal::SaKind;
use adit_model::reason::{CertificateProblem, Refusal};
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{AuthPayload, IdPayload, Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::describe;
use crate::head::{Head, Incoming, NetPath};
use crate::output::{KeyAnswer, KeyRequestId, PeerSupport, Signed};
use crate::secured::{Accepted, Follow, Secured};
use crate::timers::Deadline;
use crate::v2::child;
use crate::v2::child_offer::ChildOffer;
use crate::v2::closing::{Closing, delete_ike};
use crate::v2::established::Established;
use crate::v2::lifespan::Setback;
use crate::v2::mode;
use crate::v2::transcript::{Transcript, id_payload};
use crate::v2::verify::{self, Claim, Proof};
use crate::v2::waiting::{AsksKeyHolder, Waiting};
use crate::v2::{Phase, config_payload, later, mobike, ppk, proposals, support};

/// An IKE SA with keys whose peers haven't authenticated yet, as the initiator has it.
pub(crate) struct Attempt {
    pub secured: Secured,
    pub transcript: Transcript,
    /// What the peer can verify.
    pub peer: PeerSupport,
    pub first_contact: bool,
    /// Both sides have announced post-quantum pre-shared keys.
    pub ppk_announced: bool,
    /// The one that is mixed in.
    pub ppk: Option<ppk::Mixed>,
    /// The first child isn't asked for in IKE_AUTH (RFC 6023).
    pub childless: bool,
    /// IKE_AUTH has gone out over another path too, of which the peer may have to be told.
    pub moved: bool,
}

/// The key holder makes our proof.
pub(crate) struct Signing {
    attempt: Box<Attempt>,
    asked: KeyRequestId,
    until: Mono,
}

/// IKE_AUTH is out.
pub(crate) struct AuthSent {
    attempt: Box<Attempt>,
    offer: Option<ChildOffer>,
}

/// The key holder looks at the peer's proof.
pub(crate) struct Verifying {
    attempt: Box<Attempt>,
    offer: Option<ChildOffer>,
    claim: Claim,
    payloads: PayloadList,
    asked: KeyRequestId,
    until: Mono,
}

impl Attempt {
    /// What is asked goes out again over another path, of which it is known that it leads to the peer.
    fn take_path(&mut self, cx: &mut Cx<'_>, path: NetPath) {
        self.moved = true;
        self.secured.head.path = path;
        self.secured.repeat_now(cx);
    }

    pub fn head(&self) -> &Head {
        &self.secured.head
    }

    /// Nothing is pending and no request is allowed yet: this counts a message and no more.
    pub fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.secured.accept(cx, incoming, &[], Follow::BehindNat);
    }

    /// Asks for our proof.
    pub fn sign(self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        let id = id_payload(&self.head().connection.local_id);
        let octets = self.transcript.our_octets(&self.secured.channel, &id);
        let remote_id = verify::expected_identity(self.head());
        let peer = self.peer.clone();
        match verify::ask_sign(cx, self.head(), remote_id, octets, peer) {
            Some(asked) => Phase::Signing(Box::new(Signing {
                until: cx.now.mono + cx.settings.key_timeout,
                attempt: self,
                asked,
            })),
            None => Phase::failed(cx, self.head(), Party::Us),
        }
    }

    /// We can't go on, before anything was sent that the peer would have to be told about.
    pub fn abandon(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        let what = Happening::Refused {
            what: ExchangeType::IKE_AUTH.to_string(),
            refusal,
            notify: None,
        };
        cx.event(self.head(), what);
        Phase::failed(cx, self.head(), Party::Us)
    }

    /// The peer believes that the IKE SA is up; it is told otherwise (RFC 7296 2.21.2).
    fn reject(
        self: Box<Self>,
        cx: &mut Cx<'_>,
        offer: &Option<ChildOffer>,
        refusal: Refusal,
    ) -> Phase {
        release(cx, offer);
        let notify = Notify::new(NotifyType::AUTHENTICATION_FAILED);
        let distrusts = matches!(
            refusal,
            Refusal::Certificate {
                problem: CertificateProblem::Revoked,
                ..
            }
        );
        let what = Happening::Refused {
            what: ExchangeType::IKE_AUTH.to_string(),
            refusal,
            notify: Some(notify.kind.to_string()),
        };
        cx.event(self.head(), what);
        let farewell = PayloadList(vec![Payload::Notify(notify)]);
        let mut phase = Closing::begin(cx, self.secured, Vec::new(), farewell, "failed");
        if let Phase::Closing(closing) = &mut phase {
            closing.distrusts = distrusts;
        }
        phase
    }
}

impl Signing {
    pub fn head(&self) -> &Head {
        self.attempt.head()
    }
}

impl Waiting for Signing {
    fn until(&self) -> Mono {
        self.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Signing(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.attempt.meanwhile(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        self.attempt.abandon(cx, refusal)
    }
}

impl AsksKeyHolder for Signing {
    fn asked(&self) -> Option<KeyRequestId> {
        Some(self.asked)
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let mut attempt = self.attempt;
        let ready = verify::signed(answer).and_then(|signed| {
            let offer = || ChildOffer::new(cx, attempt.head());
            Ok((signed, (!attempt.childless).then(offer).transpose()?))
        });
        match ready {
            Ok((signed, offer)) => {
                let request = request(cx, &attempt, signed, offer.as_ref());
                let schedule = attempt.head().connection.retransmit;
                attempt
                    .secured
                    .request(cx, ExchangeType::IKE_AUTH, &request, schedule);
                Phase::AuthSent(Box::new(AuthSent { attempt, offer }))
            }
            Err(refusal) => attempt.abandon(cx, refusal),
        }
    }
}

/// `SK { IDi, [CERT+,] [N(INITIAL_CONTACT),] [CERTREQ+,] [IDr,] AUTH, [SAi2, TSi, TSr,
/// [N(USE_TRANSPORT_MODE), N(ESP_TFC_PADDING_NOT_SUPPORTED)]] [N(SET_WINDOW_SIZE)] }`, with CP(CFG_REQUEST) in
/// front of SAi2 when an address is wanted
fn request(
    cx: &Cx<'_>,
    attempt: &Attempt,
    signed: Signed,
    offer: Option<&ChildOffer>,
) -> PayloadList {
    let connection = &attempt.head().connection;
    let initial_contact = attempt
        .first_contact
        .then(|| Payload::Notify(Notify::new(NotifyType::INITIAL_CONTACT)));
    let id_r = connection
        .remote_id
        .as_ref()
        .filter(|id| !id.is_pattern())
        .map(|id| Payload::IdR(id_payload(id)));
    let child = offer.map(|offer| {
        let spi = offer.spi_in.to_be_bytes();
        let sa = proposals::to_wire(&offer.wish.proposals, SaKind::Esp, &spi, false);
        core::iter::once(Payload::Sa(sa))
            .chain(offer.wish.selectors())
            .chain(mode::payload(offer.wish.mode))
            .chain(mode::no_filling(offer.wish.mode))
    });
    let auth = AuthPayload {
        method: signed.method,
        data: signed.proof,
    };
    core::iter::once(Payload::IdI(id_payload(&connection.local_id)))
        .chain(signed.certificates.into_iter().map(Payload::Cert))
        .chain(initial_contact)
        .chain(support::wishes(cx.trust, core::iter::once(&**connection)))
        .chain(id_r)
        .chain([Payload::Auth(auth)])
        .chain(config_payload::request(connection, &held(cx, connection)))
        .chain(child.into_iter().flatten())
        .chain(mobike::announcement(&cx.addresses.ours, attempt.head()))
        .chain(mobike::prohibition(attempt.head()))
        .chain(attempt.secured.window_payload())
        .chain(attempt.ppk.iter().flat_map(ppk::Mixed::payloads))
        .collect()
}

/// Addresses that an IKE SA of the same connection has been given: the one that takes its place wants them again.
fn held(cx: &Cx<'_>, connection: &Connection) -> Vec<IpAddr> {
    let found = cx.others.values().find_map(|phase| match phase {
        Phase::Established(p) if p.connection().name == connection.name => {
            Some(p.secured.head.inner.ours.clone())
        }
        _ => None,
    });
    found.unwrap_or_default()
}

impl AuthSent {
    pub fn head(&self) -> &Head {
        self.attempt.head()
    }

    pub fn take_path(&mut self, cx: &mut Cx<'_>, path: NetPath) {
        self.attempt.take_path(cx, path);
    }

    /// The attempt is given up from outside. The peer may believe that the IKE SA is up.
    pub fn close(self, cx: &mut Cx<'_>, cause: &'static str) -> Phase {
        release(cx, &self.offer);
        Closing::begin(cx, self.attempt.secured, Vec::new(), delete_ike(), cause)
    }

    pub fn handle_message(mut self: Box<Self>, cx: &mut Cx<'_>, incoming: &Incoming<'_>) -> Phase {
        let accepted = self
            .attempt
            .secured
            .accept(cx, incoming, &[], Follow::BehindNat);
        let Some(Accepted::Response(response)) = accepted else {
            return Phase::AuthSent(self);
        };
        let Self { mut attempt, offer } = *self;
        let (shape, payloads) = match response {
            Ok(read) => read,
            Err(refusal) => return attempt.reject(cx, &offer, refusal),
        };
        match shape {
            Shape::AuthError => {
                let head = attempt.head();
                release(cx, &offer);
                if let Some(notify) = payloads.error_notify() {
                    let what = auth_refused(head, notify);
                    cx.event(head, what);
                }
                Phase::failed(cx, head, Party::Peer)
            }
            Shape::AuthResponse | Shape::AuthResponseChildError | Shape::AuthResponseChildless => {
                let claimed = later::no_further(&payloads)
                    .and_then(|()| later::redirect(&payloads).map_or(Ok(()), Err))
                    .and_then(|()| ppk::settle(&mut attempt, &payloads))
                    .and_then(|()| claim(cx, attempt.head(), &payloads));
                match claimed {
                    Ok(claimed) => verify_peer(cx, attempt, offer, claimed, payloads),
                    Err(refusal) => attempt.reject(cx, &offer, refusal),
                }
            }
            other => {
                let refusal = Refusal::Unsupported {
                    what: later::feature(other),
                };
                attempt.reject(cx, &offer, refusal)
            }
        }
    }

    pub fn handle_timeout(mut self: Box<Self>, cx: &mut Cx<'_>) -> Phase {
        if self.attempt.secured.retransmit(cx) {
            release(cx, &self.offer);
            return Phase::failed(cx, self.attempt.head(), Party::Us);
        }
        Phase::AuthSent(self)
    }

    pub fn deadline(&self) -> Option<Deadline> {
        self.attempt.secured.retransmit_deadline()
    }
}

fn auth_refused(head: &Head, notify: &Notify) -> Happening {
    Happening::PeerRefused {
        what: ExchangeType::IKE_AUTH.to_string(),
        notify: notify.kind.0,
        name: notify.kind.to_string(),
        data: describe::hex(&notify.data),
        asked: Asked {
            local_id: Some(head.connection.local_id.clone()),
            remote_id: head.connection.remote_id.clone(),
            auth: Some(head.connection.auth.local),
            ..Asked::default()
        },
    }
}

/// Whom the responder claims to be, if that is whom we want.
fn claim(
    cx: &mut Cx<'_>,
    head: &Head,
    payloads: &PayloadList,
) -> Result<(Claim, IdPayload, Proof), Refusal> {
    let (Some(id), Some(auth)) = (payloads.id_r(), payloads.auth()) else {
        return Err(Refusal::Presence {
            problem: "IKE_AUTH response without IDr or AUTH".to_owned(),
        });
    };
    let claim = Claim::new(id)?;
    let proof = Proof::new(auth, payloads);
    match &head.connection.remote_id {
        Some(expected) if !expected.admits(claim.identity()) => Err(Refusal::PeerIdentity {
            received: claim.identity().clone(),
            expected: vec![expected.clone()],
        }),
        _ => {
            proof.fits(head.connection.auth.remote)?;
            proof.is_bounded(cx.settings, claim.identity())?;
            proof.is_readable(head.connection.auth.remote, claim.identity())?;
            Ok((claim, id.clone(), proof))
        }
    }
}

fn verify_peer(
    cx: &mut Cx<'_>,
    attempt: Box<Attempt>,
    offer: Option<ChildOffer>,
    (claim, id, proof): (Claim, IdPayload, Proof),
    payloads: PayloadList,
) -> Phase {
    let octets = attempt
        .transcript
        .peer_octets(&attempt.secured.channel, &id);
    let asked = verify::ask_verify(cx, attempt.head(), &claim, octets, proof);
    match asked {
        Some(asked) => Phase::Verifying(Box::new(Verifying {
            attempt,
            offer,
            claim,
            payloads,
            asked,
            until: cx.now.mono + cx.settings.key_timeout,
        })),
        None => Phase::failed(cx, attempt.head(), Party::Us),
    }
}

impl Verifying {
    pub fn take_path(&mut self, cx: &mut Cx<'_>, path: NetPath) {
        self.attempt.take_path(cx, path);
    }

    pub fn head(&self) -> &Head {
        self.attempt.head()
    }

    /// The attempt is given up from outside. The peer may believe that the IKE SA is up.
    pub fn close(self, cx: &mut Cx<'_>, cause: &'static str) -> Phase {
        release(cx, &self.offer);
        Closing::begin(cx, self.attempt.secured, Vec::new(), delete_ike(), cause)
    }
}

impl Waiting for Verifying {
    fn until(&self) -> Mono {
        self.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Verifying(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        // The peer may go on at once, but we don't know yet that it is the peer.
        let header = incoming.message.header;
        let (reason, problem) = if header.flags.response {
            (DropReason::IkeUnexpectedResponse, "was answered before")
        } else {
            (DropReason::IkeBusy, "came while the peer is being verified")
        };
        let detail = format!("{} {} {problem}", header.exchange, header.message_id);
        cx.drop(self.head(), incoming.path, reason, detail);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        let Self { attempt, offer, .. } = *self;
        attempt.reject(cx, &offer, refusal)
    }
}

impl AsksKeyHolder for Verifying {
    fn asked(&self) -> Option<KeyRequestId> {
        Some(self.asked)
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let Self {
            attempt,
            offer,
            claim,
            payloads,
            ..
        } = *self;
        let peer = match claim.verified(answer) {
            Ok(peer) => peer,
            Err(refusal) => return attempt.reject(cx, &offer, refusal),
        };
        let Attempt {
            mut secured,
            transcript,
            moved,
            ..
        } = *attempt;
        secured.head.peer = Some(Arc::new(peer.identity().clone()));
        let mut established = Established::new(cx, secured, peer);
        established.agree_to_move(cx, &payloads, true);
        if moved {
            established.tell_path();
        }
        established.secured.heed_window(&payloads);
        established.authenticated(cx, &payloads);
        let refused = offer.is_some() && payloads.sa().is_none();
        if !refused && let Err(problem) = established.take_addresses(cx, &payloads) {
            release(cx, &offer);
            let refusal = Refusal::NoAddress { problem };
            established.refused_by_us(cx, ExchangeType::IKE_AUTH.to_string(), &refusal);
            return established.close(cx, "failed");
        }
        let Some(offer) = offer else {
            // RFC 6023: all children come by CREATE_CHILD_SA.
            established.keep_up(cx);
            return Phase::Established(Box::new(established));
        };
        match offer.conclude(cx, &established.secured, &transcript, &payloads) {
            Ok(Some(child)) => {
                established.children.push(child);
                established.keep_up(cx);
                Phase::Established(Box::new(established))
            }
            Ok(None) => without_child(cx, established, &offer),
            Err(refusal) => {
                let what = Happening::Refused {
                    what: child::title(&established.secured.head, Some(&offer.wish.config.name)),
                    refusal,
                    notify: None,
                };
                cx.event(&established.secured.head, what);
                without_child(cx, established, &offer)
            }
        }
    }
}

/// Nothing comes of the first child.
fn release(cx: &mut Cx<'_>, offer: &Option<ChildOffer>) {
    if let Some(offer) = offer {
        offer.release(cx);
    }
}

/// An IKE SA without its only child is of no use to who set it up: it is deleted, and whoever runs the connection
/// decides when to try again. Where there are other children, one that was refused doesn't take them down.
fn without_child(cx: &mut Cx<'_>, mut established: Established, offer: &ChildOffer) -> Phase {
    offer.release(cx);
    if established.connection().children.len() < 2 {
        return established.close(cx, "failed");
    }
    let problem = "it was refused when the IKE SA was set up".to_owned();
    established.child_failed(cx, &offer.wish.config.name, None, Setback::Refused, problem);
    established.keep_up(cx);
    Phase::Established(Box::new(established))
}
