//! 430 ESP packets made by another implementation: every cipher with every integrity algorithm, tunnel and transport,
//! in UDP and bare, with and without extended sequence numbers.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // reads the shared vectors

#[path = "../../wire/tests/common/capture.rs"]
#[allow(dead_code)]
mod capture;
mod common;

use std::path::PathBuf;

use adit_crypto::{EspCipher, Protection, provider};
use adit_esp::DataPlane;
use adit_model::connection::Mode;
use adit_model::dataplane::{ChildSa, Path};
use adit_model::drops::DropReason;
use adit_model::proposal::{Encr, Suite};
use adit_model::secret::Secret;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6};
use adit_wire::iana::{EncrId, IntegId};
use adit_wire::ip::{IpPacket, protocol};
use common::*;
use serde_json::Value;

fn cases() -> Option<Vec<Value>> {
    let shared = std::env::var_os("ADIT_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("vectors/esp-oracle/esp_scapy.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!(
            "skipped: 430 ESP packets, as {} isn't there",
            path.display()
        );
        return None;
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    Some(document["cases"].as_array().unwrap().clone())
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

fn suite_of(case: &Value) -> Suite {
    let key = hex(&case["encr_key_with_salt"]).len();
    let bits = |salt: usize| Some((key - salt) as u16 * 8);
    let (id, key_bits) = match case["encr"].as_str().unwrap() {
        "AES-CBC" => (EncrId::ENCR_AES_CBC, bits(0)),
        "AES-CTR" => (EncrId::ENCR_AES_CTR, bits(4)),
        "3DES" => (EncrId::ENCR_3DES, None),
        "NULL" => (EncrId::ENCR_NULL, None),
        "AES-GCM" => (EncrId::ENCR_AES_GCM_16, bits(4)),
        "AES-CCM" => (EncrId::ENCR_AES_CCM_16, bits(3)),
        "AES-NULL-GMAC" => (EncrId::ENCR_NULL_AUTH_AES_GMAC, bits(4)),
        "CHACHA20-POLY1305" => (EncrId::ENCR_CHACHA20_POLY1305, None),
        other => panic!("{other}"),
    };
    let integ = match case["integ"].as_str().unwrap() {
        "NULL" => None,
        "HMAC-SHA1-96" => Some(IntegId::AUTH_HMAC_SHA1_96),
        "SHA2-256-128" => Some(IntegId::AUTH_HMAC_SHA2_256_128),
        "SHA2-384-192" => Some(IntegId::AUTH_HMAC_SHA2_384_192),
        "SHA2-512-256" => Some(IntegId::AUTH_HMAC_SHA2_512_256),
        "AES-CMAC-96" => Some(IntegId::AUTH_AES_CMAC_96),
        other => panic!("{other}"),
    };
    Suite {
        encr: Encr { id, key_bits },
        prf: None,
        integ,
        ke: None,
        addke: adit_model::proposal::NO_ADDITIONAL,
        esn: case["esn"].as_bool().unwrap(),
    }
}

fn keymat(case: &Value) -> Vec<u8> {
    [hex(&case["encr_key_with_salt"]), hex(&case["integ_key"])].concat()
}

/// The ESP packet without outer IP header, and without UDP header where there is one.
fn esp_of(case: &Value) -> Vec<u8> {
    let wire = hex(&case["wire_packet"]);
    let outer = IpPacket::parse(&wire).unwrap();
    let payload = outer.payload();
    match outer.protocol {
        protocol::ESP => payload.to_vec(),
        protocol::UDP => payload[8..].to_vec(),
        other => panic!("protocol {other}"),
    }
}

/// What was protected, and the next header that says so.
fn protected(case: &Value) -> (Vec<u8>, u8) {
    let inner = hex(&case["inner_packet"]);
    let packet = IpPacket::parse(&inner).unwrap();
    if case["mode"].as_str().unwrap().starts_with("transport") {
        (packet.payload().to_vec(), packet.protocol)
    } else if packet.source.is_ipv4() {
        (inner, NEXT_HEADER_IPV4)
    } else {
        (inner, NEXT_HEADER_IPV6)
    }
}

#[test]
fn the_cipher_opens_every_packet_and_makes_the_same_again() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.len(), 430);
    for (n, case) in cases.iter().enumerate() {
        let suite = suite_of(case);
        let protection: Protection = provider::aws_lc()
            .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
            .unwrap();
        let cipher = EspCipher::new(&protection, &keymat(case)).unwrap();
        let esn_high = suite.esn.then(|| case["seq_hi"].as_u64().unwrap() as u32);
        let sealed = esp_of(case);

        let mut packet = sealed.clone();
        let body = cipher.open(&mut packet, esn_high).unwrap();
        let (payload, trailer) = EspTrailer::split(&packet[body.clone()]).unwrap();
        let (expected, next_header) = protected(case);
        assert_eq!(payload, expected, "case {n}: {suite}");
        assert_eq!(trailer.next_header, next_header, "case {n}");
        assert_eq!(
            trailer,
            EspTrailer::for_payload(payload.len(), cipher.shape().block_len, next_header),
            "case {n}: we'd pad alike"
        );

        packet[body.end..].fill(0);
        cipher
            .dangerous_seal_with_iv(&mut packet, esn_high)
            .unwrap();
        assert_eq!(packet, sealed, "case {n}: {suite}");

        if suite.esn {
            let mut other = sealed.clone();
            assert!(cipher.open(&mut other, Some(6)).is_err(), "case {n}");
            assert!(cipher.open(&mut sealed.clone(), None).is_err(), "case {n}");
        }
    }
}

