//! Statuses, listings and counters: what commands print about a host and its SAs, one file per format.
//!
//! Each reader recognises its own lines and is shown every line; none needs to know where a listing begins.

mod address;
mod bgp;
mod bsd_routes;
mod carried;
mod certificate;
mod cisco_map;
mod cisco_nat;
mod clock;
mod cloud;
mod cloud_acl;
mod cloud_filter;
mod connections;
mod conns;
mod conntrack;
mod counters;
mod diff;
mod dump;
mod filter;
mod filter_load;
mod flow_trace;
mod fortigate;
mod fortios_routes;
mod host;
mod ike_ports;
mod ike_scan;
mod ikev2_profiles;
mod in_words;
mod ipdrop;
mod junos_zone;
mod leases;
mod listeners;
mod load;
mod modules;
mod neighbour;
mod nss;
mod own_addresses;
mod panos;
mod passage;
mod ping;
mod plugins;
mod qos;
mod refused_phase;
mod reqids;
mod resolved;
mod route;
mod routeros_ids;
mod rtnetlink;
mod sas;
mod script;
mod shared_address;
mod shunts;
mod sniffed;
mod strayed;
mod svcs;
mod sysctl;
mod systemctl;
mod traceroute;
mod vrrp;
mod walk;
mod xfrm;
mod xfrm_stat;

pub(crate) use fortigate::has_assigned;

use std::collections::BTreeMap;

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;
use adit_model::sign::Sign;

use crate::reading::Place;
use crate::text::Line;

/// Every reader of a status.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    facts: Vec<Fact>,
    /// When there are so many, those that are one of too many of their kind go.
    full: usize,
    bsd_routes: bsd_routes::BsdRoutes,
    carried: carried::Carried,
    cloud: cloud::Cloud,
    connections: connections::Connections,
    conns: conns::Conns,
    counters: counters::Counters,
    diff: diff::Diff,
    dump: dump::Dump,
    filter: filter::Filter,
    filter_load: filter_load::FilterLoad,
    flow_trace: flow_trace::FlowTrace,
    ike_ports: ike_ports::IkePorts,
    ikev2_profiles: ikev2_profiles::Ikev2Profiles,
    in_words: in_words::InWords,
    ipdrop: ipdrop::IpDrop,
    junos_zones: junos_zone::JunosZones,
    fortigate: fortigate::FortigateIke,
    ike_scan: ike_scan::IkeScan,
    load: load::Load,
    ping: ping::Ping,
    plugins: plugins::Plugins,
    refused_phase: refused_phase::RefusedPhase,
    reqids: reqids::Reqids,
    resolved: resolved::Resolved,
    routes: route::Routes,
    sas: sas::Sas,
    script: script::Script,
    leases: leases::Leases,
    listeners: listeners::Listeners,
    own_addresses: own_addresses::OwnAddresses,
    shared_address: shared_address::SharedAddress,
    shunts: shunts::Shunts,
    sniffed: sniffed::Sniffed,
    sysctl: sysctl::Sysctl,
    cisco_map: cisco_map::CiscoMap,
    cisco_nat: cisco_nat::CiscoNat,
    panos: panos::PanosFlow,
    svcs: svcs::Svcs,
    systemctl: systemctl::Systemctl,
    traceroute: traceroute::Traceroute,
    vrrp: vrrp::Vrrp,
    walk: walk::Walk,
    host: host::Host,
    xfrm_stat: xfrm_stat::XfrmStat,
}

