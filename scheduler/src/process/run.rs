//! The loop: one turn hears what is ready, lets the scheduler do what follows, and writes everything out.

use super::farms::Farms;
use super::router::Router;
use super::setup::{self, Settings};
use crate::dispatch::policy;
use crate::queue::AgentId;
use crate::state::Scheduler;
use crate::tools::Listing;
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::journal::{Failure, ProgramEvent};
use farm::profile::{self, Operation};
use farm::skeleton::{Answering, Child, SupervisorChannel};
use ipc::Role;
use ipc::contact::Contact;
use ipc::supervisor::FromChild;
use spool::{Spool, SpoolError};
use std::collections::VecDeque;
use std::os::unix::net::UnixDatagram;

/// The loop's tokens.
const SUPERVISOR: usize = 0;
const NOTIFY: usize = 1;
/// The channel to the router.
pub(super) const ROUTER: usize = 2;
const FLUSHER: usize = 3;
const LOG: usize = 4;
const KEEPER: usize = 5;
/// The first answering end of the rendezvous.
const DOORS: usize = 10;
/// Agent 0.
const AGENTS: usize = 100;

/// Hints read per turn.
const HINTS: usize = 200;

/// Milliseconds that agents which outlived an earlier scheduler have to call before new ones are started.
const CALLS: u64 = 500;

/// Milliseconds that a draining scheduler waits for what is in flight.
const GRACE: u64 = 10_000;

/// Milliseconds between two looks at the lease; its bound is pushed a minute ahead each time.
const RENEW: u64 = 5_000;

/// The process.
pub(super) struct Process {
    pub(super) event_loop: EventLoop,
    pub(super) supervisor: SupervisorChannel,
    notify: UnixDatagram,
    /// Hints may be left in the socket.
    hinted: bool,
    /// Where agents of each role call that outlived an earlier scheduler.
    doors: Vec<(Role, Answering)>,
    pub(super) router: Router,
    pub(super) farms: Farms,
    pub(super) scheduler: Scheduler,
    pub(super) settings: Settings,
    /// Listings under way, with the tickets of their questions.
    pub(super) listings: VecDeque<(u64, Listing)>,
    /// Draining until then at most, monotonic milliseconds.
    pub(super) draining: Option<u64>,
    /// When the lease is looked after next, so that a notice after a quiet hour has an id of its own time.
    renew_at: u64,
}

/// Runs the scheduler until it is told to drain.
///
/// # Errors
/// Another scheduler holds the log, the log cannot be written, or the system refuses an event loop or a watch.
pub fn run(mut child: Child<Settings>) -> Result<(), Fatal> {
    let notify = child.gifts.notification()?;
    notify.set_nonblocking(true).map_err(Fatal::doing(Exit::System, "notification socket"))?;
    let router = Router::new(child.gifts.caller(Contact::Router)?, child.number);
    let doors = child.gifts.answering();
    let (scheduler, first) = setup::scheduler(&child.common, &child.section, child.journal)?;
    let begin = scheduler.now.mono + if first { 0 } else { CALLS };
    let mut process = Process {
        event_loop: child.event_loop,
        supervisor: child.supervisor,
        notify,
        hinted: true,
        doors,
        router,
        farms: Farms::new(&child.section.1, begin),
        scheduler,
        settings: child.section,
        listings: VecDeque::new(),
        draining: None,
        renew_at: 0,
    };
    let served = process.serve();
    process.scheduler.journal.flush(process.event_loop.now().utc);
    served
}

/// The loop's token of an agent.
pub(super) fn agent_token(agent: AgentId) -> usize {
    AGENTS + usize::try_from(agent.0).unwrap_or_default()
}

impl Process {
    fn serve(&mut self) -> Result<(), Fatal> {
        self.watch().map_err(Fatal::doing(Exit::System, "event loop"))?;
        self.tell(&FromChild::Ready);
        let mut ready = Vec::new();
        loop {
            let more = self.turn().map_err(|error| self.broken(&error))?;
            if self.is_drained() {
                return self.scheduler.finish().map_err(|error| self.broken(&error));
            }
            let deadline = if more { 0 } else { self.next_deadline() };
            self.event_loop
                .turn(Some(deadline), &mut ready)
                .map_err(Fatal::doing(Exit::System, "event loop"))?;
            self.scheduler.now = self.event_loop.now();
            for event in &ready {
                self.dispatch(*event);
            }
        }
    }

