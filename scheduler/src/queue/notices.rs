//! What became of the recipients of one message is collected, so that the sender gets one notice and not fifty.
//!
//! A notice goes when nothing else of the message is in flight or untried, and at the latest
//! [`Policy::notice_window`](super::Policy::notice_window) after the first failure. Until then the recipients count as
//! failed here but are open on disk; a crash lets them fail again. Who was reached must not be reached twice: that is
//! told with the next tick, and goes to the log in the turn in which it was heard.

use super::action::{Action, Notice, Record, Telling};
use super::agenda::Item;
use super::arrival::Leg;
use super::message::Message;
use super::state::Queue;
use super::store::Key;
use proto::disposition::{Disposition, Outcome, Reach};
use proto::status::Status;
use std::sync::Arc;

/// Ends that no notice has reported yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) due: u64,
    pub(super) ends: Vec<End>,
}

/// What became of one recipient, and in which thread.
#[derive(Debug)]
pub(super) struct End {
    pub(super) channel: Arc<str>,
    pub(super) host: Arc<str>,
    pub(super) index: u32,
    pub(super) disposition: Disposition,
}

impl Queue {
    /// Notes an end, on this channel and host, for the next notice of its message.
    pub(super) fn collect(
        &mut self,
        message: Key<Message>,
        (channel, host): (Arc<str>, Arc<str>),
        index: u32,
        disposition: Disposition,
    ) {
        let reached = disposition.outcome == Outcome::Delivered && disposition.reach != Reach::Expanded;
        let window = if reached { 0 } else { self.policy.notice_window };
        let due = self.now.saturating_add(window);
        let agenda = &mut self.agenda;
        let pending = self.pending.entry(message).or_insert_with(|| {
            agenda.add(due, Item::Notice(message));
            Pending { due, ends: Vec::new() }
        });
        if due < pending.due {
            agenda.remove(pending.due, Item::Notice(message));
            agenda.add(due, Item::Notice(message));
            pending.due = due;
        }
        pending.ends.push(End { channel, host, index, disposition });
    }

    /// These recipients stand for aliases and lists that have become others: nothing is sent to them, and the sender hears
    /// of it who wants to (RFC 3461 section 5.2.7).
    pub(super) fn expanded(&mut self, key: Key<Message>, leg: &Leg) {
        let count = u64::try_from(leg.recipients.len()).unwrap_or(u64::MAX);
        self.counters.accepted += count;
        self.counters.delivered += count;
        let words = "it stands for several recipients, to whom the message goes on";
        let expanded = Disposition::local(Outcome::Delivered, Status::OK, words);
        let expanded = Disposition { reach: Reach::Expanded, ..expanded };
        if !self.messages[key].notify || !self.tells_success(key, Reach::Expanded) {
            let (message, place) = self.name_of(key);
            let recipients = leg.recipients.clone();
            return self.actions.push_back(Action::Record(Record::Done { message, place, recipients }));
        }
        let names: (Arc<str>, Arc<str>) = (leg.channel.as_str().into(), leg.host.as_str().into());
        for &index in &leg.recipients {
            self.collect(key, names.clone(), index, expanded.clone());
        }
    }

    /// Reports what has ended, unless more may follow soon.
    pub(super) fn notify_if_quiet(&mut self, message: Key<Message>) {
        if self.messages[message].busy == 0 {
            self.notify(message);
        }
    }

    /// Reports what has ended.
    pub(super) fn notify(&mut self, message: Key<Message>) {
        let Some(pending) = self.pending.remove(&message) else { return };
        self.agenda.remove(pending.due, Item::Notice(message));
        let reported = pending.ends.into_iter().map(|end| (end.index, end.disposition)).collect();
        let (message, place) = self.name_of(message);
        let notice = Notice { message, place, telling: Telling::Ends, reported, until: None };
        self.actions.push_back(Action::Notify(notice));
    }
}
