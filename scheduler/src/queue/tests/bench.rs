//! A queue on a bench: short ways to put things in and to see what comes out.

use crate::queue::{
    Action, AgentId, Arrival, ChannelPolicy, Feed, JobId, Leg, Notice, Policy, Queue, Record,
};
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::place::Place;
use proto::status::Status;
use proto::terms::Special;

/// When all tests begin, UTC milliseconds.
pub(super) const START: u64 = 1_764_000_000_000;
pub(super) const MINUTE: u64 = 60_000;
pub(super) const DAY: u64 = 86_400_000;

pub(super) struct Bench {
    pub(super) queue: Queue,
    pub(super) queue_policy: Policy,
    pub(super) now: u64,
    pub(super) feeds: Vec<Feed>,
    pub(super) notices: Vec<Notice>,
    pub(super) records: Vec<Record>,
    pub(super) finished: Vec<SpoolId>,
    pub(super) wanted: Vec<u32>,
}

pub(super) fn policy() -> Policy {
    Policy { channels: ["smtp", "mailbox"].map(ChannelPolicy::named).into(), ..Policy::default() }
}

pub(super) fn id(number: u64) -> SpoolId {
    SpoolId::new(START + number, 7, 1, 0)
}

pub(super) fn place(number: u64) -> Place {
    Place { segment: SpoolId::new(START, 7, 1, 1), offset: number * 4096 }
}

pub(super) fn arrival(number: u64, received: u64, legs: Vec<Leg>) -> Arrival {
    let special = Special::default();
    Arrival { message: id(number), place: place(number), received, notify: true, hold: None, special, legs }
}

pub(super) fn says(outcome: Outcome) -> Disposition {
    let (status, reply) = match outcome {
        Outcome::Delivered => (Status::OK, "250 2.0.0 ok"),
        Outcome::Deferred => (Status::transient(2, 0), "450 4.2.0 greylisted"),
        Outcome::HostDeferred => (Status::transient(4, 1), "connection refused"),
        Outcome::Failed => (Status::permanent(1, 1), "550 5.1.1 no such user"),
    };
    Disposition { remote: "mx.example[192.0.2.1]".into(), ..Disposition::local(outcome, status, reply) }
}

impl Bench {
    pub(super) fn new(policy: Policy) -> Self {
        let mut bench = Self {
            queue: Queue::new(policy.clone(), START),
            queue_policy: policy,
            now: START,
            feeds: Vec::new(),
            notices: Vec::new(),
            records: Vec::new(),
            finished: Vec::new(),
            wanted: Vec::new(),
        };
        bench.queue.tick(START);
        bench
    }

    /// Takes what the queue wants done, and checks it.
    pub(super) fn drain(&mut self) {
        while let Some(action) = self.queue.poll_action() {
            match action {
                Action::Feed(feed) => self.feeds.push(feed),
                Action::Notify(notice) => self.notices.push(notice),
                Action::Record(record) => self.records.push(record),
                Action::Finished { message, .. } => self.finished.push(message),
                Action::NeedAgent { count, .. } => self.wanted.push(count),
                Action::Attempted(_) => {}
            }
        }
        assert_eq!(self.queue.check_invariants(), Ok(()));
    }

    /// One message for one recipient at one smtp host.
    pub(super) fn send(&mut self, number: u64, host: &str) {
        self.send_legs(number, vec![Leg::fresh("smtp", host, vec![0])]);
    }

    pub(super) fn send_legs(&mut self, number: u64, legs: Vec<Leg>) {
        assert!(self.queue.arrived(arrival(number, self.now, legs), self.now));
        self.drain();
    }

    pub(super) fn hungry(&mut self, agent: u64, credits: u32) {
        self.queue.hungry(AgentId(agent), "smtp", credits, &[], self.now);
        self.drain();
    }

    /// Takes the jobs handed out since the last call.
    pub(super) fn fed(&mut self) -> Vec<Feed> {
        std::mem::take(&mut self.feeds)
    }

    /// The messages of the jobs handed out since the last call.
    pub(super) fn fed_messages(&mut self) -> Vec<SpoolId> {
        self.fed().into_iter().map(|feed| feed.message).collect()
    }

    /// Settles every recipient of a job alike.
    pub(super) fn settle(&mut self, feed: &Feed, outcome: Outcome) {
        for &index in &feed.recipients {
            assert!(self.queue.settled(feed.job, index, says(outcome), self.now));
        }
        self.drain();
    }

    pub(super) fn settle_one(&mut self, job: JobId, index: u32, outcome: Outcome) -> bool {
        let known = self.queue.settled(job, index, says(outcome), self.now);
        self.drain();
        known
    }

    /// Lets time pass to the next deadline.
    pub(super) fn wait(&mut self) -> u64 {
        // What is done some at a time comes to its end first.
        while self.queue.next_deadline() == Some(self.now) {
            self.pass(0);
        }
        let due = self.queue.next_deadline().expect("something is on the agenda");
        let waited = due.saturating_sub(self.now);
        self.pass(waited);
        waited
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.queue.tick(self.now);
        self.drain();
    }
}
