//! The message window of size one in each direction (RFC 7296 2.1 to 2.3).

use adit_model::Mono;
use adit_model::connection::Retransmit;
use adit_wire::iana::ExchangeType;

use crate::head::NetPath;

/// Our request that waits for its response.
pub(crate) struct Pending {
    pub exchange: ExchangeType,
    pub message_id: u32,
    /// The same octets go out each time.
    pub datagrams: Vec<Vec<u8>>,
    pub schedule: Retransmit,
    pub transmissions: u32,
    first: Mono,
    last: Mono,
}

/// What is to be done about a pending request now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    NotYet,
    /// Send again; the number of the retransmission.
    Resend(u32),
    GiveUp,
}

impl Pending {
    pub fn new(
        exchange: ExchangeType,
        message_id: u32,
        datagrams: Vec<Vec<u8>>,
        schedule: Retransmit,
        now: Mono,
    ) -> Self {
        Self {
            exchange,
            message_id,
            datagrams,
            schedule,
            transmissions: 1,
            first: now,
            last: now,
        }
    }

    /// It was sent over another path: as if for the first time.
    pub fn restart(&mut self, now: Mono) {
        self.transmissions = 1;
        (self.first, self.last) = (now, now);
    }

    pub fn due(&self) -> Mono {
        self.last + self.schedule.wait_after(self.transmissions)
    }

    /// Milliseconds since the first transmission.
    pub fn waited_ms(&self, now: Mono) -> u64 {
        u64::try_from(now.since(self.first).as_millis()).unwrap_or(u64::MAX)
    }

    pub fn check(&mut self, now: Mono) -> Overdue {
        if now < self.due() {
            return Overdue::NotYet;
        }
        if self.transmissions > self.schedule.tries {
            return Overdue::GiveUp;
        }
        self.last = now;
        self.transmissions += 1;
        Overdue::Resend(self.transmissions - 1)
    }
}

/// The peer's requests.
#[derive(Default)]
pub(crate) struct Replies {
    /// The message ID that the next request must have.
    pub next: u32,
    /// The request that is being worked on.
    pub current: Option<Current>,
    /// The response to request `next - 1`.
    pub last: Option<Vec<Vec<u8>>>,
}

/// A request that isn't answered yet.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    pub exchange: ExchangeType,
    pub message_id: u32,
    /// Where the answer goes (RFC 7296 2.11).
    pub path: NetPath,
}

/// Where a request stands in the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The next one.
    Fresh,
    /// The one that is being worked on.
    InWork,
    /// The one answered last.
    Answered,
    /// Any other.
    Outside,
}

impl Replies {
    pub fn starting_at(next: u32) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    pub fn place(&self, message_id: u32) -> Place {
        if message_id == self.next {
            match self.current {
                Some(_) => Place::InWork,
                None => Place::Fresh,
            }
        } else if self.last.is_some() && message_id.checked_add(1) == Some(self.next) {
            Place::Answered
        } else {
            Place::Outside
        }
    }

    /// The current request is answered with `datagrams`.
    pub fn answered(&mut self, datagrams: Vec<Vec<u8>>) {
        self.current = None;
        self.next = self.next.saturating_add(1);
        self.last = Some(datagrams);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn requests_are_repeated_with_back_off_and_then_given_up() {
        let schedule = Retransmit {
            initial: Duration::from_secs(1),
            backoff_percent: 200,
            max: Duration::from_secs(3),
            tries: 2,
        };
        let second = 1_000_000_000;
        let mut pending = Pending::new(ExchangeType::IKE_AUTH, 1, Vec::new(), schedule, Mono(0));
        assert_eq!(pending.check(Mono(second - 1)), Overdue::NotYet);
        assert_eq!(pending.check(Mono(second)), Overdue::Resend(1));
        assert_eq!(pending.due(), Mono(3 * second));
        assert_eq!(pending.check(Mono(3 * second)), Overdue::Resend(2));
        assert_eq!(pending.due(), Mono(6 * second));
        assert_eq!(pending.check(Mono(6 * second)), Overdue::GiveUp);
        assert_eq!(pending.waited_ms(Mono(6 * second)), 6000);
    }

    #[test]
    fn the_window_knows_the_next_request_and_the_last() {
        let mut replies = Replies::starting_at(1);
        assert_eq!(replies.place(0), Place::Outside);
        assert_eq!(replies.place(1), Place::Fresh);
        replies.answered(vec![vec![1]]);
        assert_eq!(replies.place(1), Place::Answered);
        assert_eq!(replies.place(2), Place::Fresh);
        assert_eq!(replies.place(3), Place::Outside);
    }
}
