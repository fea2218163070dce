//! The LAN hosts: they know nothing of IPsec and just ask each other for an echo.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use adit_kernel::netns::NetNs;
use adit_kernel::ping::{PingOptions, PingOutcome, ping};
use anyhow::{Context, Result};

/// How a series of echo requests ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echoes {
    /// Requests sent.
    pub sent: u32,
    /// Replies.
    pub answered: u32,
    /// Fastest round trip.
    pub best: Option<Duration>,
}

impl Echoes {
    /// Both series as one.
    pub fn and(self, other: Echoes) -> Echoes {
        Echoes {
            sent: self.sent + other.sent,
            answered: self.answered + other.answered,
            best: self.best.into_iter().chain(other.best).min(),
        }
    }

    /// Whether every request was answered.
    pub fn all(self) -> bool {
        self.sent > 0 && self.answered == self.sent
    }
}

/// Sends `count` echo requests from a host to each of `targets`, waiting up to `patience` for each answer.
pub fn echo(host: &NetNs, targets: &[&str], count: u32, patience: Duration) -> Result<Echoes> {
    let targets: Vec<IpAddr> = targets
        .iter()
        .map(|t| t.parse().with_context(|| format!("the plan's address {t}")))
        .collect::<Result<_>>()?;
    host.run(|| {
        let mut echoes = Echoes::default();
        let options = PingOptions {
            timeout: patience,
            ..PingOptions::default()
        };
        for target in targets.iter().cycle().take(targets.len() * count as usize) {
            let began = Instant::now();
            echoes.sent += 1;
            // A request that can't even leave is one without an answer.
            if let Ok(PingOutcome::Reply { rtt }) = ping(*target, &options) {
                echoes.answered += 1;
                echoes.best = Some(echoes.best.map_or(rtt, |best| best.min(rtt)));
            } else {
                std::thread::sleep(
                    patience
                        .saturating_sub(began.elapsed())
                        .min(Duration::from_millis(50)),
                );
            }
        }
        Ok(echoes)
    })?
}
