//! What the master and the supervisor say, what they are told, and the end of the worker.

use super::house::House;
use super::run::{Section, Worker};
use farm::config::Common;
use farm::exit::{Exit, Fatal};
use ipc::Role;
use ipc::control::Request;
use ipc::smtp_worker::{FromWorker, ToWorker, WorkerGauges};
use ipc::supervisor::{FromChild, ToChild};

/// How long a transaction may go on, or a first one be waited for, after the worker was told to drain; in milliseconds.
const GRACE: u64 = 15_000;

/// How long the worker stays after it was told to drain, unless the spool has something of it; in milliseconds.
const LONGEST: u64 = 25_000;

/// Milliseconds between two reports to the master.
const REPORTS: u64 = 1000;

/// Milliseconds between two looks at what changes slowly.
const HOUSEKEEPING: u64 = 5000;

/// The worker is on its way out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    since: u64,
    firm: bool,
    /// It leaves because the spool takes nothing more from it.
    stopped: bool,
}

impl Worker {
    pub(super) fn hear_master(&mut self) {
        let batch = match self.master.receive() {
            Ok(batch) => batch,
            Err(e) => {
                log::error!("master: {e}");
                return self.leave(true);
            }
        };
        for received in batch.messages {
            match received.message {
                ToWorker::Take(connection) => self.take(&connection, received.descriptor),
                ToWorker::Drain => self.leave(false),
                ToWorker::Consulted(consulted) => self.consulted(&consulted),
            }
        }
        if batch.ended {
            self.leave(true);
        }
    }

    pub(super) fn hear_supervisor(&mut self) {
        let batch = match self.supervisor.receive() {
            Ok(batch) => batch,
            Err(e) => {
                log::error!("supervisor: {e}");
                return self.leave(true);
            }
        };
        for received in batch.messages {
            match received.message {
                ToChild::Drain => self.leave(true),
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Reannounce => self.desk.commits.reannounce(self.desk.now.mono),
                ToChild::Query { ticket, request, .. } => self.answer(ticket, &request),
                ToChild::QueueStarted { session, messages } => self.queue_started(session, messages),
                ToChild::Welcome(_)
                | ToChild::Give(_)
                | ToChild::Begin
                | ToChild::Spawned { .. }
                | ToChild::SpawnFailed { .. }
                | ToChild::Exited { .. }
                | ToChild::WriterEnded => {}
            }
        }
        if batch.ended {
            self.leave(true);
        }
    }

    fn reload(&mut self, section: &[u8]) {
        let read = ipc::codec::decode::<(Common, Section)>(section)
            .map_err(Fatal::doing(Exit::Software, "configuration"))
            .and_then(|(common, (section, material, auth))| {
                House::new(&common, &section, &material, &auth, self.desk.now.utc)
            });
        match read {
            Ok(mut house) => {
                house.rulebook.inherit(&self.desk.house.rulebook);
                house.members.inherit(&mut self.desk.house.members);
                self.desk.journal.reopen();
                self.desk.house = house;
                self.refresh_rulebook();
                self.desk.cache.forget_all();
                self.fit_buffer();
            }
            Err(e) => log::error!("reload: {e}"),
        }
    }

