//! `idle-teardown`: a tunnel without traffic is closed.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "idle-teardown",
    recurs: true,
    page: Page {
        title: "The tunnel is closed because nothing is sent through it",
        what: "An idle timeout ends an SA, or a session, after a time without traffic. It comes back with the next packet, if something triggers it.",
        initiator: "strongSwan: \"deleting CHILD_SA after 300 seconds of inactivity\"; ASA: \"Reason: Idle Timeout\".",
        responder: "A delete after a quiet time.",
        look_alikes: &[
            (
                "lifetime-mismatch-flap",
                "Does it end after a time without traffic, or after a fixed time?",
            ),
            (
                "nat-mapping-timeout",
                "Is the tunnel closed, or does it only fall silent?",
            ),
        ],
        fix: &[
            (
                "any",
                "Switch the idle timeout off, or send something regularly.",
            ),
            ("strongswan", "`inactivity = 0s`"),
            (
                "cisco",
                "`vpn-idle-timeout none` in the group policy; `no crypto ipsec security-association idle-time`",
            ),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let all = s.ever(Sign::IdleClosed);
    let Some(seen) = all.last() else {
        return by_windows(s);
    };
    let after = seen
        .value("seconds")
        .map(|n| format!(" for {n} s"))
        .unwrap_or_default();
    Found::by(*seen, SAID - 0.03, format!("{} closed the tunnel because nothing was sent through it{after}", seen.who()))
        .with(all.iter().map(|x| x.fact))
        .because("The line says that it was for want of traffic.")
        .fix("switch the idle timeout off (strongSwan: inactivity; ASA: vpn-idle-timeout none), or send something through the tunnel regularly")
        .done()
}

/// Windows takes SAs down that carried nothing for five minutes.
fn by_windows(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WindowsIdle) {
        Some(told) if s.calm() => Found::on(
            told,
            CONDITION,
            AtFault::Unknown,
            "the client of Windows closes the tunnel after five minutes without traffic",
        )
        .because("Five minutes without a packet are what Windows allows an SA as it is delivered; a mapping that a NAT forgets leaves the client connected.")
        .fix("send something through the tunnel more often than that, or raise the time at the client (netsh advfirewall set global saidletimemin; Set-VpnConnection -IdleDisconnectSeconds)")
        .done(),
        _ => Judgement::Silent,
    }
}
