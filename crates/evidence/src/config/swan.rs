//! ipsec.conf of strongSwan, Libreswan and Openswan as connections. What differs between the three is in
//! `strongswan` and `libreswan`.

use adit_model::connection::Mode;
use adit_model::credential::FileRole;
use adit_model::peer_config::{
    AuthMethod, Dialect, Networks, PeerChild, PeerConnection, Place, Starts, Weight,
};
use adit_model::selector::Selector;

use super::context::{Context, Line};
use super::ipsec_conf::{Kind, Param, Section, Sections, sections};
use super::value::{
    boolean, bytes, duration, identity, network, place, protocol_port, unless_zero, when_dead,
};
use super::{Found, libreswan, secrets, strongswan};

/// Reads an ipsec.conf, with lines of ipsec.secrets in between. `hint` is what the daemon's log around it says.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line], hint: Option<Dialect>) -> Found {
    let all = sections(ctx, lines);
    let (dialect, version) = product(&all, hint);
    let version = ctx.version.or(version);
    ctx.version = version;
    let keys = secrets::read(ctx, &all.secrets);
    lint_words(ctx, &all, dialect);
    for include in &all.includes {
        let source = ctx.source(include);
        ctx.lint(
            "config-line-lost",
            Weight::Hint,
            None,
            source,
            "another file is included, which isn't part of what was given",
            "give the included files too",
        );
    }
    let base = ctx.block;
    let mut out = Vec::new();
    for section in all.connections() {
        let params = all.whole(section);
        let mut connection = connection(ctx, &all, section, &params, dialect, version);
        connection.block = base + section.block;
        out.push(connection);
    }
    for ca in all.sections.iter().filter(|s| s.kind == Kind::Ca) {
        for p in ca.params.iter().filter(|p| p.key == "cacert") {
            ctx.file(FileRole::Authority, &p.value, None, p.line);
        }
    }
    ctx.block = base + all.sections.last().map_or(0, |s| s.block);
    Found {
        connections: out,
        keys,
    }
}

/// Whose ipsec.conf it is.
fn product(all: &Sections<'_>, hint: Option<Dialect>) -> (Dialect, Option<(u16, u16)>) {
    let (mut strong, mut libre, mut open) = (0, 0, 0);
    let mut version = None;
    for comment in &all.comments {
        let lower = comment.to_ascii_lowercase();
        for (name, score) in [
            ("strongswan", &mut strong),
            ("libreswan", &mut libre),
            ("openswan", &mut open),
        ] {
            if let Some(at) = lower.find(name) {
                *score += 3;
                version = version.or_else(|| {
                    super::version::number(lower.get(at + name.len()..).unwrap_or_default())
                });
            }
        }
    }
    for param in all.sections.iter().flat_map(|s| s.params.iter()) {
        let key = param.key.as_str();
        if strongswan::ONLY.contains(&key) {
            strong += 2;
        }
        if libreswan::ONLY.contains(&key) {
            libre += 2;
        }
        if libreswan::OLD.contains(&key) {
            open += 2;
        }
        match key {
            "ike" | "esp" | "phase2alg" => {
                strong += u32::from(param.value.ends_with('!')) * 3;
                libre += u32::from(param.value.contains([';', '_', '+'])) * 2;
            }
            "keyexchange" if matches!(param.value.as_str(), "ikev2" | "ikev1") => strong += 1,
            "auto" if param.value == "route" => strong += 1,
            "auto" if param.value == "ondemand" => libre += 2,
            _ => {}
        }
    }
    let dialect = match hint {
        Some(hint) => hint,
        None if strong > libre && strong > open => Dialect::StrongswanStroke,
        // What Openswan has, early Libreswan has too; Libreswan's own words decide.
        None if open > libre => Dialect::Openswan,
        None if libre > 0 => Dialect::Libreswan,
        None if all
            .sections
            .iter()
            .flat_map(|s| s.params.iter())
            .any(|p| p.key == "authby") =>
        {
            Dialect::Libreswan
        }
        None => Dialect::StrongswanStroke,
    };
    (dialect, version)
}

