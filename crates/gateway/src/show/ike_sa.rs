//! One IKE SA in detail.

use std::sync::Arc;

use adit_ike::{ChildSaState, IkeSaSnapshot, IkeSaState};
use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::keywords::ke_name;
use adit_model::show::IkeSaDetail;

use super::compare;
use crate::clock::rfc3339;
use crate::status::{nat_side, peer_auth_methods, role_name};

/// `configured` is what the tunnel's configuration says now.
pub fn detail(now: Now, sa: &IkeSaSnapshot, configured: Option<&Arc<Connection>>) -> IkeSaDetail {
    let state = match sa.state {
        IkeSaState::Connecting => "connecting",
        IkeSaState::Established => "established",
        IkeSaState::Replaced => "replaced",
        IkeSaState::Closing => "closing",
    };
    let carries = |state| matches!(state, ChildSaState::Installed | ChildSaState::Rekeyed);
    let mut children: Vec<String> = sa
        .children
        .iter()
        .filter(|child| carries(child.state))
        .map(|child| child.name.clone())
        .collect();
    children.dedup();
    let suite = sa.suite.as_ref();
    IkeSaDetail {
        tunnel: sa.connection.clone(),
        state: state.to_owned(),
        version: 2,
        role: role_name(sa.role).to_owned(),
        spi_initiator: format!("{:016x}", sa.spis.0),
        spi_responder: format!("{:016x}", sa.spis.1),
        local: sa.local.to_string(),
        remote: sa.remote.to_string(),
        local_id: sa.local_id.as_ref().map(ToString::to_string),
        remote_id: sa.remote_id.as_ref().map(ToString::to_string),
        local_auth: configured.map(|c| c.auth.local.to_string()),
        remote_auth: configured.map(|c| c.auth.remote.to_string()),
        peer_auth_methods: peer_auth_methods(sa),
        nat: sa.nat.map(|nat| nat_side(nat).to_owned()),
        mobike: sa.mobike,
        ppk: sa.ppk.clone(),
        local_virtual_ips: texts(&sa.inner.ours),
        remote_virtual_ips: texts(&sa.inner.theirs),
        dns: texts(&sa.inner.dns),
        split: texts(&sa.inner.split),
        proposal: suite.map(ToString::to_string),
        proposal_number: suite
            .zip(configured)
            .and_then(|(suite, c)| compare::number(&c.ike, suite)),
        additional_key_exchanges: suite
            .into_iter()
            .flat_map(|suite| suite.additional())
            .map(ke_name)
            .collect(),
        established: sa.established.map(rfc3339),
        rekey_at: sa.rekey_at.map(|at| rfc3339(now.wall_at(at))),
        children,
        differences: configured.map_or_else(Vec::new, |c| compare::ike(sa, c)),
    }
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
