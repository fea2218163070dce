//! The virtual world: gateways, hosts, links, NAT boxes and filters without a network, on a clock that jumps.
//!
//! # What it is for
//!
//! To rehearse two configurations against each other before anybody types them in; to show the demo where the system
//! allows no network of one's own; and to test endpoints in weather that real networks have once a year. The gateways
//! in it are the real ones, down to the bytes of their packets: the same `adit_ike::Endpoint`, the same
//! `adit_esp::DataPlane`. Only their key exchange is a fake one that costs nothing and hides nothing.
//!
//! # How it goes
//!
//! 1. **A world is built**: [`Plan::build`] makes the usual one, two sites with the internet between them;
//!    [`World`]'s own methods make any other. It has one seed, and all chance in it comes from there, so a world that
//!    went wrong goes wrong again. Print the seed.
//! 2. **Time passes** in [`World::run_until`] and [`World::run_for`]: always to the next packet's arrival or the next
//!    deadline of a gateway. A minute of silence costs nothing.
//! 3. **Things go wrong** whenever wanted: links lose, double, delay and cut packets ([`LinkSettings`]), NAT boxes forget
//!    ([`NatSettings`]), filters stop ports ([`Block`]), hosts are switched off, daemons are killed, a peer turns out to
//!    speak only IKEv1 ([`V1Only`]).
//! 4. **It is observed**: what passed over the wire, by kind ([`Observed::seen`]) or as a capture file ([`pcap`]); both
//!    gateways' events, SAs and counters; what probes tell; all of it as a `model::fact::Case`;
//!    and what an endpoint was told ([`World::recorded`]), with which it does it all again.
//!
//! 5. **Two configurations are rehearsed** in it ([`rehearsal`]), whatever products they are of.
//!
//! # What is absent
//!
//! No socket, clock, file, thread or entropy. No TCP: hosts ping and send datagrams, gateways ping.

mod build;
mod command;
mod evidence;
mod firewall;
mod fragment;
mod gateway;
mod host;
mod input;
mod link;
mod nat;
mod node;
mod packet;
mod path_problem;
mod probe;
pub mod rehearsal;
mod rng;
mod router;
mod sites;
mod tap;
mod traffic;
mod v1_only;
mod world;

pub use adit_ike::key_holder::Credentials;
pub use command::CommandError;
pub use firewall::{Block, Manner};
pub use gateway::GatewaySetup;
pub use host::{BulkReport, PingReport};
pub use input::{Input, Told};
pub use link::LinkSettings;
pub use nat::{NatKind, NatSettings};
pub use sites::{Lan, Plan, Site, Sites};
pub use tap::{Observed, Seen, pcap};
pub use traffic::{BulkId, PingId};
pub use v1_only::{V1Manner, V1Only};
pub use world::{LinkId, NodeId, World};
