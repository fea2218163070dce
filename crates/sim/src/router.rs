//! Routers: they forward, may filter, and may translate addresses.

use adit_wire::ip::IpPacket;

use crate::firewall::{Block, Manner};
use crate::fragment::Reassembler;
use crate::nat::Nat;
use crate::node::Env;
use crate::packet::Unreachable;

/// A router.
#[derive(Default)]
pub(crate) struct Router {
    pub(crate) blocks: Vec<(Block, Manner)>,
    /// Packets that the filter stopped.
    pub(crate) blocked: u64,
    /// Translation, and the interface behind which the translated hosts are.
    pub(crate) nat: Option<(Nat, usize)>,
}

impl Router {
    /// The packet, if no filter stops it.
    pub(crate) fn filter(&mut self, env: &mut Env<'_>, packet: Vec<u8>) -> Option<Vec<u8>> {
        let ip = IpPacket::parse(&packet).ok()?;
        let Some((_, manner)) = self.blocks.iter().find(|(block, _)| block.stops(&ip)) else {
            return Some(packet);
        };
        self.blocked += 1;
        if *manner == Manner::Reject {
            env.unreachable(&packet, Unreachable::Prohibited);
        }
        None
    }

    /// The packet as it goes on behind the address translation, if that lets it through.
    pub(crate) fn translate(
        &mut self,
        env: &mut Env<'_>,
        reassembler: &mut Reassembler,
        interface: usize,
        packet: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let Some((nat, inside)) = &mut self.nat else {
            return Some(packet);
        };
        let ip = IpPacket::parse(&packet).ok()?;
        let now = env.now.mono;
        let from_inside = interface == *inside;
        let for_us = env.own.contains(&ip.destination);
        if ip.source.is_ipv6()
            || (from_inside && for_us)
            || (!from_inside && ip.destination != nat.public())
        {
            return Some(packet);
        }
        // Ports are needed, and only a whole packet is sure to have them.
        let whole = reassembler.push(now, packet)?;
        if from_inside {
            nat.outbound(now, env.rng, &whole)
        } else {
            // What no mapping takes may be for the box itself; it answers pings and nothing else.
            nat.inbound(now, &whole).or(Some(whole))
        }
    }
}
