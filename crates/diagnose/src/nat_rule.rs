//! Rules that translate addresses, as packet filters print them.

use adit_model::selector::Selector;

/// What a rule translates, and into what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NatRule {
    /// Sources that it is for; `None` for all.
    pub(crate) from: Option<Selector>,
    /// Destinations that it is for; `None` for all.
    pub(crate) to: Option<Selector>,
    /// The new source, where it is named.
    pub(crate) into: Option<Selector>,
    /// Networks are translated one to one.
    pub(crate) one_to_one: bool,
}

impl NatRule {
    /// Reads a rule of iptables in either form, of nftables, or of RouterOS.
    pub(crate) fn read(text: &str) -> NatRule {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let behind = |names: &[&str]| {
            let at = words.iter().position(|w| names.contains(w))?;
            // A negation says what it isn't for.
            let negated = words.get(at + 1) == Some(&"!=")
                || at.checked_sub(1).and_then(|n| words.get(n)) == Some(&"!");
            (!negated).then(|| words.get(at + 1))?.copied()
        };
        let lower = text.to_ascii_lowercase();
        let mut rule = NatRule {
            one_to_one: lower.contains("netmap") || lower.contains("prefix to"),
            ..NatRule::default()
        };
        let column = |at: usize| words.get(at).copied();
        if lower.contains("chain=srcnat") {
            let value = |name: &str| {
                let word = words.iter().find_map(|w| w.strip_prefix(name))?;
                (!word.starts_with('!')).then_some(word).and_then(net)
            };
            rule.from = value("src-address=");
            rule.to = value("dst-address=");
            rule.into = value("to-addresses=");
        } else if lower.starts_with("-a ") || lower.contains("-j ") {
            rule.from = behind(&["-s", "--source"]).and_then(net);
            rule.to = behind(&["-d", "--destination"]).and_then(net);
            rule.into = behind(&["--to-source", "--to"]).and_then(net);
        } else if lower.contains("saddr")
            || lower.contains("daddr")
            || lower.contains("oif")
            || lower.contains("snat to")
        {
            rule.from = behind(&["saddr"]).and_then(net);
            rule.to = behind(&["daddr"]).and_then(net);
            rule.into = behind(&["to"]).and_then(net);
        } else if let Some(at) = words
            .iter()
            .position(|w| matches!(*w, "MASQUERADE" | "SNAT" | "NETMAP" | "ACCEPT" | "RETURN"))
        {
            // `MASQUERADE  all  --  [in out]  source  destination  …`
            let plain = |w: &&str| w.parse::<Selector>().is_ok() || *w == "anywhere";
            let first = (at + 3..at + 6).find(|n| column(*n).as_ref().is_some_and(plain));
            if let Some(first) = first {
                rule.from = column(first).and_then(net);
                rule.to = column(first + 1).and_then(net);
            }
            rule.into = words
                .iter()
                .find_map(|w| w.strip_prefix("to:"))
                .and_then(net);
        }
        rule
    }
}

/// A network, unless it is everything.
fn net(word: &str) -> Option<Selector> {
    let word = word
        .split(':')
        .next()
        .filter(|w| w.contains('.'))
        .unwrap_or(word);
    let net: Selector = word.parse().ok()?;
    let everything = net.start.is_unspecified() && net.start != net.end;
    (!everything).then_some(net)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_rule_is_the_same_in_every_form() {
        let want = NatRule {
            from: Some("10.1.0.0/24".parse().unwrap()),
            to: Some("10.2.0.0/24".parse().unwrap()),
            into: Some("10.101.0.0/24".parse().unwrap()),
            one_to_one: true,
        };
        for text in [
            "-A POSTROUTING -s 10.1.0.0/24 -d 10.2.0.0/24 -o eth0 -j NETMAP --to 10.101.0.0/24",
            "NETMAP     all  --  10.1.0.0/24  10.2.0.0/24  to:10.101.0.0/24",
            "0     0 NETMAP     all  --  *      eth0    10.1.0.0/24  10.2.0.0/24  to:10.101.0.0/24",
            "ip saddr 10.1.0.0/24 ip daddr 10.2.0.0/24 snat ip prefix to 10.101.0.0/24",
            "chain=srcnat action=netmap to-addresses=10.101.0.0/24 src-address=10.1.0.0/24 dst-address=10.2.0.0/24",
        ] {
            assert_eq!(NatRule::read(text), want, "{text}");
        }
        let all = NatRule::read("-A POSTROUTING -o eth0 ! -d 10.2.0.0/24 -j MASQUERADE");
        assert_eq!(all, NatRule::default());
        let out = NatRule::read("MASQUERADE  all  --  192.168.42.0/24  anywhere");
        assert_eq!(out.from, Some("192.168.42.0/24".parse().unwrap()));
    }
}
