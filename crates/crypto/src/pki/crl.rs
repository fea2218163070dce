//! Lists of revoked certificates (RFC 5280 5).
//!
//! Whole lists of one issuer are read. Indirect lists, delta lists and lists for some reasons only say less than they
//! seem to, and are refused.

use std::collections::HashMap;
use std::sync::Arc;

use adit_model::Wall;
use adit_model::dn::DistinguishedName;

use super::cert::{Cert, Signed, Unsigned, each_extension};
use super::chain::needs_usage;
use super::der::{self, ENUMERATED, GENERALIZED_TIME, INTEGER, Read, Reader, SEQUENCE};
use super::der::{UTC_TIME, context, implicit};
use super::extensions::KeyUsage;

/// Larger lists aren't read.
const MOST_OCTETS: usize = 32 << 20;

/// A list of revoked certificates; cheap to clone. What it says isn't believed before its issuer's key has verified it.
#[derive(Clone)]
pub struct RevocationList(Arc<List>);

struct List {
    signed: Signed,
    issuer: DistinguishedName,
    this_update: Wall,
    next_update: Option<Wall>,
    revoked: HashMap<Vec<u8>, Revoked>,
    scope: Scope,
    /// Why it says nothing of what is asked.
    unusable: Option<String>,
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Since when.
    pub at: Wall,
    /// CRLReason (RFC 5280 5.3.1); 0 says nothing.
    pub reason: u8,
}

/// Of whose certificates a list tells (RFC 5280 5.2.5).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Scope {
    hosts_only: bool,
    authorities_only: bool,
}

/// What a source says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It isn't revoked.
    Good,
    /// It is.
    Revoked(Revoked),
}

impl Revoked {
    /// The reason in the words of RFC 5280 5.3.1.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self.reason {
            1 => "its key was compromised",
            2 => "the CA's key was compromised",
            3 => "its owner's affiliation changed",
            4 => "it was superseded",
            5 => "its owner ceased to operate",
            6 => "it is on hold",
            9 => "a privilege was withdrawn",
            10 => "the attribute authority's key was compromised",
            _ => "no reason is given",
        }
    }
}

impl RevocationList {
    /// Reads a list, in DER or as the first of a PEM file.
    ///
    /// # Errors
    /// What can't be read.
    pub fn from_file(octets: &[u8]) -> Result<Self, String> {
        if octets.len() > MOST_OCTETS {
            return Err("the list is too large to be read".to_owned());
        }
        let unread = |problem: &str| format!("the list can't be read: {problem}");
        let blocks = super::pem::blocks(octets);
        let block = blocks.iter().find(|b| b.label.ends_with("CRL"));
        let der = match block {
            Some(block) => block.octets.as_ref().map(|o| o.as_slice()),
            None => Some(octets),
        };
        let der = der.ok_or_else(|| unread("its PEM is damaged"))?;
        read(der).map_err(unread)
    }

    /// Whose list it is.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> Wall {
        self.0.this_update
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_update(&self) -> Option<Wall> {
        self.0.next_update
    }

    /// How many certificates it names.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.revoked.len()
    }

    /// What it says of `cert`, which `issuer` issued.
    ///
    /// # Errors
    /// Why it says nothing: another issuer's, not signed by it, too old, of another kind.
    pub fn status(&self, cert: &Cert, issuer: &Cert, now: Wall) -> Result<Status, String> {
        if self.0.issuer != *issuer.subject() || self.0.issuer != *cert.issuer() {
            return Err(format!("the CRL is of `{}`", self.0.issuer));
        }
        if let Some(why) = &self.0.unusable {
            return Err(why.clone());
        }
        let scope = self.0.scope;
        if (scope.hosts_only && cert.is_authority())
            || (scope.authorities_only && !cert.is_authority())
        {
            return Err("the CRL is for other kinds of certificates".to_owned());
        }
        if needs_usage(issuer, KeyUsage::REVOKE).is_err() {
            return Err("the issuer's key usage doesn't allow it to sign a CRL".to_owned());
        }
        let key = issuer.key().map_err(ToString::to_string)?;
        self.0
            .signed
            .is_by(key)
            .map_err(|unsigned| match unsigned {
                Unsigned::Method(reason) => format!("the CRL: {reason}"),
                Unsigned::Signature => "the CRL isn't signed by its issuer's key".to_owned(),
            })?;
        // Once revoked, revoked: also by a list that is past its time.
        if let Some(revoked) = self.0.revoked.get(cert.serial()) {
            return Ok(Status::Revoked(*revoked));
        }
        if now < self.0.this_update {
            return Err(format!(
                "the CRL is of {}, which is to come",
                self.0.this_update
            ));
        }
        match self.0.next_update {
            Some(next) if now > next => {
                Err(format!("the CRL is stale: a new one was due at {next}"))
            }
            Some(_) => Ok(Status::Good),
            None => Err("the CRL doesn't say until when it is good".to_owned()),
        }
    }
}

