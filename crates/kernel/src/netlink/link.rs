//! Network interfaces.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use super::Netlink;
use super::codec::{Answer, CREATE, EXCLUSIVE, Message, REQUEST, text, u16_at, u32_at};
use crate::error::{KernelError, Result};

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Interface index, unique in its namespace.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Whether it was brought up.
    pub up: bool,
    /// Whether it has a carrier (a veth's other end is up, a TUN's reader exists).
    pub running: bool,
    /// Whether it is a loopback device.
    pub loopback: bool,
    /// Largest packet, bytes.
    pub mtu: u32,
    /// `ARPHRD_*` link type: 1 Ethernet, 65534 none (TUN), 772 loopback.
    pub hardware: u16,
    /// The driver's kind, such as `veth` or `tun`, when it has one.
    pub kind: Option<String>,
    /// Link-layer address; empty where there is none.
    pub mac: Vec<u8>,
    /// What somebody has noted about it.
    pub alias: Option<String>,
    /// Of an XFRM interface: the number by which states and policies are its own.
    pub if_id: Option<u32>,
}

/// One end of a virtual cable: a name, and the namespace where it goes (`None`: this one).
#[derive(Debug, Clone, Copy)]
pub struct VethEnd<'a> {
    /// Interface name.
    pub name: &'a str,
    /// The network namespace it is created in.
    pub namespace: Option<BorrowedFd<'a>>,
}

impl Netlink {
    /// All interfaces.
    ///
    /// # Errors
    /// When the kernel refuses the listing.
    pub fn links(&mut self) -> Result<Vec<Link>> {
        let found = self.transport.dump(
            "list the interfaces",
            "",
            &Message::new(RTM_GETLINK, 0, &header(0, 0, 0)),
        )?;
        Ok(found
            .iter()
            .filter_map(|answer| parse(&answer.as_answer()))
            .collect())
    }

    /// The interface called `name`.
    ///
    /// # Errors
    /// [`KernelError::is_not_found`] when there is none.
    pub fn link(&mut self, name: &str) -> Result<Link> {
        let mut message = Message::new(RTM_GETLINK, 0, &header(0, 0, 0));
        message.put_text(IFLA_IFNAME, name);
        self.one_link(name, message)
    }

    /// The interface numbered `index`.
    ///
    /// # Errors
    /// [`KernelError::is_not_found`] when there is none.
    pub fn link_by_index(&mut self, index: u32) -> Result<Link> {
        self.one_link(
            &format!("#{index}"),
            Message::new(RTM_GETLINK, 0, &header(index, 0, 0)),
        )
    }

    /// Brings an interface up or takes it down.
    ///
    /// # Errors
    /// When it doesn't exist or CAP_NET_ADMIN is missing.
    pub fn set_link_up(&mut self, index: u32, up: bool) -> Result<()> {
        let flags = if up { IFF_UP } else { 0 };
        let message = Message::new(RTM_NEWLINK, 0, &header(index, flags, IFF_UP));
        self.transport.request(
            "change the state of interface",
            format!("#{index}"),
            message,
        )
    }

    /// Waits until an interface that was brought up really carries packets: it has its carrier, and every address it
    /// has (IPv6: its link-local one too) may be used. The kernel may take a second or two to notice; says whether it
    /// did within `limit`.
    ///
    /// # Errors
    /// When the interface doesn't exist.
    pub fn wait_until_ready(&mut self, index: u32, limit: Duration) -> Result<bool> {
        let started = Instant::now();
        loop {
            if self.is_ready(index)? {
                return Ok(true);
            }
            if started.elapsed() >= limit {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_ready(&mut self, index: u32) -> Result<bool> {
        let link = self.link_by_index(index)?;
        let addresses = self.addresses()?;
        let mut own = addresses.iter().filter(|address| address.index == index);
        // Neighbours can't be asked for without a link-local address; only Ethernet has neighbours.
        let v6_usable = link.hardware != libc::ARPHRD_ETHER
            || !own.clone().any(|address| address.net.addr().is_ipv6())
            || own.clone().any(|address| is_link_local(address.net.addr()));
        Ok(link.running && v6_usable && !own.any(|address| address.tentative))
    }

    /// Sets the largest packet size, bytes.
    ///
    /// # Errors
    /// When the driver refuses the size or CAP_NET_ADMIN is missing.
    pub fn set_link_mtu(&mut self, index: u32, mtu: u32) -> Result<()> {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(index, 0, 0));
        message.put_u32(IFLA_MTU, mtu);
        self.transport.request(
            "set the MTU of interface",
            format!("#{index} to {mtu}"),
            message,
        )
    }

    /// Sets how many packets may wait for who reads an interface.
    ///
    /// # Errors
    /// When it doesn't exist or CAP_NET_ADMIN is missing.
    pub fn set_link_queue(&mut self, index: u32, packets: u32) -> Result<()> {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(index, 0, 0));
        message.put_u32(IFLA_TXQLEN, packets);
        self.transport.request(
            "set the queue of interface",
            format!("#{index} to {packets} packets"),
            message,
        )
    }

    /// Notes something about an interface, at most 255 octets, for whoever looks at it.
    ///
    /// # Errors
    /// When it doesn't exist or CAP_NET_ADMIN is missing.
    pub fn set_link_alias(&mut self, index: u32, alias: &str) -> Result<()> {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(index, 0, 0));
        message.put_text(IFLA_ALIAS, alias);
        self.transport.request(
            "note something about interface",
            format!("#{index}"),
            message,
        )
    }

