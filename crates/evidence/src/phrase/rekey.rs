//! Sentences about replacing SAs.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // The status of Openswan and Libreswan.
    any(
        Sign::ReplacedIkeSaLives,
        "ISAKMP SA established); EVENT_SA_EXPIRE in {seconds:n}s",
    ),
    any(
        Sign::ReplacedIkeSaLives,
        "ISAKMP SA established); EVENT_v1_EXPIRE in {seconds:n}s",
    ),
    // ── a rekey that fails ──
    any(Sign::RekeyFailed, "{what:w} rekeying failed"),
    any(
        Sign::RekeyRefused,
        "(rekey {what}) failed with error notification {problem:w}",
    ),
    any(
        Sign::RekeyRefused,
        "response for rekey {what} was rejected with {problem:w}",
    ),
    any(
        Sign::RekeyRefused,
        "peer seems to not support {what} rekeying",
    ),
    any(
        Sign::RekeyUnanswered,
        "rekeying {what} failed, peer not responding",
    ),
    any(
        Sign::RekeyUnanswered,
        "STATE_V2_REKEY_{what:w}: {}second timeout exceeded after",
    ),
    any(
        Sign::RekeyUnanswered,
        "max number of retransmissions ({}) reached STATE_V2_REKEY_{what:w}",
    ),
    any(
        Sign::TrafficChanged,
        "for rekey do not match the established IPsec SA",
    ),
    // ── both at once ──
    // ── users' own words ──
    any(Sign::RekeyCollision, "child-sa rekey collision"),
    any(Sign::RekeyCollision, "child SA rekey collision"),
    any(Sign::RekeyCollision, "Child SA rekey collision"),
    any(Sign::RekeyCollision, "after a rekey collision"),
    any(Sign::RekeyCollision, "during a rekey collision"),
    any(Sign::RekeyCollision, "rekey collision occurs"),
    any(Sign::RekeyCollision, "rekey collision happens"),
    any(Sign::RekeyCollision, "rekey collisions"),
    any(Sign::RekeyCollision, "{what} rekey collision lost"),
    any(Sign::RekeyCollision, "{what} rekey collision won"),
    any(Sign::RekeyCollision, "detected {what:w} collision with"),
    any(Sign::RekeyCollision, "detected rekey collision for {what}"),
    any(
        Sign::RekeyCollision,
        "abort active rekeying for {what} because",
    ),
    any(
        Sign::RekeyCollision,
        "redundant SA is being deleted due to detected collision",
    ),
    any(
        Sign::RekeyCollision,
        "AWS tunnel detected a ({what}) collision",
    ),
    // ── the end of a life ──
    any(Sign::SaExpired, "{what} SA expired (LATEST!)"),
    any(Sign::SaExpired, "{what} SA expired (--dontrekey)"),
    any(
        Sign::SaExpired,
        "%ASA-{}: Session is being torn down. Reason: Lifetime expired",
    ),
    any(Sign::SaExpired, "Reason: SA lifetime expired"),
    any(Sign::SaExpired, "IPsec-SA expired: {what}"),
    any(Sign::RekeyOff, "SA expired (--dontrekey)"),
    any(Sign::RekeyOff, "rekeying disabled"),
    any(Sign::RekeyOff, "policy: {}DONT_REKEY"),
    any(Sign::RekeyOff, "policy: {}DONTREKEY"),
    any(Sign::RekeyOff, "policy doesn't allow re-key"),
    any(Sign::RekeyOff, "; rekey:no;"),
    // ── authenticating again ──
    any(
        Sign::ReauthenticationFailed,
        "unable to reestablish IKE_SA due asymetric setup",
    ),
    any(
        Sign::ReauthenticationFailed,
        "unable to reestablish IKE_SA due to asymmetric setup",
    ),
    any(
        Sign::ReauthenticationFailed,
        "delete during reauthentication failed, trying to reestablish",
    ),
    any(
        Sign::ReauthenticationMissed,
        "initiator did not reauthenticate as requested, IKE_SA {name} will timeout in {seconds}",
    ),
    any(
        Sign::ReauthenticationMissed,
        "initiator did not reauthenticate as requested",
    ),
    any(Sign::Reauthenticating, "reauthenticating IKE_SA {name}"),
    // ── deletes that don't fit ──
    any(
        Sign::DeleteForUnknown,
        "received DELETE for unknown {}CHILD_SA with SPI {spi:w}",
    ),
    any(
        Sign::DeleteForUnknown,
        "CHILD_SA with SPI {spi:w} not found",
    ),
    any(
        Sign::DeleteForUnknown,
        "Delete SA payload: IPsec {} SA with SPI {spi:w} not found",
    ),
    any(
        Sign::DeleteForUnknown,
        "ignoring Delete SA payload: {} SA({spi}) not found",
    ),
    any(
        Sign::DeleteForUnknown,
        "ignoring Delete SA payload: ISAKMP SA not found",
    ),
    // ── lifetimes ──
    any(
        Sign::LifetimeDiffers,
        "lifetime mismatched: my:{ours:n} peer:{theirs:n}",
    ),
    any(
        Sign::LifetimeDiffers,
        "lifebyte mismatched: my:{ours:n} peer:{theirs:n}",
    ),
    any(
        Sign::LifetimeDiffers,
        "long lifetime proposed: my:{ours:n} peer:{theirs:n}",
    ),
    any(
        Sign::LifetimeDiffers,
        "peer requested {theirs:n} seconds which exceeds our limit {ours:n} seconds",
    ),
    any(Sign::VolumeLimit, "IPsec SA expired{}bytes"),
    any(Sign::VolumeLimit, "soft byte limit"),
    any(Sign::VolumeLimit, "due to data lifetime"),
    any(Sign::VolumeLimit, "kilobyte lifetime expired"),
    any(Sign::VolumeLimit, "lifetime(KB) expired"),
    any(Sign::VolumeLimit, "traffic volume limit reached"),
    any(
        Sign::RekeyRefused,
        "unable to rekey, {what} with SPI {} {problem}",
    ),
    any(Sign::LifetimeDiffers, "SA lifetime mismatch"),
    // The responder's is shorter than what was proposed (RFC 2407 4.6.3.1).
    any(Sign::LifetimeDiffers, "type IPSEC_RESPONDER_LIFETIME"),
    any(Sign::MakeBeforeBreak, "vpn ike make-before-break"),
    any(Sign::MakeBeforeBreak, "make_before_break = yes"),
];
