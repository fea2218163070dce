//! Addresses for peers that ask for one (RFC 7296 2.19): what an endpoint asks of whoever holds the pools.
//!
//! An endpoint holds no pool. It asks for a lease with [`Output::LeaseRequest`](crate::Output::LeaseRequest) once the
//! peer has authenticated, is answered with [`Endpoint::handle_lease`](crate::Endpoint::handle_lease), and says with
//! [`Output::LeaseEnd`](crate::Output::LeaseEnd) that the IKE SA it was for is gone. Gateways, real and virtual, answer
//! out of their [`Pools`](crate::pools::Pools).

use std::net::IpAddr;

use adit_model::identity::Identity;
use adit_model::reason::AddressProblem;
use ipnet::IpNet;

/// Number of a lease, by whoever gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// What a peer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The configured connection.
    pub connection: String,
    /// Pools that it may be given addresses from, the first one first.
    pub pools: Vec<String>,
    /// Who it is; it has proved so.
    pub identity: Identity,
    /// At most one address of each family that it would like; an unspecified one stands for any.
    pub wanted: Vec<IpAddr>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Here you are.
    Leased(Lease),
    /// There is none.
    Refused(AddressProblem),
}

/// Addresses that a peer may use as long as its IKE SA, or one that takes its place, is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names it.
    pub id: LeaseId,
    /// One or two addresses, of different families.
    pub addresses: Vec<IpAddr>,
    /// Name servers to tell the peer of.
    pub dns: Vec<IpAddr>,
    /// Networks that it reaches through the tunnel; none says nothing about it.
    pub split: Vec<IpNet>,
}
