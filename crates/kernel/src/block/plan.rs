//! The block as a table of the packet filter.
//!
//! Each of its chains is a list of rules of which the first that lets pass or stops decides, and what none of them decides
//! passes. Every packet of the host walks them, so they come in an order that costs little: what is surely the gateway's
//! own leaves at the beginning, and what no rule would stop or count is let through by [`harmless`] before any exception is
//! looked at. Both change nothing about what passes, what is stopped and what is counted (the tests in `equivalence` play the lists
//! without them).

#[cfg(test)]
mod equivalence;
mod harmless;
#[cfg(test)]
mod tests;

use adit_model::policy::Action;
use ipnet::IpNet;

use super::exceptions;
use super::{BlockCount, PolicyBlock, ProtectedTunnel};
use crate::datagram::OWN_MARK;
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
        let kinds = [OUT_PREFIX, IN_PREFIX, OPTIONAL_OUT, OPTIONAL_IN, TRANSLATED];
        let found_kind = kinds
            .iter()
            .find_map(|kind| Some((*kind, name.strip_prefix(kind)?)));
        let Some((kind, tunnel)) = found_kind else {
            continue;
        };
        let at = found
            .iter()
            .position(|known| known.tunnel == tunnel)
            .unwrap_or_else(|| {
                found.push(BlockCount {
                    tunnel: tunnel.to_owned(),
                    clear_out: Count::default(),
                    clear_in: Count::default(),
                    optional_out: Count::default(),
                    optional_in: Count::default(),
                    translated: Count::default(),
                });
                found.len() - 1
            });
        if let Some(known) = found.get_mut(at) {
            *match kind {
                OUT_PREFIX => &mut known.clear_out,
                IN_PREFIX => &mut known.clear_in,
                OPTIONAL_OUT => &mut known.optional_out,
                TRANSLATED => &mut known.translated,
                _ => &mut known.optional_in,
            } = count;
        }
    }
    found
}

/// How many rules there are where the block is in place.
pub(super) fn rules(block: &PolicyBlock) -> usize {
    batch(block, &[], false).rules()
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
    for chain in CALLED {
        batch.called_chain(chain);
    }
    batch.flush_rules();
    if !block.passes_ipsec {
        // Without rules it would still have every packet come by. It was made above, so it is there.
        batch.delete_chain(LATE);
    }
    let mut wanted: Vec<String> = block
        .tunnels
        .iter()
        .flat_map(|tunnel| [OUT_PREFIX, IN_PREFIX].map(|prefix| format!("{prefix}{}", tunnel.name)))
        .collect();
    let optional = block.tunnels.iter().filter(|tunnel| tunnel.optional);
    wanted.extend(optional.flat_map(|tunnel| {
        [OPTIONAL_OUT, OPTIONAL_IN].map(|prefix| format!("{prefix}{}", tunnel.name))
    }));
    wanted.push(CAUGHT.to_owned());
    if block.passes_ipsec {
        let tunnels = block.tunnels.iter();
        wanted.extend(tunnels.map(|tunnel| format!("{TRANSLATED}{}", tunnel.name)));
    }
    let drops = block.policies.iter().filter(|p| p.action == Action::Drop);
    wanted.extend(drops.map(exceptions::counter));
    wanted.sort();
    wanted.dedup();
    // What passed while a tunnel was optional stays on record as long as it is configured.
    let configured = |name: &str| {
        let of = |prefix: &str| name.strip_prefix(prefix);
        let tunnel = of(OPTIONAL_OUT).or_else(|| of(OPTIONAL_IN));
        tunnel.is_some_and(|name| block.tunnels.iter().any(|t| t.name == name))
    };
    let gone = |name: &String| !wanted.contains(name) && !configured(name);
    for (name, _) in old.iter().filter(|(name, _)| gone(name)) {
        batch.delete_counter(name);
    }
    for name in &wanted {
        batch.counter(name);
    }
    for (chain, rules) in chains(block) {
        for rule in rules {
            batch.rule(chain, &rule);
        }
    }
    batch
}

/// The rules of each chain.
fn chains(block: &PolicyBlock) -> Vec<(&'static str, Vec<Rule>)> {
    let devices = devices(block);
    let mut all = vec![(OWN, own(block))];
    for (chain, harmless, first, decisions) in [
        (OUT, HARMLESS_OUT, to_own(), outbound(block)),
        (IN, HARMLESS_IN, for_us(block), inbound(block)),
        (THROUGH, HARMLESS_THROUGH, Vec::new(), through(block)),
        (LATE, HARMLESS_LATE, Vec::new(), after_translation(block)),
    ] {
        if decisions.is_empty() {
            continue;
        }
        all.push((harmless, harmless::rules(&decisions, &devices)));
        let mut rules = first;
        rules.push(Rule::new().jump(harmless));
        rules.extend(decisions);
        all.push((chain, rules));
    }
    all
}

