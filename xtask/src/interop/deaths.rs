//! Steps about a peer that can't be reached any more, or that has forgotten everything.

use std::time::Duration;

use adit_model::event::Party;
use anyhow::{Context, Result};
use serde_json::Value;

use super::children::Keys;
use super::patience::wait;
use super::play::{ESTABLISH, SETTLE, Stage, state_matches};
use super::scenario::Role;
use super::side::Side;
use super::traffic;

/// How long strongSwan may take to find that its peer is dead: what it repeats, and one sign of life before.
const DEATH: Duration = Duration::from_secs(12);
/// How long nothing may happen by itself.
const QUIET: Duration = Duration::from_secs(3);
/// How long a peer may take to be back once it can be reached: until it tries again.
const AGAIN: Duration = Duration::from_secs(15);

impl Stage<'_> {
    /// Whoever looks for signs of life gives the other side up, Adit neither before nor after its settings say, and has
    /// no SA left.
    pub(super) fn part(&self) -> Result<()> {
        let tunnel = &self.scenario.tunnel;
        if tunnel.keys.get("dpd").and_then(Value::as_str) != Some("off") {
            wait("the near side to have no SA", DEATH, || {
                Ok(self.near()?.ike.is_empty())
            })?;
            if let Side::Adit(adit) = &self.near {
                let given_up = adit.last_event("gave-up")?;
                let number = |key: &str| given_up[key].as_u64().context(key.to_owned());
                let (tries, least) = patience(&tunnel.keys)?;
                let waited = number("waited_ms")?;
                anyhow::ensure!(
                    given_up["exchange"] == "INFORMATIONAL"
                        && number("transmissions")? == tries + 1
                        && (least..least + 1000).contains(&waited),
                    "gave up otherwise than after {tries} repetitions in {least} ms: {given_up}",
                );
            }
        }
        if self.scenario.peer.liveness {
            let far = self.far()?;
            wait("the far side to have no SA", DEATH, || {
                Ok(far.snapshot()?.ike.is_empty())
            })?;
        }
        Ok(())
    }

    /// No tunnel comes up by itself.
    pub(super) fn stays_down(&self) -> Result<()> {
        let up = wait("an SA", QUIET, || Ok(!self.near()?.ike.is_empty()));
        anyhow::ensure!(up.is_err(), "the tunnel came up again by itself");
        Ok(())
    }

    /// The tunnel comes up by itself.
    pub(super) fn recover(&mut self) -> Result<()> {
        self.both_up(AGAIN)?;
        self.near_role = self.role;
        self.only_one()
    }

    /// A packet of the caller's side brings the tunnel up.
    pub(super) fn woken(&mut self) -> Result<()> {
        anyhow::ensure!(self.near()?.ike.is_empty(), "the tunnel is up already");
        let caller = match self.role {
            Role::Initiator => "west",
            Role::Responder => "east",
        };
        wait("packets to set the tunnel up", ESTABLISH, || {
            traffic::knock(self.lab, &self.scenario.tunnel, caller)?;
            Ok(self.near()?.is_up() && self.far()?.snapshot()?.is_up())
        })?;
        self.near_role = self.role;
        self.only_one()
    }

    /// The side of `who` is killed, starts again without any memory, and calls; the new tunnel is the only one.
    pub(super) fn forget(&mut self, who: Party) -> Result<()> {
        let before = self.far()?.snapshot()?;
        anyhow::ensure!(before.is_up(), "nothing to forget: {before:?}");
        let lab = self.lab;
        let gateway = match who {
            Party::Us => &mut self.near,
            Party::Peer => self.far_mut()?,
        };
        gateway.forget(lab)?;
        gateway.initiate()?;
        wait("a new tunnel", ESTABLISH, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.is_up() && far.is_up() && far.ike[0].spis != before.ike[0].spis)
        })?;
        self.near_role = match who {
            Party::Us => Role::Initiator,
            Party::Peer => Role::Responder,
        };
        self.only_one()
    }

    /// The peer is elsewhere, and only its name tells where.
    pub(super) fn renamed(&mut self) -> Result<()> {
        let address = self.lab.readdress("east")?;
        let Side::Adit(adit) = &self.near else {
            anyhow::bail!("this step is about Adit");
        };
        adit.rename(&address)?;
        wait("a tunnel to where the name leads", AGAIN, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.is_up()
                && far.is_up()
                && state_matches(&near, &far)
                && far.ike[0].local == address)
        })?;
        self.only_one()
    }

    /// There is exactly one IKE SA with one pair of SAs, on both sides, and it is the same.
    pub(super) fn only_one(&self) -> Result<()> {
        wait("the tunnel to be the only one", SETTLE, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.is_up()
                && far.is_up()
                && state_matches(&near, &far)
                && [self.near.counts()?, self.far()?.counts()?] == [(1, 1); 2])
        })
    }
}

/// How often Adit repeats a request, and after how many milliseconds it gives up: `retransmit` of the scenario.
fn patience(keys: &Keys) -> Result<(u64, u64)> {
    let table = keys.get("retransmit").context("no `retransmit`")?;
    let tries = table["tries"].as_u64().context("tries")?;
    let backoff = table["backoff"].as_f64().context("backoff")?;
    let initial = table["initial"].as_str();
    let initial = initial.and_then(|text| text.strip_suffix("ms"));
    let initial: f64 = initial.context("initial, in ms")?.parse()?;
    let waits = (0..=i32::try_from(tries)?).map(|number| backoff.powi(number));
    Ok((tries, (initial * waits.sum::<f64>()) as u64))
}
