//! `adit rekey`, `adit reset` and `adit reload`.

use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

use adit_gateway::client::Client;
use adit_gateway::protocol::Renewal;
use adit_model::plan::Plan;

use super::switch::{ended, tell};
use super::{Outcome, print, print_json};
use crate::cli::{RekeyArgs, ReloadArgs, ResetArgs};
use crate::exit::{Exit, Failure};
use crate::render::plan::plan;
use crate::render::style::Palette;

/// New keys; what happens meanwhile goes to standard error.
pub fn rekey(args: &RekeyArgs) -> Outcome {
    let mut client = Client::connect(&args.wait.state.state)?;
    let wait = Duration::from_secs(args.wait.timeout);
    let began = Instant::now();
    let what = match &args.child {
        Some(child) => Renewal::Child(child.clone()),
        None if args.ike => Renewal::IkeSa,
        None if args.reauth => Renewal::Reauthentication,
        None => Renewal::Everything,
    };
    let told = client.rekey(&args.name, what, wait, tell)?;
    if args.json {
        print_json(&client.status(Some(&args.name))?)?;
    }
    Ok(ended(&told, wait, began))
}

/// Says what will be cut, asks, and cuts it.
pub fn reset(args: &ResetArgs) -> Outcome {
    let (name, child) = (args.name.as_deref(), args.child.as_deref());
    let mut client = Client::connect(&args.wait.state.state)?;
    let mut cuts = client.plan_reset(name, child)?;
    if !args.yes {
        // How much is at stake is what passes now.
        std::thread::sleep(SECOND);
        measure(&mut cuts, &client.plan_reset(name, child)?);
    }
    if args.dry_run {
        show(&cuts, args.json)?;
        return Ok(Exit::Done);
    }
    eprint!("{}", plan(&cuts, Palette::stderr()));
    if !args.yes && !cuts.cuts.is_empty() && !agreed()? {
        eprintln!("nothing was changed");
        return Ok(Exit::Done);
    }
    let wait = Duration::from_secs(args.wait.timeout);
    let began = Instant::now();
    let told = client.reset(name, child, wait, tell)?;
    cuts.done = true;
    if args.json {
        print_json(&cuts)?;
    }
    Ok(ended(&told, wait, began))
}

/// Has the configuration read again.
pub fn reload(args: &ReloadArgs) -> Outcome {
    let mut client = Client::connect(&args.state.state)?;
    let done = client.reload(args.dry_run)?;
    show(&done, args.json)?;
    Ok(Exit::Done)
}

fn show(document: &Plan, json: bool) -> Result<(), Failure> {
    if json {
        print_json(document)
    } else {
        print(&plan(document, Palette::stdout())).map(drop)
    }
}

/// How many packets passed between two plans of the same cuts.
fn measure(first: &mut Plan, then: &Plan) {
    for cut in &mut first.cuts {
        let same = then
            .cuts
            .iter()
            .find(|c| c.tunnel == cut.tunnel && c.child == cut.child);
        cut.packets_last_second = same.map(|c| {
            (c.packets_in + c.packets_out).saturating_sub(cut.packets_in + cut.packets_out)
        });
    }
}

fn agreed() -> Result<bool, Failure> {
    let mut input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::usage(anyhow::anyhow!(
            "nobody is there to be asked. Fix: --yes, or --dry-run to see what it would cut"
        )));
    }
    eprint!("cut it? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::BufReader::new(&mut input).read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

const SECOND: Duration = Duration::from_secs(1);
