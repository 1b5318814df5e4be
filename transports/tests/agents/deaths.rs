//! The scheduler dies, the supervisor dies, the agent is told to end.

use super::rig::{Heard, Rig, id, resolver, settings};
use super::sink::{Manners, Sink};
use ipc::agent::ToAgent;
use proto::disposition::Outcome;
use std::collections::HashMap;
use std::time::Duration;
use transports::smtp::Smtp;

const TEXT: &[u8] = b"Subject: x\r\n\r\nhello\r\n";

fn rig() -> Rig {
    let mut settings = settings("smtp");
    settings.channel.sessions_per_host = 1;
    let dial = resolver(HashMap::new());
    Rig::start(move || Smtp::new(&settings, dial()))
}

fn wait_for(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not happen in five seconds");
}

#[test]
fn a_job_past_its_final_dot_is_reported_late_and_before_hungry() {
    let sink = Sink::start(Manners { dot_delay: Duration::from_millis(400), ..Manners::default() });
    let mut rig = rig();
    let begun = rig.job(&sink.host(), TEXT, &["a@example.org"]);
    let waiting = rig.job(&sink.host(), TEXT, &["b@example.org"]);
    wait_for(|| sink.count("DATA") == 1);
    std::thread::sleep(Duration::from_millis(100));
    rig.kill_scheduler();
    rig.answer_call();
    let heard = rig.hear(|heard| heard.credits > 0);
    assert_eq!(heard.late, [(id(begun), 0, Outcome::Delivered)]);
    assert_eq!(heard.hungry_after, Some(1));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(sink.seen().messages.len(), 1, "job {waiting} was dropped");
    let again = rig.job(&sink.host(), TEXT, &["b@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    assert_eq!(heard.fate(again, 0).0, Outcome::Delivered);
    assert_eq!(sink.seen().connections, 1, "the connection is still of use");
    rig.drain().unwrap();
}

#[test]
fn a_result_that_the_dead_scheduler_may_not_have_noted_is_repeated() {
    let sink = Sink::start(Manners::default());
    let mut rig = rig();
    let job = rig.job(&sink.host(), TEXT, &["a@example.org"]);
    rig.hear(|heard| heard.settled.len() == 1);
    for _ in 0..2 {
        rig.kill_scheduler();
        rig.answer_call();
        let heard = rig.hear(|heard| heard.credits > 0);
        assert_eq!(
            (heard.late.clone(), heard.hungry_after),
            (vec![(id(job), 0, Outcome::Delivered)], Some(1))
        );
        assert!(heard.settled.is_empty());
    }
    rig.drain().unwrap();
}

#[test]
fn no_final_dot_is_started_for_a_dead_scheduler() {
    let sink = Sink::start(Manners { mail_delay: Duration::from_millis(300), ..Manners::default() });
    let mut rig = rig();
    rig.job(&sink.host(), TEXT, &["a@example.org"]);
    wait_for(|| sink.count("MAIL") == 1);
    rig.kill_scheduler();
    rig.answer_call();
    let heard = rig.hear(|heard| heard.credits > 0);
    std::thread::sleep(Duration::from_millis(500));
    assert!(heard.late.is_empty());
    assert!(sink.seen().messages.is_empty());
    rig.drain().unwrap();
}

#[test]
fn a_drain_finishes_what_was_begun_and_nothing_else() {
    let sink = Sink::start(Manners { dot_delay: Duration::from_millis(300), ..Manners::default() });
    let mut rig = rig();
    let begun = rig.job(&sink.host(), TEXT, &["a@example.org"]);
    rig.job(&sink.host(), TEXT, &["b@example.org"]);
    wait_for(|| sink.count("DATA") == 1);
    rig.tell(&ToAgent::Drain);
    let mut heard = Heard::default();
    rig.hear_more(&mut heard, |heard| heard.ended);
    assert_eq!(heard.settled.len(), 1);
    assert_eq!(heard.fate(begun, 0).0, Outcome::Delivered);
    rig.wait().unwrap();
    assert_eq!((sink.count("QUIT"), sink.seen().messages.len()), (1, 1));
}

#[test]
fn the_end_of_the_supervisor_is_a_drain() {
    let sink = Sink::start(Manners::default());
    let mut rig = rig();
    rig.job(&sink.host(), TEXT, &["a@example.org"]);
    rig.hear(|heard| heard.settled.len() == 1);
    rig.kill_supervisor();
    rig.wait().unwrap();
    wait_for(|| sink.count("QUIT") == 1);
}
