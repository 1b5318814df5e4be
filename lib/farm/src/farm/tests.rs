//! The farm with an owner and a supervisor in memory.

use super::*;
use ipc::Role;
use ipc::supervisor::ChildNumber;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A farm whose wishes are granted at once, with everything that it asked for.
struct Bench {
    farm: Farm,
    next_child: ChildNumber,
    drains: Vec<ChildNumber>,
    kills: Vec<ChildNumber>,
    reports: Vec<String>,
}

impl Bench {
    fn new(policy: Policy) -> Self {
        let farm = Farm::new(Role::RouterWorker, policy);
        Self { farm, next_child: 1, drains: vec![], kills: vec![], reports: vec![] }
    }

    /// One turn of the loop. Gives the children that were started in it.
    fn turn(&mut self, now: u64) -> Vec<ChildNumber> {
        let mut started = vec![];
        self.farm.tick(now);
        while let Some(action) = self.farm.poll() {
            match action {
                Action::Spawn { ticket } => {
                    assert!(self.farm.spawned(ticket, self.next_child, now));
                    started.push(self.next_child);
                    self.next_child += 1;
                }
                Action::Drain { child } => self.drains.push(child),
                Action::Kill { child } => self.kills.push(child),
                Action::Report(report) => self.reports.push(report.to_string()),
            }
        }
        started
    }
}

#[test]
fn it_starts_the_least_and_more_when_wanted() {
    let mut bench = Bench::new(Policy::new(2, 4));
    assert_eq!(bench.turn(0), [1, 2]);
    bench.farm.want(9);
    assert_eq!(bench.turn(1), [3, 4]);
    assert!(bench.turn(2).is_empty());
}

#[test]
fn surplus_workers_go_when_they_are_idle() {
    let mut bench = Bench::new(Policy::new(1, 4));
    bench.farm.want(3);
    bench.turn(0);
    bench.farm.took(1);
    bench.farm.want(1);
    bench.turn(1);
    assert_eq!(bench.drains, [2, 3]);
    assert_eq!(bench.farm.counts(), Counts { fresh: 1, draining: 2, busy: 1, ..Counts::default() });
}

#[test]
fn a_worn_worker_serves_until_its_replacement_is_there() {
    let mut bench = Bench::new(Policy { recycle_uses: Some(2), ..Policy::new(1, 1) });
    bench.turn(0);
    bench.farm.took(1);
    bench.farm.took(1);
    assert_eq!(bench.turn(5), [2]);
    assert_eq!((bench.drains.len(), bench.farm.least_loaded()), (0, Some(2)));
    bench.turn(6);
    assert_eq!(bench.drains, [1]);
    assert_eq!(bench.reports, ["router worker 1 is replaced (uses) after 2 uses and 5ms"]);
    assert_eq!(bench.farm.exited(1, "exit 0", true, 7), Some(2));
    assert_eq!((bench.turn(8), bench.reports.len()), (vec![], 1));
}

#[test]
fn age_memory_and_own_wish_replace_too() {
    let policy = Policy { recycle_age: Some(1_000), recycle_memory: Some(50), ..Policy::new(3, 4) };
    let mut bench = Bench::new(policy);
    bench.turn(0);
    bench.farm.grown(1, 49);
    bench.farm.grown(2, 50);
    bench.farm.retiring(3, 10);
    bench.turn(20);
    assert_eq!(bench.farm.counts().retiring, 2);
    assert_eq!(bench.farm.next_deadline(), Some(1_000), "the first one grows old");
    bench.turn(1_000);
    let whys: Vec<_> = bench.reports.iter().filter_map(|text| text.split(['(', ')']).nth(1)).collect();
    assert_eq!(whys, ["asked", "memory", "age"]);
}

#[test]
fn a_worker_that_cannot_be_replaced_serves_on() {
    let mut bench = Bench::new(Policy::new(1, 1));
    bench.turn(0);
    bench.farm.retiring(1, 10);
    bench.farm.tick(10);
    let Some(Action::Spawn { ticket }) = std::iter::from_fn(|| bench.farm.poll()).last() else { panic!() };
    assert!(bench.farm.owns(ticket));
    assert!(bench.farm.spawn_failed(ticket, "no such file", 11));
    bench.turn(12);
    assert_eq!(bench.reports, ["router worker could not be started (no such file); next start in 0.1s"]);
    assert_eq!((bench.farm.least_loaded(), bench.drains.len()), (Some(1), 0));
    assert_eq!(bench.farm.next_deadline(), Some(111));
}

#[test]
fn deaths_soon_after_the_start_back_off_and_say_so() {
    let mut bench = Bench::new(Policy::new(1, 2));
    let mut now = 0;
    for child in 1..=3 {
        assert_eq!(bench.turn(now), [child]);
        now += 20;
        bench.farm.exited(child, "signal 11", false, now);
        assert!(bench.turn(now).is_empty(), "not at once");
        now = bench.farm.next_deadline().unwrap();
    }
    assert_eq!(bench.reports[0], "router worker ended after 20ms (signal 11); next start in 0.1s");
    assert_eq!(bench.reports[2], "router worker died 3 times in 0.3s (signal 11); next start in 0.4s");
    assert_eq!(bench.turn(now), [4]);
}

