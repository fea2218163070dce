//! Text that an operator wrote, into the neutral [`adit_model::connection::Connection`] and back.
//!
//! One folder per dialect. A reader takes the file's name and its text and returns what it understood together with
//! every [`Diagnostic`] it has, not just the first: each one points at a span of the text, says what was found, what
//! was expected, and gives a line that can be copied in place of the wrong one. A configuration with a single error is
//! not returned at all, so nothing starts half-configured.
//!
//! Secrets are never in a configuration. It names the files that hold them ([`AuthFiles`]); whoever runs the tunnel reads
//! those. When somebody writes a key into the configuration all the same, the reader refuses it, and no diagnostic
//! shows it: source lines pass through [`redact`] first.
//!
//! Readers touch no file: [`adit::parse`] is handed the text, and the edge reads what a [`AuthFiles`] names.
//!
//! Modules, in the order a text passes them: [`redact`], [`adit`] (the native TOML), [`configuration`] (what comes
//! out), [`diagnostic`] (what was wrong).

pub mod adit;
pub mod configuration;
pub mod diagnostic;
pub mod redact;

pub use configuration::{
    AuthFiles, Backend, Configuration, FlightRecorder, Gateway, Offload, OwnFiles, PeerFiles,
    PpkRef, Revocation,
};
pub use diagnostic::{Diagnostic, Severity};
