//! `[tunnel.NAME.interface]`: what is routed into an interface of its own is the tunnel's traffic.

use core::fmt::Write as _;

use adit_model::connection::{Connection, Mode, Protection, Start, TunnelInterface};
use adit_model::selector::{ANY_V4, ANY_V6, Selector};
use ipnet::IpNet;

use crate::adit::child;
use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table, Word};
use crate::adit::tunnel::{Read, is_interface_name};
use crate::adit::write::{line, list, text};
use crate::diagnostic::Severity;

/// What `policy` may say.
pub(super) const POLICIES: [(&str, Protection); 2] = [
    ("required", Protection::Required),
    ("optional", Protection::Optional),
];

/// The device that tunnels without an interface share, unless `--tun` names another one.
const SHARED: &str = "adit0";
/// The least MTU of IPv4 (RFC 791), and the longest packet.
const MTUS: core::ops::RangeInclusive<u32> = 576..=65_535;
/// The least MTU that IPv6 works with (RFC 8200 5).
const LEAST_V6: u32 = 1280;

/// All traffic: what a tunnel with an interface carries where its children don't say.
pub(super) fn everything() -> Vec<Selector> {
    vec![ANY_V4, ANY_V6]
}

/// Reads the table, if there is one.
pub(super) fn read<'t>(
    reader: &mut Reader<'_>,
    tunnel: &Table<'t>,
    tunnel_name: &str,
) -> Option<(TunnelInterface, Table<'t>)> {
    let item = tunnel.entries.get("interface")?;
    let table = reader.table(tunnel, "interface", item, Section::Interface)?;
    let name = name(reader, &table, tunnel_name);
    let addresses = nets(reader, &table, "addresses", false);
    let routes = nets(reader, &table, "routes", true);
    let mtu = table
        .entries
        .contains_key("mtu")
        .then(|| reader.number(&table, "mtu", MTUS, 1400));
    let v6 = addresses
        .iter()
        .chain(&routes)
        .any(|net| matches!(net, IpNet::V6(_)));
    if let Some(mtu) = mtu.filter(|mtu| v6 && *mtu < LEAST_V6) {
        reader
            .error(
                "mtu-too-small",
                &table.at_value("mtu"),
                "IPv6 needs packets of 1280 octets (RFC 8200 5), and the kernel takes it off an interface with a smaller MTU",
            )
            .found(mtu)
            .expected("1280 or more, or no IPv6 in `addresses` and `routes`")
            .fix("mtu = 1280");
    }
    let interface = TunnelInterface {
        name,
        addresses,
        mtu,
        routes,
    };
    Some((interface, table))
}

fn name(reader: &mut Reader<'_>, table: &Table<'_>, tunnel_name: &str) -> String {
    let written = reader.word(table, "name");
    let (name, at) = match &written {
        Some(word) => (word.text, word.at.clone()),
        None => (tunnel_name, table.at()),
    };
    let problem = if !is_interface_name(name) {
        Some((
            "bad-interface-name",
            "isn't a name that an interface can have",
        ))
    } else if [SHARED, "lo", "all", "default"].contains(&name) {
        Some(("interface-taken", "is an interface of another kind"))
    } else {
        None
    };
    if let Some((code, what)) = problem {
        reader
            .error(code, &at, format!("`{}` {what}", name.escape_debug()))
            .expected("at most 15 letters, digits, `.`, `-` and `_`, a letter first")
            .fix("name = \"ipsec0\"");
    }
    name.to_owned()
}

/// A list of networks; `whole` ones have no bits beyond their prefix.
fn nets(reader: &mut Reader<'_>, table: &Table<'_>, key: &str, whole: bool) -> Vec<IpNet> {
    let mut out = Vec::new();
    for word in reader.words(table, key).unwrap_or_default() {
        let Some(net) = net(reader, &word, key) else {
            continue;
        };
        if whole && net.trunc() != net {
            reader
                .report(
                    Severity::Warning,
                    "host-bits",
                    &word.at,
                    format!("{net} has bits beyond its prefix"),
                )
                .expected(format!("the network {}", net.trunc()))
                .fix(format!("\"{}\"", net.trunc()))
                .note(format!("it is read as {}", net.trunc()));
        }
        let net = if whole { net.trunc() } else { net };
        if !out.contains(&net) {
            out.push(net);
        }
    }
    out
}

