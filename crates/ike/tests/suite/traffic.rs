//! Narrowing both ways, what forbids it, and packets that ask for an SA (RFC 7296 2.9).

use crate::common;

use std::time::Duration;

use adit_ike::ChildSaState;
use adit_model::connection::{Child, Connection, Leeway};
use adit_model::dataplane::Trigger;
use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_wire::iana::ExchangeType;
use adit_wire::v2::{Payload, PayloadList, TsPayload};
use common::peer::{Peer, esp_sa, ike_sa};
use common::*;

fn with_traffic(who: Who, local: &[&str], remote: &[&str]) -> Connection {
    let mut connection = connection(who);
    connection.children[0].local_ts = selectors(local);
    connection.children[0].remote_ts = selectors(remote);
    connection
}

fn strict(mut connection: Connection) -> Connection {
    connection.children[0].leeway = Leeway {
        narrow: false,
        ..Leeway::default()
    };
    connection
}

/// What west and east agree on when west has these selectors and east those; `None` when they don't.
fn agreed(west: Connection, east: Connection) -> Option<(Vec<String>, Vec<String>)> {
    let mut lab = Lab::with(west, east);
    lab.initiate();
    lab.run();
    let text =
        |list: &[adit_model::selector::Selector]| list.iter().map(ToString::to_string).collect();
    let sa = lab.west.installed.first()?;
    assert_eq!(lab.east.installed[0].ts_local, sa.ts_remote);
    Some((text(&sa.ts_local), text(&sa.ts_remote)))
}

#[test]
fn protocols_ports_and_several_selectors_are_narrowed_both_ways() {
    type Side = (&'static [&'static str], &'static [&'static str]);
    let cases: [(Side, Side, Option<Side>); 7] = [
        // Any protocol meets one with a port.
        (
            (&["10.1.0.0/24"], &["10.2.0.0/24"]),
            (&["10.2.0.0/24[tcp/443]"], &["10.1.0.0/24"]),
            Some((&["10.1.0.0/24"], &["10.2.0.0/24[tcp/443]"])),
        ),
        // Port ranges overlap.
        (
            (&["10.1.0.0/24"], &["10.2.0.0/24[udp/1000-2000]"]),
            (&["10.2.0.0/24[udp/1500-3000]"], &["10.1.0.0/24"]),
            Some((&["10.1.0.0/24"], &["10.2.0.0/24[udp/1500-2000]"])),
        ),
        // Another protocol is no part of it.
        (
            (&["10.1.0.0/24"], &["10.2.0.0/24[tcp]"]),
            (&["10.2.0.0/24[udp]"], &["10.1.0.0/24"]),
            None,
        ),
        // One of several is known, and one of the others in part.
        (
            (&["10.1.0.0/24", "10.9.0.0/16"], &["10.2.0.0/24"]),
            (&["10.2.0.0/24"], &["10.9.3.0/24", "10.7.0.0/16"]),
            Some((&["10.9.3.0/24"], &["10.2.0.0/24"])),
        ),
        // Ranges that are no network.
        (
            (&["10.1.0.5-10.1.0.200"], &["10.2.0.0/24"]),
            (&["10.2.0.0/24"], &["10.1.0.100-10.1.1.9"]),
            Some((&["10.1.0.100-10.1.0.200"], &["10.2.0.0/24"])),
        ),
        // OPAQUE meets itself and any port, and no number.
        (
            (&["10.1.0.0/24"], &["10.2.0.0/24[tcp/opaque]"]),
            (&["10.2.0.0/24[tcp]"], &["10.1.0.0/24"]),
            Some((&["10.1.0.0/24"], &["10.2.0.0/24[tcp/opaque]"])),
        ),
        (
            (&["10.1.0.0/24"], &["10.2.0.0/24[tcp/opaque]"]),
            (&["10.2.0.0/24[tcp/443]"], &["10.1.0.0/24"]),
            None,
        ),
    ];
    for ((wl, wr), (el, er), expected) in cases {
        let west = || with_traffic(Who::West, wl, wr);
        let east = || with_traffic(Who::East, el, er);
        let found = agreed(west(), east());
        let found = found.as_ref().map(|(l, r)| {
            (
                l.iter().map(|s| &**s).collect(),
                r.iter().map(|s| &**s).collect(),
            )
        });
        let expected = expected.map(|(l, r)| (l.to_vec(), r.to_vec()));
        assert_eq!(found, expected, "{wl:?} {wr:?} and {el:?} {er:?}");
        // The responder answers for all of both sides, the initiator for all of its own.
        let whole = (wl.to_vec(), wr.to_vec());
        assert_eq!(
            agreed(strict(west()), east()).is_some(),
            expected == Some(whole)
        );
        assert_eq!(agreed(west(), strict(east())), None);
    }
}

