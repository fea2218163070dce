//! FortiOS: `config vpn ipsec phase1-interface`, `edit`, `set`, `next`, `end`.

use core::time::Duration;

use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Pfs, Setting, Starts, Versions,
};
use adit_model::proposal::Proposal;
use adit_model::selector::Selector;
use adit_wire::iana::KeMethod;

use super::Found;
use super::algorithm::{add, algorithm, complete_ike, drop_integrity_of_aead, group_number};
use super::context::{Context, Line};
use super::secrets::{Reading, digest};
use super::tree::words;
use super::value::{address_and_mask, boolean, duration, identity, network, place};

/// One `edit`.
struct Entry<'a> {
    table: String,
    name: String,
    line: &'a Line,
    values: Vec<(Vec<String>, &'a Line)>,
}

impl<'a> Entry<'a> {
    fn get(&self, key: &str) -> Option<(&[String], &'a Line)> {
        self.values
            .iter()
            .find(|(w, _)| w.first().is_some_and(|k| k == key))
            .map(|(w, l)| (w.get(1..).unwrap_or_default(), *l))
    }

    fn one(&self, key: &str) -> Option<(&str, &'a Line)> {
        let (values, line) = self.get(key)?;
        values.first().map(|v| (v.as_str(), line))
    }
}

fn entries(lines: &[Line]) -> Vec<Entry<'_>> {
    let mut out: Vec<Entry<'_>> = Vec::new();
    let mut tables: Vec<String> = Vec::new();
    for line in lines {
        for text in commands(&line.text) {
            let list = words(text);
            match list.first().map(String::as_str) {
                Some("config") => tables.push(list.get(1..).unwrap_or_default().join(" ")),
                Some("end") => {
                    tables.pop();
                }
                Some("edit") => out.push(Entry {
                    table: tables.last().cloned().unwrap_or_default(),
                    name: list.get(1).cloned().unwrap_or_default(),
                    line,
                    values: Vec::new(),
                }),
                Some("set") => {
                    let rest: Vec<String> = list
                        .get(1..)
                        .unwrap_or_default()
                        .iter()
                        .filter(|w| *w != "/")
                        .cloned()
                        .collect();
                    if let Some(entry) = out.last_mut() {
                        entry.values.push((rest, line));
                    }
                }
                _ => {}
            }
        }
    }
    out
}

/// The commands of a line, which several may share: behind semicolons, or where a web page took the line ends away.
fn commands(line: &str) -> Vec<&str> {
    const COMMANDS: [&str; 5] = ["config", "edit", "set", "next", "end"];
    let flat = line.trim_start().starts_with("config ") && line.contains(" edit ");
    let mut out = Vec::new();
    for part in line.split(" ; ") {
        let (mut begin, mut quoted, mut word) = (0, false, 0);
        for (at, c) in part.char_indices().chain([(part.len(), ' ')]) {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => {
                    let is_command = part.get(word..at).is_some_and(|w| COMMANDS.contains(&w));
                    if flat && is_command && word > begin {
                        out.extend(part.get(begin..word));
                        begin = word;
                    }
                    word = at + 1;
                }
                _ => {}
            }
        }
        out.extend(part.get(begin..));
    }
    out
}

/// Reads a configuration.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[Line]) -> Found {
    let all = entries(lines);
    let of = |prefix: &'static str| all.iter().filter(move |e| e.table.starts_with(prefix));
    let mut found = Found::default();
    for phase1 in of("vpn ipsec phase1") {
        let mut c = connection(ctx, phase1);
        for phase2 in of("vpn ipsec phase2")
            .filter(|p| p.one("phase1name").is_some_and(|(n, _)| n == phase1.name))
        {
            let child = child(ctx, &all, phase1, phase2);
            c.children.push(child);
        }
        found.connections.push(c);
    }
    found
}

/// `aes256-sha256 aes128gcm-prfsha256`, with the groups of `dhgrp`.
fn proposals(names: &[String], groups: &[KeMethod], ike: bool) -> Option<Vec<Proposal>> {
    let mut out = Vec::new();
    for name in names {
        let mut p = Proposal::default();
        for word in name.split('-') {
            if word == "null" && !p.encr.is_empty() {
                continue;
            }
            add(&mut p, algorithm(word)?);
        }
        if ike {
            complete_ike(&mut p);
            p.ke = groups.to_vec();
        } else {
            drop_integrity_of_aead(&mut p);
        }
        out.push(p);
    }
    (!out.is_empty()).then_some(out)
}

fn groups(entry: &Entry<'_>) -> (Vec<KeMethod>, bool) {
    match entry.get("dhgrp") {
        Some((numbers, _)) => (
            numbers
                .iter()
                .filter_map(|n| group_number(n.parse().ok()?))
                .collect(),
            true,
        ),
        None => (
            [14, 5].into_iter().filter_map(group_number).collect(),
            false,
        ),
    }
}

