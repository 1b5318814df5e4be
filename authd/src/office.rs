//! Exchanges under way, and what follows from what is known.
//!
//! An exchange is named by its caller and the caller's ticket. It waits for the client (nothing is to be done), for a
//! thread or Dovecot (there is a deadline), or it is over and its failure is held back for a while.
//!
//! Invariants: whatever is asked is answered once, unless the asker goes; a permanent failure waits for its delay, so
//! that guessing is slow, and a temporary one does not; what is under way and what is held is bounded by what callers
//! have open.

mod answering;
mod comparing;
mod dovecot;

use crate::accounts::Accounts;
use crate::allowance::Allowances;
use crate::dovecot::Link;
use crate::mechanism::{Exchange, Facts, Step};
use crate::penalty::Penalties;
use crate::pool::Pool;
use crate::queue::Queue;
use comparing::Comparison;
use farm::config::{Auth, MECHANISMS, Problem};
use ipc::auth::{Begin, Charge, FromAuthd, ToAuthd};
use secrets::encoding;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

/// A caller, as the process numbers it.
pub type Caller = usize;

/// Names an exchange.
type Key = (Caller, u64);

/// The word for a question that took too long.
const TIMEOUT: &str = "timeout";

/// The word for too many questions.
const BUSY: &str = "busy";

/// The failures after which a client may try again with the same words.
const TEMPORARY: [&str; 4] = [crate::accounts::UNREADABLE, TIMEOUT, BUSY, "backend"];

/// Exchanges under way at once.
const OPEN: usize = 100_000;

/// An exchange under way.
#[derive(Debug)]
struct Open {
    /// Tells it from a later one of the same name.
    number: u64,
    begin: Begin,
    way: Way,
    /// We owe an answer since, and until then.
    until: Option<u64>,
}

#[derive(Debug)]
enum Way {
    /// By the users file.
    Own(Exchange),
    /// By Dovecot, under this number.
    Dovecot(u32),
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Exchanges that ended well.
    pub succeeded: u64,
    /// Exchanges that ended badly, through the client.
    pub failed: u64,
    /// Exchanges that were answered "not now".
    pub temporary: u64,
    /// Charges that were answered "wait".
    pub limited: u64,
}

/// All that decides.
#[derive(Debug)]
pub struct Office {
    section: Auth,
    accounts: Accounts,
    exchanges: HashMap<Key, Open>,
    /// When exchanges that wait for us must be answered: time, number, name.
    deadlines: BTreeSet<(u64, u64, Key)>,
    numbers: u64,
    queue: Queue<Comparison>,
    pool: Pool,
    under_way: HashMap<u64, (Key, String, bool)>,
    penalties: Penalties,
    /// Failures that wait, by the time at which they are told.
    held: BTreeMap<(u64, u64), (Caller, FromAuthd)>,
    allowances: Allowances,
    tidy_at: u64,
    /// Dovecot's service, if it is asked, and what it offers, once it has said so.
    link: Option<Link>,
    backend: Option<Vec<String>>,
    requests: HashMap<u32, Key>,
    offered: Vec<String>,
    out: Vec<(Caller, FromAuthd)>,
    tally: Tally,
}

impl Office {
    /// An office with nothing under way.
    ///
    /// # Errors
    /// The system has no sockets.
    pub fn new(section: Auth, secret: [u8; 32], link: Option<Link>) -> io::Result<Self> {
        let threads = usize::try_from(section.threads).unwrap_or(1);
        let mut office = Self {
            accounts: Accounts::new(&section, secret),
            section,
            exchanges: HashMap::new(),
            deadlines: BTreeSet::new(),
            numbers: 0,
            queue: Queue::default(),
            pool: Pool::new(threads)?,
            under_way: HashMap::new(),
            penalties: Penalties::default(),
            held: BTreeMap::new(),
            allowances: Allowances::default(),
            tidy_at: 0,
            link,
            backend: None,
            requests: HashMap::new(),
            offered: Vec::new(),
            out: Vec::new(),
            tally: Tally::default(),
        };
        office.offered = office.mechanisms();
        Ok(office)
    }

    /// Takes a new configuration; what is under way goes on.
    pub fn reconfigure(&mut self, section: Auth, link: Option<Link>) {
        self.pool.resize(usize::try_from(section.threads).unwrap_or(1));
        self.accounts = Accounts::new(&section, self.accounts.secret());
        self.section = section;
        self.link = link;
        self.backend = None;
        self.drop_requests();
    }

    /// Looks at the tables; what is newly wrong with them.
    pub fn refresh(&mut self, now: u64) -> Vec<Problem> {
        self.accounts.refresh(now)
    }

    /// The mechanisms that can be offered. Before Dovecot has been heard, those that it always has: a client must learn
    /// that it is to come again, not that there is nothing here.
    pub fn mechanisms(&self) -> Vec<String> {
        let possible = |name: &str| match (&self.link, &self.backend) {
            (Some(_), Some(own)) => own.iter().any(|own| own == name),
            (Some(_), None) => ["PLAIN", "LOGIN"].contains(&name),
            (None, _) => self.section.users.is_some(),
        };
        let wanted = |name: &str| self.section.mechanisms.iter().any(|own| own == name);
        let names = MECHANISMS.iter().filter(|name| wanted(name) && possible(name));
        names.map(|name| (*name).to_owned()).collect()
    }

