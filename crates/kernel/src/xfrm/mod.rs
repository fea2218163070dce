//! The kernel's own IPsec: states (SAs) and policies over NETLINK_XFRM, what it tells by itself, and its counters.
//!
//! An [`Xfrm`] speaks about the network namespace in which it was opened. Requests and answers about states hold keys;
//! their bytes are wiped after use. [`Events`] is a socket apart, for a runtime to watch.
//!
//! [`probe`] finds out whether this kernel has ESP at all, which it can have policies without, and [`probe_for`] whether it
//! has an algorithm.

mod algorithm;
#[cfg(test)]
mod captured;
mod event;
mod layout;
mod listed;
mod offload;
pub(crate) mod policy;
mod replay;
mod selector;
mod state;
pub mod statistics;

pub use algorithm::Protection;
pub use event::{Event, Events};
pub use listed::{By, Does, Listed};
pub use offload::{Offload, SaDirection};
pub use policy::{Direction, Policy, PolicyId, Standing, Template, Verdict};
pub use replay::Replay;
pub use selector::{Ports, Selector};
pub use state::{Algorithms, Counters, Flags, Lifetime, Mark, State, StateId};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::Secret;
use adit_model::connection::Mode;

use crate::error::{KernelError, Result};
use crate::netlink::codec::{CREATE, EXCLUSIVE, Message, REPLACE, u32_at};
use crate::netlink::transport::Transport;

/// A conversation with the kernel about its IPsec.
#[derive(Debug)]
pub struct Xfrm {
    transport: Transport,
}

/// How many states and policies there are, whoever made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// States.
    pub states: u32,
    /// Policies in, out and forward.
    pub policies: [u32; 3],
}

impl Xfrm {
    /// Opens a conversation about the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel has no XFRM.
    pub fn open() -> Result<Self> {
        Transport::open_secret(libc::NETLINK_XFRM, "open a netlink socket for IPsec")
            .map(|transport| Self { transport })
    }

    /// Adds a state.
    ///
    /// # Errors
    /// When the SPI is in use for that destination, or the kernel lacks an algorithm.
    pub fn add_state(&mut self, state: &State) -> Result<()> {
        let mut message = state.request(layout::NEW_STATE);
        message.add_flags(CREATE | EXCLUSIVE);
        self.transport.request("add the SA", state.id, message)
    }

    /// Changes the lifetimes and the ports of ESP in UDP of a state; everything else stays as it is.
    ///
    /// # Errors
    /// When there is no such state.
    pub fn update_state(&mut self, state: &State) -> Result<()> {
        let message = state.request(layout::UPDATE_STATE);
        self.transport.request("change the SA", state.id, message)
    }

    /// Deletes a state; says whether it was there.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn delete_state(&mut self, id: &StateId) -> Result<bool> {
        let message = id.request(layout::DELETE_STATE, None);
        gone_is_fine(self.transport.request("delete the SA", id, message))
    }

    /// Deletes a state and returns what it was in the moment of its end: no packet has used it after that. `None` when there
    /// was none.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing, or the kernel doesn't say what it was; it is gone all the same.
    pub fn take_state(&mut self, id: &StateId) -> Result<Option<State>> {
        let what = "see the end of the SA";
        let mut ends = Transport::open_listening(libc::NETLINK_XFRM, GROUP_OF_STATES, what)?;
        if !self.delete_state(id)? {
            return Ok(None);
        }
        ends.hear(|answer| {
            let state = (answer.kind == layout::DELETE_STATE)
                .then(|| State::parse_deleted(answer))
                .flatten();
            state.filter(|state| state.id == *id)
        })
        .map(Some)
        .map_err(|failure| failure.into_error(what, id))
    }

    /// A state with its keys and counters; `None` when there is none.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn state(&mut self, id: &StateId) -> Result<Option<State>> {
        let message = id.request(layout::GET_STATE, None);
        match self.transport.query("read the SA", id, message) {
            Ok(answer) => Ok(State::parse(&answer.as_answer())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All states of ESP, whoever made them; not those that are only being asked for.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn states(&mut self) -> Result<Vec<State>> {
        let message = Message::new(layout::GET_STATE, 0, &[]);
        let found = self.transport.dump("list the SAs", "", &message)?;
        let parse = |answer: &crate::netlink::transport::Owned| State::parse(&answer.as_answer());
        Ok(found.iter().filter_map(parse).collect())
    }

    /// Puts a policy in place where there is none with its direction and selector.
    ///
    /// # Errors
    /// [`KernelError::is_present`] where there is one, whoever's it is: the kernel has room for one; when CAP_NET_ADMIN is
    /// missing.
    pub fn add_policy(&mut self, policy: &Policy) -> Result<()> {
        // The kind of message refuses to replace, whatever the flags say.
        let mut message = policy.request(layout::NEW_POLICY);
        message.add_flags(CREATE | EXCLUSIVE);
        self.transport.request("add the policy", policy.id, message)
    }

    /// Puts a policy in the place of the one that has its direction and selector, whose index it gets.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn set_policy(&mut self, policy: &Policy) -> Result<()> {
        let mut message = policy.request(layout::UPDATE_POLICY);
        message.add_flags(CREATE | REPLACE);
        self.transport.request("set the policy", policy.id, message)
    }

    /// What there is of a policy with this direction and selector.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn standing(&mut self, id: &PolicyId) -> Result<Option<Standing>> {
        let message = id.request(layout::GET_POLICY, 0);
        match self.transport.query("read the policy", id, message) {
            Ok(answer) => Ok(Standing::parse(&answer.as_answer())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the policy with this direction and index, and no other that may have the same selector; says whether it was
    /// there.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn delete_policy(&mut self, id: &PolicyId, index: u32) -> Result<bool> {
        let message = id.request(layout::DELETE_POLICY, index);
        gone_is_fine(self.transport.request("delete the policy", id, message))
    }

    /// All policies, whoever made them, but for those of sockets and those of a kind that is never ours.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn policies(&mut self) -> Result<Vec<Policy>> {
        let message = Message::new(layout::GET_POLICY, 0, &[]);
        let found = self.transport.dump("list the policies", "", &message)?;
        let parse = |answer: &crate::netlink::transport::Owned| Policy::parse(&answer.as_answer());
        Ok(found.iter().filter_map(parse).collect())
    }

    /// All policies of whatever kind, whoever made them, but for those of sockets.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn listed(&mut self) -> Result<Vec<Listed>> {
        let message = Message::new(layout::GET_POLICY, 0, &[]);
        let found = self.transport.dump("list the policies", "", &message)?;
        let parse = |answer: &crate::netlink::transport::Owned| Listed::parse(&answer.as_answer());
        Ok(found.iter().filter_map(parse).collect())
    }

    /// How many states and policies there are.
    ///
    /// # Errors
    /// When the kernel doesn't tell.
    pub fn totals(&mut self) -> Result<Totals> {
        let flags = u32::MAX.to_ne_bytes();
        let states = Message::new(layout::GET_SAD_INFO, 0, &flags);
        let states = self.transport.query("count the SAs", "", states)?;
        let policies = Message::new(layout::GET_SPD_INFO, 0, &flags);
        let policies = self.transport.query("count the policies", "", policies)?;
        let (states, policies) = (states.as_answer(), policies.as_answer());
        if (states.kind, policies.kind) != (layout::NEW_SAD_INFO, layout::NEW_SPD_INFO) {
            return Err(KernelError::own(
                "count the SAs",
                "",
                "the kernel's answer makes no sense",
            ));
        }
        let count = states.attributes(4).find(SAD_COUNT);
        let counts = policies.attributes(4).find(SPD_INFO).unwrap_or_default();
        let at = |at| u32_at(counts, at).unwrap_or(0);
        Ok(Totals {
            states: count.and_then(|value| u32_at(value, 0)).unwrap_or(0),
            policies: [at(0), at(4), at(8)],
        })
    }
}

