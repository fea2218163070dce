//! The Linux edges of Adit: the one crate through which the product touches the machine's network.
//!
//! In the order in which a gateway's life needs them:
//!
//! 1. **A place.** [`netns`] holds network namespaces by descriptor; [`sandbox`] leaves the host's network for a
//!    private world, without root where the machine allows it; [`closed`] says which setting doesn't.
//! 2. **A door.** [`tun`] makes the device through which the host's packets enter the user-space data plane.
//! 3. **Ways.** [`netlink`] speaks rtnetlink for links, addresses, routes and rules, and asks the kernel which way a
//!    packet would go. [`sysctl`] reads and writes the settings around them.
//!
//! Requests that set things up return [`KernelError`]: what was attempted, on what, the kernel's number, the remedy.
//! Calls on the path of packets return [`std::io::Result`], so that readiness (`WouldBlock`) stays visible to a
//! runtime that wraps the descriptors.
//!
//! `unsafe` lives in one private module, `sys`. No external program is ever run.
#![deny(unsafe_code)]

pub mod closed;
pub mod error;
pub mod netlink;
pub mod netns;
pub mod sandbox;
pub mod sysctl;
pub mod tun;

#[allow(unsafe_code)]
mod sys;

pub use closed::Closed;
pub use error::{KernelError, Result};
pub use netlink::Netlink;
pub use netns::NetNs;
pub use tun::{Tun, TunConfig};
