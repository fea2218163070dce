//! Addresses of interfaces.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Netlink;
use super::codec::{Answer, CREATE, EXCLUSIVE, Message, u32_at};
use super::link::{gone_is_fine, present_is_fine};
use super::route::{address_bytes, family_of, parse_address};
use crate::error::Result;

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Interface index.
    pub index: u32,
    /// Address and prefix length; host bits are kept.
    pub net: IpNet,
    /// Whether it is usable on the whole network (scope `global`), not just on the link or the host.
    pub global: bool,
    /// Whether IPv6 duplicate address detection is still running; such an address can't be bound to yet.
    pub tentative: bool,
}

impl Netlink {
    /// All addresses of the namespace.
    ///
    /// # Errors
    /// When the kernel refuses the listing.
    pub fn addresses(&mut self) -> Result<Vec<Address>> {
        let message = Message::new(RTM_GETADDR, 0, &[0; HEADER]);
        let found = self.transport.dump("list the addresses", "", &message)?;
        Ok(found
            .iter()
            .filter_map(|answer| parse(&answer.as_answer()))
            .collect())
    }

    /// Gives an interface an address, at once usable (IPv6 without duplicate address detection). Says whether it is new.
    ///
    /// # Errors
    /// When the interface doesn't exist, IPv6 is switched off, or CAP_NET_ADMIN is missing.
    pub fn add_address(&mut self, index: u32, net: IpNet) -> Result<bool> {
        let message = message(RTM_NEWADDR, CREATE | EXCLUSIVE, index, net);
        present_is_fine(self.transport.request(
            "add the address",
            format!("{net} to interface #{index}"),
            message,
        ))
    }

    /// Takes an address from an interface; says whether it was there.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn delete_address(&mut self, index: u32, net: IpNet) -> Result<bool> {
        let message = message(RTM_DELADDR, 0, index, net);
        gone_is_fine(self.transport.request(
            "delete the address",
            format!("{net} of interface #{index}"),
            message,
        ))
    }
}

fn message(kind: u16, flags: u16, index: u32, net: IpNet) -> Message {
    let mut header = [0; HEADER];
    header[0] = family_of(net.addr());
    header[1] = net.prefix_len();
    header[2] = if net.addr().is_ipv6() { NO_DAD } else { 0 };
    header[4..].copy_from_slice(&index.to_ne_bytes());
    let mut message = Message::new(kind, flags, &header);
    message
        .put(IFA_LOCAL, &address_bytes(net.addr()))
        .put(IFA_ADDRESS, &address_bytes(net.addr()));
    message
}

fn parse(answer: &Answer<'_>) -> Option<Address> {
    if answer.kind != RTM_NEWADDR {
        return None;
    }
    let attributes = answer.attributes(HEADER);
    let flags = attributes
        .find(IFA_FLAGS)
        .and_then(|value| u32_at(value, 0))
        .unwrap_or_else(|| answer.body.get(2).copied().map_or(0, u32::from));
    let bytes = attributes
        .find(IFA_LOCAL)
        .or_else(|| attributes.find(IFA_ADDRESS))?;
    let address: IpAddr = parse_address(bytes)?;
    Some(Address {
        index: u32_at(answer.body, 4)?,
        net: IpNet::new(address, *answer.body.get(1)?).ok()?,
        global: answer.body.get(3) == Some(&0),
        tentative: flags & TENTATIVE != 0,
    })
}

const HEADER: usize = 8;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const NO_DAD: u8 = 0x02;
const TENTATIVE: u32 = 0x40;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::codec::messages;
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        for text in ["192.0.2.7/24", "2001:db8::7/64"] {
            let net: IpNet = text.parse().unwrap();
            let bytes = message(RTM_NEWADDR, 0, 3, net).finish(1);
            let address = parse(&messages(&bytes).next().unwrap()).unwrap();
            assert_eq!(
                address,
                Address {
                    index: 3,
                    net,
                    global: true,
                    tentative: false
                }
            );
        }
    }
}
