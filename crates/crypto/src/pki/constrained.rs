//! Names that a CA may certify (RFC 5280 4.2.1.10, 6.1.3 b and c).

use std::net::IpAddr;

use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};

use super::cert::Cert;
use super::extensions::{Name, NameConstraints};

/// Checks every certificate of a path (leaf first) against the constraints of those above it.
pub(super) fn check(path: &[&Cert]) -> Result<(), Box<RefusedCertificate>> {
    for (at, authority) in path.iter().enumerate() {
        let Some(constraints) = &authority.extensions().constraints else {
            continue;
        };
        for (below, cert) in path.iter().enumerate().take(at) {
            // A CA's own new key under its old one isn't constrained by it (RFC 5280 6.1.3).
            if below > 0 && cert.is_self_issued() {
                continue;
            }
            for name in names(cert) {
                if let Some(excluded) = violated(constraints, &name) {
                    return Err(cert.refused(CertificateReason::NameConstraint {
                        name: name.to_string(),
                        authority: authority.subject().to_string(),
                        excluded,
                    }));
                }
            }
        }
    }
    Ok(())
}

fn names(cert: &Cert) -> Vec<Name> {
    let mut out = cert.extensions().names.clone();
    if !out.iter().any(|n| matches!(n, Name::Email(_))) {
        let mails = cert.subject().values("E");
        out.extend(mails.map(|mail| Name::Email(mail.to_owned())));
    }
    if !cert.subject().is_empty() {
        out.push(Name::Directory(cert.subject().clone()));
    }
    out
}

/// `Some(true)` when it is forbidden by name, `Some(false)` when it is outside of what is permitted.
fn violated(constraints: &NameConstraints, name: &Name) -> Option<bool> {
    // Of a type that isn't compared here, every name is within: refused, never let through.
    let of_kind = |base: &&Name| kind(base) == kind(name);
    if constraints
        .excluded
        .iter()
        .filter(of_kind)
        .any(|base| within(base, name).unwrap_or(true))
    {
        return Some(true);
    }
    let mut permitted = constraints.permitted.iter().filter(of_kind).peekable();
    if permitted.peek().is_some() && !permitted.any(|base| within(base, name).unwrap_or(false)) {
        return Some(false);
    }
    None
}

fn kind(name: &Name) -> u8 {
    match name {
        Name::Email(_) => 1,
        Name::Dns(_) => 2,
        Name::Directory(_) => 4,
        Name::Uri(_) => 6,
        Name::Address(_) | Name::Network(..) => 7,
        Name::Other(tag) => tag & 0x1f,
    }
}

/// `None` when it can't be told.
fn within(base: &Name, name: &Name) -> Option<bool> {
    Some(match (base, name) {
        (Name::Dns(base), Name::Dns(name)) => host_within(base, name),
        (Name::Email(base), Name::Email(name)) => {
            let (user, host) = name.rsplit_once('@')?;
            match base.rsplit_once('@') {
                Some((its_user, its_host)) => {
                    user == its_user && host.eq_ignore_ascii_case(its_host)
                }
                None if base.is_empty() => true,
                None if base.starts_with('.') => host_within(base, host),
                None => host.eq_ignore_ascii_case(base),
            }
        }
        (Name::Directory(base), Name::Directory(name)) => base.begins(name),
        (Name::Uri(base), Name::Uri(name)) => {
            let (_, rest) = name.split_once("://")?;
            let authority = rest.split(['/', '?', '#']).next()?;
            let host = authority.rsplit('@').next()?;
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            // Constraints don't apply to addresses in URLs (RFC 5280 4.2.1.10).
            if host.is_empty() || host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
                return None;
            }
            if base.starts_with('.') {
                host_within(base, host)
            } else {
                host.eq_ignore_ascii_case(base)
            }
        }
        (Name::Network(base, mask), Name::Address(address)) => {
            let octets = match address {
                IpAddr::V4(a) => a.octets().to_vec(),
                IpAddr::V6(a) => a.octets().to_vec(),
            };
            octets.len() == base.len()
                && octets
                    .iter()
                    .zip(base)
                    .zip(mask)
                    .all(|((o, b), m)| o & m == b & m)
        }
        _ => return None,
    })
}

/// The host itself or one below it; with a dot in front only those below.
fn host_within(base: &str, name: &str) -> bool {
    let (base, name) = (base.to_ascii_lowercase(), name.to_ascii_lowercase());
    if base.is_empty() {
        return true;
    }
    match base.strip_prefix('.') {
        Some(_) => name.len() > base.len() && name.ends_with(&base),
        None => name == base || name.ends_with(&format!(".{base}")),
    }
}
