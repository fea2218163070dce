//! What other programs make and what breaks them: chains, lists and answers of openssl and of strongSwan's pki where they
//! are installed, and a corpus of broken certificates where it is at hand.
#![allow(clippy::disallowed_types)] // runs these programs

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_crypto::pki::{
    Cert, ChainPolicy, Documents, RevocationList, RevocationPolicy, SigningKey, Status,
    StatusResponse, Trust, VerifyingKey,
};
use adit_model::Wall;
use adit_model::certificate_reason::CertificateReason as Why;

use super::id;
use crate::support::vectors_folder;

/// A folder of a test's own.
struct Dir(PathBuf);

impl Dir {
    fn new(what: &str) -> Self {
        let name = format!("adit-pki-{}-{what}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Runs a line of the shell inside; whether all of it went well.
    fn run(&self, line: &str) -> bool {
        let ran = Command::new("sh")
            .args(["-ec", line])
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !ran.status.success() {
            println!("{line}\n{}", String::from_utf8_lossy(&ran.stderr));
        }
        ran.status.success()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    fn cert(&self, name: &str) -> Cert {
        Cert::from_file(&self.read(name)).unwrap().remove(0)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn installed(program: &str, asked: &str) -> bool {
    let there = Command::new(program)
        .arg(asked)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        println!("skipped: {program} isn't installed, so what it makes wasn't read");
    }
    there
}

fn now() -> Wall {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Wall(now.as_secs() * 1000)
}

fn trust(anchor: &Cert) -> Trust {
    Trust {
        anchors: vec![anchor.clone()],
        ..Trust::default()
    }
}

const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
certificatePolicies=1.2.3.1
nameConstraints=critical,permitted;DNS:lab,permitted;IP:192.0.2.0/255.255.255.0";

const HOST: &str = "keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,1.3.6.1.5.5.7.3.17
subjectAltName=DNS:gw.lab,IP:192.0.2.1,dirName:alias
certificatePolicies=1.2.3.1
crlDistributionPoints=URI:http://crl.lab/ca.crl
authorityInfoAccess=OCSP;URI:http://ocsp.lab/,caIssuers;URI:http://ca.lab/ca.crt
[alias]
O=Lab
CN=alias";

#[test]
fn openssl_makes_a_chain_a_list_and_answers() {
    if !installed("openssl", "version") {
        return;
    }
    let dir = Dir::new("openssl");
    dir.write("ca.ext", AUTHORITY);
    dir.write("gw.ext", HOST);
    dir.write(
        "ca.cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha384\n",
    );
    let made = dir.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /C=CH/O=Lab/CN=Root -days 100 -addext keyUsage=critical,keyCertSign,cRLSign
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ca.key -out ca.csr -subj '/C=CH/O=Lab/CN=Zürich CA' -utf8
         openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -set_serial 0x8001 -days 50 -extfile ca.ext -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -out ca.pem
         openssl genpkey -algorithm ed25519 -out gw.key
         openssl req -new -key gw.key -out gw.csr -subj /C=CH/O=Lab/CN=gw.lab
         openssl x509 -req -in gw.csr -CA ca.pem -CAkey ca.key -set_serial 0x77 -days 40 -extfile gw.ext -sha384 -out gw.pem",
    );
    assert!(made, "openssl makes a chain");
    let (root, ca, gw) = (dir.cert("root.pem"), dir.cert("ca.pem"), dir.cert("gw.pem"));
    assert_eq!(ca.subject().to_string(), "C=CH, O=Lab, CN=Zürich CA");
    let key = SigningKey::from_file(&dir.read("gw.key")).unwrap();
    assert!(gw.belongs_to(&key).is_ok());
    let policy = ChainPolicy {
        policies: vec!["1.2.3.1".into()],
        ..ChainPolicy::default()
    };
    let chain = trust(&root)
        .chain(&gw, std::slice::from_ref(&ca), now(), &policy)
        .unwrap();
    for claimed in [
        "gw.lab",
        "192.0.2.1",
        "C=CH, O=Lab, CN=gw.lab",
        "O=Lab, CN=alias",
    ] {
        assert!(chain.holds(&id(claimed)).is_ok(), "{claimed}");
    }
    let policy = ChainPolicy {
        policies: vec!["1.2.3.2".into()],
        ..policy
    };
    let refused = trust(&root)
        .chain(&gw, std::slice::from_ref(&ca), now(), &policy)
        .unwrap_err();
    assert!(matches!(refused.reason, Why::Policy { .. }), "{refused}");

    // openssl answers the request that we make, and signs a list; first nobody is revoked, then the host.
    let needs = chain.needs(&Documents::default(), now());
    assert_eq!(needs.len(), 1);
    assert_eq!(
        (&needs[0].crl_urls[0][..], &needs[0].ocsp_urls[0][..]),
        ("http://crl.lab/ca.crl", "http://ocsp.lab/")
    );
    let nonce = b"sixteen octets!!";
    dir.write("request.der", needs[0].ocsp_request(Some(nonce)));
    let entry = |state: &str| format!("{state}\t77\tunknown\t/C=CH/O=Lab/CN=gw.lab\n");
    for (index, revoked) in [
        (entry("V\t351231235959Z\t"), false),
        (entry("R\t351231235959Z\t260101000000Z,keyCompromise"), true),
    ] {
        dir.write("index.txt", index);
        let made = dir.run(
            "openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request.der -respout answer.der -ndays 1
             openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -crldays 7 -out list.pem",
        );
        assert!(made, "openssl answers and lists");
        let answer = StatusResponse::from_der(&dir.read("answer.der")).unwrap();
        let list = RevocationList::from_file(&dir.read("list.pem")).unwrap();
        let told = answer.status(&gw, &ca, Some(nonce), now());
        assert_eq!(told.is_ok_and(|s| matches!(s, Status::Revoked(_))), revoked);
        assert!(
            answer
                .status(&gw, &ca, Some(b"another nonce   "), now())
                .is_err()
        );
        for documents in [
            Documents {
                responses: vec![(answer, Some(nonce.to_vec()))],
                ..Documents::default()
            },
            Documents {
                lists: vec![list],
                ..Documents::default()
            },
        ] {
            let judged = chain.revocation(&documents, now(), RevocationPolicy::IfUri);
            let reason = judged.map_err(|refused| refused.reason);
            match reason {
                Ok(()) => assert!(!revoked),
                Err(Why::Revoked { serial, cause, .. }) => {
                    assert!(revoked);
                    assert_eq!(
                        (serial.as_str(), cause.as_str()),
                        ("77", "its key was compromised")
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn keys_of_openssl_in_every_form() {
    if !installed("openssl", "version") {
        return;
    }
    let dir = Dir::new("keys");
    let made = dir.run(
        "openssl genrsa -traditional -out rsa1.key 2048
         openssl pkcs8 -topk8 -nocrypt -in rsa1.key -out rsa8.key
         openssl rsa -in rsa1.key -outform DER -traditional -out rsa.der
         openssl ecparam -name prime256v1 -genkey -out ec1.key
         openssl pkcs8 -topk8 -nocrypt -in ec1.key -out ec8.key
         openssl ecparam -name secp521r1 -genkey -noout -out ec521.key
         openssl genpkey -algorithm ed25519 -out ed.key
         openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.key
         openssl pkcs8 -topk8 -in rsa1.key -passout pass:x -out locked.key
         openssl genpkey -algorithm ed448 -out ed448.key",
    );
    assert!(made, "openssl makes keys");
    let key = |name: &str| SigningKey::from_file(&dir.read(name));
    for (one, other) in [
        ("rsa1.key", "rsa8.key"),
        ("rsa1.key", "rsa.der"),
        ("ec1.key", "ec8.key"),
    ] {
        assert_eq!(key(one).unwrap().public(), key(other).unwrap().public());
    }
    assert!(key("ec521.key").is_ok() && key("ed.key").is_ok());
    // A key for PSS alone makes no other signatures.
    let pss = key("pss.key").unwrap();
    assert_eq!(pss.methods().len(), 3);
    assert!(
        key("locked.key")
            .err()
            .unwrap()
            .to_string()
            .contains("passphrase")
    );
    assert!(
        key("ed448.key")
            .err()
            .unwrap()
            .to_string()
            .contains("1.3.101.113")
    );
}

#[test]
fn strongswans_pki_makes_a_chain_and_a_list() {
    if !installed("pki", "--help") {
        return;
    }
    let dir = Dir::new("strongswan");
    let made = dir.run(
        "pki --gen --type ed25519 --outform pem > ca.key
         pki --self --ca --in ca.key --type ed25519 --dn 'C=CH, O=Lab, CN=Root' --lifetime 100 --outform pem > ca.pem
         pki --gen --type ecdsa --size 256 --outform pem > gw.key
         pki --issue --cacert ca.pem --cakey ca.key --in gw.key --type ecdsa --dn 'C=CH, O=Lab, CN=gw' --san gw.lab --san 192.0.2.1 --flag serverAuth --flag ikeIntermediate --crl http://crl.lab/ca.crl --outform pem > gw.pem
         pki --signcrl --cacert ca.pem --cakey ca.key --lifetime 7 --reason superseded --cert gw.pem --outform pem > list.pem",
    );
    if !made {
        println!("skipped: this pki of strongSwan lacks what was asked of it");
        return;
    }
    let (ca, gw) = (dir.cert("ca.pem"), dir.cert("gw.pem"));
    let chain = trust(&ca)
        .chain(&gw, &[], now(), &ChainPolicy::default())
        .unwrap();
    for claimed in ["gw.lab", "192.0.2.1", "C=CH, O=Lab, CN=gw"] {
        assert!(chain.holds(&id(claimed)).is_ok(), "{claimed}");
    }
    // The text of a name gives strongSwan's own encoding.
    let (_, data) = id("C=CH, O=Lab, CN=gw").to_wire();
    assert_eq!(data, gw.subject().to_der());
    assert!(
        gw.belongs_to(&SigningKey::from_file(&dir.read("gw.key")).unwrap())
            .is_ok()
    );
    let documents = Documents {
        lists: vec![RevocationList::from_file(&dir.read("list.pem")).unwrap()],
        ..Documents::default()
    };
    let refused = chain
        .revocation(&documents, now(), RevocationPolicy::Relaxed)
        .unwrap_err();
    let Why::Revoked { cause, .. } = refused.reason else {
        panic!("revoked");
    };
    assert_eq!(cause, "it was superseded");
}

#[test]
fn abuse_60_a_corpus_of_broken_certificates_never_panics() {
    let archive = vectors_folder().join("fuzz/strongswan-corpora-x509.tar.xz");
    if !archive.exists() {
        println!("skipped: the corpus of broken certificates is not at hand");
        return;
    }
    let dir = Dir::new("corpus");
    if !dir.run(&format!("tar -xJf '{}'", archive.display())) {
        println!("skipped: tar can't unpack the corpus");
        return;
    }
    let (mut files, mut certs, mut lists, mut answers) = (0, 0, 0, 0);
    let mut folders = vec![dir.0.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let octets = std::fs::read(&path).unwrap();
            files += 1;
            if let Ok(cert) = Cert::from_der(&octets) {
                certs += 1;
                let judged = trust(&cert).chain(&cert, &[], now(), &ChainPolicy::default());
                let told = judged.map(drop).map_err(|refused| refused.to_string());
                assert_ne!(told, Err(String::new()));
                for identity in cert.identities() {
                    assert!(cert.holds(&identity).is_ok());
                }
            }
            lists += usize::from(RevocationList::from_file(&octets).is_ok());
            answers += usize::from(StatusResponse::from_der(&octets).is_ok());
            let _ = SigningKey::from_file(&octets);
            let _ = VerifyingKey::from_spki(&octets);
        }
    }
    println!(
        "{files} files: {certs} certificates, {lists} lists and {answers} answers can be read"
    );
    assert!(files > 1000 && certs > 0);
}
