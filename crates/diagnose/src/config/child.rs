//! What decides whether CHILD SAs come up, carry traffic, and live on.

use adit_model::connection::Mode;
use adit_model::peer_config::{
    Dialect, Networks, PeerChild, PeerConnection, Pfs, Place, Setting, Starts, WhenDead,
};
use adit_model::proposal::{Proposal, TransformKind, choose, closest_difference};
use adit_model::selector::{Selector, narrow};
use core::time::Duration;

use super::difference::{Difference, Outcome, Value, quoted};
use super::ike::{added, both, short, strongswan};
use super::version;
use super::words::{Topic, setting};
use crate::compare::kinds;
use crate::verdict::{AtFault, Fix};

mod lonely;

/// Differences of the CHILD SAs, and of how the tunnel lives.
pub(crate) fn compare(a: &PeerConnection, b: &PeerConnection) -> Vec<Difference> {
    let mut out = Vec::new();
    let version = version(a, b);
    let pairs = pairs(a, b);
    out.extend(lonely::found(a, b, &pairs));
    for (ours, theirs) in pairs {
        let pair = Pair {
            a,
            b,
            ours,
            theirs,
            version,
        };
        out.extend(pair.networks());
        out.extend(pair.proposals());
        out.extend(pair.modes());
        out.extend(pair.pfs());
        out.extend(pair.truncation());
        out.extend(pair.lifetimes());
    }
    out.extend(roles(a, b));
    out.extend(dead_peers(a, b));
    out.extend(virtual_ips(a, b));
    // Several children of one kind of fault are one fault.
    let mut seen: Vec<(&str, String)> = Vec::new();
    out.retain(|d| {
        let key = (d.cause, d.summary.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    out
}

struct Pair<'x> {
    a: &'x PeerConnection,
    b: &'x PeerConnection,
    ours: &'x PeerChild,
    theirs: &'x PeerChild,
    version: Option<u8>,
}

/// An end's networks, its own address in the place of *dynamic*; `None` when that isn't known.
fn resolved(list: &[Option<Selector>], places: &[Place]) -> Option<Vec<Selector>> {
    list.iter()
        .map(|item| match item {
            Some(s) => Some(*s),
            None => match places {
                [Place::Address(a)] => Some(Selector::host(*a)),
                _ => None,
            },
        })
        .collect()
}

/// What both ends have of two children: the first one's networks, then the second one's; `None` where some aren't known.
fn ends(
    (a, x): (&PeerConnection, &PeerChild),
    (b, y): (&PeerConnection, &PeerChild),
) -> Option<[Vec<Selector>; 4]> {
    let of = |l: &Setting<Networks>, p: &Setting<Vec<Place>>| {
        resolved(&l.value, &p.value).filter(|list| !list.is_empty())
    };
    Some([
        of(&x.local_ts, &a.local)?,
        of(&x.remote_ts, &a.remote)?,
        of(&y.local_ts, &b.local)?,
        of(&y.remote_ts, &b.remote)?,
    ])
}

/// The children that are agreed on with the other end: not those that let traffic pass in clear.
fn negotiated(end: &PeerConnection) -> Vec<&PeerChild> {
    let children = end.children.iter();
    children
        .filter(|child| !child.passes_in_clear.value)
        .collect()
}

/// Whether a packet can match both.
fn meet([xl, xr, yl, yr]: &[Vec<Selector>; 4]) -> bool {
    !narrow(xl, yr).is_empty() && !narrow(xr, yl).is_empty()
}

/// Which child is meant for which.
fn pairs<'x>(a: &'x PeerConnection, b: &'x PeerConnection) -> Vec<(&'x PeerChild, &'x PeerChild)> {
    let (ours, theirs) = (negotiated(a), negotiated(b));
    if let ([x], [y]) = (ours.as_slice(), theirs.as_slice()) {
        return vec![(x, y)];
    }
    let mut out = Vec::new();
    let mut used: Vec<usize> = Vec::new();
    for x in ours.iter().copied() {
        let fits = |y: &PeerChild| match ends((a, x), (b, y)) {
            None => 0,
            Some([xl, xr, yl, yr]) if xl == yr && xr == yl => 3,
            Some(ends) if meet(&ends) => 2,
            Some(_) => usize::from(x.name == y.name),
        };
        let best = theirs
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(i))
            .map(|(i, y)| (fits(y), core::cmp::Reverse(i)))
            .filter(|(score, _)| *score > 0)
            .max();
        if let Some((_, core::cmp::Reverse(i))) = best {
            used.push(i);
            if let Some(y) = theirs.get(i) {
                out.push((x, *y));
            }
        }
    }
    if out.is_empty()
        && let (Some(x), Some(y)) = (ours.first(), theirs.first())
    {
        out.push((*x, *y));
    }
    out
}

