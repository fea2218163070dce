//! Files as openssl writes them: a CA with an ECDSA key, and a gateway's RSA key and certificate.
#![allow(clippy::unwrap_used)]

use adit_model::credential::KeyAlgorithm;

use super::*;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("files/", $name))
    };
}

fn only(octets: &[u8]) -> Item {
    let mut items = read(octets).items;
    assert_eq!(items.len(), 1, "{items:?}");
    items.pop().unwrap()
}

fn public(octets: &[u8]) -> PublicKeyOf {
    match only(octets) {
        Item::PrivateKey {
            encrypted: false,
            public: Some(key),
            ..
        } => (key.algorithm, key.digest),
        other => panic!("{other:?}"),
    }
}

type PublicKeyOf = (KeyAlgorithm, [u8; 32]);

fn certificate(octets: &[u8]) -> Certificate {
    match only(octets) {
        Item::Certificate(c) => *c,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_tells_its_names_its_time_and_its_key() {
    let gw = certificate(file!("gw.pem"));
    assert_eq!(gw.subject, "C=CH, O=Lab, CN=gw.example.org");
    assert_eq!(gw.issuer, "C=CH, O=Lab, CN=Lab CA");
    let names: Vec<String> = gw.names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["gw.example.org", "192.0.2.1", "a@example.org"]);
    assert!(!gw.authority && gw.not_before < gw.not_after);
    assert_eq!(gw.key.algorithm, KeyAlgorithm::Rsa(2048));
    let ca = certificate(file!("ca.pem"));
    assert!(ca.authority);
    assert_eq!(ca.key.algorithm, KeyAlgorithm::Ec("P-256".to_owned()));
}

#[test]
fn a_private_key_has_the_public_half_of_its_certificate_in_every_form() {
    let gw = certificate(file!("gw.pem")).key;
    for form in [&file!("gw.key")[..], file!("gw1.key")] {
        assert_eq!(public(form), (gw.algorithm.clone(), gw.digest));
    }
    let ca = certificate(file!("ca.pem")).key;
    for form in [&file!("ca.key")[..], file!("ca8.key")] {
        assert_eq!(public(form), (ca.algorithm.clone(), ca.digest));
    }
    assert_eq!(public(file!("ed.key")).0, KeyAlgorithm::Edwards("Ed25519"));
}

#[test]
fn a_key_under_a_passphrase_is_known_as_one() {
    for (form, of) in [
        (&file!("enc1.key")[..], Some("RSA")),
        (file!("enc2.key"), None),
    ] {
        let want = Item::PrivateKey {
            encrypted: true,
            public: None,
            kind: of,
        };
        assert_eq!(only(form), want);
    }
}

#[test]
fn signatures_tell_who_issued_what() {
    let mut files = [read(file!("gw.pem")), read(file!("ca.pem"))];
    link(&mut files);
    let [gw, ca] = files
        .each_ref()
        .map(|f| f.certificates().next().unwrap().clone());
    assert_eq!(gw.signed_by, [ca.digest]);
    assert_eq!(ca.signed_by, [ca.digest], "it signed itself");
    // Another signature under the same names.
    let mut forged = file!("gw.pem").to_vec();
    let last = forged.len() - 40;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let mut files = [read(&forged), read(file!("ca.pem"))];
    link(&mut files);
    assert!(files[0].certificates().all(|c| c.signed_by.is_empty()));
}

#[test]
fn what_is_no_certificate_is_named_and_what_is_damaged_too() {
    assert_eq!(only(file!("gw.csr")), Item::Request);
    let cut = &file!("gw.pem")[..400];
    assert_eq!(only(cut), Item::Broken("CERTIFICATE".to_owned()));
    assert!(read(b"no PEM at all").items.is_empty());
    let chain = [&file!("gw.pem")[..], file!("ca.pem")].concat();
    assert_eq!(read(&chain).items.len(), 2);
    let dos = String::from_utf8_lossy(file!("gw.pem")).replace('\n', "\r\n");
    assert_eq!(certificate(dos.as_bytes()), certificate(file!("gw.pem")));
}

#[test]
fn no_octets_make_it_fall() {
    for form in [&file!("gw.key")[..], file!("ca.pem"), file!("ca8.key")] {
        for cut in 0..form.len() {
            let _ = read(&form[..cut]);
        }
        let pem::Block { octets, .. } = pem::blocks(form).pop().unwrap();
        let octets = octets.unwrap();
        for cut in 0..octets.len() {
            let _ = read(&octets[..cut]);
            let mut changed = octets.to_vec();
            changed[cut] ^= 0x80;
            let _ = read(&changed);
        }
    }
}

#[test]
fn what_follows_a_certificate_is_not_its_own() {
    let pem::Block { octets, .. } = pem::blocks(file!("gw.pem")).pop().unwrap();
    let mut more = octets.unwrap().to_vec();
    more.push(b'\n');
    assert_eq!(certificate(&more), certificate(file!("gw.pem")));
    let mut files = [read(&more), read(file!("ca.pem"))];
    link(&mut files);
    assert_eq!(files[0].certificates().next().unwrap().signed_by.len(), 1);
}

#[test]
fn an_issuer_is_found_behind_many_others_and_what_was_not_looked_at_is_told() {
    let many = [file!("gw.pem").repeat(140), file!("ca.pem").to_vec()].concat();
    let mut files = [read(&many), read(file!("gw.pem"))];
    assert_eq!(files[0].items.len(), 141);
    link(&mut files);
    let signed = |f: &PkiFile| f.certificates().all(|c| c.signed_by.len() == 1);
    assert!(files.iter().all(signed));
    assert!(!files.iter().any(|f| f.items.contains(&Item::More)));
    let mut files = [read(file!("gw.pem")), read(file!("ca.pem"))];
    link_up_to(&mut files, 1);
    assert!(!files[0].items.contains(&Item::More));
    assert!(files[1].items.contains(&Item::More));
    let endless = file!("gw.pem").repeat(MOST_ITEMS + 1);
    assert_eq!(read(&endless).items.last(), Some(&Item::More));
}

#[test]
fn what_is_not_read_here_is_not_damaged() {
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(
        only(openssh),
        Item::Unread("OPENSSH PRIVATE KEY".to_owned())
    );
    // A sequence of two numbers is no RSA key, and is whole.
    let other = b"-----BEGIN DSA PRIVATE KEY-----\nMAYCAQACAQE=\n-----END DSA PRIVATE KEY-----\n";
    assert_eq!(only(other), Item::Unread("DSA PRIVATE KEY".to_owned()));
    let der = [0x30, 0x06, 0x02, 1, 0, 0x02, 1, 1];
    assert_eq!(only(&der), Item::Unread("file in DER".to_owned()));
    assert!(read(&der[..7]).items.is_empty());
}
