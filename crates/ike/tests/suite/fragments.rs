//! Messages in pieces, both ways (RFC 7383).

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::Settings;
use adit_model::drops::DropReason;
use adit_wire::iana::{ExchangeType, NotifyType, PayloadType};
use adit_wire::v2::{Encrypted, Message, Notify, Payload, PayloadList};
use common::peer::{Peer, esp_sa, exchange_raw, ts};
use common::*;

/// Both sides cut what is longer than 200 octets.
fn small() -> Lab {
    let settings = Settings {
        max_fragment: 200,
        ..Settings::default()
    };
    let mut lab = Lab::bare(settings.clone(), settings);
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    for side in [&mut west, &mut east] {
        // Room for long answers too.
        let many: Vec<String> = (0..20).map(|n| format!("10.{n}.0.0/24")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        side.children[0].local_ts = selectors(&many);
        side.children[0].remote_ts = selectors(&many);
    }
    let now = lab.now;
    lab.west.endpoint.set_connection(now, Arc::new(west));
    lab.east.endpoint.set_connection(now, Arc::new(east));
    lab
}

fn fragment_of(datagram: &Datagram) -> Option<(u16, u16)> {
    match Message::parse(&datagram.payload).unwrap().encrypted? {
        Encrypted::Skf { fragment, .. } => Some((fragment.number, fragment.total)),
        Encrypted::Sk { .. } => None,
    }
}

#[test]
fn long_messages_travel_in_fragments() {
    let mut lab = small();
    lab.up();
    lab.assert_tunnel();
    let fragments: Vec<(u16, u16)> = lab.history.iter().filter_map(fragment_of).collect();
    assert!(fragments.len() >= 8, "{fragments:?}");
    assert_eq!(fragments[0].0, 1);
    let sealed = lab.history.iter().skip(2);
    assert!(sealed.clone().all(|d| d.payload.len() <= 200));
    assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
    // IKE_SA_INIT itself is never cut.
    assert!(lab.history[0].payload.len() > 200);
}

#[test]
fn fragments_may_come_in_any_order_and_twice() {
    let mut lab = small();
    lab.initiate();
    while !lab.wire.is_empty() {
        let mut all = lab.intercept();
        all.reverse();
        for datagram in &all {
            lab.deliver(datagram);
        }
    }
    lab.assert_tunnel();

    let mut lab = small();
    lab.initiate();
    while let Some(datagram) = lab.wire.pop_front() {
        lab.deliver(&datagram);
        if fragment_of(&datagram).is_some() {
            lab.deliver(&datagram);
        }
        assert!(lab.history.len() < 500);
    }
    lab.assert_tunnel();
    assert!(lab.east.endpoint.drops().get(DropReason::IkeFragment) > 0);
}

/// A retransmitted request is answered once, for its first fragment.
#[test]
fn a_lost_fragment_costs_a_retransmission() {
    for lost in [3, 9] {
        let mut lab = small();
        lab.lose = vec![lost];
        lab.initiate();
        lab.pass(Duration::from_secs(2));
        lab.assert_tunnel();
    }
}

/// Who didn't announce fragmentation gets none, and may send none.
#[test]
fn abuse_32_fragments_need_agreement() {
    let mut lab = Lab::new();
    lab.initiate();
    let init = lab.intercept().pop().unwrap();
    // A responder that doesn't take fragments.
    let (mut peer, _) = Peer::answer(&mut lab, &init.payload, common::peer::ike_sa(&[]));
    let request = lab.intercept();
    assert!(request.iter().all(|d| fragment_of(d).is_none()));
    let header = peer.header(ExchangeType::IKE_AUTH, true, 1);
    let piece = peer.seal_fragment(header, PayloadType::ID_R, (1, 2), &[0; 20]);
    lab.deliver(&Datagram {
        from: peer.local,
        to: peer.remote,
        payload: piece,
    });
    assert_eq!(lab.west.drops(), [(DropReason::IkeFragment, 1)]);
}

/// The inner octets of an IKE_AUTH request and the type of its first payload.
fn auth_request(peer: &Peer, opening: &common::peer::Opening) -> (PayloadType, Vec<u8>) {
    let mut payloads = peer.authenticate(opening, b"a shared secret");
    payloads.extend([
        Payload::Notify(Notify::with_data(NotifyType(40_000), vec![0; 300])),
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let mut inner = Vec::new();
    let first = PayloadList(payloads).emit(&mut inner).unwrap();
    (first, inner)
}

/// Fragments with a wrong ICV, an impossible number, or of an older try don't disturb those that are right.
#[test]
fn abuse_31_wrong_fragments_among_right_ones() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let (first, inner) = auth_request(&peer, &opening);
    let header = peer.header(ExchangeType::IKE_AUTH, false, 1);
    let (a, b) = inner.split_at(200);
    let (from, to) = (at(WEST, 500), at(EAST, 500));
    let send = |lab: &mut Lab, message: &[u8]| exchange_raw(lab, from, to, message);

    let right = peer.seal_fragment(header, first, (1, 2), a);
    let mut forged = peer.seal_fragment(header, first, (2, 2), b);
    *forged.last_mut().unwrap() ^= 1;
    let mut impossible = peer.seal_fragment(header, first, (2, 2), b);
    impossible[33] = 3;
    let older = peer.seal_fragment(header, first, (1, 1), b"x");
    let many = peer.seal_fragment(header, first, (1, 60_000), b"x");
    let last = peer.seal_fragment(header, PayloadType::NONE, (2, 2), b);

    assert_eq!(send(&mut lab, &right), None);
    assert_eq!(lab.east.endpoint.drops().total(), 0);
    for wrong in [&forged, &impossible, &older, &many, &right] {
        assert_eq!(send(&mut lab, wrong), None);
    }
    assert_eq!(
        lab.east.drops(),
        [
            (DropReason::IkeMalformed, 1),
            (DropReason::IkeAuthenticity, 1),
            (DropReason::IkeFragment, 3)
        ]
    );
    let answer = send(&mut lab, &last).expect("the whole request is there");
    assert!(peer.unseal(&answer).1.sa().is_some());
    assert!(lab.east.is_up());
}

#[test]
fn a_message_has_a_longest_length() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let (first, _) = auth_request(&peer, &opening);
    let header = peer.header(ExchangeType::IKE_AUTH, false, 1);
    let (from, to) = (at(WEST, 500), at(EAST, 500));
    for number in 1..=10 {
        let piece = peer.seal_fragment(header, first, (number, 10), &[0; 10_000]);
        assert_eq!(exchange_raw(&mut lab, from, to, &piece), None);
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeFragment, 4)]);
}
