//! What follows from the state of a farm and the time: starts, drains, kills.

use super::state::{Action, Farm};
use super::worker::{Stage, Worker};
use super::{Report, Why};
use ipc::supervisor::ChildNumber;

impl Farm {
    /// Decides what is to be done now; [`Farm::poll`] hands it out. Call it each turn, after the turn's events.
    pub fn tick(&mut self, now: u64) {
        self.kill_late(now);
        if self.draining {
            let serving: Vec<_> = self.where_stage(|stage| matches!(stage, Stage::Fresh | Stage::Retiring));
            serving.into_iter().for_each(|child| self.drain_one(child, now));
        } else {
            self.retire_worn(now);
            self.drain_replaced(now);
            self.drain_surplus(now);
            self.start_missing(now);
        }
        self.check_invariants();
    }

    /// When [`Farm::tick`] has something to do although nothing happened.
    pub fn next_deadline(&self) -> Option<u64> {
        let kills = self.workers.values().filter_map(|worker| match worker.stage {
            Stage::Draining { kill_at } => Some(kill_at),
            Stage::Fresh | Stage::Retiring | Stage::Killed => None,
        });
        let ages = self.workers.values().filter_map(|worker| worker.old_at(&self.policy));
        let missing = self.missing() > 0;
        let start = missing.then(|| self.backoff.not_before());
        let serving = self.workers.values().filter(|worker| missing && worker.serves());
        let over = serving.filter_map(|worker| self.backoff.over_at(&self.policy, worker.born));
        kills.chain(ages).chain(start).chain(over).min()
    }

    fn kill_late(&mut self, now: u64) {
        let late = self.where_stage(|stage| matches!(stage, Stage::Draining { kill_at } if kill_at <= now));
        for child in late {
            let Some(worker) = self.workers.get_mut(&child) else { continue };
            worker.stage = Stage::Killed;
            let (role, load, grace) = (self.role, worker.load, self.policy.drain_grace);
            self.actions.push_back(Action::Kill { child });
            self.actions.push_back(Action::Report(Report::Killed { role, child, load, grace }));
        }
    }

    fn retire_worn(&mut self, now: u64) {
        let worn = |(child, worker): (&ChildNumber, &Worker)| {
            worker.worn(&self.policy, now).map(|why| (*child, why))
        };
        let worn: Vec<(ChildNumber, Why)> = self.workers.iter().filter_map(worn).collect();
        worn.into_iter().for_each(|(child, why)| self.retire(child, why, now));
    }

    /// Drains retiring workers as long as as many as wanted go on serving. Those that still drain are bounded too, so
    /// that slow exits slow recycling down instead of piling up processes.
    fn drain_replaced(&mut self, now: u64) {
        for child in self.where_stage(|stage| stage == Stage::Retiring) {
            let counts = self.counts();
            if counts.fresh + counts.retiring > self.wanted && counts.draining < self.policy.max {
                self.drain_one(child, now);
            }
        }
    }

    /// Drains idle workers beyond what is wanted, the oldest first.
    fn drain_surplus(&mut self, now: u64) {
        let surplus = self.counts().fresh.saturating_sub(self.wanted);
        let idle = self.workers.iter().filter(|(_, worker)| worker.stage == Stage::Fresh && worker.load == 0);
        let idle: Vec<_> = idle.map(|(child, _)| *child).take(surplus).collect();
        idle.into_iter().for_each(|child| self.drain_one(child, now));
    }

    fn start_missing(&mut self, now: u64) {
        let born: Vec<u64> = self.workers.values().filter(|worker| worker.serves()).map(|w| w.born).collect();
        born.into_iter().for_each(|born| self.backoff.alive(&self.policy, born, now));
        while self.missing() > 0 && self.backoff.not_before() <= now {
            self.last_ticket += 1;
            self.tickets.insert(self.last_ticket);
            self.actions.push_back(Action::Spawn { ticket: self.last_ticket });
            self.backoff.started(&self.policy, now);
        }
    }

    /// How many starts are needed and allowed, back-off apart.
    fn missing(&self) -> usize {
        let counts = self.counts();
        let needed = self.wanted.saturating_sub(counts.fresh + counts.starting);
        let room = self.policy.max + usize::from(counts.retiring > 0);
        needed.min(room.saturating_sub(counts.fresh + counts.retiring + counts.starting))
    }

    fn drain_one(&mut self, child: ChildNumber, now: u64) {
        if let Some(worker) = self.workers.get_mut(&child) {
            worker.stage = Stage::Draining { kill_at: now.saturating_add(self.policy.drain_grace) };
            self.actions.push_back(Action::Drain { child });
        }
    }

    fn where_stage(&self, test: impl Fn(Stage) -> bool) -> Vec<ChildNumber> {
        self.workers.iter().filter(|(_, worker)| test(worker.stage)).map(|(child, _)| *child).collect()
    }

    /// The invariants of the module's head, as far as one instant shows them.
    fn check_invariants(&self) {
        let counts = self.counts();
        debug_assert!(!self.draining || counts.fresh + counts.retiring == 0, "a draining farm drains all");
        debug_assert!(self.draining || self.wanted >= self.policy.min, "never fewer wanted than min");
        debug_assert!(self.wanted <= self.policy.max, "never more wanted than max");
    }
}
