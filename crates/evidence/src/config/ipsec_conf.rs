//! The skeleton of ipsec.conf, which strongSwan, Libreswan and Openswan share: sections in column one, parameters
//! indented, `also=`, `conn %default`.

use adit_model::peer_config::Weight;

use super::context::{Context, Line};

/// One parameter.
#[derive(Clone, Debug)]
pub(crate) struct Param<'a> {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: &'a Line,
}

/// One section.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) line: &'a Line,
    pub(crate) params: Vec<Param<'a>>,
    /// `config setup` sections before it: a second one is another file.
    pub(crate) setups: u32,
    /// The same, and a name that comes again begins another configuration too.
    pub(crate) block: u32,
}

/// What a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Setup,
    Conn,
    Ca,
}

/// Everything that the text has.
#[derive(Debug, Default)]
pub(crate) struct Sections<'a> {
    pub(crate) sections: Vec<Section<'a>>,
    /// Lines of ipsec.secrets that were pasted along.
    pub(crate) secrets: Vec<&'a Line>,
    /// Comments, which may tell the product.
    pub(crate) comments: Vec<&'a str>,
    /// Something of it is elsewhere.
    pub(crate) includes: Vec<&'a Line>,
}

/// Cuts the text into sections. What doesn't belong anywhere is told.
pub(crate) fn sections<'a>(ctx: &mut Context<'_>, lines: &'a [Line]) -> Sections<'a> {
    let mut out = Sections::default();
    let (mut setups, mut block) = (0, 0);
    let any_indented = lines
        .iter()
        .any(|l| l.text.starts_with([' ', '\t']) && parameter(&l.text).is_some());
    for line in lines {
        let text = without_comment(&line.text);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            if let Some(comment) = line.text.trim().strip_prefix('#') {
                out.comments.push(comment);
            }
            continue;
        }
        if super::secrets::is_secret_line(trimmed) {
            out.secrets.push(line);
            continue;
        }
        if let Some((kind, name)) = head(trimmed) {
            let anew = kind == Kind::Setup
                && out
                    .sections
                    .iter()
                    .any(|s| s.kind == Kind::Setup || s.kind == Kind::Conn);
            let again = kind == Kind::Conn
                && name != "%default"
                && out
                    .sections
                    .iter()
                    .any(|s| s.kind == kind && s.name == name && s.block == block);
            setups += u32::from(anew);
            block += u32::from(anew || again);
            if again {
                let source = ctx.source(line);
                ctx.lint(
                    "duplicate-conn-or-reqid",
                    Weight::Warning,
                    Some(name),
                    source,
                    format!("`conn {name}` is there twice; the daemon merges both or takes one"),
                    "give each connection a name of its own",
                );
            }
            out.sections.push(Section {
                kind,
                name: name.to_owned(),
                line,
                params: Vec::new(),
                setups,
                block,
            });
            continue;
        }
        let first = trimmed.split_whitespace().next().unwrap_or_default();
        if first == "include" {
            out.includes.push(line);
            continue;
        }
        if first == "version" {
            continue;
        }
        let Some((key, value)) = parameter(&text) else {
            stray(ctx, line, first, out.sections.is_empty());
            continue;
        };
        let indented = text.starts_with([' ', '\t']);
        match out.sections.last_mut() {
            None => {
                let source = ctx.source(line);
                ctx.lint(
                    "config-line-lost",
                    Weight::Warning,
                    None,
                    source,
                    format!("`{key}` stands before any `conn`: the line that begins its section is missing"),
                    "conn NAME",
                );
                // What follows is a connection all the same.
                out.sections.push(Section {
                    kind: Kind::Conn,
                    name: "unnamed".to_owned(),
                    line,
                    params: vec![Param {
                        key: key.to_ascii_lowercase(),
                        value,
                        line,
                    }],
                    setups,
                    block,
                });
            }
            Some(section) => {
                if !indented && any_indented {
                    let source = ctx.source(line);
                    let name = section.name.clone();
                    ctx.lint(
                        "config-syntax-rejected",
                        Weight::Error,
                        Some(&name),
                        source,
                        format!(
                            "`{key}` isn't indented, so it doesn't belong to the section above it"
                        ),
                        "begin the line with a blank",
                    );
                }
                section.params.push(Param {
                    key: key.to_ascii_lowercase(),
                    value,
                    line,
                });
            }
        }
    }
    out
}