#[test]
fn a_death_after_a_long_life_is_replaced_at_once() {
    let mut bench = Bench::new(Policy::new(1, 2));
    bench.turn(0);
    bench.farm.exited(1, "signal 9", false, 60_000);
    assert_eq!(bench.turn(60_000), [2]);
    assert_eq!(bench.reports, ["router worker ended after 1m (signal 9); next start at once"]);
}

#[test]
fn a_streak_starts_one_worker_at_a_time_until_one_lives() {
    let mut bench = Bench::new(Policy::new(3, 3));
    bench.turn(0);
    (1..=3).for_each(|child| assert_eq!(bench.farm.exited(child, "signal 9", false, 10), Some(0)));
    assert_eq!(bench.turn(110), [4]);
    assert!(bench.turn(150).is_empty());
    assert_eq!(bench.turn(210), [5]);
    assert_eq!(bench.turn(310), [6]);
}

#[test]
fn the_end_of_a_streak_is_a_deadline() {
    let mut bench = Bench::new(Policy { backoff_first: 20_000, ..Policy::new(3, 3) });
    bench.turn(0);
    (1..=3).for_each(|child| assert_eq!(bench.farm.exited(child, "signal 9", false, 10), Some(0)));
    assert_eq!(bench.turn(20_010), [4]);
    assert_eq!(bench.farm.next_deadline(), Some(25_010), "the fourth has lived long enough by then");
    assert_eq!(bench.turn(25_010), [5, 6]);
}

#[test]
fn draining_ends_with_a_kill_for_those_that_stay() {
    let mut bench = Bench::new(Policy { drain_grace: 500, ..Policy::new(2, 2) });
    bench.turn(0);
    bench.farm.took(2);
    bench.farm.drain();
    bench.turn(100);
    assert_eq!((&*bench.drains, bench.farm.least_loaded()), (&[1, 2][..], None));
    bench.farm.exited(1, "exit 0", true, 150);
    assert_eq!(bench.farm.next_deadline(), Some(600));
    bench.turn(599);
    assert!(bench.kills.is_empty());
    bench.turn(600);
    bench.turn(9_999);
    assert_eq!(bench.kills, [2]);
    assert_eq!(bench.reports, ["router worker 2 did not exit within 0.5s; killed with 1 in hand"]);
    bench.farm.exited(2, "signal 9", false, 10_000);
    assert_eq!((bench.turn(10_001), bench.farm.is_empty()), (vec![], true));
}

#[test]
fn a_worker_that_comes_while_draining_is_drained() {
    let mut farm = Farm::new(Role::AgentSmtp, Policy::new(1, 1));
    farm.tick(0);
    let Some(Action::Spawn { ticket }) = farm.poll() else { panic!() };
    farm.drain();
    farm.tick(1);
    assert!(farm.spawned(ticket, 7, 2) && !farm.spawned(ticket, 8, 2), "a ticket is good for one worker");
    farm.tick(3);
    assert_eq!(farm.poll(), Some(Action::Drain { child: 7 }));
}

#[test]
fn the_fewest_sessions_get_the_next_one() {
    let mut bench = Bench::new(Policy::new(3, 3));
    bench.turn(0);
    let mut given = vec![];
    for _ in 0..6 {
        let child = bench.farm.least_loaded().unwrap();
        bench.farm.took(child);
        given.push(child);
    }
    assert_eq!(given, [1, 2, 3, 1, 2, 3]);
    bench.farm.finished(2, 2);
    assert_eq!(bench.farm.least_loaded(), Some(2));
}

#[test]
fn the_hungry_are_fed_in_turn_and_the_preferred_first() {
    let mut bench = Bench::new(Policy::new(3, 3));
    bench.turn(0);
    assert_eq!(bench.farm.next_hungry(|_| false), None);
    (1..=3).for_each(|child| bench.farm.hungry(child, 2));
    let mut given = vec![];
    while let Some(child) = bench.farm.next_hungry(|_| false) {
        bench.farm.took(child);
        given.push(child);
    }
    assert_eq!(given, [1, 2, 3, 1, 2, 3]);
    (1..=3).for_each(|child| bench.farm.hungry(child, 1));
    assert_eq!(bench.farm.next_hungry(|child| child == 2), Some(2));
    bench.farm.retiring(1, 5);
    assert_eq!(bench.farm.next_hungry(|_| false), Some(2), "a retiring one comes last");
}

#[test]
fn farms_of_one_process_draw_different_tickets() {
    let tickets: Vec<_> = [Role::AgentSmtp, Role::AgentMailbox]
        .into_iter()
        .map(|role| {
            let mut farm = Farm::new(role, Policy::new(1, 1));
            farm.tick(0);
            farm.poll()
        })
        .collect();
    assert_ne!(tickets[0], tickets[1]);
}

