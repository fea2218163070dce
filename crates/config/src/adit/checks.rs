//! What can only be judged when all of a tunnel, or all tunnels, are read.

use std::net::IpAddr;

use adit_model::connection::{Child, Connection, Mode, Remote, Start};
use adit_model::inner::Pool;
use adit_model::life::Action;
use adit_model::selector::Selector;

use crate::adit::reader::{Reader, Table};
use crate::adit::tunnel::Read;
use crate::configuration::{AuthFiles, PeerFiles};
use crate::diagnostic::Severity;

/// Judges one tunnel.
pub(super) fn tunnel(reader: &mut Reader<'_>, read: &Read<'_>) {
    let c = &read.connection;
    let peer = match c.remote {
        Remote::Address(address) => Some(address),
        _ => None,
    };
    if let (Some(local), Some(peer)) = (c.local, peer) {
        if local.is_ipv4() != peer.is_ipv4() {
            reader
                .error(
                    "mixed-families",
                    &read.table.at_value("remote"),
                    "one end is IPv4 and the other IPv6",
                )
                .found(format!("{local} and {peer}"))
                .expected("both ends of one family")
                .fix("local = \"any\"");
        } else if local == peer {
            reader
                .error(
                    "same-address",
                    &read.table.at_value("remote"),
                    "both ends have the same address",
                )
                .found(peer)
                .expected("the peer's address")
                .fix("remote = \"192.168.0.2\"");
        }
    }
    if c.remote_id.as_ref() == Some(&c.local_id) && peer.is_none_or(|p| Some(p) != c.local) {
        reader.report(
            Severity::Warning,
            "same-identity",
            &read.table.at_value("remote_id"),
            format!("both sides are {}", c.local_id),
        );
    }
    for (name, action) in [
        ("dpd_action", c.life.dpd_action),
        ("close_action", c.life.close_action),
    ] {
        if c.remote == Remote::Any && matches!(action, Some(Action::Restart | Action::Trap)) {
            reader
                .error(
                    "no-address-to-start",
                    &read.table.at_value(name),
                    format!("`{name}` needs a peer with an address"),
                )
                .expected("\"clear\" where `remote` is \"any\"")
                .fix(format!("{name} = \"clear\""));
        }
    }
    if c.interface.is_none() {
        one_family_for_all(reader, read);
    }
    for (child, table) in c.children.iter().zip(&read.children) {
        families(reader, child, table);
        // What a tunnel with an interface carries is decided by routes.
        if c.interface.is_none() {
            own_traffic(reader, child, table, c.local, peer);
        }
        if child.mode == Mode::Transport {
            transport(reader, child, table, c, peer);
        }
    }
}

/// All of IPv4 through the tunnel, and IPv6 of the same hosts beside it (RFC 7359).
fn one_family_for_all(reader: &mut Reader<'_>, read: &Read<'_>) {
    let children = &read.connection.children;
    let remote = || children.iter().flat_map(|child| &child.remote_ts);
    if remote().any(|ts| !ts.start.is_ipv4()) {
        return;
    }
    let whole = |child: &Child| {
        let mut nets = child.remote_ts.iter().flat_map(Selector::nets);
        nets.any(|net| net.prefix_len() == 0)
    };
    let Some((_, table)) = children
        .iter()
        .zip(&read.children)
        .find(|(child, _)| whole(child))
    else {
        return;
    };
    reader
        .report(
            Severity::Note,
            "ipv6-beside",
            &table.at_value("remote_net"),
            "all of IPv4 goes through the tunnel, and IPv6 of the same hosts, if they have any, passes beside it in clear",
        )
        .note("add ::/0 here and the hosts' IPv6 networks to `local_net`, or a [policy] that drops what IPv6 they send");
}

/// Transport mode carries what the two ends say to each other.
fn transport(
    reader: &mut Reader<'_>,
    child: &Child,
    table: &Table<'_>,
    connection: &Connection,
    peer: Option<IpAddr>,
) {
    for (key, list, end) in [
        ("local_net", &child.local_ts, connection.local),
        ("remote_net", &child.remote_ts, peer),
    ] {
        let Some(end) = end else { continue };
        let host = Selector::host(end);
        if list.is_empty() || list.iter().any(|s| s.intersect(&host).is_some()) {
            continue;
        }
        reader
            .error(
                "transport-networks",
                &table.at_value(key),
                format!(
                    "transport mode carries only what {end} itself says, and `{key}` is without it"
                ),
            )
            .expected("the address of that end, with a protocol and port where wanted")
            .fix(format!("{key} = [\"{end}\"]"))
            .note("for networks behind the gateways leave `mode` away");
    }
    if connection.force_encap && !child.leeway.tunnel_instead {
        reader
            .error(
                "transport-behind-nat",
                &table.at_value("mode"),
                "`force_encap` tells the peer of a NAT, and there is no transport mode through one",
            )
            .expected("one or the other")
            .fix("mode = \"tunnel\"");
    }
}

