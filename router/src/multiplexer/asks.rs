//! Open questions, and whose turn it is.
//!
//! A session has one question open; a newer one of the same session takes the place of the older. So a queue per caller
//! with one question per session, and turns between callers, is fair to sessions and to callers: one with 5,000
//! recipients delays another by one question at a time.
//!
//! Invariant: `latest` names, for each session, a question in `open`. A number in a line whose question is no longer
//! open is stale, and skipped when its turn comes.

use farm::farm::FairQueue;
use proto::address::Mailbox;
use std::collections::HashMap;

/// The multiplexer's number for a caller's channel; never reused.
pub(crate) type Caller = usize;

/// A question as a caller asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Who asks.
    pub(crate) caller: Caller,
    /// For which of its sessions.
    pub(crate) session: u64,
    /// The caller's ticket.
    pub(crate) ticket: u64,
    /// About whom.
    pub(crate) address: Option<Mailbox>,
    /// The client may send to any domain.
    pub(crate) may_relay: bool,
    /// The client, for the words of a refusal.
    pub(crate) client: String,
    /// The members of a list are wanted, too.
    pub(crate) members: bool,
    /// When it came, monotonic.
    pub(crate) asked: u64,
}

#[derive(Debug)]
struct Open {
    ask: Ask,
    /// Not in a line any more: in the hands of a worker, or set aside.
    out: bool,
}

/// All questions that have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    open: HashMap<u64, Open>,
    latest: HashMap<(Caller, u64), u64>,
    lines: FairQueue<Caller, u64>,
}

impl Asks {
    /// Takes a question under a new number. It takes the place of an older one of its session.
    pub(crate) fn add(&mut self, number: u64, ask: Ask) {
        let key = (ask.caller, ask.session);
        if let Some(older) = self.latest.get(&key).copied() {
            log::debug!("caller {}: session {:x} asks before its answer has come", key.0, key.1);
            match self.open.get_mut(&older) {
                Some(open) if !open.out => {
                    open.ask = ask;
                    return;
                }
                _ => drop(self.open.remove(&older)),
            }
        }
        self.latest.insert(key, number);
        self.lines.push(ask.caller, number);
        self.open.insert(number, Open { ask, out: false });
    }

    /// Takes the next question out of its line.
    pub(crate) fn next(&mut self) -> Option<(u64, &Ask)> {
        let number = loop {
            let (_, number) = self.lines.pop()?;
            if self.open.contains_key(&number) {
                break number;
            }
        };
        let open = self.open.get_mut(&number)?;
        open.out = true;
        Some((number, &open.ask))
    }

    /// Puts a question that was taken out back at the head of its line.
    pub(crate) fn back(&mut self, number: u64) {
        if let Some(open) = self.open.get_mut(&number).filter(|open| open.out) {
            open.out = false;
            self.lines.push_front(open.ask.caller, number);
        }
    }

    /// A question, unless nobody wants its answer any more.
    pub(crate) fn get(&self, number: u64) -> Option<&Ask> {
        self.open.get(&number).map(|open| &open.ask)
    }

    /// Closes a question: it is answered.
    pub(crate) fn close(&mut self, number: u64) -> Option<Ask> {
        let ask = self.open.remove(&number)?.ask;
        self.latest.remove(&(ask.caller, ask.session));
        Some(ask)
    }

    /// The session is over.
    pub(crate) fn withdraw(&mut self, caller: Caller, session: u64) {
        if let Some(number) = self.latest.remove(&(caller, session)) {
            self.open.remove(&number);
        }
    }

    /// The caller is gone.
    pub(crate) fn forget(&mut self, caller: Caller) {
        self.lines.remove(caller);
        self.open.retain(|_, open| open.ask.caller != caller);
        self.latest.retain(|(other, _), _| *other != caller);
    }

    /// Numbers in the line of a caller, stale ones included.
    pub(crate) fn waiting_of(&self, caller: Caller) -> usize {
        self.lines.waiting(caller)
    }

    /// Numbers in all lines.
    pub(crate) fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// Questions without an answer.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// When the oldest of them came.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.open.values().map(|open| open.ask.asked).min()
    }
}
