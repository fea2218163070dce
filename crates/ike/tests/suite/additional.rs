//! Additional key exchanges before IKE_AUTH: RFC 9370 2.2.1 to 2.2.3 in the exchanges of RFC 9242.

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_crypto::auth::psk_auth;
use adit_crypto::provider::aws_lc;
use adit_crypto::{IkeKeyInputs, IkeKeys, Secret};
use adit_ike::{Endpoint, Settings};
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::proposal::{Proposal, TransformKind};
use adit_model::reason::Refusal;
use adit_wire::iana::{
    AuthMethod, ExchangeType, KeMethod, NotifyType, PayloadType, PrfId, TransformType,
};
use adit_wire::v2::{AuthPayload, Header, KePayload, Payload, PayloadList, SaPayload, Transform};
use common::peer::{Opening, Peer, body, esp_sa, exchange_raw, id, ike_sa, notify, suite, ts};
use common::*;

const HYBRID: &str = "aes128gcm16-prfsha256-x25519-ke1_mlkem768";
const PLAIN: &str = "aes128gcm16-prfsha256-x25519";

fn offering(who: Who, proposals: &[&str]) -> Connection {
    Connection {
        ike: proposals.iter().map(|text| ike(text)).collect(),
        ..connection(who)
    }
}

/// ```text
/// west                                                   east
/// SAi1(… ADDKE1 = ML-KEM-768), KEi, Ni, …, N(INTERMEDIATE…) ►
///    ◄ SAr1(… ADDKE1 = ML-KEM-768), KEr, Nr, …, N(INTERMEDIATE…)
/// SK { KEi(1) } ─────────────────────────────────────────►
///    ◄─────────────────────────────────────── SK { KEr(1) }
/// SK { IDi, …, AUTH, SAi2, TSi, TSr } ───────────────────►
///    ◄──────────────────── SK { IDr, AUTH, SAr2, TSi, TSr }
/// ```
#[test]
fn ml_kem_joins_the_first_key_exchange() {
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID]),
        offering(Who::East, &[HYBRID]),
    );
    lab.up();
    lab.assert_tunnel();
    let ladder = ladder(&lab.west);
    assert_eq!(ladder.len(), 6, "{ladder:#?}");
    assert!(ladder[0].contains("N(INTERMEDIATE_EXCHANGE_SUPPORTED)"));
    assert!(ladder[1].contains("N(INTERMEDIATE_EXCHANGE_SUPPORTED)"));
    assert_eq!(ladder[2], "--> IKE_INTERMEDIATE request 1 [ KE ]");
    assert_eq!(ladder[3], "<-- IKE_INTERMEDIATE response 1 [ KE ]");
    assert!(ladder[4].starts_with("--> IKE_AUTH request 2 "));
    for side in [&lab.west, &lab.east] {
        let suite = side.ike_sa().suite.unwrap();
        assert_eq!(Proposal::from(suite), ike(HYBRID));
        assert!(side.drops().is_empty());
    }
    // ML-KEM-768's key and ciphertext don't fit into one piece beside the rest.
    assert!(lab.history.iter().all(|d| d.payload.len() <= 1208));
}

/// Real ML-KEM, which the laboratory's provider only resembles.
#[test]
fn with_the_real_provider() {
    for method in ["mlkem512", "mlkem768", "mlkem1024"] {
        let text = format!("aes256gcm16-prfsha384-x25519-ke1_{method}");
        let mut lab = Lab::bare(Settings::default(), Settings::default());
        for (who, seed) in [(Who::West, 1), (Who::East, 2)] {
            let now = lab.now;
            let side = lab.side(who);
            side.endpoint = Endpoint::new(Settings::default(), aws_lc(), [seed; 32]);
            side.endpoint
                .set_connection(now, Arc::new(offering(who, &[&text])));
        }
        lab.up();
        lab.assert_tunnel();
    }
}

