//! Answers: challenges, successes, failures that are told at once or later, and what has taken too long.

use super::{Key, Office, Open, TEMPORARY, TIMEOUT, Tally, Way};
use crate::queue::asker;
use ipc::auth::{Failure, FromAuthd, Octets};

/// How often accounts of which nothing counts any more are forgotten, in milliseconds.
const TIDY: u64 = 60_000;

impl Office {
    pub(super) fn challenge(&mut self, key: Key, challenge: Vec<u8>) {
        self.answered(key);
        self.out.push((key.0, FromAuthd::Challenge { ticket: key.1, challenge: Octets(challenge) }));
    }

    pub(super) fn succeed(&mut self, key: Key, user: &str, now: u64) {
        match self.accounts.grant(user) {
            Ok(grant) => {
                self.forget_exchange(key);
                self.tally.succeeded += 1;
                self.out.push((key.0, FromAuthd::Success { ticket: key.1, grant: Box::new(grant) }));
            }
            Err(reason) => self.fail(key, user, reason, now),
        }
    }

    /// Ends an exchange without success.
    pub(super) fn fail(&mut self, key: Key, user: &str, reason: &str, now: u64) {
        let Some(client) = self.exchanges.get(&key).map(|open| open.begin.client) else { return };
        self.forget_exchange(key);
        let temporary = TEMPORARY.contains(&reason);
        let failure = Failure { temporary, account: user.to_owned(), reason: reason.to_owned() };
        let answer = (key.0, FromAuthd::Failure { ticket: key.1, failure });
        if temporary {
            self.tally.temporary += 1;
            return self.out.push(answer);
        }
        self.tally.failed += 1;
        let delay = self.penalties.failed(asker(client), self.section.failure_delay, now);
        self.numbers += 1;
        self.held.insert((now + delay, self.numbers), answer);
    }

    /// From now on we owe the client an answer.
    pub(super) fn owes(&mut self, key: Key, now: u64) {
        let until = now + self.section.timeout;
        if let Some(open) = self.exchanges.get_mut(&key) {
            open.until = Some(until);
            self.deadlines.insert((until, open.number, key));
        }
    }

    fn answered(&mut self, key: Key) {
        if let Some(open) = self.exchanges.get_mut(&key)
            && let Some(until) = open.until.take()
        {
            self.deadlines.remove(&(until, open.number, key));
        }
    }

    /// Nothing of an exchange stays; what a thread does for it comes to nothing.
    pub(super) fn forget_exchange(&mut self, key: Key) {
        self.answered(key);
        if let Some(Open { way: Way::Dovecot(id), .. }) = self.exchanges.remove(&key)
            && self.requests.remove(&id).is_some()
            && let Some(link) = &mut self.link
        {
            link.cancel(id);
        }
    }

    /// Tells what is due, gives up what took too long, forgets what is old.
    pub fn tick(&mut self, now: u64) {
        while let Some((until, _, key)) = self.deadlines.first().copied().filter(|(until, ..)| *until <= now)
        {
            log::debug!("an exchange has waited until {until}");
            self.fail(key, "", TIMEOUT, now);
        }
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            self.out.push(entry.remove());
        }
        if now >= self.tidy_at {
            self.tidy_at = now + TIDY;
            let accounts = &self.accounts;
            self.allowances.tidy(|account| accounts.limits(account), now);
        }
        self.feed(now);
    }

    /// When [`Office::tick`] wants to be called.
    pub fn next_deadline(&self) -> Option<u64> {
        let held = self.held.keys().next().map(|(at, _)| *at);
        self.deadlines.first().map(|(until, ..)| *until).into_iter().chain(held).min()
    }

    /// Nobody waits for anything.
    pub fn is_idle(&self) -> bool {
        self.deadlines.is_empty() && self.held.is_empty() && self.out.is_empty()
    }

    /// Failures that are held back are told now: there will be no later.
    pub fn release(&mut self) {
        self.out.extend(std::mem::take(&mut self.held).into_values());
    }

    /// What happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Exchanges under way, passwords that wait or are compared, accounts that are counted.
    pub fn gauges(&self) -> [usize; 3] {
        [self.exchanges.len(), self.queue.len() + self.pool.busy(), self.allowances.len()]
    }
}
