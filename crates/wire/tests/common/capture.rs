//! Just enough of pcap and pcapng to get at IP packets. Malformed files give fewer packets, never a failure.

use std::path::{Path, PathBuf};

/// The shared folder, where captures lie that are not part of the project.
pub fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("ADIT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// Every capture below a folder.
pub fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path
            .extension()
            .is_some_and(|end| end == "pcap" || end == "pcapng" || end == "cap")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The IP packets of a capture, possibly cut off.
pub fn ip_packets(file: &[u8]) -> Vec<Vec<u8>> {
    let frames = match file.first_chunk::<4>() {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => pcapng(file),
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => pcap(file, u32::from_le_bytes),
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => pcap(file, u32::from_be_bytes),
        _ => None,
    };
    frames
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(link, frame)| Some(network(link, frame)?.to_vec()))
        .collect()
}

type Frames<'a> = Option<Vec<(u32, &'a [u8])>>;
type ReadU32 = fn([u8; 4]) -> u32;

fn number(bytes: &[u8], at: usize, read: ReadU32) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(read)
}

fn pcap(file: &[u8], read: ReadU32) -> Frames<'_> {
    let link = number(file, 20, read)? & 0x0fff_ffff;
    let mut frames = Vec::new();
    let mut rest = file.get(24..)?;
    while let Some(length) = number(rest, 8, read) {
        let Some(frame) = rest.get(16..16 + length as usize) else {
            break;
        };
        frames.push((link, frame));
        rest = &rest[16 + length as usize..];
    }
    Some(frames)
}

fn pcapng(file: &[u8]) -> Frames<'_> {
    let mut frames = Vec::new();
    let mut links = Vec::new();
    let mut read: ReadU32 = u32::from_le_bytes;
    let mut rest = file;
    while let Some(kind) = number(rest, 0, read) {
        if kind == 0x0a0d_0d0a {
            read = if rest.get(8) == Some(&0x4d) {
                u32::from_le_bytes
            } else {
                u32::from_be_bytes
            };
            links.clear();
        }
        let Some(block) = number(rest, 4, read).and_then(|length| rest.get(..length as usize))
        else {
            break;
        };
        if block.len() < 12 {
            break;
        }
        match kind {
            1 => links.push(if read as usize == u32::from_le_bytes as ReadU32 as usize {
                number(block, 8, read)? & 0xffff
            } else {
                number(block, 8, read)? >> 16
            }),
            6 => {
                let interface = number(block, 8, read)? as usize;
                let length = number(block, 20, read)? as usize;
                if let (Some(link), Some(frame)) =
                    (links.get(interface), block.get(28..28 + length))
                {
                    frames.push((*link, frame));
                }
            }
            _ => {}
        }
        rest = &rest[block.len()..];
    }
    Some(frames)
}

fn network(link: u32, frame: &[u8]) -> Option<&[u8]> {
    match link {
        0 => frame.get(4..),
        1 => {
            let mut at = 12;
            while matches!(frame.get(at..at + 2)?, [0x81, 0x00] | [0x88, 0xa8]) {
                at += 4;
            }
            matches!(frame.get(at..at + 2)?, [0x08, 0x00] | [0x86, 0xdd])
                .then(|| frame.get(at + 2..))?
        }
        12 | 14 | 101 | 228 | 229 => Some(frame),
        113 => frame.get(16..),
        276 => frame.get(20..),
        _ => None,
    }
}

/// The IKE messages of a capture, whole ones only, with their major version.
pub fn ike_datagrams(file: &[u8]) -> Vec<(Vec<u8>, u8)> {
    use adit_wire::ip::{IpPacket, protocol};
    use adit_wire::udp::UdpDatagram;
    use adit_wire::udp_encap::{Encapsulated, classify};
    use adit_wire::v2::Header;

    let mut found = Vec::new();
    for bytes in ip_packets(file) {
        let Ok(packet) = IpPacket::parse(&bytes) else {
            continue;
        };
        if packet.protocol != protocol::UDP || packet.fragment.is_some() {
            continue;
        }
        let Ok(datagram) = UdpDatagram::parse(None, packet.payload()) else {
            continue;
        };
        let ports = [datagram.source_port, datagram.destination_port];
        let message = if ports.contains(&4500) {
            match classify(datagram.payload) {
                Ok(Encapsulated::Ike(message)) => message,
                _ => continue,
            }
        } else if ports.contains(&500) {
            datagram.payload
        } else {
            continue;
        };
        if let Ok(header) = Header::parse(message)
            && header.length as usize == message.len()
        {
            found.push((message.to_vec(), header.version.major));
        }
    }
    found
}
