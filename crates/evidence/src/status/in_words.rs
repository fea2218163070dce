//! Packets of IKE_AUTH in a person's own words: `292 bytes  branch -> hq  IKE AUTH request`.
//!
//! People shorten what a sniffer printed to who sent what to whom. A request that comes again after it was answered says
//! the same as the daemon's own line about it.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Follows such a list.
#[derive(Debug, Default)]
pub(crate) struct InWords {
    /// The UDP port that the sniffer was asked for.
    port: Option<&'static str>,
    /// The last request: from, to, octets; and the octets of its answer.
    request: Option<(String, String, u32)>,
    answer: Option<u32>,
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
struct Packet<'t> {
    from: &'t str,
    to: &'t str,
    octets: u32,
    response: bool,
    /// It is said to be a repetition.
    again: bool,
}

impl InWords {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body;
        if body.contains("port 4500") && (body.contains("sniffer") || body.contains("tcpdump")) {
            self.port = Some("4500");
            return;
        }
        let Some(packet) = packet(body) else {
            return;
        };
        let Some((from, to, octets)) = &self.request else {
            self.asked(&packet);
            return;
        };
        if packet.response {
            if (packet.from, packet.to) == (to.as_str(), from.as_str()) {
                self.answer = Some(packet.octets);
            }
            return;
        }
        let same = (packet.from, packet.to) == (from.as_str(), to.as_str())
            && (packet.octets == *octets || packet.again);
        match self.answer.filter(|_| same) {
            Some(answer) => {
                let answer = answer.to_string();
                let mut values = vec![("octets", answer.as_str())];
                values.extend(self.port.map(|port| ("port", port)));
                if packet.again {
                    // Who says so has seen it more than once.
                    values.push(("times", "2"));
                }
                facts.push(sign(place(), Sign::AuthenticationRepeated, &values));
            }
            None => self.asked(&packet),
        }
    }

    fn asked(&mut self, packet: &Packet<'_>) {
        if !packet.response {
            self.request = Some((packet.from.to_owned(), packet.to.to_owned(), packet.octets));
            self.answer = None;
        }
    }
}

fn packet(body: &str) -> Option<Packet<'_>> {
    const FAR: usize = 200;
    let (before, after) = body
        .split_once("->")
        .or_else(|| body.split_once('→'))
        .filter(|_| body.len() < FAR)?;
    let (size, _) = before.split_once(" byte")?;
    let octets = size.rsplit(' ').next()?.parse().ok()?;
    let from = before.split_ascii_whitespace().next_back()?;
    let to = after.split_ascii_whitespace().next()?;
    let said = after.to_ascii_lowercase();
    let again = said.contains("retransmi") || said.contains("again");
    let response = ["response", "answer", "reply"]
        .iter()
        .any(|w| said.contains(w));
    let of_auth = said.contains("ike auth") || said.contains("ike_auth");
    let known = response || again || said.contains("request");
    (of_auth && known).then_some(Packet {
        from,
        to,
        octets,
        response,
        again,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    #[test]
    fn a_row_names_who_sends_what_to_whom() {
        let row = packet("... 292 bytes  branch -> hq   IKE AUTH request").unwrap();
        assert_eq!((row.from, row.to, row.octets), ("branch", "hq", 292));
        assert!(!row.response && !row.again);
        assert!(packet("0.5s 228 bytes hq -> branch IKE_AUTH response (retransmit)").is_some());
        for other in [
            "   1 byte   branch -> hq   NAT keepalive",
            "the IKE AUTH request goes from branch -> hq",
            "292 bytes branch -> hq",
        ] {
            assert_eq!(packet(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_was_answered_before_is_asked_again() {
        let repeated = |rows: &[&str]| {
            let text = rows.join("\n");
            let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
            let told = |f: &&Fact| {
                matches!(
                    f.what,
                    Known::Sign {
                        sign: Sign::AuthenticationRepeated,
                        ..
                    }
                )
            };
            facts.iter().filter(told).count()
        };
        let (ask, answer) = (
            "292 bytes branch -> hq IKE AUTH request",
            "228 bytes hq -> branch IKE AUTH response",
        );
        assert_eq!(repeated(&[ask, answer, ask, answer]), 1);
        assert_eq!(repeated(&[ask, ask, ask]), 0);
        assert_eq!(repeated(&[ask, answer]), 0);
    }
}
