//! What lines of logs and listings leave open, and what they decide beside an exchange.

use std::collections::BTreeMap;

use adit_diagnose::Answer;
use adit_model::event::{Happening, Party};
use adit_model::fact::{Known, Wire};
use adit_model::host::HostState;
use adit_model::now::Wall;
use adit_model::sign::Sign;

use crate::common::*;

/// A line that says so.
fn says(story: Story, sign: Sign, values: &[(&str, &str)]) -> Story {
    let values: BTreeMap<String, String> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    story.known(Local, Known::Sign { sign, values })
}

fn ping(story: Story, to: &str, received: u64) -> Story {
    let state = HostState::Ping {
        to: to.into(),
        from: None,
        size: 56,
        whole: false,
        sent: 3,
        received,
    };
    story.known(
        Local,
        Known::Host {
            state: Box::new(state),
        },
    )
}

fn unanswered() -> Story {
    Story::new()
        .configured(Local, west())
        .initiating()
        .gave_up("IKE_SA_INIT")
}

fn up() -> Story {
    Story::new()
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
}

/// A tunnel of which the peer is silent.
fn fallen_silent(nat: bool) -> Story {
    Story::new()
        .initiating()
        .init_done(nat)
        .established(Local, Initiator)
        .gave_up("INFORMATIONAL")
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "dead-peer".into(),
            },
        )
}

fn flow(protocol: &str, outbound: bool) -> Known {
    Known::Wire {
        seen: Wire::Flow {
            protocol: protocol.into(),
            spi: 7,
            outbound,
            udp: false,
            packets: 9,
            missing: 0,
            duplicates: 0,
            replayed: 0,
            reused: 0,
            very_late: 0,
            classes: 0,
            restarted_at: None,
            interleaved: 0,
            first: Wall(1),
            last: Wall(2),
        },
    }
}

fn crossing(what: &str) -> Known {
    Known::Wire {
        seen: Wire::Crossing {
            what: what.into(),
            sent: 5,
            arrived: 0,
            largest_arrived: 0,
            largest_sent: 400,
        },
    }
}

#[test]
fn silence_names_peer_address_wrong_and_nat_return_mapping_lost_among_the_rest() {
    unanswered().undecided(&["peer-address-wrong", "nat-return-mapping-lost"]);
}

#[test]
fn middlebox_path_selective_drop_needs_captures_of_both() {
    unanswered().undecided(&["middlebox-path-selective-drop"]);
    unanswered()
        .known(Local, crossing("IKE_SA_INIT"))
        .known(There, crossing("IKE_SA_INIT"))
        .cause("middlebox-path-selective-drop");
}

#[test]
fn an_unanswered_flow_may_be_a_stale_conntrack() {
    says(
        unanswered(),
        Sign::FlowUnanswered,
        &[("port", "500"), ("source", "10.0.0.2")],
    )
    .undecided(&["stale-conntrack"]);
}

#[test]
fn an_answered_echo_leaves_the_endpoint_host_firewall() {
    ping(up(), "10.2.0.9", 0).undecided(&["endpoint-host-firewall"]);
    // Without a word on whether it is up, a silent host stays open.
    ping(unanswered(), "10.2.0.9", 0).undecided(&["udp500-blocked"]);
}

#[test]
fn mangled_messages_may_be_dpi_or_ids_interference() {
    let story = says(
        unanswered(),
        Sign::MangledIke,
        &[("peer", "198.51.100.250")],
    );
    assert!(
        !story.verdict().names("dpi-or-ids-interference"),
        "a stranger's message says nothing"
    );
}

#[test]
fn nat_t_disabled_is_found_where_there_is_a_nat() {
    let behind = |peer_supports| Happening::NatDetection {
        local_behind_nat: true,
        remote_behind_nat: false,
        peer_supports,
    };
    let story = Story::new()
        .initiating()
        .event(Local, Initiator, behind(true))
        .gave_up("IKE_AUTH");
    says(story, Sign::NatTraversalOff, &[]).cause("nat-t-disabled");
    says(unanswered(), Sign::NatTraversalOff, &[]).undecided(&["nat-t-disabled"]);
}