/// Addresses that are given or asked for.
pub(super) fn inner(reader: &mut Reader<'_>, read: &Read<'_>, pools: &[Pool]) {
    let c = &read.connection;
    if !c.inner.pools.is_empty() && c.start != Start::Passive {
        reader
            .error(
                "pool-not-passive",
                &read.table.at_key("pool"),
                format!("`{}` gives addresses, so only its peers can begin", c.name),
            )
            .fix("start = \"passive\"");
    }
    if !c.inner.wanted.is_empty() && c.start == Start::Passive {
        reader
            .error(
                "virtual-ip-passive",
                &read.table.at_key("virtual_ip"),
                format!("`{}` asks for an address, so it has to begin", c.name),
            )
            .expected("`start` that isn't \"passive\", and a `remote` that isn't \"any\"")
            .fix("start = \"auto\"");
    }
    let given: Vec<&Selector> = pools
        .iter()
        .filter(|p| c.inner.pools.contains(&p.name))
        .flat_map(|p| &p.addresses)
        .collect();
    for (child, table) in c.children.iter().zip(&read.children) {
        let reached = |g: &&Selector| child.remote_ts.iter().any(|r| r.intersect(g).is_some());
        if !given.is_empty() && !given.iter().any(reached) {
            reader
                .error(
                    "pool-outside",
                    &table.at_value("remote_net"),
                    format!(
                        "`{}` carries nothing of the addresses that peers are given",
                        child.name
                    ),
                )
                .note("leave `remote_net` out: it is the addresses of the pools then");
        }
    }
}

/// A family that stands on one side only can't match a packet.
fn families(reader: &mut Reader<'_>, child: &Child, table: &Table<'_>) {
    if child.local_ts.is_empty() || child.remote_ts.is_empty() {
        return;
    }
    let has = |list: &[Selector], v4: bool| list.iter().any(|s| s.start.is_ipv4() == v4);
    for (v4, family) in [(true, "IPv4"), (false, "IPv6")] {
        let (local, remote) = (has(&child.local_ts, v4), has(&child.remote_ts, v4));
        if local == remote {
            continue;
        }
        let (there, lacking) = if local {
            ("local_net", "remote_net")
        } else {
            ("remote_net", "local_net")
        };
        reader
            .error(
                "mixed-families",
                &table.at_value(there),
                format!("`{there}` has {family} networks and `{lacking}` has none"),
            )
            .expected("each family on both sides, or on neither");
    }
}

/// Networks that hold the ends of the tunnel themselves, or each other.
fn own_traffic(
    reader: &mut Reader<'_>,
    child: &Child,
    table: &Table<'_>,
    local: Option<IpAddr>,
    peer: Option<IpAddr>,
) {
    let covers = |list: &[Selector], address: IpAddr| {
        list.iter().any(|s| s.contains(&Selector::host(address)))
    };
    if let Some(peer) = peer.filter(|p| covers(&child.remote_ts, *p)) {
        let ours = local.is_none_or(|l| covers(&child.local_ts, l));
        if ours {
            reader
                .report(
                    Severity::Note,
                    "covers-peer",
                    &table.at_value("remote_net"),
                    format!("`remote_net` covers the peer's own address {peer}"),
                )
                .note("the tunnel's own packets are exempt; everything else to that address, such as a login, goes through the tunnel or not at all");
        }
    }
    let everything = |s: &Selector| s.nets().iter().any(|n| n.prefix_len() == 0);
    let overlap = child.local_ts.iter().find_map(|l| {
        child
            .remote_ts
            .iter()
            .filter(|r| !everything(l) && !everything(r))
            .find_map(|r| l.intersect(r))
    });
    if let Some(both) = overlap {
        reader
            .report(
                Severity::Warning,
                "overlapping-networks",
                &table.at_value("remote_net"),
                format!("{both} is on both sides"),
            )
            .expected("networks that don't overlap")
            .note("hosts of the local network that are in it can't be reached any more; number one side anew, or translate it");
    }
}

/// Whether callers are told apart by the CA that their certificate comes from.
fn by_authority(files: &[AuthFiles], one: &Connection, other: &Connection) -> bool {
    let cas = |of: &Connection| {
        let auth = files.iter().find(|auth| auth.connection == of.name);
        match auth.map(|auth| &auth.peer) {
            Some(PeerFiles::Authorities { cas, .. }) => Some(cas.as_slice()),
            _ => None,
        }
    };
    match (cas(one), cas(other)) {
        (Some(ours), Some(theirs)) => {
            one.remote == Remote::Any && !ours.iter().any(|ca| theirs.contains(ca))
        }
        _ => false,
    }
}

