//! Certificates that a tool printed, beside the log's times and the connection's identities.

use adit_model::connection::AuthKind;
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::{Certificate, HostState};
use adit_model::identity::Identity;
use adit_model::now::Wall;
use adit_model::peer_config::{AuthMethod, PeerId};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::signals::{Signals, notify};

/// Authentication failed, or is refused for a certificate.
pub(super) fn refused(s: &Signals<'_>) -> bool {
    let said = [
        Sign::AuthenticationRefusedByPeer,
        Sign::PeerKeyUntrusted,
        Sign::CertificateNameMismatch,
        Sign::CertificateOutsideValidity,
        Sign::OwnSignatureFailed,
    ];
    s.told
        .iter()
        .any(|t| t.notify == notify::AUTHENTICATION_FAILED)
        || s.first_sign(&said).is_some()
        || s.refused.iter().any(|r| {
            matches!(
                r.refusal,
                Refusal::Certificate { .. } | Refusal::AuthValue { .. } | Refusal::Signature { .. }
            )
        })
}

/// A certificate that is past its end, or before its begin, at the time of an event whose year is told.
pub(super) fn outside<'a>(
    s: &Signals<'a>,
    expired: bool,
) -> Option<(&'a Fact, &'a Certificate, &'a Fact)> {
    let logged = s
        .host()
        .filter_map(|(fact, state)| match state {
            HostState::Dated { at } => Some((fact, *at)),
            _ => None,
        })
        .max_by_key(|(_, at)| *at);
    let (now, at) = match logged {
        Some(logged) => logged,
        None => clock(s)?,
    };
    let out = |c: &Certificate| {
        if expired {
            c.until.is_some_and(|until| until < at)
        } else {
            c.from.is_some_and(|from| from > at)
        }
    };
    let (fact, certificate) = s
        .certificates()
        .find(|(_, c)| out(c) && used(s, c))
        .or_else(|| s.certificates().find(|(_, c)| out(c)))?;
    // One that replaces it is there too.
    let replaced = s
        .certificates()
        .any(|(_, c)| !out(c) && c.subject == certificate.subject && !c.subject.is_empty());
    (!replaced).then_some((fact, certificate, now))
}

/// The clock of the host, where `date` was asked.
pub(super) fn clock<'a>(s: &Signals<'a>) -> Option<(&'a Fact, Wall)> {
    s.case.facts.iter().find_map(|f| match &f.what {
        Known::Host { state } => match **state {
            HostState::Clock { at } => Some((f, at)),
            _ => None,
        },
        _ => None,
    })
}

/// Whether a printed certificate is one that the refused authentication can have used.
pub(super) fn used(s: &Signals<'_>, certificate: &Certificate) -> bool {
    let issues = s
        .certificates()
        .any(|(_, c)| !c.authority && !c.issuer.is_empty() && c.issuer == certificate.subject);
    (!certificate.authority || issues) && by_certificate(s)
}

/// Authentication goes by certificates: the configurations, or else the lines about IKE, say so.
fn by_certificate(s: &Signals<'_>) -> bool {
    let methods: Vec<&AuthMethod> = s
        .case
        .facts
        .iter()
        .filter_map(|f| match &f.what {
            Known::PeerConfigured { connection } => Some(connection),
            _ => None,
        })
        .flat_map(|c| c.local_auth.value.iter().chain(&c.remote_auth.value))
        .collect();
    if let Some((_, own)) = s.configured(Side::Local) {
        return own.auth.local == AuthKind::Certificate;
    }
    if !methods.is_empty() {
        return methods.iter().any(|m| !matches!(m, AuthMethod::Psk));
    }
    let says = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| {
            [
                "cert",
                "certs",
                "certificate",
                "certificates",
                "rsa",
                "ecdsa",
                "x509",
                "pubkey",
            ]
            .iter()
            .any(|known| w.eq_ignore_ascii_case(known))
        })
    };
    s.facts
        .iter()
        .any(|f| matches!(f.what, Known::Happened { .. }) && says(&f.source.text))
        || s.first_sign(&[
            Sign::PeerKeyUntrusted,
            Sign::CertificateNameMismatch,
            Sign::CertificateOutsideValidity,
        ])
        .is_some()
}

/// The only certificate that isn't an authority's, whose extensions are printed, and the identity for which it is used
/// and that it doesn't hold.
pub(super) fn other_name<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a Certificate, String)> {
    let mut own = s.certificates().filter(|(_, c)| !c.authority);
    let (fact, certificate) = own.next()?;
    if own.next().is_some() {
        return None;
    }
    let names = certificate.names.as_deref()?;
    let mut ids: Vec<String> = Vec::new();
    for f in &s.case.facts {
        let Known::PeerConfigured { connection: c } = &f.what else {
            continue;
        };
        let by_certificate =
            |methods: &[AuthMethod]| !methods.iter().any(|m| matches!(m, AuthMethod::Psk));
        let ends = [
            (&c.local_id, by_certificate(&c.local_auth.value)),
            (&c.remote_id, by_certificate(&c.remote_auth.value)),
        ];
        for (id, by_certificate) in ends {
            match (&id.value, by_certificate && id.is_written()) {
                (Some(PeerId::Is(Identity::Fqdn(name) | Identity::Email(name))), true) => {
                    ids.push(name.clone());
                }
                (Some(PeerId::Is(Identity::Address(address))), true) => {
                    ids.push(address.to_string());
                }
                // A name of the directory is the certificate's own, or somebody else's.
                (Some(PeerId::Name(_) | PeerId::Any | PeerId::Like(_)) | None, true) => {}
                _ => {}
            }
        }
    }
    let holds = |id: &str| names.iter().any(|n| n.eq_ignore_ascii_case(id));
    if ids.iter().any(|id| holds(id)) {
        return None;
    }
    ids.into_iter().next().map(|id| (fact, certificate, id))
}
