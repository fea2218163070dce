//! Which policies the kernel has to have: a pure function of the configuration and of the SAs that there are.
//!
//! Each child has, for its configured selectors, what holds its traffic back while there is no SA: outwards a template
//! with a number that no SA ever has, so that the kernel reports the packet, inwards a block. An SA puts policies with
//! templates for itself in front of them, for exactly the selectors that were agreed on: the rest stays held back. The order of the configuration decides between
//! children, as in our own data plane.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use adit_esp::ChildName;
use adit_kernel::xfrm::{Direction, PolicyId, Ports, Selector, Template, Verdict};
use adit_model::connection::{Connection, Mode, Protection, Remote};
use adit_model::dataplane::Path;
use adit_model::policy::{Action, Policy};
use adit_model::selector::Selector as Traffic;
use ipnet::IpNet;

/// What the kernel has to have.
pub type Spd = BTreeMap<PolicyId, Wanted>;

/// One policy that it has to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The lowest number goes first.
    pub priority: u32,
    /// What becomes of the packets.
    pub verdict: Verdict,
    /// Whose packets they are.
    pub child: Option<Arc<ChildName>>,
}

/// An SA pair, as far as policies are about it.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Whose it is.
    pub child: &'a Arc<ChildName>,
    /// Our side's traffic.
    pub ts_local: &'a [Traffic],
    /// The peer's side's traffic.
    pub ts_remote: &'a [Traffic],
    /// Tunnel or transport.
    pub mode: Mode,
    /// Outer addresses.
    pub path: &'a Path,
    /// The number of its receiving state, which pairs with the same traffic share.
    pub reqid_in: u32,
    /// The number of its sending state; `None` when there is none any more.
    pub reqid_out: Option<u32>,
    /// Whether it is the one that sends, of pairs with the same traffic.
    pub sends: bool,
    /// The XFRM interface through which its packets go; 0 is none.
    pub if_id: u32,
    /// The network device that does all of it, policies too.
    pub whole: Option<u32>,
}

/// What stands behind everything where no packet filter does: what goes to a remote network from elsewhere than the local
/// ones is stopped, so also what the host's own source NAT gave another source after it had been found to be the tunnel's.
/// A tunnel for everything can't have that.
pub fn close_late(spd: &mut Spd, connections: &[Arc<Connection>]) {
    let required = connections
        .iter()
        .filter(|c| c.protection == Protection::Required && c.interface.is_none());
    let children = || required.clone().flat_map(|c| &c.children);
    let any = |net: IpNet| match net {
        IpNet::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
    };
    let nets = |list: &[Traffic]| list.iter().flat_map(Traffic::nets).collect::<Vec<_>>();
    for child in children() {
        let remote = nets(&child.remote_ts);
        for net in remote.iter().filter(|net| net.prefix_len() > 0) {
            let to = [Selector::between(any(*net), *net)];
            put_all(spd, Direction::Out, &to, LAST, &Verdict::Block, None);
            let inside = |own: &IpNet| own != net && net.contains(own);
            for own in nets(&child.local_ts).into_iter().filter(inside) {
                let to = [Selector::between(any(own), own)];
                put_all(spd, Direction::Out, &to, LAST - 1, &Verdict::Allow, None);
            }
        }
    }
}

