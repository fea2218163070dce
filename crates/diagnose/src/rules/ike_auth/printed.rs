//! Certificates that a tool printed, beside the log's times and the connection's identities.

use adit_model::fact::{Fact, Known};
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
        .facts
        .iter()
        .copied()
        .filter(|f| matches!(f.what, Known::Happened { .. }))
        .filter(|f| f.at.is_some_and(|at| tells_year(&f.source.text, at)))
        .max_by_key(|f| f.at);
    let (now, at) = match logged.and_then(|f| Some((f, f.at?))) {
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

/// A line without a year gets the latest one that isn't in the future, which may be a wrong one.
fn tells_year(text: &str, at: Wall) -> bool {
    let year = 1970 + at.0 / 31_556_952_000;
    (year.saturating_sub(1)..=year + 1).any(|year| dates(text, &year.to_string()))
}

/// Whether a year stands as one does in a time: beside a month by number, or alone near the line's begin.
fn dates(text: &str, year: &str) -> bool {
    /// A time that leads a line is over by there.
    const HEAD: usize = 40;
    let separates = |c: Option<&u8>| c.is_some_and(|c| matches!(c, b'-' | b'/' | b'.'));
    let digit = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    let blank = |c: Option<&u8>| c.is_none_or(|c| matches!(c, b' ' | b','));
    let octets = text.as_bytes();
    text.match_indices(year).any(|(at, _)| {
        let end = at + year.len();
        let before = at.checked_sub(1).and_then(|i| octets.get(i));
        let sooner = at.checked_sub(2).and_then(|i| octets.get(i));
        let after = octets.get(end);
        let later = octets.get(end + 1);
        !digit(before)
            && !digit(after)
            && (separates(after) && digit(later)
                || separates(before)
                    && sooner.is_some_and(u8::is_ascii_alphanumeric)
                    && !separates(after)
                    && at < HEAD
                || blank(before)
                    && (blank(after) || after == Some(&b':') && !digit(later))
                    && at < HEAD)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_stands_in_a_time_and_not_in_a_port_or_a_number() {
        for text in [
            "2026-11-20T09:14:01 gw charon: 10[IKE] x",
            "Fri Nov 20 09:14:01 2026: x",
            "Nov 20 2026 09:14:01: %CRYPTO-4",
            "20/11/2026 09:14 x",
            "{\"log\":\"x\",\"time\":\"2026-11-20T09:14:01Z\"}",
        ] {
            assert!(dates(text, "2026"), "{text}");
        }
        for text in [
            "Nov 20 09:14:01 gw charon[2026]: x",
            "Nov 20 09:14:01 gw pluto: from 192.0.2.1:2026",
            "Nov 20 09:14:01 gw charon: 10[IKE] sending packet number 2026",
        ] {
            assert!(!dates(text, "2026"), "{text}");
        }
    }
}
