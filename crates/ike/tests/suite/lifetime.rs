//! Loss, duplication, silence, and the end (RFC 7296 1.4.1, 2.1, 2.4).

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::{IkeSaState, TimerReason};
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party, PathProblem};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::{Delete, Payload};
use common::peer::{Peer, notify};
use common::*;

/// Whichever of the four messages is lost: the request goes out again, the answer is repeated, nothing happens twice.
#[test]
fn any_one_message_may_be_lost() {
    for lost in 0..4 {
        let mut lab = Lab::new();
        lab.lose = vec![lost];
        lab.initiate();
        lab.pass(Duration::from_secs(2));
        lab.assert_tunnel();
        assert_eq!(lab.west.installed.len(), 1, "{lost}");
        assert_eq!(lab.east.installed.len(), 1, "{lost}");
        let retransmitted =
            |h: &Happening| matches!(h, Happening::Retransmitted { attempt: 1, .. });
        assert_eq!(lab.west.count(retransmitted), 1);
        // When the answer was lost, the responder saw the request twice.
        let duplicates = if lost % 2 == 1 { 1 } else { 0 };
        assert_eq!(
            lab.east.endpoint.drops().get(DropReason::IkeDuplicate),
            duplicates
        );
        assert_eq!(lab.east.endpoint.drops().total(), duplicates);
    }
}

#[test]
fn every_message_may_come_twice_or_thrice() {
    let mut lab = Lab::new();
    lab.initiate();
    while let Some(datagram) = lab.wire.pop_front() {
        for _ in 0..3 {
            lab.deliver(&datagram);
        }
        if lab.history.len() > 100 {
            panic!("the two never stop talking");
        }
    }
    lab.assert_tunnel();
    assert_eq!(lab.west.installed.len(), 1);
    assert_eq!(lab.east.installed.len(), 1);
    assert!(lab.east.endpoint.drops().get(DropReason::IkeDuplicate) > 0);
    assert!(
        lab.west
            .endpoint
            .drops()
            .get(DropReason::IkeUnexpectedResponse)
            > 0
    );
}

/// Nobody there: the schedule of the connection, then the end.
#[test]
fn silence() {
    let mut lab = Lab::new();
    lab.cut = true;
    lab.initiate();
    let schedule = connection(Who::West).retransmit;
    lab.pass(schedule.total() - Duration::from_millis(1));
    assert!(lab.west.closed().is_empty());
    lab.pass(Duration::from_millis(2));
    assert_eq!(lab.west.closed(), ["failed"]);
    assert!(lab.west.saw(|h| *h
        == Happening::GaveUp {
            exchange: "IKE_SA_INIT".into(),
            message_id: 0,
            transmissions: schedule.tries + 1,
            waited_ms: u64::try_from(schedule.total().as_millis()).unwrap(),
        }));
    assert!(lab.west.endpoint.is_idle());
    assert_eq!(lab.west.endpoint.poll_timeout(), None);
    // And then another attempt is possible.
    lab.cut = false;
    lab.up();
}

/// An ICMP error is evidence, not the end: anybody can send one.
#[test]
fn path_errors_are_recorded() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.wire.front().unwrap();
    let (local, remote) = (request.from, request.to);
    let now = lab.now;
    lab.west.endpoint.handle_path_error(
        now,
        local,
        remote,
        PathProblem::PortUnreachable,
        Some(ip(EAST)),
    );
    lab.drain();
    let event = lab.west.events.last().unwrap();
    assert_eq!(event.connection.as_deref(), Some("site"));
    assert_eq!(
        event.what,
        Happening::PathFailed {
            problem: PathProblem::PortUnreachable,
            offender: Some(ip(EAST)),
            remote_port: 500
        }
    );
    lab.run();
    assert!(lab.west.is_up());
}

/// ```text
/// SK { D(IKE) } ──►
///      ◄── SK { }
/// ```
#[test]
fn either_side_deletes_the_ike_sa() {
    for who in [Who::West, Who::East] {
        let mut lab = Lab::new();
        lab.up();
        let now = lab.now;
        lab.side(who).endpoint.terminate(now, "site").unwrap();
        lab.drain();
        assert_eq!(lab.side(who).ike_sa().state, IkeSaState::Closing);
        assert!(lab.side(who).installed.is_empty(), "traffic stops at once");
        lab.run();
        for side in [&lab.west, &lab.east] {
            assert!(side.installed.is_empty());
            assert_eq!(side.closed(), ["deleted"]);
            assert!(side.endpoint.is_idle());
            assert!(side.endpoint.snapshot().is_empty());
            assert!(side.endpoint.drops().total() == 0);
        }
        // After the memory of the last answer is gone, nothing is left.
        lab.pass(Duration::from_secs(31));
        assert_eq!(lab.west.endpoint.poll_timeout(), None);
        assert_eq!(lab.east.endpoint.poll_timeout(), None);
        lab.up();
    }
}

