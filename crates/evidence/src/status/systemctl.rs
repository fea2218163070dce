//! `systemctl status` of an IPsec service: whether it runs, failed, and is started at boot.

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Which unit the lines are about.
#[derive(Debug, Default)]
pub(crate) struct Systemctl {
    ours: bool,
    /// Lines since the unit's name: what is far from it isn't its status.
    since: u32,
}

/// Units of IKE daemons, without `.service`.
const UNITS: [&str; 9] = [
    "strongswan",
    "strongswan-starter",
    "strongswan-swanctl",
    "ipsec",
    "libreswan",
    "openswan",
    "racoon",
    "charon-systemd",
    "iked",
];

impl Systemctl {
    /// The next line: `● ipsec.service - …`, `Loaded: …`, `Active: …`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        const FAR: u32 = 8;
        let body = line
            .body
            .trim_start_matches(['●', '○', '×', '*', '\u{feff}', ' ', '\t']);
        if let Some(unit) = body
            .split_whitespace()
            .next()
            .and_then(|w| w.strip_suffix(".service"))
        {
            self.ours = UNITS.contains(&unit);
            self.since = 0;
            return;
        }
        if !self.ours {
            return;
        }
        self.since += 1;
        if self.since > FAR {
            self.ours = false;
            return;
        }
        if let Some(loaded) = body.strip_prefix("Loaded: ") {
            if loaded.contains("; disabled") {
                facts.push(sign(place(), Sign::ServiceDisabled, &[]));
            } else if loaded.starts_with("masked") || loaded.starts_with("not-found") {
                let problem = [("problem", loaded.split(' ').next().unwrap_or(loaded))];
                facts.push(sign(place(), Sign::DaemonNotRunning, &problem));
            }
        } else if let Some(active) = body.strip_prefix("Active: ") {
            let state = active.split(" since").next().unwrap_or(active);
            let said = if state.starts_with("failed") || state.starts_with("inactive") {
                Sign::DaemonNotRunning
            } else if state.starts_with("activating (auto-restart)") {
                Sign::DaemonRestarts
            } else {
                if state.starts_with("active (running)") {
                    let place = place();
                    facts.push(Fact {
                        source: place.source,
                        at: place.at,
                        side: place.side,
                        subject: None,
                        role: None,
                        what: Known::Daemon { running: true },
                    });
                }
                return;
            };
            facts.push(sign(place(), said, &[("problem", state)]));
        }
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
    fn only_units_of_ike_daemons_are_looked_at() {
        let status = |unit: &str| {
            format!(
                "● {unit}.service - A daemon\n   Loaded: loaded (/lib/systemd/system/{unit}.service; disabled)\n   Active: inactive (dead)\n"
            )
        };
        assert_eq!(
            signs(&status("ipsec")),
            [Sign::ServiceDisabled, Sign::DaemonNotRunning]
        );
        assert_eq!(signs(&status("cups")), []);
    }
}