#[test]
fn masquerading_breaks_a_tunnel_that_is_up_and_may_be_snat_before_ipsec_otherwise() {
    let rule = [("rule", "MASQUERADE all -- 10.1.0.0/24 anywhere")];
    says(up(), Sign::Masquerading, &rule).cause("snat-before-ipsec");
    says(unanswered(), Sign::Masquerading, &rule).undecided(&["snat-of-ike", "snat-before-ipsec"]);
    let exempt = says(
        says(up(), Sign::Masquerading, &rule),
        Sign::TunnelExempt,
        &[],
    );
    assert_eq!(exempt.verdict().verdict, Answer::Healthy);
    says(up(), Sign::TunnelTranslated, &[]).cause("snat-before-ipsec");
}

#[test]
fn silence_behind_a_nat_may_be_nat_mapping_timeout_and_keepalives_that_are_off_decide() {
    fallen_silent(true).undecided(&["nat-mapping-timeout", "underlay-loss-or-flap"]);
    says(fallen_silent(true), Sign::NatKeepaliveOff, &[]).cause("nat-mapping-timeout");
}

#[test]
fn translated_ike_is_snat_of_ike() {
    says(unanswered(), Sign::IkeTranslated, &[]).cause("snat-of-ike");
}

#[test]
fn ah_across_a_nat_is_ah_through_nat() {
    Story::new()
        .initiating()
        .init_done(true)
        .established(Local, Initiator)
        .known(Local, flow("ah", true))
        .cause("ah-through-nat");
}

#[test]
fn one_to_one_translation_is_not_yet_netmap_order_wrong() {
    let rule = [(
        "rule",
        "NETMAP all -- 10.1.0.0/24 10.2.0.0/24 to:10.9.0.0/24",
    )];
    let story = says(
        says(unanswered(), Sign::Masquerading, &rule),
        Sign::TunnelExempt,
        &[],
    );
    assert!(!story.verdict().names("netmap-order-wrong"));
}

#[test]
fn replays_after_a_failover_are_ha_seq_not_synced() {
    let story = says(unanswered(), Sign::NodeTookOver, &[("name", "OUT")]);
    says(
        story,
        Sign::KernelDrops,
        &[("name", "XfrmInStateSeqError"), ("count", "412")],
    )
    .cause("ha-seq-not-synced");
}

#[test]
fn silence_after_a_failover_may_be_ha_arp_or_path_stale() {
    says(unanswered(), Sign::NodeTookOver, &[("name", "OUT")]).undecided(&["ha-arp-or-path-stale"]);
}

#[test]
fn a_restart_of_everything_may_be_restart_affects_all_tunnels() {
    says(unanswered(), Sign::AllTunnelsRestarted, &[]).undecided(&["restart-affects-all-tunnels"]);
}

#[test]
fn nothing_captured_may_be_overlay_wrong_interface_sniffed() {
    says(Story::new(), Sign::NothingCaptured, &[]).undecided(&["overlay-wrong-interface-sniffed"]);
}

#[test]
fn overlay_in_clear_leads_and_overlay_policy_not_distributed_follows() {
    let finding = says(Story::new(), Sign::OverlayBlocked, &[]).cause("overlay-cleartext-4790");
    assert!(!finding.evidence.is_empty());
}

#[test]
fn one_silent_guest_is_no_fault_of_the_tunnel_overlay_guest_config() {
    let story = ping(up(), "10.2.0.1", 3);
    ping(story, "10.2.0.9", 0).undecided(&["overlay-guest-config"]);
}

#[test]
fn what_was_overcome_is_no_cause() {
    for sign in [
        Sign::NetworkUnreachable,
        Sign::PeerNameUnresolved,
        Sign::LocalAddressMissing,
        Sign::SendForbidden,
    ] {
        let story = says(Story::new(), sign, &[("address", "192.0.2.1")])
            .later(30)
            .initiating()
            .init_done(false)
            .gave_up("IKE_AUTH");
        let verdict = story.verdict();
        assert_ne!(
            verdict.verdict,
            Answer::Cause,
            "{sign:?}: {}",
            verdict.summary
        );
    }
}
