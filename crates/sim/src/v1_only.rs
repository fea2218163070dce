//! A peer that speaks only IKEv1, as seen by somebody who speaks IKEv2 to it.
//!
//! It is no IKE implementation: it shows what such gateways do with an IKE_SA_INIT request, and that they take the
//! first message of version 1.

use adit_wire::iana::{ExchangeType, NotifyType, V1NotifyType};
use adit_wire::icmp::Family;
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use adit_wire::v1::{DOI_IPSEC, V1Content, V1Message, V1Notify, V1Payload, V1Sa};
use adit_wire::v2::{Flags, Header, IkeSpi, Notify, Payload, PayloadList, Version, emit_plain};

use crate::node::{Env, echo_reply};
use crate::packet::{self, Unreachable};

/// What a gateway with only IKEv1 connections does with an IKE_SA_INIT request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum V1Manner {
    /// It answers in version 1 with INVALID-MAJOR-VERSION, as RFC 2408 5.2 allows.
    #[default]
    InvalidMajorVersion,
    /// It knows version 2 and has no connection for it: an IKE_SA_INIT response with NO_PROPOSAL_CHOSEN (strongSwan,
    /// Libreswan).
    NoProposalChosen,
    /// It ignores the request (racoon).
    Silent,
}

/// The peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct V1Only {
    /// What it does with IKE_SA_INIT.
    pub manner: V1Manner,
}

/// Its own cookie; one is enough for a peer that remembers nothing.
const COOKIE: IkeSpi = IkeSpi(0x7631_6f6e_6c79_0001);

impl V1Only {
    /// Its answer to one IKE message (without the non-ESP marker), if it has one.
    #[must_use]
    pub fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let header = Header::parse(message).ok()?;
        match header.version.major {
            1 => first_answer(message),
            2 if header.exchange == ExchangeType::IKE_SA_INIT && !header.flags.response => {
                match self.manner {
                    V1Manner::InvalidMajorVersion => invalid_major_version(&header),
                    V1Manner::NoProposalChosen => no_proposal_chosen(&header),
                    V1Manner::Silent => None,
                }
            }
            _ => None,
        }
    }

    pub(crate) fn deliver(&mut self, env: &mut Env<'_>, packet: &[u8]) {
        let Ok(ip) = IpPacket::parse(packet) else {
            return;
        };
        if Family::of(ip.source, ip.destination).protocol() == ip.protocol {
            env.out.extend(echo_reply(packet));
            return;
        }
        if ip.protocol != protocol::UDP {
            return;
        }
        let Ok(datagram) = UdpDatagram::parse(Some((ip.source, ip.destination)), ip.payload())
        else {
            return;
        };
        let answer = match (datagram.destination_port, classify(datagram.payload)) {
            (500, _) => self.answer(datagram.payload),
            (4500, Ok(Encapsulated::Ike(message))) => self.answer(message).map(|m| mark_ike(&m)),
            (4500, _) => None,
            _ => return env.unreachable(packet, Unreachable::Port),
        };
        if let Some(answer) = answer {
            let from = (ip.destination, datagram.destination_port).into();
            let to = (ip.source, datagram.source_port).into();
            let id = env.id();
            env.out.extend(packet::udp(from, to, &answer, id));
        }
    }
}

/// The second message of Main Mode: the first transform offered is taken (RFC 2409 5).
fn first_answer(message: &[u8]) -> Option<Vec<u8>> {
    let request = V1Message::parse(message).ok()?;
    if request.header.exchange != ExchangeType::IDENTITY_PROTECTION {
        return None;
    }
    let mut proposal = request.sa()?.proposals.first()?.clone();
    proposal.transforms.truncate(1);
    let sa = V1Sa {
        proposals: vec![proposal],
    };
    v1_message(
        &request.header,
        ExchangeType::IDENTITY_PROTECTION,
        0,
        V1Payload::Sa(sa),
    )
}

fn invalid_major_version(request: &Header) -> Option<Vec<u8>> {
    let notify = V1Notify {
        doi: DOI_IPSEC,
        protocol: 1,
        spi: Vec::new(),
        kind: V1NotifyType::INVALID_MAJOR_VERSION,
        data: Vec::new(),
    };
    let id = request.spi_i.0 as u32;
    v1_message(
        request,
        ExchangeType::INFORMATIONAL_V1,
        id,
        V1Payload::Notify(notify),
    )
}

fn v1_message(
    request: &Header,
    exchange: ExchangeType,
    message_id: u32,
    payload: V1Payload,
) -> Option<Vec<u8>> {
    let header = Header {
        spi_r: COOKIE,
        version: Version::V1,
        exchange,
        flags: Flags::default(),
        message_id,
        ..*request
    };
    let content = V1Content::Clear(vec![payload]);
    V1Message { header, content }.emit().ok()
}

fn no_proposal_chosen(request: &Header) -> Option<Vec<u8>> {
    let header = Header::v2(
        request.spi_i,
        COOKIE,
        ExchangeType::IKE_SA_INIT,
        Flags::new(false, true),
        request.message_id,
    );
    let notify = Payload::Notify(Notify::new(NotifyType::NO_PROPOSAL_CHOSEN));
    emit_plain(&header, &PayloadList(vec![notify])).ok()
}
