//! What the person who pasted says: *the tunnel is up but we can't ping, large files hang*.
//!
//! Between outputs of machines stand sentences of people. They decide nothing, but a person who reads evidence weighs
//! them first, and so do we. A line is taken for a person's when it has no head of a log and reads like prose. What is
//! looked for is a symptom ([`Complaint`]), told in one sentence; sentences may go on over lines.
//!
//! What they saw of a cause is heard as well (`observed`), and what they pinned it down to (`pinned`). Never guesses at causes
//! that people name: they are often wrong.

mod listed;
mod near;
mod observed;
mod older;
mod ours;
mod pinned;
mod prose;
mod routes;
mod scenes;
mod sized;
mod things;
mod torn;
mod words;

use adit_model::complaint::Complaint;
use adit_model::culprit::{Culprit, PinnedBy};
use adit_model::fact::{Fact, Known};

use crate::reading::Place;
use crate::text::Line;
pub(crate) use prose::{is_prose, parts, quoted};
pub(crate) use torn::{Joined, Torn};
use words::{
    BEHIND, BEHIND_FAIL, CAUSES, FAR, FAR_HAS, NEWER, OFF, OFF_BEFORE, OFF_BEHIND, TABLE, TROUBLE,
    WANTED,
};

/// So many complaints are kept of one text, and so many lines are looked at.
const MOST: usize = 16;
const LINES: usize = 400;
/// A sentence that goes on for longer is no sentence.
const SENTENCE: usize = 600;

/// So many sentences after it may tell that it was something else.
const AFTER: u8 = 3;

/// A sentence that names so many kinds of causes is a list of them.
const A_LIST: usize = 5;

/// Reads sentences of people.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The sentence so far, and where it began.
    open: String,
    from: Option<Place>,
    seen: usize,
    facts: Vec<Fact>,
    /// The sentence before, and the one before that.
    before: String,
    earlier: String,
    /// What stands over the lines says that they help.
    cures: bool,
    /// The open sentence is such a line.
    helps: bool,
    /// What was pinned down last, and how many sentences ago.
    pinned: Option<(Culprit, u8)>,
    /// What was told of a trial or a scene, and how many sentences ago.
    told: Vec<(Complaint, u8)>,
    scenes: scenes::Scenes,
    /// Some sentence so far tells what a trial may have mended.
    ailing: bool,
    /// Some sentence tells of what isn't well, in whatever words.
    troubled: bool,
    /// Some sentence tells of versions from another one on, or of what they break.
    newer: bool,
    /// Some sentence tells that all traffic goes through the tunnel on purpose.
    wanted: bool,
    /// Some sentence tells that hosts behind the gateway fail, too, or that the other end has what was sent.
    behind_fail: bool,
    near: near::Near,
}

