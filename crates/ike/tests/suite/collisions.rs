//! Both sides at once (RFC 7296 2.8.1, 2.8.2, 2.25): exactly one survivor, and nothing left behind.

use crate::common;
use crate::renewal::assert_one;

use std::time::Duration;

use adit_ike::{ChildSaState, IkeSaState};
use adit_model::event::{Happening, Party};
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::{Delete, Payload};
use common::peer::Peer;
use common::*;

const LONG: Duration = Duration::from_secs(100);

fn rekey_child(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who)
        .endpoint
        .rekey_child(now, "site", "lan")
        .unwrap();
}

fn delete_child(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who)
        .endpoint
        .terminate_child(now, "site", "lan")
        .unwrap();
}

fn rekey_ike(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who).endpoint.rekey_ike(now, "site").unwrap();
}

fn try_child(lab: &mut Lab, who: Who) {
    let now = lab.now;
    lab.side(who)
        .endpoint
        .try_rekey_child(now, "site", "lan")
        .unwrap();
}

/// Whose new SA each side says has stayed, in the last collision.
fn kept(lab: &Lab) -> (Option<Party>, Option<Party>) {
    let of = |side: &Side| {
        let said = side.happenings().filter_map(|h| match h {
            Happening::RekeyCollision { kept, .. } => Some(*kept),
            _ => None,
        });
        said.last()
    };
    (of(&lab.west), of(&lab.east))
}

/// Both sides agree on who won; over some rounds each does.
fn assert_agreed(wins: &mut [u32; 2], lab: &Lab) {
    match kept(lab) {
        (Some(Party::Us), Some(Party::Peer)) => wins[0] += 1,
        (Some(Party::Peer), Some(Party::Us)) => wins[1] += 1,
        other => panic!("{other:?}"),
    }
}

/// 2.8.1: both requests cross, both are answered; the pair with the lowest of the four nonces goes.
#[test]
fn abuse_43_both_rekey_a_child() {
    let mut lab = Lab::new();
    lab.up();
    let mut wins = [0, 0];
    for _ in 0..16 {
        rekey_child(&mut lab, Who::West);
        rekey_child(&mut lab, Who::East);
        lab.drain();
        lab.run();
        assert_one(&lab);
        assert_agreed(&mut wins, &lab);
        // A minute for those who would come too late.
        lab.pass(LONG);
        assert_one(&lab);
    }
    assert!(wins[0] > 0 && wins[1] > 0, "{wins:?}");
}

/// 2.8.2, first half: the peer's request is seen only after ours is over: it comes too late.
#[test]
fn a_rekey_that_comes_too_late() {
    let mut lab = Lab::new();
    lab.up();
    rekey_child(&mut lab, Who::East);
    lab.drain();
    let late = lab.intercept();
    rekey_child(&mut lab, Who::West);
    lab.drain();
    lab.run();
    for datagram in late {
        lab.deliver(&datagram);
    }
    lab.run();
    assert_one(&lab);
    assert_eq!(kept(&lab), (None, None), "west never saw two");
    lab.pass(LONG);
    assert_one(&lab);
}

/// 2.8.1: one answer is lost, so that one side knows of the collision long before the other.
#[test]
fn both_rekey_a_child_and_an_answer_is_lost() {
    for lost in 0..2 {
        let mut lab = Lab::new();
        lab.up();
        rekey_child(&mut lab, Who::West);
        rekey_child(&mut lab, Who::East);
        lab.drain();
        // The two requests are sent; of the two answers one is lost, and so is everything until a repetition.
        lab.lose = vec![lab.history.len() + lost];
        lab.run();
        lab.pass(LONG);
        assert_one(&lab);
    }
}

/// Every single message of a collision may be lost.
#[test]
fn abuse_43_whatever_is_lost_one_stays() {
    for what in 0..4 {
        for lost in 0..8 {
            let mut lab = Lab::new();
            lab.up();
            lab.lose = vec![lab.history.len() + lost];
            match what {
                0 => {
                    rekey_child(&mut lab, Who::West);
                    rekey_child(&mut lab, Who::East);
                }
                1 => {
                    rekey_ike(&mut lab, Who::West);
                    rekey_ike(&mut lab, Who::East);
                }
                2 => {
                    rekey_ike(&mut lab, Who::West);
                    rekey_child(&mut lab, Who::East);
                }
                _ => {
                    rekey_child(&mut lab, Who::West);
                    rekey_ike(&mut lab, Who::East);
                }
            }
            lab.drain();
            lab.run();
            lab.pass(LONG);
            assert_one(&lab);
        }
    }
}

/// 2.25.2: both put a new IKE SA in the old one's place; one of them inherits the children.
#[test]
fn abuse_43_both_rekey_the_ike_sa() {
    let mut lab = Lab::new();
    lab.up();
    let pair = lab.west.installed[0].spi_in;
    let mut wins = [0, 0];
    for _ in 0..16 {
        rekey_ike(&mut lab, Who::West);
        rekey_ike(&mut lab, Who::East);
        lab.drain();
        lab.run();
        assert_agreed(&mut wins, &lab);
        lab.pass(LONG);
        assert_one(&lab);
    }
    assert_eq!(lab.west.installed[0].spi_in, pair);
    assert!(wins[0] > 0 && wins[1] > 0, "{wins:?}");
}

