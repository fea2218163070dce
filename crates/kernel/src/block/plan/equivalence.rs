//! The chains as they are against the same rules as plain lists, exceptions first: both have to make the same of every
//! packet, and count the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::net::IpAddr;

use adit_model::policy::Policy;

use super::*;
use crate::nft::played::{Outcome, Packet, Tracked, play};

/// Each chain as one list without jumps: in the order in which the block is described.
fn plain(block: &PolicyBlock) -> Vec<(&'static str, Vec<Rule>)> {
    vec![
        (OUT, plain_outbound(block)),
        (IN, plain_inbound(block)),
        (THROUGH, through(block)),
        (LATE, after_translation(block)),
    ]
}

fn plain_outbound(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules = Vec::new();
    for device in devices(block) {
        let into = Rule::new().marked(OWN_MARK).output_interface(&device);
        rules.push(into.count(CAUGHT).drop());
    }
    rules.extend(always(Rule::new().output_interface(LOOPBACK)));
    rules.extend(own_path(&Rule::new().marked(OWN_MARK), &block.ike_ports));
    for peer in &block.peers {
        let peer = Rule::new().destination(IpNet::from(*peer));
        rules.extend(own_path(&peer, &block.ike_ports));
    }
    rules.extend(exceptions::outbound(&block.policies));
    rules.extend(clear_out(block));
    rules
}

fn plain_inbound(block: &PolicyBlock) -> Vec<Rule> {
    let mut rules: Vec<Rule> = always(Rule::new().input_interface(LOOPBACK)).collect();
    rules.push(Rule::new().protocol(ESP).accept());
    for port in &block.own_ports {
        rules.push(Rule::new().udp_destination(*port).accept());
    }
    rules.extend(path_errors(&block.own_ports));
    for peer in &block.peers {
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

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())].clone()
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    fn some<T: Clone>(&mut self, list: &[T], most: usize) -> Vec<T> {
        (0..self.roll(most + 1)).map(|_| self.of(list)).collect()
    }
}

const DEVICES: [&str; 6] = ["adit0", "adit1", "adit10", "wan", "lan", LOOPBACK];
const TUNNEL_DEVICES: [&str; 2] = ["adit0", "adit1"];
const PORTS: [u16; 10] = [500, 4500, 4501, 22, 53, 0, 32_767, 32_768, 40_000, u16::MAX];
const PROTOCOLS: [u8; 7] = [6, 17, 17, ESP, 1, 58, 132];
const NETS: [&str; 10] = [
    "10.1.0.0/16",
    "10.2.0.0/16",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "192.0.2.2/32",
    "192.0.2.1/32",
    "2001:db8:1::/48",
    "2001:db8:2::/48",
    "::/0",
    "224.0.0.0/4",
];
const ADDRESSES_V4: [&str; 10] = [
    "10.1.0.1",
    "10.1.0.2",
    "10.2.0.1",
    "10.9.0.1",
    "192.0.2.1",
    "192.0.2.2",
    "198.51.100.1",
    "224.0.0.5",
    "224.0.1.5",
    "255.255.255.255",
];
const ADDRESSES_V6: [&str; 10] = [
    "2001:db8:1::1",
    "2001:db8:1::2",
    "2001:db8:2::1",
    "2001:db8:99::1",
    "2001:db8:99::2",
    "2001:db8:77::7",
    "fe80::1",
    "ff01::1",
    "ff02::1",
    "ff05::2",
];
const SELECTORS: [(&str, &str); 7] = [
    ("10.1.0.0/24", "10.2.0.0/16"),
    ("10.1.0.0/16[tcp/22]", "10.2.0.0/16"),
    ("10.1.0.0/16", "10.2.0.0/16[udp/53]"),
    ("0.0.0.0/0", "10.2.0.0/16"),
    ("0.0.0.0/0", "224.0.0.0/4"),
    ("2001:db8:1::/48", "2001:db8:2::/48[tcp]"),
    ("192.0.2.1/32", "192.0.2.2/32"),
];

