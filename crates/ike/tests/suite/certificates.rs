//! Authentication with certificates and mixed with keys (RFC 7296 3.6, 3.7, RFC 7427): what is announced, asked, sent, and
//! handed to the key holder. Whether a certificate is any good is the key holder's business.

use crate::common;

use std::sync::Arc;

use adit_ike::{KeyRequest, PeerSupport, Settings, ToSign, ToVerify};
use adit_model::announced::Announced;
use adit_model::certificate_reason::CertificateReason;
use adit_model::connection::{AuthKind, Authentication, Connection};
use adit_model::event::Happening;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, CertEncoding, HashAlgorithm, NotifyType};
use adit_wire::v2::{
    Announcement, CertPayload, CertReqPayload, Message, Notify, Payload, emit_plain,
};
use common::names::{Names, certificate};
use common::peer::{Peer, esp_sa, ts};
use common::*;

const CERTIFICATES: Authentication = Authentication::both(AuthKind::Certificate);

fn with(who: Who, auth: Authentication) -> Connection {
    Connection {
        auth,
        ..connection(who)
    }
}

fn holder(name: &[u8], trusted: &'static str) -> Keys {
    Keys::Names(Names {
        certificates: vec![certificate(name), certificate(b"intermediate")],
        trusted: vec![("site", trusted)],
    })
}

/// Both have a certificate, and trust the other's.
fn lab() -> Lab {
    let mut lab = Lab::with(with(Who::West, CERTIFICATES), with(Who::East, CERTIFICATES));
    lab.west.keys = holder(b"west", "east");
    lab.east.keys = holder(b"east", "west");
    lab.west.endpoint.set_authorities("site", vec![[1; 20]]);
    lab.east
        .endpoint
        .set_authorities("site", vec![[3; 20], [2; 20]]);
    lab
}

fn signing(side: &Side) -> &ToSign {
    let requests = side.requests.iter();
    let mut found = requests.filter_map(|r| match r {
        KeyRequest::Sign(to) => Some(to),
        _ => None,
    });
    found.next_back().expect("nothing to sign")
}

fn verifying(side: &Side) -> &ToVerify {
    let requests = side.requests.iter();
    let mut found = requests.filter_map(|r| match r {
        KeyRequest::Verify(to) => Some(to),
        _ => None,
    });
    found.next_back().expect("nothing to verify")
}

fn payloads(side: &Side) -> Vec<String> {
    let lines = ladder(side);
    lines
        .iter()
        .map(|l| l[l.find('[').unwrap_or(0)..].to_owned())
        .collect()
}

fn reason(refusal: Refusal) -> CertificateReason {
    match refusal {
        Refusal::Certificate {
            detail: Some(refused),
            ..
        } => refused.reason,
        other => panic!("{other}"),
    }
}

/// What east refuses in the end.
fn refused_by_east(mut lab: Lab) -> Refusal {
    lab.initiate();
    lab.run();
    let (_, refusal, notify) = lab.east.refusals().pop().expect("east refused nothing");
    assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
    assert_eq!(lab.west.closed(), ["failed"]);
    assert_eq!(lab.east.closed(), ["failed"]);
    refusal
}

