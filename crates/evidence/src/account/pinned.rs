//! What people pinned it down to: they changed one thing and it worked, or it turned out to be that thing.
//!
//! Such a sentence has a thing of a tunnel ([`things`](super::things)), what was done to it, and what came of it; the last
//! may be a sentence of its own (*I set the group to 14 on both ends. Now it connects.*). Where several things were changed
//! at once, nobody knows which of them it was.

use adit_model::culprit::{Culprit, PinnedBy};

use super::ours::{is_ours, is_partial};
use super::things::{Done, THINGS, TRIALS, Thing};
use super::words::{HELPS, OFF, OFF_BEFORE};
use super::{holds, places, routes, switched_off};

/// It isn't known, or somebody advises.
const UNSURE: &str = "whether|might|maybe|perhaps|could be|may be|i think|i guess|i suspect|suspect|probably|seems|seem to|assum|unless|not sure|wonder|possib|hypothes|theory|you should|you need|you have to|you must|you may|you can|please|try to|try |would be|should be|should i|should we|have tried|tried|you could|one could|would work|would then|no matter|regardless|irrespective|either way|in both cases|hoping|hopefully|ought|was sure|were sure|am sure|are sure|convinced|certain that|believed|we thought|i thought|he thought|they thought|told us our|told us that our|told us that the";
/// It didn't help.
const IN_VAIN: &str = "no difference|no effect|no change|no luck|no avail|in vain|unsuccessful|without success|without effect|without any effect|without luck|still |neither|nothing |same result|same error|same problem|same issue|not help|not solve|not fix|didnt help|didnt solve|didnt fix|doesnt help|doesnt solve|doesnt fix|hasnt help|havent help|worked for a |worked for an |worked for some|worked for one|worked for two|worked for about|was up for a |was up for an |was up for some";
pub(super) const NEGATIONS: &[&str] = &[
    "not", "never", "cannot", "cant", "didnt", "doesnt", "dont", "isnt", "wasnt", "wont",
    "wouldnt", "hasnt", "havent", "couldnt", "unable", "nothing", "hardly", "without", "until",
    "to", "used", "should", "would", "before",
];
/// What came of it, beside [`HELPS`].
const WORKS: &str = "came up|comes up|come up|connected|connects|establishes|is established|was established|got established|up and running|is working|are working|started working|starts working|started to work|starts to work|began to work|began working|now working|working now|did the trick|is stable|was stable|no more drops|no longer drops|stopped dropping|disappear|now passes|passes now|traffic flows|flows again|all good|works|worked|is up|are up|is gone|negotiates|succeed|all is well|its stable|stable since|stable now|its up|is up now|its working|its fine|everything is fine|all fine|is fine now|now fine|are fine now|connects now|back to life|return to work|returned to work|returns to work|tunnel is back|vpn is back|stays up|stay up|stays connected|stay connected";
/// Something gets through, which only tells of what carries packets.
const REACHES: &str = "can reach|could reach|can ping|can access|can be reached|is reachable|are reachable|goes through|go through|went through|gets through|is answered|are answered";
/// What says that it works because of something, and what came first.
const STRONG: &str = "fixes|fixed|helps|helped|solves|solved|resolves|resolved|made it work|makes it work|made everything work|did the trick|cures|cured|goes away|went away|got it working|get it working|got this working|works again|working now|now work|it worked|then work|works then|disappear|is gone|no longer drops|no more drops|stopped dropping|is stable|now passes|traffic flows|flows again|back to life|return to work|returned to work|returns to work";
const FIRST: &str = "after |once |as soon as|when i |when we |then |now |until i |until we |since i |since we |if i |if we |only works with|thereafter|immediately|finally|by ";
/// It was somewhere else.
const ELSEWHERE: &str = "last year|years ago|other tunnel|another tunnel|other customer|another customer|different customer|another site|another location|other vpn|another vpn";
/// Something else was done at the same time that changes everything.
const ALSO: &str = "rebooted|replaced its modem|replaced the modem|replaced its router";
/// What a later sentence says of now.
const ANEW: &str = "not |no |nobody|never|cannot|cant|doesnt|dont|isnt|arent|wont|still|only |hang|freez|stall|slow|drops|dropping|is down|fails|loses|stuck|dead|unreachable|lost|slower|broken|get lost|gets lost|disconnects";
/// It says so of the tunnel or of what goes through it.
const OF_THE_TUNNEL: &str = "tunnel|vpn|ping|phase|connect|traffic|reach|comes up|come up|is up|it |they |works|work |packet|log|session|sa |transfer|download|file|page|slow|hang|stall|drop|resolve|names |open |loads|gets |mbit|gbit|kbit|second";
/// It came back.
const BACK: &str = "down again|later it|hours later|none of them is tried|none of them was|none of these|neither of|havent tried|not tried|looks different|different today|another outage|minutes later|days later|drops again|dropped again|fails again|same again|stopped again";
/// It says so of before, or that it is well.
const BEFORE: &str = "before|was |were |had |used to|previously|didnt|did not|until|because|turned out|thank|hope|anyone|no longer|no more|no problem|no issue|no drop|anymore|any more|without|know why|sure why|idea why|understand why|previous|old |earlier|no error|both sides|both ends have|no trouble";
/// It works now, and something else doesn't.
const HOWEVER: &str = "but |not from|works for dns|only that|however|although|though |except|only to|only for|only one|only some|one of the networks|networks only|before |until |previously|for years|in the past|in version|with version";
/// The sentence tells what it was.
const RESOLVED: &str = "turned out|turns out|turn out|problem was|problem is that|issue was|cause was|root cause|reason was|was caused by|is caused by|was because|because of the wrong|was due to|is due to|the culprit|fix was|fix is to|solution was|solution is|the trick was|the trick is|forgot|my mistake|my fault|my bad|our mistake|found the problem|found the issue|found the cause|found out|figured out|figured it out|realized|realised|discovered|noticed that|mistake was|the error was|it was the|it was a|was simply|what fixed|what helped|had a typo";
/// What was wrong with it.
const FAULTS: &str = "wrong|mismatch|differ|missing|not match|didnt match|dont match|doesnt match|incorrect|mistyp|typo|expired|disabled|not enabled|wasnt enabled|off |not set|wasnt set|nobody had set|no one had set|nobody set|never set|nobody had enabled|nobody enabled|never enabled|rather than|instead of|forgot|lack|not in |invalid|misconfigur|not loaded|wasnt loaded|not installed|wasnt installed|block|not open|closed|not allow|bad |swapped|reversed|transposed|conflict|wasnt|not forward|not the same|old |stale|ran out|in use|used by|taken by|listening|out of date|not present|not contain|doesnt contain|didnt contain|did not contain|not include|didnt include|doesnt include|not trust|unknown|untrusted|not up to date|was on|was enabled|too short|too low|too small";