impl Statuses {
    /// The next line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if self.facts.len() >= self.full {
            self.facts = capped(core::mem::take(&mut self.facts));
            self.full = (2 * self.facts.len()).max(MANY);
        }
        let facts = &mut self.facts;
        bgp::line(line, place, facts);
        clock::line(line, place, facts);
        self.ike_scan.line(line, place, facts);
        self.carried.line(line, place, facts);
        self.cloud.line(line, place, facts);
        self.connections.line(line, place, facts);
        self.conns.line(line, place);
        self.counters.line(line, place);
        self.diff.line(line, place, facts);
        self.dump.line(line, place, facts);
        self.filter.line(line, place, facts);
        self.filter_load.line(line, place);
        self.bsd_routes.line(line, place, facts);
        self.ike_ports.line(line, place);
        self.flow_trace.line(line, place, facts);
        self.ikev2_profiles.line(line, place);
        self.in_words.line(line, place, facts);
        self.ipdrop.line(line, place, facts);
        self.junos_zones.line(line, place);
        self.fortigate.line(line, place, facts);
        self.load.line(line, place, facts);
        self.ping.line(line, place, facts);
        self.plugins.line(line, place, facts);
        self.refused_phase.line(line, place, facts);
        self.reqids.line(line, place, facts);
        self.resolved.line(line, place);
        self.routes.line(line, place, facts);
        self.sas.line(line, place, facts);
        self.script.line(line, place, facts);
        self.xfrm_stat.line(line, place);
        self.host.line(line, place, facts);
        self.leases.line(line, place, facts);
        self.listeners.line(line, place);
        self.own_addresses.line(line, place);
        self.shared_address.line(line, place);
        self.shunts.line(line, place);
        self.sniffed.line(line, place, facts);
        self.sysctl.line(line, place);
        self.cisco_map.line(line, place, facts);
        self.cisco_nat.line(line, place);
        self.panos.line(line, place, facts);
        self.svcs.line(line, place, facts);
        self.systemctl.line(line, place, facts);
        self.traceroute.line(line, place, facts);
        self.vrrp.line(line, place);
        self.walk.line(line, place);
    }

    /// The next line, where a daemon's reader has a word for it.
    pub(crate) fn daemon(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if self.script.is_near() {
            self.script.line(line, place, &mut self.facts);
        }
        // charon begins with its list: `00[LIB] loaded plugins: …`.
        if line
            .body
            .get(..24)
            .is_some_and(|head| head.ends_with("plugins: "))
        {
            self.plugins.line(line, place, &mut self.facts);
        }
    }

    /// What all of them read.
    pub(crate) fn finish(mut self) -> Vec<Fact> {
        self.carried.finish(&mut self.facts);
        self.connections.finish(&mut self.facts);
        core::mem::take(&mut self.resolved).finish(&mut self.facts);
        self.conns.finish(&mut self.facts);
        self.counters.finish(&mut self.facts);
        self.diff.finish(&mut self.facts);
        self.filter.finish(&mut self.facts);
        core::mem::take(&mut self.filter_load).finish(&mut self.facts);
        core::mem::take(&mut self.ike_ports).finish(&mut self.facts);
        self.ikev2_profiles.finish(&mut self.facts);
        self.bsd_routes.finish(&mut self.facts);
        core::mem::take(&mut self.junos_zones).finish(&mut self.facts);
        self.ping.cut_off(&mut self.facts);
        self.plugins.finish(&mut self.facts);
        self.shared_address.finish(&mut self.facts);
        core::mem::take(&mut self.sniffed).finish(&mut self.facts);
        self.routes.finish(&mut self.facts);
        self.load.finish(&mut self.facts);
        self.sas.finish(&mut self.facts);
        self.listeners.finish(&mut self.facts);
        self.own_addresses.finish(&mut self.facts);
        self.shunts.finish(&mut self.facts);
        self.sysctl.finish(&mut self.facts);
        self.cisco_map.finish(&mut self.facts);
        core::mem::take(&mut self.cisco_nat).finish(&mut self.facts);
        self.xfrm_stat.finish(&mut self.facts);
        self.traceroute.finish(&mut self.facts);
        self.vrrp.finish(&mut self.facts);
        self.walk.finish(&mut self.facts);
        self.host.finish(&mut self.facts);
        capped(self.facts)
    }
}

/// So many facts of one kind are kept: the last ones.
const KEPT: usize = 256;

