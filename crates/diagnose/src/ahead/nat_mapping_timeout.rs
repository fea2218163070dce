//! `nat-mapping-timeout`: something translates our public address, and the tunnel depends on how long it remembers that.
//!
//! A NAT before a private address is what everybody expects, and a peer behind one, or that says so to have ESP in UDP, is as common:
//! neither is told.

use adit_model::ahead::Ahead as Known;

use super::addresses::is_private;
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "nat-mapping-timeout",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Nat {
            local,
            remote,
            local_behind: true,
            ..
        } = known
        else {
            continue;
        };
        if !is_private(*local) {
            out.push(
                view.warn(fact, AtFault::Path, format!("something translates our public address {local} on the way to {remote}"))
                    .note()
                    .then("nothing, while keepalives or packets pass: the tunnel depends on the translator's memory, and where nothing passes for half a minute or so, the peer can't reach us until we send")
                    .fix("where this host or a firewall of yours masquerades everything, except UDP 500, UDP 4500 and protocol 50 (adit probe NAME quotes such rules of this host)"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(local: [u8; 4], behind: (bool, bool), in_udp: bool) -> Vec<String> {
        let known = Known::Nat {
            local: local.into(),
            remote: [192, 0, 2, 2].into(),
            local_behind: behind.0,
            remote_behind: behind.1,
            peer_supports: true,
            in_udp,
            packets_out: 0,
            packets_in: 0,
        };
        causes(&of(connection(), vec![known]))
    }

    #[test]
    fn a_nat_before_a_public_address_is_told_of() {
        let (public, private) = ([192, 0, 2, 1], [192, 168, 1, 1]);
        let expected = ["(nat-mapping-timeout)"];
        assert_eq!(told(public, (true, false), true), expected);
        assert_eq!(told(public, (true, true), true), expected);
        for behind in [(true, false), (true, true)] {
            assert!(told(private, behind, true).is_empty(), "as it is meant");
        }
    }

    /// A peer in a cloud with a public address before it, one that forces encapsulation, and us who do so on purpose.
    #[test]
    fn a_peer_behind_a_nat_and_encapsulation_on_purpose_are_nothing() {
        for local in [[192, 0, 2, 1], [192, 168, 1, 1]] {
            assert!(told(local, (false, true), true).is_empty());
            assert!(told(local, (false, false), true).is_empty());
            assert!(told(local, (false, false), false).is_empty());
        }
    }
}