    fn watch(&self) -> std::io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        self.event_loop.watch_readable(&self.notify, NOTIFY)?;
        self.event_loop.watch_readable(&self.scheduler.ledger, LOG)?;
        self.event_loop.watch_readable(&self.scheduler.keeper, KEEPER)?;
        if let Some(flusher) = self.scheduler.spool.wait_fd() {
            self.event_loop.watch_readable(&std::os::fd::AsRawFd::as_raw_fd(&flusher), FLUSHER)?;
        }
        for (index, (_, door)) in self.doors.iter().enumerate() {
            self.event_loop.watch_readable(door, DOORS + index)?;
        }
        Ok(())
    }

    /// What follows from the events of this turn; `true` if there is more to do at once.
    fn turn(&mut self) -> Result<bool, SpoolError> {
        self.read_hints();
        self.tend_farms();
        self.step_listings();
        let mut more = profile::timed(Operation::Schedule, || self.scheduler.turn())?;
        self.scheduler.agents.written();
        // What the queue wants of agents is asked for in the next turn.
        more |= !self.scheduler.wants.is_empty();
        self.ask_router();
        self.keep_lease()?;
        // Its end is our drain.
        let _ended = self.supervisor.flush();
        self.scheduler.journal.flush(self.scheduler.now.utc);
        Ok(more || self.hinted || !self.listings.is_empty())
    }

    fn keep_lease(&mut self) -> Result<(), SpoolError> {
        let now = self.scheduler.now;
        if self.renew_at <= now.mono {
            self.renew_at = now.mono + RENEW;
            self.scheduler.spool.renew(now.utc)?;
        }
        Ok(())
    }

    fn next_deadline(&self) -> u64 {
        let own = Some(self.renew_at);
        let unsaid = self.scheduler.agents.next_flush(self.scheduler.now.mono);
        let deadlines = [self.farms.next_deadline(), self.router.next_deadline(), self.draining, own, unsaid];
        let soonest = deadlines.into_iter().flatten().min();
        self.scheduler.next_deadline().min(soonest.unwrap_or(u64::MAX))
    }

    fn dispatch(&mut self, event: Ready) {
        match event.token {
            SUPERVISOR => self.hear_supervisor(),
            NOTIFY => self.hinted = true,
            ROUTER => self.hear_router(),
            // They are looked at each turn.
            FLUSHER | LOG | KEEPER => {}
            token if token >= AGENTS => {
                self.hear_agent(AgentId(u64::try_from(token - AGENTS).unwrap_or_default()));
            }
            token => self.answer_door(token - DOORS),
        }
    }

    fn read_hints(&mut self) {
        if !self.hinted {
            return;
        }
        let mut buffer = [0; 256];
        for _ in 0..HINTS {
            match self.notify.recv(&mut buffer) {
                Ok(octets) => self.scheduler.hint(buffer.get(..octets).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.hinted = false;
                    return;
                }
            }
        }
    }

    /// Takes the calls of agents that outlived an earlier scheduler.
    fn answer_door(&mut self, index: usize) {
        loop {
            let Some((role, door)) = self.doors.get(index) else { return };
            let role = *role;
            match door.answer() {
                Ok(Some((call, link))) => self.survived(role, call.child, link),
                Ok(None) => return,
                Err(error) => return log::error!("rendezvous: {error}"),
            }
        }
    }

    /// Sends some lines of each listing under way.
    fn step_listings(&mut self) {
        for _ in 0..self.listings.len() {
            let Some((ticket, mut listing)) = self.listings.pop_front() else { return };
            let (lines, last) = listing.step(&mut self.scheduler);
            self.tell(&FromChild::Answer { ticket, lines, last });
            if !last {
                self.listings.push_back((ticket, listing));
            }
        }
    }

    /// Finishes what is in flight, and takes nothing new.
    pub(super) fn drain(&mut self, why: &str) {
        if self.draining.is_some() {
            return;
        }
        self.draining = Some(self.scheduler.now.mono + GRACE);
        self.scheduler.note_own(ProgramEvent::Draining { why });
        self.configure();
        self.farms.drain();
        self.scheduler.agents.drain();
    }

    /// Gives the queue its limits; a draining one hands out nothing.
    pub(super) fn configure(&mut self) {
        let (section, channels) = &self.settings;
        self.scheduler.keeper.set_after(section.compact_after);
        self.scheduler.notice_content = section.notice_content;
        let mut policy = policy(section, channels, &self.scheduler.hostname);
        if self.draining.is_some() {
            policy.jobs = 0;
        }
        self.scheduler.queue.reconfigure(policy, self.scheduler.now.utc);
    }

    fn is_drained(&self) -> bool {
        self.draining.is_some_and(|until| {
            // An agent whose channel has ended has nothing more to say.
            let silent = self.scheduler.agents.iter().all(|(_, agent)| agent.ended);
            silent || self.scheduler.now.mono >= until
        })
    }

    /// Collects a word to the supervisor.
    pub(super) fn tell(&mut self, message: &FromChild) {
        // Its end is our drain.
        let _ended = self.supervisor.send(message);
    }

    fn broken(&mut self, error: &SpoolError) -> Fatal {
        let text = error.to_string();
        let failure = Failure {
            operation: "log",
            file: "logs/scheduler",
            error: &text,
            then: "starts again from disk",
        };
        self.scheduler.note_own(ProgramEvent::SpoolError(failure));
        Fatal::new(Exit::Io, format!("the log cannot be written: {error}"))
    }
}
