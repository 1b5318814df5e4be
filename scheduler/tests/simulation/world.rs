//! The shell of the simulated queue: it does what the actions say, and makes the events happen.

use super::hosts::{self, DAY, HOUR, MINUTE, SECOND};
use super::ledger::Ledger;
use super::random::Random;
use proto::disposition::Outcome;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::{ByMode, DeliverBy, Special};
use scheduler::queue::{
    Action, AgentId, Arrival, Changed, ChannelPolicy, Feed, GroupPolicy, Hold, JobId, Leg, Policy, Queue,
    Record, Telling, ThreadClock,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Arrive,
    Answer(AgentId, JobId),
    Born(String),
    Die,
    Jump,
    Restart,
    Order,
}

#[derive(Debug)]
struct Agent {
    channel: String,
    jobs: BTreeMap<JobId, Feed>,
}

/// The world around one queue.
pub(super) struct World {
    pub(super) queue: Queue,
    pub(super) ledger: Ledger,
    pub(super) random: Random,
    /// Monotonic milliseconds since the beginning.
    pub(super) mono: u64,
    /// What the wall clock shows at 0.
    pub(super) epoch: u64,
    pub(super) end: u64,
    /// The latest time that the wall clock has shown.
    latest: u64,
    pub(super) worst_delay: u64,
    pub(super) poison: BTreeSet<SpoolId>,
    pub(super) poisoned: BTreeSet<SpoolId>,
    pub(super) steps: u64,
    /// Hosts that an operator froze at any time.
    frozen: BTreeSet<String>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    agents: BTreeMap<AgentId, Agent>,
    next_agent: u64,
    next_message: u64,
}

const EPOCH: u64 = 1_764_000_000_000;

pub(super) fn policy(seed: u64) -> Policy {
    let smtp = ChannelPolicy { jobs: 150, ..ChannelPolicy::named("smtp") };
    let rest = GroupPolicy { jobs_per_host: 1, ..GroupPolicy::default() };
    let mailbox = ChannelPolicy { agents: 1, rest, ..ChannelPolicy::named("mailbox") };
    Policy { channels: vec![smtp, mailbox], seed, ..Policy::default() }
}

impl World {
    pub(super) fn new(seed: u64, end: u64) -> Self {
        let mut world = Self {
            queue: Queue::new(policy(seed), EPOCH),
            ledger: Ledger::default(),
            random: Random(seed),
            mono: 0,
            epoch: EPOCH,
            end,
            latest: EPOCH,
            worst_delay: 0,
            poison: BTreeSet::new(),
            poisoned: BTreeSet::new(),
            steps: 0,
            frozen: BTreeSet::new(),
            events: BinaryHeap::new(),
            agents: BTreeMap::new(),
            next_agent: 1,
            next_message: 1,
        };
        for (time, channel) in [(0, "smtp"), (1, "smtp"), (2, "mailbox")] {
            world.plan(time, Event::Born(channel.into()));
        }
        world
    }

    pub(super) fn utc(&self) -> u64 {
        self.epoch + self.mono
    }

    pub(super) fn plan(&mut self, delay: u64, event: Event) {
        self.steps += 1;
        self.events.push(Reverse((self.mono + delay, self.steps, event)));
    }

    /// Lets the next thing happen. False when nothing ever will.
    pub(super) fn step(&mut self) -> bool {
        let event = self.events.peek().map(|Reverse((time, ..))| *time);
        let wait = |due: u64| self.mono + due.saturating_sub(self.utc());
        let due = self.queue.next_deadline().map(wait);
        let Some(next) = event.into_iter().chain(due).min() else { return false };
        self.mono = self.mono.max(next);
        self.latest = self.latest.max(self.utc());
        if due == Some(next) {
            self.queue.tick(self.utc());
        } else if let Some(Reverse((_, _, event))) = self.events.pop() {
            self.happen(event);
        }
        self.drain();
        true
    }

    fn happen(&mut self, event: Event) {
        let active = self.mono < self.end;
        let mut again = |delay: u64, event| {
            if active {
                let delay = delay / 2 + self.random.below(delay);
                self.plan(delay, event);
            }
        };
        match event {
            Event::Arrive => again(25 * SECOND, Event::Arrive),
            Event::Die => again(5 * HOUR, Event::Die),
            Event::Jump => again(DAY, Event::Jump),
            Event::Restart => again(13 * HOUR, Event::Restart),
            Event::Order => again(2 * HOUR, Event::Order),
            Event::Answer(..) | Event::Born(_) => {}
        }
        match event {
            Event::Arrive => self.arrive(),
            Event::Answer(agent, job) => self.answer(agent, job),
            Event::Born(channel) => self.born(&channel),
            Event::Die => self.die(),
            Event::Jump => self.jump(),
            Event::Restart => self.restart(),
            Event::Order => self.order(),
        }
    }

