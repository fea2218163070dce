//! Certificates that configurations name, judged at a point in time and against the other end's CAs.
#![allow(clippy::unwrap_used)]

use adit_diagnose::{End, Outcome, check};
use adit_model::credential::{
    Certificate, Credential, FileRole, Item, KeyAlgorithm, Look, NamedFile, PublicKey,
};
use adit_model::fact::Source;
use adit_model::now::Wall;
use adit_model::peer_config::{AuthMethod, Dialect, PeerConnection, PeerId, Setting};

const DAY: u64 = 86_400_000;

fn certificate(number: u8, issuer: u8, authority: bool) -> Certificate {
    Certificate {
        digest: [number; 32],
        subject: format!("CN={number}"),
        issuer: format!("CN={issuer}"),
        names: Vec::new(),
        not_before: Wall(100 * DAY),
        not_after: Wall(200 * DAY),
        authority,
        key: PublicKey {
            algorithm: KeyAlgorithm::Rsa(2048),
            digest: [number; 32],
        },
        signed_by: vec![[issuer; 32]],
    }
}

fn end(files: Vec<(FileRole, Certificate)>) -> End {
    let credential = |(role, certificate): (FileRole, Certificate)| Credential {
        named: NamedFile {
            role,
            path: "a.pem".to_owned(),
            connection: Some("gw".to_owned()),
            source: Source {
                name: "ipsec.conf".to_owned(),
                line: Some(3),
                text: "leftcert=a.pem".to_owned(),
            },
        },
        path: "/etc/a.pem".to_owned(),
        look: Look::Holds(vec![Item::Certificate(Box::new(certificate))]),
    };
    let source = Source {
        name: "ipsec.conf".to_owned(),
        line: Some(1),
        text: "conn gw".to_owned(),
    };
    End {
        connections: vec![PeerConnection::new("gw", Dialect::Swanctl, source)],
        credentials: files.into_iter().map(credential).collect(),
        ..End::default()
    }
}

fn causes(ours: &End, theirs: Option<&End>, day: u64) -> Vec<(String, Outcome)> {
    check(ours, theirs, Some(Wall(day * DAY)))
        .findings
        .into_iter()
        .filter(|f| f.cause.starts_with("c") || f.cause == "private-key-missing")
        .map(|f| (f.cause, f.outcome))
        .collect()
}

#[test]
fn a_certificate_is_valid_in_its_time() {
    let own = end(vec![(FileRole::Certificate, certificate(1, 9, false))]);
    assert_eq!(causes(&own, None, 150), []);
    let told = |cause: &str, outcome| vec![(cause.to_owned(), outcome)];
    let fails = Outcome::FailsAtIke;
    assert_eq!(causes(&own, None, 99), told("cert-not-yet-valid", fails));
    assert_eq!(causes(&own, None, 201), told("cert-expired", fails));
    assert_eq!(
        causes(&own, None, 190),
        told("cert-expired", Outcome::Warning)
    );
    assert!(
        check(&own, None, None).findings.is_empty(),
        "without a clock"
    );
}

#[test]
fn each_ends_certificate_needs_a_ca_of_the_other() {
    let ours = end(vec![(FileRole::Certificate, certificate(1, 2, false))]);
    let trusts = |ca: Certificate| end(vec![(FileRole::Authority, ca)]);
    let ca = certificate(2, 2, true);
    assert_eq!(causes(&ours, Some(&trusts(ca)), 150), []);
    // Who issued it isn't at hand: a certificate in between may lead to the CA.
    let other = certificate(3, 3, true);
    let told = |outcome| vec![("ca-not-trusted".to_owned(), outcome)];
    let against = |ours: &End, theirs: &End| causes(ours, Some(theirs), 150);
    assert_eq!(
        against(&ours, &trusts(other.clone())),
        told(Outcome::Warning)
    );
    let rooted = end(vec![
        (FileRole::Certificate, certificate(1, 2, false)),
        (FileRole::Authority, certificate(2, 2, true)),
    ]);
    assert_eq!(
        against(&rooted, &trusts(other.clone())),
        told(Outcome::FailsAtIke)
    );
    // The other end holds the very certificate.
    let holds = end(vec![
        (FileRole::PeerCertificate, certificate(1, 2, false)),
        (FileRole::Authority, other.clone()),
    ]);
    assert_eq!(against(&rooted, &holds), []);
    // It holds one that can't be read.
    let mut hidden = holds.clone();
    hidden.credentials[0].look = Look::Unreadable("permission denied".to_owned());
    assert!(!against(&rooted, &hidden).contains(&told(Outcome::FailsAtIke)[0]));
    // It is of a connection that the other end has no part in.
    let mut apart = rooted.clone();
    apart.credentials[0].named.connection = Some("elsewhere".to_owned());
    assert_eq!(against(&apart, &trusts(other.clone())), []);
    // Not everything was looked at.
    let mut cut = trusts(other.clone());
    if let Look::Holds(items) = &mut cut.credentials[0].look {
        items.push(Item::More);
    }
    assert_eq!(against(&rooted, &cut), []);
    // Both folders of CAs were seen: none of what may lie between is there. Libreswan has no such folder.
    let both = end(vec![
        (FileRole::Certificate, certificate(1, 2, false)),
        (FileRole::Store, other.clone()),
    ]);
    let mut theirs = end(vec![(FileRole::Store, other.clone())]);
    assert_eq!(against(&both, &theirs)[0], told(Outcome::Warning)[0]);
    theirs.dialect = Dialect::Swanctl.to_string();
    assert_eq!(against(&ours, &theirs), told(Outcome::Warning));
    assert_eq!(against(&both, &theirs)[0], told(Outcome::FailsAtIke)[0]);
    // It takes a key without a certificate.
    let key = certificate(7, 7, false);
    let keyed = end(vec![
        (FileRole::PeerKey, key),
        (FileRole::Authority, other.clone()),
    ]);
    assert_eq!(against(&rooted, &keyed), []);
    // A certificate in between leads to the CA.
    let ours = end(vec![
        (FileRole::Certificate, certificate(1, 2, false)),
        (FileRole::Beside, certificate(2, 3, true)),
    ]);
    assert_eq!(causes(&ours, Some(&trusts(other)), 150), []);
}

