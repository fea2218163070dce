//! One life of the tunnel, stage by stage.

use core::time::Duration;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use adit_ike::{ChildSaState, ChildSnapshot, IkeSaSnapshot, IkeSaState};
use adit_model::connection::{Child, Connection, Start};
use adit_model::event::{Event, Happening};
use adit_model::fact::Side;
use adit_model::selector::{Selector, narrow};
use adit_wire::ip::protocol;
use ipnet::IpNet;

use super::convert::Configured;
use super::ground::Ground;
use super::keys::Keys;
use super::{End, Notes, Outcome, Run, SIDES, Stage, What, index};
use crate::gateway::GatewaySetup;
use crate::link::LinkSettings;
use crate::nat::NatSettings;
use crate::world::{LinkId, NodeId, World};

/// How long set-up may take: longer than every retransmission of an attempt.
const SET_UP: Duration = Duration::from_secs(150);
/// How long both sides may take to notice what happened.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the last renewal before an SA's end may take.
const MARGIN: Duration = Duration::from_secs(90);
/// Renewals beyond this aren't waited for.
const LONGEST: Duration = Duration::from_secs(8 * 86_400);
/// While renewals are waited for, so many signs of life are asked for at most: nothing happens between them.
const MOST_ASKED: u32 = 60;
/// What a probe may take.
const PROBE: Duration = Duration::from_secs(3);

/// How a part went, and what there is to say about it.
type Played = (What, Outcome, String);

/// What is played.
pub(super) struct Setting<'a> {
    pub(super) ends: &'a [End; 2],
    pub(super) ground: &'a Ground,
    pub(super) connections: &'a [Configured; 2],
    pub(super) keys: &'a Keys,
    pub(super) initiator: Side,
    pub(super) by_itself: bool,
    /// The other end has no run in which it begins.
    pub(super) only: bool,
}

/// Plays it.
pub(super) fn run(setting: &Setting<'_>, seed: u64, notes: &mut Notes) -> Run {
    let mut theatre = Theatre::build(setting, seed, notes);
    let stages = theatre.play();
    let answerer = setting.initiator.other();
    for child in &theatre.unasked {
        notes.leave_out(
            answerer,
            format!(
                "its child {child} isn't asked for by the other end in this life of the tunnel"
            ),
        );
    }
    let initiator = theatre.gateway(setting.initiator);
    let probes = match stages.iter().any(|s| s.outcome == Outcome::Failed) {
        true => {
            let to = setting.ground.seen[1 - index(setting.initiator)];
            let name = theatre.name.clone();
            // A peer without an address isn't probed.
            let probed = theatre.world.probe(initiator, &name, to, PROBE);
            probed.unwrap_or_default()
        }
        false => Vec::new(),
    };
    let cases = SIDES.map(|side| {
        let own: &[_] = if side == setting.initiator {
            &probes
        } else {
            &[]
        };
        theatre
            .world
            .case(theatre.gateway(side), &theatre.name, own)
    });
    Run {
        initiator: setting.initiator,
        by_itself: setting.by_itself,
        stages,
        cases,
    }
}

/// The world of one run.
struct Theatre<'a> {
    setting: &'a Setting<'a>,
    world: World,
    gateways: [NodeId; 2],
    name: String,
    began: adit_model::Mono,
    /// Hosts behind the gateways, by address.
    hosts: Vec<(Side, IpAddr, NodeId)>,
    /// Children of the end that answers which the other one didn't ask for.
    unasked: Vec<String>,
}

