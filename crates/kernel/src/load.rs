//! What threads of this process get of the processors, and packets that arrived and that nobody had time for.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::thread::{Pid, gettid, sched_getaffinity};

/// What a thread has had of the processors since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// It ran for so long.
    pub ran: Duration,
    /// It had something to do for so long, and no processor was free for it.
    pub waited: Duration,
}

/// The calling thread's number.
#[must_use]
pub fn this_thread() -> i32 {
    gettid().as_raw_nonzero().get()
}

/// What a thread of this process has had; `None` when it has ended, or the kernel keeps no such account.
#[must_use]
pub fn time_of(thread: i32) -> Option<ThreadTime> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    parse_time(&text)
}

/// Nanoseconds at work, nanoseconds in wait, turns (`Documentation/scheduler/sched-stats.rst`).
fn parse_time(text: &str) -> Option<ThreadTime> {
    let mut fields = text.split_whitespace().map(str::parse);
    let (ran, waited) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(ThreadTime {
        ran: Duration::from_nanos(ran),
        waited: Duration::from_nanos(waited),
    })
}

/// For how long a quota of processor time (systemd's `CPUQuota=`, a container's `--cpus`) has kept this process and its
/// like from running; `None` where the kernel has no control groups of version 2, or none of them has a quota.
#[must_use]
pub fn throttled() -> Option<Duration> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = Path::new("/sys/fs/cgroup");
    // A quota of any group above holds too; the one that holds most says how long.
    let groups = Path::new(own.trim_start_matches('/')).ancestors();
    let stats =
        groups.filter_map(|group| fs::read_to_string(root.join(group).join("cpu.stat")).ok());
    stats.filter_map(|stat| parse_throttled(&stat)).max()
}

/// `throttled_usec` of `cpu.stat` (`Documentation/admin-guide/cgroup-v2.rst`).
fn parse_throttled(text: &str) -> Option<Duration> {
    let mut lines = text.lines();
    let micros = lines.find_map(|line| line.strip_prefix("throttled_usec "))?;
    Some(Duration::from_micros(micros.trim().parse().ok()?))
}

/// On how many processors a thread of this process may run, and how many the host has; `None` when that can't be told.
#[must_use]
pub fn processors_of(thread: i32) -> Option<(usize, usize)> {
    let allowed = sched_getaffinity(Pid::from_raw(thread)).ok()?.count();
    let online = fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    Some((usize::try_from(allowed).ok()?, parse_list(&online)?))
}

/// How many there are in `0-3,8`.
fn parse_list(text: &str) -> Option<usize> {
    text.trim()
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            Some(last.checked_sub(first)? + 1)
        })
        .sum()
}

/// Packets that were dropped because nobody took them in time, since the kernel counts: what waited for the readers of
/// TUN devices, and for the sockets of this network namespace that ESP comes to, in UDP at `nat_port` or plain.
#[must_use]
pub fn overrun(devices: &[String], nat_port: u16) -> u64 {
    let table = |name: &str| {
        fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
    };
    let by_devices: u64 = parse_devices(&table("dev"), devices);
    let sockets = [
        ("udp", nat_port),
        ("udp6", nat_port),
        ("raw", ESP),
        ("raw6", ESP),
    ];
    let by_sockets = sockets
        .iter()
        .map(|(name, port)| parse_sockets(&table(name), *port));
    by_devices + by_sockets.sum::<u64>()
}

/// Where tables of raw sockets have the protocol, others have the port.
const ESP: u16 = 50;

/// `/proc/net/dev`: behind the name eight columns of what was received, then eight of what was sent, drops the fourth.
fn parse_devices(table: &str, devices: &[String]) -> u64 {
    let dropped = |line: &str| -> Option<u64> {
        let (name, counts) = line.split_once(':')?;
        if !devices.iter().any(|device| device == name.trim()) {
            return None;
        }
        counts.split_whitespace().nth(11)?.parse().ok()
    };
    table.lines().filter_map(dropped).sum()
}

/// `/proc/net/udp` and its like: the local port is behind the address, the drops are the last column.
fn parse_sockets(table: &str, port: u16) -> u64 {
    let dropped = |line: &str| -> Option<u64> {
        let (_, local) = line.split_whitespace().nth(1)?.rsplit_once(':')?;
        if u16::from_str_radix(local, 16).ok()? != port {
            return None;
        }
        line.split_whitespace().last()?.parse().ok()
    };
    table.lines().skip(1).filter_map(dropped).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_thread_that_works_has_run() {
        let thread = this_thread();
        let before = time_of(thread).unwrap();
        let mut sum = 0_u64;
        for n in 0..60_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(n));
        }
        assert!(sum > 0);
        let after = time_of(thread).unwrap();
        assert!(after.ran > before.ran, "{before:?} {after:?}");
        let (allowed, online) = processors_of(thread).unwrap();
        assert!(allowed >= 1 && allowed <= online, "{allowed} of {online}");
        assert_eq!(time_of(0), None);
    }

    #[test]
    fn tables_are_read_by_their_columns() {
        let time = parse_time("122674437 85660290 435\n").unwrap();
        assert_eq!(time.waited.as_nanos(), 85_660_290);
        let stat = "usage_usec 9\nnr_periods 7\nnr_throttled 3\nthrottled_usec 250000\n";
        assert_eq!(parse_throttled(stat), Some(Duration::from_millis(250)));
        assert_eq!(parse_throttled("usage_usec 9\n"), None);
        assert_eq!(parse_list("0-3,8\n"), Some(5));
        assert_eq!(parse_list(""), None);
        let devices = "Inter-| Receive | Transmit\n face |bytes packets errs drop\n\
            adit0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 99 13 14 15 16\n";
        assert_eq!(parse_devices(devices, &["adit0".to_owned()]), 12);
        let udp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            10: 00000000:1194 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0 41\n\
            11: 00000000:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 8 2 0 9\n";
        assert_eq!(parse_sockets(udp, 4500), 41);
    }
}