/// Rules for packets on their way out after source NAT. Where the kernel's IPsec protects, a packet that was about to be
/// protected when [`outbound`] let it pass is looked up again with its new source; if no policy takes that, it would leave
/// in clear. Its destination is the same as before; its source is asked of connection tracking, where it matters. Policies
/// have been asked with that source: what they drop isn't here any more, whatever it looks like now.
fn after_translation(block: &PolicyBlock) -> Vec<Rule> {
    if !block.passes_ipsec {
        return Vec::new();
    }
    let mut rules: Vec<Rule> = always(Rule::new().output_interface(LOOPBACK)).collect();
    rules.extend(own_path(&Rule::new().marked(OWN_MARK), &block.ike_ports));
    for peer in &block.peers {
        let peer = Rule::new().destination(IpNet::from(*peer));
        rules.extend(own_path(&peer, &block.ike_ports));
    }
    rules.extend(exceptions::outbound_translated(&block.policies));
    for tunnel in &block.required().tunnels {
        let counter = format!("{TRANSLATED}{}", tunnel.name);
        let start = tunnel
            .devices
            .iter()
            .fold(Rule::new(), |rule, name| rule.not_output_interface(name))
            .not_to_be_protected();
        for (local, remote) in pairs(tunnel, tunnel.any_source) {
            let rule = start.clone().destination(remote);
            let rule = carved_out(tunnel, remote).fold(rule, Rule::not_destination);
            let of_ours = match local {
                None => vec![rule],
                Some(local) => [false, true]
                    .map(|answer| rule.clone().source_before_translation(local, answer))
                    .to_vec(),
            };
            rules.extend(of_ours.into_iter().map(|rule| rule.count(&counter).drop()));
        }
    }
    rules
}

/// What never belongs to a tunnel, whichever way it goes.
fn always(loopback: Rule) -> impl Iterator<Item = Rule> {
    let scopes = LINK_SCOPES
        .iter()
        .filter_map(|scope| scope.parse().ok())
        .map(|scope| Rule::new().destination(scope).accept());
    [loopback.accept(), neighbours()].into_iter().chain(scopes)
}

/// Rules for packets on their way out, after routing and before source NAT hides where they come from. Those of the gateway
/// itself have been through [`own`].
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

/// Leads what the gateway itself sends to [`own`].
fn to_own() -> Vec<Rule> {
    vec![Rule::new().marked(OWN_MARK).jump(OWN)]
}

/// Rules for what the gateway itself sends, by its mark: it is stopped where it is [`caught`], and IKE and ESP leave, also
/// answers to peers that nobody knows yet, and to those that have moved. What it stops would be stopped before anything
/// else; what it lets pass nothing would stop before letting it pass: up to there [`outbound`] has exceptions only.
fn own(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules = caught(block);
    // Nearly all of it is ESP in UDP, from our port.
    rules.extend(ports_of_ours(block).map(|port| Rule::new().udp_source(port).accept()));
    rules.extend(own_path(&Rule::new(), &block.ike_ports));
    rules
}

/// Our ports among those of IKE, the one of ESP in UDP first.
fn ports_of_ours(block: &PolicyBlock) -> impl Iterator<Item = u16> {
    let ours = block.own_ports.iter().rev();
    ours.copied().filter(|port| block.ike_ports.contains(port))
}

/// Stops what the gateway itself sends where a route leads it into a tunnel's device: sealed again, it would come back
/// again, longer each time.
fn caught(block: &PolicyBlock) -> Vec<Rule> {
    let into = |device: &String| Rule::new().output_interface(device);
    devices(block)
        .iter()
        .map(|device| into(device).count(CAUGHT).drop())
        .collect()
}

/// The devices of all tunnels.
fn devices(block: &PolicyBlock) -> Vec<String> {
    let of_tunnels = block.tunnels.iter().flat_map(|t| &t.devices);
    let mut devices: Vec<String> = of_tunnels.cloned().collect();
    devices.sort();
    devices.dedup();
    devices
}

/// Lets in what comes to our ports, and ESP, before anything else is asked: of [`inbound`] nothing but other exceptions
/// would come before, and which of several exceptions lets a packet pass makes no difference.
fn for_us(block: &PolicyBlock) -> Vec<Rule> {
    // Nearly all of it is ESP in UDP, whose port is the last.
    let ports = block.own_ports.iter().rev();
    let mut rules: Vec<Rule> = ports
        .map(|port| Rule::new().udp_destination(*port).accept())
        .collect();
    rules.push(Rule::new().protocol(ESP).accept());
    rules
}

