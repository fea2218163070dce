//! The block as a table of the packet filter.

use adit_model::policy::Action;
use ipnet::IpNet;

use super::exceptions;
use super::{BlockCount, PolicyBlock, ProtectedTunnel};
use crate::error::Result;
use crate::nft::{self, Batch, Chain, ChainKind, Count, Hook, Rule, check_name};

/// Installs or replaces the table.
pub(super) fn install(block: &PolicyBlock) -> Result<()> {
    let what = "install the policy block in table";
    check_name(what, &block.table)?;
    for tunnel in &block.tunnels {
        check_name(what, &tunnel.name)?;
    }
    for policy in &block.policies {
        check_name(what, &policy.name)?;
    }
    let old = nft::read_counters(&block.table)?;
    match batch(block, &old, false).commit(what) {
        // A table of that name whose chains sit elsewhere (of another version): start afresh.
        Err(error)
            if matches!(
                error.errno,
                Some(libc::EEXIST | libc::EBUSY | libc::EOPNOTSUPP)
            ) =>
        {
            batch(block, &[], true).commit(what)
        }
        outcome => outcome,
    }
}

/// Sorts the table's counters by tunnel.
pub(super) fn by_tunnel(counters: Vec<(String, Count)>) -> Vec<BlockCount> {
    let mut found: Vec<BlockCount> = Vec::new();
    for (name, count) in counters {
        let (tunnel, out) = match (name.strip_prefix(OUT_PREFIX), name.strip_prefix(IN_PREFIX)) {
            (Some(tunnel), _) => (tunnel, true),
            (None, Some(tunnel)) => (tunnel, false),
            (None, None) => continue,
        };
        let at = found
            .iter()
            .position(|known| known.tunnel == tunnel)
            .unwrap_or_else(|| {
                found.push(BlockCount {
                    tunnel: tunnel.to_owned(),
                    clear_out: Count::default(),
                    clear_in: Count::default(),
                });
                found.len() - 1
            });
        if let Some(known) = found.get_mut(at) {
            *if out {
                &mut known.clear_out
            } else {
                &mut known.clear_in
            } = count;
        }
    }
    found
}

fn batch(block: &PolicyBlock, old: &[(String, Count)], afresh: bool) -> Batch {
    let mut batch = Batch::new(&block.table);
    batch.create_table();
    if afresh {
        batch.delete_table();
        batch.create_table();
    }
    for chain in CHAINS {
        batch.chain(chain);
    }
    batch.flush_rules();
    let mut wanted: Vec<String> = block
        .tunnels
        .iter()
        .flat_map(|tunnel| [OUT_PREFIX, IN_PREFIX].map(|prefix| format!("{prefix}{}", tunnel.name)))
        .collect();
    let drops = block.policies.iter().filter(|p| p.action == Action::Drop);
    wanted.extend(drops.map(exceptions::counter));
    wanted.sort();
    wanted.dedup();
    for (name, _) in old.iter().filter(|(name, _)| !wanted.contains(name)) {
        batch.delete_counter(name);
    }
    for name in &wanted {
        batch.counter(name);
    }
    for rule in outbound(block) {
        batch.rule(OUT, &rule);
    }
    for rule in inbound(block) {
        batch.rule(IN, &rule);
    }
    for rule in through(block) {
        batch.rule(THROUGH, &rule);
    }
    batch
}

/// What never belongs to a tunnel, whichever way it goes.
fn always(loopback: Rule) -> impl Iterator<Item = Rule> {
    let scopes = LINK_SCOPES
        .iter()
        .filter_map(|scope| scope.parse().ok())
        .map(|scope| Rule::new().destination(scope).accept());
    [loopback.accept(), neighbours()].into_iter().chain(scopes)
}

/// Rules for packets on their way out, after routing and before source NAT hides where they come from.
fn outbound(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules: Vec<Rule> = always(Rule::new().output_interface(LOOPBACK)).collect();
    for peer in &block.peers {
        let peer = Rule::new().destination(IpNet::from(*peer));
        rules.extend(own_path(&peer, &block.ike_ports));
    }
    rules.extend(exceptions::outbound(&block.policies));
    rules.extend(clear_out(block));
    rules
}

/// Rules for packets that arrived for this host, put together from fragments by then.
fn inbound(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules: Vec<Rule> = always(Rule::new().input_interface(LOOPBACK)).collect();
    for peer in &block.peers {
        let peer = Rule::new().source(IpNet::from(*peer));
        rules.extend(own_path(&peer, &block.ike_ports));
    }
    rules.extend(exceptions::inbound(&block.policies));
    rules.extend(clear_in(block));
    rules
}

/// Rules for packets that are forwarded. The peers' own path isn't theirs: a host behind the gateway that could use it
/// would speak in clear with a peer that a tunnel covers.
fn through(block: &PolicyBlock) -> Vec<Rule> {
    always(Rule::new().input_interface(LOOPBACK))
        .chain(exceptions::outbound(&block.policies))
        .chain(exceptions::inbound(&block.policies))
        .chain(clear_in(block))
        .chain(clear_out(block))
        .collect()
}

/// Stops and counts what leaves from a tunnel's networks to those behind its peer by another way than its devices.
fn clear_out(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules = Vec::new();
    for tunnel in &block.tunnels {
        let counter = format!("{OUT_PREFIX}{}", tunnel.name);
        let start = tunnel
            .devices
            .iter()
            .fold(Rule::new(), |rule, name| rule.not_output_interface(name));
        for (local, remote) in pairs(tunnel, tunnel.any_source) {
            let rule = local
                .map_or(start.clone(), |local| start.clone().source(local))
                .destination(remote);
            let rule = carved_out(tunnel, remote).fold(rule, Rule::not_destination);
            rules.push(rule.count(&counter).drop());
        }
    }
    rules
}

