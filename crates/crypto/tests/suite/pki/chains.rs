//! Chains, one refusal after the other.

use adit_crypto::pki::extensions::KeyUsage;
use adit_crypto::pki::issue::{Issuer, Template, self_signed};
use adit_crypto::pki::{Cert, ChainPolicy, NewKey, SigningKey, Trust, to_send};
use adit_crypto::provider;
use adit_model::certificate_reason::CertificateReason as Why;

use super::{
    NOW, Party, ca_template, chain, days, element, host_template, root, root_of, trust, why,
};

#[test]
fn a_chain_leads_over_what_the_peer_sent_to_a_trusted_ca() {
    let root = root("O=Lab, CN=Root", 1);
    let middle = root.issues(&ca_template("O=Lab, CN=Middle"), 2);
    let lower = middle.issues(&ca_template("O=Lab, CN=Lower"), 3);
    let gw = lower.issues(&host_template("gw.lab"), 4);
    let trust = trust(&[&root]);
    // In any order, with something that doesn't belong there.
    let found = chain(&trust, &gw, &[&lower, &gw, &middle, &root]).unwrap();
    let subjects: Vec<String> = found
        .certificates()
        .iter()
        .map(|c| c.subject().to_string())
        .collect();
    assert_eq!(
        subjects,
        [
            "O=Lab, CN=gw.lab",
            "O=Lab, CN=Lower",
            "O=Lab, CN=Middle",
            "O=Lab, CN=Root"
        ]
    );
    assert_eq!(found.not_after(), days(100));
    // Without the one in between.
    let (subject, reason) = why(&trust, &gw, &[&lower]);
    assert_eq!(subject, "O=Lab, CN=Lower");
    assert_eq!(
        reason,
        Why::UntrustedIssuer {
            issuer: "O=Lab, CN=Middle".into()
        }
    );
    // An intermediate CA may be trusted by itself; or be at hand.
    assert!(chain(&super::trust(&[&lower]), &gw, &[]).is_ok());
    let mut at_hand = trust.clone();
    at_hand.intermediates = vec![lower.cert.clone(), middle.cert.clone()];
    assert!(chain(&at_hand, &gw, &[]).is_ok());
    let pool = [root.cert.clone(), middle.cert.clone(), lower.cert.clone()];
    let sent: Vec<&Cert> = to_send(&gw.cert, &pool);
    assert_eq!(sent, [&gw.cert, &lower.cert, &middle.cert]);
}

#[test]
fn abuse_60_untrusted_roots_and_wrong_keys_are_told_apart() {
    let ours = root("O=Lab, CN=Root", 1);
    let theirs = root("O=Other, CN=Root", 2);
    let same_name = root("O=Lab, CN=Root", 3);
    let gw = theirs.issues(&host_template("gw.lab"), 4);
    let (_, reason) = why(&trust(&[&ours]), &gw, &[]);
    assert_eq!(
        reason,
        Why::UntrustedIssuer {
            issuer: "O=Other, CN=Root".into()
        }
    );
    let (subject, reason) = why(&trust(&[&ours]), &gw, &[&theirs]);
    assert_eq!(
        (subject.as_str(), reason),
        ("O=Other, CN=Root", Why::UntrustedRoot)
    );
    // A CA of the right name and another key.
    let gw = same_name.issues(&host_template("gw.lab"), 5);
    let (_, reason) = why(&trust(&[&ours]), &gw, &[]);
    assert_eq!(
        reason,
        Why::BadSignature {
            issuer: "O=Lab, CN=Root".into()
        }
    );
    // Both are trusted: of two with one name, the one that signed is taken (a CA whose key was renewed).
    assert!(chain(&trust(&[&ours, &same_name]), &gw, &[]).is_ok());
    // CVE-2023-26463: what signed itself is trusted only when it was configured.
    let alone = root_of(&host_template("gw.lab"), 6);
    assert_eq!(
        why(&trust(&[&ours]), &alone, &[&alone]).1,
        Why::UntrustedRoot
    );
    let pinned = Trust {
        pinned: vec![alone.cert.clone()],
        ..Trust::default()
    };
    assert!(chain(&pinned, &alone, &[]).is_ok());
}

