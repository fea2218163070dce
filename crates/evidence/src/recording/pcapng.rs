//! A recording as a capture file (pcapng), for other tools.
//!
//! Without keys, messages stand in it in clear, each in a UDP datagram between the ports that it had, so that a
//! dissector shows what was inside. With keys, datagrams stand in it as they were on the wire; the keys go into a file of
//! their own.

use std::net::{IpAddr, SocketAddr};

use super::record::Record;
use super::run::Recording;

/// What a capture file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Messages in clear.
    Plain,
    /// Datagrams as they were on the wire; there are some only where keys were recorded.
    Wire,
}

impl Recording {
    /// The capture file, and how many packets are in it.
    #[must_use]
    pub fn pcapng(&self, contents: Contents) -> (Vec<u8>, usize) {
        let mut out = Vec::new();
        // Section header and an interface of raw IP packets, with times in microseconds.
        block(
            &mut out,
            0x0a0d_0d0a,
            &[
                &0x1a2b_3c4du32.to_le_bytes()[..],
                &1u16.to_le_bytes(),
                &0u16.to_le_bytes(),
                &u64::MAX.to_le_bytes(),
            ]
            .concat(),
        );
        block(
            &mut out,
            1,
            &[&RAW_IP.to_le_bytes()[..], &[0; 2], &0u32.to_le_bytes()].concat(),
        );
        let mut packets = 0;
        for entry in self.entries() {
            let (at, sent, local, remote, octets) = match (&entry.record, contents) {
                (
                    Record::Message {
                        at,
                        sent,
                        local,
                        remote,
                        plain,
                        ..
                    },
                    Contents::Plain,
                ) => (at, *sent, *local, *remote, plain),
                (
                    Record::Datagram {
                        at,
                        sent,
                        local,
                        remote,
                        octets,
                    },
                    Contents::Wire,
                ) => (at, *sent, *local, *remote, octets),
                _ => continue,
            };
            let (from, to) = if sent {
                (local, remote)
            } else {
                (remote, local)
            };
            let Some(packet) = packet(from, to, octets) else {
                continue;
            };
            let micros = at.wall.0.saturating_mul(1000);
            let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
            let mut body = 0u32.to_le_bytes().to_vec();
            body.extend_from_slice(
                &u32::try_from(micros >> 32)
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            );
            body.extend_from_slice(
                &u32::try_from(micros & 0xffff_ffff)
                    .unwrap_or(0)
                    .to_le_bytes(),
            );
            body.extend_from_slice(&length.to_le_bytes());
            body.extend_from_slice(&length.to_le_bytes());
            body.extend_from_slice(&packet);
            block(&mut out, 6, &body);
            packets += 1;
        }
        (out, packets)
    }

    /// Keys of IKE SAs, as lines of Wireshark's `ikev2_decryption_table`. Empty unless the operator had them recorded.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        self.entries()
            .filter_map(|entry| match &entry.record {
                Record::Keys { line, .. } => Some(line.expose()),
                _ => None,
            })
            .collect()
    }
}

/// LINKTYPE_RAW: a packet begins with its IP header.
const RAW_IP: u16 = 101;
const NON_ESP_MARKER: [u8; 4] = [0; 4];

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = u32::try_from(12 + body.len() + padding).unwrap_or(u32::MAX);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(body);
    out.extend(std::iter::repeat_n(0, padding));
    out.extend_from_slice(&length.to_le_bytes());
}

/// A message in UDP in IP; `None` for one that is too long for that, or between two families.
fn packet(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let marked = from.port() != 500 && to.port() != 500;
    let marker: &[u8] = if marked { &NON_ESP_MARKER } else { &[] };
    let udp = 8 + marker.len() + message.len();
    let length = u16::try_from(udp).ok()?;
    let mut out = Vec::with_capacity(40 + udp);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = u16::try_from(20 + udp).ok()?;
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&total.to_be_bytes());
            out.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
            let sum = !ones_complement(&out);
            out.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&[17, 64]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        _ => return None,
    }
    out.extend_from_slice(&from.port().to_be_bytes());
    out.extend_from_slice(&to.port().to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    // Zero says that there is no checksum; what was on the wire isn't known any more.
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(marker);
    out.extend_from_slice(message);
    Some(out)
}

fn ones_complement(header: &[u8]) -> u16 {
    let (words, _) = header.as_chunks::<2>();
    let sum: u32 = words
        .iter()
        .map(|w| u32::from(u16::from_be_bytes(*w)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}
