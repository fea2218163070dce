//! `pfs-mismatch-at-rekey`, before the first rekey: one was tried, and refused for its proposal or its key exchange.

use adit_model::ahead::TrialOutcome;

use super::rekey_refused::{refusal, trials, when};
use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "pfs-mismatch-at-rekey",
    judge,
};

/// Notifies by which a peer says that it takes no such key exchange.
pub(super) const NOTIFIES: [&str; 2] = ["NO_PROPOSAL_CHOSEN", "INVALID_KE_PAYLOAD"];

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, child, outcome) in trials(view) {
        let how = match outcome {
            TrialOutcome::RefusedByPeer { notify, offered }
                if NOTIFIES.contains(&notify.as_str()) =>
            {
                format!("the peer answered {notify} to {offered}")
            }
            TrialOutcome::RefusedByUs { why } => format!("we refused what the peer asked ({why})"),
            _ => continue,
        };
        let (here, there) = (
            format!(
                "set the same PFS group in `esp` of child {child} as the peer has, or none on both sides"
            ),
            "set the same PFS group (DH group of phase 2) as the other side has, or none on both sides",
        );
        out.push(
            refusal(view, fact, child, AtFault::Both, format!("{child} can't be rekeyed: {how}; the first pair of SAs was made in IKE_AUTH, where no group is compared"))
                .then(format!("the tunnel goes on with the keys that it has and dies at its first rekey, {}", when(view, child)))
                .fix(here)
                .fix_there(there),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn trial(outcome: TrialOutcome) -> Vec<Forewarning> {
        let child = "lan".to_owned();
        of(
            connection(),
            vec![adit_model::ahead::Ahead::Trial { child, outcome }],
        )
    }

    fn by_peer(notify: &str) -> Vec<Forewarning> {
        trial(TrialOutcome::RefusedByPeer {
            notify: notify.to_owned(),
            offered: "aes256gcm16-x25519".to_owned(),
        })
    }

    #[test]
    fn what_a_trial_was_refused_for_is_what_the_first_rekey_will_be() {
        for notify in NOTIFIES {
            let found = by_peer(notify);
            assert_eq!(causes(&found), ["pfs-mismatch-at-rekey"]);
            assert_eq!(found[0].child.as_deref(), Some("lan"));
            assert!(
                found[0].consequence.contains("3600 s"),
                "{}",
                found[0].consequence
            );
        }
        let ours = trial(TrialOutcome::RefusedByUs {
            why: "no proposal in common".to_owned(),
        });
        assert_eq!(causes(&ours), ["pfs-mismatch-at-rekey"]);
    }

    #[test]
    fn a_trial_that_passed_is_nothing() {
        assert!(trial(TrialOutcome::Passed).is_empty());
        assert!(trial(TrialOutcome::Unanswered).is_empty());
    }

    #[test]
    fn another_refusal_has_another_cause() {
        assert_eq!(causes(&by_peer("TS_UNACCEPTABLE")), ["ts-changed-at-rekey"]);
        assert_eq!(causes(&by_peer("NO_ADDITIONAL_SAS")), ["no-additional-sas"]);
        assert_eq!(causes(&by_peer("INVALID_SYNTAX")), ["rekey-refused"]);
    }
}
