use super::*;
use farm::config::{Paths, defaults};
use farm::event_loop::EventLoop;
use ipc::auth::{Charged, Failure, Grant, Octets, Tls};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `sesame`, cheap.
const ANN: &str = "$5$rounds=1000$abcdefgh$ErG1rn0GpODYQsD0nq3v3MbXT2boicTUhjw4zQRk1//";

fn section(directory: &Path) -> Auth {
    let at = |name: &str| directory.join(name);
    let paths = Paths { etc: at("etc"), spool: at("spool"), run: at("run"), libexec: at("libexec") };
    Auth { users: Some(at("users")), ..defaults(&paths, "mail.example.org").auth }
}

struct World {
    office: Office,
    directory: TempDir,
    now: u64,
}

fn world(change: impl FnOnce(&mut Auth)) -> World {
    let directory = tempfile::tempdir().unwrap();
    let lines = format!("ann:{ANN}:messages=2/1h senders=sales@example.org\nbob:*:cert=bob.example\n");
    fs::write(directory.path().join("users"), lines).unwrap();
    let mut section = section(directory.path());
    change(&mut section);
    let mut office = Office::new(section, [7; 32], None).unwrap();
    office.refresh(0);
    World { office, directory, now: 1_000 }
}

impl World {
    fn begin(&mut self, ticket: u64, mechanism: &str, initial: &[u8]) {
        self.begin_from(ticket, mechanism, initial, 7, None);
    }

    fn begin_from(&mut self, ticket: u64, mechanism: &str, initial: &[u8], client: u8, tls: Option<Tls>) {
        let begin = Begin {
            ticket,
            mechanism: mechanism.into(),
            initial: Some(Octets(initial.to_vec())),
            client: Some(IpAddr::from([192, 0, 2, client])),
            listener: "192.0.2.1:587".into(),
            tls,
        };
        self.office.take(1, ToAuthd::Begin(Box::new(begin)), self.now);
    }

    /// What is told within `time` from now, in real time as long as threads work.
    fn told(&mut self, time: u64) -> Vec<FromAuthd> {
        let end = self.now + time;
        let patience = Instant::now() + Duration::from_secs(20);
        let mut told = Vec::new();
        loop {
            self.office.tick(self.now);
            while self.office.gauges()[1] > 0 && Instant::now() < patience {
                std::thread::yield_now();
                self.office.hear_threads(self.now);
                self.office.feed(self.now);
            }
            told.extend(self.office.take_out().into_iter().map(|(_, message)| message));
            match self.office.next_deadline().filter(|at| *at <= end) {
                Some(at) if at > self.now => self.now = at,
                _ => {
                    self.now = end;
                    return told;
                }
            }
        }
    }

    fn failure(&mut self, time: u64) -> Failure {
        match self.told(time).as_slice() {
            [FromAuthd::Failure { failure, .. }] => failure.clone(),
            other => panic!("no failure: {other:?}"),
        }
    }

    fn grant(&mut self) -> Grant {
        match self.told(0).as_slice() {
            [FromAuthd::Success { grant, .. }] => (**grant).clone(),
            other => panic!("no success: {other:?}"),
        }
    }
}

fn failure(temporary: bool, account: &str, reason: &str) -> Failure {
    Failure { temporary, account: account.into(), reason: reason.into() }
}

#[test]
fn a_right_password_is_a_success_with_what_is_granted() {
    let mut world = world(|_| {});
    world.begin(1, "PLAIN", b"\0Ann\0sesame");
    let grant = world.grant();
    assert_eq!(
        (grant.account.as_str(), grant.counts_messages, grant.counts_recipients),
        ("ann", true, false)
    );
    assert_eq!(grant.senders, ["sales@example.org"]);
}

#[test]
fn a_wrong_password_and_an_unknown_user_wait_for_their_answer() {
    let mut world = world(|_| {});
    world.begin(1, "PLAIN", b"\0ann\0open");
    assert!(world.told(999).is_empty());
    assert_eq!(world.failure(1), failure(false, "ann", "wrong-password"));
    world.begin(2, "PLAIN", b"\0eve\0sesame");
    assert!(world.told(1_999).is_empty());
    assert_eq!(world.failure(1), failure(false, "eve", "unknown-user"));
    world.begin(3, "PLAIN", b"\0bob\0*");
    assert_eq!(world.failure(4_000), failure(false, "bob", "no-password"));
    world.begin_from(4, "PLAIN", b"\0ann\0open", 8, None);
    assert_eq!(world.failure(1_000).reason, "wrong-password", "another client waits for its own failures");
}

