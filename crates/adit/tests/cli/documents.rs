//! Text and JSON are two renderings of one document: a gateway with made-up answers is asked for both.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::Duration;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_gateway::protocol::{Request, Response, SOCKET_NAME};
use adit_model::drops::DropReason;
use adit_model::event::{Asked, Event, Happening, Role};
use adit_model::fact::{Case, Fact, Known, Probe, ProbeOutcome, Side, Source};
use adit_model::now::Now;
use adit_model::probed::Probed;
use adit_model::show::Shown;
use adit_model::status::{
    ChildSaStatus, ChildState, DataPlaneStatus, IkeSa, Latency, LatencyRange, Status, ThreadStatus,
    Tunnel, TunnelState,
};
use adit_model::traced::Traced;
use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, TIMEOUT, USAGE, adit, command, unwrapped};

/// Serves `answers` to every request until the test ends.
fn gateway(dir: &Dir, answers: impl Fn(Request) -> Vec<Response> + Send + 'static) {
    let listener = UnixListener::bind(dir.path().join(SOCKET_NAME)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|octets| octets > 0) {
                for answer in answers(serde_json::from_str(&line).unwrap()) {
                    let mut text = serde_json::to_string(&answer).unwrap();
                    text.push('\n');
                    // A client that has gone doesn't need the rest.
                    let _ = stream.get_mut().write_all(text.as_bytes());
                }
                line.clear();
            }
        }
    });
}

fn child(name: &str, state: ChildState) -> ChildSaStatus {
    let up = state != ChildState::Down;
    let when_up = |text: &str| up.then(|| text.to_owned());
    ChildSaStatus {
        name: name.to_owned(),
        state,
        cause: (!up).then(|| "ts-mismatch".to_owned()),
        mode: "tunnel".to_owned(),
        spi_in: when_up("c1a2b3c4"),
        spi_out: when_up("c5d6e7f8"),
        proposal: when_up("aes128gcm16"),
        encapsulation: when_up("udp"),
        offload: None,
        ts_local: vec!["10.1.0.0/24".to_owned(), "fd00:1::/64".to_owned()],
        ts_remote: vec!["10.2.0.0/24".to_owned()],
        bytes_in: if up { 4096 } else { 0 },
        bytes_out: if up { 1024 * 1024 } else { 0 },
        packets_in: if up { 41 } else { 0 },
        packets_out: if up { 733 } else { 0 },
        last_in: when_up("2026-01-02T03:04:05Z"),
        rekey_at: when_up("2026-01-02T04:01:00Z"),
    }
}

fn tunnel(name: &str, state: TunnelState, children: Vec<ChildSaStatus>) -> Tunnel {
    let ike = matches!(state, TunnelState::Up | TunnelState::Connecting).then(|| IkeSa {
        version: 2,
        role: "initiator".to_owned(),
        local: "192.0.2.1:4500".to_owned(),
        remote: "198.51.100.7:4500".to_owned(),
        local_id: "west.lab".to_owned(),
        remote_id: Some("east.lab".to_owned()),
        proposal: Some("aes128gcm16-prfsha256-x25519".to_owned()),
        spis: ("0011223344556677".to_owned(), "8899aabbccddeeff".to_owned()),
        mobike: false,
        peer_auth_methods: vec![],
        nat: Some("local".to_owned()),
        virtual_ips: vec![],
        dns: vec![],
        established: Some("2026-01-02T03:00:00Z".to_owned()),
        rekey_at: Some("2026-01-02T07:00:00Z".to_owned()),
    });
    let (cause, summary, block) = match state {
        TunnelState::Down => (
            Some("psk-mismatch".to_owned()),
            "the pre-shared keys of the two sides differ",
            Some("nftables".to_owned()),
        ),
        TunnelState::Connecting => (None, "it is being set up", None),
        TunnelState::Up => (
            None,
            "up since 2026-01-02T03:00:00Z",
            Some("nftables".to_owned()),
        ),
        TunnelState::Disabled => (None, "taken down by command", Some("nftables".to_owned())),
    };
    Tunnel {
        name: name.to_owned(),
        state,
        cause,
        summary: summary.to_owned(),
        block,
        policy: "required".to_owned(),
        ahead: vec![],
        clear: None,
        gap: None,
        interface: None,
        monitor: None,
        ike,
        children,
    }
}