/// An ESP packet around nothing but its key: it moves the window on.
fn at(cipher: &EspCipher, spi: u32, sequence: u64, inner: &[u8], next_header: u8) -> Vec<u8> {
    let shape = cipher.shape();
    let mut packet = Vec::new();
    EspHeader {
        spi,
        sequence: sequence as u32,
    }
    .emit(&mut packet);
    packet.resize(packet.len() + shape.iv_len, 0);
    packet.extend_from_slice(inner);
    EspTrailer::for_payload(inner.len(), shape.block_len, next_header).emit(&mut packet);
    packet.resize(packet.len() + shape.icv_len, 0);
    let high = Some((sequence >> 32) as u32);
    cipher.seal(&mut packet, high, sequence).unwrap();
    packet
}

/// All of them, in every mode, and those whose extended sequence numbers have wrapped five times as well: an SA gets there
/// by packets of its own, as any does.
#[test]
fn the_data_plane_opens_every_packet() {
    let Some(cases) = cases() else { return };
    let mut opened = std::collections::BTreeMap::new();
    for (n, case) in cases.iter().enumerate() {
        let suite = suite_of(case);
        let wire = hex(&case["wire_packet"]);
        let outer = IpPacket::parse(&wire).unwrap();
        let mode = case["mode"].as_str().unwrap();
        let transport = mode.starts_with("transport");
        let spi = u32::from_str_radix(case["spi"].as_str().unwrap(), 16).unwrap();
        let mut plane = DataPlane::new(provider::aws_lc());
        let everything = selectors(&["0.0.0.0/0", "::/0"]);
        install(
            &mut plane,
            ChildSa {
                spi_in: spi,
                key_in: Secret::new(keymat(case)),
                key_out: Secret::new(keymat(case)),
                mode: if transport {
                    Mode::Transport
                } else {
                    Mode::Tunnel
                },
                ts_local: everything.clone(),
                ts_remote: everything,
                path: Path {
                    local: (outer.destination, 4500).into(),
                    remote: (outer.source, 4500).into(),
                    udp_encap: false,
                },
                ..west_sa(suite, SPI_WEST, SPI_EAST)
            },
        );
        let inner = hex(&case["inner_packet"]);
        if suite.esn {
            let protection: Protection = provider::aws_lc()
                .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
                .unwrap();
            let cipher = EspCipher::new(&protection, &keymat(case)).unwrap();
            let low = case["seq_lo"].as_u64().unwrap();
            let high = case["seq_hi"].as_u64().unwrap();
            let halves = (0..high).flat_map(|h| [h << 32 | 0x4000_0000, h << 32 | 0xc000_0000]);
            let (payload, next_header) = protected(case);
            for sequence in halves.chain([high << 32 | (low - 1)]) {
                let step = at(&cipher, spi, sequence, &payload, next_header);
                assert!(open(&plane, &step).is_ok(), "case {n}, number {sequence:x}");
            }
        }
        let found = open(&plane, &esp_of(case)).unwrap_or_else(|why| panic!("case {n}: {why}"));
        if transport {
            // The header travels outside, and is put together again.
            let (found, inner) = (
                IpPacket::parse(&found).unwrap(),
                IpPacket::parse(&inner).unwrap(),
            );
            assert_eq!(found.payload(), inner.payload(), "case {n}");
            let ends = |p: &IpPacket<'_>| (p.source, p.destination, p.protocol);
            assert_eq!(ends(&found), ends(&inner), "case {n}");
        } else {
            assert_eq!(found, inner, "case {n}");
        }
        assert_eq!(
            open(&plane, &esp_of(case)),
            Err(DropReason::EspReplay),
            "case {n}"
        );
        *opened.entry((mode.to_owned(), suite.esn)).or_insert(0) += 1;
    }
    assert_eq!(opened.len(), 10, "{opened:?}");
    assert!(opened.values().all(|packets| *packets == 43), "{opened:?}");
}

