//! A sniffer that was stopped before it had printed a packet: `Using device admin0 (promiscuous mode)`, and then `^C`.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::reading::Place;
use crate::text::Line;

/// Follows sniffers.
#[derive(Debug, Default)]
pub(crate) struct Sniffed {
    /// The host that a command asks for.
    host: Option<String>,
    /// A sniffer has begun and printed nothing yet: its interface, and where that stands.
    open: Option<(String, Place)>,
}

impl Sniffed {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((interface, place)) = self.open.take() {
            if body.is_empty() {
                self.open = Some((interface, place));
            } else if body.starts_with("^C") || command(body).is_some() || prompts(body) {
                let host = self.host.take().unwrap_or_default();
                let mut values = vec![("interface", interface.as_str())];
                if !host.is_empty() {
                    values.push(("host", host.as_str()));
                }
                facts.push(sign(place, Sign::NothingCaptured, &values));
            }
        }
        if let Some(interface) = begins(body) {
            self.open = Some((interface.to_owned(), place()));
        } else if body.contains("snoop ") || body.contains("tcpdump ") {
            let mut words = body.split_ascii_whitespace();
            self.host = words
                .by_ref()
                .any(|word| word == "host")
                .then(|| words.next().unwrap_or_default().to_owned());
        }
    }
}

/// `[root@node02 (DC-remote1) ~] ipadm show-addr`, a prompt without a mark at its end.
fn prompts(body: &str) -> bool {
    body.strip_prefix('[')
        .and_then(|b| b.split_once("] "))
        .is_some_and(|(prompt, _)| prompt.contains('@'))
}

/// The interface of a sniffer that begins: `Using device external0 (promiscuous mode)`,
/// `listening on eth0, link-type EN10MB (Ethernet), …`.
fn begins(body: &str) -> Option<&str> {
    if let Some(rest) = body.strip_prefix("Using device ") {
        return rest
            .ends_with("promiscuous mode)")
            .then(|| rest.split(' ').next())?;
    }
    let (_, rest) = body.split_once("listening on ")?;
    let (interface, rest) = rest.split_once(',')?;
    (interface != "any" && rest.trim_start().starts_with("link-type")).then_some(interface)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn interfaces(text: &str) -> Vec<String> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign {
                    sign: Sign::NothingCaptured,
                    mut values,
                } => values.remove("interface"),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn only_a_sniffer_that_was_stopped_saw_nothing() {
        let snoop = "Using device admin0 (promiscuous mode)\n";
        assert_eq!(interfaces(&format!("{snoop}^C\n")), ["admin0"]);
        let prompt = "[root@node02 (DC) ~] ipadm show-addr\n";
        assert_eq!(interfaces(&format!("{snoop}\n{prompt}")), ["admin0"]);
        let packet = "192.0.2.1 -> 198.51.100.1  UDP D=500 S=500 LEN=232\n";
        assert!(interfaces(&format!("{snoop}{packet}^C\n")).is_empty());
        // What was cut off may have gone on.
        assert!(interfaces(snoop).is_empty());
    }
}
