//! One IKE message, as far as it can be read without keys.

use std::net::{IpAddr, SocketAddr};

use adit_crypto::V1Hash;
use adit_model::proposal::Proposal;
use adit_wire::iana::{NotifyType, PayloadType};
use adit_wire::v1::{FLAG_ENCRYPTED, V1Content, V1Message, V1Notify, V1Payload};
use adit_wire::v2::{self, Encrypted, Header, Message as V2, Payload};
use serde::Serialize;

use super::offer;
use super::stamp::Stamp;

/// An IKE message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Frame number; of the last fragment when IP fragments were put together.
    pub frame: u64,
    /// When.
    pub at: Stamp,
    /// Sender as the capture sees it.
    pub from: SocketAddr,
    /// Receiver as the capture sees it.
    pub to: SocketAddr,
    /// Major version of IKE in its header.
    pub version: u8,
    /// SPI (cookie in IKEv1) of the initiator of the IKE SA.
    #[serde(serialize_with = "hex")]
    pub spi_initiator: u64,
    /// SPI (cookie) of the responder; 0 while unknown.
    #[serde(serialize_with = "hex")]
    pub spi_responder: u64,
    /// Name of the exchange.
    pub exchange: String,
    /// Message ID.
    pub message_id: u32,
    /// Whether it is a response; IKEv1 doesn't say.
    pub response: Option<bool>,
    /// Payload names in order; notifies as `N(NAME)`, what is encrypted as `SK`, its fragments as `SKF(1/3)`.
    pub payloads: Vec<String>,
    /// The notifies that can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notifies: Vec<Notice>,
    /// Proposals of the SA payload: offered in a request, chosen in a response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Method of the key exchange payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<String>,
    /// What the NAT detection payloads say about the path up to where the capture was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_detection: Option<NatDetection>,
    /// Which of how many IKE fragments (RFC 7383).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment: Option<(u16, u16)>,
    /// Of how many IP fragments it was put together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_fragments: Option<u32>,
    /// Octets, without UDP header and non-ESP marker.
    pub octets: usize,
    /// It has the non-ESP marker of port 4500 (RFC 3948).
    pub marked: bool,
    /// Contents are encrypted.
    pub encrypted: bool,
    /// What is inside of the encryption, when keys opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
    /// Frame of the message that this one repeats, octet by octet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmission_of: Option<u64>,
    /// Of its octets, to tell whether another capture has the same; 0 where they aren't known.
    #[serde(skip)]
    pub(super) digest: u64,
    /// Why the payloads couldn't be read, or not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What keys brought to light.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inside {
    /// Payload names in order.
    pub payloads: Vec<String>,
    /// Identities, traffic selectors and the like, in words.
    pub details: Vec<String>,
}

/// A notify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// Whether it reports an error.
    pub error: bool,
    /// Its data, in hex.
    pub data: String,
}

/// What NAT detection says (RFC 7296 2.23, RFC 3947 3.2), seen from where the capture was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NatDetection {
    /// The sender's address isn't the one that it hashed: it is behind a NAT, or wants to be taken for it.
    pub source_translated: bool,
    /// The receiver's address isn't the one that the sender hashed. Between the receiver and its NAT that is so too.
    pub destination_translated: bool,
}

/// Where and when a message was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) frame: u64,
    pub(super) at: Stamp,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) marked: bool,
    pub(super) ip_fragments: Option<u32>,
    /// Not all of its octets are there.
    pub(super) cut: bool,
}

/// Whether octets on a port that isn't IKE's look like IKE all the same.
pub(super) fn plausible(datagram: &[u8]) -> bool {
    Header::parse(datagram).is_ok_and(|h| {
        let known = match h.version.major {
            1 => matches!(h.exchange.0, 1..=6 | 32..=33),
            2 => matches!(h.exchange.0, 34..=44),
            _ => false,
        };
        known && h.version.minor == 0 && !h.spi_i.is_zero() && h.length as usize == datagram.len()
    })
}

