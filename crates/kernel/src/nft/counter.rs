//! Named counters: objects of a table that rules add to and anyone may read.

use super::{HEADER, INET, header, kind, open};
use crate::error::Result;
use crate::netlink::codec::{Answer, Message, text};

/// What a counter has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the IP header on.
    pub bytes: u64,
}

/// All named counters of a table of the `inet` family; empty when there is no such table.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn read_counters(table: &str) -> Result<Vec<(String, Count)>> {
    let mut message = Message::new(kind(GET_OBJECT), 0, &header(INET, 0));
    message
        .put_text(OBJECT_TABLE, table)
        .put_u32_be(OBJECT_TYPE, OBJECT_COUNTER);
    let found = open()?.dump("read the counters of table", table, &message)?;
    Ok(found
        .iter()
        .filter_map(|answer| parse(&answer.as_answer(), table))
        .collect())
}

fn parse(answer: &Answer<'_>, table: &str) -> Option<(String, Count)> {
    let attributes = answer.attributes(HEADER);
    if answer.kind != kind(NEW_OBJECT) || text(attributes.find(OBJECT_TABLE)?) != table {
        return None;
    }
    let data = attributes.nested(OBJECT_DATA)?;
    let number =
        |kind| -> Option<u64> { Some(u64::from_be_bytes(data.find(kind)?.try_into().ok()?)) };
    let count = Count {
        packets: number(COUNTER_PACKETS)?,
        bytes: number(COUNTER_BYTES)?,
    };
    Some((text(attributes.find(OBJECT_NAME)?), count))
}

pub(super) const NEW_OBJECT: u16 = 18;
const GET_OBJECT: u16 = 19;
pub(super) const DELETE_OBJECT: u16 = 20;
pub(super) const OBJECT_TABLE: u16 = 1;
pub(super) const OBJECT_NAME: u16 = 2;
pub(super) const OBJECT_TYPE: u16 = 3;
pub(super) const OBJECT_DATA: u16 = 4;
pub(super) const OBJECT_COUNTER: u32 = 1;
const COUNTER_BYTES: u16 = 1;
const COUNTER_PACKETS: u16 = 2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::netlink::codec::messages;

    #[test]
    fn a_counter_is_read_from_its_message() {
        let mut message = Message::new(kind(NEW_OBJECT), 0, &header(1, 0));
        message
            .put_text(OBJECT_TABLE, "adit")
            .put_text(OBJECT_NAME, "clear-out-office")
            .nest(OBJECT_DATA, |data| {
                data.put(COUNTER_BYTES, &840u64.to_be_bytes());
                data.put(COUNTER_PACKETS, &10u64.to_be_bytes());
            });
        let bytes = message.finish(1);
        let answer = messages(&bytes).next().unwrap();
        let count = Count {
            packets: 10,
            bytes: 840,
        };
        assert_eq!(
            parse(&answer, "adit"),
            Some(("clear-out-office".to_owned(), count))
        );
        assert_eq!(parse(&answer, "other"), None);
    }
}
