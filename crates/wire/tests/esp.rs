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

/// What strangers may put into port 4500: it is told apart by its first octets alone, and too little of anything is an
/// error, not a guess.
#[test]
fn abuse_01_port_4500_takes_nothing_for_what_it_is_not() {
    for length in 0..4 {
        assert!(classify(&vec![0; length]).is_err());
        assert!(classify(&vec![0xfe; length]).is_err());
    }
    // A marker and less than a header is for the IKE reader to refuse.
    for length in 4..32 {
        let message = vec![0; length];
        assert_eq!(classify(&message), Ok(Encapsulated::Ike(&message[4..])));
        assert!(adit_wire::v2::Header::parse(&message[4..]).is_err());
    }
    for length in 4..8 {
        assert!(classify(&vec![1; length]).is_err(), "an SPI and no number");
    }
}

/// A keepalive is one octet and no other; a marker never hides ESP, and ESP without SPI isn't ESP.
#[test]
fn abuse_37_only_the_one_octet_is_a_keepalive() {
    for octet in 0..0xff {
        assert!(classify(&[octet]).is_err());
    }
    assert!(classify(&[0xff, 0xff]).is_err());
    let mut marked = vec![0; 4];
    marked.extend_from_slice(&[0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1]);
    assert!(matches!(classify(&marked), Ok(Encapsulated::Ike(_))));
}
