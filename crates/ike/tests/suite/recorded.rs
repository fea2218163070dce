//! A recorded handshake of two strongSwan gateways, replayed into an endpoint in either role: what they sent to each
//! other is understood, and the same keys come out.

use crate::common;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use adit_crypto::{Ephemeral, KeError, KeSpec, KeyExchange, Provider, Random, provider};
use adit_ike::{Endpoint, IkeSaState, Settings};
use adit_model::Secret;
use adit_model::connection::Remote;
use adit_model::event::Happening;
use adit_wire::iana::KeMethod;
use common::*;
use serde_json::Value;

const FIXTURE: &str = include_str!("../../../crypto/tests/fixtures/ikev2-psk-handshake.json");

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

/// Gives the recorded octets, told apart by how many are asked for: IKE SPIs, ESP SPIs, nonces.
struct Recorded(Mutex<VecDeque<Vec<u8>>>);

impl Random for Recorded {
    fn fill(&self, out: &mut [u8]) {
        let mut queue = self.0.lock().unwrap();
        let Some(at) = queue.iter().position(|o| o.len() == out.len()) else {
            // Times of renewal are drawn too.
            assert_eq!(out.len(), 2);
            return;
        };
        out.copy_from_slice(&queue.remove(at).unwrap());
    }
}

/// A key exchange whose secrets are known beforehand.
struct Known {
    spec: KeSpec,
    secrets: Mutex<VecDeque<Vec<u8>>>,
}

impl KeyExchange for Known {
    fn spec(&self) -> &KeSpec {
        &self.spec
    }

    fn start(&'static self, _: &dyn Random) -> (Box<dyn Ephemeral>, Vec<u8>) {
        (Box::new(Outcome(self)), vec![9; self.spec.initiator_len])
    }

    fn dangerous_start_with(
        &'static self,
        _: &[u8],
    ) -> Result<(Box<dyn Ephemeral>, Vec<u8>), KeError> {
        Err(KeError::BadPrivate(self.spec.id))
    }
}

struct Outcome(&'static Known);

impl Ephemeral for Outcome {
    fn finish(&self, _: &[u8]) -> Result<Secret, KeError> {
        let secret = self.0.secrets.lock().unwrap().pop_front().unwrap();
        Ok(Secret::new(secret))
    }
}

fn recorded_provider(octets: Vec<Vec<u8>>, secrets: Vec<Vec<u8>>) -> Provider {
    let real = provider::aws_lc();
    let known: &'static Known = Box::leak(Box::new(Known {
        spec: *real.ke(KeMethod::CURVE25519).unwrap().spec(),
        secrets: Mutex::new(secrets.into()),
    }));
    let methods: &'static [&'static dyn KeyExchange] = Box::leak(vec![known as _].into());
    Provider {
        ke: methods,
        random: Arc::new(Recorded(Mutex::new(octets.into()))),
        ..real
    }
}

/// The side of the record that an endpoint plays.
fn side(fixture: &Value, who: Who, octets: Vec<Vec<u8>>) -> (Lab, Vec<Datagram>) {
    let children = fixture["children"].as_array().unwrap();
    let secrets = vec![unhex(&fixture["shared"]), unhex(&children[1]["shared"])];
    let mut lab = Lab::bare(Settings::default(), Settings::default());
    let mut config = connection(who);
    config.children[0].esp = vec![esp("aes128gcm16-x25519")];
    config.remote = Remote::Any;
    config.remote = match who {
        Who::West => Remote::Address(ip(EAST)),
        Who::East => Remote::Any,
    };
    let now = lab.now;
    let played = lab.side(who);
    played.endpoint = Endpoint::new(
        Settings::default(),
        recorded_provider(octets, secrets),
        [0; 32],
    );
    played.keys = Keys::Holds(b"a-preshared-key-for-the-lab");
    played.endpoint.set_connection(now, Arc::new(config));
    let from_peer = match who {
        Who::West => "responder",
        Who::East => "initiator",
    };
    let (here, there) = match who {
        Who::West => (WEST, EAST),
        Who::East => (EAST, WEST),
    };
    let messages = fixture["messages"].as_array().unwrap();
    let datagrams = messages
        .iter()
        .filter(|m| m["from"] == from_peer)
        .map(|m| {
            let port = |key: &str| u16::try_from(m[key].as_u64().unwrap()).unwrap();
            Datagram {
                from: at(there, port("src_port")),
                to: at(here, port("dst_port")),
                payload: unhex(&m["octets"]),
            }
        })
        .collect();
    (lab, datagrams)
}

#[test]
fn as_responder() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let children = fixture["children"].as_array().unwrap();
    let octets = vec![
        unhex(&fixture["spi_r"]),
        unhex(&fixture["nr"]),
        unhex(&children[0]["initiator_to_responder_spi"]),
        unhex(&children[1]["nr"]),
        unhex(&children[1]["initiator_to_responder_spi"]),
    ];
    let (mut lab, requests) = side(&fixture, Who::East, octets);
    let [init, auth, rekey, delete_child, delete_ike] = requests.as_slice() else {
        panic!("five requests are recorded");
    };
    lab.deliver(init);
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Connecting);
    lab.deliver(auth);
    assert!(lab.east.is_up(), "{:#?}", lab.east.events);
    assert_eq!(lab.east.ike_sa().remote_id, Some(fqdn("west.lab")));
    lab.deliver(rekey);
    for (sa, expected) in lab.east.installed.iter().zip(children) {
        assert!(sa.key_in.expose() == unhex(&expected["initiator_key"]));
        assert!(sa.key_out.expose() == unhex(&expected["responder_key"]));
        assert_eq!(
            sa.spi_out.to_be_bytes().to_vec(),
            unhex(&expected["responder_to_initiator_spi"])
        );
        assert_eq!(sa.ts_local, selectors(&["10.2.0.0/24"]));
        assert_eq!(sa.ts_remote, selectors(&["10.1.0.0/24"]));
    }
    assert_eq!(lab.east.installed.len(), 2);
    lab.deliver(delete_child);
    assert_eq!(lab.east.installed.len(), 1);
    lab.deliver(delete_ike);
    assert_eq!(lab.east.closed(), ["deleted"]);
    assert!(lab.east.endpoint.is_idle());
    assert_eq!(lab.east.drops(), []);
    assert_eq!(lab.history.len(), 5);
}

#[test]
fn as_initiator() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let child = &fixture["children"][0];
    let octets = vec![
        unhex(&fixture["spi_i"]),
        unhex(&fixture["ni"]),
        unhex(&child["responder_to_initiator_spi"]),
    ];
    let (mut lab, responses) = side(&fixture, Who::West, octets);
    lab.initiate();
    lab.deliver(&responses[0]);
    // The responder pretended to be behind a NAT, as strongSwan with user-space ESP does.
    assert!(lab.west.saw(|h| *h == Happening::Floated));
    lab.deliver(&responses[1]);
    assert!(lab.west.is_up(), "{:#?}", lab.west.events);
    let sa = &lab.west.installed[0];
    assert!(sa.key_out.expose() == unhex(&child["initiator_key"]));
    assert!(sa.key_in.expose() == unhex(&child["responder_key"]));
    assert_eq!(
        sa.spi_out.to_be_bytes().to_vec(),
        unhex(&child["initiator_to_responder_spi"])
    );
    assert!(sa.path.udp_encap);
    assert_eq!(lab.west.drops(), []);
}
