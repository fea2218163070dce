//! Revocation lists, answers of responders, and what each policy makes of what isn't known.

use adit_crypto::pki::extensions::KeyUsage;
use adit_crypto::pki::issue::{Revocation, revocation_list_pem};
use adit_crypto::pki::{
    Chain, Documents, RevocationList, RevocationPolicy, Revoked, Status, StatusResponse,
};
use adit_model::Wall;
use adit_model::certificate_reason::CertificateReason as Why;

use super::{NOW, Party, ca_template, chain, days, element, host_template, root, root_of, trust};

fn list(ca: &Party, revoked: &[Revocation], from: i64, until: i64) -> Vec<u8> {
    let issuer = ca.issuer();
    issuer
        .revocation_list(7, revoked, days(from), days(until))
        .unwrap()
}

fn entry(of: &Party) -> Revocation {
    Revocation {
        serial: of.cert.serial().to_vec(),
        at: days(-2),
        reason: 1,
    }
}

#[test]
fn a_list_names_the_revoked_and_is_good_for_its_time() {
    let ca = root("CN=Root", 1);
    let (gw, gone) = (
        ca.issues(&host_template("gw.lab"), 2),
        ca.issues(&host_template("gone.lab"), 3),
    );
    let der = list(&ca, &[entry(&gone)], -1, 6);
    let read = RevocationList::from_file(&der).unwrap();
    assert_eq!(
        (read.count(), read.this_update(), read.next_update()),
        (1, days(-1), Some(days(6)))
    );
    assert_eq!(read.status(&gw.cert, &ca.cert, NOW), Ok(Status::Good));
    let revoked = Revoked {
        at: days(-2),
        reason: 1,
    };
    assert_eq!(
        read.status(&gone.cert, &ca.cert, NOW),
        Ok(Status::Revoked(revoked))
    );
    assert_eq!(revoked.cause(), "its key was compromised");
    let pem = RevocationList::from_file(revocation_list_pem(&der).as_bytes()).unwrap();
    assert_eq!(pem.status(&gw.cert, &ca.cert, NOW), Ok(Status::Good));
    // None is revoked.
    let empty = RevocationList::from_file(&list(&ca, &[], -1, 6)).unwrap();
    assert_eq!(empty.status(&gw.cert, &ca.cert, NOW), Ok(Status::Good));
}

#[test]
fn abuse_60_lists_that_are_stale_to_come_or_another_issuers_say_nothing() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let says = |der: &[u8]| {
        let list = RevocationList::from_file(der).unwrap();
        list.status(&gw.cert, &ca.cert, NOW)
    };
    assert!(says(&list(&ca, &[], -9, -1)).unwrap_err().contains("stale"));
    assert!(says(&list(&ca, &[], 1, 9)).unwrap_err().contains("to come"));
    let other = root("CN=Other", 3);
    assert!(
        says(&list(&other, &[], -1, 6))
            .unwrap_err()
            .contains("CN=Other")
    );
    let same_name = root("CN=Root", 4);
    assert!(
        says(&list(&same_name, &[], -1, 6))
            .unwrap_err()
            .contains("isn't signed")
    );
    // Once revoked, revoked: a stale list still tells it.
    let stale = list(&ca, &[entry(&gw)], -9, -1);
    assert!(matches!(says(&stale), Ok(Status::Revoked(_))));
    // A CA that may not sign lists.
    let mut template = ca_template("CN=Root");
    template.key_usage = KeyUsage::CERTIFY;
    let ca = root_of(&template, 1);
    let list = RevocationList::from_file(&list(&ca, &[], -1, 6)).unwrap();
    assert!(
        list.status(&gw.cert, &ca.cert, NOW)
            .unwrap_err()
            .contains("key usage")
    );
}

#[test]
fn abuse_60_a_changed_list_never_clears_anybody() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let der = list(&ca, &[entry(&gw)], -1, 6);
    let verdict = |der: &[u8]| {
        let list = RevocationList::from_file(der).ok()?;
        list.status(&gw.cert, &ca.cert, NOW).ok()
    };
    assert!(matches!(verdict(&der), Some(Status::Revoked(_))));
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(verdict(&changed), None, "octet {at}");
        assert_eq!(verdict(&der[..at]), None, "cut to {at}");
    }
}

