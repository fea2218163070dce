//! PAN-OS: `set network ike …`, or the same tree as XML.

use core::time::Duration;

use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Setting, Starts, Versions, Weight,
};
use adit_model::proposal::Proposal;

use super::Found;
use super::algorithm::{add, algorithm, complete_ike, drop_integrity_of_aead};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::{Node, Tree, tree};
use super::value::{boolean, bytes, identity, network, place, protocol_number};

/// Reads a configuration.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let tree = tree(ctx, lines);
    let mut found = Found::default();
    let Some(network) = network_node(&tree) else {
        return found;
    };
    let mut used = Vec::new();
    for tunnel in network.below(&["tunnel", "ipsec"]) {
        let gateway = gateway_of(tunnel);
        used.extend(gateway.map(|(name, _)| name.to_owned()));
        found
            .connections
            .push(connection(ctx, network, Some(tunnel), gateway));
    }
    // A gateway without a tunnel is half a connection.
    for gateway in network.below(&["ike", "gateway"]) {
        if !used.contains(&gateway.word) {
            found.connections.push(connection(
                ctx,
                network,
                None,
                Some((&gateway.word, gateway.line)),
            ));
        }
    }
    found
}

/// The `network` node, wherever it hangs.
fn network_node<'t, 'a>(tree: &'t Tree<'a>) -> Option<&'t Node<'a>> {
    fn find<'t, 'a>(nodes: &'t [Node<'a>], depth: usize) -> Option<&'t Node<'a>> {
        nodes.iter().find_map(|n| {
            if n.at(&["ike"]).is_some() || n.at(&["tunnel", "ipsec"]).is_some() {
                return Some(n);
            }
            if depth == 0 {
                return None;
            }
            find(&n.nodes, depth - 1)
        })
    }
    find(&tree.nodes, 6)
}

fn gateway_of<'n>(tunnel: &'n Node<'_>) -> Option<(&'n str, &'n Line)> {
    let node = tunnel.at(&["auto-key", "ike-gateway"])?;
    // In XML an entry, in commands a word.
    node.nodes.first().map(|n| (n.word.as_str(), n.line))
}

fn connection(
    ctx: &mut Context<'_>,
    network_node: &Node<'_>,
    tunnel: Option<&Node<'_>>,
    gateway: Option<(&str, &Line)>,
) -> PeerConnection {
    let (name, line) = match (tunnel, gateway) {
        (Some(t), _) => (t.word.as_str(), t.line),
        (None, Some((name, line))) => (name, line),
        (None, None) => return PeerConnection::new("", Dialect::Panos, ctx.quote(0, "")),
    };
    let mut c = PeerConnection::new(name, Dialect::Panos, ctx.source(line));
    c.block = ctx.block;
    c.versions = Setting::default_of(Versions::V1);
    if let Some((gateway_name, line)) = gateway {
        match network_node.at(&["ike", "gateway", gateway_name]) {
            Some(gateway) => self::gateway(ctx, network_node, gateway, &mut c),
            None => {
                let source = ctx.source(line);
                ctx.lint(
                    "config-line-lost",
                    Weight::Warning,
                    Some(name),
                    source,
                    format!("ike gateway {gateway_name} isn't there"),
                    format!("set network ike gateway {gateway_name} …"),
                );
            }
        }
    }
    if let Some(tunnel) = tunnel {
        children(ctx, network_node, tunnel, &mut c);
    }
    let passive = gateway
        .and_then(|(name, _)| network_node.at(&["ike", "gateway", name]))
        .and_then(|g| g.value(&["protocol-common", "passive-mode"]));
    if let Some(("yes", line)) = passive {
        for child in &mut c.children {
            child.starts = ctx.at(Starts::Passive, line);
        }
    }
    c
}

/// `lifetime hours 8`.
fn lifetime(node: &Node<'_>) -> Option<(Duration, u64)> {
    let unit = node.at(&["lifetime"])?.nodes.first()?;
    let count: u64 = unit.nodes.first()?.word.parse().ok()?;
    let seconds = match unit.word.as_str() {
        "seconds" => 1,
        "minutes" => 60,
        "hours" => 3600,
        "days" => 86400,
        _ => return None,
    };
    Some((
        Duration::from_secs(count.checked_mul(seconds)?),
        unit.line.number,
    ))
}

