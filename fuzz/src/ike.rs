//! Targets for `adit-ike`: any octets to an endpoint at any stage of an IKE SA's life, and any octets under the right
//! keys.

#[path = "../../crates/ike/tests/suite/common/mod.rs"]
#[allow(dead_code)]
mod laboratory;

use std::time::Duration;

use adit_model::connection::{AuthKind, Authentication, Connection};
use adit_model::event::Happening;
use adit_wire::iana::{AuthMethod, CertEncoding, ExchangeType, NotifyType, PayloadType};
use adit_wire::v2::{CertPayload, CertReqPayload, Notify, Payload, PayloadList};
use laboratory::names::{Names, certificate};
use laboratory::peer::{Opening, Peer, esp_sa, ike_sa, ts};
use laboratory::{Datagram, EAST, Keys, Lab, WEST, Who, at, connection};

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("ike_endpoint", ike_endpoint)];

/// Where in its life the endpoint is that gets the input.
struct Scene {
    lab: Lab,
    who: Who,
    /// Who shares the endpoint's keys, where there are any.
    peer: Option<Peer>,
    spis: [u8; 16],
}

/// The first octet chooses the scene and whether the rest is a datagram or what a sealed message has inside.
///
/// A datagram is taken as it is or with the SPIs of the scene. Of sealed octets the first is the type of the first
/// payload, the second the exchange type, the third the message ID and whether it is a response.
pub fn ike_endpoint(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let mut scene = scene(choice & 0x07);
    let message = match (&mut scene.peer, data) {
        (Some(peer), [first, exchange, id, inner @ ..]) if choice & 0x80 != 0 => {
            let response = id & 0x80 != 0;
            let header = peer.header(ExchangeType(*exchange), response, u32::from(id & 0x0f));
            peer.seal_octets(header, PayloadType(*first), inner)
        }
        _ => {
            let mut message = data.to_vec();
            if let (true, Some(place)) = (choice & 0x40 != 0, message.get_mut(..16)) {
                place.copy_from_slice(&scene.spis);
            }
            message
        }
    };
    feed(&mut scene, &message);
    // What was said once is said again; then time passes until every timer has fired.
    feed(&mut scene, &message);
    scene.lab.cut = true;
    scene.lab.pass(Duration::from_secs(300));
}

fn feed(scene: &mut Scene, message: &[u8]) {
    let (from, to) = match scene.who {
        Who::West => (at(EAST, 500), at(WEST, 500)),
        Who::East => (at(WEST, 500), at(EAST, 500)),
    };
    let side = scene.lab.side(scene.who);
    let before = side.endpoint.snapshot();
    let (counted, seen) = (side.endpoint.drops().total(), side.events.len());
    scene.lab.deliver(&Datagram {
        from,
        to,
        payload: message.to_vec(),
    });
    let side = scene.lab.side(scene.who);
    let counted = side.endpoint.drops().total() - counted;
    let dropped = side.events[seen..]
        .iter()
        .filter(|e| matches!(e.what, Happening::Dropped { .. }))
        .count();
    assert!(counted <= 1 && dropped as u64 == counted);
    if counted == 1 {
        assert!(
            before == side.endpoint.snapshot(),
            "a dropped packet changed something"
        );
    }
}

fn scene(number: u8) -> Scene {
    let mut lab = Lab::new();
    match number {
        // A responder that has heard of nobody yet.
        0 => Scene {
            lab,
            who: Who::East,
            peer: None,
            spis: [7; 16],
        },
        // An initiator that has sent IKE_SA_INIT.
        1 => {
            lab.initiate();
            let request = lab.intercept().remove(0);
            let mut spis = [7; 16];
            spis[..8].copy_from_slice(&request.payload[..8]);
            Scene {
                lab,
                who: Who::West,
                peer: None,
                spis,
            }
        }
        // An initiator that has sent IKE_AUTH.
        2 => {
            lab.initiate();
            let request = lab.intercept().remove(0);
            let (peer, _) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
            lab.intercept();
            with_peer(lab, Who::West, peer)
        }
        // A responder that awaits IKE_AUTH.
        3 => {
            let (peer, _) = Peer::open(&mut lab, Vec::new());
            with_peer(lab, Who::East, peer)
        }
        // A responder that awaits a certificate, and an initiator that has shown its own.
        6 => {
            let mut lab = with_certificates();
            let (peer, _) = Peer::open(&mut lab, Vec::new());
            with_peer(lab, Who::East, peer)
        }
        7 => {
            let mut lab = with_certificates();
            lab.initiate();
            let request = lab.intercept().remove(0);
            let (peer, _) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
            lab.intercept();
            with_peer(lab, Who::West, peer)
        }
        // An established IKE SA, and one that is being deleted.
        _ => {
            let peer = Peer::connect(&mut lab);
            if number == 5 {
                let now = lab.now;
                let _ = lab.east.endpoint.terminate(now, "site");
                lab.drain();
                lab.intercept();
            }
            with_peer(lab, Who::East, peer)
        }
    }
}

/// Both sides have certificates, and whatever the peer shows is accepted.
fn with_certificates() -> Lab {
    let side = |who| Connection {
        auth: Authentication::both(AuthKind::Certificate),
        ..connection(who)
    };
    let mut lab = Lab::with(side(Who::West), side(Who::East));
    for (who, name) in [(Who::West, b"west"), (Who::East, b"east")] {
        let side = lab.side(who);
        side.endpoint.set_authorities("site", vec![[1; 20]]);
        side.keys = Keys::Accepting(Names {
            certificates: vec![certificate(name)],
            trusted: Vec::new(),
        });
    }
    lab
}

