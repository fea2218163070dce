//! `overlapping-subnets`: a network of the peer's is connected here as well, or is another tunnel's too.

use adit_model::ahead::Ahead as Known;
use adit_model::connection::{Child, Mode, Remote};
use adit_model::selector::Selector;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "overlapping-subnets",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let Some(connection) = view.connection else {
        return;
    };
    // What goes to the peer itself is host to host; where its address isn't written, any one host may be it.
    let is_peer = |ts: &Selector| match connection.remote {
        Remote::Address(address) => *ts == Selector::host(address),
        Remote::Name(_) | Remote::Any => ts.start == ts.end,
    };
    // Addresses that are given to peers may be of a network here.
    let gives = !connection.inner.pools.is_empty();
    for (fact, known) in view.all() {
        match known {
            Known::Network { net, device } => {
                let at_home = connection
                    .children
                    .iter()
                    .flat_map(|child| child.remote_ts.iter().map(move |ts| (child, ts)))
                    // A wider network means what lies beyond.
                    .find(|(child, ts)| {
                        let between_hosts = child.mode == Mode::Transport || is_peer(ts);
                        net.contains(ts) && !between_hosts && !gives
                    });
                if let Some((child, ts)) = at_home {
                    out.push(
                        view.warn(fact, AtFault::Both, format!("the peer's network {ts} lies in {net}, which {device} is connected to here"))
                            .of_child(&child.name)
                            .then("hosts of that network are looked for here, and not behind the tunnel, by this host and by those beside it")
                            .fix(CHANGE)
                            .fix_there(CHANGE),
                    );
                }
            }
            Known::Neighbour {
                tunnel,
                child: other,
                ts_local,
                ts_remote,
            } if connection.interface.is_none() => {
                let both = |child: &&Child| {
                    meet(&child.local_ts, ts_local) && meet(&child.remote_ts, ts_remote)
                };
                if let Some(child) = connection.children.iter().find(both) {
                    out.push(
                        view.warn(fact, AtFault::Local, format!("{tunnel}/{other} takes traffic of {} too", child.name))
                            .of_child(&child.name)
                            .note()
                            .then("packets that both take go to the one that is written first, also while that one is down")
                            .fix("give each of them networks of its own, or write the narrower one first"),
                    );
                }
            }
            _ => {}
        }
    }
}

const CHANGE: &str = "renumber one site, or translate both networks one to one into ranges of their own and use those in the selectors";

fn meet(one: &[Selector], other: &[Selector]) -> bool {
    one.iter()
        .any(|a| other.iter().any(|b| a.intersect(b).is_some()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, net, of};
    use super::*;

    fn connected(text: &str) -> Vec<String> {
        let network = Known::Network {
            net: net(text),
            device: "lan0".to_owned(),
        };
        causes(&of(connection(), vec![network]))
    }

    #[test]
    fn a_network_that_is_here_too_is_told() {
        assert_eq!(connected("10.2.0.0/24"), ["overlapping-subnets"]);
        assert_eq!(connected("10.2.0.0/16"), ["overlapping-subnets"]);
        assert!(connected("10.1.0.0/24").is_empty());
        assert!(
            connected("10.2.0.0/28").is_empty(),
            "the wider one is beyond"
        );
    }

    #[test]
    fn the_peer_itself_may_be_beside_us() {
        let mut c = connection();
        c.children[0].remote_ts = vec![net("192.0.2.2/32")];
        let network = Known::Network {
            net: net("192.0.2.0/24"),
            device: "wan".to_owned(),
        };
        assert!(of(c.clone(), vec![network.clone()]).is_empty());
        c.remote = Remote::Name("east.lab".to_owned());
        assert!(of(c.clone(), vec![network.clone()]).is_empty());
        c.remote = Remote::Any;
        c.children[0].remote_ts = vec![net("192.0.2.128/25")];
        assert_eq!(
            causes(&of(c.clone(), vec![network.clone()])),
            ["overlapping-subnets"]
        );
        c.inner.pools = vec!["lan".to_owned()];
        assert!(of(c, vec![network]).is_empty());
    }

    #[test]
    fn two_tunnels_with_the_same_networks_are_a_note() {
        let told = |local: &str, remote: &str| {
            let neighbour = Known::Neighbour {
                tunnel: "branch".to_owned(),
                child: "lan".to_owned(),
                ts_local: vec![net(local)],
                ts_remote: vec![net(remote)],
            };
            causes(&of(connection(), vec![neighbour]))
        };
        assert_eq!(
            told("10.1.0.0/16", "10.2.0.128/25"),
            ["(overlapping-subnets)"]
        );
        assert!(told("10.9.0.0/16", "10.2.0.0/24").is_empty());
    }
}
