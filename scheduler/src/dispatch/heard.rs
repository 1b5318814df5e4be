//! What agents say, and their ends.

use crate::queue::{AgentId, JobId};
use crate::state::Scheduler;
use ipc::agent::{FromAgent, ToAgent};
use ipc::supervisor::ChildNumber;

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
                return true;
            }
        };
        agent.ended = batch.ended;
        let channel = agent.channel.clone();
        for received in batch.messages {
            self.heard(id, &channel, received.message);
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
                if self.queue.settled(JobId(job), index, disposition, utc) {
                    self.agents.settled(JobId(job));
                }
            }
            FromAgent::Late { id, index, disposition } => {
                // One that is not open was reported before, or is finished.
                self.queue.settled_by_id(id, index, disposition, utc);
            }
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

    /// An agent is gone. What it had goes back to the queue; if it ended in good order nobody is blamed.
    pub(crate) fn lost(&mut self, id: AgentId, clean: bool) {
        // What it said before it ended still counts.
        self.hear(id);
        let Some((agent, jobs)) = self.agents.remove(id) else { return };
        if clean || agent.draining {
            for job in jobs {
                self.queue.job_lost(job, self.now.utc);
            }
        }
        self.queue.agent_lost(id, self.now.utc);
    }

    /// One agent is to finish.
    pub(crate) fn drain_agent(&mut self, child: ChildNumber) {
        if let Some(agent) = self.agents.of_child(child).and_then(|id| self.agents.get_mut(id))
            && !agent.draining
        {
            agent.say(&ToAgent::Drain);
            agent.draining = true;
        }
    }
}
