//! Messages that nothing says happen now: those that a person quotes and says so of, and those in programs' sources, filters
//! of logs, lists of changes and manuals.

use crate::account::{holds, is_prose, plain};
use crate::text::Line;

/// What is told of another time, is denied, or is read in a manual.
const ANOTHER: &str = "not this time|not the old|last year we had|last month we had|is gone after|are gone after|error is gone|message is gone|error disappeared|message disappeared|error went away|message went away|used to get|used to see|used to say|no longer get|no longer see|no longer says|not my message|not my error|not my case|not our message|not our error|not our case|was the reason|was the cause|see faq|see the faq|exam question|question of an exam|quiz";

/// What was mended; who says what he sees now, goes on with it.
const MENDED: &str = "that was fixed|was fixed by|was fixed in|got fixed|been fixed|were fixed|fixed that|corrected|is solved|was solved";
const GOES_ON: &str =
    "but |however|yet |get |gets |getting|receive|fails|see |says|said|shows|log ";

/// A longer line is no sentence.
const LONGEST: usize = 600;

/// It is of now all the same.
const NOW: &str = "since|but now|and now|now |today|again|still|start|began";

/// Whether the line is of a program, a filter, a manual or a list of changes, and tells of nothing that happens.
pub(crate) fn is_no_report(line: &Line<'_>) -> bool {
    let body = line.body.trim();
    line.at.is_none()
        && line.program.is_none()
        && body.len() <= LONGEST
        && (is_source(body)
            || is_advice(body)
            || is_change(body)
            || is_row(body)
            || is_entry(body)
            || is_commit(body)
            || is_of_a_test(body)
            || lists_codes(body)
            || is_of_a_network_card(body))
}

