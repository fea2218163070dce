//! The same log in the forms in which people paste it leads to the same verdict.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{Product, case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z, after all of the logs.
const NOW: Wall = Wall(1_795_305_600_000);

/// Each fixture with the verdicts of the initiator's log, of the responder's, and of both.
const FIXTURES: [(&str, [&str; 3]); 6] = [
    ("wrong-psk", ["undecided", "psk-mismatch", "psk-mismatch"]),
    (
        "wrong-local-id",
        ["undecided", "id-mismatch", "id-mismatch"],
    ),
    (
        "ike-proposal-mismatch",
        [
            "undecided",
            "ike-proposal-mismatch",
            "ike-proposal-mismatch",
        ],
    ),
    ("ts-mismatch", ["ts-mismatch", "ts-mismatch", "ts-mismatch"]),
    (
        "udp4500-blocked",
        ["udp4500-blocked", "undecided", "udp4500-blocked"],
    ),
    ("ok-ikev2-psk", ["healthy", "healthy", "healthy"]),
];

fn fixture(run: &str, side: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../evidence/tests/fixtures")
        .join(format!("{run}-{side}.log"));
    std::fs::read_to_string(path).unwrap()
}

fn judge(logs: &[(&str, Side)]) -> Verdict {
    let readings = logs
        .iter()
        .map(|(text, side)| read("paste", *side, text.as_bytes(), NOW))
        .collect();
    diagnose(&case(None, readings))
}

fn word(verdict: &Verdict) -> &str {
    match verdict.verdict {
        Answer::Healthy => "healthy",
        Answer::Undecided => "undecided",
        Answer::Cause => verdict.cause().unwrap(),
    }
}

/// Checks all sets of a fixture after `change` was made to each log.
fn all_lead_to_the_same(change: impl Fn(&str) -> String) {
    for (run, want) in FIXTURES {
        let (west, east) = (change(&fixture(run, "west")), change(&fixture(run, "east")));
        let got = [
            judge(&[(&west, Side::Local)]),
            judge(&[(&east, Side::Local)]),
            judge(&[(&west, Side::Local), (&east, Side::Remote)]),
        ];
        for (verdict, want) in got.iter().zip(want) {
            assert_eq!(word(verdict), want, "{run}: {}", verdict.summary);
        }
    }
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|l| change(l) + "\n").collect()
}

/// The line without the time: all fixtures have one of the same width.
fn untimed(line: &str) -> &str {
    line.get(20..).unwrap_or_default()
}

#[test]
fn as_the_daemon_wrote_it() {
    all_lead_to_the_same(ToOwned::to_owned);
}

#[test]
fn through_syslog_and_with_line_breaks_of_windows() {
    all_lead_to_the_same(|text| {
        each_line(text, |l| {
            let time = l.get(..15).unwrap_or_default();
            format!("{time} gw charon[812]: {}\r", untimed(l))
        })
    });
}

#[test]
fn in_a_mail_with_typographic_marks() {
    all_lead_to_the_same(|text| {
        each_line(text, |l| {
            format!("> {}", l.replace('\'', "\u{2019}").replace('"', "\u{201c}"))
        })
    });
}

#[test]
fn without_the_numbers_of_the_ike_sas() {
    all_lead_to_the_same(|text| {
        each_line(text, |l| match (l.find('<'), l.find("> ")) {
            (Some(a), Some(b)) if a < b => format!("{}{}", &l[..a], &l[b + 2..]),
            _ => l.to_owned(),
        })
    });
}

#[test]
fn among_lines_of_others() {
    all_lead_to_the_same(|text| {
        each_line(text, |l| {
            format!(
                "Nov 21 06:00:00 gw sshd[1]: received DELETE for IKE_SA x[1]\n\u{fffd}\0noise [ \n{l}"
            )
        })
    });
}

#[test]
fn pieces_of_any_size_read_the_same() {
    let text = fixture("wrong-psk", "east");
    let whole = read("log", Side::Local, text.as_bytes(), NOW);
    for size in [1, 7, 1000] {
        let mut reader = adit_evidence::Reader::new("log", Side::Local, NOW);
        for piece in text.as_bytes().chunks(size) {
            reader.feed(piece);
        }
        assert_eq!(reader.finish(), whole);
    }
}

#[test]
fn a_cut_log_never_names_a_wrong_cause() {
    for (run, want) in FIXTURES {
        for side in ["west", "east"] {
            let text = fixture(run, side);
            let lines: Vec<&str> = text.lines().collect();
            for cut in 0..=lines.len() {
                for part in [&lines[..cut], &lines[cut..]] {
                    let verdict = judge(&[(&part.join("\n"), Side::Local)]);
                    let got = word(&verdict);
                    // A tunnel whose end was cut off is up, and a failure whose line was cut off isn't known.
                    let open = ["undecided", "healthy"].contains(&got)
                        // Cut before the daemon is stopped, the log ends with the peer's delete.
                        || (got == "peer-deleted-sa" && want.contains(&"healthy"));
                    assert!(
                        open || want.contains(&got),
                        "{run} {side} {cut}: {}",
                        verdict.summary
                    );
                }
            }
        }
    }
}

#[test]
fn every_fact_quotes_its_line_and_no_secret() {
    let text = "Nov 21 06:00:00 09[IKE] <a|1> initiating IKE_SA a[1] to 192.0.2.1\n\
                09[ENC] <a|1> generating IKE_SA_INIT request 0 [ SA KE No ] PSK \"hunter2\"\n\
                192.0.2.1 : PSK \"hunter2\"\n\
                09[IKE] <a|1>   16: 66 6F 72 2D 74 68 65 2D 6C 61 62   hunter2\n\
                09[IKE] <a|1> Sk_ai secret => 32 bytes @ 0x7f7ac4003e50\n";
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    assert_eq!(reading.recognised[0].product, Product::Charon);
    assert_eq!(reading.facts[0].source.line, Some(1));
    assert_eq!(reading.facts[0].subject.as_deref(), Some("a"));
    let json = serde_json::to_string(&reading.facts).unwrap();
    assert!(!json.contains("hunter2"), "{json}");
    assert!(json.contains("[removed]"));
}

#[test]
fn what_is_no_log_of_ours_is_not_recognised() {
    for text in [
        "",
        "hello\n",
        "Nov 21 06:00:00 gw sshd[1]: session opened\n",
        "\0\0\u{1}",
    ] {
        assert_eq!(read("x", Side::Local, text.as_bytes(), NOW).recognised, []);
    }
}