fn data_plane() -> DataPlaneStatus {
    let latency = Latency {
        samples: 34,
        p50_ns: 12_287,
        p90_ns: 40_959,
        p99_ns: 81_919,
        longest_ns: 2_621_439,
        histogram: vec![LatencyRange {
            up_to_ns: 12_287,
            samples: 34,
        }],
    };
    let thread = |thread| ThreadStatus {
        thread,
        packets_out: 1204 + u64::from(thread),
        bytes_out: 168_000,
        packets_in: 1190,
        bytes_in: 100_000,
        drops: [(DropReason::OutNoSa, 17)].into(),
    };
    DataPlaneStatus {
        backend: "user".to_owned(),
        reason: "not by the kernel's IPsec, since it has none".to_owned(),
        latency_out: Some(latency),
        latency_in: Some(Latency::default()),
        threads: vec![thread(0), thread(1)],
    }
}

#[test]
fn status_says_the_same_in_both_forms() {
    let dir = Dir::new("status");
    let document = Status {
        schema: Status::SCHEMA.to_owned(),
        pools: vec![],
        data_plane: Some(Box::new(data_plane())),
        tunnels: vec![
            tunnel(
                "lab",
                TunnelState::Down,
                vec![child("net", ChildState::Down)],
            ),
            tunnel(
                "shop",
                TunnelState::Connecting,
                vec![child("till", ChildState::Down)],
            ),
            tunnel(
                "office",
                TunnelState::Up,
                vec![
                    child("lan", ChildState::Up),
                    child("dmz", ChildState::Rekeying),
                ],
            ),
            tunnel("old", TunnelState::Disabled, vec![]),
        ],
    };
    let served = document.clone();
    gateway(&dir, move |_| {
        vec![Response::Status {
            status: served.clone(),
        }]
    });
    let state = dir.at("");
    let json = adit(&["status", "--json", "--state", &state]).ends_with(FINDINGS);
    assert_eq!(json.json::<Status>(), document);

    let text = adit(&["status", "--state", &state]).ends_with(FINDINGS).out;
    let text = unwrapped(&text);
    let mut at = 0;
    for tunnel in &document.tunnels {
        // Broken first in text as in the document.
        at += text[at..].find(&format!("{} ", tunnel.name)).unwrap();
        assert!(text.contains(&tunnel.summary), "{}", tunnel.summary);
    }
    for value in leaves(&serde_json::to_value(&document).unwrap()) {
        assert!(text.contains(&value), "`{value}` isn't in:\n{text}");
    }
    let out = "out 12 µs in the gateway (median of 34 samples; 99 %: 82 µs, longest 2.6 ms)";
    assert!(text.contains(out), "{text}");
    assert!(!text.contains("of 0 samples"), "nothing was timed");
}

/// Every string and every packet count of a status document that a reader of the text must find there too. Octets are
/// rounded in text, and the SPIs of an IKE SA are for scripts.
fn leaves(document: &Value) -> Vec<String> {
    let mut out = Vec::new();
    fn walk(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match key.as_str() {
                        "schema" | "spis" | "bytes_in" | "bytes_out" | "version" | "mode"
                        | "encapsulation" => {}
                        // Rounded in text.
                        key if key.starts_with("latency_") => {}
                        // One word per state; a child's state is told in its line.
                        "state" if value == "rekeying" => out.push("rekeying".to_owned()),
                        _ => walk(value, out),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, out)),
            Value::String(text) => out.push(text.clone()),
            Value::Number(number) if number.as_u64() != Some(0) => out.push(number.to_string()),
            _ => {}
        }
    }
    walk(document, &mut out);
    out
}

/// The document of a topic as docs/json.md has it.
fn documented(topic: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let heading = format!("## `adit.show.{topic}/1`\n");
    let after = text.split_once(&heading).unwrap().1;
    let block = after.split_once("```json\n").unwrap().1;
    serde_json::from_str(block.split_once("\n```").unwrap().0).unwrap()
}