    fn arrive(&mut self) {
        let mut legs: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
        let recipients = if self.random.once_in(10) { 1 + self.random.below(30) } else { 1 };
        for index in 0..u32::try_from(recipients).unwrap_or(1) {
            let leg = if self.random.once_in(8) {
                ("mailbox".to_owned(), format!("good-user{}", self.random.below(20)))
            } else {
                ("smtp".to_owned(), hosts::any_host(&mut self.random))
            };
            legs.entry(leg).or_default().push(index);
        }
        let notify = !self.random.once_in(10);
        let legs = legs.into_iter().map(|((channel, host), indexes)| Leg::fresh(&channel, &host, indexes));
        self.accept(legs.collect(), notify);
    }

    fn accept(&mut self, legs: Vec<Leg>, notify: bool) {
        let message = SpoolId::new(EPOCH + self.next_message, 1, 1, 0);
        let place = Place { segment: SpoolId::new(EPOCH, 1, 1, 1), offset: self.next_message * 4096 };
        self.next_message += 1;
        if self.random.once_in(4_000) {
            self.poison.insert(message);
        }
        let special = self.special();
        let arrival = Arrival { message, place, received: self.utc(), notify, hold: None, special, legs };
        self.ledger.accept(&arrival, self.mono);
        assert!(self.queue.arrived(arrival, self.utc()));
    }

    /// What is special about a message: mostly nothing.
    fn special(&mut self) -> Special {
        let mut special = Special::default();
        if self.random.once_in(10) {
            special.priority = i8::try_from(self.random.below(19)).unwrap_or(0) - 9;
        }
        if self.random.once_in(10) {
            let mode = if self.random.once_in(2) { ByMode::Return } else { ByMode::Notify };
            let until = self.utc() + self.random.below(12 * HOUR);
            special.deliver_by = Some(DeliverBy { until, mode, trace: self.random.once_in(3) });
        }
        if self.random.once_in(10) {
            special.hold_until = Some(self.utc() + self.random.below(6 * HOUR));
        }
        special.success = self.random.once_in(10);
        special
    }

    fn born(&mut self, channel: &str) {
        let agent = AgentId(self.next_agent);
        self.next_agent += 1;
        self.agents.insert(agent, Agent { channel: channel.into(), jobs: BTreeMap::new() });
        self.queue.hungry(agent, channel, 60, &[], self.utc());
    }

    fn die(&mut self) {
        let nth = usize::try_from(self.random.below(3)).unwrap_or(0);
        if let Some(&agent) = self.agents.keys().nth(nth) {
            self.kill(agent);
        }
    }

    fn kill(&mut self, agent: AgentId) {
        let Some(dead) = self.agents.remove(&agent) else { return };
        dead.jobs.values().for_each(|feed| self.ledger.land(feed));
        self.queue.agent_lost(agent, self.utc());
        self.plan(SECOND, Event::Born(dead.channel));
    }

