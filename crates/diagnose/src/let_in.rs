//! What PPP or a RADIUS server had against a user who was let in after all.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use crate::seen::{Seen, before};

/// Whether a user was let in after the line. `let_in` are the lines that say that one was: a RADIUS server names whom,
/// PPP serves one at a time.
pub(crate) fn is_let_in(seen: Seen<'_>, let_in: &[&Fact]) -> bool {
    let text = &seen.fact.source.text;
    let stood_in_the_way = match seen.sign {
        Sign::UserAuthenticationFailed => user(text).is_some() || is_of_ppp(text),
        Sign::PluginMissing | Sign::ModuleMissing => is_of_ppp(text),
        _ => false,
    };
    stood_in_the_way
        && let_in.iter().any(|done| {
            before(seen.fact, done)
                && match (user(text), user(&done.source.text)) {
                    (None, None) => true,
                    (failed, done) => failed == done,
                }
        })
}

/// Whether a line is about PPP: pppd's own, or of what starts it or has it within, as accel-ppp and Windows' remote access.
pub(crate) fn is_of_ppp(text: &str) -> bool {
    ["ppp", "PPP", "accel-", "CoId="]
        .iter()
        .any(|word| text.contains(word))
}

/// The user whom FreeRADIUS names: `Login OK: [carol/<via Auth-Type = eap>] (from client gw port 1)`.
fn user(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("Login ")?;
    let (_, rest) = rest.split_once(": [")?;
    rest.split(['/', ']']).next()
}

#[cfg(test)]
mod tests {
    use super::user;

    #[test]
    fn a_radius_server_names_the_user() {
        for line in [
            "Auth: (4) Login OK: [carol] (from client gw port 1)",
            "Auth: (4) Login incorrect (mschap: MS-CHAP2-Response is incorrect): [carol] (from client gw)",
            "Auth: (4) Login incorrect: [carol/<via Auth-Type = eap>] (from client gw)",
        ] {
            assert_eq!(user(line), Some("carol"), "{line}");
        }
        assert_eq!(user("CHAP authentication succeeded"), None);
    }
}
