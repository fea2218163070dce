//! Finds which of thousands of words a text holds, at a speed that hardly depends on how many there are.
//!
//! An automaton of all the words outgrows the processor's caches, and every byte of the text then waits for memory. Here
//! the text is cut into groups of bytes instead, and of each group a hash is looked up in a filter of some kilobytes
//! that says nearly always that no word holds it. A group begins at every fourth byte. Wherever a word lies, one of
//! four neighbouring places of it comes to lie on the beginning of a group; so the groups at four neighbouring places
//! of each word, its *seed*, are in the filter. A word too short for such a seed is known by groups of half the size.
//!
//! The seed may be taken from any place of any of a sentence's words. It is taken from where the lines of a day on
//! which nothing is wrong ([`routine`](super::routine)) don't come near it: what decides about speed is how often the
//! filter can't exclude a word.

use core::cmp::Reverse;
use core::ops::ControlFlow;

/// Makes letters small. Some marks become others, which only means that the filter lets a few more groups pass.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The distance of two groups' beginnings.
const STEP: usize = 4;

/// Octets of a group of each kind.
const LONG: usize = 8;
const SHORT: usize = 4;

/// Fewer octets can't be searched for.
#[cfg(test)]
pub(super) const SHORTEST: usize = SHORT + STEP - 1;

/// A place of a word that is in the filter.
#[derive(Clone, Copy, Debug)]
struct Seed {
    group: u64,
    sentence: u32,
    offset: u32,
}

/// The seeds of one kind of groups.
struct Seeds<const CELLS: usize> {
    filter: Box<[u8; CELLS]>,
    /// Where the seeds begin whose hashes begin alike.
    begins: Vec<u32>,
    seeds: Vec<Seed>,
}

/// Searches for one word of each sentence.
pub(super) struct Finder {
    /// The word of each sentence.
    words: Vec<&'static str>,
    /// 32 KiB: the filter stays in a processor's innermost cache, or just outside of it.
    long: Seeds<{ 1 << 15 }>,
    short: Seeds<{ 1 << 12 }>,
}

