//! Targets for `adit-wire`. Each feeds arbitrary bytes to a codec; what parses is written and parsed again and must
//! be the same value.

use adit_wire::iana::{ExchangeType, PayloadType};
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{self, IpPacket, Ipv4Header, Ipv6Header, protocol};
use adit_wire::udp::UdpDatagram;
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use adit_wire::v1::V1Message;
use adit_wire::v2::{
    self, AuthPayload, CertPayload, CertReqPayload, CpPayload, Delete, EapPayload, FragmentHeader,
    Header, IdPayload, KePayload, Message, Nonce, Notify, PayloadList, SaPayload, SealLayout,
    SkFrame, TsPayload, rules,
};
use adit_wire::{Reason, WireError, esp, tcp};

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("ike_header", ike_header),
    ("ike_message", ike_message),
    ("sa", sa),
    ("ts", ts),
    ("notify_delete", notify_delete),
    ("cp_eap_cert", cp_eap_cert),
    ("esp_udp_encap", esp_udp_encap),
    ("ip", ip),
    ("ikev1", ikev1),
];

/// The IKE header: every bit survives.
pub fn ike_header(data: &[u8]) {
    match Header::parse(data) {
        Ok(header) => {
            let mut out = Vec::new();
            header.emit(&mut out);
            assert_eq!(Some(out.as_slice()), data.get(..Header::LEN));
            assert_eq!(Header::parse(&out), Ok(header));
        }
        Err(error) => {
            assert!(data.len() < Header::LEN);
            assert_located(error, data);
        }
    }
}

/// A whole IKEv2 datagram: payloads survive, ranges lie inside, and what is sealed can be opened.
pub fn ike_message(data: &[u8]) {
    let message = match Message::parse(data) {
        Ok(message) => message,
        Err(error) => return assert_located(error, data),
    };
    let plain = v2::emit_plain(&message.header, &message.payloads).expect("what was parsed fits");
    let again = Message::parse(&plain).expect("what was emitted parses");
    assert_eq!(again.payloads, message.payloads);
    match message.encrypted {
        None => {
            assert_eq!(again.header, message.header);
            seal_and_open(&message.header, &message.payloads, data);
        }
        Some(encrypted) => {
            assert_eq!(encrypted.body().end, data.len());
            assert_eq!(encrypted.aad(), 0..encrypted.body().start);
            let body = data.get(encrypted.body()).expect("the range lies inside");
            if let Ok(inner) = v2::open_inner(encrypted.first_inner(), body) {
                seal_and_open(&message.header, &inner, data);
            }
        }
    }
    for exchange in ExchangeType::KNOWN {
        for (response, encrypted) in [(false, false), (false, true), (true, false), (true, true)] {
            let _ = rules::check(*exchange, response, encrypted, &message.payloads);
        }
    }
}

/// Lays the payloads out as SK and as fragments, with lengths taken from `noise`, and reads them back.
fn seal_and_open(header: &Header, payloads: &PayloadList, noise: &[u8]) {
    let &[.., a, b, c] = noise else { return };
    let layout = SealLayout {
        iv: usize::from(a % 17),
        block: 1 << (b % 5),
        icv: usize::from(c % 33),
    };
    let Ok(frame) = SkFrame::sk(header, payloads, layout) else {
        return;
    };
    let parsed = Message::parse(&frame.datagram).expect("a laid out message parses");
    let encrypted = parsed.encrypted.expect("it has an SK payload");
    assert_eq!(encrypted.aad(), frame.aad);
    assert_eq!(encrypted.body(), frame.iv.start..frame.icv.end);
    assert_eq!(frame.ciphertext.len() % layout.block, 0);
    let plaintext = &frame.datagram[frame.ciphertext];
    assert_eq!(
        v2::open_inner(encrypted.first_inner(), plaintext).as_ref(),
        Ok(payloads)
    );

    let mut inner = Vec::new();
    let first_inner = payloads.emit(&mut inner).expect("it was emitted before");
    let size = layout.fragment_capacity(200).max(1);
    let total = inner.chunks(size).count() as u16;
    let mut joined = Vec::new();
    for (number, part) in (1u16..).zip(inner.chunks(size)) {
        let fragment = FragmentHeader { number, total };
        let frame =
            SkFrame::skf(header, first_inner, fragment, part, layout).expect("fragments are small");
        let parsed = Message::parse(&frame.datagram)
            .expect("a fragment parses")
            .encrypted
            .expect("it has an SKF payload");
        assert_eq!(parsed.fragment(), Some(fragment));
        assert_eq!(parsed.aad(), frame.aad);
        joined.extend_from_slice(
            v2::strip_padding(&frame.datagram[frame.ciphertext]).expect("padding is right"),
        );
    }
    assert_eq!(joined, inner);
}

