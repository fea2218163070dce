//! Sockets: raw addresses, options, and messages with control data.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// A close-on-exec socket; `kind` may carry `SOCK_NONBLOCK`.
pub(crate) fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: `socket` takes no pointers; on success the descriptor is new and ours alone.
    unsafe {
        let fd = check(libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Binds to a socket address given as bytes.
pub(crate) fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel copies `address.len()` bytes and checks them; it needs no alignment.
    check(unsafe {
        libc::bind(
            fd.as_raw_fd(),
            address.as_ptr().cast(),
            socket_length(address.len()),
        )
    })
    .map(drop)
}

/// Connects to a socket address given as bytes.
pub(crate) fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    // SAFETY: as for `bind`.
    check(unsafe {
        libc::connect(
            fd.as_raw_fd(),
            address.as_ptr().cast(),
            socket_length(address.len()),
        )
    })
    .map(drop)
}

/// The address the socket is bound to, as bytes.
pub(crate) fn local_address(fd: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut address = vec![0u8; ADDRESS_SPACE];
    let mut length = socket_length(address.len());
    // SAFETY: the kernel writes at most `length` bytes into `address` and reports how many.
    check(unsafe {
        libc::getsockname(fd.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length)
    })?;
    address.truncate(length as usize);
    Ok(address)
}

/// Sets an option whose value is given as bytes.
pub(crate) fn set_option(
    fd: BorrowedFd<'_>,
    level: i32,
    name: i32,
    value: &[u8],
) -> io::Result<()> {
    // SAFETY: the kernel copies `value.len()` bytes and checks the length against the option.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            socket_length(value.len()),
        )
    })
    .map(drop)
}

/// Sets an option whose value is an `int`.
pub(crate) fn set_option_int(
    fd: BorrowedFd<'_>,
    level: i32,
    name: i32,
    value: i32,
) -> io::Result<()> {
    set_option(fd, level, name, &value.to_ne_bytes())
}

/// Attaches a classic BPF program under `option` (`SO_ATTACH_FILTER`, `SO_ATTACH_REUSEPORT_CBPF`); the kernel checks it.
pub(crate) fn attach_program(
    fd: BorrowedFd<'_>,
    option: i32,
    program: &mut [libc::sock_filter],
) -> io::Result<()> {
    let request = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap_or(u16::MAX),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the kernel copies one `sock_fprog` and the `len` instructions that it points to, which outlive the call.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const request).cast(),
            socket_length(mem::size_of::<libc::sock_fprog>()),
        )
    })
    .map(drop)
}

/// Reads an option whose value is an `int`.
pub(crate) fn option_int(fd: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<i32> {
    option_bytes(fd, level, name).map(i32::from_ne_bytes)
}

/// Reads an option whose value has a fixed size.
pub(crate) fn option_bytes<const N: usize>(
    fd: BorrowedFd<'_>,
    level: i32,
    name: i32,
) -> io::Result<[u8; N]> {
    let mut value = [0u8; N];
    let mut length = socket_length(N);
    // SAFETY: `value` has room for the `length` bytes announced.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    })?;
    Ok(value)
}

/// One control message: level, type, content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Control<'a> {
    pub(crate) level: i32,
    pub(crate) kind: i32,
    pub(crate) data: &'a [u8],
}

/// What `recvmsg` returned besides the payload. Nothing in it is on the heap: this is the path of packets.
#[derive(Debug)]
pub(crate) struct Received {
    /// Bytes written to the buffer.
    pub(crate) length: usize,
    /// Bytes the message had; with `MSG_TRUNC` asked for, this may be more than the buffer took.
    pub(crate) wire_length: usize,
    /// `MSG_*` flags of the message.
    pub(crate) flags: i32,
    address: [u8; ADDRESS_SPACE],
    address_length: usize,
    control: ControlSpace,
    control_length: usize,
}

impl Received {
    /// The sender's socket address as bytes (may be empty).
    pub(crate) fn address(&self) -> &[u8] {
        self.address.get(..self.address_length).unwrap_or_default()
    }

    /// Control messages in order.
    pub(crate) fn control(&self) -> impl Iterator<Item = Control<'_>> {
        parse_control(
            self.control
                .0
                .get(..self.control_length)
                .unwrap_or_default(),
        )
    }
}

/// Receives one message with its control data.
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> io::Result<Received> {
    let mut address = [0u8; ADDRESS_SPACE];
    let mut control = ControlSpace([0; CONTROL_SPACE]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: a zeroed `msghdr` is a valid empty one; every pointer set below refers to a live local or to `buffer`,
    // with its true length, for the duration of the call.
    let (length, header) = unsafe {
        let mut header: libc::msghdr = mem::zeroed();
        header.msg_name = address.as_mut_ptr().cast();
        header.msg_namelen = socket_length(address.len());
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = CONTROL_SPACE as _;
        let length = libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags);
        if length < 0 {
            return Err(io::Error::last_os_error());
        }
        (length as usize, header)
    };
    #[allow(clippy::unnecessary_cast)] // another C library has another type here
    let control_length = header.msg_controllen as usize;
    Ok(Received {
        length: length.min(buffer.len()),
        wire_length: length,
        flags: header.msg_flags,
        address,
        address_length: header.msg_namelen as usize,
        control,
        control_length,
    })
}

