//! Messages that the router expands.

use super::site::*;
use ipc::agent::Job;
use proto::envelope::Recipient;
use proto::id::SpoolId;
use proto::place::Place;
use spool::Expansion;

fn part(of: Place, attempt: u32, first: u32, closed: bool) -> Expansion {
    Expansion { of, attempt, first, closed }
}

/// What the jobs are for, sorted.
fn addresses(jobs: &[Job]) -> Vec<String> {
    let mut addresses: Vec<String> =
        jobs.iter().flat_map(|job| &job.recipients).map(|recipient| recipient.address.to_string()).collect();
    addresses.sort_unstable();
    addresses
}

fn hungry(site: &mut Site) -> Vec<Job> {
    let mut agent = site.agent();
    agent.hungry(10);
    let mut jobs = site.talk(&mut agent);
    site.pass(2_000);
    jobs.extend(site.talk(&mut agent));
    site.it().lost(agent.id, true);
    jobs
}

#[test]
fn nothing_goes_before_the_expansion_is_closed_and_then_all_does() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let recipients = vec![routed("a@x.example", "x.example"), unrouted("list@example.org")];
    let (message, announced) = commit(&mut writer, recipients, START);
    site.hint(announced);
    assert!(hungry(&mut site).is_empty());
    let of = message.place;
    let first = vec![routed("b@y.example", "y.example")];
    let (_, announced) = commit_as(&mut router, Some((message.id, part(of, 1, 0, false))), first, START);
    site.hint(announced);
    assert!(hungry(&mut site).is_empty());
    let second = vec![routed("c@z.example", "z.example"), routed("a@x.example", "x.example")];
    let (_, announced) = commit_as(&mut router, Some((message.id, part(of, 1, 1, true))), second, START);
    site.hint(announced);
    let jobs = hungry(&mut site);
    assert_eq!(addresses(&jobs), ["a@x.example", "b@y.example", "c@z.example"]);
}

#[test]
fn the_first_closed_attempt_wins_whatever_comes_later_and_across_a_restart() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let (message, announced) = commit(&mut writer, vec![unrouted("list@example.org")], START);
    site.hint(announced);
    for (attempt, address) in [(5, "first@y.example"), (3, "second@y.example")] {
        let expansion = Some((message.id, part(message.place, attempt, 0, true)));
        let (_, announced) = commit_as(&mut router, expansion, vec![routed(address, "y.example")], START);
        site.hint(announced);
    }
    assert_eq!(site.it().queue.gauges().messages, 1);
    let queued = |site: &mut Site| site.journal().matches(" queued    rcpts=1\n").count();
    assert_eq!(queued(&mut site), 1, "{}", site.journal());
    drop((writer, router));
    site.restart();
    assert_eq!(queued(&mut site), 1, "{}", site.journal());
    assert_eq!((site.it().queue.gauges().messages, site.it().unrouted.len()), (1, 0));
    assert_eq!(addresses(&hungry(&mut site)), ["first@y.example"]);
}

#[test]
fn an_expansion_that_is_read_first_waits_for_its_message() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let (message, _lost) = commit(&mut writer, vec![unrouted("list@example.org")], START);
    let expansion = Some((message.id, part(message.place, 1, 0, true)));
    let (_, announced) = commit_as(&mut router, expansion, vec![routed("b@y.example", "y.example")], START);
    site.hint(announced);
    assert_eq!(addresses(&hungry(&mut site)), ["b@y.example"]);
}

#[test]
fn segments_of_an_expanded_message_go_when_it_is_finished() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let (message, announced) = commit(&mut writer, vec![unrouted("list@example.org")], START);
    site.hint(announced);
    let expansion = Some((message.id, part(message.place, 1, 0, true)));
    let (_, announced) = commit_as(&mut router, expansion, vec![routed("b@y.example", "y.example")], START);
    site.hint(announced);
    drop((writer, router));
    site.restart();
    let mut agent = site.agent();
    agent.hungry(10);
    site.talk(&mut agent);
    site.pass(2_000);
    let jobs = site.talk(&mut agent);
    assert_eq!(agent.content(&jobs[0]), CONTENT);
    let index = jobs[0].recipients[0].index;
    agent.settle(&jobs[0], index, delivered());
    for _ in 0..4 {
        site.talk(&mut agent);
        site.pass(60_000);
        site.settle();
    }
    assert_eq!(site.segments(), 0);
    assert!(site.it().expanded.is_empty());
}

#[test]
fn a_part_about_nothing_is_finished_at_once() {
    let mut site = Site::new();
    let mut router = open(site.directory.path());
    let of = Place { segment: SpoolId::new(1, 2, 3, 4), offset: 4096 };
    let expansion = Some((SpoolId::new(5, 2, 3, 4), part(of, 1, 0, true)));
    let (_, announced) = commit_as(&mut router, expansion, vec![routed("b@y.example", "y.example")], START);
    site.hint(announced);
    drop(router);
    for _ in 0..3 {
        site.pass(60_000);
        site.settle();
    }
    assert_eq!(site.segments(), 0);
}

/// A list whose members are `recipient(number)`, expanded in parts of 500.
fn list(site: &mut Site, count: usize, recipient: impl Fn(usize) -> Recipient) -> SpoolId {
    let mut writer = open(site.directory.path());
    let mut router = open(site.directory.path());
    let (message, announced) = commit(&mut writer, vec![unrouted("list@example.org")], START);
    site.hint(announced);
    let mut hints = Vec::new();
    for first in (0..count).step_by(500) {
        let members: Vec<_> = (first..count.min(first + 500)).map(&recipient).collect();
        let closed = first + members.len() == count;
        let part = part(message.place, 1, u32::try_from(first).unwrap(), closed);
        hints.push(commit_as(&mut router, Some((message.id, part)), members, START).1);
    }
    hints.into_iter().for_each(|announced| site.hint(announced));
    message.id
}

#[test]
fn a_long_list_comes_in_over_several_turns_and_a_restart_has_all_of_it() {
    let mut site = Site::new();
    let host = |number| format!("h{number}.example");
    let id = list(&mut site, 5_000, |number| routed(&format!("a{number}@x.example"), &host(number)));
    assert!(site.it().expanding.is_empty() && site.it().entrance.is_empty());
    assert_eq!(site.it().queue.check_invariants(), Ok(()));
    let before = site.it().queue.open(id);
    site.restart();
    let after = site.it().queue.open(id);
    assert_eq!((before, after), (5_000, 5_000));
    let mut agent = site.agent();
    agent.hungry(10_000);
    site.pass(2_000);
    let mut delivered_to = 0;
    loop {
        let jobs = site.talk(&mut agent);
        if jobs.is_empty() {
            break;
        }
        delivered_to += jobs.len();
        for job in &jobs {
            agent.settle(job, job.recipients[0].index, delivered());
        }
    }
    assert_eq!((delivered_to, site.it().queue.gauges().messages), (5_000, 0));
}

#[test]
fn many_recipients_of_one_host_go_with_several_jobs() {
    let mut site = Site::new();
    list(&mut site, 2_500, |number| routed(&format!("a{number}@x.example"), "x.example"));
    let mut agent = site.agent();
    agent.hungry(10);
    let jobs = site.talk(&mut agent);
    assert_eq!(jobs.iter().map(|job| job.recipients.len()).collect::<Vec<_>>(), [1_000, 1_000, 500]);
}
