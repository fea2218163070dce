//! What is wrong with a text, and what to write instead.

use core::fmt;
use core::ops::Range;

use serde::Serialize;

use crate::redact::redact;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the configuration is used as it is.
    Note,
    /// Probably not what was meant; the configuration is used as it is.
    Warning,
    /// The configuration isn't used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One thing to say about a place in a text. `Display` writes it for a terminal without colours, beginning with
/// `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Kebab-case name of the kind of problem, stable for scripts and tests.
    pub code: &'static str,
    /// Name of the text, as it was handed in.
    pub file: String,
    /// The place, in octets of the text.
    pub span: Range<usize>,
    /// Line of the place's begin, from 1.
    pub line: usize,
    /// Column of the place's begin in characters, from 1.
    pub column: usize,
    /// The key in question with its sections, such as `tunnel.office.remote`; empty when none is.
    pub key: String,
    /// The problem in one sentence.
    pub message: String,
    /// What was found.
    pub found: Option<String>,
    /// What was expected.
    pub expected: Option<String>,
    /// Text that can be copied in place of the wrong one.
    pub fix: Option<String>,
    /// More to know.
    pub notes: Vec<String>,
    /// The line of the place, secrets blanked.
    pub source_line: String,
}

impl Diagnostic {
    /// Says what was found.
    pub fn found(&mut self, what: impl fmt::Display) -> &mut Self {
        self.found = Some(what.to_string());
        self
    }

    /// Says what was expected.
    pub fn expected(&mut self, what: impl fmt::Display) -> &mut Self {
        self.expected = Some(what.to_string());
        self
    }

    /// Gives the text to copy.
    pub fn fix(&mut self, text: impl fmt::Display) -> &mut Self {
        self.fix = Some(text.to_string());
        self
    }

    /// Adds a note.
    pub fn note(&mut self, text: impl fmt::Display) -> &mut Self {
        self.notes.push(text.to_string());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{}:{}: {}[{}]: {}",
            self.file, self.line, self.column, self.severity, self.code, self.message
        )?;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        if !self.source_line.trim().is_empty() {
            let before = self.column - 1;
            // A tab stays a tab, so that the marker stands below its place.
            let indent: String = self
                .source_line
                .chars()
                .take(before)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let rest = self.source_line.chars().count().saturating_sub(before);
            let marks = self.span.len().clamp(1, rest.max(1));
            writeln!(f, "{margin} |")?;
            writeln!(f, "{number} | {}", self.source_line)?;
            writeln!(f, "{margin} | {indent}{}", "^".repeat(marks))?;
        }
        let rows = [
            ("found", &self.found),
            ("expected", &self.expected),
            ("fix", &self.fix),
        ];
        for (label, text) in rows {
            let Some(text) = text else { continue };
            let hang = format!("\n{margin}   {}", " ".repeat(label.len() + 2));
            writeln!(f, "{margin} = {label}: {}", text.replace('\n', &hang))?;
        }
        for note in &self.notes {
            writeln!(f, "{margin} = note: {note}")?;
        }
        Ok(())
    }
}

/// A named text and where its lines begin.
pub(crate) struct Text<'a> {
    pub(crate) name: &'a str,
    pub(crate) raw: &'a str,
    redacted: String,
}

impl<'a> Text<'a> {
    pub(crate) fn new(name: &'a str, raw: &'a str) -> Self {
        Self {
            name,
            raw,
            redacted: redact(raw),
        }
    }

    /// A diagnostic at `span`, which is brought inside the text and onto character boundaries.
    pub(crate) fn diagnostic(
        &self,
        severity: Severity,
        code: &'static str,
        span: Range<usize>,
        key: &str,
        message: String,
    ) -> Diagnostic {
        let start = floor_boundary(self.raw, span.start);
        let end = floor_boundary(self.raw, span.end).max(start);
        let head = self.raw.get(..start).unwrap_or_default();
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self
            .raw
            .get(start..)
            .and_then(|rest| rest.find('\n'))
            .map_or(self.raw.len(), |at| start + at);
        let source_line = self
            .redacted
            .get(line_start..line_end)
            .unwrap_or_default()
            .trim_end()
            .to_owned();
        Diagnostic {
            severity,
            code,
            file: self.name.to_owned(),
            // One line is shown, so a span doesn't leave it.
            span: start..end.min(line_end.max(start)),
            line: head.matches('\n').count() + 1,
            column: head.get(line_start..).map_or(0, |h| h.chars().count()) + 1,
            key: key.to_owned(),
            message,
            found: None,
            expected: None,
            fix: None,
            notes: Vec::new(),
            source_line,
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
