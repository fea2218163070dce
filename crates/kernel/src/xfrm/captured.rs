//! What iproute2 6.1 sends for the same: `ip xfrm ...` under strace on x86_64, without the header of netlink. What is offloaded
//! whole, and a state's direction, are of iproute2 6.15. The interface `hw0` is number 42.
//!
//! The fixed structures have to be the same byte by byte, and the attributes in any order.

#![allow(clippy::unwrap_used)]

use super::layout::{self, Fields};
use super::offload::{Offload, SaDirection};
use super::policy::{Direction, Policy, PolicyId, Template, Verdict};
use super::replay::Replay;
use super::selector::{Ports, Selector};
use super::state::{Algorithms, Counters, Flags, Lifetime, Mark, State, StateId};
use crate::netlink::codec::{Answer, HEADER, Message, messages};
use adit_model::Secret;
use adit_model::connection::Mode;

/// Sent by us and by iproute2, after the structure of `fixed` octets: kinds and values, sorted.
type Parsed = (Vec<u8>, Vec<(u16, Vec<u8>)>);

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

fn parsed(body: &[u8], fixed: usize) -> Parsed {
    let (structure, mut rest) = body.split_at(fixed);
    let mut attributes = Vec::new();
    while rest.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]]));
        let kind = u16::from_ne_bytes([rest[2], rest[3]]);
        attributes.push((kind, rest[4..length].to_vec()));
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    attributes.sort();
    (structure.to_vec(), attributes)
}

fn ours(message: Message, fixed: usize) -> Parsed {
    parsed(&message.finish(1)[HEADER..], fixed)
}

/// `ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0ffee01 reqid 4711 mode tunnel aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128 flag esn replay-window 96 encap espinudp 4500 40000 0.0.0.0 output-mark 0xad17000 mask 0xffffffff if_id 42 limit packet-soft 1 limit byte-hard 2147483648 sel src 10.1.0.0/16 dst 10.2.0.0/16 proto tcp dport 443`
const FULL_STATE: &str = "\
    0a0200000000000000000000000000000a01000000000000000000000000000001bbffff0000000002001010060000000000\
    000000000000c0000202000000000000000000000000c0ffee0132000000c0000201000000000000000000000000ffffffff\
    ffffffff00000080000000000100000000000000ffffffffffffffff00000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000000006712000002000100800000000000000060001200726663343130362867636d2861657329290000000000\
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000a000000080000000\
    000102030405060708090a0b0c0d0e0f101112131c000400020011949c400000000000000000000000000000000000001c00\
    170003000000000000000000000000000000000000006000000008001f002a00000008001d000070d10a08001e00ffffffff";

/// `ip xfrm state add src 2001:db8::1 dst 2001:db8::2 proto esp spi 0x100 reqid 7 mode transport enc cbc(aes) 0x0101010101010101010101010101010101010101010101010101010101010101 auth-trunc hmac(sha256) 0x0202020202020202020202020202020202020202020202020202020202020202 128 replay-window 32 flag nopmtudisc flag decap-dscp`
const PLAIN_STATE: &str = "\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000020010db8000000000000000000000002000001003200000020010db8000000000000000000000001ffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000000000000000070000000a00002006000000000000006800020063626328616573290000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000001000001010101\
    010101010101010101010101010101010101010101010101010101016c001400686d61632873686132353629000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000\
    800000000202020202020202020202020202020202020202020202020202020202020202";

/// `ip xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0ffee01`
const DELETE_STATE: &str = "\
    c0000202000000000000000000000000c0ffee010200320014000d00c0000201000000000000000000000000";

/// `ip xfrm state get src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0ffee01 mark 7 mask 0xff`
const GET_STATE: &str = "\
    c0000202000000000000000000000000c0ffee010200320014000d00c00002010000000000000000000000000c0015000700\
    0000ff000000";

