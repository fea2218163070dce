//! Certificates that configurations name, judged at a point in time and against the other end's CAs.
#![allow(clippy::unwrap_used)]

use adit_diagnose::{End, Outcome, check};
use adit_model::credential::{
    Certificate, Credential, FileRole, Item, KeyAlgorithm, Look, NamedFile, PublicKey,
};
use adit_model::fact::Source;
use adit_model::now::Wall;

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
            connection: None,
            source: Source {
                name: "ipsec.conf".to_owned(),
                line: Some(3),
                text: "leftcert=a.pem".to_owned(),
            },
        },
        path: "/etc/a.pem".to_owned(),
        look: Look::Holds(vec![Item::Certificate(Box::new(certificate))]),
    };
    End {
        credentials: files.into_iter().map(credential).collect(),
        ..End::default()
    }
}

fn causes(ours: &End, theirs: Option<&End>, day: u64) -> Vec<(String, Outcome)> {
    check(ours, theirs, Some(Wall(day * DAY)))
        .findings
        .into_iter()
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
    let other = certificate(3, 3, true);
    let report = check(&ours, Some(&trusts(other.clone())), Some(Wall(150 * DAY)));
    assert_eq!(report.findings[0].cause, "ca-not-trusted");
    assert_eq!(report.findings[0].outcome, Outcome::FailsAtIke);
    // A certificate in between leads to the CA.
    let ours = end(vec![
        (FileRole::Certificate, certificate(1, 2, false)),
        (FileRole::Beside, certificate(2, 3, true)),
    ]);
    assert_eq!(causes(&ours, Some(&trusts(other)), 150), []);
}
