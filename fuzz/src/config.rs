//! Targets for `adit-config`. Any text is judged without a panic, no diagnostic leaves the text, and a configuration that
//! is read is written and read again to the same one.

use adit_config::{Severity, adit, redact};

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("config_adit", config_adit)];

/// The native TOML.
pub fn config_adit(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let blanked = redact::redact(text);
    assert_eq!(blanked.len(), text.len());
    assert_eq!(blanked.lines().count(), text.lines().count());
    let (configuration, diagnostics) = adit::parse("fuzz", text);
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    assert_eq!(configuration.is_none(), failed);
    for d in &diagnostics {
        assert!(text.get(d.span.clone()).is_some());
        assert!(d.line >= 1 && d.column >= 1);
        assert!(d.to_string().starts_with("fuzz:"));
    }
    if let Some(configuration) = configuration {
        let written = adit::write(&configuration);
        let (again, diagnostics) = adit::parse("written", &written);
        assert_eq!(again, Some(configuration), "{written}\n{diagnostics:?}");
    }
}
