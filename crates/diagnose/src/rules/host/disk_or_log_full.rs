//! `disk-or-log-full`: a file system is full.

use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "disk-or-log-full",
    recurs: false,
    page: Page {
        title: "A file system is full",
        what: "What the daemon or its tools write has no room: configuration, logs, revocation lists, its data base of keys. It then starts with half a configuration, or not at all.",
        initiator: "Odd failures after a change or a restart.",
        responder: "The same.",
        look_alikes: &[(
            "service-crash-loop",
            "Is the error *No space left on device*?",
        )],
        fix: &[
            (
                "any",
                "Make room, and keep it: rotate logs, limit their level.",
            ),
            ("linux", "`df -h; df -i`; `journalctl --vacuum-size=200M`."),
        ],
        source: "errno(3), ENOSPC",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::DiskFull) else {
        return Judgement::Silent;
    };
    // Beside a failure with an end of its own, where other programs' files are.
    let tunnels = s
        .signs_of(Sign::DiskFull)
        .any(|x| x.value("of") == Some("tunnels"));
    if !tunnels && !s.calm() {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "a file system of {} is full, where another program writes",
                seen.who()
            ),
            separated_by: "whether it holds files of the daemon too: `df -h` of /etc, /var/lib and /run",
        };
    }
    Found::by(
        seen,
        COUNTED,
        match seen.value("path") {
            Some(path) => format!("a file system of {} is full: {path}", seen.who()),
            None => format!("a file system of {} is full", seen.who()),
        },
    )
    .because("What couldn't be written is missing: configuration, keys, revocation lists or the log itself.")
    .fix("make room on the file system, then load the configuration again")
    .then("`df -h; df -i`")
    .done()
}
