//! Every packet that is refused counts under exactly one reason, and changes nothing else.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use adit_crypto::{EspCipher, provider};
use adit_esp::{ApplyError, DataPlane};
use adit_model::dataplane::{ChildSa, DataPlaneRequest};
use adit_model::drops::DropReason::{self, *};
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, NEXT_HEADER_NONE};
use common::*;

/// Seals what a well-behaved sender wouldn't, under west's key.
fn forge(sequence: u32, body: &[u8]) -> Vec<u8> {
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    let protection = provider::fake(1)
        .protection(sa.suite.encr.id, sa.suite.encr.key_bits, None)
        .unwrap();
    let cipher = EspCipher::new(&protection, sa.key_out.expose()).unwrap();
    let mut packet = EspHeader {
        spi: SPI_EAST,
        sequence,
    }
    .to_bytes()
    .to_vec();
    packet.extend([0; 8]);
    packet.extend(body);
    packet.extend([0; 16]);
    cipher.seal(&mut packet, None, 7).unwrap();
    packet
}

fn with_trailer(payload: &[u8], next_header: u8) -> Vec<u8> {
    let mut body = payload.to_vec();
    EspTrailer::for_payload(payload.len(), 1, next_header).emit(&mut body);
    body
}

/// Opens at east and checks that this, and nothing but this, was counted.
fn assert_dropped(east: &DataPlane, packet: &[u8], reason: DropReason) {
    let (before, carried) = (east.drops(), east.pairs());
    assert_eq!(open(east, packet), Err(reason));
    let after = east.drops();
    assert_eq!(after.of(reason), before.of(reason) + 1, "{reason}");
    assert_eq!(
        after.total(),
        before.total() + 1,
        "{reason} and nothing else"
    );
    assert_eq!(east.pairs(), carried, "a dropped packet isn't traffic");
}

#[test]
fn what_comes_from_the_wire() {
    let (west, east) = joined("aes128gcm16");
    let good = seal(&west, &eastbound(40));
    assert_dropped(&east, &[], EspTooShort);
    assert_dropped(&east, &good[..7], EspTooShort);
    assert_dropped(&east, &good[..31], EspTooShort);
    assert_dropped(&east, &[9; 60], EspUnknownSpi);
    let mut forged = good.clone();
    forged[40] ^= 1;
    assert_dropped(&east, &forged, EspAuthenticity);
    open(&east, &good).unwrap();
    assert_dropped(&east, &good, EspReplay);
    // The number alone tells, before anything is decrypted: replays are to be cheap.
    assert_dropped(&east, &forged, EspReplay);
    for n in 2..=80 {
        open(&east, &forge(n, &with_trailer(&eastbound(1), 4))).unwrap();
    }
    assert_dropped(&east, &good, EspTooOld);
}

#[test]
fn what_is_authentic_and_wrong_all_the_same() {
    let (_, east) = joined("aes128gcm16");
    let v4 = eastbound(3);
    let v6 = udp("fd00:1::7", "fd00:2::9", (1, 2), 3);
    let mut truncated_inside = v4.clone();
    truncated_inside[3] += 1;
    let cases: &[(Vec<u8>, DropReason)] = &[
        (vec![1, 9, 2, 4], EspPadding),
        (vec![1, 2, 200, 4], EspPadding),
        (with_trailer(&[0; 8], NEXT_HEADER_NONE), EspDummy),
        (with_trailer(&v4, 6), EspNextHeader),
        (with_trailer(&v4, NEXT_HEADER_IPV6), EspInnerMalformed),
        (with_trailer(&v6, NEXT_HEADER_IPV4), EspInnerMalformed),
        (with_trailer(&[], NEXT_HEADER_IPV4), EspInnerMalformed),
        (
            with_trailer(&truncated_inside, NEXT_HEADER_IPV4),
            EspInnerMalformed,
        ),
        (
            with_trailer(&udp("10.9.0.1", "10.2.0.9", (1, 2), 3), 4),
            EspInboundPolicy,
        ),
        (
            with_trailer(&udp("10.1.0.1", "10.9.0.9", (1, 2), 3), 4),
            EspInboundPolicy,
        ),
        (
            with_trailer(&udp("10.2.0.1", "10.1.0.9", (1, 2), 3), 4),
            EspInboundPolicy,
        ),
    ];
    for (n, (body, reason)) in (1..).zip(cases) {
        let packet = forge(n, body);
        assert_dropped(&east, &packet, *reason);
        // It was authentic, so its number is spent (RFC 4303 3.4.3).
        assert_dropped(&east, &packet, EspReplay);
    }
    let report = east.child_report("net", "lan0").unwrap();
    assert_eq!(
        report.drops,
        east.drops(),
        "all were known to belong to the child"
    );
}

