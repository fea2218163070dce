//! Responder, IKE_AUTH (RFC 7296 1.2, 2.15, 2.21.2): `Checking → Answering (→ Leasing) → Established`.
//!
//! The peer is verified before we prove who we are, and before anything of its CHILD SA is looked at.

use std::sync::Arc;

use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party};
use adit_model::identity::Identity;
use adit_model::life::Unique;
use adit_model::proposal::{SaKind, choose};
use adit_model::reason::{AddressProblem, Refusal};
use adit_model::{Mono, Secret};
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::rules::Shape;
use adit_wire::v2::{AuthPayload, Payload, PayloadList};

use crate::cx::{Cx, Note};
use crate::head::{Head, Incoming};
use crate::lease::Lease;
use crate::notify;
use crate::output::{DerivedKeys, KeyAnswer, KeyRequestId, PeerSupport, Signed};
use crate::secured::Secured;
use crate::v2::child::{self, Agreed, Child, KeySource};
use crate::v2::closing::{Lingering, closed, refuse};
use crate::v2::established::Established;
use crate::v2::init_answer::InitAnswered;
use crate::v2::ppk::Taken;
use crate::v2::transcript::{Transcript, id_payload, identity};
use crate::v2::verify::{self, Claim, Proof, VerifiedPeer};
use crate::v2::waiting::{AsksKeyHolder, Waiting};
use crate::v2::{Phase, config_payload, later, leasing, mobike, narrow, ppk, proposals, support};

/// The request of a peer that is being authenticated.
pub(crate) struct Request {
    pub secured: Secured,
    transcript: Transcript,
    pub payloads: PayloadList,
    /// What the peer can verify.
    peer: PeerSupport,
    /// A post-quantum pre-shared key is mixed in.
    ppk: bool,
    pub until: Mono,
}

/// The key holder looks at the peer's proof.
pub(crate) struct Checking {
    pub request: Request,
    claim: Claim,
    proof: Proof,
    octets: Secret,
    /// Connections that are tried if the proof doesn't satisfy this one, the next one last.
    others: Vec<Arc<Connection>>,
    /// What the first connection had against it.
    refused: Option<(Arc<Connection>, Refusal)>,
    /// When the peer's time is over.
    end: Mono,
    asked: Option<KeyRequestId>,
}

/// The peer is verified; the key holder makes our proof.
pub(crate) struct Answering {
    pub request: Request,
    peer: VerifiedPeer,
    asked: KeyRequestId,
}

/// An authentic IKE_AUTH request came.
pub(crate) fn begin(
    cx: &mut Cx<'_>,
    half_open: Box<InitAnswered>,
    content: Result<(Shape, PayloadList), Refusal>,
) -> Phase {
    let InitAnswered {
        mut secured,
        transcript,
        mut peer,
        candidates,
        ppk_announced,
        until: end,
    } = *half_open;
    let chosen = content.and_then(|(shape, payloads)| {
        if !matches!(shape, Shape::AuthRequest | Shape::AuthRequestChildless) {
            return Err(Refusal::Unsupported {
                what: later::feature(shape),
            });
        }
        later::no_further(&payloads)?;
        let (Some(id_i), Some(auth)) = (payloads.id_i(), payloads.auth()) else {
            return Err(Refusal::Presence {
                problem: "IKE_AUTH request without IDi or AUTH".to_owned(),
            });
        };
        let wanted = payloads.id_r().map(identity).transpose()?;
        let claim = Claim::new(id_i)?;
        let mut proof = Proof::new(auth, &payloads);
        let mut others = select(&secured.head, &candidates, claim.identity(), wanted, &proof)?;
        others.reverse();
        if let Some(first) = others.pop() {
            secured.head.connection = first;
            secured.head.named = true;
        }
        if secured.head.connection.mobike
            && let Some(current) = secured.replies.current
        {
            mobike::check_no_nats(&payloads, current.path)?;
        }
        proof.fits(secured.head.connection.auth.remote)?;
        proof.is_bounded(cx.settings, claim.identity())?;
        let ours = secured.head.connection.ppk.as_ref();
        let ppk = match ppk::take(ours, ppk_announced, &payloads)? {
            Taken::Plain => None,
            Taken::With(id) => Some(id),
            Taken::Without(other) => {
                proof.replace(other);
                None
            }
        };
        others.retain(|other| other.ppk.as_ref() == ours);
        let octets = transcript.peer_octets(&secured.channel, id_i);
        Ok((claim, proof, octets, others, ppk, payloads))
    });
    let (claim, proof, octets, others, ppk, payloads) = match chosen {
        Ok(chosen) => chosen,
        Err(refusal) => return fail(cx, secured, refusal),
    };
    support::learn(&mut peer, &payloads);
    let checking = Checking {
        request: Request {
            secured,
            transcript,
            payloads,
            peer,
            ppk: false,
            until: end,
        },
        claim,
        proof,
        octets,
        others,
        refused: None,
        end,
        asked: None,
    };
    ppk::recognise(cx, Box::new(checking), ppk.as_deref())
}