impl<'a> Theatre<'a> {
    fn build(setting: &'a Setting<'a>, seed: u64, notes: &mut Notes) -> Self {
        let mut world = World::new(seed);
        let internet = world.add_router("internet");
        let router = [
            IpAddr::from([198, 18, 0, 1]),
            IpAddr::from([0x2001, 2, 0, 0, 0, 0, 0, 1]),
        ];
        let labels = setting.ends.each_ref().map(|end| end.name.clone());
        let gateways = SIDES.map(|side| {
            let i = index(side);
            let mut label = labels[i].clone();
            if labels[0] == labels[1] {
                label.push_str(if i == 0 { " (first)" } else { " (second)" });
            }
            world.add_gateway(&label, gateway(setting, side))
        });
        for side in SIDES {
            let i = index(side);
            let (own, seen) = (setting.ground.own[i], setting.ground.seen[i]);
            let wire = if setting.ground.behind_nat(side) {
                let nat = world.add_router("nat");
                let inside = world.link(LinkSettings::cable(), (gateways[i], &[own]), (nat, &[]));
                let outside =
                    world.link(LinkSettings::default(), (nat, &[seen]), (internet, &router));
                world.set_nat(nat, inside, seen, NatSettings::default());
                all_to(&mut world, gateways[i], inside);
                all_to(&mut world, nat, outside);
                world.route(nat, own.into(), inside);
                if side != setting.initiator {
                    notes.assume(side, "its NAT hands UDP 500 and 4500 on to it");
                    for port in [500, 4500] {
                        world.forward_port(nat, port, SocketAddr::new(own, port));
                    }
                }
                outside
            } else {
                let link = LinkSettings::default();
                let wire = world.link(link, (gateways[i], &[own]), (internet, &router));
                all_to(&mut world, gateways[i], wire);
                wire
            };
            world.route(internet, seen.into(), wire);
        }
        let began = world.now().mono;
        Self {
            setting,
            world,
            gateways,
            name: setting.connections[0].connection.name.clone(),
            began,
            hosts: Vec::new(),
            unasked: Vec::new(),
        }
    }

    fn gateway(&self, side: Side) -> NodeId {
        self.gateways[index(side)]
    }

    fn connection(&self, side: Side) -> &Connection {
        &self.setting.connections[index(side)].connection
    }

    fn play(&mut self) -> Vec<Stage> {
        let (first, second) = (self.setting.initiator, self.setting.initiator.other());
        self.world.start(self.gateway(second));
        self.world.start(self.gateway(first));
        let mut stages = Vec::new();
        let plan: [fn(&mut Self) -> Played; 6] = [
            Self::ike,
            Self::children,
            Self::traffic,
            Self::rekey_child,
            Self::rekey_ike,
            Self::reauthenticate,
        ];
        for part in plan {
            let (what, mut outcome, mut detail) = part(self);
            let renews = matches!(
                what,
                What::RekeyChild | What::RekeyIke | What::Reauthenticate
            );
            if renews && outcome == Outcome::Passed {
                let (_, after, said) = self.traffic();
                if after == Outcome::Failed {
                    outcome = after;
                    detail = format!("{detail}; then {said}");
                }
            }
            let at = self.world.now().mono.since(self.began);
            stages.push(Stage {
                what,
                outcome,
                at,
                detail,
            });
            if outcome == Outcome::Failed {
                break;
            }
        }
        stages
    }

    /// Established IKE SAs of a side.
    fn established(&self, side: Side) -> Vec<IkeSaSnapshot> {
        established(&self.world, self.gateway(side))
    }

    fn ike(&mut self) -> Played {
        let both = self.gateways;
        let first = self.gateway(self.setting.initiator);
        let up = |world: &World| both.iter().all(|g| !established(world, *g).is_empty());
        self.world.run_until(SET_UP, |world| {
            up(world) || world.happenings(first).any(is_the_end)
        });
        if !up(&self.world) {
            // What was refused is told to the other side, and who gives up says so.
            self.world.run_for(SETTLE);
        }
        // With its first child refused the IKE SA goes as well, and was set up all the same.
        let of_child = |happening: &Happening| match happening {
            Happening::Refused { what, .. } | Happening::PeerRefused { what, .. } => {
                what.starts_with("CHILD_SA")
            }
            _ => false,
        };
        let authenticated = both
            .iter()
            .any(|gateway| self.world.happenings(*gateway).any(of_child));
        if up(&self.world) || authenticated {
            let sas = self.established(self.setting.initiator);
            let suite = sas.iter().find_map(|sa| sa.suite);
            let detail = suite.map_or_else(String::new, |suite| suite.to_string());
            (What::Ike, Outcome::Passed, detail)
        } else {
            let detail = self.said_last("it didn't come up");
            (What::Ike, Outcome::Failed, detail)
        }
    }

