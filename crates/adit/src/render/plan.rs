//! What a command cuts, as text.

use std::fmt::Write as _;

use adit_model::plan::{Cut, Plan};

use super::style::Palette;
use super::wrap::beside;

/// A plan, or what was done of it.
pub fn plan(plan: &Plan, p: Palette) -> String {
    let mut out = String::new();
    for cut in &plan.cuts {
        out.push_str(&one(cut, plan.done, p));
    }
    if plan.cuts.is_empty() {
        out.push_str("no tunnel that is up is cut\n");
    }
    for (what, names) in [
        ("new", &plan.added),
        ("changed without a cut", &plan.adjusted),
        ("untouched", &plan.kept),
        ("policies that change", &plan.policies),
    ] {
        if !names.is_empty() {
            let _ = writeln!(out, "{what}: {}", names.join(", "));
        }
    }
    if !plan.done {
        let _ = writeln!(
            out,
            "{}",
            p.dim(&format!("nothing has changed yet ({})", plan.command))
        );
    }
    out
}

fn one(cut: &Cut, done: bool, p: Palette) -> String {
    let name = match &cut.child {
        Some(child) => format!("{}/{child}", cut.tunnel),
        None => cut.tunnel.clone(),
    };
    let verb = if done { "cut" } else { "will be cut" };
    let after = if cut.again {
        "set up again at once"
    } else {
        "not set up again by this gateway"
    };
    let recent = cut
        .packets_last_second
        .map(|n| format!(", {n} in the last second"));
    beside(
        &format!("{} {verb}", p.bold(&name)),
        &format!(
            "{}: IKE SAs {}, pairs of ESP SAs {}; packets in {}, out {}{}; {after}",
            cut.why,
            cut.ike_sas,
            cut.ipsec_sas,
            cut.packets_in,
            cut.packets_out,
            recent.unwrap_or_default()
        ),
    )
}