#[test]
fn both_sides_delete_at_once() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.east.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.run();
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
    assert_eq!(lab.west.closed(), ["deleted"]);
    assert_eq!(lab.east.closed(), ["deleted"]);
}

/// The answer to a DELETE is lost; the DELETE comes again, to an IKE SA that is gone, and is answered all the same.
#[test]
fn a_lost_last_answer_is_repeated() {
    let mut lab = Lab::new();
    lab.up();
    lab.lose = vec![lab.history.len() + 1];
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.west.ike_sa().state, IkeSaState::Closing);
    lab.pass(Duration::from_millis(400));
    assert!(lab.west.endpoint.is_idle());
    assert_eq!(lab.east.drops(), [(DropReason::IkeDuplicate, 1)]);
    assert!(!lab.west.saw(|h| matches!(h, Happening::GaveUp { .. })));
}

/// Also a refusal of IKE_AUTH is repeated: an initiator must learn why.
#[test]
fn a_lost_refusal_is_repeated() {
    let mut lab = Lab::new();
    lab.east.keys = Keys::HasNone;
    lab.lose = vec![3];
    lab.initiate();
    lab.pass(Duration::from_secs(1));
    assert_eq!(
        lab.west.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
}

#[test]
fn shutdown_is_quick_even_when_nobody_answers() {
    let mut lab = Lab::new();
    lab.up();
    lab.cut = true;
    let now = lab.now;
    lab.west.endpoint.shutdown(now);
    lab.drain();
    assert!(!lab.west.endpoint.is_idle());
    assert!(lab.west.installed.is_empty());
    lab.pass(Duration::from_secs(3));
    assert!(lab.west.endpoint.is_idle());
    assert_eq!(lab.west.closed(), ["shutdown"]);
}

#[test]
fn shutdown_ends_attempts_too() {
    let mut lab = Lab::new();
    lab.initiate();
    lab.step();
    let now = lab.now;
    lab.west.endpoint.shutdown(now);
    lab.east.endpoint.shutdown(now);
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
}

#[test]
fn a_removed_connection_takes_its_ike_sa_along() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    lab.east.endpoint.remove_connection(now, "site");
    lab.drain();
    lab.run();
    assert_eq!(lab.west.closed(), ["deleted"]);
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

/// The peer deletes the CHILD SA alone; each side names its own inbound SPI (1.4.1).
#[test]
fn the_peer_deletes_a_child() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let spi_in = lab.east.installed[0].spi_in;
    let answer = peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![
            Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000, 0x9999])),
            Payload::Delete(Delete::child(ProtocolId::AH, [0x1000])),
        ],
    );
    let deletes: Vec<&Delete> = answer.deletes().collect();
    assert_eq!(deletes, [&Delete::child(ProtocolId::ESP, [spi_in])]);
    assert!(lab.east.installed.is_empty());
    assert!(lab.east.saw(
        |h| matches!(h, Happening::ChildClosed { child, by: Party::Peer, .. } if child == "lan")
    ));
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Established);
    // Once more, for what isn't there any more.
    let again = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]))];
    assert!(
        peer.ask(&mut lab, ExchangeType::INFORMATIONAL, again)
            .0
            .is_empty()
    );
}

/// Deleting the IKE SA ends the processing of the message: what follows in it means nothing.
#[test]
fn abuse_41_a_delete_followed_by_other_payloads() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let answer = peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![
            Payload::Delete(Delete::ike()),
            Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000])),
            Payload::Delete(Delete::ike()),
            notify(NotifyType::INITIAL_CONTACT),
        ],
    );
    assert!(answer.0.is_empty());
    assert_eq!(lab.east.closed(), ["deleted"]);
    assert!(lab.east.installed.is_empty());
}

