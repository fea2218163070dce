//! What `adit trace` tells: the way of packets between two hosts, step by step, and where they stay.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::drops::DropReason;
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
    /// What the gateway at the other end says, if it is of our own kind and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<Far>,
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

/// What the other gateway says about these packets, and how its SAs and ours go together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Far {
    /// They are within the tunnel's selectors there; otherwise the rest is empty.
    pub within: bool,
    /// The child there.
    pub child: String,
    /// SAs of both sides, each direction by itself.
    pub sas: Vec<FarSa>,
    /// Packets of that child that the other gateway has dropped.
    pub drops: Vec<FarDrops>,
    /// What its host's own tests find in their way.
    pub findings: Vec<FarFinding>,
}

/// One direction of a pair of SAs, by the counters of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarSa {
    /// SPI in hex.
    pub spi: String,
    /// From here to there.
    pub outbound: bool,
    /// Packets that its sender has sealed.
    pub sent: u64,
    /// Packets that its receiver has opened.
    pub opened: u64,
    /// What that leaves: lost on the way, or dropped before they were opened.
    pub lost: u64,
    /// What is wrong with it, as when only one side has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A drop counter of the other gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarDrops {
    /// Why.
    pub reason: DropReason,
    /// How many, since it started.
    pub packets: u64,
}

/// Something that the other gateway finds in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarFinding {
    /// Which test, as `adit probe` calls it.
    pub id: String,
    /// What it found.
    pub summary: String,
    /// What to change there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Where packets stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// On the way back.
    pub back: bool,
    /// The step.
    pub stage: String,
    /// Who stops them: `filter`, `routing`, `gateway`, `kernel`, `beyond` for whoever comes after what can be seen here; where
    /// the other gateway answers, `far-side` for what it finds, `path` for what neither has.
    pub by: String,
    /// The gateway's drop reason, the rule with its handle, the kernel's counter.
    pub reason: String,
    /// What to change, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}
