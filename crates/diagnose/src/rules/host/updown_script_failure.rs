//! `updown-script-failure`: the script for a tunnel that goes up fails.

use adit_model::complaint::Complaint;
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "updown-script-failure",
    recurs: false,
    page: Page {
        title: "The script for a tunnel that goes up fails",
        what: "When a tunnel comes up or goes down the daemon runs a script that sets routes, addresses and rules of the firewall. The script fails: a command isn't there, a rule or route is refused, or the script itself can't be run. pluto then gives the tunnel up; charon keeps it without what the script should have set.",
        initiator: "The tunnel is up and no route or rule is there; or the SA is deleted right after it came up.",
        responder: "The same.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Does the log show the script's error?",
            ),
            (
                "selinux-apparmor-or-caps",
                "Is the script denied something?",
            ),
        ],
        fix: &[
            (
                "any",
                "Run the command that failed by hand, mend what it complains of.",
            ),
            (
                "linux",
                "Install what it calls (iptables, iproute2, nft), or use a script without it; exit status 126 is *not executable*, 127 *not found*.",
            ),
            (
                "libreswan",
                "`leftupdown` names the script; the default, `ipsec _updown`, needs iproute2. `plutodebug=all` logs its output.",
            ),
            (
                "strongswan",
                "`updown` in the child; /etc/strongswan.d/charon/updown.conf.",
            ),
        ],
        source: "ipsec.conf(5), leftupdown",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["selinux-apparmor-or-caps"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = best(s) else {
        return closes(s);
    };
    let mut what = seen.value("command").unwrap_or("the script").to_owned();
    if let Some(problem) = seen.value("problem") {
        what.push_str(": ");
        what.push_str(match problem {
            "127" => "status 127, a command wasn't found",
            "126" => "status 126, it can't be run",
            other => other,
        });
    }
    // What the script would have added is there from before.
    let there = s
        .signs_of(Sign::UpdownFailed)
        .all(|x| x.value("problem") == Some("File exists"));
    if s.up && there {
        return Judgement::Possible {
            weight: 30,
            because: format!(
                "the script that {} runs for the tunnel finds what it would add",
                seen.who()
            ),
            separated_by: "whether the route or address that is there is the right one (ip route, ip addr), and whether traffic passes",
        };
    }
    // What passes has its routes and rules.
    let passes = s.carried(Side::Local).is_some_and(|c| c.both())
        || s.inner_echo(true).is_some()
        || s.complains(Complaint::SmallPasses).is_some()
        || s.complains(Complaint::LargeFails).is_some()
        || s.complains(Complaint::Slow).is_some();
    if s.up && passes && s.unanswered().is_none() {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "the script that {} runs for the tunnel remarks on something, and traffic passes: {what}",
                seen.who()
            ),
            separated_by: "which route or rule is missing, and what needs it",
        };
    }
    Found::by(
        seen,
        COUNTED,
        format!("the script that {} runs for the tunnel fails: {what}", seen.who()),
    )
    .with(s.signs_of(Sign::UpdownFailed).map(|x| x.fact).take(4))
    .because("The exchange succeeded; what failed is what the script should have set on this host.")
    .fix("run the script's command by hand and mend what it complains of (a program that isn't installed, a route or rule that is refused, the script's mode)")
    .then("the script's output in the log")
    .done()
}

/// The line that says most.
fn best<'a>(s: &Signals<'a>) -> Option<Seen<'a>> {
    let said = |x: &Seen<'a>| {
        ["command", "problem"]
            .iter()
            .filter(|n| x.value(n).is_some())
            .count()
    };
    s.signs_of(Sign::UpdownFailed).max_by_key(said)
}

/// A script of another program closes the tunnel.
fn closes(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ClosedByScript) else {
        return Judgement::Silent;
    };
    let by = seen.value_or("by", "another program");
    if !s.calm() {
        return Judgement::Possible {
            weight: 45,
            because: format!("a script of {by} told the daemon to close the tunnel"),
            separated_by: "what the script is meant to close, and what it names",
        };
    }
    Found::by(
        seen,
        SYMPTOM,
        format!("a script that {by} runs at {} closes the tunnel", seen.who()),
    )
    .because("The daemon was told to close it over its control socket, at once after a line of that program: neither the peer nor the network ended it.")
    .fix(format!("read the script that {by} runs, and have it close only the SAs of the peer that it is about; a newer version of the product may do so already"))
    .then("the script with its own output (set -x), and whom it names to the daemon")
    .done()
}
