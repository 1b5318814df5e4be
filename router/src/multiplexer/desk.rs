//! Which worker gets what next, and what follows when one dies. Pure: times are monotonic milliseconds.
//!
//! Questions go to the worker with the least in hand, in the order of [`Asks`]. Messages to expand go to at most half of
//! the workers, and questions to the others, so that a long list delays nobody's RCPT while another worker is there. What
//! a dead worker had in hand becomes a *suspect*: suspects go one by one to a worker that is kept free of other work, so
//! that the next death has one culprit.
//!
//! Invariants: a worker has no more in hand than it gave credits for; a worker that is kept free has one suspect in hand
//! or none; whatever was taken in is in a line, a suspect, in a hand, or has left by an answer or a [`Fallout`].

use super::asks::{Ask, Asks, Caller};
use super::blame::{Blame, DEATHS};
use super::expansions::Expansions;
use super::hands::{Bench, Hand, Task};
use ipc::router_worker::ToRouterWorker;
use ipc::supervisor::ChildNumber;
use proto::place::Place;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// Messages in the hands of one worker at most: they share a flush.
const EXPANSIONS: usize = 32;

/// How long a worker may be silent with work in hand, in milliseconds.
const SILENCE: u64 = 5 * 60_000;

/// Everything that is asked of the router and not answered yet.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) asks: Asks,
    pub(super) expansions: Expansions,
    pub(super) blame: Blame,
    explains: VecDeque<(u64, String)>,
    hands: BTreeMap<u64, Hand>,
    suspects: VecDeque<(u64, Task)>,
    free: Option<ChildNumber>,
    benches: BTreeMap<ChildNumber, Bench>,
    refused: Vec<Ask>,
    last: u64,
}

/// Something to give to a worker.
#[derive(Debug)]
pub(crate) struct Order {
    /// To whom.
    pub(crate) child: ChildNumber,
    /// What.
    pub(crate) message: ToRouterWorker,
}

/// What a death leaves behind, besides suspects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fallout {
    /// This question's address is guilty; it is to be answered "not now".
    Guilty(Ask),
    /// This message is guilty; it stays unexpanded.
    Quarantined(Place),
    /// This query of an administrator gets no answer.
    Unexplained(u64),
}

impl Desk {
    /// Nothing asked, no workers. `start` is UTC, for [`Expansions::new`].
    pub(crate) fn new(start: u64) -> Self {
        Self {
            asks: Asks::default(),
            expansions: Expansions::new(start),
            blame: Blame::default(),
            explains: VecDeque::new(),
            hands: BTreeMap::new(),
            suspects: VecDeque::new(),
            free: None,
            benches: BTreeMap::new(),
            refused: Vec::new(),
            last: 0,
        }
    }

    /// A caller asks.
    pub(crate) fn ask(&mut self, ask: Ask) {
        self.last += 1;
        self.asks.add(self.last, ask);
    }

    /// An administrator asks.
    pub(crate) fn explain(&mut self, query: u64, address: String) {
        self.explains.push_back((query, address));
    }

    /// A caller is gone.
    pub(crate) fn forget(&mut self, caller: Caller) {
        self.asks.forget(caller);
    }

    /// A worker is there.
    pub(crate) fn join(&mut self, child: ChildNumber, now: u64) {
        self.benches.insert(child, Bench { heard: now, ..Bench::default() });
    }

    /// A worker says something; with credits or without.
    pub(crate) fn heard(&mut self, child: ChildNumber, credits: u32, now: u64) {
        if let Some(bench) = self.benches.get_mut(&child) {
            bench.heard = now;
            bench.credits = bench.credits.saturating_add(credits);
        }
    }

    /// A worker is to get nothing more.
    pub(crate) fn close(&mut self, child: ChildNumber) {
        if let Some(bench) = self.benches.get_mut(&child) {
            bench.closed = true;
        }
    }

    /// A worker has answered. Gives the task, unless it was never its.
    pub(crate) fn settle(&mut self, child: ChildNumber, ticket: u64) -> Option<Task> {
        if self.hands.get(&ticket)?.child != child {
            return None;
        }
        let hand = self.hands.remove(&ticket)?;
        if let Some(bench) = self.benches.get_mut(&child) {
            bench.put_down(&hand.task);
        }
        if let Task::Ask = hand.task
            && let Some(ask) = self.asks.get(ticket)
        {
            self.blame.clear(&ask.address);
        }
        Some(hand.task)
    }

