//! The rows.

use std::net::SocketAddr;

use adit_diagnose::AtFault::{Both, Local, Remote};
use adit_model::connection::AuthKind;
use adit_model::event::Role::{Initiator, Responder};
use adit_model::feature::Feature;
use adit_model::identity::Identity;
use adit_model::proposal::TransformKind;
use adit_model::reason::{AddressProblem, CertificateProblem, PpkProblem, Refusal};
use adit_model::selector::Selector;

use crate::Row;
use crate::Said::{Is, MayBe};
use crate::story::{esp, ike};

fn west() -> Identity {
    "west.lab".parse().unwrap()
}

fn east() -> Identity {
    "east.lab".parse().unwrap()
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn nets(text: &str) -> Vec<Selector> {
    vec![text.parse().unwrap()]
}

/// A row for each, and a match that fails to compile when one has none.
macro_rules! table {
    ($rows:ident, $covered:ident, $kind:ident, $wrap:expr;
     $($name:ident { $($field:ident: $value:expr),* $(,)? } in $about:literal by $by:ident,
       tells $told:literal, says $said:expr, heard $heard:literal;)*) => {
        fn $rows() -> Vec<Row> {
            vec![$(Row {
                refusal: $wrap($kind::$name { $($field: $value),* }),
                about: $about,
                by: $by,
                told: $told,
                said: $said,
                heard: $heard,
            }),*]
        }

        #[allow(unreachable_patterns, dead_code)]
        fn $covered(value: &$kind) {
            match value {
                $($kind::$name { .. } => {})*
            }
        }
    };
}

pub fn rows() -> Vec<Row> {
    let mut rows = refusals();
    rows.extend(features());
    rows.extend(addresses());
    rows.extend(ppks());
    rows.extend(certificates());
    rows.extend(methods());
    rows
}

table! { refusals, every_refusal, Refusal, |refusal| refusal;
    Malformed { field: "SA payload".into(), offset: 40, problem: "too short".into() }
        in "IKE_AUTH" by Responder, tells "INVALID_SYNTAX",
        says Is("vendor-incompatibility", Remote), heard "vendor-incompatibility";
    CriticalPayload { payload: 99 }
        in "IKE_AUTH" by Responder, tells "UNSUPPORTED_CRITICAL_PAYLOAD 63",
        says Is("vendor-incompatibility", Both), heard "vendor-incompatibility";
    Presence { problem: "IKE_AUTH request lacks the IDi payload".into() }
        in "IKE_AUTH" by Responder, tells "INVALID_SYNTAX",
        says Is("vendor-incompatibility", Remote), heard "vendor-incompatibility";
    MajorVersion { received: 3 }
        in "IKE_SA_INIT" by Responder, tells "INVALID_MAJOR_VERSION",
        says Is("ike-version-mismatch", Local), heard "ike-version-mismatch";
    NoIkeProposal {
        offered: vec![ike("aes128gcm16-prfsha256-x25519")],
        configured: vec![ike("aes256gcm16-prfsha256-x25519")],
        differs: vec![TransformKind::Encryption],
    }
        in "IKE_SA_INIT" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("ike-proposal-mismatch", Both), heard "ike-proposal-mismatch";
    NoIkeProposal {
        offered: vec![ike("aes128gcm16-prfsha256-x25519")],
        configured: vec![ike("aes256gcm16-prfsha256-x25519")],
        differs: vec![TransformKind::Encryption],
    }
        in "rekeying the IKE SA" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("ike-proposal-changed-at-rekey", Both), heard "ike-proposal-changed-at-rekey";
    KeMethod { received: "x25519".into(), wanted: "ecp256".into() }
        in "CHILD_SA lan" by Responder, tells "INVALID_KE_PAYLOAD 0013",
        says Is("pfs-mismatch", Both), heard "pfs-mismatch";
    KeMethod { received: "x25519".into(), wanted: "ecp256".into() }
        in "CHILD_SA lan (rekeying)" by Responder, tells "INVALID_KE_PAYLOAD 0013",
        says Is("pfs-mismatch-at-rekey", Both), heard "pfs-mismatch-at-rekey";
    KeValue { method: "ecp256".into(), problem: "not on the curve".into() }
        in "IKE_SA_INIT" by Responder, tells "INVALID_SYNTAX",
        says Is("vendor-incompatibility", Remote), heard "vendor-incompatibility";
    KeMethod { received: "x25519".into(), wanted: "ecp256".into() }
        in "rekeying the IKE SA" by Responder, tells "INVALID_KE_PAYLOAD 0013",
        says Is("ike-proposal-changed-at-rekey", Both), heard "ike-proposal-changed-at-rekey";
    NoConnection { local: [192, 0, 2, 2].into(), remote: [192, 0, 2, 1].into() }
        in "IKE_SA_INIT" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("no-matching-connection-on-responder", Local),
        heard "no-matching-connection-on-responder";
    PeerIdentity { received: west(), expected: vec![east()] }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("id-mismatch", Remote), heard "id-mismatch";
    OurIdentity { requested: west(), ours: vec![east()] }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("id-mismatch", Local), heard "id-mismatch";
    AuthMethod { received: 2, expected: 14 }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    AuthValue { claimed: west(), method: 2 }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("psk-mismatch", Both), heard "psk-mismatch";
    AuthValue { claimed: west(), method: 14 }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("signature-or-keyusage-rejected", Both), heard "psk-mismatch";
    Signature { claimed: west(), method: 14, problem: "SHA-1 isn't accepted".into() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("signature-or-keyusage-rejected", Both), heard "psk-mismatch";
    NoSignature { identity: east(), makes: vec!["RSA".into()], takes: vec!["Ed25519".into()] }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("signature-or-keyusage-rejected", Both), heard "psk-mismatch";
    NoKey { local: east(), remote: west() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("psk-not-found", Local), heard "psk-not-found";
    Certificate { peer: west(), problem: CertificateProblem::Expired, detail: None }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("cert-expired", Remote), heard "psk-mismatch";
    NoPrivateKey { identity: east() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("private-key-missing", Local), heard "psk-mismatch";
    Ppk { theirs: None, ours: Some("pq".into()), problem: PpkProblem::NotNamed }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Both), heard "psk-mismatch";
    User { method: "XAUTH".into(), user: "anna".into() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("eap-xauth-failure", adit_diagnose::AtFault::Unknown), heard "psk-mismatch";
    NoAddress { problem: AddressProblem::NotFound }
        in "CHILD_SA lan" by Responder, tells "INTERNAL_ADDRESS_FAILURE",
        says MayBe("address-pool-exhausted"), heard "virtual-ip-or-cp-failure";
    NoEspProposal {
        offered: vec![esp("aes128gcm16")],
        configured: vec![esp("aes256gcm16")],
        differs: vec![TransformKind::Encryption],
    }
        in "CHILD_SA lan" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("esp-proposal-mismatch", Both), heard "esp-proposal-mismatch";
    NoEspProposal {
        offered: vec![esp("aes128gcm16-x25519")],
        configured: vec![esp("aes128gcm16")],
        differs: vec![TransformKind::KeyExchange],
    }
        in "CHILD_SA lan (rekeying)" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("pfs-mismatch-at-rekey", Both), heard "pfs-mismatch-at-rekey";
    TrafficSelectors {
        offered_local: nets("10.2.0.0/24"),
        offered_remote: nets("10.9.0.0/24"),
        configured_local: nets("10.2.0.0/24"),
        configured_remote: nets("10.1.0.0/24"),
    }
        in "CHILD_SA lan" by Responder, tells "TS_UNACCEPTABLE",
        says Is("ts-mismatch", Both), heard "ts-mismatch";
    Mode { requested_transport: true }
        in "CHILD_SA lan" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("mode-mismatch", Both), heard "mode-mismatch";
    Addresses {
        from: at("198.51.100.9:4500"),
        to: at("192.0.2.2:4500"),
        problem: "it isn't configured".into(),
    }
        in "the peer's change of addresses" by Responder, tells "UNACCEPTABLE_ADDRESSES",
        says Is("dynamic-ip-changed", Both), heard "dynamic-ip-changed";
    Translated {
        sent: vec![at("10.0.0.1:500"), at("192.0.2.2:500")],
        seen: vec![at("198.51.100.9:500"), at("192.0.2.2:500")],
    }
        in "IKE_AUTH" by Responder, tells "UNEXPECTED_NAT_DETECTED",
        says Is("nat-t-disabled", Both), heard "nat-t-disabled";
    Unsupported { what: Feature::Eap }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    ChildNotFound { spi: 0x1000 }
        in "CHILD_SA lan (rekeying)" by Responder, tells "CHILD_SA_NOT_FOUND",
        says Is("rekey-refused", Both), heard "rekey-refused";
    FollowupNotFound {}
        in "IKE_FOLLOWUP_KE" by Responder, tells "STATE_NOT_FOUND",
        says Is("rekey-refused", Both), heard "rekey-refused";
    AnswerMismatch { problem: "a proposal that wasn't offered".into() }
        in "CHILD_SA lan" by Initiator, tells "-",
        says Is("vendor-incompatibility", Remote), heard "";
    PeerIsHere { peer: west(), from: [192, 0, 2, 1].into(), present: [192, 0, 2, 7].into() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("uniqueness-kicks-peer", Both), heard "uniqueness-kicks-peer";
    HalfOpenLimit { half_open: 1000, limit: 1000 }
        in "IKE_SA_INIT" by Responder, tells "-",
        says Is("half-open-limit", Local), heard "";
    Local { problem: "the token is unplugged".into() }
        in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says MayBe("implementation-bug"), heard "psk-mismatch";
    Local { problem: "a CHILD SA is being deleted".into() }
        in "rekeying the IKE SA" by Responder, tells "TEMPORARY_FAILURE",
        says Is("rekey-refused", Both), heard "rekey-refused";
}

table! { features, every_feature, Feature, |what| Refusal::Unsupported { what };
    Eap {} in "IKE_AUTH" by Initiator, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    FurtherAuthentication {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    Redirect { to: "203.0.113.9".into() } in "IKE_SA_INIT" by Initiator, tells "-",
        says Is("vendor-incompatibility", Both), heard "";
    SessionResumption {} in "IKE_SESSION_RESUME" by Responder, tells "TICKET_NACK",
        says Is("vendor-incompatibility", Both), heard "vendor-incompatibility";
    Ah {} in "CHILD_SA lan" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("esp-proposal-mismatch", Both), heard "esp-proposal-mismatch";
    TransportBehindNat {} in "CHILD_SA lan" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("transport-mode-through-nat", Both), heard "mode-mismatch";
    ManyChildren { limit: 64 } in "CHILD_SA lan" by Responder, tells "NO_ADDITIONAL_SAS",
        says Is("no-additional-sas", Local), heard "no-additional-sas";
    Algorithm { problem: "ENCR_DES is not implemented".into() }
        in "CHILD_SA lan" by Responder, tells "NO_PROPOSAL_CHOSEN",
        says Is("algorithm-not-available", Local), heard "esp-proposal-mismatch";
    Message { name: "IKE_AUTH response".into() }
        in "IKE_AUTH" by Initiator, tells "AUTHENTICATION_FAILED",
        says Is("vendor-incompatibility", Both), heard "psk-mismatch";
}

table! { addresses, every_address_problem, AddressProblem, |problem| Refusal::NoAddress { problem };
    NotFound {} in "CHILD_SA lan" by Responder, tells "INTERNAL_ADDRESS_FAILURE",
        says MayBe("address-pool-exhausted"), heard "virtual-ip-or-cp-failure";
    NoPool { asked: vec![[0, 0, 0, 0].into()] }
        in "CHILD_SA lan" by Responder, tells "INTERNAL_ADDRESS_FAILURE",
        says Is("virtual-ip-or-cp-failure", Both), heard "virtual-ip-or-cp-failure";
    Full { pool: "clients".into(), leased: 254, size: 254 }
        in "CHILD_SA lan" by Responder, tells "INTERNAL_ADDRESS_FAILURE",
        says Is("address-pool-exhausted", Local), heard "virtual-ip-or-cp-failure";
    NotAsked { pools: vec!["clients".into()] }
        in "CHILD_SA lan" by Responder, tells "FAILED_CP_REQUIRED",
        says Is("virtual-ip-or-cp-failure", Both), heard "virtual-ip-or-cp-failure";
    NotGiven { asked: vec![[0, 0, 0, 0].into()] }
        in "CHILD_SA lan" by Initiator, tells "INTERNAL_ADDRESS_FAILURE",
        says Is("virtual-ip-or-cp-failure", Both), heard "virtual-ip-or-cp-failure";
    OtherFamily { asked: vec![[0, 0, 0, 0].into()], given: vec!["fd00::7".parse().unwrap()] }
        in "CHILD_SA lan" by Initiator, tells "INTERNAL_ADDRESS_FAILURE",
        says Is("virtual-ip-or-cp-failure", Remote), heard "virtual-ip-or-cp-failure";
    Unusable { given: "127.0.0.1".into() }
        in "CHILD_SA lan" by Initiator, tells "INTERNAL_ADDRESS_FAILURE",
        says Is("virtual-ip-or-cp-failure", Remote), heard "virtual-ip-or-cp-failure";
}

fn ppk(problem: PpkProblem) -> Refusal {
    Refusal::Ppk {
        theirs: Some("theirs".into()),
        ours: Some("ours".into()),
        problem,
    }
}

table! { ppks, every_ppk_problem, PpkProblem, ppk;
    PeerHasNone {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Both), heard "psk-mismatch";
    NotNamed {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Both), heard "psk-mismatch";
    Unknown {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Both), heard "psk-mismatch";
    NotTaken {} in "IKE_AUTH" by Initiator, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Both), heard "psk-mismatch";
    NoKey {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ppk-required-mismatch", Local), heard "psk-mismatch";
}

fn bare(problem: CertificateProblem) -> Refusal {
    Refusal::Certificate {
        peer: west(),
        problem,
        detail: None,
    }
}

table! { certificates, every_certificate_problem, CertificateProblem, bare;
    Untrusted {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ca-not-trusted", Local), heard "psk-mismatch";
    Expired {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("cert-expired", Remote), heard "psk-mismatch";
    NotYetValid {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("cert-not-yet-valid", Remote), heard "psk-mismatch";
    Revoked {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("cert-revoked", Remote), heard "psk-mismatch";
    StatusUnknown {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("crl-unreachable", Local), heard "psk-mismatch";
    Name {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("cert-san-mismatch", Remote), heard "psk-mismatch";
    Usage {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("signature-or-keyusage-rejected", Both), heard "psk-mismatch";
    Unknown {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("ca-not-trusted", Local), heard "psk-mismatch";
}

/// A side that wants another way of authenticating than the one that comes.
fn method(wanted: AuthKind) -> Refusal {
    let number = |kind| match kind {
        AuthKind::Psk => 2,
        AuthKind::Certificate | AuthKind::PublicKey => 14,
    };
    let received = match wanted {
        AuthKind::Psk => AuthKind::Certificate,
        AuthKind::Certificate | AuthKind::PublicKey => AuthKind::Psk,
    };
    Refusal::AuthMethod {
        received: number(received),
        expected: number(wanted),
    }
}

table! { methods, every_way_of_authenticating, AuthKind, method;
    Psk {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    Certificate {} in "IKE_AUTH" by Initiator, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
    PublicKey {} in "IKE_AUTH" by Responder, tells "AUTHENTICATION_FAILED",
        says Is("auth-method-mismatch", Both), heard "auth-method-mismatch";
}
