//! The peer puts a new IKE SA in this one's place (RFC 7296 1.3.2, 2.18), perhaps while we do the same (2.25.2).

use adit_crypto::{IkeKeyInputs, IkeKeys};
use adit_model::event::{Happening, Party, Role};
use adit_model::proposal::SaKind;
use adit_model::reason::Refusal;
use adit_wire::v2::{IkeSpi, Nonce, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::head::Head;
use crate::secured::Secured;
use crate::v2::closing::refuse;
use crate::v2::established::Established;
use crate::v2::{create_child, keymat, offer, proposals};

pub(crate) fn answer(ike: &mut Established, cx: &mut Cx<'_>, request: &PayloadList) {
    match replace(ike, cx, request) {
        Ok((response, secured, lowest)) => {
            ike.secured.reply(cx, &response);
            match ike.agenda.ike_attempt() {
                // Which one stays is settled when the peer has answered ours too.
                Some(attempt) => attempt.meets(secured, lowest),
                None => ike.hand_over(cx, secured, Party::Peer),
            }
        }
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

/// The payloads that agree to the new IKE SA, `SA, Nr, KEr`; the new one; and the lower one of the nonces that made it.
/// The peer began, so it is the new one's initiator.
fn replace(
    ike: &mut Established,
    cx: &mut Cx<'_>,
    request: &PayloadList,
) -> Result<(PayloadList, Secured, Vec<u8>), Refusal> {
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
    if ike.agenda.child_attempt().is_some() {
        return Err(busy("a CHILD SA is being created or rekeyed"));
    }
    if ike
        .agenda
        .ike_attempt()
        .is_some_and(|ours| ours.has_rival())
    {
        return Err(busy("the IKE SA has been rekeyed already"));
    }
    let (Some(sa), Some(nonce)) = (request.sa(), request.nonce()) else {
        return Err(Refusal::Presence {
            problem: "rekeying needs SA, Ni and KEi".to_owned(),
        });
    };
    let old = &ike.secured;
    let configured = &old.head.connection.ike;
    let offer = offer::read(sa, SaKind::Ike, 8, false);
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
    let suite =
        keymat::ike_suite(cx.provider, &choice.suite).map_err(|error| Refusal::Unsupported {
            what: error.to_string(),
        })?;
    let (ke, shared) = create_child::key_exchange(cx, choice.suite, request)?
        .ok_or_else(|| busy("the suite has no key exchange"))?;

    let nr = cx.new_nonce();
    let our_spi = cx.new_ike_spi();
    let inputs = IkeKeyInputs {
        ni: &nonce.0,
        nr: &nr,
        shared: &shared,
        spi_i: peer_spi.to_bytes(),
        spi_r: our_spi.to_bytes(),
    };
    let keys = IkeKeys::derive_rekeyed(&suite, old.channel.prf, &old.channel.sk_d, &inputs, &[]);
    let channel = Channel::new(&suite, keys, Role::Responder, old.channel.fragmentation);
    let channel = channel.map_err(|error| {
        cx.desk.spis.release_ike(our_spi);
        busy(&error.to_string())
    })?;
    let head = Head {
        our_spi,
        peer_spi,
        role: Role::Responder,
        suite: Some(choice.suite),
        ..old.head.clone()
    };
    let lowest = nonce.0.as_slice().min(&nr).to_vec();
    let response = PayloadList(vec![
        Payload::Sa(proposals::answer(&choice, SaKind::Ike, &our_spi.to_bytes())),
        Payload::Nonce(Nonce(nr)),
        Payload::Ke(ke),
    ]);
    Ok((response, Secured::new(head, channel, 0, 0), lowest))
}
