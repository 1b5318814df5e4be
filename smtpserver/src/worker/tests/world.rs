//! The world around a worker.

use crate::worker::auth_link::AuthLink;
use crate::worker::commits::Commits;
use crate::worker::desk::Desk;
use crate::worker::house::House;
use crate::worker::rehearsal::Switches;
use crate::worker::route_cache::RouteCache;
use crate::worker::router_link::RouterLink;
use crate::worker::run::{AUTHD, ROUTER, Worker, open_spool};
use crate::worker::transactions::Transactions;
use farm::channel::Channel;
use farm::config::{Auth, Common, Network, Paths, SmtpServer};
use farm::event_loop::EventLoop;
use farm::fault::Faults;
use farm::hints::Hints;
use farm::journal::Journal;
use ipc::hint::Hint;
use ipc::routing::{Answer, FromRouter, Question, Verdict};
use ipc::smtp_worker::{self, Connection, Consulted, FromWorker, Peer, ToWorker};
use ipc::supervisor::{FromChild, ToChild};
use proto::envelope::Route;
use proto::status::Status;
use spool::{Announced, Disk, Entry, Segments, Spool, Tuning};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::rc::Rc;
use std::sync::Arc;
use tempfile::TempDir;

type RouterEnds = Rc<RefCell<Vec<Channel<FromRouter, Question>>>>;

/// A worker and everybody it speaks with.
pub(super) struct World {
    pub(super) worker: Worker,
    master: Channel<ToWorker, FromWorker>,
    pub(super) supervisor: Channel<ToChild, FromChild>,
    pub(super) routers: RouterEnds,
    /// What the router was asked.
    pub(super) questions: Vec<Question>,
    pub(super) generation: u64,
    /// What the master was told.
    pub(super) told: Vec<FromWorker>,
    pub(super) scheduler_notify: UnixDatagram,
    pub(super) router_notify: UnixDatagram,
    directory: TempDir,
    last: u64,
}

/// The client's end of a connection, and what has come over it.
pub(super) struct Client {
    pub(super) stream: UnixStream,
    heard: String,
}

