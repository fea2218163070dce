//! Where test packets are sent from and arrive, on either side; and how many may be sent.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use adit_kernel::test_port::TestPort;
use adit_model::event::PathProblem;
use adit_model::probed::Sent;
use serde::{Deserialize, Serialize};

use super::packet::{self, Shot, Token};
use crate::probe::problem;

/// Between whom test packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// Our address, and our port of ESP in UDP.
    pub local: SocketAddr,
    /// The peer's address, and the port that ESP in UDP goes to.
    pub remote: SocketAddr,
}

/// What the network, or the sender's own host, says about a test packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Word {
    /// It was in UDP.
    pub udp: bool,
    /// What it says.
    pub problem: PathProblem,
    /// Who; `None` for the host that sent.
    pub by: Option<IpAddr>,
}

/// The sockets of one test.
pub(crate) struct Post {
    plain: Result<TestPort, String>,
    udp: Result<TestPort, String>,
    ends: Ends,
    token: Token,
    number: u32,
    sent: Sent,
    buffer: Vec<u8>,
    seen: Seen,
}

/// The numbers of the packets that have arrived.
#[derive(Default)]
struct Seen(BTreeSet<u32>);

impl Seen {
    /// Whether one counts: each does once, and no more do than a test may send.
    fn counts(&mut self, number: u32) -> bool {
        self.0.len() < MOST_PACKETS && self.0.insert(number)
    }
}

impl Post {
    /// Opens both sockets. What can't be opened sends and receives nothing.
    pub(crate) fn open(ends: Ends, spi: u32, token: Token) -> Self {
        let open = |port| {
            let port = TestPort::open(ends.local.ip(), port, spi);
            port.map_err(|error| error.to_string())
        };
        Self {
            plain: open(None),
            udp: open(Some(ends.local.port())),
            ends,
            token,
            number: 0,
            sent: Sent::default(),
            buffer: vec![0; 65_536],
            seen: Seen::default(),
        }
    }

    /// What couldn't be opened.
    pub(crate) fn problem(&self) -> Option<String> {
        let both = [&self.plain, &self.udp];
        both.into_iter()
            .find_map(|port| port.as_ref().err().cloned())
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> Sent {
        self.sent
    }

    /// Sends packets, the short ones first and one after the other: in a heap, some would be lost for want of buffers, and
    /// the kernel would put equal ones together. No more than the budget of a test allows are sent, the first of `shots` before
    /// others. Returns those that were sent, and what was wrong with others.
    pub(crate) fn send(&mut self, shots: &[Shot]) -> (Vec<Shot>, Vec<Word>) {
        let mut planned = self.sent;
        let mut shots = shots.to_vec();
        shots.retain(|shot| {
            let may = may_send(planned, *shot);
            if may {
                planned.add(shot.octets.into());
            }
            may
        });
        shots.sort_by_key(|shot| (shot.octets, shot.udp));
        let (mut sent, mut words) = (Vec::new(), Vec::new());
        for shot in shots {
            let port = if shot.udp { &self.udp } else { &self.plain };
            let Ok(port) = port else {
                continue;
            };
            self.number += 1;
            let content = packet::content(shot, &self.token, self.number, port.headers());
            let Some(content) = content.filter(|_| may_send(self.sent, shot)) else {
                continue;
            };
            // A host that doesn't do this sends what its link takes, and that is seen to by who asks.
            let _ = port.forbid_cutting(shot.whole);
            let outcome = port.send(&content, self.ends.remote);
            // A device that throws a packet away as it is handed over has lost it on its way.
            let lost = |error: &io::Error| error.raw_os_error() == Some(libc::ENOBUFS);
            match outcome.or_else(|error| if lost(&error) { Ok(()) } else { Err(error) }) {
                Ok(()) => {
                    self.sent.add(shot.octets.into());
                    sent.push(shot);
                }
                Err(error) => words.push(Word {
                    udp: shot.udp,
                    problem: PathProblem::LocalSend(error.raw_os_error().unwrap_or(0)),
                    by: None,
                }),
            }
            std::thread::sleep(BETWEEN);
        }
        (sent, words)
    }

    /// What has arrived since the last call.
    pub(crate) fn arrived(&mut self) -> Vec<Shot> {
        let mut shots = Vec::new();
        for (udp, port) in [(false, &self.plain), (true, &self.udp)] {
            let Ok(port) = port else {
                continue;
            };
            for _ in 0..MOST_RECEIVED {
                let Ok((from, octets)) = port.receive(&mut self.buffer) else {
                    break;
                };
                if from == self.ends.remote.ip() {
                    let read = packet::read(octets, &self.token, udp, port.headers());
                    let counting = read.into_iter().filter(|(n, _)| self.seen.counts(*n));
                    shots.extend(counting.map(|(_, shot)| shot));
                }
            }
        }
        shots
    }

    /// What was said about packets from here since the last call.
    pub(crate) fn words(&mut self) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        for (udp, port) in [(false, &self.plain), (true, &self.udp)] {
            let Ok(port) = port else {
                continue;
            };
            for _ in 0..MOST_RECEIVED {
                let Ok(Some(error)) = port.receive_error(self.ends.remote) else {
                    break;
                };
                let word = Word {
                    udp,
                    problem: problem(error.kind),
                    by: error.offender,
                };
                if words.len() < MOST_WORDS && !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        words
    }
}

/// Whether one more packet is within what a test may send.
fn may_send(sent: Sent, shot: Shot) -> bool {
    sent.packets < MOST_PACKETS as u64 && sent.octets + u64::from(shot.octets) <= MOST_OCTETS
}

/// What one side of a test sends at most: packets, and their octets.
pub(crate) const MOST_PACKETS: usize = 48;
/// See [`MOST_PACKETS`].
pub(crate) const MOST_OCTETS: u64 = 60_000;
/// Words that are kept of one round.
const MOST_WORDS: usize = 8;
/// What is received at once from one socket: whoever sends more doesn't keep the test busy.
const MOST_RECEIVED: usize = 256;
/// Between two packets.
const BETWEEN: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_counts_once_and_no_more_do_than_a_test_sends() {
        let mut seen = Seen::default();
        assert!(seen.counts(7) && !seen.counts(7));
        let counted = (100..10_000).filter(|number| seen.counts(*number)).count();
        assert_eq!(counted, MOST_PACKETS - 1);
    }

    #[test]
    fn a_test_sends_no_more_than_its_budget() {
        let shot = |octets| Shot {
            udp: false,
            octets,
            whole: true,
        };
        let sent = |packets, octets| Sent { packets, octets };
        assert!(may_send(sent(47, 0), shot(1500)));
        assert!(!may_send(sent(48, 0), shot(120)));
        assert!(may_send(sent(1, 58_500), shot(1500)));
        assert!(!may_send(sent(1, 58_501), shot(1500)));
        // Of jumbo frames no more than six.
        assert!(!may_send(sent(6, 6 * 9000), shot(9000)));
    }
}
