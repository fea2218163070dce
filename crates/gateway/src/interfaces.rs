//! The interfaces of tunnels that have one of their own.
//!
//! What is routed into such an interface is its tunnel's traffic, whoever added the route. So the interface outlives the
//! gateway: when the process ends, however it does, routes stay where they lead, and packets are dropped there rather than
//! sent in clear by the next best route. A note at the interface says that it is ours, so that the next gateway takes it
//! over and nobody else's is ever touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_crypto::Provider;
use adit_esp::Door;
use adit_kernel::netlink::{ADIT_PROTOCOL, Link};
use adit_kernel::{KernelError, Netlink, Offload, Tun, TunConfig};
use adit_model::connection::{Connection, TunnelInterface};

use crate::mtu;

/// A device of the data plane, and which tunnels' packets it carries.
#[derive(Debug)]
pub struct Opened {
    /// Which tunnels.
    pub door: Door,
    /// The device's queues.
    pub queues: Vec<Tun>,
}

/// How devices are made.
#[derive(Clone, Copy, Debug)]
pub struct Queues {
    /// Queues of each device: one for each thread that carries packets.
    pub count: usize,
    /// Whether the host may leave packets to be cut to those threads.
    pub bundles: bool,
}

impl Queues {
    /// Makes a device.
    ///
    /// # Errors
    /// As [`Tun::create_queues`].
    pub fn create(self, config: TunConfig) -> Result<Vec<Tun>, KernelError> {
        let offload = match self.bundles {
            true => Offload::TcpAndUdp,
            false => Offload::None,
        };
        Tun::create_queues(&config.with_offload(offload), self.count)
    }
}

/// What the interfaces of tunnels are.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// TUN devices, whose packets our own data plane takes.
    Tun(Queues),
    /// XFRM interfaces: what is led into one is the kernel's to protect, by the policies that have its number.
    Xfrm,
}

impl Kind {
    /// The driver's kind.
    fn name(self) -> &'static str {
        match self {
            Self::Tun(_) => TUN,
            Self::Xfrm => XFRM,
        }
    }
}

/// The interfaces of tunnels, by tunnel.
#[derive(Clone, Debug)]
pub struct Interfaces {
    all: BTreeMap<String, Own>,
    kind: Kind,
}

#[derive(Clone, Debug)]
struct Own {
    index: u32,
    /// The number of an XFRM interface.
    if_id: Option<u32>,
    settings: TunnelInterface,
    /// Whether it was there before this gateway.
    was_there: bool,
}

/// Which of the host's interfaces lead into tunnels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The one of all tunnels without an interface.
    pub shared: u32,
    /// Those of single tunnels.
    pub own: BTreeMap<String, u32>,
}

impl Devices {
    /// The interface that a tunnel's packets are led into.
    #[must_use]
    pub fn of(&self, tunnel: &str) -> u32 {
        self.own.get(tunnel).copied().unwrap_or(self.shared)
    }

    /// Whether packets that leave by this interface go into a tunnel.
    #[must_use]
    pub fn has(&self, device: Option<u32>) -> bool {
        device.is_some_and(|index| index == self.shared || self.is_own(index))
    }

    /// Whether it is the interface of a single tunnel.
    #[must_use]
    pub fn is_own(&self, index: u32) -> bool {
        self.own.values().any(|own| *own == index)
    }
}

impl Interfaces {
    /// Makes the interfaces that `connections` want, or takes over those that an earlier gateway left, and takes away those
    /// that nobody wants any more. On failure everything is as before.
    ///
    /// # Errors
    /// When an interface of that name is somebody else's, or the kernel refuses.
    pub fn prepare(
        netlink: &mut Netlink,
        provider: &Provider,
        connections: &[Arc<Connection>],
        kind: Kind,
    ) -> Result<(Self, Vec<Opened>), KernelError> {
        let mut interfaces = Self {
            all: BTreeMap::new(),
            kind,
        };
        let mut opened = Vec::new();
        for connection in connections {
            match interfaces.open(netlink, provider, connection) {
                Ok(None) => {}
                Ok(Some(tun)) => opened.push(tun),
                Err(error) => {
                    interfaces.abandon(netlink);
                    return Err(error);
                }
            }
        }
        interfaces.remove_stale(netlink)?;
        Ok((interfaces, opened))
    }

