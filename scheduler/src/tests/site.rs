//! A spool, a scheduler on it that can be restarted, another writer, and an agent that is played.

use crate::dispatch::{Link, Origin};
use crate::intake::Parts;
use crate::log::Replay;
use crate::queue::{AgentId, ChannelPolicy, Policy};
use crate::state::Scheduler;
use farm::channel::Channel;
use farm::clock::Moment;
use farm::hints::Hints;
use farm::journal::Journal;
use ipc::agent::{FromAgent, Job, ToAgent};
use ipc::hint::Hint;
use proto::disposition::{Disposition, Outcome};
use proto::envelope::{Envelope, Origin as From, Recipient, Route};
use proto::message::shape_of;
use proto::status::Status;
use proto::terms::Terms;
use spool::{Announced, Committed, Disk, Draft, Kind, Segments, Spool, Tuning, prepare};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) const CONTENT: &[u8] = b"Subject: x\r\n\r\nhello\r\n";

/// The time at which every test begins.
pub(super) const START: u64 = 1_764_000_000_000;

pub(super) struct Site {
    pub(super) directory: tempfile::TempDir,
    pub(super) scheduler: Option<Scheduler>,
    pub(super) router: UnixDatagram,
    pub(super) now: Moment,
}

impl Site {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        prepare(&Disk::new(directory.path())).unwrap();
        let router = UnixDatagram::bind(directory.path().join("router.notify")).unwrap();
        router.set_nonblocking(true).unwrap();
        let now = Moment { mono: 1_000, utc: START };
        let mut site = Self { directory, scheduler: None, router, now };
        site.start();
        site
    }

    pub(super) fn start(&mut self) {
        let mut spool = open(self.directory.path());
        let mut replay = Replay::default();
        let log = spool.open_log_with("scheduler", self.now.utc, &mut |line| replay.hear(line)).unwrap();
        let parts = Parts {
            hostname: "mail.example.org".into(),
            spool,
            log,
            replay,
            policy: self.policy(),
            router_hints: Hints::to(&self.directory.path().join("router.notify")).unwrap(),
            journal: Journal::file("scheduler", &self.directory.path().join("journal")),
            now: self.now,
        };
        self.scheduler = Some(Scheduler::restore(parts).unwrap());
        self.turn();
    }

    pub(super) fn policy(&self) -> Policy {
        Policy { channels: vec![ChannelPolicy::named("smtp")], ..Policy::default() }
    }

    /// Ends the scheduler without any farewell: what was not written is lost.
    pub(super) fn kill(&mut self) {
        self.scheduler = None;
    }

    pub(super) fn restart(&mut self) {
        self.settle();
        self.kill();
        self.start();
    }

    pub(super) fn it(&mut self) -> &mut Scheduler {
        self.scheduler.as_mut().unwrap()
    }

    /// One turn, and more while there is something to do.
    pub(super) fn turn(&mut self) {
        let now = self.now;
        let scheduler = self.it();
        scheduler.now = now;
        while scheduler.turn().unwrap() {}
    }

    /// Time passes.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now.mono += milliseconds;
        self.now.utc += milliseconds;
        self.turn();
    }

    /// Turns until the log is durable and no notice is on its way.
    pub(super) fn settle(&mut self) {
        for _ in 0..500 {
            self.pass(20);
            let scheduler = self.it();
            let mark = scheduler.ledger.mark();
            let idle = scheduler.notices.decided().next().is_none() && scheduler.keeper.is_idle();
            if idle && scheduler.ledger.is_durable(mark) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("the log does not become durable");
    }

    pub(super) fn hint(&mut self, announced: Announced) {
        let hint = Hint { segment: announced.segment, from: announced.from, to: announced.to };
        self.it().hint(hint.encode().as_bytes());
        self.turn();
    }

    /// An agent connects.
    pub(super) fn agent(&mut self) -> Agent {
        let (here, there) = UnixStream::pair().unwrap();
        let link = Link::new(here).unwrap();
        let id = self.it().agents.add("smtp", 7, Origin::Spawned, link);
        Agent { id, link: Channel::new(there).unwrap(), files: BTreeMap::new(), released: Vec::new() }
    }

    /// Lets the scheduler hear what an agent has said, and the agent what follows.
    pub(super) fn talk(&mut self, agent: &mut Agent) -> Vec<Job> {
        agent.link.flush().unwrap();
        self.it().hear(agent.id);
        self.turn();
        agent.listen()
    }

    pub(super) fn journal(&mut self) -> String {
        let utc = self.now.utc;
        self.it().journal.flush(utc);
        std::fs::read_to_string(self.directory.path().join("journal")).unwrap_or_default()
    }

    pub(super) fn segments(&mut self) -> usize {
        std::fs::read_dir(self.directory.path().join("segments")).unwrap().count()
    }
}

