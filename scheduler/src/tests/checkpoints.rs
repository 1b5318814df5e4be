//! Checkpoints that are made in passing, and lists that are written rarely.

use super::site::*;
use crate::log::Checkpoint;

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
    assert_ne!(scheduler.checkpoint, Checkpoint::None, "the rest follows in later turns");
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
    assert_eq!(site.it().checkpoint, Checkpoint::None);
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