/// It has to be done again the next time.
const UNTIL_NEXT: &str = "until the next|until next|until it reconnect|until the tunnel reconnect|until the vpn reconnect|until i reconnect|until we reconnect|until reconnect|until a reconnect|until the tunnel is re|until reboot|until the reboot|until i reboot|until a re";
/// It made no difference.
const VAIN: &str = "no difference|no effect|no change|no luck|no avail|in vain|unsuccessful|without success|without effect|without any effect|without luck|without any luck|same result|same error|same problem|same issue|same as before|same behavio|same symptom|not help|not solve|not fix|didnt help|didnt solve|didnt fix|didnt change|doesnt help|doesnt solve|doesnt fix|doesnt change|hasnt help|havent help|not change anything|not seem to help|nothing seems|nothing help|nothing work|nothing change|still not|still doesnt|still cant|still no |still fail|still the same|still nothing|still lost|still drop|still dies|still hang|still dont|still isnt|still dead";
/// Somebody advises, or hasn't done it yet.
const ADVICE: &str = "you should|you need|you have to|you must|you may|you can|you could|please|might|maybe|perhaps|whether|would be|would have|could be|should i|should we|i will|we will|ill try|unless|if that|if it|not tried|havent tried|not yet";

/// What was done to the thing that was named before.
const TO_IT: &str = "changed it|changed that|changed this|changing it|changing that|corrected it|corrected that|correcting it|adjusted it|set it to|turned it on|turned it off|turning it on|turning it off|switched it on|switched it off|enabled it|enabling it|disabled it|disabling it|added it|adding it|removed it|removing it|replaced it|renewed it|imported it|installed it|stopped it|opened it|allowed it|fixed it|fixed that|fixing it|fixing that|turned them|changed them|corrected them|enabled them|disabled them";
/// It was switched on, which isn't what helps where the thing was to be done without.
const ON_AGAIN: &str = "turned it on|turning it on|switched it on|switching it on|enabled it|enabling it|activated it|added it|adding it|installed it|turned them on|switched them on|enabled them";
/// It was so until something was done.
const FAILED: &str =
    "not |failed|fails|didnt|couldnt|wouldnt|wasnt|never|cant|cannot|down|nothing|no ";

