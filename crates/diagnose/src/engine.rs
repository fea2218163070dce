//! Asks every rule, and makes one verdict of what they say.

use adit_model::event::Party;
use adit_model::fact::{Case, Fact, Known, Side};
use adit_model::product::Product;

use crate::aside::aside;
use crate::ask::answers;
use crate::beside::beside;
use crate::chance::{Asked, laboured};
use crate::childless::childless;
use crate::complaint::{SUPPORT, complained, observed, suspected};
use crate::config::Configs;
use crate::missing;
use crate::nat;
use crate::outrun::outrun;
use crate::pinned::{self, pinned, pinned_down};
use crate::plane::suspects;
use crate::registry::{rule, rules};
use crate::regressed::regressed;
use crate::rule::{Judgement, Need, Rule};
use crate::signals::{Signals, quote};
use crate::standing;
use crate::too_early::{fails_anew, gives_way, too_early};
use crate::verdict::{
    AnnouncedBy, Answer, Consequence, Evidence, Finding, Possible, RuledOut, Verdict,
};
use crate::waiting;
use crate::whose::of_another;

/// Below this a rule's finding is a candidate, not a verdict.
const SURE: f64 = 0.7;

struct Candidate {
    rule: &'static Rule,
    weight: u8,
    because: String,
    separated_by: String,
}

/// Judges a case.
#[must_use]
pub fn diagnose(case: &Case) -> Verdict {
    Verdict {
        ahead: crate::ahead::foresee(case),
        ..judge(case)
    }
}

/// What each side has been told by the other in the attempt.
fn announced(s: &Signals<'_>) -> Vec<AnnouncedBy> {
    let told = |side: Side| {
        let (_, what) = s.announced(side)?;
        Some(AnnouncedBy {
            by: side.other(),
            what: what.clone(),
        })
    };
    [Side::Local, Side::Remote]
        .into_iter()
        .filter_map(told)
        .collect()
}

fn judge(case: &Case) -> Verdict {
    let s = Signals::new(case);
    Verdict {
        announced: announced(&s),
        ..weigh(case, &s)
    }
}

