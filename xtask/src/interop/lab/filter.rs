//! The packet filter of a lab: the leak guard with its counters, NAT, and cuts.
//!
//! By nf_tables, or by iptables in a guest whose kernel has nothing else.

use anyhow::{Context, Result};

use super::Lab;
use crate::exec;

/// Set in a guest.
pub const IPTABLES: &str = "ADIT_LAB_IPTABLES";

fn by_iptables() -> bool {
    std::env::var_os(IPTABLES).is_some()
}

impl Lab {
    /// How many packets of the LANs wanted to leave a gateway in clear.
    pub fn leaked(&self, gateway: &str) -> Result<u64> {
        self.counted(gateway, "leak")
    }

    /// How many packets left a gateway in the direction of the others: `raw_esp`, `esp_in_udp`, `keepalive`, `leak`.
    pub fn counted(&self, gateway: &str, counter: &str) -> Result<u64> {
        if by_iptables() {
            let mut total = 0;
            for program in BOTH {
                let listing = exec::checked(
                    self.brief(gateway, program)
                        .args(["-w", "-t", "mangle", "-nvxL", "guard"]),
                )?;
                total += packets(&listing.stdout, counter);
            }
            return Ok(total);
        }
        let listing = exec::checked(
            self.brief(gateway, "nft")
                .args(["-j", "list", "counter", "inet", "guard", counter]),
        )?;
        let document: serde_json::Value =
            serde_json::from_str(&listing.stdout).context("nft -j printed no JSON")?;
        let counter = document["nftables"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|entry| entry["counter"]["packets"].as_u64());
        counter.context("nft shows no such counter")
    }

    /// Sets the leak counters to zero.
    pub fn reset_guard(&self) -> Result<()> {
        for gateway in self.gateways() {
            if by_iptables() {
                self.both(gateway, &["-t mangle -Z guard"])?;
                continue;
            }
            exec::checked(
                self.brief(gateway, "nft")
                    .args(["reset", "counters", "table", "inet", "guard"]),
            )?;
        }
        Ok(())
    }

