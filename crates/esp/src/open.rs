//! From an ESP packet to the inner packet (RFC 4303 3.4, RFC 4301 5.2).

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use adit_crypto::OpenError;
use adit_model::carriage::Mss;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, NEXT_HEADER_NONE};
use adit_wire::ip::IpPacket;

use crate::counters::{Batch, ChildName, Rejected};
use crate::door::Door;
use crate::fragment::is_evasive;
use crate::index::Policies;
use crate::lane::Lane;
use crate::latency::Direction;
use crate::mss;
use crate::sa::Pair;
use crate::traffic_class;
use crate::transport::Ends;
use crate::tuple::{Shown, Tuple};
use crate::view::View;
use crate::walk::{Packet, Stage, Walk};

/// An inner packet, decrypted, checked and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The inner packet.
    pub inner: Inner,
    /// The child that it belongs to.
    pub child: &'a Arc<ChildName>,
    /// The interface that it comes out of.
    pub door: Door,
    /// SPI of the SA that opened it.
    pub spi_in: u32,
}

/// An inner packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inner {
    /// It lies here in the buffer that was handed in.
    Within(Range<usize>),
    /// It arrived in transport mode and was put together again.
    Rebuilt(Vec<u8>),
}

impl Inner {
    /// Its octets; `buffer` is what was handed in.
    #[inline]
    #[must_use]
    pub fn of<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        match self {
            Inner::Within(range) => buffer.get(range.clone()).unwrap_or_default(),
            Inner::Rebuilt(packet) => packet,
        }
    }

    /// How long it is, in octets.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Inner::Within(range) => range.len(),
            Inner::Rebuilt(packet) => packet.len(),
        }
    }
}

/// The way in through one SA, found once for a run of packets under one SPI. Keep it for a run, not longer: packets and
/// octets are counted when this is dropped.
pub struct Incoming<'v> {
    pub(crate) by: By<'v>,
    pub(crate) lane: Lane,
    now: Mono,
    pub(crate) received: Batch,
    /// Whether somebody asks for the steps of packets.
    followed: bool,
}

/// What opens packets, and doesn't change with them.
#[derive(Clone, Copy)]
pub(crate) struct By<'v> {
    view: &'v View,
    pub(crate) pair: &'v Pair,
}

impl View {
    /// Opens an ESP packet, the payload of protocol 50 or of a UDP datagram, in place.
    ///
    /// # Errors
    /// The packet is dropped and counted; its bytes are worthless then.
    pub fn open(&self, now: Mono, packet: &mut [u8]) -> Result<Opened<'_>, Rejected> {
        self.open_under(now, 0, packet)
    }

    /// The same, where the outer header had this DSCP and ECN: a mark of congestion passes to the inner packet (RFC 6040).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_under(
        &self,
        now: Mono,
        tos: u8,
        packet: &mut [u8],
    ) -> Result<Opened<'_>, Rejected> {
        let mut way = self.incoming(Lane::default(), now, packet)?;
        let inner = way.open_under(tos, packet)?;
        Ok(Opened {
            inner,
            child: &way.by.pair.child.name,
            door: way.door(),
            spi_in: way.by.pair.spi_in,
        })
    }

    /// Finds the SA that opens `packet`, and all that begin with the same four octets, at `now`.
    ///
    /// # Errors
    /// The packet is dropped and counted.
    #[inline]
    pub fn incoming(&self, lane: Lane, now: Mono, packet: &[u8]) -> Result<Incoming<'_>, Rejected> {
        match self.receiving(lane, now, packet)? {
            Some(pair) => Ok(self.way_in(pair, lane, now)),
            None => Err(self.stray(lane, packet)),
        }
    }

    /// The same, but a packet that no SA takes is neither dropped nor counted: it may have come before its SA
    /// ([`Early`](crate::Early)). Who doesn't keep it says so by [`stray`](Self::stray).
    ///
    /// # Errors
    /// The packet is dropped and counted.
    #[inline]
    pub fn incoming_if_known(
        &self,
        lane: Lane,
        now: Mono,
        packet: &[u8],
    ) -> Result<Option<Incoming<'_>>, Rejected> {
        let pair = self.receiving(lane, now, packet)?;
        Ok(pair.map(|pair| self.way_in(pair, lane, now)))
    }

    /// The pair that opens a packet, if there is one.
    #[inline]
    fn receiving(&self, lane: Lane, now: Mono, packet: &[u8]) -> Result<Option<&Pair>, Rejected> {
        let header = EspHeader::parse(packet)
            .map_err(|_| self.reject(lane, DropReason::EspTooShort, None))?;
        let pair = self.inbound.get(header.spi);
        let Some(pair) = pair.filter(|pair| pair.receives_at(now)) else {
            return Ok(None);
        };
        if pair.is_over(now) {
            return Err(self.late(lane, pair, header));
        }
        Ok(Some(pair))
    }

    /// A way is made in one piece, so that it needn't be moved: that costs more than to find it.
    #[inline]
    fn way_in<'v>(&'v self, pair: &'v Pair, lane: Lane, now: Mono) -> Incoming<'v> {
        Incoming {
            by: By { view: self, pair },
            lane,
            now,
            received: Batch::default(),
            followed: self.walks.on(),
        }
    }

    #[cold]
    fn late(&self, lane: Lane, pair: &Pair, header: EspHeader) -> Rejected {
        if self.walks.on() {
            By { view: self, pair }.follow_late(header);
        }
        self.reject(lane, DropReason::EspLifetime, Some(&pair.child))
    }

    /// Whether the SA of a packet under `spi` may be about to come: no SA has it, not even one that is over, and no test.
    #[cold]
    #[must_use]
    pub fn may_be_early(&self, spi: u32) -> bool {
        self.inbound.get(spi).is_none() && !self.tests.contains(&spi)
    }

    /// Whether an SA has this SPI.
    #[must_use]
    pub fn has(&self, spi: u32) -> bool {
        self.inbound.get(spi).is_some()
    }

    /// Drops a packet that no SA takes, and counts it.
    #[cold]
    pub fn stray(&self, lane: Lane, packet: &[u8]) -> Rejected {
        let spi = packet.first_chunk().map(|spi| u32::from_be_bytes(*spi));
        let reason = if spi.is_some_and(|spi| self.tests.contains(&spi)) {
            DropReason::EspTest
        } else {
            DropReason::EspUnknownSpi
        };
        self.reject(lane, reason, None)
    }
}

