//! Who went back to an older version, with which it works: the same attempt with both versions.
//!
//! That an older version *worked* is only memory, and much else may have changed since. That it works *again* after going
//! back, with what is configured as it is, is a trial. What was taken back has to be named as a version or a program: rules,
//! certificates and changes are rolled back as well.

use super::holds;
use super::ours::is_ours;

/// What was done, and to what: a version is a number with a dot in it, which stands as several here.
const WENT_BACK: &[&str] = &[
    "downgrad",
    "rolled back",
    "rolling back",
    "roll back to",
    "reverted to",
    "reverting to",
    "went back to",
    "going back to",
    "back to version",
    "install back",
    "installed back",
    "installing back",
    "reinstalled version",
    "reinstalled #",
];
/// What came of it.
const HELPED: &str = "solves|solved|fixes|fixed|resolves|resolved|works|work again|worked again|work fine|worked fine|can connect|could connect|connects|connected again|comes up|came up|come up|is up again|goes away|went away|is gone|disappears|disappeared|did the trick";
/// It didn't, it isn't known, it is advice, somebody else did it, or it is no program that was taken back.
const NOT: &str = "not work|doesnt|does not|didnt|did not|dont |do not |not help|no effect|no difference|no change|still|whether|should|would|could be|might|maybe|perhaps|want to|how to|how can|how do i|is it possible|possible to|can i |cannot|cant |unable|same problem|same error|same issue|not possible|not able|recommend|suggest|try to |please|config|psk|pre shared|preshared|shared key|certificate|key |license|openvpn|wireguard|wifi|wi fi|graphics|driver|in vain|until |sha|md5|des |3des|aes|dh group|modp|group |ikev|ike v|tls|ssl|smb|mtu|mss|rule|policy|policies|dns|nat |route|subnet|selector|sysctl|snapshot|backup|image of|other side|their side|its side|web interface|gui|throughput|mbit|gbit|speed|faster|slower|last year|years ago|forum|somebody|someone|the provider";
/// What only says that nothing else was changed.
const SAME: &[&str] = &[
    "same config",
    "same configuration",
    "same configs",
    "identical config",
    "identical configuration",
    "unchanged config",
    "unchanged configuration",
    "config unchanged",
    "configuration unchanged",
    "same swanctl conf",
    "same ipsec conf",
];
/// In how many octets what was gone back to stands behind it.
const NEAR: usize = 48;

/// Whether the sentence tells it.
pub(super) fn went_back(sentence: &str, asks: bool) -> bool {
    let to_a_version = || {
        WENT_BACK
            .iter()
            .flat_map(|words| super::places(sentence, words))
            .any(|(at, _)| {
                let mut end = (at + NEAR).min(sentence.len());
                while !sentence.is_char_boundary(end) {
                    end -= 1;
                }
                sentence.get(at..end).is_some_and(names_a_version)
            })
    };
    if asks || !holds(sentence, HELPED) || !to_a_version() {
        return false;
    }
    let without_same = SAME
        .iter()
        .fold(sentence.to_owned(), |text, same| text.replace(same, ""));
    !holds(&without_same, NOT) && is_ours(&without_same)
}

/// Whether the sentence says that another version, which it names by its program, doesn't have the problem that is told.
pub(super) fn is_of_one_version(sentence: &str, asks: bool) -> bool {
    const PROGRAMS: [&str; 7] = [
        "strongswan #",
        "libreswan #",
        "openswan #",
        "charon #",
        "openiked #",
        "racoon #",
        "ipsec tools #",
    ];
    const LACKS: [&str; 6] = [
        "does not have this problem",
        "doesnt have this problem",
        "does not have this issue",
        "doesnt have this issue",
        "does not have this bug",
        "doesnt have this bug",
    ];
    // What a new version no longer takes is refused, and no defect.
    const OTHERWISE: &str = "whether|should|would|might|maybe|perhaps|if |dropped|removed|deprecat|default|client|router|phone|windows|driver|kernel";
    !asks
        && LACKS.iter().any(|lacks| {
            super::places(sentence, lacks).any(|(at, _)| {
                let mut begin = at.saturating_sub(NEAR);
                while !sentence.is_char_boundary(begin) {
                    begin += 1;
                }
                let before = sentence.get(begin..at).unwrap_or_default();
                PROGRAMS.iter().any(|program| before.contains(program)) && names_a_version(before)
            })
        })
        && !holds(sentence, OTHERWISE)
        && is_ours(sentence)
}

/// Whether there are two numbers side by side, as `5.9.8` has them.
fn names_a_version(text: &str) -> bool {
    let number = |word: &str| {
        word.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut before = false;
    text.split_ascii_whitespace().any(|word| {
        let now = number(word);
        core::mem::replace(&mut before, now) && now
    })
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::{is_of_one_version, went_back};

    #[test]
    fn a_version_without_the_problem_is_named() {
        for text in [
            "Libreswan 4.5 does not have this problem.",
            "strongSwan 5.9.8 doesn't have this issue.",
        ] {
            assert!(is_of_one_version(&plain(text), false), "{text}");
        }
        for text in [
            "The other router does not have this problem.",
            "Does libreswan 4.5 not have this problem?",
            "Maybe libreswan 4.5 does not have this problem.",
            "Libreswan 4.5 with the driver of 5.10 does not have this problem.",
            "Our site with 10 users does not have this problem.",
        ] {
            assert!(!is_of_one_version(&plain(text), false), "{text}");
        }
    }

    #[test]
    fn going_back_to_a_version_is_a_trial() {
        for text in [
            "Downgrading to 4.13.12 solves the problem.",
            "If you downgrade to Ver: 5.01.9672, you can connect.",
            "I downgraded to 5.9.8 with the same configuration and it works again.",
            "After rolling back strongSwan to 5.9.5 the tunnel comes up.",
            "Going back to version 4.6 fixed it.",
            "I have downgraded libreswan to 4.1, then it connects.",
            "Tried to install back 3.29 with all same settings - works fine.",
        ] {
            assert!(went_back(&plain(text), false), "{text}");
        }
        for text in [
            "I downgraded to 5.9.8, but it still doesn't connect.",
            "Downgrading to 4.13 made no difference.",
            "Should I downgrade to 5.9.8, if that works?",
            "It worked with 5.9.8.",
            "I rolled back the configuration and it works.",
            "I rolled back the firewall rules of 10.4.0.0 and it works.",
            "We rolled back the router and everything works on that side.",
            "Would downgrading to 5.9.8 help? It works elsewhere.",
            "Maybe downgrading helps, it works for others.",
            "Rolling back the sysctl rp_filter=1 fixed it.",
            "Downgrading to SHA1 solved it.",
            "We reverted to 3des and it works.",
            "We reverted to 1 of the two WAN lines and it works.",
            "The provider rolled back to 9.1.4 and it works.",
        ] {
            assert!(!went_back(&plain(text), false), "{text}");
        }
    }
}
