//! Signs: what lines say outside of exchanges, as rules ask for them.

use core::net::{IpAddr, SocketAddr};

use adit_model::event::{Happening, Party};
use adit_model::fact::{Fact, Known, Side};
use adit_model::sign::Sign;

use crate::let_in::is_let_in;
use crate::numbered::Numbered;
use crate::overcome::{is_of_first_phase, is_overcome};
use crate::signals::{Signals, who};

/// A sign, and the line that gave it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) sign: Sign,
}

impl<'a> Seen<'a> {
    /// Whose evidence it is.
    pub(crate) fn side(self) -> Side {
        self.fact.side
    }

    /// Whose evidence it is, in a sentence.
    pub(crate) fn who(self) -> &'static str {
        who(self.fact.side)
    }

    /// A value in it, by the name that [`Sign`] gives it.
    pub(crate) fn value(self, name: &str) -> Option<&'a str> {
        match &self.fact.what {
            Known::Sign { values, .. } => values.get(name).map(String::as_str),
            _ => None,
        }
    }

    /// What it says, without when, where and by which program: for a sentence.
    pub(crate) fn said(self) -> &'a str {
        without_head(&self.fact.source.text)
    }

    /// A value in it, or `otherwise`.
    pub(crate) fn value_or(self, name: &str, otherwise: &'a str) -> &'a str {
        self.value(name).unwrap_or(otherwise)
    }
}

impl<'a> Signals<'a> {
    /// The last line that says so, since the tunnel was up last; or ever, for what lasts.
    pub(crate) fn sign(&self, sign: Sign) -> Option<Seen<'a>> {
        self.signs.iter().rev().copied().find(|s| s.sign == sign)
    }

    /// The last line that says one of these, the first named sign first.
    pub(crate) fn first_sign(&self, signs: &[Sign]) -> Option<Seen<'a>> {
        signs.iter().find_map(|sign| self.sign(*sign))
    }

    /// No exchange is known to have failed, so that a condition of the host may be what is wrong.
    pub(crate) fn calm(&self) -> bool {
        self.refused.is_empty()
            && self.told.is_empty()
            && self.silences.is_empty()
            && self.unreachable.is_empty()
            && !self.signs.iter().any(|x| {
                matches!(
                    x.sign,
                    Sign::ChildFailed
                        | Sign::AuthenticationRefusedByPeer
                        | Sign::ProposalsRefusedByPeer
                        | Sign::FirstProposalsRefusedByPeer
                        | Sign::FirstExchangeRefused
                        | Sign::ChildRequestRefused
                        | Sign::PeerDeclaredDead
                )
            })
    }

    /// Whether something that `pick` picks happened on the same side after the line.
    pub(crate) fn overtaken(&self, seen: Seen<'_>, pick: impl Fn(&Happening) -> bool) -> bool {
        self.happenings(seen.side())
            .any(|(fact, happening)| pick(happening) && before(seen.fact, fact))
    }

    /// Whether traffic had its SA once, and the other side took it back, before the line was said: what the kernel says
    /// of what is left over isn't what made the other side give up.
    pub(crate) fn comes_after_the_end(&self, seen: Seen<'_>) -> bool {
        let earlier = |pick: &dyn Fn(&Happening) -> bool| {
            self.case.facts.iter().any(|f| match &f.what {
                Known::Happened { happening } => pick(happening) && before(f, seen.fact),
                _ => false,
            })
        };
        earlier(&|h| matches!(h, Happening::ChildEstablished { .. }))
            && earlier(&|h| {
                matches!(
                    h,
                    Happening::ChildClosed {
                        by: Party::Peer,
                        ..
                    } | Happening::IkeClosed {
                        by: Party::Peer,
                        ..
                    }
                )
            })
    }

    /// Requests of another peer's second phase are read and compared on that side: they come with the right key, and who
    /// sends something else isn't the one that matters.
    fn reads_second_phase(&self, seen: Seen<'_>) -> bool {
        let peer = seen.value("peer").and_then(|p| p.parse().ok());
        let of_another = |x: &Seen<'_>| {
            let hosts = hosts(&x.fact.source.text);
            !hosts.is_empty() && peer.is_some_and(|peer| !hosts.contains(&peer))
        };
        seen.value("peer").is_some()
            && self.signs.iter().any(|x| {
                x.side() == seen.side()
                    && of_another(x)
                    && matches!(
                        x.sign,
                        Sign::EspProposalRefused
                            | Sign::TrafficRefused
                            | Sign::PfsDiffers
                            | Sign::ModeDiffers
                            | Sign::ChildFailed
                    )
            })
    }

    /// A message that decrypted to nonsense before the IKE SA stood: after that the keys have proved themselves.
    pub(crate) fn nonsense(&self) -> Option<Seen<'a>> {
        self.sign(Sign::DecryptedToNonsense).filter(|seen| {
            seen.value("method") != Some("certificate")
                && !self.reads_second_phase(*seen)
                && !self.happenings(seen.side()).any(|(fact, h)| {
                    matches!(h, Happening::IkeEstablished { .. }) && before(fact, seen.fact)
                })
        })
    }

    /// The peer takes no proposal after phase 1 came up, as products say it that don't name the phase: what says the one,
    /// and what says the other.
    pub(crate) fn refused_behind_first_phase(&self) -> Option<(&'a Fact, &'a Fact)> {
        let refused = self.sign(Sign::ProposalsRefusedByPeer)?.fact;
        // What a line says of one peer is nothing that another has done.
        let of_same = |done: &Fact| {
            let (done, refused) = (hosts(&done.source.text), hosts(&refused.source.text));
            done.is_empty() || refused.iter().all(|host| done.contains(host))
        };
        let established = self
            .case
            .happenings()
            .filter_map(|(f, h)| matches!(h, Happening::IkeEstablished { .. }).then_some(f));
        let done = self
            .signs_of(Sign::FirstPhaseDone)
            .map(|x| x.fact)
            .chain(established)
            .find(|done| done.side == refused.side && !before(refused, done) && of_same(done))?;
        Some((done, refused))
    }

    /// Every line that says so.
    pub(crate) fn signs_of(&self, sign: Sign) -> impl Iterator<Item = Seen<'a>> + '_ {
        self.signs.iter().copied().filter(move |s| s.sign == sign)
    }
}

