//! RouterOS: what `/ip ipsec export` prints.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Pfs, Setting, Starts, Versions,
};
use adit_model::proposal::Proposal;
use adit_wire::iana::KeMethod;

use super::Found;
use super::algorithm::{add, algorithm, complete_ike, drop_integrity_of_aead, split_aead};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::value::{duration, identity, network, place, protocol_number, unquote};

/// One `add` or `set`.
struct Item<'a> {
    menu: String,
    values: Vec<(String, String)>,
    line: &'a Line,
}

impl Item<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }
}

fn items(lines: &[Line]) -> Vec<Item<'_>> {
    let mut out = Vec::new();
    let mut menu = String::new();
    let mut carried = String::new();
    let mut begun: Option<&Line> = None;
    for line in lines {
        let text = line.text.trim();
        // A backslash at the end goes on in the next line.
        let (part, more) = match text.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (text, false),
        };
        carried.push_str(part);
        let first = *begun.get_or_insert(line);
        if more {
            continue;
        }
        let whole = core::mem::take(&mut carried);
        begun = None;
        let mut rest = whole.as_str();
        if rest.starts_with('/') {
            let end = [" add ", " set "]
                .iter()
                .filter_map(|w| rest.find(w))
                .min()
                .unwrap_or(rest.len());
            menu = rest.get(..end).unwrap_or_default().trim().to_owned();
            rest = rest.get(end..).unwrap_or_default().trim();
        }
        if rest.starts_with("add ") || rest.starts_with("set ") {
            out.push(Item {
                menu: menu.clone(),
                values: values(rest),
                line: first,
            });
        }
    }
    out
}

/// `key=value key="a value"`.
fn values(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let key = rest
            .get(..equals)
            .unwrap_or_default()
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned();
        let after = rest.get(equals + 1..).unwrap_or_default();
        let end = if after.starts_with('"') {
            after
                .get(1..)
                .and_then(|t| t.find('"'))
                .map_or(after.len(), |i| i + 2)
        } else {
            after.find(' ').unwrap_or(after.len())
        };
        out.push((
            key,
            unquote(after.get(..end).unwrap_or_default()).to_owned(),
        ));
        rest = after.get(end..).unwrap_or_default();
    }
    out
}

/// Reads an export.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let all = items(lines);
    let of = |menu: &'static str| all.iter().filter(move |i| i.menu.ends_with(menu));
    let mut found = Found::default();
    for peer in of("ipsec peer") {
        let name = peer
            .get("name")
            .or_else(|| peer.get("address"))
            .unwrap_or("peer")
            .to_owned();
        let mut c = PeerConnection::new(&name, Dialect::Routeros, ctx.source(peer.line));
        c.block = ctx.block;
        let profile = of("ipsec profile")
            .find(|p| p.get("name") == Some(peer.get("profile").unwrap_or("default")))
            .or_else(|| of("ipsec profile").find(|_| peer.get("profile").is_none()));
        self::peer(ctx, peer, profile, &mut c);
        let belongs = |i: &&Item<'_>| i.get("peer").is_none_or(|p| p == name);
        let mut own = of("ipsec identity").filter(belongs);
        // Before 6.44 the peer itself says who.
        self::identity_of(ctx, own.next().unwrap_or(peer), &mut c);
        let further: Vec<&Item<'_>> = own.collect();
        for policy in of("ipsec policy").filter(belongs) {
            if policy.get("template") == Some("yes") {
                continue;
            }
            let child = policy_child(ctx, &all, peer, policy);
            c.children.push(child);
        }
        // One peer may take several, each with its own identity and proof.
        let others = further.into_iter().map(|item| {
            let mut other = c.clone();
            other.source = ctx.source(item.line);
            other.children.clear();
            (other.local_id, other.remote_id, other.psk) = Default::default();
            self::identity_of(ctx, item, &mut other);
            other
        });
        let others: Vec<PeerConnection> = others.collect();
        found.connections.push(c);
        found.connections.extend(others);
    }
    found
}

fn list(text: &str) -> Option<Vec<Word>> {
    text.split(',')
        .filter(|w| !w.is_empty() && *w != "null")
        .map(algorithm)
        .collect()
}

fn peer(ctx: &Context<'_>, peer: &Item<'_>, profile: Option<&Item<'_>>, c: &mut PeerConnection) {
    if let Some(address) = peer.get("address") {
        c.remote = ctx.at(vec![place(address)], peer.line);
    }
    if let Some(address) = peer.get("local-address") {
        c.local = ctx.at(vec![place(address)], peer.line);
    }
    c.versions = match peer.get("exchange-mode") {
        Some("ike2") => ctx.at(Versions::V2, peer.line),
        Some(mode) => {
            c.aggressive = ctx.at(mode == "aggressive", peer.line);
            ctx.at(Versions::V1, peer.line)
        }
        None => Setting::default_of(Versions::V1),
    };
    // Profiles since 6.44; before, the peer has the words itself.
    let from = profile.unwrap_or(peer);
    let text = |key: &str, default: &str| from.get(key).unwrap_or(default).to_owned();
    let mut p = Proposal::default();
    let mut whole = true;
    for words in [
        text("enc-algorithm", "aes-128,3des"),
        text("hash-algorithm", "sha1"),
        text("dh-group", "modp2048,modp1024"),
    ] {
        match list(&words) {
            Some(words) => words.into_iter().for_each(|w| add(&mut p, w)),
            None => whole = false,
        }
    }
    if let Some(words) = from.get("prf-algorithm").and_then(list) {
        for word in words {
            if let Word::Integ(i) = word {
                p.prf.extend(adit_model::keywords::prf_of_integ(i));
            }
        }
    }
    complete_ike(&mut p);
    let ike = Some(split_aead(p)).filter(|_| whole);
    c.ike = if profile.is_some() || from.get("enc-algorithm").is_some() {
        ctx.at(ike, from.line)
    } else {
        Setting::default_of(ike)
    };
    c.ike_life = match from.get("lifetime").and_then(duration) {
        Some(life) => ctx.at(Some(life), from.line),
        None => Setting::default_of(Some(Duration::from_secs(86400))),
    };
    if from.get("nat-traversal") == Some("no") {
        c.nat_t = ctx.at(false, from.line);
    }
    c.strict_lifetime = match from.get("proposal-check") {
        Some("exact" | "strict") => ctx.at(true, from.line),
        _ => Setting::default_of(false),
    };
}

