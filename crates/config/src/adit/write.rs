//! Writes a configuration so that reading it gives the same one.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};

use adit_model::connection::{Child, Connection, Mode, Protection, Remote, Start};
use adit_model::identity::Identity;
use adit_model::inner::Pool;
use adit_model::policy::Action;
use toml_edit::Value;

use crate::adit::life::word_of;
use crate::adit::tunnel::OFFLOAD;
use crate::adit::{algorithms, carriage, child, duration, interface, life, monitor, pool, tunnel};
use crate::configuration::{
    AuthFiles, Backend, Configuration, FlightRecorder, Gateway, OwnFiles, PeerFiles, Revocation,
};

/// The configuration as text. Both ends, identities and networks are always written; other keys only where they
/// differ from their default.
#[must_use]
pub fn write(configuration: &Configuration) -> String {
    let mut out = String::new();
    gateway(&mut out, &configuration.gateway);
    for policy in &configuration.policies {
        let _ = writeln!(out, "[policy.{}]", policy.name);
        let action = match policy.action {
            Action::Bypass => "bypass",
            Action::Drop => "drop",
        };
        line(&mut out, "action", &text(action));
        line(&mut out, "local_net", &list(&policy.local));
        line(&mut out, "remote_net", &list(&policy.remote));
        out.push('\n');
    }
    for one in &configuration.pools {
        if !out.is_empty() {
            out.push('\n');
        }
        pool(&mut out, one);
    }
    for connection in &configuration.connections {
        if !out.is_empty() {
            out.push('\n');
        }
        let ppk_file = configuration
            .ppk_of(&connection.name)
            .map(|p| p.file.as_path());
        one(
            &mut out,
            connection,
            configuration.auth_of(&connection.name),
            ppk_file,
        );
    }
    out
}

fn gateway(out: &mut String, gateway: &Gateway) {
    let default = Gateway::default();
    if *gateway == default {
        return;
    }
    out.push_str("[gateway]\n");
    if let Some(dir) = &gateway.state_dir {
        line(out, "state_dir", &text(&dir.to_string_lossy()));
    }
    if gateway.ike_port != default.ike_port {
        line(out, "ike_port", &gateway.ike_port);
    }
    if gateway.nat_t_port != default.nat_t_port {
        line(out, "nat_t_port", &gateway.nat_t_port);
    }
    let backend = |(_, backend): &&(&str, Backend)| *backend == gateway.backend;
    if gateway.backend != default.backend
        && let Some((name, _)) = Backend::NAMES.iter().find(backend)
    {
        line(out, "backend", &text(name));
    }
    let (ours, usual) = (&gateway.half_open, &default.half_open);
    for (name, value, default) in [
        ("half_open_limit", ours.limit, usual.limit),
        ("cookies_from", ours.cookies_from, usual.cookies_from),
        ("half_open_per_source", ours.per_source, usual.per_source),
        (
            "cookies_from_per_source",
            ours.cookies_from_per_source,
            usual.cookies_from_per_source,
        ),
    ] {
        if value != default {
            line(out, name, &value);
        }
    }
    if gateway.threads != default.threads {
        line(out, "threads", &gateway.threads);
    }
    if gateway.offload != default.offload {
        line(out, "offload", &text(word_of(OFFLOAD, &gateway.offload)));
    }
    recorder(out, &gateway.recorder);
    if !gateway.answer_trace {
        line(out, "answer_trace", &gateway.answer_trace);
    }
    if !gateway.hook.is_empty() {
        line(out, "hook", &list(&gateway.hook));
    }
}

fn recorder(out: &mut String, recorder: &FlightRecorder) {
    let default = FlightRecorder::default();
    if recorder.on != default.on {
        line(out, "record", &recorder.on);
    }
    if let Some(dir) = &recorder.dir {
        line(out, "record_dir", &text(&dir.to_string_lossy()));
    }
    if recorder.megabytes != default.megabytes {
        line(out, "record_size", &recorder.megabytes);
    }
    if recorder.age != default.age {
        line(out, "record_age", &text(&duration::write(recorder.age)));
    }
    if recorder.keys != default.keys {
        line(out, "record_keys", &recorder.keys);
    }
}