/// The connections among `candidates` that are for these identities and take the suite that was agreed on, the one that
/// means the peer most closely first. If there is any, one is returned.
fn select(
    head: &Head,
    candidates: &[Arc<Connection>],
    peer: &Identity,
    wanted: Option<Identity>,
    proof: &Proof,
) -> Result<Vec<Arc<Connection>>, Refusal> {
    let suite: Vec<_> = head.suite.iter().map(|suite| (*suite).into()).collect();
    let candidates: Vec<_> = candidates
        .iter()
        .filter(|c| choose(&c.ike, &suite, true).is_some())
        .collect();
    let mut for_peer: Vec<_> = candidates
        .iter()
        .filter(|c| c.remote_id.as_ref().is_none_or(|id| id.admits(peer)))
        .map(|c| Arc::clone(c))
        .collect();
    if for_peer.is_empty() {
        return Err(Refusal::PeerIdentity {
            received: peer.clone(),
            expected: candidates
                .iter()
                .filter_map(|c| c.remote_id.clone())
                .collect(),
        });
    }
    // A connection that names the peer goes before one for anybody: it holds the peer's own key.
    for_peer.sort_by_key(|c| {
        let breadth = match &c.remote_id {
            Some(id) if id.is_pattern() => 1,
            Some(_) => 0,
            None => 2,
        };
        (proof.fits(c.auth.remote).is_err(), breadth)
    });
    let ours: Vec<Identity> = for_peer.iter().map(|c| c.local_id.clone()).collect();
    for_peer.retain(|c| wanted.as_ref().is_none_or(|id| c.local_id.admits(id)));
    match (for_peer.is_empty(), wanted) {
        (true, Some(requested)) => Err(Refusal::OurIdentity { requested, ours }),
        _ => Ok(for_peer),
    }
}

/// Refuses the IKE SA: the answer says so and nothing else (RFC 7296 2.21.2).
pub(crate) fn fail(cx: &mut Cx<'_>, mut secured: Secured, refusal: Refusal) -> Phase {
    let notify = refuse(cx, &mut secured, &refusal);
    let what = Happening::Refused {
        what: ExchangeType::IKE_AUTH.to_string(),
        refusal,
        notify,
    };
    cx.event(&secured.head, what);
    closed(cx, &secured.head, Party::Us, "failed");
    Lingering::begin_unverified(cx, secured)
}

impl Request {
    /// Whatever comes while the key holder thinks has to wait.
    pub fn busy(&self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        let header = incoming.message.header;
        let (reason, problem) = if header.flags.response {
            (
                DropReason::IkeUnexpectedResponse,
                "answers nothing that was asked",
            )
        } else {
            (
                DropReason::IkeBusy,
                "came while the peer is being authenticated",
            )
        };
        let detail = format!("{} {} {problem}", header.exchange, header.message_id);
        cx.drop(&self.secured.head, incoming.path, reason, detail);
    }
}

impl Checking {
    /// A post-quantum pre-shared key is mixed in, which the proof depends on.
    pub fn mix(&mut self, keys: DerivedKeys) {
        let request = &mut self.request;
        request.secured.channel.replace_derived(keys);
        request.ppk = true;
        if let Some(id) = request.payloads.id_i() {
            let channel = &request.secured.channel;
            self.octets = request.transcript.peer_octets(channel, id);
        }
    }