    /// Brings the interfaces to what `connections` want now, while packets pass. Those of tunnels that have none any more are
    /// [taken away](Self::retire) once nothing is protected by them.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn change(
        &mut self,
        netlink: &mut Netlink,
        provider: &Provider,
        connections: &[Arc<Connection>],
    ) -> Result<Vec<Opened>, KernelError> {
        let mut opened = Vec::new();
        for connection in connections {
            let Some(wanted) = &connection.interface else {
                continue;
            };
            match self.all.get(&connection.name) {
                Some(own) if own.settings.name == wanted.name => {
                    let index = own.index;
                    settle(netlink, index, wanted)?;
                    let mtu = mtu::of_interface(netlink, provider, connection);
                    netlink.set_link_mtu(index, mtu)?;
                    if let Some(own) = self.all.get_mut(&connection.name) {
                        own.settings.clone_from(wanted);
                    }
                }
                _ => opened.extend(self.open(netlink, provider, connection)?),
            }
        }
        Ok(opened)
    }

    /// Takes away the interfaces of tunnels that are configured without one, or no more.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn retire(
        &mut self,
        netlink: &mut Netlink,
        connections: &[Arc<Connection>],
    ) -> Result<(), KernelError> {
        self.all.retain(|tunnel, _| {
            let mut wanted = connections.iter().filter(|c| c.interface.is_some());
            wanted.any(|c| c.name == *tunnel)
        });
        self.remove_stale(netlink)
    }

    /// The interfaces' numbers, beside the `shared` one.
    #[must_use]
    pub fn devices(&self, shared: u32) -> Devices {
        let own = self.all.iter();
        Devices {
            shared,
            own: own
                .map(|(tunnel, own)| (tunnel.clone(), own.index))
                .collect(),
        }
    }

    /// The numbers of XFRM interfaces, by tunnel.
    #[must_use]
    pub fn if_ids(&self) -> BTreeMap<String, u32> {
        let all = self.all.iter();
        all.filter_map(|(tunnel, own)| Some((tunnel.clone(), own.if_id?)))
            .collect()
    }

    /// Puts back what others took away: the state and the addresses. (Routes are put back with all others.)
    ///
    /// # Errors
    /// When an interface is gone: its tunnel carries nothing until the gateway is started anew.
    pub fn tend(&self, netlink: &mut Netlink) -> Result<(), KernelError> {
        for own in self.all.values() {
            let link = netlink.link_by_index(own.index).map_err(|error| {
                error.with_hint(format!(
                    "interface {} was taken away, and its traffic stays blocked. Fix: restart the gateway",
                    own.settings.name
                ))
            })?;
            if !link.up {
                netlink.set_link_up(own.index, true)?;
            }
            for net in &own.settings.addresses {
                netlink.add_address(own.index, *net)?;
            }
        }
        Ok(())
    }

    /// Takes away what this gateway made, for one that couldn't start.
    pub fn abandon(&self, netlink: &mut Netlink) {
        for own in self.all.values().filter(|own| !own.was_there) {
            if let Err(error) = netlink.delete_link(own.index) {
                tracing::warn!("{error}");
            }
        }
    }

    fn open(
        &mut self,
        netlink: &mut Netlink,
        provider: &Provider,
        connection: &Connection,
    ) -> Result<Option<Opened>, KernelError> {
        let Some(settings) = &connection.interface else {
            return Ok(None);
        };
        let links = netlink.links()?;
        let mut there = links.iter().find(|l| l.name == settings.name);
        if let Some(link) = there.filter(|link| !is_ours(link)) {
            let kind = link.kind.as_deref().unwrap_or("another kind");
            return Err(KernelError::own(
                "make the interface",
                &settings.name,
                format!(
                    "there is one of that name already ({kind}). Fix: another name in [tunnel.{}.interface]",
                    connection.name
                ),
            ));
        }
        let other_kind = |link: &&Link| link.kind.as_deref() != Some(self.kind.name());
        if let Some(link) = there.filter(other_kind) {
            netlink.delete_link(link.index)?;
            made_anew(connection, settings, "left by another data plane");
            there = None;
        }
        let mtu = mtu::of_interface(netlink, provider, connection);
        let made = match self.kind {
            Kind::Tun(queues) => make_tun(netlink, connection, settings, there, mtu, queues)?,
            Kind::Xfrm => make_xfrm(netlink, settings, there, &links, mtu)?,
        };
        let own = Own {
            index: made.index,
            if_id: made.if_id,
            settings: settings.clone(),
            was_there: made.was_there,
        };
        self.all.insert(connection.name.clone(), own);
        netlink.set_link_alias(made.index, &format!("{NOTE}{}", connection.name))?;
        settle(netlink, made.index, settings)?;
        tracing::info!(
            "{}: interface {} with MTU {mtu}",
            connection.name,
            settings.name
        );
        Ok((!made.queues.is_empty()).then(|| Opened {
            door: Door::of(connection),
            queues: made.queues,
        }))
    }

    fn remove_stale(&self, netlink: &mut Netlink) -> Result<(), KernelError> {
        for link in left(netlink)? {
            if self.all.values().all(|own| own.index != link.index) {
                netlink.delete_link(link.index)?;
            }
        }
        Ok(())
    }
}

