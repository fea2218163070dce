//! What a list of rules for forwarded packets lets through: whether those of a tunnel can pass.

use adit_model::sign::Sign;

use super::Told;
use crate::reading::Place;

/// The rules for what is forwarded. What no rule takes is dropped by the chain's policy.
#[derive(Debug, Default)]
pub(super) struct Forward {
    /// Where the chain with its policy stands, and how many packets came to it.
    closed: Option<(Place, Option<u64>)>,
    /// A rule lets in what may be the tunnel's, or another chain decides.
    open: bool,
    /// The lines that follow are rules of this chain, in a table.
    pub(super) inside: bool,
}

impl Forward {
    /// A line that may begin the chain: `Chain FORWARD (policy DROP 15 packets, 900 bytes)`, `:FORWARD DROP [15:900]`,
    /// `-P FORWARD DROP`.
    pub(super) fn heading(&mut self, body: &str, place: &dyn Fn() -> Place) {
        if let Some(rest) = body.strip_prefix("Chain ") {
            self.inside = rest.starts_with("FORWARD ");
        }
        let policy = body
            .strip_prefix("Chain FORWARD (policy ")
            .or_else(|| body.strip_prefix(":FORWARD "))
            .or_else(|| body.strip_prefix("-P FORWARD "));
        let Some(rest) = policy.filter(|p| p.starts_with("DROP")) else {
            return;
        };
        let counted = rest
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .and_then(number);
        self.closed = Some((place(), counted));
    }

    /// A chain of nftables for what is forwarded: `type filter hook forward priority filter; policy drop;`.
    pub(super) fn nft(&mut self, body: &str, place: &dyn Fn() -> Place) {
        self.inside = body.contains("hook forward");
        if self.inside && body.contains("policy drop") {
            self.closed = Some((place(), None));
        }
    }

    /// A rule of such a chain. One without a verdict at its end counts what the policy drops.
    pub(super) fn nft_rule(&mut self, body: &str) {
        const VERDICTS: [&str; 6] = ["accept", "drop", "reject", "jump", "goto", "vmap"];
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        let verdict = VERDICTS.into_iter().find(|v| words.contains(v));
        match verdict {
            Some("drop" | "reject") => {}
            Some("accept") => {
                // Answers, ICMP, containers, and what goes out to the Internet.
                let narrow = [
                    "established",
                    "icmp",
                    "docker",
                    "br-",
                    "virbr",
                    "cni",
                    "oifname \"wan",
                    "oifname \"ppp",
                    "ct status dnat",
                ];
                self.open |= !narrow.iter().any(|w| body.contains(w));
            }
            Some(_) => self.open = true,
            None => {
                let counted = words
                    .windows(3)
                    .find(|w| w.starts_with(&["counter", "packets"]))
                    .and_then(|w| w.last().and_then(|n| number(n)));
                if let (Some((_, count)), Some(_)) = (&mut self.closed, counted) {
                    *count = counted;
                }
            }
        }
    }

    /// A rule of the chain.
    pub(super) fn rule(&mut self, body: &str) {
        // Chains of container engines, which let containers' own traffic through and nothing else.
        const OTHERS: [&str; 4] = ["DOCKER", "KUBE", "LIBVIRT", "CNI"];
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        let accepts = words.contains(&"ACCEPT");
        let refuses = words
            .iter()
            .any(|w| matches!(*w, "DROP" | "REJECT" | "LOG"));
        let engine = words
            .iter()
            .any(|w| OTHERS.iter().any(|o| w.starts_with(o)));
        // Between bridges, of answers, and of ICMP alone.
        let narrow = ["docker", "br-", "virbr", "cni", "ESTABLISHED", "icmp"]
            .iter()
            .any(|w| body.contains(w));
        self.open |= match (accepts, refuses) {
            (true, _) => !narrow,
            (false, true) => false,
            (false, false) => !engine,
        };
    }

    /// What the chain says as a whole.
    pub(super) fn finish(self) -> Option<(Told, Place)> {
        let (place, counted) = self.closed?;
        if self.open || counted == Some(0) {
            return None;
        }
        let mut values = Vec::new();
        values.extend(counted.map(|n| ("count", n.to_string())));
        Some(((Sign::ForwardClosed, values), place))
    }
}

/// `1534`, `12K`.
fn number(word: &str) -> Option<u64> {
    let scale = match word.bytes().last()? {
        b'K' => 1_000,
        b'M' => 1_000_000,
        b'G' => 1_000_000_000,
        _ => 1,
    };
    word.trim_end_matches(['K', 'M', 'G'])
        .parse::<u64>()
        .ok()?
        .checked_mul(scale)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn closed(text: &str) -> Option<Option<String>> {
        let reading = read(
            "list",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_241_400_000),
        );
        reading.facts.into_iter().find_map(|f| match f.what {
            Known::Sign {
                sign: Sign::ForwardClosed,
                mut values,
            } => Some(values.remove("count")),
            _ => None,
        })
    }

    #[test]
    fn a_policy_that_drops_counts_unless_a_rule_may_let_the_tunnel_through() {
        let docker = "Chain FORWARD (policy DROP 1534 packets, 98K bytes)\n pkts bytes target     prot opt in     out     source               destination\n 2211  133K DOCKER-USER  all  --  *      *       0.0.0.0/0            0.0.0.0/0\n  10  840 ACCEPT  all  --  *      docker0  0.0.0.0/0  0.0.0.0/0  ctstate RELATED,ESTABLISHED\n";
        assert_eq!(closed(docker), Some(Some("1534".to_owned())));
        assert_eq!(
            closed("-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n"),
            Some(None)
        );
        assert_eq!(closed(&docker.replace("1534", "0")), None);
        for rule in [
            "  10  840 ACCEPT  all  --  *  *  10.2.0.0/24  10.1.0.0/24  policy match dir in pol ipsec\n",
            "  10  840 ufw-before-forward  all  --  *  *  0.0.0.0/0  0.0.0.0/0\n",
        ] {
            assert_eq!(closed(&format!("{docker}{rule}")), None, "{rule}");
        }
        assert_eq!(closed(&docker.replace("DROP", "ACCEPT")), None);
    }

    #[test]
    fn nftables_has_it_in_small_letters() {
        let list = "table inet fw {\n\tchain fwd {\n\t\ttype filter hook forward priority 0; policy drop;\n\t\tct state established,related accept\n\t\tiifname \"lan1\" oifname \"wan1\" accept\n\t\tcounter packets 77 bytes 6468\n\t}\n}\n";
        assert_eq!(closed(list), Some(Some("77".to_owned())));
        for rule in [
            "meta ipsec exists accept",
            "jump vpn",
            "ip saddr 10.2.0.0/24 accept",
        ] {
            let open = list.replace("\t\tcounter", &format!("\t\t{rule}\n\t\tcounter"));
            assert_eq!(closed(&open), None, "{rule}");
        }
        assert_eq!(closed(&list.replace("hook forward", "hook output")), None);
    }
}
