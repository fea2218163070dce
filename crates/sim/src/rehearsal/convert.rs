//! A configuration of any product as a connection of ours, with that product's defaults.

use core::time::Duration;

use adit_crypto::{Provider, provider};
use adit_model::carriage::Carriage;
use adit_model::connection::{
    AuthKind, Authentication, Child, Connection, Leeway, Protection, Remote, Retransmit, Start,
};
use adit_model::fact::Side;
use adit_model::identity::Identity;
use adit_model::inner::{InnerAddresses, Pool};
use adit_model::life::{Action, ChildLife, Childless, Life, Unique, with_margin};
use adit_model::peer_config::{
    AuthMethod, Dialect, Networks, PeerChild, PeerConnection, PeerId, Pfs, Place, WhenDead,
};
use adit_model::policy::Policy;
use adit_model::proposal::Proposal;
use adit_model::selector::Selector;
use adit_wire::iana::KeMethod;

use super::ground::{Ground, addresses};
use super::{End, Notes, SIDES, Unplayable, index};

/// What a gateway of the world is configured with, keys apart.
#[derive(Clone, Debug)]
pub(super) struct Configured {
    pub(super) connection: Connection,
    pub(super) pools: Vec<Pool>,
    pub(super) policies: Vec<Policy>,
}

/// The pool of an end that gives addresses out of one that its file doesn't show.
const UNKNOWN_POOL: &str = "10.199.0.0/24";

/// Both ends' connections, under the first one's name.
pub(super) fn both(
    ends: &[End; 2],
    ground: &Ground,
    notes: &mut Notes,
) -> Result<[Configured; 2], Unplayable> {
    let kinds = authentication(ends, notes)?;
    let mut made = Vec::new();
    for side in SIDES {
        let view = View {
            side,
            end: &ends[index(side)],
            other: &ends[1 - index(side)],
            ground,
            kinds,
            provider: provider::fake(0),
        };
        made.push(view.connection(notes)?);
    }
    let mut made = made.into_iter();
    let (Some(local), Some(mut remote)) = (made.next(), made.next()) else {
        return Err(Unplayable("there are two ends to a tunnel".to_owned()));
    };
    remote.connection.name.clone_from(&local.connection.name);
    Ok([local, remote])
}

/// How each side proves who it is, as it and as the other one has it.
type Kinds = [Authentication; 2];

/// Settles the methods of both ends.
fn authentication(ends: &[End; 2], notes: &mut Notes) -> Result<Kinds, Unplayable> {
    // How `prover` does it, and how the other end wants it.
    let mut direction = |prover: Side| -> Result<(AuthKind, AuthKind), Unplayable> {
        let (own, other) = (&ends[index(prover)], &ends[1 - index(prover)]);
        let (does, wants) = (
            &own.connection.local_auth.value,
            &other.connection.remote_auth.value,
        );
        let exact = (
            own.own.as_ref().map(|o| o.connection.auth.local),
            other.own.as_ref().map(|o| o.connection.auth.remote),
        );
        let by_key = exact
            .0
            .into_iter()
            .chain(exact.1)
            .find(|k| *k != AuthKind::Psk);
        let kind = |method: &AuthMethod| match method {
            AuthMethod::Psk => Some(AuthKind::Psk),
            AuthMethod::PublicKey => Some(by_key.unwrap_or(AuthKind::Certificate)),
            AuthMethod::Eap | AuthMethod::Xauth | AuthMethod::Null => None,
        };
        let common = does.iter().find(|m| wants.contains(m));
        let (does_first, wants_first) = (does.first(), wants.first());
        let found = match (common, does_first, wants_first) {
            (Some(method), ..) => kind(method).map_or_else(
                || {
                    notes.assume(prover, format!("{method} isn't played and succeeds"));
                    Some((AuthKind::Psk, AuthKind::Psk))
                },
                |kind| Some((kind, kind)),
            ),
            (None, Some(does), Some(wants)) => kind(does).zip(kind(wants)),
            (None, Some(one), None) | (None, None, Some(one)) => kind(one).map(|k| (k, k)),
            (None, None, None) => Some((AuthKind::Psk, AuthKind::Psk)),
        };
        let (mut does, mut wants) = found.ok_or_else(|| {
            let name = |m: Option<&AuthMethod>| m.map_or_else(String::new, ToString::to_string);
            Unplayable(format!(
                "{} authenticates by {} and {} wants {}, of which our engine doesn't have both",
                own.name,
                name(does_first),
                other.name,
                name(wants_first)
            ))
        })?;
        does = exact.0.unwrap_or(does);
        wants = exact.1.unwrap_or(wants);
        Ok((does, wants))
    };
    let (local, wanted_of_local) = direction(Side::Local)?;
    let (remote, wanted_of_remote) = direction(Side::Remote)?;
    Ok([
        Authentication {
            local,
            remote: wanted_of_remote,
        },
        Authentication {
            local: remote,
            remote: wanted_of_local,
        },
    ])
}

