//! Our addresses change (RFC 4555).

use std::net::IpAddr;

use adit_model::Now;

use super::Endpoint;
use crate::error::CommandError;
use crate::v2::Phase;

impl Endpoint {
    /// The addresses that we have from now on, the most wanted first: those of hosts, not of loopback or of one link.
    ///
    /// An IKE SA that can move and whose address isn't among them goes on from another one, unless its connection says
    /// which address is ours. Peers are told of what has changed.
    pub fn local_addresses_changed(&mut self, now: Now, addresses: Vec<IpAddr>) {
        if self.addresses == addresses {
            return;
        }
        self.addresses = addresses;
        let can_move = |phase: &Phase| phase.head().is_some_and(|head| head.mobike);
        let moving = self.sas.iter().filter(|(_, phase)| can_move(phase));
        let moving: Vec<u64> = moving.map(|(spi, _)| *spi).collect();
        for spi in moving {
            self.with_established(now, spi, |p, cx| p.addresses_changed(cx));
        }
    }

    /// The IKE SA of a connection goes on from our address `local`: the way to the peer leads through it now, or it is
    /// the address that the connection's interface has. Whether it does; it can't when only one side can move, or when
    /// the peer has no address of that family.
    ///
    /// # Errors
    /// [`CommandError::NotActive`] when the connection isn't up.
    pub fn move_to(&mut self, now: Now, name: &str, local: IpAddr) -> Result<bool, CommandError> {
        let spi = self.up(name)?;
        let mut moves = false;
        self.with_established(now, spi, |p, cx| moves = p.move_to(cx, local));
        Ok(moves)
    }
}