    fn children(&mut self) -> Played {
        let side = self.setting.initiator;
        let (gateway, name) = (self.gateway(side), self.name.clone());
        let refused = |world: &World| world.happenings(gateway).any(is_refusal);
        self.world.run_until(SET_UP, |world| {
            world.is_up(gateway, &name) || refused(world)
        });
        self.world.run_for(SETTLE);
        let up = self.installed(side);
        let missing = self.missing(side);
        let unasked = self.missing(side.other());
        let theirs = !self.installed(side.other()).is_empty();
        let well = missing.is_empty() && theirs && !up.is_empty();
        let lonely: Vec<String> = match self.setting.only {
            true => self.lonely(&unasked),
            false => Vec::new(),
        };
        if well && lonely.is_empty() {
            self.unasked = unasked;
            let words: Vec<String> = up.iter().map(told).collect();
            return (What::Children, Outcome::Passed, words.join("; "));
        }
        let what = match (missing.as_slice(), lonely.as_slice()) {
            ([], lonely @ [_, ..]) if well => format!(
                "{} of {} can't come up: {} has no child that fits, and {} doesn't begin",
                lonely.join(", "),
                self.world.name(self.gateway(side.other())),
                self.world.name(self.gateway(side)),
                self.world.name(self.gateway(side.other())),
            ),
            ([], _) => "they didn't come up on both sides".to_owned(),
            (missing, _) => format!("{} didn't come up", missing.join(", ")),
        };
        let detail = self.said_last(&what);
        (What::Children, Outcome::Failed, detail)
    }

    /// Children that a side has configured and not installed.
    fn missing(&self, side: Side) -> Vec<String> {
        let installed = self.installed(side);
        let children = self.connection(side).children.iter();
        if side != self.setting.initiator && installed.len() >= children.len() {
            // Of several that fit, whoever answers may take one twice.
            return Vec::new();
        }
        children
            .map(|child| &child.name)
            .filter(|name| !installed.iter().any(|c| c.name == **name))
            .cloned()
            .collect()
    }

    /// Which of these children of the end that answers no child of the other one could be narrowed to.
    fn lonely(&self, names: &[String]) -> Vec<String> {
        let side = self.setting.initiator;
        let theirs = &self.connection(side.other()).children;
        let meets = |a: &[Selector], b: &[Selector]| {
            a.is_empty() || b.is_empty() || !narrow(a, b).is_empty()
        };
        let fits = |child: &Child| {
            let mut ours = self.connection(side).children.iter();
            ours.any(|c| {
                meets(&c.local_ts, &child.remote_ts) && meets(&c.remote_ts, &child.local_ts)
            })
        };
        let lonely = theirs
            .iter()
            .filter(|c| names.contains(&c.name) && !fits(c));
        lonely.map(|c| c.name.clone()).collect()
    }

