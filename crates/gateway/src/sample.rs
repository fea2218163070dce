//! A connection to test with.

use std::time::Duration;

use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::life::{ChildLife, Life};
use adit_model::proposal::{Proposal, SaKind};

pub(crate) fn esp(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Esp).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn connection(name: &str) -> Connection {
    let ike = Proposal::parse("aes128gcm16-prfsha256-x25519", SaKind::Ike);
    let parse = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text}"));
    Connection {
        name: name.to_owned(),
        local: "192.0.2.1".parse().ok(),
        remote: Remote::Address([192, 0, 2, 2].into()),
        local_id: adit_model::identity::Identity::Fqdn("west.example".to_owned()),
        remote_id: Some(adit_model::identity::Identity::Fqdn(
            "east.example".to_owned(),
        )),
        auth: Authentication::PSK,
        ike: ike.into_iter().collect(),
        start: Start::Auto,
        children: vec![Child {
            name: "lan".to_owned(),
            local_ts: vec![parse("10.1.0.0/24")],
            remote_ts: vec![parse("10.2.0.0/24")],
            esp: vec![esp("aes128gcm16-x25519")],
            mode: Mode::Tunnel,
            replay_window: 64,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::from_secs(30),
        retransmit: Retransmit::default(),
        window: 1,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        mobike: false,
        remote_port: 500,
        ppk: None,
        life: Life::default(),
    }
}