fn pool(out: &mut String, pool: &Pool) {
    let _ = writeln!(out, "[pool.{}]", pool.name);
    line(out, "addresses", &list(&pool.addresses));
    if !pool.dns.is_empty() {
        line(out, "dns", &list(&pool.dns));
    }
    if !pool.split.is_empty() {
        line(out, "split", &list(&pool.split));
    }
    if pool.per_identity != Pool::PER_IDENTITY {
        line(out, "per_identity", &pool.per_identity);
    }
}

fn inner(out: &mut String, c: &Connection) {
    if !c.inner.pools.is_empty() {
        line(out, "pool", &list(&c.inner.pools));
    }
    if pool::is_plain(&c.inner, &c.children) {
        line(out, "virtual_ip", &true);
    } else if !c.inner.wanted.is_empty() {
        line(out, "virtual_ip", &list(&c.inner.wanted));
    }
}

fn one(out: &mut String, c: &Connection, auth: Option<&AuthFiles>, ppk_file: Option<&Path>) {
    let _ = writeln!(out, "[tunnel.{}]", c.name);
    line(
        out,
        "local",
        &text(&match (&c.local_interface, c.local) {
            (Some(interface), _) => interface.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => "any".to_owned(),
        }),
    );
    line(
        out,
        "remote",
        &match &c.remote {
            Remote::Address(a) => text(&a.to_string()),
            Remote::Name(name) => text(name),
            Remote::Any => text("any"),
        },
    );
    if c.remote_port != 500 {
        line(out, "remote_port", &c.remote_port);
    }
    line(out, "local_id", &identity(Some(&c.local_id)));
    line(out, "remote_id", &identity(c.remote_id.as_ref()));
    if let Some(auth) = auth {
        line(out, "auth", &authentication(auth));
    }
    if let (Some(ppk), Some(path)) = (&c.ppk, ppk_file) {
        let (id, file) = (text(&ppk.id), text(&path.to_string_lossy()));
        let optional = if ppk.required {
            ""
        } else {
            ", required = false"
        };
        line(
            out,
            "ppk",
            &format!("{{ id = {id}, file = {file}{optional} }}"),
        );
    }
    if c.ike != algorithms::default_ike() {
        line(out, "ike", &list(&c.ike));
    }
    let start = match c.start {
        Start::Auto => "auto",
        Start::OnDemand => "on-demand",
        Start::Passive => "passive",
    };
    let default = if c.remote == Remote::Any {
        Start::Passive
    } else {
        Start::Auto
    };
    if c.start != default {
        line(out, "start", &text(start));
    }
    if c.dpd_delay.is_zero() {
        line(out, "dpd", &text("off"));
    } else if c.dpd_delay != tunnel::DPD {
        line(out, "dpd", &text(&duration::write(c.dpd_delay)));
    }
    if c.retransmit != adit_model::connection::Retransmit::default() {
        let r = c.retransmit;
        line(
            out,
            "retransmit",
            &format!(
                "{{ initial = {}, backoff = {}.{:02}, max = {}, tries = {} }}",
                text(&duration::write(r.initial)),
                r.backoff_percent / 100,
                r.backoff_percent % 100,
                text(&duration::write(r.max)),
                r.tries
            ),
        );
    }
    if c.window != tunnel::WINDOW {
        line(out, "window", &c.window);
    }
    if c.force_encap {
        line(out, "force_encap", &true);
    }
    if !c.mobike {
        line(out, "mobike", &false);
    }
    inner(out, c);
    life::write_tunnel(out, &c.life);
    if c.protection == Protection::Optional {
        line(out, "policy", &text("optional"));
    }
    let weak = c
        .ike
        .iter()
        .chain(c.children.iter().flat_map(|child| &child.esp))
        .any(|p| !p.weak().is_empty());
    if weak {
        line(out, "allow_weak", &true);
    }
    interface::write(out, c);
    monitor::write(out, c);
    for child in &c.children {
        let _ = writeln!(out, "\n[tunnel.{}.child.{}]", c.name, child.name);
        one_child(out, child, c.inner.wanted.is_empty());
    }
}

