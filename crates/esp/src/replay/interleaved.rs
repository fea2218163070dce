//! Every order in which threads can take their turns at one window, tried out on the window itself.
//!
//! In tests the window's words are these. A call is led through its accesses one by one: it is made anew for each, told what
//! its earlier accesses came to, does one more, and is broken off before the next. So a test holds several calls that
//! are all somewhere in between, and goes on with whichever it likes. Orders that only processors make, which let a thread
//! see another's writes in another order, aren't among them; against those there are `Acquire` and `Release`.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64 as Word, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_model::drops::DropReason;

use super::{ReplayWindow, Together};

/// A word that tests can stop at.
#[derive(Debug)]
pub(super) struct AtomicU64 {
    word: Word,
    /// Who is led.
    call: Option<Arc<Mutex<Call>>>,
}

/// A call on its way.
#[derive(Debug)]
struct Call {
    /// What its accesses came to.
    told: Vec<Told>,
    /// How many of them it has been told this time.
    at: usize,
    /// How many there may be this time.
    most: usize,
}

type Told = Result<u64, u64>;

impl AtomicU64 {
    pub(super) fn new(value: u64) -> Self {
        Self {
            word: Word::new(value),
            call: None,
        }
    }

    pub(super) fn load(&self, order: Ordering) -> u64 {
        let (Ok(value) | Err(value)) = self.access(|word| Ok(word.load(order)));
        value
    }

    pub(super) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        let (Ok(before) | Err(before)) = self.access(|word| Ok(word.fetch_max(value, order)));
        before
    }

    pub(super) fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        // What fails without a reason is tried again with the same word, as what hasn't begun yet.
        self.access(|word| word.compare_exchange(current, new, success, failure))
    }

    fn read(&self) -> u64 {
        self.word.load(Ordering::Relaxed)
    }

    fn access(&self, really: impl FnOnce(&Word) -> Told) -> Told {
        let Some(call) = &self.call else {
            return really(&self.word);
        };
        let mut call = lock(call);
        if call.at == call.most {
            drop(call);
            resume_unwind(Box::new(()));
        }
        if call.at == call.told.len() {
            call.told.push(really(&self.word));
        }
        call.at += 1;
        call.told[call.at - 1]
    }
}

