//! `crl-unreachable`: a revocation list is past the time for which it was made.

use adit_model::ahead::{Ahead as Known, days};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "crl-unreachable",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::RevocationList {
            issuer,
            next_update: Some(next),
            strict,
            now,
            ..
        } = known
        else {
            continue;
        };
        if next > now {
            continue;
        }
        let old = -days(*now, *next);
        let warning = view
            .warn(
                fact,
                AtFault::Local,
                format!("the revocation list of {issuer} should have been replaced {old} days ago"),
            )
            .fix("fetch the new list (or let the gateway: the certificate's address of it has to be reachable), then adit reload");
        out.push(if *strict {
            warning.then("`revocation` is strict: the peer's certificate is refused the next time it is looked at")
        } else {
            warning
                .note()
                .then("a certificate that was revoked since then is still taken")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;
    use adit_model::Wall;

    #[test]
    fn only_a_list_past_its_time_is_told() {
        let told = |next: u64, strict: bool| {
            let day = |n: u64| Wall(n * 86_400_000);
            let list = Known::RevocationList {
                issuer: "CN=Lab CA".to_owned(),
                this_update: day(1),
                next_update: Some(day(next)),
                strict,
                now: day(10),
            };
            causes(&of(connection(), vec![list]))
        };
        assert!(told(11, true).is_empty());
        assert_eq!(told(9, true), ["crl-unreachable"]);
        assert_eq!(told(9, false), ["(crl-unreachable)"]);
    }
}