/// One end, with what it has to be seen against.
struct View<'a> {
    side: Side,
    end: &'a End,
    other: &'a End,
    ground: &'a Ground,
    kinds: Kinds,
    provider: Provider,
}

impl View<'_> {
    fn own_address(&self) -> std::net::IpAddr {
        self.ground.own[index(self.side)]
    }

    fn peer_address(&self) -> std::net::IpAddr {
        self.ground.seen[1 - index(self.side)]
    }

    fn connection(&self, notes: &mut Notes) -> Result<Configured, Unplayable> {
        if let Some(own) = &self.end.own {
            let mut connection = own.connection.clone();
            // Interfaces and names are settled by the ground.
            if connection.local_interface.take().is_some() {
                connection.local = None;
            }
            if let Remote::Name(name) = &connection.remote {
                notes.assume(
                    self.side,
                    format!("{name} resolves to {}", self.peer_address()),
                );
                connection.remote = Remote::Address(self.peer_address());
            }
            connection.interface = None;
            // Only these are read for one.
            let read = [Dialect::Adit, Dialect::Swanctl].contains(&self.other.connection.dialect);
            if connection.ppk.is_some() && !read {
                connection.ppk = None;
                notes.leave_out(
                    self.side,
                    "its post-quantum pre-shared key: the other end's file isn't read for one",
                );
            }
            return Ok(Configured {
                connection,
                pools: own.pools.clone(),
                policies: own.policies.clone(),
            });
        }
        self.foreign(notes)
    }

    fn foreign(&self, notes: &mut Notes) -> Result<Configured, Unplayable> {
        let file = &self.end.connection;
        let auth = self.kinds[index(self.side)];
        let (inner, pools) = self.inner(notes);
        let (passing, negotiated): (Vec<_>, Vec<_>) = file
            .children
            .iter()
            .partition(|child| child.passes_in_clear.value);
        for child in passing {
            let text = format!("{}: its traffic passes in clear, by design", child.name);
            notes.leave_out(self.side, text);
        }
        let children: Vec<Child> = negotiated
            .into_iter()
            .map(|child| self.child(child, &inner, &pools, notes))
            .collect::<Result<_, _>>()?;
        if children.is_empty() {
            return Err(Unplayable(format!(
                "{}: {} has no child, so there is nothing to protect",
                self.end.name, file.name
            )));
        }
        let connection = Connection {
            name: file.name.clone(),
            local: addresses(&file.local.value)
                .any(|a| a == self.own_address())
                .then(|| self.own_address()),
            local_interface: None,
            remote: self.remote(notes),
            local_id: self.local_id(auth.local, notes),
            remote_id: self.remote_id(auth.remote),
            ppk: file.ppk.as_ref().map(|ppk| ppk.value.clone()),
            auth,
            ike: self.ike(notes)?,
            start: Start::Passive,
            children,
            dpd_delay: file.dpd_delay.value.unwrap_or_default(),
            retransmit: Retransmit::default(),
            window: 1,
            force_encap: file.force_encap.value,
            mobike: file.mobike.value,
            remote_port: 500,
            inner,
            life: life(file),
            protection: Protection::default(),
            interface: None,
            monitor: None,
        };
        Ok(Configured {
            connection,
            pools,
            policies: Vec::new(),
        })
    }

    fn remote(&self, notes: &mut Notes) -> Remote {
        let places = &self.end.connection.remote.value;
        let seen = self.peer_address();
        let known: Vec<_> = addresses(places).collect();
        let name = places.iter().find_map(|place| match place {
            Place::Name(name) => Some(name),
            _ => None,
        });
        match (known.contains(&seen), known.first(), name) {
            (true, ..) => Remote::Address(seen),
            (false, Some(wrong), _) => Remote::Address(*wrong),
            (false, None, Some(name)) => {
                notes.assume(self.side, format!("{name} resolves to {seen}"));
                Remote::Address(seen)
            }
            (false, None, None) => Remote::Any,
        }
    }

    fn local_id(&self, kind: AuthKind, notes: &mut Notes) -> Identity {
        let file = &self.end.connection;
        let written = file.local_id.value.as_ref().and_then(identity);
        written.unwrap_or_else(|| {
            let address = Identity::Address(self.own_address());
            if kind == AuthKind::Psk {
                return address;
            }
            // The subject of a certificate that isn't at hand.
            let other = &self.other.connection;
            let wanted = other.effective_remote_id().filter(is_definite);
            let found = wanted.as_ref().and_then(identity).unwrap_or(address);
            notes.assume(
                self.side,
                format!("it says that it is {found}: the file leaves that to its certificate"),
            );
            found
        })
    }

    fn remote_id(&self, kind: AuthKind) -> Option<Identity> {
        let file = &self.end.connection;
        match (&file.remote_id.value, kind) {
            (Some(id), _) => identity(id),
            (None, AuthKind::Psk) => file.effective_remote_id().as_ref().and_then(identity),
            (None, _) => None,
        }
    }

    fn ike(&self, notes: &mut Notes) -> Result<Vec<Proposal>, Unplayable> {
        let own = self.end.connection.ike.value.clone();
        let list = match (own, self.other.connection.ike.value.clone()) {
            (Some(list), _) => list,
            (None, Some(list)) => {
                notes.assume(
                    self.side,
                    "its IKE algorithms can't be known and are those of the other end",
                );
                list
            }
            (None, None) => {
                return Err(Unplayable(
                    "neither file tells which IKE algorithms are used".to_owned(),
                ));
            }
        };
        let playable = self.playable(&list, "IKE", notes)?;
        if playable.iter().any(|p| p.ke.is_empty()) {
            return Err(Unplayable(format!(
                "{}: an IKE proposal has no key exchange group",
                self.end.name
            )));
        }
        Ok(playable)
    }

    fn child(
        &self,
        child: &PeerChild,
        inner: &InnerAddresses,
        pools: &[Pool],
        notes: &mut Notes,
    ) -> Result<Child, Unplayable> {
        let file = &self.end.connection;
        let named = |what: &str| format!("{what} of {}", child.name);
        if child.ah {
            return Err(Unplayable(format!(
                "{}: {} uses AH, which our engine doesn't have",
                self.end.name, child.name
            )));
        }
        if child.compress.value {
            notes.leave_out(self.side, named("IP compression"));
        }
        if child.route_based.is_some() {
            notes.leave_out(
                self.side,
                named("routes into the tunnel interface: what its selectors have is played, the routes"),
            );
        }
        let known = child.esp.value.clone().or_else(|| {
            notes.assume(
                self.side,
                format!(
                    "the algorithms of {} can't be known and are those of the other end",
                    child.name
                ),
            );
            let mut others = self.other.connection.children.iter();
            others.find_map(|c| c.esp.value.clone())
        });
        let Some(list) = known else {
            return Err(Unplayable(
                "neither file tells which ESP algorithms are used".to_owned(),
            ));
        };
        let esp = self.with_groups(child, list);
        if [&child.local_ts, &child.remote_ts]
            .iter()
            .any(|ts| ts.value.is_empty())
        {
            return Err(Unplayable(format!(
                "the networks of {} can't be read",
                child.name
            )));
        }
        let local = match inner.wanted.is_empty() {
            true => self.networks(&child.local_ts.value, self.own_address()),
            false => vec![everything(self.own_address().is_ipv4())],
        };
        let remote = if inner.pools.is_empty() || child.remote_ts.value.iter().any(Option::is_some)
        {
            self.networks(&child.remote_ts.value, self.peer_address())
        } else {
            pools.iter().flat_map(|p| p.addresses.clone()).collect()
        };
        Ok(Child {
            name: child.name.clone(),
            local_ts: local,
            remote_ts: remote,
            esp: self.playable(&esp, &format!("ESP ({})", child.name), notes)?,
            mode: child.mode.value,
            replay_window: child.replay_window.value,
            life: child_life(file, child),
            leeway: Leeway {
                narrow: file.dialect.narrows(),
                // strongSwan and its kin take tunnel mode where transport is declined (RFC 7296 1.3.1).
                tunnel_instead: true,
            },
            carriage: Carriage::default(),
        })
    }

    /// Proposals with the groups that rekeying uses.
    fn with_groups(&self, child: &PeerChild, list: Vec<Proposal>) -> Vec<Proposal> {
        let bare = list.into_iter().map(|p| Proposal {
            ke: Vec::new(),
            addke: Default::default(),
            ..p
        });
        let with = |groups: &Proposal, bare: &Proposal| Proposal {
            ke: groups.ke.clone(),
            addke: groups.addke.clone(),
            ..bare.clone()
        };
        let of_ike = |file: &PeerConnection| Proposal {
            ke: file
                .ike
                .value
                .iter()
                .flatten()
                .flat_map(|p| p.ke.clone())
                .collect(),
            ..Proposal::default()
        };
        match &child.pfs.value {
            None | Some(Pfs::Off) => bare.collect(),
            Some(Pfs::Groups(groups)) if groups.ke.contains(&KeMethod::NONE) => {
                let mut groups = (**groups).clone();
                groups.ke.retain(|ke| *ke != KeMethod::NONE);
                bare.flat_map(|p| [with(&groups, &p), p]).collect()
            }
            Some(Pfs::Groups(groups)) => bare.map(|p| with(groups, &p)).collect(),
            Some(Pfs::AsIke) => {
                let groups = of_ike(&self.end.connection);
                bare.map(|p| with(&groups, &p)).collect()
            }
            Some(Pfs::AsPeer) => {
                let groups = of_ike(&self.other.connection);
                bare.flat_map(|p| [p.clone(), with(&groups, &p)]).collect()
            }
        }
    }

    fn networks(&self, networks: &Networks, own: std::net::IpAddr) -> Vec<Selector> {
        let all = networks
            .iter()
            .map(|n| n.unwrap_or_else(|| Selector::host(own)));
        all.collect()
    }

    fn inner(&self, notes: &mut Notes) -> (InnerAddresses, Vec<Pool>) {
        let Some(text) = self.end.connection.virtual_ip.as_ref() else {
            return (InnerAddresses::default(), Vec::new());
        };
        let value = text.value.trim();
        let (asks, rest) = match value.split_once(" = ") {
            Some(("vips", rest)) => (true, rest),
            Some((_, rest)) => (false, rest),
            None => (value.starts_with('%'), value),
        };
        if asks {
            let unspecified = match rest.contains(':') || rest.contains("config6") {
                true => std::net::Ipv6Addr::UNSPECIFIED.into(),
                false => std::net::Ipv4Addr::UNSPECIFIED.into(),
            };
            let wanted = InnerAddresses {
                wanted: vec![unspecified],
                pools: Vec::new(),
            };
            return (wanted, Vec::new());
        }
        let mut ranges: Vec<Selector> = rest
            .split(',')
            .filter_map(|part| part.trim().parse().ok())
            .collect();
        if ranges.is_empty() {
            notes.assume(
                self.side,
                format!("its pool ({rest}) has the addresses {UNKNOWN_POOL}"),
            );
            ranges.extend(UNKNOWN_POOL.parse::<Selector>());
        }
        let pool = Pool {
            name: "pool".to_owned(),
            addresses: ranges,
            dns: Vec::new(),
            split: Vec::new(),
            per_identity: Pool::PER_IDENTITY,
        };
        let gives = InnerAddresses {
            wanted: Vec::new(),
            pools: vec![pool.name.clone()],
        };
        (gives, vec![pool])
    }

    /// What our engine can do of a list of proposals.
    fn playable(
        &self,
        list: &[Proposal],
        what: &str,
        notes: &mut Notes,
    ) -> Result<Vec<Proposal>, Unplayable> {
        let mut out = Vec::new();
        for whole in list {
            let mut part = whole.clone();
            part.encr.retain(|e| self.provider.encr(e.id).is_ok());
            part.prf.retain(|id| self.provider.prf(*id).is_ok());
            part.integ.retain(|id| self.provider.integ(*id).is_ok());
            part.ke.retain(|id| self.provider.ke(*id).is_ok());
            let emptied = (part.encr.is_empty() && !whole.encr.is_empty())
                || (part.prf.is_empty() && !whole.prf.is_empty())
                || (part.integ.is_empty() && !whole.integ.is_empty())
                || (part.ke.is_empty() && !whole.ke.is_empty());
            if part != *whole {
                notes.leave_out(
                    self.side,
                    format!("{what}: algorithms of {whole} that our engine doesn't have"),
                );
            }
            if !emptied && !out.contains(&part) {
                out.push(part);
            }
        }
        if out.is_empty() {
            let names: Vec<String> = list.iter().map(ToString::to_string).collect();
            return Err(Unplayable(format!(
                "{}: our engine has no {what} proposal of {}",
                self.end.name,
                names.join(", ")
            )));
        }
        Ok(out)
    }
}