impl Pair<'_> {
    fn v1(&self) -> bool {
        self.version == Some(1)
    }

    fn networks(&self) -> Option<Difference> {
        let our_local = resolved(&self.ours.local_ts.value, &self.a.local.value)?;
        let our_remote = resolved(&self.ours.remote_ts.value, &self.a.remote.value)?;
        let their_local = resolved(&self.theirs.local_ts.value, &self.b.local.value)?;
        let their_remote = resolved(&self.theirs.remote_ts.value, &self.b.remote.value)?;
        if our_local.is_empty()
            || our_remote.is_empty()
            || their_local.is_empty()
            || their_remote.is_empty()
        {
            return None;
        }
        // An end behind a NAT that speaks for its own address: what the peer sees is another one.
        let default = |s: &Setting<Networks>| !s.is_written();
        if default(&self.ours.local_ts)
            && default(&self.theirs.remote_ts)
            && our_local != their_remote
            || default(&self.ours.remote_ts)
                && default(&self.theirs.local_ts)
                && our_remote != their_local
        {
            return None;
        }
        let (ours_narrow, theirs_narrow) = (
            narrow(&our_local, &their_remote),
            narrow(&our_remote, &their_local),
        );
        let same = same_set(&our_local, &their_remote) && same_set(&our_remote, &their_local);
        if same {
            return self.several(&our_local, &our_remote);
        }
        let meets = !ours_narrow.is_empty() && !theirs_narrow.is_empty();
        let everything = |local: &[Selector], remote: &[Selector]| all(local) && all(remote);
        let (ours_all, theirs_all) = (
            everything(&our_local, &our_remote),
            everything(&their_local, &their_remote),
        );
        let by_protocol = !meets && {
            let plain = |list: &[Selector]| -> Vec<Selector> {
                list.iter()
                    .map(|s| Selector {
                        protocol: 0,
                        ports: (0, 65535),
                        ..*s
                    })
                    .collect()
            };
            !narrow(&plain(&our_local), &plain(&their_remote)).is_empty()
                && !narrow(&plain(&our_remote), &plain(&their_local)).is_empty()
        };
        // IKEv1 has no narrowing; strongSwan does it all the same with itself.
        let exact = self.v1() && !(strongswan(self.a) && strongswan(self.b));
        let (cause, outcome, confidence) = if by_protocol {
            ("proto-port-selector-mismatch", Outcome::FailsAtChild, 0.9)
        } else if ours_all != theirs_all && (exact || !narrows(self.a) || !narrows(self.b)) {
            (
                "policy-vs-route-based-mismatch",
                if exact {
                    Outcome::FailsAtChild
                } else {
                    Outcome::Warning
                },
                0.85,
            )
        } else if !meets {
            ("ts-mismatch", Outcome::FailsAtChild, 0.95)
        } else if exact {
            ("ts-mismatch", Outcome::FailsAtChild, 0.9)
        } else {
            ("ts-narrowed", Outcome::Warning, 0.85)
        };
        let ends = |local: &[Selector], remote: &[Selector]| {
            format!("{} to {}", quoted(local), quoted(remote))
        };
        let (ours, theirs) = (
            ends(&our_local, &our_remote),
            ends(&their_local, &their_remote),
        );
        let shown = if same_set(&our_local, &their_remote) {
            (&self.ours.remote_ts, &self.theirs.local_ts)
        } else {
            (&self.ours.local_ts, &self.theirs.remote_ts)
        };
        let summary = match outcome {
            Outcome::FailsAtChild if meets => format!(
                "the networks aren't the same, and IKEv1 wants them equal: we have {ours}, the peer has {theirs}"
            ),
            Outcome::FailsAtChild => {
                format!("the networks don't meet: we have {ours}, the peer has {theirs}")
            }
            _ => format!(
                "the networks aren't mirror images; only a part will pass: we have {ours}, the peer has {theirs}"
            ),
        };
        Some(Difference {
            cause,
            outcome,
            confidence,
            side: AtFault::Both,
            summary,
            explanation: "What is local here must be remote there, and the other way round. IKEv2 narrows the one to what the other has; IKEv1 wants them equal.".to_owned(),
            ours: Some(Value::of(shown.0, ours.clone())),
            theirs: Some(Value::of(shown.1, theirs.clone())),
            fix: both(
                self.a,
                self.b,
                Topic::Networks,
                &format!("local {}, remote {}", quoted(&their_remote), quoted(&their_local)),
                &format!("local {}, remote {}", quoted(&our_remote), quoted(&our_local)),
            ),
            message_for_peer: format!(
                "Our networks aren't mirror images. We have {} at our side and {} at yours; you have {} at our side and {} at yours. Which lists are right?",
                quoted(&our_local),
                quoted(&our_remote),
                quoted(&their_remote),
                quoted(&their_local)
            ),
        })
    }

    /// Several networks in one child: IKEv1 and some products take one pair only.
    fn several(&self, local: &[Selector], remote: &[Selector]) -> Option<Difference> {
        let many = local.len() > 1 || remote.len() > 1;
        let single =
            |c: &PeerConnection| !narrows(c) && !strongswan(c) && c.dialect != Dialect::Adit;
        let trouble = self.v1() || single(self.a) || single(self.b);
        (many && trouble).then(|| Difference {
            cause: "multi-subnet-one-sa-unsupported",
            outcome: Outcome::Warning,
            confidence: 0.8,
            side: AtFault::Both,
            summary: "several networks stand in one CHILD SA, and one end takes a single pair".to_owned(),
            explanation: "IKEv1 has one network on each side of a quick mode; several products keep to that in IKEv2. The first pair works, the rest doesn't.".to_owned(),
            ours: Some(Value::of(&self.ours.local_ts, quoted(local))),
            theirs: Some(Value::of(&self.theirs.local_ts, quoted(remote))),
            fix: both(self.a, self.b, Topic::Networks, "one child for each pair of networks", "one child for each pair of networks"),
            message_for_peer: "We have several networks in one CHILD SA; one of our gateways takes one pair each. Please let us make one for each pair.".to_owned(),
        })
    }

    fn proposals(&self) -> Option<Difference> {
        if self.ours.ah != self.theirs.ah {
            let name = |ah: bool| if ah { "AH" } else { "ESP" };
            return Some(Difference {
                cause: "esp-proposal-mismatch",
                outcome: Outcome::FailsAtChild,
                confidence: 0.93,
                side: AtFault::Both,
                summary: format!(
                    "we want {}, the peer wants {}",
                    name(self.ours.ah),
                    name(self.theirs.ah)
                ),
                explanation: "A proposal for one protocol isn't one for the other.".to_owned(),
                ours: Some(Value::of(&self.ours.esp, name(self.ours.ah))),
                theirs: Some(Value::of(&self.theirs.esp, name(self.theirs.ah))),
                fix: both(self.a, self.b, Topic::EspProposals, "ESP", "ESP"),
                message_for_peer:
                    "One of our gateways proposes AH, the other ESP; please let us both use ESP."
                        .to_owned(),
            });
        }
        let (Some(ours), Some(theirs)) = (&self.ours.esp.value, &self.theirs.esp.value) else {
            return None;
        };
        let plain = |list: &[Proposal]| -> Vec<Proposal> {
            list.iter()
                .cloned()
                .map(|mut p| {
                    p.ke.clear();
                    p.prf.clear();
                    if self.v1() {
                        p.esn.clear();
                    }
                    p
                })
                .collect()
        };
        let (x, y) = (plain(ours), plain(theirs));
        if x.is_empty() || y.is_empty() || choose(&x, &y, false).is_some() {
            return None;
        }
        let differs = closest_difference(&x, &y, false);
        let cause = if differs == [TransformKind::Esn] {
            "esn-mismatch"
        } else {
            "esp-proposal-mismatch"
        };
        Some(
            Difference {
                cause,
                outcome: Outcome::FailsAtChild,
                confidence: 0.95,
                side: AtFault::Both,
                summary: format!("the ESP proposals have nothing in common; they differ in {}", kinds(&differs)),
                explanation: format!("We have {}. The peer has {}.", short(&x), short(&y)),
                ours: Some(Value::of(&self.ours.esp, short(&x))),
                theirs: Some(Value::of(&self.theirs.esp, short(&y))),
                fix: added(self.a, self.b, &x, &y, Topic::EspProposals, false),
                message_for_peer: format!(
                    "Our gateways' ESP proposals have nothing in common ({}): we have {}, you have {}. Which one shall we both take?",
                    kinds(&differs),
                    short(&x),
                    short(&y)
                ),
            }
            .with_defaults(),
        )
    }

    fn modes(&self) -> Option<Difference> {
        if self.ours.mode.value == self.theirs.mode.value {
            return None;
        }
        let name = |m: Mode| match m {
            Mode::Tunnel => "tunnel mode",
            Mode::Transport => "transport mode",
        };
        let (ours, theirs) = (name(self.ours.mode.value), name(self.theirs.mode.value));
        Some(
            Difference {
                cause: "mode-mismatch",
                outcome: Outcome::FailsAtChild,
                confidence: 0.88,
                side: AtFault::Both,
                summary: format!("we use {ours}, the peer uses {theirs}"),
                explanation: "IKEv1 refuses the other mode; in IKEv2 transport mode is used only if both ask for it, and an end that insists deletes the SA.".to_owned(),
                ours: Some(Value::of(&self.ours.mode, ours)),
                theirs: Some(Value::of(&self.theirs.mode, theirs)),
                fix: both(self.a, self.b, Topic::Mode, theirs, ours),
                message_for_peer: format!("Our gateway uses {ours}, yours {theirs}. Which one do we take?"),
            }
            .with_defaults(),
        )
    }

    /// The groups of an end: that of the IKE SA where the product takes it over.
    fn groups(&self, pfs: &Pfs) -> Option<Proposal> {
        match pfs {
            Pfs::Off => Some(Proposal::default()),
            Pfs::Groups(groups) => Some((**groups).clone()),
            Pfs::AsIke => {
                let (x, y) = (self.a.ike.value.as_ref()?, self.b.ike.value.as_ref()?);
                let (_, _, suite) = choose(x, y, true)?;
                Some(Proposal {
                    ke: suite.ke.into_iter().collect(),
                    ..Proposal::default()
                })
            }
            Pfs::AsPeer => None,
        }
    }

    fn pfs(&self) -> Option<Difference> {
        let (x, y) = (
            self.ours.pfs.value.as_ref()?,
            self.theirs.pfs.value.as_ref()?,
        );
        let (ours, theirs) = (self.groups(x)?, self.groups(y)?);
        let meets = (Pfs::may_lack(&ours) && Pfs::may_lack(&theirs))
            || ours.ke.iter().any(|g| theirs.ke.contains(g));
        if meets {
            return None;
        }
        if !self.v1() && !self.a.rekey.value && !self.b.rekey.value {
            return None;
        }
        let one_off = ours.ke.is_empty() != theirs.ke.is_empty();
        // pluto with pfs=no takes the group that a peer proposes.
        let lenient = |c: &PeerConnection, groups: &Proposal| {
            groups.ke.is_empty() && matches!(c.dialect, Dialect::Libreswan | Dialect::Openswan)
        };
        let tolerant = self.v1() && one_off && (lenient(self.a, &ours) || lenient(self.b, &theirs));
        let name = |given: &Pfs, p: &Proposal| {
            if p.ke.is_empty() {
                "no PFS".to_owned()
            } else if *given == Pfs::AsIke {
                format!("PFS with the IKE group ({p})")
            } else {
                format!("PFS with {p}")
            }
        };
        let (mine, yours) = (name(x, &ours), name(y, &theirs));
        let (cause, outcome, confidence) = if self.v1() {
            (
                "pfs-mismatch",
                if tolerant {
                    Outcome::Warning
                } else {
                    Outcome::FailsAtChild
                },
                0.92,
            )
        } else {
            ("pfs-mismatch-at-rekey", Outcome::FailsAtFirstRekey, 0.92)
        };
        let life = [self.ours, self.theirs]
            .iter()
            .filter_map(|c| c.soft_life.value.or(c.life.value))
            .min();
        let when = match (outcome, life) {
            (Outcome::FailsAtFirstRekey, Some(life)) => format!(
                "; the tunnel comes up, and its first replacement after at most {} fails",
                span(life)
            ),
            (Outcome::FailsAtFirstRekey, None) => {
                "; the tunnel comes up, and its first replacement fails".to_owned()
            }
            _ => String::new(),
        };
        Some(
            Difference {
                cause,
                outcome,
                confidence,
                side: AtFault::Both,
                summary: format!("we have {mine}, the peer has {yours}{when}"),
                explanation: "In IKEv2 the first CHILD SA takes its keys from the IKE SA, so groups are compared only when it is replaced (RFC 7296 1.2, 1.3.1). In IKEv1 they are compared at once.".to_owned(),
                ours: Some(Value::of(&self.ours.pfs, mine.clone())),
                theirs: Some(Value::of(&self.theirs.pfs, yours.clone())),
                fix: Fix {
                    local: format!("{}: {yours}", setting(self.a.dialect, Topic::Pfs)),
                    remote: format!("{}: {mine}", setting(self.b.dialect, Topic::Pfs)),
                },
                message_for_peer: format!("For CHILD SAs we have {mine}, you have {yours}. Which group do we both use?"),
            }
            .with_defaults(),
        )
    }

    fn truncation(&self) -> Option<Difference> {
        if self.ours.sha256_96.value == self.theirs.sha256_96.value {
            return None;
        }
        let (Some(x), Some(y)) = (&self.ours.esp.value, &self.theirs.esp.value) else {
            return None;
        };
        let (_, _, suite) = choose(x, y, false)?;
        // AUTH_HMAC_SHA2_256_128 is number 12.
        if suite.integ.is_none_or(|i| i.0 != 12) {
            return None;
        }
        let name = |short: bool| {
            if short {
                "HMAC-SHA2-256 with 96 bits"
            } else {
                "HMAC-SHA2-256 with 128 bits"
            }
        };
        let (ours, theirs) = (
            name(self.ours.sha256_96.value),
            name(self.theirs.sha256_96.value),
        );
        Some(Difference {
            cause: "sha256-truncation-bug",
            outcome: Outcome::OneWay,
            confidence: 0.9,
            side: AtFault::Both,
            summary: format!("we use {ours}, the peer {theirs}: every packet fails its check"),
            explanation: "Both lengths have the same number in the negotiation, so the tunnel comes up and no packet is accepted.".to_owned(),
            ours: Some(Value::of(&self.ours.sha256_96, ours)),
            theirs: Some(Value::of(&self.theirs.sha256_96, theirs)),
            fix: Fix {
                local: "sha256_96=no (strongSwan), sha2-truncbug=no (Libreswan)".to_owned(),
                remote: "sha256_96=no (strongSwan), sha2-truncbug=no (Libreswan)".to_owned(),
            },
            message_for_peer: format!("Our gateway uses {ours}, yours {theirs}; please use 128 bits (RFC 4868), or let us use AES-GCM."),
        })
    }

    fn lifetimes(&self) -> Option<Difference> {
        const MUCH: u32 = 8;
        let (x, y) = (self.ours.life.value, self.theirs.life.value);
        for (mine, other, rekeys, ours) in [
            (x, y, self.a.rekey.value && x_rekeys(self.ours), true),
            (y, x, self.b.rekey.value && x_rekeys(self.theirs), false),
        ] {
            // The shorter-lived end doesn't replace the SA, and the other end isn't ready to yet.
            if let (Some(m), Some(o)) = (mine, other)
                && m < o
                && !rekeys
            {
                let (who, setting_of) = if ours {
                    ("our side", &self.a.rekey)
                } else {
                    ("the peer", &self.b.rekey)
                };
                let shorter = if ours { self.ours } else { self.theirs };
                return Some(Difference {
                    cause: "lifetime-mismatch-flap",
                    outcome: Outcome::Flaps,
                    confidence: 0.85,
                    side: if ours { AtFault::Local } else { AtFault::Remote },
                    summary: format!("{who} ends the SA after {} without replacing it, and the other end would replace it only after {}", span(m), span(o)),
                    explanation: "Who has the shorter lifetime has to replace the SA; with rekeying switched off there it simply ends.".to_owned(),
                    ours: Some(if ours { Value::of(setting_of, "no rekeying") } else { Value::of(&self.ours.life, span(o)) }),
                    theirs: Some(if ours { Value::of(&self.theirs.life, span(o)) } else { Value::of(setting_of, "no rekeying") }),
                    fix: Fix {
                        local: format!("rekey on; {} longer than {}", setting(self.a.dialect, Topic::Lifetimes), span(shorter.life.value.unwrap_or_default())),
                        remote: format!("rekey on; {}", setting(self.b.dialect, Topic::Lifetimes)),
                    },
                    message_for_peer: format!("SAs end after {} at one of our gateways, which doesn't rekey, before the other ({}) replaces them.", span(m), span(o)),
                });
            }
        }
        let written = self.ours.life.is_written() && self.theirs.life.is_written();
        let (m, o) = (x?, y?);
        let (short, long) = (m.min(o), m.max(o));
        (self.v1() && written && long >= short * MUCH).then(|| Difference {
            cause: "lifetime-mismatch-flap",
            outcome: Outcome::Flaps,
            confidence: 0.75,
            side: AtFault::Both,
            summary: format!("the CHILD SA lives {} here and {} at the peer", span(m), span(o)),
            explanation: "With IKEv1 the end with the short lifetime deletes SAs that the other end still counts on.".to_owned(),
            ours: Some(Value::of(&self.ours.life, span(m))),
            theirs: Some(Value::of(&self.theirs.life, span(o))),
            fix: both(self.a, self.b, Topic::Lifetimes, "the same on both sides", "the same on both sides"),
            message_for_peer: format!("Our CHILD SA lifetime is {}, yours {}; please let us use the same.", span(m), span(o)),
        })
    }
}

