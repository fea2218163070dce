//! Where in a text there is something to replace.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::{is_label, is_script};
use super::{Kind, Pseudonyms};

/// Attributes of distinguished names, as they stand before `=`.
const ATTRIBUTES: [&str; 19] = [
    "C",
    "CN",
    "DC",
    "DNQ",
    "E",
    "EMAIL",
    "EMAILADDRESS",
    "GN",
    "GIVENNAME",
    "L",
    "O",
    "OU",
    "S",
    "SERIALNUMBER",
    "SN",
    "ST",
    "STREET",
    "T",
    "UID",
];

/// Tables of a configuration, before their names.
const HEADS: [&str; 5] = ["child", "gateway", "pool", "ppk", "tunnel"];

/// Where a distinguished name can end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// At the end of the text only.
    Nowhere,
    /// Within a quotation that began with this mark, or in a sentence.
    In(Option<char>),
}

/// What was found at the beginning of a text: how many octets it has, and what stands for it.
type Found = (usize, String);

impl Pseudonyms {
    /// The text with pseudonyms in the places of values.
    pub fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        let mut quote = None;
        while let Some(first) = rest.chars().next() {
            let found = if inside(before) {
                None
            } else {
                let script = behind_folder(text, rest).then(|| script(rest)).flatten();
                script.or_else(|| self.found(rest, before, quote))
            };
            if found.is_none() && matches!(first, '"' | '\'') {
                quote = match quote {
                    Some(mark) if mark == first => None,
                    // An apostrophe begins no quotation.
                    None if !inside(before) => Some(first),
                    other => other,
                };
            }
            let length = match found {
                Some((length, new)) => {
                    out.push_str(&new);
                    length
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            let (taken, after) = rest.split_at(length);
            before = taken.chars().next_back();
            rest = after;
        }
        out
    }

    fn found(&mut self, rest: &str, before: Option<char>, quote: Option<char>) -> Option<Found> {
        self.known_name(rest, before)
            .or_else(|| self.key_id(rest))
            .or_else(|| self.attribute(rest, Ends::In(quote)))
            .or_else(|| self.hardware_address(rest))
            .or_else(|| self.addresses_at(rest))
            .or_else(|| self.word(rest, before))
    }

    fn known_name(&mut self, rest: &str, before: Option<char>) -> Option<Found> {
        if matches!(before, Some('-' | '.')) {
            return None;
        }
        let at = self.known.iter().position(|(name, _)| {
            rest.strip_prefix(name.as_str())
                .is_some_and(|after| !inside_next(after))
        })?;
        let (name, kind) = self.known.get(at)?.clone();
        let new = if name.contains('=') {
            // A whole distinguished name.
            let new = self.whole_subject(&name);
            if new == name {
                self.opaque(kind, 'k', &name)
            } else {
                new
            }
        } else {
            self.value(&name, kind)
        };
        Some((name.len(), new))
    }

    /// `keyid:text`, `keyid:0x0011`, `id:11:0x0011`.
    fn key_id(&mut self, rest: &str) -> Option<Found> {
        let head = if rest.starts_with("keyid:") {
            "keyid:".len()
        } else {
            let behind = rest.strip_prefix("id:")?;
            let number = behind.find(':').filter(|at| (1..=3).contains(at))?;
            "id:".len() + number + 1
        };
        let value = rest.get(head..)?;
        let end = value
            .find([' ', ',', '"', '\'', ')', ';', '\n', '\t', '\\'])
            .unwrap_or(value.len());
        // What is known may have blanks in it.
        let known = self.known.iter().map(|(name, _)| name.as_str());
        let mut known = known.filter(|name| value.starts_with(name));
        let end = known.next().map_or(end, |name| end.max(name.len()));
        let value = value.get(..end).filter(|v| !v.is_empty())?;
        let new = match value.strip_prefix("0x") {
            Some(hex) => self.digits(hex),
            None => self.opaque(Kind::Identity, 'k', value),
        };
        Some((head + end, format!("{}{new}", rest.get(..head)?)))
    }

    /// A text that is nothing but a distinguished name.
    pub(super) fn whole_subject(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = self.attribute(rest, Ends::Nowhere);
            let (length, new) = found.unwrap_or_else(|| (first.len_utf8(), first.to_string()));
            out.push_str(&new);
            rest = rest.get(length..).unwrap_or_default();
        }
        out
    }

    /// `CN=gw.example.org`, one attribute of a distinguished name.
    fn attribute(&mut self, rest: &str, ends: Ends) -> Option<Found> {
        let (head, value) = attribute(rest)?;
        let end = end_of_value(value, ends);
        let value = value.get(..end)?;
        let name = head.trim_end_matches('=').trim_end();
        let new = if value.is_empty() || value == "*" {
            value.to_owned()
        } else if name == "C" && value.len() == 2 {
            self.country(value)
        } else {
            self.value(value, Kind::Subject)
        };
        Some((head.len() + end, format!("{head}{new}")))
    }

