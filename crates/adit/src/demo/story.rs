//! The demo as told on a terminal: one line per step, on standard error when JSON is wanted.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use super::report::Step;
use crate::render::style::Palette;

/// Tells and records the steps.
pub struct Story {
    began: Instant,
    palette: Palette,
    quiet: bool,
    live: bool,
    /// What was told so far.
    pub steps: Vec<Step>,
}

impl Story {
    /// A new story; with `json` nothing but the document goes to standard output.
    pub fn new(json: bool) -> Self {
        let palette = if json {
            Palette::stderr()
        } else {
            Palette::stdout()
        };
        Self {
            began: Instant::now(),
            palette,
            quiet: json,
            live: !json && std::io::stdout().is_terminal(),
            steps: Vec::new(),
        }
    }

    /// The palette of the stream that the story is told on.
    pub fn palette(&self) -> Palette {
        self.palette
    }

    /// What is being done now; replaced by the next line on a terminal, not shown elsewhere.
    pub fn working(&self, what: &str) {
        if self.live {
            let mut out = std::io::stdout();
            // A listener who has left doesn't stop the demo.
            let _ = write!(out, "\r\x1b[2K  {} {what} …", self.palette.dim("·"))
                .and_then(|()| out.flush());
        }
    }

    /// A step that went as it should.
    pub fn done(&mut self, what: impl Into<String>) {
        self.step(what.into(), true);
    }

    /// A step that didn't.
    pub fn failed(&mut self, what: impl Into<String>) {
        self.step(what.into(), false);
    }

    /// Text between steps.
    pub fn say(&self, text: &str) {
        self.line(text);
    }

    fn step(&mut self, what: String, ok: bool) {
        let at_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mark = if ok {
            self.palette.good("✓")
        } else {
            self.palette.bad("✗")
        };
        let stamp = self
            .palette
            .dim(&format!("{:>6.2} s", at_ms as f64 / 1000.0));
        self.line(&format!("{stamp}  {mark} {what}"));
        self.steps.push(Step { what, ok, at_ms });
    }

    fn line(&self, text: &str) {
        // A listener who has left doesn't stop the demo: what it started has to be taken down again.
        let _ = if self.quiet {
            writeln!(std::io::stderr(), "{text}")
        } else if self.live {
            writeln!(std::io::stdout(), "\r\x1b[2K{text}")
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
    }
}
