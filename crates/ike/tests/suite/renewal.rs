//! We rekey: CHILD SAs and the IKE SA, when their time or volume is used up, and further children.

use crate::common;
use crate::rekey::child_request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_ike::{ChildSaState, IkeSaState, Settings};
use adit_model::connection::Connection;
use adit_model::dataplane::{DataPlaneRequest, PairCounters};
use adit_model::event::{Happening, Party};
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::{Delete, Payload};
use common::peer::{Peer, notify};
use common::*;

const MINUTE: Duration = Duration::from_secs(60);

/// West renews after these times; east never does.
fn renewing(ike: Duration, child: Duration) -> Connection {
    let mut west = connection(Who::West);
    (west.life.rekey, west.life.lifetime) = (ike, 2 * ike);
    let lan = &mut west.children[0].life;
    (lan.rekey, lan.lifetime) = (child, 2 * child);
    west
}

fn patient() -> Connection {
    let mut east = renewing(Duration::ZERO, Duration::ZERO);
    let west = core::mem::replace(&mut east, connection(Who::East));
    east.life = west.life.clone();
    east.children[0].life = west.children[0].life.clone();
    east
}

fn rekeyed(side: &Side) -> usize {
    side.count(|h| matches!(h, Happening::ChildRekeyed { .. }))
}

/// One IKE SA with one pair on each side, and both sides agree on it.
pub fn assert_one(lab: &Lab) {
    for side in [&lab.west, &lab.east] {
        let sa = side.ike_sa();
        assert_eq!(sa.state, IkeSaState::Established);
        let states: Vec<_> = sa.children.iter().map(|c| c.state).collect();
        assert_eq!(states, [ChildSaState::Installed], "{:#?}", side.events);
        assert_eq!(side.installed.len(), 1);
        assert_eq!(side.installed[0].spi_in, sa.children[0].spi_in);
    }
    assert_eq!(lab.west.ike_sa().spis, lab.east.ike_sa().spis);
    lab.assert_tunnel();
}

/// ```text
/// SK { N(REKEY_SA), SA, Ni, TSi, TSr } ──►
///                ◄── SK { SA, Nr, TSi, TSr }
/// SK { D(old) } ──►
///                ◄── SK { D(old) }
/// ```
#[test]
fn a_child_is_rekeyed_in_time() {
    let mut lab = Lab::with(renewing(Duration::ZERO, 10 * MINUTE), patient());
    lab.up();
    let old = lab.west.installed[0].clone();
    let before = lab.west.events.len();
    lab.pass(9 * MINUTE - Duration::from_secs(1));
    assert_eq!(rekeyed(&lab.west), 0);
    lab.pass(MINUTE + Duration::from_secs(1));
    let messages: Vec<String> = ladder(&lab.west).split_off(4);
    assert_eq!(
        messages,
        [
            "--> CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA Nonce TSi TSr ]",
            "<-- CREATE_CHILD_SA response 2 [ SA Nonce TSi TSr ]",
            "--> INFORMATIONAL request 3 [ D ]",
            "<-- INFORMATIONAL response 3 [ D ]",
        ]
    );
    assert_one(&lab);
    let new = lab.west.installed[0].clone();
    assert!(new.key_out.expose() != old.key_out.expose());
    for (side, by) in [(&lab.west, Party::Us), (&lab.east, Party::Peer)] {
        assert!(side.saw(|h| matches!(h, Happening::ChildRekeyed { by: who, .. } if *who == by)));
    }
    // West sends on the new pair before it asks to delete the old one; east goes on with the old one until then.
    let order: Vec<&str> = lab.west.data_plane[1..]
        .iter()
        .map(|request| match request {
            DataPlaneRequest::Install(sa) => {
                assert_eq!(sa.replaces, None);
                "install"
            }
            DataPlaneRequest::Retire { .. } => "retire",
            DataPlaneRequest::Remove { .. } => "remove",
            DataPlaneRequest::MovePath { .. } => "move",
        })
        .collect();
    assert_eq!(order.first(), Some(&"install"));
    assert_eq!(order.last(), Some(&"remove"));
    assert!(
        lab.east.data_plane.iter().any(
            |r| matches!(r, DataPlaneRequest::Install(sa) if sa.replaces == Some(old.spi_out))
        )
    );
    assert!(lab.west.events.len() > before);
}

