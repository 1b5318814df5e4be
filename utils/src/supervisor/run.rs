//! The supervisor's life: set-up, loop, stop.

use super::certifying::Certificates;
use super::children::{Children, number_of};
use super::control::{Control, LISTENER};
use super::ground::{own, prepare};
use super::keep::farms;
use super::wiring::Wiring;
use farm::clock::Moment;
use farm::config::{Config, JournalTarget, Paths, Problem};
use farm::event_loop::{EventLoop, Ready};
use farm::exit::{Exit, Fatal};
use farm::farm::Farm;
use farm::journal::{Journal, ProgramEvent};
use ipc::Role;
use ipc::supervisor::ToChild;
use std::collections::BTreeMap;
use std::path::PathBuf;
use sys::signal::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, Signals};
use sys::user::Account;

/// How the supervisor is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file.
    pub file: PathBuf,
    /// Where things are.
    pub paths: Paths,
}

/// How long a stop waits for work under way, in milliseconds.
const STOP_GRACE: u64 = 20_000;

/// The loop's tokens of the signal pipes.
const SIGNALS: usize = 2;

pub(super) struct Supervisor {
    pub(super) options: Options,
    pub(super) config: Config,
    pub(super) wiring: Wiring,
    pub(super) event_loop: EventLoop,
    pub(super) journal: Journal,
    pub(super) children: Children,
    pub(super) certificates: Certificates,
    pub(super) farms: Vec<Farm>,
    pub(super) control: Control,
    pub(super) account: Option<Account>,
    pub(super) started: Moment,
    pub(super) stopping: Option<Stop>,
    /// Ends with an error, by role, since the start.
    pub(super) ends: BTreeMap<Role, u64>,
    /// Queries that children have not answered yet.
    pub(super) queries: super::asked::Queries,
    /// Children count how long things take; those to come shall, too.
    pub(super) profiling: bool,
    announced: bool,
}

/// A stop under way.
pub(super) struct Stop {
    /// When those that are left are killed.
    kill_at: u64,
    /// The front has ended, so the rest has been told.
    rest_told: bool,
    /// Who waits to hear that it is done.
    pub(super) clients: Vec<usize>,
}

/// Runs the supervisor in the foreground until it is told to stop.
///
/// # Errors
/// The configuration is wrong, another supervisor runs, or the system refuses something that is needed.
pub fn run(options: Options) -> Result<(), Fatal> {
    let config = load(&options).map_err(|problems| refuse(&problems))?;
    let account = account(&config)?;
    let _ground = prepare(&config.common, account.as_ref())?;
    let system = |what: &str| Fatal::doing(Exit::System, what.to_owned());
    sys::limits::raise_open_files();
    let wiring = Wiring::bind(&config)?;
    let paths = &config.common.paths;
    if let Some(account) = &account {
        for socket in ["router.notify", "scheduler.notify"] {
            own(&paths.run.join(socket), account)?;
        }
        own_journal(&config.common.journal, account)?;
    }
    let event_loop = EventLoop::new().map_err(system("event loop"))?;
    let listener = sys::listen::unix(&paths.run.join("control"), 0o666).map_err(system("control socket"))?;
    let control = Control::new(listener, administrators(account.as_ref()), &event_loop)
        .map_err(system("control socket"))?;
    let journal = Journal::open(&config.common.journal, "grange");
    let mut signals = Signals::new(&[SIGCHLD, SIGHUP, SIGINT, SIGTERM]).map_err(system("signals"))?;
    for (_, source) in signals.descriptors() {
        event_loop.watch_readable(&source, SIGNALS).map_err(system("signals"))?;
    }
    let started = event_loop.now();
    let certificates =
        Certificates::load(&config, started.utc / 1000).map_err(Fatal::doing(Exit::Config, "[tls]"))?;
    let mut supervisor = Supervisor {
        options,
        config,
        wiring,
        event_loop,
        journal,
        children: Children::default(),
        certificates,
        farms: farms(),
        control,
        account,
        started,
        stopping: None,
        ends: BTreeMap::new(),
        queries: super::asked::Queries::default(),
        profiling: false,
        announced: false,
    };
    supervisor.serve(&mut signals)
}

