//! The status document: every tunnel as scripts and people see it, broken ones first.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_diagnose::diagnose;
use adit_esp::{ChildName, ChildReport};
use adit_ike::{ChildSaState, ChildSnapshot, IkeSaSnapshot, IkeSaState, NatStatus};
use adit_kernel::block::BlockCount;
use adit_model::ahead::Weight;
use adit_model::carriage::HwOffload;
use adit_model::connection::{Child, Mode, Protection};
use adit_model::event::Role;
use adit_model::fact::Case;
use adit_model::selector::Selector;
use adit_model::status::{
    ChildSaStatus, ChildState, ClearTraffic, DataPlaneStatus, ForeseenStatus, GapStatus, IkeSa,
    MonitorStatus, OffloadStatus, PoolStatus, Status, Tunnel, TunnelState,
};
use adit_model::{Mono, Now};

use crate::ahead::counts_of;
use crate::clock::rfc3339;
use crate::retry::{Presence, Wanted};
use crate::tunnel;

/// What a tunnel's entry is made from.
pub struct View<'a> {
    /// The present.
    pub now: Now,
    /// The tunnel.
    pub tunnel: &'a tunnel::Tunnel,
    /// Every IKE SA.
    pub snapshot: &'a [IkeSaSnapshot],
    /// Traffic of every child.
    pub traffic: &'a [ChildReport],
    /// What network devices do of children, where the kernel carries packets.
    pub offloads: Option<&'a BTreeMap<Arc<ChildName>, OffloadStatus>>,
    /// What blocks its clear traffic.
    pub block: Option<String>,
    /// What of it passes in clear, if it is optional.
    pub clear: Option<ClearTraffic>,
    /// What the block has counted of it, by tunnel.
    pub counts: &'a BTreeMap<String, BlockCount>,
    /// Whether packets that were held back are counted by tunnel.
    pub held_counted: bool,
    /// The newest event that says something about its state.
    pub last_word: String,
}

/// The document around the entries.
#[must_use]
pub fn document(
    tunnels: Vec<Tunnel>,
    pools: Vec<PoolStatus>,
    data_plane: Option<DataPlaneStatus>,
) -> Status {
    Status {
        schema: Status::SCHEMA.to_owned(),
        tunnels,
        pools,
        data_plane: data_plane.map(Box::new),
    }
}

/// Sorts broken tunnels first, each kind by name.
pub fn broken_first(tunnels: &mut [Tunnel]) {
    tunnels.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
}

