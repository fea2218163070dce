//! Sentences about address translation.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // NAT traversal is off. Openswan and Libreswan tell at the start, and in what they are configured by.
    // ── users' own words ──
    any(Sign::ClientsShareNat, "behind same NAT"),
    any(Sign::ClientsShareNat, "behind the same NAT"),
    any(Sign::ClientsShareNat, "behind one NAT"),
    any(Sign::ClientsShareNat, "behind a single NAT"),
    any(Sign::ClientsShareNat, "behind the same router"),
    any(Sign::ClientsShareNat, "from the same NAT"),
    any(Sign::ClientsShareNat, "from behind the same"),
    any(Sign::ClientsShareNat, "clients behind NAT"),
    any(Sign::ClientsShareNat, "with the same public IP"),
    any(Sign::ClientsShareNat, "from the same public IP"),
    any(Sign::ClientsShareNat, "from the same public address"),
    any(Sign::ClientsShareNat, "behind the same public IP"),
    any(Sign::ClientsShareNat, "behind the same public address"),
    any(Sign::ClientsShareNat, "share the same public IP"),
    any(Sign::ClientsShareNat, "sharing the same public IP"),
    any(Sign::ClientsShareNat, "share one public IP"),
    any(Sign::ClientsShareNat, "sharing one public IP"),
    any(Sign::NatTraversalOff, "NAT-Traversal support [disabled]"),
    any(Sign::NatTraversalOff, "nat_traversal=no"),
    any(Sign::NatTraversalOff, "nat-traversal=no"),
    any(
        Sign::NatTraversalOff,
        "port floating activation criteria nat_t=0",
    ),
    any(Sign::NatTraversalOff, "but port floating is off"),
    any(
        Sign::NatTraversalOff,
        "not supported by kernel -- NAT-T disabled",
    ),
    any(Sign::NatTraversalOff, "set nattraversal disable"),
    any(Sign::NatTraversalOff, "nat-traversal disable"),
    any(
        Sign::NatTraversalOff,
        "no crypto ipsec nat-transparency udp-enc",
    ),
    any(Sign::NatTraversalOff, "no crypto isakmp nat-traversal"),
    any(Sign::NatTraversalOff, "no crypto ipsec nat-transparency"),
    any(Sign::NatTraversalOff, "nat_traversal off;"),
    any(Sign::NatTraversalOff, "gateway {name:w} no-nat-traversal"),
    // charon hashes its address into the first message before it knows it.
    any(
        Sign::SourceUnspecified,
        "sending packet: from 0.0.0.0[500] to {to:w}",
    ),
    any(
        Sign::SourceUnspecified,
        "sending packet: from ::[500] to {to:w}",
    ),
    any(
        Sign::SourceUnspecified,
        "faking NAT situation to enforce UDP encapsulation",
    ),
    // A NAT that helps.
    any(
        Sign::NatPassthrough,
        "peer is NATed but source port is still udp/",
    ),
    any(
        Sign::NatPassthrough,
        "IPsec-passthrough NAT device suspected",
    ),
    // Mappings that change.
    any(
        Sign::NatMappingChanged,
        "NAT mappings of CHILD_SA {} changed to {to:w}, queuing update job",
    ),
    any(
        Sign::NatMappingChanged,
        "NAT mappings of ESP CHILD_SA with SPI {} changed, queuing update job",
    ),
    any(
        Sign::NatMappingChanged,
        "detected changes in NAT mappings, initiating MOBIKE update",
    ),
    any(
        Sign::NatMappingChanged,
        "new NAT mapping for {}, was {from:w} now {to:w}",
    ),
    any(
        Sign::NatMappingChanged,
        "NAT: MOBKIE: updating remote sender from {from:w} -> {to:w} as",
    ),
    any(
        Sign::NatMappingNotFollowed,
        "NAT: MOBKIE disabled, ignoring peer endpoint change from {from:w} to {to:w}",
    ),
    any(Sign::NatMappingChanged, "Mapping change {from:w} -> {to:w}"),
    any(
        Sign::NatMappingNotFollowed,
        "established non-MOBIKE IKE SA isn't implemented",
    ),
    // Keepalives.
    any(Sign::NatKeepaliveOff, "nat-keepalive=no"),
    any(Sign::NatKeepaliveOff, "nat_keepalive=no"),
    // Transport mode and AH.
    any(
        Sign::TransportRefusedByNat,
        "not using transport mode, connection NATed",
    ),
    any(
        Sign::TransportRefusedByNat,
        "Transport mode disabled due to security concerns",
    ),
    any(
        Sign::TransportRefusedByNat,
        "Transport Mode not allowed due to security concerns",
    ),
    // ASA: the way back of what came out of the tunnel would be translated.
    any(
        Sign::NatAsymmetric,
        "305013: Asymmetric NAT rules matched for forward and reverse flows; {} src {source:w} dst {destination:w}",
    ),
    any(
        Sign::NatAsymmetric,
        "Asymmetric NAT rules matched for forward and reverse flows",
    ),
    any(Sign::NatAsymmetric, "Drop-reason: (nat-rpf-failed)"),
];
