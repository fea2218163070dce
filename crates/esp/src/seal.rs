//! From an inner packet to an ESP packet (RFC 4303 3.3, RFC 4301 5.1).

use std::sync::Arc;

use adit_crypto::{EspCipher, SealError};
use adit_model::dataplane::Path;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6};
use adit_wire::ip::{IpPacket, protocol};

use crate::counters::{Batch, ChildName, Rejected};
use crate::door::Door;
use crate::dress::Dress;
use crate::fragment;
use crate::lane::Lane;
use crate::latency::Direction;
use crate::lookup::FlowCache;
use crate::sa::{Live, Outbound};
use crate::sequence::Claim;
use crate::transport::Ends;
use crate::tuple::{Shown, Tuple};
use crate::turn::Turn;
use crate::view::View;
use crate::walk::{Packet, Stage, Walk};

/// Where a sealed packet has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// From where to where, and whether in UDP.
    pub path: Path,
    /// SPI of the SA that sealed it.
    pub spi_out: u32,
    /// DSCP and ECN of the outer header.
    pub tos: u8,
    /// Whether routers must not cut the outer packet (DF of IPv4).
    pub df: bool,
    /// Octets of each ESP packet that was sealed, of which the last may be shorter: a packet that was too long for the path
    /// and may be cut became several. 0 where none has been sealed yet.
    pub each: usize,
}

/// A flow's way out: the pair of SAs that takes its packets, found once for a run of packets.
///
/// [`View::outgoing`] finds it by one packet; it holds for packets with the same addresses, protocol, ports, traffic class
/// and DF, no fragments and no ICMP errors among them. Keep it for a run (a super-packet, a batch), not longer: a rekey may move
/// the flow to another pair, and packets and octets are counted when this is dropped. Where the packet that it was found by
/// stands for several ([`Lane::standing_for`]), a refusal counts for all of them that weren't sealed before.
///
/// ```text
/// let view = shared.load();                       // once per batch
/// let mut way = view.outgoing(door, lane, &packet)?; // once per run of one flow
/// way.claim(segments);                            // optional: one atomic addition for all of them
/// for segment in run {
///     let length = way.seal(segment, &mut buffer[at..])?;
///     at += length;                               // equal packets have equal lengths: ready for UDP_SEGMENT
/// }
/// ```
pub struct Outgoing<'v> {
    view: &'v View,
    live: &'v Live,
    lane: Lane,
    claim: Claim,
    sent: Batch,
    dress: Dress,
    /// See [`Sealed::each`].
    each: usize,
    walk: Option<Followed>,
}

/// The traces of a flow's packets, and what they show.
type Followed = Box<(Walk, Tuple)>;

impl View {
    /// Seals, for who has no clock, an inner IP packet that came from the interface `door`, and appends the ESP packet to `out`; several may
    /// share one buffer. A packet that is too long for the path and may be cut becomes several, see [`Sealed::each`].
    ///
    /// What is appended is the payload of a UDP datagram when `path.udp_encap` says so, else of an IP packet of
    /// protocol 50.
    ///
    /// # Errors
    /// The packet is dropped and counted, and `out` is as before. [`DropReason::OutNoSa`] names the child whose
    /// tunnel is down; with [`DropReason::OutTooBig`] goes what would have fitted.
    pub fn seal(&self, door: Door, inner: &[u8], out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        self.seal_at(Mono(0), door, inner, out)
    }

    /// As [`seal`](Self::seal), `now`: an SA whose hard lifetime is over seals nothing.
    ///
    /// # Errors
    /// As there, and [`DropReason::OutLifetime`].
    pub fn seal_at(
        &self,
        now: Mono,
        door: Door,
        inner: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Sealed, Rejected> {
        let inner = self.outbound(Lane::default(), inner)?;
        let mut way = self.outgoing(door, Lane::default(), &inner)?.at(now)?;
        let start = out.len();
        let sealed = way.append(&inner, out);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    /// Reads a packet that wants out; its length is that of its own header, whatever follows.
    ///
    /// # Errors
    /// It is dropped and counted as [`DropReason::OutMalformed`].
    #[inline]
    pub fn outbound<'p>(&self, lane: Lane, inner: &'p [u8]) -> Result<IpPacket<'p>, Rejected> {
        IpPacket::parse(inner).map_err(|_| self.reject(lane, DropReason::OutMalformed, None))
    }

