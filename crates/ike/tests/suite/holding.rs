//! The key holder with real certificates: what one side signs the other verifies, each flaw is refused with its own reason,
//! and what has to be fetched is said at the right moment.

use std::sync::Arc;

use adit_crypto::Secret;
use adit_crypto::pki::issue::{Issuer, Revocation, Template, self_signed};
use adit_crypto::pki::{
    Cert, ChainPolicy, Documents, NewKey, RevocationList, RevocationPolicy, SigningKey, Trust,
};
use adit_crypto::provider::fake;
use adit_ike::key_holder::{Accepted, Authorities, Credentials, Own, OwnCertificate};
use adit_ike::{KeyAnswer, KeyRequest, PeerSupport, Signed, ToSign, ToVerify};
use adit_model::Wall;
use adit_model::certificate_reason::CertificateReason as Why;
use adit_model::connection::AuthKind;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, HashAlgorithm, PrfId};

const NOW: Wall = Wall(1_795_219_200_000);
const DAY: u64 = 86_400_000;

fn key(seed: u64) -> (SigningKey, Secret) {
    SigningKey::generate(NewKey::Ed25519, &*fake(seed).random).unwrap()
}

struct Ca {
    cert: Cert,
    key: SigningKey,
}

impl Ca {
    fn new(name: &str, seed: u64) -> Self {
        let (from, until) = (Wall(NOW.0 - DAY), Wall(NOW.0 + 365 * DAY));
        let template = Template::authority(name.parse().unwrap(), from, until);
        let key = key(seed).0;
        let cert = self_signed(&key, &template, &*fake(seed).random).unwrap();
        Self { cert, key }
    }

    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            cert: &self.cert,
            key: &self.key,
        }
    }

    fn host(&self, name: &str, seed: u64) -> OwnCertificate {
        let (from, until) = (Wall(NOW.0 - DAY), Wall(NOW.0 + 30 * DAY));
        let names = vec![name.parse().unwrap()];
        let mut template =
            Template::host(format!("CN={name}").parse().unwrap(), names, from, until);
        template.crl_urls = vec!["http://crl.lab/".to_owned()];
        let key = key(seed).0;
        let cert = self
            .issuer()
            .issue(key.public(), &template, &*fake(seed).random);
        OwnCertificate::new(
            &cert.unwrap(),
            Arc::new(key),
            std::slice::from_ref(&self.cert),
        )
        .unwrap()
    }

    fn list(&self, revoked: &[&Cert]) -> RevocationList {
        let entries = revoked.iter().map(|cert| Revocation {
            serial: cert.serial().to_vec(),
            at: NOW,
            reason: 4,
        });
        let entries: Vec<Revocation> = entries.collect();
        let list = self
            .issuer()
            .revocation_list(1, &entries, NOW, Wall(NOW.0 + DAY));
        RevocationList::from_file(&list.unwrap()).unwrap()
    }
}

fn credentials(
    own: Vec<OwnCertificate>,
    trusted: &[&Ca],
    revocation: RevocationPolicy,
) -> Credentials {
    Credentials {
        own: Own::Certificates(own),
        peer: Accepted::Certificates(Arc::new(Authorities {
            trust: Trust {
                anchors: trusted.iter().map(|ca| ca.cert.clone()).collect(),
                ..Trust::default()
            },
            policy: ChainPolicy::default(),
            documents: Documents::default(),
            revocation,
        })),
        ppk: None,
        sha1: false,
    }
}

fn id(name: &str) -> Identity {
    name.parse().unwrap()
}

fn sign(west: &Credentials, authorities: Vec<[u8; 20]>) -> Signed {
    let request = KeyRequest::Sign(ToSign {
        connection: "site".into(),
        kind: AuthKind::Certificate,
        local_id: id("west.lab"),
        remote_id: id("east.lab"),
        prf: PrfId::PRF_HMAC_SHA2_256,
        octets: Secret::from(&b"octets"[..]),
        peer: PeerSupport {
            hashes: vec![HashAlgorithm::SHA2_256, HashAlgorithm::IDENTITY],
            authorities,
            ..PeerSupport::default()
        },
    });
    match west.answer(&fake(0), NOW, &request) {
        KeyAnswer::Signed(signed) => signed,
        KeyAnswer::Refused(refusal) => panic!("{refusal}"),
        _ => panic!("another answer"),
    }
}

fn to_verify(signed: &Signed, claimed: &str) -> KeyRequest {
    KeyRequest::Verify(ToVerify {
        connection: "site".into(),
        kind: AuthKind::Certificate,
        local_id: id("east.lab"),
        remote_id: id(claimed),
        prf: PrfId::PRF_HMAC_SHA2_256,
        octets: Secret::from(&b"octets"[..]),
        method: signed.method,
        proof: signed.proof.clone(),
        certificates: signed.certificates.clone(),
    })
}

fn verdict(east: &Credentials, request: &KeyRequest, fetched: &Documents) -> Result<(), Refusal> {
    match east.answer_knowing(&fake(0), NOW, request, fetched) {
        KeyAnswer::Verified => Ok(()),
        KeyAnswer::Refused(refusal) => Err(refusal),
        _ => panic!("another answer"),
    }
}

