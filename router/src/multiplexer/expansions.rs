//! Messages whose recipients have to be expanded: each once, again after a failure, and not again after three deaths.
//!
//! | a message is | it leaves this state when |
//! |---|---|
//! | ready | a worker takes it |
//! | out (with a worker, or a suspect) | it is expanded, it failed, its worker died |
//! | later | its wait is over: 1 s, doubled up to 60 s |
//! | done | it is forgotten, or the scheduler insists after a while |
//! | quarantined | the operator wants it tried again, or this process ends: the scheduler shows it as held |
//!
//! Doing one twice costs work and nothing else: attempts bear different numbers, and the first closed one counts.

use super::blame::DEATHS;
use farm::timers::Timers;
use proto::place::Place;
use std::collections::{HashMap, VecDeque};

/// Messages that are ready, out or later; beyond that, hints stay unread.
const FULL: usize = 10_000;

/// Finished messages that are remembered, so that a repeated hint does nothing.
const REMEMBERED: usize = 65_536;

/// Quarantined messages that are remembered.
const QUARANTINE: usize = 1_024;

/// The scheduler may have an expansion repeated after so many milliseconds.
const INSIST: u64 = 30_000;

/// The first wait after a failure, and the longest, in milliseconds.
const WAITS: (u64, u64) = (1_000, 60_000);

/// All of them.
#[derive(Debug)]
pub(crate) struct Expansions {
    jobs: HashMap<Place, Job>,
    ready: VecDeque<Place>,
    later: Timers<Place>,
    done: Recent,
    quarantined: Recent,
    attempt: u32,
}

#[derive(Debug, Default)]
struct Job {
    failures: u32,
    deaths: u32,
}

impl Expansions {
    /// None yet. Attempts are numbered from `start`, which differs from one multiplexer to the next: milliseconds of UTC
    /// at its start, cut to 31 bits.
    pub(crate) fn new(start: u64) -> Self {
        Self {
            jobs: HashMap::new(),
            ready: VecDeque::new(),
            later: Timers::new(),
            done: Recent::new(REMEMBERED),
            quarantined: Recent::new(QUARANTINE),
            attempt: u32::try_from(start & 0x7fff_ffff).unwrap_or_default(),
        }
    }

    /// A hint says that this message is there. Tells whether that is news.
    pub(crate) fn wish(&mut self, place: Place) -> bool {
        let new = self.done.at(place).is_none() && self.is_new(place);
        if new {
            self.start(place);
        }
        new
    }

    /// The scheduler says that this message has not been expanded; `again` takes it out of quarantine.
    pub(crate) fn insist(&mut self, place: Place, again: bool, now: u64) -> bool {
        if again {
            self.quarantined.remove(place);
        }
        let late = self.done.at(place).is_none_or(|done| now.saturating_sub(done) >= INSIST);
        let new = late && self.jobs.len() < FULL && self.is_new(place);
        if new {
            self.start(place);
        }
        new
    }

    fn is_new(&self, place: Place) -> bool {
        !self.jobs.contains_key(&place) && !self.is_quarantined(place)
    }

    /// Three workers died of it, and nobody has wanted it again.
    pub(crate) fn is_quarantined(&self, place: Place) -> bool {
        self.quarantined.at(place).is_some()
    }

    fn start(&mut self, place: Place) {
        self.jobs.insert(place, Job::default());
        self.ready.push_back(place);
    }

    /// So many are open that hints are to be read later.
    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= FULL
    }

    /// Takes the next one that is ready.
    pub(crate) fn next(&mut self) -> Option<Place> {
        self.ready.pop_front()
    }

    /// None of those that are ready or later is to be begun any more.
    pub(crate) fn abandon(&mut self) {
        self.ready.clear();
        self.later = Timers::new();
    }

    /// Some are ready.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// A number that no attempt of this process had.
    pub(crate) fn attempt(&mut self) -> u32 {
        self.attempt = self.attempt.checked_add(1).unwrap_or(1);
        self.attempt
    }

    /// A worker gave it back untouched.
    pub(crate) fn back(&mut self, place: Place) {
        self.ready.push_front(place);
    }

    /// It is expanded.
    pub(crate) fn done(&mut self, place: Place, now: u64) {
        self.jobs.remove(&place);
        self.done.add(place, now);
    }

    /// It cannot be expanded now. Gives the wait until the next attempt, in milliseconds.
    pub(crate) fn failed(&mut self, place: Place, now: u64) -> u64 {
        let job = self.jobs.entry(place).or_default();
        let wait = WAITS.0.saturating_mul(1 << job.failures.min(16)).min(WAITS.1);
        job.failures = job.failures.saturating_add(1);
        self.later.set(place, now + wait);
        wait
    }

    /// A worker died with it in hand; how many have so far. At the third death it is quarantined.
    pub(crate) fn died(&mut self, place: Place, now: u64) -> u32 {
        let job = self.jobs.entry(place).or_default();
        job.deaths += 1;
        let deaths = job.deaths;
        if deaths >= DEATHS {
            self.jobs.remove(&place);
            self.quarantined.add(place, now);
        }
        deaths
    }

    /// Makes those ready whose wait is over.
    pub(crate) fn tick(&mut self, now: u64) {
        while let Some(place) = self.later.due(now) {
            self.ready.push_back(place);
        }
    }

    /// When [`Expansions::tick`] wants to be called.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.later.next_at()
    }

    /// Ready, out or later.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// How many are quarantined.
    pub(crate) fn quarantined(&self) -> usize {
        self.quarantined.times.len()
    }
}

