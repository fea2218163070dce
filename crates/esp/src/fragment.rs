//! Fragments: cutting what is too long for the tunnel and may be cut (RFC 791 3.2, RFC 4301 8.2), and what fragments aren't let
//! through (RFC 1858, RFC 3128).
//!
//! Nothing is put together here: outer fragments are the kernel's business before ESP sees the packet, inner ones that
//! of the host they go to.

use adit_wire::ip::{Fragment, IpPacket, Ipv4Header, protocol};

/// Most pieces that one packet is cut into.
pub const MOST_PIECES: usize = 64;

/// Whether a fragment can only be meant to get past a filter: the piece of a TCP segment that would overwrite the flags
/// behind the ports (RFC 3128 2.1), or a first one without all that filters look at (RFC 1858 3).
#[inline]
#[must_use]
pub fn is_evasive(packet: &IpPacket<'_>) -> bool {
    packet
        .fragment
        .is_some_and(|fragment| is_evasive_fragment(*packet, fragment))
}

#[cold]
fn is_evasive_fragment(packet: IpPacket<'_>, fragment: Fragment) -> bool {
    match (packet.protocol, fragment.offset) {
        (protocol::TCP, 0) => packet.payload().len() < TCP_SEEN,
        (protocol::TCP, offset) => usize::from(offset) < TCP_SEEN,
        (protocol::UDP | protocol::SCTP, 0) => packet.payload().len() < PORTS,
        _ => false,
    }
}

/// Cuts an IPv4 packet that may be cut into packets of at most `mtu` octets, all but the last of one length. `None` when
/// it can't be done: DF, IPv6, too many pieces.
#[must_use]
pub fn cut(packet: &IpPacket<'_>, mtu: usize) -> Option<Vec<Vec<u8>>> {
    if packet.dont_fragment {
        return None;
    }
    let (header, payload) = Ipv4Header::parse(packet.packet).ok()?;
    let room = mtu.checked_sub(packet.header_length)? & !7;
    if room == 0 || payload.len().div_ceil(room) > MOST_PIECES {
        return None;
    }
    let last = payload.len().div_ceil(room).checked_sub(1)?;
    let mut pieces = Vec::with_capacity(last + 1);
    for (n, piece) in payload.chunks(room).enumerate() {
        let offset = usize::from(header.fragment_offset) + n * room / 8;
        let header = Ipv4Header {
            fragment_offset: u16::try_from(offset).ok().filter(|o| *o <= MOST_OFFSET)?,
            more_fragments: header.more_fragments || n < last,
            options: if n == 0 {
                header.options.clone()
            } else {
                copied(&header.options)
            },
            ..header.clone()
        };
        let mut out = Vec::with_capacity(mtu);
        header.emit(piece.len(), &mut out).ok()?;
        out.extend_from_slice(piece);
        pieces.push(out);
    }
    Some(pieces)
}

