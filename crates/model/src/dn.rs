//! Distinguished names (RFC 5280 4.1.2.4): who a certificate is of, and the IKE identity ID_DER_ASN1_DN.
//!
//! Two names are equal when their attributes are, one by one and in order; values are compared without regard to case
//! and to the number of blanks (RFC 5280 7.1), and whichever string type they are encoded in. The encoding in which a
//! name came is kept, since signatures go over it.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use std::sync::Arc;

use crate::credential::{attribute, attribute_oid};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;
const IA5: u8 = 0x16;

/// Longer names aren't read; the longest of real certificates have some hundred octets.
const MOST_OCTETS: usize = 4096;

/// A distinguished name. Cheap to clone, and no larger than a pointer: identities and refusals hold some of them.
#[derive(Clone)]
pub struct DistinguishedName(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    parts: Vec<Vec<Attribute>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attribute {
    /// Short name, or the dotted object identifier.
    kind: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    Text(String),
    /// Of a type that isn't text, or with characters that can't be shown: the whole element.
    Element(Vec<u8>),
}

impl DistinguishedName {
    /// Reads the DER of a name (RDNSequence). `None` when the octets aren't one, or have something behind it.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        if der.len() > MOST_OCTETS {
            return None;
        }
        let (body, rest) = element(der, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        let mut left = body;
        while !left.is_empty() {
            let (set, rest) = element(left, SET)?;
            left = rest;
            let mut part = Vec::new();
            let mut attributes = set;
            while !attributes.is_empty() {
                let (pair, rest) = element(attributes, SEQUENCE)?;
                attributes = rest;
                let (oid, value) = element(pair, OBJECT_IDENTIFIER)?;
                let (tag, content, end) = any(value)?;
                if !end.is_empty() {
                    return None;
                }
                let oid = dotted(oid)?;
                part.push(Attribute {
                    kind: attribute(&oid).map_or(oid, str::to_owned),
                    value: text_of(tag, content)
                        .map_or_else(|| Value::Element(value.to_vec()), Value::Text),
                });
            }
            if part.is_empty() {
                return None;
            }
            parts.push(part);
        }
        Some(Self(Arc::new(Inner {
            der: der.to_vec(),
            parts,
        })))
    }

    /// Its encoding.
    #[must_use]
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Whether it has no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.parts.is_empty()
    }

    /// Whether `other` fits this name as a pattern: a value `*` stands for any value of its attribute, everything else
    /// must be equal, and there may be neither more nor fewer attributes.
    #[must_use]
    pub fn admits(&self, other: &Self) -> bool {
        self.0.parts.len() == other.0.parts.len()
            && self.0.parts.iter().zip(&other.0.parts).all(|(mine, its)| {
                let (mine, its) = (sorted(mine), sorted(its));
                mine.len() == its.len()
                    && mine.iter().zip(&its).all(|((kind, value), (other, its))| {
                        kind == other && (value == its || *value == Value::Text("*".to_owned()))
                    })
            })
    }

    /// Whether a value is `*`, so that as a pattern it stands for more than one name.
    #[must_use]
    pub fn has_stars(&self) -> bool {
        let star = |a: &Attribute| a.value == Value::Text("*".to_owned());
        self.0.parts.iter().flatten().any(star)
    }

    /// Whether `other` begins with all of this name, as RFC 5280 4.2.1.10 compares names with a constraint.
    #[must_use]
    pub fn begins(&self, other: &Self) -> bool {
        self.0.parts.len() <= other.0.parts.len()
            && self
                .0
                .parts
                .iter()
                .zip(&other.0.parts)
                .all(|(mine, its)| sorted(mine) == sorted(its))
    }

    /// The texts of an attribute (`CN`), in their order.
    pub fn values(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.0
            .parts
            .iter()
            .flatten()
            .filter(move |a| a.kind == kind)
            .filter_map(|a| match &a.value {
                Value::Text(text) => Some(text.as_str()),
                Value::Element(_) => None,
            })
    }

    fn folded(&self) -> Vec<Vec<(String, Value)>> {
        self.0.parts.iter().map(|part| sorted(part)).collect()
    }

    fn from_parts(parts: Vec<Vec<Attribute>>) -> Option<Self> {
        let mut body = Vec::new();
        for part in &parts {
            let mut set: Vec<Vec<u8>> = Vec::new();
            for attribute in part {
                let oid = attribute_oid(&attribute.kind).unwrap_or(&attribute.kind);
                let mut pair = write(OBJECT_IDENTIFIER, &undotted(oid)?);
                match &attribute.value {
                    Value::Text(text) => {
                        pair.extend(write(string_type(&attribute.kind, text), text.as_bytes()));
                    }
                    Value::Element(whole) => pair.extend_from_slice(whole),
                }
                set.push(write(SEQUENCE, &pair));
            }
            set.sort();
            body.extend(write(SET, &set.concat()));
        }
        let der = write(SEQUENCE, &body);
        (der.len() <= MOST_OCTETS).then(|| Self(Arc::new(Inner { der, parts })))
    }
}

