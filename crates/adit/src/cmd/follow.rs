//! `adit why -f`: follows the log of a running daemon and speaks when the verdict changes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use anyhow::Context;

use super::evidence::now;
use super::{Outcome, Reader, print};
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::verdict;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// So much of the log is judged.
const WINDOW: usize = 4 << 20;

/// Follows until it is interrupted, or until nobody reads what it says.
///
/// # Errors
/// When the file can't be opened at first. That it vanishes later is log rotation: it is waited for.
pub fn follow(path: &Path, tunnel: Option<&str>, json: bool) -> Outcome {
    let name = path.display().to_string();
    let mut log = Log::open(path)
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    let mut said: Option<(Answer, Option<String>)> = None;
    let mut news = true;
    loop {
        if news {
            let reading = read(&name, Side::Local, &log.text, now());
            let verdict = diagnose(&case(tunnel, vec![reading]));
            let now_said = (verdict.verdict, verdict.cause().map(ToOwned::to_owned));
            // An attempt that has only just begun is undecided too: that is no news.
            let worth = verdict.verdict != Answer::Undecided || !verdict.possible.is_empty();
            if worth && said.as_ref() != Some(&now_said) {
                if say(&verdict, json)? == Reader::Gone {
                    return Ok(Exit::Done);
                }
                said = Some(now_said);
            }
        }
        std::thread::sleep(EVERY);
        news = log.grow(path).with_context(|| format!("reading {name}"))?;
    }
}

fn say(verdict: &Verdict, json: bool) -> Result<Reader, Failure> {
    if json {
        let line = serde_json::to_string(verdict).map_err(anyhow::Error::from)?;
        return print(&format!("{line}\n"));
    }
    print(&format!("{}\n", verdict::text(verdict, Palette::stdout())))
}

/// The end of a file that grows.
struct Log {
    file: File,
    /// How far it was read.
    at: u64,
    text: Vec<u8>,
}

impl Log {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let start = size.saturating_sub(WINDOW as u64);
        file.seek(SeekFrom::Start(start))?;
        let mut log = Self {
            file,
            at: start,
            text: Vec::new(),
        };
        log.more()?;
        Ok(log)
    }

    fn more(&mut self) -> std::io::Result<bool> {
        let size = self.file.metadata()?.len();
        if size.saturating_sub(self.at) > WINDOW as u64 {
            // Nothing of what was read stays in the window.
            self.at = size - WINDOW as u64;
            self.file.seek(SeekFrom::Start(self.at))?;
            self.text.clear();
        }
        let before = self.text.len();
        let read = self.file.read_to_end(&mut self.text)?;
        self.at += read as u64;
        if self.text.len() > 2 * WINDOW {
            let old = self.text.len() - WINDOW;
            self.text.drain(..old);
        }
        Ok(read > 0 || self.text.len() < before)
    }

    /// Takes in what is new; follows a file that was cut or put in its place.
    fn grow(&mut self, path: &Path) -> std::io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let Ok(there) = std::fs::metadata(path) else {
            return self.more();
        };
        if there.ino() != self.file.metadata()?.ino() {
            let rest = self.more()?;
            let fresh = Self::open(path)?;
            self.text.extend_from_slice(&fresh.text);
            self.file = fresh.file;
            self.at = fresh.at;
            return Ok(rest || !fresh.text.is_empty());
        }
        if there.len() < self.at {
            self.file.seek(SeekFrom::Start(0))?;
            self.at = 0;
        }
        self.more()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_is_followed_through_growth_cutting_and_rotation() {
        let dir = std::env::temp_dir().join(format!("adit-follow-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("gw.log");
        std::fs::write(&path, "one\n").unwrap();
        let mut log = Log::open(&path).unwrap();
        assert_eq!(log.text, b"one\n");
        assert!(!log.grow(&path).unwrap());
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(b"two\n").unwrap();
        assert!(log.grow(&path).unwrap());
        std::fs::write(&path, "3\n").unwrap();
        assert!(log.grow(&path).unwrap());
        std::fs::rename(&path, dir.join("gw.log.1")).unwrap();
        assert!(!log.grow(&path).unwrap());
        std::fs::write(&path, "four\n").unwrap();
        assert!(log.grow(&path).unwrap());
        assert_eq!(log.text, b"one\ntwo\n3\nfour\n");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn of_a_log_that_grew_beyond_the_window_its_end_is_read() {
        let name = format!("adit-follow-far-{}.log", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "old\n").unwrap();
        let mut log = Log::open(&path).unwrap();
        let size = 3 * WINDOW as u64;
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(size).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"\nend\n").unwrap();
        assert!(log.grow(&path).unwrap());
        assert_eq!(log.text.len(), WINDOW);
        assert!(log.text.ends_with(b"\nend\n"));
        assert_eq!(log.at, size + 5);
        assert!(!log.grow(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
    }
}
