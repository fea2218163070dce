//! A case as rules look at it: the attempt in question, sorted by kind.

mod probes;

use std::net::IpAddr;

use adit_model::announced::Announced;
use adit_model::connection::{AuthKind, Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, MessageInfo, Party, PathProblem};
use adit_model::fact::{Case, Fact, Known, Probe, ProbeOutcome, Side};
use adit_model::identity::Identity;
use adit_model::peer_config::Place;
use adit_model::phase::Phase;
use adit_model::product::Product;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::attempt::courses;
use crate::refused::{REKEYING_IKE, is_rekeying};
use crate::seen::{Seen, signs};
use crate::verdict::Evidence;

pub(crate) use self::probes::TestPackets;

/// Numbers of the notifies that rules ask for (RFC 7296 3.10.1).
pub(crate) mod notify {
    pub(crate) const UNSUPPORTED_CRITICAL_PAYLOAD: u16 = 1;
    pub(crate) const INVALID_MAJOR_VERSION: u16 = 5;
    /// In IKEv1 INVALID_EXCHANGE_TYPE: the type of the exchange isn't known or not allowed.
    pub(crate) const INVALID_EXCHANGE_TYPE: u16 = 7;
    /// In IKEv2.
    pub(crate) const INVALID_SYNTAX: u16 = 7;
    pub(crate) const NO_PROPOSAL_CHOSEN: u16 = 14;
    /// IKEv1: the message can't be read.
    pub(crate) const PAYLOAD_MALFORMED: u16 = 16;
    pub(crate) const INVALID_KE_PAYLOAD: u16 = 17;
    /// IKEv1: an identity of phase 1, or the networks of phase 2 (RFC 2408 3.14.1).
    pub(crate) const INVALID_ID_INFORMATION: u16 = 18;
    /// IKEv1: the proof of an identity isn't right.
    pub(crate) const INVALID_HASH_INFORMATION: u16 = 23;
    pub(crate) const AUTHENTICATION_FAILED: u16 = 24;
    /// IKEv1: the type of the exchange isn't supported.
    pub(crate) const UNSUPPORTED_EXCHANGE_TYPE: u16 = 29;
    pub(crate) const SINGLE_PAIR_REQUIRED: u16 = 34;
    pub(crate) const NO_ADDITIONAL_SAS: u16 = 35;
    pub(crate) const INTERNAL_ADDRESS_FAILURE: u16 = 36;
    pub(crate) const FAILED_CP_REQUIRED: u16 = 37;
    pub(crate) const TS_UNACCEPTABLE: u16 = 38;
    pub(crate) const UNACCEPTABLE_ADDRESSES: u16 = 40;
    pub(crate) const UNEXPECTED_NAT_DETECTED: u16 = 41;
    pub(crate) const TEMPORARY_FAILURE: u16 = 43;
    pub(crate) const STATE_NOT_FOUND: u16 = 47;
    pub(crate) const TICKET_NACK: u16 = 16_412;
}

/// A side refused something.
pub(crate) struct Refused<'a> {
    pub(crate) fact: &'a Fact,
    /// What it is about, as the event names it.
    pub(crate) about: &'a str,
    /// Who refused.
    pub(crate) side: Side,
    pub(crate) refusal: &'a Refusal,
    /// It answers a request to replace an SA that is up.
    pub(crate) rekeying: bool,
}

/// A side was refused something, and knows only the notify.
pub(crate) struct Told<'a> {
    pub(crate) fact: &'a Fact,
    /// Who was told.
    pub(crate) side: Side,
    pub(crate) notify: u16,
    pub(crate) name: &'a str,
    /// The notify came unprotected, or in the first exchange.
    pub(crate) init: bool,
    /// It is about identities and keys of IKEv1's phase 1, whatever its number.
    pub(crate) v1_auth: bool,
    /// It answers a request of IKEv1 for an address.
    pub(crate) v1_config: bool,
    /// It answers a request to replace an SA that is up.
    pub(crate) rekeying: bool,
    /// It answers a request to replace the IKE SA.
    pub(crate) ike: bool,
    /// It answers a request for a CHILD SA: IKE_AUTH apart, nothing else can be meant.
    pub(crate) child: bool,
    pub(crate) data: &'a str,
    pub(crate) asked: Option<&'a Asked>,
    /// IKE version of the header; 0 where it isn't told.
    pub(crate) version: u8,
}

