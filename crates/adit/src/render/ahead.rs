//! What will fail, for a terminal: each with its cause, what will come of it, and what to change.

use std::fmt::Write as _;

use adit_diagnose::{Forewarning, Premortem, TunnelAhead};
use adit_model::ahead::Weight;

use super::style::Palette;
use super::wrap::{beside, labelled};

/// Every tunnel.
pub fn text(premortem: &Premortem, p: Palette) -> String {
    let mut out = String::new();
    for tunnel in &premortem.tunnels {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&one(tunnel, p));
    }
    out
}

fn one(tunnel: &TunnelAhead, p: Palette) -> String {
    let state = if tunnel.up {
        p.good("up")
    } else {
        p.open("not up")
    };
    let mut out = format!("{}  {state}\n", p.bold(&tunnel.tunnel));
    for warning in &tunnel.ahead {
        out.push_str(&forewarning(warning, p));
    }
    let of = |weight| tunnel.ahead.iter().filter(|w| w.weight == weight).count();
    let looked = tunnel.seen.len();
    let _ = match of(Weight::Warning) {
        0 => writeln!(
            out,
            "  {} ({looked} things looked at)",
            p.good("nothing that will fail")
        ),
        1 => writeln!(out, "  {}", p.bad("1 thing will fail")),
        n => writeln!(out, "  {}", p.bad(&format!("{n} things will fail"))),
    };
    out
}

/// One of them.
pub fn forewarning(warning: &Forewarning, p: Palette) -> String {
    let word = match warning.weight {
        Weight::Warning => p.bad("will fail"),
        Weight::Note => p.open("note"),
    };
    let mut out = beside(&format!("  {word} [{}]", warning.cause), &warning.summary);
    out.push_str(&labelled(4, "then", &warning.consequence));
    for (label, change) in [
        ("fix", &warning.fix.local),
        ("at the peer", &warning.fix.remote),
    ] {
        if !change.is_empty() {
            out.push_str(&labelled(4, label, change));
        }
    }
    out
}
