//! The multiplexer's loop.

use super::callers::{Callers, Doors};
use super::claims::Claims;
use super::desk::Desk;
use super::notify::Notify;
use super::status::Figures;
use super::workers::{Deadly, Demand, WorkerChannel};
use crate::reader::Reader;
use farm::config::{Common, Router};
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::farm::{Farm, Policy};
use farm::fault::Faults;
use farm::journal::{Event, Journal, ProgramEvent};
use farm::skeleton::{Child, SupervisorChannel};
use ipc::Role;
use ipc::control::Request;
use ipc::routing::Generation;
use ipc::supervisor::{ChildNumber, FromChild, ToChild};
use std::collections::BTreeMap;
use std::io;

/// The section of the configuration that the router gets: its own, and the names of the channels.
pub(crate) type Section = (Router, Vec<String>);

/// The loop's token of the supervisor's channel.
const SUPERVISOR: usize = 0;

/// The loop's token of the notification socket; rendezvous follow.
const NOTIFICATION: usize = 1;

/// The loop's token of the first rendezvous.
pub(super) const DOORS: usize = 2;

/// From here on, even tokens are callers and odd ones workers.
const CHANNELS: usize = 1 << 10;

/// How long a drain may take, in milliseconds.
const DRAIN: u64 = 15_000;

/// The loop's token of a caller.
pub(super) fn caller_token(caller: usize) -> usize {
    CHANNELS + 2 * caller
}

/// The loop's token of a worker.
pub(super) fn worker_token(child: ChildNumber) -> usize {
    CHANNELS + 2 * usize::try_from(child).unwrap_or_default() + 1
}

pub(super) struct Multiplexer {
    pub(super) event_loop: EventLoop,
    pub(super) journal: Journal,
    supervisor: SupervisorChannel,
    pub(super) doors: Doors,
    pub(super) callers: Callers,
    pub(super) notify: Notify,
    pub(super) claims: Claims,
    pub(super) reader: Reader,
    pub(super) desk: Desk,
    pub(super) farm: Farm,
    pub(super) workers: BTreeMap<ChildNumber, WorkerChannel>,
    pub(super) demand: Demand,
    pub(super) faults: Faults,
    pub(super) deadly: Deadly,
    pub(super) figures: Figures,
    /// The generation of the last verdict heard.
    pub(super) generation: Generation,
    /// Finish until then; the supervisor may be gone.
    draining: Option<u64>,
    orphaned: bool,
}

fn policy(section: &Section) -> Policy {
    let mut policy = Policy::new(1, section.0.workers);
    policy.recycle_uses = Some(section.0.recycle_addresses);
    policy
}

/// Runs the multiplexer until it is told to drain, and what was asked is answered.
///
/// # Errors
/// The system refuses what cannot be done without.
pub fn run(mut child: Child<Section>) -> Result<(), Fatal> {
    let notification = child.gifts.notification()?;
    let mut multiplexer = Multiplexer {
        doors: Doors::new(child.gifts.answering()),
        callers: Callers::default(),
        notify: Notify::new(notification),
        claims: Claims::default(),
        reader: Reader::new(&child.common),
        desk: Desk::new(child.event_loop.now().utc),
        farm: Farm::new(Role::RouterWorker, policy(&child.section)),
        workers: BTreeMap::new(),
        demand: Demand::default(),
        faults: Faults::default(),
        deadly: Deadly::default(),
        figures: Figures::default(),
        generation: 0,
        draining: None,
        orphaned: false,
        event_loop: child.event_loop,
        journal: child.journal,
        supervisor: child.supervisor,
    };
    multiplexer.serve().map_err(Fatal::doing(Exit::System, "event loop"))
}

