//! What a side's own status says about where its tunnel stands, and what that leaves possible.
//!
//! A state tells the step that doesn't come, and seldom why. So it makes candidates, and a finding only where both sides'
//! states contradict each other. What a log says of the same attempt counts for more.

use adit_model::event::{Happening, MessageInfo};
use adit_model::fact::{Fact, Known, Side};
use adit_model::listed::{Layer, ListedSa, Stage};
use adit_model::phase::Phase;
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::signals::{Signals, notify, who};

/// Where a side's tunnel stands.
#[derive(Clone)]
pub(crate) struct Standing<'a> {
    pub(crate) side: Side,
    /// Which SA it is that isn't there.
    pub(crate) layer: Layer,
    pub(crate) stage: Stage,
    pub(crate) version: Option<u8>,
    /// The rows that tell.
    pub(crate) facts: Vec<&'a Fact>,
}

impl Standing<'_> {
    /// In a sentence: whose, and what is missing.
    pub(crate) fn told(&self) -> String {
        let whose = who(self.side);
        let word = self.facts.first().and_then(|f| match &f.what {
            Known::Listed { sa } => Some(format!(" ({})", sa.word)),
            _ => None,
        });
        let what = match (self.layer, self.stage) {
            (Layer::Ike, Stage::FirstUnanswered) => {
                "has asked, and its first message has no answer"
            }
            (Layer::Ike, Stage::FirstAnswered) => {
                "has answered the first message, and the other side hasn't gone on"
            }
            (Layer::Ike, Stage::KeysPending) => "waits in the middle of the key exchange",
            (Layer::Ike, Stage::AuthPending) => {
                "waits for the proof of who the other side is, or for the answer to its own"
            }
            (Layer::Ike, Stage::Begun) => "has begun, and nothing is agreed yet",
            (Layer::Ike, Stage::Connecting) => {
                "is setting the IKE SA up; how far it got isn't shown"
            }
            (Layer::Ike, Stage::Absent) => "has no SA at all",
            (Layer::Ike, _) => "lists the tunnel as down",
            (Layer::Child, Stage::ChildPending) => {
                "has its IKE SA, and its request for traffic's SA has no answer"
            }
            (Layer::Child, Stage::Up) => "lists the tunnel as up",
            (Layer::Child, _) => "has its IKE SA and no SA for traffic",
        };
        format!("{whose} {what}{}", word.unwrap_or_default())
    }

    /// Whether it says that the IKE SA got that far.
    pub(crate) fn ike_is_up(&self) -> bool {
        self.layer == Layer::Child
    }
}

impl<'a> Signals<'a> {
    /// The rows that a side's statuses list.
    fn rows(&self, side: Side) -> Vec<(&'a Fact, &'a ListedSa)> {
        let all: Vec<(&'a Fact, &'a ListedSa)> = self
            .case
            .of(side)
            .filter_map(|f| match &f.what {
                Known::Listed { sa } => Some((f, &**sa)),
                _ => None,
            })
            .collect();
        let subject = self.case.subject.as_str();
        let named = |sa: &ListedSa| {
            !subject.is_empty() && sa.name.as_deref().is_some_and(|n| names(n, subject))
        };
        if all.iter().any(|(_, sa)| named(sa)) {
            all.into_iter()
                .filter(|(_, sa)| named(sa) || sa.name.is_none())
                .collect()
        } else {
            all
        }
    }

