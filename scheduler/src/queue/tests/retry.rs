//! One clock per thread, own clocks for those deferred alone, expiry.

use super::bench::{Bench, DAY, MINUTE, START, arrival, id, policy, says};
use crate::queue::{Arrival, Leg, Queue, Record, ThreadClock};
use proto::disposition::Outcome;
use proto::status::Status;

/// A bench with a dead host: one message failed, its thread is shut.
fn dead_host() -> Bench {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 100);
    bench.send(0, "dead.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    bench
}

#[test]
fn a_message_is_fed_delivered_and_finished() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    bench.send(0, "a.example");
    let feed = bench.fed().remove(0);
    assert_eq!((feed.message, &*feed.host, feed.recipients.as_slice()), (id(0), "a.example", &[0][..]));
    bench.settle(&feed, Outcome::Delivered);
    assert!(matches!(bench.records.as_slice(), [Record::Done { recipients, .. }] if *recipients == [0]));
    assert_eq!(bench.finished, [id(0)]);
    assert_eq!(bench.queue.gauges().threads, 0);
}

#[test]
fn a_message_without_recipients_is_finished_at_once() {
    let mut bench = Bench::new(policy());
    bench.send_legs(0, vec![Leg::fresh("smtp", "a.example", vec![])]);
    assert_eq!(bench.finished, [id(0)]);
}

#[test]
fn one_probe_settles_ten_thousand() {
    let mut queue = Queue::new(policy(), START);
    queue.hungry(super::super::AgentId(1), "smtp", 1_000_000, &[], START);
    for number in 0..10_000 {
        queue.arrived(arrival(number, START, vec![Leg::fresh("smtp", "dead.example", vec![0])]), START);
    }
    let mut bench = Bench { queue, ..Bench::new(policy()) };
    bench.pass(0);
    let first = bench.fed();
    assert_eq!(first.len(), 20, "the limit per host");
    for feed in &first {
        bench.settle(feed, Outcome::HostDeferred);
    }
    for round in [5, 15, 60_u64] {
        bench.wait();
        let probe = bench.fed();
        assert_eq!(probe.len(), 1, "one probe in the round before {round}m");
        bench.settle(&probe[0], Outcome::HostDeferred);
        let next = bench.queue.next_deadline().unwrap() - bench.now;
        assert!((round * MINUTE..=round * MINUTE * 11 / 10).contains(&next), "{next} for {round}m");
    }
    bench.wait();
    let probe = bench.fed().remove(0);
    bench.settle(&probe, Outcome::Delivered);
    assert_eq!(bench.fed().len(), 20, "the tap is open");
}

#[test]
fn a_round_that_fails_twenty_times_advances_the_clock_once() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 100);
    for number in 0..20 {
        bench.send(number, "dead.example");
    }
    for feed in bench.fed() {
        bench.settle(&feed, Outcome::HostDeferred);
    }
    let clocks: Vec<ThreadClock> = bench.queue.clocks().collect();
    assert_eq!((clocks.len(), clocks[0].attempts), (1, 1));
    assert_eq!(bench.queue.threads(None, 10)[0].attempts, 1);
}

#[test]
fn an_arrival_does_not_probe_a_waiting_host() {
    let mut bench = dead_host();
    bench.send(1, "dead.example");
    bench.hungry(2, 10);
    assert_eq!(bench.fed().len(), 0);
    bench.wait();
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn a_short_wait_is_not_behind_a_long_one() {
    let mut bench = dead_host();
    for _ in 0..3 {
        bench.wait();
        let probe = bench.fed().remove(0);
        bench.settle(&probe, Outcome::HostDeferred);
    }
    bench.send(1, "young.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    assert!(bench.wait() <= 66_000);
    assert_eq!(bench.fed_messages(), [id(1)]);
}

#[test]
fn a_vertex_deferred_alone_waits_alone() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 100);
    bench.send(0, "grey.example");
    bench.send(1, "grey.example");
    let feeds = bench.fed();
    bench.settle(&feeds[0], Outcome::Deferred);
    bench.send(2, "grey.example");
    assert_eq!(bench.fed_messages(), [id(2)], "the thread goes on");
    assert!((MINUTE..=66_000).contains(&bench.wait()));
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn any_answer_to_the_probe_but_silence_opens_the_tap() {
    for outcome in [Outcome::Delivered, Outcome::Deferred, Outcome::Failed] {
        let mut bench = dead_host();
        bench.send(1, "dead.example");
        bench.wait();
        let probe = bench.fed().remove(0);
        bench.settle(&probe, outcome);
        assert_eq!(bench.fed_messages(), [id(1)], "{outcome:?}");
    }
}

#[test]
fn a_probe_that_fails_often_gives_way_to_the_next() {
    let mut bench = dead_host();
    bench.send(1, "dead.example");
    let mut probes = Vec::new();
    for _ in 0..4 {
        bench.wait();
        let probe = bench.fed().remove(0);
        bench.settle(&probe, Outcome::HostDeferred);
        probes.push(probe.message);
    }
    assert_eq!(probes, [id(0), id(0), id(1), id(1)]);
}

#[test]
fn what_is_too_old_fails_with_its_last_answer() {
    let mut bench = dead_host();
    bench.send(1, "dead.example");
    while bench.queue.gauges().messages > 0 {
        assert!(bench.now < START + 6 * DAY);
        bench.wait();
        for feed in bench.fed() {
            bench.settle(&feed, Outcome::HostDeferred);
        }
    }
    assert!(bench.now >= START + 5 * DAY);
    assert_eq!(bench.notices.len(), 2, "the one that was never the probe has failed too");
    let (_, disposition) = &bench.notices[1].reported[0];
    assert_eq!((disposition.outcome, disposition.status), (Outcome::Failed, Status::permanent(4, 7)));
    assert!(disposition.reply.ends_with("connection refused"), "{}", disposition.reply);
}

#[test]
fn a_probe_that_gave_way_expires_in_time() {
    let mut bench = dead_host();
    bench.pass(DAY);
    for number in 1..9 {
        bench.send(number, "dead.example");
    }
    while bench.notices.is_empty() {
        for feed in bench.fed() {
            bench.settle(&feed, Outcome::HostDeferred);
        }
        bench.wait();
    }
    assert_eq!(bench.notices[0].message, id(0));
    assert!(bench.now < START + 5 * DAY + 2 * 264 * MINUTE, "{}", bench.now - START);
}

#[test]
fn what_is_deferred_alone_is_tried_when_it_expires() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1_000);
    bench.send(0, "grey.example");
    while bench.queue.gauges().messages > 0 {
        for feed in bench.fed() {
            bench.settle(&feed, Outcome::Deferred);
        }
        if bench.queue.gauges().messages > 0 {
            bench.wait();
        }
    }
    assert_eq!(bench.now, START + 5 * DAY);
}

