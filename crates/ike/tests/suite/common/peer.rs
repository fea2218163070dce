//! A scripted peer: it has the keys and says whatever the test wants, in any order.

use std::net::SocketAddr;

use adit_crypto::auth::{auth_octets, psk_auth};
use adit_crypto::provider::fake;
use adit_crypto::{IkeKeyInputs, IkeKeys, Provider, SkCipher};
use adit_model::Secret;
use adit_model::identity::Identity;
use adit_wire::iana::{
    AuthMethod, EncrId, EsnId, ExchangeType, KeMethod, NotifyType, PayloadType, PrfId, ProtocolId,
};
use adit_wire::v2::{
    AuthPayload, Encrypted, Flags, Header, IdPayload, IkeSpi, KePayload, Message, Nonce, Notify,
    Payload, PayloadList, Proposal, SaPayload, Transform, TsPayload, emit_plain,
};

use super::{Datagram, EAST, Lab, WEST, at, selectors};

/// The west side of an IKE SA with AES-GCM-16-128, PRF-HMAC-SHA2-256 and x25519, as initiator or responder.
pub struct Peer {
    pub provider: Provider,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub initiator: bool,
    pub our_spi: IkeSpi,
    pub their_spi: IkeSpi,
    pub next_request: u32,
    pub keys: IkeKeys,
    seal: SkCipher,
    open: SkCipher,
}

pub fn ike_sa(spi: &[u8]) -> SaPayload {
    SaPayload {
        proposals: vec![Proposal {
            number: 1,
            protocol: ProtocolId::IKE,
            spi: spi.to_vec(),
            transforms: vec![
                Transform::encr(EncrId::ENCR_AES_GCM_16, Some(128)),
                Transform::prf(PrfId::PRF_HMAC_SHA2_256),
                Transform::ke(KeMethod::CURVE25519),
            ],
        }],
    }
}

pub fn esp_sa(spi: u32, ke: Option<KeMethod>) -> SaPayload {
    let mut transforms = vec![Transform::encr(EncrId::ENCR_AES_GCM_16, Some(128))];
    transforms.extend(ke.map(Transform::ke));
    transforms.push(Transform::esn(EsnId::NO_ESN));
    SaPayload {
        proposals: vec![Proposal {
            number: 1,
            protocol: ProtocolId::ESP,
            spi: spi.to_be_bytes().to_vec(),
            transforms,
        }],
    }
}

pub fn ts(text: &str) -> TsPayload {
    let selector = selectors(&[text])[0];
    let (std::net::IpAddr::V4(start), std::net::IpAddr::V4(end)) = (selector.start, selector.end)
    else {
        panic!("IPv4 only")
    };
    TsPayload {
        selectors: vec![adit_wire::v2::TrafficSelector::Ipv4 {
            protocol: selector.protocol,
            start_port: selector.ports.0,
            end_port: selector.ports.1,
            start,
            end,
        }],
    }
}

pub fn id(name: &str) -> IdPayload {
    let (kind, data) = name.parse::<Identity>().unwrap().to_wire();
    IdPayload::new(kind, data)
}

pub fn body(id: &IdPayload) -> Vec<u8> {
    let mut out = Vec::new();
    id.emit(&mut out);
    out
}

pub fn notify(kind: NotifyType) -> Payload {
    Payload::Notify(Notify::new(kind))
}

pub fn suite(provider: &Provider) -> adit_crypto::IkeSuite {
    provider
        .ike_suite(
            EncrId::ENCR_AES_GCM_16,
            Some(128),
            None,
            PrfId::PRF_HMAC_SHA2_256,
        )
        .unwrap()
}

/// What a scripted peer remembers between its two first messages.
pub struct Opening {
    pub request: Vec<u8>,
    pub response: Vec<u8>,
    pub ni: Vec<u8>,
    pub nr: Vec<u8>,
}

impl Peer {
    /// Derives everything from the outcome of IKE_SA_INIT.
    pub fn new(initiator: bool, spi_i: IkeSpi, spi_r: IkeSpi, keys: IkeKeys) -> Self {
        let provider = fake(77);
        let suite = suite(&provider);
        let i = SkCipher::new(&suite.protection, keys.sk_ei.expose(), keys.sk_ai.expose());
        let r = SkCipher::new(&suite.protection, keys.sk_er.expose(), keys.sk_ar.expose());
        let (i, r) = (i.unwrap(), r.unwrap());
        let (seal, open, our_spi, their_spi) = if initiator {
            (i, r, spi_i, spi_r)
        } else {
            (r, i, spi_r, spi_i)
        };
        Self {
            provider,
            local: at(WEST, 500),
            remote: at(EAST, 500),
            initiator,
            our_spi,
            their_spi,
            next_request: u32::from(initiator),
            keys,
            seal,
            open,
        }
    }

