//! Tests of a tunnel's surroundings, which tell look-alikes apart: what this host does with its packets ([`host`],
//! [`ways`], [`filters`], [`policies`]), and what the peer, hosts behind it and servers answer ([`peer`], [`inside`], [`outside`]).
//!
//! What the host does is only read, never tried: no packet is sent and nothing is changed. What is sent is counted,
//! bounded, and never anything that an SA in use could be hurt by: echo requests, and first messages of IKE from a port of
//! their own. All of it blocks, so it runs beside the loop, on what [`Situation`] holds.

pub(crate) mod esp;
mod filters;
mod host;
pub(crate) mod inside;
mod load;
mod outside;
mod peer;
mod policies;
mod ways;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_crypto::{Provider, Shape};
use adit_ike::{ChildSaState, IkeSaSnapshot, IkeSaState, NatStatus};
use adit_kernel::Netlink;
use adit_model::carriage::Df;
use adit_model::connection::Connection;
use adit_model::policy::Policy;
use adit_model::probed::{Check, Outcome, Probed};
use adit_model::proposal::Suite;
use adit_model::selector::Selector;

use tokio::sync::oneshot;

use crate::answer::reply;
use crate::asking::{Asker, Sa};
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::host::Host;
use crate::load::Burden;
use crate::protocol::Response;
use crate::retry::Presence;
use crate::tunnel::Tunnel;
use crate::turns::whatever_happens;

/// What the tests need to know of a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    pub connection: Arc<Connection>,
    pub peer: Option<IpAddr>,
    pub up: bool,
    /// Our end of the IKE SA, while there is one.
    pub local: Option<SocketAddr>,
    /// The traffic of each child: as agreed, or as configured.
    pub children: Vec<Networks>,
    /// What carries packets.
    pub carrier: Carrier,
    /// The pairs of SAs in use, of the tunnel into which packets are led.
    pub pairs: Vec<PairOf>,
    /// Our ports of IKE.
    pub ports: Vec<u16>,
    /// Our port for IKE and ESP in UDP.
    pub nat_port: u16,
    /// Whether ESP travels in UDP, where that is known.
    pub in_udp: Option<bool>,
    /// What NAT detection found when the IKE SA was set up, while there is one.
    pub nat: Option<NatStatus>,
    /// Between whom ESP travels, while there is an IKE SA.
    pub ends: Option<esp::Ends>,
    /// What a packet grows by in the newest pair of SAs, and its suite.
    pub protection: Option<(Shape, String)>,
    /// What packets to the peer are kept within, as our own data plane knows it.
    pub path_mtu: Option<u16>,
    /// The device that tunnels without an interface of their own share: routes lead into it, whoever carries packets then.
    pub shared: String,
    /// The counters of the pairs of SAs.
    pub counts: Vec<Sa>,
    /// Traffic that no tunnel carries.
    pub policies: Vec<Policy>,
    /// Where certificates of the tunnel say whether they are revoked.
    pub status_urls: Vec<String>,
    /// That the threads which carry its packets have no time left, where it is asked for.
    pub load: Option<Burden>,
}

/// What carries packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// This process, by the device of that name.
    Device(String),
    /// The kernel's IPsec, for a tunnel with an interface by the XFRM interface of that name and number.
    Kernel(Option<(String, u32)>),
    /// Nobody.
    Nobody,
}

impl Carrier {
    /// Whether it is the kernel's IPsec.
    pub fn is_kernel(&self) -> bool {
        matches!(self, Self::Kernel(_))
    }

    /// The device that packets have to be led into, where that matters: the kernel's policies take them from any other.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Device(name) | Self::Kernel(Some((name, _))) => Some(name),
            Self::Kernel(None) | Self::Nobody => None,
        }
    }
}

/// A pair of SAs in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PairOf {
    pub child: String,
    /// Our address and the peer's.
    pub local: IpAddr,
    pub remote: IpAddr,
    pub spi_in: u32,
    pub spi_out: u32,
}

/// Who a child's traffic is between.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    pub child: String,
    pub local: Vec<Selector>,
    pub remote: Vec<Selector>,
}

