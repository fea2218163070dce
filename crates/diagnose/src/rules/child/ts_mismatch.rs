//! `ts-mismatch`: the traffic selectors of the two sides have nothing in common.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::phase::Phase;
use adit_model::reason::Refusal;
use adit_model::selector::{Selector, narrow};
use adit_model::sign::Sign;

use crate::compare::{configured_over_there, list, only_in, shown};
use crate::finding::{SAID, SYMPTOM};
use crate::plane::{Carried, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::setting::Setting;
use crate::signals::{Signals, Told, notify, quote};
use crate::verdict::{AtFault, Evidence, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "ts-mismatch",
    recurs: false,
    page: Page {
        title: "The networks of the two sides don't meet",
        what: "Each side lists the networks behind itself and behind the other. They must be mirror images: what is local here is remote there. A responder may narrow what is offered; with nothing in common it refuses.",
        initiator: "TS_UNACCEPTABLE in the answer to IKE_AUTH: an IKE SA and no CHILD SA.",
        responder: "The offered and the configured networks. strongSwan: \"traffic selectors X === Y unacceptable\"; Libreswan: \"responding with TS_UNACCEPTABLE\".",
        look_alikes: &[
            (
                "policy-vs-route-based-mismatch",
                "Has one side 0.0.0.0/0 on both ends?",
            ),
            (
                "multi-subnet-one-sa-unsupported",
                "Does one side send several networks for one child?",
            ),
            ("esp-proposal-mismatch", "Is the notify NO_PROPOSAL_CHOSEN?"),
            (
                "kernel-module-or-algo-missing",
                "Does the log of a Libreswan responder say that its kernel refused the SA?",
            ),
        ],
        fix: &[
            (
                "any",
                "Put both lists beside each other and make them mirror images, masks, protocols and ports included.",
            ),
            ("adit", "`local_net` and `remote_net` of the child."),
            ("strongswan", "`local_ts` and `remote_ts` of the child."),
            ("libreswan", "`leftsubnet=` and `rightsubnet=`."),
            ("vyos", "`local prefix` and `remote prefix` of the tunnel."),
            ("panos", "Proxy IDs of the tunnel."),
            ("fortigate", "`src-subnet` and `dst-subnet` of phase 2."),
        ],
        source: "RFC 7296 2.9, 3.13",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "policy-vs-route-based-mismatch",
        "proto-port-selector-mismatch",
        "ts-changed-at-rekey",
        "virtual-ip-or-cp-failure",
    ],
    judge,
};

/// Both sides' networks, each in its own terms.
pub(super) struct Apart {
    pub(super) our_local: Vec<Selector>,
    pub(super) our_remote: Vec<Selector>,
    pub(super) their_local: Vec<Selector>,
    pub(super) their_remote: Vec<Selector>,
    pub(super) evidence: Vec<Evidence>,
    confidence: f64,
}

impl Apart {
    /// Whether the addresses meet, and only protocol or port don't.
    pub(super) fn ports_alone(&self) -> bool {
        let bare = |list: &[Selector]| -> Vec<Selector> {
            list.iter()
                .map(|s| Selector {
                    protocol: 0,
                    ports: (0, u16::MAX),
                    ..*s
                })
                .collect()
        };
        let meet = |a: &[Selector], b: &[Selector]| !narrow(&bare(a), &bare(b)).is_empty();
        meet(&self.our_local, &self.their_remote)
            && meet(&self.our_remote, &self.their_local)
            && !self.meets()
    }

    /// Whether of one side it isn't known which networks it has.
    fn one_sided(&self) -> bool {
        self.our_local.is_empty() && self.our_remote.is_empty()
            || self.their_local.is_empty() && self.their_remote.is_empty()
    }

    /// Whether there is something in common, which one side doesn't take as less than all.
    fn meets(&self) -> bool {
        let meet = |a: &[Selector], b: &[Selector]| !narrow(a, b).is_empty();
        meet(&self.our_local, &self.their_remote) && meet(&self.our_remote, &self.their_local)
    }
}

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(apart) = apart(s) {
        return if let Some(told) = accepted_later(s).filter(|_| apart.one_sided()) {
            told
        } else if apart.ports_alone() {
            Judgement::Silent
        } else {
            found(s, apart).into()
        };
    }
    if let Some(seen) = s.sign(Sign::TrafficRefused) {
        // Libreswan 4 answers so where its script or its kernel fails.
        if s.sign(Sign::UpdownFailed).is_some() && seen.fact.source.text.contains("TS_UNACCEPTABLE")
        {
            return possible(
                35,
                "the networks are refused, and a script that a side runs for the tunnel fails: Libreswan answers TS_UNACCEPTABLE for that, too",
                "the refusing side's lines of that minute: which networks it has, or what its script complains of",
            );
        }
        return if s.came_up_and_fell(seen) && s.complains(Complaint::SomeNetworks).is_none() {
            possible(
                25,
                "networks were refused once; phase 2 came up later, and what ended it then is something else",
                "whether the refusal comes again, and for which networks",
            )
        } else {
            said(s, seen)
        };
    }
    if let Some(found) = side_by_side(s) {
        return found;
    }
    if let Some(fact) = s.reached(|h| matches!(h, Happening::ChildEstablished { .. })) {
        return Judgement::RuledOut(format!("networks were agreed: {}", fact.source.text));
    }
    let Some(told) = s
        .told(notify::TS_UNACCEPTABLE, false)
        .or_else(|| s.told(notify::INVALID_ID_INFORMATION, false))
    else {
        return unanswered(s);
    };
    let (local, remote) = told.asked.map_or((&[][..], &[][..]), |a| {
        (a.ts_local.as_slice(), a.ts_remote.as_slice())
    });
    let unknown = local.is_empty() && remote.is_empty();
    if let Some(judgement) = accepted_later(s) {
        return judgement;
    }
    if let Some(judgement) = in_transport_mode(s, told).filter(|_| unknown) {
        return judgement;
    }
    if let Some(fact) = configured_over_there(s, local, remote) {
        return Judgement::Possible {
            weight: 40,
            because: format!(
                "{} came, and yet the peer's configuration has these networks: {}; Libreswan 4 answers so, too, when its kernel refuses the SA",
                told.name, fact.source.text
            ),
            separated_by: "the peer's log of the attempt: whether it compares networks or its kernel refuses, and whether this configuration is the one that is loaded",
        };
    }
    Found {
        confidence: 0.9,
        side: AtFault::Both,
        summary: if unknown {
            "the networks don't meet: what was asked for isn't acceptable".to_owned()
        } else {
            format!("the networks don't meet: {} to {} was asked for and isn't acceptable", list(local), list(remote))
        },
        explanation: format!("{} came after both sides had authenticated. Which networks the other side has isn't in the notify. (Libreswan 4 answers so, too, when its kernel refuses the SA; its log tells.)", told.name),
        evidence: quote([told.fact]),
        fix: Fix {
            local: "local_net and remote_net as the peer has them, exchanged; ask for its lists".to_owned(),
            remote: if unknown {
                "make both lists of networks the mirror image of the other side's".to_owned()
            } else {
                format!("local_ts = {}\nremote_ts = {}", list(remote), list(local))
            },
        },
        message_for_peer: if unknown {
            format!("IKE is up between {}, and your gateway doesn't accept our networks. Which networks do you have configured? They should be the mirror image of ours.", s.gateways())
        } else {
            format!("IKE is up between {}, and your gateway doesn't accept our networks. We ask for {} at our side and {} at yours. Which networks do you have configured? They should be the mirror image.", s.gateways(), list(local), list(remote))
        },
        next: vec!["ask the peer for its two lists of networks, or read its log of the attempt".to_owned()],
    }
    .into()
}

