//! A supervisor of one multiplexer and its workers, with the real programs and everything else in the test's hands.

use farm::channel::Channel;
use farm::config::{Config, Paths, defaults};
use ipc::codec::{self, BUILD};
use ipc::contact::Call;
use ipc::routing::{Answer, FromRouter, Question};
use ipc::supervisor::{ChildNumber, FromChild, Gift, ToChild, Welcome};
use ipc::{Role, hint::Hint};
use proto::envelope::{Envelope, Origin, Recipient, Route, Shape};
use proto::id::SpoolId;
use proto::terms::Terms;
use spool::{Announced, Committed, Disk, Segments, Spool, Tuning};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sys::descriptor::Carrier;

/// The milliseconds at which messages of these tests were accepted.
const RECEIVED: u64 = 1_764_000_000_000;

struct Process {
    child: Child,
    channel: Channel<ToChild, FromChild>,
    owned: bool,
}

/// The farm under test.
pub(crate) struct Office {
    directory: tempfile::TempDir,
    config: Config,
    processes: BTreeMap<ChildNumber, Process>,
    last: ChildNumber,
    ready: bool,
    notification: UnixDatagram,
    /// Where calls from smtpserver workers go.
    calling: UnixDatagram,
    answering: UnixDatagram,
    scheduler: UnixDatagram,
    writer: Segments,
    /// Lines that the multiplexer answered.
    pub(crate) lines: Vec<String>,
    /// Workers that ended other than with success.
    pub(crate) deaths: usize,
    /// How the multiplexer ended.
    pub(crate) ended: Option<ExitStatus>,
}

/// A caller of the multiplexer.
pub(crate) type Caller = Channel<Question, FromRouter>;

impl Office {
    /// Starts the multiplexer on a host `mail.example.org` with these aliases; `None` is a file that is not there.
    pub(crate) fn start(aliases: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let paths = Paths { etc: at("etc"), spool: at("spool"), run: at("run"), libexec: at("libexec") };
        std::fs::create_dir(&paths.etc).unwrap();
        std::fs::create_dir(&paths.run).unwrap();
        let mut config = defaults(&paths, "mail.example.org");
        config.router.aliases = Some(paths.etc.join("aliases"));
        config.common.spool.reserve = 0;
        config.common.journal = farm::config::JournalTarget::File(at("journal"));
        let disk = Arc::new(Disk::new(&paths.spool));
        spool::prepare(&*disk).unwrap();
        let (calling, answering) = UnixDatagram::pair().unwrap();
        answering.set_nonblocking(true).unwrap();
        let bind = |name: &str| sys::listen::datagram(&paths.run.join(name), 0o600).unwrap();
        let mut office = Self {
            notification: bind("router.notify"),
            scheduler: bind("scheduler.notify"),
            writer: Segments::open(disk, Tuning::default()).unwrap(),
            processes: BTreeMap::new(),
            last: 0,
            ready: false,
            calling,
            answering,
            lines: Vec::new(),
            deaths: 0,
            ended: None,
            directory,
            config,
        };
        if let Some(text) = aliases {
            office.write_aliases(text);
        }
        let answer = (Gift::Answer(Role::SmtpWorker), copy(&office.answering));
        let notification = (Gift::Notification, copy(&office.notification));
        office.spawn(Role::RouterMultiplexer, vec![answer, notification], false);
        office.until("the multiplexer", |office| office.ready.then_some(()));
        office
    }