#[test]
fn an_unknown_user_costs_as_much_work_as_a_known_one() {
    let mut world = world(|_| {});
    world.begin(1, "PLAIN", b"\0eve\0sesame");
    assert_eq!(world.office.gauges()[1], 1, "a password is compared");
    assert!(!world.failure(1_000).temporary);
}

#[test]
fn a_table_that_cannot_be_read_is_told_at_once_as_temporary() {
    let mut world = world(|_| {});
    fs::remove_file(world.directory.path().join("users")).unwrap();
    assert_eq!(world.office.refresh(5_000).len(), 1);
    world.begin(1, "PLAIN", b"\0ann\0sesame");
    assert_eq!(world.failure(0), failure(true, "ann", "users-file"));
    world.begin(2, "SCRAM-SHA-256", b"n,,n=ann,r=x");
    assert_eq!(world.failure(0), failure(true, "ann", "users-file"));
}

#[test]
fn too_many_questions_and_too_long_a_wait_are_temporary() {
    let mut world = world(|auth| auth.queue = 4);
    for ticket in 0..4 {
        world.begin(ticket, "PLAIN", b"\0ann\0sesame");
    }
    let told = world.office.take_out();
    assert_eq!(told.len(), 2, "two wait, of the same client");
    assert!(
        matches!(&told[0].1, FromAuthd::Failure { failure, .. } if failure.reason == "busy" && failure.temporary)
    );
    world.now += 30_000;
    // What is told now is told without a look at the threads.
    world.office.deadlines.iter().for_each(|(until, ..)| assert!(*until <= world.now));
    let told = world.told(0);
    let reasons = told
        .iter()
        .filter(|m| matches!(m, FromAuthd::Failure { failure, .. } if failure.reason == "timeout"));
    assert_eq!(reasons.count(), 2, "{told:?}");
}

#[test]
fn who_gives_up_is_forgotten() {
    let mut world = world(|_| {});
    world.begin(1, "PLAIN", b"\0ann\0sesame");
    world.office.take(1, ToAuthd::Cancel { ticket: 1 }, world.now);
    assert!(world.told(0).is_empty());
    world.begin(2, "PLAIN", b"\0ann\0open");
    world.office.forget(1);
    assert!(world.told(60_000).is_empty() && world.office.is_idle());
}

#[test]
fn an_answer_before_the_question_is_malformed() {
    let mut world = world(|_| {});
    world.begin(1, "PLAIN", b"\0ann\0sesame");
    world.office.take(1, ToAuthd::Continue { ticket: 1, response: Octets::default() }, world.now);
    assert_eq!(world.failure(1_000).reason, "malformed");
}

#[test]
fn only_what_is_offered_is_taken() {
    let mut world = world(|auth| auth.mechanisms = vec!["SCRAM-SHA-256".into()]);
    assert_eq!(world.office.mechanisms(), ["SCRAM-SHA-256"]);
    for (ticket, mechanism) in (1..).zip(["PLAIN", "CRAM-MD5", ""]) {
        world.begin_from(ticket, mechanism, b"\0ann\0sesame", 10 + u8::try_from(ticket).unwrap(), None);
        assert_eq!(world.failure(1_000), failure(false, "", "mechanism"));
    }
}

#[test]
fn a_certificate_is_enough_if_it_is_ours() {
    let mut world = world(|_| {});
    let tls = |name: &str| Some(Tls { names: vec![name.into()], ..Tls::default() });
    world.begin_from(1, "EXTERNAL", b"", 7, tls("BOB.example"));
    assert_eq!(world.grant().account, "bob");
    world.begin_from(2, "EXTERNAL", b"ann", 7, tls("bob.example"));
    assert_eq!(world.failure(1_000), failure(false, "ann", "certificate"));
    world.begin_from(3, "EXTERNAL", b"", 8, None);
    assert_eq!(world.failure(1_000), failure(false, "", "no-certificate"));
}

#[test]
fn scram_without_keys_goes_to_the_end_and_fails_there() {
    let mut world = world(|_| {});
    for (ticket, user, reason) in [(1, "ann", "no-scram-keys"), (2, "eve", "unknown-user")] {
        world.begin_from(
            ticket,
            "SCRAM-SHA-256",
            format!("n,,n={user},r=x").as_bytes(),
            20 + u8::try_from(ticket).unwrap(),
            None,
        );
        let challenge = match world.told(0).as_slice() {
            [FromAuthd::Challenge { challenge, .. }] => String::from_utf8(challenge.0.clone()).unwrap(),
            other => panic!("no challenge: {other:?}"),
        };
        let nonce = challenge.split(',').next().unwrap();
        let proof = format!("c=biws,{nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        world.office.take(1, ToAuthd::Continue { ticket, response: Octets(proof.into_bytes()) }, world.now);
        assert_eq!(world.failure(1_000), failure(false, user, reason));
    }
}

#[test]
fn charges_are_counted_for_all_callers_together() {
    let mut world = world(|_| {});
    let charge = |ticket| Charge { ticket, account: "ann".into(), messages: 1, recipients: 0 };
    for caller in 1..=3 {
        world.office.take(caller, ToAuthd::Charge(charge(9)), world.now);
    }
    let told = world.office.take_out();
    let verdicts: Vec<bool> = told
        .iter()
        .map(|(_, message)| matches!(message, FromAuthd::Charged { ticket: 9, verdict: Charged::Go }))
        .collect();
    assert_eq!(verdicts, [true, true, false]);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [1, 2, 3]);
}

