//! The question "does IKE answer there?", and how an endpoint answers it.
//!
//! The question is an IKE_SA_INIT request like any other, so every gateway answers it in its way, and any answer will
//! do. It carries a vendor ID (RFC 7296 3.12) by which another Adit knows it: that one answers without remembering
//! anything, so that asking leaves no half-open IKE SA behind and no refusal that looks like an attempt.

use adit_crypto::Provider;
use adit_model::connection::Connection;
use adit_model::proposal::SaKind;
use adit_wire::iana::ExchangeType;
use adit_wire::v2::{
    Flags, Header, IkeSpi, KePayload, Nonce, Payload, PayloadList, VendorId, emit_plain,
};

use crate::v2::proposals;

/// Vendor ID of the question and of the answer to it.
pub const VENDOR: &[u8] = b"adit probe 1";

const NONCE_LEN: usize = 32;

/// A question as `connection` would send its first message, with a fresh SPI; nothing is kept to go on from there.
/// `None` when no key exchange method of the connection works here.
#[must_use]
pub fn request(provider: &Provider, connection: &Connection) -> Option<(IkeSpi, Vec<u8>)> {
    let usable = proposals::usable(provider, &connection.ike, SaKind::Ike);
    let method = *usable.iter().flat_map(|p| &p.ke).next()?;
    let (_, public) = provider
        .ke
        .iter()
        .find(|ke| ke.spec().id == method)?
        .start(provider.random.as_ref());
    let mut spi = u64::from_be_bytes(provider.random_octets::<8>());
    // Zero would be no SPI.
    spi |= 1;
    let header = Header::v2(
        IkeSpi(spi),
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(true, false),
        0,
    );
    let payloads = PayloadList(vec![
        Payload::Sa(proposals::to_wire(&usable, SaKind::Ike, &[], true)),
        Payload::Ke(KePayload {
            method,
            data: public,
        }),
        Payload::Nonce(Nonce(provider.random_octets::<NONCE_LEN>().to_vec())),
        mark(),
    ]);
    Some((header.spi_i, emit_plain(&header, &payloads).ok()?))
}

/// Whether a first request only asks.
pub(crate) fn is_probe(payloads: &PayloadList) -> bool {
    payloads.vendor_ids().any(|vendor| vendor.0 == VENDOR)
}

/// The payload of question and answer.
pub(crate) fn mark() -> Payload {
    Payload::Vendor(VendorId(VENDOR.to_vec()))
}