/// In how many octets the verb and its thing stand together.
pub(super) const NEAR: usize = 64;
/// A sentence that only tells what came of the one before it isn't longer.
const SHORT: usize = 96;

/// A sentence, and what it is to be read with. All but the marks are plain.
pub(super) struct Told<'t> {
    pub(super) sentence: &'t str,
    /// The sentence before it.
    pub(super) before: &'t str,
    /// What was told before it, a little further back.
    pub(super) earlier: &'t str,
    /// What stands over it says that it helps: `Workaround: …`.
    pub(super) helps: bool,
}

/// What the sentence pins it down to.
pub(super) fn pinned(told: &Told<'_>) -> Option<(Culprit, PinnedBy)> {
    let Told {
        sentence, before, ..
    } = *told;
    if is_unsure(sentence) || holds(sentence, IN_VAIN) || holds(sentence, ELSEWHERE) {
        return None;
    }
    if let Some(at) = effect(sentence)
        .or_else(|| told_well(sentence, &[REACHES]))
        .or(told.helps.then_some(sentence.len()))
    {
        let rest = sentence.get(at..).unwrap_or_default();
        let until_next =
            || holds(rest, UNTIL_NEXT) && !holds(&rest.replace(" until ", " "), HOWEVER);
        if holds(rest, HOWEVER) && !until_next() {
            return None;
        }
        let follows = told.helps || holds(sentence, STRONG) || holds(sentence, FIRST);
        let of_now = if until_next() {
            &rest.replace(" until ", " ")
        } else {
            rest
        };
        let here = changed(told.earlier, sentence, follows);
        // What was done stands in the sentence before.
        let is_ours_too = || here.is_some() || is_ours(before);
        let by_change = here.or_else(|| {
            let only = sentence.len() < SHORT && named(sentence).next().is_none();
            if !only || is_unsure(before) || holds(before, IN_VAIN) {
                return None;
            }
            if holds(sentence, TO_IT) {
                let contrary = |thing: &Thing| {
                    matches!(thing.done, Done::Off | Done::Unused) && holds(sentence, ON_AGAIN)
                };
                return one(named(before)
                    .filter(|(thing, _)| !contrary(thing))
                    .map(|(thing, _)| thing.culprit));
            }
            follows
                .then(|| changed(told.earlier, before, told_of_us(before)))
                .flatten()
        });
        // What has to be done again each time isn't lost by being wrong.
        let only_reaches = !told.helps && effect(sentence).is_none();
        let by_change = by_change
            .filter(|c| *c == Culprit::RouteMissing || !holds(rest, HOWEVER))
            .filter(|c| !only_reaches || carries(*c))
            .filter(|c| {
                !counts_alone(*c) || is_ours(sentence) && is_ours_too() && !is_partial(of_now)
            });
        if let Some(culprit) = by_change {
            return Some((culprit, PinnedBy::Change));
        }
    }
    // `We had the wrong PSK there, now it works`.
    let was = || effect(sentence).is_some() && holds(sentence, "had |was |were ");
    if !holds(sentence, FAULTS) || !(holds(sentence, RESOLVED) || was()) {
        return None;
    }
    one(named(sentence).map(|(thing, _)| thing.culprit))
        .filter(|c| !counts_alone(*c) || holds(sentence, RESOLVED) && is_ours(sentence))
        .map(|culprit| (culprit, PinnedBy::Look))
}