/// So many facts wait for that at least while lines still come.
const MANY: usize = 16 * KEPT;

/// What was said last of each kind. A listing that goes on and on, or that somebody made up, says no more than that.
fn capped(mut facts: Vec<Fact>) -> Vec<Fact> {
    let mut counts: BTreeMap<(u8, Option<Sign>), usize> = BTreeMap::new();
    let mut keep: Vec<bool> = facts
        .iter()
        .rev()
        .map(|f| {
            let kind = match &f.what {
                Known::Sign { sign, .. } => (0, Some(*sign)),
                Known::Carried { .. } => (1, None),
                Known::Listed { .. } => (17, None),
                Known::Host { state } => match **state {
                    HostState::Route(_) => (2, None),
                    HostState::Way { .. } => (3, None),
                    HostState::Rule { .. } => (4, None),
                    HostState::Link { .. } => (5, None),
                    HostState::Member { .. } => (42, None),
                    HostState::Ping { .. } => (6, None),
                    HostState::Throughput { .. } => (7, None),
                    HostState::Sa(_) => (8, None),
                    HostState::Policy(_) => (9, None),
                    HostState::Address { .. } => (10, None),
                    HostState::TunnelInterface { .. } => (13, None),
                    HostState::Certificate(_) => (14, None),
                    HostState::Clock { .. } => (40, None),
                    HostState::Dated { .. } => (41, None),
                    HostState::Hardware { .. } => (15, None),
                    HostState::PathMtu { .. } => (16, None),
                    HostState::Flow(_) => (11, None),
                    HostState::Listed { .. } => (12, None),
                },
                Known::Probed { .. } => (43, None),
                _ => return true,
            };
            let count = counts.entry(kind).or_default();
            *count += 1;
            *count <= KEPT
        })
        .collect();
    facts.retain(|_| keep.pop().unwrap_or(true));
    facts
}

/// What somebody typed: the words behind a prompt (`# `, `root@gw:~$ `, `[root@gw ~]# `, `> `), or a line that begins with
/// one of the commands that show a host's state.
fn command(body: &str) -> Option<&str> {
    const COMMANDS: [&str; 12] = [
        "ip ",
        "sudo ",
        "iptables",
        "ip6tables",
        "nft ",
        "conntrack ",
        "openssl ",
        "ipsec ",
        "swanctl ",
        "ss ",
        "netstat ",
        "sysctl ",
    ];
    if COMMANDS.iter().any(|c| body.starts_with(c)) {
        return Some(body);
    }
    // Headings of what `adit collect` gathers.
    if let Some(inner) = body
        .strip_prefix("==== ")
        .and_then(|b| b.strip_suffix(" ===="))
    {
        return Some(inner.strip_prefix("command: ").unwrap_or_default());
    }
    // `### ip x policy show ###` of VyOS's `show vpn debug`.
    if let Some(inner) = body
        .strip_prefix("### ")
        .and_then(|b| b.strip_suffix(" ###"))
    {
        return Some(inner.trim());
    }
    let at = body.find(['#', '$', '>', '%']).filter(|at| *at < 64)?;
    let (prompt, typed) = (body.get(..at)?, body.get(at + 1..)?);
    let bracketed = prompt.starts_with('[') && prompt.ends_with(']');
    let bare = !prompt.contains(char::is_whitespace);
    (bare || bracketed)
        .then(|| typed.strip_prefix(' '))
        .flatten()
        .map(str::trim)
        .or_else(|| (typed.is_empty() && (bare || bracketed)).then_some(""))
}

/// A fact that a line gives.
fn fact(place: Place, what: Known) -> Fact {
    Fact {
        source: place.source,
        at: place.at,
        side: place.side,
        subject: None,
        role: None,
        what,
    }
}

/// A sign with its values.
fn sign(place: Place, sign: Sign, values: &[(&str, &str)]) -> Fact {
    let values: BTreeMap<String, String> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    fact(place, Known::Sign { sign, values })
}
