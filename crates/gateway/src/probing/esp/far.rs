//! The side that is asked: it takes test packets, says which came, and sends some to the peer that has authenticated, within
//! the budget of a test; and what the loop does for both sides.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_ike::{AskedBy, IkeSaSnapshot, IkeSaState, PeerQuestion};
use adit_kernel::Netlink;
use adit_model::Mono;

use super::packet::{SHORTEST, Shot, Token};
use super::post::{MOST_PACKETS, Post};
use super::{Ends, Errand, Limits, MOST_SHOTS, Order, Said};
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::gateway::Gateway;
use crate::probing::Situation;

/// Tests that go on.
#[derive(Default)]
pub(crate) struct Tests {
    /// SPIs that test packets come under.
    expected: Vec<u32>,
    /// Those of peers, by the tunnel.
    of_peers: BTreeMap<String, Test>,
    /// What was sent for peers.
    spent: Expenses,
}

/// What was sent for peers, in all of their tests: no more than is allowed in a while, however often they ask. That holds for each
/// tunnel, whose peer may change the address of its IKE SA, and name another's; and for each address, which may be that of many
/// tunnels.
#[derive(Default)]
struct Expenses {
    by_tunnel: BTreeMap<String, Spent>,
    by_address: BTreeMap<IpAddr, Spent>,
}

impl Expenses {
    /// What is left now of what is sent for the peer of a tunnel to this address.
    fn left(&self, now: Mono, tunnel: &str, to: IpAddr) -> u64 {
        let of_tunnel = self.by_tunnel.get(tunnel);
        let of_address = self.by_address.get(&to);
        let both = of_tunnel.into_iter().chain(of_address);
        both.map(|spent| spent.left(now)).min().unwrap_or(ALLOWANCE)
    }

    /// Of these, those that are left to be sent.
    fn spend(&mut self, now: Mono, tunnel: &str, to: IpAddr, mut shots: Vec<Shot>) -> Vec<Shot> {
        let before = self.left(now, tunnel, to);
        let mut left = before;
        shots.retain(|shot| {
            let rest = left.checked_sub(shot.octets.into());
            left = rest.unwrap_or(left);
            rest.is_some()
        });
        if shots.is_empty() {
            return shots;
        }
        // Of addresses that a peer has moved away from nothing is kept for longer than it counts.
        self.by_address.retain(|_, spent| !spent.is_over(now));
        let of_tunnel = self.by_tunnel.entry(tunnel.to_owned());
        let of_address = self.by_address.entry(to);
        for spent in [of_tunnel.or_default(), of_address.or_default()] {
            spent.add(now, before - left);
        }
        shots
    }
}

/// What was sent in a while.
#[derive(Default)]
struct Spent {
    since: Mono,
    octets: u64,
}

impl Spent {
    fn is_over(&self, now: Mono) -> bool {
        now.since(self.since) >= WHILE
    }

    fn left(&self, now: Mono) -> u64 {
        match self.is_over(now) {
            true => ALLOWANCE,
            false => ALLOWANCE.saturating_sub(self.octets),
        }
    }

    fn add(&mut self, now: Mono, octets: u64) {
        if self.octets == 0 || self.is_over(now) {
            *self = Self {
                since: now,
                octets: 0,
            };
        }
        self.octets += octets;
    }
}

/// A test of a peer's.
struct Test {
    token: Token,
    spi: u32,
    ends: Ends,
    limits: Option<Limits>,
    begun: Mono,
    /// `None` while packets are being sent.
    post: Option<Post>,
    came: u64,
}

/// What a peer has asked for, done beside the loop.
pub(crate) struct Done {
    asked: AskedBy,
    token: Token,
    post: Post,
    said: Said,
}

