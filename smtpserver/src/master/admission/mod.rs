//! Who may come in. Pure: it takes what happens and the time, and says what is to be done.
//!
//! | module | decides |
//! |---|---|
//! | [`group`], [`counts`], [`rates`] | what one client is; how many sessions it has; how often it connects |
//! | [`rules`], [`findings`] | what each rule says; what follows from all of them |
//! | [`meeting`], [`learning`], [`concluding`] | the examination: first look, what is awaited, its end |
//! | [`candidate`] | what is still awaited of one client |
//! | [`remembered`] | answers and clients that are not asked for again |
//! | [`settings`] | the configuration of it |
//!
//! The order: sessions in all, sessions of the client, the access table by address (`accept` ends the examination),
//! relay networks (end it), rate; then, unless the client passed of late, silence, lists and the name at the same time;
//! the access table by name. A client that is refused for good, or has points, may wait in the tarpit first.
//!
//! Invariants: everything that is kept is bounded; a question of the DNS is asked once for all who want to know;
//! whoever is held is told about within the greeting delay, the time for lists and the tarpit.

mod candidate;
mod concluding;
mod counts;
mod findings;
mod group;
mod learning;
mod meeting;
mod rates;
mod remembered;
mod rules;
mod settings;

pub(crate) use candidate::Who;
pub(crate) use counts::Limits;
pub(crate) use findings::Refusal;
pub(crate) use settings::{Scrutiny, Settings};

use candidate::Candidate;
use counts::Counts;
use farm::tables::{AccessTable, Lookup};
use farm::timers::Timers;
use ipc::resolve::Ask;
use ipc::smtp_worker::{Consulted, Reason};
use rates::Rates;
use remembered::Remembered;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The state of admission.
#[derive(Debug)]
pub(crate) struct Admission {
    settings: Settings,
    access: Lookup<Arc<AccessTable>>,
    counts: Counts,
    rates: Rates,
    /// Clients that passed of late, by group.
    passed: Remembered<IpAddr, ()>,
    answers: Remembered<Ask, Known>,
    candidates: HashMap<Who, Candidate>,
    /// Who waits for which answer.
    asked: HashMap<Ask, Vec<Who>>,
    timers: Timers<Who>,
    /// Candidates in the tarpit.
    tarpitted: usize,
    actions: VecDeque<Action>,
}

/// What the DNS said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Codes(Vec<Ipv4Addr>),
    Name(Option<String>),
}

/// What is to be done with a client that has just come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Met {
    /// Let it in; it has this name.
    Pass(Option<String>),
    /// Turn it away; [`Admission::leave`] follows with its address.
    Refuse(Refusal),
    /// Hold it; an [`Action`] follows, unless it hangs up.
    Hold,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask the DNS; the answer goes to [`Admission::answered`], in any case and soon.
    Ask(Ask),
    /// Let the held client in.
    Pass { session: u64, name: Option<String> },
    /// Turn the held client away; [`Admission::leave`] follows with its address.
    Refuse { session: u64, name: Option<String>, refusal: Refusal },
    /// Say in the journal what a rule would have done.
    Warn { client: IpAddr, name: Option<String>, reason: Reason },
    /// Say in the journal that a client was let go on without these answers.
    Unanswered { client: IpAddr, questions: Vec<Ask> },
    /// Tell a worker.
    Consulted { child: u32, consulted: Consulted },
}

/// Clients that passed and are remembered, and answers of the DNS that are kept; beyond, the oldest is forgotten.
const MOST_REMEMBERED: usize = 65_536;

/// Clients in the tarpit at once; beyond, a client is told at once.
const MOST_TARPITTED: usize = 1_000;

impl Admission {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            counts: Counts::new(settings.limits),
            settings,
            access: Lookup::NotFound,
            rates: Rates::new(),
            passed: Remembered::new(MOST_REMEMBERED),
            answers: Remembered::new(MOST_REMEMBERED),
            candidates: HashMap::new(),
            asked: HashMap::new(),
            timers: Timers::new(),
            tarpitted: 0,
            actions: VecDeque::new(),
        }
    }

    /// New settings; whoever is under examination or in stays so.
    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.counts.set_limits(settings.limits);
        if self.settings.config != settings.config {
            self.passed.clear();
        }
        if self.settings.config.client_rate != settings.config.client_rate {
            self.rates.clear();
        }
        self.settings = settings;
    }

    /// The access table; "not found" means that there is none.
    pub(crate) fn set_access(&mut self, access: Lookup<Arc<AccessTable>>) {
        self.access = access;
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Open sessions, the held ones among them.
    pub(crate) fn open(&self) -> u32 {
        self.counts.open()
    }

    /// Clients under examination or in the tarpit.
    #[cfg(test)]
    fn held(&self) -> usize {
        self.candidates.len()
    }

    /// Somebody knocks; then [`Admission::leave`] must follow in the end.
    ///
    /// # Errors
    /// There is no place; nothing must follow.
    pub(crate) fn enter(&mut self) -> Result<(), Refusal> {
        if self.counts.enter() {
            return Ok(());
        }
        Err(rules::full(self.counts.open(), self.settings.limits))
    }

    /// A session is over; `None` if its client never became known, or is a local program.
    pub(crate) fn leave(&mut self, client: Option<IpAddr>) {
        self.counts.leave(client);
    }

    /// The next thing to do.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Admission::tick`] has something to do although nothing happened.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.timers.next_at()
    }

    /// The held client has hung up; [`Admission::leave`] follows.
    pub(crate) fn gone(&mut self, session: u64) {
        self.remove(Who::Session(session));
    }

    /// The worker is gone, and what it wanted to know with it.
    pub(crate) fn forget_worker(&mut self, child: u32) {
        let of_it = |who: &Who| matches!(who, Who::Worker { child: asking, .. } if *asking == child);
        let gone: Vec<Who> = self.candidates.keys().filter(|who| of_it(who)).copied().collect();
        gone.into_iter().for_each(|who| drop(self.remove(who)));
    }

    fn remove(&mut self, who: Who) -> Option<Candidate> {
        self.timers.cancel(who);
        let candidate = self.candidates.remove(&who)?;
        self.tarpitted -= usize::from(candidate.tarpit.is_some());
        Some(candidate)
    }
}

#[cfg(test)]
mod tests;
