//! The `adit.cert/1` document, and its text.

use std::fmt::Write as _;
use std::path::Path;

use adit_crypto::pki::Cert;
use adit_model::Wall;
use serde::Serialize;

use super::DAY;
use crate::cmd::{print, print_json};
use crate::exit::Failure;
use crate::render::paragraph;
use crate::render::style::Palette;

/// Days before its end at which a certificate's expiry is told with more weight.
const STEPS: [i64; 4] = [1, 7, 14, 30];

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
    subject: String,
    issuer: String,
    serial: String,
    names: Vec<String>,
    not_before: String,
    not_after: String,
    days_left: i64,
    /// `expired`, `not-yet-valid`, `1`, `7`, `14`, `30`, or `ok`.
    expiry: String,
    authority: bool,
    path_length: Option<u32>,
    key: String,
    key_usage: Vec<String>,
    extended_key_usage: Vec<String>,
    key_id: Option<String>,
    sha256: String,
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
    pub within_days: Option<i64>,
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
        let what = if self.authority { "CA" } else { "certificate" };
        let _ = writeln!(out, "  {what:<15} {}", p.value(&self.subject));
        let mut line = |label: &str, text: &str| {
            let _ = writeln!(out, "    {label:<13} {text}");
        };
        if !self.names.is_empty() {
            line("names", &self.names.join(", "));
        }
        let issuer = match (self.chain, &self.signed_by) {
            ("self-signed", _) => "itself".to_owned(),
            ("complete", _) => format!("{} (at hand)", self.issuer),
            (_, Some(_)) => format!("{} (at hand, but not the root above it)", self.issuer),
            _ => format!("{} (not at hand)", self.issuer),
        };
        line("issued by", &issuer);
        let left = match self.expiry.as_str() {
            "ok" => p.good(&format!("{} days left", self.days_left)),
            "expired" => p.bad("expired"),
            "not-yet-valid" => p.bad("not yet valid"),
            _ => p.open(&format!("{} days left", self.days_left)),
        };
        let until = format!("{} to {}  {left}", self.not_before, self.not_after);
        line("valid", &until);
        line("key", &self.key);
        let mut usage = self.key_usage.clone();
        usage.extend(self.extended_key_usage.clone());
        if !usage.is_empty() {
            line("usage", &usage.join(", "));
        }
        line("serial", &self.serial);
        line("sha256", &self.sha256);
    }
}

/// What the document says of a certificate; issuers are looked for in `at_hand`.
pub fn certificate(cert: &Cert, at_hand: &[Cert], now: Wall) -> Certificate {
    let extensions = cert.extensions();
    let left = days_left(cert, now);
    let expiry = match step(cert, now, 30) {
        Some(Expiry::Expired) => "expired".to_owned(),
        Some(Expiry::NotYet) => "not-yet-valid".to_owned(),
        Some(Expiry::Within(days)) => days.to_string(),
        None => "ok".to_owned(),
    };
    let issuer = issuer_of(cert, at_hand);
    Certificate {
        subject: cert.subject().to_string(),
        issuer: cert.issuer().to_string(),
        serial: cert.serial_text(),
        names: extensions.names.iter().map(ToString::to_string).collect(),
        not_before: cert.not_before().to_string(),
        not_after: cert.not_after().to_string(),
        days_left: left,
        expiry,
        authority: cert.is_authority(),
        path_length: extensions.authority.and_then(|c| c.path_length),
        key: match cert.key() {
            Ok(key) => key.kind().to_string(),
            Err(reason) => reason.to_string(),
        },
        key_usage: extensions.key_usage.map(|u| u.names()).unwrap_or_default(),
        extended_key_usage: extensions.purposes(),
        key_id: extensions.key_id.as_deref().map(hex),
        sha256: fingerprint(cert),
        signed_by: issuer.map(fingerprint),
        chain: chain_of(cert, at_hand),
    }
}

/// How near the end of a certificate is.
pub enum Expiry {
    Expired,
    NotYet,
    /// Within so many days: one of the steps, or what was asked for.
    Within(i64),
}

pub fn step(cert: &Cert, now: Wall, within: i64) -> Option<Expiry> {
    if now > cert.not_after() {
        return Some(Expiry::Expired);
    }
    if now < cert.not_before() {
        return Some(Expiry::NotYet);
    }
    let left = cert.not_after().0 - now.0;
    let within_days = |days: i64| u64::try_from(days).is_ok_and(|days| left <= days * DAY);
    let steps = STEPS.into_iter().filter(|s| *s <= within);
    steps
        .chain([within])
        .find(|days| within_days(*days))
        .map(Expiry::Within)
}

/// Days that are left, the begun one included; 0 or less when it has expired.
pub fn days_left(cert: &Cert, now: Wall) -> i64 {
    let signed = |at: Wall| i64::try_from(at.0).unwrap_or(i64::MAX);
    let day = i64::try_from(DAY).unwrap_or(1);
    -(signed(now) - signed(cert.not_after())).div_euclid(day)
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
