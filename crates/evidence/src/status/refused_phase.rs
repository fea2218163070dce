//! racoon and what was made of it (RouterOS, Meraki) say in one line that no proposal fits, and in a later one which phase
//! it was about: `no suitable proposal found`, `failed to pre-process ph2 packet`.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many lines may stand between the two: those of other peers.
const BETWEEN: u8 = 3;

/// The refusal whose phase isn't known yet.
#[derive(Debug, Default)]
pub(crate) struct RefusedPhase {
    refused: Option<(Place, u8)>,
}

impl RefusedPhase {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        if line.body.contains("no suitable proposal found") {
            self.refused = Some((place(), BETWEEN));
            return;
        }
        let Some((_, left)) = &mut self.refused else {
            return;
        };
        // What names the first phase says so by itself.
        let first = line.body.contains("failed to get valid proposal")
            || line.body.contains("failed to pre-process ph1 packet");
        if line.body.contains("failed to pre-process ph2 packet") {
            let refused = self.refused.take().map(|(place, _)| place);
            facts.extend(refused.map(|place| sign(place, Sign::EspProposalRefused, &[])));
        } else if first || *left == 0 {
            self.refused = None;
        } else {
            *left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn refused(text: &str) -> bool {
        let facts = read("log", Side::Local, text.as_bytes(), Wall(1_795_241_400_000)).facts;
        facts.iter().any(|f| {
            matches!(
                f.what,
                Known::Sign {
                    sign: Sign::EspProposalRefused,
                    ..
                }
            )
        })
    }

    #[test]
    fn the_phase_is_told_by_a_later_line() {
        assert!(refused(
            "no suitable proposal found.\n192.0.2.15 failed to pre-process ph2 packet.\n"
        ));
        assert!(!refused(
            "no suitable proposal found.\n192.0.2.15 failed to get valid proposal.\n192.0.2.15 failed to pre-process ph1 packet (side: 1, status 1).\n"
        ));
        assert!(!refused("192.0.2.15 failed to pre-process ph2 packet.\n"));
    }
}
