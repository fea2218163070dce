//! What hosts send: pings and bulk datagrams.

use std::net::IpAddr;
use std::time::Duration;

use crate::host::{BulkReport, BulkRun, PingReport, PingRun, bulk_source};
use crate::node::Role;
use crate::world::{Happens, NodeId, World};

/// A run of pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingId {
    host: NodeId,
    run: usize,
}

/// A run of bulk datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkId {
    host: NodeId,
    run: usize,
}

impl World {
    /// Lets a host ping `to`: `count` requests with `octets` of data, one every `interval`.
    pub fn ping(
        &mut self,
        host: NodeId,
        to: IpAddr,
        count: u32,
        interval: Duration,
        octets: usize,
    ) -> PingId {
        self.ping_from(host, None, to, count, interval, octets)
    }

    /// As [`ping`](Self::ping), from one of the host's addresses; a gateway can ping too, and what policy protects of it
    /// goes through its tunnels.
    pub fn ping_from(
        &mut self,
        host: NodeId,
        from: Option<IpAddr>,
        to: IpAddr,
        count: u32,
        interval: Duration,
        octets: usize,
    ) -> PingId {
        let now = self.now().mono;
        let mut run = 0;
        let pings = match &mut self.nodes[host.0].role {
            Role::Host(host) => Some(&mut host.pings),
            Role::Gateway(gateway) => Some(&mut gateway.own.pings),
            Role::Router(_) | Role::V1Only(_) => None,
        };
        if let Some(pings) = pings {
            run = pings.len();
            pings.push(PingRun::new(from, to, octets));
        }
        for n in 0..count {
            self.later(now + interval * n, Happens::Ping { host, run });
        }
        PingId { host, run }
    }

    /// What a ping run has come to so far.
    #[must_use]
    pub fn ping_report(&self, id: PingId) -> PingReport {
        let pings = match &self.nodes[id.host.0].role {
            Role::Host(host) => &host.pings,
            Role::Gateway(gateway) => &gateway.own.pings,
            Role::Router(_) | Role::V1Only(_) => return PingReport::default(),
        };
        pings.get(id.run).map(PingRun::report).unwrap_or_default()
    }

    /// Lets a host send `count` datagrams of `octets` octets (at least 4) to the host `to`, one every `interval`.
    pub fn bulk(
        &mut self,
        host: NodeId,
        to: IpAddr,
        count: u32,
        interval: Duration,
        octets: usize,
    ) -> BulkId {
        let now = self.now().mono;
        let mut run = 0;
        if let Role::Host(host) = &mut self.nodes[host.0].role {
            run = host.bulks.len();
            host.bulks.push(BulkRun {
                to,
                octets,
                sent: 0,
            });
        }
        for n in 0..count {
            self.later(now + interval * n, Happens::Bulk { host, run });
        }
        BulkId { host, run }
    }

    /// What a bulk run has come to so far, both ends taken together.
    #[must_use]
    pub fn bulk_report(&self, id: BulkId) -> BulkReport {
        let mut report = BulkReport::default();
        let node = &self.nodes[id.host.0];
        if let Role::Host(host) = &node.role
            && let Some(run) = host.bulks.get(id.run)
        {
            report.sent = run.sent;
            let own = node.own_addresses();
            for other in &self.nodes {
                if let Role::Host(receiver) = &other.role
                    && other.own_addresses().contains(&run.to)
                {
                    for (from, arrived) in &receiver.arrived {
                        if own.contains(&from.ip()) && *from == bulk_source(from.ip(), id.run) {
                            arrived.add_to(&mut report);
                        }
                    }
                }
            }
        }
        report
    }
}
