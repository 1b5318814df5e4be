//! Order by chance, from a seed: the same seed gives the same order, so that tests can say what they expect.
//!
//! Not for secrets; the seed itself comes from the system's random source.

/// A sequence of numbers by chance (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence that belongs to this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed from the system's random source; the fixed one where that source is not to be had, since a poor
    /// spread of load is better than no mail.
    pub fn seed() -> u64 {
        getrandom::u64().unwrap_or(FIXED)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Puts a list into an order by chance (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let choices = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            let chosen = usize::try_from(self.draw() % choices).unwrap_or(0);
            list.swap(last, chosen);
        }
    }
}

/// The increment of SplitMix64: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Any number would do.
const FIXED: u64 = 0x6772_616E_6765;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_order_of_three_comes_up() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut list = [1, 2, 3];
            Chance::new(seed).shuffle(&mut list);
            seen.insert(list);
        }
        assert_eq!(seen.len(), 6);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_a_seed_repeats_its_order(seed: u64, list: Vec<u16>) {
            let mut once = list.clone();
            let mut twice = list.clone();
            Chance::new(seed).shuffle(&mut once);
            Chance::new(seed).shuffle(&mut twice);
            prop_assert_eq!(&once, &twice);
            once.sort_unstable();
            let mut sorted = list;
            sorted.sort_unstable();
            prop_assert_eq!(once, sorted);
        }
    }
}