fn read(octets: &[u8]) -> Read<RevocationList> {
    let signed = Signed::read(octets)?;
    let mut body = Reader::only(&signed.body, SEQUENCE, "it has no body")?;
    if let Some(version) = body.optional(INTEGER)
        && version.content != [1]
    {
        return Err("its version");
    }
    let inner = body.take(SEQUENCE, "its signature algorithm")?.whole;
    if inner != signed.algorithm {
        return Err("its two signature algorithms differ");
    }
    let issuer = body.take(SEQUENCE, "its issuer")?.whole;
    let issuer = DistinguishedName::from_der(issuer).ok_or("its issuer")?;
    let this_update = der::time(body.any("its date")?).ok_or("its date")?;
    let next = body
        .optional(UTC_TIME)
        .or_else(|| body.optional(GENERALIZED_TIME));
    let next_update = match next {
        Some(e) => Some(der::time(e).ok_or("the date of the next one")?),
        None => None,
    };
    let mut unusable = None;
    let mut revoked = HashMap::new();
    if let Some(list) = body.optional(SEQUENCE) {
        let mut list = Reader::new(list.content);
        while !list.is_empty() {
            let mut entry = list.enter(SEQUENCE, "an entry")?;
            let serial = entry.content(INTEGER, "an entry's serial number")?;
            let at = der::time(entry.any("an entry's date")?).ok_or("an entry's date")?;
            let mut reason = 0;
            if let Some(e) = entry.optional(SEQUENCE) {
                each_extension(e.whole, |oid, critical, value| {
                    match oid {
                        "2.5.29.21" => match der::content(value, ENUMERATED) {
                            Some([number]) => reason = *number,
                            _ => return Err("an entry's reason"),
                        },
                        "2.5.29.24" => {}
                        "2.5.29.29" => unusable = Some(INDIRECT.to_owned()),
                        _ if critical => unusable = Some(unknown(oid)),
                        _ => {}
                    }
                    Ok(())
                })?;
            }
            entry.end("something follows an entry")?;
            revoked.insert(serial.to_vec(), Revoked { at, reason });
        }
    }
    let mut scope = Scope::default();
    if let Some(e) = body.optional(context(0)) {
        each_extension(e.content, |oid, critical, value| {
            match oid {
                "2.5.29.28" => match issuing(value)? {
                    Ok(read) => scope = read,
                    Err(why) => unusable = Some(why.to_owned()),
                },
                "2.5.29.27" => unusable = Some("the CRL is a delta to another one".to_owned()),
                _ if critical => unusable = Some(unknown(oid)),
                _ => {}
            }
            Ok(())
        })?;
    }
    body.end("something follows its extensions")?;
    Ok(RevocationList(Arc::new(List {
        signed,
        issuer,
        this_update,
        next_update,
        revoked,
        scope,
        unusable,
    })))
}

const INDIRECT: &str = "the CRL is indirect: it tells of several issuers' certificates";

fn unknown(oid: &str) -> String {
    format!("the CRL has a critical extension {oid} that isn't known here")
}

/// The issuing distribution point (RFC 5280 5.2.5).
fn issuing(value: &[u8]) -> Read<Result<Scope, &'static str>> {
    let what = "its distribution point";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    list.optional(context(0));
    let mut flag = |tag: u8| -> Read<bool> {
        match list.optional(implicit(tag)) {
            Some(e) => Ok(tag == 3 || der::truth(e.content).ok_or(what)?),
            None => Ok(false),
        }
    };
    let (hosts_only, authorities_only) = (flag(1)?, flag(2)?);
    let (some_reasons, indirect, attributes) = (flag(3)?, flag(4)?, flag(5)?);
    list.end(what)?;
    Ok(if indirect {
        Err(INDIRECT)
    } else if some_reasons {
        Err("the CRL is for some reasons of revocation only")
    } else if attributes {
        Err("the CRL is for attribute certificates")
    } else {
        Ok(Scope {
            hosts_only,
            authorities_only,
        })
    })
}
