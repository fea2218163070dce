//! `adit apply`: another configuration, which goes again unless somebody confirms it.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use adit_gateway::client::Client;
use adit_gateway::protocol::{Applied, Request};
use anyhow::{Context, anyhow};

use super::check::operator;
use super::{Outcome, print, print_json, read_bytes};
use crate::cli::ApplyArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::{ahead, plan};

/// Applies, confirms or takes back.
pub fn apply(args: &ApplyArgs) -> Outcome {
    let Some(file) = &args.file else {
        return settle(args);
    };
    if args.confirm == Some(Confirm::Now) {
        return Err(Failure::usage(anyhow!(
            "--confirm with a file takes a time. Fix: adit apply {} --confirm 60s, then adit apply --confirm",
            file.display()
        )));
    }
    let text = read(file)?;
    let confirm_ms = match args.confirm {
        Some(Confirm::Within(ms)) => ms,
        _ if args.keep => 0,
        _ => DEFAULT_MS,
    };
    let mut client = Client::connect(&args.state.state)?;
    let applied = client.apply(&Request::Apply {
        text,
        dry_run: args.dry_run,
        confirm_ms,
        operator: operator(),
        anyway: args.anyway,
    })?;
    show(&applied, args.json)?;
    if applied.confirm_ms == 0 {
        let risky = args.dry_run && !applied.risks.is_empty();
        return Ok(if risky { Exit::Findings } else { Exit::Done });
    }
    let seconds = applied.confirm_ms / 1000;
    if args.json || !std::io::stdin().is_terminal() {
        eprintln!(
            "the former configuration comes back in {seconds} s, unless: adit apply --confirm"
        );
        return Ok(Exit::Done);
    }
    eprint!(
        "it holds now. Keep it? Without an answer the former one comes back in {seconds} s [y/N] "
    );
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if matches!(line.trim(), "y" | "Y" | "yes") {
        confirmed(&mut client)
    } else {
        reverted(&mut client)
    }
}

/// What is to become of the one that was applied.
fn settle(args: &ApplyArgs) -> Outcome {
    match (&args.confirm, args.revert) {
        (Some(Confirm::Now), false) => confirmed(&mut Client::connect(&args.state.state)?),
        (None, true) => reverted(&mut Client::connect(&args.state.state)?),
        _ => Err(Failure::usage(anyhow!(
            "nothing to apply. Fix: adit apply FILE, then adit apply --confirm (keeps it) or adit apply --revert"
        ))),
    }
}

fn confirmed(client: &mut Client) -> Outcome {
    match client.confirm()? {
        Some(file) => eprintln!("it stays, and is in {file}; what that was is in {file}.before"),
        None => {
            eprintln!("it stays until the gateway ends, which has no configuration file of its own")
        }
    }
    Ok(Exit::Done)
}

fn reverted(client: &mut Client) -> Outcome {
    client.revert()?;
    eprintln!("the former configuration holds again");
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<String, Failure> {
    let octets = read_bytes(file)
        .with_context(|| format!("can't read the configuration {}", file.display()))
        .map_err(Failure::usage)?;
    String::from_utf8(octets)
        .map_err(|_| Failure::usage(anyhow!("{} isn't text in UTF-8", file.display())))
}

fn show(applied: &Applied, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(applied);
    }
    let p = Palette::stdout();
    let risks: String = applied
        .risks
        .iter()
        .map(|r| ahead::forewarning(r, p))
        .collect();
    print(&format!("{risks}{}", plan::plan(&applied.plan, p))).map(drop)
}

/// What `--confirm` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Keep what was applied.
    Now,
    /// What is applied has to be confirmed within so many milliseconds.
    Within(u64),
}

/// Reads `60s`, `5m`, `1h`; `now` stands for nothing written.
pub fn time(text: &str) -> Result<Confirm, String> {
    if text == NOW {
        return Ok(Confirm::Now);
    }
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(n) if unit > 0 && (1..=86_400_000 / unit).contains(&n) => Ok(Confirm::Within(n * unit)),
        _ => Err("a time of a day at most, such as 60s or 5m".to_owned()),
    }
}

/// What `--confirm` without a value is.
pub const NOW: &str = "now";
/// How long there is to confirm, unless something else is said.
const DEFAULT_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_refused() {
        assert_eq!(time("60s"), Ok(Confirm::Within(60_000)));
        assert_eq!(time("90"), Ok(Confirm::Within(90_000)));
        assert_eq!(time("5m"), Ok(Confirm::Within(300_000)));
        assert_eq!(time("now"), Ok(Confirm::Now));
        for wrong in ["", "0s", "adit.toml", "25h", "-1s", "5x"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