impl<'v> Incoming<'v> {
    /// SPI of the SA.
    #[must_use]
    pub fn spi_in(&self) -> u32 {
        self.by.pair.spi_in
    }

    /// The child that the packets belong to.
    #[must_use]
    pub fn child(&self) -> &'v Arc<ChildName> {
        &self.by.pair.child.name
    }

    /// The interface that the packets come out of.
    #[must_use]
    pub fn door(&self) -> Door {
        self.by.pair.child.door()
    }

    /// Whether somebody may follow its packets, or it is in transport mode.
    #[inline]
    pub(crate) fn is_rare(&self) -> bool {
        self.followed || self.by.pair.transport.is_some()
    }

    /// Opens an ESP packet of this SPI in place.
    ///
    /// # Errors
    /// The packet is dropped and counted; its bytes are worthless then.
    #[inline]
    pub fn open(&mut self, packet: &mut [u8]) -> Result<Inner, Rejected> {
        self.open_under(0, packet)
    }

    /// The same, where the outer header had this DSCP and ECN: a mark of congestion passes to the inner packet (RFC 6040).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[inline]
    pub fn open_under(&mut self, tos: u8, packet: &mut [u8]) -> Result<Inner, Rejected> {
        let by = self.by;
        if self.is_rare() {
            let inner = by.open_rarely(self.followed, tos, packet);
            let inner = inner.map_err(|reason| by.refused(self.lane, reason))?;
            self.received.add(inner.length());
            return Ok(inner);
        }
        match by.open_within(tos, packet) {
            Ok(place) => {
                self.received.add(place.len());
                Ok(Inner::Within(place))
            }
            Err(reason) => Err(by.refused(self.lane, reason)),
        }
    }
}