/// Seven of them, in the order of their places, fragmented both ways; each datagram is lost once.
#[test]
fn seven_additional_exchanges_survive_loss() {
    let text = "aes128gcm16-prfsha256-x25519-ke1_mlkem1024-ke2_mlkem768-ke3_mlkem512-ke4_ecp256-ke5_ecp384-ke6_x25519-ke7_modp2048";
    let whole = {
        let mut lab = Lab::with(offering(Who::West, &[text]), offering(Who::East, &[text]));
        lab.up();
        assert_eq!(Proposal::from(lab.west.ike_sa().suite.unwrap()), ike(text));
        lab.history.len()
    };
    // Two of IKE_SA_INIT, four and three for the long values, two for each of the others, two of IKE_AUTH.
    assert_eq!(whole, 2 + 4 + 3 + 2 * 5 + 2);
    for lost in 0..whole {
        let mut lab = Lab::with(offering(Who::West, &[text]), offering(Who::East, &[text]));
        lab.lose = vec![lost];
        lab.initiate();
        lab.pass(Duration::from_secs(5));
        assert!(
            lab.west.is_up() && lab.east.is_up(),
            "without datagram {lost}"
        );
        lab.assert_tunnel();
    }
}

/// A peer that doesn't know additional key exchanges takes the proposal behind, at once.
#[test]
fn a_peer_without_falls_back_without_a_failed_attempt() {
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID, PLAIN]),
        offering(Who::East, &[PLAIN]),
    );
    lab.up();
    lab.assert_tunnel();
    assert_eq!(ladder(&lab.west).len(), 4);
    assert_eq!(Proposal::from(lab.west.ike_sa().suite.unwrap()), ike(PLAIN));
    let answer = &ladder(&lab.west)[1];
    assert!(!answer.contains("INTERMEDIATE"), "{answer}");

    // So does a hybrid proposal in which the method may be left out.
    let optional = format!("{HYBRID}-ke1_none");
    let mut lab = Lab::with(
        offering(Who::West, &[&optional]),
        offering(Who::East, &[PLAIN]),
    );
    lab.up();
    assert_eq!(ladder(&lab.west).len(), 4);
}

/// Who insists on ML-KEM never ends up without, whichever side it is.
#[test]
fn abuse_75_who_insists_gets_no_less() {
    for (west, east) in [(HYBRID, PLAIN), (PLAIN, HYBRID)] {
        let mut lab = Lab::with(offering(Who::West, &[west]), offering(Who::East, &[east]));
        lab.initiate();
        lab.pass(Duration::from_secs(5));
        assert!(!lab.west.is_up() && !lab.east.is_up());
        let (what, refusal, notify) = lab.east.refusals().remove(0);
        assert_eq!(what, "IKE_SA_INIT");
        assert_eq!(notify.as_deref(), Some("NO_PROPOSAL_CHOSEN"));
        let Refusal::NoIkeProposal { differs, .. } = refusal else {
            panic!("{refusal}")
        };
        assert_eq!(differs, [TransformKind::AdditionalKeyExchange]);
    }
}

/// Somebody on the path takes the hybrid proposal away; both would do without, but the AUTH values tell.
#[test]
fn abuse_75_a_proposal_that_was_taken_away_shows() {
    let both = [HYBRID, PLAIN];
    let mut lab = Lab::with(offering(Who::West, &both), offering(Who::East, &both));
    lab.initiate();
    let mut request = lab.intercept().pop().unwrap();
    let parsed = adit_wire::v2::Message::parse(&request.payload).unwrap();
    let mut payloads = parsed.payloads;
    for payload in &mut payloads.0 {
        if let Payload::Sa(sa) = payload {
            sa.proposals.remove(0);
        }
    }
    request.payload = adit_wire::v2::emit_plain(&parsed.header, &payloads).unwrap();
    lab.deliver(&request);
    lab.pass(Duration::from_secs(5));
    assert!(!lab.west.is_up() && !lab.east.is_up());
    // What is left of the offer went under another number, or the AUTH value doesn't fit; either ends it.
    assert!(!lab.west.refusals().is_empty() || !lab.east.refusals().is_empty());
}

fn hybrid_sa() -> SaPayload {
    let mut sa = ike_sa(&[]);
    sa.proposals[0].transforms.push(Transform::new(
        TransformType::ADDKE1,
        KeMethod::ML_KEM_768.0,
    ));
    sa
}