fn notification(directory: &TempDir, name: &str) -> UnixDatagram {
    let socket = UnixDatagram::bind(directory.path().join(name)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn configuration(directory: &TempDir) -> (Common, SmtpServer, Auth) {
    let path = |name: &str| directory.path().join(name);
    let paths = Paths { etc: path("etc"), spool: path("spool"), run: path(""), libexec: path("libexec") };
    let config = farm::config::defaults(&paths, "mail.example.org");
    let mut common = config.common;
    common.spool.memory_limit = 4096;
    common.spool.reserve = 0;
    (common, SmtpServer { route_timeout: 300, idle_commands: 1_000_000, ..config.smtpserver }, config.auth)
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (common, section, auth) = configuration(&directory);
        spool::prepare(&Disk::new(&common.paths.spool)).unwrap();
        let (scheduler_notify, router_notify) =
            (notification(&directory, "scheduler.notify"), notification(&directory, "router.notify"));
        let hints = |name: &str| Hints::to(&common.paths.run.join(name)).unwrap();
        let switches = Arc::<Switches>::default();
        let event_loop = EventLoop::new().unwrap();
        let spool = open_spool(&common, &switches, event_loop.now().utc).unwrap();
        let routers = RouterEnds::default();
        let ends = Rc::clone(&routers);
        let connect = Box::new(move || {
            let (here, there) = UnixStream::pair()?;
            ends.borrow_mut().push(Channel::new(there)?);
            Ok(Channel::new(here)?)
        });
        let desk = Desk {
            now: event_loop.now(),
            house: House::new(&common, &section, &tls::Material::default(), &auth, 0).unwrap(),
            cache: RouteCache::default(),
            router: RouterLink::new(connect, ROUTER),
            authd: AuthLink::new(Box::new(|| Err(std::io::Error::other("there is no authd").into())), AUTHD),
            commits: Commits::new(spool, 2, hints("scheduler.notify"), hints("router.notify")),
            journal: Journal::file("smtpserver", &directory.path().join("journal")),
            faults: Faults::default(),
            switches,
            transactions: Transactions::default(),
            consults: Vec::new(),
            starts: Vec::new(),
            accepted: 0,
        };
        let (supervisor, child) = UnixStream::pair().unwrap();
        let (master, owned) = UnixStream::pair().unwrap();
        let worker =
            Worker::new(event_loop, Channel::new(child).unwrap(), Channel::new(owned).unwrap(), desk);
        worker.watch().unwrap();
        Self {
            worker,
            master: Channel::new(master).unwrap(),
            supervisor: Channel::new(supervisor).unwrap(),
            routers,
            questions: Vec::new(),
            generation: 1,
            told: Vec::new(),
            scheduler_notify,
            router_notify,
            directory,
            last: 0,
        }
    }

    /// One turn of everybody. The nudge keeps the worker from waiting when nothing happens.
    pub(super) fn turn(&mut self) {
        self.supervisor.send(&ToChild::Query { ticket: 0, uid: 0, request: String::new() }).unwrap();
        let _it_may_have_left = self.supervisor.flush();
        let _it_may_have_left = self.master.flush();
        self.worker.turn(&mut Vec::new()).unwrap();
        self.told.extend(self.master.receive().unwrap().messages.into_iter().map(|told| told.message));
        let mut ends = self.routers.borrow_mut();
        for router in ends.iter_mut() {
            for received in router.receive().unwrap().messages {
                if let Some(answer) = answer(&received.message, self.generation) {
                    router.send(&FromRouter::Answer(answer)).unwrap();
                }
                self.questions.push(received.message);
            }
            let _it_may_be_gone = router.flush();
        }
    }

    /// Turns until something is so.
    pub(super) fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let late = farm::clock::moment().mono + 10_000;
        while !is_so(self) {
            assert!(farm::clock::moment().mono < late, "{what}");
            self.turn();
        }
    }

    /// From now on there are these certificates.
    pub(super) fn certify(&mut self, material: &tls::Material) {
        let (common, section, auth) = configuration(&self.directory);
        self.worker.desk.house =
            House::new(&common, &section, material, &auth, self.worker.desk.now.utc).unwrap();
    }

    /// The same, and clients may speak for others.
    pub(super) fn trust(&mut self, material: &tls::Material) {
        let (common, section, auth) = configuration(&self.directory);
        let host = Network { address: "192.0.2.7".parse().unwrap(), prefix: 32 };
        let section = SmtpServer { xclient_networks: vec![host], ..section };
        self.worker.desk.house =
            House::new(&common, &section, material, &auth, self.worker.desk.now.utc).unwrap();
    }

    /// A client from a network that may not relay.
    pub(super) fn client(&mut self) -> Client {
        self.client_at(smtp_worker::Entrance::default())
    }

    /// The same at this door.
    pub(super) fn client_at(&mut self, entrance: smtp_worker::Entrance) -> Client {
        let (stream, there) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        self.last += 1;
        let peer = Peer::Network("192.0.2.7:4000".parse().unwrap());
        let listener = "127.0.0.1:25".into();
        let connection = Connection { session: self.last, peer, listener, entrance, name: None };
        self.master.send_with(&ToWorker::Take(connection), there.into()).unwrap();
        Client { stream, heard: String::new() }
    }

    /// The master has nothing against the client that session 1 plays.
    pub(super) fn consult(&mut self) {
        let consulted =
            Consulted { session: 1, reasons: Vec::new(), verdict: smtp_worker::Verdict::Pass, name: None };
        self.master.send(&ToWorker::Consulted(consulted)).unwrap();
    }

    pub(super) fn drain(&mut self) {
        self.master.send(&ToWorker::Drain).unwrap();
    }

    /// Sends text and waits for a reply that holds `awaited`; gives all that came up to then.
    pub(super) fn ask(&mut self, client: &mut Client, text: &str, awaited: &str) -> String {
        client.stream.write_all(text.as_bytes()).unwrap();
        let late = farm::clock::moment().mono + 10_000;
        loop {
            let ended = client.read();
            if client.heard.contains(awaited) {
                return std::mem::take(&mut client.heard);
            }
            assert!(!ended, "closed before {awaited:?}, after {:?}", client.heard);
            assert!(farm::clock::moment().mono < late, "no {awaited:?} in {:?}", client.heard);
            self.turn();
        }
    }

    /// Waits for the end of the connection; gives what came before.
    pub(super) fn farewell(&mut self, client: &mut Client) -> String {
        let late = farm::clock::moment().mono + 10_000;
        while !client.read() {
            assert!(farm::clock::moment().mono < late, "not closed after {:?}", client.heard);
            self.turn();
        }
        std::mem::take(&mut client.heard)
    }

    /// What the journal says, without the lines' time stamps.
    pub(super) fn journal(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("journal")).unwrap_or_default()
    }

    /// The entries of the next range that was announced, read by another process's eyes, with their contents.
    pub(super) fn announced(&self, socket: &UnixDatagram) -> Vec<(Entry, String)> {
        let mut buffer = [0; 100];
        let Ok(octets) = socket.recv(&mut buffer) else { return Vec::new() };
        let hint = Hint::decode(&buffer[..octets]).unwrap();
        let disk = Disk::new(self.directory.path().join("spool"));
        let mut spool = Segments::open(Arc::new(disk), Tuning::default()).unwrap();
        let range = Announced { segment: hint.segment, from: hint.from, to: hint.to };
        let entries = spool.walk(range, 100).unwrap().entries;
        let content = |place| spool.open(place).unwrap().read(u64::MAX).unwrap();
        let mut content = content;
        entries.into_iter().map(|e| (e.clone(), String::from_utf8(content(e.place)).unwrap())).collect()
    }
}

impl Client {
    /// Takes what has come; true at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(octets) => self.heard.push_str(std::str::from_utf8(&buffer[..octets]).unwrap()),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
    }
}

/// The router: `nosuch` is refused, `relay` too, `list` is expanded, `silent` is not answered, all others go to a host.
fn answer(question: &Question, generation: u64) -> Option<Answer> {
    let Question::Recipient { session, ticket, address, client, .. } = question else { return None };
    let user = address.as_ref().map_or_else(|| "postmaster".to_owned(), proto::address::Mailbox::user);
    let refuse = |subject, detail, text: String| {
        let by = if subject == 7 { "relaying not allowed" } else { "no such user" };
        Verdict::Refuse { status: Status::permanent(subject, detail), text, by: by.into() }
    };
    let verdict = match user.as_str() {
        "nosuch" => refuse(1, 1, "no such user".into()),
        "relay" => refuse(7, 1, format!("relaying is not allowed from {client}")),
        "list" => Verdict::Expand,
        "silent" => return None,
        _ => Verdict::Route(Route { channel: "smtp".into(), host: "h.example".into(), user }),
    };
    Some(Answer {
        session: *session,
        ticket: *ticket,
        generation,
        verdict,
        whole_domain: false,
        members: Vec::new(),
    })
}