impl Gateway {
    /// What the loop does for a test.
    pub(crate) fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Expect(spi, may) => {
                // Who asked may have gone.
                let _ = may.send(self.expect(spi));
            }
            Errand::Over(spi, came) => self.expect_no_more(spi, came),
            Errand::Done(done) => self.path_tested(*done),
            Errand::Forgotten(connection, token) => {
                let tests = &mut self.esp_tests.of_peers;
                if tests.get(&connection).is_some_and(|t| t.token == token) {
                    self.forget_test(&connection);
                }
            }
        }
    }

    /// Whether a quoted packet is one of a test: what the network says of it is no word about a tunnel.
    pub(crate) fn is_of_test(&self, quoted: Option<[u8; 4]>) -> bool {
        let spi = quoted.map(u32::from_be_bytes);
        spi.is_some_and(|spi| self.esp_tests.expected.contains(&spi))
    }

    fn expect(&mut self, spi: u32) -> Result<(), &'static str> {
        let is_taken = self.backend.pairs().iter().any(|pair| pair.spi_in == spi)
            || self.esp_tests.expected.contains(&spi);
        if is_taken || spi < 0x100 {
            return Err("the SPI of the test is in use");
        }
        if self.esp_tests.expected.len() >= MOST_TESTS {
            return Err("there are too many tests at once");
        }
        self.esp_tests.expected.push(spi);
        self.backend.set_tests(&self.esp_tests.expected, 0);
        Ok(())
    }

    fn expect_no_more(&mut self, spi: u32, came: u64) {
        self.esp_tests.expected.retain(|other| *other != spi);
        self.backend.set_tests(&self.esp_tests.expected, came);
    }

    fn forget_test(&mut self, connection: &str) {
        if let Some(mut test) = self.esp_tests.of_peers.remove(connection) {
            let late = test.post.as_mut().map_or(0, |post| post.arrived().len());
            self.expect_no_more(test.spi, test.came + late as u64);
        }
    }

    /// A peer asks about the path.
    pub(crate) fn peer_asks_of_path(&mut self, asked: &PeerQuestion) {
        let Ok(order) = serde_json::from_slice::<Order>(&asked.text) else {
            return;
        };
        match order.shots {
            None => {
                let said = self.begin_test(asked, order.token, order.spi);
                let said = said.unwrap_or_else(|problem| Said {
                    problem: Some(problem.to_owned()),
                    ..Said::default()
                });
                self.answer_far(&asked.by, &said);
            }
            Some(shots) => self.go_on_with_test(&asked.by, order.token, shots),
        }
    }

    fn begin_test(
        &mut self,
        asked: &PeerQuestion,
        token: Token,
        spi: u32,
    ) -> Result<Said, &'static str> {
        let connection = asked.by.connection.as_str();
        let now = self.clock.now().mono;
        let before = self.esp_tests.of_peers.get(connection);
        if before.is_some_and(|test| now.since(test.begun) < PAUSE) {
            return Err("it was asked for another test just now");
        }
        let tunnel = self
            .tunnels
            .get(connection)
            .ok_or("it has no such tunnel")?;
        let snapshot = self.endpoint.snapshot();
        let situation = self.situation_in(tunnel, &snapshot);
        let ends = situation.ends.ok_or("it has no such tunnel")?;
        // Of several callers of one tunnel none has packets sent to another.
        let its = |sa: &&IkeSaSnapshot| sa.spis == (asked.by.spis.0.0, asked.by.spis.1.0);
        let its = snapshot.iter().find(its).map(|sa| sa.remote.ip());
        if its != Some(ends.remote.ip()) {
            return Err("it tests the path to another peer of this tunnel");
        }
        let spent = &self.esp_tests.spent;
        if spent.left(now, connection, ends.remote.ip()) < LEAST_LEFT {
            return Err("it has sent all that it sends for tests in a minute");
        }
        self.forget_test(connection);
        let limits = situation.limits(ends);
        self.expect(spi)?;
        let post = Post::open(ends, spi, token);
        if post.problem().is_some() {
            self.expect_no_more(spi, 0);
            return Err("it can't open sockets for test packets");
        }
        let test = Test {
            token,
            spi,
            ends,
            limits,
            begun: now,
            post: Some(post),
            came: 0,
        };
        self.esp_tests.of_peers.insert(connection.to_owned(), test);
        let (tasks, name) = (self.tasks.clone(), connection.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST).await;
            let forgotten = TaskDone::EspTest(Errand::Forgotten(name, token));
            // The loop is gone when the gateway stops.
            let _ = tasks.send(forgotten).await;
        });
        Ok(Said {
            limits,
            ..Said::default()
        })
    }

    fn go_on_with_test(&mut self, asked: &AskedBy, token: Token, shots: Vec<Shot>) {
        let connection = asked.connection.as_str();
        let test = self.esp_tests.of_peers.get_mut(connection);
        let Some(test) = test.filter(|test| test.token == token) else {
            let said = Said {
                problem: Some("it doesn't know of this test any more".to_owned()),
                ..Said::default()
            };
            return self.answer_far(asked, &said);
        };
        let Some(mut post) = test.post.take() else {
            return;
        };
        let shots = allowed(shots, test.ends, test.limits);
        let now = self.clock.now().mono;
        let to = test.ends.remote.ip();
        let shots = self.esp_tests.spent.spend(now, connection, to, shots);
        let (tasks, asked) = (self.tasks.clone(), asked.clone());
        tokio::task::spawn_blocking(move || {
            let mut said = Said {
                arrived: post.arrived(),
                words: post.words(),
                ..Said::default()
            };
            said.arrived.truncate(2 * MOST_SHOTS);
            let (sent, words) = post.send(&shots);
            said.sent = sent;
            said.words.extend(words);
            said.words.truncate(8);
            let done = Done {
                asked,
                token,
                post,
                said,
            };
            let done = TaskDone::EspTest(Errand::Done(Box::new(done)));
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(done);
        });
    }

    fn path_tested(&mut self, done: Done) {
        let test = self.esp_tests.of_peers.get_mut(&done.asked.connection);
        let came = done.said.arrived.len() as u64;
        if let Some(test) = test.filter(|test| test.token == done.token) {
            test.post = Some(done.post);
            test.came += came;
        } else {
            self.backend.set_tests(&self.esp_tests.expected, came);
        }
        self.answer_far(&done.asked, &done.said);
    }

    /// Between which addresses and ports a tunnel's ESP goes, plain and in UDP, while it has an IKE SA.
    pub(crate) fn ends(&self, sa: Option<&adit_ike::IkeSaSnapshot>) -> Option<Ends> {
        let sa = sa.filter(|sa| sa.state == IkeSaState::Established)?;
        let (mut local, mut remote) = (sa.local, sa.remote);
        if local.port() != self.nat_port {
            local.set_port(self.nat_port);
            remote.set_port(NAT_PORT);
        }
        Some(Ends { local, remote })
    }
}

