//! Addresses that somebody else wants to change (RFC 4555 5): abuse cases 48 and 49.

use crate::common;
use crate::mobike::*;

use std::net::SocketAddr;
use std::time::Duration;

use adit_model::drops::DropReason;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::{Message, Notify, Payload, PayloadList};
use common::peer::{Peer, esp_sa, notify, ts};
use common::*;

/// East with a scripted peer that can move. It has no NAT traversal.
fn scripted(with: Vec<Payload>) -> (Lab, Peer) {
    let mut lab = lab();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.extend([
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    auth.extend(with);
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some(), "{answer:?}");
    forget(&mut lab);
    (lab, peer)
}

/// The peer's request from some address. Returns the answer, and what east asks on top.
fn ask_from(
    lab: &mut Lab,
    peer: &mut Peer,
    from: SocketAddr,
    payloads: Vec<Payload>,
) -> (PayloadList, Vec<Datagram>) {
    let header = peer.header(ExchangeType::INFORMATIONAL, false, peer.next_request);
    peer.next_request += 1;
    let message = peer.seal(header, payloads);
    let now = lab.now;
    lab.east
        .endpoint
        .handle_datagram(now, peer.remote, from, &message);
    lab.drain();
    let mut sent = lab.intercept();
    let answers = |d: &Datagram| Message::parse(&d.payload).unwrap().header.flags.response;
    let place = sent.iter().position(answers).expect("no answer");
    let answer = sent.remove(place);
    assert_eq!(
        answer.to, from,
        "the answer goes where the request came from"
    );
    (peer.unseal(&answer.payload).1, sent)
}

fn update() -> Payload {
    notify(NotifyType::UPDATE_SA_ADDRESSES)
}

fn data(kind: NotifyType, data: &[u8]) -> Payload {
    Payload::Notify(Notify::with_data(kind, data.to_vec()))
}

fn no_nats(from: [u8; 4], to: [u8; 4], ports: (u16, u16)) -> Payload {
    let mut octets = [from, to].concat();
    octets.extend(ports.0.to_be_bytes());
    octets.extend(ports.1.to_be_bytes());
    data(NotifyType::NO_NATS_ALLOWED, &octets)
}

const AT_NEW: [u8; 4] = [198, 51, 100, 77];
const AT_EAST: [u8; 4] = [192, 0, 2, 2];

/// Traffic doesn't go where nobody has shown that he receives it.
#[test]
fn abuse_48_children_move_only_after_a_cookie_came_back() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    let (_, asked) = ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update()]);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].to, at(NEW, 500));
    assert_eq!(
        (moves(&lab.east), lab.east.ike_sa().remote),
        (0, at(NEW, 500))
    );
    let request = peer.unseal(&asked[0].payload).1;
    let cookie = request.notify(NotifyType::COOKIE2).unwrap().clone();
    assert_eq!(cookie.data.len(), 16);
    peer.local = at(NEW, 500);
    peer.respond(&mut lab, &asked[0], vec![Payload::Notify(cookie)]);
    assert_eq!(moves(&lab.east), 1);
    assert_eq!(path(&lab.east).1, at(NEW, 500));
}

/// 3.7: another cookie than the one that was sent ends the IKE SA.
#[test]
fn abuse_48_a_wrong_cookie_ends_it() {
    for wrong in [Vec::new(), vec![data(NotifyType::COOKIE2, &[7; 16])]] {
        let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
        let (_, asked) = ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update()]);
        peer.respond(&mut lab, &asked[0], wrong);
        assert_eq!(moves(&lab.east), 0);
        assert!(lab.east.installed.is_empty());
        let refusals = lab.east.refusals();
        assert_eq!(refusals[0].0, "return routability");
    }
}

