//! A segment of which little is left, and how it is emptied: what tests of compaction share.

use super::site::*;
use ipc::agent::Job;
use proto::envelope::Recipient;
use proto::id::SpoolId;
use spool::{Committed, Disk, Segments, Tuning};
use std::sync::Arc;
use std::time::Duration;

/// A writer whose segments are worth emptying.
pub(super) fn writer(site: &Site) -> Segments {
    let tuning = Tuning { reserve: 0, fill_step: 8 << 20, ..Tuning::default() };
    Segments::open(Arc::new(Disk::new(site.directory.path())), tuning).unwrap()
}

pub(super) fn dead(name: &str) -> Vec<Recipient> {
    vec![routed(&format!("{name}@dead.example"), "dead.example")]
}

/// Two messages wait for a dead host and one is delivered; their writer has ended, and what has gone before is old.
pub(super) fn sparse(site: &mut Site, agent: &mut Agent) -> [Committed; 3] {
    let mut writer = writer(site);
    let mut commit = |recipients| {
        let (committed, announced) = commit(&mut writer, recipients, START);
        site.hint(announced);
        committed
    };
    let all = [commit(dead("a")), commit(vec![routed("c@live.example", "live.example")]), commit(dead("b"))];
    drop(writer);
    attempt(site, agent);
    site.pass(60_000);
    site.settle();
    site.it().keeper.set_after(1_000);
    all
}

/// The two that wait, now in a segment of copies; the one that they lay in is gone.
pub(super) fn compacted(site: &mut Site) -> (Agent, [Committed; 2]) {
    let mut agent = site.agent();
    let [a, c, b] = sparse(site, &mut agent);
    until(site, &mut agent, "it is emptied", has_compacted);
    until(site, &mut agent, "it goes", segment_is_gone(c.place.segment));
    (agent, [a, b])
}

/// The files of the log.
pub(super) fn logs(site: &Site) -> Vec<std::path::PathBuf> {
    let directory = std::fs::read_dir(site.directory.path().join("logs")).unwrap();
    directory.map(|file| file.unwrap().path()).collect()
}

/// Everything that is handed out is tried once.
pub(super) fn attempt(site: &mut Site, agent: &mut Agent) {
    agent.hungry(10);
    for job in site.talk(agent) {
        let dead = job.host == "dead.example";
        for recipient in &job.recipients {
            agent.settle(&job, recipient.index, if dead { host_dead() } else { delivered() });
        }
    }
    site.talk(agent);
    site.settle();
}

/// Waits until a condition holds, while time passes.
pub(super) fn until(site: &mut Site, agent: &mut Agent, what: &str, condition: impl Fn(&mut Site) -> bool) {
    for _ in 0..1_000 {
        if condition(site) {
            return;
        }
        site.pass(20);
        site.talk(agent);
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("{what}: {}", site.journal());
}

pub(super) fn has_compacted(site: &mut Site) -> bool {
    site.it().keeper.compacted() > 0
}

pub(super) fn segment_is_gone(segment: SpoolId) -> impl Fn(&mut Site) -> bool {
    move |site| !site.directory.path().join(format!("segments/{segment}")).exists()
}

/// Turns until copies are under way, and waits until the keeper has made them; the scheduler has not heard of it.
pub(super) fn copied_and_unheard(site: &mut Site) {
    let before = site.segments();
    for _ in 0..2_000 {
        site.now.mono += 20;
        site.now.utc += 20;
        let now = site.now;
        let scheduler = site.it();
        scheduler.now = now;
        scheduler.turn().unwrap();
        if scheduler.keeper.is_copying() {
            while site.segments() == before {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_millis(100));
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("nothing is copied: {}", site.journal());
}

/// What is handed out within two hours, when everybody may be tried again; all of it is delivered.
pub(super) fn all_jobs(site: &mut Site, agent: &mut Agent) -> Vec<Job> {
    agent.hungry(10);
    let mut jobs = Vec::new();
    for _ in 0..120 {
        for job in site.talk(agent) {
            for recipient in &job.recipients {
                agent.settle(&job, recipient.index, delivered());
            }
            agent.hungry(1);
            jobs.push(job);
        }
        site.pass(60_000);
    }
    jobs
}

/// Waits until no segment is left.
pub(super) fn until_all_are_gone(site: &mut Site, agent: &mut Agent) {
    for _ in 0..1_000 {
        if site.segments() == 0 {
            return;
        }
        site.pass(30_000);
        site.talk(agent);
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("{} are left: {}", site.segments(), site.journal());
}

pub(super) fn ids(jobs: &[Job]) -> Vec<SpoolId> {
    let mut ids: Vec<SpoolId> = jobs.iter().map(|job| job.id).collect();
    ids.sort_unstable();
    ids
}
