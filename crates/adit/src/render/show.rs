//! `adit show` as text.

use std::fmt::Write as _;

use adit_model::drops::Severity;
use adit_model::show::{
    Difference, DropCounter, IkeSaDetail, IpsecSaDetail, LoadedCertificate, PolicyAction,
    PolicyEntry, PolicyNow, Shown,
};

use super::status::{octets, packets};
use super::style::Palette;
use super::wrap::{beside, paragraph};

/// Any topic.
pub fn shown(shown: &Shown, p: Palette) -> String {
    match shown {
        Shown::IkeSa(document) => entries("no IKE SA", &document.ike_sas, |sa| ike_sa(sa, p)),
        Shown::IpsecSa(document) => entries("no ESP SA", &document.ipsec_sas, |sa| ipsec_sa(sa, p)),
        Shown::Policy(document) => {
            let mut out = entries("no policy", &document.policies, |entry| policy(entry, p));
            let block = match document.block.as_deref() {
                Some(by) => {
                    format!(
                        "packets that would pass a protected tunnel's policy in clear are stopped by {by}"
                    )
                }
                None => "nothing stops packets that leave in clear".to_owned(),
            };
            out.push_str(&paragraph(0, &block));
            out
        }
        Shown::Certs(document) => {
            let nothing = "no certificate: every tunnel authenticates by keys";
            entries(nothing, &document.certificates, |loaded| {
                certificate(loaded, p)
            })
        }
        Shown::Drops(document) => drops(&document.drops, p),
        Shown::Log(document) => entries("nothing has happened yet", &document.events, |entry| {
            format!(
                "{:>6}  {}  {}\n",
                entry.number,
                p.dim(&entry.at),
                entry.text
            )
        }),
    }
}

fn entries<T>(nothing: &str, entries: &[T], text: impl FnMut(&T) -> String) -> String {
    if entries.is_empty() {
        return format!("{nothing}\n");
    }
    entries.iter().map(text).collect()
}

fn ike_sa(sa: &IkeSaDetail, p: Palette) -> String {
    let mut out = String::new();
    let name = sa.tunnel.as_deref().unwrap_or("(not known yet)");
    let state = match sa.state.as_str() {
        "established" => p.good(&sa.state),
        _ => p.open(&sa.state),
    };
    let _ = writeln!(
        out,
        "{}  {state}  IKEv{} {}  {} / {}",
        p.bold(name),
        sa.version,
        sa.role,
        sa.spi_initiator,
        sa.spi_responder
    );
    let unknown = "?";
    for (whose, at, id, auth) in [
        ("local ", &sa.local, &sa.local_id, &sa.local_auth),
        ("remote", &sa.remote, &sa.remote_id, &sa.remote_auth),
    ] {
        let by = auth.as_deref().map(|a| format!(" by {a}"));
        let _ = writeln!(
            out,
            "  {whose}   {at} [{}]{}",
            id.as_deref().unwrap_or(unknown),
            p.dim(&by.unwrap_or_default())
        );
    }
    if !sa.peer_auth_methods.is_empty() {
        let _ = writeln!(out, "  it takes {}", sa.peer_auth_methods.join(", "));
    }
    if let Some(nat) = &sa.nat {
        let found = match nat.as_str() {
            "none" => "none".to_owned(),
            side => p.open(&format!("found: {side}")),
        };
        let _ = writeln!(out, "  NAT      {found}");
    }
    if let Some(ppk) = &sa.ppk {
        let _ = writeln!(out, "  PPK      {ppk} is mixed into the keys");
    }
    if sa.mobike {
        let _ = writeln!(out, "  MOBIKE   both sides can move to other addresses");
    }
    for (what, list) in [
        ("given us", &sa.local_virtual_ips),
        ("given it", &sa.remote_virtual_ips),
        ("names   ", &sa.dns),
        ("networks", &sa.split),
    ] {
        if !list.is_empty() {
            let _ = writeln!(out, "  {what} {}", list.join(", "));
        }
    }
    let agreed = sa.proposal.as_deref().unwrap_or("not agreed yet");
    let additional = &sa.additional_key_exchanges;
    suite(&mut out, agreed, sa.proposal_number, additional, p);
    let times: Vec<String> = [("since", &sa.established), ("rekey at", &sa.rekey_at)]
        .iter()
        .filter_map(|(what, at)| at.as_deref().map(|at| format!("{what} {at}")))
        .collect();
    if !times.is_empty() {
        let _ = writeln!(out, "  times    {}", times.join(", "));
    }
    if !sa.children.is_empty() {
        let _ = writeln!(out, "  children {}", sa.children.join(", "));
    }
    out.push_str(&differences(&sa.differences, p));
    out
}

