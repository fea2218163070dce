//! Configurations that are trees: `set a b c` commands, the same in braces, and PAN-OS's XML.

use adit_model::peer_config::Weight;

use super::context::{Context, Line};
use super::segment::{after_prompt, set_command};
use super::value::unquote;

/// A word of the tree with what stands below it.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) word: String,
    /// Where it was written first.
    pub(crate) line: &'a Line,
    pub(crate) nodes: Vec<Node<'a>>,
}

/// More words aren't kept.
const MOST_NODES: usize = 50_000;
/// Deeper nesting isn't followed.
const DEEPEST: usize = 24;

/// A whole configuration.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    count: usize,
}

impl<'a> Tree<'a> {
    fn add(&mut self, path: &[String], line: &'a Line) {
        let mut level = &mut self.nodes;
        for word in path.iter().take(DEEPEST) {
            let at = match level.iter().position(|n| n.word == *word) {
                Some(at) => at,
                None => {
                    if self.count >= MOST_NODES {
                        return;
                    }
                    self.count += 1;
                    level.push(Node {
                        word: word.clone(),
                        line,
                        nodes: Vec::new(),
                    });
                    level.len() - 1
                }
            };
            match level.get_mut(at) {
                Some(node) => level = &mut node.nodes,
                None => return,
            }
        }
    }

    fn remove(&mut self, path: &[String]) {
        fn prune(level: &mut Vec<Node<'_>>, path: &[String]) {
            match path {
                [] => {}
                [last] => level.retain(|n| n.word != *last),
                [first, rest @ ..] => {
                    if let Some(node) = level.iter_mut().find(|n| n.word == *first) {
                        prune(&mut node.nodes, rest);
                    }
                }
            }
        }
        prune(&mut self.nodes, path);
    }

    /// The node at the end of a path from the root.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node<'a>> {
        let (first, rest) = path.split_first()?;
        let node = self.nodes.iter().find(|n| n.word == *first)?;
        node.at(rest)
    }
}

impl<'a> Node<'a> {
    /// The node at the end of a path from here; this one for an empty path.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node<'a>> {
        path.iter().try_fold(self, |node, word| {
            node.nodes.iter().find(|n| n.word == *word)
        })
    }

    /// The first word below a path: its value, with its line.
    pub(crate) fn value(&self, path: &[&str]) -> Option<(&str, &'a Line)> {
        let node = self.at(path)?;
        node.nodes.first().map(|n| (n.word.as_str(), n.line))
    }

    /// Every word below a path.
    pub(crate) fn values(&self, path: &[&str]) -> Vec<(&str, &'a Line)> {
        self.at(path)
            .map(|n| n.nodes.iter().map(|v| (v.word.as_str(), v.line)).collect())
            .unwrap_or_default()
    }

    /// The nodes below a path.
    pub(crate) fn below(&self, path: &[&str]) -> &[Node<'a>] {
        self.at(path).map_or(&[], |n| n.nodes.as_slice())
    }
}

/// Reads commands, braces or XML. Commands that lost a letter are told and read as they were meant.
pub(crate) fn tree<'a>(ctx: &mut Context<'_>, lines: &'a [Line]) -> Tree<'a> {
    let mut tree = Tree::default();
    let mut stack: Vec<Vec<String>> = Vec::new();
    let sets = lines
        .iter()
        .filter(|l| {
            set_command(after_prompt(&l.text)).is_some() || l.text.trim_start().starts_with("set ")
        })
        .count();
    for line in lines {
        let text = after_prompt(&line.text);
        if text.is_empty() || text.starts_with(['#', '!']) || text.starts_with("/*") {
            continue;
        }
        if text.starts_with('<') {
            xml(&mut tree, &mut stack, text, line);
            continue;
        }
        let first = text.split_whitespace().next().unwrap_or_default();
        match first {
            "set" => {
                let words = words(text.get(3..).unwrap_or_default());
                insert(&mut tree, &[], &words, line);
            }
            "delete" => tree.remove(&words(text.get(6..).unwrap_or_default())),
            _ if sets > 0 && !text.ends_with(['{', '}', ';']) => {
                let path = words(text.get(first.len()..).unwrap_or_default());
                let known = set_command(&format!("set {}", path.join(" "))).is_some()
                    || path.first().is_some_and(|w| {
                        matches!(
                            w.as_str(),
                            "security"
                                | "vpn"
                                | "interfaces"
                                | "protocols"
                                | "network"
                                | "firewall"
                                | "nat"
                        )
                    });
                let near = adit_model::text::distance(first, "set") <= 2 && first.len() <= 4;
                if known && near {
                    let source = ctx.source(line);
                    ctx.lint(
                        "config-line-lost",
                        Weight::Error,
                        None,
                        source,
                        format!("`{first}` isn't a command, so the line is lost when it is pasted; `set` was meant"),
                        "set …, the whole line again",
                    );
                }
            }
            _ => braces(&mut tree, &mut stack, text, line),
        }
    }
    tree
}

