//! How the packets of a child are dressed for the way: what of the inner header shows on the outer one, what happens to
//! packets that are too long, and what hides their lengths.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// How packets are carried. `Default` is what RFC 4301 5.1.2 says, and what keeps large packets moving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carriage {
    /// Which DSCP the outer header has.
    pub dscp: Dscp,
    /// Whether the DSCP of the outer header replaces the inner one on arrival (the uniform model of RFC 2983 3). Anybody
    /// on the path can change it, so by default it stays outside.
    pub dscp_in: bool,
    /// How congestion marks pass (RFC 6040).
    pub ecn: Ecn,
    /// Whether routers on the path may cut the outer packet.
    pub df: Df,
    /// What is cut when a packet without DF is too long.
    pub fragment: Cut,
    /// What happens to the largest segment that TCP connections agree on.
    pub mss: Mss,
    /// What hides the lengths of packets.
    pub tfc: Tfc,
    /// How often a dummy packet is sent (RFC 4303 2.6), whatever else is sent; zero is never.
    #[serde(default)]
    pub dummies: Duration,
    /// What the device that leads to the peer is asked to do of it.
    #[serde(default)]
    pub hw_offload: HwOffload,
}

/// Which DSCP the outer header has (RFC 2983).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dscp {
    /// That of the inner packet.
    #[default]
    Copy,
    /// Always this one, at most 63.
    Fixed(u8),
}

/// How the two ECN bits of the outer header are set (RFC 6040 4.1). Received ones are combined in one way, which is right
/// for both (4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecn {
    /// As the inner packet's: normal mode.
    #[default]
    Normal,
    /// None: compatibility mode, for peers that would lose marks.
    Compat,
}

/// DF of an outer IPv4 header (RFC 4301 8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Df {
    /// As the inner packet's.
    Copy,
    /// Always: routers never cut, and say when a packet is too long.
    Set,
    /// Never: routers may cut what is too long for them.
    #[default]
    Clear,
}

/// Where a packet that may be cut is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Before it is protected: each piece is a packet of its own, and the host that it goes to puts them together.
    #[default]
    Inner,
    /// After: the peer's kernel puts the outer packet together before it is opened.
    Outer,
}

/// What happens to the largest segment (MSS) that both ends of a TCP connection through the tunnel name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mss {
    /// It is lowered to what fits the tunnel.
    #[default]
    Auto,
    /// It stays.
    Off,
    /// It is lowered to this many octets.
    AtMost(u16),
}

/// Padding against traffic analysis (RFC 4303 2.7), in tunnel mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tfc {
    /// None.
    #[default]
    Off,
    /// Every packet is as long as the path allows.
    Mtu,
    /// Inner packets are filled up to multiples of so many octets, where the path allows it.
    Multiple(u16),
}

/// What the device that leads to the peer is asked to do, where the kernel's IPsec carries packets. What it can't do, the
/// kernel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HwOffload {
    /// Nothing.
    #[default]
    Off,
    /// The cryptography.
    Crypto,
    /// All of it: headers, sequence numbers and policies too.
    Packet,
}

impl HwOffload {
    /// As it is configured.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Crypto => "crypto",
            Self::Packet => "packet",
        }
    }
}

/// What a pair of SAs may carry in either direction before it is at its end; zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardLimits {
    /// Octets of inner packets.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Seconds from the moment it is installed on. The key exchange ends it before, as long as there is one: this is for
    /// SAs that outlive their gateway in a kernel.
    pub seconds: u64,
}
