//! The ring of files: segments of an eighth of its size, the oldest deleted as new ones come.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adit_config::FlightRecorder;
use adit_evidence::recording::{
    LONGEST_HEAD, MAGIC, Record, emit, first_frame, head_length, room_of, segment_name,
    segment_number,
};
use adit_model::{Mono, Wall};
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroize as _;

use crate::state_dir::check_private;

/// The files of a recording, and how much of them may be.
pub(super) struct Ring {
    files: Files,
    /// Octets of all segments.
    most: u64,
    age: Duration,
    current: Option<Segment>,
    /// Number of the next segment.
    next: u64,
    /// How the run began and what is configured: each segment begins with it.
    began: Vec<u8>,
    configured: Vec<u8>,
    /// Frames that aren't written yet.
    waiting: Vec<u8>,
    /// Records in them.
    records: u64,
    /// Records that couldn't be written since the last that could.
    lost: u64,
    now: (Mono, Wall),
    /// When something couldn't be written; it is tried again a moment later.
    failed: Option<Instant>,
    warned: Option<Mono>,
    _lock: File,
}

struct Segment {
    file: File,
    length: u64,
    /// Octets of them that it begins with.
    head: u64,
    since: Wall,
    dirty: bool,
}

/// The segments that lie in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    dir: PathBuf,
    /// Only segments before this one.
    before: u64,
}

/// Makes a folder that only its owner can use, or finds that it is one.
fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    check_private(dir)
}

