//! Why a gateway didn't start: left in its state directory by whoever tried to start it, and read when it is asked about.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use adit_config::{Diagnostic, Severity};
use adit_gateway::GatewayError;
use adit_model::sign::Sign;
use serde::{Deserialize, Serialize};

use super::recording::write_private;

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In a sentence.
    pub text: String,
    /// What it is to a verdict.
    pub sign: Sign,
    /// The values that go with the sign.
    pub values: BTreeMap<String, String>,
}

/// A gateway is about to start: what was in the way of an earlier one isn't any more, or will be told again.
pub fn forget(state: &Path) {
    // There is none, or it isn't ours to remove.
    let _ = fs::remove_file(file(state));
}

/// The configuration isn't one.
pub fn refused(state: &Path, diagnostics: &[Diagnostic]) {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let reasons = errors.map(|error| {
        let line = error.line.to_string();
        let values = [
            ("path", error.file.as_str()),
            ("line", &line),
            ("problem", &error.message),
        ];
        Reason {
            text: format!("{}:{line}: {}", error.file, error.message),
            sign: Sign::ConfigSyntax,
            values: values.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        }
    });
    leave(state, &reasons.collect::<Vec<_>>());
}

/// The gateway couldn't start, or go on.
pub fn failed(state: &Path, error: &GatewayError) {
    if let Some((sign, values)) = error.sign() {
        let text = error.to_string();
        leave(state, &[Reason { text, sign, values }]);
    }
}

/// What is known of it.
pub fn read(state: &Path) -> Vec<Reason> {
    let text = fs::read(file(state)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Whoever may not write there has told the error all the same.
fn leave(state: &Path, reasons: &[Reason]) {
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(state);
    if let Ok(text) = serde_json::to_vec(reasons) {
        let _ = write_private(&file(state), &text);
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("not-started.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_stopped_a_start_is_known_until_the_next_one() {
        let state = std::env::temp_dir().join(format!("adit-unstarted-{}", std::process::id()));
        assert_eq!(read(&state), []);
        let error = GatewayError::RouteTaken {
            tunnel: "office".to_owned(),
            destination: "10.1.0.0/24".to_owned(),
            existing: "lan".to_owned(),
        };
        failed(&state, &error);
        let reasons = read(&state);
        assert_eq!(reasons.len(), 1);
        assert_eq!(reasons[0].sign, Sign::NetworksOverlap);
        assert!(reasons[0].text.contains("10.1.0.0/24"));
        // A second gateway says nothing about the first.
        forget(&state);
        failed(&state, &GatewayError::HostTaken { pid: None });
        assert_eq!(read(&state), []);
        let (_, diagnostics) = adit_config::adit::parse("gw.toml", "[tunnel.office]\nremote = 5\n");
        refused(&state, &diagnostics);
        assert_eq!(read(&state)[0].sign, Sign::ConfigSyntax);
        fs::remove_dir_all(&state).unwrap();
    }
}
