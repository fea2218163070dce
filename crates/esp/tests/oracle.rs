//! 430 ESP packets made by another implementation: every cipher with every integrity algorithm, tunnel and transport,
//! in UDP and bare, with and without extended sequence numbers.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // reads the shared vectors

mod common;

use std::path::PathBuf;

use adit_crypto::{EspCipher, Protection, provider};
use adit_esp::DataPlane;
use adit_model::dataplane::ChildSa;
use adit_model::proposal::{Encr, Suite};
use adit_model::secret::Secret;
use adit_wire::esp::{EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6};
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

#[test]
fn the_data_plane_opens_every_tunnel_packet() {
    let Some(cases) = cases() else { return };
    let mut opened = 0;
    for case in &cases {
        let suite = suite_of(case);
        // A new SA can't be at 5 * 2^32 packets already; those cases are the cipher's alone.
        if suite.esn || case["mode"].as_str().unwrap().starts_with("transport") {
            continue;
        }
        let mut plane = DataPlane::new(provider::aws_lc());
        let everything = selectors(&["0.0.0.0/0", "::/0"]);
        install(
            &mut plane,
            ChildSa {
                spi_in: u32::from_str_radix(case["spi"].as_str().unwrap(), 16).unwrap(),
                key_in: Secret::new(keymat(case)),
                key_out: Secret::new(keymat(case)),
                ts_local: everything.clone(),
                ts_remote: everything,
                ..west_sa(suite, SPI_WEST, SPI_EAST)
            },
        );
        assert_eq!(open(&plane, &esp_of(case)), Ok(hex(&case["inner_packet"])));
        opened += 1;
    }
    assert_eq!(opened, 86 * 3 / 2);
}
