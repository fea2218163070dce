//! `config-not-persistent`: the configuration lives where a reboot loses it.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "config-not-persistent",
    recurs: false,
    page: Page {
        title: "The configuration is lost when the host restarts",
        what: "On live images, SmartOS, or routers with a running and a saved configuration, what isn't saved or copied to a persistent place is gone after a reboot.",
        initiator: "Down after a reboot; rules and policies are empty.",
        responder: "Nothing, or clear traffic from the rebooted side.",
        look_alikes: &[("no-autostart-after-reboot", "Is the configuration there?")],
        fix: &[
            ("any", "Save it."),
            ("vyos", "`save` after `commit`"),
            ("cisco", "`copy running-config startup-config`"),
            (
                "illumos",
                "keep copies in /opt/custom/etc/ipsec and restore them at boot",
            ),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ConfigVolatile) else {
        return Judgement::Silent;
    };
    // Many leave without saving; what isn't saved is in force until the router restarts.
    let unsaved = seen.fact.source.text.contains("not been saved");
    let restarted = s
        .complains(Complaint::AfterRestart)
        .filter(|told| !is_of_the_other(&told.source.text));
    if unsaved && (restarted.is_none() || s.up) {
        return Judgement::Possible {
            weight: 35,
            because: format!(
                "changes of the configuration of {} weren't saved",
                seen.who()
            ),
            separated_by: "whether the router restarted since, and what its configuration holds now",
        };
    }
    Found::by(
        seen,
        CONDITION,
        "the configuration is on storage that doesn't outlive a restart",
    )
    .with(restarted)
    .because("After a reboot the daemon starts without it.")
    .fix("save the configuration to a persistent place and have it restored at boot")
    .done()
}

/// Whether a sentence may tell of a restart at the other end, which loses nothing here.
fn is_of_the_other(sentence: &str) -> bool {
    let told = sentence.to_ascii_lowercase();
    [
        "remote", "other ", "peer", "their", "far ", "branch", "customer", "provider", "isp",
    ]
    .iter()
    .any(|who| told.contains(who))
}