fn lists(node: &Node<'_>, keys: &[&str]) -> Option<Proposal> {
    let mut p = Proposal::default();
    for key in keys {
        for (name, _) in node.values(&[key]) {
            match name {
                "none" | "no-pfs" | "non-auth" => {}
                name => add(&mut p, algorithm(name)?),
            }
        }
    }
    Some(p)
}

fn gateway(ctx: &mut Context<'_>, root: &Node<'_>, gateway: &Node<'_>, c: &mut PeerConnection) {
    c.versions = match gateway.value(&["protocol", "version"]) {
        Some(("ikev2", line)) => ctx.at(Versions::V2, line),
        Some(("ikev2-preferred", line)) => ctx.at(Versions::BOTH, line),
        Some((_, line)) => ctx.at(Versions::V1, line),
        None => Setting::default_of(Versions::V1),
    };
    if let Some(ip) = gateway
        .value(&["peer-address", "ip"])
        .or_else(|| gateway.value(&["peer-address", "fqdn"]))
    {
        c.remote = ctx.at(vec![place(ip.0)], ip.1);
    }
    if let Some((ip, line)) = gateway.value(&["local-address", "ip"]) {
        let address = ip.split('/').next().unwrap_or(ip);
        c.local = ctx.at(vec![place(address)], line);
    }
    for (key, local) in [("local-id", true), ("peer-id", false)] {
        let (Some((kind, _)), Some((id, line))) =
            (gateway.value(&[key, "type"]), gateway.value(&[key, "id"]))
        else {
            continue;
        };
        let id = match kind {
            "fqdn" => identity(&format!("fqdn:{id}")),
            "ufqdn" => identity(&format!("email:{id}")),
            "keyid" => identity(&format!("keyid:{id}")),
            "dn" => identity(&format!("asn1dn:{id}")),
            _ => identity(id),
        };
        let id = ctx.at(id, line);
        if local {
            c.local_id = id;
        } else {
            c.remote_id = id;
        }
    }
    let certificate = gateway.at(&["authentication", "certificate"]);
    let method = if certificate.is_some() {
        AuthMethod::PublicKey
    } else {
        AuthMethod::Psk
    };
    let line = gateway
        .at(&["authentication"])
        .and_then(|n| n.nodes.first())
        .map(|n| n.line);
    let setting = match line {
        Some(line) => ctx.at(vec![method], line),
        None => Setting::default_of(vec![method]),
    };
    c.local_auth = setting.clone();
    c.remote_auth = setting;
    if let Some((key, line)) = gateway.value(&["authentication", "pre-shared-key", "key"]) {
        c.psk = Some(digest(ctx, key, Reading::Plain, line));
        c.secrets_seen = true;
    }
    let version = if c.versions.value.v2 {
        "ikev2"
    } else {
        "ikev1"
    };
    if let Some((mode, line)) = gateway.value(&["protocol", "ikev1", "exchange-mode"]) {
        c.aggressive = ctx.at(mode == "aggressive", line);
    }
    let dpd = gateway.at(&["protocol", version, "dpd"]);
    if let Some((yes, line)) = dpd
        .and_then(|d| d.value(&["enable"]))
        .and_then(|(v, l)| Some((boolean(v)?, l)))
    {
        c.dpd_delay = ctx.at(yes.then_some(Duration::from_secs(5)), line);
    } else {
        c.dpd_delay = Setting::default_of(Some(Duration::from_secs(5)));
    }
    let common = |path: &[&str]| {
        let mut whole = vec!["protocol-common"];
        whole.extend(path);
        gateway
            .value(&whole)
            .and_then(|(v, l)| Some((boolean(v)?, l)))
    };
    if let Some((yes, line)) = common(&["nat-traversal", "enable"]) {
        c.nat_t = ctx.at(yes, line);
    } else {
        c.nat_t = Setting::default_of(false);
    }
    if let Some((yes, line)) = common(&["fragmentation", "enable"]) {
        c.fragmentation = ctx.at(yes, line);
    } else {
        c.fragmentation = Setting::default_of(false);
    }
    let profile = gateway
        .value(&["protocol", version, "ike-crypto-profile"])
        .and_then(|(name, _)| root.at(&["ike", "crypto-profiles", "ike-crypto-profiles", name]));
    if let Some(profile) = profile {
        let list = lists(profile, &["encryption", "hash", "dh-group"]).map(|mut p| {
            complete_ike(&mut p);
            super::algorithm::split_aead(p)
        });
        let line = profile.nodes.first().map_or(profile.line, |n| n.line);
        c.ike = ctx.at(list, line);
        c.ike_life = match lifetime(profile) {
            Some((life, _)) => ctx.at(
                Some(life),
                profile.at(&["lifetime"]).map_or(line, |n| n.line),
            ),
            None => Setting::default_of(Some(Duration::from_secs(8 * 3600))),
        };
    } else {
        c.ike = Setting::default_of(None);
        c.ike_life = Setting::default_of(Some(Duration::from_secs(8 * 3600)));
    }
}

