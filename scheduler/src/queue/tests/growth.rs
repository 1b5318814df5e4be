//! What a long queue does in small pieces, and a message that comes in parts.

use super::bench::{Bench, DAY, arrival, id, policy};
use crate::queue::{Leg, Queue, Record};
use proto::disposition::Outcome;

fn leg(host: &str, index: u32) -> Leg {
    Leg::fresh("smtp", host, vec![index])
}

/// A bench in which so many messages wait for a host of which the first one has just been told that it is dead.
fn many(count: u64, age: u64) -> Bench {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    for number in 0..count {
        assert!(
            bench.queue.arrived(arrival(number, bench.now - age, vec![leg("dead.example", 0)]), bench.now)
        );
    }
    bench.drain();
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    bench
}

fn written(bench: &mut Bench) -> usize {
    let records = std::mem::take(&mut bench.records);
    records.iter().filter(|record| matches!(record, Record::Waiting { .. })).count()
}

#[test]
fn what_waits_behind_a_dead_host_is_written_some_at_a_time_and_once() {
    let mut bench = many(1_000, 0);
    let mut pieces = vec![written(&mut bench)];
    while bench.queue.next_deadline() == Some(bench.now) {
        bench.pass(0);
        pieces.push(written(&mut bench));
    }
    assert!(pieces.len() > 4 && pieces.iter().all(|&piece| piece <= 201), "{pieces:?}");
    assert_eq!(pieces.iter().sum::<usize>(), 1_000);
    bench.send(5_000, "dead.example");
    assert_eq!(written(&mut bench), 1, "it need not wait to be written");
    bench.send(5_001, "alive.example");
    assert_eq!(written(&mut bench), 0);
    bench.wait();
    assert_eq!(written(&mut bench), 0, "a further round writes nobody but its probe");
}

#[test]
fn those_that_are_too_old_fail_some_at_a_time() {
    let mut bench = many(1_000, 5 * DAY);
    let mut pieces = vec![std::mem::take(&mut bench.notices).len()];
    while bench.queue.next_deadline() == Some(bench.now) {
        bench.pass(0);
        pieces.push(std::mem::take(&mut bench.notices).len());
    }
    assert!(pieces.len() > 4 && pieces.iter().all(|&piece| piece <= 201), "{pieces:?}");
    assert_eq!((pieces.iter().sum::<usize>(), bench.queue.gauges().messages), (1_000, 0));
}

#[test]
fn what_is_restored_in_any_order_goes_in_the_order_of_age_and_is_not_written_again() {
    let mut bench = Bench::new(policy());
    for number in [3, 1, 2, 0] {
        assert!(bench.queue.restored(arrival(number, bench.now, vec![leg("a.example", 0)]), bench.now));
    }
    bench.queue.all_restored();
    bench.hungry(1, 10);
    assert_eq!(bench.fed_messages(), [id(0), id(1), id(2), id(3)]);
    assert_eq!(written(&mut bench), 0);
}

#[test]
fn a_message_in_parts_is_not_finished_before_the_last_one() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    let now = bench.now;
    assert!(bench.queue.begin(arrival(0, now, vec![leg("a.example", 0)]), false, now));
    bench.pass(0);
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Delivered);
    assert_eq!(bench.finished, []);
    assert!(bench.queue.add(id(0), vec![leg("b.example", 1), leg("c.example", 2)], now));
    bench.drain();
    for feed in bench.fed() {
        bench.settle(&feed, Outcome::Delivered);
    }
    assert_eq!(bench.finished, []);
    bench.queue.complete(id(0), now);
    bench.drain();
    assert_eq!(bench.finished, [id(0)]);
    assert!(!bench.queue.add(id(0), vec![leg("d.example", 3)], now));
}

#[test]
fn a_message_that_is_removed_while_it_comes_takes_no_further_part() {
    let mut bench = Bench::new(policy());
    let now = bench.now;
    assert!(bench.queue.begin(arrival(0, now, vec![leg("a.example", 0)]), false, now));
    assert_eq!(bench.queue.remove(id(0), now).messages, 1);
    bench.drain();
    assert!(!bench.queue.add(id(0), vec![leg("b.example", 1)], now));
    bench.queue.complete(id(0), now);
    bench.drain();
    assert_eq!((bench.finished.len(), bench.queue.gauges().messages), (1, 0));
}

#[test]
fn clocks_can_be_gone_through_in_parts() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 100);
    for number in 0..7 {
        bench.send(number, &format!("h{number}.example"));
    }
    for feed in bench.fed() {
        bench.settle(&feed, if feed.message == id(3) { Outcome::Deferred } else { Outcome::HostDeferred });
    }
    let queue: &Queue = &bench.queue;
    let (mut hosts, mut mark) = (Vec::new(), None);
    loop {
        let (clocks, next) = queue.clocks_after(mark, 2);
        assert!(clocks.len() <= 2);
        hosts.extend(clocks.into_iter().map(|clock| clock.host.to_string()));
        mark = next;
        if mark.is_none() {
            break;
        }
    }
    hosts.sort_unstable();
    assert_eq!(hosts, [0, 1, 2, 4, 5, 6].map(|number| format!("h{number}.example")));
}
