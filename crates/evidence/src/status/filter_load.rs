//! A filter's set of rules that wasn't loaded, with the rule that it stopped at, where that one lets IKE in.
//!
//! pf's front ends quote the line in their notice; nft prints it below its complaint. What was loaded afterwards, or is
//! told to be in force, takes it back.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::account::{holds, plain};
use crate::reading::Place;
use crate::text::Line;

/// Follows such complaints.
#[derive(Debug, Default)]
pub(super) struct FilterLoad {
    /// What nft complains of, and where: the rule follows.
    open: Option<(String, Place)>,
    /// Rules for IKE that weren't loaded.
    unloaded: Vec<Refused>,
    /// Somebody tells that the rules are loaded, or which ones are.
    mended: bool,
    /// Somebody tells that nobody answers here, or that the tunnel doesn't come up.
    silent: bool,
}

#[derive(Debug)]
struct Refused {
    problem: String,
    rule: String,
    port: &'static str,
    place: Place,
}

/// So many are kept.
const MOST: usize = 64;

const MENDED: &str = "loads now|load now|loaded now|now loads|now load|loads again|load again|loaded again|reloaded|loads without|load without|loaded without|corrected|still shows|still show|old rules|rules are loaded again|removed the rule|took out the rule|deleted the rule|disabled the rule|mended the|fixed the|notice is gone|test machine|test box|in the lab|on another machine|on the other machine";
const SILENT: &str = "nobody answers|no one answers|does not answer|doesnt answer|is not answered|isnt answered|never answers|never comes up|never come up|doesnt come up|does not come up|dont come up|do not come up|impossible to get";
/// IKE comes in where the tunnel gets so far.
const HEARD: &str = "tunnel is up|tunnels are up|is established|phase |child |quick mode";

impl FilterLoad {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        /// Longer lines are dumps.
        const LONG: usize = 600;
        let body = line.body.trim();
        if let Some((problem, at)) = self.open.take() {
            return self.remember(&problem, body, at);
        }
        if body.starts_with('/') || body.starts_with("There were error") {
            if let Some((problem, rule)) = of_pf(body) {
                return self.remember(problem, rule, place());
            }
            if let Some(problem) = of_nft(body) {
                self.open = Some((problem.to_owned(), place()));
                return;
            }
        }
        if line.at.is_some() || line.program.is_some() || body.len() > LONG {
            return;
        }
        if !self.unloaded.is_empty() && command(body).is_some_and(loads) {
            self.unloaded.clear();
        }
        let asks = [
            &b"oad"[..],
            b"rule",
            b"orrected",
            b"show",
            b"nswer",
            b"come",
            b"impossible",
        ];
        if asks
            .iter()
            .any(|w| memchr::memmem::find(body.as_bytes(), w).is_some())
        {
            let told = plain(body);
            self.mended |= holds(&told, MENDED);
            self.silent |= holds(&told, SILENT) && !holds(&told, HEARD);
        }
    }

    fn remember(&mut self, problem: &str, rule: &str, place: Place) {
        if let Some(port) = lets_in(rule).filter(|_| self.unloaded.len() < MOST) {
            self.unloaded.push(Refused {
                problem: problem.to_owned(),
                rule: rule.chars().take(160).collect(),
                port,
                place,
            });
        }
    }

    /// What is still not loaded at the end.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        if self.mended {
            return;
        }
        for one in self.unloaded {
            let problem = one.problem.trim().trim_end_matches(['-', '.', ' ']);
            let mut values = vec![
                ("port", one.port),
                ("protocol", "17"),
                ("rule", one.rule.as_str()),
                ("problem", problem),
            ];
            if self.silent {
                values.push(("silent", "told"));
            }
            facts.push(sign(one.place, Sign::ServiceRefused, &values));
        }
    }
}

/// Whether a command loads the rules anew.
fn loads(command: &str) -> bool {
    let words = |w: &[&str]| w.iter().any(|w| command.contains(w));
    words(&["nft ", "pfctl "]) && words(&[" -f", " -cf", " -nf"])
        || words(&["nftables", "filter"]) && words(&["reload", "restart", "start"])
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

/// The port of IKE that a rule lets in to the gateway itself.
fn lets_in(rule: &str) -> Option<&'static str> {
    /// Words of rules that translate, drop, or are for what leaves or goes on.
    const OTHERS: [&str; 13] = [
        "block",
        "drop",
        "reject",
        "out",
        "snat",
        "dnat",
        "nat",
        "rdr",
        "masquerade",
        "redirect",
        "oifname",
        "oif",
        "daddr",
    ];
    let mut words = rule
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|w| !w.is_empty());
    // The verdict may be what is misspelt.
    let accepts = |w: &str| w.starts_with("ac") && w.ends_with("pt");
    let lets = rule.starts_with("pass ") || words.clone().any(accepts);
    // A rule for IPv6 that names ends of IPv4 may be of either.
    let mixed = words.clone().any(|w| w == "inet6") && !rule.contains("::");
    // A host behind the gateway.
    let behind = [" to 10.", " to 192.168.", " to {10.", " to {192.168."];
    let onward = behind.iter().any(|to| rule.contains(to));
    if !lets
        || mixed
        || onward
        || words.clone().any(|w| OTHERS.contains(&w))
        || !rule.contains("udp")
    {
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
        assert!(ports(&nft.replace("acept", "snat to 192.0.2.1")).is_empty());
        assert!(ports(&nft.replace("wan udp", "lan oifname wan udp")).is_empty());
        // Loaded anew, or told to be.
        assert!(ports(&format!("{nft}\n# nft -f /etc/nftables.conf\n")).is_empty());
        assert!(ports(&format!("{pf}\nThe rules load now.\n")).is_empty());
    }
}
