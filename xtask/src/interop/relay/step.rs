//! What must be seen at the relay.

use anyhow::{Context, Result};

use super::super::play::Stage;
use super::super::scenario::Role;
use super::{EACH, SOURCES};

/// Half-open IKE SAs from which on Adit demands cookies.
const THRESHOLD: usize = 100;

impl Stage<'_> {
    fn notes(&self) -> Result<String> {
        let relay = self.relay.as_ref();
        Ok(relay.context("the scenario has no relay")?.notes())
    }

    /// Every answer that was lost and asked for anew came again, octet by octet the same. What strongSwan tells of its own
    /// accord near the end, it may not have had the time to repeat.
    pub fn repeated(&self) -> Result<()> {
        let notes = self.notes()?;
        let lost = notes.lines().filter_map(|line| line.strip_prefix("lost "));
        let mut count = 0;
        for answer in lost {
            let (other, what) = match answer.strip_prefix("to east: ") {
                Some(what) => ("west", what),
                None => ("east", answer.trim_start_matches("to west: ")),
            };
            let (kind, _) = what.rsplit_once(' ').context("a note without a digest")?;
            let request = format!(
                "passed to {other}: {} ",
                kind.replace("response", "request")
            );
            if notes.matches(&request).count() < 2 {
                continue;
            }
            anyhow::ensure!(
                notes.contains(&format!("passed {answer}")),
                "not repeated as it was: {answer}"
            );
            count += 1;
        }
        anyhow::ensure!(count >= 2, "only {count} answers were lost");
        Ok(())
    }

    /// Whoever was flooded demanded a cookie of the initiator, which came back with it and was answered. Adit kept no
    /// more half-open IKE SAs than it may before.
    pub fn cookie(&self) -> Result<()> {
        let notes = self.notes()?;
        let (there, back) = match self.role {
            Role::Initiator => ("to east", "to west"),
            Role::Responder => ("to west", "to east"),
        };
        let wanted = [
            format!("passed {there}: IKE_SA_INIT request 0 "),
            format!("passed {back}: IKE_SA_INIT response 0 cookie"),
            format!("passed {there}: IKE_SA_INIT request 0 cookie"),
            format!("passed {back}: IKE_SA_INIT response 0 "),
        ];
        let mut lines = notes.lines();
        for line in &wanted {
            anyhow::ensure!(
                lines.any(|noted| noted.starts_with(line)),
                "not seen in this order: {line}"
            );
        }
        let forged = |what: &str| {
            let line = format!("forged: IKE_SA_INIT response 0{what}");
            notes.lines().filter(|noted| **noted == line).count()
        };
        let (kept, sent_back) = (forged(""), forged(" cookie"));
        if self.role == Role::Responder {
            let all = usize::from(SOURCES) * usize::from(EACH);
            anyhow::ensure!(
                kept == THRESHOLD && kept + sent_back == all,
                "of {all} forged requests {kept} were taken up and {sent_back} got a cookie"
            );
        }
        Ok(())
    }
}
