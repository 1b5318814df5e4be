//! How much a host may get.

use super::demand;
use super::target::bare;
use farm::config::Channel;
use proto::client::Protection;

/// The limits for one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections at the same time; at least 1.
    pub(super) sessions: usize,
    /// Messages on one connection; at least 1.
    pub(super) messages: u32,
    /// How much TLS matters.
    pub(super) protection: Protection,
}

impl Limits {
    /// Those of the first clause that matches, and of the channel where it says nothing.
    pub(super) fn of(host: &str, channel: &Channel) -> Self {
        let name = bare(host);
        let rule = channel.hosts.iter().find(|rule| rule.patterns.iter().any(|p| matches(p, name)));
        let sessions = rule.and_then(|rule| rule.sessions_per_host).unwrap_or(channel.sessions_per_host);
        let messages =
            rule.and_then(|rule| rule.messages_per_session).unwrap_or(channel.messages_per_session);
        let tls = rule.and_then(|rule| rule.tls.as_ref()).unwrap_or(&channel.tls);
        Self {
            sessions: usize::try_from(sessions).unwrap_or(usize::MAX).max(1),
            messages: messages.max(1),
            protection: demand::of_rule(tls),
        }
    }
}

/// `*` is everything, `*.example` every name below it, anything else itself.
fn matches(pattern: &str, name: &str) -> bool {
    let Some(suffix) = pattern.strip_prefix('*') else { return pattern.eq_ignore_ascii_case(name) };
    let at = name.len().checked_sub(suffix.len());
    at.and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{HostRule, Paths, defaults};

    fn channel() -> Channel {
        let paths = Paths { etc: "/x".into(), spool: "/x".into(), run: "/x".into(), libexec: "/x".into() };
        let mut channel = defaults(&paths, "us").channels.remove("smtp").unwrap();
        let rule = |pattern: &str, sessions, messages| HostRule {
            patterns: vec![pattern.into()],
            sessions_per_host: sessions,
            messages_per_session: messages,
            tls: sessions.map(|_| "must".into()),
            retry: None,
        };
        channel.hosts = vec![
            rule("*.slow.example", Some(2), None),
            rule("gmail.com", None, Some(7)),
            rule("*.example", Some(9), Some(0)),
        ];
        channel
    }

    #[test]
    fn tls_is_as_the_rule_says_or_the_channel() {
        let mut channel = channel();
        assert_eq!(Limits::of("slow.example", &channel).protection, Protection::Must);
        assert_eq!(Limits::of("gmail.com", &channel).protection, Protection::May);
        channel.tls = "no".into();
        assert_eq!(Limits::of("other.org", &channel).protection, Protection::Never);
    }

    #[test]
    fn the_first_clause_that_matches_counts() {
        let channel = channel();
        let of = |host| {
            let limits = Limits::of(host, &channel);
            (limits.sessions, limits.messages)
        };
        assert_eq!(of("a.slow.example"), (2, 100));
        assert_eq!(of("[A.Slow.Example]:587"), (2, 100));
        assert_eq!(of("slow.example"), (9, 1));
        assert_eq!(of("gmail.com"), (20, 7));
        assert_eq!(of("notgmail.com"), (20, 100));
    }
}
