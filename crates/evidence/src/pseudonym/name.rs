//! Names under a key: hosts, users, and the values of distinguished names.

use std::net::IpAddr;

use super::{Kind, Pseudonyms};

/// Top-level names that say of which kind a name is; all others become `example`.
const SPECIAL: [&str; 12] = [
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "invalid",
    "lab",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "test",
];

/// What files' names end with, as far as no country's name does: `gw.example.org.pem` has a host's name in it, `adit.toml`
/// has none.
const ENDINGS: [&str; 39] = [
    "automount",
    "bin",
    "cap",
    "cer",
    "cnf",
    "conf",
    "crl",
    "crt",
    "csr",
    "der",
    "device",
    "gz",
    "ini",
    "jks",
    "json",
    "key",
    "keys",
    "ko",
    "lock",
    "log",
    "mount",
    "p12",
    "pcap",
    "pcapng",
    "pem",
    "pfx",
    "psk",
    "rec",
    "scope",
    "secret",
    "secrets",
    "service",
    "slice",
    "sock",
    "socket",
    "target",
    "timer",
    "toml",
    "vici",
];

impl Pseudonyms {
    /// What stands for a word that looks like a host's name; `None` for other words.
    pub(super) fn host(&mut self, word: &str) -> Option<String> {
        let (name, ending) = without_ending(word);
        if !is_host(name) {
            return None;
        }
        let mut out = self.domain(name);
        out.push_str(ending);
        Some(out)
    }

    /// A name, label by label: names that end alike still do.
    fn domain(&mut self, name: &str) -> String {
        let labels: Vec<&str> = name.split('.').collect();
        let last = labels.len() - 1;
        let mut out = Vec::with_capacity(labels.len());
        for (at, label) in labels.iter().enumerate() {
            let lower = label.to_ascii_lowercase();
            let new = if *label == "*" {
                "*".to_owned()
            } else if at == last && SPECIAL.contains(&lower.as_str()) {
                (*label).to_owned()
            } else if at == last {
                cased("example", label)
            } else {
                let suffix = labels.get(at..).unwrap_or_default().join(".");
                let made = self.made(Kind::Host, 'h', &suffix.to_lowercase());
                cased(&made, label)
            };
            out.push(new);
        }
        let new = out.join(".");
        // An answer may speak of the domain alone.
        for at in 1..last {
            let part = |labels: &[&str]| labels.get(at..).unwrap_or_default().join(".");
            let new: Vec<&str> = out.iter().map(String::as_str).collect();
            let (original, pseudonym) = (part(&labels), part(&new));
            if !original.starts_with('*') {
                self.table
                    .entry((Kind::Host, original))
                    .or_insert(pseudonym);
            }
        }
        self.note(Kind::Host, name.to_owned(), new.clone());
        new
    }

    /// What stands for `user@host`; `None` for what isn't one.
    pub(super) fn mail(&mut self, word: &str) -> Option<String> {
        let (user, host) = word.rsplit_once('@')?;
        if user.is_empty() || host.is_empty() || user.contains(['/', ':']) {
            return None;
        }
        let host = if is_host(host) {
            self.domain(host)
        } else {
            self.opaque(Kind::Host, 'h', host)
        };
        let user = match user {
            "*" | "root" => user.to_owned(),
            _ => self.made(Kind::Mail, 'u', user),
        };
        let new = format!("{user}@{host}");
        self.note(Kind::Mail, word.to_owned(), new.clone());
        Some(new)
    }

    /// What stands for a value that may be anything: a name and an address keep their shape.
    pub(super) fn value(&mut self, value: &str, kind: Kind) -> String {
        if matches!(value, "" | "*" | "any" | "%any") || value.starts_with('[') {
            return value.to_owned();
        }
        if let Ok(address) = value.parse::<IpAddr>() {
            return self.address(address, None).to_string();
        }
        if let Some(mail) = self.mail(value) {
            return mail;
        }
        if is_host(value) {
            return self.domain(value);
        }
        let letter = match kind {
            Kind::Subject => 'n',
            Kind::Host => 'h',
            _ => 'k',
        };
        self.opaque(kind, letter, value)
    }