/// The spool as one process opens it.
pub(super) fn open(root: &Path) -> Segments {
    Segments::open(Arc::new(Disk::new(root)), Tuning { reserve: 0, fill_step: 64 << 10, ..Tuning::default() })
        .unwrap()
}

pub(super) fn routed(address: &str, host: &str) -> Recipient {
    let route = Route { channel: "smtp".into(), host: host.into(), user: address.into() };
    Recipient::new(address.parse().unwrap(), Some(route))
}

pub(super) fn unrouted(address: &str) -> Recipient {
    Recipient { route: None, ..routed(address, "") }
}

/// Commits one message as another process would.
pub(super) fn commit(spool: &mut Segments, recipients: Vec<Recipient>, now: u64) -> (Committed, Announced) {
    commit_as(spool, None, recipients, now)
}

/// Commits one message for which something was asked.
pub(super) fn commit_with(
    spool: &mut Segments,
    terms: Terms,
    recipients: Vec<Recipient>,
    now: u64,
) -> (Committed, Announced) {
    let draft = spool.create(now).unwrap();
    commit_draft(spool, draft, (terms, CONTENT), recipients, now)
}

/// Commits one record; for an expansion `of` names the message and what part this is.
pub(super) fn commit_as(
    spool: &mut Segments,
    of: Option<(proto::id::SpoolId, spool::Expansion)>,
    recipients: Vec<Recipient>,
    now: u64,
) -> (Committed, Announced) {
    match of {
        None => commit_with(spool, Terms::default(), recipients, now),
        Some((id, part)) => {
            let mut draft = spool.create_as(id, now).unwrap();
            draft.set_kind(Kind::Expansion(part));
            commit_draft(spool, draft, (Terms::default(), b""), recipients, now)
        }
    }
}

pub(super) fn commit_draft(
    spool: &mut Segments,
    mut draft: Draft,
    (terms, content): (Terms, &[u8]),
    recipients: Vec<Recipient>,
    now: u64,
) -> (Committed, Announced) {
    draft.append(content).unwrap();
    let envelope = Envelope {
        from: "<sender@example.org>".parse().unwrap(),
        recipients,
        received: now,
        origin: From::default(),
        shape: shape_of(if content.is_empty() { CONTENT } else { content }),
        terms,
    };
    spool.commit(draft, &envelope, now).unwrap();
    spool.close_batch(now);
    let completion = spool.completions().pop().unwrap();
    (*completion.committed().next().unwrap(), completion.announced.unwrap())
}

/// A played agent.
pub(super) struct Agent {
    pub(super) id: AgentId,
    pub(super) link: Channel<FromAgent, ToAgent>,
    pub(super) files: BTreeMap<u64, File>,
    pub(super) released: Vec<u64>,
}

impl Agent {
    pub(super) fn say(&mut self, message: &FromAgent) {
        self.link.send(message).unwrap();
    }

    pub(super) fn hungry(&mut self, credits: u32) {
        self.say(&FromAgent::Hungry { credits, warm: Vec::new() });
    }

    pub(super) fn settle(&mut self, job: &Job, index: u32, disposition: Disposition) {
        self.say(&FromAgent::Settled { job: job.job, index, disposition });
    }

    fn listen(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for received in self.link.receive().unwrap().messages {
            match received.message {
                ToAgent::File { file } => {
                    self.files.insert(file, File::from(received.descriptor.unwrap()));
                }
                ToAgent::Release { file } => {
                    self.files.remove(&file).unwrap();
                    self.released.push(file);
                    self.say(&FromAgent::Released { file });
                }
                ToAgent::Job(job) => jobs.push(job),
                ToAgent::Reload(_) | ToAgent::Drain => {}
            }
        }
        jobs
    }

    /// The content that a job names.
    pub(super) fn content(&self, job: &Job) -> Vec<u8> {
        let mut content = vec![0; usize::try_from(job.length).unwrap()];
        self.files[&job.file].read_exact_at(&mut content, job.offset).unwrap();
        content
    }
}

pub(super) fn delivered() -> Disposition {
    Disposition::local(Outcome::Delivered, Status::OK, "250 2.0.0 Ok")
}

pub(super) fn host_dead() -> Disposition {
    Disposition::local(Outcome::HostDeferred, Status::transient(4, 1), "connection refused")
}

pub(super) fn deferred() -> Disposition {
    Disposition::local(Outcome::Deferred, Status::transient(2, 0), "450 4.2.0 greylisted")
}

pub(super) fn refused() -> Disposition {
    Disposition {
        remote: "mx.example.net[192.0.2.1]".into(),
        ..Disposition::local(Outcome::Failed, Status::permanent(1, 1), "550 5.1.1 no such user")
    }
}