/// SAs with other networks stand beside each other for the same traffic, and one of them goes one way only: each side
/// asks in its own terms, and answers leave by another SA than the one that the question came by.
fn side_by_side(s: &Signals<'_>) -> Option<Judgement> {
    let all = s.each_carried(Side::Local);
    let nets: Vec<(&Carried<'_>, (Selector, Selector))> = all
        .iter()
        .filter_map(|c| {
            let (ours, theirs) = c.networks()?;
            Some((c, (ours.parse().ok()?, theirs.parse().ok()?)))
        })
        .collect();
    // What is for everything is an interface's, and gets what is routed to it.
    let all_of = |x: &Selector| x.start.is_unspecified() && x.start != x.end;
    let listed = |n: &(Selector, Selector)| !all_of(&n.0) && !all_of(&n.1);
    let overlap = |a: &(Selector, Selector), b: &(Selector, Selector)| {
        a != b && listed(b) && a.0.intersect(&b.0).is_some() && a.1.intersect(&b.1).is_some()
    };
    let peer = |c: &Carried<'_>| {
        c.facts.iter().find_map(|f| match &f.what {
            Known::Carried { traffic } => traffic.name.clone(),
            _ => None,
        })
    };
    let (one, mine) = nets
        .iter()
        .find(|(c, n)| listed(n) && (c.only_receives() || c.only_sends()))?;
    let carries_back = |c: &Carried<'_>| match one.only_receives() {
        true => c.sent.is_some_and(|n| n > 0),
        false => c.received.is_some_and(|n| n > 0),
    };
    let (other, theirs) = nets
        .iter()
        .find(|(c, n)| overlap(mine, n) && carries_back(c) && peer(c) == peer(one))?;
    let pair = |n: &(Selector, Selector)| format!("{} to {}", n.0, n.1);
    let fact = one.facts.first()?;
    Some(
        Found::on(
            fact,
            SYMPTOM,
            AtFault::Both,
            format!(
                "two SAs stand beside each other for the same traffic, {} and {}: the sides ask for different networks",
                pair(mine),
                pair(theirs)
            ),
        )
        .with(other.facts.iter().copied())
        .because("One of them goes one way only: what comes by it is answered by the other. A gateway that joins networks or splits them (Check Point) asks for others than the access list has.")
        .fix("make both lists of networks the mirror image of the other side's, and switch off what joins or splits them (Check Point: one tunnel per pair of subnets, no supernets)")
        .then("the networks that each side asks for, from its log of a new negotiation")
        .done(),
    )
}