fn lock(call: &Mutex<Call>) -> MutexGuard<'_, Call> {
    call.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A window and threads that use it, at one moment.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Moment {
    entered: u64,
    ring: Vec<u64>,
    threads: Vec<Thread>,
    accepted: BTreeSet<u64>,
    /// Numbers that somebody has begun with.
    begun: BTreeSet<u64>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Thread {
    /// The calls that it has still to make, the last one first: each with numbers that it has accepted together.
    calls: Vec<Vec<u64>>,
    /// What its call was told so far.
    told: Vec<Told>,
    /// What was accepted before it began the call.
    before: BTreeSet<u64>,
}

impl Moment {
    fn new(size: u32, already: &[u64], threads: &[&[&[u64]]]) -> Self {
        let window = ReplayWindow::new(size, false);
        for number in already {
            assert_eq!(window.accept(*number), Ok(()));
        }
        let thread = |calls: &&[&[u64]]| Thread {
            calls: calls.iter().rev().map(|call| call.to_vec()).collect(),
            told: Vec::new(),
            before: BTreeSet::new(),
        };
        let mut moment = Self {
            entered: 0,
            ring: Vec::new(),
            threads: threads.iter().map(thread).collect(),
            accepted: already.iter().copied().collect(),
            begun: already.iter().copied().collect(),
        };
        moment.keep(&window);
        moment
    }

    fn keep(&mut self, window: &ReplayWindow) {
        self.entered = window.entered.read();
        self.ring = window.ring.iter().map(AtomicU64::read).collect();
    }

    /// The window, for a call that is led or for whoever isn't.
    fn window(&self, size: u32, call: Option<&Arc<Mutex<Call>>>) -> ReplayWindow {
        let word = |value: &u64| AtomicU64 {
            word: Word::new(*value),
            call: call.map(Arc::clone),
        };
        ReplayWindow {
            entered: word(&self.entered),
            ring: self.ring.iter().map(word).collect(),
            ..ReplayWindow::new(size, false)
        }
    }

    /// What is after one more access of a thread; `None` if the thread has nothing more to do.
    fn after(&self, size: u32, thread: usize) -> Option<Self> {
        let mut next = self.clone();
        let turn = &mut next.threads[thread];
        let numbers = turn.calls.last()?.clone();
        if turn.told.is_empty() {
            turn.before.clone_from(&self.accepted);
            next.begun.extend(&numbers);
        }
        let told = std::mem::take(&mut turn.told);
        let most = told.len() + 1;
        let call = Arc::new(Mutex::new(Call { told, at: 0, most }));
        let window = self.window(size, Some(&call));
        let verdict = catch_unwind(AssertUnwindSafe(|| window.accept_all(&together(&numbers))));
        next.keep(&window);
        match verdict {
            // It isn't through.
            Err(_) => {
                let told = std::mem::take(&mut lock(&call).told);
                assert_eq!(told.len(), most, "something else broke");
                next.threads[thread].told = told;
            }
            Ok(Err(_)) if numbers.len() > 1 => next.goes_one_by_one(thread, &numbers),
            Ok(verdict) => next.ends(size, thread, &numbers, verdict),
        }
        Some(next)
    }

    /// What wasn't accepted together is asked for one by one, and says nothing before.
    fn goes_one_by_one(&mut self, thread: usize, numbers: &[u64]) {
        let turn = &mut self.threads[thread];
        turn.calls.pop();
        let alone = numbers.iter().rev().map(|number| vec![*number]);
        turn.calls.extend(alone);
        turn.before.clear();
    }

    fn ends(&mut self, size: u32, thread: usize, numbers: &[u64], verdict: Result<(), DropReason>) {
        let turn = &mut self.threads[thread];
        let highest = turn.before.last().copied().unwrap_or(0);
        for number in numbers {
            let reaches = |top: &u64| *top < number + u64::from(size);
            match verdict {
                Ok(()) => {
                    assert!(
                        reaches(&highest),
                        "{number} is below the window of {highest}"
                    );
                    assert!(self.accepted.insert(*number), "{number} twice");
                }
                Err(DropReason::EspReplay) => {
                    assert!(self.accepted.contains(number), "{number} never came");
                }
                Err(DropReason::EspTooOld) => {
                    let highest = self.begun.last().copied().unwrap_or(0);
                    assert!(
                        !reaches(&highest),
                        "{number} was within the window of {highest}"
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
        turn.calls.pop();
        turn.before.clear();
    }

    /// Goes on from here in every way there is.
    fn explore(self, size: u32, seen: &mut HashSet<Moment>) {
        if seen.contains(&self) {
            return;
        }
        let window = self.window(size, None);
        let all: Vec<_> = (0..self.threads.len())
            .filter_map(|thread| self.after(size, thread))
            .collect();
        if all.is_empty() {
            assert_eq!(window.top(), self.accepted.last().copied().unwrap_or(0));
            for number in &self.accepted {
                assert!(window.check(*number).is_err(), "{number} could come again");
            }
        }
        seen.insert(self);
        for next in all {
            next.explore(size, seen);
        }
    }
}

/// Numbers of one block, ascending.
fn together(numbers: &[u64]) -> Together {
    let mut all = Together::of(numbers[0]);
    for number in &numbers[1..] {
        assert!(all.add(*number), "{number} isn't of that block");
    }
    all
}

/// Goes through all orders; how many moments there are.
fn all_orders(size: u32, already: &[u64], threads: &[&[&[u64]]]) -> usize {
    let mut seen = HashSet::new();
    Moment::new(size, already, threads).explore(size, &mut seen);
    seen.len()
}

/// Numbers about the edges of blocks and laps: of a ring of two blocks, which is the smallest, a lap is 64.
const EDGES: [u64; 8] = [31, 32, 33, 63, 64, 65, 97, 192];

#[test]
fn abuse_84_three_threads_with_a_number_each_in_every_order() {
    let mut moments = 0;
    for size in [1, 32] {
        for already in [&[] as &[u64], &[30, 40]] {
            for (i, a) in EDGES.iter().enumerate() {
                for (j, b) in EDGES.iter().enumerate().skip(i) {
                    for c in EDGES.iter().skip(j) {
                        moments += all_orders(size, already, &[&[&[*a]], &[&[*b]], &[&[*c]]]);
                    }
                }
            }
        }
    }
    assert!(moments > 10_000, "{moments}");
}

#[test]
fn abuse_84_two_threads_with_two_numbers_each_in_every_order() {
    let mut moments = 0;
    for a in EDGES {
        for b in EDGES {
            for c in EDGES {
                for d in [33, 64, 97] {
                    moments += all_orders(32, &[30], &[&[&[a], &[b]], &[&[c], &[d]]]);
                }
            }
        }
    }
    assert!(moments > 100_000, "{moments}");
}

/// A run of packets takes one call for the numbers of each block that it touches.
#[test]
fn abuse_84_two_runs_and_a_packet_in_every_order() {
    const RUNS: [&[&[u64]]; 5] = [
        &[&[30, 31], &[32, 33]],
        &[&[31], &[32, 34]],
        &[&[62, 63], &[64]],
        &[&[32, 33, 63]],
        &[&[96, 97]],
    ];
    let mut moments = 0;
    for (size, already) in [(1, &[] as &[u64]), (32, &[30, 40])] {
        for (i, a) in RUNS.iter().enumerate() {
            for b in RUNS.iter().skip(i) {
                for c in [32, 33, 64, 97] {
                    moments += all_orders(size, already, &[a, b, &[&[c]]]);
                }
            }
        }
    }
    assert!(moments > 100_000, "{moments}");
}

/// A model that lets nothing through would pass too.
#[test]
fn the_orders_are_those_that_there_are() {
    let seen = |threads: &[&[&[u64]]]| {
        let mut seen = HashSet::new();
        Moment::new(32, &[], threads).explore(32, &mut seen);
        let ends = |m: &&Moment| m.threads.iter().all(|t| t.calls.is_empty());
        let ends: HashSet<_> = seen
            .iter()
            .filter(ends)
            .map(|m| m.accepted.clone())
            .collect();
        ends
    };
    let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<u64>>();
    assert_eq!(seen(&[&[&[5]], &[&[5]]]), HashSet::from([set(&[5])]));
    let either = HashSet::from([set(&[1, 33]), set(&[33])]);
    assert_eq!(
        seen(&[&[&[1]], &[&[33]]]),
        either,
        "1 comes before 33, or never"
    );
    let once = HashSet::from([set(&[4, 5, 6])]);
    assert_eq!(seen(&[&[&[4, 5]], &[&[5, 6]]]), once);
}