    /// Finds the way out for packets like this one that come from the interface `door`: exceptions, then the policies of
    /// that interface in their order, then the SAs of the child that they name. Where selectors overlap, the first policy that takes the packet has it,
    /// however narrow a later one is (RFC 4301 4.4.1).
    ///
    /// # Errors
    /// The packet is dropped and counted.
    pub fn outgoing(
        &self,
        door: Door,
        lane: Lane,
        inner: &IpPacket<'_>,
    ) -> Result<Outgoing<'_>, Rejected> {
        let (live, walk) = self.seek(door, lane, *inner)?;
        Ok(self.way_on(live, lane, inner, walk))
    }

    /// The same, for a thread that remembers flows.
    ///
    /// # Errors
    /// As [`outgoing`](Self::outgoing).
    #[inline]
    pub fn outgoing_by(
        &self,
        cache: &mut FlowCache,
        door: Door,
        lane: Lane,
        inner: &IpPacket<'_>,
    ) -> Result<Outgoing<'_>, Rejected> {
        // An ICMP error belongs where the packet belongs that it is about, which differs from one to the next.
        let errs = matches!(inner.protocol, protocol::ICMP | protocol::ICMPV6);
        let (live, walk) = if errs || self.walks.on() {
            // By value, as everything that is handed on here and is rare: what has no address needs no memory.
            self.seek(door, lane, *inner)?
        } else {
            let live = self.find_by(cache, door, lane, inner)?;
            if fragment::is_evasive(inner) {
                return Err(self.evasive(lane, live));
            }
            (live, None)
        };
        Ok(self.way_on(live, lane, inner, walk))
    }

    #[inline]
    fn way_on<'v>(
        &'v self,
        live: &'v Live,
        lane: Lane,
        inner: &IpPacket<'_>,
        walk: Option<Followed>,
    ) -> Outgoing<'v> {
        Outgoing {
            view: self,
            live,
            lane,
            claim: Claim::default(),
            sent: Batch::default(),
            dress: Dress::of(&live.pair.carriage, live.pair.mode(), &live.fit, inner),
            each: 0,
            walk,
        }
    }

    /// The pair that takes a packet, found without a memory, and its traces if somebody asks for them.
    #[inline(never)]
    fn seek(
        &self,
        door: Door,
        lane: Lane,
        inner: IpPacket<'_>,
    ) -> Result<(&Live, Option<Followed>), Rejected> {
        let shown = Shown::of(&inner);
        let mut found = self.find(door, lane, &shown);
        if let Ok(live) = found
            && fragment::is_evasive(&inner)
        {
            found = Err(self.evasive(lane, live));
        }
        if self.walks.on() {
            self.followed(found, &shown.tuple)
        } else {
            Ok((found?, None))
        }
    }

    #[cold]
    fn evasive(&self, lane: Lane, live: &Live) -> Rejected {
        self.reject(lane, DropReason::OutFragment, Some(&live.pair.child))
    }

    #[cold]
    fn followed<'v>(
        &self,
        found: Result<&'v Live, Rejected>,
        tuple: &Tuple,
    ) -> Result<(&'v Live, Option<Followed>), Rejected> {
        let mut walk = self.walks.begin(Direction::Out);
        match found {
            Ok(live) => {
                walk.step(Stage::Policy(Arc::clone(&live.pair.child.name)));
                walk.step(Stage::Sa(live.pair.spi_out));
                Ok((live, Some(Box::new((walk, *tuple)))))
            }
            Err(rejected) => {
                let child = rejected.child.iter().map(Arc::clone);
                child.for_each(|child| walk.step(Stage::Policy(child)));
                walk.step(Stage::Dropped(rejected.reason));
                self.walks.end(walk, Packet::Shows(tuple));
                Err(rejected)
            }
        }
    }
}

