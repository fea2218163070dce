//! IKE_SA_INIT when it isn't plain: cookies, other key exchange methods, refusals, other versions.

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::{Settings, TimerReason};
use adit_model::connection::{Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party};
use adit_model::proposal::TransformKind;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType, TransformType};
use adit_wire::v2::{
    Flags, Header, IkeSpi, Message, Notify, Payload, PayloadList, Transform, Version, emit_plain,
};
use common::peer::{Peer, exchange_raw, ike_sa};
use common::*;

fn with_settings(east: Settings) -> Lab {
    let mut lab = Lab::bare(Settings::default(), east);
    let now = lab.now;
    lab.west
        .endpoint
        .set_connection(now, Arc::new(connection(Who::West)));
    lab.east
        .endpoint
        .set_connection(now, Arc::new(connection(Who::East)));
    lab
}

/// RFC 7296 2.6:
/// ```text
/// SAi1, KEi, Ni ─────────────►
///     ◄──────────── N(COOKIE)
/// N(COOKIE), SAi1, KEi, Ni ──►
///     ◄──────── SAr1, KEr, Nr
/// ```
#[test]
fn a_cookie_is_demanded_and_returned() {
    let mut lab = with_settings(Settings {
        cookie_threshold: 0,
        ..Settings::default()
    });
    lab.up();
    lab.assert_tunnel();
    let cookie = |by| move |h: &Happening| *h == Happening::Cookie { by };
    assert!(lab.west.saw(cookie(Party::Peer)));
    assert!(lab.east.saw(cookie(Party::Us)));
    assert_eq!(lab.east.drops(), [(DropReason::IkeCookie, 1)]);
    assert!(lab.west.drops().is_empty());
    let retried = Message::parse(&lab.history[2].payload).unwrap();
    assert!(
        matches!(retried.payloads.0.first(), Some(Payload::Notify(n)) if n.kind == NotifyType::COOKIE)
    );
    // The demand is smaller than what provoked it.
    assert!(lab.history[1].payload.len() < lab.history[0].payload.len());
}

/// RFC 7296 1.2: the responder wants another method, which was offered.
#[test]
fn another_key_exchange_method_is_asked_for() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.ike = vec![ike("aes128gcm16-prfsha256-x25519-ecp256-modp2048")];
    east.ike = vec![ike("aes128gcm16-prfsha256-modp2048")];
    let mut lab = Lab::with(west, east);
    lab.up();
    lab.assert_tunnel();
    for (side, by) in [(&lab.west, Party::Peer), (&lab.east, Party::Us)] {
        assert!(side.saw(|h| *h
            == Happening::KeRetry {
                from: "x25519".into(),
                to: "modp2048".into(),
                by
            }));
        assert_eq!(side.ike_sa().suite.unwrap().ke, Some(KeMethod::MODP_2048));
    }
}

/// RFC 7296 2.6.1: the retried request keeps the cookie, so no further round trip is needed.
#[test]
fn a_cookie_and_another_method_take_two_retries() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.ike = vec![ike("aes128gcm16-prfsha256-x25519-ecp256")];
    east.ike = vec![ike("aes128gcm16-prfsha256-ecp256")];
    let mut lab = with_settings(Settings {
        cookie_threshold: 0,
        ..Settings::default()
    });
    let now = lab.now;
    lab.west.endpoint.set_connection(now, Arc::new(west));
    lab.east.endpoint.set_connection(now, Arc::new(east));
    lab.up();
    lab.assert_tunnel();
    let inits = lab
        .west
        .count(|h| matches!(h, Happening::Sent(m) if m.exchange == "IKE_SA_INIT"));
    assert_eq!(inits, 3);
}