/// Stops and counts what arrives from behind a peer by another way than the tunnel's devices.
fn clear_in(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules = Vec::new();
    for tunnel in &block.tunnels {
        let counter = format!("{IN_PREFIX}{}", tunnel.name);
        let start = tunnel
            .devices
            .iter()
            .fold(Rule::new(), |rule, name| rule.not_input_interface(name));
        for (local, remote) in pairs(tunnel, false) {
            let rule = start.clone().source(remote);
            let rule = local.map_or(rule.clone(), |local| rule.destination(local));
            let rule = carved_out(tunnel, remote).fold(rule, Rule::not_source);
            rules.push(rule.count(&counter).drop());
        }
    }
    rules
}

/// The pairs of networks of one IP version. With `any_local` each remote network comes once, without a partner.
fn pairs(tunnel: &ProtectedTunnel, any_local: bool) -> Vec<(Option<IpNet>, IpNet)> {
    let mut found = Vec::new();
    for remote in &tunnel.remote {
        if any_local {
            found.push((None, *remote));
            continue;
        }
        let partners = tunnel
            .local
            .iter()
            .filter(|local| same_version(local, remote));
        found.extend(partners.map(|local| (Some(*local), *remote)));
    }
    found
}

/// Our own networks inside a remote one (a tunnel for all addresses): what stays among them isn't the tunnel's.
fn carved_out(tunnel: &ProtectedTunnel, remote: IpNet) -> impl Iterator<Item = IpNet> {
    tunnel.local.iter().copied().filter(move |local| {
        remote != *local && same_version(local, &remote) && remote.contains(local)
    })
}

fn same_version(one: &IpNet, other: &IpNet) -> bool {
    one.addr().is_ipv6() == other.addr().is_ipv6()
}

/// IKE, ESP in UDP, and ESP, for packets that match `peer`.
fn own_path(peer: &Rule, ports: &[u16]) -> Vec<Rule> {
    let mut rules = vec![peer.clone().protocol(ESP).accept()];
    for port in ports {
        rules.push(peer.clone().udp_source(*port).accept());
        rules.push(peer.clone().udp_destination(*port).accept());
    }
    rules
}

/// IPv6 finds its neighbours and routers by ICMPv6, which a tunnel for all addresses would otherwise stop. Such
/// messages never cross a router (their hop limit must be 255; RFC 4861), so nothing forwarded passes for one.
fn neighbours() -> Rule {
    Rule::new()
        .never_forwarded_v6()
        .icmpv6_types(133, 137)
        .accept()
}

/// Destinations that never leave the link, and so can't be behind a tunnel.
const LINK_SCOPES: [&str; 5] = [
    "224.0.0.0/24",
    "255.255.255.255/32",
    "fe80::/10",
    "ff01::/16",
    "ff02::/16",
];

const OUT: &str = "clear_out";
const IN: &str = "clear_in";
const THROUGH: &str = "clear_through";
const CHAINS: [Chain<'static>; 3] = [
    Chain {
        name: OUT,
        kind: ChainKind::Filter,
        hook: Hook::Postrouting,
        priority: 0,
    },
    Chain {
        name: IN,
        kind: ChainKind::Filter,
        hook: Hook::Input,
        priority: 0,
    },
    Chain {
        name: THROUGH,
        kind: ChainKind::Filter,
        hook: Hook::Forward,
        priority: 0,
    },
];
const OUT_PREFIX: &str = "clear-out-";
const IN_PREFIX: &str = "clear-in-";
const LOOPBACK: &str = "lo";
const ESP: u8 = 50;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn nets(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|net| net.parse().unwrap()).collect()
    }

    #[test]
    fn pairs_never_mix_ip_versions() {
        let tunnel = ProtectedTunnel::new(
            "office",
            nets(&["10.1.0.0/16", "2001:db8:1::/48"]),
            nets(&["10.2.0.0/16", "2001:db8:2::/48"]),
            "adit0",
        );
        assert!(tunnel.any_source);
        assert_eq!(pairs(&tunnel, true).len(), 2);
        for (local, remote) in pairs(&tunnel, false) {
            assert!(same_version(&local.unwrap(), &remote));
        }
        assert_eq!(pairs(&tunnel, false).len(), 2);
    }

    #[test]
    fn only_networks_inside_the_remote_one_are_carved_out() {
        let all =
            ProtectedTunnel::new("all", nets(&["10.1.0.0/16"]), nets(&["0.0.0.0/0"]), "adit0");
        assert!(!all.any_source);
        assert_eq!(carved_out(&all, all.remote[0]).count(), 1);
        // A remote network inside a local one stays protected.
        let inside =
            ProtectedTunnel::new("in", nets(&["10.0.0.0/8"]), nets(&["10.2.0.0/16"]), "adit0");
        assert_eq!(carved_out(&inside, inside.remote[0]).count(), 0);
    }

    #[test]
    fn counters_are_sorted_by_tunnel() {
        let count = |packets| Count { packets, bytes: 0 };
        let found = by_tunnel(vec![
            ("clear-in-a".to_owned(), count(1)),
            ("clear-out-b".to_owned(), count(2)),
            ("clear-out-a".to_owned(), count(3)),
            ("foreign".to_owned(), count(9)),
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (
                found[0].tunnel.as_str(),
                found[0].clear_out.packets,
                found[0].clear_in.packets
            ),
            ("a", 3, 1)
        );
        assert_eq!(
            (found[1].tunnel.as_str(), found[1].clear_out.packets),
            ("b", 2)
        );
    }
}
