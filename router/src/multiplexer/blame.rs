//! Addresses that workers died of.
//!
//! A death counts for every address that the worker had in hand; those are tried again one by one, and an answer clears
//! an address. So only what really kills reaches the third death, and is then answered "not now" for a while.

use proto::address::Mailbox;
use std::collections::HashMap;

/// Deaths that make a question, or a message, guilty.
pub(crate) const DEATHS: u32 = 3;

/// How long deaths are remembered, in milliseconds.
const MEMORY: u64 = 10 * 60_000;

/// Addresses that are remembered at most.
const MOST: usize = 4_096;

/// Deaths by address; the bare `<Postmaster>` is an address like any other.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    suspects: HashMap<Option<Mailbox>, Suspicion>,
}

#[derive(Debug, Clone, Copy)]
struct Suspicion {
    deaths: u32,
    until: u64,
}

impl Blame {
    /// A worker died with this address in hand; how many have so far.
    pub(crate) fn died(&mut self, address: &Option<Mailbox>, now: u64) -> u32 {
        let former = self.suspects.get(address).filter(|known| known.until > now).map_or(0, |k| k.deaths);
        if former == 0 && self.suspects.len() >= MOST {
            self.make_room(now);
        }
        let deaths = former + 1;
        self.suspects.insert(address.clone(), Suspicion { deaths, until: now + MEMORY });
        deaths
    }

    /// The address got an answer: it kills nobody.
    pub(crate) fn clear(&mut self, address: &Option<Mailbox>) {
        if !self.suspects.is_empty() {
            self.suspects.remove(address);
        }
    }

    /// The address is not to be given to a worker now.
    pub(crate) fn is_guilty(&self, address: &Option<Mailbox>, now: u64) -> bool {
        let known = self.suspects.get(address);
        known.is_some_and(|known| known.deaths >= DEATHS && known.until > now)
    }

    /// How many addresses are guilty.
    pub(crate) fn guilty(&self, now: u64) -> usize {
        self.suspects.values().filter(|known| known.deaths >= DEATHS && known.until > now).count()
    }

    fn make_room(&mut self, now: u64) {
        self.suspects.retain(|_, known| known.until > now);
        if self.suspects.len() >= MOST
            && let Some(oldest) =
                self.suspects.iter().min_by_key(|(_, known)| known.until).map(|(a, _)| a.clone())
        {
            self.suspects.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<Mailbox> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_third_death_makes_guilty_for_ten_minutes() {
        let (mut blame, bad) = (Blame::default(), address("bad@example.org"));
        assert_eq!([blame.died(&bad, 0), blame.died(&bad, 1)], [1, 2]);
        assert!(!blame.is_guilty(&bad, 2));
        blame.died(&bad, 2);
        assert!(blame.is_guilty(&bad, 3) && !blame.is_guilty(&address("good@example.org"), 3));
        assert!(!blame.is_guilty(&bad, 2 + MEMORY));
        assert_eq!(blame.died(&bad, 2 + MEMORY), 1, "it starts anew");
    }

    #[test]
    fn an_answer_clears() {
        let (mut blame, good) = (Blame::default(), address("good@example.org"));
        blame.died(&good, 0);
        blame.died(&good, 0);
        blame.clear(&good);
        assert_eq!(blame.died(&good, 0), 1);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let mut blame = Blame::default();
        for n in 0..=u64::try_from(MOST).unwrap() {
            blame.died(&address(&format!("a{n}@example.org")), n);
        }
        assert_eq!(blame.suspects.len(), MOST);
        assert!(!blame.suspects.contains_key(&address("a0@example.org")));
    }
}
