//! Which payloads a message must and may carry, as data (RFC 7296 1.2 to 1.5, 2.6, 2.7, 2.16, appendix C).
//!
//! [`MESSAGES`] lists every message by exchange, direction and what tells it from its siblings. A payload that
//! no row of a message names is tolerated and means nothing there: peers do send such, and RFC 7296 2.5 asks for
//! refusal only where the critical bit asks for it.

use super::PayloadList;
use crate::iana::{ExchangeType, NotifyType, PayloadType};
use core::fmt;

/// How a message breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresenceError {
    /// No rules are known for the exchange type.
    #[error("exchange {0} is not supported")]
    UnknownExchange(
        /// The exchange type.
        ExchangeType,
    ),
    /// The message has to be inside an encrypted payload and was not.
    #[error("{shape} is not encrypted")]
    NotEncrypted {
        /// The message.
        shape: Shape,
    },
    /// The message has to be in clear and was encrypted.
    #[error("{shape} is encrypted")]
    Encrypted {
        /// The message.
        shape: Shape,
    },
    /// A required payload is missing.
    #[error("{shape} lacks the {kind} payload")]
    Missing {
        /// The message.
        shape: Shape,
        /// What is missing.
        kind: PayloadType,
    },
    /// A payload is there more often than allowed.
    #[error("{shape} has {count} {kind} payloads, {max} allowed")]
    TooMany {
        /// The message.
        shape: Shape,
        /// What there is too much of.
        kind: PayloadType,
        /// How often it is there.
        count: usize,
        /// How often it may be.
        max: usize,
    },
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A kind of message, told by exchange, direction and content.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Shape { $($(#[$doc])* $name,)* }

        impl fmt::Display for Shape {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

shapes! {
    /// First message of all (1.2).
    SaInitRequest = "IKE_SA_INIT request";
    /// The answer that goes on (1.2).
    SaInitResponse = "IKE_SA_INIT response";
    /// The answer that asks for a cookie (2.6).
    SaInitCookie = "IKE_SA_INIT response with COOKIE";
    /// The answer that asks for another key exchange method (1.2, 2.7).
    SaInitInvalidKe = "IKE_SA_INIT response with INVALID_KE_PAYLOAD";
    /// The answer that sends the initiator elsewhere (RFC 5685 3).
    SaInitRedirect = "IKE_SA_INIT response with REDIRECT";
    /// The answer that refuses (2.21.1).
    SaInitError = "IKE_SA_INIT response with an error";
    /// Authentication by PSK or certificate, with a CHILD SA (1.2).
    AuthRequest = "IKE_AUTH request";
    /// Authentication without a CHILD SA (RFC 6023).
    AuthRequestChildless = "IKE_AUTH request without a CHILD SA";
    /// First message of EAP: no AUTH payload (2.16).
    AuthRequestEapStart = "IKE_AUTH request that asks for EAP";
    /// A later message of EAP (2.16).
    AuthRequestEap = "IKE_AUTH request with EAP";
    /// Last request of EAP: AUTH without an identity (2.16).
    AuthRequestEapEnd = "IKE_AUTH request that ends EAP";
    /// Authentication and CHILD SA accepted (1.2).
    AuthResponse = "IKE_AUTH response";
    /// Authentication accepted, CHILD SA refused (2.21.2).
    AuthResponseChildError = "IKE_AUTH response that refuses the CHILD SA";
    /// Authentication accepted, no CHILD SA asked for (RFC 6023).
    AuthResponseChildless = "IKE_AUTH response without a CHILD SA";
    /// A message of EAP (2.16).
    AuthResponseEap = "IKE_AUTH response with EAP";
    /// Last response of EAP: AUTH without an identity (2.16).
    AuthResponseEapEnd = "IKE_AUTH response that ends EAP";
    /// Authentication refused (2.21.2).
    AuthError = "IKE_AUTH response with an error";
    /// A further CHILD SA (1.3.1).
    CreateChildRequest = "CREATE_CHILD_SA request for a CHILD SA";
    /// A replacement for a CHILD SA (1.3.3).
    RekeyChildRequest = "CREATE_CHILD_SA request to rekey a CHILD SA";
    /// A replacement for the IKE SA (1.3.2).
    RekeyIkeRequest = "CREATE_CHILD_SA request to rekey the IKE SA";
    /// A CHILD SA, new or a replacement, accepted (1.3.1, 1.3.3).
    CreateChildResponse = "CREATE_CHILD_SA response for a CHILD SA";
    /// A new IKE SA accepted (1.3.2).
    RekeyIkeResponse = "CREATE_CHILD_SA response for the IKE SA";
    /// Refused (1.3, 2.21.3), or asked for another key exchange method.
    CreateChildError = "CREATE_CHILD_SA response with an error";
    /// An additional key exchange before IKE_AUTH (RFC 9242 3.3, RFC 9370 2.2.2).
    IntermediateRequest = "IKE_INTERMEDIATE request";
    /// Its answer.
    IntermediateResponse = "IKE_INTERMEDIATE response";
    /// Refused.
    IntermediateError = "IKE_INTERMEDIATE response with an error";
    /// An additional key exchange after CREATE_CHILD_SA (RFC 9370 2.2.4).
    FollowupRequest = "IKE_FOLLOWUP_KE request";
    /// Its answer.
    FollowupResponse = "IKE_FOLLOWUP_KE response";
    /// Refused.
    FollowupError = "IKE_FOLLOWUP_KE response with an error";
    /// Deletes, notifications, configuration, or nothing at all (1.4).
    InformationalRequest = "INFORMATIONAL request";
    /// Its answer (1.4).
    InformationalResponse = "INFORMATIONAL response";
    /// A notification outside of any IKE SA (1.5).
    UnprotectedNotify = "INFORMATIONAL in clear";
}

/// A condition on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A payload of the type is there.
    Has(PayloadType),
    /// No payload of the type is there.
    Lacks(PayloadType),
    /// A notification of the type is there.
    Notifies(NotifyType),
    /// A notification of an error is there.
    NotifiesError,
    /// The payloads were not encrypted.
    InClear,
}

/// How often a payload may be in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The payload.
    pub kind: PayloadType,
    /// At least this often.
    pub min: usize,
    /// At most this often.
    pub max: usize,
}

/// The rules of one message.
#[derive(Clone, Copy, Debug)]
pub struct MessageRule {
    /// The message.
    pub shape: Shape,
    /// Its exchange type.
    pub exchange: ExchangeType,
    /// Whether it is a response.
    pub response: bool,
    /// Whether its payloads have to be encrypted; if not, they have to be in clear.
    pub encrypted: bool,
    /// What tells it from the messages of the same exchange and direction further down.
    pub when: &'static [When],
    /// Its payloads. Notify and Vendor ID payloads may be in any message.
    pub payloads: &'static [Count],
}

const fn one(kind: PayloadType) -> Count {
    Count {
        kind,
        min: 1,
        max: 1,
    }
}

const fn optional(kind: PayloadType) -> Count {
    Count {
        kind,
        min: 0,
        max: 1,
    }
}

const fn some(kind: PayloadType) -> Count {
    Count {
        kind,
        min: 1,
        max: usize::MAX,
    }
}

use PayloadType as P;
use When::{Has, InClear, Lacks, Notifies, NotifiesError};

const CHILD: [Count; 3] = [one(P::SA), one(P::TS_I), one(P::TS_R)];
const NO_CHILD: &[When] = &[Lacks(P::SA), Lacks(P::TS_I), Lacks(P::TS_R)];

const fn rule(
    shape: Shape,
    exchange: ExchangeType,
    response: bool,
    when: &'static [When],
    payloads: &'static [Count],
) -> MessageRule {
    let encrypted = exchange.0 != ExchangeType::IKE_SA_INIT.0;
    MessageRule {
        shape,
        exchange,
        response,
        encrypted,
        when,
        payloads,
    }
}

const INIT: ExchangeType = ExchangeType::IKE_SA_INIT;
const AUTH: ExchangeType = ExchangeType::IKE_AUTH;
const CREATE: ExchangeType = ExchangeType::CREATE_CHILD_SA;
const INFO: ExchangeType = ExchangeType::INFORMATIONAL;
const INTERMEDIATE: ExchangeType = ExchangeType::IKE_INTERMEDIATE;
const FOLLOWUP: ExchangeType = ExchangeType::IKE_FOLLOWUP_KE;
const REQUEST: bool = false;
const RESPONSE: bool = true;

/// The rules. Of the rows for an exchange and direction, the first whose conditions all hold applies; the last
/// has none.
pub const MESSAGES: &[MessageRule] = &[
    rule(
        Shape::SaInitRequest,
        INIT,
        REQUEST,
        &[],
        &[one(P::SA), one(P::KE), one(P::NONCE)],
    ),
    rule(
        Shape::SaInitCookie,
        INIT,
        RESPONSE,
        &[Lacks(P::SA), Notifies(NotifyType::COOKIE)],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::SaInitInvalidKe,
        INIT,
        RESPONSE,
        &[Lacks(P::SA), Notifies(NotifyType::INVALID_KE_PAYLOAD)],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::SaInitRedirect,
        INIT,
        RESPONSE,
        &[Lacks(P::SA), Notifies(NotifyType::REDIRECT)],
        &[some(P::NOTIFY), optional(P::NONCE)],
    ),
    rule(
        Shape::SaInitError,
        INIT,
        RESPONSE,
        &[Lacks(P::SA), NotifiesError],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::SaInitResponse,
        INIT,
        RESPONSE,
        &[],
        &[one(P::SA), one(P::KE), one(P::NONCE)],
    ),
    rule(
        Shape::AuthRequestEap,
        AUTH,
        REQUEST,
        &[Has(P::EAP)],
        &[one(P::EAP)],
    ),
    rule(
        Shape::AuthRequestEapEnd,
        AUTH,
        REQUEST,
        &[Lacks(P::ID_I), Lacks(P::SA), Has(P::AUTH)],
        &[one(P::AUTH)],
    ),
    rule(
        Shape::AuthRequestEapStart,
        AUTH,
        REQUEST,
        &[Lacks(P::AUTH)],
        &[
            one(P::ID_I),
            optional(P::ID_R),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::AuthRequestChildless,
        AUTH,
        REQUEST,
        NO_CHILD,
        &[
            one(P::ID_I),
            optional(P::ID_R),
            one(P::AUTH),
            optional(P::CP),
        ],
    ),
    rule(
        Shape::AuthRequest,
        AUTH,
        REQUEST,
        &[],
        &[
            one(P::ID_I),
            optional(P::ID_R),
            one(P::AUTH),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::AuthResponseEap,
        AUTH,
        RESPONSE,
        &[Has(P::EAP)],
        &[one(P::EAP), optional(P::ID_R), optional(P::AUTH)],
    ),
    rule(
        Shape::AuthError,
        AUTH,
        RESPONSE,
        &[Lacks(P::AUTH), NotifiesError],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::AuthResponseEapEnd,
        AUTH,
        RESPONSE,
        &[Lacks(P::ID_R), Has(P::AUTH)],
        &[one(P::AUTH), optional(P::CP), CHILD[0], CHILD[1], CHILD[2]],
    ),
    rule(
        Shape::AuthResponseChildError,
        AUTH,
        RESPONSE,
        &[Lacks(P::SA), NotifiesError],
        &[one(P::ID_R), one(P::AUTH), some(P::NOTIFY)],
    ),
    rule(
        Shape::AuthResponseChildless,
        AUTH,
        RESPONSE,
        NO_CHILD,
        &[one(P::ID_R), one(P::AUTH), optional(P::CP)],
    ),
    rule(
        Shape::AuthResponse,
        AUTH,
        RESPONSE,
        &[],
        &[
            one(P::ID_R),
            one(P::AUTH),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::RekeyChildRequest,
        CREATE,
        REQUEST,
        &[Notifies(NotifyType::REKEY_SA)],
        &[
            one(P::NONCE),
            optional(P::KE),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::RekeyIkeRequest,
        CREATE,
        REQUEST,
        &[Lacks(P::TS_I), Lacks(P::TS_R)],
        &[one(P::SA), one(P::NONCE), one(P::KE)],
    ),
    rule(
        Shape::CreateChildRequest,
        CREATE,
        REQUEST,
        &[],
        &[
            one(P::NONCE),
            optional(P::KE),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::CreateChildError,
        CREATE,
        RESPONSE,
        &[Lacks(P::SA), NotifiesError],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::RekeyIkeResponse,
        CREATE,
        RESPONSE,
        &[Lacks(P::TS_I), Lacks(P::TS_R)],
        &[one(P::SA), one(P::NONCE), one(P::KE)],
    ),
    rule(
        Shape::CreateChildResponse,
        CREATE,
        RESPONSE,
        &[],
        &[
            one(P::NONCE),
            optional(P::KE),
            optional(P::CP),
            CHILD[0],
            CHILD[1],
            CHILD[2],
        ],
    ),
    rule(
        Shape::IntermediateRequest,
        INTERMEDIATE,
        REQUEST,
        &[],
        &[one(P::KE)],
    ),
    rule(
        Shape::IntermediateError,
        INTERMEDIATE,
        RESPONSE,
        &[Lacks(P::KE), NotifiesError],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::IntermediateResponse,
        INTERMEDIATE,
        RESPONSE,
        &[],
        &[one(P::KE)],
    ),
    rule(
        Shape::FollowupRequest,
        FOLLOWUP,
        REQUEST,
        &[],
        &[one(P::KE)],
    ),
    rule(
        Shape::FollowupError,
        FOLLOWUP,
        RESPONSE,
        &[Lacks(P::KE), NotifiesError],
        &[some(P::NOTIFY)],
    ),
    rule(
        Shape::FollowupResponse,
        FOLLOWUP,
        RESPONSE,
        &[],
        &[one(P::KE)],
    ),
    MessageRule {
        encrypted: false,
        ..rule(
            Shape::UnprotectedNotify,
            INFO,
            REQUEST,
            &[InClear],
            &[some(P::NOTIFY)],
        )
    },
    rule(
        Shape::InformationalRequest,
        INFO,
        REQUEST,
        &[],
        &[optional(P::CP)],
    ),
    MessageRule {
        encrypted: false,
        ..rule(
            Shape::UnprotectedNotify,
            INFO,
            RESPONSE,
            &[InClear],
            &[some(P::NOTIFY)],
        )
    },
    rule(
        Shape::InformationalResponse,
        INFO,
        RESPONSE,
        &[],
        &[optional(P::CP)],
    ),
];

impl When {
    fn holds(self, payloads: &PayloadList, encrypted: bool) -> bool {
        match self {
            Has(kind) => payloads.count(kind) > 0,
            Lacks(kind) => payloads.count(kind) == 0,
            Notifies(kind) => payloads.notify(kind).is_some(),
            NotifiesError => payloads.error_notify().is_some(),
            InClear => !encrypted,
        }
    }
}

/// Finds out what message this is and whether it has the payloads it must have. `encrypted` says whether
/// `payloads` came out of an encrypted payload; if so they are those alone.
///
/// Whether this message may come now is for the state of the conversation to say.
///
/// # Errors
/// The exchange has no rules, the protection is wrong, a payload is missing or there too often.
pub fn check(
    exchange: ExchangeType,
    is_response: bool,
    encrypted: bool,
    payloads: &PayloadList,
) -> Result<Shape, PresenceError> {
    let rule = MESSAGES
        .iter()
        .filter(|rule| rule.exchange == exchange && rule.response == is_response)
        .find(|rule| rule.when.iter().all(|when| when.holds(payloads, encrypted)))
        .ok_or(PresenceError::UnknownExchange(exchange))?;
    let shape = rule.shape;
    match (rule.encrypted, encrypted) {
        (true, false) => return Err(PresenceError::NotEncrypted { shape }),
        (false, true) => return Err(PresenceError::Encrypted { shape }),
        _ => {}
    }
    for &Count { kind, min, max } in rule.payloads {
        match payloads.count(kind) {
            count if count < min => return Err(PresenceError::Missing { shape, kind }),
            count if count > max => {
                return Err(PresenceError::TooMany {
                    shape,
                    kind,
                    count,
                    max,
                });
            }
            _ => {}
        }
    }
    Ok(shape)
}
