//! The way of a packet for a terminal: a line for each step, one arrow for each direction.

use adit_model::traced::{Far, HopOutcome, How, Traced};

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
    if let Some(far) = &traced.far {
        out.push_str(&far_side(far, palette));
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

/// What the other gateway says.
fn far_side(far: &Far, palette: Palette) -> String {
    if !far.within {
        return labelled(
            0,
            "far side",
            "the peer says that its tunnel doesn't take these packets",
        );
    }
    let mut out = format!(
        "{}\n",
        palette.bold(&format!("far side, child {}", far.child))
    );
    for sa in &far.sas {
        let arrow = if sa.outbound { "->" } else { "<-" };
        let well = sa.lost == 0 && sa.problem.is_none();
        let mark = if well {
            palette.good("ok  ")
        } else {
            palette.bad("LOSS")
        };
        let text = sa.problem.clone().unwrap_or_else(|| {
            format!(
                "sealed {}, opened {}, missing {}",
                sa.sent, sa.opened, sa.lost
            )
        });
        let label = format!("  {arrow} {mark} SPI {} ", sa.spi);
        out.push_str(&beside(&label, &text));
    }
    for drop in &far.drops {
        let (reason, meaning) = (drop.reason.name(), drop.reason.meaning());
        let text = format!("{reason}: {} packets, {meaning}", drop.packets);
        out.push_str(&labelled(2, "dropped", &text));
    }
    for finding in &far.findings {
        let fix = finding.fix.as_ref();
        let fix = fix.map_or(String::new(), |fix| format!(". Fix there: {fix}"));
        out.push_str(&labelled(
            2,
            "in the way",
            &format!("{}{fix}", finding.summary),
        ));
    }
    out
}
