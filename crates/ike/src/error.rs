//! Why a command can't be carried out.

use std::net::IpAddr;

/// Why a command of the operator can't be carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No connection of that name is configured.
    #[error("no connection `{0}` is configured")]
    UnknownConnection(String),
    /// An IKE SA of that connection is up or being set up.
    #[error("connection `{0}` is up or being set up already")]
    AlreadyActive(String),
    /// There is no IKE SA of that connection.
    #[error("connection `{0}` has no IKE SA")]
    NotActive(String),
    /// A child of that connection isn't up.
    #[error("child `{child}` of connection `{connection}` isn't up")]
    ChildNotActive {
        /// The connection.
        connection: String,
        /// The child.
        child: String,
    },
    /// One address is IPv4, the other IPv6.
    #[error("{local} and {remote} are of different address families")]
    AddressFamilies {
        /// Our address.
        local: IpAddr,
        /// The peer's address.
        remote: IpAddr,
    },
    /// The connection has nothing that could be set up: no child, or no algorithm that is implemented.
    #[error("connection `{connection}` can't be set up: {problem}")]
    Unusable {
        /// The connection.
        connection: String,
        /// What is missing.
        problem: String,
    },
}