    fn traffic(&mut self) -> Played {
        let side = self.setting.initiator;
        let mut silent = Vec::new();
        let (mut passed, mut unplayed) = (0, 0);
        for child in self.installed(side) {
            let flows = flows(&child, self.setting.ground);
            if flows.is_empty() {
                unplayed += 1;
            }
            for (here, there) in flows {
                for (from_side, from, to) in [(side, here, there), (side.other(), there, here)] {
                    let (near, far) = (self.speaker(from_side, from), to);
                    self.speaker(from_side.other(), far);
                    let interval = Duration::from_millis(100);
                    let run = self.world.ping_from(near, Some(from), far, 2, interval, 56);
                    self.world.run_for(Duration::from_secs(2));
                    if self.world.ping_report(run).received == 0 {
                        silent.push(format!("{} ({from} to {to})", child.name));
                    } else {
                        passed += 1;
                    }
                }
            }
        }
        if !silent.is_empty() {
            let detail = format!("no answer through {}", silent.join(", "));
            return (What::Traffic, Outcome::Failed, detail);
        }
        if passed == 0 {
            let detail = "no child carries pings".to_owned();
            return (What::Traffic, Outcome::NotPlayed, detail);
        }
        let rest = match unplayed {
            0 => String::new(),
            n => format!("; {n} children carry no pings and weren't tried"),
        };
        let detail = format!("pings answered in {passed} directions{rest}");
        (What::Traffic, Outcome::Passed, detail)
    }

    fn rekey_child(&mut self) -> Played {
        let lives = SIDES.map(|side| {
            let children = self.connection(side).children.iter();
            children
                .map(|c| (c.life.rekey, c.life.lifetime))
                .collect::<Vec<_>>()
        });
        let wanted: BTreeSet<String> = self
            .installed(self.setting.initiator)
            .into_iter()
            .map(|c| c.name)
            .collect();
        let renewed = |events: &[Event]| {
            let done: BTreeSet<&str> = events
                .iter()
                .filter_map(|event| match &event.what {
                    Happening::ChildRekeyed { child, .. } => Some(child.as_str()),
                    _ => None,
                })
                .collect();
            wanted.iter().all(|name| done.contains(name.as_str()))
        };
        self.renewal(What::RekeyChild, &lives.concat(), renewed)
    }

    fn rekey_ike(&mut self) -> Played {
        let lives = SIDES.map(|side| {
            let life = &self.connection(side).life;
            (life.rekey, life.lifetime)
        });
        self.renewal(What::RekeyIke, &lives, |events| {
            events
                .iter()
                .any(|event| matches!(event.what, Happening::IkeRekeyed { .. }))
        })
    }

    fn reauthenticate(&mut self) -> Played {
        let lives = SIDES.map(|side| {
            let life = &self.connection(side).life;
            (life.reauth, life.reauth)
        });
        self.renewal(What::Reauthenticate, &lives, |events| {
            events
                .iter()
                .any(|event| matches!(event.what, Happening::IkeEstablished { .. }))
        })
    }

    /// Waits for a renewal: at the latest it has happened when the last SA ends. `lives` are the times of renewal and of
    /// the end.
    fn renewal(
        &mut self,
        what: What,
        lives: &[(Duration, Duration)],
        renewed: impl Fn(&[Event]) -> bool,
    ) -> Played {
        if lives.iter().all(|(renewal, _)| renewal.is_zero()) {
            let detail = match what {
                What::Reauthenticate => "neither end authenticates anew",
                _ => "neither end renews it",
            };
            return (what, Outcome::NotPlayed, detail.to_owned());
        }
        let longest = lives
            .iter()
            .map(|(a, b)| *a.max(b))
            .max()
            .unwrap_or_default();
        if longest > LONGEST {
            let detail = "it is more than eight days away".to_owned();
            return (what, Outcome::NotPlayed, detail);
        }
        let gateway = self.gateway(self.setting.initiator);
        let before = self.world.events(gateway).len();
        let ended = |event: &Event| {
            matches!(&event.what, Happening::Expired { .. })
                || matches!(&event.what, Happening::IkeClosed { cause, .. } if cause == "dead-peer" || cause == "failed")
        };
        let since = |world: &World| {
            world
                .events(gateway)
                .get(before..)
                .unwrap_or_default()
                .to_vec()
        };
        let mut seen = before;
        self.world.run_until(longest + MARGIN, |world| {
            // Events come in bursts: nothing is looked at in between.
            let events = world.events(gateway);
            if events.len() == seen {
                return false;
            }
            seen = events.len();
            let new = events.get(before..).unwrap_or_default();
            // With reauthentication there are no renewals but that.
            let anew = new
                .iter()
                .filter(|e| matches!(e.what, Happening::IkeEstablished { .. }));
            renewed(new) || new.iter().any(ended) || anew.count() > 1
        });
        self.world.run_for(SETTLE);
        let events = since(&self.world);
        let anew = |event: &Event| matches!(event.what, Happening::IkeEstablished { .. });
        if !renewed(&events) && events.iter().any(anew) && self.world.is_up(gateway, &self.name) {
            let detail = "everything is set up anew before its time comes".to_owned();
            return (what, Outcome::NotPlayed, detail);
        }
        if !renewed(&events) {
            let detail = self.said_last("it didn't happen");
            return (what, Outcome::Failed, detail);
        }
        if !self.world.is_up(gateway, &self.name) {
            let detail = self.said_last("the tunnel is down since");
            return (what, Outcome::Failed, detail);
        }
        let at = self.world.now().mono.since(self.began);
        (what, Outcome::Passed, format!("after {} s", at.as_secs()))
    }

