//! What a configuration says, whatever dialect it was written in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use adit_model::connection::{AuthKind, Authentication, Connection};
use adit_model::inner::Pool;
use adit_model::limits::HalfOpen;
use adit_model::policy::Policy;

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Settings of the gateway itself.
    pub gateway: Gateway,
    /// Policies that go before all tunnels, in the order written.
    pub policies: Vec<Policy>,
    /// Every tunnel, in the order written.
    pub connections: Vec<Connection>,
    /// With which files each tunnel's sides authenticate.
    pub auth: Vec<AuthFiles>,
    /// Post-quantum pre-shared keys, as far as tunnels have one.
    pub ppks: Vec<PpkRef>,
    /// Addresses that peers are given.
    pub pools: Vec<Pool>,
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
    /// What is kept of peers that haven't authenticated.
    pub half_open: HalfOpen,
    /// Threads that carry packets in user space; 0 for one on each processor.
    pub threads: u16,
    /// Whether packets are carried in bundles where the kernel can.
    pub offload: Offload,
    /// What carries packets.
    pub backend: Backend,
    /// The flight recorder.
    pub recorder: FlightRecorder,
    /// Whether peers that are gateways of ours are answered about their packets' way through this host (`adit trace`).
    pub answer_trace: bool,
    /// Program and arguments that are told of tunnels; none if it is empty.
    pub hook: Vec<String>,
}

/// What the flight recorder keeps, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightRecorder {
    /// Whether anything is recorded.
    pub on: bool,
    /// Its folder; `None` for one in the state directory.
    pub dir: Option<PathBuf>,
    /// Most megabytes (2^20 octets) of all its files.
    pub megabytes: u32,
    /// How long anything is kept.
    pub age: Duration,
    /// Whether keys of IKE SAs are recorded, and datagrams as they are on the wire.
    pub keys: bool,
}

impl Default for FlightRecorder {
    fn default() -> Self {
        Self {
            on: true,
            dir: None,
            megabytes: 32,
            age: Duration::from_secs(24 * 3600),
            keys: false,
        }
    }
}

/// Whether packets are carried in bundles: segments that the host hasn't cut yet, datagrams that go to and come from the
/// network in one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offload {
    /// Where the kernel can, which is tried out.
    #[default]
    Auto,
    /// Never: one packet at a time.
    Off,
}

/// What carries packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The kernel's IPsec where it has ESP and can do what is configured, else our own data plane.
    #[default]
    Auto,
    /// The kernel's IPsec.
    Kernel,
    /// Our own data plane over a TUN device.
    User,
}

impl Backend {
    /// All of them, by name.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("kernel", Self::Kernel),
        ("user", Self::User),
    ];
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            state_dir: None,
            ike_port: 500,
            nat_t_port: 4500,
            half_open: HalfOpen::default(),
            threads: 0,
            offload: Offload::Auto,
            backend: Backend::default(),
            recorder: FlightRecorder::default(),
            answer_trace: true,
            hook: Vec::new(),
        }
    }
}

/// The files with which a tunnel's sides authenticate, as written: relative to the directory of the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthFiles {
    /// The tunnel.
    pub connection: String,
    /// With what we prove who we are.
    pub own: OwnFiles,
    /// What proves who the peer is.
    pub peer: PeerFiles,
    /// RSA signatures over SHA-1 are made and taken, for peers that know nothing else (RFC 7296 3.8).
    pub allow_sha1: bool,
}

/// Files with which we prove who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFiles {
    /// A pre-shared key.
    Psk(PathBuf),
    /// Certificates, with what follows them in their chain, each with its private key.
    Certificates(Vec<(PathBuf, PathBuf)>),
    /// A private key whose public half the peer knows.
    Key(PathBuf),
}

/// Files that prove who the peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerFiles {
    /// A pre-shared key.
    Psk(PathBuf),
    /// CAs that its certificate may come from.
    Authorities {
        /// Files of certificates.
        cas: Vec<PathBuf>,
        /// Files of revocation lists.
        crls: Vec<PathBuf>,
        /// How sure it must be that it isn't revoked.
        revocation: Revocation,
    },
    /// Its public keys.
    PublicKeys(Vec<PathBuf>),
}

/// How sure it must be that a certificate isn't revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// There must be a current list or answer.
    Strict,
    /// There must be one if the certificate says where.
    IfUri,
    /// Only a certificate that is known to be revoked is refused.
    #[default]
    Relaxed,
}

impl AuthFiles {
    /// The same pre-shared key for both sides.
    #[must_use]
    pub fn psk(connection: &str, file: PathBuf) -> Self {
        Self {
            connection: connection.to_owned(),
            own: OwnFiles::Psk(file.clone()),
            peer: PeerFiles::Psk(file),
            allow_sha1: false,
        }
    }

    /// How the two sides authenticate.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        Authentication {
            local: match self.own {
                OwnFiles::Psk(_) => AuthKind::Psk,
                OwnFiles::Certificates(_) => AuthKind::Certificate,
                OwnFiles::Key(_) => AuthKind::PublicKey,
            },
            remote: match self.peer {
                PeerFiles::Psk(_) => AuthKind::Psk,
                PeerFiles::Authorities { .. } => AuthKind::Certificate,
                PeerFiles::PublicKeys(_) => AuthKind::PublicKey,
            },
        }
    }

    /// The file of a pre-shared key, if one side has one.
    #[must_use]
    pub fn psk_file(&self) -> Option<&Path> {
        match (&self.own, &self.peer) {
            (OwnFiles::Psk(file), _) | (_, PeerFiles::Psk(file)) => Some(file),
            _ => None,
        }
    }
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

    /// With which files the tunnel of that name authenticates.
    #[must_use]
    pub fn auth_of(&self, connection: &str) -> Option<&AuthFiles> {
        self.auth.iter().find(|s| s.connection == connection)
    }
}