#[test]
fn times_of_renewal_are_spread() {
    let mut lab = Lab::with(renewing(Duration::ZERO, 10 * MINUTE), patient());
    lab.up();
    lab.pass(10 * 60 * MINUTE);
    let at: Vec<u64> = lab
        .west
        .events
        .iter()
        .filter(|e| matches!(e.what, Happening::ChildRekeyed { .. }))
        .map(|e| e.at.mono.0)
        .collect();
    assert!(at.len() >= 60 && at.len() <= 67, "{}", at.len());
    let gaps: Vec<u64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
    assert!(*least >= 540_000_000_000 && *most <= 600_000_000_000);
    assert!(most - least > 30_000_000_000, "{least} {most}");
    assert_one(&lab);
}

/// A new IKE SA inherits the children (2.18); the old one is deleted by who began.
#[test]
fn the_ike_sa_is_rekeyed_in_time() {
    let mut lab = Lab::with(renewing(10 * MINUTE, Duration::ZERO), patient());
    lab.up();
    let (before, pair) = (lab.west.ike_sa(), lab.west.installed[0].spi_in);
    lab.pass(10 * MINUTE);
    assert_one(&lab);
    let after = lab.west.ike_sa();
    assert_ne!(after.spis, before.spis);
    assert_eq!(lab.west.installed[0].spi_in, pair, "the children stay");
    assert_eq!(lab.west.closed(), ["replaced"]);
    assert_eq!(lab.east.closed(), ["replaced"]);
    // And on and on.
    lab.pass(100 * MINUTE);
    assert_one(&lab);
}

/// With a key exchange of its own, where the peer wants another method than the first one offered (1.3).
#[test]
fn another_method_is_tried_when_the_peer_wants_it() {
    let mut west = renewing(Duration::ZERO, 10 * MINUTE);
    west.children[0].esp = vec![esp("aes128gcm16-x25519-ecp256")];
    west.ike = vec![ike("aes128gcm16-prfsha256-x25519-ecp256")];
    let mut east = patient();
    east.children[0].esp = vec![esp("aes128gcm16-ecp256")];
    let mut lab = Lab::with(west, east);
    lab.up();
    lab.pass(10 * MINUTE);
    assert_one(&lab);
    let retried = |h: &Happening| {
        matches!(h, Happening::KeRetry { from, to, by: Party::Peer }
            if from == "x25519" && to == "ecp256")
    };
    assert_eq!(lab.west.count(retried), 1);
    assert_eq!(rekeyed(&lab.west), 1);
    let ke = lab.west.installed[0].suite.ke;
    assert_eq!(ke, Some(adit_wire::iana::KeMethod::ECP_256));
}

/// A peer that refuses to rekey: it is asked again, and at the end of its life the pair goes, with the reason.
#[test]
fn a_child_that_cannot_be_rekeyed_expires() {
    let mut west = renewing(Duration::ZERO, 10 * MINUTE);
    west.children[0].esp = vec![esp("aes128gcm16-x25519")];
    let mut east = patient();
    east.children[0].esp = vec![esp("aes128gcm16-ecp256")];
    let mut lab = Lab::with(west, east);
    lab.up();
    lab.pass(19 * MINUTE);
    assert!(lab.west.is_up());
    assert!(lab.west.peer_refusals().len() >= 3);
    assert_eq!(lab.west.peer_refusals()[0].1, "NO_PROPOSAL_CHOSEN");
    lab.pass(2 * MINUTE);
    let why = lab.west.happenings().find_map(|h| match h {
        Happening::Expired { what, limit, why } => Some((what.clone(), limit.clone(), why.clone())),
        _ => None,
    });
    let (what, limit, why) = why.unwrap();
    assert_eq!((what.as_str(), limit.as_str()), ("CHILD_SA lan", "1200 s"));
    assert_eq!(why.unwrap(), "the peer answered NO_PROPOSAL_CHOSEN");
    assert!(lab.west.installed.is_empty());
}