    /// Keeps the kernel from giving an interface an IPv6 link-local address of its own, and so from soliciting on it.
    /// For devices without neighbours (TUN): on Ethernet a router can then no longer find the hosts it forwards to.
    ///
    /// # Errors
    /// When IPv6 is switched off, or CAP_NET_ADMIN is missing.
    pub fn disable_link_local(&mut self, index: u32) -> Result<()> {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(index, 0, 0));
        message.nest(IFLA_AF_SPEC, |families| {
            families.nest(libc::AF_INET6 as u16, |v6| {
                v6.put(IFLA_INET6_ADDR_GEN_MODE, &[ADDR_GEN_NONE]);
            });
        });
        self.transport.request(
            "disable link-local addresses on interface",
            format!("#{index}"),
            message,
        )
    }

    /// Creates a virtual cable.
    ///
    /// # Errors
    /// When a name is taken ([`KernelError::is_present`]) or CAP_NET_ADMIN is missing here or in a namespace named.
    pub fn add_veth(&mut self, near: VethEnd<'_>, far: VethEnd<'_>) -> Result<()> {
        self.transport.request(
            "create the veth pair",
            format!("{}/{}", near.name, far.name),
            veth_message(near, far),
        )
    }

    /// Creates an XFRM interface: what is routed to it is protected by the policies and states that have its number, or goes
    /// nowhere. Returns its index.
    ///
    /// # Errors
    /// When the name or the number is taken ([`KernelError::is_present`]), the kernel has no such interfaces
    /// ([`KernelError::is_unsupported`]), or CAP_NET_ADMIN is missing.
    pub fn add_xfrm(&mut self, name: &str, if_id: u32) -> Result<u32> {
        self.transport
            .request("create the XFRM interface", name, xfrm_message(name, if_id))?;
        Ok(self.link(name)?.index)
    }

    /// Moves an interface to the namespace behind `namespace`; its addresses and routes are lost.
    ///
    /// # Errors
    /// When the namespace has an interface of that name, or CAP_NET_ADMIN is missing there.
    pub fn move_link(&mut self, index: u32, namespace: BorrowedFd<'_>) -> Result<()> {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(index, 0, 0));
        message.put(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes());
        self.transport.request(
            "move to another namespace the interface",
            format!("#{index}"),
            message,
        )
    }

    /// Deletes an interface; says whether it was there.
    ///
    /// # Errors
    /// When the driver refuses or CAP_NET_ADMIN is missing.
    pub fn delete_link(&mut self, index: u32) -> Result<bool> {
        let message = Message::new(RTM_DELLINK, 0, &header(index, 0, 0));
        gone_is_fine(
            self.transport
                .request("delete the interface", format!("#{index}"), message),
        )
    }

    fn one_link(&mut self, object: &str, message: Message) -> Result<Link> {
        let what = "find the interface";
        let answer = self.transport.query(what, object, message)?;
        parse(&answer.as_answer())
            .ok_or_else(|| KernelError::own(what, object, "the kernel's answer makes no sense"))
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// A complete request to bring up `lo` (always index 1), for the trial in a child process.
pub(crate) fn loopback_up_request() -> Vec<u8> {
    let flags = REQUEST | super::codec::ACK;
    Message::new(RTM_NEWLINK, flags, &header(1, IFF_UP, IFF_UP)).finish(1)
}

/// `Ok(false)` for what is gone already.
pub(super) fn gone_is_fine(outcome: Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// `Ok(false)` for what is there already.
pub(super) fn present_is_fine(outcome: Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_present() => Ok(false),
        Err(error) => Err(error),
    }
}

fn veth_message(near: VethEnd<'_>, far: VethEnd<'_>) -> Message {
    let place = |message: &mut Message, end: VethEnd<'_>| {
        message.put_text(IFLA_IFNAME, end.name);
        if let Some(namespace) = end.namespace {
            message.put(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes());
        }
    };
    let mut message = Message::new(RTM_NEWLINK, CREATE | EXCLUSIVE, &header(0, 0, 0));
    place(&mut message, near);
    message.nest(IFLA_LINKINFO, |info| {
        info.put_text(IFLA_INFO_KIND, "veth");
        info.nest(IFLA_INFO_DATA, |data| {
            data.nest(VETH_INFO_PEER, |peer| {
                peer.raw(&header(0, 0, 0));
                place(peer, far);
            });
        });
    });
    message
}

