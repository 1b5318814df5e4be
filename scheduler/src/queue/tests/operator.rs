//! What the operator orders.

use super::bench::{Bench, id, place, policy};
use crate::queue::{AgentId, Changed, Hold, Leg, Record};
use proto::disposition::Outcome;
use proto::place::Place;

fn changed(messages: usize, recipients: usize) -> Changed {
    Changed { messages, recipients }
}

/// Message 0 shut its host's thread, message 1 waits behind it, message 2 waits on its own for another host.
fn waiting() -> Bench {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 100);
    bench.send(0, "dead.example");
    bench.send_legs(2, vec![Leg::fresh("smtp", "grey.example", vec![0, 1])]);
    let feeds = bench.fed();
    bench.settle(&feeds[0], Outcome::HostDeferred);
    bench.settle(&feeds[1], Outcome::Deferred);
    bench.send(1, "dead.example");
    assert!(bench.fed().is_empty());
    bench
}

#[test]
fn retry_of_a_host_probes_it_now() {
    let mut bench = waiting();
    assert_eq!(bench.queue.retry_host("dead.example", bench.now), changed(2, 2));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
    assert_eq!(bench.queue.retry_host("other.example", bench.now), changed(0, 0));
    assert_eq!(bench.queue.retry_host("grey.example", bench.now), changed(1, 2));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(2)]);
}

#[test]
fn retry_of_all_retries_all() {
    let mut bench = waiting();
    assert_eq!(bench.queue.retry_all(bench.now), changed(3, 4));
    bench.drain();
    assert_eq!(bench.fed().len(), 2);
    assert_eq!(bench.queue.retry_all(bench.now), changed(0, 0));
}

#[test]
fn a_retried_message_is_the_probe() {
    let mut bench = waiting();
    assert_eq!(bench.queue.retry_message(id(1), bench.now), changed(1, 1));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(1)]);
    assert_eq!(bench.queue.retry_message(id(1), bench.now), changed(0, 0), "it is in flight");
    assert_eq!(bench.queue.retry_message(id(9), bench.now), changed(0, 0));
}

#[test]
fn a_held_message_waits_for_its_release() {
    let mut bench = waiting();
    assert_eq!(bench.queue.hold(id(2), bench.now), changed(1, 2));
    assert_eq!(bench.queue.hold(id(2), bench.now), changed(0, 0));
    bench.drain();
    assert!(matches!(bench.records.last(), Some(Record::Held { hold: Hold::Operator, .. })));
    assert_eq!(bench.queue.retry_all(bench.now), changed(2, 2));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
    assert_eq!(bench.queue.release(id(2), bench.now), changed(1, 2));
    assert_eq!(bench.queue.release(id(2), bench.now), changed(0, 0));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(2)]);
}

#[test]
fn a_message_held_in_flight_is_held_when_it_comes_back() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send(0, "a.example");
    let feed = bench.fed().remove(0);
    bench.queue.hold(id(0), bench.now);
    bench.settle(&feed, Outcome::Deferred);
    assert!(bench.queue.next_deadline().is_none());
    assert_eq!(bench.queue.lines(id(0))[0].why.to_string(), "held by the operator");
}

#[test]
fn a_removed_message_is_gone_without_a_notice() {
    let mut bench = waiting();
    assert_eq!(bench.queue.remove(id(2), bench.now), changed(1, 2));
    assert_eq!(bench.queue.remove(id(2), bench.now), changed(0, 0));
    bench.drain();
    assert_eq!(bench.finished, [id(2)]);
    assert!(bench.notices.is_empty());
    assert_eq!(bench.queue.gauges().recipients.removed, 2);
}

#[test]
fn the_clock_of_a_host_goes_with_its_last_message() {
    let mut bench = waiting();
    bench.queue.remove(id(0), bench.now);
    bench.queue.remove(id(1), bench.now);
    bench.drain();
    let clocks = bench.records.iter().filter_map(|record| match record {
        Record::Thread(clock) => Some(clock.attempts),
        _ => None,
    });
    assert_eq!(clocks.collect::<Vec<_>>(), [1, 0], "and the log says so");
    bench.send(3, "dead.example");
    assert_eq!(bench.fed_messages(), [id(3)]);
}

#[test]
fn removal_waits_for_what_is_in_flight() {
    for (outcome, delivered) in [(Outcome::Delivered, 1), (Outcome::Deferred, 0), (Outcome::HostDeferred, 0)]
    {
        let mut bench = Bench::new(policy());
        bench.hungry(1, 10);
        bench.send(0, "a.example");
        let feed = bench.fed().remove(0);
        assert_eq!(bench.queue.remove(id(0), bench.now), changed(1, 1));
        assert_eq!(bench.queue.remove(id(0), bench.now), changed(0, 0));
        bench.drain();
        assert!(bench.finished.is_empty());
        bench.settle(&feed, outcome);
        assert_eq!(bench.finished, [id(0)]);
        let counters = bench.queue.gauges().recipients;
        assert_eq!((counters.delivered, counters.removed), (delivered, 1 - delivered));
    }
}

#[test]
fn a_removed_message_is_not_returned_by_a_dead_agent() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send(0, "a.example");
    bench.queue.remove(id(0), bench.now);
    bench.queue.agent_lost(AgentId(1), bench.now);
    bench.drain();
    assert_eq!(bench.finished, [id(0)]);
}

#[test]
fn a_frozen_host_gets_nothing_until_it_is_thawed() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.queue.freeze("cold.example", true, bench.now);
    bench.send(0, "cold.example");
    bench.send(1, "warm.example");
    assert_eq!(bench.fed_messages(), [id(1)]);
    assert_eq!(bench.queue.why("smtp", "cold.example").unwrap().to_string(), "the operator froze this host");
    assert_eq!(bench.queue.freeze("cold.example", false, bench.now), changed(1, 1));
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn a_moved_message_is_fed_from_its_new_place() {
    let mut bench = Bench::new(policy());
    bench.send(0, "a.example");
    let to = Place { segment: id(77), offset: 8192 };
    assert_eq!(bench.queue.live_in(place(0).segment), 1);
    assert!(bench.queue.moved(id(0), to));
    assert!(!bench.queue.moved(id(1), to));
    assert_eq!((bench.queue.live_in(place(0).segment), bench.queue.live_in(id(77))), (0, 1));
    bench.hungry(1, 1);
    assert_eq!(bench.fed()[0].place, to);
}
