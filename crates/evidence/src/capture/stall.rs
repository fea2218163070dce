//! Whether protected traffic is still answered: what went one way since the last packet of the other.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::stamp::Stamp;

/// ESP or AH that went both ways between two hosts, and then only one way until the capture ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stall {
    /// Who still sends.
    pub from: IpAddr,
    /// Who no longer does.
    pub to: IpAddr,
    /// Packets since the last one of the other direction.
    pub packets: u64,
    /// Frame of the first of these.
    pub first_frame: u64,
    /// When it was seen.
    pub since: Stamp,
}

/// Pairs kept.
const MOST: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Pair {
    /// Lower address first.
    hosts: (IpAddr, IpAddr),
    /// Who sent the latest packet.
    from: IpAddr,
    /// Whether the other one ever sent something.
    both: bool,
    packets: u64,
    first_frame: u64,
    since: Stamp,
}

#[derive(Debug, Default)]
pub(super) struct Stalls {
    pairs: Vec<Pair>,
    by_hosts: BTreeMap<(IpAddr, IpAddr), usize>,
    /// The pair of the latest packet: the next is mostly one of the same.
    latest: usize,
}

impl Stalls {
    pub(super) fn packet(&mut self, from: IpAddr, to: IpAddr, frame: u64, at: Stamp) {
        let hosts = (from.min(to), from.max(to));
        if self.pairs.get(self.latest).is_none_or(|p| p.hosts != hosts) {
            self.latest = match self.by_hosts.get(&hosts) {
                Some(index) => *index,
                None if self.pairs.len() >= MOST => return,
                None => {
                    self.by_hosts.insert(hosts, self.pairs.len());
                    self.pairs.push(Pair {
                        hosts,
                        from,
                        both: false,
                        packets: 0,
                        first_frame: frame,
                        since: at,
                    });
                    self.pairs.len() - 1
                }
            };
        }
        let Some(pair) = self.pairs.get_mut(self.latest) else {
            return;
        };
        if pair.from == from {
            pair.packets += 1;
        } else {
            *pair = Pair {
                hosts,
                from,
                both: true,
                packets: 1,
                first_frame: frame,
                since: at,
            };
        }
    }

    pub(super) fn finish(self) -> Vec<Stall> {
        self.pairs
            .into_iter()
            .filter(|p| p.both && p.packets > 1)
            .map(|p| Stall {
                from: p.from,
                to: if p.hosts.0 == p.from {
                    p.hosts.1
                } else {
                    p.hosts.0
                },
                packets: p.packets,
                first_frame: p.first_frame,
                since: p.since,
            })
            .collect()
    }
}
