//! The `adit.cert/1` document, and its text.

use std::fmt::Write as _;
use std::path::Path;

use adit_crypto::pki::Cert;
use adit_model::Wall;
use adit_model::certificate::CertificateDetail;
use serde::Serialize;

use crate::cmd::{print, print_json};
use crate::exit::Failure;
use crate::render::certificate::lines;
use crate::render::paragraph;
use crate::render::style::Palette;

/// What a command did or saw.
#[derive(Serialize)]
pub struct Document {
    schema: &'static str,
    action: &'static str,
    at: String,
    /// Files that were written.
    written: Vec<String>,
    /// Files that were looked at, or written with certificates.
    files: Vec<File>,
    findings: Vec<Finding>,
    /// What to do now.
    next: Vec<String>,
}

/// A file and what is in it.
#[derive(Serialize)]
pub struct File {
    pub path: String,
    /// Why it couldn't be read.
    pub problem: Option<String>,
    pub certificates: Vec<Certificate>,
    pub keys: Vec<Key>,
}

/// A certificate.
#[derive(Clone, Serialize)]
pub struct Certificate {
    #[serde(flatten)]
    shown: CertificateDetail,
    path_length: Option<u32>,
    key_usage: Vec<String>,
    extended_key_usage: Vec<String>,
    key_id: Option<String>,
    /// SHA-256 of the issuer's certificate, if that is at hand.
    signed_by: Option<String>,
    /// `self-signed`, `complete`, or `open`: the issuer, or the issuer's, isn't at hand.
    chain: &'static str,
}

/// A private key; nothing of it is shown but what it is of.
#[derive(Serialize)]
pub struct Key {
    /// What it is of; `null` when a passphrase opens it or it can't be read.
    pub algorithm: Option<String>,
    /// SHA-256 of the certificate at hand that it belongs to.
    pub belongs_to: Option<String>,
    /// Why it can't be used.
    pub problem: Option<String>,
}

/// Something to act upon.
#[derive(Serialize)]
pub struct Finding {
    pub path: String,
    pub subject: Option<String>,
    /// `expired`, `not-yet-valid`, `expires`, `unreadable`, `key-mismatch`.
    pub finding: &'static str,
    /// For `expires`: within 1, 7, 14 or 30 days, or the days asked for.
    pub within_days: Option<u32>,
    pub text: String,
}

impl Document {
    pub fn new(action: &'static str, now: Wall) -> Self {
        Self {
            schema: "adit.cert/1",
            action,
            at: now.to_string(),
            written: Vec::new(),
            files: Vec::new(),
            findings: Vec::new(),
            next: Vec::new(),
        }
    }

    pub fn wrote(&mut self, path: &Path) {
        self.written.push(path.display().to_string());
    }

    pub fn holds(&mut self, path: &Path, certs: &[&Cert], at_hand: &[Cert], now: Wall) {
        let all = certs.iter().map(|c| certificate(c, at_hand, now));
        self.files.push(File {
            path: path.display().to_string(),
            problem: None,
            certificates: all.collect(),
            keys: Vec::new(),
        });
    }

    pub fn file(&mut self, file: File) {
        self.files.push(file);
    }

    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    pub fn next(&mut self, step: impl Into<String>) {
        self.next.push(step.into());
    }

    /// As text or as JSON.
    pub fn show(&self, json: bool) -> Result<(), Failure> {
        if json {
            return print_json(self);
        }
        print(&self.text(Palette::stdout())).map(drop)
    }

    fn text(&self, p: Palette) -> String {
        let mut out = String::new();
        for path in &self.written {
            let _ = writeln!(out, "wrote {}", p.value(path));
        }
        for file in &self.files {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = writeln!(out, "{}", p.bold(&file.path));
            if let Some(problem) = &file.problem {
                let _ = writeln!(out, "  {}", p.bad(problem));
            }
            for certificate in &file.certificates {
                certificate.text(&mut out, p);
            }
            for key in &file.keys {
                let what = key.algorithm.as_deref().unwrap_or("private key");
                let whose = match (&key.problem, &key.belongs_to) {
                    (Some(problem), _) => problem.clone(),
                    (None, Some(_)) => "belongs to a certificate above".to_owned(),
                    (None, None) => "belongs to no certificate here".to_owned(),
                };
                let _ = writeln!(out, "  private key     {what}: {whose}");
            }
        }
        if !self.findings.is_empty() {
            out.push('\n');
        }
        for finding in &self.findings {
            let _ = writeln!(out, "{} {}", p.bad("!"), finding.text);
        }
        if !self.next.is_empty() {
            let _ = writeln!(out, "\n{}", p.bold("Next"));
            for step in &self.next {
                // What is to be typed or pasted stays in one piece.
                if step.starts_with("  ") {
                    let _ = writeln!(out, "{}", p.value(step));
                } else {
                    out.push_str(&paragraph(2, step));
                }
            }
        }
        out
    }
}

impl Certificate {
    fn text(&self, out: &mut String, p: Palette) {
        let shown = &self.shown;
        let what = if shown.authority { "CA" } else { "certificate" };
        let _ = writeln!(out, "  {what:<15} {}", p.value(&shown.subject));
        let issuer = match (self.chain, &self.signed_by) {
            ("self-signed", _) => "itself".to_owned(),
            ("complete", _) => format!("{} (at hand)", shown.issuer),
            (_, Some(_)) => format!("{} (at hand, but not the root above it)", shown.issuer),
            _ => format!("{} (not at hand)", shown.issuer),
        };
        let usage = [&self.key_usage[..], &self.extended_key_usage[..]].concat();
        lines(out, "    ", shown, &issuer, &usage, p);
    }
}

/// What the document says of a certificate; issuers are looked for in `at_hand`.
pub fn certificate(cert: &Cert, at_hand: &[Cert], now: Wall) -> Certificate {
    let extensions = cert.extensions();
    Certificate {
        shown: cert.detail(now),
        path_length: extensions.authority.and_then(|c| c.path_length),
        key_usage: extensions.key_usage.map(|u| u.names()).unwrap_or_default(),
        extended_key_usage: extensions.purposes(),
        key_id: extensions.key_id.as_deref().map(hex),
        signed_by: issuer_of(cert, at_hand).map(fingerprint),
        chain: chain_of(cert, at_hand),
    }
}

fn issuer_of<'a>(cert: &Cert, at_hand: &'a [Cert]) -> Option<&'a Cert> {
    if cert.is_self_issued() {
        return at_hand.iter().find(|c| *c == cert);
    }
    at_hand.iter().find(|c| cert.is_signed_by(c))
}

/// How far issuers are at hand.
fn chain_of(cert: &Cert, at_hand: &[Cert]) -> &'static str {
    const MOST_DEEP: usize = 10;
    let mut at = cert;
    for _ in 0..MOST_DEEP {
        if at.is_signed_by(at) {
            return if at == cert {
                "self-signed"
            } else {
                "complete"
            };
        }
        match at_hand.iter().find(|c| at.is_signed_by(c)) {
            Some(issuer) => at = issuer,
            None => break,
        }
    }
    "open"
}

pub fn fingerprint(cert: &Cert) -> String {
    hex(&cert.sha256())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}