fn usage(lab: &mut Lab, packets: u64) {
    let now = lab.now;
    let counters = PairCounters {
        packets_out: packets,
        bytes_out: packets * 100,
        ..PairCounters::default()
    };
    let all: BTreeMap<u32, PairCounters> = lab
        .west
        .installed
        .iter()
        .map(|sa| (sa.spi_in, counters))
        .collect();
    lab.west.endpoint.handle_usage(now, &all);
    lab.drain();
    lab.run();
}

#[test]
fn volume_renews_and_ends_a_child() {
    let mut west = renewing(Duration::ZERO, Duration::ZERO);
    west.children[0].life.rekey_packets = 1000;
    west.children[0].life.lifetime_bytes = 200_000;
    let mut lab = Lab::with(west, patient());
    lab.up();
    assert_eq!(
        lab.west.endpoint.usage_interval(),
        Some(Duration::from_secs(1))
    );
    assert_eq!(lab.east.endpoint.usage_interval(), Some(MINUTE));
    usage(&mut lab, 899);
    assert_eq!(rekeyed(&lab.west), 0);
    usage(&mut lab, 1000);
    assert_eq!(rekeyed(&lab.west), 1);
    assert_one(&lab);
    // The peer doesn't answer any more, so the limit is reached.
    usage(&mut lab, 0);
    lab.cut = true;
    usage(&mut lab, 1000);
    usage(&mut lab, 2000);
    assert!(
        lab.west
            .saw(|h| matches!(h, Happening::Expired { limit, .. } if limit == "200000 octets"))
    );
}

/// Without extended sequence numbers a pair is replaced before they run out (RFC 4303 3.3.3).
#[test]
fn abuse_86_sequence_numbers_that_run_out_renew_a_child() {
    let mut lab = Lab::with(renewing(Duration::ZERO, Duration::ZERO), patient());
    lab.up();
    usage(&mut lab, 1 << 31);
    assert_eq!(rekeyed(&lab.west), 0);
    usage(&mut lab, 0xf000_0000);
    assert_eq!(rekeyed(&lab.west), 1);
    assert_one(&lab);
}

#[test]
fn an_idle_child_is_closed() {
    let mut west = renewing(Duration::ZERO, Duration::ZERO);
    west.children[0].life.inactivity = MINUTE;
    let mut lab = Lab::with(west, patient());
    lab.up();
    for n in 0..3 {
        lab.pass(50 * Duration::from_secs(1));
        usage(&mut lab, 10 + n);
    }
    assert!(lab.west.is_up());
    lab.pass(MINUTE);
    usage(&mut lab, 12);
    assert!(lab.west.saw(
        |h| matches!(h, Happening::Expired { limit, .. } if limit == "60 s without a packet")
    ));
}

pub fn two_children(who: Who) -> Connection {
    let mut c = connection(who);
    let (here, there) = match who {
        Who::West => ("10.1.1.0/24", "10.2.1.0/24"),
        Who::East => ("10.2.1.0/24", "10.1.1.0/24"),
    };
    let mut voice = c.children[0].clone();
    voice.name = "voice".to_owned();
    voice.esp = vec![esp("aes256gcm16-x25519")];
    (voice.local_ts, voice.remote_ts) = (selectors(&[here]), selectors(&[there]));
    c.children.push(voice);
    c
}

pub fn names(side: &Side) -> Vec<String> {
    let mut names: Vec<String> = side.installed.iter().map(|sa| sa.child.clone()).collect();
    names.sort();
    names
}

