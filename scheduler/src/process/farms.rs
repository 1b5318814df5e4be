//! A farm of agents per channel, and those that outlived an earlier scheduler.
//!
//! A survivor calls by itself and counts as one of the agents that its channel may have; when it ends, a new one takes
//! its place. So that survivors can call first, nothing is started in the first half second after a restart.

use super::run::{Process, agent_token};
use crate::dispatch::{Link, Origin, farm_policy};
use crate::queue::AgentId;
use farm::channel::Channel;
use farm::config;
use farm::farm::{Action, Farm};
use farm::journal::{Event, ProgramEvent};
use ipc::Role;
use ipc::supervisor::{ChildNumber, FromChild};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// One channel's farm.
#[derive(Debug)]
struct ChannelFarm {
    name: String,
    agents: u32,
    survivors: u32,
    farm: Farm,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Farms {
    list: Vec<ChannelFarm>,
    /// Nothing is started before, monotonic milliseconds.
    not_before: u64,
}

impl Farms {
    /// A farm for each channel that there is a program for.
    pub(super) fn new(channels: &BTreeMap<String, config::Channel>, not_before: u64) -> Self {
        let mut farms = Self { list: Vec::new(), not_before };
        farms.reconfigure(channels);
        farms
    }

    /// Takes over new numbers.
    pub(super) fn reconfigure(&mut self, channels: &BTreeMap<String, config::Channel>) {
        for (name, channel) in channels {
            match self.list.iter_mut().find(|farm| farm.name == *name) {
                Some(farm) => {
                    farm.agents = channel.agents;
                    farm.count();
                }
                None => {
                    let Some(role) = Role::of_channel(name) else { continue };
                    let farm = Farm::new(role, farm_policy(name, channel.agents, 0));
                    let agents = channel.agents;
                    self.list.push(ChannelFarm { name: name.clone(), agents, survivors: 0, farm });
                }
            }
        }
    }

    /// The names of the channels.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|farm| farm.name.as_str())
    }

    /// When they want to be looked at although nothing happened, monotonic milliseconds.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let soonest = self.list.iter().filter_map(|farm| farm.farm.next_deadline()).min();
        soonest.map(|soonest| soonest.max(self.not_before))
    }

    /// The agent that was asked for could not be started.
    pub(super) fn spawn_failed(&mut self, ticket: u64, why: &str, mono: u64) {
        for farm in self.list.iter_mut().filter(|farm| farm.farm.owns(ticket)) {
            farm.farm.spawn_failed(ticket, why, mono);
        }
    }

    /// Finish: no agent is started any more.
    pub(super) fn drain(&mut self) {
        self.list.iter_mut().for_each(|farm| farm.farm.drain());
    }

    fn named(&mut self, name: &str) -> Option<&mut ChannelFarm> {
        self.list.iter_mut().find(|farm| farm.name == name)
    }
}

impl ChannelFarm {
    fn count(&mut self) {
        self.farm.set_policy(farm_policy(&self.name, self.agents, self.survivors));
        if matches!(self.name.as_str(), "smtp" | "mailbox") {
            self.farm.want(usize::try_from(self.agents.saturating_sub(self.survivors)).unwrap_or_default());
        }
    }
}

impl Process {
    /// Carries out what the farms decide.
    pub(super) fn tend_farms(&mut self) {
        for (channel, count) in std::mem::take(&mut self.scheduler.wants) {
            if let Some(farm) = self.farms.named(&channel) {
                farm.farm.want(usize::try_from(count.saturating_sub(farm.survivors)).unwrap_or_default());
            }
        }
        let mono = self.scheduler.now.mono;
        if mono < self.farms.not_before {
            return;
        }
        let mut actions = Vec::new();
        for farm in &mut self.farms.list {
            farm.farm.tick(mono);
            let role = farm.farm.role();
            actions.extend(std::iter::from_fn(|| farm.farm.poll()).map(|action| (role, action)));
        }
        for (role, action) in actions {
            match action {
                Action::Spawn { ticket } => self.tell(&FromChild::Spawn { ticket, role }),
                Action::Drain { child } => self.scheduler.drain_agent(child),
                Action::Kill { child } => self.tell(&FromChild::Kill { child }),
                Action::Report(report) => {
                    let event = Event::Program(&role.to_string(), ProgramEvent::Farm(&report));
                    self.scheduler.journal.note(&event, self.scheduler.now.utc);
                }
            }
        }
    }