/// `ip xfrm policy update src fd00:1::/64 dst fd00:2::/64 dir out priority 5000 index 0xad00001 flag icmp tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 4711 mode tunnel`
const PROTECT: &str = "\
    fd000002000000000000000000000000fd00000100000000000000000000000000000000000000000a004040000000000000\
    000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000881300000100d00a010002000000000044000500c0000202000000000000000000000000000000003200000002000000\
    c00002010000000000000000000000006712000001000000ffffffffffffffffffffffff";

/// `ip xfrm policy update src 10.1.0.0/16 dst 10.2.0.0/16 proto udp sport 53 dir in action block priority 9`
const BLOCK: &str = "\
    0a0200000000000000000000000000000a010000000000000000000000000000000000000035ffff02001010110000000000\
    000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    000009000000000000000001000000000000";

/// `ip xfrm policy delete src fd00:1::/64 dst fd00:2::/64 dir fwd`
const DELETE_POLICY: &str = "\
    fd000002000000000000000000000000fd00000100000000000000000000000000000000000000000a004040000000000000\
    0000000000000000000002000000";

/// `ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0ffee01 reqid 4711 mode tunnel aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128 flag af-unspec offload dev hw0 dir out`
const OFFLOADED: &str = "\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    000000000000c0000202000000000000000000000000c0ffee0132000000c0000201000000000000000000000000ffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000000006712000002000100200000000000000060001200726663343130362867636d2861657329290000000000\
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000a000000080000000\
    000102030405060708090a0b0c0d0e0f101112130c001c002a00000000000000";

/// `ip xfrm state add src 2001:db8::1 dst 2001:db8::2 proto esp spi 0x100 reqid 7 mode transport aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128 offload packet dev hw0 dir in`
const OFFLOADED_WHOLE: &str = "\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000020010db8000000000000000000000002000001003200000020010db8000000000000000000000001ffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000000000000000070000000a000000000000000000000060001200726663343130362867636d2861657329290000000000\
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000a000000080000000\
    000102030405060708090a0b0c0d0e0f101112130c001c002a000000060000000500210001000000";

/// `ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0ffee01 reqid 4711 mode tunnel aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128 flag af-unspec dir out`
const DIRECTED: &str = "\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    000000000000c0000202000000000000000000000000c0ffee0132000000c0000201000000000000000000000000ffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000000000006712000002000100200000000000000060001200726663343130362867636d2861657329290000000000\
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000a000000080000000\
    000102030405060708090a0b0c0d0e0f101112130500210002000000";

/// `ip xfrm policy update src fd00:1::/64 dst fd00:2::/64 dir out priority 5000 index 0xad00001 flag icmp tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 4711 mode tunnel offload packet dev hw0`
const OFFLOADED_POLICY: &str = "\
    fd000002000000000000000000000000fd00000100000000000000000000000000000000000000000a004040000000000000\
    000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff000000000000000000000000\
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
    0000881300000100d00a010002000000000044000500c0000202000000000000000000000000000000003200000002000000\
    c00002010000000000000000000000006712000001000000ffffffffffffffffffffffff0c001c002a00000004000000";

/// The state of the first command.
fn full() -> State {
    let mark = |value, mask| Mark { value, mask };
    State {
        id: StateId::new("192.0.2.2".parse().unwrap(), 0xc0ff_ee01),
        source: "192.0.2.1".parse().unwrap(),
        reqid: 4711,
        mode: Mode::Tunnel,
        selector: Some(Selector {
            protocol: 6,
            destination_ports: Ports::one(443),
            ..Selector::between(
                "10.1.0.0/16".parse().unwrap(),
                "10.2.0.0/16".parse().unwrap(),
            )
        }),
        algorithms: Algorithms::Combined {
            name: "rfc4106(gcm(aes))".to_owned(),
            key: Secret::new(bytes("000102030405060708090a0b0c0d0e0f10111213")),
            icv_bits: 128,
        },
        replay: Replay::new(true, 96),
        encap: Some((4500, 40_000)),
        life: Lifetime {
            soft_packets: Some(1),
            hard_bytes: Some(1 << 31),
            ..Lifetime::default()
        },
        flags: Flags::default(),
        padded_to: 0,
        output_mark: Some(mark(0x0ad1_7000, u32::MAX)),
        if_id: 42,
        offload: None,
        direction: None,
        answers: 0,
        counters: Counters::default(),
    }
}

