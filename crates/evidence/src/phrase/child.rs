//! Sentences about CHILD SAs.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // What RouterOS prints of its proposals.
    any(
        Sign::ChildProposalsShown,
        "auth-algorithms={hashes:w} enc-algorithms={ciphers:w}",
    ),
    // ── algorithms ──
    // racoon, and what was made of it (PAN-OS, RouterOS, macOS, Alibaba, Huawei).
    any(
        Sign::EspProposalRefused,
        "trns_id mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(
        Sign::EspProposalRefused,
        "authtype mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(
        Sign::EspProposalRefused,
        "proto_id mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(
        Sign::EspProposalRefused,
        "authentication algorithm mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(
        Sign::EspProposalRefused,
        "phase-2 negotiation failed when processing SA payload. no suitable proposal found in peer's SA payload",
    ),
    any(
        Sign::EspProposalRefused,
        "child SA negotiation failed when processing SA payload. no suitable proposal found in peer's SA payload",
    ),
    any(
        Sign::EspProposalRefused,
        "child SA negotiation is failed{}no suitable proposal found",
    ),
    // charon
    // pluto, IKEv1 and IKEv2
    any(
        Sign::EspProposalRefused,
        "no acceptable Proposal in IPsec SA",
    ),
    any(
        Sign::EspProposalRefused,
        "IPsec Transform [{theirs}] refused",
    ),
    any(
        Sign::EspProposalRefused,
        "IPsec encryption transform did not specify required KEY_LENGTH",
    ),
    any(
        Sign::EspProposalRefused,
        "no local proposal matches remote proposals {theirs}ESP:",
    ),
    // Cisco
    any(
        Sign::EspProposalRefused,
        "transform proposal not supported for identity",
    ),
    any(
        Sign::EspProposalRefused,
        "transform proposal (prot {theirs}) not supported",
    ),
    any(
        Sign::EspProposalRefused,
        "All IPSec SA proposals found unacceptable",
    ),
    any(Sign::EspProposalRefused, "IPSec proposal mismatch"),
    // Juniper: Junos and ScreenOS
    any(
        Sign::EspProposalRefused,
        "Phase 2: Rejected proposals from peer",
    ),
    any(
        Sign::EspProposalRefused,
        "Phase-2 negotiation failed{}No proposal chosen",
    ),
    any(Sign::EspProposalRefused, "IKE Phase-2{}No proposal chosen"),
    any(
        Sign::ChildRequestRefused,
        "peer SA proposal not match local policy (phase2)",
    ),
    any(
        Sign::ChildRequestRefused,
        "IPsec phase 2{}peer SA proposal not match",
    ),
    any(
        Sign::ChildRequestRefused,
        "peer SA proposal not match{}IPsec phase 2",
    ),
    any(Sign::EspProposalRefused, "Phase 2{}No Proposal Match Found"),
    any(
        Sign::EspProposalRefused,
        "CHILD_SA negotiation failed{}no suitable{}proposal",
    ),
    // ── a key exchange of its own ──
    any(
        Sign::PfsDiffers,
        "pfs group mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(
        Sign::PfsDiffers,
        "pfs group mismatched:my: {ours:n}peer: {theirs:n}",
    ),
    any(Sign::PfsDiffers, "pfs group mismatched"),
    any(Sign::PfsDiffers, "pfs group mismatch"),
    any(
        Sign::PfsDiffers,
        "child SA negotiation{}message lacks KE payload",
    ),
    any(
        Sign::PfsDiffers,
        "phase-2 negotiation{}message lacks KE payload",
    ),
    any(Sign::PfsDiffers, "message lacks KE payload"),
    any(
        Sign::PfsDiffers,
        "we require PFS but Quick I1 SA specifies no GROUP_DESCRIPTION",
    ),
    any(
        Sign::PfsDiffers,
        "message KE payload requires a GROUP_DESCRIPTION attribute in SA",
    ),
    any(Sign::PfsDiffers, "PFS mismatch"),
    any(Sign::PfsDiffers, "PFS setting mismatch"),
    any(Sign::PfsDiffers, "Perfect Forward Secrecy{}mismatch"),
    any(Sign::PfsDiffers, "PFS group does not match"),
    any(Sign::PfsDiffers, "Diffie-Hellman group mismatch in phase 2"),
    any(
        Sign::PfsDiffers,
        "Phase 2 failure: Mismatched attribute types for class Group Description: Rcv'd: {theirs} Cfg'd: {ours}",
    ),
    any(
        Sign::PfsDiffers,
        "child sa negotiation failed received KE type {theirs:n}, expected {ours:n}",
    ),
    // ── traffic ──
    // pluto, IKEv1
    any(
        Sign::TrafficRefused,
        "cannot respond to IPsec SA request because no connection is known for {asked}",
    ),
    any(
        Sign::TrafficRefused,
        "peer proposal was rejected in a virtual connection policy",
    ),
    any(
        Sign::TrafficRefused,
        "IDci, IDcr payloads missing in message but default does not match proposal",
    ),
    any(
        Sign::TrafficRefused,
        "our client ID returned doesn't match my proposal",
    ),
    any(
        Sign::TrafficRefused,
        "peer client ID returned doesn't match my proposal",
    ),
    any(
        Sign::TrafficRefused,
        "client subnet returned doesn't match my proposal - us: {ours:w} vs them: {theirs:w}",
    ),
    any(
        Sign::TrafficRefused,
        "subnet returned doesn't match my proposal - us: {ours:w} vs them: {theirs:w}",
    ),
    any(
        Sign::TrafficRefused,
        "Quick Mode request rejected; connection has no remote client selector",
    ),
    // pluto, IKEv2
    any(Sign::TrafficRefused, "responding with TS_UNACCEPTABLE"),
    any(
        Sign::TrafficRefused,
        "No IKEv2 connection found with compatible Traffic Selectors",
    ),
    any(Sign::TrafficRefused, "v2N_TS_UNACCEPTABLE"),
    any(Sign::TrafficRefused, "rejected{}with TS_UNACCEPTABLE"),
    any(
        Sign::TrafficRefused,
        "failed with error notification TS_UNACCEPTABLE",
    ),
    any(
        Sign::TrafficRefused,
        "no acceptable traffic selectors found",
    ),
    // racoon and its kin
    any(Sign::TrafficRefused, "failed to get sainfo"),
    any(Sign::TrafficRefused, "no policy found: {asked}"),
    any(Sign::TrafficRefused, "mismatched ID was returned"),
    any(
        Sign::TrafficRefused,
        "failed when processing proxy ID. cannot find matching phase-2 tunnel for received proxy ID. received local id: {local} type {} received remote id: {remote} type",
    ),
    any(Sign::TrafficRefused, "failed when processing proxy ID"),
    any(
        Sign::TrafficRefused,
        "cannot find matching phase-2 tunnel for received proxy ID",
    ),
    any(
        Sign::TrafficRefused,
        "cannot find matching IPSec tunnel for received traffic selector",
    ),
    any(
        Sign::TrafficRefused,
        "failed when processing traffic selector",
    ),
    // Cisco
    any(Sign::TrafficRefused, "proxy identities not supported"),
    any(
        Sign::TrafficRefused,
        "There was no IPSEC policy found for received TS",
    ),
    any(
        Sign::TrafficRefused,
        "no IPSEC cryptomap exists for local address",
    ),
    any(
        Sign::TrafficRefused,
        "no matching crypto map entry for remote proxy {remote:w} local proxy {local:w}",
    ),
    any(
        Sign::TrafficRefused,
        "Crypto Map Policy not found for Src:{}, Dst:",
    ),
    any(Sign::TrafficRefused, "crypto map policy not found"),
    any(
        Sign::TrafficRefused,
        "ACL does not match proxy IDs src:{remote:w} dst:{local:w}",
    ),
    any(
        Sign::TrafficRefused,
        "IPSec policy invalidated proposal with error 32",
    ),
    any(Sign::TrafficRefused, "Received{}ts unacceptable"),
    any(Sign::TrafficRefused, "Traffic selector unacceptable"),
    any(Sign::TrafficRefused, "traffic selectors unacceptable"),
    any(Sign::TrafficRefused, "TS_UNACCEPTABLE: received"),
    any(Sign::TrafficRefused, "received notify type TS_UNACCEPTABLE"),
    // Juniper
    any(Sign::TrafficRefused, "Failed to match the peer proxy IDs"),
    any(Sign::TrafficRefused, "KMD_VPN_TS_MISMATCH"),
    any(Sign::TrafficRefused, "Traffic-selector mismatch"),
    any(
        Sign::TrafficRefused,
        "negotiation failed with error: TS unacceptable",
    ),
    any(
        Sign::TrafficRefused,
        "No policy exists for the proxy ID received: local ID ({local}) remote ID ({remote})",
    ),
    any(
        Sign::TrafficRefused,
        "No policy exists for the proxy ID received",
    ),
    // FortiGate
    any(Sign::TrafficRefused, "specified selectors mismatch"),
    any(Sign::TrafficRefused, "failed to match peer selectors"),
    any(Sign::TrafficRefused, "no matching phase2 found"),
    any(Sign::TrafficRefused, "peer ID's phase2 selectors mismatch"),
    // OpenBSD
    any(
        Sign::TrafficRefused,
        "peer proposed invalid phase 2 IDs: {asked}",
    ),
    // Check Point, SonicWall, WatchGuard, Windows
    any(
        Sign::TrafficRefused,
        "Peer's network does not match VPN Policy's Network",
    ),
    any(
        Sign::TrafficRefused,
        "Peer's destination network does not match VPN Policy's",
    ),
    any(Sign::TrafficRefused, "tunnel route mismatch"),
    any(
        Sign::TrafficRefused,
        "Traffic Selectors proposed by{}mismatch",
    ),
    // ── protocol and port ──
    any(
        Sign::SelectorPortDiffers,
        "returned protocol id does not match my proposal - us: {ours:n} vs them: {theirs:n}",
    ),
    any(
        Sign::SelectorPortDiffers,
        "returned port doesn't match my proposal - us: {ours:n} vs them: {theirs:n}",
    ),
    any(
        Sign::SelectorPortDiffers,
        "peer returned protocol id does not match my proposal",
    ),
    // ── tunnel or transport ──
    any(
        Sign::ModeDiffers,
        "encmode mismatched: my:{ours:w} peer:{theirs:w}",
    ),
    any(Sign::ModeDiffers, "not using transport mode, {remark}"),
    any(
        Sign::ModeDiffers,
        "{theirs:w} mode requested by responder is unacceptable",
    ),
    any(
        Sign::ModeDiffers,
        "{theirs:w} requested by responder is unacceptable",
    ),
    any(
        Sign::ModeDiffers,
        "policy dictates Transport Mode, but peer requested Tunnel",
    ),
    any(
        Sign::ModeDiffers,
        "policy dictates Tunnel Mode, but peer requests Transport Mode",
    ),
    any(
        Sign::ModeDiffers,
        "policy dictates {ours} Mode, but peer requests {theirs} Mode",
    ),
    any(
        Sign::ModeDiffers,
        "local policy requires {ours} Mode but peer requires required {theirs} Mode",
    ),
    any(
        Sign::ModeDiffers,
        "local policy dictates Transport Mode but peer {}",
    ),
    any(Sign::ModeDiffers, "encapsulation mode mismatch"),
    any(
        Sign::ModeDiffers,
        "Mismatched attribute types for class Encapsulation Mode: Rcv'd: {theirs} Cfg'd: {ours}",
    ),
    // ── extended sequence numbers ──
    any(
        Sign::EsnDiffers,
        "no acceptable EXTENDED_SEQUENCE_NUMBERS found",
    ),
    any(Sign::EsnDiffers, "ESN mismatch"),
    any(Sign::EsnDiffers, "extended sequence number mismatch"),
    // ── virtual addresses ──
    any(
        Sign::VirtualAddressMissing,
        "expected a virtual IP request, sending FAILED_CP_REQUIRED",
    ),
    any(Sign::VirtualAddressMissing, "N(FAIL_CP_REQ"),
    any(Sign::VirtualAddressMissing, "FAILED_CP_REQUIRED"),
    any(
        Sign::VirtualAddressMissing,
        "request does not include a CP payload required by {}modecfgserver",
    ),
    any(
        Sign::VirtualAddressMissing,
        "does not include a CP payload required by",
    ),
    any(
        Sign::VirtualAddressRefused,
        "no virtual IP found for {} requested by '{peer}'",
    ),
    any(
        Sign::VirtualAddressRefused,
        "no virtual IP found, sending INTERNAL_ADDRESS_FAILURE",
    ),
    any(
        Sign::VirtualAddressRefused,
        "configuration payload negotiation failed, no CHILD_SA built",
    ),
    any(
        Sign::VirtualAddressRefused,
        "received INTERNAL_ADDRESS_FAILURE notify",
    ),
    any(
        Sign::VirtualAddressRefused,
        "rejected{}INTERNAL_ADDRESS_FAILURE",
    ),
    any(Sign::VirtualAddressRefused, "with INTERNAL_ADDRESS_FAILURE"),
    any(
        Sign::VirtualAddressRefused,
        "missing v2CP reply, not attempting to setup child SA",
    ),
    any(
        Sign::VirtualAddressRefused,
        "v2CP reply{}did not contain a valid",
    ),
    any(Sign::VirtualAddressRefused, "modecfg{}no address assigned"),
    any(Sign::VirtualAddressRefused, "no virtual IP assigned"),
    any(
        Sign::VirtualAddressRefused,
        "installing virtual IP {} failed",
    ),
    any(
        Sign::VirtualAddressRefused,
        "the server did not assign a virtual IP",
    ),
    // ── limits, compression, and children that fail ──
    any(Sign::NoMoreChildren, "received NO_ADDITIONAL_SAS notify"),
    any(
        Sign::NoMoreChildren,
        "peer seems to not support CHILD_SA rekeying",
    ),
    any(Sign::NoMoreChildren, "N(NO_ADD_SAS)"),
    any(Sign::NoMoreChildren, "NO_ADDITIONAL_SAS"),
    any(Sign::NoMoreChildren, "peer does not support{}childless"),
    any(
        Sign::CompressionRefused,
        "peer didn't accept our proposed IPComp transforms",
    ),
    any(
        Sign::CompressionRefused,
        "peer did not accept our IPComp proposal",
    ),
    any(
        Sign::CompressionRefused,
        "expected IPComp proposal but peer did",
    ),
    any(
        Sign::CompressionRefused,
        "received IPCOMP_SUPPORTED notify but IPComp is disabled",
    ),
    any(Sign::CompressionRefused, "compression but our policy{}"),
    any(
        Sign::ChildFailed,
        "failed to establish CHILD_SA, keeping IKE_SA",
    ),
    any(
        Sign::ChildFailed,
        "closing IKE_SA due CHILD_SA setup failure",
    ),
    any(
        Sign::ChildFailed,
        "{phase} was unable to establish while keeping Phase 1",
    ),
    any(Sign::ChildFailed, "failed to pre-process ph2 packet"),
    any(Sign::ChildFailed, "QM FSM error (P2 struct"),
    any(
        Sign::ChildFailed,
        "CREATE_CHILD_SA failed with error notification {problem:w}",
    ),
    // ── users' own words ──
    any(Sign::FirstPhaseDone, "phase I is established"),
    any(Sign::FirstPhaseDone, "phase 1 is established"),
    any(Sign::FirstPhaseDone, "phase1 is established"),
    any(Sign::FirstPhaseDone, "phase 1 established"),
    any(Sign::FirstPhaseDone, "phase 1 is up"),
    any(Sign::FirstPhaseDone, "phase1 is up"),
    any(Sign::FirstPhaseDone, "phase 1 comes up"),
    any(Sign::FirstPhaseDone, "phase 1 completes"),
    any(Sign::FirstPhaseDone, "phase 1 is completed"),
    any(Sign::FirstPhaseDone, "phase 1 is complete"),
    any(Sign::FirstPhaseDone, "phase 1 completed"),
    any(Sign::FirstPhaseDone, "phase 1 is successful"),
    any(Sign::FirstPhaseDone, "phase 1 successful"),
    any(Sign::FirstPhaseDone, "phase 1 succeeds"),
    any(Sign::FirstPhaseDone, "phase 1 is ok"),
    any(Sign::FirstPhaseDone, "phase 1 is fine"),
    any(Sign::FirstPhaseDone, "phase 1 is working"),
    any(Sign::FirstPhaseDone, "phase 1 works"),
    any(Sign::FirstPhaseDone, "phase 1 is done"),
    any(Sign::FirstPhaseDone, "phase one is up"),
    any(Sign::FirstPhaseDone, "phase one is established"),
    any(Sign::FirstPhaseDone, "phase one completes"),
    any(Sign::FirstPhaseDone, "phase one works"),
    any(Sign::FirstPhaseDone, "ISAKMP SA is established but"),
    any(Sign::FirstPhaseDone, "ISAKMP SA is up but"),
    any(Sign::FirstPhaseDone, "IKE SA is up but"),
    any(Sign::FirstPhaseDone, "IKE SA is established but"),
    any(Sign::ChildFailed, "phase 2 SA policy not acceptable"),
    any(
        Sign::ChildFailed,
        "Processing of Quick mode failed with peer",
    ),
    // ── narrowing, overlap, interfaces ──
    any(
        Sign::InterfaceIdMissing,
        "XFRM interface '{name}' not found",
    ),
    any(
        Sign::InterfaceIdMissing,
        "device {name:w} exists but do not match expected type, XFRM if_id",
    ),
    any(
        Sign::InterfaceIdMissing,
        "device {name:w} exists but does not match expected type",
    ),
    any(
        Sign::TrafficOwnedByOther,
        "route to peer's client conflicts with \"{other}\"",
    ),
    // One of a template's instances: another client, or the same one from another address.
    any(
        Sign::TrafficOwnedByOther,
        "route to peer's client conflicts with \"{other}\"[{instance:n}]",
    ),
    any(
        Sign::TrafficOwnedByOther,
        "cannot route -- route already in use for \"{other}\"",
    ),
    any(
        Sign::TrafficOwnedByOther,
        "eroute already in use by \"{other}\"",
    ),
    any(
        Sign::TrafficOwnedByOther,
        "cannot install eroute -- it is in use for \"{other}\"",
    ),
    by(
        &["charon", "ipsec", "strongswan"],
        Sign::TrafficOwnedByOther,
        "unable to install policy {} because it is already in use",
    ),
    // ── Windows, SonicWall, Check Point, Zyxel, Huawei, Google, RouterOS ──
    any(
        Sign::EspProposalRefused,
        "IPSec proposal does not match (Phase 2)",
    ),
    any(Sign::EspProposalRefused, "IPsec proposal does not match"),
    any(
        Sign::EspProposalRefused,
        "Quick Mode {}: no proposal chosen",
    ),
    any(Sign::EspProposalRefused, "Phase 2 proposal mismatch"),
    any(Sign::EspProposalRefused, "phase2 proposal mismatch"),
    any(Sign::EspProposalRefused, "phase2 proposal or pfs mismatch"),
    any(
        Sign::EspProposalRefused,
        "phase2 proposal or pfs dh algorithm mismatch",
    ),
    any(Sign::EspProposalRefused, "Proposal mismatch in CHILD SA"),
    any(Sign::EspProposalRefused, "Failed to match phase 2 proposal"),
    any(Sign::PfsDiffers, "Perfect Forward Secrecy mismatch"),
    any(Sign::PfsDiffers, "PFS DH group mismatch"),
    any(
        Sign::TrafficRefused,
        "peer selected invalid traffic selectors",
    ),
    any(
        Sign::TrafficRefused,
        "Peer's local network does not match VPN policy's",
    ),
    any(Sign::TrafficRefused, "Quick Mode {}: invalid id info"),
    any(Sign::TrafficRefused, "Phase 2 local policy mismatch"),
    any(Sign::TrafficRefused, "Phase 2 remote policy mismatch"),
    any(Sign::TrafficRefused, "error-reason: flow mismatch"),
    any(Sign::TrafficRefused, "reason is flow mismatch"),
    any(Sign::TrafficRefused, "reason=flow mismatch"),
    any(Sign::TrafficRefused, "flow or peer mismatch"),
    any(Sign::TrafficRefused, "no template matches"),
    any(Sign::TrafficRefused, "Traffic selector mismatch"),
    any(Sign::VirtualAddressRefused, "ip assigned fail"),
    any(Sign::SelectorsNarrowed, "Remote traffic selectors narrowed"),
    any(Sign::ChildFailed, "IPsec quick mode negotiation failed"),
];
