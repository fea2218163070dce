//! Flows that a filter remembers: `conntrack -L`, `-E`, `/proc/net/nf_conntrack`. Only those of IKE and of ESP in UDP count.

use adit_model::fact::{Fact, Known};
use adit_model::host::{Flow, HostState};

use super::fact;
use crate::reading::Place;
use crate::text::Line;

/// A flow of UDP 500 or 4500 in a line: `udp 17 28 src=A dst=B sport=500 dport=500 [UNREPLIED] src=B dst=A sport=500
/// dport=500 mark=0 use=1`.
pub(super) fn line(line: &Line<'_>, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
    let body = line.body;
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
