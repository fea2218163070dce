//! Through which of the host's interfaces the inner packets of a tunnel go in and come out (RFC 4301 4.4: an SPD for each
//! interface).

use adit_model::connection::Connection;

/// An interface of the host. A packet that was routed into the interface of one tunnel is matched with the policies of that
/// tunnel alone; all tunnels without an interface share one, and one list of policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Door(u32);

impl Door {
    /// The interface of all tunnels that have none of their own.
    pub const SHARED: Door = Door(0);

    /// The interface of a tunnel.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        let own = connection.interface.as_ref();
        own.map_or(Self::SHARED, |interface| Self(interface.if_id()))
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }
}
