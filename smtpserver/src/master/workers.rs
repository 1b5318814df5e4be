//! The farm of workers: passing connections to them, hearing what they say.

use super::custody::client_of;
use super::run::{Master, worker_token};
use farm::channel::{Channel, ChannelError};
use farm::farm::Action;
use farm::journal::{Event, ProgramEvent, SessionEvent};
use ipc::Role;
use ipc::smtp_worker::{Connection, FromWorker, Peer, ToWorker, WorkerGauges};
use ipc::supervisor::{ChildNumber, FromChild};
use std::io;
use std::os::fd::OwnedFd;

/// Connections that may wait for a worker while none is there.
const WAITING: usize = 256;

/// A living worker.
pub(super) struct Worker {
    pub(super) channel: Channel<ToWorker, FromWorker>,
    pub(super) gauges: WorkerGauges,
}

/// The other end is gone, as opposed to something that the system lacks.
fn is_end(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}

impl Master {
    /// Carries out what the farm decides.
    pub(super) fn tend(&mut self) {
        let now = self.event_loop.now().mono;
        self.farm.tick(now);
        while let Some(action) = self.farm.poll() {
            match action {
                Action::Spawn { ticket } => self.tell(&FromChild::Spawn { ticket, role: Role::SmtpWorker }),
                Action::Drain { child } => self.send(child, &ToWorker::Drain),
                // Nobody is left to kill it, and nobody waits for it any longer.
                Action::Kill { child } if self.orphaned => self.bury(child, "does not end", false),
                Action::Kill { child } => self.tell(&FromChild::Kill { child }),
                Action::Report(report) => self.note(ProgramEvent::Farm(&report)),
            }
        }
    }

    pub(super) fn send(&mut self, child: ChildNumber, message: &ToWorker) {
        if let Some(worker) = self.workers.get_mut(&child) {
            let _its_end_is_told = worker.channel.send(message);
        }
    }

    /// Writes to every worker what was collected in this turn. When the system refuses to carry more descriptors
    /// (ETOOMANYREFS), accepting pauses, and what was not written is tried again at its end.
    pub(super) fn flush_workers(&mut self) {
        let mut short = None;
        for worker in self.workers.values_mut().filter(|worker| !worker.channel.is_flushed()) {
            match worker.channel.flush() {
                Err(ChannelError::Io(e)) if !is_end(e.kind()) => short = Some(e.to_string()),
                _its_end_is_told => {}
            }
        }
        if let Some(why) = short {
            self.pause(&why);
        }
    }

    /// The supervisor has started a worker for us.
    pub(super) fn spawned(&mut self, ticket: u64, child: ChildNumber, descriptor: Option<OwnedFd>) {
        let now = self.event_loop.now().mono;
        let channel = descriptor.and_then(|descriptor| Channel::from_descriptor(descriptor).ok());
        let watched =
            channel.filter(|channel| self.event_loop.watch_readable(channel, worker_token(child)).is_ok());
        let Some(channel) = watched else {
            self.farm.spawn_failed(ticket, "its channel cannot be watched", now);
            return self.tell(&FromChild::Kill { child });
        };
        self.workers.insert(child, Worker { channel, gauges: WorkerGauges::default() });
        self.farm.spawned(ticket, child, now);
        for (connection, descriptor) in std::mem::take(&mut self.waiting) {
            self.pass(connection, descriptor);
        }
    }

    /// There is somewhere to put another connection.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    /// Passes a connection to the worker with the fewest sessions; without a worker it waits.
    pub(super) fn pass(&mut self, connection: Connection, descriptor: OwnedFd) {
        let Some(child) = self.farm.least_loaded() else {
            return self.waiting.push((connection, descriptor));
        };
        let Some(worker) = self.workers.get_mut(&child) else {
            return self.waiting.push((connection, descriptor));
        };
        // Without a duplicate the connection is lost if the worker dies at once; but it goes, and makes room.
        let (sent, kept, short) = match descriptor.try_clone() {
            Ok(duplicate) => (duplicate, Some(descriptor), None),
            Err(e) => (descriptor, None, Some(e.to_string())),
        };
        let _its_end_is_told = worker.channel.send_with(&ToWorker::Take(connection.clone()), sent);
        self.farm.took(child);
        self.custody.passed(child, connection, kept);
        if let Some(why) = short {
            self.pause(&why);
        }
    }

    /// What a worker says.
    pub(super) fn hear_worker(&mut self, child: ChildNumber) {
        let Some(worker) = self.workers.get_mut(&child) else { return };
        let _its_end_is_told = worker.channel.flush();
        let Ok(batch) = worker.channel.receive() else {
            return self.tell(&FromChild::Kill { child });
        };
        for received in batch.messages {
            match received.message {
                FromWorker::Taken(sessions) => sessions.into_iter().for_each(|s| self.custody.taken(s)),
                FromWorker::Ended(sessions) => self.ended(child, &sessions),
                FromWorker::Consult { session, client, listener } => {
                    self.consult(child, session, client, &listener);
                }
                FromWorker::Retiring => self.farm.retiring(child, self.event_loop.now().mono),
                FromWorker::Gauges(gauges) => {
                    if let Some(worker) = self.workers.get_mut(&child) {
                        worker.gauges = gauges;
                    }
                }
            }
        }
        // As a rule the supervisor tells of a worker's end; when it is gone, the end of the channel must do.
        if batch.ended && self.orphaned {
            self.bury(child, "channel closed", true);
        }
    }

    fn ended(&mut self, child: ChildNumber, sessions: &[u64]) {
        for &session in sessions {
            if let Some(client) = self.custody.ended(child, session) {
                self.admission.leave(client);
                self.farm.finished(child, 1);
            }
        }
    }

    /// A worker is gone: what it had not taken goes to another.
    pub(super) fn exited(&mut self, child: ChildNumber, how: &str, clean: bool) {
        // What it said before it died still counts.
        self.hear_worker(child);
        self.bury(child, how, clean);
    }

    fn bury(&mut self, child: ChildNumber, how: &str, clean: bool) {
        if let Some(worker) = self.workers.remove(&child) {
            self.event_loop.forget(&worker.channel);
            self.gone.accepted += worker.gauges.accepted;
            self.gone.flushes += worker.gauges.flushes;
        }
        self.farm.exited(child, how, clean, self.event_loop.now().mono);
        self.admission.forget_worker(child);
        let estate = self.custody.bereave(child);
        for client in estate.lost {
            self.admission.leave(client);
        }
        for (connection, descriptor) in estate.untaken {
            self.pass_on(child, connection, descriptor);
        }
    }

    fn pass_on(&mut self, from: ChildNumber, connection: Connection, descriptor: OwnedFd) {
        let client = match (&connection.peer, client_of(&connection.peer)) {
            (Peer::Local { uid }, _) => format!("uid {uid}"),
            (_, client) => client.map(|client| client.to_string()).unwrap_or_default(),
        };
        let session = connection.session;
        let to = self.farm.least_loaded().unwrap_or_default();
        self.note_session(session, SessionEvent::Passed { client: &client, from, to });
        self.pass(connection, descriptor);
    }

    fn note_session(&mut self, session: u64, event: SessionEvent<'_>) {
        self.journal.note(&Event::Session(session, event), self.event_loop.now().utc);
    }
}
