//! `[pool.NAME]`, and what a tunnel says of addresses that are given: `pool` and `virtual_ip`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::connection::Child;
use adit_model::inner::{InnerAddresses, Pool};
use adit_model::selector::Selector;
use adit_model::text::did_you_mean;
use ipnet::IpNet;

use crate::adit::child;
use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table, Word, describe_value};

/// Reads every pool.
pub(super) fn all(reader: &mut Reader<'_>, root: &Table<'_>) -> Vec<Pool> {
    let tables = reader.named_tables(root, "pool", Section::Pool);
    tables
        .into_iter()
        .map(|(name, table)| one(reader, name, &table))
        .collect()
}

fn one(reader: &mut Reader<'_>, name: &str, table: &Table<'_>) -> Pool {
    let addresses = child::nets(reader, table, "addresses", "10.3.0.0/24");
    if let Some(part) = addresses
        .iter()
        .find(|a| a.protocol != 0 || a.ports != (0, 65535))
    {
        reader
            .error(
                "bad-pool",
                &table.at_value("addresses"),
                "an address is given for all protocols and ports",
            )
            .found(part)
            .expected("networks, addresses or ranges alone")
            .fix("addresses = [\"10.3.0.0/24\"]");
    }
    let dns = reader.words(table, "dns").unwrap_or_default();
    let dns = dns
        .iter()
        .filter_map(|word| address(reader, word, "dns = [\"10.1.0.53\"]"))
        .collect();
    let split = reader.words(table, "split").unwrap_or_default();
    let split = split
        .iter()
        .filter_map(|word| {
            let net = word.text.parse::<IpNet>();
            if net.is_err() {
                reader
                    .error(
                        "bad-network",
                        &word.at,
                        format!("`{}` is no network", word.text.escape_debug()),
                    )
                    .expected("networks such as 10.1.0.0/24")
                    .fix("split = [\"10.1.0.0/24\"]");
            }
            net.ok().map(|net| net.trunc())
        })
        .collect();
    let pool = Pool {
        name: name.to_owned(),
        addresses,
        dns,
        split,
        per_identity: reader.number(table, "per_identity", 1..=1000, Pool::PER_IDENTITY),
    };
    if !pool.addresses.is_empty() && pool.size(true) == 0 && pool.size(false) == 0 {
        reader
            .error(
                "bad-pool",
                &table.at_value("addresses"),
                format!("pool `{name}` has no address that a host can have"),
            )
            .expected("a network of more than two addresses, or a range")
            .fix("addresses = [\"10.3.0.0/24\"]");
    }
    pool
}

fn address(reader: &mut Reader<'_>, word: &Word<'_>, fix: &str) -> Option<IpAddr> {
    let address = word.text.parse::<IpAddr>();
    if address.is_err() {
        reader
            .error(
                "bad-address",
                &word.at,
                format!("`{}` is no address", word.text.escape_debug()),
            )
            .expected("an IPv4 or IPv6 address")
            .fix(fix);
    }
    address.ok()
}

/// What stands for the networks of a child that are given, not written.
#[derive(Clone, Debug, Default)]
pub(super) struct Placeholders {
    /// `local_net` of a tunnel with `virtual_ip`: whatever the peer gives. Its families are settled by
    /// [`settle`].
    pub(super) local: bool,
    /// `remote_net` of a tunnel with `pool`: its addresses.
    pub(super) remote: Vec<Selector>,
    /// What isn't written of a tunnel with an interface: all traffic.
    pub(super) everything: bool,
}

