//! `clock-skew`: the clock of a side is wrong.

use adit_model::fact::Side;
use adit_model::reason::CertificateProblem;
use adit_model::sign::Sign;

use super::chain::consequences;
use super::validity::{Validity, validity};
use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "clock-skew",
    recurs: false,
    page: Page {
        title: "The clock of a gateway is wrong",
        what: "Without a battery-backed clock or NTP a gateway starts in 1970 or at the time of its firmware. Good certificates and revocation lists then look expired or not yet valid.",
        initiator: "Certificates fail on one side only, often right after a reboot, and later work without any change.",
        responder: "A certificate is refused as \"not yet valid\" though it was made long ago; the times of the log are off.",
        look_alikes: &[
            ("cert-expired", "Is the certificate valid at the true time?"),
            ("cert-not-yet-valid", "Was the certificate made just now?"),
        ],
        fix: &[
            (
                "any",
                "Set the clock (`date -u` on both sides) and keep it by NTP that is reachable without the tunnel.",
            ),
            (
                "linux",
                "`timedatectl set-ntp true`; `chronyc tracking`. systemd: order the daemon after time-sync.target.",
            ),
        ],
        source: "RFC 5280 6.1.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = everybodys(s) {
        return found.done();
    }
    let off = s
        .signs_of(Sign::CertificateOutsideValidity)
        .filter(|seen| validity(s, *seen) == Validity::ClockWrong)
        .last();
    if let Some(seen) = off {
        return Found::by(
            seen,
            COUNTED,
            format!(
                "the clock of {} is wrong: by its log the certificate isn't valid for a long time yet",
                seen.who()
            ),
        )
        .with(consequences(s))
        .because("Certificates are hardly ever issued long before they begin. The time of this line lies far before the certificate's begin, so it is the clock that is wrong.")
        .fix("set the clock and keep it by NTP (date -u; timedatectl; chronyc tracking)")
        .done();
    }
    let clock = s.sign(Sign::ClockWrong);
    let refused = [
        Sign::CertificateOutsideValidity,
        Sign::CertificateNotYetValid,
        Sign::CertificateExpired,
    ]
    .iter()
    .find_map(|sign| s.sign(*sign));
    match (clock, refused) {
        (Some(clock), Some(refused)) if clock.side() == refused.side() => Found::by(
            clock,
            COUNTED + 0.08,
            format!(
                "the clock of {} was wrong when it judged the certificate",
                clock.who()
            ),
        )
        .with([refused.fact])
        .because("The host says itself that its clock was off, and the certificate was refused for its time.")
        .fix("set the clock and keep it by NTP (timedatectl; chronyc tracking), then start the tunnel again")
        .done(),
        (_, Some(refused))
            if s.signs_of(Sign::ClockUnsynchronised)
                .any(|x| x.side() == refused.side()) =>
        {
            Judgement::Possible {
                weight: 55,
                because: "a certificate is refused for its time, and nothing keeps the clock right that judged it".to_owned(),
                separated_by: "date -u on the side that refuses, beside the certificate's dates",
            }
        }
        (_, Some(_)) => Judgement::Possible {
            weight: 20,
            because: "a clock that is wrong makes a good certificate look expired or not yet valid"
                .to_owned(),
            separated_by: "date -u on the side that refuses",
        },
        _ => Judgement::Silent,
    }
}

/// By the clock of our side the peer's certificate is out of its time, and so is our own, in the same direction: rather
/// than both being, the clock is wrong.
fn everybodys(s: &Signals<'_>) -> Option<Found> {
    let (early, refused) = [
        (false, CertificateProblem::Expired),
        (true, CertificateProblem::NotYetValid),
    ]
    .into_iter()
    .find_map(|(early, problem)| {
        let bad = super::chain::bad(s, &[], problem)?;
        (bad.verifier == Side::Local).then_some((early, bad.fact))
    })?;
    let (dated, now) = super::printed::clock(s).filter(|(f, _)| f.side == Side::Local)?;
    let (own, certificate) = s.certificates().find(|(fact, c)| {
        let out = match early {
            true => c.from.is_some_and(|from| from > now),
            // Certificates that were issued on one day end on one day; but somebody sees to it within weeks.
            false => c.until.is_some_and(|until| until.0 + LONG_AGO < now.0),
        };
        fact.side == Side::Local && !c.authority && out
    })?;
    let how = if early { "behind" } else { "ahead" };
    Some(
        Found::on(
            own,
            COUNTED,
            AtFault::Local,
            format!("our clock is {how}: by it neither the peer's certificate nor our own {} is valid", certificate.subject),
        )
        .with([refused, dated])
        .because(if early {
            "Our own certificate lies on this host, so it was issued before now; by this host's clock it begins later."
        } else {
            "By this host's clock both sides' certificates ended long ago. One that ended is noticed within days; it is more likely that the clock is wrong."
        })
        .fix("set the clock and keep it by NTP (date -u; timedatectl; chronyc tracking)")
        .then("date -u, beside another host's"),
    )
}

/// In milliseconds: 60 days.
const LONG_AGO: u64 = 60 * 86_400_000;