impl Networks {
    /// Addresses between which packets of the child may go, for each family: some of ours, one of the peer's.
    pub(crate) fn samples(&self) -> Vec<(Vec<IpAddr>, IpAddr)> {
        [true, false]
            .into_iter()
            .filter_map(|v4| {
                let of = |selectors: &[Selector]| {
                    let mut all = selectors.iter();
                    all.find(|s| s.start.is_ipv4() == v4).copied()
                };
                let local = of(&self.local)?;
                let ours = (1..=3).map(|nth| sample(&local, nth)).collect();
                Some((ours, sample(&of(&self.remote)?, 1)))
            })
            .collect()
    }
}

/// Stand for any address (RFC 5737, RFC 3849).
const EVERYTHING_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77));
const EVERYTHING_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 77));

/// An address that a host within the selector may have, the nth.
pub(crate) fn sample(selector: &Selector, nth: u8) -> IpAddr {
    if selector.start == selector.end {
        return selector.start;
    }
    if selector.start.is_unspecified() {
        return match selector.start {
            IpAddr::V4(_) => EVERYTHING_V4,
            IpAddr::V6(_) => EVERYTHING_V6,
        };
    }
    let next: IpAddr = match selector.start {
        IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits().saturating_add(nth.into())).into(),
        IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits().saturating_add(nth.into())).into(),
    };
    next.min(selector.end)
}

/// How many leading bits all addresses of a selector have in common.
fn common_bits(selector: &Selector) -> u8 {
    let bits = match (selector.start, selector.end) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (first.to_bits() ^ last.to_bits()).leading_zeros(),
        (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits() ^ last.to_bits()).leading_zeros(),
        _ => 0,
    };
    u8::try_from(bits).unwrap_or(u8::MAX)
}

impl Situation {
    /// What a child's addresses of ours and of the peer's have in common, in leading bits: samples stand for all of them.
    pub(crate) fn known_bits(&self, child: &str, v4: bool) -> (u8, u8) {
        let child = self.children.iter().find(|c| c.child == child);
        let of = |selectors: Option<&Vec<Selector>>| {
            let mut all = selectors.into_iter().flatten();
            all.find(|s| s.start.is_ipv4() == v4).map_or(0, common_bits)
        };
        (of(child.map(|c| &c.local)), of(child.map(|c| &c.remote)))
    }

    /// Tests of this host, which send nothing. They take a few milliseconds.
    pub(crate) fn host_checks(&self) -> Vec<Check> {
        let mut checks = host::checks(self);
        checks.extend(load::check(self));
        match Netlink::open() {
            Ok(mut netlink) => {
                let ways = ways::Ways::look(self, &mut netlink);
                checks.extend(ways.checks(self));
                checks.extend(filters::checks(self, &ways));
                checks.extend(policies::checks(self, &ways));
            }
            Err(error) => checks.push(Check::new("routes", Outcome::Unknown, error.to_string())),
        }
        checks
    }

    /// By how many milliseconds our clock is ahead of servers of revocation lists, if one gives its date. Asks three of them at most.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        if self.status_urls.is_empty() {
            return None;
        }
        let checks = outside::checks(self);
        let clock = checks.iter().find(|check| check.id == "clock")?;
        let seconds: i64 = clock.values.get("ahead_s")?.parse().ok()?;
        Some(seconds.saturating_mul(1000))
    }

    /// All tests.
    pub(crate) fn probe(
        &self,
        provider: &Provider,
        inside: Option<IpAddr>,
        asker: &Asker,
    ) -> Probed {
        let started = Instant::now();
        let mut checks = self.host_checks();
        // What waits for answers waits at the same time.
        let runtime = tokio::runtime::Handle::current();
        let (path, asked) = std::thread::scope(|scope| {
            let path = scope.spawn(|| {
                let _runtime = runtime.enter();
                esp::measure(self, provider, asker)
            });
            let peer = scope.spawn(|| peer::checks(self, provider));
            let inside = scope.spawn(|| inside::checks(self, inside));
            let outside = scope.spawn(|| outside::checks(self));
            let asked = [peer, inside, outside].map(|asked| asked.join().unwrap_or_default());
            (path.join(), asked)
        });
        let [peer, inside, outside] = asked;
        checks.extend(peer);
        let before = checks.len();
        checks.extend(inside);
        if let Ok(measured) = path {
            let path = esp::checks(self, measured, &checks);
            checks.splice(before..before, path);
        }
        checks.extend(outside);
        let name = &self.connection.name;
        Probed::new(name, self.peer, self.up, since(started), checks)
    }

    /// Whether nobody may cut its packets on the way, or those of some.
    pub(crate) fn is_whole(&self) -> bool {
        let mut children = self.connection.children.iter();
        children.any(|child| child.carriage.df != Df::Clear)
    }

    /// Whether packets are led into the interface of another tunnel.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        let own = self.connection.interface.as_ref();
        own.is_some_and(|own| {
            self.carrier
                .device()
                .is_some_and(|device| device != own.name)
        })
    }

    /// Whether an address is one of our side of the tunnel.
    pub(crate) fn is_ours(&self, address: IpAddr) -> bool {
        self.children
            .iter()
            .flat_map(|c| &c.local)
            .any(|s| (s.start..=s.end).contains(&address))
    }
}

