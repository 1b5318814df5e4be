//! What all callers share: the resolver, the book of questions under way, the figures, the fault switches.
//!
//! A lock is held for a few instructions and never while something is waited for.

use crate::desk::{Desk, Tally};
use crate::pace::Pace;
use crate::resolver::Resolver;
use farm::clock::microseconds;
use farm::fault::Faults;
use ipc::resolve::{Ask, Query, Reply, Resolved};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Where a caller's answers go. What is in it is bounded by the questions that the caller has open.
pub type Answers = UnboundedSender<Reply>;

/// The fault switch that lets a question be answered "temporary" at once.
pub const FAULT_ANSWER: &str = "answer";

/// What all callers share.
#[derive(Debug)]
pub struct Office {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    resolver: Resolver,
    desk: Desk<Answers>,
    pace: Pace,
    faults: Faults,
}

/// Figures for `grange status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// What happened so far.
    pub tally: Tally,
    /// Different questions under way.
    pub under_way: usize,
    /// Half of the last answers took at most so many microseconds.
    pub median: Option<u64>,
}

impl Office {
    /// Opens, with nothing under way.
    pub fn new(resolver: Resolver) -> Arc<Self> {
        let state =
            State { resolver, desk: Desk::default(), pace: Pace::default(), faults: Faults::default() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Takes a question; its answer comes through `answers`, soon or after the time-outs, in any case.
    pub fn take(self: &Arc<Self>, query: Query, answers: &Answers) {
        let mut state = self.lock();
        if !state.desk.put(answers.clone(), query.ticket, &query.ask) {
            return;
        }
        let strikes = state.faults.strikes(FAULT_ANSWER);
        let resolver = state.resolver.clone();
        drop(state);
        let office = Arc::clone(self);
        tokio::spawn(async move {
            let began = microseconds();
            let resolved = if strikes {
                Resolved::Temporary { why: "a fault switch is set".into() }
            } else {
                without_fail(resolver, query.ask.clone()).await
            };
            office.tell(&query.ask, &resolved, microseconds().saturating_sub(began));
        });
    }

    /// Later questions go to this resolver; those under way are answered by the one they went to.
    pub fn replace(&self, resolver: Resolver) {
        self.lock().resolver = resolver;
    }

    /// Arms a fault switch.
    pub fn arm(&self, point: &str, times: u32) {
        self.lock().faults.arm(point, times);
    }

    /// Figures for `grange status`.
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        Figures { tally: state.desk.tally(), under_way: state.desk.under_way(), median: state.pace.median() }
    }

    fn tell(&self, ask: &Ask, resolved: &Resolved, took: u64) {
        log::debug!("{ask:?}: {resolved:?} after {took} us");
        let told = {
            let mut state = self.lock();
            state.pace.note(took);
            state.desk.answered(ask, resolved)
        };
        for (caller, reply) in told {
            // A caller that has gone needs no answer.
            drop(caller.send(reply));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves in a task of its own, so that even a bug in there ends in an answer.
async fn without_fail(resolver: Resolver, ask: Ask) -> Resolved {
    let task = tokio::spawn(async move { resolver.resolve(&ask).await });
    task.await.unwrap_or_else(|_| Resolved::Temporary { why: "the resolver failed at this question".into() })
}
