//! rtnetlink: links, addresses, routes and rules, over a blocking socket.
//!
//! A [`Netlink`] speaks about the network namespace in which it was opened, whichever thread uses it later. Requests
//! are idempotent where that helps: adding what is there and deleting what is gone succeed.

mod address;
mod changes;
pub(crate) mod codec;
mod link;
mod route;
mod rule;
pub(crate) mod transport;

pub use address::Address;
pub use changes::NetworkChanges;
pub use link::{Link, VethEnd};
pub use route::{ADIT_PROTOCOL, MAIN_TABLE, Route, RouteKind, RouteLookup};
pub use rule::{Flow, Rule};

pub(crate) use link::loopback_up_request;
pub(crate) use route::{address_bytes, parse_address};

use crate::error::Result;
use transport::Transport;

/// A conversation with the kernel about one network namespace.
#[derive(Debug)]
pub struct Netlink {
    transport: Transport,
}

impl Netlink {
    /// Opens a conversation about the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel refuses the socket (a seccomp profile without netlink).
    pub fn open() -> Result<Self> {
        Ok(Self {
            transport: Transport::open(libc::NETLINK_ROUTE, "open a netlink socket")?,
        })
    }
}
