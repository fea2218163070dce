//! Authentication: the side that refused knows why, the side that was refused doesn't.

use adit_diagnose::{Answer, AtFault};
use adit_model::Wall;
use adit_model::announced::{Announced, AnnouncedMethod};
use adit_model::connection::AuthKind;
use adit_model::event::Asked;
use adit_model::event::Happening;
use adit_model::event::Party;
use adit_model::product::Product;
use adit_model::reason::Refusal;

use crate::common::*;

fn psk(claimed: &str) -> Refusal {
    Refusal::AuthValue {
        claimed: claimed.parse().unwrap(),
        method: 2,
    }
}

fn told_auth_failed() -> Story {
    Story::new()
        .configured(Local, west())
        .initiating()
        .init_done(false)
        .peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", asked_ids())
}

#[test]
fn the_initiator_alone_cannot_tell_a_wrong_key_from_a_wrong_identity() {
    let verdict = told_auth_failed().undecided(&[
        "psk-mismatch",
        "id-mismatch",
        "no-matching-connection-on-responder",
        "psk-not-found",
        "auth-method-mismatch",
    ]);
    // The likeliest two come first, and the way to tell them apart is the other side's word.
    let first: Vec<_> = verdict
        .possible
        .iter()
        .take(2)
        .map(|p| p.cause.as_str())
        .collect();
    assert_eq!(first, ["psk-mismatch", "id-mismatch"]);
    assert!(
        verdict
            .missing
            .iter()
            .any(|m| m.collect.contains("adit why") && m.collect.contains("journalctl"))
    );
    assert!(
        verdict
            .evidence
            .iter()
            .any(|e| e.text.contains("AUTHENTICATION_FAILED"))
    );
    // What happened before authentication is ruled out by how far it got.
    for cause in [
        "ike-proposal-mismatch",
        "udp500-blocked",
        "daemon-not-running",
    ] {
        assert!(
            verdict.ruled_out.iter().any(|r| r.cause == cause),
            "{cause}: {verdict:#?}"
        );
    }
}

/// RFC 9593: the peer has said what it takes.
#[test]
fn the_initiator_alone_can_tell_a_method_that_the_peer_has_not_announced() {
    let refused = |methods: &[u8], auth| {
        let methods = methods.iter().map(|n| AnnouncedMethod {
            method: *n,
            name: format!("method {n}"),
        });
        let announced = Announced {
            methods: methods.collect(),
            left_out: 0,
        };
        Story::new()
            .configured(Local, west())
            .initiating()
            .init_done(false)
            .event(
                Local,
                Initiator,
                Happening::AuthMethodsAnnounced { announced },
            )
            .peer_refused(
                "IKE_AUTH",
                24,
                "AUTHENTICATION_FAILED",
                Asked {
                    auth: Some(auth),
                    ..asked_ids()
                },
            )
    };
    let finding = refused(&[9, 14], AuthKind::Psk).cause("auth-method-mismatch");
    assert!(finding.summary.contains("only method 9, method 14"));
    assert_eq!(finding.side, AtFault::Both);
    assert_eq!(finding.evidence.len(), 2);
    refused(&[2], AuthKind::Certificate).cause("auth-method-mismatch");
    // What it takes is ours too: another reason, or another of its connections.
    refused(&[2, 14], AuthKind::Psk).undecided(&["psk-mismatch", "auth-method-mismatch"]);
}

/// Anybody may begin towards us, claim to be the peer and announce what he likes; another guest of the same tunnel, too.
#[test]
fn what_somebody_announces_who_began_himself_says_nothing_of_who_refused_us() {
    let method = AnnouncedMethod {
        method: 14,
        name: "a digital signature".to_owned(),
    };
    let announced = Announced {
        methods: vec![method],
        left_out: 0,
    };
    let refused = |story: Story| {
        let asked = Asked {
            auth: Some(AuthKind::Psk),
            ..asked_ids()
        };
        story.peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", asked)
    };
    let said = || Happening::AuthMethodsAnnounced {
        announced: announced.clone(),
    };
    let begun = || {
        Story::new()
            .configured(Local, west())
            .initiating()
            .init_done(false)
    };
    let others = refused(begun().event(Local, Responder, said()));
    others.undecided(&["psk-mismatch", "auth-method-mismatch"]);
    // What comes after the refusal belongs to another attempt.
    let late = refused(begun()).event(Local, Initiator, said());
    late.undecided(&["psk-mismatch", "auth-method-mismatch"]);
}

#[test]
fn psk_mismatch_is_the_responders_to_say() {
    let finding = Story::new()
        .configured(Local, west())
        .our_init(false)
        .received(Local, Responder, "IKE_AUTH", false)
        .refused(Local, Responder, "IKE_AUTH", psk("east.lab"))
        .cause("psk-mismatch");
    assert_eq!(finding.side, AtFault::Both);
    assert!(finding.confidence > 0.9);
    assert!(
        finding.message_for_peer.contains("west.lab")
            && finding.message_for_peer.contains("east.lab")
    );
}

