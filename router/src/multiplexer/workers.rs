//! The farm of workers: feeding them, hearing what they say, what follows their deaths.

use super::blame::DEATHS;
use super::desk::{Fallout, Order};
use super::hands::Task;
use super::run::{Multiplexer, worker_token};
use farm::channel::Channel;
use farm::exit::Exit;
use farm::farm::Action;
use farm::journal::{Attempt, Event, MessageEvent, ProgramEvent};
use ipc::Role;
use ipc::control::End;
use ipc::router_worker::{FromRouterWorker, ToRouterWorker};
use ipc::supervisor::{ChildNumber, FromChild};
use proto::address::Mailbox;
use proto::disposition::{Disposition, Outcome};
use proto::place::Place;
use proto::status::Status;
use spool::Spool;
use std::os::fd::OwnedFd;

/// The channel to a worker.
pub(super) type WorkerChannel = Channel<ToRouterWorker, FromRouterWorker>;

/// How long workers that are of no use any more are kept, in milliseconds.
const KEEP: u64 = 60_000;

/// How many workers are wanted: raised at once, lowered after a while.
#[derive(Debug, Default)]
pub(super) struct Demand {
    wanted: usize,
    until: u64,
    lower: bool,
}

impl Demand {
    fn set(&mut self, wanted: usize, now: u64) -> usize {
        if wanted >= self.wanted || now >= self.until {
            (self.wanted, self.until) = (wanted, now + KEEP);
        }
        self.lower = wanted < self.wanted;
        self.wanted
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.lower.then_some(self.until)
    }
}

/// What a fault switch has made deadly.
#[derive(Debug, Default)]
pub(super) struct Deadly {
    address: Option<Mailbox>,
    place: Option<Place>,
}

impl Multiplexer {
    /// Carries out what the farm decides.
    pub(super) fn tend(&mut self) {
        let now = self.event_loop.now().mono;
        for child in self.desk.silent(now) {
            log::error!("worker {child} has been silent for minutes with work in hand");
            self.kill(child);
        }
        let wanted = self.demand.set(self.desk.wanted(), now);
        self.farm.want(wanted);
        self.drain_idle_farm();
        self.farm.tick(now);
        while let Some(action) = self.farm.poll() {
            match action {
                Action::Spawn { ticket } => self.tell(&FromChild::Spawn { ticket, role: Role::RouterWorker }),
                Action::Drain { child } => {
                    self.desk.close(child);
                    self.send(child, &ToRouterWorker::Drain);
                }
                Action::Kill { child } => self.kill(child),
                Action::Report(report) => self.note(ProgramEvent::Farm(&report)),
            }
        }
    }

    fn kill(&mut self, child: ChildNumber) {
        self.desk.killed(child);
        self.tell(&FromChild::Kill { child });
    }

    fn send(&mut self, child: ChildNumber, message: &ToRouterWorker) {
        if let Some(channel) = self.workers.get_mut(&child)
            && let Err(error) = channel.send(message)
        {
            log::error!("worker {child}: {error}");
            self.kill(child);
        }
    }

    /// Gives out what can be given.
    pub(super) fn feed(&mut self) {
        let now = self.event_loop.now().mono;
        while let Some(Order { child, message }) = self.desk.hand_out(now) {
            self.farm.took(child);
            if self.is_to_crash(&message) {
                self.kill(child);
            } else {
                self.send(child, &message);
            }
        }
        for ask in self.desk.refused() {
            self.answer_guilty(&ask);
        }
    }

    /// The fault switches `router/crash` (a question about `crash...@`) and `router/crash-expand` (a message): a strike
    /// makes that address or message deadly until it is put aside, so that its worker dies in the moment in which it gets
    /// it. They are kept here because a new worker would know nothing of them.
    fn is_to_crash(&mut self, message: &ToRouterWorker) -> bool {
        let Deadly { address, place } = &mut self.deadly;
        match message {
            ToRouterWorker::Ask { address: Some(asked), .. } if asked.local_part().starts_with("crash") => {
                if self.faults.strikes("crash") {
                    *address = Some(asked.clone());
                }
                address.as_ref() == Some(asked)
            }
            ToRouterWorker::Expand { place: wanted, .. } => {
                if self.faults.strikes("crash-expand") {
                    *place = Some(*wanted);
                }
                *place == Some(*wanted)
            }
            _ => false,
        }
    }

    /// Writes to every worker what was collected in this turn: a batch is one frame.
    pub(super) fn flush_workers(&mut self) {
        for channel in self.workers.values_mut().filter(|channel| !channel.is_flushed()) {
            let _its_end_is_told = channel.flush();
        }
    }

    /// The supervisor has started a worker for us.
    pub(super) fn spawned(&mut self, ticket: u64, child: ChildNumber, descriptor: Option<OwnedFd>) {
        let now = self.event_loop.now().mono;
        let channel = descriptor.and_then(|descriptor| WorkerChannel::from_descriptor(descriptor).ok());
        let watched =
            channel.filter(|channel| self.event_loop.watch_readable(channel, worker_token(child)).is_ok());
        let Some(channel) = watched else {
            self.farm.spawn_failed(ticket, "its channel cannot be watched", now);
            return self.tell(&FromChild::Kill { child });
        };
        self.workers.insert(child, channel);
        self.farm.spawned(ticket, child, now);
        self.desk.join(child, now);
    }

