//! The farm: what its owner tells it, and what it can be asked. What follows from it is decided in `settle.rs`.

use super::backoff::Backoff;
use super::worker::{Stage, Worker};
use super::{Death, Policy, Report, Why};
use ipc::Role;
use ipc::supervisor::ChildNumber;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

/// A set of workers of one role. See the head of the module.
#[derive(Debug)]
pub struct Farm {
    pub(super) role: Role,
    pub(super) policy: Policy,
    pub(super) wanted: usize,
    pub(super) draining: bool,
    pub(super) workers: BTreeMap<ChildNumber, Worker>,
    pub(super) tickets: BTreeSet<u64>,
    pub(super) last_ticket: u64,
    pub(super) backoff: Backoff,
    pub(super) actions: VecDeque<Action>,
    last_fed: ChildNumber,
}

/// What the farm's owner shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the supervisor for a worker; the answer goes to [`Farm::spawned`] or [`Farm::spawn_failed`].
    Spawn {
        /// Unique among the farms of a process: see [`Farm::owns`].
        ticket: u64,
    },
    /// Tell this worker to finish and exit; it gets no more work.
    Drain {
        /// Which.
        child: ChildNumber,
    },
    /// Have this worker killed; [`Farm::exited`] is still to come.
    Kill {
        /// Which.
        child: ChildNumber,
    },
    /// Tell the operator.
    Report(Report),
}

/// How many workers are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Asked for, not there yet.
    pub starting: usize,
    /// Serving, and to be kept.
    pub fresh: usize,
    /// Serving until replaced.
    pub retiring: usize,
    /// Told to exit.
    pub draining: usize,
    /// Those of all of them that have work.
    pub busy: usize,
}

impl Farm {
    /// A farm without workers; the first [`Farm::tick`] asks for them.
    pub fn new(role: Role, policy: Policy) -> Self {
        let number = Role::ALL.iter().position(|other| *other == role).unwrap_or_default();
        Self {
            role,
            wanted: policy.min,
            policy,
            draining: false,
            workers: BTreeMap::new(),
            tickets: BTreeSet::new(),
            last_ticket: u64::try_from(number).unwrap_or_default() << 48,
            backoff: Backoff::default(),
            actions: VecDeque::new(),
            last_fed: 0,
        }
    }

    /// The next thing to do; call it after [`Farm::tick`] until it gives `None`.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The worker asked for is there. `false` if this farm did not ask: close the channel.
    pub fn spawned(&mut self, ticket: u64, child: ChildNumber, now: u64) -> bool {
        let asked = self.tickets.remove(&ticket);
        if asked {
            self.workers.insert(child, Worker::new(now));
        }
        asked
    }

    /// The worker asked for could not be started; `false` if this farm did not ask.
    pub fn spawn_failed(&mut self, ticket: u64, why: &str, now: u64) -> bool {
        let asked = self.tickets.remove(&ticket);
        if asked {
            self.backoff.died(&self.policy, now, now);
            let death = self.death(why, 0, now);
            self.actions.push_back(Action::Report(Report::SpawnFailed { role: self.role, death }));
        }
        asked
    }

    /// A worker is gone. Gives the work it had in hand, `None` if it is not of this farm.
    pub fn exited(&mut self, child: ChildNumber, how: &str, clean: bool, now: u64) -> Option<u64> {
        let worker = self.workers.remove(&child)?;
        if !worker.serves() {
            return Some(worker.load);
        }
        if clean {
            self.backoff.left(&self.policy, worker.born, now);
        } else {
            self.backoff.died(&self.policy, worker.born, now);
        }
        let death = self.death(how, worker.age(now), now);
        self.actions.push_back(Action::Report(Report::Exited { role: self.role, child, death }));
        Some(worker.load)
    }

    /// A worker can take so many more pieces of work.
    pub fn hungry(&mut self, child: ChildNumber, credits: u32) {
        self.change(child, |worker| worker.credits = worker.credits.saturating_add(credits));
    }

