//! One end of the tunnel, whichever product it is.

use anyhow::Result;

use super::adit::Adit;
use super::lab::Lab;
use super::state::{Child, Snapshot};
use super::strongswan::StrongSwan;
use crate::exec;

/// What differs between the two ends.
#[derive(Clone, Debug)]
pub struct End {
    /// The tunnel's name.
    pub name: &'static str,
    /// Whose values it has: `west` or `east`.
    pub side: &'static str,
    /// The namespace.
    pub host: &'static str,
    pub local: String,
    pub remote: String,
    /// 1 or 2.
    pub version: u8,
    /// Checks every second whether the other end is alive.
    pub liveness: bool,
    /// Begins by itself, where it can.
    pub starts: bool,
    /// Will be the one that sets the tunnel up.
    pub initiates: bool,
}

/// A running gateway.
pub enum Side<'a> {
    Adit(Adit<'a>),
    StrongSwan(StrongSwan),
}

impl Side<'_> {
    pub fn snapshot(&self) -> Result<Snapshot> {
        match self {
            Self::Adit(adit) => adit.snapshot(),
            Self::StrongSwan(daemon) => daemon.snapshot(),
        }
    }

    /// The tunnel of that name; [`Self::snapshot`] is about `gw`.
    pub fn snapshot_of(&self, name: &str) -> Result<Snapshot> {
        match self {
            Self::Adit(adit) => adit.snapshot_of(name),
            Self::StrongSwan(daemon) => daemon.snapshot_of(name),
        }
    }

    /// Every pair of CHILD SAs that is in use.
    pub fn pairs(&self) -> Result<Vec<Child>> {
        match self {
            Self::Adit(adit) => adit.pairs(),
            Self::StrongSwan(daemon) => Ok(daemon.snapshot()?.children),
        }
    }

    /// How many IKE SAs are up.
    pub fn ike_sas(&self) -> Result<usize> {
        match self {
            Self::Adit(adit) => adit.ike_sas(),
            Self::StrongSwan(daemon) => Ok(daemon.snapshot()?.ike.len()),
        }
    }

    /// Its log.
    pub fn said(&self) -> String {
        match self {
            Self::Adit(adit) => adit.said(),
            Self::StrongSwan(daemon) => daemon.said(),
        }
    }

    /// Sets up one of several children, without waiting for the outcome to be good.
    pub fn initiate_child(&self, child: &str) -> Result<exec::Outcome> {
        match self {
            Self::Adit(adit) => adit.up(),
            Self::StrongSwan(daemon) => daemon.initiate_child(child),
        }
    }

    /// How many IKE SAs there are, and how many pairs of CHILD SAs, old ones too.
    pub fn counts(&self) -> Result<(usize, usize)> {
        match self {
            Self::Adit(adit) => adit.counts(),
            Self::StrongSwan(daemon) => {
                let all = daemon.snapshot()?;
                Ok((all.ike.len(), all.children.len()))
            }
        }
    }

    /// Is killed, and starts again without any memory.
    pub fn forget(&mut self, lab: &Lab) -> Result<()> {
        match self {
            Self::Adit(adit) => {
                adit.kill()?;
                adit.start_again()
            }
            Self::StrongSwan(daemon) => daemon.start_again(lab),
        }
    }

    /// Sets the tunnel up, without waiting for the outcome to be good.
    pub fn initiate(&self) -> Result<exec::Outcome> {
        match self {
            Self::Adit(adit) => adit.up(),
            Self::StrongSwan(daemon) => daemon.initiate(),
        }
    }

    /// Sets the tunnel up, and leaves it to itself.
    pub fn initiate_unwatched(&self) -> Result<std::process::Child> {
        match self {
            Self::Adit(adit) => adit.initiate_unwatched(),
            Self::StrongSwan(daemon) => daemon.initiate_unwatched(),
        }
    }

    /// The gateway's process.
    pub fn process(&mut self) -> &mut std::process::Child {
        match self {
            Self::Adit(adit) => adit.process(),
            Self::StrongSwan(daemon) => daemon.process(),
        }
    }

    /// Replaces a CHILD SA.
    pub fn rekey_child(&self, child: &str) -> Result<()> {
        match self {
            Self::Adit(adit) => adit.rekey(child),
            Self::StrongSwan(daemon) => daemon.run(&["--rekey", "--child", child]),
        }
    }

    /// Replaces the IKE SA.
    pub fn rekey_ike(&self) -> Result<()> {
        match self {
            Self::Adit(adit) => adit.rekey("--ike"),
            Self::StrongSwan(daemon) => daemon.run(&["--rekey", "--ike", "gw"]),
        }
    }

    /// Deletes the CHILD SA alone.
    pub fn delete_child(&self) -> Result<()> {
        match self {
            Self::Adit(_) => anyhow::bail!("Adit has no command that deletes a child for good"),
            Self::StrongSwan(daemon) => daemon.run(&["--terminate", "--child", "net"]),
        }
    }

    /// Forgets the IKE SA and all that hangs on it at once: the delete goes out, and whether it arrives isn't waited for.
    pub fn delete_unanswered(&self) -> Result<()> {
        match self {
            Self::Adit(_) => anyhow::bail!("Adit waits for the answer to its delete"),
            Self::StrongSwan(daemon) => daemon.run(&["--terminate", "--ike", "gw", "--force"]),
        }
    }

    /// Deletes the IKE SA and all that hangs on it.
    pub fn delete(&self) -> Result<()> {
        match self {
            Self::Adit(adit) => adit.down(),
            Self::StrongSwan(daemon) => daemon.run(&["--terminate", "--ike", "gw"]),
        }
    }
}
