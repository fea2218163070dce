//! Targets for `adit-evidence`.

use adit_evidence::capture::{Capture, CaptureError, Dissector, Vantage, case, pairs, read};

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("capture", capture)];

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