impl Account {
    /// The next line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if self.seen >= LINES || self.facts.len() >= MOST {
            return;
        }
        let headed = line.at.is_some() || line.program.is_some();
        let (item, listed) = if headed {
            (line.body, false)
        } else {
            listed::item(line.body)
        };
        let (text, helps) = match (!headed).then(|| listed::cure(item)).flatten() {
            Some(cure) => (cure, true),
            None => (item, listed && self.cures),
        };
        if headed || !is_prose(text, !self.open.is_empty() && !listed) {
            self.close();
            if !headed && self.scenes.listens() && text.len() < SENTENCE {
                for complaint in self.scenes.sentence("", &plain(text), false) {
                    self.complain(&place(), complaint, "");
                }
            }
            if !line.body.trim().is_empty() {
                self.before.clear();
                self.earlier.clear();
                self.cures = !headed && listed::heads_cures(line.body);
            }
            return;
        }
        self.seen += 1;
        if listed || helps {
            self.close();
        } else {
            self.cures = listed::heads_cures(line.body);
        }
        for (at, (part, ends)) in parts(text).into_iter().enumerate() {
            if self.from.is_none() {
                self.from = Some(place());
                self.helps = helps && at == 0;
            }
            self.open.push(' ');
            self.open.push_str(part);
            if ends || self.open.len() > SENTENCE {
                self.close();
            }
        }
    }

    /// What people told.
    pub(crate) fn finish(mut self) -> Vec<Fact> {
        self.close();
        if self.troubled {
            self.facts.retain(
                |f| !matches!(f.what, Known::Complained { complaint, .. } if complaint == Complaint::AllWell),
            );
        }
        // Who is content with an old version compares it with none.
        if !self.troubled && !self.newer {
            self.facts.retain(
                |f| !matches!(f.what, Known::Complained { complaint, .. } if complaint == Complaint::WorksInOlderVersions),
            );
        }
        let near = self.near.translated_there();
        let of_no_avail = |complaint: Complaint| match complaint {
            // The policy for everything is meant so.
            Complaint::CutOff | Complaint::AccessLost => self.wanted,
            Complaint::GatewayFails => self.behind_fail,
            // A private address may be any other's.
            Complaint::TranslatedBeside => !near,
            _ => false,
        };
        self.facts.retain(
            |f| !matches!(f.what, Known::Complained { complaint, .. } if of_no_avail(complaint)),
        );
        self.facts
    }

    fn close(&mut self) {
        let Some(place) = self.from.take() else {
            return;
        };
        let sentence = plain(&self.open);
        let asks = self.open.trim_end().ends_with('?');
        self.near.sentence(&self.open, &sentence);
        self.open.clear();
        self.troubled |= holds(&sentence, TROUBLE);
        let ailed = self.ailing || ours::tells_of_before(&sentence);
        self.ailing |= ours::ails(&sentence);
        self.newer |= holds(&sentence, NEWER);
        self.wanted |= holds(&sentence, WANTED);
        self.behind_fail |= holds(&sentence, BEHIND) && holds(&sentence, BEHIND_FAIL)
            || holds(&sentence, FAR) && holds(&sentence, FAR_HAS);
        // Who lists all that there may be has seen none of it.
        let named = CAUSES
            .iter()
            .filter(|words| holds(&sentence, words))
            .count();
        let observed = if named < A_LIST { observed::TABLE } else { &[] };
        let mut fresh = Vec::new();
        for words in TABLE.iter().chain(observed) {
            let told = words.groups.iter().all(|g| holds(&sentence, g))
                && (words.unless.is_empty() || !holds(&sentence, words.unless))
                && (words.without.is_empty() || switched_off(&sentence, words.without))
                && !(words.experiment && (asks || !alone(words.complaint, &sentence)));
            if told {
                if trial(words.complaint) {
                    fresh.push(words.complaint);
                }
                self.complain(&place, words.complaint, &sentence);
            }
        }
        let scenes = self.scenes.sentence(&self.before, &sentence, asks);
        fresh.extend(&scenes);
        for complaint in sized::sized(&sentence).into_iter().chain(scenes) {
            self.complain(&place, complaint, &sentence);
        }
        let wonders = asks && holds(&sentence, "what |why |how |is there|does any|has any|any ");
        let taken_back = pinned::is_taken_back(&sentence) && !wonders;
        let doubted = taken_back || !wonders && ours::is_doubted(&sentence);
        // `Without the route nothing passes` says the same again.
        let routeless = holds(&sentence, ROUTELESS);
        let facts = &mut self.facts;
        self.told.retain_mut(|(complaint, since)| {
            let over = match *complaint {
                Complaint::WorksWithRoute => doubted && !routeless,
                of if trial(of) => doubted,
                of => ours::is_settled(&sentence) || !asks && scenes::explains(&sentence, of),
            };
            if over {
                facts.retain(|f| {
                    !matches!(f.what, Known::Complained { complaint: c, .. } if c == *complaint)
                });
            }
            *since += 1;
            !over && *since <= AFTER
        });
        self.told.extend(fresh.into_iter().map(|c| (c, 1)));
        if let Some((culprit, since)) = self.pinned.take() {
            let alone = pinned::counts_alone(culprit);
            if taken_back || alone && doubted {
                self.facts.retain(
                    |f| !matches!(f.what, Known::PinnedDown { culprit: c, .. } if c == culprit),
                );
            } else if alone || since < AFTER {
                self.pinned = Some((culprit, since.saturating_add(1)));
            }
        }
        if !asks && named < A_LIST {
            let told = pinned::Told {
                sentence: &sentence,
                before: &self.before,
                earlier: &format!("{}{}", self.earlier, self.before),
                helps: core::mem::take(&mut self.helps),
            };
            let vain = pinned::in_vain(&told);
            let ailed = |c: Culprit| ailed || !pinned::counts_alone(c);
            if let Some((culprit, by)) = pinned::pinned(&told).filter(|(c, _)| ailed(*c)) {
                self.pin(&place, culprit, by);
                self.pinned = Some((culprit, 1));
            }
            for culprit in vain {
                self.keep(&place, Known::TriedInVain { culprit });
            }
        }
        if self.ailing && self.pinned.is_none() {
            let by = if older::went_back(&sentence, asks) {
                Some(PinnedBy::Change)
            } else {
                older::is_of_one_version(&sentence, asks).then_some(PinnedBy::Look)
            };
            if let Some(by) = by {
                self.pin(&place, Culprit::NewVersion, by);
                self.pinned = Some((Culprit::NewVersion, 1));
            }
        }
        self.earlier = core::mem::replace(&mut self.before, sentence);
    }

    fn complain(&mut self, place: &Place, complaint: Complaint, sentence: &str) {
        let known =
            |f: &Fact| matches!(f.what, Known::Complained { complaint: c, .. } if c == complaint);
        if self.facts.iter().any(known) || self.facts.len() >= MOST {
            return;
        }
        self.facts.push(Fact {
            source: place.source.clone(),
            at: None,
            side: place.side,
            subject: None,
            role: None,
            what: Known::Complained {
                complaint,
                after_s: (complaint == Complaint::Periodic)
                    .then(|| period(sentence))
                    .flatten(),
            },
        });
    }

    fn pin(&mut self, place: &Place, culprit: Culprit, by: PinnedBy) {
        let pinned = |of: Culprit| {
            self.facts
                .iter()
                .any(|f| matches!(f.what, Known::PinnedDown { culprit: c, .. } if c == of))
        };
        // Another cipher is what the hardware doesn't do.
        if pinned(culprit) || pinned(Culprit::Offload) && pinned::is_cipher(culprit) {
            return;
        }
        self.keep(place, Known::PinnedDown { culprit, by });
    }

    fn keep(&mut self, place: &Place, what: Known) {
        if self.facts.len() >= MOST || self.facts.iter().any(|f| f.what == what) {
            return;
        }
        self.facts.push(Fact {
            source: place.source.clone(),
            at: None,
            side: place.side,
            subject: None,
            role: None,
            what,
        });
    }
}