fn sorted(part: &[Attribute]) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = part
        .iter()
        .map(|a| {
            let value = match &a.value {
                Value::Text(text) => Value::Text(fold(text)),
                Value::Element(whole) => Value::Element(whole.clone()),
            };
            (a.kind.clone(), value)
        })
        .collect();
    out.sort_by_cached_key(|(kind, value)| match value {
        Value::Text(text) => (kind.clone(), text.clone().into_bytes()),
        Value::Element(whole) => (kind.clone(), whole.clone()),
    });
    out
}

fn fold(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der || self.folded() == other.folded()
    }
}

impl Eq for DistinguishedName {}

impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl fmt::Display for DistinguishedName {
    /// `C=CH, O=Lab, CN=gw`, in the order of the encoding. `\` stands before `,` `+` `\` and outer blanks; what isn't
    /// text is `#` and the element in hex (RFC 4514 2.4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.parts.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            for (at, a) in part.iter().enumerate() {
                if at > 0 {
                    f.write_str("+")?;
                }
                write!(f, "{}=", a.kind)?;
                match &a.value {
                    Value::Text(text) => escaped(f, text)?,
                    Value::Element(whole) => {
                        f.write_str("#")?;
                        for octet in whole {
                            write!(f, "{octet:02x}")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let outer = at == 0 || at == last;
        if matches!(c, ',' | '+' | '\\') || (c == '#' && at == 0) || (outer && c == ' ') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    Ok(())
}

/// A text that is no distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` isn't a distinguished name: write it as `C=CH, O=Lab, CN=gw`")]
pub struct NotAName(pub String);

impl FromStr for DistinguishedName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        parse(text).ok_or_else(|| NotAName(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<DistinguishedName> {
    let mut parts: Vec<Vec<Attribute>> = Vec::new();
    let mut next_of_same = false;
    for (piece, ended_by) in pieces(text) {
        let (kind, value) = piece.split_once('=')?;
        let kind = kind.trim();
        let kind = match attribute(kind) {
            Some(known) => known.to_owned(),
            None => {
                undotted(kind)?;
                kind.to_owned()
            }
        };
        let value = value.trim_start();
        let value = match value.strip_prefix('#') {
            Some(hex) => Value::Element(element_from(hex.trim())?),
            None => Value::Text(unescaped(value)?),
        };
        let attribute = Attribute { kind, value };
        match parts.last_mut() {
            Some(part) if next_of_same => part.push(attribute),
            _ => parts.push(vec![attribute]),
        }
        next_of_same = ended_by == Some('+');
    }
    if parts.is_empty() {
        return None;
    }
    DistinguishedName::from_parts(parts)
}

/// The text between unescaped `,` and `+`, escapes untouched.
fn pieces(text: &str) -> Vec<(&str, Option<char>)> {
    let mut out = Vec::new();
    let (mut from, mut escape) = (0, false);
    for (at, c) in text.char_indices() {
        if escape {
            escape = false;
        } else if c == '\\' {
            escape = true;
        } else if c == ',' || c == '+' {
            out.push((text.get(from..at).unwrap_or_default(), Some(c)));
            from = at + 1;
        }
    }
    out.push((text.get(from..).unwrap_or_default(), None));
    out
}

fn unescaped(value: &str) -> Option<String> {
    let mut out = String::new();
    // Up to where blanks at the end are meant.
    let mut kept = 0;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            let c = chars.next()?;
            out.push(c);
            kept = out.len();
            continue;
        } else {
            c
        };
        out.push(c);
        if c != ' ' {
            kept = out.len();
        }
    }
    out.truncate(kept);
    (!out.is_empty() && out.chars().all(|c| !c.is_control())).then_some(out)
}

fn element_from(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let octets: Vec<u8> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    let (tag, content, rest) = any(&octets)?;
    // What can be shown as text has one form alone.
    (rest.is_empty() && text_of(tag, content).is_none()).then_some(octets)
}

fn text_of(tag: u8, content: &[u8]) -> Option<String> {
    if !matches!(tag, UTF8 | PRINTABLE | TELETEX | IA5) {
        return None;
    }
    if tag != UTF8 && !content.is_ascii() {
        return None;
    }
    let text = core::str::from_utf8(content).ok()?;
    (!text.is_empty() && text.chars().all(|c| !c.is_control())).then(|| text.to_owned())
}

/// The types that other implementations write (RFC 5280 4.1.2.4, A.1).
fn string_type(kind: &str, text: &str) -> u8 {
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    match kind {
        "E" | "DC" if text.is_ascii() => IA5,
        _ if text.chars().all(printable) => PRINTABLE,
        _ => UTF8,
    }
}

fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let digits: Vec<u8> = content
        .len()
        .to_be_bytes()
        .into_iter()
        .skip_while(|b| *b == 0)
        .collect();
    if content.len() < 0x80 {
        out.push(digits.last().copied().unwrap_or(0));
    } else {
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}

/// Tag, content, and what follows; lengths in their shortest form.
fn any(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&head, rest) = rest.split_first()?;
    let (length, rest) = match head {
        0..=0x7f => (usize::from(head), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let shortest = match head {
        0x81 => length >= 0x80,
        0x82 => length >= 0x100,
        _ => true,
    };
    if tag & 0x1f == 0x1f || !shortest {
        return None;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn element(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(octets)
        .filter(|(t, ..)| *t == tag)
        .map(|(_, content, rest)| (content, rest))
}

/// An object identifier as people write it, `2.5.4.3`, from the content of its element. `None` when it isn't one.
#[must_use]
pub fn dotted(oid: &[u8]) -> Option<String> {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    let mut begun = false;
    for octet in oid {
        if !begun && *octet == 0x80 {
            return None;
        }
        arc = arc.checked_mul(128)? | u64::from(octet & 0x7f);
        begun = octet & 0x80 != 0;
        if !begun {
            arcs.push(arc);
            arc = 0;
        }
    }
    let first = *arcs.first()?;
    if begun {
        return None;
    }
    let head = (first / 40).min(2);
    let mut out = format!("{head}.{}", first - 40 * head);
    for arc in arcs.iter().skip(1) {
        out.push_str(&format!(".{arc}"));
    }
    Some(out)
}

/// The content of an object identifier's element; the inverse of [`dotted`].
#[must_use]
pub fn undotted(text: &str) -> Option<Vec<u8>> {
    let arcs: Vec<u64> = text
        .split('.')
        .map(|arc| {
            let number: u64 = arc.parse().ok()?;
            (number.to_string() == arc).then_some(number)
        })
        .collect::<Option<_>>()?;
    let (&head, rest) = arcs.split_first()?;
    let (&second, rest) = rest.split_first()?;
    if head > 2 || (head < 2 && second >= 40) {
        return None;
    }
    let first = (head * 40).checked_add(second)?;
    let mut out = Vec::new();
    for arc in core::iter::once(first).chain(rest.iter().copied()) {
        let mut digits = vec![u8::try_from(arc & 0x7f).unwrap_or(0)];
        let mut left = arc >> 7;
        while left > 0 {
            digits.push(0x80 | u8::try_from(left & 0x7f).unwrap_or(0));
            left >>= 7;
        }
        out.extend(digits.into_iter().rev());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_survives_text_and_encoding() {
        for text in [
            "C=CH, O=Lab, CN=gw",
            "C=CH, O=A\\, B, CN=a\\+b+UID=7",
            "CN=\\ x\\ ",
            "CN=\\#1",
            "1.2.3.4=x, CN=Zürich",
            "DC=example, DC=org, E=ops@example.org",
            "CN=#030200ff",
            "CN=*",
        ] {
            let n = name(text);
            assert_eq!(n.to_string(), text);
            let read = DistinguishedName::from_der(n.to_der()).unwrap();
            assert_eq!(read, n);
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn the_encoding_is_the_one_that_others_write() {
        // strongSwan 5.9.8: `pki --dn`-like encoding of C=CH, CN=gw.
        let der = [
            0x30, 0x1a, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 0x43,
            0x48, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x13, 0x02, 0x67, 0x77,
        ];
        assert_eq!(name("C=CH, CN=gw").to_der(), der);
    }

    #[test]
    fn case_blanks_and_string_types_make_no_other_name() {
        let utf8 = [
            0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 0x47,
            0x57,
        ];
        let received = DistinguishedName::from_der(&utf8).unwrap();
        assert_eq!(received, name("CN=gw"));
        assert_eq!(received.to_der(), utf8);
        assert_eq!(name("CN=a  b"), name("cn=A b"));
        assert_ne!(name("CN=a, O=b"), name("O=b, CN=a"));
        assert_eq!(name("CN=a+O=b"), name("O=b+CN=a"));
        assert_ne!(name("CN=a+O=b"), name("CN=a, O=b"));
    }

    #[test]
    fn a_star_stands_for_one_value() {
        let pattern = name("C=CH, O=Lab, CN=*");
        assert!(pattern.admits(&name("c=ch, o=lab, CN=anybody")));
        assert!(!pattern.admits(&name("C=CH, O=Lab")));
        assert!(!pattern.admits(&name("C=CH, O=Lab, CN=a, CN=b")));
        assert!(!pattern.admits(&name("C=CH, O=Other, CN=a")));
        // A star that a peer sends is a star, no pattern.
        assert!(!name("CN=gw").admits(&name("CN=*")));
        assert!(name("C=CH, O=Lab").begins(&name("C=CH, O=Lab, CN=gw")));
        assert!(!name("O=Lab").begins(&name("C=CH, O=Lab, CN=gw")));
    }

    #[test]
    fn what_cannot_be_shown_stays_as_it_came_and_broken_names_are_none() {
        // CN with a NUL inside.
        let der = [
            0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, 0x61,
            0x00, 0x62,
        ];
        let n = DistinguishedName::from_der(&der).unwrap();
        assert_eq!(n.to_string(), "CN=#0c03610062");
        assert_eq!(name(&n.to_string()), n);
        assert_ne!(n, name("CN=a"));
        for cut in 0..der.len() {
            assert!(DistinguishedName::from_der(der.get(..cut).unwrap()).is_none());
        }
        assert!("CN=".parse::<DistinguishedName>().is_err());
        assert!("gw.example.org".parse::<DistinguishedName>().is_err());
        assert!("a=b".parse::<DistinguishedName>().is_err());
        assert!("CN=#0c0161".parse::<DistinguishedName>().is_err());
    }
}