/// What the sentence tells to have been changed in vain.
pub(super) fn in_vain(told: &Told<'_>) -> Vec<Culprit> {
    let Told {
        sentence, before, ..
    } = *told;
    if !holds(sentence, VAIN) || holds(sentence, ADVICE) || holds(sentence, ELSEWHERE) {
        return Vec::new();
    }
    let here = tried(told.earlier, sentence);
    let short = sentence.len() < SHORT && here.is_empty();
    if short && told_of_us(before) && !holds(before, ADVICE) && effect(before).is_none() {
        return tried(told.earlier, before);
    }
    here
}

/// All that the sentence tells to have been changed.
fn tried(earlier: &str, sentence: &str) -> Vec<Culprit> {
    let near = |thing: &Thing| is_done(thing, sentence, true);
    named_in(TRIALS, sentence)
        .chain(named(sentence))
        .filter(|(thing, _)| near(thing))
        .map(|(thing, _)| thing.culprit)
        .chain(routes::changed(earlier, sentence, |_| true))
        .collect()
}

/// Whether a sentence after it tells that all isn't well: what was done mended something else, or nothing.
pub(super) fn is_taken_back(sentence: &str) -> bool {
    holds(sentence, BACK)
        || holds(sentence, ANEW) && holds(sentence, OF_THE_TUNNEL) && !holds(sentence, BEFORE)
}

/// Whether the sentence guesses or advises. What happens if the writer does something was tried.
fn is_unsure(sentence: &str) -> bool {
    holds(sentence, UNSURE)
        || places(sentence, "if ").any(|(_, end)| {
            let rest = sentence.get(end..).unwrap_or_default();
            !["i ", "we ", "id "].iter().any(|who| rest.starts_with(who))
        })
}

/// Where the sentence tells that it works, without a negation before the word.
fn effect(sentence: &str) -> Option<usize> {
    told_well(sentence, &[HELPS, WORKS])
        .into_iter()
        .chain(until(sentence))
        .min()
}

