//! The tunnel monitor: how it is configured, what it can find, and what it can do.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How a tunnel is monitored: a host inside it is asked again and again whether it is there (ICMP echo). `Default` gives what
/// holds where nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// Whom to ask; the first that answers is the target. Empty: it is chosen among hosts behind the peer.
    pub targets: Vec<IpAddr>,
    /// Our address that echoes leave from; `None`: one of this host's that the tunnel takes.
    pub source: Option<IpAddr>,
    /// From one echo to the next.
    pub interval: Duration,
    /// Unanswered echoes in a row before it is looked into.
    pub failures: u32,
    /// Answered echoes in a row before the tunnel counts as well again.
    pub recover: u32,
    /// The least time between two actions, and how long the tunnel has to be well before traffic comes back to it.
    pub hold_down: Duration,
    /// What may be done where the tunnel is at fault.
    pub action: MonitorAction,
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            source: None,
            interval: Duration::from_secs(3),
            failures: 5,
            recover: 3,
            hold_down: Duration::from_secs(60),
            action: MonitorAction::ReInitiate,
        }
    }
}

/// What a monitor may do. Each can do what those before it can, but for fail-over, which does all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MonitorAction {
    /// Tell, and wait.
    WaitRecover,
    /// New keys for the child.
    Rekey,
    /// The whole tunnel anew, where new keys don't help.
    ReInitiate,
    /// The tunnel's routes lead into this other tunnel until it is well again; meanwhile it is repaired.
    FailOver(String),
}

/// What a monitor makes of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// The target answers.
    Carries,
    /// Nobody that it may ask has ever answered, so it can't tell anything.
    NoTarget,
    /// It has no address to ask from that the tunnel takes.
    NoSource,
    /// The target doesn't answer, and the tunnel carries all the same, or nothing shows that it doesn't.
    TargetSilent,
    /// Echoes don't get into the tunnel: something on this host stops them.
    NotSent,
    /// IKE answers, and nothing comes out of the tunnel any more.
    OneSided,
    /// Neither the target nor IKE answers.
    PeerSilent,
    /// There is no SA.
    Down,
    /// What was done didn't help.
    NotHelped,
}

impl Judged {
    /// Whether the tunnel is at fault, and not its monitor.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            Judged::OneSided | Judged::PeerSilent | Judged::Down | Judged::NotHelped => true,
            Judged::Carries
            | Judged::NoTarget
            | Judged::NoSource
            | Judged::TargetSilent
            | Judged::NotSent => false,
        }
    }

    /// The same in a word, as documents have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Judged::Carries => "carries",
            Judged::NoTarget => "no-target",
            Judged::NoSource => "no-source",
            Judged::TargetSilent => "target-silent",
            Judged::NotSent => "not-sent",
            Judged::OneSided => "one-sided",
            Judged::PeerSilent => "peer-silent",
            Judged::Down => "down",
            Judged::NotHelped => "not-helped",
        }
    }
}

/// What a monitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// New keys for a child.
    Rekey,
    /// The tunnel is set up anew.
    ReInitiate,
    /// The tunnel's routes lead into another one.
    FailOver,
    /// They lead into the tunnel again.
    FailBack,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Act::Rekey => "asks for new keys",
            Act::ReInitiate => "sets the tunnel up anew",
            Act::FailOver => "leads its routes elsewhere",
            Act::FailBack => "leads its routes back",
        })
    }
}