    /// The supervisor has started an agent for us.
    pub(super) fn spawned(&mut self, ticket: u64, child: ChildNumber, descriptor: Option<OwnedFd>) {
        let mono = self.scheduler.now.mono;
        let Some(farm) = self.farms.list.iter_mut().find(|farm| farm.farm.owns(ticket)) else {
            return self.tell(&FromChild::Kill { child });
        };
        let Some(link) = descriptor.and_then(|descriptor| Channel::from_descriptor(descriptor).ok()) else {
            farm.farm.spawn_failed(ticket, "it came without a channel", mono);
            return self.tell(&FromChild::Kill { child });
        };
        farm.farm.spawned(ticket, child, mono);
        let name = farm.name.clone();
        self.connected(&name, child, Origin::Spawned, link);
    }

    /// An agent that outlived an earlier scheduler calls.
    pub(super) fn survived(&mut self, role: Role, child: ChildNumber, link: Link) {
        let Some(farm) = self.farms.list.iter_mut().find(|farm| farm.farm.role() == role) else { return };
        let name = farm.name.clone();
        // One of ours that calls has lost its channel; what it had is reported over the new one.
        let origin = if farm.farm.has(child) { Origin::Spawned } else { Origin::Survivor };
        if let Some(old) = self.scheduler.agents.of_child(child) {
            self.forget_agent(old, true);
        }
        if origin == Origin::Survivor
            && let Some(farm) = self.farms.named(&name)
        {
            farm.survivors += 1;
            farm.count();
        }
        self.scheduler.survivor_called();
        self.connected(&name, child, origin, link);
    }

    fn connected(&mut self, channel: &str, child: ChildNumber, origin: Origin, link: Link) {
        let agent = self.scheduler.agents.add(channel, child, origin, link);
        let watched = self
            .scheduler
            .agents
            .get(agent)
            .map_or(Ok(()), |known| self.event_loop.watch_readable(&known.link, agent_token(agent)));
        if let Err(error) = watched {
            log::error!("{channel} agent {child} cannot be watched: {error}");
            self.tell(&FromChild::Kill { child });
            return self.forget_agent(agent, true);
        }
        if self.draining.is_some() {
            self.scheduler.agents.drain();
        }
        self.hear_agent(agent);
    }

    /// What an agent says.
    pub(super) fn hear_agent(&mut self, agent: AgentId) {
        if !self.scheduler.hear(agent) {
            return;
        }
        let Some(known) = self.scheduler.agents.get(agent) else { return };
        let (child, origin, draining) = (known.child, known.origin, known.draining);
        match origin {
            // Its end is told by the supervisor, with the way it came.
            Origin::Spawned if draining => {}
            Origin::Spawned => self.tell(&FromChild::Kill { child }),
            Origin::Survivor => {
                // The supervisor does not tell of an end that it told before the agent called.
                if !draining {
                    self.tell(&FromChild::Kill { child });
                }
                self.forget_agent(agent, draining);
            }
        }
    }

    /// A child is gone.
    pub(super) fn exited(&mut self, child: ChildNumber, how: &str, clean: bool) {
        let mono = self.scheduler.now.mono;
        for farm in &mut self.farms.list {
            farm.farm.exited(child, how, clean, mono);
        }
        if let Some(agent) = self.scheduler.agents.of_child(child) {
            self.forget_agent(agent, clean);
        }
    }

    fn forget_agent(&mut self, agent: AgentId, clean: bool) {
        if let Some(known) = self.scheduler.agents.get(agent) {
            self.event_loop.forget(&known.link);
            let survivor = known.origin == Origin::Survivor;
            let name = known.channel.clone();
            if survivor && let Some(farm) = self.farms.named(&name) {
                farm.survivors = farm.survivors.saturating_sub(1);
                farm.count();
            }
        }
        self.scheduler.lost(agent, clean);
    }
}
