//! The same evidence in another dress leads to the same verdict; with a part of it gone, to the same or to none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/pastes.rs"]
mod pastes;

use pastes::{Paste, all, word};

/// Lines that have nothing to do with IPsec, as they stand between others.
const IRRELEVANT: [&str; 6] = [
    "Nov 21 10:00:03 gw sshd[812]: Accepted publickey for root from 198.51.100.7 port 51234 ssh2",
    "Nov 21 10:00:04 gw CRON[901]: (root) CMD (/usr/lib/sa/sa1 1 1)",
    "Nov 21 10:00:05 gw systemd[1]: Started Daily apt download activities.",
    "",
    "Nov 21 10:00:06 gw dhclient[411]: DHCPACK of 198.51.100.20 from 198.51.100.1",
    "Nov 21 10:00:07 gw named[300]: client 198.51.100.9#5353: query: www.example.org IN A",
];

/// Whether a paste is a log with times: only between such lines those of others may stand.
fn is_log(text: &str) -> bool {
    let timed = |l: &str| {
        l.as_bytes().windows(5).any(
            |w| matches!(w, [a, b, b':', c, d] if [a, b, c, d].iter().all(|x| x.is_ascii_digit())),
        )
    };
    if !text.lines().next().is_some_and(timed) {
        return false;
    }
    let stamped = |l: &&str| {
        [
            "charon", "pluto", "racoon", "kernel", "[IKE]", "[NET]", "\" #",
        ]
        .iter()
        .any(|w| l.contains(w))
    };
    let lines = text.lines().filter(|l| !l.trim().is_empty()).count();
    text.lines().filter(stamped).count() * 3 >= lines * 2
}

fn same(change: impl Fn(&str) -> String) -> Vec<String> {
    all()
        .iter()
        .filter_map(|paste| {
            let verdict = paste.judge(&change);
            let got = word(&verdict);
            (got != paste.verdict).then(|| format!("{}: {got}", paste.name))
        })
        .collect()
}

#[test]
fn line_breaks_of_windows_change_nothing() {
    let wrong = same(|text| text.replace('\n', "\r\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn quotation_marks_of_a_mail_change_nothing() {
    let wrong = same(|text| text.lines().map(|l| format!("> {l}\n")).collect());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn irrelevant_lines_change_nothing() {
    let wrong = same(|text| {
        if !is_log(text) {
            return text.to_owned();
        }
        let noise = IRRELEVANT.iter().cycle();
        text.lines()
            .zip(noise)
            .map(|(line, noise)| format!("{line}\n{noise}\n"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_addresses_change_nothing() {
    // Each address to another of its kind, one to one.
    let wrong = same(|text| {
        text.replace("192.0.2.", "192.51.100.")
            .replace("203.0.113.", "151.101.9.")
            .replace("198.51.100.", "203.0.113.")
            .replace("10.1.", "10.77.")
            .replace("10.2.", "10.88.")
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_third_of_it_leads_to_the_same_or_leaves_it_open() {
    let mut wrong = Vec::new();
    for paste in all() {
        for third in 0..3 {
            let verdict = paste.judge(|text| {
                let lines: Vec<&str> = text.lines().collect();
                let size = lines.len().div_ceil(3);
                let from = (third * size).min(lines.len());
                let to = (from + size).min(lines.len());
                lines[from..to].join("\n")
            });
            let got = word(&verdict);
            // A status that shows a tunnel up is healthy by itself.
            if got != paste.verdict && got != "undecided" && got != "healthy" {
                wrong.push(format!("{} third {third}: {got}", paste.name));
            }
        }
    }
    // What is left of a short text may be the consequence alone, which is then the best that can be said.
    let bound = all().len() * 3 * 7 / 100;
    assert!(
        wrong.len() <= bound,
        "{} of at most {bound}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Two gateways' logs in one file, line by line in turn.
fn interleaved(a: &Paste, b: &Paste) -> String {
    let (mut x, mut y) = (a.pieces[0].2.lines(), b.pieces[0].2.lines());
    let mut out = String::new();
    loop {
        let (one, other) = (x.next(), y.next());
        if one.is_none() && other.is_none() {
            return out;
        }
        for line in [one, other].into_iter().flatten() {
            out.push_str(line);
            out.push('\n');
        }
    }
}

#[test]
fn two_logs_in_one_lead_to_the_verdict_of_either() {
    let logs: Vec<Paste> = all()
        .into_iter()
        .filter(|p| p.pieces.len() == 1 && is_log(&p.pieces[0].2))
        .collect();
    let mut wrong = Vec::new();
    let mut pairs = 0;
    // A step that divides their number would meet a few of them over and over.
    let step = [7, 11, 13]
        .into_iter()
        .find(|n| !logs.len().is_multiple_of(*n));
    let step = step.unwrap_or(1);
    for (at, a) in logs.iter().enumerate() {
        let Some(b) = logs.get((at * step + 3) % logs.len()) else {
            continue;
        };
        pairs += 1;
        let text = interleaved(a, b);
        let both = Paste {
            name: String::new(),
            verdict: String::new(),
            pieces: vec![(a.pieces[0].0, "both.txt".to_owned(), text)],
        };
        let verdict = both.judge(ToOwned::to_owned);
        let got = word(&verdict);
        let may = [
            a.verdict.as_str(),
            b.verdict.as_str(),
            "undecided",
            "healthy",
        ];
        // A daemon that crashed and one that runs read as one that was started again.
        let crashed = [a, b].iter().any(|p| p.verdict == "implementation-bug");
        let again = crashed && got == "service-crash-loop";
        if !may.contains(&got) && !again {
            wrong.push(format!("{} with {}: {got}", a.name, b.name));
        }
    }
    let bound = pairs * 3 / 100;
    assert!(
        wrong.len() <= bound,
        "{} of {pairs}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