/// The list `der` with one extension renamed, signed anew by `ca`.
fn as_delta(ca: &Party, der: &[u8]) -> Vec<u8> {
    let length = |at: usize| match der[at + 1] {
        0x81 => 3 + usize::from(der[at + 2]),
        0x82 => 4 + usize::from(u16::from_be_bytes([der[at + 2], der[at + 3]])),
        short => 2 + usize::from(short),
    };
    let begin = match der[1] {
        0x82 => 4,
        0x81 => 3,
        _ => 2,
    };
    let mut body = der[begin..begin + length(begin)].to_vec();
    // CRL number, 2.5.29.20, has the form of the base's number in a delta CRL indicator, 2.5.29.27.
    let number = [6, 3, 0x55, 0x1d, 20];
    let at = body.windows(5).position(|w| w == number).unwrap();
    body[at + 4] = 27;
    let method = ca.key.methods()[0];
    let signature = ca.key.sign(method, &body).unwrap();
    let signature = element(3, &[&[0][..], &signature].concat());
    element(0x30, &[body, method.to_der(), signature].concat())
}

/// RFC 5280 5.2.4: deltas aren't put together with their bases, without which they say nothing of anybody; why is told.
#[test]
fn a_delta_list_says_nothing_and_why() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let says = |revoked: &[Revocation]| {
        let delta = as_delta(&ca, &list(&ca, revoked, -1, 6));
        let list = RevocationList::from_file(&delta).unwrap();
        list.status(&gw.cert, &ca.cert, NOW)
    };
    for revoked in [&[][..], &[entry(&gw)]] {
        let why = says(revoked).unwrap_err();
        assert!(why.contains("delta"), "{why}");
    }
}

/// Answers of a responder, made by hand.
struct Responder<'a> {
    /// Who signs; its certificate goes along unless it is the issuer.
    signer: &'a Party,
    issuer: &'a Party,
    by_key: bool,
}

fn integer(content: &[u8]) -> Vec<u8> {
    element(2, content)
}

fn generalized(at: Wall) -> Vec<u8> {
    let digits: String = at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    element(0x18, format!("{digits}Z").as_bytes())
}

fn sha1(octets: &[u8]) -> Vec<u8> {
    adit_crypto::sha1(&[octets]).to_vec()
}

impl Responder<'_> {
    fn answers(
        &self,
        of: &Party,
        status: &[u8],
        times: (i64, Option<i64>),
        nonce: Option<&[u8]>,
    ) -> Vec<u8> {
        let algorithm = [element(6, &[0x2b, 0x0e, 3, 2, 0x1a]), element(5, &[])].concat();
        let id = [
            element(0x30, &algorithm),
            element(4, &sha1(self.issuer.cert.subject().to_der())),
            element(4, &self.issuer.key.public().key_id()),
            integer(of.cert.serial()),
        ];
        let next = times
            .1
            .map_or(Vec::new(), |at| element(0xa0, &generalized(days(at))));
        let single = [
            element(0x30, &id.concat()),
            status.to_vec(),
            generalized(days(times.0)),
            next,
        ];
        let who = if self.by_key {
            element(0xa2, &element(4, &self.signer.key.public().key_id()))
        } else {
            element(0xa1, self.signer.cert.subject().to_der())
        };
        let extensions = nonce.map_or(Vec::new(), |nonce| {
            let oid = element(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2]);
            let value = element(4, &element(4, nonce));
            let one = element(0x30, &[oid, value].concat());
            element(0xa1, &element(0x30, &one))
        });
        let data = [
            who,
            generalized(NOW),
            element(0x30, &element(0x30, &single.concat())),
            extensions,
        ];
        let data = element(0x30, &data.concat());
        let method = self.signer.key.methods()[0];
        let signature = self.signer.key.sign(method, &data).unwrap();
        let certs = if self.signer.cert == self.issuer.cert {
            Vec::new()
        } else {
            element(0xa0, &element(0x30, self.signer.cert.to_der()))
        };
        let basic = [
            data,
            method.to_der(),
            element(3, &[&[0][..], &signature].concat()),
            certs,
        ];
        let basic = element(4, &element(0x30, &basic.concat()));
        let kind = element(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
        let bytes = element(0xa0, &element(0x30, &[kind, basic].concat()));
        element(0x30, &[element(0x0a, &[0]), bytes].concat())
    }
}

const GOOD: &[u8] = &[0x80, 0];
const UNKNOWN: &[u8] = &[0x82, 0];

fn revoked() -> Vec<u8> {
    let reason = element(0xa0, &element(0x0a, &[4]));
    element(0xa1, &[generalized(days(-2)), reason].concat())
}

