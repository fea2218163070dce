//! `both-ends-passive`: we wait for the peer to begin, and it never has.

use adit_model::ahead::Ahead as Known;
use adit_model::connection::{Remote, Start};

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "both-ends-passive",
    judge,
};

/// Seconds after which a peer that has a will would have begun.
const LONG: u64 = 60;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    // Who waits for any peer waits for somebody who may be asleep.
    let waits = view
        .connection
        .is_some_and(|c| c.start == Start::Passive && c.remote != Remote::Any);
    for (fact, known) in view.all() {
        if let Known::Waiting {
            ever_up: false,
            for_s,
        } = known
            && waits
            && *for_s >= LONG
        {
            out.push(
                view.warn(fact, AtFault::Both, format!("we only answer (`start` is \"passive\"), and the peer hasn't begun in {for_s} s"))
                    .then("if the peer only answers too, the tunnel never comes up")
                    .fix("start = \"auto\" or \"on-demand\" here, if the peer doesn't begin")
                    .fix_there("let the connection begin (strongSwan: start_action = start; Libreswan: auto=start)"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    #[test]
    fn who_waits_long_and_in_vain_is_told() {
        let told = |start, remote: Option<Remote>, ever_up, for_s| {
            let mut c = connection();
            c.start = start;
            c.remote = remote.unwrap_or(c.remote);
            causes(&of(c, vec![Known::Waiting { ever_up, for_s }]))
        };
        assert_eq!(told(Start::Passive, None, false, 61), ["both-ends-passive"]);
        assert!(told(Start::Passive, None, false, 59).is_empty());
        assert!(told(Start::Passive, None, true, 9000).is_empty());
        assert!(told(Start::Auto, None, false, 9000).is_empty());
        assert!(told(Start::Passive, Some(Remote::Any), false, 9000).is_empty());
    }
}
