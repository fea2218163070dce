//! The flight recorder of running gateways: what it has, what the next gateway makes of it, what somebody who reads it
//! sees.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::capture::{self, Dissector, Keys};
use adit_evidence::recording::{Contents, Record, Recording, segment_number};
use adit_ike::key_holder::Credentials;
use adit_model::Secret;
use adit_model::connection::{Connection, Remote};
use adit_model::event::{Event, Happening};
use adit_model::reason::Refusal;
use adit_model::status::TunnelState;
use adit_sim::{GatewaySetup, Lan, LinkSettings, Plan, Site};
use pair::{At, Pair, Running, eventually};

fn flight(pair: &Pair, at: At) -> PathBuf {
    pair.dir.join(format!("{at:?}-state/flight"))
}

fn segments(pair: &Pair, at: At) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(flight(pair, at))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| segment_number(path.file_name().unwrap().to_str().unwrap()).is_some())
        .collect();
    all.sort();
    all
}

fn recording(pair: &Pair, at: At) -> Recording {
    let mut recording = Recording::default();
    for path in segments(pair, at) {
        recording.add(&path.display().to_string(), &std::fs::read(path).unwrap());
    }
    recording
}

fn tunnels(pair: &Pair, at: At, key: &str) -> Vec<String> {
    vec![pair.tunnel(at, "office", 0).replace("office.psk", key)]
}

/// Both sides have a key of their own.
fn quarrel(name: &str) -> Pair {
    let pair = Pair::new(name);
    pair.write_key("other.psk", "another key for the test\n");
    pair.configure(At::West, &tunnels(&pair, At::West, "office.psk"));
    pair.configure(At::East, &tunnels(&pair, At::East, "other.psk"));
    pair
}

fn why(running: &mut Running) -> Verdict {
    let cases = running.client.cases(Some("office"), false).unwrap();
    diagnose(&cases[0])
}

fn cause(verdict: &Verdict) -> Option<&str> {
    verdict.findings.first().map(|f| f.cause.as_str())
}

#[test]
fn a_tunnel_that_failed_before_a_restart_is_explained_after_it() {
    let pair = quarrel("restart");
    let (west, mut east) = pair.start_both();
    eventually(|| (cause(&why(&mut east)) == Some("psk-mismatch")).then_some(())).unwrap();
    let before = why(&mut east);
    west.end();
    east.end();

    // Nobody tries again: what is known is what was recorded.
    let mut east = pair.start(At::East);
    let after = eventually(|| Some(why(&mut east)).filter(|v| v.verdict == Answer::Cause)).unwrap();
    assert_eq!(cause(&after), cause(&before));
    assert_eq!(after.findings[0].side, before.findings[0].side);
    let quoted = &after.findings[0].evidence[0];
    assert!(quoted.source.contains("recording"), "{quoted:?}");
    east.end();

    // What is configured otherwise now isn't judged by what was then.
    pair.configure(At::East, &tunnels(&pair, At::East, "other.psk"));
    let text = std::fs::read_to_string(pair.file(At::East)).unwrap();
    std::fs::write(
        pair.file(At::East),
        text.replace("gw1.office", "gw9.office"),
    )
    .unwrap();
    let mut east = pair.start(At::East);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(why(&mut east).verdict, Answer::Undecided);
    east.end();
}

