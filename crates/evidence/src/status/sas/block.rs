//! Blocks of `key: value` lines and lines of `key=value`: FortiGate, illumos, RouterOS, OpenBSD, AWS, Azure, and the kernels'
//! lists of SAs.

use adit_model::event::Role;
use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{address, child, listed, role, spi, waiting};
use crate::reading::Place;

/// What the lines of a block have told before the one that has the state.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// `diagnose vpn ike gateway list` goes on.
    gateway: bool,
    name: Option<String>,
    peer: Option<String>,
    role: Option<Role>,
    version: Option<u8>,
    /// The responder's SPI isn't 0.
    answered: Option<bool>,
    /// How many CHILD SAs there are, as far as it is told.
    children: Option<bool>,
}

impl Blocks {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let body = body.trim();
        if body.starts_with("vd: ") || body.contains("vpn ike gateway list") {
            *self = Self {
                gateway: true,
                ..Self::default()
            };
        } else if let Some((key, value)) = body.split_once(':').filter(|_| self.gateway) {
            self.fortigate(key, value.trim(), place, facts);
        }
        if let Some(rest) = body.strip_prefix("IKESA:") {
            if let Some(sa) = self.illumos(rest.trim()) {
                facts.push(listed(place(), sa));
            }
        } else if let Some(name) = body
            .strip_prefix("name=")
            .filter(|_| body.contains(" ver="))
        {
            self.name = name.split_whitespace().next().map(ToOwned::to_owned);
        } else if let Some(sa) = self
            .selector(body)
            .or_else(|| summary(body))
            .or_else(|| kernel(body))
            .or_else(|| routeros(body))
            .or_else(|| openbsd(body))
            .or_else(|| cloud(body))
        {
            facts.push(listed(place(), sa));
        }
    }

    /// `diagnose vpn ike gateway list`.
    fn fortigate(
        &mut self,
        key: &str,
        value: &str,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        match key {
            "name" => self.name = Some(value.to_owned()),
            "version" => self.version = value.parse().ok(),
            "addr" => {
                self.peer = value
                    .split_once("-> ")
                    .and_then(|(_, to)| address(to))
                    .map(ToOwned::to_owned);
            }
            "IPsec SA" => self.children = Some(value.contains("established ")),
            "id/spi" => {
                self.answered = value.rsplit_once('/').and_then(|(_, r)| spi(r));
            }
            "direction" => self.role = role(value),
            "status" => {
                let word = value.split([' ', ',']).next().unwrap_or(value);
                let stage = match word {
                    "established" => Stage::Up,
                    "connecting" => waiting(self.role, self.version, self.answered),
                    _ => return,
                };
                let sa = ListedSa {
                    name: self.name.clone(),
                    peer: self.peer.clone(),
                    role: self.role,
                    version: self.version,
                    ..ListedSa::new(Layer::Ike, stage, word)
                };
                facts.push(listed(place(), sa));
                if stage == Stage::Up
                    && let Some(there) = self.children.take()
                {
                    let below = if there { Stage::Up } else { Stage::Absent };
                    facts.push(listed(place(), child(below, self.name.as_deref(), word)));
                }
            }
            _ => {}
        }
    }

    /// `ikeadm dump p1`: `Cookies: Initiator 0x… Responder 0x…`, who we are, the state.
    fn illumos(&mut self, said: &str) -> Option<ListedSa> {
        if said.starts_with("Cookies:") {
            *self = Self {
                answered: said.split_whitespace().last().and_then(spi),
                ..Self::default()
            };
        } else if let Some(who) = said.strip_prefix("The local host is the ") {
            self.role = role(who);
        }
        let word = said.strip_prefix("Current state is ")?;
        let stage = match word {
            "ACTIVE" => Stage::Up,
            "DELETED" => Stage::Closing,
            _ if word.starts_with("INITIALIZING") => Stage::Begun,
            _ if word.starts_with("SENT FIRST MSG") => waiting(
                self.role.or(Some(Role::Initiator)),
                Some(1),
                Some(self.role == Some(Role::Responder)),
            ),
            _ if word.starts_with("SENT SECOND MSG") => Stage::KeysPending,
            _ if word.starts_with("SENT FINAL MSG") => Stage::AuthPending,
            _ => return None,
        };
        Some(ListedSa {
            role: self.role,
            version: Some(1),
            ..ListedSa::new(Layer::Ike, stage, word)
        })
    }

    /// `proxyid=p2 proto=0 sa=1 ref=2` of `diagnose vpn tunnel list`.
    fn selector(&self, body: &str) -> Option<ListedSa> {
        let rest = body.strip_prefix("proxyid=")?;
        let sas = rest
            .split_whitespace()
            .find_map(|w| w.strip_prefix("sa="))?;
        let stage = if sas == "0" { Stage::Down } else { Stage::Up };
        Some(child(stage, self.name.as_deref(), &format!("sa={sas}")))
    }
}

