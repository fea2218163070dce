//! IP fragments: cutting packets to a link's size, and putting them together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_model::Mono;
use adit_wire::ip::{IpPacket, Ipv4Header, Ipv6Header, protocol};

use crate::packet;

/// How a packet goes onto a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Whole(Vec<u8>),
    Pieces(Vec<Vec<u8>>),
    TooBig(Vec<u8>),
}

/// Cuts `packet` to `mtu` if it has to be and may be. IPv6 packets are cut by their sender only.
pub(crate) fn fit(packet: Vec<u8>, mtu: usize, we_are_its_source: bool, id: u32) -> Fit {
    if packet.len() <= mtu {
        return Fit::Whole(packet);
    }
    let pieces = match packet.first().map(|first| first >> 4) {
        Some(4) => cut_v4(&packet, mtu),
        Some(6) if we_are_its_source => cut_v6(&packet, mtu, id),
        _ => None,
    };
    pieces.map_or(Fit::TooBig(packet), Fit::Pieces)
}

fn cut_v4(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
    let (header, payload) = Ipv4Header::parse(packet).ok()?;
    if header.dont_fragment {
        return None;
    }
    let room = mtu.checked_sub(Ipv4Header::MIN_LEN + header.options.len())? / 8 * 8;
    let count = payload.len().div_ceil(room.max(8));
    let pieces = payload.chunks(room.max(8)).enumerate().map(|(n, piece)| {
        let mut out = Vec::new();
        let here = Ipv4Header {
            more_fragments: header.more_fragments || n + 1 < count,
            fragment_offset: header.fragment_offset + u16::try_from(n * room / 8).ok()?,
            ..header.clone()
        };
        here.emit(piece.len(), &mut out).ok()?;
        out.extend_from_slice(piece);
        Some(out)
    });
    pieces.collect()
}

fn cut_v6(packet: &[u8], mtu: usize, id: u32) -> Option<Vec<Vec<u8>>> {
    let (header, payload) = Ipv6Header::parse(packet).ok()?;
    let room = mtu.checked_sub(Ipv6Header::LEN + 8)? / 8 * 8;
    let count = payload.len().div_ceil(room.max(8));
    let pieces = payload.chunks(room.max(8)).enumerate().map(|(n, piece)| {
        let mut out = Vec::new();
        let here = Ipv6Header {
            next_header: protocol::FRAGMENT,
            ..header.clone()
        };
        here.emit(piece.len() + 8, &mut out).ok()?;
        let place = u16::try_from(n * room).ok()? | u16::from(n + 1 < count);
        out.extend_from_slice(&[header.next_header, 0]);
        out.extend_from_slice(&place.to_be_bytes());
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(piece);
        Some(out)
    });
    pieces.collect()
}

/// Fragments of packets that aren't whole yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembler(BTreeMap<Key, Partial>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    id: u32,
}

#[derive(Clone, Debug)]
struct Partial {
    since: Mono,
    pieces: BTreeMap<usize, Vec<u8>>,
    length: Option<usize>,
}

/// How long fragments wait for the others (RFC 8200 4.5 says 60 s, Linux 30 s).
const PATIENCE: Duration = Duration::from_secs(30);

impl Reassembler {
    /// The packet itself if it is whole, the packet that it completes, or nothing yet.
    pub(crate) fn push(&mut self, now: Mono, packet: Vec<u8>) -> Option<Vec<u8>> {
        let ip = IpPacket::parse(&packet).ok()?;
        let Some(place) = ip.fragment else {
            return Some(packet);
        };
        self.0
            .retain(|_, partial| now.since(partial.since) < PATIENCE);
        let key = Key {
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            id: place.identification,
        };
        let partial = self.0.entry(key).or_insert_with(|| Partial {
            since: now,
            pieces: BTreeMap::new(),
            length: None,
        });
        let offset = usize::from(place.offset);
        if !place.more {
            partial.length = Some(offset + ip.payload().len());
        }
        partial.pieces.insert(offset, ip.payload().to_vec());
        let payload = partial.whole()?;
        self.0.remove(&key);
        packet::ip(
            key.source,
            key.destination,
            key.protocol,
            &payload,
            0,
            false,
        )
    }
}

impl Partial {
    fn whole(&self) -> Option<Vec<u8>> {
        let length = self.length?;
        let mut payload = Vec::with_capacity(length);
        for (offset, piece) in &self.pieces {
            if *offset > payload.len() {
                return None;
            }
            payload.truncate(*offset);
            payload.extend_from_slice(piece);
        }
        (payload.len() == length).then_some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(v6: bool, octets: usize) -> Vec<u8> {
        let (from, to) = if v6 {
            ("[fd00::1]:500", "[fd00::2]:500")
        } else {
            ("192.0.2.1:500", "192.0.2.2:500")
        };
        let at = |text: &str| text.parse().unwrap_or_else(|e| panic!("{e}"));
        let data: Vec<u8> = (0..octets).map(|i| i as u8).collect();
        packet::udp(at(from), at(to), &data, 77).unwrap_or_default()
    }

    #[test]
    fn pieces_fit_and_make_the_packet_again_in_any_order() {
        for v6 in [false, true] {
            let whole = packet(v6, 4000);
            let Fit::Pieces(mut pieces) = fit(whole.clone(), 1280, true, 9) else {
                panic!("not cut")
            };
            assert!(pieces.iter().all(|piece| piece.len() <= 1280));
            pieces.reverse();
            let mut reassembler = Reassembler::default();
            let last = pieces.pop().unwrap_or_default();
            for piece in pieces {
                assert_eq!(reassembler.push(Mono(0), piece.clone()), None);
                assert_eq!(reassembler.push(Mono(0), piece), None, "twice");
            }
            let again = reassembler.push(Mono(0), last).unwrap_or_default();
            let (a, b) = (IpPacket::parse(&whole), IpPacket::parse(&again));
            assert_eq!(a.map(|p| p.payload()), b.map(|p| p.payload()));
        }
    }

    #[test]
    fn what_may_not_be_cut_is_too_big() {
        assert!(matches!(
            fit(packet(true, 4000), 1280, false, 0),
            Fit::TooBig(_)
        ));
        assert!(matches!(
            fit(packet(false, 100), 1280, false, 0),
            Fit::Whole(_)
        ));
    }
}
