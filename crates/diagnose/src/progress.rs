//! Whether what a line says still stood when the attempt went on, and whom it concerns.

use adit_model::event::{Happening, MessageInfo, PathProblem};
use adit_model::fact::{Fact, Known, Side};
use adit_model::host::HostState;
use adit_model::listed::Stage;
use adit_model::phase::Phase;
use adit_model::sign::Sign;

use crate::seen::{Seen, before};
use crate::signals::{Signals, Unreachable};
use crate::verdict::Evidence;

/// Where the authentication of the user ended.
pub(crate) struct UserRefused<'a> {
    /// The message that ended it.
    pub(crate) fact: &'a Fact,
    /// Who checks users.
    pub(crate) checker: Side,
    /// The message with which that side had proved itself before.
    pub(crate) proof: Option<&'a Fact>,
    /// What a server of Windows says that it was.
    pub(crate) status: Option<&'static str>,
}

/// What Windows' remote access says of a user in a notify of its own (type 12345), by the numbers of its error codes
/// (raserror.h).
fn user_status(m: &MessageInfo) -> Option<&'static str> {
    let code = m.payloads.iter().find_map(|p| {
        p.strip_prefix("N(MS_STATUS(")?
            .strip_suffix("))")?
            .parse()
            .ok()
    })?;
    Some(match code {
        646_u16 => "646, the account may not log on at this time",
        647 => "647, the account is disabled",
        648 => "648, the password has expired",
        649 => "649, the account has no permission to dial in",
        691 => {
            "691, the name or the password isn't accepted, or the method isn't permitted for the account"
        }
        709 => "709, the password couldn't be changed",
        812 => {
            "812, a policy of the server forbids it: the method, the group or the conditions of the account"
        }
        919 => "919, the server refused the method",
        930 => "930, the server that checks users (RADIUS) didn't answer in time",
        _ => return None,
    })
}

