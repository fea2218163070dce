//! What pluto puts before a message.

use core::net::{IpAddr, SocketAddr};

use super::step;
use super::value;
use crate::text::Line;

/// A message with its head: `002 "gw-b"[2] 192.0.2.1 #5: STATE_MAIN_R1: sent MR1, expecting MI2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// The head is one that only pluto writes.
    pub(crate) sure: bool,
    /// A line of status output: what follows tells the state that it is in.
    pub(crate) listed: bool,
    /// A debugging line (`| …`).
    pub(crate) debug: bool,
    /// The connection.
    pub(crate) name: Option<&'a str>,
    /// The peer of an instance.
    pub(crate) peer: Option<IpAddr>,
    /// Whom the packet came from, of which no state was found.
    pub(crate) from: Option<SocketAddr>,
    /// A packet was spoken of, whoever sent it.
    pub(crate) packet: bool,
    /// The state's number.
    pub(crate) serial: Option<u32>,
    /// The state's name, where the message begins with it.
    pub(crate) state: Option<&'a str>,
    /// The message.
    pub(crate) text: &'a str,
}

/// Programs that write such messages.
const PROGRAMS: [&str; 8] = [
    "pluto",
    "ipsec",
    "addconn",
    "whack",
    "_plutorun",
    // They hand on what whack prints.
    "NetworkManager",
    "nm-l2tp-service",
    "vpn",
];

/// How far into a line a head is looked for, when something unknown stands before it.
const FAR: usize = 200;

/// Reads the head. `None` when the line is another program's.
pub(crate) fn message<'a>(line: &Line<'a>) -> Option<Message<'a>> {
    let body = line.body;
    let (sure, body) = match line.program {
        Some(program) if PROGRAMS.iter().any(|p| program.contains(p)) => {
            (program.contains("pluto"), body)
        }
        Some(_) => return None,
        None => behind_program(body)
            .or_else(|| behind_anything(body))
            .map_or((false, body), |body| (true, body)),
    };
    let text = repeated(container(body))
        .trim_start_matches([':', ' ', '\t'])
        .trim_end_matches([' ', '*', '\r']);
    let text = diff_mark(text);
    let mut message = Message {
        sure,
        text,
        ..Message::default()
    };
    message.whack_code();
    if let Some(rest) = message.text.strip_prefix("| ") {
        message.debug = true;
        message.sure = true;
        message.text = rest.trim_start();
        return Some(message);
    }
    message.complaint();
    if message.text.starts_with('"') {
        message.connection();
    } else if message.text.starts_with('#') {
        message.number();
    } else if let Some(rest) = message.text.strip_prefix("packet from ") {
        message.packet(rest);
    } else {
        message.bare_connection();
    }
    message.state_name();
    message.text = message.text.trim_matches(|c: char| {
        c == '*' || c == '_' && !message.text.starts_with("__") || c.is_whitespace()
    });
    Some(message)
}

