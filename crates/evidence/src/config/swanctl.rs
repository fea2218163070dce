//! swanctl.conf: nested sections in braces.

use core::time::Duration;

use adit_model::connection::{Mode, Ppk};
use adit_model::credential::FileRole;
use adit_model::peer_config::{
    AuthMethod, Dialect, Networks, PeerChild, PeerConnection, PeerId, Setting, Starts, Versions,
    Weight, WhenDead,
};
use adit_model::proposal::SaKind;

use super::Found;
use super::context::{Context, Line};
use super::strongswan::{apart, default_esp, default_ike, default_pfs, proposals};
use super::value::{boolean, bytes, duration, identity, network, place, unless_zero, when_dead};

/// One section.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) name: String,
    pub(crate) line: &'a Line,
    pub(crate) values: Vec<(String, String, &'a Line)>,
    pub(crate) nodes: Vec<Node<'a>>,
    /// Sections whose values it takes over.
    bases: Vec<String>,
}

impl<'a> Node<'a> {
    fn new(name: &str, line: &'a Line) -> Self {
        Node {
            name: name.to_owned(),
            line,
            values: Vec::new(),
            nodes: Vec::new(),
            bases: Vec::new(),
        }
    }

    fn get(&self, key: &str) -> Option<(&str, &'a Line)> {
        self.values
            .iter()
            .rev()
            .find(|(k, v, _)| k == key && !v.is_empty())
            .map(|(_, v, l)| (v.as_str(), *l))
    }

    fn node(&self, name: &str) -> Option<&Node<'a>> {
        self.nodes.iter().find(|n| n.name == name)
    }

    fn nodes_named(&self, prefix: &str) -> Vec<&Node<'a>> {
        self.nodes
            .iter()
            .filter(|n| n.name.starts_with(prefix))
            .collect()
    }
}

/// Deeper nesting is read no further.
const DEEPEST: usize = 12;

/// Sections of a text in the brace grammar of strongswan.conf and swanctl.conf.
pub(crate) fn tree<'a>(ctx: &mut Context<'_>, lines: &'a [Line]) -> Vec<Node<'a>> {
    let mut stack: Vec<Node<'a>> = Vec::new();
    let mut roots: Vec<Node<'a>> = Vec::new();
    let close = |stack: &mut Vec<Node<'a>>, roots: &mut Vec<Node<'a>>| {
        let Some(node) = stack.pop() else {
            return false;
        };
        match stack.last_mut() {
            Some(parent) => parent.nodes.push(node),
            None => roots.push(node),
        }
        true
    };
    for line in lines {
        let text = without_comment(&line.text);
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('}') {
                if !close(&mut stack, &mut roots) {
                    let source = ctx.source(line);
                    ctx.lint(
                        "config-syntax-rejected",
                        Weight::Warning,
                        None,
                        source,
                        "a closing brace that nothing opens",
                        "remove it, or mend the section above",
                    );
                }
                rest = after.trim_start();
                continue;
            }
            let brace = outside_quotes(rest, &['{']);
            let equals = outside_quotes(rest, &['=']);
            match (brace, equals) {
                (Some(open), equals) if equals.is_none_or(|e| open < e) => {
                    let head = rest.get(..open).unwrap_or_default().trim();
                    let (name, bases) = match head.split_once(':') {
                        Some((name, bases)) => (
                            name.trim(),
                            bases.split(',').map(|b| b.trim().to_owned()).collect(),
                        ),
                        None => (head, Vec::new()),
                    };
                    if stack.len() < DEEPEST {
                        let mut node = Node::new(name, line);
                        node.bases = bases;
                        stack.push(node);
                    }
                    rest = rest.get(open + 1..).unwrap_or_default().trim_start();
                }
                (_, Some(equals)) => {
                    let key = rest.get(..equals).unwrap_or_default().trim();
                    let after = rest.get(equals + 1..).unwrap_or_default();
                    let end = value_end(after);
                    let value = after.get(..end).unwrap_or_default().trim();
                    if let Some(node) = stack.last_mut() {
                        node.values.push((
                            key.to_owned(),
                            super::value::unquote(value).to_owned(),
                            line,
                        ));
                    }
                    rest = after.get(end..).unwrap_or_default().trim_start();
                }
                _ => {
                    if !rest.starts_with("include") {
                        // It may be a secret that slipped.
                        let source = ctx.quote(line.number, "…");
                        ctx.lint(
                            "config-syntax-rejected",
                            Weight::Error,
                            None,
                            source,
                            "the line is neither a section nor `key = value`",
                            "key = value",
                        );
                    } else {
                        let source = ctx.source(line);
                        ctx.lint(
                            "config-line-lost",
                            Weight::Hint,
                            None,
                            source,
                            "another file is included, which isn't part of what was given",
                            "give the included files too",
                        );
                    }
                    rest = "";
                }
            }
        }
    }
    let open = stack.len();
    if let (true, Some(node)) = (open > 0, stack.last()) {
        let source = ctx.source(node.line);
        let name = node.name.clone();
        ctx.lint(
            "config-syntax-rejected",
            Weight::Warning,
            None,
            source,
            format!("the section `{name}` isn't closed"),
            "}",
        );
    }
    while close(&mut stack, &mut roots) {}
    roots
}

