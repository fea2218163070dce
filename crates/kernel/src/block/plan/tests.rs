#![allow(clippy::unwrap_used)]
use std::net::UdpSocket;
use std::os::fd::AsFd;

use adit_model::policy::Policy;

use super::*;
use crate::netlink::{Route, VethEnd};
use crate::{NetNs, Netlink, PingOptions, PingOutcome, closed, filter, ping};

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
    let all = ProtectedTunnel::new("all", nets(&["10.1.0.0/16"]), nets(&["0.0.0.0/0"]), "adit0");
    assert!(!all.any_source);
    assert_eq!(carved_out(&all, all.remote[0]).count(), 1);
    // A remote network inside a local one stays protected.
    let inside = ProtectedTunnel::new("in", nets(&["10.0.0.0/8"]), nets(&["10.2.0.0/16"]), "adit0");
    assert_eq!(carved_out(&inside, inside.remote[0]).count(), 0);
}

/// A host with the address 10.1.0.1 that masquerades towards another one, which answers for 10.2.0.1. Here the kernel
/// needn't have ESP: without it every packet looks as if it had lost its protection, so that the rules that come
/// after translation are tried alone.
struct Hidden {
    host: NetNs,
    world: NetNs,
}

impl Hidden {
    /// `None` where that isn't permitted.
    fn new() -> Option<Self> {
        if !closed::can_administer() {
            eprintln!("skipped: rules after source NAT: no CAP_NET_ADMIN");
            return None;
        }
        let (host, world) = (NetNs::create().unwrap(), NetNs::create().unwrap());
        let end = |name, ns: &NetNs, add: &mut dyn FnMut(VethEnd<'_>)| {
            add(VethEnd {
                name,
                namespace: Some(ns.as_fd()),
            });
        };
        end("wan", &host, &mut |near| {
            end("eth0", &world, &mut |far| {
                Netlink::open().unwrap().add_veth(near, far).unwrap();
            });
        });
        let set_up = |ns: &NetNs, device: &str, outside: &str, inside: &str, via: &str| {
            let body = || {
                let mut netlink = Netlink::open().unwrap();
                let index = netlink.link(device).unwrap().index;
                netlink.set_link_up(1, true).unwrap();
                netlink.set_link_up(index, true).unwrap();
                netlink.add_address(1, inside.parse().unwrap()).unwrap();
                netlink
                    .add_address(index, outside.parse().unwrap())
                    .unwrap();
                let wait = std::time::Duration::from_secs(5);
                netlink.wait_until_ready(index, wait).unwrap();
                let route = Route::to_gateway("0.0.0.0/0".parse().unwrap(), via.parse().unwrap());
                netlink.add_route(&route).unwrap();
            };
            ns.run(body).unwrap();
        };
        // The near end needs the far one to be up.
        let far = || Netlink::open().unwrap().link("eth0").unwrap().index;
        let far = world.run(far).unwrap();
        let rise = || Netlink::open().unwrap().set_link_up(far, true).unwrap();
        world.run(rise).unwrap();
        set_up(&host, "wan", "192.0.2.1/24", "10.1.0.1/32", "192.0.2.2");
        set_up(&world, "eth0", "192.0.2.2/24", "10.2.0.1/32", "192.0.2.1");
        host.run(|| filter::masquerade("hide", "wan").unwrap())
            .unwrap();
        Some(Self { host, world })
    }

    /// The block of a tunnel between two networks, and nothing but what of it comes after translation.
    fn install(&self, (local, remote): (&str, &str), policies: &[Policy]) {
        let mut block = PolicyBlock::new("late");
        block.passes_ipsec = true;
        let tunnel = ProtectedTunnel::new("office", nets(&[local]), nets(&[remote]), "adit0");
        block.tunnels.push(tunnel);
        block.policies = policies.to_vec();
        let install = || {
            let mut batch = Batch::new("late");
            batch.create_table();
            batch.delete_table();
            batch.create_table();
            batch.chain(CHAINS[0]);
            batch.called_chain(HARMLESS_LATE);
            batch.counter("translated-office");
            for policy in &block.policies {
                batch.counter(&exceptions::counter(policy));
            }
            for (chain, rules) in chains(&block) {
                if [LATE, HARMLESS_LATE].contains(&chain) {
                    rules.iter().for_each(|rule| batch.rule(chain, rule));
                }
            }
            batch.commit("try the rules after translation in").unwrap();
        };
        self.host.run(install).unwrap();
    }

    /// Whether a ping from 10.1.0.1 is answered.
    fn passes(&self) -> bool {
        let options = PingOptions {
            source: Some("10.1.0.1".parse().unwrap()),
            timeout: std::time::Duration::from_millis(300),
            ..PingOptions::default()
        };
        let answer = || ping("10.2.0.1".parse().unwrap(), &options);
        matches!(
            self.host.run(answer).unwrap(),
            Ok(PingOutcome::Reply { .. })
        )
    }
}

fn policy(action: Action, local: &str) -> Policy {
    Policy {
        name: "exception".to_owned(),
        action,
        local: vec![local.parse().unwrap()],
        remote: vec!["10.2.0.0/16".parse().unwrap()],
    }
}

