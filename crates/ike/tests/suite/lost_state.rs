//! A peer that has lost its SAs, or somebody who says so (RFC 7296 1.5, 2.21.4).

use crate::common;

use std::time::Duration;

use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::{Flags, Header, IkeSpi, Message, Notify, Payload, PayloadList, emit_plain};
use common::*;

/// West with a tunnel, east as after a crash.
fn forgotten() -> Lab {
    let mut lab = Lab::new();
    lab.up();
    let fresh = Lab::new();
    lab.east = fresh.east;
    lab
}

fn in_clear(header: &Header, notify: Notify) -> Datagram {
    Datagram {
        from: at(EAST, 500),
        to: at(WEST, 500),
        payload: emit_plain(header, &PayloadList(vec![Payload::Notify(notify)])).unwrap(),
    }
}

fn invalid_spi(spi: u32) -> Datagram {
    let header = Header::v2(
        IkeSpi::ZERO,
        IkeSpi::ZERO,
        ExchangeType::INFORMATIONAL,
        Flags::new(true, false),
        0,
    );
    let data = spi.to_be_bytes().to_vec();
    in_clear(&header, Notify::with_data(NotifyType::INVALID_SPI, data))
}

/// ```text
/// ESP ──►
///     ◄── N(INVALID_SPI)            in clear
/// SK { } ──►
///     ◄── N(INVALID_IKE_SPI)        in clear
/// SK { } ──► … nothing
/// ```
#[test]
fn a_peer_that_lost_its_sas_is_dead_in_seconds() {
    let mut lab = forgotten();
    let now = lab.now;
    let spi_out = lab.west.installed[0].spi_out;
    lab.east
        .endpoint
        .handle_unknown_esp(now, at(EAST, 500), at(WEST, 500), spi_out);
    lab.drain();
    lab.run();
    let claims: Vec<String> = lab
        .west
        .happenings()
        .filter_map(|h| match h {
            Happening::UnprotectedNotify { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    // The second one comes within the seconds that the first one has earned.
    assert_eq!(claims, ["INVALID_SPI"]);
    assert!(lab.west.is_up(), "nothing ends by a word in clear");
    lab.pass(Duration::from_secs(6));
    assert_eq!(lab.west.closed(), ["dead-peer"]);
    let answers = lab.west.endpoint.drops().get(DropReason::IkeUnprotected);
    assert!(answers > 0, "each word counts as a drop");
}

/// 1.5: the answer to a request under unknown SPIs repeats its SPIs, exchange and message ID.
#[test]
fn abuse_96_who_speaks_to_a_forgotten_ike_sa_is_told() {
    let mut lab = forgotten();
    let now = lab.now;
    let remote = at(EAST, 500);
    lab.west.endpoint.handle_path_error(
        now,
        at(WEST, 500),
        remote,
        adit_model::event::PathProblem::PortUnreachable,
        None,
    );
    lab.west.endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    let request = lab.intercept().remove(0);
    lab.deliver(&request);
    let answer = lab.intercept().remove(0);
    let (asked, told) = (
        Message::parse(&request.payload).unwrap(),
        Message::parse(&answer.payload).unwrap(),
    );
    assert!(told.payloads.notify(NotifyType::INVALID_IKE_SPI).is_some());
    let of = |m: &adit_wire::v2::ParsedMessage| {
        let h = m.header;
        (h.spi_i, h.spi_r, h.exchange, h.message_id)
    };
    assert_eq!(of(&asked), of(&told));
    assert!(told.header.flags.response);
    // Not more than a few each second, and nothing for what is in clear or itself an answer.
    for _ in 0..50 {
        lab.deliver(&request);
    }
    assert!(lab.intercept().len() < 10);
    lab.pass(Duration::from_secs(2));
    lab.deliver(&answer);
    assert!(lab.intercept().is_empty());
}

/// Anybody may say so: it makes one question in five seconds, and the peer answers it.
#[test]
fn a_lie_about_lost_sas_costs_a_question() {
    let mut lab = Lab::new();
    lab.up();
    let sa = lab.west.ike_sa();
    let header = Header::v2(
        IkeSpi(sa.spis.0),
        IkeSpi(sa.spis.1),
        ExchangeType::INFORMATIONAL,
        Flags::new(false, true),
        7,
    );
    let lies = [
        in_clear(&header, Notify::new(NotifyType::INVALID_IKE_SPI)),
        invalid_spi(lab.west.installed[0].spi_out),
    ];
    for lie in lies {
        let before = lab.history.len();
        for _ in 0..20 {
            lab.deliver(&lie);
        }
        lab.run();
        assert_eq!(lab.history.len() - before, 2, "one question, one answer");
        lab.pass(Duration::from_secs(10));
    }
    assert_eq!(lab.west.count(|h| *h == Happening::PeerAlive), 2);
    assert!(lab.west.is_up() && lab.east.is_up());
    // What doesn't fit an SA of ours isn't even asked about.
    let before = lab.history.len();
    lab.deliver(&invalid_spi(0xdead_beef));
    let mut elsewhere = invalid_spi(lab.west.installed[0].spi_out);
    elsewhere.from = at("203.0.113.66", 500);
    lab.deliver(&elsewhere);
    lab.run();
    assert_eq!(lab.history.len(), before);
}

/// A peer with an IKE SA isn't told about stray ESP, and strangers aren't either.
#[test]
fn abuse_96_stray_packets_are_no_matter() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    let endpoint = &mut lab.east.endpoint;
    endpoint.handle_unknown_esp(now, at(EAST, 500), at(WEST, 500), 0x1234_5678);
    endpoint.handle_unknown_esp(now, at(EAST, 500), at("203.0.113.66", 500), 0x1234_5678);
    lab.drain();
    assert!(lab.intercept().is_empty());
}
