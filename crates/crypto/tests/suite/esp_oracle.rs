//! 430 ESP packets made by an independent implementation: every cipher, with and without extended sequence numbers.

use adit_crypto::{EspCipher, OpenError};
use adit_wire::iana::{EncrId, IntegId};

use crate::support::{Fields, json_vectors, real};

fn encr(name: &str, key_len: usize) -> (EncrId, Option<u16>) {
    let bits = |salt: usize| u16::try_from((key_len - salt) * 8).ok();
    match name {
        "NULL" => (EncrId::ENCR_NULL, None),
        "3DES" => (EncrId::ENCR_3DES, None),
        "AES-CBC" => (EncrId::ENCR_AES_CBC, bits(0)),
        "AES-CTR" => (EncrId::ENCR_AES_CTR, bits(4)),
        "AES-GCM" => (EncrId::ENCR_AES_GCM_16, bits(4)),
        "AES-CCM" => (EncrId::ENCR_AES_CCM_16, bits(3)),
        "AES-NULL-GMAC" => (EncrId::ENCR_NULL_AUTH_AES_GMAC, bits(4)),
        "CHACHA20-POLY1305" => (EncrId::ENCR_CHACHA20_POLY1305, None),
        other => panic!("unknown cipher {other}"),
    }
}

fn integ(name: &str) -> Option<IntegId> {
    match name {
        "NULL" => None,
        "HMAC-SHA1-96" => Some(IntegId::AUTH_HMAC_SHA1_96),
        "SHA2-256-128" => Some(IntegId::AUTH_HMAC_SHA2_256_128),
        "SHA2-384-192" => Some(IntegId::AUTH_HMAC_SHA2_384_192),
        "SHA2-512-256" => Some(IntegId::AUTH_HMAC_SHA2_512_256),
        "AES-CMAC-96" => Some(IntegId::AUTH_AES_CMAC_96),
        other => panic!("unknown integrity algorithm {other}"),
    }
}

#[test]
fn packets_open_and_seal_back() {
    let Some(file) = json_vectors("esp-oracle/esp_scapy.json") else {
        return;
    };
    let mut passed = 0;
    for case in file.list("cases") {
        let (encr_key, integ_key) = (case.octets("encr_key_with_salt"), case.octets("integ_key"));
        let (id, bits) = encr(case.text("encr"), encr_key.len());
        let protection = real()
            .protection(id, bits, integ(case.text("integ")))
            .unwrap();
        let cipher = EspCipher::new(&protection, &[encr_key, integ_key].concat()).unwrap();
        let esn = case["esn"].as_bool().unwrap();
        let high = esn.then(|| u32::try_from(case.number("seq_hi")).unwrap());

        let wire = case.octets("wire_packet");
        let header = [case.octets("spi"), case.octets("iv")];
        let at = wire.windows(4).position(|w| w == header[0]).unwrap();
        let packet = &wire[at..];
        assert_eq!(
            packet[8..8 + header[1].len()],
            header[1],
            "the IV follows the header"
        );

        let mut buffer = packet.to_vec();
        let inside = cipher
            .open(&mut buffer, high)
            .unwrap_or_else(|e| panic!("{e}: {case}"));
        let payload = &case.octets("inner_packet");
        if case.text("mode").starts_with("tunnel") {
            assert_eq!(
                buffer[inside.start..inside.start + payload.len()],
                payload[..]
            );
        }

        cipher.dangerous_seal_with_iv(&mut buffer, high).unwrap();
        assert_eq!(buffer, packet, "sealing gives the same packet");

        let mut other = packet.to_vec();
        assert_eq!(
            cipher.open(&mut other, Some(high.unwrap_or(0) + 1)),
            Err(OpenError::BadIcv),
            "another high half of the sequence number"
        );
        passed += 1;
    }
    println!("ESP packets of an independent implementation: {passed}/430");
    assert_eq!(passed, 430);
}
