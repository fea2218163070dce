//! `template-or-yaml-error`: a deployment couldn't make the configuration.

use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "template-or-yaml-error",
    recurs: false,
    page: Page {
        title: "A deployment couldn't make the configuration",
        what: "The tool that writes the gateway's configuration (a BOSH template, Ansible, Helm) stops at its own input: a list that isn't one, a variable that isn't set, YAML that doesn't parse. The gateway keeps its old configuration, or has none.",
        initiator: "The deployment fails; there is no tunnel.",
        responder: "The same.",
        look_alikes: &[
            ("daemon-not-running", "Does the deployment report an error?"),
            (
                "config-syntax-rejected",
                "Who complains: the tool that writes the file, or the daemon that reads it?",
            ),
        ],
        fix: &[
            (
                "any",
                "Mend the input that the error names, and deploy again.",
            ),
            (
                "pcf",
                "`ca_certificates` and the like must be YAML lists: `- |` before each certificate.",
            ),
        ],
        source: "the tool's own error",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::TemplateBroken) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        SAID,
        format!(
            "the configuration of {} couldn't be made from its template: {}",
            seen.who(),
            seen.value("problem").or_else(|| seen.value("path")).unwrap_or(seen.said())
        ),
    )
    .because("The deployment stopped before it wrote the gateway's configuration.")
    .fix("mend the value that the error names (a list where a list is expected, a variable that is set, YAML that parses), and deploy again")
    .done()
}