/// Whether the trial that tells it, if one does, is all that was done.
fn alone(complaint: Complaint, sentence: &str) -> bool {
    match complaint {
        Complaint::LargeFails | Complaint::SmallPasses => ours::is_of_size(sentence),
        other => !trial(other) || ours::is_ours(sentence),
    }
}

const ROUTELESS: &str = "dropping the route|dropped the route|without the route|without that route|without a route|without this route|removing the route|removed the route|deleting the route|deleted the route|mark alone|marks alone|with a mark|with marks";

/// Whether it is a thing that was tried, and that nothing but its outcome speaks for.
fn trial(complaint: Complaint) -> bool {
    matches!(
        complaint,
        Complaint::WorksWithRoute
            | Complaint::WorksWithoutPolicies
            | Complaint::WorksWithoutOffload
    )
}

/// Small letters, words divided by one blank, apostrophes taken out, numbers that stand alone kept behind a `#`.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    out.push(' ');
    for c in text.chars() {
        if c.is_alphanumeric() {
            if c.is_ascii_digit() && out.ends_with(' ') {
                out.push('#');
            }
            out.extend(c.to_lowercase());
        } else if !matches!(c, '\'' | '’') && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.push(' ');
    out
}

/// Whether one of the alternatives begins a word of the sentence.
pub(crate) fn holds(sentence: &str, alternatives: &str) -> bool {
    alternatives
        .split('|')
        .any(|words| places(sentence, words).next().is_some())
}