fn with_peer(lab: Lab, who: Who, peer: Peer) -> Scene {
    let mut spis = [0; 16];
    let mut header = Vec::new();
    peer.header(ExchangeType::INFORMATIONAL, false, 0)
        .emit(&mut header);
    spis.copy_from_slice(&header[..16]);
    Scene {
        lab,
        who,
        peer: Some(peer),
        spis,
    }
}

/// Seeds that get past the first checks: the messages of a handshake, and what a peer would ask for afterwards.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut lab = Lab::new();
    lab.up();
    let mut out = Vec::new();
    for (number, datagram) in lab.history.iter().enumerate() {
        for scene in [0x00, 0x01, 0x43, 0x44] {
            out.push((
                format!("message{number}-scene{scene:02x}"),
                [&[scene], datagram.payload.as_slice()].concat(),
            ));
        }
    }
    let sealed = |scene: u8, exchange: ExchangeType, id: u8, payloads: Vec<Payload>| {
        let mut inner = Vec::new();
        let first = PayloadList(payloads)
            .emit(&mut inner)
            .expect("payloads fit");
        [&[0x80 | scene, first.0, exchange.0, id], inner.as_slice()].concat()
    };
    let child = |front: Vec<Payload>| {
        let mut all = front;
        all.extend([
            Payload::Sa(esp_sa(0x1001, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ]);
        all
    };
    let (peer, opening): (Peer, Opening) = Peer::open(&mut Lab::new(), Vec::new());
    let auth = child(peer.authenticate(&opening, b"a shared secret"));
    out.push(("auth".into(), sealed(3, ExchangeType::IKE_AUTH, 1, auth)));
    out.extend(certificates().map(|(name, scene, id, payloads)| {
        let sealed = sealed(scene, ExchangeType::IKE_AUTH, id, child(payloads));
        (name.to_owned(), sealed)
    }));
    let delete = |d| vec![Payload::Delete(d)];
    let esp = adit_wire::v2::Delete::child(adit_wire::iana::ProtocolId::ESP, [0x1000]);
    let ike = adit_wire::v2::Delete::ike();
    let nonce = || Payload::Nonce(adit_wire::v2::Nonce(vec![5; 32]));
    let rekey = Payload::Notify(adit_wire::v2::Notify::about_child(
        adit_wire::iana::NotifyType::REKEY_SA,
        adit_wire::iana::ProtocolId::ESP,
        0x1000,
        Vec::new(),
    ));
    let ke = Payload::Ke(adit_wire::v2::KePayload {
        method: adit_wire::iana::KeMethod::CURVE25519,
        data: [vec![0; 31], vec![9]].concat(),
    });
    for (name, exchange, payloads) in [
        ("empty", ExchangeType::INFORMATIONAL, vec![]),
        ("delete-child", ExchangeType::INFORMATIONAL, delete(esp)),
        ("delete-ike", ExchangeType::INFORMATIONAL, delete(ike)),
        ("child", ExchangeType::CREATE_CHILD_SA, child(vec![nonce()])),
        (
            "rekey-child",
            ExchangeType::CREATE_CHILD_SA,
            child(vec![rekey, nonce()]),
        ),
        (
            "rekey-ike",
            ExchangeType::CREATE_CHILD_SA,
            vec![Payload::Sa(ike_sa(&[7; 8])), nonce(), ke],
        ),
    ] {
        for scene in [4, 5] {
            out.push((
                format!("{name}-{scene}"),
                sealed(scene, exchange, 2, payloads.clone()),
            ));
        }
    }
    out
}

/// IKE_AUTH with certificates, in good order and not, to either side.
fn certificates() -> impl Iterator<Item = (&'static str, u8, u8, Vec<Payload>)> {
    let (peer, opening) = Peer::open(&mut Lab::new(), Vec::new());
    let request = peer.authenticate(&opening, b"west");
    let response = peer.authenticate_responder(&opening, "east.lab", b"east");
    let signed = |mut payloads: Vec<Payload>, certificates: Vec<CertPayload>| {
        for payload in &mut payloads {
            if let Payload::Auth(auth) = payload {
                auth.method = AuthMethod::DIGITAL_SIGNATURE;
                auth.data.splice(..0, [7, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70]);
            }
        }
        payloads.extend(certificates.into_iter().map(Payload::Cert));
        payloads.extend([
            Payload::CertReq(CertReqPayload {
                encoding: CertEncoding::X509_SIGNATURE,
                authorities: vec![1; 40],
            }),
            Payload::Notify(Notify::with_data(
                NotifyType::SUPPORTED_AUTH_METHODS,
                vec![2, 2, 3, 9, 0, 10, 14, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70],
            )),
        ]);
        payloads
    };
    let of = |encoding| CertPayload {
        encoding,
        data: vec![0x30, 3, 2, 1, 1],
    };
    let chain = vec![
        of(CertEncoding::X509_SIGNATURE),
        of(CertEncoding::X509_SIGNATURE),
        of(CertEncoding::CRL),
    ];
    [
        ("cert-request", 6, 1, signed(request.clone(), chain.clone())),
        ("cert-response", 7, 0x81, signed(response, chain)),
        ("cert-none", 6, 1, signed(request.clone(), Vec::new())),
        (
            "cert-by-url",
            6,
            1,
            signed(request.clone(), vec![of(CertEncoding::HASH_AND_URL_X509)]),
        ),
        (
            "cert-too-many",
            6,
            1,
            signed(request, vec![of(CertEncoding::X509_SIGNATURE); 20]),
        ),
    ]
    .into_iter()
}