/// Whether it lists numbers of errors with what they mean: who has one error, has no list of them.
fn lists_codes(body: &str) -> bool {
    const LIST: usize = 3;
    let lower = body.to_ascii_lowercase();
    let mut codes: Vec<&str> = lower
        .split("error ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .filter(|code| code.len() >= 3)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes.len() >= LIST
}

/// Whether a server that also guards a wireless network or switches speaks of one of their users.
fn is_of_a_network_card(body: &str) -> bool {
    body.contains("NAS Port-Type: Wireless") || body.contains("NAS Port-Type: Ethernet")
}

/// Whether a person says of the message in the line that it is of another time. A line with a time or a program before it is
/// a log's.
pub(crate) fn is_of_another_time(line: &Line<'_>) -> bool {
    if line.at.is_some() || line.program.is_some() {
        return false;
    }
    let body = line.body.trim();
    if body.len() > LONGEST {
        return false;
    }
    let note = body.strip_prefix(['#', ';', '!']).is_some_and(|note| {
        let words = |w: &&str| w.len() > 1 && w.chars().all(char::is_alphabetic);
        note.starts_with(' ') && note.split_whitespace().filter(words).count() >= 5
    });
    if !note && !is_prose(body, false) && ![" -- ", " -> "].iter().any(|mark| body.contains(mark)) {
        return false;
    }
    let told = plain(body);
    let mended = holds(&told, MENDED)
        || note && holds(&told, "is fixed|fixed in|fixed by|fixed on|solved by");
    let another = holds(&told, ANOTHER) || mended && !holds(&told, GOES_ON);
    another && !holds(&told, NOW)
}

/// Whether it is of a program that can say the message, or of a filter that looks for it.
fn is_source(body: &str) -> bool {
    const CALLS: [&str; 7] = [
        "DBG1(",
        "DBG2(",
        "printf(",
        "loglog(RC_",
        "llog(RC_",
        "plog(",
        "syslog(",
    ];
    let begins = CALLS.iter().any(|call| body.starts_with(call));
    let ends = body.ends_with([';', ',', '{', ')']);
    let call = body.contains('"')
        && (begins || ends && CALLS.iter().any(|call| body.contains(call)) || is_format(body));
    let filter = body.contains('\\') && (body.contains("<HOST>") || body.contains("\\d+"));
    // Several messages, one of which is looked for.
    let either = body.contains('|')
        && ['"', '\'']
            .into_iter()
            .flat_map(|mark| body.split(mark).skip(1).step_by(2))
            .any(|text| text.split('|').filter(|part| part.len() > 5).count() > 2);
    // A branch of a shell's `case`.
    let branch = body.ends_with(";;") && body.contains(')');
    call || filter || branch || either
}

/// Whether a text in quotation marks has a place for a value, as `printf` and its kin have it: `"no key found for '%Y'"`.
fn is_format(body: &str) -> bool {
    body.contains('%')
        && body.split('"').skip(1).step_by(2).any(|text| {
            ["'%", " %"].iter().any(|before| {
                text.split(before).skip(1).any(|rest| {
                    rest.starts_with(['s', 'd', 'u', 'Y', 'N', 'H', 'B', 'R', 'P'])
                        && !rest
                            .get(1..)
                            .is_some_and(|r| r.starts_with(char::is_alphanumeric))
                })
            })
        })
}

/// Whether it is a line of `git log --oneline`: `a1b2c3d4 ikev2: Answer with AUTHENTICATION_FAILED`.
fn is_commit(body: &str) -> bool {
    let Some((hash, rest)) = body.split_once(' ') else {
        return false;
    };
    let of_part = rest
        .split(' ')
        .next()
        .is_some_and(|part| part.len() > 2 && part.ends_with(':'));
    of_part
        && matches!(hash.len(), 7..=12 | 40)
        && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && hash.bytes().any(|b| b.is_ascii_digit())
        && hash.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether it is a row of a document's table that begins with a message: ``| `NO_PROPOSAL_CHOSEN` | none fits | compare |``.
fn is_row(body: &str) -> bool {
    let Some(row) = body.strip_prefix('|').and_then(|b| b.strip_suffix('|')) else {
        return false;
    };
    let first = row.split('|').next().unwrap_or_default().trim();
    row.contains('|') && first.starts_with(['`', '"'])
}

/// Whether it is an entry of a list of the standard's errors: `TS_UNACCEPTABLE (38): none of the selectors fits`.
fn is_entry(body: &str) -> bool {
    let body = body.trim_start_matches(['-', '*', '`', ' ']);
    let capitals = |at: usize| body.as_bytes().get(at).is_some_and(u8::is_ascii_uppercase);
    if !(capitals(0) && capitals(1)) {
        return false;
    }
    let Some((name, rest)) = body.split_once(['(', '=']) else {
        return false;
    };
    let name = name.trim_end_matches(['`', ' ']);
    let number = rest.trim_start();
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let behind = number.get(digits..).unwrap_or_default();
    name.len() > 6
        && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        && digits > 0
        && behind
            .trim_start_matches([')', '`', ' '])
            .starts_with([':', '-', '–', '—', ','])
}

/// Whether it tells how a test of software went; its name says what is tested.
fn is_of_a_test(body: &str) -> bool {
    const RESULTS: [&str; 6] = ["PASSED", "SKIPPED", "XFAIL", "FAILED", "PASS", "ok"];
    let word = |word: &str| body.split_whitespace().any(|w| w == word);
    let pytest = body.contains(".py::") && RESULTS.iter().any(|r| word(r));
    let cargo = body.starts_with("test ")
        && body.rsplit_once(" ... ").is_some_and(|(_, end)| {
            let first = end.split([' ', ',']).next().unwrap_or_default();
            matches!(first, "ok" | "FAILED" | "ignored" | "bench:")
        });
    let go = ["--- PASS:", "--- FAIL:", "--- SKIP:", "=== RUN"]
        .iter()
        .any(|mark| body.starts_with(mark));
    let tap = body
        .strip_prefix("not ")
        .unwrap_or(body)
        .strip_prefix("ok ")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    pytest || cargo || go || tap
}

/// Whether it says what to do about a message: ``- `NO_PROPOSAL_CHOSEN`: align the proposals``.
fn is_advice(body: &str) -> bool {
    const TO_DO: [&str; 21] = [
        "add",
        "align",
        "check",
        "compare",
        "configure",
        "disable",
        "enable",
        "ensure",
        "fix",
        "import",
        "install",
        "load",
        "make",
        "means",
        "open",
        "restart",
        "see",
        "set",
        "stop",
        "update",
        "verify",
    ];
    let item = body.trim_start_matches(['-', '*', '|', '+', ' ']);
    let Some(mark) = item.chars().next().filter(|c| matches!(c, '`' | '"')) else {
        return false;
    };
    let (Some((_, rest)), true) = (
        item.get(1..).unwrap_or_default().split_once(mark),
        item.len() < body.len(),
    ) else {
        return false;
    };
    let rest = rest.trim_start_matches('*').trim_start();
    let Some(rest) = rest.strip_prefix([':', '|', '-', '–', '—', '→', '=']) else {
        return false;
    };
    let first = rest.trim_start_matches(['>', ' ']).split(' ').next();
    first.is_some_and(|first| TO_DO.iter().any(|word| first.eq_ignore_ascii_case(word)))
}

/// Parts of Libreswan and of Openswan, as their lists of changes begin with them: `* pluto: …`.
const PARTS: [&str; 16] = [
    "addconn",
    "auto",
    "barf",
    "building",
    "cryptocheck",
    "FIPS",
    "IKEv1",
    "IKEv2",
    "ipsec",
    "KLIPS",
    "packaging",
    "pluto",
    "SECURITY",
    "testing",
    "whack",
    "X509",
];

/// Whether it is an item of a list of changes.
fn is_change(body: &str) -> bool {
    let Some(item) = body.strip_prefix(['-', '*']) else {
        return false;
    };
    let goes_on = |word: &str| item.to_ascii_lowercase().contains(word);
    if [" log", " still", " tried"].into_iter().any(goes_on) {
        return false;
    }
    let first = item.split_whitespace().next().unwrap_or_default();
    let part = first.strip_suffix(':').is_some_and(|part| {
        body.starts_with("* ") && PARTS.iter().any(|p| part.eq_ignore_ascii_case(p))
    });
    part || [
        "fix", "fixes", "handle", "handles", "avoid", "avoids", "prevent", "prevents",
    ]
    .iter()
    .any(|word| first.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> Line<'_> {
        Line {
            at: None,
            program: None,
            body,
        }
    }

    #[test]
    fn what_is_told_of_another_time_is_not_of_now() {
        for body in [
            "# last year we had \"no shared key found for\", somebody had emptied the file",
            "We used to see \"unable to bind socket: Address already in use\" with the old daemon.",
        ] {
            assert!(is_of_another_time(&line(body)), "{body}");
        }
        for body in [
            "DBG1(DBG_IKE, \"no shared key found for '%Y'[%H] - '%Y'[%H]\", me, my_addr, you, addr);",
            "^.*pluto\\[\\d+\\]: packet from <HOST>:\\d+: initial Main Mode message received",
            "- `no private key found`: import the key.",
            "| \"unable to bind socket: Address already in use\" | Stop the other daemon |",
            "* fix a crash: charon segfault when the peer sends an empty payload",
            "DBG1(DBG_IKE, \"unable to install %s%s%sIPsec SA (SAD) in kernel\", ...",
            "     \"no shared key found for '%Y' - '%Y'\", me, other);",
            "*\"no private key found for\"*) alarm \"key\" ;;",
            "| `no shared key found for` | no secret for the pair | look at ipsec.secrets |",
            "TS_UNACCEPTABLE (38): none of the traffic selectors is acceptable",
            "`NO_PROPOSAL_CHOSEN` = 14, nothing that was proposed is taken",
            "tests/test_auth.py::test_wrong_psk_is_refused PASSED [ 12%]",
            "test auth::a_wrong_psk_is_refused ... ok",
            "test auth::no_shared_key_found ... ignored, needs a kernel",
            "ok 7 - psk mismatch is refused with AUTHENTICATION_FAILED",
            "--- PASS: TestWrongPSK (0.02s)",
            "e5f6a7b8 testing: Expect AUTHENTICATION_FAILED where the wrong PSK is given",
            "* whack: error if \"no private key found\" with --addkey",
            "{job=\"vpn\"} |~ \"no matching peer config found|giving up after|no shared key found\"",
            "journalctl -u ipsec | grep -E 'no private key found|giving up after|mismatched'",
        ] {
            assert!(is_no_report(&line(body)), "{body}");
        }
        for body in [
            "The \"no issuer certificate found\" is gone after we copied the CA.",
            "# rightid=@old was wrong (\"no matching peer config found\"), fixed in March",
            "In a thread it was \"unable to install inbound and outbound IPsec SA\", that is not my message.",
            "unable to bind socket: Address already in use -- another daemon runs, see FAQ",
        ] {
            assert!(is_of_another_time(&line(body)), "{body}");
        }
        for body in [
            "no shared key found for 'a' - 'b'",
            "The log says \"no shared key found for\" since last week.",
            "I corrected the identity but the log says \"no matching peer config found\".",
            "I corrected the identity, the log says \"no matching peer config found\".",
            "# the peer has a fixed address, charon says no shared key found for 'a' - 'b'",
            "The clients used to get an address, today it is \"no virtual IP found\"",
            "- fixes tried: none; log: no shared key found for 'a' - 'b'",
            "Their address is fixed and the log has \"no matching peer config found\".",
            "I do not see why it says \"no shared key found for\".",
            "Has somebody else had \"no shared key found for\"?",
            "Three weeks ago it started to say \"no shared key found for\".",
            "It was fixed last month, and now we get \"no shared key found\" again.",
            "# ipsec up hub",
            "- \"no private key found\": that is all that it says",
            "* received NO_PROPOSAL_CHOSEN notify error",
            "- we see `no shared key found for` on the gateway",
            "003 \"hub\" #1: no suitable connection for peer '192.0.2.1'",
            "| no shared key found for 'a' - 'b'",
            "received TS_UNACCEPTABLE notify, no CHILD_SA built",
            "NO_PROPOSAL_CHOSEN (14) received from the peer",
            "test: no shared key found for 'a' - 'b'",
            "test from 192.0.2.5 ... received NO_PROPOSAL_CHOSEN notify error",
            "the \"hub\" has no shared key found for '%any' - '192.0.2.1'",
        ] {
            assert!(!is_of_another_time(&line(body)), "{body}");
            assert!(!is_no_report(&line(body)), "{body}");
        }
        let logged = Line {
            program: Some("charon"),
            ..line("there is no shared key found for 'a' - 'b'")
        };
        assert!(!is_of_another_time(&logged));
    }
}
