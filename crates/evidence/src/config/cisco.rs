//! Cisco IOS, IOS-XE and ASA: running configurations, or what of them was pasted.

mod access;
mod command;
mod phases;

use adit_model::peer_config::{
    Dialect, Networks, PeerChild, PeerConnection, Place, Setting, SharedKey, Starts, Weight,
};
use adit_model::selector::Selector;

use super::Found;
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::value::{identity, network, place};
pub(super) use command::BELOW;
use command::{Command, commands};

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
}
