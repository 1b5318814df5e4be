//! The transport agents: what they can take, what they have, which hosts they are warm for.

use super::action::{AgentId, JobId};
use super::admission::Channel;
use super::store::Key;
use super::thread::Thread;
use super::vertex::Vertex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A connected agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) channel: Key<Channel>,
    /// So many more jobs it can take.
    pub(super) credits: u32,
    pub(super) jobs: BTreeSet<JobId>,
    /// Threads of its own that wait for credits. An entry whose thread has gone elsewhere is skipped.
    pub(super) parked: VecDeque<Key<Thread>>,
    /// Whether the next credit goes to a parked thread before the ring.
    parked_first: bool,
    /// Hosts it talked to last, latest last.
    warm: VecDeque<Arc<str>>,
}

impl Agent {
    const fn new(channel: Key<Channel>) -> Self {
        Self {
            channel,
            credits: 0,
            jobs: BTreeSet::new(),
            parked: VecDeque::new(),
            parked_first: true,
            warm: VecDeque::new(),
        }
    }

    /// How many of so many new credits go to parked threads: every other one.
    pub(super) fn take_turns(&mut self, credits: u32) -> u32 {
        let parked = credits / 2 + u32::from(self.parked_first && credits % 2 == 1);
        self.parked_first ^= credits % 2 == 1;
        parked.min(u32::try_from(self.parked.len()).unwrap_or(u32::MAX))
    }

    /// Remembers that a connection to this host may stand open.
    pub(super) fn warm_up(&mut self, host: &Arc<str>) {
        if let Some(at) = self.warm.iter().position(|known| known == host) {
            self.warm.remove(at);
        } else if self.warm.len() >= WARM_HOSTS {
            self.warm.pop_front();
        }
        self.warm.push_back(Arc::clone(host));
    }

    pub(super) fn warm_for(&self, host: &str) -> bool {
        self.warm.iter().any(|known| **known == *host)
    }
}

/// A vertex in flight.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) agent: AgentId,
    pub(super) vertex: Key<Vertex>,
    /// The round of its thread in which it was handed out.
    pub(super) round: u32,
    /// Recipients without a disposition, ascending.
    pub(super) unsettled: Vec<u32>,
    /// Some recipient was deferred alone, so that the vertex waits on its own afterwards.
    pub(super) own: bool,
}

/// All agents.
#[derive(Debug, Default)]
pub(super) struct Agents {
    entries: BTreeMap<AgentId, Agent>,
}

impl Agents {
    /// The agent of that number, new if need be. An agent stays with the channel of its first word.
    pub(super) fn obtain(&mut self, id: AgentId, channel: Key<Channel>) -> (&mut Agent, bool) {
        let fresh = !self.entries.contains_key(&id);
        (self.entries.entry(id).or_insert_with(|| Agent::new(channel)), fresh)
    }

    pub(super) fn get(&self, id: AgentId) -> Option<&Agent> {
        self.entries.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: AgentId) -> Option<&mut Agent> {
        self.entries.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: AgentId) -> Option<Agent> {
        self.entries.remove(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The agent to begin a thread with: one that is warm for the host, otherwise the one with most credits.
    pub(super) fn choose(&self, candidates: &[AgentId], host: &str) -> Option<AgentId> {
        let hungry = candidates.iter().filter_map(|&id| self.get(id).map(|agent| (id, agent)));
        hungry
            .filter(|(_, agent)| agent.credits > 0)
            .max_by_key(|(id, agent)| (agent.warm_for(host), agent.credits, std::cmp::Reverse(*id)))
            .map(|(id, _)| id)
    }

    /// An agent with credits and with threads that wait for them.
    pub(super) fn relieved(&self, candidates: &[AgentId]) -> Option<AgentId> {
        let relieved =
            |id: &&AgentId| self.get(**id).is_some_and(|agent| agent.credits > 0 && !agent.parked.is_empty());
        candidates.iter().find(relieved).copied()
    }
}

/// How many hosts an agent is taken to be warm for.
const WARM_HOSTS: usize = 32;
