//! Whether what two sites say to each other is encrypted, from what crossed the wire between them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::Capture;
use super::stamp::Stamp;

/// Networks whose traffic is to be protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Ours; empty is any.
    pub local: Vec<IpNet>,
    /// The peer's.
    pub remote: Vec<IpNet>,
}

/// Packets both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BothWays {
    /// To the peer.
    pub out: u64,
    /// From the peer.
    #[serde(rename = "in")]
    pub inwards: u64,
}

impl BothWays {
    fn add(&mut self, out: bool, packets: u64) {
        let count = if out {
            &mut self.out
        } else {
            &mut self.inwards
        };
        *count = count.saturating_add(packets);
    }

    /// Packets of both directions.
    #[must_use]
    pub fn total(self) -> u64 {
        self.out.saturating_add(self.inwards)
    }
}

/// What a capture proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Protected packets crossed, and none in clear.
    Encrypted,
    /// Packets of protected networks crossed in clear.
    Clear,
    /// Neither: nothing is proved.
    Nothing,
}

/// Packets of one kind that crossed in clear; never what is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InClear {
    /// When the first did.
    pub first: Stamp,
    /// When the last did.
    pub last: Stamp,
    /// Frame of the first.
    pub frame: u64,
    /// Sender.
    pub from: IpAddr,
    /// Receiver.
    pub to: IpAddr,
    /// IP protocol.
    pub protocol: u8,
    /// The service's port.
    pub port: Option<u16>,
    /// How many.
    pub packets: u64,
    /// Octets of all, from the IP header on.
    pub octets: u64,
}

/// The proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What is proved.
    pub verdict: Answer,
    /// ESP as an IP protocol of its own.
    pub esp: BothWays,
    /// ESP in UDP.
    pub esp_in_udp: BothWays,
    /// AH, which encrypts nothing.
    pub ah: BothWays,
    /// IKE messages.
    pub ike: BothWays,
    /// Packets between the protected networks in clear.
    pub clear: BothWays,
    /// Packets that the kernel shows in clear behind the ESP packet that it decrypted: they didn't cross like that.
    pub shown_again: u64,
    /// Those in clear, by hosts and service.
    pub in_clear: Vec<InClear>,
    /// All packets that were looked at.
    pub packets: u64,
}

impl Proof {
    /// Looks at what passed between this host and `peer`.
    #[must_use]
    pub fn of(capture: &Capture, peer: IpAddr, protected: &[Protected]) -> Self {
        let mut proof = Self {
            verdict: Answer::Nothing,
            esp: BothWays::default(),
            esp_in_udp: BothWays::default(),
            ah: BothWays::default(),
            ike: BothWays::default(),
            clear: BothWays::default(),
            shown_again: 0,
            in_clear: Vec::new(),
            packets: capture.packets,
        };
        for flow in &capture.flows {
            let (from, to) = (flow.from.ip(), flow.to.ip());
            let Some(out) = way(from, to, peer) else {
                continue;
            };
            let count = match (flow.protocol, flow.udp) {
                ("ah", _) => &mut proof.ah,
                (_, true) => &mut proof.esp_in_udp,
                (_, false) => &mut proof.esp,
            };
            count.add(out, flow.packets);
        }
        let messages = capture.conversations.iter().flat_map(|c| &c.messages);
        for message in messages {
            if let Some(out) = way(message.from.ip(), message.to.ip(), peer) {
                proof.ike.add(out, 1);
            }
        }
        for clear in &capture.clear {
            let Some(out) = protected
                .iter()
                .find_map(|nets| between(clear.from, clear.to, nets))
            else {
                continue;
            };
            // Only what came in can have been decrypted here, and only what the peer sent.
            let decrypted = match !out && clear.sent == 0 && clear.esp_from == Some(peer) {
                true => clear.behind_esp.min(clear.packets),
                false => 0,
            };
            proof.shown_again = proof.shown_again.saturating_add(decrypted);
            let packets = clear.packets - decrypted;
            if packets == 0 {
                continue;
            }
            proof.clear.add(out, packets);
            proof.in_clear.push(InClear {
                first: clear.first,
                last: clear.last,
                frame: clear.first_frame,
                from: clear.from,
                to: clear.to,
                protocol: clear.protocol,
                port: clear.port,
                packets,
                octets: clear.octets,
            });
        }
        proof.in_clear.sort_by_key(|c| c.frame);
        proof.verdict = match (proof.clear.total(), proof.protected()) {
            (0, 0) => Answer::Nothing,
            (0, _) => Answer::Encrypted,
            _ => Answer::Clear,
        };
        proof
    }

    /// Packets of ESP.
    #[must_use]
    pub fn protected(&self) -> u64 {
        self.esp.total().saturating_add(self.esp_in_udp.total())
    }
}

/// Whether a packet goes to the peer (`true`) or comes from it.
fn way(from: IpAddr, to: IpAddr, peer: IpAddr) -> Option<bool> {
    if to == peer {
        Some(true)
    } else if from == peer {
        Some(false)
    } else {
        None
    }
}

