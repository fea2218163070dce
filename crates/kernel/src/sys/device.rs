//! The TUN device's ioctls.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Attaches an open `/dev/net/tun` to the interface `name` (empty or with `%d`: the kernel chooses); returns its name.
pub(crate) fn attach_tun(fd: BorrowedFd<'_>, name: &str, flags: i16) -> io::Result<String> {
    if name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // Laid out as `struct ifreq`: 16 bytes of name, then the flags in a union of 24 bytes.
    let mut request = InterfaceRequest([0; REQUEST_SIZE]);
    request.0[..name.len()].copy_from_slice(name.as_bytes());
    request.0[libc::IFNAMSIZ..libc::IFNAMSIZ + 2].copy_from_slice(&flags.to_ne_bytes());
    // SAFETY: TUNSETIFF reads and writes one `struct ifreq`, which `request` has the size and alignment of.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF, request.0.as_mut_ptr()) })?;
    let given = &request.0[..libc::IFNAMSIZ];
    let end = given
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(given.len());
    Ok(String::from_utf8_lossy(&given[..end]).into_owned())
}

/// Makes the interface outlive the descriptor, or end with it.
pub(crate) fn set_tun_persistent(fd: BorrowedFd<'_>, persistent: bool) -> io::Result<()> {
    // SAFETY: TUNSETPERSIST takes its argument by value.
    check(unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            libc::TUNSETPERSIST,
            libc::c_ulong::from(persistent),
        )
    })
    .map(drop)
}

/// Sets the length of the header before each packet; it is 10 bytes until this is called.
pub(crate) fn set_header_length(fd: BorrowedFd<'_>, bytes: i32) -> io::Result<()> {
    // SAFETY: TUNSETVNETHDRSZ reads one `int` through the pointer, which outlives the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETVNETHDRSZ, &raw const bytes) }).map(drop)
}

/// Says which work the kernel may leave to the reader: `TUN_F_*` bits.
pub(crate) fn set_tun_offload(fd: BorrowedFd<'_>, features: u32) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes its argument by value.
    check(unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            libc::TUNSETOFFLOAD,
            libc::c_ulong::from(features),
        )
    })
    .map(drop)
}

#[repr(C, align(8))]
struct InterfaceRequest([u8; REQUEST_SIZE]);

const REQUEST_SIZE: usize = std::mem::size_of::<libc::ifreq>();