#[test]
fn abuse_60_dates_of_every_certificate_count_and_are_told() {
    let root = root("CN=Root", 1);
    let mut template = host_template("gw.lab");
    template.not_after = days(-1);
    let old = root.issues(&template, 2);
    let (subject, reason) = why(&trust(&[&root]), &old, &[]);
    assert_eq!(subject, "O=Lab, CN=gw.lab");
    assert_eq!(
        reason,
        Why::Expired {
            not_after: days(-1),
            now: NOW
        }
    );
    template.not_after = days(10);
    template.not_before = days(1);
    let young = root.issues(&template, 3);
    let (_, reason) = why(&trust(&[&root]), &young, &[]);
    assert_eq!(
        reason,
        Why::NotYetValid {
            not_before: days(1),
            now: NOW
        }
    );
    let mut template = ca_template("CN=Old");
    template.not_after = days(-3);
    let old = root_of(&template, 4);
    let gw = old.issues(&host_template("gw.lab"), 5);
    let (subject, reason) = why(&trust(&[&old]), &gw, &[]);
    assert_eq!(subject, "CN=Old");
    assert!(matches!(reason, Why::Expired { .. }));
    // Through the last second of its end.
    let mut template = host_template("gw.lab");
    template.not_after = NOW;
    let last = root.issues(&template, 6);
    assert!(chain(&trust(&[&root]), &last, &[]).is_ok());
}

#[test]
fn abuse_60_only_cas_issue_and_no_deeper_than_they_may() {
    let root = root("CN=Root", 1);
    let host = root.issues(&host_template("gw.lab"), 2);
    let below = host.issues(&host_template("evil.lab"), 3);
    let (subject, reason) = why(&trust(&[&root]), &below, &[&host]);
    assert_eq!(
        (subject.as_str(), reason),
        ("O=Lab, CN=gw.lab", Why::NotAnAuthority)
    );
    // A CA without keyCertSign.
    let mut template = ca_template("CN=Weak");
    template.key_usage = KeyUsage::REVOKE;
    let ca = root.issues(&template, 4);
    let gw = ca.issues(&host_template("gw.lab"), 5);
    let needs = vec!["keyCertSign".to_owned()];
    let has = vec!["cRLSign".to_owned()];
    assert_eq!(
        why(&trust(&[&root]), &gw, &[&ca]).1,
        Why::KeyUsage { needs, has }
    );
    // pathLenConstraint 0 of the root allows hosts alone.
    let mut template = ca_template("CN=Flat");
    template.authority = Some(Some(0));
    let flat = root_of(&template, 6);
    let middle = flat.issues(&ca_template("CN=Middle"), 7);
    let gw = middle.issues(&host_template("gw.lab"), 8);
    let (subject, reason) = why(&trust(&[&flat]), &gw, &[&middle]);
    assert_eq!(
        (subject.as_str(), reason),
        (
            "CN=Flat",
            Why::PathLength {
                limit: 0,
                follow: 1
            }
        )
    );
    assert!(
        chain(
            &trust(&[&flat]),
            &flat.issues(&host_template("gw.lab"), 9),
            &[]
        )
        .is_ok()
    );
}

#[test]
fn usages_of_the_peers_certificate() {
    let root = root("CN=Root", 1);
    let trust = trust(&[&root]);
    let with = |change: &dyn Fn(&mut Template)| {
        let mut template = host_template("gw.lab");
        change(&mut template);
        root.issues(&template, 2)
    };
    for purposes in [
        vec![],
        vec!["2.5.29.37.0"],
        vec!["1.3.6.1.5.5.7.3.17"],
        vec!["1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.2"],
    ] {
        let gw = with(&|t| t.purposes.clone_from(&purposes));
        assert!(chain(&trust, &gw, &[]).is_ok(), "{purposes:?}");
    }
    let gw = with(&|t| t.purposes = vec!["1.3.6.1.5.5.7.3.3"]);
    let Why::ExtendedKeyUsage { has, .. } = why(&trust, &gw, &[]).1 else {
        panic!("extended key usage");
    };
    assert_eq!(has, ["codeSigning"]);
    let gw = with(&|t| t.key_usage = KeyUsage(0x2000));
    let needs = vec!["digitalSignature".to_owned(), "nonRepudiation".to_owned()];
    let has = vec!["keyEncipherment".to_owned()];
    assert_eq!(why(&trust, &gw, &[]).1, Why::KeyUsage { needs, has });
    let gw = with(&|t| t.key_usage = KeyUsage::NON_REPUDIATION);
    assert!(chain(&trust, &gw, &[]).is_ok());
}

