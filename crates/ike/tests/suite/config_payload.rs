//! Addresses inside the tunnel that a client asks for and a server gives (RFC 7296 2.19, 3.15).

use crate::common;

use std::net::IpAddr;
use std::time::Duration;

use adit_ike::CommandError;
use adit_ike::lease::LeaseAnswer;
use adit_ike::pools::Pools;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::inner::Pool;
use adit_model::life::Unique;
use adit_model::reason::{AddressProblem, Refusal};
use adit_wire::iana::{CfgAttribute, CfgType, ExchangeType};
use adit_wire::v2::{CpPayload, Payload, PayloadList};
use common::peer::{Peer, esp_sa, ike_sa, ts};
use common::*;

const PLACEHOLDER: &str = "0.0.0.0/0";

/// West asks for an address.
pub fn client(wanted: &[&str]) -> Connection {
    let mut west = connection(Who::West);
    west.children[0].local_ts = selectors(&[PLACEHOLDER]);
    west.inner.wanted = wanted.iter().map(|a| ip(a)).collect();
    west
}

/// East gives addresses from its pool.
pub fn server() -> Connection {
    let mut east = connection(Who::East);
    east.children[0].remote_ts = selectors(&["10.3.0.0/24", "fd00:3::/64"]);
    east.inner.pools = vec!["guests".to_owned()];
    east
}

fn pool(range: &str) -> Pools {
    Pools::new(vec![Pool {
        name: "guests".to_owned(),
        addresses: range.split(' ').map(|r| r.parse().unwrap()).collect(),
        dns: vec![ip("10.2.0.53")],
        split: vec!["10.2.0.0/25".parse().unwrap()],
        per_identity: 1,
    }])
}

pub fn lab(west: Connection, east: Connection, range: &str) -> Lab {
    let mut lab = Lab::with(west, east);
    lab.east.pools = Some(pool(range));
    lab
}

fn in_use(lab: &Lab) -> u64 {
    lab.east.pools.as_ref().unwrap().status()[0].leased
}

/// ```text
/// IDi, AUTH, CP(CFG_REQUEST), SAi2, TSi = 0.0.0.0/0, TSr  -->
///                          <--  IDr, AUTH, CP(CFG_REPLY), SAr2, TSi = 10.3.0.1, TSr
/// ```
#[test]
fn a_client_is_given_an_address() {
    let mut lab = lab(client(&["0.0.0.0"]), server(), "10.3.0.0/24");
    lab.up();
    lab.assert_tunnel();
    let auth: Vec<String> = ladder(&lab.west)
        .into_iter()
        .filter(|line| line.contains("IKE_AUTH"))
        .collect();
    let order = |line: &str, names: &[&str]| {
        let at: Vec<_> = names.iter().map(|n| line.find(n).unwrap()).collect();
        assert!(at.is_sorted(), "{line}");
    };
    order(&auth[0], &["AUTH", "CP", "SA", "TSi", "TSr"]);
    order(&auth[1], &["AUTH", "CP", "SA", "TSi", "TSr"]);
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&["10.3.0.1"]));
    // The server says that less than what is configured here is behind it.
    assert_eq!(sa.ts_remote, selectors(&["10.2.0.0/25"]));
    let inner = lab.west.ike_sa().inner;
    assert_eq!(
        (inner.ours, inner.dns),
        (vec![ip("10.3.0.1")], vec![ip("10.2.0.53")])
    );
    assert_eq!(lab.east.ike_sa().inner.theirs, [ip("10.3.0.1")]);
    assert_eq!(lab.east.leases[0].1.identity, fqdn("west.lab"));
    assert!(
        lab.east
            .saw(|h| matches!(h, Happening::AddressesLeased { .. }))
    );
    lab.west.endpoint.terminate(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    assert_eq!(in_use(&lab), 0);
    assert!(
        lab.east
            .saw(|h| matches!(h, Happening::AddressesReleased { .. }))
    );
}

