//! From a hint to a removed segment.

use super::site::*;
use ipc::agent::FromAgent;
use proto::id::SpoolId;

#[test]
fn a_message_is_fed_settled_and_its_segment_removed() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (committed, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(10);
    let jobs = site.talk(&mut agent);
    let [job] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!((job.id, job.host.as_str(), job.recipients.len()), (committed.id, "x.example", 1));
    assert_eq!(job.recipients[0].user, "a@x.example");
    assert_eq!(agent.content(job), CONTENT);
    agent.settle(job, 0, delivered());
    site.talk(&mut agent);
    assert_eq!(site.it().queue.gauges().recipients.delivered, 1);
    assert!(site.journal().contains(" delivered "), "{}", site.journal());
    // The writer ends; the scan takes the segment over, asks the agent for it, and removes it.
    drop(writer);
    assert_eq!(site.segments(), 1);
    for _ in 0..4 {
        site.pass(60_000);
        site.settle();
        site.talk(&mut agent);
    }
    assert_eq!((site.segments(), agent.released.len()), (0, 1));
}

#[test]
fn a_segment_stays_while_an_agent_holds_it() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(10);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, delivered());
    site.talk(&mut agent);
    drop(writer);
    for _ in 0..4 {
        site.pass(60_000);
        site.settle();
    }
    assert_eq!(site.segments(), 1, "it was asked, and has not answered");
    let id = agent.id;
    site.it().lost(id, true);
    for _ in 0..2 {
        site.pass(60_000);
        site.settle();
    }
    assert_eq!(site.segments(), 0);
}

#[test]
fn jobs_of_an_agent_that_dies_go_to_another() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    let mut first = site.agent();
    first.hungry(1);
    assert_eq!(site.talk(&mut first).len(), 1);
    let id = first.id;
    site.it().lost(id, false);
    let mut second = site.agent();
    second.hungry(1);
    assert_eq!(site.talk(&mut second).len(), 1);
}

#[test]
fn junk_and_forged_hints_do_no_harm() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    let forged = [
        b"junk".to_vec(),
        format!("new {} 4096 99999999", announced.segment).into_bytes(),
        format!("new {} 1 2", announced.segment).into_bytes(),
        format!("new {} 4096 8192", SpoolId::new(1, 2, 3, 4)).into_bytes(),
    ];
    for datagram in &forged {
        site.it().hint(datagram);
        site.turn();
    }
    assert!(site.it().hints_dropped >= 3);
    site.hint(announced);
    assert_eq!(site.it().queue.gauges().messages, 1);
}

#[test]
fn a_lost_hint_is_made_good_by_the_next_one_and_by_the_scan() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    let (_, announced) = commit(&mut writer, vec![routed("b@x.example", "x.example")], START);
    site.hint(announced);
    assert_eq!(site.it().queue.gauges().messages, 2);
    let (_, lost) = commit(&mut writer, vec![routed("c@x.example", "x.example")], START);
    assert_eq!(lost.segment, announced.segment);
    drop(writer);
    site.pass(60_000);
    assert_eq!(site.it().queue.gauges().messages, 3);
}

#[test]
fn above_the_high_water_mark_messages_stay_in_their_segment() {
    let mut site = Site::new();
    let policy = crate::queue::Policy { high_water: 2, ..crate::queue::Policy::default() };
    let now = site.now.utc;
    site.it().queue.reconfigure(policy, now);
    let mut writer = open(site.directory.path());
    for _ in 0..5 {
        let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
        site.hint(announced);
    }
    assert_eq!(site.it().queue.gauges().messages, 2);
    let mut agent = site.agent();
    agent.hungry(10);
    let mut done = 0;
    for _ in 0..5 {
        for job in site.talk(&mut agent) {
            agent.settle(&job, 0, delivered());
            done += 1;
        }
    }
    assert_eq!(done, 5);
}

