//! Targets for `adit-esp`: any bytes from the wire, any bytes inside the encryption, any bytes to be protected, any bytes
//! that a device hands over.

use std::time::Duration;

use adit_crypto::{EspCipher, provider};
use adit_esp::offload::{Coalescer, PacketHeader, Room, Segments, Whole};
use adit_esp::{DataPlane, is_between};
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::dataplane::{ChildSa, DataPlaneRequest, Path};
use adit_model::drops::DropReason;
use adit_model::identity::Identity;
use adit_model::life::{ChildLife, Life};
use adit_model::now::Mono;
use adit_model::proposal::{Encr, Suite};
use adit_model::secret::Secret;
use adit_model::selector::{ANY_V4, ANY_V6, Selector};
use adit_wire::iana::{EncrId, IntegId};
use adit_wire::ip::IpPacket;

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("esp_open", esp_open),
    ("ip_selector", ip_selector),
    ("offload", offload),
];

const SPI: u32 = 0xc000_0001;

/// A packet from the wire. The first byte chooses the cipher, and whether the rest is the packet behind its SPI or what
/// an authentic packet has inside.
pub fn esp_open(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let suite = suite(*choice);
    let selectors = [ANY_V4, ANY_V6];
    let plane = plane(suite, &selectors);
    let inside = choice & 0x80 == 0;
    let packet = if inside {
        sealed(suite, data)
    } else {
        [&SPI.to_be_bytes(), data].concat()
    };
    let mut opened_packet = packet.clone();
    match plane.open(Mono(1), &mut opened_packet) {
        Ok(opened) => {
            assert!(inside, "nobody forges a packet");
            assert_eq!(plane.drops().total(), 0);
            let inner = opened.inner.of(&opened_packet);
            let ip = IpPacket::parse(inner).expect("an inner packet is an IP packet");
            assert_eq!(ip.packet, inner, "and nothing more");
            assert!(is_between(&ip, &selectors, &selectors));
        }
        Err(rejected) => assert_eq!(plane.drops().of(rejected.reason), 1),
    }
    let again = plane.open(Mono(2), &mut packet.clone());
    let again = again.expect_err("the same packet twice").reason;
    if inside {
        assert_eq!(again, DropReason::EspReplay);
    }
}

/// A packet to be protected: what is no IP packet is refused, what is comes out on the other side as it went in.
pub fn ip_selector(data: &[u8]) {
    let suite = suite(0);
    let plane = plane(suite, &[ANY_V4, ANY_V6]);
    let mut packet = Vec::new();
    match (plane.seal(data, &mut packet), IpPacket::parse(data)) {
        (Ok(_), Ok(ip)) => {
            let opened = plane.open(Mono(1), &mut packet).expect("our own packet");
            assert_eq!(opened.inner.of(&packet), ip.packet);
            let whole = Selector::host(ip.source);
            let there = Selector::host(ip.destination);
            assert!(is_between(&ip, &[whole], &[there]));
            if let Some(ports) = ip.ports() {
                let exact = |port, host| Selector {
                    protocol: ip.protocol,
                    ports: (port, port),
                    ..host
                };
                let (from, to) = (exact(ports.source, whole), exact(ports.destination, there));
                assert!(is_between(&ip, &[from], &[to]));
            }
        }
        (Err(rejected), parsed) => {
            assert!(packet.is_empty());
            let expected = match parsed {
                Err(_) => DropReason::OutMalformed,
                // The largest packets have no room for protection.
                Ok(_) => DropReason::OutTooBig,
            };
            assert_eq!(rejected.reason, expected);
            assert_eq!(plane.drops().total(), 1);
        }
        (Ok(_), Err(error)) => panic!("sealed what is no IP packet: {error}"),
    }
}

fn suite(choice: u8) -> Suite {
    let (id, key_bits, integ) = match choice & 3 {
        0 => (EncrId::ENCR_AES_GCM_16, Some(128), None),
        1 => (EncrId::ENCR_CHACHA20_POLY1305, None, None),
        2 => (
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA2_256_128),
        ),
        _ => (EncrId::ENCR_NULL, None, Some(IntegId::AUTH_HMAC_SHA1_96)),
    };
    Suite {
        encr: Encr { id, key_bits },
        prf: None,
        integ,
        ke: None,
        addke: adit_model::proposal::NO_ADDITIONAL,
        esn: choice & 4 != 0,
    }
}

fn keymat(suite: Suite) -> Secret {
    let protection = provider::fake(1)
        .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
        .expect("a suite that exists");
    Secret::new(vec![0x5a; protection.keymat_len()])
}

