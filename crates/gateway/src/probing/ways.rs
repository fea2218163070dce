//! Which ways packets take: to the peer, into the tunnel and back, and whether the host forwards and takes them.

use std::fs;
use std::net::IpAddr;

use adit_kernel::netlink::{ADIT_PROTOCOL, Address, Route, RouteKind, RouteLookup};
use adit_kernel::{KernelError, Netlink, sysctl};
use adit_model::fact::{Known, Probe};
use adit_model::host::{self, HostState};
use adit_model::policy::Action;
use adit_model::probed::{Check, Outcome};
use adit_model::sign::Sign;
use ipnet::IpNet;

use super::{Carrier, EVERYTHING_V4, EVERYTHING_V6, Networks, Situation, sign};

/// A way that the kernel's tables give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub kind: RouteKind,
    /// Index and name of the device.
    pub device: Option<(u32, String)>,
    pub via: Option<IpAddr>,
    pub source: Option<IpAddr>,
    pub mtu: Option<u32>,
}

impl Way {
    fn of(netlink: &mut Netlink, found: RouteLookup) -> Self {
        let device = found.device.map(|index| {
            let link = netlink.link_by_index(index);
            (
                index,
                link.map_or_else(|_| format!("#{index}"), |link| link.name),
            )
        });
        Self {
            kind: found.kind,
            device,
            via: found.via,
            source: found.source,
            mtu: found.mtu,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.device.as_ref().map_or("no device", |(_, name)| name)
    }

    fn is_local(&self) -> bool {
        self.kind == RouteKind::Local
    }

    /// `wan, next hop 192.0.2.254`.
    fn told(&self) -> String {
        match (self.kind, self.via) {
            (RouteKind::Unreachable | RouteKind::Blackhole | RouteKind::Prohibit, _) => {
                "a route that refuses them".to_owned()
            }
            (_, Some(via)) => format!("{}, next hop {via}", self.name()),
            (_, None) => self.name().to_owned(),
        }
    }
}

/// All ways in question.
pub(super) struct Ways {
    /// To the peer, as the gateway's own packets go.
    pub peer: Option<Result<Way, KernelError>>,
    /// Of each child and family: an address of ours and the way there, and one of the peer's.
    pub inside: Vec<Inside>,
    routes: Vec<Route>,
    names: Vec<(u32, String)>,
    /// Those of devices, by index, that aren't of the link or the host alone.
    pub addresses: Vec<(u32, IpAddr)>,
    all_addresses: Vec<(u32, IpAddr)>,
}

/// A child's way in one family.
pub(super) struct Inside {
    pub child: String,
    pub local: IpAddr,
    pub remote: IpAddr,
    pub to_local: Result<Way, KernelError>,
    pub to_remote: Result<Way, KernelError>,
}

impl Inside {
    /// The device that its local hosts are behind; `None` where they are this host itself.
    pub(super) fn lan(&self) -> Option<&(u32, String)> {
        let way = self.to_local.as_ref().ok()?;
        (!way.is_local()).then_some(way.device.as_ref())?
    }

    fn local_end(&self) -> Check {
        let id = "local-end";
        match (&self.to_local, self.lan()) {
            (Err(error), _) => Check::new(
                id,
                Outcome::Note,
                format!(
                    "no route leads to {}, of the local network: {error}",
                    self.local
                ),
            ),
            (Ok(_), Some((_, device))) => Check::new(
                id,
                Outcome::Well,
                format!("hosts such as {} are behind {device}", self.local),
            )
            .value("device", device),
            (Ok(_), None) => Check::new(
                id,
                Outcome::Well,
                format!("{} is this host itself", self.local),
            )
            .value("here", "yes"),
        }
    }

