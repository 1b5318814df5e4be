//! Telling senders.

use super::site::*;
use ipc::hint::Hint;
use proto::address::ReversePath;
use spool::log::LogRecord;
use spool::{Kind, Spool};

/// One recipient is refused.
fn refuse_one(site: &mut Site) {
    let mut writer = open(site.directory.path());
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, refused());
    site.talk(&mut agent);
}

#[test]
fn a_refusal_becomes_a_message_for_the_router() {
    let mut site = Site::new();
    refuse_one(&mut site);
    site.settle();
    let mut datagram = [0; 100];
    let octets = site.router.recv(&mut datagram).unwrap();
    let hint = Hint::decode(&datagram[..octets]).unwrap();
    let scheduler = site.it();
    let (place, message) = scheduler.unrouted.iter().next().unwrap();
    let id = message.id;
    assert_eq!(hint.segment, place.segment);
    let entry = scheduler.spool.load(place).unwrap();
    assert_eq!((entry.id, &entry.envelope.from), (id, &ReversePath::Null));
    assert!(matches!(entry.kind, Kind::Notice { .. }));
    assert_eq!(entry.envelope.recipients[0].address.to_string(), "sender@example.org");
    let content = scheduler.spool.open(place).unwrap().read(1 << 20).unwrap();
    let text = String::from_utf8(content).unwrap();
    for words in ["Final-Recipient: rfc822; a@x.example", "Status: 5.1.1", "Subject: x\r\n", "Action: failed"]
    {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    assert!(site.journal().contains(" notified "));
}

#[test]
fn a_notice_that_was_decided_is_made_exactly_once_across_restarts() {
    let mut site = Site::new();
    refuse_one(&mut site);
    // The line is written; the message may or may not be there yet.
    for _ in 0..4 {
        site.kill();
        site.start();
        assert_eq!(site.it().queue.gauges().messages, 0, "the refused recipient is finished");
        site.settle();
        assert_eq!(site.it().unrouted.len(), 1);
    }
}

#[test]
fn a_notice_whose_message_is_there_is_not_made_again_though_the_log_lacks_it() {
    let mut site = Site::new();
    refuse_one(&mut site);
    site.settle();
    let id = site.it().unrouted.iter().next().unwrap().1.id;
    let place = site.it().unrouted.iter().next().unwrap().0;
    let entry = site.it().spool.load(place).unwrap();
    let Kind::Notice { of } = entry.kind else { panic!() };
    // As if the log had ended right behind the decision.
    let mut other = open(site.directory.path());
    site.kill();
    let (mut log, records) = other.open_log("scheduler", START).unwrap();
    let kept: Vec<LogRecord> = records
        .into_iter()
        .filter(|record| matches!(record, LogRecord::Notice { .. } | LogRecord::Done { .. }))
        .collect();
    assert!(!kept.is_empty());
    let fresh = other.draw(START).unwrap();
    log.checkpoint(fresh, kept).unwrap();
    drop((log, other));
    site.start();
    site.settle();
    site.pass(10_000);
    site.settle();
    let there: Vec<_> = site.it().unrouted.iter().map(|(place, message)| (place, message.id)).collect();
    assert_eq!(there, [(place, id)], "it was not made again");
    assert_ne!(of, id);
}

#[test]
fn nobody_is_told_about_a_notice() {
    let mut site = Site::new();
    refuse_one(&mut site);
    site.settle();
    let (place, id) = site.it().unrouted.iter().map(|(place, message)| (place, message.id)).next().unwrap();
    let mut router = open(site.directory.path());
    let part = spool::Expansion { of: place, attempt: 1, first: 0, closed: true };
    let recipients = vec![routed("sender@example.org", "example.org")];
    let (_, announced) = commit_as(&mut router, Some((id, part)), recipients, START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    assert_eq!(jobs[0].from, ReversePath::Null);
    let index = jobs[0].recipients[0].index;
    agent.settle(&jobs[0], index, refused());
    site.talk(&mut agent);
    site.settle();
    let gauges = site.it().queue.gauges();
    assert_eq!((gauges.messages, site.it().unrouted.len()), (0, 0));
    assert_eq!(site.journal().matches(" notified ").count(), 1);
    assert_eq!(site.journal().matches(" failed ").count(), 2);
}