impl Multiplexer {
    fn serve(&mut self) -> io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        self.event_loop.watch_readable(self.notify.socket(), NOTIFICATION)?;
        self.doors.watch(&self.event_loop)?;
        self.tell(&FromChild::Ready);
        let mut ready = Vec::new();
        while !self.is_over() {
            self.work();
            let deadline = self.next_deadline();
            self.event_loop.turn(deadline, &mut ready)?;
            for event in &ready {
                self.dispatch(*event);
            }
        }
        self.flush();
        Ok(())
    }

    /// One turn, after its events.
    fn work(&mut self) {
        let now = self.event_loop.now().mono;
        if self.draining.is_none() {
            self.answer_doors();
            self.read_notifications();
            self.read_claims();
        }
        self.desk.expansions.tick(now);
        self.reader.tidy(now);
        self.hear_callers();
        self.tend();
        self.feed();
        self.flush();
    }

    fn flush(&mut self) {
        self.flush_callers();
        self.flush_workers();
        let _its_end_is_our_drain = self.supervisor.flush();
        self.journal.flush(self.event_loop.now().utc);
    }

    fn dispatch(&mut self, event: Ready) {
        match event.token {
            SUPERVISOR => self.hear_supervisor(),
            NOTIFICATION => self.notify.is_readable(),
            door if door < CHANNELS => self.doors.rang(door - DOORS),
            caller if (caller - CHANNELS).is_multiple_of(2) => {
                self.callers.readable((caller - CHANNELS) / 2, event.readable);
            }
            worker => {
                self.hear_worker(ChildNumber::try_from((worker - CHANNELS) / 2).unwrap_or_default());
            }
        }
    }

    fn next_deadline(&mut self) -> Option<u64> {
        let reading = self.draining.is_none()
            && (self.notify.is_waiting() || (self.claims.is_waiting() && !self.desk.expansions.is_full()));
        if reading {
            return Some(0);
        }
        let times = [
            self.farm.next_deadline(),
            self.desk.expansions.next_deadline(),
            self.demand.next_deadline(),
            self.notify.next_deadline().filter(|_| self.draining.is_none()),
            self.reader.next_deadline(),
            self.draining,
            (!self.desk.is_answered()).then(|| self.event_loop.now().mono + 1_000),
            self.next_flush(),
        ];
        times.into_iter().flatten().min()
    }

    /// When a channel that was full is written to again.
    fn next_flush(&self) -> Option<u64> {
        let now = self.event_loop.now().mono;
        let workers = self.workers.values().filter_map(|channel| channel.next_flush(now));
        self.callers.next_flush(now).into_iter().chain(workers).min()
    }

    /// What was asked is answered and the workers are gone; or it has taken too long.
    fn is_over(&self) -> bool {
        let Some(until) = self.draining else { return false };
        let done = self.desk.is_answered() && self.callers.is_flushed();
        (done && (self.orphaned || self.farm.is_empty())) || self.event_loop.now().mono >= until
    }

    /// Collects a word to the supervisor.
    pub(super) fn tell(&mut self, message: &FromChild) {
        let _its_end_is_our_drain = self.supervisor.send(message);
    }

    /// Notes an event of the router.
    pub(super) fn note(&mut self, event: ProgramEvent<'_>) {
        self.journal.note_own(event, self.event_loop.now().utc);
    }

    /// Notes an event of a message.
    pub(super) fn note_message(&mut self, event: &Event<'_>) {
        self.journal.note(event, self.event_loop.now().utc);
    }

    fn hear_supervisor(&mut self) {
        let batch = match self.supervisor.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("supervisor: {error}");
                self.orphaned = true;
                return self.drain("the supervisor's channel is broken");
            }
        };
        for received in batch.messages {
            match received.message {
                ToChild::Spawned { ticket, child, .. } => self.spawned(ticket, child, received.descriptor),
                ToChild::SpawnFailed { ticket, why } => {
                    self.farm.spawn_failed(ticket, &why, self.event_loop.now().mono);
                }
                ToChild::Exited { child, how, clean } => self.exited(child, &how, clean),
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Drain => self.drain("told to"),
                ToChild::Query { ticket, request, .. } => self.answer_query(ticket, &request),
                ToChild::Welcome(_) | ToChild::Give(_) | ToChild::Begin => {}
                ToChild::Reannounce | ToChild::WriterEnded | ToChild::QueueStarted { .. } => {}
            }
        }
        if batch.ended {
            self.orphaned = true;
            self.drain("the supervisor is gone");
        }
    }

    fn drain(&mut self, why: &str) {
        if self.draining.is_none() {
            self.note(ProgramEvent::Draining { why });
            self.draining = Some(self.event_loop.now().mono + DRAIN);
            self.desk.drain();
        }
    }

    /// The workers are drained as soon as nobody waits for them.
    pub(super) fn drain_idle_farm(&mut self) {
        if self.draining.is_some() && self.desk.is_answered() {
            self.farm.drain();
        }
    }

    /// The workers hear of the new configuration from the supervisor themselves.
    fn reload(&mut self, section: &[u8]) {
        match ipc::codec::decode::<(Common, Section)>(section) {
            Ok((common, section)) => {
                self.farm.set_policy(policy(&section));
                self.reader = Reader::new(&common);
                self.journal.reopen();
            }
            Err(error) => log::error!("reload: {error}"),
        }
    }

    fn answer_query(&mut self, ticket: u64, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.tell(&answer);
        }
        match serde_json::from_str(request) {
            Ok(Request::Status) => {
                let line = serde_json::to_string(&self.status()).unwrap_or_default();
                self.tell(&FromChild::Answer { ticket, lines: vec![line], last: true });
            }
            Ok(Request::Route { address }) => self.desk.explain(ticket, address),
            Ok(Request::Fault { point, times }) => {
                if let Some(point) = point.strip_prefix("router/") {
                    self.faults.arm(point, times);
                }
            }
            Ok(_) => log::warn!("this request is not for the router: {request}"),
            Err(error) => log::warn!("a request is not understood: {error}"),
        }
    }
}
