//! Messages that somebody cites in a sentence of their own: "I only get *no matching peer config found* when I try".
//!
//! Only messages that name an error are looked for, and only by words that nobody uses otherwise.

use super::message::{Said, said};

/// How the messages begin that are recognised inside of sentences.
const HEADS: [&str; 25] = [
    "received AUTHENTICATION_FAILED ",
    "received FAILED_CP_REQUIRED ",
    "received INTERNAL_ADDRESS_FAILURE ",
    "received INVALID_HASH_INFORMATION ",
    "received INVALID_ID_INFORMATION ",
    "received NO_ADDITIONAL_SAS ",
    "received NO_PROPOSAL_CHOSEN ",
    "received PAYLOAD_MALFORMED ",
    "received SINGLE_PAIR_REQUIRED ",
    "received TEMPORARY_FAILURE ",
    "received end entity cert ",
    "received TS_UNACCEPTABLE ",
    "received proposals ",
    "calculated HASH does not match HASH payload",
    "constraint requires ",
    "invalid HASH_V1 payload length, decryption failed",
    "invalid ID_V1 payload length, decryption failed",
    "no IKE config found",
    "no acceptable proposal found",
    "no matching peer config found",
    "no matching CHILD_SA config found",
    "no private key found for ",
    "no shared key found for ",
    "no trusted ",
    "traffic selectors ",
];

/// Characters in which a message ends that somebody cites, and places looked at where it may.
const LONGEST: usize = 512;
const MOST_CUTS: usize = 16;

/// What a sentence goes on with after a message.
const ENDS: [&str; 18] = [
    "\"", "`", "\u{201d}", "\u{201c}", "*", "'", ". ", "; ", ", ", "! ", "? ", ") ", " and ",
    " when ", " on ", " in ", " then ", " but ",
];

/// The message of charon in a sentence.
pub(super) fn cited(sentence: &str) -> Option<Said> {
    let at = HEADS.iter().filter_map(|head| find(sentence, head)).min()?;
    let rest = sentence.get(at..)?;
    let whole = rest.trim_end_matches(|c: char| !c.is_alphanumeric());
    said(whole).or_else(|| {
        let rest = rest
            .char_indices()
            .nth(LONGEST)
            .and_then(|(end, _)| rest.get(..end))
            .unwrap_or(rest);
        let mut cuts: Vec<usize> = ENDS
            .iter()
            .flat_map(|end| rest.match_indices(end).map(|(at, _)| at))
            .collect();
        cuts.sort_unstable();
        cuts.into_iter()
            .take(MOST_CUTS)
            .find_map(|cut| said(rest.get(..cut)?.trim_end()))
    })
}

fn find(sentence: &str, head: &str) -> Option<usize> {
    let at = sentence.find(head)?;
    let before = sentence.get(..at)?.chars().next_back();
    (!before.is_some_and(char::is_alphanumeric)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_a_sentence() {
        for sentence in [
            "It says \"no matching peer config found\" and nothing else",
            "The server logs no matching peer config found when my phone connects.",
            "error: `no matching peer config found`",
        ] {
            assert_eq!(cited(sentence), Some(Said::NoPeerConfig), "{sentence}");
        }
        assert!(matches!(
            cited(
                "cannot connect, gives received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built, why?"
            ),
            Some(Said::Told { child: true, .. })
        ));
        let far = format!(
            "we got traffic selectors {} 10.1.0.0/16 === 10.2.0.0/16 inacceptable and then nothing",
            "here, ".repeat(40)
        );
        assert_eq!(cited(&far), None, "only so many cuts are looked at");
        assert_eq!(cited("I received proposals from three vendors"), None);
        assert_eq!(
            cited("the traffic selectors are the same on both sides"),
            None
        );
    }
}
