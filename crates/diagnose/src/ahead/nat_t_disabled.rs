//! `nat-t-disabled`: addresses make one expect a NAT, and the peer can't get through one.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "nat-t-disabled",
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
        let expected = super::encap_type_mismatch::is_private(*local)
            && !super::encap_type_mismatch::is_private(*remote);
        if !peer_supports && expected && !forced {
            out.push(
                view.warn(fact, AtFault::Remote, format!("the peer doesn't do NAT traversal, and our private address {local} can't reach {remote} without a NAT, unless the line between the two is a private one"))
                    .then("ESP (protocol 50) has no ports that a NAT could tell apart: it may pass one way, for one tunnel, or not at all, while IKE looks well")
                    .fix("force_encap = true puts ESP into UDP whatever the peer says, if it takes that")
                    .fix_there("switch NAT traversal on"),
            );
        } else if *peer_supports && expected && !(*local_behind || *remote_behind) {
            out.push(
                view.warn(fact, AtFault::Path, format!("no NAT was found between our private address {local} and {remote}, where one was to be expected"))
                    .note()
                    .then("nothing, where the line is a private one or the provider carries private addresses; ESP goes as protocol 50, which filters on the way have to let pass")
                    .fix("adit probe NAME says whether ESP passes; force_encap = true puts it into UDP"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(local: &str, peer_supports: bool, local_behind: bool) -> Vec<String> {
        let known = Known::Nat {
            local: local.parse().unwrap_or_else(|_| panic!("{local}")),
            remote: [192, 0, 2, 2].into(),
            local_behind,
            remote_behind: false,
            peer_supports,
            forced: false,
        };
        causes(&of(connection(), vec![known]))
    }

    #[test]
    fn a_nat_that_nobody_sees_is_told_of() {
        assert_eq!(told("10.0.0.1", false, false), ["nat-t-disabled"]);
        assert_eq!(told("10.0.0.1", true, false), ["(nat-t-disabled)"]);
        assert!(told("10.0.0.1", true, true).is_empty(), "as it should be");
        assert!(told("192.0.2.1", true, false).is_empty());
        assert!(told("192.0.2.1", false, false).is_empty());
    }
}