    /// A worker is gone, `died` unless by its own decision. What it had in hand is tried again.
    pub(crate) fn leave(&mut self, child: ChildNumber, died: bool, now: u64) -> Vec<Fallout> {
        self.benches.remove(&child);
        self.free = self.free.filter(|free| *free != child);
        let gone: Vec<(u64, Hand)> = self.hands.extract_if(.., |_, hand| hand.child == child).collect();
        if !died {
            gone.into_iter().rev().for_each(|(ticket, hand)| self.back(ticket, hand.task));
            return Vec::new();
        }
        self.count_death(&gone, now);
        gone.into_iter().filter_map(|(ticket, hand)| self.suspect(ticket, hand.task, now)).collect()
    }

    fn back(&mut self, ticket: u64, task: Task) {
        match task {
            Task::Ask => self.asks.back(ticket),
            Task::Expand(place) => self.expansions.back(place),
            Task::Explain(query, address) => self.explains.push_front((query, address)),
        }
    }

    /// A death counts once for each address, however many sessions asked about it.
    fn count_death(&mut self, gone: &[(u64, Hand)], now: u64) {
        let asks = gone.iter().filter(|(_, hand)| hand.task == Task::Ask);
        let addresses: HashSet<_> =
            asks.filter_map(|(ticket, _)| self.asks.get(*ticket)).map(|ask| &ask.address).collect();
        for address in addresses {
            self.blame.died(address, now);
        }
    }

    fn suspect(&mut self, ticket: u64, task: Task, now: u64) -> Option<Fallout> {
        match task {
            Task::Ask => {
                if self.blame.is_guilty(&self.asks.get(ticket)?.address, now) {
                    return self.asks.close(ticket).map(Fallout::Guilty);
                }
            }
            Task::Expand(place) if self.expansions.died(place, now) >= DEATHS => {
                return Some(Fallout::Quarantined(place));
            }
            Task::Expand(_) => {}
            Task::Explain(query, _) => return Some(Fallout::Unexplained(query)),
        }
        self.suspects.push_back((ticket, task));
        None
    }

    /// The next thing to give to a worker, until nothing can be given. Then look at [`Desk::refused`].
    pub(crate) fn hand_out(&mut self, now: u64) -> Option<Order> {
        self.give_suspect(now)
            .or_else(|| self.give_expansion(now))
            .or_else(|| self.give_explain(now))
            .or_else(|| self.give_ask(now))
    }

