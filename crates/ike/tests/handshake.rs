//! IKE_SA_INIT and IKE_AUTH as RFC 7296 1.2 draws them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_ike::IkeSaState;
use adit_model::event::{Happening, Role};
use common::*;

/// ```text
/// west                                                  east
/// SAi1, KEi, Ni, N(NAT…), N(FRAG) ──────────────────────►
///        ◄────────────────────── SAr1, KEr, Nr, N(NAT…), N(FRAG)
/// SK { IDi, N(INITIAL_CONTACT), IDr, AUTH, SAi2, TSi, TSr } ►
///        ◄──────────────────── SK { IDr, AUTH, SAr2, TSi, TSr }
/// ```
#[test]
fn two_exchanges_make_a_tunnel() {
    let mut lab = Lab::new();
    lab.initiate();
    lab.run();
    assert_eq!(
        ladder(&lab.west),
        [
            "--> IKE_SA_INIT request 0 [ SA KE Nonce N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) N(IKEV2_FRAGMENTATION_SUPPORTED) ]",
            "<-- IKE_SA_INIT response 0 [ SA KE Nonce N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) N(IKEV2_FRAGMENTATION_SUPPORTED) ]",
            "--> IKE_AUTH request 1 [ IDi N(INITIAL_CONTACT) IDr AUTH SA TSi TSr \
             N(ESP_TFC_PADDING_NOT_SUPPORTED) ]",
            "<-- IKE_AUTH response 1 [ IDr AUTH SA TSi TSr ]",
        ]
    );
    let mirrored: Vec<String> = ladder(&lab.west)
        .iter()
        .map(|l| match l.split_at(3) {
            ("-->", rest) => format!("<--{rest}"),
            (_, rest) => format!("-->{rest}"),
        })
        .collect();
    assert_eq!(ladder(&lab.east), mirrored);

    lab.assert_tunnel();
    let (west, east) = (lab.west.ike_sa(), lab.east.ike_sa());
    assert_eq!(
        (west.state, east.state),
        (IkeSaState::Established, IkeSaState::Established)
    );
    assert_eq!((west.role, east.role), (Role::Initiator, Role::Responder));
    assert_eq!(west.spis, east.spis);
    assert_eq!(west.suite, east.suite);
    assert_eq!(west.local_id, Some(fqdn("west.lab")));
    assert_eq!(west.remote_id, Some(fqdn("east.lab")));
    assert_eq!(
        (east.local_id, east.remote_id),
        (west.remote_id.clone(), west.local_id.clone())
    );
    assert_eq!(east.connection.as_deref(), Some("site"));
    assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
    for side in [&lab.west, &lab.east] {
        assert!(side.saw(|h| matches!(
            h,
            Happening::ChildEstablished {
                narrowed: false,
                udp_encap: false,
                ..
            }
        )));
    }
    // No timer is left: no liveness checks are configured, no NAT is there.
    assert_eq!(lab.west.endpoint.poll_timeout(), None);
    assert_eq!(lab.east.endpoint.poll_timeout(), None);
}