impl Message {
    /// Reads a datagram without its marker; `None` when not even its header can be read.
    pub(super) fn read(datagram: &[u8], place: Place) -> Option<Self> {
        let header = Header::parse(datagram).ok()?;
        let v1 = header.version.major == 1;
        let mut message = Self {
            frame: place.frame,
            at: place.at,
            from: place.from,
            to: place.to,
            version: header.version.major,
            spi_initiator: header.spi_i.0,
            spi_responder: header.spi_r.0,
            exchange: exchange(&header),
            message_id: header.message_id,
            response: (!v1).then_some(header.flags.response),
            payloads: Vec::new(),
            notifies: Vec::new(),
            proposals: Vec::new(),
            key_exchange: None,
            nat_detection: None,
            fragment: None,
            ip_fragments: place.ip_fragments,
            octets: if place.cut {
                usize::try_from(header.length).unwrap_or(usize::MAX)
            } else {
                datagram.len()
            },
            marked: place.marked,
            inside: None,
            encrypted: v1 && header.flags.reserved & FLAG_ENCRYPTED != 0,
            retransmission_of: None,
            digest: 0,
            problem: None,
        };
        let problem = if place.cut {
            message.names(&header, datagram);
            Some(if place.ip_fragments.is_some() {
                "IP fragments of it are missing".to_owned()
            } else {
                "cut short".to_owned()
            })
        } else if v1 {
            message.read_v1(datagram)
        } else {
            message.read_v2(datagram)
        };
        if let Some(problem) = problem {
            if message.payloads.is_empty() {
                message.names(&header, datagram);
            }
            message.problem = Some(problem);
        }
        Some(message)
    }

    fn read_v2(&mut self, datagram: &[u8]) -> Option<String> {
        let parsed = match V2::parse(datagram) {
            Ok(parsed) => parsed,
            Err(error) => return Some(error.to_string()),
        };
        let mut hashes: (Vec<&[u8]>, Vec<&[u8]>) = Default::default();
        for payload in parsed.payloads.iter() {
            match payload {
                Payload::Notify(n) => {
                    self.payloads.push(format!("N({})", n.kind));
                    self.notifies.push(Notice {
                        number: n.kind.0,
                        name: n.kind.to_string(),
                        error: n.kind.is_error(),
                        data: hex_of(&n.data),
                    });
                    match n.kind {
                        NotifyType::NAT_DETECTION_SOURCE_IP => hashes.0.push(&n.data),
                        NotifyType::NAT_DETECTION_DESTINATION_IP => hashes.1.push(&n.data),
                        _ => {}
                    }
                    continue;
                }
                Payload::Sa(sa) => {
                    self.proposals.extend(sa.proposals.iter().map(offer::v2));
                }
                Payload::Ke(ke) => self.key_exchange = Some(ke.method.to_string()),
                _ => {}
            }
            self.payloads.push(payload.kind().to_string());
        }
        self.nat_detection = self.detect(V1Hash::Sha1, &hashes.0, &hashes.1);
        match &parsed.encrypted {
            Some(Encrypted::Sk { .. }) => {
                self.encrypted = true;
                self.payloads.push("SK".to_owned());
            }
            Some(Encrypted::Skf { fragment, .. }) => {
                self.encrypted = true;
                self.fragment = Some((fragment.number, fragment.total));
                self.payloads
                    .push(format!("SKF({}/{})", fragment.number, fragment.total));
            }
            None => {}
        }
        None
    }

    fn read_v1(&mut self, datagram: &[u8]) -> Option<String> {
        let parsed = match V1Message::parse(datagram) {
            Ok(parsed) => parsed,
            Err(error) => return Some(error.to_string()),
        };
        let V1Content::Clear(payloads) = &parsed.content else {
            self.payloads.push("encrypted".to_owned());
            return None;
        };
        let mut hashes: Vec<&[u8]> = Vec::new();
        for payload in payloads {
            match payload {
                V1Payload::Notify(n) => {
                    self.payloads.push(format!("N({})", n.kind));
                    self.notifies.push(Notice {
                        number: n.kind.0,
                        name: n.kind.to_string(),
                        error: n.kind.0 < 16384,
                        data: hex_of(&n.data),
                    });
                    continue;
                }
                V1Payload::Sa(sa) => {
                    let transforms = sa.proposals.iter().flat_map(|p| &p.transforms);
                    self.proposals.extend(transforms.map(offer::v1));
                }
                V1Payload::Other { kind, body } if *kind == PayloadType::V1_NAT_D => {
                    hashes.push(body);
                }
                _ => {}
            }
            self.payloads.push(v1_name(payload.kind()));
        }
        // The first is the receiver's address, the others are the sender's. The hash tells itself by its length.
        if let [destination, sources @ ..] = hashes.as_slice()
            && let Some(hash) = V1Hash::ALL
                .into_iter()
                .find(|h| h.length() == destination.len())
            && sources.iter().all(|s| s.len() == hash.length())
        {
            self.nat_detection = self.detect(hash, sources, &[destination]);
        }
        None
    }