/// `adit why DIR` and `adit read DIR` rest on this.
#[test]
fn a_recording_is_judged_as_the_gateway_was_and_shows_what_was_inside() {
    let pair = quarrel("judged");
    let (mut west, mut east) = pair.start_both();
    eventually(|| (cause(&why(&mut east)) == Some("psk-mismatch")).then_some(())).unwrap();
    let (live_west, live_east) = (why(&mut west), why(&mut east));
    west.end();
    east.end();
    let (west, east) = (recording(&pair, At::West), recording(&pair, At::East));
    for (live, recorded) in [(&live_west, &west), (&live_east, &east)] {
        assert!(recorded.runs[0].ended && recorded.damaged() == 0);
        let verdict = diagnose(&recorded.case(Some("office")).unwrap());
        assert_eq!(verdict.verdict, live.verdict);
        assert_eq!(cause(&verdict), cause(live));
        let remain = |v: &Verdict| {
            v.possible
                .iter()
                .map(|p| p.cause.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(remain(&verdict), remain(live));
    }
    // Both recordings together know more than the west's.
    let both = west
        .case(None)
        .unwrap()
        .joined_with(east.case(None).unwrap());
    assert_eq!(cause(&diagnose(&both)), Some("psk-mismatch"));

    let ladder = west.ladder(Some("office"));
    let auth = ladder.conversations[0]
        .messages
        .iter()
        .find(|m| m.exchange == "IKE_AUTH" && m.response == Some(true))
        .unwrap();
    assert!(auth.encrypted && auth.error().unwrap().name == "AUTHENTICATION_FAILED");
    let asked = ladder.conversations[0]
        .messages
        .iter()
        .find(|m| m.exchange == "IKE_AUTH" && m.response == Some(false))
        .unwrap();
    let inside = asked.inside.as_ref().unwrap();
    assert!(
        inside
            .details
            .iter()
            .any(|d| d.contains("gw1.office.example")),
        "{inside:?}"
    );
    // For other tools: the same messages in clear.
    let (file, packets) = west.pcapng(Contents::Plain);
    let read = capture::read(&file).unwrap();
    assert_eq!((read.packets, read.messages()), (packets as u64, packets));
    assert_eq!(read.unread.iter().count(), 0);
}

#[test]
fn a_recording_holds_no_key_unless_it_was_asked_to() {
    for keys in [false, true] {
        let pair = Pair::new(&format!("keys-{keys}"));
        pair.configure(At::West, &tunnels(&pair, At::West, "office.psk"));
        pair.configure(At::East, &tunnels(&pair, At::East, "office.psk"));
        if keys {
            let text = std::fs::read_to_string(pair.file(At::West)).unwrap();
            let text = text.replace("[gateway]\n", "[gateway]\nrecord_keys = true\n");
            std::fs::write(pair.file(At::West), text).unwrap();
        }
        let (mut west, east) = pair.start_both();
        west.wait_for("office", TunnelState::Up);
        west.end();
        east.end();
        for at in [At::West, At::East] {
            let psk = b"a key for the test";
            let hex: String = psk.iter().map(|o| format!("{o:02x}")).collect();
            for path in segments(&pair, at) {
                let octets = std::fs::read(path).unwrap();
                let has = |word: &[u8]| octets.windows(word.len()).any(|w| w == word);
                assert!(!has(psk) && !has(hex.as_bytes()));
                assert_eq!(has(b"\"record\":\"keys\""), keys && at == At::West);
                assert_eq!(has(b"\"record\":\"datagram\""), keys && at == At::West);
            }
        }
        let west = recording(&pair, At::West);
        let (file, packets) = west.pcapng(Contents::Wire);
        if !keys {
            assert!(west.keys().is_empty() && packets == 0);
            continue;
        }
        // What was on the wire opens with the keys, to what was recorded in clear.
        let table = Keys::read(&west.keys().join("\n"));
        assert!(table.problems().is_empty() && table.count().0 >= 1);
        let mut dissector = Dissector::new().with_keys(table);
        dissector.feed(&file).unwrap();
        let opened = dissector.finish().unwrap();
        let ladder = west.ladder(None);
        let inside = |c: &capture::Capture| -> Vec<_> {
            let messages = c.conversations.iter().flat_map(|c| &c.messages);
            messages
                .filter_map(|m| m.inside.clone().map(|i| (m.exchange.clone(), i)))
                .collect()
        };
        assert_eq!(inside(&opened), inside(&ladder));
        assert!(inside(&opened).len() >= 2);
    }
}

#[test]
fn a_gateway_that_cannot_record_runs_all_the_same() {
    let pair = Pair::new("unwritable");
    pair.configure(At::West, &tunnels(&pair, At::West, "office.psk"));
    pair.configure(At::East, &tunnels(&pair, At::East, "office.psk"));
    let text = std::fs::read_to_string(pair.file(At::West)).unwrap();
    let text = text.replace("[gateway]\n", "[gateway]\nrecord_dir = \"/proc/nowhere\"\n");
    std::fs::write(pair.file(At::West), text).unwrap();
    let text = std::fs::read_to_string(pair.file(At::East)).unwrap();
    let text = text.replace("[gateway]\n", "[gateway]\nrecord = false\n");
    std::fs::write(pair.file(At::East), text).unwrap();
    let (mut west, east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);
    west.end();
    east.end();
    assert!(!flight(&pair, At::East).exists());
}

#[test]
fn what_is_reloaded_is_recorded() {
    let pair = Pair::new("reloaded");
    pair.configure(At::West, &tunnels(&pair, At::West, "office.psk"));
    let mut west = pair.start(At::West);
    let more = [
        tunnels(&pair, At::West, "office.psk"),
        vec![pair.tunnel(At::West, "branch", 7)],
    ];
    pair.configure(At::West, &more.concat());
    west.client.reload(false).unwrap();
    west.end();
    let recorded = recording(&pair, At::West);
    let names: Vec<_> = recorded
        .configured()
        .unwrap()
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["branch", "office"]);
    let begun = recorded.runs[0].events();
    assert!(
        begun
            .into_iter()
            .any(|(_, e)| matches!(e.what, Happening::Initiating { .. }))
    );
}

/// A recorded run of real gateways happens again in the virtual world: the configurations are the recorded ones, the
/// exchanges are the same payload by payload, what is refused and why is the same, and so is the verdict of either side.
///
/// Not the same are octets: real key exchanges draw their own randomness, and keys aren't recorded. Whether the two
/// sides' pre-shared keys agree is what the recording says of it.
#[test]
fn a_recorded_run_happens_again_in_the_virtual_world() {
    type Break = fn(At, String) -> String;
    let faults: &[(&str, Break)] = &[
        ("psk-mismatch", |at, text| match at {
            At::West => text,
            At::East => text.replace("office.psk", "other.psk"),
        }),
        ("ike-proposal-mismatch", |at, text| match at {
            At::West => text,
            At::East => text.replace(
                "aes128gcm16-prfsha256-x25519",
                "aes256gcm16-prfsha384-ecp384",
            ),
        }),
        ("ts-mismatch", |at, text| match at {
            At::West => text,
            At::East => text.replace(
                "remote_net = [\"10.1.0.0/24\"]",
                "remote_net = [\"10.9.0.0/24\"]",
            ),
        }),
        ("healthy", |_, text| text),
    ];
    for (fault, change) in faults {
        let pair = Pair::new(&format!("again-{fault}"));
        pair.write_key("other.psk", "another key for the test\n");
        for at in [At::West, At::East] {
            pair.configure(at, &[change(at, pair.tunnel(at, "office", 0))]);
        }
        let (mut west, mut east) = pair.start_both();
        let done = |v: &Verdict| v.verdict != Answer::Undecided;
        eventually(|| done(&why(&mut east)).then_some(())).unwrap();
        let over = |what: &Happening| {
            matches!(
                what,
                Happening::PeerRefused { .. } | Happening::ChildEstablished { .. }
            )
        };
        eventually(|| {
            let events = west.client.events(Some("office")).unwrap();
            events.iter().any(|r| over(&r.event.what)).then_some(())
        })
        .unwrap();
        west.end();
        east.end();
        let recorded = [recording(&pair, At::West), recording(&pair, At::East)];
        let again = restaged(&recorded);
        for side in [0, 1] {
            let real = first_attempt(recorded[side].runs[0].events().map(|(_, e)| e));
            let virtual_ = first_attempt(again[side].0.iter());
            assert_eq!(real, virtual_, "{fault}, side {side}");
            let live = diagnose(&recorded[side].case(Some("office")).unwrap());
            // What was taken down in the end isn't healthy any more.
            if *fault != "healthy" {
                assert_eq!(cause(&live), cause(&again[side].1), "{fault}, side {side}");
                assert_eq!(live.verdict, again[side].1.verdict, "{fault}, side {side}");
            }
        }
        let east = cause(&again[1].1).unwrap_or("healthy").to_owned();
        assert!(
            east == *fault || *fault == "ts-mismatch" && east.contains("ts"),
            "{east}"
        );
    }
}

/// Messages and refusals up to where the first attempt ends, as a person tells them.
fn first_attempt<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<String> {
    let mut out = Vec::new();
    for event in events {
        match &event.what {
            Happening::Sent(m) | Happening::Received(m) if m.exchange.starts_with("IKE_") => {
                let arrow = if matches!(event.what, Happening::Sent(_)) {
                    "-->"
                } else {
                    "<--"
                };
                out.push(format!("{arrow} {m}"));
            }
            Happening::Refused {
                what,
                refusal,
                notify,
            } => {
                out.push(format!("refused {what}: {refusal:?} {notify:?}"));
                break;
            }
            Happening::PeerRefused { what, name, .. } => {
                out.push(format!("the peer refused {what}: {name}"));
                break;
            }
            Happening::ChildEstablished {
                suite,
                ts_local,
                ts_remote,
                ..
            } => {
                out.push(format!("up: {suite} {ts_local:?} {ts_remote:?}"));
                break;
            }
            _ => {}
        }
    }
    assert!(!out.is_empty());
    // How often an answer was repeated is a matter of time.
    out.dedup();
    out
}

/// What happens in the virtual world between two gateways that are configured as recorded: events and verdict of both.
fn restaged(recorded: &[Recording; 2]) -> [(Vec<Event>, Verdict); 2] {
    let refused_by_key = |recording: &Recording| {
        recording.entries().any(|entry| match &entry.record {
            Record::Event { event, .. } => matches!(
                &event.what,
                Happening::Refused {
                    refusal: Refusal::AuthValue { .. },
                    ..
                }
            ),
            _ => false,
        })
    };
    let keys_differ = recorded.iter().any(refused_by_key);
    let (west_ip, east_ip) = ("198.51.100.1", "198.51.100.2");
    let site = |side: usize, name: &str, outside: &str, peer: &str, net: &str| {
        let as_recorded = &recorded[side].configured().unwrap()[0];
        // The real ones met on one host, by ports.
        let connection = Connection {
            local: None,
            remote: Remote::Address(peer.parse().unwrap()),
            remote_port: 500,
            ..as_recorded.clone()
        };
        let key: &[u8] = if keys_differ && side == 1 {
            b"another"
        } else {
            b"one"
        };
        Site {
            name: name.to_owned(),
            setup: GatewaySetup {
                keys: [(connection.name.clone(), Credentials::psk(Secret::from(key)))].into(),
                connections: vec![Arc::new(connection)],
                ..GatewaySetup::default()
            },
            outside: vec![outside.parse().unwrap()],
            lans: vec![Lan {
                net: format!("{net}.0/24").parse().unwrap(),
                gateway: format!("{net}.1").parse().unwrap(),
                host: format!("{net}.2").parse().unwrap(),
            }],
        }
    };
    let mut sites = Plan {
        west: site(0, "west", west_ip, east_ip, "10.1.0"),
        east: site(1, "east", east_ip, west_ip, "10.2.0"),
        nat: None,
        wire: LinkSettings::default(),
    }
    .build(1);
    sites.start();
    sites.world.run_for(Duration::from_secs(3));
    let (west, east) = (sites.west, sites.east);
    [west, east].map(|gateway| {
        let verdict = diagnose(&sites.world.case(gateway, "office", &[]));
        (sites.world.events(gateway).to_vec(), verdict)
    })
}

/// `kill -9`: what had happened is on disk, and the next gateway explains it.
#[test]
fn what_a_killed_gateway_knew_is_not_lost() {
    if !world::permitted("the recording of a killed gateway") {
        return;
    }
    let world = world::World::new("killed-recording");
    world.configure(world::At::West, "one key for the test\n");
    world.configure(world::At::East, "another key for the test\n");
    let mut east = world.start(world::At::East);
    east.client();
    let mut west = world.start(world::At::West);
    let judged = |client: &mut adit_gateway::client::Client| {
        diagnose(&client.cases(Some("office"), false).unwrap()[0])
    };
    let refuses = world::eventually(Duration::from_secs(10), || {
        (cause(&judged(&mut east.client())) == Some("psk-mismatch")).then_some(())
    });
    assert!(refuses.is_some(), "{}", east.log());
    west.client();
    west.kill();
    east.kill();
    let folder = world.dir(world::At::East).join("state/flight");
    let mut recording = Recording::default();
    recording.add(
        "1",
        &std::fs::read(folder.join("flight-00000001.rec")).unwrap(),
    );
    assert!(!recording.runs[0].ended);
    let verdict = diagnose(&recording.case(Some("office")).unwrap());
    assert_eq!(cause(&verdict), Some("psk-mismatch"));

    let mut again = world.start(world::At::East);
    let explained = world::eventually(Duration::from_secs(10), || {
        (cause(&judged(&mut again.client())) == Some("psk-mismatch")).then_some(())
    });
    assert!(explained.is_some(), "{}", again.log());
}
