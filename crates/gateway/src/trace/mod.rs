//! The way of packets between two hosts through this one: `adit trace`.
//!
//! Three things are put together: what the kernel's tables and filters say ([`crate::probing`]), where on the host packets
//! of the flow are counted ([`adit_kernel::watch`]), and what the data plane does with them ([`crate::walking`]). All of it
//! is done beside the loop, except that packets are followed.

mod far;
mod filters;
mod kernel;
mod steps;
#[cfg(test)]
mod tests;
mod untaken;
mod way;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_esp::WalkFilter;
use adit_ike::IkeSaSnapshot;
use adit_kernel::watch::Watch;
use adit_kernel::{Netlink, PingOptions, PingOutcome, ping, xfrm};
use adit_model::probed::Sent;
use adit_model::selector::Selector;
use adit_model::traced::{How, Traced};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

pub(crate) use self::far::Reply;
use self::kernel::{Counted, States};
use crate::answer::{error, reply};
use crate::attempt::TaskDone;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::probing::{Networks, Situation, since};
use crate::protocol::{RequestError, Response, Walk};
use crate::tunnel::Tunnel;

/// What is to be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub from: IpAddr,
    pub to: IpAddr,
    pub protocol: Option<u8>,
    pub port: Option<u16>,
    /// A packet may be sent.
    pub send: bool,
    /// How long packets of others are waited for.
    pub wait: Duration,
}

/// What this host is to a flow.
pub(crate) struct Here {
    /// This host's addresses.
    own: Vec<IpAddr>,
    /// The devices by which the flow's ends are reached.
    onward: Option<String>,
    back: Option<String>,
}

impl Here {
    fn look(asked: &Asked) -> Self {
        let Ok(mut netlink) = Netlink::open() else {
            return Self {
                own: Vec::new(),
                onward: None,
                back: None,
            };
        };
        let all = netlink.addresses().unwrap_or_default();
        let own: Vec<IpAddr> = all.iter().map(|a| a.net.addr()).collect();
        let mut by = |to, from: IpAddr| {
            let source = own.contains(&from).then_some(from);
            let way = netlink.route_to(to, source).ok()?;
            Some(netlink.link_by_index(way.device?).ok()?.name)
        };
        let (onward, back) = (by(asked.to, asked.from), by(asked.from, asked.to));
        Self { own, onward, back }
    }
}

/// What was seen of a flow.
#[derive(Default)]
pub(crate) struct Evidence {
    pub how: Option<How>,
    /// Where its packets were counted.
    pub counts: Vec<(adit_kernel::watch::Spot, u64)>,
    /// What the data plane did with them; `None` where it couldn't be asked.
    pub walks: Option<Vec<Walk>>,
    /// Which counters of the kernel's IPsec grew meanwhile.
    pub kernel: Vec<(String, u64)>,
    /// What the kernel's states of the child have counted; `None` where they aren't the kernel's.
    pub states: Option<Vec<Counted>>,
    /// Whether an answer came to what was sent.
    pub answered: Option<Duration>,
    pub sent: Sent,
    /// What couldn't be done.
    pub problem: Option<String>,
}

