//! `daemon-not-running`: the IKE daemon of one side is stopped, crashed or never started.

use adit_model::event::PathProblem;
use adit_model::fact::{Known, Side};
use adit_model::listed::Stage;
use adit_model::sign::Sign;

use crate::complaint::complained;
use crate::finding::{CONDITION, COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "daemon-not-running",
    recurs: false,
    page: Page {
        title: "The IKE daemon of one side doesn't run",
        what: "The host is there and nobody listens on UDP 500: the service is stopped, crashed, or failed to start, perhaps for an error in its configuration.",
        initiator: "ICMP port unreachable from the peer's own address; or silence, where the host or a filter keeps such errors to itself.",
        responder: "No daemon, so no log. `ss -ulpn` shows nobody on 500 and 4500.",
        look_alikes: &[
            (
                "udp500-blocked",
                "ICMP port unreachable, or silence? And from the peer itself, or from a filter on the way that rejects?",
            ),
            ("peer-unreachable", "Does the peer's host answer an echo?"),
        ],
        fix: &[
            (
                "any",
                "Read the service's last log, repair what stopped it, start it, and enable it at boot.",
            ),
            ("adit", "`adit run -c FILE`, or `systemctl start adit`."),
            (
                "strongswan",
                "`systemctl enable --now strongswan`, then `swanctl --load-all`.",
            ),
            ("libreswan", "`systemctl enable --now ipsec`."),
            ("illumos", "`svcadm enable ipsec/ike`, `svcs -x`."),
        ],
        source: "RFC 792; RFC 4443 3.1; RFC 7296 2.4",
    },
    needs: &[Need::Echo, Need::PeerDaemon],
    depends_on: &[
        "port-500-in-use",
        "implementation-bug",
        "service-crash-loop",
        "config-syntax-rejected",
        "overlapping-subnets",
        "cert-san-mismatch",
        "plugin-missing",
        "selinux-apparmor-or-caps",
        "kernel-module-or-algo-missing",
        "template-or-yaml-error",
        "disk-or-log-full",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::DaemonNotRunning).filter(|x| !kept_out(s, *x)) {
        // A daemon that refused something, or whose peer did, ran: it may have been stopped since.
        let ours = s.refused.iter().any(|r| r.side == seen.side());
        if ours || !s.told.is_empty() || s.sign(Sign::AuthenticationRefusedByPeer).is_some() {
            return Judgement::Possible {
                weight: 40,
                because: format!(
                    "the daemon of {} doesn't run now; when something was refused, it did",
                    seen.who()
                ),
                separated_by: "whether the daemon was stopped by hand, and what its last lines say",
            };
        }
        // One of several units with an IKE daemon; another one's has the tunnel up.
        let listed = s.case.facts.iter().any(|f| {
            let up = matches!(&f.what, Known::Listed { sa } if sa.stage == Stage::Up);
            f.side == seen.side() && up
        });
        if (s.up || listed) && seen.fact.source.text.contains(".service is masked") {
            return Judgement::Possible {
                weight: 20,
                because: format!("a unit of {} is masked", seen.who()),
                separated_by: "which unit it is whose daemon holds the tunnel",
            };
        }
        // What an administrator switched off may be meant so.
        if seen.fact.source.text.contains("State: disabled") && !complained(s) {
            return Judgement::Possible {
                weight: 40,
                because: format!("an IKE service of {} is disabled", seen.who()),
                separated_by: "which of the IKE services is used there (`svcs -a | grep ike`), and who disabled it",
            };
        }
        // Tools and systemd speak of a start that didn't succeed; a later one did.
        if s.ran_later(seen) || runs_now(s, seen) {
            return Judgement::Possible {
                weight: 30,
                because: format!("the daemon of {} didn't run for a while", seen.who()),
                separated_by: "whether it runs now, and what its last lines say",
            };
        }
        // A container that is stopped or begins fails a probe or two; Kubernetes counts what goes on (`x12 over 5m`).
        let text = &seen.fact.source.text;
        if text.contains("probe failed") && !text.contains("(x") {
            return Judgement::Possible {
                weight: 30,
                because: format!(
                    "a probe of {} failed, as it does while a container stops or begins",
                    seen.who()
                ),
                separated_by: "whether the probe fails again and again, and what the container's last lines say",
            };
        }
        let problem = seen
            .value("problem")
            .map(|p| format!(" ({p})"))
            .unwrap_or_default();
        return Found::by(seen, SAID, format!("the IKE daemon at {} doesn't run, or nobody answers at its control socket{problem}", seen.who()))
            .with(s.signs_of(Sign::DaemonNotRunning).map(|x| x.fact))
            .because("Nothing can be negotiated before it does.")
            .fix("read the service's last log lines, repair what stopped it, start it (systemctl start strongswan or ipsec; svcadm clear ipsec/ike) and enable it at boot")
            .then("journalctl -u strongswan -u strongswan-starter -u ipsec -n 50")
            .done();
    }
    if let Some(seen) = s
        .sign(Sign::ControlCommandUnknown)
        .filter(|_| s.calm() && s.received(Side::Local).is_none())
    {
        if !starts(seen.value_or("command", "")) {
            return Judgement::Possible {
                weight: 30,
                because: format!(
                    "`ipsec` of {} doesn't know the command: it is of another product or version",
                    seen.who()
                ),
                separated_by: "which product is installed (`ipsec version`), and whether its daemon runs",
            };
        }
        return Found::by(
            seen,
            CONDITION,
            format!(
                "the command that should start the daemon of {} isn't understood: {}",
                seen.who(),
                seen.value_or("command", "")
            ),
        )
        .because("Options and subcommands of `ipsec` differ between versions and products. What asks for one that isn't there starts nothing.")
        .fix("have the start script call what the installed version knows (`ipsec --help`; `systemctl start ipsec`)")
        .then("`ipsec version`; whether pluto or charon runs")
        .done();
    }
    for side in [Side::Local, Side::Remote] {
        if let Some(fact) = s.stopped(side) {
            let (whose, start) = match side {
                Side::Local => ("our own gateway", "adit run -c FILE"),
                Side::Remote => (
                    "the peer's IKE daemon",
                    "start the IKE daemon (strongSwan: systemctl start strongswan; Libreswan: systemctl start ipsec) and enable it at boot",
                ),
            };
            return Found {
                confidence: 0.98,
                side: side.into(),
                summary: format!("{whose} doesn't run"),
                explanation: "Nothing can be negotiated before it does.".to_owned(),
                evidence: quote([fact]),
                fix: fix(side, start),
                message_for_peer: match side {
                    Side::Local => "Our gateway was stopped; we start it.".to_owned(),
                    Side::Remote => "The IKE daemon of your gateway doesn't run. Please start it and have a look at its last log.".to_owned(),
                },
                next: vec!["read the last lines of its log for what stopped it".to_owned()],
            }
            .into();
        }
    }
    let port = s.remote_port();
    let peer = s.peer();
    if let Some(found) = refuses_the_tunnel(s, &peer) {
        return found;
    }
    let unreachable = s
        .unreachable
        .iter()
        .find(|u| u.problem == PathProblem::PortUnreachable && u.port == Some(port));
    if let Some(u) = unreachable {
        let itself = u
            .offender
            .is_none_or(|o| o.to_string() == peer || peer.parse::<std::net::IpAddr>().is_err());
        // What a probe met is so now, whoever began; but where the peer is behind a NAT, the probe met that.
        let probed = matches!(u.fact.what, Known::Probed { .. });
        let met_peer = s.up && probed && !s.nat.iter().any(|n| n.remote_behind);
        if begun_by_peer(s) && !met_peer {
            return Judgement::Possible {
                weight: 25,
                because: "our answer was refused where the peer's request came from: its daemon may have stopped since"
                    .to_owned(),
                separated_by: "whether the refused port is the one that the request came from, and who closed it: the peer's daemon, or a NAT",
            };
        }
        if !itself || s.ike_answers(true).is_some() {
            // Somebody on the way rejects, or the daemon answers on its other port: a filter.
            return Judgement::Silent;
        }
        return Found {
            confidence: 0.9,
            side: AtFault::Remote,
            summary: format!("nobody listens on UDP {port} at {peer}: the peer's IKE daemon doesn't run"),
            explanation: "The peer's host answered with ICMP port unreachable: packets get there, and no process takes them. A host firewall that rejects rather than drops looks the same; `ss -ulpn` at the peer tells them apart.".to_owned(),
            evidence: quote(core::iter::once(u.fact).chain(s.echo_answered())),
            fix: fix(Side::Remote, "start the IKE daemon (strongSwan: systemctl start strongswan; Libreswan: systemctl start ipsec) and enable it at boot"),
            message_for_peer: format!("Your gateway {peer} answers our IKE packets with ICMP port unreachable: nothing listens on UDP {port}. Please check that the IKE daemon runs (ss -ulpn), and that no firewall rule rejects the port."),
            next: vec!["on the peer: `ss -ulpn | grep -E ':(500|4500) '`".to_owned()],
        }
        .into();
    }
    if let Some(fact) = s
        .received(Side::Local)
        .or_else(|| s.ike_answers(false))
        .or_else(|| s.ike_answers(true))
    {
        if s.silence("IKE_AUTH").is_some()
            && s.ike_answers(false).is_none()
            && s.ike_answers(true).is_none()
        {
            return Judgement::Possible {
                weight: 20,
                because:
                    "a daemon that stops between the first and the second exchange falls silent"
                        .to_owned(),
                separated_by: "whether the peer's daemon still answers IKE_SA_INIT",
            };
        }
        return Judgement::RuledOut(format!("the peer's daemon answers: {}", fact.source.text));
    }
    if let Some(fact) = s.running(Side::Remote) {
        return Judgement::RuledOut(format!("the peer's daemon runs: {}", fact.source.text));
    }
    if let Some(fact) = s.received(Side::Remote) {
        return Judgement::RuledOut(format!(
            "the peer's daemon takes packets: {}",
            fact.source.text
        ));
    }
    if s.nothing_came().is_some() || s.silence("INFORMATIONAL").is_some() {
        return Judgement::Possible {
            weight: if s.echo_answered().is_some() { 50 } else { 40 },
            because: "a stopped daemon behind a filter that swallows ICMP errors is silent"
                .to_owned(),
            separated_by: "whether a process listens on UDP 500 at the peer",
        };
    }
    Judgement::Silent
}

