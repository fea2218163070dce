//! A laboratory: two endpoints, the path between them, and a key holder for each.

pub mod names;
pub mod peer;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::provider::fake;
use adit_ike::key_holder::{Credentials, without_credentials};
use adit_ike::lease::LeaseRequest;
use adit_ike::pools::Pools;
use adit_ike::{
    Endpoint, IkeSaSnapshot, IkeSaState, KeyAnswer, KeyRequest, KeyRequestId, Output, Settings,
};
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::connection::{
    AuthKind, Authentication, Child, Connection, Mode, Remote, Retransmit, Start,
};
use adit_model::dataplane::{ChildSa, DataPlaneRequest};
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening};
use adit_model::identity::Identity;
use adit_model::life::{ChildLife, Life};
use adit_model::proposal::{Proposal, SaKind};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_model::{Mono, Now, Secret, Wall};

pub const WEST: &str = "192.0.2.1";
pub const EAST: &str = "192.0.2.2";

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip(address), port)
}

pub fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

pub fn ike(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Ike).unwrap()
}

pub fn esp(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Esp).unwrap()
}

/// How a key holder behaves.
#[derive(Clone, Debug)]
pub enum Keys {
    Holds(&'static [u8]),
    HasNone,
    Fails,
    /// Finds that the peer's certificate was revoked.
    Distrusts(&'static [u8]),
    /// Answers only when told to, by [`Lab::answer_keys`].
    Slow(&'static [u8]),
    Names(names::Names),
    /// Names on the side that has a certificate, a common key on the other.
    Mixed(names::Names, &'static [u8]),
    /// Names, and whatever the peer shows.
    Accepting(names::Names),
}

pub struct Side {
    pub endpoint: Endpoint,
    pub address: IpAddr,
    pub keys: Keys,
    /// The post-quantum pre-shared key, if it has one.
    pub ppk: Option<&'static [u8]>,
    pub unanswered: Vec<(KeyRequestId, KeyRequest)>,
    /// What the key holder was asked.
    pub requests: Vec<KeyRequest>,
    /// Where its peers' addresses come from; slow when there is none.
    pub pools: Option<Pools>,
    pub leases: Vec<(KeyRequestId, LeaseRequest)>,
    pub events: Vec<Event>,
    pub messages: Vec<adit_ike::PlainMessage>,
    pub questions: Vec<adit_ike::PeerQuestion>,
    pub peer_answers: Vec<(u32, Result<Vec<u8>, adit_ike::Unanswered>)>,
    pub told_keys: Vec<adit_ike::ToldKeys>,
    pub installed: Vec<ChildSa>,
    pub data_plane: Vec<DataPlaneRequest>,
    pub keepalives: Vec<(SocketAddr, SocketAddr)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: Vec<u8>,
}

/// An address translator: inside addresses appear as the outside one, ports shifted.
#[derive(Clone, Copy)]
pub struct Nat {
    pub inside: IpAddr,
    pub outside: IpAddr,
    pub shift: u16,
}

pub struct Lab {
    pub now: Now,
    pub west: Side,
    pub east: Side,
    pub wire: VecDeque<Datagram>,
    /// Everything that was ever sent, as its sender sent it.
    pub history: Vec<Datagram>,
    pub nats: Vec<Nat>,
    /// Datagrams by their place in the history that are lost.
    pub lose: Vec<usize>,
    /// Nothing gets through any more.
    pub cut: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    West,
    East,
}

/// A connection as `west` or, mirrored, as `east` would have it.
pub fn connection(who: Who) -> Connection {
    let (local, remote, mine, theirs, here, there) = match who {
        Who::West => (
            WEST,
            EAST,
            "west.lab",
            "east.lab",
            "10.1.0.0/24",
            "10.2.0.0/24",
        ),
        Who::East => (
            EAST,
            WEST,
            "east.lab",
            "west.lab",
            "10.2.0.0/24",
            "10.1.0.0/24",
        ),
    };
    Connection {
        name: "site".to_owned(),
        local: Some(ip(local)),
        remote: Remote::Address(ip(remote)),
        local_id: mine.parse().unwrap(),
        remote_id: Some(theirs.parse().unwrap()),
        auth: Authentication::PSK,
        ike: vec![ike("aes128gcm16-prfsha256-x25519")],
        start: Start::Passive,
        children: vec![Child {
            name: "lan".to_owned(),
            local_ts: selectors(&[here]),
            remote_ts: selectors(&[there]),
            esp: vec![esp("aes128gcm16")],
            mode: Mode::Tunnel,
            replay_window: 64,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::ZERO,
        retransmit: Retransmit::default(),
        window: 1,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        mobike: false,
        remote_port: 500,
        ppk: None,
        life: Life::default(),
    }
}

impl Side {
    pub fn new(address: &str, seed: u64, settings: Settings) -> Self {
        let octet = u8::try_from(seed).unwrap();
        Self {
            endpoint: Endpoint::new(settings, fake(seed), [octet; 32]),
            address: ip(address),
            keys: Keys::Holds(b"a shared secret"),
            ppk: None,
            unanswered: Vec::new(),
            requests: Vec::new(),
            pools: Some(Pools::default()),
            leases: Vec::new(),
            events: Vec::new(),
            messages: Vec::new(),
            questions: Vec::new(),
            peer_answers: Vec::new(),
            told_keys: Vec::new(),
            installed: Vec::new(),
            data_plane: Vec::new(),
            keepalives: Vec::new(),
        }
    }

    pub fn happenings(&self) -> impl Iterator<Item = &Happening> {
        self.events.iter().map(|e| &e.what)
    }

    pub fn saw(&self, test: impl Fn(&Happening) -> bool) -> bool {
        self.happenings().any(test)
    }

    pub fn count(&self, test: impl Fn(&Happening) -> bool) -> usize {
        self.happenings().filter(|h| test(h)).count()
    }

    /// What this side refused: what, why, and the notify it sent.
    pub fn refusals(&self) -> Vec<(String, Refusal, Option<String>)> {
        self.happenings()
            .filter_map(|h| match h {
                Happening::Refused {
                    what,
                    refusal,
                    notify,
                } => Some((what.clone(), refusal.clone(), notify.clone())),
                _ => None,
            })
            .collect()
    }

    /// What the peer refused: what, and the notify's name.
    pub fn peer_refusals(&self) -> Vec<(String, String)> {
        self.happenings()
            .filter_map(|h| match h {
                Happening::PeerRefused { what, name, .. } => Some((what.clone(), name.clone())),
                _ => None,
            })
            .collect()
    }

    pub fn closed(&self) -> Vec<String> {
        self.happenings()
            .filter_map(|h| match h {
                Happening::IkeClosed { cause, .. } => Some(cause.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn drops(&self) -> Vec<(DropReason, u64)> {
        self.endpoint.drops().nonzero().collect()
    }

    /// The one IKE SA.
    pub fn ike_sa(&self) -> IkeSaSnapshot {
        let mut all = self.endpoint.snapshot();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.pop().unwrap()
    }

    pub fn is_up(&self) -> bool {
        let all = self.endpoint.snapshot();
        all.iter()
            .any(|s| s.state == IkeSaState::Established && !s.children.is_empty())
    }
}

impl Lab {
    pub fn new() -> Self {
        Self::with(connection(Who::West), connection(Who::East))
    }

    pub fn with(west: Connection, east: Connection) -> Self {
        let mut lab = Self::bare(Settings::default(), Settings::default());
        lab.west.endpoint.set_connection(lab.now, Arc::new(west));
        lab.east.endpoint.set_connection(lab.now, Arc::new(east));
        lab
    }

    /// Without connections.
    pub fn bare(west: Settings, east: Settings) -> Self {
        Self {
            now: Now {
                mono: Mono(1_000_000_000),
                wall: Wall(1_700_000_000_000),
            },
            west: Side::new(WEST, 1, west),
            east: Side::new(EAST, 2, east),
            wire: VecDeque::new(),
            history: Vec::new(),
            nats: Vec::new(),
            lose: Vec::new(),
            cut: false,
        }
    }

    pub fn side(&mut self, who: Who) -> &mut Side {
        match who {
            Who::West => &mut self.west,
            Who::East => &mut self.east,
        }
    }

    /// West begins, towards the address that east has from outside.
    pub fn initiate(&mut self) {
        let remote = self
            .nats
            .iter()
            .find(|nat| nat.inside == self.east.address)
            .map_or(self.east.address, |nat| nat.outside);
        self.west
            .endpoint
            .initiate(self.now, "site", self.west.address, remote)
            .unwrap();
        self.drain();
    }

    /// Sets up the tunnel and forgets how.
    pub fn up(&mut self) {
        self.initiate();
        self.run();
        assert!(self.west.is_up(), "{:#?}", self.west.events);
        assert!(self.east.is_up(), "{:#?}", self.east.events);
    }

    /// Takes all outputs of both sides.
    pub fn drain(&mut self) {
        for who in [Who::West, Who::East] {
            while let Some(output) = self.side(who).endpoint.poll_output() {
                self.carry_out(who, output);
            }
        }
    }

    fn carry_out(&mut self, who: Who, output: Output) {
        let now = self.now;
        match output {
            Output::Transmit {
                local,
                remote,
                payload,
            } => {
                let datagram = Datagram {
                    from: local,
                    to: remote,
                    payload,
                };
                let lost = self.cut || self.lose.contains(&self.history.len());
                self.history.push(datagram.clone());
                if !lost {
                    self.wire.push_back(datagram);
                }
            }
            Output::Keepalive { local, remote } => {
                self.side(who).keepalives.push((local, remote));
            }
            Output::DataPlane(request) => {
                let side = self.side(who);
                match &request {
                    DataPlaneRequest::Install(sa) => side.installed.push((**sa).clone()),
                    DataPlaneRequest::Retire { .. } => {}
                    DataPlaneRequest::Remove { spi_in, .. } => {
                        side.installed.retain(|sa| sa.spi_in != *spi_in);
                    }
                    DataPlaneRequest::MovePath { spis_in, path, .. } => {
                        let moved = side.installed.iter_mut();
                        moved
                            .filter(|sa| spis_in.contains(&sa.spi_in))
                            .for_each(|sa| sa.path = *path);
                    }
                }
                side.data_plane.push(request);
            }
            Output::KeyRequest { id, request } => {
                let side = self.side(who);
                side.requests.push(request.clone());
                if let KeyRequest::Mix(_) = &request {
                    let mut held = Credentials::psk(Secret::from(b"".as_slice()));
                    held.ppk = side.ppk.map(Secret::from);
                    let answer = held.answer(&fake(0), Wall(0), &request);
                    return side.endpoint.handle_answer(now, id, answer);
                }
                let answer = match side.keys.clone() {
                    Keys::Holds(key) => auth_value(key, &request),
                    Keys::HasNone => without_credentials(&request),
                    Keys::Fails => KeyAnswer::Refused(Refusal::Local {
                        problem: "the token is unplugged".to_owned(),
                    }),
                    Keys::Distrusts(key) => match &request {
                        KeyRequest::Verify(to) => KeyAnswer::Refused(revoked(&to.remote_id)),
                        _ => auth_value(key, &request),
                    },
                    Keys::Names(names) => names.answer(&request),
                    Keys::Mixed(names, key) => match request.kind() {
                        Some(AuthKind::Psk) => auth_value(key, &request),
                        _ => names.answer(&request),
                    },
                    Keys::Accepting(names) => match &request {
                        KeyRequest::Verify(_) => KeyAnswer::Verified,
                        _ => names.answer(&request),
                    },
                    Keys::Slow(_) => {
                        side.unanswered.push((id, request));
                        return;
                    }
                };
                side.endpoint.handle_answer(now, id, answer);
            }
            Output::LeaseRequest { id, request } => {
                let side = self.side(who);
                side.leases.push((id, request.clone()));
                if let Some(pools) = &mut side.pools {
                    let answer = pools.lease(&request);
                    side.endpoint.handle_lease(now, id, answer);
                }
            }
            Output::LeaseEnd(lease) => {
                if let Some(pools) = &mut self.side(who).pools {
                    pools.end(lease);
                }
            }
            Output::Event(event) => self.side(who).events.push(event),
            Output::PeerAsks(question) => self.side(who).questions.push(question),
            Output::PeerAnswer { number, answer, .. } => {
                self.side(who).peer_answers.push((number, answer));
            }
            Output::Keys(keys) => self.side(who).told_keys.push(*keys),
            Output::Message(message) => self.side(who).messages.push(*message),
        }
    }

    /// Lets slow key holders answer.
    pub fn answer_keys(&mut self, who: Who) {
        let now = self.now;
        let side = self.side(who);
        let Keys::Slow(key) = side.keys.clone() else {
            return;
        };
        for (id, request) in core::mem::take(&mut side.unanswered) {
            side.endpoint
                .handle_answer(now, id, auth_value(key, &request));
        }
        self.drain();
    }

    /// What a datagram looks like at its destination, and whose that is.
    pub fn translate(&self, datagram: &Datagram) -> Option<(Who, Datagram)> {
        let mut seen = datagram.clone();
        for nat in &self.nats {
            if seen.from.ip() == nat.inside {
                seen.from = SocketAddr::new(nat.outside, seen.from.port() + nat.shift);
            }
            if seen.to.ip() == nat.outside {
                seen.to = SocketAddr::new(nat.inside, seen.to.port() - nat.shift);
            }
        }
        let who = [
            (Who::West, self.west.address),
            (Who::East, self.east.address),
        ]
        .into_iter()
        .find(|(_, address)| *address == seen.to.ip())?
        .0;
        Some((who, seen))
    }

    /// Delivers the next datagram. `false` when there is none.
    pub fn step(&mut self) -> bool {
        let Some(datagram) = self.wire.pop_front() else {
            return false;
        };
        self.deliver(&datagram);
        true
    }

    pub fn deliver(&mut self, datagram: &Datagram) {
        if let Some((who, seen)) = self.translate(datagram) {
            let now = self.now;
            self.side(who)
                .endpoint
                .handle_datagram(now, seen.to, seen.from, &seen.payload);
        }
        self.drain();
    }

    /// Delivers until nothing is on the wire.
    pub fn run(&mut self) {
        for _ in 0..1000 {
            if !self.step() {
                return;
            }
        }
        panic!("the two never stop talking");
    }

    /// Lets time pass; timers fire when they are due, and what they send is delivered.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        for _ in 0..10_000 {
            self.run();
            let next = [&self.west, &self.east]
                .into_iter()
                .filter_map(|side| side.endpoint.poll_timeout())
                .map(|(deadline, _)| deadline)
                .min()
                .filter(|deadline| *deadline <= end);
            let Some(deadline) = next else {
                self.now = self.now.plus(end.since(self.now.mono));
                return;
            };
            self.now = self.now.plus(deadline.since(self.now.mono));
            let now = self.now;
            self.west.endpoint.handle_timeout(now);
            self.east.endpoint.handle_timeout(now);
            self.drain();
        }
        panic!("timers never stop");
    }

    /// Takes what is on the wire away.
    pub fn intercept(&mut self) -> Vec<Datagram> {
        self.wire.drain(..).collect()
    }

    /// Both sides' data planes hold the two halves of the same SAs.
    pub fn assert_tunnel(&self) {
        let (w, e) = (
            self.west.installed.last().expect("west has no child"),
            self.east.installed.last().expect("east has no child"),
        );
        assert_eq!((w.spi_in, w.spi_out), (e.spi_out, e.spi_in));
        assert_eq!(w.suite, e.suite);
        assert!(w.key_in.expose() == e.key_out.expose() && !w.key_in.is_empty());
        assert!(w.key_out.expose() == e.key_in.expose());
        assert!(w.key_in.expose() != w.key_out.expose());
        assert_eq!((&w.ts_local, &w.ts_remote), (&e.ts_remote, &e.ts_local));
        assert_eq!(w.path.udp_encap, e.path.udp_encap);
    }
}

pub fn auth_value(key: &[u8], request: &KeyRequest) -> KeyAnswer {
    Credentials::psk(Secret::from(key)).answer(&fake(0), Wall(0), request)
}

fn revoked(peer: &Identity) -> Refusal {
    let reason = CertificateReason::Revoked {
        serial: "4d".to_owned(),
        at: Wall(0),
        cause: "its key was compromised".to_owned(),
        by: "CRL".to_owned(),
    };
    let refused = RefusedCertificate {
        subject: "CN=east".to_owned(),
        serial: "4d".to_owned(),
        reason,
    };
    Refusal::certificate(peer.clone(), refused)
}

pub fn fqdn(name: &str) -> Identity {
    Identity::Fqdn(name.to_owned())
}

/// The messages that a side sent and received, in one line each.
pub fn ladder(side: &Side) -> Vec<String> {
    side.happenings()
        .filter_map(|h| match h {
            Happening::Sent(m) => Some(format!("--> {m}")),
            Happening::Received(m) => Some(format!("<-- {m}")),
            _ => None,
        })
        .collect()
}
