//! illumos: ike/config, ike.preshared and ipsecinit.conf.
//!
//! The three speak of one tunnel: rules of ike/config say who and how in phase 1, ipsecinit.conf says which packets and
//! with which algorithms, ike.preshared has the keys.

pub(crate) mod dump;

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Place, Setting, SharedKey, Starts,
    Versions, Weight,
};
use adit_model::proposal::{Encr, Proposal};
use adit_model::selector::Selector;
use adit_wire::iana::KeMethod;

use super::Found;
use super::algorithm::{add, algorithm, complete_ike, group_number};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::words;
use super::value::{duration, identity, network, place, protocol_number, unhex};

/// A word with its line.
type Token<'a> = (String, &'a Line);

fn tokens(lines: &[Line]) -> Vec<Token<'_>> {
    const MOST: usize = 50_000;
    let mut out = Vec::new();
    for line in lines {
        let text = line.text.split('#').next().unwrap_or_default();
        for part in words(&spaced(text)) {
            if out.len() < MOST {
                out.push((part, line));
            }
        }
    }
    out
}

/// Braces stand for themselves.
fn spaced(text: &str) -> String {
    text.replace('{', " { ").replace('}', " } ")
}

/// A group in braces: words, and groups inside with the word before each.
#[derive(Debug)]
struct Group<'a> {
    /// What stood before it.
    name: String,
    words: Vec<Token<'a>>,
    groups: Vec<Group<'a>>,
    line: &'a Line,
}

impl<'a> Group<'a> {
    fn get(&self, key: &str) -> Option<(&str, &'a Line)> {
        self.words
            .iter()
            .zip(self.words.iter().skip(1))
            .find(|((k, _), _)| k == key)
            .map(|(_, (v, l))| (v.as_str(), *l))
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|(w, _)| w == word)
    }
}

/// The whole text as a group.
fn group(lines: &[Line]) -> Option<Group<'_>> {
    const DEEPEST: usize = 6;
    let first = lines.first()?;
    let mut stack = vec![Group {
        name: String::new(),
        words: Vec::new(),
        groups: Vec::new(),
        line: first,
    }];
    for (word, line) in tokens(lines) {
        match word.as_str() {
            "{" if stack.len() < DEEPEST => {
                let name = stack
                    .last()
                    .and_then(|g| g.words.last())
                    .map_or(String::new(), |(w, _)| w.clone());
                stack.push(Group {
                    name,
                    words: Vec::new(),
                    groups: Vec::new(),
                    line,
                });
            }
            "}" if stack.len() > 1 => {
                if let (Some(done), Some(parent)) = (stack.pop(), stack.last_mut()) {
                    parent.groups.push(done);
                }
            }
            "{" | "}" => {}
            _ => {
                if let Some(top) = stack.last_mut() {
                    top.words.push((word, line));
                }
            }
        }
    }
    while stack.len() > 1 {
        if let (Some(done), Some(parent)) = (stack.pop(), stack.last_mut()) {
            parent.groups.push(done);
        }
    }
    stack.pop()
}

/// Reads any of the three files, or all.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let mut found = Found::default();
    let dumped = dump::written(lines);
    let lines = dumped.as_deref().unwrap_or(lines);
    let Some(root) = group(lines) else {
        return found;
    };
    let policies = policies(&root);
    for g in &root.groups {
        if g.has("localidtype") || g.has("remoteid") && g.has("key") {
            found.keys.extend(preshared(ctx, g));
        }
    }
    for g in root.groups.iter().filter(|g| g.has("label")) {
        let mut c = rule(ctx, &root, g);
        let own: Vec<PeerChild> = policies
            .iter()
            .filter(|p| p.is_for(&c))
            .map(|policy| child(ctx, &root, g, policy))
            .collect();
        c.children = own;
        if c.children.is_empty() {
            let mut child = PeerChild::new(&c.name, ctx.source(g.line));
            child.pfs = pfs(ctx, &root, g);
            child.life = life(ctx, &root, "p2_lifetime_secs");
            child.soft_life = life(ctx, &root, "p2_softlife_secs");
            child.starts = Setting::default_of(Starts::OnDemand);
            child.mode = Setting::default_of(Mode::Transport);
            c.children.push(child);
        }
        found.connections.push(c);
    }
    if !found
        .connections
        .iter()
        .any(|c| c.dialect == Dialect::Illumos)
    {
        // Policies by themselves are a connection to each peer too.
        for policy in policies.iter().filter(|p| p.protects) {
            let mut c = PeerConnection::new("ipsecinit", Dialect::Illumos, ctx.source(policy.line));
            c.block = ctx.block;
            c.versions = Setting::default_of(Versions::V1);
            let host = |s: Option<Selector>| match s {
                Some(s) if s.start == s.end => vec![Place::Address(s.start)],
                _ => vec![Place::Any],
            };
            c.local = ctx.at(host(policy.local), policy.line);
            c.remote = ctx.at(host(policy.remote), policy.line);
            c.children.push(child(ctx, &root, &root, policy));
            found.connections.push(c);
        }
    }
    lints(ctx, &root, &policies);
    found
}

