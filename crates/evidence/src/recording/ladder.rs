//! A recording as a capture: the same ladder, with what was inside of every message.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use adit_model::event::Happening;

use super::record::Record;
use super::run::Recording;
use crate::capture::{Capture, Recorded, Rungs, Stamp};

impl Recording {
    /// The exchanges, as a capture beside the gateway would have shown them to somebody with its keys. `tunnel` leaves
    /// out what is known to be another one's.
    #[must_use]
    pub fn ladder(&self, tunnel: Option<&str>) -> Capture {
        let others = |name: Option<&str>| tunnel.is_some() && name.is_some() && name != tunnel;
        let mut rungs = Rungs::default();
        let mut requests: BTreeMap<(SocketAddr, String, u32), Recorded<'_>> = BTreeMap::new();
        for entry in self.entries() {
            match &entry.record {
                Record::Message { connection, .. } if others(connection.as_deref()) => {}
                Record::Message {
                    at,
                    sent,
                    local,
                    remote,
                    octets,
                    plain,
                    ..
                } => {
                    let (from, to) = if *sent {
                        (*local, *remote)
                    } else {
                        (*remote, *local)
                    };
                    let message = Recorded {
                        at: stamp(at.wall.0),
                        from,
                        to,
                        octets: *octets,
                        plain,
                    };
                    if let (true, Some((exchange, id))) = (*sent, rungs.message(message)) {
                        requests.insert((*remote, exchange, id), message);
                    }
                }
                Record::Event { event, .. } => {
                    let (
                        Some(remote),
                        Happening::Retransmitted {
                            exchange,
                            message_id,
                            ..
                        },
                    ) = (event.remote, &event.what)
                    else {
                        continue;
                    };
                    let key = (remote, exchange.clone(), *message_id);
                    if let Some(message) = requests.get(&key) {
                        rungs.message(Recorded {
                            at: stamp(event.at.wall.0),
                            ..*message
                        });
                    }
                }
                _ => {}
            }
        }
        rungs.finish()
    }
}

fn stamp(wall_ms: u64) -> Stamp {
    Stamp(wall_ms.saturating_mul(1_000_000))
}
