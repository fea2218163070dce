//! Commands to gateways.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::input::Input;
use crate::node::{Env, Role};
use crate::world::{NodeId, World};

/// Why a command to a gateway can't be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The host is no gateway.
    #[error("that host is no gateway")]
    NotAGateway,
    /// No daemon runs there.
    #[error("no daemon runs there")]
    NotRunning,
    /// It has no connection of that name.
    #[error("no such connection")]
    NoSuchConnection,
    /// The peer's address, or one of our own of its family, isn't known.
    #[error("there is no address to connect from or to")]
    NoAddress,
    /// The endpoint refused.
    #[error(transparent)]
    Endpoint(#[from] adit_ike::CommandError),
}

impl World {
    /// Starts a gateway's daemon; connections that start by themselves do.
    pub fn start(&mut self, gateway: NodeId) {
        self.with(gateway, |node, env| {
            if let Role::Gateway(gateway) = &mut node.role {
                gateway.start(env);
            }
        });
    }

    /// Ends a gateway's daemon without a word, as `kill -9` does. What policy protects stays blocked.
    pub fn kill(&mut self, gateway: NodeId) {
        if let Role::Gateway(gateway) = &mut self.nodes[gateway.0].role {
            gateway.daemon = None;
        }
    }

    /// Ends a gateway's daemon in order: peers are told, and may take `limit` to answer.
    pub fn shutdown(&mut self, gateway: NodeId, limit: Duration) {
        self.with(gateway, |node, env| {
            if let Role::Gateway(gateway) = &mut node.role {
                gateway.shutdown(env);
            }
        });
        self.run_until(limit, |world| {
            world.gateway(gateway).is_none_or(Gateway::is_idle)
        });
        self.kill(gateway);
    }

    /// Records what a gateway's endpoint is told from now on. Together with its setup that makes everything it does
    /// happen again.
    pub fn record(&mut self, gateway: NodeId) {
        if let Role::Gateway(gateway) = &mut self.nodes[gateway.0].role {
            gateway.inputs.get_or_insert_default();
        }
    }

    /// Gives a gateway policies that go before its connections, before it is started.
    pub fn set_policies(&mut self, gateway: NodeId, policies: Vec<adit_model::policy::Policy>) {
        if let Role::Gateway(gateway) = &mut self.nodes[gateway.0].role {
            gateway.setup.policies = policies;
        }
    }

    /// What was recorded.
    #[must_use]
    pub fn recorded(&self, gateway: NodeId) -> &[Input] {
        let inputs = self
            .gateway(gateway)
            .and_then(|gateway| gateway.inputs.as_deref());
        inputs.unwrap_or_default()
    }

    /// Sets up a connection of a gateway.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn initiate(&mut self, gateway: NodeId, connection: &str) -> Result<(), CommandError> {
        self.command(gateway, |gateway, env| gateway.initiate(env, connection))
    }

    /// Authenticates a connection of a gateway anew.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn reauthenticate(
        &mut self,
        gateway: NodeId,
        connection: &str,
    ) -> Result<(), CommandError> {
        self.command(gateway, |gateway, env| {
            gateway.reauthenticate(env, connection)
        })
    }

    /// Takes a connection of a gateway down.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn terminate(&mut self, gateway: NodeId, connection: &str) -> Result<(), CommandError> {
        self.command(gateway, |gateway, env| gateway.terminate(env, connection))
    }

    pub(crate) fn command<R>(
        &mut self,
        node: NodeId,
        command: impl FnOnce(&mut Gateway, &mut Env<'_>) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        self.with(node, |node, env| match &mut node.role {
            Role::Gateway(gateway) => command(gateway, env),
            _ => Err(CommandError::NotAGateway),
        })
    }
}
