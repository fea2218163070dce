//! What an IKE SA and its CHILD SA cost a responder: `cargo bench -p adit-ike`.
//!
//! `responder` is the processor time that the responding endpoint spends from the first datagram to the established pair:
//! two requests read, a key exchange, keys derived, both AUTH values made by the key holder, two responses, events and
//! all. `bare` is the cryptography in it and nothing else. `memory` says what an endpoint keeps of each of 10,000 pairs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
#![allow(clippy::disallowed_methods)] // reads how much memory the process has

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adit_crypto::auth::{auth_octets, psk_auth};
use adit_crypto::provider::aws_lc;
use adit_crypto::{ChildKeys, IkeKeyInputs, IkeKeys, Provider, Secret, SkCipher};
use adit_ike::key_holder::Credentials;
use adit_ike::{Endpoint, Output, Settings};
use adit_model::connection::{
    Authentication, Child, Connection, Leeway, Mode, Remote, Retransmit, Start,
};
use adit_model::inner::InnerAddresses;
use adit_model::life::{ChildLife, Life};
use adit_model::proposal::{Proposal, SaKind};
use adit_model::{Mono, Now, Wall};
use adit_wire::iana::{EncrId, KeMethod, PrfId};
use criterion::{Criterion, criterion_group, criterion_main};

/// Octets that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; only its size is counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PORT: u16 = 500;
const KEY: &[u8] = b"a shared secret of some length";
const NOW: Now = Now {
    mono: Mono(1_000_000_000),
    wall: Wall(1_700_000_000_000),
};
const EAST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn connection(ike: &str, local: &str, remote_id: Option<&str>, remote: Remote) -> Connection {
    let (here, there) = match local {
        "east.lab" => ("10.2.0.0/24", "10.1.0.0/24"),
        _ => ("10.1.0.0/24", "10.2.0.0/24"),
    };
    Connection {
        name: "site".to_owned(),
        local: None,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        remote,
        local_id: local.parse().unwrap(),
        remote_id: remote_id.map(|id| id.parse().unwrap()),
        ppk: None,
        auth: Authentication::PSK,
        ike: vec![Proposal::parse(ike, SaKind::Ike).unwrap()],
        start: Start::Passive,
        children: vec![Child {
            name: "lan".to_owned(),
            local_ts: vec![here.parse().unwrap()],
            remote_ts: vec![there.parse().unwrap()],
            esp: vec![Proposal::parse("aes128gcm16", SaKind::Esp).unwrap()],
            mode: Mode::Tunnel,
            replay_window: 64,
            life: ChildLife::default(),
            leeway: Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::ZERO,
        retransmit: Retransmit::default(),
        window: 1,
        force_encap: false,
        inner: InnerAddresses::default(),
        mobike: false,
        remote_port: PORT,
        life: Life::default(),
    }
}

fn responder(ike: &str) -> Endpoint {
    let settings = Settings {
        half_open_limit: u32::MAX,
        ..Settings::default()
    };
    let mut east = Endpoint::new(settings, aws_lc(), [2; 32]);
    let anybody = connection(ike, "east.lab", None, Remote::Any);
    east.set_connection(NOW, Arc::new(anybody));
    east
}

fn initiator(ike: &str, number: usize) -> Endpoint {
    let mut west = Endpoint::new(Settings::default(), aws_lc(), [1; 32]);
    let me = format!("west{number}.lab");
    let remote = Remote::Address(EAST);
    let one = connection(ike, &me, Some("east.lab"), remote);
    west.set_connection(NOW, Arc::new(one));
    west
}

/// The processor time that this thread has had: other processes don't count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap();
    Duration::new(u64::try_from(time.tv_sec).unwrap(), nanos)
}

/// Carries out what an endpoint puts out; returns the datagrams.
fn drain(endpoint: &mut Endpoint, provider: &Provider, credentials: &Credentials) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    while let Some(output) = endpoint.poll_output() {
        match output {
            Output::Transmit { payload, .. } => datagrams.push(payload),
            Output::KeyRequest { id, request } => {
                let answer = credentials.answer(provider, NOW.wall, &request);
                endpoint.handle_answer(NOW, id, answer);
            }
            other => {
                black_box(other);
            }
        }
    }
    datagrams
}

/// One whole set-up from the address of initiator `number`; the time that the responder spent.
fn connect(east: &mut Endpoint, ike: &str, number: usize, provider: &Provider) -> Duration {
    let key = Credentials::psk(Secret::from(KEY));
    let mut west = initiator(ike, number);
    let bits = u32::try_from(number).unwrap();
    let from = IpAddr::V4(Ipv4Addr::from_bits(0x0a40_0000 + bits));
    let (west_at, east_at) = (SocketAddr::new(from, PORT), SocketAddr::new(EAST, PORT));
    west.initiate(NOW, "site", from, EAST).unwrap();
    let mut requests = drain(&mut west, provider, &key);
    let mut spent = Duration::ZERO;
    while !requests.is_empty() {
        let begun = processor_time();
        for request in &requests {
            east.handle_datagram(NOW, east_at, west_at, request);
        }
        let responses = drain(east, provider, &key);
        spent += processor_time() - begun;
        requests = Vec::new();
        for response in &responses {
            west.handle_datagram(NOW, west_at, east_at, response);
            requests.extend(drain(&mut west, provider, &key));
        }
    }
    let up = west.snapshot();
    assert!(up.iter().any(|sa| !sa.children.is_empty()), "{up:?}");
    spent
}

