//! Tables: Vyatta's and VyOS's `show vpn ike sa` and `show vpn ipsec sa`, Junos's `show security … security-associations`,
//! PAN-OS's `show vpn …`.

use adit_model::event::Role;
use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{address, child, listed, role, spi};
use crate::reading::Place;

/// The table whose rows follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// `State  Encrypt  Hash …  IKEv`.
    VyattaIke,
    /// `Tunnel  Id  State  Bytes Out/In …`.
    VyattaIpsec,
    /// `Connection  State  Uptime  Bytes In/Out …`.
    VyosIpsec,
    /// `Connection  State  Type  Remote address …`.
    VyosConnections,
}

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Tables {
    table: Option<Table>,
    /// The peer that the table's head names.
    peer: Option<String>,
    /// `Role: …, State: …` of Junos, whose cookies come next.
    open: Option<(ListedSa, Place)>,
}

impl Tables {
    /// The next line; `marked` when it holds a word that statuses have.
    pub(super) fn line(
        &mut self,
        body: &str,
        marked: bool,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        if marked && let Some(table) = head(body) {
            self.table = Some(table);
            return;
        }
        if self.table.is_some() {
            let text = body.trim();
            if text.is_empty() || text.starts_with('-') {
                return;
            }
            if let Some(sa) = self.row(text) {
                facts.push(listed(place(), sa));
                return;
            }
        }
        if body.contains("Peer ID / IP") {
            (self.table, self.peer) = (None, None);
            return;
        }
        if let Some(peer) = peers(body) {
            self.peer = Some(peer.to_owned());
            return;
        }
        if marked {
            self.other(body.trim(), place, facts);
        }
    }

    fn row(&self, text: &str) -> Option<ListedSa> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let up = |word: &str| match word {
            "up" => Some(Stage::Up),
            "down" => Some(Stage::Down),
            "init" | "connecting" => Some(Stage::Connecting),
            _ => None,
        };
        match self.table? {
            Table::VyattaIke => {
                let word = words.first().filter(|_| words.len() > 4)?;
                // State, Encrypt, Hash, D-H Grp, …
                let ke = words.get(3).and_then(|w| w.parse().ok());
                Some(ListedSa {
                    peer: self.peer.clone(),
                    ke,
                    ..ListedSa::new(Layer::Ike, up(word)?, word)
                })
            }
            Table::VyattaIpsec => {
                let word = words.iter().take(3).skip(1).find(|w| up(w).is_some())?;
                Some(ListedSa {
                    peer: self.peer.clone(),
                    ..child(up(word)?, None, word)
                })
            }
            Table::VyosIpsec => {
                let (name, word) = (words.first()?, words.get(1)?);
                Some(child(up(word)?, Some(name), word))
            }
            Table::VyosConnections => {
                let (name, word) = (words.first()?, words.get(1)?);
                let layer = match *words.get(2)? {
                    "IKEv1" | "IKEv2" | "IKEv1/2" => Layer::Ike,
                    "IPsec" => Layer::Child,
                    _ => return None,
                };
                Some(ListedSa {
                    name: Some((*name).to_owned()),
                    ..ListedSa::new(layer, up(word)?, word)
                })
            }
        }
    }

    fn other(&mut self, text: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        if let Some(sa) = junos_row(text) {
            facts.push(listed(place(), sa));
        } else if let Some((peer, _)) = text
            .strip_prefix("IKE peer ")
            .and_then(|rest| rest.split_once(", Index"))
        {
            self.peer = address(peer).map(ToOwned::to_owned);
        } else if let Some((ours, state)) = text
            .strip_prefix("Role: ")
            .and_then(|rest| rest.split_once(", State: "))
        {
            self.finish(facts);
            let stage = match state {
                "UP" => Stage::Up,
                "DOWN" => Stage::Down,
                _ => return,
            };
            let sa = ListedSa {
                peer: self.peer.clone(),
                role: role(ours),
                ..ListedSa::new(Layer::Ike, stage, state)
            };
            self.open = Some((sa, place()));
        } else if let Some((_, cookie)) = text.split_once("Responder cookie: ") {
            if let Some((sa, _)) = &mut self.open
                && sa.stage == Stage::Down
                && sa.role == Some(Role::Initiator)
                && spi(cookie) == Some(false)
            {
                sa.stage = Stage::FirstUnanswered;
            }
            self.finish(facts);
        } else if let Some(sa) = counted(text).or_else(|| panos(text)) {
            facts.push(listed(place(), sa));
        }
    }

    /// What was listed last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if let Some((sa, place)) = self.open.take() {
            facts.push(listed(place, sa));
        }
    }
}

fn head(body: &str) -> Option<Table> {
    let has = |word: &str| body.contains(word);
    if !has("State") {
        return None;
    }
    if has("Encrypt") && has("Hash") && has("IKEv") {
        Some(Table::VyattaIke)
    } else if has("Tunnel") && has("Bytes Out/In") {
        Some(Table::VyattaIpsec)
    } else if has("Connection") && has("Up") && has("Bytes In/Out") {
        Some(Table::VyosIpsec)
    } else if has("Connection") && has("Type") && has("Remote address") {
        Some(Table::VyosConnections)
    } else {
        None
    }
}