fn authentication(auth: &AuthFiles) -> String {
    let mut pairs = match (&auth.own, &auth.peer) {
        (OwnFiles::Psk(own), PeerFiles::Psk(peer)) if own == peer => psk(own),
        (OwnFiles::Certificates(own), PeerFiles::Authorities { .. }) => {
            [certificates(own), peer_pairs(&auth.peer, "peer_public_key")].concat()
        }
        (OwnFiles::Key(own), PeerFiles::PublicKeys(_)) => {
            [key(own), peer_pairs(&auth.peer, "peer_public_key")].concat()
        }
        (own, peer) => {
            let own = match own {
                OwnFiles::Psk(file) => psk(file),
                OwnFiles::Certificates(files) => certificates(files),
                OwnFiles::Key(file) => key(file),
            };
            let peer = peer_pairs(peer, "public_key");
            vec![
                format!("local = {{ {} }}", own.join(", ")),
                format!("remote = {{ {} }}", peer.join(", ")),
            ]
        }
    };
    if auth.allow_sha1 {
        pairs.push("allow_sha1 = true".to_owned());
    }
    format!("{{ {} }}", pairs.join(", "))
}

fn psk(file: &Path) -> Vec<String> {
    vec![format!("psk_file = {}", path(file))]
}

fn key(file: &Path) -> Vec<String> {
    vec![format!("key = {}", path(file))]
}

fn certificates(files: &[(PathBuf, PathBuf)]) -> Vec<String> {
    vec![
        format!("cert = {}", paths(files.iter().map(|(cert, _)| cert))),
        format!("key = {}", paths(files.iter().map(|(_, key)| key))),
    ]
}

fn peer_pairs(peer: &PeerFiles, public_key: &str) -> Vec<String> {
    match peer {
        PeerFiles::Psk(file) => psk(file),
        PeerFiles::PublicKeys(files) => vec![format!("{public_key} = {}", paths(files.iter()))],
        PeerFiles::Authorities {
            cas,
            crls,
            revocation,
        } => {
            let mut out = vec![format!("ca = {}", paths(cas.iter()))];
            if !crls.is_empty() {
                out.push(format!("crl = {}", paths(crls.iter())));
            }
            match revocation {
                Revocation::Strict => out.push("revocation = \"strict\"".to_owned()),
                Revocation::IfUri => out.push("revocation = \"ifuri\"".to_owned()),
                Revocation::Relaxed => {}
            }
            out
        }
    }
}

fn path(file: &Path) -> String {
    text(&file.to_string_lossy())
}

fn paths<'a>(files: impl Iterator<Item = &'a PathBuf>) -> String {
    let files: Vec<String> = files.map(|f| path(f)).collect();
    format!("[{}]", files.join(", "))
}

fn one_child(out: &mut String, c: &Child, own_net: bool) {
    if own_net {
        line(out, "local_net", &list(&c.local_ts));
    }
    line(out, "remote_net", &list(&c.remote_ts));
    if c.esp != algorithms::default_esp() {
        line(out, "esp", &list(&c.esp));
    }
    if c.mode == Mode::Transport {
        let prefer = if c.leeway.tunnel_instead {
            "prefer-"
        } else {
            ""
        };
        line(out, "mode", &text(&format!("{prefer}transport")));
    }
    if !c.leeway.narrow {
        line(out, "narrow", &text("refuse"));
    }
    if c.replay_window != child::REPLAY_WINDOW {
        line(out, "replay_window", &c.replay_window);
    }
    carriage::write(out, &c.carriage);
    life::write_child(out, &c.life);
}

pub(super) fn line(out: &mut String, key: &str, value: &dyn core::fmt::Display) {
    let _ = writeln!(out, "{key:<10} = {value}");
}

pub(super) fn text(value: &str) -> String {
    Value::from(value).to_string()
}

pub(super) fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|i| text(&i.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// An FQDN that reads as a word of this dialect carries the `@` that makes it one.
fn identity(id: Option<&Identity>) -> String {
    match id {
        None => text("any"),
        Some(Identity::Fqdn(name)) if name == "any" || name.starts_with('%') => {
            text(&format!("@{name}"))
        }
        Some(id) => text(&id.to_string()),
    }
}