fn responder_template() -> adit_crypto::pki::issue::Template {
    let mut template = host_template("ocsp.lab");
    template.purposes = vec!["1.3.6.1.5.5.7.3.9"];
    template
}

#[test]
fn a_responder_answers_by_the_issuer_or_by_whom_it_named() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let delegate = ca.issues(&responder_template(), 3);
    for (signer, by_key) in [
        (&ca, false),
        (&ca, true),
        (&delegate, false),
        (&delegate, true),
    ] {
        let responder = Responder {
            signer,
            issuer: &ca,
            by_key,
        };
        let says = |status: &[u8], nonce: Option<&[u8]>| {
            let der = responder.answers(&gw, status, (-1, Some(1)), nonce);
            let read = StatusResponse::from_der(&der).unwrap();
            read.status(&gw.cert, &ca.cert, Some(b"nonce of ours"), NOW)
        };
        assert_eq!(says(GOOD, None), Ok(Status::Good));
        assert_eq!(says(GOOD, Some(b"nonce of ours")), Ok(Status::Good));
        assert!(
            says(GOOD, Some(b"nonce of others"))
                .unwrap_err()
                .contains("nonce")
        );
        let told = Status::Revoked(Revoked {
            at: days(-2),
            reason: 4,
        });
        assert_eq!(says(&revoked(), None), Ok(told));
        assert!(says(UNKNOWN, None).unwrap_err().contains("doesn't know"));
    }
}

#[test]
fn abuse_60_a_responder_that_nobody_named_is_not_believed() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let host = ca.issues(&host_template("ocsp.lab"), 3);
    let other = root("CN=Other", 4);
    let stranger = other.issues(&responder_template(), 5);
    let mut template = responder_template();
    template.not_after = days(-1);
    let expired = ca.issues(&template, 6);
    for (signer, why) in [
        (&host, "OCSPSigning"),
        (&stranger, "isn't certified by the certificate's issuer"),
        (&expired, "isn't valid now"),
        (&other, "isn't certified by the certificate's issuer"),
    ] {
        let responder = Responder {
            signer,
            issuer: &ca,
            by_key: false,
        };
        let der = responder.answers(&gw, GOOD, (-1, Some(1)), None);
        let read = StatusResponse::from_der(&der).unwrap();
        let problem = read.status(&gw.cert, &ca.cert, None, NOW).unwrap_err();
        assert!(problem.contains(why), "{problem}");
    }
}

#[test]
fn abuse_60_old_answers_and_those_of_others_say_nothing() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let another = ca.issues(&host_template("another.lab"), 3);
    let responder = Responder {
        signer: &ca,
        issuer: &ca,
        by_key: false,
    };
    let says = |of: &Party, times| {
        let der = responder.answers(of, GOOD, times, None);
        let read = StatusResponse::from_der(&der).unwrap();
        read.status(&gw.cert, &ca.cert, None, NOW)
    };
    assert!(
        says(&another, (-1, Some(1)))
            .unwrap_err()
            .contains("another certificate")
    );
    assert!(
        says(&gw, (-9, Some(-1)))
            .unwrap_err()
            .contains("was good until")
    );
    assert!(says(&gw, (1, Some(2))).unwrap_err().contains("to come"));
    // Without an end, an answer is good for an hour.
    assert!(
        says(&gw, (-1, None))
            .unwrap_err()
            .contains("was good until")
    );
    assert_eq!(says(&gw, (0, None)), Ok(Status::Good));
    // RFC 6960 4.2.1: errors have no answer.
    for (code, word) in [
        (1, "malformedRequest"),
        (3, "tryLater"),
        (6, "unauthorized"),
    ] {
        let error = element(0x30, &element(0x0a, &[code]));
        assert!(
            StatusResponse::from_der(&error)
                .err()
                .unwrap()
                .contains(word)
        );
    }
}

#[test]
fn abuse_60_a_changed_answer_never_clears_anybody() {
    let ca = root("CN=Root", 1);
    let gw = ca.issues(&host_template("gw.lab"), 2);
    let delegate = ca.issues(&responder_template(), 3);
    let responder = Responder {
        signer: &delegate,
        issuer: &ca,
        by_key: true,
    };
    let der = responder.answers(&gw, &revoked(), (-1, Some(1)), None);
    let verdict = |der: &[u8]| {
        let read = StatusResponse::from_der(der).ok()?;
        read.status(&gw.cert, &ca.cert, None, NOW).ok()
    };
    assert!(matches!(verdict(&der), Some(Status::Revoked(_))));
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(verdict(&changed), None, "octet {at}");
        assert_eq!(verdict(&der[..at]), None, "cut to {at}");
    }
}

