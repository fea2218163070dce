//! What the demo found out, as one document (`adit.demo/1`).

use serde::Serialize;

/// The document.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Always `adit.demo/1`.
    pub schema: &'static str,
    /// `namespaces` or `virtual`.
    pub world: &'static str,
    /// Why the virtual world was used although it wasn't asked for: the setting that closes namespaces or TUN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// The injected fault, if one was asked for or shown.
    pub fault: Option<&'static str>,
    /// Everything that was expected came true.
    pub ok: bool,
    /// The story, step by step.
    pub steps: Vec<Step>,
    /// Traffic through the healthy tunnel; absent when a fault was injected from the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// What crossed the wire between the NAT box and the far gateway.
    pub wire: Wire,
    /// The verdict of the near side alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_one_side: Option<serde_json::Value>,
    /// The verdict with both sides' evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_both_sides: Option<serde_json::Value>,
}

/// One step of the story.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done or found.
    pub what: String,
    /// Whether it went as it should.
    pub ok: bool,
    /// Milliseconds since the demo began.
    pub at_ms: u64,
}

/// What went through the tunnel.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Traffic {
    /// Echo requests sent from one LAN host to the other, both families.
    pub pings_sent: u32,
    /// Replies.
    pub pings_answered: u32,
    /// Fastest round trip in microseconds.
    pub best_rtt_us: u64,
    /// Octets of the bulk transfer that arrived intact.
    pub bulk_octets: u64,
    /// Its duration in milliseconds.
    pub bulk_ms: u64,
    /// `tcp` in namespaces, `datagrams` in the virtual world.
    pub bulk_kind: &'static str,
}

/// Packets on the wire by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wire {
    /// IKE messages.
    pub ike: u64,
    /// ESP packets, in UDP or plain.
    pub esp: u64,
    /// NAT keepalives.
    pub keepalive: u64,
    /// ICMP about the gateways themselves: probes and errors.
    pub icmp: u64,
    /// Packets of the protected networks in clear. Must be zero.
    pub clear: u64,
    /// Anything else on the link, such as ARP's IPv6 counterpart.
    pub other: u64,
}

impl Report {
    /// An empty report.
    pub fn new(world: &'static str) -> Self {
        Self {
            schema: "adit.demo/1",
            world,
            ..Default::default()
        }
    }
}