    /// `52:54:00:12:34:56`, `52-54-00-12-34-56`, `5254.0012.3456`.
    fn hardware_address(&mut self, rest: &str) -> Option<Found> {
        let run = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.');
        let end = rest.find(|c| !run(c)).unwrap_or(rest.len());
        let text = rest.get(..end)?.trim_end_matches([':', '.', '-']);
        let mark = text.chars().find(|c| !c.is_ascii_hexdigit())?;
        let (parts, length) = if mark == '.' { (3, 4) } else { (6, 2) };
        if text.len() != parts * (length + 1) - 1
            || text.split(mark).count() != parts
            || !text.split(mark).all(|part| part.len() == length)
            || inside_next(rest.get(text.len()..)?)
        {
            return None;
        }
        let hex = text.replace(mark, "").to_ascii_lowercase();
        // What belongs to nobody, to a group, or to VRRP (RFC 9568 7.3).
        let group = u8::from_str_radix(hex.get(..2)?, 16).ok()? & 1 == 1;
        if group || hex == "000000000000" || hex.starts_with("00005e000") {
            return Some((text.len(), text.to_owned()));
        }
        let new = self.hardware(&hex);
        let groups: Vec<&str> = (0..parts)
            .filter_map(|at| new.get(at * length..(at + 1) * length))
            .collect();
        let new = groups.join(&mark.to_string());
        self.note(Kind::Hardware, text.to_owned(), new.clone());
        Some((text.len(), new))
    }

    /// An address, a network, an address with its mask, or a range.
    fn addresses_at(&mut self, rest: &str) -> Option<Found> {
        let (address, length) = address(rest)?;
        let after = rest.get(length..)?;
        if let Some((prefix, digits)) = prefix(after, address) {
            let shown = rest.get(length..length + digits)?;
            let new = self.with_prefix(address, prefix);
            return Some((length + digits, format!("{new}{shown}")));
        }
        if let Some((prefix, octets)) = mask(after, address) {
            let shown = rest.get(length..length + octets)?;
            let new = self.with_prefix(address, prefix);
            return Some((length + octets, format!("{new}{shown}")));
        }
        for joint in ["-", "..", " - ", " .. "] {
            let Some((end, more)) = after.strip_prefix(joint).and_then(self::address) else {
                continue;
            };
            if end.is_ipv4() == address.is_ipv4() && address <= end {
                let (start, last) = self.addresses().range(address, end);
                self.note(Kind::Address, address.to_string(), start.to_string());
                self.note(Kind::Address, end.to_string(), last.to_string());
                let octets = length + joint.len() + more;
                return Some((octets, format!("{start}{joint}{last}")));
            }
        }
        let new = self.address(address, None);
        Some((length, new.to_string()))
    }

    /// A network by its first address, or a host's address with the length of its network.
    fn with_prefix(&mut self, address: IpAddr, prefix: u8) -> IpAddr {
        let network = ipnet::IpNet::new(address, prefix).is_ok_and(|n| n.network() == address);
        self.address(address, network.then_some(prefix))
    }

    /// A host's name or a mail address.
    fn word(&mut self, rest: &str, before: Option<char>) -> Option<Found> {
        let plain = |c: char| is_label(c) || matches!(c, '.' | '*');
        let end = rest
            .find(|c| !(plain(c) || matches!(c, '@' | '+')))
            .unwrap_or(rest.len());
        let word = rest.get(..end)?.trim_end_matches(['.', '-', '+', '@', '*']);
        if word.contains('@') && !word.starts_with('@') {
            // `xfrm4@eth0: <UP>`, as links are listed.
            if rest.get(word.len()..)?.starts_with(": <") {
                return Some((word.len(), word.to_owned()));
            }
            let new = self.mail(word)?;
            return Some((word.len(), new));
        }
        let end = word.find(|c| !plain(c)).unwrap_or(word.len());
        let word = word.get(..end)?;
        let first = word.split('.').next().unwrap_or_default();
        // `[tunnel.office]`, `adit.case/1` and `.conf` are no hosts' names.
        let setting = matches!(before, Some('[' | '`')) && HEADS.contains(&first);
        let schema = first == "adit" && rest.get(word.len()..)?.starts_with("/1");
        if before == Some('.') || word.starts_with('.') || setting || schema {
            return None;
        }
        let new = self.host(word)?;
        Some((word.len(), new))
    }
}

/// Whether a folder stands before this rest of a text; a host stands behind two strokes.
fn behind_folder(text: &str, rest: &str) -> bool {
    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
    before.ends_with('/') && !before.ends_with("//")
}

/// A script's name, which stays.
fn script(rest: &str) -> Option<Found> {
    let end = rest
        .find(|c| !(is_label(c) || c == '.'))
        .unwrap_or(rest.len());
    let word = rest.get(..end)?.trim_end_matches('.');
    is_script(word).then(|| (word.len(), word.to_owned()))
}