/// What may happen to a farm, with a number to choose which worker and how long.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Answer(bool),
    Die(usize, bool),
    Work,
    Finish(usize),
    Retire(usize),
    Want(usize),
    Drain,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u64..400).prop_map(Step::Wait),
        1 => (400_u64..9_000).prop_map(Step::Wait),
        6 => proptest::bool::weighted(0.8).prop_map(Step::Answer),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, clean)| Step::Die(n, clean)),
        6 => Just(Step::Work),
        4 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::Retire),
        2 => (0_usize..8).prop_map(Step::Want),
    ];
    let tail = proptest::option::weighted(0.3, Just(Step::Drain));
    (proptest::collection::vec(step, 0..150), tail).prop_map(|(mut steps, tail)| {
        let middle = steps.len() / 2;
        tail.into_iter().for_each(|drain| steps.insert(middle, drain));
        steps
    })
}

/// The world around a farm: what it asked for and has not got yet.
struct World {
    farm: Farm,
    policy: Policy,
    now: u64,
    next_child: ChildNumber,
    asked: Vec<u64>,
    drained: BTreeMap<ChildNumber, u64>,
    killed: Vec<ChildNumber>,
    draining: bool,
}

impl World {
    fn apply(&mut self, step: &Step) {
        let children: Vec<_> = self.farm.workers.keys().copied().collect();
        let pick = |n: &usize| children.get(n % children.len().max(1)).copied();
        match step {
            Step::Wait(time) => self.now += time,
            Step::Answer(good) => self.answer(*good),
            Step::Die(n, clean) => {
                pick(n).map(|child| self.farm.exited(child, "signal 9", *clean, self.now));
            }
            Step::Work => self.farm.least_loaded().into_iter().for_each(|child| self.farm.took(child)),
            Step::Finish(n) => pick(n).into_iter().for_each(|child| self.farm.finished(child, 1)),
            Step::Retire(n) => pick(n).into_iter().for_each(|child| self.farm.retiring(child, self.now)),
            Step::Want(n) => self.farm.want(*n),
            Step::Drain => {
                self.draining = true;
                self.farm.drain();
            }
        }
    }

    fn answer(&mut self, good: bool) {
        let Some(ticket) = self.asked.pop() else { return };
        if good {
            assert!(self.farm.spawned(ticket, self.next_child, self.now));
            self.next_child += 1;
        } else {
            assert!(self.farm.spawn_failed(ticket, "no", self.now));
        }
    }

    fn turn(&mut self) {
        let serving = |farm: &Farm| farm.counts().fresh + farm.counts().retiring;
        let before = serving(&self.farm);
        self.farm.tick(self.now);
        if !self.draining && serving(&self.farm) < before {
            assert!(serving(&self.farm) >= self.policy.min, "drained below the least");
        }
        while let Some(action) = self.farm.poll() {
            match action {
                Action::Spawn { ticket } => {
                    assert!(!self.draining, "started while draining");
                    self.asked.push(ticket);
                }
                Action::Drain { child } => {
                    assert!(self.farm.has(child));
                    assert_eq!(self.drained.insert(child, self.now), None, "drained twice");
                }
                Action::Kill { child } => {
                    let since = self.drained[&child];
                    assert!(self.now - since >= self.policy.drain_grace, "killed before its grace was over");
                    assert!(!self.killed.contains(&child), "killed twice");
                    self.killed.push(child);
                }
                Action::Report(report) => assert!(!report.to_string().is_empty()),
            }
        }
    }

    fn check(&self) {
        let (counts, policy) = (self.farm.counts(), &self.policy);
        let going = counts.starting + counts.fresh + counts.retiring;
        assert!(counts.starting + counts.fresh <= policy.max, "more than max: {counts:?}");
        assert!(going <= policy.max + 1, "more than one on top: {counts:?}");
        let deadline = self.farm.next_deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "the loop would spin");
        if !self.draining && going < policy.min {
            let longest = self.now + policy.backoff_longest;
            assert!(
                deadline.is_some_and(|at| at <= longest),
                "below the least, and no start is due: {counts:?}"
            );
        }
        if let Some(child) = self.farm.least_loaded() {
            assert!(!self.drained.contains_key(&child), "work for a drained worker");
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_bounds_hold(min in 0_u32..4, more in 0_u32..3, steps in steps()) {
        let policy = Policy {
            recycle_uses: Some(4),
            recycle_age: Some(5_000),
            drain_grace: 700,
            short_life: 300,
            backoff_longest: 1_000,
            ..Policy::new(min, min + more)
        };
        let farm = Farm::new(Role::SmtpWorker, policy.clone());
        let mut world = World {
            farm, policy, now: 0, next_child: 1, asked: vec![], drained: BTreeMap::new(), killed: vec![], draining: false,
        };
        for step in &steps {
            world.apply(step);
            world.turn();
            world.check();
        }
    }
}