/// The operations of a responder for x25519, AES-GCM-128, PRF-HMAC-SHA2-256 and a pre-shared key.
fn bare(provider: &Provider, peer_public: &[u8], sealed: &[u8], keys: &IkeKeys) {
    let suite = provider
        .ike_suite(
            EncrId::ENCR_AES_GCM_16,
            Some(128),
            None,
            PrfId::PRF_HMAC_SHA2_256,
        )
        .unwrap();
    let ke = provider.ke(KeMethod::CURVE25519).unwrap();
    let (_, shared) = ke.respond(&*provider.random, peer_public).unwrap();
    let (nr, spi_r) = (
        provider.random_octets::<32>(),
        provider.random_octets::<8>(),
    );
    let inputs = IkeKeyInputs {
        ni: &[1; 32],
        nr: &nr,
        shared: &shared,
        spi_i: [1; 8],
        spi_r,
    };
    let derived = IkeKeys::derive(&suite, &inputs);
    let open = SkCipher::new(&suite.protection, keys.sk_ei.expose(), &[]).unwrap();
    let mut seal = SkCipher::new(&suite.protection, derived.sk_er.expose(), &[]).unwrap();
    let mut message = sealed.to_vec();
    open.open(&mut message, 32).unwrap();
    let key = Secret::from(KEY);
    for sk_p in [&derived.sk_pi, &derived.sk_pr] {
        let octets = auth_octets(&[0; 400], &nr, suite.prf, sk_p, &[2; 12]);
        black_box(psk_auth(suite.prf, &key, &octets));
    }
    let esp = provider
        .protection(EncrId::ENCR_AES_GCM_16, Some(128), None)
        .unwrap();
    black_box(ChildKeys::derive(
        &esp,
        suite.prf,
        &derived.sk_d,
        None,
        &[1; 32],
        &nr,
        &[],
    ));
    let _: [u8; 4] = provider.random_octets();
    let mut response = vec![0; 32];
    seal.seal(&mut response, 28, &[0; 160]).unwrap();
    black_box(response);
}

fn cost(c: &mut Criterion) {
    let provider = aws_lc();
    let mut group = c.benchmark_group("responder");
    for ike in [
        "aes128gcm16-prfsha256-x25519",
        "aes128gcm16-prfsha256-x25519-ke1_mlkem768",
    ] {
        group.bench_function(ike, |b| {
            b.iter_custom(|times| {
                let mut east = responder(ike);
                (0..usize::try_from(times).unwrap())
                    .map(|number| connect(&mut east, ike, number, &provider))
                    .sum()
            });
        });
    }
    group.bench_function("bare", |b| {
        let ke = provider.ke(KeMethod::CURVE25519).unwrap();
        let (_, public) = ke.start(&*provider.random);
        let suite = provider
            .ike_suite(
                EncrId::ENCR_AES_GCM_16,
                Some(128),
                None,
                PrfId::PRF_HMAC_SHA2_256,
            )
            .unwrap();
        let inputs = IkeKeyInputs {
            ni: &[1; 32],
            nr: &[2; 32],
            shared: &Secret::from([3; 32].as_slice()),
            spi_i: [1; 8],
            spi_r: [2; 8],
        };
        let keys = IkeKeys::derive(&suite, &inputs);
        let mut seal = SkCipher::new(&suite.protection, keys.sk_ei.expose(), &[]).unwrap();
        let mut sealed = vec![0; 32];
        seal.seal(&mut sealed, 28, &[0; 300]).unwrap();
        b.iter_custom(|times| {
            let begun = processor_time();
            for _ in 0..times {
                bare(&provider, &public, &sealed, &keys);
            }
            processor_time() - begun
        });
    });
    group.finish();
}

/// Resident memory of this process in octets.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

fn memory(_: &mut Criterion) {
    const PAIRS: usize = 10_000;
    let provider = aws_lc();
    let ike = "aes128gcm16-prfsha256-x25519";
    let mut east = responder(ike);
    for number in 0..100 {
        connect(&mut east, ike, number, &provider);
    }
    let (live, pages) = (LIVE.load(Ordering::Relaxed), resident());
    for number in 100..100 + PAIRS {
        connect(&mut east, ike, number, &provider);
    }
    let rust = LIVE.load(Ordering::Relaxed) - live;
    let all = resident().saturating_sub(pages);
    assert_eq!(east.snapshot().len(), 100 + PAIRS);
    println!(
        "memory: {} octets for each of {PAIRS} pairs; {} with what the library for cryptography and the allocator hold",
        rust / PAIRS,
        all / PAIRS
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(6));
    targets = cost, memory
}
criterion_main!(benches);