/// Whether a packet between these hosts is to be protected, and whether it goes out.
fn between(from: IpAddr, to: IpAddr, nets: &Protected) -> Option<bool> {
    let ours = |a: IpAddr| nets.local.is_empty() || nets.local.iter().any(|n| n.contains(&a));
    let theirs = |a: IpAddr| nets.remote.iter().any(|n| n.contains(&a));
    if ours(from) && theirs(to) && !stays(to) {
        Some(true)
    } else if theirs(from) && ours(to) && !stays(to) {
        Some(false)
    } else {
        None
    }
}

/// What is never routed, whatever selectors say.
fn stays(to: IpAddr) -> bool {
    match to {
        IpAddr::V4(a) => a.is_multicast() || a.is_broadcast() || a.is_link_local(),
        IpAddr::V6(a) => a.is_multicast() || a.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::capture::read;

    type Packet = (u8, [u8; 4], [u8; 4], Vec<u8>);

    /// A capture of bare IPv4 packets (link type 101): protocol, the last octets of `10.X.0.2` or a gateway, payload.
    fn capture(packets: &[Packet]) -> Capture {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
            file.extend(word.to_be_bytes());
        }
        for (i, (protocol, from, to, payload)) in packets.iter().enumerate() {
            let length = u16::try_from(20 + payload.len()).unwrap();
            let mut ip = vec![0x45, 0];
            ip.extend(length.to_be_bytes());
            ip.extend([0, 0, 0x40, 0, 64, *protocol, 0, 0]);
            ip.extend(from.iter().chain(to));
            ip.extend(payload);
            let second = 1_700_000_000 + u32::try_from(i).unwrap();
            for word in [second, 0, u32::from(length), u32::from(length)] {
                file.extend(word.to_be_bytes());
            }
            file.extend(ip);
        }
        read(&file).unwrap()
    }

    const US: [u8; 4] = [192, 0, 2, 1];
    const PEER: [u8; 4] = [192, 0, 2, 2];
    const HERE: [u8; 4] = [10, 1, 0, 2];
    const THERE: [u8; 4] = [10, 2, 0, 2];

    fn esp(sequence: u32) -> Vec<u8> {
        let mut esp = 0xc000_0001_u32.to_be_bytes().to_vec();
        esp.extend(sequence.to_be_bytes());
        esp.resize(100, 0);
        esp
    }

    fn nets() -> [Protected; 1] {
        [Protected {
            local: vec!["10.1.0.0/24".parse().unwrap()],
            remote: vec!["10.2.0.0/24".parse().unwrap()],
        }]
    }

    fn tcp(port: u16) -> Vec<u8> {
        let mut tcp = 40_000_u16.to_be_bytes().to_vec();
        tcp.extend(port.to_be_bytes());
        tcp.resize(20, 0);
        tcp
    }

    #[test]
    fn esp_and_nothing_in_clear_is_encrypted() {
        let seen = capture(&[
            (50, US, PEER, esp(1)),
            (50, PEER, US, esp(1)),
            // Somebody else's business.
            (6, HERE, [8, 8, 8, 8], tcp(443)),
            (50, US, [192, 0, 2, 77], esp(1)),
        ]);
        let proof = Proof::of(&seen, PEER.into(), &nets());
        assert_eq!(proof.verdict, Answer::Encrypted);
        assert_eq!(proof.esp, BothWays { out: 1, inwards: 1 });
        assert!(proof.in_clear.is_empty());
    }

    #[test]
    fn one_packet_in_clear_among_many_is_quoted_without_what_it_carries() {
        let mut packets: Vec<_> = (1..50).map(|n| (50, US, PEER, esp(n))).collect();
        packets.insert(25, (6, HERE, THERE, tcp(5432)));
        let proof = Proof::of(&capture(&packets), PEER.into(), &nets());
        assert_eq!(proof.verdict, Answer::Clear);
        assert_eq!(proof.clear, BothWays { out: 1, inwards: 0 });
        let [quoted] = proof.in_clear.as_slice() else {
            panic!("{proof:?}");
        };
        assert_eq!((quoted.from, quoted.to), (HERE.into(), THERE.into()));
        assert_eq!((quoted.protocol, quoted.port), (6, Some(5432)));
        assert_eq!((quoted.packets, quoted.octets, quoted.frame), (1, 40, 26));
    }

    /// Linux shows what it decrypted once more, behind the ESP packet; what leaves in clear is never that.
    #[test]
    fn what_the_kernel_decrypted_is_not_in_clear_and_what_leaves_is() {
        let seen = |from, to| {
            let mut file = capture(&[(50, PEER, US, esp(1)), (6, from, to, tcp(22))]);
            // At once behind it.
            for clear in &mut file.clear {
                clear.behind_esp = 1;
                clear.esp_from = Some(PEER.into());
            }
            Proof::of(&file, PEER.into(), &nets())
        };
        let decrypted = seen(THERE, HERE);
        assert_eq!(decrypted.verdict, Answer::Encrypted);
        assert_eq!(decrypted.shown_again, 1);
        assert_eq!(seen(HERE, THERE).verdict, Answer::Clear);
    }

    #[test]
    fn nothing_seen_proves_nothing() {
        let proof = Proof::of(&capture(&[]), PEER.into(), &nets());
        assert_eq!(proof.verdict, Answer::Nothing);
        let other = capture(&[(6, HERE, [8, 8, 8, 8], tcp(443))]);
        assert_eq!(
            Proof::of(&other, PEER.into(), &nets()).verdict,
            Answer::Nothing
        );
    }
}
