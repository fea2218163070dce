//! Pings: how many requests of which size were answered.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;

use super::fact;
use crate::reading::Place;
use crate::text::{Line, split_at_rare};

/// The series whose end isn't seen yet, and what its command asked for.
#[derive(Debug, Default)]
pub(crate) struct Ping {
    to: String,
    from: Option<String>,
    size: u32,
    whole: bool,
    /// The command asked for a size or for unfragmented packets.
    asked: bool,
    /// Answers that were shown so far, and where the last one stands.
    answered: u64,
    last: Option<Place>,
    /// The lowest and the highest number of a request that a line of the series is about.
    numbers: Option<(u64, u64)>,
}

impl Ping {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(command) = command(body) {
            self.cut_off(facts);
            self.command(command);
        } else if let Some(rest) = body
            .strip_prefix("PING ")
            .or_else(|| body.strip_prefix("Pinging "))
        {
            self.cut_off(facts);
            self.begins(rest);
        } else if !self.to.is_empty()
            && let Some(request) = request(body)
        {
            let (first, last) = self.numbers.unwrap_or((request, request));
            self.numbers = Some((first.min(request), last.max(request)));
            if body.contains(" bytes from ") && !body.contains("(DUP!)") {
                self.answered += 1;
                self.last = Some(place());
            }
        } else if let Some((sent, received)) = ends(body) {
            let state = Box::new(HostState::Ping {
                to: core::mem::take(&mut self.to),
                from: self.from.take(),
                size: self.size,
                whole: self.whole,
                sent,
                received,
            });
            self.asked = false;
            self.last = None;
            self.answered = 0;
            self.numbers = None;
            facts.push(fact(place(), Known::Host { state }));
        } else if let Some(rest) = body.strip_prefix("Sending ")
            && let Some((_, rest)) = rest.split_once(", ")
            && let Some((size, to)) = rest.split_once("-byte ICMP Echos to ")
        {
            // Cisco: `Sending 5, 1400-byte ICMP Echos to 10.2.0.1, timeout is 2 seconds:`; the size is all of IP's.
            self.size = size.parse::<u32>().unwrap_or(100).saturating_sub(28);
            self.to = to.split([',', ' ']).next().unwrap_or_default().to_owned();
        } else if body == "Packet sent with the DF bit set" {
            self.whole = true;
        }
    }

    /// The series goes over into another one, or into nothing, before its end was shown: what is known of it is what was
    /// answered, of the requests between those whose numbers are shown.
    pub(super) fn cut_off(&mut self, facts: &mut Vec<Fact>) {
        let answered = core::mem::take(&mut self.answered);
        let sent = self.numbers.take().map_or(answered, |(first, last)| {
            last.saturating_sub(first).saturating_add(1)
        });
        let Some(place) = self.last.take() else {
            return;
        };
        let state = Box::new(HostState::Ping {
            to: core::mem::take(&mut self.to),
            from: self.from.take(),
            size: self.size,
            whole: self.whole,
            sent: sent.max(answered),
            received: answered,
        });
        facts.push(fact(place, Known::Host { state }));
    }

    fn command(&mut self, words: &str) {
        *self = Ping {
            size: 56,
            asked: true,
            ..Ping::default()
        };
        let mut words = words.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            match word {
                "-s" | "-l" | "size" => {
                    if let Some(size) = words.next().and_then(|w| w.parse().ok()) {
                        self.size = size;
                    }
                }
                "-M" => self.whole = words.next().is_some_and(|w| w == "do"),
                "-D" | "-f" | "df-bit" | "do-not-fragment" => self.whole = true,
                "-I" | "-S" | "source" => self.from = words.next().map(ToOwned::to_owned),
                address if self.to.is_empty() && address.parse::<IpAddr>().is_ok() => {
                    self.to = address.to_owned();
                }
                _ => {
                    if let Some(size) = word.strip_prefix("-s").and_then(|w| w.parse().ok()) {
                        self.size = size;
                    }
                }
            }
        }
    }

    fn begins(&mut self, rest: &str) {
        if !self.asked {
            *self = Ping {
                size: 56,
                ..Ping::default()
            };
        }
        self.to = rest
            .split_ascii_whitespace()
            .next()
            .unwrap_or_default()
            .trim_end_matches(':')
            .to_owned();
        if let Some((_, from)) = rest.split_once(" from ") {
            self.from = from.split_ascii_whitespace().next().map(ToOwned::to_owned);
        }
        // `1400(1428) bytes of data.`, `with 1400 bytes of data:`, `(10.2.0.1): 1400 data bytes`.
        for words in rest.split_ascii_whitespace().take(12) {
            let digits = words.split('(').next().unwrap_or_default();
            let told = words.contains('(')
                || rest.contains(&format!("{digits} data bytes"))
                || rest.contains(&format!("with {digits} bytes"));
            if let Ok(size) = digits.parse()
                && told
            {
                self.size = size;
            }
        }
    }
}

