//! One IKE SA after another between the same peers: authenticating anew, and a peer that comes twice.

use crate::common;
use crate::renewal::assert_one;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::IkeSaState;
use adit_model::connection::{Connection, Remote};
use adit_model::dataplane::DataPlaneRequest;
use adit_model::event::Happening;
use adit_model::life::{Childless, Unique};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType};
use adit_wire::v2::{Message, Notify, Payload};
use common::peer::{Peer, esp_sa, ike_sa, ts};
use common::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn anew(mut connection: Connection, reauth: Duration) -> Connection {
    connection.life.reauth = reauth;
    connection
}

/// Whether a side had a pair at every moment since the first one.
fn without_gap(side: &Side) -> bool {
    let mut pairs = 0;
    side.data_plane.iter().all(|request| {
        match request {
            DataPlaneRequest::Install(_) => pairs += 1,
            DataPlaneRequest::Remove { .. } => pairs -= 1,
            _ => {}
        }
        pairs > 0
    })
}

/// Make before break: a second IKE SA with its child comes up, then the first one is deleted by who began (2.8.3).
#[test]
fn authenticating_anew_leaves_no_gap() {
    let mut lab = Lab::with(
        anew(connection(Who::West), 10 * MINUTE),
        connection(Who::East),
    );
    lab.up();
    let before = lab.west.ike_sa();
    let old_in = lab.east.installed[0].spi_in;
    lab.pass(10 * MINUTE);
    assert_one(&lab);
    let after = lab.west.ike_sa();
    assert_ne!(after.spis, before.spis);
    assert_ne!(after.children[0].spi_in, before.children[0].spi_in);
    assert!(without_gap(&lab.west) && without_gap(&lab.east));
    assert_eq!(lab.west.closed(), ["replaced"]);
    assert_eq!(lab.east.closed(), ["replaced"]);
    // East sends on the old pair until west has shown that it has the new one.
    assert!(
        lab.east
            .data_plane
            .iter()
            .any(|r| matches!(r, DataPlaneRequest::Install(sa) if sa.replaces == Some(old_in)))
    );
    lab.pass(60 * MINUTE);
    assert_one(&lab);
    assert!(lab.west.closed().len() >= 6);
}

#[test]
fn break_before_make_has_a_gap() {
    let mut west = anew(connection(Who::West), 10 * MINUTE);
    west.life.make_before_break = false;
    let mut lab = Lab::with(west, connection(Who::East));
    lab.up();
    lab.pass(10 * MINUTE);
    assert_one(&lab);
    assert!(!without_gap(&lab.west));
    assert_eq!(lab.west.closed(), ["replaced"]);
}

/// A new IKE SA that fails changes nothing for the old one, which tries again.
#[test]
fn authenticating_anew_may_fail() {
    let mut lab = Lab::with(
        anew(connection(Who::West), 10 * MINUTE),
        connection(Who::East),
    );
    lab.up();
    let before = lab.west.ike_sa().spis;
    lab.east.keys = Keys::HasNone;
    lab.pass(12 * MINUTE);
    assert_eq!(lab.west.ike_sa().spis, before);
    assert!(lab.west.is_up() && lab.east.is_up());
    assert!(lab.west.closed().iter().all(|cause| cause == "failed"));
    lab.east.keys = Keys::Holds(b"a shared secret");
    lab.pass(5 * MINUTE);
    assert_ne!(lab.west.ike_sa().spis, before);
    assert_one(&lab);
}

/// A peer whose certificate turns out to be revoked keeps nothing: the old IKE SA goes too, and both sides say so.
#[test]
fn a_revoked_peer_loses_what_it_has() {
    let mut lab = Lab::with(
        anew(connection(Who::West), 10 * MINUTE),
        connection(Who::East),
    );
    lab.up();
    lab.west.keys = Keys::Distrusts(b"a shared secret");
    lab.pass(11 * MINUTE);
    let (_, refusal, notify) = lab.west.refusals().remove(0);
    assert!(refusal.to_string().contains("revoked"), "{refusal}");
    assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
    let closed = lab.west.closed();
    assert!(closed.contains(&"revoked".to_owned()), "{closed:?}");
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
    assert!(lab.west.endpoint.is_idle());
}