/// A rule of ike/config.
fn rule(ctx: &mut Context<'_>, root: &Group<'_>, g: &Group<'_>) -> PeerConnection {
    let name = g.get("label").map_or("rule", |(v, _)| v);
    let mut c = PeerConnection::new(name, Dialect::Illumos, ctx.source(g.line));
    c.block = ctx.block;
    c.versions = Setting::default_of(Versions::V1);
    c.fragmentation = Setting::default_of(false);
    if let Some((a, line)) = g.get("local_addr") {
        c.local = ctx.at(vec![place(a)], line);
    }
    if let Some((a, line)) = g.get("remote_addr") {
        c.remote = ctx.at(vec![place(a)], line);
    }
    if let Some((id, line)) = g.get("local_id") {
        c.local_id = ctx.at(identity(id), line);
    }
    if let Some((id, line)) = g.get("remote_id") {
        c.remote_id = ctx.at(identity(id), line);
    }
    if let Some((mode, line)) = g.get("p1_mode") {
        c.aggressive = ctx.at(mode == "aggressive", line);
    }
    c.ike_life = life(ctx, root, "p1_lifetime_secs");
    if !c.ike_life.is_written() {
        c.ike_life = Setting::default_of(Some(Duration::from_secs(14400)));
    }
    let own: Vec<&Group<'_>> = g.groups.iter().filter(|x| x.name == "p1_xform").collect();
    let forms = if own.is_empty() {
        root.groups
            .iter()
            .filter(|x| x.name == "p1_xform")
            .collect()
    } else {
        own
    };
    let mut list = Vec::new();
    let mut whole = true;
    for form in &forms {
        let mut p = Proposal::default();
        if let Some((name, _)) = form.get("encr_alg") {
            whole &= encryption(&mut p, name, form);
        }
        if let Some((name, _)) = form.get("auth_alg") {
            match algorithm(name) {
                Some(word) => add(&mut p, word),
                None => whole = false,
            }
        }
        if let Some((number, _)) = form.get("oakley_group") {
            match number.parse().ok().and_then(group_number) {
                Some(ke) => p.ke.push(ke),
                None => whole = false,
            }
        }
        if let Some((method, line)) = form.get("auth_method") {
            let method = if method == "preshared" {
                AuthMethod::Psk
            } else {
                AuthMethod::PublicKey
            };
            c.local_auth = ctx.at(vec![method], line);
            c.remote_auth = ctx.at(vec![method], line);
        }
        complete_ike(&mut p);
        list.push(p);
    }
    if let Some(first) = forms.first() {
        c.ike = ctx.at(Some(list).filter(|_| whole), first.line);
    }
    c
}

/// `aes`, or `aes(256..)`: any key length from there.
fn encryption(p: &mut Proposal, name: &str, form: &Group<'_>) -> bool {
    let plain = name
        .split('(')
        .next()
        .unwrap_or(name)
        .trim_end_matches("-cbc");
    let lowest = name
        .split_once('(')
        .map(|(_, r)| r)
        .or_else(|| form.get(name).map(|(v, _)| v))
        .and_then(|r| {
            r.split(|c: char| !c.is_ascii_digit())
                .find(|d| !d.is_empty())
        })
        .and_then(|d| d.parse::<u16>().ok())
        .unwrap_or(0);
    match algorithm(plain) {
        Some(Word::Encr(e)) => {
            if matches!(plain, "aes") {
                for bits in [128, 192, 256].into_iter().filter(|b| *b >= lowest) {
                    p.encr.push(Encr {
                        id: e.id,
                        key_bits: Some(bits),
                    });
                }
            } else {
                add(p, Word::Encr(e));
            }
            true
        }
        _ => false,
    }
}