/// Where in a sentence the words stand, at the beginning of a word: from, to.
pub(crate) fn places(sentence: &str, words: &str) -> impl Iterator<Item = (usize, usize)> {
    sentence
        .match_indices(words)
        .filter(|(at, _)| sentence.as_bytes().get(at.wrapping_sub(1)) == Some(&b' '))
        .map(|(at, found)| (at, at + found.len()))
}

/// Whether the sentence says of one of the things that it was switched off.
fn switched_off(sentence: &str, things: &str) -> bool {
    // How many words may stand between: `the offload of the card is disabled`, `without any firewall`.
    const FAR: usize = 4;
    const NEAR: usize = 1;
    let close = |from: usize, to: usize, most: usize| {
        sentence.get(from..to).is_some_and(|between| {
            // The rest of a word whose beginning was found.
            let rest = between.split_once(' ').map_or("", |(_, rest)| rest);
            let between = if between.starts_with(' ') {
                between
            } else {
                rest
            };
            let words = || between.split_whitespace();
            words().count() <= most
                && !words().any(|w| matches!(w, "and" | "with" | "but" | "or" | "then" | "while"))
        })
    };
    things
        .split('|')
        .flat_map(|t| places(sentence, t))
        .any(|thing| {
            let before =
                |off: &(usize, usize), most| off.1 <= thing.0 && close(off.1, thing.0, most);
            let behind =
                |off: &(usize, usize), most| thing.1 <= off.0 && close(thing.1, off.0, most);
            let of = |list: &'static [&'static str]| {
                list.iter().flat_map(|words| places(sentence, words))
            };
            of(OFF).any(|off| before(&off, FAR) || behind(&off, FAR) || off.0 == thing.0)
                || of(OFF_BEFORE).any(|off| before(&off, NEAR))
                || of(OFF_BEHIND).any(|off| behind(&off, NEAR + 1))
        })
}

