//! Recordings as text: one JSON object per line, one line per input.

use adit_sim::Input;

/// A line that is no input.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RecordingError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: serde_json::Error,
}

/// Writes a recording.
///
/// # Errors
/// None that inputs can cause; those of the writer of JSON.
pub fn write(inputs: &[Input]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for input in inputs {
        text.push_str(&serde_json::to_string(input)?);
        text.push('\n');
    }
    Ok(text)
}

/// Reads a recording. Empty lines and lines that begin with `#` are skipped.
///
/// # Errors
/// The first line that is no input.
pub fn read(text: &str) -> Result<Vec<Input>, RecordingError> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|problem| RecordingError {
                line: number,
                problem,
            })
        })
        .collect()
}
