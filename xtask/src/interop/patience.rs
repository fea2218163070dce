//! Waiting for what another process does, and for its end.

use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

/// How many times as long as usual everything may take. Set in a guest, where it is slow.
pub const FACTOR: &str = "ADIT_LAB_PATIENCE";

/// What [`FACTOR`] says; 1 outside of guests.
pub fn factor() -> u32 {
    static FOUND: OnceLock<u32> = OnceLock::new();
    let read = || std::env::var(FACTOR).ok()?.parse().ok();
    *FOUND.get_or_init(|| read().unwrap_or(1))
}

/// Asks again until it is so, or says what did not happen.
pub fn wait(what: &str, patience: Duration, mut so: impl FnMut() -> Result<bool>) -> Result<()> {
    let patience = patience * factor();
    let deadline = Instant::now() + patience;
    loop {
        let asked = Instant::now();
        if so()? {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "waited {:.0} s in vain for {what}",
            patience.as_secs_f64()
        );
        // Asking takes the time of those who are asked, most of all where it is slow.
        let mut pause = Duration::from_millis(25) * factor();
        if factor() > 1 {
            pause = pause.max(asked.elapsed());
        }
        std::thread::sleep(pause);
    }
}

/// Asks a process to end, and makes it.
pub fn end(process: &mut Child, patience: Duration) {
    signal(process, Signal::TERM);
    let ended = wait("the end", patience, || Ok(process.try_wait()?.is_some()));
    if ended.is_err() {
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Sends a signal to a child that may be gone already.
pub fn signal(process: &Child, signal: Signal) {
    let _ = kill_process(Pid::from_child(process), signal);
}
