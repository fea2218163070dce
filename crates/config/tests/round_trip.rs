//! What is written reads back, and nothing that is read can make the reader panic.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use core::time::Duration;
use std::net::IpAddr;

use adit_config::{
    AuthFiles, Backend, Configuration, FlightRecorder, Gateway, Offload, OwnFiles, PeerFiles,
    PpkRef, Revocation, Severity, adit,
};
use adit_model::carriage::{Carriage, Cut, Df, Dscp, Ecn, HwOffload, Mss, Tfc};
use adit_model::connection::{
    Authentication, Child, Connection, Mode, Ppk, Remote, Retransmit, Start,
};
use adit_model::identity::Identity;
use adit_model::inner::Pool;
use adit_model::life::{Action, ChildLife, Childless, Life, Unique};
use adit_model::limits::HalfOpen;
use adit_model::monitored::{Monitor, MonitorAction};
use adit_model::proposal::{Proposal, SaKind};
use adit_model::selector::Selector;
use proptest::prelude::*;

const KEYWORDS: &str = r#"[tunnel.office]
local = "192.168.0.1"
remote = "192.168.0.2"
local_id = "west.lab"
auth = { psk_file = "office.psk" }
retransmit = { initial = "1s", backoff = 2.5, max = "1m", tries = 3 }
ike = ["aes128gcm16-prfsha256-x25519"]
[tunnel.office.child.lan]
local_net = ["10.1.0.0/24"]
remote_net = ["10.2.0.0/24", "fd00::/64[tcp/443]"]
"#;

fn proposals(kind: SaKind) -> impl Strategy<Value = Vec<Proposal>> {
    let pool: &[&str] = match kind {
        SaKind::Ike => &[
            "aes128gcm16-prfsha256-x25519",
            "aes256-sha512-modp2048-ecp256",
            "3des-sha1-modp2048",
            "chacha20poly1305-prfsha384-ecp384",
        ],
        SaKind::Esp => &[
            "aes128gcm16",
            "aes256-sha256-x25519",
            "null-sha1",
            "aes192ccm8-esn",
        ],
    };
    let pool: Vec<Proposal> = pool
        .iter()
        .map(|t| Proposal::parse(t, kind).unwrap())
        .collect();
    let default = match kind {
        SaKind::Ike => adit::default_ike(),
        SaKind::Esp => adit::default_esp(),
    };
    prop_oneof![Just(default), proptest::sample::subsequence(pool, 1..=3),]
}

fn identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        "[a-z%@][a-z0-9.-]{0,12}".prop_map(Identity::Fqdn),
        Just(Identity::Fqdn("any".into())),
        "[a-z]{1,8}".prop_map(|n| Identity::Email(format!("{n}@lab.example"))),
        any::<[u8; 4]>().prop_map(|a| Identity::Address(IpAddr::from(a))),
        prop::collection::vec(any::<u8>(), 1..8).prop_map(Identity::KeyId),
    ]
}

/// One of many ways, each word and number among them.
fn carriage(n: u32) -> Carriage {
    let small = (n % 64) as u8;
    Carriage {
        dscp: [Dscp::Copy, Dscp::Fixed(small)][n as usize % 2],
        dscp_in: n.is_multiple_of(3),
        ecn: [Ecn::Normal, Ecn::Compat][n as usize / 2 % 2],
        df: [Df::Copy, Df::Set, Df::Clear][n as usize % 3],
        fragment: [Cut::Inner, Cut::Outer][n as usize / 3 % 2],
        mss: [Mss::Auto, Mss::Off, Mss::AtMost(256 + n as u16)][n as usize / 4 % 3],
        tfc: [Tfc::Off, Tfc::Mtu, Tfc::Multiple(16 + u16::from(small))][n as usize / 5 % 3],
        dummies: Duration::from_millis(u64::from(n % 7) * 10),
        hw_offload: [HwOffload::Off, HwOffload::Crypto, HwOffload::Packet][n as usize / 6 % 3],
    }
}

/// One of many monitors, each key among them.
fn monitor(n: u32, more: u64) -> Monitor {
    Monitor {
        targets: Vec::new(),
        source: None,
        interval: Duration::from_millis(500 + more),
        failures: 2 + n,
        recover: 1 + n,
        hold_down: Duration::from_millis(1000 + more),
        action: match n % 3 {
            0 => MonitorAction::WaitRecover,
            1 => MonitorAction::Rekey,
            _ => MonitorAction::ReInitiate,
        },
    }
}

