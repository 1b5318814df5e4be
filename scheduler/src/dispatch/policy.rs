//! The configuration in the words of the queue and of the farms.

use crate::queue::{ChannelPolicy, Clause, GroupPolicy, Policy, Schedule};
use farm::config::{Channel, HostRule, Scheduler as Section};
use std::collections::BTreeMap;

/// Jobs per session: one is under way, the next one is there when it ends.
const DEPTH: u32 = 2;

/// The limits and clocks of the queue.
pub(crate) fn policy(section: &Section, channels: &BTreeMap<String, Channel>, hostname: &str) -> Policy {
    Policy {
        jobs: section.jobs,
        delay_warnings: section.delay_warning.clone(),
        high_water: usize::try_from(section.memory_messages).unwrap_or(usize::MAX),
        channels: channels.iter().map(|(name, channel)| channel_policy(name, channel, section)).collect(),
        seed: hostname
            .bytes()
            .fold(7, |seed, octet| (seed ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)),
        ..Policy::default()
    }
}

/// The channel that delivers nothing.
const HOLD: &str = "hold";

fn channel_policy(name: &str, channel: &Channel, section: &Section) -> ChannelPolicy {
    let rest = GroupPolicy {
        jobs: u32::MAX,
        jobs_per_host: jobs_per_host(channel.sessions_per_host),
        retry: schedule(&section.retry),
        // What an operator wants held waits for him, however long that takes.
        expire: if name == HOLD { u64::MAX } else { section.expire },
    };
    ChannelPolicy {
        name: name.to_owned(),
        jobs: channel.sessions.saturating_mul(DEPTH),
        agents: channel.agents,
        clauses: channel.hosts.iter().map(|rule| clause(rule, &rest)).collect(),
        rest,
    }
}

fn clause(rule: &HostRule, rest: &GroupPolicy) -> Clause {
    let mut group = rest.clone();
    if let Some(sessions) = rule.sessions_per_host {
        group.jobs_per_host = jobs_per_host(sessions);
    }
    if let Some(retry) = &rule.retry {
        group.retry = schedule(retry);
    }
    Clause { patterns: rule.patterns.clone(), group }
}

fn jobs_per_host(sessions: u32) -> u32 {
    sessions.max(1).saturating_mul(DEPTH)
}

/// The configuration was checked when it was read, so the default is never needed.
fn schedule(intervals: &[u64]) -> Schedule {
    Schedule::new(intervals.to_vec()).unwrap_or_default()
}

/// How many agents a channel has: those that carry mail every day stand ready, the others come when they are needed.
pub(crate) fn farm_policy(name: &str, agents: u32, survivors: u32) -> farm::farm::Policy {
    let agents = agents.max(1).saturating_sub(survivors);
    let resident = if matches!(name, "smtp" | "mailbox") { agents } else { 0 };
    let mut policy = farm::farm::Policy::new(resident, agents);
    policy.drain_grace = DRAIN;
    policy
}

/// Milliseconds that a drained agent has for what it has begun.
const DRAIN: u64 = 15_000;

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{Config, Paths};

    fn config() -> Config {
        let path = |name: &str| std::path::PathBuf::from("/nonexistent").join(name);
        let paths = Paths { etc: path("etc"), spool: path("spool"), run: path("run"), libexec: path("bin") };
        farm::config::defaults(&paths, "mail.example.org")
    }

    #[test]
    fn a_host_rule_changes_only_what_it_says() {
        let mut config = config();
        let channel = config.channels.get_mut("smtp").unwrap();
        channel.sessions_per_host = 20;
        let rule = HostRule {
            patterns: vec!["*.slow.example".into()],
            sessions_per_host: Some(4),
            messages_per_session: None,
            tls: None,
            retry: None,
        };
        channel.hosts.push(rule);
        let policy = policy(&config.scheduler, &config.channels, "mail.example.org");
        let smtp = policy.channels.iter().find(|channel| channel.name == "smtp").unwrap();
        let group = &smtp.clauses[0].group;
        assert_eq!((group.jobs_per_host, smtp.rest.jobs_per_host), (8, 40));
        assert_eq!((&group.retry, group.expire), (&smtp.rest.retry, smtp.rest.expire));
    }

    #[test]
    fn held_mail_never_expires() {
        let config = config();
        let policy = policy(&config.scheduler, &config.channels, "mail.example.org");
        for channel in &policy.channels {
            let expected = if channel.name == "hold" { u64::MAX } else { config.scheduler.expire };
            assert_eq!(channel.rest.expire, expected, "{}", channel.name);
        }
        assert!(policy.channels.iter().any(|channel| channel.name == "hold"));
    }

    #[test]
    fn survivors_take_the_place_of_new_agents() {
        assert_eq!(farm_policy("smtp", 2, 0).min, 2);
        assert_eq!(farm_policy("smtp", 2, 1).min, 1);
        assert_eq!(farm_policy("hold", 1, 0).min, 0);
    }
}
