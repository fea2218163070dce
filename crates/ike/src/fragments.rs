//! Messages in pieces (RFC 7383).

use adit_wire::iana::PayloadType;
use adit_wire::v2::FragmentHeader;

/// Most fragments of one message that are collected.
const MAX_FRAGMENTS: u16 = 128;

/// The pieces of one message, each already authenticated.
pub(crate) struct Reassembly {
    message_id: u32,
    response: bool,
    /// From the first fragment: the type of the first payload, and what stands in front of the encrypted part.
    first: (PayloadType, Vec<u8>),
    parts: Vec<Option<Vec<u8>>>,
    octets: usize,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// Kept; others are missing.
    More,
    /// The message is whole: what the first fragment said, and its inner payloads.
    Whole((PayloadType, Vec<u8>), Vec<u8>),
    /// Refused; why.
    Refused(&'static str),
}

/// Adds an authenticated fragment to what is collected, at most `limit` octets. A sender that retries with smaller
/// fragments raises the total, which starts the collection over; a lower total is a late fragment of an earlier try
/// (RFC 7383 2.6). Where several messages are under way and become too long together, the others start over.
pub(crate) fn collect(
    all: &mut Vec<Reassembly>,
    (message_id, response): (u32, bool),
    fragment: FragmentHeader,
    first: (PayloadType, Vec<u8>),
    part: Vec<u8>,
    limit: usize,
) -> Collected {
    if fragment.total > MAX_FRAGMENTS {
        return Collected::Refused("too many fragments");
    }
    let total = usize::from(fragment.total);
    let key = (message_id, response);
    let here = all.iter().position(|have| have.key() == key);
    let mut have = match here.map(|at| all.swap_remove(at)) {
        Some(have) if have.parts.len() >= total => have,
        _ => Reassembly {
            message_id,
            response,
            first: (PayloadType::NONE, Vec::new()),
            parts: vec![None; total],
            octets: 0,
        },
    };
    let done = have.add(fragment, first, part, limit);
    if matches!(done, Collected::Whole(..)) {
        return done;
    }
    let others: usize = all.iter().map(|other| other.octets).sum();
    if have.octets + others > limit {
        all.clear();
    }
    all.push(have);
    done
}

impl Reassembly {
    /// Message ID, and whether it is a response.
    pub fn key(&self) -> (u32, bool) {
        (self.message_id, self.response)
    }

    fn add(
        &mut self,
        fragment: FragmentHeader,
        first: (PayloadType, Vec<u8>),
        part: Vec<u8>,
        limit: usize,
    ) -> Collected {
        if self.parts.len() > usize::from(fragment.total) {
            return Collected::Refused("a fragment of an earlier try");
        }
        if self.octets + part.len() > limit {
            return Collected::Refused("the fragments make too long a message");
        }
        let Some(place) = self.parts.get_mut(usize::from(fragment.number) - 1) else {
            return Collected::Refused("a fragment number beyond the total");
        };
        if place.is_some() {
            return Collected::Refused("a fragment that is here already");
        }
        self.octets += part.len();
        *place = Some(part);
        if fragment.number == 1 {
            self.first = first;
        }
        if self.parts.iter().any(Option::is_none) {
            return Collected::More;
        }
        let whole = self.parts.iter().flatten().flatten().copied().collect();
        let front = core::mem::take(&mut self.first.1);
        Collected::Whole((self.first.0, front), whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(
        slot: &mut Vec<Reassembly>,
        id: u32,
        number: u16,
        total: u16,
        part: &[u8],
    ) -> Collected {
        let fragment = FragmentHeader { number, total };
        collect(
            slot,
            (id, false),
            fragment,
            (PayloadType::ID_I, Vec::new()),
            part.to_vec(),
            10,
        )
    }

    #[test]
    fn fragments_come_in_any_order() {
        let mut slot = Vec::new();
        assert_eq!(push(&mut slot, 1, 3, 3, b"c"), Collected::More);
        assert_eq!(push(&mut slot, 1, 1, 3, b"a"), Collected::More);
        assert!(matches!(
            push(&mut slot, 1, 1, 3, b"a"),
            Collected::Refused(_)
        ));
        let whole = Collected::Whole((PayloadType::ID_I, Vec::new()), b"abc".to_vec());
        assert_eq!(push(&mut slot, 1, 2, 3, b"b"), whole);
        assert!(slot.is_empty());
    }

    #[test]
    fn a_higher_total_starts_over_and_a_lower_one_is_late() {
        let mut slot = Vec::new();
        assert_eq!(push(&mut slot, 1, 1, 2, b"ab"), Collected::More);
        assert_eq!(push(&mut slot, 1, 1, 3, b"a"), Collected::More);
        assert!(matches!(
            push(&mut slot, 1, 2, 2, b"c"),
            Collected::Refused(_)
        ));
        assert_eq!(push(&mut slot, 1, 2, 3, b"b"), Collected::More);
        assert_eq!(push(&mut slot, 2, 1, 2, b"x"), Collected::More);
    }

    #[test]
    fn there_are_limits() {
        let mut slot = Vec::new();
        assert!(matches!(
            push(&mut slot, 1, 1, 129, b"a"),
            Collected::Refused(_)
        ));
        assert_eq!(push(&mut slot, 1, 1, 2, b"0123456"), Collected::More);
        assert!(matches!(
            push(&mut slot, 1, 2, 2, b"0123456"),
            Collected::Refused(_)
        ));
    }

    #[test]
    fn several_messages_at_once_share_the_room() {
        let mut slot = Vec::new();
        assert_eq!(push(&mut slot, 1, 1, 2, b"abcd"), Collected::More);
        assert_eq!(push(&mut slot, 2, 1, 2, b"efgh"), Collected::More);
        let whole =
            |octets: &[u8]| Collected::Whole((PayloadType::ID_I, Vec::new()), octets.to_vec());
        assert_eq!(push(&mut slot, 1, 2, 2, b"ij"), whole(b"abcdij"));
        assert_eq!(push(&mut slot, 3, 1, 2, b"0123456"), Collected::More);
        assert_eq!(slot.len(), 1, "the other one starts over");
        assert_eq!(push(&mut slot, 3, 2, 2, b"7"), whole(b"01234567"));
    }
}