/// Children beyond the first come by CREATE_CHILD_SA, with algorithms and a key exchange of their own.
#[test]
fn several_children() {
    let mut lab = Lab::with(two_children(Who::West), two_children(Who::East));
    lab.up();
    assert_eq!(names(&lab.west), ["lan", "voice"]);
    assert_eq!(names(&lab.east), ["lan", "voice"]);
    let suites: Vec<_> = lab.west.installed.iter().map(|sa| sa.suite.ke).collect();
    assert_eq!(suites, [None, Some(adit_wire::iana::KeMethod::CURVE25519)]);
    // One goes and comes back; the other one stays.
    let lan = lab.west.installed[0].spi_in;
    let now = lab.now;
    lab.west
        .endpoint
        .terminate_child(now, "site", "voice")
        .unwrap();
    lab.drain();
    lab.run();
    assert_eq!(
        (names(&lab.west), names(&lab.east)),
        (vec!["lan".to_owned()], vec!["lan".to_owned()])
    );
    assert!(lab.west.endpoint.rekey_child(now, "site", "voice").is_err());
    lab.west
        .endpoint
        .initiate_child(now, "site", "voice")
        .unwrap();
    lab.drain();
    lab.run();
    assert_eq!(names(&lab.east), ["lan", "voice"]);
    assert_eq!(lab.west.installed[0].spi_in, lan);
    assert!(
        lab.west
            .endpoint
            .initiate_child(now, "site", "video")
            .is_err()
    );
}

/// A child that is refused doesn't take the others down, whether it is the first or not, and is asked for again.
#[test]
fn a_refused_child_stands_alone() {
    for refused in [0, 1] {
        let mut east = two_children(Who::East);
        east.children[refused].esp = vec![esp("aes192gcm16")];
        let mut lab = Lab::with(two_children(Who::West), east);
        lab.up();
        let other = if refused == 0 { "voice" } else { "lan" };
        assert_eq!(names(&lab.west), [other]);
        assert_eq!(lab.west.peer_refusals().len(), 1);
        lab.pass(20 * MINUTE);
        assert!(lab.west.peer_refusals().len() >= 5, "it is asked for again");
        assert_eq!(names(&lab.west), [other]);
        // Once the peer's configuration takes it, it comes.
        let now = lab.now;
        lab.east
            .endpoint
            .set_connection(now, std::sync::Arc::new(two_children(Who::East)));
        lab.pass(11 * MINUTE);
        assert_eq!(names(&lab.west), ["lan", "voice"]);
        assert!(lab.west.closed().is_empty());
    }
}

/// 1.3: the peer makes no pair beyond the one that is there, so it can't be rekeyed: a new IKE SA brings another one,
/// before the old one goes.
#[test]
fn where_nothing_can_be_rekeyed_all_is_set_up_anew() {
    let alone = Settings {
        child_limit: 1,
        ..Settings::default()
    };
    let mut lab = Lab::bare(Settings::default(), alone);
    let west = renewing(Duration::ZERO, 10 * MINUTE);
    lab.west.endpoint.set_connection(lab.now, Arc::new(west));
    lab.east
        .endpoint
        .set_connection(lab.now, Arc::new(patient()));
    lab.up();
    let (first, pair) = (lab.west.ike_sa().spis, lab.west.installed[0].spi_in);
    lab.pass(12 * MINUTE);
    let what = "CHILD_SA lan (rekeying)".to_owned();
    let refused = (what, "NO_ADDITIONAL_SAS".to_owned());
    assert_eq!(lab.west.peer_refusals(), [refused]);
    assert_one(&lab);
    assert_ne!(lab.west.ike_sa().spis, first);
    assert_ne!(lab.west.installed[0].spi_in, pair);
    assert_eq!(lab.west.closed(), ["replaced"]);
    // The new pair came before the old one went.
    let order: Vec<bool> = lab
        .west
        .data_plane
        .iter()
        .filter_map(|request| match request {
            DataPlaneRequest::Install(_) => Some(true),
            DataPlaneRequest::Remove { .. } => Some(false),
            _ => None,
        })
        .collect();
    assert_eq!(order, [true, true, false]);
}

