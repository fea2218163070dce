//! Adit's own dialect: TOML, one screen for one tunnel, safe by default.
//!
//! ```toml
//! [tunnel.office]
//! remote   = "192.168.0.2"
//! local_id = "west.lab"
//! auth     = { psk_file = "office.psk" }
//!
//! [tunnel.office.child.lan]
//! local_net  = ["10.1.0.0/24"]
//! remote_net = ["10.2.0.0/24"]
//! ```
//!
//! A text goes through [`keys`] (what may be written, and what it means), the readers of the sections, and the checks
//! of what makes sense together. [`write()`] goes the other way.

mod algorithms;
mod auth;
mod carriage;
mod checks;
mod child;
mod duration;
mod interface;
pub mod keys;
mod life;
mod monitor;
mod policy;
mod pool;
mod ppk;
mod reader;
mod syntax;
mod tunnel;
mod write;

use crate::configuration::Configuration;
use crate::diagnostic::{Diagnostic, Severity, Text};
use reader::Reader;

pub use algorithms::{default_esp, default_ike};
pub use write::write;

/// Reads a configuration. `name` is what diagnostics call the text, usually the file's path.
///
/// The configuration is `None` exactly when one of the diagnostics is an error. Diagnostics are in the order of the
/// text.
#[must_use]
pub fn parse(name: &str, text: &str) -> (Option<Configuration>, Vec<Diagnostic>) {
    let text = Text::new(name, text);
    let mut reader = Reader::new(&text);
    let configuration = syntax::document(&mut reader)
        .map(|document| tunnel::configuration(&mut reader, document.as_table()));
    let mut diagnostics = reader.finish();
    diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    (configuration.filter(|_| !failed), diagnostics)
}

/// An error at the value of `key` (`tunnel.office.auth.psk_file`) in a text that was read before: for what only
/// the edge can find out, such as a key file that can't be opened. Points at the longest part of the path that exists.
#[must_use]
pub fn diagnostic_at(
    name: &str,
    text: &str,
    key: &str,
    code: &'static str,
    message: String,
) -> Diagnostic {
    let text = Text::new(name, text);
    let span = syntax::locate(text.raw, key).unwrap_or(0..0);
    text.diagnostic(Severity::Error, code, span, key, message)
}
