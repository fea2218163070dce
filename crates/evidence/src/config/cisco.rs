//! Cisco IOS, IOS-XE and ASA: running configurations, or what of them was pasted.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, Networks, PeerChild, PeerConnection, Pfs, Place, Setting, SharedKey,
    Starts, Versions, Weight,
};
use adit_model::proposal::Proposal;
use adit_wire::iana::KeMethod;

use super::Found;
use super::algorithm::{
    add, algorithm, complete_ike, drop_integrity_of_aead, group_number, split_aead,
};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::words;
use super::value::{address_and_mask, duration, identity, network, place, protocol_number};
use adit_model::selector::Selector;

/// A command with the commands of its mode below it.
#[derive(Debug)]
struct Command<'a> {
    words: Vec<String>,
    line: &'a Line,
    below: Vec<Command<'a>>,
    /// Blanks before it.
    depth: usize,
}

impl<'a> Command<'a> {
    /// Whether it begins with these words.
    fn is(&self, head: &[&str]) -> bool {
        self.words.len() >= head.len() && self.words.iter().zip(head).all(|(a, b)| a == b)
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn find(&self, head: &[&str]) -> Option<&Command<'a>> {
        self.below.iter().find(|c| c.is(head))
    }

    fn last(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }
}

/// First words that are never at the top: what follows them belongs to the mode above, indented or not.
const BELOW: &[&str] = &[
    "encryption",
    "encr",
    "hash",
    "authentication",
    "group",
    "lifetime",
    "integrity",
    "prf",
    "set",
    "match",
    "mode",
    "proposal",
    "peer",
    "address",
    "pre-shared-key",
    "identity",
    "keyring",
    "dpd",
    "protocol",
    "ikev1",
    "ikev2",
];

fn commands<'a>(lines: &'a [Line]) -> Vec<Command<'a>> {
    let mut roots: Vec<Command<'a>> = Vec::new();
    let mut stack: Vec<Command<'a>> = Vec::new();
    let close = |stack: &mut Vec<Command<'a>>, roots: &mut Vec<Command<'a>>| {
        if let Some(done) = stack.pop() {
            match stack.last_mut() {
                Some(parent) => parent.below.push(done),
                None => roots.push(done),
            }
        }
    };
    for line in lines {
        let text = line.text.as_str();
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with(['!', ':']) {
            continue;
        }
        let list = words(trimmed);
        let first = list.first().map_or("", String::as_str);
        let mut depth = text.len() - text.trim_start().len();
        if depth == 0 && BELOW.contains(&first) && !stack.is_empty() {
            depth = 1;
        }
        while stack.last().is_some_and(|top| top.depth >= depth) {
            close(&mut stack, &mut roots);
        }
        stack.push(Command {
            words: list,
            line,
            below: Vec::new(),
            depth,
        });
    }
    while !stack.is_empty() {
        close(&mut stack, &mut roots);
    }
    roots
}

/// Reads a configuration.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let all = commands(lines);
    let asa = all.iter().any(|c| {
        c.is(&["tunnel-group"])
            || c.is(&["nameif"])
            || c.is(&["crypto", "ikev1", "policy"])
            || c.is(&["crypto", "ikev2", "enable"])
            || c.is(&["crypto", "ipsec", "ikev1"])
            || c.is(&["crypto", "ipsec", "ikev2"])
            || c.below.iter().any(|b| b.is(&["nameif"]))
    });
    let device = Device {
        all: &all,
        dialect: if asa {
            Dialect::CiscoAsa
        } else {
            Dialect::CiscoIos
        },
    };
    let keys = device.keys(ctx);
    let mut found = Found {
        connections: Vec::new(),
        keys,
    };
    found.connections.extend(device.maps(ctx));
    found.connections.extend(device.tunnels(ctx));
    for c in &mut found.connections {
        c.block = ctx.block;
    }
    found
}

/// A crypto map's entry: name and number, its commands, where it begins.
type MapEntry<'x> = ((String, String), Vec<(Vec<String>, &'x Line)>, &'x Line);

/// One router or firewall.
struct Device<'x, 'a> {
    all: &'x [Command<'a>],
    dialect: Dialect,
}

impl<'x, 'a> Device<'x, 'a> {
    fn find(&self, head: &[&str]) -> Option<&'x Command<'a>> {
        self.all.iter().find(|c| c.is(head))
    }