/// RFC 4478: the responder says for how long, and the initiator obeys.
#[test]
fn the_responder_says_when() {
    let mut lab = Lab::with(
        connection(Who::West),
        anew(connection(Who::East), 10 * MINUTE),
    );
    lab.up();
    let said = ladder(&lab.west);
    assert!(said[3].contains("N(AUTH_LIFETIME)"), "{said:?}");
    // Both know when, and who.
    let (west, east) = (lab.west.ike_sa().reauth, lab.east.ike_sa().reauth);
    assert_eq!(west.told, Some((600, lab.now.mono + 10 * MINUTE)));
    assert!(west.began && west.ours.is_some_and(|at| at < lab.now.mono + 10 * MINUTE));
    assert_eq!((east.began, east.told), (false, None));
    assert_eq!(east.given, Some(lab.now.mono + 10 * MINUTE));
    assert_eq!(east.end, Some(lab.now.mono + 11 * MINUTE));
    // We had none of our own in mind; since when the time runs is known.
    assert_eq!((west.planned, west.proved), (None, Some(lab.now.mono)));
    let before = lab.west.ike_sa().spis;
    lab.pass(8 * MINUTE - Duration::from_secs(10));
    assert_eq!(lab.west.ike_sa().spis, before);
    lab.pass(MINUTE + Duration::from_secs(20));
    assert_ne!(lab.west.ike_sa().spis, before);
    assert_one(&lab);
    assert!(without_gap(&lab.west) && without_gap(&lab.east));
}

