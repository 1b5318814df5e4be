//! `grange profile`: what is counted, where, and when counting ends.

use serde_json::Value;
use std::collections::BTreeSet;
use system_tests::daemon::local_user;
use system_tests::{Grange, Sink, wait_until};

const CONTENT: &[u8] = b"Subject: hello\r\n\r\nhello\r\n";

/// Every operation, with a role that a message to this host or to another one makes count it.
const EXPECTED: [(&str, &str); 13] = [
    ("accept", "smtpserver-master"),
    ("pass", "smtpserver-master"),
    ("parse", "smtpserver"),
    ("ask", "smtpserver"),
    ("commit-wait", "smtpserver"),
    ("flush", "smtpserver"),
    ("hint", "smtpserver"),
    ("schedule", "scheduler"),
    ("job", "scheduler"),
    ("connect", "smtp"),
    ("deliver", "smtp"),
    ("deliver", "mailbox"),
    ("disposition", "scheduler"),
];

fn profile(grange: &Grange, verb: &str) -> String {
    let output = grange.grange(&["profile", verb]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Sends so many messages, each to a user of this host and to one elsewhere.
fn send(grange: &Grange, messages: usize) {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for n in 0..messages {
        let (here, there) = (format!("{}@example.org", local_user()), format!("ann{n}@far.example"));
        assert_eq!(client.deliver("you@client.example", &[&here, &there], CONTENT), 250, "{}", client.last);
    }
    client.expect(221, "QUIT");
}

fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("{field} is a number in {row}"))
}

/// The count of an operation in a role; 0 if there is no such row.
fn count(rows: &[Value], (operation, role): (&str, &str)) -> u64 {
    let row = rows.iter().find(|row| row["operation"] == operation && row["role"] == role);
    row.map_or(0, |row| number(row, "count"))
}

#[test]
fn every_operation_is_counted_while_the_profile_is_on() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    assert_eq!(profile(&grange, "show"), "profiling is off; nothing was counted\n");
    assert_eq!(profile(&grange, "on"), "profiling is on\n");
    send(&grange, 3);
    sink.wait_for(3);
    grange.wait_for_mail(&local_user(), 3);
    grange.wait_until_empty();
    let rows = grange.json(&["profile", "show"]);
    for expected in EXPECTED {
        assert!(count(&rows, expected) > 0, "{expected:?} in {rows:#?}");
    }
    for row in &rows {
        let [p50, p90, p99, max] = ["p50", "p90", "p99", "max"].map(|field| number(row, field));
        assert!(p50 <= p90 && p90 <= p99 && p99 <= max, "{row}");
        assert!(max <= number(row, "total"), "{row}");
    }
    assert_eq!(count(&rows, ("commit-wait", "smtpserver")), 3);
    assert_eq!(count(&rows, ("deliver", "smtp")), 3);
    assert_eq!(count(&rows, ("disposition", "scheduler")), 6);
    let shares: f64 = rows.iter().filter_map(|row| row["share"].as_f64()).sum();
    assert!((shares - 1.0).abs() < 0.001, "{shares}");
    let page = profile(&grange, "show");
    let operations: BTreeSet<&str> = EXPECTED.iter().map(|(operation, _)| *operation).collect();
    assert!(operations.iter().all(|operation| page.contains(operation)), "{page}");
}

#[test]
fn off_stops_counting_and_keeps_what_was_counted() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    profile(&grange, "on");
    send(&grange, 2);
    sink.wait_for(2);
    grange.wait_until_empty();
    assert_eq!(profile(&grange, "off"), "profiling is off\n");
    let before = grange.json(&["profile", "show"]);
    assert_eq!(count(&before, ("commit-wait", "smtpserver")), 2);
    send(&grange, 2);
    sink.wait_for(4);
    grange.wait_until_empty();
    assert_eq!(grange.json(&["profile", "show"]), before);
    profile(&grange, "on");
    let again = grange.json(&["profile", "show"]);
    assert_eq!(count(&again, ("commit-wait", "smtpserver")), 0, "on begins anew");
}

#[test]
fn a_worker_that_starts_later_counts_too() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    profile(&grange, "on");
    send(&grange, 1);
    let old = grange.pids("smtpserver");
    let fault = grange.grange(&["fault", "smtpserver/drop-connection", "1"]);
    assert!(fault.status.success());
    // The worker dies of this connection, and its successor gets it.
    send(&grange, 1);
    wait_until("another worker", || grange.pids("smtpserver") != old);
    let rows = grange.json(&["profile", "show"]);
    assert_eq!(count(&rows, ("commit-wait", "smtpserver")), 1, "{rows:#?}");
    assert_eq!(count(&rows, ("accept", "smtpserver-master")), 2, "{rows:#?}");
}