/// Whom an endless row of cookies is meant to keep busy gives up following.
#[test]
fn abuse_24_cookies_without_end_are_not_followed() {
    let mut lab = Lab::new();
    lab.initiate();
    for round in 0..10 {
        let request = lab.wire.pop_back();
        let Some(request) = request else { break };
        let spi_i = Message::parse(&request.payload).unwrap().header.spi_i;
        let header = Header::v2(
            spi_i,
            IkeSpi::ZERO,
            ExchangeType::IKE_SA_INIT,
            Flags::new(false, true),
            0,
        );
        let cookie = Notify::with_data(NotifyType::COOKIE, vec![round; 8]);
        let answer = emit_plain(&header, &PayloadList(vec![Payload::Notify(cookie)])).unwrap();
        lab.deliver(&Datagram {
            from: request.to,
            to: request.from,
            payload: answer,
        });
    }
    let asked = lab
        .west
        .count(|h| *h == Happening::Cookie { by: Party::Peer });
    assert_eq!(asked, 4);
    assert_eq!(lab.west.drops(), [(DropReason::IkeUnexpectedResponse, 1)]);
}

#[test]
fn abuse_18_cookies_of_impossible_length_are_malformed() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.wire.pop_back().unwrap();
    for length in [0, 65] {
        answer_in_clear(
            &mut lab,
            &request,
            Notify::with_data(NotifyType::COOKIE, vec![1; length]),
        );
    }
    assert_eq!(lab.west.drops(), [(DropReason::IkeMalformed, 2)]);
    lab.wire.push_back(request);
    lab.run();
    assert!(lab.west.is_up());
}

fn answer_in_clear(lab: &mut Lab, request: &Datagram, notify: Notify) {
    let header = Message::parse(&request.payload).unwrap().header;
    let header = Header::v2(
        header.spi_i,
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(false, true),
        0,
    );
    let payload = emit_plain(&header, &PayloadList(vec![Payload::Notify(notify)])).unwrap();
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload,
    });
}

/// A group that wasn't offered is no way out: that would be a downgrade.
#[test]
fn abuse_25_a_method_that_was_not_offered_is_an_error_like_others() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let wanted = KeMethod::MODP_1024.0.to_be_bytes().to_vec();
    answer_in_clear(
        &mut lab,
        &request,
        Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, wanted),
    );
    assert!(lab.intercept().is_empty());
    lab.cut = true;
    lab.pass(Duration::from_secs(2));
    assert_eq!(
        lab.west.peer_refusals(),
        [("IKE_SA_INIT".into(), "INVALID_KE_PAYLOAD".into())]
    );
}

/// Both sides know why: the responder with both sides' values, the initiator with what it had asked for.
#[test]
fn no_proposal_in_common() {
    for (ours, differs) in [
        ("aes256gcm16-prfsha256-x25519", TransformKind::Encryption),
        ("aes128gcm16-prfsha384-x25519", TransformKind::Prf),
        ("aes128gcm16-prfsha256-ecp256", TransformKind::KeyExchange),
    ] {
        let mut east = connection(Who::East);
        east.ike = vec![ike(ours)];
        let mut lab = Lab::with(connection(Who::West), east);
        lab.initiate();
        lab.run();
        let (what, refusal, notify) = lab.east.refusals().pop().unwrap();
        assert_eq!(what, "IKE_SA_INIT");
        assert_eq!(
            refusal,
            Refusal::NoIkeProposal {
                offered: vec![ike("aes128gcm16-prfsha256-x25519")],
                configured: vec![ike(ours)],
                differs: vec![differs],
            }
        );
        assert_eq!(notify.as_deref(), Some("NO_PROPOSAL_CHOSEN"));
        assert!(lab.east.endpoint.snapshot().is_empty());

        // The initiator waits a little for a better answer: anybody may have sent this one.
        assert!(lab.west.peer_refusals().is_empty());
        assert!(lab.west.saw(
            |h| matches!(h, Happening::UnprotectedNotify { name, version: 2, .. } if name == "NO_PROPOSAL_CHOSEN")
        ));
        lab.pass(Duration::from_millis(1100));
        assert_eq!(
            lab.west.peer_refusals(),
            [("IKE_SA_INIT".into(), "NO_PROPOSAL_CHOSEN".into())]
        );
        assert_eq!(lab.west.closed(), ["failed"]);
        assert!(lab.west.endpoint.snapshot().is_empty());
        assert!(lab.west.endpoint.poll_timeout().is_none());
    }
}

