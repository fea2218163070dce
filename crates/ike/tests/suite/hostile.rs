//! Bad input: every prefix and every single-byte mutation of every message of a tunnel's life, to both sides, at every
//! stage. A rejected packet counts once, gives one event and changes nothing.

use crate::common;

use std::time::Duration;

use adit_ike::{IkeSaSnapshot, Output, TimerReason};
use adit_model::Mono;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_wire::iana::{EncrId, ExchangeType, KeMethod, NotifyType, ProtocolId};
use adit_wire::v2::{
    Flags, Header, IkeSpi, KePayload, Nonce, Notify, Payload, PayloadList, Proposal, SaPayload,
    Transform, emit_plain,
};
use common::*;

/// A tunnel's life in datagrams: set up, asked whether it lives, deleted.
const LIFE: usize = 8;

/// Both sides after the first `stage` datagrams of that life, and the datagrams that follow, one at a time.
fn at_stage(stage: usize) -> Lab {
    let mut west = connection(Who::West);
    west.dpd_delay = Duration::from_secs(10);
    let mut lab = Lab::with(west, connection(Who::East));
    lab.initiate();
    for _ in 0..stage {
        live_on(&mut lab);
    }
    lab
}

/// When nothing is on its way, time passes: first a liveness check is due, later the operator deletes the tunnel.
fn next_thing(lab: &mut Lab) {
    let now = lab.now.plus(Duration::from_secs(10));
    lab.now = now;
    if lab.history.len() == 4 {
        lab.west.endpoint.handle_timeout(now);
    } else {
        lab.west.endpoint.terminate(now, "site").unwrap();
    }
    lab.drain();
}

/// Delivers the next datagram.
fn live_on(lab: &mut Lab) {
    if lab.wire.is_empty() {
        next_thing(lab);
    }
    assert!(lab.step());
}

/// The whole life, as it was sent.
fn whole_life() -> Vec<Datagram> {
    let lab = at_stage(LIFE);
    assert_eq!(lab.history.len(), LIFE);
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
    lab.history
}

/// As [`at_stage`], with the next datagram on its way.
fn before(stage: usize) -> Lab {
    let mut lab = at_stage(stage);
    if lab.wire.is_empty() {
        next_thing(&mut lab);
    }
    lab
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Counted once, one event, nothing changed but perhaps a timer.
    Dropped { timer_moved: bool },
    /// Refused with a notify; nothing is remembered.
    Refused,
    /// Taken for good.
    Taken,
}

fn state(side: &Side) -> (Vec<IkeSaSnapshot>, Option<(Mono, TimerReason)>) {
    (side.endpoint.snapshot(), side.endpoint.poll_timeout())
}

/// Feeds octets into one side and says what came of it. Outputs aren't carried out.
fn probe(lab: &mut Lab, who: Who, from: &Datagram, payload: &[u8]) -> Outcome {
    let now = lab.now;
    let side = lab.side(who);
    let before = state(side);
    let counted = side.endpoint.drops().total();
    side.endpoint
        .handle_datagram(now, from.to, from.from, payload);
    let counted = side.endpoint.drops().total() - counted;
    let mut dropped = 0;
    let mut refused = 0;
    let mut others = 0;
    let mut transmitted = 0;
    while let Some(output) = side.endpoint.poll_output() {
        match output {
            Output::Event(event) => match event.what {
                Happening::Dropped { .. } => dropped += 1,
                Happening::Refused { .. } => refused += 1,
                _ => {}
            },
            Output::Transmit { payload: reply, .. } => {
                transmitted += 1;
                // Nobody gets much more than he spent.
                assert!(reply.len() <= payload.len().max(300));
            }
            _ => others += 1,
        }
    }
    let after = state(side);
    assert_eq!(counted, dropped, "as many events as counts");
    assert!(dropped <= 1 && transmitted <= 1);
    if dropped == 1 {
        assert_eq!(others, 0);
        assert_eq!(before.0, after.0, "a dropped packet changed something");
        return Outcome::Dropped {
            timer_moved: before.1 != after.1,
        };
    }
    if refused == 1 && before == after {
        return Outcome::Refused;
    }
    Outcome::Taken
}

/// Prefixes, and mutations of each octet by each of `masks`.
fn variants<'a>(
    message: &'a [u8],
    masks: impl Iterator<Item = u8> + Clone + 'a,
) -> impl Iterator<Item = Vec<u8>> + 'a {
    let prefixes = (0..message.len()).map(|n| message[..n].to_vec());
    let mutations = (0..message.len()).flat_map(move |at| {
        masks.clone().map(move |mask| {
            let mut copy = message.to_vec();
            copy[at] ^= mask;
            copy
        })
    });
    prefixes.chain(mutations)
}

fn receiver(datagram: &Datagram) -> Who {
    if datagram.to.ip() == ip(WEST) {
        Who::West
    } else {
        Who::East
    }
}