/// An interface that was made, or taken over.
struct Made {
    index: u32,
    if_id: Option<u32>,
    was_there: bool,
    queues: Vec<Tun>,
}

fn make_tun(
    netlink: &mut Netlink,
    connection: &Connection,
    settings: &TunnelInterface,
    there: Option<&Link>,
    mtu: u32,
    queues: Queues,
) -> Result<Made, KernelError> {
    let config = TunConfig::new(&settings.name).with_mtu(mtu).persistent();
    let mut was_there = there.is_some();
    let made = queues.create(config.clone());
    let unlike = match &made {
        Err(error) => error.errno == Some(libc::EINVAL),
        Ok(made) => made.len() < queues.count,
    };
    let queues = match there {
        // Left with other properties of its queues, which can't be changed.
        Some(link) if unlike => {
            drop(made);
            netlink.delete_link(link.index)?;
            was_there = false;
            made_anew(connection, settings, "left with queues of another kind");
            queues.create(config)?
        }
        _ => made?,
    };
    Ok(Made {
        index: queues.first().map_or(0, Tun::index),
        if_id: None,
        was_there,
        queues,
    })
}

fn make_xfrm(
    netlink: &mut Netlink,
    settings: &TunnelInterface,
    there: Option<&Link>,
    links: &[Link],
    mtu: u32,
) -> Result<Made, KernelError> {
    let known = there.and_then(|link| Some((link.index, link.if_id?)));
    let (index, if_id) = match known {
        Some(known) => known,
        None => {
            let taken: BTreeSet<u32> = links.iter().filter_map(|link| link.if_id).collect();
            let mut if_id = settings.if_id();
            while taken.contains(&if_id) {
                if_id = if_id.wrapping_add(1).max(1);
            }
            (netlink.add_xfrm(&settings.name, if_id)?, if_id)
        }
    };
    // Refused only where IPv6 is off, and then there is nothing to disable.
    let _ = netlink.disable_link_local(index);
    let ready = netlink.set_link_mtu(index, mtu);
    if let Err(error) = ready.and_then(|()| netlink.set_link_up(index, true)) {
        if known.is_none() {
            let _ = netlink.delete_link(index);
        }
        return Err(error);
    }
    Ok(Made {
        index,
        if_id: Some(if_id),
        was_there: known.is_some(),
        queues: Vec::new(),
    })
}

