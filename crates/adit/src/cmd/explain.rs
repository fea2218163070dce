//! `adit explain`: the page of one cause, offline.

use std::fmt::Write as _;

use adit_diagnose::{Page, explain as page_of, nearest, rules};
use anyhow::anyhow;
use serde::Serialize;

use super::{Outcome, print, print_json};
use crate::cli::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::{labelled, paragraph};

/// The `adit.explain/1` document.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    causes: Vec<Cause>,
}

#[derive(Serialize)]
struct Cause {
    cause: &'static str,
    title: &'static str,
    what: &'static str,
    initiator_sees: &'static str,
    responder_sees: &'static str,
    look_alikes: Vec<LookAlike>,
    fix: Vec<Fix>,
    source: &'static str,
}

#[derive(Serialize)]
struct LookAlike {
    cause: &'static str,
    told_apart_by: &'static str,
}

#[derive(Serialize)]
struct Fix {
    product: &'static str,
    fix: &'static str,
}

/// Shows one page, or the list of causes.
pub fn explain(args: &ExplainArgs) -> Outcome {
    let pages: Vec<(&'static str, &'static Page)> = match &args.cause {
        None => rules().map(|rule| (rule.id, &rule.page)).collect(),
        Some(id) => vec![find(id)?],
    };
    if args.json {
        let causes = pages.iter().map(|(id, page)| document(id, page)).collect();
        print_json(&Document {
            schema: "adit.explain/1",
            causes,
        })?;
        return Ok(Exit::Done);
    }
    let p = Palette::stdout();
    if args.cause.is_none() {
        let widest = pages.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
        for (id, page) in pages {
            print(&format!(
                "{}{}  {}\n",
                p.value(id),
                " ".repeat(widest - id.len()),
                page.title
            ))?;
        }
        return Ok(Exit::Done);
    }
    for (id, page) in pages {
        print(&text(id, page, p))?;
    }
    Ok(Exit::Done)
}

fn find(id: &str) -> Result<(&'static str, &'static Page), Failure> {
    let known = rules()
        .find(|rule| rule.id == id)
        .map(|rule| rule.id)
        .zip(page_of(id));
    known.ok_or_else(|| {
        let hint = nearest(id).map_or_else(
            || "adit explain lists what there is".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::usage(anyhow!("no page for `{id}`; {hint}"))
    })
}

fn document(id: &'static str, page: &'static Page) -> Cause {
    Cause {
        cause: id,
        title: page.title,
        what: page.what,
        initiator_sees: page.initiator,
        responder_sees: page.responder,
        look_alikes: page
            .look_alikes
            .iter()
            .map(|(cause, told_apart_by)| LookAlike {
                cause,
                told_apart_by,
            })
            .collect(),
        fix: page
            .fix
            .iter()
            .map(|(product, fix)| Fix { product, fix })
            .collect(),
        source: page.source,
    }
}

fn text(id: &str, page: &Page, p: Palette) -> String {
    let mut out = format!("{}  {}\n\n", p.value(id), p.bold(page.title));
    out.push_str(&paragraph(2, page.what));
    let _ = writeln!(out, "\n{}", p.bold("How each side sees it"));
    out.push_str(&labelled(2, "initiator", page.initiator));
    out.push_str(&labelled(2, "responder", page.responder));
    if !page.look_alikes.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("What looks like it"));
        for (cause, question) in page.look_alikes {
            out.push_str(&labelled(2, cause, question));
        }
    }
    let _ = writeln!(out, "\n{}", p.bold("Fix"));
    for (product, fix) in page.fix {
        out.push_str(&labelled(2, product, fix));
    }
    let _ = writeln!(out, "\n{}", p.dim(page.source));
    out
}
