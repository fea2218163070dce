//! How far a set-up got, in words that hold for both versions of IKE.
//!
//! IKEv2 names its exchanges (RFC 7296 1.2 to 1.4). IKEv1 counts the messages of a mode (RFC 2409 5.4 and 5.5): `MI1`
//! is the initiator's first message of main mode, `AR1` the responder's answer in aggressive mode, `QI2` the third of
//! quick mode. Logs that name the mode and not the message (`ID_PROT`) tell it by the first payload.

use crate::event::MessageInfo;

/// What a message of a set-up is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Proposals: IKE_SA_INIT, `MI1` and `MR1`, `AI1` and `AR1`.
    First,
    /// Public values, in a version or mode that sends them apart: `MI2`, `MR2`, IKE_INTERMEDIATE.
    Keys,
    /// Identities and the proof of them: IKE_AUTH, `MI3` and `MR3`, `AI2`.
    Authentication,
    /// XAUTH and mode configuration, between the two phases of IKEv1.
    Transaction,
    /// A CHILD SA of its own exchange: CREATE_CHILD_SA, `QI1`, `QR1`, `QI2`.
    Child,
    /// Notices of an IKE SA that is up.
    Informational,
}

impl Phase {
    /// The phase of an exchange or message by its name; `None` for a name that covers several, or is unknown.
    #[must_use]
    pub fn of(exchange: &str) -> Option<Phase> {
        Some(match exchange {
            "IKE_SA_INIT" | "MI1" | "MR1" | "AI1" | "AR1" => Phase::First,
            "MI2" | "MR2" | "IKE_INTERMEDIATE" => Phase::Keys,
            "IKE_AUTH" | "MI3" | "MR3" | "AI2" => Phase::Authentication,
            "TRANSACTION" => Phase::Transaction,
            "CREATE_CHILD_SA" | "QUICK_MODE" | "QI1" | "QR1" | "QI2" => Phase::Child,
            "INFORMATIONAL" | "INFORMATIONAL_V1" => Phase::Informational,
            _ => return None,
        })
    }

    /// Whether the name is one of a message that answers: it is repeated when the other side doesn't go on, and what
    /// is missing is the message after it.
    #[must_use]
    pub fn answers(exchange: &str) -> bool {
        matches!(exchange, "MR1" | "MR2" | "MR3" | "AR1" | "QR1")
    }

    /// Whether the name is one of IKEv1.
    #[must_use]
    pub fn is_v1(exchange: &str) -> bool {
        matches!(
            exchange,
            "MI1"
                | "MR1"
                | "MI2"
                | "MR2"
                | "MI3"
                | "MR3"
                | "AI1"
                | "AR1"
                | "AI2"
                | "QI1"
                | "QR1"
                | "QI2"
                | "ID_PROT"
                | "AGGRESSIVE"
                | "QUICK_MODE"
                | "TRANSACTION"
                | "INFORMATIONAL_V1"
        )
    }
}

impl MessageInfo {
    /// What the message is there for.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        let first = self.payloads.first().map(String::as_str);
        match (self.exchange.as_str(), first) {
            ("ID_PROT" | "AGGRESSIVE", Some("SA")) => Some(Phase::First),
            ("ID_PROT", Some("KE")) => Some(Phase::Keys),
            ("ID_PROT" | "AGGRESSIVE", Some(_)) => Some(Phase::Authentication),
            (exchange, _) => Phase::of(exchange),
        }
    }

    /// Whether it opens an IKE SA: the first request of either version.
    #[must_use]
    pub fn opens(&self) -> bool {
        !self.response && self.phase() == Some(Phase::First)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(exchange: &str, response: bool, payloads: &[&str]) -> MessageInfo {
        MessageInfo {
            exchange: exchange.to_owned(),
            message_id: 0,
            response,
            payloads: payloads.iter().map(|p| (*p).to_owned()).collect(),
            octets: 0,
        }
    }

    #[test]
    fn both_versions_and_both_ways_of_naming_agree() {
        for (one, other) in [
            (
                message("IKE_SA_INIT", false, &["SA", "KE", "No"]),
                message("MI1", false, &[]),
            ),
            (
                message("ID_PROT", false, &["SA", "V"]),
                message("MI1", false, &[]),
            ),
            (
                message("ID_PROT", true, &["KE", "No"]),
                message("MR2", true, &[]),
            ),
            (
                message("AGGRESSIVE", false, &["HASH"]),
                message("IKE_AUTH", false, &[]),
            ),
        ] {
            assert_eq!(one.phase(), other.phase());
            assert_eq!(one.opens(), other.opens());
        }
        assert_eq!(message("SESSION", false, &[]).phase(), None);
    }
}