fn block(dice: &mut Dice) -> PolicyBlock {
    let mut block = PolicyBlock::new("adit");
    let nets = NETS.map(|net| net.parse::<IpNet>().unwrap());
    for number in 0..dice.roll(5) {
        let [local, remote] = [(); 2].map(|()| dice.some(&nets, 3));
        let device = dice.of(&TUNNEL_DEVICES);
        let mut tunnel = ProtectedTunnel::new(format!("t{number}"), local, remote, device);
        match dice.roll(6) {
            0 => tunnel.devices.clear(),
            1 => tunnel.devices = TUNNEL_DEVICES.map(str::to_owned).to_vec(),
            // Mostly all share one.
            2..5 => tunnel.devices = vec!["adit0".to_owned()],
            _ => {}
        }
        tunnel.optional = dice.once_in(4);
        tunnel.any_source ^= dice.once_in(4);
        block.tunnels.push(tunnel);
    }
    for peer in ["192.0.2.2", "2001:db8:99::2", "10.2.0.1"] {
        if dice.once_in(2) {
            block.peers.push(peer.parse().unwrap());
        }
    }
    for number in 0..dice.roll(3) {
        let (local, remote) = dice.of(&SELECTORS);
        block.policies.push(Policy {
            name: format!("p{number}"),
            action: dice.of(&[Action::Bypass, Action::Drop]),
            local: vec![local.parse().unwrap()],
            remote: vec![remote.parse().unwrap()],
        });
    }
    match dice.roll(4) {
        0 => block.ike_ports.push(4501),
        1 => block.own_ports = vec![4501, 22],
        _ => {}
    }
    block.passes_ipsec = dice.once_in(3);
    block
}

fn packet(dice: &mut Dice) -> Packet {
    let v6 = dice.once_in(2);
    let addresses = if v6 { ADDRESSES_V6 } else { ADDRESSES_V4 };
    let [source, destination] = [(); 2].map(|()| dice.of(&addresses).parse::<IpAddr>().unwrap());
    let protocol = dice.of(&PROTOCOLS);
    let mut transport = vec![0_u8; 48];
    if matches!(protocol, 1 | 58) {
        transport[0] = dice.of(&[0, 1, 2, 3, 4, 8, 11, 12, 128, 132, 133, 135, 137, 138]);
        // What an error quotes: its protocol, and the port that it came from.
        let (next_header, payload) = if protocol == 1 { (17, 28) } else { (14, 48) };
        transport.resize(payload + 8, 0);
        transport[next_header] = dice.of(&PROTOCOLS);
        transport[payload..payload + 2].copy_from_slice(&dice.of(&PORTS).to_be_bytes());
    } else {
        for at in [0, 2] {
            transport[at..at + 2].copy_from_slice(&dice.of(&PORTS).to_be_bytes());
        }
    }
    if dice.once_in(20) {
        transport.truncate(dice.roll(4));
    }
    let hops = dice.of(&[1, 64, 255]);
    let network = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let start = [0x45, 0, 0, 0, 0, 0, 0, 0, hops, protocol, 0, 0];
            [&start[..], &source.octets(), &destination.octets()].concat()
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let start = [0x60, 0, 0, 0, 0, 0, protocol, hops];
            [&start[..], &source.octets(), &destination.octets()].concat()
        }
        _ => unreachable!(),
    };
    let tracked = Tracked {
        direction: u8::from(dice.once_in(2)),
        sources: [(); 2].map(|()| (dice.of(&addresses).parse().unwrap(), dice.of(&PORTS))),
    };
    Packet {
        mark: dice.of(&[0, OWN_MARK, OWN_MARK, 7]),
        input: dice
            .of(&["", "adit0", "adit1", "adit10", "wan", "lan", LOOPBACK])
            .to_owned(),
        output: dice.of(&DEVICES).to_owned(),
        v6,
        protocol,
        network,
        transport,
        to_be_protected: dice.once_in(3),
        came_protected: dice.once_in(3),
        tracked: (!dice.once_in(4)).then_some(tracked),
    }
}

