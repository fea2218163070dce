//! Several requests at the same time (RFC 7296 2.3): as many as the other side says that it keeps answers of, in any
//! order, and never more; message IDs that come to an end (2.2).

use crate::common;
use crate::renewal::assert_one;

use std::time::Duration;

use adit_ike::{IkeSaState, Settings};
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType, ProtocolId};
use adit_wire::v2::{Delete, KePayload, Nonce, Notify, Payload, PayloadList};
use common::peer::{Peer, esp_sa, exchange_raw, notify, ts};
use common::*;

use std::sync::Arc;

const LONG: Duration = Duration::from_secs(100);

/// With `lan` of the usual connection and two children more.
fn three_children(who: Who, window: u32) -> Connection {
    let mut c = connection(who);
    c.window = window;
    for (net, name) in [(1, "voice"), (2, "video")] {
        let (west, east) = (format!("10.1.{net}.0/24"), format!("10.2.{net}.0/24"));
        let (here, there) = match who {
            Who::West => (west, east),
            Who::East => (east, west),
        };
        let mut child = c.children[0].clone();
        child.name = name.to_owned();
        (child.local_ts, child.remote_ts) = (selectors(&[&here]), selectors(&[&there]));
        c.children.push(child);
    }
    c
}

fn window(size: u32) -> Payload {
    let data = size.to_be_bytes().to_vec();
    Payload::Notify(Notify::with_data(NotifyType::SET_WINDOW_SIZE, data))
}

/// A peer that has set up `lan` with east, and says that it takes so many requests.
fn peer_with_window(lab: &mut Lab, size: u32) -> Peer {
    let (mut peer, opening) = Peer::open(lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.extend([
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
        window(size),
    ]);
    let answer = peer.ask(lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some(), "{answer:?}");
    peer
}

fn lab_with_east(window: u32) -> Lab {
    Lab::with(connection(Who::West), three_children(Who::East, window))
}

fn want(lab: &mut Lab, who: Who, child: &str) {
    let now = lab.now;
    let endpoint = &mut lab.side(who).endpoint;
    endpoint.initiate_child(now, "site", child).unwrap();
    lab.drain();
}

fn rekey_lan(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who)
        .endpoint
        .rekey_child(now, "site", "lan")
        .unwrap();
    lab.drain();
}

fn rekey_ike(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who).endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
}

/// Exchange, message ID and payloads of what the lab has sent to the peer.
fn requests(lab: &mut Lab, peer: &Peer) -> Vec<(Datagram, u32, PayloadList)> {
    let sent = lab.intercept();
    sent.into_iter()
        .map(|datagram| {
            let (header, payloads) = peer.unseal(&datagram.payload);
            assert!(!header.flags.response);
            (datagram, header.message_id, payloads)
        })
        .collect()
}

fn ids(requests: &[(Datagram, u32, PayloadList)]) -> Vec<u32> {
    requests.iter().map(|(_, id, _)| *id).collect()
}

const BUSY: NotifyType = NotifyType::TEMPORARY_FAILURE;

/// ```text
/// SK { IDi, …, N(SET_WINDOW_SIZE)(4) } ──►
///                ◄── SK { IDr, …, N(SET_WINDOW_SIZE)(2), … }
/// SK { SA, Ni, TSi, TSr } 2 ──►
/// SK { SA, Ni, TSi, TSr } 3 ──►
/// ```
#[test]
fn both_say_how_many_requests_they_take() {
    let mut lab = Lab::with(three_children(Who::West, 4), three_children(Who::East, 2));
    lab.initiate();
    for _ in 0..4 {
        lab.step();
    }
    let announced = ladder(&lab.west);
    for message in &announced[2..4] {
        assert!(message.contains("N(SET_WINDOW_SIZE)"), "{message}");
    }
    assert!(!announced[0].contains("WINDOW") && !announced[1].contains("WINDOW"));
    let children = |side: &Side| side.ike_sa().children.len();
    assert_eq!(lab.wire.len(), 2, "two children are asked for at once");
    lab.run();
    assert_eq!((children(&lab.west), children(&lab.east)), (3, 3));

    // A peer that says nothing is asked one thing after the other.
    let mut lab = Lab::with(three_children(Who::West, 4), three_children(Who::East, 1));
    lab.initiate();
    for _ in 0..4 {
        lab.step();
    }
    assert_eq!(lab.wire.len(), 1);
    lab.run();
    assert_eq!((children(&lab.west), children(&lab.east)), (3, 3));
}

