//! pluto's states by name, and what it means to be in one.
//!
//! A state is named by the message that was sent last, so the name tells how far the exchange got: in `MAIN_R2` the
//! initiator's second message had come, our second answer has gone, and the third hasn't come. IKEv1's names are those
//! of RFC 2409's messages in all versions; IKEv2's changed twice.

use adit_model::event::Role;

/// A message: its name as [`adit_model::phase`] has it, and whether it is an answer.
pub(crate) type Step = (&'static str, bool);

/// What is up in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Up {
    Nothing,
    Ike,
    Child,
}

/// A state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Without `STATE_` and `V2_`.
    names: &'static [&'static str],
    pub(crate) v1: bool,
    pub(crate) role: Option<Role>,
    /// The message that led here.
    pub(crate) received: Option<Step>,
    /// The message that was sent on arrival.
    pub(crate) sent: Option<Step>,
    pub(crate) up: Up,
    /// What versions from 3.28 on say instead of the name, and older ones after it.
    stories: &'static [&'static str],
}

const I: Option<Role> = Some(Role::Initiator);
const R: Option<Role> = Some(Role::Responder);

const fn v1(
    names: &'static [&'static str],
    role: Option<Role>,
    received: Option<Step>,
    sent: Option<Step>,
    up: Up,
    stories: &'static [&'static str],
) -> State {
    State {
        names,
        v1: true,
        role,
        received,
        sent,
        up,
        stories,
    }
}

const fn v2(
    names: &'static [&'static str],
    role: Option<Role>,
    received: Option<Step>,
    sent: Option<Step>,
    up: Up,
    stories: &'static [&'static str],
) -> State {
    State {
        names,
        v1: false,
        role,
        received,
        sent,
        up,
        stories,
    }
}

const fn q(name: &'static str) -> Option<Step> {
    Some((name, false))
}

const fn a(name: &'static str) -> Option<Step> {
    Some((name, true))
}

static STATES: [State; 26] = [
    v1(
        &["MAIN_I1"],
        I,
        None,
        q("MI1"),
        Up::Nothing,
        &["sent MI1", "sent Main Mode request"],
    ),
    v1(
        &["MAIN_I2"],
        I,
        a("MR1"),
        q("MI2"),
        Up::Nothing,
        &["sent MI2", "sent Main Mode I2"],
    ),
    v1(
        &["MAIN_I3"],
        I,
        a("MR2"),
        q("MI3"),
        Up::Nothing,
        &["sent MI3", "sent Main Mode I3"],
    ),
    v1(&["MAIN_I4"], I, a("MR3"), None, Up::Ike, &[]),
    v1(
        &["MAIN_R0"],
        R,
        q("MI1"),
        None,
        Up::Nothing,
        &["expecting MI1", "expecting Main Mode request"],
    ),
    v1(
        &["MAIN_R1"],
        R,
        q("MI1"),
        a("MR1"),
        Up::Nothing,
        &["sent MR1", "sent Main Mode R1"],
    ),
    v1(
        &["MAIN_R2"],
        R,
        q("MI2"),
        a("MR2"),
        Up::Nothing,
        &["sent MR2", "sent Main Mode R2"],
    ),
    v1(
        &["MAIN_R3"],
        R,
        q("MI3"),
        a("MR3"),
        Up::Ike,
        &["sent MR3", "sent Main Mode R3"],
    ),
    v1(
        &["AGGR_I1"],
        I,
        None,
        q("AI1"),
        Up::Nothing,
        &["sent AI1", "sent Aggressive Mode request"],
    ),
    v1(&["AGGR_I2"], I, a("AR1"), q("AI2"), Up::Ike, &["sent AI2"]),
    v1(
        &["AGGR_R0"],
        R,
        q("AI1"),
        None,
        Up::Nothing,
        &["expecting AI1", "expecting Aggressive Mode request"],
    ),
    v1(
        &["AGGR_R1"],
        R,
        q("AI1"),
        a("AR1"),
        Up::Nothing,
        &["sent AR1", "sent Aggressive Mode response"],
    ),
    v1(&["AGGR_R2"], R, q("AI2"), None, Up::Ike, &[]),
    v1(
        &["QUICK_I1"],
        I,
        None,
        q("QI1"),
        Up::Nothing,
        &["sent QI1", "sent Quick Mode request"],
    ),
    v1(
        &["QUICK_I2"],
        I,
        a("QR1"),
        q("QI2"),
        Up::Child,
        &["sent QI2"],
    ),
    v1(
        &["QUICK_R0"],
        R,
        q("QI1"),
        None,
        Up::Nothing,
        &["expecting QI1", "expecting Quick Mode request"],
    ),
    v1(
        &["QUICK_R1"],
        R,
        q("QI1"),
        a("QR1"),
        Up::Nothing,
        &["sent QR1", "sent Quick Mode reply"],
    ),
    v1(&["QUICK_R2"], R, q("QI2"), None, Up::Child, &[]),
    v1(
        &[
            "XAUTH_R0",
            "XAUTH_R1",
            "MODE_CFG_R1",
            "MODE_CFG_R2",
            "MODE_CFG_SERVER_WAITING_FOR_ACK",
        ],
        R,
        None,
        q("TRANSACTION"),
        Up::Ike,
        &["sent ModeCfg reply"],
    ),
    v1(
        &["XAUTH_I0", "XAUTH_I1", "MODE_CFG_I1", "MODE_CFG_R0"],
        I,
        None,
        q("TRANSACTION"),
        Up::Ike,
        &["sent ModeCfg request"],
    ),
    v2(
        &["PARENT_I1", "IKE_SA_INIT_I"],
        I,
        None,
        q("IKE_SA_INIT"),
        Up::Nothing,
        &["sent v2I1", "sent IKE_SA_INIT request"],
    ),
    v2(
        &["PARENT_I2", "IKE_AUTH_I", "IKE_AUTH_EAP_I"],
        I,
        a("IKE_SA_INIT"),
        q("IKE_AUTH"),
        Up::Nothing,
        &["sent v2I2", "sent IKE_AUTH request"],
    ),
    v2(
        &["PARENT_R1", "IKE_SA_INIT_R"],
        R,
        q("IKE_SA_INIT"),
        a("IKE_SA_INIT"),
        Up::Nothing,
        &[
            "received v2I1",
            "sent IKE_SA_INIT reply",
            "sent IKE_SA_INIT response",
        ],
    ),
    v2(&["PARENT_I3"], I, a("IKE_AUTH"), None, Up::Ike, &[]),
    v2(
        &["PARENT_R2"],
        R,
        q("IKE_AUTH"),
        a("IKE_AUTH"),
        Up::Ike,
        &["received v2I2"],
    ),
    v2(
        &[
            "CREATE_I",
            "CREATE_I0",
            "NEW_CHILD_I1",
            "REKEY_CHILD_I1",
            "REKEY_IKE_I",
            "REKEY_IKE_I1",
        ],
        I,
        None,
        q("CREATE_CHILD_SA"),
        Up::Nothing,
        &["sent IPsec Child req", "sent CREATE_CHILD_SA request"],
    ),
];

