//! The Linux edges of Adit: the one crate through which the product touches the machine's network.
//!
//! In the order in which a gateway's life needs them:
//!
//! 1. **A place.** [`netns`] holds network namespaces by descriptor; [`sandbox`] leaves the host's network for a
//!    private world, without root where the machine allows it; [`closed`] says which setting doesn't.
//! 2. **A door.** [`tun`] makes the device through which the host's packets enter the user-space data plane.
//! 3. **Ways.** [`netlink`] speaks rtnetlink for links, addresses, routes and rules, and asks the kernel which way a
//!    packet would go. [`sysctl`] reads and writes the settings around them.
//!
//! 4. **The wire.** [`udp`] and [`esp_socket`] carry IKE and ESP and know the local address of each packet;
//!    [`path_error`] reads what the network says about them; [`test_port`] shows what a path lets through; [`mod@ping`] asks one question more; [`port_holder`] says who
//!    has a port already.
//! 5. **The block.** [`block`] keeps protected traffic from leaving or entering in clear, even when the gateway is
//!    killed; it is built on [`nft`], our own nf_tables messages, as are the NAT and the faults in [`filter`]. What
//!    everybody's rules would do with a packet, [`ruleset`] says.
//! 6. **The kernel's IPsec.** [`xfrm`] has the kernel protect packets itself, where it can.
//! 7. **Room.** [`load`] says what threads get of the processors, and what nobody had time for.
//! 8. **Proof.** [`capture`] sees what really crosses an interface and [`pcapng`] writes it down.
//!
//! Requests that set things up return [`KernelError`]: what was attempted, on what, the kernel's number, the remedy.
//! Calls on the path of packets return [`std::io::Result`], so that readiness (`WouldBlock`) stays visible to a
//! runtime that wraps the descriptors.
//!
//! `unsafe` lives in one private module, `sys`. No external program is ever run.
#![deny(unsafe_code)]

pub mod batch;
pub mod block;
pub mod capture;
pub mod closed;
pub mod datagram;
pub mod error;
pub mod esp_socket;
pub mod filter;
pub mod load;
pub mod netlink;
pub mod netns;
pub mod nft;
pub mod path_error;
pub mod pcapng;
pub mod ping;
pub mod port_holder;
pub mod ruleset;
pub mod sandbox;
mod spread;
pub mod sysctl;
pub mod test_port;
pub mod tun;
pub mod udp;
pub mod watch;
pub mod xfrm;

#[allow(unsafe_code)]
mod sys;

pub use batch::{Inbox, Message, Run, send_runs};
pub use block::{BlockMechanism, PolicyBlock, ProtectedTunnel};
pub use capture::Capture;
pub use closed::Closed;
pub use datagram::{OWN_MARK, Received};
pub use error::{KernelError, Result};
pub use esp_socket::EspSocket;
pub use netlink::Netlink;
pub use netns::NetNs;
pub use path_error::{PathError, PathErrorKind};
pub use ping::{PingOptions, PingOutcome, ping};
pub use port_holder::who_holds_udp_port;
pub use tun::{Offload, Tun, TunConfig};
pub use udp::UdpPort;