fn lint_words(ctx: &mut Context<'_>, all: &Sections<'_>, dialect: Dialect) {
    let (own, others, product): (&[&str], &[&str], &str) = match dialect {
        Dialect::StrongswanStroke => (strongswan::WORDS, libreswan::WORDS, "strongSwan"),
        _ => (libreswan::WORDS, strongswan::WORDS, "Libreswan"),
    };
    for section in &all.sections {
        let name = (section.kind == Kind::Conn).then_some(section.name.as_str());
        for param in &section.params {
            let key = param.key.as_str();
            let bare = key
                .strip_prefix("left")
                .or_else(|| key.strip_prefix("right"))
                .filter(|b| !b.is_empty());
            let known = |words: &[&str]| {
                words.contains(&key)
                    || (key == "right" && words.contains(&"left"))
                    || bare.is_some_and(|b| words.contains(&format!("left{b}").as_str()))
            };
            // Which of the two separators a word has, or whether it has both names, changed from version to version.
            let other_name: String = key
                .chars()
                .map(|c| match c {
                    '-' => '_',
                    '_' => '-',
                    c => c,
                })
                .collect();
            let renamed = dialect == Dialect::Libreswan && own.contains(&other_name.as_str());
            if known(own) || renamed || key == "right" || key.starts_with("x-") {
                continue;
            }
            if known(others) {
                let source = ctx.source(param.line);
                ctx.lint(
                    "config-syntax-rejected",
                    Weight::Warning,
                    name,
                    source,
                    format!("`{key}` is a word of another product; {product} doesn't take it"),
                    "remove it, or write what it stands for here",
                );
                continue;
            }
            if let Some(rest) = bare {
                let words: Vec<&str> = own.iter().filter_map(|w| w.strip_prefix("left")).collect();
                if adit_model::text::did_you_mean(rest, words.iter().copied()).is_some() {
                    let side = &key[..key.len() - rest.len()];
                    let full: Vec<String> = words.iter().map(|w| format!("{side}{w}")).collect();
                    let full: Vec<&str> = full.iter().map(String::as_str).collect();
                    ctx.unknown(name, param.line, key, &full, product);
                    continue;
                }
            }
            let rights: Vec<String> = own
                .iter()
                .filter_map(|w| w.strip_prefix("left"))
                .map(|w| format!("right{w}"))
                .collect();
            let both: Vec<&str> = own
                .iter()
                .copied()
                .chain(rights.iter().map(String::as_str))
                .collect();
            ctx.unknown(name, param.line, key, &both, product);
        }
    }
}

/// Both ends' words of one kind.
struct Ends<'p, 'a> {
    params: &'p [Param<'a>],
}

impl<'p, 'a> Ends<'p, 'a> {
    fn get(&self, key: &str) -> Option<&'p Param<'a>> {
        self.params
            .iter()
            .find(|p| canonical(&p.key) == key)
            .filter(|p| !p.value.is_empty())
    }
}

/// Another name of the same.
fn canonical(key: &str) -> &str {
    match key {
        "aggrmode" => "aggressive",
        "ike_frag" => "fragmentation",
        "replay-window" => "replay_window",
        key => key,
    }
}

