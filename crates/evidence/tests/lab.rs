//! Captures of real tunnels between two strongSwan gateways, good and broken: one file a fault, made beside the
//! initiator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::path::Path;

use adit_evidence::capture::{Capture, Vantage, case, pairs, read};
use adit_model::event::{Happening, Role};
use adit_model::fact::{Case, Known, Side};

fn capture(name: &str) -> Capture {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captures/{name}.pcap"));
    read(&std::fs::read(file).unwrap()).unwrap()
}

/// As seen beside the initiator.
fn told(name: &str) -> Case {
    let capture = capture(name);
    let (local, peer) = pairs(&capture)[0];
    let vantage = Vantage {
        local,
        peer,
        file: "wire.pcap",
    };
    case(&capture, &vantage)
}

/// A refusal behind the encryption is told by its size, and its reason isn't guessed.
#[test]
fn an_encrypted_refusal_is_seen_as_one() {
    for (name, exchange) in [
        ("wrong-psk", "IKE_AUTH"),
        ("expired-cert", "IKE_AUTH"),
        ("pfs-mismatch-rekey", "CREATE_CHILD_SA"),
    ] {
        let case = told(name);
        let refusals: Vec<_> = case
            .happenings()
            .filter_map(|(fact, h)| match h {
                Happening::PeerRefused { what, notify, .. } => {
                    Some((fact.side, fact.role, what.as_str(), *notify))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            refusals,
            [(Side::Local, Some(Role::Initiator), exchange, 0)],
            "{name}"
        );
        assert!(
            !case
                .facts
                .iter()
                .any(|f| matches!(f.what, Known::TunnelState { .. }))
        );
    }
}

#[test]
fn a_conversation_in_detail() {
    let capture = capture("dh-group-invalid-ke");
    let [conversation] = capture.conversations.as_slice() else {
        panic!("{} conversations", capture.conversations.len());
    };
    assert!(conversation.from_the_start && conversation.spi_responder.is_some());
    let [ask, want, again, chosen, ..] = conversation.messages.as_slice() else {
        panic!("too few messages");
    };
    assert_eq!(ask.exchange, "IKE_SA_INIT");
    assert_eq!(want.payloads, ["N(INVALID_KE_PAYLOAD)"]);
    assert_ne!(ask.key_exchange, again.key_exchange);
    assert_eq!(again.retransmission_of, None);
    assert_eq!(chosen.key_exchange, again.key_exchange);
    assert_eq!(chosen.proposals.len(), 1);
    // Encapsulation is forced in the lab: a source address that fits nothing.
    let nat = again.nat_detection.unwrap();
    assert!(!nat.destination_translated);
    let encapsulated = capture.flows.iter().filter(|f| f.udp && !f.one_way);
    assert_eq!(encapsulated.count(), capture.flows.len());
    assert!(
        capture
            .flows
            .iter()
            .all(|f| f.missing == 0 && f.duplicates == 0)
    );
}

#[test]
fn retransmissions_name_what_they_repeat() {
    let capture = capture("udp4500-blocked");
    let repeats: Vec<_> = capture.conversations[0]
        .messages
        .iter()
        .map(|m| (m.frame, m.retransmission_of))
        .collect();
    assert_eq!(
        repeats,
        [(1, None), (2, None), (3, None), (4, Some(3)), (5, Some(3))]
    );
}

#[test]
fn icmp_errors_say_what_they_are_about() {
    let capture = capture("pfs-mismatch-rekey");
    let [error] = capture.icmp_errors.as_slice() else {
        panic!("{:?}", capture.icmp_errors);
    };
    assert_eq!((error.about, error.to.port()), ("udp", 4500));
    assert_eq!(error.reporter, error.to.ip());
}