/// Who doesn't obey is deleted; who is told later obeys too.
#[test]
fn the_responder_means_it() {
    let mut lab = Lab::with(
        connection(Who::West),
        anew(connection(Who::East), 10 * MINUTE),
    );
    Peer::connect(&mut lab);
    lab.cut = true;
    lab.pass(10 * MINUTE);
    assert!(lab.east.is_up());
    lab.pass(2 * MINUTE);
    assert!(
        lab.east
            .saw(|h| matches!(h, Happening::Expired { why: Some(why), .. }
        if why == "the peer hasn't authenticated anew"))
    );
    assert!(lab.east.closed().contains(&"expired".to_owned()));

    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    let before = lab.west.ike_sa().spis;
    lab.west.endpoint.reauthenticate(now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.pass(2 * SECOND);
    assert_ne!(lab.west.ike_sa().spis, before);
    assert_one(&lab);
}

/// What was sealed under the old CHILD SA may still be on its way when the new one carries: who began deletes the old IKE SA
/// a second later, and until then both sides open what comes under either.
#[test]
fn what_is_on_its_way_under_the_old_one_still_arrives() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    lab.west.endpoint.reauthenticate(now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.pass(SECOND / 2);
    for side in [&lab.west, &lab.east] {
        let states = side.endpoint.snapshot().into_iter().map(|sa| sa.state);
        assert_eq!(states.filter(|s| *s == IkeSaState::Established).count(), 1);
        assert_eq!(side.installed.len(), 2, "both pairs open");
        assert_eq!(side.closed(), [""; 0]);
    }
    lab.pass(SECOND);
    assert_one(&lab);
    assert_eq!(lab.west.closed(), ["replaced"]);
}

/// What the peer was told is what it was told, whatever is configured by the time.
#[test]
fn what_the_peer_was_told_outlives_the_configuration() {
    let hour = Duration::from_secs(3600);
    for later in [Duration::ZERO, MINUTE, 24 * hour] {
        let mut lab = Lab::with(
            connection(Who::West),
            anew(connection(Who::East), 10 * MINUTE),
        );
        Peer::connect(&mut lab);
        lab.cut = true;
        let told = lab.east.ike_sa().reauth;
        assert_eq!(told.given, Some(lab.now.mono + 10 * MINUTE));
        assert_eq!(told.end, Some(lab.now.mono + 11 * MINUTE));
        let (now, later) = (lab.now, anew(connection(Who::East), later));
        lab.east.endpoint.set_connection(now, Arc::new(later));
        assert_eq!(lab.east.ike_sa().reauth, told);
        lab.pass(12 * MINUTE);
        let ended = lab
            .east
            .saw(|h| matches!(h, Happening::Expired { limit, .. } if limit == "600 s"));
        assert!(ended);
    }
}

fn lifetime_notify(seconds: u32) -> Payload {
    let data = seconds.to_be_bytes().to_vec();
    Payload::Notify(Notify::with_data(NotifyType::AUTH_LIFETIME, data))
}

/// The responder says that the time is over already, and says it again: each IKE SA has seconds all the same, and is
/// authenticated anew after that.
#[test]
fn a_lifetime_of_nothing_leaves_some_seconds() {
    for seconds in [0, 1, 9] {
        let mut lab = Lab::new();
        lab.initiate();
        let request = lab.intercept().pop().unwrap();
        let (mut peer, opening) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
        let request = lab.intercept().pop().unwrap();
        let mut answer = peer.authenticate_responder(&opening, "east.lab", b"a shared secret");
        answer.extend([
            Payload::Sa(esp_sa(0x1000, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
            lifetime_notify(seconds),
        ]);
        peer.respond(&mut lab, &request, answer);
        assert!(lab.west.is_up());
        for _ in 0..2 {
            let (at, _) = lab.west.endpoint.poll_timeout().unwrap();
            let wait = at.since(lab.now.mono);
            assert!((8..=9).contains(&wait.as_secs()), "{wait:?}");
            let again = vec![lifetime_notify(seconds)];
            peer.ask(&mut lab, ExchangeType::INFORMATIONAL, again);
        }
        lab.now = lab.now.plus(Duration::from_secs(9));
        let now = lab.now;
        lab.west.endpoint.handle_timeout(now);
        lab.drain();
        let opened = lab.intercept();
        let header = Message::parse(&opened[0].payload).unwrap().header;
        assert_eq!(header.exchange, ExchangeType::IKE_SA_INIT);
    }
}

/// A notify to who can't act on it, or one that is cut short, is nothing.
#[test]
fn a_lifetime_for_the_responder_means_nothing() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![lifetime_notify(60)],
    );
    let cut = Notify::with_data(NotifyType::AUTH_LIFETIME, vec![0, 1]);
    peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![Payload::Notify(cut)],
    );
    // What the peer said is kept, for a person.
    let reauth = lab.east.ike_sa().reauth;
    assert_eq!(reauth.told, Some((60, lab.now.mono + MINUTE)));
    assert_eq!((reauth.began, reauth.ours), (false, None));
    lab.pass(5 * MINUTE);
    assert!(lab.east.is_up());
    assert!(lab.intercept().is_empty());
}

/// The same peer comes again without a word about its first IKE SA: the older one makes room after a while.
#[test]
fn a_peer_that_comes_again_replaces_itself() {
    for (unique, left) in [(Unique::Replace, 1), (Unique::Keep, 1), (Unique::Never, 2)] {
        let mut east = connection(Who::East);
        east.life.unique = unique;
        let mut lab = Lab::with(connection(Who::West), east);
        Peer::connect(&mut lab);
        Peer::connect(&mut lab);
        lab.cut = true;
        lab.pass(MINUTE);
        let all = lab.east.endpoint.snapshot();
        let up = all.iter().filter(|sa| sa.state == IkeSaState::Established);
        assert_eq!(up.count(), left, "{unique:?}");
    }
}