#[test]
fn a_wanted_address_is_given_when_it_is_free() {
    let mut lab = lab(client(&["10.3.0.77"]), server(), "10.3.0.0/24");
    lab.up();
    assert_eq!(lab.west.installed[0].ts_local, selectors(&["10.3.0.77"]));
}

#[test]
fn both_families_at_once() {
    let (mut west, mut east) = (client(&["0.0.0.0", "::"]), server());
    west.children[0].local_ts = selectors(&[PLACEHOLDER, "::/0"]);
    west.children[0].remote_ts = selectors(&["10.2.0.0/24", "fd00:2::/64"]);
    east.children[0].local_ts = selectors(&["10.2.0.0/24", "fd00:2::/64"]);
    let mut lab = lab(west, east, "10.3.0.0/24 fd00:3::/64");
    lab.up();
    lab.assert_tunnel();
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&["10.3.0.1", "fd00:3::1"]));
}

#[test]
fn an_address_outlives_rekeying() {
    let mut lab = lab(client(&["0.0.0.0"]), server(), "10.3.0.1");
    lab.up();
    lab.west.endpoint.rekey_ike(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.east
        .endpoint
        .rekey_child(lab.now, "site", "lan")
        .unwrap();
    lab.drain();
    lab.run();
    lab.pass(Duration::from_secs(1));
    lab.assert_tunnel();
    assert_eq!(in_use(&lab), 1);
    assert_eq!(
        lab.west.installed.last().unwrap().ts_local,
        selectors(&["10.3.0.1"])
    );
    assert_eq!(lab.east.ike_sa().inner.theirs, [ip("10.3.0.1")]);
    assert_eq!(lab.east.leases.len(), 1);
    lab.west.endpoint.terminate(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    assert_eq!(in_use(&lab), 0);
}

/// The new IKE SA is there before the old one goes, and asks for the same address; the pool has no other.
#[test]
fn an_address_outlives_authenticating_anew() {
    let mut lab = lab(client(&["0.0.0.0"]), server(), "10.3.0.1");
    lab.up();
    lab.west.endpoint.reauthenticate(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.pass(Duration::from_secs(120));
    assert!(lab.west.is_up() && lab.east.is_up());
    assert_eq!(lab.east.leases.len(), 2);
    assert_eq!(lab.east.leases[1].1.wanted, [ip("10.3.0.1")]);
    assert_eq!(lab.east.ike_sa().inner.theirs, [ip("10.3.0.1")]);
    assert_eq!(
        lab.west.installed.last().unwrap().ts_local,
        selectors(&["10.3.0.1"])
    );
    assert_eq!(in_use(&lab), 1);
}

/// Only who asks for an address can begin; nothing is sent, and nothing goes, whichever way round it is to be done.
#[test]
fn who_gives_addresses_doesnt_authenticate_anew() {
    for make_before_break in [true, false] {
        let mut east = server();
        east.life.make_before_break = make_before_break;
        let mut lab = lab(client(&["0.0.0.0"]), east, "10.3.0.0/24");
        lab.up();
        let sent = ladder(&lab.east).len();
        let begun = lab.east.endpoint.reauthenticate(lab.now, "site");
        assert!(
            matches!(&begun, Err(CommandError::Unusable { problem, .. }) if problem.contains("only the peer")),
            "{begun:?}"
        );
        lab.drain();
        lab.run();
        assert_eq!(ladder(&lab.east).len(), sent);
        assert!(lab.east.closed().is_empty());
        lab.assert_tunnel();
        assert_eq!(in_use(&lab), 1);
    }
}

/// East refuses the CHILD SA for lack of an address; the refusal, the notify, and how often it held a lease.
fn refused(west: Connection, east: Connection, range: &str) -> (Refusal, String) {
    let mut lab = lab(west, east, range);
    lab.initiate();
    lab.run();
    lab.pass(Duration::from_secs(5));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
    assert_eq!(lab.west.closed(), ["failed"]);
    let (what, refusal, notify) = lab.east.refusals().pop().unwrap();
    assert_eq!(what, "CHILD_SA lan");
    let notify = notify.unwrap();
    assert_eq!(
        lab.west.peer_refusals(),
        [("CHILD_SA lan".to_owned(), notify.clone())]
    );
    (refusal, notify)
}

#[test]
fn a_server_says_why_there_is_no_address() {
    let any = client(&["0.0.0.0"]);
    let lacks = |problem| Refusal::NoAddress { problem };
    let failure = "INTERNAL_ADDRESS_FAILURE".to_owned();
    let nothing_left = AddressProblem::Full {
        pool: "guests".to_owned(),
        leased: 1,
        size: 1,
    };
    // Somebody else has the only one.
    let mut full = lab(any.clone(), server(), "10.3.0.1");
    let mut other = lab(any.clone(), server(), "10.3.0.1");
    other.up();
    let mut lease = other.east.leases[0].1.clone();
    lease.identity = fqdn("other.lab");
    let taken = full.east.pools.as_mut().unwrap().lease(&lease);
    assert!(matches!(taken, LeaseAnswer::Leased(_)));
    full.initiate();
    full.run();
    let (_, refusal, notify) = full.east.refusals().pop().unwrap();
    assert_eq!(
        (refusal, notify),
        (lacks(nothing_left), Some(failure.clone()))
    );

    // A pool without that family, and none at all.
    let asked = vec![ip("0.0.0.0")];
    let none = lacks(AddressProblem::NoPool { asked });
    let of_other = refused(any.clone(), server(), "fd00:3::/64");
    assert_eq!(of_other, (none.clone(), failure.clone()));
    let mut plain = server();
    plain.inner.pools.clear();
    assert_eq!(refused(any, plain, "10.3.0.1"), (none, failure));

    // The client has to ask.
    let mut site = connection(Who::West);
    site.children[0].local_ts = selectors(&["10.3.0.0/24"]);
    let required = lacks(AddressProblem::NotAsked {
        pools: vec!["guests".to_owned()],
    });
    let told = "FAILED_CP_REQUIRED".to_owned();
    assert_eq!(refused(site, server(), "10.3.0.1"), (required, told));
}

/// Case 109: a client that connects again and again has one address, and the others have theirs.
#[test]
fn abuse_109_connecting_again_and_again_drains_no_pool() {
    let mut east = server();
    // The worst case: nothing of the older IKE SAs is taken down.
    east.life.unique = Unique::Never;
    let mut lab = lab(client(&["0.0.0.0"]), east, "10.3.0.0/29");
    for _ in 0..20 {
        lab.up();
        let west = Side::new(WEST, 3, adit_ike::Settings::default());
        lab.west = west;
        let again = std::sync::Arc::new(client(&["0.0.0.0"]));
        lab.west.endpoint.set_connection(lab.now, again);
    }
    assert_eq!(lab.east.leases.len(), 20);
    assert_eq!(in_use(&lab), 1);
}

/// Who holds the pools takes too long, and answers when nobody is there any more.
#[test]
fn a_late_lease_goes_back() {
    let mut lab = lab(client(&["0.0.0.0"]), server(), "10.3.0.1");
    lab.east.pools = None;
    lab.initiate();
    lab.run();
    let (id, request) = lab.east.leases[0].clone();
    lab.pass(Duration::from_secs(60));
    assert_eq!(lab.east.refusals().len(), 1);
    let mut pools = pool("10.3.0.1");
    let answer = pools.lease(&request);
    lab.east.pools = Some(pools);
    lab.east.endpoint.handle_lease(lab.now, id, answer);
    lab.drain();
    assert_eq!(in_use(&lab), 0);
}

fn attribute(kind: CfgAttribute, value: &[u8]) -> (CfgAttribute, Vec<u8>) {
    (kind, value.to_vec())
}

/// Plays a server that gives the west side `attributes`, and a CHILD SA for `ts_i`.
fn answered(wanted: &[&str], attributes: Vec<(CfgAttribute, Vec<u8>)>, ts_i: &str) -> Lab {
    let mut lab = Lab::with(client(wanted), server());
    lab.initiate();
    let init = lab.intercept().pop().unwrap();
    let (mut peer, opening) = Peer::answer(&mut lab, &init.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let (header, _) = peer.unseal(&request.payload);
    let mut answer = peer.authenticate_responder(&opening, "east.lab", b"a shared secret");
    if !attributes.is_empty() {
        answer.push(Payload::Cp(CpPayload {
            kind: CfgType::CFG_REPLY,
            attributes,
        }));
    }
    answer.extend([
        Payload::Sa(esp_sa(0x2000, None)),
        Payload::TsI(ts(ts_i)),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let response = peer.header(ExchangeType::IKE_AUTH, true, header.message_id);
    let payload = peer.seal(response, answer);
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload,
    });
    lab
}

const GIVEN: [u8; 4] = [10, 3, 0, 7];

#[test]
fn a_client_takes_no_tunnel_without_an_address() {
    let asked = || vec![ip("0.0.0.0")];
    let six = [&ip6("fd00:3::7")[..], &[128]].concat();
    let unusable = |given: &str| AddressProblem::Unusable {
        given: given.to_owned(),
    };
    let cases = [
        (vec![], AddressProblem::NotGiven { asked: asked() }),
        (
            vec![attribute(CfgAttribute::INTERNAL_IP4_DNS, &[10, 2, 0, 53])],
            AddressProblem::NotGiven { asked: asked() },
        ),
        // Nothing that an address could be read of.
        (
            vec![attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &[10, 3, 0])],
            AddressProblem::NotGiven { asked: asked() },
        ),
        (
            vec![attribute(CfgAttribute::INTERNAL_IP6_ADDRESS, &six)],
            AddressProblem::OtherFamily {
                asked: asked(),
                given: vec![ip("fd00:3::7")],
            },
        ),
        (
            vec![attribute(
                CfgAttribute::INTERNAL_IP4_ADDRESS,
                &[127, 0, 0, 1],
            )],
            unusable("127.0.0.1"),
        ),
        (
            vec![attribute(
                CfgAttribute::INTERNAL_IP4_ADDRESS,
                &[224, 0, 0, 9],
            )],
            unusable("224.0.0.9"),
        ),
    ];
    for (attributes, expected) in cases {
        let lab = answered(&["0.0.0.0"], attributes, "10.3.0.7");
        assert!(lab.west.data_plane.is_empty());
        let (what, refusal, _) = lab.west.refusals().pop().unwrap();
        assert_eq!(what, "IKE_AUTH");
        assert_eq!(refusal, Refusal::NoAddress { problem: expected });
        assert_eq!(lab.west.closed(), Vec::<String>::new());
        assert_eq!(lab.west.ike_sa().state, adit_ike::IkeSaState::Closing);
    }
}

fn ip6(text: &str) -> [u8; 16] {
    match ip(text) {
        IpAddr::V6(v6) => v6.octets(),
        IpAddr::V4(_) => panic!("IPv6 only"),
    }
}

/// Case 108: addresses, networks and name servers of a server that wants more than its share.
#[test]
fn abuse_108_a_server_gives_no_more_than_is_configured() {
    let mut attributes = vec![
        attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &GIVEN),
        attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &[10, 3, 0, 8]),
        // A mask with holes, for the address and for a network.
        attribute(CfgAttribute::INTERNAL_IP4_NETMASK, &[255, 0, 255, 0]),
        attribute(
            CfgAttribute::INTERNAL_IP4_SUBNET,
            &[10, 2, 0, 0, 255, 0, 255, 0],
        ),
        // Half of what is configured, and the internet.
        attribute(
            CfgAttribute::INTERNAL_IP4_SUBNET,
            &[10, 2, 0, 0, 255, 255, 255, 128],
        ),
        attribute(
            CfgAttribute::INTERNAL_IP4_SUBNET,
            &[192, 0, 2, 0, 255, 255, 255, 0],
        ),
        attribute(CfgAttribute::INTERNAL_IP6_SUBNET, &[0; 17]),
    ];
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        attributes.push(attribute(
            CfgAttribute::INTERNAL_IP4_DNS,
            &[10, 9, high, low],
        ));
    }
    let lab = answered(&["0.0.0.0"], attributes, "0.0.0.0/0");
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&["10.3.0.7"]));
    assert_eq!(sa.ts_remote, selectors(&["10.2.0.0/25"]));
    let inner = lab.west.ike_sa().inner;
    assert_eq!(
        (inner.ours.len(), inner.split.len(), inner.dns.len()),
        (1, 1, 32)
    );
    let told = lab.west.happenings().find_map(|h| match h {
        Happening::AddressesAssigned { ignored, .. } => Some(ignored.clone()),
        _ => None,
    });
    let told = told.unwrap();
    assert!(told.iter().any(|t| t.contains("192.0.2.0/24")), "{told:?}");
    assert!(told.iter().any(|t| t.contains("no network")), "{told:?}");
    assert!(told.len() <= 32);

    // The CHILD SA is for another address than the one that was given.
    let given = vec![attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &GIVEN)];
    let lab = answered(&["0.0.0.0"], given, "10.3.0.9");
    assert!(lab.west.data_plane.is_empty());
    let (_, refusal, _) = lab.west.refusals().pop().unwrap();
    assert!(matches!(refusal, Refusal::AnswerMismatch { .. }));
}

