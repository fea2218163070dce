//! Name constraints and policies.

use adit_crypto::pki::ChainPolicy;
use adit_model::certificate_reason::CertificateReason as Why;
use adit_model::dn::{DistinguishedName, undotted};

use super::{NOW, Party, ca_template, chain, element, host_template, id, root, trust, why};

/// Permitted and excluded subtrees.
fn names(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> (&'static str, bool, Vec<u8>) {
    let list = |tag: u8, names: &[Vec<u8>]| {
        let all: Vec<u8> = names.iter().flat_map(|n| element(0x30, n)).collect();
        if all.is_empty() {
            Vec::new()
        } else {
            element(tag, &all)
        }
    };
    let both = [list(0xa0, permitted), list(0xa1, excluded)].concat();
    ("2.5.29.30", true, element(0x30, &both))
}

fn dns(text: &str) -> Vec<u8> {
    element(0x82, text.as_bytes())
}

fn directory(text: &str) -> Vec<u8> {
    let name: DistinguishedName = text.parse().unwrap();
    element(0xa4, name.to_der())
}

fn constrained(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> (Party, Party) {
    let root = root("CN=Root", 1);
    let mut template = ca_template("CN=Limited");
    template.further = vec![names(permitted, excluded)];
    let ca = root.issues(&template, 2);
    (root, ca)
}

#[test]
fn abuse_60_names_outside_of_what_a_ca_may_certify_are_refused() {
    let ten = element(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]);
    let (root, ca) = constrained(&[dns("lab"), ten], &[dns("secret.lab")]);
    let judged = |name: &str| {
        let gw = ca.issues(&host_template(name), 3);
        chain(&trust(&[&root]), &gw, &[&ca]).map_err(|refused| refused.reason)
    };
    assert!(judged("gw.lab").is_ok());
    assert!(judged("LAB").is_ok());
    assert!(judged("10.1.2.3").is_ok());
    // Of a type that isn't constrained.
    assert!(judged("ops@anywhere.example").is_ok());
    for (name, shown, excluded) in [
        ("gw.evil", "DNS:gw.evil", false),
        ("evillab", "DNS:evillab", false),
        ("a.secret.lab", "DNS:a.secret.lab", true),
        ("192.0.2.1", "IP:192.0.2.1", false),
        ("2001:db8::1", "IP:2001:db8::1", false),
    ] {
        let authority = "CN=Limited".to_owned();
        let name = {
            let reason = judged(name).unwrap_err();
            assert!(
                matches!(reason, Why::NameConstraint { .. }),
                "{name}: {reason:?}"
            );
            (reason, shown.to_owned())
        };
        let (reason, shown) = name;
        assert_eq!(
            reason,
            Why::NameConstraint {
                name: shown,
                authority,
                excluded
            }
        );
    }
}

/// CVE-2026-35331: excluded directory names count.
#[test]
fn abuse_60_directory_names_are_constrained_too() {
    let (root, ca) = constrained(&[], &[directory("O=Lab")]);
    let gw = ca.issues(&host_template("gw.lab"), 3);
    let reason = why(&trust(&[&root]), &gw, &[&ca]).1;
    let Why::NameConstraint { name, excluded, .. } = reason else {
        panic!("name constraint");
    };
    assert_eq!((name.as_str(), excluded), ("DN:O=Lab, CN=gw.lab", true));
    let (root, ca) = constrained(&[directory("O=Lab")], &[]);
    let gw = ca.issues(&host_template("gw.lab"), 3);
    assert!(chain(&trust(&[&root]), &gw, &[&ca]).is_ok());
    let mut other = host_template("gw.lab");
    other.subject = "O=Labs, CN=gw.lab".parse().unwrap();
    let gw = ca.issues(&other, 3);
    assert!(chain(&trust(&[&root]), &gw, &[&ca]).is_err());
}

/// What can't be compared isn't let through.
#[test]
fn abuse_60_constraints_of_unknown_types_forbid() {
    // otherName, excluded; and registeredID, permitted.
    let (root, ca) = constrained(&[], &[element(0x88, &[0x2a, 3])]);
    let mut template = host_template("gw.lab");
    let names = [element(0x88, &[0x2a, 3, 4]), element(0x82, b"gw.lab")].concat();
    template.names = Vec::new();
    template.further = vec![("2.5.29.17", false, element(0x30, &names))];
    let gw = ca.issues(&template, 3);
    assert!(chain(&trust(&[&root]), &gw, &[&ca]).is_err());
    assert!(
        chain(
            &trust(&[&root]),
            &ca.issues(&host_template("gw.lab"), 4),
            &[&ca]
        )
        .is_ok()
    );
}

#[test]
fn mail_constraints_look_at_the_subject_too() {
    let (root, ca) = constrained(&[element(0x81, b"lab.example")], &[]);
    let mut template = host_template("ops@lab.example");
    assert!(chain(&trust(&[&root]), &ca.issues(&template, 3), &[&ca]).is_ok());
    template.names = vec![id("ops@evil.example")];
    assert!(chain(&trust(&[&root]), &ca.issues(&template, 3), &[&ca]).is_err());
    template.names = Vec::new();
    template.subject = "CN=x, E=ops@evil.example".parse().unwrap();
    assert!(chain(&trust(&[&root]), &ca.issues(&template, 3), &[&ca]).is_err());
}

fn policies(list: &[&str]) -> (&'static str, bool, Vec<u8>) {
    let all: Vec<u8> = list
        .iter()
        .flat_map(|oid| element(0x30, &element(6, &undotted(oid).unwrap())))
        .collect();
    ("2.5.29.32", false, element(0x30, &all))
}

fn judged(
    ca: &[(&'static str, bool, Vec<u8>)],
    host: &[&str],
    required: &[&str],
) -> Result<(), Why> {
    let root = root("CN=Root", 1);
    let mut template = ca_template("CN=Middle");
    template.further = ca.to_vec();
    let middle = root.issues(&template, 2);
    let mut template = host_template("gw.lab");
    if !host.is_empty() {
        template.further = vec![policies(host)];
    }
    let gw = middle.issues(&template, 3);
    let policy = ChainPolicy {
        policies: required.iter().map(|&oid| oid.to_owned()).collect(),
        ..ChainPolicy::default()
    };
    let found = trust(&[&root]).chain(&gw.cert, &[middle.cert], NOW, &policy);
    found.map(drop).map_err(|refused| refused.reason)
}

/// RFC 5280 6.1.
#[test]
fn required_policies_hold_along_the_whole_chain() {
    const ANY: &str = "2.5.29.32.0";
    let (gold, silver, bronze) = ("1.2.3.1", "1.2.3.2", "1.2.3.3");
    // Nothing is required: policies don't matter.
    assert!(judged(&[], &[], &[]).is_ok());
    assert!(judged(&[policies(&[gold])], &[silver], &[]).is_ok());
    assert!(judged(&[policies(&[gold, silver])], &[gold], &[gold]).is_ok());
    assert!(judged(&[policies(&[ANY])], &[gold], &[gold]).is_ok());
    assert!(judged(&[policies(&[gold])], &[ANY], &[gold]).is_ok());
    for (ca, host) in [
        (vec![], vec![gold]),
        (vec![policies(&[gold])], vec![]),
        (vec![policies(&[silver])], vec![gold]),
        (vec![policies(&[gold, silver])], vec![silver]),
    ] {
        let reason = judged(&ca, &host, &[gold]).unwrap_err();
        assert!(matches!(reason, Why::Policy { .. }), "{reason:?}");
    }
    // The CA calls bronze what its issuer calls gold.
    let pair = [gold, bronze]
        .map(|oid| element(6, &undotted(oid).unwrap()))
        .concat();
    let mapping = ("2.5.29.33", true, element(0x30, &element(0x30, &pair)));
    let mapped = [policies(&[gold]), mapping];
    assert!(judged(&mapped, &[bronze], &[gold]).is_ok());
    assert!(judged(&mapped, &[bronze], &[bronze]).is_err());
    assert!(judged(&mapped, &[gold], &[gold]).is_err());
    // The CA demands some policy; and it forbids anyPolicy below it.
    let explicit = ("2.5.29.36", true, element(0x30, &[0x80, 1, 0]));
    assert!(judged(&[policies(&[gold]), explicit.clone()], &[gold], &[]).is_ok());
    assert!(judged(&[policies(&[gold]), explicit], &[silver], &[]).is_err());
    let inhibit = ("2.5.29.54", true, vec![2, 1, 0]);
    assert!(judged(&[policies(&[gold]), inhibit], &[ANY], &[gold]).is_err());
}
