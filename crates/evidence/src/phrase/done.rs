//! What says that a tunnel came up, in the words of products that print no exchanges.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // ASA and IOS.
    any(Sign::FirstPhaseDone, ", PHASE 1 COMPLETED"),
    any(
        Sign::FirstPhaseDone,
        "Verification of peer's authentication data PASSED",
    ),
    any(
        Sign::FirstPhaseDone,
        "IKEV2 SA created; inserting SA into database",
    ),
    any(
        Sign::SecondPhaseDone,
        "Security negotiation complete for LAN-to-LAN Group",
    ),
    any(Sign::SecondPhaseDone, "New State = IKE_QM_PHASE2_COMPLETE"),
    // Junos: system log, then the traces of kmd and iked.
    any(
        Sign::SecondPhaseDone,
        "KMD_VPN_UP_ALARM_USER: VPN {what:w} from {}is up",
    ),
    any(
        Sign::SecondPhaseDone,
        "KMD_PM_SA_ESTABLISHED: Local gateway: {}, Remote gateway: {what:w}",
    ),
    any(
        Sign::FirstPhaseDone,
        "IKE negotiation done for local:{}with status: Error ok",
    ),
    any(
        Sign::FirstPhaseDone,
        "IKE negotiation done for local:{}with status: Success",
    ),
    any(
        Sign::SecondPhaseDone,
        "IPSec negotiation done successfully for",
    ),
    // FortiOS' log of events.
    any(Sign::SecondPhaseDone, "action=\"tunnel-up\""),
    any(Sign::SecondPhaseDone, "action=\"phase2-up\""),
    // AVM.
    any(
        Sign::SecondPhaseDone,
        "VPN-Verbindung zu {what} wurde erfolgreich hergestellt",
    ),
    any(
        Sign::SecondPhaseDone,
        "VPN connection to {what} has been established successfully",
    ),
    // RouterOS.
    any(Sign::FirstPhaseDone, "peer authorized: {what:w}"),
    // SonicOS, ScreenOS.
    any(
        Sign::SecondPhaseDone,
        "Phase 2: Completed negotiations with SPI",
    ),
    any(
        Sign::SecondPhaseDone,
        "Phase 2 msg ID {:w}: Completed negotiations with SPI",
    ),
];