    /// Where a side's tunnel stands, as far as its status tells.
    pub(crate) fn standing(&self, side: Side) -> Option<Standing<'a>> {
        let rows = self.rows(side);
        let of = |layer: Layer| rows.iter().filter(move |(_, sa)| sa.layer == layer);
        let stands = |layer: Layer, stage: Stage, facts: Vec<&'a Fact>, sa: &ListedSa| Standing {
            side,
            layer,
            stage,
            version: sa.version,
            facts,
        };
        // An SA that is being replaced, or a second one, stands beside one that is up.
        let settled = |sa: &ListedSa| {
            rows.iter().any(|(_, other)| {
                other.layer == sa.layer && other.stage == Stage::Up && same_tunnel(other, sa)
            })
        };
        // The status that shows how far it got says more than one that shows only that it isn't there yet.
        let vague = |stage: Stage| matches!(stage, Stage::Connecting | Stage::Begun);
        if let Some((fact, sa)) = of(Layer::Ike)
            .filter(|(_, sa)| sa.stage.is_pending() && !settled(sa))
            .max_by_key(|(_, sa)| !vague(sa.stage))
        {
            return Some(stands(Layer::Ike, sa.stage, vec![fact], sa));
        }
        let ike_of = |sa: &ListedSa| {
            of(Layer::Ike).find(|(_, ike)| ike.stage == Stage::Up && same_tunnel(ike, sa))
        };
        let without = of(Layer::Child).filter(|(_, sa)| sa.stage != Stage::Up && !settled(sa));
        if let Some((fact, sa, (ike, up))) = without
            .filter_map(|(fact, sa)| Some((*fact, sa, ike_of(sa)?)))
            .next_back()
        {
            return Some(stands(Layer::Child, sa.stage, vec![ike, fact], up));
        }
        if let Some((fact, sa)) = of(Layer::Child).rfind(|(_, sa)| sa.stage == Stage::Up) {
            return Some(stands(Layer::Child, Stage::Up, vec![fact], sa));
        }
        if of(Layer::Ike).any(|(_, sa)| sa.stage == Stage::Up) {
            // Whether there is an SA for traffic isn't shown.
            return None;
        }
        let (fact, sa) = rows
            .iter()
            .rfind(|(_, sa)| sa.stage == Stage::Down)
            .or_else(|| of(Layer::Ike).rfind(|(_, sa)| sa.stage == Stage::Absent))?;
        Some(stands(Layer::Ike, sa.stage, vec![fact], sa))
    }

    /// Where the tunnel stands, where no log says more: our side's status, else the peer's.
    pub(crate) fn stands(&self) -> Option<Standing<'a>> {
        if self.refused_or_told() || !self.silences.is_empty() || self.up {
            return None;
        }
        // What is on its way tells more than what isn't there.
        let rank = |x: &Standing<'_>| match x.stage {
            Stage::Up => 0,
            stage if stage.is_pending() || x.layer == Layer::Child => 2,
            _ => 1,
        };
        [Side::Remote, Side::Local]
            .into_iter()
            .filter_map(|side| self.standing(side))
            .filter(|x| rank(x) > 0)
            .max_by_key(rank)
            .or_else(|| self.logged())
    }

    /// The same, as products say it in a line of their own.
    fn logged(&self) -> Option<Standing<'a>> {
        let (stage, seen) = [
            (Stage::FirstUnanswered, Sign::FirstMessageUnanswered),
            (Stage::KeysPending, Sign::LaterMessageUnanswered),
            (Stage::Connecting, Sign::NegotiationTimedOut),
        ]
        .into_iter()
        .find_map(|(stage, sign)| Some((stage, self.sign(sign)?)))?;
        Some(Standing {
            side: seen.side(),
            layer: Layer::Ike,
            stage,
            version: None,
            facts: vec![seen.fact],
        })
    }

    /// The lines from which a side is known to have asked, and to have heard nothing.
    pub(crate) fn asked_in_vain(&self, side: Side) -> Option<Vec<&'a Fact>> {
        if let Some(silence) = self.nothing_came().filter(|x| x.side == side) {
            return Some(silence.facts.clone());
        }
        self.standing(side)
            .filter(|x| x.layer == Layer::Ike && x.stage == Stage::FirstUnanswered)
            .map(|x| x.facts)
    }

    /// IKE went both ways as often as phase 1 of IKEv1 needs, or through IKE_AUTH, nothing of it was refused as far as can
    /// be read, and no ESP is seen in the same capture: the last message.
    pub(crate) fn negotiated_without_esp(&self) -> Option<&'a Fact> {
        // Of main mode's three, those behind the proposals.
        const EACH_WAY: usize = 2;
        let fails = self.refused_or_told() || !self.silences.is_empty() || self.up;
        let protected = self.all_flows().next().is_some()
            || [Side::Local, Side::Remote]
                .into_iter()
                .any(|side| self.carried(side).is_some());
        if fails || protected {
            return None;
        }
        let further = |m: &MessageInfo| {
            Phase::is_v1(&m.exchange) && m.payloads.first().is_none_or(|p| p != "SA")
        };
        [Side::Local, Side::Remote].into_iter().find_map(|side| {
            let (mut sent, mut heard, mut answered, mut last) = (0, 0, false, None);
            // Of what is negotiated again and again the latest attempt may have just begun.
            for fact in self.case.of(side).filter(|f| is_captured(f)) {
                let message = match &fact.what {
                    Known::Happened {
                        happening: Happening::Sent(message),
                    } => {
                        sent += usize::from(further(message));
                        message
                    }
                    Known::Happened {
                        happening: Happening::Received(message),
                    } => {
                        heard += usize::from(further(message));
                        message
                    }
                    _ => continue,
                };
                answered |= message.exchange == "IKE_AUTH" && message.response;
                last = Some(fact);
            }
            last.filter(|_| answered || (sent >= EACH_WAY && heard >= EACH_WAY))
        })
    }

    /// A status says that the IKE SA, or the SA for traffic with `child`, is up.
    pub(crate) fn listed_up(&self, child: bool) -> bool {
        [Side::Local, Side::Remote].into_iter().any(|side| {
            self.standing(side)
                .is_some_and(|x| x.ike_is_up() && (!child || x.stage == Stage::Up))
        })
    }
}

