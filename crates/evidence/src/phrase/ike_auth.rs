//! Sentences about authentication: keys, identities, methods.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // PPP, within L2TP within IPsec.
    by(
        &["pppd"],
        Sign::UserAuthenticationFailed,
        "Peer {peer:w} failed {method:w} authentication",
    ),
    // ── pre-shared keys ──
    any(
        Sign::PskNotFound,
        "no shared key found for '{local}'[{}] - '{remote}'[{}]",
    ),
    any(
        Sign::PskNotFound,
        "no shared key found for '{local}' - '{remote}'",
    ),
    any(
        Sign::PskNotFound,
        "no shared key found for {local:w} - {remote:w}",
    ),
    // Cut off, or with the names taken out.
    by(
        &["charon", "ipsec", "strongswan"],
        Sign::PskNotFound,
        "no shared key found for",
    ),
    any(Sign::PskNotFound, "no PSK found for '{remote}'"),
    any(
        Sign::PskNotFound,
        "Can't authenticate: no preshared key found for `{local}' and `{remote}'",
    ),
    any(
        Sign::PskNotFound,
        "Can't authenticate: no preshared key found for '{local}' and '{remote}'",
    ),
    any(Sign::PskNotFound, "No matching PSK found for connection"),
    any(Sign::PskNotFound, "Failed to find our PreShared Key"),
    any(Sign::PskNotFound, "couldn't find the pskey for {remote:w}"),
    any(Sign::PskNotFound, "couldn't find the pskey."),
    any(Sign::PskNotFound, "No pre-shared key with {remote:w}"),
    any(Sign::PskNotFound, "No preshared key configured for group"),
    any(Sign::PskNotFound, "NO pre-shared key found for {remote:w}"),
    any(
        Sign::DecryptedToNonsense,
        "probable authentication failure (mismatch of preshared secrets?)",
    ),
    any(
        Sign::PskDiffers,
        "Decryption failed! mismatch of preshared secrets",
    ),
    any(
        Sign::DecryptedToNonsense,
        "{} payload length, decryption failed?",
    ),
    any(
        Sign::DecryptedToNonsense,
        "Received encrypted Oakley {} packet with invalid payloads",
    ),
    any(
        Sign::DecryptedToNonsense,
        "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from {peer:w} failed its sanity check or is malformed",
    ),
    any(
        Sign::DecryptedToNonsense,
        "length of ISAKMP Identification Payload is larger than can fit",
    ),
    any(
        Sign::DecryptedToNonsense,
        "next payload type of ISAKMP Identification Payload has an unknown value",
    ),
    any(Sign::DecryptedToNonsense, "payload malformed after IV"),
    any(
        Sign::DecryptedToNonsense,
        "message_parse_payloads: invalid next payload type",
    ),
    any(
        Sign::DecryptedToNonsense,
        "message_parse_payloads: reserved field non-zero",
    ),
    any(
        Sign::PskDiffers,
        "shared key{} for '{}' - '{peer}', but MAC mismatched",
    ),
    any(
        Sign::PskDiffers,
        "calculated HASH does not match HASH payload",
    ),
    any(
        Sign::PskDiffers,
        "AUTH mismatch: Received AUTH != computed AUTH",
    ),
    any(Sign::PskDiffers, "PSK authentication failed{}AUTH mismatch"),
    any(Sign::PskDiffers, "PSK authentication failed AUTH mismatch"),
    any(Sign::PskDiffers, "PSK Authentication failed: AUTH mismatch"),
    any(
        Sign::PskDiffers,
        "authentication failed: computed hash does not match hash received from peer {peer}",
    ),
    any(
        Sign::PskDiffers,
        "received Hash Payload does not match computed value",
    ),
    any(Sign::PskDiffers, "probable pre-shared secret mismatch"),
    any(Sign::PskDiffers, "probable pre-shared key mismatch"),
    any(Sign::PskDiffers, "possible pre-shared key mismatch"),
    any(Sign::PskDiffers, "pre-shared key mismatch"),
    any(Sign::PskDiffers, "mismatched pre-shared key"),
    any(Sign::PskDiffers, "preshared key mismatch"),
    any(Sign::PskDiffers, "invalid Pre-shared Key"),
    any(
        Sign::PskDiffers,
        "Verification of peer's authentication data FAILED",
    ),
    any(
        Sign::PskDiffers,
        "parsing packet failed, possible cause: wrong password",
    ),
    by(&["racoon"], Sign::PskDiffers, "ERROR: HASH mismatched"),
    by(&["racoon", "iked"], Sign::PskDiffers, "HASH mismatched"),
    any(
        Sign::SecretMalformed,
        "line {line:n}: malformed secret: {problem}",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: malformed end of PSK",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: PSK data malformed",
    ),
    any(Sign::SecretMalformed, "PSK data malformed ({problem})"),
    any(
        Sign::SecretMalformed,
        "line {line:n}: index \"{problem}\" does not look numeric",
    ),
    // The same words after "WARNING: " only say what FIPS mode would ask for.
    any(
        Sign::SecretMalformed,
        "FIPS Error: connection {name} PSK length of {} bytes is too short for",
    ),
    any(
        Sign::SecretMalformed,
        "FIPS: connection {name} PSK length of {} bytes is too short for",
    ),
    any(
        Sign::SecretMalformed,
        "FIPS: authentication failed: {name} PSK length of {} bytes is too short for",
    ),
    any(Sign::SecretMalformed, "unterminated string in PSK"),
    any(
        Sign::SecretMalformed,
        "PSK string terminated at end of line",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: expected record boundary in key",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: unterminated string",
    ),
    any(Sign::SecretMalformed, "expected record boundary in key"),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: ERROR: unexpected end of record in PSK",
    ),
    any(
        Sign::SecretMalformed,
        "ERROR: unexpected end of record in PSK",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: unexpected end of record in PSK",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: ERROR: unrecognized key format: {problem}",
    ),
    any(
        Sign::SecretMalformed,
        "ERROR: unrecognized key format: {problem}",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: unrecognized key format: {problem}",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: unexpected end of id list",
    ),
    any(
        Sign::SecretMalformed,
        "loading shared secret failed: {problem}",
    ),
    any(Sign::SecretMalformed, "missing secret in '{}', ignored"),
    // ── identities ──
    // VPP tells each comparison, of those that fit as well.
    any(
        Sign::PeerIdentityUnexpected,
        "profile id {expected:w}, received id {received:w}",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "peer to have ID '{expected}', but peer declares '{received}'",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "received IDr '{received}', but require '{expected}'",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "received IDr {received}, but require {expected}",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "IDir '{received}' does not match to '{expected}'",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "constraint check failed: identity '{expected}' ({}) required",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        // Whoever types it by hand misspells the word.
        "constraint check failed: {:w} '{expected}' required",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "identity '{expected}' ({}) required, not matched by '{received}' ({})",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "peer ID '{received}' mismatched on first found connection and no better connection found",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "Peer mismatch on first found connection and no better connection found",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "peer IDr payload '{received}' does not match our expected ID",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "Peer IDr payload does not match our expected ID",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "received remote ID other than expected {expected}",
    ),
    any(Sign::PeerIdentityUnexpected, "peer ID verification failed"),
    any(
        Sign::PeerIdentityUnexpected,
        "Peer IKE-ID validation failed",
    ),
    any(Sign::PeerIdentityUnexpected, "IKE_ID validation failed"),
    any(Sign::PeerIdentityUnexpected, "peer-ike-id mismatch"),
    any(Sign::PeerIdentityUnexpected, "received id not match"),
    any(Sign::PeerIdentityUnexpected, "Unknow peer id"),
    any(
        Sign::PeerIdentityUnexpected,
        "Mismatched ID settings at peer",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "ID ({received}) does not match peers id",
    ),
    // racoon2, and PAN-OS after it: the initiator's identity, and the responder's.
    any(
        Sign::PeerIdentityUnexpected,
        "received ID_{} (type {} [{received}]) does not match peers id",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "received ID_{}({received}) does not match peers id",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "Peer identifier (type {}) does not match",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "no suitable connection for peer '{remote}'",
    ),
    // pluto's aggressive mode names the identity that it wants, not the one that came.
    any(
        Sign::NoConnectionForIdentity,
        "packet claiming to be from {} on {local:w} but no {} been authorized",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "identity not found for peer: {remote}",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "identity not found for responder: {local:w} peer: {remote:w}",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "can't find identity for peer: {remote:w}",
    ),
    any(Sign::NoConnectionForIdentity, "IKEv2 profile not found"),
    any(
        Sign::NoConnectionForIdentity,
        "Failed to locate an item in the database",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "no config named '{remote}' found",
    ),
    any(
        Sign::IdentityTypeUnexpected,
        "Expecting IP address type in main mode, but {received:w}",
    ),
    any(
        Sign::IdentityTypeUnexpected,
        "peer-ID must be type {expected}. Received type {received}",
    ),
    any(
        Sign::IdentityTypeUnexpected,
        "constraint check failed: identity '{}' ({expected:w}) required, not matched by '{}' ({received:w})",
    ),
    by(
        &["racoon"],
        Sign::IdentityTypeUnexpected,
        "ID type mismatched",
    ),
    // ── methods ──
    any(
        Sign::AuthMethodUnexpected,
        "constraint requires {expected} authentication, but {received} was used",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "peer requested EAP, config unacceptable",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "peer requested EAP, config inacceptable",
    ),
    by(
        &["charon", "ipsec", "strongswan"],
        Sign::NextConnectionTried,
        "switching to peer config '",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "configured EAP-only authentication, but peer does not support it",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "do not allow non-mutual EAP-only authentication",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "authentication failed: peer attempted {received} authentication but we want {expected}",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "peer attempted authentication through {received} but we want {expected}",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "authentication failed: method {received} not supported",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Peer attempted EAP authentication, but {expected} is",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "initiator IKEv2 Auth Method mismatched",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy requires authentication but none in proposal",
    ),
    // One transform of IKEv1 of which another may fit.
    any(
        Sign::AuthMethodUnexpected,
        "policy does not allow {received} of initiator (we are",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy does not allow {received} of responder (we are",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy mandates {expected} of initiator (we are",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy mandates {expected} of responder (we are",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy does not allow OAKLEY_PRESHARED_KEY authentication",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "policy does not allow OAKLEY_RSA_SIG authentication",
    ),
    any(Sign::AuthMethodUnexpected, "authmethod mismatched"),
    any(
        Sign::AuthMethodUnexpected,
        "Hybrid auth negotiated but peer did not announced as Xauth capable",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "EAP-only authentication requires a mutual and MSK deriving EAP method",
    ),
    // ── answers that don't arrive, keys that differ ──
    any(
        Sign::AuthenticationRepeated,
        "IKE_AUTH request fragment {:n} of {of:n} has duplicate Message ID {:n}; retransmitting response",
    ),
    any(
        Sign::AuthenticationRepeated,
        "IKE_AUTH request has duplicate Message ID {:n}; retransmitting response",
    ),
    any(
        Sign::AuthenticationRepeated,
        "received duplicate IKE_AUTH message request (Message ID {:n}); retransmitting response",
    ),
    any(
        Sign::AuthenticationRepeated,
        "received duplicate IKE_AUTH message request (Message ID {:n}, fragment {:n}); retransmitting response",
    ),
    any(Sign::IkeIntegrityFailed, "failed to match authenticator"),
    // ── post-quantum keys ──
    any(Sign::PpkUsed, "PPK AUTH calculated as initiator"),
    any(Sign::PpkUsed, "PPK AUTH calculated as responder"),
    any(Sign::PpkMissing, "PPK required but no PPK found for '{id}'"),
    any(
        Sign::PpkMissing,
        "PPK required but peer does not support PPK",
    ),
    any(Sign::PpkMissing, "PPK required but no PPK_ID"),
    any(Sign::PpkMissing, "received PPK_ID '{id}', but require '{}'"),
    any(
        Sign::PpkMissing,
        "connection requires PPK, but we didn't find one",
    ),
    any(Sign::PpkMissing, "connection requires a valid PPK"),
    any(
        Sign::PpkMissing,
        "failed to receive PPK confirmation and connection has ppk=insist",
    ),
    any(
        Sign::PpkMissing,
        "Received PPK_IDENTITY but connection does not allow PPK",
    ),
    any(Sign::PpkMissing, "connection has ppk=insist but peer"),
    any(
        Sign::PpkMissing,
        "peer does not support PPK and connection requires",
    ),
    // ── users ──
    any(
        Sign::UserAuthenticationFailed,
        "EAP method {method:w} failed for peer {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP method EAP_{method:w} failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP vendor specific method {method:w} failed for peer {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received {method:w}, EAP authentication failed",
    ),
    any(Sign::UserAuthenticationFailed, ": EAP FAILURE"),
    any(Sign::UserLetIn, "EAP payload with code 3 (Success)"),
    any(Sign::UserLetIn, "Payload: EAP{}code: 3 (Success)"),
    any(
        Sign::UserAuthenticationFailed,
        "EAP payload with code 4 (Failure)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP payload{}code: 4 (Failure)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP payload{}code Failure (4)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Payload: EAP{}code: 4 (Failure)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Payload: EAP{}code: Failure (4)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP-MS-CHAPv2 failed with error {method}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth authentication of '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth authentication of '{peer}' (myself) failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "destroying IKE_SA after failed XAuth authentication",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: User {peer}: Authentication Failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH FAILED during {method:w} with",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "PAM: authentication of user '{peer}' FAILED",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Received Cisco XAUTH status: FAIL",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: aborting entire IKE Exchange",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "username/password request was received, but XAUTH client mode not enabled",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no EAP key found for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no EAP key found for hosts '{}' - '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no EAP key found for {peer:w} to authenticate",
    ),
    any(Sign::UserAuthenticationFailed, "no EAP key found for"),
    any(
        Sign::UserAuthenticationFailed,
        "no XAuth secret found for '{}' - '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no XAuth {} found for '{}' - '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "found XAuth secrets for '{}' - '{peer}' matched",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth pam_authenticate for '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Could not authenticate with XAuth secrets for '{}' - '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth-SCRIPT failed for user '{peer}'",
    ),
    by(
        &["charon"],
        Sign::UserAuthenticationFailed,
        "user '{peer}' could not authenticate",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "RADIUS authentication of '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "loading EAP_{method:w} method failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP_{method:w} MAC verification failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "peer does not support any other EAP methods",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "verification of AUTH payload with EAP MSK failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "verification of AUTH payload without EAP MSK failed",
    ),
    by(
        &["racoon"],
        Sign::UserAuthenticationFailed,
        "INFO: login failed for user \"{peer}\"",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Xauth authentication failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Attempt to start phase 2 whereas Xauth failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Remote peer has failed user authentication",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH authentication failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "user name and password combination you provided is not recognized",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS {} timed out after {} attempts",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS Access-Request timed out",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS server is not responding",
    ),
    any(Sign::UserServerUnreachable, "AAA Server not responding"),
    any(
        Sign::UserServerUnreachable,
        "peer did not respond to our XAuth request",
    ),
    any(Sign::UserServerUnreachable, "No RADIUS server defined"),
    // ── addresses for clients ──
    any(
        Sign::AddressPoolExhausted,
        "pool '{pool}' is full, unable to assign address",
    ),
    any(
        Sign::AddressPoolExhausted,
        "no available address found in pool '{pool}'",
    ),
    any(
        Sign::AddressPoolExhausted,
        "virtual IP pool {pool:w} is empty",
    ),
    any(Sign::AddressPoolExhausted, "no free address in addresspool"),
    any(Sign::AddressPoolExhausted, "address pool exhausted"),
    any(Sign::AddressPoolExhausted, "lease_an_address failure"),
    any(Sign::AddressPoolExhausted, "Port pool depleted"),
    any(
        Sign::AddressPoolExhausted,
        "Cannot obtain an IP address for remote peer",
    ),
    // ── said by the other side ──
    any(
        Sign::AuthenticationRefusedByPeer,
        "authentication request rejected by peer: AUTHENTICATION_FAILED",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "got fatal error: AUTHENTICATION_FAILED",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKE authentication credentials are unacceptable",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "negotiation failed with error: Authentication failed",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "ERROR: Auth exchange failed",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Failed to authenticate the IKE SA",
    ),
];
