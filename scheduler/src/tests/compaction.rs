//! Sparse segments are emptied, and nobody notices.

use super::site::*;
use super::sparse::*;
use proto::envelope::{Envelope, Origin};
use proto::message::shape_of;
use spool::{Announced, Committed, Expansion, Segments, Spool};
use std::time::Duration;

#[test]
fn what_still_waits_is_moved_its_segment_goes_and_a_restart_finds_it() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, c, b] = sparse(&mut site, &mut agent);
    let before: Vec<_> = site.it().queue.threads(None, 10);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    until(&mut site, &mut agent, "it goes", segment_is_gone(c.place.segment));
    assert!(site.journal().contains(" messages=2 from=8388608 to=4096 "), "{}", site.journal());
    assert_eq!(site.segments(), 1);
    assert_ne!(site.it().queue.place_of(a.id).unwrap().segment, a.place.segment);
    for _ in 0..2 {
        site.restart();
        let after: Vec<_> = site.it().queue.threads(None, 10);
        assert_eq!((after[0].messages, after[0].next), (2, before[0].next));
        site.it().begin_checkpoint().unwrap();
        site.settle();
    }
    let mut agent = site.agent();
    let jobs = all_jobs(&mut site, &mut agent);
    assert_eq!(ids(&jobs), [a.id, b.id]);
    assert!(jobs.iter().all(|job| job.record.is_some()));
    site.settle();
    until_all_are_gone(&mut site, &mut agent);
}

#[test]
fn a_job_reads_the_copy_and_one_in_flight_reads_on_where_it_was() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    site.pass(60_000);
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    assert_eq!(jobs.len(), 1);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    assert_eq!(agent.content(&jobs[0]), CONTENT);
    agent.settle(&jobs[0], 0, delivered());
    agent.hungry(1);
    let more = site.talk(&mut agent);
    assert_eq!(ids(&[&jobs[..], &more[..]].concat()), [a.id, b.id]);
    assert_eq!(agent.content(&more[0]), CONTENT);
    assert_ne!(more[0].record.unwrap().segment, b.place.segment);
    assert_eq!(more[0].record, site.it().queue.place_of(more[0].id));
    until(&mut site, &mut agent, "it goes", segment_is_gone(a.place.segment));
    assert_eq!(agent.content(&more[0]), CONTENT);
}

#[test]
fn a_segment_of_copies_that_gets_no_more_for_an_hour_is_left_and_goes_like_any_other() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    let copies = site.it().queue.place_of(a.id).unwrap().segment;
    assert!(site.it().keeper.owns(copies));
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id, b.id]);
    assert!(!site.it().keeper.owns(copies));
    until_all_are_gone(&mut site, &mut agent);
}

#[test]
fn a_message_that_is_finished_while_it_is_copied_stays_finished() {
    for restarts in [false, true] {
        let mut site = Site::new();
        let mut agent = site.agent();
        let [a, _, b] = sparse(&mut site, &mut agent);
        copied_and_unheard(&mut site);
        let now = site.now.utc;
        site.it().queue.remove(a.id, now);
        site.turn();
        until(&mut site, &mut agent, "it is emptied", has_compacted);
        assert!(site.journal().contains(" compacted ") && site.journal().contains(" messages=1 "));
        if restarts {
            site.restart();
            agent = site.agent();
        }
        assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [b.id]);
    }
}

#[test]
fn a_copy_of_which_the_log_does_not_speak_does_not_bring_a_finished_message_back() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    copied_and_unheard(&mut site);
    let now = site.now.utc;
    let scheduler = site.it();
    scheduler.queue.remove(a.id, now);
    scheduler.act().unwrap();
    scheduler.finish().unwrap();
    site.kill();
    site.start();
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [b.id]);
}

#[test]
fn copies_of_which_the_log_does_not_speak_mean_nothing() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    copied_and_unheard(&mut site);
    site.kill();
    site.start();
    assert_eq!(site.it().queue.gauges().messages, 2);
    assert_eq!(site.it().queue.place_of(a.id), Some(a.place));
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id, b.id]);
    until_all_are_gone(&mut site, &mut agent);
}

#[test]
fn without_any_log_a_copy_is_a_message() {
    let mut site = Site::new();
    let (_agent, [a, b]) = compacted(&mut site);
    site.kill();
    logs(&site).iter().for_each(|log| std::fs::remove_file(log).unwrap());
    site.start();
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id, b.id]);
}

#[test]
fn without_any_log_a_copy_stays_a_message_when_a_new_log_says_other_things() {
    let mut site = Site::new();
    let (_agent, [a, b]) = compacted(&mut site);
    site.kill();
    logs(&site).iter().for_each(|log| std::fs::remove_file(log).unwrap());
    site.start();
    site.it().write_cursors();
    site.settle();
    site.kill();
    site.start();
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id, b.id]);
}

#[test]
fn what_was_moved_is_found_though_the_log_is_damaged_before_it_says_so() {
    let mut site = Site::new();
    let (_agent, [a, b]) = compacted(&mut site);
    site.settle();
    site.kill();
    for path in logs(&site) {
        let mut text = std::fs::read(&path).unwrap();
        let at = text.windows(7).position(|word| word == b" Moved ").unwrap();
        text[at + 8] ^= 1;
        std::fs::write(path, text).unwrap();
    }
    site.start();
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id, b.id]);
    until_all_are_gone(&mut site, &mut agent);
}