/// Where one of the words stands that no negation is before.
fn told_well(sentence: &str, lists: &[&'static str]) -> Option<usize> {
    lists
        .iter()
        .flat_map(|list| list.split('|'))
        .flat_map(|words| places(sentence, words))
        .map(|(at, _)| at)
        .filter(|at| {
            let ahead = sentence.get(..*at).unwrap_or_default();
            let mut words = ahead.split_whitespace().rev().take(3);
            let mut after = "";
            !words.any(|w| {
                // `uniqueids=no` is a value.
                let no = w == "no" && matches!(after, "longer" | "more" | "way" | "traffic");
                // `set from 1 to 2 it works`.
                let value = w == "to" && after.starts_with('#');
                // `a route to the server before connecting`.
                let earlier = w == "before"
                    && ["connect", "dial", "start"]
                        .iter()
                        .any(|v| after.starts_with(v));
                after = w;
                no || NEGATIONS.contains(&w) && !value && !earlier
            })
        })
        .min()
}

/// What many things go around or cure by chance, so that it has to be all that was done.
pub(super) fn counts_alone(culprit: Culprit) -> bool {
    matches!(
        culprit,
        Culprit::RouteMissing
            | Culprit::RouteOfTunnel
            | Culprit::RouteToPeer
            | Culprit::CloudRoute
            | Culprit::ReturnRoute
            | Culprit::Offload
            | Culprit::SourceNat
            | Culprit::Rekeying
    )
}

/// Whether packets pass or don't by it alone.
fn carries(culprit: Culprit) -> bool {
    match culprit {
        Culprit::ReversePath | Culprit::Forwarding | Culprit::EspFilter => true,
        Culprit::Rekeying => false,
        other => counts_alone(other),
    }
}

/// `It didn't connect until I changed …`.
fn until(sentence: &str) -> Option<usize> {
    ["until i ", "until we "]
        .iter()
        .flat_map(|words| places(sentence, words))
        .map(|(at, _)| at)
        .find(|at| holds(sentence.get(..*at).unwrap_or_default(), FAILED))
}

/// Whether the sentence tells of something that was done, and not of how things are.
fn told_of_us(sentence: &str) -> bool {
    [
        "i ", "we ", "ive ", "weve ", "they ", "he ", "she ", "so i ",
    ]
    .iter()
    .any(|who| places(sentence, who).next().is_some())
}

/// The things that the sentence names, and where.
fn named(sentence: &str) -> impl Iterator<Item = (&'static Thing, usize)> + '_ {
    named_in(THINGS, sentence)
}

fn named_in<'s>(
    things: &'static [Thing],
    sentence: &'s str,
) -> impl Iterator<Item = (&'static Thing, usize)> + 's {
    things.iter().filter_map(move |thing| {
        let at = thing
            .names
            .split('|')
            .flat_map(|name| places(sentence, name))
            .map(|(at, _)| at)
            .min()?;
        let fits = thing.also.iter().all(|group| holds(sentence, group))
            && (thing.unless.is_empty() || !holds(sentence, thing.unless));
        fits.then_some((thing, at))
    })
}

/// The one thing that was changed. Where nothing else tells that it worked because of it, somebody has to say that they
/// changed it: `follows`.
fn changed(earlier: &str, sentence: &str, follows: bool) -> Option<Culprit> {
    if holds(sentence, ALSO) {
        return None;
    }
    let route = routes::changed(earlier, sentence, |verb| {
        follows || by_somebody(sentence, verb)
    });
    one(named(sentence)
        .filter(|(thing, _)| is_done(thing, sentence, follows))
        .map(|(thing, _)| thing.culprit)
        .chain(route))
}

/// Whether the sentence tells that it was done to the thing.
fn is_done(thing: &Thing, sentence: &str, follows: bool) -> bool {
    let to_it = holds(sentence, TO_IT);
    // Nobody tells so of a driver that is simply not used.
    let follows =
        follows || thing.culprit == Culprit::Offload && holds(sentence, "with |without |when |if ");
    let near = || {
        let by_name = thing
            .names
            .split('|')
            .flat_map(|name| places(sentence, name))
            .any(|(at, end)| {
                thing
                    .done
                    .verbs()
                    .iter()
                    .flat_map(|list| list.split('|'))
                    .flat_map(|verb| places(sentence, verb))
                    .filter(|(from, _)| follows || by_somebody(sentence, *from))
                    .any(|(from, to)| from.abs_diff(end) <= NEAR && to.abs_diff(at) <= NEAR)
            });
        by_name || to_it
    };
    match thing.done {
        Done::Off | Done::Unused if holds(sentence, ON_AGAIN) => false,
        Done::Off | Done::Unused => follows && switched_off(sentence, thing.names) || near(),
        Done::On => !is_off(sentence, thing.names) && near(),
        Done::Changed | Done::Corrected => near(),
        Done::Named => true,
    }
}

/// Whether the verb there has a person before it.
fn by_somebody(sentence: &str, verb: usize) -> bool {
    let ahead = sentence.get(..verb).unwrap_or_default();
    let mut words = ahead.split_whitespace().rev();
    let person = |w: &str| {
        matches!(
            w,
            "i" | "we" | "ive" | "weve" | "they" | "he" | "she" | "id"
        )
    };
    let between = |w: &str| {
        matches!(
            w,
            "have" | "had" | "then" | "just" | "also" | "finally" | "simply" | "now"
        )
    };
    match words.next() {
        None => true,
        Some(w) => person(w) || between(w) && words.next().is_none_or(person),
    }
}

/// Whether one of the things is said to be off.
fn is_off(sentence: &str, names: &str) -> bool {
    switched_off(sentence, names)
        || OFF.iter().chain(OFF_BEFORE).any(|off| {
            names
                .split('|')
                .any(|name| places(sentence, &format!("{off}{name}")).next().is_some())
        })
}

/// The first, where all are of one kind: what is more exact stands before what is less.
fn one(culprits: impl Iterator<Item = Culprit>) -> Option<Culprit> {
    let mut culprits: Vec<Culprit> = culprits.collect();
    // A cipher that the hardware doesn't do goes around it.
    if culprits.contains(&Culprit::Offload) {
        culprits.retain(|c| !is_cipher(*c));
    }
    let mut culprits = culprits.into_iter();
    let first = culprits.next()?;
    culprits
        .all(|other| kind(other) == kind(first))
        .then_some(first)
}

/// Whether it is an algorithm, which another cipher would change.
pub(super) fn is_cipher(culprit: Culprit) -> bool {
    matches!(
        culprit,
        Culprit::EspAlgorithms | Culprit::IkeAlgorithms | Culprit::Algorithms
    )
}

/// Things that a sentence names together when it means one of them.
fn kind(culprit: Culprit) -> u8 {
    match culprit {
        Culprit::Key | Culprit::KeyForm => 0,
        Culprit::Identity | Culprit::PrivateIdentity | Culprit::CertificateName => 1,
        Culprit::IkeGroup
        | Culprit::IkeAlgorithms
        | Culprit::EspAlgorithms
        | Culprit::Algorithms
        | Culprit::Truncation
        | Culprit::Pfs => 2,
        Culprit::Networks | Culprit::NetworksTogether => 3,
        Culprit::DpdOff | Culprit::DpdOn => 4,
        Culprit::CertificateEnd | Culprit::Authority | Culprit::KeyUsage => 5,
        Culprit::Passthrough | Culprit::PortForward => 6,
        other => 16 + other as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use adit_model::culprit::Culprit::*;

    fn of(text: &str) -> Option<(Culprit, PinnedBy)> {
        let mut sentences: Vec<String> = text.split_inclusive(". ").map(plain).collect();
        let last = sentences.pop().unwrap_or_default();
        let earlier = sentences.concat();
        pinned(&Told {
            sentence: &last,
            before: &sentences.pop().unwrap_or_default(),
            earlier: &earlier,
            helps: false,
        })
    }

    #[test]
    fn a_change_that_helped_names_the_thing() {
        for (text, expected) in [
            (
                "After I re-entered the PSK on both sides the tunnel came up.",
                Key,
            ),
            (
                "I removed the special characters from the preshared key and it works now.",
                KeyForm,
            ),
            ("Setting leftid to the public IP solved it.", Identity),
            (
                "Changing the DH group from 2 to 14 on the other firewall fixed it.",
                IkeGroup,
            ),
            (
                "We changed the DH group of phase 2 to 14. Now it works.",
                Pfs,
            ),
            (
                "Once we set the phase 1 encryption to AES256 on their end it connects.",
                IkeAlgorithms,
            ),
            (
                "I changed the phase 2 hash to SHA256 and then everything works.",
                EspAlgorithms,
            ),
            (
                "After setting the same lifetime on both ends it is stable.",
                Lifetimes,
            ),
            (
                "Enabling NAT-T on the ASA solved the problem.",
                NatTraversal,
            ),
            (
                "After I enabled dead peer detection on the peer it comes back, works fine since.",
                DpdOff,
            ),
            ("With DPD disabled the tunnel is stable.", DpdOn),
            (
                "I set rp_filter to 0 on all interfaces and it works.",
                ReversePath,
            ),
            ("Enabled net.ipv4.ip_forward and now it works.", Forwarding),
            ("After modprobe af_key it works.", Module),
            (
                "I installed libcharon-extra-plugins. Now I can connect again.",
                Plugin,
            ),
            (
                "Enabling IKE fragmentation on both gateways solved this for us.",
                IkeFragmentation,
            ),
            (
                "After we corrected the remote subnet in phase 2 on the SonicWall the tunnel came up.",
                Networks,
            ),
            (
                "With uniqueids=no both clients stay connected and it works fine.",
                Uniqueness,
            ),
            ("Disabling compression on both ends fixed it.", Compression),
            ("With compress=no it works.", Compression),
            (
                "NAT traversal was disabled on the router. Turned it on and the VPN works.",
                NatTraversal,
            ),
            (
                "Phase 2 failed until I changed the phase 2 encryption to AES256 on the peer.",
                EspAlgorithms,
            ),
            (
                "If I turn off PFS on the router it connects, with PFS on it doesn't.",
                Pfs,
            ),
            (
                "We changed the phase 2 lifetime on our side to match theirs and it's stable since then.",
                Lifetimes,
            ),
            ("Syncing the clock with ntpdate fixed it.", Clock),
            (
                "I killed the other process that was using port 500 and it works.",
                PortTaken,
            ),
            (
                "We added the root CA of the peer to cacerts, after which it connects.",
                Authority,
            ),
            (
                "We renewed the certificate that had expired and it works again.",
                CertificateEnd,
            ),
            (
                "Allowing protocol 50 (ESP) in the firewall fixed it.",
                EspFilter,
            ),
            (
                "Adding a return route on the server behind the other gateway solved it.",
                ReturnRoute,
            ),
        ] {
            assert_eq!(of(text), Some((expected, PinnedBy::Change)), "{text}");
        }
    }

    #[test]
    fn what_it_turned_out_to_be_is_heard() {
        for (text, expected) in [
            (
                "It turned out that the PSK was mistyped on the remote side.",
                Key,
            ),
            (
                "The problem was that the phase 2 proposals didn't match.",
                EspAlgorithms,
            ),
            (
                "it was the remote server presenting an IP as it's identity rather than the FQDN we were connecting to",
                Identity,
            ),
            (
                "Root cause was a wrong subnet mask in the proxy ID of the Palo Alto.",
                Networks,
            ),
            (
                "I found out that rp_filter was enabled on eth1 and dropped it: a bad default.",
                ReversePath,
            ),
            (
                "The issue was the expired certificate of the gateway.",
                CertificateEnd,
            ),
        ] {
            assert_eq!(of(text), Some((expected, PinnedBy::Look)), "{text}");
        }
    }

    #[test]
    fn attempts_guesses_and_several_things_pin_nothing_down() {
        for text in [
            "I changed the DH group to 14 but it still does not work.",
            "I changed the PSK, no difference.",
            "Maybe the PSK is wrong?",
            "You should set leftid to the public IP, then it works.",
            "I changed the PSK and the lifetimes and the subnets, and it works.",
            "After changing the PSK phase 1 is up but phase 2 fails.",
            "The PSK is the same on both sides.",
            "We use DH group 14 and it worked before the upgrade.",
            "I tried other subnets.",
            "With the Cisco client and the same PSK it does not work.",
            "The tunnel works until the lifetime expires.",
            "With PFS enabled on both of the gateways it works without problems for hours.",
            "The tunnel comes up without an error and the selectors are the right ones.",
            "The PSK is correct and the proposals match, phase 1 is up.",
            "ESP is allowed in the firewall and the tunnel is up.",
            "It works fine using PSK.",
            "After I changed the PSK it no longer works.",
            "We are using DH group 14 and the tunnel is up.",
            "Last year on our other tunnel it turned out the PSK was wrong.",
            "I changed leftid to the name and then the tunnel worked for a day.",
            "We were sure the PSK was wrong, somebody had mistyped it.",
            "We cleared the firewall states and rebooted both gateways. Since then it works.",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_route_tells_by_whose_it_is() {
        for (text, expected) in [
            (
                "Only after I run ip route add 10.4.0.0/16 dev eth0 by hand everything works again.",
                RouteMissing,
            ),
            (
                "It works as soon as I put a static route for 10.4.0.0/24 in.",
                RouteMissing,
            ),
            (
                "The pings go through once the route to 10.4.0.0/24 is set manually.",
                RouteMissing,
            ),
            (
                "I then added a route for 10.4.0.0/24 by hand. Now it works.",
                RouteMissing,
            ),
            (
                "Adding the route to the remote network fixes it until the next reconnect.",
                RouteMissing,
            ),
            ("Adding the route in the VPC fixed it.", CloudRoute),
            (
                "If I add a host route to the VPN server via my router before connecting, it stays up.",
                RouteToPeer,
            ),
            (
                "A default route into the tunnel is set. As soon as I delete that route the tunnel works again.",
                RouteOfTunnel,
            ),
            (
                "If I remove the default route through ppp0, the tunnel stays up.",
                RouteOfTunnel,
            ),
            (
                "After adding a route to the VPN pool on the LAN router it works.",
                ReturnRoute,
            ),
        ] {
            assert_eq!(of(text), Some((expected, PinnedBy::Change)), "{text}");
        }
        for text in [
            "I added a route by hand, no difference.",
            "I removed an old static route and now it works.",
            "After I delete the default route via ppp0 the internet works again.",
            "You could add a route by hand, and it would work then.",
            "I added the route and it works for one of the networks only.",
            "After I added a route on my PC via the VPN box it works.",
            "I added a static route and now it works.",
            "The servers answered by the default gateway. I added a static route there, now it works.",
            "I added a route to 10.4.0.0/24 and an allow rule in the firewall and now it works.",
            "I added the route 10.9.0.0/24 to the crypto ACL and now it works.",
            "We removed the static route 10.4.0.0/16 into the tunnel and now the tunnel works again.",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_changed_in_vain_is_heard() {
        let vain = |before: &str, sentence: &str| {
            in_vain(&Told {
                sentence: &plain(sentence),
                before: &plain(before),
                earlier: "",
                helps: false,
            })
        };
        for (before, sentence, expected) in [
            (
                "",
                "I disabled the firewall on the server, no difference.",
                HostFilter,
            ),
            (
                "",
                "We turned off rp_filter but it still doesn't work.",
                ReversePath,
            ),
            (
                "",
                "I added a route to 10.4.0.0/24 by hand and nothing helped.",
                RouteMissing,
            ),
            (
                "I switched SELinux to permissive.",
                "It made no difference.",
                Confinement,
            ),
            (
                "",
                "Without hw offload the result is the same, no change.",
                Offload,
            ),
        ] {
            assert!(vain(before, sentence).contains(&expected), "{sentence}");
        }
        for (before, sentence) in [
            (
                "",
                "You should disable the firewall if it still doesn't work.",
            ),
            ("", "The firewall is enabled and it still doesn't work."),
            ("With the firewall off it works.", "No change since."),
        ] {
            assert_eq!(vain(before, sentence), [], "{sentence}");
        }
    }

    #[test]
    fn what_is_told_after_it_takes_it_back() {
        for text in [
            "Two hours later it was down again and only a restart helps.",
            "But phase 2 never comes up.",
            "Now ping works but RDP and SMB freeze.",
            "Names of the office are not resolved on the client.",
            "What is left: the branch only gets 10 Mbit/s.",
        ] {
            assert!(is_taken_back(&plain(text)), "{text}");
        }
        for text in [
            "Thanks for all your help.",
            "Before that it never came up.",
            "It has been up for a week and there is no problem any more.",
            "I don't know why it worked with the other router.",
        ] {
            assert!(!is_taken_back(&plain(text)), "{text}");
        }
    }
}
