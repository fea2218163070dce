//! What the counts of both sides mean, and what to change.

use std::net::IpAddr;

use adit_model::event::PathProblem;
use adit_model::fact::{Known, Probe};
use adit_model::probed::{Check, Outcome, Sent};

use super::alone::Alone;
use super::ladder::{Reach, SEVERAL};
use super::near::{Measured, Way};
use super::post::Word;
use super::size::kind;
use super::{Ends, Limits};
use crate::probing::Situation;

/// The tests of the path; `others` are those of the same moment.
pub(in crate::probing) fn checks(
    situation: &Situation,
    measured: Result<Measured, Alone>,
    others: &[Check],
) -> Vec<Check> {
    let ends = situation.ends;
    match (measured, ends) {
        (Ok(measured), Some(ends)) => Telling {
            situation,
            ends,
            measured: &measured,
            others,
        }
        .checks(),
        (Err(alone), _) => alone.checks(situation, others),
        (Ok(_), None) => Vec::new(),
    }
}

struct Telling<'a> {
    situation: &'a Situation,
    ends: Ends,
    measured: &'a Measured,
    others: &'a [Check],
}

impl Telling<'_> {
    fn checks(&self) -> Vec<Check> {
        let in_use = self.in_use();
        let mut checks: Vec<Check> = [false, true].map(|udp| self.kind_check(udp)).into();
        for outward in [true, false] {
            checks.extend(self.size_check(in_use, outward));
        }
        // All packets of a test are sent for all of its answers.
        if let Some(first) = checks.first_mut() {
            first.sent = self.measured.sent;
            let from_peer = self.measured.far_sent;
            first
                .values
                .insert("from_peer".to_owned(), from_peer.to_string());
        }
        checks
    }

    fn in_use(&self) -> bool {
        self.situation.is_in_udp()
    }

    fn way(&self, outward: bool) -> &Way {
        if outward {
            &self.measured.out
        } else {
            &self.measured.back
        }
    }

    /// Whether one kind passes.
    fn kind_check(&self, udp: bool) -> Check {
        let used = udp == self.in_use();
        let count = |outward: bool| self.way(outward).tally.short(udp);
        let ((out, there), (back, here)) = (count(true), count(false));
        let id = if udp { "esp-udp" } else { "esp-plain" };
        // Less than several that are lost are no filter, and no proof that any passes.
        let few = [(out, there), (back, here)]
            .into_iter()
            .any(|(sent, arrived)| sent < SEVERAL && arrived == 0);
        let name = named(udp, self.ends);
        let shut = [true, false].map(|outward| self.is_shut(udp, outward));
        let counts = format!(
            "{there} of {out} test packets reached the peer, {here} of {back} came from it"
        );
        let (outcome, summary) = match shut {
            _ if out == 0 && back == 0 => (
                Outcome::Unknown,
                format!("no test packet of {name} could be sent{}", self.why(udp)),
            ),
            [false, false] if few => (
                Outcome::Unknown,
                format!(
                    "too few test packets of {name} to tell whether it passes: {counts}{}",
                    self.why(udp)
                ),
            ),
            [false, false] => {
                let late = [true, false].map(|outward| {
                    let [plain, in_udp] = self.way(outward).late;
                    if udp { in_udp } else { plain }
                });
                let late = match late {
                    [false, false] => "",
                    [true, _] => {
                        "; from here only after the peer had sent some: a filter there lets in what answers"
                    }
                    [false, true] => {
                        "; from the peer only after this side had sent some: a filter here lets in what answers"
                    }
                };
                (
                    Outcome::Well,
                    format!("{name} passes both ways: {counts}{late}"),
                )
            }
            _ => {
                let said = self.why(udp);
                let which = match shut {
                    [true, true] => "in neither direction",
                    [true, false] => "from the peer only, not from here to it",
                    _ => "from here only, not from the peer to us",
                };
                let summary = format!("{name} passes {which}: {counts}{said}");
                match self.explained(udp, shut) {
                    _ if !used => (
                        Outcome::Note,
                        format!("{summary}; the tunnel travels as {}", kind(!udp)),
                    ),
                    Some(why) => (Outcome::Note, format!("{summary}; {why}")),
                    None => (Outcome::Finding, summary),
                }
            }
        };
        let mut check = Check::new(id, outcome, summary)
            .value("in_use", used)
            .value("to_peer", format!("{there} of {out}"))
            .value("to_us", format!("{here} of {back}"));
        if outcome == Outcome::Finding {
            check = check.fix(self.cure(udp, shut));
        }
        for (outbound, (sent, arrived)) in [(true, (out, there)), (false, (back, here))] {
            check = check.fact(Known::Probed {
                probe: Probe::EspPath {
                    to: self.ends.remote.ip(),
                    udp,
                    outbound,
                    in_use: used,
                    sent: u32::try_from(sent).unwrap_or(u32::MAX),
                    arrived: u32::try_from(arrived).unwrap_or(u32::MAX),
                },
            });
        }
        check
    }

    fn is_shut(&self, udp: bool, outward: bool) -> bool {
        let way = self.way(outward);
        let (sent, arrived) = way.tally.short(udp);
        let refused = way
            .words
            .iter()
            .any(|word| word.udp == udp && word.by.is_none());
        arrived == 0 && (sent >= SEVERAL || refused)
    }

    /// What the network says about packets of one kind.
    fn why(&self, udp: bool) -> String {
        let mut out = String::new();
        for outward in [true, false] {
            let (whose, host) = if outward {
                ("ours", "this host")
            } else {
                ("the peer's", "the peer's host")
            };
            let said = self.way(outward).words.iter().find(|word| {
                word.udp == udp && !matches!(word.problem, PathProblem::FragmentationNeeded(_))
            });
            if let Some(Word { problem, by, .. }) = said {
                let by = by.map_or(host.to_owned(), |by: IpAddr| by.to_string());
                out.push_str(&format!("; {by} says of {whose}: {problem}"));
            }
        }
        out
    }

    /// What says already why this kind doesn't pass.
    fn explained(&self, udp: bool, shut: [bool; 2]) -> Option<&'static str> {
        let name = if udp { "UDP" } else { "ESP" };
        let mut others = self.others.iter();
        let filter = others.any(|check| {
            check.id == "filter-outside"
                && check.outcome == Outcome::Finding
                && check.summary.contains(name)
        });
        let both = shut == [true, true];
        // A filter of this host stops one direction, or both; what is beyond shows when it is gone.
        (filter && !both).then_some("this host's own filter does that (filter-outside)")
    }

    /// What to change.
    fn cure(&self, udp: bool, shut: [bool; 2]) -> String {
        let name = &self.situation.connection.name;
        let other_passes = [true, false].iter().all(|outward| {
            !self.is_shut(!udp, *outward) && self.way(*outward).tally.short(!udp).1 > 0
        });
        let (us, peer) = (self.ends.local.ip(), self.ends.remote.ip());
        let direction = match shut {
            [true, true] => format!("between {us} and {peer}, in both directions"),
            [true, false] => format!("from {us} to {peer}"),
            _ => format!("from {peer} to {us}"),
        };
        let what = if udp {
            "UDP port 4500"
        } else {
            "IP protocol 50"
        };
        let passes = if udp {
            "IP protocol 50"
        } else {
            "UDP 500 and 4500"
        };
        let permit = if other_passes {
            format!(
                "tell whoever runs the filters on the path, and the peer's administrator: \"{passes} pass between {us} and {peer}, {what} doesn't: permit it {direction}\""
            )
        } else {
            format!("permit {what} {direction}, on every filter of the path")
        };
        match udp {
            false if other_passes => format!(
                "force UDP encapsulation, which passes: `force_encap = true` in [tunnel.{name}]; or {permit}"
            ),
            true if other_passes && self.situation.connection.force_encap => format!(
                "have ESP travel by itself, which passes: take `force_encap = true` out of [tunnel.{name}], on both sides; or {permit}"
            ),
            _ => permit,
        }
    }

    /// The longest packet in one direction.
    fn size_check(&self, udp: bool, outward: bool) -> Option<Check> {
        let way = self.way(outward);
        let reach = way.tally.reach(udp)?;
        let id = if outward { "esp-mtu-out" } else { "esp-mtu-in" };
        let limits = way.limits;
        let told = reach
            .lost
            .and_then(|(bad, _)| way.told(udp, reach.good, bad));
        let peer = self.ends.remote.ip();
        let direction = if outward {
            format!("reach {peer}")
        } else {
            format!("come from {peer}")
        };
        let Reach { good, lost } = reach;
        let passes = format!("{} packets of {good} octets {direction} whole", kind(udp));
        let inside = self.situation.inside(self.ends, udp, good);
        let room = inside
            .as_ref()
            .map(|(inside, suite)| format!("; inside, that is {} octets ({suite})", inside.mtu));
        let room = room.unwrap_or_default();
        let believed = limits.map_or(good, |limits| limits.path);
        let verdict = Verdict::of(way, udp, reach, limits);
        let (outcome, summary) = match verdict {
            Verdict::Fits => (Outcome::Well, format!("{passes}{room}")),
            Verdict::Known => (
                Outcome::Well,
                format!("{passes}, and the gateway sends none longer than {believed}{room}"),
            ),
            Verdict::Told(mtu) => (
                Outcome::Note,
                format!(
                    "{passes}; a router says of longer ones that it takes {mtu}, which whoever sends learns from its first packet that is too long{room}"
                ),
            ),
            Verdict::Unclear => (
                Outcome::Unknown,
                format!(
                    "{passes}; too few longer ones were sent, or in too few attempts, to tell whether they do"
                ),
            ),
            Verdict::Cut(bad) => (
                Outcome::Note,
                format!(
                    "{passes}, those of {bad} vanish unless routers may cut them, and nobody says so; {} are cut on the way{room}",
                    if outward { "ours" } else { "the peer's" }
                ),
            ),
            Verdict::Hole(bad) => (
                Outcome::Finding,
                format!(
                    "{passes} and those of {bad} vanish: no ICMP \"fragmentation needed\" comes back (a black hole), and up to {believed} octets are taken to fit{room}"
                ),
            ),
        };
        let mut check = Check::new(id, outcome, summary)
            .value("octets", good)
            .value("believed", believed);
        if let Some((bad, _)) = lost {
            check = check.value("vanish", bad);
        }
        if let Some(mtu) = told {
            check = check.value("told", mtu);
        }
        if let Some((inside, _)) = &inside {
            check = check
                .value("inside", inside.mtu)
                .value("mss", inside.mss.0)
                .value("mss_ipv6", inside.mss.1);
        }
        if let (Verdict::Hole(_) | Verdict::Cut(_), Some((inside, _))) = (verdict, &inside) {
            let icmp = "let ICMP \"fragmentation needed\" (type 3 code 4; IPv6: \"packet too big\") pass on the path";
            let change = if outward {
                self.situation.keeps_within(*inside)
            } else {
                self.situation.peer_keeps_within(*inside)
            };
            check = check.fix(format!("{change}; and {icmp}"));
        }
        if let Verdict::Hole(bad) = verdict {
            check = check.fact(Known::Probed {
                probe: Probe::EspSize {
                    to: peer,
                    udp,
                    outbound: outward,
                    passes: good.into(),
                    vanishes: bad.into(),
                    inside: inside.and_then(|(inside, _)| u32::try_from(inside.mtu).ok()),
                },
            });
        }
        Some(check.sent(Sent::default()))
    }
}