fn is_definite(id: &PeerId) -> bool {
    !matches!(id, PeerId::Any | PeerId::Like(_))
}

/// An identity of ours; `None` for anybody, and for what isn't one.
fn identity(id: &PeerId) -> Option<Identity> {
    match id {
        PeerId::Any => None,
        PeerId::Is(id) => Some(id.clone()),
        PeerId::Name(text) | PeerId::Like(text) => text.trim_start_matches('@').parse().ok(),
    }
}

fn everything(v4: bool) -> Selector {
    Selector::net(match v4 {
        true => ipnet::IpNet::V4(ipnet::Ipv4Net::default()),
        false => ipnet::IpNet::V6(ipnet::Ipv6Net::default()),
    })
}

/// Where only the end of an SA is written: how long before it is replaced, as daemons do.
fn before(life: Duration) -> Duration {
    life - life / 10
}

fn life(file: &PeerConnection) -> Life {
    let usual = Life::default();
    let life = file.ike_life.value.unwrap_or_default();
    let renewed = file.rekey.value;
    let action = |what: WhenDead| match what {
        WhenDead::Nothing => None,
        WhenDead::Clear => Some(Action::Clear),
        WhenDead::Trap => Some(Action::Trap),
        WhenDead::Restart => Some(Action::Restart),
    };
    let (rekey, reauth) = match (renewed, file.reauth.value) {
        (false, _) => (Duration::ZERO, Duration::ZERO),
        (true, true) => (Duration::ZERO, life),
        (true, false) => (life, Duration::ZERO),
    };
    Life {
        rekey,
        reauth,
        lifetime: with_margin(life),
        make_before_break: usual.make_before_break,
        unique: Unique::Replace,
        dpd_action: action(file.dpd_action.value),
        close_action: None,
        childless: Childless::Allow,
        // Nobody tries anything in the virtual world, where rekeys come of themselves.
        test_rekey: Duration::ZERO,
    }
}

fn child_life(file: &PeerConnection, child: &PeerChild) -> ChildLife {
    let usual = ChildLife::default();
    let life = child.life.value;
    let soft = child.soft_life.value;
    let rekey = match (file.rekey.value, soft, life) {
        (false, ..) => Duration::ZERO,
        (true, Some(soft), _) => soft,
        (true, None, Some(life)) => before(life),
        (true, None, None) => usual.rekey,
    };
    let bytes = child.life_bytes.value.unwrap_or_default();
    let packets = child.life_packets.value.unwrap_or_default();
    ChildLife {
        rekey,
        lifetime: life.unwrap_or_else(|| with_margin(rekey)),
        rekey_bytes: bytes / 10 * 9,
        lifetime_bytes: bytes,
        rekey_packets: packets / 10 * 9,
        lifetime_packets: packets,
        inactivity: Duration::ZERO,
    }
}
