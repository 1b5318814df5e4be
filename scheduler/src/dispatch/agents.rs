//! The connected agents: their channels, the files they hold, the jobs in their hands.
//!
//! A file gets a new number each time it is given to an agent, so that a file on its way back is never confused with
//! one that was given again. A segment is not removed while an agent has it or owes the word that it has closed it.

use crate::queue::{AgentId, JobId};
use farm::channel::Channel;
use farm::profile::{self, Begun, Operation};
use ipc::agent::{FromAgent, ToAgent};
use ipc::supervisor::ChildNumber;
use proto::id::SpoolId;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// The channel to an agent.
pub(crate) type Link = Channel<ToAgent, FromAgent>;

/// Segments that an agent may keep; beyond that the one that it got first goes.
const FILES: usize = 512;

/// A file that agents read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKey {
    /// A segment.
    Segment(SpoolId),
    /// The content of one large message; given for one job only.
    Large(SpoolId),
}

/// Where an agent came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// We asked for it, and hear of its end.
    Spawned,
    /// It outlived an earlier scheduler.
    Survivor,
}

/// A connected agent.
#[derive(Debug)]
pub(crate) struct Agent {
    /// Its channel in the configuration.
    pub(crate) channel: String,
    pub(crate) child: ChildNumber,
    pub(crate) origin: Origin,
    pub(crate) link: Link,
    /// It was told to finish.
    pub(crate) draining: bool,
    /// Its channel has ended.
    pub(crate) ended: bool,
    /// What it said of itself: sessions, hosts.
    pub(crate) gauges: (u32, u32),
    files: BTreeMap<FileKey, u64>,
    /// Files that it was told to close.
    releasing: BTreeMap<u64, FileKey>,
}

/// A job in the hands of an agent.
#[derive(Debug)]
struct InFlight {
    agent: AgentId,
    left: usize,
    /// Recipients that were left out because they go where another one goes, after that one.
    twins: BTreeMap<u32, Vec<u32>>,
    /// The file that was given for this job alone.
    large: Option<FileKey>,
    begun: Begun,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    living: BTreeMap<AgentId, Agent>,
    jobs: BTreeMap<JobId, InFlight>,
    last: u64,
    last_file: u64,
    /// When the dispositions of this turn were heard; empty while nothing is profiled.
    heard: Vec<Begun>,
}

impl Agents {
    /// A channel to an agent is there; gives the agent's number.
    pub(crate) fn add(&mut self, channel: &str, child: ChildNumber, origin: Origin, link: Link) -> AgentId {
        self.last += 1;
        let agent = Agent {
            channel: channel.to_owned(),
            child,
            origin,
            link,
            draining: false,
            ended: false,
            gauges: (0, 0),
            files: BTreeMap::new(),
            releasing: BTreeMap::new(),
        };
        self.living.insert(AgentId(self.last), agent);
        AgentId(self.last)
    }