/// `pool` of a tunnel.
pub(super) fn of_tunnel(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    pools: &[Pool],
) -> (Vec<String>, Placeholders) {
    let mut names: Vec<String> = Vec::new();
    let mut placeholders = Placeholders {
        local: table.entries.contains_key("virtual_ip"),
        remote: Vec::new(),
        everything: false,
    };
    for word in reader.words(table, "pool").unwrap_or_default() {
        let Some(pool) = pools.iter().find(|p| p.name == word.text) else {
            let near = did_you_mean(word.text, pools.iter().map(|p| p.name.as_str()));
            let d = reader.error(
                "unknown-pool",
                &word.at,
                format!("no pool `{}` is configured", word.text.escape_debug()),
            );
            match near {
                Some(near) => d.fix(format!("pool = [\"{near}\"]")),
                None => d.fix("[pool.guests]\naddresses = [\"10.3.0.0/24\"]"),
            };
            continue;
        };
        if !names.contains(&pool.name) {
            names.push(pool.name.clone());
            placeholders.remote.extend(&pool.addresses);
        }
    }
    if !names.is_empty() && placeholders.local {
        reader
            .error(
                "pool-and-virtual-ip",
                &table.at_key("virtual_ip"),
                "a tunnel either gives addresses or asks for one",
            )
            .expected("`pool` or `virtual_ip`");
    }
    (names, placeholders)
}

/// `virtual_ip` of a tunnel; its children get their families.
pub(super) fn virtual_ip(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    children: &mut [Child],
) -> Vec<IpAddr> {
    let Some(found) = reader.value(table, "virtual_ip") else {
        return Vec::new();
    };
    let any = |v4: bool| -> IpAddr {
        match v4 {
            true => Ipv4Addr::UNSPECIFIED.into(),
            false => Ipv6Addr::UNSPECIFIED.into(),
        }
    };
    let has = |children: &[Child], v4: bool| {
        let remote = children.iter().flat_map(|c| &c.remote_ts);
        remote.into_iter().any(|ts| ts.start.is_ipv4() == v4)
    };
    let wanted: Vec<IpAddr> = match found.value.as_bool() {
        Some(false) => Vec::new(),
        Some(true) => [true, false]
            .into_iter()
            .filter(|v4| has(children, *v4))
            .map(any)
            .collect(),
        None if found.value.is_str() || found.value.is_array() => {
            let words = reader.words(table, "virtual_ip").unwrap_or_default();
            let mut wanted: Vec<IpAddr> = Vec::new();
            for word in &words {
                let Some(address) = address(reader, word, "virtual_ip = true") else {
                    continue;
                };
                if wanted.iter().any(|w| w.is_ipv4() == address.is_ipv4()) {
                    reader
                        .error(
                            "two-virtual-ips",
                            &word.at,
                            "one address of a family is enough",
                        )
                        .found(address)
                        .fix("virtual_ip = [\"0.0.0.0\", \"::\"]");
                } else {
                    wanted.push(address);
                }
            }
            wanted
        }
        None => {
            let what = describe_value(found.value);
            reader.wrong_type(table.section, "virtual_ip", &found.at, what);
            Vec::new()
        }
    };
    settle(children, &wanted);
    wanted
}

/// What we are given isn't known yet: anything of a family that is wanted and that the other side has.
fn settle(children: &mut [Child], wanted: &[IpAddr]) {
    for child in children.iter_mut().filter(|_| !wanted.is_empty()) {
        let whole = [("0.0.0.0/0", true), ("::/0", false)];
        let of = |both: bool| -> Vec<Selector> {
            let remote = &child.remote_ts;
            let has = |v4: bool| both || remote.iter().any(|ts| ts.start.is_ipv4() == v4);
            whole
                .into_iter()
                .filter(|(_, v4)| wanted.iter().any(|w| w.is_ipv4() == *v4) && has(*v4))
                .filter_map(|(net, _)| net.parse().ok())
                .collect()
        };
        child.local_ts = Some(of(false))
            .filter(|l| !l.is_empty())
            .unwrap_or_else(|| of(true));
    }
}

/// Whether `wanted` is what `virtual_ip = true` means for these children.
pub(super) fn is_plain(inner: &InnerAddresses, children: &[Child]) -> bool {
    let remote = || children.iter().flat_map(|c| &c.remote_ts);
    let families = [true, false]
        .into_iter()
        .filter(|v4| remote().any(|ts| ts.start.is_ipv4() == *v4));
    !inner.wanted.is_empty()
        && inner.wanted.iter().all(IpAddr::is_unspecified)
        && families.eq(inner.wanted.iter().map(IpAddr::is_ipv4))
}