fn life(ctx: &Context<'_>, root: &Group<'_>, key: &str) -> Setting<Option<Duration>> {
    match root.get(key).and_then(|(v, l)| Some((duration(v)?, l))) {
        Some((d, line)) => ctx.at(Some(d), line),
        None => Setting::default_of(None),
    }
}

fn pfs(ctx: &Context<'_>, root: &Group<'_>, g: &Group<'_>) -> Setting<Option<Pfs>> {
    let written = g.get("p2_pfs").or_else(|| root.get("p2_pfs"));
    match written {
        Some(("0", line)) => ctx.at(Some(Pfs::Off), line),
        Some((number, line)) => {
            let ke: Option<KeMethod> = number.parse().ok().and_then(group_number);
            ctx.at(ke.map(|ke| Pfs::of(vec![ke])), line)
        }
        None => Setting::default_of(Some(Pfs::Off)),
    }
}

/// A rule of ipsecinit.conf.
struct Policy<'a> {
    local: Option<Selector>,
    remote: Option<Selector>,
    protects: bool,
    bypass: bool,
    tunnel: bool,
    algorithms: Vec<Token<'a>>,
    /// Nothing narrows it.
    broad: bool,
    line: &'a Line,
}

impl Policy<'_> {
    fn is_for(&self, c: &PeerConnection) -> bool {
        let fits = |s: Option<Selector>, places: &[Place]| match (s, places.first()) {
            (Some(s), Some(Place::Address(a))) => s.matches(s.protocol, Some(s.ports.0), *a),
            _ => true,
        };
        self.protects && fits(self.remote, &c.remote.value) && fits(self.local, &c.local.value)
    }
}

fn policies<'a>(root: &Group<'a>) -> Vec<Policy<'a>> {
    let mut out = Vec::new();
    for (pattern, action) in root.groups.iter().zip(root.groups.iter().skip(1)) {
        let kind = action.name.as_str();
        let matching = [
            "laddr", "raddr", "saddr", "daddr", "ulp", "lport", "rport", "tunnel", "dir",
        ]
        .iter()
        .any(|w| pattern.has(w));
        if !matching
            || !matches!(
                kind,
                "ipsec" | "bypass" | "pass" | "drop" | "permit" | "apply"
            )
        {
            continue;
        }
        let protocol = pattern
            .get("ulp")
            .and_then(|(v, _)| protocol_number(v))
            .unwrap_or(0);
        let port = |key: &str| {
            pattern
                .get(key)
                .and_then(|(v, _)| v.parse::<u16>().ok())
                .map_or((0, 65535), |p| (p, p))
        };
        let end = |keys: [&str; 2], ports: (u16, u16)| {
            keys.iter()
                .find_map(|k| pattern.get(k))
                .and_then(|(v, _)| network(v))
                .map(|s| Selector {
                    protocol,
                    ports,
                    ..s
                })
        };
        out.push(Policy {
            local: end(["laddr", "saddr"], port("lport")),
            remote: end(["raddr", "daddr"], port("rport")),
            protects: matches!(kind, "ipsec" | "apply" | "permit"),
            bypass: matches!(kind, "bypass" | "pass"),
            tunnel: pattern.has("tunnel"),
            algorithms: action.words.clone(),
            broad: protocol == 0 && !pattern.has("lport") && !pattern.has("rport"),
            line: pattern.line,
        });
    }
    out
}

