//! The message window in each direction (RFC 7296 2.1 to 2.3): of size one until the peers have authenticated, then of
//! what the receiving side says it keeps.

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
pub(crate) struct Replies {
    /// The lowest message ID that isn't answered.
    pub next: u32,
    /// The request that is being worked on.
    pub current: Option<Current>,
    /// How many requests may be under way, and how many answers are kept.
    size: u32,
    /// Answers by message ID, oldest first.
    kept: Vec<(u32, Vec<Vec<u8>>)>,
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
    /// One that may come now.
    Fresh,
    /// The one that is being worked on.
    InWork,
    /// One that was answered a short while ago.
    Answered,
    /// Any other.
    Outside,
}

impl Replies {
    pub fn starting_at(next: u32) -> Self {
        Self {
            next,
            current: None,
            size: 1,
            kept: Vec::new(),
        }
    }

    /// The peer may have so many requests under way from now on. A window doesn't shrink (2.3).
    pub fn widen(&mut self, size: u32) {
        self.size = self.size.max(size);
    }

    pub fn place(&self, message_id: u32) -> Place {
        if self.answer(message_id).is_some() {
            return Place::Answered;
        }
        let ahead = message_id.checked_sub(self.next);
        let inside = ahead.is_some_and(|ahead| ahead < self.size);
        // Message IDs never wrap (2.2): the last one isn't used.
        if !inside || message_id == u32::MAX {
            return Place::Outside;
        }
        match self.current {
            Some(_) => Place::InWork,
            None => Place::Fresh,
        }
    }

    /// What a request was answered with, while that is kept.
    pub fn answer(&self, message_id: u32) -> Option<&[Vec<u8>]> {
        let mut kept = self.kept.iter();
        let found = kept.find(|(id, _)| *id == message_id);
        found.map(|(_, datagrams)| datagrams.as_slice())
    }

    /// How many answers are kept.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The current request is answered with `datagrams`. Who sends request n + size has the answer to n (2.1).
    pub fn answered(&mut self, datagrams: Vec<Vec<u8>>) {
        let Some(current) = self.current.take() else {
            return;
        };
        let later = |(id, _): &(u32, _)| *id > current.message_id;
        let at = self.kept.iter().position(later).unwrap_or(self.kept.len());
        self.kept.insert(at, (current.message_id, datagrams));
        while self.answer(self.next).is_some() {
            self.next += 1;
        }
        let newest = self.kept.last().map_or(0, |(id, _)| *id);
        let size = self.size;
        self.kept.retain(|(id, _)| newest - *id < size);
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

    fn answer(replies: &mut Replies, message_id: u32) {
        replies.current = Some(Current {
            exchange: ExchangeType::INFORMATIONAL,
            message_id,
            path: NetPath {
                local: ([192, 0, 2, 1], 500).into(),
                remote: ([192, 0, 2, 2], 500).into(),
            },
        });
        replies.answered(vec![vec![u8::try_from(message_id % 256).unwrap_or(0)]]);
    }

    #[test]
    fn the_window_knows_the_next_request_and_the_last() {
        let mut replies = Replies::starting_at(1);
        assert_eq!(replies.place(0), Place::Outside);
        assert_eq!(replies.place(1), Place::Fresh);
        answer(&mut replies, 1);
        assert_eq!(replies.place(1), Place::Answered);
        assert_eq!(replies.place(2), Place::Fresh);
        assert_eq!(replies.place(3), Place::Outside);
    }

    #[test]
    fn a_wider_window_takes_requests_in_any_order_and_keeps_as_many_answers() {
        let mut replies = Replies::starting_at(1);
        answer(&mut replies, 1);
        replies.widen(3);
        replies.widen(2);
        assert_eq!(replies.place(4), Place::Fresh);
        assert_eq!(replies.place(5), Place::Outside);
        answer(&mut replies, 4);
        // Whoever sent 4 has the answer to 1.
        assert_eq!(replies.place(1), Place::Outside);
        assert_eq!(replies.place(5), Place::Outside, "2 isn't here yet");
        answer(&mut replies, 2);
        assert_eq!(replies.place(5), Place::Fresh);
        assert_eq!(replies.place(3), Place::Fresh);
        answer(&mut replies, 3);
        assert_eq!(replies.next, 5);
        assert_eq!(replies.answer(2), Some(&[vec![2]][..]));
        answer(&mut replies, 5);
        assert_eq!(replies.place(2), Place::Outside);
        assert_eq!(replies.place(3), Place::Answered);
    }

    #[test]
    fn message_ids_end() {
        let mut replies = Replies::starting_at(u32::MAX - 1);
        replies.widen(4);
        assert_eq!(replies.place(u32::MAX), Place::Outside);
        answer(&mut replies, u32::MAX - 1);
        assert_eq!(replies.place(u32::MAX), Place::Outside);
        assert_eq!(replies.place(0), Place::Outside);
    }
}
