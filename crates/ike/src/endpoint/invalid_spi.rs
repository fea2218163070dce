//! SPIs that one side doesn't know (RFC 7296 1.5): how a peer learns that we have lost its SAs, and what we make of it when
//! somebody says that it has lost ours.
//!
//! What is said here is never protected, so anybody may have said it. It ends nothing: it only makes us ask the peer for a
//! sign of life, which a peer that has lost the IKE SA can't give; so a few seconds later it is known to be dead.

use core::time::Duration;
use std::net::SocketAddr;

use adit_model::event::Happening;
use adit_model::{Mono, Now};
use adit_wire::iana::{ExchangeType, NotifyType, ProtocolId};
use adit_wire::v2::{
    Flags, Header, IkeSpi, Notify, ParsedMessage, Payload, PayloadList, emit_plain,
};

use super::Endpoint;
use crate::head::NetPath;
use crate::output::Output;
use crate::v2::Phase;

/// Answers to strangers within a second.
const MOST_ANSWERS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// How many answers to strangers are left.
#[derive(Default)]
pub(super) struct Answers {
    since: Mono,
    given: u32,
}

impl Answers {
    pub fn allow(&mut self, now: Mono) -> bool {
        if now.since(self.since) >= SECOND {
            *self = Self {
                since: now,
                given: 0,
            };
        }
        self.given += 1;
        self.given <= MOST_ANSWERS
    }
}

impl Endpoint {
    /// An ESP packet came from `remote` to our `local` address and port (of IKE, where it came without UDP) under an SPI
    /// that the data plane doesn't know. A peer without an IKE SA with us is told so.
    pub fn handle_unknown_esp(
        &mut self,
        now: Now,
        local: SocketAddr,
        remote: SocketAddr,
        spi: u32,
    ) {
        let known = |phase: &Phase| {
            let head = phase.head().filter(|_| !phase.is_over());
            head.is_some_and(|head| head.path.remote.ip() == remote.ip())
        };
        let expected = self.connections.values().any(|c| match c.remote {
            adit_model::connection::Remote::Address(address) => address == remote.ip(),
            _ => true,
        });
        if !expected || self.sas.values().any(known) || !self.answers.allow(now.mono) {
            return;
        }
        let header = Header::v2(
            IkeSpi::ZERO,
            IkeSpi::ZERO,
            ExchangeType::INFORMATIONAL,
            Flags::new(true, false),
            0,
        );
        let data = spi.to_be_bytes().to_vec();
        let notify = Notify::with_data(NotifyType::INVALID_SPI, data);
        self.say(&header, notify, NetPath { local, remote });
    }

    /// A request for an IKE SA that we don't have: its sender is told so.
    pub(super) fn unknown_ike(&mut self, now: Now, path: NetPath, message: &ParsedMessage) {
        let asked = message.header;
        let ours = if asked.flags.initiator {
            asked.spi_r
        } else {
            asked.spi_i
        };
        // It may be one that we have asked for and don't have the answer of yet.
        let coming = self.desk.spis.is_ours(ours);
        if asked.flags.response
            || message.encrypted.is_none()
            || coming
            || !self.answers.allow(now.mono)
        {
            return;
        }
        let header = Header::v2(
            asked.spi_i,
            asked.spi_r,
            asked.exchange,
            Flags::new(!asked.flags.initiator, true),
            asked.message_id,
        );
        self.say(&header, Notify::new(NotifyType::INVALID_IKE_SPI), path);
    }

    pub(super) fn say(&mut self, header: &Header, notify: Notify, path: NetPath) {
        let payloads = PayloadList(vec![Payload::Notify(notify)]);
        if let Ok(payload) = emit_plain(header, &payloads) {
            self.desk.out.push(Output::Transmit {
                local: path.local,
                remote: path.remote,
                payload,
            });
        }
    }

    /// Somebody says, in clear, that he doesn't know an SPI of ours: of an IKE SA, or of a pair that we send on.
    pub(super) fn disputed(&mut self, now: Now, path: NetPath, message: &ParsedMessage) {
        if message.encrypted.is_some() {
            return;
        }
        let header = message.header;
        let of_ike = message.payloads.notify(NotifyType::INVALID_IKE_SPI);
        let of_child = message.payloads.notify(NotifyType::INVALID_SPI);
        let spi_out = of_child
            .filter(|n| matches!(n.protocol, ProtocolId::NONE | ProtocolId::ESP))
            .and_then(|n| {
                n.data
                    .first_chunk::<4>()
                    .map(|spi| u32::from_be_bytes(*spi))
            });
        let meant = |phase: &Phase| match phase {
            Phase::Closing(p) => {
                of_ike.is_some()
                    && header.flags.response
                    && p.secured.head.path.remote.ip() == path.remote.ip()
                    && p.secured.head.spis() == (header.spi_i, header.spi_r)
            }
            Phase::Established(p) if p.secured.head.path.remote.ip() == path.remote.ip() => {
                let ike = of_ike.is_some()
                    && header.flags.response
                    && p.secured.head.spis() == (header.spi_i, header.spi_r);
                ike || spi_out.is_some_and(|spi| p.children.iter().any(|c| c.spi_out == spi))
            }
            _ => false,
        };
        let found = self.sas.iter().find(|(_, phase)| meant(phase));
        let Some((&spi, _)) = found else { return };
        let Some(kind) = of_ike.or(of_child).map(|n| n.kind) else {
            return;
        };
        // What is being deleted has less time for it.
        self.with_sa(now, spi, |mut phase, _| {
            if let Phase::Closing(p) = &mut phase {
                p.hurry();
            }
            phase
        });
        self.with_established(now, spi, |p, cx| {
            if p.is_doubted(cx) {
                let what = Happening::UnprotectedNotify {
                    notify: kind.0,
                    name: kind.to_string(),
                    version: 2,
                };
                cx.event(&p.secured.head, what);
            }
        });
    }
}