#[test]
fn an_old_certificate_matters_only_where_it_is_needed() {
    let mut old = certificate(2, 2, true);
    old.not_after = Wall(120 * DAY);
    let fails = vec![("cert-expired".to_owned(), Outcome::FailsAtIke)];
    let hint = vec![("cert-expired".to_owned(), Outcome::Hint)];
    let alone = end(vec![(FileRole::Authority, old.clone())]);
    assert_eq!(causes(&alone, None, 150), fails);
    let said = &check(&alone, None, Some(Wall(150 * DAY))).findings;
    assert!(said.iter().any(|f| f.summary.ends_with("refused here")));
    let followed = end(vec![
        (FileRole::Authority, old.clone()),
        (FileRole::Authority, certificate(3, 3, true)),
    ]);
    assert_eq!(causes(&followed, None, 150), hint);
    // In the file of our certificate: its only issuer, or somebody else's.
    for (issuer, want) in [(2, &fails), (3, &hint)] {
        let mut own = end(vec![(FileRole::Certificate, certificate(1, issuer, false))]);
        if let Look::Holds(items) = &mut own.credentials[0].look {
            items.push(Item::Certificate(Box::new(old.clone())));
        }
        assert_eq!(causes(&own, None, 150), *want);
    }
}

#[test]
fn what_only_lies_there_breaks_nothing_and_what_is_not_read_is_not_damaged() {
    let with = |role, item| {
        let mut end = end(vec![(role, certificate(1, 9, false))]);
        end.credentials[0].look = Look::Holds(vec![item]);
        causes(&end, None, 150)
    };
    let damaged = || Item::Broken("CERTIFICATE".to_owned());
    let unread = || Item::Unread("DSA PRIVATE KEY".to_owned());
    let outcome = |told: Vec<(String, Outcome)>| told.first().map(|(_, o)| *o);
    assert_eq!(
        outcome(with(FileRole::Beside, damaged())),
        Some(Outcome::Hint)
    );
    assert_eq!(outcome(with(FileRole::Beside, unread())), None);
    let own = FileRole::Certificate;
    assert_eq!(
        outcome(with(own.clone(), damaged())),
        Some(Outcome::FailsAtIke)
    );
    assert_eq!(outcome(with(own, unread())), Some(Outcome::Hint));
}

#[test]
fn a_key_is_missing_only_when_all_keys_were_seen() {
    let key = Item::PrivateKey {
        encrypted: false,
        public: Some(certificate(7, 7, false).key),
        kind: Some("RSA"),
    };
    let with = |role, look| {
        let own = certificate(1, 9, false);
        let mut end = end(vec![
            (FileRole::Certificate, own.clone()),
            (FileRole::Beside, own.clone()),
            (role, own),
        ]);
        end.credentials[1].look = Look::Holds(vec![key.clone()]);
        end.credentials[2].look = look;
        let told = causes(&end, None, 150);
        told.iter().any(|(_, o)| *o == Outcome::FailsAtIke)
    };
    let no = || Look::Unreadable("permission denied".to_owned());
    assert!(with(FileRole::Beside, Look::Holds(vec![Item::Request])));
    assert!(!with(FileRole::Beside, no()));
    assert!(!with(FileRole::KeyStore, no()));
    for item in [Item::More, Item::Unread("file in DER".to_owned())] {
        assert!(!with(FileRole::Beside, Look::Holds(vec![item])));
    }
}

#[test]
fn names_are_compared_where_their_attributes_mean_the_same_to_all() {
    let with = |subject: &str, id: &str| {
        let mut own = certificate(1, 1, false);
        own.subject = subject.to_owned();
        let mut end = end(vec![(FileRole::Certificate, own)]);
        let source = end.connections[0].source.clone();
        end.connections[0].local_auth = Setting::default_of(vec![AuthMethod::PublicKey]);
        end.connections[0].local_id = Setting::written(Some(PeerId::Name(id.to_owned())), source);
        let told = causes(&end, None, 150);
        told.iter().any(|(cause, _)| cause == "cert-san-mismatch")
    };
    assert!(with("C=CH, CN=gw", "C=CH, CN=vpn"));
    assert!(!with(
        "C=CH, E=a@example.org",
        "emailAddress=a@example.org, c=CH"
    ));
    for kind in ["postalCode", "SN", "S", "surname", "N"] {
        let written = format!("{kind}=1, CN=gw");
        assert!(!with("2.5.4.17=1, CN=gw", &written), "{kind}");
    }
}
