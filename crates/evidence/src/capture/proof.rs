//! Whether what two sites say to each other is encrypted, from what crossed the wire between them.

use std::net::IpAddr;

use serde::Serialize;

use super::stamp::Stamp;
use super::watch::Watch;
use super::{Capture, CaptureError, Dissector};

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
    /// ESP crossed that encrypts nothing: anybody can read it.
    Readable,
    /// Protected packets crossed and none in clear was seen, but not everything was seen or could be told.
    Incomplete,
    /// Nothing was seen: nothing is proved.
    Nothing,
}

/// Whether packets in clear right behind ESP are what the capturing host's kernel decrypted and shows once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShownAgain {
    /// They are: it has SAs with the peer.
    ByKernel,
    /// They aren't: no kernel decrypts there, so they crossed like that.
    Never,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// What is known of the algorithms of the ESP that was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cipher {
    /// It encrypts, say those who agreed on it or the configuration, which allows nothing else.
    Encrypts,
    /// It was agreed on without encryption (`ENCR_NULL`, AES-GMAC).
    None,
    /// The configuration allows ESP without encryption, and what was agreed on isn't known.
    Open,
    /// Nothing but what the wire shows is known, and that doesn't name a cipher.
    #[default]
    Unseen,
}

/// What is known beside the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Whether the capturing host shows packets again.
    pub shown_again: ShownAgain,
    /// Of the algorithms.
    pub cipher: Cipher,
    /// Packets that passed without being captured.
    pub missed: u64,
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
    /// Packets in clear right behind ESP of which nobody knows whether they crossed like that.
    pub undecided: u64,
    /// Packets that may have had to be protected and weren't looked at: of more hosts and services than are kept, or
    /// fragments without their beginning.
    pub unjudged: u64,
    /// Packets that passed without being captured.
    pub missed: u64,
    /// What is known of the algorithms of the ESP.
    pub cipher: Cipher,
    /// ESP packets that anybody can read.
    pub readable: u64,
    /// Those in clear, by hosts and service.
    pub in_clear: Vec<InClear>,
    /// All packets that were looked at.
    pub packets: u64,
}

/// A proof in the making: a capture file, fed in chunks, of which only this is kept.
#[derive(Debug)]
pub struct Proving {
    dissector: Dissector,
    watch: Watch,
}

impl Proving {
    /// Looks for this.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self {
            dissector: Dissector::new().watching(watch.clone()),
            watch,
        }
    }

    /// Hands in the next chunk of the file.
    ///
    /// # Errors
    /// The file is no capture.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), CaptureError> {
        self.dissector.feed(chunk)
    }

    /// The file has ended: what it proves.
    ///
    /// # Errors
    /// The file was too short to be a capture.
    pub fn finish(self, given: Given) -> Result<Proof, CaptureError> {
        let capture = self.dissector.finish()?;
        Ok(Proof::of(&capture, self.watch.peer, given))
    }
}

