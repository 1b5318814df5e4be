//! What senders asked for: notices of every kind, times and priorities, across restarts and checkpoints.

use super::site::*;
use super::sparse::{all_jobs, attempt, has_compacted, segment_is_gone, until, writer};
use crate::queue::{Policy, State};
use ipc::agent::Job;
use proto::disposition::{Disposition, Reach};
use proto::envelope::{Recipient, Route};
use proto::terms::{ByMode, DeliverBy, Notify, RecipientTerms, Ret, Special, Terms};
use spool::{Entry, Expansion, Kind, Spool};

const ALL: Notify = Notify { success: true, failure: true, delay: true };
const HOUR: u64 = 3_600_000;

fn asked(address: &str, host: &str, notify: Notify) -> Recipient {
    let terms = RecipientTerms { notify: Some(notify), orcpt: Some("rfc822;orig+2Binal@o.example".into()) };
    Recipient { terms, ..routed(address, host) }
}

fn send(site: &mut Site, terms: Terms, recipients: Vec<Recipient>) {
    let mut writer = open(site.directory.path());
    let (_, announced) = commit_with(&mut writer, terms, recipients, site.now.utc);
    site.hint(announced);
}

fn jobs(site: &mut Site) -> (Agent, Vec<Job>) {
    let mut agent = site.agent();
    agent.hungry(10);
    let mut jobs = site.talk(&mut agent);
    site.pass(2_000);
    jobs.extend(site.talk(&mut agent));
    (agent, jobs)
}

/// Every recipient meets this fate.
fn answer(site: &mut Site, disposition: &Disposition) {
    let (mut agent, jobs) = jobs(site);
    for job in &jobs {
        for recipient in &job.recipients {
            agent.settle(job, recipient.index, disposition.clone());
        }
    }
    site.talk(&mut agent);
    site.settle();
    site.it().lost(agent.id, true);
}

/// The notices that wait for the router, with their contents.
fn notices(site: &mut Site) -> Vec<(Entry, String)> {
    let scheduler = site.it();
    let places: Vec<_> = scheduler.unrouted.iter().map(|(place, _)| place).collect();
    let read = |place| {
        let entry = scheduler.spool.load(place).unwrap();
        let content = scheduler.spool.open(place).unwrap().read(4 << 20).unwrap();
        (entry, String::from_utf8(content).unwrap())
    };
    places.into_iter().map(read).filter(|(entry, _)| matches!(entry.kind, Kind::Notice { .. })).collect()
}

#[test]
fn never_is_silent_whatever_happens() {
    for disposition in [refused(), delivered()] {
        let mut site = Site::new();
        send(&mut site, Terms::default(), vec![asked("a@x.example", "x.example", Notify::NEVER)]);
        answer(&mut site, &disposition);
        assert_eq!(site.it().queue.gauges().messages, 0);
        site.restart();
        assert_eq!((site.it().queue.gauges().messages, site.it().unrouted.len()), (0, 0));
    }
}

#[test]
fn only_those_are_reported_of_whom_the_sender_wants_to_hear() {
    let mut site = Site::new();
    let never = asked("b@x.example", "x.example", Notify::NEVER);
    send(&mut site, Terms::default(), vec![routed("a@x.example", "x.example"), never]);
    answer(&mut site, &refused());
    let all = notices(&mut site);
    assert_eq!(all.len(), 1);
    assert!(all[0].1.contains("a@x.example") && !all[0].1.contains("b@x.example"), "{}", all[0].1);
    assert_eq!(site.it().queue.gauges().messages, 0);
}