/// 2.25.2: a CHILD SA isn't rekeyed on an IKE SA that is being rekeyed, nor the other way round: both step back, and
/// come again at different times.
#[test]
fn ike_sa_and_child_at_once() {
    let mut lab = Lab::new();
    lab.up();
    let pair = lab.west.installed[0].spi_in;
    let ike = lab.west.ike_sa().spis;
    rekey_ike(&mut lab, Who::West);
    rekey_child(&mut lab, Who::East);
    lab.drain();
    lab.run();
    for side in [&lab.west, &lab.east] {
        assert!(side.saw(|h| matches!(
            h,
            Happening::PutOff {
                wait_ms: 500..=1500,
                ..
            }
        )));
    }
    lab.pass(LONG);
    assert_one(&lab);
    assert_ne!(lab.west.installed[0].spi_in, pair);
    assert_ne!(lab.west.ike_sa().spis, ike);
}

/// 2.25.1: the peer deletes what we are rekeying. It is answered as usual, and nothing takes the place.
#[test]
fn a_child_is_deleted_while_we_rekey_it() {
    for notify in [
        NotifyType::TEMPORARY_FAILURE,
        NotifyType::CHILD_SA_NOT_FOUND,
    ] {
        let mut lab = Lab::new();
        let mut peer = Peer::connect(&mut lab);
        let spi_in = lab.east.installed[0].spi_in;
        rekey_child(&mut lab, Who::East);
        lab.drain();
        let request = lab.intercept().pop().unwrap();
        let delete = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]))];
        let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, delete);
        let deleted: Vec<&Delete> = answer.deletes().collect();
        assert_eq!(deleted, [&Delete::child(ProtocolId::ESP, [spi_in])]);
        assert!(lab.east.installed.is_empty());
        peer.respond(&mut lab, &request, vec![common::peer::notify(notify)]);
        assert!(lab.intercept().is_empty(), "nothing more is asked for");
        assert!(lab.east.installed.is_empty());
        assert!(lab.east.ike_sa().children.is_empty());
    }
}

/// 2.25: the peer has lost the pair. Ours is of no use; another one is asked for.
#[test]
fn the_peer_has_lost_the_child() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    rekey_child(&mut lab, Who::East);
    lab.drain();
    let request = lab.intercept().pop().unwrap();
    let not_found = common::peer::notify(NotifyType::CHILD_SA_NOT_FOUND);
    peer.respond(&mut lab, &request, vec![not_found]);
    assert!(lab.east.installed.is_empty());
    let again = lab.intercept().pop().unwrap();
    let (_, payloads) = peer.unseal(&again.payload);
    assert!(payloads.sa().is_some());
    assert!(payloads.notify(NotifyType::REKEY_SA).is_none());
}

/// The peer wants to rekey what we are deleting: not now (2.25.1). And it deletes the IKE SA that we are rekeying: as
/// usual, and our request is forgotten (2.25.2).
#[test]
fn the_ike_sa_is_deleted_while_we_rekey_it() {
    let mut lab = Lab::new();
    lab.up();
    rekey_ike(&mut lab, Who::West);
    lab.drain();
    let request = lab.intercept();
    let now = lab.now;
    lab.east.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.west.closed(), ["deleted"]);
    for datagram in request {
        lab.deliver(&datagram);
    }
    lab.pass(LONG);
    assert!(lab.west.endpoint.snapshot().is_empty());
    assert!(lab.east.endpoint.snapshot().is_empty());
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

/// The connection is taken down while a new IKE SA is on its way: that one goes too.
#[test]
fn taken_down_while_rekeying_the_ike_sa() {
    for lost in [None, Some(0), Some(1), Some(2), Some(3)] {
        let mut lab = Lab::new();
        lab.up();
        lab.lose = lost.map(|n| lab.history.len() + n).into_iter().collect();
        rekey_ike(&mut lab, Who::West);
        let now = lab.now;
        lab.west.endpoint.terminate(now, "site").unwrap();
        lab.drain();
        assert!(lab.west.installed.is_empty());
        lab.run();
        lab.pass(LONG);
        assert!(lab.west.endpoint.snapshot().is_empty(), "{lost:?}");
        assert!(lab.east.endpoint.snapshot().is_empty(), "{lost:?}");
        assert!(lab.east.installed.is_empty());
        assert!(lab.west.closed().contains(&"deleted".to_owned()));
    }
}

/// Both take the connection down at once (2.25.2).
#[test]
fn both_delete_the_ike_sa() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.east.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.pass(LONG);
    for side in [&lab.west, &lab.east] {
        assert_eq!(side.closed(), ["deleted"]);
        assert!(side.endpoint.snapshot().is_empty() && side.installed.is_empty());
    }
}