/// `198.51.100.1   192.0.2.1`, `198.51.100.1 gw-b   192.0.2.1 gw-a`: the peer's address.
fn peers(body: &str) -> Option<&str> {
    let mut words = body.split_whitespace();
    let first = words.next()?;
    if !first.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let peer = address(first)?;
    let rest: Vec<&str> = words.collect();
    let other = match rest.as_slice() {
        [other] => other,
        [_, other, _] => other,
        _ => return None,
    };
    address(other).map(|_| peer)
}

/// `7511026 UP  d40c69def0f2e014  783356e00cddfb70  IKEv2  198.51.100.1`; in older versions the address is first.
fn junos_row(text: &str) -> Option<ListedSa> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words
        .iter()
        .take(3)
        .position(|w| matches!(*w, "UP" | "DOWN"))?;
    if at == 0 || words.len() > 8 {
        return None;
    }
    let word = words.get(at)?;
    let ours = spi(words.get(at + 1)?)?;
    let theirs = spi(words.get(at + 2)?)?;
    let peer = words
        .iter()
        .rev()
        .chain(words.first())
        .find_map(|w| address(w))?;
    let stage = match (*word, ours, theirs) {
        ("UP", ..) => Stage::Up,
        (_, true, false) => Stage::FirstUnanswered,
        _ => Stage::Down,
    };
    Some(ListedSa {
        peer: Some(peer.to_owned()),
        role: (stage == Stage::FirstUnanswered).then_some(Role::Initiator),
        ..ListedSa::new(Layer::Ike, stage, word)
    })
}

/// `Total active tunnels: 0`; `Show IPSec SA: Total 1 tunnels found. 0 ipsec sa found.`
fn counted(text: &str) -> Option<ListedSa> {
    let stage = |n: u32| if n == 0 { Stage::Absent } else { Stage::Up };
    if let Some((_, rest)) = text.split_once("Total active tunnels: ") {
        let n = rest.split_whitespace().next()?.parse().ok()?;
        return Some(child(stage(n), None, text));
    }
    let (head, _) = text.split_once(" sa found")?;
    let mut words = head.rsplit(' ');
    let layer = match words.next()? {
        "ike" => Layer::Ike,
        "ipsec" => Layer::Child,
        _ => return None,
    };
    let n = words.next()?.parse().ok()?;
    Some(ListedSa::new(layer, stage(n), text))
}

/// `There is no IPSec SA found.`; `4  tun-b  init  off  192.0.2.1  198.51.100.1  tunnel.1`.
fn panos(text: &str) -> Option<ListedSa> {
    if let Some(what) = text
        .strip_prefix("There is no ")
        .and_then(|rest| rest.split_once(" found"))
        .map(|(what, _)| what)
    {
        let layer = match what {
            "IKEv1 phase-1 SA" | "IKEv2 SA" => Layer::Ike,
            "IPSec SA" => Layer::Child,
            _ => return None,
        };
        return Some(ListedSa::new(layer, Stage::Absent, text));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let [id, name, state, _, local, remote, interface] = words.as_slice() else {
        return None;
    };
    id.parse::<u32>().ok()?;
    address(local)?;
    let peer = address(remote)?;
    if !interface.starts_with("tunnel") {
        return None;
    }
    let stage = match *state {
        "active" => Stage::Up,
        "init" | "inactive" => Stage::Down,
        _ => return None,
    };
    Some(ListedSa {
        peer: Some(peer.to_owned()),
        ..child(stage, Some(name), state)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_junos_and_panos() {
        let one = |line: &str| {
            junos_row(line)
                .or_else(|| panos(line))
                .map(|sa| (sa.layer, sa.stage))
        };
        assert_eq!(
            one("7511026 DOWN   d40c69def0f2e014  0000000000000000  Main  198.51.100.1"),
            Some((Layer::Ike, Stage::FirstUnanswered))
        );
        assert_eq!(
            one("7511026 UP     d40c69def0f2e014  783356e00cddfb70  IKEv2  198.51.100.1"),
            Some((Layer::Ike, Stage::Up))
        );
        assert_eq!(
            one("4   tun-b   init   off  192.0.2.1  198.51.100.1  tunnel.1"),
            Some((Layer::Child, Stage::Down))
        );
        assert_eq!(one("eth0 is UP and 192.0.2.1 is on it"), None);
    }

    #[test]
    fn heads_of_vyatta_and_vyos() {
        assert_eq!(
            head("    State    Encrypt       Hash    D-H Grp  A-Time  L-Time IKEv"),
            Some(Table::VyattaIke)
        );
        assert_eq!(
            head("Connection  State  Uptime  Bytes In/Out  Packets In/Out  Remote address"),
            Some(Table::VyosIpsec)
        );
        assert_eq!(head("State of the art"), None);
        assert_eq!(peers("198.51.100.1        192.0.2.1"), Some("198.51.100.1"));
        assert_eq!(
            peers("198.51.100.1 gw-b   192.0.2.1 gw-a"),
            Some("198.51.100.1")
        );
        assert_eq!(peers("198.51.100.1 is down"), None);
    }
}
