//! What only charon says, beyond its exchanges: its plugins, its kernel interfaces, its users.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Configuration.
    any(
        Sign::ConfigValueInvalid,
        "classic and combined-mode (AEAD) encryption algorithms can't be contained in the same",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid traffic selector: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid proto/port: {value}, skipped subnet",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid authentication: '{value}', fallback to pubkey",
    ),
    any(
        Sign::ConfigValueInvalid,
        "authentication method {value} unknown, fallback to any",
    ),
    any(
        Sign::ConfigValueInvalid,
        "'{}' has both left- and rightsourceip, but IKE can negotiate one virtual IP only",
    ),
    any(
        Sign::ConfigValueInvalid,
        "installing trap failed, remote address unknown",
    ),
    any(
        Sign::ConfigValueInvalid,
        "installing trap failed, local address unknown",
    ),
    any(
        Sign::SecretMalformed,
        "line {line:n}: missing ' : ' separator",
    ),
    any(Sign::SecretMalformed, "line {line:n}: missing token"),
    any(
        Sign::PskDiffers,
        "tried {:n} shared key for {peer}, but MAC mismatched",
    ),
    any(
        Sign::PskDiffers,
        "tried {:n} shared keys for {peer}, but MAC mismatched",
    ),
    any(Sign::PskDiffers, "PSK MAC verification failed"),
    // People leave out whose keys were tried.
    any(Sign::PskDiffers, "but MAC mismatched"),
    any(Sign::ConnectionNotLoaded, "connection '{name}' not found"),
    any(Sign::ConnectionNotLoaded, "no child config named '{name}'"),
    any(
        Sign::ConnectionNotLoaded,
        "unknown connection profile: {name}",
    ),
    any(
        Sign::ConnectionRejected,
        "configuration uses unsupported authentication",
    ),
    any(Sign::ConfigUnreadable, "reading directory failed"),
    any(
        Sign::ConfigUnreadable,
        "expanding file expression '{path}' failed",
    ),
    any(
        Sign::DaemonNotRunning,
        "charon already running (\"{path}\" exists)",
    ),
    any(
        Sign::DaemonNotRunning,
        "charon already running ('{path}' exists)",
    ),
    any(
        Sign::DaemonNotRunning,
        "starter is already running ({path} exists) -- no fork done",
    ),
    any(
        Sign::DaemonNotRunning,
        "charon is already running ({path} exists) -- skipping daemon start",
    ),
    any(
        Sign::SocketsMissing,
        "no socket found to send IPv{} packet from port",
    ),
    any(Sign::FeatureMissing, "unable to load OpenSSL FIPS provider"),
    any(
        Sign::ConnectionNotLoaded,
        "initiating '{name}' failed, config not found",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "initiating '{name}' failed, CHILD_SA config not found",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid local ts: {value}, skipped",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid remote ts: {value}, skipped",
    ),
    any(
        Sign::ConfigValueInvalid,
        "parsing proposal '{value}' failed, skipped",
    ),
    any(
        Sign::ConfigValueInvalid,
        "could not create ESP proposal from '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "could not create IKE proposal from '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid IP address range: {value}",
    ),
    any(Sign::ConfigValueInvalid, "IP pool {value} invalid, ignored"),
    any(
        Sign::ConfigSyntax,
        "abort initialization due to invalid configuration",
    ),
    any(Sign::ConfigSyntax, "reloading config failed, keeping old"),
    any(
        Sign::ConfigUnreadable,
        "loading certificate from '{path}' failed",
    ),
    any(
        Sign::ConfigUnreadable,
        "loading ca certificate from '{path}' failed",
    ),
    any(
        Sign::ConfigUnreadable,
        "loading CA certificate '{path}' failed",
    ),
    // Certificates.
    any(
        Sign::CertificateOutsideValidity,
        "certificate '{subject}' invalid (valid from {from} to {until})",
    ),
    any(Sign::PrivateKeyMissing, "missing private key for profile"),
    any(
        Sign::RevocationUnavailable,
        "ocsp response verification failed, no signer certificate",
    ),
    any(
        Sign::RevocationUnavailable,
        "ocsp response verification failed, invalid signature",
    ),
    any(
        Sign::RevocationUnavailable,
        "crl response verification failed",
    ),
    any(
        Sign::RevocationUnavailable,
        "crl fetched successfully but parsing failed",
    ),
    any(
        Sign::RevocationUnavailable,
        "crl is not valid: until {problem}",
    ),
    any(
        Sign::KeyUsageRefused,
        "does not match any permitted name constraints",
    ),
    any(
        Sign::ClockWrong,
        "system time out of sync, skipping certificate lifetime check",
    ),
    any(
        Sign::IssuerUnknown,
        "received {} cert requests for an unknown ca, but no",
    ),
    any(
        Sign::RequestedCaUnknown,
        "received {count:n} cert requests for an unknown ca",
    ),
    any(
        Sign::RequestedCaUnknown,
        "received cert request for unknown ca with keyid",
    ),
    any(
        Sign::RequestedCaUnknown,
        "received cert request for unknown ca '{subject}'",
    ),
    // Users.
    any(
        Sign::UserServerUnreachable,
        "RADIUS Response-Authenticator verification failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS Message-Authenticator verification failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "resolving RADIUS server address '{server}' failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "waiting for RADIUS message failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no shared secret found for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "shared secret for '{peer}' does not match",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received MAC does not match XMAC",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received RES does not match XRES",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth pam_acct_mgmt for '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "peer did not respond to our XAuth",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "constraint check failed: EAP identity '{expected}' required",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "EAP method not supported, sending EAP_NAK",
    ),
    any(Sign::FeatureNotLoaded, "EAP_IDENTITY method not available"),
    any(
        Sign::FeatureNotLoaded,
        "XAuth-EAP method backend not supported: {feature}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP-MS-CHAPv2 verification failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "EAP-MD5 verification failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received EAP-AKA client error '{}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received EAP-SIM client error '{}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received EAP-AKA notification error '{}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received MACS does not match XMACS",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "received SQN invalid, sending",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "no USIM found with quintuplets for '{peer}'",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth pam_start for '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAuth pam_open_session for '{peer}' failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "RADIUS Message-Authenticator attribute missing",
    ),
    any(Sign::UserServerUnreachable, "no RADIUS secret defined"),
    any(
        Sign::UserServerUnreachable,
        "loading RADIUS server '{server}' failed, skipped",
    ),
    any(
        Sign::UserServerUnreachable,
        "connecting RADIUS socket to {server:w} failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "opening RADIUS socket for {server:w} failed",
    ),
    any(Sign::UserServerUnreachable, "sending RADIUS message failed"),
    any(
        Sign::UserServerUnreachable,
        "receiving RADIUS message failed",
    ),
    any(Sign::FeatureNotLoaded, "no supported EAP method found"),
    // Addresses.
    any(
        Sign::VirtualAddressRefused,
        "no interface available, unable to install virtual IP",
    ),
    any(
        Sign::VirtualAddressRefused,
        "looking up interface for virtual IP {} failed",
    ),
    any(Sign::VirtualAddressRefused, "adding virtual IP {} failed"),
    any(Sign::VirtualAddressRefused, "DHCP DISCOVER timed out"),
    any(Sign::LeaseSought, "sending DHCP DISCOVER {server}"),
    any(
        Sign::LeaseSought,
        "no address range available for DHCP request via {via:w}",
    ),
    any(
        Sign::LeaseSought,
        "DHCPDISCOVER from {}via {via:w}: unknown network segment",
    ),
    any(Sign::LeaseOffered, "received DHCP OFFER {}"),
    any(Sign::LeaseOffered, "received DHCP ACK {}"),
    any(Sign::VirtualAddressRefused, "DHCP REQUEST timed out"),
    any(
        Sign::VirtualAddressRefused,
        "sending DHCP REQUEST failed: {errno}",
    ),
    any(
        Sign::VirtualAddressRefused,
        "'{peer}' already has an online lease, unable to assign address",
    ),
    any(
        Sign::VirtualAddressRefused,
        "virtual IP {:w} did not appear on",
    ),
    // Children and rekeying.
    any(
        Sign::TrafficRefused,
        "peer selected invalid traffic selectors: {remote} for",
    ),
    any(
        Sign::CompressionRefused,
        "received an IPCOMP_SUPPORTED notify without requesting one",
    ),
    any(
        Sign::LifetimeRefused,
        "received lifetime {offered:w} does not match configured lifetime {configured:w}",
    ),
    any(
        Sign::RekeyFailed,
        "closing and recreating CHILD_SA {what} after failing to install replacement",
    ),
    any(
        Sign::ReauthenticationFailed,
        "reauthentication failed, trying to reestablish IKE_SA",
    ),
    any(
        Sign::ReauthenticationFailed,
        "unable to reauthenticate IKE_SA, no CHILD_SA to recreate",
    ),
    any(
        Sign::RekeyCollision,
        "peer did not notice {what:w} rekey collision, abort",
    ),
    any(
        Sign::RekeyCollision,
        "peer may not have noticed {what:w} rekey collision, abort",
    ),
    any(
        Sign::RekeyCollision,
        "peer meanwhile sent a delete for {what}, abort rekeying",
    ),
    any(
        Sign::RekeyCollision,
        "peer initiated rekeying, but we did too",
    ),
    any(
        Sign::CompressionRefused,
        "received an IPCOMP_SUPPORTED notify we didn't propose",
    ),
    any(
        Sign::NatTraversalOff,
        "unable to build NATD payloads, SHA1 not supported",
    ),
    // The kernel.
    any(Sign::ModuleMissing, "failed to create TUN device"),
    any(Sign::ModuleMissing, "failed to configure TUN device"),
    any(
        Sign::VirtualAddressRefused,
        "setting up TUN device failed, no virtual IP found",
    ),
    // kernel-libipsec, which does ESP without the kernel.
    any(Sign::StateNotInstalled, "failed to create SAD entry"),
    any(Sign::StateNotInstalled, "failed to add SAD entry: {errno}"),
    any(
        Sign::StateNotInstalled,
        "failed to install SAD entry: {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "only UDP encapsulation is {what:w}",
    ),
    any(
        Sign::KernelSupportMissing,
        "only UDP-encapsulated ESP packets {what:w} by",
    ),
    any(Sign::KernelSupportMissing, "IPsec SA: {what} not supported"),
    any(Sign::KernelSupportMissing, "IPsec SA: unsupported {what:w}"),
    any(
        Sign::KernelSupportMissing,
        "failed to create ESP context: unsupported {what}",
    ),
    any(Sign::ModuleMissing, "failed to open /dev/tun: {errno}"),
    any(
        Sign::AlgorithmUnavailable,
        "negotiated DH group not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "applying DH public value failed",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "applying key exchange public key failed",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to set UDP_ENCAP: {errno}",
    ),
    any(Sign::StateNotInstalled, "allocating SPI from kernel failed"),
    any(Sign::StateNotInstalled, "allocating SPI failed"),
    any(
        Sign::InboundPolicyRefused,
        "discarding inbound IP packet {source:w} == {destination:w} due to policy",
    ),
    any(
        Sign::RouteToPeerLost,
        "no route found to reach peer, path probing deferred",
    ),
    any(
        Sign::InterfaceIdMissing,
        "physical interface '{name}' not found",
    ),
    any(
        Sign::OffloadFailed,
        "failed to install SA with {} HW offload",
    ),
    any(
        Sign::KernelError,
        "Netlink request timed out after {:n} retransmits",
    ),
    any(
        Sign::RouteNotInstalled,
        "installing exclude route for {route:w} failed",
    ),
    any(
        Sign::RouteNotInstalled,
        "gateway lookup for {route:w} failed",
    ),
    any(
        Sign::SequenceExhausted,
        "ESP encapsulation failed: sequence numbers cycled",
    ),
    any(
        Sign::TrafficWaits,
        "could not find an outbound IPsec SA for reqid {} dropping packet",
    ),
];
