//! The gateway: the daemon that runs tunnels, and the only asynchronous crate.
//!
//! # The life of a gateway
//!
//! [`run()`] takes [`options::Options`] and blocks until the gateway has ended.
//!
//! 1. **Before anything changes**, everything that can be wrong is looked for: the configuration, its [`keys`],
//!    privileges, the lock on the state directory ([`state_dir`]), the ports ([`sockets`]), the [`claim`] on the host.
//! 2. **Then the host is changed**, all of it in [`host`]: the block that keeps protected traffic from ever leaving in
//!    clear ([`shield`]), the TUN device, the [`interfaces`] of tunnels that have one of their own, [`routes`] into them. If
//!    one fails, those before it are undone.
//! 3. **The loop** ([`run`](mod@run)) waits for a datagram, a packet from the TUN device, a deadline, a request, the
//!    end of work beside the loop, or a signal. Each goes to [`gateway::Gateway`], which owns the pure machines: the key
//!    exchange (`adit_ike`) and, through a [`backend`], the data plane (`adit_esp`). What they want is carried out at
//!    once; nothing in the loop waits.
//! 4. **A tunnel** ([`tunnel`]) is set up when [`retry`] says so, tried again with growing waits, and probed
//!    ([`probe`]) when its peer is silent.
//! 5. **What happens** is kept in [`events`], and with probes, counters and the configuration it makes a `case` that
//!    `adit_diagnose` can read; [`status`] is the short form.
//!    The flight recorder (`recorder`) writes all of it to a ring of files, so that the next gateway, and anybody who reads
//!    them, knows it too.
//! 6. **People and scripts** talk to the [`control`] socket in the words of [`protocol`]; [`client`] is their end.
//! 7. **The end** tells the peers, takes routes and device away, and leaves the block: the tunnels are still
//!    configured, so their traffic must not leave in clear. A killed gateway leaves it too, and the next one takes it
//!    over. Lifting it is an explicit act: a request to a running gateway, [`remove_left_block`] without one.
//!
//! # Invariants
//!
//! Long-term keys stay in [`keys`]. Clocks are read in [`clock`] alone, entropy comes from the provider. A data-plane
//! packet never waits for the key exchange's bookkeeping longer than one batch, and neither source of packets can
//! starve another: each has a budget per turn.
#![deny(unsafe_code)]

mod addresses;
mod ahead;
mod answer;
mod applying;
mod asking;
mod attempt;
pub mod backend;
pub mod bypass;
mod case;
mod changes;
pub mod claim;
pub mod client;
pub mod clock;
pub mod control;
pub mod credentials;
pub mod dataplane;
mod departed;
pub mod error;
pub mod events;
mod expiry;
mod filter_watch;
pub mod gateway;
mod given;
mod holding;
mod hook;
pub mod host;
mod http;
pub mod interfaces;
mod journal;
mod kept;
pub mod keys;
mod lately;
mod leases;
mod limiter;
mod load;
mod local_address;
mod lock_out;
mod lost;
pub mod monitor;
pub mod mtu;
mod offers;
pub mod options;
mod path_mtu;
pub mod probe;
mod probing;
mod protection;
pub mod protocol;
mod recorder;
mod reload;
mod renewal;
pub mod retry;
pub mod routes;
pub mod run;
pub mod scan;
pub mod shield;
mod show;
pub mod sockets;
mod staged;
mod start;
pub mod state_dir;
pub mod status;
mod statuses;
mod trace;
pub mod tunnel;
mod turns;
mod walking;
mod watched;
mod xfrm;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod scratch;

pub use error::GatewayError;
pub use host::{BlockHolder, put_up_block, remove_left_block};
pub use options::{ExitReason, Options};
pub use run::run;
pub use start::check;
