//! The status of one certificate, asked for by name (RFC 6960).

use adit_model::Wall;
use adit_model::dn::DistinguishedName;
use aws_lc_rs::digest;

use super::cert::{Cert, Signed, Unsigned, each_extension};
use super::chain::needs_usage;
use super::crl::{Revoked, Status};
use super::der::{self, BIT_STRING, ENUMERATED, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER};
use super::der::{NULL, OCTET_STRING, Read, Reader, SEQUENCE, context, implicit};
use super::der::{octets_of_bits, write};
use super::extensions::KeyUsage;
use super::issue::extension;
use crate::digest::sha1;

/// Larger responses aren't read.
const MOST_OCTETS: usize = 1 << 20;
/// Clocks of responders may differ from ours by this much.
const SKEW: u64 = 5 * 60 * 1000;
/// How long a response is good that doesn't say so.
const FRESH: u64 = 60 * 60 * 1000;
/// More certificates that came with a response aren't looked at.
const MOST_SIGNERS: usize = 8;

const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
/// id-kp-OCSPSigning.
const SIGNING: &str = "1.3.6.1.5.5.7.3.9";
/// id-pkix-ocsp-basic.
const BASIC: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// A responder's answer. What it says isn't believed before the issuer's key, or one that it named, has verified it.
#[derive(Clone)]
pub struct StatusResponse {
    signed: Signed,
    responder: Responder,
    answers: Vec<Answer>,
    nonce: Option<Vec<u8>>,
    /// Certificates that came along, one of which may be the signer's.
    certs: Vec<Cert>,
}

#[derive(Clone)]
enum Responder {
    Name(DistinguishedName),
    Key(Vec<u8>),
}

#[derive(Clone)]
struct Answer {
    hash: Vec<u8>,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial: Vec<u8>,
    /// `None`: the responder doesn't know it.
    status: Option<Status>,
    this_update: Wall,
    next_update: Option<Wall>,
}

/// The body of a request for the status of `cert`, which `issuer` issued: what is sent by POST as
/// `application/ocsp-request` (RFC 6960 A.1). A nonce makes an old answer useless.
#[must_use]
pub fn request(cert: &Cert, issuer: &Cert, nonce: Option<&[u8]>) -> Vec<u8> {
    let Ok(key) = issuer.key() else {
        return Vec::new();
    };
    let algorithm = [write(OBJECT_IDENTIFIER, SHA1), write(NULL, &[])].concat();
    let id = [
        write(SEQUENCE, &algorithm),
        write(OCTET_STRING, &sha1(&[issuer.subject_der()])),
        write(OCTET_STRING, &key.key_id()),
        write(INTEGER, cert.serial()),
    ];
    let single = write(SEQUENCE, &write(SEQUENCE, &id.concat()));
    let mut body = write(SEQUENCE, &single);
    if let Some(nonce) = nonce {
        let list = extension(NONCE, false, &write(OCTET_STRING, nonce));
        body.extend(write(context(2), &write(SEQUENCE, &list)));
    }
    write(SEQUENCE, &write(SEQUENCE, &body))
}

impl StatusResponse {
    /// Reads what a responder sent.
    ///
    /// # Errors
    /// What can't be read, or the responder's own error.
    pub fn from_der(octets: &[u8]) -> Result<Self, String> {
        if octets.len() > MOST_OCTETS {
            return Err("the responder's answer is too large to be read".to_owned());
        }
        let unread = |problem: &str| format!("the responder's answer can't be read: {problem}");
        let basic = successful(octets).map_err(unread)??;
        read(basic).map_err(unread)
    }