#[test]
fn what_is_the_same_on_both_sides_needs_no_narrowing() {
    let nets: (&[&str], &[&str]) = (&["10.1.0.0/24[tcp]", "10.5.0.0/24"], &["10.2.0.0/24"]);
    let west = strict(with_traffic(Who::West, nets.0, nets.1));
    let east = strict(with_traffic(Who::East, nets.1, nets.0));
    assert!(agreed(west, east).is_some());
}

#[test]
fn each_side_says_why_it_does_not_narrow() {
    let wide = || with_traffic(Who::West, &["10.0.0.0/8"], &["10.2.0.0/24"]);
    let refused = |side: &Side| {
        side.refusals()
            .into_iter()
            .find(|(_, refusal, _)| matches!(refusal, Refusal::TrafficSelectors { .. }))
    };
    let mut lab = Lab::with(wide(), strict(connection(Who::East)));
    lab.initiate();
    lab.run();
    let (what, _, notify) = refused(&lab.east).unwrap();
    assert_eq!(
        (what.as_str(), notify.as_deref()),
        ("CHILD_SA lan", Some("TS_UNACCEPTABLE"))
    );

    let mut lab = Lab::with(strict(wide()), connection(Who::East));
    lab.initiate();
    lab.run();
    let (_, refusal, _) = refused(&lab.west).unwrap();
    let Refusal::TrafficSelectors {
        offered_local,
        configured_local,
        ..
    } = refusal
    else {
        unreachable!()
    };
    assert_eq!(offered_local, selectors(&["10.1.0.0/24"]));
    assert_eq!(configured_local, selectors(&["10.0.0.0/8"]));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}

