//! What charon says of keys, tokens and certificates that it can't load or check, and of what its host refuses it.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // ── keys ──
    any(
        Sign::PrivateKeyMissing,
        "building CRED_PRIVATE_KEY - {kind:w} failed, tried",
    ),
    any(
        Sign::PrivateKeyMissing,
        "loading {kind:w} private key from '{path}' failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "MAC verification of PKCS#12 container failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "connecting to ssh-agent socket '{path}' failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "failed to load private key with ID '{identity}' from engine",
    ),
    // ── tokens ──
    any(
        Sign::PrivateKeyMissing,
        "no PIN found for PKCS#11 key {identity:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key requires reauthentication, but no PIN found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no PKCS#11 module found having a keyid {identity:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "PKCS#11 module '{module}' not found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "opening PKCS#11 session failed: {problem:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "opening private key session on '{token}'",
    ),
    any(
        Sign::PrivateKeyMissing,
        "C_Initialize() error for '{module}': {problem:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "login to '{token}':{slot:n} failed: {problem:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no public key or certificate found for private key (",
    ),
    any(Sign::PrivateKeyMissing, "login to engine '{engine}' failed"),
    any(Sign::PrivateKeyMissing, "setting PIN on engine failed"),
    any(
        Sign::PrivateKeyMissing,
        "failed to initialize engine '{engine}'",
    ),
    any(Sign::OwnSignatureFailed, "C_SignInit() failed: {problem:w}"),
    any(Sign::OwnSignatureFailed, "C_Sign() failed: {problem:w}"),
    any(
        Sign::PluginMissing,
        "C_GetFunctionList not found for '{plugin}': {problem}",
    ),
    any(
        Sign::SignatureRefused,
        "{scheme:n} bit ECDSA private key size not supported",
    ),
    any(
        Sign::SignatureRefused,
        "private key of type {scheme:w} not supported",
    ),
    // ── certificates ──
    any(
        Sign::ConfigUnreadable,
        "building CRED_CERTIFICATE - {kind:w} failed, tried",
    ),
    any(
        Sign::ConfigUnreadable,
        "building CRED_PUBLIC_KEY - {kind:w} failed, tried",
    ),
    // swanctl, of the files in its folders.
    any(
        Sign::ConfigUnreadable,
        "loading '{path}' failed: parsing {kind:w} certificate failed",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "constraint check failed: peer not authenticated with peer cert '{peer}'",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "peer certificate verification failed, deleting SA",
    ),
    any(
        Sign::KeyUsageRefused,
        "constraint requires cert policy {policy:w}",
    ),
    any(
        Sign::KeyUsageRefused,
        "maximum path length of {length:n} exceeded",
    ),
    any(
        Sign::TrafficRefused,
        "TS {local:w} is not contained in any address block constraint",
    ),
    // ── revocation ──
    any(
        Sign::RevocationUnavailable,
        "libcurl request failed [{code:n}]:",
    ),
    any(
        Sign::RevocationUnavailable,
        "libcurl http request failed [{code:n}]:",
    ),
    any(
        Sign::RevocationUnavailable,
        "crl fetch from '{url}' recently failed, skipping",
    ),
    any(Sign::RevocationUnavailable, "parsing ocsp response failed"),
    any(
        Sign::RevocationUnavailable,
        "ocsp check failed, fallback to crl",
    ),
    any(
        Sign::RevocationUnavailable,
        "ocsp response contains no status on our certificate",
    ),
    any(
        Sign::RevocationUnavailable,
        "nonce in ocsp response doesn't match",
    ),
    // ── algorithms ──
    any(
        Sign::AlgorithmUnavailable,
        "requested key exchange method {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "requested DH group {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "negotiated DH group {algorithm:w} not supported",
    ),
    any(
        Sign::PfsDiffers,
        "received INVALID_KE_PAYLOAD notify, no CHILD_SA built",
    ),
    // ── the peer's ways ──
    any(
        Sign::MessageInClear,
        "payload type {payload:w} was not encrypted",
    ),
    any(
        Sign::VendorDiffers,
        "peer does not support childless IKE_SA initiation",
    ),
    any(
        Sign::VendorDiffers,
        "peer did not initiate a childless IKE_SA",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "maximum fragment count exceeded",
    ),
    any(
        Sign::HalfOpenLimit,
        "abort IKE_SA initiation, job load of {load:n} exceeds limit of {limit:n}",
    ),
    // ── addresses for clients ──
    any(
        Sign::VirtualAddressRefused,
        "sending DHCP DISCOVER failed: {errno}",
    ),
    any(
        Sign::VirtualAddressRefused,
        "unable to bind DHCP send socket: {errno}",
    ),
    any(
        Sign::VirtualAddressRefused,
        "unable to determine source address for DHCP",
    ),
    any(
        Sign::VirtualAddressRefused,
        "attr-sql plugin failed to connect to database",
    ),
    // ── the host ──
    any(
        Sign::LocalAddressMissing,
        "unable to bind socket: Cannot assign requested address",
    ),
    any(Sign::Denied, "opening RAW socket for ESP failed: {errno}"),
    any(
        Sign::SendForbidden,
        "error writing to ESP socket: Operation not permitted",
    ),
    any(
        Sign::RouteNotInstalled,
        "installing route failed: {route:w} src",
    ),
    any(
        Sign::RouteNotInstalled,
        "installing route failed: {route:w} via",
    ),
    any(Sign::DaemonNotRunning, "resolving user '{user}' failed"),
    // A generator of configurations, of OpenWrt.
    any(
        Sign::ConfigValueInvalid,
        "Can't have {value:w} with aes{cipher:w}",
    ),
    // ── older versions, Android, NetworkManager ──
    any(
        Sign::IkeVersionRefused,
        "ignoring {exchange:w} IKEv1 exchange on IKEv2 SA",
    ),
    any(
        Sign::IkeVersionRefused,
        "ignoring {exchange:w} IKEv2 exchange on IKEv1 SA",
    ),
    any(Sign::PeerNotNamed, "unable to initiate to %any"),
    any(Sign::PeerNotNamed, "unable to resolve %any, initiate"),
    any(Sign::PeerNotNamed, "unable to resolve 0.0.0.0, initiate"),
    any(
        Sign::AddressPoolExhausted,
        "no address left in HA pool '{pool}'",
    ),
    any(Sign::SecretMalformed, "line {line:n}: malformed PIN"),
    any(Sign::SecretMalformed, "line {line:n}: malformed passphrase"),
    any(
        Sign::SecretMalformed,
        "the given %{kind:w} specifier is not supported or invalid",
    ),
    any(Sign::ConfigSyntax, "matching '}' not found near {what}"),
    any(Sign::ConfigSyntax, "skipping value without key in {what}"),
    any(
        Sign::ConfigSyntax,
        "skipping section without name in {what}",
    ),
    any(
        Sign::StackNotLoaded,
        "kernel appears to lack the native netkey IPsec stack",
    ),
    any(
        Sign::KeyUsageRefused,
        "found unsupported critical X.509 extension",
    ),
    any(
        Sign::KeyUsageRefused,
        "certificate '{peer}' does not match permitted name constraint",
    ),
    any(
        Sign::VirtualAddressRefused,
        "builder: failed to add address",
    ),
    any(
        Sign::VirtualAddressRefused,
        "builder: failed to build TUN device",
    ),
    any(
        Sign::PrivateKeyMissing,
        "failed to load user certificate and key",
    ),
    any(
        Sign::PrivateKeyMissing,
        "No usable smartcard certificate found",
    ),
    by(
        &["NetworkManager", "charon"],
        Sign::PrivateKeyMissing,
        "Connecting to SSH agent failed",
    ),
    any(Sign::ConfigUnreadable, "Loading gateway certificate failed"),
    any(Sign::SecretMalformed, "Pre-shared key is too short"),
    // ── certificates that are refused for what they may vouch for ──
    any(
        Sign::KeyUsageRefused,
        "path length of {length:n} violates constraint of",
    ),
    any(
        Sign::KeyUsageRefused,
        "intermediate CA '{issuer}' does not inherit",
    ),
    any(
        Sign::KeyUsageRefused,
        "missing in issuing certificate '{issuer}'",
    ),
    any(
        Sign::KeyUsageRefused,
        "subject address block {range:w} is not contained in any issuer",
    ),
    any(
        Sign::KeyUsageRefused,
        "subject certificate lacks ipAddrBlocks",
    ),
    any(
        Sign::KeyUsageRefused,
        "issuer certificate lacks ipAddrBlocks",
    ),
    any(
        Sign::KeyUsageRefused,
        "subject certficate lacks ipAddrBlocks",
    ),
    any(
        Sign::KeyUsageRefused,
        "issuer certficate lacks ipAddrBlocks",
    ),
    any(
        Sign::SignatureRefused,
        "signature validation failed, looking for another key",
    ),
    any(
        Sign::SignatureRefused,
        "constraint requires {scheme:n} bit ECDSA, but RSA used",
    ),
    any(
        Sign::SignatureRefused,
        "constraint requires {scheme:n} bit RSA, but ECDSA used",
    ),
    any(
        Sign::RevocationUnavailable,
        "issuer of fetched CRL '{}' does not match",
    ),
    any(
        Sign::RevocationUnavailable,
        "issuer of fetched delta CRL '{}' does not match",
    ),
    any(
        Sign::RevocationUnavailable,
        "ocsp response verification failed",
    ),
    // ── what the daemon was given, in NetworkManager's words and its own ──
    any(Sign::PrivateKeyMissing, "Loading peer certificate failed."),
    any(
        Sign::PrivateKeyMissing,
        "failed to connect: 'Loading private key failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "failed to connect: 'Certificate is missing",
    ),
    any(
        Sign::ConfigValueInvalid,
        "failed to connect: 'Invalid {keyword:w} proposal",
    ),
    any(
        Sign::ConfigValueInvalid,
        "failed to connect: 'Invalid {keyword:w} traffic selector '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "failed to connect: 'Gateway address missing",
    ),
    any(
        Sign::ConfigValueInvalid,
        "failed to connect: 'Configuration parameters missing",
    ),
    any(
        Sign::SecretMalformed,
        "line {line:n}: token must be either {}PSK",
    ),
    any(
        Sign::DaemonNotRunning,
        "integrity check of libstrongswan failed",
    ),
    any(
        Sign::DaemonNotRunning,
        "integrity check of libcharon failed",
    ),
    any(Sign::DaemonNotRunning, "integrity check of libhydra failed"),
    any(Sign::FeatureMissing, "OpenSSL FIPS mode({}) unavailable"),
    any(
        Sign::Denied,
        "unable to set IPSEC_POLICY on socket: Operation not permitted",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to set IPSEC_POLICY on socket: Protocol not available",
    ),
    any(
        Sign::KeyUsageRefused,
        "matches excluded name constraint '{constraint}'",
    ),
    any(
        Sign::KeyUsageRefused,
        "found anyPolicy in certificate '{subject}', but inhibitAnyPolicy in effect",
    ),
    any(
        Sign::KeyUsageRefused,
        "found policyMapping in certificate '{subject}', but inhibitPolicyMapping in effect",
    ),
    any(
        Sign::KeyUsageRefused,
        "certificate '{subject}' maps policy from {}, but issuer misses it",
    ),
    // ── the peer's ways ──
    any(
        Sign::CompressionRefused,
        "peer did not acccept our IPComp proposal",
    ),
    any(Sign::VendorDiffers, "peer's proposal selection invalid"),
    any(Sign::VendorDiffers, "peers proposal selection invalid"),
    any(
        Sign::VendorDiffers,
        "peer's key exchange method selection invalid",
    ),
    any(Sign::VendorDiffers, "peer DH group selection invalid"),
    any(
        Sign::AlgorithmUnavailable,
        "key exchange method {algorithm:w} not supported",
    ),
    any(
        Sign::TrafficRefused,
        "security labels in TSi and TSr don't match",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "configuration '{name}' not found",
    ),
    any(
        Sign::DuplicateRemoved,
        "detected duplicate IKE_SA for '{peer}', triggering delete",
    ),
    any(
        Sign::VirtualAddressRefused,
        "configuration payload negotation failed, no CHILD_SA built",
    ),
    any(
        Sign::RouteNotInstalled,
        "error installing route with policy {route:w} ===",
    ),
    any(Sign::EspIntegrityFailed, "ICV verification failed!"),
];