/// Sends one message to `address` (empty: the connected peer) with at most one control message.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    payload: &[u8],
    address: &[u8],
    control: Option<Control<'_>>,
    flags: i32,
) -> io::Result<usize> {
    let mut space = ControlSpace([0; CONTROL_SPACE]);
    let used = match control {
        Some(control) => write_control(control, &mut space.0)?,
        None => 0,
    };
    let mut part = libc::iovec {
        iov_base: payload.as_ptr().cast_mut().cast(),
        iov_len: payload.len(),
    };
    // SAFETY: `sendmsg` only reads through these pointers; all of them outlive the call and carry their true length.
    let sent = unsafe {
        let mut header: libc::msghdr = mem::zeroed();
        if !address.is_empty() {
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = socket_length(address.len());
        }
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if used > 0 {
            header.msg_control = space.0.as_mut_ptr().cast();
            header.msg_controllen = used as _;
        }
        libc::sendmsg(
            fd.as_raw_fd(),
            &raw const header,
            flags | libc::MSG_NOSIGNAL,
        )
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(sent as usize)
}

/// Walks control messages by their lengths, stopping at the first that doesn't fit.
pub(crate) fn parse_control(mut bytes: &[u8]) -> impl Iterator<Item = Control<'_>> {
    std::iter::from_fn(move || {
        let length = usize::from_ne_bytes(bytes.get(..8)?.try_into().ok()?);
        let level = i32::from_ne_bytes(bytes.get(8..12)?.try_into().ok()?);
        let kind = i32::from_ne_bytes(bytes.get(12..16)?.try_into().ok()?);
        let data = bytes.get(CONTROL_HEADER..length)?;
        bytes = bytes
            .get(length.next_multiple_of(CONTROL_ALIGN)..)
            .unwrap_or_default();
        Some(Control { level, kind, data })
    })
}

/// Writes a control message as a `cmsghdr` record; returns the space used.
pub(crate) fn write_control(control: Control<'_>, space: &mut [u8]) -> io::Result<usize> {
    let length = CONTROL_HEADER + control.data.len();
    let end = length.next_multiple_of(CONTROL_ALIGN);
    let Some(record) = space.get_mut(..end) else {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    };
    let (header, rest) = record.split_at_mut(CONTROL_HEADER);
    header[..8].copy_from_slice(&length.to_ne_bytes());
    header[8..12].copy_from_slice(&control.level.to_ne_bytes());
    header[12..].copy_from_slice(&control.kind.to_ne_bytes());
    rest[..control.data.len()].copy_from_slice(control.data);
    Ok(end)
}

fn socket_length(length: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(length).unwrap_or(libc::socklen_t::MAX)
}

/// Control records are read by the kernel as `cmsghdr`, which wants word alignment.
#[derive(Debug)]
#[repr(C, align(8))]
struct ControlSpace([u8; CONTROL_SPACE]);

const CONTROL_SPACE: usize = 512;
const ADDRESS_SPACE: usize = 128;
const CONTROL_HEADER: usize = mem::size_of::<libc::cmsghdr>();
const CONTROL_ALIGN: usize = mem::align_of::<usize>();

// The walk above reads `cmsghdr` as a 64-bit length and two 32-bit fields (64-bit Linux).
const _: () = assert!(CONTROL_HEADER == 16 && CONTROL_ALIGN == 8);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn control_messages_round_trip() {
        let one = Control {
            level: 0,
            kind: 8,
            data: &[1, 2, 3, 4, 5],
        };
        let two = Control {
            level: 41,
            kind: 50,
            data: &[9; 20],
        };
        let mut space = [0u8; 128];
        let used = write_control(one, &mut space).unwrap();
        let all = used + write_control(two, &mut space[used..]).unwrap();
        assert_eq!((used, all), (24, 64));
        assert!(parse_control(&space[..all]).eq([one, two]));
    }

    #[test]
    fn a_control_message_longer_than_its_space_is_refused_and_a_truncated_one_ignored() {
        let big = Control {
            level: 0,
            kind: 0,
            data: &[0; 600],
        };
        assert!(write_control(big, &mut [0; 512]).is_err());
        let mut space = [0u8; 64];
        let fits = Control {
            level: 0,
            kind: 8,
            data: &[0; 12],
        };
        write_control(fits, &mut space).unwrap();
        assert_eq!(parse_control(&space[..20]).count(), 0);
        assert_eq!(parse_control(&[0; 40]).count(), 0);
        assert_eq!(parse_control(&[0xff; 40]).count(), 0);
    }
}