    pub(super) fn is_this_host(&self) -> bool {
        self.to_local.as_ref().is_ok_and(Way::is_local)
    }
}

impl Ways {
    pub(super) fn look(situation: &Situation, netlink: &mut Netlink) -> Self {
        let peer = situation.peer.map(|peer| {
            netlink
                .own_route_to(peer)
                .map(|found| Way::of(netlink, found))
        });
        let mut inside = Vec::new();
        for child in &situation.children {
            for (ours, remote) in samples(situation, child) {
                let mut to = |address, source| {
                    netlink
                        .route_to(address, source)
                        .map(|found| Way::of(netlink, found))
                };
                // Rather a host behind this one than this host itself.
                let mut found = ours.iter().map(|local| (*local, to(*local, None)));
                let behind = found.find(|(_, way)| !way.as_ref().is_ok_and(Way::is_local));
                let Some((local, to_local)) =
                    behind.or_else(|| ours.first().map(|local| (*local, to(*local, None))))
                else {
                    continue;
                };
                inside.push(Inside {
                    child: child.child.clone(),
                    local,
                    remote,
                    to_remote: to(remote, None),
                    to_local,
                });
            }
        }
        let names = netlink
            .links()
            .unwrap_or_default()
            .into_iter()
            .map(|link| (link.index, link.name))
            .collect();
        let addresses = netlink.addresses().unwrap_or_default();
        let of = |address: &Address| (address.index, address.net.addr());
        Self {
            peer,
            inside,
            routes: netlink.routes().unwrap_or_default(),
            names,
            addresses: addresses.iter().filter(|a| a.global).map(of).collect(),
            all_addresses: addresses.iter().map(of).collect(),
        }
    }

    pub(super) fn checks(&self, situation: &Situation) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.extend(self.inside.iter().map(Inside::local_end));
        checks.extend(self.local_address(situation));
        checks.extend(self.to_peer(situation));
        checks.extend(self.tunnel_ways(situation));
        checks.extend(self.forwarding());
        checks.extend(self.reverse_path(situation));
        checks.extend(self.source(situation));
        checks
    }

    /// Whether the address that the tunnel is to use is one of this host's.
    fn local_address(&self, situation: &Situation) -> Option<Check> {
        let wanted = situation.connection.local?;
        // A list that isn't there says nothing.
        if self.addresses.is_empty() || wanted.is_unspecified() || wanted.is_loopback() {
            return None;
        }
        let here = |(_, address): &(u32, IpAddr)| *address == wanted;
        if self.all_addresses.iter().any(here) {
            return None;
        }
        let summary = format!("{wanted}, the tunnel's `local`, is no address of this host");
        let address = wanted.to_string();
        Some(
            Check::new("local-address", Outcome::Finding, summary)
                .value("address", &address)
                .fix(format!(
                    "bring the interface with {wanted} up, or set `local` to an address of this host, to an interface, or to \"any\""
                ))
                .fact(sign(
                    Sign::LocalAddressMissing,
                    &[("address", &address), ("checked", "yes")],
                )),
        )
    }

    fn to_peer(&self, situation: &Situation) -> Option<Check> {
        let peer = situation.peer?;
        let way = match self.peer.as_ref()? {
            Ok(way) => way,
            Err(error) => {
                return Some(
                    Check::new(
                        "route-to-peer",
                        Outcome::Finding,
                        format!("there is no route to the peer {peer}: {error}"),
                    )
                    .fix(format!("add a route to {peer} by the outside interface"))
                    .fact(Known::Probed {
                        probe: Probe::Route {
                            to: peer,
                            exists: false,
                        },
                    }),
                );
            }
        };
        let mut summary = format!("the peer {peer} is reached by {}", way.told());
        if let Some(source) = way.source {
            summary = format!("{summary}, from {source}");
        }
        let mut check = Check::new("route-to-peer", Outcome::Well, summary).fact(Known::Probed {
            probe: Probe::Route {
                to: peer,
                exists: true,
            },
        });
        let configured = situation.connection.local;
        if let (Some(configured), Some(source)) = (configured, way.source)
            && configured != source
        {
            check.outcome = Outcome::Note;
            check.summary = format!(
                "{}; the tunnel uses {configured}, as `local` says",
                check.summary
            );
        }
        if let Some(mtu) = way.mtu {
            check = check.value("mtu", mtu);
        }
        Some(check.value("device", way.name()))
    }

