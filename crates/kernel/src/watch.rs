//! Where on this host the packets of one flow are seen: counters before and after everything else at each point of their
//! way. A packet that is counted at one and not at the next was stopped between them.
//!
//! The counters are in a table of their own, which goes with the [`Watch`]. They change nothing about a packet.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{KernelError, Result};
use crate::nft::{Batch, Chain, ChainKind, Hook, Rule, delete_table, read_counters};
use crate::ruleset::Point;

/// A place where packets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The way from the flow's first address to its second one; otherwise back.
    pub onward: bool,
    /// At which point of the host: index into [`POINTS`].
    pub point: usize,
    /// Before every other rule there; otherwise after them.
    pub first: bool,
}

/// The points that are watched.
pub const POINTS: [Point; 5] = [
    Point::Prerouting,
    Point::Input,
    Point::Forward,
    Point::Output,
    Point::Postrouting,
];

/// Counters that are being kept. They end with it.
#[derive(Debug)]
pub struct Watch {
    _table: Table,
}

#[derive(Debug)]
struct Table;

impl Drop for Table {
    fn drop(&mut self) {
        // What stays counts on and harms nothing; the next watch takes its place.
        let _ = delete_table(TABLE);
    }
}

impl Watch {
    /// Begins to count packets between `from` and `to`, of this protocol only if one is given.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
    pub fn begin(from: IpAddr, to: IpAddr, protocol: Option<u8>) -> Result<Self> {
        let mut batch = Batch::new(TABLE);
        batch.create_table();
        batch.delete_table();
        batch.create_table();
        for spot in spots() {
            batch.counter(&name(spot));
        }
        for (point, hook) in HOOKS.into_iter().enumerate() {
            for first in [true, false] {
                let chain = format!("{}-{}", NAMES[point], if first { "first" } else { "last" });
                batch.chain(Chain {
                    name: &chain,
                    kind: ChainKind::Filter,
                    hook,
                    priority: if first { FIRST } else { LAST },
                });
                for onward in [true, false] {
                    let (from, to) = if onward { (from, to) } else { (to, from) };
                    let mut rule = Rule::new()
                        .source(IpNet::from(from))
                        .destination(IpNet::from(to));
                    if let Some(protocol) = protocol {
                        rule = rule.protocol(protocol);
                    }
                    let spot = Spot {
                        onward,
                        point,
                        first,
                    };
                    batch.rule(&chain, &rule.count(&name(spot)));
                }
            }
        }
        batch.commit("count packets in table")?;
        Ok(Self { _table: Table })
    }

    /// How many packets have been seen where.
    ///
    /// # Errors
    /// When the kernel refuses the listing, or somebody has removed counters meanwhile: none is not zero.
    pub fn counts(&self) -> Result<Vec<(Spot, u64)>> {
        let counters = read_counters(TABLE)?;
        spots()
            .map(|spot| {
                let name = name(spot);
                let found = counters.iter().find(|(counter, _)| *counter == name);
                let gone = || {
                    let hint = "somebody removed them meanwhile (nft flush ruleset); try again";
                    KernelError::own("read the counters of table", TABLE, hint)
                };
                Ok((spot, found.ok_or_else(gone)?.1.packets))
            })
            .collect()
    }
}

fn spots() -> impl Iterator<Item = Spot> {
    (0..POINTS.len()).flat_map(|point| {
        [(true, true), (true, false), (false, true), (false, false)].map(|(onward, first)| Spot {
            onward,
            point,
            first,
        })
    })
}

fn name(spot: Spot) -> String {
    let way = if spot.onward { "onward" } else { "back" };
    let when = if spot.first { "first" } else { "last" };
    format!("{way}-{}-{when}", NAMES.get(spot.point).unwrap_or(&""))
}

const HOOKS: [Hook; 5] = [
    Hook::Prerouting,
    Hook::Input,
    Hook::Forward,
    Hook::Output,
    Hook::Postrouting,
];
const NAMES: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];
/// The table's name.
pub const TABLE: &str = "adit-trace";
const FIRST: i32 = -1_000_000;
const LAST: i32 = 1_000_000;