/// RFC 4303 2.7: what follows the inner packet inside the payload is padding against traffic analysis.
#[test]
fn traffic_flow_padding_is_cut_off() {
    let (_, east) = joined("aes128gcm16");
    let mut padded = eastbound(5);
    padded.extend([0; 300]);
    assert_eq!(
        open(&east, &forge(1, &with_trailer(&padded, 4))),
        Ok(eastbound(5))
    );
}

#[test]
fn abuse_92_selectors_with_protocol_and_ports_bind_received_packets() {
    let mut sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    sa.ts_remote = selectors(&["10.2.0.0/24[udp/53]"]);
    let (_, east) = joined_by(sa);
    let dns = udp("10.1.0.7", "10.2.0.9", (4000, 53), 3);
    let ntp = udp("10.1.0.7", "10.2.0.9", (4000, 123), 3);
    assert_eq!(
        open(&east, &forge(1, &with_trailer(&dns, 4))),
        Ok(dns.clone())
    );
    assert_dropped(&east, &forge(2, &with_trailer(&ntp, 4)), EspInboundPolicy);
    let mut later_fragment = dns;
    later_fragment[7] = 1;
    assert_dropped(
        &east,
        &forge(3, &with_trailer(&later_fragment, 4)),
        EspInboundPolicy,
    );
}

#[test]
fn what_comes_from_the_inside() {
    let (mut west, _) = joined("aes128gcm16");
    let refused = |west: &DataPlane, inner: &[u8], reason, child: Option<&str>| {
        let total = west.drops().total();
        let mut out = vec![1, 2, 3];
        let rejected = west.seal(inner, &mut out).unwrap_err();
        assert_eq!(rejected.reason, reason);
        assert_eq!(rejected.child.as_ref().map(|c| c.child.as_str()), child);
        assert_eq!(out, [1, 2, 3]);
        assert_eq!(west.drops().total(), total + 1);
    };
    refused(&west, &[], OutMalformed, None);
    refused(&west, &[0x45; 19], OutMalformed, None);
    refused(
        &west,
        &udp("10.1.0.7", "8.8.8.8", (1, 2), 3),
        OutNoPolicy,
        None,
    );
    refused(
        &west,
        &udp("10.9.0.7", "10.2.0.9", (1, 2), 3),
        OutNoPolicy,
        None,
    );
    west.set_link_mtu(1500);
    west.seal(&eastbound(1438 - 28), &mut Vec::new()).unwrap();
    refused(&west, &eastbound(1438 - 28 + 1), OutTooBig, Some("lan0"));
    remove(&mut west, SPI_WEST);
    refused(&west, &eastbound(1), OutNoSa, Some("lan0"));
    assert_eq!(
        west.child_report("net", "lan0").unwrap().drops.of(OutNoSa),
        1
    );
}

/// A tunnel that was narrowed takes what was agreed on; the rest of the policy is still protected.
#[test]
fn traffic_outside_the_narrowed_selectors_is_blocked_not_passed() {
    let mut sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    sa.ts_remote = selectors(&["10.2.0.9/32"]);
    let (west, _) = joined_by(sa);
    west.seal(&eastbound(1), &mut Vec::new()).unwrap();
    let rejected = west
        .seal(&udp("10.1.0.7", "10.2.0.10", (1, 2), 3), &mut Vec::new())
        .unwrap_err();
    assert_eq!(rejected.reason, OutNoSa);
}

