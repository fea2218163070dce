//! States as `ipsec status` and `ipsec auto --status` list them.

use super::super::step::{self, Up};
use super::Said;

/// `STATE_MAIN_I1 (sent MI1, expecting MR1); EVENT_RETRANSMIT in 7s; nodpd; idle`, in version 5 `sent Main Mode request;
/// RETRANSMIT in 7s; idle`.
pub(super) fn said(text: &str) -> Option<Said> {
    let (head, rest) = text.split_once(';').unwrap_or((text, ""));
    let name = head.split([' ', '(']).find(|word| step::is_state(word));
    let up = name.map_or_else(
        || {
            if head.starts_with("established IKE SA") || head.starts_with("ISAKMP SA established") {
                Up::Ike
            } else if head.starts_with("established Child SA")
                || head.starts_with("IPsec SA established")
            {
                Up::Child
            } else {
                Up::Nothing
            }
        },
        step::up,
    );
    let state = name.and_then(step::state).or_else(|| step::told(head));
    (state.is_some() || up != Up::Nothing).then(|| Said::Listed {
        state,
        up,
        repeating: rest.contains("RETRANSMIT"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_all_versions() {
        for (text, want, want_up, want_repeating) in [
            (
                "STATE_MAIN_I1 (sent MI1, expecting MR1); EVENT_RETRANSMIT in 7s; nodpd; idle; import:admin initiate",
                step::state("MAIN_I1"),
                Up::Nothing,
                true,
            ),
            (
                "IKEv1.0 STATE_QUICK_R2 (IPsec SA established); EVENT_SA_REPLACE in 3288s; newest IPSEC",
                step::state("QUICK_R2"),
                Up::Child,
                false,
            ),
            (
                "sent Main Mode I3; RETRANSMIT in 3s; idle;",
                step::state("MAIN_I3"),
                Up::Nothing,
                true,
            ),
            (
                "established Child SA; REKEY in 27000s; newest; eroute owner; IKE SA #1; idle;",
                None,
                Up::Child,
                false,
            ),
        ] {
            let Some(Said::Listed {
                state,
                up,
                repeating,
            }) = said(text)
            else {
                panic!("{text}");
            };
            assert_eq!((state, up, repeating), (want, want_up, want_repeating));
        }
        assert_eq!(
            said("esp.790e7820@198.51.100.1 esp.7ed4e3bd@192.0.2.1"),
            None
        );
    }
}
