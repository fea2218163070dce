//! nf_tables over its own netlink family: enough to install a few rules and to read their counters.
//!
//! Changes travel in batches that take effect as a whole or not at all. A table stays when the process that made it
//! ends, however it ends; that is the point. No `nft` program is needed, but `nft list ruleset` shows what is here.

mod batch;
mod changes;
mod counter;
mod rule;

pub use changes::FilterChanges;
pub use counter::{Count, read_counters};

pub(crate) use batch::{Batch, Chain, ChainKind, Hook, check_name};
pub(crate) use rule::Rule;
#[cfg(test)]
pub(crate) use rule::played;

use crate::error::Result;
use crate::netlink::codec::{Answer, Message, text};
use crate::netlink::transport::Transport;

/// Deletes a table of the `inet` family with all it holds; says whether it was there.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn delete_table(table: &str) -> Result<bool> {
    let mut batch = Batch::new(table);
    batch.delete_table();
    match batch.commit("delete the packet filter table") {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// How many rules a table of the `inet` family has; none when there is no such table.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub(crate) fn count_rules(table: &str) -> Result<usize> {
    let mut message = Message::new(kind(GET_RULE), 0, &header(INET, 0));
    message.put_text(RULE_TABLE, table);
    let found = open()?.dump("read the rules of table", table, &message)?;
    // Kernels before 4.12 tell those of all tables.
    let of_table = |answer: &Answer<'_>| {
        let name = answer.attributes(HEADER).find(RULE_TABLE);
        answer.kind == kind(NEW_RULE) && name.is_some_and(|name| text(name) == table)
    };
    Ok(found
        .iter()
        .filter(|answer| of_table(&answer.as_answer()))
        .count())
}

pub(crate) fn open() -> Result<Transport> {
    Transport::open(libc::NETLINK_NETFILTER, "open a packet filter socket")
}

/// Message type of nf_tables: the subsystem number, then the message.
pub(crate) const fn kind(message: u16) -> u16 {
    (SUBSYSTEM << 8) | message
}

/// `struct nfgenmsg`.
pub(crate) fn header(family: u8, resource: u16) -> [u8; HEADER] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

/// The family of tables that see IPv4 and IPv6.
const INET: u8 = 1;
pub(crate) const HEADER: usize = 4;
const SUBSYSTEM: u16 = 10;
const NEW_RULE: u16 = 6;
const GET_RULE: u16 = 7;
const RULE_TABLE: u16 = 1;
