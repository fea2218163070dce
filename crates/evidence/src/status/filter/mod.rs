//! What packet filters print: their logs and their rules.
//!
//! A line of a filter's log tells by itself. A list of rules tells as a whole: that a port isn't let in is what all of
//! its lines don't say.

mod forward;
mod log;
mod routeros;
mod rules;
mod vyos_nat;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// A sign and its values.
type Told = (Sign, Vec<(&'static str, String)>);

/// Reads what filters print.
#[derive(Debug, Default)]
pub(super) struct Filter {
    rules: rules::Rules,
    routeros: routeros::RouterOs,
    vyos_nat: vyos_nat::VyosNat,
}

impl Filter {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        let routeros = self.routeros.line(body, place);
        facts.extend(routeros.map(|(told, place)| fact(&told, place)));
        if body.is_empty() {
            return;
        }
        self.vyos_nat.line(body, place);
        if let Some(told) = log::line(body).or_else(|| self.rules.line(body, place)) {
            facts.push(fact(&told, place()));
        }
    }

    /// Everything that the lists say.
    pub(super) fn finish(mut self, facts: &mut Vec<Fact>) {
        let routeros = self.routeros.finish();
        facts.extend(routeros.map(|(told, place)| fact(&told, place)));
        facts.extend(self.rules.finish().map(|(told, place)| fact(&told, place)));
        let vyos = self.vyos_nat.finish();
        facts.extend(vyos.map(|(told, place)| fact(&told, place)));
    }
}

fn fact((what, values): &Told, place: Place) -> Fact {
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    sign(place, *what, &values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::reading::read;
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    /// The signs that a text gives, with the value that counts.
    fn signs(text: &str) -> Vec<(Sign, String)> {
        read(
            "listing",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_241_400_000),
        )
        .facts
        .into_iter()
        .filter_map(|f| match f.what {
            Known::Sign { sign, values } => {
                let value = ["port", "address", "source"]
                    .iter()
                    .find_map(|name| values.get(*name));
                Some((sign, value.cloned().unwrap_or_default()))
            }
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_filter_that_lists_no_ike_port_says_so_in_every_format() {
        for text in [
            "Chain INPUT (policy DROP)\ntarget     prot opt source               destination\nACCEPT     all  --  anywhere             anywhere             state RELATED,ESTABLISHED\nACCEPT     tcp  --  anywhere             anywhere             tcp dpt:ssh\n",
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
            "table inet filter {\n chain input {\n  type filter hook input priority filter; policy drop;\n  iif \"lo\" accept\n  tcp dport 22 accept\n }\n}\n",
            "Status: active\n\nTo                         Action      From\n--                         ------      ----\n22/tcp                     ALLOW       Anywhere\n",
            "public (active)\n  target: default\n  services: dhcpv6-client ssh\n  ports:\n  rich rules:\n",
        ] {
            assert_eq!(
                signs(text),
                [(Sign::PortNotPermitted, "500".to_owned())],
                "{text}"
            );
        }
    }

    #[test]
    fn a_filter_that_lets_500_in_and_not_4500_says_that() {
        let text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --dport 500 -j ACCEPT\nCOMMIT\n";
        assert_eq!(signs(text), [(Sign::PortNotPermitted, "4500".to_owned())]);
    }

    #[test]
    fn what_may_be_let_in_elsewhere_says_nothing() {
        for text in [
            // Another chain decides.
            "Chain INPUT (policy DROP)\ntarget prot opt source destination\nufw-before-input  all  --  anywhere  anywhere\n",
            // Everything is let in.
            "Chain INPUT (policy ACCEPT)\ntarget prot opt source destination\n",
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m multiport --dports 500,4500 -j ACCEPT\n-A INPUT -p esp -j ACCEPT\nCOMMIT\n",
            "table inet filter {\n chain input {\n  type filter hook input priority filter; policy drop;\n  udp dport { 500, 4500 } accept\n  meta ipsec exists accept\n  ip protocol esp accept\n }\n}\n",
            "Status: active\nTo Action From\n500,4500/udp ALLOW Anywhere\n",
        ] {
            assert_eq!(signs(text), [], "{text}");
        }
    }

    #[test]
    fn a_filter_that_lets_ike_in_and_no_esp_says_that() {
        for text in [
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m multiport --dports 500,4500 -j ACCEPT\nCOMMIT\n",
            "table inet filter {\n chain input {\n  type filter hook input priority filter; policy drop;\n  udp dport { 500, 4500 } accept\n }\n}\n",
            // A prompt behind a table is none of its rules.
            "Chain INPUT (policy DROP)\ntarget prot opt source destination\nACCEPT udp -- anywhere anywhere udp dpt:isakmp\nACCEPT udp -- anywhere anywhere udp dpt:ipsec-nat-t\n[root@gw ~]# tcpdump -ni eth0 proto 50\n",
        ] {
            assert_eq!(
                signs(text),
                [(Sign::EspNotPermitted, String::new())],
                "{text}"
            );
        }
    }

    #[test]
    fn a_node_of_a_swarm_needs_esp_and_no_ike() {
        for (text, sign) in [
            (
                "Status: active\n\nTo Action From\n-- ------ ----\n22/tcp ALLOW Anywhere\n2377/tcp ALLOW 10.7.0.0/24\n7946 ALLOW 10.7.0.0/24\n4789/udp ALLOW 10.7.0.0/24\n",
                Some(Sign::EspNotPermitted),
            ),
            (
                "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22,2377,7946 -j ACCEPT\n-A INPUT -p udp -m multiport --dports 7946,4789 -j ACCEPT\nCOMMIT\n",
                Some(Sign::EspNotPermitted),
            ),
            (
                "public (active)\n  target: default\n  services: ssh\n  ports: 2377/tcp 7946/tcp 7946/udp 4789/udp\n  protocols:\n",
                Some(Sign::EspNotPermitted),
            ),
            (
                "public (active)\n  target: default\n  services: ssh\n  ports: 2377/tcp 7946/tcp 7946/udp 4789/udp\n  protocols: esp\n",
                None,
            ),
            (
                "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 7946 -j ACCEPT\n-A INPUT -p udp --dport 4789 -j ACCEPT\n-A INPUT -p esp -j ACCEPT\nCOMMIT\n",
                None,
            ),
            // Another overlay, whose tunnel may well have IKE.
            (
                "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p udp --dport 4789 -j ACCEPT\nCOMMIT\n",
                Some(Sign::PortNotPermitted),
            ),
        ] {
            let got: Vec<_> = signs(text).into_iter().map(|(sign, _)| sign).collect();
            assert_eq!(got, sign.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn translation_and_its_exemption_are_told() {
        let masquerade = "Chain POSTROUTING (policy ACCEPT)\ntarget prot opt source destination\nMASQUERADE  all  --  10.1.0.0/24  anywhere\n";
        assert_eq!(signs(masquerade)[0].0, Sign::Masquerading);
        let exempt = "*nat\n-A POSTROUTING -m policy --dir out --pol ipsec -j ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
        let got = signs(exempt);
        assert_eq!(got[0].0, Sign::TunnelExempt);
        assert_eq!(got[1].0, Sign::Masquerading);
    }

    #[test]
    fn filters_logs_name_what_they_drop() {
        let drop = "Mar  9 08:00:00 s kernel: [UFW BLOCK] IN=eth0 OUT= MAC=aa:bb SRC=203.0.113.250 DST=198.51.100.2 LEN=220 TTL=240 ID=1 PROTO=UDP SPT=500 DPT=500 LEN=200\n";
        assert_eq!(signs(drop), [(Sign::UdpDropped, "500".to_owned())]);
        let audit = drop.replace("BLOCK", "AUDIT");
        assert_eq!(signs(&audit), []);
        let pf = "filterlog[1]: 6,,,02f4,enc0,match,block,in,4,0x0,,63,1,0,none,6,tcp,71,10.6.3.2,10.6.4.1,5000,80,\n";
        assert_eq!(signs(pf), [(Sign::ForwardDropped, "10.6.3.2".to_owned())]);
        // Vyatta's, EdgeOS's and VyOS's prefixes end with what the rule does.
        for (prefix, dropped) in [
            ("[WAN_LOCAL-default-D]", true),
            ("[OUTSIDE_LOCAL-20-R]", true),
            ("[ipv4-INP-filter-default-D]", true),
            ("[WAN_LOCAL-30-A]", false),
        ] {
            let got = signs(&drop.replace("[UFW BLOCK] ", prefix));
            assert_eq!(got.len(), usize::from(dropped), "{prefix}");
        }
        // pf's log, as OpenBSD's and FreeBSD's tcpdump show it.
        for (line, sign, value) in [
            (
                "14:12:08.331071 rule 2/(match) block in on enc0: 10.9.0.5 > 10.2.2.7: icmp: echo request (encap)\n",
                Sign::ForwardDropped,
                "10.9.0.5",
            ),
            (
                "rule 5/0(match): block in on enc0: 10.9.0.5.40112 > 10.2.2.7.443: Flags [S], seq 1\n",
                Sign::ForwardDropped,
                "10.9.0.5",
            ),
            (
                "rule 1/(match) [uid 0, pid 77] block in on em0: 203.0.113.5.500 > 198.51.100.2.500: isakmp v2.0 exchange IKE_SA_INIT\n",
                Sign::UdpDropped,
                "500",
            ),
            (
                "rule 1/0(match): block in on vtnet0: 203.0.113.5 > 198.51.100.2: ESP(spi=0x0a0b0c0d,seq=0x1), length 132\n",
                Sign::EspDropped,
                "203.0.113.5",
            ),
        ] {
            assert_eq!(signs(line), [(sign, value.to_owned())], "{line}");
            assert_eq!(signs(&line.replace("block", "pass")), [], "{line}");
        }
    }
}