/// What `connections` and `policies` need, with `live` pairs. `interfaces` are the numbers of the XFRM interfaces of tunnels
/// that have one. `hold` is the number that holds a child's traffic back; without one nobody is asked for an SA.
pub fn wanted(
    connections: &[Arc<Connection>],
    policies: &[Policy],
    live: &[Live<'_>],
    interfaces: &BTreeMap<String, u32>,
    hold: impl Fn(&str, &str) -> Option<u32>,
) -> Spd {
    let mut spd = Spd::new();
    never_protected(&mut spd, connections);
    merge(&mut spd, 0, exceptions(policies, |_| true));
    let mut rank = CHILDREN;
    let last_giving = last_giving(connections);
    for connection in connections {
        let if_id = interfaces.get(&connection.name).copied().unwrap_or(0);
        if if_id != 0 {
            merge(&mut spd, if_id, nothing_else());
            // Nothing that is led into an interface can pass beside its tunnel.
            let forbidden = exceptions(policies, |action| action == Action::Drop);
            merge(&mut spd, if_id, forbidden);
        }
        for child in &connection.children {
            let name = Arc::new(ChildName {
                connection: connection.name.clone(),
                child: child.name.clone(),
            });
            if if_id == 0 {
                among_own_networks(&mut spd, rank, child);
            }
            for pair in live.iter().filter(|pair| **pair.child == *name) {
                protect(&mut spd, rank, pair);
            }
            // Among children that give addresses out it is who has the address that has the packet.
            let gives = !connection.inner.pools.is_empty();
            let held = if gives { last_giving } else { rank } + HELD;
            let number = hold(&connection.name, &child.name);
            let mut back = Spd::new();
            hold_back(&mut back, held, connection, child, number, &name);
            merge(&mut spd, if_id, back);
            rank += RANKS;
        }
    }
    // What is no longer configured keeps what it has until it is removed.
    for pair in live {
        let configured = connections.iter().any(|c| {
            c.name == pair.child.connection
                && c.children
                    .iter()
                    .any(|child| child.name == pair.child.child)
        });
        if !configured {
            protect(&mut spd, rank, pair);
        }
    }
    spd
}

/// The configured exceptions of one kind, in their order.
fn exceptions(policies: &[Policy], of: impl Fn(Action) -> bool) -> Spd {
    let mut spd = Spd::new();
    for (at, policy) in policies.iter().enumerate().filter(|(_, p)| of(p.action)) {
        let verdict = match policy.action {
            Action::Bypass => Verdict::Allow,
            Action::Drop => Verdict::Block,
        };
        let priority = EXCEPTIONS + u32::try_from(at).unwrap_or(u32::MAX).min(MOST_EXCEPTIONS);
        for (local, remote) in policy.pairs() {
            let out = Selector::of_traffic(&local, &remote);
            let back = Selector::of_traffic(&remote, &local);
            put_all(&mut spd, Direction::Out, &out, priority, &verdict, None);
            for direction in [Direction::In, Direction::Forward] {
                put_all(&mut spd, direction, &back, priority, &verdict, None);
            }
        }
    }
    spd
}

/// What a tunnel with an interface doesn't take of what is led into that: it goes nowhere, and is counted.
fn nothing_else() -> Spd {
    let mut spd = Spd::new();
    let families = [
        IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(ipnet::Ipv6Net::default()),
    ];
    for any in families {
        let all = [Selector::between(any, any)];
        put_all(&mut spd, Direction::Out, &all, LAST, &Verdict::Block, None);
    }
    spd
}

/// Adds what is for the packets of one interface, as [`put_all`] would.
fn merge(spd: &mut Spd, if_id: u32, more: Spd) {
    for (id, wanted) in more {
        put(spd, PolicyId { if_id, ..id }, wanted);
    }
}

/// Policies with templates for a pair of SAs.
fn protect(spd: &mut Spd, rank: u32, pair: &Live<'_>) {
    let mut own = Spd::new();
    put_pair(&mut own, rank, pair);
    merge(spd, pair.if_id, own);
}

fn put_pair(spd: &mut Spd, rank: u32, pair: &Live<'_>) {
    let (ours, theirs) = (pair.path.local.ip(), pair.path.remote.ip());
    let template = |source, destination, reqid| {
        Verdict::Protect(Template {
            source,
            destination,
            reqid,
            mode: pair.mode,
            optional: false,
            offload: pair.whole,
        })
    };
    let priority = rank + if pair.sends { SENDS } else { ALIVE };
    let out = pair.reqid_out.map(|reqid| template(ours, theirs, reqid));
    let back = template(theirs, ours, pair.reqid_in);
    for local in pair.ts_local {
        for remote in pair.ts_remote {
            let child = Some(pair.child);
            let outwards = Selector::of_traffic(local, remote);
            if let Some(out) = &out {
                put_all(spd, Direction::Out, &outwards, priority, out, child);
            }
            let inwards = Selector::of_traffic(remote, local);
            put_all(spd, Direction::In, &inwards, priority, &back, child);
            if pair.mode == Mode::Tunnel {
                // No device forwards: what it has opened comes with a word of that, and isn't asked about.
                let mut back = back.clone();
                if let Verdict::Protect(template) = &mut back {
                    template.offload = None;
                }
                put_all(spd, Direction::Forward, &inwards, priority, &back, child);
            }
        }
    }
}

/// What holds a child's traffic back while there is no SA for it; optional protection lets it pass instead, and still
/// has its packets reported.
fn hold_back(
    spd: &mut Spd,
    priority: u32,
    connection: &Connection,
    child: &adit_model::connection::Child,
    reqid: Option<u32>,
    name: &Arc<ChildName>,
) {
    let optional = connection.protection == Protection::Optional;
    let v6 = |ts: &Traffic| ts.start.is_ipv6();
    for local in &child.local_ts {
        for remote in &child.remote_ts {
            let peer = match connection.remote {
                Remote::Address(address) => Some(address),
                // Where it is, is found out when a packet asks; the kernel wants an address that no SA has.
                Remote::Name(_) => Some(nobody(v6(remote))),
                Remote::Any => None,
            };
            let out = match peer.zip(reqid) {
                Some((destination, reqid)) => Verdict::Protect(Template {
                    source: connection
                        .local
                        .filter(|ours| ours.is_ipv4() == destination.is_ipv4())
                        .unwrap_or(unspecified(destination)),
                    destination,
                    reqid,
                    mode: child.mode,
                    optional,
                    offload: None,
                }),
                None if optional => continue,
                // Nobody to ask: the peer has to come.
                None => Verdict::Block,
            };
            let child = Some(name);
            let outwards = Selector::of_traffic(local, remote);
            put_all(spd, Direction::Out, &outwards, priority, &out, child);
            if optional {
                continue;
            }
            let inwards = Selector::of_traffic(remote, local);
            for direction in [Direction::In, Direction::Forward] {
                put_all(spd, direction, &inwards, priority, &Verdict::Block, child);
            }
        }
    }
}

/// What never belongs to a tunnel although its selectors may take it: finding neighbours, and what never leaves the link.
fn never_protected(spd: &mut Spd, connections: &[Arc<Connection>]) {
    let children = || connections.iter().flat_map(|c| &c.children);
    let any_v6 = IpNet::V6(ipnet::Ipv6Net::default());
    let any_v4 = IpNet::V4(ipnet::Ipv4Net::default());
    let mut allow = |directions: &[Direction], selector: Selector, priority| {
        for direction in directions {
            put_all(
                spd,
                *direction,
                &[selector],
                priority,
                &Verdict::Allow,
                None,
            );
        }
    };
    if children().any(|c| c.remote_ts.iter().any(|ts| ts.start.is_ipv6())) {
        for kind in NEIGHBOURS {
            let mut selector = Selector::between(any_v6, any_v6);
            selector.protocol = ICMPV6;
            selector.source_ports = Ports::one(kind);
            allow(&[Direction::In, Direction::Out], selector, FIRST);
        }
    }
    for scope in LINK_SCOPES {
        let Ok(scope) = scope.parse::<IpNet>() else {
            continue;
        };
        let whole = Traffic::net(scope);
        if children().any(|c| c.remote_ts.iter().any(|ts| ts.contains(&whole))) {
            let any = if scope.addr().is_ipv4() {
                any_v4
            } else {
                any_v6
            };
            allow(&[Direction::Out], Selector::between(any, scope), FIRST);
            allow(&[Direction::In], Selector::between(any, scope), FIRST);
        }
    }
}

/// What stays among our own networks inside a remote one (a tunnel for all addresses). Tunnels that come before it have
/// what is theirs of that all the same.
fn among_own_networks(spd: &mut Spd, rank: u32, child: &adit_model::connection::Child) {
    let inside = |local: &&Traffic| {
        let wider = |remote: &Traffic| remote.contains(local) && remote != *local;
        child.remote_ts.iter().any(wider)
    };
    let own: Vec<&Traffic> = child.local_ts.iter().filter(inside).collect();
    for from in &own {
        for to in &own {
            for selector in Selector::of_traffic(from, to) {
                for direction in Direction::ALL {
                    put_all(spd, direction, &[selector], rank, &Verdict::Allow, None);
                }
            }
        }
    }
}

/// The rank of the last child whose tunnel gives addresses.
fn last_giving(connections: &[Arc<Connection>]) -> u32 {
    let mut rank = CHILDREN;
    let mut last = CHILDREN;
    for connection in connections {
        for _ in &connection.children {
            if !connection.inner.pools.is_empty() {
                last = rank;
            }
            rank += RANKS;
        }
    }
    last
}

/// One policy per direction and selector: the one that would be asked first, and of equals the last.
fn put_all(
    spd: &mut Spd,
    direction: Direction,
    selectors: &[Selector],
    priority: u32,
    verdict: &Verdict,
    child: Option<&Arc<ChildName>>,
) {
    for selector in selectors {
        let id = PolicyId {
            direction,
            selector: *selector,
            if_id: 0,
        };
        let wanted = Wanted {
            priority,
            verdict: verdict.clone(),
            child: child.cloned(),
        };
        put(spd, id, wanted);
    }
}

/// One policy: the one that would be asked first, and of equals the last.
fn put(spd: &mut Spd, id: PolicyId, wanted: Wanted) {
    if spd
        .get(&id)
        .is_none_or(|known| known.priority >= wanted.priority)
    {
        spd.insert(id, wanted);
    }
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// An address of documentation (RFC 5737, RFC 3849).
fn nobody(v6: bool) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xad17, 0, 0, 0, 0, 1).into()
    } else {
        Ipv4Addr::new(192, 0, 2, 1).into()
    }
}

