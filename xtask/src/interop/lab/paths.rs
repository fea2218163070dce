//! What happens to the way between the gateways while a tunnel is up.

use anyhow::Result;

use super::Lab;
use crate::exec;

impl Lab {
    /// Gives a gateway another address in place of the one that it has outside, and returns it.
    pub fn readdress(&self, gateway: &str) -> Result<String> {
        let v6 = self.own(gateway).contains(':');
        let network = if v6 { "fd00:c0::" } else { "192.168.0." };
        let (length, nodad) = if v6 { (64, " nodad") } else { (24, "") };
        let (own, other, neighbour) = match gateway {
            "west" => (1, 2, "east"),
            _ => (2, 1, "west"),
        };
        // Hexadecimal in one, decimal in the other; it only has to be free.
        let new = format!("{network}1{own}");
        if !v6 {
            exec::checked(
                self.brief(gateway, "sysctl")
                    .args(["-qw", "net.ipv4.conf.wan.promote_secondaries=1"]),
            )?;
        }
        self.ip(
            gateway,
            &[
                &format!("addr add {new}/{length} dev wan{nodad}"),
                &format!("addr del {network}{own}/{length} dev wan"),
                &format!("route replace default via {network}{other}"),
            ],
        )?;
        // Who stays sends what isn't tunnelled to where the other one went.
        self.ip(neighbour, &[&format!("route replace default via {new}")])?;
        Ok(new)
    }

    /// Gives a gateway's link to its LAN another MTU.
    pub fn narrow(&self, gateway: &str, mtu: u32) -> Result<()> {
        self.ip(gateway, &[&format!("link set lan mtu {mtu}")])
    }

    /// Makes the NAT forget: masquerading gives its mappings up when the outer link goes down.
    pub fn forget_mappings(&self) -> Result<()> {
        self.ip("nat", &["link set out down", "link set out up"])
    }
}