impl Outgoing<'_> {
    /// The same way, if the hard lifetime of its SA isn't over `now`. Whoever has a clock asks, once for a run: who ends SAs
    /// in time may be stuck (RFC 4301 4.4.2.1).
    ///
    /// # Errors
    /// The packet is dropped and counted as [`DropReason::OutLifetime`].
    #[inline]
    pub fn at(mut self, now: Mono) -> Result<Self, Rejected> {
        if !self.live.pair.is_over(now) {
            return Ok(self);
        }
        if let Some(walk) = &mut self.walk {
            walk.0.step(Stage::Dropped(DropReason::OutLifetime));
        }
        let child = Some(&self.live.pair.child);
        Err(self.view.reject(self.lane, DropReason::OutLifetime, child))
    }

    /// Where sealed packets have to go.
    #[inline]
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        Sealed {
            path: self.live.path,
            spi_out: self.live.pair.spi_out,
            tos: self.dress.tos(),
            df: self.dress.df(),
            each: self.each,
        }
    }

    /// Appends the ESP packet around `inner` to `out`, or several where it has to be cut.
    fn append(&mut self, inner: &IpPacket<'_>, out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        let fit = self.live.fit;
        if self.dress.cut_inside() && !fit.takes(inner.total_length()) {
            let pieces = fragment::cut(inner, fit.inner)
                .ok_or_else(|| self.refused(DropReason::OutTooBig))?;
            // One behind the other.
            self.claim(u16::try_from(pieces.len()).unwrap_or(u16::MAX));
            for piece in &pieces {
                self.append_one(piece, out)?;
            }
        } else {
            self.append_one(inner.packet, out)?;
        }
        Ok(self.sealed())
    }

    fn append_one(&mut self, inner: &[u8], out: &mut Vec<u8>) -> Result<(), Rejected> {
        let start = out.len();
        out.resize(start + self.sealed_len(inner.len()), 0);
        let sealed = self.seal(inner, out.get_mut(start..).unwrap_or_default())?;
        out.truncate(start + sealed);
        self.each = self.each.max(sealed);
        Ok(())
    }

    /// The child that the packets belong to.
    #[must_use]
    pub fn child(&self) -> &Arc<ChildName> {
        &self.live.pair.child.name
    }

    /// Octets of the ESP packet around an inner packet of so many; in transport mode at most so many.
    #[inline]
    #[must_use]
    pub fn sealed_len(&self, inner: usize) -> usize {
        let shape = self.live.pair.outbound.cipher.shape();
        let filled = inner + self.live.filling(inner);
        let trailer = EspTrailer::for_payload(filled, shape.block_len, 0);
        EspCipher::HEADER_LEN + shape.iv_len + filled + trailer.length() + shape.icv_len
    }

    /// Whether a packet of so many octets is too long for the path and may be cut before it is sealed, which is what
    /// [`View::seal`] does; [`seal`](Self::seal) would refuse it.
    #[inline]
    #[must_use]
    pub fn is_to_be_cut(&self, inner: usize) -> bool {
        self.dress.cut_inside() && !self.live.fit.takes(inner)
    }

    /// Claims sequence numbers for the next `packets` packets at once. Without it each packet claims its own. Those that
    /// aren't used are never sent.
    #[inline]
    pub fn claim(&mut self, packets: u16) {
        // Where none are left the packets say so, one by one.
        let sequence = &self.live.pair.outbound.sequence;
        self.claim = sequence.claim(self.lane, packets).unwrap_or_default();
    }

    /// How many claimed numbers haven't been used yet.
    #[must_use]
    pub fn claimed(&self) -> usize {
        self.claim.left()
    }

    /// Begins this thread's turn to send under the SA: what is claimed from now on, until it is dropped, counts as not
    /// sent. To be had before the first claim, where other threads may send under the same SA.
    #[inline]
    #[must_use]
    pub fn turn(&self) -> Turn {
        Turn::new(&self.live.pair, self.lane)
    }

    /// Whether the packets belong to that turn.
    #[inline]
    #[must_use]
    pub fn is_in(&self, turn: &Turn) -> bool {
        turn.is_of(&self.live.pair)
    }

    /// Whether what was claimed last may be sent together with what was claimed before in that turn. If not, another thread
    /// has claimed in between: send what came before, and [`go_on`](Self::go_on).
    #[inline]
    #[must_use]
    pub fn adjoins(&self, turn: &Turn) -> bool {
        turn.holds(&self.claim)
    }

    /// What was claimed in that turn before the last claim is sent.
    pub fn go_on(&self, turn: &Turn) {
        turn.go_on(&self.claim);
    }

    /// Cuts `inner`, for which [`is_to_be_cut`](Self::is_to_be_cut) holds, and appends the ESP packets around its pieces to `out`:
    /// see [`Sealed::each`].
    ///
    /// # Errors
    /// The packet is dropped and counted, and `out` is as before.
    pub fn seal_cut(&mut self, inner: &[u8], out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        let start = out.len();
        // However many pieces it has, it is one packet.
        let packets = self.lane.packets();
        self.lane = self.lane.standing_for(1);
        let inner = self.view.outbound(self.lane, inner)?;
        let sealed = self.append(&inner, out);
        if sealed.is_err() {
            out.truncate(start);
        }
        self.lane = self.lane.standing_for(packets - 1);
        sealed
    }

    /// Seals a packet of the flow, a whole inner IP packet, into the front of `out`, which may be longer; it needs
    /// [`sealed_len`](Self::sealed_len) octets. Returns how many it took. Nothing is copied on the way, except where the
    /// cipher knows no other way.
    ///
    /// # Errors
    /// The packet is dropped and counted; what `out` holds is worthless then.
    #[inline(always)]
    pub fn seal(&mut self, inner: &[u8], out: &mut [u8]) -> Result<usize, Rejected> {
        self.seal_parts(inner, &[], out)
    }

    /// As [`seal`](Self::seal), for a packet in two parts, such as a header that was made for one segment and a piece of
    /// the payload: both are copied into `out` and sealed there.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    #[inline(always)]
    pub fn seal_parts(
        &mut self,
        head: &[u8],
        rest: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Rejected> {
        let length = head.len() + rest.len();
        let filling = self.live.filling(length);
        let sealed = if filling > 0 || self.dress.names_segments(head) {
            let mss = self.live.pair.carriage.mss;
            let fits = self.live.fit.inner;
            let changed = self.dress.changed(&[head, rest], (mss, fits), filling);
            self.write(&changed, &[], out)
        } else {
            self.write(head, rest, out)
        };
        // What is sealed and not sent after all is nobody's loss but a number's.
        let budget = &self.live.pair.outbound.budget;
        let sealed = sealed.and_then(|sealed| {
            let left = budget.spend(length);
            left.then_some(sealed).ok_or(DropReason::OutLifetime)
        });
        if let Some(walk) = &mut self.walk {
            walk.0
                .step(sealed.map_or_else(Stage::Dropped, Stage::Sealed));
        }
        match sealed {
            Ok(sealed) => {
                self.sent.add(length);
                self.lane = self.lane.standing_for(self.lane.packets() - 1);
                Ok(sealed)
            }
            Err(reason) => Err(self.refused(reason)),
        }
    }

    #[inline]
    fn refused(&self, reason: DropReason) -> Rejected {
        let too_big = reason == DropReason::OutTooBig;
        Rejected {
            fits: too_big.then(|| self.dress.told(&self.live.fit)),
            ..self
                .view
                .reject(self.lane, reason, Some(&self.live.pair.child))
        }
    }

    #[inline(always)]
    fn write(&mut self, head: &[u8], rest: &[u8], out: &mut [u8]) -> Result<usize, DropReason> {
        let pair = &self.live.pair;
        let mut joined = Vec::new();
        let (next_header, parts) = if let Some(ends) = &pair.transport {
            let (next_header, payload) = transported(ends, [head, rest], &mut joined)?;
            (next_header, [payload, &[]])
        } else if head.first().is_some_and(|first| first >> 4 == 6) {
            (NEXT_HEADER_IPV6, [head, rest])
        } else {
            (NEXT_HEADER_IPV4, [head, rest])
        };
        let length = parts.iter().map(|part| part.len()).sum();
        // What may be cut outside is cut by the kernel.
        if !self.live.fit.takes(length) && !self.dress.may_be_cut_outside(length) {
            return Err(DropReason::OutTooBig);
        }
        let sequence = match self.claim.next() {
            Some(sequence) => sequence,
            None => self.claim_one()?,
        };
        if let Some(walk) = &mut self.walk {
            walk.0.step(Stage::Sequence(sequence));
        }
        pair.outbound
            .write(pair.spi_out, sequence, next_header, parts, out)
    }

    #[inline(always)]
    fn claim_one(&mut self) -> Result<u64, DropReason> {
        let sequence = &self.live.pair.outbound.sequence;
        self.claim = sequence.claim(self.lane, 1)?;
        self.claim.next().ok_or(DropReason::OutSequenceExhausted)
    }
}