#[test]
fn success_is_reported_once_with_the_names_that_the_sender_gave() {
    let mut site = Site::new();
    let terms = Terms { envid: Some("QQ+2B1".into()), priority: Some(3), ..Terms::default() };
    send(&mut site, terms, vec![asked("a@x.example", "x.example", ALL)]);
    answer(&mut site, &delivered());
    for _ in 0..2 {
        let all = notices(&mut site);
        assert_eq!(all.len(), 1);
        let (entry, text) = &all[0];
        for words in [
            "Action: delivered\r\n",
            "Original-Envelope-Id: QQ+1\r\n",
            "Original-Recipient: rfc822; orig+inal@o.example\r\n",
            "Status: 2.0.0\r\n",
        ] {
            assert!(text.contains(words), "{words} is missing in\n{text}");
        }
        assert_eq!(entry.envelope.terms, Terms { priority: Some(3), ..Terms::default() });
        assert_eq!(entry.envelope.recipients[0].terms.notify, Some(Notify::NEVER));
        site.restart();
    }
}

#[test]
fn a_hop_that_reports_itself_is_left_to_do_so() {
    for (reach, action) in [(Reach::Onward, None), (Reach::Blind, Some("Action: relayed\r\n"))] {
        let mut site = Site::new();
        send(&mut site, Terms::default(), vec![asked("a@x.example", "x.example", ALL)]);
        answer(&mut site, &Disposition { reach, ..delivered() });
        let all = notices(&mut site);
        assert_eq!(all.len(), usize::from(action.is_some()), "{reach:?}");
        assert!(all.iter().all(|(_, text)| action.is_some_and(|action| text.contains(action))));
    }
}

#[test]
fn the_whole_message_goes_back_if_that_is_wanted_and_may_be() {
    let full = Terms { ret: Some(Ret::Full), ..Terms::default() };
    let hidden = Terms { require_tls: true, ..full.clone() };
    for (terms, limit, whole) in [(full.clone(), 1 << 20, true), (full, 10, false), (hidden, 1 << 20, false)]
    {
        let mut site = Site::new();
        site.it().notice_content = limit;
        send(&mut site, terms.clone(), vec![routed("a@x.example", "x.example")]);
        answer(&mut site, &refused());
        let (entry, text) = notices(&mut site).remove(0);
        assert_eq!(text.contains("\r\nSubject: x\r\n\r\nhello\r\n"), whole, "{text}");
        assert_eq!(text.contains("message/rfc822"), whole);
        assert_eq!(entry.envelope.terms.require_tls, terms.require_tls);
    }
}

#[test]
fn a_sender_who_reads_utf8_is_told_in_utf8() {
    let mut site = Site::new();
    let terms = Terms { utf8: true, ..Terms::default() };
    send(&mut site, terms, vec![routed("a@x.example", "x.example")]);
    answer(&mut site, &refused());
    let (entry, text) = notices(&mut site).remove(0);
    assert!(entry.envelope.terms.utf8 && text.contains("message/global-delivery-status"), "{text}");
}

#[test]
fn an_agent_hears_what_was_asked_for() {
    let mut site = Site::new();
    let by = DeliverBy { until: START + HOUR, mode: ByMode::Notify, trace: true };
    let terms =
        Terms { require_tls: true, deliver_by: Some(by), envid: Some("x".into()), ..Terms::default() };
    let recipient = asked("a@x.example", "x.example", ALL);
    send(&mut site, terms.clone(), vec![recipient.clone()]);
    let (_, jobs) = jobs(&mut site);
    assert_eq!((&jobs[0].terms, &jobs[0].recipients[0].terms), (&terms, &recipient.terms));
}

#[test]
fn what_its_sender_holds_waits_across_a_restart_and_a_checkpoint() {
    let mut site = Site::new();
    let terms = Terms { hold_until: Some(START + HOUR), priority: Some(7), ..Terms::default() };
    send(&mut site, terms, vec![routed("a@x.example", "x.example")]);
    assert!(site.journal().contains(" held      by=sender why=\"held until Mon, 24 Nov 2025 17:00:00 +0000"));
    site.restart();
    site.it().begin_checkpoint().unwrap();
    site.settle();
    site.restart();
    let id = site.it().queue.export().next().unwrap().message;
    assert_eq!(site.it().queue.lines(id)[0].state, State::Held);
    let (agent, early) = jobs(&mut site);
    assert!(early.is_empty());
    site.it().lost(agent.id, true);
    site.pass(HOUR);
    assert_eq!(jobs(&mut site).1.len(), 1);
    let journal = site.journal();
    assert_eq!(journal.matches(" held ").count(), 1, "{journal}");
    assert_eq!(journal.matches(" released  by=time").count(), 1, "{journal}");
}

