//! The way of a packet for a terminal: a line for each step, one arrow for each direction.

use adit_model::traced::{HopOutcome, How, Traced};

use super::style::Palette;
use super::wrap::{beside, labelled};

/// The whole way, and where it ends.
pub fn text(traced: &Traced, palette: Palette) -> String {
    let about = match traced.how {
        How::Sent => "one packet was sent and followed",
        How::Watched => "packets of others were waited for",
        How::Predicted => "nothing was sent: what tables and rules say",
    };
    let tunnel = match (&traced.tunnel, &traced.child) {
        (Some(tunnel), Some(child)) => format!(", tunnel {tunnel}/{child}"),
        (Some(tunnel), None) => format!(", tunnel {tunnel}"),
        _ => String::new(),
    };
    let heading = format!("{} -> {}", traced.from, traced.to);
    let mut out = format!("{}{tunnel}; {about}\n", palette.bold(&heading));
    for hop in &traced.hops {
        let arrow = if hop.back { "<-" } else { "->" };
        let mark = match hop.outcome {
            HopOutcome::Passed => palette.good("ok  "),
            HopOutcome::Stopped => palette.bad("STOP"),
            HopOutcome::Expected => palette.dim("(ok)"),
            HopOutcome::Unseen => palette.open("?   "),
        };
        let label = format!("  {arrow} {mark} {:13}", hop.stage);
        out.push_str(&beside(&label, &hop.text));
    }
    out.push('\n');
    let summary = match &traced.stopped {
        Some(stop) => {
            let mut told = labelled(0, "stays", &traced.summary);
            told.push_str(&labelled(0, "stopped by", &stop.by));
            if let Some(fix) = &stop.fix {
                told.push_str(&labelled(0, "fix", fix));
            }
            told
        }
        None => format!("{}\n", traced.summary),
    };
    out.push_str(&summary);
    // What is open tells it already.
    if let (Some(problem), false) = (&traced.problem, traced.open) {
        out.push_str(&labelled(0, "problem", problem));
    }
    out
}
