//! A connection that is configured otherwise while it is up: what isn't touched stays, what is comes anew or goes.

use crate::common::*;
use crate::config_payload;
use crate::renewal::{assert_one, names, two_children};

use std::sync::Arc;
use std::time::Duration;

use adit_model::connection::Connection;
use adit_model::event::Happening;

fn configure(lab: &mut Lab, who: Who, connection: Connection) {
    let now = lab.now;
    let endpoint = &mut lab.side(who).endpoint;
    endpoint.set_connection(now, Arc::new(connection));
    lab.drain();
    lab.run();
}

fn spi(side: &Side, child: &str) -> Vec<u32> {
    let of = |sa: &&adit_model::dataplane::ChildSa| sa.child == child;
    side.installed
        .iter()
        .filter(of)
        .map(|sa| sa.spi_in)
        .collect()
}

/// How many requests with a CHILD SA's deletion a side has sent.
fn deletions(side: &Side) -> usize {
    ladder(side)
        .iter()
        .filter(|line| line.contains("INFORMATIONAL"))
        .count()
}

/// The child `voice` between other networks.
fn other_voice(who: Who) -> Connection {
    let mut c = two_children(who);
    let (here, there) = match who {
        Who::West => ("10.1.8.0/24", "10.2.8.0/24"),
        Who::East => ("10.2.8.0/24", "10.1.8.0/24"),
    };
    c.children[1].local_ts = selectors(&[here]);
    c.children[1].remote_ts = selectors(&[there]);
    c
}

fn up() -> Lab {
    let mut lab = Lab::with(two_children(Who::West), two_children(Who::East));
    lab.up();
    assert_eq!(names(&lab.east), ["lan", "voice"]);
    lab
}

fn assert_same(lab: &Lab) {
    let (west, east) = (lab.west.ike_sa(), lab.east.ike_sa());
    assert_eq!(west.children.len(), lab.west.installed.len());
    assert_eq!(east.children.len(), lab.east.installed.len());
    for sa in &lab.west.installed {
        let theirs = lab.east.installed.iter();
        assert_eq!(theirs.filter(|t| t.spi_out == sa.spi_in).count(), 1);
    }
    assert!(lab.west.closed().is_empty() && lab.east.closed().is_empty());
}

#[test]
fn a_child_that_is_configured_no_more_is_deleted_and_the_other_stays() {
    for who in [Who::West, Who::East] {
        let mut lab = up();
        let lan = spi(&lab.west, "lan");
        configure(&mut lab, who, connection(who));
        assert_eq!(
            (names(&lab.west), names(&lab.east)),
            (vec!["lan".to_owned()], vec!["lan".to_owned()])
        );
        assert_eq!(spi(&lab.west, "lan"), lan);
        // It isn't asked for again by who has it no more.
        let begun = lab.side(who).events.len();
        lab.pass(Duration::from_secs(20 * 60));
        let asked = |h: &Happening| matches!(h, Happening::Sent(m) if m.exchange == "CREATE_CHILD_SA" && !m.response);
        assert!(!lab.side(who).events[begun..].iter().any(|e| asked(&e.what)));
        assert_same(&lab);
    }
}

#[test]
fn a_changed_child_is_replaced_whoever_is_configured_first() {
    for (first, second) in [(Who::West, Who::East), (Who::East, Who::West)] {
        let mut lab = up();
        let (lan, voice) = (spi(&lab.west, "lan"), spi(&lab.west, "voice"));
        let ike = lab.west.ike_sa().spis;
        configure(&mut lab, first, other_voice(first));
        assert_eq!(spi(&lab.west, "lan"), lan);
        assert_eq!(
            spi(&lab.west, "voice"),
            Vec::<u32>::new(),
            "both sides don't agree now"
        );
        configure(&mut lab, second, other_voice(second));
        // It has no pair of it by now, so its gateway asks.
        let now = lab.now;
        let endpoint = &mut lab.side(second).endpoint;
        endpoint.initiate_child(now, "site", "voice").unwrap();
        lab.drain();
        lab.run();
        assert_eq!(spi(&lab.west, "lan"), lan);
        let new = spi(&lab.west, "voice");
        assert!(new.len() == 1 && new != voice, "{new:?}");
        let sa = lab
            .west
            .installed
            .iter()
            .find(|sa| sa.child == "voice")
            .unwrap();
        assert_eq!(sa.ts_local, selectors(&["10.1.8.0/24"]));
        assert_eq!(lab.west.ike_sa().spis, ike);
        lab.pass(Duration::from_secs(20 * 60));
        assert_eq!(spi(&lab.west, "voice"), new);
        assert_same(&lab);
    }
}

#[test]
fn another_lifetime_counts_from_the_next_renewal_on() {
    let mut lab = up();
    let (lan, voice) = (spi(&lab.west, "lan"), spi(&lab.west, "voice"));
    let mut west = two_children(Who::West);
    west.children[0].life.rekey = Duration::from_secs(600);
    west.dpd_delay = Duration::from_secs(7);
    configure(&mut lab, Who::West, west);
    assert_eq!(
        (spi(&lab.west, "lan"), spi(&lab.west, "voice")),
        (lan.clone(), voice)
    );
    let now = lab.now;
    lab.west.endpoint.rekey_child(now, "site", "lan").unwrap();
    lab.drain();
    lab.run();
    let first = spi(&lab.west, "lan");
    assert_ne!(first, lan);
    lab.pass(Duration::from_secs(601));
    assert_ne!(spi(&lab.west, "lan"), first, "rekeyed by the new lifetime");
    assert_same(&lab);
}