/// A rekey on trial that is refused changes nothing: not the pair, not the IKE SA, and not when it is renewed.
#[test]
fn a_trial_that_is_refused_leaves_everything_as_it_was() {
    let alone = Settings {
        child_limit: 1,
        ..Settings::default()
    };
    let mut lab = Lab::bare(Settings::default(), alone);
    let west = renewing(Duration::ZERO, 10 * MINUTE);
    lab.west.endpoint.set_connection(lab.now, Arc::new(west));
    lab.east
        .endpoint
        .set_connection(lab.now, Arc::new(patient()));
    lab.up();
    let seen = |lab: &Lab| {
        let sa = lab.west.ike_sa();
        let child = &sa.children[0];
        (sa.spis, child.spi_in, child.rekey_at)
    };
    let before = seen(&lab);
    let now = lab.now;
    let tried = lab.west.endpoint.try_rekey_child(now, "site", "lan");
    assert!(tried.is_ok());
    lab.pass(MINUTE);
    assert_eq!(lab.west.peer_refusals().len(), 1);
    assert_eq!(seen(&lab), before);
    assert!(lab.west.closed().is_empty());
    // When it is due, all that a refusal means follows.
    lab.pass(11 * MINUTE);
    assert_ne!(lab.west.ike_sa().spis, before.0);
    assert_eq!(lab.west.closed(), ["replaced"]);
}

/// 1.3: the same for the IKE SA itself. Who didn't set it up waits for who did.
#[test]
fn an_ike_sa_that_the_peer_does_not_let_us_rekey() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let now = lab.now;
    lab.east.endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    let request = lab.intercept().pop().unwrap();
    let refusal = notify(NotifyType::NO_ADDITIONAL_SAS);
    peer.respond(&mut lab, &request, vec![refusal]);
    assert!(lab.intercept().is_empty());
    assert!(lab.east.is_up());
}

/// 2.25: asked again and again, at growing intervals; a peer that is busy for minutes isn't of one mind with us.
#[test]
fn a_peer_that_is_always_busy() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let now = lab.now;
    let start = now.mono;
    lab.east.endpoint.rekey_child(now, "site", "lan").unwrap();
    lab.drain();
    let mut asked = 0;
    let end = loop {
        let sent = lab.intercept();
        for datagram in sent {
            let (header, _) = peer.unseal(&datagram.payload);
            if header.exchange == ExchangeType::INFORMATIONAL {
                peer.respond(&mut lab, &datagram, Vec::new());
                continue;
            }
            asked += 1;
            let busy = notify(NotifyType::TEMPORARY_FAILURE);
            peer.respond(&mut lab, &datagram, vec![busy]);
        }
        let Some((deadline, _)) = lab.east.endpoint.poll_timeout() else {
            break lab.now.mono;
        };
        lab.now = lab.now.plus(deadline.since(lab.now.mono));
        let now = lab.now;
        lab.east.endpoint.handle_timeout(now);
        lab.drain();
    };
    assert!((10..=25).contains(&asked), "{asked}");
    let minutes = end.since(start).as_secs() / 60;
    assert!((5..=6).contains(&minutes), "{minutes}");
    assert!(
        lab.east
            .saw(|h| matches!(h, Happening::Expired { limit, why, .. }
        if limit == "300 s of TEMPORARY_FAILURE" && why.is_none()))
    );
    assert_eq!(lab.east.closed(), ["expired"]);
}

/// The peer refuses what east asks for.
fn refuse(lab: &mut Lab, peer: &mut Peer, kind: NotifyType) {
    let request = lab.intercept().pop().unwrap();
    peer.respond(lab, &request, vec![notify(kind)]);
}

/// Time goes by, and east has lost nothing by it.
fn still_up(lab: &mut Lab, time: Duration) {
    let now = lab.now;
    lab.east.endpoint.handle_timeout(now);
    lab.drain();
    assert_eq!(lab.east.closed(), Vec::<String>::new());
    lab.intercept();
    lab.now = lab.now.plus(time);
}

/// Both sides rekey at the same time, and the peer is too busy with its own: that is no peer which is busy on end,
/// however often it happens.
#[test]
fn a_peer_that_is_busy_with_its_own_rekeying() {
    for (times, apart) in [(3, 60 * MINUTE), (10, MINUTE)] {
        let mut lab = Lab::with(connection(Who::West), patient());
        let mut peer = Peer::connect(&mut lab);
        for old in 0x1000..0x1000 + times {
            let now = lab.now;
            lab.east.endpoint.rekey_child(now, "site", "lan").unwrap();
            lab.drain();
            let request = lab.intercept().pop().unwrap();
            let theirs = child_request(Some(old), old + 1, None);
            let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, theirs);
            assert!(answer.sa().is_some());
            let busy = notify(NotifyType::TEMPORARY_FAILURE);
            peer.respond(&mut lab, &request, vec![busy]);
            let delete = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [old]))];
            peer.ask(&mut lab, ExchangeType::INFORMATIONAL, delete);
            still_up(&mut lab, apart);
        }
    }
}

