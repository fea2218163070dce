//! What a rehearsal does to the network between two gateways: a NAT, and the faults of real firewalls.
//!
//! Meant for private namespaces. Each function replaces its table as a whole.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::Result;
use crate::nft::{Batch, Chain, ChainKind, Count, Hook, Rule, read_counters};

/// Traffic a middlebox refuses to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// UDP from or to this port.
    UdpPort(u16),
    /// IP protocol 50.
    Esp,
    /// Everything from or to this host.
    Host(IpAddr),
    /// Everything.
    All,
}

/// Hides what leaves by `out_interface` behind the interface's address (both IP versions).
///
/// # Errors
/// When CAP_NET_ADMIN is missing, or this kernel has no nf_tables or no NAT.
pub fn masquerade(table: &str, out_interface: &str) -> Result<()> {
    let mut batch = afresh(table);
    batch.chain(Chain {
        name: "hide",
        kind: ChainKind::Nat,
        hook: Hook::Postrouting,
        priority: SOURCE_NAT,
    });
    batch.rule(
        "hide",
        &Rule::new().output_interface(out_interface).masquerade(),
    );
    batch.commit("install the NAT in table")
}

/// Silently drops the traffic of all `faults`, be it received, forwarded or sent by this host.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn drop_traffic(table: &str, faults: &[Fault]) -> Result<()> {
    let mut batch = afresh(table);
    batch.counter(DROPPED);
    // Before address translation, so that both sides of a NAT see the same ports.
    for (name, hook) in [("arriving", Hook::Prerouting), ("leaving", Hook::Output)] {
        batch.chain(Chain {
            name,
            kind: ChainKind::Filter,
            hook,
            priority: RAW,
        });
        for rule in faults.iter().flat_map(|fault| rules(*fault)) {
            batch.rule(name, &rule.count(DROPPED).drop());
        }
    }
    batch.commit("install the fault in table")
}

/// What [`drop_traffic`] has dropped.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn dropped(table: &str) -> Result<Count> {
    let counters = read_counters(table)?;
    let found = counters.into_iter().find(|(name, _)| name == DROPPED);
    Ok(found.map(|(_, count)| count).unwrap_or_default())
}

/// Takes a NAT or a fault away again; says whether it was there.
///
/// # Errors
/// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
pub fn remove(table: &str) -> Result<bool> {
    crate::nft::delete_table(table)
}

fn afresh(table: &str) -> Batch {
    let mut batch = Batch::new(table);
    batch.create_table();
    batch.delete_table();
    batch.create_table();
    batch
}

fn rules(fault: Fault) -> Vec<Rule> {
    match fault {
        Fault::UdpPort(port) => vec![
            Rule::new().udp_destination(port),
            Rule::new().udp_source(port),
        ],
        Fault::Esp => vec![Rule::new().protocol(50)],
        Fault::Host(address) => {
            let host = IpNet::from(address);
            vec![Rule::new().destination(host), Rule::new().source(host)]
        }
        Fault::All => vec![Rule::new()],
    }
}

const DROPPED: &str = "dropped";
const SOURCE_NAT: i32 = 100;
const RAW: i32 = -300;
