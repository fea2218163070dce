//! `selinux-apparmor-or-caps`: something is denied to the daemon.

use adit_model::complaint::Complaint;
use adit_model::fact::Known;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, CONFIGURED, SAID};
use crate::kernel_answer::{Answer, error, refusals};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "selinux-apparmor-or-caps",
    recurs: false,
    page: Page {
        title: "Something is denied to the daemon",
        what: "A profile of AppArmor, a policy of SELinux, a missing capability (a container without NET_ADMIN), a user that isn't root, or the rights of a file keep the daemon from its sockets, keys, scripts or the kernel.",
        initiator: "The daemon doesn't start, or finds no key, or can't install an SA.",
        responder: "The same.",
        look_alikes: &[
            (
                "private-key-missing",
                "Is the file there, and may the daemon read it?",
            ),
            (
                "kernel-module-or-algo-missing",
                "Is the kernel's error *not permitted*, or *not supported*?",
            ),
            ("updown-script-failure", "Is it the script's own error?"),
        ],
        fix: &[
            ("any", "Allow what was denied, and nothing more."),
            (
                "linux",
                "AppArmor: add the path to /etc/apparmor.d/local/usr.lib.ipsec.charon (or usr.sbin.swanctl), then `apparmor_parser -r`. SELinux: `ausearch -m avc -ts recent`, `restorecon -Rv /etc/ipsec.d /etc/swanctl`, `audit2allow` for the rest.",
            ),
            (
                "docker",
                "`--cap-add NET_ADMIN --cap-add NET_RAW` (and `--device /dev/net/tun` for kernel-libipsec); a profile of the host named after the daemon's path holds in containers too.",
            ),
            (
                "kubernetes",
                "securityContext.capabilities.add: [NET_ADMIN, NET_RAW].",
            ),
        ],
        source: "capabilities(7), apparmor(7), ipsec_selinux(8)",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let of_a_log = |x: &Seen<'_>| x.value("of") == Some("log");
    let of_daemon = |x: &Seen<'_>| !of_a_log(x) && !of_user(x);
    let spared = s
        .signs_of(Sign::Denied)
        .filter(|x| of_daemon(x) && did_without(s, *x))
        .last();
    let missed = s
        .signs_of(Sign::Denied)
        .filter(|x| of_daemon(x) && !did_without(s, *x))
        .last();
    if let Some(seen) = missed {
        let what = match (seen.value("operation"), seen.value("path")) {
            (Some(operation), Some(path)) => {
                format!("{} {path}", operation.trim_matches(['{', '}', ' ']))
            }
            (Some(one), None) | (None, Some(one)) => one.trim_matches(['{', '}', ' ']).to_owned(),
            (None, None) => "a right that it needs".to_owned(),
        };
        return Found::by(
            seen,
            // Much is denied that a daemon can do without: beside a failure that says why, it says less.
            if s.calm() { SAID } else { CONFIGURED },
            format!("the daemon of {} isn't allowed what it needs: {what}", seen.who()),
        )
        .with(s.signs_of(Sign::Denied).filter(of_daemon).map(|x| x.fact).take(4))
        .because("The host, its profile or the container's rights deny it; the configuration of the tunnel may be right.")
        .fix(FIX)
        .then("`ausearch -m avc -ts recent`, `dmesg | grep -i denied`, and the capabilities in /proc/PID/status")
        .done();
    }
    if let Some(seen) = spared {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "something was denied to the daemon of {}, which went on without it: {}",
                seen.who(),
                seen.value_or("path", "what isn't told")
            ),
            separated_by: "whether the attempt ends in the same way when it is allowed",
        };
    }
    if let Some(seen) = s.signs_of(Sign::Denied).filter(of_a_log).last() {
        return log_alone(s, seen);
    }
    let refused = refusals(s);
    let refusal = refused.iter().find(|r| r.answer == Answer::Denied);
    let Some(seen) = refusal
        .map(|r| r.why.unwrap_or(r.what))
        .or_else(|| error(s, Answer::Denied))
    else {
        return match s.signs_of(Sign::Denied).filter(of_user).last() {
            Some(seen) if s.complains(Complaint::WorksWithoutConfinement).is_none() => {
                Judgement::Possible {
                    weight: 10,
                    because: format!(
                        "a command was typed at {} without the rights for it",
                        seen.who()
                    ),
                    separated_by: "what the same command says to root",
                }
            }
            _ => tried(s),
        };
    };
    Found::by(
        seen,
        SAID,
        format!(
            "the kernel of {} doesn't let the daemon do its work: {}",
            seen.who(),
            seen.value_or("errno", "the operation isn't permitted")
        ),
    )
    .with(refusal.map(|r| r.what.fact))
    .because("The kernel refuses for want of the capability NET_ADMIN.")
    .fix(FIX)
    .then("the capabilities in /proc/PID/status")
    .done()
}

