//! Why a packet was dropped. Every rejected packet counts under exactly one of these.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! drops {
    ($($variant:ident, $name:literal, $layer:ident, $severity:ident, $meaning:literal;)*) => {
        /// Why a packet was dropped; the unit of every counter is packets.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum DropReason { $(#[doc = $meaning] $variant,)* }

        impl DropReason {
            /// Every reason, in declaration order; the position is `self as usize`.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$variant),*];

            /// The name that counters, JSON and metrics use.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(DropReason::$variant => $name),* } }

            /// Which part of the gateway drops for this reason.
            #[must_use]
            pub const fn layer(self) -> Layer { match self { $(DropReason::$variant => Layer::$layer),* } }

            /// How alarming it is.
            #[must_use]
            pub const fn severity(self) -> Severity { match self { $(DropReason::$variant => Severity::$severity),* } }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str { match self { $(DropReason::$variant => $meaning),* } }
        }
    };
}

/// Which part of the gateway dropped a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Key exchange.
    Ike,
    /// ESP from the wire.
    EspIn,
    /// Packets to be protected.
    EspOut,
}

/// How alarming a drop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Happens on healthy networks.
    Normal,
    /// Worth a look when it grows.
    Notable,
    /// An attack, or a fault on one side.
    Alarming,
}

