//! `config-line-lost`: a line of the configuration was lost.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "config-line-lost",
    recurs: false,
    page: Page {
        title: "A line of the configuration was lost",
        what: "A command was cut or misspelt when it was typed or pasted (`et security …` for `set security …`); the router refused it, everything else went on, and the setting is silently absent.",
        initiator: "Authentication fails, or the peer isn't known, though the line is in the notes.",
        responder: "The same.",
        look_alikes: &[
            ("id-mismatch", "Is the line in the running configuration?"),
            (
                "config-syntax-rejected",
                "Was one command refused, or the whole file?",
            ),
        ],
        fix: &[
            (
                "any",
                "Enter the line again, and compare the running configuration with the intended one line by line.",
            ),
            (
                "vyatta",
                "`show configuration commands | match ipsec`, `compare`.",
            ),
            ("cisco-ios", "`show running-config | section crypto`."),
            ("juniper", "`show | compare` before commit."),
        ],
        source: "the router's own answer to the command",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // What isn't misspelt was refused for what it asks.
    let lost = |seen: &Seen<'_>| seen.value("algorithm").is_none();
    let Some(seen) = s.signs_of(Sign::CommandNotTaken).filter(lost).last() else {
        return between_versions(s);
    };
    Found::by(
        seen,
        COUNTED,
        match seen.value("command") {
            Some(command) => format!("a line of the configuration of {} wasn't taken: {command}", seen.who()),
            None => format!("a line of the configuration of {} wasn't taken", seen.who()),
        },
    )
    .with(s.signs_of(Sign::CommandNotTaken).filter(lost).map(|x| x.fact).take(3))
    .because("The router refused the command and kept the rest, so the setting isn't there.")
    .fix("enter the line again as the router understands it, and compare the running configuration with the intended one")
    .then("the running configuration of both sides")
    .done()
}

/// Two versions of the file are compared, and one merely lacks lines.
fn between_versions(s: &Signals<'_>) -> Judgement {
    let lost: Vec<_> = s.signs_of(Sign::ConfigLineMissing).collect();
    let Some(seen) = lost.last() else {
        return Judgement::Silent;
    };
    let setting = seen.value_or("setting", "a setting");
    Found::by(
        *seen,
        SYMPTOM,
        format!("one version of the configuration of {} lacks `{setting}`, which the other has", seen.who()),
    )
    .with(lost.iter().map(|x| x.fact).take(3))
    .because("Nothing stands in the place of the line, so the product's default is in force there.")
    .fix("put the line back, and find out what writes the file without it (a generator, an upgrade, a start)")
    .then("compare the file with the running configuration after a restart")
    .done()
}
