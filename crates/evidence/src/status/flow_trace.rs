//! What a firewall tells of one packet on its way through: `packet-tracer` of the ASA, `diagnose debug flow` of FortiOS.
//!
//! A packet to a private address that leaves with another source, and that no tunnel took, was meant for a tunnel: on the
//! ASA translation comes first, on FortiOS the route.

use std::net::Ipv4Addr;

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, Route};
use adit_model::sign::Sign;

use super::{fact, sign};
use crate::reading::Place;
use crate::text::Line;

/// Reads traces of packets.
#[derive(Debug, Default)]
pub(crate) struct FlowTrace {
    asa: Option<Traced>,
    fortios: Option<Flow>,
}

/// A packet to a private address that an ASA traces.
#[derive(Debug, Default)]
struct Traced {
    translated: Option<Place>,
    encrypted: bool,
}

/// The same of FortiOS.
#[derive(Debug)]
struct Flow {
    id: String,
    to: Ipv4Addr,
    way: Option<(Route, Place)>,
}

impl FlowTrace {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if body.starts_with("id=") {
            self.fortios(body, place, facts);
        } else if let Some((_, asked)) = body.split_once("packet-tracer input ") {
            let mut to = asked.split(' ').filter_map(|w| w.parse::<Ipv4Addr>().ok());
            self.asa = to
                .next_back()
                .filter(Ipv4Addr::is_private)
                .map(|_| Traced::default());
        } else if self.asa.is_some() {
            self.asa(body, place, facts);
        }
    }

    fn asa(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let Some(traced) = self.asa.as_mut() else {
            return;
        };
        if body == "Type: VPN" {
            traced.encrypted = true;
        } else if body.starts_with("Dynamic translate ") {
            traced.translated = Some(place());
        } else if body.starts_with("Action: ") {
            let done = self.asa.take();
            let passes = body == "Action: allow";
            let place = done.filter(|t| passes && !t.encrypted);
            if let Some(place) = place.and_then(|t| t.translated) {
                facts.push(sign(place, Sign::TunnelTranslated, &[]));
            }
        }
    }

    fn fortios(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let Some((id, said)) = body
            .split_once(" trace_id=")
            .and_then(|(_, rest)| rest.split_once(' '))
            .and_then(|(id, rest)| Some((id, rest.split_once("msg=\"")?.1)))
        else {
            return;
        };
        if let Some((_, packet)) = said.split_once(" received a packet(") {
            let to = packet.split_once("->").and_then(|(_, to)| {
                to.split([':', ')'])
                    .next()?
                    .parse()
                    .ok()
                    .filter(Ipv4Addr::is_private)
            });
            // What came out of a tunnel goes on to a neighbour.
            let to = to.filter(|_| !packet.contains("tun_id="));
            self.fortios = to.map(|to| Flow {
                id: id.to_owned(),
                to,
                way: None,
            });
            return;
        }
        let Some(flow) = self.fortios.as_mut().filter(|flow| flow.id == id) else {
            return;
        };
        if let Some((_, way)) = said.split_once("find a route: ") {
            let via = way
                .split_once("gw-")
                .and_then(|(_, gw)| gw.split(' ').next());
            let device = way
                .split_once(" via ")
                .map(|(_, d)| d.trim_end_matches(['"', '.']));
            let route = Route {
                network: flow.to.to_string(),
                via: via.map(ToOwned::to_owned),
                device: device.map(ToOwned::to_owned),
                ..Route::default()
            };
            flow.way = Some((route, place()));
        } else if said.starts_with("SNAT ") {
            let into = said
                .split_once("->")
                .and_then(|(_, into)| into.split([':', '"']).next()?.parse::<Ipv4Addr>().ok());
            let leaves = into.is_some_and(|into| !into.is_private());
            let done = self.fortios.take();
            if let Some((to, (route, place))) = done.and_then(|f| Some((f.to, f.way?)))
                && leaves
            {
                let state = HostState::Way {
                    to: to.to_string(),
                    route,
                };
                let state = Box::new(state);
                facts.push(fact(place, Known::Host { state }));
            }
        } else if said.contains("IPsec") || said.contains("ipsec") {
            self.fortios = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::read;
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    fn told(text: &str) -> usize {
        let reading = read(
            "trace",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_241_400_000),
        );
        let of_trace = |f: &&Fact| match &f.what {
            Known::Sign { sign, .. } => *sign == Sign::TunnelTranslated,
            Known::Host { state } => matches!(**state, HostState::Way { .. }),
            _ => false,
        };
        reading.facts.iter().filter(of_trace).count()
    }

    #[test]
    fn a_packet_that_leaves_translated_missed_the_tunnel() {
        let asa = "asa# packet-tracer input inside icmp 10.1.0.5 8 0 10.9.0.7\nPhase: 3\nType: NAT\nDynamic translate 10.1.0.5/0 to 198.51.100.1/4711\nPhase: 7\nType: FLOW-CREATION\nResult:\nAction: allow\n";
        assert_eq!(told(asa), 1);
        for other in [
            asa.replace("FLOW-CREATION", "VPN"),
            asa.replace("Action: allow", "Action: drop"),
            asa.replace("10.9.0.7", "192.0.2.7"),
            asa.replace("Dynamic", "Static"),
        ] {
            assert_eq!(told(&other), 0, "{other}");
        }
        let fortios = "id=65308 trace_id=9 func=print_pkt_detail line=5 msg=\"vd-root:0 received a packet(proto=1, 10.1.0.5:1->10.9.0.7:2048) from lan. type=8\"\nid=65308 trace_id=9 func=vf_ip_route_input_common line=6 msg=\"find a route: flag=04000000 gw-198.51.100.254 via wan2\"\nid=65308 trace_id=9 func=__ip_session_run_tuple line=7 msg=\"SNAT 10.1.0.5->198.51.100.1:60418\"\n";
        assert_eq!(told(fortios), 1);
        for other in [
            fortios.replace("SNAT 10.1.0.5->198.51.100.1", "SNAT 10.1.0.5->10.254.0.1"),
            fortios.replace("10.9.0.7", "192.0.2.7"),
            fortios.replace("SNAT 10", "enter IPsec interface-depot, 10"),
            fortios.replace("from lan.", "tun_id=192.0.2.9 from depot."),
        ] {
            assert_eq!(told(&other), 0, "{other}");
        }
    }
}
