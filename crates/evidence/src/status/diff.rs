//! Two versions of a configuration file as `diff -u` compares them.
//!
//! People show what an upgrade, a restart or a click changed. Where one version merely lacks lines that the other has, and
//! nothing stands in their place, those lines were lost.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Names of files that configure IPsec.
const FILES: [&str; 8] = [
    "ipsec", "swan", "racoon", "vpn", "charon", "pluto", "iked", "ike.conf",
];
/// So many lines of a comparison are kept.
const MOST: usize = 64;

/// Follows a comparison.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    state: State,
    removed: Vec<(String, Place)>,
    added: Vec<(String, Place)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// `--- file` was seen.
    Begun,
    Inside,
}

impl Diff {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim_end();
        let of_ipsec = || {
            let name = body.to_ascii_lowercase();
            FILES.iter().any(|file| name.contains(file))
        };
        if body.starts_with("--- ") && of_ipsec() {
            self.finish(facts);
            self.state = State::Begun;
            return;
        }
        match self.state {
            State::Outside => {}
            State::Begun => {
                self.state = if body.starts_with("+++ ") {
                    State::Inside
                } else {
                    State::Outside
                };
            }
            State::Inside => {
                let list = match body.as_bytes().first() {
                    Some(b'-') => &mut self.removed,
                    Some(b'+') => &mut self.added,
                    Some(b'@' | b' ' | b'\t' | b'\\') | None => return,
                    // What a paste took the blank in front of.
                    Some(_) if key(body).is_some() || body.starts_with("conn ") => return,
                    Some(_) => return self.finish(facts),
                };
                if let Some(key) = body.get(1..).and_then(key)
                    && list.len() < MOST
                {
                    list.push((key, place()));
                }
            }
        }
    }

    /// What was lost between the versions.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.state = State::Outside;
        let (removed, added) = (
            core::mem::take(&mut self.removed),
            core::mem::take(&mut self.added),
        );
        let lost = match (removed.is_empty(), added.is_empty()) {
            (false, true) => removed,
            (true, false) => added,
            _ => return,
        };
        for (key, place) in lost {
            facts.push(sign(place, Sign::ConfigLineMissing, &[("setting", &key)]));
        }
    }
}

/// The setting that a line gives a value: `esp = …`, `set vpn ipsec …`.
fn key(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('#') {
        return None;
    }
    let word = match text.split_once('=') {
        Some((key, value)) if !value.trim().is_empty() => key.trim(),
        _ => text.strip_prefix("set ").map(|_| text)?,
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    (!word.is_empty() && word.len() < 80 && word.chars().all(plain)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    fn lost(text: &str) -> Vec<String> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::Sign {
                    sign: Sign::ConfigLineMissing,
                    values,
                } => values.get("setting").cloned(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_one_version_lacks_is_lost_and_what_was_changed_is_not() {
        let head = "--- /etc/swanctl/swanctl.conf.old 2026-11-21\n+++ /etc/swanctl/swanctl.conf 2026-11-21\n@@ -3,4 +3,3 @@\n";
        let lacks = format!(
            "{head}   mode = tunnel\n-  esp_proposals = aes256-sha256\n   remote_ts = 10.2.0.0/16\n"
        );
        assert_eq!(lost(&lacks), ["esp_proposals"]);
        let changed =
            format!("{head}-  esp_proposals = aes256-sha256\n+  esp_proposals = aes128-sha256\n");
        assert_eq!(lost(&changed), [""; 0]);
        let other = "--- a/README\n+++ b/README\n@@ -1 +1 @@\n-a = b\n";
        assert_eq!(lost(other), [""; 0]);
    }
}
