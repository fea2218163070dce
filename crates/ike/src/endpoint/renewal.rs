//! Renewal on demand, more children, and what the data plane has counted.

use core::time::Duration;
use std::collections::BTreeMap;

use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::dataplane::{PairCounters, Trigger};

use super::Endpoint;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::output::{AskedBy, Topic};
use crate::v2::Phase;
use crate::v2::agenda::Task;
use crate::v2::established::Established;

impl Endpoint {
    /// What the data plane has counted so far, by the SPI that a pair receives under. CHILD SAs with limits of volume, or
    /// of silence, and those that run out of sequence numbers are renewed or closed by it.
    pub fn handle_usage(&mut self, now: Now, counters: &BTreeMap<u32, PairCounters>) {
        let up = |phase: &Phase| matches!(phase, Phase::Established(_));
        let all: Vec<u64> = self
            .sas
            .iter()
            .filter_map(|(spi, phase)| up(phase).then_some(*spi))
            .collect();
        for spi in all {
            self.with_established(now, spi, |p, cx| p.counted(cx, counters));
        }
    }

    /// How often [`handle_usage`](Self::handle_usage) should be called; `None` while there is nothing to count.
    #[must_use]
    pub fn usage_interval(&self) -> Option<Duration> {
        let of = |phase: &Phase| match phase {
            Phase::Established(p) => p.usage_interval(),
            _ => None,
        };
        self.sas.values().filter_map(of).min()
    }