fn trigger(child: &str, local: &str, remote: &str) -> Trigger {
    Trigger {
        child: child.to_owned(),
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

/// West with a second child for another network.
fn two_children(who: Who) -> Connection {
    let mut connection = connection(who);
    let lan = &connection.children[0];
    let swap = |text: &str| selectors(&[text]);
    let (here, there) = match who {
        Who::West => ("10.1.9.0/24", "10.2.9.0/24"),
        Who::East => ("10.2.9.0/24", "10.1.9.0/24"),
    };
    let printers = Child {
        name: "printers".to_owned(),
        local_ts: swap(here),
        remote_ts: swap(there),
        ..lan.clone()
    };
    connection.children.push(printers);
    connection
}

fn first_selectors(list: &PayloadList) -> (String, String) {
    let text = |ts: Option<&TsPayload>| {
        let first = ts.unwrap().selectors[0].clone();
        adit_model::selector::Selector::from_wire(&first)
            .unwrap()
            .to_string()
    };
    (text(list.ts_i()), text(list.ts_r()))
}

fn start(lab: &mut Lab, trigger: Trigger) {
    let (local, remote) = (lab.west.address, lab.east.address);
    lab.west
        .endpoint
        .initiate_for(lab.now, "site", local, remote, Some(trigger))
        .unwrap();
    lab.drain();
}

#[test]
fn a_packet_sets_up_its_own_child_and_no_other() {
    let mut lab = Lab::with(two_children(Who::West), two_children(Who::East));
    start(
        &mut lab,
        trigger("printers", "10.1.9.7[tcp/40000]", "10.2.9.3[tcp/631]"),
    );
    lab.run();
    let names = |lab: &Lab| -> Vec<String> {
        lab.west
            .installed
            .iter()
            .map(|sa| sa.child.clone())
            .collect()
    };
    assert_eq!(names(&lab), ["printers"]);
    // The packet's selectors are part of the child's, which both sides take whole.
    assert_eq!(lab.west.installed[0].ts_remote, selectors(&["10.2.9.0/24"]));

    // A packet of the other child comes later.
    let later = trigger("lan", "10.1.0.7[icmp]", "10.2.0.3[icmp]");
    for _ in 0..3 {
        lab.west
            .endpoint
            .packet_wants(lab.now, "site", later.clone())
            .unwrap();
    }
    lab.drain();
    lab.run();
    assert_eq!(names(&lab), ["printers", "lan"]);
    // What goes through asks for nothing.
    lab.west
        .endpoint
        .packet_wants(lab.now, "site", later)
        .unwrap();
    assert!(lab.west.endpoint.poll_output().is_none());
}

/// RFC 7296 2.9: a responder that can't take all takes what the first selectors say; a packet beyond it gets another
/// pair.
#[test]
fn the_packets_own_selectors_go_first() {
    let mut lab = Lab::new();
    start(
        &mut lab,
        trigger("lan", "10.1.0.7[tcp/40000]", "10.2.0.3[tcp/22]"),
    );
    let init = lab.intercept().pop().unwrap();
    let (mut peer, opening) = Peer::answer(&mut lab, &init.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let (header, asked) = peer.unseal(&request.payload);
    assert_eq!(
        first_selectors(&asked),
        (
            "10.1.0.7/32[tcp/40000]".into(),
            "10.2.0.3/32[tcp/22]".into()
        )
    );
    assert_eq!(asked.ts_i().unwrap().selectors.len(), 2);
    let narrow = |ts: &TsPayload| TsPayload {
        selectors: ts.selectors[..1].to_vec(),
    };
    let mut answer = peer.authenticate_responder(&opening, "east.lab", b"a shared secret");
    answer.extend([
        Payload::Sa(esp_sa(0x2000, None)),
        Payload::TsI(narrow(asked.ts_i().unwrap())),
        Payload::TsR(narrow(asked.ts_r().unwrap())),
    ]);
    let response = peer.header(ExchangeType::IKE_AUTH, true, header.message_id);
    let payload = peer.seal(response, answer);
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload,
    });
    assert_eq!(
        lab.west.installed[0].ts_remote,
        selectors(&["10.2.0.3[tcp/22]"])
    );
    assert!(
        lab.west
            .saw(|h| matches!(h, Happening::ChildEstablished { narrowed: true, .. }))
    );

    let beyond = trigger("lan", "10.1.0.7[udp/5000]", "10.2.0.9[udp/53]");
    lab.west
        .endpoint
        .packet_wants(lab.now, "site", beyond)
        .unwrap();
    lab.drain();
    let request = lab.intercept().pop().unwrap();
    let (header, asked) = peer.unseal(&request.payload);
    assert_eq!(header.exchange, ExchangeType::CREATE_CHILD_SA);
    assert_eq!(
        first_selectors(&asked),
        ("10.1.0.7/32[udp/5000]".into(), "10.2.0.9/32[udp/53]".into())
    );
}

/// A packet that the child isn't configured for adds nothing to what is asked for.
#[test]
fn a_trigger_never_widens_a_child() {
    let mut lab = Lab::new();
    start(&mut lab, trigger("lan", "10.77.0.7", "10.2.0.3"));
    let init = lab.intercept().pop().unwrap();
    let (peer, _) = Peer::answer(&mut lab, &init.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let (_, asked) = peer.unseal(&request.payload);
    assert_eq!(asked.ts_i().unwrap().selectors.len(), 1);
    assert_eq!(first_selectors(&asked).0, "10.1.0.0/24");
}

/// East has two children for parts of west's one.
fn parted() -> Connection {
    let mut east = with_traffic(Who::East, &["10.2.0.0/28"], &["10.1.0.0/24"]);
    let second = Child {
        name: "second".to_owned(),
        local_ts: selectors(&["10.2.0.16/28"]),
        ..east.children[0].clone()
    };
    east.children.push(second);
    east
}

/// RFC 7296 2.9: the responder's choice among its children is that of the packet, not of its configuration's order.
#[test]
fn the_child_that_takes_the_packet_goes_before_others() {
    let mut lab = Lab::with(connection(Who::West), parted());
    start(
        &mut lab,
        trigger("lan", "10.1.0.7[icmp]", "10.2.0.18[icmp]"),
    );
    lab.run();
    assert_eq!(lab.east.installed[0].child, "second");
    let later = trigger("lan", "10.1.0.7[icmp]", "10.2.0.3[icmp]");
    lab.west
        .endpoint
        .packet_wants(lab.now, "site", later)
        .unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.east.installed[1].child, "lan");

    // One command renews both pairs of west's child.
    let before = parts(&lab);
    lab.west
        .endpoint
        .rekey_child(lab.now, "site", "lan")
        .unwrap();
    lab.drain();
    lab.run();
    let after = parts(&lab);
    assert_eq!(after.len(), 2);
    for ((old, then), (new, now)) in before.iter().zip(&after) {
        assert!(then == now && old != new, "{before:?}, {after:?}");
    }
}

/// SPI and remote networks of what west carries, by network.
fn parts(lab: &Lab) -> Vec<(u32, Vec<Selector>)> {
    let sas = lab.west.endpoint.snapshot();
    let pairs = sas.iter().flat_map(|sa| &sa.children);
    let installed = pairs.filter(|c| c.state == ChildSaState::Installed);
    let mut parts: Vec<_> = installed.map(|c| (c.spi_in, c.ts_remote.clone())).collect();
    parts.sort_by_key(|(_, ts)| ts[0].start);
    parts
}

/// A peer that grants the same part again and again is not asked for it with every packet.
#[test]
fn what_a_packet_has_no_use_of_is_not_asked_for_again_at_once() {
    let mut east = connection(Who::East);
    east.children[0].local_ts = selectors(&["10.2.0.0/28"]);
    let mut lab = Lab::with(connection(Who::West), east);
    start(&mut lab, trigger("lan", "10.1.0.7[icmp]", "10.2.0.3[icmp]"));
    lab.run();
    for _ in 0..5 {
        let beyond = trigger("lan", "10.1.0.7[icmp]", "10.2.0.99[icmp]");
        lab.west
            .endpoint
            .packet_wants(lab.now, "site", beyond)
            .unwrap();
        lab.drain();
        lab.run();
    }
    assert_eq!(lab.west.installed.len(), 2);
}

/// Authenticating anew keeps what packets have asked for: both parts come again before the old IKE SA goes.
#[test]
fn parts_of_a_child_come_again_when_authenticating_anew() {
    let mut lab = Lab::with(connection(Who::West), parted());
    start(
        &mut lab,
        trigger("lan", "10.1.0.7[icmp]", "10.2.0.18[icmp]"),
    );
    lab.run();
    let later = trigger("lan", "10.1.0.7[icmp]", "10.2.0.3[icmp]");
    let packet = |lab: &mut Lab| {
        let now = lab.now;
        let wanted = lab.west.endpoint.packet_wants(now, "site", later.clone());
        wanted.unwrap();
        lab.drain();
        lab.run();
    };
    packet(&mut lab);
    lab.west.endpoint.reauthenticate(lab.now, "site").unwrap();
    lab.drain();
    lab.run();
    lab.pass(Duration::from_secs(3));
    let sas = lab.west.endpoint.snapshot();
    assert_eq!(sas.len(), 1, "{sas:#?}");
    let parts: Vec<_> = parts(&lab).into_iter().map(|(_, ts)| ts).collect();
    assert_eq!(
        parts,
        [selectors(&["10.2.0.0/28"]), selectors(&["10.2.0.16/28"])]
    );
    assert_eq!(lab.west.closed(), ["replaced"]);
}

/// RFC 7296 2.9, 1.3.1: an answer that gives a part says when a separate CHILD SA would get more, and that traffic flow
/// confidentiality padding isn't taken.
#[test]
fn an_answer_says_what_else_there_is() {
    use adit_wire::iana::{ExchangeType, NotifyType};
    use adit_wire::v2::{Nonce, Payload};
    use common::peer::{Peer, esp_sa, ts};

    let mut east = connection(Who::East);
    let mut other = east.children[0].clone();
    other.name = "dmz".to_owned();
    other.local_ts = selectors(&["10.7.0.0/24"]);
    east.children.push(other);
    let mut lab = Lab::with(connection(Who::West), east);
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let ask = |spi, ours: &str| {
        vec![
            Payload::Sa(esp_sa(spi, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts(ours)),
        ]
    };
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.extend(ask(0x1000, "10.0.0.0/8"));
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.notify(NotifyType::ADDITIONAL_TS_POSSIBLE).is_some());
    let no_padding = NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED;
    assert!(answer.notify(no_padding).is_none(), "it is cut off again");
    for (spi, ours) in [(0x2000, "10.7.0.0/24"), (0x3000, "10.2.0.0/16")] {
        let mut request = ask(spi, ours);
        request.push(Payload::Nonce(Nonce(vec![4; 32])));
        let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, request);
        assert!(answer.sa().is_some(), "{ours}: {answer:?}");
        assert!(answer.notify(NotifyType::ADDITIONAL_TS_POSSIBLE).is_none());
        assert!(answer.notify(no_padding).is_none());
    }
}