    fn installed(&self, side: Side) -> Vec<ChildSnapshot> {
        let sas = self.established(side).into_iter();
        let children = sas.flat_map(|sa| sa.children);
        children
            .filter(|c| c.state == ChildSaState::Installed)
            .collect()
    }

    /// Who speaks for an address behind a gateway: the gateway itself where it has the address.
    fn speaker(&mut self, side: Side, address: IpAddr) -> NodeId {
        let gateway = self.gateway(side);
        let given = self
            .established(side)
            .iter()
            .any(|sa| sa.inner.ours.contains(&address));
        if given || self.setting.ground.own[index(side)] == address {
            return gateway;
        }
        let known = self
            .hosts
            .iter()
            .find(|(s, a, _)| (*s, *a) == (side, address));
        if let Some((.., host)) = known {
            return *host;
        }
        let host = self.world.add_host(&format!("{address}"));
        let link = self
            .world
            .link(LinkSettings::cable(), (gateway, &[]), (host, &[address]));
        self.world.route(gateway, address.into(), link);
        all_to(&mut self.world, host, link);
        self.hosts.push((side, address, host));
        host
    }

    /// What a side said last that explains a failure, after `what`.
    fn said_last(&self, what: &str) -> String {
        let said = SIDES.iter().find_map(|side| {
            let events = self.world.events(self.gateway(*side)).iter().rev();
            let mut telling = events.filter(|event| is_telling(&event.what));
            let event = telling.next()?;
            let name = self.world.name(self.gateway(*side));
            Some(format!("{name}: {}", event.what))
        });
        match said {
            Some(said) => format!("{what}; {said}"),
            None => what.to_owned(),
        }
    }
}

fn established(world: &World, gateway: NodeId) -> Vec<IkeSaSnapshot> {
    let sas = world.ike_sas(gateway).into_iter();
    sas.filter(|sa| sa.state == IkeSaState::Established)
        .collect()
}

fn is_the_end(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::GaveUp { .. } | Happening::IkeClosed { .. }
    )
}

fn is_refusal(happening: &Happening) -> bool {
    is_the_end(happening)
        || matches!(
            happening,
            Happening::Refused { .. } | Happening::PeerRefused { .. }
        )
}

fn is_telling(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::Refused { .. }
            | Happening::PeerRefused { .. }
            | Happening::GaveUp { .. }
            | Happening::Expired { .. }
    )
}