#[test]
fn each_side_says_what_it_can_verify_and_sends_its_chain() {
    let mut lab = lab();
    lab.up();
    lab.assert_tunnel();
    let sent: Vec<String> = ladder(&lab.west);
    let has = |line: usize, words: &str| assert!(sent[line].contains(words), "{}", sent[line]);
    has(0, "N(SIGNATURE_HASH_ALGORITHMS)");
    has(1, "N(SIGNATURE_HASH_ALGORITHMS)");
    has(1, "CERTREQ N(SUPPORTED_AUTH_METHODS)");
    has(
        2,
        "IDi CERT CERT N(INITIAL_CONTACT) CERTREQ N(SUPPORTED_AUTH_METHODS)",
    );
    has(3, "IDr CERT CERT AUTH");
    assert!(!sent[0].contains("CERTREQ") && !sent[3].contains("CERTREQ"));

    let hashes = vec![
        HashAlgorithm::SHA2_256,
        HashAlgorithm::SHA2_384,
        HashAlgorithm::SHA2_512,
        HashAlgorithm::IDENTITY,
    ];
    let told = signing(&lab.west);
    assert_eq!(told.kind, AuthKind::Certificate);
    assert_eq!(told.peer.hashes, hashes);
    assert_eq!(told.peer.authorities, [[2; 20], [3; 20]]);
    assert_eq!(signing(&lab.east).peer.hashes, hashes);
    assert_eq!(signing(&lab.east).peer.authorities, [[1; 20]]);
    // RFC 9593: with method 14 comes the algorithm.
    for side in [&lab.west, &lab.east] {
        let methods = &signing(side).peer.methods;
        let ed25519 = Announcement {
            method: AuthMethod::DIGITAL_SIGNATURE,
            authority: Some(0),
            algorithm: vec![0x30, 5, 6, 3, 0x2b, 0x65, 0x70],
        };
        assert!(methods.contains(&ed25519));
        let classic = |a: &&Announcement| a.algorithm.is_empty();
        let classic: Vec<u8> = methods.iter().filter(classic).map(|a| a.method.0).collect();
        assert_eq!(classic, [9, 10, 11]);
    }
    // It is told, and kept for as long as the IKE SA and those after it live.
    for side in [&lab.west, &lab.east] {
        let heard: Vec<&Announced> = side
            .events
            .iter()
            .filter_map(|e| match &e.what {
                Happening::AuthMethodsAnnounced { announced } => Some(announced),
                _ => None,
            })
            .collect();
        assert_eq!(heard.len(), 1);
        assert!(
            heard[0]
                .to_string()
                .starts_with("Ed25519, ECDSA with SHA2-256")
        );
        assert_eq!(heard[0].methods.len(), 13);
        assert_eq!(*side.ike_sa().announced, *heard[0]);
    }
    let seen = verifying(&lab.east);
    assert_eq!(seen.method, AuthMethod::DIGITAL_SIGNATURE);
    assert_eq!(seen.certificates[0].data, b"west");
    assert_eq!(seen.certificates[1].data, b"intermediate");
}

#[test]
fn peers_with_a_common_key_say_nothing_of_signatures() {
    let mut lab = Lab::new();
    lab.up();
    assert!(!payloads(&lab.west).concat().contains("SIGNATURE"));
    assert!(!payloads(&lab.west).concat().contains("CERT"));
    assert_eq!(signing(&lab.west).peer, PeerSupport::default());
}

/// One side by certificate, the other by a key that both have, either way round.
#[test]
fn sides_may_authenticate_differently() {
    let auth = |local, remote| Authentication { local, remote };
    let (psk, cert) = (AuthKind::Psk, AuthKind::Certificate);
    for (west, east) in [(psk, cert), (cert, psk)] {
        let mut lab = Lab::with(
            with(Who::West, auth(west, east)),
            with(Who::East, auth(east, west)),
        );
        let mixed = |name: &[u8], trusted| match holder(name, trusted) {
            Keys::Names(names) => Keys::Mixed(names, b"a shared secret"),
            other => other,
        };
        lab.west.keys = mixed(b"west", "east");
        lab.east.keys = mixed(b"east", "west");
        lab.up();
        lab.assert_tunnel();
        // Who has a key sends no certificate, and asks for one.
        assert_eq!(verifying(&lab.east).certificates.is_empty(), west == psk);
        assert_eq!(verifying(&lab.west).certificates.is_empty(), east == psk);
    }
}

