//! What a restart keeps.

use super::site::*;
use ipc::agent::FromAgent;
use spool::log::LogRecord;

#[test]
fn what_is_finished_is_not_delivered_again() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    for name in ["a", "b"] {
        let recipient = routed(&format!("{name}@x.example"), "x.example");
        let (_, announced) = commit(&mut writer, vec![recipient], START);
        site.hint(announced);
    }
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, delivered());
    site.talk(&mut agent);
    drop(writer);
    site.restart();
    assert_eq!(site.it().queue.gauges().messages, 1);
    let mut agent = site.agent();
    agent.hungry(10);
    assert!(site.talk(&mut agent).is_empty(), "two seconds for late reports");
    site.pass(2_000);
    let again = site.talk(&mut agent);
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].id, jobs[0].id);
}

#[test]
fn a_recipient_that_is_finished_is_left_out() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let recipients = vec![routed("a@x.example", "x.example"), routed("b@y.example", "y.example")];
    let (_, announced) = commit(&mut writer, recipients, START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(10);
    let jobs = site.talk(&mut agent);
    assert_eq!(jobs.len(), 2);
    let job = jobs.iter().find(|job| job.host == "y.example").unwrap();
    agent.settle(job, 1, delivered());
    site.talk(&mut agent);
    drop(writer);
    site.restart();
    let mut agent = site.agent();
    agent.hungry(10);
    site.talk(&mut agent);
    site.pass(2_000);
    let jobs = site.talk(&mut agent);
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].host, "x.example");
}

#[test]
fn a_dead_host_keeps_its_clock() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    for name in ["a", "b", "c"] {
        let recipient = routed(&format!("{name}@x.example"), "x.example");
        let (_, announced) = commit(&mut writer, vec![recipient], START);
        site.hint(announced);
    }
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, host_dead());
    site.talk(&mut agent);
    let before = site.it().queue.threads(None, 10);
    assert!(before[0].next.is_some());
    drop(writer);
    for _ in 0..2 {
        site.restart();
        let after = site.it().queue.threads(None, 10);
        assert_eq!((after[0].next, after[0].attempts, after[0].messages), (before[0].next, 1, 3));
        assert_eq!(after[0].why, before[0].why);
    }
}

#[test]
fn a_recipient_that_waits_alone_keeps_its_time_and_its_reason() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (committed, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, deferred());
    site.talk(&mut agent);
    let before = site.it().queue.lines(committed.id);
    drop(writer);
    site.restart();
    let after = site.it().queue.lines(committed.id);
    assert_eq!((after[0].next, after[0].attempts, &after[0].why), (before[0].next, 1, &before[0].why));
    assert_eq!(site.it().known.len(), 0);
}

#[test]
fn a_late_report_settles_what_was_in_flight() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (committed, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    assert_eq!(site.talk(&mut agent).len(), 1);
    drop(writer);
    site.restart();
    let mut survivor = site.agent();
    survivor.say(&FromAgent::Late { id: committed.id, index: 0, disposition: delivered() });
    survivor.hungry(10);
    site.talk(&mut survivor);
    site.pass(5_000);
    assert!(site.talk(&mut survivor).is_empty());
    assert_eq!(site.it().queue.gauges().messages, 0);
}

#[test]
fn a_checkpoint_says_the_same_in_fewer_words() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut agent = site.agent();
    agent.hungry(20);
    for number in 0..20 {
        let host = format!("h{number}.example");
        let (_, announced) = commit(&mut writer, vec![routed("a@x.example", &host)], START);
        site.hint(announced);
        for job in site.talk(&mut agent) {
            agent.settle(&job, 0, if number % 2 == 0 { delivered() } else { deferred() });
        }
        site.talk(&mut agent);
    }
    let (held, announced) = commit(&mut writer, vec![routed("a@x.example", "held.example")], START);
    site.hint(announced);
    let now = site.now.utc;
    site.it().queue.hold(held.id, now);
    site.turn();
    let before: Vec<_> = site.it().queue.export().collect();
    site.it().begin_checkpoint().unwrap();
    site.turn();
    assert!(!site.it().checkpoint.is_under_way());
    drop(writer);
    site.restart();
    let after: Vec<_> = site.it().queue.export().collect();
    assert_eq!(after.len(), 11);
    assert_eq!(after, before);
    let cursors: Vec<bool> =
        site.it().tracks.iter().map(|(_, track)| track.cursor() > announced.from).collect();
    assert_eq!(cursors, [true], "no old segment is read again");
}

#[test]
fn a_message_that_never_got_an_attempt_is_in_the_log_after_two_minutes() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let cursor = |site: &mut Site| site.it().tracks.get(announced.segment).unwrap().cursor();
    assert_eq!(cursor(&mut site), 4096);
    site.pass(60_000);
    site.pass(60_000);
    assert!(cursor(&mut site) > announced.from);
    drop(writer);
    site.restart();
    assert_eq!(site.it().queue.gauges().messages, 1);
}

#[test]
fn a_late_report_may_come_before_its_message() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (committed, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    let (_, other) = commit(&mut writer, vec![routed("b@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    assert_eq!(site.talk(&mut agent).len(), 1);
    site.restart();
    assert_eq!(site.it().queue.gauges().messages, 0, "its writer lives, and has not announced it again");
    let mut survivor = site.agent();
    survivor.say(&FromAgent::Late { id: committed.id, index: 0, disposition: delivered() });
    survivor.hungry(10);
    site.talk(&mut survivor);
    site.hint(other);
    site.pass(5_000);
    let jobs = site.talk(&mut survivor);
    assert_eq!(jobs.len(), 1);
    assert_ne!(jobs[0].id, committed.id);
    assert_eq!(site.it().queue.gauges().recipients.delivered, 1);
    assert_eq!(site.it().late.len(), 0);
}

#[test]
fn a_dead_host_keeps_its_clock_while_its_messages_are_still_to_be_announced() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (_, other) = commit(&mut writer, vec![routed("b@x.example", "x.example")], START);
    // The host was shut, and the process ended before what waited for it was written.
    let retry_at = START + 50_000;
    site.it().log(&LogRecord::Thread {
        channel: "smtp".into(),
        host: "x.example".into(),
        retry_at,
        attempts: 1,
        why: "4.4.1 - gone".into(),
    });
    for _ in 0..2 {
        site.restart();
        assert_eq!(site.it().queue.gauges().messages, 0, "its writer lives, and has not announced it again");
        site.it().begin_checkpoint().unwrap();
    }
    site.hint(other);
    let after = site.it().queue.threads(None, 10);
    assert_eq!((after[0].next, after[0].attempts), (Some(retry_at), 1));
}

#[test]
fn what_waits_behind_a_dead_host_is_in_the_log_without_an_attempt() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut send = |site: &mut Site, count| {
        for number in 0..count {
            let (_, announced) =
                commit(&mut writer, vec![routed("a@x.example", "x.example")], START + number);
            if number + 1 == count {
                site.hint(announced);
            }
        }
    };
    send(&mut site, 900);
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, host_dead());
    site.talk(&mut agent);
    send(&mut site, 20);
    site.settle();
    let loose = |site: &mut Site| site.it().tracks.iter().any(|(_, track)| !track.is_dealt_with());
    assert!(!loose(&mut site), "those that were there, and those that came later");
    drop(writer);
    site.restart();
    assert_eq!(site.it().queue.gauges().messages, 920);
}
