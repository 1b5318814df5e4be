//! What all states of a session share.

use super::envelope::Envelope;
use super::{Action, Features, Settings, Stage, Transaction};
use crate::disposition::Disposition;
use std::collections::VecDeque;

/// Settings, what the server offers, the actions not yet taken by the shell, and the time.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) features: Features,
    /// The connection is under TLS; whether the server has proved its name, else why not.
    pub(super) secured: Option<Result<(), String>>,
    /// Transactions for which a command was sent.
    pub(super) begun: u64,
    /// The transaction whose commands were sent behind the one under way.
    pub(super) next: Option<Box<Envelope>>,
    outbox: VecDeque<Action>,
    now: u64,
    deadline: Option<u64>,
}

impl Context {
    pub(super) fn new(settings: Settings, now: u64) -> Self {
        let features = Features::default();
        let outbox = VecDeque::new();
        Self { settings, features, secured: None, begun: 0, next: None, outbox, now, deadline: None }
    }

    /// Why the server cannot have a transaction.
    pub(super) fn refusal(&self, transaction: &Transaction) -> Option<Disposition> {
        let verified = matches!(self.secured, Some(Ok(())));
        let mut disposition = self.features.refusal(transaction, verified)?;
        disposition.remote.clone_from(&self.settings.peer);
        Some(disposition)
    }

    /// Whether the server takes no transaction behind those that were begun.
    pub(super) fn is_spent(&self) -> bool {
        self.features.transactions.is_some_and(|most| self.begun >= most)
    }

    /// Time goes forward only.
    pub(super) fn set_time(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    /// Sets the deadline for what happens at `stage`.
    pub(super) fn wait(&mut self, stage: Stage) {
        let timeout = self.settings.timeouts.of(stage);
        let milliseconds = timeout.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        self.deadline = milliseconds.map(|limit| self.now.saturating_add(limit));
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.now >= deadline)
    }

    pub(super) fn send(&mut self, octets: impl Into<Vec<u8>>) {
        self.push(Action::Send(octets.into()));
    }

    pub(super) fn push(&mut self, action: Action) {
        self.outbox.push_back(action);
    }

    pub(super) fn pop(&mut self) -> Option<Action> {
        self.outbox.pop_front()
    }

    pub(super) fn has_actions(&self) -> bool {
        !self.outbox.is_empty()
    }
}