fn connection(
    ctx: &mut Context<'_>,
    all: &Sections<'_>,
    section: &Section<'_>,
    params: &[Param<'_>],
    dialect: Dialect,
    version: Option<(u16, u16)>,
) -> PeerConnection {
    let ends = Ends { params };
    let mut c = PeerConnection::new(&section.name, dialect, ctx.source(section.line));
    c.product_version = version;
    c.swappable = true;
    if let Some(p) = ends.get("left") {
        c.local = ctx.at(p.value.split(',').map(place).collect(), p.line);
    }
    if let Some(p) = ends.get("right") {
        c.remote = ctx.at(p.value.split(',').map(place).collect(), p.line);
    }
    if let Some(p) = ends.get("leftid") {
        c.local_id = ctx.at(identity(&p.value), p.line);
    }
    if let Some(p) = ends.get("rightid") {
        c.remote_id = ctx.at(identity(&p.value), p.line);
    }
    if let Some(p) = ends.get("leftcert") {
        c.certificate = Some(ctx.at(p.value.clone(), p.line));
        // Libreswan's are nicknames in a database.
        if dialect != Dialect::Libreswan {
            ctx.file(FileRole::Certificate, &p.value, Some(&section.name), p.line);
        }
    }
    if let Some(p) = ends.get("rightcert") {
        c.remote_certificate = Some(ctx.at(p.value.clone(), p.line));
        if dialect != Dialect::Libreswan {
            ctx.file(
                FileRole::PeerCertificate,
                &p.value,
                Some(&section.name),
                p.line,
            );
        }
    }
    for key in [
        "rightsigkey",
        "rightrsasigkey",
        "rightecdsakey",
        "rightpubkey",
    ] {
        // `%cert` and the like aren't keys; a key that is written out is named by its setting.
        if let Some(p) = ends.get(key).filter(|p| !p.value.starts_with('%')) {
            ctx.file(FileRole::PeerKey, key, Some(&section.name), p.line);
        }
    }
    one_key_for_both(ctx, &ends, &section.name);
    authentication(ctx, &ends, &mut c, dialect);
    for (key, to) in [
        ("aggressive", &mut c.aggressive),
        ("rekey", &mut c.rekey),
        ("mobike", &mut c.mobike),
        ("fragmentation", &mut c.fragmentation),
        ("forceencaps", &mut c.force_encap),
    ] {
        if let Some((p, yes)) = ends.get(key).and_then(|p| Some((p, boolean(&p.value)?))) {
            *to = ctx.at(yes, p.line);
        }
    }
    if let Some(p) = ends.get("encapsulation") {
        c.force_encap = ctx.at(p.value == "yes", p.line);
        if p.value == "no" {
            c.nat_t = ctx.at(false, p.line);
        }
    }
    if let Some(p) = ends.get("dpddelay") {
        c.dpd_delay = ctx.at(duration(&p.value).and_then(unless_zero), p.line);
    }
    if let Some(p) = ends.get("dpdtimeout") {
        c.dpd_timeout = ctx.at(duration(&p.value), p.line);
    }
    if let Some((p, action)) = ends
        .get("dpdaction")
        .and_then(|p| Some((p, when_dead(&p.value)?)))
    {
        c.dpd_action = ctx.at(action, p.line);
    }
    for key in [
        "leftsourceip",
        "rightsourceip",
        "rightaddresspool",
        "leftaddresspool",
    ] {
        if let Some(p) = ends.get(key) {
            let pool = p.value.contains('%') || p.value.contains('/') || key.ends_with("pool");
            if pool {
                c.virtual_ip = Some(ctx.at(p.value.clone(), p.line));
            }
        }
    }
    let mut child = child(ctx, &ends, section, &c);
    match dialect {
        Dialect::StrongswanStroke => strongswan::complete(ctx, params, &mut c, &mut child),
        _ => libreswan::complete(ctx, all, section, params, &mut c, &mut child),
    }
    c.children = libreswan::pairs(params, child);
    c
}

/// The same public key stands for both ends: the one whose key it isn't can't prove itself.
fn one_key_for_both(ctx: &mut Context<'_>, ends: &Ends<'_, '_>, name: &str) {
    // Keys that aren't used to sign are no fault.
    let signs = |key: &str| {
        ends.get(key).is_none_or(|p| {
            let value = p.value.to_ascii_lowercase();
            ["rsa", "pubkey", "ecdsa"].iter().any(|w| value.contains(w))
        })
    };
    if !["authby", "leftauth", "rightauth", "auth"]
        .into_iter()
        .all(signs)
    {
        return;
    }
    for (left, right) in [
        ("leftrsasigkey", "rightrsasigkey"),
        ("leftsigkey", "rightsigkey"),
        ("leftpubkey", "rightpubkey"),
        ("leftecdsakey", "rightecdsakey"),
    ] {
        let (Some(a), Some(b)) = (ends.get(left), ends.get(right)) else {
            continue;
        };
        if !same_key(&a.value, &b.value) {
            continue;
        }
        let source = ctx.quote(b.line.number, &format!("{right}=…"));
        ctx.lint(
            "signature-or-keyusage-rejected",
            Weight::Error,
            Some(name),
            source,
            format!("{left} and {right} are one and the same key, so the other end's signature can't be checked with it"),
            format!("write the other host's public key as {right} (`ipsec showhostkey --right` prints it there), and the same two lines on both hosts"),
        );
    }
}

/// Whether two keys are written that are the same as far as they are shown: editors cut long lines off, and mark it.
fn same_key(a: &str, b: &str) -> bool {
    /// Keys of a kind begin alike: with the kind, and with the exponent.
    const TELLING: usize = 40;
    let shown = |key: &str| key.trim_end_matches(['$', '.', '…']).to_owned();
    let (whole_a, whole_b) = (shown(a), shown(b));
    let cut = whole_a != a && whole_b != b;
    if !is_key(&whole_a) || !is_key(&whole_b) {
        return false;
    }
    // What was taken out looks the same everywhere.
    let mut letters: Vec<char> = whole_a.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let length = whole_a.len().min(whole_b.len());
    !a.starts_with('%')
        && letters.len() >= TELLING / 2
        && length >= TELLING
        && if cut {
            whole_a.get(..length) == whole_b.get(..length)
        } else {
            a == b
        }
}

/// Whether it is a key in base64 or in hexadecimal digits, and not words that were put in its place.
fn is_key(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    }
    text.strip_prefix("0s").is_some_and(|letters| {
        letters
            .trim_end_matches('=')
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    })
}

