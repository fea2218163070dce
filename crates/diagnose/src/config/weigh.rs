//! Configurations among the evidence of a case: what they add to what rules say.
//!
//! A rule knows what logs, captures and states say about its cause. Where the case has both ends' configurations, their
//! difference speaks too, for every cause in the same way, so it is weighed here: below the log of the side that
//! refused, above the look of a symptom, and not at all where the attempt got past the point at which the difference
//! would have stopped it.

use adit_model::event::Happening;
use adit_model::fact::{Case, Known, Side};
use adit_model::peer_config::{Lint, PeerConnection, Place, SharedKey, Weight};
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use super::difference::{Difference, Outcome};
use super::pair::{mirror, pair};
use super::{compare, lint};
use crate::complaint::complaint_that_fits;
use crate::finding::{BOTH_SIDES, CONDITION, CONFIGURED, SYMPTOM};
use crate::rule::{Found, Judgement};
use crate::signals::Signals;
use crate::verdict::{AtFault, Evidence, Fix};

/// What the configurations of a case say.
pub(crate) struct Configs {
    /// The two ends of the tunnel in question.
    pair: Option<(PeerConnection, PeerConnection)>,
    differences: Vec<Difference>,
    /// What is wrong with one end by itself, gravely.
    lints: Vec<(Side, Lint)>,
    /// What isn't grave, and is what is wrong when somebody complains of what it brings about.
    suspicious: Vec<(Side, Lint)>,
}

impl Configs {
    /// Reads them out of a case.
    pub(crate) fn of(case: &Case) -> Self {
        let ours = connections(case, Side::Local);
        let theirs = connections(case, Side::Remote);
        let mut lints: Vec<(Side, Lint)> = case
            .facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::ConfigLint { lint } => Some((f.side, (**lint).clone())),
                _ => None,
            })
            .collect();
        for (side, list) in [(Side::Local, &ours), (Side::Remote, &theirs)] {
            lints.extend(lint::lints(list).into_iter().map(|l| (side, l)));
        }
        let (lints, suspicious) = lints
            .into_iter()
            .partition(|(_, l)| l.weight == Weight::Error);
        let pair = chosen(&case.subject, ours, theirs);
        let differences = pair
            .as_ref()
            .map(|(a, b)| compare(a, b))
            .unwrap_or_default();
        Self {
            pair,
            differences,
            lints,
            suspicious,
        }
    }

    /// What a rule says, with what the configurations say about its cause.
    pub(crate) fn weigh(&self, s: &Signals<'_>, cause: &str, judgement: Judgement) -> Judgement {
        if let Some(d) = self.differences.iter().find(|d| d.cause == cause) {
            return differs(s, d, judgement, self.listed());
        }
        if let Judgement::Possible { .. } = judgement
            && let Some(because) = self.agrees(cause)
        {
            return Judgement::RuledOut(because);
        }
        if cause == "ts-mismatch"
            && matches!(judgement, Judgement::Found(_))
            && hearsay(s)
            && let Some(because) = self.networks_fit()
        {
            return Judgement::Possible {
                weight: 30,
                because,
                separated_by: "the log of the side that refused: which networks it has, or what its kernel refused (Libreswan 4 answers TS_UNACCEPTABLE to that, too)",
            };
        }
        if let Some((side, lint)) = self.lints.iter().find(|(_, l)| l.cause == cause) {
            return by_itself(s, *side, lint, judgement);
        }
        if let Some((side, lint)) = self.suspicious.iter().find(|(_, l)| l.cause == cause)
            && s.calm()
            && let Some(complaint) = complaint_that_fits(s, cause)
        {
            return match by_itself(s, *side, lint, judgement) {
                Judgement::Found(found) => Judgement::Found(Box::new(found.with([complaint]))),
                other => other,
            };
        }
        judgement
    }

    /// Whether the two ends differ in what has that cause.
    pub(crate) fn differ_in(&self, cause: &str) -> bool {
        self.differences.iter().any(|d| d.cause == cause)
    }

    /// Whether one end has a tunnel interface and the other a list of networks.
    pub(crate) fn interface_and_list(&self) -> bool {
        let interface =
            |c: &PeerConnection| c.children.iter().any(|child| child.route_based.is_some());
        self.pair
            .as_ref()
            .is_some_and(|(a, b)| interface(a) != interface(b))
    }

    /// Both ends' configurations have written networks, and [`compare`] found nothing against them.
    fn networks_fit(&self) -> Option<String> {
        let (a, b) = self.pair.as_ref()?;
        let written = |c: &PeerConnection| {
            !c.children.is_empty()
                && c.children.iter().all(|x| {
                    [&x.local_ts, &x.remote_ts]
                        .iter()
                        .all(|ts| ts.is_written() && !ts.value.is_empty())
                })
        };
        let differ = self
            .differences
            .iter()
            .any(|d| matches!(d.outcome, Outcome::FailsAtChild));
        (written(a) && written(b) && !differ).then(|| {
            "the networks were refused, and both ends' configurations have the same ones".to_owned()
        })
    }

    /// What is compared is what statuses show.
    fn listed(&self) -> bool {
        self.pair
            .as_ref()
            .is_some_and(|(a, b)| a.listed || b.listed)
    }

    /// That both ends' written values fit, where a log leaves the cause open.
    fn agrees(&self, cause: &str) -> Option<String> {
        let (a, b) = self.pair.as_ref()?;
        let said = |text: &str| Some(format!("{text} in both ends' configurations"));
        match cause {
            "psk-mismatch" | "psk-formatting" => {
                let (x, y) = (a.psk.as_ref()?.digest?, b.psk.as_ref()?.digest?);
                (x == y).then(|| said("the same pre-shared key is"))?
            }
            "ike-proposal-mismatch" if a.ike.is_written() && b.ike.is_written() => {
                a.ike.value.as_ref()?;
                b.ike.value.as_ref()?;
                said("there is an IKE proposal in common")
            }
            "id-mismatch" if a.local_id.is_written() && b.remote_id.is_written() => {
                let fits = |x: &PeerConnection, y: &PeerConnection| {
                    x.effective_local_id()?.satisfies(&y.effective_remote_id()?)
                };
                (fits(a, b) == Some(true) && fits(b, a) == Some(true))
                    .then(|| said("the identities fit"))?
            }
            "auth-method-mismatch" if a.local_auth.is_written() && b.local_auth.is_written() => {
                said("the same authentication is")
            }
            _ => None,
        }
    }
}

