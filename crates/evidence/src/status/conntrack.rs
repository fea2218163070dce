//! Flows that a filter remembers: `conntrack -L`, `-E`, `/proc/net/nf_conntrack`, `pfctl -s state`.
//!
//! Those of IKE and of ESP in UDP count, and those from one private network to another that were given a public source and
//! have no answer: they were meant for a tunnel, and left by the gateway's uplink.

use std::net::Ipv4Addr;

use adit_model::fact::{Fact, Known};
use adit_model::host::{Flow, HostState};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use super::{fact, sign};
use crate::reading::Place;
use crate::text::Line;

/// So many networks are kept: who pastes more rules of this kind pastes the same again.
const MOST: usize = 64;

/// Follows a filter's memory.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// Networks for which packets are to be translated once IPsec has taken them (pf's `nat on enc0 … to NETWORK`).
    by_tunnel: Vec<Selector>,
}

impl Flows {
    /// A flow of UDP 500 or 4500 in a line: `udp 17 28 src=A dst=B sport=500 dport=500 [UNREPLIED] src=B dst=A sport=500
    /// dport=500 mark=0 use=1`, or one that was translated.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body;
        if let Some((_, rule)) = body.split_once("nat on enc0 ") {
            let to = rule
                .split_once(" to ")
                .and_then(|(_, to)| to.split(' ').next());
            if self.by_tunnel.len() < MOST {
                self.by_tunnel
                    .extend(to.and_then(|net| net.parse::<Selector>().ok()));
            }
            return;
        }
        if let Some(to) = translated(body) {
            let named = to
                .parse::<Selector>()
                .is_ok_and(|to| self.by_tunnel.iter().any(|net| net.contains(&to)));
            let mut values = vec![("destination", to)];
            if named {
                values.push(("named", "enc0"));
            }
            facts.push(sign(place(), Sign::TunnelTranslated, &values));
            return;
        }
        // What is over says nothing of now.
        if !body.contains("dport=") || body.contains("[DESTROY]") {
            return;
        }
        if let Some(flow) = flow(body).filter(|f| {
            let ike = |port| matches!(port, 500 | 4500);
            ike(f.port) || ike(f.source_port)
        }) {
            let state = Box::new(HostState::Flow(flow));
            facts.push(fact(place(), Known::Host { state }));
        }
    }
}

/// Where a flow between private addresses goes whose source became a public one, and that nobody answers.
fn translated(body: &str) -> Option<&str> {
    let (from, to, into) = if body.contains("[UNREPLIED]") {
        let all = |name: &str, n: usize| {
            let mut words = body.split_ascii_whitespace();
            words.by_ref().filter_map(|w| w.strip_prefix(name)).nth(n)
        };
        (all("src=", 0)?, all("dst=", 0)?, all("dst=", 1)?)
    } else {
        // `all icmp 203.0.113.5:65464 (10.1.0.7:26770) -> 10.2.0.1:65464       0:0`
        let (head, rest) = body.split_once(") -> ")?;
        let (head, from) = head.split_once(" (")?;
        let mut rest = rest.split_ascii_whitespace();
        let (to, state) = (rest.next()?, rest.next()?);
        const SILENT: [&str; 4] = ["0:0", "SINGLE:NO_TRAFFIC", "SYN_SENT:CLOSED", "NO_TRAFFIC"];
        if !SILENT.contains(&state) {
            return None;
        }
        (from, to, head.rsplit(' ').next()?)
    };
    let host = |text: &'_ str| {
        let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
        host.parse::<Ipv4Addr>().ok()
    };
    let private = |text| host(text).is_some_and(|a| a.is_private());
    // Who pastes it may have taken his own address out.
    let public = match host(into) {
        Some(a) => !(a.is_private() || a.is_loopback() || a.is_link_local() || a.is_multicast()),
        None => into.to_ascii_uppercase().contains("WAN"),
    };
    let to = to.rsplit_once(':').map_or(to, |(host, _)| host);
    (private(from) && private(to) && public).then_some(to)
}

fn flow(body: &str) -> Option<Flow> {
    if !body.split_ascii_whitespace().any(|w| w == "udp") {
        return None;
    }
    let all = |name: &str| -> Vec<&str> {
        body.split_ascii_whitespace()
            .filter_map(|w| w.strip_prefix(name))
            .collect()
    };
    let (sources, destinations) = (all("src="), all("dst="));
    let (sports, dports) = (all("sport="), all("dport="));
    let port = |text: Option<&&str>| text.and_then(|t| t.parse::<u16>().ok());
    let text = |text: Option<&&str>| text.map(|t| (*t).to_owned());
    Some(Flow {
        from: text(sources.first())?,
        to: text(destinations.first())?,
        source_port: port(sports.first())?,
        port: port(dports.first())?,
        answers_from: text(sources.get(1))?,
        answers_to: text(destinations.get(1))?,
        answers_port: port(dports.get(1))?,
        unanswered: body.contains("[UNREPLIED]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_for_a_tunnel_and_gets_a_public_source_is_translated() {
        let linux = "icmp     1 29 src=10.1.0.7 dst=10.2.0.1 type=8 code=0 id=7 [UNREPLIED] src=10.2.0.1 dst=203.0.113.5 type=0 code=0 id=7 mark=0 use=1";
        let pf = "all icmp 203.0.113.5:65464 (10.1.0.7:26770) -> 10.2.0.1:65464       0:0";
        assert_eq!(translated(linux), Some("10.2.0.1"));
        assert_eq!(translated(pf), Some("10.2.0.1"));
        assert_eq!(
            translated(&pf.replace("203.0.113.5", "XX_WAN_XX")),
            Some("10.2.0.1")
        );
        for other in [
            // Answered, a private uplink, a server in the Internet, nothing translated.
            linux.replace("[UNREPLIED] ", ""),
            linux.replace("203.0.113.5", "192.168.7.2"),
            linux.replace("dst=10.2.0.1", "dst=198.51.100.1"),
            pf.replace("0:0", "ESTABLISHED:ESTABLISHED"),
            pf.replace("-> 10.2.0.1", "-> 198.51.100.1"),
            pf.replace("203.0.113.5:65464 (10.1.0.7:26770)", "10.1.0.7:26770"),
            pf.replace("203.0.113.5", "192.168.7.2"),
        ] {
            assert_eq!(translated(&other), None, "{other}");
        }
    }

    #[test]
    fn a_flow_tells_whither_its_answers_go() {
        let told = flow(
            "udp      17 28 src=10.1.0.1 dst=198.51.100.1 sport=500 dport=500 packets=4 bytes=1200 [UNREPLIED] src=198.51.100.1 dst=203.0.113.9 sport=500 dport=1027 packets=0 bytes=0 mark=0 use=1",
        );
        assert_eq!(
            told.map(|f| (f.from, f.answers_to, f.answers_port, f.unanswered)),
            Some(("10.1.0.1".into(), "203.0.113.9".into(), 1027, true))
        );
        assert_eq!(flow("udp sport=500 dport=500"), None);
    }
}
