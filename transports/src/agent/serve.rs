//! The loop of an agent. It decides when to listen, to work, to report and to end; not what becomes of a job.
//!
//! States: serving, and winding up (told to drain, by the supervisor or by the scheduler, or the supervisor is gone): no
//! new job is taken, what was begun is finished, ten seconds at most, then the process ends.

use super::link::Link;
use super::{Desk, Dial, SchedulerChannel, Transport, Turn};
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::fault::Faults;
use farm::journal::{Journal, ProgramEvent};
use farm::skeleton::SupervisorChannel;
use ipc::agent::{FromAgent, ToAgent};
use ipc::supervisor::FromChild;

/// What an agent is made of.
pub struct Parts<T> {
    /// The name of its role, as fault switches name it.
    pub role: String,
    /// What its channel does.
    pub transport: T,
    /// The way to the supervisor.
    pub supervisor: SupervisorChannel,
    /// The way to the scheduler.
    pub scheduler: SchedulerChannel,
    /// The way to the next scheduler.
    pub dial: Dial<FromAgent, ToAgent>,
    /// Where everything is watched.
    pub event_loop: EventLoop,
    /// The operator's journal.
    pub journal: Journal,
}

/// The loop around a transport.
pub struct Agent<T> {
    pub(super) role: String,
    pub(super) transport: T,
    pub(super) supervisor: SupervisorChannel,
    pub(super) link: Link,
    pub(super) desk: Desk,
    pub(super) event_loop: EventLoop,
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    /// The supervisor is gone.
    pub(super) alone: bool,
    /// Until when `Hungry` waits for results of an earlier scheduler's jobs; `None` once it was said.
    hungry_by: Option<u64>,
    /// The gauges that were told last, when, and when changed ones are due.
    told: (u32, u32),
    told_at: u64,
    tell_at: Option<u64>,
    /// When to end at the latest, once it winds up.
    end_by: Option<u64>,
}

impl<T: Transport> Agent<T> {
    /// Puts the parts together.
    ///
    /// # Errors
    /// A channel cannot be watched.
    pub fn new(parts: Parts<T>) -> Result<Self, Fatal> {
        let Parts { role, transport, supervisor, scheduler, dial, event_loop, journal } = parts;
        let failed = |error| Fatal::doing(Exit::System, "event loop")(error);
        event_loop.watch(&supervisor, SUPERVISOR).map_err(failed)?;
        event_loop.watch_readable(&scheduler, SCHEDULER).map_err(failed)?;
        let mut desk = Desk::default();
        desk.grant_anew(transport.capacity());
        Ok(Self {
            role,
            transport,
            supervisor,
            link: Link::new(scheduler, dial, SCHEDULER),
            desk,
            event_loop,
            journal,
            faults: Faults::default(),
            alone: false,
            hungry_by: None,
            told: (0, 0),
            told_at: 0,
            tell_at: None,
            end_by: None,
        })
    }

    /// Runs until told to end.
    ///
    /// # Errors
    /// The system refuses to wait, or the supervisor's channel is broken.
    pub fn serve(mut self) -> Result<(), Fatal> {
        self.say(&FromChild::Ready);
        let mut ready = Vec::new();
        let mut more = false;
        loop {
            self.report();
            self.flush();
            if self.is_over() {
                return Ok(());
            }
            let deadline = if more { Some(0) } else { self.deadline() };
            self.event_loop.turn(deadline, &mut ready).map_err(Fatal::doing(Exit::System, "event loop"))?;
            for &event in &ready {
                self.hear(event)?;
            }
            self.call();
            more = self.with_transport(T::work);
        }
    }

    fn hear(&mut self, event: Ready) -> Result<(), Fatal> {
        match event.token {
            SUPERVISOR if event.readable => self.hear_supervisor()?,
            SCHEDULER if event.readable => self.hear_scheduler(),
            SUPERVISOR | SCHEDULER => {}
            _ => self.with_transport(|transport, turn| transport.ready(event, turn)),
        }
        Ok(())
    }