/// Reads the configuration and the tables that it names.
fn load(options: &Options) -> Result<Config, Vec<Problem>> {
    let hostname = sys::process::hostname().unwrap_or_default();
    Config::load(&options.file, &options.paths, &hostname)
}

/// All problems of a configuration as one reason to stop.
pub(super) fn refuse(problems: &[Problem]) -> Fatal {
    let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let plural = if problems.len() == 1 { "" } else { "s" };
    lines.push(format!("{} error{plural}; nothing was started.", problems.len()));
    Fatal::new(Exit::Config, lines.join("\n"))
}

/// Whose rights the children get: nobody else's unless the supervisor is root.
fn account(config: &Config) -> Result<Option<Account>, Fatal> {
    let name = &config.common.user;
    if !sys::privilege::is_root() || name == "root" {
        return Ok(None);
    }
    match sys::user::lookup_user(name).map_err(Fatal::doing(Exit::Temporary, format!("user {name:?}")))? {
        Some(account) => Ok(Some(account)),
        None => Err(Fatal::new(
            Exit::Config,
            format!("user {name:?} does not exist; make it with `useradd --system {name}`, or set `user`"),
        )),
    }
}

/// Who may ask over the control socket: root, and the user that Grange runs as.
fn administrators(account: Option<&Account>) -> Vec<u32> {
    let own = sys::user::own_account().ok().flatten().map(|account| account.uid);
    [Some(0), own, account.map(|account| account.uid)].into_iter().flatten().collect()
}

/// A journal file is the children's, too, wherever root makes it: at the start and after a rotation.
fn own_journal(target: &JournalTarget, account: &Account) -> Result<(), Fatal> {
    let JournalTarget::File(file) = target else { return Ok(()) };
    sys::ownership::make_for(file, 0o640, account)
        .map_err(Fatal::doing(Exit::Io, format!("journal {}", file.display())))
}

impl Supervisor {
    fn serve(&mut self, signals: &mut Signals) -> Result<(), Fatal> {
        let mut ready = Vec::new();
        self.write(ProgramEvent::Started { version: env!("CARGO_PKG_VERSION"), pid: std::process::id() });
        let backend = self.config.common.spool.backend;
        if let Some(why) = backend.warning() {
            self.write(ProgramEvent::NotKept { backend: backend.name(), why });
        }
        for address in self.wiring.addresses() {
            self.write(ProgramEvent::Listening { address: &address });
        }
        self.warn_of_certificates();
        while !self.finished() {
            self.tend();
            self.announce();
            self.look_at_certificates();
            self.journal.flush(self.event_loop.now().utc);
            self.event_loop
                .turn(self.next_deadline(), &mut ready)
                .map_err(Fatal::doing(Exit::System, "event loop"))?;
            for &event in &ready {
                self.dispatch(event, signals);
            }
            self.go_on_stopping();
            self.expire_queries(self.event_loop.now().mono);
        }
        let time = self.age();
        self.write(ProgramEvent::Stopped { why: "drained", time });
        self.journal.flush(self.event_loop.now().utc);
        self.finish_stop();
        Ok(())
    }

    fn dispatch(&mut self, event: Ready, signals: &mut Signals) {
        match event.token {
            LISTENER => self.control.accept(&self.event_loop),
            SIGNALS => {
                for signal in signals.take() {
                    self.signal(signal);
                }
            }
            token => match number_of(token) {
                Some(child) => self.hear(child),
                None => {
                    for asked in self.control.hear(token) {
                        self.asked(asked);
                    }
                }
            },
        }
    }

    fn signal(&mut self, signal: i32) {
        match signal {
            SIGCHLD => self.reap(),
            // The journal tells what came of it.
            SIGHUP => drop(self.reload()),
            SIGINT => self.stop("SIGINT", None),
            _ => self.stop("SIGTERM", None),
        }
    }

    /// Writes a journal line.
    pub(super) fn write(&mut self, event: ProgramEvent<'_>) {
        self.journal.note_own(event, self.event_loop.now().utc);
    }

    /// Milliseconds since the supervisor started.
    pub(super) fn age(&self) -> u64 {
        self.event_loop.now().mono - self.started.mono
    }

