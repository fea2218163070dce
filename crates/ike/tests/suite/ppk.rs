//! Post-quantum pre-shared keys (RFC 8784).

use crate::common;

use std::time::Duration;

use adit_model::connection::Ppk;
use adit_model::reason::{PpkProblem, Refusal};
use common::*;

const KEY: &[u8] = b"thirty-two octets nobody guesses";

fn ppk(id: &str, required: bool) -> Option<Ppk> {
    Some(Ppk {
        id: id.to_owned(),
        required,
    })
}

/// Both sides with these keys; both hold the same octets.
fn lab(west: Option<Ppk>, east: Option<Ppk>) -> Lab {
    let (mut w, mut e) = (connection(Who::West), connection(Who::East));
    (w.ppk, e.ppk) = (west, east);
    let mut lab = Lab::with(w, e);
    lab.west.ppk = Some(KEY);
    lab.east.ppk = Some(KEY);
    lab
}

fn told(lab: &Lab) -> Vec<(Option<String>, Option<String>, PpkProblem)> {
    let both = lab.west.refusals().into_iter().chain(lab.east.refusals());
    both.filter_map(|(_, refusal, _)| match refusal {
        Refusal::Ppk {
            theirs,
            ours,
            problem,
        } => Some((theirs, ours, problem)),
        _ => None,
    })
    .collect()
}

/// ```text
/// SAi1, KEi, Ni, …, N(USE_PPK) ──────────────────────────►
///          ◄──────────────── SAr1, KEr, Nr, …, N(USE_PPK)
/// SK { IDi, …, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY) } ──►
///          ◄─── SK { IDr, AUTH, SAr2, TSi, TSr, N(PPK_IDENTITY) }
/// ```
#[test]
fn a_key_that_both_sides_have_is_mixed_in() {
    let keys_of = |lab: &Lab| lab.west.installed[0].key_in.expose().to_vec();
    let mut plain = lab(None, None);
    plain.up();
    let mut lab = lab(ppk("k1", true), ppk("k1", true));
    lab.up();
    lab.assert_tunnel();
    let ladder = ladder(&lab.west);
    assert_eq!(ladder.len(), 4);
    assert!(ladder[0].contains("N(USE_PPK)") && ladder[1].contains("N(USE_PPK)"));
    assert!(ladder[2].contains("N(PPK_IDENTITY)") && !ladder[2].contains("N(NO_PPK_AUTH)"));
    assert!(ladder[3].contains("N(PPK_IDENTITY)"));
    // The laboratory's randomness is the same in both: only the key makes the difference.
    assert_ne!(keys_of(&lab), keys_of(&plain));
}

/// Optional on the initiator's side: it sends a proof for either case.
#[test]
fn an_optional_key_is_used_where_both_have_it() {
    let mut lab = lab(ppk("k1", false), ppk("k1", true));
    lab.up();
    lab.assert_tunnel();
    let ladder = ladder(&lab.west);
    assert!(
        ladder[2].contains("N(PPK_IDENTITY) N(NO_PPK_AUTH)"),
        "{}",
        ladder[2]
    );
    assert!(ladder[3].contains("N(PPK_IDENTITY)"));
}

#[test]
fn an_optional_key_is_done_without() {
    // The peer has none at all; the peer has another one, or none for this connection.
    for (west, east) in [
        (ppk("k1", false), None),
        (None, ppk("k1", false)),
        (ppk("k1", false), ppk("k2", false)),
    ] {
        let mut lab = lab(west, east);
        lab.up();
        lab.assert_tunnel();
        assert!(!ladder(&lab.west)[3].contains("N(PPK_IDENTITY)"));
        assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
    }
}

/// RFC 8784 3: who requires a key doesn't go on without, and says why; the peer only learns that it failed.
#[test]
fn abuse_66_a_required_key_is_not_done_without() {
    use PpkProblem::{PeerHasNone, Unknown};
    for (west, east, why) in [
        (ppk("k1", true), None, (None, Some("k1"), PeerHasNone)),
        (None, ppk("k1", true), (None, Some("k1"), PeerHasNone)),
        (
            ppk("k1", true),
            ppk("k2", true),
            (Some("k1"), Some("k2"), Unknown),
        ),
        (
            ppk("k1", false),
            ppk("k2", true),
            (Some("k1"), Some("k2"), Unknown),
        ),
        (
            ppk("k1", true),
            ppk("k2", false),
            (Some("k1"), Some("k2"), Unknown),
        ),
    ] {
        let mut lab = lab(west, east);
        lab.initiate();
        lab.pass(Duration::from_secs(5));
        assert!(!lab.west.is_up() && !lab.east.is_up());
        let (theirs, ours, problem) = why;
        let expected = (theirs.map(str::to_owned), ours.map(str::to_owned), problem);
        assert_eq!(told(&lab), [expected]);
        for (_, _, notify) in lab.east.refusals() {
            assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
        }
    }
}

/// The same name for different octets shows as a proof that doesn't hold.
#[test]
fn different_octets_under_one_name() {
    let mut lab = lab(ppk("k1", true), ppk("k1", true));
    lab.east.ppk = Some(b"others");
    lab.initiate();
    lab.pass(Duration::from_secs(5));
    assert!(matches!(
        lab.east.refusals()[0].1,
        Refusal::AuthValue { .. }
    ));
    assert_eq!(
        lab.west.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
}

/// A key that can't be had ends the attempt on the side that lacks it.
#[test]
fn a_key_that_is_nowhere() {
    for missing in [Who::West, Who::East] {
        let mut lab = lab(ppk("k1", true), ppk("k1", true));
        lab.side(missing).ppk = None;
        lab.initiate();
        lab.pass(Duration::from_secs(5));
        let refusals = lab.side(missing).refusals();
        assert!(matches!(
            refusals[0].1,
            Refusal::Ppk {
                problem: PpkProblem::NoKey,
                ..
            }
        ));
        assert!(lab.west.closed() == ["failed"]);
    }
}

/// After the additional key exchanges, and with them.
#[test]
fn beside_additional_key_exchanges() {
    let (mut w, mut e) = (connection(Who::West), connection(Who::East));
    for side in [&mut w, &mut e] {
        side.ppk = ppk("k1", true);
        side.ike = vec![ike("aes128gcm16-prfsha256-x25519-ke1_mlkem768")];
    }
    let mut lab = Lab::with(w, e);
    lab.west.ppk = Some(KEY);
    lab.east.ppk = Some(KEY);
    lab.up();
    lab.assert_tunnel();
    // Both say so, also of what follows from these keys.
    assert_eq!(lab.west.ike_sa().ppk.as_deref(), Some("k1"));
    let name = lab.west.ike_sa().connection.unwrap();
    lab.west.endpoint.rekey_ike(lab.now, &name).unwrap();
    lab.run();
    assert_eq!(lab.west.ike_sa().ppk.as_deref(), Some("k1"));
    assert_eq!(lab.east.ike_sa().ppk.as_deref(), Some("k1"));
}