    pub fn fail(self, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        fail(cx, self.request.secured, refusal)
    }

    /// Asks the key holder whether the proof satisfies the connection.
    pub fn ask(mut self, cx: &mut Cx<'_>) -> Phase {
        let head = &self.request.secured.head;
        let readable = self
            .proof
            .is_readable(head.connection.auth.remote, self.claim.identity());
        if let Err(refusal) = readable {
            return self.refused(cx, refusal);
        }
        let (octets, proof) = (self.octets.clone(), self.proof.clone());
        match verify::ask_verify(cx, head, &self.claim, octets, proof) {
            Some(asked) => {
                self.asked = Some(asked);
                self.request.until = self.end.min(cx.now.mono + cx.settings.key_timeout);
                Phase::Checking(Box::new(self))
            }
            None => fail(cx, self.request.secured, verify::key_holder_silent()),
        }
    }

    /// This connection won't have the peer; another one may.
    fn refused(mut self, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        let head = &mut self.request.secured.head;
        let (closest, refusal) = self
            .refused
            .take()
            .unwrap_or_else(|| (Arc::clone(&head.connection), refusal));
        while let Some(next) = self.others.pop() {
            if self.proof.fits(next.auth.remote).is_ok() {
                head.connection = next;
                self.refused = Some((closest, refusal));
                return self.ask(cx);
            }
        }
        head.connection = closest;
        fail(cx, self.request.secured, refusal)
    }
}

