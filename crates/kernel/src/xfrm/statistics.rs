//! What the kernel's IPsec has dropped, by its own reasons (`/proc/net/xfrm_stat`).

use std::collections::BTreeMap;
use std::fs;

/// Counters by the kernel's names, `XfrmInNoStates` and others, of the calling thread's network namespace. Empty where
/// the kernel doesn't count (CONFIG_XFRM_STATISTICS).
#[must_use]
pub fn read() -> BTreeMap<String, u64> {
    fs::read_to_string("/proc/thread-self/net/xfrm_stat")
        .map(|text| parse(&text))
        .unwrap_or_default()
}

fn parse(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_numbers_are_read() {
        let read =
            super::parse("XfrmInError             \t0\nXfrmInNoStates          \t17\nrubbish\n");
        assert_eq!(read["XfrmInNoStates"], 17);
        assert_eq!(read.len(), 2);
    }
}