/// What a longest packet means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is all that the link takes.
    Fits,
    /// Nothing longer is sent.
    Known,
    /// A router says what it takes.
    Told(u16),
    /// Longer ones vanish, and routers cut what may be cut, as the sender's packets may.
    Cut(u16),
    /// Longer ones vanish.
    Hole(u16),
    /// Too few were sent.
    Unclear,
}

impl Verdict {
    fn of(way: &Way, udp: bool, reach: Reach, limits: Option<Limits>) -> Self {
        let Reach { good, lost } = reach;
        let most = limits.map(|limits| limits.path.min(limits.link));
        let enough = most.is_none_or(|most| most <= good);
        let Some((bad, beyond)) = lost else {
            return if enough {
                Verdict::Fits
            } else {
                Verdict::Unclear
            };
        };
        if enough && most.is_some() {
            return Verdict::Known;
        }
        if let Some(mtu) = way.told(udp, good, bad) {
            return Verdict::Told(mtu);
        }
        let lost = way.tally.lost_twice(udp, good, most.unwrap_or(u16::MAX));
        if beyond < SEVERAL || !lost || way.tally.ended {
            return Verdict::Unclear;
        }
        let (_, cut) = way.tally.cut(udp);
        let whole = limits.is_none_or(|limits| limits.whole);
        if cut > 0 && !whole {
            Verdict::Cut(bad)
        } else {
            Verdict::Hole(bad)
        }
    }
}