/// Somebody tells that the same networks are accepted after a restart: both lists fit, and what was loaded or chosen when they
/// were refused isn't known.
fn accepted_later(s: &Signals<'_>) -> Option<Judgement> {
    let told = s.complains(Complaint::RestartHelps)?;
    Some(Judgement::Possible {
        weight: 60,
        because: format!(
            "networks were refused, and somebody tells that a restart helps without any change of them: {}",
            told.source.text
        ),
        separated_by: "which connections and networks are loaded while they are refused (swanctl --list-conns, ipsec statusall), and the log of an exchange then",
    })
}

/// A request for transport mode was refused in these words: its selectors are the gateways' own addresses, which a NAT changes,
/// with protocol and port; and a side that has tunnel mode there may refuse it so as well.
fn in_transport_mode(s: &Signals<'_>, told: &Told<'_>) -> Option<Judgement> {
    asks_for_transport(s, told).then(|| Judgement::Possible {
        weight: 55,
        because: "selectors in transport mode were refused, and which ones isn't shown".to_owned(),
        separated_by: "the responder's log of the exchange: whether it compares addresses, protocol and port, or the mode",
    })
}

/// Whether the last request before that answer asks for transport mode.
pub(super) fn asks_for_transport(s: &Signals<'_>, told: &Told<'_>) -> bool {
    const ASKED: &str = "N(USE_TRANSPORT_MODE)";
    let requests = s
        .case
        .of(told.side)
        .take_while(|f| !core::ptr::eq(*f, told.fact))
        .filter_map(|f| match &f.what {
            Known::Happened {
                happening: Happening::Sent(m),
            } if !m.response => Some(m),
            _ => None,
        });
    requests
        .last()
        .is_some_and(|m| m.payloads.iter().any(|p| p == ASKED))
}