/// Whether a row's name is this one, alone or with a number or a part behind it: `gw1`, `gw1{3}`, `gw1/0`, not `gw10`.
fn names(row: &str, name: &str) -> bool {
    row.strip_prefix(name).is_some_and(|rest| {
        name.is_empty() || rest.is_empty() || rest.starts_with(['/', '[', '{', '-', '_', '.'])
    })
}

/// Whether a message was seen in a capture, which would show ESP too: those are quoted by their ends.
fn is_captured(fact: &Fact) -> bool {
    fact.source.text.contains(" → ")
}

/// Whether two rows can be of one tunnel.
fn same_tunnel(a: &ListedSa, b: &ListedSa) -> bool {
    match (&a.name, &b.name, &a.peer, &b.peer) {
        (Some(x), Some(y), ..) => names(x, y) || names(y, x),
        (_, _, Some(x), Some(y)) => x == y,
        _ => true,
    }
}

/// The causes that the states leave, heaviest first.
pub(crate) fn suspects(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    let Some(x) = s.stands() else {
        return stalled(s);
    };
    let loaded = s
        .case
        .of(x.side)
        .any(|f| matches!(f.what, Known::PeerConfigured { ref connection } if connection.listed));
    let there = s.standing(x.side.other());
    let mut why = x.told();
    if let Some(there) = &there {
        why = format!("{why}; {}", there.told());
    }
    let row: &[&'static str] = match (x.layer, x.stage) {
        (Layer::Ike, Stage::FirstUnanswered) if there.is_some() => HEARD_NOTHING_OF,
        (Layer::Ike, Stage::FirstUnanswered) => NO_ANSWER,
        (Layer::Ike, Stage::Begun) => NOTHING_AGREED,
        (Layer::Ike, Stage::FirstAnswered) => NO_THIRD,
        (Layer::Ike, Stage::KeysPending) => IN_KEYS,
        (Layer::Ike, Stage::AuthPending) if x.version == Some(2) => IN_AUTH_V2,
        (Layer::Ike, Stage::AuthPending) => IN_AUTH_V1,
        (Layer::Ike, Stage::Connecting) => SOMEWHERE,
        (Layer::Ike, Stage::Absent) if there.as_ref().is_some_and(|t| t.stage == Stage::Up) => {
            ONE_SIDE
        }
        (Layer::Ike, Stage::Absent) => NOTHING_THERE,
        (Layer::Ike, _) => DOWN,
        (Layer::Child, _) => NO_CHILD,
    };
    let row: Vec<&'static str> = row
        .iter()
        .copied()
        .filter(|id| !(loaded && *id == "config-not-loaded"))
        .collect();
    weighed(&row, &why, 0)
}

