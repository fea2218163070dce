//! What both sides tell, in one order of time.

use std::fmt::Write as _;

use adit_gateway::clock::rfc3339;
use adit_model::fact::{Case, Fact, Side};

/// Every fact that has a time, our side's on the left, the peer's marked. The peer's times are told by our clock.
pub fn text(case: &Case) -> String {
    let mut facts: Vec<&Fact> = case.facts.iter().filter(|f| f.at.is_some()).collect();
    facts.sort_by_key(|f| f.at);
    let mut out = String::new();
    let mut quoted = None;
    for fact in facts {
        // Several facts of one line are one thing that happened.
        let line = (fact.side, &fact.source.name, fact.source.line);
        if quoted == Some(line) && fact.source.line.is_some() {
            continue;
        }
        quoted = Some(line);
        let who = match fact.side {
            Side::Local => "ours ",
            Side::Remote => "peer ",
        };
        let at = fact.at.map(rfc3339).unwrap_or_default();
        let _ = writeln!(out, "{at}  {who} {}", fact.source.text);
    }
    let without = case.facts.iter().filter(|f| f.at.is_none()).count();
    if without > 0 {
        let _ = writeln!(out, "{without} more have no time");
    }
    if let Some(ms) = case.clock_offset_ms.filter(|ms| ms.abs() >= 1_000) {
        let seconds = ms as f64 / 1000.0;
        let _ = writeln!(
            out,
            "the peer's clock is {:.1} s {} ours",
            seconds.abs(),
            if ms > 0 { "ahead of" } else { "behind" }
        );
    }
    out
}