fn ipsec_sa(sa: &IpsecSaDetail, p: Palette) -> String {
    let mut out = String::new();
    let state = match sa.state.as_str() {
        "installed" => p.good(&sa.state),
        _ => p.open(&sa.state),
    };
    let how = if sa.encapsulation == "udp" {
        "ESP in UDP"
    } else {
        "plain ESP"
    };
    let _ = writeln!(
        out,
        "{}  {state}  {} mode, {how}  {}",
        p.bold(&format!("{}/{}", sa.tunnel, sa.child)),
        sa.mode,
        p.dim(&format!("IKE SA {}", sa.ike_spi))
    );
    let _ = writeln!(out, "  path     {} — {}", sa.local, sa.remote);
    let _ = writeln!(
        out,
        "  traffic  {} === {}",
        sa.ts_local.join(", "),
        sa.ts_remote.join(", ")
    );
    let additional = &sa.additional_key_exchanges;
    suite(&mut out, &sa.proposal, sa.proposal_number, additional, p);
    let last = sa.last_in.as_deref().map(|at| format!(", last {at}"));
    let _ = writeln!(
        out,
        "  in       {}  {}, {}{}",
        sa.spi_in,
        octets(sa.bytes_in),
        packets(sa.packets_in),
        last.unwrap_or_default()
    );
    let _ = writeln!(
        out,
        "  out      {}  {}, {}",
        sa.spi_out,
        octets(sa.bytes_out),
        packets(sa.packets_out)
    );
    if let Some(at) = &sa.rekey_at {
        let _ = writeln!(out, "  times    rekey at {at}");
    }
    out.push_str(&differences(&sa.differences, p));
    out
}

/// What was agreed on, and which of the configured proposals that is.
fn suite(out: &mut String, agreed: &str, number: Option<usize>, additional: &[String], p: Palette) {
    let number = number.map(|n| format!(" (configured number {n})"));
    let _ = writeln!(
        out,
        "  suite    {}{}",
        p.value(agreed),
        number.unwrap_or_default()
    );
    if !additional.is_empty() {
        let and = additional.join(", then ");
        let _ = writeln!(out, "           additional key exchanges: {and}");
    }
}

/// Marked where they stand, whatever the colour.
fn differences(found: &[Difference], p: Palette) -> String {
    let one = |d: &Difference| {
        let mark = p.open("≠");
        beside(
            &format!("  {mark} {}", d.what),
            &format!(
                "configured {}, in use {}: {}",
                d.configured, d.negotiated, d.meaning
            ),
        )
    };
    found.iter().map(one).collect()
}

fn certificate(loaded: &LoadedCertificate, p: Palette) -> String {
    let certificate = &loaded.certificate;
    let mut out = format!(
        "{}  {}  {}\n",
        p.bold(&certificate.subject),
        loaded.used_as,
        p.dim(&format!("for {}", loaded.tunnels.join(", ")))
    );
    super::certificate::lines(&mut out, "  ", certificate, &certificate.issuer, &[], p);
    out
}

fn policy(entry: &PolicyEntry, p: Palette) -> String {
    let action = match entry.action {
        PolicyAction::Protect => "protect",
        PolicyAction::Bypass => "bypass ",
        PolicyAction::Drop => "drop   ",
    };
    let name = match (&entry.policy, &entry.tunnel, &entry.child) {
        (Some(policy), ..) => format!("policy {policy}"),
        (None, Some(tunnel), Some(child)) => format!("{tunnel}/{child}"),
        _ => "IKE and ESP".to_owned(),
    };
    let now = match entry.now {
        PolicyNow::Protected => p.good("protected"),
        PolicyNow::Dropped => p.bad("dropped"),
        PolicyNow::Clear => p.open("clear"),
    };
    let mut out = format!(
        "{action}  {}  {} === {}  {now}\n",
        p.bold(&name),
        entry.local.join(", "),
        entry.remote.join(", ")
    );
    out.push_str(&paragraph(9, &entry.meaning));
    out
}

fn drops(counters: &[DropCounter], p: Palette) -> String {
    let mut out = String::new();
    let (counted, zero): (Vec<_>, Vec<_>) = counters.iter().partition(|c| c.packets > 0);
    if counted.is_empty() {
        out.push_str("no packet was dropped\n");
    }
    for counter in counted.iter().chain(&zero) {
        let severity = severity(counter.severity);
        let number = format!("{:>8}", counter.packets);
        let number = match (counter.packets, counter.severity) {
            (0, _) => p.dim(&number),
            (_, Severity::Alarming) => p.bad(&number),
            (_, Severity::Notable) => p.open(&number),
            (_, Severity::Normal) => number,
        };
        let of: Vec<String> = counter
            .by_child
            .iter()
            .map(|c| format!("{}/{} {}", c.tunnel, c.child, c.packets))
            .collect();
        let of = match of.as_slice() {
            [] => String::new(),
            of => format!(" ({})", of.join(", ")),
        };
        out.push_str(&beside(
            &format!("{number}  {:<26}  {severity:<8}", counter.reason.name()),
            &format!("{}{of}", counter.meaning),
        ));
    }
    out
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => "normal",
        Severity::Notable => "notable",
        Severity::Alarming => "alarming",
    }
}