#[test]
fn probe_says_the_same_in_both_forms_and_ends_with_its_findings() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let after = text.split_once("## `adit.probe/1`\n").unwrap().1;
    let block = after.split_once("```json\n").unwrap().1;
    let document: Value = serde_json::from_str(block.split_once("\n```").unwrap().0).unwrap();
    let probed: Box<Probed> = serde_json::from_value(document.clone()).unwrap();
    let dir = Dir::new("probe");
    gateway(&dir, move |request| {
        assert!(matches!(
            request,
            Request::Probe {
                inside: Some(_),
                ..
            }
        ));
        vec![Response::Probed {
            probed: probed.clone(),
        }]
    });
    let state = dir.at("");
    let ask = ["probe", "office", "--inside", "10.2.0.7", "--state", &state];
    let json = adit(&[&ask[..], &["--json"]].concat()).ends_with(FINDINGS);
    assert_eq!(json.json::<Value>(), document);
    let text = unwrapped(&adit(&ask).ends_with(FINDINGS).out);
    let check = &document["checks"][0];
    for value in [&check["summary"], &check["fix"], &check["id"]] {
        assert!(text.contains(value.as_str().unwrap()), "{value}: {text}");
    }
    assert!(text.contains("1 finding; sent nothing in 4 ms"), "{text}");
}

#[test]
fn trace_says_the_same_in_both_forms_and_ends_with_where_packets_stay() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let after = text.split_once("## `adit.trace/1`\n").unwrap().1;
    let block = after.split_once("```json\n").unwrap().1;
    let document: Value = serde_json::from_str(block.split_once("\n```").unwrap().0).unwrap();
    let traced: Box<Traced> = serde_json::from_value(document.clone()).unwrap();
    let dir = Dir::new("trace");
    gateway(&dir, move |request| {
        assert!(matches!(request, Request::Trace { send: true, .. }));
        vec![Response::Traced {
            traced: traced.clone(),
        }]
    });
    let state = dir.at("");
    let ask = ["trace", "10.1.0.1", "10.2.0.2", "--state", &state];
    let json = adit(&[&ask[..], &["--json"]].concat()).ends_with(FINDINGS);
    assert_eq!(json.json::<Value>(), document);
    let text = unwrapped(&adit(&ask).ends_with(FINDINGS).out);
    let stopped = &document["stopped"];
    for value in [
        &stopped["reason"],
        &stopped["fix"],
        &document["hops"][0]["text"],
    ] {
        assert!(text.contains(value.as_str().unwrap()), "{value}: {text}");
    }
    let no_port = adit(&["trace", "10.1.0.1", "10.2.0.2", "tcp", "--state", &state]);
    assert!(no_port.ends_with(USAGE).err.contains("go to a port"));
}

#[test]
fn show_says_the_same_in_both_forms() {
    for topic in ["ike-sa", "ipsec-sa", "policy", "certs", "drops", "log"] {
        let document = documented(topic);
        let shown = serde_json::json!({ "topic": topic, "document": document });
        let shown: Box<Shown> = serde_json::from_value(shown).unwrap();
        let dir = Dir::new("show");
        gateway(&dir, move |request| {
            assert!(matches!(request, Request::Show { .. }));
            vec![Response::Shown {
                shown: shown.clone(),
            }]
        });
        let state = dir.at("");
        let json = adit(&["show", topic, "--json", "--state", &state]).ends_with(DONE);
        assert_eq!(json.json::<Value>(), document);
        let text = adit(&["show", topic, "--state", &state]).ends_with(DONE);
        let flat = unwrapped(&text.out);
        let mut document = document;
        if topic == "log" {
            // The line says it, not its every detail.
            for entry in document["events"].as_array_mut().unwrap() {
                entry.as_object_mut().unwrap().remove("event");
            }
        }
        let hidden = ["layer", "proposal_number", "expiry", "use"];
        for value in told(&document, &hidden) {
            let value = unwrapped(&value);
            assert!(
                flat.contains(&value),
                "{topic}: `{value}` isn't in:\n{}",
                text.out
            );
        }
    }
}