impl Situation {
    /// How long packets to the peer may be, as far as that is known here.
    pub(crate) fn limits(&self, ends: Ends) -> Option<Limits> {
        let mut netlink = Netlink::open().ok()?;
        let peer = ends.remote.ip();
        let way = netlink.own_route_to(peer).ok()?;
        let link = netlink.link_by_index(way.device?).ok()?.mtu;
        let link = u16::try_from(link).unwrap_or(u16::MAX);
        let kernel = way.mtu.and_then(|mtu| u16::try_from(mtu).ok());
        let path = self.path_mtu.or(kernel.filter(|mtu| *mtu > 0));
        // The kernel's policies take what was led there, within what the device takes.
        let device = self.carrier.device().unwrap_or(&self.shared);
        let device = netlink.link(device).ok();
        let longest = device.and_then(|device| self.longest(device.mtu));
        Some(Limits {
            link,
            path: path.unwrap_or(link).min(link).min(longest.unwrap_or(link)),
            whole: self.is_whole() || !peer.is_ipv4(),
        })
    }
}

impl Situation {
    /// The longest ESP packet around what a device of this MTU hands over.
    fn longest(&self, mtu: u32) -> Option<u16> {
        let octets = self.outer(usize::try_from(mtu).ok()?)?;
        u16::try_from(octets).ok()
    }
}

impl Backend {
    /// Sets the SPIs of test packets; so many have come under those that aren't any more.
    fn set_tests(&mut self, spis: &[u32], came: u64) {
        match self {
            Backend::User(user) => user.plane.set_tests(spis),
            Backend::Kernel(kernel) => kernel.set_tests(spis.len() * MOST_PACKETS, came),
            Backend::Fake => {}
        }
    }
}

/// What a peer may have sent: no more at once than is allowed, no longer than the link takes, and uncut over IPv6.
fn allowed(mut shots: Vec<Shot>, ends: Ends, limits: Option<Limits>) -> Vec<Shot> {
    let link = limits.map_or(1500, |limits| limits.link);
    shots.retain(|shot| {
        (SHORTEST..=link).contains(&shot.octets) && (shot.whole || ends.remote.is_ipv4())
    });
    shots.truncate(MOST_SHOTS);
    shots
}