/// Requests without an answer.
pub(crate) struct Silence<'a> {
    pub(crate) facts: Vec<&'a Fact>,
    /// Whose requests.
    pub(crate) side: Side,
    pub(crate) exchange: &'a str,
    /// The side stopped waiting; otherwise it still repeats.
    pub(crate) given_up: bool,
}

/// An ICMP error or a refused send.
pub(crate) struct Unreachable<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) problem: PathProblem,
    pub(crate) offender: Option<IpAddr>,
    pub(crate) port: Option<u16>,
}

/// What NAT detection said, from one side's point of view.
#[derive(Clone, Copy)]
pub(crate) struct Nat<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) side: Side,
    pub(crate) local_behind: bool,
    pub(crate) remote_behind: bool,
    pub(crate) peer_supports: bool,
}

/// What a case says about the attempt in question.
pub(crate) struct Signals<'a> {
    pub(crate) case: &'a Case,
    pub(crate) up: bool,
    pub(crate) facts: Vec<&'a Fact>,
    pub(crate) refused: Vec<Refused<'a>>,
    pub(crate) told: Vec<Told<'a>>,
    pub(crate) silences: Vec<Silence<'a>>,
    pub(crate) unreachable: Vec<Unreachable<'a>>,
    pub(crate) nat: Vec<Nat<'a>>,
    /// What lines say outside of exchanges.
    pub(crate) signs: Vec<Seen<'a>>,
}

