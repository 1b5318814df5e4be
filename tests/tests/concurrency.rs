//! Many sessions at once, with Postfix's load generator and sink.
//!
//! `CONCURRENCY_MESSAGES` and `CONCURRENCY_SESSIONS` set other numbers than those of the ordinary run.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use system_tests::daemon::{is_root, kill, local_user};
use system_tests::{Client, Grange, tools, wait_until};

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// A running `smtp-sink` that writes each message to a file.
struct SmtpSink {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl SmtpSink {
    fn start(program: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new(program);
        if is_root() {
            let user = local_user();
            assert!(Command::new("chown").arg(&user).arg(directory.path()).status().unwrap().success());
            command.args(["-u", &user]);
        }
        let child = command
            .args(["-d", "message.", &format!("127.0.0.1:{port}"), "500"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("smtp-sink listens", || Client::try_connect(port).is_some());
        Self { child, port, directory }
    }

    fn count(&self) -> usize {
        let files = std::fs::read_dir(self.directory.path()).unwrap().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("message.")).count()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        kill(self.child.id());
        let _reaped = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn every_message_of_many_sessions_arrives() {
    let (Some(source), Some(sink)) = (tools::find("smtp-source"), tools::find("smtp-sink")) else { return };
    let messages = setting("CONCURRENCY_MESSAGES", 2000);
    let sessions = setting("CONCURRENCY_SESSIONS", 20);
    let sink = SmtpSink::start(&sink);
    let grange = Grange::relaying_to(sink.port, "");
    let began = Instant::now();
    let sent = Command::new(source)
        .args(["-s", &sessions.to_string(), "-m", &messages.to_string(), "-l", "4096"])
        .args(["-f", "from@client.example", "-t", "to@far.example", &format!("127.0.0.1:{}", grange.port)])
        .output()
        .unwrap();
    let accepted = began.elapsed();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    // More than the usual patience if there are more messages than usual.
    for _ in 0..=messages / 2000 {
        if sink.count() < messages {
            let before = sink.count();
            wait_until("messages arrive", || sink.count() > before || sink.count() == messages);
        }
    }
    wait_until("all arrive", || sink.count() >= messages);
    let delivered = began.elapsed();
    grange.wait_until_empty();
    assert_eq!(sink.count(), messages, "each once");
    wait_until("the gauges return to zero", || {
        ["sessions", "transactions"].iter().all(|gauge| grange.gauge("smtpserver", gauge) == 0.0)
    });
    wait_until("all are counted", || grange.gauge("smtpserver", "accepted") == messages as f64);
    let flushes = grange.gauge("smtpserver", "flushes");
    println!(
        "{messages} messages in {sessions} sessions: accepted in {:.2} s, delivered in {:.2} s, {flushes} flushes",
        accepted.as_secs_f64(),
        delivered.as_secs_f64()
    );
    assert!(flushes > 0.0 && flushes < messages as f64, "sessions share flushes: {flushes}");
}
