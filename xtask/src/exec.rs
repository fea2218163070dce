//! Running commands: with their output passed on, kept, or both.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

/// What a finished command said.
#[derive(Debug)]
pub struct Outcome {
    pub success: bool,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Both streams, for messages.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr).trim().to_owned()
    }
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| {
        let argument = argument.to_string_lossy();
        if argument.is_empty() || argument.contains(char::is_whitespace) {
            format!("'{argument}'")
        } else {
            argument.into_owned()
        }
    }));
    words.join(" ")
}

/// Runs to the end without input and keeps the output.
pub fn output(command: &mut Command) -> Result<Outcome> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    Ok(Outcome {
        success: done.status.success(),
        code: done.status.code(),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}

/// As [`output`], but failure is an error that shows the command and what it said.
pub fn checked(command: &mut Command) -> Result<Outcome> {
    let outcome = output(command)?;
    anyhow::ensure!(
        outcome.success,
        "{} failed: {}",
        shown(command),
        outcome.text()
    );
    Ok(outcome)
}

/// Runs with `input` on standard input; failure is an error.
pub fn fed(command: &mut Command, input: &str) -> Result<Outcome> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that dies early closes its end; its status and stderr say why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let done = child.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    anyhow::ensure!(
        done.status.success(),
        "{} failed: {}",
        shown(command),
        stderr.trim()
    );
    Ok(Outcome {
        success: true,
        code: done.status.code(),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr,
    })
}

/// Passes the output on to standard error as it comes, and keeps it.
pub fn tee(command: &mut Command) -> Result<Outcome> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    let stdout = child
        .stdout
        .take()
        .map(|stream| thread::spawn(|| pass_on(stream)));
    let stderr = child
        .stderr
        .take()
        .map(|stream| thread::spawn(|| pass_on(stream)));
    let status = child.wait()?;
    let collect = |reader: Option<thread::JoinHandle<String>>| {
        reader.and_then(|r| r.join().ok()).unwrap_or_default()
    };
    Ok(Outcome {
        success: status.success(),
        code: status.code(),
        stdout: collect(stdout),
        stderr: collect(stderr),
    })
}

fn pass_on(stream: impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut line) = (String::new(), Vec::new());
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        // Nobody reading is no reason to stop the command.
        let _ = std::io::stderr().write_all(&line);
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}
