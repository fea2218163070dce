//! What servers say that check users for a gateway: FreeRADIUS and PAM.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

const SERVER: &[&str] = &["radiusd", "freeradius"];
const IKE: &[&str] = &["charon", "pluto", "ipsec", "strongswan", "swanctl"];

pub(super) static PHRASES: &[Phrase] = &[
    // ── FreeRADIUS ──
    any(
        Sign::UserServerUnreachable,
        "Ignoring request to auth address {}from unknown client {server:w}",
    ),
    any(
        Sign::UserServerUnreachable,
        "Ignoring request to authentication address {}from unknown client {server:w}",
    ),
    any(
        Sign::UserServerUnreachable,
        "with invalid Message-Authenticator! (Shared secret is incorrect",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "mschap: ERROR: MS-CHAP2-Response is incorrect",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "FAILED: MS-CHAP2-Response is incorrect",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "mschap: FAILED: No NT/LM-Password",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "mschap: ERROR: FAILED: No NT-Password",
    ),
    any(Sign::UserAuthenticationFailed, "Login incorrect (mschap: "),
    any(
        Sign::UserAuthenticationFailed,
        "No Auth-Type found: rejecting the user",
    ),
    by(
        SERVER,
        Sign::UserAuthenticationFailed,
        "EAP sub-module failed",
    ),
    any(Sign::UserAuthenticationFailed, "Login incorrect: ["),
    by(SERVER, Sign::UserLetIn, "Login OK: ["),
    by(
        SERVER,
        Sign::UserAuthenticationFailed,
        "Failed to authenticate the user",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "The attempted logon is invalid. This is either due to a bad username",
    ),
    // ── PAM ──
    any(
        Sign::UserAuthenticationFailed,
        "(pluto:auth): authentication failure;",
    ),
    by(
        IKE,
        Sign::UserAuthenticationFailed,
        "PAM unable to dlopen({method}): ",
    ),
];