/// 2.3: request X waits for the answers to all requests up through X-N, not for N answers.
#[test]
fn the_oldest_request_holds_the_window() {
    let mut lab = lab_with_east(1);
    let mut peer = peer_with_window(&mut lab, 2);
    rekey_lan(&mut lab, Who::East);
    want(&mut lab, Who::East, "voice");
    want(&mut lab, Who::East, "video");
    let first = requests(&mut lab, &peer);
    assert_eq!(ids(&first), [0, 1]);
    peer.respond(&mut lab, &first[1].0, vec![notify(BUSY)]);
    assert!(lab.intercept().is_empty(), "0 isn't answered");
    peer.respond(&mut lab, &first[0].0, vec![notify(BUSY)]);
    assert_eq!(ids(&requests(&mut lab, &peer)), [2]);
}

/// What was said once counts; a window doesn't shrink, and what we have under way is bounded.
#[test]
fn abuse_45_a_window_only_grows_and_has_bounds() {
    for (said, at_once) in [
        (vec![u32::MAX], 3),
        (vec![0], 1),
        (vec![2, 1], 2),
        (vec![2, 0], 2),
    ] {
        let mut lab = lab_with_east(1);
        let mut peer = Peer::connect(&mut lab);
        for size in said {
            peer.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![window(size)]);
        }
        rekey_lan(&mut lab, Who::East);
        want(&mut lab, Who::East, "voice");
        want(&mut lab, Who::East, "video");
        assert_eq!(requests(&mut lab, &peer).len(), at_once);
    }
}

/// 2.3, 2.1: requests may pass one another; as many answers are kept as requests may be under way.
#[test]
fn requests_of_the_peer_come_in_any_order() {
    let mut lab = lab_with_east(3);
    let mut peer = Peer::connect(&mut lab);
    let next = peer.next_request;
    let messages: Vec<Vec<u8>> = (next..next + 6)
        .map(|id| {
            let header = peer.header(ExchangeType::INFORMATIONAL, false, id);
            peer.seal(header, Vec::new())
        })
        .collect();
    let mut say = |n: usize| exchange_raw(&mut lab, peer.local, peer.remote, &messages[n]);
    assert!(say(3).is_none(), "beyond the window");
    let third = say(2);
    assert!(third.is_some());
    let first = say(0);
    assert!(first.is_some());
    assert_eq!(say(2), third, "the same answer");
    assert_eq!(say(0), first);
    assert!(say(4).is_none(), "the second is missing");
    assert!(say(3).is_some());
    assert_eq!(
        say(0),
        None,
        "who sent the fourth has the answer to the first"
    );
    let second = say(1);
    assert!(second.is_some());
    assert!(say(4).is_some() && say(5).is_some());
    assert_eq!(say(1), None);
    assert_eq!(
        lab.east.drops(),
        [
            (DropReason::IkeUnexpectedMessageId, 4),
            (DropReason::IkeDuplicate, 2),
        ]
    );
}

/// Each request that is out is repeated on its own.
#[test]
fn what_is_lost_is_repeated_and_nothing_else() {
    let mut lab = Lab::with(three_children(Who::West, 4), three_children(Who::East, 4));
    lab.up();
    let before = lab.history.len();
    lab.lose = vec![before];
    let now = lab.now;
    for child in ["lan", "voice", "video"] {
        lab.west.endpoint.rekey_child(now, "site", child).unwrap();
    }
    lab.drain();
    lab.run();
    let repeated = |side: &Side| side.count(|h| matches!(h, Happening::Retransmitted { .. }));
    assert_eq!(repeated(&lab.west), 0);
    lab.pass(LONG);
    assert_eq!(repeated(&lab.west), 1);
    let rekeyed = |side: &Side| side.count(|h| matches!(h, Happening::ChildRekeyed { .. }));
    assert_eq!((rekeyed(&lab.west), rekeyed(&lab.east)), (3, 3));
    for side in [&lab.west, &lab.east] {
        assert_eq!((side.installed.len(), side.ike_sa().children.len()), (3, 3));
    }
}

