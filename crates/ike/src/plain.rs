//! A message as it may be kept: decrypted, and without what is secret.
//!
//! Proofs, EAP and resumption tickets are overwritten, and behind IKE_SA_INIT also nonces, public keys of key exchanges
//! and payloads that nobody here knows: nothing that is left helps who wants to know a key. Lengths stay.

use std::net::SocketAddr;

use adit_model::Now;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::{Flags, Header, Payload, PayloadList, emit_plain};

/// A message that was sent or taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainMessage {
    /// When.
    pub at: Now,
    /// The configured connection, once it is known.
    pub connection: Option<String>,
    /// Whether we sent it.
    pub sent: bool,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
    /// Octets that it had on the wire, without UDP header and marker; of all fragments together.
    pub octets: usize,
    /// An IKE message whose payloads stand in clear, without the secret ones' contents.
    pub plain: Vec<u8>,
}

/// The message with this header and these payloads; `None` for one that can't be written.
pub(crate) fn of(header: &Header, payloads: &PayloadList) -> Option<Vec<u8>> {
    let protected = header.exchange != ExchangeType::IKE_SA_INIT;
    let kept = payloads
        .iter()
        .cloned()
        .map(|p| without_secret(p, protected));
    let header = Header::v2(
        header.spi_i,
        header.spi_r,
        header.exchange,
        Flags::new(header.flags.initiator, header.flags.response),
        header.message_id,
    );
    emit_plain(&header, &kept.collect()).ok()
}

fn without_secret(mut payload: Payload, protected: bool) -> Payload {
    match &mut payload {
        Payload::Auth(auth) => auth.data.fill(0),
        // The type says which method; the rest may hold a password.
        Payload::Eap(eap) => eap.data.iter_mut().skip(1).for_each(|octet| *octet = 0),
        Payload::Notify(notify)
            if matches!(
                notify.kind,
                NotifyType::TICKET_LT_OPAQUE | NotifyType::TICKET_OPAQUE | NotifyType::NO_PPK_AUTH
            ) =>
        {
            notify.data.fill(0);
        }
        Payload::Ke(ke) if protected => ke.data.fill(0),
        Payload::Nonce(nonce) if protected => nonce.0.fill(0),
        Payload::Unknown { body, .. } if protected => body.fill(0),
        _ => {}
    }
    payload
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_wire::iana::{AuthMethod, PayloadType};
    use adit_wire::v2::{AuthPayload, EapPayload, IkeSpi, KePayload, Message, Nonce, Notify};

    const SECRET: [u8; 20] = *b"twenty secret octets";

    fn message(exchange: ExchangeType) -> Vec<u8> {
        let header = Header::v2(IkeSpi(1), IkeSpi(2), exchange, Flags::new(true, false), 1);
        let secret = SECRET.to_vec();
        let payloads = PayloadList(vec![
            Payload::Auth(AuthPayload {
                method: AuthMethod(2),
                data: secret.clone(),
            }),
            Payload::Eap(EapPayload {
                code: 2,
                identifier: 1,
                data: [&[4][..], &SECRET].concat(),
            }),
            Payload::Notify(Notify::with_data(
                NotifyType::TICKET_LT_OPAQUE,
                secret.clone(),
            )),
            Payload::Notify(Notify::with_data(NotifyType::NO_PPK_AUTH, secret.clone())),
            Payload::Ke(KePayload {
                method: adit_wire::iana::KeMethod(31),
                data: secret.clone(),
            }),
            Payload::Nonce(Nonce(secret.clone())),
            Payload::Unknown {
                kind: PayloadType(200),
                critical: false,
                body: secret,
            },
        ]);
        of(&header, &payloads).unwrap()
    }

    #[test]
    fn what_is_secret_is_overwritten_and_the_rest_reads_as_before() {
        let kept = message(ExchangeType::IKE_AUTH);
        assert!(!kept.windows(SECRET.len()).any(|w| w == SECRET));
        let read = Message::parse(&kept).unwrap();
        assert!(read.encrypted.is_none());
        assert_eq!(read.payloads.0.len(), 7);
        let Payload::Auth(auth) = &read.payloads.0[0] else {
            panic!("{read:?}");
        };
        assert_eq!(
            (auth.method, auth.data.len()),
            (AuthMethod(2), SECRET.len())
        );
        let Payload::Eap(eap) = &read.payloads.0[1] else {
            panic!("{read:?}");
        };
        assert_eq!(eap.data[0], 4, "the method is told");
    }

    /// What anybody on the path has seen anyway stays: public keys and nonces of IKE_SA_INIT.
    #[test]
    fn what_was_in_clear_on_the_wire_stays() {
        let kept = message(ExchangeType::IKE_SA_INIT);
        assert_eq!(
            kept.windows(SECRET.len()).filter(|w| *w == SECRET).count(),
            3
        );
    }
}