/// Who was denied it is a user, and not the daemon.
fn of_user(seen: &Seen<'_>) -> bool {
    seen.value("by") == Some("user")
}

/// Whether it is something that has no part in keys, configuration or packets, and the daemon went on to an exchange after
/// it was denied.
fn did_without(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    const MATTERS: [&str; 24] = [
        "ipsec", "swan", "charon", "pluto", "racoon", "iked", "isakmpd", "whack", "addconn",
        "updown", "key", "cert", "crl", "secret", "pki", "ssl", "nss", ".pem", ".p12", ".der",
        ".db", "tun", "/net/", "xfrm",
    ];
    let foreign = seen
        .value("path")
        .is_some_and(|path| path.len() > 2 && !MATTERS.iter().any(|part| path.contains(part)));
    // What answers for clients in the LAN, which most gateways load and don't use.
    let for_clients = matches!(seen.value("operation"), Some("DHCP" | "ARP"));
    (foreign || for_clients) && (s.ran_later(seen) || for_clients && !s.calm())
}

/// A log may not be written. The daemon does the same without it; a command that it starts, whose output the log is, may
/// not. So it is a verdict only where a command's refusal is all that is shown.
fn log_alone(s: &Signals<'_>, seen: Seen<'_>) -> Judgement {
    let alone = s
        .case
        .facts
        .iter()
        .all(|f| matches!(f.what, Known::Sign { sign, .. } if sign == Sign::Denied));
    if !alone || is_of_the_daemon(&seen.fact.source.text) {
        return Judgement::Possible {
            weight: 8,
            because: "a log of the daemon may not be written, without which it does the same"
                .to_owned(),
            separated_by: "what else is denied: `ausearch -m avc -ts recent`",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!(
            "a program of the tunnel at {} may not write its log",
            seen.who()
        ),
    )
    .because("The host's policy denies it. By itself that breaks no tunnel; a script that can't print may fail of it.")
    .fix(FIX)
    .then("`ausearch -m avc -ts recent`")
    .done()
}

/// Whether an audit record names the daemon itself as the one that writes.
fn is_of_the_daemon(record: &str) -> bool {
    const DAEMONS: [&str; 5] = ["charon", "pluto", "starter", "racoon", "iked"];
    let of = |name: &str| DAEMONS.iter().any(|daemon| name.starts_with(daemon));
    let writer = record
        .split_once("comm=")
        .map(|(_, rest)| rest.trim_start_matches('"'));
    let prevented = record
        .split_once("SELinux is preventing ")
        .and_then(|(_, rest)| rest.split(' ').next()?.rsplit('/').next());
    writer.or(prevented).is_some_and(of)
}

/// Somebody switched it off, and that helped.
fn tried(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WorksWithoutConfinement) {
        Some(told) if s.calm() => Found::on(
            told,
            CONDITION,
            AtFault::Local,
            "it works once SELinux or AppArmor is off: it denies the daemon what it needs",
        )
        .because("Somebody switched it off, and it worked.")
        .fix(FIX)
        .then("`ausearch -m avc -ts recent` or `dmesg | grep -i denied` while it is on")
        .done(),
        _ => Judgement::Silent,
    }
}

const FIX: &str = "allow it: the path in the AppArmor profile, the label in SELinux, CAP_NET_ADMIN (and CAP_NET_RAW, CAP_NET_BIND_SERVICE) for the container or service, or the owner and mode of the file";