/// The number of the request that a line of a series is about: an answer, an error, or that there is none yet.
fn request(body: &str) -> Option<u64> {
    let told = [
        " bytes from ",
        "From ",
        "no answer yet",
        "Request timeout for",
    ]
    .iter()
    .any(|words| body.contains(words));
    let (_, behind) = body
        .split_once("seq=")
        .or_else(|| body.split_once("icmp_seq "))
        .filter(|_| told)?;
    number(behind)
}

/// The words behind `ping` where a line is a command.
fn command(body: &str) -> Option<&str> {
    if !body.contains("ping ") {
        return None;
    }
    let body = body.trim_start_matches(['#', '$', '>', ' ']);
    let at = body.find("ping ").filter(|at| *at < 48)?;
    let head = body.get(..at)?;
    let prompt = head.is_empty()
        || head.ends_with(['#', '$', '>', '~', '/'])
        || head.ends_with("# ")
        || head.ends_with("$ ")
        || head.ends_with("> ")
        || head.ends_with("sudo ");
    body.get(at + 5..).filter(|_| prompt)
}

/// Requests and answers at the end of a series.
fn ends(body: &str) -> Option<(u64, u64)> {
    if let Some((sent, rest)) = split_at_rare(body, " packets transmitted, ") {
        return Some((sent.parse().ok()?, number(rest)?));
    }
    // `Packets: Sent = 4, Received = 0, Lost = 4 (100% loss),`.
    if let Some((_, rest)) = split_at_rare(body, "Packets: Sent = ") {
        let (_, received) = rest.split_once("Received = ")?;
        return Some((number(rest)?, number(received)?));
    }
    // `Success rate is 0 percent (0/5)`.
    let (_, rest) = split_at_rare(body, "Success rate is ")?;
    let (_, rest) = rest.split_once('(')?;
    let (received, sent) = rest.split_once('/')?;
    Some((number(sent)?, number(received)?))
}

fn number(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    use super::*;

    #[test]
    fn the_end_of_a_series_tells_how_many_came_back() {
        assert_eq!(
            ends("3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2030ms"),
            Some((3, 0))
        );
        assert_eq!(
            ends("3 packets transmitted, 3 packets received, 0.0% packet loss"),
            Some((3, 3))
        );
        assert_eq!(
            ends("    Packets: Sent = 4, Received = 1, Lost = 3 (75% loss),"),
            Some((4, 1))
        );
        assert_eq!(ends("Success rate is 0 percent (0/5)"), Some((5, 0)));
    }

    #[test]
    fn what_was_cut_off_has_the_requests_between_those_that_are_shown() {
        let answer = |n: u64| format!("64 bytes from 10.2.0.5: icmp_seq={n} ttl=64 time=20 ms");
        let series = |lines: &[String]| {
            let head = "PING 10.2.0.5 (10.2.0.5) 56(84) bytes of data.";
            let text = format!("{head}\n{}\n$ uname\n", lines.join("\n"));
            let reading = crate::read("paste", Side::Local, text.as_bytes(), Wall(0));
            reading.facts.iter().find_map(|f| match &f.what {
                Known::Host { state } => match **state {
                    HostState::Ping { sent, received, .. } => Some((sent, received)),
                    _ => None,
                },
                _ => None,
            })
        };
        let unreachable = "From 10.1.0.1 icmp_seq=4 Destination Host Unreachable".to_owned();
        let silent = "no answer yet for icmp_seq=5".to_owned();
        for (lines, want) in [
            (vec![answer(1), answer(2), answer(3)], (3, 3)),
            (vec![answer(7), answer(8)], (2, 2)),
            (vec![answer(1), answer(40), answer(80)], (80, 3)),
            (vec![answer(3), unreachable, silent], (3, 1)),
        ] {
            assert_eq!(series(&lines), Some(want), "{lines:?}");
        }
    }

    #[test]
    fn a_command_tells_the_size() {
        let mut ping = Ping::default();
        ping.command(command("root@a:~# ping -M do -s 1400 -I 10.1.0.1 10.2.0.1").unwrap_or(""));
        assert_eq!((ping.size, ping.whole), (1400, true));
        assert_eq!(ping.from.as_deref(), Some("10.1.0.1"));
        assert_eq!(command("the ping works"), None);
    }
}
