//! The process: takes calls, serves callers, listens to the supervisor.
//!
//! States: open, and draining (told to, or the supervisor is gone): no calls are taken, what was asked is answered, what
//! was held back is told, then the process ends. It waits for nothing but its event loop.

mod callers;
mod status;

use crate::dovecot::Link;
use crate::office::Office;
use callers::Callers;
use farm::config::{Auth, Common};
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::fault::Faults;
use farm::journal::{Journal, ProgramEvent};
use farm::skeleton::{Child, SupervisorChannel};
use ipc::codec;
use ipc::control::{End, Request};
use ipc::supervisor::{FromChild, ToChild};
use std::io;

/// The loop's tokens; doors follow.
const SUPERVISOR: usize = 0;
const THREADS: usize = 1;
const DOVECOT: usize = 2;
const DOORS: usize = 3;

/// The loop's token of the first caller.
const CALLERS: usize = 1 << 10;

/// How long a drain may take, in milliseconds.
const DRAIN: u64 = 10_000;

/// The fault switch that kills this program at the next question.
const FAULT_DIE: &str = "die";

struct Process {
    event_loop: EventLoop,
    supervisor: SupervisorChannel,
    journal: Journal,
    office: Office,
    callers: Callers,
    faults: Faults,
    /// Finish until then.
    draining: Option<u64>,
}

/// Runs until the supervisor says so.
///
/// # Errors
/// The system refuses what cannot be done without.
pub fn run(child: Child<Auth>) -> Result<(), Fatal> {
    let Child { section, mut gifts, supervisor, journal, event_loop, .. } = child;
    let secret = secrets::make::random().map_err(Fatal::doing(Exit::System, "random numbers"))?;
    let link = link(&section);
    let office = Office::new(section, secret, link).map_err(Fatal::doing(Exit::System, "threads"))?;
    let callers = Callers::new(gifts.answering());
    let faults = Faults::default();
    let mut process = Process { event_loop, supervisor, journal, office, callers, faults, draining: None };
    process.serve().map_err(Fatal::doing(Exit::System, "event loop"))
}

fn link(section: &Auth) -> Option<Link> {
    section.dovecot.as_deref().map(|path| Link::new(path, DOVECOT))
}

impl Process {
    fn serve(&mut self) -> io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        self.event_loop.watch_readable(self.office.bell(), THREADS)?;
        self.callers.watch(&self.event_loop)?;
        self.look();
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

    fn dispatch(&mut self, event: Ready) {
        let now = self.event_loop.now().mono;
        match event.token {
            SUPERVISOR => self.hear_supervisor(),
            THREADS => self.office.hear_threads(now),
            DOVECOT => self.office.hear_dovecot(&self.event_loop, now),
            door if door < CALLERS => self.callers.rang(door - DOORS),
            caller => self.hear_caller(caller - CALLERS),
        }
    }

    /// One turn, after its events.
    fn work(&mut self) {
        let now = self.event_loop.now().mono;
        if self.draining.is_none() {
            self.callers.answer_doors(&self.event_loop, &self.office.mechanisms());
        }
        self.office.tend_dovecot(&self.event_loop, now);
        self.office.tick(now);
        self.office.flush_dovecot(&self.event_loop, now);
        if let Some(mechanisms) = self.office.changed_mechanisms() {
            self.callers.tell_all(&mechanisms);
        }
        if self.draining.is_some() {
            self.office.release();
        }
        for (caller, message) in self.office.take_out() {
            self.callers.tell(caller, &message);
        }
        self.note_news();
        self.flush();
    }

    fn hear_caller(&mut self, caller: usize) {
        let now = self.event_loop.now().mono;
        let heard = self.callers.hear(caller, &self.event_loop);
        if !heard.messages.is_empty() {
            self.look();
            if self.faults.strikes(FAULT_DIE) {
                std::process::abort();
            }
        }
        for message in heard.messages {
            self.office.take(caller, message, now);
        }
        if heard.ended {
            self.office.forget(caller);
        }
    }

