//! Cisco: `show crypto isakmp sa`, `show crypto ikev1 sa`, `show crypto ikev2 sa [detailed]`, `show crypto session`,
//! `show crypto ipsec sa`, of IOS and of ASA.

use adit_model::event::Role;
use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{address, child, listed, role, spi};
use crate::reading::Place;

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Cisco {
    /// An IKEv2 SA whose details may follow.
    open: Option<(ListedSa, Place)>,
    /// `IKE Peer: X` of ASA, `current_peer X`.
    peer: Option<String>,
    role: Option<Role>,
}

impl Cisco {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        if let Some(sa) = ikev2_row(body) {
            self.finish(facts);
            self.open = Some((sa, place()));
            return;
        }
        if let Some(sa) = isakmp_row(body) {
            facts.push(listed(place(), sa));
            return;
        }
        if self.details(body) {
            return;
        }
        let body = body.trim();
        if let Some((_, peer)) = body.split_once("IKE Peer: ").or_else(|| {
            body.split_once("current_peer")
                .map(|(head, rest)| (head, rest.trim_start_matches([':', ' '])))
        }) {
            let word = peer.split_whitespace().next();
            self.peer = word.and_then(address).map(ToOwned::to_owned);
            self.role = None;
        } else if let Some((_, rest)) = body
            .split_once("Role ")
            .filter(|_| body.starts_with("Type"))
        {
            self.role = role(rest.trim_start_matches([' ', ':']));
        } else if let Some((_, state)) = body
            .split_once("State ")
            .filter(|_| body.starts_with("Rekey"))
        {
            let word = state.trim_start_matches([' ', ':']);
            if let Some((stage, ours)) = asa(word) {
                let sa = ListedSa {
                    peer: self.peer.clone(),
                    role: ours.or(self.role),
                    version: Some(1),
                    ..ListedSa::new(Layer::Ike, stage, word)
                };
                facts.push(listed(place(), sa));
            }
        } else if let Some(status) = body.strip_prefix("Session status: ") {
            for sa in session(status.trim()) {
                facts.push(listed(place(), sa));
            }
        } else if let Some((_, value)) = body.split_once("current outbound spi") {
            let value = value.trim_start_matches([':', ' ']);
            let some = value
                .trim_start_matches("0x")
                .starts_with(|c: char| c.is_ascii_hexdigit() && c != '0');
            let none = value.starts_with("0x0(") || value == "0";
            if some || none {
                let stage = if some { Stage::Up } else { Stage::Absent };
                let sa = ListedSa {
                    peer: self.peer.clone(),
                    ..child(stage, None, value)
                };
                facts.push(listed(place(), sa));
            }
        } else if let Some(sa) = none(body) {
            facts.push(listed(place(), sa));
        }
    }

    /// Lines about the IKEv2 SA that was listed last.
    fn details(&mut self, body: &str) -> bool {
        let Some((sa, _)) = &mut self.open else {
            return false;
        };
        if let Some((_, said)) = body.split_once("Status Description: ") {
            if sa.stage == Stage::Connecting
                && let Some((stage, ours)) = described(said)
            {
                (sa.stage, sa.role) = (stage, ours);
            }
            return true;
        }
        if let Some((_, zero)) = body
            .split_once("emote spi: ")
            .filter(|(_, rest)| rest.split_whitespace().next().and_then(spi) == Some(false))
        {
            if sa.stage == Stage::Connecting && !zero.is_empty() {
                (sa.stage, sa.role) = (Stage::FirstUnanswered, Some(Role::Initiator));
            }
            return true;
        }
        if let Some((_, answer)) = body.split_once("Initiator of SA :") {
            let ours = match answer.trim() {
                "Yes" => Some(Role::Initiator),
                "No" => Some(Role::Responder),
                _ => None,
            };
            sa.role = sa.role.or(ours);
            return true;
        }
        false
    }

    /// What was listed last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if let Some((sa, place)) = self.open.take() {
            facts.push(listed(place, sa));
        }
    }
}

/// `198.51.100.1  192.0.2.1  MM_NO_STATE  0  0  ACTIVE (deleted)`.
fn isakmp_row(body: &str) -> Option<ListedSa> {
    const MOST: usize = 8;
    let words: Vec<&str> = body.split_whitespace().collect();
    let [first, second, state, rest @ ..] = words.as_slice() else {
        return None;
    };
    if words.len() > MOST || rest.is_empty() {
        return None;
    }
    address(first)?;
    address(second)?;
    let stage = match *state {
        "MM_NO_STATE" | "AG_NO_STATE" => Stage::Begun,
        "MM_SA_SETUP" => Stage::KeysPending,
        "MM_KEY_EXCH" | "AG_INIT_EXCH" | "CONF_XAUTH" => Stage::AuthPending,
        "MM_KEY_AUTH" | "AG_AUTH" | "QM_IDLE" | "CONF_ADDR" if rest.contains(&"(deleted)") => {
            Stage::Closing
        }
        "MM_KEY_AUTH" | "AG_AUTH" | "QM_IDLE" | "CONF_ADDR" => Stage::Up,
        _ => return None,
    };
    Some(ListedSa {
        version: Some(1),
        ..ListedSa::new(Layer::Ike, stage, state)
    })
}

