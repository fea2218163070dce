//! `cert-expired`, before it has: told at 30, 14, 7 and 1 days.

use adit_model::ahead::{Ahead as Known, days};
use adit_model::certificate::CertificateUse;
use adit_model::fact::Side;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "cert-expired",
    judge,
};

/// Days before the end from which on it is told.
const SOON: i64 = 30;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Certificate {
            used_as,
            subject,
            not_after,
            now,
            ..
        } = known
        else {
            continue;
        };
        let left = days(*now, *not_after);
        if left > SOON {
            continue;
        }
        let whose = match (fact.side, used_as) {
            (Side::Remote, _) => "the peer's certificate".to_owned(),
            (Side::Local, used_as) => used_as.to_string(),
        };
        let how = match left {
            ..=0 => "has expired".to_owned(),
            1 => "ends within a day".to_owned(),
            n => format!("ends in {n} days"),
        };
        let (side, here, there) = match (fact.side, used_as) {
            (Side::Remote, _) => (
                AtFault::Remote,
                String::new(),
                "renew the certificate, install it with its chain, and load it",
            ),
            (Side::Local, CertificateUse::Authority) => (
                AtFault::Both,
                "put the CA's new certificate into `ca`, beside the old one, and reload (adit cert rotate --ca, for a CA of adit cert)".to_owned(),
                "trust the CA's new certificate too, before it issues others",
            ),
            (Side::Local, _) => (
                AtFault::Local,
                "renew it (adit cert rotate, for a CA of adit cert), then adit reload and adit rekey NAME --reauth".to_owned(),
                "",
            ),
        };
        out.push(
            view.warn(fact, side, format!("{whose} {subject} {how}"))
                .in_days(left)
                .then(match left {
                    ..=0 => "the tunnel lives on what was agreed before; it isn't set up again once it is down, or has to authenticate anew",
                    _ => "from then on the tunnel isn't set up again once it is down, or has to authenticate anew",
                })
                .fix(here)
                .fix_there(there),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;
    use adit_model::Wall;

    fn told(from: u64, until: u64) -> Vec<Forewarning> {
        let day = |n: u64| Wall(n * 86_400_000);
        let certificate = Known::Certificate {
            used_as: CertificateUse::Own,
            subject: "CN=west".to_owned(),
            not_before: day(from),
            not_after: day(until),
            now: day(100),
        };
        of(connection(), vec![certificate])
    }

    #[test]
    fn the_last_thirty_days_are_told() {
        assert!(told(1, 131).is_empty());
        let soon = told(1, 105);
        assert_eq!(causes(&soon), ["cert-expired"]);
        assert_eq!(soon[0].days, Some(5));
        assert_eq!(soon[0].side, AtFault::Local);
        assert_eq!(causes(&told(1, 99)), ["cert-expired"]);
    }

    #[test]
    fn one_of_the_future_is_told_apart() {
        assert_eq!(causes(&told(101, 500)), ["cert-not-yet-valid"]);
    }
}