impl By<'_> {
    /// Opens a packet that somebody may follow, or that is in transport mode.
    #[inline(never)]
    fn open_rarely(self, followed: bool, tos: u8, packet: &mut [u8]) -> Result<Inner, DropReason> {
        if followed {
            self.open_followed(tos, packet)
        } else {
            self.open_and_check(tos, packet)
        }
    }

    #[cold]
    pub(crate) fn refused(self, lane: Lane, reason: DropReason) -> Rejected {
        if reason == DropReason::EspDummy {
            self.pair.is_known_to_the_peer();
        }
        self.view.reject(lane, reason, Some(&self.pair.child))
    }

    /// Opens a packet and leaves traces of it.
    #[cold]
    fn open_followed(self, tos: u8, packet: &mut [u8]) -> Result<Inner, DropReason> {
        let low = EspHeader::parse(packet).map(|header| header.sequence);
        let mut walk = self.begin_walk(low.unwrap_or(0));
        let opened = self.open_and_check(tos, packet);
        let seen = match &opened {
            Ok(inner) => {
                walk.step(Stage::Opened(inner.length()));
                IpPacket::parse(inner.of(packet)).ok()
            }
            Err(reason) => {
                walk.step(Stage::Dropped(*reason));
                None
            }
        };
        match seen {
            Some(inner) => {
                let tuple = Tuple::of(&inner);
                self.view.walks.end(walk, Packet::Shows(&tuple));
            }
            None => self.end_unread(walk),
        }
        opened
    }

    /// Leaves traces of a packet that comes after the end of its SA.
    #[cold]
    fn follow_late(self, header: EspHeader) {
        let mut walk = self.begin_walk(header.sequence);
        walk.step(Stage::Dropped(DropReason::EspLifetime));
        self.end_unread(walk);
    }

    fn begin_walk(self, low: u32) -> Walk {
        let mut walk = self.view.walks.begin(Direction::In);
        walk.step(Stage::Sa(self.pair.spi_in));
        walk.step(Stage::Policy(Arc::clone(&self.pair.child.name)));
        if let Ok(number) = self.pair.inbound.window.extend(low) {
            walk.step(Stage::Sequence(number));
        }
        walk
    }

    fn end_unread(self, walk: Walk) {
        let (local, remote) = self.pair.sides();
        self.view.walks.end(walk, Packet::Within(local, remote));
    }

    fn open_and_check(self, tos: u8, packet: &mut [u8]) -> Result<Inner, DropReason> {
        let Some(ends) = &self.pair.transport else {
            return self.open_within(tos, packet).map(Inner::Within);
        };
        let (sequence, body) = self.decrypt(packet)?;
        self.pair.inbound.window.accept(sequence)?;
        let plaintext = packet.get(body).ok_or(DropReason::EspInnerMalformed)?;
        let exceptions = &self.view.exceptions;
        let inner = self.pair.rebuild(ends, plaintext, tos, exceptions)?;
        self.spend(inner.len())?;
        Ok(Inner::Rebuilt(inner))
    }

    /// Opens a packet in tunnel mode: where its inner packet lies.
    #[inline]
    fn open_within(self, tos: u8, packet: &mut [u8]) -> Result<Range<usize>, DropReason> {
        // The window learns of every authentic packet, whatever is in it. That it is looked into first, which changes
        // nothing, gives the processor something to do: the window's exchange waits until the plaintext is stored.
        let (sequence, place) = self.open_unsettled(tos, packet)?;
        self.pair.inbound.window.accept(sequence)?;
        let place = place?;
        self.spend(place.len())?;
        Ok(place)
    }

    /// Decrypts a packet in tunnel mode and looks into it, and leaves the replay window as it is: whoever calls this asks
    /// the window for its number before anything is made of the inner packet.
    #[inline]
    #[allow(clippy::type_complexity)] // an error without a number, or one with it
    pub(crate) fn open_unsettled(
        self,
        tos: u8,
        packet: &mut [u8],
    ) -> Result<(u64, Result<Range<usize>, DropReason>), DropReason> {
        let (sequence, body) = self.decrypt(packet)?;
        let start = body.start;
        let plaintext = packet.get(body);
        let length = plaintext
            .ok_or(DropReason::EspInnerMalformed)
            .and_then(|plaintext| self.pair.inspect(plaintext, &self.view.exceptions));
        let place = length.map(|length| start..start + length);
        let place = place.and_then(|place| {
            let inner = packet.get_mut(place.clone()).unwrap_or_default();
            self.pair.undress(inner, tos).map(|()| place)
        });
        Ok((sequence, place))
    }

    /// Replay check, ICV, decryption: the whole sequence number, and where the plaintext lies. The replay window learns of a
    /// packet after that, so that forged packets move nothing.
    #[inline]
    fn decrypt(self, packet: &mut [u8]) -> Result<(u64, Range<usize>), DropReason> {
        let header = EspHeader::parse(packet).map_err(|_| DropReason::EspTooShort)?;
        if header.spi != self.pair.spi_in {
            return Err(DropReason::EspUnknownSpi);
        }
        let inbound = &self.pair.inbound;
        let sequence = inbound.window.extend(header.sequence)?;
        inbound.window.check(sequence)?;
        let esn_high = inbound.esn.then_some((sequence >> 32) as u32);
        let body = inbound
            .cipher
            .open(packet, esn_high)
            .map_err(|error| match error {
                OpenError::TooShort { .. } => DropReason::EspTooShort,
                OpenError::BadPadding { .. } => DropReason::EspPadding,
                OpenError::Misaligned { .. } => DropReason::EspMisaligned,
                OpenError::BadIcv => DropReason::EspAuthenticity,
            })?;
        Ok((sequence, body))
    }

    #[inline]
    pub(crate) fn spend(self, octets: usize) -> Result<(), DropReason> {
        let left = self.pair.inbound.budget.spend(octets);
        left.then_some(()).ok_or(DropReason::EspLifetime)
    }
}