impl Gateway {
    /// Follows packets, and answers when that is done. What this host is to them is looked up beside the loop.
    pub(crate) fn trace(&mut self, asked: Asked, answer: oneshot::Sender<Answer>) {
        let tasks = self.tasks.clone();
        tokio::task::spawn_blocking(move || {
            let here = Here::look(&asked);
            let begins = TaskDone::TraceBegins {
                asked,
                here,
                answer,
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(begins);
        });
    }

    /// The same, with what this host is to them.
    pub(crate) fn trace_begins(
        &mut self,
        asked: Asked,
        here: &Here,
        answer: oneshot::Sender<Answer>,
    ) {
        let snapshot = self.endpoint.snapshot();
        let Some((tunnel, turned)) = self.tunnel_of(&asked, here, &snapshot) else {
            let near = self.nearest(&asked, &snapshot);
            tokio::task::spawn_blocking(move || {
                let traced = Box::new(untaken::no_tunnel(&asked, near));
                reply(answer, Answer::Lines(vec![Response::Traced { traced }]));
            });
            return;
        };
        let mut situation = self.situation_in(tunnel, &snapshot);
        // From here on, this flow is all that the tunnel is for.
        let (local, remote) = if turned {
            (asked.to, asked.from)
        } else {
            (asked.from, asked.to)
        };
        let child = situation.child_of(local, remote);
        situation.children = vec![Networks {
            child: child.clone(),
            local: vec![Selector::host(local)],
            remote: vec![Selector::host(remote)],
        }];
        // The children of a tunnel that leads in this one's place have names of their own.
        if !situation.leads_elsewhere() {
            situation.pairs.retain(|pair| pair.child == child);
        }
        let known = spis(&snapshot);
        // Who asks about packets to a port of ours can't have them made here: they begin at the peer's side.
        let to_us = turned && matches!(asked.protocol, Some(6 | 17));
        let sends = asked.send && !to_us && here.own.contains(&local);
        let follows = sends || !asked.wait.is_zero();
        if follows && (self.walking.is_some() || Arc::strong_count(&self.tracing) > 1) {
            let why = "packets are being followed for somebody else; ask again when that is over";
            let line = error(RequestError::NotNow, why.to_owned());
            return reply(answer, Answer::Lines(vec![line]));
        }
        let walked = (follows && self.backend.plane().is_some()).then(|| {
            let limit = if sends { ANSWER } else { asked.wait };
            let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            let (walks, walked) = oneshot::channel();
            self.walk(&filter(&asked, local, remote), FOLLOWED, millis, walks);
            walked
        });
        let going_on = follows.then(|| Arc::clone(&self.tracing));
        let asker = self.asker(&situation.connection.name);
        tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let in_kernel = situation.carrier.is_kernel();
            let states = in_kernel.then(|| States::begin(&situation.pairs, situation.peer, known));
            let states = states.flatten();
            let evidence = match follows {
                true => follow(&asked, (local, remote), sends, walked, states),
                false => Evidence::default(),
            };
            let checks = situation.host_checks();
            let mut traced = steps::traced(&asked, &situation, turned, &evidence, &checks);
            traced.child = Some(child);
            if situation.up
                && let Some(heard) = far::ask(&asker, &asked)
            {
                far::join(&mut traced, heard);
            }
            traced.took_ms = since(started);
            drop(going_on);
            let traced = Box::new(traced);
            reply(answer, Answer::Lines(vec![Response::Traced { traced }]));
        });
    }

    /// The tunnel that takes packets of this kind, and whether `from` is on the peer's side. Where several would, it is the
    /// one into whose interface routes lead, and else one without an interface.
    fn tunnel_of(
        &self,
        asked: &Asked,
        here: &Here,
        snapshot: &[IkeSaSnapshot],
    ) -> Option<(&Tunnel, bool)> {
        let mut found: Option<(u8, &Tunnel, bool)> = None;
        for tunnel in self.tunnels.values() {
            let situation = self.situation_in(tunnel, snapshot);
            let interface = tunnel.connection.interface.as_ref().map(|i| &i.name);
            for turned in [false, true] {
                let (local, remote, leads) = match turned {
                    false => (asked.from, asked.to, &here.onward),
                    true => (asked.to, asked.from, &here.back),
                };
                let rank = match interface {
                    Some(own) if leads.as_ref() == Some(own) => 0,
                    None => 1,
                    Some(_) => 2,
                };
                let better = found.is_none_or(|(best, ..)| rank < best);
                if better && situation.takes(local, remote, asked.protocol) {
                    found = Some((rank, tunnel, turned));
                }
            }
        }
        found.map(|(_, tunnel, turned)| (tunnel, turned))
    }

    /// A tunnel that takes one of the two addresses, and what it is for.
    fn nearest(&self, asked: &Asked, snapshot: &[IkeSaSnapshot]) -> Option<String> {
        let within =
            |selectors: &[Selector], address| selectors.iter().any(|s| s.matches(0, None, address));
        self.tunnels.values().find_map(|tunnel| {
            let situation = self.situation_in(tunnel, snapshot);
            situation.children.iter().find_map(|child| {
                let near = within(&child.remote, asked.to) || within(&child.local, asked.from);
                let list = |all: &[Selector]| {
                    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
                    texts.join(", ")
                };
                near.then(|| {
                    format!(
                        "{}/{} is for {} <-> {}",
                        tunnel.connection.name,
                        child.child,
                        list(&child.local),
                        list(&child.remote)
                    )
                })
            })
        })
    }
}

/// Of every SA that the key exchange knows.
fn spis(snapshot: &[IkeSaSnapshot]) -> BTreeSet<u32> {
    let children = snapshot.iter().flat_map(|sa| &sa.children);
    children.flat_map(|c| [c.spi_in, c.spi_out]).collect()
}

impl Situation {
    /// Whether one of the tunnel's children takes packets between these two.
    fn takes(&self, local: IpAddr, remote: IpAddr, protocol: Option<u8>) -> bool {
        self.children
            .iter()
            .any(|child| child.takes(local, remote, protocol))
    }

    fn child_of(&self, local: IpAddr, remote: IpAddr) -> String {
        let mut all = self.children.iter();
        let child = all.find(|child| child.takes(local, remote, None));
        child.map(|child| child.child.clone()).unwrap_or_default()
    }
}

impl Networks {
    fn takes(&self, local: IpAddr, remote: IpAddr, protocol: Option<u8>) -> bool {
        let within = |selectors: &[Selector], address: IpAddr| {
            selectors.iter().any(|selector| {
                let host = Selector::host(address);
                let same =
                    protocol.is_none_or(|p| selector.protocol == 0 || selector.protocol == p);
                same && Selector {
                    protocol: 0,
                    ports: (0, u16::MAX),
                    ..*selector
                }
                .contains(&host)
            })
        };
        within(&self.local, local) && within(&self.remote, remote)
    }
}

