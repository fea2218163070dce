//! What the host's packet filters would do with a packet: every nf_tables rule as the kernel has it, whoever made it, and
//! the rules played on a packet that is only described.
//!
//! Nothing is sent and nothing is changed. What a description leaves open (ports, the state of the connection), and what a
//! rule asks that can't be known from outside (a limit, an extension), makes an answer that is
//! [`Fate::Perhaps`], never a guess.
//!
//! iptables writes nf_tables rules too, except in its legacy form, whose rules can't be read here; [`has_legacy_rules`] says
//! whether there are any.

mod evaluate;
#[cfg(test)]
mod evaluate_tests;
mod expression;
mod packet;
mod read;
mod registers;
mod sets;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::net::IpAddr;

pub use packet::{Packet, Tracked};
pub use read::read;

use expression::Expression;

/// Every table that the calling thread's network namespace has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub(crate) chains: Vec<Chain>,
    /// Those whose elements could be read; what another one has isn't known.
    pub(crate) sets: Vec<Set>,
}

/// A place on a packet's way through the host where filters look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// It has just come in by a device, before anything else (`netdev`, hook `ingress`).
    Ingress,
    /// It came in, and isn't routed yet.
    Prerouting,
    /// It is for this host.
    Input,
    /// It goes on to another host.
    Forward,
    /// This host has made it.
    Output,
    /// It is about to leave.
    Postrouting,
}

/// What becomes of a packet at a [`Point`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It passes.
    Passes,
    /// It is dropped or rejected, whatever is left open about it.
    Dropped(Place),
    /// This drops it under some circumstances.
    Perhaps(Place),
}

/// What became of a packet, and what was changed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Whether it goes on.
    pub fate: Fate,
    /// The rule that translates its source, if one surely does. Translation is only for the first packet of a connection.
    pub source_translated: Option<Translated>,
    /// The rule that translates its destination.
    pub destination_translated: Option<Translated>,
}

/// A translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The rule.
    pub place: Place,
    /// The new address.
    pub into: Into,
}

/// What an address becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// This address.
    Address(IpAddr),
    /// The address of the device that the packet leaves by, or came in by.
    Device,
    /// Nobody here knows.
    Unknown,
}

/// A rule, or the policy of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `ip`, `ip6`, `inet`, `netdev`.
    pub family: &'static str,
    /// The table.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// The rule's handle (`nft -a list ruleset` shows it); `None` for the chain's policy.
    pub handle: Option<u64>,
    /// The rule in the words of `nft`, as far as they are known here.
    pub text: String,
    /// Packets that the rule's own counter has counted.
    pub packets: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            family,
            table,
            chain,
            text,
            ..
        } = self;
        match self.handle {
            Some(handle) => write!(
                f,
                "table {family} {table}, chain {chain}, handle {handle}: {text}"
            ),
            None => write!(f, "table {family} {table}, chain {chain}: {text}"),
        }
    }
}

impl Place {
    /// The command that deletes the rule; `None` for a policy.
    #[must_use]
    pub fn deletion(&self) -> Option<String> {
        let handle = self.handle?;
        Some(format!(
            "nft delete rule {} {} {} handle {handle}",
            self.family, self.table, self.chain
        ))
    }
}

impl Ruleset {
    /// The same without a table of the `inet` family.
    #[must_use]
    pub fn without(mut self, table: &str) -> Self {
        self.chains
            .retain(|chain| chain.table != table || chain.family != Family::Inet);
        self
    }

    /// Whether no chain looks at any packet.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self
            .chains
            .iter()
            .any(|chain| chain.base.is_some() && (chain.base_drops() || !chain.rules.is_empty()))
    }
}

/// Whether there are rules of iptables in its legacy form, which [`read()`] doesn't show.
#[must_use]
pub fn has_legacy_rules() -> bool {
    ["ip_tables_names", "ip6_tables_names"].iter().any(|name| {
        std::fs::read_to_string(format!("/proc/thread-self/net/{name}"))
            .is_ok_and(|tables| !tables.trim().is_empty())
    })
}

/// Family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Inet,
    V4,
    V6,
    Netdev,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::V4 => "ip",
            Self::V6 => "ip6",
            Self::Netdev => "netdev",
        }
    }
}

/// A chain with its rules in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) family: Family,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) base: Option<Base>,
    pub(crate) rules: Vec<Rule>,
}

impl Chain {
    fn base_drops(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.drops)
    }
}

/// What makes a chain one that packets go through by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) point: Point,
    pub(crate) priority: i32,
    /// Its policy is to drop.
    pub(crate) drops: bool,
    /// It translates addresses.
    pub(crate) translates: bool,
    /// The devices of an ingress chain.
    pub(crate) devices: Vec<String>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) handle: u64,
    pub(crate) expressions: Vec<Expression>,
}

/// A set or map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) family: Option<u8>,
    pub(crate) table: String,
    pub(crate) name: String,
    /// Octets of a key.
    pub(crate) key_length: usize,
    /// Its elements are from here to there.
    pub(crate) interval: bool,
    pub(crate) elements: Vec<Element>,
}

/// An element of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) key: Vec<u8>,
    /// The last key of a range, where the element itself has it.
    pub(crate) last: Option<Vec<u8>>,
    /// It only ends the range of the one before; this key isn't in it.
    pub(crate) ends: bool,
    /// It stands for whatever no other element is for.
    pub(crate) catches_all: bool,
    /// What a map has for it.
    pub(crate) verdict: Option<expression::Verdict>,
}
