//! Sequence numbers of a state, and the window of those received.

use super::layout::{self, Fields, Reader};
use crate::netlink::codec::{Attributes, u32_at};

/// Sequence numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// 64-bit sequence numbers (RFC 4303 2.2.1).
    pub extended: bool,
    /// How many received numbers are remembered, at most 4096. At least 1 with extended numbers.
    pub window: u32,
    /// The last number sent.
    pub sent: u64,
    /// The highest number received.
    pub received: u64,
    /// Which of those before were received; the kernel's own order of bits.
    pub seen: Vec<u32>,
}

impl Replay {
    /// Nothing sent or received yet.
    #[must_use]
    pub fn new(extended: bool, window: u32) -> Self {
        let window = window.min(MOST_WINDOW);
        Self {
            extended,
            window: if extended { window.max(1) } else { window },
            ..Self::default()
        }
    }

    fn words(&self) -> usize {
        usize::try_from(self.window.div_ceil(32)).unwrap_or(0)
    }
}

/// `struct xfrm_replay_state_esn`.
pub(super) fn emit(replay: &Replay) -> Vec<u8> {
    let words = replay.words();
    let mut fields = Fields::default();
    fields
        .u32(u32::try_from(words).unwrap_or(0))
        .u32(replay.sent as u32)
        .u32(replay.received as u32)
        .u32((replay.sent >> 32) as u32)
        .u32((replay.received >> 32) as u32)
        .u32(replay.window);
    for at in 0..words {
        fields.u32(replay.seen.get(at).copied().unwrap_or(0));
    }
    fields.bytes().to_vec()
}

/// From whichever attribute says it; `extended` and `window` are the fixed part's.
pub(super) fn parse(attributes: Attributes<'_>, extended: bool, window: u32) -> Replay {
    let with_bitmap = attributes.find(layout::REPLAY_ESN).and_then(|value| {
        let mut reader = Reader::new(value);
        let words = reader.u32()?;
        let (sent, received) = (reader.u32()?, reader.u32()?);
        let (sent_high, received_high) = (reader.u32()?, reader.u32()?);
        let window = reader.u32()?;
        let whole = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        Some(Replay {
            extended,
            window,
            sent: whole(sent_high, sent),
            received: whole(received_high, received),
            seen: (0..words.min(MOST_WINDOW / 32))
                .map_while(|_| reader.u32())
                .collect(),
        })
    });
    with_bitmap.unwrap_or_else(|| {
        let old = attributes.find(layout::REPLAY);
        let at = |at| old.and_then(|value| u32_at(value, at)).unwrap_or(0);
        Replay {
            extended,
            window,
            sent: at(0).into(),
            received: at(4).into(),
            seen: vec![at(8)],
        }
    })
}

/// XFRMA_REPLAY_ESN_MAX.
const MOST_WINDOW: u32 = 4096;
