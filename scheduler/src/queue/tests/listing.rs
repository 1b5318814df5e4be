//! What the tools show.

use super::bench::{Bench, START, id, policy};
use crate::queue::{Filter, Leg, State};
use proto::disposition::Outcome;

#[test]
fn pages_give_every_message_once_in_order() {
    let mut bench = Bench::new(policy());
    for (number, host) in (0..25).zip(["a.example", "b.example"].into_iter().cycle()) {
        bench.send(number, host);
    }
    let filter = Filter { host: Some("A.example".into()), ..Filter::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = bench.queue.list(&filter, after, 4);
        assert!(page.lines.len() <= 4);
        seen.extend(page.lines.iter().map(|line| line.message));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).step_by(2).map(id).collect::<Vec<_>>());
}

#[test]
fn a_line_says_state_time_and_reason() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 2);
    bench.send_legs(0, vec![Leg::fresh("smtp", "grey.example", vec![3, 1])]);
    bench.send(1, "b.example");
    let feed = bench.fed().remove(0);
    bench.settle(&feed, Outcome::Deferred);
    bench.send(2, "c.example");
    let lines = bench.queue.list(&Filter::default(), None, 10).lines;
    let states: Vec<_> = lines.iter().map(|line| (line.state, line.why.to_string())).collect();
    assert_eq!(
        states,
        [
            (State::Waiting, "450 4.2.0 greylisted (mx.example[192.0.2.1])".into()),
            (State::InFlight, "being delivered".into()),
            (State::Ready, "every smtp agent is busy".into()),
        ]
    );
    let first = &lines[0];
    assert_eq!((first.received, first.attempts, first.recipients.as_slice()), (START, 1, &[1, 3][..]));
    let alarm = first.next.map(|next| next.div_ceil(1_000) * 1_000);
    assert_eq!(alarm, bench.queue.next_deadline(), "alarms go off on the second");
    let waiting = Filter { state: Some(State::Waiting), ..Filter::default() };
    assert_eq!(bench.queue.list(&waiting, None, 10).lines.len(), 1);
}

#[test]
fn threads_are_listed_by_name_with_their_counts() {
    let mut bench = Bench::new(policy());
    bench.hungry(1, 1);
    for host in ["c.example", "a.example", "b.example", "a.example"].iter().zip(0..) {
        bench.send(host.1, host.0);
    }
    let names = |after, limit| -> Vec<(String, u32)> {
        let threads = bench.queue.threads(after, limit);
        threads.iter().map(|thread| (thread.host.to_string(), thread.messages)).collect()
    };
    assert_eq!(names(None, 2), [("a.example".into(), 2), ("b.example".into(), 1)]);
    assert_eq!(names(Some(("smtp", "b.example")), 9), [("c.example".into(), 1)]);
    let gauges = bench.queue.gauges();
    assert_eq!((gauges.messages, gauges.threads, gauges.in_flight, gauges.agents), (4, 3, 1, 1));
}