/// A scripted initiator that has agreed on ML-KEM-768 with east.
fn opened() -> (Lab, Peer, Opening) {
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID]),
        offering(Who::East, &[HYBRID]),
    );
    let supported = notify(NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED);
    let (peer, opening) = Peer::open_offering(&mut lab, vec![], hybrid_sa(), vec![supported]);
    (lab, peer, opening)
}

/// RFC 9370 2.2.1: without IKE_INTERMEDIATE an additional key exchange is a transform of unknown type.
#[test]
fn abuse_71_additional_exchanges_without_the_exchange_for_them() {
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID]),
        offering(Who::East, &[HYBRID]),
    );
    lab.initiate();
    let mut request = lab.intercept().pop().unwrap();
    let parsed = adit_wire::v2::Message::parse(&request.payload).unwrap();
    let mut payloads = parsed.payloads;
    payloads.0.retain(|p| {
        !matches!(p, Payload::Notify(n) if n.kind == NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED)
    });
    request.payload = adit_wire::v2::emit_plain(&parsed.header, &payloads).unwrap();
    lab.deliver(&request);
    assert!(matches!(
        lab.east.refusals()[0].1,
        Refusal::NoIkeProposal { .. }
    ));

    // The other way round: the responder agrees and says nothing of the exchange.
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID]),
        offering(Who::East, &[HYBRID]),
    );
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    Peer::answer(&mut lab, &request.payload, hybrid_sa());
    assert!(lab.intercept().is_empty());
    assert_eq!(lab.west.drops(), [(DropReason::IkeMalformed, 1)]);
}

fn key(method: KeMethod, data: Vec<u8>) -> Vec<Payload> {
    vec![Payload::Ke(KePayload { method, data })]
}

/// Values of another method, of another length and outside the ring are refused, and that is the end of it.
#[test]
fn abuse_72_values_that_are_none() {
    let whole = vec![2; 1184];
    for (method, data) in [
        (KeMethod::ML_KEM_512, vec![2; 800]),
        (KeMethod::CURVE25519, vec![2; 32]),
        (KeMethod::ML_KEM_768, vec![2; 1183]),
        (KeMethod::ML_KEM_768, Vec::new()),
        // The laboratory's methods know no zero.
        (KeMethod::ML_KEM_768, vec![0; 1184]),
        (KeMethod::NONE, whole),
    ] {
        let (mut lab, mut peer, _) = opened();
        let answer = peer.ask(&mut lab, ExchangeType::IKE_INTERMEDIATE, key(method, data));
        assert_eq!(
            answer.error_notify().unwrap().kind,
            NotifyType::INVALID_SYNTAX
        );
        let (what, refusal, _) = lab.east.refusals().remove(0);
        assert_eq!(what, "IKE_INTERMEDIATE");
        assert!(matches!(refusal, Refusal::KeValue { .. }), "{refusal}");
        assert_eq!(lab.east.closed(), ["failed"]);
    }
}

/// Carries out the additional key exchange as the scripted initiator, and gives the request and the response as they
/// were in clear.
fn mixed(lab: &mut Lab, peer: &mut Peer, opening: &Opening) -> (Vec<u8>, Vec<u8>) {
    let method = peer.provider.ke(KeMethod::ML_KEM_768).unwrap();
    let (ephemeral, public) = method.start(&*peer.provider.random);
    let request = key(KeMethod::ML_KEM_768, public);
    let message_id = peer.next_request;
    let header = |response: bool| {
        let initiator = !response;
        Header {
            flags: adit_wire::v2::Flags::new(initiator, response),
            ..peer.header(ExchangeType::IKE_INTERMEDIATE, response, message_id)
        }
    };
    let (asked, answered) = (header(false), header(true));
    let response = peer.ask(lab, ExchangeType::IKE_INTERMEDIATE, request.clone());
    let clear = (
        in_clear(asked, &PayloadList(request)),
        in_clear(answered, &response),
    );
    let shared = ephemeral.finish(&response.ke().unwrap().data).unwrap();
    let inputs = IkeKeyInputs {
        ni: &opening.ni,
        nr: &opening.nr,
        shared: &shared,
        spi_i: peer.our_spi.to_bytes(),
        spi_r: peer.their_spi.to_bytes(),
    };
    let keys = IkeKeys::derive_updated(&suite(&peer.provider), &peer.keys.sk_d, &inputs);
    let next_request = peer.next_request;
    *peer = Peer::new(true, peer.our_spi, peer.their_spi, keys);
    peer.next_request = next_request;
    clear
}