/// A child that is made before the check is done goes where the others still go.
#[test]
fn abuse_48_a_new_child_does_not_go_ahead() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update()]);
    let request = vec![
        Payload::Notify(Notify::about_child(
            NotifyType::REKEY_SA,
            adit_wire::iana::ProtocolId::ESP,
            0x1000,
            Vec::new(),
        )),
        Payload::Sa(esp_sa(0x2000, None)),
        Payload::Nonce(adit_wire::v2::Nonce(vec![0xcc; 32])),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ];
    peer.local = at(NEW, 500);
    let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, request);
    assert!(answer.sa().is_some(), "{answer:?}");
    assert_eq!(
        lab.east.installed.last().unwrap().path.remote,
        at(WEST, 500)
    );
}

/// A peer that never shows that it receives there gets nothing there, and is given up like one that is silent.
#[test]
fn abuse_48_nobody_answers_at_the_new_address() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update()]);
    lab.pass(Duration::from_secs(120));
    assert_eq!(moves(&lab.east), 0);
    assert_eq!(lab.east.closed(), ["dead-peer"]);
}

/// 3.9: addresses that changed on the way although the sender forbids it.
#[test]
fn abuse_48_forbidden_translation() {
    let (mut lab, mut peer) = scripted(vec![
        notify(NotifyType::MOBIKE_SUPPORTED),
        no_nats([192, 0, 2, 1], AT_EAST, (500, 500)),
    ]);
    let wrong = [
        no_nats([198, 51, 100, 76], AT_EAST, (500, 500)),
        no_nats(AT_NEW, AT_EAST, (500, 4500)),
        data(NotifyType::NO_NATS_ALLOWED, &[]),
        data(NotifyType::NO_NATS_ALLOWED, &[1; 13]),
        data(NotifyType::NO_NATS_ALLOWED, &[1; 36]),
    ];
    for wrong in wrong {
        let cookie = data(NotifyType::COOKIE2, &[9; 8]);
        let (answer, asked) = ask_from(
            &mut lab,
            &mut peer,
            at(NEW, 500),
            vec![update(), wrong, cookie.clone()],
        );
        let refused = notify(NotifyType::UNEXPECTED_NAT_DETECTED);
        assert_eq!(answer.0, [refused, cookie]);
        assert!(asked.is_empty());
        assert_eq!(lab.east.ike_sa().remote, at(WEST, 500));
    }
    let right = no_nats(AT_NEW, AT_EAST, (500, 500));
    let (answer, _) = ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update(), right]);
    assert!(answer.0.is_empty());
    assert_eq!(lab.east.ike_sa().remote, at(NEW, 500));
}

/// The same in IKE_AUTH ends the attempt.
#[test]
fn abuse_48_forbidden_translation_of_the_first_request() {
    let mut lab = lab();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.push(no_nats(AT_NEW, AT_EAST, (500, 500)));
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert_eq!(answer.0, [notify(NotifyType::UNEXPECTED_NAT_DETECTED)]);
    assert!(!lab.east.is_up());
}

/// 3.5: places where a peer can't be.
#[test]
fn abuse_48_addresses_outside_policy() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    for nowhere in [
        "0.0.0.0",
        "224.0.0.5",
        "255.255.255.255",
        "127.0.0.1",
        EAST,
        "10.1.0.9",
        "10.2.0.9",
    ] {
        let (answer, asked) = ask_from(&mut lab, &mut peer, at(nowhere, 500), vec![update()]);
        assert_eq!(
            answer.0,
            [notify(NotifyType::UNACCEPTABLE_ADDRESSES)],
            "{nowhere}"
        );
        assert!(asked.is_empty());
        assert_eq!(lab.east.ike_sa().remote, at(WEST, 500));
    }
    let (answer, _) = ask_from(&mut lab, &mut peer, at(NEW, 0), vec![update()]);
    assert_eq!(answer.0, [notify(NotifyType::UNACCEPTABLE_ADDRESSES)]);
    assert_eq!(lab.east.refusals().len(), 8);
    assert_eq!(moves(&lab.east), 0);
}