/// A service in Dovecot's place: greets, then answers each line by `answer`; ends when that gives nothing.
fn service(
    path: &Path,
    answer: impl Fn(&str) -> Option<String> + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"VERSION\t1\t2\nMECH\tPLAIN\nMECH\tSCRAM-SHA-256-PLUS\nMECH\tX-OLD\nDONE\n")
            .unwrap();
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            let Some(reply) = answer(&line.unwrap()) else { return };
            stream.write_all(reply.as_bytes()).unwrap();
        }
    })
}

/// Runs the loop until something is told.
fn turn(office: &mut Office, event_loop: &mut EventLoop) -> Vec<FromAuthd> {
    let patience = Instant::now() + Duration::from_secs(20);
    let mut ready = Vec::new();
    loop {
        let now = event_loop.now().mono;
        office.tend_dovecot(event_loop, now);
        office.tick(now);
        office.flush_dovecot(event_loop, now);
        let told = office.take_out();
        if !told.is_empty() || Instant::now() > patience {
            return told.into_iter().map(|(_, message)| message).collect();
        }
        event_loop.turn(Some(now + 50), &mut ready).unwrap();
        office.hear_dovecot(event_loop, event_loop.now().mono);
    }
}

#[test]
fn dovecot_decides_where_it_is_asked_and_its_loss_is_temporary() {
    let mut world = world(|auth| auth.failure_delay = 0);
    let path = world.directory.path().join("auth");
    let served = service(&path, |line| {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["AUTH", id, "PLAIN", .., "resp=AGFubgBzZXNhbWU="] => {
                Some(format!("OK\t{id}\tuser=ann@example.org\n"))
            }
            ["AUTH", id, "PLAIN", ..] => Some(format!("CONT\t{id}\t\n")),
            ["CONT", id, "AGV2ZQB4"] => Some(format!("FAIL\t{id}\tuser=eve\n")),
            ["CONT", ..] => None,
            _ => Some(String::new()),
        }
    });
    let section = world.office.section.clone();
    world.office.reconfigure(section, Some(Link::new(&path, 5)));
    assert_eq!(world.office.refresh(0), []);
    assert_eq!(world.office.mechanisms(), ["PLAIN", "LOGIN"], "nothing is known of it yet");
    let mut event_loop = EventLoop::new().unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while world.office.mechanisms().len() > 1 && Instant::now() < patience {
        turn_once(&mut world.office, &mut event_loop);
    }
    assert_eq!(world.office.changed_mechanisms().unwrap(), ["PLAIN"]);
    world.now = event_loop.now().mono;
    world.begin(1, "PLAIN", b"\0ann\0sesame");
    let told = turn(&mut world.office, &mut event_loop);
    assert!(
        matches!(&told[..], [FromAuthd::Success { grant, .. }] if grant.account == "ann@example.org"),
        "{told:?}"
    );
    for (ticket, response, expected) in [
        (2, &b"\0eve\0x"[..], failure(false, "eve", "wrong-password")),
        (3, b"", failure(true, "", "backend")),
    ] {
        world.begin(ticket, "PLAIN", b"");
        assert!(matches!(&turn(&mut world.office, &mut event_loop)[..], [FromAuthd::Challenge { .. }]));
        let response = Octets(response.to_vec());
        world.office.take(1, ToAuthd::Continue { ticket, response }, world.now);
        let told = turn(&mut world.office, &mut event_loop);
        assert!(
            matches!(&told[..], [FromAuthd::Failure { failure, .. }] if *failure == expected),
            "{told:?}"
        );
    }
    assert!(
        matches!(world.office.link().unwrap().news(), Some(Some(why)) if why.contains("closed the connection"))
    );
    served.join().unwrap();
}

fn turn_once(office: &mut Office, event_loop: &mut EventLoop) {
    let now = event_loop.now().mono;
    office.tend_dovecot(event_loop, now);
    office.flush_dovecot(event_loop, now);
    event_loop.turn(Some(now + 50), &mut Vec::new()).unwrap();
    office.hear_dovecot(event_loop, event_loop.now().mono);
}
