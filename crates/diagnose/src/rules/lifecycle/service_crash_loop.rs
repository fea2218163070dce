//! `service-crash-loop`: the IKE daemon crashes or is killed, and is started again.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "service-crash-loop",
    recurs: true,
    page: Page {
        title: "The IKE daemon crashes and is started again",
        what: "The daemon aborts, is killed for want of memory, or fails at each start. Every tunnel goes with it, without a delete, and comes back with it.",
        initiator: "All tunnels drop together; the status shows a short uptime.",
        responder: "New IKE_SA_INITs from all peers at once.",
        look_alikes: &[
            ("underlay-loss-or-flap", "Does one peer drop, or do all?"),
            (
                "implementation-bug",
                "Does a line name a failed assertion or a fault in the program?",
            ),
            ("daemon-not-running", "Is it started again?"),
        ],
        fix: &[
            (
                "any",
                "Read the last lines before the restart and the core dump; update the daemon; give it memory.",
            ),
            (
                "linux",
                "`journalctl -u strongswan -u ipsec`, `coredumpctl list`, `dmesg | grep -i -E 'oom|segfault'`",
            ),
        ],
        source: "RFC 7296 2.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["implementation-bug"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const SEVERAL: usize = 2;
    let mut crashes = s.ever(Sign::DaemonKilled);
    crashes.extend(s.ever(Sign::DaemonCrashed));
    // A debugger looks at daemons that live, too.
    crashes.retain(|x| x.value("of") != Some("debugger"));
    let restarts = s.ever(Sign::DaemonRestarts);
    let Some(seen) = crashes.last().or(restarts.last()) else {
        return Judgement::Silent;
    };
    let problem = seen
        .value("problem")
        .map(|p| format!(": {p}"))
        .unwrap_or_default();
    let often = crashes.len().max(restarts.len()) >= SEVERAL;
    // One end, by a supervisor perhaps, and a daemon that works again and fails for another reason.
    if !often && seen.sign == Sign::DaemonKilled && s.ran_later(*seen) && !s.calm() {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "the IKE daemon at {} was ended once, and ran again",
                seen.who()
            ),
            separated_by: "whether it ends again and again: `journalctl -u strongswan -u ipsec`",
        };
    }
    let kernels = crashes.iter().all(|x| x.value("part") == Some("kernel"));
    if kernels && restarts.is_empty() && s.refused_or_told() {
        return Judgement::Possible {
            weight: 20,
            because: format!(
                "the kernel of {} broke, and IKE went both ways after it",
                seen.who()
            ),
            separated_by: "whether the host was started again, and what the daemon's log says then",
        };
    }
    Found::by(
        *seen,
        if often || !restarts.is_empty() { SAID } else { COUNTED },
        format!("the IKE daemon at {} crashes{problem}", seen.who()),
    )
    .with(crashes.iter().chain(&restarts).map(|x| x.fact))
    .because("With the daemon all of its tunnels go, and no delete tells the peers.")
    .fix("read the daemon's last lines before the crash and its core dump, update it, and see that it has enough memory")
    .then("coredumpctl list; dmesg | grep -iE 'oom|segfault'")
    .done()
}