#[test]
fn a_state_is_added_as_iproute2_adds_it() {
    let (structure, mut attributes) = ours(full().request(layout::NEW_STATE), layout::STATE);
    // The kernel takes a window without its bits too.
    for (_, window) in attributes
        .iter_mut()
        .filter(|(kind, _)| *kind == layout::REPLAY_ESN)
    {
        assert_eq!(window.split_off(24), [0; 12]);
    }
    assert_eq!(
        (structure, attributes),
        parsed(&bytes(FULL_STATE), layout::STATE)
    );
}

/// The other way to say the window, and what may be left unsaid: compared by what it means.
#[test]
fn what_iproute2_adds_reads_as_what_it_was_told() {
    let body = bytes(PLAIN_STATE);
    let mut message = vec![0; HEADER];
    message[..4].copy_from_slice(&u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes());
    message[4..6].copy_from_slice(&layout::NEW_STATE.to_ne_bytes());
    message.extend_from_slice(&body);
    let answer: Answer<'_> = messages(&message).next().unwrap();
    let state = State::parse(&answer).unwrap();
    assert_eq!(
        state.id,
        StateId::new("2001:db8::2".parse().unwrap(), 0x100)
    );
    assert_eq!(
        (state.source, state.reqid, state.mode, state.replay.window),
        ("2001:db8::1".parse().unwrap(), 7, Mode::Transport, 32)
    );
    assert!(state.flags.no_pmtu_discovery && state.flags.decap_dscp && !state.flags.no_ecn);
    assert_eq!((state.life, state.selector), (Lifetime::default(), None));
    let Algorithms::Separate {
        cipher,
        key,
        auth,
        auth_key,
        icv_bits,
    } = &state.algorithms
    else {
        panic!("{state:?}");
    };
    assert_eq!(
        (cipher.as_str(), auth.as_str(), *icv_bits),
        ("cbc(aes)", "hmac(sha256)", 128)
    );
    assert_eq!(
        (key.expose(), auth_key.expose()),
        ([1; 32].as_slice(), [2; 32].as_slice())
    );
    // Written again, all but the window is where iproute2 has it.
    let (_, again) = ours(state.request(layout::NEW_STATE), layout::STATE);
    let (_, theirs) = parsed(&body, layout::STATE);
    let rest: Vec<_> = again
        .into_iter()
        .filter(|(kind, _)| *kind != layout::REPLAY_ESN)
        .collect();
    assert_eq!(rest, theirs);
}

#[test]
fn a_state_is_named_as_iproute2_names_it() {
    let mut id = full().id;
    let source = Some("192.0.2.1".parse().unwrap());
    assert_eq!(
        ours(id.request(layout::DELETE_STATE, source), layout::STATE_ID),
        parsed(&bytes(DELETE_STATE), layout::STATE_ID)
    );
    id.mark = Some(Mark {
        value: 7,
        mask: 0xff,
    });
    assert_eq!(
        ours(id.request(layout::GET_STATE, source), layout::STATE_ID),
        parsed(&bytes(GET_STATE), layout::STATE_ID)
    );
}

