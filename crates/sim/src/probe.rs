//! Active probes of a gateway: an echo, and IKE_SA_INIT requests to both ports of the peer.

use std::net::{IpAddr, SocketAddr};

use adit_crypto::provider;
use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::event::PathProblem;
use adit_model::fact::{Probe, ProbeOutcome};
use adit_wire::icmp::{Echo, IcmpMessage};
use adit_wire::udp_encap::{NON_ESP_MARKER, mark_ike};
use adit_wire::v2::Header;

use crate::node::Env;
use crate::packet;

/// The peer's port for IKE and ESP in UDP.
const NAT_PORT: u16 = 4500;

/// UDP port of the first probe; each has its own.
const FIRST_PORT: u16 = 40_000;

/// All probes of one gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    running: Vec<Running>,
    /// Where the latest round begins.
    round: usize,
}

#[derive(Clone, Debug)]
struct Running {
    what: What,
    to: IpAddr,
    sent: Mono,
    outcome: Option<ProbeOutcome>,
    packet: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Echo { identifier: u16 },
    Init { port: u16, local_port: u16 },
}

impl Probes {
    /// Sends a round of probes to `to`, as `connection` would speak to it.
    pub(crate) fn send(&mut self, env: &mut Env<'_>, connection: &Connection, to: IpAddr) {
        self.round = self.running.len();
        let own = env.own.iter().copied();
        let from = own.into_iter().find(|own| own.is_ipv4() == to.is_ipv4());
        let provider = provider::fake(env.rng.next());
        let identifier = env.id();
        let echo = IcmpMessage::EchoRequest(Echo {
            identifier,
            sequence: 1,
            data: b"adit".to_vec(),
        });
        let packet = from.and_then(|from| packet::icmp(from, to, &echo));
        self.begin(env, What::Echo { identifier }, to, packet);
        for port in [connection.remote_port, NAT_PORT] {
            let local_port = FIRST_PORT.wrapping_add(self.running.len() as u16);
            let id = env.id();
            let request = adit_ike::probe::request(&provider, connection);
            let packet = from.zip(request).and_then(|(from, (_, message))| {
                let message = if port == NAT_PORT {
                    mark_ike(&message)
                } else {
                    message
                };
                packet::udp((from, local_port).into(), (to, port).into(), &message, id)
            });
            self.begin(env, What::Init { port, local_port }, to, packet);
        }
    }

    /// Sends what has come to nothing yet once more.
    pub(crate) fn send_again(&self, env: &mut Env<'_>) {
        let open = self.latest().filter(|probe| probe.outcome.is_none());
        env.out
            .extend(open.filter_map(|probe| probe.packet.clone()));
    }

    /// Whether every probe of the latest round has come to something.
    pub(crate) fn done(&self) -> bool {
        self.latest().all(|probe| probe.outcome.is_some())
    }

    /// What the latest round came to so far; what is still open was silent until `now`.
    pub(crate) fn results(&self, now: Mono) -> Vec<Probe> {
        self.latest()
            .map(|probe| {
                let silent = now.since(probe.sent).as_millis();
                let outcome = probe.outcome.unwrap_or(ProbeOutcome::Silent(
                    u64::try_from(silent).unwrap_or(u64::MAX),
                ));
                let to = probe.to;
                match probe.what {
                    What::Echo { .. } => Probe::Echo { to, outcome },
                    What::Init { port, .. } => Probe::IkeInit { to, port, outcome },
                }
            })
            .collect()
    }

    /// A datagram came to `local`: whether it belongs to a probe.
    pub(crate) fn answered(&mut self, now: Mono, local: SocketAddr, payload: &[u8]) -> bool {
        let Some((probe, port)) = self.by_port(local.port()) else {
            return false;
        };
        let message = match port {
            NAT_PORT => payload.strip_prefix(&NON_ESP_MARKER).unwrap_or(payload),
            _ => payload,
        };
        let waited = u64::try_from(now.since(probe.sent).as_millis()).unwrap_or(u64::MAX);
        let outcome = Header::parse(message).map_or(ProbeOutcome::Answered(waited), |header| {
            ProbeOutcome::AnsweredVersion(header.version.major)
        });
        probe.outcome.get_or_insert(outcome);
        true
    }

    /// An echo reply came.
    pub(crate) fn echoed(&mut self, now: Mono, identifier: u16) {
        for probe in &mut self.running {
            if probe.what == (What::Echo { identifier }) {
                let waited = u64::try_from(now.since(probe.sent).as_millis()).unwrap_or(u64::MAX);
                probe.outcome.get_or_insert(ProbeOutcome::Answered(waited));
            }
        }
    }

    /// An ICMP error came about a datagram from `local`: whether it belongs to a probe.
    pub(crate) fn failed(&mut self, local: SocketAddr, problem: PathProblem) -> bool {
        let Some((probe, _)) = self.by_port(local.port()) else {
            return false;
        };
        probe.outcome.get_or_insert(ProbeOutcome::Failed(problem));
        true
    }

    /// An ICMP error came about something that is no UDP datagram: an echo, if one is under way.
    pub(crate) fn echo_failed(&mut self, problem: PathProblem) {
        let round = self.round;
        for probe in self.running.iter_mut().skip(round) {
            if matches!(probe.what, What::Echo { .. }) {
                probe.outcome.get_or_insert(ProbeOutcome::Failed(problem));
            }
        }
    }

    fn begin(&mut self, env: &mut Env<'_>, what: What, to: IpAddr, packet: Option<Vec<u8>>) {
        env.out.extend(packet.clone());
        self.running.push(Running {
            what,
            to,
            sent: env.now.mono,
            outcome: packet.is_none().then_some(ProbeOutcome::NotMade),
            packet,
        });
    }

    fn latest(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().skip(self.round)
    }

    fn by_port(&mut self, port: u16) -> Option<(&mut Running, u16)> {
        self.running.iter_mut().find_map(|probe| match probe.what {
            What::Init {
                port: to,
                local_port,
            } if local_port == port => Some((probe, to)),
            _ => None,
        })
    }
}