impl<'a> Signals<'a> {
    /// Every line that says so, also from before the tunnel was up last: for what comes and goes.
    pub(crate) fn ever(&self, sign: Sign) -> Vec<Seen<'a>> {
        self.case
            .facts
            .iter()
            .filter_map(|fact| match &fact.what {
                Known::Sign { sign: said, .. } if *said == sign => Some(Seen { fact, sign }),
                _ => None,
            })
            .collect()
    }
}

/// Every sign of a case that counts: `successes` are the happenings with which the tunnel came up last.
pub(crate) fn signs<'a>(facts: &'a [Fact], successes: &[&Fact]) -> Vec<Seen<'a>> {
    let all: Vec<Seen<'a>> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            Known::Sign { sign, .. } => Some(Seen { fact, sign: *sign }),
            _ => None,
        })
        .filter(|seen| seen.sign.lasts() || !successes.iter().any(|up| before(seen.fact, up)))
        .collect();
    let up: Vec<&Fact> = all
        .iter()
        .filter(|seen| seen.sign == Sign::SecondPhaseDone)
        .map(|seen| seen.fact)
        .collect();
    let let_in: Vec<&Fact> = all
        .iter()
        .filter(|seen| seen.sign == Sign::UserLetIn)
        .map(|seen| seen.fact)
        .collect();
    let first = all
        .iter()
        .filter(|seen| matches!(seen.sign, Sign::FirstPhaseDone | Sign::SecondPhaseDone));
    let either: Vec<&Fact> = first.map(|seen| seen.fact).collect();
    let of = Numbered::new(&all);
    let stands = |seen: &Seen<'_>| {
        let done = if is_of_first_phase(seen.sign) {
            &either
        } else {
            &up
        };
        !is_overcome(*seen, done, &of) && !is_let_in(*seen, &let_in)
    };
    all.iter().copied().filter(stands).collect()
}

/// Whether `a` is known to have been said before `b` by the same side.
pub(crate) fn before(a: &Fact, b: &Fact) -> bool {
    if a.side != b.side {
        return false;
    }
    // A log may show its newest line first, so times come before lines.
    if let (Some(a), Some(b)) = (a.at, b.at)
        && a != b
    {
        return a < b;
    }
    if a.source.name == b.source.name
        && let (Some(a), Some(b)) = (a.source.line, b.source.line)
    {
        return a < b;
    }
    false
}

/// The addresses that a line names, with or without a port.
pub(crate) fn hosts(text: &str) -> Vec<IpAddr> {
    text.split("...")
        .flat_map(|part| part.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':')))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter_map(|word| {
            let socket = || Some(word.parse::<SocketAddr>().ok()?.ip());
            word.parse().ok().or_else(socket)
        })
        .collect()
}

/// A line without what syslog, journald and daemons put before their words: the time, the host, the program with its
/// number and, of charon, the thread and the part that speaks.
fn without_head(line: &str) -> &str {
    let mut rest = line.trim();
    let program = rest.find("]: ").filter(|at| {
        let (head, number) = rest[..*at].rsplit_once('[').unwrap_or_default();
        head.len() <= 72 && head.contains(':') && number.bytes().all(|b| b.is_ascii_digit())
    });
    if let Some(at) = program {
        rest = &rest[at + 3..];
    }
    if let Some((head, words)) = rest.split_once("] ") {
        let (thread, part) = head.split_once('[').unwrap_or_default();
        let of_charon = thread.trim().bytes().all(|b| b.is_ascii_digit())
            && part.len() == 3
            && part.bytes().all(|b| b.is_ascii_uppercase());
        if of_charon {
            rest = words;
        }
    }
    rest.trim_start()
}

#[cfg(test)]
mod tests {
    use super::without_head;

    #[test]
    fn a_sentence_gets_the_words_alone() {
        let words = "unable to create IPv4 routing table rule";
        for line in [
            words,
            "Apr 27 03:23:47 gw charon-systemd[1398]: unable to create IPv4 routing table rule",
            "2026-04-27T03:23:47+02:00 gw charon[7]: 00[KNL] unable to create IPv4 routing table rule",
            "00[KNL] unable to create IPv4 routing table rule",
            "  07[KNL]  unable to create IPv4 routing table rule ",
        ] {
            assert_eq!(without_head(line), words, "{line}");
        }
        // What merely looks like it stays whole.
        for line in [
            "policy[3]: refused",
            "[::1]: no route to host",
            "\"office\"[2] 192.0.2.1 #7: proposal refused",
        ] {
            assert_eq!(without_head(line), line);
        }
    }
}
