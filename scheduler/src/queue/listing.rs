//! What the queue tools show: messages page by page, threads, gauges, and why something waits.

use super::admission::Obstacle;
use super::message::PackedId;
use super::state::{Counters, Queue};
use super::store::Key;
use super::thread::{Tap, Thread};
use super::vertex::{Step, Vertex};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// Which vertices to list; `None` lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// For this host.
    pub host: Option<String>,
    /// On this channel.
    pub channel: Option<String>,
    /// In this state.
    pub state: Option<State>,
}

/// The state of a vertex, as a tool shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Goes as soon as the limits and the agents allow.
    Ready,
    /// Waits for a time.
    Waiting,
    /// With an agent.
    InFlight,
    /// Held, or its host is frozen.
    Held,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::InFlight => "active",
            Self::Held => "held",
        }
    }
}

/// One vertex, as a tool shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The message.
    pub message: SpoolId,
    /// Where it lies; sender and addresses stand there.
    pub place: Place,
    /// When it was accepted, UTC milliseconds.
    pub received: u64,
    /// The channel.
    pub channel: Arc<str>,
    /// The host.
    pub host: Arc<str>,
    /// The open recipients, ascending.
    pub recipients: Vec<u32>,
    /// Its state.
    pub state: State,
    /// Attempts so far.
    pub attempts: u16,
    /// The next attempt, UTC milliseconds, if a time is set.
    pub next: Option<u64>,
    /// What keeps it.
    pub why: Obstacle,
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order of message id, so oldest first.
    pub lines: Vec<Line>,
    /// Ask again with this to go on; `None` at the end. A page may be short, even empty, before the end.
    pub next: Option<SpoolId>,
}

/// One thread, as a tool shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadLine {
    /// The channel.
    pub channel: Arc<str>,
    /// The host.
    pub host: Arc<str>,
    /// Messages in it.
    pub messages: u32,
    /// Those in flight.
    pub in_flight: u32,
    /// Those that wait for a time of their own.
    pub own: u32,
    /// Those held.
    pub held: u32,
    /// Failed rounds in a row.
    pub attempts: u16,
    /// The next probe, UTC milliseconds, if the host is dead.
    pub next: Option<u64>,
    /// What keeps the next message.
    pub why: Obstacle,
}

/// Numbers for `grange status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Recipients since the start.
    pub recipients: Counters,
    /// Messages in the queue.
    pub messages: usize,
    /// Threads, so hosts.
    pub threads: usize,
    /// Messages held, once for each host.
    pub held: u64,
    /// Jobs in flight.
    pub in_flight: usize,
    /// Agents connected.
    pub agents: usize,
}

impl Queue {
    /// Lists at most `limit` messages that match, beginning after the given id. One call looks at a bounded number of
    /// messages, so that a rare match in a long queue stops nobody.
    pub fn list(&self, filter: &Filter, after: Option<SpoolId>, limit: usize) -> Page {
        let begin = after.map_or(Bound::Unbounded, |id| Bound::Excluded(PackedId::from(id)));
        let mut page = Page { lines: Vec::new(), next: None };
        let mut matched = 0;
        for (looked, (&id, &key)) in self.ids.range((begin, Bound::Unbounded)).enumerate() {
            let before = page.lines.len();
            let lines = self.vertices_of(key).into_iter().filter(|&vertex| self.matches(filter, vertex));
            page.lines.extend(lines.map(|vertex| self.line(vertex)));
            matched += usize::from(page.lines.len() > before);
            if matched >= limit || looked + 1 >= LOOK {
                page.next = Some(id.into());
                break;
            }
        }
        page
    }

    /// All that is known about one message.
    pub fn lines(&self, message: SpoolId) -> Vec<Line> {
        let Some(&key) = self.ids.get(&message.into()) else { return Vec::new() };
        self.vertices_of(key).into_iter().map(|vertex| self.line(vertex)).collect()
    }

    /// All threads, by channel and host, up to `limit`, beginning after the given pair.
    pub fn threads(&self, after: Option<(&str, &str)>, limit: usize) -> Vec<ThreadLine> {
        let mut named: Vec<_> = self.threads.iter().map(|(key, _)| (self.names_of(key), key)).collect();
        named.sort_unstable();
        let later = named.into_iter().filter(|((channel, host), _)| {
            after
                .is_none_or(|(after_channel, after_host)| (&**channel, &**host) > (after_channel, after_host))
        });
        later.take(limit).map(|(_, key)| self.thread_line(key)).collect()
    }

    /// The hosts that something waits for and that are wanted.
    pub fn hosts(&self, wanted: impl Fn(&str) -> bool) -> BTreeSet<Arc<str>> {
        let all = self.threads.iter().map(|(_, thread)| self.hosts.value(thread.host));
        all.filter(|host| wanted(host)).cloned().collect()
    }

    /// Why the next message of a thread does not go; `None` if nothing waits there.
    pub fn why(&self, channel: &str, host: &str) -> Option<Obstacle> {
        self.find_thread(channel, host).map(|key| self.thread_obstacle(key))
    }

