//! Junos: `set security ike …`, `set security ipsec …`, or the same in braces.

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
use super::value::{duration, identity, network, place, unless_zero};

/// Reads a configuration.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let tree = tree(ctx, lines);
    connections(ctx, &tree)
}

/// The connections of a tree.
pub(crate) fn connections(ctx: &mut Context<'_>, tree: &Tree<'_>) -> Found {
    let mut found = Found::default();
    let Some(root) = tree.at(&["security"]) else {
        return found;
    };
    for vpn in root.below(&["ipsec", "vpn"]) {
        found.connections.push(connection(ctx, root, vpn));
    }
    found
}

fn named<'n, 'a>(
    ctx: &mut Context<'_>,
    root: &'n Node<'a>,
    path: &[&str],
    reference: Option<(&str, &Line)>,
    connection: &str,
) -> Option<&'n Node<'a>> {
    let (name, line) = reference?;
    let found = root.at(path).and_then(|n| n.at(&[name]));
    if found.is_none() {
        let source = ctx.source(line);
        ctx.lint(
            "config-line-lost",
            Weight::Warning,
            Some(connection),
            source,
            format!("{} {name} isn't there", path.join(" ")),
            format!("set security {} {name} …", path.join(" ")),
        );
    }
    found
}

fn connection(ctx: &mut Context<'_>, root: &Node<'_>, vpn: &Node<'_>) -> PeerConnection {
    let mut c = PeerConnection::new(&vpn.word, Dialect::Junos, ctx.source(vpn.line));
    c.block = ctx.block;
    c.versions = Setting::default_of(Versions::V1);
    let gateway = named(
        ctx,
        root,
        &["ike", "gateway"],
        vpn.value(&["ike", "gateway"]),
        &vpn.word,
    );
    if let Some(gateway) = gateway {
        self::gateway(ctx, root, gateway, &mut c);
    }
    let policy = named(
        ctx,
        root,
        &["ipsec", "policy"],
        vpn.value(&["ike", "ipsec-policy"]),
        &vpn.word,
    );
    let mut template = PeerChild::new(&vpn.word, ctx.source(vpn.line));
    template.starts = match vpn.value(&["establish-tunnels"]) {
        Some(("immediately", line)) => ctx.at(Starts::Now, line),
        Some((value, line)) if value.starts_with("responder-only") => ctx.at(Starts::Passive, line),
        Some((_, line)) => ctx.at(Starts::OnDemand, line),
        None => Setting::default_of(Starts::OnDemand),
    };
    template.pfs = Setting::default_of(Some(Pfs::Off));
    template.life = Setting::default_of(Some(Duration::from_secs(3600)));
    if let Some(policy) = policy {
        esp(ctx, root, policy, &mut template);
    }
    if let Some((name, line)) = vpn.value(&["bind-interface"]) {
        template.route_based = Some(ctx.at(name.to_owned(), line));
        let any = network("0.0.0.0/0");
        template.local_ts = ctx.at(vec![any], line);
        template.remote_ts = ctx.at(vec![any], line);
    }
    let pairs: Vec<(&Node<'_>, &str, &str)> = vpn
        .below(&["traffic-selector"])
        .iter()
        .map(|t| (t, "local-ip", "remote-ip"))
        .chain(
            vpn.at(&["ike", "proxy-identity"])
                .map(|p| (p, "local", "remote")),
        )
        .collect();
    for (node, local, remote) in &pairs {
        let mut child = template.clone();
        child.name.clone_from(&node.word);
        for (key, to) in [(local, &mut child.local_ts), (remote, &mut child.remote_ts)] {
            if let Some((net, line)) = node.value(&[key]).and_then(|(v, l)| Some((network(v)?, l)))
            {
                *to = ctx.at(vec![Some(net)], line);
            }
        }
        c.children.push(child);
    }
    if pairs.is_empty() {
        c.children.push(template);
    }
    c
}

fn gateway(ctx: &mut Context<'_>, root: &Node<'_>, gateway: &Node<'_>, c: &mut PeerConnection) {
    let addresses = gateway.values(&["address"]);
    if let Some((_, line)) = addresses.first() {
        c.remote = ctx.at(addresses.iter().map(|(v, _)| place(v)).collect(), line);
    }
    if let Some((value, line)) = gateway.value(&["local-address"]) {
        c.local = ctx.at(vec![place(value)], line);
    }
    c.versions = match gateway.value(&["version"]) {
        Some(("v2-only", line)) => ctx.at(Versions::V2, line),
        Some((_, line)) => ctx.at(Versions::V1, line),
        None => Setting::default_of(Versions::V1),
    };
    for (key, local) in [("local-identity", true), ("remote-identity", false)] {
        let Some(node) = gateway.at(&[key]).and_then(|n| n.nodes.first()) else {
            continue;
        };
        let value = node.nodes.last().map_or("", |n| n.word.as_str());
        let id = match node.word.as_str() {
            "hostname" => identity(&format!("fqdn:{value}")),
            "user-at-hostname" => identity(&format!("email:{value}")),
            "key-id" => identity(&format!("keyid:{value}")),
            "distinguished-name" => None,
            _ => identity(value),
        };
        let id = ctx.at(id, node.line);
        if local {
            c.local_id = id;
        } else {
            c.remote_id = id;
        }
    }
    if let Some(dpd) = gateway.at(&["dead-peer-detection"]) {
        let interval = dpd
            .value(&["interval"])
            .and_then(|(v, _)| duration(v))
            .unwrap_or(Duration::from_secs(10));
        c.dpd_delay = ctx.at(Some(interval), dpd.line);
    }
    if let Some(node) = gateway.at(&["no-nat-traversal"]) {
        c.nat_t = ctx.at(false, node.line);
    }
    let policy = named(
        ctx,
        root,
        &["ike", "policy"],
        gateway.value(&["ike-policy"]),
        &c.name.clone(),
    );
    let Some(policy) = policy else {
        return;
    };
    if let Some((mode, line)) = policy.value(&["mode"]) {
        c.aggressive = ctx.at(mode == "aggressive", line);
    }
    for kind in ["ascii-text", "hexadecimal"] {
        if let Some((secret, line)) = policy.value(&["pre-shared-key", kind]) {
            let secret = if kind == "hexadecimal" && !secret.starts_with("0x") {
                format!("0x{secret}")
            } else {
                secret.to_owned()
            };
            c.psk = Some(digest(ctx, &secret, Reading::HexOnly, line));
            c.secrets_seen = true;
        }
    }
    let mut list = Vec::new();
    let mut at = None;
    let mut whole = true;
    for (name, line) in policy.values(&["proposals"]) {
        let proposal = named(
            ctx,
            root,
            &["ike", "proposal"],
            Some((name, line)),
            &c.name.clone(),
        );
        let Some(proposal) = proposal else {
            whole = false;
            continue;
        };
        at = at.or(Some(
            proposal.nodes.first().map_or(proposal.line, |n| n.line),
        ));
        let mut p = Proposal::default();
        for key in [
            "encryption-algorithm",
            "authentication-algorithm",
            "dh-group",
        ] {
            if let Some((name, _)) = proposal.value(&[key]) {
                match algorithm(name) {
                    Some(word) => add(&mut p, word),
                    None => whole = false,
                }
            }
        }
        complete_ike(&mut p);
        list.push(p);
        if let Some((seconds, line)) = proposal.value(&["lifetime-seconds"]) {
            c.ike_life = ctx.at(duration(seconds).and_then(unless_zero), line);
        }
        if let Some((method, line)) = proposal.value(&["authentication-method"]) {
            let method = if method == "pre-shared-keys" {
                AuthMethod::Psk
            } else {
                AuthMethod::PublicKey
            };
            c.local_auth = ctx.at(vec![method], line);
            c.remote_auth = ctx.at(vec![method], line);
        }
    }
    if let Some(line) = at {
        c.ike = ctx.at(Some(list).filter(|l| whole && !l.is_empty()), line);
    }
    if !c.ike_life.is_written() {
        c.ike_life = Setting::default_of(Some(Duration::from_secs(28800)));
    }
}

fn esp(ctx: &mut Context<'_>, root: &Node<'_>, policy: &Node<'_>, child: &mut PeerChild) {
    if let Some((name, line)) = policy.value(&["perfect-forward-secrecy", "keys"]) {
        child.pfs = ctx.at(
            match algorithm(name) {
                Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                _ => None,
            },
            line,
        );
    }
    let mut list = Vec::new();
    let mut at = None;
    let mut whole = true;
    for (name, line) in policy.values(&["proposals"]) {
        let proposal = named(
            ctx,
            root,
            &["ipsec", "proposal"],
            Some((name, line)),
            &child.name.clone(),
        );
        let Some(proposal) = proposal else {
            whole = false;
            continue;
        };
        at = at.or(Some(
            proposal.nodes.first().map_or(proposal.line, |n| n.line),
        ));
        child.ah |= proposal
            .value(&["protocol"])
            .is_some_and(|(v, _)| v == "ah");
        let mut p = Proposal::default();
        for key in ["encryption-algorithm", "authentication-algorithm"] {
            if let Some((name, _)) = proposal.value(&[key]) {
                match algorithm(name) {
                    Some(word) => add(&mut p, word),
                    None => whole = false,
                }
            }
        }
        drop_integrity_of_aead(&mut p);
        list.push(p);
        if let Some((seconds, line)) = proposal.value(&["lifetime-seconds"]) {
            child.life = ctx.at(duration(seconds).and_then(unless_zero), line);
        }
        if let Some((kilobytes, line)) = proposal.value(&["lifetime-kilobytes"]) {
            child.life_bytes = ctx.at(
                kilobytes
                    .parse::<u64>()
                    .ok()
                    .and_then(|k| k.checked_mul(1024)),
                line,
            );
        }
    }
    if let Some(line) = at {
        child.esp = ctx.at(Some(list).filter(|l| whole && !l.is_empty()), line);
    }
}