drops! {
    IkeTooShort, "ike-too-short", Ike, Notable, "A datagram shorter than an IKE header.";
    IkeMalformed, "ike-malformed", Ike, Notable, "An IKE message that can't be read.";
    IkeVersion, "ike-version", Ike, Notable, "An IKE message of another major version.";
    IkeUnknownSpi, "ike-unknown-spi", Ike, Notable, "An IKE message for an IKE SA that we don't have.";
    IkeUnexpectedExchange, "ike-unexpected-exchange", Ike, Notable, "An exchange type that doesn't belong at this point of the IKE SA's life.";
    IkeUnexpectedMessageId, "ike-unexpected-message-id", Ike, Notable, "A message ID outside the window.";
    IkeUnexpectedResponse, "ike-unexpected-response", Ike, Notable, "A response to no request of ours.";
    IkeBadFlags, "ike-bad-flags", Ike, Notable, "The initiator flag contradicts the roles.";
    IkeAuthenticity, "ike-authenticity", Ike, Alarming, "An encrypted IKE message whose integrity check fails.";
    IkeUnprotected, "ike-unprotected", Ike, Alarming, "Payloads that must be encrypted and weren't, on an IKE SA that has keys.";
    IkeFragment, "ike-fragment", Ike, Notable, "A message fragment that doesn't fit the others, or too many of them.";
    IkeCookie, "ike-cookie", Ike, Normal, "An IKE_SA_INIT answered with a cookie request, or with a wrong cookie.";
    IkeHalfOpenLimit, "ike-half-open-limit", Ike, Alarming, "An IKE_SA_INIT over the limit of half-open IKE SAs.";
    IkeNoConnection, "ike-no-connection", Ike, Notable, "An IKE_SA_INIT that no connection is configured for.";
    IkeDuplicate, "ike-duplicate", Ike, Normal, "A request seen before; the recorded answer was sent again if there is one.";
    IkeBusy, "ike-busy", Ike, Notable, "A message that came while an answer from a local party was awaited.";
    IkeUnaskedConfiguration, "ike-unasked-configuration", Ike, Notable, "A configuration payload that nobody asked for: it has no effect.";
    IkeOverrun, "ike-overrun", Ike, Alarming, "A datagram for the key exchange that arrived beside ESP faster than messages can be looked at.";
    EspTooShort, "esp-too-short", EspIn, Notable, "An ESP packet shorter than its header, IV and ICV.";
    EspUnknownSpi, "esp-unknown-spi", EspIn, Notable, "An ESP packet for an SPI that we don't have.";
    EspTest, "esp-test", EspIn, Normal, "A test packet of the path between two gateways, which was agreed on inside the IKE SA: it is counted elsewhere.";
    EspReplay, "esp-replay", EspIn, Notable, "A sequence number that was already received.";
    EspTooOld, "esp-too-old", EspIn, Notable, "A sequence number left of the replay window.";
    EspAuthenticity, "esp-authenticity", EspIn, Alarming, "An ESP packet whose integrity check fails.";
    EspMisaligned, "esp-misaligned", EspIn, Alarming, "An ESP packet whose length doesn't fit its cipher's blocks: its check value isn't as long as agreed.";
    EspPadding, "esp-padding", EspIn, Alarming, "Padding that isn't 1, 2, 3, … after authentic decryption.";
    EspNextHeader, "esp-next-header", EspIn, Notable, "A next header that tunnel mode doesn't carry.";
    EspDummy, "esp-dummy", EspIn, Normal, "A dummy packet (next header 59, RFC 4303 2.6).";
    EspInnerMalformed, "esp-inner-malformed", EspIn, Alarming, "A decrypted packet that isn't IP or contradicts its own lengths.";
    EspInboundPolicy, "esp-inbound-policy", EspIn, Alarming, "A decrypted packet outside the selectors of its SA (RFC 4301 5.2).";
    EspEcn, "esp-ecn", EspIn, Notable, "A packet that routers marked as congested although its sender doesn't know of such marks (RFC 6040 4.2): only its loss tells the sender.";
    EspFragment, "esp-fragment", EspIn, Alarming, "A decrypted fragment that hides ports or flags from filters (RFC 1858, RFC 3128).";
    EspLifetime, "esp-lifetime", EspIn, Notable, "A packet on an SA that has received all that its hard lifetime allows.";
    NatKeepalive, "nat-keepalive", EspIn, Normal, "A NAT keepalive (RFC 3948 2.3), consumed.";
    UdpEncapMalformed, "udp-encap-malformed", EspIn, Notable, "A datagram on port 4500 that is neither IKE, ESP nor keepalive.";
    OutMalformed, "out-malformed", EspOut, Notable, "A packet to be protected that isn't IP or contradicts its own lengths.";
    OutNoPolicy, "out-no-policy", EspOut, Notable, "A packet that was routed to the tunnel and that no child's selectors take.";
    OutLinkScope, "out-link-scope", EspOut, Normal, "A packet that the host sent to the link as such (neighbour discovery, group membership, service discovery): a tunnel's device has no neighbours, and no tunnel carries it.";
    OutNoSa, "out-no-sa", EspOut, Notable, "A packet whose tunnel is down: dropped, never sent in clear.";
    OutSequenceExhausted, "out-sequence-exhausted", EspOut, Alarming, "The SA has used every sequence number.";
    OutTooBig, "out-too-big", EspOut, Notable, "A packet too big for the path that must not be fragmented.";
    OutFragment, "out-fragment", EspOut, Alarming, "A fragment to be protected that hides ports or flags from filters (RFC 1858, RFC 3128).";
    OutLifetime, "out-lifetime", EspOut, Notable, "A packet on an SA that has sent all that its hard lifetime allows.";
    OutTransport, "out-transport", EspOut, Notable, "A packet that transport mode can't carry: a fragment, one with IP options or extension headers that routers read, or one between other addresses than the peers'.";
    OutForbidden, "out-forbidden", EspOut, Normal, "A packet that a drop policy forbids, or that a bypass policy keeps out of tunnels and that was led into one all the same.";
    OutTranslated, "out-translated", EspOut, Alarming, "A packet to be protected that the host's own address translation gave a source that no tunnel takes: dropped, never sent in clear.";
    OutCipher, "out-cipher", EspOut, Alarming, "The cryptographic library refused to seal a packet.";
    OutTtl, "out-ttl", EspOut, Normal, "A packet whose time to live ran out at this gateway.";
    OutSend, "out-send", EspOut, Notable, "The socket refused a protected packet.";
    TunWrite, "tun-write", EspIn, Notable, "The TUN device refused a decrypted packet.";
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_variants_and_positions_hold() {
        for (i, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, i);
            let mut kebab = String::new();
            for c in format!("{reason:?}").chars() {
                if c.is_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.push(c.to_ascii_lowercase());
            }
            assert_eq!(kebab, reason.name());
        }
    }
}
