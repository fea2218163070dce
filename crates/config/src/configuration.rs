//! What a configuration says, whatever dialect it was written in.

use std::path::PathBuf;

use adit_model::connection::Connection;

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Settings of the gateway itself.
    pub gateway: Gateway,
    /// Every tunnel, in the order written.
    pub connections: Vec<Connection>,
    /// Where each tunnel's pre-shared key is.
    pub secrets: Vec<PskRef>,
    /// Post-quantum pre-shared keys, as far as tunnels have one.
    pub ppks: Vec<PpkRef>,
}

/// Settings that belong to no tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Directory of the control sockets; `None` leaves the choice to the command line.
    pub state_dir: Option<PathBuf>,
    /// UDP port of our IKE (RFC 7296 2.1).
    pub ike_port: u16,
    /// UDP port of our IKE and ESP behind a NAT (RFC 7296 2.23).
    pub nat_t_port: u16,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            state_dir: None,
            ike_port: 500,
            nat_t_port: 4500,
        }
    }
}

/// The file that holds a tunnel's pre-shared key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PskRef {
    /// The tunnel.
    pub connection: String,
    /// The file, as written: relative to the directory of the configuration file.
    pub psk_file: PathBuf,
}

/// The file that holds a tunnel's post-quantum pre-shared key (RFC 8784).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PpkRef {
    /// The tunnel.
    pub connection: String,
    /// The file, as written: relative to the directory of the configuration file.
    pub file: PathBuf,
}

impl Configuration {
    /// The tunnel of that name.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.iter().find(|c| c.name == name)
    }

    /// The file of the post-quantum pre-shared key of the tunnel of that name.
    #[must_use]
    pub fn ppk_of(&self, connection: &str) -> Option<&PpkRef> {
        self.ppks.iter().find(|p| p.connection == connection)
    }

    /// The key file of the tunnel of that name.
    #[must_use]
    pub fn psk_of(&self, connection: &str) -> Option<&PskRef> {
        self.secrets.iter().find(|s| s.connection == connection)
    }
}
