//! Responder: the peer wants an address inside the tunnel, or has to have one (RFC 7296 2.19). Whoever holds the pools is
//! asked, and the phase waits.

use std::net::IpAddr;

use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::reason::{AddressProblem, Refusal};
use adit_wire::v2::PayloadList;

use crate::cx::Cx;
use crate::head::{Head, Incoming};
use crate::lease::{LeaseAnswer, LeaseRequest};
use crate::output::{KeyRequestId, Output, Signed};
use crate::v2::auth_responder::{Request, finish};
use crate::v2::verify::VerifiedPeer;
use crate::v2::waiting::Waiting;
use crate::v2::{Phase, auth_responder, config_payload};

/// Both proofs are made; the peer's addresses are looked for.
pub(crate) struct Leasing {
    request: Request,
    peer: VerifiedPeer,
    signed: Signed,
    asked: KeyRequestId,
}

/// Asks for addresses, if that is called for.
pub(crate) fn begin(
    cx: &mut Cx<'_>,
    mut request: Request,
    peer: VerifiedPeer,
    signed: Signed,
) -> Phase {
    let connection = &request.secured.head.connection;
    let wanted = match wanted(connection, &request.payloads) {
        Ok(Some(wanted)) => wanted,
        Ok(None) => return finish(cx, request, peer, signed, Ok(None)),
        Err(problem) => return finish(cx, request, peer, signed, Err(problem)),
    };
    let asked = cx.ask_lease(LeaseRequest {
        connection: connection.name.clone(),
        pools: connection.inner.pools.clone(),
        identity: peer.identity().clone(),
        wanted,
    });
    request.until = cx.now.mono + cx.settings.key_timeout;
    Phase::Leasing(Box::new(Leasing {
        request,
        peer,
        signed,
        asked,
    }))
}

/// The addresses to look for; none when the peer doesn't ask and needn't.
fn wanted(
    connection: &Connection,
    payloads: &PayloadList,
) -> Result<Option<Vec<IpAddr>>, AddressProblem> {
    let asked = config_payload::asked(payloads);
    let pools = &connection.inner.pools;
    match (asked.is_empty(), pools.is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Err(AddressProblem::NoPool { asked }),
        (true, false) => Err(AddressProblem::NotAsked {
            pools: pools.clone(),
        }),
        (false, false) => Ok(Some(asked)),
    }
}

impl Leasing {
    pub fn head(&self) -> &Head {
        &self.request.secured.head
    }

    /// The answer to what was asked; anything else ends unused.
    pub fn handle_lease(
        self: Box<Self>,
        cx: &mut Cx<'_>,
        id: KeyRequestId,
        answer: LeaseAnswer,
    ) -> Phase {
        if id != self.asked {
            unused(cx, &answer);
            return Phase::Leasing(self);
        }
        let Self {
            request,
            peer,
            signed,
            ..
        } = *self;
        let addresses = match answer {
            LeaseAnswer::Leased(lease) => Ok(Some(lease)),
            LeaseAnswer::Refused(problem) => Err(problem),
        };
        finish(cx, request, peer, signed, addresses)
    }
}

impl Waiting for Leasing {
    fn until(&self) -> Mono {
        self.request.until
    }

    fn stay(self: Box<Self>) -> Phase {
        Phase::Leasing(self)
    }

    fn meanwhile(&mut self, cx: &mut Cx<'_>, incoming: &Incoming<'_>) {
        self.request.busy(cx, incoming);
    }

    fn give_up(self: Box<Self>, cx: &mut Cx<'_>, refusal: Refusal) -> Phase {
        auth_responder::fail(cx, self.request.secured, refusal)
    }
}

/// A lease that came too late for who it was for.
pub(crate) fn unused(cx: &mut Cx<'_>, answer: &LeaseAnswer) {
    if let LeaseAnswer::Leased(lease) = answer {
        cx.desk.out.push(Output::LeaseEnd(lease.id));
    }
}
