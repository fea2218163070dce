//! The peer's INFORMATIONAL requests (RFC 7296 1.4, 1.4.1): deletions, notifications, or nothing, which asks whether
//! we live.

use adit_model::event::{Asked, Happening, Party};
use adit_wire::iana::{NotifyType, ProtocolId};
use adit_wire::v2::{Delete, Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::describe;
use crate::snapshot::ChildSaState;
use crate::v2::Phase;
use crate::v2::child::ChildEvent;
use crate::v2::closing::Lingering;
use crate::v2::established::Established;

pub(crate) fn answer(mut ike: Box<Established>, cx: &mut Cx<'_>, payloads: &PayloadList) -> Phase {
    ike.unasked_configuration(cx, payloads);
    let deletes_ike = payloads.deletes().any(|d| d.protocol == ProtocolId::IKE);
    for notify in payloads.notifies().filter(|n| n.kind.is_error()) {
        record(&ike, cx, notify);
    }
    ike.obey_auth_lifetime(cx, payloads);
    // An initiator that can't authenticate us says so here: for it the IKE SA was never there (RFC 7296 2.21.2).
    let disowned = payloads.notify(NotifyType::AUTHENTICATION_FAILED).is_some();
    if deletes_ike || disowned {
        ike.secured.reply(cx, &PayloadList::default());
        if let Some(attempt) = ike.agenda.take_ike_attempt() {
            attempt.overtaken(&mut ike, cx);
        }
        let cause = if disowned { "failed" } else { "deleted" };
        let secured = ike.end(cx, Party::Peer, cause);
        return Lingering::begin(cx, secured);
    }
    let mut response = delete_children(&mut ike, cx, payloads);
    response.0.extend(ike.path_asked(cx, payloads));
    response.0.extend(ike.heard(cx, payloads));
    ike.secured.reply(cx, &response);
    if ike.mobility.is_some() {
        // Its new path may have to be looked at.
        ike.work(cx);
    }
    Phase::Established(ike)
}

/// Deletes the pairs whose outbound SPIs the peer names, and names their other halves in the answer. What we have asked
/// to be deleted ourselves is left out of it (RFC 7296 1.4.1).
fn delete_children(ike: &mut Established, cx: &mut Cx<'_>, payloads: &PayloadList) -> PayloadList {
    let named: Vec<u32> = payloads
        .deletes()
        .filter(|d| d.protocol == ProtocolId::ESP)
        .flat_map(Delete::child_spis)
        .collect();
    for attempt in ike.agenda.child_attempts() {
        attempt.gone(&named);
    }
    let doomed: Vec<(u32, ChildSaState)> = ike
        .children
        .iter()
        .filter(|c| named.contains(&c.spi_out))
        .map(|c| (c.spi_in, c.state))
        .collect();
    let mut answered = Vec::new();
    for (spi_in, state) in doomed {
        if state != ChildSaState::Deleting {
            answered.push(spi_in);
        }
        ike.remove_child(cx, spi_in, ChildEvent::DeletedByPeer, Party::Peer);
    }
    let delete =
        (!answered.is_empty()).then(|| Payload::Delete(Delete::child(ProtocolId::ESP, answered)));
    delete.into_iter().collect()
}

fn record(ike: &Established, cx: &mut Cx<'_>, notify: &Notify) {
    let what = Happening::PeerRefused {
        what: "IKE_AUTH".to_owned(),
        notify: notify.kind.0,
        name: notify.kind.to_string(),
        data: describe::hex(&notify.data),
        asked: Asked {
            local_id: Some(ike.local_id.clone()),
            remote_id: Some(ike.remote_id.clone()),
            auth: Some(ike.secured.head.connection.auth.local),
            ..Asked::default()
        },
    };
    cx.event(&ike.secured.head, what);
}
