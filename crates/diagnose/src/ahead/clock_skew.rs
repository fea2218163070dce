//! `clock-skew`: our clock is wrong, and certificates are compared with it.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "clock-skew",
    judge,
};

/// Milliseconds from which on a clock is called wrong.
const WRONG_MS: i64 = 60_000;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let (how, source) = match known {
            Known::Clock { offset_ms, source } if offset_ms.saturating_abs() >= WRONG_MS => {
                let how = if *offset_ms > 0 { "ahead of" } else { "behind" };
                (
                    format!("{} s {how}", offset_ms.saturating_abs() / 1000),
                    source.clone(),
                )
            }
            Known::RevocationList {
                issuer,
                this_update,
                now,
                ..
            } if this_update.0.saturating_sub(now.0) >= WRONG_MS.unsigned_abs() => {
                let behind = this_update.0.saturating_sub(now.0) / 1000;
                let source = format!("the moment when {issuer} signed its revocation list");
                (format!("at least {behind} s behind"), source)
            }
            _ => continue,
        };
        out.push(
            view.warn(fact, AtFault::Local, format!("our clock is {how} {source}"))
                .then("certificates and revocation lists are taken to be valid, or not, at the wrong time, on this side only")
                .fix("set the clock and keep it by NTP (timedatectl set-ntp true; chronyc makestep)"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    #[test]
    fn a_minute_is_too_much() {
        let told = |offset_ms| {
            let source = "http://ca.example".to_owned();
            causes(&of(connection(), vec![Known::Clock { offset_ms, source }]))
        };
        assert!(told(-59_000).is_empty());
        assert_eq!(told(-61_000), ["clock-skew"]);
        assert_eq!(told(61_000), ["clock-skew"]);
    }
}
