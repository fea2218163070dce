//! Listings of connections that have none: `swanctl --list-conns` that prints nothing, `Connections:` of strongSwan's status
//! with nothing below it, `loaded 0` of Libreswan's.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::{Line, split_at_pair, split_at_rare};

/// Whether the line before asked for the connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    asked: bool,
    /// The head of strongSwan's list was the line before.
    headed: bool,
    /// A list with none in it.
    none: Option<Place>,
    /// A list that has some.
    some: bool,
}

impl Connections {
    /// The next line: a prompt with the command, then its output or the next prompt.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if body.is_empty() {
            return;
        }
        self.listed(body, place);
        let command = command(body);
        if self.asked && command.is_some_and(|c| c.contains("swanctl --load-")) {
            facts.push(sign(place(), Sign::NothingLoaded, &[]));
        }
        // A bare prompt belongs to the same empty output.
        let still = self.asked && matches!(body, "#" | "$");
        self.asked = still
            || command
                .is_some_and(|c| c.ends_with("swanctl -L") || c.ends_with("swanctl --list-conns"));
    }
}

impl Connections {
    fn listed(&mut self, body: &str, place: &dyn Fn() -> Place) {
        let next = [
            "Security Associations (",
            "Shunted Connections:",
            "Routed Connections:",
        ];
        if self.headed {
            if next.iter().any(|head| body.starts_with(head)) {
                self.none = Some(place());
            } else {
                self.some = true;
            }
        }
        self.headed = body == "Connections:";
        if let Some((_, rest)) = split_at_rare(body, "Total IPsec connections: loaded ") {
            if rest.starts_with("0,") {
                self.none = Some(place());
            } else {
                self.some = true;
            }
        }
    }

    /// That there is none, unless it was so only for a while.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if let Some(place) = self.none.take().filter(|_| !self.some) {
            facts.push(sign(place, Sign::NoConnections, &[]));
        }
    }
}

/// What was typed behind a prompt (`# `, `root@gw:~# `, `$ `).
fn command(body: &str) -> Option<&str> {
    let (prompt, typed) = split_at_pair(body, *b"# ").or_else(|| split_at_pair(body, *b"$ "))?;
    (!prompt.contains(' ')).then_some(typed.trim())
}
