//! A second caller: a third gateway, `south`, of the same product as the one that sets the tunnel up. The one that is
//! called has a tunnel for each.

use anyhow::Result;
use serde::Deserialize;

use super::credentials::Auth;
use super::lab::Lab;
use super::patience::wait;
use super::play::{ESTABLISH, Stage};
use super::scenario::{Role, Tunnel};
use super::side::{End, Side};
use super::state::{self, Snapshot};
use super::traffic;

/// What the second caller has in place of the first one's values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    #[serde(default = "south")]
    pub id: String,
    /// As the first one's, if it isn't given.
    pub psk: Option<String>,
    /// How it and the called one authenticate; as the first and that one, if it isn't given.
    pub auth: Option<Auth>,
    /// Its certificate is from another CA, which the called one trusts for this tunnel alone; by that and not by their
    /// names it tells its callers apart.
    #[serde(default)]
    pub elsewhere: bool,
    /// Whom it asks for, where the called one has two names.
    pub called_id: Option<String>,
    pub net: Vec<String>,
    /// What is behind the called one for it; as for the first, if it isn't given.
    pub called_net: Option<Vec<String>>,
}

fn south() -> String {
    "south.lab".into()
}

impl Tunnel {
    /// The tunnel between the second caller and the one that is called.
    pub fn of_second(&self, role: Role) -> Option<Self> {
        let second = self.second.as_ref()?;
        let mut tunnel = Self {
            second: None,
            policy: Default::default(),
            ..self.clone()
        };
        let (id, net, called_id, called_net) = match role {
            Role::Initiator => (
                &mut tunnel.west_id,
                &mut tunnel.west_net,
                &mut tunnel.east_id,
                &mut tunnel.east_net,
            ),
            Role::Responder => (
                &mut tunnel.east_id,
                &mut tunnel.east_net,
                &mut tunnel.west_id,
                &mut tunnel.west_net,
            ),
        };
        id.clone_from(&second.id);
        net.clone_from(&second.net);
        if let Some(other) = &second.called_net {
            called_net.clone_from(other);
        }
        if let Some(other) = &second.called_id {
            called_id.clone_from(other);
        }
        tunnel.trust.elsewhere = second.elsewhere;
        if let Some(auth) = second.auth {
            (tunnel.west_auth, tunnel.east_auth) = (auth, auth);
        }
        if let Some(psk) = &second.psk {
            tunnel.psk.clone_from(psk);
        }
        Some(tunnel)
    }
}

/// The tunnels of one end: that of the scenario, and the second caller's, where this is the one that is called.
pub fn tunnels(lab: &Lab, end: &End, tunnel: &Tunnel) -> Vec<(End, Tunnel)> {
    let mut all = vec![(end.clone(), tunnel.clone())];
    if end.initiates {
        return all;
    }
    // It is the other side that calls.
    let role = match end.side {
        "west" => Role::Responder,
        _ => Role::Initiator,
    };
    all.extend(tunnel.of_second(role).map(|tunnel| {
        let end = End {
            name: "gw2",
            remote: lab.seen("south").to_owned(),
            ..end.clone()
        };
        (end, tunnel)
    }));
    all
}

/// The CA by which the called one knows this caller, where it doesn't by the caller's name.
pub fn by_ca(end: &End, tunnel: &Tunnel) -> Option<&'static str> {
    let first = tunnel
        .second
        .as_ref()
        .is_some_and(|second| second.elsewhere);
    match (end.initiates, tunnel.trust.elsewhere, first) {
        (false, true, _) => Some("elsewhere.pem"),
        (false, false, true) => Some("ca.pem"),
        _ => None,
    }
}

/// Whom the called one takes for such a caller.
pub const ANYBODY: &str = "*.lab";

/// The second caller's own end, given the first one's.
pub fn end(lab: &Lab, first: &End) -> End {
    End {
        host: "south",
        local: lab.own("south").to_owned(),
        ..first.clone()
    }
}

impl Stage<'_> {
    /// The second caller's tunnel, as it and as the called one sees it.
    fn second(&self) -> Result<Option<(Snapshot, Snapshot)>> {
        let Some(south) = &self.south else {
            return Ok(None);
        };
        let called = match self.role {
            Role::Initiator => self.far()?,
            Role::Responder => &self.near,
        };
        Ok(Some((south.snapshot()?, called.snapshot_of("gw2")?)))
    }

    /// The second caller comes up as well, if there is one.
    pub(super) fn establish_second(&self) -> Result<()> {
        let Some(south) = &self.south else {
            return Ok(());
        };
        if let Side::StrongSwan(daemon) = south {
            daemon.initiate()?;
        }
        wait("the second caller to be up", ESTABLISH, || {
            let both = self.second()?;
            Ok(both.is_some_and(|(caller, called)| caller.is_up() && called.is_up()))
        })
    }

    /// The second caller and the called one speak of the same SAs, which aren't the first caller's.
    pub(super) fn agree_second(&self) -> Result<()> {
        let Some((caller, called)) = self.second()? else {
            return Ok(());
        };
        state::mirrored(&caller, &called)?;
        let first = self.near()?;
        anyhow::ensure!(
            first.ike[0].spis != caller.ike[0].spis,
            "both callers have one IKE SA: {caller:?}"
        );
        Ok(())
    }

    /// The second caller's hosts and the called one's reach each other.
    pub(super) fn ping_second(&self) -> Result<()> {
        match self.scenario.tunnel.of_second(self.role) {
            Some(tunnel) => traffic::Pings::start(self.lab, &tunnel, 3, "0.1")?.finish(),
            None => Ok(()),
        }
    }
}
