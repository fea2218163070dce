//! What was inside of an opened message, in words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::identity::Identity;
use adit_model::selector::Selector;
use adit_wire::iana::IdType;
use adit_wire::v1::{V1Content, V1Message, V1Payload};
use adit_wire::v2::{Header, IdPayload, Payload, PayloadList, TsPayload};

use super::super::message::{Inside, Message};
use super::super::offer;
use super::v1::Plain;

/// Puts what a message of IKEv2 has inside into `message`.
pub(in crate::capture) fn v2(message: &mut Message, list: &PayloadList) {
    let mut found = Inside::default();
    for payload in list.iter() {
        let name = payload.kind().to_string();
        match payload {
            Payload::Notify(n) => {
                found.payloads.push(format!("N({})", n.kind));
                message.notice_inside(n);
                continue;
            }
            Payload::Sa(sa) => message.proposals_inside(sa),
            Payload::Ke(ke) => message.key_exchange = Some(ke.method.to_string()),
            Payload::IdI(id) | Payload::IdR(id) => {
                found.details.push(format!("{name} {}", identity(id)));
            }
            Payload::TsI(ts) | Payload::TsR(ts) => {
                found.details.push(format!("{name} {}", selectors(ts)));
            }
            Payload::Delete(d) => {
                let spis: Vec<String> = d.child_spis().map(|s| format!("{s:08x}")).collect();
                found.details.push(format!("{name} {}", spis.join(" ")));
            }
            Payload::Auth(auth) => found.details.push(format!("{name} by {}", auth.method)),
            _ => {}
        }
        found.payloads.push(name);
    }
    message.inside = Some(found);
}

fn identity(id: &IdPayload) -> String {
    Identity::from_wire(id.kind, &id.data).to_string()
}

fn selectors(ts: &TsPayload) -> String {
    ts.selectors
        .iter()
        .filter_map(Selector::from_wire)
        .map(|s| s.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Puts what a message of IKEv1 has inside into `message`, whose datagram begins with `header`.
pub(super) fn v1(message: &mut Message, header: &Header, plain: &Plain) {
    let clear = Header {
        next_payload: plain.first,
        flags: adit_wire::v2::Flags::default(),
        length: u32::try_from(Header::LEN + plain.octets.len()).unwrap_or(u32::MAX),
        ..*header
    };
    let mut datagram = zeroize::Zeroizing::new(Vec::new());
    clear.emit(&mut datagram);
    datagram.extend_from_slice(&plain.octets);
    let Ok(parsed) = V1Message::parse(&datagram) else {
        return;
    };
    let V1Content::Clear(payloads) = &parsed.content else {
        return;
    };
    let mut found = Inside::default();
    if plain.hash_lost {
        found.payloads.push("HASH".to_owned());
    }
    let quick = message.exchange == "QUICK_MODE";
    let mut networks = ["IDci", "IDcr"].into_iter();
    for payload in payloads {
        let name = super::super::message::v1_name(payload.kind());
        match payload {
            V1Payload::Notify(n) => {
                found.payloads.push(format!("N({})", n.kind));
                message.notice_inside_v1(n);
                continue;
            }
            V1Payload::Sa(sa) => {
                for proposal in &sa.proposals {
                    let spi: String = proposal.spi.iter().map(|o| format!("{o:02x}")).collect();
                    for transform in &proposal.transforms {
                        if quick {
                            message
                                .proposals
                                .push(offer::v1_child(proposal.protocol, transform));
                            if let Some(mode) = offer::v1_mode(transform) {
                                found.details.push(format!("{mode} {spi}"));
                            }
                        } else {
                            message.proposals.push(offer::v1(transform));
                        }
                    }
                }
            }
            V1Payload::Other { kind, body } => match kind.0 {
                5 if quick => {
                    let side = networks.next().unwrap_or("ID");
                    found.details.push(format!("{side} {}", network(body)));
                }
                5 => found.details.push(format!("ID {}", v1_identity(body))),
                // DOI, protocol, octets and number of SPIs, SPIs (RFC 2408 3.15).
                12 => {
                    if let Some((&[_, _, _, _, protocol, octets, _, _], spis)) =
                        body.split_first_chunk::<8>()
                    {
                        let spis: Vec<String> = spis
                            .chunks(usize::from(octets).max(1))
                            .map(|s| s.iter().map(|o| format!("{o:02x}")).collect())
                            .collect();
                        let what = match protocol {
                            1 => "ISAKMP",
                            2 => "AH",
                            3 => "ESP",
                            _ => "SA",
                        };
                        found.details.push(format!("D {what} {}", spis.join(" ")));
                    }
                }
                _ => {}
            },
            V1Payload::Vendor(_) => {}
        }
        found.payloads.push(name);
    }
    found.details.dedup();
    message.inside = Some(found);
}

/// An identity of phase 1: type, protocol, port, value (RFC 2407 4.6.2).
fn v1_identity(body: &[u8]) -> String {
    match body.split_first_chunk::<4>() {
        Some((&[kind, ..], data)) => Identity::from_wire(IdType(kind), data).to_string(),
        None => "?".to_owned(),
    }
}

/// The networks of phase 2.
fn network(body: &[u8]) -> String {
    selector(body).map_or_else(|| v1_identity(body), |s| s.to_string())
}

fn selector(body: &[u8]) -> Option<Selector> {
    let (&[kind, protocol, high, low], data) = body.split_first_chunk::<4>()?;
    let ports = match u16::from_be_bytes([high, low]) {
        0 => (0, u16::MAX),
        port => (port, port),
    };
    let v4 = |at: usize| -> Option<u32> {
        let octets: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(octets))
    };
    let v6 = |at: usize| -> Option<u128> {
        let octets: [u8; 16] = data.get(at..at + 16)?.try_into().ok()?;
        Some(u128::from_be_bytes(octets))
    };
    let from_v4 = |bits| IpAddr::V4(Ipv4Addr::from(bits));
    let from_v6 = |bits| IpAddr::V6(Ipv6Addr::from(bits));
    let (start, end) = match kind {
        1 => (from_v4(v4(0)?), from_v4(v4(0)?)),
        4 => (from_v4(v4(0)? & v4(4)?), from_v4(v4(0)? | !v4(4)?)),
        7 => (from_v4(v4(0)?), from_v4(v4(4)?)),
        5 => (from_v6(v6(0)?), from_v6(v6(0)?)),
        6 => (from_v6(v6(0)? & v6(16)?), from_v6(v6(0)? | !v6(16)?)),
        8 => (from_v6(v6(0)?), from_v6(v6(16)?)),
        _ => return None,
    };
    Selector::range(protocol, ports, start, end)
}
