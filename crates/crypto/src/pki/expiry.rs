//! How near the end of a certificate is, and what there is to show of it.

use core::fmt;

use adit_model::Wall;
use adit_model::certificate::CertificateDetail;

use super::Cert;

/// How near the end of a certificate is, or that it isn't valid at all. Later variants are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Its end is more days away than were asked for.
    Good,
    /// It ends within so many days: one of [`Expiry::STEPS`], or as many as were asked for.
    Within(u32),
    /// It isn't valid yet.
    NotYet,
    /// Its end has passed.
    Expired,
}

impl Expiry {
    /// Days before its end at which a certificate's expiry is told with more weight.
    pub const STEPS: [u32; 4] = [30, 14, 7, 1];
}

/// `ok`, the days, `not-yet-valid` or `expired`.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expiry::Good => f.write_str("ok"),
            Expiry::Within(days) => days.fmt(f),
            Expiry::NotYet => f.write_str("not-yet-valid"),
            Expiry::Expired => f.write_str("expired"),
        }
    }
}

impl Cert {
    /// How near its end is at the time `now`, told from `within` days before it on.
    #[must_use]
    pub fn expiry(&self, now: Wall, within: u32) -> Expiry {
        if now > self.not_after() {
            return Expiry::Expired;
        }
        if now < self.not_before() {
            return Expiry::NotYet;
        }
        let left = self.not_after().0 - now.0;
        let steps = Expiry::STEPS.into_iter().rev().filter(|s| *s <= within);
        steps
            .chain([within])
            .find(|days| left <= u64::from(*days) * DAY)
            .map_or(Expiry::Good, Expiry::Within)
    }

    /// Days that are left, the begun one included; 0 or less when it has expired.
    #[must_use]
    pub fn days_left(&self, now: Wall) -> i64 {
        let signed = |at: Wall| i64::try_from(at.0).unwrap_or(i64::MAX);
        -(signed(now) - signed(self.not_after())).div_euclid(DAY.cast_signed())
    }

    /// What there is to show of it at the time `now`.
    #[must_use]
    pub fn detail(&self, now: Wall) -> CertificateDetail {
        let extensions = self.extensions();
        CertificateDetail {
            subject: self.subject().to_string(),
            issuer: self.issuer().to_string(),
            serial: self.serial_text(),
            names: extensions.names.iter().map(ToString::to_string).collect(),
            not_before: self.not_before().to_string(),
            not_after: self.not_after().to_string(),
            days_left: self.days_left(now),
            expiry: self.expiry(now, Expiry::STEPS[0]).to_string(),
            authority: self.is_authority(),
            key: match self.key() {
                Ok(key) => key.kind().to_string(),
                Err(reason) => reason.to_string(),
            },
            sha256: self.sha256().iter().map(|b| format!("{b:02x}")).collect(),
        }
    }
}

const DAY: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pki::issue::{Template, self_signed};
    use crate::pki::{NewKey, SigningKey};
    use crate::provider::fake;

    #[test]
    fn the_end_of_a_certificate_is_told_in_steps() {
        let random = fake(1).random;
        let (key, _) = SigningKey::generate(NewKey::P256, &*random).unwrap();
        let at = |days: u64| Wall(1_790_000_000_000 + days * DAY);
        let template = Template::authority("CN=gw".parse().unwrap(), at(10), at(100));
        let cert = self_signed(&key, &template, &*random).unwrap();
        for (day, expiry, left) in [
            (9, Expiry::NotYet, 91),
            (10, Expiry::Good, 90),
            (69, Expiry::Good, 31),
            (70, Expiry::Within(30), 30),
            (86, Expiry::Within(14), 14),
            (93, Expiry::Within(7), 7),
            (99, Expiry::Within(1), 1),
            (101, Expiry::Expired, -1),
        ] {
            assert_eq!(cert.expiry(at(day), 30), expiry, "day {day}");
            assert_eq!(cert.days_left(at(day)), left, "day {day}");
        }
        assert_eq!(cert.expiry(at(50), 60), Expiry::Within(60));
        assert_eq!(cert.expiry(at(80), 10), Expiry::Good);
        let shown = cert.detail(at(93));
        assert_eq!((shown.expiry.as_str(), shown.days_left), ("7", 7));
        assert_eq!(shown.subject, "CN=gw");
        assert!(shown.authority);
    }
}