/// Rules for packets that arrived for this host, put together from fragments by then, and that aren't [`for_us`].
fn inbound(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules: Vec<Rule> = always(Rule::new().input_interface(LOOPBACK)).collect();
    rules.extend(path_errors(&block.own_ports));
    for peer in &block.peers {
        // Answers to probes. From a port of IKE alone anything could be sent to any service, in the peer's name.
        for port in &block.ike_ports {
            let answer = Rule::new()
                .source(IpNet::from(*peer))
                .udp_source(*port)
                .destination_ports(EPHEMERAL);
            rules.push(answer.accept());
        }
    }
    rules.extend(exceptions::inbound(&block.policies));
    rules.extend(clear_in(block));
    rules
}

/// ICMP errors about our own IKE and ESP, from wherever on the path: without them no path MTU is found and no closed port
/// told. What they quote decides.
fn path_errors(own_ports: &[u16]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (v4, icmp, types, next_header, payload) in [
        (true, 1, &[3_u8, 11, 12][..], 8 + 9, 8 + 20),
        (false, 58, &[1, 2, 3, 4][..], 8 + 6, 8 + 40),
    ] {
        for kind in types {
            let error = Rule::new()
                .version(v4)
                .protocol(icmp)
                .transport_octets(0, &[*kind]);
            let of_esp = error.clone().transport_octets(next_header, &[ESP]);
            rules.push(of_esp.accept());
            for port in own_ports {
                let of_ike = error
                    .clone()
                    .transport_octets(next_header, &[UDP])
                    .transport_octets(payload, &port.to_be_bytes());
                rules.push(of_ike.accept());
            }
        }
    }
    rules
}

/// Rules for packets that are forwarded. The peers' own path isn't theirs: a host behind the gateway that could use it
/// would speak in clear with a peer that a tunnel covers.
fn through(block: &PolicyBlock) -> Vec<Rule> {
    always(Rule::new().input_interface(LOOPBACK))
        .chain(exceptions::outbound(&block.policies))
        .chain(exceptions::inbound(&block.policies))
        .chain(clear_in(block))
        // What may pass is counted on its way out.
        .chain(clear_out(&block.required()))
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
        let start = if block.passes_ipsec {
            start.not_to_be_protected()
        } else {
            start
        };
        for (local, remote) in pairs(tunnel, tunnel.any_source) {
            let rule = local
                .map_or(start.clone(), |local| start.clone().source(local))
                .destination(remote);
            let rule = carved_out(tunnel, remote).fold(rule, Rule::not_destination);
            rules.push(stop(rule, tunnel, &counter, OPTIONAL_OUT));
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
        let start = if block.passes_ipsec {
            start.came_unprotected()
        } else {
            start
        };
        for (local, remote) in pairs(tunnel, false) {
            let rule = start.clone().source(remote);
            let rule = local.map_or(rule.clone(), |local| rule.destination(local));
            let rule = carved_out(tunnel, remote).fold(rule, Rule::not_source);
            rules.push(stop(rule, tunnel, &counter, OPTIONAL_IN));
        }
    }
    rules
}

/// Ends a rule: what it matches is stopped, or counted and let pass.
fn stop(rule: Rule, tunnel: &ProtectedTunnel, counter: &str, optional: &str) -> Rule {
    if tunnel.optional {
        rule.count(&format!("{optional}{}", tunnel.name))
    } else {
        rule.count(counter).drop()
    }
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
const LATE: &str = "clear_late";
/// What the gateway itself sends.
const OWN: &str = "own";
const HARMLESS_OUT: &str = "harmless_out";
const HARMLESS_IN: &str = "harmless_in";
const HARMLESS_THROUGH: &str = "harmless_through";
const HARMLESS_LATE: &str = "harmless_late";
/// Chains that others jump to.
const CALLED: [&str; 5] = [
    OWN,
    HARMLESS_OUT,
    HARMLESS_IN,
    HARMLESS_THROUGH,
    HARMLESS_LATE,
];
const CHAINS: [Chain<'static>; 4] = [
    Chain {
        name: LATE,
        kind: ChainKind::Filter,
        hook: Hook::Postrouting,
        // After source NAT, at 100.
        priority: 300,
    },
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
const OPTIONAL_OUT: &str = "optional-out-";
const OPTIONAL_IN: &str = "optional-in-";
const TRANSLATED: &str = "translated-";
/// The counter of our own packets that a route led into a tunnel.
pub(super) const CAUGHT: &str = "caught";
const LOOPBACK: &str = "lo";
const ESP: u8 = 50;
const UDP: u8 = 17;
/// Where the kernel takes ports from that nobody asked for by number.
const EPHEMERAL: (u16, u16) = (32_768, u16::MAX);
