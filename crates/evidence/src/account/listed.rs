//! Lists that people make: of steps, of what they tried, of what helps.

use super::{holds, plain};

/// What is told under such a heading helped.
const CURES: &str = "workaround|work around|what helps|what helped|things help|either helps|each of these helps|these help|one of these helps|what fixed|what fixes|what solved|solutions|possible fixes|fixes that work|how i fixed|how we fixed|cures";
const UNSURE: &str = "no workaround|tried|could|might|maybe|should|did not|didnt|does not|doesnt|dont|people|others|mention|forum|previous|last |other |another|elsewhere|someone|somebody|suggest|recommend|general|usual|common|article|blog|no known|not |is there|any workaround|none|looking for|found on|i found|web|internet|google|manual|documentation|known";

/// So long is a heading at most, or what stands before a colon.
const HEADING: usize = 120;

/// The line behind the mark of an item, and whether it has one.
pub(super) fn item(line: &str) -> (&str, bool) {
    let text = line.trim_start();
    let digits = text
        .trim_start_matches('(')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.len() - digits.len();
    if (1..=3).contains(&number)
        && let Some(rest) = digits.strip_prefix(['.', ')'])
        && rest.starts_with(' ')
        && !text.starts_with(['.', ')'])
    {
        return (rest.trim_start(), true);
    }
    let marked = ["- ", "* ", "• "]
        .iter()
        .find_map(|mark| text.strip_prefix(mark));
    match marked {
        Some(rest) => (rest.trim_start(), true),
        None => (line, false),
    }
}

/// What stands behind `Workaround: …`.
pub(super) fn cure(line: &str) -> Option<&str> {
    const MOST: usize = 24;
    let (head, rest) = line
        .split_once(": ")
        .filter(|(head, _)| head.len() <= MOST)?;
    is_cure(head).then(|| rest.trim_start())
}

/// Whether the line is a heading over what helped.
pub(super) fn heads_cures(line: &str) -> bool {
    let line = line.trim_end();
    line.len() <= HEADING && line.ends_with(':') && is_cure(line)
}

fn is_cure(head: &str) -> bool {
    // Most lines have none of them.
    const MARKS: [&str; 5] = ["round", "help", "ix", "olution", "ure"];
    if !MARKS.iter().any(|mark| head.contains(mark)) {
        return false;
    }
    let words = plain(head);
    holds(&words, CURES) && !holds(&words, UNSURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_mark_is_taken_off() {
        for (line, expected) in [
            ("1. Use another cipher", ("Use another cipher", true)),
            ("  2) Take the route away", ("Take the route away", true)),
            ("- Take the route away", ("Take the route away", true)),
            (
                "10.1.0.1 is the gateway",
                ("10.1.0.1 is the gateway", false),
            ),
            ("2026 was better", ("2026 was better", false)),
        ] {
            assert_eq!(item(line), expected, "{line}");
        }
    }

    #[test]
    fn a_heading_says_that_what_follows_helps() {
        assert!(heads_cures("There are two workarounds:"));
        assert!(!heads_cures("Is there any workaround:"));
        assert!(!heads_cures("The error is:"));
        assert_eq!(
            cure("Workaround: take the route away"),
            Some("take the route away")
        );
        assert_eq!(cure("charon: take the route away"), None);
    }
}
