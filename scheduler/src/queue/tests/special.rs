//! Messages with a time or a priority that their sender set.

use super::bench::{Bench, DAY, MINUTE, START, arrival, id, policy, says};
use crate::queue::{Arrival, Hold, Leg, Obstacle, Queue, Record, State, Telling};
use proto::disposition::{Disposition, Outcome, Reach};
use proto::status::Status;
use proto::terms::{ByMode, DeliverBy, Special};

const HOUR: u64 = 60 * MINUTE;

fn by(mode: ByMode, after: u64) -> Special {
    Special { deliver_by: Some(DeliverBy { until: START + after, mode, trace: false }), ..Special::default() }
}

fn hold(after: u64) -> Special {
    Special { hold_until: Some(START + after), ..Special::default() }
}

fn urgent(priority: i8) -> Special {
    Special { priority, ..Special::default() }
}

fn special(bench: &Bench, number: u64, host: &str, special: Special) -> Arrival {
    Arrival { special, ..arrival(number, bench.now, vec![Leg::fresh("smtp", host, vec![0])]) }
}

fn send(bench: &mut Bench, number: u64, host: &str, what: Special) {
    let arrival = special(bench, number, host, what);
    assert!(bench.queue.arrived(arrival, bench.now));
    bench.drain();
}

/// The queue ends, and what it would have written is taken over by another one.
fn restart(bench: &mut Bench) {
    let arrivals: Vec<Arrival> = bench.queue.export().collect();
    let warned: Vec<_> = bench.queue.warnings().collect();
    bench.queue = Queue::new(bench.queue_policy.clone(), bench.now);
    for (after, up_to) in warned {
        bench.queue.warned(after, up_to);
    }
    for arrival in arrivals {
        assert!(bench.queue.restored(arrival, bench.now));
    }
    bench.queue.tick(bench.now);
    bench.drain();
}

fn statuses(bench: &mut Bench) -> Vec<(Telling, Vec<String>)> {
    let notices = std::mem::take(&mut bench.notices);
    let words = |disposition: &Disposition| format!("{} {}", disposition.status, disposition.reply);
    notices.iter().map(|n| (n.telling, n.reported.iter().map(|(_, d)| words(d)).collect())).collect()
}

#[test]
fn what_must_arrive_by_a_time_is_returned_then_and_not_tried_after_it() {
    let mut bench = Bench::new(policy());
    send(&mut bench, 0, "x.example", by(ByMode::Return, HOUR));
    bench.pass(HOUR - 1);
    assert!(bench.notices.is_empty());
    bench.pass(1);
    let words = "not delivered within the time that the sender set; last answer: it waits in the queue";
    assert_eq!(statuses(&mut bench), [(Telling::Ends, vec![format!("5.4.7 {words}")])]);
    assert_eq!(bench.finished, [id(0)]);
    bench.hungry(1, 5);
    assert!(bench.fed().is_empty());
}

#[test]
fn what_comes_too_late_is_returned_at_once() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 5);
    bench.pass(2 * HOUR);
    send(&mut bench, 0, "x.example", by(ByMode::Return, HOUR));
    bench.pass(0);
    assert!(bench.fed().is_empty());
    assert_eq!(statuses(&mut bench).len(), 1);
}

#[test]
fn what_is_in_flight_when_its_time_passes_comes_to_its_end_and_is_then_returned() {
    for lost in [false, true] {
        let mut bench = Bench::new(policy());
        bench.hungry(1, 5);
        send(&mut bench, 0, "x.example", by(ByMode::Return, HOUR));
        let feed = bench.fed().remove(0);
        bench.pass(HOUR);
        assert!(bench.notices.is_empty(), "the answer is waited for");
        if lost {
            assert!(bench.queue.job_lost(feed.job, bench.now));
            bench.drain();
        } else {
            bench.settle(&feed, Outcome::Deferred);
        }
        let told = statuses(&mut bench);
        assert!(told.len() == 1 && told[0].1[0].starts_with("5.4.7"), "{told:?}");
        assert_eq!(bench.finished, [id(0)]);
    }
}

