//! Packets for one network that leave by different interfaces, as sniffers show them that print each packet where it comes
//! in and where it leaves: FortiGate's `diagnose sniffer packet any`, `tcpdump -i any`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many destinations are followed.
const KEPT: usize = 256;
/// Hosts whose addresses agree in so many bits are taken for one network's.
const NETWORK: u32 = u32::MAX << 8;

/// What was seen of the packets to one host.
#[derive(Debug)]
struct Packets {
    /// Where they came in, and who sent them.
    entered: Option<(String, Ipv4Addr)>,
    /// Where they left, with which source, and where that stands.
    left: Option<(String, Ipv4Addr, Place)>,
}

/// The packets of a text, by where they go.
#[derive(Debug, Default)]
pub(super) struct Strayed {
    to: BTreeMap<Ipv4Addr, Packets>,
}

impl Strayed {
    /// The next line: `23.232329 to-b out 192.168.254.15 -> 192.168.253.23: icmp: echo request`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if memchr::memchr(b'>', line.body.as_bytes()).is_none() {
            return;
        }
        let Some(packet) = packet(line.body.trim()) else {
            return;
        };
        if self.to.len() >= KEPT && !self.to.contains_key(&packet.to) {
            return;
        }
        let packets = self.to.entry(packet.to).or_insert(Packets {
            entered: None,
            left: None,
        });
        if packet.out {
            packets
                .left
                .get_or_insert_with(|| (packet.interface.to_owned(), packet.from, place()));
        } else {
            packets
                .entered
                .get_or_insert_with(|| (packet.interface.to_owned(), packet.from));
        }
    }

    /// A host whose packets leave by another interface, with another source, than those of the same sender for a host
    /// beside it.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        let whole: Vec<_> = self
            .to
            .iter()
            .filter_map(|(to, p)| Some((to, p.entered.as_ref()?, p.left.as_ref()?)))
            .collect();
        for (to, (inside, sender), (interface, source, place)) in &whole {
            let beside = whole.iter().find(|(other, (i, s), (by, own, _))| {
                other.to_bits() & NETWORK == to.to_bits() & NETWORK
                    && (i, s) == (inside, sender)
                    && own == s
                    && by != interface
            });
            let Some((other, _, (by, ..))) = beside.filter(|_| source != sender) else {
                continue;
            };
            let (to, other, source) = (to.to_string(), other.to_string(), source.to_string());
            let values = [
                ("destination", to.as_str()),
                ("interface", interface.as_str()),
                ("source", source.as_str()),
                ("other", other.as_str()),
                ("by", by.as_str()),
            ];
            facts.push(sign(place.clone(), Sign::LeavesOtherwise, &values));
        }
    }
}

struct Packet<'t> {
    interface: &'t str,
    out: bool,
    from: Ipv4Addr,
    to: Ipv4Addr,
}

fn packet(body: &str) -> Option<Packet<'_>> {
    let (head, from, rest) = match body.split_once(" -> ") {
        Some((head, rest)) => {
            let (head, from) = head.rsplit_once(' ')?;
            (head, from, rest)
        }
        None => {
            let (head, rest) = body.split_once(" IP ")?;
            let (from, rest) = rest.trim_start().split_once(" > ")?;
            (head, from, rest)
        }
    };
    let (head, way) = head.trim_end().rsplit_once(' ')?;
    let out = match way {
        "out" | "Out" => true,
        "in" | "In" => false,
        _ => return None,
    };
    // A time stands before the name of an interface, which may have blanks.
    let name = head.trim();
    let interface = match name.split_once(' ') {
        Some((time, rest)) if time.starts_with(|c: char| c.is_ascii_digit()) => rest.trim(),
        _ => name,
    };
    let (to, _) = rest.split_once(':')?;
    Some(Packet {
        interface,
        out,
        from: host(from)?,
        to: host(to)?,
    })
}

/// An address with or without a port behind a dot.
fn host(text: &str) -> Option<Ipv4Addr> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let (address, port) = text.rsplit_once('.')?;
        port.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        address.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn strayed(text: &str) -> Vec<String> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign {
                    sign: Sign::LeavesOtherwise,
                    mut values,
                } => values.remove("destination"),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn one_host_of_a_network_leaves_by_another_interface() {
        let well = "1.100001 lan in 10.1.0.5 -> 10.2.0.9: icmp: echo request\n\
                    1.100201 to b out 10.1.0.5 -> 10.2.0.9: icmp: echo request\n";
        let astray = "2.100001 lan in 10.1.0.5.4711 -> 10.2.0.8.445: syn 341420858\n\
                      2.100201 wan1 out 192.0.2.7.61000 -> 10.2.0.8.445: syn 341420858\n";
        assert_eq!(strayed(&format!("{well}{astray}")), ["10.2.0.8"]);
        // Alone it may be the way of all of them, and untranslated the other way may be meant.
        assert!(strayed(astray).is_empty());
        let plain = astray.replace("192.0.2.7.61000", "10.1.0.5.4711");
        assert!(strayed(&format!("{well}{plain}")).is_empty());
        let linux = "10:00:00.1 eth1 In  IP 10.1.0.5 > 10.2.0.9: ICMP echo request, id 1, seq 1, length 64\n\
                     10:00:00.1 vti1 Out IP 10.1.0.5 > 10.2.0.9: ICMP echo request, id 1, seq 1, length 64\n\
                     10:00:01.1 eth1 In  IP 10.1.0.5 > 10.2.0.7: ICMP echo request, id 2, seq 1, length 64\n\
                     10:00:01.1 eth0 Out IP 192.0.2.7 > 10.2.0.7: ICMP echo request, id 2, seq 1, length 64\n";
        assert_eq!(strayed(linux), ["10.2.0.7"]);
    }
}