impl<'a> Signals<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        let courses = courses(case);
        let told_state = case.of(Side::Local).filter_map(|f| match f.what {
            Known::TunnelState { up } => Some(up),
            _ => None,
        });
        // What the gateway says about its tunnel now counts for more than what can be concluded.
        let up = told_state
            .last()
            .unwrap_or_else(|| courses.iter().any(|c| c.up));
        let successes: Vec<&Fact> = courses.iter().filter_map(|c| c.success).collect();
        let mut s = Signals {
            case,
            up,
            facts: courses.into_iter().flat_map(|c| c.facts).collect(),
            refused: Vec::new(),
            told: Vec::new(),
            silences: Vec::new(),
            unreachable: Vec::new(),
            nat: Vec::new(),
            signs: signs(&case.facts, &successes),
        };
        for fact in s.facts.clone() {
            if let Known::Happened { happening } = &fact.what {
                s.sort(fact, happening);
            }
        }
        s.pending(Side::Local);
        s.pending(Side::Remote);
        s.failed_probes();
        s
    }

    fn sort(&mut self, fact: &'a Fact, happening: &'a Happening) {
        let side = fact.side;
        match happening {
            Happening::Refused { what, refusal, .. } => self.refused.push(Refused {
                fact,
                about: what,
                side,
                refusal,
                rekeying: is_rekeying(what),
            }),
            Happening::PeerRefused {
                what,
                notify,
                name,
                data,
                asked,
            } => self.told.push(Told {
                fact,
                side,
                notify: *notify,
                name,
                init: what.contains("IKE_SA_INIT") || what == "IKEv1 phase 1",
                v1_auth: what == "IKEv1 authentication",
                v1_config: what == "IKEv1 mode config",
                rekeying: is_rekeying(what),
                ike: what == REKEYING_IKE,
                child: what.starts_with("CHILD_SA"),
                data,
                asked: Some(asked),
                version: 0,
            }),
            Happening::UnprotectedNotify {
                notify,
                name,
                version,
            } => self.told.push(Told {
                fact,
                side,
                notify: *notify,
                name,
                init: true,
                v1_auth: false,
                v1_config: false,
                rekeying: false,
                ike: false,
                child: false,
                data: "",
                asked: None,
                version: *version,
            }),
            Happening::GaveUp { exchange, .. } => self.silences.push(Silence {
                facts: vec![fact],
                side,
                exchange,
                given_up: true,
            }),
            Happening::PathFailed {
                problem,
                offender,
                remote_port,
            } if side == Side::Local => self.unreachable.push(Unreachable {
                fact,
                problem: *problem,
                offender: *offender,
                port: Some(*remote_port),
            }),
            Happening::NatDetection {
                local_behind_nat,
                remote_behind_nat,
                peer_supports,
            } => self.nat.push(Nat {
                fact,
                side,
                local_behind: *local_behind_nat,
                remote_behind: *remote_behind_nat,
                peer_supports: *peer_supports,
            }),
            _ => {}
        }
    }

    /// Requests that are still being repeated are silence too, when nothing came after them.
    fn pending(&mut self, side: Side) {
        if self.silences.iter().any(|s| s.side == side) {
            return;
        }
        let mut repeated: Option<Silence<'a>> = None;
        for (fact, happening) in self.happenings(side) {
            match happening {
                Happening::Retransmitted { exchange, .. } => {
                    let pending = repeated.get_or_insert_with(|| Silence {
                        facts: Vec::new(),
                        side,
                        exchange,
                        given_up: false,
                    });
                    pending.facts = vec![fact];
                }
                Happening::Received(m) if m.response => repeated = None,
                // What comes after an answer shows that it arrived.
                Happening::Received(m)
                    if repeated.as_ref().is_some_and(|r| {
                        r.exchange == "MR3" && m.phase() != Some(Phase::Authentication)
                    }) =>
                {
                    repeated = None;
                }
                Happening::PeerRefused { .. }
                | Happening::UnprotectedNotify { .. }
                | Happening::PeerAlive => repeated = None,
                // Who gives way after silence has met silence all the same.
                Happening::IkeClosed { cause, .. } if cause != "gave-way" => repeated = None,
                _ => {}
            }
        }
        self.silences.extend(repeated);
    }

    fn failed_probes(&mut self) {
        for fact in &self.case.facts {
            let Known::Probed { probe } = &fact.what else {
                continue;
            };
            let (outcome, port) = match probe {
                Probe::Echo { outcome, .. } => (outcome, None),
                Probe::IkeInit { outcome, port, .. } => (outcome, Some(*port)),
                _ => continue,
            };
            if let (ProbeOutcome::Failed(problem), Side::Local) = (outcome, fact.side) {
                self.unreachable.push(Unreachable {
                    fact,
                    problem: *problem,
                    offender: None,
                    port,
                });
            }
        }
    }

    /// Happenings of one side in the attempt in question.
    pub(crate) fn happenings(
        &self,
        side: Side,
    ) -> impl Iterator<Item = (&'a Fact, &'a Happening)> + use<'a, '_> {
        self.facts
            .iter()
            .filter(move |f| f.side == side)
            .filter_map(|f| match &f.what {
                Known::Happened { happening } => Some((*f, happening)),
                _ => None,
            })
    }

    /// The first refusal that `pick` makes something of.
    pub(crate) fn refusal<T>(
        &self,
        pick: impl Fn(&'a Refusal) -> Option<T>,
    ) -> Option<(&Refused<'a>, T)> {
        self.refused
            .iter()
            .rev()
            .find_map(|r| pick(r.refusal).map(|t| (r, t)))
    }

    /// What the gateway of that side is, where something told it.
    pub(crate) fn product(&self, side: Side) -> Option<Product> {
        self.case.products.get(&side).copied()
    }

    /// Whether, by our own events, one child is up and a further one was refused since, by either side.
    pub(crate) fn child_refused(&self) -> bool {
        let ours = self.product(Side::Local);
        let refused = |f: &&Fact| match &f.what {
            Known::Happened {
                happening: Happening::Refused { what, .. } | Happening::PeerRefused { what, .. },
            } => what.starts_with("CHILD_SA") && !what.ends_with("(rekeying)"),
            _ => false,
        };
        self.up
            && ours.is_none_or(|product| product == Product::Adit)
            && self
                .facts
                .iter()
                .any(|f| f.side == Side::Local && refused(f))
    }

    /// Whether a side was told `notify` in the first exchange (`init`) or after it.
    pub(crate) fn told(&self, notify: u16, init: bool) -> Option<&Told<'a>> {
        self.told.iter().rev().find(|t| {
            t.notify == notify
                && t.init == init
                && (!t.v1_auth || notify == notify::AUTHENTICATION_FAILED)
        })
    }

    /// How we proved our identity when the peer refused it, where our own events tell.
    pub(crate) fn refused_proof(&self) -> Option<AuthKind> {
        self.facts.iter().rev().find_map(|f| match &f.what {
            Known::Happened {
                happening: Happening::PeerRefused { notify, asked, .. },
            } if *notify == notify::AUTHENTICATION_FAILED => asked.auth,
            _ => None,
        })
    }

    /// NO_PROPOSAL_CHOSEN in the first exchange, without a word of what for: who was told it knows no more, and the line of
    /// who sent it may stand alone.
    pub(crate) fn none_chosen_first(&self) -> Option<&'a Fact> {
        let told = self.told(notify::NO_PROPOSAL_CHOSEN, true).map(|t| t.fact);
        told.or_else(|| Some(self.sign(Sign::FirstExchangeRefused)?.fact))
    }

    /// An error of IKEv1 about identities and keys.
    pub(crate) fn told_v1_auth(&self, notify: u16) -> Option<&Told<'a>> {
        self.told
            .iter()
            .rev()
            .find(|t| t.v1_auth && t.notify == notify)
    }

    /// Our first encrypted message of IKEv1 wasn't answered. A side that can't read it says nothing, or answers in a way
    /// that can't be trusted; IKEv2 has no such silence (RFC 7296 2.21.2).
    pub(crate) fn v1_auth_silent(&self) -> Option<&Silence<'a>> {
        self.silence("IKE_AUTH")
            .filter(|s| Phase::is_v1(s.exchange))
    }

    /// A side was told `notify` about a CHILD SA.
    pub(crate) fn told_of_child(&self, notify: u16) -> Option<&Told<'a>> {
        self.told
            .iter()
            .rev()
            .find(|t| t.notify == notify && !t.init && (t.child || t.rekeying))
    }

    /// A CHILD SA of the tunnel came up at some time, as far as the evidence goes.
    pub(crate) fn was_up(&self) -> Option<&'a Fact> {
        self.case
            .happenings()
            .filter(|(_, h)| matches!(h, Happening::ChildEstablished { .. }))
            .map(|(f, _)| f)
            .last()
    }

    /// Silence after our requests of that exchange, or of the messages of IKEv1 that do the same.
    pub(crate) fn silence(&self, exchange: &str) -> Option<&Silence<'a>> {
        self.silences.iter().find(|s| {
            s.side == Side::Local && same(s.exchange, exchange) && !Phase::answers(s.exchange)
        })
    }

    /// That side answered, repeated its answer, and the other side never went on. IKEv1 only.
    pub(crate) fn unfinished(&self, side: Side, answer: &str) -> Option<&Silence<'a>> {
        self.silences
            .iter()
            .find(|s| s.side == side && s.exchange == answer)
    }

    /// Neither side has sent anything that we know of.
    pub(crate) fn never_began(&self) -> bool {
        !self.case.happenings().any(|(_, h)| {
            matches!(
                h,
                Happening::Initiating { .. } | Happening::Sent(_) | Happening::Received(_)
            )
        })
    }

    /// Our requests of the first exchange went unanswered.
    pub(crate) fn nothing_came(&self) -> Option<&Silence<'a>> {
        // Main and aggressive mode are IKEv1's first exchange.
        ["IKE_SA_INIT", "ID_PROT", "AGGRESSIVE"]
            .iter()
            .find_map(|exchange| self.silence(exchange))
            .filter(|_| !self.told.iter().any(|t| t.side == Side::Local) && self.answer().is_none())
    }

    /// An answer to a request of ours.
    pub(crate) fn answer(&self) -> Option<&'a Fact> {
        self.happenings(Side::Local).find_map(|(f, h)| match h {
            Happening::Received(m) if m.response => Some(f),
            _ => None,
        })
    }

    /// A message that a side received in the attempt.
    pub(crate) fn received(&self, side: Side) -> Option<&'a Fact> {
        self.happenings(side).find_map(|(f, h)| match h {
            Happening::Received(_) => Some(f),
            _ => None,
        })
    }

    /// A message of an exchange that a side received.
    pub(crate) fn received_message(
        &self,
        side: Side,
        exchange: &str,
        response: bool,
    ) -> Option<&'a Fact> {
        self.message(
            side,
            |h| match h {
                Happening::Received(m) => Some(m),
                _ => None,
            },
            exchange,
            response,
        )
    }

    /// A message of an exchange that a side sent.
    pub(crate) fn sent_message(
        &self,
        side: Side,
        exchange: &str,
        response: bool,
    ) -> Option<(&'a Fact, &'a MessageInfo)> {
        self.happenings(side).find_map(|(f, h)| match h {
            Happening::Sent(m) if is(m, exchange, response) => Some((f, m)),
            _ => None,
        })
    }

    fn message(
        &self,
        side: Side,
        pick: impl Fn(&'a Happening) -> Option<&'a MessageInfo>,
        exchange: &str,
        response: bool,
    ) -> Option<&'a Fact> {
        self.happenings(side)
            .find_map(|(f, h)| pick(h).filter(|m| is(m, exchange, response)).map(|_| f))
    }

    /// Packets that one side dropped for a reason.
    pub(crate) fn drops(
        &self,
        side: Side,
        reason: DropReason,
    ) -> impl Iterator<Item = &'a Fact> + use<'a, '_> {
        self.happenings(side)
            .filter(move |(_, h)| matches!(h, Happening::Dropped { reason: r, .. } if *r == reason))
            .map(|(f, _)| f)
    }

    /// The first packet that one side dropped for a reason.
    pub(crate) fn dropped(&self, side: Side, reason: DropReason) -> Option<&'a Fact> {
        self.drops(side, reason).next()
    }

    /// An agreed IKE proposal, an established IKE SA, and the like.
    pub(crate) fn reached(&self, pick: impl Fn(&Happening) -> bool) -> Option<&'a Fact> {
        self.facts.iter().copied().find(|f| match &f.what {
            Known::Happened { happening } => pick(happening),
            _ => false,
        })
    }

    /// Both sides authenticated in the attempt. A responder may believe so until the initiator disagrees.
    pub(crate) fn authenticated(&self) -> Option<&'a Fact> {
        let denied = self.told(notify::AUTHENTICATION_FAILED, false).is_some()
            || self.refused.iter().any(|r| {
                matches!(
                    r.refusal,
                    Refusal::AuthValue { .. }
                        | Refusal::PeerIdentity { .. }
                        | Refusal::OurIdentity { .. }
                        | Refusal::AuthMethod { .. }
                        | Refusal::NoKey { .. }
                        | Refusal::Certificate { .. }
                        | Refusal::Signature { .. }
                )
            });
        if denied {
            return None;
        }
        self.reached(|h| matches!(h, Happening::IkeEstablished { .. }))
    }

    /// What the peer of `side` has announced in the attempt as the proofs that it takes (RFC 9593).
    pub(crate) fn announced(&self, side: Side) -> Option<(&'a Fact, &'a Announced)> {
        self.happenings(side).filter_map(announcement).last()
    }

    /// The same of the peer that `told` something afterwards, in an attempt of the same role: who else begins at the same
    /// time announces for itself.
    pub(crate) fn announced_before(&self, told: &Fact) -> Option<(&'a Fact, &'a Announced)> {
        self.happenings(told.side)
            .take_while(|(f, _)| !std::ptr::eq(*f, told))
            .filter(|(f, _)| f.role == told.role)
            .filter_map(announcement)
            .last()
    }

    /// The exchange moved to the NAT-T port.
    pub(crate) fn floated(&self, side: Side) -> Option<&'a Fact> {
        self.happenings(side)
            .find(|(_, h)| matches!(h, Happening::Floated))
            .map(|(f, _)| f)
    }

    /// The IKE SA was closed, by whom and why.
    pub(crate) fn closed(&self) -> Option<(&'a Fact, Party, &'a str)> {
        self.happenings(Side::Local)
            .filter_map(|(f, h)| match h {
                Happening::IkeClosed { by, cause } => Some((f, *by, cause.as_str())),
                _ => None,
            })
            .last()
    }

    /// The peer took a CHILD SA down, and no other is up.
    pub(crate) fn child_taken_down(&self) -> Option<&'a Fact> {
        self.happenings(Side::Local)
            .filter(|(_, h)| {
                matches!(
                    h,
                    Happening::ChildClosed {
                        by: Party::Peer,
                        ..
                    }
                )
            })
            .map(|(f, _)| f)
            .last()
            .filter(|_| !self.up)
    }

    /// That side's daemon doesn't run.
    pub(crate) fn stopped(&self, side: Side) -> Option<&'a Fact> {
        self.daemon(side).filter(|(_, runs)| !runs).map(|(f, _)| f)
    }

    /// That side's daemon runs.
    pub(crate) fn running(&self, side: Side) -> Option<&'a Fact> {
        self.daemon(side).filter(|(_, runs)| *runs).map(|(f, _)| f)
    }

    fn daemon(&self, side: Side) -> Option<(&'a Fact, bool)> {
        self.case
            .of(side)
            .filter_map(|f| match &f.what {
                Known::Daemon { running } => Some((f, *running)),
                Known::Probed {
                    probe: Probe::Control { answers },
                } => Some((f, *answers)),
                _ => None,
            })
            .last()
    }

    /// The connection as that side has it.
    pub(crate) fn configured(&self, side: Side) -> Option<(&'a Fact, &'a Connection)> {
        let mut all = self.case.of(side).filter_map(|f| match &f.what {
            Known::Configured { connection } => Some((f, &**connection)),
            _ => None,
        });
        if side == Side::Local {
            let subject = self.case.subject.as_str();
            let all: Vec<_> = all.collect();
            all.iter()
                .copied()
                .find(|(_, c)| c.name == subject)
                .or_else(|| all.first().copied())
        } else {
            // Which of several of the other side's connections is meant can't be told by name.
            all.next().filter(|_| all.next().is_none())
        }
    }

    /// UDP port of the peer's IKE.
    pub(crate) fn remote_port(&self) -> u16 {
        self.configured(Side::Local)
            .map_or(500, |(_, c)| c.remote_port)
    }

    /// Our identity.
    pub(crate) fn our_id(&self) -> Option<Identity> {
        self.configured(Side::Local)
            .map(|(_, c)| c.local_id.clone())
            .or_else(|| self.asked().and_then(|a| a.local_id.clone()))
    }

    /// The identity that we want the peer to have.
    pub(crate) fn their_id(&self) -> Option<Identity> {
        self.configured(Side::Local)
            .and_then(|(_, c)| c.remote_id.clone())
            .or_else(|| self.asked().and_then(|a| a.remote_id.clone()))
    }

    /// What our refused request had asked for.
    pub(crate) fn asked(&self) -> Option<&'a Asked> {
        self.told
            .iter()
            .filter(|t| t.side == Side::Local)
            .find_map(|t| t.asked)
    }

    /// Where the peer is, as a sentence has it.
    pub(crate) fn peer(&self) -> String {
        let configured = self
            .configured(Side::Local)
            .and_then(|(_, c)| match &c.remote {
                Remote::Address(a) => Some(a.to_string()),
                Remote::Name(n) => Some(n.clone()),
                Remote::Any => None,
            });
        let probed = self.last_probe(|p| match p {
            Probe::Echo { to, .. } | Probe::Echoes { to, .. } | Probe::IkeInit { to, .. } => {
                Some(to.to_string())
            }
            _ => None,
        });
        let written = self.case.of(Side::Local).find_map(|f| match &f.what {
            Known::PeerConfigured { connection } => connection
                .remote
                .value
                .first()
                .filter(|place| !matches!(place, Place::Any))
                .map(ToString::to_string),
            _ => None,
        });
        configured
            .or(probed.map(|(_, to)| to))
            .or(written)
            .unwrap_or_else(|| "the peer".to_owned())
    }

    /// Both gateways by their identities, for a text that leaves the house.
    pub(crate) fn gateways(&self) -> String {
        let name = |who: &str, id: Option<Identity>| match id {
            Some(id) => format!("{who} ({id})"),
            None => who.to_owned(),
        };
        format!(
            "our gateway{} and yours{}",
            name("", self.our_id()),
            name("", self.their_id())
        )
    }
}

