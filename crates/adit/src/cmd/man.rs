//! The manual pages, made from the command line's own description.

use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Outcome;
use crate::cli::Cli;
use crate::exit::Exit;

/// One exit code a line, the same for every verb.
const EXIT_STATUS: [(&str, &str); 5] = [
    ("0", "Healthy, or done."),
    (
        "1",
        "There are findings. An undecided verdict is one, and so is a tunnel that isn't up.",
    ),
    (
        "2",
        "Wrong usage, or an error in the configuration; nothing was changed.",
    ),
    (
        "3",
        "What was asked can't be observed or done: no gateway runs, or a permission is missing.",
    ),
    ("4", "Time ran out."),
];

const FILES: [(&str, &str); 3] = [
    (
        "/etc/adit/adit.toml",
        "The configuration that adit run reads without -c.",
    ),
    (
        "/run/adit/control.sock",
        "The control socket of the running gateway; --state names another directory.",
    ),
    (
        "/dev/net/tun",
        "The device that adit run and adit demo need.",
    ),
];

/// Writes `adit.1` and one page per verb, and per verb below a verb, to `dir`.
pub fn write(dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let verbs: Vec<&Command> = root
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .collect();
    let names: Vec<String> = verbs
        .iter()
        .map(|c| format!("adit-{}", c.get_name()))
        .collect();
    page(dir, "adit", &root, &names)?;
    for (verb, name) in verbs.into_iter().zip(&names) {
        let parts: Vec<&Command> = verb
            .get_subcommands()
            .filter(|c| !c.is_hide_set() && c.get_name() != "help")
            .collect();
        let mut see_also = vec!["adit".to_owned()];
        see_also.extend(parts.iter().map(|c| format!("{name}-{}", c.get_name())));
        page(dir, name, verb, &see_also)?;
        for (part, part_name) in parts.into_iter().zip(see_also.iter().skip(1)) {
            page(dir, part_name, part, std::slice::from_ref(name))?;
        }
    }
    Ok(Exit::Done)
}

fn page(dir: &Path, name: &str, command: &Command, see_also: &[String]) -> anyhow::Result<()> {
    let path = dir.join(format!("{name}.1"));
    let text = render(name, command, see_also).with_context(|| format!("making {name}.1"))?;
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

fn render(name: &str, command: &Command, see_also: &[String]) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone().display_name(name))
        .title(name)
        .manual("Adit");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().any(|c| !c.is_hide_set()) {
        man.render_subcommands_section(&mut out)?;
    }

    let mut roff = Roff::new();
    listed(&mut roff, "EXIT STATUS", &EXIT_STATUS);
    listed(&mut roff, "FILES", &FILES);
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in examples(command) {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<String> = see_also.iter().map(|name| format!("{name}(1)")).collect();
    roff.text([roman(others.join(", "))]);
    roff.to_writer(&mut out)?;
    Ok(out)
}

fn listed(roff: &mut Roff, title: &str, items: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (term, meaning) in items {
        roff.control("TP", []);
        roff.text([roman(*term)]);
        roff.text([roman(*meaning)]);
    }
}

/// The lines that `--help` shows as examples.
fn examples(command: &Command) -> Vec<String> {
    let help = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    help.lines()
        .skip_while(|line| *line != "Examples:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned())
        .collect()
}
