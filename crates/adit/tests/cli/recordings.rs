//! What `adit read` and `adit why` make of a gateway's recording, whole and damaged.

use adit_diagnose::{Answer, Verdict};
use adit_evidence::recording::{MAGIC, Record, emit, segment_name};
use adit_model::connection::Connection;
use adit_model::event::{Event, Happening, MessageInfo, Role};
use adit_model::fact::Probe;
use adit_model::reason::Refusal;
use adit_model::{Mono, Now, Wall};
use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit};

fn connections() -> Vec<Connection> {
    let text = r#"
[tunnel.office]
local = "192.0.2.1"
remote = "192.0.2.2"
local_id = "west.lab"
remote_id = "east.lab"
auth = { psk_file = "office.psk" }

[tunnel.office.child.lan]
local_net = ["10.1.0.0/24"]
remote_net = ["10.2.0.0/24"]
"#;
    adit_config::adit::parse("adit.toml", text)
        .0
        .unwrap()
        .connections
}

/// A responder that refuses: one segment.
fn segment() -> Vec<u8> {
    run(1, None)
}

/// The same, of one of a gateway's runs, with what it probed.
fn run(number: u64, probe: Option<Probe>) -> Vec<u8> {
    let at = Now {
        mono: Mono(1),
        wall: Wall(1_790_000_000_000),
    };
    let connections = connections();
    let offered = connections[0].ike.clone();
    let info = |response, payloads: &[&str]| MessageInfo {
        exchange: "IKE_SA_INIT".to_owned(),
        message_id: 0,
        response,
        payloads: payloads.iter().map(|p| (*p).to_owned()).collect(),
        octets: 300,
    };
    let happenings = [
        Happening::Received(info(false, &["SA", "KE", "Nonce"])),
        Happening::Refused {
            what: "IKE_SA_INIT".to_owned(),
            refusal: Refusal::NoIkeProposal {
                offered: vec![
                    adit_model::proposal::Proposal::parse(
                        "aes256-sha1-modp1024",
                        adit_model::proposal::SaKind::Ike,
                    )
                    .unwrap(),
                ],
                configured: offered,
                differs: vec![],
            },
            notify: Some("NO_PROPOSAL_CHOSEN".to_owned()),
        },
        Happening::Sent(info(true, &["N(NO_PROPOSAL_CHOSEN)"])),
    ];
    let mut records = vec![
        Record::Began {
            at,
            run: number,
            version: "0.1.0".to_owned(),
        },
        Record::Configured { at, connections },
    ];
    records.extend((1..).zip(happenings).map(|(number, what)| Record::Event {
        number,
        event: Box::new(Event {
            at,
            connection: None,
            role: Some(Role::Responder),
            local: "192.0.2.1:500".parse().ok(),
            remote: "192.0.2.2:500".parse().ok(),
            what,
        }),
    }));
    records.extend(probe.map(|probe| Record::Probed {
        at,
        tunnel: "office".to_owned(),
        probes: vec![probe],
    }));
    records.push(Record::Ended { at });
    let mut out = MAGIC.to_vec();
    records
        .iter()
        .for_each(|record| assert!(emit(record, &mut out)));
    out
}

#[test]
fn a_recording_is_read_and_judged_also_when_it_is_torn() {
    let dir = Dir::new("recording");
    let flight = dir.at("flight");
    std::fs::create_dir(&flight).unwrap();
    let file = format!("{flight}/{}", segment_name(1));
    let whole = segment();
    for (torn, damage) in [(0, 0), (5, 1)] {
        std::fs::write(&file, &whole[..whole.len() - torn]).unwrap();
        for what in [&flight, &file] {
            let verdict: Verdict = adit(&["why", what, "--json"]).ends_with(FINDINGS).json();
            assert_eq!(verdict.verdict, Answer::Cause);
            assert_eq!(verdict.cause(), Some("ike-proposal-mismatch"));
            let read: Value = adit(&["read", what, "--json"]).ends_with(DONE).json();
            assert_eq!(read["schema"], "adit.read/1");
            let run = &read["recording"]["runs"][0];
            assert_eq!(run["tunnels"][0], "office");
            assert_eq!(run["ended"], torn == 0);
            assert_eq!(run["events"].as_array().unwrap().len(), 3);
            let segment = &read["recording"]["segments"][0];
            assert_eq!(segment["damage"].as_array().unwrap().len(), damage);
        }
        let text = adit(&["read", &flight, "--tunnel", "office"])
            .ends_with(DONE)
            .out;
        assert!(text.contains("refused IKE_SA_INIT"), "{text}");
        assert_eq!(text.contains("incomplete"), torn > 0, "{text}");
    }
    adit(&["why", &flight, "--tunnel", "ofice"]).ends_with(USAGE);
    adit(&["read", &flight, "--tunnel", "ofice"]).ends_with(USAGE);
}

/// Yesterday's route says nothing about today's attempt.
#[test]
fn probes_belong_to_the_run_that_made_them() {
    let dir = Dir::new("recording-probes");
    let flight = dir.at("flight");
    std::fs::create_dir(&flight).unwrap();
    let gone = || {
        Some(Probe::Route {
            to: [192, 0, 2, 2].into(),
            exists: false,
        })
    };
    for (first, second, told) in [(gone(), None, false), (None, gone(), true)] {
        for (number, probe) in [(1, first), (2, second)] {
            std::fs::write(
                format!("{flight}/{}", segment_name(number)),
                run(number, probe),
            )
            .unwrap();
        }
        let case = adit(&["why", &flight, "--export"]).ends_with(DONE).out;
        assert_eq!(
            case.contains("there is no route to 192.0.2.2"),
            told,
            "{case}"
        );
    }
}

#[test]
fn a_capture_is_written_for_its_owner_and_with_keys_only_where_there_are_any() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("recording-export");
    let file = dir.at("one.rec");
    std::fs::write(&file, segment()).unwrap();
    let capture = dir.at("out.pcapng");
    adit(&["read", &file, "--export-pcapng", &capture]).ends_with(DONE);
    let mode = std::fs::metadata(&capture).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    adit(&["read", &capture]).ends_with(DONE);
    // Nothing that is there is written over.
    adit(&["read", &file, "--export-pcapng", &capture]).ends_with(USAGE);
    let keyed = dir.at("keyed.pcapng");
    let ran = adit(&["read", &file, "--export-pcapng", &keyed, "--with-keys"]).ends_with(USAGE);
    assert!(ran.err.contains("record_keys = true"), "{}", ran.err);
    assert!(!std::path::Path::new(&keyed).exists());
    // Keys aren't recorded by tunnel.
    let one = [
        "read",
        &file,
        "--tunnel",
        "office",
        "--export-pcapng",
        &keyed,
        "--with-keys",
    ];
    let ran = adit(&one).ends_with(USAGE);
    assert!(ran.err.contains("without --tunnel"), "{}", ran.err);
    adit(&["read", &capture, "--export-pcapng", &keyed]).ends_with(USAGE);
}

#[test]
fn a_folder_without_a_recording_is_said_to_be_one() {
    let dir = Dir::new("recording-none");
    let ran = adit(&["read", dir.path().to_str().unwrap()]).ends_with(USAGE);
    assert!(ran.err.contains("without a recording"), "{}", ran.err);
}
