//! What stands before the message: time, host, program.

use adit_model::now::Wall;

use super::split::split_at_pair;
use super::time;

/// A line without what logging put before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// When it was written.
    pub(crate) at: Option<Wall>,
    /// Who wrote it, as syslog names it.
    pub(crate) program: Option<&'a str>,
    /// The message.
    pub(crate) body: &'a str,
}

/// Takes time, host and program off a line, in the forms of syslog, of journalctl and of log files.
pub(crate) fn prefix(text: &str, now: Wall) -> Line<'_> {
    let text = container(text.trim_start(), now);
    let (text, rfc5424) = priority(text);
    let (at, rest) = match time::leading(text, now) {
        Some((at, rest)) => (Some(at), rest.trim_start()),
        None => (None, text),
    };
    if rfc5424 {
        return structured(at, rest);
    }
    let (program, body) = program(rest);
    // Some configurations have syslog put its time before the one that the program writes itself.
    match time::leading(body, now) {
        Some((own, body)) => Line {
            at: Some(own),
            program,
            body: body.trim_start(),
        },
        None => Line { at, program, body },
    }
}

/// `gateway-1  | ` that tools for containers put before each line; told from a message by the time that follows.
fn container(text: &str, now: Wall) -> &str {
    const LONGEST: usize = 64;
    match split_at_pair(text, *b"| ") {
        Some((name, rest))
            if !name.is_empty()
                && name.len() <= LONGEST
                && name.ends_with(' ')
                && time::leading(rest.trim_start(), now).is_some() =>
        {
            rest.trim_start()
        }
        _ => text,
    }
}

/// `<30>` of RFC 3164, or `<30>1 ` of RFC 5424.
fn priority(text: &str) -> (&str, bool) {
    let Some((number, rest)) = text.strip_prefix('<').and_then(|t| t.split_once('>')) else {
        return (text, false);
    };
    if number.is_empty() || number.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return (text, false);
    }
    match rest.strip_prefix("1 ") {
        Some(rest) => (rest, true),
        None => (rest, false),
    }
}

/// `host program pid id data message` of RFC 5424.
fn structured(at: Option<Wall>, text: &str) -> Line<'_> {
    let mut words = text.splitn(6, ' ');
    let program = words.nth(1);
    let body = words.nth(3).unwrap_or(text);
    Line { at, program, body }
}

/// `host program[123]: `, `program: `.
fn program(text: &str) -> (Option<&str>, &str) {
    const KNOWN: [&str; 12] = [
        "charon",
        "charon-systemd",
        "charon-nm",
        "charon-cmd",
        "strongswan",
        "ipsec",
        "ipsec_starter",
        "starter",
        "swanctl",
        "pluto",
        "racoon",
        "kernel",
    ];
    let Some((head, body)) = split_at_pair(text, *b": ") else {
        return (None, text);
    };
    let mut words = head.split_whitespace();
    let (first, second) = (words.next(), words.next());
    let Some(last) = second.or(first).filter(|_| words.next().is_none()) else {
        return (None, text);
    };
    let (name, pid) = match last.strip_suffix(']').and_then(|l| l.rsplit_once('[')) {
        Some((name, pid)) => (
            name,
            !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()),
        ),
        None => (last, false),
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    if pid || KNOWN.contains(&name) {
        (Some(name), body.trim_start())
    } else {
        (None, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_same_behind_every_prefix() {
        let body = "09[IKE] received proposals: IKE:x";
        let now = Wall(1_795_241_400_000);
        for (head, program) in [
            ("", None),
            ("Nov 21 06:08:05 ", None),
            ("Nov 21 06:08:05 gwa charon: ", Some("charon")),
            ("Nov 21 06:08:05 gwa charon[812]: ", Some("charon")),
            ("<30>Nov 21 06:08:05 gwa ipsec[8]: ", Some("ipsec")),
            (
                "2026-11-21T06:08:05+00:00 gwa charon-systemd[8]: ",
                Some("charon-systemd"),
            ),
            (
                "<30>1 2026-11-21T06:08:05Z gwa charon 812 - - ",
                Some("charon"),
            ),
            ("charon: ", Some("charon")),
            ("gateway-1  | Nov 21 06:08:05 gwa charon: ", Some("charon")),
        ] {
            let line = format!("{head}{body}");
            let got = prefix(&line, now);
            assert_eq!((got.program, got.body), (program, body), "{head}");
        }
        assert_eq!(prefix("received proposals: IKE:x", now).program, None);
    }
}