/// What an exchange leaves possible that stopped where no rule of its own looks: between the first message of IKEv1 and the
/// proof of identities, and in the middle of quick mode.
fn stalled(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    const LIGHT: u8 = 12;
    if s.negotiated_without_esp().is_some() {
        let why = "IKE messages go both ways, and no ESP follows them";
        return weighed(NO_ESP, why, LIGHT);
    }
    if let Some(refused) = s.sign(Sign::AuthenticationRefusedByPeer)
        && (s.case.products.get(&refused.side()) == Some(&Product::Windows)
            || windows_says(&refused.fact.source.text))
    {
        let why = "Windows says so of the gateway's certificate too, when it doesn't accept it";
        return weighed(WINDOWS_REFUSES, why, LIGHT);
    }
    let not_read = s
        .told_at_all(notify::INVALID_SYNTAX)
        .filter(|told| !told.init && !s.up && s.refused.is_empty());
    if not_read.is_some() {
        let why =
            "the peer doesn't take the message that proves who we are, and doesn't say what of it";
        return weighed(NOT_READ, why, LIGHT);
    }
    if !s.up && !s.refused_or_told() && s.sign(Sign::AuthenticationRefusedByPeer).is_some() {
        let why = "authentication failed, and the line doesn't say of what";
        return weighed(AUTH_REFUSED, why, LIGHT);
    }
    if !s.up && !s.refused_or_told() && s.sign(Sign::ProposalsRefusedByPeer).is_some() {
        let why = "the peer takes no proposal, and in which phase isn't said";
        return weighed(PROPOSALS_REFUSED, why, LIGHT);
    }
    if !s.up && !s.refused_or_told() && s.sign(Sign::FirstProposalsRefusedByPeer).is_some() {
        let why = "the peer takes no proposal of the first exchange";
        return weighed(FIRST_PROPOSALS_REFUSED, why, LIGHT);
    }
    if !s.up && !s.refused_or_told() && s.sign(Sign::NegotiationFailed).is_some() {
        let why = "the set-up failed, and nothing says at which step";
        return weighed(SOMEWHERE, why, LIGHT);
    }
    if !s.up && !s.refused_or_told() && s.sign(Sign::ChildFailed).is_some() {
        let why = "phase 1 is through, and phase 2 fails";
        return weighed(NO_CHILD, why, LIGHT);
    }
    if s.facts.is_empty() && s.calm() && s.sign(Sign::NothingCaptured).is_some() {
        let why = "a capture saw nothing of IKE either";
        return weighed(NOTHING_SEEN, why, LIGHT);
    }
    let Some(silence) = s.silences.last().filter(|_| !s.refused_or_told() && !s.up) else {
        return Vec::new();
    };
    let row: &[&'static str] = match silence.exchange {
        "MR1" => NO_THIRD,
        "MI2" => IN_KEYS,
        "MR2" => IN_AUTH_V1,
        "QI1" | "QR1" => NO_CHILD,
        _ => return Vec::new(),
    };
    let why = format!(
        "{} has sent {} and waits",
        who(silence.side),
        silence.exchange
    );
    weighed(row, &why, LIGHT)
}

