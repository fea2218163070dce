//! racoon: `racoonctl show-sa isakmp`.

use adit_model::event::Role;
use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{child, listed, spi};
use crate::reading::Place;

/// Whether the head of the table was there.
#[derive(Debug, Default)]
pub(super) struct Racoon {
    head: bool,
}

impl Racoon {
    /// The next line: `Destination  Cookies  ST S V E Created  Phase2`, then a row per SA.
    pub(super) fn line(
        &mut self,
        body: &str,
        marked: bool,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        if marked && body.contains("Cookies") && body.contains("Phase2") {
            self.head = true;
            return;
        }
        if !self.head {
            return;
        }
        match row(body) {
            Some((sa, children)) => {
                if sa.stage == Stage::Up && children == 0 {
                    facts.push(listed(place(), child(Stage::Absent, None, "0")));
                }
                facts.push(listed(place(), sa));
            }
            None => self.head = body.trim().is_empty(),
        }
    }
}

/// `198.51.100.1.500  9f7a366492b4f22e:b90b9aa17880beb8  9 I 10 M 2026-11-21 05:40:00  1`. The state is the number of
/// the step in racoon's negotiation: odd ones have sent, 9 is established.
fn row(body: &str) -> Option<(ListedSa, u32)> {
    let words: Vec<&str> = body.split_whitespace().collect();
    let at = words.iter().take(3).position(|w| {
        w.split_once(':')
            .is_some_and(|(i, r)| i.len() == 16 && spi(i).is_some() && spi(r).is_some())
    })?;
    let (_, theirs) = words.get(at)?.split_once(':')?;
    let state = words.get(at + 1)?;
    let ours = match *words.get(at + 2)? {
        "I" => Role::Initiator,
        "R" => Role::Responder,
        _ => return None,
    };
    let children = words.last()?.parse().unwrap_or(0);
    let stage = match (state.parse::<u32>().ok()?, ours) {
        (9, _) => Stage::Up,
        (10.., _) => Stage::Closing,
        (_, Role::Initiator) if spi(theirs) == Some(false) => Stage::FirstUnanswered,
        (0..=3, Role::Responder) => Stage::FirstAnswered,
        (0..=5, Role::Initiator) => Stage::KeysPending,
        _ => Stage::AuthPending,
    };
    let peer = words
        .get(at.checked_sub(1)?)
        .and_then(|w| w.rsplit_once('.'))
        .map(|(host, _)| host.to_owned());
    let sa = ListedSa {
        peer,
        role: Some(ours),
        version: Some(1),
        ..ListedSa::new(Layer::Ike, stage, state)
    };
    Some((sa, children))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_and_the_cookies_tell_how_far_it_got() {
        let one = |line: &str| row(line).map(|(sa, n)| (sa.stage, n));
        assert_eq!(
            one(
                "198.51.100.1.500  9f7a366492b4f22e:b90b9aa17880beb8  9 I 10 M 2026-11-21 05:40:00  1"
            ),
            Some((Stage::Up, 1))
        );
        assert_eq!(
            one(
                "198.51.100.1.500  9f7a366492b4f22e:0000000000000000  3 I 10 M 2026-11-21 05:40:00  0"
            ),
            Some((Stage::FirstUnanswered, 0))
        );
        assert_eq!(one("no SA here"), None);
    }
}
