//! What a state is handed besides its input: the time, the settings, and the desk onto which it puts what it has to say.

use std::collections::{BTreeMap, BTreeSet};

use adit_crypto::Provider;
use adit_model::Now;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_wire::v2::{Header, IkeSpi, PayloadList};

use crate::endpoint::moving::Addresses;
use crate::head::{Head, NetPath};
use crate::lease::LeaseRequest;
use crate::output::{KeyRequest, KeyRequestId, Outbox, Output};
use crate::settings::Settings;
use crate::v2::Phase;
use crate::v2::support::Trust;

/// What is shared by all IKE SAs of an endpoint and changed by them.
#[derive(Default)]
pub(crate) struct Desk {
    pub out: Outbox,
    pub spis: Spis,
    pub pairs: Pairs,
    /// What the endpoint itself has to do; drained after every input.
    pub notes: Vec<Note>,
    next_key_request: u64,
}

/// What an IKE SA tells the endpoint about things beyond itself.
pub(crate) enum Note {
    /// It asked the key holder and waits for the answer.
    KeyAsked(KeyRequestId),
    /// The peer has authenticated; `initial` if it says that it has no other IKE SA with us.
    Contact { initial: bool },
    /// It is time to authenticate anew.
    Reauthenticate,
    /// It goes on over another path than this one.
    Moved { from: NetPath },
    /// Here is another IKE SA.
    New(Phase),
}

/// SPIs in use, so that no two SAs share one.
#[derive(Default)]
pub(crate) struct Spis {
    ike: BTreeSet<IkeSpi>,
    esp: BTreeSet<u32>,
}

impl Spis {
    pub fn is_ours(&self, spi: IkeSpi) -> bool {
        self.ike.contains(&spi)
    }

    /// How many IKE SPIs, and ESP SPIs.
    pub fn len(&self) -> (usize, usize) {
        (self.ike.len(), self.esp.len())
    }

    pub fn release_ike(&mut self, spi: IkeSpi) {
        self.ike.remove(&spi);
    }

    pub fn release_esp(&mut self, spi: u32) {
        self.esp.remove(&spi);
    }
}

/// Pairs of SAs by connection and child, whatever IKE SA they are under, oldest first.
#[derive(Default)]
pub(crate) struct Pairs(BTreeMap<(String, String), Vec<u32>>);

impl Pairs {
    /// The newest pair of a child, by the SPI that we receive under.
    pub fn newest(&self, connection: &str, child: &str) -> Option<u32> {
        let key = (connection.to_owned(), child.to_owned());
        self.0.get(&key)?.last().copied()
    }

    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    pub fn add(&mut self, connection: &str, child: &str, spi_in: u32) {
        let key = (connection.to_owned(), child.to_owned());
        self.0.entry(key).or_default().push(spi_in);
    }

    pub fn remove(&mut self, connection: &str, child: &str, spi_in: u32) {
        let key = (connection.to_owned(), child.to_owned());
        if let Some(pairs) = self.0.get_mut(&key) {
            pairs.retain(|spi| *spi != spi_in);
            if pairs.is_empty() {
                self.0.remove(&key);
            }
        }
    }
}

/// The surroundings of one input.
pub(crate) struct Cx<'a> {
    pub now: Now,
    pub settings: &'a Settings,
    pub provider: &'a Provider,
    /// Authorities that a peer's certificate may come from, by connection.
    pub trust: &'a Trust,
    /// Our addresses, as far as they are known.
    pub addresses: &'a Addresses,
    pub desk: &'a mut Desk,
    /// The other IKE SAs.
    pub others: &'a BTreeMap<u64, Phase>,
}

impl Cx<'_> {
    /// An unused, non-zero IKE SPI, in use from now on.
    pub fn new_ike_spi(&mut self) -> IkeSpi {
        loop {
            let spi = IkeSpi::from_bytes(self.provider.random_octets());
            if !spi.is_zero() && self.desk.spis.ike.insert(spi) {
                return spi;
            }
        }
    }

    /// An unused ESP SPI above the reserved ones (RFC 4303 2.1), in use from now on.
    pub fn new_esp_spi(&mut self) -> u32 {
        loop {
            let spi = u32::from_be_bytes(self.provider.random_octets());
            if spi > 255 && self.desk.spis.esp.insert(spi) {
                return spi;
            }
        }
    }

    /// A nonce: 32 octets, at least half the key length of every PRF here (RFC 7296 2.10).
    pub fn new_nonce(&self) -> Vec<u8> {
        self.provider.random_octets::<32>().to_vec()
    }

    pub fn event(&mut self, head: &Head, what: Happening) {
        self.desk.out.event(self.now, &head.subject(), what);
    }

    /// Tells of a message of an IKE SA.
    pub fn message(
        &mut self,
        head: &Head,
        sent: bool,
        header: &Header,
        payloads: &PayloadList,
        octets: usize,
    ) {
        let how = (sent, self.settings.tell_messages);
        let subject = head.subject();
        let out = &mut self.desk.out;
        out.message(self.now, &subject, how, header, payloads, octets);
    }

    /// Rejects a packet that came over `path`.
    pub fn drop(
        &mut self,
        head: &Head,
        path: NetPath,
        reason: DropReason,
        detail: impl Into<String>,
    ) {
        let subject = head.at(path).subject();
        self.desk
            .out
            .drop(self.now, &subject, reason, detail.into());
    }

    pub fn transmit(&mut self, path: NetPath, datagrams: &[Vec<u8>]) {
        for payload in datagrams {
            self.desk.out.push(Output::Transmit {
                local: path.local,
                remote: path.remote,
                payload: payload.clone(),
            });
        }
    }

    pub fn data_plane(&mut self, request: DataPlaneRequest) {
        self.desk.out.push(Output::DataPlane(request));
    }

    /// Asks the key holder; the endpoint will route the answer to the IKE SA that is being handled.
    pub fn ask(&mut self, request: KeyRequest) -> KeyRequestId {
        let id = KeyRequestId(self.desk.next_key_request);
        self.desk.next_key_request += 1;
        self.desk.notes.push(Note::KeyAsked(id));
        self.desk.out.push(Output::KeyRequest { id, request });
        id
    }

    /// Asks whoever holds the address pools; the answer is routed as the key holder's are.
    pub fn ask_lease(&mut self, request: LeaseRequest) -> KeyRequestId {
        let id = KeyRequestId(self.desk.next_key_request);
        self.desk.next_key_request += 1;
        self.desk.notes.push(Note::KeyAsked(id));
        self.desk.out.push(Output::LeaseRequest { id, request });
        id
    }

    pub fn note(&mut self, note: Note) {
        self.desk.notes.push(note);
    }
}