impl<'a> Message<'a> {
    /// `002 ` of whack, and of status output.
    fn whack_code(&mut self) {
        let Some((code, rest)) = self.text.split_once(' ') else {
            return;
        };
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) && code < "300" {
            let rest = rest.trim_start();
            self.sure |= rest.starts_with('"') || rest.starts_with('#');
            self.text = rest;
        }
    }

    /// `ERROR: "conn" #5: …` carries the complaint before the head.
    fn complaint(&mut self) {
        for word in [
            "FATAL ERROR: ",
            "ERROR: ",
            "WARNING: ",
            "EXPECTATION FAILED: ",
        ] {
            if let Some(rest) = self.text.strip_prefix(word)
                && rest.starts_with('"')
                && rest.contains(" #")
            {
                self.text = rest;
                return;
            }
        }
    }

    /// `"name"[2] 192.0.2.1 #5: `; whatever stands in the place of a removed address is skipped.
    fn connection(&mut self) {
        let Some((name, rest)) = self.text.get(1..).and_then(|t| t.split_once('"')) else {
            return;
        };
        let Some((between, serial, text)) = numbered(rest) else {
            // `"name": loaded`, `"name"[2] 192.0.2.1: deleting connection`.
            let Some((between, text)) = rest.split_once(": ").or_else(|| rest.split_once(':'))
            else {
                return;
            };
            let plain = between.is_empty() || between.starts_with('[');
            if between.len() < FAR && plain {
                self.name = Some(name);
                self.peer = instance(between);
                self.text = text.trim_start();
            }
            return;
        };
        self.sure = true;
        self.name = Some(name);
        self.serial = Some(serial);
        self.peer = instance(between);
        self.text = text;
    }

    /// `#5: ` alone, of a paste whose names were removed; `#5: "gw"[1] 192.0.2.1:500 STATE_…` of status output.
    fn number(&mut self) {
        let Some((_, serial, text)) = numbered(self.text) else {
            return;
        };
        self.serial = Some(serial);
        self.text = text;
        let listed = text
            .strip_prefix('"')
            .and_then(|t| t.split_once('"'))
            .map(|(name, rest)| (name, rest.rsplit_once("] ").map_or(rest, |(_, r)| r)))
            .and_then(|(name, rest)| Some((name, rest.split_once(' ')?.1)));
        if let Some((name, rest)) = listed {
            self.sure = true;
            self.listed = true;
            self.name = Some(name);
            self.text = rest;
        }
    }

    /// `packet from 192.0.2.1:500: `.
    fn packet(&mut self, rest: &'a str) {
        let Some((from, text)) = rest.split_once(": ") else {
            return;
        };
        if from.len() > 60 {
            return;
        }
        self.sure = true;
        self.packet = true;
        self.from = value::endpoint(from);
        self.text = text;
    }

    /// `name #5: ` of a page that swallowed the quotation marks.
    fn bare_connection(&mut self) {
        let Some((name, _)) = self.text.split_once(' ') else {
            return;
        };
        let Some(rest) = self.text.get(name.len()..) else {
            return;
        };
        let (name, instanced) = name.split_once('[').map_or((name, ""), |(n, i)| (n, i));
        let Some((between, serial, text)) = numbered(rest) else {
            return;
        };
        let plausible = !name.is_empty()
            && name.len() < 64
            && !name.contains(['(', ')', ':', '=', '<', '>'])
            && (between.trim().is_empty() || !instanced.is_empty());
        if plausible {
            self.name = Some(name);
            self.serial = Some(serial);
            self.peer = instance(between);
            self.text = text;
        }
    }

    fn state_name(&mut self) {
        if self.listed {
            return;
        }
        if let Some((word, rest)) = self.text.split_once(": ")
            && step::is_state(word)
        {
            self.state = Some(word);
            self.text = rest.trim_start();
            self.sure = true;
        }
    }
}

/// What stands before ` #5: `, the number, and what follows.
fn numbered(rest: &str) -> Option<(&str, u32, &str)> {
    let hash = rest.find('#').filter(|at| *at < FAR)?;
    let before = rest.get(..hash)?;
    if before.contains(": ") || !(before.is_empty() || before.ends_with(' ')) {
        return None;
    }
    let after = rest.get(hash + 1..)?;
    let end = after
        .find(|c: char| !c.is_ascii_digit())
        .filter(|end| *end > 0)?;
    let serial = after.get(..end)?.parse().ok()?;
    let text = after.get(end..)?.strip_prefix(':')?;
    Some((before, serial, text.trim_start()))
}

/// `[2] 192.0.2.1 `.
fn instance(between: &str) -> Option<IpAddr> {
    let rest = match between.split_once(']') {
        Some((_, rest)) => rest,
        None => between,
    };
    let word = rest.split_whitespace().next()?.trim_start_matches('.');
    word.parse()
        .ok()
        .or_else(|| value::endpoint(word).map(|e| e.ip()))
}

/// What follows `… pluto[123]: `, wherever it stands.
fn behind_program(body: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(at) = body.get(from..)?.find("]: ") {
        let end = from + at;
        if end > FAR {
            return None;
        }
        let head = body.get(..end)?;
        if let Some((name, pid)) = head.rsplit_once('[')
            && !pid.is_empty()
            && pid.bytes().all(|b| b.is_ascii_digit())
        {
            let program = name.rsplit([' ', '/', '|']).next().unwrap_or(name);
            return PROGRAMS
                .contains(&program)
                .then(|| body.get(end + 3..))
                .flatten();
        }
        from = end + 3;
    }
    None
}

