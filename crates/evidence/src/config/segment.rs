//! Which lines of a text are configuration, and in whose language.
//!
//! Most lines of a paste are log; for these the first bytes say so, and nothing else is looked at.

use adit_model::peer_config::{Dialect, PeerConnection, Pfs};

use super::context::{Context, DigestKey, Line, Origin};
use super::{ConfigReading, cisco, illumos, ipsec_conf, read, secrets, strongswan};

/// More lines of configuration aren't kept.
const MOST_LINES: usize = 20_000;

/// Lines of one language, in their order.
#[derive(Debug)]
struct Segment {
    dialect: Dialect,
    lines: Vec<Line>,
}

/// Collects the lines of configurations out of a text.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    segments: Vec<Segment>,
    /// Lines before the first that begins a language, when all of the text is a configuration.
    before: Vec<Line>,
    /// The last segment goes on.
    open: bool,
    kept: usize,
}

impl Segments {
    /// A line as it is in the file. Most lines are told by their first bytes.
    pub(crate) fn raw_line(&mut self, number: u64, raw: &[u8]) {
        if !self.open && !may_begin(raw) {
            return;
        }
        let text = crate::text::decoded(raw);
        self.line(number, &crate::text::clean(&text));
    }

    /// A line of a text that may have anything in it. Whether it is taken for configuration.
    pub(crate) fn line(&mut self, number: u64, text: &str) -> bool {
        if let Some(dialect) = begins(text) {
            self.begin(dialect);
        } else if self.open {
            let Some(segment) = self.segments.last() else {
                return false;
            };
            if !belongs(segment.dialect, text) {
                self.open = false;
                return false;
            }
        } else {
            return false;
        }
        self.push(number, text);
        true
    }

    /// A line of a text that is nothing but configuration.
    pub(crate) fn whole_line(&mut self, number: u64, text: &str) {
        if let Some(dialect) = begins(text) {
            self.begin(dialect);
            let before = core::mem::take(&mut self.before);
            if let Some(segment) = self.segments.last_mut() {
                segment.lines.extend(before);
            }
        }
        self.push(number, text);
    }

    fn begin(&mut self, dialect: Dialect) {
        // `security {` begins Junos as well as Vyatta; what is inside tells, and it isn't another text.
        let goes_on = self.open
            && self.segments.last().is_some_and(|s| {
                s.dialect == dialect
                    || (is_tree(s.dialect) && is_tree(dialect))
                    || (is_cisco(s.dialect) && is_cisco(dialect))
            });
        if !goes_on {
            self.segments.push(Segment {
                dialect,
                lines: Vec::new(),
            });
        }
        self.open = true;
    }

    fn push(&mut self, number: u64, text: &str) {
        if self.kept >= MOST_LINES {
            return;
        }
        self.kept += 1;
        let line = Line {
            number,
            text: text.to_owned(),
        };
        match self.segments.last_mut() {
            Some(segment) if self.open => segment.lines.push(line),
            _ => self.before.push(line),
        }
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Reads what was collected. `origins` tells which lines are of which file when they are of several.
    pub(crate) fn finish(
        self,
        name: &str,
        origins: &[Origin],
        key: Option<&DigestKey>,
        hint: Option<Dialect>,
        version: Option<(u16, u16)>,
    ) -> ConfigReading {
        let mut out = ConfigReading::default();
        let mut ctx = Context {
            name,
            origins,
            key,
            block: 0,
            version,
            lints: Vec::new(),
            files: Vec::new(),
        };
        for segment in self.segments {
            let mut found = read(&mut ctx, segment.dialect, &segment.lines, hint);
            ctx.block += 1;
            let dialect = found
                .connections
                .first()
                .map_or(segment.dialect, |c| c.dialect);
            let lines = u64::try_from(segment.lines.len()).unwrap_or(u64::MAX);
            match out.dialects.iter_mut().find(|(d, _)| *d == dialect) {
                Some((_, n)) => *n += lines,
                None => out.dialects.push((dialect, lines)),
            }
            for connection in &mut found.connections {
                connection.take_key(&found.keys);
                tidy(connection);
            }
            out.connections.append(&mut found.connections);
            out.keys.append(&mut found.keys);
        }
        for connection in &mut out.connections {
            connection.take_key(&out.keys);
        }
        out.lints = ctx.lints;
        out.files = ctx.files;
        out
    }
}

/// Each algorithm of a proposal once.
fn tidy(connection: &mut PeerConnection) {
    let children = connection.children.iter_mut();
    let lists = core::iter::once(&mut connection.ike.value)
        .chain(children.map(|c| &mut c.esp.value))
        .flatten();
    for proposal in lists.flatten() {
        if let Ok(same) = proposal.to_string().parse() {
            *proposal = same;
        }
    }
    for child in &mut connection.children {
        if let Some(Pfs::Groups(groups)) = &mut child.pfs.value
            && let Ok(same) = groups.to_string().parse()
        {
            **groups = same;
        }
    }
}

/// The text without what a terminal puts before a command.
pub(crate) fn after_prompt(text: &str) -> &str {
    let text = text.trim();
    for mark in ["# ", "> ", "$ "] {
        if let Some((prompt, rest)) = text.split_once(mark)
            && !prompt.is_empty()
            && !prompt.contains([' ', '='])
            && prompt.contains(['@', ')', '#', '-'])
        {
            return rest.trim_start();
        }
    }
    text
}

fn is_tree(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Vyos | Dialect::Vyatta | Dialect::Junos)
}