    /// What it says of `cert`, which `issuer` issued. `nonce` is what the request had; a responder that doesn't repeat it
    /// answers from what it has prepared, which its dates bound.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn status(
        &self,
        cert: &Cert,
        issuer: &Cert,
        nonce: Option<&[u8]>,
        now: Wall,
    ) -> Result<Status, String> {
        if let (Some(sent), Some(came)) = (nonce, &self.nonce)
            && sent != came
        {
            return Err("the responder answers another request (nonce)".to_owned());
        }
        let answer = self.answers.iter().find(|a| a.is_of(cert, issuer));
        let answer = answer.ok_or("the responder tells of another certificate")?;
        self.is_signed(issuer, now)?;
        let Some(status) = answer.status else {
            return Err("the responder doesn't know the certificate".to_owned());
        };
        if matches!(status, Status::Revoked(_)) {
            return Ok(status);
        }
        if now.0.saturating_add(SKEW) < answer.this_update.0 {
            return Err(format!(
                "the responder's answer is of {}, which is to come",
                answer.this_update
            ));
        }
        let until = answer
            .next_update
            .unwrap_or(Wall(answer.this_update.0.saturating_add(FRESH)));
        if now.0 > until.0.saturating_add(SKEW) {
            return Err(format!("the responder's answer was good until {until}"));
        }
        Ok(status)
    }

    /// By the issuer itself, or by whom it certified for that (RFC 6960 4.2.2.2).
    fn is_signed(&self, issuer: &Cert, now: Wall) -> Result<(), String> {
        let mut problem = "the responder is neither the issuer nor named by it".to_owned();
        let delegates = self.certs.iter().take(MOST_SIGNERS);
        for signer in core::iter::once(issuer).chain(delegates) {
            let Ok(key) = signer.key() else {
                continue;
            };
            let is_it = match &self.responder {
                Responder::Name(name) => name == signer.subject(),
                Responder::Key(id) => key.key_id()[..] == id[..],
            };
            if !is_it {
                continue;
            }
            if signer != issuer
                && let Err(why) = delegated(signer, issuer, now)
            {
                problem = why;
                continue;
            }
            match self.signed.is_by(key) {
                Ok(()) => return Ok(()),
                Err(Unsigned::Method(reason)) => problem = format!("the answer: {reason}"),
                Err(Unsigned::Signature) => {
                    "the answer isn't signed by the responder's key".clone_into(&mut problem);
                }
            }
        }
        Err(problem)
    }
}

fn delegated(signer: &Cert, issuer: &Cert, now: Wall) -> Result<(), String> {
    let refused = |why: &str| Err(format!("the responder `{}` {why}", signer.subject()));
    let by_issuer = signer.issuer() == issuer.subject()
        && issuer
            .key()
            .is_ok_and(|key| signer.signed().is_by(key).is_ok());
    if !by_issuer {
        return refused("isn't certified by the certificate's issuer");
    }
    let purposes = signer.extensions().extended.iter().flatten();
    if !purposes.into_iter().any(|oid| oid == SIGNING) {
        return refused("isn't certified for signing answers (OCSPSigning)");
    }
    if needs_usage(signer, KeyUsage::SIGN.and(KeyUsage::NON_REPUDIATION)).is_err() {
        return refused("has a key usage that doesn't allow signing");
    }
    if signer.extensions().unknown_critical.is_some() {
        return refused("has a critical extension that isn't known here");
    }
    if now < signer.not_before() || now > signer.not_after() {
        return refused("has a certificate that isn't valid now");
    }
    Ok(())
}

impl Answer {
    fn is_of(&self, cert: &Cert, issuer: &Cert) -> bool {
        let Ok(key) = issuer.key() else {
            return false;
        };
        let hashes = match self.hash.as_slice() {
            SHA1 => Some((
                sha1(&[issuer.subject_der()]).to_vec(),
                key.key_id().to_vec(),
            )),
            SHA256 => Some((sha256(issuer.subject_der()), sha256(key.key_octets()))),
            _ => None,
        };
        self.serial == cert.serial()
            && hashes.is_some_and(|(name, key)| name == self.name_hash && key == self.key_hash)
    }
}

fn sha256(octets: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, octets).as_ref().to_vec()
}

/// The basic response in a successful one.
fn successful(octets: &[u8]) -> Read<Result<&[u8], String>> {
    let mut outer = Reader::only(octets, SEQUENCE, "it is no whole sequence")?;
    let status = outer.content(ENUMERATED, "its status")?;
    let error = match status {
        [0] => None,
        [1] => Some("malformedRequest"),
        [2] => Some("internalError"),
        [3] => Some("tryLater"),
        [5] => Some("sigRequired"),
        [6] => Some("unauthorized"),
        _ => return Err("its status"),
    };
    if let Some(error) = error {
        return Ok(Err(format!("the responder refuses: {error}")));
    }
    let bytes = outer.content(context(0), "it has no answer")?;
    outer.end("something follows the answer")?;
    let mut bytes = Reader::only(bytes, SEQUENCE, "its answer")?;
    if bytes.content(OBJECT_IDENTIFIER, "its type")? != BASIC {
        return Err("its type");
    }
    let basic = bytes.content(OCTET_STRING, "its answer")?;
    bytes.end("something follows the answer")?;
    Ok(Ok(basic))
}