    fn answer(&mut self, agent: AgentId, job: JobId) {
        let Some(feed) = self.agents.get(&agent).and_then(|agent| agent.jobs.get(&job)).cloned() else {
            return;
        };
        if self.poison.contains(&feed.message) {
            return self.kill(agent);
        }
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.jobs.remove(&job);
        }
        self.ledger.land(&feed);
        if self.random.once_in(200) {
            self.queue.job_lost(job, self.utc());
        } else {
            for index in self.answers(&feed) {
                assert!(!self.queue.settled(job, index, delivered(), self.utc()), "{job:?} is settled");
            }
        }
        let channel = self.agents.get(&agent).map(|agent| agent.channel.clone()).unwrap_or_default();
        self.queue.hungry(agent, &channel, 1, &[], self.utc());
    }

    /// Settles each recipient of a job as its host pleases.
    fn answers(&mut self, feed: &Feed) -> Vec<u32> {
        let age =
            self.mono - self.ledger.messages.get(&feed.message).map_or(self.mono, |entry| entry.arrived);
        for &index in &feed.recipients {
            let disposition = hosts::answer(&feed.host, self.mono, age, &mut self.random);
            let disturbed = self.ledger.messages.get(&feed.message).is_some_and(|entry| entry.disturbed);
            if feed.host.starts_with("good") && !disturbed && !self.frozen.contains(&*feed.host) {
                self.worst_delay = self.worst_delay.max(age);
            }
            assert!(self.queue.settled(feed.job, index, disposition, self.utc()));
        }
        feed.recipients.clone()
    }

    fn jump(&mut self) {
        let by = self.random.below(3 * HOUR);
        self.epoch = if self.random.once_in(2) { self.epoch + by } else { self.epoch - by };
        self.latest = self.latest.max(self.utc());
    }

    /// The scheduler dies. Some jobs were past the point of no return; their agents report them to the new one.
    fn restart(&mut self) {
        let arrivals: Vec<Arrival> = self.queue.export().collect();
        let clocks: Vec<ThreadClock> = self.queue.clocks().collect();
        self.ledger.compare(&arrivals);
        self.queue = Queue::new(policy(self.random.0), self.utc() + 2 * SECOND);
        for arrival in arrivals {
            self.queue.arrived(arrival, self.utc());
        }
        for clock in clocks {
            self.queue.restore_clock(&clock, self.utc());
        }
        for (_, agent) in std::mem::take(&mut self.agents) {
            for feed in agent.jobs.values() {
                self.ledger.land(feed);
                if self.random.once_in(2) {
                    for &index in &feed.recipients {
                        let utc = self.utc();
                        assert!(self.queue.settled_by_id(feed.message, index, delivered(), utc));
                        assert!(!self.queue.settled_by_id(feed.message, index, delivered(), utc));
                    }
                }
            }
            self.plan(MINUTE / 60, Event::Born(agent.channel));
        }
    }

    fn order(&mut self) {
        let host = hosts::any_host(&mut self.random);
        let nth = usize::try_from(self.random.below(50)).unwrap_or(0);
        let any = self.ledger.messages.keys().rev().nth(nth).copied();
        let utc = self.utc();
        let which = self.random.below(8);
        match (which, any) {
            (0, _) => self.queue.retry_host(&host, utc),
            (1, _) if self.random.once_in(10) => self.queue.retry_all(utc),
            (2, _) => {
                self.frozen.insert(host.clone());
                self.queue.freeze(&host, true, utc)
            }
            (3, _) => self.queue.freeze(&host, false, utc),
            (4, Some(message)) => self.queue.remove(message, utc),
            (5, Some(message)) => {
                self.disturb(message);
                self.queue.hold(message, utc)
            }
            (7, Some(message)) => {
                self.disturb(message);
                self.queue.retry_message(message, utc)
            }
            _ => {
                self.release_all();
                Changed::default()
            }
        };
    }

    /// The operator has released a message, so that it may go before its time.
    fn let_go(&mut self, message: SpoolId) {
        if let Some(entry) = self.ledger.messages.get_mut(&message) {
            entry.special.hold_until = None;
        }
    }

    fn disturb(&mut self, message: SpoolId) {
        if let Some(entry) = self.ledger.messages.get_mut(&message) {
            entry.disturbed = true;
        }
    }

    /// Ends all that an operator has stopped.
    pub(super) fn release_all(&mut self) {
        let held: Vec<SpoolId> = self.ledger.messages.keys().copied().collect();
        for message in held {
            if self.poisoned.contains(&message) {
                continue;
            }
            self.queue.release(message, self.utc());
            self.let_go(message);
        }
        for number in 0..9 {
            for kind in ["good", "slow", "grey", "flaky", "strict", "nights", "dead"] {
                self.queue.freeze(&format!("{kind}{number}.example"), false, self.utc());
            }
        }
        self.drain();
    }

    /// Does what the queue says.
    pub(super) fn drain(&mut self) {
        while let Some(action) = self.queue.poll_action() {
            match action {
                Action::Feed(feed) => self.feed(feed),
                Action::Record(record) => self.record(record),
                Action::Notify(notice) => {
                    assert!(self.ledger.messages.get(&notice.message).is_some_and(|entry| entry.notify));
                    assert!(!notice.reported.is_empty());
                    if notice.telling == Telling::Ends {
                        for (index, disposition) in notice.reported {
                            self.ledger.close(notice.message, index);
                            self.ledger.reported += u64::from(disposition.outcome == Outcome::Failed);
                        }
                    }
                    self.accept(vec![Leg::fresh("mailbox", "good-sender", vec![0])], false);
                }
                Action::Finished { message, .. } => self.ledger.finish(message),
                Action::Attempted(attempt) => {
                    self.ledger.delivered += u64::from(attempt.disposition.outcome == Outcome::Delivered);
                    let failed = attempt.disposition.outcome == Outcome::Failed;
                    let silent =
                        !self.ledger.messages.get(&attempt.message).is_some_and(|entry| entry.notify);
                    self.ledger.dropped += u64::from(failed && silent);
                }
                Action::NeedAgent { .. } => {}
            }
        }
        if self.steps.is_multiple_of(512) {
            assert_eq!(self.queue.check_invariants(), Ok(()));
        }
    }

    fn feed(&mut self, feed: Feed) {
        self.ledger.feed(&feed, self.utc(), self.latest);
        let latency = hosts::latency(&feed.host, &mut self.random);
        self.plan(latency, Event::Answer(feed.agent, feed.job));
        let agent = self.agents.get_mut(&feed.agent).expect("only a living agent is fed");
        agent.jobs.insert(feed.job, feed);
    }

    fn record(&mut self, record: Record) {
        match record {
            Record::Done { message, recipients, .. } => {
                recipients.into_iter().for_each(|index| self.ledger.close(message, index));
            }
            Record::Removed { message, recipients, .. } => {
                self.ledger.removed += u64::try_from(recipients.len()).unwrap_or(0);
                recipients.into_iter().for_each(|index| self.ledger.close(message, index));
            }
            Record::Held { message, hold: Hold::Poisoned, .. } => drop(self.poisoned.insert(message)),
            Record::Held { .. } | Record::Released { .. } | Record::Waiting { .. } => {}
            Record::Thread(_) | Record::Warned { .. } => {}
        }
    }
}

fn delivered() -> proto::disposition::Disposition {
    proto::disposition::Disposition::local(Outcome::Delivered, proto::status::Status::OK, "250 ok")
}