/// The strings and numbers of a document beside those under keys that text says in another way.
fn told(document: &Value, hidden: &[&str]) -> Vec<String> {
    match document {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| {
                !hidden.contains(&key.as_str())
                    && !key.starts_with("bytes_")
                    && !["schema", "encapsulation", "version"].contains(&key.as_str())
            })
            .flat_map(|(_, value)| told(value, hidden))
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| told(item, hidden)).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// A tunnel whose peer refused it, with the probes that were made then; the key is the likeliest cause.
fn refused() -> Case {
    let at = Now::default();
    let event = |number, what| {
        let event = Event {
            at,
            connection: Some("office".to_owned()),
            role: Some(Role::Initiator),
            local: "192.0.2.1:500".parse().ok(),
            remote: "198.51.100.7:500".parse().ok(),
            what,
        };
        Fact::from_event(&event, Side::Local, "west.lab events", number)
    };
    let refusal = Happening::PeerRefused {
        what: "IKE_AUTH".to_owned(),
        notify: 24,
        name: "AUTHENTICATION_FAILED".to_owned(),
        data: String::new(),
        asked: Asked::default(),
    };
    let probe = Probe::Echo {
        to: [198, 51, 100, 7].into(),
        outcome: ProbeOutcome::Answered(3),
    };
    let probed = Fact {
        source: Source {
            name: "probe".to_owned(),
            line: None,
            text: probe.to_string(),
        },
        at: Some(at.wall),
        side: Side::Local,
        subject: Some("office".to_owned()),
        role: None,
        what: Known::Probed { probe },
    };
    Case {
        subject: "office".to_owned(),
        facts: vec![event(7, refusal), probed],
        covered: [(Side::Local, true)].into(),
        ..Case::default()
    }
}

fn serve(dir: &Dir, cases: Vec<Case>) {
    gateway(dir, move |request| {
        if matches!(request, Request::Status { .. }) {
            let tunnels = cases
                .iter()
                .map(|case| tunnel(&case.subject, TunnelState::Down, Vec::new()));
            let status = Status {
                schema: Status::SCHEMA.to_owned(),
                tunnels: tunnels.collect(),
                pools: Vec::new(),
                data_plane: None,
            };
            return vec![Response::Status { status }];
        }
        let answers = cases.iter().map(|case| Response::Case {
            case: Box::new(case.clone()),
        });
        answers.chain([Response::Done]).collect()
    });
}

#[test]
fn why_says_the_same_in_both_forms() {
    let dir = Dir::new("why");
    serve(&dir, vec![refused()]);
    let state = dir.at("");
    let json = adit(&["why", "--json", "--state", &state]).ends_with(FINDINGS);
    let verdict: Verdict = json.json();
    assert_eq!(verdict, diagnose(&refused()));
    assert_eq!(verdict.verdict, Answer::Undecided);

    let text = adit(&["why", "--state", &state]).ends_with(FINDINGS).out;
    let flat = unwrapped(&text);
    let said = |value: &str| {
        let value = unwrapped(value.strip_prefix("office: ").unwrap_or(value));
        assert!(flat.contains(&value), "`{value}` isn't in:\n{text}");
    };
    said(&verdict.summary);
    for possible in &verdict.possible {
        said(&possible.cause);
        said(&possible.because);
        said(&possible.separated_by);
    }
    for evidence in &verdict.evidence {
        said(&evidence.source);
        said(&evidence.text);
    }
    for missing in &verdict.missing {
        said(&missing.evidence);
        for command in missing.collect.lines() {
            assert!(
                text.lines().any(|line| line.trim() == command),
                "{command} isn't a line of its own"
            );
        }
    }
    for not in &verdict.ruled_out {
        said(&not.cause);
    }
    // What the reader has to look up must not cost a screen.
    let ruled_out = text.split_once("Ruled out\n").unwrap().1;
    assert!(ruled_out.lines().take_while(|l| !l.is_empty()).count() <= verdict.ruled_out.len());
}

#[test]
fn an_exported_case_is_read_again_as_the_other_sides() {
    let dir = Dir::new("export");
    serve(&dir, vec![refused()]);
    let state = dir.at("");
    let exported = adit(&["why", "office", "--export", "--state", &state]).ends_with(DONE);
    let document: Value = exported.json();
    assert_eq!(document["schema"], "adit.case/1");
    let case: Case = serde_json::from_value(document["case"].clone()).unwrap();
    assert_eq!(case, refused());

    let file = dir.write("theirs.json", &exported.out);
    let want = diagnose(&refused().joined_with(case));
    let read: Verdict = adit(&["why", "--json", "--remote", &file, "--state", &state])
        .ends_with(FINDINGS)
        .json();
    assert_eq!(read, want);

    let mut piped = command(&["why", "--json", "--remote", "-", "--state", &state])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = piped.stdin.take().unwrap();
    input.write_all(exported.out.as_bytes()).unwrap();
    drop(input);
    let piped = piped.wait_with_output().unwrap();
    let piped: Verdict = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(piped, want);
    let sides: Vec<_> = read.evidence.iter().filter_map(|e| e.side).collect();
    assert!(sides.contains(&Side::Local) && sides.contains(&Side::Remote));
}

