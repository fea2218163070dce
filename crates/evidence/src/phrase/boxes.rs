//! Sentences of gateways whose logs are catalogues: ZyNOS and its kin, SonicOS, Check Point, WatchGuard, Sophos, Huawei, HP-UX.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // ZyNOS (ZyXEL, Nortel, Avaya), old and new.
    any(Sign::TrafficRefused, "Verifying Remote ID failed"),
    any(Sign::TrafficRefused, "Verifying Local ID failed"),
    any(Sign::TrafficRefused, "Phase 2 Local policy mismatch"),
    any(Sign::TrafficRefused, "Phase 2 Remote policy mismatch"),
    any(
        Sign::TrafficRefused,
        "Local / remote IPs of incoming request conflict with rule",
    ),
    any(Sign::SpiUnknown, "Cannot find IPSec SA"),
    any(Sign::SpiUnknown, "Cannot find Phase 2 SA"),
    any(
        Sign::PeerNameUnresolved,
        "Cannot resolve Secure Gateway Addr",
    ),
    any(
        Sign::PeerNameUnresolved,
        "Cannot resolve Peer Gateway Address {name:w}",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Phase 1 authentication algorithm mismatch",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Phase 1 encryption algorithm mismatch",
    ),
    any(Sign::IkeProposalsRefused, "Phase 1 key group mismatch"),
    any(Sign::IkeProposalsRefused, "Phase 1 proposal mismatch"),
    any(
        Sign::AuthMethodUnexpected,
        "Phase 1 authentication method mismatch",
    ),
    any(
        Sign::ExchangeModeRefused,
        "Phase 1 negotiation mode mismatch",
    ),
    any(Sign::PskDiffers, "Phase 1 pre-shared key mismatch"),
    any(Sign::PeerIdentityUnexpected, "Phase 1 ID mismatch"),
    any(Sign::PeerIdentityUnexpected, "Phase 1 ID content mismatch"),
    any(Sign::PeerIdentityUnexpected, "Phase 1 ID type mismatch"),
    any(
        Sign::EspProposalRefused,
        "Phase 2 authentication algorithm mismatch",
    ),
    any(
        Sign::EspProposalRefused,
        "Phase 2 encryption algorithm mismatch",
    ),
    any(Sign::ModeDiffers, "Phase 2 encapsulation mismatch"),
    any(Sign::PfsDiffers, "Phase 2 pfs unsupported"),
    any(Sign::IdleClosed, "Rule <{name}> idle time out, disconnect"),
    any(Sign::EspIntegrityFailed, "Inbound packet decryption failed"),
    // SonicOS.
    any(
        Sign::NoConnectionForIdentity,
        "No matching Phase 1 ID found for proposed remote network",
    ),
    any(Sign::PeerIdentityUnexpected, "Proposed IKE ID mismatch"),
    any(
        Sign::IdentityTypeUnexpected,
        "VPN Policy NOT found for proposed ID type: {received}",
    ),
    any(
        Sign::PskDiffers,
        "Computed hash does not match hash received from peer",
    ),
    any(
        Sign::EspProposalRefused,
        "IPsec proposal does not match (Phase 2)",
    ),
    any(
        Sign::EspProposalRefused,
        "ESP encryption algorithm does not match",
    ),
    any(
        Sign::EspProposalRefused,
        "ESP authentication algorithm does not match",
    ),
    any(
        Sign::EspProposalRefused,
        "AH authentication algorithm does not match",
    ),
    any(Sign::PfsDiffers, "ESP Perfect Forward Secrecy mismatch"),
    any(Sign::ModeDiffers, "ESP mode mismatch"),
    any(
        Sign::TrafficRefused,
        "peer's local network does not match VPN policy's",
    ),
    any(
        Sign::TrafficRefused,
        "Default LAN gateway is set but peer is not proposing to use this SA as a default route",
    ),
    any(
        Sign::TrafficRefused,
        "proposed local network is not inside firewall",
    ),
    any(
        Sign::NegotiationTimedOut,
        "No response - remote party timeout",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IKE negotiation aborted due to timeout",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IKEv2 Peer is not responding. Negotiation aborted",
    ),
    any(Sign::NoConnectionForPeer, "IKEv2 VPN Policy not found"),
    // Check Point.
    any(
        Sign::ProposalsRefusedByPeer,
        "Received Notification from Peer: no proposal chosen",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Received notification from peer: Authentication failed",
    ),
    any(
        Sign::TrafficRefused,
        "Received Notification from Peer: invalid id information",
    ),
    any(
        Sign::TrafficRefused,
        "Received notification from peer: Traffic selectors unacceptable",
    ),
    any(
        Sign::EspProposalRefused,
        "Child SA exchange: {}no proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "Quick Mode Failed to match proposal",
    ),
    any(
        Sign::ClearTrafficArrived,
        "Clear text packet should be encrypted",
    ),
    any(
        Sign::InboundPolicyRefused,
        "According to the policy the packet should not have been decrypted",
    ),
    any(
        Sign::SpiUnknown,
        "IPsec SA associated with the SPI on the received IPsec packet could not be found",
    ),
    any(Sign::IssuerUnknown, "Could not validate peer's certificate"),
    // What it sent itself is what it made of the peer's message.
    any(
        Sign::DecryptedToNonsense,
        "Main Mode Sent Notification to Peer: payload malformed",
    ),
    any(
        Sign::DecryptedToNonsense,
        "Malformed ISAKMP Payload{}preshared secret",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Main Mode Sent Notification to Peer: no proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "Quick Mode Sent Notification to Peer: no proposal chosen",
    ),
    any(
        Sign::TrafficRefused,
        "Quick Mode Sent Notification to Peer: invalid id information",
    ),
    // WatchGuard.
    any(
        Sign::IkeProposalsRefused,
        "Reason={}phase one encryption algorithm{}mismatch",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Reason={}phase one authentication algorithm{}mismatch",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Authentication algorithm mismatched",
    ),
    any(Sign::IkeProposalsRefused, "Encryption algorithm mismatched"),
    any(
        Sign::PeerIdentityUnexpected,
        "Received ID did not match with configured",
    ),
    any(
        Sign::PskDiffers,
        "Reason=Authentication failure due to mismatched shared secret",
    ),
    any(
        Sign::TrafficRefused,
        "tunnel route did not match with configured",
    ),
    any(
        Sign::TrafficRefused,
        "No matching tunnel route for peer proposed",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Message retry timeout. Check the connection",
    ),
    // Sophos.
    any(
        Sign::ProposalsRefusedByPeer,
        "Remote peer is refusing our Phase 1 proposals",
    ),
    any(
        Sign::PskDiffers,
        "Couldn't parse IKE message from {peer:w} Check the debug logs",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Remote peer reports we failed to authenticate",
    ),
    any(
        Sign::EspProposalRefused,
        "Remote peer reports no match on the acceptable proposals",
    ),
    any(
        Sign::TrafficRefused,
        "Remote peer reports INVALID_ID_INFORMATION",
    ),
    // Comware (H3C, HPE): events of its debugging, and its syslog.
    // Each profile is compared; another one may fit.
    any(
        Sign::IkeOfferDiffers,
        "Failed to find matching proposal in profile",
    ),
    any(Sign::IkeOfferTaken, "Attributes is acceptable"),
    any(
        Sign::IkeProposalsRefused,
        "Failed to establish phase 1 SA for the reason of no matching proposal",
    ),
    any(
        Sign::EspProposalRefused,
        "Failed to establish phase 2 SA for the reason of no matching proposal",
    ),
    any(
        Sign::TrafficRefused,
        "Failed to establish phase 2 SA for the reason of invalid ID information",
    ),
    any(
        Sign::TrafficRefused,
        "Failed to get IPsec policy when renegotiating IPsec SA",
    ),
    any(
        Sign::TrafficRefused,
        "Failed to get IPsec policy for phase 2 responder",
    ),
    any(
        Sign::TrafficRefused,
        "Construct notification packet: INVALID_ID_INFORMATION",
    ),
    any(
        Sign::TrafficRefused,
        "Notification INVALID_ID_INFORMATION is received",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Notification NO_PROPOSAL_CHOSEN is received",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Notification AUTHENTICATION_FAILED is received",
    ),
    any(Sign::PskNotFound, "Failed to find keychain {:w} in profile"),
    any(Sign::PskDiffers, "Failed to verify the peer HASH"),
    // Huawei, its kin: `display ike error-info` and traps.
    any(Sign::IkeProposalsRefused, "phase1 proposal mismatch"),
    any(
        Sign::IkeProposalsRefused,
        "phase1 proposal encryption algorithm mismatch",
    ),
    any(
        Sign::IkeProposalsRefused,
        "phase1 proposal authentication algorithm mismatch",
    ),
    any(
        Sign::IkeProposalsRefused,
        "phase1 proposal integrity algorithm mismatch",
    ),
    any(Sign::IkeProposalsRefused, "phase1 proposal dh mismatch"),
    any(Sign::IkeProposalsRefused, "phase1 proposal prf mismatch"),
    any(
        Sign::AuthMethodUnexpected,
        "phase1 proposal authentication method mismatch",
    ),
    any(Sign::EspProposalRefused, "phase2 proposal or pfs"),
    any(
        Sign::EspProposalRefused,
        "phase2 proposal encryption algorithm mismatch",
    ),
    any(
        Sign::EspProposalRefused,
        "phase2 proposal authentication algorithm mismatch",
    ),
    any(Sign::PfsDiffers, "responder dh mismatch"),
    any(Sign::PfsDiffers, "initiator dh mismatch"),
    any(Sign::PeerIdentityUnexpected, "config ID mismatch"),
    any(Sign::ExchangeModeRefused, "exchange mode mismatch"),
    // The table has the port before and the version behind, traps a word before.
    any(Sign::IkeVersionRefused, "Reason=version mismatch"),
    any(
        Sign::IkeVersionRefused,
        "{:n} version mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::NoConnectionForPeer, "Reason=peer address mismatch"),
    any(
        Sign::NoConnectionForPeer,
        "{:n} peer address mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::TrafficRefused, "Reason=netmask mismatch"),
    any(
        Sign::TrafficRefused,
        "{:n} netmask mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::PskDiffers, "Reason=authentication fail,"),
    any(Sign::PskDiffers, "Reason=authentication fail)"),
    any(Sign::PskDiffers, "Reason=authentication fail."),
    any(
        Sign::PskDiffers,
        "{:n} authentication fail v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::ModeDiffers, "Reason=encapsulation mode mismatch"),
    any(
        Sign::ModeDiffers,
        "{:n} encapsulation mode mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "{:n} xauth authentication fail v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "{:n} eap authentication fail v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=xauth authentication fail",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=eap authentication fail",
    ),
    // HP-UX: audit files of ikmpd.
    any(Sign::TrafficRefused, "can't find matching selector"),
    any(
        Sign::IkeProposalsRefused,
        "- remote {peer:w}:no proposal chosen",
    ),
    any(Sign::SpiUnknown, "Could not get SAs from packet"),
    any(Sign::ZoneDenied, "ike {:n}:{}: no policy configured"),
    any(
        Sign::ZoneDenied,
        "ignoring IKE request, no policy configured",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "ike {:n}:{} gw validation failed",
    ),
    any(
        Sign::PeerIdentityUnexpected,
        "ignoring peer, peer ID mismatch",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH user \"{peer}\" authentication failed",
    ),
    // SonicOS: one attribute each, and what becomes of packets.
    any(
        Sign::IkeProposalsRefused,
        "Phase 1 encryption algorithm does not match",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Phase 1 encryption algorithm keylength does not match",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Phase 1 hash algorithm does not match",
    ),
    any(
        Sign::ModeDiffers,
        "IKE Responder: Mode {theirs:w} - not tunnel mode",
    ),
    any(Sign::TrafficRefused, "Received notify: INVALID_ID_INFO"),
    any(Sign::SpiUnknown, "Illegal IPsec SPI"),
    any(
        Sign::EspIntegrityFailed,
        "msg=\"IPSec Authentication Failed",
    ),
    any(Sign::EspIntegrityFailed, "msg=\"IPSec Decryption Failed"),
    any(Sign::EspReplayed, "msg=\"IPSec Replay Detected"),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH Failed with VPN client, Authentication",
    ),
    any(
        Sign::UserServerUnreachable,
        "XAUTH Failed with VPN client, Cannot Contact RADIUS Server",
    ),
    // Check Point.
    any(
        Sign::RevocationRequired,
        "Invalid Certificate: Could not retrieve CRL",
    ),
    any(
        Sign::TrafficRefused,
        "no proposal chosen. Invalid ID information. Peer's IDs",
    ),
    // SoftEther.
    any(
        Sign::IkeProposalsRefused,
        "no acceptable transform proposals from the client for establishing an IKE SA",
    ),
    any(
        Sign::EspProposalRefused,
        "no acceptable transform proposals from the client for establishing an IPsec SA",
    ),
    any(
        Sign::NatTraversalOff,
        "VPN client is not compatible with IPsec NAT Traversal",
    ),
    // pfSense, of what it leaves out of the configuration that it writes.
    any(
        Sign::ConnectionLoadFailed,
        "Could not find phase 1 source for connection {name}. Omitting",
    ),
    any(
        Sign::ConnectionRejected,
        "Invalid phase1 certificate reference for {name}",
    ),
    any(
        Sign::ConnectionRejected,
        "Invalid IPsec Phase 2 \"{name}\" - {} has no subnet.",
    ),
    any(
        Sign::ConnectionDuplicate,
        "The remote gateway {} already exists on another phase 1 entry",
    ),
    // Check Point: what was to be sent had none to go by.
    any(
        Sign::ChildFailed,
        "Packet is dropped because there is no valid SA",
    ),
    any(Sign::SecondPhaseDone, "IKE: Quick Mode completion"),
    any(Sign::SecondPhaseDone, "IKE: Quick Mode completed"),
    any(
        Sign::SecondPhaseDone,
        "IKE negotiation complete. Adding IPSec SA",
    ),
    any(Sign::SecondPhaseDone, "msg=\"IPSec SA added"),
];