#[test]
fn raw_public_keys_are_asked_for_and_handed_on() {
    let raw = Authentication::both(AuthKind::PublicKey);
    let mut lab = Lab::with(with(Who::West, raw), with(Who::East, raw));
    let key = |name: &[u8]| CertPayload {
        encoding: CertEncoding::RAW_PUBLIC_KEY,
        data: name.to_vec(),
    };
    lab.west.keys = Keys::Names(Names {
        certificates: vec![key(b"west")],
        trusted: vec![("site", "east")],
    });
    lab.east.keys = Keys::Names(Names {
        certificates: vec![key(b"east")],
        trusted: vec![("site", "west")],
    });
    lab.up();
    assert!(signing(&lab.west).peer.raw_keys && signing(&lab.east).peer.raw_keys);
    assert!(signing(&lab.west).peer.authorities.is_empty());
    let seen = verifying(&lab.east);
    assert_eq!(
        (seen.kind, seen.certificates[0].encoding),
        (AuthKind::PublicKey, CertEncoding::RAW_PUBLIC_KEY)
    );
}

#[test]
fn a_chain_longer_than_a_datagram_travels_in_fragments() {
    let mut lab = lab();
    if let Keys::Names(names) = &mut lab.west.keys {
        names.certificates.push(certificate(&[7; 5000]));
    }
    lab.up();
    assert!(lab.history.len() > 6);
    assert!(lab.history.iter().all(|d| d.payload.len() <= 1208));
    assert_eq!(verifying(&lab.east).certificates[2].data.len(), 5000);
}

#[test]
fn who_authenticates_otherwise_than_configured_is_told_apart() {
    for (west, east, received, expected) in [
        (CERTIFICATES, Authentication::PSK, 14, 2),
        (Authentication::PSK, CERTIFICATES, 2, 14),
    ] {
        let mut lab = Lab::with(with(Who::West, west), with(Who::East, east));
        if west == CERTIFICATES {
            lab.west.keys = holder(b"west", "east");
        }
        // A side with a key that is asked for nothing else announces nothing, and a classic method is used.
        let received = if received == 14 { 1 } else { received };
        assert_eq!(
            refused_by_east(lab),
            Refusal::AuthMethod { received, expected }
        );
    }
}