/// RFC 7296 2.21.1: a forged refusal doesn't win against the real answer.
#[test]
fn abuse_26_a_forged_refusal_is_outlived() {
    for kind in [
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::INVALID_SYNTAX,
        NotifyType::AUTHENTICATION_FAILED,
    ] {
        let mut lab = Lab::new();
        lab.initiate();
        let request = lab.intercept().pop().unwrap();
        answer_in_clear(&mut lab, &request, Notify::new(kind));
        assert!(matches!(
            lab.west.endpoint.poll_timeout(),
            Some((_, TimerReason::Retransmit | TimerReason::UnprotectedGrace))
        ));
        lab.wire.push_back(request);
        lab.run();
        assert!(lab.west.is_up());
        assert!(lab.west.peer_refusals().is_empty());
    }
}

/// A forged refusal isn't remembered against an exchange that the peer has asked to start over since.
#[test]
fn a_forged_refusal_is_forgotten_when_the_exchange_starts_over() {
    let mut lab = with_settings(Settings {
        cookie_threshold: 0,
        ..Settings::default()
    });
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    answer_in_clear(
        &mut lab,
        &request,
        Notify::new(NotifyType::NO_PROPOSAL_CHOSEN),
    );
    lab.wire.push_back(request);
    assert!(lab.step() && lab.step(), "the cookie is asked for");
    let with_cookie = lab.intercept().pop().unwrap();
    lab.cut = true;
    lab.pass(Duration::from_millis(1100));
    lab.cut = false;
    assert!(lab.west.closed().is_empty());
    lab.wire.push_back(with_cookie);
    lab.run();
    assert!(lab.west.is_up());
}

#[test]
fn nobody_is_configured_for_these_addresses() {
    let mut east = connection(Who::East);
    east.remote = adit_model::connection::Remote::Address(ip("198.51.100.9"));
    let mut lab = Lab::with(connection(Who::West), east);
    lab.initiate();
    lab.run();
    assert_eq!(
        lab.east.refusals(),
        [(
            "IKE_SA_INIT".into(),
            Refusal::NoConnection {
                local: ip(EAST),
                remote: ip(WEST)
            },
            Some("NO_PROPOSAL_CHOSEN".into())
        )]
    );
    assert_eq!(lab.east.drops(), [(DropReason::IkeNoConnection, 1)]);
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.west.closed(), ["failed"]);
}

/// What a chosen proposal must not be: more, less or other than what was offered.
#[test]
fn abuse_14_an_answer_outside_the_offer_is_refused() {
    let mut other_cipher = ike_sa(&[]);
    other_cipher.proposals[0].transforms[0] =
        Transform::encr(adit_wire::iana::EncrId::ENCR_AES_CBC, Some(128));
    let mut two_groups = ike_sa(&[]);
    two_groups.proposals[0]
        .transforms
        .push(Transform::ke(KeMethod::MODP_2048));
    let mut other_number = ike_sa(&[]);
    other_number.proposals[0].number = 9;
    let mut no_prf = ike_sa(&[]);
    no_prf.proposals[0]
        .transforms
        .retain(|t| t.kind != TransformType::PRF);
    for sa in [other_cipher, two_groups, other_number, no_prf] {
        let mut lab = Lab::new();
        lab.initiate();
        let request = lab.intercept().pop().unwrap();
        Peer::answer(&mut lab, &request.payload, sa);
        assert_eq!(lab.west.drops(), [(DropReason::IkeMalformed, 1)]);
        assert!(lab.intercept().is_empty());
        lab.cut = true;
        lab.pass(Duration::from_millis(1100));
        let (what, refusal, notify) = lab.west.refusals().pop().unwrap();
        assert_eq!((what.as_str(), notify), ("IKE_SA_INIT", None));
        assert!(matches!(refusal, Refusal::AnswerMismatch { .. }));
        assert_eq!(lab.west.closed(), ["failed"]);
    }
}

