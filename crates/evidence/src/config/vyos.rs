//! Vyatta (`set security vpn ipsec`) and VyOS (`set vpn ipsec`), as commands or in braces.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Place, Setting, Starts, Versions, Weight,
    WhenDead,
};
use adit_model::proposal::Proposal;
use adit_wire::iana::KeMethod;

use super::Found;
use super::algorithm::{add, algorithm, complete_ike, drop_integrity_of_aead, group_number};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::{Node, tree};
use super::value::{
    boolean, duration, identity, network, place, protocol_number, unless_zero, when_dead,
};

/// Reads a configuration of either.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let tree = tree(ctx, lines);
    // `security {` begins a Junos configuration too.
    if tree.at(&["security", "ike"]).is_some() || tree.at(&["security", "ipsec"]).is_some() {
        return super::junos::connections(ctx, &tree);
    }
    let mut found = Found::default();
    let roots = [
        (tree.at(&["security", "vpn", "ipsec"]), Dialect::Vyatta),
        (tree.at(&["vpn", "ipsec"]), Dialect::Vyos),
        (tree.at(&["ipsec"]), Dialect::Vyos),
    ];
    for (root, dialect) in roots {
        let Some(root) = root else {
            continue;
        };
        lint_groups(ctx, root);
        psks(ctx, root, &mut found);
        for peer in root.below(&["site-to-site", "peer"]) {
            found.connections.push(connection(ctx, root, peer, dialect));
        }
    }
    found
}

/// `authentication psk NAME id … secret …` of VyOS 1.4.
fn psks(ctx: &Context<'_>, root: &Node<'_>, found: &mut Found) {
    for psk in root.below(&["authentication", "psk"]) {
        let Some((secret, line)) = psk.value(&["secret"]) else {
            continue;
        };
        let mut key = digest(ctx, secret, Reading::HexOnly, line);
        key.ids = psk
            .values(&["id"])
            .into_iter()
            .filter_map(|(id, _)| identity(id))
            .collect();
        found.keys.push(key);
    }
}

/// Proposals that lack a part are skipped without a word.
fn lint_groups(ctx: &mut Context<'_>, root: &Node<'_>) {
    for (kind, parts) in [
        ("ike-group", &["encryption", "hash"][..]),
        ("esp-group", &["encryption", "hash"]),
    ] {
        for group in root.below(&[kind]) {
            for proposal in group.below(&["proposal"]) {
                let aead = proposal
                    .value(&["encryption"])
                    .and_then(|(name, _)| algorithm(name))
                    .is_some_and(|w| matches!(w, Word::Encr(e) if e.is_aead()));
                for part in parts {
                    if proposal.at(&[part]).is_none() {
                        let source = ctx.source(proposal.line);
                        ctx.lint(
                            "config-line-lost",
                            Weight::Warning,
                            None,
                            source,
                            format!(
                                "proposal {} of {kind} {} has no {part}; it may be left out without a word",
                                proposal.word, group.word
                            ),
                            format!("set … {kind} {} proposal {} {part} …", group.word, proposal.word),
                        );
                    }
                }
                if let Some((hash, line)) = proposal.value(&["hash"])
                    && aead
                    && kind == "esp-group"
                    && hash != "null"
                {
                    let source = ctx.source(line);
                    ctx.lint(
                        "config-syntax-rejected",
                        Weight::Hint,
                        None,
                        source,
                        "an AEAD cipher authenticates by itself; the hash has no part in it",
                        "hash null (Vyatta), or leave it",
                    );
                }
            }
        }
    }
}

fn connection(
    ctx: &mut Context<'_>,
    root: &Node<'_>,
    peer: &Node<'_>,
    dialect: Dialect,
) -> PeerConnection {
    let mut c = PeerConnection::new(&peer.word, dialect, ctx.source(peer.line));
    c.block = ctx.block;
    if let Some((value, line)) = peer.value(&["local-address"]) {
        c.local = ctx.at(vec![place(value)], line);
    }
    let remote = peer.values(&["remote-address"]);
    c.remote = match remote.first() {
        Some((_, line)) => ctx.at(remote.iter().map(|(v, _)| place(v)).collect(), line),
        None => {
            // The peer's name is its address, unless it is an identity.
            let named = if peer.word.starts_with('@') {
                Place::Any
            } else {
                place(&peer.word)
            };
            ctx.at(vec![named], peer.line)
        }
    };
    authentication(ctx, peer, &mut c);
    let group =
        peer.value(&["ike-group"])
            .and_then(|(name, line)| match root.at(&["ike-group", name]) {
                Some(group) => Some(group),
                None => {
                    let source = ctx.source(line);
                    ctx.lint(
                        "config-line-lost",
                        Weight::Warning,
                        Some(&peer.word),
                        source,
                        format!("ike-group {name} isn't there"),
                        format!("set … ike-group {name} …"),
                    );
                    None
                }
            });
    if let Some(group) = group {
        ike(ctx, group, &mut c);
    }
    if let Some((yes, line)) = peer
        .value(&["force-udp-encapsulation"])
        .map(|(v, l)| (boolean(v).unwrap_or(true), l))
        .or_else(|| {
            peer.at(&["force-udp-encapsulation"])
                .map(|n| (true, n.line))
        })
    {
        c.force_encap = ctx.at(yes, line);
    }
    children(ctx, root, peer, group, &mut c);
    c
}

