//! From an ESP packet to the inner packet (RFC 4303 3.4, RFC 4301 5.2).

use std::ops::Range;
use std::sync::Arc;

use adit_crypto::OpenError;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, NEXT_HEADER_NONE};
use adit_wire::ip::IpPacket;

use crate::counters::{ChildName, Rejected};
use crate::door::Door;
use crate::policy::is_between;
use crate::sa::Pair;
use crate::transport::Ends;
use crate::view::View;

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
    #[must_use]
    pub fn of<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        match self {
            Inner::Within(range) => buffer.get(range.clone()).unwrap_or_default(),
            Inner::Rebuilt(packet) => packet,
        }
    }

    fn len(&self) -> usize {
        match self {
            Inner::Within(range) => range.len(),
            Inner::Rebuilt(packet) => packet.len(),
        }
    }
}

impl View {
    /// Opens an ESP packet, the payload of protocol 50 or of a UDP datagram, in place.
    ///
    /// # Errors
    /// The packet is dropped and counted; its bytes are worthless then.
    pub fn open(&self, now: Mono, packet: &mut [u8]) -> Result<Opened<'_>, Rejected> {
        let header =
            EspHeader::parse(packet).map_err(|_| self.reject(DropReason::EspTooShort, None))?;
        let pair = self
            .inbound
            .get(&header.spi)
            .filter(|pair| pair.receives_at(now))
            .ok_or_else(|| self.reject(DropReason::EspUnknownSpi, None))?;
        let inner = pair
            .open(header, packet)
            .map_err(|reason| self.reject(reason, Some(&pair.child)))?;
        let excepted = !self.exceptions.is_empty()
            && IpPacket::parse(inner.of(packet)).is_ok_and(|ip| {
                let mut exceptions = self.exceptions.iter();
                exceptions.any(|p| is_between(&ip, &p.remote, &p.local))
            });
        if excepted {
            return Err(self.reject(DropReason::EspInboundPolicy, Some(&pair.child)));
        }
        pair.traffic.received(now, inner.len());
        Ok(Opened {
            inner,
            child: &pair.child.name,
            door: pair.child.door(),
            spi_in: pair.spi_in,
        })
    }
}

impl Pair {
    fn open(&self, header: EspHeader, packet: &mut [u8]) -> Result<Inner, DropReason> {
        let body = self.authenticate(header, packet)?;
        let plaintext = packet
            .get(body.clone())
            .ok_or(DropReason::EspInnerMalformed)?;
        let (payload, trailer) =
            EspTrailer::split(plaintext).map_err(|_| DropReason::EspPadding)?;
        if let Some(ends) = &self.transport {
            return self.rebuild(ends, trailer.next_header, payload);
        }
        let is_ipv4 = match trailer.next_header {
            NEXT_HEADER_IPV4 => true,
            NEXT_HEADER_IPV6 => false,
            NEXT_HEADER_NONE => return Err(DropReason::EspDummy),
            _ => return Err(DropReason::EspNextHeader),
        };
        let inner = IpPacket::parse(payload)
            .ok()
            .filter(|inner| inner.source.is_ipv4() == is_ipv4)
            .ok_or(DropReason::EspInnerMalformed)?;
        if !self.takes_inbound(&inner) {
            return Err(DropReason::EspInboundPolicy);
        }
        // What follows the inner packet is traffic flow confidentiality padding (RFC 4303 2.7).
        Ok(Inner::Within(body.start..body.start + inner.total_length()))
    }

    /// What has no length of its own in transport mode has no traffic flow confidentiality padding either
    /// (RFC 4303 2.7).
    fn rebuild(&self, ends: &Ends, next_header: u8, payload: &[u8]) -> Result<Inner, DropReason> {
        if next_header == NEXT_HEADER_NONE {
            return Err(DropReason::EspDummy);
        }
        let packet = ends
            .packet(next_header, payload)
            .ok_or(DropReason::EspInnerMalformed)?;
        let inner = IpPacket::parse(&packet).map_err(|_| DropReason::EspInnerMalformed)?;
        if !self.takes_inbound(&inner) {
            return Err(DropReason::EspInboundPolicy);
        }
        Ok(Inner::Rebuilt(packet))
    }

    /// Replay check, ICV, decryption, replay window: in this order, so that forged packets move nothing.
    fn authenticate(
        &self,
        header: EspHeader,
        packet: &mut [u8],
    ) -> Result<Range<usize>, DropReason> {
        let sequence = {
            let window = self.inbound.window();
            let sequence = window.extend(header.sequence)?;
            window.check(sequence)?;
            sequence
        };
        let esn_high = self.inbound.esn.then_some((sequence >> 32) as u32);
        let body = self
            .inbound
            .cipher
            .open(packet, esn_high)
            .map_err(|error| match error {
                OpenError::TooShort { .. } => DropReason::EspTooShort,
                OpenError::BadPadding { .. } => DropReason::EspPadding,
                // No sender that holds the key made a packet of broken blocks.
                OpenError::Misaligned { .. } | OpenError::BadIcv => DropReason::EspAuthenticity,
            })?;
        self.inbound.window().accept(sequence)?;
        Ok(body)
    }
}
