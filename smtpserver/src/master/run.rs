//! The master's loop.

use super::accept::Door;
use super::admission::{Admission, Limits, Settings};
use super::custody::Custody;
use super::held::HeldSet;
use super::status::Rate;
use super::workers::Worker;
use farm::config::{self, Common, SmtpServer};
use farm::event_loop::EventLoop;
use farm::exit::{Exit, Fatal};
use farm::farm::{Farm, Policy};
use farm::journal::{Journal, ProgramEvent};
use farm::resolver::Resolver;
use farm::skeleton::{Child, SupervisorChannel};
use farm::tables::{AccessTable, Watched};
use ipc::Role;
use ipc::contact::Contact;
use ipc::smtp_worker::{Connection, WorkerGauges};
use ipc::supervisor::{ChildNumber, FromChild, Gift, ToChild};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// The loop's token of the supervisor's channel; doors follow, workers start at [`WORKERS`].
const SUPERVISOR: usize = 0;

/// The loop's token of worker 0.
const WORKERS: usize = 1 << 20;

/// Questions to the DNS that may be open at once: no flood of clients costs memory.
const MOST_QUESTIONS: usize = 65_536;

/// The loop's token of the channel to the resolver.
const RESOLVER: usize = WORKERS - 1;

/// The loop's token of the first connection that is held.
const HELD: usize = 1 << 30;

/// The loop's token of a worker.
pub(super) fn worker_token(child: ChildNumber) -> usize {
    WORKERS + usize::try_from(child).unwrap_or_default()
}

pub(super) struct Master {
    pub(super) event_loop: EventLoop,
    pub(super) journal: Journal,
    supervisor: SupervisorChannel,
    /// Descriptors that a process may have, ours and a worker's alike; 0 if the system does not say.
    pub(super) open_files: u64,
    pub(super) doors: Vec<Door>,
    pub(super) admission: Admission,
    /// Connections that are not let in yet, or are turned away.
    pub(super) held: HeldSet,
    pub(super) resolver: Resolver<()>,
    /// The access table, if there is one.
    pub(super) access: Option<Watched<AccessTable>>,
    /// Clients turned away so far.
    pub(super) turned_away: u64,
    pub(super) custody: Custody,
    pub(super) farm: Farm,
    pub(super) workers: BTreeMap<ChildNumber, Worker>,
    /// Connections that wait for a worker.
    pub(super) waiting: Vec<(Connection, OwnedFd)>,
    pub(super) last_session: u64,
    /// Accepting is paused until then.
    pub(super) paused: Option<u64>,
    pub(super) pause_began: u64,
    pub(super) draining: bool,
    /// The supervisor is gone.
    pub(super) orphaned: bool,
    /// Counters of workers that are gone.
    pub(super) gone: WorkerGauges,
    pub(super) rate: Rate,
}

/// Descriptors that a worker may need besides those of its sessions.
const RESERVED: u64 = 64;

/// The limits of the configuration, within what the workers can hold: a session has a socket, and a large message a
/// file. A worker that runs out of descriptors would lose its channel to us, and all sessions with it.
fn limits(section: &SmtpServer, open_files: u64) -> Limits {
    let each = (open_files.saturating_sub(RESERVED) / 2).max(1);
    let all = u32::try_from(each.saturating_mul(section.workers.into())).unwrap_or(u32::MAX);
    let sessions = if open_files > 0 { section.sessions.min(all) } else { section.sessions };
    if sessions < section.sessions {
        log::warn!("{open_files} open files per process allow {sessions} sessions, not {}", section.sessions);
    }
    Limits { sessions, per_client: section.sessions_per_client }
}

fn settings((section, admission): (&SmtpServer, &config::Admission), open_files: u64) -> Settings {
    Settings {
        config: admission.clone(),
        limits: limits(section, open_files),
        relay_networks: section.relay_networks.clone(),
    }
}

fn access(admission: &config::Admission) -> Option<Watched<AccessTable>> {
    admission.access.as_ref().map(|file| Watched::new(file, AccessTable::parse))
}

fn policy(section: &SmtpServer) -> Policy {
    let mut policy = Policy::new(section.workers, section.workers);
    policy.recycle_uses = Some(section.recycle_sessions);
    policy
}

/// Runs the master until it is told to drain and its workers are gone.
///
/// # Errors
/// The system refuses an event loop or a watch.
pub fn run(mut child: Child<(SmtpServer, config::Admission)>) -> Result<(), Fatal> {
    let rendezvous = child.gifts.caller(Contact::Dns)?;
    let (role, number) = (child.role, child.number);
    let dial = Box::new(move || rendezvous.call(role, number));
    let (section, admission) = &child.section;
    let doors = std::iter::from_fn(|| child.gifts.take(|gift| matches!(gift, Gift::Listener(_))))
        .filter_map(|(gift, descriptor)| match gift {
            Gift::Listener(listener) => Some(Door::new(listener, descriptor)),
            _ => None,
        })
        .collect();
    let now = child.event_loop.now();
    let open_files = sys::limits::raise_open_files();
    let mut master = Master {
        open_files,
        event_loop: child.event_loop,
        journal: child.journal,
        supervisor: child.supervisor,
        doors,
        admission: Admission::new(settings((section, admission), open_files)),
        held: HeldSet::new(HELD),
        resolver: Resolver::new(dial, RESOLVER, MOST_QUESTIONS),
        access: access(admission),
        turned_away: 0,
        custody: Custody::default(),
        farm: Farm::new(Role::SmtpWorker, policy(section)),
        workers: BTreeMap::new(),
        waiting: Vec::new(),
        // Session numbers of different masters differ, so that a journal's grep finds one session.
        last_session: (now.utc / 1000) << 20 & 0x00ff_ffff_ffff_ffff,
        paused: None,
        pause_began: 0,
        draining: false,
        orphaned: false,
        gone: WorkerGauges::default(),
        rate: Rate::default(),
    };
    master.serve().map_err(Fatal::doing(Exit::System, "event loop"))
}

