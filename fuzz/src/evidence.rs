//! Targets for `adit-evidence`.

use adit_evidence::capture::{Capture, CaptureError, Dissector, Keys, Vantage, case, pairs, read};
use adit_evidence::{DigestKey, Reader, read_config};
use adit_model::fact::{Case, Known, Side, Wire};
use adit_model::now::Wall;

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("capture", capture),
    ("capture_keys", capture_keys),
    ("capture_text", capture_text),
    ("evidence_config", evidence_config),
    ("evidence_text", evidence_text),
    ("pluto_text", pluto_text),
];

/// A capture file. The first byte says in how big chunks it is read a second time, which must make no difference.
pub fn capture(data: &[u8]) {
    let Some((size, file)) = data.split_first() else {
        return;
    };
    let whole = read(file);
    let pieces = in_pieces(file, usize::from(*size) + 1);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(format!("{whole:?}"), format!("{pieces:?}")),
        _ => assert_eq!(whole.as_ref().err(), pieces.as_ref().err()),
    }
    let Ok(capture) = whole else { return };
    holds(&capture);
    for message in capture.conversations.iter().flat_map(|c| &c.messages) {
        assert!((1..=capture.packets).contains(&message.frame));
    }
    // Both sides' captures, which happen to be the same: all that left arrived.
    let side = |side| adit_evidence::read("capture", side, file, NOW);
    let both = adit_evidence::case(None, vec![side(Side::Local), side(Side::Remote)]);
    for fact in &both.facts {
        if let Known::Wire {
            seen: Wire::Crossing { sent, arrived, .. },
        } = &fact.what
        {
            assert!(arrived <= sent);
        }
    }
    told(&capture);
}

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

fn holds(capture: &Capture) {
    for flow in &capture.flows {
        assert!(flow.packets > 0 && flow.duplicates + flow.late + flow.stale < flow.packets);
    }
    for conversation in &capture.conversations {
        // A text may have the newest first, so that what is repeated has the higher number.
        for (before, message) in conversation.messages.iter().enumerate() {
            assert!(message.retransmission_of.is_none_or(|first| {
                conversation.messages[..before]
                    .iter()
                    .any(|m| m.frame == first && m.retransmission_of.is_none())
            }));
        }
    }
    for clear in &capture.clear {
        assert!(clear.behind_esp + clear.before_esp <= 2 * clear.packets);
        assert!(clear.sent + clear.received <= clear.packets);
    }
    for fragments in &capture.fragments {
        assert!(fragments.only_first <= fragments.incomplete);
    }
}

fn told(capture: &Capture) {
    for (local, peer) in pairs(capture) {
        for (local, peer) in [(local, peer), (peer, local)] {
            let vantage = Vantage {
                local,
                peer,
                file: "capture",
            };
            for fact in case(capture, &vantage).facts {
                assert!(fact.source.line.is_some());
            }
        }
    }
}

fn in_pieces(file: &[u8], size: usize) -> Result<Capture, CaptureError> {
    let mut dissector = Dissector::new();
    for piece in file.chunks(size) {
        dissector.feed(piece)?;
    }
    dissector.finish()
}

/// A capture and a text of keys. The first two octets say how long the text is. Keys are never told.
pub fn capture_keys(data: &[u8]) {
    let Some((&[high, low], rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
    let (text, file) = rest.split_at(length);
    let keys = Keys::read(&String::from_utf8_lossy(text));
    assert!(keys.problems().iter().all(|p| p.starts_with("line ")));
    let mut dissector = Dissector::new().with_keys(keys);
    if dissector.feed(file).is_ok()
        && let Ok(capture) = dissector.finish()
    {
        holds(&capture);
    }
}

/// Packets that tcpdump or snoop printed.
pub fn capture_text(data: &[u8]) {
    let reading = adit_evidence::read("paste", Side::Local, data, NOW);
    let Some(capture) = &reading.capture else {
        return;
    };
    assert!(capture.packets > 0);
    holds(capture);
    told(capture);
    for message in capture.conversations.iter().flat_map(|c| &c.messages) {
        assert!((1..=reading.lines).contains(&message.frame));
    }
    let case = adit_evidence::case(None, vec![reading]);
    let json = serde_json::to_string(&case).expect("a case is written");
    assert_eq!(serde_json::from_str::<Case>(&json).expect(&json), case);
}

/// A log, as one side's and as both sides'. The first byte says in how big pieces it is read a second time, which must
/// make no difference. Facts survive their text.
pub fn evidence_text(data: &[u8]) {
    let Some((size, text)) = data.split_first() else {
        return;
    };
    let whole = adit_evidence::read("fuzz", Side::Local, text, NOW);
    let mut reader = Reader::new("fuzz", Side::Local, NOW);
    for piece in text.chunks(usize::from(*size) + 1) {
        reader.feed(piece);
    }
    assert_eq!(reader.finish(), whole);
    for fact in &whole.facts {
        assert!(
            fact.source
                .line
                .is_some_and(|line| (1..=whole.lines).contains(&line))
        );
    }
    let theirs = adit_evidence::read("fuzz", Side::Remote, text, NOW);
    for case in [
        adit_evidence::case(None, vec![whole.clone()]),
        adit_evidence::case(Some("gw"), vec![whole, theirs]),
    ] {
        let json = serde_json::to_string(&case).expect("a case is written");
        assert_eq!(serde_json::from_str::<Case>(&json).expect(&json), case);
    }
}

/// Messages of pluto, each behind a head: the first byte of a line says which. What follows is judged as any log.
pub fn pluto_text(data: &[u8]) {
    const HEADS: [&str; 8] = [
        "\"gw\" #1: ",
        "\"gw\" #2: ",
        "\"gw\"[1] 192.0.2.9 #3: STATE_MAIN_R2: ",
        "\"gw\" #4: STATE_PARENT_I2: ",
        "packet from 192.0.2.9:500: ",
        "| ",
        "000 #5: \"gw\":500 ",
        "Nov 21 06:08:05 gw pluto[812]: ",
    ];
    let mut text = vec![data.first().copied().unwrap_or(0)];
    for line in data.split(|b| *b == b'\n') {
        let (head, message) = line.split_first().unwrap_or((&0, &[]));
        let head = HEADS[usize::from(*head) % HEADS.len()];
        text.extend(head.as_bytes());
        text.extend(message);
        text.push(b'\n');
    }
    evidence_text(&text);
}

/// A configuration of any dialect. What is quoted is a line of it, and connections
/// survive their text.
pub fn evidence_config(data: &[u8]) {
    let reading = read_config("fuzz", data, Some(&DigestKey::new([7; 32])));
    let lines = 0..=reading.lines;
    for lint in &reading.lints {
        assert!(lint.source.line.is_some_and(|line| lines.contains(&line)));
    }
    for connection in &reading.connections {
        let json = serde_json::to_string(connection).expect("a connection is written");
        let back: adit_model::peer_config::PeerConnection =
            serde_json::from_str(&json).expect(&json);
        assert_eq!(&back, connection);
    }
}
