//! A case with what is known of the future, for the tests of rules.
#![allow(clippy::unwrap_used)]

use adit_model::ahead::{Ahead, Weight};
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Start};
use adit_model::fact::{Case, Fact, Known, Side, Source};
use adit_model::proposal::{Proposal, SaKind};
use adit_model::selector::Selector;

use super::{Forewarning, foresee};

/// A selector.
pub(super) fn net(text: &str) -> Selector {
    text.parse().unwrap()
}

/// A tunnel between two networks.
pub(super) fn connection() -> Connection {
    let esp = |text| Proposal::parse(text, SaKind::Esp).unwrap();
    Connection {
        name: "office".to_owned(),
        local: Some([192, 0, 2, 1].into()),
        local_interface: None,
        remote: Remote::Address([192, 0, 2, 2].into()),
        local_id: "west.lab".parse().unwrap(),
        remote_id: Some("east.lab".parse().unwrap()),
        ppk: None,
        auth: Authentication::PSK,
        ike: vec![Proposal::parse("aes256gcm16-prfsha256-x25519", SaKind::Ike).unwrap()],
        start: Start::Auto,
        children: vec![Child {
            name: "lan".to_owned(),
            local_ts: vec![net("10.1.0.0/24")],
            remote_ts: vec![net("10.2.0.0/24")],
            esp: vec![esp("aes256gcm16-x25519"), esp("aes128gcm16")],
            mode: Mode::Tunnel,
            replay_window: 64,
            life: adit_model::life::ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: core::time::Duration::from_secs(30),
        retransmit: adit_model::connection::Retransmit::default(),
        window: 1,
        force_encap: false,
        mobike: false,
        remote_port: 500,
        inner: adit_model::inner::InnerAddresses::default(),
        life: adit_model::life::Life::default(),
        protection: adit_model::connection::Protection::Required,
        interface: None,
        monitor: None,
    }
}

/// What is foreseen of this tunnel.
pub(super) fn of(connection: Connection, facts: Vec<Ahead>) -> Vec<Forewarning> {
    let fact = |what: Known, text: String| Fact {
        source: Source {
            name: "host".to_owned(),
            line: None,
            text,
        },
        at: None,
        side: Side::Local,
        subject: Some("office".to_owned()),
        role: None,
        what,
    };
    let mut all = vec![fact(
        Known::Configured {
            connection: Box::new(connection),
        },
        "configured".to_owned(),
    )];
    all.extend(facts.into_iter().map(|ahead| {
        let text = ahead.to_string();
        let ahead = Box::new(ahead);
        fact(Known::Ahead { ahead }, text)
    }));
    foresee(&Case {
        subject: "office".to_owned(),
        facts: all,
        ..Case::default()
    })
}

/// The causes that are foreseen, notes in brackets.
pub(super) fn causes(found: &[Forewarning]) -> Vec<String> {
    let word = |f: &Forewarning| match f.weight {
        Weight::Warning => f.cause.clone(),
        Weight::Note => format!("({})", f.cause),
    };
    found.iter().map(word).collect()
}
