//! The question "does IKE answer there?", and how an endpoint answers it.
//!
//! The question is an IKE_SA_INIT request like any other, so every gateway answers it in its way, and any answer will
//! do. It carries a vendor ID (RFC 7296 3.12) by which another Adit knows it: that one answers without remembering
//! anything, so that asking leaves no half-open IKE SA behind and no refusal that looks like an attempt.

use std::net::SocketAddr;

use adit_crypto::Provider;
use adit_model::connection::Connection;
use adit_model::proposal::{Proposal, SaKind};
use adit_wire::iana::ExchangeType;
use adit_wire::v2::{
    Flags, Header, IkeSpi, KePayload, Message, Nonce, Payload, PayloadList, VendorId, emit_plain,
};

use crate::head::NetPath;
use crate::nat;
use crate::snapshot::NatStatus;
use crate::v2::proposals;

/// Vendor ID of the question and of the answer to it.
pub const VENDOR: &[u8] = b"adit probe 1";

const NONCE_LEN: usize = 32;

/// A question as `connection` would send its first message, with a fresh SPI; nothing is kept to go on from there.
/// `None` when no key exchange method of the connection works here.
#[must_use]
pub fn request(provider: &Provider, connection: &Connection) -> Option<(IkeSpi, Vec<u8>)> {
    asked(provider, connection, None)
}

/// The same from `local` to `remote`, with what shows whether there is a NAT between them (RFC 7296 2.23): [`nat`] reads
/// the answer.
#[must_use]
pub fn request_between(
    provider: &Provider,
    connection: &Connection,
    local: SocketAddr,
    remote: SocketAddr,
) -> Option<(IkeSpi, Vec<u8>)> {
    asked(provider, connection, Some(NetPath { local, remote }))
}

/// A first message that offers this alone, without the mark: every gateway chooses or refuses as it would in earnest, and one
/// that chooses keeps a half-open IKE SA for a while. `None` when its key exchange doesn't work here.
#[must_use]
pub fn offer(
    provider: &Provider,
    offered: &Proposal,
    local: SocketAddr,
    remote: SocketAddr,
) -> Option<(IkeSpi, Vec<u8>)> {
    let path = Some(NetPath { local, remote });
    question(provider, core::slice::from_ref(offered), path, None)
}

/// What an answer that came from `remote` to `local` says about NATs between them; `None` if it isn't one or says nothing.
#[must_use]
pub fn nat(answer: &[u8], local: SocketAddr, remote: SocketAddr) -> Option<NatStatus> {
    let message = Message::parse(answer).ok()?;
    let spis = (message.header.spi_i, message.header.spi_r);
    let found = nat::detect(&message.payloads, spis, NetPath { local, remote });
    found.peer_supports.then_some(found)
}

fn asked(
    provider: &Provider,
    connection: &Connection,
    path: Option<NetPath>,
) -> Option<(IkeSpi, Vec<u8>)> {
    question(provider, &connection.ike, path, Some(mark()))
}

fn question(
    provider: &Provider,
    offered: &[Proposal],
    path: Option<NetPath>,
    mark: Option<Payload>,
) -> Option<(IkeSpi, Vec<u8>)> {
    let usable = proposals::usable(provider, offered, SaKind::Ike);
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
    let mut payloads = PayloadList(vec![
        Payload::Sa(proposals::to_wire(&usable, SaKind::Ike, &[], true)),
        Payload::Ke(KePayload {
            method,
            data: public,
        }),
        Payload::Nonce(Nonce(provider.random_octets::<NONCE_LEN>().to_vec())),
    ]);
    payloads.0.extend(mark);
    if let Some(path) = path {
        let spis = (header.spi_i, header.spi_r);
        payloads.0.extend(nat::payloads(spis, path, false));
    }
    Some((header.spi_i, emit_plain(&header, &payloads).ok()?))
}

/// Whether a first request only asks.
pub(crate) fn is_probe(payloads: &PayloadList) -> bool {
    payloads.vendor_ids().any(|vendor| vendor.0 == VENDOR)
}

/// What the question is answered with: the mark, and what shows a NAT if it was asked for.
pub(crate) fn answer(request: &Header, payloads: &PayloadList, path: NetPath) -> PayloadList {
    // The answer's header has no SPI of ours.
    let spis = (request.spi_i, IkeSpi::ZERO);
    let asks = nat::detect(payloads, spis, path).peer_supports;
    let nat = asks.then(|| nat::payloads(spis, path, false));
    [mark()]
        .into_iter()
        .chain(nat.into_iter().flatten())
        .collect()
}

/// The payload of question and answer.
fn mark() -> Payload {
    Payload::Vendor(VendorId(VENDOR.to_vec()))
}