fn child(ctx: &Context<'_>, root: &Group<'_>, rule: &Group<'_>, policy: &Policy<'_>) -> PeerChild {
    let mut child = PeerChild::new("policy", ctx.source(policy.line));
    if policy.local.is_some() {
        child.local_ts = ctx.at(vec![policy.local], policy.line);
    }
    if policy.remote.is_some() {
        child.remote_ts = ctx.at(vec![policy.remote], policy.line);
    }
    child.mode = ctx.at(
        if policy.tunnel {
            Mode::Tunnel
        } else {
            Mode::Transport
        },
        policy.line,
    );
    child.pfs = pfs(ctx, root, rule);
    child.life = life(ctx, root, "p2_lifetime_secs");
    child.soft_life = life(ctx, root, "p2_softlife_secs");
    child.starts = Setting::default_of(Starts::OnDemand);
    let mut p = Proposal::default();
    let mut whole = true;
    let mut at = policy.line;
    for ((key, _), (value, line)) in policy
        .algorithms
        .iter()
        .zip(policy.algorithms.iter().skip(1))
    {
        match key.as_str() {
            "encr_algs" => {
                at = line;
                let bits = value.split_once('(').map(|(_, b)| b.trim_end_matches(')'));
                let name = value.split('(').next().unwrap_or(value);
                match (bits, name) {
                    (Some(bits), name) => match algorithm(&format!("{name}{bits}")) {
                        Some(word) => add(&mut p, word),
                        None => whole = false,
                    },
                    (None, "any") => whole = false,
                    (None, name) => match algorithm(name) {
                        Some(word) => add(&mut p, word),
                        None => whole = false,
                    },
                }
            }
            "encr_auth_algs" => match algorithm(value) {
                Some(word) => add(&mut p, word),
                None => whole = false,
            },
            "auth_algs" => {
                at = line;
                child.ah = true;
                match algorithm(value) {
                    Some(word) => add(&mut p, word),
                    None => whole = false,
                }
            }
            _ => {}
        }
    }
    let any = !p.encr.is_empty() || !p.integ.is_empty();
    child.ah &= p.encr.is_empty();
    child.esp = ctx.at(Some(vec![p]).filter(|_| whole && any), at);
    child
}

/// A key of ike.preshared: hex, or text in quotes.
fn preshared(ctx: &Context<'_>, g: &Group<'_>) -> Option<SharedKey> {
    let (written, line) = g.get("key")?;
    let quoted = line.text.contains(&format!("\"{written}\""));
    let octets = if quoted || unhex(written).is_none() {
        written.to_owned()
    } else {
        format!("0x{written}")
    };
    let mut key = digest(ctx, &octets, Reading::HexOnly, line);
    key.ids = ["localid", "remoteid"]
        .iter()
        .filter_map(|k| g.get(k))
        .filter_map(|(id, _)| identity(id))
        .collect();
    Some(key)
}

fn lints(ctx: &mut Context<'_>, root: &Group<'_>, policies: &[Policy<'_>]) {
    // A group of its own for one peer, and another for all the rest.
    if let Some((global, _)) = root.get("p2_pfs") {
        for rule in root.groups.iter().filter(|g| g.has("label")) {
            if let Some((own, line)) = rule.get("p2_pfs")
                && own != global
            {
                let source = ctx.source(line);
                let name = rule.get("label").map_or("", |(v, _)| v).to_owned();
                ctx.lint(
                    "global-vs-rule-setting-conflict",
                    Weight::Warning,
                    Some(&name),
                    source,
                    format!("p2_pfs is {own} in this rule and {global} for all others: peers that no rule names use another group"),
                    "the same group in both places",
                );
            }
        }
    }
    // The first that fits is taken.
    for (i, broad) in policies.iter().enumerate().filter(|(_, p)| p.bypass) {
        let covers = |a: Option<Selector>, b: Option<Selector>| match (a, b) {
            (None, _) => true,
            (Some(a), Some(b)) => a.contains(&b),
            (Some(_), None) => false,
        };
        let hidden = policies.iter().enumerate().find(|(j, p)| {
            p.protects
                && *j != i
                && broad.broad
                && covers(broad.local, p.local)
                && covers(broad.remote, p.remote)
        });
        if let Some((j, _)) = hidden {
            let source = ctx.source(broad.line);
            ctx.lint(
                "bypass-too-broad",
                if i < j {
                    Weight::Error
                } else {
                    Weight::Warning
                },
                None,
                source,
                "a bypass covers traffic that another rule protects: it may leave in clear",
                "narrow the bypass by protocol and port, or remove it",
            );
        }
    }
    if let (Some((soft, line)), Some((hard, _))) =
        (root.get("p2_softlife_secs"), root.get("p2_lifetime_secs"))
        && let (Some(soft), Some(hard)) = (duration(soft), duration(hard))
        && soft >= hard
    {
        let source = ctx.source(line);
        ctx.lint(
            "rekey-disabled",
            Weight::Warning,
            None,
            source,
            "the soft lifetime isn't shorter than the hard one: SAs end before they are replaced",
            "p2_softlife_secs well below p2_lifetime_secs",
        );
    }
}
