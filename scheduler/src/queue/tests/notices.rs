//! Which failures are reported, when, and together with which.

use super::bench::{Bench, arrival, id, policy, says};
use crate::queue::{Leg, Record};
use proto::disposition::Outcome;

fn legs() -> Vec<Leg> {
    vec![Leg::fresh("smtp", "a.example", vec![0, 1]), Leg::fresh("smtp", "b.example", vec![2])]
}

fn failed(bench: &Bench) -> Vec<Vec<u32>> {
    let indexes = |notice: &crate::queue::Notice| notice.reported.iter().map(|&(index, _)| index).collect();
    bench.notices.iter().map(indexes).collect()
}

#[test]
fn failures_of_one_message_make_one_notice() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send_legs(0, legs());
    let feeds = bench.fed();
    bench.settle(&feeds[0], Outcome::Failed);
    assert!(bench.notices.is_empty(), "the other host has not answered");
    bench.settle(&feeds[1], Outcome::Failed);
    assert_eq!(failed(&bench), [[0, 1, 2]]);
    assert_eq!(bench.finished, [id(0)]);
    assert!(bench.records.is_empty(), "the record of the notice finishes them");
}

#[test]
fn a_notice_does_not_wait_for_what_is_deferred() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send_legs(0, legs());
    let feeds = bench.fed();
    bench.settle(&feeds[1], Outcome::Deferred);
    bench.settle(&feeds[0], Outcome::Failed);
    assert_eq!(failed(&bench), [[0, 1]]);
    assert!(bench.finished.is_empty());
}

#[test]
fn a_notice_waits_for_a_slow_host_only_so_long() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send_legs(0, legs());
    let feeds = bench.fed();
    bench.settle(&feeds[0], Outcome::Failed);
    assert_eq!(bench.wait(), 10_000);
    assert_eq!(failed(&bench), [[0, 1]]);
    bench.settle(&feeds[1], Outcome::Failed);
    assert_eq!(failed(&bench), [vec![0, 1], vec![2]]);
}

#[test]
fn a_null_sender_is_never_told() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    let mut message = arrival(0, bench.now, legs());
    message.notify = false;
    bench.queue.arrived(message, bench.now);
    bench.drain();
    for feed in bench.fed() {
        bench.settle(&feed, Outcome::Failed);
    }
    assert!(bench.notices.is_empty());
    assert_eq!(bench.records.iter().filter(|record| matches!(record, Record::Done { .. })).count(), 3);
    assert_eq!(bench.finished, [id(0)]);
}

#[test]
fn a_disposition_counts_once() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send_legs(0, legs());
    let job = bench.fed()[0].job;
    assert!(bench.settle_one(job, 0, Outcome::Delivered));
    assert!(!bench.settle_one(job, 0, Outcome::Failed), "settled already");
    assert!(!bench.settle_one(job, 2, Outcome::Failed), "not in this job");
    assert!(bench.settle_one(job, 1, Outcome::Delivered));
    assert!(!bench.settle_one(job, 1, Outcome::Delivered), "the job is over");
    assert_eq!(bench.queue.gauges().recipients.delivered, 2);
}

#[test]
fn an_unreported_failure_is_open_in_an_export() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 10);
    bench.send_legs(0, legs());
    let feeds = bench.fed();
    bench.settle(&feeds[0], Outcome::Failed);
    let arrival = bench.queue.export().next().unwrap();
    let mut open: Vec<u32> = arrival.legs.iter().flat_map(|leg| leg.recipients.clone()).collect();
    open.sort_unstable();
    assert_eq!(open, [0, 1, 2]);
}

#[test]
fn late_reports_settle_by_id() {
    let mut bench = Bench::new(policy());
    bench.send_legs(0, legs());
    let now = bench.now;
    assert!(bench.queue.settled_by_id(id(0), 0, says(Outcome::Delivered), now));
    assert!(!bench.queue.settled_by_id(id(0), 0, says(Outcome::Failed), now), "settled already");
    assert!(!bench.queue.settled_by_id(id(9), 0, says(Outcome::Failed), now), "no such message");
    assert!(bench.queue.settled_by_id(id(0), 1, says(Outcome::Deferred), now));
    assert!(bench.queue.settled_by_id(id(0), 2, says(Outcome::HostDeferred), now));
    bench.drain();
    bench.hungry(1, 10);
    assert!(bench.fed().is_empty(), "both wait now");
    assert_eq!(bench.queue.clocks().count(), 1);
    bench.pass(66_000);
    let feeds = bench.fed();
    let late = &feeds[0];
    assert!(bench.queue.settled_by_id(late.message, late.recipients[0], says(Outcome::Delivered), bench.now));
    bench.drain();
    assert!(!bench.settle_one(late.job, late.recipients[0], Outcome::Failed), "its job is over with it");
}