fn net(reader: &mut Reader<'_>, word: &Word<'_>, key: &str) -> Option<IpNet> {
    let text = word.text.trim();
    let found = text.parse::<IpNet>().or_else(|error| {
        text.parse::<std::net::IpAddr>()
            .map(IpNet::from)
            .map_err(|_| error)
    });
    if found.is_err() {
        let example = if key == "routes" {
            "10.2.0.0/24"
        } else {
            "10.255.0.1/30"
        };
        reader
            .error(
                "bad-network",
                &word.at,
                format!("`{}` is no network", text.escape_debug()),
            )
            .expected("an address with the length of its network")
            .fix(format!("{key} = [\"{example}\"]"));
    }
    found.ok()
}

/// Judges what a tunnel says of its interface and of the time without an SA.
pub(super) fn check(reader: &mut Reader<'_>, read: &Read<'_>) {
    let c = &read.connection;
    if c.protection == Protection::Optional && c.start == Start::OnDemand {
        reader
            .error(
                "optional-on-demand",
                &read.table.at_value("policy"),
                format!("`{}` would never begin: its packets pass in clear until there is an SA, so that none asks for one", c.name),
            )
            .expected("`start = \"auto\"` or \"passive\" where `policy` is \"optional\"")
            .fix("start = \"auto\"");
    }
    if c.interface.is_none() {
        return;
    }
    for (child, table) in c.children.iter().zip(&read.children) {
        if child.mode == Mode::Transport {
            reader
                .error(
                    "transport-interface",
                    &table.at_value("mode"),
                    "transport mode protects the packets between the two ends themselves, which nothing routes into an interface",
                )
                .expected("tunnel mode, or a tunnel without `interface`")
                .fix("mode = \"tunnel\"");
        }
    }
}

/// Judges the interfaces beside each other.
pub(super) fn together(reader: &mut Reader<'_>, tunnels: &[Read<'_>]) {
    for (i, later) in tunnels.iter().enumerate() {
        let (Some(ours), Some(table)) = (&later.connection.interface, &later.interface) else {
            continue;
        };
        let earlier = tunnels.get(..i).unwrap_or_default();
        let others = earlier
            .iter()
            .filter_map(|e| Some((&e.connection, e.connection.interface.as_ref()?)));
        for (other, theirs) in others {
            if theirs.name == ours.name {
                reader
                    .error(
                        "duplicate-interface",
                        &table.at_value("name"),
                        format!(
                            "`{}` of tunnel `{}` has this name already",
                            ours.name, other.name
                        ),
                    )
                    .expected("an interface of its own for each tunnel")
                    .fix("name = \"ipsec1\"");
            }
            if let Some(route) = ours.routes.iter().find(|r| theirs.routes.contains(r)) {
                twice(reader, &table.at_value("routes"), route, &other.name);
            }
        }
        let shared = tunnels.iter().map(|t| &t.connection);
        for other in shared.filter(|c| c.interface.is_none()) {
            let nets = other.children.iter().flat_map(|c| &c.remote_ts);
            let nets: Vec<IpNet> = nets.flat_map(Selector::nets).collect();
            if let Some(route) = ours.routes.iter().find(|r| nets.contains(r)) {
                twice(reader, &table.at_value("routes"), route, &other.name);
            }
        }
    }
}

fn twice(reader: &mut Reader<'_>, at: &crate::adit::reader::At, route: &IpNet, other: &str) {
    reader
        .error(
            "duplicate-route",
            at,
            format!("{route} is routed to tunnel `{other}` as well"),
        )
        .expected("one tunnel for each route; of two that overlap the narrower one wins");
}

/// Writes what isn't the default.
pub(super) fn write(out: &mut String, c: &Connection) {
    let Some(interface) = &c.interface else {
        return;
    };
    let _ = writeln!(out, "\n[tunnel.{}.interface]", c.name);
    line(out, "name", &text(&interface.name));
    if !interface.addresses.is_empty() {
        line(out, "addresses", &list(&interface.addresses));
    }
    if let Some(mtu) = interface.mtu {
        line(out, "mtu", &mtu);
    }
    if !interface.routes.is_empty() {
        line(out, "routes", &list(&interface.routes));
    }
}

/// `policy` of a tunnel.
pub(super) fn protection(reader: &mut Reader<'_>, table: &Table<'_>) -> Protection {
    child::word(reader, table, "policy", &POLICIES)
}
