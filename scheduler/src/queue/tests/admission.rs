//! The four steps of admission, fairness, warm agents, and the words for what waits.

use super::bench::{Bench, START, arrival, id, policy};
use crate::queue::{AgentId, ChannelPolicy, Clause, GroupPolicy, Leg, Policy};
use proto::disposition::Outcome;

fn limited(jobs: u32, channel: u32, group: u32, host: u32) -> Policy {
    let rest = GroupPolicy { jobs: group, jobs_per_host: host, ..GroupPolicy::default() };
    let channel = ChannelPolicy { jobs: channel, rest, ..ChannelPolicy::named("smtp") };
    Policy { jobs, channels: vec![channel], ..Policy::default() }
}

#[test]
fn each_of_the_four_limits_holds_and_says_so() {
    let cases = [
        (limited(3, 99, 99, 99), "all 3 jobs of the scheduler are in flight"),
        (limited(99, 3, 99, 99), "all 3 jobs of the channel are in flight"),
        (limited(99, 99, 3, 99), "all 3 jobs of the host's group are in flight"),
        (limited(99, 99, 99, 3), "all 3 jobs for this host are in flight"),
    ];
    for (policy, words) in cases {
        let mut bench = Bench::new(policy);
        bench.hungry(1, 100);
        for number in 0..10 {
            bench.send(number, "a.example");
        }
        let mut fed = bench.fed();
        assert_eq!(fed.len(), 3, "{words}");
        assert_eq!(bench.queue.why("smtp", "a.example").unwrap().to_string(), words);
        let mut done = 0;
        while let Some(feed) = fed.pop() {
            bench.settle(&feed, Outcome::Delivered);
            fed.extend(bench.fed());
            assert!(fed.len() <= 3);
            done += 1;
        }
        assert_eq!(done, 10, "{words}");
    }
}

#[test]
fn a_paused_channel_keeps_its_mail_until_it_goes_on() {
    let mut bench = Bench::new(limited(99, 0, 99, 99));
    bench.hungry(1, 100);
    bench.send(0, "a.example");
    bench.send(1, "b.example");
    assert!(bench.fed().is_empty());
    let words = "the channel is paused by its configuration (sessions = 0)";
    assert_eq!(bench.queue.why("smtp", "a.example").unwrap().to_string(), words);
    bench.queue.reconfigure(limited(99, 9, 99, 99), bench.now);
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0), id(1)]);
}

#[test]
fn a_clause_limits_its_hosts_only() {
    let mut policy = policy();
    policy.channels[0].clauses = vec![Clause {
        patterns: vec!["*.slow.example".into()],
        group: GroupPolicy { jobs: 2, ..GroupPolicy::default() },
    }];
    let mut bench = Bench::new(policy.clone());
    bench.hungry(1, 100);
    let hosts = ["a.slow.example", "b.slow.example", "fast.example"];
    for (number, host) in (0..9).zip(hosts.into_iter().cycle()) {
        bench.send(number, host);
    }
    let fed = bench.fed();
    let slow = fed.iter().filter(|feed| feed.host.ends_with("slow.example")).count();
    assert_eq!((slow, fed.len()), (2, 5));
    policy.channels[0].clauses.clear();
    bench.queue.reconfigure(policy, bench.now);
    bench.drain();
    assert_eq!(bench.fed().len(), 4, "the new configuration has no such limit");
}

#[test]
fn a_blocked_thread_gets_its_turn_when_its_group_has_room() {
    let mut policy = policy();
    let group = GroupPolicy { jobs: 1, ..GroupPolicy::default() };
    policy.channels[0].clauses = vec![Clause { patterns: vec!["*.slow.example".into()], group }];
    let mut bench = Bench::new(policy);
    for (number, host) in
        ["a.slow.example", "b.slow.example"].into_iter().chain(["fast.example"; 9]).enumerate()
    {
        bench.send(u64::try_from(number).unwrap(), host);
    }
    bench.hungry(1, 4);
    let feeds = bench.fed();
    assert_eq!(feeds[0].message, id(0));
    bench.settle(&feeds[0], Outcome::Delivered);
    bench.hungry(1, 1);
    bench.hungry(1, 1);
    assert!(bench.fed_messages().contains(&id(1)), "though others wait for the agent too");
}

