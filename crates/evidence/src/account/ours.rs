//! Whether a trial that people tell of is theirs, of this tunnel, and the only thing that they did.

use super::holds;

/// Others did it, told it or wrote it, or it was another time, another place or another thing.
const OTHERS: &str = "last year|years ago|other tunnel|another tunnel|other customer|another customer|different customer|another site|another location|other vpn|another vpn|old vpn|previous vpn|works on the other|colleague|customer says|customer said|customer tells|customer told|writes|wrote that|somebody|someone|people|a friend|for them|for him|for others|with them|with him|works there|worked there|everything works there|in the lab|in our lab|test lab|in production|forum|blog|the manual|manual:|documentation|the docs|according to|they say|he says|she says|says that|said that|vendor s|vendors|previous outage|last outage|last time|last month|last week|back then|at the time|openvpn|wireguard|ssl vpn|anyconnect|mpls|esxi|load balancer|printer|guest|voip|telephon|camera|internet|downloads from|on the pc|on my pc|hypervisor|on this spoke|on the hub|on the spoke|bgp hub|company|wiki|benchmark|documented|as usual|since #20|monitor|found in|ticket|github|article|the lab|lab router|lab machine|leased line|other line|backup line|every other|all other|all the other|with and without|either way|in either case|unencrypted|in the clear|cleartext|clear text";
/// Something else was done as well.
const BESIDE: &str = "as well as|together with|at the same time|also |too |restarting|rebooting|restarted|rebooted|upgraded|updated|replaced|waiting|reinstall|in between|meanwhile|in the meantime";
/// It is so elsewhere only, or not alone by it.
const BUT_HERE: &str = "here |with us |ours |our own";
/// What came of it, and nothing that was done.
const OUTCOMES: &[&str] = &[
    "started",
    "worked",
    "succeeded",
    "connected",
    "established",
    "passed",
    "stayed",
    "recovered",
    "solved",
    "fixed",
    "helped",
    "resolved",
    "disappeared",
    "stopped",
    "need",
    "indeed",
    "everything",
    "nothing",
    "something",
    "anything",
    "ping",
    "being",
    "working",
    "running",
    "nobody",
];
const DOINGS: &[&str] = &[
    "went", "put", "set", "took", "made", "ran", "rebuilt", "cut", "swap", "gave",
];
/// It helped in part, for a time, or not at all.
const PARTLY: &str = "doesnt|does not|didnt|isnt|is not|cant|cannot|fails|failed|not for|not to|died|dies|drops|dead|unreachable|as well|too |one of|two of|some of|most of|partly|better|less |loss|slower|each time|for a day|for a while|until |for pings|for ping|for small|provider|only the|only one|only for|only to|only by";
/// A sentence after it that tells of trouble, or that it was all the same.
const AFTERWARDS: &str = "died|dies|dead|remains|remain |outage|what is left|what remains|what this ticket|actual|the real|works too|works as well|worked too|so i dont know|each time|every time|times before|for a day|at the same|was only a test|only a test|drops each|drops every|drops at|still|again the|though|however|the other two|the others|unreachable|broken|lost |loss|slow|all along|fails|failing|offline|then i found|then we found|unplugged|cable|all of it|all of them|all three|all together|found in|ticket|was there|were there|had been there|nothing is|nothing comes|nothing gets|nothing passes|nothing arriv|nobody|unanswered";
const NO_SIZE: &str = "turned off|turning off|disabl|switched off|removed|removing|replaced|replacing|added|adding a|opened|opening";
const AILS: &str = "nothing|not |no |dont|doesnt|didnt|cant|couldnt|isnt|arent|wasnt|werent|wont|cannot|never|dies|die |died|damaged|broken|loss|lost|losing|loosing|lose |fail|drop|disconnect|stop|down|dead|hang|slow|unreachable|times out|timeout|issue|problem|trouble|lossy";
const BEFORE: &str =
    "again|only |until |no longer|stops |stopped |fixes|fixed|solves|solved|resolve";
/// What was seen is over, or as it was before the trouble.
const SETTLED: &str = "already|turned that off|switched that off|disabled that|fixed that|we fixed|i fixed|solved|settled|corrected|that is how|thats how|has worked for|worked for two|worked for years|for years|what remains|what is left|in spring|in march|in may|last year|since monday|today|what i need|in the middle of|my question|our question|is what we|as it was|never minded|dont mind";

/// Whether the sentence tells it of the tunnel that is asked about, and of nothing else that was done.
pub(super) fn is_ours(sentence: &str) -> bool {
    !holds(sentence, OTHERS)
        && !holds(sentence, BUT_HERE)
        && !holds(sentence, BESIDE)
        && !does_more(sentence)
}

/// Whether nothing but sizes was changed.
pub(super) fn is_of_size(sentence: &str) -> bool {
    !holds(sentence, BESIDE) && !holds(sentence, NO_SIZE)
}

/// Whether the sentence tells of something that isn't well.
pub(super) fn ails(sentence: &str) -> bool {
    holds(sentence, AILS)
}

/// Whether the sentence of a trial tells that it was otherwise before.
pub(super) fn tells_of_before(sentence: &str) -> bool {
    holds(sentence, BEFORE)
}

/// `… and lowered the MTU`.
fn does_more(sentence: &str) -> bool {
    let mut words = sentence.split_whitespace().peekable();
    let mut before = "";
    while let Some(word) = words.next() {
        let last = core::mem::replace(&mut before, word);
        // `I then added …` tells of one thing.
        if word != "and" && (word != "then" || matches!(last, "i" | "we")) {
            continue;
        }
        while words
            .next_if(|w| {
                matches!(
                    *w,
                    "i" | "we" | "then" | "also" | "by" | "finally" | "have" | "had"
                )
            })
            .is_some()
        {}
        let doing = words.peek().is_some_and(|w| {
            DOINGS.contains(w)
                || (w.ends_with("ed") || w.ends_with("ing")) && w.len() > 4 && !OUTCOMES.contains(w)
        });
        if doing {
            return true;
        }
    }
    false
}

/// Whether what stands behind the effect narrows it, or takes it back.
pub(super) fn is_partial(rest: &str) -> bool {
    holds(rest, PARTLY)
}

/// Whether a later sentence leaves doubt that the trial was all that it needed.
pub(super) fn is_doubted(sentence: &str) -> bool {
    holds(sentence, AFTERWARDS)
}

/// Whether a later sentence tells that what was seen isn't the trouble.
pub(super) fn is_settled(sentence: &str) -> bool {
    holds(sentence, SETTLED)
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn what_others_did_or_what_was_not_done_alone_tells_nothing() {
        for text in [
            "I disabled the offload and replaced the switch; it works now.",
            "A colleague writes that he added a route by hand, and that it works now.",
            "I added the route over the MPLS line, now everybody can reach it.",
            "With rekey=yes it works on the other gateway; ours goes down.",
            "I removed the masquerade rule of the guest network and the printer works.",
        ] {
            assert!(!is_ours(&plain(text)), "{text}");
        }
        for text in [
            "Only after I add the route by hand everything works again.",
            "With offload to the card disabled everything works.",
            "It works with the masquerade rule removed.",
        ] {
            assert!(is_ours(&plain(text)), "{text}");
        }
    }
}
