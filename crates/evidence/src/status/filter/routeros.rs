//! RouterOS' rules that translate what leaves: what `/ip firewall nat print` and `export` show.
//!
//! `print` numbers rules, puts flags behind the number and breaks long rules over lines; `export` writes one `add` each.

use adit_model::sign::Sign;

use super::Told;
use crate::reading::Place;

/// The rule that is being read.
#[derive(Debug, Default)]
pub(super) struct RouterOs {
    rule: Option<Rule>,
}

#[derive(Debug)]
struct Rule {
    place: Place,
    words: Vec<String>,
    off: bool,
    /// Its last line ends with a backslash.
    goes_on: bool,
}

impl RouterOs {
    /// The next line; what the rule before it says, once it has ended.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place) -> Option<(Told, Place)> {
        let (text, goes_on) = match body.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (body, false),
        };
        if let Some(rule) = &mut self.rule
            && (rule.goes_on || values_only(text))
        {
            rule.words.extend(words(text));
            rule.goes_on = goes_on;
            return None;
        }
        let before = self.finish();
        if let Some(off) = begins(text) {
            self.rule = Some(Rule {
                place: place(),
                words: words(text),
                off,
                goes_on,
            });
        }
        before
    }

    /// What the last rule says.
    pub(super) fn finish(&mut self) -> Option<(Told, Place)> {
        let rule = self.rule.take()?;
        let told = rule.told()?;
        Some((told, rule.place))
    }
}

impl Rule {
    fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.words.iter().filter_map(|w| w.split_once('='));
        all.find(|(n, _)| *n == name)
            .map(|(_, v)| v.trim_matches('"'))
    }

    fn told(&self) -> Option<Told> {
        if self.off || self.get("disabled") == Some("yes") || self.get("chain") != Some("srcnat") {
            return None;
        }
        let rule = vec![("rule", self.words.join(" "))];
        let to = self.get("dst-address");
        let policy = self.get("ipsec-policy");
        match self.get("action")? {
            "accept" => {
                (to.is_some() || policy == Some("out,ipsec")).then_some((Sign::TunnelExempt, rule))
            }
            "masquerade" | "src-nat" | "netmap" => {
                let ike = ["src-port", "dst-port", "port"]
                    .iter()
                    .filter_map(|name| self.get(name))
                    .any(|ports| ports.split(',').any(|p| matches!(p, "500" | "4500")));
                if ike {
                    return Some((Sign::IkeTranslated, rule));
                }
                let spares = policy == Some("out,none") || to.is_some_and(|to| to.starts_with('!'));
                Some((
                    if spares {
                        Sign::TunnelExempt
                    } else {
                        Sign::Masquerading
                    },
                    rule,
                ))
            }
            _ => None,
        }
    }
}

/// Whether a line begins a rule, and if so whether the rule is off: ` 0 X  chain=srcnat …`, `add action=… chain=srcnat`.
fn begins(text: &str) -> Option<bool> {
    if !text.contains("chain=srcnat") && !text.contains("action=") {
        return None;
    }
    let head: Vec<&str> = text
        .split_ascii_whitespace()
        .take_while(|w| !w.contains('='))
        .collect();
    let export = head.last() == Some(&"add");
    let off = head.iter().any(|w| matches!(*w, "X" | "I" | "XI"));
    let printed = head.iter().all(|w| {
        w.bytes().all(|b| b.is_ascii_digit())
            || w.len() <= 3 && w.bytes().all(|b| b.is_ascii_uppercase())
    });
    (text.contains("chain=") && (export || printed)).then_some(off)
}

/// Whether a line goes on with a rule that `print` has broken.
fn values_only(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().peekable();
    words.peek().is_some()
        && !text.contains("chain=")
        && words.all(|w| {
            w.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            })
        })
}

/// The `name=value` of a line.
fn words(text: &str) -> Vec<String> {
    let all = text.split_ascii_whitespace();
    all.filter(|w| w.contains('='))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn signs(text: &str) -> Vec<Sign> {
        let facts = read("nat", Side::Local, text.as_bytes(), Wall(1_795_241_400_000)).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign { sign, .. } => Some(sign),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn printed_rules_are_read_over_lines() {
        let text = "[admin@edge] > /ip firewall nat print\nFlags: X - disabled, I - invalid, D - dynamic \n 0    ;;; to the branch\n      chain=srcnat action=accept src-address=10.1.0.0/24 \n      dst-address=10.2.0.0/24 log=no log-prefix=\"\" \n\n 1    chain=srcnat action=masquerade out-interface=ether1 \n";
        assert_eq!(signs(text), [Sign::TunnelExempt, Sign::Masquerading]);
    }

    #[test]
    fn a_rule_that_is_off_says_nothing() {
        let text = " 0 X  chain=srcnat action=masquerade out-interface=ether1 \n 1    chain=srcnat action=src-nat to-addresses=198.51.100.7 protocol=udp src-port=500,4500 out-interface=ether1 \n";
        assert_eq!(signs(text), [Sign::IkeTranslated]);
    }

    #[test]
    fn an_export_says_the_same() {
        let text = "/ip firewall nat\nadd action=masquerade chain=srcnat comment=\"defconf: masquerade\" \\\n    ipsec-policy=out,none out-interface-list=WAN\nadd action=dst-nat chain=dstnat dst-port=80 protocol=tcp to-addresses=10.1.0.9\nadd action=masquerade chain=srcnat disabled=yes\n";
        assert_eq!(signs(text), [Sign::TunnelExempt]);
    }
}
