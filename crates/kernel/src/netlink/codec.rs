//! Netlink's bytes: message headers and attributes, written and read.
//!
//! Header fields and rtnetlink attributes are in host order; nf_tables attributes are in network order, which is why
//! the `_be` writers exist. Everything is padded to four bytes.

/// Length of `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;

/// `NLM_F_REQUEST`.
pub(crate) const REQUEST: u16 = 0x001;
/// `NLM_F_ACK`: answer also when all is well.
pub(crate) const ACK: u16 = 0x004;
/// `NLM_F_DUMP`: all objects.
pub(crate) const DUMP: u16 = 0x300;
/// `NLM_F_REPLACE`.
pub(crate) const REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`.
pub(crate) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_CREATE`.
pub(crate) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub(crate) const APPEND: u16 = 0x800;
/// `NLM_F_DUMP_INTR` in an answer: the dump isn't consistent.
pub(crate) const INTERRUPTED: u16 = 0x010;

/// `NLMSG_ERROR`.
pub(crate) const ERROR: u16 = 2;
/// `NLMSG_DONE`.
pub(crate) const DONE: u16 = 3;

const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// One message under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A message of `kind` whose family-specific `header` follows netlink's own.
    pub(crate) fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&0u32.to_ne_bytes());
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(header);
        pad(&mut bytes);
        Self { bytes }
    }

    /// As [`Self::new`], with room for `room` bytes in all, so that what is written stays in one place.
    pub(crate) fn with_room(kind: u16, flags: u16, header: &[u8], room: usize) -> Self {
        let mut message = Self::new(kind, flags, header);
        message.bytes.reserve_exact(room);
        message
    }

    /// Appends an attribute whose value is `parts` one after the other.
    pub(crate) fn put_parts(&mut self, kind: u16, parts: &[&[u8]]) -> &mut Self {
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + 4;
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        pad(&mut self.bytes);
        self
    }

    /// Appends an attribute.
    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        pad(&mut self.bytes);
        self
    }

    /// Appends a zero-terminated text attribute.
    pub(crate) fn put_text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut text = value.as_bytes().to_vec();
        text.push(0);
        self.put(kind, &text)
    }

    /// Appends a 32-bit attribute in host order.
    pub(crate) fn put_u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Appends a 32-bit attribute in network order.
    pub(crate) fn put_u32_be(&mut self, kind: u16, value: u32) -> &mut Self {
        self.put(kind, &value.to_be_bytes())
    }

    /// Appends an attribute that holds the attributes `fill` writes.
    pub(crate) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        fill(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        if let Some(field) = self.bytes.get_mut(start..start + 2) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
        self
    }

    /// Appends raw bytes, padded: a fixed structure inside a nest.
    pub(crate) fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(value);
        pad(&mut self.bytes);
        self
    }

    /// Adds bits to the header's flags.
    pub(crate) fn add_flags(&mut self, flags: u16) {
        if let Some(field) = self.bytes.get_mut(6..8) {
            let old = u16::from_ne_bytes([field[0], field[1]]);
            field.copy_from_slice(&(old | flags).to_ne_bytes());
        }
    }

    /// The finished bytes, with length and sequence number filled in.
    pub(crate) fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// One received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// Message type.
    pub(crate) kind: u16,
    /// Header flags.
    pub(crate) flags: u16,
    /// Sequence number of the request it answers.
    pub(crate) sequence: u32,
    /// Everything after netlink's header.
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The attributes after a family-specific header of `skip` bytes.
    pub(crate) fn attributes(&self, skip: usize) -> Attributes<'a> {
        Attributes(
            self.body
                .get(skip.next_multiple_of(4)..)
                .unwrap_or_default(),
        )
    }
}

/// Splits a datagram into messages; stops at the first that doesn't fit.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let body = bytes.get(HEADER..length)?;
        let answer = Answer {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            body,
        };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(answer)
    })
}

/// Iterator over attributes as `(type, value)`; stops at the first that doesn't fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & TYPE_MASK;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

impl<'a> Attributes<'a> {
    /// The first attribute of `kind`.
    pub(crate) fn find(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// The first attribute of `kind`, as a list of attributes.
    pub(crate) fn nested(self, kind: u16) -> Option<Attributes<'a>> {
        self.find(kind).map(Attributes)
    }
}

/// A host-order 16-bit field.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at + 2)?
        .try_into()
        .ok()
        .map(u16::from_ne_bytes)
}

/// A host-order 32-bit field.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .try_into()
        .ok()
        .map(u32::from_ne_bytes)
}

/// Text up to the first zero byte.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_message_reads_back_as_written() {
        let mut message = Message::new(16, REQUEST, &[7; 16]);
        message.put_text(3, "veth0").nest(18, |nest| {
            nest.put_text(1, "veth");
        });
        let bytes = message.finish(42);
        // 16 header + 16 ifinfomsg + (4+6→12) IFLA_IFNAME + 4 nest + (4+5→12)
        assert_eq!(bytes.len(), 60);

        let answer = messages(&bytes).next().unwrap();
        assert_eq!((answer.kind, answer.flags, answer.sequence), (16, 1, 42));
        let attributes = answer.attributes(16);
        assert_eq!(attributes.find(3).unwrap(), b"veth0\0");
        assert_eq!(
            text(attributes.nested(18).unwrap().find(1).unwrap()),
            "veth"
        );
    }

    #[test]
    fn several_messages_in_one_datagram() {
        let mut bytes = Message::new(20, 0, &[1, 2, 3]).finish(1);
        bytes.extend(Message::new(21, 0, &[]).finish(2));
        let kinds: Vec<u16> = messages(&bytes).map(|answer| answer.kind).collect();
        assert_eq!(kinds, [20, 21]);
    }

    #[test]
    fn every_truncation_is_harmless() {
        let mut message = Message::new(16, REQUEST, &[0; 16]);
        message.put_u32(4, 1500).put_text(3, "eth0");
        let bytes = message.finish(1);
        for end in 0..bytes.len() {
            for answer in messages(&bytes[..end]) {
                assert!(answer.attributes(16).count() <= 2);
            }
            assert!(Attributes(&bytes[..end]).count() < 64);
        }
    }

    #[test]
    fn zero_lengths_end_the_walk() {
        assert_eq!(messages(&[0; 64]).count(), 0);
        assert_eq!(Attributes(&[0; 64]).count(), 0);
    }
}
