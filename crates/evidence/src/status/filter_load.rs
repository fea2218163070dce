//! A filter's set of rules that wasn't loaded, with the rule that it stopped at, where that one lets IKE in.
//!
//! pf's front ends quote the line in their notice; nft prints it below its complaint.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Follows such complaints.
#[derive(Debug, Default)]
pub(super) struct FilterLoad {
    /// What nft complains of, and where: the rule follows.
    open: Option<(String, Place)>,
}

impl FilterLoad {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((problem, at)) = self.open.take() {
            return tell(&problem, body, at, facts);
        }
        if body.starts_with('/') || body.starts_with("There were error") {
            if let Some((problem, rule)) = of_pf(body) {
                tell(problem, rule, place(), facts);
            } else if let Some(problem) = of_nft(body) {
                self.open = Some((problem.to_owned(), place()));
            }
        }
    }
}

fn tell(problem: &str, rule: &str, place: Place, facts: &mut Vec<Fact>) {
    if let Some(port) = lets_in(rule) {
        let rule: String = rule.chars().take(160).collect();
        let values = [
            ("port", port),
            ("protocol", "17"),
            ("rule", rule.as_str()),
            ("problem", problem.trim().trim_end_matches(['-', '.', ' '])),
        ];
        facts.push(sign(place, Sign::ServiceRefused, &values));
    }
}

/// `There were error(s) loading the rules: /tmp/rules.debug:88: PROBLEM - The line in question reads [88]: RULE`.
fn of_pf(body: &str) -> Option<(&str, &str)> {
    let (head, rest) = body.split_once("The line in question reads [")?;
    let (_, rule) = rest.split_once("]: ")?;
    let (_, problem) = head.split_once(": ").unwrap_or(("", head));
    Some((problem, rule))
}

/// `/etc/nftables.conf:23:30-35: Error: syntax error, unexpected string`.
fn of_nft(body: &str) -> Option<&str> {
    let (place, problem) = body.split_once(": Error: ")?;
    let mut parts = place.rsplit(':');
    let number =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    (parts.next().is_some_and(number) && parts.next().is_some_and(number)).then_some(problem)
}

/// The port of IKE that a rule lets in.
fn lets_in(rule: &str) -> Option<&'static str> {
    let drops = ["block", "drop", "reject"];
    let mut words = rule
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|w| !w.is_empty());
    let outward = rule.starts_with("pass out");
    if outward || words.clone().any(|w| drops.contains(&w)) || !rule.contains("udp") {
        return None;
    }
    words.find_map(|word| match word {
        "500" | "isakmp" => Some("500"),
        "4500" | "ipsec-nat-t" | "sae-urn" => Some("4500"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    fn ports(text: &str) -> Vec<String> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let of = |f: Fact| match f.what {
            Known::Sign {
                sign: Sign::ServiceRefused,
                mut values,
            } => values.remove("port"),
            _ => None,
        };
        facts.into_iter().filter_map(of).collect()
    }

    #[test]
    fn a_rule_for_ike_that_was_not_loaded_is_told() {
        let pf = "There were error(s) loading the rules: /tmp/rules.debug:88: syntax error - The line in question reads [88]: pass in quick on igb0 proto udp from 198.51.100.7 to any port {4500} keep state";
        assert_eq!(ports(pf), ["4500"]);
        assert!(ports(&pf.replace("pass in", "block in")).is_empty());
        assert!(ports(&pf.replace("{4500}", "{1194}")).is_empty());
        let nft = "/etc/nftables.conf:23:41-46: Error: syntax error, unexpected string\n        iifname wan udp dport { 500, 4500 } acept\n                                            ^^^^^";
        assert_eq!(ports(nft), ["500"]);
        assert!(ports(&nft.replace("500, 4500", "53")).is_empty());
    }
}
