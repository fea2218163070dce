//! Policies that exempt traffic, against the tunnels that should carry it, as strongSwan's status lists both.

use std::collections::BTreeSet;
use std::net::IpAddr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// The networks of both sides of a policy.
type Pair = (Vec<(IpAddr, u8)>, Vec<(IpAddr, u8)>);

/// Exemptions and tunnels seen so far.
#[derive(Debug, Default)]
pub(crate) struct Shunts {
    exempt: Vec<(String, Pair, Place)>,
    tunnels: Vec<(String, Pair)>,
    /// Tunnels that packets were sent through: whatever exempts, it isn't their traffic.
    carrying: BTreeSet<String>,
}

impl Shunts {
    /// The next line: `name:  A === B PASS`, `name:   child:  A === B TUNNEL`, `name{1}:   A === B`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if let Some((name, counters)) = body.split_once('{')
            && let Some((head, _)) = counters.split_once(" bytes_o")
            && head.rsplit([' ', ',']).next().is_some_and(|n| n != "0")
        {
            self.carrying.insert(name.trim().to_owned());
        }
        let Some((left, right)) = body.split_once(" === ") else {
            return;
        };
        let Some((name, left)) = left.split_once(": ") else {
            return;
        };
        let ours = networks(left.trim_start_matches(" child:"));
        let theirs = networks(right);
        if ours.is_empty() || theirs.is_empty() {
            return;
        }
        let policy = format!("{} === {}", left.trim(), right.trim());
        if body.ends_with(" PASS") {
            self.exempt.push((policy, (ours, theirs), place()));
        } else if body.contains(" TUNNEL") || name.contains('{') {
            let name = name.split('{').next().unwrap_or(name).trim();
            self.tunnels.push((name.to_owned(), (ours, theirs)));
        }
    }

    /// The exemptions that cover all that a tunnel is for.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        for (policy, exempt, place) in &self.exempt {
            let covered = self
                .tunnels
                .iter()
                .filter(|(name, _)| !self.carrying.contains(name))
                .find(|(_, tunnel)| within(&tunnel.0, &exempt.0) && within(&tunnel.1, &exempt.1));
            if let Some((name, _)) = covered {
                facts.push(sign(
                    place.clone(),
                    Sign::BypassInstalled,
                    &[("policy", policy.as_str()), ("tunnel", name.as_str())],
                ));
            }
        }
    }
}

/// The networks in a part of a line; ports and protocols behind them are left out.
fn networks(text: &str) -> Vec<(IpAddr, u8)> {
    text.split_whitespace()
        .filter_map(|word| {
            let (address, bits) = word.split('[').next()?.split_once('/')?;
            Some((address.parse().ok()?, bits.parse().ok()?))
        })
        .collect()
}

/// Whether each inner network is part of an outer one.
fn within(inner: &[(IpAddr, u8)], outer: &[(IpAddr, u8)]) -> bool {
    inner.iter().all(|(address, bits)| {
        outer.iter().any(|(of, width)| {
            width <= bits
                && match (address, of) {
                    (IpAddr::V4(a), IpAddr::V4(b)) => {
                        let shift = 32_u32.saturating_sub(u32::from(*width));
                        u64::from(a.to_bits()) >> shift == u64::from(b.to_bits()) >> shift
                    }
                    (IpAddr::V6(a), IpAddr::V6(b)) => {
                        let shift = 128_u32.saturating_sub(u32::from(*width));
                        shift == 128 || a.to_bits() >> shift == b.to_bits() >> shift
                    }
                    _ => false,
                }
        })
    })
}