impl View<'_> {
    /// The entry. `case` is asked for only if the tunnel isn't up, to find out why.
    pub fn render(&self, case: impl FnOnce() -> Case) -> Tunnel {
        let name = &self.tunnel.connection.name;
        let sas: Vec<_> = self
            .snapshot
            .iter()
            .filter(|sa| sa.connection.as_ref() == Some(name))
            .collect();
        let children: Vec<_> = self
            .tunnel
            .connection
            .children
            .iter()
            .map(|child| self.child(child, &sas))
            .collect();
        let all_up = children.iter().all(|c| c.state != ChildState::Down);
        let state = match self.tunnel.presence {
            Presence::Up if all_up => TunnelState::Up,
            Presence::Up | Presence::Trying => TunnelState::Connecting,
            Presence::Nothing if self.tunnel.retry.wanted() == Wanted::Down => {
                TunnelState::Disabled
            }
            Presence::Nothing if self.tunnel.resolving => TunnelState::Connecting,
            Presence::Nothing => TunnelState::Down,
        };
        let (cause, summary) = self.explain(state, case);
        let mut children = children;
        for child in children.iter_mut().filter(|c| c.state == ChildState::Down) {
            child.cause.clone_from(&cause);
        }
        Tunnel {
            name: name.clone(),
            state,
            cause,
            summary,
            block: self.block.clone(),
            policy: match self.tunnel.connection.protection {
                Protection::Required => "required".to_owned(),
                Protection::Optional => "optional".to_owned(),
            },
            ahead: self.ahead(),
            clear: self.clear.clone(),
            gap: self.gap(),
            interface: self
                .tunnel
                .connection
                .interface
                .as_ref()
                .map(|interface| interface.name.clone()),
            monitor: self.monitor(),
            ike: newest(&sas).map(|sa| ike(self.now, sa)),
            children,
        }
    }

    /// The newest time without an SA.
    fn gap(&self) -> Option<GapStatus> {
        let name = &self.tunnel.connection.name;
        let counts = counts_of(name, self.counts, self.traffic, self.held_counted);
        let gap = self.tunnel.ahead.gap.measured(self.now, counts)?;
        Some(GapStatus {
            since: rfc3339(gap.since),
            until: gap.until.map(rfc3339),
            seconds: gap.seconds,
            held_back: gap.held,
            stopped: gap.stopped,
            left_in_clear: gap.left,
        })
    }

    fn explain(&self, state: TunnelState, case: impl FnOnce() -> Case) -> (Option<String>, String) {
        match state {
            TunnelState::Up => (None, self.up_since()),
            TunnelState::Disabled => (None, "taken down by command".to_owned()),
            TunnelState::Connecting | TunnelState::Down => {
                let verdict = diagnose(&case());
                match verdict.findings.into_iter().next() {
                    Some(finding) => (Some(finding.cause), finding.summary),
                    None if verdict.possible.is_empty() => (None, self.last_word.clone()),
                    None => (None, verdict.summary),
                }
            }
        }
    }

    /// What will fail; what is only worth knowing isn't told here.
    fn ahead(&self) -> Vec<ForeseenStatus> {
        let found = &self.tunnel.ahead.found;
        found
            .iter()
            .filter(|warning| warning.weight == Weight::Warning)
            .map(|warning| ForeseenStatus {
                cause: warning.cause.clone(),
                child: warning.child.clone(),
                summary: warning.summary.clone(),
                consequence: warning.consequence.clone(),
            })
            .collect()
    }

    fn monitor(&self) -> Option<MonitorStatus> {
        let monitor = self.tunnel.watch.monitor.as_ref()?;
        let told = |at: Mono| rfc3339(self.now.wall_at(at));
        let (target, last) = (monitor.target(), monitor.last_answer());
        let judged = monitor.judged();
        Some(MonitorStatus {
            judged: judged
                .map_or("unknown", |(_, judged)| judged.word())
                .to_owned(),
            since: judged.map(|(at, _)| told(at)),
            target: target.map(|target| target.to.to_string()),
            source: target.map(|target| target.from.to_string()),
            last_answer: last.map(|(at, _)| told(at)),
            rtt_us: last.map(|(_, rtt)| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
            unanswered: monitor.unanswered(),
            over: monitor.over().map(str::to_owned),
        })
    }

    fn up_since(&self) -> String {
        let established = self
            .snapshot
            .iter()
            .filter(|sa| sa.connection.as_deref() == Some(&self.tunnel.connection.name))
            .filter_map(|sa| sa.established)
            .max();
        match established {
            Some(at) => format!("up since {}", rfc3339(at)),
            None => "up".to_owned(),
        }
    }

    fn offload(&self, child: &Child) -> Option<OffloadStatus> {
        let wish = child.carriage.hw_offload;
        let of = |name: &&Arc<ChildName>| {
            name.connection == self.tunnel.connection.name && name.child == child.name
        };
        let Some(offloads) = self.offloads else {
            return (wish != HwOffload::Off).then(|| OffloadStatus {
                wanted: wish.word().to_owned(),
                inward: None,
                outward: None,
                instead: Some(NOT_IN_USER_SPACE.to_owned()),
            });
        };
        let (_, status) = offloads.iter().find(|(name, _)| of(name))?;
        Some(status.clone())
    }

    fn child(&self, child: &Child, sas: &[&IkeSaSnapshot]) -> ChildSaStatus {
        // The newest IKE SA's pair comes last: an old one's may stay beside it for a while.
        let mut sas = sas.to_vec();
        sas.sort_by_key(|sa| standing(sa));
        let live: Vec<&ChildSnapshot> = sas
            .iter()
            .flat_map(|sa| &sa.children)
            .filter(|c| c.name == child.name)
            .collect();
        let current = live.iter().rfind(|c| c.state == ChildSaState::Installed);
        let state = match (
            current,
            live.iter().any(|c| c.state == ChildSaState::Rekeyed),
        ) {
            (Some(_), true) | (None, true) => ChildState::Rekeying,
            (Some(_), false) => ChildState::Up,
            (None, false) => ChildState::Down,
        };
        let traffic = self
            .traffic
            .iter()
            .find(|t| {
                t.child.connection == self.tunnel.connection.name && t.child.child == child.name
            })
            .map(|t| t.counters)
            .unwrap_or_default();
        let texts = |negotiated: Option<&Vec<Selector>>, configured: &Vec<Selector>| {
            negotiated
                .unwrap_or(configured)
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        ChildSaStatus {
            name: child.name.clone(),
            state,
            cause: None,
            mode: mode_name(current.map_or(child.mode, |c| c.mode)).to_owned(),
            spi_in: current.map(|c| format!("{:08x}", c.spi_in)),
            spi_out: current.map(|c| format!("{:08x}", c.spi_out)),
            proposal: current.map(|c| c.suite.to_string()),
            encapsulation: current.map(|c| if c.udp_encap { "udp" } else { "esp" }.to_owned()),
            offload: self.offload(child).filter(|_| current.is_some()),
            ts_local: texts(current.map(|c| &c.ts_local), &child.local_ts),
            ts_remote: texts(current.map(|c| &c.ts_remote), &child.remote_ts),
            bytes_in: traffic.bytes_in,
            bytes_out: traffic.bytes_out,
            packets_in: traffic.packets_in,
            packets_out: traffic.packets_out,
            last_in: traffic.last_in.map(|at| rfc3339(self.now.wall_at(at))),
            rekey_at: current
                .and_then(|c| c.rekey_at)
                .map(|at| rfc3339(self.now.wall_at(at))),
        }
    }
}

/// What is said of `hw_offload` where packets are carried by our own data plane.
pub const NOT_IN_USER_SPACE: &str =
    "it has no effect in our own data plane: network devices work for the kernel's IPsec alone";

/// On whose side a NAT was found.
#[must_use]
pub fn nat_side(nat: NatStatus) -> &'static str {
    match (nat.local_behind_nat, nat.remote_behind_nat) {
        (false, false) => "none",
        (true, false) => "local",
        (false, true) => "remote",
        (true, true) => "both",
    }
}