impl Proof {
    /// Looks at what passed between this host and `peer`; `capture` has nothing in clear but what is to be protected.
    fn of(capture: &Capture, peer: IpAddr, given: Given) -> Self {
        let mut proof = Self {
            verdict: Answer::Nothing,
            esp: BothWays::default(),
            esp_in_udp: BothWays::default(),
            ah: BothWays::default(),
            ike: BothWays::default(),
            clear: BothWays::default(),
            shown_again: 0,
            undecided: 0,
            unjudged: capture.clear_beyond,
            missed: given.missed,
            cipher: given.cipher,
            readable: 0,
            in_clear: Vec::new(),
            packets: capture.packets,
        };
        for flow in &capture.flows {
            let (from, to) = flow.hosts();
            let Some(out) = way(from, to, peer) else {
                continue;
            };
            let count = match (flow.protocol, flow.udp) {
                ("ah", _) => &mut proof.ah,
                (_, true) => &mut proof.esp_in_udp,
                (_, false) => &mut proof.esp,
            };
            count.add(out, flow.packets);
            // Chance makes single packets look like that, never most of them.
            if flow.readable.saturating_mul(2) > flow.packets {
                proof.readable = proof.readable.saturating_add(flow.readable);
            }
        }
        let messages = capture.conversations.iter().flat_map(|c| &c.messages);
        for message in messages {
            if let Some(out) = way(message.from.ip(), message.to.ip(), peer) {
                proof.ike.add(out, 1);
            }
        }
        for clear in &capture.clear {
            let out = clear.outward.unwrap_or(true);
            // Only what came in can have been decrypted here, and only what the peer sent.
            let behind = match !out && clear.sent == 0 && clear.esp_from == Some(peer) {
                true => clear.behind_esp.min(clear.packets),
                false => 0,
            };
            let apart = match given.shown_again {
                ShownAgain::ByKernel => &mut proof.shown_again,
                ShownAgain::Unknown => &mut proof.undecided,
                ShownAgain::Never => &mut 0,
            };
            *apart = apart.saturating_add(behind);
            let packets = match given.shown_again {
                ShownAgain::Never => clear.packets,
                ShownAgain::ByKernel | ShownAgain::Unknown => clear.packets - behind,
            };
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
        proof.verdict = proof.judge();
        proof
    }

    fn judge(&self) -> Answer {
        let unsure = self.undecided > 0
            || self.unjudged > 0
            || self.missed > 0
            || self.cipher == Cipher::Open;
        if self.clear.total() > 0 {
            Answer::Clear
        } else if self.protected() == 0 {
            Answer::Nothing
        } else if self.readable > 0 || self.cipher == Cipher::None {
            Answer::Readable
        } else if unsure {
            Answer::Incomplete
        } else {
            Answer::Encrypted
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::capture::Protected;

    type Packet = (u8, [u8; 4], [u8; 4], Vec<u8>);

    /// What a capture of bare IPv4 packets (link type 101) proves, `apart` microseconds between each two.
    fn prove_apart(packets: &[Packet], apart: u64, given: Given) -> Proof {
        let mut proving = Proving::new(Watch {
            peer: PEER.into(),
            protected: vec![Protected {
                local: vec!["10.1.0.0/24".parse().unwrap()],
                remote: vec!["10.2.0.0/24".parse().unwrap()],
            }],
            policies: Vec::new(),
        });
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
            file.extend(word.to_be_bytes());
        }
        for (n, (protocol, from, to, payload)) in (0_u64..).zip(packets) {
            let length = u16::try_from(20 + payload.len()).unwrap();
            let mut ip = vec![0x45, 0];
            ip.extend(length.to_be_bytes());
            ip.extend([0, 0, 0x40, 0, 64, *protocol, 0, 0]);
            ip.extend(from.iter().chain(to));
            ip.extend(payload);
            let at = 1_700_000_000_000_000 + n * apart;
            let (second, rest) = (at / 1_000_000, at % 1_000_000);
            let time = [second, rest].map(|t| u32::try_from(t).unwrap());
            for word in [time[0], time[1], u32::from(length), u32::from(length)] {
                file.extend(word.to_be_bytes());
            }
            file.extend(ip);
        }
        proving.feed(&file).unwrap();
        proving.finish(given).unwrap()
    }

    /// A second between each two, and nothing else is known.
    fn prove(packets: &[Packet]) -> Proof {
        prove_apart(packets, 1_000_000, Given::default())
    }

    const US: [u8; 4] = [192, 0, 2, 1];
    const PEER: [u8; 4] = [192, 0, 2, 2];
    const HERE: [u8; 4] = [10, 1, 0, 2];
    const THERE: [u8; 4] = [10, 2, 0, 2];

    fn esp(sequence: u32) -> Vec<u8> {
        let mut esp = 0xc000_0001_u32.to_be_bytes().to_vec();
        esp.extend(sequence.to_be_bytes());
        esp.resize(100, 0x55);
        esp
    }

    fn tcp(port: u16) -> Vec<u8> {
        let mut tcp = 40_000_u16.to_be_bytes().to_vec();
        tcp.extend(port.to_be_bytes());
        tcp.resize(20, 0);
        tcp
    }

    #[test]
    fn esp_and_nothing_in_clear_is_encrypted() {
        let proof = prove(&[
            (50, US, PEER, esp(1)),
            (50, PEER, US, esp(1)),
            // Somebody else's business.
            (6, HERE, [8, 8, 8, 8], tcp(443)),
            (50, US, [192, 0, 2, 77], esp(1)),
        ]);
        assert_eq!(proof.verdict, Answer::Encrypted);
        assert_eq!(proof.cipher, Cipher::Unseen);
        assert_eq!(proof.esp, BothWays { out: 1, inwards: 1 });
        assert!(proof.in_clear.is_empty());
    }

    #[test]
    fn one_packet_in_clear_among_many_is_quoted_without_what_it_carries() {
        let mut packets: Vec<_> = (1..50).map(|n| (50, US, PEER, esp(n))).collect();
        packets.insert(25, (6, HERE, THERE, tcp(5432)));
        let proof = prove(&packets);
        assert_eq!(proof.verdict, Answer::Clear);
        assert_eq!(proof.clear, BothWays { out: 1, inwards: 0 });
        let [quoted] = proof.in_clear.as_slice() else {
            panic!("{proof:?}");
        };
        assert_eq!((quoted.from, quoted.to), (HERE.into(), THERE.into()));
        assert_eq!((quoted.protocol, quoted.port), (6, Some(5432)));
        assert_eq!((quoted.packets, quoted.octets, quoted.frame), (1, 40, 26));
    }

    /// A stranger who sends more than is kept doesn't hide what comes after it.
    #[test]
    fn strangers_packets_do_not_hide_a_leak() {
        let stranger = |n: u16| {
            let [high, low] = n.to_be_bytes();
            (6, [198, 51, high, low], US, tcp(22))
        };
        let mut packets: Vec<_> = (0..5000).map(stranger).collect();
        packets.push((50, US, PEER, esp(1)));
        assert_eq!(prove(&packets).verdict, Answer::Encrypted);
        packets.push((6, HERE, THERE, tcp(5432)));
        assert_eq!(prove(&packets).verdict, Answer::Clear);
    }

    /// More of what is to be protected than is kept, all of it perhaps decrypted by the kernel: no proof.
    #[test]
    fn what_was_not_looked_at_is_told() {
        let mut packets = Vec::new();
        for n in 0..4200_u16 {
            let [high, low] = n.to_be_bytes();
            packets.push((50, PEER, US, esp(u32::from(n))));
            packets.push((6, THERE, [10, 1, 0, high], tcp(1000 + u16::from(low))));
        }
        let given = Given {
            shown_again: ShownAgain::ByKernel,
            ..Given::default()
        };
        let proof = prove_apart(&packets, 10, given);
        assert_eq!((proof.shown_again, proof.unjudged), (4096, 104));
        assert_eq!(proof.verdict, Answer::Incomplete);
    }

    /// Linux shows what it decrypted once more, behind the ESP packet; what leaves in clear is never that, and where no
    /// kernel decrypts nothing is.
    #[test]
    fn what_the_kernel_decrypted_is_not_in_clear_and_what_leaves_is() {
        let seen = |from, to, shown_again| {
            let packets = [(50, PEER, US, esp(1)), (6, from, to, tcp(22))];
            let given = Given {
                shown_again,
                ..Given::default()
            };
            prove_apart(&packets, 100, given)
        };
        let kernel = seen(THERE, HERE, ShownAgain::ByKernel);
        assert_eq!(kernel.verdict, Answer::Encrypted);
        assert_eq!((kernel.shown_again, kernel.undecided), (1, 0));
        let user = seen(THERE, HERE, ShownAgain::Never);
        assert_eq!(user.verdict, Answer::Clear);
        assert_eq!((user.shown_again, user.clear.inwards), (0, 1));
        let file = seen(THERE, HERE, ShownAgain::Unknown);
        assert_eq!(file.verdict, Answer::Incomplete);
        assert_eq!((file.shown_again, file.undecided), (0, 1));
        for shown_again in [ShownAgain::ByKernel, ShownAgain::Unknown] {
            assert_eq!(seen(HERE, THERE, shown_again).verdict, Answer::Clear);
        }
    }

    #[test]
    fn packets_that_were_missed_leave_no_proof() {
        let given = Given {
            missed: 1,
            ..Given::default()
        };
        let proof = prove_apart(&[(50, US, PEER, esp(1))], 1, given);
        assert_eq!(proof.verdict, Answer::Incomplete);
    }

    #[test]
    fn esp_without_encryption_is_readable() {
        let mut readable = esp(7);
        readable.truncate(8);
        // A datagram of 60 octets behind the header, and a trailer.
        let mut inner = vec![0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 17, 0, 0];
        inner.extend(HERE.iter().chain(&THERE));
        let sum = inner.chunks(2).map(|w| u16::from_be_bytes([w[0], w[1]]));
        let sum: u32 = sum.map(u32::from).sum();
        let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        inner[10..12].copy_from_slice(&(!sum).to_be_bytes());
        inner.resize(60, 0);
        readable.extend(inner);
        readable.extend([0; 16]);
        let proof = prove(&[(50, US, PEER, readable)]);
        assert_eq!((proof.verdict, proof.readable), (Answer::Readable, 1));
        for (cipher, verdict) in [
            (Cipher::None, Answer::Readable),
            (Cipher::Open, Answer::Incomplete),
            (Cipher::Encrypts, Answer::Encrypted),
        ] {
            let given = Given {
                cipher,
                ..Given::default()
            };
            let proof = prove_apart(&[(50, US, PEER, esp(1))], 1, given);
            assert_eq!(proof.verdict, verdict, "{cipher:?}");
        }
    }

    #[test]
    fn nothing_seen_proves_nothing() {
        assert_eq!(prove(&[]).verdict, Answer::Nothing);
        let other = prove(&[(6, HERE, [8, 8, 8, 8], tcp(443))]);
        assert_eq!(other.verdict, Answer::Nothing);
    }
}
