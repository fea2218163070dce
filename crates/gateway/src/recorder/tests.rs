#![allow(clippy::unwrap_used)]
use super::strangers::STRANGERS;
use super::*;
use std::os::unix::fs::PermissionsExt;

use adit_evidence::recording::segment_number;
use adit_model::{Mono, Wall};

use crate::scratch::Scratch;

fn at(seconds: u64) -> Now {
    Now {
        mono: Mono(0) + Duration::from_secs(seconds),
        wall: Wall(1_700_000_000_000 + seconds * 1000),
    }
}

fn event(connection: Option<&str>, seconds: u64, what: Happening) -> Event {
    Event {
        at: at(seconds),
        connection: connection.map(str::to_owned),
        role: None,
        local: None,
        remote: None,
        what,
    }
}

fn settings(megabytes: u32) -> FlightRecorder {
    FlightRecorder {
        megabytes,
        ..FlightRecorder::default()
    }
}

fn segments(dir: &Path) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> = std::fs::read_dir(dir)
        .unwrap()
        .map(Result::unwrap)
        .filter_map(|e| {
            let number = segment_number(e.file_name().to_str()?)?;
            Some((number, e.metadata().unwrap().len()))
        })
        .collect();
    all.sort_unstable();
    all
}

fn recording(dir: &Path) -> Recording {
    read_past(&Files::there_now(dir), u64::MAX)
}

fn began(run: u64) -> Record {
    Record::Began {
        at: at(0),
        run,
        version: "test".to_owned(),
    }
}

#[test]
fn what_is_recorded_is_there_after_the_end_and_for_its_owner_alone() {
    let scratch = Scratch::new("flight");
    let dir = scratch.path().join("deep/flight");
    let mut recorder = Recorder::start(&dir, &settings(1)).unwrap();
    recorder.record(began(1));
    recorder.event(1, &event(Some("office"), 1, Happening::PeerAlive));
    recorder.end(at(2));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("flight-00000001.rec")), 0o600);
    let read = recording(&dir);
    assert_eq!(read.runs.len(), 1);
    assert!(read.runs[0].ended);
    assert_eq!(read.runs[0].events().count(), 1);
}