/// Whether two names stand for the same step of a set-up.
fn same(one: &str, other: &str) -> bool {
    match (Phase::of(one), Phase::of(other)) {
        (Some(a), Some(b)) => a == b,
        _ => one == other,
    }
}

/// Whether a message is of that exchange, or the one of IKEv1 that does the same.
fn is(m: &MessageInfo, exchange: &str, response: bool) -> bool {
    m.response == response
        && match (m.phase(), Phase::of(exchange)) {
            (Some(a), Some(b)) => a == b,
            _ => m.exchange == exchange,
        }
}

/// The evidence lines of facts, each once.
pub(crate) fn quote<'x>(facts: impl IntoIterator<Item = &'x Fact>) -> Vec<Evidence> {
    let mut out: Vec<Evidence> = Vec::new();
    for fact in facts {
        let line = Evidence::from(fact);
        if !out.contains(&line) {
            out.push(line);
        }
    }
    out
}

/// An identity for a sentence. A log that doesn't show it leaves a mark in its place.
pub(crate) fn name_of(id: &Identity) -> String {
    match id {
        Identity::KeyId(text) if text == b"(not in the log)" => {
            "an identity that isn't in the log".to_owned()
        }
        id => id.to_string(),
    }
}

/// An address for a sentence; the unspecified one stands for one that wasn't told.
pub(crate) fn place_of(address: IpAddr) -> String {
    if address.is_unspecified() {
        "an address that isn't in the log".to_owned()
    } else {
        address.to_string()
    }
}

/// What a sentence calls a side.
pub(crate) fn who(side: Side) -> &'static str {
    match side {
        Side::Local => "our side",
        Side::Remote => "the peer",
    }
}

fn announcement<'a>((fact, what): (&'a Fact, &'a Happening)) -> Option<(&'a Fact, &'a Announced)> {
    match what {
        Happening::AuthMethodsAnnounced { announced } => Some((fact, announced)),
        _ => None,
    }
}