fn filter(asked: &Asked, local: IpAddr, remote: IpAddr) -> WalkFilter {
    let host = |address| Selector {
        protocol: asked.protocol.unwrap_or(0),
        ..Selector::host(address)
    };
    let mut filter = WalkFilter {
        local: host(local),
        remote: host(remote),
    };
    if let (Some(port), Some(6 | 17)) = (asked.port, asked.protocol) {
        let end = if remote == asked.to {
            &mut filter.remote
        } else {
            &mut filter.local
        };
        end.ports = (port, port);
    }
    filter
}

/// Sends a packet or waits for one, with counters on its way.
fn follow(
    asked: &Asked,
    (local, remote): (IpAddr, IpAddr),
    sends: bool,
    walked: Option<oneshot::Receiver<Answer>>,
    states: Option<States>,
) -> Evidence {
    let mut evidence = Evidence {
        how: Some(if sends { How::Sent } else { How::Watched }),
        ..Evidence::default()
    };
    let watch = match Watch::begin(asked.from, asked.to, asked.protocol) {
        Ok(watch) => Some(watch),
        Err(error) => {
            evidence.problem = Some(error.to_string());
            None
        }
    };
    let before = xfrm::statistics::read();
    let started = Instant::now();
    if sends {
        evidence.answered = send(asked, local, remote, &mut evidence.sent);
    }
    match walked.map(oneshot::Receiver::blocking_recv) {
        // The kernel carries packets: what it does with them shows in its counters alone.
        None => {}
        Some(Ok(Answer::Lines(lines))) => {
            for line in lines {
                match line {
                    Response::Walked { walks, .. } => evidence.walks = Some(walks),
                    Response::Error { message, .. } => evidence.problem = Some(message),
                    _ => {}
                }
            }
        }
        _ => evidence.problem = Some("packets couldn't be followed".to_owned()),
    }
    if evidence.walks.is_none() && !sends {
        // Only the counters are left to wait for.
        std::thread::sleep(asked.wait.saturating_sub(started.elapsed()));
    }
    if let Some(watch) = watch {
        match watch.counts() {
            Ok(counts) => evidence.counts = counts,
            Err(error) => evidence.problem = Some(error.to_string()),
        }
    }
    evidence.states = states.and_then(States::counted);
    evidence.kernel = xfrm::statistics::read()
        .into_iter()
        .filter_map(|(name, now)| {
            let more = now.saturating_sub(before.get(&name).copied().unwrap_or(0));
            (more > 0).then_some((name, more))
        })
        .collect();
    evidence
}

/// Sends one packet from this host, and tells after how long an answer came.
fn send(asked: &Asked, local: IpAddr, remote: IpAddr, sent: &mut Sent) -> Option<Duration> {
    let headers = if remote.is_ipv4() { 20 } else { 40 };
    let started = Instant::now();
    match (asked.protocol, asked.port) {
        (Some(6), Some(port)) => {
            sent.add(headers + 40);
            let connect = async {
                let socket = match local {
                    IpAddr::V4(_) => TcpSocket::new_v4()?,
                    IpAddr::V6(_) => TcpSocket::new_v6()?,
                };
                socket.bind(SocketAddr::new(local, 0))?;
                let connected = socket.connect(SocketAddr::new(remote, port));
                tokio::time::timeout(ANSWER, connected).await?
            };
            match tokio::runtime::Handle::current().block_on(connect) {
                Ok(_) => Some(started.elapsed()),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    Some(started.elapsed())
                }
                Err(_) => None,
            }
        }
        (Some(17), Some(port)) => {
            sent.add(headers + 8);
            let socket = UdpSocket::bind((local, 0)).ok()?;
            socket.send_to(&[], (remote, port)).ok()?;
            None
        }
        _ => {
            let options = PingOptions {
                source: Some(local),
                timeout: ANSWER,
                ..PingOptions::default()
            };
            sent.add(headers + 8 + options.size);
            match ping(remote, &options) {
                Ok(PingOutcome::Reply { rtt }) => Some(rtt),
                _ => None,
            }
        }
    }
}

/// Name of a protocol, for people.
pub(crate) fn protocol_name(protocol: Option<u8>, v4: bool) -> String {
    match protocol {
        None if v4 => "icmp".to_owned(),
        None => "ipv6-icmp".to_owned(),
        Some(1) => "icmp".to_owned(),
        Some(6) => "tcp".to_owned(),
        Some(17) => "udp".to_owned(),
        Some(58) => "ipv6-icmp".to_owned(),
        Some(number) => format!("protocol {number}"),
    }
}

impl Asked {
    pub(crate) fn document(&self) -> Traced {
        Traced {
            schema: adit_model::traced::SCHEMA.to_owned(),
            from: self.from,
            to: self.to,
            protocol: self.protocol,
            port: self.port,
            how: How::Predicted,
            tunnel: None,
            child: None,
            hops: Vec::new(),
            stopped: None,
            problem: None,
            open: false,
            far: None,
            summary: String::new(),
            sent: Sent::default(),
            took_ms: 0,
        }
    }
}

/// How long the answer to a packet of ours is waited for.
const ANSWER: Duration = Duration::from_millis(1500);
/// A packet and its answer.
const FOLLOWED: u64 = 2;
