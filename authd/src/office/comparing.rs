//! Passwords: they wait for a thread, are compared, and something follows.

use super::{BUSY, Key, Office};
use crate::accounts::{Found, UNREADABLE};
use crate::mechanism::Claim;
use crate::pool::{Job, Pool};
use crate::queue::asker;
use farm::tables::StoredPassword;
use std::os::unix::net::UnixStream;

/// A password that waits for a thread.
#[derive(Debug)]
pub(super) struct Comparison {
    key: Key,
    number: u64,
    claim: Claim,
    stored: StoredPassword,
    /// The stored one is the user's; else it stands in for one that is not there.
    real: bool,
}

impl Office {
    /// The socket that becomes readable when [`Office::hear_threads`] has something to hear.
    pub fn bell(&self) -> &UnixStream {
        Pool::bell(&self.pool)
    }

    pub(super) fn compare(&mut self, key: Key, claim: Claim, now: u64) {
        let (stored, real) = match self.accounts.password(&claim.user) {
            Ok(stored) => stored,
            Err(reason) => return self.fail(key, &claim.user, reason, now),
        };
        let Some(open) = self.exchanges.get(&key) else { return };
        let client = asker(open.begin.client);
        let user = claim.user.clone();
        let comparison = Comparison { key, number: open.number, claim, stored, real };
        let limit = usize::try_from(self.section.queue).unwrap_or(usize::MAX);
        if self.queue.push(client, comparison, limit) {
            self.owes(key, now);
        } else {
            self.fail(key, &user, BUSY, now);
        }
    }

    /// Gives threads that are free what waits.
    pub(super) fn feed(&mut self, now: u64) {
        while self.pool.is_free()
            && let Some(Comparison { key, number, claim, stored, real }) = self.queue.pop()
        {
            // Its client may have gone, or have been told "not now".
            if self.exchanges.get(&key).is_none_or(|open| open.number != number) {
                continue;
            }
            let user = claim.user.clone();
            match self.pool.give(Job { number, claim, stored }) {
                Ok(()) => drop(self.under_way.insert(number, (key, user, real))),
                Err(error) => {
                    log::error!("passwords: {error}");
                    self.fail(key, &user, BUSY, now);
                }
            }
        }
    }

    /// Threads have answered.
    pub fn hear_threads(&mut self, now: u64) {
        for done in self.pool.take() {
            let Some((key, user, real)) = self.under_way.remove(&done.number) else { continue };
            if self.exchanges.get(&key).is_none_or(|open| open.number != done.number) {
                continue;
            }
            match done.is_password {
                Some(true) if real => self.succeed(key, &user, now),
                Some(_) => {
                    let reason = self.truth_about(&user);
                    self.fail(key, &user, reason, now);
                }
                None => self.fail(key, &user, UNREADABLE, now),
            }
        }
    }

    /// What the journal is told when a password or a proof was wrong; the client is told less.
    pub(super) fn truth_about(&self, user: &str) -> &'static str {
        match self.accounts.find(user) {
            Found::Unknown => "unknown-user",
            Found::Unreadable => UNREADABLE,
            Found::User(user) if user.passwords.iter().all(|stored| *stored == StoredPassword::None) => {
                "no-password"
            }
            Found::User(_) => "wrong-password",
        }
    }
}