fn xfrm_message(name: &str, if_id: u32) -> Message {
    let mut message = Message::new(RTM_NEWLINK, CREATE | EXCLUSIVE, &header(0, 0, 0));
    message.put_text(IFLA_IFNAME, name);
    message.nest(IFLA_LINKINFO, |info| {
        info.put_text(IFLA_INFO_KIND, XFRM);
        info.nest(IFLA_INFO_DATA, |data| {
            data.put_u32(IFLA_XFRM_IF_ID, if_id);
        });
    });
    message
}

/// `struct ifinfomsg`.
fn header(index: u32, flags: u32, change: u32) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..].copy_from_slice(&change.to_ne_bytes());
    bytes
}

fn parse(answer: &Answer<'_>) -> Option<Link> {
    if answer.kind != RTM_NEWLINK {
        return None;
    }
    let flags = u32_at(answer.body, 8)?;
    let attributes = answer.attributes(HEADER);
    let info = || attributes.nested(IFLA_LINKINFO);
    let kind = info().and_then(|info| info.find(IFLA_INFO_KIND)).map(text);
    let data = info().and_then(|info| info.nested(IFLA_INFO_DATA));
    let if_id = data
        .filter(|_| kind.as_deref() == Some(XFRM))
        .and_then(|data| u32_at(data.find(IFLA_XFRM_IF_ID)?, 0));
    Some(Link {
        index: u32_at(answer.body, 4)?,
        name: text(attributes.find(IFLA_IFNAME)?),
        up: flags & IFF_UP != 0,
        running: flags & IFF_RUNNING != 0,
        loopback: flags & IFF_LOOPBACK != 0,
        mtu: attributes
            .find(IFLA_MTU)
            .and_then(|value| u32_at(value, 0))
            .unwrap_or(0),
        hardware: u16_at(answer.body, 2)?,
        kind,
        mac: attributes
            .find(IFLA_ADDRESS)
            .map(<[u8]>::to_vec)
            .unwrap_or_default(),
        alias: attributes.find(IFLA_ALIAS).map(text),
        if_id,
    })
}

const HEADER: usize = 16;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;
const IFF_RUNNING: u32 = 0x40;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKINFO: u16 = 18;
const IFLA_ALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const ADDR_GEN_NONE: u8 = 1;
const XFRM: &str = "xfrm";
const IFLA_XFRM_IF_ID: u16 = 2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::codec::messages;
    use super::*;

    #[test]
    fn a_veth_request_names_both_ends() {
        let near = VethEnd {
            name: "a",
            namespace: None,
        };
        let far = VethEnd {
            name: "b",
            namespace: None,
        };
        let bytes = veth_message(near, far).finish(1);
        let answer = messages(&bytes).next().unwrap();
        let attributes = answer.attributes(HEADER);
        assert_eq!(text(attributes.find(IFLA_IFNAME).unwrap()), "a");
        let info = attributes.nested(IFLA_LINKINFO).unwrap();
        assert_eq!(text(info.find(IFLA_INFO_KIND).unwrap()), "veth");
        let peer = info
            .nested(IFLA_INFO_DATA)
            .unwrap()
            .find(VETH_INFO_PEER)
            .unwrap();
        let inside = super::super::codec::Attributes(&peer[HEADER..]);
        assert_eq!(text(inside.find(IFLA_IFNAME).unwrap()), "b");
    }

    #[test]
    fn a_link_is_read_from_its_message() {
        let mut message = Message::new(RTM_NEWLINK, 0, &header(7, IFF_UP | IFF_RUNNING, 0));
        message
            .put_text(IFLA_IFNAME, "wan0")
            .put_u32(IFLA_MTU, 1400)
            .nest(IFLA_LINKINFO, |info| {
                info.put_text(IFLA_INFO_KIND, "veth");
            });
        let bytes = message.finish(1);
        let link = parse(&messages(&bytes).next().unwrap()).unwrap();
        assert_eq!(
            (link.index, link.name.as_str(), link.mtu),
            (7, "wan0", 1400)
        );
        assert!(link.up && link.running && !link.loopback);
        assert_eq!(link.kind.as_deref(), Some("veth"));
    }

    #[test]
    fn an_xfrm_interface_is_asked_for_and_known_by_its_number() {
        let bytes = xfrm_message("ipsec7", 0x0ad3_0007).finish(1);
        let link = parse(&messages(&bytes).next().unwrap()).unwrap();
        assert_eq!(
            (link.name.as_str(), link.if_id),
            ("ipsec7", Some(0x0ad3_0007))
        );
        assert_eq!(link.kind.as_deref(), Some("xfrm"));
    }
}