    /// Reads tables that have changed.
    fn look(&mut self) {
        let now = self.event_loop.now();
        let problems = self.office.refresh(now.mono);
        if let Some(first) = problems.first() {
            let errors = u64::try_from(problems.len()).unwrap_or(u64::MAX);
            let event = ProgramEvent::TableMistakes { errors, first: &first.to_string() };
            self.journal.note_own(event, now.utc);
        }
    }

    fn note_news(&mut self) {
        let now = self.event_loop.now().utc;
        match self.office.link().and_then(Link::news) {
            Some(Some(why)) => self.journal.note_own(ProgramEvent::BackendLost { why: &why }, now),
            Some(None) => self.journal.note_own(ProgramEvent::BackendBack, now),
            None => {}
        }
    }

    fn next_deadline(&mut self) -> Option<u64> {
        let now = self.event_loop.now().mono;
        let link = self.office.link().and_then(|link| link.next_deadline());
        let times = [self.office.next_deadline(), link, self.callers.next_flush(now), self.draining];
        times.into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        let Some(until) = self.draining else { return false };
        (self.office.is_idle() && self.callers.is_flushed()) || self.event_loop.now().mono >= until
    }

    fn flush(&mut self) {
        self.callers.flush();
        let _its_end_is_our_drain = self.supervisor.flush();
        self.journal.flush(self.event_loop.now().utc);
    }

    fn tell(&mut self, message: &FromChild) {
        let _its_end_is_our_drain = self.supervisor.send(message);
    }

    fn hear_supervisor(&mut self) {
        let (messages, ended) = match self.supervisor.receive() {
            Ok(batch) => (batch.messages, batch.ended),
            Err(error) => {
                log::error!("supervisor: {error}");
                (Vec::new(), true)
            }
        };
        for received in messages {
            match received.message {
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Drain => self.drain("told to"),
                ToChild::Query { ticket, request, .. } => self.answer_query(ticket, &request),
                other => log::debug!("nothing to do for {other:?}"),
            }
        }
        if ended {
            self.drain("the supervisor is gone");
        }
    }

    fn drain(&mut self, why: &str) {
        if self.draining.is_none() {
            let now = self.event_loop.now();
            self.journal.note_own(ProgramEvent::Draining { why }, now.utc);
            self.draining = Some(now.mono + DRAIN);
        }
    }

    fn reload(&mut self, section: &[u8]) {
        match codec::decode::<(Common, Auth)>(section) {
            Ok((_, section)) => {
                if let Some(old) = self.office.link() {
                    old.close(&self.event_loop);
                }
                let link = link(&section);
                self.office.reconfigure(section, link);
                self.look();
                self.journal.reopen();
            }
            Err(error) => log::error!("reload: {error}"),
        }
    }

    fn answer_query(&mut self, ticket: u64, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.tell(&answer);
        }
        let line = match serde_json::from_str(request) {
            Ok(Request::Status) => serde_json::to_string(&status::line(&self.office, self.callers.len())),
            Ok(Request::Fault { point, times }) => serde_json::to_string(&self.arm(&point, times)),
            Ok(_) => serde_json::to_string(&refusal("authd has no answer to this request".into())),
            Err(error) => serde_json::to_string(&refusal(format!("not understood: {error}"))),
        };
        self.tell(&FromChild::Answer { ticket, lines: line.into_iter().collect(), last: true });
    }

    fn arm(&mut self, point: &str, times: u32) -> End {
        let point = point.strip_prefix("authd/").unwrap_or(point);
        if point != FAULT_DIE {
            return refusal(format!("authd has no fault switch {point}; it has {FAULT_DIE}"));
        }
        self.faults.arm(point, times);
        End::done(1)
    }
}

fn refusal(why: String) -> End {
    End::refused(Exit::Usage.code(), why)
}
