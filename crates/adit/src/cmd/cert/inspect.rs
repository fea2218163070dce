//! `adit cert inspect`: what is in files, and what needs renewal.

use std::path::Path;

use adit_crypto::pki::{Cert, Expiry, KeyError, SigningKey};
use adit_model::Wall;
use adit_model::certificate_reason::CertificateReason;
use zeroize::Zeroizing;

use super::document::{Document, File, Finding, Key, certificate, fingerprint};
use super::now;
use crate::cli::CertInspectArgs;
use crate::cmd::{Outcome, read_bytes};
use crate::exit::Exit;

/// A file that was read.
struct Looked {
    path: String,
    problem: Option<String>,
    certs: Vec<Cert>,
    key: Option<Result<SigningKey, KeyError>>,
}

/// Looks.
pub fn inspect(args: &CertInspectArgs) -> Outcome {
    let at = now();
    let looked: Vec<Looked> = args.files.iter().map(|path| look(path)).collect();
    let at_hand: Vec<Cert> = looked.iter().flat_map(|l| l.certs.clone()).collect();
    let mut document = Document::new("inspect", at);
    for file in &looked {
        report(&mut document, file, &at_hand, args.within, at);
    }
    document.show(args.json)?;
    Ok(if looked.iter().all(|l| l.problem.is_some()) {
        Exit::CannotObserve
    } else if document.has_findings() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

fn look(path: &Path) -> Looked {
    let mut out = Looked {
        path: path.display().to_string(),
        problem: None,
        certs: Vec::new(),
        key: None,
    };
    let octets = match read_bytes(path) {
        Ok(octets) => Zeroizing::new(octets),
        Err(error) => {
            out.problem = Some(error.to_string());
            return out;
        }
    };
    out.key = match SigningKey::from_file(&octets) {
        Err(KeyError::Missing) => None,
        // A file in DER is one thing: a certificate is tried as a key only to be found none.
        Err(KeyError::Unreadable(_) | KeyError::Unsupported(_))
            if octets.first() == Some(&0x30) =>
        {
            None
        }
        key => Some(key),
    };
    match Cert::from_file(&octets) {
        Ok(certs) => out.certs = certs,
        Err(_) if out.key.is_some() && !octets.windows(11).any(|w| w == b"CERTIFICATE") => {}
        Err(refused) => {
            out.problem = Some(match &refused.reason {
                CertificateReason::Missing => {
                    "there is neither a certificate nor a private key in it".to_owned()
                }
                reason => format!("a certificate in it: {reason}"),
            });
        }
    }
    out
}

fn report(document: &mut Document, file: &Looked, at_hand: &[Cert], within: u32, now: Wall) {
    let path = &file.path;
    if let Some(problem) = &file.problem {
        document.finding(Finding {
            path: path.clone(),
            subject: None,
            finding: "unreadable",
            within_days: None,
            text: format!("{path}: {problem}"),
        });
    }
    for cert in &file.certs {
        let subject = cert.subject().to_string();
        let left = cert.days_left(now);
        let (finding, within_days, text) = match cert.expiry(now, within) {
            Expiry::Good => continue,
            Expiry::Expired => (
                "expired",
                None,
                format!("`{subject}` expired at {}", cert.not_after()),
            ),
            Expiry::NotYet => (
                "not-yet-valid",
                None,
                format!("`{subject}` is valid from {} on", cert.not_before()),
            ),
            Expiry::Within(days) => (
                "expires",
                Some(days),
                format!(
                    "`{subject}` expires at {}, in {}",
                    cert.not_after(),
                    match left {
                        ..=1 => "less than a day".to_owned(),
                        left => format!("{left} days"),
                    }
                ),
            ),
        };
        document.finding(Finding {
            path: path.clone(),
            subject: Some(subject),
            finding,
            within_days,
            text: format!("{path}: {text}"),
        });
    }
    let key = file.key.as_ref().map(|key| match key {
        Ok(key) => {
            let owner = at_hand.iter().find(|c| c.belongs_to(key).is_ok());
            // A key beside a certificate in one file is meant to be its key.
            if owner.is_none() && !file.certs.is_empty() {
                document.finding(Finding {
                    path: path.clone(),
                    subject: None,
                    finding: "key-mismatch",
                    within_days: None,
                    text: format!("{path}: the private key belongs to none of its certificates"),
                });
            }
            Key {
                algorithm: Some(key.public().kind().to_string()),
                belongs_to: owner.map(fingerprint),
                problem: None,
            }
        }
        Err(error) => Key {
            algorithm: None,
            belongs_to: None,
            problem: Some(error.to_string()),
        },
    });
    document.file(File {
        path: path.clone(),
        problem: file.problem.clone(),
        certificates: file
            .certs
            .iter()
            .map(|c| certificate(c, at_hand, now))
            .collect(),
        keys: key.into_iter().collect(),
    });
}
