//! The peer puts a new IKE SA in this one's place (RFC 7296 1.3.2, 2.18), perhaps while we do the same (2.25.2).

use adit_crypto::{IkeKeyInputs, IkeKeys};
use adit_model::Secret;
use adit_model::event::{Happening, Party, Role};
use adit_model::proposal::{SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::v2::{IkeSpi, Nonce, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::head::Head;
use crate::secured::Secured;
use crate::v2::closing::refuse;
use crate::v2::established::Established;
use crate::v2::followup::Goal;
use crate::v2::{create_child, keymat, offer, proposals};

pub(crate) fn answer(ike: &mut Established, cx: &mut Cx<'_>, request: &PayloadList) {
    let done = agree(ike, cx, request).and_then(|(mut response, agreement)| {
        let suite = agreement.suite;
        if suite.additional().next().is_none() {
            let new = finish(ike, cx, agreement, &[])?;
            ike.secured.reply(cx, &response);
            settle(ike, cx, new);
            return Ok(());
        }
        if let Some(attempt) = ike.agenda.ike_attempt() {
            attempt.meets(None, agreement.lowest());
        }
        let goal = Goal::Ike(Box::new(agreement));
        response.0.push(ike.await_followups(cx, &suite, goal));
        ike.secured.reply(cx, &response);
        Ok(())
    });
    match done {
        Ok(()) => {}
        Err(refusal) => {
            let notify = refuse(cx, &mut ike.secured, &refusal);
            let what = Happening::Refused {
                what: REKEYING.to_owned(),
                refusal,
                notify,
            };
            cx.event(&ike.secured.head, what);
        }
    }
}

/// What events call it.
pub(crate) const REKEYING: &str = "rekeying the IKE SA";

/// What is agreed on for a new IKE SA, before its keys can be made.
pub(crate) struct Agreement {
    pub our_spi: IkeSpi,
    peer_spi: IkeSpi,
    suite: Suite,
    shared: Secret,
    ni: Vec<u8>,
    nr: Vec<u8>,
}

impl Agreement {
    /// The lower one of the two nonces.
    fn lowest(&self) -> Vec<u8> {
        self.ni.as_slice().min(&self.nr).to_vec()
    }
}

/// The new IKE SA, and the lower one of the nonces that made it.
pub(crate) type New = (Secured, Vec<u8>);

/// Makes the IKE SA that was agreed on, with the secrets of key exchanges that followed. The peer began, so it is the
/// new one's initiator.
pub(crate) fn finish(
    ike: &Established,
    cx: &mut Cx<'_>,
    agreement: Agreement,
    additional: &[Secret],
) -> Result<New, Refusal> {
    let old = &ike.secured;
    let lowest = agreement.lowest();
    let Agreement {
        our_spi,
        peer_spi,
        suite,
        shared,
        ni,
        nr,
    } = agreement;
    let inputs = IkeKeyInputs {
        ni: &ni,
        nr: &nr,
        shared: &shared,
        spi_i: peer_spi.to_bytes(),
        spi_r: our_spi.to_bytes(),
    };
    let channel = keymat::ike_suite(cx.provider, &suite)
        .map_err(|error| error.to_string())
        .and_then(|algorithms| {
            let Channel { prf, sk_d, .. } = &old.channel;
            let keys = IkeKeys::derive_rekeyed(&algorithms, *prf, sk_d, &inputs, additional);
            keymat::tell(cx, &suite, &inputs, &keys);
            let fragmentation = old.channel.fragmentation;
            Channel::new(&algorithms, keys, Role::Responder, fragmentation)
                .map_err(|error| error.to_string())
        })
        .map_err(|problem| {
            cx.desk.spis.release_ike(our_spi);
            Refusal::Local { problem }
        })?;
    let head = Head {
        our_spi,
        peer_spi,
        role: Role::Responder,
        suite: Some(suite),
        ..old.head.clone()
    };
    Ok((Secured::new(head, channel, 0, 0), lowest))
}

/// Puts the new IKE SA in the old one's place, once the peer has the answer.
pub(crate) fn settle(ike: &mut Established, cx: &mut Cx<'_>, (new, lowest): New) {
    match ike.agenda.ike_attempt() {
        // Which one stays is settled when the peer has answered ours too.
        Some(attempt) => attempt.meets(Some(new), lowest),
        None => ike.hand_over(cx, new, Party::Peer),
    }
}

/// The payloads that agree to the new IKE SA: `SA, Nr, KEr`.
fn agree(
    ike: &mut Established,
    cx: &mut Cx<'_>,
    request: &PayloadList,
) -> Result<(PayloadList, Agreement), Refusal> {
    let busy = |problem: &str| Refusal::Local {
        problem: problem.to_owned(),
    };
    if ike.replaced.is_some() {
        return Err(busy("the IKE SA has been replaced already"));
    }
    // RFC 7296 2.25.2.
    if ike.is_deleting() {
        return Err(busy("a CHILD SA is being deleted"));
    }
    if ike.agenda.is_making_child() {
        return Err(busy("a CHILD SA is being created or rekeyed"));
    }
    if ike
        .agenda
        .ike_attempt()
        .is_some_and(|ours| ours.has_rival() || ours.goes_on())
    {
        return Err(busy("the IKE SA is being rekeyed already"));
    }
    let (Some(sa), Some(nonce)) = (request.sa(), request.nonce()) else {
        return Err(Refusal::Presence {
            problem: "rekeying needs SA, Ni and KEi".to_owned(),
        });
    };
    let old = &ike.secured;
    let configured = &old.head.connection.ike;
    let offer = offer::read(sa, SaKind::Ike, 8, true);
    let usable = proposals::usable(cx.provider, configured, SaKind::Ike);
    let choice = offer
        .choose(&usable, true, request.ke().map(|ke| ke.method))
        .ok_or_else(|| offer.refusal(configured, SaKind::Ike, true))?;
    let peer_spi = <[u8; 8]>::try_from(choice.spi.as_slice())
        .map(IkeSpi::from_bytes)
        .ok()
        .filter(|spi| !spi.is_zero())
        .ok_or_else(|| Refusal::Presence {
            problem: "the proposal has no IKE SPI".to_owned(),
        })?;
    let (ke, shared) = create_child::key_exchange(cx, choice.suite, request)?
        .ok_or_else(|| busy("the suite has no key exchange"))?;
    let nr = cx.new_nonce();
    let our_spi = cx.new_ike_spi();
    let response = PayloadList(vec![
        Payload::Sa(proposals::answer(&choice, SaKind::Ike, &our_spi.to_bytes())),
        Payload::Nonce(Nonce(nr.clone())),
        Payload::Ke(ke),
    ]);
    let agreement = Agreement {
        our_spi,
        peer_spi,
        suite: choice.suite,
        shared,
        ni: nonce.0.clone(),
        nr,
    };
    Ok((response, agreement))
}
