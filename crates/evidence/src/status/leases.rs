//! Addresses inside the tunnel, as a listing of the clients shows them: one that two users have at the same time.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many clients of a listing are compared.
const MOST: usize = 1024;

/// A client of a listing.
#[derive(Debug)]
struct Client {
    /// Its user, in small letters.
    user: String,
    /// Where it is, where that tells clients apart.
    host: Option<String>,
}

/// Follows one listing.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// By address.
    listed: BTreeMap<String, Client>,
    /// The SA that is being listed isn't one that carries traffic.
    leaving: bool,
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
        if self.found {
            return;
        }
        let body = line.body.trim();
        let vici = || vici(body).filter(|_| !self.leaving);
        let Some(lease) = traffic(body).or_else(vici) else {
            if let Some((_, state)) = body.split_once(": #") {
                self.leaving = !state.contains(", ESTABLISHED,");
            }
            // Below it another listing may stand, of another time or host.
            if !self.listed.is_empty() && !goes_on(body) {
                self.listed.clear();
            }
            return;
        };
        let user = lease.user.to_lowercase();
        if let Some(other) = self.listed.get(lease.address) {
            let one = other.host.is_some() && other.host.as_deref() == lease.host;
            if other.user != user && !one {
                self.found = true;
                let values = [
                    ("address", lease.address),
                    ("of", "lease"),
                    ("one", other.user.as_str()),
                    ("other", lease.user),
                ];
                facts.push(sign(place(), Sign::AddressDuplicate, &values));
            }
        } else if self.listed.len() < MOST {
            let host = lease.host.map(ToOwned::to_owned);
            let client = Client { user, host };
            self.listed.insert(lease.address.to_owned(), client);
        }
    }
}

/// What a line of a listing tells of a client.
struct Lease<'t> {
    user: &'t str,
    host: Option<&'t str>,
    address: &'t str,
}

/// Whether the line belongs to a listing of SAs: `rw: #7, ESTABLISHED, …`, and the lines below it, which have no sentence.
fn goes_on(body: &str) -> bool {
    let head = body
        .split_once(": #")
        .is_some_and(|(name, _)| !name.contains(' '));
    let below = [
        "local ",
        "remote ",
        "established ",
        "installed ",
        "in ",
        "out ",
    ];
    let algorithms = !body.contains(' ') && body.contains('/');
    head || algorithms || below.iter().any(|word| body.starts_with(word))
}

/// `006 #14: "road"[3] 203.0.113.9, username=bert, type=ESP, …, lease=10.30.0.10/32`
///
/// Clients behind one NAT have the same outer address.
fn traffic(body: &str) -> Option<Lease<'_>> {
    let rest = body.strip_prefix("006 #")?;
    let (before, lease) = rest.split_once(" lease=")?;
    let user = before.split_once(" username=")?.1.split(',').next()?;
    let address = lease.split(['/', ',', ' ']).next()?;
    (!user.is_empty() && !address.is_empty()).then_some(Lease {
        user,
        host: None,
        address,
    })
}

/// `remote 'phone' @ 203.0.113.9[4500] EAP: 'bert' [10.3.0.1]`
fn vici(body: &str) -> Option<Lease<'_>> {
    let rest = body.strip_prefix("remote '")?;
    let (identity, rest) = rest.split_once("' @ ")?;
    let (rest, address) = rest.strip_suffix(']')?.rsplit_once(" [")?;
    address.parse::<core::net::IpAddr>().ok()?;
    let user = ["EAP: '", "XAuth: '"]
        .iter()
        .find_map(|kind| rest.split_once(kind))
        .map_or(identity, |(_, user)| user.trim_end_matches('\''));
    Some(Lease {
        user,
        host: rest.split('[').next(),
        address,
    })
}
