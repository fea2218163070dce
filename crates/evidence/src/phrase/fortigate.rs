//! Sentences of FortiOS' `diagnose debug application ike`, of RouterOS' IKEv2, and of PAN-OS and Junos beside their tables.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // The pair of cookies at the end of the line tells how far it got.
    any(
        Sign::NegotiationTimedOut,
        "sent IKE msg (P1_RETRANSMIT): {}id={:w}",
    ),
    any(
        Sign::NegotiationTimedOut,
        "sent IKE msg (RETRANSMIT_SA_INIT): {}id={:w}",
    ),
    any(
        Sign::NegotiationTimedOut,
        "sent IKE msg (RETRANSMIT_AUTH): {}id={:w}",
    ),
    any(Sign::ChildFailed, "sent IKE msg (P2_RETRANSMIT)"),
    any(Sign::ChildFailed, ": failed to get responder proposal"),
    any(
        Sign::ProposalsRefusedByPeer,
        "notify msg received: NO-PROPOSAL-CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "notify msg received: NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "received notify type NO_PROPOSAL_CHOSEN",
    ),
    any(Sign::TrafficRefused, "notify msg received: TS_UNACCEPTABLE"),
    any(
        Sign::TrafficRefused,
        "notify msg received: INVALID-ID-INFORMATION",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "notify msg received: AUTHENTICATION_FAILED",
    ),
    any(Sign::PeerDeclaredDead, ": link fail {} dpd=1"),
    // What checks users at a FortiGate (fnbamd), and IKE's word for its answer.
    any(
        Sign::UserAuthenticationFailed,
        "__ldap_auth_ctx_prep-Invalid credential",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "ldap_start-Failed to init ldap ctx for",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "fnbamd_auth_poll_ldap-Result for ldap svr {} is denied",
    ),
    any(Sign::UserAuthenticationFailed, "result FNBAM_DENIED"),
    any(
        Sign::UserAuthenticationFailed,
        "EAP failed for user \"{peer}\"",
    ),
    any(Sign::PskDiffers, ": PSK authentication failed"),
    any(Sign::PskDiffers, ": PSK auth failed"),
    any(
        Sign::InnerOutsideSelectors,
        "ipsec_spoofed4{}mismatch selector",
    ),
    // Events: what the peer said, and in which mode of IKEv1.
    any(
        Sign::TrafficRefused,
        "mode=\"quick\"{}peer_notif=\"INVALID-ID-INFORMATION\"",
    ),
    any(
        Sign::TrafficRefused,
        "mode=quick {}peer_notif=INVALID-ID-INFORMATION",
    ),
    any(Sign::TrafficRefused, "peer_notif=\"TS_UNACCEPTABLE\""),
    any(
        Sign::ChildRequestRefused,
        "mode=\"quick\"{}peer_notif=\"NO-PROPOSAL-CHOSEN\"",
    ),
    any(
        Sign::ChildRequestRefused,
        "mode=quick {}peer_notif=NO-PROPOSAL-CHOSEN",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "mode=\"main\"{}peer_notif=\"NO-PROPOSAL-CHOSEN\"",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "mode=\"aggressive\"{}peer_notif=\"NO-PROPOSAL-CHOSEN\"",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "peer_notif=\"AUTHENTICATION-FAILED\"",
    ),
    any(
        Sign::SignatureRefused,
        "ike {:n}:{}: signature verification failed",
    ),
    any(
        Sign::SignatureRefused,
        "ike V={}: signature verification failed",
    ),
    // A name out of a certificate.
    any(Sign::PeerSigns, "peer identifier DER_ASN1_DN"),
    // The identity of the peer isn't one that the gateway which was chosen for it takes.
    any(Sign::PeerIdentityUnexpected, ": gw validation failed"),
    any(
        Sign::PeerIdentityUnexpected,
        "Negotiate SA Error:{}gateway validation failed",
    ),
    // IKE is answered only for a tunnel that some policy between zones uses.
    any(
        Sign::ZoneDenied,
        ": ignoring IKEv2 request, no policy configured",
    ),
    any(
        Sign::ZoneDenied,
        ": ignoring IKE request, no policy configured",
    ),
    any(
        Sign::ZoneDenied,
        ": ignoring request to establish IPsec SA, no policy configured",
    ),
    // RouterOS.
    any(Sign::TrafficRefused, "got error: TS_UNACCEPTABLE"),
    any(Sign::TrafficRefused, "got fatal error: TS_UNACCEPTABLE"),
    any(
        Sign::ProposalsRefusedByPeer,
        "got error: NO_PROPOSAL_CHOSEN",
    ),
    // PAN-OS.
    any(
        Sign::PfsDiffers,
        "child SA negotiation is failed received KE type {theirs:n}, expected {ours:n}",
    ),
    any(
        Sign::IkeGroupRefused,
        "IKE SA negotiation is failed received KE type {offered:n}, expected {wanted:n}",
    ),
    // Junos: who refused isn't said.
    any(
        Sign::FirstExchangeRefused,
        "IKE Phase-1 Failure: No proposal chosen",
    ),
    // FortiOS, beside its exchanges.
    any(
        Sign::UserAuthenticationFailed,
        "peer has not completed XAUTH exchange",
    ),
    any(
        Sign::NetworkUnreachable,
        "could not send IKE Packet({}->{address:w}{}error 101:Network is unreachable",
    ),
    // The flow trace names the tunnel that a packet enters by its peer.
    any(
        Sign::NextHopIsNoPeer,
        "enter IPSec interface {interface:w} tun_id=0.0.0.0",
    ),
    // An address of its own, of a link that was dialled or leased.
    any(
        Sign::LocalAddressMissing,
        "ike {:n}: IP {address:w} {:w} is down",
    ),
    any(
        Sign::LocalAddressBack,
        "initiator: {} is sending 1st message",
    ),
    any(Sign::LocalAddressBack, "sent IKE msg ({}): {address:w}->"),
    any(
        Sign::HostUnreachable,
        "could not send IKE Packet({}->{address:w}{}error 113:No route to host",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Invalid ESP packet detected (invalid padding",
    ),
    any(Sign::SecondPhaseDone, "added IPsec SA: SPIs={what:w}"),
    any(Sign::SecondPhaseDone, "action=\"install_sa\""),
    any(Sign::SecondPhaseDone, "action=install_sa"),
    any(Sign::FirstPhaseDone, ": established IKE SA {what:w}"),
];