/// The time in a sentence, in seconds.
fn period(sentence: &str) -> Option<u64> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    for (i, word) in words.iter().enumerate() {
        let unit = match *word {
            w if w.starts_with("second") || w == "sec" || w == "secs" || w == "s" => 1,
            w if w.starts_with("minute") || w == "min" || w == "mins" => 60,
            w if w.starts_with("hour") || w == "hrs" || w == "h" => 3600,
            w if w.starts_with("day") => 86400,
            _ => continue,
        };
        let before = i
            .checked_sub(1)
            .and_then(|i| words.get(i))
            .copied()
            .unwrap_or_default();
        // `it drops for a minute` tells how long that lasts.
        const BREAKS: [&str; 9] = [
            "drop",
            "down",
            "out",
            "lost",
            "stop",
            "gone",
            "dead",
            "offline",
            "disconnect",
        ];
        let back = |n: usize| i.checked_sub(n).and_then(|i| words.get(i));
        let breaks = |w: &&str| BREAKS.iter().any(|b| w.starts_with(b));
        if back(2) == Some(&"for") && back(3).is_some_and(breaks) {
            continue;
        }
        let count = match before {
            "every" | "each" | "an" | "a" | "one" => Some(1),
            "two" => Some(2),
            "three" => Some(3),
            "four" => Some(4),
            "five" => Some(5),
            "eight" => Some(8),
            "ten" => Some(10),
            "twelve" => Some(12),
            number => number.trim_start_matches('#').parse::<u64>().ok(),
        };
        if let Some(count) = count {
            return count.checked_mul(unit);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use adit_model::complaint::Complaint::{self, *};
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    use crate::reading::read;

    fn told(text: &str) -> Vec<(Complaint, Option<u64>)> {
        let reading = read(
            "mail",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        reading
            .facts
            .iter()
            .filter_map(|f| match f.what {
                Known::Complained { complaint, after_s } => Some((complaint, after_s)),
                _ => None,
            })
            .collect()
    }

    fn names(text: &str) -> Vec<Complaint> {
        let mut all: Vec<_> = told(text).into_iter().map(|(c, _)| c).collect();
        all.sort();
        all
    }

    #[test]
    fn a_symptom_is_heard_in_several_wordings() {
        for (text, expected) in [
            (
                "The tunnel is up but I can't ping anything on the other side.",
                NothingPasses,
            ),
            (
                "Both phases are established, however traffic does not pass.",
                NothingPasses,
            ),
            (
                "Traffic only flows in one direction, from the office to us.",
                OneWay,
            ),
            (
                "We can reach their servers but they cannot reach ours, i.e. it works from here but not from there",
                OneWay,
            ),
            (
                "With IPsec on, apps become unresponsive for large payloads.",
                LargeFails,
            ),
            (
                "SSH logs in and then hangs as soon as there is more output.",
                LargeFails,
            ),
            (
                "From 1400 octets on, the big packets never arrive at the other site.",
                LargeFails,
            ),
            (
                "Reducing the MTU of the pods to 1380 made it work.",
                LargeFails,
            ),
            (
                "Reducing the MTU of the pods to 1380 made it work.",
                SmallPasses,
            ),
            (
                "The throughput is only 40 Mbit/s where the line gives 900.",
                Slow,
            ),
            (
                "The VPN works but it goes down when a rekey takes place.",
                AtRekey,
            ),
            (
                "After a reboot of the host the tunnel does not come up until I start it by hand.",
                AfterRestart,
            ),
            (
                "The other firewall was restarted at nine and since then nothing works.",
                AfterPeerRestart,
            ),
            ("It only comes up when they initiate.", OneSideBegins),
            ("Only one of the subnets can be reached.", SomeNetworks),
            (
                "When a second client behind the same NAT connects, the first one is dropped.",
                SecondClientKicks,
            ),
            (
                "The instance itself can ping the office; but not from other instances.",
                GatewayOnly,
            ),
            ("After I restarted it I lost my ssh session.", AccessLost),
            (
                "I see in tcpdump that the traffic is not encrypted between the two hosts.",
                InClear,
            ),
            ("It works over LTE, but not at home.", OtherAccessWorks),
            (
                "As soon as the ESP offload of the card is disabled everything works.",
                WorksWithoutOffload,
            ),
            (
                "After turning off SELinux on the gateway it works.",
                WorksWithoutConfinement,
            ),
            (
                "I disabled PFS on our side and that fixed it.",
                WorksWithoutPfs,
            ),
            (
                "With forceencaps=yes on both ends it works fine.",
                WorksInUdp,
            ),
            (
                "When we stopped ufw on the server it worked at once.",
                WorksWithoutFirewall,
            ),
            (
                "All tunnels went down when we changed one of them.",
                AllTunnels,
            ),
            (
                "When the client roams to LTE the server still sends its ESP to the old address.",
                OldAddressKept,
            ),
            (
                "The NAT gave it another port, and the gateway keeps sending to the old port.",
                OldAddressKept,
            ),
        ] {
            assert!(names(text).contains(&expected), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn how_often_it_breaks_is_read_too() {
        assert_eq!(
            told("The VPN drops every 8 hours for some seconds."),
            [(Periodic, Some(28_800))]
        );
        assert_eq!(
            told("It disconnects every hour on the hour."),
            [(Periodic, Some(3_600))]
        );
    }

    #[test]
    fn a_sentence_may_go_on_over_lines() {
        let text = "The vpn tunnel to the branch is established\nbut since this morning no traffic\nreaches the other side.\n";
        assert!(names(text).contains(&NothingPasses));
    }

    #[test]
    fn what_did_not_help_says_nothing() {
        for text in [
            "I disabled the firewall on the server but it doesn't work.",
            "We have tried it without PFS, no difference at all to what it was when it worked.",
            "You might try whether turning off SELinux helps, as it is often at fault.",
            "Disabling SELinux hasn't helped.",
            "Disabling SELinux hasn't solved it for us, so the daemon is not allowed what it needs.",
            "I switched off ufw but it isn't fixed.",
            "I switched off ufw and it still needs to be fixed.",
            "With PFS enabled it works without problems.",
            "With PFS it works fine without a problem on all of the other boxes.",
            "I disabled DPD, and with PFS it works fine.",
            "With DPD disabled and PFS enabled it works fine.",
            "Has anyone fixed this by disabling the firewall on the host?",
            "Is it so that it works fine without PFS?",
            "The firewall stopped the ping of the other side until we fixed its route.",
        ] {
            assert!(
                !names(text).iter().any(|c| {
                    matches!(
                        c,
                        WorksWithoutFirewall | WorksWithoutPfs | WorksWithoutConfinement
                    )
                }),
                "{text}: {:?}",
                names(text)
            );
        }
    }

    #[test]
    fn what_is_off_stands_beside_its_name() {
        for (text, expected) in [
            (
                "It works fine for us without PFS on both of the sides.",
                WorksWithoutPfs,
            ),
            (
                "Once PFS is off it works for all of the networks.",
                WorksWithoutPfs,
            ),
            (
                "With SELinux set to permissive everything works.",
                WorksWithoutConfinement,
            ),
            (
                "Stopping the firewall on the gateway solved it.",
                WorksWithoutFirewall,
            ),
            (
                "As soon as offload was turned off it worked.",
                WorksWithoutOffload,
            ),
        ] {
            assert!(names(text).contains(&expected), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn a_ping_that_passes_passes_the_tunnel_only_where_it_says_so() {
        let text = "We can ping the peer. Quick mode fails with a payload error.";
        assert!(!names(text).contains(&SmallPasses), "{:?}", names(text));
        assert!(!names(text).contains(&LargeFails), "{:?}", names(text));
        for text in [
            "The tunnel is up and we can ping hosts on the other side.",
            "We can ping the servers but large files hang.",
            "A ping works, an ssh login is fine too but hangs on ls.",
        ] {
            assert!(
                names(text).contains(&SmallPasses),
                "{text}: {:?}",
                names(text)
            );
        }
    }

    #[test]
    fn a_message_that_a_person_quotes_is_the_programs() {
        let text = "It drops the connection because of this error: `no trusted RSA public key found for 'gw.example.org'`.\n";
        let reading = read(
            "mail",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        assert!(
            reading
                .facts
                .iter()
                .any(|f| matches!(f.what, Known::Happened { .. } | Known::Sign { .. })),
            "{:?}",
            reading.facts
        );
    }

    #[test]
    fn what_programs_print_is_no_complaint() {
        for text in [
            "Nov 21 10:00:00 gw charon: 07[IKE] the tunnel is up but no traffic was seen for 30 s, the peer is not reached\n",
            "conn slow\n    left=10.0.0.1\n    rekey=no\n",
            "000 \"a\": every 8 hours drop\n",
            "$ ping -M do -s 1400 10.0.0.1\nping: large packets are dropped [1]\n",
        ] {
            assert_eq!(names(text), [], "{text}");
        }
    }
}