fn children(ctx: &mut Context<'_>, root: &Node<'_>, tunnel: &Node<'_>, c: &mut PeerConnection) {
    let mut template = PeerChild::new(&tunnel.word, ctx.source(tunnel.line));
    template.starts = Setting::default_of(Starts::OnDemand);
    if let Some((name, line)) = tunnel.value(&["tunnel-interface"]) {
        template.route_based = Some(ctx.at(name.to_owned(), line));
    }
    let any = network("0.0.0.0/0");
    template.local_ts = ctx.at(vec![any], tunnel.line);
    template.remote_ts = ctx.at(vec![any], tunnel.line);
    let profile = tunnel
        .value(&["auto-key", "ipsec-crypto-profile"])
        .and_then(|(name, _)| root.at(&["ike", "crypto-profiles", "ipsec-crypto-profiles", name]));
    if let Some(profile) = profile {
        let line = profile.nodes.first().map_or(profile.line, |n| n.line);
        template.ah = profile.at(&["ah"]).is_some();
        let list = profile.at(&["esp"]).and_then(|esp| {
            lists(esp, &["encryption", "authentication"]).map(|mut p| {
                drop_integrity_of_aead(&mut p);
                super::algorithm::split_aead(p)
            })
        });
        let esp_line = profile.at(&["esp", "encryption"]).map_or(line, |n| n.line);
        template.esp = ctx.at(list, esp_line);
        template.pfs = match profile.value(&["dh-group"]) {
            Some(("no-pfs", line)) => ctx.at(Some(Pfs::Off), line),
            Some((name, line)) => ctx.at(
                match algorithm(name) {
                    Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                    _ => None,
                },
                line,
            ),
            None => Setting::default_of(match algorithm("group2") {
                Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                _ => None,
            }),
        };
        template.life = match lifetime(profile) {
            Some((life, _)) => ctx.at(
                Some(life),
                profile.at(&["lifetime"]).map_or(line, |n| n.line),
            ),
            None => Setting::default_of(Some(Duration::from_secs(3600))),
        };
        if let Some(size) = profile.at(&["lifesize"]).and_then(|n| n.nodes.first()) {
            let value = size.nodes.first().map_or("", |n| n.word.as_str());
            let unit = size.word.as_str();
            template.life_bytes = ctx.at(
                bytes(&format!("{value} {unit}")).filter(|n| *n > 0),
                size.line,
            );
        }
    }
    let proxies = tunnel
        .at(&["auto-key"])
        .map(|n| n.below(&["proxy-id"]))
        .filter(|p| !p.is_empty())
        .unwrap_or_else(|| tunnel.below(&["proxy-id"]));
    for proxy in proxies {
        let mut child = template.clone();
        child.name.clone_from(&proxy.word);
        // Named networks, so the tunnel interface says nothing about them.
        child.route_based = None;
        let protocol = proxy
            .at(&["protocol"])
            .and_then(|n| n.nodes.first())
            .and_then(|n| protocol_number(n.word.trim_start_matches("number")));
        for (key, to) in [
            ("local", &mut child.local_ts),
            ("remote", &mut child.remote_ts),
        ] {
            if let Some((mut net, line)) = proxy
                .value(&[key])
                .and_then(|(v, l)| Some((network(v)?, l)))
            {
                net.protocol = protocol.unwrap_or(0);
                *to = ctx.at(vec![Some(net)], line);
            }
        }
        c.children.push(child);
    }
    if proxies.is_empty() {
        c.children.push(template);
    }
}
