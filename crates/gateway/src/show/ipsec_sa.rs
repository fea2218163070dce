//! One pair of ESP SAs in detail.

use std::sync::Arc;

use adit_ike::{ChildSaState, ChildSnapshot, IkeSaSnapshot};
use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::dataplane::PairCounters;
use adit_model::event::Role;
use adit_model::keywords::ke_name;
use adit_model::show::IpsecSaDetail;

use super::compare;
use crate::clock::rfc3339;
use crate::status::mode_name;

/// `configured` is what the tunnel's configuration says now; `traffic` is this pair's.
pub fn detail(
    now: Now,
    sa: &IkeSaSnapshot,
    child: &ChildSnapshot,
    traffic: PairCounters,
    configured: Option<&Arc<Connection>>,
) -> IpsecSaDetail {
    let state = match child.state {
        ChildSaState::Installed => "installed",
        ChildSaState::Rekeyed => "rekeyed",
        ChildSaState::Deleting => "deleting",
        ChildSaState::Closed => "closed",
    };
    let ours = match sa.role {
        Role::Initiator => sa.spis.0,
        Role::Responder => sa.spis.1,
    };
    let as_configured =
        configured.and_then(|c| c.children.iter().find(|config| config.name == child.name));
    let texts = |selectors: &[adit_model::selector::Selector]| {
        selectors.iter().map(ToString::to_string).collect()
    };
    let forced = configured.is_some_and(|c| c.force_encap);
    IpsecSaDetail {
        tunnel: sa.connection.clone().unwrap_or_default(),
        child: child.name.clone(),
        state: state.to_owned(),
        mode: mode_name(child.mode).to_owned(),
        spi_in: format!("{:08x}", child.spi_in),
        spi_out: format!("{:08x}", child.spi_out),
        ike_spi: format!("{ours:016x}"),
        proposal: child.suite.to_string(),
        proposal_number: as_configured.and_then(|c| compare::number(&c.esp, &child.suite)),
        additional_key_exchanges: child.suite.additional().map(ke_name).collect(),
        encapsulation: if child.udp_encap { "udp" } else { "esp" }.to_owned(),
        local: sa.local.to_string(),
        remote: sa.remote.to_string(),
        ts_local: texts(&child.ts_local),
        ts_remote: texts(&child.ts_remote),
        bytes_in: traffic.bytes_in,
        bytes_out: traffic.bytes_out,
        packets_in: traffic.packets_in,
        packets_out: traffic.packets_out,
        last_in: traffic.last_in.map(|at| rfc3339(now.wall_at(at))),
        rekey_at: child.rekey_at.map(|at| rfc3339(now.wall_at(at))),
        differences: as_configured.map_or_else(Vec::new, |c| compare::child(sa, child, c, forced)),
    }
}
