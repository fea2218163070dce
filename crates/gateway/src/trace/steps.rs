//! Evidence put in the order of a packet's way, and where it stays.

use std::net::IpAddr;

use adit_kernel::watch::Spot;
use adit_model::probed::{Check, Outcome};
use adit_model::traced::{HopOutcome, How, Traced};

use super::way::Way;
use super::{Asked, Evidence, protocol_name};
use crate::probing::{Carrier, Situation};
use crate::protocol::{Walk, WalkDirection, WalkStep};

/// The whole way, with what the host's own tests say.
pub(super) fn traced(
    asked: &Asked,
    situation: &Situation,
    turned: bool,
    evidence: &Evidence,
    checks: &[Check],
) -> Traced {
    let seen = Seen {
        asked,
        situation,
        evidence,
        checks,
        how: evidence.how.unwrap_or(How::Predicted),
        turned,
    };
    let mut traced = asked.document();
    traced.how = seen.how;
    traced.tunnel = Some(situation.connection.name.clone());
    traced.sent = evidence.sent;
    // From the local side into the tunnel, and out of it; which is first depends on who is asked about.
    let mut way = Way::default();
    for back in [false, true] {
        if way.stop.is_none() && !(back && seen.is_silent()) {
            let outward = back == turned;
            if outward {
                seen.outward(&mut way, back);
            } else {
                seen.inward(&mut way, back);
            }
        }
    }
    traced.problem.clone_from(&evidence.problem);
    traced.open = way.stop.is_none() && seen.is_open();
    traced.summary = if traced.open {
        seen.too_little()
    } else {
        summary(asked, &way, &seen)
    };
    traced.hops = way.hops;
    traced.stopped = way.stop;
    traced
}

/// All that is known of a flow.
pub(super) struct Seen<'a> {
    pub(super) asked: &'a Asked,
    pub(super) situation: &'a Situation,
    pub(super) evidence: &'a Evidence,
    pub(super) checks: &'a [Check],
    pub(super) how: How,
    /// The flow begins on the peer's side.
    pub(super) turned: bool,
}

/// Indices of [`adit_kernel::watch::POINTS`].
const PREROUTING: usize = 0;
const INPUT: usize = 1;
const FORWARD: usize = 2;
const OUTPUT: usize = 3;
const POSTROUTING: usize = 4;

