//! `svcs -x` of Solaris and illumos: a service of IPsec that doesn't run, and the reason that SMF has for it.

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Which service the lines are about.
#[derive(Debug, Default)]
pub(crate) struct Svcs {
    service: Option<Service>,
    /// A service of IKE is listed as online: one that isn't is another instance.
    online: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// The IKE daemon.
    Ike,
    /// What loads policies, keys and algorithms into the kernel.
    Loader,
}

impl Svcs {
    /// The next line: `svc:/network/ipsec/ike:default (IKE daemon)`, ` State: …`, `Reason: …`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if body.starts_with("online ") && body.contains("svc:/network/ipsec/ike") {
            self.online = true;
            facts.retain(|f| !is_switched_off(f));
            return;
        }
        if let Some(fmri) = body.strip_prefix("svc:/") {
            self.service =
                fmri.strip_prefix("network/ipsec/")
                    .map(|name| match name.starts_with("ike") {
                        true => Service::Ike,
                        false => Service::Loader,
                    });
            return;
        }
        let Some(service) = self.service else {
            return;
        };
        if let Some(state) = body.strip_prefix("State: ") {
            let state = state.split_whitespace().next().unwrap_or(state);
            let down = matches!(state, "maintenance" | "disabled" | "offline");
            let another = self.online && state == "disabled";
            if down && !another && service == Service::Ike {
                let problem = [("problem", state)];
                facts.push(sign(place(), Sign::DaemonNotRunning, &problem));
            }
        } else if let Some(reason) = body.strip_prefix("Reason: ") {
            if let Some(said) = told(reason) {
                facts.push(sign(place(), said, &[("problem", reason)]));
            }
        } else if body.is_empty() || body.starts_with("Impact: ") {
            self.service = None;
        }
    }
}

/// Whether it says of a service of IKE that somebody switched it off.
fn is_switched_off(fact: &Fact) -> bool {
    fact.source.text.trim().starts_with("State: disabled")
        && matches!(fact.what, Known::Sign { sign, .. } if sign == Sign::DaemonNotRunning)
}

/// What a reason says beside that the service is down: smf_method(5) gives exit statuses a meaning.
fn told(reason: &str) -> Option<Sign> {
    let has = |words: &str| reason.contains(words);
    if has("SMF_EXIT_ERR_CONFIG") || has("exited with status 96") {
        Some(Sign::ConfigSyntax)
    } else if has("SMF_EXIT_ERR_PERM") {
        Some(Sign::Denied)
    } else if has("core dumped") || has("died on Segmentation") || has("died on Abort") {
        Some(Sign::DaemonCrashed)
    } else if has("Restarting too quickly") {
        Some(Sign::DaemonRestarts)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    fn signs(text: &str) -> Vec<Sign> {
        crate::read("paste", Side::Local, text.as_bytes(), Wall(0))
            .facts
            .iter()
            .filter_map(|f| match f.what {
                Known::Sign { sign, .. } => Some(sign),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_service_of_ipsec_says_why_it_is_down() {
        let block = |name: &str, state: &str, reason: &str| {
            signs(&format!(
                "svc:/{name}:default (A service)\n State: {state} since Mon Mar  2 08:10:00 2015\nReason: {reason}\n   See: in.iked(1M)\nImpact: This service is not running.\n"
            ))
        };
        let config = "Start method exited with $SMF_EXIT_ERR_CONFIG.";
        let down = Sign::DaemonNotRunning;
        for (name, state, reason, want) in [
            (
                "network/ipsec/ike",
                "maintenance",
                config,
                &[down, Sign::ConfigSyntax][..],
            ),
            (
                "network/ipsec/ike",
                "disabled",
                "Disabled by an administrator.",
                &[down],
            ),
            (
                "network/ipsec/ike",
                "maintenance",
                "Restarting too quickly.",
                &[down, Sign::DaemonRestarts],
            ),
            (
                "network/ipsec/policy",
                "maintenance",
                config,
                &[Sign::ConfigSyntax],
            ),
            ("network/ipsec/ike", "online", "", &[]),
            ("network/smtp", "maintenance", config, &[]),
        ] {
            assert_eq!(block(name, state, reason), want, "{name} {state} {reason}");
        }
        // Of two services for IKE one is used.
        let off = "svc:/network/ipsec/ike:ikev2 (IKEv2 daemon)\n State: disabled since March  2, 2015\nReason: Disabled by an administrator.\n";
        let on = "online         Mar_02   svc:/network/ipsec/ike:default\n";
        for text in [format!("{off}\n{on}"), format!("{on}{off}")] {
            assert_eq!(signs(&text), [], "{text}");
        }
    }
}
