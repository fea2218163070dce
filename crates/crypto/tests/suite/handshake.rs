//! A whole recorded IKEv2 connection, from the Diffie-Hellman secret to the last ESP packet.

use adit_crypto::{
    ChildKeys, EspCipher, IkeKeyInputs, IkeKeys, IkeSuite, SkCipher, auth, constant_time_eq,
};
use adit_wire::iana::{EncrId, IntegId, PrfId};
use serde_json::Value;

use crate::support::{Fields, json_vectors, real, secret};

const SK: u8 = 46;

fn recording() -> Value {
    serde_json::from_str(include_str!("../fixtures/ikev2-psk-handshake.json")).unwrap()
}

fn suite() -> IkeSuite {
    real()
        .ike_suite(
            EncrId::ENCR_AES_GCM_16,
            Some(128),
            None,
            PrfId::PRF_HMAC_SHA2_256,
        )
        .unwrap()
}

fn derive(recording: &Value) -> IkeKeys {
    let shared = secret(&recording.octets("shared"));
    IkeKeys::derive(
        &suite(),
        &IkeKeyInputs {
            ni: &recording.octets("ni"),
            nr: &recording.octets("nr"),
            shared: &shared,
            spi_i: recording.octets("spi_i").try_into().unwrap(),
            spi_r: recording.octets("spi_r").try_into().unwrap(),
        },
    )
}

/// Offsets of the generic headers of a message's payloads, with their types, up to and including SK.
fn payloads(message: &[u8]) -> Vec<(u8, usize)> {
    chain(message, message[16], 28)
}

fn chain(octets: &[u8], mut next: u8, mut at: usize) -> Vec<(u8, usize)> {
    let mut out = Vec::new();
    while next != 0 && at < octets.len() {
        out.push((next, at));
        if next == SK {
            break;
        }
        next = octets[at];
        at += usize::from(u16::from_be_bytes([octets[at + 2], octets[at + 3]]));
    }
    out
}

fn body(octets: &[u8], at: usize) -> &[u8] {
    let len = usize::from(u16::from_be_bytes([octets[at + 2], octets[at + 3]]));
    &octets[at + 4..at + len]
}

#[test]
fn keys_follow_from_the_shared_secret() {
    let recording = recording();
    let keys = derive(&recording);
    assert_eq!(keys.sk_d.expose(), recording.octets("sk_d"));
    assert_eq!(keys.sk_ai.expose(), recording.octets("sk_ai"));
    assert_eq!(keys.sk_ar.expose(), recording.octets("sk_ar"));
    assert_eq!(keys.sk_ei.expose(), recording.octets("sk_ei"));
    assert_eq!(keys.sk_er.expose(), recording.octets("sk_er"));
    assert_eq!(keys.sk_pi.expose(), recording.octets("sk_pi"));
    assert_eq!(keys.sk_pr.expose(), recording.octets("sk_pr"));
}

#[test]
fn every_encrypted_message_opens_and_seals_back_to_the_same_octets() {
    let recording = recording();
    let keys = derive(&recording);
    let from_initiator = SkCipher::new(&suite().protection, keys.sk_ei.expose(), &[]).unwrap();
    let from_responder = SkCipher::new(&suite().protection, keys.sk_er.expose(), &[]).unwrap();
    let mut opened = 0;
    for message in &recording.list("messages")[2..] {
        let wire = message.octets("octets");
        let (right, wrong) = match message.text("from") {
            "initiator" => (&from_initiator, &from_responder),
            _ => (&from_responder, &from_initiator),
        };
        let &(kind, at) = payloads(&wire).last().unwrap();
        assert_eq!(kind, SK);

        let mut buffer = wire.clone();
        let inner = right.open(&mut buffer, at + 4).unwrap();
        let plain = buffer[inner].to_vec();
        let mut again = wire[..at + 4].to_vec();
        right
            .dangerous_seal_with_iv(&mut again, at, &plain, &wire[at + 4..at + 12])
            .unwrap();
        assert_eq!(again, wire, "{}", message.text("name"));

        assert!(
            wrong.open(&mut wire.clone(), at + 4).is_err(),
            "the other direction's key"
        );
        opened += 1;
    }
    assert_eq!(opened, 8);
}

