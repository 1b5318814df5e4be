//! The queue core with few and with many waiting: one message in, out to an agent, settled.
//!
//! Those who wait do so for a dead host; those who are timed go to a live one. What is timed must not depend on how many
//! wait.

#[path = "../../bench/src/micro.rs"]
mod micro;

use criterion::{BenchmarkId, Criterion, Throughput};
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::place::Place;
use proto::status::Status;
use proto::terms::Special;
use scheduler::queue::{Action, AgentId, Arrival, ChannelPolicy, Feed, Leg, Policy, Queue};
use std::time::{Duration, Instant};

/// When all of it begins, UTC milliseconds.
const START: u64 = 1_764_000_000_000;

/// How many messages go through at a time; an agent takes as many jobs of a host at once.
const ROUND: u64 = 20;

const AGENT: AgentId = AgentId(1);

fn main() {
    micro::run("queue", &[queues]);
}

/// A queue and its agent.
struct Site {
    queue: Queue,
    next: u64,
    now: u64,
    feeds: Vec<Feed>,
}

/// How long the parts of a round took.
#[derive(Default)]
struct Times {
    arrive: Duration,
    feed: Duration,
    settle: Duration,
}

fn says(outcome: Outcome) -> Disposition {
    let (status, reply) = match outcome {
        Outcome::Delivered => (Status::OK, "250 2.0.0 Ok: queued as 4FzR2k1Zq9z"),
        Outcome::Deferred => (Status::transient(2, 0), "450 4.2.0 greylisted, try again in 5 minutes"),
        Outcome::HostDeferred => (Status::transient(4, 1), "connection refused"),
        Outcome::Failed => (Status::permanent(1, 1), "550 5.1.1 no such user"),
    };
    Disposition { remote: "mx.example[192.0.2.1]".into(), ..Disposition::local(outcome, status, reply) }
}

impl Site {
    /// A queue in which `waiting` recipients, one per message, wait for a host that does not answer.
    fn with(waiting: u64) -> Self {
        let policy = Policy { channels: vec![ChannelPolicy::named("smtp")], ..Policy::default() };
        let mut site = Self { queue: Queue::new(policy, START), next: 0, now: START, feeds: Vec::new() };
        site.queue.tick(START);
        site.arrive(1, "dead.example");
        site.feed(1);
        site.settle(Outcome::HostDeferred);
        for _ in 1..waiting {
            site.arrive(1, "dead.example");
        }
        site
    }

    fn drain(&mut self) {
        while let Some(action) = self.queue.poll_action() {
            if let Action::Feed(feed) = action {
                self.feeds.push(feed);
            }
        }
    }

    fn arrive(&mut self, count: u64, host: &str) {
        for _ in 0..count {
            self.next += 1;
            let message = SpoolId::new(
                START + self.next / 4096,
                7,
                1,
                u16::try_from(self.next % 4096).unwrap_or_default(),
            );
            let place =
                Place { segment: SpoolId::new(START + self.next / 3000, 7, 1, 1), offset: self.next * 4096 };
            let legs = vec![Leg::fresh("smtp", host, vec![0])];
            let (received, special) = (self.now, Special::default());
            let arrival = Arrival { message, place, received, notify: true, hold: None, special, legs };
            self.queue.arrived(arrival, self.now);
            self.drain();
        }
    }

    fn feed(&mut self, credits: u64) {
        self.queue.hungry(AGENT, "smtp", u32::try_from(credits).unwrap_or(u32::MAX), &[], self.now);
        self.drain();
    }

    /// Settles all jobs that were handed out.
    fn settle(&mut self, outcome: Outcome) {
        for feed in std::mem::take(&mut self.feeds) {
            for &index in &feed.recipients {
                self.queue.settled(feed.job, index, says(outcome), self.now);
                self.drain();
            }
        }
    }

    /// One round; what is deferred is removed again, so that the queue stays as it is.
    fn round(&mut self, outcome: Outcome) -> Times {
        let mut times = Times::default();
        let start = Instant::now();
        self.arrive(ROUND, "live.example");
        times.arrive = start.elapsed();
        let start = Instant::now();
        self.feed(ROUND);
        times.feed = start.elapsed();
        let tried: Vec<SpoolId> = self.feeds.iter().map(|feed| feed.message).collect();
        assert_eq!(tried.len() as u64, ROUND, "the agent takes a whole round");
        let start = Instant::now();
        self.settle(outcome);
        times.settle = start.elapsed();
        if outcome == Outcome::Deferred {
            for message in tried {
                self.queue.remove(message, self.now);
            }
            self.drain();
        }
        times
    }

    /// Goes through rounds for `count` messages and adds up one part of them.
    fn run(&mut self, count: u64, outcome: Outcome, part: fn(&Times) -> Duration) -> Duration {
        let rounds = count.div_ceil(ROUND);
        let total: Duration = (0..rounds).map(|_| part(&self.round(outcome))).sum();
        total.mul_f64(count as f64 / (rounds * ROUND) as f64)
    }
}

fn queues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(1));
    for waiting in [1_000, 1_000_000] {
        let mut site = Site::with(waiting);
        let mut bench = |name: &str, outcome, part: fn(&Times) -> Duration| {
            group.bench_function(BenchmarkId::new(name, waiting), |bencher| {
                bencher.iter_custom(|count| site.run(count, outcome, part));
            });
        };
        bench("arrive", Outcome::Delivered, |times| times.arrive);
        bench("feed", Outcome::Delivered, |times| times.feed);
        bench("settle", Outcome::Delivered, |times| times.settle);
        bench("defer", Outcome::Deferred, |times| times.settle);
    }
    group.finish();
}
