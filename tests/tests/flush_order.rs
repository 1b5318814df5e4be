//! What the system sees: the disk is flushed before the 250, and sessions share flushes.

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
    /// `None` where it is not installed or not allowed.
    fn of(pid: u32) -> Option<Self> {
        let strace = tools::find("strace")?;
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut child = Command::new(strace)
            .args(["-f", "-s", "120", "-e", "trace=fdatasync,fsync,sendto,write,writev", "-o"])
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
    let Some(trace) = Trace::of(worker(&grange)) else { return };
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
