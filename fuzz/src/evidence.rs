//! Targets for `adit-evidence`.

use adit_evidence::Reader;
use adit_evidence::capture::{Capture, CaptureError, Dissector, Vantage, case, pairs, read};
use adit_model::fact::{Case, Side};
use adit_model::now::Wall;

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("capture", capture), ("evidence_text", evidence_text)];

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
    for flow in &capture.flows {
        assert!(flow.packets > 0 && flow.duplicates + flow.late + flow.stale < flow.packets);
    }
    for conversation in &capture.conversations {
        for message in &conversation.messages {
            assert!((1..=capture.packets).contains(&message.frame));
            assert!(
                message
                    .retransmission_of
                    .is_none_or(|first| first <= message.frame)
            );
        }
    }
    for (local, peer) in pairs(&capture) {
        for (local, peer) in [(local, peer), (peer, local)] {
            let vantage = Vantage {
                local,
                peer,
                file: "capture",
            };
            for fact in case(&capture, &vantage).facts {
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

/// A log, as one side's and as both sides'. The first byte says in how big pieces it is read a second time, which must
/// make no difference. Facts survive their text.
pub fn evidence_text(data: &[u8]) {
    /// 2026-11-22T00:00:00Z.
    const NOW: Wall = Wall(1_795_305_600_000);
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
