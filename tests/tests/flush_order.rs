//! What the system sees: the disk is flushed before the 250, and sessions share flushes.
//!
//! `FLUSH_MESSAGES` sets how many messages are traced at full speed (1,000 in the ordinary run).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use system_tests::client::stuffed;
use system_tests::daemon::signal;
use system_tests::{Client, Grange, tools, wait_until};

const CONTENT: &[u8] = b"Subject: hello\r\n\r\nhello\r\n";

/// `strace` on one process.
struct Trace {
    child: Child,
    file: tempfile::NamedTempFile,
}

impl Trace {
    /// Traces these calls, with so many octets of what they carry. `None` where it is not installed or not allowed.
    fn of(pid: u32, calls: &str, octets: u32) -> Option<Self> {
        let strace = tools::find("strace")?;
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut child = Command::new(strace)
            .args(["-f", "-s", &octets.to_string(), "-e", &format!("trace={calls}"), "-o"])
            .arg(file.path())
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        if line.contains("not permitted") {
            println!("skipped: this user may not trace processes here");
            let _ended = child.wait();
            return None;
        }
        assert!(line.contains("attached"), "{line}");
        Some(Self { child, file })
    }

    /// Ends it: its lines.
    fn finish(mut self) -> Vec<String> {
        signal(self.child.id(), "-INT");
        let _ended = self.child.wait();
        std::fs::read_to_string(self.file.path()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// The one process that talks to clients.
fn worker(grange: &Grange) -> u32 {
    let is_worker = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.ends_with(b"\0worker\0"))
    };
    grange.pids("smtpserver").into_iter().find(is_worker).expect("a worker")
}

/// A line that says that a flush has succeeded.
fn is_flush(line: &str) -> bool {
    (line.contains("fdatasync") || line.contains("fsync")) && line.trim_end().ends_with("= 0")
}

/// A line that says that a message was accepted.
fn is_acceptance(line: &str) -> bool {
    line.contains("\"250 2.0.0 ") && line.contains(" accepted")
}

/// A Grange with one worker that delivers nothing, so that the worker is all there is to see.
fn grange() -> Grange {
    Grange::relaying_to(
        9,
        "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n[scheduler]\nretry = [\"1h\"]\n",
    )
}

#[test]
fn a_lone_session_gets_its_flush_before_each_250() {
    let grange = grange();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], CONTENT), 250);
    let Some(trace) = Trace::of(worker(&grange), "fdatasync,fsync,sendto,write,writev", 120) else { return };
    for _ in 0..20 {
        assert_eq!(client.deliver("you@client.example", &["ann@far.example"], CONTENT), 250);
    }
    let lines = trace.finish();
    let mut flushed = false;
    let mut accepted = 0;
    for line in &lines {
        flushed |= is_flush(line);
        if is_acceptance(line) {
            assert!(flushed, "a 250 without a flush before it: {}", lines.join("\n"));
            flushed = false;
            accepted += 1;
        }
    }
    assert_eq!(accepted, 20, "{}", lines.join("\n"));
}

/// The ids that records in this line of a trace begin with.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    line.split(" R1 ").skip(1).filter_map(|rest| rest.get(..18))
}

/// Reads a trace as the disk would have it: a message is durable once a flush that began after its record was written has
/// succeeded, in the same thread. Gives how many messages were acknowledged, or the line in which one was too early.
fn acknowledged_when_durable(lines: &[String]) -> Result<usize, &str> {
    let mut written: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut durable = BTreeSet::new();
    let mut acknowledged = 0;
    for line in lines {
        let (thread, call) = line.split_once(char::is_whitespace).unwrap_or_default();
        if call.contains("pwrite64(") {
            written.entry(thread).or_default().extend(ids(call));
        } else if is_flush(call) {
            durable.extend(written.remove(thread).unwrap_or_default());
        } else if is_acceptance(call) {
            for (id, _) in call.split("250 2.0.0 ").skip(1).filter_map(|rest| rest.split_once(" accepted")) {
                if !durable.contains(id) {
                    return Err(line);
                }
                acknowledged += 1;
            }
        }
    }
    Ok(acknowledged)
}

#[test]
fn at_full_speed_each_250_comes_after_the_flush_that_holds_its_message() {
    let grange = grange();
    let messages = std::env::var("FLUSH_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let sessions = 50;
    let Some(trace) = Trace::of(worker(&grange), "pwrite64,fdatasync,sendto", 1 << 22) else { return };
    std::thread::scope(|scope| {
        for _ in 0..sessions {
            scope.spawn(|| {
                let mut client = grange.connect();
                client.expect(250, "EHLO client.example");
                for _ in 0..messages / sessions {
                    let taken = client.deliver("you@client.example", &["ann@far.example"], CONTENT);
                    assert_eq!(taken, 250, "{}", client.last);
                }
            });
        }
    });
    let lines = trace.finish();
    let flushes = lines.iter().filter(|line| is_flush(line)).count();
    let acknowledged = acknowledged_when_durable(&lines).unwrap();
    println!(
        "{acknowledged} messages of {sessions} sessions, each acknowledged after its flush: {flushes} flushes"
    );
    assert_eq!(acknowledged, messages);
    assert!(flushes * 2 < messages, "{flushes}");
}

#[test]
fn a_250_before_its_flush_is_found_out() {
    let line = |text: &str| format!("77 {text}");
    let record = "D2099FNPNGCGAG0400";
    let write = line(&format!("pwrite64(9, \"3ca7 R1 {record} 000000004096\\n\", 4096, 4096) = 4096"));
    let flush = line("fdatasync(9) = 0");
    let reply = line(&format!("sendto(8, \"250 2.0.0 {record} accepted\\r\\n\", 40, 0, NULL, 0) = 40"));
    assert_eq!(acknowledged_when_durable(&[write.clone(), flush.clone(), reply.clone()]), Ok(1));
    for wrong in [[write.clone(), reply.clone(), flush.clone()], [flush, write, reply.clone()]] {
        assert_eq!(acknowledged_when_durable(&wrong), Err(reply.as_str()));
    }
}

/// Sends one message up to the final dot, and waits for the others before it sends that.
fn send_together(port: u16, barrier: &std::sync::Barrier, rounds: usize) {
    let mut client = Client::connect(port);
    client.expect(250, "EHLO client.example");
    for _ in 0..rounds {
        client.expect(250, "MAIL FROM:<you@client.example>").expect(250, "RCPT TO:<ann@far.example>");
        client.expect(354, "DATA");
        barrier.wait();
        client.send(&stuffed(CONTENT));
        assert_eq!(client.reply(), 250, "{}", client.last);
    }
}

#[test]
fn sessions_that_end_together_share_a_flush() {
    let grange = grange();
    let (sessions, rounds) = (50, 10);
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(sessions));
    let before = grange.gauge("smtpserver", "flushes");
    let port = grange.port;
    let threads: Vec<_> = (0..sessions)
        .map(|_| {
            let barrier = std::sync::Arc::clone(&barrier);
            std::thread::spawn(move || send_together(port, &barrier, rounds))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let messages = sessions * rounds;
    wait_until("all are counted", || grange.gauge("smtpserver", "accepted") == messages as f64);
    let flushes = grange.gauge("smtpserver", "flushes") - before;
    println!("{messages} messages of {sessions} sessions took {flushes} flushes");
    assert!(flushes >= 1.0 && flushes < messages as f64 / 2.0, "{flushes}");
}
