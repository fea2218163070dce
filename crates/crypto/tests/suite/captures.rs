//! IKEv2 messages captured from other products, with the keys their owners published: suites that nothing else here
//! covers in a whole message (CCM with 12 octets of ICV, GCM with 8).

use adit_crypto::SkCipher;
use adit_wire::iana::{EncrId, IntegId, PrfId};
use serde_json::Value;

use crate::support::{Fields, hex, json_vectors, real, vectors_folder};

const SK: u8 = 46;

fn encr(name: &str) -> Option<(EncrId, Option<u16>)> {
    let bits = ["128", "192", "256"]
        .iter()
        .find(|bits| name.contains(**bits));
    let bits = bits.map(|bits| bits.parse().unwrap());
    let id = match name {
        _ if name.contains("CBC") => EncrId::ENCR_AES_CBC,
        _ if name.contains("CTR") => EncrId::ENCR_AES_CTR,
        _ if name.contains("CCM") && name.contains("12 octet") => EncrId::ENCR_AES_CCM_12,
        _ if name.contains("CCM") => EncrId::ENCR_AES_CCM_16,
        _ if name.contains("GCM") && name.contains(" 8 octet") => EncrId::ENCR_AES_GCM_8,
        _ if name.contains("GCM") => EncrId::ENCR_AES_GCM_16,
        _ => return None,
    };
    Some((id, bits))
}

fn integ(name: &str) -> Result<Option<IntegId>, ()> {
    match name.split(' ').next().unwrap() {
        "NONE" => Ok(None),
        "HMAC_SHA2_256_128" => Ok(Some(IntegId::AUTH_HMAC_SHA2_256_128)),
        "HMAC_SHA2_512_256" => Ok(Some(IntegId::AUTH_HMAC_SHA2_512_256)),
        _ => Err(()),
    }
}

/// Messages between the two SPIs whose first payload is SK, found by their header in the raw capture.
fn messages(capture: &[u8], spis: &[u8]) -> Vec<Vec<u8>> {
    let starts = capture
        .windows(16)
        .enumerate()
        .filter(|(_, window)| *window == spis);
    starts
        .map(|(at, _)| &capture[at..])
        .filter(|message| message.len() > 32 && message[16] == SK)
        .filter_map(|message| {
            let len = u32::from_be_bytes(message[24..28].try_into().unwrap());
            message
                .get(..usize::try_from(len).unwrap())
                .map(<[u8]>::to_vec)
        })
        .collect()
}

fn open(keys: &Value, capture: &[u8]) -> usize {
    let Some((id, bits)) = encr(keys.text("encr")) else {
        return 0;
    };
    let Ok(integ) = integ(keys.text("integ")) else {
        return 0;
    };
    let suite = real()
        .ike_suite(id, bits, integ, PrfId::PRF_HMAC_SHA2_256)
        .unwrap();
    let cipher = |e: &str, a: &str| {
        SkCipher::new(&suite.protection, &keys.octets(e), &keys.octets(a)).unwrap()
    };
    let (from_i, from_r) = (cipher("sk_ei", "sk_ai"), cipher("sk_er", "sk_ar"));
    let spis = hex(&format!("{}{}", keys.text("spi_i"), keys.text("spi_r")));
    let found = messages(capture, &spis);
    for message in &found {
        let from_initiator = message[19] & 0x08 != 0;
        let (right, wrong) = if from_initiator {
            (&from_i, &from_r)
        } else {
            (&from_r, &from_i)
        };
        let mut buffer = message.clone();
        let inner = right
            .open(&mut buffer, 32)
            .unwrap_or_else(|e| panic!("{e}: {keys}"));
        let (inner, mut next, mut at) = (&buffer[inner], message[28], 0);
        while next != 0 {
            let header = &inner[at..at + 4];
            next = header[0];
            at += usize::from(u16::from_be_bytes([header[2], header[3]]));
        }
        assert_eq!(at, inner.len(), "the inner payloads fill the plaintext");
        assert!(wrong.open(&mut message.clone(), 32).is_err());
    }
    found.len()
}

#[test]
fn published_keys_open_captured_messages() {
    let Some(file) = json_vectors("pcap/wireshark/keys_and_expected.json") else {
        return;
    };
    let captures: Vec<Vec<u8>> = std::fs::read_dir(vectors_folder().join("pcap/wireshark"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let mut suites = 0;
    for keys in file.list("ikev2_keys") {
        let opened: usize = captures.iter().map(|capture| open(keys, capture)).sum();
        println!(
            "{}, {}: {opened} messages",
            keys.text("encr"),
            keys.text("integ")
        );
        suites += usize::from(opened > 0);
    }
    assert_eq!(suites, 5);
}
