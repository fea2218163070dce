//! What `adit probe` found, for a terminal: a line for each test, what to change below it.

use adit_model::probed::{Check, Outcome, Probed, Sent};

use super::style::Palette;
use super::wrap::{beside, labelled};

/// All tests.
pub fn text(probed: &Probed, palette: Palette) -> String {
    let state = if probed.up { "up" } else { "not up" };
    let peer = probed.peer.map(|peer| format!(", peer {peer}"));
    let mut out = format!(
        "{} is {state}{}\n",
        palette.bold(&probed.tunnel),
        peer.unwrap_or_default()
    );
    let widest = probed.checks.iter().map(|c| c.id.len()).max().unwrap_or(0);
    for check in &probed.checks {
        out.push_str(&line(check, widest, palette));
    }
    let findings = probed
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Finding)
        .count();
    out.push_str(&format!(
        "\n{}; {} in {} ms\n",
        match findings {
            0 => palette.good("nothing found that stops or harms the tunnel"),
            1 => palette.bad("1 finding"),
            n => palette.bad(&format!("{n} findings")),
        },
        sent(probed.sent),
        probed.took_ms
    ));
    out
}

fn line(check: &Check, widest: usize, palette: Palette) -> String {
    let word = match check.outcome {
        Outcome::Well => palette.good("ok     "),
        Outcome::Finding => palette.bad("FINDING"),
        Outcome::Note => palette.open("note   "),
        Outcome::Unknown => palette.open("unknown"),
    };
    let label = format!("  {word}  {:widest$}", check.id);
    let mut summary = check.summary.clone();
    if check.sent != Sent::default() {
        summary = format!("{summary} ({})", sent(check.sent));
    }
    let mut out = beside(&label, &summary);
    if let Some(fix) = &check.fix {
        out.push_str(&labelled(13 + widest, "fix", fix));
    }
    out
}

fn sent(sent: Sent) -> String {
    match sent.packets {
        0 => "sent nothing".to_owned(),
        1 => format!("sent 1 packet, {} octets", sent.octets),
        n => format!("sent {n} packets, {} octets", sent.octets),
    }
}