fn identity_of(ctx: &Context<'_>, item: &Item<'_>, c: &mut PeerConnection) {
    let method = match item.get("auth-method") {
        None | Some("pre-shared-key") => vec![AuthMethod::Psk],
        Some("pre-shared-key-xauth") => vec![AuthMethod::Psk, AuthMethod::Xauth],
        Some(m) if m.starts_with("eap") => vec![AuthMethod::Eap],
        Some(_) => vec![AuthMethod::PublicKey],
    };
    let setting = if item.get("auth-method").is_some() {
        ctx.at(method, item.line)
    } else {
        Setting::default_of(method)
    };
    c.local_auth = setting.clone();
    c.remote_auth = setting;
    if let Some(secret) = item.get("secret") {
        c.psk = Some(digest(ctx, secret, Reading::HexOnly, item.line));
        c.secrets_seen = true;
    }
    let id = |text: &str| match text.split_once(':') {
        Some(("fqdn", v)) => identity(&format!("fqdn:{v}")),
        Some(("user-fqdn", v)) => identity(&format!("email:{v}")),
        Some(("key-id", v)) => identity(&format!("keyid:{v}")),
        Some(("address", v)) => identity(v),
        _ if text == "auto" => None,
        _ if text == "ignore" => Some(PeerId::Any),
        _ => identity(text),
    };
    if let Some(text) = item.get("my-id") {
        c.local_id = ctx.at(id(text), item.line);
    }
    if let Some(text) = item.get("remote-id") {
        c.remote_id = ctx.at(id(text), item.line);
    }
}

fn policy_child(
    ctx: &Context<'_>,
    all: &[Item<'_>],
    peer: &Item<'_>,
    policy: &Item<'_>,
) -> PeerChild {
    let name = policy.get("dst-address").unwrap_or("policy");
    let mut child = PeerChild::new(name, ctx.source(policy.line));
    let protocol = policy
        .get("protocol")
        .and_then(protocol_number)
        .unwrap_or(0);
    for (key, to) in [
        ("src-address", &mut child.local_ts),
        ("dst-address", &mut child.remote_ts),
    ] {
        if let Some(mut net) = policy.get(key).and_then(network) {
            net.protocol = protocol;
            *to = ctx.at(vec![Some(net)], policy.line);
        }
    }
    child.mode = match policy.get("tunnel") {
        Some("yes") => ctx.at(Mode::Tunnel, policy.line),
        _ => Setting::default_of(Mode::Transport),
    };
    child.starts = match peer.get("passive") {
        Some("yes") => ctx.at(Starts::Passive, peer.line),
        _ => Setting::default_of(Starts::Now),
    };
    let wanted = policy.get("proposal").unwrap_or("default");
    let proposal = all.iter().find(|i| {
        i.menu.ends_with("ipsec proposal")
            && (i.get("name") == Some(wanted) || wanted == "default" && i.get("name").is_none())
    });
    let get = |key: &str| proposal.and_then(|p| p.get(key));
    let mut p = Proposal::default();
    let mut whole = true;
    for words in [
        get("enc-algorithms").unwrap_or("aes-256-cbc,aes-192-cbc,aes-128-cbc"),
        get("auth-algorithms").unwrap_or("sha1"),
    ] {
        match list(words) {
            Some(words) => words.into_iter().for_each(|w| add(&mut p, w)),
            None => whole = false,
        }
    }
    drop_integrity_of_aead(&mut p);
    let esp = Some(split_aead(p)).filter(|_| whole);
    let group = match get("pfs-group") {
        Some("none") => Some(Pfs::Off),
        Some(name) => match algorithm(name) {
            Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
            _ => None,
        },
        None => Some(Pfs::of(vec![KeMethod::MODP_1024])),
    };
    match proposal {
        Some(item) => {
            child.esp = ctx.at(esp, item.line);
            child.pfs = if get("pfs-group").is_some() {
                ctx.at(group, item.line)
            } else {
                Setting::default_of(group)
            };
        }
        None => {
            child.esp = Setting::default_of(esp);
            child.pfs = Setting::default_of(group);
        }
    }
    child.life = match get("lifetime").and_then(duration) {
        Some(life) => Setting::written(
            Some(life),
            ctx.source(proposal.map_or(policy.line, |p| p.line)),
        ),
        None => Setting::default_of(Some(Duration::from_secs(1800))),
    };
    child
}
