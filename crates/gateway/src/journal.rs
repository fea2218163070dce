//! Events in systemd's journal, with fields: one entry for each state change, over the journal's own socket.
//!
//! Used only where standard error goes to the journal anyway, which `JOURNAL_STREAM` says: elsewhere lines on standard error
//! are what people expect.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use adit_model::event::{Event, Happening};
use tracing::Level;

/// A way to the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// The way to the journal, if standard error leads there.
    pub(crate) fn open() -> Option<Self> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = rustix::fs::fstat(std::io::stderr()).ok()?;
        if !is_stream(&stream, stderr.st_dev, stderr.st_ino) {
            return None;
        }
        Self::at(Path::new(SOCKET)).ok()
    }

    /// The journal behind this socket.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(path)?;
        Ok(Self { socket })
    }

    /// Tells an event. False when the journal didn't take it.
    pub(crate) fn tell(&self, event: &Event, kind: &str, level: Level, number: u64) -> bool {
        self.socket.send(&entry(event, kind, level, number)).is_ok()
    }
}

fn is_stream(told: &str, device: u64, inode: u64) -> bool {
    let (dev, ino) = told.split_once(':').unwrap_or_default();
    dev.parse() == Ok(device) && ino.parse() == Ok(inode)
}

/// An entry as systemd.io/JOURNAL_NATIVE_PROTOCOL has it.
fn entry(event: &Event, kind: &str, level: Level, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let priority = match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    };
    field(&mut out, "MESSAGE", &event.to_string());
    field(&mut out, "PRIORITY", priority);
    field(&mut out, "SYSLOG_IDENTIFIER", "adit");
    field(&mut out, "MESSAGE_ID", &message_id(kind));
    field(&mut out, "ADIT_EVENT", kind);
    field(&mut out, "ADIT_NUMBER", &number.to_string());
    if let Some(tunnel) = &event.connection {
        field(&mut out, "ADIT_TUNNEL", tunnel);
    }
    if let Some(peer) = event.remote {
        field(&mut out, "ADIT_PEER", &peer.ip().to_string());
    }
    if let Some(child) = child(&event.what) {
        field(&mut out, "ADIT_CHILD", child);
    }
    out
}

/// The child that an event is about.
pub(crate) fn child(what: &Happening) -> Option<&str> {
    match what {
        Happening::ChildEstablished { child, .. }
        | Happening::ChildClosed { child, .. }
        | Happening::ChildRekeyed { child, .. }
        | Happening::ClearTraffic { child, .. }
        | Happening::MonitorActed {
            child: Some(child), ..
        } => Some(child),
        Happening::Foreseen { child, .. } => child.as_deref(),
        _ => None,
    }
}

/// Text of several lines has its length in front: nobody can add fields by a name with a line break.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

/// One for each kind of event, the same in every version: made of its name.
fn message_id(kind: &str) -> String {
    let half = |seed: u64| {
        kind.bytes().fold(seed, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    // Marked as a random one (RFC 9562 5.4), as journald asks for.
    let high = half(0xcbf2_9ce4_8422_2325) & !0xf000 | 0x4000;
    let low = half(0x6164_6974_2065_7674) & !(0b11 << 62) | 0b10 << 62;
    format!("{high:016x}{low:016x}")
}

const SOCKET: &str = "/run/systemd/journal/socket";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::Now;

    use crate::scratch::Scratch;

    fn event(text: &str) -> Event {
        Event {
            at: Now::default(),
            connection: Some("office".to_owned()),
            role: None,
            local: None,
            remote: "192.0.2.2:500".parse().ok(),
            what: Happening::IkeClosed {
                by: adit_model::event::Party::Us,
                cause: text.to_owned(),
            },
        }
    }

    #[test]
    fn an_entry_has_the_fields_that_people_filter_by() {
        let scratch = Scratch::new("journal");
        let path = scratch.path().join("socket");
        let received = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::at(&path).unwrap();
        assert!(journal.tell(&event("deleted"), "ike-closed", Level::INFO, 7));
        let mut buffer = [0; 4096];
        let octets = received.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..octets].to_vec()).unwrap();
        let fields: Vec<&str> = text.lines().collect();
        for wanted in [
            "PRIORITY=6",
            "ADIT_TUNNEL=office",
            "ADIT_EVENT=ike-closed",
            "ADIT_PEER=192.0.2.2",
            "ADIT_NUMBER=7",
            "SYSLOG_IDENTIFIER=adit",
        ] {
            assert!(fields.contains(&wanted), "{wanted} in {text}");
        }
        let id = fields.iter().find_map(|f| f.strip_prefix("MESSAGE_ID="));
        assert!(id.is_some_and(|id| id.len() == 32 && id.as_bytes()[12] == b'4'));
        drop(received);
        assert!(!journal.tell(&event("deleted"), "ike-closed", Level::INFO, 8));
    }

    /// What a peer says may have line breaks; it must not become fields.
    #[test]
    fn a_line_break_adds_no_field() {
        let entry = entry(&event("deleted\nPRIORITY=0"), "ike-closed", Level::INFO, 1);
        let head = b"MESSAGE\n";
        assert!(entry.starts_with(head));
        let length = u64::from_le_bytes(entry[8..16].try_into().unwrap()) as usize;
        let rest = std::str::from_utf8(&entry[16 + length..]).unwrap();
        assert_eq!(
            rest.lines().filter(|l| l.starts_with("PRIORITY=")).count(),
            1
        );
    }

    #[test]
    fn only_the_journals_own_stream_counts_and_kinds_have_ids_of_their_own() {
        assert!(is_stream("8:123", 8, 123));
        for other in ["8:124", "9:123", "", "8", "8:", "x:y"] {
            assert!(!is_stream(other, 8, 123), "{other}");
        }
        assert_ne!(message_id("refused"), message_id("peer-refused"));
        assert_eq!(message_id("refused"), message_id("refused"));
    }
}
