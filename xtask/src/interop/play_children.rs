//! The steps about several children, policies and single flows.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::children::Pair;
use super::patience::wait;
use super::play::{ESTABLISH, RENEWAL, SETTLE, Stage};
use super::scenario::{Role, Tunnel};
use super::side::Side;
use super::state::{Child, Ike};
use super::talk::Flow;
use super::{children, traffic};
use crate::exec;

/// Long enough for a gateway that would start by itself to do so.
const QUIET: Duration = Duration::from_millis(1500);
/// How long an IKE SA that was replaced waits for its peer to delete it, and some.
const GIVES_WAY: Duration = Duration::from_secs(40);
/// How long a flow that must not work is tried.
const HOPELESS: Duration = Duration::from_millis(1500);

impl Stage<'_> {
    pub(super) fn quiet(&self) -> Result<()> {
        std::thread::sleep(QUIET);
        let (near, far) = (self.near()?, self.far()?.snapshot()?);
        anyhow::ensure!(
            near.ike.is_empty() && far.ike.is_empty(),
            "somebody started: near {near:?}, far {far:?}"
        );
        Ok(())
    }

    /// Every child comes up; strongSwan wants to be told of each.
    pub(super) fn establish_all(&self) -> Result<()> {
        let caller = match self.role {
            Role::Initiator => &self.near,
            Role::Responder => self.far()?,
        };
        match caller {
            Side::Adit(adit) if self.role == Role::Responder => drop(adit.up()?),
            Side::Adit(_) => {}
            Side::StrongSwan(daemon) => {
                for child in &self.scenario.tunnel.child {
                    daemon.initiate_child(&child.name)?;
                }
            }
        }
        self.children()
    }

    pub(super) fn children(&self) -> Result<()> {
        let configured = self.scenario.tunnel.pairs();
        self.have(self.scenario.pairs.as_ref().unwrap_or(&configured))
    }

    fn have(&self, wanted: &[Pair]) -> Result<()> {
        let mut last = None;
        let there = wait("the pairs of CHILD SAs", ESTABLISH, || {
            last = children::differ(&self.near, self.far()?, wanted)?;
            Ok(last.is_none())
        });
        there.map_err(|error| error.context(last.unwrap_or_default()))
    }

    pub(super) fn only(&self, names: &[String]) -> Result<()> {
        let wanted = self.scenario.tunnel.pairs().into_iter();
        let wanted: Vec<_> = wanted.filter(|pair| names.contains(&pair.child)).collect();
        self.have(&wanted)
    }

    pub(super) fn second_hosts(&self) -> Result<()> {
        for (host, address, device) in [
            ("westlan", "10.1.0.18/24", "eth0"),
            ("eastlan", "10.2.0.18/24", "eth0"),
            // strongSwan wants an address of its own inside of each child.
            ("west", "10.1.0.17/24", "lan"),
            ("east", "10.2.0.17/24", "lan"),
        ] {
            let mut command = self.lab.brief(host, "ip");
            exec::checked(command.args(["addr", "add", address, "dev", device]))?;
        }
        Ok(())
    }

    /// All pairs are replaced by as many of a new IKE SA.
    pub(super) fn reauthenticated(&self) -> Result<()> {
        let (ike, before) = (self.near()?, self.near.pairs()?);
        let old = ike.ike.first().map(|sa| sa.spis.clone());
        wait("a new IKE SA with all children", RENEWAL, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            let new = near.ike.first().map(|sa| sa.spis.clone());
            let (ours, theirs) = (self.near.pairs()?, self.far()?.pairs()?);
            let other = |pair: &Child| before.iter().all(|old| old.spi_in != pair.spi_in);
            Ok(new.is_some()
                && new != old
                && far.ike.len() == 1
                && ours.len() == before.len()
                && theirs.len() == before.len()
                && ours.iter().all(other))
        })
    }

    pub(super) fn ike_sas(&self, count: usize) -> Result<()> {
        let mut last = (0, 0);
        let there = wait("that many IKE SAs", GIVES_WAY, || {
            last = (self.near.ike_sas()?, self.far()?.ike_sas()?);
            Ok(last == (count, count))
        });
        there.map_err(|error| error.context(format!("{last:?} IKE SAs")))
    }

    pub(super) fn childless(&self) -> Result<()> {
        wait("an IKE SA without children", RENEWAL, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            let alone = near.ike.len() == 1 && far.ike.len() == 1;
            Ok(alone && near.children.is_empty() && far.children.is_empty())
        })
    }

    pub(super) fn reach(&self, flow: &Flow) -> Result<()> {
        let carried = |side: &Side| match &flow.child {
            // On demand there is none before the first packet.
            Some(child) => children::carried(side, child).unwrap_or((0, 0)),
            None => (0, 0),
        };
        let before = carried(&self.near);
        anyhow::ensure!(flow.works(self.lab, ESTABLISH)?, "{flow} isn't answered");
        if let Some(child) = &flow.child {
            let after = children::carried(&self.near, child)?;
            anyhow::ensure!(
                after.0 > before.0 && after.1 > before.1,
                "{flow} wasn't carried by {child}: {before:?}, then {after:?}"
            );
        }
        traffic::no_leak(self.lab)
    }

    pub(super) fn unreachable(&self, flow: &Flow) -> Result<()> {
        anyhow::ensure!(!flow.works(self.lab, HOPELESS)?, "{flow} is answered");
        Ok(())
    }

    /// One of several children gets new keys, and the others keep theirs.
    pub(super) fn rekey_one(&self, by: &Side, child: &str) -> Result<()> {
        self.one_renewed(by, child, SETTLE, || by.rekey_child(child))
    }

    pub(super) fn one_renewed(
        &self,
        by: &Side,
        child: &str,
        patience: Duration,
        begin: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let before = by.pairs()?;
        begin()?;
        wait("the child's new pair", patience, || {
            let (now, near, far) = (by.pairs()?, self.near.pairs()?, self.far()?.pairs()?);
            let stays = before
                .iter()
                .all(|old| now.iter().any(|new| new.spi_in == old.spi_in) == (old.name != child));
            let settled = near.len() == before.len() && far.len() == before.len();
            Ok(stays && settled)
        })
    }

    /// What changed is made anew, once; what is gone is deleted; nothing else is touched. A second time nothing happens.
    pub(super) fn reload(&mut self) -> Result<()> {
        let child = self.scenario.reloaded.clone();
        let tunnel = Tunnel {
            child: child.context("the scenario doesn't say what is reloaded")?,
            ..self.scenario.tunnel.clone()
        };
        let (before, ike) = (self.near.pairs()?, self.near()?.ike);
        let told = |side: &Side, name: &str| {
            let line = format!("CHILD SA {name} established");
            side.said().matches(&line).count()
        };
        let names = tunnel.child.iter().map(|child| child.name.clone());
        let counts: Vec<_> = names.map(|name| (told(&self.near, &name), name)).collect();
        for _ in 0..2 {
            self.adit()?.reload(&tunnel)?;
            self.have(&tunnel.pairs())?;
            std::thread::sleep(QUIET);
            self.have(&tunnel.pairs())?;
        }
        let old = self.scenario.tunnel.pairs();
        for (count, name) in counts {
            let same = tunnel
                .pairs()
                .iter()
                .any(|new| new.child == name && old.contains(new));
            let made = told(&self.near, &name) - count;
            anyhow::ensure!(
                made == usize::from(!same),
                "{name} was made {made} times, as before: {same}"
            );
        }
        let after = self.near()?.ike;
        let spis = |list: &[Ike]| list.iter().map(|sa| sa.spis.clone()).collect::<Vec<_>>();
        anyhow::ensure!(
            spis(&ike) == spis(&after),
            "another IKE SA: {ike:?}, {after:?}"
        );
        anyhow::ensure!(!before.is_empty(), "nothing was up before");
        Ok(())
    }

    pub(super) fn starts_with(&self, child: &str) -> Result<()> {
        if self.role == Role::Responder {
            self.far()?.initiate_child(child)?;
        }
        Ok(())
    }

    pub(super) fn fails(&self, child: &str) -> Result<()> {
        if self.role == Role::Responder {
            let outcome = self.far()?.initiate_child(child)?;
            anyhow::ensure!(!outcome.success, "{child} came up although it must not");
        }
        Ok(())
    }

    pub(super) fn negotiated(&self, word: &str) -> Result<()> {
        for side in [&self.near, self.far()?] {
            let pairs = side.pairs()?;
            let first = pairs.first().context("no child")?;
            anyhow::ensure!(first.suite.contains(word), "{word} isn't in {first:?}");
        }
        Ok(())
    }

    /// About 1.6 MB each way.
    pub(super) fn volume(&self) -> Result<()> {
        let before = self.far()?.snapshot()?;
        let mut ping = self.lab.brief("westlan", "ping");
        let packets = [
            "-n", "-q", "-i", "0.002", "-c", "1200", "-s", "1300", "-w", "15",
        ];
        let done = exec::checked(ping.args(packets).arg("10.2.0.2"))?;
        anyhow::ensure!(
            done.stdout.contains(" 0% packet loss"),
            "packets are lost: {}",
            done.stdout
        );
        wait("another pair", SETTLE, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.is_up()
                && far.is_up()
                && far.children[0].spi_in != before.children[0].spi_in
                && far.children[0].spi_in == near.children[0].spi_out)
        })
    }

    pub(super) fn readable(&self) -> Result<()> {
        // The words that ping repeats in its packets, in hex.
        let (text, pattern) = ("plainly", "706c61696e6c79");
        let mut capture = self.lab.command("east", "timeout");
        capture.args([
            "10",
            "tcpdump",
            "-n",
            "-A",
            "-l",
            "-i",
            "wan",
            "-c",
            "4",
            "udp port 4500",
        ]);
        let capture = capture
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("tcpdump is needed")?;
        let mut ping = self.lab.command("westlan", "ping");
        let pings = ["-n", "-q", "-c", "20", "-i", "0.1", "-p", pattern];
        exec::checked(ping.args(pings).arg("10.2.0.2"))?;
        let seen = capture.wait_with_output()?;
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        anyhow::ensure!(
            seen.contains(text),
            "{text:?} isn't in what was captured: {seen}"
        );
        Ok(())
    }

    pub(super) fn logged(&self, side: &str, text: &str) -> Result<()> {
        let side = if side == "west" {
            &self.near
        } else {
            self.far()?
        };
        wait(&format!("{text:?} in a log"), ESTABLISH, || {
            Ok(side.said().contains(text))
        })
    }
}