/// The last so many places, with a time each.
#[derive(Debug)]
struct Recent {
    times: HashMap<Place, u64>,
    order: VecDeque<Place>,
    most: usize,
}

impl Recent {
    fn new(most: usize) -> Self {
        Self { times: HashMap::new(), order: VecDeque::new(), most }
    }

    fn add(&mut self, place: Place, now: u64) {
        if self.times.insert(place, now).is_none() {
            self.order.push_back(place);
        }
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.times.remove(&oldest);
        }
    }

    fn remove(&mut self, place: Place) {
        if self.times.remove(&place).is_some() {
            self.order.retain(|other| *other != place);
        }
    }

    fn at(&self, place: Place) -> Option<u64> {
        self.times.get(&place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::id::SpoolId;

    fn place(offset: u64) -> Place {
        Place { segment: SpoolId::new(1, 2, 3, 4), offset }
    }

    #[test]
    fn a_repeated_hint_does_nothing_and_the_scheduler_may_insist() {
        let mut all = Expansions::new(0);
        assert!(all.wish(place(1)) && !all.wish(place(1)) && !all.insist(place(1), false, 5));
        assert_eq!((all.next(), all.next()), (Some(place(1)), None));
        all.done(place(1), 10);
        assert!(
            !all.wish(place(1))
                && !all.insist(place(1), false, 9 + INSIST)
                && all.insist(place(1), false, 10 + INSIST)
        );
    }

    #[test]
    fn failures_wait_longer_and_longer() {
        let mut all = Expansions::new(0);
        all.wish(place(1));
        let mut now = 0;
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                all.next().unwrap();
                let wait = all.failed(place(1), now);
                now += wait;
                all.tick(now - 1);
                assert!(!all.is_ready());
                all.tick(now);
                wait
            })
            .collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn nothing_is_begun_any_more_once_it_is_abandoned() {
        let mut all = Expansions::new(0);
        all.wish(place(1));
        all.next();
        all.failed(place(1), 0);
        all.wish(place(2));
        all.abandon();
        all.tick(1 << 40);
        assert_eq!((all.next(), all.next_deadline()), (None, None));
    }

    #[test]
    fn the_third_death_is_the_last_attempt() {
        let mut all = Expansions::new(0);
        all.wish(place(1));
        all.next();
        assert_eq!([all.died(place(1), 0), all.died(place(1), 0), all.died(place(1), 0)], [1, 2, 3]);
        assert!(!all.wish(place(1)) && !all.insist(place(1), false, 1 << 40));
        assert!(all.is_quarantined(place(1)));
        assert_eq!((all.len(), all.quarantined()), (0, 1));
    }

    #[test]
    fn who_is_wanted_again_leaves_the_quarantine_with_a_clean_sheet() {
        let mut all = Expansions::new(0);
        for again in [false, true] {
            assert!(all.insist(place(1), again, 0));
            all.next();
            assert_eq!([all.died(place(1), 0), all.died(place(1), 0), all.died(place(1), 0)], [1, 2, 3]);
        }
        assert!(all.insist(place(1), true, 0) && !all.is_quarantined(place(1)));
        assert_eq!((all.len(), all.quarantined(), all.quarantined.order.len()), (1, 0, 0));
    }

    #[test]
    fn attempts_differ_and_are_never_0() {
        let mut all = Expansions::new(u64::MAX);
        all.attempt = u32::MAX - 1;
        assert_eq!([all.attempt(), all.attempt(), all.attempt()], [u32::MAX, 1, 2]);
    }

    #[test]
    fn the_memory_of_what_is_done_is_bounded() {
        let mut recent = Recent::new(2);
        (1..4).for_each(|n| recent.add(place(n), n));
        assert_eq!([recent.at(place(1)), recent.at(place(3))], [None, Some(3)]);
        assert_eq!(recent.order.len(), 2);
    }
}
