//! racoon.conf, setkey's policies, and psk.txt.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::credential::FileRole;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Place, Setting, SharedKey, Starts,
    Versions,
};
use adit_model::proposal::Proposal;
use adit_model::selector::Selector;
use adit_wire::iana::KeMethod;

use super::algorithm::{add, algorithm, complete_ike, group_number};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::words;
use super::value::{boolean, duration, identity, network, place, protocol_number};
use super::{DigestKey, Found};

/// Reads any of the three.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let statements = statements(lines);
    let mut found = Found::default();
    let policies: Vec<Policy<'_>> = lines.iter().filter_map(policy).collect();
    let sainfos: Vec<&Statement<'_>> = statements
        .iter()
        .filter(|s| s.words.first().is_some_and(|w| w == "sainfo"))
        .collect();
    for remote in statements
        .iter()
        .filter(|s| s.words.first().is_some_and(|w| w == "remote"))
    {
        let mut c = connection(ctx, remote);
        let of_peer = |p: &&Policy<'_>| match (c.remote.value.first(), p.remote) {
            (Some(Place::Address(a)), Some(r)) => *a == r,
            _ => true,
        };
        for policy in policies.iter().filter(of_peer) {
            let sainfo = sainfo_of(&sainfos, policy);
            c.children.push(child(ctx, policy, sainfo));
            if let (Place::Any, Some(local)) =
                (c.local.value.first().unwrap_or(&Place::Any), policy.local)
            {
                c.local = ctx.at(vec![Place::Address(local)], policy.line);
            }
        }
        if policies.is_empty() {
            for sainfo in &sainfos {
                c.children.push(from_sainfo(ctx, sainfo));
            }
        }
        if let Some(("on", line)) = remote.get("passive") {
            for child in &mut c.children {
                child.starts = ctx.at(Starts::Passive, line);
            }
        }
        found.connections.push(c);
    }
    files(ctx, &statements);
    found
}

/// Certificates and keys: `certificate_type x509 "own.pem" "own.key"`, beside the directory that they are in.
fn files(ctx: &mut Context<'_>, statements: &[Statement<'_>]) {
    let path = |kind: &str| {
        let of = |s: &&Statement<'_>| {
            s.words.first().is_some_and(|w| w == "path")
                && s.words.get(1).is_some_and(|w| w == kind)
        };
        statements
            .iter()
            .find(of)
            .and_then(|s| Some((s.words.get(2)?.clone(), s.line)))
    };
    if let Some((keys, line)) = path("pre_shared_key") {
        ctx.file(FileRole::SharedKeys, &keys, None, line);
    }
    let folder = path("certificate").map(|(folder, _)| folder);
    let whole = |name: &str| match &folder {
        Some(folder) if !name.starts_with('/') => {
            format!("{}/{name}", folder.trim_end_matches('/'))
        }
        _ => name.to_owned(),
    };
    for remote in statements {
        if remote.words.first().is_none_or(|w| w != "remote") {
            continue;
        }
        let name = remote.words.get(1).map(String::as_str);
        for s in &remote.below {
            let words: Vec<&str> = s.words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["certificate_type", "x509", certificate, key] => {
                    ctx.file(FileRole::Certificate, &whole(certificate), name, s.line);
                    let role = FileRole::PrivateKey {
                        kind: None,
                        passphrase: false,
                    };
                    ctx.file(role, &whole(key), name, s.line);
                }
                ["ca_type", "x509", ca] => {
                    ctx.file(FileRole::Authority, &whole(ca), name, s.line);
                }
                ["peers_certfile", "x509", peer] => {
                    ctx.file(FileRole::PeerCertificate, &whole(peer), name, s.line);
                }
                _ => {}
            }
        }
    }
}

