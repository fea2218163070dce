//! `adit cert`: a CA of one's own in one command, a host's certificate in another, and their renewal without a gap.
//!
//! Everything is in one folder: `ca.pem` and `ca.key`, and `NAME.pem` and `NAME.key` for each host. `ca.pem` is what
//! every gateway trusts; while a CA is being replaced it holds both. What was replaced stays as `….previous.…`.

mod document;
mod folder;
mod init;
mod inspect;
mod issue;
mod rotate;

use std::time::{SystemTime, UNIX_EPOCH};

use adit_crypto::pki::{Cert, Curve, KeyKind, NewKey};
use adit_model::Wall;

use super::Outcome;
use crate::cli::{CertArgs, CertCommand, KeyChoice};

/// One of the four.
pub fn cert(args: &CertArgs) -> Outcome {
    match &args.command {
        CertCommand::Init(args) => init::init(args),
        CertCommand::Issue(args) => issue::issue(args),
        CertCommand::Inspect(args) => inspect::inspect(args),
        CertCommand::Rotate(args) => rotate::rotate(args),
    }
}

const DAY: u64 = 86_400_000;

/// Clocks of peers may be behind ours by this much.
const BACK: u64 = 3_600_000;

fn now() -> Wall {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // Whole seconds, as certificates count.
    Wall(now.unwrap_or_default().as_secs().saturating_mul(1000))
}

fn in_days(now: Wall, days: u32) -> Wall {
    Wall(now.0.saturating_add(u64::from(days) * DAY))
}

fn a_little_back(now: Wall) -> Wall {
    Wall(now.0.saturating_sub(BACK))
}

impl From<KeyChoice> for NewKey {
    fn from(choice: KeyChoice) -> Self {
        match choice {
            KeyChoice::P256 => NewKey::P256,
            KeyChoice::P384 => NewKey::P384,
            KeyChoice::P521 => NewKey::P521,
            KeyChoice::Rsa2048 => NewKey::Rsa2048,
            KeyChoice::Rsa3072 => NewKey::Rsa3072,
            KeyChoice::Rsa4096 => NewKey::Rsa4096,
            KeyChoice::Ed25519 => NewKey::Ed25519,
        }
    }
}

/// The kind of key that is asked for, or that the certificate had which is replaced.
fn kind(asked: Option<KeyChoice>, old: &Cert) -> NewKey {
    match (asked, old.key().map(|key| key.kind())) {
        (Some(choice), _) => choice.into(),
        (None, Ok(KeyKind::Ec(Curve::P384))) => NewKey::P384,
        (None, Ok(KeyKind::Ec(Curve::P521))) => NewKey::P521,
        (None, Ok(KeyKind::Ed25519)) => NewKey::Ed25519,
        (None, Ok(KeyKind::Rsa { bits: ..=2048, .. })) => NewKey::Rsa2048,
        (None, Ok(KeyKind::Rsa { bits: ..=3072, .. })) => NewKey::Rsa3072,
        (None, Ok(KeyKind::Rsa { .. })) => NewKey::Rsa4096,
        (None, Ok(KeyKind::Ec(Curve::P256)) | Err(_)) => NewKey::P256,
    }
}
