//! Huawei's one list of reasons (VRP, its cloud's gateways, and kin): why a negotiation failed (`display ike error-info`,
//! the trap of a failed negotiation) and why a tunnel went (`display ike offline-info`, `OfflineReason=` of the trap).
//!
//! A row of the tables has the port before the reason and the version and the date behind it.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(Sign::TrafficRefused, "Reason=flow mismatch"),
    any(
        Sign::TrafficRefused,
        "{:n} flow mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::IkeVersionRefused, "Reason=unsupported version"),
    any(
        Sign::IkeVersionRefused,
        "{:n} unsupported version v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::NoConnectionForPeer,
        "Reason=no policy applied on interface",
    ),
    any(
        Sign::NoConnectionForPeer,
        "{:n} no policy applied on interface v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::LocalAddressMissing, "Reason=local address mismatch"),
    any(
        Sign::LocalAddressMissing,
        "{:n} local address mismatch v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::TrafficOwnedByOther, "Reason=flow conflict"),
    any(
        Sign::TrafficOwnedByOther,
        "{:n} flow conflict v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::TrafficOwnedByOther, "Reason=flow confict"),
    any(
        Sign::TrafficOwnedByOther,
        "{:n} flow confict v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=eap authentication timeout",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "{:n} eap authentication timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=xauth authentication timeout",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "{:n} xauth authentication timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "Reason=fragment packet reassemble timeout",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "{:n} fragment packet reassemble timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::CertificateExpired, "Reason=peer cert is expired"),
    any(
        Sign::CertificateExpired,
        "{:n} peer cert is expired v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::CertificateRevoked,
        "Reason=peer cert is revoked by CRL",
    ),
    any(
        Sign::CertificateRevoked,
        "{:n} peer cert is revoked by CRL v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::EspProposalRefused,
        "Reason=proposal mismatch or use sm in ikev2",
    ),
    any(
        Sign::EspProposalRefused,
        "{:n} proposal mismatch or use sm in ikev2 v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Reason=ikev2 not support sm in ipsec proposal ikev2",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "{:n} ikev2 not support sm in ipsec proposal ikev2 v{:n} {:n}-{:n}-{:n} ",
    ),
    // Why a tunnel went.
    any(Sign::PeerDeclaredDead, "OfflineReason=dpd timeout"),
    any(
        Sign::PeerDeclaredDead,
        "{:n} dpd timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::PeerDeclaredDead, "OfflineReason=heartbeat timeout"),
    any(
        Sign::PeerDeclaredDead,
        "{:n} heartbeat timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::PeerDeleted, "OfflineReason=peer request"),
    any(Sign::PeerDeleted, "{:n} peer request v{:n} {:n}-{:n}-{:n} "),
    any(
        Sign::TakenForChange,
        "OfflineReason=config modify or manual offline",
    ),
    any(
        Sign::TakenForChange,
        "{:n} config modify or manual offline v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::ReauthenticationMissed,
        "OfflineReason=re-auth timeout",
    ),
    any(
        Sign::ReauthenticationMissed,
        "{:n} re-auth timeout v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::SaExpired, "OfflineReason=phase1 hard expiry"),
    any(
        Sign::SaExpired,
        "{:n} phase1 hard expiry v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::SaExpired, "OfflineReason=phase2 hard expiry"),
    any(
        Sign::SaExpired,
        "{:n} phase2 hard expiry v{:n} {:n}-{:n}-{:n} ",
    ),
    any(
        Sign::DuplicateRemoved,
        "OfflineReason=sa with same user exists",
    ),
    any(
        Sign::DuplicateRemoved,
        "{:n} sa with same user exists v{:n} {:n}-{:n}-{:n} ",
    ),
    any(Sign::AddressChanged, "OfflineReason=peer address switch"),
    any(
        Sign::AddressChanged,
        "{:n} peer address switch v{:n} {:n}-{:n}-{:n} ",
    ),
];

/// The same reasons as its cloud logs them, in brackets.
pub(super) static IN_BRACKETS: &[Phrase] = &[
    any(Sign::IkeVersionRefused, "Reason=[version mismatch]"),
    any(Sign::NoConnectionForPeer, "Reason=[peer address mismatch]"),
    any(Sign::TrafficRefused, "Reason=[netmask mismatch]"),
    any(Sign::PskDiffers, "Reason=[authentication fail]"),
    any(Sign::ModeDiffers, "Reason=[encapsulation mode mismatch]"),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=[xauth authentication fail]",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=[eap authentication fail]",
    ),
    any(Sign::TrafficRefused, "Reason=[flow mismatch]"),
    any(Sign::IkeVersionRefused, "Reason=[unsupported version]"),
    any(
        Sign::NoConnectionForPeer,
        "Reason=[no policy applied on interface]",
    ),
    any(Sign::LocalAddressMissing, "Reason=[local address mismatch]"),
    any(Sign::TrafficOwnedByOther, "Reason=[flow conflict]"),
    any(Sign::TrafficOwnedByOther, "Reason=[flow confict]"),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=[eap authentication timeout]",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Reason=[xauth authentication timeout]",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "Reason=[fragment packet reassemble timeout]",
    ),
    any(Sign::CertificateExpired, "Reason=[peer cert is expired]"),
    any(
        Sign::CertificateRevoked,
        "Reason=[peer cert is revoked by CRL]",
    ),
    any(
        Sign::EspProposalRefused,
        "Reason=[proposal mismatch or use sm in ikev2]",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Reason=[ikev2 not support sm in ipsec proposal ikev2]",
    ),
];

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn told(text: &str) -> Vec<Sign> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let signs = facts.into_iter().filter_map(|f| match f.what {
            Known::Sign { sign, .. } => Some(sign),
            _ => None,
        });
        signs.collect()
    }

    #[test]
    fn a_reason_is_the_same_in_a_table_and_in_a_trap() {
        for (reason, sign) in [
            ("flow mismatch", Sign::TrafficRefused),
            ("peer cert is expired", Sign::CertificateExpired),
            ("unsupported version", Sign::IkeVersionRefused),
            ("local address mismatch", Sign::LocalAddressMissing),
        ] {
            let row =
                format!("  198.51.100.7     4500     {reason}     v2       2026-02-03 04:05:06\n");
            assert_eq!(told(&row), [sign], "{row}");
            let trap = format!(
                "%%01IPSEC/4/NEGOFAIL: Ike negotiation failed. (IfIndex=7, PeerAddress=198.51.100.7, PeerPort=500, Reason={reason}, ReasonCode=9)\n"
            );
            assert_eq!(told(&trap), [sign], "{trap}");
        }
        let stopped = "IPSec tunnel deleted. (Ifindex=7, DstIP=198.51.100.7, OfflineReason=dpd timeout, InterfaceName=GigabitEthernet0/0/1)\n";
        assert_eq!(told(stopped), [Sign::PeerDeclaredDead]);
        // Somebody's own words have neither the port nor the version.
        assert!(
            told("we think it is a flow mismatch, or an unsupported version of the box").is_empty()
        );
    }
}