/// psk.txt: `ADDRESS KEY` on each line; the key goes to the end of the line, and `0x` is hex.
pub(super) fn shared_keys(name: &str, bytes: &[u8], key: Option<&DigestKey>) -> Vec<SharedKey> {
    const MOST: usize = 4096;
    let ctx = Context {
        name,
        origins: &[],
        key,
        block: 0,
        version: None,
        lints: Vec::new(),
        files: Vec::new(),
    };
    let text = String::from_utf8_lossy(bytes);
    let mut out = Vec::new();
    for (text, number) in text.lines().zip(1..).take(MOST) {
        let trimmed = text.trim();
        let Some((id, secret)) = trimmed
            .split_once([' ', '\t'])
            .filter(|_| !trimmed.starts_with('#'))
        else {
            continue;
        };
        let line = Line {
            number,
            text: format!("{id} …"),
        };
        let mut made = digest(&ctx, secret.trim(), Reading::HexOnly, &line);
        made.ids = if id == "*" {
            Vec::new()
        } else {
            identity(id).into_iter().collect()
        };
        // A key whose owner isn't understood isn't everybody's.
        if id == "*" || !made.ids.is_empty() {
            out.push(made);
        }
    }
    out
}

/// A statement with those in its braces.
struct Statement<'a> {
    words: Vec<String>,
    line: &'a Line,
    below: Vec<Statement<'a>>,
}

impl<'a> Statement<'a> {
    fn get(&self, key: &str) -> Option<(&str, &'a Line)> {
        self.below
            .iter()
            .find(|s| s.words.first().is_some_and(|w| w == key))
            .map(|s| (s.words.get(1).map_or("", String::as_str), s.line))
    }

    /// Words after the key, joined.
    fn rest(&self, key: &str) -> Option<(String, &'a Line)> {
        self.below
            .iter()
            .find(|s| s.words.first().is_some_and(|w| w == key))
            .map(|s| (s.words.get(1..).unwrap_or_default().join(" "), s.line))
    }
}

fn statements(lines: &[Line]) -> Vec<Statement<'_>> {
    const DEEPEST: usize = 8;
    let mut roots: Vec<Statement<'_>> = Vec::new();
    let mut stack: Vec<Statement<'_>> = Vec::new();
    let mut pending: Option<(String, &Line)> = None;
    for line in lines {
        let mut rest = line.text.split('#').next().unwrap_or_default().trim();
        if rest.starts_with("spdadd") || rest.starts_with("add ") {
            continue;
        }
        while !rest.is_empty() {
            let end = rest.find(['{', '}', ';']).unwrap_or(rest.len());
            let (head, after) = rest.split_at(end);
            let (mut text, at) = pending.take().unwrap_or((String::new(), line));
            if !head.trim().is_empty() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(head.trim());
            }
            match after.chars().next() {
                Some('{') if stack.len() < DEEPEST => stack.push(Statement {
                    words: words(&text),
                    line: at,
                    below: Vec::new(),
                }),
                Some('}') => {
                    if let Some(done) = stack.pop() {
                        match stack.last_mut() {
                            Some(parent) => parent.below.push(done),
                            None => roots.push(done),
                        }
                    }
                }
                Some(_) => {
                    let one = Statement {
                        words: words(&text),
                        line: at,
                        below: Vec::new(),
                    };
                    match stack.last_mut() {
                        Some(parent) => parent.below.push(one),
                        None => roots.push(one),
                    }
                }
                None if !text.is_empty() => pending = Some((text, at)),
                None => {}
            }
            rest = after.get(1..).unwrap_or_default().trim();
        }
    }
    while let Some(done) = stack.pop() {
        match stack.last_mut() {
            Some(parent) => parent.below.push(done),
            None => roots.push(done),
        }
    }
    roots
}