fn authentication(ctx: &mut Context<'_>, peer: &Node<'_>, c: &mut PeerConnection) {
    let mode = peer.value(&["authentication", "mode"]);
    let method = match mode.map(|(m, _)| m) {
        Some("rsa" | "x509") => AuthMethod::PublicKey,
        _ => AuthMethod::Psk,
    };
    let setting = match mode {
        Some((_, line)) => ctx.at(vec![method], line),
        None => Setting::default_of(vec![method]),
    };
    c.local_auth = setting.clone();
    c.remote_auth = setting;
    for (key, local) in [("id", true), ("local-id", true), ("remote-id", false)] {
        if let Some((value, line)) = peer.value(&["authentication", key]) {
            let id = ctx.at(identity(value), line);
            if local {
                c.local_id = id;
            } else {
                c.remote_id = id;
            }
        }
    }
    if !c.remote_id.is_written() && peer.word.starts_with('@') {
        c.remote_id = ctx.at(identity(&peer.word), peer.line);
    }
    if let Some((secret, line)) = peer.value(&["authentication", "pre-shared-secret"]) {
        c.psk = Some(digest(ctx, secret, Reading::HexOnly, line));
        c.secrets_seen = true;
    }
}

fn ike(ctx: &Context<'_>, group: &Node<'_>, c: &mut PeerConnection) {
    c.versions = match group
        .value(&["ike-version"])
        .or_else(|| group.value(&["key-exchange"]))
    {
        Some(("1" | "ikev1", line)) => ctx.at(Versions::V1, line),
        Some(("2" | "ikev2", line)) => ctx.at(Versions::V2, line),
        Some((_, line)) => ctx.at(Versions::BOTH, line),
        None => Setting::default_of(if c.dialect == Dialect::Vyatta {
            Versions::V1
        } else {
            Versions::BOTH
        }),
    };
    let mut list = Vec::new();
    let mut whole = true;
    for proposal in group.below(&["proposal"]) {
        match one(proposal, c.dialect == Dialect::Vyos) {
            Some(mut p) => {
                if p.ke.is_empty() {
                    p.ke.extend(group_number(2));
                }
                complete_ike(&mut p);
                list.push(p);
            }
            None => whole = false,
        }
    }
    c.ike = match group.at(&["proposal"]) {
        Some(node) => ctx.at(
            Some(list).filter(|l| whole && !l.is_empty()),
            node.nodes.first().map_or(node.line, first_line),
        ),
        None => Setting::default_of(None),
    };
    c.ike_life = match group.value(&["lifetime"]) {
        Some((value, line)) => ctx.at(duration(value).and_then(unless_zero), line),
        None => Setting::default_of(Some(Duration::from_secs(28800))),
    };
    if let Some((mode, line)) = group.value(&["mode"]) {
        c.aggressive = ctx.at(mode == "aggressive", line);
    }
    if let Some((value, line)) = group.value(&["ikev2-reauth"]) {
        c.reauth = ctx.at(value == "yes", line);
    } else if let Some(node) = group.at(&["ikev2-reauth"]) {
        c.reauth = ctx.at(true, node.line);
    }
    if let Some(dpd) = group.at(&["dead-peer-detection"]) {
        let seconds = |path: &str, default| {
            dpd.value(&[path])
                .and_then(|(v, l)| Some(ctx.at(Some(duration(v)?), l)))
                .unwrap_or_else(|| Setting::default_of(Some(Duration::from_secs(default))))
        };
        c.dpd_delay = seconds("interval", 30);
        c.dpd_timeout = seconds("timeout", 120);
        c.dpd_action = match dpd
            .value(&["action"])
            .and_then(|(v, l)| Some((when_dead(v)?, l)))
        {
            Some((action, line)) => ctx.at(action, line),
            None => Setting::default_of(WhenDead::Clear),
        };
    }
}

/// The line of the deepest first word: the one that says a value.
fn first_line<'a>(node: &Node<'a>) -> &'a Line {
    node.nodes.first().map_or(node.line, first_line)
}

fn one(proposal: &Node<'_>, defaults: bool) -> Option<Proposal> {
    let mut p = Proposal::default();
    for (key, default) in [("encryption", "aes128"), ("hash", "sha1")] {
        let name = proposal
            .value(&[key])
            .map(|(v, _)| v)
            .or(defaults.then_some(default));
        match name {
            Some("null" | "none") | None => {}
            Some(name) => add(&mut p, algorithm(name)?),
        }
    }
    if let Some((prf, _)) = proposal.value(&["prf"]) {
        add(&mut p, algorithm(prf)?);
    }
    if let Some((group, _)) = proposal.value(&["dh-group"]) {
        p.ke.push(group_number(group.parse().ok()?)?);
    }
    (!p.encr.is_empty()).then_some(p)
}

