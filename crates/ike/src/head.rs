//! What is known of an IKE SA in every phase of its life.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_model::announced::Announced;
use adit_model::connection::Connection;
use adit_model::dataplane::{self, Trigger};
use adit_model::event::Role;
use adit_model::identity::Identity;
use adit_model::proposal::Suite;
use adit_wire::iana::ExchangeType;
use adit_wire::v2::{Flags, Header, IkeSpi, ParsedMessage};

use crate::output::Subject;
use crate::snapshot::{IkeSaSnapshot, IkeSaState, Inner, NatStatus, Reauth};

/// Two ends of the path that IKE messages take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetPath {
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// A datagram that was read as an IKEv2 message.
pub(crate) struct Incoming<'a> {
    pub path: NetPath,
    pub bytes: &'a [u8],
    pub message: ParsedMessage,
}

/// An IKE SA's facts.
#[derive(Clone)]
pub(crate) struct Head {
    /// The SPI that we chose.
    pub our_spi: IkeSpi,
    /// The SPI that the peer chose; zero until it is known.
    pub peer_spi: IkeSpi,
    /// The part we play; the original one, also in exchanges that the other side begins.
    pub role: Role,
    /// As responder the most likely one until IKE_AUTH settles it.
    pub connection: Arc<Connection>,
    pub path: NetPath,
    pub nat: Option<NatStatus>,
    pub suite: Option<Suite>,
    /// Addresses inside the tunnel that were given.
    pub inner: Arc<Inner>,
    /// Who the peer has proved to be, also of IKE SAs that follow from this one.
    pub peer: Option<Arc<Identity>>,
    /// Whether the connection is settled, so that events may name it.
    pub named: bool,
    /// Name of the post-quantum pre-shared key that is in the keys, also in those that followed from them (RFC 8784).
    pub ppk: Option<Arc<str>>,
    /// How the peer says that we may prove to it who we are (RFC 9593).
    pub announced: Arc<Announced>,
    /// Both sides can move (RFC 4555).
    pub mobike: bool,
    /// Where CHILD SAs still go while it isn't known that the peer receives at the other end of `path`.
    pub children_stay: Option<dataplane::Path>,
    /// The packet that a CHILD SA is asked for because of.
    pub trigger: Option<Arc<Trigger>>,
}

impl Head {
    /// SPIs in header order.
    pub fn spis(&self) -> (IkeSpi, IkeSpi) {
        match self.role {
            Role::Initiator => (self.our_spi, self.peer_spi),
            Role::Responder => (self.peer_spi, self.our_spi),
        }
    }

    pub fn header(&self, exchange: ExchangeType, response: bool, message_id: u32) -> Header {
        let (spi_i, spi_r) = self.spis();
        let flags = Flags::new(self.role == Role::Initiator, response);
        Header::v2(spi_i, spi_r, exchange, flags, message_id)
    }

    pub fn subject(&self) -> Subject {
        Subject {
            connection: self.named.then(|| self.connection.name.clone()),
            role: Some(self.role),
            local: Some(self.path.local),
            remote: Some(self.path.remote),
        }
    }

    /// The same IKE SA, seen over another path.
    pub fn at(&self, path: NetPath) -> Head {
        Head {
            path,
            ..self.clone()
        }
    }

    /// Whether ESP travels in UDP (RFC 7296 2.23).
    pub fn udp_encap(&self) -> bool {
        self.connection.force_encap || self.is_translated()
    }

    /// Whether an address on the path is translated.
    pub fn is_translated(&self) -> bool {
        self.nat.is_some_and(NatStatus::found)
    }

    /// The path of CHILD SAs.
    pub fn child_path(&self) -> dataplane::Path {
        self.children_stay.unwrap_or(dataplane::Path {
            local: self.path.local,
            remote: self.path.remote,
            udp_encap: self.udp_encap(),
        })
    }

    pub fn snapshot(&self, state: IkeSaState) -> IkeSaSnapshot {
        let (spi_i, spi_r) = self.spis();
        IkeSaSnapshot {
            connection: self.named.then(|| self.connection.name.clone()),
            state,
            role: self.role,
            local: self.path.local,
            remote: self.path.remote,
            local_id: None,
            remote_id: None,
            suite: self.suite,
            spis: (spi_i.0, spi_r.0),
            nat: self.nat,
            ppk: self.ppk.as_deref().map(str::to_owned),
            announced: Arc::clone(&self.announced),
            mobike: self.mobike,
            inner: Inner::clone(&self.inner),
            established: None,
            rekey_at: None,
            reauth: Reauth::default(),
            children: Vec::new(),
        }
    }
}
