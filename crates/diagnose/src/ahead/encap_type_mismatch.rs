//! `encap-type-mismatch`: ESP travels in UDP and needn't, or a NAT is where none was to be expected.

use std::net::IpAddr;

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "encap-type-mismatch",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Nat {
            local,
            remote,
            local_behind,
            remote_behind,
            peer_supports,
            forced,
        } = known
        else {
            continue;
        };
        if *local_behind && !is_private(*local) {
            out.push(
                view.warn(fact, AtFault::Path, format!("something translates our public address {local} on the way to {remote}"))
                    .note()
                    .then("ESP travels in UDP, and the tunnel depends on the translator's memory: where nothing passes for half a minute or so, the peer can't reach us until we send (a keepalive does)")
                    .fix("where this host or a firewall of yours masquerades everything, except UDP 500, UDP 4500 and protocol 50 (adit probe NAME quotes such rules of this host)"),
            );
        }
        if *remote_behind && expects_itself(view, *remote) {
            out.push(
                view.warn(fact, AtFault::Remote, format!("the peer has another address by itself than {remote}, which is configured, or it says so to have ESP in UDP"))
                    .note()
                    .then("ESP travels in UDP. Behind a NAT the peer is reached as long as UDP 500 and 4500 are led to it, which its administrator has to know; we can begin only then")
                    .fix_there("lead UDP 500 and 4500 to the gateway, or let the gateway set the tunnel up; where nothing is translated, leave the forced encapsulation (strongSwan: encap = no)"),
            );
        }
        if *forced && *peer_supports && !(*local_behind || *remote_behind) {
            out.push(
                view.warn(fact, AtFault::Local, "`force_encap` puts ESP into UDP, and there is no NAT on the path")
                    .note()
                    .then("each packet is 8 octets longer, and the peer takes us for somebody behind a NAT; where plain ESP passes, it isn't needed")
                    .fix("force_encap = false, unless something on the way stops protocol 50"),
            );
        }
    }
}

/// Whether the peer is configured by this address, and it is a public one.
fn expects_itself(view: &View<'_>, remote: IpAddr) -> bool {
    use adit_model::connection::Remote;
    let configured = view.connection.map(|c| &c.remote);
    matches!(configured, Some(Remote::Address(address)) if *address == remote)
        && !is_private(remote)
}

/// Whether an address isn't routed in the Internet.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(local: [u8; 4], behind: (bool, bool), forced: bool) -> Vec<String> {
        let known = Known::Nat {
            local: local.into(),
            remote: [192, 0, 2, 2].into(),
            local_behind: behind.0,
            remote_behind: behind.1,
            peer_supports: true,
            forced,
        };
        causes(&of(connection(), vec![known]))
    }

    #[test]
    fn a_nat_before_a_public_address_and_one_that_is_only_said_are_told_of() {
        let (public, private) = ([192, 0, 2, 1], [192, 168, 1, 1]);
        assert!(told(public, (false, false), false).is_empty());
        assert_eq!(
            told(public, (true, false), false),
            ["(encap-type-mismatch)"]
        );
        assert!(
            told(private, (true, false), false).is_empty(),
            "as it is meant"
        );
        assert_eq!(
            told(private, (true, true), false),
            ["(encap-type-mismatch)"]
        );
        assert_eq!(
            told(public, (false, false), true),
            ["(encap-type-mismatch)"]
        );
        assert!(told(private, (true, false), true).is_empty());
    }
}
