//! Sentences of IOS, IOS XE, ASA and of the Cisco VPN client.

use adit_model::sign::Sign;

use super::{Phrase, any};

/// Which phase a refusal of the ASA is about: once it knows the peer's group, the first one is over.
pub(super) fn told(sign: Sign, body: &str) -> Sign {
    let behind = || {
        body.split_once("All SA proposals found unacceptable")
            // Whoever has no group of his own gets a default one before the first phase.
            .is_some_and(|(head, _)| head.contains("Group = ") && !head.contains("Group = Default"))
    };
    match sign {
        Sign::IkeProposalsRefused if behind() => Sign::EspProposalRefused,
        other => other,
    }
}

pub(super) static PHRASES: &[Phrase] = &[
    // IOS, IKEv1: what doesn't decrypt has fields that can't be.
    any(Sign::DecryptedToNonsense, "reserved not zero on ID payload"),
    any(
        Sign::DecryptedToNonsense,
        "reserved not zero on {:w} payload!",
    ),
    any(
        Sign::DecryptedToNonsense,
        "failed its sanity check or is malformed",
    ),
    any(Sign::DecryptedToNonsense, "%CRYPTO-6-IKMP_CRYPT_FAILURE"),
    any(
        Sign::PskNotFound,
        "No cert, and no keys (public or pre-shared) with remote peer",
    ),
    any(
        Sign::FirstMessageUnanswered,
        "Death by retransmission P1\" state (I) MM_NO_STATE",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Death by retransmission P1\" state (I) MM_KEY_EXCH",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Death by retransmission P1\" state (I) MM_SA_SETUP",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Death by retransmission P1\" state (R) MM_KEY_EXCH",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "Death by retransmission P1\" state (R) MM_SA_SETUP",
    ),
    // IOS answers so to networks, groups and modes as well.
    any(
        Sign::ChildRequestRefused,
        "processing NOTIFY PROPOSAL_NOT_CHOSEN protocol 3",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "processing NOTIFY PROPOSAL_NOT_CHOSEN protocol 1",
    ),
    any(
        Sign::EspProposalRefused,
        "IPSec policy invalidated proposal with error 256",
    ),
    any(
        Sign::EspProposalRefused,
        "ipsec_process_proposal): invalid transform",
    ),
    any(
        Sign::TrafficRefused,
        "map_db_find_best did not find matching map",
    ),
    any(Sign::TrafficRefused, "initialize_sas): invalid proxy IDs"),
    any(
        Sign::NoConnectionForPeer,
        "validate_transform_proposal): peer address {peer:w} not found",
    ),
    any(
        Sign::InnerOutsideSelectors,
        "decrypted packet failed SA identity check",
    ),
    any(Sign::ClearTrafficArrived, "%CRYPTO-4-RECVD_PKT_NOT_IPSEC"),
    any(Sign::FirstPhaseDone, "New State = IKE_P1_COMPLETE"),
    any(Sign::FirstPhaseDone, "SA has been authenticated with"),
    // IOS, IKEv2: lists of payloads. Who sends AUTH of its own takes the IKE SA, and refuses what is asked for inside.
    any(Sign::EspProposalRefused, "AUTH NOTIFY(NO_PROPOSAL_CHOSEN)"),
    any(Sign::TrafficRefused, "AUTH NOTIFY(TS_UNACCEPTABLE)"),
    any(
        Sign::VirtualAddressRefused,
        "AUTH NOTIFY(INTERNAL_ADDRESS_FAILURE)",
    ),
    any(
        Sign::VirtualAddressRefused,
        "AUTH NOTIFY(FAILED_CP_REQUIRED)",
    ),
    any(Sign::PeerSigns, "Peer's authentication method is 'RSA'"),
    any(Sign::PeerSigns, "Peer's authentication method is 'ECDSA'"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKEv2-ERROR:{}: Auth exchange failed",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Received no proposal chosen notify",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Processing notify payload{}NO_PROPOSAL_CHOSEN",
    ),
    any(Sign::ChildFailed, "Create child exchange failed"),
    any(Sign::PskNotFound, "No matching pre-shared key for"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Negotiation aborted due to ERROR: Auth exchange failed",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Received authentication failure notify",
    ),
    any(
        Sign::PeerDidNotGoOn,
        "Failed to receive the AUTH msg before the timer expired",
    ),
    // IOS compares each transform with each policy, attribute by attribute.
    any(
        Sign::IkeOfferDiffers,
        "Hash algorithm offered does not match policy",
    ),
    any(
        Sign::IkeOfferDiffers,
        "Encryption algorithm offered does not match policy",
    ),
    any(
        Sign::IkeOfferDiffers,
        "Diffie-Hellman group offered does not match policy",
    ),
    any(
        Sign::IkeOfferDiffers,
        "Proposed key length does not match policy",
    ),
    any(Sign::IkeOfferTaken, "atts are acceptable."),
    // What was compared stands behind the refusal.
    any(
        Sign::EspProposalRefused,
        "Received Policies: ESP: Proposal {:n}: {received}",
    ),
    any(
        Sign::EspProposalRefused,
        "ESP: Proposal {:n}: {received} Don't use ESN",
    ),
    any(
        Sign::EspProposalRefused,
        "ESP: Proposal {:n}: {received} Use ESN",
    ),
    // IOS keeps the bits that count: a mask typed as a wildcard leaves none of the network.
    any(
        Sign::MaskForWildcard,
        "permit ip 0.0.0.0 {mask:w} 0.0.0.0 255.",
    ),
    // ASA without the licence for strong ciphers.
    any(
        Sign::AlgorithmUnavailable,
        "The {algorithm:w} algorithms require a VPN-3DES-AES activation key",
    ),
    // ASA. Of each pair of offers it names the attribute; another pair may fit.
    any(
        Sign::IkeOfferDiffers,
        "Phase 1 failure: Mismatched attribute types for class {:w} {}: Rcv'd: {theirs} Cfg'd: {ours}",
    ),
    any(
        Sign::IkeOfferTaken,
        "IKE SA Proposal # {:n}, Transform # {:n} acceptable",
    ),
    any(Sign::IkeOfferTaken, "Oakley proposal is acceptable"),
    any(
        Sign::NoConnectionForIdentity,
        "Tunnel group search using certificate maps failed for peer certificate",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "Received an un-encrypted NO_PROPOSAL_CHOSEN notify message",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "Received non-routine Notify message: No proposal chosen",
    ),
    any(
        Sign::TrafficRefused,
        "Received non-routine Notify message: Invalid ID info",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Received non-routine Notify message: Authentication failed",
    ),
    any(
        Sign::TrafficRefused,
        "Tunnel rejected: Crypto Map Policy not found for remote traffic selector",
    ),
    any(
        Sign::OutsideSelectors,
        "IKE Initiator unable to find policy",
    ),
    any(Sign::DeathUndetectable, "peer does not support keep-alives"),
    any(
        Sign::PeerDeclaredDead,
        "Session disconnected{}Reason: Lost Service",
    ),
    any(
        Sign::IdleClosed,
        "Session disconnected{}Reason: Idle Timeout",
    ),
    any(
        Sign::IdleClosed,
        "Connection terminated for peer{}Reason: Idle Timeout",
    ),
    any(
        Sign::PeerDeleted,
        "Connection terminated for peer{}Reason: Peer Terminate",
    ),
    any(
        Sign::EspProposalRefused,
        "Session disconnected{}Reason: Phase 2 Mismatch",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "with unknown tunnel group name",
    ),
    any(Sign::UserAuthenticationFailed, "group-lock check failed"),
    any(
        Sign::UserAuthenticationFailed,
        "%ASA-{}User Authorization failed",
    ),
    any(
        Sign::PskNotFound,
        "No preshared key or trustpoint configured for self in tunnel group",
    ),
    any(
        Sign::PskNotFound,
        "No remote authentication method configured for peer in tunnel group",
    ),
    any(
        Sign::IkeVersionRefused,
        "Tunnel rejected: IKEv2 not enabled in group policy",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Unable to find tunnel group for peer",
    ),
    any(
        Sign::NoConnectionForPeer,
        "No crypto map setting or tunnel group found",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Failed user authentication. Error",
    ),
    any(
        Sign::ClearTrafficArrived,
        "%ASA-4-402117: IPSEC: Received a non-IPsec",
    ),
    any(
        Sign::FragmentationNeeded,
        "%ASA-6-602101: PMTU-D packet {} bytes greater than effective mtu {mtu:n}",
    ),
    // The client.
    any(
        Sign::PeerDeclaredDead,
        "Reason 412: The remote peer is no longer responding",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason 413: User authentication failed",
    ),
];