    fn announce(&mut self) {
        if !self.announced && self.all_ready() {
            self.announced = true;
            let listening = self.wiring.addresses().join(" ");
            let time = self.age();
            self.write(ProgramEvent::Ready { time });
            // Whoever started us in the background waits for this line; on a terminal it is welcome, too.
            println!("grange is ready: process {}, listening on {listening}", std::process::id());
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        let farms = self.farms.iter().filter_map(Farm::next_deadline).min();
        let stop = self.stopping.as_ref().map(|stop| stop.kill_at);
        let queries = self.queries.next_deadline();
        let certificates = self.certificates.next_look();
        [farms, stop, queries, certificates].into_iter().flatten().min()
    }

    /// Begins to stop: first the front, so that nothing new comes in, then the rest.
    pub(super) fn stop(&mut self, why: &str, client: Option<usize>) {
        let now = self.event_loop.now().mono;
        if self.stopping.is_none() {
            self.write(ProgramEvent::Draining { why });
            self.stopping = Some(Stop { kill_at: now + STOP_GRACE, rest_told: false, clients: Vec::new() });
            for farm in &mut self.farms {
                if farm.role() == Role::SmtpMaster {
                    farm.drain();
                }
            }
        }
        if let Some(stop) = &mut self.stopping {
            stop.clients.extend(client);
        }
    }

    fn go_on_stopping(&mut self) {
        let now = self.event_loop.now().mono;
        let front = |role| matches!(role, Role::SmtpMaster | Role::SmtpWorker);
        let front_gone = !self.children.iter().any(|(_, child)| front(child.role));
        let Some(stop) = &mut self.stopping else { return };
        if front_gone && !stop.rest_told {
            stop.rest_told = true;
            for farm in &mut self.farms {
                farm.drain();
            }
        }
        if now >= stop.kill_at {
            stop.kill_at = now + 1000;
            for (_, child) in self.children.iter() {
                sys::process::kill_now(child.pid);
            }
            for farm in &mut self.farms {
                farm.drain();
            }
        }
    }

    fn finished(&self) -> bool {
        self.stopping.is_some() && self.children.is_empty()
    }

    /// Reads the configuration again. Remarks on what it could not change, as lines.
    ///
    /// # Errors
    /// The problems of a configuration that is not taken, as lines; the old one stays.
    pub(super) fn reload(&mut self) -> Result<Vec<String>, Vec<String>> {
        let began = farm::clock::microseconds();
        let mut config = load(&self.options).map_err(|problems| self.refuse_reload(&problems))?;
        let utc = self.event_loop.now().utc;
        let certificates = self.certificates.reload(&config, utc / 1000).map_err(|error| {
            let (file, why) = error.parts();
            self.refuse_reload(&[Problem::of_file(file, why)])
        })?;
        let fixed = self.config.needs_restart(&config);
        let mut remarks: Vec<String> =
            fixed.iter().map(|key| format!("{key} counts after a restart")).collect();
        config.common.user.clone_from(&self.config.common.user);
        config.common.journal.clone_from(&self.config.common.journal);
        config.common.spool.backend = self.config.common.spool.backend;
        config.common.paths.spool.clone_from(&self.config.common.paths.spool);
        config.smtpserver.listen.clone_from(&self.config.smtpserver.listen);
        if let Some(account) = &self.account
            && let Err(fatal) = own_journal(&config.common.journal, account)
        {
            remarks.push(fatal.why);
        }
        self.journal.reopen();
        self.certificates = certificates;
        self.hand_out(config);
        self.warn_of_certificates();
        self.write(ProgramEvent::Reloaded { time: (farm::clock::microseconds() - began) / 1000 });
        Ok(remarks)
    }

    fn refuse_reload(&mut self, problems: &[Problem]) -> Vec<String> {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let errors = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let first = lines.first().map_or("", String::as_str);
        self.write(ProgramEvent::ReloadRefused { errors, first });
        lines
    }

    /// Tells every child something.
    pub(super) fn tell_all(&mut self, message: &ToChild) {
        for (_, child) in self.children.iter_mut() {
            child.say(message);
        }
    }
}