impl Ring {
    pub(super) fn open(dir: &Path, settings: &FlightRecorder) -> io::Result<Self> {
        private_dir(dir)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(dir.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            rustix::io::Errno::WOULDBLOCK => io::Error::other(
                "another gateway records there. Fix: record_dir = a folder of its own",
            ),
            other => other.into(),
        })?;
        let files = Files {
            dir: dir.to_owned(),
            before: u64::MAX,
        };
        let next = files.list().last().map_or(1, |(number, _)| number + 1);
        Ok(Self {
            files,
            most: u64::from(settings.megabytes) << 20,
            age: settings.age,
            current: None,
            next,
            began: Vec::new(),
            configured: Vec::new(),
            waiting: Vec::new(),
            records: 0,
            lost: 0,
            now: (Mono(0), Wall(0)),
            failed: None,
            warned: None,
            _lock: lock,
        })
    }

    /// Takes a record in; [`flush`](Self::flush) writes it.
    pub(super) fn take(&mut self, record: &Record) {
        let at = record.at();
        self.now = (at.mono, at.wall);
        let has_keys = matches!(record, Record::Keys { .. });
        if has_keys {
            // Now, while there are no others in it: what is moved later on leaves what it was behind.
            self.waiting.reserve(room_of(record));
        }
        let before = self.waiting.len();
        let longest = usize::try_from(self.most / SEGMENTS).unwrap_or(usize::MAX);
        if !emit(record, &mut self.waiting) || self.waiting.len() - before > longest {
            self.waiting.truncate(before);
            match record {
                Record::Configured { at, connections } => self.unkept(*at, connections.len()),
                _ => self.lost += 1,
            }
            return;
        }
        self.records += 1;
        let frame = self.waiting.get(before..).unwrap_or_default();
        match record {
            Record::Began { .. } => self.began = frame.to_vec(),
            Record::Configured { .. } => self.configured = frame.to_vec(),
            _ => {}
        }
        if has_keys {
            self.flush();
            self.waiting.zeroize();
        } else if self.waiting.len() > AT_ONCE {
            self.flush();
        }
    }

    /// A configuration has no room. The one before it isn't in force any more: that nothing is known of it takes its place.
    fn unkept(&mut self, at: adit_model::Now, tunnels: usize) {
        let why = format!(
            "a configuration of {tunnels} tunnels is too large for the recorder, so none is recorded"
        );
        tracing::warn!(
            "flight recorder: {why}. Fix: a larger record_size, at most 4 MB of it are for that"
        );
        let nothing = Record::Configured {
            at,
            connections: Vec::new(),
        };
        self.configured.clear();
        emit(&nothing, &mut self.configured);
        self.waiting.extend_from_slice(&self.configured);
        let lost = Record::Lost {
            at,
            records: 1,
            why,
        };
        emit(&lost, &mut self.waiting);
        self.records += 2;
    }

    /// Octets that the next segment may come to: an eighth, and what it begins with.
    fn room(&self) -> u64 {
        self.most / SEGMENTS + (MAGIC.len() + self.began.len() + self.configured.len()) as u64
    }

    /// Writes what has been taken in.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let records = std::mem::take(&mut self.records);
        if self.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            self.lost += records;
        } else {
            match self.append(&waiting) {
                Ok(()) => {
                    self.failed = None;
                    self.tell_lost();
                }
                Err(error) => {
                    self.failed = Some(Instant::now());
                    self.lost += records;
                    self.warn(&error);
                }
            }
        }
        waiting.clear();
        self.waiting = waiting;
    }

    /// Makes the disk keep what it has, and deletes what is too old.
    pub(super) fn sync(&mut self) {
        self.flush();
        if let Some(segment) = self.current.as_mut().filter(|s| s.dirty) {
            segment.dirty = false;
            // What the disk doesn't keep is found damaged, and told.
            let _ = segment.file.sync_data();
        }
        // By the clock on the wall: a gateway in which nothing happens has no newer record.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = Wall(now.map_or(0, millis)).max(self.now.1);
        let keep = self.most.saturating_sub(self.room());
        self.files.delete_old(keep, self.age, now, self.next);
    }

    fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        let length = frames.len() as u64;
        let full = |segment: &Segment| {
            segment.length - segment.head + length > self.most / SEGMENTS
                || self.now.1.0.saturating_sub(segment.since.0) > millis(self.age) / SEGMENTS
        };
        if self.current.as_ref().is_none_or(full) {
            self.roll()?;
        }
        let Some(segment) = &mut self.current else {
            return Ok(());
        };
        segment.write(frames)
    }

    /// Goes on in a new segment.
    fn roll(&mut self) -> io::Result<()> {
        if let Some(segment) = self.current.take() {
            // As above.
            let _ = segment.file.sync_data();
        }
        let keep = self.most.saturating_sub(self.room());
        self.files
            .delete_old(keep, self.age, self.now.1, self.next + 1);
        let segment = match self.begin() {
            // The disk is full: of others' files perhaps, but there is something of ours to give.
            Err(error)
                if error.kind() == io::ErrorKind::StorageFull && self.files.give_up_one() =>
            {
                self.begin()
            }
            other => other,
        };
        self.current = Some(segment?);
        self.next += 1;
        Ok(())
    }

    /// Makes the next segment, or leaves nothing of it.
    fn begin(&self) -> io::Result<Segment> {
        let path = self.files.dir.join(segment_name(self.next));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)?;
        let mut segment = Segment {
            file,
            length: 0,
            head: 0,
            since: self.now.1,
            dirty: false,
        };
        let head = [&MAGIC[..], &self.began, &self.configured].concat();
        if let Err(error) = segment.write(&head) {
            std::fs::remove_file(&path)?;
            return Err(error);
        }
        segment.head = segment.length;
        Ok(segment)
    }

    /// After records were lost because nothing could be written, the recording says how many.
    fn tell_lost(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost == 0 {
            return;
        }
        let (mono, wall) = self.now;
        let record = Record::Lost {
            at: adit_model::Now { mono, wall },
            records: lost,
            why: "they couldn't be written".to_owned(),
        };
        let mut frame = Vec::new();
        emit(&record, &mut frame);
        if let Err(error) = self.append(&frame) {
            self.lost += lost;
            self.warn(&error);
        }
    }

    fn warn(&mut self, error: &io::Error) {
        let now = self.now.0;
        if self.warned.is_none_or(|at| now.since(at) >= WARNED) {
            self.warned = Some(now);
            let dir = self.files.dir.display();
            tracing::warn!("flight recorder: can't write to {dir}: {error}");
        }
    }
}