/// A thousand addresses, and some that are none.
#[test]
fn abuse_48_additional_addresses_without_end() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    let mut many: Vec<Payload> = (0..1000_u16)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            data(NotifyType::ADDITIONAL_IP4_ADDRESS, &[203, 0, high, low])
        })
        .collect();
    many.push(data(NotifyType::ADDITIONAL_IP4_ADDRESS, &[1, 2, 3]));
    many.push(data(NotifyType::ADDITIONAL_IP6_ADDRESS, &[1, 2, 3, 4]));
    let (answer, asked) = ask_from(&mut lab, &mut peer, at(WEST, 500), many);
    assert!(answer.0.is_empty() && asked.is_empty());
    assert_eq!(lab.east.ike_sa().remote, at(WEST, 500));
    // East follows: what it knows of west's addresses only tells where to look when its own is gone.
    has(&mut lab, Who::East, &[NEW]);
    assert!(lab.intercept().iter().all(|d| d.to == at(WEST, 500)));
}

/// Only an authentic message inside the window moves anybody, and only one that says so.
#[test]
fn abuse_48_only_authentic_messages_in_the_window_move() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    let stays = |lab: &Lab| assert_eq!(lab.east.ike_sa().remote, at(WEST, 500));
    let (_, asked) = ask_from(&mut lab, &mut peer, at(NEW, 500), Vec::new());
    assert!(asked.is_empty());
    stays(&lab);
    let now = lab.now;
    for (id, reason) in [
        (peer.next_request + 1, DropReason::IkeUnexpectedMessageId),
        (peer.next_request, DropReason::IkeAuthenticity),
    ] {
        let header = peer.header(ExchangeType::INFORMATIONAL, false, id);
        let mut message = peer.seal(header, vec![update()]);
        if reason == DropReason::IkeAuthenticity {
            *message.last_mut().unwrap() ^= 1;
        }
        lab.east
            .endpoint
            .handle_datagram(now, peer.remote, at(NEW, 500), &message);
        lab.drain();
        assert_eq!(lab.east.endpoint.drops().get(reason), 1);
        stays(&lab);
    }
}

/// An update that comes again from elsewhere gets the recorded answer and moves nothing.
#[test]
fn abuse_49_a_replayed_update_moves_nobody() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    let header = peer.header(ExchangeType::INFORMATIONAL, false, peer.next_request);
    let message = peer.seal(header, vec![update()]);
    let now = lab.now;
    for from in [at(NEW, 500), at(NEWER, 500)] {
        lab.east
            .endpoint
            .handle_datagram(now, peer.remote, from, &message);
        lab.drain();
    }
    assert_eq!(lab.east.ike_sa().remote, at(NEW, 500));
    assert_eq!(lab.east.drops(), [(DropReason::IkeDuplicate, 1)]);
}

/// Without agreement all of it means nothing.
#[test]
fn abuse_48_updates_that_were_not_agreed_on() {
    let (mut lab, mut peer) = scripted(Vec::new());
    let cookie = data(NotifyType::COOKIE2, &[9; 8]);
    let (answer, asked) = ask_from(&mut lab, &mut peer, at(NEW, 500), vec![update(), cookie]);
    assert!(answer.0.is_empty() && asked.is_empty());
    assert_eq!(lab.east.ike_sa().remote, at(WEST, 500));
}

/// 4.2.5: cookies that can't be any aren't returned.
#[test]
fn abuse_48_cookies_of_impossible_length() {
    let (mut lab, mut peer) = scripted(vec![notify(NotifyType::MOBIKE_SUPPORTED)]);
    for (length, returned) in [(0, false), (7, false), (8, true), (64, true), (65, false)] {
        let cookie = data(NotifyType::COOKIE2, &vec![1; length]);
        let (answer, _) = ask_from(&mut lab, &mut peer, at(WEST, 500), vec![cookie.clone()]);
        let expected = returned.then_some(cookie);
        assert_eq!(answer.0, Vec::from_iter(expected), "{length}");
    }
}
