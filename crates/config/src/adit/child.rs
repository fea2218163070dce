//! `[tunnel.NAME.child.NAME]`.

use std::net::IpAddr;

use adit_model::connection::{Child, Leeway, Mode};
use adit_model::proposal::SaKind;
use adit_model::selector::Selector;
use adit_model::text::did_you_mean;
use ipnet::IpNet;

use crate::adit::pool::Placeholders;
use crate::adit::reader::{Reader, Table, Word};
use crate::adit::{algorithms, carriage, interface, life};

use crate::diagnostic::Severity;

/// The default of `replay_window`.
pub(super) const REPLAY_WINDOW: u32 = 1024;

/// Reads one child.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    table: &Table<'_>,
    allow_weak: bool,
    placeholders: &Placeholders,
) -> Child {
    let local_ts = if placeholders.local {
        given_instead(reader, table);
        Vec::new()
    } else if placeholders.everything && !table.entries.contains_key("local_net") {
        interface::everything()
    } else {
        nets(reader, table, "local_net", "10.1.0.0/24")
    };
    let remote_ts = if table.entries.contains_key("remote_net") {
        nets(reader, table, "remote_net", "10.2.0.0/24")
    } else if !placeholders.remote.is_empty() {
        placeholders.remote.clone()
    } else if placeholders.everything {
        interface::everything()
    } else {
        nets(reader, table, "remote_net", "10.2.0.0/24")
    };
    let (mode, tunnel_instead) = word(reader, table, "mode", &MODES);
    let narrow = word(reader, table, "narrow", &NARROW);
    Child {
        name: name.to_owned(),
        local_ts,
        remote_ts,
        esp: algorithms::of(reader, table, "esp", SaKind::Esp, allow_weak),
        mode,
        replay_window: reader.number(table, "replay_window", 32..=4096, REPLAY_WINDOW),
        life: life::of_child(reader, table),
        leeway: Leeway {
            narrow,
            tunnel_instead,
        },
        carriage: carriage::read(reader, table, mode == Mode::Transport && !tunnel_instead),
    }
}

/// What `mode` may say: the mode, and whether tunnel mode will do as well.
pub(super) const MODES: [(&str, (Mode, bool)); 3] = [
    ("tunnel", (Mode::Tunnel, false)),
    ("transport", (Mode::Transport, false)),
    ("prefer-transport", (Mode::Transport, true)),
];

/// What `narrow` may say: whether traffic may be narrowed.
pub(super) const NARROW: [(&str, bool); 2] = [("allow", true), ("refuse", false)];

/// One of a few words; the first is the default.
pub(super) fn word<T: Copy, const N: usize>(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    key: &str,
    words: &[(&str, T); N],
) -> T {
    let (default, first) = words[0];
    let Some(found) = reader.word(table, key) else {
        return first;
    };
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == found.text) {
        return *meaning;
    }
    let near = did_you_mean(found.text, words.iter().map(|(word, _)| *word));
    let quoted: Vec<String> = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    reader
        .error(
            "unknown-word",
            &found.at,
            format!("`{}` is no `{key}`", found.text.escape_debug()),
        )
        .expected(quoted.join(" or "))
        .fix(format!("{key} = \"{}\"", near.unwrap_or(default)));
    first
}

/// With `virtual_ip` the peer says what our side is.
fn given_instead(reader: &mut Reader<'_>, table: &Table<'_>) {
    if table.entries.contains_key("local_net") {
        reader
            .error(
                "local-net-and-virtual-ip",
                &table.at_key("local_net"),
                "with `virtual_ip` the address that the peer gives is all of our side",
            )
            .expected("`local_net` or `virtual_ip`")
            .note("leave `local_net` out");
    }
}

pub(super) fn nets(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    example: &str,
) -> Vec<Selector> {
    if !table.entries.contains_key(name) {
        reader.missing(table, name, &format!("{name} = [\"{example}\"]"));
    }
    let mut out: Vec<Selector> = Vec::new();
    for word in reader.words(table, name).unwrap_or_default() {
        match word.text.parse::<Selector>() {
            Ok(selector) => {
                host_bits(reader, &word, &selector);
                if out.contains(&selector) {
                    reader
                        .report(
                            Severity::Warning,
                            "duplicate-network",
                            &word.at,
                            format!("{selector} is in `{name}` twice"),
                        )
                        .note("it is used once");
                } else {
                    out.push(selector);
                }
            }
            Err(error) => {
                let d = reader.error("bad-network", &word.at, error.to_string());
                d.expected(
                    "a network, an address or a range, each with an optional [protocol/port]",
                );
                if let Some(fix) = prefix_from_mask(word.text) {
                    d.fix(format!("{name} = [\"{fix}\"]"))
                        .note("the length of the prefix is written, not the mask");
                } else {
                    d.fix(format!("{name} = [\"{example}\"]"));
                }
            }
        }
    }
    out
}

/// `10.1.0.7/24` means 10.1.0.0/24; whoever wrote it may have meant the host.
fn host_bits(reader: &mut Reader<'_>, word: &Word<'_>, selector: &Selector) {
    let net = word.text.split('[').next().unwrap_or_default().trim();
    let Ok(net) = net.parse::<IpNet>() else {
        return;
    };
    if net.addr() != net.network() {
        reader
            .report(
                Severity::Warning,
                "host-bits",
                &word.at,
                format!("{net} has bits beyond its prefix"),
            )
            .expected(format!(
                "the network {}, or the host {}",
                net.trunc(),
                net.addr()
            ))
            .fix(format!("\"{selector}\""))
            .note(format!("it is read as {selector}"));
    }
}

fn prefix_from_mask(text: &str) -> Option<IpNet> {
    let (address, mask) = text.trim().split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let mask: IpAddr = mask.parse().ok()?;
    IpNet::with_netmask(address, mask).ok().map(|n| n.trunc())
}