fn is_cisco(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::CiscoIos | Dialect::CiscoAsa)
}

/// Whether a line can begin a configuration at all: logs begin with a time, and their lines are the most.
fn may_begin(raw: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    const LONGEST: usize = 1024;
    let text = raw.trim_ascii();
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let log = match text.get(digits) {
        _ if digits == 0 => {
            // `Nov 21 06:08:05`.
            text.get(3) == Some(&b' ')
                && text
                    .get(4..7)
                    .is_some_and(|day| day.iter().any(u8::is_ascii_digit))
                && text.first().is_some_and(u8::is_ascii_uppercase)
        }
        Some(b'[' | b':' | b' ' | b'-' | b'/') => digits != 0,
        _ => false,
    };
    !log && (SHORTEST..LONGEST).contains(&text.len())
}

/// Whether the line begins a configuration, wherever it stands.
fn begins(text: &str) -> Option<Dialect> {
    let trimmed = text.trim_start();
    let first = *trimmed.as_bytes().first()?;
    match first {
        b'c' => {
            if let Some((_, name)) = ipsec_conf::head(trimmed.trim_end())
                && !trimmed.starts_with("ca ")
                && !name.ends_with([':', ','])
            {
                return Some(Dialect::StrongswanStroke);
            }
            if is_section(trimmed, "connections") {
                return Some(Dialect::Swanctl);
            }
            if let Some(rest) = trimmed.strip_prefix("crypto ") {
                let next = rest.split_whitespace().next()?;
                return matches!(
                    next,
                    "isakmp" | "ikev1" | "ikev2" | "ipsec" | "map" | "keyring" | "dynamic-map"
                )
                .then_some(Dialect::CiscoIos);
            }
            trimmed
                .starts_with("config vpn ipsec")
                .then_some(Dialect::Fortios)
        }
        b's' | b'e' => {
            if is_section(trimmed, "secrets") {
                return Some(Dialect::Swanctl);
            }
            if trimmed.starts_with("sainfo ") || trimmed.starts_with("spdadd ") {
                return Some(Dialect::Racoon);
            }
            set_command(trimmed)
                .or_else(|| is_section(trimmed, "security").then_some(Dialect::Vyos))
                .or_else(|| is_section(trimmed, "site-to-site").then_some(Dialect::Vyos))
                .or_else(|| named_section(trimmed, "esp-group").then_some(Dialect::Vyos))
                .or_else(|| secret_line(trimmed))
        }
        b'v' => is_section(trimmed, "vpn").then_some(Dialect::Vyos),
        b'i' => (is_section(trimmed, "ipsec") || named_section(trimmed, "ike-group"))
            .then_some(Dialect::Vyos)
            .or_else(|| secret_line(trimmed)),
        b'r' | b'l' => {
            if is_racoon_remote(trimmed) {
                return Some(Dialect::Racoon);
            }
            let (key, _) = ipsec_conf::parameter(trimmed)?;
            matches!(
                key,
                "left"
                    | "right"
                    | "leftsubnet"
                    | "rightsubnet"
                    | "leftid"
                    | "rightid"
                    | "leftauth"
                    | "rightauth"
                    | "leftsubnets"
                    | "rightsubnets"
                    | "leftcert"
            )
            .then_some(Dialect::StrongswanStroke)
            .or_else(|| secret_line(trimmed))
        }
        b'p' => {
            if trimmed.starts_with("path pre_shared_key")
                || trimmed.starts_with("path certificate ")
            {
                return Some(Dialect::Racoon);
            }
            (trimmed.starts_with("p1_xform")
                || trimmed.starts_with("p1_lifetime_secs")
                || trimmed.starts_with("p2_lifetime_secs")
                || trimmed.starts_with("p2_pfs"))
            .then_some(Dialect::Illumos)
        }
        b'{' => {
            let word = trimmed
                .trim_start_matches(['{', ' ', '\t'])
                .split_whitespace()
                .next()?;
            matches!(
                word,
                "label"
                    | "laddr"
                    | "raddr"
                    | "ulp"
                    | "saddr"
                    | "daddr"
                    | "lport"
                    | "rport"
                    | "dport"
                    | "sport"
                    | "localidtype"
                    | "localid"
                    | "tunnel"
            )
            .then_some(Dialect::Illumos)
        }
        b'G' if trimmed.starts_with(illumos::dump::BEGINS) => Some(Dialect::Illumos),
        b't' => trimmed
            .starts_with("tunnel-group ")
            .then_some(Dialect::CiscoAsa),
        b'/' => trimmed
            .starts_with("/ip ipsec")
            .then_some(Dialect::Routeros),
        b'<' => (trimmed.starts_with("<ike")
            || trimmed.starts_with("<crypto-profiles")
            || trimmed.starts_with("<config version"))
        .then_some(Dialect::Panos),
        b':' | b'@' | b'%' | b'"' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            secret_line(trimmed).or_else(|| prompted(trimmed))
        }
        _ => None,
    }
}

