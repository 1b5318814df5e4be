//! The program itself, with the test as supervisor and as caller.

use crate::support::FakeDns;
use farm::channel::Channel;
use farm::config::{Common, Dns, JournalTarget, Paths, SpoolLimits};
use ipc::contact::Call;
use ipc::control::{FarmLine, Request};
use ipc::resolve::{Ask, Query, Reply, Resolved};
use ipc::supervisor::{FromChild, Gift, ToChild, Welcome};
use ipc::{Role, codec};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use sys::descriptor::Carrier;

type Caller = Channel<Query, Reply>;

/// The program under test with the supervisor's ends of its descriptors.
struct Program {
    child: Child,
    supervisor: Channel<ToChild, FromChild>,
    rendezvous: UnixDatagram,
}

impl Program {
    fn start(server: SocketAddr) -> Self {
        let (here, there) = UnixStream::pair().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_dns")).stdin(OwnedFd::from(there)).spawn().unwrap();
        let mut supervisor = Channel::new(here).unwrap();
        let (rendezvous, answering) = UnixDatagram::pair().unwrap();
        answering.set_nonblocking(true).unwrap();
        let welcome =
            Welcome { build: codec::BUILD.into(), role: Role::Dns, child: 1, section: section(server) };
        supervisor.send(&ToChild::Welcome(welcome)).unwrap();
        supervisor.send_with(&ToChild::Give(Gift::Answer(Role::AgentSmtp)), answering.into()).unwrap();
        supervisor.send(&ToChild::Begin).unwrap();
        supervisor.flush().unwrap();
        let mut program = Self { child, supervisor, rendezvous };
        assert!(matches!(program.hear(), FromChild::Ready));
        program
    }

    fn call(&self) -> Caller {
        let (here, there) = UnixStream::pair().unwrap();
        let call = Call { build: codec::BUILD.into(), role: Role::AgentSmtp, child: 7 };
        self.rendezvous.send_descriptor(&codec::encode(&call).unwrap(), &there.into()).unwrap();
        Channel::new(here).unwrap()
    }

    fn say(&mut self, message: &ToChild) {
        self.supervisor.send(message).unwrap();
        self.supervisor.flush().unwrap();
    }

    fn hear(&mut self) -> FromChild {
        self.supervisor.receive_waiting().unwrap().messages.remove(0).message
    }

