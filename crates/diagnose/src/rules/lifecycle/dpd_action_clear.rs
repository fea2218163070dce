//! `dpd-action-clear`: after the peer's death nobody sets the tunnel up again.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::now::Wall;
use adit_model::peer_config::{Starts, WhenDead};
use adit_model::sign::Sign;

use crate::complaint::complained;
use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "dpd-action-clear",
    recurs: true,
    page: Page {
        title: "After the peer was declared dead the tunnel stays down",
        what: "The action after a peer's death may be to clear the connection or to hold it. Then it comes back only when the other side, or traffic, or a person asks for it.",
        initiator: "\"DPD: Clearing Connection\", \"DPD action - putting connection into hold\", and nothing after it.",
        responder: "It may do the same.",
        look_alikes: &[
            ("both-ends-passive", "Which side is to set it up again?"),
            ("underlay-loss-or-flap", "Why was the peer declared dead?"),
        ],
        fix: &[
            ("any", "Restart on the side that initiates."),
            (
                "strongswan",
                "`dpd_action = restart`, `close_action = start|trap`",
            ),
            (
                "libreswan",
                "`dpdaction=restart` (5.x restarts by itself with auto=start)",
            ),
            (
                "vyos",
                "`set vpn ipsec ike-group X dead-peer-detection action restart`",
            ),
            ("aws", "DPD timeout action: Restart; startup action: Start"),
        ],
        source: "RFC 3706 5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["underlay-loss-or-flap", "peer-unreachable"],
    judge,
};

/// A daemon that is to restart the tunnel doesn't wait so long, in milliseconds.
const MINUTES_MS: u64 = 15 * 60_000;

fn judge(s: &Signals<'_>) -> Judgement {
    let left_alone = s
        .ever(Sign::DeathEndsTunnel)
        .into_iter()
        .rev()
        .find(|seen| left_alone(s, *seen));
    let Some(seen) = left_alone.or_else(|| s.sign(Sign::DeathEndsTunnel).filter(|_| !s.up)) else {
        return match configured_to_clear(s) {
            Judgement::Silent => nobody_begins(s).unwrap_or(Judgement::Silent),
            found => found,
        };
    };
    let tried = s
        .happenings(seen.side())
        .any(|(_, h)| matches!(h, Happening::Initiating { .. }));
    if tried && left_alone.is_none() {
        return Judgement::Silent;
    }
    // A client that isn't there can't be called back: clearing is all that its server can do.
    let text = &seen.fact.source.text;
    let instance = text
        .split_once("\"[")
        .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    if instance {
        return Judgement::Possible {
            weight: 30,
            because: "a client was declared dead and cleared".to_owned(),
            separated_by: "whether this side could set the tunnel up again by itself, and why the client fell silent",
        };
    }
    // At night nobody may have wanted it: who needed it then says so.
    if left_alone.is_some() && s.up && !complained(s) {
        return Judgement::Possible {
            weight: 40,
            because: "the tunnel was cleared after the peer's death, and begun again much later"
                .to_owned(),
            separated_by: "whether anything asked for the tunnel in between, or nobody missed it",
        };
    }
    Found::by(seen, CONDITION, "the peer was declared dead, the tunnel was cleared or put on hold, and nobody sets it up again")
        .with(s.signs_of(Sign::PeerDeclaredDead).map(|x| x.fact))
        .because("The action after the peer's death is to clear or to hold, not to restart.")
        .fix("set the action after the peer's death to restart on the side that initiates (dpdaction=restart, dpd_action = restart)")
        .then("find out why the peer didn't answer: the path or the peer itself")
        .done()
}

/// The question whether the peer lives went unanswered to the end, nothing was begun after it, and the configuration of
/// the side that is to begin says so.
fn nobody_begins(s: &Signals<'_>) -> Option<Judgement> {
    let silence = s
        .silence("INFORMATIONAL")
        .filter(|x| x.given_up && x.side == Side::Local && !s.up)?;
    let begins = s
        .happenings(Side::Local)
        .any(|(_, h)| matches!(h, Happening::Initiating { .. }));
    let given_up = *silence.facts.first().filter(|_| !begins)?;
    let clears = s.case.of(Side::Local).find(|f| match &f.what {
        Known::PeerConfigured { connection: c } => {
            c.dpd_action.is_written()
                && c.dpd_action.value == WhenDead::Clear
                && c.children
                    .iter()
                    .any(|child| child.starts.value == Starts::Now)
        }
        _ => false,
    })?;
    Some(
        Found::on(
            given_up,
            CONDITION,
            AtFault::Local,
            "the peer was declared dead, and the connection is set to be cleared then, so nobody sets it up again",
        )
        .with([clears])
        .because("It is started once, with the daemon; after the peer's death its action is to clear.")
        .fix("set the action after the peer's death to restart on the side that initiates (dpdaction=restart, dpd_action = restart)")
        .then("find out why the peer didn't answer: the path or the peer itself")
        .done(),
    )
}

/// After the peer's death nothing was begun for minutes, and then somebody did: a daemon that is to restart the tunnel
/// doesn't wait.
fn left_alone(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let Some(died) = seen.fact.at else {
        return false;
    };
    let next = s
        .case
        .happenings()
        .filter(|(fact, _)| {
            let named = |name: &String| seen.fact.source.text.contains(&format!("\"{name}\""));
            fact.side == seen.side() && fact.subject.as_ref().is_some_and(named)
        })
        .filter(|(_, h)| {
            matches!(
                h,
                Happening::Initiating { .. }
                    | Happening::Received(_)
                    | Happening::ChildEstablished { .. }
            )
        })
        .filter_map(|(fact, h)| Some((fact.at?, h)))
        .find(|(at, _)| at.0 >= died.0);
    matches!(next, Some((at, Happening::Initiating { .. })) if at.0 - died.0 >= MINUTES_MS)
}

/// The configuration says to clear, the daemon gave up, and nothing was begun for minutes; then somebody did.
fn configured_to_clear(s: &Signals<'_>) -> Judgement {
    let clears = s.case.facts.iter().find(|f| match &f.what {
        Known::PeerConfigured { connection } => {
            let action = &connection.dpd_action;
            action.value == WhenDead::Clear && action.is_written() && !connection.listed
        }
        _ => false,
    });
    let Some(clears) = clears else {
        return Judgement::Silent;
    };
    let mut gave_up = None;
    for (fact, h) in s.case.happenings().filter(|(f, _)| f.side == clears.side) {
        match (h, gave_up, fact.at) {
            (Happening::GaveUp { .. }, _, Some(_)) => gave_up = Some(fact),
            (Happening::Initiating { .. }, Some(died), Some(at)) => {
                let pause = died.at.map_or(0, |died: Wall| at.0.saturating_sub(died.0));
                if pause >= MINUTES_MS {
                    return Found::on(
                        died,
                        SYMPTOM,
                        clears.side.into(),
                        "the peer didn't answer any more, the tunnel was cleared, and for minutes nobody set it up again",
                    )
                    .with([clears])
                    .because("The configured action after the peer's death is to clear, not to restart.")
                    .fix("set the action after the peer's death to restart on the side that initiates (dpdaction=restart, dpd_action = restart; VyOS: dead-peer-detection action restart)")
                    .then("find out why the peer didn't answer: the path or the peer itself")
                    .done();
                }
                gave_up = None;
            }
            (Happening::Received(_) | Happening::ChildEstablished { .. }, ..) => gave_up = None,
            _ => {}
        }
    }
    Judgement::Silent
}