impl Seen<'_> {
    pub(super) fn count(&self, back: bool, point: usize, first: bool) -> u64 {
        let spot = Spot {
            onward: !back,
            point,
            first,
        };
        let found = self.evidence.counts.iter().find(|(at, _)| *at == spot);
        found.map_or(0, |(_, count)| *count)
    }

    pub(super) fn follows(&self) -> bool {
        self.how != How::Predicted && !self.evidence.counts.is_empty()
    }

    /// Packets were to be followed, and nothing shows that any came back.
    fn is_open(&self) -> bool {
        self.how != How::Predicted
            && self.evidence.answered.is_none()
            && !self.follows()
            && self.walk(self.direction(!self.is_silent())).is_none()
    }

    /// UDP without an answer: nobody has to give one.
    fn is_silent(&self) -> bool {
        let counted = |(spot, count): &(Spot, u64)| !spot.onward && *count > 0;
        self.how != How::Predicted
            && self.asked.protocol == Some(17)
            && !self.evidence.counts.iter().any(counted)
            && self.walk(self.direction(true)).is_none()
    }

    /// Which way through the tunnel packets go, onward and back.
    pub(super) fn direction(&self, back: bool) -> WalkDirection {
        if back == self.turned {
            WalkDirection::Out
        } else {
            WalkDirection::In
        }
    }

    fn too_little(&self) -> String {
        let Asked { from, to, .. } = self.asked;
        let what = protocol_name(self.asked.protocol, from.is_ipv4());
        let done = match self.how {
            How::Sent => "was sent, not answered and not counted on its way",
            _ => "was waited for and couldn't be counted on its way",
        };
        let why = self.evidence.problem.as_deref();
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        format!("whether {what} from {from} to {to} goes through can't be told; it {done}{why}")
    }

    fn finding(&self, ids: &[&str]) -> Option<&Check> {
        self.checks
            .iter()
            .find(|c| c.outcome == Outcome::Finding && ids.contains(&c.id.as_str()))
    }

    pub(super) fn ends(&self, back: bool) -> (IpAddr, IpAddr) {
        if back {
            (self.asked.to, self.asked.from)
        } else {
            (self.asked.from, self.asked.to)
        }
    }

    /// The flow's local end is this host itself.
    pub(super) fn is_here(&self) -> bool {
        self.checks
            .iter()
            .any(|c| c.id == "local-end" && c.values.contains_key("here"))
    }

    fn tunnel_device(&self) -> &str {
        match &self.situation.carrier {
            Carrier::Device(name) | Carrier::Kernel(Some((name, _))) => name,
            Carrier::Kernel(None) => "the outside interface, for the kernel's policies",
            Carrier::Nobody => "nothing",
        }
    }

    /// From the local side into the tunnel and out on the wire.
    fn outward(&self, way: &mut Way, back: bool) {
        let (source, destination) = self.ends(back);
        let here = self.is_here();
        let (point, entry) = if here {
            (OUTPUT, "output")
        } else {
            (PREROUTING, "interface-in")
        };
        let came = self.count(back, point, true);
        let told = if here {
            format!("made on this host, from {source} to {destination}")
        } else {
            format!("from {source} to {destination}, by {}", self.lan())
        };
        match (self.follows(), came) {
            (false, _) => way.hop(back, entry, HopOutcome::Expected, told),
            (true, 0) if back => {
                let reason = format!("no answer of {source} came to this host");
                let fix = format!(
                    "see on {source} whether the request arrives, whether its filter lets it in, and whether its route to {destination} leads to this gateway"
                );
                way.stop(back, entry, "beyond", reason, Some(fix));
                return;
            }
            (true, 0) => {
                if let Some(walk) = self.walk(WalkDirection::Out) {
                    // Bundles of several packets may pass other counters than single ones.
                    way.hop(back, entry, HopOutcome::Unseen, told);
                    self.sealed(way, back, walk);
                    return;
                }
                // Who sends from here is told by the policies before any filter sees the packet.
                let astray = self.finding(&["routes-inside"]).is_some();
                if here && !astray && self.kernel_stops(way, back, false) {
                    return;
                }
                let (reason, fix) = if here {
                    (
                        format!("nothing left for {destination}: {}", self.why_not_sent()),
                        match self.finding(&["routes-inside"]) {
                            Some(check) => check.fix.clone(),
                            None => self.or_perhaps(false, None),
                        },
                    )
                } else {
                    (
                        format!(
                            "no packet from {source} to {destination} came to this host meanwhile"
                        ),
                        Some(format!(
                            "send one from {source}; if it doesn't come here, its route to {destination} leads elsewhere"
                        )),
                    )
                };
                way.stop(
                    back,
                    entry,
                    if here { "routing" } else { "beyond" },
                    reason,
                    fix,
                );
                return;
            }
            (true, n) => way.hop(
                back,
                entry,
                HopOutcome::Passed,
                format!("{told} ({n} seen)"),
            ),
        }
        if !here && !self.filter(way, back, PREROUTING) {
            return;
        }
        // Which way it takes.
        if let Some(astray) = self.finding(&["routes-inside"]) {
            way.stopped_by(back, "route", "routing", astray);
            return;
        }
        let next = if here { OUTPUT } else { FORWARD };
        if self.follows() && !here && self.count(back, FORWARD, true) == 0 {
            // The kernel asks its policies before it forwards, and after it has found a route.
            if let Some(check) = self.finding(&["forwarding", "reverse-path"]) {
                way.stopped_by(back, "route", "routing", check);
                return;
            }
            if self.kernel_stops(way, back, false) {
                return;
            }
            let (lan, perhaps) = (self.lan(), self.perhaps(false));
            let reason = format!(
                "the packet came and wasn't forwarded: reverse path filtering of {lan}, or no route{perhaps}"
            );
            let fix = self.or_perhaps(false, None);
            way.stop(back, "route", "routing", reason, fix);
            return;
        }
        if let (Some(off), false) = (self.finding(&["forwarding"]), here) {
            way.stopped_by(back, "route", "routing", off);
            return;
        }
        way.hop(
            back,
            "route",
            self.passed(),
            format!("to {}", self.tunnel_device()),
        );
        if !self.filter(way, back, next) || !self.filter(way, back, POSTROUTING) {
            return;
        }
        if let Some(check) = self.finding(&["translation"]) {
            way.stopped_by(back, "filter", "filter", check);
            return;
        }
        if !self.follows()
            && let Some(check) = self.finding(&["filter-inside"])
        {
            way.stopped_by(back, "filter", "filter", check);
            return;
        }
        match (self.walk(WalkDirection::Out), &self.evidence.walks) {
            (Some(walk), _) => self.sealed(way, back, walk),
            (None, Some(_)) if self.follows() => {
                way.stop(
                    back,
                    "policy",
                    "gateway",
                    "the packet left for the tunnel's device and the data plane didn't see it as one of these addresses",
                    None,
                );
            }
            _ if self.situation.carrier.is_kernel() => self.kernel_outward(way, back),
            _ if !self.situation.up => {
                way.stop(
                    back,
                    "sa",
                    "gateway",
                    "the tunnel isn't up, so there is no SA",
                    Some(format!("adit why {}", self.situation.connection.name)),
                );
            }
            _ => {
                way.hop(
                    back,
                    "policy",
                    HopOutcome::Expected,
                    self.situation.connection.name.clone(),
                );
                self.wire_out(way, back, HopOutcome::Expected);
            }
        }
    }

    /// What the data plane did with a packet to the peer.
    fn sealed(&self, way: &mut Way, back: bool, walk: &Walk) {
        for step in &walk.steps {
            if self.step(way, back, step) {
                return;
            }
        }
        self.wire_out(way, back, HopOutcome::Passed);
    }

    pub(super) fn wire_out(&self, way: &mut Way, back: bool, outcome: HopOutcome) {
        let peer = self
            .situation
            .peer
            .map_or("the peer".to_owned(), |p| p.to_string());
        let how = match self.situation.in_udp {
            Some(true) => "ESP in UDP",
            _ => "ESP",
        };
        if let Some(check) = self
            .finding(&["filter-outside"])
            .filter(|c| c.summary.contains(" to "))
        {
            way.stopped_by(back, "wire-out", "filter", check);
            return;
        }
        let by = self
            .checks
            .iter()
            .find(|c| c.id == "route-to-peer")
            .and_then(|c| c.values.get("device"))
            .map_or(String::new(), |device| format!(" by {device}"));
        way.hop(back, "wire-out", outcome, format!("{how} to {peer}{by}"));
    }

    /// From the wire through the tunnel to the local side.
    fn inward(&self, way: &mut Way, back: bool) {
        let (source, destination) = self.ends(back);
        let peer = self
            .situation
            .peer
            .map_or("the peer".to_owned(), |p| p.to_string());
        match (self.walk(WalkDirection::In), self.follows()) {
            (Some(walk), _) => {
                way.hop(
                    back,
                    "wire-in",
                    HopOutcome::Passed,
                    format!("ESP from {peer}"),
                );
                for step in &walk.steps {
                    if self.step(way, back, step) {
                        return;
                    }
                }
            }
            (None, true) if self.count(back, PREROUTING, true) == 0 => {
                if self.situation.carrier.is_kernel() && self.kernel_refuses(way, back) {
                    return;
                }
                let filtered = self
                    .finding(&["filter-outside"])
                    .filter(|c| c.summary.contains(" from "));
                let (by, reason, fix) = match filtered {
                    Some(check) => ("filter", check.summary.clone(), check.fix.clone()),
                    None => (
                        "beyond",
                        format!(
                            "nothing from {source} came back through the tunnel{}",
                            self.perhaps(true)
                        ),
                        self.or_perhaps(true, Some(format!(
                            "at the peer {peer}: does ESP of ours arrive (its SA's counters), does {source} answer, does its route to {destination} lead into the tunnel? adit probe {} tells what the path does",
                            self.situation.connection.name
                        ))),
                    ),
                };
                way.stop(back, "wire-in", by, reason, fix);
                return;
            }
            (None, true) => {
                if self.situation.carrier.is_kernel() {
                    self.kernel_inward(way, back, &peer);
                }
                way.hop(
                    back,
                    "open",
                    HopOutcome::Passed,
                    format!("opened, from {source}"),
                );
            }
            (None, false) => {
                let unanswered = self.how != How::Predicted && self.evidence.answered.is_none();
                if unanswered
                    && self.situation.carrier.is_kernel()
                    && self.kernel_refuses(way, back)
                    || self.foreign_policy(way, back, true)
                {
                    return;
                }
                way.hop(
                    back,
                    "wire-in",
                    HopOutcome::Expected,
                    format!("ESP from {peer}"),
                );
            }
        }
        if !self.filter(way, back, PREROUTING) {
            return;
        }
        let here = self.is_here();
        let next = if here { INPUT } else { FORWARD };
        if self.follows()
            && self.count(back, PREROUTING, true) > 0
            && self.count(back, next, true) == 0
        {
            if let Some(check) = self.finding(&["reverse-path", "forwarding"]) {
                way.stopped_by(back, "route", "routing", check);
                return;
            }
            if self.kernel_stops(way, back, true) {
                return;
            }
            let perhaps = self.perhaps(true);
            let reason = format!(
                "the packet came out of the tunnel and went no further: no route to {destination}, or reverse path filtering{perhaps}"
            );
            let fix = self.or_perhaps(true, None);
            way.stop(back, "route", "routing", reason, fix);
            return;
        }
        if let (false, Some(why)) = (
            self.follows(),
            self.finding(&["reverse-path", "forwarding", "filter-inside"]),
        ) {
            way.stopped_by(back, "route", "routing", why);
            return;
        }
        if !self.filter(way, back, next) || (!here && !self.filter(way, back, POSTROUTING)) {
            return;
        }
        // The kernel asks its policies of what is for this host when filters have let it in.
        let unanswered = self.how == How::Sent && self.evidence.answered.is_none();
        if here && unanswered && !self.is_silent() && self.kernel_stops(way, back, true) {
            return;
        }
        let perhaps = self.perhaps(true);
        if here && unanswered && !self.is_silent() && !perhaps.is_empty() {
            let told = format!("to this host, {destination}, which took no answer{perhaps}");
            way.hop(back, "input", HopOutcome::Unseen, told);
        } else if here {
            way.hop(
                back,
                "input",
                self.passed(),
                format!("to this host, {destination}"),
            );
        } else {
            way.hop(
                back,
                "interface-out",
                self.passed(),
                format!("to {destination} by {}", self.lan()),
            );
        }
    }

    fn passed(&self) -> HopOutcome {
        if self.follows() {
            HopOutcome::Passed
        } else {
            HopOutcome::Expected
        }
    }

    /// A step of the data plane; whether it was the last.
    fn step(&self, way: &mut Way, back: bool, step: &WalkStep) -> bool {
        match step {
            WalkStep::Policy { tunnel, child } => way.hop(
                back,
                "policy",
                HopOutcome::Passed,
                format!("{tunnel}/{child}"),
            ),
            WalkStep::Sa { spi } => way.hop(back, "sa", HopOutcome::Passed, format!("SPI {spi}")),
            WalkStep::Sequence { number } => way.hop(
                back,
                "sequence",
                HopOutcome::Passed,
                format!("number {number}"),
            ),
            WalkStep::Sealed { octets } => way.hop(
                back,
                "seal",
                HopOutcome::Passed,
                format!("{octets} octets of ESP"),
            ),
            WalkStep::Opened { octets } => way.hop(
                back,
                "open",
                HopOutcome::Passed,
                format!("{octets} octets, within the SA's selectors"),
            ),
            WalkStep::Dropped { reason, meaning } => {
                let stage = if matches!(way.hops.last(), Some(hop) if hop.stage == "policy") {
                    "sa"
                } else {
                    "policy"
                };
                let fix = format!("adit why {}", self.situation.connection.name);
                way.stop(
                    back,
                    stage,
                    "gateway",
                    format!("{}: {meaning}", reason.name()),
                    Some(fix),
                );
                return true;
            }
        }
        false
    }

    fn why_not_sent(&self) -> String {
        self.finding(&["routes-inside"]).map_or_else(
            || format!("the kernel refused to send it{}", self.perhaps(false)),
            |c| c.summary.clone(),
        )
    }

    fn walk(&self, direction: WalkDirection) -> Option<&Walk> {
        let walks = self.evidence.walks.as_ref()?;
        walks.iter().find(|walk| walk.direction == direction)
    }

    fn lan(&self) -> &str {
        self.checks
            .iter()
            .find(|c| c.id == "local-end")
            .and_then(|c| c.values.get("device"))
            .map_or("an inside interface", String::as_str)
    }
}

fn summary(asked: &Asked, way: &Way, seen: &Seen<'_>) -> String {
    let Asked { from, to, .. } = asked;
    let what = protocol_name(asked.protocol, from.is_ipv4());
    if let Some(stop) = &way.stop {
        let side = if stop.back {
            "the answer stays"
        } else {
            "the packet stays"
        };
        return format!(
            "{what} from {from} to {to}: {side} at {}: {}",
            stop.stage, stop.reason
        );
    }
    match (seen.how, seen.evidence.answered) {
        (How::Sent, Some(rtt)) => format!(
            "{what} from {from} to {to} goes through the tunnel and is answered after {:.1} ms",
            rtt.as_secs_f64() * 1e3
        ),
        _ if seen.is_silent() => format!(
            "{what} from {from} to {to} goes as far as can be seen here; no answer came, and UDP need not have one"
        ),
        (How::Predicted, _) => format!(
            "{what} from {from} to {to} should go through the tunnel and back, by all that this host's tables say"
        ),
        _ => format!("{what} from {from} to {to} goes through the tunnel, and packets come back"),
    }
}