    /// What a worker says.
    pub(super) fn hear_worker(&mut self, child: ChildNumber) {
        let Some(channel) = self.workers.get_mut(&child) else { return };
        let batch = match channel.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("worker {child}: {error}");
                return self.kill(child);
            }
        };
        self.desk.heard(child, 0, self.event_loop.now().mono);
        for received in batch.messages {
            self.hear(child, received.message);
        }
        if batch.ended {
            // Its exit is told by the supervisor; until then it gets nothing more.
            self.desk.close(child);
        }
    }

    fn hear(&mut self, child: ChildNumber, message: FromRouterWorker) {
        match message {
            FromRouterWorker::Hungry { credits } => {
                self.desk.heard(child, credits, self.event_loop.now().mono);
                self.farm.hungry(child, credits);
            }
            FromRouterWorker::Verdict { ticket, generation, verdict, whole_domain, members } => {
                self.generation = generation;
                if let Some(Task::Ask) = self.settle(child, ticket)
                    && let Some(ask) = self.desk.asks.close(ticket)
                {
                    self.answer(&ask, verdict, whole_domain, members);
                }
            }
            FromRouterWorker::Expanded { ticket, recipients } => {
                if let Some(Task::Expand(place)) = self.settle(child, ticket) {
                    self.desk.expansions.done(place, self.event_loop.now().mono);
                    self.figures.expanded(recipients);
                }
            }
            FromRouterWorker::ExpandFailed { ticket, why } => {
                if let Some(Task::Expand(place)) = self.settle(child, ticket) {
                    let wait = self.desk.expansions.failed(place, self.event_loop.now().mono);
                    self.put_off(place, &why, wait);
                }
            }
            FromRouterWorker::Explained { ticket, lines } => {
                if let Some(Task::Explain(query, _)) = self.settle(child, ticket) {
                    self.explained(query, lines);
                }
            }
        }
    }

    fn settle(&mut self, child: ChildNumber, ticket: u64) -> Option<Task> {
        let task = self.desk.settle(child, ticket);
        if task.is_some() {
            self.farm.finished(child, 1);
        }
        task
    }

    fn explained(&mut self, query: u64, mut lines: Vec<String>) {
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let end = End { ok: count > 0, ..End::done(count) };
        lines.push(serde_json::to_string(&end).unwrap_or_default());
        self.tell(&FromChild::Answer { ticket: query, lines, last: true });
    }

    /// A worker is gone.
    pub(super) fn exited(&mut self, child: ChildNumber, how: &str, clean: bool) {
        // What it said before it died still counts.
        self.hear_worker(child);
        if let Some(channel) = self.workers.remove(&child) {
            self.event_loop.forget(&channel);
        }
        let now = self.event_loop.now().mono;
        self.farm.exited(child, how, clean, now);
        for fallout in self.desk.leave(child, !clean, now) {
            self.settle_fallout(fallout);
        }
    }

    fn settle_fallout(&mut self, fallout: Fallout) {
        match fallout {
            Fallout::Guilty(ask) => {
                self.deadly.address = None;
                let address = ask.address.as_ref().map_or_else(|| "postmaster".into(), ToString::to_string);
                self.note(ProgramEvent::Blamed { address: &address, deaths: DEATHS });
                self.answer_guilty(&ask);
            }
            Fallout::Quarantined(place) => self.quarantine(place),
            Fallout::Unexplained(query) => {
                let why = "a router worker died of this address; the journal says how";
                let end = End::refused(Exit::Software.code(), why);
                let end = serde_json::to_string(&end).unwrap_or_default();
                self.tell(&FromChild::Answer { ticket: query, lines: vec![end], last: true });
            }
        }
    }

    /// Tells the operator that a message waits for its expansion, in the name of its first recipient without a route.
    fn put_off(&mut self, place: Place, why: &str, next: u64) {
        let now = self.event_loop.now();
        let Ok(entry) = self.reader.spool(now.mono).and_then(|spool| spool.load(place)) else {
            return log::error!("{} {}: {why}; again in {next} ms", place.segment, place.offset);
        };
        let Some(to) = entry.envelope.recipients.iter().find(|recipient| recipient.route.is_none()) else {
            return;
        };
        let disposition = Disposition::local(Outcome::Deferred, Status::transient(3, 0), why);
        let delay = now.utc.saturating_sub(entry.envelope.received);
        let attempt =
            Attempt { to: &to.address, channel: "router", host: "", delay, disposition: &disposition };
        self.note_message(&Event::Message(entry.id, MessageEvent::Deferred { attempt, next }));
    }

    fn quarantine(&mut self, place: Place) {
        self.deadly.place = None;
        self.tell_quarantined(place);
        let now = self.event_loop.now().mono;
        match self.reader.spool(now).and_then(|spool| spool.load(place)) {
            Ok(entry) => {
                let event = MessageEvent::Quarantined { program: "router", deaths: DEATHS };
                self.note_message(&Event::Message(entry.id, event));
            }
            Err(error) => log::error!("quarantined: {} {}: {error}", place.segment, place.offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_rises_at_once_and_falls_after_a_minute() {
        let mut demand = Demand::default();
        assert_eq!([demand.set(1, 0), demand.set(4, 10), demand.set(1, 20)], [1, 4, 4]);
        assert_eq!(demand.next_deadline(), Some(60_010));
        assert_eq!((demand.set(1, 60_010), demand.next_deadline()), (1, None));
    }
}