impl Master {
    fn serve(&mut self) -> std::io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        for (index, door) in self.doors.iter().enumerate() {
            self.event_loop.watch_readable(&door.socket, SUPERVISOR + 1 + index)?;
        }
        self.tell(&FromChild::Ready);
        let mut ready = Vec::new();
        while !self.is_over() {
            self.tend();
            self.resume();
            self.accept_all();
            self.tend_reception();
            self.flush_workers();
            let _its_end_is_our_drain = self.supervisor.flush();
            self.journal.flush(self.event_loop.now().utc);
            let deadline = self.next_deadline();
            self.event_loop.turn(deadline, &mut ready)?;
            for event in &ready {
                match event.token {
                    SUPERVISOR => self.hear_supervisor(),
                    RESOLVER => self.hear_resolver(),
                    token if token >= HELD => self.hear_held(token, event.ended),
                    token if token >= WORKERS => {
                        self.hear_worker(ChildNumber::try_from(token - WORKERS).unwrap_or_default());
                    }
                    token => {
                        if let Some(door) = self.doors.get_mut(token - 1) {
                            door.open = true;
                        }
                    }
                }
            }
        }
        self.journal.flush(self.event_loop.now().utc);
        Ok(())
    }

    /// The workers are gone, and none is on its way; without a supervisor none comes any more.
    fn is_over(&self) -> bool {
        self.draining && if self.orphaned { self.workers.is_empty() } else { self.farm.is_empty() }
    }

    fn next_deadline(&mut self) -> Option<u64> {
        if self.has_callers() {
            return Some(0);
        }
        let now = self.event_loop.now().mono;
        let unsaid = self.workers.values().filter_map(|worker| worker.channel.next_flush(now)).min();
        let reception = [self.admission.next_deadline(), self.held.next_deadline(), self.resolver.deadline()];
        let others = [self.farm.next_deadline(), self.paused, unsaid];
        reception.into_iter().chain(others).flatten().min()
    }

    /// Collects a word to the supervisor.
    pub(super) fn tell(&mut self, message: &FromChild) {
        let _its_end_is_our_drain = self.supervisor.send(message);
    }

    /// Notes an event of the smtpserver.
    pub(super) fn note(&mut self, event: ProgramEvent<'_>) {
        self.journal.note_own(event, self.event_loop.now().utc);
    }

    fn hear_supervisor(&mut self) {
        let batch = match self.supervisor.receive() {
            Ok(batch) => batch,
            Err(e) => {
                log::error!("supervisor: {e}");
                return self.be_orphaned("the supervisor's channel is broken");
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
                ToChild::Query { ticket, request, .. } => self.answer(ticket, &request),
                ToChild::Welcome(_) | ToChild::Give(_) | ToChild::Begin => {}
                ToChild::Reannounce | ToChild::WriterEnded | ToChild::QueueStarted { .. } => {}
            }
        }
        if batch.ended {
            self.be_orphaned("the supervisor is gone");
        }
    }

    /// From now on the end of a worker's channel is the end of the worker.
    fn be_orphaned(&mut self, why: &str) {
        self.orphaned = true;
        self.drain(why);
        // Some of them may have ended before.
        let workers: Vec<ChildNumber> = self.workers.keys().copied().collect();
        for worker in workers {
            self.hear_worker(worker);
        }
    }

    fn drain(&mut self, why: &str) {
        if !self.draining {
            self.draining = true;
            self.note(ProgramEvent::Draining { why });
            self.farm.drain();
            // A new supervisor must be able to bind them, however long our workers take.
            for door in std::mem::take(&mut self.doors) {
                door.close(&self.event_loop);
            }
            // Nobody will serve them; a closed connection is what the client can retry.
            for (connection, _) in std::mem::take(&mut self.waiting) {
                self.admission.leave(super::custody::client_of(&connection.peer));
            }
            self.dismiss_held();
        }
    }

    fn reload(&mut self, section: &[u8]) {
        match ipc::codec::decode::<(Common, (SmtpServer, config::Admission))>(section) {
            Ok((_, (section, admission))) => {
                self.journal.reopen();
                self.admission.set_settings(settings((&section, &admission), self.open_files));
                self.change_access(access(&admission));
                self.farm.set_policy(policy(&section));
            }
            Err(e) => log::error!("reload: {e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{Paths, defaults};

    #[test]
    fn no_more_sessions_are_let_in_than_the_workers_have_descriptors_for() {
        let paths = Paths { etc: "e".into(), spool: "s".into(), run: "r".into(), libexec: "l".into() };
        let section = defaults(&paths, "mail.example.org").smtpserver;
        assert_eq!((section.workers, section.sessions), (2, 10_000));
        let sessions = |open_files| limits(&section, open_files).sessions;
        assert_eq!([sessions(1024), sessions(1 << 20), sessions(0)], [960, 10_000, 10_000]);
    }
}