/// RFC 9242 figure 1: from the IKE header to the last inner payload, with lengths to match.
fn in_clear(header: Header, payloads: &PayloadList) -> Vec<u8> {
    let mut inner = Vec::new();
    let first = payloads.emit(&mut inner).unwrap();
    let mut out = Vec::new();
    Header {
        next_payload: PayloadType::SK,
        ..header
    }
    .emit(&mut out);
    let payload = u16::try_from(4 + inner.len()).unwrap().to_be_bytes();
    out.extend([first.0, 0, payload[0], payload[1]]);
    out.extend(inner);
    let whole = u32::try_from(out.len()).unwrap().to_be_bytes();
    out[24..28].copy_from_slice(&whole);
    out
}

/// IKE_AUTH as initiator, with these octets at the end of what is authenticated.
fn authenticate(lab: &mut Lab, peer: &mut Peer, opening: &Opening, int_auth: &[u8]) -> PayloadList {
    let me = id("west.lab");
    let prf = peer.provider.prf(PrfId::PRF_HMAC_SHA2_256).unwrap();
    let maced = prf.compute(peer.keys.sk_pi.expose(), &[&body(&me)]);
    let octets = [&opening.request, &opening.nr, maced.expose(), int_auth].concat();
    let data = psk_auth(prf, &Secret::from(b"a shared secret".as_slice()), &octets);
    let payloads = vec![
        Payload::IdI(me),
        Payload::Auth(AuthPayload {
            method: AuthMethod::SHARED_KEY_MIC,
            data: data.to_vec(),
        }),
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ];
    peer.ask(lab, ExchangeType::IKE_AUTH, payloads)
}

/// RFC 9242 3.3.2: both messages of the exchange enter the AUTH values, and so does the message ID of IKE_AUTH.
#[test]
fn abuse_73_the_exchange_is_authenticated() {
    let int_auth = |old: &IkeKeys, clear: &(Vec<u8>, Vec<u8>), peer: &Peer, mid: u32| {
        let prf = peer.provider.prf(PrfId::PRF_HMAC_SHA2_256).unwrap();
        let i = prf.compute(old.sk_pi.expose(), &[&clear.0]);
        let r = prf.compute(old.sk_pr.expose(), &[&clear.1]);
        [i.expose(), r.expose(), &mid.to_be_bytes()].concat()
    };
    type Change = fn(&mut (Vec<u8>, Vec<u8>), &mut u32);
    let changes: [(bool, Change); 4] = [
        (true, |_, _| {}),
        (false, |clear, _| clear.0[100] ^= 1),
        (false, |clear, _| clear.1[17] ^= 1),
        (false, |_, mid| *mid = 1),
    ];
    for (good, change) in changes {
        let (mut lab, mut peer, opening) = opened();
        let (spi_i, spi_r) = (peer.our_spi, peer.their_spi);
        let mut old = Peer::new(true, spi_i, spi_r, copy(&peer.keys)).keys;
        let mut clear = mixed(&mut lab, &mut peer, &opening);
        let mut mid = 2;
        change(&mut clear, &mut mid);
        let int_auth = int_auth(&old, &clear, &peer, mid);
        old.sk_d = Secret::new(Vec::new());
        let answer = authenticate(&mut lab, &mut peer, &opening, &int_auth);
        assert_eq!(answer.sa().is_some(), good);
        if !good {
            assert!(matches!(
                lab.east.refusals()[0].1,
                Refusal::AuthValue { .. }
            ));
        }
    }
    // Without it, as RFC 7296 alone would have it.
    let (mut lab, mut peer, opening) = opened();
    mixed(&mut lab, &mut peer, &opening);
    let answer = authenticate(&mut lab, &mut peer, &opening, &[]);
    let notify = answer.error_notify().unwrap().kind;
    assert_eq!(notify, NotifyType::AUTHENTICATION_FAILED);
}

