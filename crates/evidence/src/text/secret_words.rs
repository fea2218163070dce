//! Words that announce a secret: the one list of them.

/// Words after which a secret follows, joined by `=`, `:` or quotation marks.
pub(super) const BEFORE_SECRETS: &[&str] = &[
    "psk",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "xauth_pass",
    "pin",
    "community",
    "key",
    "ppk",
];

/// Endings of such words that are put together.
pub(super) const ENDINGS: &[&str] = &[
    "-secret",
    "_secret",
    "-password",
    "_password",
    "-passwd",
    "-key",
    "_key",
    "psksecret",
    "sharedkey",
];

/// Words of configurations after which the secret follows a blank, up to the end of the command.
pub(super) const COMMANDS: &[&str] = &[
    "pre-shared-secret",
    "pre-shared-key",
    "preshared-key",
    "preshared_key",
    "psksecret",
    "plaintext-password",
    "encrypted-password",
    "key-string",
    "ascii-text",
    "hexadecimal",
    "authentication-key",
    "local-preshared-key",
    "remote-preshared-key",
];

/// Words of manual keying after which a key in hex follows a blank, however short: OpenBSD's, illumos' and Cisco's.
pub(super) const BEFORE_HEX: &[&str] = &[
    "authkey",
    "encrkey",
    "encryptkey",
    "enckey",
    "key",
    "cipher",
    "authenticator",
];

/// Words of `ip xfrm state` after which an algorithm and its key follow.
pub(super) const XFRM: &[&str] = &["enc", "auth", "auth-trunc", "aead"];

/// Kinds of lines of `ipsec.secrets`, whose secret stands in quotation marks.
pub(super) const KINDS: &[&str] = &[
    "psk", "rsa", "ecdsa", "pkcs8", "p12", "xauth", "eap", "ntlm",
];

/// Words of configurations after which a secret may stand; in a log they mean other things as well.
const SETTINGS: &[&str] = &[
    "pre_shared_key",
    "presharedkey",
    "local-pre-shared-key",
    "remote-pre-shared-key",
    "pkcs12",
    "privatekey",
    "private-key",
    "encrypted",
    "enc",
    "encryptkey",
    "authkey",
    "ppks",
    "authpasswd",
    "xauthpass",
];

/// Every one, endings left out.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    [BEFORE_SECRETS, COMMANDS, KINDS, SETTINGS]
        .into_iter()
        .flatten()
        .copied()
}
