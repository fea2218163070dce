//! Replays the committed fuzz corpora through the functions that the fuzz targets run.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;
#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/wire.rs"]
mod targets;

use replay::corpus;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}

/// `cargo test -p adit-wire --test corpus -- --ignored` writes the seeds anew, from the messages of these tests.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_seeds() {
    use adit_wire::iana::PayloadType;
    use adit_wire::icmp::{Echo, Family, IcmpMessage};
    use adit_wire::udp::UdpDatagram;
    use adit_wire::{esp, ip, udp_encap, v2::PayloadList};

    let save = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpus(target)).unwrap();
        std::fs::write(corpus(target).join(name), bytes).unwrap();
    };
    let datagrams = common::datagrams();
    for (number, datagram) in datagrams.iter().enumerate() {
        save("ike_header", &format!("message-{number}"), &datagram[..28]);
        save("ike_message", &format!("message-{number}"), datagram);
        save(
            "esp_udp_encap",
            &format!("ike-{number}"),
            &udp_encap::mark_ike(datagram)[..64.min(datagram.len())],
        );
    }
    for (target, capture) in [
        ("ike_message", "ok-ikev2-psk"),
        ("ike_message", "ok-ikev2-ecdsa"),
        ("ikev1", "ok-ikev1-main"),
    ] {
        let path = common::capture::shared()
            .map(|shared| shared.join("lab/faults").join(capture).join("wire.pcap"));
        let Some(file) = path.and_then(|path| std::fs::read(path).ok()) else {
            println!("skipped: seeds from the recording {capture}, no shared folder");
            continue;
        };
        for (number, (datagram, _)) in common::capture::ike_datagrams(&file)
            .iter()
            .take(4)
            .enumerate()
        {
            save(target, &format!("{capture}-{number}"), datagram);
        }
    }
    save("ikev1", "offer", &common::v1_offer().emit().unwrap());
    save("ikev1", "refusal", &common::v1_refusal().emit().unwrap());

    let lists = [
        common::sa_init_request(),
        common::sa_init_response(),
        common::auth_request(),
        common::rekey_child_request(),
        common::informational(),
    ];
    for (number, payload) in lists.iter().flat_map(PayloadList::iter).enumerate() {
        let mut body = Vec::new();
        payload.emit_body(&mut body).unwrap();
        let (target, choice) = match payload.kind() {
            PayloadType::SA => ("sa", None),
            PayloadType::TS_I | PayloadType::TS_R => ("ts", None),
            PayloadType::NOTIFY => ("notify_delete", Some(0)),
            PayloadType::DELETE => ("notify_delete", Some(1)),
            PayloadType::NONCE => ("notify_delete", Some(2)),
            PayloadType::KE => ("notify_delete", Some(3)),
            PayloadType::ID_I | PayloadType::ID_R => ("notify_delete", Some(4)),
            PayloadType::AUTH => ("notify_delete", Some(5)),
            PayloadType::CP => ("cp_eap_cert", Some(0)),
            PayloadType::EAP => ("cp_eap_cert", Some(1)),
            PayloadType::CERT => ("cp_eap_cert", Some(2)),
            PayloadType::CERTREQ => ("cp_eap_cert", Some(3)),
            _ => continue,
        };
        let input: Vec<u8> = choice.into_iter().chain(body).collect();
        save(target, &format!("payload-{number}"), &input);
    }
    for (number, list) in lists.iter().enumerate() {
        let mut chain = vec![0];
        chain[0] = list.emit(&mut chain).unwrap().0;
        save("cp_eap_cert", &format!("chain-{number}"), &chain);
    }

    save("esp_udp_encap", "keepalive", &udp_encap::NAT_KEEPALIVE);
    let mut inner = Vec::new();
    for (number, (source, destination)) in
        [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")]
            .into_iter()
            .enumerate()
    {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        let family = Family::of(source, destination);
        let echo = IcmpMessage::EchoRequest(Echo {
            identifier: 1,
            sequence: 2,
            data: b"adit".to_vec(),
        });
        let mut ping = Vec::new();
        echo.emit(family, &mut ping).unwrap();
        let mut udp = Vec::new();
        UdpDatagram {
            source_port: 500,
            destination_port: 500,
            payload: b"odd",
        }
        .emit(source, destination, &mut udp)
        .unwrap();
        let tcp = [
            1, 187, 128, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0x60, 2, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 180,
        ];
        for (name, protocol, payload) in [
            ("ping", family.protocol(), ping),
            ("udp", ip::protocol::UDP, udp),
            ("tcp", ip::protocol::TCP, tcp.to_vec()),
        ] {
            inner.clear();
            ip::emit_packet(source, destination, protocol, &payload, &mut inner).unwrap();
            save("ip", &format!("{name}-{number}"), &inner);
        }
    }
    let chain = [
        60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 7, 0, 53, 0, 53, 0,
        8, 0, 0,
    ];
    let mut extended = Vec::new();
    let (source, destination) = (
        "2001:db8::1".parse().unwrap(),
        "2001:db8::2".parse().unwrap(),
    );
    ip::emit_packet(
        source,
        destination,
        ip::protocol::HOP_BY_HOP,
        &chain,
        &mut extended,
    )
    .unwrap();
    save("ip", "extended", &extended);

    let mut packet = Vec::new();
    esp::EspHeader {
        spi: 0xc0de_0001,
        sequence: 1,
    }
    .emit(&mut packet);
    packet.extend_from_slice(&inner);
    esp::EspTrailer::for_payload(inner.len(), 16, esp::NEXT_HEADER_IPV6).emit(&mut packet);
    save("esp_udp_encap", "esp", &packet);
}