#[test]
fn what_was_asked_for_holds_for_a_copy_too() {
    let mut site = Site::new();
    let mut agent = site.agent();
    let mut writer = writer(&site);
    let by = DeliverBy { until: START + 30 * HOUR, mode: ByMode::Return, trace: true };
    let terms = Terms {
        hold_until: Some(START + 3 * HOUR),
        priority: Some(7),
        deliver_by: Some(by),
        require_tls: true,
        envid: Some("QQ".into()),
        ..Terms::default()
    };
    let recipient = asked("a@x.example", "x.example", ALL);
    let (held, announced) = commit_with(&mut writer, terms.clone(), vec![recipient.clone()], START);
    site.hint(announced);
    let (_, announced) = commit(&mut writer, vec![routed("c@live.example", "live.example")], START);
    site.hint(announced);
    drop(writer);
    attempt(&mut site, &mut agent);
    site.pass(60_000);
    site.settle();
    site.it().keeper.set_after(1_000);
    until(&mut site, &mut agent, "it is emptied", has_compacted);
    until(&mut site, &mut agent, "it goes", segment_is_gone(held.place.segment));
    let special = Special {
        priority: 7,
        deliver_by: Some(by),
        hold_until: terms.hold_until,
        success: true,
        told: false,
    };
    for _ in 0..2 {
        site.restart();
        let all: Vec<_> = site.it().queue.export().collect();
        assert_eq!(all.iter().map(|arrival| arrival.special).collect::<Vec<_>>(), [special]);
        assert_eq!(site.it().queue.lines(held.id)[0].state, State::Held);
        site.it().begin_checkpoint().unwrap();
        site.settle();
    }
    let mut agent = site.agent();
    assert!(all_jobs(&mut site, &mut agent).is_empty(), "two hours have passed");
    let jobs = all_jobs(&mut site, &mut agent);
    assert_eq!(jobs.len(), 1);
    assert_eq!((&jobs[0].terms, &jobs[0].recipients[0].terms), (&terms, &recipient.terms));
    site.settle();
    let (_, text) = notices(&mut site).remove(0);
    assert!(
        text.contains("Action: delivered\r\n") && text.contains("Original-Envelope-Id: QQ\r\n"),
        "{text}"
    );
}

/// What an alias gives, and somebody who is named as well, with other wishes: either is told what he asked for.
#[test]
fn who_is_named_and_a_member_too_is_told_what_either_name_asked_for() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let list = Recipient { route: None, ..asked("list@example.org", "", Notify::USUAL) };
    let named = asked("b@y.example", "y.example", Notify::NEVER);
    let (message, announced) = commit(&mut writer, vec![named.clone(), list], START);
    site.hint(announced);
    let member = asked("b@y.example", "y.example", Notify::USUAL);
    let part = Expansion { of: message.place, attempt: 1, first: 0, closed: true };
    let (_, announced) = commit_as(&mut router, Some((message.id, part)), vec![named, member], START);
    drop((writer, router));
    site.hint(announced);
    let (mut agent, jobs) = jobs(&mut site);
    assert_eq!((jobs.len(), jobs[0].recipients.len()), (1, 1), "it goes there once");
    agent.settle(&jobs[0], jobs[0].recipients[0].index, refused());
    site.talk(&mut agent);
    site.settle();
    assert_eq!(notices(&mut site).len(), 1);
}

