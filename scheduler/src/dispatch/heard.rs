//! What agents say, and their ends.

use crate::queue::{AgentId, JobId};
use crate::state::Scheduler;
use farm::profile;
use ipc::agent::{FromAgent, ToAgent};
use ipc::supervisor::ChildNumber;
use proto::disposition::Disposition;
use proto::id::SpoolId;

impl Scheduler {
    /// Reads what an agent says; `true` if its channel has ended or makes no sense.
    pub(crate) fn hear(&mut self, id: AgentId) -> bool {
        let Some(agent) = self.agents.get_mut(id).filter(|agent| !agent.ended) else { return false };
        // Its end shows in what follows.
        let _ended = agent.link.flush();
        let batch = match agent.link.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("{} agent {}: {error}", agent.channel, agent.child);
                agent.ended = true;
                self.queue.retire(id, self.now.utc);
                return true;
            }
        };
        agent.ended = batch.ended;
        let channel = agent.channel.clone();
        for received in batch.messages {
            self.heard(id, &channel, received.message);
        }
        if batch.ended {
            // Its end is told later; until then nothing is given to it that it could be blamed with.
            self.queue.retire(id, self.now.utc);
        }
        batch.ended
    }

    fn heard(&mut self, id: AgentId, channel: &str, message: FromAgent) {
        let utc = self.now.utc;
        match message {
            FromAgent::Hungry { credits, warm } => {
                if self.agents.get(id).is_some_and(|agent| !agent.draining) {
                    self.queue.hungry(id, channel, credits, &warm, utc);
                }
            }
            FromAgent::Settled { job, index, disposition } => {
                self.agents.unwritten(profile::begin());
                self.settled(JobId(job), index, &bounded(disposition));
            }
            FromAgent::Late { id, index, disposition } => self.late(id, index, bounded(disposition)),
            FromAgent::Released { file } => {
                if let Some(agent) = self.agents.get_mut(id) {
                    agent.released(file);
                }
            }
            FromAgent::Gauges { sessions, hosts } => {
                if let Some(agent) = self.agents.get_mut(id) {
                    agent.gauges = (sessions, hosts);
                }
            }
        }
    }

    /// What happened to a recipient happened to those that were left out of the job because they go to the same user.
    fn settled(&mut self, job: JobId, index: u32, disposition: &Disposition) {
        for index in std::iter::once(index).chain(self.agents.twins(job, index)) {
            if self.queue.settled(job, index, disposition.clone(), self.now.utc) {
                self.agents.settled(job);
            }
        }
    }

    /// A report about a job of an earlier scheduler.
    fn late(&mut self, id: SpoolId, index: u32, disposition: Disposition) {
        if self.queue.contains(id) {
            // One that is not open was reported before, or is finished.
            self.queue.settled_by_id(id, index, disposition, self.now.utc);
        } else if self.now.utc < self.late_until && self.late.len() < LATE {
            // Agents may call before the writer of its segment has announced it again.
            self.late.insert((id, index), disposition);
        }
    }

    /// What was reported about a message that has now been read.
    pub(crate) fn take_late(&mut self, id: SpoolId) -> Vec<(u32, Disposition)> {
        if self.now.utc >= self.late_until {
            self.late.clear();
        }
        let late = self.late.extract_if((id, 0)..=(id, u32::MAX), |_, _| true);
        late.map(|((_, index), disposition)| (index, disposition)).collect()
    }

    /// An agent is gone. What it had goes back to the queue; if it ended in good order nobody is blamed.
    pub(crate) fn lost(&mut self, id: AgentId, clean: bool) {
        // What it said before it ended still counts.
        self.hear(id);
        let Some((agent, jobs)) = self.agents.remove(id) else { return };
        // It is not fed again with what it gives back.
        self.queue.retire(id, self.now.utc);
        if clean || agent.draining {
            for job in jobs {
                self.queue.job_lost(job, self.now.utc);
            }
        }
        self.queue.agent_lost(id, self.now.utc);
    }

    /// One agent is to finish.
    pub(crate) fn drain_agent(&mut self, child: ChildNumber) {
        let Some(id) = self.agents.of_child(child) else { return };
        if let Some(agent) = self.agents.get_mut(id)
            && !agent.draining
        {
            agent.say(&ToAgent::Drain);
            agent.draining = true;
            self.queue.retire(id, self.now.utc);
        }
    }
}

/// Late reports that are kept for messages which are still to be read.
const LATE: usize = 10_000;

/// Octets of a reply, and of a name of a remote side, that are kept.
const REPLY: usize = 1_000;

/// A disposition of bounded length, whatever the agent says.
fn bounded(mut disposition: Disposition) -> Disposition {
    for text in [&mut disposition.reply, &mut disposition.remote] {
        text.truncate(text.floor_char_boundary(REPLY));
    }
    disposition
}
