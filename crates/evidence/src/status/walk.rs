//! How far a packet came: logs of filters that print every packet at every interface.
//!
//! A gateway that logs what passes at each of its interfaces shows a packet coming out of the tunnel, leaving to the
//! inside, its answer coming back and going into the tunnel. The step that is missing is where to look. Vyatta's
//! data plane and netfilter's `LOG` print such lines. A step only counts as missing when lines of its kind are logged
//! at all: those of other packets, or a rule that would print it.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many lines are remembered.
const MOST: usize = 512;

#[derive(Debug)]
struct Hop {
    place: Place,
    came_in: bool,
    went_out: bool,
    source: String,
    destination: String,
}

/// The packets that filters logged.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    hops: Vec<Hop>,
    /// A rule prints what leaves.
    leaving_is_logged: bool,
    /// One that something said it drops says so itself.
    dropped: bool,
}

impl Walk {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body;
        if body.contains("POSTROUTING") && body.contains("LOG") {
            self.leaving_is_logged = true;
        }
        let hop = if body.contains("fw rule ") {
            dataplane(body)
        } else if body.contains("SRC=") && body.contains("IN=") {
            netfilter(body)
        } else {
            None
        };
        let Some((came_in, went_out, source, destination, passed)) = hop else {
            return;
        };
        self.dropped |= !passed;
        if self.hops.len() < MOST {
            self.hops.push(Hop {
                place: place(),
                came_in,
                went_out,
                source: source.to_owned(),
                destination: destination.to_owned(),
            });
        }
    }

    /// Where the last packet's walk ends.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let leaving = self.leaving_is_logged || self.hops.iter().any(|h| h.went_out);
        let Some(first) = self.hops.first().filter(|_| leaving && !self.dropped) else {
            return;
        };
        let (source, destination) = (first.source.clone(), first.destination.clone());
        let step = |from: &str, to: &str, out: bool| {
            self.hops.iter().rev().find(|h| {
                h.source == from && h.destination == to && if out { h.went_out } else { h.came_in }
            })
        };
        let forth = (
            step(&source, &destination, false),
            step(&source, &destination, true),
        );
        let back = (
            step(&destination, &source, false),
            step(&destination, &source, true),
        );
        let (at, last) = match (forth, back) {
            ((Some(arrived), None), (None, None)) => ("arrived", arrived),
            ((_, Some(left)), (None, None)) if self.hops.iter().any(|h| h.came_in) => {
                ("left", left)
            }
            (_, (Some(answer), None)) => ("answer", answer),
            _ => return,
        };
        let values = [
            ("at", at),
            ("source", source.as_str()),
            ("destination", destination.as_str()),
        ];
        facts.push(sign(last.place.clone(), Sign::WalkEnds, &values));
    }
}

type Seen<'t> = (bool, bool, &'t str, &'t str, bool);

/// `In:vti0 PASS fw rule NAME:10 proto=(icmp/1) addr=10.0.0.1->10.1.0.1 …`; ESP is the same packet once more.
fn dataplane(body: &str) -> Option<Seen<'_>> {
    let (_, rest) = body.split_once("addr=")?;
    let (source, rest) = rest.split_once("->")?;
    let destination = rest.split_ascii_whitespace().next()?;
    if body.contains("/50)") || body.contains("/51)") {
        return None;
    }
    let passed = body.contains(" PASS ");
    Some((
        body.contains("In:"),
        body.contains("Out:"),
        source,
        destination,
        passed,
    ))
}

/// `Arrived: IN=eth0 OUT= MAC=… SRC=10.0.0.1 DST=10.1.0.1 LEN=84 …`.
fn netfilter(body: &str) -> Option<Seen<'_>> {
    let value = |name: &str| {
        let (_, rest) = body.split_once(name)?;
        Some(rest.split(' ').next().unwrap_or_default())
    };
    let (input, output) = (value("IN=")?, value("OUT=")?);
    let (source, destination) = (value(" SRC=")?, value(" DST=")?);
    let before = body
        .split("IN=")
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let dropped = ["drop", "block", "reject", "deny", "denied", "-d]", "-r]"]
        .iter()
        .any(|w| before.contains(w));
    Some((
        !input.is_empty(),
        !output.is_empty(),
        source,
        destination,
        !dropped,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn ends(text: &str) -> Option<String> {
        let reading = read("log", Side::Local, text.as_bytes(), Wall(1_795_305_600_000));
        reading.facts.iter().find_map(|f| match &f.what {
            Known::Sign {
                sign: Sign::WalkEnds,
                values,
            } => values.get("at").cloned(),
            _ => None,
        })
    }

    const STEPS: [&str; 4] = [
        "May 25 05:34:07 gw dataplane[4391]:  In:vti0 PASS fw rule A:10 proto=(icmp/1) addr=10.9.2.3->10.1.1.4 v4=(len:84) icmp=(EchoRq,type:8,code:0)\n",
        "May 25 05:34:07 gw dataplane[4391]: Out:dp0bond0.17 PASS fw rule B:10 proto=(icmp/1) addr=10.9.2.3->10.1.1.4 v4=(len:84) icmp=(EchoRq,type:8,code:0)\n",
        "May 25 05:34:07 gw dataplane[4391]:  In:dp0bond0.17 PASS fw rule C:10 proto=(icmp/1) addr=10.1.1.4->10.9.2.3 v4=(len:84) icmp=(EchoRp,type:0,code:0)\n",
        "May 25 05:34:07 gw dataplane[4391]: Out:vti0 PASS fw rule D:10 proto=(icmp/1) addr=10.1.1.4->10.9.2.3 v4=(len:84) icmp=(EchoRp,type:0,code:0)\n",
    ];

    #[test]
    fn a_whole_walk_ends_nowhere_and_a_part_at_its_last_step() {
        assert_eq!(ends(&STEPS.concat()), None);
        assert_eq!(ends(&STEPS[..3].concat()).as_deref(), Some("answer"));
        assert_eq!(ends(&STEPS[..2].concat()).as_deref(), Some("left"));
        // Whether packets that leave are logged isn't known.
        assert_eq!(ends(STEPS[0]), None);
    }

    #[test]
    fn netfilter_tells_too_when_a_rule_would_print_what_leaves() {
        let arrived = "kernel: ICMP packet Arrived: IN=eth0 OUT= MAC=06 SRC=192.0.2.5 DST=10.0.0.5 LEN=84 TTL=64 PROTO=ICMP TYPE=8\n";
        assert_eq!(ends(arrived), None);
        let rule = "# iptables -t nat -A POSTROUTING -p icmp -j LOG --log-prefix \"Leaving: \"\n";
        assert_eq!(
            ends(&format!("{rule}{arrived}")).as_deref(),
            Some("arrived")
        );
    }
}