/// 2.25.2 with a wider window: a new IKE SA comes after all that was begun before, and before all that comes later.
#[test]
fn the_ike_sa_is_rekeyed_alone() {
    let mut lab = lab_with_east(1);
    let mut peer = peer_with_window(&mut lab, 8);
    rekey_lan(&mut lab, Who::East);
    want(&mut lab, Who::East, "voice");
    rekey_ike(&mut lab, Who::East);
    want(&mut lab, Who::East, "video");
    let first = requests(&mut lab, &peer);
    assert_eq!(ids(&first), [0, 1]);
    peer.respond(&mut lab, &first[1].0, vec![notify(BUSY)]);
    assert!(lab.intercept().is_empty());
    peer.respond(&mut lab, &first[0].0, vec![notify(BUSY)]);
    let ike = requests(&mut lab, &peer);
    assert_eq!(ids(&ike), [2]);
    let offered = &ike[0].2.sa().unwrap().proposals;
    assert_eq!(offered[0].protocol, ProtocolId::IKE);
    peer.respond(&mut lab, &ike[0].0, vec![notify(BUSY)]);
    let last = requests(&mut lab, &peer);
    assert_eq!(ids(&last), [3]);
    assert!(last[0].2.ts_i().is_some(), "video");
}

/// 1.3.2: the window of a new IKE SA is one, until the first message on it says more.
#[test]
fn a_new_ike_sa_begins_with_a_window_of_one() {
    let mut lab = Lab::with(three_children(Who::West, 4), three_children(Who::East, 4));
    lab.up();
    rekey_ike(&mut lab, Who::West);
    lab.run();
    let now = lab.now;
    for child in ["lan", "voice", "video"] {
        lab.west.endpoint.rekey_child(now, "site", child).unwrap();
    }
    lab.drain();
    assert_eq!(lab.wire.len(), 1);
    lab.step();
    lab.step();
    let messages = ladder(&lab.west);
    let last: Vec<&String> = messages.iter().rev().take(5).collect();
    assert!(last[4].contains("CREATE_CHILD_SA request 0") && last[3].contains("WINDOW"));
    assert!(last[3].contains("CREATE_CHILD_SA response 0") && last[3].contains("WINDOW"));
    assert_eq!(
        lab.wire.len(),
        3,
        "two more, and the first old one's deletion"
    );
    lab.run();
    lab.pass(LONG);
    assert_eq!((lab.west.installed.len(), lab.east.installed.len()), (3, 3));
    let told = |m: &&String| m.contains("SET_WINDOW_SIZE");
    assert_eq!(
        ladder(&lab.west).iter().filter(told).count(),
        4,
        "once each"
    );
}

/// An old pair isn't deleted while the request to replace it is under way, however wide the window.
#[test]
fn a_pair_is_deleted_after_it_was_replaced() {
    let mut lab = lab_with_east(1);
    let mut peer = peer_with_window(&mut lab, 8);
    rekey_lan(&mut lab, Who::East);
    let now = lab.now;
    lab.east
        .endpoint
        .terminate_child(now, "site", "lan")
        .unwrap();
    lab.drain();
    let first = requests(&mut lab, &peer);
    assert_eq!(ids(&first), [0]);
    peer.respond(&mut lab, &first[0].0, vec![notify(BUSY)]);
    let second = requests(&mut lab, &peer);
    assert!(second[0].2.deletes().any(|d| d.protocol == ProtocolId::ESP));
}

/// A goodbye doesn't wait where the window leaves room, and its answer alone ends the IKE SA.
#[test]
fn an_ike_sa_is_deleted_with_requests_under_way() {
    for (size, sent) in [(4, vec![0, 1]), (1, vec![0])] {
        let mut lab = lab_with_east(1);
        let mut peer = peer_with_window(&mut lab, size);
        rekey_lan(&mut lab, Who::East);
        let now = lab.now;
        lab.east.endpoint.terminate(now, "site").unwrap();
        lab.drain();
        let mut all = requests(&mut lab, &peer);
        assert_eq!(ids(&all), sent);
        peer.respond(&mut lab, &all[0].0, vec![notify(BUSY)]);
        assert_eq!(lab.east.ike_sa().state, IkeSaState::Closing);
        all.extend(requests(&mut lab, &peer));
        let (datagram, _, payloads) = &all[1];
        assert!(payloads.deletes().any(|d| d.protocol == ProtocolId::IKE));
        peer.respond(&mut lab, datagram, Vec::new());
        assert!(lab.east.endpoint.snapshot().is_empty());
        assert_eq!(lab.east.closed(), ["deleted"]);
    }
}