fn x_rekeys(child: &PeerChild) -> bool {
    !child.soft_life.is_written() || child.soft_life.value.is_some()
}

/// Products that narrow what is offered, and take several networks in one child.
fn narrows(c: &PeerConnection) -> bool {
    c.dialect.narrows()
}

fn same_set(a: &[Selector], b: &[Selector]) -> bool {
    a.iter().all(|s| b.contains(s)) && b.iter().all(|s| a.contains(s))
}

fn all(list: &[Selector]) -> bool {
    list.iter().any(|s| s.to_string().ends_with("/0"))
}

/// A time for a person.
pub(super) fn span(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0 => "0 s".to_owned(),
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

fn roles(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    if a.starts_by_itself()
        || b.starts_by_itself()
        || a.children.is_empty()
        || b.children.is_empty()
    {
        return None;
    }
    let why = |c: &PeerConnection| -> (String, Value) {
        let reachable = c
            .remote
            .value
            .iter()
            .any(|p| matches!(p, Place::Address(_) | Place::Name(_)));
        match c.children.first() {
            Some(child)
                if reachable
                    || matches!(child.starts.value, Starts::Passive | Starts::NotLoaded) =>
            {
                let text = child.starts.value.to_string();
                (text.clone(), Value::of(&child.starts, text))
            }
            _ => (
                "knows no address to start to".to_owned(),
                Value::of(&c.remote, "any"),
            ),
        }
    };
    // A default that only answers is often started by hand.
    let written = [a, b]
        .iter()
        .filter(|c| c.children.iter().any(|x| x.starts.is_written()))
        .count();
    let ((mine, ours), (yours, theirs)) = (why(a), why(b));
    let outcome = if written > 0 {
        Outcome::NeverStarts
    } else {
        Outcome::Hint
    };
    Some(Difference {
        cause: "both-ends-passive",
        outcome,
        confidence: if written == 2 { 0.85 } else { 0.6 },
        side: AtFault::Both,
        summary: format!("nobody begins: our side {mine}, the peer {yours}"),
        explanation:
            "A tunnel that neither end starts stays down until somebody starts it by hand."
                .to_owned(),
        ours: Some(ours),
        theirs: Some(theirs),
        fix: Fix {
            local: setting(a.dialect, Topic::Start).to_owned(),
            remote: format!("{} (one side is enough)", setting(b.dialect, Topic::Start)),
        },
        message_for_peer:
            "Both our gateways wait for the other to begin. Shall we start it from our side?"
                .to_owned(),
    })
}

fn dead_peers(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let clears =
        |c: &PeerConnection| c.dpd_action.value == WhenDead::Clear && c.dpd_delay.value.is_some();
    if !clears(a) || !clears(b) {
        return None;
    }
    let on_demand = |c: &PeerConnection| {
        c.children
            .iter()
            .any(|x| x.starts.value == Starts::OnDemand)
    };
    (!on_demand(a) && !on_demand(b)).then(|| Difference {
        cause: "dpd-action-clear",
        outcome: Outcome::Warning,
        confidence: 0.8,
        side: AtFault::Both,
        summary: "both ends remove the tunnel when the other is silent, and neither sets it up again".to_owned(),
        explanation: "After an outage the tunnel stays down until somebody starts it.".to_owned(),
        ours: Some(Value::of(&a.dpd_action, "clear")),
        theirs: Some(Value::of(&b.dpd_action, "clear")),
        fix: Fix {
            local: "dpd action restart on the side that starts the tunnel".to_owned(),
            remote: "dpd action restart, if your side starts the tunnel".to_owned(),
        },
        message_for_peer: "When our gateways lose each other, both remove the tunnel and none restarts it; we suggest DPD action restart on one side.".to_owned(),
    })
}

fn virtual_ips(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let one = a.virtual_ip.is_some() != b.virtual_ip.is_some();
    if !one {
        return None;
    }
    let (ours, theirs) = (a.virtual_ip.as_ref(), b.virtual_ip.as_ref());
    let given = ours.or(theirs)?;
    Some(Difference {
        cause: "virtual-ip-or-cp-failure",
        outcome: Outcome::Warning,
        confidence: 0.7,
        side: AtFault::Both,
        summary: format!(
            "one end asks for or hands out addresses ({}), and the other doesn't",
            given.value
        ),
        explanation: "An address is handed out only if one end asks and the other has a pool."
            .to_owned(),
        ours: ours.map(|s| Value::of(s, s.value.clone())),
        theirs: theirs.map(|s| Value::of(s, s.value.clone())),
        fix: Fix {
            local: "ask for an address here if the peer has a pool, or don't".to_owned(),
            remote: "a pool, or none".to_owned(),
        },
        message_for_peer:
            "One of our gateways deals in virtual addresses and the other doesn't; is that meant?"
                .to_owned(),
    })
}
