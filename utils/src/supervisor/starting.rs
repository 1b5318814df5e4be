//! ETRN: a client wants what waits for a host to be tried now. A worker of the smtpserver passes that on, the scheduler does
//! it, and the worker hears how many messages it concerns.
//!
//! The scheduler looks through all hosts for each request: some requests per second are passed on, and none for a host that
//! was started a moment ago.

use super::asked::Query;
use super::run::Supervisor;
use ipc::Role;
use ipc::control::{End, Request, Selection};
use ipc::supervisor::{ChildNumber, ToChild};
use std::collections::BTreeMap;

/// How long the scheduler may take, in milliseconds; the client waits.
const PATIENCE: u64 = 5_000;

/// Milliseconds in which a host is started once.
const AGAIN: u64 = 5_000;

/// Hosts started in that time, all together.
const MOST: usize = 50;

/// The hosts that were started a moment ago.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// By host, the monotonic time in milliseconds.
    recent: BTreeMap<String, u64>,
}

impl Starts {
    /// Whether this host may be started now; then it counts as started.
    fn allow(&mut self, host: &str, now: u64) -> bool {
        self.recent.retain(|_, at| *at + AGAIN > now);
        if self.recent.len() >= MOST || self.recent.contains_key(host) {
            return false;
        }
        self.recent.insert(host.to_owned(), now);
        true
    }
}

impl Supervisor {
    /// A child wants what waits for a host to be tried now.
    pub(super) fn start_queue(&mut self, asker: ChildNumber, session: u64, host: String, below: bool) {
        let now = self.event_loop.now().mono;
        let may = self.children.get_mut(asker).is_some_and(|child| child.role == Role::SmtpWorker);
        if !may {
            return;
        }
        let scheduler = self.children.keeper_of(Role::Scheduler);
        let Some(child) = scheduler.filter(|_| self.queries.starts.allow(&host, now)) else {
            return self.say(asker, &ToChild::QueueStarted { session, messages: None });
        };
        let ticket = self.queries.add(Query::Start { asker, session, child, expires: now + PATIENCE });
        let selection = if below { Selection::Host(host) } else { Selection::Hop(host) };
        self.query(child, (ticket, 0), &Request::QueueRetry(selection));
    }
}

/// How many messages are tried, by the last line of an answer.
pub(super) fn started(line: Option<&String>) -> Option<u64> {
    let end: End = serde_json::from_str(line?).ok()?;
    end.ok.then_some(end.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_started_once_in_a_while_and_not_very_many_are() {
        let mut starts = Starts::default();
        assert!(starts.allow("a.example", 100) && starts.allow("b.example", 100));
        assert!(!starts.allow("a.example", 100 + AGAIN - 1));
        assert!(starts.allow("a.example", 100 + AGAIN));
        let now = 100 + 3 * AGAIN;
        let allowed = (0..2 * MOST).filter(|number| starts.allow(&format!("h{number}.example"), now)).count();
        assert_eq!(allowed, MOST);
    }

    #[test]
    fn only_what_was_done_counts() {
        let line = |end: &End| serde_json::to_string(end).unwrap();
        assert_eq!(started(Some(&line(&End::done(7)))), Some(7));
        assert_eq!(started(Some(&line(&End::refused(69, "no")))), None);
        assert_eq!(started(Some(&"x".to_owned())), None);
        assert_eq!(started(None), None);
    }
}
