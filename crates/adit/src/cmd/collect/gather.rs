//! Runs commands and reads files, bounded in time and size, and takes secrets out of what they hold.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use adit_evidence::Redactor;

use super::plan::Item;

/// A command that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// More of one command or file isn't taken.
const LARGEST: u64 = 4 << 20;

/// Writes sections of a bundle.
pub struct Gatherer<W> {
    out: W,
    redactor: Redactor,
    /// Sections that hold something.
    pub gathered: u32,
    /// Those of them that are more than a command's complaint.
    pub answers: u32,
    /// What couldn't be had, and why.
    pub without: Vec<String>,
}

impl<W: Write> Gatherer<W> {
    /// A gatherer that writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            redactor: Redactor::default(),
            gathered: 0,
            answers: 0,
            without: Vec::new(),
        }
    }

    /// Gathers one thing. What isn't there is noted, not an error.
    ///
    /// # Errors
    /// Those of the output.
    pub fn item(&mut self, item: &Item) -> std::io::Result<()> {
        let mut all = |_: &str| true;
        match item {
            Item::Command(words) => {
                let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
                self.command(&words)
            }
            Item::File(path) => self.file(Path::new(path), false, &mut all),
            Item::Given(path) => self.file(path, false, &mut all),
            Item::Secrets(path) => self.file(Path::new(path), true, &mut all),
            Item::Log(path, programs) => self.file(Path::new(path), false, &mut |line| {
                programs.is_empty() || wrote(line, programs)
            }),
            Item::Blocks(path, left_out) => {
                self.file(Path::new(path), false, &mut outside(left_out))
            }
            Item::Folder(path, ending) => {
                for file in files(path, ending) {
                    self.file(&file, false, &mut all)?;
                }
                Ok(())
            }
            Item::SecretsFolder(path, ending) => {
                for file in files(path, ending) {
                    self.file(&file, true, &mut all)?;
                }
                Ok(())
            }
            Item::Certificates(path) => {
                for file in files(path, "") {
                    let file = file.display().to_string();
                    let line = "openssl x509 -noout -subject -issuer -serial -dates -ext subjectAltName,keyUsage,extendedKeyUsage,basicConstraints -in";
                    let words = line.split(' ').map(ToOwned::to_owned).chain([file]);
                    self.command(&words.collect::<Vec<_>>())?;
                }
                Ok(())
            }
        }
    }

    /// Runs a command and takes what it prints.
    ///
    /// # Errors
    /// Those of the output.
    pub fn command(&mut self, words: &[String]) -> std::io::Result<()> {
        let line = words.join(" ");
        match run(words, PATIENCE) {
            Ok(printed) => {
                let answers = self.answers;
                self.section("command", &line, &printed.text, false, &mut |_| true)?;
                if !printed.answered {
                    self.answers = answers;
                }
                Ok(())
            }
            Err(problem) => {
                self.without.push(format!("{line}: {problem}"));
                Ok(())
            }
        }
    }

    /// Takes a log file, its end when it is long.
    ///
    /// # Errors
    /// Those of the output.
    pub fn log(&mut self, path: &Path) -> std::io::Result<()> {
        self.file(path, false, &mut |_| true)
    }

    /// Takes a text that is there already.
    ///
    /// # Errors
    /// Those of the output.
    pub fn text(&mut self, kind: &str, name: &str, text: &str) -> std::io::Result<()> {
        self.section(kind, name, text.as_bytes(), false, &mut |_| true)
    }

    /// The output, as far as it is written.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes out what is held back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.out.flush()
    }

    fn file(
        &mut self,
        path: &Path,
        secrets: bool,
        keep: &mut dyn FnMut(&str) -> bool,
    ) -> std::io::Result<()> {
        let name = path.display().to_string();
        match end_of(path) {
            Ok(text) => self.section("file", &name, &text, secrets, keep),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                self.without.push(format!("{name}: {error}"));
                Ok(())
            }
        }
    }

    fn section(
        &mut self,
        kind: &str,
        name: &str,
        text: &[u8],
        secrets: bool,
        keep: &mut dyn FnMut(&str) -> bool,
    ) -> std::io::Result<()> {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.lines().filter(|line| keep(line)).peekable();
        if lines.peek().is_none() {
            return Ok(());
        }
        self.gathered += 1;
        self.answers += 1;
        self.redactor.begin();
        writeln!(self.out, "==== {kind}: {name} ====")?;
        for line in lines {
            let kept = if secrets {
                self.redactor.secrets_line(line)
            } else {
                self.redactor.line(line)
            };
            if let Some(line) = kept {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Whether a line of a common log is one of these programs': by its tag, for a host may be named after one of them.
fn wrote(line: &str, programs: &[&str]) -> bool {
    let tag = line
        .split_once(": ")
        .and_then(|(head, _)| head.split_whitespace().last());
    tag.is_some_and(|tag| programs.iter().any(|p| tag.starts_with(p)))
}

/// Which lines of a configuration in braces stand outside these top-level blocks. A block ends with the brace that
/// isn't indented.
fn outside<'a>(blocks: &'a [&'a str]) -> impl FnMut(&str) -> bool + 'a {
    let mut inside = false;
    move |line| {
        if inside {
            inside = line.trim_end() != "}";
            return false;
        }
        let name = line.split([' ', '\t', '{']).next().unwrap_or_default();
        inside = blocks.contains(&name);
        !inside
    }
}

/// Files of a folder whose names end so, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_file() && p.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > LARGEST {
        file.seek(SeekFrom::Start(size - LARGEST))?;
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// What a command printed.
struct Printed {
    text: Vec<u8>,
    /// It did what it was asked, or said something that isn't an error.
    answered: bool,
}

/// What a command prints, on either stream, whatever its exit code: a refusal is evidence too.
///
/// What it leaves running may hold its streams open: those are read for `patience` after its start, not to their end.
fn run(words: &[String], patience: Duration) -> Result<Printed, String> {
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => "not installed".to_owned(),
            _ => e.to_string(),
        })?;
    let begun = Instant::now();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|s| Box::new(s) as _),
        child.stderr.take().map(|s| Box::new(s) as _),
    ];
    let read: Vec<Receiver<Vec<u8>>> = streams.into_iter().flatten().map(pieces).collect();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer in {} s", patience.as_secs()));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string()),
        }
    };
    let mut text = Vec::new();
    let mut answered = status.success();
    for (stream, pieces) in read.into_iter().enumerate() {
        while let Ok(piece) = pieces.recv_timeout(patience.saturating_sub(begun.elapsed())) {
            answered |= stream == 0;
            text.extend(piece);
        }
    }
    Ok(Printed { text, answered })
}

