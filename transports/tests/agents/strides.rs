//! One job in the stride of another, large jobs in portions, and many words to a slow scheduler.

use super::rig::{Heard, Rig, resolver, settings};
use super::sink::{Manners, Sink};
use proto::disposition::Outcome;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use transports::smtp::Smtp;

const TEXT: &[u8] = b"Subject: x\r\n\r\nhello\r\n";

fn rig(sessions: u32) -> Rig {
    let mut settings = settings("smtp");
    settings.channel.sessions_per_host = sessions;
    let dial = resolver(HashMap::new());
    Rig::start(move || Smtp::new(&settings, dial()))
}

/// A rig whose host has taken a message, so that its pace is known.
fn warm_rig(sink: &Sink, sessions: u32) -> (Rig, Heard) {
    let mut rig = rig(sessions);
    rig.job(&sink.host(), TEXT, &["first@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    (rig, heard)
}

fn all_delivered(heard: &Heard) -> bool {
    heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered)
}

#[test]
fn what_waits_goes_out_with_the_final_dot_of_the_one_before() {
    let sink = Sink::start(Manners { dot_delay: Duration::from_millis(2), ..Manners::default() });
    let (mut rig, mut heard) = warm_rig(&sink, 1);
    let file = rig.file(TEXT);
    for n in 0..20 {
        rig.job_in(file, &sink.host(), TEXT, &[&format!("u{n}@example.org")]);
    }
    rig.hear_more(&mut heard, |heard| heard.settled.len() == 21);
    assert!(all_delivered(&heard));
    let seen = sink.seen();
    assert!(seen.strides >= 15, "only {} in stride", seen.strides);
    assert_eq!((seen.connections, seen.messages.len()), (1, 21));
    assert!(seen.messages.iter().all(|message| message.content == TEXT && message.recipients == 1));
    drop(seen);
    rig.drain().unwrap();
    assert_eq!((sink.count("RSET"), sink.count("QUIT")), (0, 1));
}

#[test]
fn each_message_keeps_its_own_recipients() {
    let sink = Sink::start(Manners { refuses: Some("no"), ..Manners::default() });
    let (mut rig, mut heard) = warm_rig(&sink, 1);
    let mut jobs = Vec::new();
    for n in 0..12 {
        let text = format!("Subject: {n}\r\n\r\n.{n}\r\n");
        let names: Vec<String> = (0..=n % 3).map(|k| format!("u{k}@m{n}.example")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if n % 4 == 1 {
            names = vec!["no@refused.example"];
        }
        jobs.push((rig.job(&sink.host(), text.as_bytes(), &names), n, names.len()));
    }
    let total = 1 + jobs.iter().map(|(_, _, names)| names).sum::<usize>();
    rig.hear_more(&mut heard, |heard| heard.settled.len() == total);
    for (job, n, _) in &jobs {
        let expected = if n % 4 == 1 { Outcome::Failed } else { Outcome::Delivered };
        assert_eq!(heard.fate(*job, 0).0, expected, "message {n}");
    }
    let seen = sink.seen();
    assert_eq!(seen.messages.len(), 10);
    for (_, n, names) in jobs.iter().filter(|(_, n, _)| n % 4 != 1) {
        let text = format!("Subject: {n}\r\n\r\n.{n}\r\n");
        let message = seen.messages.iter().find(|message| message.content == text.as_bytes()).unwrap();
        assert_eq!(message.recipients, *names, "message {n}");
    }
    drop(seen);
    rig.drain().unwrap();
}

#[test]
fn a_server_that_closes_after_each_message_gets_all_of_them_once() {
    let sink = Sink::start(Manners { drop_second_mail: true, ..Manners::default() });
    let (mut rig, mut heard) = warm_rig(&sink, 2);
    let file = rig.file(TEXT);
    for n in 0..10 {
        rig.job_in(file, &sink.host(), TEXT, &[&format!("u{n}@example.org")]);
    }
    rig.hear_more(&mut heard, |heard| heard.settled.len() == 11);
    assert!(all_delivered(&heard), "{heard:?}");
    assert_eq!(sink.seen().messages.len(), 11);
    rig.drain().unwrap();
}

#[test]
fn nothing_waits_for_long_behind_a_message_that_hangs() {
    let manners = Manners { dot_delay: Duration::from_secs(4), delayed: Some("slow"), ..Manners::default() };
    let sink = Sink::start(manners);
    let (mut rig, mut heard) = warm_rig(&sink, 1);
    let begun = Instant::now();
    rig.job(&sink.host(), b"Subject: slow\r\n\r\n", &["slow@example.org"]);
    let behind = rig.job(&sink.host(), TEXT, &["behind@example.org"]);
    rig.hear_more(&mut heard, |heard| heard.settled.len() == 3);
    assert!(all_delivered(&heard) && begun.elapsed() < Duration::from_secs(8));
    assert_eq!(heard.fate(behind, 0).0, Outcome::Delivered);
    assert_eq!(sink.seen().messages.len(), 3);
    rig.drain().unwrap();
}

#[test]
fn a_job_with_many_recipients_goes_out_a_hundred_at_a_time() {
    let sink = Sink::start(Manners { refuses: Some("u150@"), ..Manners::default() });
    let mut rig = rig(1);
    let names: Vec<String> = (0..250).map(|n| format!("u{n}@example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let job = rig.job(&sink.host(), TEXT, &names);
    let heard = rig.hear(|heard| heard.settled.len() == 250);
    assert_eq!((heard.fate(job, 150).0, heard.fate(job, 249).0), (Outcome::Failed, Outcome::Delivered));
    let sizes: Vec<usize> = sink.seen().messages.iter().map(|message| message.recipients).collect();
    assert_eq!((sizes.iter().sum::<usize>(), sizes[0]), (249, 100));
    assert_eq!((sizes.len(), sink.seen().connections), (3, 1));
    rig.drain().unwrap();
}

#[test]
fn whoever_was_not_tried_shares_the_fate_of_a_transaction_that_broke() {
    let sink = Sink::start(Manners { drop_after_data: true, ..Manners::default() });
    let mut rig = rig(1);
    let names: Vec<String> = (0..250).map(|n| format!("u{n}@example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let job = rig.job(&sink.host(), TEXT, &names);
    let heard = rig.hear(|heard| heard.settled.len() == 250);
    assert_eq!((heard.fate(job, 0).0, heard.fate(job, 249).0), (Outcome::Deferred, Outcome::Deferred));
    assert_eq!(sink.count("DATA"), 1);
    rig.drain().unwrap();
}

#[test]
fn what_the_channel_does_not_take_at_once_is_told_when_the_scheduler_reads_again() {
    let mut rig = rig(1);
    let file = rig.file(TEXT);
    let names: Vec<String> = (0..500).map(|n| format!("u{n}@example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for _ in 0..40 {
        // No host: everybody is deferred at once, in far more words than a socket holds.
        rig.job_in(file, "no host", TEXT, &names);
    }
    let heard = rig.hear(|heard| heard.settled.len() == 20_000);
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::HostDeferred));
    rig.drain().unwrap();
}
