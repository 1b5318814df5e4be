//! Agents and jobs that end without a disposition.
//!
//! What was in flight goes back to the head of its thread and is handed out again as soon as there is an agent; so two
//! deaths cost no more time than a new agent needs. What was with three agents in a row when they died is a suspect. If
//! there is one suspect, its message is held; if there are several, they come back spaced out, further apart with each
//! death, until the guilty one is alone. An attempt that comes to its end, whatever the end, clears of suspicion.

use super::action::{Action, Record};
use super::arrival::Hold;
use super::state::{End, Queue};
use super::store::Key;
use super::thread::Tap;
use super::vertex::Vertex;
use super::{AgentId, JobId};

impl Queue {
    /// An agent gave a job back without having begun it. Nobody is blamed. False if the job is unknown.
    pub fn job_lost(&mut self, job: JobId, now: u64) -> bool {
        self.advance(now);
        let known = self.give_back(job, 0).is_some();
        self.pump();
        known
    }

    /// An agent is gone, with all its jobs. Returns how many those were.
    ///
    /// Call [`job_lost`](Self::job_lost) first for jobs of an agent that finished in good order.
    pub fn agent_lost(&mut self, agent: AgentId, now: u64) -> usize {
        self.advance(now);
        let Some(lost) = self.agents.remove(agent) else { return 0 };
        let channel = self.channels.at_mut(lost.channel);
        channel.agents.retain(|&other| other != agent);
        channel.wanted = u32::try_from(channel.agents.len()).unwrap_or(u32::MAX);
        let with = |&job: &JobId| self.jobs.get(&job).map(|entry| (job, entry.vertex));
        let flying: Vec<_> = lost.jobs.iter().filter_map(with).collect();
        let suspects: Vec<_> = flying
            .iter()
            .map(|&(_, vertex)| vertex)
            .filter(|&vertex| self.blame(vertex) >= SUSPECT)
            .collect();
        if let &[guilty] = suspects.as_slice() {
            self.poisoned(guilty);
        }
        let mut pause = 0;
        for (job, vertex) in flying.into_iter().rev() {
            let kills = self.vertices[vertex].kills;
            if kills >= SUSPECT {
                pause += ALONE << u32::from(kills - SUSPECT).min(8);
            }
            self.give_back(job, if kills >= SUSPECT { pause } else { 0 });
        }
        self.pump();
        lost.jobs.len()
    }

    /// Counts an agent that died with this vertex.
    fn blame(&mut self, key: Key<Vertex>) -> u8 {
        let vertex = &mut self.vertices[key];
        vertex.kills = vertex.kills.saturating_add(1);
        vertex.kills
    }

    /// Holds the message of a vertex that was the only suspect when another agent died.
    fn poisoned(&mut self, key: Key<Vertex>) {
        let message = self.vertices[key].message;
        if self.messages[message].hold.is_some() {
            return;
        }
        self.messages[message].hold = Some(Hold::Poisoned);
        for vertex in self.vertices_of(message) {
            self.set_aside(vertex);
        }
        let (message, place) = self.name_of(message);
        self.actions.push_back(Action::Record(Record::Held { message, place, hold: Hold::Poisoned }));
    }

    /// Puts the vertex of a job back: to the head of its thread, or alone after `pause` milliseconds.
    fn give_back(&mut self, job: JobId, pause: u64) -> Option<()> {
        let job = self.land(job)?;
        let key = job.vertex;
        let Vertex { message, thread, attempts, .. } = self.vertices[key];
        let probe = self.threads[thread].round == job.round;
        if probe && self.threads[thread].tap == Tap::Probing {
            self.threads[thread].tap = Tap::Due;
        }
        if !job.own {
            self.vertices[key].attempts = attempts - 1;
        }
        if self.vertices[key].attempts > 0 {
            self.messages[message].busy -= 1;
        }
        if self.messages[message].removed {
            self.discard(key);
            self.notify_if_quiet(message);
            self.finish_if_done(message);
        } else if self.is_late(message) {
            self.place_held(key);
            self.return_vertex(key);
        } else if self.messages[message].hold.is_some() {
            self.place_held(key);
        } else if job.own {
            self.place_own(key);
        } else if pause > 0 {
            self.vertices[key].due = self.now + pause;
            self.place_own(key);
        } else {
            self.place_ready(key, End::Front);
        }
        if self.threads.find(thread).is_some() {
            self.offer(thread);
        }
        Some(())
    }
}

/// After so many deaths in a row a vertex is a suspect.
const SUSPECT: u8 = 3;

/// The pause between two suspects, in milliseconds; doubled with each further death.
const ALONE: u64 = 2_000;
