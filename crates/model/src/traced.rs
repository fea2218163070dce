//! What `adit trace` tells: the way of packets between two hosts, step by step, and where they stay.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::probed::Sent;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whose packets.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// IP protocol, if it was asked for one.
    pub protocol: Option<u8>,
    /// Destination port, if it was asked for one.
    pub port: Option<u16>,
    /// Where the steps come from.
    pub how: How,
    /// The tunnel whose traffic it is.
    pub tunnel: Option<String>,
    /// Its child.
    pub child: Option<String>,
    /// From `from` to `to`, then back.
    pub hops: Vec<Hop>,
    /// Where packets stay, if they do.
    pub stopped: Option<Stop>,
    /// What couldn't be sent or looked at, where something couldn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Packets were to be followed, and too little was seen to say that they get through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// In one sentence.
    pub summary: String,
    /// What was sent for it.
    pub sent: Sent,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The schema of [`Traced`].
pub const SCHEMA: &str = "adit.trace/1";

/// Where steps come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The gateway has sent a packet and followed it.
    Sent,
    /// It has waited for packets of somebody else's.
    Watched,
    /// No packet was followed: tables and rules say what would happen.
    Predicted,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// On the way back.
    pub back: bool,
    /// Which step: `interface-in`, `filter`, `route`, `policy`, `sa`, `seal`, `wire-out`, `wire-in`, `open`, `interface-out`.
    pub stage: String,
    /// What became of the packet.
    pub outcome: HopOutcome,
    /// In one line.
    pub text: String,
}

/// What became of a packet at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HopOutcome {
    /// It was seen to pass.
    Passed,
    /// It was seen to get no further.
    Stopped,
    /// It should pass, and wasn't followed.
    Expected,
    /// It wasn't seen.
    Unseen,
}

/// Where packets stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// On the way back.
    pub back: bool,
    /// The step.
    pub stage: String,
    /// Who stops them: `filter`, `routing`, `gateway`, `kernel`, `beyond` for whoever comes after what can be seen here.
    pub by: String,
    /// The gateway's drop reason, the rule with its handle, the kernel's counter.
    pub reason: String,
    /// What to change, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}