/// What was taken by the writer is on disk at once: a gateway that is killed has it.
#[test]
fn nothing_waits_for_the_end() {
    let scratch = Scratch::new("flight-killed");
    let mut recorder = Recorder::start(scratch.path(), &settings(1)).unwrap();
    recorder.record(began(1));
    recorder.event(1, &event(Some("office"), 1, Happening::PeerAlive));
    let deadline = Instant::now() + Duration::from_secs(10);
    while recording(scratch.path())
        .runs
        .first()
        .is_none_or(|run| run.events().count() == 0)
    {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    // The next run goes on in a segment of its own behind what is torn.
    let torn = scratch.path().join("flight-00000001.rec");
    let mut octets = std::fs::read(&torn).unwrap();
    octets.truncate(octets.len() - 3);
    drop(recorder);
    std::fs::write(&torn, octets).unwrap();
    let mut next = loop {
        // The lock goes with the thread of the first.
        match Recorder::start(scratch.path(), &settings(1)) {
            Ok(next) => break next,
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    next.record(began(2));
    next.end(at(9));
    let read = recording(scratch.path());
    assert_eq!(read.runs.len(), 2);
    assert!(!read.runs[0].ended && read.runs[1].ended);
    assert!(read.segments[0].damage[0].tail);
    assert_eq!(segments(scratch.path()).len(), 2);
}

#[test]
fn the_ring_is_bounded_and_each_segment_says_what_was_configured() {
    let scratch = Scratch::new("flight-ring");
    let mut recorder = Recorder::start(scratch.path(), &settings(1)).unwrap();
    recorder.record(began(1));
    recorder.record(Record::Configured {
        at: at(0),
        connections: vec![crate::sample::connection("office")],
    });
    let long = "x".repeat(1000);
    for n in 0..4000u64 {
        let what = Happening::IkeClosed {
            by: adit_model::event::Party::Us,
            cause: long.clone(),
        };
        recorder.event(n, &event(Some("office"), n / 100, what));
        if n % 256 == 0 {
            // So that the queue holds them all.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    recorder.end(at(100));
    let all = segments(scratch.path());
    let total: u64 = all.iter().map(|(_, length)| length).sum();
    assert!(total <= 1 << 20, "{total} octets in {all:?}");
    assert!(total > 1 << 19, "{total} octets in {all:?}");
    assert!(all[0].0 > 1, "the oldest are gone");
    let read = recording(scratch.path());
    assert_eq!(read.runs.len(), 1);
    assert_eq!(read.configured().unwrap()[0].name, "office");
    let last = read.runs[0].events().next_back().unwrap().0;
    assert_eq!(last, 3999);
}

#[test]
fn what_is_too_old_goes() {
    let scratch = Scratch::new("flight-age");
    let short = FlightRecorder {
        age: Duration::from_secs(3600),
        ..settings(1)
    };
    for n in [1, 2] {
        let path = scratch
            .path()
            .join(adit_evidence::recording::segment_name(n));
        std::fs::write(&path, b"ADITFLT1").unwrap();
    }
    // As if a year had passed since: files were written now, and the record is of then.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let later = Now {
        mono: Mono(1),
        wall: Wall(now.as_millis() as u64 + 365 * 86_400_000),
    };
    let mut recorder = Recorder::start(scratch.path(), &short).unwrap();
    recorder.record(Record::Began {
        at: later,
        run: 3,
        version: String::new(),
    });
    recorder.end(later);
    let left: Vec<u64> = segments(scratch.path()).iter().map(|(n, _)| *n).collect();
    assert_eq!(left, [3]);
}

/// A full disk, or one whose quota is used up: each attempt would leave an empty file otherwise.
#[test]
fn a_segment_that_cannot_be_begun_leaves_no_file() {
    let scratch = Scratch::new("flight-full");
    let mut ring = Ring::open(scratch.path(), &settings(1)).unwrap();
    ring.take(&began(1));
    let taken = scratch
        .path()
        .join(adit_evidence::recording::segment_name(1));
    // Its name is taken by something that isn't a file of ours.
    std::fs::create_dir(&taken).unwrap();
    ring.flush();
    ring.take(&began(2));
    ring.flush();
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        2,
        "the lock and the folder"
    );
    std::fs::remove_dir(&taken).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    ring.take(&began(3));
    ring.flush();
    drop(ring);
    let all = segments(scratch.path());
    assert_eq!(all.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1]);
    let read = recording(scratch.path());
    let lost = read
        .entries()
        .any(|e| matches!(e.record, Record::Lost { records: 2, .. }));
    assert!(lost);
}

/// With large segments the newest is longer than what is read at a start: what is configured and what happened last are
/// read, and no more.
#[test]
fn of_a_long_newest_segment_both_ends_are_read() {
    let scratch = Scratch::new("flight-long");
    let mut ring = Ring::open(scratch.path(), &settings(16)).unwrap();
    ring.take(&began(1));
    ring.take(&configured(1, 1));
    for n in 0..1500 {
        ring.take(&long(n));
    }
    ring.flush();
    drop(ring);
    let all = segments(scratch.path());
    let [(1, length)] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert!(*length > 1_500_000);
    let files = Files::there_now(scratch.path());
    let most = 100_000;
    let parts = files.newest(most);
    assert_eq!(parts.len(), 1);
    assert!(
        (parts[0].1.len() as u64) < most + 10_000,
        "{}",
        parts[0].1.len()
    );
    let read = read_past(&files, most);
    assert_eq!(read.damaged(), 0);
    assert_eq!(read.runs[0].version, "test");
    assert_eq!(read.configured().unwrap()[0].name, "tunnel-0");
    let numbers: Vec<u64> = read.runs[0].events().map(|(n, _)| n).collect();
    assert_eq!(numbers.last(), Some(&1499));
    assert!((50..120).contains(&numbers.len()), "{}", numbers.len());
    assert_eq!(recording(scratch.path()).runs[0].events().count(), 1500);
    // A short one, and those before it as far as there is room.
    let name = adit_evidence::recording::segment_name(2);
    std::fs::write(scratch.path().join(name), b"ADITFLT1").unwrap();
    let counted = |most| Files::there_now(scratch.path()).newest(most).len();
    assert_eq!(counted(1000), 1);
    assert_eq!(counted(length + 8), 2);
}

/// A configuration of so many tunnels.
fn configured(seconds: u64, tunnels: usize) -> Record {
    let named = |n| crate::sample::connection(&format!("tunnel-{n}"));
    Record::Configured {
        at: at(seconds),
        connections: (0..tunnels).map(named).collect(),
    }
}

/// An event of about a thousand octets.
fn long(number: u64) -> Record {
    let what = Happening::IkeClosed {
        by: adit_model::event::Party::Us,
        cause: "x".repeat(1000),
    };
    Record::Event {
        number,
        event: Box::new(event(Some("office"), 2, what)),
    }
}

fn octets(record: &Record) -> usize {
    let mut out = Vec::new();
    assert!(adit_evidence::recording::emit(record, &mut out));
    out.len()
}

#[test]
fn a_large_configuration_leaves_segments_their_length() {
    let scratch = Scratch::new("flight-large");
    let eighth = (1 << 20) / 8;
    let each = octets(&configured(1, 11)) - octets(&configured(1, 10));
    let large = configured(1, eighth / each - 2);
    assert!((eighth * 9 / 10..eighth).contains(&octets(&large)));
    let mut ring = Ring::open(scratch.path(), &settings(1)).unwrap();
    ring.take(&began(1));
    ring.take(&large);
    ring.flush();
    let mut write = |numbers: std::ops::Range<u64>| {
        for n in numbers {
            ring.take(&long(n));
            ring.flush();
        }
    };
    write(0..400);
    let all = segments(scratch.path());
    assert!(all.last().unwrap().0 <= 6, "{all:?}");
    let read = recording(scratch.path());
    assert!(read.runs[0].events().count() > 200, "{all:?}");
    write(400..2000);
    let all = segments(scratch.path());
    let total: u64 = all.iter().map(|(_, length)| length).sum();
    assert!(total <= 1 << 20 && total > 1 << 19, "{total}: {all:?}");
    let read = recording(scratch.path());
    assert_eq!(read.runs[0].events().next_back().unwrap().0, 1999);
    assert!(read.configured().unwrap().len() > 10);
}

/// The configuration before one that has no room isn't in force any more.
#[test]
fn a_configuration_without_room_does_not_leave_the_one_before_it() {
    let scratch = Scratch::new("flight-too-large");
    let mut ring = Ring::open(scratch.path(), &settings(1)).unwrap();
    ring.take(&began(1));
    ring.take(&configured(1, 2));
    ring.flush();
    assert_eq!(recording(scratch.path()).configured().unwrap().len(), 2);
    ring.take(&configured(2, 2000));
    for n in 0..300 {
        ring.take(&long(n));
    }
    ring.flush();
    let read = recording(scratch.path());
    assert_eq!(read.configured().map(Vec::len), Some(0));
    let told = read.entries().any(|e| {
        matches!(&e.record, Record::Lost { why, .. } if why.contains("2000 tunnels is too large"))
    });
    assert!(told);
    ring.take(&configured(3, 3));
    ring.flush();
    assert_eq!(recording(scratch.path()).configured().unwrap().len(), 3);
}

/// The loop goes on whatever the disk does; what had no room is told.
#[test]
fn a_writer_that_does_not_come_along_costs_records_and_no_time() {
    let (queue, records) = sync_channel(4);
    let mut recorder = Recorder {
        writer: Some(Writer {
            queue,
            thread: std::thread::spawn(|| {}),
        }),
        ..Recorder::default()
    };
    for n in 0..10 {
        recorder.event(n, &event(Some("office"), 1, Happening::PeerAlive));
    }
    assert_eq!(records.try_iter().count(), 4);
    recorder.event(10, &event(Some("office"), 2, Happening::PeerAlive));
    let after: Vec<Record> = records.try_iter().collect();
    assert!(
        matches!(after[0], Record::Lost { records: 6, .. }),
        "{after:?}"
    );
    assert!(matches!(after[1], Record::Event { number: 10, .. }));
}

#[test]
fn a_flood_of_strangers_takes_a_small_part() {
    let (queue, records) = sync_channel(100_000);
    let mut recorder = Recorder {
        writer: Some(Writer {
            queue,
            thread: std::thread::spawn(|| {}),
        }),
        ..Recorder::default()
    };
    for n in 0..20_000 {
        recorder.event(n, &event(None, 5, Happening::PeerAlive));
        let dropped = Happening::Dropped {
            reason: adit_model::drops::DropReason::IkeUnknownSpi,
            detail: String::new(),
        };
        recorder.event(n, &event(Some("office"), 5, dropped));
    }
    assert_eq!(records.try_iter().count(), STRANGERS as usize);
    recorder.event(1, &event(None, 7, Happening::PeerAlive));
    let after: Vec<Record> = records.try_iter().collect();
    assert!(
        matches!(&after[0], Record::Lost { records, .. } if *records == 40_000 - u64::from(STRANGERS)),
        "{after:?}"
    );
}

#[test]
fn a_folder_that_others_can_write_to_and_one_that_is_taken_are_refused() {
    let scratch = Scratch::new("flight-open");
    let open = scratch.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Recorder::start(&open, &settings(1))
        .unwrap_err()
        .to_string();
    assert!(error.contains("chmod go-w"), "{error}");
    let mut first = Recorder::start(scratch.path(), &settings(1)).unwrap();
    let error = Recorder::start(scratch.path(), &settings(1))
        .unwrap_err()
        .to_string();
    assert!(error.contains("another gateway"), "{error}");
    first.end(at(1));
}