/// Parses, and if that succeeds emits and parses again.
fn round_trip<T: PartialEq + core::fmt::Debug>(
    data: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, WireError>,
    emit: impl Fn(&T, &mut Vec<u8>) -> Result<(), WireError>,
) {
    match parse(data) {
        Ok(value) => {
            let mut out = Vec::new();
            emit(&value, &mut out).expect("what was parsed fits");
            assert_eq!(out.len(), data.len(), "a payload body has one length");
            assert_eq!(parse(&out).as_ref(), Ok(&value));
        }
        Err(error) => assert_located(error, data),
    }
}

/// An error points into the input, or just behind it, and can be shown.
fn assert_located(error: WireError, data: &[u8]) {
    assert!(
        error.offset <= data.len(),
        "{error} is outside of {} bytes",
        data.len()
    );
    assert!(!error.to_string().is_empty());
}

fn infallible<T>(
    emit: impl Fn(&T, &mut Vec<u8>),
) -> impl Fn(&T, &mut Vec<u8>) -> Result<(), WireError> {
    move |value, out| {
        emit(value, out);
        Ok(())
    }
}

/// The Security Association payload.
pub fn sa(data: &[u8]) {
    round_trip(data, SaPayload::parse, SaPayload::emit);
}

/// The Traffic Selector payload.
pub fn ts(data: &[u8]) {
    round_trip(data, TsPayload::parse, TsPayload::emit);
}

/// Notify, Delete, Nonce, KE, ID and AUTH, chosen by the first byte.
pub fn notify_delete(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    match choice % 6 {
        0 => round_trip(body, Notify::parse, Notify::emit),
        1 => round_trip(body, Delete::parse, Delete::emit),
        2 => round_trip(body, Nonce::parse, infallible(Nonce::emit)),
        3 => round_trip(body, KePayload::parse, infallible(KePayload::emit)),
        4 => round_trip(body, IdPayload::parse, infallible(IdPayload::emit)),
        _ => round_trip(body, AuthPayload::parse, infallible(AuthPayload::emit)),
    }
}

/// Configuration, EAP, CERT and CERTREQ, chosen by the first byte; else a chain of payloads.
pub fn cp_eap_cert(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    match choice {
        0 => round_trip(body, CpPayload::parse, CpPayload::emit),
        1 => round_trip(body, EapPayload::parse, EapPayload::emit),
        2 => round_trip(body, CertPayload::parse, infallible(CertPayload::emit)),
        3 => round_trip(
            body,
            CertReqPayload::parse,
            infallible(CertReqPayload::emit),
        ),
        first => {
            let first = PayloadType(*first);
            round_trip(
                body,
                |bytes| PayloadList::parse(first, bytes),
                |list, out| list.emit(out).map(|_| ()),
            );
        }
    }
}

/// Port 4500, and both ends of an ESP packet.
pub fn esp_udp_encap(data: &[u8]) {
    match classify(data) {
        Ok(Encapsulated::Keepalive) => assert_eq!(data, [0xff]),
        Ok(Encapsulated::Ike(message)) => assert_eq!(mark_ike(message), data),
        Ok(Encapsulated::Esp(packet)) => {
            let header = esp::EspHeader::parse(packet).expect("classification saw the header");
            assert_ne!(header.spi, 0);
            assert_eq!(packet.first_chunk(), Some(&header.to_bytes()));
        }
        Err(error) => assert_located(error, data),
    }
    match esp::EspTrailer::split(data) {
        Ok((payload, trailer)) => {
            let mut out = payload.to_vec();
            trailer.emit(&mut out);
            assert_eq!(out, data);
        }
        Err(error) => assert_located(error, data),
    }
    let &[block, next_header, ref payload @ ..] = data else {
        return;
    };
    let block = 1 << (block % 9);
    let trailer = esp::EspTrailer::for_payload(payload.len(), block, next_header);
    let mut out = payload.to_vec();
    trailer.emit(&mut out);
    assert_eq!(out.len() % block.max(4), 0);
    assert_eq!(esp::EspTrailer::split(&out), Ok((payload, trailer)));
}