#[test]
fn in_mode_n_the_sender_is_told_once_and_delivery_goes_on() {
    let mut bench = Bench::new(policy());
    send(&mut bench, 0, "x.example", by(ByMode::Notify, HOUR));
    bench.pass(HOUR);
    assert_eq!(statuses(&mut bench), [(Telling::Late, vec!["4.4.7 it waits in the queue".to_owned()])]);
    assert!(matches!(bench.records.last(), Some(Record::Waiting { .. })), "the log knows that he was told");
    restart(&mut bench);
    bench.pass(DAY);
    assert!(bench.notices.is_empty());
    bench.hungry(1, 5);
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn a_message_is_held_until_its_time_and_its_age_counts_from_then() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 5);
    send(&mut bench, 0, "x.example", hold(6 * DAY));
    assert!(bench.fed().is_empty());
    let line = bench.queue.lines(id(0)).remove(0);
    assert_eq!((line.state, line.why.clone()), (State::Held, Obstacle::HeldUntil(START + 6 * DAY)));
    assert_eq!(line.next, Some(START + 6 * DAY));
    assert!(line.why.to_string().starts_with("held until Sun, 30 Nov 2025"), "{}", line.why);
    let records = std::mem::take(&mut bench.records);
    assert!(matches!(records[0], Record::Held { hold: Hold::Until, .. }));
    assert!(matches!(records[1], Record::Waiting { .. }), "the log knows it, so that segments can go");
    restart(&mut bench);
    bench.hungry(1, 5);
    bench.pass(6 * DAY - 1);
    assert!(bench.fed().is_empty());
    bench.pass(1);
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Deferred);
    assert!(bench.notices.is_empty(), "it has not expired");
}

#[test]
fn the_operator_can_release_it_before_its_time_for_good() {
    let mut bench = Bench::new(policy());
    send(&mut bench, 0, "x.example", hold(HOUR));
    bench.queue.release(id(0), bench.now);
    bench.drain();
    restart(&mut bench);
    bench.hungry(1, 5);
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn an_operators_hold_outlasts_the_senders_time() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 5);
    send(&mut bench, 0, "x.example", hold(HOUR));
    assert_eq!(bench.queue.hold(id(0), bench.now).messages, 1);
    bench.pass(2 * HOUR);
    assert!(bench.fed().is_empty());
    bench.queue.release(id(0), bench.now);
    bench.drain();
    assert_eq!(bench.fed_messages(), [id(0)]);
}

#[test]
fn higher_priorities_go_first_within_a_host_and_among_hosts() {
    let mut bench = Bench::new(policy());
    for (number, priority) in [(0, 0), (1, -5), (2, 4), (3, 0), (4, 9), (5, 4)] {
        send(&mut bench, number, "x.example", urgent(priority));
    }
    send(&mut bench, 6, "y.example", urgent(5));
    send(&mut bench, 7, "z.example", urgent(-9));
    restart(&mut bench);
    let mut order = Vec::new();
    for agent in 1..=8 {
        bench.hungry(agent, 1);
        for feed in bench.fed() {
            order.push(feed.message);
            bench.settle(&feed, Outcome::Delivered);
        }
    }
    assert_eq!(order, [4, 6, 2, 5, 0, 3, 1, 7].map(id));
}

/// Feeds, in which what is urgent never ends, until this message goes; none if it does not in a hundred.
fn feeds_until(bench: &mut Bench, wanted: u64, host: impl Fn(u64) -> &'static str) -> Option<u64> {
    for number in 1..100 {
        send(bench, number + 1_000, host(number), urgent(9));
        bench.hungry(1, 1);
        let feed = bench.fed().remove(0);
        bench.settle(&feed, Outcome::Delivered);
        if feed.message == id(wanted) {
            return Some(number);
        }
    }
    None
}

#[test]
fn whatever_is_urgent_the_others_still_go_behind_one_host() {
    let mut bench = Bench::new(policy());
    send(&mut bench, 0, "x.example", urgent(0));
    send(&mut bench, 1, "x.example", urgent(-9));
    send(&mut bench, 2, "x.example", urgent(9));
    assert!(feeds_until(&mut bench, 0, |_| "x.example").is_some_and(|feeds| feeds > 4));
    assert!(feeds_until(&mut bench, 1, |_| "x.example").is_some());
}

#[test]
fn whatever_is_urgent_the_others_still_go_elsewhere() {
    let mut bench = Bench::new(policy());
    let urgent_host = |number: u64| if number.is_multiple_of(2) { "x.example" } else { "z.example" };
    send(&mut bench, 0, "y.example", urgent(0));
    send(&mut bench, 1, "w.example", urgent(-9));
    send(&mut bench, 2, "x.example", urgent(9));
    assert!(feeds_until(&mut bench, 0, urgent_host).is_some_and(|feeds| feeds > 4));
    assert!(feeds_until(&mut bench, 1, urgent_host).is_some());
}

#[test]
fn an_urgent_message_moves_its_host_to_the_front() {
    let mut bench = Bench::new(policy());
    for number in 0..3 {
        bench.send(number, &format!("h{number}.example"));
    }
    send(&mut bench, 3, "h2.example", urgent(3));
    bench.hungry(1, 4);
    assert_eq!(bench.fed_messages(), [3, 0, 1, 2].map(id));
}