#[test]
fn psk_mismatch_quotes_both_sides_when_both_are_known() {
    let mut story = told_auth_failed().their_init(false);
    story = story.received(There, Responder, "IKE_AUTH", false).refused(
        There,
        Responder,
        "IKE_AUTH",
        psk("west.lab"),
    );
    let finding = story.cause("psk-mismatch");
    let sources: Vec<_> = finding.evidence.iter().map(|e| e.source.as_str()).collect();
    assert_eq!(sources, ["east events", "west events"]);
    // The alternatives are gone, each with a reason.
    let verdict = story.verdict();
    assert!(verdict.ruled_out.iter().any(|r| r.cause == "id-mismatch"));
}

#[test]
fn psk_mismatch_found_by_the_initiator_in_the_answer() {
    Story::new()
        .initiating()
        .init_done(false)
        .received(Local, Initiator, "IKE_AUTH", true)
        .refused(Local, Initiator, "IKE_AUTH", psk("east.lab"))
        .cause("psk-mismatch");
}

#[test]
fn a_signature_that_does_not_verify_is_no_wrong_key() {
    let verdict = Story::new()
        .our_init(false)
        .refused(
            Local,
            Responder,
            "IKE_AUTH",
            Refusal::AuthValue {
                claimed: "east.lab".parse().unwrap(),
                method: 14,
            },
        )
        .verdict();
    assert!(!verdict.names("psk-mismatch"));
}

/// What our own gateway tells of a certificate or a signature that it doesn't accept leads to the cause by itself.
#[test]
fn refusals_of_certificates_lead_to_their_causes() {
    use adit_model::certificate_reason::{CertificateReason as R, RefusedCertificate};
    let at = |days: u64| Wall(1_790_000_000_000 + days * 86_400_000);
    let usage = || R::KeyUsage {
        needs: vec!["digitalSignature".into()],
        has: vec!["keyEncipherment".into()],
    };
    for (reason, cause) in [
        (
            R::Expired {
                not_after: at(0),
                now: at(3),
            },
            "cert-expired",
        ),
        (
            R::NotYetValid {
                not_before: at(3),
                now: at(0),
            },
            "cert-not-yet-valid",
        ),
        (
            R::UntrustedIssuer {
                issuer: "O=Lab, CN=Other CA".into(),
            },
            "ca-not-trusted",
        ),
        (
            R::Revoked {
                serial: "2a".into(),
                at: at(0),
                cause: "key compromise".into(),
                by: "CRL".into(),
            },
            "cert-revoked",
        ),
        (
            R::StatusUnknown {
                why: vec!["the CRL is from last year".into()],
            },
            "crl-unreachable",
        ),
        (
            R::Identity {
                claimed: "east.lab".parse().unwrap(),
                holds: vec!["east.example".into()],
            },
            "cert-san-mismatch",
        ),
        (usage(), "signature-or-keyusage-rejected"),
    ] {
        let refused = RefusedCertificate {
            subject: "O=Lab, CN=east".into(),
            serial: "2a".into(),
            reason,
        };
        let as_responder = Story::new().our_init(false);
        let as_initiator = Story::new().initiating().init_done(false);
        for (story, role) in [(as_responder, Responder), (as_initiator, Initiator)] {
            let refusal = Refusal::certificate("east.lab".parse().unwrap(), refused.clone());
            let story = story
                .received(Local, role, "IKE_AUTH", role == Initiator)
                .refused(Local, role, "IKE_AUTH", refusal);
            assert!(!story.cause(cause).evidence.is_empty(), "{cause}");
        }
    }
    let signature = Refusal::Signature {
        claimed: "east.lab".parse().unwrap(),
        method: 14,
        problem: "RSA PKCS#1 with SHA-1 isn't safe".into(),
    };
    let ours = Refusal::NoSignature {
        identity: "west.lab".parse().unwrap(),
        makes: vec!["Ed25519".into()],
        takes: vec!["SHA2_256".into()],
    };
    for refusal in [signature, ours] {
        Story::new()
            .our_init(false)
            .refused(Local, Responder, "IKE_AUTH", refusal)
            .cause("signature-or-keyusage-rejected");
    }
}

