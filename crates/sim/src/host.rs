//! Hosts behind gateways: they ping, send bulk data, and count what arrives.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use adit_model::Mono;
use adit_model::event::PathProblem;
use adit_wire::icmp::{Echo, Family, IcmpMessage};
use adit_wire::ip::{IpPacket, protocol};
use adit_wire::udp::UdpDatagram;

use crate::node::{Env, echo_reply, is_icmp};
use crate::packet::{self, Unreachable};
use crate::path_problem::path_problem_of;

/// UDP port on which hosts take bulk data.
const BULK_PORT: u16 = 5001;

/// First UDP port from which hosts send bulk data.
const BULK_SOURCE: u16 = 20_000;

/// What a ping run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PingReport {
    /// Requests sent.
    pub sent: u32,
    /// Requests that were answered, each counted once.
    pub received: u32,
    /// Round-trip times in order of arrival.
    pub times: Vec<Duration>,
    /// ICMP errors that came instead.
    pub problems: Vec<PathProblem>,
}

/// What a bulk run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkReport {
    /// Datagrams sent.
    pub sent: u32,
    /// Datagrams that arrived undamaged, each counted once.
    pub received: u32,
    /// Octets of data in these.
    pub octets: u64,
    /// Datagrams that arrived damaged.
    pub damaged: u32,
}

/// A host.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) pings: Vec<PingRun>,
    pub(crate) bulks: Vec<BulkRun>,
    /// What arrived here of other hosts' bulk runs, by sender.
    pub(crate) arrived: BTreeMap<SocketAddr, Arrived>,
}

pub(crate) struct PingRun {
    pub(crate) to: IpAddr,
    pub(crate) octets: usize,
    /// From where, if not from the host's first address.
    from: Option<IpAddr>,
    sent: Vec<Mono>,
    times: BTreeMap<u16, Duration>,
    order: Vec<u16>,
    problems: Vec<PathProblem>,
}

pub(crate) struct BulkRun {
    pub(crate) to: IpAddr,
    pub(crate) octets: usize,
    pub(crate) sent: u32,
}

#[derive(Default)]
pub(crate) struct Arrived {
    numbers: std::collections::BTreeSet<u32>,
    octets: u64,
    damaged: u32,
}

impl PingRun {
    pub(crate) fn new(from: Option<IpAddr>, to: IpAddr, octets: usize) -> Self {
        Self {
            to,
            octets,
            from,
            sent: Vec::new(),
            times: BTreeMap::new(),
            order: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn report(&self) -> PingReport {
        PingReport {
            sent: self.sent.len() as u32,
            received: self.times.len() as u32,
            times: self
                .order
                .iter()
                .filter_map(|n| self.times.get(n).copied())
                .collect(),
            problems: self.problems.clone(),
        }
    }
}

impl Arrived {
    pub(crate) fn add_to(&self, report: &mut BulkReport) {
        report.received += self.numbers.len() as u32;
        report.octets += self.octets;
        report.damaged += self.damaged;
    }
}

impl Host {
    /// Sends the next request of a ping run.
    pub(crate) fn send_ping(&mut self, env: &mut Env<'_>, run: usize) {
        let identifier = run as u16;
        let Some(ping) = self.pings.get_mut(run) else {
            return;
        };
        let sequence = ping.sent.len() as u16;
        ping.sent.push(env.now.mono);
        let data = (0..ping.octets).map(|i| i as u8).collect();
        let request = IcmpMessage::EchoRequest(Echo {
            identifier,
            sequence,
            data,
        });
        if let Some(from) = ping.from.or_else(|| own_address(env, ping.to)) {
            env.out.extend(packet::icmp(from, ping.to, &request));
        }
    }

    /// Sends the next datagram of a bulk run.
    pub(crate) fn send_bulk(&mut self, env: &mut Env<'_>, run: usize) {
        let Some(bulk) = self.bulks.get_mut(run) else {
            return;
        };
        let number = bulk.sent;
        bulk.sent += 1;
        let to = SocketAddr::new(bulk.to, BULK_PORT);
        let data = bulk_data(number, bulk.octets);
        let id = env.id();
        if let Some(from) = own_address(env, bulk.to) {
            env.out
                .extend(packet::udp(bulk_source(from, run), to, &data, id));
        }
    }

    pub(crate) fn deliver(&mut self, env: &mut Env<'_>, packet: &[u8]) {
        let Ok(ip) = IpPacket::parse(packet) else {
            return;
        };
        if ip.protocol == protocol::UDP {
            match UdpDatagram::parse(Some((ip.source, ip.destination)), ip.payload()) {
                Ok(datagram) if datagram.destination_port == BULK_PORT => {
                    let from = SocketAddr::new(ip.source, datagram.source_port);
                    self.arrived.entry(from).or_default().take(datagram.payload);
                }
                Ok(_) => env.unreachable(packet, Unreachable::Port),
                Err(_) => {}
            }
        } else if is_icmp(&ip) {
            env.out.extend(echo_reply(packet));
            self.icmp_received(env.now.mono, &ip);
        }
    }

    pub(crate) fn icmp_received(&mut self, now: Mono, ip: &IpPacket<'_>) {
        let family = Family::of(ip.source, ip.destination);
        match IcmpMessage::parse(family, ip.payload()) {
            Ok(IcmpMessage::EchoReply(echo)) => {
                let Some(ping) = self.pings.get_mut(usize::from(echo.identifier)) else {
                    return;
                };
                let Some(sent) = ping.sent.get(usize::from(echo.sequence)) else {
                    return;
                };
                let time = now.since(*sent);
                ping.times.entry(echo.sequence).or_insert_with(|| {
                    ping.order.push(echo.sequence);
                    time
                });
            }
            Ok(message) => {
                // Which run an error is about isn't worth finding out: it concerns whoever sends that way.
                if let (Some(problem), Some(ping)) =
                    (path_problem_of(ip, &message), self.pings.last_mut())
                {
                    ping.problems.push(problem);
                }
            }
            Err(_) => {}
        }
    }
}

impl Arrived {
    fn take(&mut self, data: &[u8]) {
        let number = data.first_chunk().map(|n| u32::from_be_bytes(*n));
        match number {
            Some(number) if data == bulk_data(number, data.len()) => {
                if self.numbers.insert(number) {
                    self.octets += data.len() as u64;
                }
            }
            _ => self.damaged += 1,
        }
    }
}

/// From where a bulk run is sent.
pub(crate) fn bulk_source(from: IpAddr, run: usize) -> SocketAddr {
    SocketAddr::new(from, BULK_SOURCE.wrapping_add(run as u16))
}

/// A number, then a pattern that depends on it, so that damage and mix-ups show. At least 4 octets.
fn bulk_data(number: u32, octets: usize) -> Vec<u8> {
    let mut data = number.to_be_bytes().to_vec();
    data.extend((4..octets).map(|i| (i as u32).wrapping_mul(31).wrapping_add(number) as u8));
    data
}

fn own_address(env: &Env<'_>, to: IpAddr) -> Option<IpAddr> {
    let own = env.own.iter().copied();
    own.into_iter().find(|own| own.is_ipv4() == to.is_ipv4())
}
