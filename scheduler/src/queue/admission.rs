//! The four steps of admission, in all, per channel, per thread group, per thread, and why a thread waits.

use super::action::AgentId;
use super::policy::{ChannelPolicy, Clause, GroupPolicy};
use super::ring::Ring;
use super::store::{Key, Store};
use super::thread::Thread;
use proto::message::date;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// A channel: its limits, its agents, and the ring of its threads that may go.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    /// Whether the configuration has it.
    pub(super) configured: bool,
    pub(super) limit: u32,
    pub(super) in_flight: u32,
    pub(super) agents_limit: u32,
    pub(super) agents: Vec<AgentId>,
    /// How many agents were asked for.
    pub(super) wanted: u32,
    /// One group per clause, the last for all other hosts.
    pub(super) groups: Vec<(Clause, Key<Group>)>,
    pub(super) rest: Key<Group>,
    /// Threads that may go.
    pub(super) ring: Ring,
}

/// A thread group: the threads under one clause of the configuration.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) policy: GroupPolicy,
    pub(super) in_flight: u32,
    /// Threads that met the group's limit.
    pub(super) blocked: VecDeque<Key<Thread>>,
}

/// All channels and groups. There are as many as the configuration names, and one for each channel that a route names
/// although the configuration does not.
#[derive(Debug)]
pub(super) struct Channels {
    entries: Store<Channel>,
    pub(super) groups: Store<Group>,
}

impl Channels {
    pub(super) fn new(policies: &[ChannelPolicy]) -> Self {
        let mut channels = Self { entries: Store::new(), groups: Store::new() };
        for policy in policies {
            channels.configure(policy);
        }
        channels
    }

    /// Takes over new limits. The old groups are dropped, so that every thread needs a new one.
    pub(super) fn reconfigure(&mut self, policies: &[ChannelPolicy]) {
        for key in self.keys() {
            self.set_groups(key, &[], &GroupPolicy::default());
            let channel = &mut self.entries[key];
            channel.configured = false;
            channel.limit = u32::MAX;
            channel.agents_limit = 0;
            channel.wanted = u32::try_from(channel.agents.len()).unwrap_or(u32::MAX);
        }
        for policy in policies {
            self.configure(policy);
        }
    }

    fn configure(&mut self, policy: &ChannelPolicy) {
        let key = self.obtain(&policy.name);
        self.set_groups(key, &policy.clauses, &policy.rest);
        let channel = &mut self.entries[key];
        channel.configured = true;
        channel.limit = policy.jobs;
        channel.agents_limit = policy.agents;
    }

    fn set_groups(&mut self, key: Key<Channel>, clauses: &[Clause], rest: &GroupPolicy) {
        for group in self.entries[key].all_groups() {
            self.groups.remove(group);
        }
        let mut insert = |policy: &GroupPolicy| self.groups.insert(Group::new(policy.clone()));
        let channel = &mut self.entries[key];
        channel.groups = clauses.iter().map(|clause| (clause.clone(), insert(&clause.group))).collect();
        channel.rest = insert(rest);
    }

    /// The channel of that name, made up if the configuration has none.
    pub(super) fn obtain(&mut self, name: &str) -> Key<Channel> {
        if let Some(key) = self.find(name) {
            return key;
        }
        let rest = self.groups.insert(Group::new(GroupPolicy::default()));
        self.entries.insert(Channel {
            name: name.into(),
            configured: false,
            limit: u32::MAX,
            in_flight: 0,
            agents_limit: 0,
            agents: Vec::new(),
            wanted: 0,
            groups: Vec::new(),
            rest,
            ring: Ring::default(),
        })
    }

    pub(super) fn find(&self, name: &str) -> Option<Key<Channel>> {
        self.entries.iter().find(|(_, channel)| &*channel.name == name).map(|(key, _)| key)
    }

    pub(super) fn keys(&self) -> Vec<Key<Channel>> {
        self.entries.keys()
    }

    pub(super) fn at(&self, key: Key<Channel>) -> &Channel {
        &self.entries[key]
    }

    pub(super) fn at_mut(&mut self, key: Key<Channel>) -> &mut Channel {
        &mut self.entries[key]
    }

    /// A group of this channel that has room again and threads that wait for it.
    pub(super) fn relieved(&self, channel: Key<Channel>) -> Option<Key<Group>> {
        self.entries[channel].all_groups().find(|&key| {
            let group = &self.groups[key];
            !group.blocked.is_empty() && !group.full()
        })
    }
}

impl Channel {
    /// The group that this host belongs to.
    pub(super) fn group(&self, host: &str) -> Key<Group> {
        let clause = self.groups.iter().find(|(clause, _)| clause.matches(host));
        clause.map_or(self.rest, |&(_, key)| key)
    }

    pub(super) const fn full(&self) -> bool {
        self.in_flight >= self.limit
    }

    fn all_groups(&self) -> impl Iterator<Item = Key<Group>> + use<> {
        let clauses: Vec<_> = self.groups.iter().map(|&(_, key)| key).collect();
        clauses.into_iter().chain([self.rest])
    }
}

impl Group {
    const fn new(policy: GroupPolicy) -> Self {
        Self { policy, in_flight: 0, blocked: VecDeque::new() }
    }

    pub(super) const fn full(&self) -> bool {
        self.in_flight >= self.policy.jobs
    }
}

/// What keeps a vertex from going now. It prints as a sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// It is its turn next.
    None,
    /// The scheduler has just started and waits for the reports of agents that outlived its predecessor.
    Starting,
    /// It is with an agent.
    InFlight,
    /// It is held.
    Held(super::Hold),
    /// The sender wants it to be released then, UTC milliseconds.
    HeldUntil(u64),
    /// The operator froze the host.
    Frozen,
    /// The host, or this message, was put off by what was said.
    Deferred(String),
    /// The host has failed and one message is on its way to see whether it is back.
    Probing(String),
    /// The limit of the whole scheduler.
    Total(u32),
    /// The limit of the channel; 0 if it is paused.
    Channel(u32),
    /// The limit of the thread group.
    Group(u32),
    /// The limit of the host.
    Host(u32),
    /// Every agent of the channel is busy.
    NoAgent(Arc<str>),
    /// The configuration has no such channel.
    NoChannel(Arc<str>),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("its turn comes next"),
            Self::Starting => {
                f.write_str("the scheduler has just started and waits for reports of running agents")
            }
            Self::InFlight => f.write_str("being delivered"),
            Self::Held(hold) => hold.fmt(f),
            Self::HeldUntil(until) => write!(f, "held until {}, as the sender asked", date(*until)),
            Self::Frozen => f.write_str("the operator froze this host"),
            Self::Deferred(words) => f.write_str(words),
            Self::Probing(words) => write!(f, "another message is sent as a probe, after: {words}"),
            Self::Total(limit) => write!(f, "all {limit} jobs of the scheduler are in flight"),
            Self::Channel(0) => f.write_str("the channel is paused by its configuration (sessions = 0)"),
            Self::Channel(limit) => write!(f, "all {limit} jobs of the channel are in flight"),
            Self::Group(limit) => write!(f, "all {limit} jobs of the host's group are in flight"),
            Self::Host(limit) => write!(f, "all {limit} jobs for this host are in flight"),
            Self::NoAgent(channel) => write!(f, "every {channel} agent is busy"),
            Self::NoChannel(channel) => write!(f, "channel {channel} is not configured"),
        }
    }
}
