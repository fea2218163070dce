//! Steps about how protected packets travel, and about the mappings of NATs.

use std::time::Duration;

use anyhow::Result;

use super::patience::wait;
use super::play::Stage;
use super::scenario::Role;

/// Longer than Adit's interval of 20 s (RFC 3948 4).
const KEEPALIVE: Duration = Duration::from_secs(24);

impl Stage<'_> {
    /// Every gateway has sent protected packets in this way, and none in the other.
    pub(super) fn travelled(&self, way: &str, other: &str) -> Result<()> {
        for gateway in self.lab.gateways() {
            let (these, others) = (
                self.lab.counted(gateway, way)?,
                self.lab.counted(gateway, other)?,
            );
            anyhow::ensure!(
                these > 0 && others == 0,
                "{gateway} sent {these} packets as {way} and {others} as {other}"
            );
        }
        Ok(())
    }

    /// Every caller keeps its mapping open.
    pub(super) fn keepalives(&self) -> Result<()> {
        let first = match self.role {
            Role::Initiator => "west",
            Role::Responder => "east",
        };
        let callers = [Some(first), self.south.as_ref().map(|_| "south")];
        for caller in callers.into_iter().flatten() {
            wait("keepalives", KEEPALIVE, || {
                Ok(self.lab.counted(caller, "keepalive")? > 0)
            })?;
        }
        Ok(())
    }
}
