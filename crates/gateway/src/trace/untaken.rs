//! Packets that no tunnel is for.

use adit_kernel::Netlink;
use adit_model::traced::{Hop, HopOutcome, Stop, Traced};

use super::Asked;

/// No tunnel takes such packets.
pub(super) fn no_tunnel(asked: &Asked, near: Option<String>) -> Traced {
    let way = Netlink::open().and_then(|mut netlink| {
        let way = netlink.route_to(asked.to, None)?;
        let device = way.device.map(|index| netlink.link_by_index(index));
        Ok(device
            .and_then(Result::ok)
            .map_or("no device".to_owned(), |link| link.name))
    });
    let way = way.map_or_else(
        |error| error.to_string(),
        |name| format!("they would go by {name}"),
    );
    let near = near.unwrap_or_else(|| "no tunnel's networks hold either address".to_owned());
    let reason = format!(
        "no tunnel takes packets from {} to {}: {near}",
        asked.from, asked.to
    );
    let mut traced = asked.document();
    traced.hops.push(Hop {
        back: false,
        stage: "policy".to_owned(),
        outcome: HopOutcome::Stopped,
        text: format!("{reason}; {way}"),
    });
    traced.summary = reason.clone();
    traced.stopped = Some(Stop {
        back: false,
        stage: "policy".to_owned(),
        by: "gateway".to_owned(),
        reason,
        fix: Some("widen `local_net` and `remote_net` of a child on both sides, or send from an address that they hold".to_owned()),
    });
    traced
}