/// `unique = "never"` means that INITIAL_CONTACT of one device leaves another one with the same identity alone.
#[test]
fn devices_that_share_an_identity() {
    for (unique, left) in [(Unique::Replace, 1), (Unique::Never, 2)] {
        let mut east = connection(Who::East);
        east.life.unique = unique;
        let mut lab = Lab::with(connection(Who::West), east);
        Peer::connect(&mut lab);
        let (mut second, opening) = Peer::open(&mut lab, Vec::new());
        let mut auth = second.authenticate(&opening, b"a shared secret");
        auth.extend([
            common::peer::notify(NotifyType::INITIAL_CONTACT),
            Payload::Sa(esp_sa(0x2000, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ]);
        second.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
        assert_eq!(lab.east.endpoint.snapshot().len(), left);
        assert_eq!(lab.east.installed.len(), left);
    }
}

/// `unique = "keep"`: from another address nobody comes in under the same identity.
#[test]
fn who_is_here_is_not_let_in_from_elsewhere() {
    let mut east = connection(Who::East);
    east.remote = Remote::Any;
    east.life.unique = Unique::Keep;
    let mut lab = Lab::with(connection(Who::West), east);
    lab.nats = vec![Nat {
        inside: ip(WEST),
        outside: ip("203.0.113.9"),
        shift: 0,
    }];
    lab.up();
    let (mut second, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = second.authenticate(&opening, b"a shared secret");
    auth.extend([
        Payload::Sa(esp_sa(0x2000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let answer = second.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    let notify = answer.error_notify().unwrap();
    assert_eq!(notify.kind, NotifyType::AUTHENTICATION_FAILED);
    let (_, refusal, _) = lab.east.refusals().pop().unwrap();
    let expected = Refusal::PeerIsHere {
        peer: fqdn("west.lab"),
        from: ip(WEST),
        present: ip("203.0.113.9"),
    };
    assert_eq!(refusal, expected);
    assert!(lab.east.is_up());
}

/// RFC 6023: the first child comes by CREATE_CHILD_SA, and so has a key exchange of its own.
#[test]
fn the_first_child_may_follow() {
    for (wanted, taken, childless) in [
        (Childless::Allow, Childless::Allow, false),
        (Childless::Prefer, Childless::Allow, true),
        (Childless::Force, Childless::Allow, true),
        (Childless::Prefer, Childless::Never, false),
    ] {
        let (mut west, mut east) = (connection(Who::West), connection(Who::East));
        west.life.childless = wanted;
        east.life.childless = taken;
        for c in [&mut west, &mut east] {
            c.children[0].esp = vec![esp("aes128gcm16-x25519")];
        }
        let mut lab = Lab::with(west, east);
        lab.up();
        assert_one(&lab);
        let ke = lab.west.installed[0].suite.ke;
        assert_eq!(ke, childless.then_some(KeMethod::CURVE25519));
        let auth = &ladder(&lab.west)[2];
        assert_eq!(!auth.contains("TSi"), childless, "{auth}");
    }
}

#[test]
fn a_peer_that_needs_a_first_child_is_refused() {
    let mut west = connection(Who::West);
    west.life.childless = Childless::Force;
    let mut east = connection(Who::East);
    east.life.childless = Childless::Never;
    let mut lab = Lab::with(west, east);
    lab.initiate();
    lab.run();
    lab.pass(Duration::from_secs(5));
    assert_eq!(lab.west.closed(), ["failed"]);
    let (_, refusal, _) = lab.west.refusals().pop().unwrap();
    assert!(refusal.to_string().contains("RFC 6023"), "{refusal}");
}

/// Both sides have a connection that starts by itself: what both began stays, whatever `unique` says.
#[test]
fn both_begin_at_once() {
    let mut lab = Lab::new();
    let now = lab.now;
    lab.west
        .endpoint
        .initiate(now, "site", ip(WEST), ip(EAST))
        .unwrap();
    lab.east
        .endpoint
        .initiate(now, "site", ip(EAST), ip(WEST))
        .unwrap();
    lab.drain();
    lab.run();
    lab.pass(MINUTE);
    assert!(lab.west.is_up() && lab.east.is_up());
}
