//! A list that is replaced with each change, and shares with the one before what didn't change.

use std::sync::Arc;

/// A list in chunks.
pub(crate) struct Chunked<T>(Vec<Arc<[T]>>);

const CHUNK: usize = 64;

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Clone for Chunked<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Chunked<T> {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// Replaces one element, or appends one.
    pub(crate) fn set(&mut self, at: usize, value: T) {
        let Some(chunk) = self.0.get_mut(at / CHUNK) else {
            self.0.push(Arc::new([value]));
            return;
        };
        let mut new = chunk.to_vec();
        match new.get_mut(at % CHUNK) {
            Some(place) => *place = value,
            None => new.push(value),
        }
        *chunk = new.into();
    }
}

impl<T: Clone> FromIterator<T> for Chunked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        Self(values.chunks(CHUNK).map(Arc::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_found_and_copies_stay_as_they_were() {
        let mut list: Chunked<usize> = (0..100).collect();
        let before = list.clone();
        for at in [0, 63, 64, 99] {
            list.set(at, at + 1000);
        }
        for at in 100..200 {
            list.set(at, at);
        }
        let changed = |at| [0, 63, 64, 99].contains(&at);
        for at in 0..200 {
            let expected = if changed(at) { at + 1000 } else { at };
            assert_eq!(list.get(at), Some(&expected), "{at}");
            assert_eq!(before.get(at), (at < 100).then_some(&at), "{at}");
        }
        assert_eq!(list.get(200), None);
    }
}
