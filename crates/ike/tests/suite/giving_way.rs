//! An attempt of ours that is ended so that the peer may begin.

use crate::common;

use adit_ike::IkeSaState;
use adit_model::event::{Happening, Party};
use common::*;

/// ```text
/// west                    east
/// IKE_SA_INIT   -->  (lost)
/// ```
#[test]
fn an_attempt_without_an_answer_just_ends() {
    let mut lab = Lab::new();
    lab.initiate();
    assert_eq!(lab.intercept().len(), 1);
    let now = lab.now;
    assert_eq!(lab.west.endpoint.give_way(now, "site", true), 1);
    lab.drain();
    assert!(lab.wire.is_empty(), "nobody has to be told");
    assert_eq!(lab.west.closed(), ["gave-way"]);
    assert!(lab.west.endpoint.snapshot().is_empty());
    // It isn't repeated, and another one may begin.
    lab.pass(core::time::Duration::from_secs(60));
    assert_eq!(lab.history.len(), 1);
    lab.up();
}

/// ```text
/// west                    east
/// IKE_SA_INIT   -->
///               <--  IKE_SA_INIT
/// IKE_AUTH      -->  which has the IKE SA now
///    (lost)     <--  IKE_AUTH
/// INFORMATIONAL { D } -->
/// ```
#[test]
fn a_peer_that_may_have_the_ike_sa_is_told_to_delete_it() {
    let mut lab = Lab::new();
    lab.lose = vec![3];
    lab.initiate();
    lab.run();
    assert!(lab.east.is_up() && !lab.west.is_up());
    let now = lab.now;
    // It has answered, so it may still answer.
    assert_eq!(lab.west.endpoint.give_way(now, "site", true), 0);
    assert_eq!(lab.west.endpoint.give_way(now, "site", false), 1);
    lab.drain();
    lab.run();
    lab.pass(core::time::Duration::from_secs(10));
    assert!(
        lab.east.endpoint.snapshot().is_empty(),
        "{:#?}",
        lab.east.events
    );
    assert!(lab.west.endpoint.snapshot().is_empty());
    assert!(lab.east.saw(|h| matches!(
        h,
        Happening::IkeClosed { by: Party::Peer, cause } if cause == "deleted"
    )));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

#[test]
fn what_is_up_or_the_peers_goes_on() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    assert_eq!(lab.west.endpoint.give_way(now, "site", false), 0);
    assert_eq!(lab.west.ike_sa().state, IkeSaState::Established);

    let mut lab = Lab::new();
    lab.initiate();
    lab.step();
    // East has answered IKE_SA_INIT; the attempt isn't its own.
    assert_eq!(lab.east.endpoint.give_way(now, "site", false), 0);
    lab.run();
    assert!(lab.east.is_up());
}