/// IP of both versions and what it carries.
pub fn ip(data: &[u8]) {
    let mut data = data.to_vec();
    mend_checksum(&mut data, |bytes| Ipv4Header::parse(bytes).err());
    let view = match IpPacket::parse(&data) {
        Ok(view) => view,
        Err(error) => return assert_located(error, &data),
    };
    assert_eq!(
        view.payload().len() + view.header_length,
        view.total_length()
    );
    let _ = view.ports();

    let mut out = Vec::new();
    if let Ok((header, payload)) = Ipv4Header::parse(&data) {
        header
            .emit(payload.len(), &mut out)
            .expect("what was parsed fits");
        out.extend_from_slice(payload);
        assert_eq!(Ipv4Header::parse(&out), Ok((header, payload)));
        // A checksum of 0xffff and one of 0 are both right; apart from that the packet is the same.
        assert_eq!(out.get(12..), view.packet.get(12..));
    } else if let Ok((header, payload)) = Ipv6Header::parse(&data) {
        header
            .emit(payload.len(), &mut out)
            .expect("what was parsed fits");
        out.extend_from_slice(payload);
        assert_eq!(out, view.packet);
    }
    let mut recoloured = data.clone();
    ip::set_traffic_class(&mut recoloured, !view.traffic_class);
    let recoloured = IpPacket::parse(&recoloured).expect("only the traffic class changed");
    assert_eq!(recoloured.traffic_class, !view.traffic_class);
    assert_eq!(recoloured.ports(), view.ports());

    let addresses = Some((view.source, view.destination));
    let mut payload = view.payload().to_vec();
    match view.protocol {
        protocol::UDP => {
            mend_checksum(&mut payload, |bytes| {
                UdpDatagram::parse(addresses, bytes).err()
            });
            if let Ok(datagram) = UdpDatagram::parse(addresses, &payload) {
                let mut out = Vec::new();
                datagram
                    .emit(view.source, view.destination, &mut out)
                    .expect("what was parsed fits");
                assert_eq!(UdpDatagram::parse(addresses, &out), Ok(datagram));
            }
        }
        protocol::ICMP | protocol::ICMPV6 => {
            let family = Family::of(view.source, view.destination);
            mend_checksum(&mut payload, |bytes| {
                IcmpMessage::parse(family, bytes).err()
            });
            if let Ok(message) = IcmpMessage::parse(family, &payload) {
                let mut out = Vec::new();
                message
                    .emit(family, &mut out)
                    .expect("what was parsed fits");
                assert_eq!(IcmpMessage::parse(family, &out), Ok(message));
            }
        }
        protocol::TCP => {
            if let Ok(header) = tcp::TcpHeader::parse(&payload) {
                assert!(header.header_length <= payload.len());
            }
        }
        _ => {}
    }
}

/// Writes the checksum that the parser computed, so that inputs get past it; it must then be content.
fn mend_checksum(bytes: &mut [u8], error: impl Fn(&[u8]) -> Option<WireError>) {
    if let Some(WireError {
        offset,
        reason: Reason::BadChecksum { computed, .. },
        ..
    }) = error(bytes)
    {
        bytes[offset..offset + 2].copy_from_slice(&computed.to_be_bytes());
        let after = error(bytes).map(|error| error.reason);
        assert!(
            !matches!(after, Some(Reason::BadChecksum { .. })),
            "{after:?}"
        );
    }
}

/// A whole IKEv1 datagram.
pub fn ikev1(data: &[u8]) {
    round_trip(data, V1Message::parse, |message, out| {
        out.extend(message.emit()?);
        Ok(())
    });
}
