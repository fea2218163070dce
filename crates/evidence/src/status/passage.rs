//! What `tcpdump -i any` shows of a packet's way through the host: in by one interface, out by another.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many packets are followed.
const KEPT: usize = 512;

/// A packet on its way.
#[derive(Debug)]
struct Packet {
    /// Where it came out of a tunnel, and where that stands.
    tunnel: Option<(String, Place)>,
    entered: bool,
    left: bool,
    /// When it was seen last, in packets.
    at: usize,
}

/// The packets of a text, by their addresses and what is printed of them.
#[derive(Debug, Default)]
pub(super) struct Passage {
    packets: BTreeMap<(String, String, String), Packet>,
    seen: usize,
    /// Something else stands below the packets, so that the text wasn't cut among them.
    ended: bool,
}

impl Passage {
    /// The next line: `vti64 In  IP 10.2.0.9 > 10.1.0.5: ICMP echo reply, id 1, seq 851, length 40`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        let Some((interface, out, from, to, rest)) = packet(body) else {
            self.ended |= self.seen > 0 && !body.is_empty() && !body.contains(" IP");
            return;
        };
        self.seen += 1;
        let key = (from.to_owned(), to.to_owned(), rest.to_owned());
        if self.packets.len() >= KEPT && !self.packets.contains_key(&key) {
            return;
        }
        let seen = self.seen;
        let packet = self.packets.entry(key).or_insert(Packet {
            tunnel: None,
            entered: false,
            left: false,
            at: seen,
        });
        packet.at = seen;
        if out {
            packet.left = true;
        } else {
            packet.entered = true;
            if tunnel(interface) && packet.tunnel.is_none() {
                packet.tunnel = Some((interface.to_owned(), place()));
            }
        }
    }

    /// Packets that came out of a tunnel and went no further, where others were forwarded into it.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        let forwards = self
            .packets
            .values()
            .any(|p| p.entered && p.left && p.tunnel.is_none());
        let passed = self.packets.values().any(|p| p.left && p.tunnel.is_some());
        let stopped = self
            .packets
            .into_iter()
            .find(|(_, p)| p.tunnel.is_some() && !p.left && (self.ended || p.at < self.seen));
        if let Some(((from, to, _), packet)) = stopped
            && forwards
            && !passed
            && let Some((interface, place)) = packet.tunnel
        {
            let values = [
                ("source", from.as_str()),
                ("destination", to.as_str()),
                ("interface", interface.as_str()),
            ];
            facts.push(sign(place, Sign::StoppedBehindTunnel, &values));
        }
    }
}

/// Interface, whether it leaves, both addresses, and the rest of a line.
fn packet(body: &str) -> Option<(&str, bool, &str, &str, &str)> {
    let (head, rest) = body
        .split_once(" IP ")
        .or_else(|| body.split_once(" IP6 "))?;
    let mut words = head.split_ascii_whitespace().rev();
    let out = match words.next()? {
        "Out" => true,
        "In" => false,
        _ => return None,
    };
    let interface = words.next()?;
    let (from, rest) = rest.trim_start().split_once(" > ")?;
    let (to, rest) = rest.split_once(": ")?;
    Some((interface, out, from, to, rest))
}

fn tunnel(interface: &str) -> bool {
    ["vti", "xfrm", "ipsec", "ip_vti"]
        .iter()
        .any(|head| interface.starts_with(head))
}
