//! What the administrator configured, as the queue needs it.

use super::retry::Schedule;

/// Limits and clocks of the whole queue.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Jobs in flight altogether.
    pub jobs: u32,
    /// Messages held in memory before the shell stops reading segments; see [`Queue::room`](super::Queue::room).
    pub high_water: usize,
    /// How long the failures of one message are collected for one notice, in milliseconds.
    pub notice_window: u64,
    /// Ages in milliseconds at which the sender of a message that waits is told so.
    pub delay_warnings: Vec<u64>,
    /// The configured channels.
    pub channels: Vec<ChannelPolicy>,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            jobs: 10_000,
            high_water: 2_000_000,
            notice_window: 10_000,
            delay_warnings: Vec::new(),
            channels: Vec::new(),
            seed: 0,
        }
    }
}

/// One `[channel.NAME]` section.
#[derive(Debug, Clone)]
pub struct ChannelPolicy {
    /// Its name, as in a route.
    pub name: String,
    /// Jobs in flight in this channel.
    pub jobs: u32,
    /// Agents that may run.
    pub agents: u32,
    /// The `[[channel.NAME.host]]` clauses, first match wins.
    pub clauses: Vec<Clause>,
    /// What holds for every host that no clause matches.
    pub rest: GroupPolicy,
}

impl ChannelPolicy {
    /// A channel with default limits.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            jobs: 1_000,
            agents: 2,
            clauses: Vec::new(),
            rest: GroupPolicy::default(),
        }
    }
}

/// A clause for some hosts of a channel; its threads form one thread group.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Host patterns: `gmail.com`, `*.slow.example`, `*`.
    pub patterns: Vec<String>,
    /// What holds for them.
    pub group: GroupPolicy,
}

impl Clause {
    /// Whether the clause is for this host; a port (`host:587`) is not looked at.
    pub fn matches(&self, host: &str) -> bool {
        let bare = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
            _ => host,
        };
        self.patterns.iter().any(|pattern| matches(pattern, host) || matches(pattern, bare))
    }
}

/// Limits and clocks of a thread group.
#[derive(Debug, Clone)]
pub struct GroupPolicy {
    /// Jobs in flight in the whole group.
    pub jobs: u32,
    /// Jobs in flight per thread, so per host: sessions per host times the pipelining depth of the channel.
    pub jobs_per_host: u32,
    /// The retry schedule.
    pub retry: Schedule,
    /// The age, in milliseconds, at which a message that fails once more has failed for good.
    pub expire: u64,
}

impl Default for GroupPolicy {
    fn default() -> Self {
        let day = 86_400_000;
        Self { jobs: u32::MAX, jobs_per_host: 20, retry: Schedule::default(), expire: 5 * day }
    }
}

fn matches(pattern: &str, host: &str) -> bool {
    let Some(suffix) = pattern.strip_prefix('*') else { return pattern.eq_ignore_ascii_case(host) };
    let split = host.len().checked_sub(suffix.len());
    split.and_then(|at| host.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_matches_names_and_suffixes() {
        let clause = Clause {
            patterns: vec!["*.slow.example".into(), "gmail.com".into()],
            group: GroupPolicy::default(),
        };
        for host in ["a.slow.example", "A.B.Slow.Example", "gmail.com", "gmail.com:587"] {
            assert!(clause.matches(host), "{host}");
        }
        for host in ["slow.example", "notgmail.com", "gmail.com.example", "com", ""] {
            assert!(!clause.matches(host), "{host}");
        }
    }
}