/// The peer is busy, what we asked for isn't wanted any more, and the peer is busy again an hour later.
#[test]
fn a_peer_that_is_busy_now_and_then() {
    let mut lab = Lab::with(connection(Who::West), patient());
    let mut peer = Peer::connect(&mut lab);
    let delete = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]))];
    peer.ask(&mut lab, ExchangeType::INFORMATIONAL, delete);
    for _ in 0..3 {
        let now = lab.now;
        let endpoint = &mut lab.east.endpoint;
        endpoint.initiate_child(now, "site", "lan").unwrap();
        lab.drain();
        refuse(&mut lab, &mut peer, NotifyType::TEMPORARY_FAILURE);
        let endpoint = &mut lab.east.endpoint;
        endpoint.terminate_child(now, "site", "lan").unwrap();
        lab.drain();
        still_up(&mut lab, 60 * MINUTE);
    }
}

/// Another answer than that it is busy says that it isn't.
#[test]
fn a_peer_that_is_busy_and_then_is_not() {
    for other in [
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::NO_ADDITIONAL_SAS,
    ] {
        for ike in [false, true] {
            let mut lab = Lab::with(connection(Who::West), patient());
            let mut peer = Peer::connect(&mut lab);
            for kind in [NotifyType::TEMPORARY_FAILURE, other].repeat(10) {
                let now = lab.now;
                let endpoint = &mut lab.east.endpoint;
                if ike {
                    endpoint.rekey_ike(now, "site").unwrap();
                } else {
                    endpoint.rekey_child(now, "site", "lan").unwrap();
                }
                lab.drain();
                refuse(&mut lab, &mut peer, kind);
                let (over, _) = lab.east.endpoint.poll_timeout().unwrap();
                assert!(over > now.mono, "it is to end");
                lab.now = lab.now.plus(Duration::from_secs(20));
            }
        }
    }
}

/// Each child has its own times and algorithms, and keeps them.
#[test]
fn children_with_times_of_their_own() {
    let mut lab = Lab::with(times_of_their_own(Who::West), times_of_their_own(Who::East));
    lab.up();
    lab.pass(58 * MINUTE);
    let of = |side: &Side, name: &str| {
        side.count(|h| matches!(h, Happening::ChildRekeyed { child, .. } if child == name))
    };
    // Each time up to a tenth sooner.
    assert!((5..=6).contains(&of(&lab.west, "lan")));
    assert!((2..=3).contains(&of(&lab.west, "voice")));
    assert_eq!(of(&lab.east, "lan"), of(&lab.west, "lan"));
    let suites = |side: &Side| {
        let mut suites: Vec<_> = side
            .installed
            .iter()
            .map(|sa| (sa.child.clone(), sa.suite.to_string()))
            .collect();
        suites.sort();
        suites
    };
    assert_eq!(suites(&lab.west), suites(&lab.east));
    assert_eq!(
        suites(&lab.west),
        [
            ("lan".to_owned(), "aes128gcm16".to_owned()),
            ("voice".to_owned(), "aes256gcm16-x25519".to_owned()),
        ]
    );
}

fn times_of_their_own(who: Who) -> Connection {
    let mut c = two_children(who);
    let own = match who {
        Who::West => [10 * MINUTE, 20 * MINUTE],
        Who::East => [Duration::ZERO; 2],
    };
    for (child, rekey) in c.children.iter_mut().zip(own) {
        (child.life.rekey, child.life.lifetime) = (rekey, 2 * rekey);
    }
    (c.life.rekey, c.life.lifetime) = (Duration::ZERO, Duration::ZERO);
    c
}