#[test]
fn messages_that_are_finished_before_their_copies_are_heard_of_do_not_come_back() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    copied_and_unheard(&mut site);
    let now = site.now.utc;
    let scheduler = site.it();
    for message in [a, b] {
        scheduler.queue.remove(message.id, now);
    }
    scheduler.act().unwrap();
    scheduler.finish().unwrap();
    scheduler.agents = Default::default();
    for _ in 0..3 {
        scheduler.remove_finished();
    }
    site.kill();
    site.start();
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), []);
    until_all_are_gone(&mut site, &mut agent);
}

#[test]
fn killed_at_any_turn_everything_is_there_once() {
    for turns in 0..24 {
        let mut site = Site::new();
        let mut agent = site.agent();
        let [a, _, b] = sparse(&mut site, &mut agent);
        for _ in 0..turns {
            site.pass(200);
            site.talk(&mut agent);
            std::thread::sleep(Duration::from_millis(3));
        }
        site.kill();
        site.start();
        let mut agent = site.agent();
        let jobs = all_jobs(&mut site, &mut agent);
        assert_eq!(ids(&jobs), [a.id, b.id], "after {turns} turns: {}", site.journal());
    }
}

#[test]
fn a_held_message_is_held_at_its_new_place() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    let now = site.now.utc;
    site.it().queue.hold(a.id, now);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    for checkpoint in [true, false] {
        if checkpoint {
            site.it().begin_checkpoint().unwrap();
        }
        site.restart();
    }
    let mut agent = site.agent();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [b.id]);
    let now = site.now.utc;
    site.it().queue.release(a.id, now);
    site.turn();
    assert_eq!(ids(&all_jobs(&mut site, &mut agent)), [a.id]);
}

#[test]
fn an_expanded_message_keeps_its_recipients_and_a_late_part_finds_nobody() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let mut smtp = writer(&site);
    let mut router = open(site.directory.path());
    let (message, announced) = commit(&mut smtp, vec![unrouted("list@example.org")], START);
    site.hint(announced);
    let part = |attempt| Some((message.id, Expansion { of: message.place, attempt, first: 0, closed: true }));
    let (_, announced) = commit_as(&mut router, part(1), dead("x"), START);
    site.hint(announced);
    drop(smtp);
    sparse(&mut site, &mut agent);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    until(&mut site, &mut agent, "it goes", segment_is_gone(message.place.segment));
    let (_, announced) = commit_as(&mut router, part(2), dead("y"), START);
    site.hint(announced);
    drop(router);
    site.restart();
    let mut agent = site.agent();
    let jobs = all_jobs(&mut site, &mut agent);
    let to: Vec<String> = jobs
        .iter()
        .filter(|job| job.id == message.id)
        .flat_map(|job| &job.recipients)
        .map(|recipient| recipient.address.to_string())
        .collect();
    assert_eq!(to, ["x@dead.example"]);
    until_all_are_gone(&mut site, &mut agent);
}

/// Commits a message whose content has a file of its own.
fn commit_large(spool: &mut Segments, content: &[u8]) -> (Committed, Announced) {
    let mut draft = spool.create(START).unwrap();
    draft.append(content).unwrap();
    let envelope = Envelope {
        from: "<sender@example.org>".parse().unwrap(),
        recipients: dead("big"),
        received: START,
        origin: Origin::default(),
        shape: shape_of(content),
        terms: proto::terms::Terms::default(),
    };
    spool.commit(draft, &envelope, START).unwrap();
    spool.close_batch(START);
    let completion = spool.completions().pop().unwrap();
    (*completion.committed().next().unwrap(), completion.announced.unwrap())
}

#[test]
fn a_large_content_stays_for_the_copy_and_goes_with_its_message() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let content = [CONTENT, &b"0123456789\r\n".repeat(40_000)].concat();
    let mut smtp = writer(&site);
    let (message, announced) = commit_large(&mut smtp, &content);
    site.hint(announced);
    drop(smtp);
    sparse(&mut site, &mut agent);
    let large = site.directory.path().join(format!("large/{}", message.id));
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    until(&mut site, &mut agent, "it goes", segment_is_gone(message.place.segment));
    assert!(large.exists());
    site.restart();
    let mut agent = site.agent();
    agent.hungry(10);
    site.talk(&mut agent);
    site.pass(3_600_000);
    agent.hungry(10);
    let jobs = site.talk(&mut agent);
    let job = jobs.iter().find(|job| job.id == message.id).unwrap();
    assert_eq!(agent.content(job), content);
    agent.settle(job, 0, delivered());
    until(&mut site, &mut agent, "the content goes", |_| !large.exists());
}

#[test]
fn a_damaged_message_stays_and_the_others_are_moved() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let [a, _, b] = sparse(&mut site, &mut agent);
    let path = site.directory.path().join(format!("segments/{}", a.place.segment));
    let file = std::fs::File::options().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"?", a.end - 3).unwrap();
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    assert!(site.journal().contains(" damage "), "{}", site.journal());
    assert_eq!(site.it().queue.place_of(a.id), Some(a.place));
    assert_ne!(site.it().queue.place_of(b.id), Some(b.place));
    for _ in 0..50 {
        site.pass(2_000);
    }
    assert_eq!(site.it().keeper.compacted(), 1, "nobody tries that again");
}