    /// Forgets an agent and what was in its hands; gives the agent and its jobs.
    pub(crate) fn remove(&mut self, id: AgentId) -> Option<(Agent, Vec<JobId>)> {
        let agent = self.living.remove(&id)?;
        let jobs: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| job.agent == id).map(|(&job, _)| job).collect();
        for job in &jobs {
            self.jobs.remove(job);
        }
        Some((agent, jobs))
    }

    /// One agent.
    pub(crate) fn get(&self, id: AgentId) -> Option<&Agent> {
        self.living.get(&id)
    }

    /// One agent.
    pub(crate) fn get_mut(&mut self, id: AgentId) -> Option<&mut Agent> {
        self.living.get_mut(&id)
    }

    /// The agent that is this child.
    pub(crate) fn of_child(&self, child: ChildNumber) -> Option<AgentId> {
        self.living.iter().find(|(_, agent)| agent.child == child).map(|(&id, _)| id)
    }

    /// All agents.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (AgentId, &Agent)> {
        self.living.iter().map(|(&id, agent)| (id, agent))
    }

    /// How many agents of a channel have a job.
    pub(crate) fn busy(&self, channel: &str) -> usize {
        let mut busy: Vec<AgentId> = self.jobs.values().map(|job| job.agent).collect();
        busy.sort_unstable();
        busy.dedup();
        busy.into_iter().filter(|id| self.get(*id).is_some_and(|agent| agent.channel == channel)).count()
    }

    /// Tells every agent to finish.
    pub(crate) fn drain(&mut self) {
        for agent in self.living.values_mut().filter(|agent| !agent.draining) {
            agent.say(&ToAgent::Drain);
            agent.draining = true;
        }
    }

    /// Writes to every agent what was collected in this turn.
    pub(crate) fn flush(&mut self) {
        for agent in self.living.values_mut().filter(|agent| !agent.ended && !agent.link.is_flushed()) {
            // Its end shows when it is read.
            let _ended = agent.link.flush();
        }
    }

    /// When [`Agents::flush`] is to be called again, monotonic milliseconds; `None` if every channel took everything.
    pub(crate) fn next_flush(&self, now: u64) -> Option<u64> {
        self.living.values().filter(|agent| !agent.ended).filter_map(|agent| agent.link.next_flush(now)).min()
    }

    /// The number under which the agent knows the file, after giving it the file if it does not.
    ///
    /// # Errors
    /// No descriptor can be had.
    pub(super) fn give(
        &mut self,
        id: AgentId,
        key: FileKey,
        descriptor: impl FnOnce() -> std::io::Result<OwnedFd>,
    ) -> std::io::Result<u64> {
        let Some(agent) = self.living.get_mut(&id) else { return Ok(0) };
        if let Some(&number) = agent.files.get(&key) {
            return Ok(number);
        }
        let descriptor = descriptor()?;
        self.last_file += 1;
        if agent.files.len() >= FILES
            && let Some(oldest) = agent.files.iter().min_by_key(|(_, number)| **number).map(|(&key, _)| key)
        {
            agent.release(oldest);
        }
        agent.files.insert(key, self.last_file);
        // Its end shows when it is read.
        let _ended = agent.link.send_with(&ToAgent::File { file: self.last_file }, descriptor);
        Ok(self.last_file)
    }

    /// A job was handed out for so many recipients, `twins` included: those that were left out, after whom they follow.
    pub(super) fn took(
        &mut self,
        agent: AgentId,
        job: JobId,
        (recipients, twins): (usize, BTreeMap<u32, Vec<u32>>),
        key: FileKey,
    ) {
        let large = matches!(key, FileKey::Large(_)).then_some(key);
        let begun = profile::begin();
        self.jobs.insert(job, InFlight { agent, left: recipients, twins, large, begun });
    }

    /// The recipients that follow this one.
    pub(super) fn twins(&mut self, job: JobId, index: u32) -> Vec<u32> {
        self.jobs.get_mut(&job).and_then(|job| job.twins.remove(&index)).unwrap_or_default()
    }

    /// One recipient of a job was settled; at the last one its file goes back if it was given for it alone.
    pub(super) fn settled(&mut self, job: JobId) {
        let Some(in_flight) = self.jobs.get_mut(&job) else { return };
        in_flight.left = in_flight.left.saturating_sub(1);
        if in_flight.left > 0 {
            return;
        }
        let Some(job) = self.jobs.remove(&job) else { return };
        job.begun.end(Operation::Job);
        if let Some(key) = job.large
            && !self.jobs.values().any(|other| other.agent == job.agent && other.large == Some(key))
            && let Some(agent) = self.living.get_mut(&job.agent)
        {
            agent.release(key);
        }
    }

    /// A disposition was heard.
    pub(super) fn unwritten(&mut self, begun: Begun) {
        if begun.is_counted() {
            self.heard.push(begun);
        }
    }

    /// What was heard is in the log.
    pub(crate) fn written(&mut self) {
        self.heard.drain(..).for_each(|begun| begun.end(Operation::Disposition));
    }

    /// Asks every agent to close a segment.
    pub(crate) fn release(&mut self, segment: SpoolId) {
        for agent in self.living.values_mut() {
            agent.release(FileKey::Segment(segment));
        }
    }

    /// Some agent has the segment, or has not said yet that it has closed it.
    pub(crate) fn hold(&self, segment: SpoolId) -> bool {
        let key = FileKey::Segment(segment);
        let holds = |agent: &Agent| {
            agent.files.contains_key(&key) || agent.releasing.values().any(|other| *other == key)
        };
        self.living.values().any(holds)
    }
}

impl Agent {
    /// Collects a word for it.
    pub(super) fn say(&mut self, message: &ToAgent) {
        // Its end shows when it is read.
        let _ended = self.link.send(message);
    }

    fn release(&mut self, key: FileKey) {
        if let Some(number) = self.files.remove(&key) {
            self.releasing.insert(number, key);
            self.say(&ToAgent::Release { file: number });
        }
    }

    /// It has closed a file.
    pub(super) fn released(&mut self, number: u64) {
        self.releasing.remove(&number);
    }
}
