//! `swanctl --list-conns` that prints nothing: the daemon has no connection.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Whether the line before asked for the connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    asked: bool,
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

/// What was typed behind a prompt (`# `, `root@gw:~# `, `$ `).
fn command(body: &str) -> Option<&str> {
    let (prompt, typed) = body.split_once("# ").or_else(|| body.split_once("$ "))?;
    (!prompt.contains(' ')).then_some(typed.trim())
}
