//! Descriptors run short: sessions stay within what there is, the master waits and goes on by itself, no mail is lost.

use std::process::Command;
use system_tests::daemon::local_user;
use system_tests::{Client, Grange, wait_until};

#[test]
fn sessions_stay_within_the_descriptors_of_the_workers_and_no_mail_is_lost() {
    let mut grange = Grange::prepare("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    grange.open_files = Some(128);
    grange.go();
    // A session has a socket and maybe a file; some descriptors are the worker's own.
    let mut clients: Vec<Client> = (0..32).map(|_| grange.connect()).collect();
    let mut late = Client::raw(grange.port);
    assert_eq!(late.reply(), 421, "{}", late.last);
    grange.wait_for_line(&["smtpserver turned-away client=127.0.0.1 ", " rule=sessions value=33 limit=32 "]);
    // All of them at once with messages so large that each gets a file of its own.
    let to = format!("{}@example.org", local_user());
    for client in &mut clients {
        client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
        client.expect(250, &format!("RCPT TO:<{to}>")).expect(354, "DATA");
        client.send(format!("Subject: x\r\n\r\n{}", "0123456789\r\n".repeat(40_000)).as_bytes());
    }
    for client in &mut clients {
        client.send(b".\r\n");
        assert_eq!(client.reply(), 250, "{}", client.last);
    }
    drop(clients);
    wait_until("there is room again", || Client::try_connect(grange.port).is_some());
    assert_eq!(grange.wait_for_mail(&local_user(), 32).len(), 32);
    assert!(!grange.journal().contains("smtpserver exited"), "{}", grange.journal());
}

/// The process that accepts.
fn master(grange: &Grange) -> u32 {
    let is_master = |pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.ends_with(b"smtpserver\0master\0")
    };
    grange.survivors().into_iter().find(is_master).unwrap()
}

/// The highest descriptor that may be open, so that this process has `free` ones left.
fn ceiling(pid: u32, free: usize) -> usize {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let open: Vec<usize> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    (0..).filter(|number| !open.contains(number)).nth(free).unwrap()
}

/// Sets how many descriptors a process may have from now on.
fn limit_files(pid: u32, most: &str) {
    let status = Command::new("prlimit")
        .args([&format!("--pid={pid}"), &format!("--nofile={most}:")])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_master_that_is_out_of_descriptors_says_so_keeps_everybody_and_goes_on_by_itself() {
    let grange = Grange::start("");
    let master = master(&grange);
    let mut before = grange.connect();
    limit_files(master, &ceiling(master, 1).to_string());
    let mut clients: Vec<Client> = (0..50).map(|_| Client::raw(grange.port)).collect();
    let line = grange.wait_for_line(&["smtpserver paused why="]);
    assert!(line.contains("Too many open files"), "{line}");
    // Who is there is served; who waits waits, and nobody is sent away.
    before.expect(250, "EHLO client.example");
    let to = format!("{}@example.org", local_user());
    assert_eq!(before.deliver("you@client.example", &[&to], b"Subject: x\r\n\r\n"), 250, "{}", before.last);
    limit_files(master, "20000");
    for client in &mut clients {
        assert_eq!(client.reply(), 220, "{}", client.last);
    }
    grange.wait_for_line(&["smtpserver resumed time="]);
    grange.serves();
    assert!(!grange.journal().contains(" exited "), "{}", grange.journal());
    assert_eq!(self::master(&grange), master);
}