#[test]
fn a_thread_stays_with_its_agent_while_it_has_jobs() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 2);
    for number in 0..4 {
        bench.send(number, "a.example");
    }
    bench.hungry(2, 10);
    let feeds = bench.fed();
    assert_eq!(feeds.len(), 2, "the limit per host is kept by one agent");
    bench.settle(&feeds[0], Outcome::Delivered);
    assert!(bench.fed().is_empty());
    bench.settle(&feeds[1], Outcome::Delivered);
    let feeds = bench.fed();
    assert_eq!(feeds.iter().map(|feed| feed.agent.0).collect::<Vec<_>>(), [2, 2], "then any agent will do");
}

#[test]
fn a_parked_thread_goes_on_when_its_agent_is_hungry() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    bench.send(0, "a.example");
    bench.send(1, "a.example");
    bench.hungry(1, 1);
    assert_eq!(bench.fed_messages(), [id(0), id(1)]);
}

#[test]
fn a_warm_agent_is_preferred() {
    let mut bench = Bench::new(policy());
    bench.queue.hungry(AgentId(1), "smtp", 5, &["a.example".into()], bench.now);
    bench.queue.hungry(AgentId(2), "smtp", 50, &[], bench.now);
    bench.send(0, "a.example");
    bench.send(1, "b.example");
    let feeds = bench.fed();
    assert_eq!(feeds.iter().map(|feed| feed.agent.0).collect::<Vec<_>>(), [1, 2]);
    bench.settle(&feeds[1], Outcome::Delivered);
    bench.hungry(1, 90);
    bench.send(2, "b.example");
    assert_eq!(bench.fed()[0].agent, AgentId(2), "it delivered there before");
}

#[test]
fn a_long_thread_does_not_starve_a_short_one() {
    let mut bench = Bench::new(policy());
    for number in 0..1_000 {
        bench.queue.arrived(arrival(number, START, vec![Leg::fresh("smtp", "long.example", vec![0])]), START);
    }
    bench.send(5_000, "short.example");
    bench.hungry(1, 1);
    let first = bench.fed().remove(0);
    bench.settle(&first, Outcome::Delivered);
    bench.hungry(1, 1);
    assert_eq!(bench.fed()[0].message, id(5_000));
}

#[test]
fn one_channel_does_not_starve_another_below_the_total() {
    let policy = Policy { jobs: 2, ..policy() };
    let mut bench = Bench::new(policy);
    bench.hungry(1, 1_000);
    bench.queue.hungry(AgentId(2), "mailbox", 1_000, &[], bench.now);
    for number in 0..50 {
        bench.send(number, "a.example");
    }
    bench.send_legs(99, vec![Leg::fresh("mailbox", "ann", vec![0])]);
    let first = bench.fed();
    for feed in first.iter().take(2) {
        bench.settle(feed, Outcome::Delivered);
    }
    assert!(bench.fed_messages().contains(&id(99)));
}

#[test]
fn more_agents_are_asked_for_up_to_the_limit() {
    let mut bench = Bench::new(policy());
    bench.send(0, "a.example");
    assert_eq!(bench.wanted, [1]);
    bench.hungry(1, 1);
    for number in 1..9 {
        bench.send(number, "b.example");
    }
    assert_eq!(bench.wanted, [1, 2], "asked for once each");
    bench.hungry(2, 1);
    bench.send(10, "c.example");
    assert_eq!(bench.wanted, [1, 2], "two is the limit");
    bench.queue.agent_lost(AgentId(2), bench.now);
    bench.drain();
    assert_eq!(bench.wanted, [1, 2, 2], "one is gone");
}

#[test]
fn an_unknown_channel_is_named() {
    let mut bench = Bench::new(policy());
    bench.send_legs(0, vec![Leg::fresh("uucp", "a.example", vec![0])]);
    assert!(bench.wanted.is_empty());
    assert_eq!(bench.queue.why("uucp", "a.example").unwrap().to_string(), "channel uucp is not configured");
}

#[test]
fn room_shrinks_to_none_at_the_high_water_mark() {
    let mut bench = Bench::new(Policy { high_water: 2, ..policy() });
    assert_eq!(bench.queue.room(), 2);
    for number in 0..3 {
        bench.send(number, "a.example");
    }
    assert_eq!(bench.queue.room(), 0);
}