/// `'to-b' 198.51.100.1:0  selectors(total,up): 1/0  rx(pkt,err): 0/0` of `get vpn ipsec tunnel summary`.
fn summary(body: &str) -> Option<ListedSa> {
    let (head, rest) = body.split_once("selectors(total,up):")?;
    let pair = rest.split_whitespace().next()?;
    let (_, up) = pair.split_once('/')?;
    let stage = if up.parse::<u32>().ok()? == 0 {
        Stage::Down
    } else {
        Stage::Up
    };
    let name = head.split('\'').nth(1);
    let peer = head.split_whitespace().nth(1).and_then(address);
    Some(ListedSa {
        peer: peer.map(ToOwned::to_owned),
        ..child(stage, name, pair)
    })
}

/// `state=MATURE` of `ipseckey dump`, `state=mature` of `setkey -D`.
fn kernel(body: &str) -> Option<ListedSa> {
    if body == "No SAD entries." {
        return Some(child(Stage::Absent, None, body));
    }
    if !body.contains("SADB_ASSOC") && !body.starts_with("seq=0x") {
        return None;
    }
    let (_, state) = body.split_once("state=")?;
    let word = state.split([' ', ',']).next()?;
    let stage = match word.to_ascii_lowercase().as_str() {
        "mature" | "dying" => Stage::Up,
        "larval" => Stage::ChildPending,
        "dead" => Stage::Closing,
        _ => return None,
    };
    Some(child(stage, None, word))
}

/// `state=message-1-sent side=initiator`, `ph2-state=no-phase2`.
fn routeros(body: &str) -> Option<ListedSa> {
    let value = |key: &str| {
        body.split_whitespace()
            .find_map(|w| w.strip_prefix(key))
            .map(|v| v.trim_matches('"'))
    };
    if let Some(word) = value("ph2-state=") {
        let stage = match word {
            "established" => Stage::Up,
            "no-phase2" => Stage::Absent,
            "msg1-sent" => Stage::ChildPending,
            _ => return None,
        };
        return Some(child(stage, None, word));
    }
    let word = value("state=").or_else(|| {
        body.split_whitespace()
            .find(|w| w.starts_with("message-") && w.ends_with("-sent"))
    })?;
    let ours = value("side=").and_then(role);
    let stage = match word {
        "established" if ours.is_some() => Stage::Up,
        "message-1-sent" => Stage::FirstUnanswered,
        "message-2-sent" => Stage::FirstAnswered,
        "message-3-sent" => Stage::KeysPending,
        "message-4-sent" | "message-5-sent" => Stage::AuthPending,
        _ => return None,
    };
    Some(ListedSa {
        role: ours,
        peer: value("remote-address=")
            .and_then(address)
            .map(ToOwned::to_owned),
        ..ListedSa::new(Layer::Ike, stage, word)
    })
}

