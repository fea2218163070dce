//! What lies between the gateways: a wire, a router, NATs.
//!
//! Without a third gateway and without NATs it is a wire. Else every gateway has a link of its own to a router, which
//! knows its one address there: so several can be on one side of a NAT without a switch.

use anyhow::Result;

use super::{Lab, Place};
use crate::interop::relay;
use crate::interop::scenario::{Nat, Role, Tunnel};

impl Lab {
    /// Lays everything between the gateways, and settles their addresses.
    pub(super) fn outside(&mut self, nat: Nat, role: Role, tunnel: &Tunnel) -> Result<()> {
        let v6 = tunnel.outer_v6;
        for gateway in self.gateways() {
            let own = open_address(gateway)[usize::from(v6)].clone();
            let seen = own.clone();
            self.places.insert(gateway, Place { own, seen });
        }
        let (caller, called) = match role {
            Role::Initiator => ("west", "east"),
            Role::Responder => ("east", "west"),
        };
        let third = self.gateways().len() > 2;
        match nat {
            Nat::Router => self.router(),
            Nat::None if third => self.router(),
            Nat::None => self.wire(!tunnel.roaming || !v6, !tunnel.roaming || v6),
            Nat::Near | Nat::Far => {
                let (hidden, open) = match nat {
                    Nat::Near => ("west", "east"),
                    _ => ("east", "west"),
                };
                let mut behind = vec![hidden];
                if third {
                    anyhow::ensure!(hidden == caller, "the third gateway is a caller");
                    behind.push("south");
                }
                self.hide(&behind, "nat")?;
                self.link(open, "wan", "nat", "out")?;
                self.wan(open, open_address(open)[0].as_str(), &outside(hidden))?;
                self.translate("nat", hidden, hidden == called)
            }
            Nat::Both => {
                anyhow::ensure!(!third, "no lab for three gateways and two NATs");
                self.hide(&["west"], "nat")?;
                self.hide(&["east"], "nat2")?;
                self.link("nat", "out", "nat2", "out")?;
                self.translate("nat", "west", called == "west")?;
                self.translate("nat2", "east", called == "east")
            }
        }
    }

    /// The addresses that [`Self::outside`] gives.
    pub(super) fn addresses(&mut self, nat: Nat, role: Role, tunnel: &Tunnel) {
        for gateway in self.gateways() {
            let own = open_address(gateway)[usize::from(tunnel.outer_v6)].clone();
            let hidden = match (gateway, nat) {
                ("west", Nat::Near | Nat::Both) => Some(("west", 1)),
                ("east", Nat::Far | Nat::Both) => Some(("east", 1)),
                ("south", Nat::Near) if role == Role::Initiator => Some(("west", 3)),
                ("south", Nat::Far) if role == Role::Responder => Some(("east", 3)),
                _ => None,
            };
            let place = match hidden {
                Some((first, last)) => Place {
                    own: format!("{}.{last}", inside(first)),
                    seen: outside(first),
                },
                None => Place {
                    seen: own.clone(),
                    own,
                },
            };
            self.places.insert(gateway, place);
        }
    }

    /// With the address families that there are; a peer that moves would go on over another one.
    fn wire(&self, v4: bool, v6: bool) -> Result<()> {
        self.link("west", "wan", "east", "wan")?;
        for (gateway, own, other) in [("west", 1, 2), ("east", 2, 1)] {
            self.ip(gateway, &["link set wan up"])?;
            // What is not tunnelled would go to the other side in clear: the guard must have something to catch.
            if v4 {
                self.ip(
                    gateway,
                    &[
                        &format!("addr add 192.168.0.{own}/24 dev wan"),
                        &format!("route add default via 192.168.0.{other}"),
                    ],
                )?;
            }
            if v6 {
                self.ip(
                    gateway,
                    &[
                        &format!("addr add fd00:c0::{own}/64 dev wan nodad"),
                        &format!("route add default via fd00:c0::{other}"),
                    ],
                )?;
            }
        }
        Ok(())
    }

    /// Gateways around a router that changes nothing.
    fn router(&self) -> Result<()> {
        self.add("net")?;
        for gateway in self.gateways() {
            let [v4, v6] = open_address(gateway);
            self.alone(
                gateway,
                "net",
                &[(&v4, "192.168.0.254"), (&v6, "fd00:c0::fe")],
            )?;
        }
        Ok(())
    }

