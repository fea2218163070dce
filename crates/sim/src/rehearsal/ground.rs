//! Where the two gateways are, as far as their files tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::fact::Side;
use adit_model::peer_config::{PeerConnection, Place};

use super::{End, Notes, SIDES, Unplayable, index};

/// Addresses of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    /// Of their own interfaces.
    pub(super) own: [IpAddr; 2],
    /// Under which the other end sees them: not the same behind a NAT.
    pub(super) seen: [IpAddr; 2],
}

impl Ground {
    pub(super) fn behind_nat(&self, side: Side) -> bool {
        self.own[index(side)] != self.seen[index(side)]
    }
}

/// Settles the addresses.
pub(super) fn find(ends: &[End; 2], notes: &mut Notes) -> Result<Ground, Unplayable> {
    let files = ends.each_ref().map(|end| &end.connection);
    let v6 = files
        .iter()
        .flat_map(|c| addresses(&c.local.value).chain(addresses(&c.remote.value)))
        .next()
        .is_some_and(|a| a.is_ipv6());
    let mut found = [(unspecified(v6), unspecified(v6)); 2];
    for side in SIDES {
        let i = index(side);
        let (own, other) = (files[i], files[1 - i]);
        found[i] = place(side, own, other, v6, notes);
    }
    let ground = Ground {
        own: found.map(|f| f.0),
        seen: found.map(|f| f.1),
    };
    if ground.seen[0] == ground.seen[1] {
        return Err(Unplayable(format!(
            "both files say of themselves that they are at {}: they are of the same end",
            ground.seen[0]
        )));
    }
    if ground.own[0].is_ipv4() != ground.own[1].is_ipv4() {
        return Err(Unplayable(format!(
            "one end is at {} and the other at {}, which are of different families",
            ground.own[0], ground.own[1]
        )));
    }
    Ok(ground)
}

/// The address of one end, and that under which it is seen.
fn place(
    side: Side,
    own: &PeerConnection,
    other: &PeerConnection,
    v6: bool,
    notes: &mut Notes,
) -> (IpAddr, IpAddr) {
    let here: Vec<IpAddr> = addresses(&own.local.value).collect();
    let there: Vec<IpAddr> = addresses(&other.remote.value).collect();
    if let Some(both) = here.iter().find(|a| there.contains(a)) {
        return (*both, *both);
    }
    match (here.first(), there.first()) {
        (Some(own), Some(seen)) if is_private(*own) && own.is_ipv4() == seen.is_ipv4() => {
            notes.assume(
                side,
                format!(
                    "it is at {own} and the other end looks for it at {seen}: a NAT lies between"
                ),
            );
            (*own, *seen)
        }
        // The other end looks in the wrong place, or knows no place.
        (Some(own), _) => (*own, *own),
        (None, Some(seen)) => (*seen, *seen),
        (None, None) => {
            let made_up = match (side, v6) {
                (Side::Local, false) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
                (Side::Remote, false) => IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)),
                (Side::Local, true) => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1).into(),
                (Side::Remote, true) => Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2).into(),
            };
            notes.assume(
                side,
                format!("neither file has its address: it is at {made_up}"),
            );
            (made_up, made_up)
        }
    }
}

pub(super) fn addresses(places: &[Place]) -> impl Iterator<Item = IpAddr> {
    places.iter().filter_map(Place::address)
}

fn unspecified(v6: bool) -> IpAddr {
    if v6 {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}

/// Addresses that aren't routed on the internet (RFC 1918, RFC 6598, RFC 3927, RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            a.is_private()
                || a.is_link_local()
                || (a.octets()[0] == 100 && a.octets()[1] & 0xc0 == 64)
        }
        IpAddr::V6(a) => a.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::Source;
    use adit_model::peer_config::{Dialect, Setting};

    use super::*;

    fn end(local: &[&str], remote: &[&str]) -> End {
        let places = |list: &[&str]| {
            let places = list.iter().map(|a| match a.parse() {
                Ok(address) => Place::Address(address),
                Err(_) => Place::Name((*a).to_owned()),
            });
            Setting::default_of(places.collect())
        };
        let mut connection = PeerConnection::new(
            "x",
            Dialect::Swanctl,
            Source {
                name: "x".to_owned(),
                line: None,
                text: String::new(),
            },
        );
        connection.local = places(local);
        connection.remote = places(remote);
        End {
            name: "x".to_owned(),
            connection,
            own: None,
        }
    }

    fn found(a: End, b: End) -> (Ground, usize) {
        let mut notes = Notes::default();
        let ground = find(&[a, b], &mut notes).unwrap();
        (ground, notes.assumed.len())
    }

    #[test]
    fn each_file_tells_where_the_other_end_is() {
        let (ground, assumed) = found(
            end(&[], &["203.0.113.2"]),
            end(&["203.0.113.2"], &["203.0.113.1"]),
        );
        assert_eq!(
            ground.own.map(|a| a.to_string()),
            ["203.0.113.1", "203.0.113.2"]
        );
        assert_eq!((ground.own, assumed), (ground.seen, 0));
    }

    #[test]
    fn a_private_address_that_the_other_end_doesnt_know_is_behind_a_nat() {
        let (ground, assumed) = found(
            end(&["192.168.7.2"], &["203.0.113.2"]),
            end(&["203.0.113.2"], &["203.0.113.1"]),
        );
        assert!(ground.behind_nat(Side::Local) && !ground.behind_nat(Side::Remote));
        assert_eq!(ground.seen[0].to_string(), "203.0.113.1");
        assert_eq!(assumed, 1);
        // A public one is in the wrong place.
        let (ground, assumed) = found(
            end(&["203.0.113.9"], &["203.0.113.2"]),
            end(&["203.0.113.2"], &["203.0.113.1"]),
        );
        assert!(!ground.behind_nat(Side::Local) && assumed == 0);
    }

    #[test]
    fn what_no_file_has_is_made_up_and_two_files_of_one_end_are_refused() {
        let (ground, assumed) = found(end(&[], &["b.example"]), end(&[], &[]));
        assert_ne!(ground.own[0], ground.own[1]);
        assert_eq!(assumed, 2);
        let same = || end(&["203.0.113.2"], &["203.0.113.1"]);
        let refused = find(&[same(), same()], &mut Notes::default()).unwrap_err();
        assert!(refused.0.contains("same end"), "{refused}");
    }
}