/// Whatever was thrown at it: life goes on to its end.
fn finish(mut lab: Lab, stage: usize) {
    for _ in stage..LIFE {
        live_on(&mut lab);
    }
    assert_eq!(lab.history.len(), LIFE);
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

/// Each message where it is expected, changed in every possible way.
#[test]
fn abuse_20_every_mutation_where_the_message_is_expected() {
    for (stage, message) in whole_life().iter().enumerate() {
        let who = receiver(message);
        let in_clear = stage < 2;
        let mut lab = before(stage);
        let mut dropped = 0;
        for variant in variants(&message.payload, 1..=255) {
            match probe(&mut lab, who, message, &variant) {
                Outcome::Dropped { timer_moved: false } => dropped += 1,
                // What is in clear can be changed without being noticed, here; IKE_AUTH notices it.
                _ if in_clear => lab = before(stage),
                other => panic!("stage {stage}: {other:?} for {variant:02x?}"),
            }
        }
        assert!(dropped > message.payload.len());
        if !in_clear {
            assert_eq!(dropped, message.payload.len() * 256);
        }
        finish(lab, stage);
    }
}

/// Each message at every stage and to either side, changed in some ways, and as it is: replayed or reflected.
#[test]
fn abuse_39_every_message_at_every_stage_to_either_side() {
    let life = whole_life();
    for stage in 0..=LIFE {
        let mut lab = at_stage(stage);
        for (number, message) in life.iter().enumerate() {
            for who in [Who::West, Who::East] {
                let masks = [0x01, 0x20, 0x80, 0xff].into_iter();
                let mut all: Vec<Vec<u8>> = variants(&message.payload, masks).collect();
                // Replayed, or reflected.
                if number < stage || who != receiver(message) {
                    all.push(message.payload.clone());
                }
                for variant in all {
                    match probe(&mut lab, who, message, &variant) {
                        Outcome::Dropped { timer_moved: false } => {}
                        // In clear, and only there.
                        _ if number < 2 => lab = at_stage(stage),
                        other => panic!(
                            "message {number} at stage {stage} to {who:?}: {other:?} {variant:02x?}"
                        ),
                    }
                }
            }
        }
        finish(lab, stage);
    }
}

/// What was changed in IKE_SA_INIT without being noticed is noticed in IKE_AUTH: no tunnel comes of it.
#[test]
fn abuse_69_no_change_in_clear_survives_authentication() {
    let life = whole_life();
    let mut taken = 0;
    for (stage, message) in life.iter().enumerate().take(2) {
        for variant in variants(&message.payload, [0x01, 0x80].into_iter()) {
            let mut lab = at_stage(stage);
            let mut changed = lab.intercept().pop().unwrap();
            changed.payload = variant;
            lab.deliver(&changed);
            lab.run();
            let established = lab.west.is_up() || lab.east.is_up();
            assert!(!established, "{:02x?}", changed.payload);
            taken += usize::from(lab.history.len() > 2);
        }
    }
    assert!(taken > 100, "{taken}");
}

/// Messages shorter than a header, and headers that lie about their length.
#[test]
fn abuse_02_lengths() {
    let life = whole_life();
    let mut lab = at_stage(0);
    for length in 0..28 {
        probe(&mut lab, Who::East, &life[0], &vec![0x20; length]);
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeTooShort, 28)]);
    let mut lab = at_stage(0);
    for length in [0_u32, 27, 28, 29, 1000, u32::MAX] {
        let mut copy = life[0].payload.clone();
        copy[24..28].copy_from_slice(&length.to_be_bytes());
        probe(&mut lab, Who::East, &life[0], &copy);
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 6)]);
    let mut longer = life[0].payload.clone();
    longer.push(0);
    probe(&mut lab, Who::East, &life[0], &longer);
    assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 7)]);
}

/// A message that another IKE SA's keys made.
#[test]
fn messages_of_another_ike_sa() {
    let mut one = at_stage(4);
    let mut other = Lab::new();
    other.west = Side::new(WEST, 9, adit_ike::Settings::default());
    let now = other.now;
    other
        .west
        .endpoint
        .set_connection(now, std::sync::Arc::new(connection(Who::West)));
    other.up();
    let foreign = other.history[2].clone();
    let outcome = probe(&mut one, Who::East, &foreign, &foreign.payload);
    assert_eq!(outcome, Outcome::Dropped { timer_moved: false });
    // The same octets under this IKE SA's SPIs.
    let mut spliced = foreign.payload.clone();
    spliced[..16].copy_from_slice(&one.history[2].payload[..16]);
    spliced[23] = 2;
    spliced[18] = 37;
    probe(&mut one, Who::East, &foreign, &spliced);
    assert_eq!(
        one.east.drops(),
        [
            (DropReason::IkeUnknownSpi, 1),
            (DropReason::IkeAuthenticity, 1)
        ]
    );
}

/// Whoever sends the longest possible message doesn't get to fill the memory of events with it.
#[test]
fn abuse_38_an_event_about_a_huge_message_is_small() {
    let header = Header::v2(
        IkeSpi(7),
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(true, false),
        0,
    );
    let ke = Payload::Ke(KePayload {
        method: KeMethod::CURVE25519,
        data: vec![9; 32],
    });
    let nonce = Payload::Nonce(Nonce(vec![1; 32]));
    let strange = |number: u8| Proposal {
        number,
        protocol: ProtocolId::IKE,
        spi: Vec::new(),
        transforms: (0..30)
            .map(|n| Transform::encr(EncrId(1000 + u16::from(number) * 30 + n), Some(128)))
            .collect(),
    };
    let many_proposals = SaPayload {
        proposals: (1..=150).map(strange).collect(),
    };
    let many_notifies = (0..7000).map(|n| Payload::Notify(Notify::new(NotifyType(40_000 + n))));
    let first = [Payload::Sa(peer::ike_sa(&[])), ke.clone(), nonce.clone()];
    for payloads in [
        first.into_iter().chain(many_notifies).collect(),
        PayloadList(vec![Payload::Sa(many_proposals), ke, nonce]),
    ] {
        let mut lab = Lab::new();
        let message = emit_plain(&header, &payloads).unwrap();
        assert!(message.len() > 40_000 && message.len() < 65_000);
        peer::exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &message).unwrap();
        assert!(!lab.east.events.is_empty());
        for event in &lab.east.events {
            let length = event.to_string().len();
            assert!(length < 4096, "{length} octets: {:.200}", event.to_string());
        }
    }
}
