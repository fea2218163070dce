//! Where a traceroute stops being answered.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Hops of one `traceroute` (or `tracert`), in their order.
#[derive(Debug, Default)]
pub(crate) struct Traceroute {
    to: Option<String>,
    last: Option<(String, Place)>,
    silent: u32,
}

/// So many hops without an answer, one after the other, are an end.
const END: u32 = 3;

impl Traceroute {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        let lower = body.to_ascii_lowercase();
        if let Some(rest) = lower
            .strip_prefix("traceroute to ")
            .or_else(|| lower.strip_prefix("tracing route to "))
        {
            self.finish(facts);
            self.to = rest.split([' ', ',']).next().map(str::to_owned);
            return;
        }
        if self.to.is_none() {
            return;
        }
        let mut words = body.split_ascii_whitespace();
        if words.next().is_none_or(|n| n.parse::<u8>().is_err()) {
            self.finish(facts);
            return;
        }
        let rest: Vec<&str> = words.collect();
        if rest.iter().filter(|w| **w == "*").count() >= 3 {
            self.silent += 1;
        } else {
            let hop = rest
                .iter()
                .find(|w| w.contains('.') && w.parse::<f64>().is_err() || w.contains("::"))
                .map(|w| w.trim_matches(['(', ')', '[', ']']).to_owned());
            if let Some(hop) = hop {
                self.last = Some((hop, place()));
                self.silent = 0;
            }
        }
    }

    /// The last one.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let to = self.to.take();
        let last = self.last.take();
        if let (Some(to), Some((hop, place))) = (to, last)
            && self.silent >= END
            && hop != to
        {
            let values = [("at", hop.as_str()), ("destination", to.as_str())];
            facts.push(sign(place, Sign::TraceEnds, &values));
        }
        self.silent = 0;
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn ends(text: &str) -> Option<String> {
        let reading = read(
            "list",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        reading.facts.iter().find_map(|f| match &f.what {
            Known::Sign {
                sign: Sign::TraceEnds,
                values,
            } => values.get("at").cloned(),
            _ => None,
        })
    }

    #[test]
    fn stars_are_an_end_only_when_nothing_answers_after_them() {
        let head = "traceroute to 10.2.0.9 (10.2.0.9), 30 hops max, 60 byte packets\n 1  10.1.0.1 (10.1.0.1)  0.4 ms  0.4 ms  0.4 ms\n";
        let stars = " 2  * * *\n 3  * * *\n 4  * * *\n";
        let there = " 5  10.2.0.9 (10.2.0.9)  9.1 ms  9.0 ms  9.2 ms\n";
        assert_eq!(ends(&format!("{head}{stars}")).as_deref(), Some("10.1.0.1"));
        assert_eq!(ends(&format!("{head}{stars}{there}")), None);
    }
}