    fn every<'h>(
        &self,
        head: &'h [&'h str],
    ) -> impl Iterator<Item = &'x Command<'a>> + use<'x, 'a, 'h> {
        self.all.iter().filter(move |c| c.is(head))
    }

    /// `crypto isakmp key … address …`, keyrings, tunnel groups.
    fn keys(&self, ctx: &Context<'_>) -> Vec<SharedKey> {
        let mut out = Vec::new();
        let mut keep = |written: &str, line: &Line, ids: &[&str]| {
            let mut key = digest(ctx, written, Reading::Plain, line);
            key.ids = ids.iter().filter_map(|id| identity(id)).collect();
            out.push(key);
        };
        for c in self.every(&["crypto", "isakmp", "key"]) {
            let Some(at) = c
                .words
                .iter()
                .position(|w| w == "address" || w == "hostname")
            else {
                continue;
            };
            let encrypted = c.word(3) == "6" && at > 4;
            let key = c.word(at.saturating_sub(1));
            let peer = c.word(at + 1);
            let any = ["0.0.0.0"].contains(&peer);
            keep(
                if encrypted { "***" } else { key },
                c.line,
                if any {
                    &[]
                } else {
                    core::slice::from_ref(&peer)
                },
            );
        }
        for ring in self
            .all
            .iter()
            .filter(|c| c.is(&["crypto", "ikev2", "keyring"]) || c.is(&["crypto", "keyring"]))
        {
            for c in ring
                .below
                .iter()
                .filter(|c| c.is(&["pre-shared-key", "address"]))
            {
                if let Some(at) = c.words.iter().position(|w| w == "key") {
                    keep(c.word(at + 1), c.line, &[c.word(2)]);
                }
            }
            for peer in ring.below.iter().filter(|c| c.is(&["peer"])) {
                let addresses: Vec<&str> = peer
                    .below
                    .iter()
                    .filter(|c| c.is(&["address"]))
                    .map(|c| c.word(1))
                    .filter(|a| *a != "0.0.0.0")
                    .collect();
                if let Some(c) = peer.below.iter().find(|c| c.is(&["pre-shared-key"])) {
                    let masked = c.word(1) == "6" && c.words.len() > 2;
                    keep(if masked { "***" } else { c.last() }, c.line, &addresses);
                }
            }
        }
        for group in self.every(&["tunnel-group"]) {
            for c in &group.below {
                let own = c.words.iter().any(|w| w == "remote-authentication");
                if c.words.iter().any(|w| w == "pre-shared-key") && !own {
                    keep(c.last(), c.line, &[group.word(1)]);
                }
            }
        }
        out
    }

    /// Crypto maps: one connection for each entry with a peer.
    fn maps(&self, ctx: &mut Context<'_>) -> Vec<PeerConnection> {
        // On ASA each line is a command by itself; on IOS they stand below the entry.
        let mut entries: Vec<MapEntry<'x>> = Vec::new();
        for c in self.every(&["crypto", "map"]) {
            let key = (c.word(2).to_owned(), c.word(3).to_owned());
            if key.1.parse::<u32>().is_err() {
                continue;
            }
            let at = match entries.iter().position(|(k, ..)| *k == key) {
                Some(at) => at,
                None => {
                    entries.push((key, Vec::new(), c.line));
                    entries.len() - 1
                }
            };
            if let Some((_, lines, _)) = entries.get_mut(at) {
                if c.words.len() > 5 {
                    lines.push((c.words.get(4..).unwrap_or_default().to_vec(), c.line));
                }
                lines.extend(c.below.iter().map(|b| (b.words.clone(), b.line)));
            }
        }
        let mut out = Vec::new();
        for ((map, number), lines, line) in entries {
            let get = |head: &[&str]| {
                lines
                    .iter()
                    .find(|(w, _)| w.len() > head.len() && w.iter().zip(head).all(|(a, b)| a == b))
            };
            let Some((peer, peer_line)) = get(&["set", "peer"]) else {
                continue;
            };
            let mut c =
                PeerConnection::new(&format!("{map} {number}"), self.dialect, ctx.source(line));
            let addresses = peer
                .get(2..)
                .unwrap_or_default()
                .iter()
                .filter(|w| *w != "default")
                .map(|w| place(w))
                .collect();
            c.remote = ctx.at(addresses, peer_line);
            self.local_of_map(ctx, &map, &mut c);
            let v2 = get(&["set", "ikev2-profile"]).is_some()
                || get(&["set", "ikev2", "ipsec-proposal"]).is_some();
            let v1 = get(&["set", "ikev1", "transform-set"]).is_some();
            let profile =
                get(&["set", "ikev2-profile"]).map(|(w, _)| w.get(2).cloned().unwrap_or_default());
            self.phase1(ctx, &mut c, v1 || !v2, v2, profile.as_deref(), line);
            let mut child = PeerChild::new(&c.name, ctx.source(line));
            child.starts = match get(&["set", "connection-type"]) {
                Some((w, l)) if w.iter().any(|x| x == "answer-only") => ctx.at(Starts::Passive, l),
                _ => Setting::default_of(Starts::OnDemand),
            };
            if let Some((w, l)) = get(&["match", "address"]) {
                let name = w.get(2).map_or("", String::as_str);
                match self.access_list(name) {
                    Some((local, remote, at)) => {
                        child.local_ts = ctx.at(local, at);
                        child.remote_ts = ctx.at(remote, at);
                    }
                    None => {
                        let source = ctx.source(l);
                        ctx.lint(
                            "config-line-lost",
                            Weight::Hint,
                            Some(&c.name),
                            source,
                            format!("access list {name} isn't there"),
                            format!("give access-list {name} too"),
                        );
                    }
                }
            }
            let sets: Vec<&str> = [
                get(&["set", "transform-set"]),
                get(&["set", "ikev1", "transform-set"]),
                get(&["set", "ikev2", "ipsec-proposal"]),
            ]
            .into_iter()
            .flatten()
            .flat_map(|(w, _)| w.iter().skip(2).map(String::as_str))
            .filter(|w| !matches!(*w, "transform-set" | "ipsec-proposal"))
            .collect();
            self.transforms(ctx, &sets, &mut child);
            let pfs = get(&["set", "pfs"]).or_else(|| {
                lines.iter().find(|(w, _)| {
                    w.len() == 2
                        && w.first().is_some_and(|x| x == "set")
                        && w.get(1).is_some_and(|x| x == "pfs")
                })
            });
            self.pfs(
                ctx,
                pfs.map(|(w, l)| (w.get(2).map(String::as_str), *l)),
                &mut child,
            );
            let life =
                get(&["set", "security-association", "lifetime"]).map(|(w, l)| (w.as_slice(), *l));
            self.life(ctx, life, &mut child);
            c.children.push(child);
            out.push(c);
        }
        out
    }

    /// Tunnel interfaces that IPsec protects.
    fn tunnels(&self, ctx: &mut Context<'_>) -> Vec<PeerConnection> {
        let mut out = Vec::new();
        for interface in self.every(&["interface"]) {
            let Some(protection) = interface.find(&["tunnel", "protection", "ipsec", "profile"])
            else {
                continue;
            };
            let mut c =
                PeerConnection::new(interface.word(1), self.dialect, ctx.source(interface.line));
            if let Some(d) = interface.find(&["tunnel", "destination"]) {
                c.remote = ctx.at(vec![place(d.word(2))], d.line);
            }
            if let Some(s) = interface.find(&["tunnel", "source"]) {
                let source = self
                    .interface_address(s.word(2))
                    .unwrap_or_else(|| place(s.word(2)));
                c.local = ctx.at(vec![source], s.line);
            }
            let profile = self.find(&["crypto", "ipsec", "profile", protection.word(4)]);
            let ikev2 = profile.and_then(|p| p.find(&["set", "ikev2-profile"]));
            self.phase1(
                ctx,
                &mut c,
                ikev2.is_none(),
                ikev2.is_some(),
                ikev2.map(|c| c.word(2)),
                interface.line,
            );
            let mut child = PeerChild::new(interface.word(1), ctx.source(interface.line));
            let gre = !interface
                .below
                .iter()
                .any(|c| c.is(&["tunnel", "mode", "ipsec"]));
            child.starts = Setting::default_of(Starts::OnDemand);
            if gre {
                let ends = |p: &Setting<Vec<Place>>| -> Networks {
                    vec![p.value.first().and_then(Place::address).map(|a| Selector {
                        protocol: 47,
                        ..Selector::host(a)
                    })]
                };
                child.local_ts = ctx.at(ends(&c.local), interface.line);
                child.remote_ts = ctx.at(ends(&c.remote), interface.line);
            } else {
                let any = network("0.0.0.0/0");
                child.local_ts = ctx.at(vec![any], interface.line);
                child.remote_ts = ctx.at(vec![any], interface.line);
                child.route_based = Some(ctx.at(interface.word(1).to_owned(), interface.line));
            }
            if let Some(profile) = profile {
                let sets: Vec<&str> = profile
                    .find(&["set", "transform-set"])
                    .map(|s| s.words.iter().skip(2).map(String::as_str).collect())
                    .unwrap_or_default();
                self.transforms(ctx, &sets, &mut child);
                let pfs = profile.find(&["set", "pfs"]);
                self.pfs(
                    ctx,
                    pfs.map(|p| (p.words.get(2).map(String::as_str), p.line)),
                    &mut child,
                );
                let life = profile.find(&["set", "security-association", "lifetime"]);
                self.life(ctx, life.map(|l| (l.words.as_slice(), l.line)), &mut child);
            }
            c.children.push(child);
            out.push(c);
        }
        out
    }

    fn interface_address(&self, name: &str) -> Option<Place> {
        let interface = self.find(&["interface", name])?;
        let c = interface.find(&["ip", "address"])?;
        Some(place(c.word(2)))
    }

    /// The address of the interface that the map is on.
    fn local_of_map(&self, ctx: &Context<'_>, map: &str, c: &mut PeerConnection) {
        for interface in self.every(&["interface"]) {
            if interface.find(&["crypto", "map", map]).is_some()
                && let Some(address) = interface.find(&["ip", "address"])
            {
                c.local = ctx.at(vec![place(address.word(2))], address.line);
            }
        }
    }

    fn phase1(
        &self,
        ctx: &mut Context<'_>,
        c: &mut PeerConnection,
        v1: bool,
        v2: bool,
        profile: Option<&str>,
        line: &Line,
    ) {
        c.versions = ctx.at(
            Versions {
                v1,
                v2,
                initiates: if v2 { 2 } else { 1 },
            },
            line,
        );
        c.ike_life = Setting::default_of(Some(Duration::from_secs(86400)));
        c.fragmentation = Setting::default_of(false);
        let heads: Vec<&[&str]> = if v2 {
            vec![
                &["crypto", "ikev2", "proposal"],
                &["crypto", "ikev2", "policy"],
            ]
        } else {
            vec![
                &["crypto", "isakmp", "policy"],
                &["crypto", "ikev1", "policy"],
            ]
        };
        let mut list = Vec::new();
        let mut at = None;
        let mut whole = true;
        let mut methods = Vec::new();
        for policy in heads.iter().flat_map(|head| self.every(head)) {
            match self.policy(policy, v2) {
                Some(p) => {
                    at = at.or(Some(policy.line));
                    list.extend(split_aead(p));
                }
                // An IKEv2 policy of IOS only names proposals.
                None if v2 && policy.find(&["proposal"]).is_some() => continue,
                None => whole = false,
            }
            if let Some(life) = policy.find(&["lifetime"])
                && let Some(d) = duration(life.last())
            {
                c.ike_life = ctx.at(Some(d), life.line);
            }
            if let Some(auth) = policy.find(&["authentication"]) {
                methods.push((method(auth.word(1)), auth.line));
            }
        }
        if let Some(line) = at {
            c.ike = ctx.at(Some(list).filter(|_| whole), line);
        }
        let profile = profile.and_then(|name| self.find(&["crypto", "ikev2", "profile", name]));
        if let Some(profile) = profile {
            self.profile(ctx, profile, c);
        } else if let Some((_, line)) = methods.first() {
            let all: Vec<AuthMethod> = methods.iter().map(|(m, _)| *m).collect();
            c.local_auth = ctx.at(all.clone(), line);
            c.remote_auth = ctx.at(all, line);
        } else if self.dialect == Dialect::CiscoAsa {
            self.group_methods(ctx, c);
        }
        for keepalive in self.every(&["crypto", "isakmp", "keepalive"]) {
            c.dpd_delay = ctx.at(duration(keepalive.word(3)), keepalive.line);
        }
        if let Some(no) = self.find(&["no", "crypto", "ipsec", "nat-transparency"]) {
            c.nat_t = ctx.at(false, no.line);
        }
    }

    fn policy(&self, policy: &Command<'_>, v2: bool) -> Option<Proposal> {
        let mut p = Proposal::default();
        for c in &policy.below {
            let values = c.words.get(1..).unwrap_or_default();
            match c.word(0) {
                "encryption" | "encr" => {
                    // `aes 256` in IKEv1, one name or several in IKEv2.
                    let mut i = 0;
                    while let Some(name) = values.get(i) {
                        let bits = values
                            .get(i + 1)
                            .filter(|b| matches!(b.as_str(), "128" | "192" | "256"));
                        let full = match bits {
                            Some(bits) => format!("{name}{bits}"),
                            None if name == "aes" => "aes128".to_owned(),
                            None => name.clone(),
                        };
                        i += 1 + usize::from(bits.is_some());
                        add(&mut p, algorithm(&full)?);
                    }
                }
                "integrity" | "hash" => {
                    for name in values.iter().filter(|n| *n != "null") {
                        add(&mut p, algorithm(name)?);
                    }
                }
                "prf" => {
                    for name in values {
                        if let Word::Integ(integ) = algorithm(name)? {
                            p.prf.extend(adit_model::keywords::prf_of_integ(integ));
                        }
                    }
                }
                "group" => {
                    for number in values {
                        p.ke.push(group_number(number.parse().ok()?)?);
                    }
                }
                _ => {}
            }
        }
        if !v2 {
            // What IKEv1 policies leave out has a default.
            if p.encr.is_empty() {
                add(&mut p, algorithm("des")?);
            }
            if p.integ.is_empty() {
                add(&mut p, algorithm("sha1")?);
            }
            if p.ke.is_empty() {
                p.ke.extend(group_number(if self.dialect == Dialect::CiscoAsa {
                    2
                } else {
                    1
                }));
            }
        }
        complete_ike(&mut p);
        (!p.encr.is_empty()).then_some(p)
    }

    fn profile(&self, ctx: &Context<'_>, profile: &Command<'_>, c: &mut PeerConnection) {
        for b in &profile.below {
            let kind = |at: usize| match b.word(at) {
                "fqdn" => identity(&format!("fqdn:{}", b.word(at + 1))),
                "email" => identity(&format!("email:{}", b.word(at + 1))),
                "key-id" => identity(&format!("keyid:{}", b.word(at + 1))),
                "address" => identity(b.word(at + 1)),
                "any" => identity("%any"),
                _ => None,
            };
            if b.is(&["identity", "local"]) {
                c.local_id = ctx.at(kind(2), b.line);
            } else if b.is(&["match", "identity", "remote"]) && !c.remote_id.is_written() {
                let any = b.word(4) == "0.0.0.0";
                c.remote_id = ctx.at(if any { identity("%any") } else { kind(3) }, b.line);
            } else if b.is(&["authentication", "local"]) {
                c.local_auth = ctx.at(vec![method(b.word(2))], b.line);
            } else if b.is(&["authentication", "remote"]) {
                c.remote_auth = ctx.at(vec![method(b.word(2))], b.line);
            } else if b.is(&["dpd"]) {
                c.dpd_delay = ctx.at(duration(b.word(1)), b.line);
            } else if b.is(&["lifetime"])
                && let Some(d) = duration(b.word(1))
            {
                c.ike_life = ctx.at(Some(d), b.line);
            }
        }
    }

    /// What ASA's tunnel group of the peer says.
    fn group_methods(&self, ctx: &Context<'_>, c: &mut PeerConnection) {
        let names: Vec<String> = c.remote.value.iter().map(ToString::to_string).collect();
        for group in self
            .every(&["tunnel-group"])
            .filter(|g| names.iter().any(|n| n == g.word(1)))
        {
            for b in &group.below {
                let psk = b.words.iter().any(|w| w == "pre-shared-key");
                let method = if psk {
                    AuthMethod::Psk
                } else if b
                    .words
                    .iter()
                    .any(|w| w == "certificate" || w == "trust-point")
                {
                    AuthMethod::PublicKey
                } else {
                    continue;
                };
                let remote_only = b.words.iter().any(|w| w == "remote-authentication");
                let local_only = b.words.iter().any(|w| w == "local-authentication");
                if !remote_only {
                    c.local_auth = ctx.at(vec![method], b.line);
                }
                if !local_only {
                    c.remote_auth = ctx.at(vec![method], b.line);
                }
            }
        }
    }

    /// Transform sets and IKEv2 IPsec proposals by name.
    fn transforms(&self, ctx: &Context<'_>, names: &[&str], child: &mut PeerChild) {
        let mut list = Vec::new();
        let mut at = None;
        let mut whole = true;
        for name in names {
            let heads: [&[&str]; 3] = [
                &["crypto", "ipsec", "transform-set"],
                &["crypto", "ipsec", "ikev1", "transform-set"],
                &["crypto", "ipsec", "ikev2", "ipsec-proposal"],
            ];
            let found = heads.iter().find_map(|head| {
                self.every(head)
                    .find(|c| c.word(head.len()) == *name && c.word(head.len() + 1) != "mode")
                    .map(|c| (c, head.len() + 1))
            });
            let Some((set, from)) = found else {
                whole = false;
                continue;
            };
            at = at.or(Some(set.line));
            let mut p = Proposal::default();
            let mut all: Vec<String> = set.words.get(from..).unwrap_or_default().to_vec();
            for b in &set.below {
                if b.is(&["protocol", "esp"]) {
                    all.extend(b.words.get(3..).unwrap_or_default().iter().cloned());
                } else if b.is(&["mode", "transport"]) {
                    child.mode = ctx.at(Mode::Transport, b.line);
                }
            }
            if self
                .all
                .iter()
                .any(|c| c.words.iter().any(|w| w == name) && c.last() == "transport")
            {
                child.mode = ctx.at(Mode::Transport, set.line);
            }
            whole &= transforms(&all, &mut p, &mut child.ah);
            drop_integrity_of_aead(&mut p);
            if !p.encr.is_empty() || !p.integ.is_empty() {
                list.extend(split_aead(p));
            }
        }
        if let Some(line) = at {
            child.esp = ctx.at(Some(list).filter(|l| whole && !l.is_empty()), line);
        }
    }

    fn pfs(
        &self,
        ctx: &Context<'_>,
        written: Option<(Option<&str>, &Line)>,
        child: &mut PeerChild,
    ) {
        child.pfs = match written {
            Some((Some(name), line)) => ctx.at(
                match algorithm(name) {
                    Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                    _ => None,
                },
                line,
            ),
            Some((None, line)) => {
                let default: Vec<KeMethod> = group_number(if self.dialect == Dialect::CiscoAsa {
                    2
                } else {
                    1
                })
                .into_iter()
                .collect();
                ctx.at(Some(Pfs::of(default)), line)
            }
            None => Setting::default_of(Some(Pfs::AsPeer)),
        };
    }

    fn life(&self, ctx: &Context<'_>, own: Option<(&[String], &Line)>, child: &mut PeerChild) {
        let global = self
            .find(&["crypto", "ipsec", "security-association", "lifetime"])
            .map(|c| (c.words.as_slice(), c.line));
        let seconds = if self.dialect == Dialect::CiscoAsa {
            28800
        } else {
            3600
        };
        child.life = Setting::default_of(Some(Duration::from_secs(seconds)));
        for (words, line) in [global, own].into_iter().flatten() {
            if let Some(at) = words.iter().position(|w| w == "seconds")
                && let Some(d) = words.get(at + 1).and_then(|w| duration(w))
            {
                child.life = ctx.at(Some(d), line);
            }
            if let Some(at) = words.iter().position(|w| w == "kilobytes") {
                let kilobytes: Option<u64> = words.get(at + 1).and_then(|w| w.parse().ok());
                child.life_bytes = ctx.at(kilobytes.and_then(|k| k.checked_mul(1024)), line);
            }
        }
        child.replay_window = Setting::default_of(64);
    }

    /// Local and remote networks of an access list.
    fn access_list(&self, name: &str) -> Option<(Networks, Networks, &'x Line)> {
        let mut local: Networks = Vec::new();
        let mut remote: Networks = Vec::new();
        let mut at = None;
        let numbered = self
            .all
            .iter()
            .filter(|c| c.is(&["access-list", name]))
            .map(|c| (c.words.get(2..).unwrap_or_default(), c.line));
        let named = self
            .all
            .iter()
            .filter(|c| c.is(&["ip", "access-list"]) && c.last() == name)
            .flat_map(|c| c.below.iter().map(|b| (b.words.as_slice(), b.line)));
        for (words, line) in numbered.chain(named) {
            let Some(permit) = words.iter().position(|w| w == "permit") else {
                continue;
            };
            let (protocol, from) = match words.get(permit + 1).map(String::as_str) {
                Some("object-group" | "object") => (0, permit + 3),
                Some(name) => (protocol_number(name).unwrap_or(0), permit + 2),
                None => continue,
            };
            let (a, next) = self.end_of(words, from)?;
            let (b, _) = self.end_of(words, next)?;
            at = at.or(Some(line));
            let limited = |list: Vec<Selector>| -> Networks {
                list.into_iter()
                    .map(|s| Some(Selector { protocol, ..s }))
                    .collect()
            };
            for (list, new) in [(&mut local, limited(a)), (&mut remote, limited(b))] {
                for s in new {
                    if !list.contains(&s) {
                        list.push(s);
                    }
                }
            }
        }
        Some((local, remote, at?)).filter(|(l, r, _)| !l.is_empty() && !r.is_empty())
    }

    /// One end of an access list's line: networks, and where the next end begins.
    fn end_of(&self, words: &[String], at: usize) -> Option<(Vec<Selector>, usize)> {
        let word = |i: usize| words.get(i).map_or("", String::as_str);
        match word(at) {
            "any" | "any4" => Some((vec![network("0.0.0.0/0")?], at + 1)),
            "host" => Some((vec![network(word(at + 1))?], at + 2)),
            "object" | "object-group" => Some((self.object(word(at + 1), 0)?, at + 2)),
            address => Some((vec![address_and_mask(address, word(at + 1))?], at + 2)),
        }
    }

    /// Networks of an object or a group of objects.
    fn object(&self, name: &str, depth: usize) -> Option<Vec<Selector>> {
        const DEEPEST: usize = 4;
        let object = self.all.iter().find(|c| {
            (c.is(&["object", "network"]) || c.is(&["object-group", "network"]))
                && c.word(2) == name
        })?;
        let mut out = Vec::new();
        for b in &object.below {
            match (b.word(0), b.word(1)) {
                ("subnet", address) => out.push(address_and_mask(address, b.word(2))?),
                ("host", address) => out.push(network(address)?),
                ("network-object", "host") => out.push(network(b.word(2))?),
                ("network-object", "object") | ("group-object", _) if depth < DEEPEST => {
                    out.extend(self.object(b.last(), depth + 1)?);
                }
                ("network-object", address) => out.push(address_and_mask(address, b.word(2))?),
                _ => {}
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

fn method(word: &str) -> AuthMethod {
    match word {
        "pre-share" | "pre-shared-key" => AuthMethod::Psk,
        "eap" => AuthMethod::Eap,
        _ => AuthMethod::PublicKey,
    }
}

/// `esp-aes 256 esp-sha256-hmac`, or names of IKEv2 proposals. Whether all were understood.
fn transforms(words: &[String], p: &mut Proposal, ah: &mut bool) -> bool {
    let mut whole = true;
    let mut i = 0;
    while let Some(word) = words.get(i) {
        i += 1;
        let bits = words
            .get(i)
            .filter(|b| matches!(b.as_str(), "128" | "192" | "256"));
        let name = word.strip_prefix("esp-").unwrap_or(word);
        if let Some(hash) = word.strip_prefix("ah-") {
            *ah = true;
            match algorithm(hash.trim_end_matches("-hmac")) {
                Some(found) => add(p, found),
                None => whole = false,
            }
            continue;
        }
        let full = match (bits, name) {
            (Some(bits), _) => {
                i += 1;
                format!("{name}{bits}")
            }
            (None, "aes") => "aes128".to_owned(),
            (None, "null") if !p.encr.is_empty() => continue,
            _ => name.trim_end_matches("-hmac").to_owned(),
        };
        // `128-aes` on old IOS.
        let full = match full.split_once("-aes") {
            Some((bits, "")) => format!("aes{bits}"),
            _ => full,
        };
        match algorithm(&full) {
            Some(found) => add(p, found),
            None => whole = false,
        }
    }
    whole
}
