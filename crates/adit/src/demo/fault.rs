//! The faults that the demo can inject, and what a right diagnosis says of each.

use clap::ValueEnum;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// The two sides hold different pre-shared keys.
    Psk,
    /// The far side expects another identity.
    Id,
    /// No IKE encryption algorithm in common.
    Proposal,
    /// No key exchange group in common.
    Dh,
    /// No ESP algorithm in common.
    Esp,
    /// The two sides disagree about the protected networks.
    Ts,
    /// The NAT box drops UDP port 500.
    Udp500,
    /// The NAT box drops UDP port 4500.
    Udp4500,
    /// The far gateway is off.
    PeerDown,
    /// The far gateway speaks only IKEv1.
    Version,
}

impl Fault {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Psk => "psk",
            Fault::Id => "id",
            Fault::Proposal => "proposal",
            Fault::Dh => "dh",
            Fault::Esp => "esp",
            Fault::Ts => "ts",
            Fault::Udp500 => "udp500",
            Fault::Udp4500 => "udp4500",
            Fault::PeerDown => "peer-down",
            Fault::Version => "version",
        }
    }

    /// The cause id that the diagnosis has to name.
    pub fn cause(self) -> &'static str {
        match self {
            Fault::Psk => "psk-mismatch",
            Fault::Id => "id-mismatch",
            Fault::Proposal => "ike-proposal-mismatch",
            Fault::Dh => "ike-dh-group-mismatch",
            Fault::Esp => "esp-proposal-mismatch",
            Fault::Ts => "ts-mismatch",
            Fault::Udp500 => "udp500-blocked",
            Fault::Udp4500 => "udp4500-blocked",
            Fault::PeerDown => "peer-unreachable",
            Fault::Version => "ike-version-mismatch",
        }
    }

    /// Whether the fault shows only as silence, so that the true cause among the named candidates is a right
    /// diagnosis.
    pub fn may_stay_open(self) -> bool {
        matches!(self, Fault::Udp500 | Fault::Udp4500 | Fault::PeerDown)
    }

    /// What was done, for the story.
    pub fn told(self) -> &'static str {
        match self {
            Fault::Psk => "east's pre-shared key was changed",
            Fault::Id => "east now expects the identity `branch.lab` from its peer",
            Fault::Proposal => "east now takes only AES-256-GCM for IKE, west offers AES-128-GCM",
            Fault::Dh => "east now takes only ecp384 as key exchange, west offers x25519",
            Fault::Esp => "east now takes only ChaCha20-Poly1305 for ESP, west offers AES-128-GCM",
            Fault::Ts => "east now protects 10.9.0.0/24 instead of 10.2.0.0/24",
            Fault::Udp500 => "the NAT box now drops UDP port 500",
            Fault::Udp4500 => "the NAT box now drops UDP port 4500",
            Fault::PeerDown => "east was switched off",
            Fault::Version => "east was replaced by a gateway that speaks only IKEv1",
        }
    }
}

/// Whether a verdict is right about `fault`: it names the cause, or, where the fault may stay open, lists it among
/// what is possible.
pub fn names_it(fault: Fault, named: &[String], possible: &[String]) -> bool {
    let cause = fault.cause();
    named.first().is_some_and(|c| c == cause)
        || (fault.may_stay_open() && named.is_empty() && possible.iter().any(|c| c == cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_confident_cause_is_never_right() {
        let s = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert!(names_it(Fault::Psk, &s(&["psk-mismatch"]), &[]));
        assert!(
            !names_it(Fault::Psk, &[], &s(&["psk-mismatch", "id-mismatch"])),
            "both sides' events decide this one"
        );
        assert!(!names_it(
            Fault::Psk,
            &s(&["id-mismatch", "psk-mismatch"]),
            &[]
        ));
        assert!(names_it(
            Fault::Udp500,
            &[],
            &s(&["peer-unreachable", "udp500-blocked"])
        ));
        assert!(!names_it(
            Fault::Udp500,
            &s(&["peer-unreachable"]),
            &s(&["udp500-blocked"])
        ));
        assert!(!names_it(Fault::Udp500, &[], &[]));
    }

    #[test]
    fn words_of_the_command_line_are_the_names() {
        for fault in Fault::value_variants() {
            assert_eq!(
                fault
                    .to_possible_value()
                    .map(|v| v.get_name().to_owned())
                    .as_deref(),
                Some(fault.name())
            );
        }
    }
}