/// A stream, piece by piece as it is read. What is over the limit is read and dropped, so that the command isn't
/// stopped in the middle.
fn pieces(mut stream: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (pieces, read) = channel();
    std::thread::spawn(move || {
        let mut limited = stream.by_ref().take(LARGEST);
        let mut buffer = [0; 8192];
        while let Ok(size @ 1..) = limited.read(&mut buffer) {
            let piece = buffer.get(..size).unwrap_or_default().to_vec();
            if pieces.send(piece).is_err() {
                return;
            }
        }
        drop(pieces);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(item: &Item) -> (String, Vec<String>) {
        let mut out = Vec::new();
        let mut gatherer = Gatherer::new(&mut out);
        gatherer.item(item).unwrap();
        let without = gatherer.without;
        (String::from_utf8(out).unwrap(), without)
    }

    #[test]
    fn a_command_is_a_section_and_an_absent_one_a_note() {
        let (text, without) = gathered(&Item::Command(vec!["echo", "psk = \"hunter2\""]));
        assert!(text.starts_with("==== command: echo"), "{text}");
        assert!(text.contains("[secret 1]") && without.is_empty());
        let (text, without) = gathered(&Item::Command(vec!["adit-no-such-command"]));
        assert!(text.is_empty());
        assert_eq!(without, ["adit-no-such-command: not installed"]);
    }

    #[test]
    fn a_complaint_is_kept_and_is_no_answer() {
        let words = ["sh", "-c", "echo no such database >&2; exit 1"].map(ToOwned::to_owned);
        let mut out = Vec::new();
        let mut gatherer = Gatherer::new(&mut out);
        gatherer.command(&words).unwrap();
        assert_eq!((gatherer.gathered, gatherer.answers), (1, 0));
        assert!(String::from_utf8(out).unwrap().contains("no such database"));
    }

    #[test]
    fn only_the_lines_of_the_programs_are_taken_from_a_common_log() {
        assert!(wrote(
            "Nov 21 10:00:00 gw charon[7]: 01[IKE] x",
            &["charon"]
        ));
        assert!(!wrote("Nov 21 10:00:00 gw sshd[7]: charon", &["charon"]));
        assert!(!wrote(
            "Nov 21 10:00:00 vpn-gw sshd[7]: Accepted password",
            &["vpn", "charon"]
        ));
        assert!(wrote(
            "Nov 21 10:00:00 vpn-gw charon-systemd[7]: 01[IKE] x",
            &["charon"]
        ));
        assert!(!wrote("Nov 21 10:00:00 gw charon", &["charon"]));
    }

    #[test]
    fn what_a_command_leaves_running_is_not_waited_for() {
        let words = ["sh", "-c", "sleep 20 & echo here; echo there >&2"].map(ToOwned::to_owned);
        let begun = Instant::now();
        let text = run(&words, Duration::from_secs(1)).unwrap();
        assert_eq!(String::from_utf8(text.text).unwrap(), "here\nthere\n");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn blocks_of_keys_and_logins_are_left_out() {
        let text = "interfaces {\n    ethernet eth0 {\n    }\n}\npki {\n    certificate gw {\n        private {\n            key \"MIGH\"\n        }\n    }\n}\n\
            system {\n    login {\n        user vyos {\n        }\n    }\n}\nsystems {\n}\nvpn {\n    ipsec {\n    }\n}\n// config-version\n";
        let mut keep = outside(&["system", "service", "pki"]);
        let kept: Vec<&str> = text.lines().filter(|line| keep(line)).collect();
        assert_eq!(
            kept.join(" ").split_whitespace().collect::<Vec<_>>(),
            "interfaces { ethernet eth0 { } } systems { } vpn { ipsec { } } // config-version"
                .split(' ')
                .collect::<Vec<_>>()
        );
    }
}