#[test]
fn an_untrusted_certificate_is_refused_on_either_side() {
    let mut lab = lab();
    lab.east.keys = holder(b"east", "somebody");
    assert_eq!(
        reason(refused_by_east(lab)),
        CertificateReason::UntrustedRoot
    );

    let mut lab = self::lab();
    lab.west.keys = holder(b"west", "somebody");
    lab.initiate();
    lab.run();
    let (_, refusal, notify) = lab.west.refusals().pop().unwrap();
    assert_eq!(reason(refusal), CertificateReason::UntrustedRoot);
    assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
    assert_eq!(
        lab.east.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

/// Connections for the same addresses and identities that trust different authorities: the peer gets the one that its
/// certificate satisfies.
#[test]
fn the_connection_is_the_one_that_the_certificate_satisfies() {
    let mut lab = Lab::bare(Settings::default(), Settings::default());
    let now = lab.now;
    lab.west
        .endpoint
        .set_connection(now, Arc::new(with(Who::West, CERTIFICATES)));
    for (name, auth) in [
        ("a-key", Authentication::PSK),
        ("research", CERTIFICATES),
        ("sales", CERTIFICATES),
    ] {
        let mut east = with(Who::East, auth);
        east.name = name.to_owned();
        east.remote_id = Some(Identity::Fqdn("*.lab".to_owned()));
        lab.east.endpoint.set_connection(now, Arc::new(east));
    }
    lab.west.keys = holder(b"west", "east");
    lab.east.keys = Keys::Names(Names {
        certificates: vec![certificate(b"east")],
        trusted: vec![("research", "north"), ("sales", "west")],
    });
    lab.up();
    assert_eq!(lab.east.ike_sa().connection.as_deref(), Some("sales"));

    // When none will have it, the first says why.
    let asked = lab.east.requests.len();
    lab.west.keys = holder(b"south", "east");
    lab.west.endpoint.terminate(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.initiate();
    lab.run();
    let (_, refusal, _) = lab.east.refusals().pop().unwrap();
    assert_eq!(reason(refusal), CertificateReason::UntrustedRoot);
    let failed = lab.east.events.last().unwrap();
    assert_eq!(failed.connection.as_deref(), Some("research"));
    assert_eq!(lab.east.requests.len() - asked, 2);
}

#[test]
fn abuse_60_more_certificates_than_are_looked_at() {
    for many in [
        vec![certificate(b"x"); 17],
        vec![certificate(&[7; 8000]); 5],
    ] {
        let mut lab = lab();
        if let Keys::Names(names) = &mut lab.west.keys {
            names.certificates = many;
        }
        lab.initiate();
        lab.run();
        let (_, refusal, notify) = lab.east.refusals().pop().unwrap();
        assert!(matches!(
            reason(refusal),
            CertificateReason::TooMany { limit: 16 } | CertificateReason::Unreadable { .. }
        ));
        assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
        assert_eq!(lab.west.closed(), ["failed"]);
        assert!(lab.east.requests.is_empty());
    }
}

/// Nothing is ever fetched for a peer: a hash and a URL are refused by their number, and so is every other encoding.
#[test]
fn abuse_61_a_certificate_by_hash_and_url_is_refused() {
    for encoding in [
        CertEncoding::HASH_AND_URL_X509,
        CertEncoding::HASH_AND_URL_BUNDLE,
        CertEncoding::PKCS7_X509,
        CertEncoding(200),
    ] {
        let mut lab = lab();
        if let Keys::Names(names) = &mut lab.west.keys {
            names.certificates[0].encoding = encoding;
        }
        lab.initiate();
        lab.run();
        let (_, refusal, _) = lab.east.refusals().pop().unwrap();
        let expected = CertificateReason::Encoding {
            encoding: encoding.0,
        };
        assert_eq!(reason(refusal), expected);
        assert!(lab.east.requests.is_empty());
    }
    // A CRL in front of it is no certificate.
    let mut lab = lab();
    if let Keys::Names(names) = &mut lab.east.keys {
        names.certificates[1].encoding = CertEncoding::CRL;
    }
    lab.up();
}

#[test]
fn abuse_62_ten_thousand_authorities_are_asked_for() {
    let mut lab = lab();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"west");
    let request = |octet: u8, count: usize| {
        Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            authorities: vec![octet; 20 * count],
        })
    };
    auth.extend([
        Payload::Cert(certificate(b"west")),
        request(1, 3000),
        Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            authorities: vec![9; 19],
        }),
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let at = auth.iter().position(|p| matches!(p, Payload::Auth(_)));
    if let Some(Payload::Auth(payload)) = auth.get_mut(at.unwrap()) {
        payload.method = AuthMethod::RSA_SIGNATURE;
    }
    lab.east.keys = Keys::Accepting(match holder(b"east", "west") {
        Keys::Names(names) => names,
        other => panic!("{other:?}"),
    });
    let answer = peer.ask(&mut lab, adit_wire::iana::ExchangeType::IKE_AUTH, auth);
    assert!(lab.east.is_up());
    // Whom it trusts changes neither what is sent nor how much of it is remembered.
    assert_eq!(answer.certs().count(), 2);
    assert_eq!(signing(&lab.east).peer.authorities.len(), 256);
}

/// RFC 7427 leaves the hash to the peer's word in a message that isn't protected yet. Who takes the notification out is
/// found out, for both sides' messages are signed.
#[test]
fn abuse_53_hash_algorithms_that_are_taken_out_on_the_way() {
    let mut lab = lab();
    lab.initiate();
    let mut request = lab.intercept().pop().unwrap();
    let message = Message::parse(&request.payload).unwrap();
    let mut kept = message.payloads.clone();
    kept.0.retain(|p| {
        !matches!(p, Payload::Notify(Notify { kind, .. })
            if *kind == NotifyType::SIGNATURE_HASH_ALGORITHMS)
    });
    request.payload = emit_plain(&message.header, &kept).unwrap();
    lab.deliver(&request);
    lab.run();
    let (_, refusal, _) = lab.east.refusals().pop().unwrap();
    assert!(matches!(refusal, Refusal::AuthValue { method: 1, .. }));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}
