//! Slabs whose keys know what they point at, in four octets.
//!
//! A key is only valid while its entry lives; the structures of the queue remove every copy of a key before the entry,
//! or check with [`Store::find`]. That is an invariant of this module tree and never depends on input.

use slab::Slab;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// The place of a `T` in its [`Store`]; `Option<Key<T>>` is as small.
pub(super) struct Key<T> {
    number: NonZeroU32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    pub(super) fn new(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self { number: number.expect("a store holds fewer than 2^32 entries"), kind: PhantomData }
    }

    pub(super) fn index(self) -> usize {
        self.number.get() as usize - 1
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)
    }
}

/// Entries of one type, found by key in O(1).
#[derive(Debug)]
pub(super) struct Store<T> {
    entries: Slab<T>,
}

impl<T> Store<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Slab::new() }
    }

    pub(super) fn insert(&mut self, entry: T) -> Key<T> {
        Key::new(self.entries.insert(entry))
    }

    pub(super) fn remove(&mut self, key: Key<T>) -> Option<T> {
        self.entries.try_remove(key.index())
    }

    pub(super) fn find(&self, key: Key<T>) -> Option<&T> {
        self.entries.get(key.index())
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        self.entries.iter().map(|(index, entry)| (Key::new(index), entry))
    }

    pub(super) fn keys(&self) -> Vec<Key<T>> {
        self.iter().map(|(key, _)| key).collect()
    }
}

impl<T> Index<Key<T>> for Store<T> {
    type Output = T;

    fn index(&self, key: Key<T>) -> &T {
        self.entries.get(key.index()).expect(LIVES)
    }
}

impl<T> IndexMut<Key<T>> for Store<T> {
    fn index_mut(&mut self, key: Key<T>) -> &mut T {
        self.entries.get_mut(key.index()).expect(LIVES)
    }
}

/// Why an index cannot fail.
const LIVES: &str = "a key lives as long as its entry";
