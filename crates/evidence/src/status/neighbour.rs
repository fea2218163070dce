//! Hardware addresses: those of the host's own interfaces, and those that it, or another host, knows of neighbours.

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;

use super::fact;
use crate::reading::Place;
use crate::text::Line;

/// So many are kept.
const KEPT: usize = 64;

/// The interface whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    own: Option<String>,
    kept: usize,
}

impl Neighbours {
    /// The next line: `link/ether MAC`, `inet A/B`, `A dev eth0 lladdr MAC REACHABLE`, `? (A) at MAC [ether] on eth0`,
    /// `Internet  A  12  MAC  ARPA  Vlan10`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        let begins = ["link/ether ", "ether ", "inet ", "Internet "]
            .iter()
            .any(|head| body.starts_with(head));
        let tells = begins
            || body.contains(" lladdr ")
            || body.contains(") at ")
            || body.contains("> mtu ");
        if !tells {
            return;
        }
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        let told = match words.as_slice() {
            ["link/ether", hardware, ..] | ["ether", hardware, ..] => {
                self.own = mac(hardware);
                None
            }
            ["inet", address, ..] => {
                let address = address.split('/').next().unwrap_or(address);
                self.own.clone().map(|m| (address.to_owned(), m, true))
            }
            [address, "dev", _, "lladdr", hardware, ..] => {
                mac(hardware).map(|m| ((*address).to_owned(), m, false))
            }
            [_, address, "at", hardware, ..] if address.starts_with('(') => {
                mac(hardware).map(|m| (address.trim_matches(['(', ')']).to_owned(), m, false))
            }
            ["Internet", address, _, hardware, "ARPA", ..] => {
                mac(hardware).map(|m| ((*address).to_owned(), m, false))
            }
            _ => {
                // The next interface.
                self.own = None;
                None
            }
        };
        let Some((address, hardware, own)) = told else {
            return;
        };
        if address.parse::<std::net::IpAddr>().is_err() || self.kept >= KEPT {
            return;
        }
        self.kept += 1;
        let state = Box::new(HostState::Hardware {
            address,
            hardware,
            own,
        });
        facts.push(fact(place(), Known::Host { state }));
    }
}

/// A hardware address as twelve digits, whatever stands between them.
fn mac(word: &str) -> Option<String> {
    let digits: String = word
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.'))
        .collect();
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| digits.to_ascii_lowercase())
}
