//! Stateless cookies (RFC 7296 2.6): who returns one can be reached at its address.

use core::time::Duration;

use adit_crypto::{Provider, constant_time_eq};
use adit_model::Mono;
use adit_wire::v2::IkeSpi;

use crate::head::NetPath;

/// Makes and checks cookies: `secret number | prf(secret, SPIi | address | port | Ni)`.
///
/// Secrets follow from the seed and the time, so nothing is stored: each serves for one lifetime and is accepted for
/// one more.
pub(crate) struct Cookies {
    seed: [u8; 32],
    lifetime: Duration,
}

impl Cookies {
    pub fn new(seed: [u8; 32], lifetime: Duration) -> Self {
        Self {
            seed,
            lifetime: lifetime.max(Duration::from_secs(1)),
        }
    }

    /// The cookie for an IKE_SA_INIT request with this nonce; `None` when the provider has no PRF to make one.
    pub fn make(
        &self,
        provider: &Provider,
        now: Mono,
        path: NetPath,
        spi_i: IkeSpi,
        ni: &[u8],
    ) -> Option<Vec<u8>> {
        self.with_secret(provider, self.epoch(now), path, spi_i, ni)
    }

    /// Whether `cookie` was made for this request under the present or the previous secret.
    pub fn check(
        &self,
        provider: &Provider,
        now: Mono,
        path: NetPath,
        spi_i: IkeSpi,
        ni: &[u8],
        cookie: &[u8],
    ) -> bool {
        let epoch = self.epoch(now);
        [Some(epoch), epoch.checked_sub(1)]
            .into_iter()
            .flatten()
            .filter_map(|epoch| self.with_secret(provider, epoch, path, spi_i, ni))
            .any(|expected| constant_time_eq(&expected, cookie))
    }

    fn epoch(&self, now: Mono) -> u64 {
        now.0 / u64::try_from(self.lifetime.as_nanos()).unwrap_or(u64::MAX)
    }

    fn with_secret(
        &self,
        provider: &Provider,
        epoch: u64,
        path: NetPath,
        spi_i: IkeSpi,
        ni: &[u8],
    ) -> Option<Vec<u8>> {
        let prf = provider.prf.first()?;
        let secret = prf.compute(&self.seed, &[b"cookie", &epoch.to_be_bytes()]);
        let source = path.remote.to_string();
        // The one part whose length the sender chooses comes last, behind an end mark: no two requests read alike.
        let parts: [&[u8]; 4] = [&spi_i.to_bytes(), source.as_bytes(), b"|", ni];
        let mac = prf.compute(secret.expose(), &parts);
        let number = epoch.to_be_bytes()[7];
        // A cookie has at most 64 octets; 32 are plenty.
        Some(
            core::iter::once(number)
                .chain(mac.expose().iter().copied().take(32))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cookie_fits_one_request_for_two_lifetimes() {
        let provider = adit_crypto::provider::fake(1);
        let cookies = Cookies::new([7; 32], Duration::from_secs(60));
        let path = NetPath {
            local: "192.0.2.1:500".parse().unwrap(),
            remote: "192.0.2.2:500".parse().unwrap(),
        };
        let other = NetPath {
            remote: "192.0.2.3:500".parse().unwrap(),
            ..path
        };
        let at = |s: u64| Mono(s * 1_000_000_000);
        let cookie = cookies
            .make(&provider, at(90), path, IkeSpi(5), &[1; 32])
            .unwrap();
        let check = |now, path, spi, ni: u8, cookie: &[u8]| {
            cookies.check(&provider, at(now), path, IkeSpi(spi), &[ni; 32], cookie)
        };
        assert!((1..=64).contains(&cookie.len()));
        assert!(check(90, path, 5, 1, &cookie));
        assert!(check(179, path, 5, 1, &cookie));
        assert!(!check(180, path, 5, 1, &cookie));
        assert!(!check(90, other, 5, 1, &cookie));
        assert!(!check(90, path, 6, 1, &cookie));
        assert!(!check(90, path, 5, 2, &cookie));
        assert!(!check(90, path, 5, 1, &cookie[1..]));
    }

    /// Where the nonce ends and the address begins is not for the sender to say: otherwise one host could return a
    /// cookie for another.
    #[test]
    fn a_nonce_can_not_borrow_digits_of_the_address() {
        let provider = adit_crypto::provider::fake(1);
        let cookies = Cookies::new([7; 32], Duration::from_secs(60));
        let from = |remote: &str| NetPath {
            local: "192.0.2.9:500".parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let (now, spi) = (Mono(0), IkeSpi(5));
        let (mine, other) = (from("19.51.100.1:500"), from("9.51.100.1:500"));
        let cookie = cookies
            .make(&provider, now, mine, spi, &[b'n'; 16])
            .unwrap();
        let longer = b"nnnnnnnnnnnnnnnn1";
        assert!(!cookies.check(&provider, now, other, spi, longer, &cookie));
    }
}