/// A data plane whose one pair of SAs is its own other end.
fn plane(suite: Suite, selectors: &[Selector]) -> DataPlane {
    let at = |port| ([192, 0, 2, 1], port).into();
    let mut plane = DataPlane::new(provider::fake(1));
    plane.set_policy(&[std::sync::Arc::new(Connection {
        name: "net".into(),
        local: None,
        remote: Remote::Any,
        local_id: Identity::Fqdn("west.example".into()),
        remote_id: None,
        auth: Authentication::PSK,
        ike: Vec::new(),
        start: Start::Passive,
        children: vec![Child {
            name: "lan".into(),
            local_ts: selectors.to_vec(),
            remote_ts: selectors.to_vec(),
            esp: Vec::new(),
            mode: Mode::Tunnel,
            replay_window: 64,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::ZERO,
        retransmit: Retransmit::default(),
        window: 1,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        ppk: None,
        mobike: false,
        remote_port: 500,
        life: Life::default(),
    })]);
    let sa = ChildSa {
        connection: "net".into(),
        child: "lan".into(),
        spi_in: SPI,
        spi_out: SPI,
        suite,
        key_in: keymat(suite),
        key_out: keymat(suite),
        mode: Mode::Tunnel,
        ts_local: selectors.to_vec(),
        ts_remote: selectors.to_vec(),
        path: Path {
            local: at(4500),
            remote: at(4501),
            udp_encap: true,
        },
        replay_window: 64,
        carriage: adit_model::carriage::Carriage::default(),
        limits: adit_model::carriage::HardLimits::default(),
        replaces: None,
    };
    let installed = plane.apply(Mono(0), DataPlaneRequest::Install(Box::new(sa)));
    installed.expect("a pair that fits");
    plane
}

/// An authentic packet with `body` inside, cut to whole blocks.
fn sealed(suite: Suite, body: &[u8]) -> Vec<u8> {
    let protection = provider::fake(1)
        .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
        .expect("a suite that exists");
    let cipher = EspCipher::new(&protection, keymat(suite).expose()).expect("a key that fits");
    let shape = cipher.shape();
    let body = &body[..body.len() - body.len() % shape.block_len.max(1)];
    let mut packet = [SPI.to_be_bytes(), 1u32.to_be_bytes()].concat();
    packet.resize(packet.len() + shape.iv_len, 0);
    packet.extend(body);
    packet.resize(packet.len() + shape.icv_len, 0);
    let esn_high = suite.esn.then_some(0);
    cipher.seal(&mut packet, esn_high, 1).expect("whole blocks");
    packet
}

/// A packet as a TUN device hands it over, with its header: it is cut as the header says, the segments are put together
/// again, and cutting those gives the same segments, but for the identification of IPv4 packets that must not be fragmented.
pub fn offload(data: &[u8]) {
    let Some((header, packet)) = PacketHeader::split(data) else {
        return;
    };
    let Some(segments) = cut(&header, packet) else {
        return;
    };
    let slab = segments.concat();
    let mut again = Vec::new();
    let mut emit = |whole: Whole<'_>| {
        let mut octets = whole.head.to_vec();
        octets.extend(whole.parts.iter().flat_map(|part| part.of_slab(&slab)));
        let (header, packet) = PacketHeader::split(&octets).expect("it was given one");
        let pieces = cut(&header, packet).expect("what was put together can be cut");
        assert_eq!(pieces.len(), whole.segments);
        again.extend(pieces);
    };
    let mut coalescer = Coalescer::new(true);
    let mut at = 0;
    for segment in &segments {
        coalescer.push(&slab, at..at + segment.len(), 0, &mut emit);
        at += segment.len();
    }
    coalescer.finish(&mut emit);
    let mut plain = segments;
    for packet in plain.iter_mut().chain(&mut again) {
        forget_identification(packet);
    }
    assert_eq!(again, plain, "one flow stays in order");
}

fn cut(header: &PacketHeader, packet: &[u8]) -> Option<Vec<Vec<u8>>> {
    let segments = Segments::of(header, packet).ok()?;
    let mut room = Room::default();
    let all = (0..segments.count()).map(|n| segments.parts(n, &mut room).concat());
    Some(all.collect())
}

/// Identification and header checksum of an IPv4 packet with DF.
fn forget_identification(packet: &mut [u8]) {
    if packet.len() >= 20 && packet[0] >> 4 == 4 && packet[6] & 0x40 != 0 {
        packet[4..6].fill(0);
        packet[10..12].fill(0);
    }
}
