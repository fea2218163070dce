//! `no-autostart-after-reboot`: nobody starts the tunnel after the host came up.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "no-autostart-after-reboot",
    recurs: false,
    page: Page {
        title: "The tunnel, or its service, isn't started at boot",
        what: "A service that isn't enabled, or a connection that is only added (auto=add, no start action), stays down after a reboot until somebody starts it.",
        initiator: "Nothing: no attempt in the log after boot.",
        responder: "Nothing arrives from the rebooted side.",
        look_alikes: &[
            (
                "both-ends-passive",
                "Does each side leave starting to the other?",
            ),
            ("daemon-not-running", "Did it start and stop again?"),
        ],
        fix: &[
            ("any", "Enable the service; let one side start or trap."),
            ("linux", "`systemctl enable --now strongswan` or `ipsec`"),
            (
                "strongswan",
                "`start_action = start|trap`; ipsec.conf: `auto=start|route`",
            ),
            ("libreswan", "`auto=start|ondemand`"),
            ("illumos", "`svcadm enable svc:/network/ipsec/ike:default`"),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["daemon-not-running"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ServiceDisabled) else {
        return Judgement::Silent;
    };
    if s.sign(Sign::DaemonNotRunning).is_none() {
        return Judgement::Possible {
            weight: 20,
            because: format!(
                "the service isn't started at boot: {}",
                seen.fact.source.text
            ),
            separated_by: "whether the trouble began with a reboot",
        };
    }
    Found::by(seen, CONDITION, "the IKE service isn't enabled: after a reboot nobody starts it")
        .because("It is disabled and doesn't run.")
        .fix("enable the service at boot and start it (systemctl enable --now …; svcadm enable ipsec/ike)")
        .done()
}