#[test]
fn abuse_60_an_unknown_critical_extension_is_no_small_matter() {
    let root = root("CN=Root", 1);
    let mut template = host_template("gw.lab");
    template.further = vec![("1.2.3.4", false, vec![5, 0])];
    assert!(chain(&trust(&[&root]), &root.issues(&template, 2), &[]).is_ok());
    template.further = vec![("1.2.3.4", true, vec![5, 0])];
    let gw = root.issues(&template, 2);
    let reason = why(&trust(&[&root]), &gw, &[]).1;
    assert_eq!(
        reason,
        Why::CriticalExtension {
            oid: "1.2.3.4".into()
        }
    );
    // Twice the same extension can't be read.
    template.further = vec![("2.5.29.14", false, vec![4, 1, 0])];
    let twice = root
        .issuer()
        .issue(root.key.public(), &template, &*provider::fake(1).random);
    assert!(twice.is_err());
}

#[test]
fn abuse_60_loops_and_many_certificates_end() {
    // Two CAs that certify each other, cross-signed in every way, and a host below.
    let a = root("CN=A", 1);
    let b = root("CN=B", 2);
    let cross = |by: &Party, of: &Party, name: &str| Party {
        cert: by
            .issuer()
            .issue(
                of.key.public(),
                &ca_template(name),
                &*provider::fake(9).random,
            )
            .unwrap(),
        key: super::key(1),
    };
    let ab = cross(&a, &b, "CN=B");
    let ba = cross(&b, &a, "CN=A");
    let gw = a.issues(&host_template("gw.lab"), 3);
    let stranger = root("CN=Stranger", 4);
    let (_, reason) = why(&trust(&[&stranger]), &gw, &[&ab, &ba, &a, &b]);
    assert!(
        matches!(reason, Why::UntrustedIssuer { .. } | Why::UntrustedRoot),
        "{reason:?}"
    );
    assert!(chain(&trust(&[&b]), &gw, &[&ab, &ba]).is_ok());
    // A thousand CAs of one name: no more signatures are verified than is worth it.
    let crowd: Vec<Party> = (0..200).map(|n| root("CN=A", 100 + n)).collect();
    let crowd: Vec<&Party> = crowd.iter().collect();
    let (_, reason) = why(&trust(&[&stranger]), &gw, &crowd);
    assert!(matches!(reason, Why::TooMany { .. }), "{reason:?}");
    // And no chain is longer than anybody builds.
    let mut line = vec![root("CN=0", 5)];
    for n in 1..14 {
        let next = line[line.len() - 1].issues(&ca_template(&format!("CN={n}")), 5 + n);
        line.push(next);
    }
    let gw = line[13].issues(&host_template("gw.lab"), 50);
    let others: Vec<&Party> = line[1..].iter().collect();
    let (_, reason) = why(&trust(&[&line[0]]), &gw, &others);
    assert!(matches!(reason, Why::TooMany { .. }), "{reason:?}");
    let gw = line[8].issues(&host_template("gw.lab"), 51);
    assert!(chain(&trust(&[&line[0]]), &gw, &others).is_ok());
}

/// CVE-2017-9022, CVE-2018-17540: keys that arithmetic must not see.
#[test]
fn abuse_60_weak_keys_are_refused_before_they_are_used() {
    use adit_crypto::pki::VerifyingKey;
    let rsa = |modulus: &[u8], exponent: &[u8]| {
        let numbers = [element(2, modulus), element(2, exponent)].concat();
        let bits = [&[0][..], &element(0x30, &numbers)].concat();
        let algorithm = [
            0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
        ];
        let spki = element(0x30, &[&algorithm[..], &element(3, &bits)].concat());
        VerifyingKey::from_spki(&spki)
    };
    let modulus = |octets: usize, last: u8| {
        let mut out = vec![0x55; octets + 1];
        out[0] = 0;
        out[1] = 0x80;
        out[octets] = last;
        out
    };
    assert!(rsa(&modulus(256, 1), &[1, 0, 1]).is_ok());
    for (modulus, exponent) in [
        (modulus(256, 2), &[1, 0, 1][..]),
        (modulus(128, 1), &[1, 0, 1]),
        (modulus(2048, 1), &[1, 0, 1]),
        (modulus(256, 1), &[0]),
        (modulus(256, 1), &[1]),
        (modulus(256, 1), &[2]),
        (vec![3], &[3]),
        (vec![0], &[3]),
    ] {
        let reason = rsa(&modulus, exponent).unwrap_err();
        assert!(matches!(reason, Why::WeakKey { .. }), "{reason:?}");
    }
}