/// `1  192.0.2.1/500  198.51.100.1/500  none/none  READY`, on ASA with `INITIATOR` behind it.
fn ikev2_row(body: &str) -> Option<ListedSa> {
    let mut words = body.split_whitespace();
    words.next()?.parse::<u64>().ok()?;
    let local = words.next()?;
    let remote = words.next()?;
    if !local.contains('/') || !remote.contains('/') {
        return None;
    }
    address(local)?;
    let peer = address(remote)?;
    let rest: Vec<&str> = words.collect();
    let word = rest
        .iter()
        .find(|w| matches!(**w, "READY" | "IN-NEG" | "DELETE"))?;
    let stage = match *word {
        "READY" => Stage::Up,
        "IN-NEG" => Stage::Connecting,
        _ => Stage::Closing,
    };
    Some(ListedSa {
        peer: Some(peer.to_owned()),
        role: rest.last().and_then(|w| role(w)),
        version: Some(2),
        ..ListedSa::new(Layer::Ike, stage, word)
    })
}

/// States of ASA: the message that is waited for tells who we are.
fn asa(word: &str) -> Option<(Stage, Option<Role>)> {
    let (i, r) = (Some(Role::Initiator), Some(Role::Responder));
    Some(match word {
        "MM_WAIT_MSG2" | "AM_WAIT_MSG2" => (Stage::FirstUnanswered, i),
        "MM_WAIT_MSG3" => (Stage::FirstAnswered, r),
        "MM_WAIT_MSG4" => (Stage::KeysPending, i),
        "MM_WAIT_MSG5" | "AM_WAIT_MSG3" => (Stage::AuthPending, r),
        "MM_WAIT_MSG6" => (Stage::AuthPending, i),
        "MM_ACTIVE" | "AM_ACTIVE" | "MM_REKEY_DONE_H2" | "MM_ACTIVE_REKEY" => (Stage::Up, None),
        "MM_WAIT_DELETE" | "AM_WAIT_DELETE" => (Stage::Closing, None),
        _ => return None,
    })
}

/// What IOS says beside `IN-NEG`.
fn described(said: &str) -> Option<(Stage, Option<Role>)> {
    let ours = role(said.split_whitespace().next()?);
    let stage = if said.contains("INIT response") {
        Stage::FirstUnanswered
    } else if said.contains("AUTH message") || said.contains("AUTH request") {
        Stage::FirstAnswered
    } else if said.contains("AUTH response") || said.contains("AUTH exchange") {
        Stage::AuthPending
    } else {
        return None;
    };
    Some((stage, ours))
}

/// `show crypto session`: what is up of both.
fn session(status: &str) -> Vec<ListedSa> {
    let ike = |stage| ListedSa::new(Layer::Ike, stage, status);
    let below = |stage| child(stage, None, status);
    match status {
        "UP-ACTIVE" => vec![ike(Stage::Up), below(Stage::Up)],
        "UP-IDLE" => vec![ike(Stage::Up), below(Stage::Absent)],
        "UP-NO-IKE" => vec![below(Stage::Up)],
        "DOWN-NEGOTIATING" => vec![ike(Stage::Connecting)],
        "DOWN" => vec![ike(Stage::Down)],
        _ => Vec::new(),
    }
}

/// `There are no ipsec sas`.
fn none(body: &str) -> Option<ListedSa> {
    let what = body.strip_prefix("There are no ")?.trim_end_matches('.');
    let layer = if what.eq_ignore_ascii_case("ipsec sas") {
        Layer::Child
    } else if ["isakmp sas", "IKEv1 SAs", "IKEv2 SAs"]
        .iter()
        .any(|w| what.eq_ignore_ascii_case(w))
    {
        Layer::Ike
    } else {
        return None;
    };
    Some(ListedSa::new(layer, Stage::Absent, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_versions() {
        let v1 = |line: &str| isakmp_row(line).map(|sa| sa.stage);
        assert_eq!(
            v1("198.51.100.1    192.0.2.1    MM_KEY_EXCH   1001 ACTIVE"),
            Some(Stage::AuthPending)
        );
        assert_eq!(
            v1("198.51.100.1    192.0.2.1    MM_NO_STATE   0    0 ACTIVE (deleted)"),
            Some(Stage::Begun)
        );
        assert_eq!(
            v1("198.51.100.1    192.0.2.1    QM_IDLE   1001 ACTIVE"),
            Some(Stage::Up)
        );
        assert_eq!(v1("packet from 198.51.100.1 MM_NO_STATE"), None);
        let v2 = |line: &str| ikev2_row(line).map(|sa| (sa.stage, sa.role));
        assert_eq!(
            v2("1  192.0.2.1/500  198.51.100.1/500  none/none  IN-NEG"),
            Some((Stage::Connecting, None))
        );
        assert_eq!(
            v2("12345  192.0.2.1/500  198.51.100.1/500  READY  RESPONDER"),
            Some((Stage::Up, Some(Role::Responder)))
        );
    }

    #[test]
    fn the_awaited_message_tells_the_role() {
        assert_eq!(
            asa("MM_WAIT_MSG3"),
            Some((Stage::FirstAnswered, Some(Role::Responder)))
        );
        assert_eq!(
            described("Initiator waiting for INIT response"),
            Some((Stage::FirstUnanswered, Some(Role::Initiator)))
        );
        assert_eq!(described("Negotiation done"), None);
    }
}
