//! Sequence numbers of SAs near their end, and of SAs that have taken their place.

use std::collections::BTreeSet;

/// So many lines and pairs are remembered at most.
const MOST: usize = 256;
/// Packets that may be left to an SA that is near its end: one that has more is replaced in time.
const FEW: u32 = 0x8000;

/// Two ends, as the head of an SA has them.
type Pair = Option<(String, String)>;

/// What counters of a list of SAs tell.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    pair: Pair,
    /// Lines with a counter near its end.
    near: Vec<(Pair, u64)>,
    /// Ends between which an SA sends that has most of its numbers left.
    young: BTreeSet<Pair>,
}

impl Sequence {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, number: impl Fn() -> Option<u64>) {
        let body = body.trim_start();
        if let Some(rest) = body.strip_prefix("src ") {
            let mut words = rest.split_whitespace();
            self.pair = match (words.next(), words.next(), words.next()) {
                (Some(from), Some("dst"), Some(to)) => Some((from.to_owned(), to.to_owned())),
                _ => None,
            };
            return;
        }
        let Some((_, rest)) = body.split_once("oseq 0x") else {
            return;
        };
        let digits = rest
            .split(|c: char| !c.is_ascii_hexdigit())
            .next()
            .unwrap_or_default();
        let Ok(sent) = u32::from_str_radix(digits, 16) else {
            return;
        };
        if u32::MAX - sent < FEW {
            if let Some(number) = number().filter(|_| self.near.len() < MOST) {
                self.near.push((self.pair.clone(), number));
            }
        } else if sent > 0 && self.young.len() < MOST {
            self.young.insert(self.pair.clone());
        }
    }

    /// The lines of SAs that another one has taken the place of.
    pub(super) fn replaced(self) -> BTreeSet<u64> {
        let young = self.young;
        let of = |(pair, number): (Pair, u64)| young.contains(&pair).then_some(number);
        self.near.into_iter().filter_map(of).collect()
    }
}

/// Whether what follows `0xffff` says that an SA has hardly any number left: it has to be the lower half, not the rest of a
/// smaller number.
pub(super) fn is_at_the_end(oseq: &str) -> bool {
    let digits = oseq.trim_end_matches([',', '.', ';', ')', '`', '*']);
    let left = u32::from_str_radix(digits, 16).map(|low| 0xffff_u32.saturating_sub(low));
    digits.len() == 4 && left.is_ok_and(|left| left < FEW)
}