fn children(
    ctx: &mut Context<'_>,
    root: &Node<'_>,
    peer: &Node<'_>,
    ike_group: Option<&Node<'_>>,
    c: &mut PeerConnection,
) {
    let starts = match peer.value(&["connection-type"]) {
        Some(("initiate", line)) => ctx.at(Starts::Now, line),
        Some(("respond" | "none", line)) => ctx.at(Starts::Passive, line),
        Some((_, line)) => ctx.at(Starts::OnDemand, line),
        None => Setting::default_of(if c.dialect == Dialect::Vyos {
            Starts::Now
        } else {
            Starts::OnDemand
        }),
    };
    let default_group = peer
        .value(&["default-esp-group"])
        .or_else(|| peer.value(&["esp-group"]));
    let make = |ctx: &Context<'_>, node: &Node<'_>, name: &str| {
        let mut child = PeerChild::new(name, ctx.source(node.line));
        child.starts = starts.clone();
        let group = node
            .value(&["esp-group"])
            .or(default_group)
            .and_then(|(name, _)| root.at(&["esp-group", name]));
        esp(ctx, group, ike_group, &mut child);
        child
    };
    if let Some(vti) = peer.at(&["vti"]) {
        let mut child = make(ctx, vti, "vti");
        let any = network("0.0.0.0/0");
        child.local_ts = ctx.at(vec![any], vti.line);
        child.remote_ts = ctx.at(vec![any], vti.line);
        if let Some((name, line)) = vti.value(&["bind"]) {
            child.route_based = Some(ctx.at(name.to_owned(), line));
        }
        c.children.push(child);
    }
    for tunnel in peer.below(&["tunnel"]) {
        let mut child = make(ctx, tunnel, &format!("tunnel {}", tunnel.word));
        for (side, local) in [("local", true), ("remote", false)] {
            let prefixes = {
                let list = tunnel.values(&[side, "prefix"]);
                if list.is_empty() {
                    tunnel.values(&[side, "subnet"])
                } else {
                    list
                }
            };
            if let Some((_, line)) = prefixes.first() {
                // What can't be read isn't known; the end's own address it surely isn't.
                let networks: Option<Vec<_>> =
                    prefixes.iter().map(|(v, _)| network(v).map(Some)).collect();
                let mut networks = networks.unwrap_or_default();
                if let Some(protocol) = tunnel
                    .value(&["protocol"])
                    .and_then(|(v, _)| protocol_number(v))
                {
                    networks
                        .iter_mut()
                        .flatten()
                        .for_each(|s| s.protocol = protocol);
                }
                let setting = ctx.at(networks, line);
                if local {
                    child.local_ts = setting;
                } else {
                    child.remote_ts = setting;
                }
            }
        }
        c.children.push(child);
    }
}

fn esp(
    ctx: &Context<'_>,
    group: Option<&Node<'_>>,
    ike_group: Option<&Node<'_>>,
    child: &mut PeerChild,
) {
    let Some(group) = group else {
        return;
    };
    let mut list = Vec::new();
    let mut whole = true;
    for proposal in group.below(&["proposal"]) {
        match one(proposal, true) {
            Some(mut p) => {
                drop_integrity_of_aead(&mut p);
                list.push(p);
            }
            None => whole = false,
        }
    }
    child.esp = match group.at(&["proposal"]) {
        Some(node) => ctx.at(
            Some(list).filter(|l| whole && !l.is_empty()),
            node.nodes.first().map_or(node.line, first_line),
        ),
        None => Setting::default_of(None),
    };
    let as_ike = || {
        let first: Option<KeMethod> = ike_group
            .and_then(|g| {
                g.below(&["proposal"])
                    .iter()
                    .find_map(|p| p.value(&["dh-group"]))
            })
            .and_then(|(n, _)| group_number(n.parse().ok()?));
        Some(first.map_or(Pfs::AsIke, |ke| Pfs::of(vec![ke])))
    };
    child.pfs = match group.value(&["pfs"]) {
        Some(("disable", line)) => ctx.at(Some(Pfs::Off), line),
        Some(("enable", line)) => ctx.at(as_ike(), line),
        Some((name, line)) => ctx.at(
            match algorithm(name) {
                Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                _ => None,
            },
            line,
        ),
        None => Setting::default_of(as_ike()),
    };
    child.life = match group.value(&["lifetime"]) {
        Some((value, line)) => ctx.at(duration(value).and_then(unless_zero), line),
        None => Setting::default_of(Some(Duration::from_secs(3600))),
    };
    if let Some((value, line)) = group.value(&["life-bytes"]) {
        child.life_bytes = ctx.at(value.parse().ok(), line);
    }
    if let Some((value, line)) = group.value(&["life-packets"]) {
        child.life_packets = ctx.at(value.parse().ok(), line);
    }
    if let Some((mode, line)) = group.value(&["mode"]) {
        child.mode = ctx.at(
            if mode == "transport" {
                Mode::Transport
            } else {
                Mode::Tunnel
            },
            line,
        );
    }
    if let Some((yes, line)) = group
        .value(&["compression"])
        .and_then(|(v, l)| Some((boolean(v)?, l)))
    {
        child.compress = ctx.at(yes, line);
    }
}