    /// What stands for a country: two letters.
    pub(super) fn country(&mut self, value: &str) -> String {
        let hash = self.hash.of(&[b"country", value.as_bytes()]);
        let letter = |octet: u8| char::from(b'A' + octet % 26);
        let new: String = [letter(hash[0]), letter(hash[1])].into_iter().collect();
        self.note(Kind::Subject, value.to_owned(), new.clone());
        new
    }

    /// What stands for hex digits behind `0x`: as many.
    pub(super) fn digits(&mut self, hex: &str) -> String {
        let mut new = String::with_capacity(hex.len());
        let mut round = 0_u32;
        while new.len() < hex.len() {
            for octet in self
                .hash
                .of(&[b"hex", hex.as_bytes(), &round.to_be_bytes()])
            {
                new.push_str(&format!("{octet:02x}"));
            }
            round += 1;
        }
        new.truncate(hex.len());
        let new = format!("0x{new}");
        self.note(Kind::Identity, format!("0x{hex}"), new.clone());
        new
    }

    /// What stands for a hardware address, in hex without marks: one that nobody's hardware has.
    pub(super) fn hardware(&self, hex: &str) -> String {
        let hash = self.hash.of(&[b"hardware", hex.as_bytes()]);
        let octets = hash.iter().take(5).map(|octet| format!("{octet:02x}"));
        format!("02{}", octets.collect::<String>())
    }

    /// A name without parts.
    pub(super) fn opaque(&mut self, kind: Kind, letter: char, original: &str) -> String {
        let new = self.made(kind, letter, original);
        self.note(kind, original.to_owned(), new.clone());
        new
    }

    /// A letter and hex digits: as many as make it nobody else's, six at least.
    fn made(&mut self, kind: Kind, letter: char, original: &str) -> String {
        let hash = self
            .hash
            .of(&[kind.plural().as_bytes(), original.as_bytes()]);
        let hex: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
        // 48 bits: two names that fall together are not to be expected, and the same name never depends on the others.
        format!("{letter}{}", hex.get(..12).unwrap_or_default())
    }
}

/// Capital letters stay told: products differ in whether they regard them.
fn cased(new: &str, original: &str) -> String {
    if original.chars().any(char::is_uppercase) {
        new.to_ascii_uppercase()
    } else {
        new.to_owned()
    }
}

/// Two labels or more, the last of letters alone.
pub(super) fn is_host(word: &str) -> bool {
    if word.len() > 253 || word.starts_with("net.ipv") || word.starts_with("net.core.") {
        return false;
    }
    let mut labels = word.split('.');
    let first = labels.next().unwrap_or_default();
    let Some(last) = labels.next_back() else {
        return false;
    };
    let label = |l: &str| !l.is_empty() && l.len() <= 63 && l.chars().all(is_label);
    (label(first) || first == "*")
        && labels.all(label)
        && last.chars().count() >= 2
        && last
            .chars()
            .all(|c| is_label(c) && !c.is_numeric() && !matches!(c, '-' | '_'))
        && !ENDINGS.contains(&last)
}

/// Letters of every script, those with separate accents too: names are written as they are spoken.
pub(super) fn is_label(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '\u{300}'..='\u{36f}')
}

/// Whether a word behind a folder is a script: `hook.sh` and `hook.py` end as names of countries do.
pub(super) fn is_script(word: &str) -> bool {
    let script =
        |(name, ending): (&str, &str)| !name.contains('.') && matches!(ending, "sh" | "py" | "pl");
    word.rsplit_once('.').is_some_and(script)
}

/// A file's name without its endings, and those.
fn without_ending(word: &str) -> (&str, &str) {
    let mut name = word;
    while let Some((rest, ending)) = name.rsplit_once('.') {
        if !ENDINGS.contains(&ending) {
            break;
        }
        name = rest;
    }
    word.split_at(name.len())
}