    /// Compares hashed addresses with those of the packet.
    fn detect(
        &self,
        hash: V1Hash,
        sources: &[&[u8]],
        destinations: &[&[u8]],
    ) -> Option<NatDetection> {
        if sources.is_empty() || destinations.is_empty() {
            return None;
        }
        let fits = |hashes: &[&[u8]], end| {
            let expected = digest(hash, self.spi_initiator, self.spi_responder, end);
            hashes.contains(&expected.as_slice())
        };
        Some(NatDetection {
            source_translated: !fits(sources, self.from),
            destination_translated: !fits(destinations, self.to),
        })
    }

    /// The payloads' names by their generic headers, as far as these hold together.
    fn names(&mut self, header: &Header, datagram: &[u8]) {
        const MOST: usize = 64;
        if self.version == 1 && self.encrypted {
            self.payloads.push("encrypted".to_owned());
            return;
        }
        let mut kind = header.next_payload;
        let mut rest = datagram.get(Header::LEN..).unwrap_or_default();
        while kind != PayloadType::NONE && self.payloads.len() < MOST {
            self.payloads.push(if self.version == 1 {
                v1_name(kind)
            } else {
                kind.to_string()
            });
            if matches!(kind, PayloadType::SK | PayloadType::SKF) && self.version != 1 {
                self.encrypted = true;
                return;
            }
            let &[next, _, high, low, ..] = rest else {
                return;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            match rest.get(length..) {
                Some(after) if length >= 4 => rest = after,
                _ => return,
            }
            kind = PayloadType(next);
        }
    }

    /// Takes in a notify from inside of the encryption.
    pub(super) fn notice_inside(&mut self, n: &v2::Notify) {
        self.notifies.push(Notice {
            number: n.kind.0,
            name: n.kind.to_string(),
            error: n.kind.is_error(),
            data: hex_of(&n.data),
        });
    }

    /// Takes in a notify of IKEv1 from inside of the encryption.
    pub(super) fn notice_inside_v1(&mut self, n: &V1Notify) {
        self.notifies.push(Notice {
            number: n.kind.0,
            name: n.kind.to_string(),
            error: n.kind.0 < 16384,
            data: hex_of(&n.data),
        });
    }

    /// Takes in proposals from inside of the encryption.
    pub(super) fn proposals_inside(&mut self, sa: &v2::SaPayload) {
        self.proposals.extend(sa.proposals.iter().map(offer::v2));
    }

    /// Whether it reports an error, in clear or opened.
    #[must_use]
    pub fn error(&self) -> Option<&Notice> {
        self.notifies.iter().find(|n| n.error)
    }

    /// Whether it carries a notify of that number.
    #[must_use]
    pub fn notice(&self, number: u16) -> Option<&Notice> {
        self.notifies.iter().find(|n| n.number == number)
    }
}

fn exchange(header: &Header) -> String {
    match (header.version.major, header.exchange.0) {
        (1, 1) => "BASE".to_owned(),
        (1, 3) => "AUTH_ONLY".to_owned(),
        (1, 6) => "TRANSACTION".to_owned(),
        _ => header.exchange.to_string(),
    }
}

pub(super) fn v1_name(kind: PayloadType) -> String {
    match kind.0 {
        2 => "P".to_owned(),
        3 => "T".to_owned(),
        6 => "CERT".to_owned(),
        7 => "CERTREQ".to_owned(),
        9 => "SIG".to_owned(),
        14 => "ATTR".to_owned(),
        21 => "NAT-OA".to_owned(),
        // The numbers of the drafts that many products still send.
        130 | 15 => "NAT-D".to_owned(),
        131 | 16 => "NAT-OA".to_owned(),
        132 => "FRAG".to_owned(),
        _ => kind.to_string().trim_end_matches("(v1)").to_owned(),
    }
}

/// hash(SPIi | SPIr | address | port).
fn digest(hash: V1Hash, spi_i: u64, spi_r: u64, end: SocketAddr) -> Vec<u8> {
    let (spi_i, spi_r, port) = (
        spi_i.to_be_bytes(),
        spi_r.to_be_bytes(),
        end.port().to_be_bytes(),
    );
    match end.ip() {
        IpAddr::V4(a) => hash.compute(&[&spi_i, &spi_r, &a.octets(), &port]),
        IpAddr::V6(a) => hash.compute(&[&spi_i, &spi_r, &a.octets(), &port]),
    }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|o| format!("{o:02x}")).collect()
}

fn hex<S: serde::Serializer>(spi: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{spi:016x}"))
}
