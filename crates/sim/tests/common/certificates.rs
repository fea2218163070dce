//! Certificates of the virtual world: a CA, one for each side, and what can be wrong with them.

use std::sync::Arc;

use adit_crypto::pki::issue::{Issuer, Revocation, Template, self_signed};
use adit_crypto::pki::{Cert, Documents, NewKey, RevocationList, SigningKey, Trust};
use adit_crypto::provider::fake;
use adit_ike::key_holder::{Accepted, Authorities, Credentials, Own, OwnCertificate};
use adit_model::Wall;

use super::Setting;

/// What is wrong with a side's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    Expired,
    NotYetValid,
    Untrusted,
    Revoked,
    OtherName,
    /// It is a CA's certificate by its usage.
    Usage,
}

const DAY: u64 = 86_400_000;
/// When the world begins.
const NOW: u64 = 1_767_571_200_000;

/// Both sides authenticate by certificates of one CA; `chained` ones are from an intermediate CA that only their owners
/// have.
pub fn certificates(setting: &mut Setting, west: Flaw, east: Flaw, chained: bool) {
    let root = Ca::root("CN=Root");
    let sub = chained.then(|| root.below("CN=Intermediate"));
    let ca = sub.as_ref().unwrap_or(&root);
    let stranger = Ca::root("CN=Elsewhere");
    let mut revoked = Vec::new();
    let mut own = |name: &str, flaw| {
        let ca = if flaw == Flaw::Untrusted {
            &stranger
        } else {
            ca
        };
        let (key, cert) = ca.host(name, flaw);
        if flaw == Flaw::Revoked {
            revoked.push(cert.serial().to_vec());
        }
        let at_hand = [ca.cert.clone()];
        Own::Certificates(vec![
            OwnCertificate::new(&cert, Arc::new(key), &at_hand).unwrap(),
        ])
    };
    let owns = [own("west.lab", west), own("east.lab", east)];
    let authorities = Arc::new(Authorities {
        trust: Trust {
            anchors: vec![root.cert.clone()],
            ..Trust::default()
        },
        documents: Documents {
            lists: vec![ca.list(&revoked)],
            ..Documents::default()
        },
        ..Authorities::default()
    });
    let [west, east] = owns.map(|own| Credentials {
        own,
        peer: Accepted::Certificates(Arc::clone(&authorities)),
        ppk: None,
        sha1: false,
    });
    setting.west.auth = west.authentication();
    setting.east.auth = east.authentication();
    setting.credentials = Some([west, east]);
}

struct Ca {
    key: SigningKey,
    cert: Cert,
}

fn generate() -> SigningKey {
    let random = fake(7).random;
    SigningKey::generate(NewKey::P256, &*random).unwrap().0
}

impl Ca {
    fn root(name: &str) -> Self {
        let key = generate();
        let cert = self_signed(&key, &authority(name), &*fake(1).random).unwrap();
        Self { key, cert }
    }

    fn below(&self, name: &str) -> Self {
        let key = generate();
        let cert = self
            .issuer()
            .issue(key.public(), &authority(name), &*fake(2).random);
        Self {
            key,
            cert: cert.unwrap(),
        }
    }

    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            cert: &self.cert,
            key: &self.key,
        }
    }

    fn host(&self, name: &str, flaw: Flaw) -> (SigningKey, Cert) {
        let key = generate();
        let (begin, end) = match flaw {
            Flaw::Expired => (NOW - 30 * DAY, NOW - 2 * DAY),
            Flaw::NotYetValid => (NOW + 2 * DAY, NOW + 30 * DAY),
            _ => (NOW - DAY, NOW + 30 * DAY),
        };
        let holds = if flaw == Flaw::OtherName {
            "somebody.else"
        } else {
            name
        };
        let subject = format!("CN={name}").parse().unwrap();
        let names = vec![holds.parse().unwrap()];
        let mut template = Template::host(subject, names, Wall(begin), Wall(end));
        if flaw == Flaw::Usage {
            template.key_usage = authority("CN=x").key_usage;
        }
        let seed = name.len() as u64 + u64::from(name.as_bytes()[0]);
        let cert = self
            .issuer()
            .issue(key.public(), &template, &*fake(seed).random);
        (key, cert.unwrap())
    }

    fn list(&self, revoked: &[Vec<u8>]) -> RevocationList {
        let revoked: Vec<Revocation> = revoked
            .iter()
            .map(|serial| Revocation {
                serial: serial.clone(),
                at: Wall(NOW - DAY),
                reason: 1,
            })
            .collect();
        let (begin, end) = (Wall(NOW - DAY), Wall(NOW + 30 * DAY));
        let list = self.issuer().revocation_list(1, &revoked, begin, end);
        RevocationList::from_file(&list.unwrap()).unwrap()
    }
}

fn authority(name: &str) -> Template {
    Template {
        authority: Some(None),
        ..Template::authority(
            name.parse().unwrap(),
            Wall(NOW - 400 * DAY),
            Wall(NOW + 400 * DAY),
        )
    }
}