    /// Two gateways that reach the host between them and nobody else; each takes it for its peer.
    pub(super) fn through_relay(&mut self) -> Result<()> {
        self.add("mid")?;
        for (gateway, next, next6, seen) in [
            ("west", relay::FOR_WEST, "fd00:c1::fe", relay::FOR_EAST),
            ("east", relay::FOR_EAST, "fd00:c2::fe", relay::FOR_WEST),
        ] {
            let [own, own6] = open_address(gateway);
            // The relay hands nothing of IPv6 on; a default route all the same gives the guard something to catch.
            self.alone(gateway, "mid", &[(&own, next), (&own6, next6)])?;
            let seen = seen.to_owned();
            self.places.insert(gateway, Place { own, seen });
        }
        Ok(())
    }

    /// Puts gateways behind a NAT of their own; the first one's name decides the addresses.
    fn hide(&mut self, gateways: &[&'static str], nat: &str) -> Result<()> {
        self.add(nat)?;
        let Some(first) = gateways.first() else {
            return Ok(());
        };
        for (gateway, last) in gateways.iter().zip([1, 3]) {
            let own = format!("{}.{last}", inside(first));
            // There is no NAT for IPv6 here; a default route all the same gives the guard something to catch.
            let v6 = format!("fd00:c1::{last}");
            let next = format!("{}.254", inside(first));
            self.alone(gateway, nat, &[(&own, &next), (&v6, "fd00:c1::fe")])?;
            let seen = outside(first);
            self.places.insert(gateway, Place { own, seen });
        }
        Ok(())
    }

    /// A gateway on a link of its own to `router`: pairs of its address and the router's.
    fn alone(&self, gateway: &str, router: &str, addresses: &[(&str, &str)]) -> Result<()> {
        self.link(gateway, "wan", router, gateway)?;
        self.ip(gateway, &["link set wan up"])?;
        self.ip(router, &[&format!("link set {gateway} up")])?;
        for (own, next) in addresses {
            let (length, nodad) = match own.contains(':') {
                true => (128, " nodad"),
                false => (32, ""),
            };
            self.ip(
                gateway,
                &[
                    &format!("addr add {own}/{length} dev wan{nodad}"),
                    &format!("route add {next}/{length} dev wan"),
                    &format!("route add default via {next} dev wan"),
                ],
            )?;
            self.ip(
                router,
                &[
                    &format!("addr add {next}/{length} dev {gateway}{nodad}"),
                    &format!("route add {own}/{length} dev {gateway}"),
                ],
            )?;
        }
        Ok(())
    }

    /// Gives a gateway its address beside a NAT, to which everything goes.
    fn wan(&self, gateway: &str, address: &str, next: &str) -> Result<()> {
        self.ip(
            gateway,
            &[
                &format!("addr add {address}/24 dev wan"),
                "addr add fd00:c1::1/64 dev wan nodad",
                "link set wan up",
                &format!("route add default via {next}"),
                "route add default via fd00:c1::fe",
            ],
        )
    }

    /// Makes `nat` masquerade what comes from those behind it; `forward` maps the IKE ports to `hidden`.
    fn translate(&self, nat: &str, hidden: &str, forward: bool) -> Result<()> {
        self.ip(
            nat,
            &[
                &format!("addr add {}/24 dev out", outside(hidden)),
                "link set out up",
            ],
        )?;
        let inwards = format!("{}.1", inside(hidden));
        self.masquerade(nat, forward.then_some(inwards.as_str()))
    }
}

/// A gateway's addresses where no NAT is before it.
fn open_address(gateway: &str) -> [String; 2] {
    let own = match gateway {
        "west" => 1,
        "east" => 2,
        _ => 3,
    };
    [format!("192.168.0.{own}"), format!("fd00:c0::{own}")]
}

/// The network behind the NAT of a gateway, without the last octet.
fn inside(hidden: &str) -> &'static str {
    match hidden {
        "west" => "192.168.1",
        _ => "192.168.2",
    }
}

/// The address of a gateway's NAT outside: the one that the gateway has without it.
fn outside(hidden: &str) -> String {
    let [v4, _] = open_address(hidden);
    v4
}