/// A `set` command behind a prompt.
fn prompted(text: &str) -> Option<Dialect> {
    let rest = after_prompt(text);
    (rest.len() < text.len())
        .then(|| set_command(rest))
        .flatten()
}

/// A line of ipsec.secrets: identities that are single words, a colon, a kind.
fn secret_line(text: &str) -> Option<Dialect> {
    const LONGEST: usize = 200;
    let (before, valued) = secrets::owner(text)?;
    // `Auth sign: PSK, Auth verify: PSK` of a status names a method; what it stands behind is no identity.
    if before.len() > LONGEST || before.contains(": ") || !valued {
        return None;
    }
    let words = before.split_whitespace().count();
    let plain = |c: char| c.is_alphanumeric() || " \t.@:%_-*\"=,/#[]".contains(c);
    (words <= 4 && before.chars().all(plain)).then_some(Dialect::StrongswanStroke)
}

/// `name {`.
fn is_section(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.trim_start().starts_with('{'))
}

/// `name X {`.
fn named_section(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.starts_with(' ') && rest.trim_end().ends_with('{'))
}

fn is_racoon_remote(text: &str) -> bool {
    text.strip_prefix("remote ").is_some_and(|rest| {
        let word = rest.split_whitespace().next().unwrap_or_default();
        word == "anonymous"
            || (word.starts_with(|c: char| c.is_ascii_digit()) || word.starts_with('"'))
                && rest.trim_end().ends_with(['{', ']', '}'])
    })
}

/// The head of a section of racoon.conf whose brace is on the next line.
fn is_racoon_head(text: &str) -> bool {
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("padding" | "listen" | "timer" | "privsep" | "mode_cfg" | "proposal"), None, _) => {
            true
        }
        (Some("remote"), Some(peer), None) => {
            peer == "anonymous" || peer.starts_with(|c: char| c.is_ascii_digit() || c == '"')
        }
        (Some("sainfo"), Some(first), _) => {
            matches!(
                first,
                "anonymous" | "address" | "subnet" | "fqdn" | "asn1dn" | "user_fqdn"
            )
        }
        _ => false,
    }
}

