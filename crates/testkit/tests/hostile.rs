//! Every prefix and every single-byte change of every message of a recorded day, told to both sides before the real
//! message: nothing panics, each counts once, and the day goes on as if it had not happened.

#![allow(clippy::unwrap_used)]

mod common;

use adit_model::Now;
use adit_model::event::{Event, Happening};
use adit_sim::{Input, LinkSettings, Told};
use adit_testkit::replay::Replay;
use adit_wire::iana::ExchangeType;
use adit_wire::v2::Header;
use common::{Side, recorded_day};

/// The input with another message in it.
fn with_message(input: &Input, message: Vec<u8>) -> Input {
    match &input.told {
        Told::Datagram { local, remote, .. } => Input {
            at: input.at,
            told: Told::Datagram {
                local: *local,
                remote: *remote,
                message,
            },
        },
        _ => input.clone(),
    }
}

/// All prefixes, and all messages with one byte changed in one of three ways.
fn spoilt(message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let prefixes = (0..message.len()).map(|n| message[..n].to_vec());
    let changes = (0..message.len()).flat_map(|n| {
        [0x01, 0x80, 0xff].map(|bits| {
            let mut changed = message.to_vec();
            changed[n] ^= bits;
            changed
        })
    });
    prefixes.chain(changes)
}

fn message_of(input: &Input) -> Option<&[u8]> {
    match &input.told {
        Told::Datagram { message, .. } => Some(message),
        _ => None,
    }
}

fn is_init(message: &[u8]) -> bool {
    Header::parse(message).is_ok_and(|header| header.exchange == ExchangeType::IKE_SA_INIT)
}

/// What happened apart from drops.
fn without_drops(events: &[Event]) -> Vec<(Now, Happening)> {
    events
        .iter()
        .filter(|event| !matches!(event.what, Happening::Dropped { .. }))
        .map(|event| (event.at, event.what.clone()))
        .collect()
}

/// Messages under keys: whatever is changed, the integrity check or a check before it sees it.
#[test]
fn spoilt_protected_messages_change_nothing_and_count_once() {
    let mut told = 0;
    for Side {
        setup,
        inputs,
        events,
    } in recorded_day(1, LinkSettings::default())
    {
        let mut replay = Replay::new(setup);
        for input in &inputs {
            if let Some(right) = message_of(input).filter(|message| !is_init(message)) {
                let named = |octets: &[u8]| {
                    let header = Header::parse(octets).ok();
                    header.map(|h| (h.spi_i, h.spi_r, h.flags.initiator))
                };
                for message in spoilt(right) {
                    // One change makes another exchange of the message; an IKE_SA_INIT begins something new.
                    if is_init(&message) {
                        continue;
                    }
                    let (drops, sas, sent, changes) = (
                        replay.drops(),
                        replay.ike_sas(),
                        replay.sent.len(),
                        replay.changes,
                    );
                    replay.tell(&with_message(input, message.clone()));
                    assert_eq!(replay.drops(), drops + 1, "{message:02x?}");
                    assert_eq!(replay.ike_sas(), sas);
                    // A request of a later version is told that this one is spoken (RFC 7296 2.5), and one for an IKE SA
                    // that isn't there that it isn't (1.5); nothing else.
                    let answered = Header::parse(&message).is_ok_and(|h| {
                        h.version.major > 2 || !h.flags.response && named(&message) != named(right)
                    });
                    assert!(replay.sent.len() <= sent + usize::from(answered));
                    assert_eq!(replay.changes, changes);
                    told += 1;
                }
            }
            replay.tell(input);
        }
        assert_eq!(without_drops(&replay.events), without_drops(&events));
    }
    assert!(told > 2000, "{told} spoilt messages");
}

/// IKE_SA_INIT is not protected: what is changed may be believed and spoil the attempt, no more than that.
#[test]
fn spoilt_unprotected_messages_do_no_more_than_spoil_the_attempt() {
    for Side { setup, inputs, .. } in recorded_day(2, LinkSettings::default()) {
        let first = inputs
            .iter()
            .position(|input| message_of(input).is_some())
            .unwrap();
        for message in spoilt(message_of(&inputs[first]).unwrap()) {
            let mut replay = Replay::new(setup.clone());
            inputs[..first].iter().for_each(|input| replay.tell(input));
            replay.tell(&with_message(&inputs[first], message));
            inputs[first..].iter().for_each(|input| replay.tell(input));
            assert!(replay.ike_sas().len() <= 2, "one of them half open");
        }
    }
}