/// A chain of three; the host's certificate says where its status is told, the CA's doesn't.
fn world() -> (Party, Party, Party, Chain) {
    let root = root("CN=Root", 1);
    let ca = root.issues(&ca_template("CN=Issuing"), 2);
    let mut template = host_template("gw.lab");
    template.crl_urls = vec!["http://crl.lab/issuing.crl".into()];
    template.ocsp_urls = vec!["http://ocsp.lab/".into()];
    let gw = ca.issues(&template, 3);
    let found = chain(&trust(&[&root]), &gw, &[&ca]).unwrap();
    (root, ca, gw, found)
}

#[test]
fn policies_differ_in_what_is_not_known() {
    use RevocationPolicy::{IfUri, Relaxed, Strict};
    let (root, ca, gw, chain) = world();
    let nothing = Documents::default();
    assert_eq!(chain.revocation(&nothing, NOW, Relaxed), Ok(()));
    let refused = chain.revocation(&nothing, NOW, IfUri).unwrap_err();
    assert_eq!(refused.subject, "O=Lab, CN=gw.lab");
    assert!(matches!(refused.reason, Why::StatusUnknown { .. }));
    // The host's status is known; the CA's isn't, and nothing says where it would be.
    let read = |der: &[u8]| RevocationList::from_file(der).unwrap();
    let mut some = Documents {
        lists: vec![read(&list(&ca, &[], -1, 6))],
        ..Documents::default()
    };
    assert_eq!(chain.revocation(&some, NOW, IfUri), Ok(()));
    let refused = chain.revocation(&some, NOW, Strict).unwrap_err();
    assert_eq!(refused.subject, "CN=Issuing");
    some.lists.push(read(&list(&root, &[], -1, 6)));
    assert_eq!(chain.revocation(&some, NOW, Strict), Ok(()));
    // Who is revoked is refused under every policy, a CA as well as a host.
    for (by, of, subject) in [(&ca, &gw, "O=Lab, CN=gw.lab"), (&root, &ca, "CN=Issuing")] {
        let documents = Documents {
            lists: vec![read(&list(by, &[entry(of)], -1, 6))],
            ..Documents::default()
        };
        for policy in [Strict, IfUri, Relaxed] {
            let refused = chain.revocation(&documents, NOW, policy).unwrap_err();
            assert_eq!(refused.subject, subject);
            let Why::Revoked {
                serial,
                at,
                by,
                cause,
            } = &refused.reason
            else {
                panic!("revoked");
            };
            assert_eq!((serial, *at), (&of.cert.serial_text(), days(-2)));
            assert_eq!(
                (by.as_str(), cause.as_str()),
                ("CRL", "its key was compromised")
            );
        }
    }
}

/// CVE-2022-40617: what to fetch is said by a chain that stands, and by nothing else.
#[test]
fn abuse_61_only_a_trusted_chain_says_what_to_fetch() {
    let (_, ca, gw, chain) = world();
    let nothing = Documents::default();
    let needs = chain.needs(&nothing, NOW);
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].crl_urls, ["http://crl.lab/issuing.crl"]);
    assert_eq!(needs[0].ocsp_urls, ["http://ocsp.lab/"]);
    // What can't be had is told by its name.
    let failed = Documents {
        failures: vec![("http://crl.lab/issuing.crl".into(), "timed out".into())],
        ..Documents::default()
    };
    let refused = chain
        .revocation(&failed, NOW, RevocationPolicy::IfUri)
        .unwrap_err();
    let why = vec!["http://crl.lab/issuing.crl: timed out".to_owned()];
    assert_eq!(refused.reason, Why::StatusUnknown { why });
    // An answer of the responder settles it.
    let responder = Responder {
        signer: &ca,
        issuer: &ca,
        by_key: true,
    };
    let request = needs[0].ocsp_request(Some(b"0123456789abcdef"));
    assert!(request.ends_with(b"0123456789abcdef"));
    let der = responder.answers(&gw, GOOD, (-1, Some(1)), Some(b"0123456789abcdef"));
    let documents = Documents {
        responses: vec![(
            StatusResponse::from_der(&der).unwrap(),
            Some(b"0123456789abcdef".to_vec()),
        )],
        ..Documents::default()
    };
    assert_eq!(chain.needs(&documents, NOW), []);
    assert_eq!(
        chain.revocation(&documents, NOW, RevocationPolicy::IfUri),
        Ok(())
    );
}
