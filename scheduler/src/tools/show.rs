//! `queue show` and `queue cat`: one message.

use super::listing::queue_line;
use super::{end, refusal};
use crate::intake::{EXPANDED, Expanded};
use crate::queue::{Line, State};
use crate::state::Scheduler;
use farm::exit::{Exit, Fatal};
use ipc::control::{End, QueueContent, QueueLine, QueueMessage, QueueRecipient};
use proto::envelope::Recipient;
use proto::place::Place;
use serde_json::to_string;
use spool::Entry;
use std::collections::HashMap;

/// What is said about a message that waits for the router.
const ROUTING: &str = "waits for the router to say where it goes";

/// The word for a state in answers.
pub(super) const fn state_word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Waiting => "waiting",
        State::InFlight => "in-flight",
        State::Held => "held",
    }
}

/// The line of a message that waits for the router.
pub(super) fn unrouted_line(entry: &Entry, held: Option<&str>) -> QueueLine {
    let envelope = &entry.envelope;
    QueueLine {
        id: entry.id.to_string(),
        received: envelope.received,
        size: envelope.shape.size,
        from: envelope.from.to_string(),
        to: envelope.recipients.first().map(|first| format!("<{}>", first.address)).unwrap_or_default(),
        open: u64::try_from(envelope.recipients.len()).unwrap_or(u64::MAX),
        state: if held.is_some() { "held" } else { "routing" }.to_owned(),
        next: None,
        why: held.map_or_else(|| ROUTING.to_owned(), |why| format!("held: {why}")),
    }
}

impl Scheduler {
    /// All about one message.
    pub(super) fn show(&mut self, id: &str) -> Vec<String> {
        let id = match self.find(id) {
            Ok(id) => id,
            Err(why) => return refusal(&why),
        };
        let lines = self.queue.lines(id);
        let place = lines.first().map(|line| line.place).or_else(|| self.unrouted.find(id));
        let Some(place) = place else { return refusal(&finished(id)) };
        let entry = match self.records.get(&mut self.spool, place) {
            Ok(entry) => entry,
            Err(error) => return refusal(&Fatal::new(Exit::Io, error.to_string())),
        };
        let message = if self.unrouted.contains(place) {
            self.show_unrouted(&entry)
        } else {
            self.show_queued(&entry, &lines)
        };
        let done = End::done(1);
        vec![to_string(&message).unwrap_or_default(), end(&done)]
    }

    fn show_unrouted(&self, entry: &Entry) -> QueueMessage {
        let found = self.unrouted.iter().find(|(place, _)| *place == entry.place);
        let line = unrouted_line(entry, found.and_then(|(_, message)| message.why_held()));
        let recipients = (0..).zip(&entry.envelope.recipients).map(|(index, recipient)| QueueRecipient {
            state: line.state.clone(),
            why: line.why.clone(),
            ..nothing_known(index, recipient)
        });
        let recipients = recipients.collect();
        QueueMessage { line, place: entry.place, recipients }
    }

    fn show_queued(&self, entry: &Entry, lines: &[Line]) -> QueueMessage {
        let vertices: Vec<&Line> = lines.iter().collect();
        let own = (0..).zip(entry.envelope.recipients.iter().cloned());
        let expanded = self.expanded.get(&entry.place).into_iter().flat_map(Expanded::iter);
        let expanded = expanded.filter_map(|kept| Some((kept.index, kept.recipient()?)));
        // A recipient that was expanded is not one any more.
        let own = own.filter(|(_, recipient)| recipient.route.is_some());
        let mut open: HashMap<u32, &Line> = HashMap::new();
        for line in lines {
            open.extend(line.recipients.iter().map(|&index| (index, line)));
        }
        let recipients = own.chain(expanded);
        let recipients: Vec<QueueRecipient> = recipients
            .map(|(index, recipient)| recipient_line(index, &recipient, open.get(&index).copied()))
            .collect();
        let indexes = lines.iter().flat_map(|line| &line.recipients);
        let open: Vec<String> =
            indexes.filter_map(|&index| Some(self.recipient(entry, index)?.address.to_string())).collect();
        QueueMessage { line: queue_line(entry, &vertices, &open), place: entry.place, recipients }
    }

    /// Where the content of a message lies.
    pub(super) fn cat(&mut self, id: &str) -> Vec<String> {
        let place = self.find(id).map(|id| {
            let first = self.queue.lines(id).first().map(|line| line.place);
            first.or_else(|| self.unrouted.find(id))
        });
        match place {
            Ok(Some(place)) => content(place),
            Ok(None) => refusal(&finished(id)),
            Err(why) => refusal(&why),
        }
    }
}

fn finished(id: impl std::fmt::Display) -> Fatal {
    Fatal::new(Exit::NoInput, format!("{id} is just finished"))
}

fn content(place: Place) -> Vec<String> {
    let done = End::done(1);
    vec![to_string(&QueueContent { place }).unwrap_or_default(), end(&done)]
}

fn nothing_known(index: u32, recipient: &Recipient) -> QueueRecipient {
    QueueRecipient {
        // People count the expanded ones after a million; nobody has that many of their own.
        index: if index >= EXPANDED { index - EXPANDED + 1_000_000 } else { index },
        address: format!("<{}>", recipient.address),
        route: recipient.route.as_ref().map(|r| format!("{}!{}", r.channel, r.host)).unwrap_or_default(),
        state: String::new(),
        next: None,
        attempts: 0,
        why: String::new(),
    }
}

fn recipient_line(index: u32, recipient: &Recipient, line: Option<&Line>) -> QueueRecipient {
    let shown = nothing_known(index, recipient);
    match line {
        Some(line) => QueueRecipient {
            state: state_word(line.state).to_owned(),
            next: line.next,
            attempts: line.attempts.into(),
            why: line.why.to_string(),
            ..shown
        },
        None => QueueRecipient {
            state: "done".to_owned(),
            why: "delivered, failed or removed; the journal says which".to_owned(),
            ..shown
        },
    }
}