/// Judges the tunnels beside each other.
pub(super) fn together(reader: &mut Reader<'_>, tunnels: &[Read<'_>], files: &[AuthFiles]) {
    for (i, later) in tunnels.iter().enumerate() {
        let c = &later.connection;
        let earlier = tunnels.get(..i).unwrap_or_default();
        let twin = earlier.iter().find(|e| {
            let e = &e.connection;
            e.local == c.local
                && e.remote == c.remote
                && e.remote_port == c.remote_port
                && e.local_id == c.local_id
                && e.remote_id == c.remote_id
                && !by_authority(files, e, c)
        });
        if let Some(twin) = twin {
            reader
                .error(
                    "duplicate-tunnel",
                    &later.table.at(),
                    format!(
                        "`{}` and `{}` are the same two ends",
                        twin.connection.name, c.name
                    ),
                )
                .expected("one tunnel with several children, or different identities")
                .fix(format!(
                    "[tunnel.{}.child.{}]",
                    twin.connection.name,
                    c.children.first().map_or("lan", |c| c.name.as_str())
                ));
        }
        let mut before: Vec<(&str, &Child)> = earlier
            .iter()
            .flat_map(|e| {
                e.connection
                    .children
                    .iter()
                    .map(|c| (e.connection.name.as_str(), c))
            })
            .collect();
        // What is routed into an interface is searched among that tunnel's children alone.
        let beside = |name: &str| {
            let mut tunnels = earlier.iter().map(|e| &e.connection);
            let other = tunnels.find(|e| e.name == name);
            c.interface.is_none() && other.is_some_and(|e| e.interface.is_none())
        };
        before.retain(|(tunnel, _)| beside(tunnel));
        // Where addresses are given, who has one decides.
        if !c.inner.pools.is_empty() {
            let gives = |name: &str| {
                let mut tunnels = earlier.iter().map(|e| &e.connection);
                tunnels.any(|e| e.name == name && !e.inner.pools.is_empty())
            };
            before.retain(|(tunnel, _)| !gives(tunnel));
        }
        for (child, table) in c.children.iter().zip(&later.children) {
            let same = before.iter().find(|(_, b)| {
                b.local_ts == child.local_ts
                    && b.remote_ts == child.remote_ts
                    && !b.local_ts.is_empty()
            });
            if let Some((tunnel, other)) = same {
                reader
                    .report(
                        Severity::Warning,
                        "duplicate-child",
                        &table.at(),
                        format!(
                            "`{}` of `{}` carries the same traffic as `{}` of `{tunnel}`",
                            child.name, c.name, other.name
                        ),
                    )
                    .note("packets take the one that is written first");
            } else if let Some((tunnel, other)) = shadowed_by(&before, child) {
                reader
                    .report(
                        Severity::Warning,
                        "shadowed-child",
                        &table.at(),
                        format!(
                            "`{}` of `{}` never gets a packet: all of its traffic is that of `{other}` of `{tunnel}`, which is written first",
                            child.name, c.name
                        ),
                    )
                    .expected("the narrower one before the wider one")
                    .note("packets take the first one that has them; give one of the tunnels an `interface` where routes are to decide");
            } else if let Some((tunnel, other, local, remote)) = hidden_by(&before, child) {
                reader
                    .report(
                        Severity::Warning,
                        "overlapping-child",
                        &table.at(),
                        format!(
                            "{local} to {remote} of `{}` of `{}` is traffic of `{}` of `{tunnel}` as well",
                            child.name, c.name, other
                        ),
                    )
                    .note("packets take the one that is written first; write the narrower one before the wider one");
            }
            before.push((&c.name, child));
        }
    }
}

fn within(part: &[Selector], whole: &[Selector]) -> bool {
    part.iter().all(|p| whole.iter().any(|w| w.contains(p)))
}

/// An earlier child that takes all traffic of this one: its tunnel and its name.
fn shadowed_by<'b>(before: &[(&'b str, &'b Child)], child: &Child) -> Option<(&'b str, &'b str)> {
    let mut before = before.iter();
    let wider = before.find(|(_, other)| {
        !child.local_ts.is_empty()
            && !child.remote_ts.is_empty()
            && within(&child.local_ts, &other.local_ts)
            && within(&child.remote_ts, &other.remote_ts)
    });
    wider.map(|(tunnel, other)| (*tunnel, other.name.as_str()))
}

/// An earlier child that takes traffic of this one: its tunnel, its name, and what. A narrower one before a wider one is
/// how exceptions are written, so that says nothing.
fn hidden_by<'b>(
    before: &[(&'b str, &'b Child)],
    child: &Child,
) -> Option<(&'b str, &'b str, Selector, Selector)> {
    let common = |these: &[Selector], those: &[Selector]| {
        these
            .iter()
            .find_map(|this| those.iter().find_map(|that| this.intersect(that)))
    };
    before.iter().find_map(|(tunnel, other)| {
        let local = common(&child.local_ts, &other.local_ts)?;
        let remote = common(&child.remote_ts, &other.remote_ts)?;
        let exception =
            within(&other.local_ts, &child.local_ts) && within(&other.remote_ts, &child.remote_ts);
        (!exception).then_some((*tunnel, other.name.as_str(), local, remote))
    })
}
