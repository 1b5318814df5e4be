//! Checkpoints that are made in passing, and lists that are written rarely.

use super::site::*;
use std::os::unix::fs::FileExt;

/// The log as it lies on the disk.
fn log(site: &Site) -> String {
    let logs = std::fs::read_dir(site.directory.path().join("logs")).unwrap();
    let texts = logs.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    texts.filter(|text| text.contains("GRANGE-LOG")).collect()
}

#[test]
fn what_happens_during_a_checkpoint_is_in_it() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut ids = Vec::new();
    for number in 0..1_200 {
        let host = format!("h{number}.example");
        let (committed, announced) = commit(&mut writer, vec![routed("a@x.example", &host)], START + number);
        ids.push(committed.id);
        if number % 100 == 99 {
            site.hint(announced);
        }
    }
    let now = site.now.utc;
    let scheduler = site.it();
    scheduler.begin_checkpoint().unwrap();
    scheduler.turn().unwrap();
    assert!(scheduler.checkpoint.is_under_way(), "the rest follows in later turns");
    // One that is copied and one that is not, each removed, held and released.
    for (removed, held, freed) in [(ids[3], ids[4], ids[5]), (ids[1_100], ids[1_101], ids[1_102])] {
        scheduler.queue.remove(removed, now);
        scheduler.queue.hold(held, now);
        scheduler.queue.hold(freed, now);
        scheduler.queue.release(freed, now);
    }
    let (_, announced) = commit(&mut writer, vec![routed("b@x.example", "late.example")], START + 5_000);
    site.hint(announced);
    site.settle();
    assert!(!site.it().checkpoint.is_under_way());
    assert_eq!(std::fs::read_dir(site.directory.path().join("logs")).unwrap().count(), 1);
    let before: Vec<_> = site.it().queue.export().collect();
    assert_eq!(before.len(), 1_199);
    drop(writer);
    site.restart();
    assert_eq!(site.it().queue.export().collect::<Vec<_>>(), before);
}

#[test]
fn a_crash_during_a_checkpoint_leaves_the_old_log() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    for number in 0..600 {
        let (_, announced) = commit(&mut writer, vec![routed("a@x.example", "x.example")], START + number);
        if number == 599 {
            site.hint(announced);
        }
    }
    let scheduler = site.it();
    scheduler.begin_checkpoint().unwrap();
    scheduler.turn().unwrap();
    site.kill();
    drop(writer);
    site.start();
    assert_eq!(site.it().queue.gauges().messages, 600);
    assert_eq!(std::fs::read_dir(site.directory.path().join("logs")).unwrap().count(), 1);
}

#[test]
fn a_list_is_not_written_anew_with_each_of_its_hosts() {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let recipients = (0..200).map(|n| routed(&format!("a{n}@x.example"), &format!("h{n}.example")));
    let (committed, announced) = commit(&mut writer, recipients.collect(), START);
    site.hint(announced);
    let mut agent = site.agent();
    agent.hungry(1_000);
    for job in site.talk(&mut agent) {
        let index = job.recipients[0].index;
        agent.settle(&job, index, if index % 2 == 0 { deferred() } else { delivered() });
        site.talk(&mut agent);
    }
    assert_eq!(log(&site).matches(" Waiting ").count(), 1, "the first one, so that the cursor can pass");
    site.pass(300);
    site.pass(300);
    let before = site.it().queue.lines(committed.id);
    assert_eq!(before.len(), 100);
    drop(writer);
    site.restart();
    let after = site.it().queue.lines(committed.id);
    let times = |lines: &[crate::queue::Line]| -> Vec<_> {
        let mut times: Vec<_> = lines.iter().map(|line| (line.recipients[0], line.next)).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(times(&after), times(&before), "the second line has all of it");
}

/// Spoils octets in the middle of the only file of a directory of the spool.
fn spoil(site: &Site, directory: &str, at: impl Fn(&[u8]) -> usize) {
    let mut files = std::fs::read_dir(site.directory.path().join(directory)).unwrap();
    let path = files.next().unwrap().unwrap().path();
    let at = u64::try_from(at(&std::fs::read(&path).unwrap())).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().write_all_at(b"#spoilt#", at).unwrap();
}

fn find(data: &[u8], what: &str) -> usize {
    data.windows(what.len()).position(|window| window == what.as_bytes()).unwrap()
}

/// A site in which two messages wait for a dead host.
fn waiting() -> (Site, Vec<spool::Committed>) {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let mut committed = Vec::new();
    for name in ["ann", "bob"] {
        let recipient = routed(&format!("{name}@x.example"), "x.example");
        let (one, announced) = commit(&mut writer, vec![recipient], START);
        site.hint(announced);
        committed.push(one);
    }
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, host_dead());
    site.talk(&mut agent);
    site.settle();
    (site, committed)
}

#[test]
fn a_damaged_record_does_not_keep_the_log_from_being_written_afresh() {
    let (mut site, committed) = waiting();
    site.kill();
    spoil(&site, "segments", |data| find(data, "bob@x.example"));
    site.start();
    site.it().begin_checkpoint().unwrap();
    site.turn();
    assert!(!site.it().checkpoint.is_under_way() && log(&site).contains("generation=2"));
    assert!(!site.journal().contains("checkpoint"));
    let before: Vec<_> = site.it().queue.export().collect();
    assert_eq!(before.len(), 2);
    site.restart();
    assert_eq!(site.it().queue.export().collect::<Vec<_>>(), before);
    // Delivered it cannot be.
    site.pass(100_000);
    let mut agent = site.agent();
    agent.hungry(9);
    let mut fed = site.talk(&mut agent);
    agent.settle(&fed[0], 0, delivered());
    fed.extend(site.talk(&mut agent));
    assert_eq!(fed.iter().map(|job| job.id).collect::<Vec<_>>(), [committed[0].id]);
    assert!(site.journal().contains(&format!("{} held", committed[1].id)));
}

#[test]
fn a_line_that_was_spoilt_on_disk_is_written_from_the_record_and_without_one_the_message_is_held() {
    let (mut site, committed) = waiting();
    spoil(&site, "logs", |data| find(data, "ann@x.example"));
    site.it().begin_checkpoint().unwrap();
    site.turn();
    site.restart();
    assert_eq!(site.it().queue.gauges().messages, 2);
    spoil(&site, "logs", |data| find(data, "bob@x.example"));
    spoil(&site, "segments", |data| find(data, "bob@x.example"));
    // What was read before is not looked at again while it is remembered.
    site.it().records = Default::default();
    site.it().begin_checkpoint().unwrap();
    site.turn();
    assert!(site.journal().contains(&format!("{} held", committed[1].id)));
    site.restart();
    let held: Vec<_> = site.it().queue.export().filter(|arrival| arrival.hold.is_some()).collect();
    assert_eq!(held.iter().map(|arrival| arrival.message).collect::<Vec<_>>(), [committed[1].id]);
}