impl Drop for Outgoing<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        end(self.view, self.live, self.lane, self.sent, self.walk.take());
    }
}

/// Counts what a way was for, and keeps its traces. It is handed all that by value, so that a way that is there for one
/// packet needs no place in memory.
#[inline(never)]
fn end(view: &View, live: &Live, lane: Lane, sent: Batch, walk: Option<Followed>) {
    live.pair.traffic.sent(lane, sent);
    if let Some(walk) = walk {
        let (walk, tuple) = *walk;
        view.walks.end(walk, Packet::Shows(&tuple));
    }
}

/// The next header and the payload that represent a packet in transport mode; `joined` is room for one in two parts.
#[cold]
fn transported<'a>(
    ends: &Ends,
    [head, rest]: [&'a [u8]; 2],
    joined: &'a mut Vec<u8>,
) -> Result<(u8, &'a [u8]), DropReason> {
    let whole = if rest.is_empty() {
        head
    } else {
        *joined = [head, rest].concat();
        joined
    };
    let packet = IpPacket::parse(whole).map_err(|_| DropReason::OutMalformed)?;
    ends.payload(&packet).ok_or(DropReason::OutTransport)
}

/// Padding at most to a multiple of a cipher's block, pad length and next header.
const MOST_TRAILER: usize = 18;