fn read(octets: &[u8]) -> Read<StatusResponse> {
    let mut outer = Reader::only(octets, SEQUENCE, "it is no sequence")?;
    let body = outer.take(SEQUENCE, "it has no body")?.whole;
    let algorithm = outer.take(SEQUENCE, "its signature algorithm")?.whole;
    let bits = outer.content(BIT_STRING, "its signature")?;
    let signature = octets_of_bits(bits).ok_or("its signature")?;
    let mut certs = Vec::new();
    if let Some(list) = outer.optional(context(0)) {
        let mut list = Reader::only(list.content, SEQUENCE, "its certificates")?;
        while !list.is_empty() {
            let cert = list.take(SEQUENCE, "a certificate")?.whole;
            // One that can't be read isn't the signer's.
            certs.extend(Cert::from_der(cert).ok());
        }
    }
    outer.end("something follows its certificates")?;
    let signed = Signed {
        body: body.to_vec(),
        algorithm: algorithm.to_vec(),
        signature: signature.to_vec(),
    };
    let mut data = Reader::only(body, SEQUENCE, "its body")?;
    if let Some(version) = data.optional(context(0))
        && der::content(version.content, INTEGER) != Some(&[0])
    {
        return Err("its version");
    }
    let responder = match data.optional(context(1)) {
        Some(e) => {
            Responder::Name(DistinguishedName::from_der(e.content).ok_or("the responder's name")?)
        }
        None => {
            let key = data.content(context(2), "who the responder is")?;
            let id = der::content(key, OCTET_STRING).ok_or("the responder's key")?;
            Responder::Key(id.to_vec())
        }
    };
    let produced = data.take(GENERALIZED_TIME, "when it was made")?;
    der::time(produced).ok_or("when it was made")?;
    let mut list = data.enter(SEQUENCE, "its answers")?;
    let mut answers = Vec::new();
    while !list.is_empty() {
        answers.push(answer(list.enter(SEQUENCE, "an answer")?)?);
    }
    let mut nonce = None;
    if let Some(e) = data.optional(context(1)) {
        each_extension(e.content, |oid, critical, value| {
            if oid == NONCE {
                // Some leave the inner octet string out.
                let inner = der::content(value, OCTET_STRING);
                nonce = Some(inner.unwrap_or(value).to_vec());
            } else if critical {
                return Err("a critical extension that isn't known here");
            }
            Ok(())
        })?;
    }
    data.end("something follows its extensions")?;
    Ok(StatusResponse {
        signed,
        responder,
        answers,
        nonce,
        certs,
    })
}

fn answer(mut single: Reader<'_>) -> Read<Answer> {
    let what = "which certificate it tells of";
    let mut id = single.enter(SEQUENCE, what)?;
    let mut algorithm = id.enter(SEQUENCE, what)?;
    let hash = algorithm.content(OBJECT_IDENTIFIER, what)?.to_vec();
    let name_hash = id.content(OCTET_STRING, what)?.to_vec();
    let key_hash = id.content(OCTET_STRING, what)?.to_vec();
    let serial = id.content(INTEGER, what)?.to_vec();
    id.end(what)?;
    let status = single.any("the status")?;
    let what = "the status";
    let status = match status.tag {
        tag if tag == implicit(0) && status.content.is_empty() => Some(Status::Good),
        tag if tag == context(1) => {
            let mut info = Reader::new(status.content);
            let at = der::time(info.take(GENERALIZED_TIME, what)?).ok_or(what)?;
            let reason = match info.optional(context(0)) {
                Some(e) => match der::content(e.content, ENUMERATED) {
                    Some([reason]) => *reason,
                    _ => return Err(what),
                },
                None => 0,
            };
            info.end(what)?;
            Some(Status::Revoked(Revoked { at, reason }))
        }
        tag if tag == implicit(2) && status.content.is_empty() => None,
        _ => return Err(what),
    };
    let what = "until when it is good";
    let this_update = der::time(single.take(GENERALIZED_TIME, what)?).ok_or(what)?;
    let next_update = match single.optional(context(0)) {
        Some(e) => {
            let (element, rest) = der::first(e.content).ok_or(what)?;
            if element.tag != GENERALIZED_TIME || !rest.is_empty() {
                return Err(what);
            }
            Some(der::time(element).ok_or(what)?)
        }
        None => None,
    };
    if let Some(e) = single.optional(context(1)) {
        each_extension(e.content, |_, critical, _| {
            if critical {
                Err("a critical extension that isn't known here")
            } else {
                Ok(())
            }
        })?;
    }
    single.end("something follows an answer")?;
    Ok(Answer {
        hash,
        name_hash,
        key_hash,
        serial,
        status,
        this_update,
        next_update,
    })
}