    /// Lets the transport do something with what a turn offers.
    pub(super) fn with_transport<R>(&mut self, act: impl FnOnce(&mut T, &mut Turn<'_>) -> R) -> R {
        let mut turn = Turn {
            now: self.event_loop.now(),
            desk: &mut self.desk,
            event_loop: &self.event_loop,
            faults: &mut self.faults,
        };
        act(&mut self.transport, &mut turn)
    }

    fn deadline(&mut self) -> Option<u64> {
        let call = self.calls().then(|| self.link.deadline()).flatten();
        let tell = self.tell_at.filter(|_| self.link.is_up());
        let unsaid = self.link.next_flush(self.event_loop.now().mono);
        let times = [self.transport.deadline(), call, self.hungry_by, self.end_by, tell, unsaid];
        times.into_iter().flatten().min()
    }

    /// Whether a scheduler is wanted: there is something to get or something to tell.
    fn calls(&self) -> bool {
        self.end_by.is_none() || self.desk.has_reports()
    }

    fn call(&mut self) {
        let now = self.event_loop.now().mono;
        if self.calls() && self.link.call(&self.event_loop, now) {
            self.desk.grant_anew(self.transport.capacity());
            self.hungry_by = Some(now + PATIENCE);
            (self.told, self.told_at) = ((0, 0), 0);
            // Something may have come before the channel was watched.
            self.hear_scheduler();
        }
    }

    /// Tells the scheduler everything it does not know yet, in one go.
    fn report(&mut self) {
        if !self.link.is_up() {
            return;
        }
        let now = self.event_loop.now().mono;
        for message in self.desk.take_reports(now) {
            self.link.send(&message);
        }
        if self.hungry_by.is_some_and(|by| by <= now || self.desk.orphans() == 0) {
            self.hungry_by = None;
        }
        if self.hungry_by.is_none() && self.end_by.is_none() {
            self.grant();
        }
        self.tell_gauges(now);
    }

    /// Tells the gauges if they have changed, once a second at most.
    fn tell_gauges(&mut self, now: u64) {
        let gauges = self.transport.gauges();
        if gauges == self.told {
            self.tell_at = None;
        } else if now < self.told_at + GAUGE_PAUSE {
            self.tell_at = Some(self.told_at + GAUGE_PAUSE);
        } else {
            (self.told, self.told_at, self.tell_at) = (gauges, now, None);
            self.link.send(&FromAgent::Gauges { sessions: gauges.0, hosts: gauges.1 });
        }
    }

    fn grant(&mut self) {
        let credits = self.desk.take_credits();
        if credits > 0 {
            self.link.send(&FromAgent::Hungry { credits, warm: self.transport.warm() });
        }
    }

    /// Writes everything that was collected in this turn.
    fn flush(&mut self) {
        if !self.link.flush() {
            self.lose_scheduler();
        }
        if self.supervisor.flush().is_err() {
            self.wind_up("the supervisor is gone");
        }
        self.journal.flush(self.event_loop.now().utc);
    }

    /// The scheduler is gone: keep only what cannot be undone.
    pub(super) fn lose_scheduler(&mut self) {
        let now = self.event_loop.now().mono;
        self.link.drop_channel(&self.event_loop, now);
        let kept = self.with_transport(T::abandon);
        self.desk.orphan(&kept);
        self.hungry_by = None;
    }

    /// Starts to end.
    pub(super) fn wind_up(&mut self, why: &str) {
        if self.end_by.is_none() {
            let now = self.event_loop.now();
            self.end_by = Some(now.mono + GRACE);
            self.journal.note_own(ProgramEvent::Draining { why }, now.utc);
            self.with_transport(T::wind_up);
        }
    }

    pub(super) fn is_winding_up(&self) -> bool {
        self.end_by.is_some()
    }

    fn is_over(&self) -> bool {
        let Some(end_by) = self.end_by else { return false };
        let told = !self.desk.has_reports() && self.link.is_flushed();
        self.transport.is_quiet() && told || self.event_loop.now().mono >= end_by
    }

    /// Says something to the supervisor; it goes out at the end of the turn.
    pub(super) fn say(&mut self, message: &FromChild) {
        if let Err(error) = self.supervisor.send(message) {
            log::error!("the supervisor cannot be told: {error}");
        }
    }
}

/// The token of the supervisor's channel.
const SUPERVISOR: usize = 0;

/// The token of the scheduler's channel.
const SCHEDULER: usize = 1;

/// How long `Hungry` waits for the results of jobs of an earlier scheduler, in milliseconds; a new one waits for two
/// seconds.
const PATIENCE: u64 = 1_800;

/// Between two reports of gauges, in milliseconds.
const GAUGE_PAUSE: u64 = 1_000;

/// How long what was begun may take once the agent is to end, in milliseconds.
const GRACE: u64 = 10_000;