/// Whether this kernel protects packets at all, as [`probe_for`] AES-GCM.
///
/// # Errors
/// As [`probe_for`].
pub fn probe() -> Result<()> {
    probe_for(&Protection::USUAL, false)
}

/// Whether this kernel protects packets in this way, with extended sequence numbers or without: found out by adding a
/// throw-away SA of each family and deleting it again.
///
/// # Errors
/// [`KernelError::is_unsupported`] when it has no ESP, or lacks an algorithm ([`lacks_algorithm`]); its hint says what is
/// missing. When CAP_NET_ADMIN is missing.
pub fn probe_for(protection: &Protection, extended: bool) -> Result<()> {
    let mut xfrm = Xfrm::open()?;
    // Documentation's addresses (RFC 5737, RFC 3849): nobody's packets come from there.
    let v4 = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)].map(IpAddr::from);
    let v6 = |n| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0xad17, 0, 0, 0, 0, n));
    // No cipher refuses such a key for being weak.
    let key: Vec<u8> = (0..protection.keymat_len()).map(|at| at as u8).collect();
    let Some(algorithms) = Algorithms::new(protection, &Secret::new(key)) else {
        return Err(KernelError::own("try the SA", "", "no key fits"));
    };
    let mut probe = |addresses| probe_family(&mut xfrm, addresses, &algorithms, extended);
    probe(v4)?;
    match probe([v6(1), v6(2)]) {
        // A host without IPv6 works with IPv4 alone.
        Err(error) if error.is_unsupported() && !has_ipv6() => Ok(()),
        outcome => outcome,
    }
}

/// Whether a probe failed for an algorithm, and not for ESP as such.
#[must_use]
pub fn lacks_algorithm(error: &KernelError) -> bool {
    matches!(error.errno, Some(libc::ENOSYS | libc::ENOENT))
}

fn probe_family(
    xfrm: &mut Xfrm,
    [source, destination]: [IpAddr; 2],
    algorithms: &Algorithms,
    extended: bool,
) -> Result<()> {
    let state = State {
        id: StateId::new(destination, PROBE_SPI),
        source,
        reqid: 0,
        mode: Mode::Tunnel,
        selector: None,
        algorithms: algorithms.clone(),
        replay: Replay::new(extended, 32),
        encap: None,
        life: Lifetime {
            // Should this process end right here, it goes by itself.
            hard_seconds: Some(2),
            ..Lifetime::default()
        },
        flags: Flags::default(),
        padded_to: 0,
        output_mark: None,
        if_id: 0,
        offload: None,
        direction: None,
        answers: 0,
        counters: Counters::default(),
    };
    let mut added = xfrm.add_state(&state);
    if added.as_ref().is_err_and(KernelError::is_present) {
        // A probe that ended right there.
        xfrm.delete_state(&state.id)?;
        added = xfrm.add_state(&state);
    }
    added?;
    xfrm.delete_state(&state.id).map(drop)
}

fn has_ipv6() -> bool {
    std::path::Path::new("/proc/net/if_inet6").exists()
}

fn gone_is_fine(outcome: Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// XFRMNLGRP_SA.
const GROUP_OF_STATES: u32 = 1 << 2;
/// "prob" in ASCII.
const PROBE_SPI: u32 = 0x7072_6f62;
const SAD_COUNT: u16 = 1;
const SPD_INFO: u16 = 1;