fn connection(ctx: &Context<'_>, entry: &Entry<'_>) -> PeerConnection {
    let mut c = PeerConnection::new(&entry.name, Dialect::Fortios, ctx.source(entry.line));
    c.block = ctx.block;
    c.versions = match entry.one("ike-version") {
        Some(("2", line)) => ctx.at(Versions::V2, line),
        Some((_, line)) => ctx.at(Versions::V1, line),
        None => Setting::default_of(Versions::V1),
    };
    if let Some((gw, line)) = entry
        .one("remote-gw")
        .or_else(|| entry.one("remotegw-ddns"))
    {
        c.remote = ctx.at(vec![place(gw)], line);
    }
    if let Some((gw, line)) = entry.one("local-gw").filter(|(g, _)| *g != "0.0.0.0") {
        c.local = ctx.at(vec![place(gw)], line);
    }
    if let Some((id, line)) = entry.one("localid").filter(|(v, _)| !v.is_empty()) {
        let kind = entry.one("localid-type").map_or("auto", |(k, _)| k);
        let id = match kind {
            "keyid" => identity(&format!("keyid:{id}")),
            "fqdn" => identity(&format!("fqdn:{id}")),
            _ => identity(id),
        };
        c.local_id = ctx.at(id, line);
    }
    c.remote_id = match entry.one("peerid") {
        Some((id, line)) => ctx.at(identity(id), line),
        None => Setting::default_of(Some(PeerId::Any)),
    };
    let method = match entry.one("authmethod") {
        Some((m, line)) if m.starts_with("sig") || m.starts_with("rsa") => {
            ctx.at(vec![AuthMethod::PublicKey], line)
        }
        Some((_, line)) => ctx.at(vec![AuthMethod::Psk], line),
        None => Setting::default_of(vec![AuthMethod::Psk]),
    };
    c.local_auth = method.clone();
    c.remote_auth = method;
    if let Some((values, line)) = entry.get("psksecret") {
        let hidden = values.first().is_some_and(|v| v == "ENC");
        let written = if hidden {
            "***"
        } else {
            values.first().map_or("", String::as_str)
        };
        c.psk = Some(digest(ctx, written, Reading::HexOnly, line));
        c.secrets_seen = true;
    }
    let (ke, _) = groups(entry);
    c.ike = match entry.get("proposal") {
        Some((names, line)) => ctx.at(proposals(names, &ke, true), line),
        None => Setting::default_of(proposals(
            &[
                "aes128-sha256",
                "aes256-sha256",
                "aes128-sha1",
                "aes256-sha1",
            ]
            .map(str::to_owned),
            &ke,
            true,
        )),
    };
    if let Some((mode, line)) = entry.one("mode") {
        c.aggressive = ctx.at(mode == "aggressive", line);
    }
    c.ike_life = match entry.one("keylife") {
        Some((v, line)) => ctx.at(duration(v), line),
        None => Setting::default_of(Some(Duration::from_secs(86400))),
    };
    match entry.one("dpd") {
        Some(("disable", line)) => c.dpd_delay = ctx.at(None, line),
        Some((_, line)) => c.dpd_delay = ctx.at(Some(Duration::from_secs(20)), line),
        None => c.dpd_delay = Setting::default_of(Some(Duration::from_secs(20))),
    }
    match entry.one("nattraversal") {
        Some(("disable", line)) => c.nat_t = ctx.at(false, line),
        Some(("forced", line)) => c.force_encap = ctx.at(true, line),
        _ => {}
    }
    c
}

fn child(ctx: &Context<'_>, all: &[Entry<'_>], phase1: &Entry<'_>, entry: &Entry<'_>) -> PeerChild {
    let mut child = PeerChild::new(&entry.name, ctx.source(entry.line));
    for (side, to) in [("src", &mut child.local_ts), ("dst", &mut child.remote_ts)] {
        let subnet = entry.get(&format!("{side}-subnet"));
        let named = entry.one(&format!("{side}-name"));
        if let Some((values, line)) = subnet {
            if let Some(net) = subnet_of(values) {
                *to = ctx.at(vec![Some(net)], line);
            }
        } else if let Some((name, line)) = named {
            let object = all
                .iter()
                .find(|e| e.table.starts_with("firewall address") && e.name == name);
            if let Some(net) = object
                .and_then(|o| o.get("subnet"))
                .and_then(|(v, _)| subnet_of(v))
            {
                *to = ctx.at(vec![Some(net)], line);
            }
        } else if let Some(any) = network("0.0.0.0/0") {
            *to = Setting::default_of(vec![Some(any)]);
        }
    }
    if phase1.table.contains("interface") {
        child.route_based = Some(ctx.at(phase1.name.clone(), phase1.line));
    }
    let (ke, written) = groups(entry);
    let off = entry
        .one("pfs")
        .and_then(|(v, line)| (boolean(v) == Some(false)).then_some(line));
    child.pfs = match (off, entry.get("dhgrp")) {
        (Some(line), _) => ctx.at(Some(Pfs::Off), line),
        (None, Some((_, line))) if written => ctx.at(Some(Pfs::of(ke)), line),
        _ => Setting::default_of(Some(Pfs::of(ke))),
    };
    child.esp = match entry.get("proposal") {
        Some((names, line)) => ctx.at(proposals(names, &[], false), line),
        None => Setting::default_of(proposals(
            &[
                "aes128-sha1",
                "aes256-sha1",
                "aes128-sha256",
                "aes256-sha256",
                "aes128gcm",
                "aes256gcm",
                "chacha20poly1305",
            ]
            .map(str::to_owned),
            &[],
            false,
        )),
    };
    child.life = match entry.one("keylifeseconds") {
        Some((v, line)) => ctx.at(duration(v), line),
        None => Setting::default_of(Some(Duration::from_secs(43200))),
    };
    child.starts = match (phase1.one("passive-mode"), entry.one("auto-negotiate")) {
        (Some(("enable", line)), _) => ctx.at(Starts::Passive, line),
        (_, Some(("enable", line))) => ctx.at(Starts::Now, line),
        _ => Setting::default_of(Starts::OnDemand),
    };
    child
}

fn subnet_of(values: &[String]) -> Option<Selector> {
    match values {
        [address, mask, ..] => address_and_mask(address, mask),
        [one] => network(one),
        [] => None,
    }
}