/// The tool was kept from the control socket: whether anybody listens there it can't know.
fn kept_out(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let sums_up = |x: &Seen<'_>| {
        x.fact
            .source
            .text
            .contains("failed to connect to stroke socket")
    };
    // A second try, with rights, is answered by the system itself.
    sums_up(&seen)
        && s.signs_of(Sign::DaemonNotRunning).all(|x| sums_up(&x))
        && s.signs_of(Sign::Denied)
            .any(|x| x.value("by") == Some("user"))
}

/// Whether a command is one that starts the daemon; others are of tools that one product has and another hasn't.
fn starts(command: &str) -> bool {
    let command = command.trim_matches(['`', '\'', '"', ' ']);
    command.starts_with("--")
        || matches!(
            command,
            "start" | "setup" | "restart" | "starter" | "pluto" | "charon"
        )
}

/// systemd says of the unit that it is active now, below which the lines of an earlier start may stand; or the daemon, that
/// a tool didn't find, listens after it.
fn runs_now(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    // Only a daemon that runs has a table to show.
    let lists = s
        .case
        .of(seen.side())
        .any(|f| matches!(f.what, Known::Listed { .. }) && before(seen.fact, f));
    if lists {
        return true;
    }
    s.running(seen.side()).is_some_and(|running| {
        let of_unit = seen.fact.source.text.contains(".service: ")
            && running.source.text.contains("Active: ");
        of_unit || before(seen.fact, running)
    })
}