/// Puts a path into the tree; a list in brackets becomes several values.
fn insert<'a>(tree: &mut Tree<'a>, base: &[String], words: &[String], line: &'a Line) {
    if let Some(open) = words.iter().position(|w| w == "[") {
        let close = words.iter().position(|w| w == "]").unwrap_or(words.len());
        let head: Vec<String> = base
            .iter()
            .chain(words.get(..open).unwrap_or_default())
            .cloned()
            .collect();
        for value in words.get(open + 1..close).unwrap_or_default() {
            let mut path = head.clone();
            path.push(value.clone());
            tree.add(&path, line);
        }
        return;
    }
    let path: Vec<String> = base.iter().chain(words).cloned().collect();
    tree.add(&path, line);
}

/// `name value {`, `key value;`, `key value`, `}`.
fn braces<'a>(tree: &mut Tree<'a>, stack: &mut Vec<Vec<String>>, text: &str, line: &'a Line) {
    let mut rest = text;
    while !rest.is_empty() {
        let end = outside_quotes(rest, &['{', '}', ';']).unwrap_or(rest.len());
        let (head, after) = rest.split_at(end);
        let words = words(head);
        let base: Vec<String> = stack.iter().flatten().cloned().collect();
        match after.chars().next() {
            Some('{') => {
                insert(tree, &base, &words, line);
                if stack.len() < DEEPEST {
                    stack.push(words);
                }
            }
            Some('}') => {
                if !words.is_empty() {
                    insert(tree, &base, &words, line);
                }
                stack.pop();
            }
            _ => {
                if !words.is_empty() {
                    insert(tree, &base, &words, line);
                }
            }
        }
        rest = after.get(1..).unwrap_or_default().trim_start();
    }
}

/// `<entry name="x">`, `<key>value</key>`, `<member>x</member>`, `</key>`: members and entries are words by themselves.
fn xml<'a>(tree: &mut Tree<'a>, stack: &mut Vec<Vec<String>>, text: &str, line: &'a Line) {
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let value = rest.get(..open).unwrap_or_default().trim();
        if !value.is_empty() {
            let base: Vec<String> = stack.iter().flatten().cloned().collect();
            insert(tree, &base, &[value.to_owned()], line);
        }
        let Some(close) = rest.get(open..).and_then(|t| t.find('>')).map(|i| i + open) else {
            return;
        };
        let tag = rest.get(open + 1..close).unwrap_or_default();
        rest = rest.get(close + 1..).unwrap_or_default();
        if tag.starts_with('/') {
            stack.pop();
            continue;
        }
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let single = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let name = tag.split_whitespace().next().unwrap_or_default();
        let level = if name == "entry" {
            let named = tag
                .split_once("name=")
                .map(|(_, v)| v.trim_start_matches(['"', '\'']))
                .and_then(|v| v.split(['"', '\'']).next())
                .unwrap_or_default();
            vec![named.to_owned()]
        } else if name == "member" {
            Vec::new()
        } else {
            vec![name.to_owned()]
        };
        let base: Vec<String> = stack.iter().flatten().cloned().collect();
        if !level.is_empty() {
            insert(tree, &base, &level, line);
        }
        if !single && stack.len() < DEEPEST {
            stack.push(level);
        }
    }
}

/// Words; what is in quotes is one.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => rest
                .get(1..)
                .and_then(|t| t.find(first))
                .map_or(rest.len(), |i| i + 2),
            '[' | ']' => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '[' | ']'))
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        out.push(unquote(word).to_owned());
        rest = after.trim_start();
    }
    out
}

fn outside_quotes(text: &str, marks: &[char]) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if marks.contains(&c) => return Some(i),
            None => {}
        }
    }
    None
}
