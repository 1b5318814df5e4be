//! `queue list`: a message per line, in parts, so that a long queue does not stop the mail.

use super::select::{is_address, is_under};
use super::{end, show};
use crate::queue::{Filter, Line, State};
use crate::state::Scheduler;
use ipc::control::{End, QueueLine};
use proto::id::SpoolId;
use proto::place::Place;
use spool::Entry;

/// Messages looked at per turn of the loop.
const PART: usize = 500;

/// A listing under way.
#[derive(Debug)]
pub(crate) struct Listing {
    host: Option<String>,
    sender: Option<String>,
    recipient: Option<String>,
    left: u64,
    count: u64,
    stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Messages that wait for the router, after this place.
    Unrouted(Option<Place>),
    /// The queue, after this message.
    Queue(Option<SpoolId>),
}

impl Listing {
    pub(super) fn new(
        host: Option<String>,
        sender: Option<String>,
        recipient: Option<String>,
        limit: Option<u64>,
    ) -> Self {
        let left = limit.unwrap_or(u64::MAX);
        Self { host, sender, recipient, left, count: 0, stage: Stage::Unrouted(None) }
    }

    /// The next lines; `true` with the last ones, which the end line closes.
    pub(crate) fn step(&mut self, scheduler: &mut Scheduler) -> (Vec<String>, bool) {
        let (found, next) = match self.stage {
            Stage::Unrouted(after) => self.unrouted(scheduler, after),
            Stage::Queue(after) => self.queued(scheduler, after),
        };
        let found = found.into_iter().take(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut lines: Vec<String> =
            found.map(|line| serde_json::to_string(&line).unwrap_or_default()).collect();
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.count += count;
        self.left -= count;
        match next.filter(|_| self.left > 0) {
            Some(next) => {
                self.stage = next;
                (lines, false)
            }
            None => {
                lines.push(end(&End::done(self.count)));
                (lines, true)
            }
        }
    }

    fn unrouted(&self, scheduler: &mut Scheduler, after: Option<Place>) -> (Vec<QueueLine>, Option<Stage>) {
        let all = scheduler.unrouted.after(after);
        let part: Vec<(Place, Option<String>)> =
            all.map(|(place, message)| (place, message.why_held().map(str::to_owned))).take(PART).collect();
        let next = match part.last() {
            Some(&(place, _)) if part.len() == PART => Stage::Unrouted(Some(place)),
            _ => Stage::Queue(None),
        };
        let mut lines = Vec::new();
        for (place, held) in part {
            let Ok(entry) = scheduler.records.get(&mut scheduler.spool, place) else { continue };
            let addresses = entry.envelope.recipients.iter().map(|recipient| recipient.address.to_string());
            if self.host.is_none() && self.wants(&entry, addresses) {
                lines.push(show::unrouted_line(&entry, held.as_deref()));
            }
        }
        (lines, Some(next))
    }

    fn queued(&self, scheduler: &mut Scheduler, after: Option<SpoolId>) -> (Vec<QueueLine>, Option<Stage>) {
        let page = scheduler.queue.list(&Filter::default(), after, PART);
        let mut lines = Vec::new();
        for vertices in page.lines.chunk_by(|a, b| a.message == b.message) {
            lines.extend(self.queue_line(scheduler, vertices));
        }
        (lines, page.next.map(|next| Stage::Queue(Some(next))))
    }

    fn queue_line(&self, scheduler: &mut Scheduler, vertices: &[Line]) -> Option<QueueLine> {
        let place = vertices.first()?.place;
        let of_host = |line: &&Line| self.host.as_ref().is_none_or(|host| is_under(&line.host, host));
        let chosen: Vec<&Line> = vertices.iter().filter(of_host).collect();
        if chosen.is_empty() {
            return None;
        }
        let entry = scheduler.records.get(&mut scheduler.spool, place).ok()?;
        let indexes = chosen.iter().flat_map(|line| &line.recipients);
        let open: Vec<String> = indexes
            .filter_map(|&index| Some(scheduler.recipient(&entry, index)?.address.to_string()))
            .collect();
        self.wants(&entry, open.iter().cloned()).then(|| queue_line(&entry, &chosen, &open))
    }

    fn wants(&self, entry: &Entry, mut recipients: impl Iterator<Item = String>) -> bool {
        let from = entry.envelope.from.to_string();
        self.sender.as_ref().is_none_or(|sender| is_address(&from, sender))
            && self.recipient.as_ref().is_none_or(|wanted| recipients.any(|open| is_address(&open, wanted)))
    }
}

/// One line for the vertices of a message, after the one that is furthest.
pub(super) fn queue_line(entry: &Entry, vertices: &[&Line], open: &[String]) -> QueueLine {
    let rank = |line: &&&Line| match line.state {
        State::InFlight => 0,
        State::Ready => 1,
        State::Waiting => 2,
        State::Held => 3,
    };
    let first = vertices.iter().min_by_key(|line| (rank(line), line.next));
    QueueLine {
        id: entry.id.to_string(),
        received: entry.envelope.received,
        size: entry.envelope.shape.size,
        from: entry.envelope.from.to_string(),
        to: open.first().map(|address| format!("<{address}>")).unwrap_or_default(),
        open: u64::try_from(open.len()).unwrap_or(u64::MAX),
        state: first.map(|line| show::state_word(line.state)).unwrap_or_default().to_owned(),
        next: first.and_then(|line| line.next),
        why: first.map(|line| line.why.to_string()).unwrap_or_default(),
    }
}
