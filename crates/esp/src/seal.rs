//! From an inner packet to an ESP packet (RFC 4303 3.3, RFC 4301 5.1).

use adit_crypto::{EspCipher, SealError};
use adit_model::dataplane::Path;
use adit_model::drops::DropReason;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6};
use adit_wire::ip::IpPacket;

use crate::counters::Rejected;
use crate::door::Door;
use crate::mtu::Overhead;
use crate::policy::{Policy, is_about, is_between};
use crate::sa::{Live, Pair};
use crate::view::View;

/// Where a sealed packet has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// From where to where, and whether in UDP.
    pub path: Path,
    /// SPI of the SA that sealed it.
    pub spi_out: u32,
}

impl View {
    /// Seals an inner IP packet that came from the interface `door`, and appends the ESP packet to `out`; several may share one buffer.
    ///
    /// What is appended is the payload of a UDP datagram when `path.udp_encap` says so, else of an IP packet of
    /// protocol 50.
    ///
    /// # Errors
    /// The packet is dropped and counted, and `out` is as before. [`DropReason::OutNoSa`] names the child whose
    /// tunnel is down.
    pub fn seal(&self, door: Door, inner: &[u8], out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        let reject = |reason| self.reject(reason, None);
        let inner = IpPacket::parse(inner).map_err(|_| reject(DropReason::OutMalformed))?;
        let excepted = |p: &adit_model::policy::Policy| is_between(&inner, &p.local, &p.remote);
        if self.exceptions.iter().any(excepted) {
            return Err(reject(DropReason::OutForbidden));
        }
        let takes = |policy: &&Policy| is_between(&inner, &policy.local, &policy.remote);
        let about = |policy: &&Policy| is_about(&inner, &policy.local, &policy.remote);
        let policies = || self.policies.iter().filter(|policy| policy.door == door);
        let mut taking = policies().filter(takes);
        let first = taking.next();
        let child = first
            .or_else(|| policies().find(about))
            .and_then(|policy| self.children.get(policy.child))
            .ok_or_else(|| reject(DropReason::OutNoPolicy))?;
        let reject = |reason| self.reject(reason, Some(&child.state));
        let mut others = taking.filter(|policy| policy.gives && first.is_some_and(|f| f.gives));
        let Live { pair, path, .. } = child
            .pair_for(&inner)
            .or_else(|| others.find_map(|other| self.children.get(other.child)?.pair_for(&inner)))
            .ok_or_else(|| reject(DropReason::OutNoSa))?;
        let (next_header, payload) = match &pair.transport {
            None if inner.source.is_ipv4() => (NEXT_HEADER_IPV4, inner.packet),
            None => (NEXT_HEADER_IPV6, inner.packet),
            Some(ends) => ends
                .payload(&inner)
                .ok_or_else(|| reject(DropReason::OutTransport))?,
        };
        let overhead = Overhead::new(pair.outbound.cipher.shape(), path);
        if overhead.outer_len(payload.len()) > self.link_mtu {
            return Err(reject(DropReason::OutTooBig));
        }
        let start = out.len();
        append(pair, next_header, payload, out).map_err(|reason| {
            out.truncate(start);
            reject(reason)
        })?;
        pair.traffic.sent(inner.total_length());
        Ok(Sealed {
            path: *path,
            spi_out: pair.spi_out,
        })
    }
}

fn append(
    pair: &Pair,
    next_header: u8,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), DropReason> {
    let sequence = pair.outbound.claim_sequence()?;
    let cipher = &pair.outbound.cipher;
    let shape = cipher.shape();
    let trailer = EspTrailer::for_payload(payload.len(), shape.block_len, next_header);
    let start = out.len();
    out.reserve(
        EspCipher::HEADER_LEN + shape.iv_len + payload.len() + trailer.length() + shape.icv_len,
    );
    EspHeader {
        spi: pair.spi_out,
        sequence: sequence as u32,
    }
    .emit(out);
    out.resize(out.len() + shape.iv_len, 0);
    out.extend_from_slice(payload);
    trailer.emit(out);
    out.resize(out.len() + shape.icv_len, 0);
    let packet = out.get_mut(start..).ok_or(DropReason::OutCipher)?;
    cipher
        .seal(packet, pair.outbound.esn_high(sequence), sequence)
        .map_err(|error| match error {
            SealError::IvExhausted => DropReason::OutSequenceExhausted,
            SealError::TooLong => DropReason::OutTooBig,
            SealError::Layout | SealError::Library => DropReason::OutCipher,
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use adit_crypto::provider;
    use adit_model::Secret;
    use adit_model::connection::Mode;
    use adit_model::dataplane::{ChildSa, DataPlaneRequest, Path};
    use adit_model::now::Mono;
    use adit_model::proposal::{Encr, Suite};
    use adit_model::selector::ANY_V4;
    use adit_wire::iana::EncrId;
    use adit_wire::ip::{emit_packet, protocol};

    use super::*;

    fn plane(esn: bool) -> crate::DataPlane {
        let everything: Arc<[_]> = [ANY_V4].into();
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
            ts_local: everything.to_vec(),
            ts_remote: everything.to_vec(),
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
        plane.policies = [Policy {
            child: 0,
            door: Door::SHARED,
            local: Arc::clone(&everything),
            remote: everything,
            gives: false,
        }]
        .into();
        plane.publish();
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
            plane.shared().load().inbound[&256].skip_to(last - 1);
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
