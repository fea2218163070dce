//! Many datagrams at once, as the data plane's threads want them: receiving into one slab, in which the kernel may
//! have put datagrams of one sender together (`UDP_GRO`), and sending runs of equal datagrams that the kernel, or the
//! network card, takes apart again (`UDP_SEGMENT`).
//!
//! Nothing here allocates after [`Inbox::new`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::os::fd::AsFd;

use crate::datagram::{Source, local_side, retry};
use crate::sys::address;
use crate::sys::batch::{self, Envelope, Letter, MOST};
use crate::sys::socket::Control;

/// Most datagrams in one [`Run`]: what every kernel with `UDP_SEGMENT` takes.
pub const MOST_SEGMENTS: usize = 64;
/// Most octets in one [`Run`]: a UDP datagram of the greatest length, less what IPv6 and options may need.
pub const MOST_OCTETS: usize = 65_400;
/// Most runs that one call of [`send_runs`] takes.
pub const MOST_RUNS: usize = MOST;

/// Room for received messages.
pub struct Inbox {
    slab: Box<[u8]>,
    slot: usize,
    envelopes: Box<[Envelope]>,
}

/// A received message: one datagram, or several from one sender, of one length but for the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where in the slab they lie, one behind the other.
    pub octets: Range<usize>,
    /// Length of each but the last.
    pub segment: usize,
    /// Who sent them; the port is 0 for protocols without ports.
    pub from: SocketAddr,
    /// The address of ours they were sent to.
    pub to: IpAddr,
    /// DSCP and ECN of all of them.
    pub tos: u8,
}

impl Inbox {
    /// Room for `slots` messages (at most 64) of `octets` each.
    #[must_use]
    pub fn new(slots: usize, octets: usize) -> Self {
        let slots = slots.clamp(1, MOST);
        Self {
            slab: vec![0; slots * octets.max(1)].into(),
            slot: octets.max(1),
            envelopes: vec![Envelope::EMPTY; slots].into(),
        }
    }

    /// How many messages it has room for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.envelopes.len()
    }

    /// Receives what waits, at most `most` messages; returns how many. What was received before is overwritten.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing waits. Error reports never surface here.
    pub fn receive(&mut self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        let most = most.min(self.envelopes.len());
        let envelopes = self.envelopes.get_mut(..most).unwrap_or_default();
        retry(|| batch::receive(socket.as_fd(), &mut self.slab, self.slot, envelopes))
    }

    /// The message at `index` of the last call; `None` when there is none, or when it was cut or has no sender.
    #[must_use]
    pub fn message(&self, index: usize) -> Option<Message> {
        let envelope = self.envelopes.get(index)?;
        let from = address::decode(envelope.address())?;
        if envelope.is_truncated() {
            return None;
        }
        let start = index * self.slot;
        let mut message = Message {
            octets: start..start + envelope.length,
            segment: envelope.length.max(1),
            from,
            tos: 0,
            to: match from {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            },
        };
        for item in envelope.control() {
            let number = item.data.first_chunk().map(|d| i32::from_ne_bytes(*d));
            match (item.level, item.kind) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let length = number.and_then(|length| usize::try_from(length).ok());
                    message.segment = length.filter(|l| *l > 0).unwrap_or(message.segment);
                }
                (libc::SOL_IP, libc::IP_TOS) => {
                    message.tos = item.data.first().copied().unwrap_or(0);
                }
                (libc::SOL_IPV6, libc::IPV6_TCLASS) => {
                    message.tos = number.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
                }
                _ => {
                    if let Some((to, _)) = local_side(item) {
                        message.to = to;
                    }
                }
            }
        }
        Some(message)
    }

    /// All slots; [`Message::octets`] are ranges of it.
    #[must_use]
    pub fn slab(&mut self) -> &mut [u8] {
        &mut self.slab
    }
}

/// Datagrams that lie one behind the other and are sent as one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Octets of all of them, at most [`MOST_OCTETS`].
    pub octets: usize,
    /// Length of each but the last, which may be shorter; 0 for a datagram of its own.
    pub segment: u16,
}

impl Run {
    /// How many datagrams it consists of.
    #[must_use]
    pub fn datagrams(&self) -> usize {
        match self.segment {
            0 => 1,
            segment => self.octets.div_ceil(segment.into()),
        }
    }
}

/// What stands on the outside of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outer {
    /// Where to; the port is 0 for protocols without ports.
    pub to: SocketAddr,
    /// From which address of ours, if it isn't the kernel's choice.
    pub from: Option<IpAddr>,
    /// DSCP and ECN.
    pub tos: u8,
}

/// Sends the runs that `payload` consists of, at most [`MOST_RUNS`]. Returns how many of them were taken.
///
/// # Errors
/// Only when the first wasn't taken: [`io::ErrorKind::WouldBlock`] when the send buffer is full; `EIO` where the
/// network card can't compute checksums, `EINVAL` where segments are longer than the path's MTU or `UDP_SEGMENT` isn't
/// known; else as [`crate::udp::UdpPort::send`].
pub fn send_runs(
    socket: impl AsFd,
    outer: &Outer,
    payload: &[u8],
    runs: &[Run],
) -> io::Result<usize> {
    let address = address::encode(outer.to);
    let source = outer.from.map(Source::new);
    let class = i32::from(outer.tos).to_ne_bytes();
    let class = Control {
        level: if outer.to.is_ipv6() {
            libc::SOL_IPV6
        } else {
            libc::SOL_IP
        },
        kind: if outer.to.is_ipv6() {
            libc::IPV6_TCLASS
        } else {
            libc::IP_TOS
        },
        data: &class,
    };
    let class = (outer.tos != 0).then_some(class);
    let common = [source.as_ref().map(Source::control), class];
    retry(|| {
        let mut rest = payload;
        let letters = runs.iter().map_while(|run| {
            let (payload, behind) = rest.split_at_checked(run.octets)?;
            rest = behind;
            let segment = run.segment;
            Some(Letter { payload, segment })
        });
        batch::send(socket.as_fd(), &address, common, letters)
    })
}

/// Whether a send that was refused like this may succeed without `UDP_SEGMENT`.
#[must_use]
pub fn refuses_runs(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP)
    )
}
