//! Whether charon's file of secrets leads to any: `ipsec.secrets`, as the plugin stroke loads it.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use crate::reading::Place;

/// What was said since secrets were loaded.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    loading: bool,
    /// A file that was to be included and isn't there, and the line that says so.
    absent: Option<(String, Place)>,
}

impl Secrets {
    /// The next line of group CFG; the file that isn't there, once the loading came to its end without a secret.
    pub(super) fn line(
        &mut self,
        text: &str,
        place: impl Fn() -> Place,
    ) -> Option<(Sign, BTreeMap<String, String>, Place)> {
        let text = text.trim_start();
        if text.starts_with("loading secrets from ") {
            (self.loading, self.absent) = (true, None);
            return None;
        }
        if !self.loading {
            return None;
        }
        if let Some(rest) = text.strip_prefix("expanding file expression '") {
            // A pattern, and the file that a package writes for itself, may well be without anything.
            let path = rest.strip_suffix("' failed")?;
            let wanted = !path.contains(['*', '?', '[']) && path.ends_with(".secrets");
            if wanted && self.absent.is_none() {
                self.absent = Some((path.to_owned(), place()));
            }
            return None;
        }
        self.loading = false;
        let absent = self.absent.take();
        if is_secret(text) || come_otherwise(text) {
            return None;
        }
        let (path, place) = absent?;
        let values = BTreeMap::from([("path".to_owned(), path)]);
        Some((Sign::SecretsNoneLoaded, values, place))
    }
}

/// Whether the line tells of secrets that come another way: by vici, or from a RADIUS server.
pub(super) fn come_otherwise(text: &str) -> bool {
    let text = text.trim_start();
    let servers = text
        .strip_prefix("loaded ")
        .and_then(|rest| rest.split_once(" RADIUS server configuration"))
        .is_some_and(|(count, _)| count != "0");
    servers
        || ["IKE", "EAP", "XAuth", "PPK", "NTLM"].iter().any(|kind| {
            text.strip_prefix("loaded ")
                .and_then(|rest| rest.strip_prefix(kind))
                .is_some_and(|rest| rest.starts_with(" shared key with id "))
        })
}

/// `loaded IKE secret for …`, `loaded RSA private key from …`, or that loading one failed.
fn is_secret(text: &str) -> bool {
    (text.starts_with("loaded ") || text.starts_with("loading "))
        && (text.contains(" secret for ") || text.contains("private key") || text.contains(" PIN "))
}
