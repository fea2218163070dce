//! The question whether IKE answers: it is answered, and nothing is begun.

use crate::common;

use adit_crypto::provider;
use adit_ike::probe;
use adit_model::connection::Remote;
use adit_model::event::Happening;
use adit_wire::v2::Message;
use common::*;

#[test]
fn a_probe_is_answered_and_leaves_nothing_behind() {
    let mut lab = Lab::new();
    let (spi, message) = probe::request(&provider::fake(7), &connection(Who::West)).unwrap();
    lab.deliver(&Datagram {
        from: at(WEST, 40_000),
        to: at(EAST, 500),
        payload: message,
    });
    lab.drain();

    let answer = lab.history.last().expect("an answer");
    assert_eq!(answer.to, at(WEST, 40_000));
    let answer = Message::parse(&answer.payload).unwrap();
    assert_eq!(answer.header.spi_i, spi);
    assert!(answer.header.spi_r.is_zero() && answer.header.flags.response);
    let vendors: Vec<_> = answer.payloads.vendor_ids().map(|v| v.0.clone()).collect();
    assert_eq!(vendors, [probe::VENDOR]);

    assert!(
        lab.east.endpoint.snapshot().is_empty(),
        "no half-open IKE SA"
    );
    assert!(lab.east.saw(|h| *h == Happening::ProbeAnswered));
    assert!(lab.east.refusals().is_empty());
    lab.up();
    lab.assert_tunnel();
}

/// RFC 7296 2.23: a NAT on the way shows in the answer, which has no SPI of the responder.
#[test]
fn a_probe_tells_of_nats_when_it_is_asked() {
    for (from, ours) in [(at(WEST, 40_000), false), (at("203.0.113.9", 7), true)] {
        // East takes whoever comes, also from an address that a NAT has made.
        let mut east = connection(Who::East);
        east.remote = Remote::Any;
        let connection = connection(Who::West);
        let mut lab = Lab::with(connection.clone(), east);
        let (local, remote) = (at(WEST, 40_000), at(EAST, 500));
        let (_, payload) =
            probe::request_between(&provider::fake(7), &connection, local, remote).unwrap();
        lab.deliver(&Datagram {
            from,
            to: remote,
            payload,
        });
        lab.drain();
        let answer = &lab.history.last().expect("an answer").payload;
        let nat = probe::nat(answer, local, remote).expect("it was asked");
        assert_eq!((nat.local_behind_nat, nat.remote_behind_nat), (ours, false));
        let moved = probe::nat(answer, local, at(EAST, 4500)).unwrap();
        assert!(moved.remote_behind_nat);
        assert!(lab.east.endpoint.snapshot().is_empty());
    }
}

/// What any other gateway sees: a first message that it could go on with.
#[test]
fn to_others_a_probe_is_a_plain_first_message() {
    let (_, message) = probe::request(&provider::fake(7), &connection(Who::West)).unwrap();
    let message = Message::parse(&message).unwrap();
    let payloads = &message.payloads;
    assert!(payloads.sa().is_some() && payloads.ke().is_some() && payloads.nonce().is_some());
    let again = probe::request(&provider::fake(8), &connection(Who::West)).unwrap();
    assert_ne!(message.header.spi_i, again.0);
}