#[test]
fn the_first_policy_that_takes_a_packet_has_it() {
    let mut plane = DataPlane::new(provider::fake(1));
    plane.set_policy(&[connection(&[
        (&[WEST], &["10.2.0.9/32"]),
        (&[WEST], &["10.2.0.0/16"]),
    ])]);
    let child = |to: &str| {
        let rejected = plane
            .seal(&udp("10.1.0.7", to, (1, 2), 3), &mut Vec::new())
            .unwrap_err();
        rejected.child.unwrap().child.clone()
    };
    assert_eq!(child("10.2.0.9"), "lan0");
    assert_eq!(child("10.2.0.10"), "lan1");
}

/// Tunnels of one pool have the same selectors: a packet goes to whoever has its address, and nowhere else.
#[test]
fn among_tunnels_that_give_addresses_who_has_one_decides() {
    let tunnel = |name: &str, gives: bool| {
        let mut tunnel = connection(&[(&[WEST], &["10.3.0.0/24"])]);
        let made = Arc::make_mut(&mut tunnel);
        made.name = name.to_owned();
        made.inner.pools = gives.then(|| "guests".to_owned()).into_iter().collect();
        tunnel
    };
    let plane = |first_gives: bool| {
        let mut plane = DataPlane::new(provider::fake(1));
        plane.set_policy(&[tunnel("a", first_gives), tunnel("b", true)]);
        let mut sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
        sa.connection = "b".into();
        sa.ts_remote = selectors(&["10.3.0.2/32"]);
        install(&mut plane, sa);
        plane
    };
    let sealed =
        |plane: &DataPlane, to: &str| plane.seal(&udp("10.1.0.7", to, (1, 2), 3), &mut Vec::new());
    let shared = plane(true);
    assert_eq!(sealed(&shared, "10.3.0.2").unwrap().spi_out, SPI_EAST);
    assert_eq!(sealed(&shared, "10.3.0.1").unwrap_err().reason, OutNoSa);
    // What is another tunnel's by its policy stays that tunnel's.
    assert_eq!(
        sealed(&plane(false), "10.3.0.2").unwrap_err().reason,
        OutNoSa
    );
}

#[test]
fn impossible_requests_change_nothing() {
    let (mut west, _) = joined("aes128gcm16");
    let good = || west_sa(suite("aes128gcm16"), 0x1000, 0x1001);
    let mut apply = |sa: ChildSa| west.apply(T0, DataPlaneRequest::Install(Box::new(sa)));
    assert_eq!(
        apply(ChildSa {
            spi_in: SPI_WEST,
            ..good()
        }),
        Err(ApplyError::SpiInUse(SPI_WEST))
    );
    assert_eq!(
        apply(ChildSa {
            spi_in: 255,
            ..good()
        }),
        Err(ApplyError::SpiReserved(255))
    );
    assert!(matches!(
        apply(ChildSa {
            suite: suite("aes256gcm16"),
            ..good()
        }),
        Err(ApplyError::BadKey(_))
    ));
    let gone = DataPlaneRequest::Remove {
        connection: "net".into(),
        child: "lan0".into(),
        spi_in: 0x1000,
    };
    assert_eq!(west.apply(T0, gone), Err(ApplyError::NoSuchPair(0x1000)));
    assert_eq!(west.pairs().len(), 1);
}

/// RFC 4301 5.2: what policy keeps out of tunnels isn't taken out of one either.
#[test]
fn exceptions_go_before_tunnels_in_both_directions() {
    use adit_model::policy::{Action, Policy};
    let (mut west, mut east) = joined("aes128gcm16");
    let sealed = seal(&west, &eastbound(10));
    let exception = |local: &str, remote: &str| Policy {
        name: "dns".into(),
        action: Action::Bypass,
        local: selectors(&[local]),
        remote: selectors(&[remote]),
    };
    west.set_exceptions(vec![exception("10.1.0.0/16", "10.2.0.9[udp/53]")]);
    east.set_exceptions(vec![exception("10.2.0.9[udp/53]", "10.1.0.0/16")]);
    let rejected = west.seal(&eastbound(10), &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutForbidden);
    assert_eq!(open(&east, &sealed), Err(DropReason::EspInboundPolicy));
    // Another port is the tunnel's.
    seal(&west, &udp("10.1.0.7", "10.2.0.9", (4000, 54), 10));
}