/// Where a value ends: before a brace, or before another `key =` on the same line.
fn value_end(text: &str) -> usize {
    let end = outside_quotes(text, &['}', '{']).unwrap_or(text.len());
    let value = text.get(..end).unwrap_or_default();
    let Some(next) = outside_quotes(value, &['=']) else {
        return end;
    };
    // `auth = psk  id = gw-a`: the word before the second `=` is a key.
    let before = value.get(..next).unwrap_or_default().trim_end();
    let key = before
        .rfind([' ', '\t'])
        .filter(|i| !before.get(..*i).unwrap_or_default().trim().is_empty());
    match key {
        Some(at)
            if before
                .get(..at)
                .is_some_and(|b| !b.trim_end().ends_with(',')) =>
        {
            at
        }
        _ => end,
    }
}

fn outside_quotes(text: &str, marks: &[char]) -> Option<usize> {
    let mut quoted = false;
    for (i, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if !quoted && marks.contains(&c) {
            return Some(i);
        }
    }
    None
}

fn without_comment(text: &str) -> &str {
    outside_quotes(text, &['#']).map_or(text, |i| text.get(..i).unwrap_or(text))
}

const CONNECTION: &[&str] = &[
    "version",
    "local_addrs",
    "remote_addrs",
    "local_port",
    "remote_port",
    "proposals",
    "vips",
    "aggressive",
    "pull",
    "dscp",
    "encap",
    "mobike",
    "dpd_delay",
    "dpd_timeout",
    "fragmentation",
    "childless",
    "send_certreq",
    "send_cert",
    "ppk_id",
    "ppk_required",
    "keyingtries",
    "unique",
    "reauth_time",
    "rekey_time",
    "over_time",
    "rand_time",
    "pools",
    "if_id_in",
    "if_id_out",
    "mediation",
    "mediated_by",
    "mediation_peer",
    "ocsp",
];
const AUTH: &[&str] = &[
    "round",
    "certs",
    "cert",
    "pubkeys",
    "auth",
    "id",
    "eap_id",
    "aaa_id",
    "xauth_id",
    "ca_id",
    "cacerts",
    "cacert",
    "groups",
    "cert_policy",
    "revocation",
];
const CHILD: &[&str] = &[
    "ah_proposals",
    "esp_proposals",
    "sha256_96",
    "local_ts",
    "remote_ts",
    "rekey_time",
    "life_time",
    "rand_time",
    "rekey_bytes",
    "life_bytes",
    "rand_bytes",
    "rekey_packets",
    "life_packets",
    "rand_packets",
    "updown",
    "hostaccess",
    "mode",
    "policies",
    "policies_fwd_out",
    "dpd_action",
    "ipcomp",
    "inactivity",
    "reqid",
    "priority",
    "interface",
    "mark_in",
    "mark_in_sa",
    "mark_out",
    "set_mark_in",
    "set_mark_out",
    "if_id_in",
    "if_id_out",
    "label",
    "label_mode",
    "tfc_padding",
    "replay_window",
    "per_cpu_sas",
    "hw_offload",
    "copy_df",
    "copy_ecn",
    "copy_dscp",
    "start_action",
    "close_action",
];

