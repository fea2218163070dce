//! Descriptors under the runtime's eye. The only module of this crate with `unsafe`.

use std::io;
use std::os::fd::AsRawFd;

use adit_kernel::netlink::NetworkChanges;
use adit_kernel::nft::FilterChanges;
use adit_kernel::xfrm::Events;
use adit_kernel::{Tun, UdpPort};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A type whose descriptor stays open, and the same, from its making to its drop.
pub trait Owner: AsRawFd + sealed::Sealed {}

impl Owner for UdpPort {}
impl Owner for Tun {}
impl Owner for NetworkChanges {}
impl Owner for FilterChanges {}
impl Owner for Events {}

mod sealed {
    /// Keeps [`super::Owner`] to the types that were looked at.
    pub trait Sealed {}
    impl Sealed for adit_kernel::UdpPort {}
    impl Sealed for adit_kernel::Tun {}
    impl Sealed for adit_kernel::netlink::NetworkChanges {}
    impl Sealed for adit_kernel::nft::FilterChanges {}
    impl Sealed for adit_kernel::xfrm::Events {}
}

/// Has the runtime that this is called in watch `owner`'s descriptor.
///
/// # Errors
/// When the runtime can't watch one more descriptor.
#[allow(unsafe_code)]
pub fn watch<T: Owner>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: each `Owner` holds an `OwnedFd` that it neither replaces nor gives away, and its `AsRawFd` returns that
    // descriptor; the trait is sealed to such types.
    unsafe { AsyncFd::register_with_interest(owner, interest) }.map_err(io::Error::from)
}
