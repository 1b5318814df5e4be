//! How long answers took lately.

/// The durations of the last answers, in microseconds.
#[derive(Debug, Default)]
pub struct Pace {
    last: Vec<u64>,
    next: usize,
}

impl Pace {
    /// Notes one answer.
    pub fn note(&mut self, microseconds: u64) {
        match self.last.get_mut(self.next) {
            Some(slot) => *slot = microseconds,
            None => self.last.push(microseconds),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// Half of the last answers took at most this; `None` before the first.
    pub fn median(&self) -> Option<u64> {
        let mut sorted = self.last.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

/// Answers that count.
const KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_follows_the_last_answers_only() {
        let mut pace = Pace::default();
        assert_eq!(pace.median(), None);
        pace.note(1_000_000);
        for _ in 0..KEPT {
            pace.note(7);
        }
        assert_eq!(pace.median(), Some(7));
        assert_eq!(pace.last.len(), KEPT);
    }
}
