//! Addresses inside the tunnel, by what gateways of ours tell of them.

use adit_diagnose::AtFault;
use adit_model::event::Asked;
use adit_model::reason::{AddressProblem, Refusal};

use crate::common::*;

fn refused(role: adit_model::event::Role, problem: AddressProblem) -> Story {
    let story = Story::new();
    let story = match role {
        Initiator => story.initiating().init_done(false),
        _ => story.our_init(false),
    };
    story.refused(Local, role, "CHILD_SA", Refusal::NoAddress { problem })
}

fn any() -> Vec<std::net::IpAddr> {
    vec!["0.0.0.0".parse().unwrap()]
}

#[test]
fn a_full_pool_is_told_with_its_numbers() {
    let full = AddressProblem::Full {
        pool: "guests".to_owned(),
        leased: 254,
        size: 254,
    };
    let finding = refused(Responder, full).cause("address-pool-exhausted");
    assert_eq!(finding.side, AtFault::Local);
    assert!(finding.summary.contains("guests") && finding.summary.contains("254 of 254"));
}

#[test]
fn what_else_is_wrong_with_addresses_is_told_apart() {
    let pools = vec!["guests".to_owned()];
    let given = vec!["fd00:3::1".parse().unwrap()];
    for (role, problem, side, says) in [
        (
            Responder,
            AddressProblem::NoPool { asked: any() },
            AtFault::Both,
            "no pool",
        ),
        (
            Responder,
            AddressProblem::NotAsked { pools },
            AtFault::Both,
            "guests",
        ),
        (
            Initiator,
            AddressProblem::NotGiven { asked: any() },
            AtFault::Both,
            "none was given",
        ),
        (
            Initiator,
            AddressProblem::OtherFamily {
                asked: any(),
                given,
            },
            AtFault::Remote,
            "fd00:3::1",
        ),
        (
            Initiator,
            AddressProblem::Unusable {
                given: "127.0.0.1".to_owned(),
            },
            AtFault::Remote,
            "127.0.0.1",
        ),
    ] {
        let finding = refused(role, problem).cause("virtual-ip-or-cp-failure");
        assert_eq!(
            (finding.side, finding.summary.contains(says)),
            (side, true),
            "{finding:?}"
        );
    }
}

#[test]
fn what_a_responder_says_about_addresses_is_enough() {
    for (notify, name, says) in [
        (36, "INTERNAL_ADDRESS_FAILURE", "none was given"),
        (37, "FAILED_CP_REQUIRED", "ask for a virtual address"),
    ] {
        let verdict = Story::new()
            .initiating()
            .init_done(false)
            .peer_refused("CHILD_SA lan", notify, name, Asked::default())
            .verdict();
        assert!(verdict.names("virtual-ip-or-cp-failure"), "{verdict:#?}");
        assert!(format!("{verdict:?}").contains(says), "{verdict:#?}");
    }
}
