//! Many datagrams in one system call.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::socket::{self, Control};

/// Most messages of one call.
pub(crate) const MOST: usize = 64;

/// What came with one received message.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Envelope {
    control: [u8; CONTROL],
    address: [u8; ADDRESS],
    control_length: usize,
    address_length: usize,
    flags: i32,
    /// Bytes written to the message's slot.
    pub(crate) length: usize,
}

impl Envelope {
    pub(crate) const EMPTY: Self = Self {
        control: [0; CONTROL],
        address: [0; ADDRESS],
        control_length: 0,
        address_length: 0,
        flags: 0,
        length: 0,
    };

    /// The sender's socket address as bytes (may be empty).
    pub(crate) fn address(&self) -> &[u8] {
        self.address.get(..self.address_length).unwrap_or_default()
    }

    /// Control messages in order.
    pub(crate) fn control(&self) -> impl Iterator<Item = Control<'_>> {
        socket::parse_control(self.control.get(..self.control_length).unwrap_or_default())
    }

    /// Whether the message was longer than its slot.
    pub(crate) fn is_truncated(&self) -> bool {
        self.flags & libc::MSG_TRUNC != 0
    }
}

/// Receives what waits, one message to each slot of `slot` bytes of `slab`, as many as there are slots and envelopes
/// and at most [`MOST`]; returns how many. Never waits.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    slab: &mut [u8],
    slot: usize,
    envelopes: &mut [Envelope],
) -> io::Result<usize> {
    let mut parts = [EMPTY_PART; MOST];
    // SAFETY: zeroes are a valid empty `mmsghdr`: null pointers with lengths of zero.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { mem::zeroed() };
    let mut count = 0;
    let places = slab.chunks_exact_mut(slot.max(1)).zip(envelopes.iter_mut());
    for ((place, envelope), (part, header)) in places.zip(parts.iter_mut().zip(&mut headers)) {
        part.iov_base = place.as_mut_ptr().cast();
        part.iov_len = place.len();
        let header = &mut header.msg_hdr;
        header.msg_iov = part;
        header.msg_iovlen = 1;
        header.msg_name = envelope.address.as_mut_ptr().cast();
        header.msg_namelen = ADDRESS as _;
        header.msg_control = envelope.control.as_mut_ptr().cast();
        header.msg_controllen = CONTROL as _;
        count += 1;
    }
    // SAFETY: the first `count` headers point to distinct live slots, envelopes and parts with their true lengths; all
    // of them are borrowed or local until the call is over, and no time-out is passed.
    let got = super::check(unsafe {
        libc::recvmmsg(
            fd.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            std::ptr::null_mut(),
        )
    })?;
    let got = usize::try_from(got).unwrap_or(0);
    for (header, envelope) in headers.iter().zip(envelopes).take(got) {
        envelope.length = (header.msg_len as usize).min(slot);
        envelope.address_length = (header.msg_hdr.msg_namelen as usize).min(ADDRESS);
        #[allow(clippy::unnecessary_cast)] // another C library has another type here
        let control_length = header.msg_hdr.msg_controllen as usize;
        envelope.control_length = control_length.min(CONTROL);
        envelope.flags = header.msg_hdr.msg_flags;
    }
    Ok(got)
}

/// One message to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// The payload.
    pub(crate) payload: &'a [u8],
    /// Length of the datagrams that the kernel cuts it into; 0 sends it as it is.
    pub(crate) segment: u16,
}

/// Sends `letters`, at most [`MOST`], to one `address`, all with the `common` control messages.
/// Returns how many were taken; an error only when the first wasn't.
pub(crate) fn send<'a>(
    fd: BorrowedFd<'_>,
    address: &[u8],
    common: [Option<Control<'_>>; 2],
    letters: impl Iterator<Item = Letter<'a>>,
) -> io::Result<usize> {
    let mut parts = [EMPTY_PART; MOST];
    let mut controls = [Space([0; SENT_CONTROL]); MOST];
    // SAFETY: zeroes are a valid empty `mmsghdr`: null pointers with lengths of zero.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { mem::zeroed() };
    let mut count = 0;
    let places = parts.iter_mut().zip(&mut headers).zip(&mut controls);
    for (letter, ((part, header), control)) in letters.zip(places) {
        part.iov_base = letter.payload.as_ptr().cast_mut().cast();
        part.iov_len = letter.payload.len();
        let header = &mut header.msg_hdr;
        header.msg_iov = part;
        header.msg_iovlen = 1;
        if !address.is_empty() {
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = address.len() as _;
        }
        let mut used = 0;
        for item in common.into_iter().flatten() {
            let rest = control.0.get_mut(used..).unwrap_or_default();
            used += socket::write_control(item, rest)?;
        }
        if letter.segment != 0 {
            let length = Control {
                level: libc::SOL_UDP,
                kind: libc::UDP_SEGMENT,
                data: &letter.segment.to_ne_bytes(),
            };
            let rest = control.0.get_mut(used..).unwrap_or_default();
            used += socket::write_control(length, rest)?;
        }
        if used > 0 {
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = used as _;
        }
        count += 1;
    }
    // SAFETY: `sendmmsg` only reads through these pointers, but for `msg_len` of the headers themselves; all of them
    // outlive the call and carry their true lengths.
    let sent = super::check(unsafe {
        libc::sendmmsg(
            fd.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_NOSIGNAL as _,
        )
    })?;
    Ok(usize::try_from(sent).unwrap_or(0))
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Space([u8; SENT_CONTROL]);

const EMPTY_PART: libc::iovec = libc::iovec {
    iov_base: std::ptr::null_mut(),
    iov_len: 0,
};
/// Packet information (40 bytes for IPv6), the length of segments (24), and room for what else a kernel may tell.
const CONTROL: usize = 128;
/// Packet information, traffic class (24), the length of segments.
const SENT_CONTROL: usize = 88;
const ADDRESS: usize = 28;
