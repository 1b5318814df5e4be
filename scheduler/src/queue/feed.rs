//! Who goes next: threads in turn, to agents with credits, within the limits.
//!
//! A thread stands in at most one of three places: the ring of its channel, parked with its agent (which has no credits
//! left), blocked with its group (which is at its limit). A thread with something in flight is fed to that agent only; so
//! that neither those with an agent nor those without one starve, an agent's credits go in turn to the first thread
//! parked with it and to the ring.

use super::action::{Action, Feed};
use super::admission::Channel;
use super::agents::Job;
use super::state::{End, Queue};
use super::store::Key;
use super::thread::{Queued, Tap, Thread};
use super::vertex::{Step, Vertex};
use super::{AgentId, JobId};

impl Queue {
    /// An agent can take `credits` more jobs. `warm` names hosts to which it has connections open.
    pub fn hungry(&mut self, agent: AgentId, channel: &str, credits: u32, warm: &[String], now: u64) {
        self.advance(now);
        let channel = self.channels.obtain(channel);
        let (entry, fresh) = self.agents.obtain(agent, channel);
        let channel = entry.channel;
        let channel = self.channels.at_mut(channel);
        if fresh {
            channel.agents.push(agent);
            channel.wanted = channel.wanted.max(u32::try_from(channel.agents.len()).unwrap_or(u32::MAX));
        } else if !channel.agents.contains(&agent) {
            return;
        }
        entry.credits = entry.credits.saturating_add(credits);
        for host in warm {
            entry.warm_up(&host.as_str().into());
        }
        let parked = entry.take_turns(credits);
        for _ in 0..parked {
            self.unpark(agent, End::Front);
        }
        self.pump();
    }

    /// An agent takes no more jobs: it finishes what it has and goes. Whatever it says now, it is not fed.
    pub fn retire(&mut self, agent: AgentId, now: u64) {
        self.advance(now);
        let Some(entry) = self.agents.get_mut(agent) else { return };
        entry.credits = 0;
        let channel = self.channels.at_mut(entry.channel);
        channel.agents.retain(|&other| other != agent);
        channel.wanted = u32::try_from(channel.agents.len()).unwrap_or(u32::MAX);
        self.pump();
    }

    /// Gives a thread its place in the ring if it may go and stands nowhere yet.
    pub(super) fn offer(&mut self, key: Key<Thread>) {
        let thread = &self.threads[key];
        let higher = || thread.queued == Queued::Ring && self.lane(thread) > thread.lane;
        if (thread.queued == Queued::No || higher()) && self.may_go(thread) {
            self.enter_ring(key, End::Back);
        }
    }

    fn may_go(&self, thread: &Thread) -> bool {
        thread.eligible(self.channels.groups[thread.group].policy.jobs_per_host)
    }

    /// The lane for a thread: the priority of what goes next.
    fn lane(&self, thread: &Thread) -> i8 {
        thread.ready.head.map_or(0, |vertex| self.priority(vertex))
    }

    fn enter_ring(&mut self, key: Key<Thread>, end: End) {
        let lane = self.lane(&self.threads[key]);
        let thread = &mut self.threads[key];
        let stamp = self.channels.at_mut(thread.channel).ring.push(lane, key, end);
        (thread.queued, thread.lane, thread.stamp) = (Queued::Ring, lane, stamp);
    }

    /// Gives a thread that has just left the ring its place back.
    fn stay_in_ring(&mut self, key: Key<Thread>) {
        let lane = self.lane(&self.threads[key]);
        let thread = &mut self.threads[key];
        self.channels.at_mut(thread.channel).ring.put_back(lane, (key, thread.stamp));
        (thread.queued, thread.lane) = (Queued::Ring, lane);
    }

    /// Takes the next thread off the ring.
    fn leave_ring(&mut self, channel: Key<Channel>) -> Option<Key<Thread>> {
        while let Some((key, stamp)) = self.channels.at_mut(channel).ring.pop() {
            if self.threads.find(key).is_some_and(|thread| thread.stands(stamp)) {
                self.threads[key].queued = Queued::No;
                return Some(key);
            }
        }
        None
    }

    /// Brings one thread that waits for this agent back to the ring.
    fn unpark(&mut self, agent: AgentId, end: End) {
        let Some(entry) = self.agents.get_mut(agent) else { return };
        while let Some(key) = entry.parked.pop_front() {
            if self.threads.find(key).is_some_and(|thread| thread.queued == Queued::Parked(agent)) {
                return self.enter_ring(key, end);
            }
        }
    }

    /// Hands out all that may go, one job per channel in turn.
    pub(super) fn pump(&mut self) {
        if self.now < self.start {
            return;
        }
        let channels = self.channels.keys();
        loop {
            let mut served = false;
            for _ in 0..channels.len() {
                if self.total_full() {
                    return;
                }
                self.turn = (self.turn + 1) % channels.len();
                served |= channels.get(self.turn).is_some_and(|&channel| self.serve_one(channel));
            }
            if !served {
                return;
            }
        }
    }

    /// Gives one thread of a channel its turn. False if there is none, or nobody to serve it.
    fn serve_one(&mut self, channel: Key<Channel>) -> bool {
        !self.channels.at(channel).full()
            && self.next_thread(channel).is_some_and(|thread| self.serve(channel, thread))
    }

    pub(super) fn total_full(&self) -> bool {
        self.jobs.len() >= self.policy.jobs as usize
    }

    /// Takes the next thread off the ring, or one whose agent or group has room again.
    fn next_thread(&mut self, channel: Key<Channel>) -> Option<Key<Thread>> {
        loop {
            if let Some(key) = self.leave_ring(channel) {
                return Some(key);
            }
            if let Some(agent) = self.agents.relieved(&self.channels.at(channel).agents) {
                self.unpark(agent, End::Back);
            } else {
                let group = self.channels.relieved(channel)?;
                self.unblock(group);
            }
        }
    }