/// Reads a swanctl.conf.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let roots = tree(ctx, lines);
    let mut found = Found::default();
    let mut seen = false;
    for root in &roots {
        match root.name.as_str() {
            "connections" => {
                if seen {
                    ctx.block += 1;
                }
                seen = true;
                for node in &root.nodes {
                    found.connections.push(connection(ctx, root, node));
                }
            }
            "secrets" => secrets(ctx, root, &mut found),
            "pools" | "authorities" => {}
            // A connection that was pasted without what is around it.
            _ if root.node("children").is_some() || root.get("remote_addrs").is_some() => {
                found.connections.push(connection(ctx, root, root));
            }
            _ => {}
        }
    }
    pools(ctx, &roots);
    found
}

/// A connection that hands out addresses of a pool that isn't among those of the file; it may be in one that is included.
fn pools(ctx: &mut Context<'_>, roots: &[Node<'_>]) {
    let of = |name: &'static str| roots.iter().filter(move |root| root.name == name);
    let there: Vec<&str> = of("pools")
        .flat_map(|root| &root.nodes)
        .map(|pool| pool.name.as_str())
        .collect();
    if there.is_empty() {
        return;
    }
    for connection in of("connections").flat_map(|root| &root.nodes) {
        let Some((value, line)) = connection.get("pools") else {
            continue;
        };
        // Plugins answer to these names.
        let unknown = value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && !["dhcp", "radius"].contains(name))
            .find(|name| !there.contains(name));
        if let Some(unknown) = unknown {
            let fix = match there.as_slice() {
                [one] => format!("pools = {one}"),
                _ => format!("a pool named {unknown}, or the name of one that is there"),
            };
            ctx.lint(
                "virtual-ip-or-cp-failure",
                Weight::Warning,
                Some(&connection.name),
                ctx.source(line),
                format!(
                    "there is no pool `{unknown}`; the file has {}",
                    there.join(", ")
                ),
                fix,
            );
        }
    }
}

fn secrets(ctx: &mut Context<'_>, root: &Node<'_>, found: &mut Found) {
    for node in &root.nodes {
        let kind = match node.name.as_str() {
            n if n.starts_with("rsa") => Some("RSA"),
            n if n.starts_with("ecdsa") => Some("ECDSA"),
            n if n.starts_with("private") || n.starts_with("pkcs8") => None,
            n if n.starts_with("pkcs12") || n.starts_with("token") => {
                if let Some((_, line)) = node.get("file").or_else(|| node.get("handle")) {
                    ctx.file(
                        FileRole::KeyStore,
                        "a PKCS #12 container or token",
                        None,
                        line,
                    );
                }
                continue;
            }
            _ => continue,
        };
        if let Some((path, line)) = node.get("file") {
            let role = FileRole::PrivateKey {
                kind: kind.map(ToOwned::to_owned),
                passphrase: node.get("secret").is_some(),
            };
            ctx.file(role, path, None, line);
        }
    }
    for node in root.nodes.iter().filter(|n| n.name.starts_with("ike")) {
        let Some((_, line)) = node.get("secret") else {
            continue;
        };
        let value = node.get("secret").map_or("", |(v, _)| v);
        // Quotes are gone by now; 0x and 0s are read in them or not.
        let mut key = super::secrets::digest(ctx, value, super::secrets::Reading::Always, line);
        key.ids = node
            .values
            .iter()
            .filter(|(k, _, _)| k.starts_with("id"))
            .filter_map(|(_, v, _)| identity(v))
            .collect();
        found.keys.push(key);
    }
}