/// The captures of others for which keys are known. One has keys for the integrity too; the rest has none, and what can't
/// be authenticated isn't opened.
#[test]
fn captures_with_keys_are_opened_or_refused_for_a_reason() {
    let Some(folder) = capture::shared().map(|shared| shared.join("vectors/pcap")) else {
        println!("skipped: ESP in captures with keys, as there is no shared folder (ADIT_SHARED)");
        return;
    };
    let json = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(path)).unwrap()).unwrap()
    };
    let octets = |value: &Value| {
        let text = value.as_str().unwrap().trim_start_matches("0x").to_owned();
        hex(&Value::String(text))
    };
    let mut plane = DataPlane::new(provider::aws_lc());
    let everything = selectors(&["0.0.0.0/0", "::/0"]);
    for key in json("wireshark/keys_and_expected.json")["esp_keys"]
        .as_array()
        .unwrap()
    {
        assert_eq!(key["encr"], "AES-CBC [RFC3602]");
        assert_eq!(key["auth"], "HMAC-SHA-1-96 [RFC2404]");
        let keymat = [octets(&key["encr_key"]), octets(&key["auth_key"])].concat();
        let spi = u32::from_be_bytes(octets(&key["spi"]).try_into().unwrap());
        let suite = Suite {
            encr: Encr {
                id: EncrId::ENCR_AES_CBC,
                key_bits: Some(128),
            },
            integ: Some(IntegId::AUTH_HMAC_SHA1_96),
            ..suite("aes128-sha256")
        };
        install(
            &mut plane,
            ChildSa {
                spi_in: spi,
                key_in: Secret::new(keymat.clone()),
                key_out: Secret::new(keymat),
                ts_local: everything.clone(),
                ts_remote: everything.clone(),
                ..west_sa(suite, SPI_WEST, SPI_EAST)
            },
        );
    }
    let esp = |name: &str| -> Vec<Vec<u8>> {
        let packets = capture::ip_packets(&std::fs::read(folder.join(name)).unwrap());
        let packets = packets.iter().filter_map(|p| IpPacket::parse(p).ok());
        packets
            .filter_map(|p| match p.protocol {
                protocol::ESP => Some(p.payload().to_vec()),
                protocol::UDP => p.payload().get(8..).map(<[u8]>::to_vec),
                _ => None,
            })
            .collect()
    };
    let packets = esp("wireshark/esp-bug-12671.pcapng");
    let opened = packets.iter().filter(|p| open(&plane, p).is_ok()).count();
    let unknown = plane.drops().of(DropReason::EspUnknownSpi);
    assert!(opened > 0, "{:?}", plane.drops());
    assert_eq!(opened as u64 + plane.drops().total(), packets.len() as u64);
    assert_eq!(plane.drops().total(), unknown, "{:?}", plane.drops());

    let mut without_integrity = 0;
    for key in json("tcpdump/keys.json")["esp_keys"].as_array().unwrap() {
        let (encr, bits) = match key["alg"].as_str().unwrap() {
            "3des-cbc-hmac96" => (EncrId::ENCR_3DES, None),
            "aes256-cbc-hmac96" => (EncrId::ENCR_AES_CBC, Some(256)),
            other => panic!("{other}"),
        };
        let refused = provider::aws_lc().protection(encr, bits, None);
        assert!(
            refused.is_err(),
            "no key for the integrity: nothing to be installed"
        );
        without_integrity += esp(&format!("tcpdump/{}", key["pcap"].as_str().unwrap())).len();
    }
    println!(
        "{opened} opened, {unknown} of other SPIs; {without_integrity} aren't opened: no key for their integrity is known"
    );
    assert!(without_integrity > 0);
}
