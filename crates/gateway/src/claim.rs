//! One gateway per network namespace: block, device and routes belong to a namespace, and a second gateway would
//! replace the first one's.
//!
//! The claim is a socket with an abstract name, which lives exactly as long as its holder and in exactly one network
//! namespace.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use crate::error::{GatewayError, runtime_error};

/// The claim on the calling thread's network namespace, held as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    _listener: UnixListener,
}

impl Claim {
    /// Claims the namespace.
    ///
    /// # Errors
    /// [`GatewayError::HostTaken`] with the other gateway's process id.
    pub fn take() -> Result<Self, GatewayError> {
        let fail = runtime_error("claim the network namespace");
        let name = name().map_err(&fail)?;
        match UnixListener::bind_addr(&name) {
            Ok(listener) => Ok(Self {
                _listener: listener,
            }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(GatewayError::HostTaken { pid: holder() })
            }
            Err(error) => Err(fail(error)),
        }
    }
}

/// The gateway that holds the namespace, if one does: its process id.
#[must_use]
pub fn holder() -> Option<u32> {
    let stream = UnixStream::connect_addr(&name().ok()?).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

fn name() -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name("adit-gateway")
}