#[test]
fn id_mismatch_names_the_side_whose_identity_is_not_expected() {
    // The peer refuses us: we are not whom it expects.
    let stranger = Refusal::PeerIdentity {
        received: "west.lab".parse().unwrap(),
        expected: vec!["west.example".parse().unwrap()],
    };
    let finding = told_auth_failed()
        .their_init(false)
        .between(Product::Adit, Product::Libreswan)
        .refused(There, Responder, "IKE_AUTH", stranger.clone())
        .cause("id-mismatch");
    assert_eq!(finding.side, AtFault::Local);
    // Each side is told in its own product's words.
    assert_eq!(finding.fix.local, "local_id = \"west.example\"");
    assert!(finding.fix.remote.contains("`rightid=@west.lab`"));

    // We refuse the peer.
    let finding = Story::new()
        .between(Product::Adit, Product::Strongswan)
        .our_init(false)
        .refused(Local, Responder, "IKE_AUTH", stranger)
        .cause("id-mismatch");
    assert_eq!(finding.side, AtFault::Remote);
    assert_eq!(finding.fix.local, "remote_id = \"west.lab\"");

    // The peer wants us to be somebody else.
    let wanted = Refusal::OurIdentity {
        requested: "west.example".parse().unwrap(),
        ours: vec!["west.lab".parse().unwrap()],
    };
    let finding = Story::new()
        .between(Product::Adit, Product::Strongswan)
        .our_init(false)
        .refused(Local, Responder, "IKE_AUTH", wanted.clone())
        .cause("id-mismatch");
    assert_eq!(finding.side, AtFault::Local);
    assert_eq!(finding.fix.local, "local_id = \"west.example\"");

    // We want the peer to be somebody else.
    let finding = told_auth_failed()
        .between(Product::Adit, Product::Strongswan)
        .their_init(false)
        .refused(There, Responder, "IKE_AUTH", wanted)
        .cause("id-mismatch");
    assert_eq!(finding.side, AtFault::Remote);
    assert_eq!(finding.fix.local, "remote_id = \"west.lab\"");
}

#[test]
fn id_mismatch_from_both_configurations() {
    let mut other = east();
    other.remote_id = Some("west.example".parse().unwrap());
    let finding = told_auth_failed()
        .configured(There, other)
        .cause("id-mismatch");
    assert_eq!(finding.side, AtFault::Local);
    // Configurations that fit leave it open.
    told_auth_failed()
        .configured(There, east())
        .undecided(&["psk-mismatch", "id-mismatch"]);
}

#[test]
fn psk_not_found_and_auth_method_mismatch() {
    let finding = told_auth_failed()
        .their_init(false)
        .refused(
            There,
            Responder,
            "IKE_AUTH",
            Refusal::NoKey {
                local: "east.lab".parse().unwrap(),
                remote: "west.lab".parse().unwrap(),
            },
        )
        .cause("psk-not-found");
    assert_eq!(finding.side, AtFault::Remote);
    let finding = Story::new()
        .our_init(false)
        .refused(
            Local,
            Responder,
            "IKE_AUTH",
            Refusal::AuthMethod {
                received: 14,
                expected: 2,
            },
        )
        .cause("auth-method-mismatch");
    assert!(
        finding.summary.contains("digital signature") && finding.summary.contains("pre-shared key")
    );
}

#[test]
fn large_ike_auth_fragment_lost_is_possible_only_for_large_messages() {
    let story = |octets| {
        Story::new()
            .initiating()
            .received(Local, Initiator, "IKE_SA_INIT", true)
            .event(Local, Initiator, chosen())
            .event(Local, Initiator, detection(false))
            .event(
                Local,
                Initiator,
                Happening::Sent(message("IKE_AUTH", false, octets)),
            )
            .gave_up("IKE_AUTH")
    };
    let verdict = story(2800).undecided(&["large-ike-auth-fragment-lost"]);
    assert_eq!(verdict.possible[0].cause, "large-ike-auth-fragment-lost");
    let verdict = story(300).undecided(&[]);
    assert!(!verdict.names("large-ike-auth-fragment-lost"));
    assert!(
        verdict
            .ruled_out
            .iter()
            .any(|r| r.cause == "large-ike-auth-fragment-lost")
    );
}

#[test]
fn an_attempt_after_the_correction_counts() {
    let story = told_auth_failed()
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator);
    assert_eq!(story.verdict().verdict, Answer::Healthy);
    // And one that fails later, for another reason, isn't blamed on the old one.
    let verdict = story
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Peer,
                cause: "deleted".into(),
            },
        )
        .initiating()
        .unprotected(14, "NO_PROPOSAL_CHOSEN", 2)
        .undecided(&["ike-proposal-mismatch"]);
    assert!(!verdict.names("psk-mismatch"));
}

/// The responder believed that all was well until the initiator judged its answer: that was no tunnel that went down.
#[test]
fn a_responder_whose_proof_is_refused_was_never_up() {
    let asked = adit_model::event::Asked {
        auth: Some(adit_model::connection::AuthKind::Certificate),
        ..asked_ids()
    };
    let refused = Happening::PeerRefused {
        what: "IKE_AUTH".into(),
        notify: 24,
        name: "AUTHENTICATION_FAILED".into(),
        data: String::new(),
        asked,
    };
    let child_closed = Happening::ChildClosed {
        child: "lan".into(),
        spi_in: 0xc1,
        by: Party::Peer,
    };
    let ike_closed = Happening::IkeClosed {
        by: Party::Peer,
        cause: "failed".into(),
    };
    Story::new()
        .configured(Local, east())
        .our_init(false)
        .established(Local, Responder)
        .child_up(Local, Responder)
        .event(Local, Responder, refused)
        .event(Local, Responder, child_closed)
        .event(Local, Responder, ike_closed)
        .undecided(&["cert-expired", "cert-revoked", "ca-not-trusted"]);
}