/// A section with the values of those that it names.
fn whole<'a>(scope: &Node<'a>, node: &Node<'a>) -> Vec<(String, String, &'a Line)> {
    let mut out = Vec::new();
    for base in &node.bases {
        let name = base.rsplit('.').next().unwrap_or(base);
        if let Some(base) = scope.node(name).filter(|b| !core::ptr::eq(*b, node)) {
            out.extend(base.values.iter().cloned());
        }
    }
    out.extend(node.values.iter().cloned());
    out
}

fn unknown(ctx: &mut Context<'_>, connection: &str, node: &Node<'_>, known: &[&str]) {
    for (key, _, line) in &node.values {
        if !known.contains(&key.as_str()) {
            ctx.unknown(Some(connection), line, key, known, "swanctl.conf");
        }
    }
}

fn connection(ctx: &mut Context<'_>, scope: &Node<'_>, node: &Node<'_>) -> PeerConnection {
    let mut c = PeerConnection::new(&node.name, Dialect::Swanctl, ctx.source(node.line));
    c.block = ctx.block;
    c.product_version = ctx.version;
    unknown(ctx, &node.name, node, CONNECTION);
    let own = Node {
        name: node.name.clone(),
        line: node.line,
        values: whole(scope, node),
        nodes: Vec::new(),
        bases: Vec::new(),
    };
    let get = |key: &str| own.get(key);
    c.versions = match get("version") {
        Some(("1", line)) => ctx.at(Versions::V1, line),
        Some(("2", line)) => ctx.at(Versions::V2, line),
        Some((_, line)) => ctx.at(Versions::BOTH, line),
        None => Setting::default_of(Versions::BOTH),
    };
    for (key, to) in [
        ("local_addrs", &mut c.local),
        ("remote_addrs", &mut c.remote),
    ] {
        if let Some((value, line)) = get(key) {
            *to = ctx.at(value.split(',').map(place).collect(), line);
        }
    }
    c.ike = match get("proposals") {
        Some((value, line)) => {
            let list = proposals(ctx, &node.name, line, value, SaKind::Ike, false);
            ctx.at(list, line)
        }
        None => Setting::default_of(Some(default_ike(ctx.version))),
    };
    for (key, to) in [
        ("aggressive", &mut c.aggressive),
        ("encap", &mut c.force_encap),
    ] {
        if let Some((yes, line)) = get(key).and_then(|(v, l)| Some((boolean(v)?, l))) {
            *to = ctx.at(yes, line);
        }
    }
    c.mobike = match get("mobike").and_then(|(v, l)| Some((boolean(v)?, l))) {
        Some((yes, line)) => ctx.at(yes, line),
        None => Setting::default_of(true),
    };
    if let Some(("no", line)) = get("fragmentation") {
        c.fragmentation = ctx.at(false, line);
    }
    let rekey = get("rekey_time").map(|(v, l)| (duration(v).and_then(unless_zero), l));
    let reauth = get("reauth_time").map(|(v, l)| (duration(v).and_then(unless_zero), l));
    c.ike_life = match (rekey, reauth) {
        (_, Some((Some(d), line))) | (Some((Some(d), line)), _) => ctx.at(Some(d), line),
        (Some((None, line)), _) => ctx.at(None, line),
        _ => Setting::default_of(Some(Duration::from_secs(4 * 3600))),
    };
    if let Some((Some(_), line)) = reauth {
        c.reauth = ctx.at(true, line);
    }
    if let Some((value, line)) = get("dpd_delay") {
        c.dpd_delay = ctx.at(duration(value).and_then(unless_zero), line);
    }
    if let Some((value, line)) = get("dpd_timeout") {
        c.dpd_timeout = ctx.at(duration(value).and_then(unless_zero), line);
    }
    if let Some((id, line)) = get("ppk_id") {
        let required = get("ppk_required").and_then(|(v, _)| boolean(v));
        let ppk = Ppk {
            id: id.to_owned(),
            required: required.unwrap_or(false),
        };
        c.ppk = Some(ctx.at(ppk, line));
    }
    for key in ["vips", "pools"] {
        if let Some((value, line)) = get(key) {
            c.virtual_ip = Some(ctx.at(format!("{key} = {value}"), line));
        }
    }
    ends(ctx, node, &mut c);
    if let Some(children) = node.node("children") {
        for one in &children.nodes {
            let made = child(ctx, &node.name, children, one);
            if let Some((action, line)) = one
                .get("dpd_action")
                .and_then(|(v, l)| Some((when_dead(v)?, l)))
            {
                c.dpd_action = ctx.at(action, line);
            }
            c.children.push(made);
        }
    }
    // Without a delay the peer isn't asked.
    if c.dpd_delay.value.is_some() && !c.dpd_action.is_written() {
        c.dpd_action = Setting::default_of(WhenDead::Clear);
    }
    c
}

