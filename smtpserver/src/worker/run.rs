//! The worker's loop.

use super::auth_link::AuthLink;
use super::commits::Commits;
use super::desk::Desk;
use super::house::House;
use super::owner::Leaving;
use super::rehearsal::{Rehearsal, Switches};
use super::route_cache::RouteCache;
use super::router_link::RouterLink;
use super::seat::{self, Seat};
use super::transactions::Transactions;
use farm::channel::Channel;
use farm::config::{Auth, Backend, Common, SmtpServer};
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::fault::Faults;
use farm::hints::Hints;
use farm::skeleton::{Child, SupervisorChannel};
use farm::timers::Timers;
use ipc::contact::Contact;
use ipc::smtp_worker::{FromWorker, ToWorker, WorkerGauges};
use ipc::supervisor::FromChild;
use slab::Slab;
use spool::{Disk, Null, Segments, Spool, SpoolError, Tuning};
use std::collections::VecDeque;
use std::sync::Arc;
use tls::Material;

/// The loop's tokens.
const SUPERVISOR: usize = 0;
const MASTER: usize = 1;
pub(super) const ROUTER: usize = 2;
const SPOOL: usize = 3;
pub(super) const AUTHD: usize = 4;

/// The loop's token of seat 0.
pub(super) const SEATS: usize = 16;

/// A block of the spool, in octets.
const BLOCK: u64 = 4096;

/// The section of the configuration that a worker gets.
pub(super) type Section = (SmtpServer, Material, Auth);

/// The worker's way to the master.
pub(super) type MasterChannel = Channel<FromWorker, ToWorker>;

pub(super) struct Worker {
    pub(super) event_loop: EventLoop,
    pub(super) supervisor: SupervisorChannel,
    pub(super) master: MasterChannel,
    pub(super) desk: Desk,
    pub(super) seats: Slab<Seat>,
    pub(super) timers: Timers<usize>,
    /// Seats that wait for a turn.
    pub(super) turns: VecDeque<usize>,
    /// Shared by all turns.
    pub(super) buffer: Vec<u8>,
    /// Sessions that the master has not been told of: taken, ended.
    pub(super) taken: Vec<u64>,
    pub(super) ended: Vec<u64>,
    pub(super) reported: WorkerGauges,
    pub(super) report_at: u64,
    pub(super) housekeeping_at: u64,
    /// The master knows that this worker wishes to be replaced.
    pub(super) retired: bool,
    pub(super) leaving: Option<Leaving>,
}

/// Runs a worker until it is told to drain and its sessions are over.
///
/// # Errors
/// The spool cannot be used, the system refuses an event loop or a watch, or the spool has stopped accepting.
pub fn run(child: Child<Section>) -> Result<(), Fatal> {
    let mut worker = worker_of(child)?;
    worker.watch().map_err(Fatal::doing(Exit::System, "event loop"))?;
    worker.tell(&FromChild::Ready);
    worker.serve().map_err(Fatal::doing(Exit::System, "event loop"))?;
    worker.outcome()
}

fn worker_of(mut child: Child<Section>) -> Result<Worker, Fatal> {
    let master = child.gifts.owner()?;
    let rendezvous = child.gifts.caller(Contact::Router)?;
    let authd = child.gifts.caller(Contact::Authd)?;
    let (role, number) = (child.role, child.number);
    let switches = Arc::<Switches>::default();
    let now = child.event_loop.now();
    let spool = open_spool(&child.common, &switches, now.utc).map_err(Fatal::doing(Exit::Io, "spool"))?;
    let (run, delay) = (&child.common.paths.run, child.common.spool.commit_delay);
    let hints = |name: &str| Hints::to(&run.join(name)).map_err(Fatal::doing(Exit::System, name));
    let commits = Commits::new(spool, delay, hints("scheduler.notify")?, hints("router.notify")?);
    let connect = Box::new(move || rendezvous.call(role, number));
    let connect_authd = Box::new(move || authd.call(role, number));
    let (section, material, auth) = &child.section;
    let desk = Desk {
        now,
        house: House::new(&child.common, section, material, auth, now.utc)?,
        cache: RouteCache::default(),
        router: RouterLink::new(connect, ROUTER),
        authd: AuthLink::new(connect_authd, AUTHD),
        commits,
        journal: child.journal,
        faults: Faults::default(),
        switches,
        transactions: Transactions::default(),
        consults: Vec::new(),
        starts: Vec::new(),
        accepted: 0,
    };
    Ok(Worker::new(child.event_loop, child.supervisor, master, desk))
}