fn why(refusal: Result<(), Refusal>) -> Why {
    match refusal {
        Err(Refusal::Certificate {
            detail: Some(detail),
            ..
        }) => detail.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_side_signs_the_other_verifies() {
    let ca = Ca::new("CN=Root", 1);
    let west = credentials(
        vec![ca.host("west.lab", 2)],
        &[&ca],
        RevocationPolicy::Relaxed,
    );
    let signed = sign(&west, vec![ca.key.public().key_hash()]);
    assert_eq!(signed.method, AuthMethod(14));
    // The root isn't sent: who trusts it has it.
    assert_eq!(signed.certificates.len(), 1);
    let nothing = Documents::default();
    assert_eq!(
        verdict(&west, &to_verify(&signed, "west.lab"), &nothing),
        Ok(())
    );
    let reason = why(verdict(&west, &to_verify(&signed, "east.lab"), &nothing));
    assert!(matches!(reason, Why::Identity { .. }), "{reason}");
    let stranger = Ca::new("CN=Other", 3);
    let east = credentials(Vec::new(), &[&stranger], RevocationPolicy::Relaxed);
    let reason = why(verdict(&east, &to_verify(&signed, "west.lab"), &nothing));
    assert_eq!(
        reason,
        Why::UntrustedIssuer {
            issuer: "CN=Root".into()
        }
    );
    let mut forged = signed.clone();
    *forged.proof.last_mut().unwrap() ^= 1;
    let refusal = verdict(&west, &to_verify(&forged, "west.lab"), &nothing);
    assert!(
        matches!(refusal, Err(Refusal::Signature { .. })),
        "{refusal:?}"
    );
    let mut bare = signed;
    bare.certificates.clear();
    assert_eq!(
        why(verdict(&west, &to_verify(&bare, "west.lab"), &nothing)),
        Why::Missing
    );
}

/// RFC 7296 3.7: of several certificates, the one that the peer's authorities are above.
#[test]
fn the_peers_authorities_choose_the_certificate() {
    let (one, other) = (Ca::new("CN=One", 1), Ca::new("CN=Other", 2));
    let own = vec![one.host("west.lab", 3), other.host("west.lab", 4)];
    let west = credentials(own.clone(), &[&one, &other], RevocationPolicy::Relaxed);
    for (asked, expected) in [
        (vec![other.key.public().key_hash()], &own[1]),
        (vec![[9; 20], one.key.public().key_hash()], &own[0]),
        // A CERTREQ that names nobody whom we know is a wish, no more.
        (vec![[9; 20]], &own[0]),
        (Vec::new(), &own[0]),
    ] {
        let signed = sign(&west, asked);
        assert_eq!(signed.certificates[0].data, expected.chain[0].to_der());
    }
}

/// What to fetch is said once a chain stands and the peer has shown that it has the key, and only where the status counts.
#[test]
fn abuse_61_statuses_are_asked_for_when_everything_else_holds() {
    let ca = Ca::new("CN=Root", 1);
    let host = ca.host("west.lab", 2);
    let own = vec![host.clone()];
    let with = |revocation| credentials(own.clone(), &[&ca], revocation);
    let strict = with(RevocationPolicy::Strict);
    let signed = sign(&strict, Vec::new());
    let request = to_verify(&signed, "west.lab");
    let nothing = Documents::default();
    let needs = strict.needs(NOW, &request, &nothing);
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].crl_urls, ["http://crl.lab/"]);
    assert_eq!(
        with(RevocationPolicy::IfUri)
            .needs(NOW, &request, &nothing)
            .len(),
        1
    );
    assert_eq!(
        with(RevocationPolicy::Relaxed).needs(NOW, &request, &nothing),
        []
    );
    // Another identity, a forged proof, an untrusted CA: nothing is fetched for whoever is refused anyway.
    let mut forged = signed.clone();
    forged.proof[20] ^= 1;
    let stranger = Ca::new("CN=Other", 3);
    let elsewhere = credentials(Vec::new(), &[&stranger], RevocationPolicy::Strict);
    assert_eq!(
        strict.needs(NOW, &to_verify(&signed, "east.lab"), &nothing),
        []
    );
    assert_eq!(
        strict.needs(NOW, &to_verify(&forged, "west.lab"), &nothing),
        []
    );
    assert_eq!(elsewhere.needs(NOW, &request, &nothing), []);
    // Without an answer it is unknown; with one it is good, or revoked.
    let reason = why(verdict(&strict, &request, &nothing));
    assert!(matches!(reason, Why::StatusUnknown { .. }), "{reason}");
    let listing = |revoked: &[&Cert]| Documents {
        lists: vec![ca.list(revoked)],
        ..Documents::default()
    };
    assert_eq!(verdict(&strict, &request, &listing(&[])), Ok(()));
    assert_eq!(strict.needs(NOW, &request, &listing(&[])), []);
    let reason = why(verdict(&strict, &request, &listing(&[&host.chain[0]])));
    let Why::Revoked { cause, .. } = reason else {
        panic!("{reason}");
    };
    assert_eq!(cause, "it was superseded");
}