/// One end's gateway. Who doesn't begin in this run waits, so that each run has one story.
fn gateway(setting: &Setting<'_>, side: Side) -> GatewaySetup {
    let i = index(side);
    let Configured {
        connection,
        pools,
        policies,
    } = &setting.connections[i];
    let mut connection = connection.clone();
    connection.start = match side == setting.initiator {
        true => Start::Auto,
        false => Start::Passive,
    };
    let life = &connection.life;
    let first = connection
        .children
        .iter()
        .map(|c| c.life.rekey.max(c.life.lifetime));
    let shortest = first
        .filter(|d| !d.is_zero())
        .min()
        .unwrap_or(life.lifetime);
    if !connection.dpd_delay.is_zero() {
        connection.dpd_delay = connection.dpd_delay.max(shortest / MOST_ASKED);
    }
    for child in &mut connection.children {
        // Nobody talks while renewals are waited for.
        child.carriage.dummies = Duration::ZERO;
        child.life.inactivity = Duration::ZERO;
    }
    let keys = setting.keys[i].clone();
    GatewaySetup {
        keys: keys
            .map(|keys| (connection.name.clone(), keys))
            .into_iter()
            .collect(),
        connections: vec![Arc::new(connection)],
        policies: policies.clone(),
        pools: pools.clone(),
        ..GatewaySetup::default()
    }
}

fn all_to(world: &mut World, node: NodeId, link: LinkId) {
    for net in [
        IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(ipnet::Ipv6Net::default()),
    ] {
        world.route(node, net, link);
    }
}

/// A CHILD SA in one line.
fn told(child: &ChildSnapshot) -> String {
    let list = |selectors: &[Selector]| {
        let texts: Vec<String> = selectors.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    format!(
        "{}: {} === {}, {}",
        child.name,
        list(&child.ts_local),
        list(&child.ts_remote),
        child.suite
    )
}

/// Pairs of addresses between which a child carries pings, one of each family.
fn flows(child: &ChildSnapshot, ground: &Ground) -> Vec<(IpAddr, IpAddr)> {
    let mut found: Vec<(IpAddr, IpAddr)> = Vec::new();
    for local in &child.ts_local {
        for remote in &child.ts_remote {
            let v4 = local.start.is_ipv4();
            let icmp = if v4 { protocol::ICMP } else { protocol::ICMPV6 };
            let carries = |s: &Selector| [0, icmp].contains(&s.protocol) && s.ports == (0, 65535);
            if v4 == remote.start.is_ipv4()
                && carries(local)
                && carries(remote)
                && !found.iter().any(|(a, _)| a.is_ipv4() == v4)
            {
                let here = host_in(local, 1, ground);
                let there = host_in(remote, 2, ground);
                if here != there {
                    found.push((here, there));
                }
            }
        }
    }
    found
}

/// A host's address in a selector; where that is the whole world, one of a network of site `site`'s own.
fn host_in(selector: &Selector, site: u8, ground: &Ground) -> IpAddr {
    let private: IpAddr = match selector.start.is_ipv4() {
        true => IpAddr::from([10, 200 + site, 0, 2]),
        false => IpAddr::from([0xfd00, 0x200 + u16::from(site), 0, 0, 0, 0, 0, 2]),
    };
    let within = |address: IpAddr| selector.start <= address && address <= selector.end;
    let gateways = ground.own.iter().chain(&ground.seen);
    if selector.start == selector.end {
        return selector.start;
    }
    if gateways.clone().any(|address| within(*address)) && within(private) {
        return private;
    }
    let above = (1..=5 + u32::from(site)).filter_map(|n| plus(selector.start, n));
    let free = above
        .filter(|address| within(*address) && !gateways.clone().any(|g| g == address))
        .collect::<Vec<_>>();
    // The third or fourth address, so that both ends of overlapping networks don't have the same.
    free.get(usize::from(site))
        .or(free.last())
        .copied()
        .unwrap_or(selector.start)
}

fn plus(address: IpAddr, n: u32) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(a) => IpAddr::V4(a.to_bits().checked_add(n)?.into()),
        IpAddr::V6(a) => IpAddr::V6(a.to_bits().checked_add(n.into())?.into()),
    })
}