impl Drop for Incoming<'_> {
    #[inline]
    fn drop(&mut self) {
        self.by.pair.received(self.lane, self.now, self.received);
    }
}

impl Pair {
    /// The length of the inner packet at the front of `plaintext`, if it may go on.
    #[inline]
    fn inspect(&self, plaintext: &[u8], exceptions: &Policies) -> Result<usize, DropReason> {
        let (payload, trailer) =
            EspTrailer::split(plaintext).map_err(|_| DropReason::EspPadding)?;
        let is_ipv4 = match trailer.next_header {
            NEXT_HEADER_IPV4 => true,
            NEXT_HEADER_IPV6 => false,
            NEXT_HEADER_NONE => return Err(DropReason::EspDummy),
            _ => return Err(DropReason::EspNextHeader),
        };
        let inner = IpPacket::parse(payload).map_err(|_| DropReason::EspInnerMalformed)?;
        if inner.source.is_ipv4() != is_ipv4 {
            return Err(DropReason::EspInnerMalformed);
        }
        self.admit(&inner, exceptions)?;
        // What follows the inner packet is traffic flow confidentiality padding (RFC 4303 2.7).
        Ok(inner.total_length())
    }

    /// Whether a decrypted packet may go on (RFC 4301 5.2).
    #[inline(always)]
    fn admit(&self, inner: &IpPacket<'_>, exceptions: &Policies) -> Result<(), DropReason> {
        let shown = Shown::of(inner);
        if !self.takes_inbound(&shown) {
            return Err(DropReason::EspInboundPolicy);
        }
        if is_evasive(inner) {
            return Err(DropReason::EspFragment);
        }
        if !exceptions.is_empty() && is_exception(exceptions, shown.tuple) {
            return Err(DropReason::EspInboundPolicy);
        }
        Ok(())
    }

    /// Changes a packet that goes on as its outer header and the path want it.
    #[inline]
    fn undress(&self, inner: &mut [u8], tos: u8) -> Result<(), DropReason> {
        traffic_class::arrive(&self.carriage, inner, tos)?;
        let mss = self.carriage.mss;
        if mss != Mss::Off && mss::begins_connection(inner) {
            mss::keep_within(inner, mss, self.inner_mtu.load(Relaxed));
        }
        Ok(())
    }

    /// What has no length of its own in transport mode has no traffic flow confidentiality padding either
    /// (RFC 4303 2.7).
    fn rebuild(
        &self,
        ends: &Ends,
        plaintext: &[u8],
        tos: u8,
        exceptions: &Policies,
    ) -> Result<Vec<u8>, DropReason> {
        let (payload, EspTrailer { next_header, .. }) =
            EspTrailer::split(plaintext).map_err(|_| DropReason::EspPadding)?;
        if next_header == NEXT_HEADER_NONE {
            return Err(DropReason::EspDummy);
        }
        let mut packet = ends
            .packet(next_header, payload)
            .ok_or(DropReason::EspInnerMalformed)?;
        let inner = IpPacket::parse(&packet).map_err(|_| DropReason::EspInnerMalformed)?;
        self.admit(&inner, exceptions)?;
        self.undress(&mut packet, tos)?;
        Ok(packet)
    }
}

/// Whether an exception forbids that the packet comes through a tunnel.
fn is_exception(exceptions: &Policies, tuple: Tuple) -> bool {
    let mut candidates = exceptions.candidates(Door::SHARED, tuple.destination, tuple.source);
    candidates.any(|policy| tuple.is_between(&policy.remote, &policy.local))
}