fn connection(ctx: &Context<'_>, remote: &Statement<'_>) -> PeerConnection {
    let name = remote.words.get(1).map_or("anonymous", String::as_str);
    let mut c = PeerConnection::new(name, Dialect::Racoon, ctx.source(remote.line));
    c.block = ctx.block;
    c.versions = Setting::default_of(Versions::V1);
    let address = remote
        .get("remote_address")
        .map(|(a, l)| (a.to_owned(), l))
        .unwrap_or((name.to_owned(), remote.line));
    c.remote = ctx.at(
        vec![if address.0 == "anonymous" {
            Place::Any
        } else {
            place(&address.0)
        }],
        address.1,
    );
    if let Some((modes, line)) = remote.rest("exchange_mode") {
        // The first is begun.
        c.aggressive = ctx.at(modes.trim_start().starts_with("aggressive"), line);
    }
    for (key, local) in [("my_identifier", true), ("peers_identifier", false)] {
        if let Some((text, line)) = remote.rest(key) {
            let (kind, value) = text.split_once(' ').unwrap_or((text.as_str(), ""));
            let value = super::value::unquote(value.trim());
            let id = match kind {
                "fqdn" => identity(&format!("fqdn:{value}")),
                "user_fqdn" => identity(&format!("email:{value}")),
                "keyid" => identity(&format!("keyid:{value}")),
                "asn1dn" if value.is_empty() => None,
                "asn1dn" => identity(&format!("asn1dn:{value}")),
                _ => identity(value),
            };
            let id = ctx.at(id, line);
            if local {
                c.local_id = id;
            } else {
                c.remote_id = id;
            }
        }
    }
    if !c.remote_id.is_written()
        || remote
            .get("verify_identifier")
            .is_none_or(|(v, _)| boolean(v) != Some(true))
    {
        // Without verify_identifier nobody's identity is looked at.
        c.remote_id.value = Some(adit_model::peer_config::PeerId::Any);
    }
    if let Some((check, line)) = remote.get("proposal_check") {
        c.strict_lifetime = ctx.at(matches!(check, "strict" | "exact"), line);
    }
    if let Some((life, line)) = remote.rest("lifetime") {
        c.ike_life = ctx.at(duration(life.trim_start_matches("time").trim()), line);
    } else {
        c.ike_life = Setting::default_of(Some(Duration::from_secs(28800)));
    }
    if let Some((delay, line)) = remote.get("dpd_delay") {
        c.dpd_delay = ctx.at(duration(delay), line);
    }
    match remote.get("nat_traversal") {
        Some(("force", line)) => c.force_encap = ctx.at(true, line),
        Some(("on", _)) => {}
        Some((_, line)) => c.nat_t = ctx.at(false, line),
        None => c.nat_t = Setting::default_of(false),
    }
    let mut list = Vec::new();
    let mut at = None;
    let mut whole = true;
    for proposal in remote
        .below
        .iter()
        .filter(|s| s.words.first().is_some_and(|w| w == "proposal"))
    {
        at = at.or(Some(proposal.line));
        let mut p = Proposal::default();
        for key in ["encryption_algorithm", "hash_algorithm"] {
            if let Some((text, _)) = proposal.rest(key) {
                match algorithm(&text) {
                    Some(word) => add(&mut p, word),
                    None => whole = false,
                }
            }
        }
        if let Some((group, _)) = proposal.get("dh_group") {
            p.ke.extend(dh(group));
        }
        if let Some((method, line)) = proposal.get("authentication_method") {
            let methods = match method {
                "pre_shared_key" => vec![AuthMethod::Psk],
                m if m.contains("xauth_psk") => vec![AuthMethod::Psk, AuthMethod::Xauth],
                m if m.contains("xauth") || m.contains("hybrid") => {
                    vec![AuthMethod::PublicKey, AuthMethod::Xauth]
                }
                _ => vec![AuthMethod::PublicKey],
            };
            c.local_auth = ctx.at(methods.clone(), line);
            c.remote_auth = ctx.at(methods, line);
        }
        if let Some((life, line)) = proposal.rest("lifetime") {
            c.ike_life = ctx.at(duration(life.trim_start_matches("time").trim()), line);
        }
        complete_ike(&mut p);
        list.push(p);
    }
    if let Some(line) = at {
        c.ike = ctx.at(Some(list).filter(|_| whole), line);
    }
    c
}

/// A group by number or by name.
fn dh(text: &str) -> Option<KeMethod> {
    match text.parse() {
        Ok(number) => group_number(number),
        Err(_) => match algorithm(text) {
            Some(Word::Ke(ke)) => Some(ke),
            _ => None,
        },
    }
}

/// An outbound policy of setkey.
struct Policy<'a> {
    from: Selector,
    to: Selector,
    local: Option<std::net::IpAddr>,
    remote: Option<std::net::IpAddr>,
    transport: bool,
    ah: bool,
    line: &'a Line,
}

