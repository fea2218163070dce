//! How long packets may be on the way to a peer: what the host's own link takes, and what routers say.
//!
//! Routers aren't authenticated. What they say counts as [`adit_esp::DataPlane::hear_path_mtu`] has it.

use std::net::IpAddr;

use adit_esp::Word;
use adit_kernel::{PathError, PathErrorKind};
use adit_model::Mono;

use crate::gateway::Gateway;

impl Gateway {
    /// The network says something about a packet of ours. If it is that an ESP packet was too long, later ones are shorter,
    /// and who sends longer ones through the tunnel is told.
    pub(crate) fn hear_path_mtu(&mut self, now: Mono, error: &PathError) {
        let (PathErrorKind::FragNeeded { mtu }, Some(to), Some(quoted)) =
            (error.kind, error.destination, error.quoted)
        else {
            return;
        };
        let peer = to.ip();
        let mtu = usize::try_from(mtu).unwrap_or(0);
        let spi = u32::from_be_bytes(quoted);
        if let Some(Word::Taken(mtu)) = self.backend.hear_path_mtu(now, peer, spi, mtu) {
            let offender = error
                .offender
                .map_or_else(|| "the host".to_owned(), |o| o.to_string());
            tracing::info!(
                "packets to {peer} are at most {mtu} octets long now: {offender} says so"
            );
        }
    }

    /// Looks how long packets may be on the link that leads to a peer.
    pub(crate) fn measure_link_to(&mut self, peer: IpAddr) {
        let Some(mtu) = self.host.as_mut().and_then(|host| host.link_mtu_to(peer)) else {
            return;
        };
        let mtu = usize::try_from(mtu).unwrap_or(usize::MAX);
        self.backend.set_link_mtu_to(peer, mtu);
    }
}