fn ends(ctx: &mut Context<'_>, node: &Node<'_>, c: &mut PeerConnection) {
    for local in [true, false] {
        let mut methods = Vec::new();
        let mut at = None;
        for end in node.nodes_named(if local { "local" } else { "remote" }) {
            unknown(ctx, &c.name.clone(), end, AUTH);
            if let Some((value, line)) = end.get("auth") {
                methods.extend(super::swan::method(value));
                at = at.or(Some(line));
            } else {
                methods.push(AuthMethod::PublicKey);
            }
            if let Some((value, line)) = end.get("id") {
                let id = ctx.at(identity(value), line);
                let to = if local {
                    &mut c.local_id
                } else {
                    &mut c.remote_id
                };
                if !to.is_written() {
                    *to = id;
                }
            }
            if let Some((value, line)) = end.get("certs").or_else(|| end.get("cert")) {
                let certificate = Some(ctx.at(value.to_owned(), line));
                let role = if local {
                    FileRole::Certificate
                } else {
                    FileRole::PeerCertificate
                };
                for path in value.split(',') {
                    ctx.file(role.clone(), path.trim(), Some(&c.name), line);
                }
                if local {
                    c.certificate = certificate;
                } else {
                    c.remote_certificate = certificate;
                }
            }
        }
        for end in node.nodes_named("remote").into_iter().filter(|_| !local) {
            if let Some((value, line)) = end.get("pubkeys").or_else(|| end.get("pubkey")) {
                for path in value.split(',') {
                    ctx.file(FileRole::PeerKey, path.trim(), Some(&c.name), line);
                }
            }
            if let Some((value, line)) = end.get("cacerts").or_else(|| end.get("cacert")) {
                for path in value.split(',') {
                    ctx.file(FileRole::Authority, path.trim(), Some(&c.name), line);
                }
            }
        }
        if methods.is_empty() {
            methods.push(AuthMethod::PublicKey);
        }
        if !local && !c.remote_id.is_written() {
            c.remote_id = Setting::default_of(Some(PeerId::Any));
        }
        let setting = match at {
            Some(line) => ctx.at(methods, line),
            None => Setting::default_of(methods),
        };
        if local {
            c.local_auth = setting;
        } else {
            c.remote_auth = setting;
        }
    }
}