    /// IKE_SA_INIT as initiator towards east; `front` goes before SA.
    pub fn open(lab: &mut Lab, front: Vec<Payload>) -> (Self, Opening) {
        let behind = notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED);
        Self::open_offering(lab, front, ike_sa(&[]), vec![behind])
    }

    /// The same with another offer, and other payloads behind the nonce.
    pub fn open_offering(
        lab: &mut Lab,
        front: Vec<Payload>,
        sa: SaPayload,
        behind: Vec<Payload>,
    ) -> (Self, Opening) {
        let provider = fake(77);
        let exchange = provider.ke(KeMethod::CURVE25519).unwrap();
        let (ephemeral, public) = exchange.start(&*provider.random);
        let spi_i = IkeSpi(0x1111_2222_3333_4444);
        let ni = vec![0xaa; 32];
        let header = Header::v2(
            spi_i,
            IkeSpi::ZERO,
            ExchangeType::IKE_SA_INIT,
            Flags::new(true, false),
            0,
        );
        let mut payloads = front;
        payloads.extend([
            Payload::Sa(sa),
            Payload::Ke(KePayload {
                method: KeMethod::CURVE25519,
                data: public,
            }),
            Payload::Nonce(Nonce(ni.clone())),
        ]);
        payloads.extend(behind);
        let request = emit_plain(&header, &PayloadList(payloads)).unwrap();
        let response = exchange_raw(lab, at(WEST, 500), at(EAST, 500), &request).unwrap();
        let parsed = Message::parse(&response).unwrap();
        let nr = parsed.payloads.nonce().unwrap().0.clone();
        let shared = ephemeral
            .finish(&parsed.payloads.ke().unwrap().data)
            .unwrap();
        let spi_r = parsed.header.spi_r;
        let inputs = IkeKeyInputs {
            ni: &ni,
            nr: &nr,
            shared: &shared,
            spi_i: spi_i.to_bytes(),
            spi_r: spi_r.to_bytes(),
        };
        let keys = IkeKeys::derive(&suite(&provider), &inputs);
        let opening = Opening {
            request,
            response,
            ni,
            nr,
        };
        (Self::new(true, spi_i, spi_r, keys), opening)
    }

    /// The payloads that authenticate the initiator with `key`.
    pub fn authenticate(&self, opening: &Opening, key: &[u8]) -> Vec<Payload> {
        let me = id("west.lab");
        let prf = self.provider.prf(PrfId::PRF_HMAC_SHA2_256).unwrap();
        let octets = auth_octets(
            &opening.request,
            &opening.nr,
            prf,
            &self.keys.sk_pi,
            &body(&me),
        );
        vec![
            Payload::IdI(me),
            Payload::Auth(AuthPayload {
                method: AuthMethod::SHARED_KEY_MIC,
                data: psk_auth(prf, &Secret::from(key), &octets).to_vec(),
            }),
        ]
    }

    /// A whole handshake as initiator; the CHILD SA is received under 0x1000.
    pub fn connect(lab: &mut Lab) -> Self {
        let (mut peer, opening) = Self::open(lab, Vec::new());
        let mut auth = peer.authenticate(&opening, b"a shared secret");
        auth.extend([
            Payload::Sa(esp_sa(0x1000, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ]);
        let response = peer.ask(lab, ExchangeType::IKE_AUTH, auth);
        assert!(response.sa().is_some(), "{response:?}");
        peer
    }

    /// IKE_SA_INIT as responder: answers what the lab's west side sent with `payloads` in place of the usual ones if
    /// given. The peer then plays east.
    pub fn answer(lab: &mut Lab, request: &[u8], sa: SaPayload) -> (Self, Opening) {
        let provider = fake(77);
        let parsed = Message::parse(request).unwrap();
        let exchange = provider.ke(KeMethod::CURVE25519).unwrap();
        let (public, shared) = exchange
            .respond(&*provider.random, &parsed.payloads.ke().unwrap().data)
            .unwrap();
        let spi_i = parsed.header.spi_i;
        let spi_r = IkeSpi(0x5555_6666_7777_8888);
        let nr = vec![0xbb; 32];
        let ni = parsed.payloads.nonce().unwrap().0.clone();
        let header = Header::v2(
            spi_i,
            spi_r,
            ExchangeType::IKE_SA_INIT,
            Flags::new(false, true),
            0,
        );
        let payloads = PayloadList(vec![
            Payload::Sa(sa),
            Payload::Ke(KePayload {
                method: KeMethod::CURVE25519,
                data: public,
            }),
            Payload::Nonce(Nonce(nr.clone())),
        ]);
        let response = emit_plain(&header, &payloads).unwrap();
        let inputs = IkeKeyInputs {
            ni: &ni,
            nr: &nr,
            shared: &shared,
            spi_i: spi_i.to_bytes(),
            spi_r: spi_r.to_bytes(),
        };
        let keys = IkeKeys::derive(&suite(&provider), &inputs);
        let mut peer = Self::new(false, spi_i, spi_r, keys);
        (peer.local, peer.remote) = (at(EAST, 500), at(WEST, 500));
        lab.west
            .endpoint
            .handle_datagram(lab.now, peer.remote, peer.local, &response);
        lab.drain();
        let opening = Opening {
            request: request.to_vec(),
            response,
            ni,
            nr,
        };
        (peer, opening)
    }

    /// The payloads that authenticate the responder `name` with `key`.
    pub fn authenticate_responder(
        &self,
        opening: &Opening,
        name: &str,
        key: &[u8],
    ) -> Vec<Payload> {
        let me = id(name);
        let prf = self.provider.prf(PrfId::PRF_HMAC_SHA2_256).unwrap();
        let octets = auth_octets(
            &opening.response,
            &opening.ni,
            prf,
            &self.keys.sk_pr,
            &body(&me),
        );
        vec![
            Payload::IdR(me),
            Payload::Auth(AuthPayload {
                method: AuthMethod::SHARED_KEY_MIC,
                data: psk_auth(prf, &Secret::from(key), &octets).to_vec(),
            }),
        ]
    }

    pub fn header(&self, exchange: ExchangeType, response: bool, id: u32) -> Header {
        let (spi_i, spi_r) = if self.initiator {
            (self.our_spi, self.their_spi)
        } else {
            (self.their_spi, self.our_spi)
        };
        Header::v2(
            spi_i,
            spi_r,
            exchange,
            Flags::new(self.initiator, response),
            id,
        )
    }

    pub fn seal(&mut self, header: Header, payloads: Vec<Payload>) -> Vec<u8> {
        let mut inner = Vec::new();
        let first = PayloadList(payloads).emit(&mut inner).unwrap();
        self.seal_octets(header, first, &inner)
    }

    /// Seals whatever octets, sense or nonsense.
    pub fn seal_octets(&mut self, header: Header, first: PayloadType, inner: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        Header {
            next_payload: PayloadType::SK,
            ..header
        }
        .emit(&mut message);
        message.extend_from_slice(&[first.0, 0, 0, 0]);
        self.seal.seal(&mut message, 28, inner).unwrap();
        message
    }

    /// Seals one fragment.
    pub fn seal_fragment(
        &mut self,
        header: Header,
        first: PayloadType,
        (number, total): (u16, u16),
        part: &[u8],
    ) -> Vec<u8> {
        let mut message = Vec::new();
        Header {
            next_payload: PayloadType::SKF,
            ..header
        }
        .emit(&mut message);
        message.extend_from_slice(&[first.0, 0, 0, 0]);
        message.extend_from_slice(&number.to_be_bytes());
        message.extend_from_slice(&total.to_be_bytes());
        self.seal.seal(&mut message, 28, part).unwrap();
        message
    }

    pub fn unseal(&self, message: &[u8]) -> (Header, PayloadList) {
        let parsed = Message::parse(message).unwrap();
        let Some(Encrypted::Sk {
            first_inner, body, ..
        }) = parsed.encrypted
        else {
            panic!("not encrypted: {parsed:?}");
        };
        let mut copy = message.to_vec();
        let inner = self.open.open(&mut copy, body.start).unwrap();
        (
            parsed.header,
            PayloadList::parse(first_inner, &copy[inner]).unwrap(),
        )
    }

    /// Answers a request of the lab's.
    pub fn respond(&mut self, lab: &mut Lab, request: &Datagram, payloads: Vec<Payload>) {
        let (asked, _) = self.unseal(&request.payload);
        let header = self.header(asked.exchange, true, asked.message_id);
        let payload = self.seal(header, payloads);
        lab.deliver(&Datagram {
            from: request.to,
            to: request.from,
            payload,
        });
    }

    /// Sends a request and takes the answer.
    pub fn ask(
        &mut self,
        lab: &mut Lab,
        exchange: ExchangeType,
        payloads: Vec<Payload>,
    ) -> PayloadList {
        let message = {
            let header = self.header(exchange, false, self.next_request);
            self.seal(header, payloads)
        };
        self.next_request += 1;
        let answer = exchange_raw(lab, self.local, self.remote, &message).expect("no answer");
        self.unseal(&answer).1
    }
}

/// Hands a datagram to whoever owns `to` and takes the one datagram that it answers with.
pub fn exchange_raw(
    lab: &mut Lab,
    from: SocketAddr,
    to: SocketAddr,
    message: &[u8],
) -> Option<Vec<u8>> {
    let now = lab.now;
    let side = if to.ip() == lab.east.address {
        &mut lab.east
    } else {
        &mut lab.west
    };
    side.endpoint.handle_datagram(now, to, from, message);
    lab.drain();
    let mut answers = lab.intercept();
    assert!(answers.len() <= 1, "{} answers", answers.len());
    answers.pop().map(|d| d.payload)
}
