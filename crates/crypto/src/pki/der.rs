//! Elements of DER (X.690), as far as private keys need them.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// One element.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

/// The first element, and what follows it.
pub(super) fn first(octets: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&head, rest) = rest.split_first()?;
    let (length, rest) = if head < 0x80 {
        (usize::from(head), rest)
    } else {
        let count = usize::from(head & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        let length = digits
            .iter()
            .fold(0usize, |n, d| (n << 8) | usize::from(*d));
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = octets.get(..octets.len() - after.len())?;
    Some((
        Element {
            tag,
            content,
            whole,
        },
        after,
    ))
}

/// Elements one after the other, up to what isn't one.
pub(super) fn elements(mut octets: &[u8]) -> impl Iterator<Item = Element<'_>> {
    core::iter::from_fn(move || {
        let (element, rest) = first(octets)?;
        octets = rest;
        Some(element)
    })
}

/// The content of the element that the octets are, when it has this tag.
pub(super) fn content(octets: &[u8], tag: u8) -> Option<&[u8]> {
    first(octets)
        .map(|(e, _)| e)
        .filter(|e| e.tag == tag)
        .map(|e| e.content)
}

/// Writes an element.
pub(super) fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|b| *b == 0).collect();
    if content.len() < 0x80 {
        out.push(digits.last().copied().unwrap_or(0));
    } else {
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}