fn child(name: String) -> impl Strategy<Value = Child> {
    let net = |second: u8| {
        prop::collection::hash_set(any::<u8>(), 1..4).prop_map(move |thirds| {
            thirds
                .into_iter()
                .map(|t| format!("10.{second}.{t}.0/24[tcp/80-90]").parse().unwrap())
                .collect::<Vec<Selector>>()
        })
    };
    (net(1), net(2), proposals(SaKind::Esp), 32..=4096_u32).prop_map(
        move |(local_ts, remote_ts, esp, replay_window)| Child {
            name: name.clone(),
            local_ts,
            remote_ts,
            esp,
            mode: Mode::Tunnel,
            replay_window,
            life: ChildLife {
                rekey: Duration::from_secs(60 * u64::from(replay_window)),
                lifetime: Duration::from_secs(61 * u64::from(replay_window)),
                rekey_bytes: u64::from(replay_window) * 100_000,
                lifetime_packets: u64::from(replay_window) * 100,
                ..ChildLife::default()
            },
            leeway: adit_model::connection::Leeway::default(),
            carriage: carriage(replay_window),
        },
    )
}

prop_compose! {
    fn connection(index: u8)(
        local in prop_oneof![Just(None), Just(Some(IpAddr::from([192, 0, 2, 1])))],
        remote in prop_oneof![
            Just(Remote::Any),
            Just(Remote::Name("east.example".into())),
            any::<u8>().prop_map(|d| Remote::Address(IpAddr::from([198, 51, 100, d]))),
        ],
        local_id in identity(),
        remote_id in prop::option::of(identity()),
        ike in proposals(SaKind::Ike),
        start in prop_oneof![Just(Start::Auto), Just(Start::OnDemand), Just(Start::Passive)],
        dpd in prop_oneof![Just(0), 1_000..86_400_000_u64],
        initial in 50..10_000_u64,
        more in 0..100_000_u64,
        backoff_percent in 100..=1000_u32,
        tries in 0..=20_u32,
        force_encap in any::<bool>(),
        mobike in any::<bool>(),
        remote_port in 1..=u16::MAX,
        interface in prop::option::of("[a-z][a-z0-9.]{0,14}".prop_filter("any is a word of its own", |n| n != "any")),
        children in (child("lan".into()), prop::option::of(child("voice-2".into()))),
    ) -> Connection {
        Connection {
            inner: adit_model::inner::InnerAddresses::default(),
            name: format!("t{index}"),
            local: if interface.is_some() { None } else { local },
            local_interface: interface,
            protection: if start != Start::OnDemand && force_encap {
                adit_model::connection::Protection::Optional
            } else {
                adit_model::connection::Protection::Required
            },
            interface: mobike.then(|| adit_model::connection::TunnelInterface {
                name: format!("ipsec{index}"),
                addresses: vec![format!("10.255.{index}.1/30").parse().unwrap()],
                mtu: force_encap.then_some(1350),
                routes: vec![format!("10.{index}.0.0/16").parse().unwrap(), format!("fd00:{index}::/64").parse().unwrap()],
            }),
            monitor: (index == 1 && tries % 2 == 0).then(|| monitor(tries, more)),
            start: if remote == Remote::Any { Start::Passive } else { start },
            remote,
            local_id,
            remote_id,
            auth: Authentication::PSK,
            ike,
            children: core::iter::once(children.0).chain(children.1).collect(),
            dpd_delay: Duration::from_millis(dpd),
            retransmit: Retransmit {
                initial: Duration::from_millis(initial),
                backoff_percent,
                max: Duration::from_millis(initial + more),
                tries,
            },
            window: 1 + u32::from(remote_port % 32),
            force_encap,
            mobike,
            remote_port,
            life: Life {
                rekey: Duration::from_secs(60 + u64::from(remote_port)),
                lifetime: Duration::ZERO,
                reauth: Duration::from_secs(u64::from(remote_port % 3) * 3600),
                make_before_break: remote_port % 2 == 0,
                unique: [Unique::Replace, Unique::Keep, Unique::Never][usize::from(remote_port % 3)],
                childless: [Childless::Prefer, Childless::Force][usize::from(remote_port % 2)],
                dpd_action: Some(Action::Clear),
                close_action: None,
                test_rekey: Duration::from_secs(u64::from(remote_port % 4)),
            },
            ppk: None,
        }
    }
}