/// The port of ESP in UDP (RFC 3948 2.1).
const NAT_PORT: u16 = 4500;
/// Tests at once, of all tunnels and both sides.
const MOST_TESTS: usize = 16;
/// How long a peer's test lasts.
const LONGEST: Duration = Duration::from_secs(12);
/// Octets that are sent for a peer, in a while.
const ALLOWANCE: u64 = 120_000;
const WHILE: Duration = Duration::from_secs(60);
/// With less left no test begins: what a path that lets all pass takes.
const LEAST_LEFT: u64 = 12_000;
/// A peer's tests begin no more often than this.
const PAUSE: Duration = Duration::from_millis(700);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shots() -> Vec<Shot> {
        let shot = Shot {
            udp: true,
            octets: 1500,
            whole: true,
        };
        vec![shot; MOST_SHOTS]
    }

    fn at(seconds: u64) -> Mono {
        Mono::default() + Duration::from_secs(seconds)
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_peer_has_no_more_sent_in_a_minute_than_is_allowed_however_often_it_asks() {
        let mut spent = Expenses::default();
        let to = address(2);
        let mut send = |s| spent.spend(at(s), "office", to, shots()).len();
        // The minute begins with the first of them.
        let sent: usize = (30..50).map(&mut send).sum();
        assert_eq!(sent, 80);
        assert_eq!(spent.left(at(89), "office", to), 0);
        assert_eq!(spent.left(at(90), "office", to), ALLOWANCE);
        let again = spent.spend(at(90), "office", to, shots());
        assert_eq!(again.len(), MOST_SHOTS);
    }

    /// Ten connections of one peer have no more sent to it than one has.
    #[test]
    fn many_tunnels_to_one_address_have_one_allowance() {
        let mut spent = Expenses::default();
        let names: Vec<String> = (0..10).map(|n| format!("t{n}")).collect();
        let mut sent = 0;
        for second in 0..10 {
            for name in &names {
                let shots = spent.spend(at(second), name, address(2), shots());
                sent += shots.iter().map(|shot| u64::from(shot.octets)).sum::<u64>();
            }
        }
        assert_eq!(sent, ALLOWANCE);
        for name in &names {
            assert_eq!(spent.left(at(59), name, address(2)), 0, "{name}");
        }
        // Of one that hasn't asked yet, too; and another peer has its own.
        assert_eq!(spent.left(at(59), "t10", address(2)), 0);
        assert_eq!(spent.left(at(59), "branch", address(3)), ALLOWANCE);
    }

    /// A peer that names one address after the other (MOBIKE) has no more sent than one that stays, and leaves nothing behind.
    #[test]
    fn a_tunnel_that_moves_keeps_its_allowance() {
        let mut spent = Expenses::default();
        let sent: usize = (0..50)
            .map(|n| {
                spent
                    .spend(at(n.into()), "office", address(n), shots())
                    .len()
            })
            .sum();
        assert_eq!(sent, 80);
        assert_eq!(spent.left(at(59), "office", address(200)), 0);
        spent.spend(at(200), "office", address(200), shots());
        assert_eq!(spent.by_address.len(), 1);
    }

    #[test]
    fn a_peer_has_no_more_sent_than_is_allowed() {
        let ends = |remote: &str| Ends {
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let limits = Some(Limits {
            link: 1400,
            path: 1400,
            whole: false,
        });
        let shot = |octets, whole| Shot {
            udp: true,
            octets,
            whole,
        };
        let wanted = vec![
            shot(1401, true),
            shot(1400, true),
            shot(SHORTEST - 1, true),
            shot(1400, false),
        ];
        let v4 = allowed(wanted.clone(), ends("192.0.2.2:4500"), limits);
        assert_eq!(v4, [shot(1400, true), shot(1400, false)]);
        let v6 = allowed(wanted, ends("[2001:db8::2]:4500"), limits);
        assert_eq!(v6, [shot(1400, true)]);
        let many = vec![shot(200, true); 1000];
        assert_eq!(
            allowed(many, ends("192.0.2.2:4500"), None).len(),
            MOST_SHOTS
        );
    }
}
