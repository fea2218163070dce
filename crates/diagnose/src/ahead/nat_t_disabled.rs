//! `nat-t-disabled`: addresses make one expect a NAT, the peer can't get through one, and nothing comes in.
//!
//! NAT traversal is optional (RFC 7296 2.23), and a private line carries private addresses: a tunnel that carries packets both ways is
//! well, and one that has had nothing to carry isn't known to be otherwise.

use adit_model::ahead::Ahead as Known;

use super::addresses::is_private;
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "nat-t-disabled",
    judge,
};

/// Packets that have left without any that came in, from which on that tells something.
const ENOUGH: u64 = 20;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Nat {
            local,
            remote,
            peer_supports: false,
            in_udp: false,
            packets_out,
            packets_in: 0,
            ..
        } = known
        else {
            continue;
        };
        let expected = is_private(*local) && !is_private(*remote);
        if expected && *packets_out >= ENOUGH {
            out.push(
                view.warn(fact, AtFault::Remote, format!("{packets_out} packets have left in ESP and none has come in; the peer doesn't do NAT traversal, and our private address {local} can't reach {remote} without a NAT, unless the line between the two is a private one"))
                    .then("ESP (protocol 50) has no ports that a NAT could tell apart: it may pass one way, for one tunnel, or not at all, while IKE looks well")
                    .fix("adit probe NAME says whether ESP passes; without NAT traversal there, this side needs an address that nothing translates")
                    .fix_there("switch NAT traversal on"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(local: &str, peer_supports: bool, packets: (u64, u64)) -> Vec<String> {
        let known = Known::Nat {
            local: local.parse().unwrap_or_else(|_| panic!("{local}")),
            remote: [192, 0, 2, 2].into(),
            local_behind: false,
            remote_behind: false,
            peer_supports,
            in_udp: false,
            packets_out: packets.0,
            packets_in: packets.1,
        };
        causes(&of(connection(), vec![known]))
    }

    #[test]
    fn a_nat_that_nobody_sees_and_nothing_comes_through_is_told_of() {
        assert_eq!(told("10.0.0.1", false, (20, 0)), ["nat-t-disabled"]);
        assert!(told("192.0.2.1", false, (20, 0)).is_empty());
    }

    /// A private line, a peer with NAT traversal off on purpose, registered addresses that are used privately.
    #[test]
    fn a_tunnel_that_works_or_has_nothing_to_do_is_told_of_nothing() {
        for packets in [(0, 0), (19, 0), (500, 1), (500, 400), (0, 400)] {
            assert!(told("10.0.0.1", false, packets).is_empty(), "{packets:?}");
        }
        for packets in [(0, 0), (500, 0), (500, 400)] {
            assert!(told("10.0.0.1", true, packets).is_empty(), "{packets:?}");
        }
    }
}