/// The causes of a row, each a little lighter than the one before it.
fn weighed(row: &[&'static str], why: &str, lighter: u8) -> Vec<(&'static str, u8, String)> {
    row.iter()
        .zip((30..=58).rev().step_by(4))
        .map(|(id, weight)| (*id, weight - lighter, why.to_owned()))
        .collect()
}

const NO_ANSWER: &[&str] = &[
    "udp500-blocked",
    "peer-unreachable",
    "daemon-not-running",
    "udp500-reply-blocked",
    "no-matching-connection-on-responder",
    "ike-proposal-mismatch-silent",
    "peer-address-wrong",
];
/// The other side's daemon answers its operator.
const HEARD_NOTHING_OF: &[&str] = &[
    "udp500-blocked",
    "peer-unreachable",
    "peer-address-wrong",
    "no-matching-connection-on-responder",
    "ike-proposal-mismatch-silent",
    "host-inbound-ike-not-allowed",
];
const NOTHING_AGREED: &[&str] = &[
    "udp500-blocked",
    "ike-proposal-mismatch",
    "peer-unreachable",
    "no-matching-connection-on-responder",
    "daemon-not-running",
    "peer-address-wrong",
];
const NO_THIRD: &[&str] = &[
    "udp500-reply-blocked",
    "udp4500-blocked",
    "nat-return-mapping-lost",
    "middlebox-path-selective-drop",
];
const IN_KEYS: &[&str] = &[
    "psk-not-found",
    "no-matching-connection-on-responder",
    "psk-mismatch",
    "udp4500-blocked",
    "middlebox-path-selective-drop",
];
const IN_AUTH_V1: &[&str] = &[
    "psk-mismatch",
    "udp4500-blocked",
    "id-mismatch",
    "auth-method-mismatch",
];
const IN_AUTH_V2: &[&str] = &[
    "udp4500-blocked",
    "large-ike-auth-fragment-lost",
    "ip-fragments-dropped",
    "middlebox-path-selective-drop",
];
const SOMEWHERE: &[&str] = &[
    "udp500-blocked",
    "peer-unreachable",
    "ike-proposal-mismatch",
    "psk-mismatch",
    "id-mismatch",
    "udp4500-blocked",
];
const NOT_READ: &[&str] = &[
    "auth-method-mismatch",
    "id-type-mismatch",
    "id-mismatch",
    "psk-mismatch",
    "implementation-bug",
];
const ONE_SIDE: &[&str] = &[
    "sa-desync-one-side-flushed",
    "reboot-no-initial-contact",
    "dpd-disabled-stale-sa",
    "delete-lost-stale-sa",
];
const NOTHING_THERE: &[&str] = &[
    "nothing-triggers-initiation",
    "config-not-loaded",
    "both-ends-passive",
    "peer-deleted-sa",
];
const DOWN: &[&str] = &[
    "udp500-blocked",
    "ike-proposal-mismatch",
    "psk-mismatch",
    "id-mismatch",
    "nothing-triggers-initiation",
    "both-ends-passive",
];
const NO_CHILD: &[&str] = &[
    "ike-up-no-child",
    "esp-proposal-mismatch",
    "ts-mismatch",
    "pfs-mismatch",
    "idle-teardown",
    "nothing-triggers-initiation",
];
/// What is encrypted may be a refusal as well.
const NO_ESP: &[&str] = &[
    "esp-proposal-mismatch",
    "ts-mismatch",
    "psk-mismatch",
    "ike-up-no-child",
    "id-mismatch",
    "esp-blocked",
    "sa-desync-one-side-flushed",
    "pfs-mismatch",
];
/// Its words for 13801, which stand beside other products' logs too.
fn windows_says(text: &str) -> bool {
    text.contains("credentials are unacceptable")
        || text
            .split(|c: char| !c.is_ascii_digit())
            .any(|n| n == "13801")
}
/// 13801: the gateway's certificate has no server authentication among its uses, another name than was dialled, or an
/// issuer that isn't in the machine's store; or the gateway refuses the machine's.
const WINDOWS_REFUSES: &[&str] = &[
    "signature-or-keyusage-rejected",
    "cert-san-mismatch",
    "ca-not-trusted",
    "cert-expired",
    "id-mismatch",
    "auth-method-mismatch",
    "crl-unreachable",
];
const AUTH_REFUSED: &[&str] = &[
    "psk-mismatch",
    "id-mismatch",
    "no-matching-connection-on-responder",
    "psk-not-found",
    "auth-method-mismatch",
    "ca-not-trusted",
];
const PROPOSALS_REFUSED: &[&str] = &[
    "ike-proposal-mismatch",
    "esp-proposal-mismatch",
    "no-matching-connection-on-responder",
    "ike-dh-group-mismatch",
    "pfs-mismatch",
];
const FIRST_PROPOSALS_REFUSED: &[&str] = &[
    "ike-proposal-mismatch",
    "no-matching-connection-on-responder",
    "ike-dh-group-mismatch",
];
const NOTHING_SEEN: &[&str] = &[
    "overlay-wrong-interface-sniffed",
    "daemon-not-running",
    "nothing-triggers-initiation",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::rule;

    #[test]
    fn a_longer_name_is_another_tunnel() {
        assert!(names("gw1", "gw1") && names("gw1{3}", "gw1") && names("gw1-lan", "gw1"));
        assert!(!names("gw10", "gw1"));
    }

    #[test]
    fn every_suspect_has_a_rule() {
        for row in [
            NO_ANSWER,
            HEARD_NOTHING_OF,
            NOTHING_AGREED,
            NO_THIRD,
            IN_KEYS,
            IN_AUTH_V1,
            IN_AUTH_V2,
            SOMEWHERE,
            ONE_SIDE,
            NOTHING_THERE,
            DOWN,
            NO_CHILD,
            NO_ESP,
            WINDOWS_REFUSES,
            AUTH_REFUSED,
            PROPOSALS_REFUSED,
            FIRST_PROPOSALS_REFUSED,
            NOTHING_SEEN,
        ] {
            for id in row {
                assert!(rule(id).is_some(), "{id}");
            }
        }
    }
}