/// Case 108: what nobody asked for is counted, answered with nothing, and has no effect.
#[test]
fn abuse_108_configuration_that_nobody_asked_for_is_ignored() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let set = CpPayload {
        kind: CfgType::CFG_SET,
        attributes: vec![attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &GIVEN)],
    };
    let answer = peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![Payload::Cp(set)],
    );
    assert_eq!(answer, PayloadList::default());
    assert_eq!(lab.east.drops(), [(DropReason::IkeUnaskedConfiguration, 1)]);
    assert_eq!(lab.east.ike_sa().inner, adit_ike::Inner::default());
    assert!(lab.east.is_up());
}

/// Nothing is told of the server's version, nor anything that it doesn't know.
#[test]
fn a_server_tells_addresses_and_no_more() {
    let mut lab = lab(client(&["0.0.0.0"]), server(), "10.3.0.0/24");
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    let attributes = [
        CfgAttribute::APPLICATION_VERSION,
        CfgAttribute(0x4000),
        CfgAttribute::INTERNAL_IP4_ADDRESS,
        CfgAttribute::INTERNAL_IP4_NBNS,
    ];
    auth.extend([
        Payload::Cp(CpPayload {
            kind: CfgType::CFG_REQUEST,
            attributes: attributes.map(|kind| attribute(kind, &[])).to_vec(),
        }),
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts(PLACEHOLDER)),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let response = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    let cp = response.cp().unwrap();
    assert_eq!(cp.kind, CfgType::CFG_REPLY);
    assert_eq!(
        cp.attributes,
        [
            attribute(CfgAttribute::INTERNAL_IP4_ADDRESS, &[10, 3, 0, 1]),
            attribute(CfgAttribute::INTERNAL_IP4_DNS, &[10, 2, 0, 53]),
            attribute(
                CfgAttribute::INTERNAL_IP4_SUBNET,
                &[10, 2, 0, 0, 255, 255, 255, 128]
            ),
        ]
    );
    assert_eq!(response.ts_i(), Some(&ts("10.3.0.1")));
}
