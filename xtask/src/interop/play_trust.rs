//! Steps about what the CA says, and about keys that are mixed in.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::credentials::{Credentials, Flaw};
use super::patience::wait;
use super::play::{SETTLE, Stage, Unsupported};
use super::relay::Meddling;
use super::scenario::Scenario;
use super::side::Side;

/// How long the next time of authenticating anew may be away, with what follows.
const ANEW: Duration = Duration::from_secs(20);

impl Stage<'_> {
    pub(super) fn revoke(&self, side: &str) -> Result<()> {
        Credentials::of(&self.lab.kept, &self.scenario.tunnel)?.revoke(side)
    }

    pub(super) fn asked(&self) -> Result<()> {
        let authority = self.authority.as_ref();
        let authority = authority.context("the scenario's CA tells nothing over HTTP")?;
        wait("both gateways to ask the CA", SETTLE, || {
            authority.was_asked(&self.scenario.tunnel)
        })
    }

    pub(super) fn distrusted(&self) -> Result<()> {
        wait("both sides to have no SA", ANEW, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.ike.is_empty() && near.children.is_empty() && far.ike.is_empty())
        })
    }

    pub(super) fn mixed(&self, wanted: bool) -> Result<()> {
        for side in [Some(&self.near), self.far().ok()].into_iter().flatten() {
            let Side::Adit(adit) = side else {
                continue;
            };
            let shown = adit.show("ike-sa")?;
            let sa = shown["ike_sas"].as_array().and_then(|all| all.first());
            let ppk = sa.context("show: no IKE SA")?["ppk"].clone();
            anyhow::ensure!(
                ppk.is_string() == wanted,
                "the key that is mixed in: {ppk}, configured {:?}",
                self.scenario.tunnel.ppk.as_ref().map(|ppk| &ppk.id)
            );
        }
        Ok(())
    }
}

/// The first of `texts` that the verdict doesn't say anywhere.
pub(super) fn lacking<'a>(document: &Value, texts: &'a [String]) -> Option<&'a String> {
    let said = document.to_string();
    texts.iter().find(|text| !said.contains(text.as_str()))
}

/// Adit didn't start: for the reasons that it must, and without a word to the peer.
pub(super) fn never_started(
    scenario: &Scenario,
    problem: &anyhow::Error,
    far: Option<&Side<'_>>,
) -> Result<()> {
    let said = format!("{problem:#}");
    for text in &scenario.never_starts {
        anyhow::ensure!(said.contains(text), "{text:?} isn't in {said:?}");
    }
    let heard = far.map(Side::said).unwrap_or_default();
    anyhow::ensure!(
        !heard.contains("received packet"),
        "the peer was sent something"
    );
    Ok(())
}

/// What Adit refuses and strongSwan takes.
pub(super) fn beyond_theirs(scenario: &Scenario) -> Result<()> {
    let tunnel = &scenario.tunnel;
    if [tunnel.west_flaw, tunnel.east_flaw].contains(&Some(Flaw::Sha3)) {
        let why = "strongSwan takes certificates that are signed with SHA-3";
        return Err(Unsupported(why.to_owned()).into());
    }
    let once = [Meddling::CriticalOnce, Meddling::MajorVersionOnce];
    if scenario.meddling.is_some_and(|m| once.contains(&m)) {
        let why = "strongSwan believes an error that anybody can have sent";
        return Err(Unsupported(why.to_owned()).into());
    }
    Ok(())
}