#[test]
fn every_packet_fares_and_counts_as_in_the_plain_lists() {
    let mut dice = Dice(1);
    let (mut dropped, mut counted, mut passed) = ([0_u32; 4], [0_u32; 4], [0_u32; 4]);
    for _ in 0..2_000 {
        let block = block(&mut dice);
        let (plain, real) = (plain(&block), chains(&block));
        for _ in 0..100 {
            let packet = packet(&mut dice);
            for (at, chain) in [OUT, IN, THROUGH, LATE].into_iter().enumerate() {
                let [expected, found] = [&plain, &real].map(|p| play(p, chain, &packet));
                let what = |outcome: &Outcome| (outcome.dropped, outcome.counted.clone());
                assert_eq!(
                    what(&found),
                    what(&expected),
                    "{chain}: {packet:?} in {block:?}"
                );
                dropped[at] += u32::from(found.dropped);
                counted[at] += u32::from(!found.counted.is_empty() && !found.dropped);
                passed[at] += u32::from(!found.dropped);
            }
        }
    }
    // Each chain has had something to decide.
    assert!(dropped.iter().all(|n| *n > 1_000), "{dropped:?}");
    assert!(passed.iter().all(|n| *n > 1_000), "{passed:?}");
    assert!(counted[..3].iter().all(|n| *n > 1_000), "{counted:?}");
}

/// A rule that is left out of what is asked first would let packets through: so it is noticed.
#[test]
fn the_comparison_notices_a_rule_that_is_not_asked() {
    let mut dice = Dice(2);
    let noticed = (0..200).any(|_| {
        let block = block(&mut dice);
        let (plain, mut real) = (plain(&block), chains(&block));
        for (_, rules) in real.iter_mut().filter(|(name, _)| *name == HARMLESS_OUT) {
            rules.remove(0);
        }
        (0..100).any(|_| {
            let packet = packet(&mut dice);
            play(&plain, OUT, &packet).dropped != play(&real, OUT, &packet).dropped
        })
    });
    assert!(noticed);
}

/// Of one tunnel between two networks: what its packets, and theirs in UDP, walk.
#[test]
fn packets_of_a_tunnel_walk_few_rules() {
    let nets = |net: &str| vec![net.parse().unwrap()];
    let mut block = PolicyBlock::new("adit");
    let tunnel = ProtectedTunnel::new("office", nets("10.1.0.0/16"), nets("10.2.0.0/16"), "adit0");
    block.tunnels.push(tunnel);
    block.peers.push("192.0.2.2".parse().unwrap());
    let packet =
        |mark, (input, output): (&str, &str), from: &str, to: &str, protocol, port: u16| {
            let [from, to] =
                [from, to].map(|at| at.parse::<std::net::Ipv4Addr>().unwrap().octets());
            let start = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
            Packet {
                mark,
                input: input.to_owned(),
                output: output.to_owned(),
                v6: false,
                protocol,
                network: [&start[..], &from, &to].concat(),
                transport: [port.to_be_bytes(), port.to_be_bytes(), [0; 2], [0; 2]].concat(),
                to_be_protected: false,
                came_protected: false,
                tracked: None,
            }
        };
    let outward = packet(0, ("lan", "adit0"), "10.1.0.2", "10.2.0.2", 6, 5201);
    let inward = packet(0, ("adit0", "lan"), "10.2.0.2", "10.1.0.2", 6, 5201);
    let sealed = packet(OWN_MARK, ("", "wan"), "192.0.2.1", "192.0.2.2", UDP, 4500);
    let sealed_esp = packet(OWN_MARK, ("", "wan"), "192.0.2.1", "192.0.2.2", ESP, 0);
    let came = packet(0, ("wan", ""), "192.0.2.2", "192.0.2.1", UDP, 4500);
    let came_esp = packet(0, ("wan", ""), "192.0.2.2", "192.0.2.1", ESP, 0);
    let (plain, real) = (plain(&block), chains(&block));
    for (chain, packet, before, now) in [
        (THROUGH, &outward, 9, 4),
        (OUT, &outward, 19, 4),
        (OUT, &sealed, 12, 3),
        (OUT, &sealed_esp, 9, 5),
        (IN, &came, 10, 1),
        (IN, &came_esp, 8, 3),
        (THROUGH, &inward, 9, 4),
        (OUT, &inward, 19, 4),
    ] {
        let walked = [&plain, &real].map(|chains| play(chains, chain, packet).rules);
        assert_eq!(walked, [before, now], "{chain}: {packet:?}");
    }
}
