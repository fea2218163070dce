//! Sentences about packets in ESP.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // ── an SPI that nobody knows ──
    any(Sign::SpiRefusedByPeer, "received INVALID_SPI"),
    any(Sign::SpiRefusedByPeer, "notify INVALID_SPI received"),
    any(
        Sign::SpiRefusedByPeer,
        "ignoring informational payload INVALID_SPI",
    ),
    any(
        Sign::SpiRefusedByPeer,
        "ignoring informational payload, type INVALID_SPI",
    ),
    // Linux: what its audit and a trace of its functions say.
    any(Sign::SpiUnknown, "op=SA-notfound{}spi={spi:w}"),
    any(Sign::SpiUnknown, "op=SA-notfound"),
    any(Sign::SpiUnknown, "xfrm_audit_state_notfound"),
    // EOVERFLOW is what XFRM answers when an SA has no sequence number left.
    any(
        Sign::SequenceExhausted,
        "sendmsg: Value too large for defined data type",
    ),
    any(
        Sign::SequenceExhausted,
        "sendto: Value too large for defined data type",
    ),
    any(Sign::EspIntegrityFailed, "op=SA-icv-failure"),
    any(
        Sign::EspIntegrityFailed,
        "Received ESP packet with invalid HMAC",
    ),
    any(Sign::EspIntegrityFailed, "xfrm_audit_state_icvfail"),
    any(Sign::EspReplayed, "op=SA-replayed-pkt"),
    // Cisco IOS and ASA.
    any(
        Sign::SpiUnknown,
        "packet has invalid spi for destaddr={:w} prot=50, spi={spi:w} srcaddr={peer:w}",
    ),
    any(
        Sign::SpiUnknown,
        "packet has invalid spi for destaddr={:w} prot={:w} spi={spi:w}",
    ),
    any(Sign::SpiUnknown, "RECVD_PKT_INV_SPI"),
    // It can't even tell the sender.
    any(
        Sign::SpiUnknown,
        "request to send delete notify (no ISAKMP sa) src {:w} dst {peer:w} for SPI {spi:w}",
    ),
    any(
        Sign::SpiUnknown,
        "(SPI= {spi:w} sequence number= {:w} from {peer:w} {}with an invalid SPI",
    ),
    any(Sign::SpiUnknown, "packet{}with an invalid SPI"),
    // FortiOS, ScreenOS, Junos, ZyNOS, SonicOS, Check Point.
    any(
        Sign::SpiUnknown,
        "Received ESP packet with unknown SPI{}spi=\"{spi}\"",
    ),
    any(Sign::SpiUnknown, "Received ESP packet with unknown SPI"),
    any(
        Sign::SpiUnknown,
        "received a packet with a bad SPI. {peer:w}->{:w}",
    ),
    any(Sign::SpiUnknown, "received a packet with a bad SPI"),
    any(Sign::SpiUnknown, "RT_IPSEC_BAD_SPI{}SPI {spi:w}"),
    any(
        Sign::SpiUnknown,
        "Bad SPI packet detected on IPSec tunnel{}SPI {spi:w}",
    ),
    any(Sign::SpiUnknown, "Bad SPI packet detected on IPSec tunnel"),
    any(
        Sign::SpiUnknown,
        "Receive IPSec packet, but no corresponding tunnel exists",
    ),
    any(Sign::SpiUnknown, "Unknown SPI: 0x{spi:w} for IPsec packet"),
    // KAME and its children, KLIPS, illumos.
    any(
        Sign::SpiUnknown,
        "ESP input: no key association found for spi {spi:w}",
    ),
    any(
        Sign::SpiUnknown,
        "no key association found for SA {peer}/{spi}/{:n}",
    ),
    any(Sign::SpiUnknown, "no key association found for SA {spi:w}"),
    any(
        Sign::SpiUnknown,
        "no ipsec_sa for SA:{spi:w} incoming packet with no SA dropped",
    ),
    any(
        Sign::SpiUnknown,
        "no Tunnel Descriptor Block for SA:{spi:w} incoming packet with no SA dropped",
    ),
    any(Sign::SpiUnknown, "No SA found for spi {spi:w}"),
    any(
        Sign::SpiUnknown,
        "ESP: No association found for spi {spi:w}, dst addr {}",
    ),
    any(
        Sign::SpiUnknown,
        "no association found for spi {spi:w}, dst addr",
    ),
    // Cilium's test that a counter of the kernel stays as it was.
    any(
        Sign::SpiUnknown,
        "xfrm errors were changed (previous errors: , current errors: inbound_no_state",
    ),
    any(
        Sign::InboundPolicyRefused,
        "xfrm errors were changed (previous errors: , current errors: inbound_template_mismatched",
    ),
    // ── the integrity check ──
    any(
        Sign::EspIntegrityFailed,
        "mac verify failed for connection id={:w} local={:w} remote={peer:w} spi={spi:w}",
    ),
    any(Sign::EspIntegrityFailed, "RECVD_PKT_MAC_ERR"),
    any(Sign::EspIntegrityFailed, "decrypt: mac verify failed"),
    any(
        Sign::EspIntegrityFailed,
        "(SPI= {spi:w} sequence number= {:w} from {peer:w} {}that failed authentication",
    ),
    any(
        Sign::EspIntegrityFailed,
        "IPSEC: Received an ESP packet{}that failed authentication",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Invalid ESP packet detected (HMAC validation failed){}spi=\"{spi}\"",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Invalid ESP packet detected (HMAC validation failed)",
    ),
    // FortiOS, in the debug of IKE.
    any(
        Sign::EspIntegrityFailed,
        "invalid ESP {:n} (HMAC) SPI {spi:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "authentication hash mismatch for packet in SA {peer}/{spi:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "authentication hash mismatch{}packet in SA {spi:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "auth failed on incoming packet from {peer:w}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "checksum mismatch in IPv4 ESP input{}spi={spi:n}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "auth fail in IPv4 ESP input{}spi={spi:n}",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Authentication failed for spi {spi:w}, dst",
    ),
    any(
        Sign::EspIntegrityFailed,
        "Inbound packet authentication failed",
    ),
    // strongSwan's kernel-libipsec.
    any(
        Sign::SpiUnknown,
        "inbound ESP packet does not belong to an installed SA",
    ),
    any(
        Sign::EspIntegrityFailed,
        "ESP decryption or ICV verification failed",
    ),
    any(
        Sign::TruncationShort,
        "using HMAC_SHA2_256_128 with 96-bit truncation",
    ),
    any(Sign::TruncationShort, "sha2-truncbug=yes"),
    any(Sign::TruncationShort, "sha2_truncbug=yes"),
    any(Sign::TruncationShort, "sha2-truncbug:yes"),
    any(Sign::TruncationShort, "sha2-truncbug: yes"),
    any(Sign::TruncationShort, "sha2_truncbug:yes"),
    any(Sign::TruncationShort, "SHA2_TRUNCBUG"),
    any(Sign::TruncationShort, "sha256_96 = yes"),
    any(Sign::TruncationShort, "sha256_96=yes"),
    any(Sign::TruncationShort, "HMAC_SHA2_256_96"),
    any(Sign::TruncationShort, "auth-trunc hmac(sha256) {} 96"),
    any(Sign::TruncationFull, "auth-trunc hmac(sha256) {} 128"),
    // ── replays ──
    any(
        Sign::EspReplayed,
        "replay check failed connection id={:w} sequence number={:w}",
    ),
    any(Sign::EspReplayed, "PKT_REPLAY_ERR"),
    any(Sign::EspReplayed, "decrypt: replay check failed"),
    any(
        Sign::EspReplayed,
        "IPSec SA receives anti-replay error, DP Handle {:w} src_addr {peer:w} dest_addr {:w} SPI {spi:w}",
    ),
    any(Sign::EspReplayed, "IPSec SA receives anti-replay error"),
    any(
        Sign::EspReplayed,
        "(SPI= {spi:w} sequence number= {:w} from {peer:w} {}that failed anti-replay checking",
    ),
    any(Sign::EspReplayed, "that failed anti-replay checking"),
    any(
        Sign::EspReplayed,
        "Invalid ESP packet detected (replayed packet){}spi=\"{spi}\"",
    ),
    any(
        Sign::EspReplayed,
        "Invalid ESP packet detected (replayed packet)",
    ),
    // FortiOS, in the debug of IKE.
    any(Sign::EspReplayed, "invalid ESP {:n} (replay) SPI {spi:w}"),
    any(
        Sign::EspReplayed,
        "Replay packet detected on IPSec tunnel{}From {peer:w} to {:w} ESP, SPI {spi:w}",
    ),
    any(Sign::EspReplayed, "Replay packet detected on IPSec tunnel"),
    any(Sign::EspReplayed, "RT_IPSEC_REPLAY"),
    any(Sign::EspReplayed, "replay packet in IPv4 ESP input: {peer}"),
    any(Sign::EspReplayed, "packet replay check for {spi}"),
    any(
        Sign::EspReplayed,
        "duplicate frame from {peer:w} packet dropped",
    ),
    any(Sign::EspReplayed, "Discard REPLAY packet"),
    any(Sign::EspReplayed, "ESP sequence number verification failed"),
    // ── sequence numbers at their end ──
    any(Sign::SequenceExhausted, "replay counter cycled"),
    any(Sign::SequenceExhausted, "replay counter overflowed"),
    any(
        Sign::SequenceExhausted,
        "ESP outbound sequence number overflow",
    ),
    any(
        Sign::SequenceExhausted,
        "Outbound ESP SA (0x{spi:w} {:w} has wrapped sequence",
    ),
    // ── decrypted, and then refused ──
    any(
        Sign::InnerOutsideSelectors,
        "packet specifies its destination as {destination:w} its source as {source:w}{}SA specifies its local proxy as {local:w} and its remote_proxy as {remote:w}",
    ),
    any(
        Sign::InnerOutsideSelectors,
        "packet specifies its destination as {destination:w} its source as {source:w}",
    ),
    any(
        Sign::InnerOutsideSelectors,
        "decapsulated inner packet doesn't match the negotiated policy in the SA",
    ),
    any(Sign::InnerOutsideSelectors, "RECVD_PKT_INV_IDENTITY"),
    any(
        Sign::InnerOutsideSelectors,
        "decapsulated packet doesn't match its identity",
    ),
    any(
        Sign::InnerOutsideSelectors,
        "identity doesn't match negotiated identity (ip) dest_addr= {destination:w} src_addr= {source:w}",
    ),
    any(
        Sign::InnerOutsideSelectors,
        "identity doesn't match negotiated identity",
    ),
    any(Sign::InnerOutsideSelectors, "selector check drop"),
    any(
        Sign::InnerOutsideSelectors,
        "inner tunnel policy {} does not agree with pkt contents",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with LINUX_MIB_XFRMINNOPOLS",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with `LINUX_MIB_XFRMINNOPOLS",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with LINUX_MIB_XFRMINTMPLMISMATCH",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with `LINUX_MIB_XFRMINTMPLMISMATCH",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with LINUX_MIB_XFRMINPOLBLOCK",
    ),
    any(
        Sign::InboundPolicyRefused,
        "dropped with `LINUX_MIB_XFRMINPOLBLOCK",
    ),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols increased"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols increases with"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols increases by"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols is increas"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols grows with"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols grows by"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols keeps growing"),
    any(Sign::InboundPolicyRefused, "XfrmInNoPols counter increased"),
    any(Sign::InboundPolicyRefused, "XfrmInTmplMismatch increased"),
    any(
        Sign::InboundPolicyRefused,
        "XfrmInTmplMismatch increases with",
    ),
    any(
        Sign::InboundPolicyRefused,
        "XfrmInTmplMismatch increases by",
    ),
    any(Sign::InboundPolicyRefused, "XfrmInTmplMismatch is increas"),
    any(Sign::InboundPolicyRefused, "XfrmInTmplMismatch grows with"),
    any(Sign::InboundPolicyRefused, "XfrmInTmplMismatch grows by"),
    any(
        Sign::InboundPolicyRefused,
        "XfrmInTmplMismatch keeps growing",
    ),
    any(
        Sign::InboundPolicyRefused,
        "XfrmInTmplMismatch counter increased",
    ),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock increased"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock increases with"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock increases by"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock is increas"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock grows with"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock grows by"),
    any(Sign::InboundPolicyRefused, "XfrmInPolBlock keeps growing"),
    any(
        Sign::InboundPolicyRefused,
        "XfrmInPolBlock counter increased",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Policy Failure for the incoming packet (secure)",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Dropping the datagram because the incoming packet is {}, but the recipient expects {}; Source {source:w} Destination {destination:w}",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Dropping the datagram because the incoming packet is",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Encryption present while not expected in the incoming {:w} packet; Source {source:w} Destination {destination:w}",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Encryption present while not expected in the incoming",
    ),
    any(
        Sign::InboundPolicyRefused,
        "Authentication present while not expected in the incoming",
    ),
    any(
        Sign::InboundPolicyRefused,
        "inbound policy violation, discarding packet",
    ),
    any(
        Sign::InboundPolicyRefused,
        "discarding inbound IP packet {source:w} == {destination:w} {:w} due to policy",
    ),
    any(
        Sign::InboundPolicyRefused,
        "of pkt does not agree with expected SA source address policy",
    ),
    // ── refused before it is encrypted ──
    any(Sign::OutsideSelectors, "No matching IPsec selector, drop"),
    // KLIPS: a packet was routed to its interface, and no tunnel has its addresses.
    any(
        Sign::OutsideSelectors,
        "no matching outbound IPsec policy for {source:w} == {destination:w}",
    ),
    any(
        Sign::ClearTrafficArrived,
        "(ipsec-spoof) IPSEC Spoof detected",
    ),
    // ── no SA yet ──
    any(
        Sign::TrafficWaits,
        "ignoring acquire for reqid {reqid:n}, connection attempt pending",
    ),
    any(
        Sign::TrafficWaits,
        "ignoring acquire{}, connection attempt pending",
    ),
    // pluto's list of shunts: 58 is ICMPv6, and its types 135 and 136 are neighbour discovery.
    any(
        Sign::NeighbourDiscoveryHeld,
        "{source:w} -58-> {destination:w} => %hold",
    ),
    any(Sign::TrafficWaits, "Cannot find outbound SA for rule"),
    any(Sign::TrafficWaits, "ping: sendmsg: No such process"),
    any(Sign::TrafficWaits, "ping: sendto: No such process"),
    any(
        Sign::TrafficWaits,
        "ping: sendmsg: Resource temporarily unavailable",
    ),
    any(
        Sign::TrafficWaits,
        "connect: Resource temporarily unavailable",
    ),
];