/// The options that every fragment has (RFC 791 3.1). Others give way to padding, so that all headers are of one length.
fn copied(options: &[u8]) -> Vec<u8> {
    let mut out = vec![NO_OPERATION; options.len()];
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        let length = match (kind, options.get(at + 1)) {
            (END, _) => break,
            (NO_OPERATION, _) => 1,
            (_, Some(length @ 2..)) => usize::from(*length),
            _ => break,
        };
        let place = (options.get(at..at + length), out.get_mut(at..at + length));
        if let (Some(option), Some(place)) = place
            && kind & COPIED != 0
        {
            place.copy_from_slice(option);
        }
        at += length;
    }
    out
}

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const COPIED: u8 = 0x80;
/// Ports, numbers and flags of TCP lie before this.
const TCP_SEEN: usize = 16;
const PORTS: usize = 4;
const MOST_OFFSET: u16 = 0x1fff;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn packet(payload: usize, change: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
        let mut header = Ipv4Header::new([10, 1, 0, 7].into(), [10, 2, 0, 9].into(), protocol::UDP);
        header.dont_fragment = false;
        header.identification = 0x1234;
        change(&mut header);
        let mut out = Vec::new();
        header.emit(payload, &mut out).unwrap();
        out.extend((0..payload).map(|n| n as u8));
        out
    }

    fn cut_up(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
        cut(&IpPacket::parse(packet).unwrap(), mtu)
    }

    fn put_together(pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in pieces {
            let (header, payload) = Ipv4Header::parse(piece).unwrap();
            let start = usize::from(header.fragment_offset) * 8;
            out.resize(out.len().max(start + payload.len()), 0);
            out[start..start + payload.len()].copy_from_slice(payload);
        }
        out
    }

    #[test]
    fn pieces_fit_are_of_one_length_and_make_the_packet_again() {
        for mtu in [68, 576, 1279, 1280, 1400] {
            let whole = packet(1480, |_| {});
            let pieces = cut_up(&whole, mtu).unwrap();
            let (last, others) = pieces.split_last().unwrap();
            for piece in others {
                assert!(piece.len() <= mtu && piece.len() > mtu - 8);
                assert_eq!(piece.len(), others[0].len());
                let (header, _) = Ipv4Header::parse(piece).unwrap();
                assert!(header.more_fragments);
                assert_eq!((header.identification, header.ttl), (0x1234, 64));
            }
            assert!(last.len() <= others[0].len());
            assert!(!Ipv4Header::parse(last).unwrap().0.more_fragments);
            assert_eq!(put_together(&pieces), whole[20..]);
        }
    }

    #[test]
    fn a_fragment_is_cut_again_in_its_place() {
        let middle = packet(800, |h| {
            h.fragment_offset = 100;
            h.more_fragments = true;
        });
        let pieces = cut_up(&middle, 420).unwrap();
        let places: Vec<_> = pieces
            .iter()
            .map(|p| Ipv4Header::parse(p).unwrap().0)
            .map(|h| (h.fragment_offset, h.more_fragments))
            .collect();
        assert_eq!(
            places,
            [(100, true), (150, true)],
            "the last isn't the last of all"
        );
    }

    /// RFC 791 3.1: the flag of an option says whether fragments have it.
    #[test]
    fn only_the_first_piece_has_options_that_are_not_copied() {
        let security = [0x82, 3, 7];
        let record_route = [7, 3, 4];
        let whole = packet(1000, |h| {
            h.options = [&record_route[..], &security, &[1, 0]].concat();
        });
        let pieces = cut_up(&whole, 576).unwrap();
        let options = |p: &Vec<u8>| Ipv4Header::parse(p).unwrap().0.options;
        assert_eq!(options(&pieces[0]), [7, 3, 4, 0x82, 3, 7, 1, 0]);
        assert_eq!(options(&pieces[1]), [1, 1, 1, 0x82, 3, 7, 1, 1]);
    }

    #[test]
    fn what_must_not_be_cut_or_would_be_too_many_is_not() {
        assert_eq!(cut_up(&packet(1480, |h| h.dont_fragment = true), 576), None);
        assert_eq!(cut_up(&packet(1480, |_| {}), 27), None);
        assert_eq!(cut_up(&packet(MOST_PIECES * 8 + 1, |_| {}), 28), None);
        assert_eq!(
            cut_up(&packet(MOST_PIECES * 8, |_| {}), 28).unwrap().len(),
            MOST_PIECES
        );
    }

    #[test]
    fn abuse_95_fragments_that_hide_ports_or_flags_are_told() {
        let tcp = |offset: u16, payload: usize| {
            let whole = packet(payload, |h| {
                h.protocol = protocol::TCP;
                h.fragment_offset = offset;
                h.more_fragments = true;
            });
            is_evasive(&IpPacket::parse(&whole).unwrap())
        };
        assert!(tcp(0, 8), "a first one without flags");
        assert!(tcp(1, 64), "one that would overwrite the flags");
        assert!(!tcp(0, 24) && !tcp(2, 8) && !tcp(185, 8));
        let whole = packet(8, |h| h.protocol = protocol::TCP);
        assert!(
            !is_evasive(&IpPacket::parse(&whole).unwrap()),
            "no fragment"
        );
    }
}
