//! The invariants of the queue, checked from scratch. For tests: it looks at everything.

use super::admission::Channel;
use super::agenda::Item;
use super::state::Queue;
use super::store::Key;
use super::thread::{Queued, Tap, Thread};
use super::vertex::{Step, Vertex};
use std::collections::BTreeSet;

/// An invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("queue invariant broken: {0}")]
pub struct Broken(&'static str);

impl Queue {
    /// Checks all that must always hold, in O(n).
    ///
    /// # Errors
    /// [`Broken`] names the first invariant that does not hold.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        self.check_messages()?;
        self.check_jobs()?;
        for (key, thread) in self.threads.iter() {
            self.check_thread(key, thread)?;
        }
        for channel in self.channels.keys() {
            self.check_channel(channel)?;
        }
        self.check_agenda()
    }

    fn check_messages(&self) -> Result<(), Broken> {
        let counters = &self.counters;
        let sum = counters.delivered + counters.failed + counters.removed + counters.waiting;
        holds(counters.accepted == sum, "accepted = delivered + failed + removed + waiting")?;
        let open: u64 = self.messages.iter().map(|(_, message)| u64::from(message.open)).sum();
        holds(open == counters.waiting, "the open recipients of all messages are those that wait")?;
        holds(self.ids.len() == self.messages.len(), "every message is in the index")?;
        let mut lists = 0;
        let mut vertices = 0;
        for (key, message) in self.messages.iter() {
            let chain = self.vertices_of(key);
            vertices += chain.len();
            let sum: u32 =
                chain.iter().map(|&key| self.recipients.count(self.vertices[key].recipients)).sum();
            holds(sum == message.open, "a message counts its open recipients")?;
            let busy = |key: &&Key<Vertex>| {
                let vertex = &self.vertices[**key];
                vertex.attempts == 0 || vertex.step == Step::InFlight
            };
            holds(
                chain.iter().filter(busy).count() == message.busy as usize,
                "a message counts what is busy",
            )?;
            let many = |key: &&Key<Vertex>| self.recipients.count(self.vertices[**key].recipients) > 1;
            lists += chain.iter().filter(many).count();
            let done = chain.is_empty() && !self.growing.contains(&key);
            holds(!done, "a message without vertices is finished")?;
        }
        holds(vertices == self.vertices.len(), "every vertex belongs to a message")?;
        holds(lists == self.recipients.len(), "every recipient list belongs to a vertex")
    }

    fn check_jobs(&self) -> Result<(), Broken> {
        let distinct: BTreeSet<_> = self.jobs.values().map(|job| job.vertex).collect();
        holds(distinct.len() == self.jobs.len(), "no vertex is in flight twice")?;
        for (id, job) in &self.jobs {
            let vertex = &self.vertices[job.vertex];
            holds(vertex.step == Step::InFlight, "the vertex of a job is in flight")?;
            holds(self.threads[vertex.thread].agent == Some(job.agent), "a thread has one agent")?;
            let agent = self.agents.get(job.agent);
            holds(agent.is_some_and(|agent| agent.jobs.contains(id)), "an agent knows its jobs")?;
        }
        let flying = self.vertices.iter().filter(|(_, vertex)| vertex.step == Step::InFlight).count();
        holds(flying == self.jobs.len(), "every vertex in flight has a job")
    }

    fn check_thread(&self, key: Key<Thread>, thread: &Thread) -> Result<(), Broken> {
        for (list, step) in [(&thread.ready, Step::Ready), (&thread.own, Step::Own)] {
            let chain: Vec<_> = self.chain(list.head).collect();
            holds(chain.len() == list.length as usize, "a list knows its length")?;
            holds(chain.last().copied() == list.tail, "a list knows its tail")?;
            let ranks: Vec<i8> = chain.iter().map(|&vertex| self.priority(vertex)).collect();
            let sorted = step != Step::Ready || ranks.is_sorted_by(|a, b| a >= b);
            holds(sorted, "higher priorities stand in front")?;
            for vertex in chain {
                let vertex = &self.vertices[vertex];
                holds(vertex.thread == key && vertex.step == step, "a vertex is in the list of its step")?;
            }
        }
        let mine = self.jobs.values().filter(|job| self.vertices[job.vertex].thread == key).count();
        holds(mine == thread.in_flight as usize, "a thread counts its jobs")?;
        holds(thread.agent.is_some() == (thread.in_flight > 0), "a thread has an agent while it has jobs")?;
        let waits = thread.tap == Tap::Shut;
        holds(
            waits == self.agenda.contains(thread.retry_at, Item::Thread(key)),
            "a shut thread is on the agenda",
        )?;
        holds((thread.tap == Tap::Open) == (thread.attempts == 0), "an open thread has no failures")?;
        holds(thread.reason.is_none() || thread.attempts > 0, "an open thread has no reason to wait")?;
        holds(!thread.empty() || thread.queued != Queued::No, "an empty thread is forgotten")?;
        let limit = self.channels.groups[thread.group].policy.jobs_per_host;
        holds(!thread.eligible(limit) || thread.queued != Queued::No, "who may go is queued")?;
        self.check_queued(key, thread)
    }

    fn check_queued(&self, key: Key<Thread>, thread: &Thread) -> Result<(), Broken> {
        let ring = self.channels.at(thread.channel).ring.iter();
        let places = ring.filter(|&(other, stamp)| other == key && thread.stands(stamp)).count();
        holds(places == usize::from(thread.queued == Queued::Ring), "a thread is in the ring once")?;
        let blocked = &self.channels.groups[thread.group].blocked;
        let blocked = blocked.iter().filter(|&&other| other == key).count();
        holds(blocked == usize::from(thread.queued == Queued::Blocked), "a thread is blocked once")?;
        if let Queued::Parked(agent) = thread.queued {
            let agent = self.agents.get(agent);
            holds(
                agent.is_some_and(|agent| agent.parked.contains(&key)),
                "a parked thread is with its agent",
            )?;
            holds(thread.in_flight > 0, "a parked thread has jobs")?;
        }
        Ok(())
    }

    fn check_channel(&self, key: Key<Channel>) -> Result<(), Broken> {
        let channel = self.channels.at(key);
        let threads = self.threads.iter().filter(|(_, thread)| thread.channel == key);
        let flying: u32 = threads.map(|(_, thread)| thread.in_flight).sum();
        holds(flying == channel.in_flight, "a channel counts its jobs")?;
        let idle = self.now < self.start || self.total_full() || channel.full();
        if !idle {
            let hungry = |id: &super::AgentId| self.agents.get(*id).is_some_and(|agent| agent.credits > 0);
            let hungry = channel.agents.iter().any(hungry);
            let stands = |(key, stamp)| self.threads.find(key).is_some_and(|thread| thread.stands(stamp));
            let empty = !channel.ring.iter().any(stands);
            holds(empty || !hungry, "nobody waits in the ring beside a hungry agent")?;
            let relieved = empty && self.agents.relieved(&channel.agents).is_some();
            let lonely = relieved || empty && self.channels.relieved(key).is_some();
            holds(!lonely, "nobody waits for a wake-up that was due")?;
        }
        Ok(())
    }

    fn check_agenda(&self) -> Result<(), Broken> {
        let mut expected = self.pending.len() + usize::from(self.agenda.contains(self.start, Item::Start));
        for (&key, pending) in &self.pending {
            holds(self.agenda.contains(pending.due, Item::Notice(key)), "a notice is on the agenda")?;
        }
        for (key, special, due) in self.specials.iter() {
            let until = special.hold_until.filter(|_| self.messages[key].hold == Some(super::Hold::Until));
            holds(until.is_none() || due.is_some(), "who is held until a time is on the agenda")?;
            if let Some(due) = due {
                holds(self.agenda.contains(due, Item::Special(key)), "what the sender set is on the agenda")?;
                expected += 1;
            }
        }
        let mut own = self.vertices.iter().filter(|(_, vertex)| vertex.step == Step::Own);
        let alarmed = own.all(|(key, vertex)| self.alarms.holds(vertex.due, key));
        holds(alarmed, "a vertex that waits on its own has an alarm")?;
        expected += self.threads.iter().filter(|(_, thread)| thread.tap == Tap::Shut).count();
        holds(self.agenda.len() == expected, "nothing else is on the agenda")
    }
}

fn holds(condition: bool, what: &'static str) -> Result<(), Broken> {
    if condition { Ok(()) } else { Err(Broken(what)) }
}