/// `spdadd 10.1.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/192.0.2.1-198.51.100.1/require;`
fn policy(line: &Line) -> Option<Policy<'_>> {
    let rest = line.text.trim().strip_prefix("spdadd")?;
    let list = words(rest.trim_end_matches(';'));
    if !list
        .windows(2)
        .any(|w| matches!(w, [p, out] if p == "-P" && out == "out"))
    {
        return None;
    }
    let protocol = list.get(2).and_then(|w| protocol_number(w)).unwrap_or(0);
    let limited = |text: &str| network(text).map(|s| Selector { protocol, ..s });
    let rule = list
        .iter()
        .find(|w| w.starts_with("esp/") || w.starts_with("ah/"))?;
    let mut parts = rule.split('/');
    let kind = parts.next()?;
    let mode = parts.next()?;
    let ends = parts.next().unwrap_or_default();
    let (local, remote) = ends.split_once('-').unwrap_or(("", ""));
    Some(Policy {
        from: limited(list.first()?)?,
        to: limited(list.get(1)?)?,
        local: local.parse().ok(),
        remote: remote.parse().ok(),
        transport: mode == "transport",
        ah: kind == "ah",
        line,
    })
}

fn sainfo_of<'s, 'a>(all: &[&'s Statement<'a>], policy: &Policy<'_>) -> Option<&'s Statement<'a>> {
    let text = |s: &Statement<'_>| s.words.join(" ");
    all.iter()
        .find(|s| {
            text(s).contains(&policy.from.to_string()) && text(s).contains(&policy.to.to_string())
        })
        .or_else(|| all.iter().find(|s| text(s).contains("anonymous")))
        .copied()
}

fn child(ctx: &Context<'_>, policy: &Policy<'_>, sainfo: Option<&Statement<'_>>) -> PeerChild {
    let mut child = PeerChild::new(&policy.to.to_string(), ctx.source(policy.line));
    child.local_ts = ctx.at(vec![Some(policy.from)], policy.line);
    child.remote_ts = ctx.at(vec![Some(policy.to)], policy.line);
    child.ah = policy.ah;
    child.mode = ctx.at(
        if policy.transport {
            Mode::Transport
        } else {
            Mode::Tunnel
        },
        policy.line,
    );
    if let Some(sainfo) = sainfo {
        algorithms(ctx, sainfo, &mut child);
    }
    child.starts = Setting::default_of(Starts::OnDemand);
    child
}

fn from_sainfo(ctx: &Context<'_>, sainfo: &Statement<'_>) -> PeerChild {
    let mut child = PeerChild::new("sainfo", ctx.source(sainfo.line));
    let nets: Vec<Selector> = sainfo
        .words
        .iter()
        .filter(|w| w.contains('.') || w.contains(':'))
        .filter_map(|w| network(w))
        .collect();
    if let [local, remote] = nets.as_slice() {
        child.local_ts = ctx.at(vec![Some(*local)], sainfo.line);
        child.remote_ts = ctx.at(vec![Some(*remote)], sainfo.line);
    }
    algorithms(ctx, sainfo, &mut child);
    child.starts = Setting::default_of(Starts::OnDemand);
    child
}

fn algorithms(ctx: &Context<'_>, sainfo: &Statement<'_>, child: &mut PeerChild) {
    child.pfs = match sainfo.get("pfs_group") {
        Some((name, line)) => ctx.at(dh(name).map(|ke| Pfs::of(vec![ke])), line),
        None => Setting::default_of(Some(Pfs::AsPeer)),
    };
    let mut p = Proposal::default();
    let mut whole = true;
    let mut at = None;
    for key in ["encryption_algorithm", "authentication_algorithm"] {
        if let Some((text, line)) = sainfo.rest(key) {
            at = at.or(Some(line));
            for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
                let joined: String = name.split_whitespace().collect();
                match algorithm(&joined) {
                    Some(word) => add(&mut p, word),
                    None if joined == "non_auth" => {}
                    None => whole = false,
                }
            }
        }
    }
    if let Some(line) = at {
        child.esp = ctx.at(Some(vec![p]).filter(|_| whole), line);
    }
    if let Some((life, line)) = sainfo.rest("lifetime") {
        child.life = ctx.at(duration(life.trim_start_matches("time").trim()), line);
    }
    if sainfo.get("compression_algorithm").is_some() {
        child.compress = Setting::default_of(false);
    }
}