impl Segment {
    /// Writes frames whole; what was written of those that couldn't be is taken back.
    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.dirty = true;
        if let Err(error) = self.file.write_all(frames) {
            // A reader passes over it otherwise.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += frames.len() as u64;
        Ok(())
    }
}

impl Files {
    /// The segments in `dir` that are there now.
    pub(crate) fn there_now(dir: &Path) -> Self {
        let all = Self {
            dir: dir.to_owned(),
            before: u64::MAX,
        };
        let before = all.list().last().map_or(0, |(number, _)| number + 1);
        Self { before, ..all }
    }

    /// Numbers and lengths, oldest first.
    fn list(&self) -> Vec<(u64, u64)> {
        let mut found: Vec<(u64, u64)> = std::fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let number = segment_number(entry.file_name().to_str()?)?;
                let length = entry.metadata().ok().filter(|m| m.is_file())?.len();
                (number < self.before).then_some((number, length))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// Of the newest segment how it begins and its last `most` octets, and whole ones before it as far as there is room
    /// besides; oldest first: names and contents.
    pub(crate) fn newest(&self, most: u64) -> Vec<(String, Vec<u8>)> {
        let mut room = most;
        let mut newest = true;
        let fits = |(_, length): &(u64, u64)| {
            let fits = std::mem::take(&mut newest) || *length <= room;
            room = room.saturating_sub(*length);
            fits
        };
        let mut chosen: Vec<_> = self.list().into_iter().rev().take_while(fits).collect();
        chosen.reverse();
        let read = |number: u64, length: u64| {
            let name = segment_name(number);
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NOFOLLOW)
                .open(self.dir.join(&name))
                .ok()?;
            Some((name, ends(file, length, most).ok()?))
        };
        let chosen = chosen.into_iter();
        chosen.filter_map(|(n, length)| read(n, length)).collect()
    }

    /// Deletes the oldest segment; whether there was one.
    fn give_up_one(&self) -> bool {
        let oldest = self.list().into_iter().next();
        oldest.is_some_and(|(number, _)| {
            std::fs::remove_file(self.dir.join(segment_name(number))).is_ok()
        })
    }

    /// Deletes the oldest segments until there are no more than `keep` octets, and those that nothing was written to for so
    /// long. The one that is written to stays.
    fn delete_old(&self, keep: u64, age: Duration, now: Wall, next: u64) {
        let all = self.list();
        let mut total: u64 = all.iter().map(|(_, length)| length).sum();
        for (number, length) in all {
            let path = self.dir.join(segment_name(number));
            let written = path.metadata().and_then(|m| m.modified()).ok();
            let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let old = written.is_some_and(|at| now.0.saturating_sub(millis(at)) > millis(age));
            if number + 1 >= next || !(old || total > keep) {
                continue;
            }
            if std::fs::remove_file(&path).is_ok() {
                total -= length;
            }
        }
    }
}

/// A segment of so many octets; of one that has more than `most`, how it begins and whole frames of its last `most`.
fn ends(mut file: File, length: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    if length <= most {
        file.take(length).read_to_end(&mut octets)?;
        return Ok(octets);
    }
    let at_first = length.min(LONGEST_HEAD as u64);
    (&mut file).take(at_first).read_to_end(&mut octets)?;
    octets.truncate(head_length(&octets));
    let from = (length - most).max(octets.len() as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut last = Vec::new();
    file.take(length - from).read_to_end(&mut last)?;
    octets.extend(last.drain(first_frame(&last)..));
    Ok(octets)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Segments of a full ring.
const SEGMENTS: u64 = 8;
/// Octets that are written with one call.
const AT_ONCE: usize = 64 << 10;
/// How long nothing is tried after something couldn't be written.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the log says that nothing can be written.
const WARNED: Duration = Duration::from_secs(60);