/// Peers that don't like the networks of quick mode (IKEv1) may say nothing.
fn unanswered(s: &Signals<'_>) -> Judgement {
    match s.silence("QUICK_MODE").filter(|x| Phase::is_v1(x.exchange)) {
        Some(_) => Judgement::Possible {
            weight: 50,
            because: "phase 1 is up, and some products leave a quick mode unanswered whose networks they don't have".to_owned(),
            separated_by: "the peer's log of the attempt: which networks it was asked for, and which it has",
        },
        None if s
            .sign(Sign::ChildRequestRefused)
            .is_some_and(|x| x.value("version") == Some("1") || x.value("words") == Some("all")) =>
        {
            Judgement::Possible {
                weight: 55,
                because: "phase 2 was refused, and some products refuse networks that they don't have in the words for proposals".to_owned(),
                separated_by: "the responder's debug log of the same attempt: whether it compares networks or algorithms",
            }
        }
        None => Judgement::Silent,
    }
}

/// A line says so outside of an exchange that could be followed.
fn said(s: &Signals<'_>, seen: Seen<'_>) -> Judgement {
    let values = match (
        seen.value("local"),
        seen.value("remote"),
        seen.value("asked"),
    ) {
        (Some(local), Some(remote), _) => {
            format!(": asked for was {local} at the side that refused and {remote} at the other")
        }
        (_, _, Some(asked)) => format!(": nothing is configured for {asked}"),
        _ => match (seen.value("ours"), seen.value("theirs")) {
            (Some(ours), Some(theirs)) => format!(": {ours} here, {theirs} there"),
            _ => String::new(),
        },
    };
    Found::by(seen, SAID - 0.02, format!("the networks (traffic selectors, proxy IDs) of the two sides don't fit{values}"))
        .at(AtFault::Both)
        .with(s.signs_of(Sign::TrafficRefused).map(|x| x.fact))
        .because("The sides have authenticated by then. What one asks for as its own network has to be what the other has as the remote one, mask, protocol and port included.")
        .fix("make both lists of networks the mirror image of the other side's: masks, protocols and ports included")
        .tell(format!("IKE is up between {}, and the networks don't fit{values}. Please send us your two lists of networks for this tunnel; they must be the mirror image of ours.", s.gateways()))
        .then("write both sides' local and remote networks beside each other")
        .done()
}

pub(super) fn apart(s: &Signals<'_>) -> Option<Apart> {
    let refused = s.refusal(|r| match r {
        Refusal::TrafficSelectors {
            offered_local,
            offered_remote,
            configured_local,
            configured_remote,
        } => Some((
            offered_local,
            offered_remote,
            configured_local,
            configured_remote,
        )),
        _ => None,
    });
    if let Some((r, (offered_local, offered_remote, configured_local, configured_remote))) = refused
    {
        let told = s
            .told
            .iter()
            .filter(|t| t.side != r.side && t.notify == notify::TS_UNACCEPTABLE);
        let evidence = quote(core::iter::once(r.fact).chain(told.map(|t| t.fact)));
        let refusing = (configured_local.clone(), configured_remote.clone());
        // What was offered is told in the terms of the side that refused.
        let offering = (offered_remote.clone(), offered_local.clone());
        let (ours, theirs) = match r.side {
            Side::Local => (refusing, offering),
            Side::Remote => (offering, refusing),
        };
        return Some(Apart {
            our_local: ours.0,
            our_remote: ours.1,
            their_local: theirs.0,
            their_remote: theirs.1,
            evidence,
            confidence: SAID,
        });
    }
    let told = s.told(notify::TS_UNACCEPTABLE, false)?;
    let (our_fact, ours) = s.configured(Side::Local)?;
    let (their_fact, theirs) = s.configured(Side::Remote)?;
    let (ours, theirs) = (ours.children.first()?, theirs.children.first()?);
    let meets = !narrow(&ours.local_ts, &theirs.remote_ts).is_empty()
        && !narrow(&ours.remote_ts, &theirs.local_ts).is_empty();
    (!meets).then(|| Apart {
        our_local: ours.local_ts.clone(),
        our_remote: ours.remote_ts.clone(),
        their_local: theirs.local_ts.clone(),
        their_remote: theirs.remote_ts.clone(),
        evidence: quote([told.fact, our_fact, their_fact]),
        confidence: 0.95,
    })
}