/// `set vpn …`, `set security …`, `set network …`; a first letter may be lost.
pub(crate) fn set_command(text: &str) -> Option<Dialect> {
    let mut words = text.split_whitespace();
    let verb = words.next()?;
    if !matches!(verb, "set" | "et" | "st" | "se" | "ste" | "sset") {
        return None;
    }
    match (words.next()?, words.next().unwrap_or_default()) {
        ("vpn", "ipsec" | "rsa-keys") => Some(Dialect::Vyos),
        ("security", "vpn") => Some(Dialect::Vyatta),
        ("security", "ike" | "ipsec") => Some(Dialect::Junos),
        ("network", "ike" | "tunnel") => Some(Dialect::Panos),
        _ => None,
    }
}

/// Whether a line goes on with the configuration that is open.
fn belongs(dialect: Dialect, text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return true;
    }
    // The head of a log line.
    if looks_like_log(trimmed) {
        return false;
    }
    match dialect {
        Dialect::StrongswanStroke | Dialect::Libreswan | Dialect::Openswan => {
            ipsec_conf::head(trimmed).is_some()
                || ipsec_conf::parameter(trimmed).is_some_and(|(key, _)| {
                    text.starts_with([' ', '\t'])
                        || strongswan::WORDS.contains(&key)
                        || super::libreswan::WORDS.contains(&key)
                        || key.starts_with("left")
                        || key.starts_with("right")
                })
                || trimmed.starts_with("include ")
                || trimmed.starts_with("version ")
        }
        Dialect::Swanctl => {
            trimmed.starts_with('}') || trimmed.ends_with(['{', '}']) || trimmed.contains('=')
        }
        Dialect::Vyos | Dialect::Vyatta | Dialect::Junos | Dialect::Panos => {
            let first = trimmed.split_whitespace().next().unwrap_or_default();
            matches!(first, "set" | "delete" | "et" | "activate" | "deactivate")
                || trimmed.starts_with(['}', '<'])
                || trimmed.ends_with(['{', '}', ';'])
                || text.starts_with([' ', '\t'])
                || set_command(after_prompt(trimmed)).is_some()
        }
        Dialect::Racoon => {
            trimmed.ends_with(['{', '}', ';'])
                || text.starts_with([' ', '\t'])
                || is_racoon_head(trimmed)
        }
        Dialect::Illumos => {
            trimmed.starts_with(['{', '}', 'p', 'l', 'r', 'e', 'i', 'c', 'm', 'n'])
                || text.starts_with([' ', '\t'])
                || trimmed.ends_with('}')
                || illumos::dump::TAGS
                    .iter()
                    .any(|tag| trimmed.starts_with(tag))
        }
        Dialect::CiscoIos | Dialect::CiscoAsa => {
            text.starts_with([' ', '\t', '!'])
                || CISCO.iter().chain(cisco::BELOW).any(|w| {
                    trimmed
                        .strip_prefix(w)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '-']))
                })
        }
        Dialect::Fortios => {
            let first = trimmed.split_whitespace().next().unwrap_or_default();
            matches!(first, "config" | "edit" | "set" | "unset" | "next" | "end")
        }
        Dialect::Routeros => {
            trimmed.starts_with("add ")
                || trimmed.starts_with("set ")
                || trimmed.starts_with('/')
                || text.starts_with([' ', '\t'])
                || trimmed.contains('=')
        }
        Dialect::Adit => false,
    }
}

/// First words of Cisco's top-level commands that bear on a tunnel, and of commands in modes that are no parameters.
const CISCO: &[&str] = &[
    "crypto",
    "tunnel",
    "tunnel-group",
    "access-list",
    "interface",
    "ip",
    "hostname",
    "object",
    "object-group",
    "group-policy",
    "nat",
    "route",
    "ipv6",
    "router",
    "permit",
    "deny",
    "isakmp",
    "sysopt",
    "description",
    "version",
    "end",
    "exit",
    "route-map",
    "username",
    "service",
    "no",
    "default",
];

fn looks_like_log(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ",
        "Dec ",
    ];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    MONTHS.iter().any(|m| text.starts_with(m))
        // `000 "conn"`, `2024-05-01T…`, `09[IKE]`, `12:00:01`.
        || (digits == 3 && text.as_bytes().get(3) == Some(&b' '))
        || (digits == 4 && text.as_bytes().get(4) == Some(&b'-'))
        || (digits == 2 && matches!(text.as_bytes().get(2), Some(b'[' | b':')))
        || text.starts_with("| ")
        || text.starts_with("[IKE]")
}