/// A head that is pluto's beyond doubt, behind something that no logging is known for: `… [pluto] "gw" #5: `.
fn behind_anything(body: &str) -> Option<&str> {
    let at = body.find(" \"").filter(|at| *at < FAR)?;
    let rest = body.get(at + 1..)?;
    let (_, after) = rest.get(1..)?.split_once('"')?;
    let before = body.get(..at)?;
    let apart = before.is_empty() || before.ends_with([':', ']', '|', '>']);
    (apart && numbered(after).is_some()).then_some(rest)
}

/// `vpn  | ` of a container's log; debugging lines of pluto itself begin with the bar.
fn container(body: &str) -> &str {
    const LONGEST: usize = 40;
    match body.split_once("| ") {
        Some((name, rest))
            if name.ends_with(' ')
                && name.len() <= LONGEST
                && !name.trim_end().is_empty()
                && name
                    .trim_end()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
        {
            rest
        }
        _ => body,
    }
}

/// `message repeated 4 times: [ …]` of syslog: the message.
fn repeated(body: &str) -> &str {
    body.strip_prefix("message repeated ")
        .and_then(|rest| rest.split_once(" times: ["))
        .map_or(body, |(_, message)| message.trim_end_matches(']'))
}

/// A paste of a difference between two logs.
fn diff_mark(text: &str) -> &str {
    match text.strip_prefix(['+', '-']) {
        Some(rest) if rest.starts_with('"') => rest,
        _ => text.trim_start_matches(['*', '_']),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::text::prefix;
    use adit_model::now::Wall;

    #[test]
    fn the_same_message_behind_every_head() {
        let now = Wall(1_795_241_400_000);
        for head in [
            "\"gw\" #5: ",
            "002 \"gw\" #5: ",
            "\"gw\"[2] 192.0.2.1 #5: ",
            "\"gw\"[2] xxx.xxx.xxx.xxx #5: ",
            "\"gw\"[2] <masked host IP>  #5: ",
            "\"gw\"[2] 192.0.2.1:4500 #5: ",
            "Nov 21 06:08:05.310123: \"gw\" #5: ",
            "Nov 21 06:08:05 gwa pluto[812]: \"gw\" #5: ",
            "Nov 21 06:08:05 gwa pluto[812]: \"gw\"[1] 192.0.2.1 #5: ",
            "kwi 09 02:14:57 some-host pluto[812]: \"gw\" #5: ",
            "ipsec-vpn | Nov 21 06:08:05 gwa pluto[812]: \"gw\" #5: ",
            "ipsec-vpn  | \"gw\" #5: ",
            "Jul 31 20:25:15 [pluto] \"gw\" #5: ",
            "Aug 22 14:53:26 ng authpriv.warn pluto[7015]: \"gw\" #5: ",
            "-\"gw\" #5: ",
            "gw #5: ",
        ] {
            let text = format!("{head}STATE_MAIN_R1: sent MR1, expecting MI2");
            let line = prefix(&text, now);
            let got = message(&line).unwrap();
            assert_eq!(got.name, Some("gw"), "{head}");
            assert_eq!(got.serial, Some(5), "{head}");
            assert_eq!(got.state, Some("STATE_MAIN_R1"), "{head}");
            assert_eq!(got.text, "sent MR1, expecting MI2", "{head}");
        }
    }

    #[test]
    fn packets_debugging_and_plain_messages() {
        let now = Wall(1_795_241_400_000);
        let read = |text: &'static str| message(&prefix(text, now));
        let packet = read("packet from 192.0.2.1:500: initial Main Mode message").unwrap();
        assert_eq!(packet.from, "192.0.2.1:500".parse().ok());
        assert_eq!(packet.text, "initial Main Mode message");
        let removed = read("packet from x.x.x.x:500: ignoring").unwrap();
        assert!(removed.packet && removed.from.is_none() && removed.text == "ignoring");
        assert!(read("| processing").unwrap().debug);
        let plain = read("loading secrets from \"/etc/ipsec.secrets\"").unwrap();
        assert!(!plain.sure && plain.name.is_none());
        assert_eq!(read("Nov 21 06:08:05 h sshd[1]: \"gw\" #5: x"), None);
        assert_eq!(read("\"gw\": deleting state #5: now").unwrap().serial, None);
    }
}