#[test]
fn rules_after_translation_know_where_packets_came_from() {
    let Some(hidden) = Hidden::new() else {
        return;
    };
    for (local, remote, stopped) in [
        ("10.1.0.0/16", "10.2.0.0/16", true),
        ("10.1.0.0/16", "0.0.0.0/0", true),
        ("10.9.0.0/16", "0.0.0.0/0", false),
    ] {
        let gone = hidden.host.run(|| nft::delete_table("late").map(drop));
        assert!(gone.is_ok());
        assert!(hidden.passes());
        hidden.install((local, remote), &[]);
        assert_eq!(hidden.passes(), !stopped, "{local} {remote}");
        let counters = || by_tunnel(nft::read_counters("late").unwrap());
        let counted = hidden.host.run(counters).unwrap();
        assert_eq!(
            counted[0].translated.packets,
            u64::from(stopped),
            "{local} {remote}"
        );
    }
}

#[test]
fn a_policy_for_the_translated_source_opens_nothing_and_stops_nothing() {
    let Some(hidden) = Hidden::new() else {
        return;
    };
    let tunnel = ("10.1.0.0/16", "10.2.0.0/16");
    let (inside, outside) = ("10.1.0.0/24", "192.0.2.1/32");
    hidden.install(tunnel, &[policy(Action::Bypass, outside)]);
    assert!(!hidden.passes(), "it came from inside");
    hidden.install(tunnel, &[policy(Action::Bypass, inside)]);
    assert!(hidden.passes());
    let both = [
        policy(Action::Drop, outside),
        policy(Action::Bypass, inside),
    ];
    hidden.install(tunnel, &both);
    assert!(hidden.passes(), "what is dropped came from elsewhere");
}

#[test]
fn what_is_not_tracked_bypasses_with_the_source_that_it_shows() {
    let Some(hidden) = Hidden::new() else {
        return;
    };
    let ignore = || {
        let mut batch = Batch::new("ignore");
        batch.create_table();
        for (name, hook) in [("out", Hook::Output), ("in", Hook::Prerouting)] {
            batch.chain(Chain {
                name,
                kind: ChainKind::Filter,
                hook,
                // Before connection tracking.
                priority: -300,
            });
            batch.rule(name, &Rule::new().no_track());
        }
        batch.commit("keep connection tracking off in").unwrap();
    };
    hidden.host.run(ignore).unwrap();
    let tunnel = ("10.1.0.0/16", "10.2.0.0/16");
    hidden.install(tunnel, &[policy(Action::Bypass, "10.1.0.0/24")]);
    assert!(hidden.passes());
    hidden.install(tunnel, &[policy(Action::Bypass, "10.1.9.0/24")]);
    assert!(!hidden.passes());
}

#[test]
fn a_bypass_for_a_local_port_is_for_that_port_both_ways() {
    let Some(hidden) = Hidden::new() else {
        return;
    };
    let bind = |ns: &NetNs, at: &str| {
        let socket = ns.run(|| UdpSocket::bind(at)).unwrap().unwrap();
        let wait = std::time::Duration::from_millis(300);
        socket.set_read_timeout(Some(wait)).unwrap();
        socket
    };
    let tunnel = ("10.1.0.0/16", "10.2.0.0/16");
    hidden.install(tunnel, &[policy(Action::Bypass, "10.1.0.0/16[udp/22]")]);
    for (port, passes) in [(22, true), (23, false)] {
        let ours = bind(&hidden.host, &format!("10.1.0.1:{port}"));
        let theirs = bind(&hidden.world, &format!("10.2.0.1:{}", 7000 + port));
        let mut read = [0; 8];
        let sent = ours.send_to(b"ours", theirs.local_addr().unwrap());
        assert_eq!(sent.is_ok(), passes, "{port}: {sent:?}");
        assert_eq!(theirs.recv(&mut read).is_ok(), passes, "{port}");

        let asks = bind(&hidden.world, &format!("10.2.0.1:{}", 8000 + port));
        asks.send_to(b"asks", ours.local_addr().unwrap()).unwrap();
        let (_, from) = ours.recv_from(&mut read).unwrap();
        let answered = ours.send_to(b"ours", from);
        assert_eq!(answered.is_ok(), passes, "{port}: {answered:?}");
        assert_eq!(asks.recv(&mut read).is_ok(), passes, "{port}");
    }
}

#[test]
fn packets_come_by_after_translation_only_where_there_are_rules() {
    if !closed::can_administer() {
        eprintln!("skipped: chains of the block: no CAP_NET_ADMIN");
        return;
    }
    let body = || {
        let mut block = PolicyBlock::new("adit");
        let tunnel = ProtectedTunnel::new("office", vec![], nets(&["10.2.0.0/16"]), "adit0");
        block.tunnels.push(tunnel);
        for passes_ipsec in [false, true, false, false] {
            block.passes_ipsec = passes_ipsec;
            install(&block).unwrap();
            assert!(crate::block::is_whole(&block).unwrap());
            let chains = crate::ruleset::read().unwrap().chains;
            let is_there = chains.iter().any(|chain| chain.name == LATE);
            assert_eq!(is_there, passes_ipsec);
            let bases = chains.iter().filter(|chain| chain.base.is_some());
            assert!(bases.clone().all(|chain| !chain.rules.is_empty()));
        }
    };
    NetNs::create().unwrap().run(body).unwrap();
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