fn authentication(
    ctx: &Context<'_>,
    ends: &Ends<'_, '_>,
    c: &mut PeerConnection,
    dialect: Dialect,
) {
    if let Some(p) = ends.get("authby") {
        let methods: Vec<AuthMethod> = p.value.split([',', '|']).filter_map(method).collect();
        if !methods.is_empty() {
            c.local_auth = ctx.at(methods.clone(), p.line);
            c.remote_auth = ctx.at(methods, p.line);
        }
    } else {
        let rsa = vec![AuthMethod::PublicKey];
        c.local_auth.value.clone_from(&rsa);
        c.remote_auth.value = rsa;
    }
    for (key, to) in [
        ("leftauth", &mut c.local_auth),
        ("rightauth", &mut c.remote_auth),
    ] {
        if let Some((p, method)) = ends.get(key).and_then(|p| Some((p, method(&p.value)?))) {
            *to = ctx.at(vec![method], p.line);
        }
    }
    if dialect != Dialect::StrongswanStroke {
        return;
    }
    for (key, to) in [
        ("leftauth2", &mut c.local_auth),
        ("rightauth2", &mut c.remote_auth),
    ] {
        if let Some((_, method)) = ends.get(key).and_then(|p| Some((p, method(&p.value)?))) {
            to.value.push(method);
        }
    }
}

/// A method of `authby=`, `leftauth=` or swanctl's `auth`.
pub(crate) fn method(text: &str) -> Option<AuthMethod> {
    let text = text.trim().to_ascii_lowercase();
    Some(match text.as_str() {
        "secret" | "psk" | "xauthpsk" => AuthMethod::Psk,
        "null" => AuthMethod::Null,
        "never" => return None,
        t if t.starts_with("eap") => AuthMethod::Eap,
        t if t.starts_with("xauth") && t != "xauthrsasig" => AuthMethod::Xauth,
        _ => AuthMethod::PublicKey,
    })
}