fn weigh(case: &Case, s: &Signals<'_>) -> Verdict {
    let subject = if case.subject.is_empty() {
        s.peer()
    } else {
        case.subject.clone()
    };
    let mut notes = nat::notes(s);
    notes.extend(clocks(case));
    let healthy = s.up && !s.child_refused() && s.stopped(Side::Local).is_none();
    let suffers = s.traffic_suffers();
    let mut findings: Vec<(&'static Rule, Finding)> = Vec::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut ruled_out: Vec<RuledOut> = Vec::new();
    let configs = Configs::of(case);
    for rule in rules() {
        let judgement = regressed(s, rule, pinned(s, rule, observed(s, rule, (rule.judge)(s))));
        let judgement = unused(s, rule, configs.weigh(s, rule.id, judgement));
        let judgement = of_another(s, rule, too_early(s, rule, judgement));
        match beside(s, rule, outrun(s, rule, aside(s, rule, judgement))) {
            Judgement::Silent => {}
            // Of a tunnel that is up, only what lines say beside the exchanges, its traffic, and what comes and goes
            // can be wrong.
            Judgement::Found(found)
                if healthy
                    && !rests_on_a_sign(s, &found.evidence)
                    && !s.rests_on_the_wire(&found.evidence)
                    && !s.rests_on_a_state(&found.evidence)
                    && !s.rests_on_a_probe(&found.evidence)
                    && !rule.recurs => {}
            Judgement::Found(found) if found.confidence >= SURE => {
                findings.push((rule, found.into_finding(rule.id, &subject)));
            }
            Judgement::Found(found) => candidates.push(Candidate {
                rule,
                weight: 100,
                because: found.summary,
                separated_by: rule.page.look_alikes.first().map_or("", |l| l.1).to_owned(),
            }),
            Judgement::Possible {
                weight,
                because,
                separated_by,
            } => candidates.push(Candidate {
                rule,
                weight,
                because,
                separated_by: separated_by.to_owned(),
            }),
            Judgement::RuledOut(because) => ruled_out.push(RuledOut {
                cause: rule.id.to_owned(),
                because,
            }),
        }
    }
    give_way(s, &mut findings, &mut candidates);
    unsent(s, &findings, &mut candidates, &mut ruled_out);
    suspect(s, &mut candidates, &ruled_out);
    hear(s, &mut candidates, &ruled_out);
    weigh_answers(s, &mut candidates, &mut ruled_out);
    let healthy = healthy && !suffers;
    let content = !complained(s)
        && !pinned_down(s)
        && laboured(s).is_none()
        && childless(s).is_none()
        && !fails_anew(s);
    if findings.is_empty() && healthy && shows_all(case, s) && content {
        well(s, subject, notes)
    } else if findings.is_empty() && healthy {
        up_as_far_as_shown(s, subject, candidates, ruled_out, notes)
    } else if findings.is_empty() {
        undecided(s, subject, candidates, ruled_out, notes)
    } else {
        decided(subject, findings, candidates, ruled_out, notes)
    }
}

/// Leaves what is about traffic alone as possible, where another finding says why no SA for it came up.
fn give_way(
    s: &Signals<'_>,
    findings: &mut Vec<(&'static Rule, Finding)>,
    candidates: &mut Vec<Candidate>,
) {
    let found: Vec<&str> = findings.iter().map(|(rule, _)| rule.id).collect();
    let (of_traffic, rest): (Vec<_>, Vec<_>) = core::mem::take(findings)
        .into_iter()
        .partition(|(rule, _)| gives_way(s, rule.id, &found));
    *findings = rest;
    candidates.extend(of_traffic.into_iter().map(|(rule, finding)| Candidate {
        rule,
        weight: 15,
        because: finding.summary,
        separated_by: "whether it is still said once the tunnel is up".to_owned(),
    }));
}

/// Causes that lie in what a side proves itself with.
const CREDENTIALS: &[&str] = &[
    "private-key-missing",
    "psk-not-found",
    "psk-formatting",
    "ca-not-trusted",
    "cert-expired",
    "cert-not-yet-valid",
    "cert-san-mismatch",
    "crl-unreachable",
    "signature-or-keyusage-rejected",
];

/// What a daemon says of a credential while it loads it is no more than possible, where nothing ever got as far as using
/// one.
fn unused(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    match judgement {
        Judgement::Found(found)
            if CREDENTIALS.contains(&rule.id) && s.of_loading_alone(&found.evidence) =>
        {
            Judgement::Possible {
                weight: 20,
                because: format!(
                    "{}; that was said at the start, and the attempt ends before it matters",
                    found.summary
                ),
                separated_by: "how far an attempt gets once the first exchange goes both ways",
            }
        }
        other => other,
    }
}

/// Causes on the path or at the peer that silence leaves possible.
const BEYOND: &[&str] = &[
    "udp500-blocked",
    "udp500-reply-blocked",
    "udp4500-blocked",
    "peer-unreachable",
    "peer-address-wrong",
    "daemon-not-running",
    "host-inbound-ike-not-allowed",
    "nat-return-mapping-lost",
    "middlebox-path-selective-drop",
    "dpi-or-ids-interference",
    "no-matching-connection-on-responder",
    "ike-version-mismatch",
    "ike-proposal-mismatch",
    "ike-proposal-mismatch-silent",
];

/// Where nothing ever left our host, nothing beyond it can be why no answer came.
fn unsent(
    s: &Signals<'_>,
    findings: &[(&'static Rule, Finding)],
    candidates: &mut Vec<Candidate>,
    ruled_out: &mut Vec<RuledOut>,
) {
    let Some(failed) = s.nothing_left() else {
        return;
    };
    candidates.retain(|c| !BEYOND.contains(&c.rule.id));
    for id in BEYOND {
        let known = findings.iter().any(|(rule, _)| rule.id == *id)
            || ruled_out.iter().any(|r| r.cause == *id);
        if !known {
            ruled_out.push(RuledOut {
                cause: (*id).to_owned(),
                because: format!("nothing leaves our host: {}", failed.fact.source.text),
            });
        }
    }
}

/// Adds what counters, pings and states leave possible, where no rule has said anything of it.
fn suspect(s: &Signals<'_>, candidates: &mut Vec<Candidate>, ruled_out: &[RuledOut]) {
    for (id, weight, because) in suspects(s)
        .into_iter()
        .chain(standing::suspects(s))
        .chain(waiting::suspects(s))
    {
        let known =
            candidates.iter().any(|c| c.rule.id == id) || ruled_out.iter().any(|r| r.cause == id);
        if let Some(rule) = rule(id).filter(|_| !known) {
            candidates.push(Candidate {
                rule,
                weight,
                because,
                separated_by: rule.page.look_alikes.first().map_or("", |l| l.1).to_owned(),
            });
        }
    }
}

/// Adds what a person's complaint fits, and moves up what other evidence left possible too.
fn hear(s: &Signals<'_>, candidates: &mut Vec<Candidate>, ruled_out: &[RuledOut]) {
    for (id, weight, because) in pinned::suspected(s).into_iter().chain(suspected(s)) {
        if ruled_out.iter().any(|r| r.cause == id) {
            continue;
        }
        if let Some(known) = candidates.iter_mut().find(|c| c.rule.id == id) {
            known.weight = known.weight.saturating_add(SUPPORT);
        } else if let Some(rule) = rule(id) {
            candidates.push(Candidate {
                rule,
                weight,
                because,
                separated_by: rule.page.look_alikes.first().map_or("", |l| l.1).to_owned(),
            });
        }
    }
}

/// What a person answered: it rules candidates out, puts others first, and names some that nothing else spoke of.
fn weigh_answers(s: &Signals<'_>, candidates: &mut Vec<Candidate>, ruled_out: &mut Vec<RuledOut>) {
    const SUPPORT: u8 = 20;
    for (question, yes) in answers(s.case) {
        let answer = if yes { "yes" } else { "no" };
        candidates.retain(|c| {
            let against = question.speaks(yes, c.rule.id) == Some(false);
            if against {
                ruled_out.push(RuledOut {
                    cause: c.rule.id.to_owned(),
                    because: format!("{} {answer}", question.text),
                });
            }
            !against
        });
        for rule in rules() {
            if question.speaks(yes, rule.id) != Some(true)
                || ruled_out.iter().any(|r| r.cause == rule.id)
            {
                continue;
            }
            match candidates.iter_mut().find(|c| c.rule.id == rule.id) {
                Some(candidate) => candidate.weight = candidate.weight.saturating_add(SUPPORT),
                None => candidates.push(Candidate {
                    rule,
                    weight: SUPPORT,
                    because: format!("{} {answer}", question.text),
                    separated_by: rule.page.look_alikes.first().map_or("", |l| l.1).to_owned(),
                }),
            }
        }
    }
}

/// That the clocks differ, where it is by more than a message takes.
fn clocks(case: &Case) -> Option<String> {
    let ms = case.clock_offset_ms.filter(|ms| ms.abs() >= 5_000)?;
    let how = if ms > 0 { "ahead of" } else { "behind" };
    Some(format!(
        "the peer's clock is {} s {how} ours; its times are told by ours",
        ms.abs() / 1_000
    ))
}

/// The verdict on a tunnel that is up.
fn well(s: &Signals<'_>, subject: String, notes: Vec<String>) -> Verdict {
    let waiting = s
        .silences
        .iter()
        .find(|silence| silence.side == Side::Local && !silence.given_up);
    let summary = match waiting {
        None if stands_still(s) => format!(
            "{subject} is up, and nothing is wrong with it as far as it shows: nothing went through it while it was looked at"
        ),
        None => format!("{subject} is up, and nothing is wrong with it"),
        Some(silence) => format!(
            "{subject} is up, and the peer hasn't answered the latest {} request yet; if it doesn't, the tunnel is set up anew",
            silence.exchange
        ),
    };
    Verdict {
        summary,
        ..empty(Answer::Healthy, subject, notes)
    }
}

/// Whether what the tunnel carried is known for its whole life only, and not for now.
fn stands_still(s: &Signals<'_>) -> bool {
    let carried = s.each_carried(Side::Local);
    !carried.is_empty() && carried.iter().all(|carried| carried.facts.len() < 2)
}

/// Whether the evidence is such that a fault would show in it. A status that says *established*, cut out of its
/// surroundings, is shown by people whose traffic doesn't pass; so are lines that name no program.
fn shows_all(case: &Case, s: &Signals<'_>) -> bool {
    let product = case.products.get(&Side::Local);
    case.covers(Side::Local)
        || match product {
            Some(product) => *product == Product::Adit,
            // Packets are whole, whoever picked their capture.
            None => s.captured(Side::Local) && !told_in_lines(case),
        }
}

/// Whether lines of a log are there, and not packets alone.
fn told_in_lines(case: &Case) -> bool {
    case.facts.iter().any(|f| {
        f.at.is_none() && f.source.line.is_some() && matches!(f.what, Known::Happened { .. })
    })
}

/// The verdict on a tunnel of which nothing is shown but that it is up.
fn up_as_far_as_shown(
    s: &Signals<'_>,
    subject: String,
    candidates: Vec<Candidate>,
    ruled_out: Vec<RuledOut>,
    notes: Vec<String>,
) -> Verdict {
    let peer = s.peer();
    let summary = match laboured(s) {
        Some(Asked { asked, lost }) => format!(
            "{subject} is up, but {lost} of {asked} messages of its key exchange were repetitions: the path may lose much, or the peer be slow"
        ),
        None => format!(
            "{subject} is up as far as this shows; if traffic doesn't pass, it doesn't say why"
        ),
    };
    let mut verdict = undecided(s, subject, candidates, ruled_out, notes);
    let counters = missing::collect(Need::Counters, &verdict.subject, &peer, &s.case.products);
    verdict.missing.insert(0, counters);
    verdict.summary = summary;
    verdict
}

fn rests_on_a_sign(s: &Signals<'_>, evidence: &[Evidence]) -> bool {
    evidence.iter().any(|e| {
        let told = s.case.facts.iter().filter(|f| {
            matches!(f.what, Known::PinnedDown { .. })
                || matches!(f.what, Known::Complained { complaint, .. } if complaint.is_seen())
        });
        let mut facts = s.signs.iter().map(|seen| seen.fact).chain(told);
        facts.any(|fact| e.is_of(fact))
    })
}

fn empty(verdict: Answer, subject: String, notes: Vec<String>) -> Verdict {
    Verdict {
        schema: Verdict::SCHEMA.to_owned(),
        verdict,
        subject,
        summary: String::new(),
        findings: Vec::new(),
        possible: Vec::new(),
        evidence: Vec::new(),
        ruled_out: Vec::new(),
        missing: Vec::new(),
        notes,
        announced: Vec::new(),
        ahead: Vec::new(),
    }
}

fn decided(
    subject: String,
    mut found: Vec<(&'static Rule, Finding)>,
    candidates: Vec<Candidate>,
    mut ruled_out: Vec<RuledOut>,
    notes: Vec<String>,
) -> Verdict {
    found.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
    let ids: Vec<&str> = found.iter().map(|(r, _)| r.id).collect();
    let (roots, consequences): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(rule, _)| !rule.depends_on.iter().any(|d| ids.contains(d)));
    let mut findings: Vec<Finding> = roots.into_iter().map(|(_, f)| f).collect();
    for (rule, consequence) in consequences {
        let owner = findings
            .iter_mut()
            .find(|f| rule.depends_on.contains(&f.cause.as_str()));
        if let Some(owner) = owner {
            owner.consequences.push(Consequence {
                cause: consequence.cause,
                summary: consequence.summary,
            });
        } else {
            // Its root is itself only a consequence.
            findings.push(consequence);
        }
    }
    let root = findings.first().map_or("", |f| f.cause.as_str()).to_owned();
    for c in candidates {
        if !findings.iter().any(|f| f.cause == c.rule.id) {
            ruled_out.push(RuledOut {
                cause: c.rule.id.to_owned(),
                because: format!("the evidence names another cause: {root}"),
            });
        }
    }
    if let Some(root) = findings.first_mut() {
        root.notes.clone_from(&notes);
    }
    Verdict {
        summary: findings
            .first()
            .map_or(String::new(), |f| f.summary.clone()),
        findings,
        ruled_out,
        ..empty(Answer::Cause, subject, notes)
    }
}

fn undecided(
    s: &Signals<'_>,
    subject: String,
    mut candidates: Vec<Candidate>,
    ruled_out: Vec<RuledOut>,
    notes: Vec<String>,
) -> Verdict {
    candidates.sort_by_key(|c| core::cmp::Reverse(c.weight));
    let mut needs: Vec<Need> = Vec::new();
    for need in candidates.iter().flat_map(|c| c.rule.needs) {
        // What is at hand already isn't missing.
        let have = match need {
            Need::Echo => s.echo().is_some(),
            Need::IkeProbe => s.ike_probe(false).is_some() && s.ike_probe(true).is_some(),
            Need::PeerReceives => s.case.covers(Side::Remote),
            Need::PeerDaemon => s.running(Side::Remote).is_some(),
            Need::RefusingSideLog | Need::Counters | Need::TwoSidedCapture | Need::Attempt => false,
        };
        if !have && !needs.contains(need) {
            needs.push(*need);
        }
    }
    if needs.is_empty() {
        needs.push(if s.listed_up(true) && s.stands().is_none() {
            Need::Counters
        } else if s.facts.is_empty() {
            Need::Attempt
        } else if candidates.is_empty() {
            Need::RefusingSideLog
        } else {
            Need::TwoSidedCapture
        });
    }
    needs.sort();
    let peer = s.peer();
    Verdict {
        summary: summary(s, &subject, &candidates),
        missing: needs
            .into_iter()
            .map(|n| missing::collect(n, &subject, &peer, &s.case.products))
            .collect(),
        possible: candidates
            .into_iter()
            .map(|c| Possible {
                cause: c.rule.id.to_owned(),
                because: c.because,
                separated_by: c.separated_by,
            })
            .collect(),
        evidence: seen(s),
        ruled_out,
        ..empty(Answer::Undecided, subject, notes)
    }
}

/// What happened, in one sentence, without saying why.
fn summary(s: &Signals<'_>, subject: &str, candidates: &[Candidate]) -> String {
    let names: Vec<&str> = candidates.iter().map(|c| c.rule.id).collect();
    let rest = match names.as_slice() {
        [] => String::new(),
        [one] => format!("; it may be {one}, and the evidence isn't enough to say so"),
        [first, second, third, rest @ ..] if !rest.is_empty() => format!(
            "; the evidence fits {first}, {second}, {third} and {} more",
            rest.len()
        ),
        more => format!("; the evidence fits {}", more.join(", ")),
    };
    let happened = if let Some(r) = s.refused.last() {
        format!("{} refused: {}", crate::signals::who(r.side), r.refusal)
    } else if let Some(t) = s.told.iter().rev().find(|t| t.side == Side::Local) {
        format!("the peer refused with {}", t.name)
    } else if let Some(t) = s.told.last() {
        format!("the peer was refused with {}", t.name)
    } else if let Some(silence) = s.silences.last() {
        let whose = match silence.side {
            Side::Local => "our",
            Side::Remote => "the peer's",
        };
        let ended = if silence.given_up {
            "went unanswered"
        } else {
            "are unanswered so far"
        };
        format!("{whose} {} requests {ended}", silence.exchange)
    } else if let Some((_, by, cause)) = s.closed() {
        let who = match by {
            Party::Us => "our side",
            Party::Peer => "the peer",
        };
        format!("the IKE SA was closed by {who} ({cause})")
    } else if let Some(standing) = s.stands() {
        standing.told()
    } else if s.traffic_suffers() {
        "it is up as far as this shows, and its traffic doesn't get through".to_owned()
    } else if s.listed_up(true) {
        "it is listed as up, and nothing is said of what fails".to_owned()
    } else if s.carried(Side::Local).or(s.carried(Side::Remote)).is_some() {
        "its SAs are listed, and nothing is said of what fails".to_owned()
    } else if s.facts.is_empty() && s.case.products.get(&Side::Local) == Some(&Product::Adit) {
        "it is down and there was no attempt to set it up".to_owned()
    } else if s.facts.is_empty() && s.signs.iter().any(|x| !x.sign.lasts()) {
        "what is here shows no more than a part of an attempt".to_owned()
    } else if s.facts.is_empty() {
        "no attempt to set a tunnel up is recognised in what is here".to_owned()
    } else if s.negotiated_without_esp().is_some() {
        "IKE messages go both ways, and no ESP follows them".to_owned()
    } else {
        "it is being set up".to_owned()
    };
    format!("{subject}: {happened}{rest}")
}

/// The lines that an undecided verdict rests on.
fn seen(s: &Signals<'_>) -> Vec<Evidence> {
    let probes = s
        .case
        .of(Side::Local)
        .filter(|f| matches!(f.what, Known::Probed { .. }));
    let why: Vec<&Fact> = s
        .refused
        .iter()
        .map(|r| r.fact)
        .chain(s.told.iter().map(|t| t.fact))
        .chain(s.silences.iter().flat_map(|x| x.facts.iter().copied()))
        .chain(s.signs.iter().map(|seen| seen.fact))
        .collect();
    let states = s.stands().map(|x| x.facts).unwrap_or_default();
    // That an attempt failed says nothing beside what it failed of.
    let closed = s.closed().map(|(f, _, _)| f).filter(|_| why.is_empty());
    quote(why.into_iter().chain(closed).chain(states).chain(probes))
}