/// `iked_sas: 0x… rspi 0x… ispi 0x… 192.0.2.1:500->198.51.100.1:500<FQDN/b>[] ESTABLISHED i …` of `ikectl show sa`.
fn openbsd(body: &str) -> Option<ListedSa> {
    if body.starts_with("sa_childsas:") {
        return Some(child(Stage::Up, None, "sa_childsas"));
    }
    let rest = body.strip_prefix("iked_sas:")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let after = |key: &str| {
        let at = words.iter().position(|w| *w == key)?;
        words.get(at + 1).copied()
    };
    let (_, peer) = words.iter().find_map(|w| w.split_once("->"))?;
    let known = |w: &&&str| {
        matches!(
            **w,
            "ESTABLISHED"
                | "SA_INIT"
                | "INIT"
                | "AUTH_REQUEST"
                | "AUTH_SUCCESS"
                | "VALID"
                | "CLOSING"
                | "CLOSED"
        )
    };
    let at = words.iter().position(|w| known(&w))?;
    let word = words.get(at)?;
    let ours = match words.get(at + 1) {
        Some(&"i") => Some(Role::Initiator),
        Some(&"r") => Some(Role::Responder),
        _ => None,
    };
    let stage = match *word {
        "ESTABLISHED" => Stage::Up,
        "CLOSING" | "CLOSED" => Stage::Closing,
        _ => waiting(ours, Some(2), after("rspi").and_then(spi)),
    };
    Some(ListedSa {
        peer: address(peer.split(['<', ' ']).next()?).map(ToOwned::to_owned),
        role: ours,
        version: Some(2),
        ..ListedSa::new(Layer::Ike, stage, word)
    })
}

/// `"StatusMessage": "IPSEC IS DOWN"` of AWS's telemetry, `ConnectionStatus : NotConnected` of Azure.
fn cloud(body: &str) -> Option<ListedSa> {
    let (key, value) = body.split_once(':')?;
    let clean = |text: &'_ str| text.trim_matches([' ', '"', ',']).to_owned();
    let (key, value) = (clean(key), clean(value));
    let stage = match (key.as_str(), value.as_str()) {
        ("StatusMessage", "IPSEC IS DOWN")
        | ("ConnectionStatus" | "connectionStatus", "NotConnected") => Stage::Down,
        ("ConnectionStatus" | "connectionStatus", "Connecting") => Stage::Connecting,
        _ => return None,
    };
    Some(ListedSa::new(Layer::Ike, stage, &value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_kernels_and_routers() {
        let one = |line: &str| {
            summary(line)
                .or_else(|| kernel(line))
                .or_else(|| routeros(line))
                .or_else(|| openbsd(line))
                .or_else(|| cloud(line))
                .map(|sa| (sa.layer, sa.stage))
        };
        assert_eq!(
            one(
                "'to-b' 198.51.100.1:0  selectors(total,up): 2/0  rx(pkt,err): 0/0  tx(pkt,err): 0/0"
            ),
            Some((Layer::Child, Stage::Down))
        );
        assert_eq!(
            one("SA: SADB_ASSOC spi=0x11a183ba, replay=32, state=MATURE"),
            Some((Layer::Child, Stage::Up))
        );
        assert_eq!(
            one("0  R  remote-address=198.51.100.1 state=message-1-sent side=initiator"),
            Some((Layer::Ike, Stage::FirstUnanswered))
        );
        assert_eq!(
            one(
                "iked_sas: 0x5d3 rspi 0x0000000000000000 ispi 0x65967eb4beab8549 192.0.2.1:500->198.51.100.1:500<>[] SA_INIT i nexti 0x0"
            ),
            Some((Layer::Ike, Stage::FirstUnanswered))
        );
        assert_eq!(
            one("\"StatusMessage\": \"IPSEC IS DOWN\","),
            Some((Layer::Ike, Stage::Down))
        );
        assert_eq!(
            one("ConnectionStatus        : NotConnected"),
            Some((Layer::Ike, Stage::Down))
        );
        assert_eq!(one("state=established in some log"), None);
    }
}
