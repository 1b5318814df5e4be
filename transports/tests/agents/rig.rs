//! An agent in a thread, and everybody it talks to.

use farm::channel::Channel;
use farm::clock;
use farm::config::{self, Common, Paths, defaults};
use farm::event_loop::EventLoop;
use farm::exit::Fatal;
use farm::journal::Journal;
use ipc::agent::{FromAgent, Job, JobRecipient, ToAgent};
use ipc::resolve::{Query, Reply, Resolved};
use ipc::supervisor::{FromChild, ToChild};
use proto::address::ReversePath;
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use transports::agent::{Agent, Dial, Parts, Settings, Transport};

/// The scheduler's end of the channel.
pub(crate) type Owner = Channel<ToAgent, FromAgent>;

/// An agent and those around it.
pub(crate) struct Rig {
    pub(crate) owner: Option<Owner>,
    supervisor: Option<Channel<ToChild, FromChild>>,
    calls: Receiver<UnixStream>,
    thread: Option<JoinHandle<Result<(), Fatal>>>,
    last: u64,
}

/// What came from the agent so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) settled: BTreeMap<(u64, u32), Disposition>,
    /// The jobs of those, in the order in which the agent told.
    pub(crate) order: Vec<u64>,
    pub(crate) late: Vec<(SpoolId, u32, Outcome)>,
    pub(crate) credits: u32,
    pub(crate) hungry_after: Option<usize>,
    pub(crate) warm: Vec<String>,
    pub(crate) released: Vec<u64>,
    pub(crate) gauges: Vec<(u32, u32)>,
    pub(crate) ended: bool,
}

/// The settings of a channel, to be changed.
pub(crate) fn settings(channel: &str) -> Settings {
    let paths = Paths { etc: "/x".into(), spool: "/x".into(), run: "/x".into(), libexec: "/x".into() };
    let mut config: config::Config = defaults(&paths, "us.example");
    let common = Common { user: "root".into(), ..config.common };
    let mut channel = config.channels.remove(channel).unwrap();
    channel.connect_timeout = 2_000;
    Settings { common, channel }
}

/// A resolver that answers from a table, in a thread for each call.
pub(crate) fn resolver(table: HashMap<String, Resolved>) -> impl Fn() -> Dial<Query, Reply> + Send + 'static {
    move || {
        let table = table.clone();
        Box::new(move || {
            let (here, there) = UnixStream::pair()?;
            let table = table.clone();
            std::thread::spawn(move || answer(Channel::new(there).unwrap(), &table));
            Ok(Channel::new(here)?)
        })
    }
}

fn answer(mut channel: Channel<Reply, Query>, table: &HashMap<String, Resolved>) {
    loop {
        let Ok(batch) = channel.receive_waiting() else { return };
        for received in batch.messages {
            let query = received.message;
            let (ipc::resolve::Ask::Exchangers(name) | ipc::resolve::Ask::Addresses(name)) = query.ask else {
                unreachable!("nobody here asks for anything else")
            };
            let result = table.get(&name).cloned().unwrap_or(Resolved::NotFound { why: "NXDOMAIN".into() });
            channel.send(&Reply { ticket: query.ticket, result }).unwrap();
        }
        if channel.flush().is_err() || batch.ended {
            return;
        }
    }
}

impl Rig {
    /// Starts an agent; `build` runs in its thread.
    pub(crate) fn start<T: Transport>(build: impl FnOnce() -> T + Send + 'static) -> Self {
        let (own_supervisor, supervisor) = UnixStream::pair().unwrap();
        let (own_scheduler, scheduler) = UnixStream::pair().unwrap();
        let (calling, calls) = channel();
        let thread = std::thread::spawn(move || {
            let dial: Dial<FromAgent, ToAgent> = Box::new(move || {
                let (here, there) = UnixStream::pair()?;
                calling.send(there).map_err(|_| std::io::Error::other("nobody answers"))?;
                Ok(Channel::new(here)?)
            });
            let parts = Parts {
                role: "smtp".into(),
                transport: build(),
                supervisor: Channel::new(own_supervisor).unwrap(),
                scheduler: Channel::new(own_scheduler).unwrap(),
                dial,
                event_loop: EventLoop::new().unwrap(),
                journal: Journal::stderr("test"),
            };
            Agent::new(parts)?.serve()
        });
        Self {
            owner: Some(Channel::new(scheduler).unwrap()),
            supervisor: Some(Channel::new(supervisor).unwrap()),
            calls,
            thread: Some(thread),
            last: 0,
        }
    }

    /// A file with this content, and its number.
    pub(crate) fn file(&mut self, content: &[u8]) -> u64 {
        self.last += 1;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let owner = self.owner.as_mut().unwrap();
        owner.send_with(&ToAgent::File { file: self.last }, file.into()).unwrap();
        self.last
    }

    /// Hands out a job with one content for these recipients; gives its number.
    pub(crate) fn job(&mut self, host: &str, content: &[u8], recipients: &[&str]) -> u64 {
        let file = self.file(content);
        self.job_in(file, host, content, recipients)
    }