/// One side's connections, with keys from its other files.
fn connections(case: &Case, side: Side) -> Vec<PeerConnection> {
    let keys: Vec<SharedKey> = case
        .of(side)
        .filter_map(|f| match &f.what {
            Known::PeerKey { key } => Some((**key).clone()),
            _ => None,
        })
        .collect();
    let source = |c: &PeerConnection| c.source.name.clone();
    case.of(side)
        .filter_map(|f| match &f.what {
            Known::PeerConfigured { connection } => Some((**connection).clone()),
            _ => None,
        })
        .map(|mut c| {
            // A key in a file of its own is for whatever stands beside it; in the same file it was taken already.
            let other: Vec<SharedKey> = keys
                .iter()
                .filter(|k| k.source.name != source(&c))
                .cloned()
                .collect();
            c.take_key(&other);
            c
        })
        .collect()
}

/// The two ends of the tunnel in question, where the configurations tell which they are.
fn chosen(
    subject: &str,
    ours: Vec<PeerConnection>,
    theirs: Vec<PeerConnection>,
) -> Option<(PeerConnection, PeerConnection)> {
    let mut pairs = if theirs.is_empty() {
        within(ours)
    } else {
        pair(&ours, &theirs)
    };
    if let Some(at) = pairs.iter().position(|(a, _)| a.name == subject) {
        return Some(pairs.swap_remove(at));
    }
    match pairs.len() {
        0 => None,
        1 => pairs.pop(),
        _ => {
            let broken = |(a, b): &(PeerConnection, PeerConnection)| {
                compare(a, b).iter().any(|d| d.outcome.breaks())
            };
            let mut bad: Vec<_> = pairs.into_iter().filter(broken).collect();
            if bad.len() == 1 { bad.pop() } else { None }
        }
    }
}

/// Both ends in one paste: two configurations that speak of each other.
fn within(all: Vec<PeerConnection>) -> Vec<(PeerConnection, PeerConnection)> {
    let place = |c: &PeerConnection| (c.source.name.clone(), c.block, c.dialect);
    let mut groups: Vec<(_, Vec<PeerConnection>)> = Vec::new();
    for c in all {
        let key = place(&c);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, list)) => list.push(c),
            None => groups.push((key, vec![c])),
        }
    }
    if let [(_, only)] = groups.as_mut_slice()
        && let [a, b] = only.as_slice()
        && a.local.value.iter().any(Place::is_somewhere)
        && a.local.value == b.remote.value
        && a.remote.value == b.local.value
    {
        // One under the other without a word between them: no host has both.
        return pair(core::slice::from_ref(a), core::slice::from_ref(b));
    }
    let mut lists = groups.into_iter().map(|(_, list)| list);
    let (Some(first), Some(second), None) = (lists.next(), lists.next(), lists.next()) else {
        return Vec::new();
    };
    // An earlier and a later version of one end's configuration aren't two ends.
    let same_end = |a: &PeerConnection, b: &PeerConnection| {
        a.dialect == b.dialect && a.local.value == b.local.value && a.remote.value == b.remote.value
    };
    if first.iter().any(|a| second.iter().any(|b| same_end(a, b))) {
        return Vec::new();
    }
    pair(&first, &second)
        .into_iter()
        .filter(|(a, b)| mirror(a, b) > 0 || namesakes(a, b))
        .collect()
}