fn child(
    ctx: &mut Context<'_>,
    ends: &Ends<'_, '_>,
    section: &Section<'_>,
    c: &PeerConnection,
) -> PeerChild {
    let mut child = PeerChild::new(&section.name, ctx.source(section.line));
    let global = ends.get("protoport").and_then(|p| protocol_port(&p.value));
    for (side, to) in [
        ("left", &mut child.local_ts),
        ("right", &mut child.remote_ts),
    ] {
        let protoport = ends
            .get(&format!("{side}protoport"))
            .map(|p| (p.line, protocol_port(&p.value)));
        let limit = protoport.and_then(|(_, v)| v).or(global);
        if let Some(p) = ends
            .get(&format!("{side}subnet"))
            .or_else(|| ends.get(&format!("{side}subnets")))
        {
            if let Some(networks) = networks(ctx, p, &section.name, limit) {
                *to = ctx.at(networks, p.line);
            }
        } else if let (Some(limit), Some((line, _))) = (limit, protoport) {
            // The end's own address with a protocol: the address isn't known unless it is written.
            let place = if side == "left" { &c.local } else { &c.remote };
            if let [Place::Address(a)] = place.value.as_slice() {
                *to = ctx.at(vec![Some(limited(Selector::host(*a), limit))], line);
            }
        }
    }
    if let Some(p) = ends.get("type") {
        child.mode = ctx.at(
            if p.value.starts_with("transport") {
                Mode::Transport
            } else {
                Mode::Tunnel
            },
            p.line,
        );
        if matches!(p.value.as_str(), "passthrough" | "pass") {
            child.passes_in_clear = ctx.at(true, p.line);
        }
    }
    for key in ["auto", "start"] {
        if let Some(p) = ends.get(key) {
            child.starts = ctx.at(
                match p.value.as_str() {
                    "start" | "up" => Starts::Now,
                    "route" | "ondemand" | "trap" => Starts::OnDemand,
                    "ignore" => Starts::NotLoaded,
                    _ => Starts::Passive,
                },
                p.line,
            );
        }
    }
    if ends.get("auto").is_none() {
        child.starts.value = Starts::NotLoaded;
    }
    for key in ["lifetime", "keylife", "salifetime", "ipsec-lifetime"] {
        if let Some(p) = ends.get(key) {
            child.life = ctx.at(duration(&p.value).and_then(unless_zero), p.line);
        }
    }
    for key in ["lifebytes", "ipsec-max-bytes"] {
        if let Some(p) = ends.get(key) {
            child.life_bytes = ctx.at(bytes(&p.value).filter(|n| *n > 0), p.line);
        }
    }
    for key in ["lifepackets", "ipsec-max-packets"] {
        if let Some(p) = ends.get(key) {
            child.life_packets = ctx.at(bytes(&p.value).filter(|n| *n > 0), p.line);
        }
    }
    if let Some((p, size)) = ends
        .get("replay_window")
        .and_then(|p| Some((p, p.value.parse().ok()?)))
    {
        child.replay_window = ctx.at(size, p.line);
    }
    if let Some((p, yes)) = ends
        .get("compress")
        .and_then(|p| Some((p, boolean(&p.value)?)))
    {
        child.compress = ctx.at(yes, p.line);
    }
    for key in [
        "vti-interface",
        "ipsec-interface",
        "mark",
        "mark_in",
        "mark_out",
        "if_id",
        "if_id_in",
    ] {
        if let Some(p) = ends.get(key).filter(|p| p.value != "no") {
            child.route_based = Some(ctx.at(format!("{key}={}", p.value), p.line));
        }
    }
    // Without policies only routes lead into it.
    let no = |p: &&Param<'_>| boolean(&p.value) == Some(false);
    if let Some(p) = ends.get("installpolicy").filter(no) {
        child.route_based = Some(ctx.at(format!("installpolicy={}", p.value), p.line));
    }
    child
}

fn limited(mut selector: Selector, (protocol, ports): (u8, (u16, u16))) -> Selector {
    selector.protocol = protocol;
    selector.ports = ports;
    selector
}

/// `10.1.x.0/24`, `10.1.*.0/24`, `192.168.a.b/30`: octets that were taken out of a paste.
fn is_masked(network: &str) -> bool {
    let address = network.split('/').next().unwrap_or_default();
    network.contains(['x', 'X', '*'])
        || address
            .split('.')
            .any(|o| !o.is_empty() && o.chars().all(|c| c.is_ascii_alphabetic()))
}

/// `{10.1.0.0/24 10.3.0.0/24}`, `10.1.0.0/24,10.3.0.0/24`, `vhost:%priv`.
fn networks(
    ctx: &mut Context<'_>,
    p: &Param<'_>,
    connection: &str,
    limit: Option<(u8, (u16, u16))>,
) -> Option<Networks> {
    let text = p.value.trim_matches(['{', '}']);
    if text.starts_with("vhost:") || text.starts_with("vnet:") || text.starts_with("%priv") {
        return None;
    }
    let mut out = Vec::new();
    let mut whole = true;
    for item in text.split([',', ' ', '\t']).filter(|i| !i.is_empty()) {
        if item.starts_with("%dynamic") || item.starts_with("dynamic") {
            out.push(None);
            continue;
        }
        match network(item) {
            Some(s) => out.push(Some(match limit {
                Some(limit) if s.protocol == 0 => limited(s, limit),
                _ => s,
            })),
            None => {
                whole = false;
                // Addresses that were taken out of a paste are no fault.
                if item.starts_with(|c: char| c.is_ascii_digit()) && !is_masked(item) {
                    let source = ctx.source(p.line);
                    ctx.lint(
                        "config-syntax-rejected",
                        Weight::Error,
                        Some(connection),
                        source,
                        format!("`{item}` isn't a network"),
                        "write an address and a prefix length, such as 10.1.0.0/24",
                    );
                }
            }
        }
    }
    if !whole {
        // A list of which a part can't be read isn't known; the end's own address it surely isn't.
        return Some(Networks::new());
    }
    (!out.is_empty()).then_some(out)
}