    /// Stops and counts what leaves in clear: for LANs, and echoes if the gateways themselves are what is protected.
    /// IKE looks for a gateway at its addresses in LANs too; those aren't reached from outside. What the kernel is about
    /// to protect passes here as it is first, and isn't meant.
    pub(super) fn guard(&self, gateway: &str, themselves: bool) -> Result<()> {
        if by_iptables() {
            return self.guard_by_iptables(gateway, themselves);
        }
        let clear = match self.setting.in_kernel() {
            false => "oifname \"wan\"",
            true => "oifname \"wan\" rt ipsec missing",
        };
        let echoes = if themselves {
            format!(
                "{clear} icmp type {{ echo-request, echo-reply }} counter name leak drop
                {clear} icmpv6 type {{ echo-request, echo-reply }} counter name leak drop"
            )
        } else {
            String::new()
        };
        let rules = format!(
            "table inet guard {{
            counter leak {{ }}
            counter raw_esp {{ }}
            counter esp_in_udp {{ }}
            counter keepalive {{ }}
            chain post {{
                type filter hook postrouting priority 100; policy accept;
                oifname \"wan\" udp sport {{ 500, 4500 }} ip daddr {{ 10.0.0.0/8 }} drop
                oifname \"wan\" udp sport {{ 500, 4500 }} ip6 daddr {{ fd00:1::/64, fd00:2::/64, fd00:3::/64 }} drop
                {clear} ip daddr {{ 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16 }} counter name leak drop
                {clear} ip6 daddr {{ fd00:1::/64, fd00:2::/64, fd00:3::/64 }} counter name leak drop
                {echoes}
                oifname \"wan\" meta l4proto esp counter name raw_esp
                oifname \"wan\" udp sport 4500 udp length 9 counter name keepalive
                oifname \"wan\" udp sport 4500 @th,64,32 != 0 counter name esp_in_udp
            }}
        }}"
        );
        exec::fed(self.brief(gateway, "nft").args(["-f", "-"]), &rules)?;
        Ok(())
    }

    fn guard_by_iptables(&self, gateway: &str, themselves: bool) -> Result<()> {
        let clear = "-A guard -m policy --dir out --pol none";
        let leak = "-m comment --comment leak -j DROP";
        let families = [
            (
                BOTH[0],
                ["10.0.0.0/8"].as_slice(),
                ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"],
                [
                    "icmp --icmp-type echo-request",
                    "icmp --icmp-type echo-reply",
                ],
                20,
            ),
            (
                BOTH[1],
                &["fd00:1::/64", "fd00:2::/64", "fd00:3::/64"],
                ["fd00:1::/64", "fd00:2::/64", "fd00:3::/64"],
                [
                    "icmpv6 --icmpv6-type echo-request",
                    "icmpv6 --icmpv6-type echo-reply",
                ],
                40,
            ),
        ];
        for (program, unreached, lans, echoes, header) in families {
            let mut lines = vec![
                "*mangle".to_owned(),
                ":guard - [0:0]".to_owned(),
                "-A POSTROUTING -o wan -j guard".to_owned(),
            ];
            for net in unreached {
                lines.push(format!(
                    "-A guard -p udp -m multiport --sports 500,4500 -d {net} -j DROP"
                ));
            }
            lines.extend(lans.map(|net| format!("{clear} -d {net} {leak}")));
            if themselves {
                lines.extend(echoes.map(|echo| format!("{clear} -p {echo} {leak}")));
            }
            let start = header + 8;
            let length = start + 1;
            lines.push("-A guard -p esp -m comment --comment raw_esp".to_owned());
            lines.push(format!(
                "-A guard -p udp --sport 4500 -m length --length {length} -m comment --comment keepalive"
            ));
            lines.push(format!(
                "-A guard -p udp --sport 4500 -m u32 --u32 {start}>>0=0x1:0xffffffff -m comment --comment esp_in_udp"
            ));
            lines.push("COMMIT\n".to_owned());
            // One process for all: starting one takes its time in a guest.
            let mut restore = self.brief(gateway, format!("{program}-restore"));
            exec::fed(restore.args(["-w", "-n"]), &lines.join("\n"))?;
        }
        Ok(())
    }

    /// Makes `nat` masquerade what leaves by `out`, with other source ports than 500 and 4500, as a busy router would give;
    /// or maps the IKE ports to the host `inwards`.
    pub(super) fn masquerade(&self, nat: &str, inwards: Option<&str>) -> Result<()> {
        self.hosts.settle()?;
        if by_iptables() {
            let random = if inwards.is_some() { "" } else { " --random" };
            let program = BOTH[0];
            let line = format!("-t nat -A POSTROUTING -o out -j MASQUERADE{random}");
            self.iptables(nat, program, &line)?;
            if let Some(host) = inwards {
                let line = format!(
                    "-t nat -A PREROUTING -i out -p udp -m multiport --dports 500,4500 -j DNAT --to-destination {host}"
                );
                self.iptables(nat, program, &line)?;
            }
            return Ok(());
        }
        let pre = inwards.map_or_else(String::new, |host| {
            format!(
                "chain pre {{ type nat hook prerouting priority dstnat; iifname \"out\" udp dport {{ 500, 4500 }} dnat to {host}; }}"
            )
        });
        let rules = format!(
            "table ip nat {{\nchain post {{ type nat hook postrouting priority srcnat; oifname \"out\" masquerade{}; }}\n{pre}\n}}\n",
            if inwards.is_some() { "" } else { " random" },
        );
        exec::fed(self.brief(nat, "nft").args(["-f", "-"]), &rules)?;
        Ok(())
    }

    /// Lets nothing arrive any more from outside, at any gateway, and tells nobody.
    pub fn cut(&self) -> Result<()> {
        let rules = "table inet cut {
            chain pre { type filter hook prerouting priority -400; policy accept; iifname \"wan\" drop; }
        }";
        for gateway in self.gateways() {
            if by_iptables() {
                self.both(gateway, &["-t raw -I PREROUTING -i wan -j DROP"])?;
                continue;
            }
            exec::fed(self.brief(gateway, "nft").args(["-f", "-"]), rules)?;
        }
        Ok(())
    }

    /// The opposite of [`Self::cut`].
    pub fn mend(&self) -> Result<()> {
        for gateway in self.gateways() {
            if by_iptables() {
                self.both(gateway, &["-t raw -D PREROUTING -i wan -j DROP"])?;
                continue;
            }
            exec::checked(
                self.brief(gateway, "nft")
                    .args(["delete", "table", "inet", "cut"]),
            )?;
        }
        Ok(())
    }

    fn both(&self, host: &str, lines: &[&str]) -> Result<()> {
        for program in BOTH {
            for line in lines {
                self.iptables(host, program, line)?;
            }
        }
        Ok(())
    }

    fn iptables(&self, host: &str, program: &str, line: &str) -> Result<()> {
        let mut command = self.brief(host, program);
        command.arg("-w").args(line.split(' '));
        exec::checked(&mut command).map(drop)
    }
}

/// The packets of the rules with this comment.
fn packets(listing: &str, comment: &str) -> u64 {
    let comment = format!("/* {comment} */");
    let rules = listing.lines().filter(|line| line.contains(&comment));
    rules
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

const BOTH: [&str; 2] = ["iptables-legacy", "ip6tables-legacy"];

#[cfg(test)]
mod tests {
    #[test]
    fn rules_are_summed_by_their_comment() {
        let listing = "Chain guard (1 references)\n    pkts      bytes target     prot opt in     out     source               destination\n       3      252 DROP       all  --  *      *       0.0.0.0/0            10.2.0.0/16          policy match dir out pol none /* leak */\n       4      252 DROP       all  --  *      *       0.0.0.0/0            10.3.0.0/16          policy match dir out pol none /* leak */\n      99     9999            esp  --  *      *       0.0.0.0/0            0.0.0.0/0            /* raw_esp */\n";
        assert_eq!(super::packets(listing, "leak"), 7);
        assert_eq!(super::packets(listing, "raw_esp"), 99);
    }
}