fn copy(keys: &IkeKeys) -> IkeKeys {
    IkeKeys {
        sk_d: keys.sk_d.clone(),
        sk_ai: keys.sk_ai.clone(),
        sk_ar: keys.sk_ar.clone(),
        sk_ei: keys.sk_ei.clone(),
        sk_er: keys.sk_er.clone(),
        sk_pi: keys.sk_pi.clone(),
        sk_pr: keys.sk_pr.clone(),
    }
}

/// Nothing is skipped, nothing comes twice: IKE_AUTH before its time and another IKE_INTERMEDIATE after it don't belong
/// there; what was answered is answered again, though the keys are others by now.
#[test]
fn abuse_39_intermediate_exchanges_have_their_place() {
    let (mut lab, mut peer, opening) = opened();
    let auth = peer.authenticate(&opening, b"a shared secret");
    let message = {
        let header = peer.header(ExchangeType::IKE_AUTH, false, 1);
        peer.seal(header, auth)
    };
    assert_eq!(
        exchange_raw(&mut lab, peer.local, peer.remote, &message),
        None
    );
    assert_eq!(lab.east.drops(), [(DropReason::IkeUnexpectedExchange, 1)]);

    let method = peer.provider.ke(KeMethod::ML_KEM_768).unwrap();
    let (_, public) = method.start(&*peer.provider.random);
    let header = peer.header(ExchangeType::IKE_INTERMEDIATE, false, 1);
    let request = peer.seal(header, key(KeMethod::ML_KEM_768, public.clone()));
    let first = exchange_raw(&mut lab, peer.local, peer.remote, &request).unwrap();
    let again = exchange_raw(&mut lab, peer.local, peer.remote, &request).unwrap();
    assert_eq!(first, again);
    assert_eq!(lab.east.endpoint.drops().get(DropReason::IkeDuplicate), 1);

    // One more than was agreed on, and under the old keys.
    let header = peer.header(ExchangeType::IKE_INTERMEDIATE, false, 2);
    let request = peer.seal(header, key(KeMethod::ML_KEM_768, public));
    assert_eq!(
        exchange_raw(&mut lab, peer.local, peer.remote, &request),
        None
    );
    assert_eq!(
        lab.east
            .endpoint
            .drops()
            .get(DropReason::IkeUnexpectedExchange),
        2
    );
    // Junk in IKE_AUTH's place doesn't end what is half open.
    let header = peer.header(ExchangeType::IKE_AUTH, false, 2);
    let junk = peer.seal(header, Vec::new());
    assert_eq!(exchange_raw(&mut lab, peer.local, peer.remote, &junk), None);
    assert_eq!(
        lab.east.endpoint.drops().get(DropReason::IkeAuthenticity),
        1
    );
    assert_eq!(lab.east.endpoint.snapshot().len(), 1);
}

/// Who doesn't go on is forgotten when its time is over.
#[test]
fn a_half_open_ike_sa_ends_between_the_exchanges() {
    let (mut lab, mut peer, opening) = opened();
    mixed(&mut lab, &mut peer, &opening);
    lab.cut = true;
    lab.pass(Duration::from_secs(31));
    assert_eq!(lab.east.closed(), ["half-open-timeout"]);
    assert!(lab.east.endpoint.is_idle());
}

/// The responder refuses in the middle; the initiator tells so.
#[test]
fn the_initiator_tells_who_refused_between_the_exchanges() {
    let mut lab = Lab::with(
        offering(Who::West, &[HYBRID]),
        offering(Who::East, &[HYBRID]),
    );
    lab.initiate();
    lab.step();
    lab.step();
    // East forgets its connection, and with it the half-open IKE SA: nobody answers any more.
    let now = lab.now;
    lab.east.endpoint.remove_connection(now, "site");
    lab.intercept();
    lab.cut = true;
    lab.pass(Duration::from_secs(120));
    assert!(lab.west.saw(
        |h| matches!(h, Happening::GaveUp { exchange, .. } if exchange == "IKE_INTERMEDIATE")
    ));
    assert_eq!(lab.west.closed(), ["failed"]);
}
