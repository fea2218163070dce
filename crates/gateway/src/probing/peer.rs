//! What the peer's host and its IKE daemon answer from here, and whether there is a NAT between: one first message of IKE
//! to each port, from a port of its own, repeated once if it isn't answered; an echo.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_ike::NatStatus;
use adit_kernel::{KernelError, Netlink, PathErrorKind, PingOptions, PingOutcome, UdpPort, ping};
use adit_model::event::PathProblem;
use adit_model::fact::{Known, Probe, ProbeOutcome};
use adit_model::probed::{Check, Outcome, Sent};
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use adit_wire::v2::{Header, IkeSpi};

use super::{Situation, since};
use crate::probe::{problem, wait};

/// Tests of the peer and of the way to it.
pub(super) fn checks(situation: &Situation, provider: &Provider) -> Vec<Check> {
    let Some(peer) = situation.peer else {
        return vec![Check::new(
            "peer",
            Outcome::Unknown,
            "the peer's address isn't known: it begins, or its name has no address",
        )];
    };
    let mut checks = vec![echo(situation, peer)];
    let ports = [
        (situation.connection.remote_port, false),
        (situation.nat_port.max(1), true),
    ];
    let local = situation
        .local
        .map(|local| local.ip())
        .or(situation.connection.local)
        .or_else(|| Netlink::open().ok()?.own_route_to(peer).ok()?.source);
    let Some(local) = local else {
        return checks;
    };
    let mut nat = None;
    for (port, marked) in ports {
        let remote = SocketAddr::new(peer, port);
        match Asked::ask(situation, provider, local, remote, marked) {
            Ok(asked) => {
                nat = nat.or(asked.nat);
                checks.push(asked.check(situation, remote));
            }
            Err(error) => checks.push(Check::new(
                &format!("ike-{port}"),
                Outcome::Unknown,
                error.to_string(),
            )),
        }
    }
    // Who doesn't answer a first message told it when the tunnel came up.
    checks.push(nat_check(nat.or(situation.nat)));
    checks
}

fn echo(situation: &Situation, peer: IpAddr) -> Check {
    let options = PingOptions {
        source: situation.connection.local,
        timeout: Duration::from_millis(1000),
        bypass_ipsec: true,
        ..PingOptions::default()
    };
    let mut sent = Sent::default();
    sent.add(options.size + if peer.is_ipv4() { 28 } else { 48 });
    let (outcome, told, fact) = match ping(peer, &options) {
        Ok(PingOutcome::Reply { rtt }) => {
            let ms = u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX);
            (
                Outcome::Well,
                format!(
                    "the peer's host answers an echo after {:.1} ms",
                    rtt.as_secs_f64() * 1e3
                ),
                ProbeOutcome::Answered(ms),
            )
        }
        Ok(PingOutcome::Error(error)) => (
            Outcome::Note,
            format!("an echo to the peer's host failed: {}", problem(error.kind)),
            ProbeOutcome::Failed(problem(error.kind)),
        ),
        Ok(PingOutcome::Timeout) => (
            Outcome::Note,
            "the peer's host doesn't answer an echo, which many are set to".to_owned(),
            ProbeOutcome::Silent(1000),
        ),
        Err(error) => (Outcome::Unknown, error.to_string(), ProbeOutcome::NotMade),
    };
    Check::new("echo", outcome, told)
        .sent(sent)
        .fact(Known::Probed {
            probe: Probe::Echo {
                to: peer,
                outcome: fact,
            },
        })
}

/// What came of a first message.
struct Asked {
    outcome: ProbeOutcome,
    nat: Option<NatStatus>,
    took_ms: u64,
    sent: Sent,
}

