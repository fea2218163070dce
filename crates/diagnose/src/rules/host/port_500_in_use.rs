//! `port-500-in-use`: somebody else holds the IKE ports.

use adit_model::event::Happening;
use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "port-500-in-use",
    recurs: false,
    page: Page {
        title: "Somebody else holds the IKE ports",
        what: "UDP 500 or 4500 is held by another IKE daemon (charon beside pluto, racoon, isakmpd, IKEEXT of Windows, an older run, a container), so this one can't listen, or hears only a part.",
        initiator: "The daemon doesn't start, or sends and hears nothing.",
        responder: "Answers come from the wrong daemon, or none.",
        look_alikes: &[
            (
                "daemon-not-running",
                "Does the daemon's log tell of *bind*?",
            ),
            (
                "selinux-apparmor-or-caps",
                "Is the error *in use*, or *permission denied*?",
            ),
        ],
        fix: &[
            ("any", "Find who listens, stop and disable one of the two."),
            (
                "linux",
                "`ss -ulpn 'sport = :500 or sport = :4500'`; `systemctl disable --now strongswan-starter`, or ipsec, or racoon.",
            ),
            (
                "docker",
                "Only one container, or the host, can publish UDP 500 and 4500.",
            ),
            (
                "windows",
                "Stop the service IKEEXT, or bind to another address.",
            ),
        ],
        source: "RFC 7296 2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s
        .sign(Sign::PortInUse)
        .filter(|x| s.refused_or_told() && s.went_on(*x))
    {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "a port was in use at {}; later IKE went both ways",
                seen.who()
            ),
            separated_by: "whether the daemon was started again in between, and `ss -ulpn` now",
        };
    }
    // Who has no socket sends nothing.
    let sends = |x: &Seen<'_>| {
        s.overtaken(*x, |h| matches!(h, Happening::Sent(_)))
            && s.nothing_came().is_some()
            && s.unreachable.is_empty()
            && s.sign(Sign::SocketsMissing).is_none()
            && s.sign(Sign::FeatureMissing).is_none()
    };
    if let Some(seen) = s.sign(Sign::PortInUse).filter(sends) {
        return Judgement::Possible {
            weight: 30,
            because: format!("a port was in use at {}; later the daemon sent", seen.who()),
            separated_by: "`ss -ulpn` now: whose the ports are",
        };
    }
    if let Some(seen) = s.sign(Sign::PortInUse) {
        return Found::by(
            seen,
            SAID,
            match seen.value("port") {
                Some(port) => format!(
                    "another program holds the IKE port at {} ({port})",
                    seen.who()
                ),
                None => format!("another program holds the IKE ports at {}", seen.who()),
            },
        )
        .with(s.signs_of(Sign::SocketsMissing).map(|x| x.fact))
        .because("Two daemons can't listen on one port; the second gets *address already in use*.")
        .fix(FIX)
        .then("`ss -ulpn 'sport = :500 or sport = :4500'`")
        .done();
    }
    let Some(seen) = s.sign(Sign::SocketsMissing) else {
        return match s.sign(Sign::NotListening) {
            Some(seen) => Judgement::Possible {
                weight: 40,
                because: format!(
                    "a checking tool finds nobody listening on UDP 500 at {}",
                    seen.who()
                ),
                separated_by: "`ss -ulpn 'sport = :500'`: whose the port is",
            },
            None => Judgement::Silent,
        };
    };
    // Sockets that the kernel denies, or can't make fit for IPsec, aren't taken.
    if s.sign(Sign::Denied).is_some() || s.sign(Sign::KernelSupportMissing).is_some() {
        return Judgement::Silent;
    }
    Found::by(
        seen,
        SYMPTOM,
        format!("the daemon of {} gets no socket; most likely another one holds the IKE ports", seen.who()),
    )
    .because("A daemon that can open no socket at all either lacks the right to, which it would say, or finds its ports taken.")
    .fix(FIX)
    .then("`ss -ulpn 'sport = :500 or sport = :4500'`")
    .done()
}

const FIX: &str = "find who listens on UDP 500 and 4500 (ss -ulpn), stop and disable the daemon that isn't wanted, and restart the other";
