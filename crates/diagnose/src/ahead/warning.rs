//! What is told ahead: the `adit.check.live/1` document.

use adit_model::ahead::Weight;
use serde::{Deserialize, Serialize};

use crate::verdict::{AtFault, Evidence, Fix};

/// The whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Premortem {
    /// Always [`Premortem::SCHEMA`].
    pub schema: String,
    /// Every tunnel that was asked about.
    pub tunnels: Vec<TunnelAhead>,
}

impl Premortem {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.check.live/1";

    /// The document of these tunnels.
    #[must_use]
    pub fn new(tunnels: Vec<TunnelAhead>) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            tunnels,
        }
    }

    /// Whether anything will fail.
    #[must_use]
    pub fn has_warnings(&self) -> bool {
        let mut all = self.tunnels.iter().flat_map(|tunnel| &tunnel.ahead);
        all.any(|warning| warning.weight == Weight::Warning)
    }
}

/// One tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelAhead {
    /// Its name.
    pub tunnel: String,
    /// Whether it is up.
    pub up: bool,
    /// What will fail, warnings before notes.
    pub ahead: Vec<Forewarning>,
    /// What was looked at, each in one sentence, also where nothing is wrong with it.
    pub seen: Vec<String>,
}

/// Something that will fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forewarning {
    /// The tunnel.
    pub subject: String,
    /// The child, where it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    /// Cause id that the failure will have.
    pub cause: String,
    /// How much it weighs.
    pub weight: Weight,
    /// Where the fault lies.
    pub side: AtFault,
    /// What is so, in one sentence.
    pub summary: String,
    /// What will come of it.
    pub consequence: String,
    /// Days until then where that is known, the begun one included; 0 or less when the time has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What each side can do.
    pub fix: Fix,
}

impl Forewarning {
    /// What has to stay the same for it to be the same warning, which isn't told again: how many days are left isn't part of
    /// it, which of the steps 30, 14, 7, 1 and 0 was reached is.
    #[must_use]
    pub fn key(&self) -> String {
        let step = self.days.map(step).map(|s| format!(" {s}"));
        // What was worth knowing may become what will fail.
        let weight = match self.weight {
            Weight::Warning => "",
            Weight::Note => "note ",
        };
        format!(
            "{weight}{} {} {}{}",
            self.cause,
            self.child.as_deref().unwrap_or("-"),
            self.about(),
            step.unwrap_or_default()
        )
    }

    /// What it is about: the first evidence's words without numbers that grow, and without how far away a time is, which
    /// passes.
    fn about(&self) -> String {
        let first = self.evidence.first().map_or("", |e| e.text.as_str());
        let words: String = first.chars().filter(|c| !c.is_ascii_digit()).collect();
        words.replace(" (in  s)", "").replace(" ( s ago)", "")
    }

    pub(super) fn of_child(mut self, child: &str) -> Self {
        self.child = Some(child.to_owned());
        self
    }

    /// What will come of it.
    pub(super) fn then(mut self, consequence: impl Into<String>) -> Self {
        self.consequence = consequence.into();
        self
    }

    /// In how many days.
    pub(super) fn in_days(mut self, days: i64) -> Self {
        self.days = Some(days);
        self
    }

    /// It may be meant so.
    pub(super) fn note(mut self) -> Self {
        self.weight = Weight::Note;
        self
    }

    /// What we can do.
    pub(super) fn fix(mut self, here: impl Into<String>) -> Self {
        self.fix.local = here.into();
        self
    }

    /// What the peer can do.
    pub(super) fn fix_there(mut self, there: impl Into<String>) -> Self {
        self.fix.remote = there.into();
        self
    }
}

/// The step towards an end that so many days are in.
pub(super) fn step(days: i64) -> i64 {
    match days {
        ..=0 => 0,
        1 => 1,
        2..=7 => 7,
        8..=14 => 14,
        _ => 30,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_warning_is_the_same_until_a_step_is_reached() {
        let at = |days: i64| Forewarning {
            subject: "office".to_owned(),
            child: None,
            cause: "cert-expired".to_owned(),
            weight: Weight::Warning,
            side: AtFault::Local,
            summary: format!("{days} days"),
            consequence: String::new(),
            days: Some(days),
            evidence: vec![Evidence {
                side: None,
                source: "host".to_owned(),
                line: None,
                text: format!("our certificate CN=west ends in {days} days"),
            }],
            fix: Fix::default(),
        };
        assert_eq!(at(13).key(), at(8).key());
        for (a, b) in [(30, 14), (8, 7), (2, 1), (1, 0)] {
            assert_ne!(at(a).key(), at(b).key(), "{a} {b}");
        }
        // A time that passes is the same time, and what was a note is another thing as a warning.
        use adit_model::{Wall, ahead::when};
        let until = |now: u64| {
            let mut one = at(1);
            one.evidence[0].text = format!("it ends {}", when(Wall(now), Wall(86_400_000)));
            one
        };
        assert_eq!(until(1000).key(), until(90_000_000).key());
        assert_ne!(until(1000).key(), until(1000).note().key());
    }
}
