//! What must be seen at the relay.

use std::time::Duration;

use anyhow::{Context, Result};

use super::super::patience::wait;
use super::super::play::Stage;
use super::super::scenario::Role;
use super::{EACH, SOURCES};

/// Half-open IKE SAs from which on Adit demands cookies.
const THRESHOLD: usize = 100;
/// How long an answer may be missing: until strongSwan has repeated its request twice.
const ASKED_ANEW: Duration = Duration::from_secs(12);

impl Stage<'_> {
    fn notes(&self) -> Result<String> {
        let relay = self.relay.as_ref();
        Ok(relay.context("the scenario has no relay")?.notes())
    }

    /// Every answer that was lost comes again, octet by octet the same. strongSwan asks anew after four seconds.
    pub fn repeated(&self) -> Result<()> {
        wait("every lost answer to come again", ASKED_ANEW, || {
            let notes = self.notes()?;
            let lost = notes.lines().filter_map(|line| line.strip_prefix("lost "));
            let mut missing = lost.filter(|answer| !notes.contains(&format!("passed {answer}")));
            Ok(missing.next().is_none())
        })?;
        let notes = self.notes()?;
        let count = notes.lines().filter(|l| l.starts_with("lost ")).count();
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
