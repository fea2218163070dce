//! Ladders that people write of a capture: `22:03:51  198.51.100.7:500 -> 203.0.113.9:500  IKE_SA_INIT request`, below it
//! `retransmit`.

use std::net::SocketAddr;

use super::Printed;
use super::ike::Said;

const EXCHANGES: [&str; 5] = [
    "IKE_SA_INIT",
    "IKE_INTERMEDIATE",
    "IKE_AUTH",
    "CREATE_CHILD_SA",
    "INFORMATIONAL",
];

/// Pairs of ends kept.
const MOST: usize = 256;

impl Printed {
    /// Takes in a line of a ladder; says whether it was one.
    pub(super) fn ladder_line(&mut self, line: u64, body: &str) -> bool {
        let Some((from, to, told)) = row(body) else {
            return false;
        };
        let key = (from.ip(), to.ip());
        let named = EXCHANGES.into_iter().find(|name| told.contains(name));
        let lower = told.to_ascii_lowercase();
        let (exchange, response) = match named {
            Some(exchange) => (
                exchange,
                ["response", "reply", "answer"]
                    .iter()
                    .any(|w| lower.contains(w)),
            ),
            None if lower.contains("retransmi") => match self.ladder.get(&key) {
                Some(same) => *same,
                None => return false,
            },
            None => return false,
        };
        if self.ladder.len() < MOST || self.ladder.contains_key(&key) {
            self.ladder.insert(key, (exchange, response));
        }
        let opens = exchange == "IKE_SA_INIT";
        let said = Said {
            version: 2,
            exchange,
            response: Some(response),
            from_initiator: opens.then_some(!response),
            encrypted: !opens,
            opens,
            ..Said::default()
        };
        let packet = self.packet(line, (from, to), 0);
        let (message, same) = self.ike.message(&packet, said);
        self.sorter.message(message, same);
        true
    }
}

/// Both ends, with their ports, and what is said behind them.
fn row(body: &str) -> Option<(SocketAddr, SocketAddr, &str)> {
    let (head, tail) = body.split_once(" -> ").or_else(|| body.split_once(" → "))?;
    let from = head.rsplit(char::is_whitespace).next()?.parse().ok()?;
    let tail = tail.trim_start();
    let (to, told) = tail.split_once(char::is_whitespace)?;
    Some((
        from,
        to.trim_end_matches([':', ',']).parse().ok()?,
        told.trim(),
    ))
}