    /// Whether the remote networks lead into the tunnel.
    fn tunnel_ways(&self, situation: &Situation) -> Vec<Check> {
        let mut checks = Vec::new();
        for inside in &self.inside {
            let Inside { child, remote, .. } = inside;
            let way = match &inside.to_remote {
                Ok(way) => way,
                Err(error) => {
                    let summary = format!(
                        "no route leads to {remote}, which is of the remote network of {child}: {error}"
                    );
                    checks.push(astray(remote, None, summary, &situation.carrier));
                    continue;
                }
            };
            let right = match (situation.carrier.device(), &situation.carrier) {
                (Some(device), _) => way.name() == device,
                // Policies take packets from any way.
                (None, Carrier::Kernel(_)) => {
                    matches!(way.kind, RouteKind::Unicast | RouteKind::Local)
                }
                (None, _) => true,
            };
            if !right {
                let summary = format!(
                    "packets to {remote}, which is of the remote network of {child}, go by {} and not into the tunnel",
                    way.told()
                );
                checks.push(astray(remote, Some(way), summary, &situation.carrier));
            }
        }
        if let Some(device) = situation.carrier.device() {
            checks.extend(self.parts_astray(situation, device));
        }
        if checks.is_empty() && !self.inside.is_empty() {
            let to: Vec<String> = self.inside.iter().map(|i| i.remote.to_string()).collect();
            let how = match situation.carrier.device() {
                Some(device) => format!("by {device}"),
                None => "where the kernel's policies find them".to_owned(),
            };
            checks.push(Check::new(
                "routes-inside",
                Outcome::Well,
                format!(
                    "packets to the remote networks ({}) go {how}",
                    to.join(", ")
                ),
            ));
        }
        checks
    }

    /// Routes for a part of a remote network that lead elsewhere.
    fn parts_astray(&self, situation: &Situation, device: &str) -> Vec<Check> {
        let ours: Vec<IpNet> = nets(situation, |c| &c.local);
        let theirs = nets(situation, |c| &c.remote);
        let policies = situation.policies.iter();
        let clear: Vec<IpNet> = policies
            .filter(|policy| policy.action != Action::Drop)
            .flat_map(|policy| &policy.remote)
            .flat_map(|selector| selector.nets())
            .collect();
        let tested = |net: &IpNet| self.inside.iter().any(|i| net.contains(&i.remote));
        let mut checks = Vec::new();
        for route in &self.routes {
            let to = route.destination;
            let name = self.name(route.device);
            let part = theirs
                .iter()
                .any(|net| net.prefix_len() >= LEAST_PREFIX && net.contains(&to));
            let meant = route.protocol == ADIT_PROTOCOL
                || route.protocol == BY_THE_KERNEL
                || route.table == LOCAL_TABLE
                || name == device
                || situation.peer.is_some_and(|peer| to.contains(&peer))
                || ours.iter().chain(&clear).any(|net| net.contains(&to));
            if !part || meant || tested(&to) {
                continue;
            }
            let first = to.hosts().next().unwrap_or(to.network());
            let way = Way {
                kind: route.kind,
                device: route.device.map(|index| (index, name.to_owned())),
                via: route.via,
                source: route.source,
                mtu: route.mtu,
            };
            let summary = format!(
                "packets to {to}, a part of the remote network, go by {} and not into the tunnel",
                way.told()
            );
            checks.push(astray(&first, Some(&way), summary, &situation.carrier));
            if checks.len() == MOST_PARTS {
                break;
            }
        }
        checks
    }

    /// The device by which the peer is reached.
    pub(super) fn outside(&self) -> Option<&(u32, String)> {
        self.peer.as_ref()?.as_ref().ok()?.device.as_ref()
    }

    pub(super) fn index(&self, device: &str) -> Option<u32> {
        let found = self.names.iter().find(|(_, name)| name == device);
        found.map(|(index, _)| *index)
    }

    fn name(&self, device: Option<u32>) -> &str {
        self.names
            .iter()
            .find(|(index, _)| Some(*index) == device)
            .map_or("no device", |(_, name)| name)
    }