    /// What is to be told to callers.
    pub fn take_out(&mut self) -> Vec<(Caller, FromAuthd)> {
        std::mem::take(&mut self.out)
    }

    /// The mechanisms, if they have changed since this was last asked.
    pub fn changed_mechanisms(&mut self) -> Option<Vec<String>> {
        let now = self.mechanisms();
        (now != self.offered).then(|| {
            self.offered.clone_from(&now);
            now
        })
    }

    /// A caller says something.
    pub fn take(&mut self, caller: Caller, message: ToAuthd, now: u64) {
        match message {
            ToAuthd::Begin(begin) => self.begin((caller, begin.ticket), *begin, now),
            ToAuthd::Continue { ticket, response } => self.respond((caller, ticket), &response.0, now),
            ToAuthd::Cancel { ticket } => self.forget_exchange((caller, ticket)),
            ToAuthd::Charge(charge) => self.charge(caller, &charge, now),
        }
    }

    /// A caller is gone.
    pub fn forget(&mut self, caller: Caller) {
        let keys: Vec<Key> = self.exchanges.keys().filter(|key| key.0 == caller).copied().collect();
        keys.into_iter().for_each(|key| self.forget_exchange(key));
        self.held.retain(|_, (other, _)| *other != caller);
    }

    fn begin(&mut self, key: Key, mut begin: Begin, now: u64) {
        self.forget_exchange(key);
        self.numbers += 1;
        let mechanism = begin.mechanism.clone();
        // It may be a password: it is not kept.
        let initial = begin.initial.take();
        let way = match &self.link {
            Some(_) => Some(Way::Dovecot(0)),
            None => Exchange::by(&mechanism).map(Way::Own),
        };
        let known = self.offered.contains(&mechanism);
        let full = self.exchanges.len() >= OPEN;
        let way = way.filter(|_| known && !full);
        let exchange = Open { number: self.numbers, begin, way: Way::Dovecot(0), until: None };
        let Some(way) = way else {
            self.exchanges.insert(key, exchange);
            return self.fail(key, "", if full { BUSY } else { "mechanism" }, now);
        };
        self.exchanges.insert(key, Open { way, ..exchange });
        if self.link.is_some() {
            return self.ask_dovecot(key, initial.as_ref().map(|i| i.0.as_slice()), now);
        }
        self.step(key, now, |exchange, facts| {
            exchange.begin(initial.as_ref().map(|i| i.0.as_slice()), facts)
        });
    }

    fn respond(&mut self, key: Key, response: &[u8], now: u64) {
        match self.exchanges.get(&key).map(|open| (&open.way, open.until)) {
            // It has been answered, and the answer is on its way.
            None => {}
            Some((_, Some(_))) => self.fail(key, "", "malformed", now),
            Some((Way::Dovecot(id), None)) => {
                let id = *id;
                self.answer_dovecot(key, id, response, now);
            }
            Some((Way::Own(_), None)) => {
                self.step(key, now, |exchange, facts| exchange.respond(response, facts))
            }
        }
    }

    /// One step of an exchange of our own.
    fn step(&mut self, key: Key, now: u64, act: impl FnOnce(&mut Exchange, &Facts<'_>) -> Step) {
        let nonce: [u8; 18] = match secrets::make::random() {
            Ok(nonce) => nonce,
            Err(error) => {
                log::error!("no random numbers: {error}");
                return self.fail(key, "", BUSY, now);
            }
        };
        let Some(open) = self.exchanges.get_mut(&key) else { return };
        let accounts = &self.accounts;
        let facts = Facts {
            tls: open.begin.tls.as_ref(),
            offers_plus: open.begin.tls.is_some() && self.offered.iter().any(|name| name.ends_with("-PLUS")),
            keys: &|user| accounts.keys(user),
            nonce: &encoding::encode(&nonce),
        };
        let Way::Own(exchange) = &mut open.way else { return };
        let step = act(exchange, &facts);
        self.follow(key, step, now);
    }

    fn follow(&mut self, key: Key, step: Step, now: u64) {
        match step {
            Step::Challenge(challenge) => self.challenge(key, challenge),
            Step::Compare(claim) => self.compare(key, claim, now),
            Step::Certificate { user } => {
                let names = self.exchanges.get(&key).and_then(|open| open.begin.tls.as_ref());
                let names = names.map(|tls| tls.names.as_slice()).unwrap_or_default();
                let owner = self.accounts.by_certificate(names, user.as_deref());
                match owner.map(|owner| owner.name.clone()) {
                    Ok(name) => self.succeed(key, &name, now),
                    Err(reason) => self.fail(key, user.as_deref().unwrap_or_default(), reason, now),
                }
            }
            Step::Proved(user) => self.succeed(key, &user, now),
            Step::Failed { user, reason } => {
                let reason = match reason {
                    "wrong-password" if self.accounts.lacks_keys(&user) => "no-scram-keys",
                    "wrong-password" => self.truth_about(&user),
                    other => other,
                };
                self.fail(key, &user, reason, now);
            }
        }
    }

    fn charge(&mut self, caller: Caller, charge: &Charge, now: u64) {
        let limits = self.accounts.limits(&charge.account);
        let verdict = self.allowances.charge(charge, limits, now);
        self.tally.limited += u64::from(verdict != ipc::auth::Charged::Go);
        self.out.push((caller, FromAuthd::Charged { ticket: charge.ticket, verdict }));
    }
}

#[cfg(test)]
mod tests;
