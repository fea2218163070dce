//! Colour, which never carries meaning by itself.

use std::io::IsTerminal;
use std::sync::OnceLock;

use crate::cli::ColorChoice;

static CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// Settles the choice once, before anything is printed.
pub fn choose(choice: ColorChoice) {
    // A second call can't happen: main settles it once. If it did, the first choice would stand.
    let _ = CHOICE.set(choice);
}

fn wanted(terminal: bool) -> bool {
    match CHOICE.get().copied().unwrap_or(ColorChoice::Auto) {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            terminal
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        }
    }
}

/// A palette for one stream.
#[derive(Clone, Copy, Debug)]
pub struct Palette(bool);

impl Palette {
    /// For standard output.
    pub fn stdout() -> Self {
        Self(wanted(std::io::stdout().is_terminal()))
    }

    /// For standard error.
    pub fn stderr() -> Self {
        Self(wanted(std::io::stderr().is_terminal()))
    }

    /// Without colour, for files.
    pub fn plain() -> Self {
        Self(false)
    }

    /// Whether colour is on.
    pub fn on(self) -> bool {
        self.0
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Headings.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Asides.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Good news.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// Open questions.
    pub fn open(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Names and values.
    pub fn value(self, text: &str) -> String {
        self.paint("36", text)
    }
}
