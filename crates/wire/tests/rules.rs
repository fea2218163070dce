//! Payload presence: what each message of RFC 7296 appendix C needs, and what is missing when it lacks it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_wire::iana::{ExchangeType, NotifyType, PayloadType};
use adit_wire::v2::rules::{MESSAGES, PresenceError, Shape, check};
use adit_wire::v2::{EapPayload, Notify, Payload, PayloadList};
use common::*;

const INIT: ExchangeType = ExchangeType::IKE_SA_INIT;
const AUTH: ExchangeType = ExchangeType::IKE_AUTH;
const CREATE: ExchangeType = ExchangeType::CREATE_CHILD_SA;
const INFO: ExchangeType = ExchangeType::INFORMATIONAL;

fn notify(kind: NotifyType) -> PayloadList {
    PayloadList(vec![Payload::Notify(Notify::new(kind))])
}

fn without(list: PayloadList, kinds: &[PayloadType]) -> PayloadList {
    list.0
        .into_iter()
        .filter(|payload| !kinds.contains(&payload.kind()))
        .collect()
}

fn with(mut list: PayloadList, payload: Payload) -> PayloadList {
    list.0.push(payload);
    list
}

#[test]
fn each_message_is_recognised() {
    use PayloadType as P;
    let eap = Payload::Eap(EapPayload {
        code: 1,
        identifier: 1,
        data: vec![1],
    });
    let child = [P::SA, P::TS_I, P::TS_R];
    let failed = Payload::Notify(Notify::new(NotifyType::TS_UNACCEPTABLE));
    for (shape, exchange, response, payloads) in [
        (Shape::SaInitRequest, INIT, false, sa_init_request()),
        (Shape::SaInitResponse, INIT, true, sa_init_response()),
        (Shape::SaInitCookie, INIT, true, notify(NotifyType::COOKIE)),
        (
            Shape::SaInitInvalidKe,
            INIT,
            true,
            notify(NotifyType::INVALID_KE_PAYLOAD),
        ),
        (
            Shape::SaInitRedirect,
            INIT,
            true,
            notify(NotifyType::REDIRECT),
        ),
        (
            Shape::SaInitError,
            INIT,
            true,
            notify(NotifyType::NO_PROPOSAL_CHOSEN),
        ),
        (Shape::AuthRequest, AUTH, false, auth_request()),
        (
            Shape::AuthRequestChildless,
            AUTH,
            false,
            without(auth_request(), &child),
        ),
        (
            Shape::AuthRequestEapStart,
            AUTH,
            false,
            without(auth_request(), &[P::AUTH]),
        ),
        (
            Shape::AuthRequestEap,
            AUTH,
            false,
            PayloadList(vec![eap.clone()]),
        ),
        (
            Shape::AuthRequestEapEnd,
            AUTH,
            false,
            without(auth_request(), &[P::ID_I, P::SA]),
        ),
        (Shape::AuthResponse, AUTH, true, auth_response()),
        (
            Shape::AuthResponseChildError,
            AUTH,
            true,
            with(without(auth_response(), &child), failed),
        ),
        (
            Shape::AuthResponseChildless,
            AUTH,
            true,
            without(auth_response(), &child),
        ),
        (
            Shape::AuthResponseEap,
            AUTH,
            true,
            with(without(auth_response(), &child), eap),
        ),
        (
            Shape::AuthResponseEapEnd,
            AUTH,
            true,
            without(auth_response(), &[P::ID_R]),
        ),
        (
            Shape::AuthError,
            AUTH,
            true,
            notify(NotifyType::AUTHENTICATION_FAILED),
        ),
        (
            Shape::RekeyChildRequest,
            CREATE,
            false,
            rekey_child_request(),
        ),
        (
            Shape::CreateChildRequest,
            CREATE,
            false,
            without(rekey_child_request(), &[P::NOTIFY]),
        ),
        (
            Shape::RekeyIkeRequest,
            CREATE,
            false,
            without(rekey_child_request(), &[P::NOTIFY, P::TS_I, P::TS_R]),
        ),
        (
            Shape::CreateChildResponse,
            CREATE,
            true,
            without(rekey_child_request(), &[P::KE]),
        ),
        (
            Shape::RekeyIkeResponse,
            CREATE,
            true,
            without(rekey_child_request(), &[P::TS_I, P::TS_R]),
        ),
        (
            Shape::CreateChildError,
            CREATE,
            true,
            notify(NotifyType::NO_ADDITIONAL_SAS),
        ),
        (Shape::InformationalRequest, INFO, false, informational()),
        (
            Shape::InformationalResponse,
            INFO,
            true,
            PayloadList::default(),
        ),
    ] {
        assert_eq!(
            check(exchange, response, exchange != INIT, &payloads),
            Ok(shape),
            "{shape}"
        );
    }
    assert_eq!(
        check(INFO, false, false, &notify(NotifyType::INVALID_IKE_SPI)),
        Ok(Shape::UnprotectedNotify)
    );
}