fn stray(ctx: &mut Context<'_>, line: &Line, first: &str, nothing_yet: bool) {
    if nothing_yet {
        return;
    }
    let near = adit_model::text::did_you_mean(first, ["conn", "config", "ca", "include"]);
    // A word that nobody knows may be a secret that slipped.
    let shown = if near.is_some() { first } else { "" };
    let source = ctx.quote(line.number, &format!("{shown} …"));
    match near {
        Some(near) => ctx.lint(
            "config-line-lost",
            Weight::Error,
            None,
            source,
            format!("`{first}` begins no section; did you mean `{near}`?"),
            near,
        ),
        None => ctx.lint(
            "config-syntax-rejected",
            Weight::Warning,
            None,
            source,
            "the line is neither a section nor `key=value`",
            "remove it, or mend it",
        ),
    }
}

/// `conn NAME`, `config setup`, `ca NAME`.
pub(crate) fn head(text: &str) -> Option<(Kind, &str)> {
    let mut words = text.split_whitespace();
    let kind = match words.next()? {
        "conn" => Kind::Conn,
        "ca" => Kind::Ca,
        "config" => Kind::Setup,
        _ => return None,
    };
    let name = words.next()?;
    (words.next().is_none() && !name.contains('=') && (kind != Kind::Setup || name == "setup"))
        .then_some((kind, name))
}

/// `key=value`.
pub(crate) fn parameter(text: &str) -> Option<(&str, String)> {
    let (key, value) = text.split_once('=')?;
    let key = key.trim();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty()
        || !key.chars().all(word)
        || !key.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        return None;
    }
    Some((key, super::value::unquote(value.trim()).to_owned()))
}

/// The text before a comment; a mark inside quotes doesn't begin one.
fn without_comment(text: &str) -> String {
    let mut quoted = false;
    let mut previous = ' ';
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && (previous.is_whitespace() || i == 0) => {
                return text.get(..i).unwrap_or(text).trim_end().to_owned();
            }
            _ => {}
        }
        previous = c;
    }
    text.to_owned()
}

impl<'a> Sections<'a> {
    /// The parameters of a connection with those of `%default` and of what it names by `also=`; the first of a key
    /// counts.
    pub(crate) fn whole(&self, conn: &Section<'a>) -> Vec<Param<'a>> {
        let mut out: Vec<Param<'a>> = Vec::new();
        self.collect(conn, &mut out, 0);
        let defaults: Vec<&Section<'a>> = self
            .sections
            .iter()
            .filter(|s| s.kind == Kind::Conn && s.name == "%default" && s.setups == conn.setups)
            .collect();
        for section in defaults {
            self.collect(section, &mut out, 0);
        }
        out
    }

    fn collect(&self, section: &Section<'a>, out: &mut Vec<Param<'a>>, depth: usize) {
        const DEEPEST: usize = 8;
        let own = out.len();
        for param in &section.params {
            let new = !out.iter().take(own).any(|p| p.key == param.key);
            if param.key != "also" && new {
                // Within a section the last counts.
                match out.iter_mut().skip(own).find(|p| p.key == param.key) {
                    Some(earlier) => *earlier = param.clone(),
                    None => out.push(param.clone()),
                }
            }
        }
        if depth >= DEEPEST {
            return;
        }
        for also in section.params.iter().filter(|p| p.key == "also") {
            if let Some(named) = self.sections.iter().find(|s| {
                s.kind == Kind::Conn && s.name == also.value && s.setups == section.setups
            }) {
                self.collect(named, out, depth + 1);
            }
        }
    }

    /// Connections that stand for a tunnel, not for a set of parameters.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Section<'a>> {
        let included: Vec<&str> = self
            .sections
            .iter()
            .flat_map(|s| s.params.iter())
            .filter(|p| p.key == "also")
            .map(|p| p.value.as_str())
            .collect();
        self.sections.iter().filter(move |s| {
            s.kind == Kind::Conn
                && s.name != "%default"
                && (!included.contains(&s.name.as_str())
                    || s.params.iter().any(|p| p.key == "auto"))
        })
    }

    /// A parameter of `config setup`.
    pub(crate) fn setup(&self, setups: u32, key: &str) -> Option<&Param<'a>> {
        self.sections
            .iter()
            .filter(|s| s.kind == Kind::Setup && s.setups == setups)
            .flat_map(|s| s.params.iter())
            .find(|p| p.key == key)
    }
}