#[test]
fn half_open_ike_sas_are_limited_and_time_out() {
    let mut lab = with_settings(Settings {
        half_open_limit: 3,
        cookie_threshold: 100,
        ..Settings::default()
    });
    lab.initiate();
    let first = lab.intercept().pop().unwrap();
    for n in 0..5_u8 {
        let mut copy = first.clone();
        copy.payload[7] ^= n + 1;
        lab.deliver(&copy);
    }
    lab.intercept();
    assert_eq!(lab.east.endpoint.snapshot().len(), 3);
    assert_eq!(lab.east.drops(), [(DropReason::IkeHalfOpenLimit, 2)]);
    // Established IKE SAs don't count, so after the flood everything is as before.
    lab.pass(Duration::from_secs(31));
    assert!(lab.east.endpoint.snapshot().is_empty());
    assert_eq!(lab.east.closed(), ["half-open-timeout"; 3]);
}

/// A host that does return cookies may still not take all the room: others come in when it has had its share.
#[test]
fn abuse_27_one_address_has_a_share_of_half_open_ike_sas() {
    let mut lab = with_settings(Settings {
        cookie_threshold: 0,
        half_open_share: 2,
        ..Settings::default()
    });
    let now = lab.now;
    let anybody = Connection {
        name: "anybody".into(),
        remote: Remote::Any,
        ..connection(Who::East)
    };
    lab.east.endpoint.set_connection(now, Arc::new(anybody));
    lab.initiate();
    let first = lab.intercept().pop().unwrap();
    // All under one initiator SPI and port, and each with another nonce, so that none is a repetition.
    let knock = |lab: &mut Lab, from: &str, n: u8| {
        let from = at(from, 500);
        let parsed = Message::parse(&first.payload).unwrap();
        let mut payloads = parsed.payloads;
        for payload in &mut payloads.0 {
            if let Payload::Nonce(nonce) = payload {
                nonce.0[0] ^= n;
            }
        }
        let message = emit_plain(&parsed.header, &payloads).unwrap();
        let to = at(EAST, 500);
        let asked = exchange_raw(lab, from, to, &message).unwrap();
        let cookie = Message::parse(&asked).unwrap().payloads.0.remove(0);
        payloads.0.insert(0, cookie);
        let message = emit_plain(&parsed.header, &payloads).unwrap();
        exchange_raw(lab, from, to, &message).is_some()
    };
    assert!(knock(&mut lab, "198.51.100.1", 1));
    assert!(knock(&mut lab, "198.51.100.1", 2));
    assert!(!knock(&mut lab, "198.51.100.1", 3));
    assert!(knock(&mut lab, "198.51.100.2", 4));
    assert!(knock(&mut lab, "2001:db8:1:1::1", 5));
    assert!(knock(&mut lab, "2001:db8:1:1::2", 6));
    assert!(!knock(&mut lab, "2001:db8:1:1:9::3", 7), "one network");
    assert!(knock(&mut lab, "2001:db8:1:2::1", 8));
}

