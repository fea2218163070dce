//! Steps about how protected packets travel, and about the mappings of NATs.

use std::time::Duration;

use anyhow::Result;

use super::patience::wait;
use super::play::Stage;
use super::scenario::{Nat, Role};
use super::setting::Backend;
use super::side::Side;

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

    /// Adit knows on whose side a NAT is: where there is one, where strongSwan claims one for its user-space ESP, and on both
    /// where a relay lies between the gateways.
    pub(super) fn nat_seen(&self) -> Result<()> {
        let Side::Adit(adit) = &self.near else {
            return Ok(());
        };
        let nat = self.scenario.nat;
        let claimed =
            matches!(self.far()?, Side::StrongSwan(_)) && self.lab.setting.theirs == Backend::User;
        let relayed = self.scenario.meddling.is_some();
        let near = matches!(nat, Nat::Near | Nat::Both) || relayed;
        let far = matches!(nat, Nat::Far | Nat::Both) || claimed || relayed;
        let wanted = match (near, far) {
            (false, false) => "none",
            (true, false) => "local",
            (false, true) => "remote",
            (true, true) => "both",
        };
        let told = adit.nat()?;
        anyhow::ensure!(
            told == wanted,
            "a NAT is told of as {told}, not as {wanted}"
        );
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