fn made_anew(connection: &Connection, settings: &TunnelInterface, because: &str) {
    tracing::warn!(
        "{}: interface {} is made anew, since it was {because}; routes that were added by hand are gone",
        connection.name,
        settings.name
    );
}

/// Whether the kernel has XFRM interfaces: found out by making one, and taking it away again.
///
/// # Errors
/// [`KernelError::is_unsupported`] when it has none; when CAP_NET_ADMIN is missing.
pub fn probe_xfrm() -> Result<(), KernelError> {
    let mut netlink = Netlink::open()?;
    let index = match netlink.add_xfrm(PROBE.0, PROBE.1) {
        // Another gateway is trying just now.
        Err(error) if error.is_present() => return Ok(()),
        made => made?,
    };
    netlink.delete_link(index).map(drop)
}

/// Takes away the interfaces that gateways left, with everything that is routed into them; returns their names.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_left(netlink: &mut Netlink) -> Result<Vec<String>, KernelError> {
    let mut names = Vec::new();
    for link in left(netlink)? {
        netlink.delete_link(link.index)?;
        names.push(link.name);
    }
    Ok(names)
}

/// Whether what leaves by a TUN device of this host goes into a tunnel of ours: it is noted there, or it is the shared one.
#[must_use]
pub fn leads_into_tunnel(link: &Link) -> bool {
    is_ours(link) || link.alias.as_deref() == Some(SHARED_NOTE)
}

/// Notes at the device that tunnels share whose it is.
///
/// # Errors
/// When the kernel refuses.
pub fn note_shared(netlink: &mut Netlink, index: u32) -> Result<(), KernelError> {
    netlink.set_link_alias(index, SHARED_NOTE)
}

/// Whether an interface of that name exists and belongs to somebody else.
///
/// # Errors
/// When the kernel doesn't list interfaces.
pub fn is_foreign(netlink: &mut Netlink, name: &str) -> Result<bool, KernelError> {
    let links = netlink.links()?;
    Ok(links.iter().any(|link| link.name == name && !is_ours(link)))
}

/// Addresses as configured, and no others; routes of ours that a restart doesn't want any more are found by whoever leads.
fn settle(
    netlink: &mut Netlink,
    index: u32,
    settings: &TunnelInterface,
) -> Result<(), KernelError> {
    for net in &settings.addresses {
        netlink.add_address(index, *net)?;
    }
    for address in netlink.addresses()? {
        if address.index == index && address.global && !settings.addresses.contains(&address.net) {
            netlink.delete_address(index, address.net)?;
        }
    }
    for route in netlink.routes()? {
        let ours = route.protocol == ADIT_PROTOCOL && route.device == Some(index);
        if ours
            && !settings
                .routes
                .iter()
                .any(|net| net.contains(&route.destination))
        {
            netlink.delete_route(&route)?;
        }
    }
    Ok(())
}

fn left(netlink: &mut Netlink) -> Result<Vec<Link>, KernelError> {
    let links = netlink.links()?.into_iter();
    Ok(links.filter(is_ours).collect())
}

fn is_ours(link: &Link) -> bool {
    let noted = link
        .alias
        .as_ref()
        .is_some_and(|alias| alias.starts_with(NOTE));
    noted && matches!(link.kind.as_deref(), Some(TUN | XFRM))
}

/// What is noted at an interface of ours, before the tunnel's name.
const NOTE: &str = "adit tunnel ";
/// What is noted at the one that goes with its process.
const SHARED_NOTE: &str = "adit";
/// Kinds of interfaces, as the kernel calls them.
const TUN: &str = "tun";
const XFRM: &str = "xfrm";
/// An interface that is only tried, and its number.
const PROBE: (&str, u32) = ("adit-probe", 0x0ad3_0001);