#[test]
fn hosts_take_turns_whatever_was_urgent_before() {
    let mut bench = Bench::new(policy());
    for number in 0..8 {
        bench.send(number, if number < 6 { "a.example" } else { "b.example" });
    }
    send(&mut bench, 8, "a.example", urgent(2));
    send(&mut bench, 9, "a.example", urgent(3));
    let mut order = Vec::new();
    for agent in 1..=6 {
        bench.hungry(agent, 1);
        let feed = bench.fed().remove(0);
        order.push(feed.host.to_string());
        bench.settle(&feed, Outcome::Delivered);
    }
    let first: Vec<&str> = order.iter().filter_map(|host| host.get(..1)).collect();
    assert_eq!(first, ["a", "a", "b", "a", "b", "a"]);
}

#[test]
fn an_urgent_message_that_a_host_chokes_on_gives_way_to_the_others() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    send(&mut bench, 0, "x.example", urgent(9));
    bench.send(1, "x.example");
    for round in 0..4 {
        let feed = bench.fed().remove(0);
        assert_eq!(feed.message, id(u64::from(round == 3)), "round {round}");
        bench.settle(&feed, Outcome::HostDeferred);
        bench.hungry(1, 1);
        bench.wait();
    }
}

#[test]
fn an_expired_message_is_found_behind_an_urgent_one() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    for number in 0..3 {
        let what = if number == 1 { urgent(0) } else { urgent(5) };
        let age = if number == 1 { 6 * DAY } else { 0 };
        let mut old = special(&bench, number, "x.example", what);
        old.received -= age;
        assert!(bench.queue.arrived(old, bench.now));
    }
    bench.drain();
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::HostDeferred);
    assert_eq!(bench.finished, [id(1)]);
}

fn reached(bench: &mut Bench, reach: Reach) -> usize {
    bench.hungry(1, 1);
    let feed = bench.fed().remove(0);
    let disposition = Disposition { reach, ..says(Outcome::Delivered) };
    assert!(bench.queue.settled(feed.job, 0, disposition, bench.now));
    bench.pass(0);
    std::mem::take(&mut bench.notices).len()
}

#[test]
fn success_is_told_at_once_to_who_wants_it_unless_the_next_hop_tells() {
    let success = Special { success: true, ..Special::default() };
    let mut traced = by(ByMode::Return, HOUR);
    traced.deliver_by = traced.deliver_by.map(|by| DeliverBy { trace: true, ..by });
    let mut bench = Bench::new(policy());
    for (number, what, reach, told) in [
        (0, success, Reach::Mailbox, 1),
        (1, success, Reach::Blind, 1),
        (2, success, Reach::Untimed, 0),
        (3, Special::default(), Reach::Mailbox, 0),
        (4, traced, Reach::Onward, 1),
        (5, by(ByMode::Return, HOUR), Reach::Blind, 0),
        (6, by(ByMode::Notify, HOUR), Reach::Blind, 1),
        (7, by(ByMode::Notify, HOUR), Reach::Untimed, 1),
        (8, by(ByMode::Notify, HOUR), Reach::Onward, 0),
    ] {
        send(&mut bench, number, "x.example", what);
        assert_eq!(reached(&mut bench, reach), told, "{number}");
        assert_eq!(bench.finished.pop(), Some(id(number)));
    }
}

#[test]
fn a_list_is_reported_as_expanded_and_nothing_is_sent_there() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 9);
    let legs = vec![Leg::fresh("expanded", "x.example", vec![7]), Leg::fresh("smtp", "y.example", vec![8])];
    let special = Special { success: true, ..Special::default() };
    let message = Arrival { special, ..arrival(0, bench.now, legs) };
    assert!(bench.queue.arrived(message.clone(), bench.now));
    bench.drain();
    let feed = bench.fed().remove(0);
    assert_eq!(&*feed.host, "y.example");
    let open: Vec<u32> =
        bench.queue.export().flat_map(|arrival| arrival.legs).flat_map(|leg| leg.recipients).collect();
    assert_eq!(open, [8, 7], "a crash leaves it open");
    bench.settle(&feed, Outcome::Delivered);
    bench.pass(0);
    let reported = &bench.notices[0].reported;
    let reaches: Vec<_> = reported.iter().map(|(index, disposition)| (*index, disposition.reach)).collect();
    assert_eq!(reaches, [(7, Reach::Expanded), (8, Reach::Mailbox)]);
    assert_eq!(reported[0].1.status, Status::OK);
    assert_eq!(bench.finished, [id(0)]);
    bench.notices.clear();
    let silent = Arrival { notify: false, message: id(1), ..message };
    assert!(bench.queue.arrived(silent, bench.now));
    bench.drain();
    assert!(matches!(bench.records.last(), Some(Record::Done { recipients, .. }) if *recipients == [7]));
    assert!(bench.notices.is_empty());
}

#[test]
fn the_side_table_is_empty_again_when_all_is_done() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 9);
    send(&mut bench, 0, "x.example", by(ByMode::Notify, HOUR));
    assert!(!bench.queue.specials.is_empty());
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Delivered);
    assert!(bench.queue.specials.is_empty());
    assert!(bench.queue.next_deadline().is_none_or(|due| due > START + DAY), "nothing is left on the agenda");
}
