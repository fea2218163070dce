//! Identities and what certificates hold: by type.

use adit_model::certificate_reason::CertificateReason as Why;
use adit_model::identity::Identity;

use super::{chain, host_template, id, root, trust};

#[test]
fn abuse_54_an_identity_is_held_by_its_type_alone() {
    let ca = root("CN=Root", 1);
    let mut template = host_template("gw.lab");
    template.subject = "C=CH, O=Lab, CN=10.9.9.9".parse().unwrap();
    template.names = [
        "gw.lab",
        "ops@lab.example",
        "192.0.2.1",
        "2001:db8::1",
        "O=Lab, CN=alias",
    ]
    .map(id)
    .into();
    let gw = ca.issues(&template, 2);
    let found = chain(&trust(&[&ca]), &gw, &[]).unwrap();
    let key_id = gw.key.public().key_id().to_vec();
    for claimed in [
        id("gw.lab"),
        id("GW.lab"),
        id("ops@LAB.example"),
        id("192.0.2.1"),
        id("2001:db8::1"),
        id("c=ch, o=lab, CN=10.9.9.9"),
        id("O=Lab, CN=alias"),
        Identity::KeyId(key_id),
    ] {
        assert_eq!(found.holds(&claimed), Ok(()), "{claimed}");
    }
    for claimed in [
        // Another type with the same text.
        Identity::Fqdn("192.0.2.1".into()),
        Identity::Fqdn("ops@lab.example".into()),
        Identity::KeyId(b"gw.lab".to_vec()),
        Identity::Email("gw.lab".into()),
        // What the common name says is no address and no host name.
        id("10.9.9.9"),
        Identity::Fqdn("10.9.9.9".into()),
        // More, fewer or other parts.
        id("C=CH, O=Lab"),
        id("CN=10.9.9.9, O=Lab, C=CH"),
        id("gw.lab.evil"),
        id("a.gw.lab"),
        // What is a pattern in a configuration is none from a peer.
        id("*.lab"),
        id("C=CH, O=Lab, CN=*"),
        Identity::KeyId(Vec::new()),
    ] {
        let Why::Identity {
            claimed: told,
            holds,
        } = found.holds(&claimed).unwrap_err().reason
        else {
            panic!("identity");
        };
        assert_eq!(told, claimed);
        assert_eq!(holds.len(), 6, "{holds:?}");
        assert_eq!(holds[0], "DN:C=CH, O=Lab, CN=10.9.9.9");
        assert_eq!(holds[1], "DNS:gw.lab");
    }
}

#[test]
fn abuse_54_a_star_in_a_certificate_stands_for_itself() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("*.lab"), 2);
    assert!(gw.cert.holds(&id("gw.lab")).is_err());
    assert!(gw.cert.holds(&id("*.lab")).is_ok());
    // Which no configured identity means, not even the same text.
    assert!(!id("*.lab").admits(&id("*.lab")));
}

#[test]
fn abuse_54_text_with_a_nul_inside_is_no_name() {
    let ca = root("CN=Root", 1);
    let mut template = host_template("gw.lab");
    template.names = vec![Identity::Fqdn("gw.lab\0.evil".into())];
    let gw = ca.issues(&template, 2);
    assert!(gw.cert.holds(&id("gw.lab")).is_err());
    assert_eq!(gw.cert.identities().len(), 1, "the subject alone");
}

#[test]
fn identities_of_a_certificate_come_in_its_own_encoding() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    assert_eq!(gw.cert.identities(), [id("gw.lab"), id("O=Lab, CN=gw.lab")]);
    let (_, data) = gw.cert.identities()[1].to_wire();
    assert_eq!(data, gw.cert.subject().to_der());
}