/// Takes away and doubles each payload of the messages that set up an SA, one at a time.
#[test]
fn abuse_06_a_missing_or_doubled_payload_is_named() {
    for (exchange, response, payloads) in [
        (INIT, false, sa_init_request()),
        (INIT, true, sa_init_response()),
        (AUTH, true, auth_response()),
        (CREATE, false, rekey_child_request()),
    ] {
        let encrypted = exchange != INIT;
        let shape = check(exchange, response, encrypted, &payloads).unwrap();
        let rule = MESSAGES.iter().find(|rule| rule.shape == shape).unwrap();
        for count in rule.payloads {
            let kind = count.kind;
            let Some(doubled) = payloads
                .iter()
                .find(|payload| payload.kind() == kind)
                .cloned()
            else {
                assert_eq!(count.min, 0, "{shape} passed without {kind}");
                continue;
            };
            assert_eq!(
                check(
                    exchange,
                    response,
                    encrypted,
                    &with(payloads.clone(), doubled)
                ),
                Err(PresenceError::TooMany {
                    shape,
                    kind,
                    count: 2,
                    max: 1
                })
            );
            let lacking = check(
                exchange,
                response,
                encrypted,
                &without(payloads.clone(), &[kind]),
            );
            match lacking {
                Err(PresenceError::Missing { kind: named, .. }) => assert_eq!(named, kind),
                // The message is then another one, or the payload was optional.
                Ok(other) => assert!(other != shape || count.min == 0, "{shape} without {kind}"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn protection_is_checked() {
    assert_eq!(
        check(AUTH, false, false, &auth_request()),
        Err(PresenceError::NotEncrypted {
            shape: Shape::AuthRequest
        })
    );
    let error = check(INIT, false, true, &sa_init_request()).unwrap_err();
    assert_eq!(error.to_string(), "IKE_SA_INIT request is encrypted");
    assert_eq!(
        check(INFO, false, false, &PayloadList::default()),
        Err(PresenceError::Missing {
            shape: Shape::UnprotectedNotify,
            kind: PayloadType::NOTIFY
        })
    );
}

#[test]
fn exchanges_without_rules_are_named() {
    let exchange = ExchangeType(240);
    assert_eq!(
        check(exchange, false, true, &PayloadList::default()),
        Err(PresenceError::UnknownExchange(exchange))
    );
}

/// The table is well-formed: every exchange and direction ends with a row that always applies, and no row is after it.
#[test]
fn every_group_of_rules_ends_with_its_default() {
    for exchange in [INIT, AUTH, CREATE, INFO] {
        for response in [false, true] {
            let group: Vec<_> = MESSAGES
                .iter()
                .filter(|rule| rule.exchange == exchange && rule.response == response)
                .collect();
            let defaults: Vec<_> = group.iter().map(|rule| rule.when.is_empty()).collect();
            let (last, others) = defaults.split_last().unwrap();
            assert!(
                *last && others.iter().all(|default| !default),
                "{exchange} {response}"
            );
        }
    }
}
