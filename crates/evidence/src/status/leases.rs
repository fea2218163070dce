//! Addresses inside the tunnel, as a listing of the clients shows them: one that two users have at the same time.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many clients of a listing are compared.
const MOST: usize = 1024;

/// Follows one listing.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// User and address.
    listed: Vec<(String, String)>,
    /// The number of the last SA that was listed.
    last: u64,
    found: bool,
}

impl Leases {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        let Some((number, user, address)) = traffic(body).or_else(|| vici(body)) else {
            // A command, whose listing may be another host's.
            let command = || body.contains("ipsec ") || body.contains("swanctl");
            if !self.listed.is_empty() && command() {
                *self = Self {
                    found: self.found,
                    ..Self::default()
                };
            }
            return;
        };
        // A listing counts up; below the last number another one begins.
        if number.is_some_and(|number| number <= self.last) {
            self.listed.clear();
        }
        self.last = number.unwrap_or(self.last);
        let other = self
            .listed
            .iter()
            .find(|(other, same)| same == address && other != user);
        if let Some((other, _)) = other.filter(|_| !self.found) {
            self.found = true;
            let values = [
                ("address", address),
                ("of", "lease"),
                ("one", other.as_str()),
                ("other", user),
            ];
            facts.push(sign(place(), Sign::AddressDuplicate, &values));
        }
        if self.listed.len() < MOST {
            self.listed.push((user.to_owned(), address.to_owned()));
        }
    }
}

/// `006 #14: "road"[3] 203.0.113.9, username=bert, type=ESP, …, lease=10.30.0.10/32`
fn traffic(body: &str) -> Option<(Option<u64>, &str, &str)> {
    let (before, lease) = body.split_once(" lease=")?;
    let (head, user) = before.split_once(" username=")?;
    let number = head.split_once('#')?.1.split(':').next()?.parse().ok()?;
    let user = user.split(',').next()?;
    let address = lease.split(['/', ',', ' ']).next()?;
    (!user.is_empty() && !address.is_empty()).then_some((Some(number), user, address))
}

/// `remote 'phone' @ 203.0.113.9[4500] EAP: 'bert' [10.3.0.1]`
fn vici(body: &str) -> Option<(Option<u64>, &str, &str)> {
    let rest = body.strip_prefix("remote '")?;
    let (identity, rest) = rest.split_once("' @ ")?;
    let (rest, address) = rest.strip_suffix(']')?.rsplit_once(" [")?;
    address.parse::<core::net::IpAddr>().ok()?;
    let user = ["EAP: '", "XAuth: '"]
        .iter()
        .find_map(|kind| rest.split_once(kind))
        .map_or(identity, |(_, user)| user.trim_end_matches('\''));
    Some((None, user, address))
}
