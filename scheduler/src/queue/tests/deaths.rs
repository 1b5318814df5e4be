//! Agents that die, and what was with them.

use super::bench::{Bench, START, id, policy, says};
use crate::queue::{Action, AgentId, Hold, Leg, Queue, Record, State};
use proto::disposition::Outcome;

#[test]
fn what_a_dead_agent_had_goes_first_and_in_order() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 3);
    for number in 0..5 {
        bench.send(number, "a.example");
    }
    assert_eq!(bench.fed().len(), 3);
    assert_eq!(bench.queue.agent_lost(AgentId(1), bench.now), 3);
    bench.drain();
    bench.hungry(2, 10);
    assert_eq!(bench.fed_messages(), [0, 1, 2, 3, 4].map(id));
}

#[test]
fn settled_recipients_of_a_lost_job_stay_settled() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    bench.send_legs(0, vec![Leg::fresh("smtp", "a.example", vec![0, 1, 2])]);
    let job = bench.fed()[0].job;
    bench.settle_one(job, 1, Outcome::Delivered);
    bench.queue.agent_lost(AgentId(1), bench.now);
    bench.hungry(2, 1);
    assert_eq!(bench.fed()[0].recipients, [0, 2]);
    assert!(!bench.settle_one(job, 0, Outcome::Delivered), "the old job is unknown");
}

#[test]
fn a_message_that_kills_three_agents_is_held() {
    let mut bench = Bench::new(policy());
    bench.send(0, "a.example");
    for agent in 1..=3 {
        bench.hungry(agent, 10);
        assert_eq!(bench.fed_messages(), [id(0)], "at once");
        bench.queue.agent_lost(AgentId(agent), bench.now);
        bench.drain();
    }
    bench.hungry(4, 10);
    assert!(bench.fed().is_empty());
    assert!(matches!(bench.records.last(), Some(Record::Held { hold: Hold::Poisoned, .. })));
    assert!(bench.queue.lines(id(0))[0].why.to_string().contains("three agents died"));
    bench.queue.release(id(0), bench.now);
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn an_attempt_that_ends_clears_of_suspicion() {
    let mut bench = Bench::new(policy());
    bench.send(0, "grey.example");
    for (agent, dies) in [(1, true), (2, true), (3, false), (4, true), (5, true)] {
        bench.hungry(agent, 10);
        while bench.feeds.is_empty() {
            bench.wait();
        }
        let feed = bench.fed().remove(0);
        if dies {
            bench.queue.agent_lost(AgentId(agent), bench.now);
            bench.drain();
        } else {
            bench.settle(&feed, Outcome::Deferred);
            bench.queue.retire(AgentId(agent), bench.now);
        }
    }
    assert_eq!(bench.queue.lines(id(0))[0].state, State::Ready);
}

#[test]
fn the_innocent_are_not_held_with_the_guilty() {
    let mut bench = Bench::new(policy());
    for number in 0..20 {
        bench.send(number, "a.example");
    }
    let guilty = id(7);
    let mut agent = 0;
    while bench.queue.gauges().recipients.delivered < 19 {
        agent += 1;
        bench.hungry(agent, 100);
        if bench.feeds.is_empty() {
            bench.wait();
        }
        let feeds = bench.fed();
        if feeds.iter().any(|feed| feed.message == guilty) {
            bench.queue.agent_lost(AgentId(agent), bench.now);
            bench.drain();
        } else {
            feeds.iter().for_each(|feed| bench.settle(feed, Outcome::Delivered));
        }
        assert!(agent < 100);
    }
    let lines = bench.queue.list(&Default::default(), None, 100).lines;
    assert_eq!(lines.iter().map(|line| line.message).collect::<Vec<_>>(), [guilty]);
}

#[test]
fn a_lost_probe_is_sent_again() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send(0, "dead.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    bench.wait();
    let probe = bench.fed().remove(0);
    assert!(bench.queue.job_lost(probe.job, bench.now));
    assert!(!bench.queue.job_lost(probe.job, bench.now));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
    assert_eq!(bench.queue.threads(None, 1)[0].attempts, 1, "no failure was counted");
}

#[test]
fn nothing_is_handed_out_before_the_start() {
    let mut queue = Queue::new(policy(), START + 2_000);
    queue.hungry(AgentId(1), "smtp", 10, &[], START);
    queue.arrived(super::bench::arrival(0, START, vec![Leg::fresh("smtp", "a.example", vec![0])]), START);
    assert_eq!(queue.poll_action(), None);
    assert!(queue.why("smtp", "a.example").unwrap().to_string().contains("just started"));
    assert!(queue.settled_by_id(id(0), 0, says(Outcome::Delivered), START + 1));
    queue.tick(queue.next_deadline().unwrap());
    let fed = std::iter::from_fn(|| queue.poll_action()).any(|action| matches!(action, Action::Feed(_)));
    assert!(!fed, "its late report came in time");
}

#[test]
fn a_retired_agent_finishes_and_gets_nothing_more() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 2);
    for number in 0..3 {
        bench.send(number, "a.example");
    }
    let feeds = bench.fed();
    bench.queue.retire(AgentId(1), bench.now);
    bench.drain();
    bench.hungry(1, 10);
    bench.hungry(2, 10);
    assert!(bench.fed().is_empty(), "the host is still with the first");
    feeds.iter().for_each(|feed| bench.settle(feed, Outcome::Delivered));
    assert_eq!(bench.fed().iter().map(|feed| feed.agent.0).collect::<Vec<_>>(), [2]);
    assert_eq!(bench.queue.agent_lost(AgentId(1), bench.now), 0);
    bench.drain();
}
