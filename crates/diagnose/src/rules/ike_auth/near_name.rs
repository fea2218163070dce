//! A distinguished name that is nearly the one that is wanted: the same common name, and other parts around it.

use adit_model::credential::attribute;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::identity::Identity;
use adit_model::peer_config::PeerId;

use crate::signals::{Signals, notify};

/// A configured name, and the one that is used in its place.
pub(super) struct Near<'a> {
    /// The connection that wants the name.
    pub(super) configured: &'a Fact,
    pub(super) wanted: String,
    /// Where the other name was seen.
    pub(super) seen: &'a Fact,
    pub(super) used: String,
}

/// What a connection wants of its peer, where the evidence knows a name that differs from it in parts beside the common
/// name, and none that is it.
pub(super) fn near_name<'a>(s: &Signals<'a>) -> Option<Near<'a>> {
    let used = names(s);
    s.case.facts.iter().find_map(|configured| {
        let Known::PeerConfigured { connection } = &configured.what else {
            return None;
        };
        let Some(PeerId::Name(wanted)) = connection
            .remote_id
            .value
            .as_ref()
            .filter(|_| connection.remote_id.is_written())
        else {
            return None;
        };
        let want = parts(wanted);
        if used.iter().any(|(_, name)| parts(name) == want) {
            return None;
        }
        let common = want.iter().find(|p| p.starts_with("cn="))?;
        let (seen, name) = used.iter().find(|(_, name)| parts(name).contains(common))?;
        Some(Near {
            configured,
            wanted: wanted.clone(),
            seen,
            used: name.clone(),
        })
    })
}

/// The names under which gateways proved themselves, or whose certificates were printed.
fn names<'a>(s: &Signals<'a>) -> Vec<(&'a Fact, String)> {
    let proven = s.case.facts.iter().filter_map(|f| match &f.what {
        Known::Happened {
            happening:
                Happening::PeerRefused {
                    notify: notify::AUTHENTICATION_FAILED,
                    asked,
                    ..
                },
        } => match &asked.local_id {
            Some(Identity::Name(name)) => Some((f, name.to_string())),
            _ => None,
        },
        _ => None,
    });
    let printed = s
        .certificates()
        .filter(|(_, c)| !c.authority)
        .map(|(f, c)| (f, c.subject.clone()));
    proven.chain(printed).collect()
}

/// The parts of a name, in small letters, each by the one name of its type, and sorted: tools print them in either order
/// and call a type this or that.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name
        .trim_matches(['"', '\''])
        .split([',', '/'])
        .filter_map(|part| {
            let (key, value) = part.split_once('=')?;
            let key = attribute(key).unwrap_or(key.trim());
            Some(format!("{key}={}", value.trim()).to_ascii_lowercase())
        })
        .collect();
    parts.sort();
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_name_is_the_same_in_either_order_and_spacing() {
        assert_eq!(parts("C=CH, O=Lab, CN=gw"), parts("CN = gw,O=lab,C=CH"));
        assert_eq!(parts("/C=CH/O=Lab/CN=gw"), parts("C=CH, O=Lab, CN=gw"));
        assert_eq!(
            parts("CN=gw, E=a@b.example"),
            parts("emailAddress = a@b.example, CN = gw")
        );
        assert_ne!(parts("C=CH, CN=gw"), parts("C=CH, O=Lab, CN=gw"));
    }
}