#[test]
fn an_old_message_is_tried_once_before_it_fails() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    let legs = vec![Leg::fresh("smtp", "a.example", vec![0])];
    bench.queue.arrived(arrival(0, START - 30 * DAY, legs), START);
    bench.drain();
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Delivered);
    assert!(bench.notices.is_empty());
}

#[test]
fn restored_clocks_are_kept_but_clamped() {
    let mut bench = Bench::new(policy());
    let leg = |due| Leg { attempts: 3, due: Some(due), ..Leg::fresh("smtp", "grey.example", vec![0]) };
    bench.queue.arrived(arrival(0, START, vec![leg(START + 7 * MINUTE)]), START);
    bench.queue.arrived(arrival(1, START, vec![leg(START + 900 * DAY)]), START);
    bench.drain();
    assert_eq!(bench.wait(), 7 * MINUTE);
    assert!(bench.wait() <= 264 * MINUTE);
    let clock = ThreadClock {
        channel: "smtp".into(),
        host: "grey.example".into(),
        attempts: 4,
        retry_at: bench.now + 900 * DAY,
        last: Some(says(Outcome::HostDeferred)),
    };
    bench.queue.restore_clock(&clock, bench.now);
    assert!(bench.queue.next_deadline().unwrap() <= bench.now + 264 * MINUTE);
}

#[test]
fn a_clock_waits_for_its_thread() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    let clock = ThreadClock {
        channel: "smtp".into(),
        host: "a.example".into(),
        attempts: 4,
        retry_at: bench.now + MINUTE,
        last: Some(says(Outcome::HostDeferred)),
    };
    bench.queue.restore_clock(&clock, bench.now);
    assert_eq!(bench.queue.clocks().collect::<Vec<_>>(), [clock]);
    bench.send(0, "b.example");
    bench.send(1, "a.example");
    assert_eq!(bench.fed_messages(), [id(0)]);
    bench.pass(MINUTE);
    assert_eq!(bench.fed_messages(), [id(1)]);
}

#[test]
fn a_clock_set_back_does_not_double_the_wait() {
    let mut bench = dead_host();
    bench.now -= 10 * DAY;
    bench.pass(0);
    assert!(bench.wait() <= 264 * MINUTE);
    assert_eq!(bench.fed().len(), 1);
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send(0, "grey.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Deferred);
    bench.now -= 10 * DAY;
    bench.pass(0);
    assert!(bench.wait() <= 265 * MINUTE, "one that waits alone");
    assert_eq!(bench.fed().len(), 1);
}

#[test]
fn export_and_restore_change_nothing() {
    let mut bench = dead_host();
    bench.send_legs(
        1,
        vec![Leg::fresh("smtp", "grey.example", vec![0, 3]), Leg::fresh("mailbox", "ann", vec![1, 2])],
    );
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Deferred);
    let arrivals: Vec<Arrival> = bench.queue.export().collect();
    let clocks: Vec<ThreadClock> = bench.queue.clocks().collect();
    let mut again = Queue::new(policy(), START);
    for arrival in &arrivals {
        assert!(again.arrived(arrival.clone(), bench.now));
        assert!(!again.arrived(arrival.clone(), bench.now), "an id seen twice is one message");
    }
    clocks.iter().for_each(|clock| again.restore_clock(clock, bench.now));
    assert_eq!(again.export().collect::<Vec<_>>(), arrivals);
    assert_eq!(again.clocks().collect::<Vec<_>>(), clocks);
    assert_eq!(again.check_invariants(), Ok(()));
}

#[test]
fn an_attempt_under_way_does_not_count_in_an_export() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    bench.send(0, "a.example");
    assert_eq!(bench.queue.lines(id(0))[0].attempts, 1);
    assert_eq!(bench.queue.export().next().unwrap().legs[0].attempts, 0);
}
