//! The worker's loop.

use super::expanding::Expanding;
use super::writer::Writer;
use crate::multiplexer::Section;
use crate::reader::Reader;
use crate::tables::{Refresh, Tables};
use farm::channel::Channel;
use farm::config::Common;
use farm::event_loop::EventLoop;
use farm::exit::{Exit, Fatal};
use farm::hints::Hints;
use farm::journal::{Journal, ProgramEvent};
use farm::skeleton::{Child, SupervisorChannel};
use ipc::router_worker::{FromRouterWorker, ToRouterWorker};
use ipc::supervisor::{FromChild, ToChild};
use std::io;

/// The loop's token of the supervisor's channel.
const SUPERVISOR: usize = 0;

/// The loop's token of the multiplexer's channel.
const OWNER: usize = 1;

/// The loop's token of the flusher.
pub(super) const FLUSHER: usize = 2;

/// Pieces of work that may be in hand.
const CREDITS: u32 = 64;

pub(super) struct Worker {
    pub(super) event_loop: EventLoop,
    pub(super) journal: Journal,
    supervisor: SupervisorChannel,
    owner: Channel<FromRouterWorker, ToRouterWorker>,
    pub(super) tables: Tables,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) hints: Hints,
    pub(super) expanding: Expanding,
    /// Work done in this turn.
    done: u32,
    draining: bool,
}

/// Runs a worker until it is told to drain, or nobody is there to tell.
///
/// # Errors
/// The system refuses what cannot be done without.
pub fn run(mut child: Child<Section>) -> Result<(), Fatal> {
    let notification = child.common.paths.run.join("scheduler.notify");
    let mut worker = Worker {
        owner: child.gifts.owner()?,
        tables: load(&child.common, &child.section),
        reader: Reader::new(&child.common),
        writer: Writer::new(&child.common),
        hints: Hints::to(&notification).map_err(Fatal::doing(Exit::System, "socket"))?,
        expanding: Expanding::default(),
        done: CREDITS,
        draining: false,
        event_loop: child.event_loop,
        journal: child.journal,
        supervisor: child.supervisor,
    };
    worker.serve().map_err(Fatal::doing(Exit::System, "event loop"))
}

fn load(common: &Common, section: &Section) -> Tables {
    let tables = Tables::load(common, &section.0);
    for problem in tables.problems() {
        log::error!("{problem}");
    }
    tables
}

impl Worker {
    fn serve(&mut self) -> io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        self.event_loop.watch_readable(&self.owner, OWNER)?;
        self.tell(&FromChild::Ready);
        let mut ready = Vec::new();
        while !self.is_over() {
            self.work();
            self.event_loop.turn(self.next_deadline(), &mut ready)?;
            for event in &ready {
                match event.token {
                    SUPERVISOR => self.hear_supervisor(),
                    OWNER => self.hear_owner(),
                    _ => self.hear_flusher(),
                }
            }
        }
        self.flush();
        Ok(())
    }

    /// One turn, after its events.
    fn work(&mut self) {
        let now = self.event_loop.now();
        // Answers go out before a long list is expanded.
        self.flush();
        self.expand_next();
        self.close_batch();
        self.writer.tick(now.mono, now.utc);
        self.hints.tick(now.mono);
        self.reader.tidy(now.mono);
        self.flush();
    }

    fn flush(&mut self) {
        let credits = std::mem::take(&mut self.done);
        if credits > 0 && !self.draining {
            self.say(&FromRouterWorker::Hungry { credits });
        }
        let _its_end_is_our_drain = self.owner.flush();
        let _its_end_is_our_drain = self.supervisor.flush();
        self.journal.flush(self.event_loop.now().utc);
    }

    fn next_deadline(&self) -> Option<u64> {
        if self.expanding.is_waiting() {
            return Some(0);
        }
        let now = self.event_loop.now();
        let close = self.expanding.close_at().map(|utc| now.mono + utc.saturating_sub(now.utc));
        // That there is room again is not announced: it would wake both ends with every word that is read.
        let unsaid = self.owner.next_flush(now.mono);
        let own = [close, unsaid, self.writer.next_deadline(), self.reader.next_deadline()];
        own.into_iter().flatten().chain([self.hints.next_deadline()]).min()
    }

    fn is_over(&self) -> bool {
        self.draining && self.expanding.is_empty()
    }

    /// Collects a word to the multiplexer.
    pub(super) fn say(&mut self, message: &FromRouterWorker) {
        if let Err(error) = self.owner.send(message) {
            log::error!("multiplexer: {error}");
        }
    }

    /// Collects a word to the multiplexer that settles a piece of work.
    pub(super) fn settle(&mut self, message: &FromRouterWorker) {
        self.say(message);
        self.done += 1;
    }

    fn tell(&mut self, message: &FromChild) {
        let _its_end_is_our_drain = self.supervisor.send(message);
    }

    /// Notes an event of the router.
    pub(super) fn note(&mut self, event: ProgramEvent<'_>) {
        self.journal.note_own(event, self.event_loop.now().utc);
    }

    fn hear_supervisor(&mut self) {
        let batch = match self.supervisor.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("supervisor: {error}");
                return self.abandon();
            }
        };
        for received in batch.messages {
            match received.message {
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Drain => self.draining = true,
                ToChild::Reannounce => self.hints.reannounce(self.event_loop.now().mono),
                ToChild::Query { ticket, request, .. } => {
                    farm::profile::answer(ticket, &request).iter().for_each(|answer| self.tell(answer));
                }
                other => log::debug!("nothing to do for {other:?}"),
            }
        }
        if batch.ended {
            self.abandon();
        }
    }

    fn hear_owner(&mut self) {
        let batch = match self.owner.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("multiplexer: {error}");
                return self.abandon();
            }
        };
        self.refresh();
        for received in batch.messages {
            match received.message {
                ToRouterWorker::Ask { ticket, address, may_relay, client, members } => {
                    self.answer(ticket, address.as_ref(), may_relay, &client, members);
                }
                ToRouterWorker::Expand { ticket, place, attempt } => {
                    self.expanding.take(ticket, place, attempt);
                }
                ToRouterWorker::Explain { ticket, address } => self.explain(ticket, &address),
                ToRouterWorker::Drain => self.draining = true,
            }
        }
        if batch.ended {
            self.abandon();
        }
    }

    /// Nobody is there any more: what is being committed is finished, the rest is left to others.
    fn abandon(&mut self) {
        self.draining = true;
        self.expanding.abandon();
    }

    /// Reads tables that have changed; looks at most once a second.
    pub(super) fn refresh(&mut self) {
        let now = self.event_loop.now();
        if let Refresh::Kept(problems) = self.tables.refresh(now.mono) {
            let errors = u64::try_from(problems.len()).unwrap_or(u64::MAX);
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            self.note(ProgramEvent::ReloadRefused { errors, first: &first });
        }
    }

    fn reload(&mut self, section: &[u8]) {
        match ipc::codec::decode::<(Common, Section)>(section) {
            Ok((common, section)) => {
                self.tables = load(&common, &section);
                self.journal.reopen();
            }
            Err(error) => log::error!("reload: {error}"),
        }
    }
}