impl Finder {
    /// Takes of each sentence, which is given by its literal words, the word and the place in it that are met least in
    /// the lines of `routine`.
    pub(super) fn new<W: Iterator<Item = &'static str>>(
        sentences: impl Iterator<Item = W>,
        routine: &str,
    ) -> Self {
        let mut met = [Met::of(routine, LONG), Met::of(routine, SHORT)];
        let mut seeds = [Vec::new(), Vec::new()];
        let mut all = Vec::new();
        for (sentence, words) in sentences.enumerate() {
            let mut best: Option<(Cost, &'static str, usize)> = None;
            for word in words {
                for (kind, size) in [LONG, SHORT].into_iter().enumerate() {
                    if kind == 1 && word.len() >= LONG + STEP - 1 {
                        break;
                    }
                    for at in 0..=(word.len() + 1).saturating_sub(size + STEP) {
                        let Some(groups) = groups(word, at, size) else {
                            break;
                        };
                        let count: u32 = groups
                            .map(|g| met.get(kind).map_or(0, |m| m.count(g)))
                            .sum();
                        let routine = count / u32::from(Met::ROUTINE);
                        let cost = (routine, kind, count, Reverse(word.len()));
                        if best.is_none_or(|(least, ..)| cost < least) {
                            best = Some((cost, word, at));
                        }
                    }
                }
            }
            let Some(((_, kind, ..), word, at)) = best else {
                all.push("");
                continue;
            };
            all.push(word);
            let size = if kind == 0 { LONG } else { SHORT };
            for (group, offset) in groups(word, at, size).into_iter().flatten().zip(at..) {
                if let (Some(met), Some(seeds)) = (met.get_mut(kind), seeds.get_mut(kind)) {
                    met.add(group, 1);
                    seeds.push(Seed {
                        group,
                        sentence: u32::try_from(sentence).unwrap_or(u32::MAX),
                        offset: u32::try_from(offset).unwrap_or(u32::MAX),
                    });
                }
            }
        }
        let [long, short] = seeds;
        Self {
            words: all,
            long: Seeds::new(long, of_all),
            short: Seeds::new(short, of_half),
        }
    }

    /// The word that is searched for a sentence; it is empty when none is long enough.
    #[cfg(test)]
    pub(super) fn word(&self, sentence: usize) -> &'static str {
        self.words.get(sentence).copied().unwrap_or_default()
    }

    /// A place of a word in the first line of `text` that holds one.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        self.scan(text, |_, start| ControlFlow::Break(start))
            .break_value()
    }

    /// The sentences whose word lies in `text`, each once and in their order.
    pub(super) fn sentences(&self, text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        let _: ControlFlow<()> = self.scan(text, |sentence, _| {
            found.push(sentence);
            ControlFlow::Continue(())
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Tells each place at which a word lies: which sentence's, and where.
    fn scan<B>(
        &self,
        text: &[u8],
        mut found: impl FnMut(usize, usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (quads, rest) = text.as_chunks::<STEP>();
        let Some((first, quads)) = quads.split_first() else {
            return ControlFlow::Continue(());
        };
        let mut low = u64::from(u32::from_le_bytes(*first));
        let mut group = |quad: &[u8; STEP]| {
            let high = u64::from(u32::from_le_bytes(*quad));
            let group = low | high << 32 | FOLD;
            low = high;
            group
        };
        let mut at = 0;
        // Several at a time: that none of them may be in a word is one decision.
        let (fours, few) = quads.as_chunks::<4>();
        for [a, b, c, d] in fours {
            let (a, b, c, d) = (group(a), group(b), group(c), group(d));
            if self.may(a) | self.may(b) | self.may(c) | self.may(d) {
                for (group, at) in [a, b, c, d].into_iter().zip((at..).step_by(STEP)) {
                    if self.may(group) {
                        self.look(text, at, group, &mut found)?;
                    }
                }
            }
            at += 4 * STEP;
        }
        let mut last = [0; STEP];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        for quad in few.iter().chain([&last]) {
            let group = group(quad);
            if self.may(group) {
                self.look(text, at, group, &mut found)?;
            }
            at += STEP;
        }
        ControlFlow::Continue(())
    }

    /// Whether a word may hold these eight octets, or the first four of them.
    #[inline]
    fn may(&self, group: u64) -> bool {
        let hash = hash(group);
        self.long.may(of_all(hash)) | self.short.may(of_half(hash))
    }

    /// Holds the words that may lie here against the text.
    #[cold]
    fn look<B>(
        &self,
        text: &[u8],
        at: usize,
        group: u64,
        found: &mut impl FnMut(usize, usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for seed in self.long.of(group).chain(self.short.of(group & HALF)) {
            let sentence = seed.sentence as usize;
            let word = self.words.get(sentence).copied().unwrap_or_default();
            let lies = at.checked_sub(seed.offset as usize).filter(|start| {
                text.get(*start..*start + word.len())
                    .is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()))
            });
            if let Some(start) = lies {
                found(sentence, start)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// The octets of a short group.
const HALF: u64 = 0xffff_ffff;

impl<const CELLS: usize> Seeds<CELLS> {
    /// Bits of a hash by which seeds are ordered.
    const ORDER: u32 = 14;

    /// `part` is the part of a hash by which the filter goes.
    fn new(mut seeds: Vec<Seed>, part: fn(u64) -> u32) -> Self {
        seeds.sort_by_key(|s| hash(s.group));
        let mut filter = vec![0; CELLS];
        let mut begins = vec![0; (1 << Self::ORDER) + 1];
        for seed in &seeds {
            let (cell, bits) = Self::cell(part(hash(seed.group)));
            if let Some(cell) = filter.get_mut(cell) {
                *cell |= bits;
            }
            for begin in begins.iter_mut().skip(Self::order(seed.group) + 1).take(1) {
                *begin += 1;
            }
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        Self {
            filter: filter
                .into_boxed_slice()
                .try_into()
                .unwrap_or_else(|_| Box::new([u8::MAX; CELLS])),
            begins,
            seeds,
        }
    }

    /// The cell of a group, and its bits there.
    #[inline]
    fn cell(hash: u32) -> (usize, u8) {
        let rest = u32::BITS - CELLS.ilog2();
        let bits = BITS[(hash >> (rest - 6)) as usize % BITS.len()];
        ((hash >> rest) as usize % CELLS, bits)
    }

    fn order(group: u64) -> usize {
        (hash(group) >> (64 - Self::ORDER)) as usize
    }

    #[inline]
    fn may(&self, hash: u32) -> bool {
        let (cell, bits) = Self::cell(hash);
        self.filter[cell] & bits == bits
    }

    /// The seeds that are this group.
    fn of(&self, group: u64) -> impl Iterator<Item = Seed> {
        let order = Self::order(group);
        let bound = |at: usize| self.begins.get(at).map_or(0, |n| *n as usize);
        let near = self.seeds.get(bound(order)..bound(order + 1));
        near.unwrap_or_default()
            .iter()
            .copied()
            .filter(move |s| s.group == group)
    }
}

/// How well a seed is suited: how often routine lines hold its groups, its kind, how often these and other sentences
/// do, the length of its word. Less is better.
type Cost = (u32, usize, u32, Reverse<usize>);

/// How often groups are met, by their hashes.
struct Met(Vec<u16>);

impl Met {
    const BITS: u32 = 16;
    /// A place that routine lines hold is worse than one that many sentences share.
    const ROUTINE: u16 = 256;

    fn of(routine: &str, size: usize) -> Self {
        let mut met = Self(vec![0; 1 << Self::BITS]);
        for line in routine.lines() {
            for at in line.as_bytes().windows(size) {
                met.add(group(at), Self::ROUTINE);
            }
        }
        met
    }

    fn place(group: u64) -> usize {
        (hash(any_digit(group)) >> (64 - Self::BITS)) as usize
    }

    fn add(&mut self, group: u64, times: u16) {
        if let Some(count) = self.0.get_mut(Self::place(group)) {
            *count = count.saturating_add(times);
        }
    }

    fn count(&self, group: u64) -> u32 {
        self.0.get(Self::place(group)).copied().unwrap_or(0).into()
    }
}

/// The octets with a zero for each digit: routine lines differ in them.
fn any_digit(group: u64) -> u64 {
    u64::from_le_bytes(
        group
            .to_le_bytes()
            .map(|b| if b.is_ascii_digit() { b'0' } else { b }),
    )
}

#[inline]
fn hash(group: u64) -> u64 {
    group.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The part of a group's hash that depends on all of it.
#[inline]
fn of_all(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The part of a group's hash that depends on its first four octets alone: a product's lower half is made of the lower
/// halves of its factors.
#[inline]
fn of_half(hash: u64) -> u32 {
    hash as u32
}

/// Three of a cell's eight bits, in all 56 ways and eight of them twice. A table costs less than to shift them there.
static BITS: [u8; 64] = three_of_eight();

const fn three_of_eight() -> [u8; 64] {
    let mut all = [0b0000_0111; 64];
    let (mut bits, mut at) = (0_u8, 0);
    while bits < u8::MAX {
        if bits.count_ones() == 3 {
            all[at] = bits;
            at += 1;
        }
        bits += 1;
    }
    while at < all.len() {
        all[at] = all[at - 56];
        at += 1;
    }
    all
}

/// Up to eight octets as a number, letters small.
fn group(octets: &[u8]) -> u64 {
    let mut all = [0; 8];
    for (to, from) in all.iter_mut().zip(octets) {
        *to = from | 0x20;
    }
    u64::from_le_bytes(all)
}

/// The groups of `size` octets that begin at `at` and the places behind it.
fn groups(word: &str, at: usize, size: usize) -> Option<impl Iterator<Item = u64>> {
    let window = word.as_bytes().get(at..at + size + STEP - 1)?;
    Some(window.windows(size).map(group))
}