#[test]
fn abuse_35_informational_requests_are_answered() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    for payloads in [
        vec![],
        vec![
            notify(NotifyType(54_321)),
            notify(NotifyType::SET_WINDOW_SIZE),
        ],
        vec![notify(NotifyType::INVALID_SPI)],
    ] {
        let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, payloads);
        assert!(answer.0.is_empty());
    }
    // The error was recorded, the status notifies were not worth it.
    assert_eq!(lab.east.peer_refusals().len(), 1);
    assert!(lab.east.is_up());
}

fn with_dpd() -> Lab {
    let mut west = connection(Who::West);
    west.dpd_delay = Duration::from_secs(10);
    let mut lab = Lab::with(west, connection(Who::East));
    lab.up();
    lab
}

#[test]
fn a_silent_peer_is_asked_whether_it_lives() {
    let mut lab = with_dpd();
    assert!(matches!(
        lab.west.endpoint.poll_timeout(),
        Some((_, TimerReason::Liveness))
    ));
    lab.pass(Duration::from_secs(35));
    assert_eq!(lab.west.count(|h| *h == Happening::PeerAlive), 3);
    assert!(lab.west.is_up() && lab.east.is_up());
}

/// Traffic is a sign of life (2.4).
#[test]
fn traffic_saves_the_question() {
    let mut lab = with_dpd();
    let spi_in = lab.west.installed[0].spi_in;
    let before = lab.history.len();
    for _ in 0..10 {
        lab.pass(Duration::from_secs(6));
        let now = lab.now;
        lab.west.endpoint.inbound_esp_seen(now, spi_in);
        lab.west.endpoint.inbound_esp_seen(now, 12345);
    }
    assert_eq!(lab.history.len(), before);
}

/// A report that packets don't arrive may be forged: it brings the question forward, and nothing else (2.4).
#[test]
fn a_path_error_brings_the_question_forward() {
    let mut lab = with_dpd();
    let report = |lab: &mut Lab| {
        let sa = &lab.west.endpoint.snapshot()[0];
        let (local, remote) = (sa.local, sa.remote);
        let (now, problem) = (lab.now, PathProblem::PortUnreachable);
        let offender = Some(ip(EAST));
        let endpoint = &mut lab.west.endpoint;
        endpoint.handle_path_error(now, local, remote, problem, offender);
        lab.drain();
        lab.pass(Duration::from_millis(10));
    };
    report(&mut lab);
    let alive = |lab: &Lab| lab.west.count(|h| *h == Happening::PeerAlive);
    assert_eq!(alive(&lab), 0, "the peer was heard a moment ago");
    lab.pass(Duration::from_secs(6));
    report(&mut lab);
    assert_eq!(alive(&lab), 1);
    for _ in 0..10 {
        report(&mut lab);
    }
    assert_eq!(alive(&lab), 1, "one answer is enough for a while");
    assert!(lab.west.is_up() && lab.east.is_up());

    lab.pass(Duration::from_secs(6));
    lab.cut = true;
    report(&mut lab);
    lab.pass(connection(Who::West).retransmit.total());
    assert_eq!(lab.west.closed(), ["dead-peer"]);
}

#[test]
fn a_dead_peer_is_given_up() {
    let mut lab = with_dpd();
    lab.cut = true;
    lab.pass(Duration::from_secs(10) + connection(Who::West).retransmit.total());
    assert_eq!(lab.west.closed(), ["dead-peer"]);
    assert!(lab.west.installed.is_empty());
    assert!(matches!(
        lab.west.data_plane.last(),
        Some(DataPlaneRequest::Remove { .. })
    ));
    assert!(
        lab.west.saw(
            |h| matches!(h, Happening::GaveUp { exchange, .. } if exchange == "INFORMATIONAL")
        )
    );
    assert!(lab.west.endpoint.is_idle());
}

/// Both sides ask at the same moment: two windows, one in each direction.
#[test]
fn requests_cross() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.dpd_delay = Duration::from_secs(10);
    east.dpd_delay = Duration::from_secs(10);
    let mut lab = Lab::with(west, east);
    lab.up();
    lab.pass(Duration::from_secs(55));
    assert!(lab.west.count(|h| *h == Happening::PeerAlive) >= 2);
    assert!(lab.west.is_up() && lab.east.is_up());
    assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
}

/// terminate while a liveness check is on its way to a dead peer: the DELETE waits its turn, but not for long.
#[test]
fn a_pending_question_does_not_delay_the_end() {
    let mut lab = with_dpd();
    lab.cut = true;
    lab.pass(Duration::from_secs(11));
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.pass(Duration::from_secs(5));
    assert!(lab.west.endpoint.is_idle());
}