/// Before everything else.
const FIRST: u32 = 1000;
const EXCEPTIONS: u32 = 1001;
const MOST_EXCEPTIONS: u32 = 7000;
const CHILDREN: u32 = 10_000;
/// Priorities of one child, of which the first is for what stays among our own networks.
const RANKS: u32 = 4;
/// The pair that sends.
const SENDS: u32 = 1;
/// Pairs with other selectors that haven't ended yet.
const ALIVE: u32 = 2;
/// What holds back.
const HELD: u32 = 3;
/// Behind everything else.
const LAST: u32 = 0x7fff_ffff;
/// Router and neighbour solicitation and advertisement, and redirect (RFC 4861).
const NEIGHBOURS: [u16; 5] = [133, 134, 135, 136, 137];
const ICMPV6: u8 = 58;
/// Destinations that never leave the link.
const LINK_SCOPES: [&str; 5] = [
    "224.0.0.0/24",
    "255.255.255.255/32",
    "fe80::/10",
    "ff01::/16",
    "ff02::/16",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;

    fn tunnel(name: &str, local: &str, remote: &str) -> Arc<Connection> {
        let mut connection = sample::connection(name);
        connection.remote = Remote::Address("192.0.2.2".parse().unwrap());
        connection.children[0].local_ts = vec![local.parse().unwrap()];
        connection.children[0].remote_ts = vec![remote.parse().unwrap()];
        Arc::new(connection)
    }

    fn name(connection: &str) -> Arc<ChildName> {
        Arc::new(ChildName {
            connection: connection.to_owned(),
            child: "lan".to_owned(),
        })
    }

    /// The verdict about what goes from one host to the other.
    fn verdict(spd: &Spd, direction: Direction, from: &str, to: &str) -> Option<Verdict> {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let takes = |id: &PolicyId| {
            let s = &id.selector;
            id.direction == direction
                && s.protocol == 0
                && s.source.contains(&from)
                && s.destination.contains(&to)
        };
        spd.iter()
            .filter(|(id, _)| takes(id))
            .min_by_key(|(_, wanted)| wanted.priority)
            .map(|(_, wanted)| wanted.verdict.clone())
    }

    fn path() -> Path {
        Path {
            local: "192.0.2.1:500".parse().unwrap(),
            remote: "192.0.2.2:500".parse().unwrap(),
            udp_encap: false,
        }
    }

    fn reqid_of(verdict: Option<Verdict>) -> Option<u32> {
        match verdict {
            Some(Verdict::Protect(template)) => Some(template.reqid),
            _ => None,
        }
    }

    #[test]
    fn without_an_sa_traffic_is_asked_for_outwards_and_blocked_inwards() {
        let spd = wanted(
            &[tunnel("a", "10.1.0.0/16", "10.2.0.0/16")],
            &[],
            &[],
            &BTreeMap::new(),
            |_, _| Some(7),
        );
        let out = verdict(&spd, Direction::Out, "10.1.0.9", "10.2.0.9");
        assert_eq!(reqid_of(out), Some(7));
        for direction in [Direction::In, Direction::Forward] {
            let back = verdict(&spd, direction, "10.2.0.9", "10.1.0.9");
            assert_eq!(back, Some(Verdict::Block));
        }
        assert_eq!(verdict(&spd, Direction::Out, "10.1.0.9", "10.3.0.9"), None);
    }

    #[test]
    fn an_sa_goes_before_what_holds_back_and_only_for_its_own_selectors() {
        let tunnels = [tunnel("a", "10.1.0.0/16", "10.2.0.0/16")];
        let (local, remote) = (
            ["10.1.0.0/24".parse().unwrap()],
            ["10.2.0.0/24".parse().unwrap()],
        );
        let (child, path) = (name("a"), path());
        let live = Live {
            child: &child,
            ts_local: &local,
            ts_remote: &remote,
            mode: Mode::Tunnel,
            path: &path,
            reqid_in: 9,
            reqid_out: Some(8),
            sends: true,
            if_id: 0,
            whole: None,
        };
        let spd = wanted(&tunnels, &[], &[live], &BTreeMap::new(), |_, _| Some(7));
        let out = |to| reqid_of(verdict(&spd, Direction::Out, "10.1.0.9", to));
        assert_eq!((out("10.2.0.9"), out("10.2.9.9")), (Some(8), Some(7)));
        let back = verdict(&spd, Direction::Forward, "10.2.0.9", "10.1.0.9");
        assert_eq!(reqid_of(back), Some(9));
        let back = verdict(&spd, Direction::Forward, "10.2.9.9", "10.1.0.9");
        assert_eq!(back, Some(Verdict::Block));
        // A device that does all of it has to know the policies, but for what is forwarded.
        let whole = Live {
            whole: Some(3),
            ..live
        };
        let spd = wanted(&tunnels, &[], &[whole], &BTreeMap::new(), |_, _| Some(7));
        let device = |direction, from, to| match verdict(&spd, direction, from, to) {
            Some(Verdict::Protect(template)) => template.offload,
            other => panic!("{other:?}"),
        };
        assert_eq!(device(Direction::Out, "10.1.0.9", "10.2.0.9"), Some(3));
        assert_eq!(device(Direction::In, "10.2.0.9", "10.1.0.9"), Some(3));
        assert_eq!(device(Direction::Forward, "10.2.0.9", "10.1.0.9"), None);
        assert_eq!(device(Direction::Out, "10.1.0.9", "10.2.9.9"), None);
    }

    #[test]
    fn pairs_of_one_child_that_differ_each_carry_what_was_agreed_and_the_sender_goes_first() {
        let tunnels = [tunnel("a", "10.1.0.0/16", "10.2.0.0/16")];
        let of = |net: &str| [net.parse::<Traffic>().unwrap()];
        let (local, wide, narrow) = (of("10.1.0.0/16"), of("10.2.0.0/24"), of("10.2.0.0/25"));
        let (child, path) = (name("a"), path());
        let live = |ts_remote, out, sends| Live {
            child: &child,
            ts_local: &local,
            ts_remote,
            mode: Mode::Tunnel,
            path: &path,
            reqid_in: 9,
            reqid_out: out,
            sends,
            if_id: 0,
            whole: None,
        };
        let both = [live(&wide, Some(8), false), live(&narrow, Some(10), true)];
        let spd = wanted(&tunnels, &[], &both, &BTreeMap::new(), |_, _| Some(7));
        let out = |spd: &Spd, to: &str| reqid_of(verdict(spd, Direction::Out, "10.1.0.9", to));
        let all = ["10.2.0.9", "10.2.0.200", "10.2.1.9"].map(|to| out(&spd, to));
        assert_eq!(all, [Some(10), Some(8), Some(7)]);
        // With the same selectors there is one policy, and it is the sender's.
        for order in [[0, 1], [1, 0]] {
            let pairs = [live(&wide, Some(8), true), live(&wide, Some(10), false)];
            let pairs = order.map(|at: usize| pairs[at]);
            let spd = wanted(&tunnels, &[], &pairs, &BTreeMap::new(), |_, _| Some(7));
            assert_eq!(out(&spd, "10.2.0.9"), Some(8));
        }
        // What has no sending state any more is asked for.
        let spd = wanted(
            &tunnels,
            &[],
            &[live(&wide, None, true)],
            &BTreeMap::new(),
            |_, _| Some(7),
        );
        assert_eq!(out(&spd, "10.2.0.9"), Some(7));
        let back = verdict(&spd, Direction::In, "10.2.0.9", "10.1.0.9");
        assert_eq!(reqid_of(back), Some(9));
        // And where nobody answers, nothing is asked.
        let spd = wanted(&tunnels, &[], &[], &BTreeMap::new(), |_, _| None);
        let held = verdict(&spd, Direction::Out, "10.1.0.9", "10.2.0.9");
        assert_eq!(held, Some(Verdict::Block));
    }

    #[test]
    fn a_tunnel_before_one_for_everything_has_its_own_also_between_our_networks() {
        let branch = tunnel("a", "10.1.0.0/24", "10.1.9.0/24");
        let all = tunnel("b", "10.1.0.0/16", "0.0.0.0/0");
        let between = |tunnels: &[Arc<Connection>]| {
            let spd = wanted(tunnels, &[], &[], &BTreeMap::new(), |_, _| Some(7));
            reqid_of(verdict(&spd, Direction::Out, "10.1.0.9", "10.1.9.9"))
        };
        assert_eq!(between(&[Arc::clone(&branch), Arc::clone(&all)]), Some(7));
        assert_eq!(between(&[all, branch]), None, "the first that takes it");
    }

    #[test]
    fn without_a_packet_filter_nothing_goes_to_a_remote_network_from_elsewhere() {
        let tunnels = [
            tunnel("a", "10.1.0.0/16", "10.0.0.0/8"),
            tunnel("b", "10.1.0.0/16", "0.0.0.0/0"),
        ];
        let mut spd = wanted(&tunnels[..1], &[], &[], &BTreeMap::new(), |_, _| Some(7));
        close_late(&mut spd, &tunnels);
        let out = |from, to| verdict(&spd, Direction::Out, from, to);
        assert_eq!(reqid_of(out("10.1.0.9", "10.2.0.9")), Some(7));
        assert_eq!(out("192.0.2.1", "10.2.0.9"), Some(Verdict::Block));
        assert_eq!(out("192.0.2.1", "10.1.0.9"), Some(Verdict::Allow));
        assert_eq!(out("192.0.2.1", "198.51.100.1"), None);
    }

    #[test]
    fn the_first_tunnel_of_the_configuration_has_what_two_would_take() {
        let tunnels = [
            tunnel("a", "10.1.0.0/16", "10.2.0.0/16"),
            tunnel("b", "10.1.0.0/16", "10.0.0.0/8"),
        ];
        let number = |connection: &str, _: &str| Some(if connection == "a" { 1 } else { 2 });
        let spd = wanted(&tunnels, &[], &[], &BTreeMap::new(), number);
        let out = |to| reqid_of(verdict(&spd, Direction::Out, "10.1.0.9", to));
        assert_eq!((out("10.2.0.9"), out("10.3.0.9")), (Some(1), Some(2)));
    }

    #[test]
    fn policies_go_before_tunnels_in_their_order() {
        let policy = |name: &str, action, remote: &str| Policy {
            name: name.to_owned(),
            action,
            local: vec!["10.1.0.0/16".parse().unwrap()],
            remote: vec![remote.parse().unwrap()],
        };
        let policies = [
            policy("one", Action::Bypass, "10.2.0.1/32"),
            policy("rest", Action::Drop, "10.2.0.0/24"),
        ];
        let spd = wanted(
            &[tunnel("a", "10.1.0.0/16", "10.2.0.0/16")],
            &policies,
            &[],
            &BTreeMap::new(),
            |_, _| Some(7),
        );
        let out = |to| verdict(&spd, Direction::Out, "10.1.0.9", to);
        assert_eq!(out("10.2.0.1"), Some(Verdict::Allow));
        assert_eq!(out("10.2.0.2"), Some(Verdict::Block));
        assert_eq!(reqid_of(out("10.2.1.2")), Some(7));
    }

    #[test]
    fn a_tunnel_for_everything_leaves_our_own_network_and_the_link_alone() {
        let spd = wanted(
            &[tunnel("a", "10.1.0.0/16", "0.0.0.0/0")],
            &[],
            &[],
            &BTreeMap::new(),
            |_, _| Some(7),
        );
        for direction in Direction::ALL {
            let own = verdict(&spd, direction, "10.1.0.9", "10.1.0.1");
            assert_eq!(own, Some(Verdict::Allow));
        }
        let group = verdict(&spd, Direction::Out, "10.1.0.9", "224.0.0.5");
        assert_eq!(group, Some(Verdict::Allow));
        let far = verdict(&spd, Direction::Out, "10.1.0.9", "198.51.100.1");
        assert_eq!(reqid_of(far), Some(7));
        let clear = verdict(&spd, Direction::In, "198.51.100.1", "10.1.0.9");
        assert_eq!(clear, Some(Verdict::Block));
    }

    #[test]
    fn who_has_the_address_has_the_packet_where_several_tunnels_give_addresses() {
        let giving = |name: &str| {
            let mut connection = Connection::clone(&tunnel(name, "10.1.0.0/16", "10.3.0.0/24"));
            connection.remote = Remote::Any;
            connection.inner.pools = vec!["guests".to_owned()];
            Arc::new(connection)
        };
        let tunnels = [giving("a"), giving("b")];
        let (local, remote) = (
            ["10.1.0.0/16".parse().unwrap()],
            ["10.3.0.7/32".parse().unwrap()],
        );
        let (child, path) = (name("b"), path());
        let live = Live {
            child: &child,
            ts_local: &local,
            ts_remote: &remote,
            mode: Mode::Tunnel,
            path: &path,
            reqid_in: 9,
            reqid_out: Some(8),
            sends: true,
            if_id: 0,
            whole: None,
        };
        let spd = wanted(&tunnels, &[], &[live], &BTreeMap::new(), |_, _| Some(7));
        let out = |to| verdict(&spd, Direction::Out, "10.1.0.9", to);
        assert_eq!(reqid_of(out("10.3.0.7")), Some(8));
        // Nobody to ask.
        assert_eq!(out("10.3.0.8"), Some(Verdict::Block));
    }

    #[test]
    fn what_is_optional_passes_and_is_asked_for() {
        let mut connection = Connection::clone(&tunnel("a", "10.1.0.0/16", "10.2.0.0/16"));
        connection.protection = Protection::Optional;
        let spd = wanted(
            &[Arc::new(connection)],
            &[],
            &[],
            &BTreeMap::new(),
            |_, _| Some(7),
        );
        assert_eq!(verdict(&spd, Direction::In, "10.2.0.9", "10.1.0.9"), None);
        let out = verdict(&spd, Direction::Out, "10.1.0.9", "10.2.0.9");
        assert!(matches!(out, Some(Verdict::Protect(t)) if t.optional));
    }
}
