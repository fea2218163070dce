//! Tunnels of two sides with certificates, in good and bad weather, and what a certificate that isn't accepted leaves on
//! either side.

#![allow(clippy::unwrap_used)]

mod common;

use adit_model::event::Happening;
use adit_model::reason::{CertificateProblem, Refusal};
use adit_sim::{LinkSettings, NodeId, Sites};
use common::certificates::{Flaw, certificates};
use common::*;

fn world(west: Flaw, east: Flaw, chained: bool, wire: LinkSettings) -> Setting {
    let mut setting = Setting {
        wire,
        ..Setting::default()
    };
    certificates(&mut setting, west, east, chained);
    setting
}

#[test]
fn both_sides_with_certificates() {
    for chained in [false, true] {
        let setting = world(Flaw::None, Flaw::None, chained, LinkSettings::default());
        let mut sites = up(setting, 1);
        let ping = sites
            .world
            .ping(sites.west_host, ip(EAST_HOST), 3, ms(50), 56);
        sites.world.run_for(secs(2));
        assert_eq!(sites.world.ping_report(ping).received, 3);
    }
}

/// IKE_AUTH is long now, and travels in fragments that are lost, doubled and late.
#[test]
fn certificates_in_bad_weather() {
    for seed in 0..20 {
        let setting = world(Flaw::None, Flaw::None, true, LinkSettings::bad());
        up(setting, seed);
    }
}

fn refused_by(sites: &Sites, who: NodeId) -> Option<CertificateProblem> {
    find(&sites.world, who, |h| match h {
        Happening::Refused {
            refusal:
                Refusal::Certificate {
                    problem,
                    detail: Some(_),
                    ..
                },
            ..
        } => Some(*problem),
        _ => None,
    })
}

/// Each flaw has its own reason, whichever side has the certificate; the other side learns of the refusal, and nothing
/// leaves in clear.
#[test]
fn each_flaw_has_its_reason_on_either_side() {
    use CertificateProblem as P;
    for (flaw, problem) in [
        (Flaw::Expired, P::Expired),
        (Flaw::NotYetValid, P::NotYetValid),
        (Flaw::Untrusted, P::Untrusted),
        (Flaw::Revoked, P::Revoked),
        (Flaw::OtherName, P::Name),
        (Flaw::Usage, P::Usage),
    ] {
        for wests in [true, false] {
            let (west, east) = if wests {
                (flaw, Flaw::None)
            } else {
                (Flaw::None, flaw)
            };
            let mut sites = world(west, east, false, LinkSettings::default()).build(1);
            sites.start();
            sites.world.initiate(sites.west, TUNNEL).unwrap();
            assert!(!sites.run_until_up(TUNNEL, secs(30)), "{flaw:?}");
            let (verifier, owner) = if wests {
                (sites.east, sites.west)
            } else {
                (sites.west, sites.east)
            };
            let told = story(&sites.world, &[sites.west, sites.east]);
            assert_eq!(refused_by(&sites, verifier), Some(problem), "{told}");
            assert_eq!(refused_by(&sites, owner), None, "{told}");
            let learnt = find(&sites.world, owner, |h| match h {
                Happening::PeerRefused { name, .. } => Some(name.clone()),
                _ => None,
            });
            assert_eq!(learnt.as_deref(), Some("AUTHENTICATION_FAILED"), "{told}");
        }
    }
}