#[test]
fn what_is_no_exported_case_is_refused_with_the_command_that_makes_one() {
    let dir = Dir::new("not-a-case");
    serve(&dir, vec![refused()]);
    let state = dir.at("");
    for (name, content) in [
        (
            "verdict.json",
            r#"{ "schema": "adit.why/1", "verdict": "healthy" }"#,
        ),
        ("later.json", r#"{ "schema": "adit.case/2", "case": {} }"#),
        ("empty.json", ""),
    ] {
        let file = dir.write(name, content);
        let ran = adit(&["why", "--remote", &file, "--state", &state]).ends_with(USAGE);
        let ran = ran.only_complains();
        assert!(
            ran.err.contains(name) && ran.err.contains("--export"),
            "{}",
            ran.err
        );
    }
    let absent = dir.at("absent.json");
    adit(&["why", "--remote", &absent, "--state", &state])
        .ends_with(USAGE)
        .only_complains();
}

#[test]
fn with_several_tunnels_the_question_needs_a_name() {
    let dir = Dir::new("several");
    let mut other = refused();
    other.subject = "shop".to_owned();
    serve(&dir, vec![refused(), other]);
    let ran = adit(&["why", "--state", &dir.at("")])
        .ends_with(USAGE)
        .only_complains();
    assert!(
        ran.err.contains("office") && ran.err.contains("shop"),
        "{}",
        ran.err
    );
}

#[test]
fn what_became_of_up_is_told_by_its_exit_code() {
    for (reached, patience, code) in [
        (true, "5", DONE),
        (false, "5", FINDINGS),
        (false, "1", TIMEOUT),
        // Nothing was waited for, so nothing is known yet.
        (false, "0", DONE),
    ] {
        let dir = Dir::new("up");
        let all_the_time = patience == "1";
        gateway(&dir, move |request| {
            let Request::Up { wait_ms, .. } = request else {
                return vec![];
            };
            if all_the_time {
                std::thread::sleep(Duration::from_millis(wait_ms));
            }
            vec![Response::Outcome {
                reached,
                summary: "told by the gateway".to_owned(),
            }]
        });
        let ran = adit(&[
            "up",
            "office",
            "--timeout",
            patience,
            "--state",
            &dir.at(""),
        ]);
        let ran = ran.ends_with(code);
        assert!(ran.out.is_empty() && ran.err.contains("told by the gateway"));
    }
}

#[test]
fn log_is_one_line_for_each_event_and_one_document_a_line() {
    let dir = Dir::new("log");
    let event = |number, what| Response::Event {
        record: Box::new(adit_gateway::events::Record {
            number,
            event: adit_model::event::Event {
                at: adit_model::Now {
                    mono: adit_model::Mono(1),
                    wall: adit_model::Wall(1_790_000_000_250),
                },
                connection: Some("office".to_owned()),
                role: None,
                local: None,
                remote: "192.0.2.2:500".parse().ok(),
                what,
            },
        }),
    };
    gateway(&dir, move |request| {
        assert!(matches!(request, Request::Events { .. }));
        vec![
            event(
                1,
                Happening::IkeClosed {
                    by: adit_model::event::Party::Peer,
                    cause: "two\nlines".to_owned(),
                },
            ),
            event(2, Happening::PeerAlive),
            Response::Done,
        ]
    });
    let state = dir.path().to_str().unwrap();
    for follow in [&[][..], &["-f"]] {
        let ask = |more: &[&str]| {
            let words = [&["log", "office", "--state", state][..], follow, more].concat();
            adit(&words).ends_with(DONE).out
        };
        let text = ask(&[]);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("2026-09-21T14:13:20.250Z office: "), "{text}");
        assert_eq!(ask(&["--all"]).lines().count(), 2);
        let line: Value = serde_json::from_str(&ask(&["--json"])).unwrap();
        assert_eq!(line["schema"], "adit.log/1");
        assert_eq!(line["tunnel"], "office");
        assert_eq!(line["event"], "ike-closed");
        assert_eq!(line["peer"], "192.0.2.2:500");
        assert_eq!(line["number"], 1);
    }
}

#[test]
fn a_gateway_that_does_not_answer_is_a_timeout() {
    let dir = Dir::new("mute");
    gateway(&dir, |_| vec![]);
    adit(&["status", "--json", "--state", &dir.at("")])
        .ends_with(TIMEOUT)
        .only_complains();
}
