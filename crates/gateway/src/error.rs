//! Why a gateway can't start or go on.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use adit_kernel::KernelError;
use adit_model::certificate_reason::CertificateReason;
use adit_model::sign::Sign;

use crate::credentials::CredentialError;
use crate::keys::KeyFileError;

/// Why a gateway couldn't start, or had to stop. What was set up until then has been undone; a block that was there
/// before stays.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A file that a tunnel authenticates with can't serve it.
    #[error("tunnel `{tunnel}` ({sides}): {cause}")]
    Key {
        /// The tunnel.
        tunnel: String,
        /// The two identities that authenticate.
        sides: String,
        /// The key of `auth` that names the file.
        key: &'static str,
        /// What is wrong with the file.
        cause: CredentialError,
    },
    /// The file of a tunnel's post-quantum pre-shared key.
    #[error("tunnel `{tunnel}`: {cause}")]
    Ppk {
        /// The tunnel.
        tunnel: String,
        /// What is wrong with the file.
        cause: KeyFileError,
    },
    /// A tunnel authenticates by a key that the configuration doesn't name.
    #[error(
        "tunnel `{tunnel}` authenticates with a pre-shared key and names no key file. Fix: auth = {{ psk_file = \"{tunnel}.psk\" }}"
    )]
    NoKey {
        /// The tunnel.
        tunnel: String,
    },
    /// The interface that a tunnel names has no address for it.
    #[error("tunnel `{tunnel}`: {problem}. Fix: local = \"ADDRESS\", or local = \"any\"")]
    Interface {
        /// The tunnel.
        tunnel: String,
        /// What is wrong with the interface.
        problem: String,
    },
    /// The kernel backend was asked for, and can't carry what is configured.
    #[error(
        "the kernel can't carry packets: {0}. Fix: --backend user, or auto (backend in [gateway])"
    )]
    KernelBackend(String),
    /// The MTU that was asked for is too small for IPv6.
    #[error(
        "--tun-mtu {mtu} leaves no room for IPv6, which tunnel `{tunnel}` carries and which needs packets of 1280 octets (RFC 8200 5). Fix: --tun-mtu 1280, or leave IPv6 out of the tunnel"
    )]
    TooSmallForIpv6 {
        /// Octets.
        mtu: u32,
        /// The tunnel.
        tunnel: String,
    },
    /// Capabilities are missing.
    #[error(
        "the gateway lacks {missing}. Fix: run it as root, or give it the capabilities (setcap, AmbientCapabilities=, --cap-add)"
    )]
    Privileges {
        /// The capabilities, each with what it is for.
        missing: String,
    },
    /// Another gateway uses the state directory.
    #[error("a gateway {} is running already with the state directory {}. Fix: stop it{}, or give this one another --state", pid_text(*.pid), dir.display(), .pid.map_or_else(String::new, |pid| format!(" (kill {pid})")))]
    AlreadyRunning {
        /// Its process id, where it can be told.
        pid: Option<u32>,
        /// The state directory.
        dir: PathBuf,
    },
    /// Another gateway has the network namespace.
    #[error("a gateway {} has this host (this network namespace) already, and two would undo each other's block and routes. Fix: put its tunnels and these into one configuration", pid_text(*.pid))]
    HostTaken {
        /// Its process id, where it can be told.
        pid: Option<u32>,
    },
    /// A UDP port can't be had.
    #[error("{cause}. Fix: stop that program, or set other ports in [gateway] on both ends")]
    Port {
        /// The port, who holds it.
        cause: KernelError,
    },
    /// Another route stands where a tunnel's route must go: somebody's, or one into the interface that the tunnel had before.
    #[error(
        "tunnel `{tunnel}` needs the route to {destination}, and another one to there stands already ({existing}). Fix: remove it, or narrow remote_net; if an interface only gets another name, reload without its tunnel first"
    )]
    RouteTaken {
        /// The tunnel.
        tunnel: String,
        /// Destination network.
        destination: String,
        /// Where the existing one leads.
        existing: String,
    },
    /// The kernel refused something else.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A file or directory of the gateway.
    #[error("can't {what} {}: {cause}", path.display())]
    State {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The asynchronous runtime.
    #[error("can't {what}: {cause}")]
    Runtime {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl GatewayError {
    /// The key of the configuration that leads to the error, such as `tunnel.office.auth`, and a short name of the kind
    /// of error.
    #[must_use]
    pub fn place(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Key { tunnel, key, .. } => {
                Some((format!("tunnel.{tunnel}.auth.{key}"), "key-file"))
            }
            Self::Ppk { tunnel, .. } => Some((format!("tunnel.{tunnel}.ppk.file"), "key-file")),
            Self::NoKey { tunnel } => Some((format!("tunnel.{tunnel}.auth"), "no-key-file")),
            Self::Interface { tunnel, .. } => Some((format!("tunnel.{tunnel}.local"), "interface")),
            Self::RouteTaken { tunnel, .. } => Some((format!("tunnel.{tunnel}"), "route-taken")),
            _ => None,
        }
    }

    /// What it is to a verdict on why the gateway doesn't run; `None` when another one runs.
    #[must_use]
    pub fn sign(&self) -> Option<(Sign, BTreeMap<String, String>)> {
        let (sign, values) = match self {
            Self::AlreadyRunning { .. } | Self::HostTaken { .. } => return None,
            Self::RouteTaken {
                destination,
                existing,
                ..
            } => (
                Sign::NetworksOverlap,
                vec![("network", destination), ("other", existing)],
            ),
            Self::Key {
                tunnel,
                cause: CredentialError::Certificate { cause, .. },
                ..
            } => {
                let sign = match cause.reason {
                    CertificateReason::Identity { .. } => Sign::CertificateNameMismatch,
                    CertificateReason::Expired { .. } => Sign::CertificateExpired,
                    CertificateReason::NotYetValid { .. } => Sign::CertificateNotYetValid,
                    _ => Sign::ConnectionRejected,
                };
                (sign, vec![("name", tunnel), ("subject", &cause.subject)])
            }
            Self::Key { tunnel, .. }
            | Self::Ppk { tunnel, .. }
            | Self::NoKey { tunnel }
            | Self::TooSmallForIpv6 { tunnel, .. }
            | Self::Interface { tunnel, .. } => (Sign::ConnectionRejected, vec![("name", tunnel)]),
            Self::Privileges { .. } => (Sign::Denied, Vec::new()),
            Self::Port { .. } => (Sign::PortInUse, Vec::new()),
            Self::KernelBackend(_) => (Sign::KernelSupportMissing, Vec::new()),
            Self::Kernel(_) | Self::State { .. } | Self::Runtime { .. } => {
                (Sign::DaemonNotRunning, Vec::new())
            }
        };
        let values = values.into_iter().map(|(n, v)| (n.to_owned(), v.clone()));
        let mut values: BTreeMap<String, String> = values.collect();
        if matches!(self, Self::Key { .. }) {
            // Files hold what is ours to show, and what the peer's is checked with.
            values.insert("own".to_owned(), "yes".to_owned());
        }
        Some((sign, values))
    }

    /// Whether the configuration, or what it names, has to be changed.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Key { .. }
                | Self::NoKey { .. }
                | Self::Interface { .. }
                | Self::KernelBackend(_)
                | Self::TooSmallForIpv6 { .. }
                | Self::RouteTaken { .. }
        )
    }
}

/// What the runtime couldn't do.
pub(crate) fn runtime_error(what: &'static str) -> impl Fn(io::Error) -> GatewayError {
    move |cause| GatewayError::Runtime { what, cause }
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!("(pid {pid})"))
}