/// Our part in an IKE SA.
#[must_use]
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Initiator => "initiator",
        Role::Responder => "responder",
    }
}

/// How inner packets are carried.
#[must_use]
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Tunnel => "tunnel",
        Mode::Transport => "transport",
    }
}

/// The IKE SA to show: an established one before one that is being set up, the newest of them.
fn newest<'a>(sas: &[&'a IkeSaSnapshot]) -> Option<&'a IkeSaSnapshot> {
    sas.iter().copied().max_by_key(|sa| standing(sa))
}

/// How much an IKE SA is the one that there is, against others of its tunnel.
fn standing(sa: &IkeSaSnapshot) -> impl Ord + use<> {
    let rank = match sa.state {
        IkeSaState::Established => 3,
        IkeSaState::Connecting => 2,
        IkeSaState::Replaced => 1,
        IkeSaState::Closing => 0,
    };
    (rank, sa.established, sa.reauth.proved)
}

/// What the peer takes as proof of who we are, as far as it has said.
pub(crate) fn peer_auth_methods(sa: &IkeSaSnapshot) -> Vec<String> {
    let methods = sa.announced.methods.iter();
    methods.map(|method| method.name.clone()).collect()
}

fn ike(now: Now, sa: &IkeSaSnapshot) -> IkeSa {
    IkeSa {
        version: 2,
        role: role_name(sa.role).to_owned(),
        local: sa.local.to_string(),
        remote: sa.remote.to_string(),
        local_id: sa
            .local_id
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        remote_id: sa.remote_id.as_ref().map(ToString::to_string),
        proposal: sa.suite.map(|suite| suite.to_string()),
        spis: (format!("{:016x}", sa.spis.0), format!("{:016x}", sa.spis.1)),
        mobike: sa.mobike,
        peer_auth_methods: peer_auth_methods(sa),
        nat: sa.nat.map(|nat| nat_side(nat).to_owned()),
        virtual_ips: sa.inner.ours.iter().map(ToString::to_string).collect(),
        dns: sa.inner.dns.iter().map(ToString::to_string).collect(),
        established: sa.established.map(rfc3339),
        rekey_at: sa.rekey_at.map(|at| rfc3339(now.wall_at(at))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use adit_esp::{ChildName, DropCounts};
    use adit_model::Mono;
    use adit_model::dataplane::PairCounters;
    use adit_model::now::Wall;
    use std::sync::Arc;
    use std::time::Duration;

    pub(crate) fn sa(children: Vec<ChildSnapshot>) -> IkeSaSnapshot {
        IkeSaSnapshot {
            connection: Some("office".to_owned()),
            state: IkeSaState::Established,
            role: Role::Initiator,
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: "192.0.2.2:4500".parse().unwrap(),
            local_id: "west.example".parse().ok(),
            remote_id: "east.example".parse().ok(),
            suite: "aes128gcm16-prfsha256-x25519".to_owned().try_into().ok(),
            spis: (1, 2),
            nat: Some(adit_ike::NatStatus {
                peer_supports: true,
                local_behind_nat: true,
                remote_behind_nat: false,
            }),
            inner: adit_ike::Inner::default(),
            established: Some(Wall(1_700_000_000_000)),
            rekey_at: Some(Mono(3_600_000_000_000)),
            ppk: None,
            announced: std::sync::Arc::default(),
            reauth: adit_ike::Reauth::default(),
            mobike: false,
            children,
        }
    }

    pub(crate) fn child() -> ChildSnapshot {
        ChildSnapshot {
            name: "lan".to_owned(),
            state: ChildSaState::Installed,
            spi_in: 0xc0de,
            spi_out: 0xbeef,
            mode: Mode::Tunnel,
            suite: "aes128gcm16".to_owned().try_into().unwrap(),
            ts_local: vec!["10.1.0.0/25".parse().unwrap()],
            ts_remote: vec!["10.2.0.0/24".parse().unwrap()],
            udp_encap: true,
            rekey_at: None,
        }
    }

    fn render(
        tunnel: &tunnel::Tunnel,
        snapshot: &[IkeSaSnapshot],
        traffic: &[ChildReport],
    ) -> Tunnel {
        let now = Now {
            mono: Mono(0) + Duration::from_secs(10),
            wall: Wall(1_700_000_010_000),
        };
        View {
            now,
            tunnel,
            snapshot,
            traffic,
            offloads: None,
            block: Some("nftables".to_owned()),
            clear: None,
            counts: &BTreeMap::new(),
            held_counted: true,
            last_word: "the peer is alive".to_owned(),
        }
        .render(Case::default)
    }

    #[test]
    fn a_tunnel_that_is_up_shows_what_was_negotiated_and_when_traffic_came() {
        let mut tunnel = tunnel::Tunnel::new(Arc::new(sample::connection("office")), Mono(0));
        tunnel.presence = Presence::Up;
        let traffic = ChildReport {
            child: Arc::new(ChildName {
                connection: "office".to_owned(),
                child: "lan".to_owned(),
            }),
            pairs: 1,
            counters: PairCounters {
                packets_in: 7,
                last_in: Some(Mono(0) + Duration::from_secs(8)),
                ..PairCounters::default()
            },
            drops: DropCounts::default(),
        };
        let entry = render(&tunnel, &[sa(vec![child()])], &[traffic]);
        assert_eq!(entry.state, TunnelState::Up);
        assert_eq!(entry.summary, "up since 2023-11-14T22:13:20.000Z");
        assert_eq!(entry.ike.unwrap().nat.as_deref(), Some("local"));
        let child = entry.children.first().unwrap();
        assert_eq!(child.state, ChildState::Up);
        assert_eq!(child.ts_local, ["10.1.0.0/25"]);
        assert_eq!(child.encapsulation.as_deref(), Some("udp"));
        assert_eq!(child.spi_in.as_deref(), Some("0000c0de"));
        assert_eq!(child.last_in.as_deref(), Some("2023-11-14T22:13:28.000Z"));
        assert_eq!(child.packets_in, 7);
    }

    #[test]
    fn a_tunnel_is_as_broken_as_its_worst_child() {
        let mut connection = sample::connection("office");
        let mut second = connection.children[0].clone();
        second.name = "dmz".to_owned();
        connection.children.push(second);
        let mut tunnel = tunnel::Tunnel::new(Arc::new(connection), Mono(0));
        tunnel.presence = Presence::Up;
        let entry = render(&tunnel, &[sa(vec![child()])], &[]);
        assert_eq!(entry.state, TunnelState::Connecting);
        assert_eq!(entry.children[1].state, ChildState::Down);
        assert_eq!(entry.children[1].ts_local, ["10.1.0.0/24"]);
    }

    #[test]
    fn broken_tunnels_come_first() {
        let mut tunnels: Vec<Tunnel> = [
            ("a", TunnelState::Disabled),
            ("b", TunnelState::Up),
            ("d", TunnelState::Down),
            ("c", TunnelState::Down),
            ("e", TunnelState::Connecting),
        ]
        .into_iter()
        .map(|(name, state)| Tunnel {
            name: name.to_owned(),
            state,
            cause: None,
            summary: String::new(),
            block: None,
            policy: "required".to_owned(),
            ahead: Vec::new(),
            clear: None,
            gap: None,
            interface: None,
            monitor: None,
            ike: None,
            children: Vec::new(),
        })
        .collect();
        broken_first(&mut tunnels);
        let order: Vec<_> = tunnels.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(order, ["c", "d", "e", "b", "a"]);
    }
}
