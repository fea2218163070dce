//! What a status shows of the packets that an SA carried.

use serde::{Deserialize, Serialize};

/// Counters of an SA or of a pair of SAs, as one listing shows them. What it doesn't show is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaTraffic {
    /// The tunnel or child, by the name that the listing has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The networks that the SAs are for, ours first, as the listing writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<(String, String)>,
    /// SPI of what this side receives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spi_in: Option<u32>,
    /// SPI of what this side sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spi_out: Option<u32>,
    /// Packets received and decrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_in: Option<u64>,
    /// Packets encrypted and sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_out: Option<u64>,
    /// Octets received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets_in: Option<u64>,
    /// Octets sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets_out: Option<u64>,
}

impl SaTraffic {
    /// How much was received, in packets where they are shown and else in octets.
    #[must_use]
    pub fn received(&self) -> Option<u64> {
        self.packets_in.or(self.octets_in)
    }

    /// How much was sent, in packets where they are shown and else in octets.
    #[must_use]
    pub fn sent(&self) -> Option<u64> {
        self.packets_out.or(self.octets_out)
    }

    /// Both tell their networks, and these differ.
    fn apart(&self, other: &SaTraffic) -> bool {
        let both = self.networks.as_ref().zip(other.networks.as_ref());
        both.is_some_and(|(a, b)| a != b)
    }

    fn numbered(&self) -> bool {
        self.spi_in.is_some() || self.spi_out.is_some()
    }

    /// The same SAs: neither SPI contradicts, and something agrees.
    #[must_use]
    pub fn same(&self, other: &SaTraffic) -> bool {
        let agree = |a: Option<u32>, b: Option<u32>| match (a, b) {
            (Some(a), Some(b)) => Some(a == b),
            _ => None,
        };
        match (
            agree(self.spi_in, other.spi_in),
            agree(self.spi_out, other.spi_out),
        ) {
            (None, None) if self.apart(other) => false,
            // The kernel lists each direction by itself, without a name.
            (None, None) if self.name.is_none() && self.numbered() && other.numbered() => false,
            (None, None) => self.name == other.name,
            (one, two) => one.unwrap_or(true) && two.unwrap_or(true),
        }
    }
}
