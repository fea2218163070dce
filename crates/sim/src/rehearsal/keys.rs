//! With what both ends authenticate: keys that are as equal as those of the files, certificates of the world's own CA.

use std::sync::Arc;

use adit_crypto::pki::issue::{Issuer, Template, self_signed};
use adit_crypto::pki::{Cert, NewKey, SigningKey, Trust, VerifyingKey};
use adit_crypto::provider;
use adit_ike::key_holder::{Accepted, Authorities, Credentials, Own, OwnCertificate};
use adit_model::connection::AuthKind;
use adit_model::fact::Side;
use adit_model::identity::Identity;
use adit_model::peer_config::SharedKey;
use adit_model::{Secret, Wall};

use super::convert::Configured;
use super::{End, Notes, SIDES, Unplayable, index};

/// When certificates of the world begin and end, in milliseconds of its clock: long before and after any rehearsal.
const VALID: (Wall, Wall) = (Wall(1_600_000_000_000), Wall(2_200_000_000_000));

/// What both ends hold; `None` for an end that has no key.
pub(super) type Keys = [Option<Credentials>; 2];

/// Makes them.
pub(super) fn both(
    ends: &[End; 2],
    configured: &[Configured; 2],
    notes: &mut Notes,
) -> Result<Keys, Unplayable> {
    let auth = configured.each_ref().map(|c| c.connection.auth);
    let by_psk = auth
        .iter()
        .any(|a| a.local == AuthKind::Psk || a.remote == AuthKind::Psk);
    let by_key = auth
        .iter()
        .any(|a| a.local != AuthKind::Psk || a.remote != AuthKind::Psk);
    let secrets = if by_psk {
        shared(ends, notes)
    } else {
        [None, None]
    };
    let made = match by_key {
        true => Some(Made::of(configured).map_err(|_| {
            Unplayable("no certificate can be made for the identities of the files".to_owned())
        })?),
        false => None,
    };
    if made.is_some() {
        notes.assume(
            None,
            "certificates and keys of the files aren't used: each end has one of the world's own for its identity, and trusts the other's",
        );
    }
    Ok(SIDES.map(|side| {
        let i = index(side);
        let ppk = configured[i].connection.ppk.as_ref();
        Some(Credentials {
            own: match (auth[i].local, &made) {
                (AuthKind::Psk, _) | (_, None) => Own::Psk(secrets[i].clone()?),
                (AuthKind::PublicKey, Some(made)) => Own::PublicKey(Arc::clone(&made.keys[i])),
                (AuthKind::Certificate, Some(made)) => {
                    Own::Certificates(vec![made.certificates[i].clone()])
                }
            },
            peer: match (auth[i].remote, &made) {
                (AuthKind::Psk, _) | (_, None) => Accepted::Psk(secrets[i].clone()?),
                (AuthKind::PublicKey, Some(made)) => {
                    Accepted::PublicKeys(vec![made.public[1 - i].clone()])
                }
                (AuthKind::Certificate, Some(made)) => {
                    Accepted::Certificates(Arc::clone(&made.authorities))
                }
            },
            // The same name stands for the same key.
            ppk: ppk.map(|ppk| Secret::from(ppk.id.as_bytes())),
            sha1: false,
        })
    }))
}

/// Pre-shared keys: different where the files' are, and none where a file has none.
fn shared(ends: &[End; 2], notes: &mut Notes) -> [Option<Secret>; 2] {
    let found = ends.each_ref().map(|end| end.connection.psk.as_ref());
    let digest = |key: Option<&SharedKey>| key.and_then(|k| k.digest);
    let known = found.map(digest);
    SIDES.map(|side| {
        let i = index(side);
        let end = &ends[i];
        match (known[i], known[1 - i], found[i]) {
            (Some(own), ..) => Some(Secret::from(own.0.as_slice())),
            (None, _, None) if end.connection.secrets_seen => None,
            (None, other, _) => {
                notes.assume(
                    side,
                    "its pre-shared key isn't at hand and is the other end's",
                );
                let same = other.map_or([0; 16], |digest| digest.0);
                Some(Secret::from(same.as_slice()))
            }
        }
    })
}

/// Keys and certificates of both ends.
struct Made {
    keys: [Arc<SigningKey>; 2],
    public: [VerifyingKey; 2],
    certificates: [OwnCertificate; 2],
    authorities: Arc<Authorities>,
}

/// Nothing can be said about it that helps anybody.
struct Impossible;

impl Made {
    fn of(configured: &[Configured; 2]) -> Result<Self, Impossible> {
        let random = provider::fake(1).random;
        let generate = || {
            SigningKey::generate(NewKey::P256, &*random)
                .map(|(key, _)| key)
                .map_err(|_| Impossible)
        };
        let ca_key = generate()?;
        let name = "CN=Rehearsal CA".parse().map_err(|_| Impossible)?;
        let template = Template::authority(name, VALID.0, VALID.1);
        let ca = self_signed(&ca_key, &template, &*random).map_err(|_| Impossible)?;
        let issuer = Issuer {
            cert: &ca,
            key: &ca_key,
        };
        let host =
            |side: Side| -> Result<(Arc<SigningKey>, VerifyingKey, OwnCertificate), Impossible> {
                let key = generate()?;
                let template = subject(&configured[index(side)].connection.local_id, side)?;
                let issued = issuer.issue(key.public(), &template, &*random);
                let cert: Cert = issued.map_err(|_| Impossible)?;
                let public = key.public().clone();
                let key = Arc::new(key);
                let own = OwnCertificate::new(&cert, Arc::clone(&key), core::slice::from_ref(&ca));
                Ok((key, public, own.map_err(|_| Impossible)?))
            };
        let (a, b) = (host(Side::Local)?, host(Side::Remote)?);
        let authorities = Authorities {
            trust: Trust {
                anchors: vec![ca.clone()],
                ..Trust::default()
            },
            ..Authorities::default()
        };
        Ok(Self {
            keys: [a.0, b.0],
            public: [a.1, b.1],
            certificates: [a.2, b.2],
            authorities: Arc::new(authorities),
        })
    }
}

/// A certificate for that identity.
fn subject(id: &Identity, side: Side) -> Result<Template, Impossible> {
    let (name, names) = match id {
        Identity::Name(name) => (name.clone(), Vec::new()),
        other => {
            let word = match side {
                Side::Local => "CN=local",
                Side::Remote => "CN=remote",
            };
            let holds = !matches!(other, Identity::KeyId(_) | Identity::Other { .. });
            let names = if holds {
                vec![other.clone()]
            } else {
                Vec::new()
            };
            (word.parse().map_err(|_| Impossible)?, names)
        }
    };
    Ok(Template::host(name, names, VALID.0, VALID.1))
}