/// The data plane knows whole seconds, and mustn't end an SA before we do.
#[test]
fn a_lifetime_of_half_a_second_more_counts_as_a_second_more() {
    for (lifetime, seconds) in [(16_000, 16), (16_500, 17), (500, 1), (0, 0)] {
        let mut west = connection(Who::West);
        let life = &mut west.children[0].life;
        (life.rekey, life.lifetime) = (Duration::ZERO, Duration::from_millis(lifetime));
        let mut lab = Lab::with(west, connection(Who::East));
        lab.up();
        assert_eq!(lab.west.installed[0].limits.seconds, seconds);
    }
}

/// A guest has its address, and no part in how large the pool is that it comes from.
#[test]
fn a_pool_that_grows_cuts_nobody() {
    let west = config_payload::client(&["0.0.0.0"]);
    let east = config_payload::server();
    let mut lab = config_payload::lab(west, east.clone(), "10.3.0.0/24");
    lab.up();
    let (ours, theirs) = (spi(&lab.west, "lan"), spi(&lab.east, "lan"));
    let mut larger = east.clone();
    larger.children[0].remote_ts = selectors(&["10.3.0.0/16", "fd00:3::/56"]);
    configure(&mut lab, Who::East, larger.clone());
    lab.pass(Duration::from_secs(60));
    assert_eq!(
        (spi(&lab.west, "lan"), spi(&lab.east, "lan")),
        (ours, theirs.clone())
    );
    assert_eq!((deletions(&lab.west), deletions(&lab.east)), (0, 0));
    assert_same(&lab);
    // The next pair is between the same, and what else is configured otherwise still counts.
    let now = lab.now;
    lab.east.endpoint.rekey_child(now, "site", "lan").unwrap();
    lab.drain();
    lab.run();
    assert_ne!(spi(&lab.east, "lan"), theirs);
    assert_eq!(lab.east.installed[0].ts_remote, selectors(&["10.3.0.1"]));
    assert_same(&lab);
    larger.children[0].local_ts = selectors(&["10.2.0.0/26"]);
    configure(&mut lab, Who::East, larger);
    let now = spi(&lab.east, "lan");
    assert!(now != theirs && deletions(&lab.east) > 0, "{now:?}");
}

/// ```text
/// CREATE_CHILD_SA (voice) ──►
///              [ voice is configured otherwise ]
///                         ◄── TS_UNACCEPTABLE
/// CREATE_CHILD_SA (voice, as it is configured now) ──►
/// ```
#[test]
fn what_was_refused_under_old_terms_is_asked_for_at_once() {
    let mut lab = Lab::with(connection(Who::West), other_voice(Who::East));
    lab.up();
    let now = lab.now;
    let endpoint = &mut lab.west.endpoint;
    endpoint.set_connection(now, Arc::new(two_children(Who::West)));
    endpoint.initiate_child(now, "site", "voice").unwrap();
    lab.drain();
    lab.step();
    let endpoint = &mut lab.west.endpoint;
    endpoint.set_connection(now, Arc::new(other_voice(Who::West)));
    // As a reload does: it is on its way already.
    endpoint.initiate_child(now, "site", "voice").unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.west.peer_refusals().len(), 1, "{:?}", ladder(&lab.west));
    assert_eq!(lab.now.mono, now.mono, "nobody waited");
    assert_eq!(spi(&lab.west, "voice").len(), 1);
    assert_same(&lab);
}

/// ```text
/// CREATE_CHILD_SA (voice) ──►
///              [ voice is configured otherwise ]
///                         ◄── answer
/// DELETE, CREATE_CHILD_SA (voice, as it is configured now) ──►
/// ```
#[test]
fn what_is_under_way_under_old_terms_is_put_right() {
    let mut lab = Lab::with(connection(Who::West), two_children(Who::East));
    lab.up();
    let now = lab.now;
    let endpoint = &mut lab.west.endpoint;
    endpoint.set_connection(now, Arc::new(two_children(Who::West)));
    endpoint.initiate_child(now, "site", "voice").unwrap();
    lab.drain();
    lab.step();
    // East has answered; it and west are configured otherwise before the answer is there.
    for who in [Who::East, Who::West] {
        let endpoint = &mut lab.side(who).endpoint;
        endpoint.set_connection(now, Arc::new(other_voice(who)));
    }
    lab.drain();
    lab.run();
    assert_eq!(names(&lab.west)[0], "lan");
    let voices: Vec<_> = lab
        .west
        .installed
        .iter()
        .filter(|sa| sa.child == "voice")
        .collect();
    assert!(!voices.is_empty());
    for sa in voices {
        assert_eq!(sa.ts_local, selectors(&["10.1.8.0/24"]));
    }
    assert_same(&lab);
}

/// What is being set up comes up under the configuration as it is by then.
#[test]
fn a_change_between_the_first_message_and_the_last_is_minded() {
    for steps in 0..4 {
        let mut lab = Lab::with(two_children(Who::West), two_children(Who::East));
        lab.initiate();
        for _ in 0..steps {
            lab.step();
        }
        let now = lab.now;
        for who in [Who::East, Who::West] {
            let endpoint = &mut lab.side(who).endpoint;
            endpoint.set_connection(now, Arc::new(connection(who)));
        }
        lab.drain();
        lab.run();
        assert_one(&lab);
    }
}
