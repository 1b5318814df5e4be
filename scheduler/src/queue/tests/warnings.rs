//! Who is told of a delay, and when.

use super::bench::{Bench, MINUTE, START, arrival, id, policy, says};
use crate::queue::{Arrival, Leg, Policy, Queue, Record, Telling};
use proto::disposition::Outcome;
use proto::id::SpoolId;
use proto::terms::Special;

const HOUR: u64 = 60 * MINUTE;

fn bench() -> Bench {
    Bench::new(Policy { delay_warnings: vec![4 * HOUR, 24 * HOUR], ..policy() })
}

fn told(bench: &mut Bench) -> Vec<SpoolId> {
    let notices = std::mem::take(&mut bench.notices);
    assert!(notices.iter().all(|notice| notice.telling == Telling::Delayed), "{notices:?}");
    notices.into_iter().map(|notice| notice.message).collect()
}

#[test]
fn a_sender_is_told_at_each_age_once() {
    let mut bench = bench();
    bench.send(0, "x.example");
    bench.send(1, "x.example");
    bench.pass(4 * HOUR - 1);
    assert!(bench.notices.is_empty());
    bench.pass(1);
    assert_eq!(bench.queue.next_deadline(), Some(START + 4 * HOUR + 1));
    let notice = &bench.notices[0];
    assert_eq!(notice.reported[0].1.reply, "it waits in the queue");
    assert_eq!(notice.until, Some(START + 120 * HOUR));
    assert_eq!(told(&mut bench), [id(0)]);
    bench.pass(HOUR);
    assert_eq!(told(&mut bench), [id(1)]);
    bench.pass(19 * HOUR + 1);
    assert_eq!(told(&mut bench), [id(0), id(1)]);
    bench.pass(24 * HOUR);
    assert!(bench.notices.is_empty());
    assert_eq!(bench.queue.lines(id(0)).len(), 1, "nobody is finished by it");
}

#[test]
fn it_says_what_the_host_said() {
    let mut bench = bench();
    bench.hungry(1, 1);
    bench.send(0, "x.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    bench.pass(4 * HOUR);
    assert_eq!(bench.notices[0].reported[0].1.reply, says(Outcome::HostDeferred).reply);
}

#[test]
fn nobody_is_told_of_what_is_held_or_has_no_sender() {
    let mut bench = bench();
    bench.send(0, "x.example");
    bench.queue.hold(id(0), bench.now);
    let silent =
        Arrival { notify: false, ..arrival(1, bench.now, vec![Leg::fresh("smtp", "x.example", vec![0])]) };
    assert!(bench.queue.arrived(silent, bench.now));
    bench.pass(48 * HOUR);
    assert!(bench.notices.is_empty());
    assert!(!bench.records.iter().any(|record| matches!(record, Record::Warned { .. })));
}

#[test]
fn after_a_restart_only_those_are_told_who_have_not_been() {
    let mut bench = bench();
    bench.send(0, "x.example");
    bench.pass(4 * HOUR);
    assert_eq!(told(&mut bench), [id(0)]);
    let warned = bench.records.iter().filter_map(|record| match record {
        Record::Warned { after, up_to } => Some((*after, *up_to)),
        _ => None,
    });
    let warned: Vec<_> = warned.collect();
    assert_eq!(warned, [(4 * HOUR, id(0))]);
    let known: Vec<Arrival> = bench.queue.export().collect();
    bench.queue = Queue::new(bench.queue_policy.clone(), bench.now);
    bench.queue.warned(4 * HOUR, id(0));
    for arrival in known {
        bench.queue.restored(arrival, bench.now);
    }
    // One that is read from its segment only now, and one that the cursor has passed.
    for number in [5, 0] {
        let mut late = arrival(number, START, vec![Leg::fresh("smtp", "y.example", vec![0])]);
        late.message = SpoolId::new(START - number, 1, 1, 1);
        assert!(bench.queue.arrived(late, bench.now));
    }
    bench.pass(0);
    assert_eq!(told(&mut bench).len(), 2, "the two that came from segments");
    bench.pass(HOUR);
    assert!(bench.notices.is_empty());
}

#[test]
fn the_age_of_what_its_sender_held_counts_from_its_time() {
    let mut bench = bench();
    let special = Special { hold_until: Some(START + 10 * HOUR), ..Special::default() };
    let held = Arrival { special, ..arrival(0, bench.now, vec![Leg::fresh("smtp", "x.example", vec![0])]) };
    assert!(bench.queue.arrived(held, bench.now));
    bench.pass(14 * HOUR - 1);
    assert!(bench.notices.is_empty());
    bench.pass(1);
    assert_eq!(told(&mut bench), [id(0)]);
}

#[test]
fn who_has_missed_several_ages_is_told_once() {
    let mut bench = bench();
    bench.pass(30 * HOUR);
    for number in 0..2 {
        let old = arrival(number, START, vec![Leg::fresh("smtp", "x.example", vec![0])]);
        assert!(bench.queue.arrived(old, bench.now));
        bench.pass(1);
        assert_eq!(told(&mut bench), [id(number)]);
    }
}

#[test]
fn very_many_are_told_some_at_a_time() {
    let mut bench = bench();
    for number in 0..500 {
        let waits = arrival(number, bench.now, vec![Leg::fresh("smtp", "x.example", vec![0])]);
        assert!(bench.queue.arrived(waits, bench.now));
    }
    bench.pass(5 * HOUR);
    let mut pieces = vec![told(&mut bench).len()];
    while pieces.iter().sum::<usize>() < 500 {
        assert!(bench.queue.next_deadline().is_some_and(|due| due <= bench.now));
        bench.pass(0);
        pieces.push(told(&mut bench).len());
    }
    assert!(pieces.iter().all(|&piece| piece <= 200), "{pieces:?}");
}
