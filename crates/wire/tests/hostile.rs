//! Every prefix and every single-byte mutation of real messages: an error or a value, never a panic, and a value that
//! round-trips.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;

use adit_wire::v1::V1Message;
use adit_wire::v2::{Message, PayloadList, emit_plain};

fn read_v2(datagram: &[u8]) -> bool {
    let Ok(message) = Message::parse(datagram) else {
        return false;
    };
    let again = emit_plain(&message.header, &message.payloads).unwrap();
    assert_eq!(Message::parse(&again).unwrap().payloads, message.payloads);
    if let Some(encrypted) = message.encrypted {
        // The ranges lie inside, and what is no plaintext is refused like any other bytes.
        let body = &datagram[encrypted.body()];
        let _ = PayloadList::parse(encrypted.first_inner(), body);
    }
    true
}

fn read_v1(datagram: &[u8]) -> bool {
    let Ok(message) = V1Message::parse(datagram) else {
        return false;
    };
    assert_eq!(V1Message::parse(&message.emit().unwrap()).unwrap(), message);
    true
}

fn every_prefix_and_mutation(datagram: &[u8], read: fn(&[u8]) -> bool) {
    assert!(read(datagram));
    for length in 0..datagram.len() {
        assert!(
            !read(&datagram[..length]),
            "a prefix never has the length that the header says"
        );
    }
    let mut mutated = datagram.to_vec();
    for at in 0..datagram.len() {
        for value in 0..=255 {
            mutated[at] = value;
            read(&mutated);
        }
        mutated[at] = datagram[at];
    }
}

#[test]
fn ikev2_messages_of_every_kind() {
    for datagram in common::datagrams() {
        every_prefix_and_mutation(&datagram, read_v2);
    }
}

#[test]
fn ikev1_messages() {
    for message in [common::v1_offer(), common::v1_refusal()] {
        every_prefix_and_mutation(&message.emit().unwrap(), read_v1);
    }
}

#[test]
fn abuse_03_inner_payloads_of_every_kind() {
    for list in [
        common::auth_request(),
        common::auth_response(),
        common::rekey_child_request(),
        common::informational(),
    ] {
        let mut inner = Vec::new();
        let first = list.emit(&mut inner).unwrap();
        for length in 0..inner.len() {
            assert!(PayloadList::parse(first, &inner[..length]).is_err());
        }
        let mut mutated = inner.clone();
        for at in 0..inner.len() {
            for value in 0..=255 {
                mutated[at] = value;
                let _ = PayloadList::parse(first, &mutated);
            }
            mutated[at] = inner[at];
        }
    }
}

#[test]
fn recorded_exchanges() {
    let Some(shared) = common::capture::shared() else {
        println!("skipped: mutations of recorded exchanges, no shared folder");
        return;
    };
    let mut seen = std::collections::HashSet::new();
    for path in common::capture::captures(&shared.join("lab/faults")) {
        for (datagram, version) in common::capture::ike_datagrams(&std::fs::read(&path).unwrap()) {
            if seen.insert(datagram.clone()) {
                every_prefix_and_mutation(&datagram, if version == 1 { read_v1 } else { read_v2 });
            }
        }
    }
    println!("{} recorded messages mutated", seen.len());
    assert!(
        !seen.is_empty(),
        "the recorded exchanges are there and none was read"
    );
}
