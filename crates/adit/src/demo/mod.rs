//! `adit demo`: two gateways with a NAT box between them, a real tunnel, then a fault and its explanation.
//!
//! Where the system lets a process make private namespaces and TUN devices the story runs in them, without root where
//! that is allowed, and never touches the host's network. Elsewhere it says which setting closes them and runs the same
//! story in the virtual world.

mod bulk;
mod fault;
mod gateways;
mod hosts;
mod ikev1;
mod plan;
mod real;
mod report;
mod story;
mod topology;
mod unreal;
mod verdicts;
mod watcher;
mod wire;

pub use fault::Fault;

use adit_kernel::{closed, sandbox};
use anyhow::anyhow;

use crate::cli::DemoArgs;
use crate::cmd::{Outcome, print_json};
use crate::exit::{Exit, Failure};
use story::Story;

/// Runs the demo; success means that everything came true, the diagnosis included.
pub fn demo(args: &DemoArgs) -> Outcome {
    if let Some(path) = &args.pcap {
        // Told before the story, not at its end.
        std::fs::File::create(path).map_err(|error| {
            Failure::usage(anyhow!(
                "can't write the capture {}: {error}",
                path.display()
            ))
        })?;
    }
    let mut story = Story::new(args.json);
    let headline = match args.fault {
        None => "Adit demo: a tunnel between two gateways across a NAT, then a fault.".to_owned(),
        Some(fault) => format!("Adit demo: a tunnel that can't come up ({}).", fault.name()),
    };
    let bold = story.palette().bold(&headline);
    story.say(&bold);
    story.say("");
    let report = match choose_world(args)? {
        World::Real => {
            let sandbox = sandbox::enter().map_err(anyhow::Error::from)?;
            real::tell(args, &sandbox, &mut story)
        }
        World::Virtual { closed } => unreal::tell(args, closed, &mut story),
    };
    let mut report = report.map_err(|error| Failure {
        exit: Exit::CannotObserve,
        error,
    })?;
    report.steps = std::mem::take(&mut story.steps);
    story.say("");
    let verdict = if report.ok {
        story.palette().good("The demo is a success.")
    } else {
        story.palette().bad("The demo failed.")
    };
    story.say(&verdict);
    if report.ok && args.fault.is_none() && !args.json {
        story.say("Try the others: adit demo --break psk|id|proposal|dh|esp|ts|udp500|udp4500|peer-down|version");
    }
    if args.json {
        print_json(&report)?;
    }
    Ok(if report.ok {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Where the story runs.
enum World {
    Real,
    /// `closed` says which setting closes the real one, unless the virtual one was asked for.
    Virtual {
        closed: Option<String>,
    },
}

fn choose_world(args: &DemoArgs) -> Result<World, Failure> {
    if args.in_virtual_world {
        return Ok(World::Virtual { closed: None });
    }
    let closed = match closed::namespaces().map_err(anyhow::Error::from)? {
        Err(closed) => Some(closed),
        Ok(()) => closed::tun().err(),
    };
    Ok(closed.map_or(World::Real, |closed| World::Virtual {
        closed: Some(closed.to_string()),
    }))
}