    /// The gauges.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            recipients: self.counters,
            messages: self.messages.len(),
            threads: self.threads.len(),
            held: self.threads.iter().map(|(_, thread)| u64::from(thread.held)).sum(),
            in_flight: self.jobs.len(),
            agents: self.agents.len(),
        }
    }

    fn matches(&self, filter: &Filter, key: Key<Vertex>) -> bool {
        let (channel, host) = self.names_of(self.vertices[key].thread);
        filter.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&host))
            && filter.channel.as_deref().is_none_or(|wanted| *wanted == *channel)
            && filter.state.is_none_or(|wanted| wanted == self.state(key))
    }

    fn state(&self, key: Key<Vertex>) -> State {
        let vertex = &self.vertices[key];
        let thread = &self.threads[vertex.thread];
        match vertex.step {
            Step::InFlight => State::InFlight,
            Step::Held => State::Held,
            _ if thread.frozen => State::Held,
            Step::Own => State::Waiting,
            Step::Ready if thread.tap == Tap::Shut => State::Waiting,
            Step::Ready => State::Ready,
        }
    }

    fn line(&self, key: Key<Vertex>) -> Line {
        let vertex = &self.vertices[key];
        let thread = &self.threads[vertex.thread];
        let (message, place) = self.name_of(vertex.message);
        let (channel, host) = self.names_of(vertex.thread);
        let state = self.state(key);
        let next = match vertex.step {
            Step::Own => Some(vertex.due),
            Step::Ready if thread.tap == Tap::Shut => Some(thread.retry_at),
            Step::Held if self.messages[vertex.message].hold == Some(super::Hold::Until) => {
                self.specials.of(vertex.message).hold_until
            }
            _ => None,
        };
        Line {
            message,
            place,
            received: self.messages[vertex.message].received,
            channel,
            host,
            recipients: self.recipients.list(vertex.recipients),
            state,
            attempts: vertex.attempts,
            next,
            why: self.obstacle(key),
        }
    }

    /// What keeps one vertex.
    fn obstacle(&self, key: Key<Vertex>) -> Obstacle {
        let vertex = &self.vertices[key];
        match (vertex.step, self.messages[vertex.message].hold) {
            (Step::InFlight, _) => Obstacle::InFlight,
            (Step::Held, Some(super::Hold::Until)) => {
                Obstacle::HeldUntil(self.specials.of(vertex.message).hold_until.unwrap_or(0))
            }
            (Step::Held, hold) => Obstacle::Held(hold.unwrap_or(super::Hold::Operator)),
            (Step::Own, _) if !self.threads[vertex.thread].frozen => {
                let words = vertex.reason.map(|reason| self.reasons.value(reason).sentence());
                Obstacle::Deferred(
                    words
                        .unwrap_or_else(|| "it is tried alone, because agents died while they had it".into()),
                )
            }
            _ => self.thread_obstacle(vertex.thread),
        }
    }

    /// What keeps the next vertex of a thread: the thread itself, then the limits from the widest to the narrowest, then
    /// the agents.
    fn thread_obstacle(&self, key: Key<Thread>) -> Obstacle {
        let thread = &self.threads[key];
        let channel = self.channels.at(thread.channel);
        let group = &self.channels.groups[thread.group];
        let said = || thread.reason.map_or_else(String::new, |reason| self.reasons.value(reason).sentence());
        let hungry = |id: &super::AgentId| self.agents.get(*id).is_some_and(|agent| agent.credits > 0);
        match thread.tap {
            _ if thread.frozen => Obstacle::Frozen,
            Tap::Shut => Obstacle::Deferred(said()),
            Tap::Probing => Obstacle::Probing(said()),
            _ if self.now < self.start => Obstacle::Starting,
            _ if !channel.configured && channel.agents.is_empty() => {
                Obstacle::NoChannel(channel.name.clone())
            }
            _ if self.total_full() => Obstacle::Total(self.policy.jobs),
            _ if channel.full() => Obstacle::Channel(channel.limit),
            _ if group.full() => Obstacle::Group(group.policy.jobs),
            _ if thread.in_flight >= group.policy.jobs_per_host => Obstacle::Host(group.policy.jobs_per_host),
            _ if !channel.agents.iter().any(hungry) => Obstacle::NoAgent(channel.name.clone()),
            _ => Obstacle::None,
        }
    }

    fn thread_line(&self, key: Key<Thread>) -> ThreadLine {
        let thread = &self.threads[key];
        let (channel, host) = self.names_of(key);
        ThreadLine {
            channel,
            host,
            messages: thread.messages(),
            in_flight: thread.in_flight,
            own: thread.own.length,
            held: thread.held,
            attempts: thread.attempts,
            next: (thread.tap == Tap::Shut).then_some(thread.retry_at),
            why: self.thread_obstacle(key),
        }
    }
}

/// How many messages one page looks at.
const LOOK: usize = 10_000;