/// Every pair of ways in which two sides can authenticate.
fn files(connection: &str, file: &str, own: u8, peer: u8, allow_sha1: bool) -> AuthFiles {
    let own = match own {
        0 => OwnFiles::Psk(file.into()),
        1 => OwnFiles::Certificates(vec![("a.pem".into(), file.into())]),
        2 => OwnFiles::Certificates(vec![
            (file.into(), "a.key".into()),
            ("b.pem".into(), "b.key".into()),
        ]),
        _ => OwnFiles::Key(file.into()),
    };
    let peer = match peer {
        0 => PeerFiles::Psk("two.psk".into()),
        1 => PeerFiles::Authorities {
            cas: vec!["ca.pem".into(), file.into()],
            crls: Vec::new(),
            revocation: Revocation::Relaxed,
        },
        2 => PeerFiles::Authorities {
            cas: vec!["ca.pem".into()],
            crls: vec![file.into()],
            revocation: Revocation::Strict,
        },
        _ => PeerFiles::PublicKeys(vec![file.into()]),
    };
    AuthFiles {
        connection: connection.to_owned(),
        own,
        peer,
        allow_sha1,
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(one in connection(1), two in connection(2), port in 1..4000_u16, file in "[ -~äß]{1,12}", own in 0..4_u8, peer in 0..4_u8, allow_sha1 in any::<bool>(), ppk_file in "[a-z.]{1,12}", ppk_id in "[!-~ä]{1,12}", ppk_required in any::<bool>()) {
        prop_assume!(!file.trim().is_empty());
        prop_assume!((&one.local, &one.remote) != (&two.local, &two.remote));
        let auth = files("t2", &file, own, peer, allow_sha1);
        let (mut one, mut two) = (one, two);
        if one.start == Start::Passive {
            one.inner.pools = vec!["guests".into()];
        } else {
            one.inner.wanted = vec![if ppk_required { IpAddr::from([0, 0, 0, 0]) } else { IpAddr::from([10, 2, 0, 9]) }];
            for child in &mut one.children {
                child.local_ts = vec!["0.0.0.0/0".parse().unwrap()];
            }
        }
        two.auth = auth.authentication();
        let configuration = Configuration {
            policies: vec![adit_model::policy::Policy {
                name: "p".into(),
                action: adit_model::policy::Action::Drop,
                local: vec!["10.0.0.0/8[tcp/1-9]".parse().unwrap()],
                remote: vec!["0.0.0.0/0".parse().unwrap()],
            }],
            gateway: Gateway { answer_trace: false, state_dir: Some("/tmp/a b".into()), ike_port: port, nat_t_port: port + 1, half_open: HalfOpen { limit: 900, cookies_from: 0, per_source: 7, cookies_from_per_source: 3 }, threads: port % 257, offload: if allow_sha1 { Offload::Off } else { Offload::Auto }, backend: Backend::User, recorder: FlightRecorder { on: allow_sha1, dir: (!allow_sha1).then(|| "/var/a b".into()), megabytes: 1 + u32::from(port), age: std::time::Duration::from_secs(60 * (1 + u64::from(port))), keys: !allow_sha1 }, hook: if allow_sha1 { vec![] } else { vec!["/bin/a b".into(), "x \"y\"".into()] } },
            auth: vec![AuthFiles::psk("t1", file.clone().into()), auth],
            ppks: vec![PpkRef { connection: "t1".into(), file: ppk_file.into() }],
            pools: vec![Pool {
                name: "guests".into(),
                addresses: vec!["10.2.0.0/16".parse().unwrap(), "10.3.0.4-10.3.0.9".parse().unwrap()],
                dns: vec![IpAddr::from([10, 1, 0, 53])],
                split: if ppk_required { vec!["10.1.0.0/17".parse().unwrap()] } else { Vec::new() },
                per_identity: 1 + u32::from(own),
            }],
            connections: vec![Connection { ppk: Some(Ppk { id: ppk_id, required: ppk_required }), ..one }, two],
        };
        let text = adit::write(&configuration);
        let (again, diagnostics) = adit::parse("written.toml", &text);
        let errors: String = diagnostics.iter().filter(|d| d.severity == Severity::Error).map(ToString::to_string).collect();
        prop_assert_eq!(again, Some(configuration), "{}{}", errors, text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let (configuration, diagnostics) = adit::parse("a", &text);
        prop_assert!(configuration.is_some() || !diagnostics.is_empty());
        for d in diagnostics {
            prop_assert!(text.get(d.span.clone()).is_some());
            prop_assert!(d.to_string().starts_with("a:"));
        }
    }

    #[test]
    fn no_damage_to_a_good_text_makes_the_reader_panic(at in 0..KEYWORDS.len(), len in 0..12_usize, by in "[ -~\nä]{0,6}") {
        let end = (at + len).min(KEYWORDS.len());
        let text = format!("{}{by}{}", &KEYWORDS[..at], &KEYWORDS[end..]);
        for d in adit::parse("a", &text).1 {
            prop_assert!(text.get(d.span.clone()).is_some());
            let _ = d.to_string();
        }
    }
}

#[test]
fn every_prefix_of_a_good_text_is_judged() {
    for at in 0..KEYWORDS.len() {
        let (_, diagnostics) = adit::parse("a", &KEYWORDS[..at]);
        for d in diagnostics {
            let _ = d.to_string();
        }
    }
}