/// Opens the spool for writing, with its flusher if there is something to flush. This process starts no other one, so it
/// may have a thread.
pub(super) fn open_spool(
    common: &Common,
    switches: &Arc<Switches>,
    now: u64,
) -> Result<Box<dyn Spool>, SpoolError> {
    let limits = &common.spool;
    let lasting = limits.backend.is_lasting();
    let default = Tuning::default();
    let segment_size = limits.segment_size.next_multiple_of(BLOCK);
    let tuning = Tuning {
        memory_limit: usize::try_from(limits.memory_limit).unwrap_or(usize::MAX),
        segment_size,
        // Zeros ahead make a flush cheap; without one they are of no use.
        fill_step: if lasting { default.fill_step.min(segment_size) } else { BLOCK },
        reserve: limits.reserve,
        ..default
    };
    if limits.backend == Backend::Null {
        return Ok(Box::new(Null::new(&tuning)?));
    }
    let disk = Disk::new(&common.paths.spool).with_free_probe(sys::space::free_octets).with_flushes(lasting);
    let storage = Rehearsal::new(Arc::new(disk), Arc::clone(switches));
    let mut spool = Segments::open(Arc::new(storage), tuning)?;
    spool.renew(now)?;
    if lasting {
        spool.start_flusher(farm::clock::microseconds)?;
    }
    Ok(Box::new(spool))
}

impl Worker {
    pub(super) fn new(
        event_loop: EventLoop,
        supervisor: SupervisorChannel,
        master: MasterChannel,
        desk: Desk,
    ) -> Self {
        let mut worker = Self {
            event_loop,
            supervisor,
            master,
            desk,
            seats: Slab::new(),
            timers: Timers::new(),
            turns: VecDeque::new(),
            buffer: Vec::new(),
            taken: Vec::new(),
            ended: Vec::new(),
            reported: WorkerGauges::default(),
            report_at: 0,
            housekeeping_at: 0,
            retired: false,
            leaving: None,
        };
        worker.fit_buffer();
        worker.refresh_rulebook();
        worker
    }

    /// The buffer takes a turn's worth of input behind the longest line that a session may have left unused.
    pub(super) fn fit_buffer(&mut self) {
        let size = seat::TURN + self.desk.house.config.limits().longest_line();
        self.buffer.resize(size.max(self.buffer.len()), 0);
    }

    pub(super) fn watch(&self) -> std::io::Result<()> {
        self.event_loop.watch(&self.supervisor, SUPERVISOR)?;
        self.event_loop.watch(&self.master, MASTER)?;
        self.desk.commits.wait_fd().map_or(Ok(()), |spool| self.event_loop.watch_readable(&spool, SPOOL))
    }

    fn serve(&mut self) -> std::io::Result<()> {
        let mut ready = Vec::new();
        while !self.has_left() {
            self.turn(&mut ready)?;
        }
        self.report();
        self.flush();
        Ok(())
    }

    /// One turn of the loop: everything that can be done now, then the wait, then the news.
    pub(super) fn turn(&mut self, ready: &mut Vec<Ready>) -> std::io::Result<()> {
        self.keep_house();
        self.desk.router.tend(&self.event_loop, self.desk.now.mono);
        self.desk.authd.tend(&self.event_loop, self.desk.now.mono);
        self.expire_all();
        self.serve_all();
        self.commit();
        self.report();
        self.flush();
        if self.has_left() {
            return Ok(());
        }
        let deadline = self.next_deadline();
        self.event_loop.turn(Some(deadline), ready)?;
        self.desk.now = self.event_loop.now();
        self.desk.house.clock.tell(self.desk.now.utc / 1000);
        for event in ready.iter() {
            match event.token {
                SUPERVISOR => self.hear_supervisor(),
                MASTER => self.hear_master(),
                ROUTER => self.hear_router(),
                SPOOL => self.hear_spool(),
                AUTHD => self.hear_authd(),
                token => self.ready(token - SEATS, *event),
            }
        }
        Ok(())
    }

    fn next_deadline(&mut self) -> u64 {
        if !self.turns.is_empty() {
            return 0;
        }
        let wishes = [
            self.timers.next_at(),
            self.desk.router.next_deadline(),
            self.desk.authd.next_deadline(),
            self.next_report(),
            self.next_leaving(),
            Some(self.desk.commits.next_deadline()),
        ];
        wishes.into_iter().flatten().fold(self.housekeeping_at, u64::min)
    }

    fn flush(&mut self) {
        self.desk.router.flush();
        self.desk.authd.flush();
        if !self.master.is_flushed() {
            let _its_end_is_our_drain = self.master.flush();
        }
        let _its_end_is_our_drain = self.supervisor.flush();
        self.desk.journal.flush(self.desk.now.utc);
    }
}