/// What passes, or doesn't.
fn named(udp: bool, ends: Ends) -> String {
    if udp {
        format!("ESP in UDP (port {})", ends.remote.port())
    } else {
        "plain ESP (IP protocol 50)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::probing::esp::ladder::Tally;
    use crate::probing::esp::packet::{SHORTEST, Shot};
    use crate::probing::testing::situation;
    use adit_crypto::Shape;

    fn shot(udp: bool, octets: u16, whole: bool) -> Shot {
        Shot { udp, octets, whole }
    }

    /// A direction in which these kinds pass, up to `limit` octets of plain ESP.
    fn way(plain: bool, udp: bool, limit: u16, words: Vec<Word>) -> Way {
        let mut tally = Tally::default();
        for (kind, passes) in [(false, plain), (true, udp)] {
            let short = vec![shot(kind, SHORTEST, true); 3];
            tally.sent.extend(short.clone());
            if passes {
                tally.arrived.extend(short);
            }
        }
        for sizes in [&[1500; 3][..], &[1280, 1400, 1492, 1500]] {
            let long: Vec<Shot> = sizes.iter().map(|o| shot(false, *o, true)).collect();
            let passing = long.iter().filter(|s| plain && s.octets <= limit);
            tally.arrived.extend(passing.copied());
            tally.has_sent(long);
        }
        Way {
            tally,
            words,
            limits: Some(Limits {
                link: 1500,
                path: 1500,
                whole: false,
            }),
            late: [false; 2],
        }
    }

    fn told(out: Way, back: Way, others: &[Check], force: bool) -> Vec<Check> {
        checks(&tunnel(force), Ok(measured(out, back)), others)
    }

    fn measured(out: Way, back: Way) -> Measured {
        Measured {
            out,
            back,
            sent: Sent::default(),
            far_sent: 9,
        }
    }

    const GCM: Shape = Shape {
        iv_len: 8,
        icv_len: 16,
        block_len: 1,
    };

    fn tunnel(force: bool) -> Situation {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        situation.in_udp = Some(force);
        std::sync::Arc::make_mut(&mut situation.connection).force_encap = force;
        situation.ends = Some(Ends {
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: "192.0.2.2:4500".parse().unwrap(),
        });
        situation.protection = Some((GCM, "aes128gcm16".to_owned()));
        situation
    }

    fn outcomes(checks: &[Check]) -> Vec<(&str, Outcome)> {
        checks.iter().map(|c| (c.id.as_str(), c.outcome)).collect()
    }

    fn good() -> Way {
        way(true, true, 1500, Vec::new())
    }

    #[test]
    fn a_path_that_lets_all_pass_is_well() {
        let checks = told(good(), good(), &[], false);
        let well = ["esp-plain", "esp-udp", "esp-mtu-out", "esp-mtu-in"];
        assert_eq!(outcomes(&checks), well.map(|id| (id, Outcome::Well)));
        assert_eq!(checks[2].values["inside"], "1446");
    }

    #[test]
    fn a_filter_of_protocol_50_is_named_with_force_encap_and_the_words_for_others() {
        let shut = || way(false, true, 1500, Vec::new());
        let checks = told(shut(), shut(), &[], false);
        let wanted = [("esp-plain", Outcome::Finding), ("esp-udp", Outcome::Well)];
        assert_eq!(outcomes(&checks), wanted);
        let fix = checks[0].fix.as_ref().unwrap();
        assert!(
            fix.contains("`force_encap = true` in [tunnel.office]"),
            "{fix}"
        );
        assert!(
            fix.contains("permit it between 192.0.2.1 and 192.0.2.2, in both directions"),
            "{fix}"
        );
        // One direction, with what a router says.
        let word = Word {
            udp: false,
            problem: PathProblem::AdminProhibited,
            by: Some([198, 51, 100, 1].into()),
        };
        let checks = told(way(false, true, 1500, vec![word]), good(), &[], false);
        let summary = &checks[0].summary;
        assert!(summary.contains("from the peer only"), "{summary}");
        assert!(summary.contains("198.51.100.1 says of ours"), "{summary}");
        assert!(
            checks[0]
                .fix
                .as_ref()
                .unwrap()
                .contains("from 192.0.2.1 to 192.0.2.2")
        );
        // The tunnel that travels in UDP has nothing of it.
        let checks = told(shut(), shut(), &[], true);
        assert_eq!(checks[0].outcome, Outcome::Note);
        // This host's own filter is named elsewhere.
        let filter = Check::new(
            "filter-outside",
            Outcome::Finding,
            "drops ESP from 192.0.2.2",
        );
        let checks = told(good(), shut(), &[filter], false);
        assert_eq!(checks[0].outcome, Outcome::Note, "{checks:#?}");
    }

    #[test]
    fn a_filter_of_udp_4500_is_a_finding_where_esp_travels_in_it() {
        let shut = || way(true, false, 1500, Vec::new());
        let checks = told(shut(), shut(), &[], true);
        assert_eq!(checks[1].outcome, Outcome::Finding);
        let fix = checks[1].fix.as_ref().unwrap();
        assert!(fix.contains("take `force_encap = true` out"), "{fix}");
        let checks = told(shut(), shut(), &[], false);
        assert_eq!(checks[1].outcome, Outcome::Note);
        assert_eq!(checks[0].outcome, Outcome::Well);
    }

    #[test]
    fn a_black_hole_is_told_from_a_router_that_answers_and_from_one_that_cuts() {
        let hole = way(true, true, 1400, Vec::new());
        let checks = told(hole, good(), &[], false);
        let check = &checks[2];
        assert_eq!(check.outcome, Outcome::Finding);
        assert_eq!(
            (
                check.values["octets"].as_str(),
                check.values["inside"].as_str()
            ),
            ("1400", "1346")
        );
        assert!(
            check.fix.as_ref().unwrap().contains("--tun-mtu 1346"),
            "{check:#?}"
        );
        assert!(
            check.fix.as_ref().unwrap().contains("segments of 1306"),
            "{check:#?}"
        );
        let word = Word {
            udp: false,
            problem: PathProblem::FragmentationNeeded(1400),
            by: None,
        };
        let checks = told(good(), way(true, true, 1400, vec![word]), &[], false);
        assert_eq!(checks[3].outcome, Outcome::Note);
        // Where routers cut what they may, and ours may be, nothing is lost.
        let mut cuts = way(true, true, 1400, Vec::new());
        cuts.tally.sent.extend([shot(false, 1500, false); 2]);
        cuts.tally.arrived.extend([shot(false, 1500, false); 2]);
        assert_eq!(told(cuts, good(), &[], false)[2].outcome, Outcome::Note);
        // A word that contradicts what passes, or is none, hides nothing.
        for mtu in [0, 68, 1399, 1492] {
            let word = Word {
                udp: false,
                problem: PathProblem::FragmentationNeeded(mtu),
                by: Some([198, 51, 100, 1].into()),
            };
            let checks = told(way(true, true, 1400, vec![word]), good(), &[], false);
            assert_eq!(checks[2].outcome, Outcome::Finding, "{mtu}");
        }
        // What is known is minded.
        let mut known = way(true, true, 1400, Vec::new());
        known.limits.as_mut().unwrap().path = 1400;
        assert_eq!(told(known, good(), &[], false)[2].outcome, Outcome::Well);
    }

    /// What a fix names, taken as the device's MTU, leaves no packet that vanishes, and no more room than there is.
    #[test]
    fn the_mtu_that_a_fix_names_mends_the_hole() {
        let cbc = Shape {
            iv_len: 16,
            icv_len: 16,
            block_len: 16,
        };
        let v6 = Ends {
            local: "[2001:db8::1]:4500".parse().unwrap(),
            remote: "[2001:db8::2]:4500".parse().unwrap(),
        };
        for (shape, align) in [(GCM, 4), (cbc, 16)] {
            for over_v6 in [false, true] {
                let mut situation = tunnel(false);
                situation.protection = Some((shape, "a suite".to_owned()));
                situation.ends = situation.ends.map(|v4| if over_v6 { v6 } else { v4 });
                for limit in [1280, 1400] {
                    let hole = || way(true, true, limit, Vec::new());
                    let both = measured(hole(), hole());
                    let found = checks(&situation, Ok(both), &[]);
                    let inside = found[2].values["inside"].clone();
                    let fixes = [&found[2], &found[3]].map(|check| check.fix.clone().unwrap());
                    for fix in &fixes {
                        assert!(fix.contains(&format!("`--tun-mtu {inside}`")), "{fix}");
                    }
                    assert!(fixes[1].starts_with("at the peer"), "{fixes:?}");
                    let inside: usize = inside.parse().unwrap();
                    let longest = situation.outer(inside).unwrap();
                    assert!(longest <= limit.into());
                    assert!(situation.outer(inside + align).unwrap() > limit.into());
                    let mended = || {
                        let mut way = hole();
                        way.limits.as_mut().unwrap().path = u16::try_from(longest).unwrap();
                        way
                    };
                    let both = measured(mended(), mended());
                    for check in &checks(&situation, Ok(both), &[])[2..] {
                        let ends = (check.outcome, check.fix.as_deref(), check.facts.len());
                        assert_eq!(ends, (Outcome::Well, None, 0), "{check:#?}");
                    }
                }
            }
        }
        // An interface has its own.
        let mut own = tunnel(false);
        let connection = std::sync::Arc::make_mut(&mut own.connection);
        connection.interface = Some(adit_model::connection::TunnelInterface {
            name: "office0".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: Vec::new(),
        });
        let hole = way(true, true, 1400, Vec::new());
        let found = checks(&own, Ok(measured(hole, good())), &[]);
        let fix = found[2].fix.as_ref().unwrap();
        let there = "`mtu = 1346` in [tunnel.office.interface]";
        assert!(fix.contains(there), "{fix}");
    }

    #[test]
    fn what_was_lost_once_or_was_not_sent_for_the_budget_is_no_hole() {
        let hole = || way(true, true, 1400, Vec::new());
        let mut once = hole();
        once.tally.twice.clear();
        let mut ended = hole();
        ended.tally.ended = true;
        // Nothing longer is known to be lost, and what the link takes wasn't sent.
        let mut jumbo = good();
        jumbo.limits = Some(Limits {
            link: 9000,
            path: 9000,
            whole: true,
        });
        for way in [once, ended, jumbo] {
            assert_eq!(told(way, good(), &[], false)[2].outcome, Outcome::Unknown);
        }
        // What is sent at all is shorter than what was lost twice.
        let mut shorter = hole();
        shorter.limits.as_mut().unwrap().path = 1450;
        let check = &told(shorter, good(), &[], false)[2];
        assert_eq!(check.outcome, Outcome::Unknown, "{check:#?}");
    }

    #[test]
    fn two_that_are_lost_prove_neither_a_filter_nor_that_a_kind_passes() {
        let mut few = way(false, true, 1500, Vec::new());
        few.tally.sent.retain(|shot| shot.udp);
        few.tally.sent.extend([shot(false, SHORTEST, true); 2]);
        let checks = told(few, good(), &[], false);
        assert_eq!(checks[0].outcome, Outcome::Unknown, "{checks:#?}");
    }
}
