//! Elements of a set as ranges of keys.

use super::expression::Verdict;
use super::{Element, Family, Set};

impl Set {
    pub(super) fn is_of(&self, family: Family) -> bool {
        let number = match family {
            Family::Inet => 1,
            Family::V4 => 2,
            Family::Netdev => 5,
            Family::V6 => 10,
        };
        self.family == Some(number)
    }

    /// First and last key of each element, with its verdict.
    pub(super) fn ranges(&self) -> Vec<(Vec<u8>, Vec<u8>, Option<Verdict>)> {
        let mut elements: Vec<_> = self.elements.iter().filter(|e| !e.catches_all).collect();
        if !self.interval || elements.iter().any(|e| e.last.is_some()) {
            return elements
                .iter()
                .map(|e| {
                    let last = e.last.clone().unwrap_or_else(|| e.key.clone());
                    (e.key.clone(), last, e.verdict.clone())
                })
                .collect();
        }
        // Where one range ends and the next begins, the end stands first.
        elements.sort_by(|a, b| a.key.cmp(&b.key).then(b.ends.cmp(&a.ends)));
        let mut ranges = Vec::new();
        let mut begun: Option<&Element> = None;
        for element in elements {
            if let Some(first) = begun.take() {
                let last = before(&element.key);
                ranges.push((first.key.clone(), last, first.verdict.clone()));
            }
            if !element.ends {
                begun = Some(element);
            }
        }
        if let Some(first) = begun {
            let last = vec![0xff; first.key.len()];
            ranges.push((first.key.clone(), last, first.verdict.clone()));
        }
        ranges
    }
}

/// The key before this one.
fn before(key: &[u8]) -> Vec<u8> {
    let mut last = key.to_vec();
    for octet in last.iter_mut().rev() {
        let (less, borrowed) = octet.overflowing_sub(1);
        *octet = less;
        if !borrowed {
            break;
        }
    }
    last
}
