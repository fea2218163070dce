//! ESP packets made by hand with a pair's keys: by a peer that doesn't keep to the rules, or at any number.

use adit_crypto::{EspCipher, provider};
use adit_model::dataplane::ChildSa;
use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4};

/// Who sends with the keys of a pair.
pub struct Sender {
    pub cipher: EspCipher,
    spi: u32,
    esn: bool,
}

impl Sender {
    /// The side that `sa` belongs to.
    pub fn of(sa: &ChildSa) -> Self {
        let suite = &sa.suite;
        let protection = provider::fake(1)
            .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
            .unwrap();
        Self {
            cipher: EspCipher::new(&protection, sa.key_out.expose()).unwrap(),
            spi: sa.spi_out,
            esn: suite.esn,
        }
    }

    /// Packet number `sequence` around an IPv4 packet.
    pub fn packet(&self, sequence: u64, inner: &[u8]) -> Vec<u8> {
        let mut inside = inner.to_vec();
        let block = self.cipher.shape().block_len;
        EspTrailer::for_payload(inner.len(), block, NEXT_HEADER_IPV4).emit(&mut inside);
        self.plaintext(sequence, &inside)
    }

    /// Packet number `sequence` around anything that fills whole blocks.
    pub fn plaintext(&self, sequence: u64, inside: &[u8]) -> Vec<u8> {
        let shape = self.cipher.shape();
        let mut packet = Vec::new();
        EspHeader {
            spi: self.spi,
            sequence: sequence as u32,
        }
        .emit(&mut packet);
        packet.resize(packet.len() + shape.iv_len, 0);
        packet.extend_from_slice(inside);
        packet.resize(packet.len() + shape.icv_len, 0);
        let high = self.esn.then_some((sequence >> 32) as u32);
        self.cipher.seal(&mut packet, high, sequence).unwrap();
        packet
    }
}