    fn answer(&mut self, ticket: u64, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.tell(&answer);
        }
        if let Ok(Request::Fault { point, times }) = serde_json::from_str(request) {
            let own = Role::SmtpWorker.to_string();
            if let Some((_, point)) = point.split_once('/').filter(|(role, _)| *role == own) {
                self.desk.arm(point, times);
            }
        } else if ticket != 0 {
            // The master answers for all of the smtpserver.
            self.tell(&FromChild::Answer { ticket, lines: Vec::new(), last: true });
        }
    }

    pub(super) fn tell(&mut self, message: &FromChild) {
        let _its_end_is_our_drain = self.supervisor.send(message);
    }

    /// Tells the master who came, who left, and now and then the figures.
    pub(super) fn report(&mut self) {
        if !self.taken.is_empty() {
            let taken = std::mem::take(&mut self.taken);
            let _its_end_is_our_drain = self.master.send(&FromWorker::Taken(taken));
        }
        if !self.ended.is_empty() {
            let ended = std::mem::take(&mut self.ended);
            let _its_end_is_our_drain = self.master.send(&FromWorker::Ended(ended));
        }
        for start in std::mem::take(&mut self.desk.starts) {
            self.tell(&start);
        }
        for consult in std::mem::take(&mut self.desk.consults) {
            let _its_end_is_our_drain = self.master.send(&consult);
        }
        let gauges = self.gauges();
        if gauges != self.reported && self.desk.now.mono >= self.report_at {
            self.report_at = self.desk.now.mono + REPORTS;
            self.reported = gauges;
            let _its_end_is_our_drain = self.master.send(&FromWorker::Gauges(gauges));
        }
    }

    /// When [`Worker::report`] has figures to tell.
    pub(super) fn next_report(&self) -> Option<u64> {
        (self.gauges() != self.reported).then_some(self.report_at)
    }

    fn gauges(&self) -> WorkerGauges {
        let size = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        WorkerGauges {
            sessions: size(self.seats.len()),
            transactions: size(self.desk.transactions.open()),
            accepted: self.desk.accepted,
            flushes: self.desk.commits.flushes(),
        }
    }

    /// Looks after what changes slowly: the lease, the memory.
    pub(super) fn keep_house(&mut self) {
        let now = self.desk.now;
        if now.mono >= self.housekeeping_at {
            self.housekeeping_at = now.mono + HOUSEKEEPING;
            self.desk.house.look_for_room();
            if let Err(error) = self.desk.commits.renew(now.utc) {
                self.desk.note_spool_error("renew", &error, "tries again");
            }
            if sys::process::resident_memory() >= self.desk.house.recycle_memory {
                self.retire();
            }
        }
        if self.desk.commits.stopped() && !self.leaving.is_some_and(|leaving| leaving.stopped) {
            self.retire();
            self.leave(true);
            self.leaving = self.leaving.map(|leaving| Leaving { stopped: true, ..leaving });
            self.desk.note_spool_error(
                "flush",
                &spool::SpoolError::Stopped,
                "another worker begins a new segment",
            );
        }
        let late = |leaving: &Leaving| !leaving.firm && now.mono >= leaving.since + GRACE;
        if self.leaving.as_ref().is_some_and(late) {
            self.leave(true);
        }
    }

    fn retire(&mut self) {
        if !std::mem::replace(&mut self.retired, true) {
            let _its_end_is_our_drain = self.master.send(&FromWorker::Retiring);
        }
    }

    /// Begins to leave; at once, or, unless `firm`, letting transactions finish and new clients have their first.
    pub(super) fn leave(&mut self, firm: bool) {
        let since = self.leaving.map_or(self.desk.now.mono, |leaving| leaving.since);
        let before = self.leaving.replace(Leaving { since, firm, stopped: false });
        let stopped = before.is_some_and(|before| before.stopped);
        let firm = firm || before.is_some_and(|before| before.firm);
        self.leaving = Some(Leaving { since, firm, stopped });
        if before.is_none_or(|before| firm && !before.firm) {
            self.drain_all(firm);
        }
    }

    /// When the way out has a deadline.
    pub(super) fn next_leaving(&self) -> Option<u64> {
        let deadline = |leaving: Leaving| leaving.since + if leaving.firm { LONGEST } else { GRACE };
        // One that is over is waited for no longer than the spool takes.
        self.leaving.map(deadline).filter(|&at| at > self.desk.now.mono)
    }

    /// Nobody is left, or nobody is waited for any longer.
    pub(super) fn has_left(&self) -> bool {
        self.leaving.is_some_and(|leaving| {
            let late = self.desk.now.mono >= leaving.since + LONGEST;
            self.seats.is_empty() || (late && !self.desk.commits.is_busy())
        })
    }

    /// How it ended.
    pub(super) fn outcome(&self) -> Result<(), Fatal> {
        if self.leaving.is_some_and(|leaving| leaving.stopped) {
            return Err(Fatal::new(
                Exit::Io,
                "the spool takes nothing more from this process; see the journal",
            ));
        }
        Ok(())
    }
}
