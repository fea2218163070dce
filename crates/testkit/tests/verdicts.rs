//! What diagnosis makes of each fault of the demo, in many worlds and in bad weather: from one side's evidence and from
//! both sides'. A wrong confident cause is worse than none.

#![allow(clippy::unwrap_used)]

#[path = "../../sim/tests/common/mod.rs"]
mod common;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_ike::key_holder::{Credentials, Own};
use adit_model::Secret;
use adit_model::connection::{AuthKind, Authentication};
use adit_model::event::Happening;
use adit_model::fact::Side;
use adit_sim::{Block, LinkSettings, Manner, NodeId, Seen, Sites, V1Manner, V1Only};
use common::certificates::{Flaw, certificates};
use common::*;

struct Fault {
    name: &'static str,
    cause: &'static str,
    configure: fn(&mut Setting),
    inject: fn(&mut Sites),
    /// Whether both sides' evidence decides it. Silence stays open among named causes.
    decides: bool,
}

const NOTHING: fn(&mut Sites) = |_| {};
const AS_USUAL: fn(&mut Setting) = |_| {};

const FAULTS: &[Fault] = &[
    Fault {
        name: "psk",
        cause: "psk-mismatch",
        configure: |s| s.east_key = "another key",
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "id",
        cause: "id-mismatch",
        configure: |s| s.east.remote_id = Some("branch.lab".parse().unwrap()),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "proposal",
        cause: "ike-proposal-mismatch",
        configure: |s| s.east.ike = ike("aes256gcm16-prfsha256-x25519"),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "dh",
        cause: "ike-dh-group-mismatch",
        configure: |s| s.east.ike = ike("aes128gcm16-prfsha256-ecp384"),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "esp",
        cause: "esp-proposal-mismatch",
        configure: |s| s.east.children[0].esp = esp("chacha20poly1305"),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "ts",
        cause: "ts-mismatch",
        configure: |s| {
            let other = ["10.9.0.0/24", "fd00:9::/64"].map(|t| t.parse().unwrap());
            s.east.children[0].local_ts = other.to_vec();
        },
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "the peer's certificate has expired",
        cause: "cert-expired",
        configure: |s| certificates(s, Flaw::None, Flaw::Expired, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our certificate has expired",
        cause: "cert-expired",
        configure: |s| certificates(s, Flaw::Expired, Flaw::None, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our certificate's time is to come",
        cause: "cert-not-yet-valid",
        configure: |s| certificates(s, Flaw::NotYetValid, Flaw::None, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our CA isn't trusted",
        cause: "ca-not-trusted",
        configure: |s| certificates(s, Flaw::Untrusted, Flaw::None, true),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our certificate is revoked",
        cause: "cert-revoked",
        configure: |s| certificates(s, Flaw::Revoked, Flaw::None, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our certificate doesn't hold our identity",
        cause: "cert-san-mismatch",
        configure: |s| certificates(s, Flaw::OtherName, Flaw::None, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "our certificate isn't made for this",
        cause: "signature-or-keyusage-rejected",
        configure: |s| certificates(s, Flaw::Usage, Flaw::None, false),
        inject: NOTHING,
        decides: true,
    },
    Fault {
        name: "udp500",
        cause: "udp500-blocked",
        configure: AS_USUAL,
        inject: |s| s.world.block(s.internet, Block::Udp(500), Manner::Silent),
        decides: false,
    },
    Fault {
        name: "udp4500",
        cause: "udp4500-blocked",
        configure: AS_USUAL,
        inject: |s| s.world.block(s.internet, Block::Udp(4500), Manner::Silent),
        decides: false,
    },
    Fault {
        name: "peer-down",
        cause: "peer-unreachable",
        configure: AS_USUAL,
        inject: |s| s.world.set_power(s.east, false),
        decides: false,
    },
    Fault {
        name: "silence",
        cause: "peer-unreachable",
        configure: AS_USUAL,
        inject: |s| {
            s.world
                .block(s.internet, Block::Host(ip(EAST)), Manner::Silent)
        },
        decides: false,
    },
    Fault {
        name: "daemon",
        cause: "daemon-not-running",
        configure: AS_USUAL,
        inject: |s| s.world.kill(s.east),
        decides: false,
    },
    Fault {
        name: "version",
        cause: "ike-version-mismatch",
        configure: AS_USUAL,
        inject: |s| s.world.replace_by_v1_only(s.east, V1Only::default()),
        decides: false,
    },
    Fault {
        name: "version, refused politely",
        cause: "ike-version-mismatch",
        configure: AS_USUAL,
        inject: |s| {
            let manner = V1Manner::NoProposalChosen;
            s.world.replace_by_v1_only(s.east, V1Only { manner });
        },
        decides: false,
    },
];

/// West's verdict alone, and that on both sides' evidence; and the story, for people.
fn verdicts(fault: &Fault, wire: LinkSettings, nat: bool, seed: u64) -> (Verdict, Verdict, String) {
    let mut setting = Setting {
        wire,
        ..Setting::default()
    };
    if !nat {
        setting.nat = None;
        // Without NAT only a gateway that insists on encapsulation uses port 4500 at all.
        setting.west.force_encap = true;
    }
    setting.west.retransmit.tries = 12;
    (fault.configure)(&mut setting);
    let mut sites = setting.build(seed);
    sites.start();
    (fault.inject)(&mut sites);
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    let west = sites.west;
    let over = |h: &Happening| {
        matches!(
            h,
            Happening::GaveUp { .. } | Happening::IkeClosed { .. } | Happening::PeerRefused { .. }
        )
    };
    sites
        .world
        .run_until(secs(120), |world| world.happenings(west).any(over));
    assert_eq!(sites.count(Seen::Clear), 0);
    let probes = sites.world.probe(west, TUNNEL, ip(EAST), ms(2500)).unwrap();
    let case = sites.world.case(west, TUNNEL, &probes);
    let alone = diagnose(&case);
    let both = diagnose(&case.joined_with(sites.world.case(sites.east, TUNNEL, &[])));
    let story = story(&sites.world, &[sites.west, sites.east]);
    (alone, both, format!("{story}\n{probes:?}"))
}

fn check(fault: &Fault, verdict: &Verdict, must_decide: bool, context: &str) {
    match verdict.verdict {
        Answer::Cause => assert_eq!(verdict.cause(), Some(fault.cause), "{context}"),
        Answer::Undecided if !must_decide => {
            assert!(verdict.names(fault.cause), "{context}: {verdict:#?}");
        }
        _ => panic!("{context}: {verdict:#?}"),
    }
}

#[test]
fn each_fault_is_named_and_never_another() {
    for fault in FAULTS {
        for nat in [true, false] {
            let wire = LinkSettings::default();
            let (alone, both, story) = verdicts(fault, wire, nat, 1);
            let context = format!("{}, NAT {nat}", fault.name);
            check(fault, &alone, false, &format!("{context}, alone\n{story}"));
            check(
                fault,
                &both,
                fault.decides,
                &format!("{context}, both\n{story}"),
            );
        }
    }
}

/// Lost, doubled and overtaking packets must not make a confident verdict wrong.
#[test]
fn bad_weather_makes_no_verdict_wrong() {
    for fault in FAULTS {
        for seed in 0..40 {
            let (alone, both, story) = verdicts(fault, LinkSettings::bad(), true, seed);
            for verdict in [alone, both] {
                if verdict.verdict == Answer::Cause {
                    let context = format!("{}, seed {seed}\n{story}\n{verdict:#?}", fault.name);
                    assert_eq!(verdict.cause(), Some(fault.cause), "{context}");
                }
            }
        }
    }
}

#[test]
fn a_tunnel_that_is_up_is_healthy() {
    for seed in 0..20 {
        let wire = if seed % 2 == 0 {
            LinkSettings::default()
        } else {
            LinkSettings::bad()
        };
        let sites = up(
            Setting {
                wire,
                ..Setting::default()
            },
            seed,
        );
        let verdict = diagnose(&sites.case(TUNNEL));
        assert_eq!(
            verdict.verdict,
            Answer::Healthy,
            "seed {seed}: {verdict:#?}"
        );
    }
}

/// West proves itself with a key, east takes certificates alone and has announced so (RFC 9593): who was refused knows why
/// without the other side's log.
#[test]
fn what_the_peer_announced_tells_the_refused_side_why() {
    let mut setting = Setting::default();
    certificates(&mut setting, Flaw::None, Flaw::None, false);
    setting.west.auth = Authentication::PSK;
    if let Some([west, _]) = &mut setting.credentials {
        *west = Credentials::psk(Secret::from(&b"the key of the office tunnel"[..]));
    }
    let (verdict, told) = alone(setting, |sites| sites.west);
    assert_eq!(verdict.cause(), Some("auth-method-mismatch"), "{told}");
    let finding = &verdict.findings[0];
    assert!(
        finding.fix.local.contains("Ed25519") && finding.fix.remote.contains("a pre-shared key"),
        "{finding:#?}"
    );
    let announced: Vec<_> = verdict.announced.iter().map(|a| a.by).collect();
    assert_eq!(announced, [Side::Remote]);
    assert!(
        verdict.announced[0]
            .what
            .methods
            .iter()
            .any(|m| m.method == 14)
    );
    assert!(
        verdict.announced[0]
            .what
            .methods
            .iter()
            .all(|m| m.method != 2)
    );
}

/// The same from the side that answers: the initiator has announced in IKE_AUTH what it takes, and can't believe our proof.
#[test]
fn what_the_initiator_announced_tells_the_responder_why() {
    let mut setting = Setting::default();
    certificates(&mut setting, Flaw::None, Flaw::None, false);
    setting.east.auth.local = AuthKind::Psk;
    if let Some([_, east]) = &mut setting.credentials {
        east.own = Own::Psk(Secret::from(&b"the key of the office tunnel"[..]));
    }
    let (verdict, told) = alone(setting, |sites| sites.east);
    assert_eq!(verdict.cause(), Some("auth-method-mismatch"), "{told}");
    assert!(verdict.findings[0].fix.local.contains("by certificate"));
}

/// What one side knows when west has tried once.
fn alone(setting: Setting, of: impl Fn(&Sites) -> NodeId) -> (Verdict, String) {
    let mut sites = setting.build(1);
    sites.start();
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    assert!(!sites.run_until_up(TUNNEL, secs(30)));
    let case = sites.world.case(of(&sites), TUNNEL, &[]);
    (
        diagnose(&case),
        story(&sites.world, &[sites.west, sites.east]),
    )
}