    fn request(&mut self, request: &Request) -> String {
        let request = serde_json::to_string(request).unwrap();
        self.say(&ToChild::Query { ticket: 3, uid: 0, request });
        match self.hear() {
            FromChild::Answer { ticket: 3, mut lines, last: true } => lines.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the program does not end");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn section(server: SocketAddr) -> Vec<u8> {
    let paths = Paths { etc: "/".into(), spool: "/".into(), run: "/".into(), libexec: "/".into() };
    let spool = SpoolLimits {
        backend: farm::config::Backend::Segments,
        commit_delay: 2,
        memory_limit: 1,
        segment_size: 1,
        reserve: 1,
    };
    let common = Common {
        hostname: "mail.my.test".into(),
        local_domains: Vec::new(),
        paths,
        user: String::new(),
        journal: JournalTarget::Stderr,
        spool,
    };
    let dns = Dns { nameservers: vec![server], timeout: 500, attempts: 1, cache: 100 };
    codec::encode(&(common, dns)).unwrap()
}

fn ask(caller: &mut Caller, ticket: u64, ask: Ask) {
    caller.send(&Query { ticket, ask }).unwrap();
}

fn replies(caller: &mut Caller, count: usize) -> Vec<Reply> {
    let mut list = Vec::new();
    while list.len() < count {
        caller.flush().unwrap();
        let batch = caller.receive_waiting().unwrap();
        assert!(!batch.ended, "only {} of {count} answers came", list.len());
        list.extend(batch.messages.into_iter().map(|received| received.message));
    }
    list
}

fn host(name: &str) -> Ask {
    Ask::Addresses(name.into())
}

#[test]
fn each_ticket_gets_its_answer() {
    let server = FakeDns::start("a.test A 192.0.2.1\n");
    let program = Program::start(server.address);
    let mut caller = program.call();
    ask(&mut caller, 1, host("a.test"));
    ask(&mut caller, 2, host("nosuch.test"));
    let mut list = replies(&mut caller, 2);
    list.sort_by_key(|reply| reply.ticket);
    assert!(matches!(&list[0], Reply { ticket: 1, result: Resolved::Found(_) }), "{list:?}");
    assert!(matches!(&list[1], Reply { ticket: 2, result: Resolved::NotFound { .. } }), "{list:?}");
}

#[test]
fn equal_questions_of_two_callers_are_asked_once() {
    let server = FakeDns::start("slow.test A 192.0.2.1\nslow.test DELAY 200\n");
    let program = Program::start(server.address);
    let (mut first, mut second) = (program.call(), program.call());
    for caller in [&mut first, &mut second] {
        for ticket in 0..50 {
            ask(caller, ticket, host("slow.test"));
        }
        caller.flush().unwrap();
    }
    for caller in [&mut first, &mut second] {
        let list = replies(caller, 50);
        assert!(list.iter().all(|reply| matches!(reply.result, Resolved::Found(_))));
    }
    assert_eq!(server.asked("slow.test A"), 1);
}

#[test]
fn more_questions_than_may_be_open_are_all_answered_once() {
    let server = FakeDns::start("*.many.test A 192.0.2.1\n");
    let program = Program::start(server.address);
    let mut caller = program.call();
    for ticket in 0..3_000 {
        ask(&mut caller, ticket, Ask::Exchangers(format!("h{}.many.test", ticket % 700)));
    }
    let mut tickets: Vec<u64> = replies(&mut caller, 3_000).iter().map(|reply| reply.ticket).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, (0..3_000).collect::<Vec<_>>());
}

#[test]
fn a_drain_answers_what_is_open_and_ends_cleanly() {
    let server = FakeDns::start("slow.test A 192.0.2.1\nslow.test DELAY 200\n");
    let mut program = Program::start(server.address);
    let mut caller = program.call();
    ask(&mut caller, 1, host("slow.test"));
    caller.flush().unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while server.asked("slow.test A") == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    program.say(&ToChild::Drain);
    assert!(matches!(replies(&mut caller, 1)[0].result, Resolved::Found(_)));
    assert!(program.end().success());
}

#[test]
fn the_end_of_the_supervisor_is_the_end_of_the_program() {
    let server = FakeDns::start("");
    let mut program = Program::start(server.address);
    let _caller = program.call();
    let (spare, _) = UnixStream::pair().unwrap();
    drop(std::mem::replace(&mut program.supervisor, Channel::new(spare).unwrap()));
    assert!(program.end().success());
}

#[test]
fn a_caller_that_talks_nonsense_harms_nobody_else() {
    let server = FakeDns::start("a.test A 192.0.2.1\n");
    let program = Program::start(server.address);
    let (here, there) = UnixStream::pair().unwrap();
    let call = Call { build: codec::BUILD.into(), role: Role::AgentSmtp, child: 7 };
    program.rendezvous.send_descriptor(&codec::encode(&call).unwrap(), &there.into()).unwrap();
    std::io::Write::write_all(&mut &here, &[0xff; 100]).unwrap();
    program.rendezvous.send(b"no call at all").unwrap();
    let mut caller = program.call();
    ask(&mut caller, 1, host("a.test"));
    assert!(matches!(replies(&mut caller, 1)[0].result, Resolved::Found(_)));
}

#[test]
fn a_reload_takes_the_new_name_servers() {
    let old = FakeDns::start("a.test A 192.0.2.1\n");
    let new = FakeDns::start("a.test MX 0 .\n");
    let mut program = Program::start(old.address);
    let mut caller = program.call();
    ask(&mut caller, 1, Ask::Exchangers("a.test".into()));
    assert!(matches!(replies(&mut caller, 1)[0].result, Resolved::Found(_)));
    program.say(&ToChild::Reload(section(new.address)));
    program.request(&Request::Status);
    ask(&mut caller, 2, Ask::Exchangers("a.test".into()));
    assert_eq!(replies(&mut caller, 1)[0].result, Resolved::NullMx);
}

#[test]
fn the_status_counts_and_a_fault_switch_strikes_as_often_as_told() {
    let server = FakeDns::start("a.test A 192.0.2.1\n");
    let mut program = Program::start(server.address);
    let mut caller = program.call();
    program.request(&Request::Fault { point: "dns/answer".into(), times: 1 });
    ask(&mut caller, 1, host("a.test"));
    assert!(matches!(replies(&mut caller, 1)[0].result, Resolved::Temporary { .. }));
    ask(&mut caller, 2, host("a.test"));
    assert!(matches!(replies(&mut caller, 1)[0].result, Resolved::Found(_)));
    let line: FarmLine = serde_json::from_str(&program.request(&Request::Status)).unwrap();
    assert_eq!((line.role.as_str(), line.gauges["asked"], line.gauges["temporary"]), ("dns", 2.0, 1.0));
    assert!(
        program.request(&Request::Fault { point: "dns/nosuch".into(), times: 1 }).contains("no fault switch")
    );
}

#[test]
fn started_by_hand_it_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_dns")).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("grange start"));
}