impl Gateway {
    /// What is known of a tunnel, for tests beside the loop.
    pub(crate) fn situation(&self, tunnel: &Tunnel) -> Situation {
        self.situation_in(tunnel, &self.endpoint.snapshot())
    }

    /// The same, by a snapshot that was taken for many.
    pub(crate) fn situation_in(&self, tunnel: &Tunnel, snapshot: &[IkeSaSnapshot]) -> Situation {
        let connection = Arc::clone(&tunnel.connection);
        let sa = snapshot.iter().find(|sa| {
            sa.connection.as_ref() == Some(&connection.name) && sa.state == IkeSaState::Established
        });
        let agreed = sa.into_iter().flat_map(|sa| &sa.children);
        let agreed: Vec<_> = agreed
            .filter(|c| matches!(c.state, ChildSaState::Installed | ChildSaState::Rekeyed))
            .collect();
        let children = connection
            .children
            .iter()
            .map(|child| {
                let agreed = agreed.iter().find(|c| c.name == child.name);
                Networks {
                    child: child.name.clone(),
                    local: agreed.map_or_else(|| child.local_ts.clone(), |c| c.ts_local.clone()),
                    remote: agreed.map_or_else(|| child.remote_ts.clone(), |c| c.ts_remote.clone()),
                }
            })
            .collect();
        // Where its traffic is led now.
        let over = tunnel.watch.monitor.as_ref().and_then(|m| m.over());
        let leads = over.and_then(|other| self.tunnels.get(other));
        let leads = leads.map_or(&connection, |other| &other.connection);
        let own = leads.interface.as_ref().map(|i| i.name.clone());
        let number = || {
            let numbers = self.host.as_ref().map(Host::if_ids).unwrap_or_default();
            numbers.get(&leads.name).copied()
        };
        Situation {
            peer: tunnel.peer,
            up: tunnel.presence == Presence::Up,
            local: sa.map(|sa| sa.local),
            children,
            carrier: match &self.backend {
                Backend::User(_) => {
                    Carrier::Device(own.unwrap_or_else(|| self.options.tun_name.clone()))
                }
                Backend::Kernel(_) => Carrier::Kernel(own.and_then(|name| Some((name, number()?)))),
                Backend::Fake => Carrier::Nobody,
            },
            pairs: pairs_of(&leads.name, snapshot),
            ports: self
                .host
                .as_ref()
                .map(|host| host.ike_ports().to_vec())
                .unwrap_or_default(),
            nat_port: self.nat_port,
            in_udp: agreed.first().map(|c| c.udp_encap),
            nat: sa.and_then(|sa| sa.nat),
            ends: self.ends(sa),
            shared: self.options.tun_name.clone(),
            protection: agreed.last().and_then(|c| self.protection(&c.suite)),
            path_mtu: match &self.backend {
                Backend::User(user) => tunnel.peer.and_then(|peer| user.plane.path_mtu(peer)),
                Backend::Kernel(_) | Backend::Fake => None,
            },
            counts: self.pairs_of(&connection.name, None),
            policies: self.options.config.policies.clone(),
            status_urls: self.status_urls(&connection.name),
            load: None,
            connection,
        }
    }
}

/// The pairs of every IKE SA of a connection that is established: while one is replaced there are two, and either may send.
fn pairs_of(connection: &str, snapshot: &[IkeSaSnapshot]) -> Vec<PairOf> {
    let established = snapshot.iter().filter(|sa| {
        sa.connection.as_deref() == Some(connection) && sa.state == IkeSaState::Established
    });
    let in_use = |state| matches!(state, ChildSaState::Installed | ChildSaState::Rekeyed);
    established
        .flat_map(|sa| {
            let children = sa.children.iter().filter(|child| in_use(child.state));
            children.map(|pair| PairOf {
                child: pair.name.clone(),
                local: sa.local.ip(),
                remote: sa.remote.ip(),
                spi_in: pair.spi_in,
                spi_out: pair.spi_out,
            })
        })
        .collect()
}