/// RFC 8019 4.1, 4.2: who has begun many is asked for a cookie while others aren't, and what it begins is forgotten sooner.
#[test]
fn abuse_27_one_address_is_asked_for_cookies_before_others() {
    let mut lab = with_settings(Settings {
        cookie_share: 2,
        half_open_share: 3,
        ..Settings::default()
    });
    let anybody = Connection {
        name: "anybody".into(),
        remote: Remote::Any,
        ..connection(Who::East)
    };
    let now = lab.now;
    lab.east.endpoint.set_connection(now, Arc::new(anybody));
    lab.initiate();
    let first = Message::parse(&lab.intercept().pop().unwrap().payload).unwrap();
    let knock = |lab: &mut Lab, from: &str, n: u8, cookie: Option<&Payload>| {
        let mut payloads = first.payloads.clone();
        for payload in &mut payloads.0 {
            if let Payload::Nonce(nonce) = payload {
                nonce.0[0] ^= n;
            }
        }
        if let Some(cookie) = cookie {
            payloads.0.insert(0, cookie.clone());
        }
        let message = emit_plain(&first.header, &payloads).unwrap();
        let answer = exchange_raw(lab, at(from, 500), at(EAST, 500), &message)?;
        Some(Message::parse(&answer).unwrap().payloads)
    };
    let (busy, calm) = ("198.51.100.1", "198.51.100.2");
    let goes_on = |answer: Option<PayloadList>| answer.is_some_and(|a| a.sa().is_some());
    assert!(goes_on(knock(&mut lab, busy, 1, None)));
    assert!(goes_on(knock(&mut lab, busy, 2, None)));
    // Forged addresses come no further than this, so nobody is kept out in another's name.
    let asked = knock(&mut lab, busy, 3, None).unwrap();
    let cookie = asked.0.first().unwrap();
    assert!(asked.notify(NotifyType::COOKIE).is_some());
    assert!(
        goes_on(knock(&mut lab, calm, 4, None)),
        "others aren't asked"
    );
    assert!(goes_on(knock(&mut lab, busy, 3, Some(cookie))));
    // Its share is used up, cookie or not.
    let asked = knock(&mut lab, busy, 5, None).unwrap();
    assert!(knock(&mut lab, busy, 5, asked.0.first()).is_none());
    assert_eq!(
        lab.east.drops(),
        [
            (DropReason::IkeCookie, 2),
            (DropReason::IkeHalfOpenLimit, 1)
        ]
    );
    lab.west = Side::new(WEST, 1, Settings::default());
    lab.pass(Duration::from_secs(11));
    assert_eq!(
        lab.east.endpoint.snapshot().len(),
        3,
        "the one behind a cookie went"
    );
    lab.pass(Duration::from_secs(20));
    assert!(lab.east.endpoint.snapshot().is_empty());
    assert!(
        goes_on(knock(&mut lab, busy, 6, None)),
        "and so is what it cost"
    );
}

/// Above the threshold nothing is remembered of who doesn't return a cookie, and who does gets through.
#[test]
fn abuse_22_a_flood_leaves_no_state_behind() {
    let mut lab = with_settings(Settings {
        cookie_threshold: 2,
        ..Settings::default()
    });
    lab.initiate();
    let first = lab.intercept().pop().unwrap();
    for n in 0..100_u8 {
        let mut copy = first.clone();
        copy.payload[7] ^= n + 1;
        copy.from = at("198.51.100.1", 500 + u16::from(n));
        copy.from.set_ip(ip(WEST));
        lab.deliver(&copy);
    }
    assert_eq!(lab.east.endpoint.snapshot().len(), 2);
    assert_eq!(lab.east.drops(), [(DropReason::IkeCookie, 98)]);
    lab.intercept();
    lab.wire.push_back(first);
    lab.run();
    assert!(lab.west.is_up() && lab.east.is_up());
}

#[test]
fn abuse_23_a_wrong_cookie_is_answered_with_a_right_one() {
    let mut lab = with_settings(Settings {
        cookie_threshold: 0,
        ..Settings::default()
    });
    lab.initiate();
    lab.step();
    lab.step();
    // West's second request, with its cookie changed on the way.
    let mut changed = lab.intercept().pop().unwrap();
    changed.payload[28 + 8 + 3] ^= 1;
    lab.deliver(&changed);
    assert_eq!(lab.east.drops(), [(DropReason::IkeCookie, 2)]);
    assert!(lab.east.endpoint.snapshot().is_empty());
}

/// RFC 7296 2.5: a higher version in a request is answered, a lower one isn't.
#[test]
fn abuse_09_other_versions() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let mut higher = request.clone();
    higher.payload[17] = 0x30;
    lab.deliver(&higher);
    let answer = lab.intercept().pop().unwrap();
    let parsed = Message::parse(&answer.payload).unwrap();
    assert_eq!(parsed.header.version, Version::V2);
    assert_eq!(
        parsed.payloads.error_notify().unwrap().kind,
        NotifyType::INVALID_MAJOR_VERSION
    );
    let mut lower = request.clone();
    lower.payload[17] = 0x10;
    lab.deliver(&lower);
    assert!(lab.intercept().is_empty());
    assert_eq!(lab.east.drops(), [(DropReason::IkeVersion, 2)]);
    assert!(lab.east.endpoint.snapshot().is_empty());

    // A minor version is ignored.
    let mut minor = request;
    minor.payload[17] = 0x25;
    lab.deliver(&minor);
    assert_eq!(lab.east.endpoint.snapshot().len(), 1);
}

