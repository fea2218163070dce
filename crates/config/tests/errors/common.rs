//! A text that is right, and what comes of one that isn't.

use adit_config::{Diagnostic, Severity, adit};

pub const GOOD: &str = r#"[tunnel.office]
local      = "192.168.0.1"
remote     = "192.168.0.2"
local_id   = "west.lab"
remote_id  = "east.lab"
auth       = { psk_file = "office.psk" }
ike        = ["aes128gcm16-prfsha256-x25519"]
start      = "auto"

[tunnel.office.child.lan]
local_net  = ["10.1.0.0/24"]
remote_net = ["10.2.0.0/24"]
esp        = ["aes128gcm16-x25519"]
"#;

/// The good text with one line replaced.
pub fn with(line_begin: &str, replacement: &str) -> String {
    assert!(
        GOOD.lines().any(|l| l.starts_with(line_begin)),
        "{line_begin}"
    );
    GOOD.lines()
        .map(|l| {
            if l.starts_with(line_begin) {
                replacement
            } else {
                l
            }
        })
        .fold(String::new(), |all, l| all + l + "\n")
}

/// The single error of a text; there must be no configuration.
#[track_caller]
pub fn error(text: &str) -> Diagnostic {
    let (configuration, diagnostics) = adit::parse("west.toml", text);
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    assert_eq!(errors.len(), 1, "{}\n{text}", all(&diagnostics));
    assert!(configuration.is_none());
    let d = errors[0].clone();
    assert!(d.line >= 1 && d.column >= 1);
    assert_eq!(d.file, "west.toml");
    d
}

/// The single diagnostic of a text that is used all the same.
#[track_caller]
pub fn remark(text: &str) -> Diagnostic {
    let (configuration, diagnostics) = adit::parse("west.toml", text);
    assert_eq!(diagnostics.len(), 1, "{}", all(&diagnostics));
    assert!(configuration.is_some());
    diagnostics[0].clone()
}

pub fn all(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect()
}

pub fn codes(text: &str) -> Vec<&'static str> {
    let (_, diagnostics) = adit_config::adit::parse("t", text);
    diagnostics.iter().map(|d| d.code).collect()
}