impl Gateway {
    /// What a packet grows by under a suite, and its name.
    fn protection(&self, suite: &Suite) -> Option<(Shape, String)> {
        let (id, bits) = (suite.encr.id, suite.encr.key_bits);
        let protection = self.provider.protection(id, bits, suite.integ).ok()?;
        Some((protection.shape(), suite.to_string()))
    }

    /// The same for all tests, of which some need to know how much there is to do.
    fn situation_with_load(&self, tunnel: &Tunnel) -> Situation {
        let snapshot = self.endpoint.snapshot();
        let name = &tunnel.connection.name;
        let full = self.load.full(name, self.clock.now().mono);
        let load = full.map(|full| {
            let own = snapshot.iter().filter(|sa| {
                sa.connection.as_ref() == Some(name) && sa.state == IkeSaState::Established
            });
            let children = own.flat_map(|sa| &sa.children);
            let in_use = children
                .filter(|c| matches!(c.state, ChildSaState::Installed | ChildSaState::Rekeyed));
            Burden {
                full,
                suite: load::one_suite(in_use.map(|child| child.suite)),
                configured: self.options.config.gateway.threads != 0,
                provider: self.provider.clone(),
            }
        });
        Situation {
            load,
            ..self.situation_in(tunnel, &snapshot)
        }
    }

    fn status_urls(&self, tunnel: &str) -> Vec<String> {
        let mut urls: Vec<String> = self
            .keys
            .certificates()
            .filter(|(name, ..)| *name == tunnel)
            .flat_map(|(_, _, cert)| {
                let told = cert.extensions();
                told.crl_urls.iter().chain(&told.ocsp_urls).cloned()
            })
            .collect();
        urls.sort();
        urls.dedup();
        urls
    }

    /// Tests this host beside the loop, unless that was done a moment ago. Says whether tests are running.
    pub(crate) fn start_checks(&mut self, name: &str, fresh: Duration) -> bool {
        let now = self.clock.now().mono;
        let Some(tunnel) = self.tunnels.get(name) else {
            return false;
        };
        let known = tunnel.checked.as_ref();
        if tunnel.checking || known.is_some_and(|(at, ..)| now.since(*at) < fresh) {
            return tunnel.checking;
        }
        let situation = self.situation_with_load(tunnel);
        if situation.carrier == Carrier::Nobody {
            return false;
        }
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.checking = true;
        }
        let (tasks, tunnel) = (self.tasks.clone(), name.to_owned());
        let (provider, asker) = (self.provider.clone(), self.asker(name));
        self.turns.run(move || {
            let tests = || {
                let mut checks = situation.host_checks();
                if situation.up {
                    checks.extend(inside::checks(&situation, None));
                }
                // What passes through the tunnel needs no test of the path, and one that loses packets at random allows none.
                if situation.up && !inside::passes(&checks) && !inside::loses(&checks) {
                    let measured = esp::measure(&situation, &provider, &asker);
                    let path = esp::checks(&situation, measured, &checks);
                    checks.extend(path);
                }
                checks
            };
            let checks = whatever_happens(tests, broken_off);
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::Checked { tunnel, checks });
        });
        true
    }

    /// Tests of this host are done.
    pub(crate) fn checked(&mut self, name: &str, checks: Vec<Check>) {
        let now = self.clock.now();
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.checking = false;
            tunnel.checked = Some((now.mono, now.wall, checks));
        }
        let counters = self.counters(now.mono);
        self.lately.restart(counters);
        self.answer_cases();
    }

    /// Makes every test of a tunnel, beside the loop, and answers when they are done.
    pub(crate) fn probe(
        &mut self,
        name: &str,
        inside: Option<IpAddr>,
        answer: oneshot::Sender<Answer>,
    ) {
        if let Err(error) = self.names(Some(name)) {
            return reply(answer, Answer::Lines(vec![error]));
        }
        let Some(tunnel) = self.tunnels.get(name) else {
            return;
        };
        let situation = self.situation_with_load(tunnel);
        let provider = self.provider.clone();
        let asker = self.asker(name);
        self.turns.run_asked(move || {
            let probed = Box::new(situation.probe(&provider, inside, &asker));
            reply(answer, Answer::Lines(vec![Response::Probed { probed }]));
        });
    }
}

