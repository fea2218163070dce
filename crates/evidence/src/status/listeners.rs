//! Who listens on the IKE ports: `ss -ulpn`, `netstat -ulpn`, `lsof -i`.

use std::collections::{BTreeMap, BTreeSet};

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Programs by port, and where the last of them stands.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    seen: BTreeMap<&'static str, (BTreeSet<String>, Place)>,
}

impl Listeners {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if !["UNCONN", "udp", "UDP"].iter().any(|w| body.contains(w)) {
            return;
        }
        let words: Vec<&str> = body.split_whitespace().collect();
        let udp = words
            .iter()
            .any(|w| matches!(*w, "UNCONN" | "udp" | "udp6" | "UDP"));
        if !udp {
            return;
        }
        let Some(port) = words.iter().find_map(|w| port(w)) else {
            return;
        };
        let Some(program) = program(&words) else {
            return;
        };
        let place = place();
        let entry = self
            .seen
            .entry(port)
            .or_insert_with(|| (BTreeSet::new(), place.clone()));
        entry.0.insert(program.to_owned());
        entry.1 = place;
    }

    /// Ports that two programs hold.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        for (port, (programs, place)) in &self.seen {
            if programs.len() < 2 {
                continue;
            }
            let names: Vec<&str> = programs.iter().map(String::as_str).collect();
            let held = format!("{port}, held by {}", names.join(" and "));
            facts.push(sign(
                place.clone(),
                Sign::PortInUse,
                &[("port", held.as_str())],
            ));
        }
    }
}

/// The IKE port in a local address: `0.0.0.0:500`, `[::]:4500`, `*:isakmp`.
fn port(word: &str) -> Option<&'static str> {
    match word.rsplit_once(':')?.1 {
        "500" | "isakmp" => Some("500"),
        "4500" | "ipsec-nat-t" | "ipsec-msft" => Some("4500"),
        _ => None,
    }
}

/// The program: `users:(("charon",pid=812,fd=12))` of ss, `812/charon` of netstat, the first word of lsof.
fn program<'t>(words: &[&'t str]) -> Option<&'t str> {
    if let Some(users) = words.iter().find_map(|w| w.strip_prefix("users:((\"")) {
        return users.split('"').next();
    }
    let netstat = words.iter().rev().find_map(|w| {
        let (pid, name) = w.split_once('/')?;
        (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty())
            .then(|| name.trim_end_matches(':'))
    });
    if netstat.is_some() {
        return netstat;
    }
    let pid = words.get(1)?;
    (words.contains(&"UDP") && pid.bytes().all(|b| b.is_ascii_digit()))
        .then(|| words.first().copied())
        .flatten()
}
