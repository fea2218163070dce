//! Messages that a person quotes and says of that they aren't what happens now: notes, and what was mended before.

use crate::account::{holds, is_prose, plain};
use crate::text::Line;

/// What is told of another time, is denied, or is read in a manual.
const ANOTHER: &str = "not this time|not the old|last year we had|last month we had|is gone after|are gone after|error is gone|message is gone|error disappeared|message disappeared|error went away|message went away|used to get|used to see|used to say|no longer get|no longer see|no longer says|not my message|not my error|not my case|not our message|not our error|not our case|was the reason|was the cause|see faq|see the faq";

/// What was mended; who says what he sees now, goes on with it.
const MENDED: &str = "that was fixed|was fixed by|was fixed in|got fixed|been fixed|were fixed|fixed that|corrected|is solved|was solved";
const GOES_ON: &str = "but |however|yet |get |gets |getting|receive|fails|see ";

/// A longer line is no sentence.
const LONGEST: usize = 600;

/// It is of now all the same.
const NOW: &str = "since|but now|and now|now |again|still|start|began";

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
    let mended = holds(&told, MENDED) || note && holds(&told, "fixed |solved ");
    let another = holds(&told, ANOTHER) || mended && !holds(&told, GOES_ON);
    another && !holds(&told, NOW)
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
            "Their address is fixed and the log has \"no matching peer config found\".",
            "I do not see why it says \"no shared key found for\".",
            "Has somebody else had \"no shared key found for\"?",
            "Three weeks ago it started to say \"no shared key found for\".",
            "It was fixed last month, and now we get \"no shared key found\" again.",
            "# ipsec up hub",
            "003 \"hub\" #1: no suitable connection for peer '192.0.2.1'",
        ] {
            assert!(!is_of_another_time(&line(body)), "{body}");
        }
        let logged = Line {
            program: Some("charon"),
            ..line("there is no shared key found for 'a' - 'b'")
        };
        assert!(!is_of_another_time(&logged));
    }
}
