//! CAs and certificates for gateways under test.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use adit_crypto::pki::issue::{Issuer, Template, self_signed};
use adit_crypto::pki::{Cert, NewKey, SigningKey, private_key_pem};
use adit_crypto::provider::aws_lc;
use adit_model::Wall;

/// A CA that signs.
pub struct Ca {
    key: SigningKey,
    pub cert: Cert,
}

impl Ca {
    pub fn new(name: &str) -> Self {
        let random = aws_lc().random;
        let (key, _) = SigningKey::generate(NewKey::P256, &*random).unwrap();
        let subject = format!("CN={name}").parse().unwrap();
        let template = Template::authority(subject, in_days(-1), in_days(1000));
        let cert = self_signed(&key, &template, &*random).unwrap();
        Self { key, cert }
    }

    /// Writes `FILE.pem` and `FILE.key` of a new certificate that holds `id` for so many days.
    pub fn issue(&self, dir: &Path, file: &str, id: &str, days: i64) {
        let random = aws_lc().random;
        let (key, secret) = SigningKey::generate(NewKey::P256, &*random).unwrap();
        let ids = vec![id.parse().unwrap()];
        let subject = format!("CN={id}").parse().unwrap();
        let template = Template::host(subject, ids, in_days(-1), in_days(days));
        let issuer = Issuer {
            cert: &self.cert,
            key: &self.key,
        };
        let cert = issuer.issue(key.public(), &template, &*random).unwrap();
        write(&dir.join(format!("{file}.pem")), cert.to_pem().as_bytes());
        let secret = private_key_pem(&secret);
        write(&dir.join(format!("{file}.key")), secret.as_ref());
    }
}

/// Writes a file of CAs that are trusted.
pub fn trust(dir: &Path, file: &str, cas: &[&Ca]) {
    let text: String = cas.iter().map(|ca| ca.cert.to_pem()).collect();
    write(&dir.join(file), text.as_bytes());
}

fn in_days(days: i64) -> Wall {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Wall(now.as_secs().checked_add_signed(days * 86_400).unwrap() * 1000)
}

fn write(path: &Path, content: &[u8]) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
