//! What the kernel answers to somebody who sets SAs, policies or tunnel interfaces by hand.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::reading::Place;
use crate::text::Line;

/// How many lines an answer may stand below its command.
const NEAR: u8 = 3;

/// The command whose answer is awaited.
#[derive(Debug, Default)]
pub(crate) struct Rtnetlink {
    asked: Option<(Asked, u8)>,
}

#[derive(Clone, Debug)]
enum Asked {
    State,
    Policy,
    /// An interface of this type.
    Interface(String),
}

impl Rtnetlink {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if body.is_empty() {
            return;
        }
        if let Some(words) = body.strip_prefix("RTNETLINK answers: ") {
            if let Some((asked, _)) = self.asked.take() {
                facts.extend(answer(&asked, words, place));
            }
            return;
        }
        if body.starts_with("Error: Unknown device type") {
            if let Some((Asked::Interface(kind), _)) = self.asked.take() {
                let values = [("what", kind.as_str())];
                facts.push(sign(place(), Sign::KernelSupportMissing, &values));
            }
            return;
        }
        if let Some(asked) = command(body).and_then(asks) {
            self.asked = Some((asked, NEAR));
        } else if let Some((_, left)) = &mut self.asked {
            *left -= 1;
            if *left == 0 {
                self.asked = None;
            }
        }
    }
}

fn answer(asked: &Asked, words: &str, place: &dyn Fn() -> Place) -> Option<Fact> {
    let errno = ("errno", words.trim());
    match asked {
        Asked::State => Some(sign(place(), Sign::StateNotInstalled, &[errno])),
        Asked::Policy => Some(sign(place(), Sign::PolicyNotInstalled, &[errno])),
        Asked::Interface(kind) => words.contains("not supported").then(|| {
            let values = [("what", kind.as_str()), errno];
            sign(place(), Sign::KernelSupportMissing, &values)
        }),
    }
}

/// What a command sets.
fn asks(typed: &str) -> Option<Asked> {
    let mut words = typed
        .split_ascii_whitespace()
        .filter(|w| !w.starts_with('-'));
    words.find(|w| *w == "ip" || w.ends_with("/ip"))?;
    let object = words.next()?;
    if matches!(object, "l" | "li" | "link") {
        words.find(|w| *w == "type")?;
        return match words.next()? {
            kind @ ("xfrm" | "vti" | "vti6") => {
                Some(Asked::Interface(format!("interfaces of the type {kind}")))
            }
            _ => None,
        };
    }
    if !matches!(object, "x" | "xf" | "xfrm") {
        return None;
    }
    let what = words.next()?;
    let sets = words
        .next()
        .is_some_and(|w| matches!(w, "a" | "add" | "upd" | "update" | "alloc" | "allocspi"));
    match what {
        _ if !sets => None,
        w if "state".starts_with(w) || w == "sa" => Some(Asked::State),
        w if "policy".starts_with(w) => Some(Asked::Policy),
        _ => None,
    }
}
