//! The whole ESP packets printed in RFCs.

#![allow(clippy::unwrap_used)]

mod common;

use adit_crypto::{EspCipher, provider};
use adit_esp::DataPlane;
use adit_model::dataplane::ChildSa;
use adit_model::secret::Secret;
use adit_wire::esp::{EspTrailer, NEXT_HEADER_IPV4};
use adit_wire::iana::{EncrId, IntegId};
use common::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
        .collect()
}

const RFC7634_INNER: &str = "
    45000054 a6f20000 4001e778 c6336405 c0000205 08005b7a 3a080000 553bec10
    00073627 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 20212223
    24252627 28292a2b 2c2d2e2f 30313233 34353637";

const RFC7634_ESP: &str = "
    01020304 00000005 10111213 14151617
    24039428 b97f417e 3c13753a 4f05087b 67c352e6 a7fab1b9 82d466ef 407ae5c6
    14ee8099 d52844eb 61aa95df ab4c02f7 2aa71e7c 4c4f64c9 befe2fac c638e8f3
    cbec163f ac469b50 2773f6fb 94e664da 9165b828 29f641e0
    76aaa826 6b7fb0f7 b11b3699 07e1ad43";

/// RFC 7634 appendix A: tunnel mode, ChaCha20-Poly1305.
#[test]
fn rfc_7634_packet_is_opened_and_made() {
    let key: Vec<u8> = (0x80..=0xa3).collect();
    let mut plane = DataPlane::new(provider::aws_lc());
    install(
        &mut plane,
        ChildSa {
            key_in: Secret::new(key.clone()),
            ts_local: selectors(&["192.0.2.0/24"]),
            ts_remote: selectors(&["198.51.100.0/24"]),
            ..west_sa(suite("chacha20poly1305"), 0x0102_0304, SPI_EAST)
        },
    );
    assert_eq!(open(&plane, &hex(RFC7634_ESP)), Ok(hex(RFC7634_INNER)));

    let protection = provider::aws_lc()
        .protection(EncrId::ENCR_CHACHA20_POLY1305, None, None)
        .unwrap();
    let cipher = EspCipher::new(&protection, &key).unwrap();
    let mut packet = hex("01020304 00000005 10111213 14151617");
    packet.extend(hex(RFC7634_INNER));
    EspTrailer::for_payload(84, 1, NEXT_HEADER_IPV4).emit(&mut packet);
    packet.extend([0; 16]);
    cipher.dangerous_seal_with_iv(&mut packet, None).unwrap();
    assert_eq!(packet, hex(RFC7634_ESP));
}

struct Rfc3602 {
    key: &'static str,
    header_and_iv: &'static str,
    payload: &'static str,
    next_header: u8,
    ciphertext: &'static str,
}

/// RFC 3602 4, cases 5 to 8, without the outer IP header. They have no ICV, which no SA of ours may do without, so
/// one is added here.
const RFC3602: [Rfc3602; 4] = [
    Rfc3602 {
        key: "90d382b4 10eeba7a d938c46c ec1a82bf",
        header_and_iv: "00004321 00000001 e96e8c08 ab465763 fd098d45 dd3ff893",
        payload: "08000ebd a70a0000 8e9c083d b95b0700 08090a0b 0c0d0e0f 10111213 14151617 \
            18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637",
        next_header: 1,
        ciphertext: "f663c25d 325c18c6 a9453e19 4e120849 a4870b66 cc6b9965 330013b4 898dc856 \
            a4699e52 3a55db08 0b59ec3a 8e4b7e52 775b07d1 db34ed9c 538ab50c 551b874a \
            a269add0 47ad2d59 13ac19b7 cfbad4a6",
    },
    Rfc3602 {
        key: "90d382b4 10eeba7a d938c46c ec1a82bf",
        header_and_iv: "00004321 00000008 69d08df7 d203329d b093fc49 24e5bd80",
        payload: "0800b5e8 a80a0500 a69c083d 0b660e00 77777777 77777777 77777777",
        next_header: 1,
        ciphertext: "f5199588 1ec4e0c4 488987ce 742e8109 689bb379 d2d750c0 d915dca3 46a89f75",
    },
    Rfc3602 {
        key: "01234567 89abcdef 01234567 89abcdef",
        header_and_iv: "00008765 00000002 f4e76524 4f6407ad f13dc138 0f673f37",
        payload: "45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d \
            02a20400 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 20212223 \
            24252627 28292a2b 2c2d2e2f 30313233 34353637",
        next_header: 4,
        ciphertext: "773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8 \
            e4ecaec7 8ac53aad 7a0f022b 859243c6 47752e94 a859352b 8a4d4d2d ecd136e5 \
            c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d",
    },
    Rfc3602 {
        key: "01234567 89abcdef 01234567 89abcdef",
        header_and_iv: "00008765 00000005 85d47224 b5f3dd5d 2101d4ea 8dffab22",
        payload: "45000044 090c0000 4001f990 c0a87b03 c0a87bc8 0800d63c aa0a0200 c69c083d \
            a3de0300 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff \
            ffffffff",
        next_header: 4,
        ciphertext: "15b92683 819596a8 047232cc 00f7048f e45318e1 1f8a0f62 ede3c3fc 61203bb5 \
            0f980a08 c9843fd3 a1b06d5c 07ff9639 b7eb7dfb 3512e5de 435e7207 ed971ef3 \
            d2726d9b 5ef6affc 6d17a0de cbb13892",
    },
];

#[test]
fn rfc_3602_packets_are_made_and_opened() {
    let protection = provider::aws_lc()
        .protection(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA2_256_128),
        )
        .unwrap();
    for case in RFC3602 {
        let keymat = [hex(case.key), vec![7; 32]].concat();
        let cipher = EspCipher::new(&protection, &keymat).unwrap();
        let payload = hex(case.payload);
        let mut packet = hex(case.header_and_iv);
        packet.extend(&payload);
        EspTrailer::for_payload(payload.len(), 16, case.next_header).emit(&mut packet);
        packet.extend([0; 16]);
        cipher.dangerous_seal_with_iv(&mut packet, None).unwrap();
        assert_eq!(packet[24..packet.len() - 16], hex(case.ciphertext));

        let body = cipher.open(&mut packet, None).unwrap();
        let (opened, trailer) = EspTrailer::split(&packet[body]).unwrap();
        assert_eq!(
            (opened, trailer.next_header),
            (&payload[..], case.next_header)
        );
    }
}