/// 2.25.2: our requests are under way when the peer's new IKE SA, or its deletion, overtakes them.
#[test]
fn the_peer_rekeys_or_deletes_what_we_are_busy_with() {
    let mut lab = lab_with_east(4);
    let mut peer = peer_with_window(&mut lab, 4);
    rekey_lan(&mut lab, Who::East);
    want(&mut lab, Who::East, "voice");
    let ours = requests(&mut lab, &peer);
    let spi = peer.our_spi.to_bytes();
    let offer = vec![
        Payload::Sa(common::peer::ike_sa(&spi)),
        Payload::Nonce(Nonce(vec![7; 32])),
        Payload::Ke(KePayload {
            method: KeMethod::CURVE25519,
            data: vec![9; 32],
        }),
    ];
    let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, offer);
    assert_eq!(answer.error_notify().unwrap().kind, BUSY);
    // The pair that is being rekeyed is deleted: as usual, and nothing takes its place.
    let delete = Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]));
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![delete]);
    assert_eq!(answer.deletes().count(), 1);
    for (datagram, _, _) in &ours {
        let lost = notify(NotifyType::CHILD_SA_NOT_FOUND);
        peer.respond(&mut lab, datagram, vec![lost]);
    }
    assert!(lab.east.installed.is_empty());
    assert!(lab.east.ike_sa().children.is_empty());
}

/// Both sides renew all children at once; whatever single message is lost, one pair of each stays.
#[test]
fn abuse_43_several_collisions_at_once() {
    for lost in 0..24 {
        let mut lab = Lab::with(three_children(Who::West, 4), three_children(Who::East, 3));
        lab.up();
        lab.lose = vec![lab.history.len() + lost];
        let now = lab.now;
        for child in ["lan", "voice", "video"] {
            for who in [Who::West, Who::East] {
                let endpoint = &mut lab.side(who).endpoint;
                endpoint.rekey_child(now, "site", child).unwrap();
            }
        }
        if lost % 2 == 1 {
            rekey_ike(&mut lab, Who::West);
        }
        lab.drain();
        lab.run();
        lab.pass(LONG);
        for side in [&lab.west, &lab.east] {
            let sa = side.ike_sa();
            let mut names: Vec<&str> = sa.children.iter().map(|c| c.name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(
                names,
                ["lan", "video", "voice"],
                "lost {lost}: {:#?}",
                ladder(side)
            );
            assert_eq!(side.installed.len(), 3);
        }
        let spis = |side: &Side| {
            let pairs = side.installed.iter().map(|sa| (sa.spi_in, sa.spi_out));
            pairs.collect::<std::collections::BTreeSet<_>>()
        };
        let mirrored = spis(&lab.east).into_iter().map(|(i, o)| (o, i)).collect();
        assert_eq!(spis(&lab.west), mirrored);
    }
}

fn few_message_ids() -> Settings {
    Settings {
        message_id_limit: 10,
        ..Settings::default()
    }
}

/// 2.2: message IDs never wrap; the IKE SA is rekeyed well before, whoever has used them.
#[test]
fn abuse_34_message_ids_that_run_out_renew_the_ike_sa() {
    for limited in [Who::West, Who::East] {
        let settings = |who| match who == limited {
            true => few_message_ids(),
            false => Settings::default(),
        };
        let mut lab = Lab::bare(settings(Who::West), settings(Who::East));
        let mut west = connection(Who::West);
        west.dpd_delay = Duration::from_secs(10);
        let now = lab.now;
        lab.west.endpoint.set_connection(now, Arc::new(west));
        let east = connection(Who::East);
        lab.east.endpoint.set_connection(now, Arc::new(east));
        lab.up();
        let first = lab.west.ike_sa().spis;
        lab.pass(Duration::from_secs(75));
        assert_eq!(lab.west.ike_sa().spis, first);
        lab.pass(Duration::from_secs(30));
        assert_ne!(lab.west.ike_sa().spis, first, "{limited:?}");
        assert_one(&lab);
    }
}

/// A peer that lets nobody rekey loses the IKE SA before message IDs run out.
#[test]
fn message_ids_end_with_the_ike_sa() {
    let mut lab = Lab::bare(Settings::default(), few_message_ids());
    let now = lab.now;
    lab.east
        .endpoint
        .set_connection(now, Arc::new(connection(Who::East)));
    let mut peer = Peer::connect(&mut lab);
    for _ in 0..18 {
        peer.ask(&mut lab, ExchangeType::INFORMATIONAL, Vec::new());
    }
    assert!(lab.east.is_up());
    peer.ask(&mut lab, ExchangeType::INFORMATIONAL, Vec::new());
    let now = lab.now;
    lab.east.endpoint.handle_timeout(now);
    lab.drain();
    assert!(
        lab.east
            .saw(|h| matches!(h, Happening::Expired { limit, .. } if limit == "20 requests"))
    );
    assert!(!lab.east.is_up());
}