impl Asked {
    fn ask(
        situation: &Situation,
        provider: &Provider,
        local: IpAddr,
        remote: SocketAddr,
        marked: bool,
    ) -> Result<Self, KernelError> {
        let socket = UdpPort::bind(SocketAddr::new(local, 0))?;
        // Policies of the kernel's IPsec that cover the peer aren't for this. Where there are none, neither is this.
        let _ = socket.bypass_ipsec();
        let local = SocketAddr::new(local, socket.local().port());
        let connection = &situation.connection;
        let request = adit_ike::probe::request_between(provider, connection, local, remote);
        let mut asked = Self {
            outcome: ProbeOutcome::NotMade,
            nat: None,
            took_ms: 0,
            sent: Sent::default(),
        };
        let Some((spi, message)) = request else {
            return Ok(asked);
        };
        let datagram = if marked { mark_ike(&message) } else { message };
        let started = Instant::now();
        let mut buffer = vec![0; 65_536];
        for _ in 0..2 {
            asked
                .sent
                .add(datagram.len() + if remote.is_ipv4() { 28 } else { 48 });
            if let Err(error) = socket.send(&datagram, remote, None) {
                let errno = error.raw_os_error().unwrap_or(0);
                asked.outcome = ProbeOutcome::Failed(PathProblem::LocalSend(errno));
                return Ok(asked);
            }
            let until = Instant::now() + PATIENCE;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                wait(&socket, left);
                while let Ok(received) = socket.receive(&mut buffer) {
                    let payload = received.payload(&buffer);
                    if received.from == remote && asked.hears(payload, spi, local, remote) {
                        asked.took_ms = since(started);
                        return Ok(asked);
                    }
                }
                while let Ok(Some(error)) = socket.receive_error() {
                    // That a first message is cut on the way is no failure.
                    if !matches!(error.kind, PathErrorKind::FragNeeded { .. }) {
                        asked.outcome = ProbeOutcome::Failed(problem(error.kind));
                        return Ok(asked);
                    }
                }
            }
        }
        asked.outcome = ProbeOutcome::Silent(since(started));
        Ok(asked)
    }

    /// An answer counts when it bears the SPI, which nobody else can know.
    fn hears(
        &mut self,
        datagram: &[u8],
        spi: IkeSpi,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> bool {
        let message = match classify(datagram) {
            Ok(Encapsulated::Ike(message)) => message,
            _ => datagram,
        };
        let Ok(header) = Header::parse(message) else {
            return false;
        };
        if header.spi_i != spi {
            return false;
        }
        self.outcome = ProbeOutcome::AnsweredVersion(header.version.major);
        self.nat = adit_ike::probe::nat(message, local, remote);
        true
    }

    fn check(&self, situation: &Situation, remote: SocketAddr) -> Check {
        let id = format!("ike-{}", remote.port());
        let (outcome, told) = match self.outcome {
            ProbeOutcome::AnsweredVersion(version) => (
                Outcome::Well,
                format!(
                    "IKE answers on {remote} after {} ms, with version {version}",
                    self.took_ms
                ),
            ),
            // The tunnel is up, so at most a first message is what isn't answered.
            _ if situation.up => (
                Outcome::Note,
                format!("{remote}: {}; the tunnel is up all the same", self.outcome),
            ),
            ProbeOutcome::NotMade => (
                Outcome::Unknown,
                "no key exchange that is configured works here".to_owned(),
            ),
            _ => (
                Outcome::Finding,
                format!("IKE doesn't answer on {remote}: {}", self.outcome),
            ),
        };
        Check::new(&id, outcome, told)
            .sent(self.sent)
            .fact(Known::Probed {
                probe: Probe::IkeInit {
                    to: remote.ip(),
                    port: remote.port(),
                    outcome: self.outcome,
                },
            })
    }
}

fn nat_check(nat: Option<NatStatus>) -> Check {
    let Some(nat) = nat else {
        return Check::new(
            "nat",
            Outcome::Unknown,
            "whether there is a NAT can't be told: no answer had the hashes of addresses that show it",
        );
    };
    let (outcome, told) = match (nat.local_behind_nat, nat.remote_behind_nat) {
        (false, false) => (Outcome::Well, "there is no NAT between the gateways"),
        (true, false) => (Outcome::Note, "we are behind a NAT"),
        (false, true) => (Outcome::Note, "the peer is behind a NAT"),
        (true, true) => (Outcome::Note, "both sides are behind a NAT"),
    };
    Check::new("nat", outcome, told)
        .value("local_behind_nat", nat.local_behind_nat)
        .value("remote_behind_nat", nat.remote_behind_nat)
}

/// How long an answer is waited for, twice.
const PATIENCE: Duration = Duration::from_millis(1000);
