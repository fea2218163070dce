//! Tests of peers take turns: each opens a dozen sockets and as many threads, and after a failure of the network hundreds of tunnels are
//! tested at once. More of them than these would take the descriptors that the gateway itself needs (1,024 by the usual limit).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Tests of so many tunnels go on at the same time.
const MOST: usize = 24;

/// And so many more that somebody has asked for, who waits for no storm.
const MOST_ASKED: usize = 8;

/// Who may test now; the others wait, the first come first.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    own: Arc<Semaphore>,
    asked: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            own: Arc::new(Semaphore::new(MOST)),
            asked: Arc::new(Semaphore::new(MOST_ASKED)),
        }
    }
}

impl Turns {
    /// Does work that blocks beside the loop, when it is its turn.
    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) {
        Self::run_in(&self.own, work);
    }

    /// The same for what a command has asked for.
    pub(crate) fn run_asked(&self, work: impl FnOnce() + Send + 'static) {
        Self::run_in(&self.asked, work);
    }

    fn run_in(turns: &Arc<Semaphore>, work: impl FnOnce() + Send + 'static) {
        let turns = Arc::clone(turns);
        tokio::spawn(async move {
            // Nobody closes it.
            let Ok(turn) = turns.acquire_owned().await else {
                return;
            };
            let done = tokio::task::spawn_blocking(work).await;
            drop(turn);
            if let Err(error) = done {
                tracing::error!("a test of a peer broke off: {error}");
            }
        });
    }
}

/// Does the work of a test, also if it breaks off by a bug: somebody waits for what comes of it, which is `broken` then.
pub(crate) fn whatever_happens<T>(work: impl FnOnce() -> T, broken: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a test of a peer or of this host broke off");
        broken()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_storm_of_tests_takes_turns_and_each_one_is_done() {
        let turns = Turns::default();
        let under_way = Arc::new(Mutex::new((0_usize, 0_usize)));
        let (done, told) = mpsc::channel();
        for nth in 0..4 * MOST {
            let (under_way, done) = (Arc::clone(&under_way), done.clone());
            turns.run(move || {
                {
                    let mut count = under_way.lock().unwrap();
                    count.0 += 1;
                    count.1 = count.1.max(count.0);
                }
                std::thread::sleep(Duration::from_millis(5));
                under_way.lock().unwrap().0 -= 1;
                done.send(nth).unwrap();
                // One that breaks off gives its turn back.
                assert!(nth % 7 != 0, "this one breaks off");
            });
        }
        drop(done);
        let all = tokio::task::spawn_blocking(move || told.iter().count());
        assert_eq!(all.await.unwrap(), 4 * MOST);
        let (_, most) = *under_way.lock().unwrap();
        assert!((2..=MOST).contains(&most), "{most}");
    }

    #[test]
    fn who_waits_for_a_test_hears_of_it_also_when_it_breaks_off() {
        assert_eq!(whatever_happens(|| vec![1], Vec::new), [1]);
        let broken = whatever_happens(|| -> Vec<u8> { panic!("a bug") }, Vec::new);
        assert_eq!(broken, Vec::<u8>::new());
    }
}
