//! What crosses the outside of a gateway.
#![allow(dead_code)]

use adit_kernel::{Capture, NetNs};
use adit_wire::ip::IpPacket;

/// A capture on a gateway's outer interface.
pub struct Tap(Capture);

impl Tap {
    pub fn on(ns: &NetNs) -> Self {
        Self(ns.run(|| Capture::open(Some("wan")).unwrap()).unwrap())
    }

    /// How many ESP packets there were since it was last asked, and every other packet with an address of a private network.
    pub fn taken(&self) -> (usize, Vec<String>) {
        let mut buffer = vec![0; 65_536];
        let (mut esp, mut clear) = (0, Vec::new());
        while let Ok(frame) = self.0.receive(&mut buffer) {
            let Some(Ok(packet)) = frame.ip_packet(&buffer).map(IpPacket::parse) else {
                continue;
            };
            let inside = |address: std::net::IpAddr| {
                let text = address.to_string();
                text.starts_with("10.") || text.starts_with("fd00:")
            };
            if packet.protocol == 50 {
                esp += 1;
            } else if inside(packet.source) || inside(packet.destination) {
                clear.push(format!(
                    "{} to {} protocol {}",
                    packet.source, packet.destination, packet.protocol
                ));
            }
        }
        (esp, clear)
    }

    /// Packets in clear since it was last asked.
    pub fn clear(&self) -> Vec<String> {
        self.taken().1
    }
}