/// Padding as far as there is any: 1, 2, 3, … (RFC 4303 2.4).
const PADDING: [u8; MOST_TRAILER] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
];

impl Outbound {
    /// Writes the ESP packet number `sequence` around `parts` to the front of `out`; returns its length.
    pub(crate) fn write(
        &self,
        spi: u32,
        sequence: u64,
        next_header: u8,
        parts: [&[u8]; 2],
        out: &mut [u8],
    ) -> Result<usize, DropReason> {
        let shape = self.cipher.shape();
        let [head, rest] = parts;
        let body = EspCipher::HEADER_LEN + shape.iv_len;
        let length = head.len() + rest.len();
        let trailer = EspTrailer::for_payload(length, shape.block_len, next_header);
        let whole = body + length + trailer.length() + shape.icv_len;
        let packet = out.get_mut(..whole).ok_or(DropReason::OutCipher)?;
        let header = EspHeader {
            spi,
            sequence: sequence as u32,
        };
        let mut buffer = PADDING;
        let trailer = {
            let octets = buffer.get_mut(..trailer.length());
            let last = octets.and_then(|octets| octets.split_last_chunk_mut());
            let (_, last) = last.ok_or(DropReason::OutCipher)?;
            *last = [trailer.pad_length, next_header];
            buffer.get(..trailer.length()).unwrap_or_default()
        };
        let mut place = |at: usize, bytes: &[u8]| {
            let place = packet.get_mut(at..at + bytes.len());
            place
                .map(|place| place.copy_from_slice(bytes))
                .ok_or(DropReason::OutCipher)
        };
        place(0, &header.to_bytes())?;
        let esn_high = self.esn_high(sequence);
        let sealed = if rest.is_empty() {
            self.cipher
                .seal_from(packet, head, trailer, esn_high, sequence)
        } else {
            place(body, head)?;
            place(body + head.len(), rest)?;
            place(body + length, trailer)?;
            self.cipher.seal(packet, esn_high, sequence)
        };
        sealed.map_err(|error| match error {
            SealError::IvExhausted => DropReason::OutSequenceExhausted,
            SealError::TooLong => DropReason::OutTooBig,
            SealError::Layout | SealError::Library => DropReason::OutCipher,
        })?;
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_crypto::provider;
    use adit_model::Secret;
    use adit_model::connection::Mode;
    use adit_model::dataplane::{ChildSa, DataPlaneRequest, Path};
    use adit_model::now::Mono;
    use adit_model::proposal::{Encr, Suite};
    use adit_model::selector::ANY_V4;
    use adit_wire::iana::EncrId;
    use adit_wire::ip::emit_packet;

    use super::*;
    use crate::policy::Policy;
    use crate::tuple::Side;

    fn plane(esn: bool) -> crate::DataPlane {
        let at = ([192, 0, 2, 1], 4500).into();
        let sa = ChildSa {
            connection: "net".into(),
            child: "lan".into(),
            spi_in: 256,
            spi_out: 257,
            suite: Suite {
                encr: Encr {
                    id: EncrId::ENCR_AES_GCM_16,
                    key_bits: Some(128),
                },
                prf: None,
                integ: None,
                ke: None,
                addke: adit_model::proposal::NO_ADDITIONAL,
                esn,
            },
            key_in: Secret::new(vec![1; 20]),
            key_out: Secret::new(vec![2; 20]),
            mode: Mode::Tunnel,
            ts_local: vec![ANY_V4],
            ts_remote: vec![ANY_V4],
            path: Path {
                local: at,
                remote: at,
                udp_encap: false,
            },
            replay_window: 64,
            carriage: adit_model::carriage::Carriage::default(),
            limits: adit_model::carriage::HardLimits::default(),
            replaces: None,
        };
        let mut plane = crate::DataPlane::new(provider::fake(1));
        plane
            .apply(Mono(0), DataPlaneRequest::Install(Box::new(sa)))
            .unwrap();
        plane.take_policies(vec![Policy {
            child: 0,
            door: Door::SHARED,
            local: Side::new(&[ANY_V4]),
            remote: Side::new(&[ANY_V4]),
            gives: false,
        }]);
        plane
    }

    /// RFC 4303 3.3.3: the last number is used, and then the SA is at its end; nothing wraps.
    #[test]
    fn an_exhausted_sa_sends_no_more() {
        let mut inner = Vec::new();
        let host = |n| [10, 0, 0, n].into();
        emit_packet(host(1), host(2), protocol::UDP, &[0; 8], &mut inner).unwrap();
        for (esn, last) in [(false, u64::from(u32::MAX)), (true, u64::MAX)] {
            let plane = plane(esn);
            plane
                .shared()
                .load()
                .inbound
                .get(256)
                .unwrap()
                .skip_to(last - 1);
            let mut out = Vec::new();
            plane.seal(&inner, &mut out).unwrap();
            let header = EspHeader::parse(&out).unwrap();
            assert_eq!(header.sequence, u32::MAX);
            let sealed = out.len();
            for n in 1..=3 {
                let rejected = plane.seal(&inner, &mut out).unwrap_err();
                assert_eq!(rejected.reason, DropReason::OutSequenceExhausted);
                assert_eq!(plane.drops().of(DropReason::OutSequenceExhausted), n);
                assert_eq!(out.len(), sealed);
            }
        }
    }
}