/// Every kind of key in every place.
#[test]
fn all_kinds_of_keys_issue_and_are_issued() {
    let random = provider::aws_lc().random;
    let keys: Vec<SigningKey> = [
        NewKey::P256,
        NewKey::P384,
        NewKey::P521,
        NewKey::Rsa2048,
        NewKey::Ed25519,
    ]
    .map(|new| SigningKey::generate(new, &*random).unwrap().0)
    .into();
    for ca in &keys {
        let root = self_signed(ca, &ca_template("CN=Root"), &*random).unwrap();
        let issuer = Issuer {
            cert: &root,
            key: ca,
        };
        let trust = Trust {
            anchors: vec![root.clone()],
            ..Trust::default()
        };
        assert_eq!(trust.key_hashes(), [ca.public().key_hash()]);
        for host in &keys {
            let cert = issuer
                .issue(host.public(), &host_template("gw.lab"), &*random)
                .unwrap();
            assert!(
                trust
                    .chain(&cert, &[], NOW, &ChainPolicy::default())
                    .is_ok()
            );
            assert!(cert.belongs_to(host).is_ok());
            if host.public() != ca.public() {
                let reason = cert.belongs_to(ca).unwrap_err().reason;
                assert!(matches!(reason, Why::KeyMismatch { .. }));
            }
        }
    }
}

#[test]
fn abuse_60_one_changed_octet_and_nothing_is_trusted() {
    let random = provider::aws_lc().random;
    for new in [NewKey::Ed25519, NewKey::P256, NewKey::Rsa2048] {
        let (key, _) = SigningKey::generate(new, &*random).unwrap();
        let root = self_signed(&key, &ca_template("CN=Root"), &*random).unwrap();
        let issuer = Issuer {
            cert: &root,
            key: &key,
        };
        let cert = issuer
            .issue(key.public(), &host_template("gw.lab"), &*random)
            .unwrap();
        let trust = Trust {
            anchors: vec![root],
            ..Trust::default()
        };
        let accepted = |der: &[u8]| {
            Cert::from_der(der).is_ok_and(|cert| {
                trust
                    .chain(&cert, &[], NOW, &ChainPolicy::default())
                    .is_ok()
            })
        };
        let der = cert.to_der();
        assert!(accepted(der));
        for at in 0..der.len() {
            let mut changed = der.to_vec();
            changed[at] ^= 1 << (at % 8);
            assert!(!accepted(&changed), "{new:?}: octet {at}");
            assert!(!accepted(&der[..at]), "{new:?}: cut to {at}");
        }
        assert!(!accepted(&[der, &[0]].concat()));
    }
}

#[test]
fn files_hold_several_certificates_and_other_things() {
    let root = root("CN=Root", 1);
    let gw = root.issues(&host_template("gw.lab"), 2);
    let text = format!(
        "a comment\n{}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n{}",
        gw.cert.to_pem(),
        root.cert.to_pem()
    );
    let read = Cert::from_file(text.as_bytes()).unwrap();
    assert_eq!(read, [gw.cert.clone(), root.cert]);
    assert_eq!(Cert::from_file(gw.cert.to_der()).unwrap(), [gw.cert]);
    assert_eq!(
        Cert::from_file(b"nothing").unwrap_err().reason,
        Why::Missing
    );
    let cut = text.replace("-----END CERTIFICATE-----", "");
    assert!(matches!(
        Cert::from_file(cut.as_bytes()).unwrap_err().reason,
        Why::Unreadable { .. }
    ));
}
