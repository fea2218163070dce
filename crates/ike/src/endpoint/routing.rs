//! Which IKE SA an input belongs to, and what is done for it around.

use std::sync::Arc;

use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::Role;
use adit_wire::v2::{Header, IkeSpi};

use super::Endpoint;
use super::index::Index;
use crate::cx::{Cx, Note};
use crate::head::{Head, Incoming, NetPath};
use crate::output::{Output, Subject};
use crate::v2::Phase;
use crate::v2::init_answer::{self, Door};
use crate::versions;

impl Endpoint {
    pub(super) fn cx(&mut self, now: Now) -> Cx<'_> {
        Cx {
            now,
            settings: &self.settings,
            provider: &self.provider,
            trust: &self.trust,
            addresses: &self.addresses,
            desk: &mut self.desk,
            others: &self.sas,
        }
    }

    pub(super) fn drop(&mut self, now: Now, path: NetPath, reason: DropReason, detail: String) {
        let subject = Subject {
            local: Some(path.local),
            remote: Some(path.remote),
            ..Subject::default()
        };
        self.desk.out.drop(now, &subject, reason, detail);
    }

    /// Our SPIs of a connection's IKE SAs.
    pub(super) fn of_connection(&self, name: &str) -> Vec<u64> {
        let of = |phase: &Phase| {
            phase
                .head()
                .is_some_and(|head| head.named && head.connection.name == name)
        };
        let found = self.sas.iter().filter(|(_, phase)| of(phase));
        found.map(|(spi, _)| *spi).collect()
    }

    /// Whether an IKE SA between the connection's identities is up (RFC 7296 2.4).
    pub(super) fn has_contact(&self, connection: &Connection) -> bool {
        self.sas.values().any(|phase| match phase {
            Phase::Established(p) => {
                p.local_id == connection.local_id
                    && connection
                        .remote_id
                        .as_ref()
                        .is_none_or(|id| id.admits(&p.remote_id))
            }
            _ => false,
        })
    }

    /// The IKE SA that a header names. The initiator flag says which of the two SPIs is ours.
    pub(super) fn find(&self, header: &Header) -> Result<u64, (DropReason, String)> {
        let (ours, theirs) = if header.flags.initiator {
            (header.spi_r, header.spi_i)
        } else {
            (header.spi_i, header.spi_r)
        };
        let head_of = |spi: IkeSpi| self.sas.get(&spi.0).and_then(Phase::head);
        if let Some(head) = head_of(ours) {
            // Until the responder has chosen its SPI, any will do.
            let peer_fits = head.peer_spi == theirs || head.peer_spi.is_zero();
            let role = if header.flags.initiator {
                Role::Responder
            } else {
                Role::Initiator
            };
            if peer_fits && head.role == role {
                return Ok(ours.0);
            }
        }
        if head_of(theirs).is_some() {
            let detail = "the initiator flag contradicts the roles, or our own message came back";
            return Err((DropReason::IkeBadFlags, detail.to_owned()));
        }
        let detail = format!("no IKE SA {}_{}", header.spi_i, header.spi_r);
        Err((DropReason::IkeUnknownSpi, detail))
    }

    /// An IKE_SA_INIT request: a new peer, or one that missed our answer.
    pub(super) fn first_request(&mut self, now: Now, incoming: &Incoming<'_>) {
        let spi_i = incoming.message.header.spi_i;
        if self.desk.spis.is_ours(spi_i) {
            let detail = "our own IKE_SA_INIT came back".to_owned();
            return self.drop(now, incoming.path, DropReason::IkeBadFlags, detail);
        }
        let key = (incoming.path.remote, spi_i);
        let known = self.first_requests.get(&key).copied();
        let again = known.filter(|spi| match self.sas.get(spi) {
            Some(Phase::InitAnswered(p)) => p.transcript.theirs == incoming.bytes,
            // Beyond that phase the request is as old as the answer; it is counted as the duplicate that it is.
            Some(_) => true,
            None => false,
        });
        if let Some(spi) = again {
            return self.with_sa(now, spi, |phase, cx| {
                match &phase {
                    Phase::InitAnswered(p) => p.repeat(cx, incoming.path),
                    other => {
                        if let Some(head) = other.head() {
                            let detail = "IKE_SA_INIT 0 of an IKE SA that is further on";
                            cx.drop(head, incoming.path, DropReason::IkeDuplicate, detail);
                        }
                    }
                }
                phase
            });
        }
        let mut cx = Cx {
            now,
            settings: &self.settings,
            provider: &self.provider,
            trust: &self.trust,
            addresses: &self.addresses,
            desk: &mut self.desk,
            others: &self.sas,
        };
        let door = Door {
            connections: &mut self.connections.values(),
            cookies: &self.cookies,
            half_open: self.half_open.all(),
            half_open_here: self.half_open.of(incoming.path.remote.ip()),
        };
        if let Some(answered) = init_answer::answer(&mut cx, door, incoming) {
            let spi = answered.secured.head.our_spi.0;
            self.first_requests.insert(key, spi);
            self.settle(now, spi, Phase::InitAnswered(answered));
        }
    }

    /// Another major version than ours. It is evidence when it answers our IKE_SA_INIT, and counts in any case.
    pub(super) fn other_version(
        &mut self,
        now: Now,
        path: NetPath,
        header: &Header,
        datagram: &[u8],
    ) {
        let major = header.version.major;
        let detail = format!("major version {major}, exchange type {}", header.exchange.0);
        let attempt = self
            .sas
            .get(&header.spi_i.0)
            .and_then(Phase::head)
            .map(Head::subject);
        let subject = Subject {
            local: Some(path.local),
            remote: Some(path.remote),
            ..attempt.unwrap_or_default()
        };
        self.desk
            .out
            .drop(now, &subject, DropReason::IkeVersion, detail);
        if major == 1
            && let Some(notify) = versions::v1_error(datagram)
        {
            self.with_sa(now, header.spi_i.0, |mut phase, cx| {
                if let Phase::InitSent(p) = &mut phase {
                    p.other_version_claims(cx, notify, major);
                }
                phase
            });
        } else if let Some(payload) = versions::answer(header) {
            self.desk.out.push(Output::Transmit {
                local: path.local,
                remote: path.remote,
                payload,
            });
        }
    }

    /// Hands an input to an IKE SA and takes back what becomes of it.
    pub(super) fn with_sa(
        &mut self,
        now: Now,
        spi: u64,
        input: impl FnOnce(Phase, &mut Cx<'_>) -> Phase,
    ) {
        let Some(phase) = self.sas.remove(&spi) else {
            return;
        };
        self.half_open.remove(&phase);
        let before = Index::entry(&phase);
        let phase = input(phase, &mut self.cx(now));
        self.settle(now, spi, phase);
        if let Some(before) = before
            && !matches!(self.sas.get(&spi), Some(Phase::Established(_)))
        {
            self.index.forget(spi, before);
        }
    }

    /// Files an IKE SA under our SPI, sets its timer, and does what it noted for us.
    pub(super) fn settle(&mut self, now: Now, spi: u64, mut phase: Phase) {
        self.keep_configured(now, &mut phase);
        let deadline = phase.deadline(&self.cx(now));
        self.timers.set(spi, deadline);
        if let Phase::Gone = phase {
            self.desk.spis.release_ike(IkeSpi(spi));
            self.key_requests.retain(|_, owner| *owner != spi);
            self.first_requests.retain(|_, owner| *owner != spi);
        } else {
            if !phase.is_half_open() && !phase.is_over() {
                self.first_requests.retain(|_, owner| *owner != spi);
            }
            self.half_open.add(&phase);
            self.index.keep(spi, &phase);
            self.sas.insert(spi, phase);
        }
        for note in core::mem::take(&mut self.desk.notes) {
            match note {
                Note::KeyAsked(id) => {
                    self.key_requests.insert(id, spi);
                }
                Note::New(new) => {
                    if let Some(head) = new.head() {
                        let new_spi = head.our_spi.0;
                        self.inherit(spi, new_spi, &new);
                        self.settle(now, new_spi, new);
                    }
                }
                Note::Contact { initial } => self.judge_others(now, spi, initial),
                Note::Moved { from } => self.take_along(now, spi, from),
                Note::Reauthenticate => self.reauthentication_due(now, spi),
            }
        }
        self.succeed(now, spi);
    }
}

impl Endpoint {
    /// An IKE SA that is up, or has just come up, goes by the configuration as it is now.
    fn keep_configured(&mut self, now: Now, phase: &mut Phase) {
        let Phase::Established(p) = phase else {
            return;
        };
        let head = &p.secured.head;
        let current = self.connections.get(&head.connection.name);
        let Some(current) = current.filter(|c| !Arc::ptr_eq(c, &head.connection)) else {
            return;
        };
        let current = Arc::clone(current);
        p.reconfigure(&mut self.cx(now), current);
    }
}