    fn unblock(&mut self, group: Key<super::admission::Group>) {
        if let Some(key) = self.channels.groups[group].blocked.pop_front() {
            self.enter_ring(key, End::Back);
        }
    }

    /// Gives one thread its turn. False if no agent of the channel can take anything.
    fn serve(&mut self, channel: Key<Channel>, key: Key<Thread>) -> bool {
        let thread = &self.threads[key];
        if !self.may_go(thread) {
            self.reap(key);
            return true;
        }
        if self.return_if_late(key) {
            return true;
        }
        let thread = &self.threads[key];
        let group = thread.group;
        if self.channels.groups[group].full() {
            self.threads[key].queued = Queued::Blocked;
            self.channels.groups[group].blocked.push_back(key);
            return true;
        }
        if let Some(agent) = thread.agent {
            if self.agents.get(agent).is_some_and(|entry| entry.credits > 0) {
                self.feed(key, agent);
            } else if let Some(entry) = self.agents.get_mut(agent) {
                entry.parked.push_back(key);
                self.threads[key].queued = Queued::Parked(agent);
            }
            return true;
        }
        let host = self.hosts.value(thread.host);
        let chosen = self.agents.choose(&self.channels.at(channel).agents, host);
        match chosen {
            Some(agent) => self.feed(key, agent),
            None => {
                self.stay_in_ring(key);
                self.want_agent(channel);
            }
        }
        chosen.is_some()
    }

    /// Returns what would go next if it is too late for it. Then the thread may be gone.
    fn return_if_late(&mut self, key: Key<Thread>) -> bool {
        let head = self.threads[key].ready.head;
        let Some(vertex) = head.filter(|&vertex| self.is_late(self.vertices[vertex].message)) else {
            return false;
        };
        self.return_vertex(vertex);
        if self.threads.find(key).is_some() {
            self.offer(key);
        }
        true
    }

    fn want_agent(&mut self, key: Key<Channel>) {
        let channel = self.channels.at_mut(key);
        let running = u32::try_from(channel.agents.len()).unwrap_or(u32::MAX);
        let count = running.saturating_add(1).min(channel.agents_limit);
        if count > channel.wanted {
            channel.wanted = count;
            self.actions.push_back(Action::NeedAgent { channel: channel.name.clone(), count });
        }
    }

    /// What goes next in a thread.
    fn next_vertex(&mut self, key: Key<Thread>) -> Option<Key<Vertex>> {
        let thread = &mut self.threads[key];
        if !thread.ranks.is_turn_of_oldest() {
            return thread.ready.head;
        }
        let thread = &self.threads[key];
        let ends = thread.ranks.ends(&thread.ready);
        let ends = ends.filter(|&vertex| !self.is_late(self.vertices[vertex].message));
        ends.min_by_key(|&vertex| self.messages[self.vertices[vertex].message].id)
    }

    fn feed(&mut self, key: Key<Thread>, agent: AgentId) {
        let Some(vertex) = self.next_vertex(key) else { return };
        let channel = self.threads[key].channel;
        self.channels.at_mut(channel).ring.fed();
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.launch(key, vertex, agent);
        let unsettled = self.recipients.list(self.vertices[vertex].recipients);
        let (message, place) = self.name_of(self.vertices[vertex].message);
        let host = self.hosts.value(self.threads[key].host).clone();
        let round = self.threads[key].round;
        if let Some(entry) = self.agents.get_mut(agent) {
            entry.credits -= 1;
            entry.jobs.insert(job);
            entry.warm_up(&host);
        }
        let recipients = unsettled.clone();
        self.jobs.insert(job, Job { agent, vertex, round, unsettled, own: false });
        self.actions.push_back(Action::Feed(Feed { agent, job, message, place, host, recipients }));
        self.offer(key);
    }

    /// Marks a vertex as in flight, in all books.
    fn launch(&mut self, key: Key<Thread>, vertex: Key<Vertex>, agent: AgentId) {
        let priority = self.priority(vertex);
        let thread = &mut self.threads[key];
        self.scribe.pass(vertex, self.vertices[vertex].next);
        thread.ranks.unlink(&mut thread.ready, &mut self.vertices, vertex, priority);
        thread.in_flight += 1;
        thread.agent = Some(agent);
        if thread.tap == Tap::Due {
            thread.tap = Tap::Probing;
        }
        self.channels.at_mut(thread.channel).in_flight += 1;
        self.channels.groups[thread.group].in_flight += 1;
        let vertex = &mut self.vertices[vertex];
        vertex.step = Step::InFlight;
        let tried = vertex.attempts > 0;
        vertex.attempts = vertex.attempts.saturating_add(1);
        self.messages[vertex.message].busy += u32::from(tried);
    }

    /// Takes a job out of the books; its vertex is in no list then.
    pub(super) fn land(&mut self, job: JobId) -> Option<Job> {
        let job_entry = self.jobs.remove(&job)?;
        let key = self.vertices[job_entry.vertex].thread;
        let thread = &mut self.threads[key];
        thread.in_flight -= 1;
        self.channels.at_mut(thread.channel).in_flight -= 1;
        let group = thread.group;
        self.channels.groups[group].in_flight -= 1;
        if thread.in_flight == 0 {
            thread.agent = None;
            if matches!(thread.queued, Queued::Parked(_)) {
                self.enter_ring(key, End::Back);
            }
        }
        if !self.channels.groups[group].blocked.is_empty() {
            self.unblock(group);
        }
        if let Some(entry) = self.agents.get_mut(job_entry.agent) {
            entry.jobs.remove(&job);
        }
        Some(job_entry)
    }
}