#[test]
fn policies_are_set_and_named_as_iproute2_does() {
    let mut policy = Policy {
        id: PolicyId {
            direction: Direction::Out,
            selector: Selector::between(
                "fd00:1::/64".parse().unwrap(),
                "fd00:2::/64".parse().unwrap(),
            ),
            if_id: 0,
        },
        priority: 5000,
        index: 0x0ad0_0001,
        verdict: Verdict::Protect(Template {
            source: "192.0.2.1".parse().unwrap(),
            destination: "192.0.2.2".parse().unwrap(),
            reqid: 4711,
            mode: Mode::Tunnel,
            optional: false,
            offload: None,
        }),
    };
    assert_eq!(
        ours(policy.request(layout::UPDATE_POLICY), layout::POLICY),
        parsed(&bytes(PROTECT), layout::POLICY)
    );
    let Verdict::Protect(template) = &mut policy.verdict else {
        panic!("{policy:?}");
    };
    template.offload = Some(42);
    assert_eq!(
        ours(policy.request(layout::UPDATE_POLICY), layout::POLICY),
        parsed(&bytes(OFFLOADED_POLICY), layout::POLICY)
    );
    policy.id.direction = Direction::Forward;
    let (named, none) = ours(
        policy.id.request(layout::DELETE_POLICY, 0),
        layout::SELECTOR + 8,
    );
    assert_eq!(
        (named, none),
        parsed(&bytes(DELETE_POLICY), layout::SELECTOR + 8)
    );

    policy.id = PolicyId {
        direction: Direction::In,
        selector: Selector {
            protocol: 17,
            source_ports: Ports::one(53),
            ..Selector::between(
                "10.1.0.0/16".parse().unwrap(),
                "10.2.0.0/16".parse().unwrap(),
            )
        },
        if_id: 0,
    };
    (policy.priority, policy.index, policy.verdict) = (9, 0, Verdict::Block);
    assert_eq!(
        ours(policy.request(layout::UPDATE_POLICY), layout::POLICY).1,
        parsed(&bytes(BLOCK), layout::POLICY).1
    );
    let mut said = Fields::default();
    said.selector(&policy.id.selector);
    assert_eq!(bytes(BLOCK)[..layout::SELECTOR], *said.bytes());
    let back = Policy::parse(&Answer {
        kind: layout::UPDATE_POLICY,
        flags: 0,
        sequence: 1,
        body: &bytes(BLOCK),
    });
    assert_eq!(back, Some(policy));
}

/// The state of the commands with `offload` and `dir`.
fn bare() -> State {
    State {
        selector: None,
        replay: Replay::default(),
        encap: None,
        life: Lifetime::default(),
        output_mark: None,
        if_id: 0,
        ..full()
    }
}

#[test]
fn what_a_device_does_and_the_direction_are_said_as_iproute2_says_it() {
    let device = |inbound, packet| Offload {
        device: 42,
        inbound,
        packet,
    };
    let mut state = bare();
    state.offload = Some(device(false, false));
    assert_eq!(
        ours(state.request(layout::NEW_STATE), layout::STATE),
        parsed(&bytes(OFFLOADED), layout::STATE)
    );
    (state.offload, state.direction) = (None, Some(SaDirection::Out));
    assert_eq!(
        ours(state.request(layout::NEW_STATE), layout::STATE),
        parsed(&bytes(DIRECTED), layout::STATE)
    );
    let whole = State {
        id: StateId::new("2001:db8::2".parse().unwrap(), 0x100),
        source: "2001:db8::1".parse().unwrap(),
        reqid: 7,
        mode: Mode::Transport,
        offload: Some(device(true, true)),
        direction: Some(SaDirection::In),
        ..bare()
    };
    assert_eq!(
        ours(whole.request(layout::NEW_STATE), layout::STATE),
        parsed(&bytes(OFFLOADED_WHOLE), layout::STATE)
    );
    let read = State::parse(&Answer {
        kind: layout::NEW_STATE,
        flags: 0,
        sequence: 1,
        body: &bytes(OFFLOADED_WHOLE),
    })
    .unwrap();
    assert_eq!(
        (read.offload, read.direction),
        (whole.offload, whole.direction)
    );
}
