//! Lines of a configuration as commands, each with those of its mode below it.

use super::super::context::Line;
use super::super::tree::words;

/// A command with the commands of its mode below it.
#[derive(Debug)]
pub(super) struct Command<'a> {
    pub(super) words: Vec<String>,
    pub(super) line: &'a Line,
    pub(super) below: Vec<Command<'a>>,
    /// Blanks before it.
    pub(super) depth: usize,
}

impl<'a> Command<'a> {
    /// Whether it begins with these words.
    pub(super) fn is(&self, head: &[&str]) -> bool {
        self.words.len() >= head.len() && self.words.iter().zip(head).all(|(a, b)| a == b)
    }

    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    pub(super) fn find(&self, head: &[&str]) -> Option<&Command<'a>> {
        self.below.iter().find(|c| c.is(head))
    }

    pub(super) fn last(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }
}

/// First words that are never at the top: what follows them belongs to the mode above, indented or not.
pub(in super::super) const BELOW: &[&str] = &[
    "encryption",
    "encr",
    "hash",
    "authentication",
    "group",
    "lifetime",
    "integrity",
    "prf",
    "set",
    "match",
    "mode",
    "proposal",
    "peer",
    "address",
    "pre-shared-key",
    "identity",
    "keyring",
    "dpd",
    "protocol",
    "ikev1",
    "ikev2",
];

pub(super) fn commands<'a>(lines: &'a [Line]) -> Vec<Command<'a>> {
    let mut roots: Vec<Command<'a>> = Vec::new();
    let mut stack: Vec<Command<'a>> = Vec::new();
    let close = |stack: &mut Vec<Command<'a>>, roots: &mut Vec<Command<'a>>| {
        if let Some(done) = stack.pop() {
            match stack.last_mut() {
                Some(parent) => parent.below.push(done),
                None => roots.push(done),
            }
        }
    };
    for line in lines {
        let text = line.text.as_str();
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with(['!', ':']) {
            continue;
        }
        let list = words(trimmed);
        let first = list.first().map_or("", String::as_str);
        let mut depth = text.len() - text.trim_start().len();
        if depth == 0 && BELOW.contains(&first) && !stack.is_empty() {
            depth = 1;
        }
        while stack.last().is_some_and(|top| top.depth >= depth) {
            close(&mut stack, &mut roots);
        }
        stack.push(Command {
            words: list,
            line,
            below: Vec::new(),
            depth,
        });
    }
    while !stack.is_empty() {
        close(&mut stack, &mut roots);
    }
    roots
}