    /// Questions that are not given to any worker, because their address is guilty.
    pub(crate) fn refused(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.refused)
    }

    /// Workers that have had work in hand for long and say nothing.
    pub(crate) fn silent(&self, now: u64) -> Vec<ChildNumber> {
        let silent =
            |bench: &Bench| bench.held() > 0 && !bench.killed && now.saturating_sub(bench.heard) >= SILENCE;
        self.benches.iter().filter(|(_, bench)| silent(bench)).map(|(child, _)| *child).collect()
    }

    /// This worker's death was asked for.
    pub(crate) fn killed(&mut self, child: ChildNumber) {
        if let Some(bench) = self.benches.get_mut(&child) {
            (bench.killed, bench.closed) = (true, true);
        }
    }

    /// So many workers would be of use.
    pub(crate) fn wanted(&self) -> usize {
        let more = usize::from(!self.suspects.is_empty() || self.free.is_some());
        let expanding = usize::from(self.expansions.is_ready() || self.benches.values().any(Bench::expands));
        1 + more + expanding + self.asks.len() / 32
    }

    /// Take no further message to expand: it is left to the next multiplexer, which the writers will tell.
    pub(crate) fn drain(&mut self) {
        self.expansions.abandon();
    }

    /// Callers wait for nothing.
    pub(crate) fn is_answered(&self) -> bool {
        self.asks.len() == 0 && self.explains.is_empty() && self.hands.is_empty()
    }

    fn give_suspect(&mut self, now: u64) -> Option<Order> {
        if self.suspects.is_empty() {
            let done = self.free.is_none_or(|free| self.benches.get(&free).is_none_or(|b| b.held() == 0));
            if done {
                self.free = None;
            }
            return None;
        }
        let free = self.free.filter(|free| self.benches.get(free).is_some_and(|bench| !bench.closed));
        let open = self.benches.iter().filter(|(_, bench)| !bench.closed);
        let child = free.or_else(|| open.min_by_key(|(_, bench)| bench.held()).map(|(child, _)| *child))?;
        self.free = Some(child);
        if self.benches.get(&child).is_none_or(|bench| bench.held() > 0 || bench.credits == 0) {
            return None;
        }
        while let Some((ticket, task)) = self.suspects.pop_front() {
            if let Some(message) = self.message(ticket, &task, now) {
                return Some(self.give(child, ticket, task, message, now));
            }
        }
        None
    }

    fn give_expansion(&mut self, now: u64) -> Option<Order> {
        if !self.expansions.is_ready() {
            return None;
        }
        let open = || self.open_benches();
        let most = (open().count() / 2).max(1);
        let going_on =
            open().find(|(_, bench)| bench.expands() && bench.expansions < EXPANSIONS && bench.credits > 0);
        let another = || {
            let allowed = open().filter(|(_, bench)| bench.expands()).count() < most;
            let idle = open().filter(|(_, bench)| allowed && !bench.expands() && bench.credits > 0);
            idle.min_by_key(|(_, bench)| bench.held())
        };
        let child = going_on.or_else(another).map(|(child, _)| child)?;
        let place = self.expansions.next()?;
        self.last += 1;
        let ticket = self.last;
        let message = self.message(ticket, &Task::Expand(place), now)?;
        Some(self.give(child, ticket, Task::Expand(place), message, now))
    }

    fn give_explain(&mut self, now: u64) -> Option<Order> {
        let child = self.for_questions()?;
        let (query, address) = self.explains.pop_front()?;
        self.last += 1;
        let task = Task::Explain(query, address);
        let message = self.message(self.last, &task, now)?;
        Some(self.give(child, self.last, task, message, now))
    }

    fn give_ask(&mut self, now: u64) -> Option<Order> {
        let child = self.for_questions()?;
        while let Some((ticket, _)) = self.asks.next() {
            if let Some(message) = self.message(ticket, &Task::Ask, now) {
                return Some(self.give(child, ticket, Task::Ask, message, now));
            }
        }
        None
    }

    /// The worker that takes the next question: one that expands only if all do.
    fn for_questions(&self) -> Option<ChildNumber> {
        let spared = self.open_benches().any(|(_, bench)| !bench.expands());
        let takers = self.open_benches().filter(|(_, b)| b.credits > 0 && !(spared && b.expands()));
        takers.min_by_key(|(_, bench)| (bench.held(), bench.taken)).map(|(child, _)| child)
    }

    fn open_benches(&self) -> impl Iterator<Item = (ChildNumber, &Bench)> {
        let usable = |(child, bench): &(&ChildNumber, &Bench)| !bench.closed && Some(**child) != self.free;
        self.benches.iter().filter(usable).map(|(child, bench)| (*child, bench))
    }

    /// The words for a worker; `None` if nobody wants the answer, or the question is refused instead.
    fn message(&mut self, ticket: u64, task: &Task, now: u64) -> Option<ToRouterWorker> {
        match task {
            Task::Expand(place) => {
                let attempt = self.expansions.attempt();
                Some(ToRouterWorker::Expand { ticket, place: *place, attempt })
            }
            Task::Explain(_, address) => Some(ToRouterWorker::Explain { ticket, address: address.clone() }),
            Task::Ask => {
                let ask = self.asks.get(ticket)?;
                if self.blame.is_guilty(&ask.address, now) {
                    let ask = self.asks.close(ticket)?;
                    self.refused.push(ask);
                    return None;
                }
                let Ask { address, may_relay, client, members, .. } = ask.clone();
                Some(ToRouterWorker::Ask { ticket, address, may_relay, client, members })
            }
        }
    }

    fn give(
        &mut self,
        child: ChildNumber,
        ticket: u64,
        task: Task,
        message: ToRouterWorker,
        now: u64,
    ) -> Order {
        if let Some(bench) = self.benches.get_mut(&child) {
            bench.take_up(&task, now);
        }
        self.hands.insert(ticket, Hand { child, task });
        Order { child, message }
    }
}
