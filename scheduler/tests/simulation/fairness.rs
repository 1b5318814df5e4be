//! Nobody waits behind a long queue for somebody else.

use super::world::policy;
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::place::Place;
use proto::status::Status;
use scheduler::queue::{Action, AgentId, Arrival, Leg, Queue};
use std::collections::VecDeque;

const NOW: u64 = 1_764_000_000_000;
const DEEP: u64 = 5_000;
const SHORT: u64 = 100;

fn arrive(queue: &mut Queue, number: u64, host: &str) {
    let message = SpoolId::new(NOW + number, 1, 1, 0);
    let place = Place { segment: message, offset: 4096 };
    let legs = vec![Leg::fresh("smtp", host, vec![0])];
    let special = proto::terms::Special::default();
    assert!(
        queue
            .arrived(Arrival { message, place, received: NOW, notify: true, hold: None, special, legs }, NOW)
    );
}

#[test]
fn a_deep_thread_delays_the_others_by_no_more_than_one_round() {
    for credits in [1, 7, 20, 40] {
        let last = last_short_one(credits);
        assert!(last <= 2 * SHORT + 20, "with {credits} credits the last short one was number {last}");
    }
}

/// A deep thread and a hundred short ones share an agent with so many credits. Says the how-manieth job was the last one
/// for a short thread.
fn last_short_one(credits: u32) -> u64 {
    let mut queue = Queue::new(policy(1), NOW);
    for number in 0..DEEP {
        arrive(&mut queue, number, "deep.example");
    }
    for number in 0..SHORT {
        arrive(&mut queue, DEEP + number, &format!("short{number}.example"));
    }
    queue.hungry(AgentId(1), "smtp", credits, &[], NOW);
    let (mut flying, mut feeds, mut last_short, mut short) = (VecDeque::new(), 0_u64, 0, 0);
    loop {
        while let Some(action) = queue.poll_action() {
            if let Action::Feed(feed) = action {
                feeds += 1;
                if feed.host.starts_with("short") {
                    (last_short, short) = (feeds, short + 1);
                }
                flying.push_back(feed.job);
            }
        }
        let Some(job) = flying.pop_front() else { break };
        assert!(queue.settled(job, 0, Disposition::local(Outcome::Delivered, Status::OK, "ok"), NOW));
        queue.hungry(AgentId(1), "smtp", 1, &[], NOW);
    }
    assert_eq!((feeds, short), (DEEP + SHORT, SHORT));
    last_short
}