/// A tunnel that is up only sends, and the peer's own host says that nobody there takes what is sent.
fn refuses_the_tunnel(s: &Signals<'_>, peer: &str) -> Option<Judgement> {
    let carried = s.carried(Side::Local).filter(|c| s.up && c.only_sends())?;
    let refused = s.unreachable.iter().rev().find(|u| {
        let itself = u.offender.is_some_and(|o| o.to_string() == peer);
        itself
            && match u.problem {
                // ESP, by itself and in UDP.
                PathProblem::Other(3, 2) => u.port == Some(0),
                PathProblem::PortUnreachable => u.port.is_some_and(|port| port != s.remote_port()),
                _ => false,
            }
    })?;
    // A daemon that was started again in the meantime answers IKE, as soon as it is asked.
    let asked = s.ike_probe(false).is_some();
    if !asked || s.ike_answers(false).is_some() || s.ike_answers(true).is_some() {
        return None;
    }
    Some(
        Found::on(
            refused.fact,
            COUNTED,
            AtFault::Remote,
            format!("nobody takes the tunnel's packets at {peer} any more: the peer's daemon doesn't run"),
        )
        .with(carried.facts)
        .because("The peer's host is there and says by ICMP that nothing takes what we send into the tunnel, and nothing answers IKE.")
        .fix("start the peer's IKE daemon and enable it at boot; dead peer detection (`dpd`) on this side finds such an end without being asked")
        .then("on the peer: `ss -ulpn | grep -E ':(500|4500) '`")
        .done(),
    )
}

/// The peer asked: whoever can ask has a daemon.
fn begun_by_peer(s: &Signals<'_>) -> bool {
    s.received_message(Side::Local, "IKE_SA_INIT", false)
        .is_some()
        && s.answer().is_none()
}

fn fix(side: Side, text: &str) -> Fix {
    match side {
        Side::Local => Fix {
            local: text.to_owned(),
            remote: String::new(),
        },
        Side::Remote => Fix {
            local: String::new(),
            remote: text.to_owned(),
        },
    }
}