#[test]
fn what_the_spool_cannot_read_waits_for_the_administrator_whatever_its_sender_set() {
    let mut site = Site::new();
    let deliver_by = Some(DeliverBy { until: START + HOUR, mode: ByMode::Return, trace: false });
    send(&mut site, Terms { deliver_by, ..Terms::default() }, vec![routed("a@x.example", "x.example")]);
    let id = site.it().queue.export().next().unwrap().message;
    let utc = site.now.utc;
    site.it().queue.hold_for(id, crate::queue::Hold::Spool, utc);
    site.pass(2 * HOUR);
    site.settle();
    assert_eq!(site.it().queue.gauges().messages, 1);
    let utc = site.now.utc;
    site.it().queue.release(id, utc);
    site.pass(0);
    site.settle();
    assert_eq!((site.it().queue.gauges().messages, notices(&mut site).len()), (0, 1));
}

#[test]
fn what_must_arrive_by_a_time_is_returned_then_across_a_restart() {
    let mut site = Site::new();
    let deliver_by = Some(DeliverBy { until: START + HOUR, mode: ByMode::Return, trace: false });
    send(&mut site, Terms { deliver_by, ..Terms::default() }, vec![routed("a@x.example", "x.example")]);
    answer(&mut site, &deferred());
    site.restart();
    site.pass(HOUR);
    site.settle();
    let (_, text) = notices(&mut site).remove(0);
    assert!(text.contains("Status: 5.4.7\r\n") && text.contains("Deliver-By-Date: "), "{text}");
    assert_eq!(site.it().queue.gauges().messages, 0);
    assert!(site.journal().contains(" expired "));
}

#[test]
fn an_expansion_is_reported_once_and_what_was_asked_for_goes_along() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let list = Recipient { route: None, ..asked("list@example.org", "", ALL) };
    let (message, announced) = commit(&mut writer, vec![list.clone()], START);
    site.hint(announced);
    let report = Route { channel: Route::EXPANDED.into(), host: "example.org".into(), user: "list".into() };
    let member = asked("b@y.example", "y.example", Notify::USUAL);
    let recipients = vec![member.clone(), Recipient { route: Some(report), ..list }];
    let part = Expansion { of: message.place, attempt: 1, first: 0, closed: true };
    let (_, announced) = commit_as(&mut router, Some((message.id, part)), recipients, START);
    drop((writer, router));
    site.hint(announced);
    assert!(site.journal().contains(" queued    rcpts=1\n"));
    site.restart();
    site.pass(10_000);
    site.settle();
    site.restart();
    let all = notices(&mut site);
    assert_eq!(all.len(), 1);
    assert!(
        all[0].1.contains("Action: expanded\r\n") && all[0].1.contains("list@example.org"),
        "{}",
        all[0].1
    );
    let (_, jobs) = jobs(&mut site);
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].recipients[0].terms, member.terms);
}

#[test]
fn a_delay_is_told_once_across_restarts() {
    let mut site = Site::new();
    let warn = |site: &mut Site| {
        let policy = Policy { delay_warnings: vec![HOUR], ..site.policy() };
        let utc = site.now.utc;
        site.it().queue.reconfigure(policy, utc);
    };
    warn(&mut site);
    let quiet = asked("b@x.example", "x.example", Notify { delay: false, ..ALL });
    send(&mut site, Terms::default(), vec![routed("a@x.example", "x.example"), quiet]);
    answer(&mut site, &deferred());
    site.pass(HOUR);
    site.settle();
    for _ in 0..2 {
        let all = notices(&mut site);
        assert_eq!(all.len(), 1);
        let text = &all[0].1;
        assert!(text.contains("Action: delayed\r\n") && text.contains("Will-Retry-Until: "), "{text}");
        assert!(text.contains("Status: 4.2.0\r\n") && !text.contains("b@x.example"), "{text}");
        assert_eq!(site.it().queue.gauges().recipients.waiting, 2, "both still wait");
        site.it().begin_checkpoint().unwrap();
        site.restart();
        warn(&mut site);
        site.pass(1_000);
    }
}
