//! Whether a thread that has nothing to do looks once more before it sleeps.
//!
//! Waking a sleeping thread takes a processor 20 to 50 µs, several times what it takes to seal a packet. Of the four wakes
//! that a question through two gateways and its answer cost, two come within the time that the answer takes: so a
//! thread that has handed on a question may as well look for the answer for that long. It learns by itself whether that
//! pays: for each kind of event it remembers whether the next one came soon. Across the world, where answers take
//! milliseconds, it doesn't look at all; and however packets come, it looks for at most a twentieth of the time, and
//! lets whoever else wants the processor have it meanwhile. Where much passes at once (16 KB) it doesn't look
//! either: nobody waits for one of them alone, and who sends and receives it needs the processor (2 % of what one TCP
//! stream carries where hosts and gateways share two processors).

use std::time::Duration;

use adit_model::now::Mono;

/// Longest that a thread looks after one event.
const LONGEST: Duration = Duration::from_micros(120);
/// One part of so many of the time may be spent looking.
const PART: u32 = 20;
/// Most that is saved up for looking.
const SAVED: Duration = Duration::from_micros(600);
/// So many octets in one go are a stream and no question.
const STREAM: u64 = 16 << 10;
/// How long a stream is taken to go on: its acknowledgements come one by one.
const GOES_ON: Duration = Duration::from_millis(2);
/// How sure one can be that the next event comes soon.
const SURE: u8 = 3;
/// How sure one has to be to look.
const ENOUGH: u8 = 2;

/// What was there last: what comes next depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// A packet of the host.
    Out,
    /// A datagram of the peer.
    In,
}

/// What a thread has learnt.
#[derive(Debug)]
pub struct Linger {
    /// How sure it is that something comes soon after each kind.
    soon: [u8; 2],
    last: Option<Came>,
    /// Since when it has had nothing to do.
    idle: Mono,
    /// Time that may be spent.
    saved: Duration,
    /// Until when a stream is taken to go on.
    stream: Mono,
}

impl Linger {
    /// A thread that begins.
    pub fn new(now: Mono) -> Self {
        Self {
            soon: [0; 2],
            last: None,
            idle: now,
            saved: Duration::ZERO,
            stream: now,
        }
    }

    /// It has carried so many octets since it waited.
    pub fn carried(&mut self, now: Mono, octets: u64) {
        if octets >= STREAM {
            self.stream = now + GOES_ON;
        }
    }

    /// It has done all that there was, the last of it of this kind. Until when it may look for more before it sleeps.
    pub fn done(&mut self, now: Mono, last: Option<Came>) -> Option<Mono> {
        self.saved = SAVED.min(self.saved + now.since(self.idle) / PART);
        self.last = last.or(self.last);
        self.idle = now;
        let soon = self.last.and_then(|kind| self.soon.get(kind as usize));
        let pays = soon.is_some_and(|sure| *sure >= ENOUGH);
        (pays && now >= self.stream && self.saved >= LONGEST).then(|| now + LONGEST)
    }

    /// It has looked until now.
    pub fn looked(&mut self, now: Mono) {
        self.saved = self.saved.saturating_sub(now.since(self.idle));
    }

    /// Something is there.
    pub fn came(&mut self, now: Mono) {
        let Some(soon) = self.last.and_then(|kind| self.soon.get_mut(kind as usize)) else {
            return;
        };
        *soon = if now.since(self.idle) <= LONGEST {
            SURE.min(*soon + 1)
        } else {
            soon.saturating_sub(1)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events and how long after the one before each comes; for how long it looked in all.
    fn play(linger: &mut Linger, events: &[(Came, Duration)], times: u32) -> (Duration, u32) {
        let (mut now, mut looked, mut caught) = (Mono(1_000_000_000), Duration::ZERO, 0);
        linger.done(now, None);
        for _ in 0..times {
            for (kind, after) in events {
                let comes = now + *after;
                if let Some(until) = linger.done(now, None) {
                    let end = until.min(comes);
                    looked += end.since(now);
                    caught += u32::from(comes <= until);
                    linger.looked(end);
                }
                now = comes;
                linger.came(now);
                linger.done(now, Some(*kind));
            }
        }
        (looked, caught)
    }

    const SOON: Duration = Duration::from_micros(60);
    const LATE: Duration = Duration::from_millis(10);

    /// Who asks waits for the answer; who has it doesn't wait for the next question.
    #[test]
    fn it_looks_for_the_answer_and_not_for_the_next_question() {
        let mut linger = Linger::new(Mono(0));
        let (looked, caught) = play(&mut linger, &[(Came::Out, LATE), (Came::In, SOON)], 100);
        assert!(caught >= 95, "{caught}");
        assert!(looked <= SOON * 100, "{looked:?}");
    }

    #[test]
    fn far_answers_are_slept_for() {
        let mut linger = Linger::new(Mono(0));
        let far = Duration::from_millis(20);
        let (looked, _) = play(&mut linger, &[(Came::Out, LATE), (Came::In, far)], 100);
        assert_eq!(looked, Duration::ZERO);
    }

    /// A trickle that always comes a little too late for it, after one that it has learnt from, and one that comes in time:
    /// neither takes more of the processor than its part.
    #[test]
    fn a_trickle_costs_a_twentieth_at_most() {
        for gap in [SOON, LONGEST, LONGEST * 2] {
            let mut linger = Linger::new(Mono(0));
            play(&mut linger, &[(Came::In, SOON)], 10);
            let (looked, _) = play(&mut linger, &[(Came::In, gap)], 10_000);
            assert!(looked <= gap * 10_000 / PART + SAVED, "{gap:?}: {looked:?}");
        }
    }

    /// Also while only its acknowledgements come; what is asked later is looked for again.
    #[test]
    fn nobody_looks_for_more_of_a_stream() {
        let mut linger = Linger::new(Mono(0));
        let ask_near = [(Came::Out, LATE), (Came::In, SOON)];
        play(&mut linger, &ask_near, 50);
        let now = Mono(2_000_000_000);
        linger.done(now, None);
        let looks = |linger: &mut Linger, at| linger.done(at, Some(Came::Out)).is_some();
        linger.carried(now, STREAM - 1);
        assert!(looks(&mut linger, now));
        linger.carried(now, STREAM);
        assert!(!looks(&mut linger, now));
        linger.carried(now + SOON, 60);
        assert!(!looks(&mut linger, now + SOON));
        assert!(looks(&mut linger, now + GOES_ON));
    }

    #[test]
    fn it_forgets_what_no_longer_holds() {
        let mut linger = Linger::new(Mono(0));
        let ask_near = [(Came::Out, LATE), (Came::In, SOON)];
        let ask_far = [(Came::Out, LATE), (Came::In, LATE)];
        play(&mut linger, &ask_near, 50);
        let (looked, _) = play(&mut linger, &ask_far, 50);
        assert!(looked <= LONGEST * 3, "{looked:?}");
        let (_, caught) = play(&mut linger, &ask_near, 50);
        assert!(caught >= 45);
    }
}