    /// Asks for a child of a connection that is up, if it isn't there.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn initiate_child(
        &mut self,
        now: Now,
        name: &str,
        child: &str,
    ) -> Result<(), CommandError> {
        self.with_child(now, name, child, |p, _| p.want(child))
    }

    /// A packet wants through a connection that is up, and no SA of its child takes it. Asks for one, with the packet's
    /// own selectors first, unless that is under way or was refused a moment ago; so each packet may be told.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn packet_wants(
        &mut self,
        now: Now,
        name: &str,
        trigger: Trigger,
    ) -> Result<(), CommandError> {
        let child = trigger.child.clone();
        self.with_child(now, name, &child, |p, cx| p.packet_wants(cx, trigger))
    }

    /// Rekeys a child of a connection now.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn rekey_child(&mut self, now: Now, name: &str, child: &str) -> Result<(), CommandError> {
        let mut found = false;
        self.with_child(now, name, child, |p, _| found = p.renew_named(child))?;
        found
            .then_some(())
            .ok_or_else(|| CommandError::ChildNotActive {
                connection: name.to_owned(),
                child: child.to_owned(),
            })
    }

    /// Rekeys a child of a connection now, to learn whether the peer agrees. If it doesn't, the pair of SAs stays as it is, and is
    /// renewed when it would have been.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn try_rekey_child(
        &mut self,
        now: Now,
        name: &str,
        child: &str,
    ) -> Result<(), CommandError> {
        let mut found = false;
        self.with_child(now, name, child, |p, _| found = p.try_named(child))?;
        found
            .then_some(())
            .ok_or_else(|| CommandError::ChildNotActive {
                connection: name.to_owned(),
                child: child.to_owned(),
            })
    }

    /// Deletes a child of a connection, which stays down until it is asked for; the others stay.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn terminate_child(
        &mut self,
        now: Now,
        name: &str,
        child: &str,
    ) -> Result<(), CommandError> {
        self.with_child(now, name, child, |p, _| p.unwant(child))
    }

    /// Asks the peer of a connection now whether it lives, however short ago it was heard (RFC 7296 2.4). An answer is
    /// [`Happening::PeerAlive`](adit_model::event::Happening::PeerAlive); none ends the IKE SA, as ever.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn ask_for_life(&mut self, now: Now, name: &str) -> Result<(), CommandError> {
        self.configured(name)?;
        let spi = self.up(name)?;
        self.with_established(now, spi, |p, cx| {
            p.agenda.add(Task::Liveness);
            p.work(cx);
        });
        Ok(())
    }

    /// Asks the peer of a connection that is up, if it is of our own kind, something about packets' ways or the path; `number` comes back in
    /// [`Output::PeerAnswer`](crate::Output::PeerAnswer). The peer may never answer.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn ask_peer(
        &mut self,
        now: Now,
        name: &str,
        topic: Topic,
        number: u32,
        text: Vec<u8>,
    ) -> Result<(), CommandError> {
        self.configured(name)?;
        let spi = self.up(name)?;
        self.with_established(now, spi, |p, cx| p.ask_peer(cx, topic, number, text));
        Ok(())
    }

    /// Answers [`Output::PeerAsks`](crate::Output::PeerAsks), over the IKE SA that the question came over, or where that has been renewed over
    /// another one of the same peer; of a connection's several callers none hears what another has asked.
    ///
    /// # Errors
    /// [`CommandError`]; nothing is said then.
    pub fn answer_peer(
        &mut self,
        now: Now,
        asked: &AskedBy,
        text: Vec<u8>,
    ) -> Result<(), CommandError> {
        let name = asked.connection.as_str();
        self.configured(name)?;
        let its = |spi: &u64| match self.sas.get(spi) {
            Some(phase @ Phase::Established(p)) if phase.is_active() => {
                let same = phase.head().is_some_and(|head| head.spis() == asked.spis);
                (p.remote_id == asked.peer).then_some(same)
            }
            _ => None,
        };
        let all = self.of_connection(name).into_iter();
        let spi = all
            .filter_map(|spi| Some((its(&spi)?, spi)))
            .max_by_key(|(same, _)| *same)
            .map(|(_, spi)| spi)
            .ok_or_else(|| CommandError::NotActive(name.to_owned()))?;
        self.with_established(now, spi, |p, cx| p.answer_peer(cx, asked.number, text));
        Ok(())
    }

    /// Rekeys the IKE SA of a connection now.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn rekey_ike(&mut self, now: Now, name: &str) -> Result<(), CommandError> {
        self.configured(name)?;
        let spi = self.up(name)?;
        self.with_established(now, spi, |p, cx| {
            p.agenda.add(Task::RekeyIke);
            p.work(cx);
        });
        Ok(())
    }

    pub(super) fn configured(&self, name: &str) -> Result<&Connection, CommandError> {
        let connection = self.connections.get(name).map(|c| &**c);
        connection.ok_or_else(|| CommandError::UnknownConnection(name.to_owned()))
    }

    fn has_child(&self, name: &str, child: &str) -> Result<(), CommandError> {
        let children = &self.configured(name)?.children;
        let has = children.iter().any(|c| c.name == child);
        has.then_some(()).ok_or_else(|| CommandError::Unusable {
            connection: name.to_owned(),
            problem: format!("it has no child `{child}`"),
        })
    }

    /// Does something for a child of a connection that is up, and what follows from it.
    fn with_child(
        &mut self,
        now: Now,
        name: &str,
        child: &str,
        what: impl FnOnce(&mut Established, &mut Cx<'_>),
    ) -> Result<(), CommandError> {
        self.has_child(name, child)?;
        let spi = self.up(name)?;
        self.with_established(now, spi, |p, cx| {
            what(p, cx);
            p.work(cx);
        });
        Ok(())
    }

    /// Our SPI of the IKE SA of a connection that is up.
    pub(super) fn up(&self, name: &str) -> Result<u64, CommandError> {
        // The peer may have authenticated anew just now, and delete the other one soon.
        let since = |spi: &u64| match self.sas.get(spi) {
            Some(phase @ Phase::Established(p)) => phase.is_active().then_some(p.proved),
            _ => None,
        };
        let all = self.of_connection(name).into_iter();
        let found = all.filter(|spi| since(spi).is_some()).max_by_key(since);
        found.ok_or_else(|| CommandError::NotActive(name.to_owned()))
    }

    pub(super) fn with_established(
        &mut self,
        now: Now,
        spi: u64,
        what: impl FnOnce(&mut Established, &mut Cx<'_>),
    ) {
        self.with_sa(now, spi, |mut phase, cx| {
            if let Phase::Established(p) = &mut phase {
                what(p, cx);
            }
            phase
        });
    }
}
