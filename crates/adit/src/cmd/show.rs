//! `adit show`.

use adit_gateway::client::Client;
use adit_model::show::{Shown, Topic};

use super::{Outcome, print, print_json};
use crate::cli::{ShowArgs, ShowTopic};
use crate::exit::Exit;
use crate::render::show;
use crate::render::style::Palette;

/// Shows one topic, of one tunnel or of all.
pub fn show(args: &ShowArgs) -> Outcome {
    let topic = match args.topic {
        ShowTopic::IkeSa => Topic::IkeSa,
        ShowTopic::IpsecSa => Topic::IpsecSa,
        ShowTopic::Policy => Topic::Policy,
        ShowTopic::Certs => Topic::Certs,
        ShowTopic::Drops => Topic::Drops,
        ShowTopic::Log => Topic::Log,
    };
    let mut client = Client::connect(&args.state.state)?;
    let shown = client.show(topic, args.name.as_deref())?;
    if !args.json {
        print(&show::shown(&shown, Palette::stdout()))?;
        return Ok(Exit::Done);
    }
    match &shown {
        Shown::IkeSa(document) => print_json(document),
        Shown::IpsecSa(document) => print_json(document),
        Shown::Policy(document) => print_json(document),
        Shown::Certs(document) => print_json(document),
        Shown::Drops(document) => print_json(document),
        Shown::Log(document) => print_json(document),
    }?;
    Ok(Exit::Done)
}