    /// Replaces the aliases.
    pub(crate) fn write_aliases(&self, text: &str) {
        let new = self.path("etc/new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path("etc/aliases")).unwrap();
    }

    /// Writes a list of addresses and says where it is.
    pub(crate) fn list(&self, text: &str) -> String {
        let path = self.path("etc/list");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What stands in the journal.
    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(self.path("journal")).unwrap_or_default()
    }

    fn spawn(&mut self, role: Role, gifts: Vec<(Gift, OwnedFd)>, owned: bool) -> ChildNumber {
        self.last += 1;
        let (here, there) = UnixStream::pair().unwrap();
        let argument = role.program().1.unwrap();
        let child = Command::new(Path::new(env!("CARGO_BIN_EXE_router")))
            .arg(argument)
            .stdin(Stdio::from(OwnedFd::from(there)))
            .spawn()
            .unwrap();
        let mut channel = Channel::new(here).unwrap();
        let channels: Vec<&String> = self.config.channels.keys().collect();
        let section = codec::encode(&(&self.config.common, (&self.config.router, channels))).unwrap();
        let welcome = Welcome { build: BUILD.into(), role, child: self.last, section };
        channel.send(&ToChild::Welcome(welcome)).unwrap();
        for (gift, descriptor) in gifts {
            channel.send_with(&ToChild::Give(gift), descriptor).unwrap();
        }
        channel.send(&ToChild::Begin).unwrap();
        channel.flush().unwrap();
        self.processes.insert(self.last, Process { child, channel, owned });
        self.last
    }

    /// Tells the multiplexer something.
    pub(crate) fn tell(&mut self, message: &ToChild) {
        let multiplexer = self.processes.get_mut(&1).unwrap();
        multiplexer.channel.send(message).unwrap();
        multiplexer.channel.flush().unwrap();
    }

    /// Asks the multiplexer as an administrator does.
    pub(crate) fn query(&mut self, ticket: u64, request: &str) {
        self.tell(&ToChild::Query { ticket, uid: 0, request: request.into() });
    }

    /// Processes that live, the multiplexer included.
    pub(crate) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Does the supervisor's work until the test has what it waits for.
    pub(crate) fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.turn();
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn turn(&mut self) {
        let numbers: Vec<ChildNumber> = self.processes.keys().copied().collect();
        for number in numbers {
            let Some(process) = self.processes.get_mut(&number) else { continue };
            let said = process.channel.receive().map(|batch| batch.messages).unwrap_or_default();
            let ended = process.child.try_wait().unwrap();
            for received in said {
                self.hear(number, received.message);
            }
            if let Some(status) = ended {
                self.bury(number, status);
            }
        }
    }

    fn hear(&mut self, number: ChildNumber, message: FromChild) {
        match message {
            FromChild::Ready => self.ready |= number == 1,
            FromChild::Spawn { ticket, role } => {
                let (here, there) = UnixStream::pair().unwrap();
                let child = self.spawn(role, vec![(Gift::Owner, there.into())], true);
                let pid = self.processes[&child].child.id();
                let owner = self.processes.get_mut(&number).unwrap();
                let word = ToChild::Spawned { ticket, child, pid };
                owner.channel.send_with(&word, here.into()).unwrap();
                owner.channel.flush().unwrap();
            }
            FromChild::Kill { child } => {
                if let Some(process) = self.processes.get_mut(&child) {
                    process.child.kill().unwrap();
                }
            }
            FromChild::Answer { lines, .. } => self.lines.extend(lines),
            FromChild::StartQueue { .. } => panic!("a router starts no queue"),
        }
    }

    fn bury(&mut self, number: ChildNumber, status: ExitStatus) {
        let Some(process) = self.processes.remove(&number) else { return };
        if !process.owned {
            self.ended = Some(status);
            return;
        }
        self.deaths += usize::from(!status.success());
        if let Some(multiplexer) = self.processes.get_mut(&1) {
            let word = ToChild::Exited { child: number, how: status.to_string(), clean: status.success() };
            let _it_may_be_gone = multiplexer.channel.send(&word).and_then(|()| multiplexer.channel.flush());
        }
    }

    /// Calls as an smtpserver worker.
    pub(crate) fn call(&self) -> Caller {
        let (here, there) = UnixStream::pair().unwrap();
        let word = codec::encode(&Call { build: BUILD.into(), role: Role::SmtpWorker, child: 99 }).unwrap();
        self.calling.send_descriptor(&word, &there.into()).unwrap();
        Channel::new(here).unwrap()
    }

    /// Waits for so many answers.
    pub(crate) fn answers(&mut self, caller: &mut Caller, count: usize) -> Vec<Answer> {
        caller.flush().unwrap();
        let mut all = Vec::new();
        self.until("answers", |_| {
            caller.flush().unwrap();
            for received in caller.receive().unwrap().messages {
                let FromRouter::Answer(answer) = received.message else { panic!("{received:?}") };
                all.push(answer);
            }
            (all.len() >= count).then_some(())
        });
        all
    }

    /// Commits a message with these recipients; a route is given as `channel!host`.
    pub(crate) fn commit(&mut self, recipients: &[(&str, Option<&str>)]) -> (Committed, Announced) {
        let recipient = |&(address, route): &(&str, Option<&str>)| Recipient {
            terms: Default::default(),
            address: address.parse().unwrap(),
            route: route.map(|route| {
                let (channel, host) = route.split_once('!').unwrap();
                Route { channel: channel.into(), host: host.into(), user: address.into() }
            }),
        };
        let mut draft = self.writer.create(RECEIVED).unwrap();
        draft.append(b"Subject: x\r\n\r\nhello\r\n").unwrap();
        let envelope = Envelope {
            from: "you@client.example".parse().map(proto::address::ReversePath::Mailbox).unwrap(),
            recipients: recipients.iter().map(recipient).collect(),
            received: RECEIVED,
            origin: Origin::default(),
            shape: Shape { size: draft.len(), header: 14, ..Shape::default() },
            terms: asked_for(),
        };
        self.writer.commit(draft, &envelope, RECEIVED).unwrap();
        self.writer.close_batch(RECEIVED);
        let completion = self.writer.completions().pop().unwrap();
        (*completion.committed().next().unwrap(), completion.announced.unwrap())
    }

    /// Sends a datagram to the multiplexer's notification socket.
    pub(crate) fn hint(&self, datagram: &[u8]) {
        let socket = UnixDatagram::unbound().unwrap();
        socket.set_nonblocking(true).unwrap();
        while socket.send_to(datagram, self.path("run/router.notify")).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Hints to the multiplexer that this range is new.
    pub(crate) fn announce(&self, range: Announced) {
        let hint = Hint { segment: range.segment, from: range.from, to: range.to };
        self.hint(hint.encode().as_bytes());
    }

    /// What the workers have told the scheduler since the last look.
    pub(crate) fn expansions(&mut self) -> Vec<spool::Entry> {
        let mut buffer = [0; 100];
        let mut entries = Vec::new();
        while let Ok(octets) = self.scheduler.recv(&mut buffer) {
            let hint = Hint::decode(&buffer[..octets]).expect("a hint");
            let range = Announced { segment: hint.segment, from: hint.from, to: hint.to };
            entries.extend(self.writer.walk(range, usize::MAX).unwrap().entries);
        }
        entries
    }

    /// Expansions of a message, once there are so many records.
    pub(crate) fn wait_for_expansions(&mut self, of: SpoolId, count: usize) -> Vec<spool::Entry> {
        let mut all = Vec::new();
        self.until("expansions", |office| {
            all.extend(office.expansions().into_iter().filter(|entry| entry.id == of));
            (all.len() >= count).then_some(())
        });
        all
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            let _it_may_be_gone = process.child.kill();
            let _it_is_gone = process.child.wait();
        }
    }
}

fn copy(socket: &UnixDatagram) -> OwnedFd {
    socket.as_fd().try_clone_to_owned().unwrap()
}

/// What the sender of every message asks for.
pub(crate) fn asked_for() -> Terms {
    Terms { require_tls: true, utf8: true, envid: Some("QQ314159".into()), ..Terms::default() }
}