#[test]
fn an_agent_says_what_it_does() {
    let mut site = Site::new();
    let mut agent = site.agent();
    agent.say(&FromAgent::Gauges { sessions: 131, hosts: 88 });
    site.talk(&mut agent);
    let line = crate::tools::channel_line(site.it(), "smtp");
    assert_eq!(line.now, "131 sessions to 88 hosts");
}

#[test]
fn a_damaged_record_is_told_once_and_costs_no_other() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut places = Vec::new();
    for name in ["a", "b", "c"] {
        let recipient = routed(&format!("{name}@x.example"), "x.example");
        places.push(commit(&mut writer, vec![recipient], START).0.place);
    }
    drop(writer);
    let path = site.directory.path().join(format!("segments/{}", places[1].segment));
    let octets = std::fs::read(&path).unwrap();
    let at = octets.windows(11).position(|window| window == b"b@x.example").unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"\xff\0", u64::try_from(at).unwrap()).unwrap();
    site.pass(60_000);
    site.pass(60_000);
    assert_eq!(site.it().queue.gauges().messages, 2);
    let journal = site.journal();
    assert_eq!(journal.matches(" damage ").count(), 1, "{journal}");
}

#[test]
fn two_recipients_that_are_the_same_user_get_one_copy_and_both_are_settled() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let twin = |address: &str| {
        let route = routed("ann@x.example", "x.example").route;
        proto::envelope::Recipient::new(address.parse().unwrap(), route)
    };
    let recipients = vec![twin("ann@x.example"), routed("bob@x.example", "x.example"), twin("a.n@x.example")];
    let (_, announced) = commit(&mut writer, recipients, START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    let indexes: Vec<u32> = jobs[0].recipients.iter().map(|recipient| recipient.index).collect();
    assert_eq!(indexes, [0, 1]);
    agent.settle(&jobs[0], 0, refused());
    agent.settle(&jobs[0], 1, delivered());
    site.talk(&mut agent);
    let counters = site.it().queue.gauges().recipients;
    assert_eq!((counters.failed, counters.delivered, counters.waiting), (2, 1, 0));
    assert_eq!(site.journal().matches(" failed ").count(), 2, "{}", site.journal());
}

#[test]
fn an_agent_that_is_to_finish_gets_nothing_more_and_nobody_is_blamed() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut agent = site.agent();
    agent.hungry(10);
    site.talk(&mut agent);
    site.it().drain_agent(7);
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    assert!(site.talk(&mut agent).is_empty());
    let mut other = site.agent();
    other.hungry(10);
    assert_eq!(site.talk(&mut other).len(), 1);
    site.it().lost(other.id, true);
    site.turn();
    assert_eq!(site.it().queue.gauges().in_flight, 0, "the job is not with the agent that is gone");
}

#[test]
fn segments_that_an_agent_does_not_close_do_not_keep_others() {
    let mut site = Site::new();
    let mut agent = site.agent();
    agent.hungry(10);
    for number in 0..3 {
        let mut writer = open(site.directory.path());
        let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START + number);
        site.hint(announced);
        let jobs = site.talk(&mut agent);
        agent.settle(&jobs[0], 0, delivered());
        site.talk(&mut agent);
        if number == 1 {
            // From now on it is another one that gets the segments.
            let id = agent.id;
            site.it().drain_agent(7);
            agent = site.agent();
            agent.hungry(10);
            assert_ne!(agent.id, id);
        }
    }
    for _ in 0..4 {
        site.pass(60_000);
        site.settle();
        site.talk(&mut agent);
    }
    assert_eq!(site.segments(), 2, "those that the first agent has");
}

#[test]
fn an_agent_whose_channel_has_ended_is_not_fed_while_its_end_is_awaited() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut agent = site.agent();
    agent.hungry(10);
    site.talk(&mut agent);
    let id = agent.id;
    drop(agent);
    assert!(site.it().hear(id));
    let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START);
    site.hint(announced);
    assert_eq!(site.it().queue.gauges().in_flight, 0);
}