/// A peer that speaks only IKEv1 says so in IKEv1: INFORMATIONAL with NO-PROPOSAL-CHOSEN or INVALID-MAJOR-VERSION.
#[test]
fn an_ikev1_speaker_is_recognised() {
    for number in [5_u16, 14] {
        let mut lab = Lab::new();
        lab.initiate();
        let request = lab.intercept().pop().unwrap();
        let mut v1 = request.payload[..8].to_vec();
        v1.extend_from_slice(&[9; 8]);
        v1.extend_from_slice(&[11, 0x10, 5, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 40]);
        v1.extend_from_slice(&[0, 0, 0, 12, 0, 0, 0, 1, 1, 0]);
        v1.extend_from_slice(&number.to_be_bytes());
        lab.deliver(&Datagram {
            from: request.to,
            to: request.from,
            payload: v1,
        });
        assert_eq!(lab.west.drops(), [(DropReason::IkeVersion, 1)]);
        assert!(lab.west.saw(
            |h| matches!(h, Happening::UnprotectedNotify { version: 1, notify, .. } if *notify == number)
        ));
        lab.cut = true;
        lab.pass(Duration::from_millis(1100));
        assert_eq!(lab.west.closed(), ["failed"]);
        assert_eq!(lab.west.peer_refusals().len(), 1);
    }
}

#[test]
fn abuse_11_our_own_request_that_comes_back_is_recognised() {
    let mut lab = Lab::new();
    let now = lab.now;
    let mut selfish = connection(Who::East);
    selfish.local = None;
    selfish.remote = adit_model::connection::Remote::Any;
    selfish.name = "anybody".into();
    lab.west.endpoint.set_connection(now, Arc::new(selfish));
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let now = lab.now;
    lab.west
        .endpoint
        .handle_datagram(now, request.from, request.to, &request.payload);
    assert_eq!(lab.west.drops(), [(DropReason::IkeBadFlags, 1)]);
    let mut turned = request.payload.clone();
    turned[19] = 0x28;
    lab.west
        .endpoint
        .handle_datagram(now, request.from, request.to, &turned);
    assert_eq!(lab.west.endpoint.drops().total(), 2);
    assert_eq!(lab.west.endpoint.snapshot().len(), 1);
}

#[test]
fn abuse_07_critical_payloads_that_are_unknown_are_named() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let parsed = Message::parse(&request.payload).unwrap();
    let mut payloads = parsed.payloads;
    payloads.0.push(Payload::Unknown {
        kind: adit_wire::iana::PayloadType(99),
        critical: true,
        body: vec![1, 2, 3],
    });
    let payload = emit_plain(&parsed.header, &payloads).unwrap();
    lab.deliver(&Datagram { payload, ..request });
    let answer = lab.intercept().pop().unwrap();
    let parsed = Message::parse(&answer.payload).unwrap();
    let notify = parsed.payloads.error_notify().unwrap();
    assert_eq!(notify.kind, NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD);
    assert_eq!(notify.data, [99]);
    assert!(lab.east.endpoint.snapshot().is_empty());
}

#[test]
fn abuse_16_key_exchange_values_are_checked() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let parsed = Message::parse(&request.payload).unwrap();
    for data in [vec![], vec![0; 32], vec![1; 31], vec![0xff; 33]] {
        let mut payloads = parsed.payloads.clone();
        for payload in &mut payloads.0 {
            if let Payload::Ke(ke) = payload {
                ke.data.clone_from(&data);
            }
        }
        let payload = emit_plain(&parsed.header, &payloads).unwrap();
        lab.deliver(&Datagram {
            payload,
            ..request.clone()
        });
        let (_, refusal, notify) = lab.east.refusals().pop().unwrap();
        assert!(matches!(refusal, Refusal::KeValue { .. }));
        assert_eq!(notify.as_deref(), Some("INVALID_SYNTAX"));
    }
    assert!(lab.east.endpoint.snapshot().is_empty());
}