/// States in which all is done, whatever led there.
const DONE: [(&str, Up); 5] = [
    ("ESTABLISHED_IKE_SA", Up::Ike),
    ("ESTABLISHED_CHILD_SA", Up::Child),
    ("IPSEC_I", Up::Child),
    ("IPSEC_R", Up::Child),
    ("UNDEFINED", Up::Nothing),
];

/// The state of a name, with or without `STATE_` and `V2_`.
pub(crate) fn state(name: &str) -> Option<&'static State> {
    let bare = bare(name);
    STATES.iter().find(|s| s.names.contains(&bare))
}

/// Whether the word is the name of a state, known by its messages or not.
pub(crate) fn is_state(word: &str) -> bool {
    let bare = bare(word);
    (word.starts_with("STATE_") && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        || DONE.iter().any(|(name, _)| *name == bare)
        || state(word).is_some()
}

/// What is up in the state of that name.
pub(crate) fn up(name: &str) -> Up {
    let bare = bare(name);
    DONE.iter()
        .find(|(name, _)| *name == bare)
        .map(|(_, up)| *up)
        .or_else(|| state(name).map(|s| s.up))
        .unwrap_or(Up::Nothing)
}

/// Whether a state of that name is a CHILD SA's.
pub(crate) fn of_child(name: &str) -> bool {
    let bare = bare(name);
    bare.starts_with("QUICK_")
        || bare.starts_with("IPSEC_")
        || bare.contains("CHILD")
        || bare == "CREATE_I"
}

/// The state whose story a message tells: `sent MI1, expecting MR1`, `sent Main Mode request`.
pub(crate) fn told(text: &str) -> Option<&'static State> {
    STATES
        .iter()
        .find(|s| s.stories.iter().any(|story| text.starts_with(story)))
}

/// The same by name.
pub(crate) fn by_message(step: Step) -> Option<&'static State> {
    STATES.iter().find(|s| s.sent == Some(step))
}

fn bare(name: &str) -> &str {
    let name = name.strip_prefix("STATE_").unwrap_or(name);
    name.strip_prefix("V2_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_all_versions_are_the_same_states() {
        for (names, sent) in [
            (&["STATE_MAIN_I1", "MAIN_I1"][..], "MI1"),
            (
                &["STATE_PARENT_I2", "STATE_V2_PARENT_I2", "IKE_AUTH_I"],
                "IKE_AUTH",
            ),
        ] {
            for name in names {
                assert_eq!(state(name).unwrap().sent, q(sent), "{name}");
            }
        }
        assert_eq!(up("STATE_V2_IPSEC_R"), Up::Child);
        assert_eq!(up("STATE_MAIN_R3"), Up::Ike);
        assert!(is_state("STATE_SOMETHING_NEW") && !is_state("ERROR"));
    }

    #[test]
    fn stories_of_all_versions_are_the_same_states() {
        for text in ["sent MR2, expecting MI3", "sent Main Mode R2"] {
            assert_eq!(told(text), state("MAIN_R2"), "{text}");
        }
        for text in [
            "sent v2I1, expected v2R1",
            "sent IKE_SA_INIT request to 192.0.2.1:UDP/500",
        ] {
            assert_eq!(told(text), state("PARENT_I1"), "{text}");
        }
    }
}
