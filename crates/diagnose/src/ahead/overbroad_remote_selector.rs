//! `overbroad-remote-selector`: the tunnel catches the way on which this host is managed.

use adit_model::ahead::Ahead as Known;
use adit_model::connection::Child;
use adit_model::selector::Selector;
use std::net::IpAddr;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "overbroad-remote-selector",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let Some(connection) = view.connection else {
        return;
    };
    for (fact, known) in view.all() {
        let Known::Management {
            address,
            local,
            what,
            inside,
            route_bits,
        } = known
        else {
            continue;
        };
        let caught = |child: &&Child| {
            let ours = local.is_none_or(|local| holds(&child.local_ts, local).is_some());
            let bits = holds(&child.remote_ts, *address);
            // A route of this host's own that says more wins.
            ours && bits.is_some_and(|bits| *route_bits <= bits)
        };
        let Some(child) = connection.children.iter().find(caught) else {
            continue;
        };
        let networks: Vec<String> = child.remote_ts.iter().map(ToString::to_string).collect();
        let networks = networks.join(", ");
        let whose = match what.as_str() {
            "ssh" => format!("{address}, from which somebody is logged in"),
            "gateway" => format!("{address}, by which this host reaches everything else"),
            other => format!("{address} ({other})"),
        };
        if *inside {
            out.push(
                view.warn(
                    fact,
                    AtFault::Local,
                    format!("{whose}, is reached through this tunnel"),
                )
                .of_child(&child.name)
                .note()
                .then("what takes the tunnel down, or changes it, cuts that way off")
                .fix("change it with adit apply, which takes back what nobody confirms"),
            );
        } else {
            out.push(
                view.warn(fact, AtFault::Local, format!("the tunnel's remote networks ({networks}) hold {whose}"))
                    .of_child(&child.name)
                    .then("with the tunnel packets to there go to the peer, or are stopped while it is down: this host can't be reached from there any more")
                    .fix(format!("name only the peer's networks in `remote_net` of child {}, or let {address} pass before all tunnels: [policy.management] with action = \"bypass\"", child.name)),
            );
        }
    }
}

/// The leading bits of the network that holds the address.
fn holds(selectors: &[Selector], address: IpAddr) -> Option<u8> {
    let host = Selector::host(address);
    // A tunnel for some protocol only doesn't catch a login, unless it is that one.
    let catches =
        |s: &&Selector| (s.protocol == 0 || s.protocol == 6) && s.intersect(&host).is_some();
    let nets = selectors.iter().filter(catches).flat_map(Selector::nets);
    nets.filter(|net| net.contains(&address))
        .map(|net| net.prefix_len())
        .max()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(address: [u8; 4], local: Option<[u8; 4]>, route_bits: u8, inside: bool) -> Vec<String> {
        let management = Known::Management {
            address: address.into(),
            local: local.map(Into::into),
            what: "ssh".to_owned(),
            inside,
            route_bits,
        };
        causes(&of(connection(), vec![management]))
    }

    #[test]
    fn a_login_from_the_peers_network_is_caught_unless_a_route_says_more() {
        let here = Some([10, 1, 0, 1]);
        assert_eq!(
            told([10, 2, 0, 9], here, 0, false),
            ["overbroad-remote-selector"]
        );
        assert_eq!(
            told([10, 2, 0, 9], None, 24, false),
            ["overbroad-remote-selector"]
        );
        assert!(told([10, 2, 0, 9], here, 25, false).is_empty());
        assert!(told([10, 3, 0, 9], here, 0, false).is_empty());
        assert!(told([10, 2, 0, 9], Some([192, 0, 2, 1]), 0, false).is_empty());
        assert_eq!(
            told([10, 2, 0, 9], here, 0, true),
            ["(overbroad-remote-selector)"]
        );
    }
}