#[test]
fn both_auth_payloads_hold() {
    let recording = recording();
    let keys = derive(&recording);
    let prf = suite().prf;
    let psk = secret(&recording.octets("psk"));
    let messages = recording.list("messages");
    for (side, message, nonce, sk_p, sk_e, auth_message) in [
        ("i", 0, "nr", &keys.sk_pi, &keys.sk_ei, 2),
        ("r", 1, "ni", &keys.sk_pr, &keys.sk_er, 3),
    ] {
        let id = recording.octets(&format!("id_{side}"));
        let first = messages[message].octets("octets");
        let octets = auth::auth_octets(&first, &recording.octets(nonce), prf, sk_p, &id);
        assert_eq!(octets, recording.octets(&format!("auth_octets_{side}")));
        let value = auth::psk_auth(prf, &psk, &octets);
        assert_eq!(value, recording.octets(&format!("auth_{side}")));

        // And that value is what travelled: the AUTH payload (39), method 2, inside the SK payload.
        let mut wire = messages[auth_message].octets("octets");
        let &(_, at) = payloads(&wire).last().unwrap();
        let cipher = SkCipher::new(&suite().protection, sk_e.expose(), &[]).unwrap();
        let first_inner = wire[at];
        let inner = cipher.open(&mut wire, at + 4).unwrap();
        let inner = &wire[inner];
        let &(_, auth_at) = chain(inner, first_inner, 0)
            .iter()
            .find(|(kind, _)| *kind == 39)
            .unwrap();
        assert_eq!(body(inner, auth_at)[0], 2);
        assert!(constant_time_eq(&body(inner, auth_at)[4..], &value));
        assert!(!constant_time_eq(
            &body(inner, auth_at)[4..],
            &auth::psk_auth(prf, &secret(b"another key"), &octets)
        ));
    }
}

#[test]
fn child_keys_follow_and_open_every_esp_packet() {
    let recording = recording();
    let keys = derive(&recording);
    let protection = real()
        .protection(EncrId::ENCR_AES_GCM_16, Some(128), Some(IntegId::NONE))
        .unwrap();
    let mut opened = 0;
    for child in recording.list("children") {
        let shared = child.octets("shared");
        let shared = (!shared.is_empty()).then(|| secret(&shared));
        let (ni, nr) = (child.octets("ni"), child.octets("nr"));
        let derived = ChildKeys::derive(
            &protection,
            suite().prf,
            &keys.sk_d,
            shared.as_ref(),
            &ni,
            &nr,
            &[],
        );
        assert_eq!(derived.initiator.expose(), child.octets("initiator_key"));
        assert_eq!(derived.responder.expose(), child.octets("responder_key"));

        for (spi, key) in [
            ("initiator_to_responder_spi", &derived.initiator),
            ("responder_to_initiator_spi", &derived.responder),
        ] {
            let cipher = EspCipher::new(&protection, key.expose()).unwrap();
            let spi = child.octets(spi);
            let packets = recording
                .list("esp")
                .iter()
                .map(|packet| packet.octets("octets"));
            for mut packet in packets.filter(|packet| packet.starts_with(&spi)) {
                let inside = cipher.open(&mut packet, None).unwrap();
                let inside = &packet[inside];
                assert_eq!(inside[0] >> 4, 4, "an IPv4 packet");
                assert_eq!(inside[9], 1, "carrying ICMP");
                assert_eq!(inside[inside.len() - 1], 4, "next header says IPv4");
                opened += 1;
            }
        }
    }
    assert_eq!(opened, recording.list("esp").len());
    assert_eq!(opened, 8);
}

/// Another implementation's handshake, with AES-CBC and HMAC. Its SK_* are constants of a test harness, so only
/// what comes after them can be checked.
#[test]
fn openswan_handshake_with_cbc_and_hmac() {
    let Some(file) = json_vectors("rfc-examples/ikev2_handshake_openswan.json") else {
        return;
    };
    let suite = real()
        .ike_suite(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA2_256_128),
            PrfId::PRF_HMAC_SHA2_256,
        )
        .unwrap();
    let sk = |name: &str| file["sk"].octets(name);
    for (message, e, a, expected) in [
        ("I2", sk("ei"), sk("ai"), "I2_payloads"),
        ("R2", sk("er"), sk("ar"), "R2_payloads"),
    ] {
        let wire = file["messages"].octets(message);
        let cipher = SkCipher::new(&suite.protection, &e, &a).unwrap();
        let mut buffer = wire.clone();
        let &(kind, at) = payloads(&wire).last().unwrap();
        assert_eq!(kind, SK);
        let inner = cipher.open(&mut buffer, at + 4).unwrap();
        let inner = &buffer[inner];
        let found: Vec<_> = chain(inner, wire[at], 0)
            .into_iter()
            .map(|(kind, at)| (u64::from(kind), body(inner, at).to_vec()))
            .collect();
        let wanted: Vec<_> = file
            .list(expected)
            .iter()
            .map(|p| (p.number("type"), p.octets("body")))
            .collect();
        assert_eq!(found, wanted, "{message}");

        let mut forged = wire.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert!(cipher.open(&mut forged, at + 4).is_err());
    }
    let child = real()
        .protection(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA1_96),
        )
        .unwrap();
    let (ni, nr, sk_d) = (file.octets("ni"), file.octets("nr"), secret(&sk("d")));
    let keys = ChildKeys::derive(&child, suite.prf, &sk_d, None, &ni, &nr, &[]);
    let prefix = file.octets("child_keymat_prefix");
    let both = [keys.initiator.expose(), keys.responder.expose()].concat();
    let overlap = prefix.len().min(both.len());
    assert_eq!(both[..overlap], prefix[..overlap]);
}