/// That the networks don't fit is known from an error in the other side's answer alone.
fn hearsay(s: &Signals<'_>) -> bool {
    let said = s.refusal(|r| matches!(r, Refusal::TrafficSelectors { .. }).then_some(()));
    // `IKE_AUTH response rejected Child SA with TS_UNACCEPTABLE` is the answer, too.
    let answer =
        |text: &str| text.contains("rejected") || text.contains("failed with error notification");
    said.is_none()
        && s.signs_of(Sign::TrafficRefused)
            .all(|seen| answer(&seen.fact.source.text))
}

/// Whether two configurations are of two hosts though their addresses are blacked out: one product has each name once,
/// and the peers that they name differ.
fn namesakes(a: &PeerConnection, b: &PeerConnection) -> bool {
    let blacked_out = |c: &PeerConnection| {
        c.remote.value.iter().all(|p| matches!(p, Place::Name(_))) && !c.remote.value.is_empty()
    };
    a.dialect == b.dialect
        && a.name == b.name
        && a.remote.value != b.remote.value
        && blacked_out(a)
        && blacked_out(b)
}

fn attempted(s: &Signals<'_>) -> bool {
    s.facts
        .iter()
        .any(|f| matches!(f.what, Known::Happened { .. }))
}

fn differs(s: &Signals<'_>, d: &Difference, judgement: Judgement, listed: bool) -> Judgement {
    let lines = d.evidence();
    let possible = match judgement {
        Judgement::RuledOut(_) => return judgement,
        Judgement::Found(mut found) => {
            for line in lines {
                if !found.evidence.contains(&line) {
                    found.evidence.push(line);
                }
            }
            if found.fix == Fix::default() {
                found.fix = d.fix.clone();
            }
            return Judgement::Found(found);
        }
        Judgement::Possible { .. } => true,
        Judgement::Silent => false,
    };
    let passed = match d.outcome {
        Outcome::FailsAtIke => s.authenticated().is_some() || s.listed_up(false),
        Outcome::FailsAtChild => {
            s.listed_up(true)
                || s.reached(|h| matches!(h, Happening::ChildEstablished { .. }))
                    .is_some()
        }
        // A command that somebody typed is an attempt, whatever came of it.
        Outcome::NeverStarts => attempted(s) || s.sign(Sign::BegunByHand).is_some(),
        // A status of a tunnel that is up isn't shown because of what may come later.
        Outcome::OneWay | Outcome::FailsAtFirstRekey | Outcome::Flaps => {
            listed && (s.up || s.listed_up(true))
        }
        Outcome::Warning | Outcome::Hint => true,
    };
    if passed {
        return judgement;
    }
    // The excerpt of a configuration may lack where this is written for all connections.
    if d.cause == "auth-method-mismatch" && lines.len() < 2 && !possible {
        return Judgement::Possible {
            weight: 45,
            because: d.summary.clone(),
            separated_by: "the whole configuration of the side that doesn't say how it authenticates",
        };
    }
    let ceiling = if possible {
        BOTH_SIDES
    } else if attempted(s) {
        SYMPTOM
    } else {
        CONFIGURED
    };
    Found {
        confidence: d.confidence.min(ceiling),
        side: d.side,
        summary: d.summary.clone(),
        explanation: d.explanation.clone(),
        evidence: lines,
        fix: d.fix.clone(),
        message_for_peer: d.message_for_peer.clone(),
        next: Vec::new(),
    }
    .into()
}

fn by_itself(s: &Signals<'_>, side: Side, lint: &Lint, judgement: Judgement) -> Judgement {
    let possible = match judgement {
        Judgement::RuledOut(_) | Judgement::Found(_) => return judgement,
        Judgement::Possible { .. } => true,
        Judgement::Silent => false,
    };
    // What a paste does to a text looks like words that a product refuses; a log of its own says so better.
    let damaged = matches!(
        lint.cause.as_str(),
        "config-syntax-rejected" | "nothing-triggers-initiation"
    );
    if damaged && attempted(s) || lint.cause == "psk-not-found" && s.authenticated().is_some() {
        return judgement;
    }
    let fix = match side {
        Side::Local => Fix {
            local: lint.fix.clone(),
            remote: String::new(),
        },
        Side::Remote => Fix {
            local: String::new(),
            remote: lint.fix.clone(),
        },
    };
    Found {
        confidence: if possible { CONFIGURED } else { CONDITION },
        side: AtFault::from(side),
        summary: lint.message.clone(),
        explanation: String::new(),
        evidence: vec![Evidence {
            side: Some(side),
            source: lint.source.name.clone(),
            line: lint.source.line,
            text: lint.source.text.clone(),
        }],
        fix,
        message_for_peer: match side {
            Side::Local => format!(
                "The tunnel fails because of our side: {}. We are mending it.",
                lint.message
            ),
            Side::Remote => format!(
                "In your configuration: {}. Please change it: {}.",
                lint.message, lint.fix
            ),
        },
        next: Vec::new(),
    }
    .into()
}