    /// As [`Rig::job`], in a file that was given before.
    pub(crate) fn job_in(&mut self, file: u64, host: &str, content: &[u8], recipients: &[&str]) -> u64 {
        self.hand_out(file, host, content, recipients, |_| {})
    }

    /// As [`Rig::job`], with changes.
    pub(crate) fn job_with(
        &mut self,
        host: &str,
        content: &[u8],
        recipients: &[&str],
        change: impl FnOnce(&mut Job),
    ) -> u64 {
        let file = self.file(content);
        self.hand_out(file, host, content, recipients, change)
    }

    fn hand_out(
        &mut self,
        file: u64,
        host: &str,
        content: &[u8],
        recipients: &[&str],
        change: impl FnOnce(&mut Job),
    ) -> u64 {
        self.last += 1;
        let recipient = |(index, address): (usize, &&str)| JobRecipient {
            index: u32::try_from(index).unwrap(),
            address: address.parse().unwrap(),
            user: address.split('@').next().unwrap().into(),
            terms: proto::terms::RecipientTerms::default(),
        };
        let mut job = Job {
            job: self.last,
            id: id(self.last),
            received: clock::utc_milliseconds(),
            from: ReversePath::Null,
            host: host.into(),
            shape: proto::message::shape_of(content),
            terms: proto::terms::Terms::default(),
            file,
            record: None,
            offset: 0,
            length: u64::try_from(content.len()).unwrap(),
            checksum: None,
            recipients: recipients.iter().enumerate().map(recipient).collect(),
        };
        change(&mut job);
        let owner = self.owner.as_mut().unwrap();
        owner.send(&ToAgent::Job(job)).unwrap();
        owner.flush().unwrap();
        self.last
    }

    pub(crate) fn tell(&mut self, message: &ToAgent) {
        let owner = self.owner.as_mut().unwrap();
        owner.send(message).unwrap();
        owner.flush().unwrap();
    }

    pub(crate) fn supervise(&mut self, message: &ToChild) {
        let supervisor = self.supervisor.as_mut().unwrap();
        supervisor.send(message).unwrap();
        supervisor.flush().unwrap();
    }

    /// The supervisor dies.
    pub(crate) fn kill_supervisor(&mut self) {
        self.supervisor = None;
    }

    /// Listens until `done`, ten seconds at most.
    pub(crate) fn hear(&mut self, done: impl Fn(&Heard) -> bool) -> Heard {
        let mut heard = Heard::default();
        self.hear_more(&mut heard, done);
        heard
    }

    /// As [`Rig::hear`], adding to what was heard.
    pub(crate) fn hear_more(&mut self, heard: &mut Heard, done: impl Fn(&Heard) -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !done(heard) {
            assert!(Instant::now() < until, "still waiting, having {heard:?}");
            let owner = self.owner.as_mut().unwrap();
            // What the agent did not take at once.
            let _its_end_is_heard = owner.flush();
            let batch = owner.receive().unwrap();
            heard.ended |= batch.ended;
            batch.messages.into_iter().for_each(|received| heard.note(received.message));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The scheduler dies.
    pub(crate) fn kill_scheduler(&mut self) {
        self.owner = None;
    }

    /// The next scheduler answers the agent's call.
    pub(crate) fn answer_call(&mut self) {
        let stream = self.calls.recv_timeout(Duration::from_secs(5)).unwrap();
        self.owner = Some(Channel::new(stream).unwrap());
    }

    /// The supervisor says drain; what the agent's program ended with.
    pub(crate) fn drain(mut self) -> Result<(), Fatal> {
        self.supervise(&ToChild::Drain);
        self.wait()
    }

    /// Waits for the end of the agent's program.
    pub(crate) fn wait(&mut self) -> Result<(), Fatal> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Heard {
    fn note(&mut self, message: FromAgent) {
        match message {
            FromAgent::Settled { job, index, disposition } => {
                assert!(self.settled.insert((job, index), disposition).is_none(), "settled twice");
                self.order.push(job);
            }
            FromAgent::Late { id, index, disposition } => self.late.push((id, index, disposition.outcome)),
            FromAgent::Hungry { credits, warm } => {
                self.hungry_after.get_or_insert(self.late.len());
                self.credits += credits;
                self.warm = warm;
            }
            FromAgent::Released { file } => self.released.push(file),
            FromAgent::Gauges { sessions, hosts } => self.gauges.push((sessions, hosts)),
        }
    }

    /// The outcome and the status of a recipient.
    pub(crate) fn fate(&self, job: u64, index: u32) -> (Outcome, String) {
        let disposition = &self.settled[&(job, index)];
        (disposition.outcome, disposition.status.to_string())
    }
}

/// The id of a job's message.
pub(crate) fn id(job: u64) -> SpoolId {
    SpoolId::new(job, 1, 1, 1)
}
