//! What carries packets in a scenario, which is the same for everything in it.

use std::collections::BTreeMap;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Where Debian puts what gives a process another clock.
pub const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// Under which circumstances a scenario is played.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// A name for them; empty for the usual ones.
    pub name: String,
    /// What carries the packets of the gateway in `west`, which is ours.
    pub ours: Backend,
    /// What carries those of all others.
    pub theirs: Backend,
    /// Gateways whose clock is wrong, and by how much, in the words of libfaketime: `+400d`.
    pub clocks: BTreeMap<String, String>,
}

impl Setting {
    /// What carries the packets of the gateway in that namespace.
    pub fn backend(&self, host: &str) -> Backend {
        match host {
            "west" => self.ours,
            _ => self.theirs,
        }
    }

    /// Gives what a gateway's command runs the clock of that gateway. Spans of time are as long as ever.
    pub fn clock(&self, host: &str, command: &mut Command) {
        if let Some(offset) = self.clocks.get(host) {
            command
                .env("LD_PRELOAD", FAKETIME)
                .env("FAKETIME", offset)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        }
    }

    /// Whether some kernel protects packets, which then look unprotected on part of their way through it.
    pub fn in_kernel(&self) -> bool {
        [self.ours, self.theirs].contains(&Backend::Kernel)
    }
}

/// What carries packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A process.
    #[default]
    User,
    /// The kernel.
    Kernel,
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Kernel => "kernel",
        })
    }
}