    /// A worker was given one piece of work.
    pub fn took(&mut self, child: ChildNumber) {
        self.last_fed = child;
        self.change(child, |worker| {
            worker.uses = worker.uses.saturating_add(1);
            worker.load = worker.load.saturating_add(1);
            worker.credits = worker.credits.saturating_sub(1);
        });
    }

    /// A worker has done with so many pieces of work.
    pub fn finished(&mut self, child: ChildNumber, pieces: u64) {
        self.change(child, |worker| worker.load = worker.load.saturating_sub(pieces));
    }

    /// A worker has grown to so many octets.
    pub fn grown(&mut self, child: ChildNumber, octets: u64) {
        self.change(child, |worker| worker.memory = octets);
    }

    /// A worker wishes to be replaced.
    pub fn retiring(&mut self, child: ChildNumber, now: u64) {
        self.retire(child, Why::Asked, now);
    }

    /// So many workers would be of use; kept within `min..=max`. Surplus workers are drained when they are idle.
    pub fn want(&mut self, workers: usize) {
        if !self.draining {
            self.wanted = workers.clamp(self.policy.min, self.policy.max);
        }
    }

    /// New numbers, after a reload. What was wanted is kept within the new bounds.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.want(self.wanted);
    }

    /// Finish: every worker is drained, none is started. Done when [`Farm::is_empty`].
    pub fn drain(&mut self) {
        self.draining = true;
        self.wanted = 0;
    }

    /// The worker with the least work in hand, or among equals the one used least; retiring ones only when no fresh one
    /// serves. Credits do not matter.
    pub fn least_loaded(&self) -> Option<ChildNumber> {
        let serving = self.workers.iter().filter(|(_, worker)| worker.serves());
        serving
            .min_by_key(|(_, worker)| (worker.retiring(), worker.load, worker.uses))
            .map(|(child, _)| *child)
    }

    /// The worker with credits whose turn it is: after the one fed last, those that `prefer` names first, then fresh
    /// ones, then retiring ones.
    pub fn next_hungry(&self, prefer: impl Fn(ChildNumber) -> bool) -> Option<ChildNumber> {
        let after = self.workers.range((Excluded(self.last_fed), Unbounded));
        let hungry = after
            .chain(self.workers.range(..=self.last_fed))
            .filter(|(_, worker)| worker.serves() && worker.credits > 0);
        hungry.min_by_key(|(child, worker)| (!prefer(**child), worker.retiring())).map(|(child, _)| *child)
    }

    /// The ticket is one of this farm's: farms of different roles in one process never draw the same.
    pub fn owns(&self, ticket: u64) -> bool {
        self.tickets.contains(&ticket)
    }

    /// The child is one of this farm's.
    pub fn has(&self, child: ChildNumber) -> bool {
        self.workers.contains_key(&child)
    }

    /// What the workers are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// How many workers are in which state.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { starting: self.tickets.len(), ..Counts::default() };
        for worker in self.workers.values() {
            counts.busy += usize::from(worker.load > 0);
            match worker.stage {
                Stage::Fresh => counts.fresh += 1,
                Stage::Retiring => counts.retiring += 1,
                Stage::Draining { .. } | Stage::Killed => counts.draining += 1,
            }
        }
        counts
    }

    /// No worker lives and none is on its way.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.tickets.is_empty()
    }

    /// Marks a fresh worker for replacement.
    pub(super) fn retire(&mut self, child: ChildNumber, why: Why, now: u64) {
        let Some(worker) = self.workers.get_mut(&child).filter(|worker| worker.stage == Stage::Fresh) else {
            return;
        };
        worker.stage = Stage::Retiring;
        let (uses, life) = (worker.uses, worker.age(now));
        self.actions.push_back(Action::Report(Report::Retiring { role: self.role, child, why, uses, life }));
    }

    fn change(&mut self, child: ChildNumber, change: impl FnOnce(&mut Worker)) {
        if let Some(worker) = self.workers.get_mut(&child) {
            change(worker);
        }
    }

    fn death(&self, how: &str, life: u64, now: u64) -> Death {
        let (deaths, within) = self.backoff.deaths(now);
        let next = self.backoff.not_before().saturating_sub(now);
        Death { how: how.to_owned(), life, deaths, within, next }
    }
}