/// Authentic nonsense: INVALID_SYNTAX, and the IKE SA is over on both sides (2.21.3).
#[test]
fn abuse_04_authentic_nonsense_is_fatal() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let header = peer.header(ExchangeType::INFORMATIONAL, false, peer.next_request);
    let message = peer.seal_octets(
        header,
        adit_wire::iana::PayloadType::DELETE,
        &[0, 0, 0, 9, 3, 4, 0, 7, 1],
    );
    let answer =
        common::peer::exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &message).unwrap();
    let (_, payloads) = peer.unseal(&answer);
    assert_eq!(
        payloads.error_notify().unwrap().kind,
        NotifyType::INVALID_SYNTAX
    );
    assert!(matches!(
        lab.east.refusals().pop(),
        Some((_, Refusal::Malformed { .. }, Some(_)))
    ));
    assert_eq!(lab.east.closed(), ["failed"]);
    assert!(lab.east.installed.is_empty());
}

/// An unknown critical payload refuses the message only (2.5).
#[test]
fn an_unknown_critical_payload_refuses_the_message() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let critical = |critical| Payload::Unknown {
        kind: adit_wire::iana::PayloadType(77),
        critical,
        body: vec![1],
    };
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![critical(true)]);
    let notify = answer.error_notify().unwrap();
    assert_eq!(notify.kind, NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD);
    assert_eq!(notify.data, [77]);
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![critical(false)]);
    assert!(answer.0.is_empty());
    assert!(lab.east.is_up());
}

#[test]
fn a_replaced_connection_is_used_from_the_next_attempt_on() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    let mut other = connection(Who::East);
    other.children[0].local_ts = selectors(&["10.2.0.0/25"]);
    lab.east.endpoint.set_connection(now, Arc::new(other));
    assert_eq!(
        lab.east.ike_sa().children[0].ts_local,
        selectors(&["10.2.0.0/24"])
    );
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.up();
    assert_eq!(
        lab.east.ike_sa().children[0].ts_local,
        selectors(&["10.2.0.0/25"])
    );
}

/// The operator changes his mind while IKE_AUTH is on its way: the peer, which sets the tunnel up, is told.
#[test]
fn an_attempt_that_is_given_up_leaves_nothing_at_the_peer() {
    for answered in [false, true] {
        let mut lab = Lab::new();
        lab.initiate();
        lab.step();
        lab.step();
        if answered {
            lab.west.keys = Keys::Slow(b"");
            lab.run();
            assert!(lab.east.is_up());
        }
        let now = lab.now;
        lab.west.endpoint.terminate(now, "site").unwrap();
        lab.drain();
        lab.run();
        assert_eq!(lab.west.closed(), ["deleted"]);
        assert_eq!(lab.east.closed(), ["deleted"]);
        assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
        assert!(lab.east.installed.is_empty());
        // The key holder's late answer is to nobody.
        lab.answer_keys(Who::West);
        assert!(lab.intercept().is_empty());
    }
}

/// Both sides begin at the same moment: two IKE SAs come of it, and what either side sends, the other can receive.
#[test]
fn both_begin_at_once() {
    // How the datagrams interleave: whose goes next, bit by bit.
    for order in 0..256_u32 {
        let mut lab = Lab::new();
        let now = lab.now;
        for (who, local, remote) in [(Who::West, WEST, EAST), (Who::East, EAST, WEST)] {
            lab.side(who)
                .endpoint
                .initiate(now, "site", ip(local), ip(remote))
                .unwrap();
        }
        lab.drain();
        for turn in 0.. {
            let from = if order >> (turn % 8) & 1 == 0 {
                WEST
            } else {
                EAST
            };
            let next = lab.wire.iter().position(|d| d.from.ip() == ip(from));
            let Some(datagram) = lab.wire.remove(next.unwrap_or(0)) else {
                break;
            };
            lab.deliver(&datagram);
        }
        for (one, other) in [(&lab.west, &lab.east), (&lab.east, &lab.west)] {
            let sends = one.installed.last().expect("a child");
            let receives = other.installed.iter().find(|sa| sa.spi_in == sends.spi_out);
            let receives = receives.unwrap_or_else(|| panic!("{order:08b}"));
            assert!(receives.key_in.expose() == sends.key_out.expose());
        }
    }
}
