//! ESP (RFC 4303) and its encapsulation in UDP (RFC 3948).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6};
use adit_wire::udp_encap::{Encapsulated, NAT_KEEPALIVE, classify, mark_ike};

#[test]
fn header_figure_1() {
    let packet = [0xc0, 0xde, 0, 1, 0, 0, 0, 5, 0xff];
    let header = EspHeader::parse(&packet).unwrap();
    assert_eq!(
        header,
        EspHeader {
            spi: 0xc0de_0001,
            sequence: 5
        }
    );
    assert_eq!(header.to_bytes(), packet[..8]);
    assert_eq!(
        EspHeader::parse(&packet[..7]).unwrap_err().field,
        "ESP sequence number"
    );
}

/// RFC 4303 2.4: the first pad byte is 1, the second 2, and so on.
#[test]
fn padding_counts_upwards() {
    let trailer = EspTrailer::for_payload(20, 16, NEXT_HEADER_IPV4);
    let mut plaintext = vec![0x45; 20];
    trailer.emit(&mut plaintext);
    assert_eq!(plaintext[20..], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 4]);
    assert_eq!(
        EspTrailer::split(&plaintext),
        Ok((&[0x45; 20][..], trailer))
    );
}

#[test]
fn every_length_and_block_aligns() {
    for block in [1, 4, 8, 16, 256] {
        for payload in 0..300 {
            let trailer = EspTrailer::for_payload(payload, block, NEXT_HEADER_IPV6);
            assert_eq!((payload + trailer.length()) % block.max(4), 0);
            assert!(trailer.length() < block.max(4) + 2);
        }
    }
}

#[test]
fn a_wrong_trailer_is_named() {
    for (what, plaintext, field, offset) in [
        ("too short", &[4][..], "ESP trailer", 0),
        (
            "longer than the plaintext",
            &[1, 2, 3, 4][..],
            "ESP pad length",
            2,
        ),
        ("zeros", &[0x45, 0, 0, 2, 4][..], "ESP padding", 1),
        (
            "a wrong second byte",
            &[0x45, 1, 3, 2, 4][..],
            "ESP padding",
            2,
        ),
    ] {
        let error = EspTrailer::split(plaintext).expect_err(what);
        assert_eq!((error.field, error.offset), (field, offset), "{what}");
    }
}

#[test]
fn port_4500_tells_its_three_uses_apart() {
    assert_eq!(classify(&NAT_KEEPALIVE), Ok(Encapsulated::Keepalive));
    let message = [7; 28];
    assert_eq!(
        classify(&mark_ike(&message)),
        Ok(Encapsulated::Ike(&message))
    );
    let esp = [0, 0, 0, 1, 0, 0, 0, 1];
    assert_eq!(classify(&esp), Ok(Encapsulated::Esp(&esp)));
    for short in [&[][..], &[0xfe], &[0, 0, 0], &[1, 0, 0, 0, 0, 0, 0]] {
        assert!(classify(short).is_err(), "{short:?}");
    }
    // Two bytes 0xff are no keepalive (RFC 3948 2.3: exactly one).
    assert!(classify(&[0xff, 0xff]).is_err());
}
