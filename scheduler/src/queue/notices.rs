//! Failures of one message are collected, so that the sender gets one notice and not fifty.
//!
//! A notice goes when nothing else of the message is in flight or untried, and at the latest
//! [`Policy::notice_window`](super::Policy::notice_window) after the first failure. Until then the recipients count as
//! failed here but are open on disk; a crash lets them fail again.

use super::action::{Action, Notice};
use super::agenda::Item;
use super::message::Message;
use super::state::Queue;
use super::store::Key;
use super::thread::Thread;
use proto::disposition::Disposition;
use std::sync::Arc;

/// Failures that no notice has reported yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) due: u64,
    pub(super) failed: Vec<Failure>,
}

/// One failed recipient, with the thread that it failed in.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) channel: Arc<str>,
    pub(super) host: Arc<str>,
    pub(super) index: u32,
    pub(super) disposition: Disposition,
}

impl Queue {
    /// Notes a failure for the next notice of its message.
    pub(super) fn collect(
        &mut self,
        message: Key<Message>,
        thread: Key<Thread>,
        index: u32,
        disposition: Disposition,
    ) {
        let due = self.now.saturating_add(self.policy.notice_window);
        let (channel, host) = self.names_of(thread);
        let agenda = &mut self.agenda;
        let pending = self.pending.entry(message).or_insert_with(|| {
            agenda.add(due, Item::Notice(message));
            Pending { due, failed: Vec::new() }
        });
        pending.failed.push(Failure { channel, host, index, disposition });
    }

    /// Reports what has failed, unless more may follow soon.
    pub(super) fn notify_if_quiet(&mut self, message: Key<Message>) {
        if self.messages[message].busy == 0 {
            self.notify(message);
        }
    }

    /// Reports what has failed.
    pub(super) fn notify(&mut self, message: Key<Message>) {
        let Some(pending) = self.pending.remove(&message) else { return };
        self.agenda.remove(pending.due, Item::Notice(message));
        let failed = pending.failed.into_iter().map(|failure| (failure.index, failure.disposition)).collect();
        let (message, place) = self.name_of(message);
        self.actions.push_back(Action::Notify(Notice { message, place, failed }));
    }
}