impl Waiting for Checking {
    fn until(&self) -> Mono {
        self.request.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Checking(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.request.busy(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        fail(cx, self.request.secured, refusal)
    }
}

impl AsksKeyHolder for Checking {
    fn asked(&self) -> Option<KeyRequestId> {
        self.asked
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let peer = match self.claim.verified(answer) {
            Ok(peer) => peer,
            Err(refusal) => return self.refused(cx, refusal),
        };
        let Self { mut request, .. } = *self;
        // Not before: anybody may announce anything in the name of any peer.
        support::tell(cx, &mut request.secured.head, &request.peer);
        let head = &request.secured.head;
        let id = id_payload(&head.connection.local_id);
        let octets = request.transcript.our_octets(&request.secured.channel, &id);
        let remote_id = peer.identity().clone();
        match verify::ask_sign(cx, head, remote_id, octets, request.peer.clone()) {
            Some(asked) => Phase::Answering(Box::new(Answering {
                request: Request {
                    until: cx.now.mono + cx.settings.key_timeout,
                    ..request
                },
                peer,
                asked,
            })),
            None => fail(cx, request.secured, verify::key_holder_silent()),
        }
    }
}

impl Waiting for Answering {
    fn until(&self) -> Mono {
        self.request.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Answering(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.request.busy(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        fail(cx, self.request.secured, refusal)
    }
}

impl AsksKeyHolder for Answering {
    fn asked(&self) -> Option<KeyRequestId> {
        Some(self.asked)
    }

    fn answered(self: Box<Self>, cx: &mut Cx<'_>, answer: KeyAnswer) -> Phase {
        let Self { request, peer, .. } = *self;
        let signed = match verify::signed(answer) {
            Ok(signed) => signed,
            Err(refusal) => return fail(cx, request.secured, refusal),
        };
        if let Err(refusal) = unique(cx, &request.secured.head, &peer) {
            return fail(cx, request.secured, refusal);
        }
        leasing::begin(cx, request, peer, signed)
    }
}

/// The peer is verified and our proof is made: answers, with the addresses that it is given or why it has none.
pub(crate) fn finish(
    cx: &mut Cx<'_>,
    request: Request,
    peer: VerifiedPeer,
    signed: Signed,
    addresses: Result<Option<Lease>, AddressProblem>,
) -> Phase {
    let Request {
        mut secured,
        transcript,
        payloads,
        ppk,
        ..
    } = request;
    let auth = AuthPayload {
        method: signed.method,
        data: signed.proof,
    };
    let id = id_payload(&secured.head.connection.local_id);
    secured.head.peer = Some(Arc::new(peer.identity().clone()));
    let mut established = Established::new(cx, secured, peer);
    established.agree_to_move(cx, &payloads, false);
    established.secured.heed_window(&payloads);
    let initial = payloads.notify(NotifyType::INITIAL_CONTACT).is_some();
    cx.note(Note::Contact { initial });
    let mut response: PayloadList = core::iter::once(Payload::IdR(id))
        .chain(signed.certificates.into_iter().map(Payload::Cert))
        .chain([Payload::Auth(auth)])
        .chain(established.auth_lifetime(cx))
        .chain(established.secured.window_payload())
        .collect();
    let leased = match &addresses {
        Ok(Some(lease)) => {
            established.give(cx, lease);
            response.0.push(config_payload::reply(lease));
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(problem) => Err(Refusal::NoAddress {
            problem: problem.clone(),
        }),
    };
    if payloads.sa().is_some() || leased.is_err() {
        let child =
            leased.and_then(|()| first_child(cx, &established.secured, &transcript, &payloads));
        match child {
            Ok((child, agreed)) => {
                established.children.push(child);
                response.0.extend(agreed);
            }
            Err(refusal) => {
                let notify = notify::for_refusal(&refusal, ExchangeType::CREATE_CHILD_SA);
                let what = Happening::Refused {
                    what: child::title(&established.secured.head, None),
                    refusal,
                    notify: notify.as_ref().map(|n| n.kind.to_string()),
                };
                cx.event(&established.secured.head, what);
                response.0.extend(notify.map(Payload::Notify));
            }
        }
    }
    response.0.extend(ppk.then(ppk::taken));
    if mobike::is_announced(&payloads) {
        let head = &established.secured.head;
        response
            .0
            .extend(mobike::announcement(&cx.addresses.ours, head));
    }
    established.secured.reply(cx, &response);
    Phase::Established(Box::new(established))
}

/// A peer that may be here only once isn't let in from elsewhere while it is. From the same address it may be
/// authenticating anew.
fn unique(cx: &Cx<'_>, head: &Head, peer: &VerifiedPeer) -> Result<(), Refusal> {
    if head.connection.life.unique != Unique::Keep {
        return Ok(());
    }
    let elsewhere = cx.others.values().find_map(|phase| match phase {
        Phase::Established(p) => {
            let there = &p.secured.head;
            let same = there.connection.name == head.connection.name
                && p.remote_id == *peer.identity()
                && p.replaced.is_none();
            (same && there.path.remote.ip() != head.path.remote.ip()).then_some(there)
        }
        _ => None,
    });
    match elsewhere {
        Some(there) => Err(Refusal::PeerIsHere {
            peer: peer.identity().clone(),
            from: head.path.remote.ip(),
            present: there.path.remote.ip(),
        }),
        None => Ok(()),
    }
}

/// The CHILD SA of IKE_AUTH, and the payloads that agree to it: `SAr2, TSi, TSr, [N(USE_TRANSPORT_MODE)]`.
fn first_child(
    cx: &mut Cx<'_>,
    secured: &Secured,
    transcript: &Transcript,
    request: &PayloadList,
) -> Result<(Child, Vec<Payload>), Refusal> {
    let head = &secured.head;
    let selected = child::select(cx.provider, head, request, None, false)?;
    let spi_in = cx.new_esp_spi();
    let agreed = [
        Payload::Sa(proposals::answer(
            &selected.choice,
            SaKind::Esp,
            &spi_in.to_be_bytes(),
        )),
        Payload::TsI(narrow::to_wire(&selected.ts.remote)),
        Payload::TsR(narrow::to_wire(&selected.ts.local)),
    ]
    .into_iter()
    .chain(selected.notifies())
    .collect();
    let (ni, nr) = transcript.nonces(head.role);
    let source = KeySource {
        channel: &secured.channel,
        shared: None,
        ni,
        nr,
        additional: &[],
        ours: false,
    };
    let child = Agreed {
        config: &selected.config,
        spi_in,
        spi_out: selected.spi_out,
        mode: selected.mode,
        suite: selected.choice.suite,
        ts: selected.ts,
        replaces: None,
    };
    match child::install(cx, head, child, &source) {
        Ok(child) => Ok((child, agreed)),
        Err(refusal) => {
            cx.desk.spis.release_esp(spi_in);
            Err(refusal)
        }
    }
}
