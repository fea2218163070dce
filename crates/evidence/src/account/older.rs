//! Who went back to an older version, with which it works: the same attempt with both versions.
//!
//! That an older version *worked* is only memory, and much else may have changed since. That it works *again* after going
//! back, with what is configured as it is, shows that the new version does it.

use super::holds;

/// What was done.
const WENT_BACK: &str = "downgraded to|downgrade to|downgrading to|downgraded the|downgrading the|downgrading|downgraded|i have downgrade|by downgrade|rolled back|rolling back|roll back to|reverted to version|reverting to version|reverted to #|reverting to #|reverted to the old version|reverted to the previous version|went back to version|going back to version|went back to #|going back to #|install back|installed back|installing back|reinstalled the old version|reinstalled version|reinstalled #|booting the old kernel|booted the old kernel|booting the previous kernel|booted the previous kernel|back on version|back on the old version|back on the old kernel|back to the old kernel|back to the previous kernel|back to the old version|back to the previous version";
/// What came of it.
const HELPED: &str = "solves|solved|fixes|fixed|resolves|resolved|helps|helped|works|work again|worked again|work fine|worked fine|worked right away|can connect|could connect|connects|connected again|connect as expected|comes up|came up|come up|is up again|everything is fine|everything is ok|is fine again|is ok again|was fine again|goes away|went away|is gone|disappears|disappeared|no problem|did the trick|all is well|reconnect without";
/// It didn't, it isn't known, or it is advice.
const NOT: &str = "not work|doesnt|does not|didnt|did not|dont work|do not work|not help|no effect|no difference|no change|still|whether|should|would|could be|might|maybe|perhaps|want to|how to|how can|how do i|is it possible|possible to|can i |cannot|cant |unable|same problem|same error|same issue|not possible|not able|recommend|suggest|try to |please|other tunnel|another tunnel|config|psk|certificate was|license|openvpn|wireguard|router was replaced|in vain|until ";
/// The configuration is named only as what stayed the same.
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

/// Whether the sentence tells it.
pub(super) fn went_back(sentence: &str, asks: bool) -> bool {
    if asks || !holds(sentence, WENT_BACK) || !holds(sentence, HELPED) {
        return false;
    }
    let without_same = SAME
        .iter()
        .fold(sentence.to_owned(), |text, same| text.replace(same, ""));
    !holds(&without_same, NOT)
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::went_back;

    #[test]
    fn going_back_is_a_trial() {
        for text in [
            "Downgrading to 4.13.12 solves the problem.",
            "If you downgrade to 5.01.9672, you can connect.",
            "Tried to install back 3.29 with all same settings - works fine.",
            "I downgraded to 5.9.8 with the same configuration and it works again.",
            "After rolling back strongSwan to 5.9.5 the tunnel comes up.",
            "Going back to version 4.6 fixed it.",
            "I have downgraded libreswan, then it connects.",
        ] {
            assert!(went_back(&plain(text), false), "{text}");
        }
        for text in [
            "I downgraded to 5.9.8, but it still doesn't connect.",
            "Downgrading to 4.13 made no difference.",
            "Should I downgrade to 5.9.8, if that works?",
            "It worked with 5.9.8.",
            "I rolled back the configuration and it works.",
            "Would downgrading to 5.9.8 help? It works elsewhere.",
            "Maybe downgrading helps, it works for others.",
        ] {
            assert!(!went_back(&plain(text), false), "{text}");
        }
    }
}