fn child(ctx: &mut Context<'_>, connection: &str, scope: &Node<'_>, node: &Node<'_>) -> PeerChild {
    unknown(ctx, connection, node, CHILD);
    let own = Node {
        name: node.name.clone(),
        line: node.line,
        values: whole(scope, node),
        nodes: Vec::new(),
        bases: Vec::new(),
    };
    let get = |key: &str| own.get(key);
    let mut child = PeerChild::new(&node.name, ctx.source(node.line));
    for (key, to) in [
        ("local_ts", &mut child.local_ts),
        ("remote_ts", &mut child.remote_ts),
    ] {
        if let Some((value, line)) = get(key) {
            let mut written = value
                .split(',')
                .map(str::trim)
                .filter(|v| !v.is_empty())
                .peekable();
            if written.peek().is_some() {
                // What can't be read isn't known; the end's own address it surely isn't.
                let networks: Networks = written
                    .filter_map(|v| {
                        if v.starts_with("dynamic") {
                            Some(None)
                        } else {
                            network(v).map(Some)
                        }
                    })
                    .collect();
                *to = ctx.at(networks, line);
            }
        }
    }
    let esp = get("esp_proposals");
    let (list, pfs) = match esp.or_else(|| get("ah_proposals")) {
        Some((value, line)) => {
            let list = proposals(ctx, connection, line, value, SaKind::Esp, false);
            let (list, pfs) = apart(list);
            (ctx.at(list, line), ctx.at(pfs, line))
        }
        None => (
            Setting::default_of(Some(default_esp(ctx.version))),
            Setting::default_of(Some(default_pfs(ctx.version))),
        ),
    };
    child.ah = esp.is_none() && get("ah_proposals").is_some();
    child.esp = list;
    child.pfs = pfs;
    if let Some((value, line)) = get("mode") {
        child.mode = ctx.at(
            if value == "transport" {
                Mode::Transport
            } else {
                Mode::Tunnel
            },
            line,
        );
        child.passes_in_clear = ctx.at(value == "pass", line);
    }
    let rekey = get("rekey_time").map(|(v, l)| (duration(v).and_then(unless_zero), l));
    let hard = get("life_time").map(|(v, l)| (duration(v).and_then(unless_zero), l));
    child.soft_life = match rekey {
        Some((d, line)) => ctx.at(d, line),
        None => Setting::default_of(Some(Duration::from_secs(3600))),
    };
    child.life = match (hard, child.soft_life.value) {
        (Some((d, line)), _) => ctx.at(d, line),
        (None, Some(soft)) => Setting {
            value: Some(soft + soft / 10),
            origin: child.soft_life.origin.clone(),
        },
        (None, None) => Setting::default_of(None),
    };
    for (key, to) in [
        ("life_bytes", &mut child.life_bytes),
        ("life_packets", &mut child.life_packets),
    ] {
        if let Some((value, line)) = get(key) {
            *to = ctx.at(bytes(value).filter(|n| *n > 0), line);
        }
    }
    child.starts = match get("start_action") {
        Some((value, line)) => ctx.at(
            if value.contains("start") {
                Starts::Now
            } else if value.contains("trap") {
                Starts::OnDemand
            } else {
                Starts::Passive
            },
            line,
        ),
        None => Setting::default_of(Starts::Passive),
    };
    if let Some((action, line)) = get("close_action").and_then(|(v, l)| Some((when_dead(v)?, l))) {
        child.close_action = ctx.at(action, line);
    }
    if let Some((size, line)) = get("replay_window").and_then(|(v, l)| Some((v.parse().ok()?, l))) {
        child.replay_window = ctx.at(size, line);
    }
    if let Some((yes, line)) = get("ipcomp").and_then(|(v, l)| Some((boolean(v)?, l))) {
        child.compress = ctx.at(yes, line);
    }
    if let Some((yes, line)) = get("sha256_96").and_then(|(v, l)| Some((boolean(v)?, l))) {
        child.sha256_96 = ctx.at(yes, line);
    }
    for key in ["if_id_in", "if_id_out", "mark_in", "mark_out"] {
        if let Some((value, line)) = get(key).filter(|(v, _)| *v != "0") {
            child.route_based = Some(ctx.at(format!("{key} = {value}"), line));
        }
    }
    // Without policies only routes lead into it.
    if let Some((value, line)) = get("policies").filter(|(v, _)| boolean(v) == Some(false)) {
        child.route_based = Some(ctx.at(format!("policies = {value}"), line));
    }
    child
}