    /// Whether packets between the tunnel and hosts behind this one are forwarded.
    fn forwarding(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = Vec::new();
        for v4 in [true, false] {
            let mut behind = self.inside.iter().filter(|i| i.local.is_ipv4() == v4);
            let Some((inside, lan)) = behind.find_map(|i| Some((i, i.lan()?))) else {
                continue;
            };
            let setting = if v4 {
                "net.ipv4.ip_forward"
            } else {
                "net.ipv6.conf.all.forwarding"
            };
            let (on_v4, on_v6) = sysctl::forwarding();
            let on = if v4 { on_v4 } else { on_v6 };
            // IPv4 devices can be left out one by one.
            let of_device = format!("net.ipv4.conf.{}.forwarding", lan.1.replace('.', "/"));
            let device_off = v4 && on && sysctl::read(&of_device).is_ok_and(|value| value == "0");
            if on && !device_off {
                checks.push(Check::new(
                    "forwarding",
                    Outcome::Well,
                    format!(
                        "this host forwards {} between {} and the tunnel",
                        family(v4),
                        lan.1
                    ),
                ));
                continue;
            }
            let off = if device_off {
                of_device.as_str()
            } else {
                setting
            };
            let summary = format!(
                "this host doesn't forward {}, and {} is behind {}: {off} is 0",
                family(v4),
                inside.local,
                lan.1
            );
            checks.push(
                Check::new("forwarding", Outcome::Finding, summary)
                    .fix(format!("sysctl -w {off}=1, and keep it in /etc/sysctl.d"))
                    .value("setting", off)
                    .fact(sign(Sign::ForwardingOff, &[("path", off)])),
            );
        }
        checks
    }

    /// Whether what comes out of the tunnel is taken for forged.
    fn reverse_path(&self, situation: &Situation) -> Vec<Check> {
        // The kernel doesn't ask of what its own IPsec has opened.
        let Carrier::Device(device) = &situation.carrier else {
            return Vec::new();
        };
        let Ok(mode) = sysctl::reverse_path_filter(device) else {
            return Vec::new();
        };
        let dropped = reverse_path_drops();
        let wrong = self.inside.iter().find(|i| {
            i.remote.is_ipv4()
                && match (&i.to_remote, mode) {
                    (Ok(way), STRICT) => way.name() != device,
                    (Err(_), STRICT | LOOSE) => true,
                    _ => false,
                }
        });
        let Some(inside) = wrong else {
            let how = match mode {
                STRICT => "is strict, and the ways back lead into the tunnel",
                LOOSE => "is loose",
                _ => "is off",
            };
            return vec![
                Check::new(
                    "reverse-path",
                    Outcome::Well,
                    format!("reverse path filtering of {device} {how}"),
                )
                .value("mode", mode)
                .value("dropped", dropped),
            ];
        };
        let path = format!("net.ipv4.conf.{device}.rp_filter");
        let summary = format!(
            "reverse path filtering of {device} drops what comes from {} out of the tunnel, because the way back doesn't lead there ({path} or `all` is {mode})",
            inside.remote
        );
        let mut check = Check::new("reverse-path", Outcome::Finding, summary)
            .fix(format!(
                "have {} lead into {device}, or sysctl -w {path}=0 and net.ipv4.conf.all.rp_filter=0",
                inside.remote
            ))
            .value("mode", mode)
            .value("dropped", dropped)
            .fact(sign(Sign::ReversePathFilterOn, &[("path", &path)]));
        if dropped > 0 {
            let count = dropped.to_string();
            check = check.fact(sign(Sign::ReversePathDrops, &[("count", &count)]));
        }
        vec![check]
    }