/// Whether what follows is the middle of a word.
fn inside(before: Option<char>) -> bool {
    before.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn inside_next(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('.' | '-') => chars.next().is_some_and(char::is_alphanumeric),
        Some('@') => true,
        next => inside(next),
    }
}

/// An attribute's name with `=`, and what follows.
fn attribute(rest: &str) -> Option<(&str, &str)> {
    let at = rest.find('=').filter(|at| *at <= 13)?;
    let name = rest.get(..at)?.trim_end();
    if !ATTRIBUTES.contains(&name.to_ascii_uppercase().as_str())
        || name.len() < 2 && name != name.to_ascii_uppercase()
    {
        return None;
    }
    let after = rest.get(at + 1..)?;
    if name.len() == 1 && after.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let blanks = after.len() - after.trim_start_matches(' ').len();
    Some(rest.split_at(at + 1 + blanks.min(1)))
}

/// Where an attribute's value ends: at the comma before another attribute, at a mark that ends the whole name, or, at the
/// end of a name in a sentence, at a blank before a word without a capital.
fn end_of_value(value: &str, ends: Ends) -> usize {
    let mut escaped = false;
    let mut blank = None;
    for (at, c) in value.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        let next = value.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' => escaped = true,
            ',' | '+' | '/' | ';' => {
                if attribute(next.trim_start()).is_some() {
                    return at;
                }
                if matches!(c, ',' | ';') && ends == Ends::In(None) {
                    return blank.unwrap_or(at);
                }
            }
            _ if ends == Ends::Nowhere => {}
            // The name ends with its mark, whatever blanks are in it.
            _ if ends == Ends::In(Some(c)) => return at,
            _ if matches!(ends, Ends::In(Some(_))) => {}
            '"' | '\'' | '>' | ')' | ']' | '\n' => return blank.unwrap_or(at),
            ' ' if blank.is_none() => {
                let goes_on = |c: char| c.is_uppercase() || c.is_ascii_digit();
                blank = (!next.starts_with(goes_on)).then_some(at);
            }
            _ => {}
        }
    }
    blank.unwrap_or(value.len())
}

/// The address at the beginning, and how many octets it has.
pub(super) fn address(text: &str) -> Option<(IpAddr, usize)> {
    let end = text
        .find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, ':' | '.')))
        .unwrap_or(text.len());
    let run = text.get(..end)?;
    if run.bytes().filter(|b| *b == b':').count() >= 2 {
        // A sentence or a list may go on with a colon or a full stop.
        let mut run = run.trim_end_matches('.');
        loop {
            if let Ok(address) = run.parse::<Ipv6Addr>() {
                let after = text.get(run.len()..)?;
                return (!inside(after.chars().next())).then_some((address.into(), run.len()));
            }
            match run.strip_suffix(':') {
                Some(shorter) => run = shorter,
                None => break,
            }
        }
    }
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let run = text.get(..end)?;
    let mut parts = run.match_indices('.').map(|(at, _)| at);
    // Two full stops begin a range, and a single one may end a sentence.
    let end = parts.nth(3).unwrap_or(run.len());
    let (run, after) = text.split_at(end);
    let address: Ipv4Addr = run.parse().ok()?;
    // tcpdump and sniffers write the port behind a fifth full stop.
    let port = after.strip_prefix('.').map(|after| {
        let digits = |c: char| c.is_ascii_digit();
        (after.starts_with(digits), after.trim_start_matches(digits))
    });
    let behind = match port {
        Some((true, behind)) => behind,
        _ => after,
    };
    let more = matches!(port, Some((true, behind)) if is_part(behind));
    (!more && !inside(behind.chars().next())).then_some((address.into(), end))
}

/// Whether the text goes on with a full stop and a digit.
fn is_part(text: &str) -> bool {
    let part = text.strip_prefix('.');
    part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

/// `/24`, and how many octets it has.
pub(super) fn prefix(after: &str, address: IpAddr) -> Option<(u8, usize)> {
    let digits = after.strip_prefix('/')?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let length: u8 = digits.get(..end)?.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((length, 1 + end))
}

/// ` 255.255.0.0` or ` 0.0.255.255` behind an address.
fn mask(after: &str, address: IpAddr) -> Option<(u8, usize)> {
    let text = after.strip_prefix([' ', '/'])?;
    let (IpAddr::V4(mask), octets) = self::address(text)? else {
        return None;
    };
    let bits = u32::from(mask);
    let (ones, zeros) = (bits.leading_ones(), bits.leading_zeros());
    let length = if bits == 0 {
        return None;
    } else if ones > 0 && ones + bits.trailing_zeros() == 32 {
        ones
    } else if ones == 0 && zeros + bits.trailing_ones() == 32 {
        zeros
    } else {
        return None;
    };
    let length = u8::try_from(length).ok()?;
    address.is_ipv4().then_some((length, 1 + octets))
}