impl<'a> Signals<'a> {
    /// EAP ended with a failure, AUTHENTICATION_FAILED answered a message that carries EAP (RFC 7296 2.16), or a server of
    /// Windows says what is wrong with the user.
    pub(crate) fn user_refused(&self) -> Option<UserRefused<'a>> {
        let eap = |m: &MessageInfo, kind: &str| m.payloads.iter().any(|p| p.starts_with(kind));
        for side in [Side::Local, Side::Remote] {
            let (mut asked, mut proof) = (false, None);
            let refused = |fact, checker, proof, status| {
                Some(UserRefused {
                    fact,
                    checker,
                    proof,
                    status,
                })
            };
            for (fact, happening) in self.happenings(side) {
                match happening {
                    Happening::Sent(m) if m.exchange == "IKE_AUTH" => {
                        if m.response && eap(m, "EAP/FAIL") {
                            return refused(fact, side, proof, None);
                        }
                        asked = !m.response && m.message_id > 1 && eap(m, "EAP/RES");
                        if m.response && m.payloads.iter().any(|p| p == "AUTH") {
                            proof = Some(fact);
                        }
                    }
                    Happening::Received(m) if m.exchange == "IKE_AUTH" && m.response => {
                        let checker = side.other();
                        let status = user_status(m);
                        if eap(m, "EAP/FAIL") || status.is_some() {
                            return refused(fact, checker, proof, status);
                        }
                        if m.payloads.iter().any(|p| p == "AUTH") {
                            proof = Some(fact);
                        }
                        let failed = m.payloads.iter().any(|p| p == "N(AUTHENTICATION_FAILED)");
                        if asked && failed {
                            return refused(fact, checker, proof, None);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

impl Signals<'_> {
    /// The side went on after the line: it heard from its peer, so what the line says didn't stop it.
    pub(crate) fn went_on(&self, seen: Seen<'_>) -> bool {
        self.happenings(seen.side()).any(|(fact, happening)| {
            let heard = matches!(
                happening,
                Happening::Received(_)
                    | Happening::PeerRefused { .. }
                    | Happening::IkeEstablished { .. }
                    | Happening::ChildEstablished { .. }
                    | Happening::PeerAlive
            );
            heard
                && match (fact.source.line, seen.fact.source.line) {
                    (Some(fact_line), Some(seen_line))
                        if fact.source.name == seen.fact.source.name =>
                    {
                        fact_line > seen_line
                    }
                    _ => true,
                }
        })
    }

    /// Traffic got an SA after the line, and that one was lost for another reason: what ended it isn't what the line says.
    pub(crate) fn came_up_and_fell(&self, seen: Seen<'_>) -> bool {
        let (mut up, mut fell): (Vec<&Fact>, Vec<&Fact>) = (Vec::new(), Vec::new());
        for fact in self.case.of(seen.side()) {
            match &fact.what {
                Known::Happened {
                    happening: Happening::ChildEstablished { .. },
                }
                | Known::Sign {
                    sign: Sign::SecondPhaseDone,
                    ..
                } => up.push(fact),
                Known::Happened {
                    happening: Happening::GaveUp { .. } | Happening::IkeClosed { .. },
                }
                | Known::Sign {
                    sign:
                        Sign::PeerDeclaredDead
                        | Sign::PeerDeleted
                        | Sign::NegotiationTimedOut
                        | Sign::FirstMessageUnanswered,
                    ..
                } => fell.push(fact),
                _ => {}
            }
        }
        let mut later = up.iter().filter(|up| before(seen.fact, up));
        later.any(|up| fell.iter().any(|fell| before(up, fell)))
    }

    /// The side itself began to set up a tunnel after the line, other than those of these names: its daemon runs, and has
    /// what it begins.
    pub(crate) fn began_later(&self, seen: Seen<'_>, names: &[&str]) -> bool {
        self.ever_happened(seen.side()).any(|(fact, happening)| {
            matches!(happening, Happening::Initiating { .. })
                && before(seen.fact, fact)
                && !fact
                    .subject
                    .as_deref()
                    .is_some_and(|of| names.contains(&of))
        })
    }

    /// The side's daemon worked after the line: what the line says of it was over.
    pub(crate) fn ran_later(&self, seen: Seen<'_>) -> bool {
        self.happenings(seen.side())
            .any(|(fact, _)| before(seen.fact, fact))
    }

    /// What these lines say was said when the daemon started, and nothing in the evidence got as far as using a
    /// credential: the first exchange is all there is, and the next message would have to come from the other side.
    pub(crate) fn of_loading_alone(&self, lines: &[Evidence]) -> bool {
        let mut said = lines.iter().map(|line| {
            let is = |seen: &&Seen<'_>| {
                seen.fact.source.name == line.source && seen.fact.source.line == line.line
            };
            self.signs.iter().find(is)
        });
        // Who puts a line before a log, without its time and its head, means it.
        let apart = |line: &Fact| {
            let headed = ["[CFG]", "[LIB]"];
            line.at.is_none()
                && !headed.iter().any(|h| line.source.text.contains(h))
                && self
                    .ever_happened(line.side)
                    .any(|(f, _)| f.source.name == line.source.name && f.at.is_some())
        };
        !lines.is_empty()
            && said.all(|seen| {
                seen.is_some_and(|x| {
                    !apart(x.fact) && self.before_all(x.fact) && self.ends_before_proof(x.side())
                })
            })
    }

    fn ever_happened(&self, side: Side) -> impl Iterator<Item = (&Fact, &Happening)> {
        self.case.happenings().filter(move |(f, _)| f.side == side)
    }

    fn before_all(&self, line: &Fact) -> bool {
        self.ever_happened(line.side)
            .filter(|(f, _)| f.source.name == line.source.name)
            .all(|(f, _)| f.source.line > line.source.line)
    }

    fn ends_before_proof(&self, side: Side) -> bool {
        let (mut first, mut ours) = (false, false);
        for (_, happening) in self.ever_happened(side) {
            match happening {
                // Who asked goes on after the answer; who is asked only answers.
                Happening::Sent(m) if m.phase() == Some(Phase::First) => {
                    (first, ours) = (true, false);
                }
                Happening::Received(m) if m.phase() == Some(Phase::First) => {
                    (first, ours) = (true, m.response);
                }
                Happening::Sent(_)
                | Happening::Received(_)
                | Happening::Refused { .. }
                | Happening::IkeEstablished { .. }
                | Happening::ChildEstablished { .. } => return false,
                Happening::PeerRefused { what, .. } if !what.contains("IKE_SA_INIT") => {
                    return false;
                }
                _ => {}
            }
        }
        first && !ours
    }

    /// Our host refuses to send, each time and for a reason that lasts, so that nothing of ours ever left it: the last
    /// such send.
    pub(crate) fn nothing_left(&self) -> Option<&Unreachable<'_>> {
        // EPERM, EACCES, ENODEV, EINVAL, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH.
        const LASTS: [i32; 7] = [1, 13, 19, 22, 99, 100, 101];
        let (mut tries, mut failed) = (0, 0);
        for (_, happening) in self.happenings(Side::Local) {
            match happening {
                Happening::Sent(_) | Happening::Retransmitted { .. } => tries += 1,
                Happening::PathFailed {
                    problem: PathProblem::LocalSend(errno),
                    ..
                } if LASTS.contains(errno) => failed += 1,
                Happening::Received(_)
                | Happening::PeerRefused { .. }
                | Happening::UnprotectedNotify { .. } => return None,
                _ => {}
            }
        }
        // The last try may have been cut off from what came of it.
        let all = failed > 0 && tries > 0 && failed + 1 >= tries && (failed > 1 || tries == 1);
        let here = |u: &&Unreachable<'_>| matches!(u.problem, PathProblem::LocalSend(_));
        self.unreachable.iter().rev().find(here).filter(|_| all)
    }

    /// An exchange was refused for a reason that is told, so the peers hear each other.
    pub(crate) fn refused_or_told(&self) -> bool {
        !self.refused.is_empty() || !self.told.is_empty()
    }

    /// Whether lines about IKE name the address.
    pub(crate) fn names(&self, address: &str) -> bool {
        !address.is_empty()
            && self
                .case
                .facts
                .iter()
                .any(|f| matches!(f.what, Known::Happened { .. }) && holds(&f.source.text, address))
    }

    /// Whether an address that no line about IKE names answered an echo: a host behind the tunnel.
    pub(crate) fn inner_echo(&self, answered: bool) -> Option<(&Fact, &str)> {
        self.echoes(answered).find(|(_, to)| !self.names(to))
    }

    /// Whether the peer's gateway itself answered an echo that somebody sent by hand.
    pub(crate) fn outer_echo(&self, answered: bool) -> Option<(&Fact, &str)> {
        self.echoes(answered).find(|(_, to)| self.names(to))
    }

    fn echoes(&self, answered: bool) -> impl Iterator<Item = (&Fact, &str)> {
        self.case.facts.iter().filter_map(move |f| match &f.what {
            Known::Host { state } => match &**state {
                HostState::Ping {
                    to, sent, received, ..
                } if *sent > 0 && (*received > 0) == answered => Some((f, to.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// The side's tunnel is up or its peer was heard, on the port that ESP in UDP uses too.
    pub(crate) fn heard(&self, side: Side) -> bool {
        self.up || self.received(side).is_some()
    }
}

/// Whether `text` holds `word` with nothing joined to it that would make it another address.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let joined = |c: char| c.is_ascii_alphanumeric();
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(|c| joined(c) || c == '.') && !after.is_some_and(joined)
    })
}

/// The port at the end of `203.0.113.1/500`, `outside:203.0.113.1/500` or `203.0.113.1:500`.
pub(crate) fn port_of(endpoint: &str) -> Option<u16> {
    endpoint
        .trim_end_matches([',', '.', ';'])
        .rsplit_once(['/', ':'])
        .and_then(|(_, port)| port.parse().ok())
}

/// Whether what a filter dropped came from somebody whom nothing else names, while a tunnel is listed as up: whoever has an
/// address is scanned.
pub(crate) fn is_strangers(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let listed = |side: Side| {
        s.case
            .of(side)
            .any(|f| matches!(&f.what, Known::Listed { sa } if sa.stage == Stage::Up))
    };
    let from = seen.value("source").unwrap_or("");
    let named = s.case.facts.iter().any(|f| {
        let drop = matches!(
            f.what,
            Known::Sign {
                sign: Sign::UdpDropped,
                ..
            }
        );
        !drop && holds(&f.source.text, from)
    });
    listed(seen.side()) && !from.is_empty() && !named
}

/// The port that a line of a filter is about: named, or at the end of its destination.
pub(crate) fn filtered_port(seen: Seen<'_>) -> Option<u16> {
    seen.value("port")
        .and_then(|p| p.parse().ok())
        .or_else(|| seen.value("destination").and_then(port_of))
}

/// Whether a port is IKE's: 500, or 4500 once a NAT was found.
pub(crate) fn is_ike(port: u16) -> bool {
    matches!(port, 500 | 4500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_whole() {
        assert!(holds("sending to 192.0.2.1[500]", "192.0.2.1"));
        assert!(!holds("sending to 192.0.2.10[500]", "192.0.2.1"));
        assert!(!holds("sending to 1192.0.2.1", "192.0.2.1"));
    }

    #[test]
    fn ports_stand_at_the_end() {
        assert_eq!(port_of("outside:203.0.113.1/500"), Some(500));
        assert_eq!(port_of("203.0.113.1:4500,"), Some(4500));
        assert_eq!(port_of("203.0.113.1"), None);
    }
}