    /// Which source this host's own packets into the tunnel get.
    fn source(&self, situation: &Situation) -> Vec<Check> {
        let mut checks = Vec::new();
        for inside in &self.inside {
            let Ok(way) = &inside.to_remote else {
                continue;
            };
            let Some(source) = way.source else { continue };
            let summary = format!(
                "this host's own packets to {} leave from {source}",
                inside.remote
            );
            checks.push(if situation.is_ours(source) {
                Check::new("source-address", Outcome::Well, summary)
            } else {
                Check::new(
                    "source-address",
                    Outcome::Note,
                    format!("{summary}, which the tunnel doesn't take; those of hosts behind it aren't concerned"),
                )
                .fix(format!(
                    "test from an address of the local network: ping -I ADDRESS {}",
                    inside.remote
                ))
            });
        }
        checks
    }
}

/// Addresses of a child's traffic; never the peer's own outside address, whose packets go another way. Which part of
/// everything goes into a tunnel's own interface, the host's routes say.
fn samples(situation: &Situation, child: &Networks) -> Vec<(Vec<IpAddr>, IpAddr)> {
    let mut samples = child.samples();
    samples.retain(|(_, remote)| situation.peer != Some(*remote));
    if situation.connection.interface.is_some() {
        samples.retain(|(_, remote)| *remote != EVERYTHING_V4 && *remote != EVERYTHING_V6);
    }
    samples
}

fn nets(
    situation: &Situation,
    of: impl Fn(&Networks) -> &Vec<adit_model::selector::Selector>,
) -> Vec<IpNet> {
    let all = situation.children.iter().flat_map(of);
    all.flat_map(|selector| selector.nets()).collect()
}

fn astray(to: &IpAddr, way: Option<&Way>, summary: String, carrier: &Carrier) -> Check {
    let route = host::Route {
        network: to.to_string(),
        via: way.and_then(|w| w.via).map(|via| via.to_string()),
        device: way
            .and_then(|w| w.device.as_ref())
            .map(|(_, name)| name.clone()),
        source: way.and_then(|w| w.source).map(|source| source.to_string()),
        table: None,
        dead: way.is_none_or(|w| w.kind != RouteKind::Unicast),
    };
    let mut check = Check::new("routes-inside", Outcome::Finding, summary);
    if let Some(device) = carrier.device() {
        check = check
            .fix(format!(
                "delete the other route (ip route get {to} shows it), or ip route add {to} dev {device}"
            ))
            .fact(Known::Host {
                state: Box::new(HostState::Link {
                    name: device.to_owned(),
                    mtu: 0,
                }),
            });
    } else {
        check = check.fix(format!("add a route for {to} by the outside interface"));
    }
    check.value("to", to).fact(Known::Host {
        state: Box::new(HostState::Way {
            to: to.to_string(),
            route,
        }),
    })
}

fn family(v4: bool) -> &'static str {
    if v4 { "IPv4" } else { "IPv6" }
}

/// Packets that reverse path filtering has dropped in this network namespace.
fn reverse_path_drops() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/net/netstat").unwrap_or_default();
    netstat(&text, "IPReversePathFilter").unwrap_or(0)
}

/// A counter of `/proc/net/netstat`: a line with names, then one with numbers.
fn netstat(text: &str, name: &str) -> Option<u64> {
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(2).find_map(|pair| {
        let [names, values] = pair else { return None };
        let at = names.split_whitespace().position(|word| word == name)?;
        values.split_whitespace().nth(at)?.parse().ok()
    })
}

const STRICT: u8 = 1;
const LOOSE: u8 = 2;
/// `RTPROT_KERNEL`: networks of this host's own links.
const BY_THE_KERNEL: u8 = 2;
const LOCAL_TABLE: u32 = 255;
/// What is wider is nearly everything, and of that, parts may well be elsewhere.
const LEAST_PREFIX: u8 = 8;
/// More of these aren't told.
const MOST_PARTS: usize = 8;

#[cfg(test)]
mod tests {
    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = "TcpExt: SyncookiesSent IPReversePathFilter TCPx\nTcpExt: 1 23 4\nIpExt: A B\nIpExt: 7 8\n";
        assert_eq!(super::netstat(text, "IPReversePathFilter"), Some(23));
        assert_eq!(super::netstat(text, "B"), Some(8));
        assert_eq!(super::netstat(text, "C"), None);
    }
}
