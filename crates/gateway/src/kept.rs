//! What is kept of tunnels before a reset cuts them: their state as it was, and the recorder's last hours, in a folder that
//! `adit why` and `adit read` take.
//!
//! The state is taken before anything is cut, and written beside the loop. A disk without room doesn't stop a reset; its answer
//! says what became of the evidence.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use adit_model::show::Topic;
use serde_json::json;

use crate::clock::rfc3339;
use crate::gateway::Gateway;
use crate::protocol::Response;
use crate::recorder::{Files, directory};

/// What is to be kept.
pub(crate) struct Kept {
    /// Folder of all of them.
    dir: PathBuf,
    /// What the folder of this one is called.
    name: String,
    /// Files, each with its name.
    documents: Vec<(String, Vec<u8>)>,
    /// The recorder's segments up to now.
    recorded: Option<Files>,
}

impl Gateway {
    /// The state of these tunnels as it is now.
    pub(crate) fn keep(&mut self, names: &[String], only: Option<&str>) -> Kept {
        let now = self.clock.now();
        let recorder = &self.options.config.gateway.recorder;
        let flight = directory(recorder, &self.options.state_dir);
        let keys = recorder.keys;
        let mut documents = Vec::new();
        let mut add = |name: String, document: serde_json::Result<Vec<u8>>| {
            // What is larger is no file that anybody reads.
            let fits = document.ok().filter(|octets| octets.len() <= LARGEST);
            documents.extend(fits.map(|octets| (name, octets)));
        };
        if let Response::Status { status } = self.status(names) {
            add("status.json".to_owned(), serde_json::to_vec_pretty(&status));
        }
        for (topic, file) in TOPICS {
            let shown = self.shown(topic, only);
            add(file.to_owned(), serde_json::to_vec_pretty(&shown));
        }
        let (counters, seen) = (self.counters(now.mono), self.seen());
        for name in names.iter().take(MOST_CASES) {
            let lately = [(name.clone(), self.lately.facts(name, &counters))].into();
            let Some(tunnel) = self.tunnels.get(name) else {
                continue;
            };
            let mut case = self.case(tunnel, &lately, &seen);
            case.forget_keys();
            let document = json!({ "schema": "adit.case/1", "case": case });
            add(
                format!("case-{}.json", plain(name)),
                serde_json::to_vec(&document),
            );
        }
        let what = only.map_or_else(|| "all".to_owned(), plain);
        Kept {
            name: format!("{}-{what}", plain(&rfc3339(now.wall))),
            documents,
            // Keys are kept as long as the recorder keeps them, and no longer.
            recorded: (self.log.recorder.is_on() && !keys).then(|| Files::there_now(&flight)),
            dir: flight.join("resets"),
        }
    }
}

impl Kept {
    /// Writes it; gives the folder.
    ///
    /// # Errors
    /// What the system said. Nothing half written stays.
    pub(crate) fn write(self) -> io::Result<PathBuf> {
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(&self.dir)?;
        make_room(&self.dir);
        let dir = self.dir.join(&self.name);
        private(&dir)?;
        let written = self.write_into(&dir);
        if written.is_err() {
            // What is there of it is of no use, and the disk may need the room.
            let _ = std::fs::remove_dir_all(&dir);
        }
        written.map(|()| dir)
    }

    fn write_into(&self, dir: &Path) -> io::Result<()> {
        for (name, octets) in &self.documents {
            file(&dir.join(name))?.write_all(octets)?;
        }
        let segments = self
            .recorded
            .iter()
            .flat_map(|files| files.newest(RECORDED));
        for (name, octets) in segments {
            file(&dir.join(name))?.write_all(&octets)?;
        }
        Ok(())
    }

    /// What the answer says of it.
    pub(crate) fn told(written: &io::Result<PathBuf>) -> String {
        match written {
            Ok(dir) => format!("what there was before is in {}", dir.display()),
            Err(error) => format!("what there was before couldn't be kept: {error}"),
        }
    }
}

fn file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Removes the oldest until there is room for one more.
fn make_room(dir: &Path) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    // Their names begin with the time.
    all.sort();
    let over = (all.len() + 1).saturating_sub(MOST);
    for old in all.iter().take(over) {
        // One that can't be removed is there the next time.
        let _ = std::fs::remove_dir_all(old);
    }
}

/// A name that is one file's, whatever it was.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut out: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    out.truncate(64);
    out
}

/// What is kept of `adit show`.
const TOPICS: [(Topic, &str); 4] = [
    (Topic::IkeSa, "ike-sa.json"),
    (Topic::IpsecSa, "ipsec-sa.json"),
    (Topic::Drops, "drops.json"),
    (Topic::Log, "log.json"),
];
/// Folders that are kept.
const MOST: usize = 8;
/// Tunnels whose cases are kept, of a reset of all.
const MOST_CASES: usize = 32;
/// Octets of one document.
const LARGEST: usize = 1 << 20;
/// Octets of the recording.
const RECORDED: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scratch::Scratch;
    use adit_model::Wall;

    fn kept(dir: &Path, second: u8) -> Kept {
        Kept {
            dir: dir.join("resets"),
            name: format!("{}-office", plain(&rfc3339(Wall(u64::from(second) * 1000)))),
            documents: vec![("status.json".to_owned(), b"{}".to_vec())],
            recorded: None,
        }
    }

    #[test]
    fn as_many_as_are_kept_stay_and_the_oldest_goes_first() {
        let scratch = Scratch::new("kept");
        for second in 0..12 {
            let dir = kept(scratch.path(), second).write().unwrap();
            assert_eq!(std::fs::read(dir.join("status.json")).unwrap(), b"{}");
        }
        let mut names: Vec<String> = std::fs::read_dir(scratch.path().join("resets"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), MOST);
        assert!(names[0].starts_with("1970-01-01T00_00_04"), "{names:?}");
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_nothing() {
        let scratch = Scratch::new("kept-full");
        std::fs::write(scratch.path().join("resets"), b"in the way").unwrap();
        let written = kept(scratch.path(), 1).write();
        assert!(written.is_err());
        assert!(Kept::told(&written).contains("couldn't be kept"));
        let mut double = kept(&scratch.path().join("other"), 1);
        double
            .documents
            .push(("status.json".to_owned(), Vec::new()));
        assert!(double.write().is_err());
        let left = std::fs::read_dir(scratch.path().join("other/resets")).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_name_is_never_a_path() {
        assert_eq!(plain("../../etc/passwd"), "______etc_passwd");
    }
}