/// What is said of tests that broke off.
fn broken_off() -> Vec<Check> {
    let summary = "a test of this host broke off, so nothing is known of any; the log of the gateway says where";
    vec![Check::new("tests", Outcome::Unknown, summary)]
}

/// Milliseconds since then.
pub(crate) fn since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A sign as a check has it.
pub(crate) fn sign(
    sign: adit_model::sign::Sign,
    values: &[(&str, &str)],
) -> adit_model::fact::Known {
    adit_model::fact::Known::Sign {
        sign,
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A tunnel between two networks, which is up.
    pub(crate) fn situation(local: &str, remote: &str) -> Situation {
        let connection = crate::sample::connection("office");
        Situation {
            peer: Some([192, 0, 2, 2].into()),
            up: true,
            local: None,
            children: vec![Networks {
                child: "lan".to_owned(),
                local: vec![local.parse().unwrap()],
                remote: vec![remote.parse().unwrap()],
            }],
            carrier: Carrier::Device("adit0".to_owned()),
            pairs: Vec::new(),
            ports: vec![500, 4500],
            nat_port: 4500,
            in_udp: None,
            nat: None,
            ends: None,
            protection: None,
            path_mtu: None,
            shared: "adit0".to_owned(),
            counts: Vec::new(),
            policies: Vec::new(),
            status_urls: Vec::new(),
            load: None,
            connection: Arc::new(connection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::situation;
    use super::*;

    #[test]
    fn samples_stand_for_what_their_network_has_in_common() {
        let known = |local, remote, v4| situation(local, remote).known_bits("lan", v4);
        assert_eq!(known("10.1.0.0/24", "10.2.0.10/32", true), (24, 32));
        assert_eq!(known("0.0.0.0/0", "10.2.0.0/15", true), (0, 15));
        assert_eq!(
            known("2001:db8::/48", "2001:db8:1::1/128", false),
            (48, 128)
        );
        assert_eq!(known("10.1.0.0/24", "10.2.0.0/24", false), (0, 0));
    }

    /// While an IKE SA is replaced there are two, and the pairs of either may send.
    #[test]
    fn pairs_are_those_of_every_ike_sa_of_the_connection() {
        use crate::status::tests::{child, sa};
        let of = |connection: &str, spi_in, state| {
            let mut pair = child();
            pair.spi_in = spi_in;
            pair.state = state;
            let mut sa = sa(vec![pair]);
            sa.connection = Some(connection.to_owned());
            sa.state = IkeSaState::Established;
            sa
        };
        let mut connecting = of("office", 5, ChildSaState::Installed);
        connecting.state = IkeSaState::Connecting;
        let snapshot = [
            of("office", 1, ChildSaState::Installed),
            of("backup", 2, ChildSaState::Installed),
            of("office", 3, ChildSaState::Rekeyed),
            of("office", 4, ChildSaState::Deleting),
            connecting,
        ];
        let spis = |connection| {
            let pairs = pairs_of(connection, &snapshot).into_iter();
            pairs.map(|pair| pair.spi_in).collect::<Vec<_>>()
        };
        assert_eq!(spis("office"), [1, 3]);
        assert_eq!(spis("backup"), [2]);
    }

    #[test]
    fn packets_are_led_elsewhere_when_the_interface_is_another_tunnels() {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        assert!(!situation.leads_elsewhere(), "it has no interface");
        let mut connection = (*situation.connection).clone();
        connection.interface = Some(adit_model::connection::TunnelInterface {
            name: "office0".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: Vec::new(),
        });
        situation.connection = Arc::new(connection);
        for (device, elsewhere) in [("office0", false), ("backup0", true)] {
            situation.carrier = Carrier::Kernel(Some((device.to_owned(), 42)));
            assert_eq!(situation.leads_elsewhere(), elsewhere);
        }
    }

    #[test]
    fn an_address_is_ours_whatever_the_tunnel_takes_of_it() {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        situation.children[0].local[0].protocol = 6;
        assert!(situation.is_ours([10, 1, 0, 7].into()));
        assert!(!situation.is_ours([10, 2, 0, 7].into()));
    }

    #[test]
    fn a_test_that_breaks_off_leaves_nobody_waiting() {
        let checks = whatever_happens(|| panic!("of this test"), broken_off);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].outcome, Outcome::Unknown);
        assert!(whatever_happens(Vec::new, broken_off).is_empty());
    }
}