/// Both delete a child at once: each names it in its request, neither in its answer (1.4.1).
#[test]
fn both_delete_a_child() {
    let mut lab = Lab::new();
    lab.up();
    delete_child(&mut lab, Who::West);
    delete_child(&mut lab, Who::East);
    lab.drain();
    lab.run();
    for side in [&lab.west, &lab.east] {
        assert!(side.installed.is_empty() && side.ike_sa().children.is_empty());
        assert_eq!(side.ike_sa().state, IkeSaState::Established);
        let answers = ladder(side);
        assert!(answers.iter().any(|m| m.contains("INFORMATIONAL response")));
    }
}

/// One deletes the child that the other rekeys (2.25.1).
#[test]
fn a_child_is_rekeyed_and_deleted_at_once() {
    let mut lab = Lab::new();
    lab.up();
    rekey_child(&mut lab, Who::West);
    delete_child(&mut lab, Who::East);
    lab.drain();
    lab.run();
    lab.pass(LONG);
    for side in [&lab.west, &lab.east] {
        let children = side.ike_sa().children;
        assert!(children.iter().all(|c| c.state == ChildSaState::Installed));
        assert_eq!(side.installed.len(), children.len());
        assert!(children.is_empty());
    }
}

/// The IKE SA is rekeyed while the other side asks for another child (2.25.2).
#[test]
fn the_ike_sa_is_rekeyed_while_a_child_is_created() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    delete_child(&mut lab, Who::West);
    lab.drain();
    lab.run();
    rekey_ike(&mut lab, Who::East);
    lab.west
        .endpoint
        .initiate_child(now, "site", "lan")
        .unwrap();
    lab.drain();
    lab.run();
    lab.pass(LONG);
    assert_one(&lab);
}

/// A rekey on trial crosses the peer's rekey of the IKE SA. Each is told TEMPORARY_FAILURE (2.25.2), the pair in use stays, and
/// is renewed when it would have been. The IKE SA is rekeyed a moment later, and the next trial goes over the new one.
///
/// ```text
/// west                              east
/// REKEY_SA lan (on trial)  --> <--  SA KE Ni (the IKE SA)
/// TEMPORARY_FAILURE        --> <--  TEMPORARY_FAILURE
/// ```
#[test]
fn a_trial_that_crosses_the_peers_rekey_of_the_ike_sa_costs_nothing() {
    let mut west = connection(Who::West);
    west.children[0].life.rekey = Duration::from_secs(3600);
    west.children[0].life.lifetime = Duration::from_secs(7200);
    let mut lab = Lab::with(west, connection(Who::East));
    lab.up();
    let pair = |lab: &Lab| {
        let child = &lab.west.ike_sa().children[0];
        (child.spi_in, child.rekey_at)
    };
    let (spis, before) = (lab.west.ike_sa().spis, pair(&lab));
    assert!(before.1.is_some());
    try_child(&mut lab, Who::West);
    rekey_ike(&mut lab, Who::East);
    lab.drain();
    lab.run();
    assert_one(&lab);
    assert_eq!(pair(&lab), before, "as if nothing had been tried");
    for side in [&lab.west, &lab.east] {
        assert!(side.saw(|h| matches!(h, Happening::PutOff { .. })));
        assert!(side.closed().is_empty());
    }
    lab.pass(LONG);
    assert_one(&lab);
    assert_ne!(lab.west.ike_sa().spis, spis, "east has tried again");
    assert_eq!(pair(&lab), before);
    try_child(&mut lab, Who::West);
    lab.drain();
    lab.run();
    assert_one(&lab);
    assert_ne!(pair(&lab).0, before.0);
    lab.assert_tunnel();
}

/// A trial of ours and our own rekey of the IKE SA: one goes after the other, whichever was first, also where an answer is lost.
#[test]
fn a_trial_and_our_own_rekey_of_the_ike_sa_go_one_after_the_other() {
    for trial_first in [true, false] {
        for lost in [None, Some(0), Some(1), Some(2), Some(3)] {
            let mut lab = Lab::new();
            lab.up();
            let (spis, pair) = {
                let sa = lab.west.ike_sa();
                (sa.spis, sa.children[0].spi_in)
            };
            lab.lose = lost.map(|n| lab.history.len() + n).into_iter().collect();
            if trial_first {
                try_child(&mut lab, Who::West);
                rekey_ike(&mut lab, Who::West);
            } else {
                rekey_ike(&mut lab, Who::West);
                try_child(&mut lab, Who::West);
            }
            lab.drain();
            lab.run();
            lab.pass(LONG);
            assert_one(&lab);
            let sa = lab.west.ike_sa();
            assert_ne!(sa.spis, spis, "trial first {trial_first}, lost {lost:?}");
            assert_ne!(sa.children[0].spi_in, pair);
            assert!(!lab.west.saw(|h| matches!(h, Happening::PutOff { .. })));
            lab.assert_tunnel();
        }
    }
}