fn found(s: &Signals<'_>, a: Apart) -> Found {
    let mut differences = Vec::new();
    for (place, ours, theirs) in [
        ("our side's networks", &a.our_local, &a.their_remote),
        ("the peer's networks", &a.our_remote, &a.their_local),
    ] {
        let known = !ours.is_empty() && !theirs.is_empty();
        let differ = narrow(ours, theirs).is_empty() || a.meets() && ours != theirs;
        if known && differ {
            differences.push(format!(
                "for {place} we have {}, the peer has {}",
                list(&only_in(ours, theirs)),
                list(&only_in(theirs, ours))
            ));
        }
    }
    let one_sided = |here: &[Selector], there: &[Selector]| here.is_empty() && there.is_empty();
    if differences.is_empty() {
        // A log may tell what was asked for and not what is configured.
        let asked = if one_sided(&a.our_local, &a.our_remote) {
            Some((&a.their_remote, &a.their_local))
        } else if one_sided(&a.their_local, &a.their_remote) {
            Some((&a.our_local, &a.our_remote))
        } else {
            None
        };
        differences.push(match asked {
            Some((here, there)) if one_sided(here, there) => {
                "what one side asks for isn't what the other has".to_owned()
            }
            Some((here, there)) => format!(
                "{} at our side to {} at the peer's was asked for, and the other side has no such connection",
                list(here),
                list(there)
            ),
            None => "they meet by address and differ in protocol or port".to_owned(),
        });
    }
    let differences = differences.join("; ");
    Found {
        confidence: a.confidence,
        side: AtFault::Both,
        summary: format!("the networks don't meet: {differences}"),
        explanation: format!(
            "We have {} here and {} there. The peer has {} there and {} here. Each list must be the mirror image of the other's.",
            shown(&a.our_local),
            shown(&a.our_remote),
            shown(&a.their_local),
            shown(&a.their_remote)
        ),
        evidence: a.evidence,
        fix: Fix {
            local: mirrored(s, Side::Local, &a.their_remote, &a.their_local),
            remote: mirrored(s, Side::Remote, &a.our_remote, &a.our_local),
        },
        message_for_peer: format!(
            "IKE is up between {}, and the networks don't meet. We have {} at our side and {} at yours; you have {} at our side and {} at yours. Please make yours the mirror image, or tell us which lists are right.",
            s.gateways(),
            shown(&a.our_local),
            shown(&a.our_remote),
            shown(&a.their_remote),
            shown(&a.their_local)
        ),
        next: Vec::new(),
    }
}

/// What the gateway of a side writes so that its lists are the mirror image of the other's, as far as those are known.
fn mirrored(s: &Signals<'_>, side: Side, own: &[Selector], other: &[Selector]) -> String {
    if own.is_empty() || other.is_empty() {
        return "make the two lists of networks the mirror image of the other side's".to_owned();
    }
    Setting::Networks(own, other).at(s.product(side))
}
