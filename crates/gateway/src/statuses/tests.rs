#![allow(clippy::unwrap_used)]
//! A server of our own, and a CA that revokes.

use std::io::{Read, Write};
use std::net::TcpListener;

use adit_crypto::pki::issue::{Issuer, Revocation, Template, self_signed};
use adit_crypto::pki::{Cert, Chain, ChainPolicy, NewKey, RevocationPolicy, SigningKey, Trust};
use adit_crypto::provider;
use adit_model::certificate_reason::CertificateReason;

use super::*;

const NOW: Wall = Wall(1_795_219_200_000);
const DAY: u64 = 86_400_000;

struct World {
    ca: Cert,
    key: SigningKey,
    chain: Chain,
}

fn world(url: &str) -> World {
    let random = provider::fake(7).random;
    let key = SigningKey::generate(NewKey::Ed25519, &*random).unwrap().0;
    let (from, until) = (Wall(NOW.0 - DAY), Wall(NOW.0 + 30 * DAY));
    let template = Template::authority("CN=Root".parse().unwrap(), from, until);
    let ca = self_signed(&key, &template, &*random).unwrap();
    let names = vec!["gw.lab".parse().unwrap()];
    let mut template = Template::host("CN=gw".parse().unwrap(), names, from, until);
    template.crl_urls = vec![url.to_owned()];
    let issuer = Issuer {
        cert: &ca,
        key: &key,
    };
    let gw = issuer.issue(key.public(), &template, &*random).unwrap();
    let trust = Trust {
        anchors: vec![ca.clone()],
        ..Trust::default()
    };
    let chain = trust.chain(&gw, &[], NOW, &ChainPolicy::default()).unwrap();
    World { ca, key, chain }
}

impl World {
    fn list(&self, revoked: bool) -> Vec<u8> {
        let issuer = Issuer {
            cert: &self.ca,
            key: &self.key,
        };
        let gw = self.chain.leaf().unwrap();
        let entry = Revocation {
            serial: gw.serial().to_vec(),
            at: Wall(NOW.0 - DAY),
            reason: 1,
        };
        let entries = if revoked { vec![entry] } else { Vec::new() };
        let (from, until) = (Wall(NOW.0 - DAY), Wall(NOW.0 + DAY));
        issuer.revocation_list(1, &entries, from, until).unwrap()
    }

    fn judged(&self, statuses: &Statuses, now: Mono) -> Result<(), CertificateReason> {
        let documents = statuses.documents(now);
        let judged = self
            .chain
            .revocation(&documents, NOW, RevocationPolicy::IfUri);
        judged.map_err(|refused| refused.reason)
    }

    fn questions(&self) -> Vec<Question> {
        let needs = self.chain.needs(&Documents::default(), NOW);
        needs.into_iter().map(|need| (need, [7; 16])).collect()
    }
}

/// Answers one request with what `answer` makes.
fn serve(listener: TcpListener, answer: Vec<u8>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let count = stream.read(&mut asked).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&answer).unwrap();
        String::from_utf8_lossy(&asked[..count]).into_owned()
    })
}

fn run<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(what)
}

#[test]
fn a_list_is_fetched_kept_and_believed() {
    for revoked in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/root.crl", listener.local_addr().unwrap());
        let world = world(&url);
        let mut statuses = Statuses::default();
        let unknown = world.judged(&statuses, Mono(0));
        assert!(matches!(
            unknown,
            Err(CertificateReason::StatusUnknown { .. })
        ));
        let server = serve(listener, world.list(revoked));
        let fetched = run(fetch(world.questions(), NOW, true));
        assert!(
            server
                .join()
                .unwrap()
                .starts_with("GET /root.crl HTTP/1.0\r\n")
        );
        statuses.keep(fetched, Mono(0));
        let judged = world.judged(&statuses, Mono(0));
        if revoked {
            assert!(matches!(judged, Err(CertificateReason::Revoked { .. })));
        } else {
            assert_eq!(judged, Ok(()));
        }
        // Nothing has to be asked again.
        assert_eq!(world.chain.needs(&statuses.documents(Mono(0)), NOW), []);
    }
}

#[test]
fn a_source_that_fails_is_named_and_left_alone_for_a_while() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/root.crl", listener.local_addr().unwrap());
    let world = world(&url);
    let server = serve(listener, b"no list".to_vec());
    let mut statuses = Statuses::default();
    statuses.keep(run(fetch(world.questions(), NOW, true)), Mono(0));
    server.join().unwrap();
    let Err(CertificateReason::StatusUnknown { why }) = world.judged(&statuses, Mono(0)) else {
        panic!("unknown");
    };
    assert!(why[0].starts_with(&url), "{why:?}");
    let mut need = world.questions().remove(0).0;
    assert!(!statuses.worth_asking(&mut need.clone(), Mono(0) + SULK / 2));
    assert!(statuses.worth_asking(&mut need, Mono(0) + SULK));
}

/// A list that somebody else signed doesn't help, and a server on this host isn't asked.
#[test]
fn abuse_61_what_is_fetched_must_be_signed_and_this_host_is_not_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/root.crl", listener.local_addr().unwrap());
    let world = world(&url);
    let fetched = run(fetch(world.questions(), NOW, false));
    assert!(
        fetched.failures[0].1.contains("may be asked"),
        "{:?}",
        fetched.failures
    );
    let mut forged = world.list(false);
    *forged.last_mut().unwrap() ^= 1;
    let server = serve(listener, forged);
    let fetched = run(fetch(world.questions(), NOW, true));
    server.join().unwrap();
    assert!(fetched.lists.is_empty() && fetched.failures.len() == 1);
}
